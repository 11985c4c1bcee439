/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/grams.h"

#include <math.h>

#include "base/iso8601.h"
#include "report/table.h"

#define J_PER_KWH 3.6e6
enum { LIKENESSES = 32 };

void cli_format_grams(double grams, char *text, size_t size) {
  const bool tons = fabs(grams) >= 1e6;
  cli_format_si(tons ? grams * 1e-6 : grams, tons ? "tCO2e" : "gCO2e", text, size);
}

void cli_format_kwh(double joules, char *text, size_t size) {
  cli_format_si(joules / J_PER_KWH * 1e3, "Wh", text, size);
}

void cli_format_share(double share, char *text, size_t size) {
  const double rest = 100 * (1 - share), few = 100 * share;
  const double least = rest < few ? rest : few;
  if (!(least > 0)) {
    (void)snprintf(text, size, "%.0f %%", few);
    return;
  }
  const double digits = least < 1 ? ceil(-log10(least)) : 1;
  if (digits > 9)
    (void)snprintf(text, size, "%s 0.000000001 %%", rest < few ? "all but" : "less than");
  else
    (void)snprintf(text, size, "%.*f %%", (int)digits, few);
}

void cli_add_grams(fr__buf *text, const char *what, fr_measure grams, const char *why) {
  char value[48], low[48], high[48];
  if (!fr_measure_known(grams)) {
    fr__buf_printf(text, "%-14s not known%s%s\n", what, why[0] != '\0' ? ": " : "", why);
    return;
  }
  cli_format_grams(grams.value, value, sizeof value);
  cli_format_grams(grams.low, low, sizeof low);
  cli_format_grams(grams.high, high, sizeof high);
  fr__buf_printf(text, "%-14s %s (%s to %s; %s)\n", what, value, low, high,
                 fr_source_name(grams.source));
}

/* Into `near`; how many. */
static size_t choose(double grams, size_t few, const fr_likeness *near[LIKENESSES]) {
  const size_t found = fr_likenesses_near(grams, near, LIKENESSES);
  size_t chosen = 0;
  if (few == CLI_LIKENESSES_ALL)
    return found;
  while (chosen < found && chosen < few &&
         (chosen == 0 ||
          (grams / near[chosen]->grams >= 0.01 && grams / near[chosen]->grams <= 1000)))
    chosen++;
  return chosen;
}

json_t *cli_json_likenesses(fr_measure grams, size_t few) {
  const fr_likeness *near[LIKENESSES];
  const size_t count = fr_measure_known(grams) ? choose(grams.value, few, near) : 0;
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++) {
    const fr_measure times = fr_measure_scale(grams, 1 / near[i]->grams, FR_UNIT_NONE);
    json_array_append_new(list,
                          json_pack("{s:s, s:f, s:o, s:s}", "name", near[i]->one, "grams",
                                    near[i]->grams, "times", cli_json_measure(times),
                                    "source", near[i]->source));
  }
  return list;
}

/* "0.0123", "6.9", "120000", "1/4200": three digits, no exponent where that is short. */
static void format_times(double times, char text[32]) {
  const bool part = times < 0.01 && times > 1e-9;
  const double n = part ? 1 / times : times;
  (void)snprintf(text, 32, n >= 1000 && n < 1e9 ? "%s%.0f" : "%s%.3g", part ? "1/" : "",
                 n);
}

enum fr_status cli_add_likenesses(double grams, size_t few, const char *caption,
                                  fr__buf *text, fr_error *err) {
  const fr_likeness *near[LIKENESSES];
  const size_t count = choose(grams, few, near);
  char times[32];
  fr__table table;
  if (count == 0)
    return FR_OK;
  fr__table_init(&table, caption);
  fr__table_column_add(&table, "Times", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "", FR__ALIGN_LEFT, true);
  fr__table_column_add(&table, "Source", FR__ALIGN_LEFT, true);
  for (size_t i = 0; i < count; i++) {
    const double n = grams / near[i]->grams;
    format_times(n, times);
    fr__table_add(&table, times);
    fr__table_add(&table,
                  n < 0.01 || (n > 0.995 && n < 1.005) ? near[i]->one : near[i]->many);
    fr__table_add(&table, near[i]->source);
  }
  fr__buf_add(text, "\n");
  const enum fr_status status = fr__table_render(&table, cli_columns(), text, err);
  fr__table_release(&table);
  return status;
}

json_t *cli_json_scope(const char *zone, fr_scope scope, const char *origin) {
  static const char *const factors[] = {NULL, "direct", "lifecycle"};
  static const char *const signals[] = {NULL, "average", "marginal"};
  static const char *const bases[] = {NULL, "location", "market"};
  char words[FR_SCOPE_TEXT];
  fr_scope_text(scope, words);
  return json_pack("{s:s, s:s, s:s?, s:s?, s:s?, s:s}", "zone", zone, "scope", words,
                   "factor", factors[scope.factor], "signal", signals[scope.signal],
                   "basis", bases[scope.basis], "origin", origin);
}

json_t *cli_json_skill(const fr_forecast_skill *skill) {
  if (skill->tested == 0)
    return json_null();
  return json_pack("{s:I, s:o, s:o, s:o, s:o}", "tested", (json_int_t)skill->tested,
                   "bias_g_per_kwh", cli_json_number(skill->bias), "mae_g_per_kwh",
                   cli_json_number(skill->mae), "rmse_g_per_kwh",
                   cli_json_number(skill->rmse), "mape", cli_json_number(skill->mape));
}

/* ---- a footprint ---- */

static const char *const fills[] = {"none", "last", "mean"};

static json_t *json_of_gap(const fr_footprint *f) {
  if (!(f->gaps > 0))
    return json_null();
  return json_pack("{s:o, s:o}", "from", cli_json_time(f->gap_from_s), "to",
                   cli_json_time(f->gap_to_s));
}

json_t *cli_json_footprint(const fr_footprint *footprint, const fr_series *grid) {
  const fr_footprint *f = footprint;
  return json_pack("{s:o, s:o, s:o, s:o, s:f, s:f, s:f, s:f, s:o, s:s, s:o}", "energy",
                   cli_json_measure(f->energy), "grams", cli_json_measure(f->grams),
                   "intensity", cli_json_measure(f->intensity), "hours",
                   cli_json_measure(f->hours), "pue", f->pue, "estimated", f->estimated,
                   "forecast", f->forecast, "gaps", f->gaps, "gap", json_of_gap(f),
                   "fill", fills[f->fill], "grid",
                   cli_json_scope(grid->zone, f->scope, grid->origin));
}

void cli_add_intensity(fr__buf *text, const char *what, const fr_footprint *footprint,
                       const fr_series *grid) {
  const fr_footprint *f = footprint;
  char scope[FR_SCOPE_TEXT];
  fr_scope_text(f->scope, scope);
  if (fr_measure_known(f->intensity))
    fr__buf_printf(text, "%-14s %.4g gCO2e/kWh, weighted by energy", what,
                   f->intensity.value);
  else
    fr__buf_printf(text, "%-14s not known", what);
  if (fr_measure_known(f->hours) &&
      fabs(f->hours.value - f->intensity.value) > 5e-4 * f->intensity.value)
    fr__buf_printf(text, "; the hours' own mean is %.4g", f->hours.value);
  if (f->pue > 1)
    fr__buf_printf(text, "; PUE %.4g", f->pue);
  fr__buf_printf(text, "\n%-14s %s, scope: %s\n%-14s %s\n", "", grid->zone, scope, "",
                 grid->origin);
}

/* Shares below a thousandth are not worth a warning; the JSON has them. */
static void warn_of_share(double share, const char *what, const char *why,
                          cli_result *result) {
  if (share >= 1e-3)
    cli_warn(result, "%s: %.3g %% of the energy falls into hours %s", what, 100 * share,
             why);
}

void cli_warn_of_footprint(const fr_footprint *footprint, const fr_series *grid,
                           const char *what, cli_result *result) {
  static const char *const filled[] = {"", "the last value known before stands there",
                                       "the mean of all that is known stands there"};
  static const char *const empty[] = {"the grams of the whole are not known: --fill mean "
                                      "and --fill last put something in "
                                      "its place",
                                      "no value of the day before is known either",
                                      "none is known of the days around either"};
  const fr_footprint *f = footprint;
  char from[FR__LOCAL_TEXT], to[FR__LOCAL_TEXT];
  if (grid->warning[0] != '\0')
    cli_warn(result, "%s: %s", what, grid->warning);
  warn_of_share(f->estimated, what, "whose intensity is an estimate", result);
  warn_of_share(f->forecast, what, "whose intensity is a forecast", result);
  if (!(f->gaps > 0))
    return;
  fr__time_format_local(f->gap_from_s, from);
  fr__time_format_local(f->gap_to_s, to);
  cli_warn(result,
           "%s: no intensity is known from %s to %s: %.3g %% of the energy lie in such "
           "gaps, and %s",
           what, from, to, 100 * f->gaps,
           fr_measure_known(f->grams) ? filled[f->fill] : empty[f->fill]);
}
