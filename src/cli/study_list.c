/* SPDX-License-Identifier: Apache-2.0 */
/* frugal study --list: what there is to run. */
#include "cli/study_list.h"

#include <stdlib.h>

#include "base/buf.h"
#include "report/format.h"
#include "report/table.h"

static void add_number(fr__table *table, const json_t *row, const char *key,
                       const char *unit) {
  const json_t *value = json_object_get(row, key);
  if (json_is_number(value))
    fr__table_addf(table, "%.3g %s", json_number_value(value), unit);
  else
    fr__table_add(table, "–");
}

static void add_row(fr__table *table, const json_t *row) {
  fr__table_add(table, json_string_value(json_object_get(row, "name")));
  fr__table_add(table, json_string_value(json_object_get(row, "mechanism")));
  fr__table_addf(table, "%lld of %lld",
                 (long long)json_integer_value(json_object_get(row, "stored")),
                 (long long)json_integer_value(json_object_get(row, "runs")));
  add_number(table, row, "program_j", "J");
  add_number(table, row, "duration_s", "s");
}

static void add_expected(const json_t *list, fr__buf *text) {
  const json_t *expected = json_object_get(list, "expected");
  const json_t *joules = json_object_get(expected, "program_j");
  const json_t *seconds = json_object_get(expected, "duration_s");
  const long long runs = json_integer_value(json_object_get(expected, "runs"));
  if (runs == 0) {
    fr__buf_printf(text, "\nNothing is left to run\n");
    return;
  }
  fr__buf_printf(text, "\nTo run: %lld", runs);
  if (json_is_number(joules) && json_is_number(seconds))
    fr__buf_printf(text, ", expected to take %.3g J and %.3g s, one after another",
                   json_number_value(joules), json_number_value(seconds));
  fr__buf_printf(text, "\n");
}

static enum fr_status write_list(const json_t *list, fr__buf *text, fr_error *err) {
  fr__table table;
  const json_t *cells = json_object_get(list, "cells");
  fr__table_init(&table, NULL);
  fr__table_column_add(&table, "Cell", FR__ALIGN_LEFT, false);
  fr__table_column_add(&table, "Mechanism", FR__ALIGN_LEFT, true);
  fr__table_column_add(&table, "Stored", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "A run", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "Took", FR__ALIGN_RIGHT, false);
  for (size_t i = 0; i < json_array_size(cells); i++)
    add_row(&table, json_array_get(cells, i));
  const enum fr_status status = fr__table_render(&table, cli_columns(), text, err);
  fr__table_release(&table);
  add_expected(list, text);
  return status;
}

int cli_print_study_list(const char *json, const cli_output *output) {
  cli_result result;
  fr__buf text;
  fr_error err;
  json_t *list = json_loads(json, 0, NULL);
  fr__buf_init(&text, 0);
  cli_result_init(&result, "study");
  json_object_update(result.result, list);
  const enum fr_status status = write_list(list, &text, &err);
  const int code = status == FR_OK
                       ? cli_result_print(&result, output, fr__buf_text(&text))
                       : cli_fail(&err);
  cli_result_release(&result);
  fr__buf_release(&text);
  json_decref(list);
  return code;
}
