/* SPDX-License-Identifier: Apache-2.0 */
/* What extending tells beside its training: old classes before and after, new ones, the
 * stages, and what it saves against scratch. */
#include <math.h>
#include <string.h>

#include "cli/extending.h"

/* ---- figures of some classes, out of a test of all ---- */

/* Those of the first `olds` classes, or of the others; release it. */
static bool part_of(const fr_metrics *all, size_t olds, bool old, fr_metrics *out) {
  const size_t classes = all->classes;
  if (all->confusion == NULL || fr_metrics_init(out, classes, NULL) != FR_OK)
    return false;
  for (size_t i = 0; i < classes; i++)
    for (size_t j = 0; j < classes && (i < olds) == old; j++) {
      const uint64_t n = all->confusion[i * classes + j];
      out->confusion[i * classes + j] = n;
      out->samples += n;
    }
  fr_metrics_finish(out);
  return true;
}

/* What the result tells already, of the side that was tested; samples 0: of none. */
static fr_metrics read_confusion(const json_t *result) {
  const json_t *rows = json_object_get(result, "confusion");
  fr_metrics all = {0};
  if (!json_is_array(rows))
    rows = json_object_get(json_object_get(result, "validate"), "confusion");
  const size_t classes = json_array_size(rows);
  if (classes == 0 || fr_metrics_init(&all, classes, NULL) != FR_OK)
    return all;
  for (size_t i = 0; i < classes; i++)
    for (size_t j = 0; j < classes; j++) {
      const json_t *cell = json_array_get(json_array_get(rows, i), j);
      all.confusion[i * classes + j] = (uint64_t)json_integer_value(cell);
      all.samples += all.confusion[i * classes + j];
    }
  fr_metrics_finish(&all);
  return all;
}

/* Null where nothing was tested. */
static json_t *figures_of(const fr_metrics *m) {
  if (m->samples == 0)
    return json_null();
  json_t *to = json_object();
  cli_add_figures(m, to);
  return to;
}

static json_t *part_figures(const fr_metrics *all, size_t olds, bool old) {
  fr_metrics part;
  if (all->samples == 0 || !part_of(all, olds, old, &part))
    return json_null();
  json_t *to = figures_of(&part);
  fr_metrics_release(&part);
  return to;
}

static double figure_of(const json_t *figures, const char *key) {
  const json_t *value = json_object_get(json_object_get(figures, key), "value");
  return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static double accuracy_of(const json_t *figures) {
  return figure_of(figures, "accuracy");
}

static double f1_of(const json_t *figures) { return figure_of(figures, "macro_f1"); }

/* ---- classes ---- */

static void tell_olds(cli_session *session, const cli_extended *x,
                      const fr_metrics *all) {
  json_t *to = json_object();
  json_t *before = figures_of(&x->before);
  json_t *after = part_figures(all, x->olds->count, true);
  const double was = accuracy_of(before), is = accuracy_of(after);
  if (!isnan(was) && !isnan(is))
    fr__buf_printf(
        &session->text,
        "old classes    %.2f %% before, %.2f %% after (%+.2f points); macro-F1 "
        "%.4f and %.4f\n",
        100 * was, 100 * is, 100 * (is - was), f1_of(before), f1_of(after));
  else
    fr__buf_add(&session->text, "old classes    not tested: what was forgotten is not "
                                "known\n");
  json_object_set_new(to, "names", cli_json_names(x->olds));
  json_object_set_new(to, "before", before);
  json_object_set_new(to, "after", after);
  json_object_set_new(session->result.result, "old_classes", to);
}

static void tell_news(cli_session *session, const cli_extended *x,
                      const fr_metrics *all) {
  json_t *to = part_figures(all, x->olds->count, false);
  if (!isnan(accuracy_of(to)))
    fr__buf_printf(&session->text,
                   "new classes    %.2f %%; macro-F1 %.4f:", 100 * accuracy_of(to),
                   f1_of(to));
  else
    fr__buf_add(&session->text, "new classes    not tested:");
  for (size_t k = 0; k < x->fresh.count; k++)
    fr__buf_printf(&session->text, " %s", x->fresh.name[k]);
  fr__buf_add(&session->text, "\n");
  if (json_is_null(to))
    to = json_object();
  json_object_set_new(to, "names", cli_json_names(&x->fresh));
  json_object_set_new(session->result.result, "new_classes", to);
}

/* ---- stages ---- */

static json_t *stage_of(const char *name, const fr_extend_stage *s) {
  return json_pack("{s:s, s:I, s:I, s:o, s:o, s:I, s:b}", "name", name, "first_trained",
                   (json_int_t)s->first_trained, "epochs", (json_int_t)s->epochs,
                   "validate_loss", cli_json_number(s->loss), "validate_accuracy",
                   cli_json_number(s->accuracy), "operations", (json_int_t)s->operations,
                   "kept", s->kept);
}

static void tell_stages(cli_session *session, const cli_extended *x) {
  static const char *const names[FR_EXTEND_STAGES] = {"head", "refine"};
  const fr_extend_result *r = &x->result;
  json_t *stages = json_array();
  for (size_t i = 0; i < FR_EXTEND_STAGES; i++) {
    const fr_extend_stage *s = &r->stage[i];
    if (s->epochs == 0)
      continue;
    json_array_append_new(stages, stage_of(names[i], s));
    fr__buf_printf(&session->text, "%-14s %zu epoch%s from layer %zu on", names[i],
                   s->epochs, s->epochs == 1 ? "" : "s", s->first_trained);
    if (!isnan(s->loss))
      fr__buf_printf(&session->text, ", validation %.2f %%, loss %.4f", 100 * s->accuracy,
                     s->loss);
    fr__buf_add(&session->text, s->kept ? "\n" : ": not worth it, taken back\n");
  }
  json_object_set_new(session->result.result, "stages", stages);
}

static void tell_replay(cli_session *session, const cli_extend *e,
                        const cli_extended *x) {
  const fr_extend_result *r = &x->result;
  json_t *to = json_object();
  json_object_set_new(to, "per_class",
                      e->extend.replay == FR_EXTEND_ALL
                          ? json_null()
                          : json_integer((json_int_t)e->extend.replay));
  json_object_set_new(to, "samples", json_integer((json_int_t)r->replayed));
  json_object_set_new(to, "from",
                      x->replayed != NULL ? json_string(x->replayed) : json_null());
  json_object_set_new(session->result.result, "replay", to);
  json_object_set_new(session->result.result, "new_samples",
                      json_integer((json_int_t)r->fresh));
  fr__buf_printf(&session->text,
                 "extended       '%s' by %zu of then %zu classes: %zu samples of old "
                 "ones, %zu of new ones\n",
                 e->source, r->new_classes, r->old_classes + r->new_classes, r->replayed,
                 r->fresh);
}

/* ---- costs ---- */

/* Of the whole command, but for what was done to compare. */
static void tell_per_class(cli_session *session, const cli_extended *x) {
  json_t *result = session->result.result;
  cli_spent all;
  const cli_spent aside = cli_session_phases(session, session->aside);
  cli_spent_read(result, &all);
  const fr_measure own = cli_measure_less(cli_spent_cost(&all), cli_spent_cost(&aside));
  const fr_measure m = fr_measure_scale(own, 1 / (double)x->fresh.count, own.unit);
  json_object_set_new(result, "program_per_class",
                      m.unit == FR_UNIT_JOULE ? cli_json_measure(m) : json_null());
  cli_add_measure(&session->text, "a new class", m, "");
}

static void tell_scratch(cli_session *session, const cli_extended *x,
                         const cli_spent *own, const cli_spent *spent) {
  const fr_metrics *m = &x->scratch_metrics;
  const fr_train_result *r = &x->scratch;
  const double share = cli_spent_cost(own).value / cli_spent_cost(spent).value;
  json_t *to = json_object();
  cli_spent_write(spent, to);
  json_object_set_new(to, "epochs", json_integer((json_int_t)r->epochs));
  json_object_set_new(to, "stop", json_string(fr_stop_name(r->stop)));
  json_object_set_new(to, "operations", json_integer((json_int_t)r->operations));
  json_object_set_new(to, "validate_accuracy",
                      cli_json_number(r->best_validate_accuracy));
  json_object_set_new(to, "share", cli_json_number(share));
  json_object_set_new(to, "all_classes", figures_of(m));
  json_object_set_new(to, "old_classes", part_figures(m, x->olds->count, true));
  json_object_set_new(to, "new_classes", part_figures(m, x->olds->count, false));
  cli_add_measure(&session->text, "from scratch", spent->program, "");
  fr__buf_printf(&session->text, "               %zu epochs (%s)", r->epochs,
                 fr_stop_name(r->stop));
  if (m->samples > 0)
    fr__buf_printf(&session->text, ", %.2f %%, old classes %.2f %%, new ones %.2f %%",
                   100 * m->accuracy,
                   100 * accuracy_of(json_object_get(to, "old_classes")),
                   100 * accuracy_of(json_object_get(to, "new_classes")));
  if (isfinite(share))
    fr__buf_printf(&session->text, "; extending took %.1f %% of that", 100 * share);
  fr__buf_add(&session->text, "\n");
  json_object_set_new(session->result.result, "scratch", to);
}

void cli_extend_tell(cli_session *session, const cli_extend *e, const cli_extended *x) {
  static const char *const training[] = {"features", "choose", "head", "refine", NULL};
  static const char *const comparing[] = {"scratch", NULL};
  const cli_spent own = cli_session_phases(session, training);
  const cli_spent other = cli_session_phases(session, comparing);
  json_t *to = json_object();
  fr_metrics all = read_confusion(session->result.result);
  tell_replay(session, e, x);
  tell_stages(session, x);
  tell_olds(session, x, &all);
  tell_news(session, x, &all);
  cli_spent_write(&own, to);
  json_object_set_new(session->result.result, "training", to);
  cli_add_measure(&session->text, "training", own.program, "");
  tell_per_class(session, x);
  if (x->scratched)
    tell_scratch(session, x, &own, &other);
  fr_metrics_release(&all);
}
