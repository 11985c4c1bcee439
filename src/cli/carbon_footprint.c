/* SPDX-License-Identifier: Apache-2.0 */
/* frugal carbon footprint: its options, and the reckoning. */
#include "cli/carbon_footprint.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/csv.h"
#include "base/error.h"
#include "cli/advise.h"
#include "cli/amount.h"
#include "cli/carbon.h"

#define DAY_S INT64_C(86400)
#define DURATION_CEILING_S (10 * 366 * DAY_S)

enum {
  KEY_RUN = 1,
  KEY_OF,
  KEY_ENERGY,
  KEY_POWER,
  KEY_START,
  KEY_DURATION,
  KEY_NOW,
  KEY_INTENSITY,
  KEY_PUE,
  KEY_FACTOR,
  KEY_FILL,
  KEY_MARKET,
  KEY_OFFSET,
  KEY_PRICE,
  KEY_EMBODIED,
  KEY_LIFE,
  KEY_USE,
  KEY_CORES,
  KEY_KEEP,
  KEY_PER
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "What is paid for, one of:", 1},
    {"run", KEY_RUN, "ID", 0, "a run in the store, over its samples or its time", 1},
    {"energy", KEY_ENERGY, "ENERGY", 0, "so much: 2kWh, 500kJ, 1.8-2.2kWh", 1},
    {"power", KEY_POWER, "FILE.csv", 0,
     "power over time: what frugal meter --csv writes (t_s, power_w, energy_j)", 1},
    {"of", KEY_OF, "WHICH", 0,
     "of a run or file: energy (of the machine; default), delta (above its normal "
     "power) or program",
     1},
    {"start", KEY_START, "TIME", 0,
     "when it began, ISO 8601; of --energy and --power, and of runs that are recordings",
     1},
    {"duration", KEY_DURATION, "TIME", 0, "how long it took: 3h, 90min", 1},
    {NULL, 0, NULL, 0, "Where it is from:", 2},
    {"intensity", KEY_INTENSITY, "SPEC", 0,
     "of the grid: csv:FILE, table:ZONE, 400, electricitymaps:ZONE, watttime:REGION, uk: "
     "(default table:world)",
     2},
    {"factor", KEY_FACTOR, "lifecycle|direct", 0,
     "which of a source's factors (default: its usual one)", 2},
    {"pue", KEY_PUE, "N", 0, "power usage effectiveness (default 1)", 2},
    {"fill", KEY_FILL, "none|last|mean", 0,
     "of hours without an intensity: the grams are not known (none, the default), the "
     "last value of the day before, or the mean of a week before and after",
     2},
    {"now", KEY_NOW, "TIME", 0, "nothing that was told later is looked at", 2},
    {"market", KEY_MARKET, "SPEC", 0,
     "what the contracts tell, shown beside (market-based), never in its place: 0, "
     "csv:FILE",
     2},
    {NULL, 0, NULL, 0, "The hardware's share:", 3},
    {"embodied", KEY_EMBODIED, "GRAMS", 0,
     "of making and scrapping the whole device: 300kg, 250-350kg", 3},
    {"life", KEY_LIFE, "TIME", 0, "that it is kept: 4y, 30mo", 3},
    {"use", KEY_USE, "H/day", 0,
     "of that time, when it is used: 8h/day, 40h/week, 0.3 (default: all of it)", 3},
    {"cores", KEY_CORES, "N/ALL", 0, "of it that the work had: 2/8 (default: all)", 3},
    {"keep", KEY_KEEP, "TIME", 0, "what keeping it so much longer saves: 1y", 3},
    {NULL, 0, NULL, 0, "What stands beside:", 4},
    {"per", KEY_PER, "NAME=COUNT", 0,
     "the Software Carbon Intensity: grams per NAME, of which COUNT were done: "
     "inference=1000000",
     4},
    {"offset", KEY_OFFSET, "GRAMS", 0,
     "already offset: shown beside, not subtracted: 1.2kg", 4},
    {"offset-price", KEY_PRICE, "PRICE/t", 0, "of offsetting a ton: 25USD/t", 4},
    {0},
};

/* ---- amounts ---- */

static fr_measure grams_of(struct argp_state *state, const char *option,
                           const char *text) {
  fr_measure m = fr_measure_absent(FR_UNIT_GRAM_CO2E);
  if (!cli_amount_grams(text, &m) || m.high > 1e15)
    argp_error(state, "--%s takes 300kg, 250-350kg or 1.2t, not '%s'", option, text);
  return m;
}

static double years_of(struct argp_state *state, const char *option, const char *text) {
  double days = 0;
  if (!cli_advise_life(text, &days) || days > 100 * 365.25)
    argp_error(state, "--%s takes 4y, 30mo, 26w or 90d, up to 100 years, not '%s'",
               option, text);
  return days * (double)DAY_S;
}

static double use_of(struct argp_state *state, const char *text) {
  static const cli_unit units[] = {{"h/day", 1 / 24.0}, {"h/week", 1 / 168.0}, {"", 1}};
  double share = 0;
  if (!cli_amount(text, units, sizeof units / sizeof *units, &share) || share > 1 + 1e-12)
    argp_error(state, "--use takes 8h/day, 40h/week or a share up to 1, not '%s'", text);
  return fmin(share, 1);
}

/* "2/8", "0.25" */
static double cores_of(struct argp_state *state, const char *text) {
  double part = 0, all = 1;
  const char *end = fr__scan_number(text, text + strlen(text), &part);
  bool good = end != NULL;
  if (good && *end == '/')
    good = fr__parse_number(end + 1, strlen(end + 1), &all);
  else
    good = good && *end == '\0';
  if (!good || !(part > 0 && all > 0 && part <= all))
    argp_error(state, "--cores takes 2/8 or a share up to 1, not '%s'", text);
  return part / all;
}

/* "25USD/t", "0.02EUR/kg" */
static void parse_price(struct argp_state *state, const char *text,
                        cli_footprint_asked *a) {
  double price = 0;
  const char *end = fr__scan_number(text, text + strlen(text), &price);
  while (end != NULL && *end == ' ')
    end++;
  bool good = end != NULL && price > 0 && price < 1e12;
  for (size_t i = 0; good && i < 3; i++)
    good = end[i] >= 'A' && end[i] <= 'Z';
  const bool kilo = good && strcmp(end + 3, "/kg") == 0;
  if (!good || (!kilo && strcmp(end + 3, "/t") != 0))
    argp_error(state, "--offset-price takes 25USD/t or 0.02EUR/kg, not '%s'", text);
  else
    (void)snprintf(a->currency, sizeof a->currency, "%.3s", end);
  a->price = kilo ? 1000 * price : price;
}

/* "inference=1000000", "test=10k" */
static void parse_per(struct argp_state *state, const char *text,
                      cli_footprint_asked *a) {
  const char *equals = strchr(text, '=');
  const size_t length = equals != NULL ? (size_t)(equals - text) : 0;
  if (length == 0 || length >= sizeof a->unit ||
      !cli_advise_count(equals + 1, &a->units) || !isfinite(a->units))
    argp_error(state,
               "--per takes NAME=COUNT with a count above 0, such as inference=1000000, "
               "not '%s'",
               text);
  else
    (void)snprintf(a->unit, sizeof a->unit, "%.*s", (int)length, text);
}

static enum fr_fill fill_of(struct argp_state *state, const char *text) {
  static const char *const fills[] = {"none", "last", "mean"};
  for (size_t i = 0; i < sizeof fills / sizeof *fills; i++)
    if (strcmp(text, fills[i]) == 0)
      return (enum fr_fill)i;
  argp_error(state, "--fill takes none, last or mean, not '%s'", text);
  return FR_FILL_NONE;
}

/* ---- options ---- */

static error_t parse_hardware(int key, char *text, struct argp_state *state) {
  cli_footprint_asked *a = state->input;
  switch (key) {
  case KEY_EMBODIED: a->hardware.embodied = grams_of(state, "embodied", text); return 0;
  case KEY_LIFE: a->hardware.life_s = years_of(state, "life", text); return 0;
  case KEY_USE: a->hardware.use = use_of(state, text); return 0;
  case KEY_CORES: a->hardware.share = cores_of(state, text); return 0;
  case KEY_KEEP: a->keep_s = years_of(state, "keep", text); return 0;
  case KEY_PER: parse_per(state, text, a); return 0;
  case KEY_OFFSET: a->offset = grams_of(state, "offset", text); return 0;
  case KEY_PRICE: parse_price(state, text, a); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static error_t parse_grid(int key, char *text, struct argp_state *state) {
  cli_footprint_asked *a = state->input;
  switch (key) {
  case KEY_INTENSITY: a->intensity = text; return 0;
  case KEY_MARKET: a->market = text; return 0;
  case KEY_PUE: a->pue = cli_real(state, "pue", text, 1, 10); return 0;
  case KEY_FACTOR: a->factor = cli_factor(state, text); return 0;
  case KEY_FILL: a->fill = fill_of(state, text); return 0;
  case KEY_NOW: a->now_s = cli_time(state, "now", text); return 0;
  default: return parse_hardware(key, text, state);
  }
}

static void check_time(const cli_footprint_asked *a, struct argp_state *state) {
  const bool started = a->start_s > INT64_MIN;
  if (a->power != NULL && !started)
    argp_error(state, "--power needs --start TIME: when its first second was");
  if (started && fr_measure_known(a->energy) && a->duration_s == 0)
    argp_error(state, "--start needs --duration: how long it took");
  if (a->duration_s > 0 && !fr_measure_known(a->energy))
    argp_error(state, "--duration is of --energy: runs and files tell their own");
}

static void check(const cli_footprint_asked *a, struct argp_state *state) {
  const bool told = fr_measure_known(a->energy), device = a->hardware.life_s > 0;
  const bool embodied = fr_measure_known(a->hardware.embodied);
  if ((a->run != 0) + (a->power != NULL) + told != 1)
    argp_error(state, "say one of --run, --energy and --power");
  if (told && a->of != CLI_OF_ENERGY)
    argp_error(state, "--of is of --run and --power");
  check_time(a, state);
  if (embodied != device)
    argp_error(state, "--embodied GRAMS and --life TIME go together");
  if (!embodied && (a->keep_s > 0 || a->hardware.use < 1 || a->hardware.share < 1))
    argp_error(state, "--use, --cores and --keep are of --embodied");
  if (embodied && told && a->duration_s == 0)
    argp_error(state, "--embodied needs --duration: the share is of the time used");
}

static error_t parse(int key, char *text, struct argp_state *state) {
  cli_footprint_asked *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[0] = &a->output; return 0;
  case KEY_RUN: a->run = (int64_t)cli_number(state, "run", text, 1, INT64_MAX); return 0;
  case KEY_POWER: a->power = text; return 0;
  case KEY_ENERGY:
    if (!cli_amount_energy(text, &a->energy) || a->energy.high > 1e21)
      argp_error(state, "--energy takes 2kWh, 500kJ or 1.8-2.2kWh, not '%s'", text);
    return 0;
  case KEY_OF:
    if (!cli_of_parse(text, &a->of))
      argp_error(state, "--of takes energy, delta or program, not '%s'", text);
    return 0;
  case KEY_START: a->start_s = cli_time(state, "start", text); return 0;
  case KEY_DURATION:
    a->duration_s = cli_duration(state, "duration", text);
    if (a->duration_s > DURATION_CEILING_S)
      argp_error(state, "--duration %s is more than ten years", text);
    return 0;
  case ARGP_KEY_ARG: argp_error(state, "'%s' is one word too many", text); return 0;
  case ARGP_KEY_END: check(a, state); return 0;
  default: return parse_grid(key, text, state);
  }
}

static const struct argp_child children[] = {{&cli_output_argp, 0, "Output:", 90}, {0}};
static const struct argp argp = {
    options,
    parse,
    NULL,
    "What energy that was spent has cost in grams of CO2: each hour's energy times its "
    "own intensity, with the hardware's share, and what stands beside."
    "\vTimes without a zone are local. Bounds are the energy's and the intensity's, "
    "lowest with lowest and highest with highest.",
    children,
    NULL,
    NULL};

/* ---- the reckoning ---- */

/* With as much around it as what fills gaps needs. */
static fr_intensity_query query_of(const cli_footprint_asked *asked,
                                   const fr_load *load) {
  int64_t from_s = 0, to_s = 0;
  (void)fr_load_span(load, &from_s, &to_s);
  const int64_t before_s = asked->fill == FR_FILL_MEAN   ? 7 * DAY_S
                           : asked->fill == FR_FILL_LAST ? DAY_S
                                                         : 0;
  const int64_t after_s = asked->fill == FR_FILL_MEAN ? 7 * DAY_S : 0;
  return (fr_intensity_query){.now_s = asked->now_s,
                              .from_s = from_s - before_s,
                              .to_s = to_s + after_s,
                              .factor = asked->factor};
}

static enum fr_status read_grid(const cli_footprint_asked *asked, const char *spec,
                                const cli_footprint_found *found, fr_series *out,
                                fr_error *err) {
  const fr_intensity_query query = query_of(asked, &found->load);
  const enum fr_intensity_kind kind = fr_intensity_kind_of(spec);
  if (!found->timed && (kind == FR_INTENSITY_FILE || kind == FR_INTENSITY_SERVER))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "'%.200s' changes with time: --start TIME and --duration TIME say "
                    "when the energy was spent",
                    spec);
  return fr_intensity_read(spec, &query, out, err);
}

static enum fr_status reckon_contracts(const cli_footprint_asked *asked,
                                       cli_footprint_found *found, fr_error *err) {
  found->contracted.grams = fr_measure_absent(FR_UNIT_GRAM_CO2E);
  if (asked->market == NULL)
    return FR_OK;
  enum fr_status status = read_grid(asked, asked->market, found, &found->contracts, err);
  found->contracts.scope.basis = FR_BASIS_MARKET;
  if (status == FR_OK)
    status = fr_footprint_reckon(&found->load, &found->contracts, asked->pue, asked->fill,
                                 &found->contracted, err);
  return status;
}

static enum fr_status reckon_hardware(const cli_footprint_asked *asked,
                                      cli_footprint_found *found, fr_error *err) {
  enum fr_status status = FR_OK;
  found->embodied = fr_measure_absent(FR_UNIT_GRAM_CO2E);
  found->together = found->located.grams;
  if (fr_measure_known(asked->hardware.embodied)) {
    status = fr_embodied_grams(&asked->hardware, found->used_s, &found->embodied, err);
    found->together = fr_measure_add(found->located.grams, found->embodied);
  }
  if (status == FR_OK && asked->keep_s > 0)
    status = fr_embodied_keep(&asked->hardware, asked->keep_s, &found->keeping, err);
  if (status == FR_OK && asked->unit[0] != '\0')
    status =
        fr_sci_reckon(&found->located, found->embodied, asked->units, &found->sci, err);
  return status;
}

static enum fr_status reckon(const cli_footprint_asked *asked, cli_footprint_found *found,
                             fr_error *err) {
  const char *spec = asked->intensity != NULL ? asked->intensity : "table:world";
  enum fr_status status = cli_footprint_load(asked, found, err);
  if (status == FR_OK)
    status = read_grid(asked, spec, found, &found->grid, err);
  if (status == FR_OK)
    status = fr_footprint_reckon(&found->load, &found->grid, asked->pue, asked->fill,
                                 &found->located, err);
  if (status == FR_OK)
    status = reckon_contracts(asked, found, err);
  return status == FR_OK ? reckon_hardware(asked, found, err) : status;
}

static int run(const cli_footprint_asked *asked, cli_result *result) {
  cli_footprint_found found = {0};
  fr_error err = {0};
  fr__buf text;
  fr__buf_init(&text, 0);
  enum fr_status status = cli_check_writable(asked->output.json, &err);
  if (status == FR_OK)
    status = reckon(asked, &found, &err);
  if (status == FR_OK)
    status = cli_footprint_tell(asked, &found, result, &text, &err);
  const int code = status == FR_OK
                       ? cli_result_print(result, &asked->output, fr__buf_text(&text))
                       : cli_fail(&err);
  fr__buf_release(&text);
  fr_load_release(&found.load);
  fr_series_release(&found.grid);
  fr_series_release(&found.contracts);
  return code;
}

int cli_carbon_footprint(int argc, char **argv) {
  cli_footprint_asked asked = {
      .energy = fr_measure_absent(FR_UNIT_JOULE),
      .start_s = INT64_MIN,
      .now_s = fr__clock_utc_ns() / 1000000000,
      .pue = 1,
      .offset = fr_measure_absent(FR_UNIT_GRAM_CO2E),
      .hardware = {fr_measure_absent(FR_UNIT_GRAM_CO2E), 0, 1, 1}};
  cli_result result;
  argp_parse(&argp, argc, argv, 0, NULL, &asked);
  cli_result_init(&result, "carbon");
  const int code = run(&asked, &result);
  cli_result_release(&result);
  return code;
}
