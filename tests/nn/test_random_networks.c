/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random small networks of layers of every family, branches in branches included, with
 * samples of different lengths in every second one: all gradients against central
 * differences, on shapes down to one step, one sample, one channel, one class.
 */
#include "differences.h"
#include "nn/layer.h"

#define NETWORKS 400
#define LARGEST_BATCH 4
#define LARGEST_STEPS 9
#define LARGEST_CHANNELS 6
#define LARGEST_CLASSES 4
#define NUMBERS_EACH 4 /* checked of each tensor */
#define STEP 8e-3

/* %c: a small count; %p: a padding; %n: layers. */
static const char *const pieces[] = {
    "dense(%c)",
    "conv1d(%c,%c%p)",
    "conv1d(%c,%c,2%p)",
    "conv1d(%c,2,dilation=%c%p)",
    "conv1d(4,%c,groups=2%p)",
    "conv1d(6,2,dilation=2,groups=3%p)",
    "conv1d(6,%c,groups=6%p)",
    "lstm(%c)",
    "lstm(%c,all)",
    "lstm(%c,all,both)",
    "lstm(%c,last,both)",
    "gru(%c)",
    "gru(%c,all)",
    "gru(%c,all,both)",
    "gru(%c,last,both)",
    "attention(1)",
    "attention(2)",
    "maxpool(2)",
    "maxpool(all)",
    "avgpool(2)",
    "avgpool(all)",
    "bn(0.1)",
    "layernorm(0.1)",
    "dropout(0.3)",
    "spatialdropout(0.3)",
    "relu",
    "leaky(0.2)",
    "gelu",
    "hardswish",
    "sigmoid",
    "tanh",
    "softmax",
    "flatten",
    "residual(%n)",
    "parallel(%n | %n)",
    "parallel(%n | | %n)",
};

#define PIECES (sizeof pieces / sizeof pieces[0])
#define TEXT 1024

static void add(char *text, const char *more) {
  assert_true(strlen(text) + strlen(more) < TEXT);
  strcat(text, more);
}

static void add_layers(fr__rng *rng, size_t depth, char *text);

/* A piece with its places filled. */
static void add_piece(fr__rng *rng, size_t depth, const char *piece, char *text) {
  static const char *const paddings[] = {"", ",pad=same", ",pad=causal", ",pad=none"};
  for (const char *p = piece; *p; p++) {
    char one[8] = {*p};
    if (*p != '%') {
      add(text, one);
      continue;
    }
    p++;
    if (*p == 'n') {
      add_layers(rng, depth + 1, text);
    } else if (*p == 'p') {
      add(text, paddings[fr__rng_below(rng, 4)]);
    } else {
      snprintf(one, sizeof one, "%zu", 1 + fr__rng_below(rng, 6));
      add(text, one);
    }
  }
}

static void add_layers(fr__rng *rng, size_t depth, char *text) {
  const size_t count = 1 + fr__rng_below(rng, 2);
  for (size_t i = 0; i < count; i++) {
    const size_t most = depth < 2 ? PIECES : PIECES - 3; /* the last ones nest */
    add(text, i > 0 ? " " : "");
    add_piece(rng, depth, pieces[fr__rng_below(rng, most)], text);
  }
}

/* A text that is accepted, of three pieces of which `wanted` is the second; NULL where
 * none was found. */
static fr_net *draw_net(fr__rng *rng, const char *wanted, fr_shape in, size_t classes) {
  for (int tries = 0; tries < 200; tries++) {
    char text[TEXT] = "conv1d(6,1) ";
    add_layers(rng, 0, text);
    add(text, " ");
    add_piece(rng, 0, wanted, text);
    add(text, " ");
    add_layers(rng, 0, text);
    add(text, " dense(classes)");
    fr_net *net = NULL;
    if (fr_net_new(text, in, classes, &net, NULL) == FR_OK)
      return net;
  }
  return NULL;
}

/* Every second time: random lengths, and zeros behind them. */
static void cut_samples(fr__rng *rng, fr_net *net, fr_shape in, size_t batch,
                        uint32_t *length, float *x) {
  if (fr__rng_below(rng, 2) == 0)
    return;
  for (size_t b = 0; b < batch; b++) {
    length[b] = (uint32_t)(1 + fr__rng_below(rng, in.steps));
    memset(x + (b * in.steps + length[b]) * in.channels, 0,
           (in.steps - length[b]) * in.channels * sizeof *x);
  }
  fr_net_set_lengths(net, length);
}

static void check_piece(fr__rng *rng, const char *piece, size_t *checked,
                        size_t *passed) {
  const fr_shape in = {1 + fr__rng_below(rng, LARGEST_STEPS),
                       1 + fr__rng_below(rng, LARGEST_CHANNELS)};
  const size_t classes = 1 + fr__rng_below(rng, LARGEST_CLASSES);
  const size_t batch = 1 + fr__rng_below(rng, LARGEST_BATCH);
  float x[LARGEST_BATCH * LARGEST_STEPS * LARGEST_CHANNELS];
  float weight[LARGEST_BATCH * LARGEST_CLASSES];
  uint32_t length[LARGEST_BATCH];
  fr_net *net = draw_net(rng, piece, in, classes);
  if (!net)
    return;
  fr_net_init(net, fr__rng_next(rng), 0);
  ASSERT_OK(fr_net_reserve(net, batch, true, 0, err));
  probe_shake(net, rng);
  probe_spread(rng, x, batch * in.steps * in.channels);
  made_numbers(rng, -1, 1, weight, batch * classes);
  cut_samples(rng, net, in, batch, length, x);
  probe p = {.net = net,
             .batch = batch,
             .classes = classes,
             .x = x,
             .weight = weight,
             .corners = true};
  probe_net(&p, NUMBERS_EACH, STEP, rng);
  *checked += p.checked;
  *passed += p.passed;
  fr_net_free(net);
}

static bool has_family(const char *piece) {
  char name[32];
  snprintf(name, sizeof name, "%.*s", (int)strcspn(piece, "("), piece);
  return fr__layer_find(name) != NULL;
}

static void every_gradient_agrees(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 17, 0);
  size_t all = 0, all_passed = 0, of_piece[PIECES] = {0};
  for (size_t i = 0; i < NETWORKS; i++) {
    const char *piece = pieces[i % PIECES];
    if (!has_family(piece))
      continue;
    size_t checked = 0, passed = 0;
    check_piece(&rng, piece, &checked, &passed);
    all += checked;
    of_piece[i % PIECES] += checked;
    all_passed += passed;
  }
  print_message("%zu numbers, %zu of them beside a corner\n", all, all_passed);
  for (size_t i = 0; i < PIECES; i++)
    if (of_piece[i] == 0 && has_family(pieces[i]))
      fail_msg("no network with '%s'", pieces[i]);
  assert_true(all > 30 * NETWORKS && 20 * all_passed < all);
}

static bool among_pieces(const char *name) {
  for (size_t i = 0; i < PIECES; i++)
    if (strncmp(pieces[i], name, strlen(name)) == 0 &&
        strchr("(", pieces[i][strlen(name)]))
      return true;
  return false;
}

static void no_family_is_left_out(void **state) {
  (void)state;
  char names[1024];
  fr__layer_names(names, sizeof names);
  for (char *name = strtok(names, ", "); name; name = strtok(NULL, ", "))
    if (!among_pieces(name))
      fail_msg("no piece of family %s", name);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_gradient_agrees),
      cmocka_unit_test(no_family_is_left_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
