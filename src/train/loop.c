/* SPDX-License-Identifier: Apache-2.0 */
/* Epochs: from where the run is to where it ends. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "train/evaluate.h"
#include "train/run.h"
#include "train/thaw.h"
#include "train/watch.h"

void fr__run_begin_epoch(fr__run *r) {
  fr__ahead_drop(r->ahead); /* it reads the order, which is drawn anew */
  r->now = (fr_epoch){.epoch = r->result.epochs + 1,
                      .epochs = r->options->epochs,
                      .step = r->result.steps,
                      .validate_loss = NAN,
                      .validate_accuracy = NAN};
  r->loss = r->weight = 0;
}

/* False, with the reason in result.stop, where the run shall end here. */
static bool may_go_on(fr__run *r) {
  if (fr__interrupted(r->budget))
    r->result.stop = FR_STOP_INTERRUPTED;
  else if (!fr__may_go_on(r->budget, &r->now))
    r->result.stop = FR_STOP_BUDGET;
  else
    return true;
  return false;
}

static void tell_step(const fr__run *r, double loss) {
  const double share = (double)r->at / (double)r->train.count;
  fr__step_done(r->observer, r->result.steps, loss);
  fr__progress(r->observer, "train",
               ((double)(r->now.epoch - 1) + share) / (double)r->now.epochs);
}

/* What is left of the epoch. *more becomes false where the run shall end in it. */
static enum fr_status run_epoch(fr__run *r, bool *more, fr_error *err) {
  enum fr_status status = FR_OK;
  double loss = 0;
  fr__phase_begin(r->observer, "train");
  if (r->at == 0) {
    fr__run_begin_epoch(r);
    status = fr__thaw(r, err);
  }
  fr__order_draw(&r->order, r->options->seed, r->now.epoch);
  while (status == FR_OK && *more && r->at < r->train.count) {
    status = fr__run_step(r, &loss, err);
    if (status != FR_OK)
      break;
    tell_step(r, loss);
    *more = may_go_on(r);
    if (*more && r->at < r->train.count)
      fr__checkpoints_save_due(r);
  }
  fr__phase_end(r->observer);
  return status;
}

static enum fr_status fail_infinite(const fr__run *r, const char *what, fr_error *err) {
  char kept[FR__CHECKPOINTS_KEPT];
  return fr__fail(err, FR_ERR_NUMERIC,
                  "%s is not finite after epoch %zu, step %zu (learning rate %g)%s", what,
                  r->now.epoch, r->now.step, r->now.rate,
                  fr__checkpoints_kept(&r->checkpoints, kept));
}

static enum fr_status keep_best(fr__run *r, fr_error *err) {
  if (!fr__snapshot_take(&r->best, r->net))
    return fail_infinite(r, "a weight", err);
  r->now.best = true;
  r->result.best_epoch = r->now.epoch;
  r->result.best_validate_loss = r->now.validate_loss;
  r->result.best_validate_accuracy = r->now.validate_accuracy;
  return FR_OK;
}

static bool reached_target(const fr__run *r) {
  return r->options->target_accuracy > 0 &&
         r->now.validate_accuracy >=
             r->options->target_accuracy; /* false where it is NaN */
}

/* In a layer of the last batch, if it was that one: else the loss alone is known. */
static enum fr_status fail_validation(const fr__run *r, fr_error *err) {
  char where[160], what[224];
  const size_t last = r->validate.count % r->batch.size;
  fr_net_describe_infinite(r->net, last > 0 ? last : r->batch.size, where, sizeof where);
  if (strcmp(where, "the loss") == 0)
    return fail_infinite(r, "the validation loss", err);
  (void)snprintf(what, sizeof what, "in validation, %s", where);
  return fail_infinite(r, what, err);
}

/* Looks at the validation side and keeps the weights where they are the best. Without
 * one, the latest are. */
static enum fr_status validate(fr__run *r, fr_error *err) {
  if (r->validate.count == 0)
    return keep_best(r, err);
  fr__phase_begin(r->observer, "validate");
  const fr__tally tally = fr__evaluate(r->net, &r->validate, r->first, &r->validate_loss,
                                       &r->batch, NULL, NULL, NULL);
  fr__phase_end(r->observer);
  r->result.operations += r->cost.forward * r->validate.count;
  if (!isfinite(tally.loss))
    return fail_validation(r, err);
  r->now.validate_loss = tally.loss;
  r->now.validate_accuracy = tally.accuracy;
  const bool better =
      r->result.best_epoch == 0 || tally.loss < r->result.best_validate_loss;
  return better || reached_target(r) ? keep_best(r, err) : FR_OK;
}

/* It is counted from the last thaw, too, and begins with it. */
static bool out_of_patience(const fr__run *r) {
  const size_t last = fr__thaw_last(r, r->now.epoch), best = r->result.best_epoch;
  return r->options->patience > 0 && r->validate.count > 0 &&
         !fr__thaw_is_due(r, r->now.epoch) &&
         r->now.epoch - (best > last ? best : last) >= r->options->patience;
}

static void add_to_history(fr__run *r) {
  r->result.history[r->result.epochs++] = r->now;
  r->at = 0;
  fr__epoch_done(r->observer, &r->now);
}

static enum fr_status end_epoch(fr__run *r, fr_error *err) {
  const enum fr_status status = validate(r, err);
  if (status != FR_OK)
    return status;
  add_to_history(r);
  r->finished = true;
  if (reached_target(r))
    r->result.stop = FR_STOP_TARGET;
  else if (out_of_patience(r))
    r->result.stop = FR_STOP_PATIENCE;
  else
    r->finished = r->result.epochs == r->options->epochs;
  fr__checkpoints_save(r);
  return FR_OK;
}

/* Ends the run where it is, amid an epoch. It keeps its best validated weights, else the
 * latest; the checkpoint is as if it went on. */
static enum fr_status cut_epoch(fr__run *r, fr_error *err) {
  fr__checkpoints_save_new(r);
  if (r->at == 0) /* taken up between two epochs, and not allowed to go on */
    return FR_OK;
  enum fr_status status = FR_OK;
  if (r->validate.count == 0 || r->result.best_epoch == 0)
    status = keep_best(r, err);
  if (status == FR_OK)
    add_to_history(r);
  return status;
}

enum fr_status fr__run_epochs(fr__run *r, fr_error *err) {
  bool more = r->result.steps == 0 || may_go_on(r);
  enum fr_status status = FR_OK;
  while (status == FR_OK && more && !r->finished) {
    status = run_epoch(r, &more, err);
    if (status == FR_OK && more)
      status = end_epoch(r, err);
  }
  if (status == FR_OK && !more)
    status = cut_epoch(r, err);
  return status;
}
