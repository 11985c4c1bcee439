/* SPDX-License-Identifier: Apache-2.0 */
/* Places, forecasts and the optimiser together. */
#include "cli/planning.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/planning_places.h"

#define J_PER_KWH 3.6e6

/* ---- what the optimiser is given ---- */

static fr_place place_of(const cli_planning_options *o, const cli_planned_place *from,
                         bool home) {
  fr_place place = {.forecast = &from->forecast,
                    .pue = from->site.pue,
                    .data_j = home ? 0 : o->data_gb * o->data_kwh_per_gb * J_PER_KWH,
                    .latency_ms = from->site.latency_ms,
                    .carbon_free = from->site.carbon_free,
                    .price_per_h = from->site.price_per_h};
  memcpy(place.name, from->site.name, sizeof place.name);
  memcpy(place.left_out, from->left_out, sizeof place.left_out);
  return place;
}

static enum fr_status plan(const cli_planning_options *o, const fr_job *job,
                           cli_planning *p, fr_error *err) {
  fr_plan_options options;
  fr_plan_options_init(&options);
  options.latency_ms_most = o->max_latency_ms;
  options.carbon_free_least = o->min_carbon_free;
  options.price_most = o->max_price;
  if (!isnan(o->threshold))
    options.least_gain = o->threshold;
  fr_place *place = calloc(p->places, sizeof *place);
  if (place == NULL)
    return fr__fail_memory(err, "the places of a plan");
  for (size_t i = 0; i < p->places; i++)
    place[i] = place_of(o, &p->place[i], i == 0);
  const enum fr_status status =
      fr_plan_make(place, p->places, 0, job, &options, &p->plan, err);
  free(place);
  return status;
}

/* ---- what is to be said of it ---- */

static void warn_of_home(const cli_planning *p, cli_result *result) {
  if (!p->home_told)
    cli_warn(result,
             "home is not told (--intensity, --home): now is reckoned on the world's "
             "mean grid");
}

/* Those whose hour does not matter, once; where a series was asked for, why. */
static void warn_of_means(const cli_planning_options *o, const cli_planning *p,
                          cli_result *result) {
  size_t means = 0, all = 0;
  const cli_planned_place *first = NULL;
  const char *why = o->series != NULL ? "" : ": --series gives them hours";
  for (size_t i = p->home_told ? 0 : 1; i < p->places; i++) {
    const cli_planned_place *place = &p->place[i];
    all += place->left_out[0] == '\0';
    if (place->left_out[0] != '\0' || !place->constant)
      continue;
    first = means++ == 0 ? place : first;
    if (why[0] == '\0')
      why = place->note;
  }
  if (means > 0 && all == 1)
    cli_warn(result, "'%.128s' is the same at all hours: waiting saves nothing",
             first->spec);
  else if (means > 0)
    cli_warn(result, "%zu of %zu places have one figure for all hours (marked *)%s%.150s",
             means, all,
             o->series != NULL && why[0] != '\0' ? "; why the first has: " : "", why);
}

static void warn_of_pue(const cli_planning *p, cli_result *result) {
  size_t unknown = 0, first = 0;
  for (size_t i = 1; i < p->places; i++)
    if (p->place[i].left_out[0] == '\0' && !p->place[i].pue_known && unknown++ == 0)
      first = i;
  if (unknown > 0)
    cli_warn(result, "the PUE of %.96s%s is not known: 1 is reckoned with",
             p->place[first].site.name, unknown > 1 ? " and others" : "");
}

static bool same_kind(fr_scope a, fr_scope b) {
  return (a.factor == b.factor || a.factor == FR_FACTOR_UNKNOWN ||
          b.factor == FR_FACTOR_UNKNOWN) &&
         (a.signal == b.signal || a.signal == FR_SIGNAL_UNKNOWN ||
          b.signal == FR_SIGNAL_UNKNOWN) &&
         (a.basis == b.basis || a.basis == FR_BASIS_UNKNOWN ||
          b.basis == FR_BASIS_UNKNOWN);
}

/* Home is what all are compared with, wherever the job may run. */
static bool is_compared(const cli_planning *p, size_t i) {
  return i == 0 || p->place[i].left_out[0] == '\0';
}

static void tell_scopes(const cli_planning *p, size_t i, size_t j, cli_result *result) {
  char a[FR_SCOPE_TEXT], b[FR_SCOPE_TEXT];
  fr_scope_text(p->place[i].known.scope, a);
  fr_scope_text(p->place[j].known.scope, b);
  cli_warn(result, "intensities of two kinds are compared: %.96s's is %s, %.96s's %s",
           i == 0 && !p->home_told ? "the world" : p->place[i].site.name, a,
           p->place[j].site.name, b);
}

/* Each with each, since home's own may not be told; once. */
static void warn_of_scopes(const cli_planning *p, cli_result *result) {
  for (size_t j = 1; j < p->places; j++)
    for (size_t i = 0; i < j && is_compared(p, j); i++)
      if (is_compared(p, i) &&
          !same_kind(p->place[i].known.scope, p->place[j].known.scope)) {
        tell_scopes(p, i, j, result);
        return;
      }
}

/* Of the first place whose server left something to be said. */
static void warn_of_servers(const cli_planning *p, cli_result *result) {
  size_t warned = 0, first = 0;
  for (size_t i = 0; i < p->places; i++)
    if (p->place[i].known.warning[0] != '\0' && warned++ == 0)
      first = i;
  if (warned > 0)
    cli_warn(result, "intensity of %.64s%s: %s", p->place[first].known.zone,
             warned > 1 ? " and others" : "", p->place[first].known.warning);
}

/* The search for pieces has a ceiling, and tells how far from the least it may be. */
static void warn_of_loss(const cli_planning *p, cli_result *result) {
  double most = 0;
  for (size_t i = 0; i < p->plan.count; i++) {
    const fr_timetable *s = &p->plan.option[i].schedule;
    const double share = s->grams.value > 0 ? s->loss_g / s->grams.value : 0;
    most = share > most ? share : most;
  }
  if (most > 0)
    cli_warn(result,
             "there are more ways to cut the job into pieces than can be looked at: "
             "another may emit up to %.2g %% less",
             100 * most);
}

static void warn(const cli_planning_options *o, const fr_job *job, const cli_planning *p,
                 cli_result *result) {
  warn_of_home(p, result);
  warn_of_means(o, p, result);
  warn_of_servers(p, result);
  warn_of_pue(p, result);
  warn_of_scopes(p, result);
  warn_of_loss(p, result);
  if (job->interruptible && job->min_piece_s > job->duration_s)
    cli_warn(result, "--min-piece is longer than the job: it runs whole");
  if (o->foresight == CLI_FORESIGHT_PERFECT)
    cli_warn(result, "--forecast perfect sees what nobody could have known at that time");
}

enum fr_status cli_planning_make(const cli_planning_options *options, const fr_job *job,
                                 cli_planning *out, cli_result *result, fr_error *err) {
  cli_planning made = {0};
  enum fr_status status = cli_places_find(options, &made, err);
  if (status == FR_OK)
    status = cli_places_read(options, job, &made, err);
  if (status == FR_OK)
    status = plan(options, job, &made, err);
  if (status != FR_OK) {
    cli_planning_release(&made);
    return status;
  }
  if (result != NULL)
    warn(options, job, &made, result);
  *out = made;
  return FR_OK;
}

void cli_planning_release(cli_planning *planning) {
  for (size_t i = 0; i < planning->places; i++) {
    fr_series_release(&planning->place[i].known);
    fr_forecast_release(&planning->place[i].forecast);
  }
  free(planning->place);
  fr_plan_release(&planning->plan);
  *planning = (cli_planning){0};
}
