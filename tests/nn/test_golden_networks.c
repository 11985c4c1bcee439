/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four networks in full beside PyTorch (tests/golden/networks.txt): outputs of three
 * samples, what is left of each gradient tensor in a few figures, ten losses by plain
 * descent and by Adam.
 */
#include "golden.h"

#define SAMPLES 16
#define SIGNS 4
#define FIGURES (SAMPLES + 2 + SIGNS)

/*
 * Against double precision, gradients are off by some 1e-6 of their norm, as PyTorch's
 * own in float32 are. A difference e of two gradients changes a product with random signs
 * by |e| in the mean, so that one that is off by SHARE of its norm mostly fails in one
 * of the four, and one that is off by ten times as much passes them all once in 25,000
 * times. Single numbers are compared with the root mean square of the tensor.
 */
#define SHARE 1e-4
#define SHARE_SAMPLE 2e-4
#define SHARE_OUTPUT 1e-5
#define SHARE_CURVE 2e-5
#define SHARE_AFTER 1e-3 /* ten steps of training widen what rounding began */
/* No rectifier is near its corner in the first step, but in later ones some of n2's five
 * million are; one that falls on the other side changes the gradient of its channel by a
 * hundredth, and Adam makes steps of the full rate even from small gradients. */
#define SHARE_CURVE_N2 1e-3

static int setup(void **state) {
  *state = golden_new("networks.txt");
  return 0;
}

static int teardown(void **state) {
  golden_free(*state);
  return 0;
}

/* The figures of layers.py's `summary`. */
static void summarize(const char *name, const float *g, size_t count,
                      double figure[FIGURES]) {
  char key[100];
  snprintf(key, sizeof key, "sample %s", name);
  memset(figure, 0, FIGURES * sizeof *figure);
  for (size_t i = 0; i < SAMPLES; i++)
    figure[i] = (double)g[golden_below(count, key, 0, i)];
  for (size_t i = 0; i < count; i++) {
    const double value = (double)g[i];
    const uint64_t bits = golden_bits("sign", 0, i);
    figure[SAMPLES] += value;
    figure[SAMPLES + 1] += value * value;
    for (size_t s = 0; s < SIGNS; s++)
      figure[SAMPLES + 2 + s] += (bits >> s & 1) != 0 ? value : -value;
  }
}

static void gradient_agrees(const golden_case *c, const char *name, const float *g,
                            size_t count) {
  const golden_entry *entry = golden_entry_of(c, "gradient", name);
  assert_int_equal(entry->count, FIGURES);
  double got[FIGURES];
  char what[300];
  summarize(name, g, count, got);
  const double square = entry->number[SAMPLES + 1], norm = sqrt(square);
  const double mean = norm / sqrt((double)count);
  for (size_t i = 0; i < FIGURES; i++) {
    const double tolerance = i < SAMPLES        ? SHARE_SAMPLE * mean
                             : i == SAMPLES + 1 ? 2 * SHARE * square
                                                : SHARE * norm;
    snprintf(what, sizeof what, "case %s: gradient %s, figure %zu", c->entry->text, name,
             i);
    assert_near(got[i], entry->number[i], tolerance, what);
  }
}

static void gradients_agree(const golden_case *c) {
  size_t count = 0, wanted = 0;
  const fr_tensor *tensor = fr_net_tensors(c->net, &count);
  for (size_t i = 0; i < count; i++)
    if (tensor[i].gradient) {
      gradient_agrees(c, tensor[i].name, tensor[i].gradient, tensor[i].count);
      wanted++;
    }
  gradient_agrees(c, "input", c->dx, c->batch * c->inputs);
  for (size_t i = 0; i < c->entry_count; i++)
    wanted -= strcmp(c->entry[i].word, "gradient") == 0;
  assert_int_equal(wanted + 1, 0);
}

/* The first, the middle and the last sample. */
static void output_agrees(const golden_case *c, const char *word, double share) {
  const size_t row[3] = {0, c->batch / 2, c->batch - 1};
  const golden_entry *entry = golden_entry_of(c, word, NULL);
  assert_int_equal(entry->count, 3 * c->classes);
  float *got = malloc(entry->count * sizeof *got);
  for (size_t i = 0; i < 3; i++)
    memcpy(got + i * c->classes, c->output + row[i] * c->classes,
           c->classes * sizeof *got);
  golden_agree(c, got, entry, share, 0);
  free(got);
}

/* The losses to within `share`. */
static void case_agrees(golden_case *c, double share) {
  fr_optimizer_options sgd = {.kind = FR_OPTIMIZER_SGD,
                              .learning_rate =
                                  (float)golden_entry_of(c, "rate", NULL)->number[0]};
  fr_optimizer_options adam = fr_optimizer_usual_options(FR_OPTIMIZER_ADAM);
  adam.learning_rate = 0.001f;
  golden_pass(c, true);
  output_agrees(c, "output", SHARE_OUTPUT);
  gradients_agree(c);
  golden_fill_tensors(c);
  golden_curve(c, "sgd", &sgd, share);
  golden_forward(c, false);
  output_agrees(c, "after", SHARE_AFTER);
  golden_fill_tensors(c);
  golden_curve(c, "adam", &adam, share);
}

static void network_agrees(void **state, const char *name, double share) {
  const golden_file *file = *state;
  for (size_t at = 0; at < file->entry_count; at++)
    if (strcmp(file->entry[at].word, "case") == 0 &&
        strcmp(file->entry[at].text, name) == 0) {
      golden_case c = golden_open(file, &at);
      case_agrees(&c, share);
      golden_close(&c);
      return;
    }
  fail_msg("no case %s", name);
}

/* With its whole batch a network takes seconds, and minutes in a sanitizer. */
static void batch_agrees(void **state, const char *name, double share) {
  if (SANITIZED)
    skip();
  network_agrees(state, name, share);
}

static void both_sides_make_the_same_numbers(void **state) { golden_check_hash(*state); }

static void few_samples_agree(void **state) {
  network_agrees(state, "n1-few", SHARE_CURVE);
  network_agrees(state, "n2-few", SHARE_CURVE);
  network_agrees(state, "n3-few", SHARE_CURVE);
  network_agrees(state, "n4-few", SHARE_CURVE);
}

static void samples_of_their_own_lengths_agree(void **state) {
  network_agrees(state, "n3-lengths", SHARE_CURVE);
}

static void n1_agrees(void **state) { batch_agrees(state, "n1", SHARE_CURVE); }
static void n2_agrees(void **state) { batch_agrees(state, "n2", SHARE_CURVE_N2); }
static void n3_agrees(void **state) { batch_agrees(state, "n3", SHARE_CURVE); }
static void n4_agrees(void **state) { batch_agrees(state, "n4", SHARE_CURVE); }

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_sides_make_the_same_numbers),
      cmocka_unit_test(few_samples_agree),
      cmocka_unit_test(samples_of_their_own_lengths_agree),
      cmocka_unit_test(n1_agrees),
      cmocka_unit_test(n2_agrees),
      cmocka_unit_test(n3_agrees),
      cmocka_unit_test(n4_agrees),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
