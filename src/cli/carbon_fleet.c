/* SPDX-License-Identifier: Apache-2.0 */
/* frugal carbon fleet: its options, and where a device's watts come from. */
#include "cli/carbon.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "cli/advise.h"
#include "cli/amount.h"
#include "cli/session.h"

#define DAYS 365.25 /* of a year; frugal advise's, too */
#define HOURS_CEILING 8784.0

enum {
  KEY_DELTA = 1,
  KEY_RUN,
  KEY_MODEL,
  KEY_PER_TEST,
  KEY_RATE,
  KEY_HOURS,
  KEY_USERS,
  KEY_YEARS,
  KEY_CHARGER,
  KEY_INTENSITY,
  KEY_USERS_IN,
  KEY_TRAINING,
  KEY_TRAININGS,
  KEY_TRAINING_INTENSITY,
  KEY_PUE
};

typedef struct asked {
  cli_output output;
  cli_fleet fleet;
  const char *delta, *model, *intensity, *users_in, *training, *training_intensity;
  int64_t run;         /* 0: not told */
  fr_measure per_test; /* absent: not told */
  double rate_hz;      /* 0: not told */
  double trainings;
  bool yearly; /* trainings of a year, not of all the years */
} asked;

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "What a device takes above its normal power, one of:", 1},
    {"delta", KEY_DELTA, "WATTS", 0, "as it was measured: 30W, 300mW, 25-35W", 1},
    {"run", KEY_RUN, "ID", 0,
     "the delta of a run in the store: frugal meter --baseline, or frugal recognize", 1},
    {"model", KEY_MODEL, "MODEL", 0,
     "joules of the newest frugal recognize or frugal test of it in the store, times "
     "--rate",
     1},
    {"per-test", KEY_PER_TEST, "ENERGY", 0, "so much a frame or test, times --rate: 2mJ",
     1},
    {"rate", KEY_RATE, "N/s", 0,
     "frames or tests: 30/s, 10/min, 5/h (default: that of the recognised stream)", 1},
    {NULL, 0, NULL, 0, "How it is used:", 2},
    {"hours", KEY_HOURS, "N/day", 0, "of use: 2/day, 5/week, 20/month, 100/year", 2},
    {"users", KEY_USERS, "N", 0, "10000, 10k, 1.5M", 2},
    {"years", KEY_YEARS, "N", 0, "of use (default 1)", 2},
    {"charger", KEY_CHARGER, "SHARE", 0,
     "of the energy from the wall that reaches the device, such as 0.85 (default 1: the "
     "device's own energy)",
     2},
    {"intensity", KEY_INTENSITY, "SPEC", 0,
     "of the grid: table:ZONE or a number of gCO2e/kWh (default table:world)", 2},
    {"users-in", KEY_USERS_IN, "ZONE:SHARE,...", 0,
     "of the users' grids, in its place: DE:0.6,FR:0.4", 2},
    {NULL, 0, NULL, 0, "What stands beside:", 3},
    {"training", KEY_TRAINING, "MODEL|ENERGY", 0,
     "what a training takes: all that the model's card tells, or 500J, 2kWh", 3},
    {"trainings", KEY_TRAININGS, "N[/year]", 0,
     "how often: 4/year, or so many in all the years (default 1)", 3},
    {"training-intensity", KEY_TRAINING_INTENSITY, "SPEC", 0,
     "of the grid that it is trained on (default --intensity, else the users')", 3},
    {"pue", KEY_PUE, "N", 0,
     "power usage effectiveness of where it is trained (default 1)", 3},
    {0},
};

/* ---- amounts ---- */

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const cli_unit rates[] = {
    {"", 1}, {"/s", 1}, {"Hz", 1}, {"/min", 1 / 60.0}, {"/h", 1 / 3600.0}};
static const cli_unit yearly[] = {
    {"/day", DAYS}, {"/week", DAYS / 7}, {"/month", 12}, {"/year", 1}};
static const cli_unit bare[] = {{"", 1}};

static double amount_of(struct argp_state *state, const char *option, const char *text,
                        const cli_unit *units, size_t count, const char *such) {
  double value;
  if (!cli_amount(text, units, count, &value))
    argp_error(state, "--%s takes %s, not '%s'", option, such, text);
  return value;
}

/* ---- options ---- */

static error_t parse_use(int key, char *text, struct argp_state *state) {
  asked *a = state->input;
  fr_fleet *f = &a->fleet.fleet;
  switch (key) {
  case KEY_HOURS:
    f->hours = amount_of(state, "hours", text, yearly, COUNT(yearly),
                         "2/day, 5/week, 20/month or 100/year");
    if (f->hours > HOURS_CEILING)
      argp_error(state, "--hours %s is more than a year has", text);
    return 0;
  case KEY_USERS:
    if (!cli_advise_count(text, &f->users) || f->users > 1e11)
      argp_error(state, "--users takes 10000, 10k or 1.5M, not '%s'", text);
    return 0;
  case KEY_YEARS: f->years = cli_real(state, "years", text, 0.01, 1000); return 0;
  case KEY_CHARGER: f->charger = cli_real(state, "charger", text, 0.01, 1); return 0;
  case KEY_PUE: f->pue = cli_real(state, "pue", text, 1, 10); return 0;
  case KEY_INTENSITY: a->intensity = text; return 0;
  case KEY_USERS_IN: a->users_in = text; return 0;
  case KEY_TRAINING: a->training = text; return 0;
  case KEY_TRAINING_INTENSITY: a->training_intensity = text; return 0;
  case KEY_TRAININGS:
    a->yearly = !cli_amount(text, bare, COUNT(bare), &a->trainings);
    if (a->yearly)
      a->trainings = amount_of(state, "trainings", text, yearly, COUNT(yearly),
                               "4/year, or a number in all the years");
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static void check(const asked *a, struct argp_state *state) {
  const int sources = (a->delta != NULL) + (a->run != 0) + (a->model != NULL) +
                      fr_measure_known(a->per_test);
  if (sources != 1)
    argp_error(state, "say one of --delta, --run, --model and --per-test");
  if (fr_measure_known(a->per_test) && !(a->rate_hz > 0))
    argp_error(state, "--per-test needs --rate");
  if (a->rate_hz > 0 && (a->delta != NULL || a->run != 0))
    argp_error(state, "--rate is of --model and --per-test");
  if (!(a->fleet.fleet.hours > 0) || !(a->fleet.fleet.users > 0))
    argp_error(state, "say --hours N/day and --users N");
  if (a->intensity != NULL && a->users_in != NULL &&
      (a->training == NULL || a->training_intensity != NULL))
    argp_error(state, "--intensity is nobody's: --users-in is the users', %s",
               a->training == NULL ? "and there is no --training"
                                   : "--training-intensity the training's");
  if (a->training == NULL &&
      (a->trainings > 0 || a->training_intensity != NULL || a->fleet.fleet.pue > 1))
    argp_error(state, "--trainings, --training-intensity and --pue are of --training");
}

static error_t parse(int key, char *text, struct argp_state *state) {
  asked *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[0] = &a->output; return 0;
  case KEY_DELTA:
    if (!cli_amount_power(text, &a->fleet.fleet.delta_w))
      argp_error(state, "--delta takes 30W, 300mW or 25-35W, not '%s'", text);
    a->delta = text;
    return 0;
  case KEY_RUN: a->run = (int64_t)cli_number(state, "run", text, 1, INT64_MAX); return 0;
  case KEY_MODEL: a->model = text; return 0;
  case KEY_PER_TEST:
    if (!cli_amount_energy(text, &a->per_test))
      argp_error(state, "--per-test takes 2mJ or 0.1J, not '%s'", text);
    return 0;
  case KEY_RATE:
    a->rate_hz =
        amount_of(state, "rate", text, rates, COUNT(rates), "30/s, 10/min or 5/h");
    return 0;
  case ARGP_KEY_ARG: argp_error(state, "'%s' is one word too many", text); return 0;
  case ARGP_KEY_END: check(a, state); return 0;
  default: return parse_use(key, text, state);
  }
}

static const struct argp_child children[] = {{&cli_output_argp, 0, "Output:", 90}, {0}};
static const struct argp argp = {
    options,
    parse,
    NULL,
    "What a program takes on the devices of its users, above what they take without it, "
    "a year: energy and grams, beside what its training takes.",
    children,
    NULL,
    NULL};

/* ---- a device's watts ---- */

/* Of frugal meter by its time, of frugal recognize for an hour of frames. */
static fr_measure watts_of_run(const json_t *result) {
  const double seconds = json_number_value(json_object_get(result, "duration_s"));
  const fr_measure delta = cli_measure_of(result, "delta", FR_UNIT_JOULE);
  const fr_measure hour =
      cli_measure_of(json_object_get(result, "per_hour"), "delta", FR_UNIT_JOULE);
  if (fr_measure_known(delta) && seconds > 0)
    return fr_measure_scale(delta, 1 / seconds, FR_UNIT_WATT);
  return fr_measure_scale(hour, 1 / 3600.0, FR_UNIT_WATT);
}

/* A delta may be below 0 within its bounds; a fleet's is at least nothing. */
static enum fr_status take_run(asked *a, const fr_run *run, fr_error *err) {
  json_t *result = run->result != NULL ? json_loads(run->result, 0, NULL) : NULL;
  fr_measure delta = watts_of_run(result);
  json_decref(result);
  if (!fr_measure_known(delta))
    return fr__fail(
        err, FR_ERR_NOT_FOUND,
        "run %lld, of '%.64s', does not tell a delta: frugal meter --baseline "
        "and frugal recognize do",
        (long long)run->id, run->command);
  if (!(delta.value > 0))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "run %lld took no more than the normal power: %g W",
                    (long long)run->id, delta.value);
  delta.low = fmax(delta.low, 0);
  a->fleet.fleet.delta_w = delta;
  (void)snprintf(a->fleet.from, sizeof a->fleet.from, "run %lld, of '%.64s'",
                 (long long)run->id, run->command);
  return FR_OK;
}

static enum fr_status from_run(asked *a, fr_store *store, fr_error *err) {
  fr_run run = {0};
  enum fr_status status = fr_store_run_get(store, a->run, &run, err);
  if (status == FR_OK)
    status = take_run(a, &run, err);
  fr_run_release(&run);
  return status;
}

typedef struct search {
  const char *model;
  int64_t run;
  const char *command; /* of ours */
  fr_measure joules;   /* of a frame or test */
  double rate_hz;      /* 0: not known */
} search;

/* The newest run that tells what one costs ends it. */
static bool look_at(void *self, const fr_run *run) {
  search *s = self;
  const bool recognized = strcmp(run->command, "recognize") == 0;
  if ((!recognized && strcmp(run->command, "test") != 0) ||
      strcmp(run->name, s->model) != 0 || run->result == NULL)
    return true;
  json_t *result = json_loads(run->result, 0, NULL);
  s->joules =
      recognized
          ? cli_measure_of(result, "program_per_frame", FR_UNIT_JOULE)
          : fr_measure_scale(cli_measure_of(result, "program_per_1000", FR_UNIT_JOULE),
                             1e-3, FR_UNIT_JOULE);
  s->rate_hz = json_number_value(json_object_get(result, "rate_hz"));
  s->run = run->id;
  s->command = recognized ? "recognize" : "test";
  json_decref(result);
  return !fr_measure_known(s->joules);
}

static enum fr_status from_model(asked *a, fr_store *store, fr_error *err) {
  search s = {.model = a->model, .joules = fr_measure_absent(FR_UNIT_JOULE)};
  char each[48];
  const enum fr_status status = fr_store_runs(store, 0, look_at, &s, err);
  if (status != FR_OK)
    return status;
  if (!fr_measure_known(s.joules))
    return fr__fail(err, FR_ERR_NOT_FOUND,
                    "no run in the store tells what a frame or test of '%.200s' takes: "
                    "frugal recognize or frugal test measures it",
                    a->model);
  const double rate_hz = a->rate_hz > 0 ? a->rate_hz : s.rate_hz;
  if (!(rate_hz > 0))
    return fr__fail(err, FR_ERR_ARGUMENT, "run %lld does not tell how often: --rate 30/s",
                    (long long)s.run);
  a->rate_hz = rate_hz;
  a->fleet.fleet.delta_w = fr_measure_scale(s.joules, rate_hz, FR_UNIT_WATT);
  cli_format_si(s.joules.value, "J", each, sizeof each);
  (void)snprintf(a->fleet.from, sizeof a->fleet.from,
                 "run %lld, of '%s': %s, %.4g times a second", (long long)s.run,
                 s.command, each, rate_hz);
  return FR_OK;
}

static enum fr_status from_store(asked *a, fr_error *err) {
  fr_store *store = NULL;
  enum fr_status status = fr_store_open_read(a->output.store, &store, err);
  if (status == FR_OK)
    status = a->run != 0 ? from_run(a, store, err) : from_model(a, store, err);
  fr_store_close(store);
  return status;
}

static enum fr_status find_delta(asked *a, fr_error *err) {
  fr_fleet *f = &a->fleet.fleet;
  (void)snprintf(a->fleet.from, sizeof a->fleet.from, "told");
  if (a->delta != NULL)
    return FR_OK;
  if (!fr_measure_known(a->per_test))
    return from_store(a, err);
  f->delta_w = fr_measure_scale(a->per_test, a->rate_hz, FR_UNIT_WATT);
  return FR_OK;
}

/* ---- training ---- */

/* All commands that the model came out of. */
static enum fr_status from_card(const char *path, fr_measure *out, fr_error *err) {
  fr_model model = {0};
  const enum fr_status status = fr_model_load(&model, path, err);
  if (status != FR_OK)
    return status;
  *out = cli_past_read(model.provenance).all.program;
  fr_model_release(&model);
  return fr_measure_known(*out)
             ? FR_OK
             : fr__fail(err, FR_ERR_NOT_FOUND,
                        "'%.200s' does not tell what it has cost: --training 500J does",
                        path);
}

static enum fr_status find_training(asked *a, fr_error *err) {
  fr_fleet *f = &a->fleet.fleet;
  if (a->training == NULL)
    return FR_OK;
  const double times = a->trainings > 0 ? a->trainings : 1;
  f->trainings = a->yearly ? times * f->years : times;
  a->fleet.trainings_per_year = f->trainings / f->years;
  (void)snprintf(a->fleet.of, sizeof a->fleet.of, "%.150s", a->training);
  return cli_amount_energy(a->training, &f->training_j)
             ? FR_OK
             : from_card(a->training, &f->training_j, err);
}

/* ---- grids ---- */

static enum fr_status find_grids(asked *a, cli_result *result, fr_error *err) {
  cli_fleet *f = &a->fleet;
  const char *spec = a->intensity != NULL ? a->intensity : "table:world";
  const char *at = a->training_intensity;
  fr_intensity one;
  enum fr_status status = fr_intensity_find(spec, &one, err);
  if (status == FR_OK && a->users_in != NULL)
    status = fr_mix_parse(a->users_in, &f->mix, err);
  else if (status == FR_OK)
    fr_mix_of(&one, &f->mix);
  if (status != FR_OK)
    return status;
  fr_mix_intensity(&f->mix, &f->users);
  f->training = a->intensity != NULL ? one : f->users;
  if (at != NULL)
    status = fr_intensity_find(at, &f->training, err);
  if (a->intensity == NULL && a->users_in == NULL)
    cli_warn(result,
             "grams are reckoned with the world's %.0f gCO2e/kWh; --users-in or "
             "--intensity table:ZONE names a grid",
             one.g_per_kwh.value);
  f->fleet.users_grid = &f->users;
  f->fleet.training_grid = a->training != NULL ? &f->training : NULL;
  return status;
}

/* ---- the verb ---- */

static enum fr_status run(asked *a, cli_result *result, fr__buf *text, fr_error *err) {
  fr_fleet_bill bill;
  enum fr_status status = find_grids(a, result, err);
  if (status == FR_OK)
    status = find_delta(a, err);
  if (status == FR_OK)
    status = find_training(a, err);
  if (status == FR_OK && a->model != NULL)
    cli_warn(result, "joules of the program stand in the place of a delta: frugal meter "
                     "--baseline measures what the whole device takes more");
  if (status == FR_OK)
    status = fr_fleet_reckon(&a->fleet.fleet, &bill, err);
  return status == FR_OK ? cli_fleet_tell(&a->fleet, &bill, result, text, err) : status;
}

int cli_carbon_fleet(int argc, char **argv) {
  asked a = {.per_test = fr_measure_absent(FR_UNIT_JOULE),
             .fleet.fleet = {.years = 1,
                             .charger = 1,
                             .pue = 1,
                             .delta_w = fr_measure_absent(FR_UNIT_WATT),
                             .training_j = fr_measure_absent(FR_UNIT_JOULE)}};
  argp_parse(&argp, argc, argv, 0, NULL, &a);
  fr_error err = {0};
  cli_result result;
  fr__buf text;
  cli_result_init(&result, "carbon");
  fr__buf_init(&text, 0);
  enum fr_status status = cli_check_writable(a.output.json, &err);
  if (status == FR_OK)
    status = run(&a, &result, &text, &err);
  const int code = status == FR_OK
                       ? cli_result_print(&result, &a.output, fr__buf_text(&text))
                       : cli_fail(&err);
  fr__buf_release(&text);
  cli_result_release(&result);
  return code;
}
