/* SPDX-License-Identifier: Apache-2.0 */
/* The table of losses, their options, and means over a batch. */
#include "nn/loss.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "nn/word.h"

static const fr__loss_ops *const losses[] = {
    [FR_LOSS_CROSS_ENTROPY] = &fr__loss_cross_entropy,
    [FR_LOSS_SQUARED] = &fr__loss_squared,
    [FR_LOSS_BINARY] = &fr__loss_binary,
};
#define LOSSES (sizeof losses / sizeof losses[0])

bool fr_loss_parse(const char *name, enum fr_loss *out) {
  for (size_t i = 0; i < LOSSES; i++)
    if (fr__word_is(name, strlen(name), losses[i]->name)) {
      *out = (enum fr_loss)i;
      return true;
    }
  return false;
}

const char *fr_loss_name(enum fr_loss loss) { return losses[loss]->name; }

/* ---- options ---- */

static enum fr_status check_number(const char *what, float value, bool known,
                                   const fr__loss_ops *ops, float high, fr_error *err) {
  if (!(value >= 0 && value <= high))
    return fr__fail(err, FR_ERR_ARGUMENT, "%s %g is not between 0 and %g", what,
                    (double)value, (double)high);
  if (value > 0 && !known)
    return fr__fail(err, FR_ERR_ARGUMENT, "the %s loss has no %s", ops->name, what);
  return FR_OK;
}

/* `weight` (K) may be NULL. */
static enum fr_status check_weights(const char *what, const float *weight, bool known,
                                    const fr__loss_ops *ops, size_t classes,
                                    fr_error *err) {
  double sum = 0;
  if (!weight)
    return FR_OK;
  if (!known)
    return fr__fail(err, FR_ERR_ARGUMENT, "the %s loss has no %s weights", ops->name,
                    what);
  for (size_t k = 0; k < classes; k++) {
    if (!(weight[k] >= 0 && isfinite(weight[k])))
      return fr__fail(err, FR_ERR_ARGUMENT, "%g is not a %s weight for class %zu",
                      (double)weight[k], what, k + 1);
    sum += (double)weight[k];
  }
  if (!(sum > 0))
    return fr__fail(err, FR_ERR_ARGUMENT, "all %s weights are 0", what);
  return FR_OK;
}

enum fr_status fr_loss_check(const fr_loss_options *options, size_t classes,
                             fr_error *err) {
  const fr_loss_options *o = options;
  if ((size_t)o->kind >= LOSSES)
    return fr__fail(err, FR_ERR_ARGUMENT, "there is no loss %d", (int)o->kind);
  const fr__loss_ops *ops = losses[o->kind];
  const struct {
    const char *what;
    float value;
    bool known;
    float high;
  } rows[] = {
      {"label smoothing", o->label_smoothing, ops->smooths, 0.9999f},
      {"focal exponent", o->focal, ops->focuses, 100},
      {"share of a teacher", o->distill, ops->distills, 1},
      {"temperature", o->temperature, ops->distills, 1000},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const enum fr_status status =
        check_number(rows[i].what, rows[i].value, rows[i].known, ops, rows[i].high, err);
    if (status != FR_OK)
      return status;
  }
  const enum fr_status status =
      check_weights("class", o->class_weight, ops->weighs, ops, classes, err);
  if (status != FR_OK)
    return status;
  return check_weights("positive", o->positive_weight, ops->lifts, ops, classes, err);
}

/* ---- means ---- */

static fr__loss_sample sample_of(const fr_targets *targets, size_t b, size_t classes) {
  const size_t at = b * classes;
  const uint32_t label = targets->label ? targets->label[b] : FR_NONE;
  const bool mixed = targets->label && targets->other && targets->share[b] < 1;
  return (fr__loss_sample){.classes = classes,
                           .label = label,
                           .other = mixed ? targets->other[b] : label,
                           .share = mixed ? targets->share[b] : 1,
                           .value = targets->label ? NULL : targets->value + at,
                           .teacher = targets->teacher ? targets->teacher + at : NULL};
}

double fr_loss_weight(const fr_loss_options *options, const fr_targets *targets,
                      size_t batch, size_t classes) {
  double sum = 0;
  for (size_t b = 0; b < batch; b++) {
    const fr__loss_sample sample = sample_of(targets, b, classes);
    sum += losses[options->kind]->weight(options, &sample);
  }
  return sum;
}

double fr_loss_compute(const fr_loss_options *options, const float *output,
                       const fr_targets *targets, size_t batch, size_t classes,
                       float *d_output) {
  const double weight = fr_loss_weight(options, targets, batch, classes);
  const float share = weight > 0 ? (float)(1 / weight) : 0;
  double sum = 0;
  for (size_t b = 0; b < batch; b++) {
    fr__loss_sample sample = sample_of(targets, b, classes);
    sample.output = output + b * classes;
    sample.d = d_output ? d_output + b * classes : NULL;
    sum += losses[options->kind]->compute(options, &sample, share);
  }
  return weight > 0 ? sum / weight : 0;
}

/* ---- balanced weights ---- */

enum fr_status fr_loss_balanced_weights(const uint32_t *label, size_t count,
                                        size_t classes, float *weight, fr_error *err) {
  size_t *samples = calloc(classes > 0 ? classes : 1, sizeof *samples);
  size_t known = 0, occur = 0;
  if (!samples)
    return fr__fail_memory(err, "the class weights");
  for (size_t i = 0; i < count; i++)
    if (label[i] < classes) {
      known++;
      occur += samples[label[i]]++ == 0;
    }
  for (size_t k = 0; k < classes && known > 0; k++)
    weight[k] = samples[k] == 0
                    ? 0
                    : (float)((double)known / ((double)occur * (double)samples[k]));
  free(samples);
  if (known == 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "no sample has a class to be weighed");
  return FR_OK;
}

/* Counts of one output's answers: [0] noes, [1] yeses. */
static void count_answers(const float *value, size_t count, size_t classes,
                          double answers[2]) {
  for (size_t i = 0; i < count; i++)
    if (!isnan(value[i * classes]))
      answers[value[i * classes] > 0.5f]++;
}

enum fr_status fr_loss_balanced_positives(const float *value, size_t count,
                                          size_t classes, float *weight, fr_error *err) {
  bool told = false;
  for (size_t k = 0; k < classes; k++) {
    double answers[2] = {0, 0};
    count_answers(value + k, count, classes, answers);
    const double ratio = answers[0] > 0 && answers[1] > 0 ? answers[0] / answers[1] : 1;
    weight[k] = (float)fmin(ratio, FR_POSITIVE_WEIGHT_CEILING);
    told = told || answers[0] + answers[1] > 0;
  }
  if (!told)
    return fr__fail(err, FR_ERR_ARGUMENT, "no sample has an answer to be weighed");
  return FR_OK;
}
