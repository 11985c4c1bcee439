/* SPDX-License-Identifier: Apache-2.0 */
/* A job's options, as frugal plan and frugal run take them. */
#include "cli/planning.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/iso8601.h"
#include "cli/amount.h"

enum {
  KEY_ENERGY = 0x1000,
  KEY_POWER,
  KEY_DURATION,
  KEY_RUN,
  KEY_EPOCHS,
  KEY_SCALE,
  KEY_DEADLINE,
  KEY_NOW,
  KEY_INTERRUPTIBLE,
  KEY_MIN_PIECE,
  KEY_PIECES,
  KEY_RESUME_TIME,
  KEY_RESUME_ENERGY,
  KEY_INTENSITY,
  KEY_FACTOR,
  KEY_PUE,
  KEY_HOME,
  KEY_REGIONS,
  KEY_SERIES,
  KEY_CRITERIA,
  KEY_DATA,
  KEY_DATA_ENERGY,
  KEY_LATENCY,
  KEY_RESIDENCY,
  KEY_CARBON_FREE,
  KEY_PRICE,
  KEY_FORECAST,
  KEY_LEAST_GAIN,
  KEY_OFFLINE
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "What the job takes:", 1},
    {"energy", KEY_ENERGY, "ENERGY", 0, "2kWh, 500kJ, 1.5-2.5kWh", 1},
    {"power", KEY_POWER, "WATTS", 0,
     "300W, 250-350W: with --duration its energy, with --energy its duration", 1},
    {"duration", KEY_DURATION, "TIME", 0, "of work: 3h, 20m, 1d12h", 1},
    {"run", KEY_RUN, "ID", 0,
     "energy and duration of a run in the store, the machine's, idle included; with "
     "--duration its mean power for so long",
     1},
    {"epochs", KEY_EPOCHS, "N", 0,
     "of --run: with so many epochs in the place of those it had, what is not of an "
     "epoch once",
     1},
    {"scale", KEY_SCALE, "X", 0, "so many times the energy and the time (default 1)", 1},
    {NULL, 0, NULL, 0, "When:", 2},
    {"deadline", KEY_DEADLINE, "TIME", 0,
     "it has ended by then: 24h from now, or 2026-11-23T18:00 (local time, where no zone "
     "is told)",
     2},
    {"now", KEY_NOW, "TIME", 0,
     "nothing later is looked at (ISO 8601; default: the clock)", 2},
    {"interruptible", KEY_INTERRUPTIBLE, NULL, 0, "it may run in pieces", 2},
    {"min-piece", KEY_MIN_PIECE, "TIME", 0, "of work in each piece, at least: 20m", 2},
    {"pieces", KEY_PIECES, "N", 0, "in so many pieces at most", 2},
    {"resume-time", KEY_RESUME_TIME, "TIME", 0,
     "each piece but the first takes so much longer: 30s", 2},
    {"resume-energy", KEY_RESUME_ENERGY, "ENERGY", 0, "and so much more energy: 5kJ", 2},
    {NULL, 0, NULL, 0, "Where:", 3},
    {"intensity", KEY_INTENSITY, "SPEC", 0,
     "of the grid at home: csv:FILE, electricitymaps:ZONE, watttime:REGION, uk:, "
     "table:ZONE, a number of gCO2e/kWh",
     3},
    {"factor", KEY_FACTOR, "KIND", 0,
     "lifecycle or direct, where a source has both (default: its usual one)", 3},
    {"pue", KEY_PUE, "N", 0, "power usage effectiveness at home (default 1)", 3},
    {"home", KEY_HOME, "REGION", 0, "home is that region: gcp:europe-west3, DE", 3},
    {"regions", KEY_REGIONS, "LIST", 0,
     "where it could run, too: gcp, aws, azure, all; gcp:europe-west3; zones DE,FR,PL; "
     "NAME=SPEC; may be told again",
     3},
    {"series", KEY_SERIES, "SPEC", 0,
     "of a region's zone over time: 'csv:/data/{zone}_2023_hourly.csv', "
     "'electricitymaps:{zone}' (default: its yearly mean, which knows no hour)",
     3},
    {"criteria", KEY_CRITERIA, "FILE.csv", 0,
     "what you know of regions, in columns region, country, zone, intensity, pue, "
     "latency_ms, price_per_h, carbon_free",
     3},
    {"data", KEY_DATA, "SIZE", 0, "to be brought there: 20GB, 3TB", 3},
    {"data-energy", KEY_DATA_ENERGY, "X", 0,
     "that bringing it takes: 0.06kWh/GB (with --data; nothing is made up)", 3},
    {NULL, 0, NULL, 0, "What must hold there:", 4},
    {"residency", KEY_RESIDENCY, "LIST", 0, "countries: EU, EEA, DE,FR", 4},
    {"max-latency", KEY_LATENCY, "TIME", 0, "30ms: with latency_ms of --criteria", 4},
    {"min-carbon-free", KEY_CARBON_FREE, "SHARE", 0, "of its energy: 0.8", 4},
    {"max-price", KEY_PRICE, "X", 0, "an hour: with price_per_h of --criteria", 4},
    {NULL, 0, NULL, 0, "How the hours ahead are known:", 5},
    {"forecast", KEY_FORECAST, "KIND", 0,
     "auto (default): the source's where it has one, else frugal's own out of past days; "
     "own; source; perfect: what a file has after --now",
     5},
    {"least-gain", KEY_LEAST_GAIN, "SHARE", 0,
     "of the grams below which waiting or moving is not worth it (default 0.01)", 5},
    {"offline", KEY_OFFLINE, NULL, 0, "of servers only what is kept", 5},
    {0},
};

cli_planning_options cli_planning_default_options(void) {
  return (cli_planning_options){.energy = fr_measure_absent(FR_UNIT_JOULE),
                                .power = fr_measure_absent(FR_UNIT_WATT),
                                .scale = 1,
                                .now_s = FR_TIME_EARLIEST,
                                .deadline_at_s = FR_TIME_EARLIEST,
                                .max_latency_ms = (double)NAN,
                                .min_carbon_free = (double)NAN,
                                .max_price = (double)NAN,
                                .threshold = (double)NAN};
}

int64_t cli_planning_now(const cli_planning_options *o) {
  return o->now_s != FR_TIME_EARLIEST ? o->now_s : fr__clock_utc_ns() / 1000000000;
}

/* ---- one option ---- */

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const cli_unit sizes[] = {
    {"GB", 1},   {"MB", 1e-3},         {"TB", 1e3},
    {"PB", 1e6}, {"GiB", 1.073741824}, {"TiB", 1099.511627776}};
static const cli_unit moving[] = {
    {"kWh/GB", 1}, {"Wh/GB", 1e-3}, {"kJ/GB", 1 / 3600.0}, {"kWh/TB", 1e-3}};
static const cli_unit latencies[] = {{"ms", 1}, {"s", 1e3}, {"", 1}};

static double amount_of(struct argp_state *state, const char *option, const char *text,
                        const cli_unit *units, size_t count, const char *such) {
  double value = 0;
  if (!cli_amount(text, units, count, &value))
    argp_error(state, "--%s takes %s, not '%s'", option, such, text);
  return value;
}

static void take_deadline(cli_planning_options *o, struct argp_state *state,
                          const char *text) {
  o->deadline_in_s = 0;
  o->deadline_at_s = FR_TIME_EARLIEST;
  if (fr__duration_parse(text, &o->deadline_in_s, NULL) != FR_OK &&
      !cli_time_read(text, &o->deadline_at_s, NULL))
    argp_error(state,
               "--deadline takes a time from now (24h, 2d) or a day and hour "
               "(2026-11-23T18:00), not '%s'",
               text);
}

static enum cli_foresight foresight_of(struct argp_state *state, const char *text) {
  static const char *const names[] = {"auto", "own", "source", "perfect"};
  for (size_t i = 0; i < COUNT(names); i++)
    if (strcmp(text, names[i]) == 0)
      return (enum cli_foresight)i;
  argp_error(state, "--forecast takes auto, own, source or perfect, not '%s'", text);
  return CLI_FORESIGHT_AUTO;
}

static const char *residency_of(struct argp_state *state, const char *text) {
  fr_error err;
  if (fr_residency_check(text, &err) != FR_OK)
    argp_error(state, "--residency: %s", err.text);
  return text;
}

/* ---- options by what they are of ---- */

static error_t parse_work(int key, char *text, struct argp_state *state) {
  cli_planning_options *o = state->input;
  switch (key) {
  case KEY_ENERGY:
    if (!cli_amount_energy(text, &o->energy))
      argp_error(state, "--energy takes 2kWh, 500kJ or 1.5-2.5kWh, not '%s'", text);
    return 0;
  case KEY_POWER:
    if (!cli_amount_power(text, &o->power))
      argp_error(state, "--power takes 300W or 250-350W, not '%s'", text);
    return 0;
  case KEY_DURATION: o->duration_s = cli_duration(state, "duration", text); return 0;
  case KEY_RUN: o->run = (int64_t)cli_number(state, "run", text, 1, INT64_MAX); return 0;
  case KEY_EPOCHS: o->epochs = cli_number(state, "epochs", text, 1, 1000000); return 0;
  case KEY_SCALE: o->scale = cli_real(state, "scale", text, 1e-6, 1e9); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static error_t parse_time(int key, char *text, struct argp_state *state) {
  cli_planning_options *o = state->input;
  fr_measure joules;
  switch (key) {
  case KEY_DEADLINE: take_deadline(o, state, text); return 0;
  case KEY_NOW: o->now_s = cli_time(state, "now", text); return 0;
  case KEY_INTERRUPTIBLE: o->interruptible = true; return 0;
  case KEY_MIN_PIECE: o->min_piece_s = cli_duration(state, "min-piece", text); return 0;
  case KEY_PIECES:
    o->most_pieces = cli_number(state, "pieces", text, 1, 100000);
    return 0;
  case KEY_RESUME_TIME: o->resume_s = cli_duration(state, "resume-time", text); return 0;
  case KEY_RESUME_ENERGY:
    if (!cli_amount_energy(text, &joules) || joules.low < joules.high)
      argp_error(state, "--resume-energy takes 5kJ or 1Wh, not '%s'", text);
    o->resume_j = joules.value;
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static void add_list(cli_planning_options *o, struct argp_state *state,
                     const char *text) {
  if (o->lists == CLI_PLANNING_LISTS)
    argp_error(state, "--regions can be told %d times: commas join what one tells",
               CLI_PLANNING_LISTS);
  o->regions[o->lists++] = text;
}

static error_t parse_place(int key, char *text, struct argp_state *state) {
  cli_planning_options *o = state->input;
  switch (key) {
  case KEY_INTENSITY: o->intensity = text; return 0;
  case KEY_FACTOR: o->factor = cli_factor(state, text); return 0;
  case KEY_PUE: o->pue = cli_real(state, "pue", text, 1, 10); return 0;
  case KEY_HOME: o->home = text; return 0;
  case KEY_REGIONS: add_list(o, state, text); return 0;
  case KEY_SERIES:
    if (strstr(text, "{zone}") == NULL)
      argp_error(state, "--series takes a SPEC with {zone} in it, not '%s'", text);
    o->series = text;
    return 0;
  case KEY_CRITERIA: o->criteria = text; return 0;
  case KEY_DATA:
    o->data_gb = amount_of(state, "data", text, sizes, COUNT(sizes), "20GB or 3TB");
    return 0;
  case KEY_DATA_ENERGY:
    o->data_kwh_per_gb =
        amount_of(state, "data-energy", text, moving, COUNT(moving), "0.06kWh/GB");
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static error_t parse_rule(int key, char *text, struct argp_state *state) {
  cli_planning_options *o = state->input;
  switch (key) {
  case KEY_RESIDENCY: o->residency = residency_of(state, text); return 0;
  case KEY_LATENCY:
    o->max_latency_ms =
        amount_of(state, "max-latency", text, latencies, COUNT(latencies), "30ms");
    return 0;
  case KEY_CARBON_FREE:
    o->min_carbon_free = cli_real(state, "min-carbon-free", text, 0, 1);
    return 0;
  case KEY_PRICE: o->max_price = cli_real(state, "max-price", text, 0, 1e9); return 0;
  case KEY_FORECAST: o->foresight = foresight_of(state, text); return 0;
  case KEY_LEAST_GAIN: o->threshold = cli_real(state, "least-gain", text, 0, 1); return 0;
  case KEY_OFFLINE: o->offline = true; return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

/* ---- what contradicts itself ---- */

static void check_work(const cli_planning_options *o, struct argp_state *state) {
  const bool energy = fr_measure_known(o->energy), power = fr_measure_known(o->power);
  if (power && energy && o->duration_s > 0)
    argp_error(state, "of --energy, --power and --duration two tell the third");
  if (o->epochs > 0 && o->run == 0)
    argp_error(state, "--epochs is of --run");
  if (o->run != 0 && power)
    argp_error(state, "--run tells the power: --power contradicts it");
  if (o->run != 0 && energy && o->duration_s > 0)
    argp_error(state, "--energy and --duration leave nothing for --run to tell");
  if (o->run != 0 && o->epochs > 0 && (energy || o->duration_s > 0))
    argp_error(state, "--epochs tells energy and duration: --%s contradicts it",
               energy ? "energy" : "duration");
}

static void check_rest(const cli_planning_options *o, struct argp_state *state) {
  if (!o->interruptible &&
      (o->min_piece_s > 0 || o->most_pieces > 0 || o->resume_s > 0 || o->resume_j > 0))
    argp_error(state, "--min-piece, --pieces, --resume-time and --resume-energy are of "
                      "--interruptible");
  if ((o->data_gb > 0) != (o->data_kwh_per_gb > 0))
    argp_error(state, "--data and --data-energy go together");
  if (o->lists == 0 && o->data_gb > 0)
    argp_error(state, "--data is brought to --regions: say where");
}

static error_t parse(int key, char *text, struct argp_state *state) {
  if (key == ARGP_KEY_END) {
    check_work(state->input, state);
    check_rest(state->input, state);
    return 0;
  }
  error_t taken = parse_work(key, text, state);
  if (taken == ARGP_ERR_UNKNOWN)
    taken = parse_time(key, text, state);
  if (taken == ARGP_ERR_UNKNOWN)
    taken = parse_place(key, text, state);
  return taken == ARGP_ERR_UNKNOWN ? parse_rule(key, text, state) : taken;
}

const struct argp cli_planning_argp = {.options = options, .parser = parse};
