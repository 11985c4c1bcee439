/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/csv.h"
#include "base/error.h"
#include "cli/openings.h"
#include "report/table.h"

typedef struct runs {
  cli_output output;
  const char *verb;
  const char *id;
  bool all;
} runs;

static const struct argp_option options[] = {
    {"all", 'a', NULL, 0, "list the cells of studies too", 0},
    {0},
};

static bool is_verb(const char *word) {
  return strcmp(word, "list") == 0 || strcmp(word, "show") == 0 ||
         strcmp(word, "openings") == 0;
}

static error_t parse(int key, char *text, struct argp_state *state) {
  runs *r = state->input;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[0] = &r->output; return 0;
  case 'a': r->all = true; return 0;
  case ARGP_KEY_ARG:
    if (state->arg_num == 0)
      r->verb = text;
    else if (state->arg_num == 1 && strcmp(r->verb, "show") == 0)
      r->id = text;
    else
      argp_error(state, "'%s' is one word too many", text);
    return 0;
  case ARGP_KEY_END:
    if (r->verb == NULL || !is_verb(r->verb))
      argp_error(state, "say list, show or openings");
    else if (strcmp(r->verb, "show") == 0 && r->id == NULL)
      argp_error(state, "say which run: frugal runs list shows their numbers");
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {{&cli_output_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
    options,
    parse,
    "list\nshow ID\nopenings",
    "What was run, and what it cost; how often each test side was opened, and what was "
    "found at first.",
    children,
    NULL,
    NULL};

typedef struct listing {
  fr__table *table;
  json_t *runs;
} listing;

static void time_of(int64_t utc_ns, char text[FR__TIME_TEXT]) {
  if (utc_ns == 0)
    text[0] = '\0';
  else
    fr__time_format(utc_ns, text);
}

static json_t *json_of_run(const fr_run *run) {
  char started[FR__TIME_TEXT], ended[FR__TIME_TEXT];
  time_of(run->started_utc_ns, started);
  time_of(run->ended_utc_ns, ended);
  return json_pack("{s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s*}", "id", (json_int_t)run->id,
                   "parent", (json_int_t)run->parent, "command", run->command, "name",
                   run->name, "key", run->key, "state", run->state, "started", started,
                   "ended", ended[0] != '\0' ? ended : NULL);
}

static bool list_one(void *self, const fr_run *run) {
  listing *l = self;
  char started[FR__TIME_TEXT], took[32] = "";
  time_of(run->started_utc_ns, started);
  if (run->ended_utc_ns != 0)
    cli_format_duration((double)(run->ended_utc_ns - run->started_utc_ns) * 1e-9, took,
                        sizeof took);
  fr__table_addf(l->table, "%lld", (long long)run->id);
  fr__table_add(l->table, run->command);
  fr__table_add(l->table, run->name);
  fr__table_add(l->table, run->state);
  fr__table_add(l->table, started);
  fr__table_add(l->table, took);
  json_array_append_new(l->runs, json_of_run(run));
  return true;
}

static enum fr_status list(fr_store *store, const runs *r, cli_result *result,
                           fr__buf *text, fr_error *err) {
  fr__table table;
  fr__table_init(&table, NULL);
  fr__table_column_add(&table, "Run", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "Command", FR__ALIGN_LEFT, false);
  fr__table_column_add(&table, "Name", FR__ALIGN_LEFT, true);
  fr__table_column_add(&table, "State", FR__ALIGN_LEFT, false);
  fr__table_column_add(&table, "Started (UTC)", FR__ALIGN_LEFT, false);
  fr__table_column_add(&table, "Took", FR__ALIGN_RIGHT, false);
  listing l = {&table, json_array()};
  json_object_set_new(result->result, "runs", l.runs);
  enum fr_status status = fr_store_runs(store, r->all ? -1 : 0, list_one, &l, err);
  if (status == FR_OK && json_array_size(l.runs) == 0)
    fr__buf_printf(text, "No runs yet in %s\n", fr_store_path(store));
  else if (status == FR_OK)
    status = fr__table_render(&table, cli_columns(), text, err);
  fr__table_release(&table);
  return status;
}

/* Where there is no store yet; none is made by looking. */
static enum fr_status list_none(const fr_error *why, const char *key, cli_result *result,
                                fr__buf *text) {
  json_object_set_new(result->result, key, json_array());
  fr__buf_printf(text, "No runs yet: %s\n", why->text);
  return FR_OK;
}

typedef struct figures {
  fr__table *table;
  json_t *figures;
} figures;

static bool show_figure(void *self, const char *name, fr_measure m) {
  figures *f = self;
  fr__table_add(f->table, name);
  if (fr_measure_known(m)) {
    fr__table_addf(f->table, "%.4g", m.value);
    fr__table_addf(f->table, "%.4g to %.4g", m.low, m.high);
    fr__table_add(f->table, fr_unit_symbol(m.unit));
  } else {
    fr__table_add(f->table, "not measured");
    fr__table_add(f->table, "");
    fr__table_add(f->table, "");
  }
  fr__table_add(f->table, fr_source_name(m.source));
  json_object_set_new(f->figures, name, cli_json_measure(m));
  return true;
}

/* A measure of the contract; absent where it is none. */
static fr_measure measure_of(const json_t *json) {
  fr_measure m = fr_measure_absent(FR_UNIT_NONE);
  const char *unit, *source;
  if (json_unpack((json_t *)(uintptr_t)json, "{s:F, s:F, s:F, s:s, s:s}", "value",
                  &m.value, "low", &m.low, "high", &m.high, "unit", &unit, "source",
                  &source) != 0 ||
      !fr_unit_parse(unit, &m.unit) || !fr_source_parse(source, &m.source))
    return fr_measure_absent(FR_UNIT_NONE);
  return m;
}

/* What the result tells and the store has no figure of, as it is of a run that was cut
 * off. */
static void show_told(const json_t *result, figures *f) {
  static const char *const keys[] = {"program", "energy", "delta", "normal_w",
                                     "core_seconds"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    const fr_measure m = measure_of(json_object_get(result, keys[i]));
    if (fr_measure_known(m) && json_object_get(f->figures, keys[i]) == NULL)
      show_figure(f, keys[i], m);
  }
}

static void show_head(const fr_run *run, fr__buf *text) {
  char started[FR__TIME_TEXT], ended[FR__TIME_TEXT];
  time_of(run->started_utc_ns, started);
  time_of(run->ended_utc_ns, ended);
  fr__buf_printf(text, "Run %lld: %s %s, %s\n", (long long)run->id, run->command,
                 run->name, run->state);
  fr__buf_printf(text, "  from %s to %s, frugal %s", started,
                 ended[0] != '\0' ? ended : "(not ended)", run->version);
  if (run->host[0] != '\0')
    fr__buf_printf(text, " on %s", run->host);
  if (run->cpu[0] != '\0')
    fr__buf_printf(text, " (%s)", run->cpu);
  fr__buf_add(text, "\n");
  fr__buf_printf(text, "  %s\n", run->argv);
}

/* ---- of metered runs ---- */

static json_t *json_of_power(const fr_store_power *p) {
  if (isnan(p->mean_w))
    return json_null();
  return json_pack("{s:f, s:f, s:f}", "min", p->min_w, "mean", p->mean_w, "max",
                   p->max_w);
}

/* A run that ended told it itself, without intervals too short to say much. */
static void as_told(const json_t *told, fr_store_power *p) {
  double least, mean, most;
  if (json_unpack((json_t *)(uintptr_t)told, "{s:F, s:F, s:F}", "min", &least, "mean",
                  &mean, "max", &most) != 0)
    return;
  p->min_w = least;
  p->mean_w = mean;
  p->max_w = most;
}

/* The time that was read, which of a log with gaps is less than its span. */
static double read_s(const json_t *told, const fr_store_power *p) {
  const json_t *gap_s = json_object_get(told, "gap_s");
  return (double)p->last_ns * 1e-9 -
         (json_is_number(gap_s) ? json_number_value(gap_s) : 0);
}

static void json_power(const fr_store_power *p, double time_s, json_t *result) {
  json_object_set_new(result, "power_w", json_of_power(p));
  json_object_set_new(result, "duration_s", json_real(time_s));
  json_object_set_new(result, "samples", json_integer((json_int_t)p->count));
  json_object_set_new(result, "marked_samples", json_integer((json_int_t)p->marked));
  json_object_set_new(result, "sampled_energy_j", cli_json_number(p->energy_j));
}

static void text_power(const fr_store_power *p, double time_s, bool cut_off,
                       fr__buf *text) {
  char time[32], energy[32];
  cli_format_duration(time_s, time, sizeof time);
  cli_format_si(p->energy_j, "J", energy, sizeof energy);
  if (isnan(p->mean_w))
    fr__buf_printf(text, "\nPower was not measured in any of %zu samples\n", p->count);
  else
    fr__buf_printf(text, "\nPower  min %.4g W, mean %.4g W, max %.4g W; %s in %s%s\n",
                   p->min_w, p->mean_w, p->max_w, energy, time,
                   cut_off ? ", then it was cut off" : "");
  if (p->marked > 0)
    fr__buf_printf(text,
                   "       %zu of %zu samples are marked: bridged, or behind a gap\n",
                   p->marked, p->count);
}

/* "transcribe 90 %, sh 5 %" */
static void add_shares(const json_t *shares, fr__table *table) {
  fr__buf text;
  fr__buf_init(&text, 0);
  for (size_t i = 0; i < json_array_size(shares); i++) {
    const json_t *of = json_array_get(shares, i);
    const char *name = json_string_value(json_object_get(of, "name"));
    const json_t *share = json_object_get(of, "share");
    if (name == NULL)
      continue;
    fr__buf_printf(&text, "%s%s", text.length > 0 ? ", " : "", name);
    if (json_is_number(share))
      fr__buf_printf(&text, " %.0f %%", 100 * json_number_value(share));
  }
  fr__table_add(table, fr__buf_text(&text));
  fr__buf_release(&text);
}

static void add_number(const json_t *object, const char *key, fr__table *table) {
  const json_t *number = json_object_get(object, key);
  if (json_is_number(number))
    fr__table_addf(table, "%.4g", json_number_value(number));
  else
    fr__table_add(table, "not measured");
}

static bool any_phases(const json_t *spikes) {
  bool any = false;
  for (size_t i = 0; i < json_array_size(spikes); i++)
    any =
        any || json_array_size(json_object_get(json_array_get(spikes, i), "phases")) > 0;
  return any;
}

/* The result's "spikes" as a table; none where it tells of none. */
static enum fr_status text_spikes(const json_t *spikes, fr__buf *text, fr_error *err) {
  static const char *const keys[] = {"start_s", "duration_s", "height_w"};
  static const char *const titles[] = {"Spike at, s", "Length, s", "Height, W"};
  const bool phases = any_phases(spikes);
  if (json_array_size(spikes) == 0)
    return FR_OK;
  fr__table table;
  fr__table_init(&table, NULL);
  for (size_t i = 0; i < 3; i++)
    fr__table_column_add(&table, titles[i], FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "Caused by", FR__ALIGN_LEFT, true);
  if (phases)
    fr__table_column_add(&table, "In phase", FR__ALIGN_LEFT, true);
  for (size_t s = 0; s < json_array_size(spikes); s++) {
    const json_t *spike = json_array_get(spikes, s);
    for (size_t i = 0; i < 3; i++)
      add_number(spike, keys[i], &table);
    add_shares(json_object_get(spike, "causes"), &table);
    if (phases)
      add_shares(json_object_get(spike, "phases"), &table);
  }
  fr__buf_add(text, "\n");
  const enum fr_status status = fr__table_render(&table, cli_columns(), text, err);
  fr__table_release(&table);
  return status;
}

static void add_joules(const json_t *phase, const char *key, fr__table *table) {
  char value[48] = "not measured";
  const fr_measure m = measure_of(json_object_get(phase, key));
  if (fr_measure_known(m))
    cli_format_si(m.value, "J", value, sizeof value);
  fr__table_add(table, value);
}

/* The result's "phases" as a table; none where the program marked none. */
static enum fr_status text_phases(const json_t *phases, fr__buf *text, fr_error *err) {
  if (json_array_size(phases) < 2)
    return FR_OK;
  fr__table table;
  fr__table_init(&table, NULL);
  fr__table_column_add(&table, "Phase", FR__ALIGN_LEFT, true);
  fr__table_column_add(&table, "Times", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "Seconds", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "Machine", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "Program", FR__ALIGN_RIGHT, false);
  for (size_t i = 0; i < json_array_size(phases); i++) {
    const json_t *phase = json_array_get(phases, i);
    const char *name = json_string_value(json_object_get(phase, "name"));
    fr__table_add(&table, name != NULL ? name : "");
    add_number(phase, "count", &table);
    add_number(phase, "duration_s", &table);
    add_joules(phase, "energy", &table);
    add_joules(phase, "program", &table);
  }
  fr__buf_add(text, "\n");
  const enum fr_status status = fr__table_render(&table, cli_columns(), text, err);
  fr__table_release(&table);
  return status;
}

/* What the samples say, which is all there is of a run that was cut off. */
static enum fr_status show_power(fr_store *store, const fr_run *run, cli_result *result,
                                 fr__buf *text, fr_error *err) {
  fr_store_power power;
  const json_t *stored = json_object_get(result->result, "result");
  json_t *spikes = json_object_get(stored, "spikes");
  const enum fr_status status = fr_store_power_of(store, run->id, &power, err);
  if (status != FR_OK || power.count == 0)
    return status;
  if (run->ended_utc_ns != 0) /* else the samples are newer than what was told */
    as_told(json_object_get(stored, "power_w"), &power);
  const double time_s = read_s(stored, &power);
  json_power(&power, time_s, result->result);
  json_object_set(result->result, "spikes", spikes != NULL ? spikes : json_null());
  text_power(&power, time_s, strcmp(run->state, "cut off") == 0, text);
  enum fr_status shown = text_phases(json_object_get(stored, "phases"), text, err);
  if (shown == FR_OK)
    shown = text_spikes(spikes, text, err);
  return shown;
}

static enum fr_status show(fr_store *store, const runs *r, cli_result *result,
                           fr__buf *text, fr_error *err) {
  int64_t id;
  if (!fr__parse_integer(r->id, 1, INT64_MAX, &id))
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s' is not the number of a run", r->id);
  fr_run run;
  enum fr_status status = fr_store_run_get(store, id, &run, err);
  if (status != FR_OK)
    return status;
  show_head(&run, text);
  json_object_update_new(result->result, json_of_run(&run));
  json_t *stored = run.result != NULL ? json_loads(run.result, 0, NULL) : NULL;
  json_object_set_new(result->result, "result", stored != NULL ? stored : json_null());

  fr__table table;
  fr__table_init(&table, NULL);
  fr__table_column_add(&table, "Figure", FR__ALIGN_LEFT, false);
  fr__table_column_add(&table, "Value", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "95 % interval", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "Unit", FR__ALIGN_LEFT, false);
  fr__table_column_add(&table, "Source", FR__ALIGN_LEFT, false);
  figures f = {&table, json_object()};
  json_object_set_new(result->result, "figures", f.figures);
  status = fr_store_figures(store, id, show_figure, &f, err);
  if (status == FR_OK && strcmp(run.command, "meter") == 0)
    show_told(stored, &f);
  if (status == FR_OK && json_object_size(f.figures) > 0)
    status = fr__table_render(&table, cli_columns(), text, err);
  const json_t *const told_s = json_object_get(stored, "duration_s");
  if (run.ended_utc_ns == 0 && json_object_size(f.figures) > 0 && json_is_number(told_s))
    fr__buf_printf(text, "figures as of %.1f s; the power below is of all samples\n",
                   json_number_value(told_s));
  if (status == FR_OK)
    status = show_power(store, &run, result, text, err);
  /* A study's own tables say more than its figures. */
  char *study = NULL;
  if (status == FR_OK && strcmp(run.command, "study") == 0 && run.result != NULL &&
      fr_report_study_text(store, id, cli_columns(), &study, err) == FR_OK)
    fr__buf_printf(text, "\n%s", study);
  free(study);
  fr__table_release(&table);
  fr_run_release(&run);
  return status;
}

int cli_cmd_runs(int argc, char **argv) {
  runs r = {0};
  argp_parse(&argp, argc, argv, 0, NULL, &r);
  fr_error err;
  fr_store *store = NULL;
  const bool listing_asked = strcmp(r.verb, "show") != 0;
  enum fr_status status = fr_store_open_read(r.output.store, &store, &err);
  const bool openings = strcmp(r.verb, "openings") == 0;
  const bool empty = listing_asked && status == FR_ERR_NOT_FOUND;
  int64_t id;
  if (status == FR_ERR_NOT_FOUND && !empty && fr__parse_integer(r.id, 1, INT64_MAX, &id))
    return cli_fail_text("there is no run %lld: %s", (long long)id, err.text);
  if (status == FR_ERR_NOT_FOUND && !empty)
    return cli_fail_text("'%s' is not the number of a run", r.id);
  if (status != FR_OK && !empty)
    return cli_fail(&err);
  cli_result result;
  cli_result_init(&result, "runs");
  fr__buf text;
  fr__buf_init(&text, 0);
  if (empty)
    status = list_none(&err, openings ? "protocols" : "runs", &result, &text);
  else if (openings)
    status = cli_openings_list(store, result.result, &text, &err);
  else
    status = listing_asked ? list(store, &r, &result, &text, &err)
                           : show(store, &r, &result, &text, &err);
  const int code = status == FR_OK
                       ? cli_result_print(&result, &r.output, fr__buf_text(&text))
                       : cli_fail(&err);
  fr__buf_release(&text);
  cli_result_release(&result);
  fr_store_close(store);
  return code;
}
