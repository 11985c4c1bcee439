/* SPDX-License-Identifier: Apache-2.0 */
#include "recognize/answers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* ---- life ---- */

static enum fr_precision precision_of(enum fr_scheme scheme) {
  switch (scheme) {
  case FR_SCHEME_BF16: return FR_PRECISION_BF16;
  case FR_SCHEME_INT8_DYNAMIC: return FR_PRECISION_INT8;
  default: return FR_PRECISION_F32;
  }
}

static bool ends_in_shares(const fr_net *net) {
  const char *last = fr_net_layer_text(net, fr_net_layer_count(net) - 1);
  return strcmp(last, "softmax") == 0 || strcmp(last, "sigmoid") == 0;
}

static enum fr_status check_model(const fr_model *model, fr_error *err) {
  const fr_shape input = fr_net_input(model->net);
  const size_t channels = model->normalizer.channels;
  enum fr_task task;
  if (model->task && fr_task_parse(model->task, &task) && task == FR_TASK_LABELS)
    return fr__fail(err, FR_ERR_UNSUPPORTED,
                    "a model of labels says yes or no to each: it has no signs");
  if (channels != 0 && channels != input.channels)
    return fr__fail(err, FR_ERR_FORMAT,
                    "the normaliser has %zu channels, the network %zu", channels,
                    input.channels);
  return FR_OK;
}

/* Windows that are normalised each by itself have nothing that they could share. */
static enum fr_status init_alone(fr__answers *a, fr_error *err) {
  const size_t floats = a->window * a->channels;
  a->frames = calloc(2 * floats, sizeof *a->frames);
  a->alone = calloc(floats, sizeof *a->alone);
  if (!a->frames || !a->alone)
    return fr__fail_memory(err, "a window");
  const enum fr_status status = fr_net_reserve(a->net, 1, false, 0, err);
  return status == FR_OK ? fr_net_prepare(a->net, err) : status;
}

static enum fr_status init(fr__answers *a, const fr_model *model,
                           const fr_recognizer_options *options, fr_error *err) {
  enum fr_status status = fr_net_fold(model->net, &a->net, err);
  if (status != FR_OK)
    return status;
  const fr_shape input = fr_net_input(a->net);
  a->window = input.steps;
  a->channels = input.channels;
  a->classes = fr_net_classes(a->net);
  a->shares = ends_in_shares(a->net);
  a->frame = calloc(a->channels, sizeof *a->frame);
  if (!a->frame)
    return fr__fail_memory(err, "a frame");
  fr_net_set_precision(a->net, precision_of(model->scheme));
  if (a->normalizer && a->normalizer->how == FR_NORMALIZE_WINDOW)
    return init_alone(a, err);
  return fr_stream_new(a->net, a->hop, options->states, &a->stream, err);
}

enum fr_status fr__answers_init(fr__answers *answers, const fr_model *model,
                                const fr_recognizer_options *options, fr_error *err) {
  *answers = (fr__answers){.normalizer =
                               model->normalizer.channels > 0 ? &model->normalizer : NULL,
                           .hop = options->hop > 0 ? options->hop : 1,
                           .temperature = options->temperature};
  enum fr_status status = check_model(model, err);
  if (status == FR_OK)
    status = init(answers, model, options, err);
  if (status != FR_OK)
    fr__answers_release(answers);
  else
    fr__answers_reset(answers);
  return status;
}

void fr__answers_release(fr__answers *answers) {
  fr_stream_free(answers->stream);
  fr_net_free(answers->net);
  free(answers->frame);
  free(answers->frames);
  free(answers->alone);
  *answers = (fr__answers){0};
}

void fr__answers_reset(fr__answers *answers) {
  answers->end = 0;
  answers->missing = answers->window;
  if (answers->stream)
    fr_stream_reset(answers->stream);
}

/* ---- windows ---- */

/* What is missing is 0 without a normaliser, which knows better. */
static void clean(const fr__answers *a, float *frame) {
  for (size_t c = 0; c < a->channels && !a->normalizer; c++)
    if (!isfinite(frame[c]))
      frame[c] = 0;
}

static const float *run_alone(fr__answers *a, const float *frame) {
  const size_t channels = a->channels, window = a->window;
  if (a->end == 2 * window) {
    memmove(a->frames, a->frames + (window + 1) * channels,
            (window - 1) * channels * sizeof *frame);
    a->end = window - 1;
  }
  memcpy(a->frames + a->end * channels, frame, channels * sizeof *frame);
  a->end++;
  if (--a->missing > 0)
    return NULL;
  a->missing = a->hop;
  memcpy(a->alone, a->frames + (a->end - window) * channels,
         window * channels * sizeof *frame);
  fr_normalizer_apply(a->normalizer, a->alone, window);
  return fr_net_forward(a->net, a->alone, 1, 0, fr_net_layer_count(a->net), false);
}

static const float *run_stream(fr__answers *a, float *frame) {
  const float *y = NULL;
  if (a->normalizer)
    fr_normalizer_apply(a->normalizer, frame, 1);
  (void)fr_stream_push(a->stream, frame, 1, &y);
  return y;
}

/* ---- probabilities ---- */

/* softmax(y / temperature); the greatest is taken off first, so that nothing overflows.
 */
static void of_logits(const float *y, size_t classes, float temperature, float *p) {
  float top = y[0], sum = 0;
  for (size_t k = 1; k < classes; k++)
    top = fmaxf(top, y[k]);
  for (size_t k = 0; k < classes; k++) {
    p[k] = expf((y[k] - top) / temperature);
    sum += p[k];
  }
  for (size_t k = 0; k < classes; k++)
    p[k] /= sum;
}

static void of_shares(const float *y, size_t classes, float *p) {
  float sum = 0;
  for (size_t k = 0; k < classes; k++)
    sum += y[k];
  for (size_t k = 0; k < classes; k++)
    p[k] = sum > 0 ? y[k] / sum : 0;
}

bool fr__answers_push(fr__answers *answers, float *frame, float *p) {
  fr__answers *a = answers;
  clean(a, frame);
  const float *y = a->stream ? run_stream(a, frame) : run_alone(a, frame);
  if (!y)
    return false;
  if (a->shares)
    of_shares(y, a->classes, p);
  else
    of_logits(y, a->classes, a->temperature, p);
  return true;
}
