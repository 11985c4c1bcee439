/* SPDX-License-Identifier: Apache-2.0 */
#include "train/precision.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "nn/metrics.h"
#include "train/evaluate.h"
#include "train/identity.h"
#include "train/watch.h"

/* A trial goes a hundredth of all steps, an epoch at most, but 16 at least, before which
 * a network has hardly learned; these must be a twentieth of the run at most, so that two
 * of them cost less than bf16 saves. */
enum { TRIAL_SHARE = 100, TRIAL_LEAST = 16, TRIAL_LEAST_SHARE = 20 };

static const char *const names[] = {
    [FR_TRAIN_F32] = "f32", [FR_TRAIN_BF16] = "bf16", [FR_TRAIN_AUTO] = "auto"};

bool fr_train_precision_parse(const char *name, enum fr_train_precision *out) {
  if (strcmp(name, "float32") == 0)
    name = names[FR_TRAIN_F32];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(name, names[i]) == 0) {
      *out = (enum fr_train_precision)i;
      return true;
    }
  return false;
}

const char *fr_train_precision_name(enum fr_train_precision precision) {
  return names[precision];
}

static void choose(fr__run *r, enum fr_precision precision, const char *reason) {
  fr_train_result *result = &r->result;
  result->precision = precision;
  (void)snprintf(result->precision_reason, sizeof result->precision_reason, "%s", reason);
  fr_net_set_precision(r->net, precision);
}

/* The same where checkpoints are being written: from now on they are of a run in that
 * precision. */
static enum fr_status settle(fr__run *r, enum fr_precision precision, const char *reason,
                             fr_error *err) {
  choose(r, precision, reason);
  r->undecided = false;
  json_t *identity = r->checkpoints.identity;
  const char *name = names[precision];
  if (identity != NULL &&
      json_object_set_new(identity, FR__IDENTITY_PRECISION, json_string(name)) != 0)
    return fr__fail_memory(err, "what makes this run itself");
  return FR_OK;
}

static size_t planned_steps(const fr__run *r) {
  return r->options->epochs * fr__run_steps_per_epoch(r);
}

/* Why float32 needs no trial, or NULL. */
static const char *why_float32(const fr__run *r) {
  if (!fr_net_precision_is_fast(r->net, FR_PRECISION_BF16, NULL))
    return "this processor multiplies bf16 no faster";
  if (r->first > 0)
    return "behind frozen layers there is little to save";
  if (r->validate.count == 0)
    return "without a validation side nothing shows what bf16 loses";
  if (r->options->loss.kind == FR_LOSS_SQUARED && r->validate.value != NULL)
    return "numbers have no accuracy that could be compared";
  if (planned_steps(r) < TRIAL_LEAST * TRIAL_LEAST_SHARE)
    return "the run is too short for a trial of bf16";
  return NULL;
}

void fr__precision_begin(fr__run *r) {
  const enum fr_train_precision told = r->options->precision;
  const char *reason = told == FR_TRAIN_AUTO ? why_float32(r) : "";
  r->undecided = reason == NULL;
  choose(r, told == FR_TRAIN_BF16 ? FR_PRECISION_BF16 : FR_PRECISION_F32,
         reason != NULL ? reason : "");
}

enum fr_status fr__precision_adopt(fr__run *r, const char *name, const char *path,
                                   fr_error *err) {
  for (size_t i = 0; name != NULL && i <= FR_PRECISION_BF16; i++)
    if (strcmp(name, names[i]) == 0)
      return settle(r, (enum fr_precision)i, "as the checkpoint says", err);
  return fr__fail(err, FR_ERR_FORMAT, "'%s' does not tell its precision", path);
}

/* ---- the trial ---- */

static size_t trial_steps(const fr__run *r) {
  const size_t share = planned_steps(r) / TRIAL_SHARE;
  const size_t epoch = fr__run_steps_per_epoch(r);
  const size_t steps = share > TRIAL_LEAST ? share : TRIAL_LEAST;
  return steps < epoch ? steps : epoch;
}

/* To where it was before its first step: `best` still holds the initial weights. What it
 * executed stays counted. */
static void rewind_run(fr__run *r) {
  size_t count;
  float *moment = fr_optimizer_state(r->optimizer, &count);
  memset(moment, 0, count * sizeof *moment);
  fr_optimizer_set_steps(r->optimizer, 0);
  fr__snapshot_restore(&r->best, r->net);
  fr_net_seed(r->net, r->options->seed);
  r->gradients.weight = 0; /* empty */
  r->result.steps = 0;
  r->at = 0;
  fr__run_begin_epoch(r);
}

/* The accuracy on the validation side after `steps` from the start. FR_ERR_CANCELLED
 * where the run is to end, FR_ERR_NUMERIC where something is not finite. */
static enum fr_status run_twin(fr__run *r, enum fr_precision precision, size_t steps,
                               double *accuracy, fr_error *err) {
  enum fr_status status = FR_OK;
  double loss;
  fr_net_set_precision(r->net, precision);
  rewind_run(r);
  fr__order_draw(&r->order, r->options->seed, r->now.epoch);
  while (status == FR_OK && r->result.steps < steps) {
    status = fr__run_step(r, &loss, err);
    if (fr__interrupted(r->budget) || !fr__may_go_on(r->budget, &r->now))
      return FR_ERR_CANCELLED;
  }
  if (status != FR_OK)
    return status;
  const fr__tally tally = fr__evaluate(r->net, &r->validate, r->first, &r->validate_loss,
                                       &r->batch, NULL, NULL, NULL);
  r->result.operations += r->cost.forward * r->validate.count;
  *accuracy = tally.accuracy;
  return isfinite(tally.loss)
             ? FR_OK
             : fr__fail(err, FR_ERR_NUMERIC,
                        "the validation loss is not finite after a trial of %zu steps",
                        steps);
}

static enum fr_status decide(fr__run *r, fr_precision_trial trial, fr_error *err) {
  char text[FR_TRAIN_REASON];
  const double n = (double)r->validate.count;
  fr__wilson(trial.f32 * n, n, &trial.low, &trial.high);
  r->result.trial = trial;
  const bool good = trial.bf16 >= trial.low; /* false where it is NaN */
  if (isnan(trial.bf16))
    (void)snprintf(text, sizeof text, "bf16 did not stay finite in %zu steps",
                   trial.steps);
  else
    (void)snprintf(text, sizeof text,
                   "validation %.1f %% after %zu steps in bf16, %.1f %% (%.1f to %.1f) "
                   "in f32",
                   100 * trial.bf16, trial.steps, 100 * trial.f32, 100 * trial.low,
                   100 * trial.high);
  return settle(r, good ? FR_PRECISION_BF16 : FR_PRECISION_F32, text, err);
}

/* Both twins; what is not finite in bf16 only is a finding. */
static enum fr_status run_twins(fr__run *r, fr_precision_trial *trial, fr_error *err) {
  fr_error rounded;
  enum fr_status status = run_twin(r, FR_PRECISION_F32, trial->steps, &trial->f32, err);
  if (status == FR_OK)
    status = run_twin(r, FR_PRECISION_BF16, trial->steps, &trial->bf16, &rounded);
  return status == FR_ERR_NUMERIC && !isnan(trial->f32) ? FR_OK : status;
}

enum fr_status fr__precision_try(fr__run *r, fr_error *err) {
  const fr_observer *observer = r->observer;
  fr_precision_trial trial = {.steps = trial_steps(r), .f32 = NAN, .bf16 = NAN};
  fr__phase_begin(observer, "train");
  fr__phase_begin(observer, "trial");
  r->observer = NULL; /* these are no steps of the run */
  enum fr_status status = run_twins(r, &trial, err);
  rewind_run(r);
  r->observer = observer;
  if (status == FR_OK)
    status = decide(r, trial, err);
  else if (status == FR_ERR_CANCELLED)
    status = settle(r, FR_PRECISION_F32, "the trial of bf16 was cut off", err);
  fr__phase_end(observer);
  fr__phase_end(observer);
  return status;
}

/* ---- the end ---- */

void fr__precision_check_end(fr__run *r) {
  fr_train_result *result = &r->result;
  double low, high;
  const double n = (double)r->validate.count;
  if (r->options->precision != FR_TRAIN_AUTO || result->best_epoch == 0 ||
      result->precision != FR_PRECISION_BF16 || result->stop == FR_STOP_INTERRUPTED ||
      isnan(result->best_validate_accuracy))
    return;
  fr__phase_begin(r->observer, "validate");
  fr_net_set_precision(r->net, FR_PRECISION_F32);
  const fr__tally tally = fr__evaluate(r->net, &r->validate, r->first, &r->validate_loss,
                                       &r->batch, NULL, NULL, NULL);
  fr__phase_end(r->observer);
  result->operations += r->cost.forward * r->validate.count;
  fr__wilson(tally.accuracy * n, n, &low, &high);
  if (result->best_validate_accuracy >= low)
    fr_net_set_precision(r->net, FR_PRECISION_BF16);
}
