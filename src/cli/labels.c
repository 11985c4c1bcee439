/* SPDX-License-Identifier: Apache-2.0 */
/* What a test says of each label, where each output is a yes or no. */
#include <math.h>

#include "cli/session.h"
#include "report/table.h"

/* NaN where nothing was given. */
static double share(uint64_t hits, uint64_t misses) {
  return hits + misses == 0 ? NAN : (double)hits / (double)(hits + misses);
}

static json_t *number(double value) {
  return isnan(value) ? json_null() : json_real(value);
}

static void add_share(fr__table *table, double value) {
  if (isnan(value))
    fr__table_add(table, "");
  else
    fr__table_addf(table, "%.1f %%", 100 * value);
}

static json_t *add_label(fr__table *table, const char *name, const fr_label_counts *c) {
  const uint64_t yes = c->true_positive + c->false_negative;
  const uint64_t no = c->true_negative + c->false_positive;
  const double sensitivity = share(c->true_positive, c->false_negative);
  const double specificity = share(c->true_negative, c->false_positive);
  const double balanced = (sensitivity + specificity) / 2;
  fr__table_add(table, name);
  fr__table_addf(table, "%llu", (unsigned long long)yes);
  fr__table_addf(table, "%llu", (unsigned long long)no);
  add_share(table, sensitivity);
  add_share(table, specificity);
  add_share(table, balanced);
  return json_pack("{s:s, s:I, s:I, s:o, s:o, s:o}", "name", name, "yes", (json_int_t)yes,
                   "no", (json_int_t)no, "sensitivity", number(sensitivity),
                   "specificity", number(specificity), "balanced_accuracy",
                   number(balanced));
}

void cli_session_labels(cli_session *session, const fr_metrics *metrics,
                        const fr_names *labels) {
  static const char *const titles[] = {"Yes", "No", "Sensitivity", "Specificity",
                                       "Balanced"};
  json_t *result = session->result.result, *rows = json_array();
  fr__table table;
  fr__table_init(&table, NULL);
  fr__table_column_add(&table, "Label", FR__ALIGN_LEFT, true);
  for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
    fr__table_column_add(&table, titles[i], FR__ALIGN_RIGHT, false);
  for (size_t i = 0; i < metrics->classes; i++)
    json_array_append_new(rows, add_label(&table, labels->name[i], &metrics->label[i]));
  json_object_set_new(result, "labels", rows);
  json_object_set_new(result, "answers", json_integer((json_int_t)metrics->answers));
  json_object_set_new(result, "confusion", json_null());
  fr__buf_add(&session->text, "\n");
  fr__table_render(&table, cli_columns(), &session->text, NULL);
  fr__buf_add(&session->text, "\n");
  fr__table_release(&table);
}
