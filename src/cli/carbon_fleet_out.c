/* SPDX-License-Identifier: Apache-2.0 */
/* frugal carbon fleet: what it found, as a table, a sentence and JSON. */
#include <stdio.h>
#include <string.h>

#include "cli/carbon.h"
#include "cli/grams.h"
#include "report/table.h"

/* ---- JSON ---- */

static json_t *json_of_grid(const fr_intensity *grid) {
  char scope[FR_SCOPE_TEXT];
  fr_scope_text(grid->scope, scope);
  return json_pack("{s:s, s:o, s:s, s:s}", "zone", grid->zone, "intensity",
                   cli_json_measure(grid->g_per_kwh), "scope", scope, "origin",
                   grid->origin);
}

static json_t *json_of_mix(const fr_mix *mix) {
  json_t *zones = json_array();
  for (size_t i = 0; i < mix->count; i++) {
    json_t *zone = json_of_grid(&mix->zone[i]);
    json_object_set_new(zone, "share", json_real(mix->share[i]));
    json_array_append_new(zones, zone);
  }
  return zones;
}

static json_t *json_of_side(const fr_fleet_side *side, double share) {
  if (!fr_measure_known(side->energy))
    return json_null();
  return json_pack(
      "{s:o, s:o}", "energy",
      cli_json_measure(fr_measure_scale(side->energy, share, FR_UNIT_JOULE)), "grams",
      cli_json_measure(fr_measure_scale(side->grams, share, FR_UNIT_GRAM_CO2E)));
}

/* A share of all the years, such as one of them. */
static json_t *json_of_bill(const fr_fleet_bill *bill, double share) {
  return json_pack("{s:o, s:o, s:o}", "users", json_of_side(&bill->users, share),
                   "training", json_of_side(&bill->training, share), "total",
                   json_of_side(&bill->total, share));
}

static json_t *json_of_equivalents(const fr_fleet_bill *bill, double years) {
  size_t count;
  const fr_equivalent *row = fr_equivalents(&count);
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++) {
    const fr_measure times =
        fr_measure_scale(bill->total.grams, 1 / (years * row[i].grams), FR_UNIT_NONE);
    json_array_append_new(list,
                          json_pack("{s:s, s:f, s:o, s:s}", "name", row[i].name, "grams",
                                    row[i].grams, "times", cli_json_measure(times),
                                    "source", row[i].source));
  }
  return list;
}

static void fill_result(const cli_fleet *asked, const fr_fleet_bill *bill, json_t *r) {
  const fr_fleet *f = &asked->fleet;
  const bool trained = fr_measure_known(bill->training.energy);
  json_object_set_new(r, "verb", json_string("fleet"));
  json_object_set_new(r, "delta", cli_json_measure(f->delta_w));
  json_object_set_new(r, "delta_from", json_string(asked->from));
  json_object_set_new(r, "hours_per_year", json_real(f->hours));
  json_object_set_new(r, "users", json_real(f->users));
  json_object_set_new(r, "years", json_real(f->years));
  json_object_set_new(r, "charger", json_real(f->charger));
  json_object_set_new(r, "users_grid", json_of_grid(&asked->users));
  json_object_set_new(r, "users_zones", json_of_mix(&asked->mix));
  json_object_set_new(r, "training",
                      trained
                          ? json_pack("{s:s, s:o, s:f, s:f, s:o}", "of", asked->of,
                                      "energy", cli_json_measure(f->training_j),
                                      "times_per_year", asked->trainings_per_year, "pue",
                                      f->pue, "grid", json_of_grid(&asked->training))
                          : json_null());
  json_object_set_new(r, "per_year", json_of_bill(bill, 1 / f->years));
  json_object_set_new(r, "in_all", json_of_bill(bill, 1));
  json_object_set_new(r, "per_user_year",
                      json_of_side(&bill->users, 1 / (f->years * f->users)));
  json_object_set_new(r, "users_share",
                      json_pack("{s:o, s:o}", "energy",
                                cli_json_measure(bill->energy_share), "grams",
                                cli_json_measure(bill->grams_share)));
  json_object_set_new(r, "equivalents", json_of_equivalents(bill, f->years));
}

/* ---- the table ---- */

static void add_side(fr__table *table, const char *what, const fr_fleet_side *side,
                     double share) {
  char text[4][48];
  if (!fr_measure_known(side->energy))
    return;
  cli_format_si(side->energy.value * share, "J", text[0], sizeof *text);
  cli_format_kwh(side->energy.value * share, text[1], sizeof *text);
  fr__table_add(table, what);
  fr__table_add(table, text[0]);
  fr__table_add(table, text[1]);
  cli_format_grams(side->grams.value * share, text[0], sizeof *text);
  cli_format_grams(side->grams.low * share, text[1], sizeof *text);
  cli_format_grams(side->grams.high * share, text[2], sizeof *text);
  fr__table_add(table, text[0]);
  fr__table_addf(table, "%s to %s", text[1], text[2]);
}

static enum fr_status add_bill(const fr_fleet_bill *bill, const char *caption,
                               double share, fr__buf *text, fr_error *err) {
  fr__table table;
  fr__table_init(&table, caption);
  fr__table_column_add(&table, "", FR__ALIGN_LEFT, false);
  fr__table_column_add(&table, "Energy", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "CO2e", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "Low to high", FR__ALIGN_RIGHT, false);
  add_side(&table, "users' devices", &bill->users, share);
  add_side(&table, "training", &bill->training, share);
  if (fr_measure_known(bill->training.energy))
    add_side(&table, "together", &bill->total, share);
  const enum fr_status status = fr__table_render(&table, cli_columns(), text, err);
  fr__table_release(&table);
  return status;
}

static enum fr_status add_equivalents(const fr_fleet_bill *bill, double years,
                                      fr__buf *text, fr_error *err) {
  size_t count;
  const fr_equivalent *row = fr_equivalents(&count);
  fr__table table;
  fr__table_init(&table, "A year of all of it is as much as");
  fr__table_column_add(&table, "Times", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "", FR__ALIGN_LEFT, true);
  for (size_t i = 0; i < count; i++) {
    const double times = bill->total.grams.value / years / row[i].grams;
    fr__table_addf(&table, times < 1000 ? "%.3g" : "%.0f", times);
    fr__table_add(&table, row[i].name);
  }
  fr__buf_add(text, "\n");
  const enum fr_status status = fr__table_render(&table, cli_columns(), text, err);
  fr__table_release(&table);
  return status;
}

static void add_grid(fr__buf *text, const char *what, const fr_intensity *grid) {
  char scope[FR_SCOPE_TEXT];
  fr_scope_text(grid->scope, scope);
  fr__buf_printf(text, "%-14s %.4g gCO2e/kWh: %s (%s)\n", what, grid->g_per_kwh.value,
                 grid->zone, scope);
}

static void add_asked(const cli_fleet *asked, fr__buf *text) {
  const fr_fleet *f = &asked->fleet;
  char joules[48];
  cli_add_measure(text, "delta", f->delta_w, "");
  fr__buf_printf(text, "               of a device, %s\n", asked->from);
  fr__buf_printf(text, "%-14s %.6g users, %.6g hours a year each", "use", f->users,
                 f->hours);
  if (f->charger < 1)
    fr__buf_printf(text, "; %.3g %% of what leaves the wall reaches the device",
                   100 * f->charger);
  fr__buf_add(text, "\n");
  add_grid(text, "grid", &asked->users);
  if (!fr_measure_known(f->training_j))
    return;
  cli_format_si(f->training_j.value, "J", joules, sizeof joules);
  fr__buf_printf(text, "%-14s '%s': %s, %.4g times a year, PUE %.3g\n", "training",
                 asked->of, joules, asked->trainings_per_year, f->pue);
  add_grid(text, "its grid", &asked->training);
}

/* ---- in words ---- */

static void add_words(const cli_fleet *asked, const fr_fleet_bill *bill,
                      cli_result *result, fr__buf *text) {
  char energy[64], grams[64], words[320];
  const double own = 1 / (asked->fleet.years * asked->fleet.users);
  cli_format_kwh(bill->users.energy.value * own, energy, sizeof energy);
  cli_format_grams(bill->users.grams.value * own, grams, sizeof grams);
  int used =
      snprintf(words, sizeof words, "Each user spends %s and %s a year", energy, grams);
  if (fr_measure_known(bill->energy_share) && fr_measure_known(bill->grams_share)) {
    cli_format_share(bill->energy_share.value, energy, sizeof energy);
    cli_format_share(bill->grams_share.value, grams, sizeof grams);
    (void)snprintf(words + used, sizeof words - (size_t)used,
                   "; %s of the energy and %s of the CO2e fall on users' devices, the "
                   "rest on training",
                   energy, grams);
  }
  fr__buf_printf(text, "\n%s.\n", words);
  json_object_set_new(result->result, "words", json_string(words));
}

/* Means of different kinds are added up all the same, and that is said. */
static void warn_of_scopes(const cli_fleet *asked, cli_result *result) {
  const fr_scope scope = asked->mix.zone[0].scope;
  bool same = !fr_measure_known(asked->fleet.training_j) ||
              fr_scope_same(scope, asked->training.scope);
  for (size_t i = 1; i < asked->mix.count; i++)
    same = same && fr_scope_same(scope, asked->mix.zone[i].scope);
  if (!same)
    cli_warn(result, "the grids' intensities are not of one kind: the scope of each "
                     "stands beside it");
}

enum fr_status cli_fleet_tell(const cli_fleet *asked, const fr_fleet_bill *bill,
                              cli_result *result, fr__buf *text, fr_error *err) {
  const double years = asked->fleet.years;
  char caption[48];
  add_asked(asked, text);
  fill_result(asked, bill, result->result);
  warn_of_scopes(asked, result);
  fr__buf_add(text, "\n");
  enum fr_status status = add_bill(bill, "A year", 1 / years, text, err);
  (void)snprintf(caption, sizeof caption, "In %.4g years", years);
  if (status == FR_OK && (years < 1 || years > 1)) {
    fr__buf_add(text, "\n");
    status = add_bill(bill, caption, 1, text, err);
  }
  if (status == FR_OK)
    status = add_equivalents(bill, years, text, err);
  add_words(asked, bill, result, text);
  return status;
}
