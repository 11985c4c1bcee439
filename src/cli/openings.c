/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/openings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "report/table.h"
#include "study/opening.h"

/* ---- logging ---- */

static fr__opened opened_of(const cli_work *work) {
  return (fr__opened){work->data, &work->prepared, work->task, work->split, work->fold};
}

static enum fr_status log_opening(const fr__opened *opened, cli_session *session,
                                  const cli_work *work, const fr_net *net, int64_t *id,
                                  size_t *count, fr_error *err) {
  char protocol[FR__OPENING_HEX], model[FR__OPENING_HEX];
  char *terms = fr__opening_terms(opened);
  if (terms == NULL)
    return fr__fail_memory(err, "an opening");
  fr__opening_protocol(opened, protocol);
  fr__opening_model(net, model);
  const fr_opening opening = {.protocol = protocol,
                              .run = session->run,
                              .command = session->result.command,
                              .data = work->data->spec,
                              .terms = terms,
                              .network = fr_net_text(net),
                              .model = model,
                              .seed = work->seed};
  const enum fr_status status =
      fr_store_opening_add(session->store, &opening, id, count, err);
  free(terms);
  return status;
}

int64_t cli_opening_begin(const cli_work *work, cli_session *session, const fr_net *net) {
  const fr__opened opened = opened_of(work);
  json_t *result = session->result.result;
  char protocol[FR__OPENING_HEX];
  int64_t id = 0;
  size_t count = 0;
  fr_error err;
  fr__opening_protocol(&opened, protocol);
  json_object_set_new(result, "protocol", json_string(protocol));
  json_object_set_new(result, "openings", json_null());
  if (log_opening(&opened, session, work, net, &id, &count, &err) != FR_OK) {
    cli_warn(&session->result, "this opening of the test side is not logged: %s",
             err.text);
    return 0;
  }
  json_object_set_new(result, "openings", json_integer((json_int_t)count));
  return id;
}

void cli_opening_found(cli_session *session, int64_t opening, const fr_metrics *metrics) {
  const fr_opening found = {.id = opening,
                            .accuracy = metrics->accuracy,
                            .macro_f1 = metrics->macro_f1,
                            .weighted_f1 = metrics->weighted_f1,
                            .balanced_accuracy = metrics->balanced_accuracy};
  const json_t *result = session->result.result;
  fr_error err;
  if (opening == 0)
    return;
  if (fr_store_opening_found(session->store, &found, &err) != FR_OK)
    cli_warn(&session->result, "what this opening found is not logged: %s", err.text);
  fr__buf_printf(&session->text, "openings       %lld of this test side so far (%s)\n",
                 (long long)json_integer_value(json_object_get(result, "openings")),
                 json_string_value(json_object_get(result, "protocol")));
}

/* ---- listing ---- */

typedef struct listing {
  json_t *protocols; /* in the order of their first openings; owned by the result */
  json_t *index;     /* protocol -> the entry, borrowed by it */
} listing;

static json_t *number(double value) {
  return isnan(value) ? json_null() : json_real(value);
}

static json_t *json_of_opening(const fr_opening *o) {
  char opened[FR__TIME_TEXT];
  fr__time_format(o->opened_utc_ns, opened);
  json_t *one = json_pack("{s:s, s:o, s:s, s:s, s:s, s:I}", "opened", opened, "run",
                          o->run != 0 ? json_integer((json_int_t)o->run) : json_null(),
                          "command", o->command, "network", o->network, "model", o->model,
                          "seed", (json_int_t)o->seed);
  json_object_set_new(one, "accuracy", number(o->accuracy));
  json_object_set_new(one, "macro_f1", number(o->macro_f1));
  json_object_set_new(one, "weighted_f1", number(o->weighted_f1));
  json_object_set_new(one, "balanced_accuracy", number(o->balanced_accuracy));
  return one;
}

static bool add_opening(void *self, const fr_opening *o) {
  const listing *l = self;
  json_t *entry = json_object_get(l->index, o->protocol);
  if (entry == NULL) {
    entry = json_pack("{s:s, s:s, s:s, s:[]}", "protocol", o->protocol, "data", o->data,
                      "terms", o->terms, "openings");
    json_object_set(l->index, o->protocol, entry);
    json_array_append_new(l->protocols, entry);
  }
  json_array_append_new(json_object_get(entry, "openings"), json_of_opening(o));
  return true;
}

static void add_figure(const json_t *opening, const char *key, fr__table *table) {
  const json_t *value = json_object_get(opening, key);
  if (json_is_number(value))
    fr__table_addf(table, "%.4f", json_number_value(value));
  else
    fr__table_add(table, "not told");
}

static void add_row(json_t *entry, fr__table *table) {
  static const char *const keys[] = {"accuracy", "macro_f1", "weighted_f1",
                                     "balanced_accuracy"};
  const json_t *all = json_object_get(entry, "openings");
  const json_t *first = json_array_get(all, 0);
  fr__table_add(table, json_string_value(json_object_get(entry, "protocol")));
  fr__table_addf(table, "%s; %s", json_string_value(json_object_get(entry, "data")),
                 json_string_value(json_object_get(entry, "terms")));
  fr__table_addf(table, "%zu", json_array_size(all));
  fr__table_add(table, json_string_value(json_object_get(first, "opened")));
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    add_figure(first, keys[i], table);
  json_object_set(entry, "first", json_array_get(all, 0));
  json_object_set_new(entry, "count", json_integer((json_int_t)json_array_size(all)));
}

static enum fr_status render(json_t *protocols, fr__buf *text, fr_error *err) {
  static const char *const figures[] = {"Accuracy", "Macro-F1", "Weighted F1",
                                        "Balanced"};
  fr__table table;
  fr__table_init(&table, NULL);
  fr__table_column_add(&table, "Protocol", FR__ALIGN_LEFT, false);
  fr__table_column_add(&table, "Test side", FR__ALIGN_LEFT, true);
  fr__table_column_add(&table, "Openings", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "First (UTC)", FR__ALIGN_LEFT, false);
  for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
    fr__table_column_add(&table, figures[i], FR__ALIGN_RIGHT, false);
  for (size_t i = 0; i < json_array_size(protocols); i++)
    add_row(json_array_get(protocols, i), &table);
  const enum fr_status status = fr__table_render(&table, cli_columns(), text, err);
  fr__table_release(&table);
  return status;
}

enum fr_status cli_openings_list(fr_store *store, json_t *result, fr__buf *text,
                                 fr_error *err) {
  const listing l = {json_array(), json_object()};
  json_object_set_new(result, "protocols", l.protocols);
  enum fr_status status =
      fr_store_openings_each(store, NULL, add_opening, (void *)(uintptr_t)&l, err);
  if (status == FR_OK && json_array_size(l.protocols) == 0)
    fr__buf_printf(text, "No test side was opened yet in %s\n", fr_store_path(store));
  else if (status == FR_OK)
    status = render(l.protocols, text, err);
  json_decref(l.index);
  return status;
}
