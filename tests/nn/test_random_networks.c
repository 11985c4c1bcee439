/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random small networks of layers of every family, branches in branches included, with
 * samples of different lengths in every second one: all gradients against central
 * differences, on shapes down to one step, one sample, one channel, one class.
 */
#include "differences.h"
#include "drawn.h"
#include "nn/layer.h"

#define NETWORKS 400
#define LARGEST_BATCH 4
#define LARGEST_STEPS 9
#define LARGEST_CHANNELS 6
#define LARGEST_CLASSES 4
#define NUMBERS_EACH 4 /* checked of each tensor */
#define STEP 8e-3

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
  fr_net *net = drawn_net(rng, piece, in, classes);
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
  size_t all = 0, all_passed = 0, of_piece[DRAWN_PIECES] = {0};
  for (size_t i = 0; i < NETWORKS; i++) {
    const char *piece = drawn_pieces[i % DRAWN_PIECES];
    if (!has_family(piece))
      continue;
    size_t checked = 0, passed = 0;
    check_piece(&rng, piece, &checked, &passed);
    all += checked;
    of_piece[i % DRAWN_PIECES] += checked;
    all_passed += passed;
  }
  print_message("%zu numbers, %zu of them beside a corner\n", all, all_passed);
  for (size_t i = 0; i < DRAWN_PIECES; i++)
    if (of_piece[i] == 0 && has_family(drawn_pieces[i]))
      fail_msg("no network with '%s'", drawn_pieces[i]);
  assert_true(all > 30 * NETWORKS && 20 * all_passed < all);
}

static bool among_pieces(const char *name) {
  for (size_t i = 0; i < DRAWN_PIECES; i++)
    if (strncmp(drawn_pieces[i], name, strlen(name)) == 0 &&
        strchr("(", drawn_pieces[i][strlen(name)]))
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
