/* SPDX-License-Identifier: Apache-2.0 */
/* frugal run --list and --forget: what is waiting, at work, or was cut off. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/green_store.h"
#include "cli/when.h"
#include "report/table.h"

static bool is_id(const char *name) {
  return strlen(name) == CLI_GREEN_ID - 1 &&
         strspn(name, "0123456789abcdef") == CLI_GREEN_ID - 1;
}

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

/* All of them, in order, before any is touched: a folder is not to be read while it is
 * emptied. */
static size_t names_of(const char *root, char (**names)[CLI_GREEN_ID]) {
  size_t count = 0;
  DIR *folder = opendir(root);
  *names = NULL;
  for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
    if (!is_id(entry->d_name))
      continue;
    char(*grown)[CLI_GREEN_ID] = realloc(*names, (count + 1) * sizeof **names);
    if (grown == NULL)
      break;
    *names = grown;
    memcpy(grown[count++], entry->d_name, CLI_GREEN_ID);
  }
  if (folder != NULL)
    closedir(folder);
  if (count > 0)
    qsort(*names, count, sizeof **names, by_name);
  return count;
}

/* ---- list ---- */

static void add_words(const json_t *words, fr__buf *text) {
  for (size_t i = 0; i < json_array_size(words); i++) {
    const char *word = json_string_value(json_array_get(words, i));
    fr__buf_printf(text, "%s%.80s", i > 0 ? " " : "", word != NULL ? word : "?");
  }
}

static json_t *row_of(const char *id, const json_t *whole, const cli_green_state *s,
                      pid_t owner) {
  char begun[FR__TIME_TEXT], deadline[FR__TIME_TEXT];
  fr__time_format(s->begun_s * 1000000000, begun);
  fr__time_format(s->deadline_s * 1000000000, deadline);
  const bool alone = owner == 0 && s->phase != CLI_GREEN_SLURM;
  json_t *row = json_pack(
      "{s:s, s:O, s:O?, s:O?, s:s, s:s, s:f, s:f, s:I}", "id", id, "state",
      json_object_get(whole, "state"), "command", json_object_get(whole, "command"),
      "folder", json_object_get(whole, "folder"), "begun", begun, "deadline", deadline,
      "duration_s", s->duration_s, "worked_s", cli_green_worked_s(s, 0), "pieces",
      (json_int_t)cli_green_pieces(s, NULL));
  if (alone)
    json_object_set_new(row, "state", json_string("cut off"));
  json_object_set_new(row, "process",
                      owner != 0 ? json_integer((json_int_t)owner) : json_null());
  json_object_set_new(row, "slurm", s->jobs != NULL ? json_string(s->jobs) : json_null());
  return row;
}

static void add_line(fr__table *table, const json_t *row, const cli_green_state *s) {
  char deadline[CLI_WHEN_TEXT], worked[48], whole[48];
  fr__buf words;
  fr__buf_init(&words, 0);
  add_words(json_object_get(row, "command"), &words);
  cli_when_format(s->deadline_s, false, deadline);
  cli_span_format((int64_t)cli_green_worked_s(s, 0), worked, sizeof worked);
  cli_span_format((int64_t)s->duration_s, whole, sizeof whole);
  fr__table_add(table, json_string_value(json_object_get(row, "id")));
  fr__table_add(table, json_string_value(json_object_get(row, "state")));
  fr__table_add(table, deadline);
  fr__table_addf(table, "%s of %s", worked, whole);
  fr__table_add(table, fr__buf_text(&words));
  fr__buf_release(&words);
}

static void list_one(const char *root, const char *id, fr__table *table, json_t *rows,
                     cli_result *result) {
  fr_error err;
  cli_green_state state = {.lock = -1};
  char *folder = fr__path_join(root, id);
  json_t *whole = cli_green_read(folder, &err);
  if (whole == NULL) {
    if (err.status != FR_ERR_NOT_FOUND)
      cli_warn(result, "%s", err.text);
  } else if (!cli_green_state_parse(&state, whole)) {
    cli_warn(result, "'%s' is no state of a run; frugal run --forget %s removes it",
             folder, id);
  } else {
    json_t *row = row_of(id, whole, &state, cli_green_owner(folder));
    add_line(table, row, &state);
    json_array_append_new(rows, row);
  }
  cli_green_state_release(&state);
  json_decref(whole);
  free(folder);
}

static void list_all(const char *root, fr__table *table, json_t *rows,
                     cli_result *result) {
  char(*names)[CLI_GREEN_ID] = NULL;
  const size_t count = names_of(root, &names);
  for (size_t i = 0; i < count; i++)
    list_one(root, names[i], table, rows, result);
  free(names);
}

int cli_green_list(const cli_output *output) {
  fr_error err;
  char *root = NULL;
  cli_result result;
  fr__table table;
  fr__buf text;
  if (cli_green_root(false, &root, &err) != FR_OK)
    return cli_fail(&err);
  cli_result_init(&result, "run");
  fr__buf_init(&text, 0);
  fr__table_init(&table, NULL);
  static const char *const names[] = {"Run", "State", "Deadline", "Worked", "Command"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    fr__table_column_add(&table, names[i], FR__ALIGN_LEFT, false);
  json_t *rows = json_array();
  list_all(root, &table, rows, &result);
  const enum fr_status status = fr__table_render(&table, cli_columns(), &text, &err);
  if (json_array_size(rows) == 0) {
    fr__buf_clear(&text);
    fr__buf_add(&text, "no run waits, is at work or was cut off\n");
  }
  json_object_set_new(result.result, "runs", rows);
  const int code = status == FR_OK
                       ? cli_result_print(&result, output, fr__buf_text(&text))
                       : cli_fail(&err);
  fr__table_release(&table);
  fr__buf_release(&text);
  cli_result_release(&result);
  free(root);
  return code;
}

/* ---- forget ---- */

static enum fr_status forget_one(const char *root, const char *id, fr_error *err) {
  cli_green_state state = {.lock = -1};
  state.folder = fr__path_join(root, id);
  enum fr_status status = FR_OK;
  const pid_t owner = state.folder != NULL ? cli_green_owner(state.folder) : 0;
  if (owner != 0)
    status = fr__fail(err, FR_ERR_ARGUMENT, "run %s is at work, as process %ld", id,
                      (long)owner);
  else if (state.folder != NULL)
    cli_green_state_remove(&state);
  cli_green_state_release(&state);
  return status;
}

/* Those of that id, or all; CLI_FAILED where one is not to be had. */
static int forget_named(const char *root, const char *id, json_t *forgotten) {
  fr_error err;
  int code = CLI_DONE;
  const bool all = strcmp(id, "all") == 0;
  bool known = all;
  char(*names)[CLI_GREEN_ID] = NULL;
  const size_t count = names_of(root, &names);
  for (size_t i = 0; i < count; i++) {
    if (!all && strcmp(names[i], id) != 0)
      continue;
    known = true;
    if (forget_one(root, names[i], &err) == FR_OK)
      json_array_append_new(forgotten, json_string(names[i]));
    else
      code = cli_fail(&err);
  }
  if (!known)
    code = cli_fail_text("there is no run '%s'; frugal run --list tells which there are",
                         id);
  free(names);
  return code;
}

int cli_green_forget(const char *id, const cli_output *output) {
  fr_error err;
  char *root = NULL;
  cli_result result;
  if (cli_check_writable(output->json, &err) != FR_OK ||
      cli_green_root(false, &root, &err) != FR_OK)
    return cli_fail(&err);
  cli_result_init(&result, "run");
  json_t *forgotten = json_array();
  json_object_set_new(result.result, "forgotten", forgotten);
  int code = forget_named(root, id, forgotten);
  if (code == CLI_DONE)
    code = cli_result_print(&result, output, "");
  cli_result_release(&result);
  free(root);
  return code;
}
