/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/transferring.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- what stays frozen ---- */

static void tell_frozen(cli_session *session, const cli_transferred *t) {
  const fr_transfer_result *r = t->result;
  const fr_kept *kept = &r->trained.kept;
  json_t *to = session->result.result;
  json_object_set_new(to, "kept_layers", json_integer((json_int_t)r->kept));
  json_object_set_new(to, "frozen_layers", json_integer((json_int_t)r->frozen));
  fr__buf_printf(&session->text, "kept           %zu layer%s of '%s', %zu frozen",
                 r->kept, r->kept == 1 ? "" : "s", t->source, r->frozen);
  if (kept->where == FR_KEEP_AUTO) {
    json_object_set_new(to, "frozen_outputs", json_null());
    fr__buf_add(&session->text, "\n");
    return;
  }
  json_object_set_new(to, "frozen_outputs",
                      json_pack("{s:s, s:I, s:I}", "kept", fr_keep_name(kept->where),
                                "bytes", (json_int_t)kept->bytes, "reused",
                                (json_int_t)kept->reused));
  fr__buf_printf(&session->text, "; their outputs: %.1f MB, %s%s\n",
                 (double)kept->bytes * 1e-6, fr_keep_name(kept->where),
                 kept->reused > 0 ? ", computed by an earlier run, which paid for them"
                                  : "");
}

static json_t *depth_of(const fr_transfer_depth *d) {
  json_t *to = json_object();
  const bool known = !isnan(d->accuracy);
  json_object_set_new(to, "freeze", json_integer((json_int_t)d->freeze));
  json_object_set_new(to, "epochs", json_integer((json_int_t)d->epochs));
  json_object_set_new(to, "accuracy", known ? json_real(d->accuracy) : json_null());
  json_object_set_new(to, "deviation", known ? json_real(d->deviation) : json_null());
  json_object_set_new(to, "program_j", json_real(d->cost));
  json_object_set_new(to, "operations", json_integer((json_int_t)d->operations));
  return to;
}

static void tell_choice(cli_session *session, const cli_transferred *t) {
  static const char *const phases[] = {"choose", NULL};
  const fr_transfer_result *r = t->result;
  if (t->held == NULL)
    return;
  const cli_spent spent = cli_session_phases(session, phases);
  json_t *depths = json_array(), *to = json_object();
  char joules[48];
  for (size_t i = 0; i < r->depths; i++)
    json_array_append_new(depths, depth_of(&r->depth[i]));
  json_object_set_new(to, "chosen", json_integer((json_int_t)r->frozen));
  json_object_set_new(to, "held_back", json_string(t->held));
  json_object_set_new(to, "samples", json_integer((json_int_t)r->samples));
  json_object_set_new(to, "operations", json_integer((json_int_t)r->operations));
  json_object_set_new(to, "depths", depths);
  cli_spent_write(&spent, to);
  json_object_set_new(session->result.result, "choice", to);
  fr__buf_printf(&session->text,
                 "choice         by %zu samples held back (%s):", r->samples, t->held);
  for (size_t i = 0; i < r->depths; i++) {
    cli_format_si(r->depth[i].cost, "J", joules, sizeof joules);
    fr__buf_printf(&session->text, "%s %zu frozen %.1f %% for %s", i > 0 ? "," : "",
                   r->depth[i].freeze, 100 * r->depth[i].accuracy, joules);
  }
  fr__buf_add(&session->text, r->depths > 0 ? "\n" : " taken up with the run\n");
}

/* ---- against training from scratch ---- */

/* After how many target tasks the pre-training is repaid, training phases of all three;
 * 0: never. */
static double repaid_after(const cli_spent *past, const cli_spent *own,
                           const cli_spent *scratch) {
  const double saved = cli_spent_cost(scratch).value - cli_spent_cost(own).value;
  if (!(saved > 0) || cli_spent_cost(past).unit != cli_spent_cost(own).unit)
    return 0;
  return ceil(cli_spent_cost(past).value / saved);
}

static void tell_past(cli_session *session, const cli_past *before, double tasks) {
  json_t *result = session->result.result;
  if (before->commands == 0) {
    json_object_set_new(result, "pretraining", json_null());
    cli_warn(&session->result,
             "what the model that was started from has cost is not known");
    return;
  }
  json_t *to = json_object(), *training = json_object();
  cli_spent_write(&before->all, to);
  cli_spent_write(&before->training, training);
  json_object_set_new(to, "training", training);
  json_object_set_new(to, "commands", json_integer((json_int_t)before->commands));
  json_object_set_new(to, "repaid_after",
                      tasks > 0 ? json_integer((json_int_t)tasks) : json_null());
  json_object_set_new(result, "pretraining", to);
  cli_add_measure(&session->text, "pre-training", before->training.program, "");
  if (tasks > 0)
    fr__buf_printf(&session->text, "               repaid after %.0f task%s like this\n",
                   tasks, tasks > 1 ? "s" : "");
}

static void tell_scratch(cli_session *session, const cli_scratch *scratch,
                         const cli_spent *own, const cli_spent *spent) {
  json_t *to = json_object();
  const double accuracy = scratch->validate_accuracy;
  const double share = cli_spent_cost(own).value / cli_spent_cost(spent).value;
  cli_spent_write(spent, to);
  json_object_set_new(to, "epochs", json_integer((json_int_t)scratch->epochs));
  json_object_set_new(to, "stop", json_string(fr_stop_name(scratch->stop)));
  json_object_set_new(to, "operations", json_integer((json_int_t)scratch->operations));
  json_object_set_new(to, "validate_accuracy",
                      isnan(accuracy) ? json_null() : json_real(accuracy));
  json_object_set_new(to, "share",
                      scratch->done && isfinite(share) ? json_real(share) : json_null());
  json_object_set_new(session->result.result, "scratch", to);
  cli_add_measure(&session->text, "from scratch", spent->program, "");
  if (!scratch->done || !isfinite(share))
    return;
  fr__buf_printf(&session->text, "               %zu epochs (%s)", scratch->epochs,
                 fr_stop_name(scratch->stop));
  if (!isnan(accuracy))
    fr__buf_printf(&session->text, ", validation %.2f %%", 100 * accuracy);
  fr__buf_printf(&session->text, "; the transfer took %.1f %% of that\n", 100 * share);
}

static void warn_unknown(cli_session *session, const cli_transferred *t) {
  if (t->scratch == NULL)
    cli_warn(&session->result, "after how many tasks the pre-training is repaid is not "
                               "known: --compare scratch trains one from scratch");
  else if (!t->scratch->done)
    cli_warn(&session->result,
             "training from scratch was cut off: what the transfer saves is not known");
  else
    cli_warn(&session->result, "training from scratch took no more than the transfer: "
                               "the pre-training is never repaid");
}

void cli_transfer_tell(cli_session *session, const cli_transferred *transferred) {
  static const char *const comparing[] = {"scratch", NULL};
  const cli_scratch *scratch = transferred->scratch;
  const cli_spent own = cli_session_training(session);
  const cli_spent other = cli_session_phases(session, comparing);
  const cli_past before = cli_past_read(session->past);
  json_t *to = json_object();
  tell_frozen(session, transferred);
  tell_choice(session, transferred);
  cli_spent_write(&own, to);
  json_object_set_new(session->result.result, "training", to);
  cli_add_measure(&session->text, "training", own.program, "");
  const bool compared = scratch != NULL && scratch->done && before.commands > 0;
  const double tasks = compared ? repaid_after(&before.training, &own, &other) : 0;
  if (scratch != NULL)
    tell_scratch(session, scratch, &own, &other);
  tell_past(session, &before, tasks);
  if (tasks == 0 && before.commands > 0)
    warn_unknown(session, transferred);
}
