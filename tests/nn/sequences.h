/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of recurrent layers and attention share: a layer behind conv1d(C,1) with
 * the identity as its weights, whose gradient is the product of the input with the
 * layer's input gradient; its values and gradients against those that PyTorch computed,
 * against central differences, and against those of each sample alone.
 */
#ifndef FR_TESTS_NN_SEQUENCES_H
#define FR_TESTS_NN_SEQUENCES_H

#include <math.h>

#include "differences.h"

#define SAMPLES 8
#define NUMBERS 16384 /* of a batch */

/* A batch for "conv1d(C,1) LAYER flatten". */
typedef struct sequences {
  const char *layer;
  size_t width;    /* channels of its output */
  bool every_step; /* has it as many steps as its input? */
  size_t steps, channels, batch;
  uint32_t length[SAMPLES];
  float x[NUMBERS]; /* (B, T, C), zeros behind each sample's end */
  float d[NUMBERS]; /* (B, K): d loss / d output */
} sequences;

static inline size_t sequence_outputs(const sequences *s, size_t steps) {
  return s->every_step ? steps * s->width : s->width;
}

static inline void set_identity(const fr_tensor *weight) {
  for (size_t i = 0; i < weight->count; i++)
    weight->value[i] = i / weight->shape[2] == i % weight->shape[2] ? 1.0f : 0.0f;
}

/* The network for samples of `steps`, with all its initial weights but the identity. */
static inline fr_net *sequence_net(const sequences *s, size_t steps, size_t batch) {
  char arch[128];
  snprintf(arch, sizeof arch, "conv1d(%zu,1) %s flatten", s->channels, s->layer);
  fr_net *net = made_net(arch, (fr_shape){steps, s->channels}, sequence_outputs(s, steps),
                         batch, 0);
  set_identity(made_tensor(net, "0.weight"));
  return net;
}

static inline void clear_behind(sequences *s) {
  for (size_t b = 0; b < s->batch; b++)
    for (size_t i = s->length[b] * s->channels; i < s->steps * s->channels; i++)
      s->x[b * s->steps * s->channels + i] = 0;
}

/* Random numbers, samples of random lengths, the first of all steps. */
static inline void fill_sequences(sequences *s, fr__rng *rng) {
  assert_true(s->batch <= SAMPLES && s->batch * s->steps * s->channels <= NUMBERS);
  assert_true(s->batch * sequence_outputs(s, s->steps) <= NUMBERS);
  made_numbers(rng, -2, 2, s->x, s->batch * s->steps * s->channels);
  made_numbers(rng, -1, 1, s->d, s->batch * sequence_outputs(s, s->steps));
  for (size_t b = 0; b < s->batch; b++)
    s->length[b] = (uint32_t)(b == 0 ? s->steps : 1 + fr__rng_below(rng, s->steps));
  clear_behind(s);
}

/* Biases away from the values that they begin with. */
static inline void shake_biases(const fr_net *net, fr__rng *rng) {
  size_t count = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    if (tensor[i].layer == 1 && tensor[i].rank == 1)
      made_numbers(rng, -1, 1, tensor[i].value, tensor[i].count);
}

static inline const float *sequence_forward(fr_net *net, const float *x, size_t batch) {
  return fr_net_forward(net, x, batch, 0, fr_net_layer_count(net), true);
}

/* ---- against PyTorch: tests/golden/sequence_golden.py ---- */

/* The same numbers as the script's. */
static inline void sines(int key, float *x, size_t n) {
  for (size_t i = 0; i < n; i++)
    x[i] = (float)(0.8 * sin(1.7 * (double)i + 0.9 * key));
}

static inline const double *agree(const float *got, const double *wanted, size_t n,
                                  const char *what) {
  for (size_t i = 0; i < n; i++)
    assert_near((double)got[i], wanted[i], 1e-5 * fmax(1, fabs(wanted[i])), what);
  return wanted + n;
}

/* `wanted`: the output, then each tensor's gradient, `count` numbers. */
static inline void check_golden(const char *layer, size_t channels, size_t width,
                                bool every_step, const double *wanted, size_t count) {
  const double *end = wanted + count;
  sequences s = {.layer = layer,
                 .width = width,
                 .every_step = every_step,
                 .steps = 5,
                 .channels = channels,
                 .batch = 3,
                 .length = {5, 3, 1}};
  const size_t outputs = sequence_outputs(&s, s.steps);
  fr_net *net = sequence_net(&s, s.steps, s.batch);
  size_t tensors = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &tensors);
  for (size_t i = 2; i < tensors; i++)
    sines((int)i, tensor[i].value, tensor[i].count);
  sines(1, s.x, s.batch * s.steps * channels);
  sines(9, s.d, s.batch * outputs);
  clear_behind(&s);
  fr_net_set_lengths(net, s.length);
  wanted = agree(sequence_forward(net, s.x, s.batch), wanted, s.batch * outputs, layer);
  fr_net_backward(net, s.d, s.batch);
  for (size_t i = 0; i < tensors; i++)
    wanted = agree(tensor[i].gradient, wanted, tensor[i].count, tensor[i].name);
  assert_ptr_equal(wanted, end);
  fr_net_free(net);
}

/* ---- against central differences ---- */

static inline void check_slopes(sequences *s, bool lengths, fr__rng *rng) {
  fill_sequences(s, rng);
  for (size_t b = 0; b < s->batch && !lengths; b++)
    s->length[b] = (uint32_t)s->steps;
  probe p = {.net = sequence_net(s, s->steps, s->batch),
             .batch = s->batch,
             .classes = sequence_outputs(s, s->steps),
             .x = s->x,
             .weight = s->d};
  shake_biases(p.net, rng);
  fr_net_set_lengths(p.net, lengths ? s->length : NULL);
  probe_net(&p, 6, 2e-2, rng);
  fr_net_free(p.net);
}

/* ---- against each sample alone ---- */

/* Copies of all gradients, behind one another; the caller's to free. */
static inline float *copy_gradients(const fr_net *net) {
  size_t count = 0, at = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  float *copy = malloc(fr_net_parameters(net) * sizeof *copy);
  assert_non_null(copy);
  for (size_t i = 0; i < count; at += tensor[i++].count)
    memcpy(copy + at, tensor[i].gradient, tensor[i].count * sizeof *copy);
  return copy;
}

/* Within 1e-6 of the greatest of them: sums over other zeros are in another order. */
static inline void check_same(const float *got, const float *wanted, size_t n,
                              const char *what) {
  double greatest = 1;
  for (size_t i = 0; i < n; i++)
    greatest = fmax(greatest, fabs((double)wanted[i]));
  for (size_t i = 0; i < n; i++)
    assert_near((double)got[i], (double)wanted[i], 1e-6 * greatest, what);
}

/* The gradients of `net` after a loss of sample b alone. */
static inline void check_alone(fr_net *net, const sequences *s, size_t b) {
  const size_t steps = s->length[b], outputs = sequence_outputs(s, s->steps);
  const size_t own = sequence_outputs(s, steps);
  const float *x = s->x + b * s->steps * s->channels;
  char what[160];
  snprintf(what, sizeof what, "'%s' T=%zu, sample %zu of %zu with %zu steps",
           fr_net_text(net), s->steps, b, s->batch, steps);
  fr_net *alone = sequence_net(s, steps, 1);
  ASSERT_OK(fr_net_copy(alone, net, fr_net_layer_count(net), err));
  const float *y = sequence_forward(net, s->x, s->batch) + b * outputs;
  check_same(y, sequence_forward(alone, x, 1), own, what);
  for (size_t i = own; i < outputs; i++)
    assert_true(y[i] == 0);
  float *d = calloc(s->batch * outputs, sizeof *d);
  assert_non_null(d);
  memcpy(d + b * outputs, s->d + b * outputs, own * sizeof *d);
  fr_net_backward(net, d, s->batch);
  fr_net_backward(alone, d + b * outputs, 1);
  float *got = copy_gradients(net), *wanted = copy_gradients(alone);
  check_same(got, wanted, fr_net_parameters(net), what);
  free(got);
  free(wanted);
  free(d);
  fr_net_free(alone);
}

/* Every sample of the batch, in training; and in testing the same outputs to the bit. */
static inline void check_lengths(sequences *s, fr__rng *rng) {
  fill_sequences(s, rng);
  fr_net *net = sequence_net(s, s->steps, s->batch);
  const size_t n = s->batch * sequence_outputs(s, s->steps);
  shake_biases(net, rng);
  fr_net_set_lengths(net, s->length);
  for (size_t b = 0; b < s->batch; b++)
    check_alone(net, s, b);
  float *trained = malloc(n * sizeof *trained);
  assert_non_null(trained);
  memcpy(trained, sequence_forward(net, s->x, s->batch), n * sizeof *trained);
  ASSERT_OK(fr_net_reserve(net, s->batch, false, 0, err));
  const float *y = fr_net_forward(net, s->x, s->batch, 0, fr_net_layer_count(net), false);
  assert_memory_equal(y, trained, n * sizeof *trained);
  free(trained);
  fr_net_free(net);
}

/* ---- text ---- */

/* A text and its normal form, which read again gives itself. */
static inline void check_form(const char *text, fr_shape in, size_t classes,
                              const char *form) {
  for (int again = 0; again < 2; again++) {
    fr_net *net = NULL;
    ASSERT_OK(fr_net_new(again ? form : text, in, classes, &net, err));
    assert_string_equal(fr_net_text(net), form);
    fr_net_free(net);
  }
}

static inline void check_sentence(const char *text, fr_shape in, const char *sentence) {
  fr_net *net = NULL;
  fr_error err = {0};
  assert_int_equal(fr_net_new(text, in, 2, &net, &err), FR_ERR_FORMAT);
  assert_null(net);
  assert_string_equal(err.text, sentence);
}

#endif
