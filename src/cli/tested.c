/* SPDX-License-Identifier: Apache-2.0 */
/* What a test found out, of the test side or of the validation side. */
#include <math.h>

#include "cli/session.h"

/* Null where there is no figure, or no interval of it. */
static json_t *ratio(double value, double low, double high) {
  const fr_measure m = {value, low, high, FR_UNIT_NONE, FR_SOURCE_COUNT};
  return isnan(value) || isnan(low) ? json_null() : cli_json_measure(m);
}

void cli_add_figures(const fr_metrics *m, json_t *to) {
  fr_metrics_bounds b;
  if (fr_metrics_intervals(m, 1, &b, NULL) != FR_OK)
    b = (fr_metrics_bounds){NAN, NAN, NAN, NAN, NAN, NAN};
  json_object_set_new(to, "accuracy",
                      ratio(m->accuracy, m->accuracy_low, m->accuracy_high));
  json_object_set_new(to, "macro_f1",
                      ratio(m->macro_f1, b.macro_f1_low, b.macro_f1_high));
  json_object_set_new(to, "weighted_f1",
                      ratio(m->weighted_f1, b.weighted_f1_low, b.weighted_f1_high));
  json_object_set_new(
      to, "balanced_accuracy",
      ratio(m->balanced_accuracy, b.balanced_accuracy_low, b.balanced_accuracy_high));
  json_object_set_new(to, "samples", json_integer((json_int_t)m->samples));
}

static void add_line(cli_session *session, const char *what, const fr_metrics *m) {
  fr__buf_printf(&session->text,
                 "%-14s %.2f %% (%.2f to %.2f) of %zu samples\n"
                 "               macro-F1 %.4f, weighted F1 %.4f, balanced accuracy "
                 "%.4f\n",
                 what, 100 * m->accuracy, 100 * m->accuracy_low, 100 * m->accuracy_high,
                 m->samples, m->macro_f1, m->weighted_f1, m->balanced_accuracy);
}

static json_t *confusion_of(const fr_metrics *m) {
  json_t *rows = json_array();
  for (size_t i = 0; i < m->classes && m->confusion != NULL; i++) {
    json_t *row = json_array();
    for (size_t j = 0; j < m->classes; j++)
      json_array_append_new(row,
                            json_integer((json_int_t)m->confusion[i * m->classes + j]));
    json_array_append_new(rows, row);
  }
  return rows;
}

void cli_session_metrics(cli_session *session, const fr_metrics *metrics,
                         const fr_names *classes) {
  json_t *result = session->result.result;
  if (session->board != NULL)
    cli_tensorboard_test(session->board, metrics);
  cli_add_figures(metrics, result);
  json_object_set_new(result, "classes", cli_json_names(classes));
  json_object_set_new(result, "confusion", confusion_of(metrics));
  add_line(session, "test accuracy", metrics);
  if (metrics->label != NULL)
    cli_session_labels(session, metrics, classes);
}

void cli_session_unseen(cli_session *session, const fr_names *classes) {
  static const char *const closed[] = {"accuracy",          "macro_f1", "weighted_f1",
                                       "balanced_accuracy", "samples",  "confusion",
                                       "validate"};
  json_t *result = session->result.result;
  for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
    json_object_set_new(result, closed[i], json_null());
  json_object_set_new(result, "classes", cli_json_names(classes));
  fr__buf_add(&session->text, "               the test side was left closed\n");
}

void cli_session_validated(cli_session *session, const fr_metrics *metrics,
                           const fr_names *classes) {
  json_t *validate = json_object();
  add_line(session, "validated", metrics);
  cli_session_unseen(session, classes);
  cli_add_figures(metrics, validate);
  json_object_set_new(validate, "confusion", confusion_of(metrics));
  json_object_set_new(session->result.result, "validate", validate);
}
