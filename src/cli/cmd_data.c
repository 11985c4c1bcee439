/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/export_stream.h"
#include "report/table.h"

typedef struct data {
  cli_output output;
  const char *verb, *what;
  const char *directory;
} data;

static const struct argp_option options[] = {
    {"directory", 'd', "DIR", 0,
     "the folder of data sets (default: $FRUGAL_DATA, else $XDG_DATA_HOME/frugal/data)",
     0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
  data *d = state->input;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[0] = &d->output; return 0;
  case 'd': d->directory = text; return 0;
  case ARGP_KEY_ARG:
    if (state->arg_num == 0)
      d->verb = text;
    else if (state->arg_num == 1)
      d->what = text;
    else
      argp_error(state, "'%s' is one word too many", text);
    return 0;
  case ARGP_KEY_END:
    if (d->verb == NULL ||
        (strcmp(d->verb, "list") != 0 && strcmp(d->verb, "check") != 0 &&
         strcmp(d->verb, "fetch") != 0))
      argp_error(state, "say list, check, fetch or export");
    else if (strcmp(d->verb, "list") == 0 && d->what != NULL)
      argp_error(state, "'%s' is one word too many", d->what);
    else if (strcmp(d->verb, "list") != 0 && d->what == NULL)
      argp_error(state, "say what to %s", d->verb);
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {{&cli_output_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
    options,
    parse,
    "list\ncheck SPEC\nfetch motionsense|extrasensory\nexport --stream --data SPEC -o "
    "FILE",
    "Lists the data sets that are found, counts what one consists of, fetches one from "
    "its publisher (resumed where it was cut off, and checked), or joins sequences of "
    "key "
    "points into one stream (export --help).",
    children,
    NULL,
    NULL};

/* The caller's; NULL where there is neither variable nor home. */
static char *folder_of(const data *d) {
  if (d->directory != NULL)
    return strdup(d->directory);
  const char *given = getenv("FRUGAL_DATA");
  if (given != NULL && given[0] != '\0')
    return strdup(given);
  char *user = fr__path_user("XDG_DATA_HOME", ".local/share");
  char *folder = user != NULL ? fr__path_join(user, "data") : NULL;
  free(user);
  return folder;
}

/* ---- list ---- */

static const struct {
  const char *name, *place, *about;
} known[] = {
    {"motionsense", "motionsense",
     "24 people, 6 activities, phone in the trouser pocket"},
    {"extrasensory", "extrasensory",
     "up to 60 people in daily life, features of each minute"},
};

static void add_set(fr__table *table, json_t *sets, const char *name, const char *path,
                    const char *about) {
  fr__table_add(table, name);
  fr__table_add(table, path);
  fr__table_add(table, about);
  json_array_append_new(
      sets, json_pack("{s:s, s:s, s:b}", "name", name, "path", path, "found", 1));
}

/* What a folder of unknown name is told by: the end of one of its entries' names. */
static const struct {
  const char *end, *about;
} marks[] = {
    {".index.csv", "key points of hands or bodies, packed (keypoints:)"},
    {"MP_Data", "key points of hands or bodies, a file a frame (keypoints:)"},
    {"_label.csv", "shapes of single hands (keypoints:)"},
    {".ts", "series of the UEA and UCR archives (ts:)"},
};

/* NULL where nothing in the folder is known. */
static const char *about_folder(const char *path) {
  DIR *const folder = opendir(path);
  const struct dirent *entry = NULL;
  size_t found = sizeof marks / sizeof *marks;
  while (folder != NULL && (entry = readdir(folder)) != NULL)
    for (size_t i = 0; i < found; i++) {
      const size_t n = strlen(entry->d_name), m = strlen(marks[i].end);
      if (n >= m && strcmp(entry->d_name + n - m, marks[i].end) == 0)
        found = i; /* the first of the table that is there */
    }
  if (folder != NULL)
    closedir(folder);
  return found < sizeof marks / sizeof *marks ? marks[found].about : NULL;
}

static void list_folders(const char *path, fr__table *table, json_t *sets) {
  struct dirent **entry = NULL;
  const int count = scandir(path, &entry, NULL, alphasort);
  for (int i = 0; i < count; i++) {
    const char *const name = entry[i]->d_name;
    char *const inside = name[0] != '.' ? fr__path_join(path, name) : NULL;
    const char *const about = inside != NULL ? about_folder(inside) : NULL;
    if (about != NULL)
      add_set(table, sets, name, inside, about);
    free(inside);
    free(entry[i]);
  }
  free(entry);
}

static enum fr_status list(const char *folder, cli_result *result, fr__buf *text,
                           fr_error *err) {
  fr__table table;
  fr__table_init(&table, NULL);
  fr__table_column_add(&table, "Data set", FR__ALIGN_LEFT, false);
  fr__table_column_add(&table, "Where", FR__ALIGN_LEFT, true);
  fr__table_column_add(&table, "What", FR__ALIGN_LEFT, true);
  json_t *sets = json_array();
  json_object_set_new(result->result, "data_sets", sets);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    char *path = fr__path_join(folder, known[i].place);
    struct stat info;
    const bool found = path != NULL && stat(path, &info) == 0;
    fr__table_add(&table, known[i].name);
    if (found)
      fr__table_add(&table, path);
    else
      fr__table_addf(&table, "not found: frugal data fetch %s", known[i].name);
    fr__table_add(&table, known[i].about);
    json_array_append_new(sets, json_pack("{s:s, s:s*, s:b}", "name", known[i].name,
                                          "path", path, "found", found));
    free(path);
  }
  list_folders(folder, &table, sets);
  fr__table_add(&table, "synthetic");
  fr__table_add(&table, "built in");
  fr__table_add(&table, "walkers from a gait model, hands that sign");
  json_array_append_new(
      sets, json_pack("{s:s, s:n, s:b}", "name", "synthetic", "path", "found", 1));
  const enum fr_status status = fr__table_render(&table, cli_columns(), text, err);
  fr__table_release(&table);
  return status;
}

/* ---- check and fetch ---- */

static void say_facts(const fr_data_facts *facts, cli_result *result, fr__buf *text) {
  char digest[17];
  snprintf(digest, sizeof digest, "%016" PRIx64, facts->digest);
  fr__buf_printf(text, "%zu files, %zu rows, %zu people, digest %s\n", facts->files,
                 facts->rows, facts->subjects, digest);
  if (facts->window > 0)
    fr__buf_printf(
        text,
        "%zu sequences of %zu classes; a window of %zu steps, %zu of them shorter\n",
        facts->records, facts->activities, facts->window, facts->shorter);
  json_object_set_new(result->result, "records",
                      json_integer((json_int_t)facts->records));
  json_object_set_new(result->result, "activities",
                      json_integer((json_int_t)facts->activities));
  json_object_set_new(result->result, "window",
                      facts->window > 0 ? json_integer((json_int_t)facts->window)
                                        : json_null());
  json_object_set_new(result->result, "shorter",
                      json_integer((json_int_t)facts->shorter));
  json_object_set_new(result->result, "files", json_integer((json_int_t)facts->files));
  json_object_set_new(result->result, "rows", json_integer((json_int_t)facts->rows));
  json_object_set_new(result->result, "subjects",
                      json_integer((json_int_t)facts->subjects));
  json_object_set_new(result->result, "digest", json_string(digest));
}

static void on_fetch(void *self, double done) {
  cli_progress_draw(self, "fetching", done, -1, 0, 0);
}

static enum fr_status fetch(const data *d, const char *folder, cli_result *result,
                            fr__buf *text, fr_error *err) {
  cli_progress progress;
  cli_progress_start(&progress, d->output.quiet);
  fr_data_facts facts;
  const enum fr_status status =
      fr_data_fetch(d->what, folder, on_fetch, &progress, &facts, err);
  cli_progress_end(&progress);
  if (status != FR_OK)
    return status;
  fr__buf_printf(text, "%s is in %s/%s\n", d->what, folder, d->what);
  say_facts(&facts, result, text);
  return FR_OK;
}

static enum fr_status check(const data *d, cli_result *result, fr__buf *text,
                            fr_error *err) {
  fr_data_facts facts;
  const enum fr_status status = fr_data_check(d->what, &facts, err);
  if (status == FR_OK)
    say_facts(&facts, result, text);
  return status;
}

int cli_cmd_data(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "export") == 0) {
    static char name[] = "frugal data export";
    argv[1] = name;
    return cli_export_stream(argc - 1, argv + 1);
  }
  data d = {0};
  argp_parse(&argp, argc, argv, 0, NULL, &d);
  fr_error err = {0};
  cli_result result;
  cli_result_init(&result, "data");
  fr__buf text;
  fr__buf_init(&text, 0);
  char *folder = folder_of(&d);
  enum fr_status status = FR_OK;
  if (strcmp(d.verb, "check") == 0)
    status = check(&d, &result, &text, &err);
  else if (folder == NULL)
    status = fr__fail(&err, FR_ERR_NOT_FOUND,
                      "there is no folder for data: set FRUGAL_DATA or HOME");
  else if (strcmp(d.verb, "list") == 0)
    status = list(folder, &result, &text, &err);
  else
    status = fetch(&d, folder, &result, &text, &err);
  const int code = status == FR_OK
                       ? cli_result_print(&result, &d.output, fr__buf_text(&text))
                       : cli_fail(&err);
  free(folder);
  fr__buf_release(&text);
  cli_result_release(&result);
  return code;
}
