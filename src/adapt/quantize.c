/* SPDX-License-Identifier: Apache-2.0 */
#include "adapt/quantize.h"

#include <stdlib.h>

#include "base/error.h"
#include "train/watch.h"

struct fr_quantized {
  enum fr_scheme scheme;
  fr_net *net;           /* folded and rounded */
  fr_int8_ranges ranges; /* values 0: none */
  fr_int8 *int8;         /* NULL: none */
  uint64_t trained;      /* FLOP of training for it */
};

#define USUAL_BATCH 64

bool fr__scheme_is_integer(enum fr_scheme scheme) {
  return scheme == FR_SCHEME_INT8 || scheme == FR_SCHEME_INT8_AWARE;
}

/* ---- samples that set ranges ---- */

static bool is_whole(const fr_samples *samples, size_t i) {
  return samples->length == NULL || samples->length[i] == samples->steps;
}

size_t fr__quantize_samples(const fr_samples *samples,
                            const float *x[FR__QUANTIZE_SAMPLES]) {
  size_t whole = 0, seen = 0, taken = 0;
  for (size_t i = 0; i < samples->count; i++)
    whole += is_whole(samples, i);
  const size_t count = whole < FR__QUANTIZE_SAMPLES ? whole : FR__QUANTIZE_SAMPLES;
  for (size_t i = 0; i < samples->count && taken < count; i++)
    if (is_whole(samples, i) && seen++ == taken * whole / count)
      x[taken++] = samples->x[i];
  return count;
}

static enum fr_status check_samples(const fr_net *net, const fr_samples *train,
                                    fr_error *err) {
  const fr_shape input = fr_net_input(net);
  if (train == NULL || train->count == 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "int8 needs samples that set the ranges of its activations");
  if (train->steps == input.steps && train->channels == input.channels)
    return FR_OK;
  return fr__fail(
      err, FR_ERR_ARGUMENT,
      "samples of shape (%zu, %zu) do not fit a network that takes (%zu, %zu)",
      train->steps, train->channels, input.steps, input.channels);
}

static enum fr_status find_ranges(fr_quantized *q, const fr_samples *train,
                                  fr_error *err) {
  const float *x[FR__QUANTIZE_SAMPLES];
  return fr_int8_ranges_find(q->net, x, fr__quantize_samples(train, x), &q->ranges, err);
}

/* ---- a network in its scheme ---- */

static enum fr_precision precision_of(enum fr_scheme scheme) {
  switch (scheme) {
  case FR_SCHEME_BF16: return FR_PRECISION_BF16;
  case FR_SCHEME_INT8_DYNAMIC: return FR_PRECISION_INT8;
  default: return FR_PRECISION_F32;
  }
}

/* What runs it: integers, or kernels for its weights. */
static enum fr_status make_ready(fr_quantized *q, fr_error *err) {
  fr_net_set_precision(q->net, precision_of(q->scheme));
  if (fr__scheme_is_integer(q->scheme))
    return fr_int8_build(q->net, &q->ranges, &q->int8, err);
  /* Whether zeros are worth passing over depends on the batch. */
  const enum fr_status status = fr_net_reserve(q->net, USUAL_BATCH, false, 0, err);
  return status == FR_OK ? fr_net_prepare(q->net, err) : status;
}

static enum fr_status convert(fr_quantized *q, const fr_samples *train, fr_error *err) {
  enum fr_status status = fr_net_round(q->net, q->scheme, err);
  if (status == FR_OK && fr__scheme_is_integer(q->scheme) && q->ranges.values == 0)
    status = find_ranges(q, train, err);
  return status == FR_OK ? make_ready(q, err) : status;
}

static enum fr_status make(const fr_net *net, enum fr_scheme scheme,
                           const fr_samples *train, const fr_samples *validate,
                           const fr_train_options *options, const fr_observer *observer,
                           const fr_budget *budget, fr_quantized **out, fr_error *err) {
  enum fr_status status = FR_OK;
  if (fr__scheme_is_integer(scheme))
    status = check_samples(net, train, err);
  if (status != FR_OK)
    return status;
  fr_quantized *q = calloc(1, sizeof *q);
  if (q == NULL)
    return fr__fail_memory(err, "a quantized network");
  q->scheme = scheme;
  status = fr_net_fold(net, &q->net, err);
  if (status == FR_OK && scheme == FR_SCHEME_INT8_AWARE)
    status = fr__quantize_aware(q->net, train, validate, options, observer, budget,
                                &q->ranges, &q->trained, err);
  if (status == FR_OK) {
    fr__phase_begin(observer, "quantize");
    status = convert(q, train, err);
    fr__phase_end(observer);
  }
  if (status == FR_OK)
    *out = q;
  else
    fr_quantized_free(q);
  return status;
}

/* ---- whether training for it has gained anything ---- */

/* In integers; *known is false where they cannot be tested so (targets without right
 * answers, lengths that a dense layer does not take). */
static enum fr_status look(fr_quantized *q, const fr_samples *validate,
                           const fr_loss_options *loss, double *accuracy, double *mean,
                           bool *known, fr_error *err) {
  fr_metrics metrics;
  fr_error why = {.text = ""};
  const enum fr_status status =
      fr_quantized_test(q, validate, loss, USUAL_BATCH, NULL, &metrics, &why);
  *known = status == FR_OK;
  if (status != FR_OK && status != FR_ERR_UNSUPPORTED)
    return fr__fail(err, status, "%s", why.text);
  if (*known) {
    *accuracy = metrics.accuracy;
    *mean = metrics.loss;
    fr_metrics_release(&metrics);
  }
  return FR_OK;
}

/* Whether `other` is right more often, or as often at less loss. */
static enum fr_status compare(fr_quantized *q, fr_quantized *other,
                              const fr_samples *validate, const fr_loss_options *loss,
                              bool *better, fr_error *err) {
  double accuracy[2], mean[2];
  bool known[2] = {false, false};
  enum fr_status status = look(q, validate, loss, &accuracy[0], &mean[0], &known[0], err);
  if (status == FR_OK && known[0])
    status = look(other, validate, loss, &accuracy[1], &mean[1], &known[1], err);
  *better =
      known[0] && known[1] &&
      (accuracy[1] > accuracy[0] || (!(accuracy[1] < accuracy[0]) && mean[1] < mean[0]));
  return status;
}

static void swap(fr_quantized *a, fr_quantized *b) {
  const fr_quantized was = *a;
  *a = *b;
  *b = was;
}

/* *q, which was trained, becomes what calibration alone makes of `net` where the
 * validation side has that for better. */
static enum fr_status keep_better(fr_quantized *q, const fr_net *net,
                                  const fr_samples *train, const fr_samples *validate,
                                  const fr_train_options *options, fr_error *err) {
  const fr_train_options usual = fr_train_default_options();
  const fr_loss_options *loss = options != NULL ? &options->loss : &usual.loss;
  const uint64_t operations =
      q->trained + 2 * validate->count * fr_quantized_operations(q);
  fr_quantized *calibrated = NULL;
  bool better = false;
  enum fr_status status =
      make(net, FR_SCHEME_INT8, train, NULL, NULL, NULL, NULL, &calibrated, err);
  if (status == FR_OK)
    status = compare(q, calibrated, validate, loss, &better, err);
  if (status == FR_OK && better)
    swap(q, calibrated);
  q->scheme = FR_SCHEME_INT8_AWARE;
  q->trained = operations;
  fr_quantized_free(calibrated);
  return status;
}

enum fr_status fr_quantize(const fr_net *net, enum fr_scheme scheme,
                           const fr_samples *train, const fr_samples *validate,
                           const fr_train_options *options, const fr_observer *observer,
                           const fr_budget *budget, fr_quantized **out, fr_error *err) {
  fr_quantized *q = NULL;
  enum fr_status status =
      make(net, scheme, train, validate, options, observer, budget, &q, err);
  if (status == FR_OK && scheme == FR_SCHEME_INT8_AWARE && validate != NULL &&
      validate->count > 0) {
    fr__phase_begin(observer, "validate");
    status = keep_better(q, net, train, validate, options, err);
    fr__phase_end(observer);
  }
  if (status == FR_OK)
    *out = q;
  else
    fr_quantized_free(q);
  return status;
}

/* The layers and weights of `net`. */
static enum fr_status copy_net(const fr_net *net, fr_net **out, fr_error *err) {
  const enum fr_status status =
      fr_net_new(fr_net_text(net), fr_net_input(net), fr_net_classes(net), out, err);
  return status == FR_OK ? fr_net_copy(*out, net, fr_net_layer_count(net), err) : status;
}

enum fr_status fr_quantized_open(const fr_net *net, enum fr_scheme scheme,
                                 const fr_int8_ranges *ranges, fr_quantized **out,
                                 fr_error *err) {
  fr_quantized *q = calloc(1, sizeof *q);
  if (q == NULL)
    return fr__fail_memory(err, "a quantized network");
  q->scheme = scheme;
  enum fr_status status = copy_net(net, &q->net, err);
  if (status == FR_OK && fr__scheme_is_integer(scheme))
    status = fr_int8_ranges_copy(ranges, &q->ranges, err);
  if (status == FR_OK)
    status = make_ready(q, err);
  if (status == FR_OK)
    *out = q;
  else
    fr_quantized_free(q);
  return status;
}

void fr_quantized_free(fr_quantized *q) {
  if (q == NULL)
    return;
  fr_int8_free(q->int8);
  fr_int8_ranges_release(&q->ranges);
  fr_net_free(q->net);
  free(q);
}

fr_train_options fr_quantize_options(const fr_train_options *trained) {
  fr_train_options options = *trained;
  options.epochs = trained->epochs < 10 ? trained->epochs : 10;
  options.optimizer.learning_rate *= 0.1f;
  options.schedule = (fr_schedule){.kind = FR_SCHEDULE_CONSTANT};
  options.first_trained = 0;
  options.rate_scale = NULL;
  options.target_accuracy = 0;
  options.precision = FR_TRAIN_F32;
  options.checkpoint = NULL;
  return options;
}

fr_net *fr_quantized_net(const fr_quantized *q) { return q->net; }
const fr_int8 *fr_quantized_int8(const fr_quantized *q) { return q->int8; }
enum fr_scheme fr_quantized_scheme(const fr_quantized *q) { return q->scheme; }

const fr_int8_ranges *fr_quantized_ranges(const fr_quantized *q) {
  return q->ranges.values > 0 ? &q->ranges : NULL;
}

size_t fr_quantized_bytes(const fr_quantized *q) {
  const size_t ranges = 2 * q->ranges.values + FR_INT8_INSIDE * q->ranges.steps;
  return fr_net_bytes(q->net, q->scheme) + ranges * sizeof(float);
}

uint64_t fr_quantized_trained(const fr_quantized *q) { return q->trained; }

uint64_t fr_quantized_operations(const fr_quantized *q) {
  return fr_net_operations(q->net);
}
