/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products in bf16 agree with float32 within what rounding their operands may do, layer
 * by layer: outputs and gradients of every case of tests/golden, all families of layers
 * and four networks in full.
 *
 * bf16 has 8 bits of significand, so rounding moves an operand by 2^-8 of itself at most.
 *
 * Linear networks, number by number. Forward, an output is a sum of products of the input
 * and a weight of each layer; the gradient of a weight is one of the input, what came
 * back, and the weights between. Each term passes m roundings, its factors' and those of
 * the sums between layers, so that it is off by ((1 + 2^-8)^m - 1) of itself at most, and
 * the sum by as much of the sum of its terms' absolute values. The latter is what the
 * same network gives for absolute values throughout. Adding n terms in float32 adds n
 * 2^-24 of it a layer, forward and back, in either network.
 *
 * Elsewhere such a bound would have to follow each number through functions and through
 * sums that cancel; the network itself knows how. Its matrices and its input, in float32,
 * are moved at random by as much as rounding may move them (uniformly within 2^-8 of each
 * number, whose mean square, 2^-16 / 3, is above that of rounding, as the numbers are 1
 * to 2 times the power of two that sets their step): D is the root mean square distance
 * that a tensor's gradient takes by that. Each product has one such operand, and one
 * more, an activation or what came back, that moves its result alike: together sqrt(2) D,
 * for the roundings are independent. The product that gives the gradient itself rounds
 * two more, each to 2^-8 / sqrt(3) of its norm. The distance from float32 is then a sum
 * of many independent terms, so that three times its expected root mean square bounds it.
 */
#include "golden.h"

#define UNIT 0x1p-8
#define DRAWS 6
#define MANY 20000 /* numbers of a batch */
#define DEVIATIONS 3.0
/* What float32 rounds itself, where a gradient is nothing but that: of the norm of all.
 */
#define FLOAT_SHARE 1e-6

/* ---- linear networks, number by number ---- */

enum { STEPS = 14, CHANNELS = 6, CLASSES = 5, BATCH = 7 };

static float *absolute(const float *x, size_t n) {
  float *y = malloc(n * sizeof *y);
  for (size_t i = 0; i < n; i++)
    y[i] = fabsf(x[i]);
  return y;
}

static void make_absolute(const fr_net *net) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < tensor[i].count; k++)
      tensor[i].value[k] = fabsf(tensor[i].value[k]);
}

/* |got - wanted| <= share * sum of the absolute values of the terms. */
static void assert_within(const float *got, const float *wanted, const float *terms,
                          size_t n, double share, const char *what) {
  double moved = 0;
  for (size_t i = 0; i < n; i++) {
    assert_near((double)got[i], (double)wanted[i], share * (double)terms[i], what);
    moved += fabs((double)got[i] - (double)wanted[i]);
  }
  assert_true(moved > 0); /* it is bf16 */
}

/* `layers` of them with weights; `terms`: products in the longest sum. */
static void linear_network_agrees(const char *text, size_t layers, size_t terms) {
  static const fr_shape shape = {STEPS, CHANNELS};
  float x[BATCH * STEPS * CHANNELS], d[BATCH * CLASSES];
  fr__rng rng;
  fr__rng_init(&rng, 3, 1);
  made_numbers(&rng, -2, 3, x, sizeof x / sizeof *x);
  made_numbers(&rng, -1, 1, d, sizeof d / sizeof *d);
  float *far = absolute(x, sizeof x / sizeof *x), *back = absolute(d, BATCH * CLASSES);
  fr_net *f32 = made_net(text, shape, CLASSES, BATCH, 0);
  fr_net *bf16 = made_net(text, shape, CLASSES, BATCH, 0);
  fr_net *sums = made_net(text, shape, CLASSES, BATCH, 0);
  make_absolute(sums);
  fr_net_set_precision(bf16, FR_PRECISION_BF16);
  const size_t all = fr_net_layer_count(f32);
  /* An operand a layer and the input; the sums between two layers are operands, too. */
  const double share =
      pow(1 + UNIT, (double)(2 * layers)) - 1 + 4 * (double)(layers * terms) * 0x1p-24;
  assert_within(fr_net_forward(bf16, x, BATCH, 0, all, true),
                fr_net_forward(f32, x, BATCH, 0, all, true),
                fr_net_forward(sums, far, BATCH, 0, all, true), BATCH * CLASSES, share,
                text);
  fr_net_backward(bf16, d, BATCH);
  fr_net_backward(f32, d, BATCH);
  fr_net_backward(sums, back, BATCH);
  size_t count;
  const fr_tensor *g = fr_net_tensors(f32, &count);
  const fr_tensor *got = fr_net_tensors(bf16, &count);
  const fr_tensor *most = fr_net_tensors(sums, &count);
  for (size_t i = 0; i < count; i++)
    if (g[i].rank > 1)
      assert_within(got[i].gradient, g[i].gradient, most[i].gradient, g[i].count, share,
                    text);
  fr_net_free(f32);
  fr_net_free(bf16);
  fr_net_free(sums);
  free(far);
  free(back);
}

static void linear_networks_are_off_by_their_roundings(void **state) {
  (void)state;
  linear_network_agrees("dense(classes)", 1, STEPS * CHANNELS);
  linear_network_agrees("dense(33) dense(classes)", 2, STEPS * CHANNELS);
  linear_network_agrees("conv1d(9,3) flatten dense(classes)", 2, BATCH * STEPS * 9);
  linear_network_agrees("conv1d(8,3,2,pad=same) conv1d(6,3,dilation=2,groups=2) flatten "
                        "dense(classes)",
                        3, BATCH * STEPS * 9);
  linear_network_agrees("conv1d(16,5,pad=causal) conv1d(5,1) avgpool(all)", 2,
                        BATCH * STEPS * 16);
}

/* ---- all families, tensor by tensor ---- */

/* Gradients of all tensors, one behind the other, and the outputs behind them. */
typedef struct yard {
  golden_case *c;
  size_t tensors, total; /* tensors with a gradient; floats in all */
  size_t *end;           /* (tensors + 1) where each ends; the outputs last */
  float *base, *got;     /* (total) float32's; of another pass */
  double *square;        /* (tensors + 1) sums of squared distances, over the draws */
} yard;

static void yard_init(yard *y, golden_case *c) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(c->net, &count);
  *y = (yard){.c = c, .end = calloc(count + 1, sizeof *y->end)};
  for (size_t i = 0; i < count; i++)
    if (tensor[i].gradient != NULL)
      y->end[y->tensors++] = y->total += tensor[i].count;
  y->end[y->tensors] = y->total += c->batch * c->classes;
  y->base = calloc(y->total, sizeof *y->base);
  y->got = calloc(y->total, sizeof *y->got);
  y->square = calloc(y->tensors + 1, sizeof *y->square);
}

static void yard_release(yard *y) {
  free(y->end);
  free(y->base);
  free(y->got);
  free(y->square);
}

static void yard_pass(const yard *y, float *to) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(y->c->net, &count);
  fr_net_seed(y->c->net, 5);
  (void)golden_pass(y->c, false);
  for (size_t i = 0; i < count; i++)
    if (tensor[i].gradient != NULL) {
      memcpy(to, tensor[i].gradient, tensor[i].count * sizeof *to);
      to += tensor[i].count;
    }
  memcpy(to, y->c->output, y->c->batch * y->c->classes * sizeof *to);
}

/* Squared distance of part `i` of `got` from float32's; its squared norm in *norm. */
static double yard_distance(const yard *y, size_t i, double *norm) {
  double sum = 0;
  *norm = 0;
  for (size_t k = i == 0 ? 0 : y->end[i - 1]; k < y->end[i]; k++) {
    const double e = (double)y->got[k] - (double)y->base[k];
    sum += e * e;
    *norm += (double)y->base[k] * (double)y->base[k];
  }
  return sum;
}

static void move(float *x, const float *from, size_t n, fr__rng *rng) {
  for (size_t i = 0; i < n; i++)
    x[i] = (float)((double)from[i] * (1 + UNIT * (2 * fr__rng_uniform(rng) - 1)));
}

/* Matrices and input, by what rounding may move them. */
static void yard_move(const yard *y, const float *x, fr__rng *rng) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(y->c->net, &count);
  golden_fill_tensors(y->c);
  for (size_t i = 0; i < count; i++)
    if (tensor[i].rank > 1)
      move(tensor[i].value, tensor[i].value, tensor[i].count, rng);
  move(y->c->x, x, y->c->batch * y->c->inputs, rng);
}

static void yard_draw(yard *y) {
  const size_t n = y->c->batch * y->c->inputs;
  float *x = malloc(n * sizeof *x);
  fr__rng rng;
  double norm;
  fr__rng_init(&rng, 11, 0);
  memcpy(x, y->c->x, n * sizeof *x);
  for (size_t draw = 0; draw < DRAWS; draw++) {
    yard_move(y, x, &rng);
    yard_pass(y, y->got);
    for (size_t i = 0; i <= y->tensors; i++)
      y->square[i] += yard_distance(y, i, &norm) / DRAWS;
  }
  memcpy(y->c->x, x, n * sizeof *x);
  golden_fill_tensors(y->c);
  free(x);
}

static double squared_norm(const float *x, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += (double)x[i] * (double)x[i];
  return sum;
}

/* Expected mean square distance of part i, from its own norm and that of all. */
static double yard_expected(const yard *y, size_t i, double norm, double all) {
  return 2 * y->square[i] + 2 * UNIT * UNIT / 3 * norm + FLOAT_SHARE * FLOAT_SHARE * all;
}

/* The outputs, beside PyTorch's in double precision: all rows, or three of them. */
static void output_agrees(const yard *y) {
  const golden_case *c = y->c;
  const golden_entry *entry = golden_entry_of(c, "output", NULL);
  const size_t rows = entry->count / c->classes;
  const size_t row[3] = {0, c->batch / 2, c->batch - 1};
  const float *output = y->got + y->end[y->tensors] - c->batch * c->classes;
  const double norm = squared_norm(y->base + (output - y->got), c->batch * c->classes);
  double sum = 0;
  for (size_t r = 0; r < rows; r++)
    for (size_t k = 0; k < c->classes; k++) {
      const size_t at = rows == c->batch ? r : row[r];
      const double e =
          (double)output[at * c->classes + k] - entry->number[r * c->classes + k];
      sum += e * e;
    }
  char what[300];
  snprintf(what, sizeof what, "case %s '%s': output", c->entry->text,
           fr_net_text(c->net));
  assert_near(sqrt(sum), 0, DEVIATIONS * sqrt(yard_expected(y, y->tensors, norm, norm)),
              what);
}

static void case_agrees(golden_case *c) {
  yard y;
  double norm, sum = 0, moved = 0;
  yard_init(&y, c);
  yard_pass(&y, y.base);
  yard_draw(&y);
  fr_net_set_precision(c->net, FR_PRECISION_BF16);
  yard_pass(&y, y.got);
  const double all = squared_norm(y.base, y.total - c->batch * c->classes);
  for (size_t i = 0; i < y.tensors; i++) {
    char what[300];
    const double e = yard_distance(&y, i, &norm);
    snprintf(what, sizeof what, "case %s '%s': gradient %zu", c->entry->text,
             fr_net_text(c->net), i);
    assert_near(sqrt(e), 0, DEVIATIONS * sqrt(yard_expected(&y, i, norm, all)), what);
    sum += e;
    moved += y.square[i];
  }
  assert_true(sum >= moved / 1000); /* it is bf16 */
  output_agrees(&y);
  yard_release(&y);
}

static void file_agrees(const char *name) {
  golden_file *file = golden_new(name);
  size_t cases = 0;
  for (size_t at = 0; at < file->entry_count;)
    if (strcmp(file->entry[at].word, "case") == 0) {
      golden_case c = golden_open(file, &at);
      if (!SANITIZED || c.batch * c.inputs < MANY) /* else it takes minutes */
        case_agrees(&c);
      golden_close(&c);
      cases++;
    } else {
      at++;
    }
  assert_true(cases >= 9);
  golden_free(file);
}

static void every_layer_agrees(void **state) {
  (void)state;
  file_agrees("layers.txt");
}

static void n1_to_n4_agree(void **state) {
  (void)state;
  file_agrees("networks.txt");
}

/* Rounded, and multiplied as float32. */
static void every_layer_agrees_without_the_instruction(void **state) {
  (void)state;
  setenv("FRUGAL_CPU", "scalar", 1);
  file_agrees("layers.txt");
  unsetenv("FRUGAL_CPU");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(linear_networks_are_off_by_their_roundings),
      cmocka_unit_test(every_layer_agrees),
      cmocka_unit_test(every_layer_agrees_without_the_instruction),
      cmocka_unit_test(n1_to_n4_agree),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
