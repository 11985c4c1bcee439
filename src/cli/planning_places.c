/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/planning_places.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define PLACES_CEILING 2000
#define DAY_S INT64_C(86400)
#define SERVER_PAST_S (42 * DAY_S)
#define RECENT_S (DAY_S / 2) /* within which a server has a newest value */

int64_t cli_forecast_past(const char *spec) {
  const bool server = fr_intensity_kind_of(spec) == FR_INTENSITY_SERVER;
  return server ? SERVER_PAST_S : FR_FORECAST_PAST_S;
}

/* ---- which they are ---- */

static enum fr_status add_place(cli_planning *p, const fr_site *site, fr_error *err) {
  if (p->places == PLACES_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "more than %d regions are too many",
                    PLACES_CEILING);
  cli_planned_place *grown = realloc(p->place, (p->places + 1) * sizeof *grown);
  if (grown == NULL)
    return fr__fail_memory(err, "the regions");
  p->place = grown;
  grown[p->places++] = (cli_planned_place){.site = *site};
  return FR_OK;
}

static fr_site site_of_spec(const char *name, size_t length, const char *spec) {
  fr_site site = {.pue = (double)NAN,
                  .latency_ms = (double)NAN,
                  .price_per_h = (double)NAN,
                  .water_l_per_kwh = (double)NAN,
                  .carbon_free = (double)NAN};
  (void)snprintf(site.name, sizeof site.name, "%.*s", (int)length, name);
  (void)snprintf(site.intensity, sizeof site.intensity, "%s", spec);
  return site;
}

static bool is_named(const cli_planning *p, const char *name) {
  for (size_t i = 0; i < p->places; i++)
    if (strcmp(p->place[i].site.name, name) == 0)
      return true;
  return false;
}

static bool begins_with(const char *text, const char *word) {
  return strncmp(text, word, strlen(word)) == 0;
}

/* The SPEC of "NAME=SPEC", or `text` where it is one itself; NULL: it is a region. */
static const char *spec_of(const char *text) {
  const size_t length = strcspn(text, "=:/?");
  const char *spec = text[length] == '=' ? text + length + 1 : text;
  const bool known = fr_intensity_kind_of(spec) != FR_INTENSITY_UNKNOWN;
  return known || spec > text ? spec : NULL;
}

static enum fr_status add_spec(cli_planning *p, const char *text, const char *spec,
                               fr_error *err) {
  const bool told = spec > text;
  const size_t length = told ? (size_t)(spec - text) - 1 : strlen(text);
  if (strlen(spec) >= sizeof((fr_site *)0)->intensity)
    return fr__fail(err, FR_ERR_LIMIT, "'%.64s…' is too long for an intensity", spec);
  if (length == 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "'%.64s' has no name before its '='", text);
  if (*spec == '\0')
    return fr__fail(err, FR_ERR_ARGUMENT, "'%.64s' has no intensity behind its '='",
                    text);
  const fr_site site = site_of_spec(text, length, spec);
  if (is_named(p, site.name))
    return fr__fail(err, FR_ERR_ARGUMENT, "two regions are called '%.64s'", site.name);
  const enum fr_status status = add_place(p, &site, err);
  if (status == FR_OK)
    p->place[p->places - 1].by_spec = true;
  return status;
}

static enum fr_status add_names(cli_planning *p, const char *names,
                                const fr_criteria *criteria, fr_error *err) {
  fr_sites sites = {0};
  fr_error why = {0};
  char near[160];
  enum fr_status status = fr_sites_select(names, criteria, &sites, &why);
  if (status == FR_ERR_NOT_FOUND) {
    cli_places_near(names, near, sizeof near);
    return fr__fail(err, status, "%s%s", why.text, near);
  }
  if (status != FR_OK)
    return fr__fail(err, status, "%s", why.text);
  for (size_t i = 0; status == FR_OK && i < sites.count; i++)
    if (!is_named(p, sites.site[i].name))
      status = add_place(p, &sites.site[i], err);
  fr_sites_release(&sites);
  return status;
}

/* One word between commas. */
static enum fr_status add_word(cli_planning *p, const char *word,
                               const fr_criteria *criteria, fr_error *err) {
  const char *spec = spec_of(word);
  return spec != NULL ? add_spec(p, word, spec, err) : add_names(p, word, criteria, err);
}

static enum fr_status add_list(cli_planning *p, const char *list,
                               const fr_criteria *criteria, fr_error *err) {
  char *words = strdup(list), *rest = words;
  enum fr_status status = words != NULL ? FR_OK : fr__fail_memory(err, "the regions");
  for (char *word; status == FR_OK && (word = strsep(&rest, ",")) != NULL;) {
    word += strspn(word, " ");
    status = *word != '\0' ? add_word(p, word, criteria, err)
                           : fr__fail(err, FR_ERR_ARGUMENT,
                                      "'%.128s' has an empty word in it", list);
  }
  free(words);
  return status;
}

/* ---- home ---- */

static enum fr_status add_home(const cli_planning_options *o, cli_planning *p,
                               const fr_criteria *criteria, fr_error *err) {
  const char *spec = o->intensity != NULL ? o->intensity : "table:world";
  const fr_site plain = site_of_spec("home", strlen("home"), spec);
  p->home_told = o->intensity != NULL || o->home != NULL;
  if (!p->home_told && o->lists == 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "where it could run is not told: --intensity SPEC is the grid at "
                    "home, --regions LIST names others");
  enum fr_status status =
      o->home == NULL ? add_place(p, &plain, err) : add_word(p, o->home, criteria, err);
  if (status != FR_OK)
    return status;
  if (p->places != 1)
    return fr__fail(err, FR_ERR_ARGUMENT, "--home is one region, '%.64s' are %zu",
                    o->home, p->places);
  cli_planned_place *home = &p->place[0];
  if (o->home != NULL && o->intensity != NULL)
    (void)snprintf(home->site.intensity, sizeof home->site.intensity, "%s", o->intensity);
  if (o->pue > 0)
    home->site.pue = o->pue;
  else if (o->home == NULL)
    home->site.pue = 1;
  if (!p->home_told)
    (void)snprintf(home->left_out, sizeof home->left_out,
                   "the world's mean is no place to run");
  return FR_OK;
}

/* ---- what must hold ---- */

static void check_residency(const char *list, cli_planned_place *place) {
  const fr_site *site = &place->site;
  if (list == NULL || place->left_out[0] != '\0')
    return;
  if (site->country[0] == '\0')
    (void)snprintf(place->left_out, sizeof place->left_out,
                   "its country is not known, and must be %.40s", list);
  else if (!fr_residency_allows(list, site->country, site->state))
    (void)snprintf(place->left_out, sizeof place->left_out, "it is in %.8s, not in %.40s",
                   site->country, list);
}

enum fr_status cli_places_find(const cli_planning_options *options,
                               cli_planning *planning, fr_error *err) {
  const cli_planning_options *o = options;
  fr_criteria criteria = {0};
  enum fr_status status =
      o->criteria != NULL ? fr_criteria_read(o->criteria, &criteria, err) : FR_OK;
  if (status == FR_OK)
    status = add_home(o, planning, &criteria, err);
  for (size_t i = 0; status == FR_OK && i < o->lists; i++)
    status = add_list(planning, o->regions[i], &criteria, err);
  for (size_t i = 0; i < planning->places; i++) {
    cli_planned_place *place = &planning->place[i];
    if (place->site.country[0] != '\0')
      check_residency(o->residency, place);
    place->pue_known = place->site.pue >= 1;
    if (!place->pue_known)
      place->site.pue = 1;
  }
  fr_criteria_release(&criteria);
  return status;
}

/* ---- what is known of their grids ---- */

/* `form` with each {zone} replaced; false where it is too long. */
static bool fill(const char *form, const char *zone, char *out, size_t size) {
  size_t used = 0;
  for (const char *at = form; *at != '\0';) {
    const bool hole = begins_with(at, "{zone}");
    const int wrote =
        snprintf(out + used, size - used, "%.*s", hole ? 63 : 1, hole ? zone : at);
    used += (size_t)wrote;
    if (used >= size)
      return false;
    at += hole ? strlen("{zone}") : 1;
  }
  return true;
}

/* A table's row, which --series goes over; anything else is the user's own word. */
static bool is_mean(const char *spec) {
  return spec[0] == '\0' || begins_with(spec, "table:");
}

/* The series of its zone, where one is asked for. */
static bool wants_series(const cli_planning_options *o, const cli_planned_place *place) {
  return o->series != NULL && place->site.zone[0] != '\0' &&
         is_mean(place->site.intensity);
}

static bool has_forecast(const fr_series *series, int64_t now_s) {
  for (size_t i = series->count; i > 0 && series->step[i - 1].end_s > now_s; i--)
    if ((series->step[i - 1].marks & FR_STEP_FORECAST) != 0)
      return true;
  return false;
}

/* The hour does not matter: there is no error of a forecast, and none is claimed. */
static enum fr_status stand_still(const fr_series *known, const fr_job *job,
                                  fr_forecast *out, fr_error *err) {
  (void)snprintf(out->method, sizeof out->method, "the same at all hours");
  return fr_series_take(&out->ahead, known, job->now_s, job->deadline_s, err);
}

static enum fr_status foresee(const cli_planning_options *o, const fr_job *job,
                              cli_planned_place *place, fr_error *err) {
  const fr_series *known = &place->known;
  const bool perfect = o->foresight == CLI_FORESIGHT_PERFECT;
  const bool own = o->foresight == CLI_FORESIGHT_OWN;
  fr_forecast *out = &place->forecast;
  if (place->constant)
    return stand_still(known, job, out, err);
  if (perfect || (!own && has_forecast(known, job->now_s)))
    return fr_forecast_given(known, job->now_s, job->deadline_s, perfect, out, err);
  if (o->foresight == CLI_FORESIGHT_SOURCE)
    return fr__fail(err, FR_ERR_NOT_FOUND, "'%.128s' has no forecast of its own",
                    place->spec);
  return fr_forecast_make(known, job->now_s, job->deadline_s, out, err);
}

static void forget(cli_planned_place *place) {
  fr_series_release(&place->known);
  fr_forecast_release(&place->forecast);
  place->known = (fr_series){0};
  place->forecast = (fr_forecast){0};
}

static enum fr_status read_past(const cli_planning_options *o, const fr_job *job,
                                cli_planned_place *place, int64_t past_s, fr_error *err) {
  const fr_intensity_query query = {.now_s = job->now_s,
                                    .from_s = job->now_s - past_s,
                                    .to_s = job->deadline_s,
                                    .perfect = o->foresight == CLI_FORESIGHT_PERFECT,
                                    .offline = o->offline,
                                    .factor = o->factor};
  forget(place);
  return fr_intensity_read(place->spec, &query, &place->known, err);
}

/* The source's own forecast reaches the deadline: of the past its age is all that
 * matters. */
static bool is_foreseen(const fr_series *known, const fr_job *job) {
  int64_t from_s, to_s;
  return has_forecast(known, job->now_s) &&
         !fr_series_gap(known, job->now_s, job->deadline_s, &from_s, &to_s);
}

/* Of a server no more than is needed. */
static enum fr_status read_known(const cli_planning_options *o, const fr_job *job,
                                 cli_planned_place *place, fr_error *err) {
  const int64_t past_s = cli_forecast_past(place->spec);
  if (fr_intensity_kind_of(place->spec) != FR_INTENSITY_SERVER)
    return read_past(o, job, place, past_s, err);
  if (o->foresight == CLI_FORESIGHT_AUTO || o->foresight == CLI_FORESIGHT_SOURCE) {
    const enum fr_status status = read_past(o, job, place, RECENT_S, err);
    if (status != FR_OK || o->foresight == CLI_FORESIGHT_SOURCE ||
        is_foreseen(&place->known, job))
      return status;
  }
  return read_past(o, job, place, past_s, err);
}

static enum fr_status read_spec(const cli_planning_options *o, const fr_job *job,
                                cli_planned_place *place, const char *spec,
                                fr_error *err) {
  (void)snprintf(place->spec, sizeof place->spec, "%s", spec);
  enum fr_status status = read_known(o, job, place, err);
  place->constant =
      status == FR_OK && fr_intensity_kind_of(spec) == FR_INTENSITY_CONSTANT;
  if (status == FR_OK)
    status = foresee(o, job, place, err);
  if (status != FR_OK)
    forget(place);
  return status;
}

/* What may be said of one region of many without ending the plan for the others. */
static bool is_lack(enum fr_status status) {
  return status == FR_ERR_NOT_FOUND || status == FR_ERR_PERMISSION ||
         status == FR_ERR_IO || status == FR_ERR_UNSUPPORTED;
}

static enum fr_status read_series(const cli_planning_options *o, const fr_job *job,
                                  cli_planned_place *place, fr_error *err) {
  char spec[sizeof place->spec];
  if (!fill(o->series, place->site.zone, spec, sizeof spec))
    return fr__fail(err, FR_ERR_LIMIT, "'%.64s…' is too long for an intensity",
                    o->series);
  return read_spec(o, job, place, spec, err);
}

static enum fr_status read_place(const cli_planning_options *o, const fr_job *job,
                                 cli_planned_place *place, fr_error *err) {
  const char *spec = place->site.intensity;
  fr_error lack = {0};
  if (wants_series(o, place)) {
    const enum fr_status status = read_series(o, job, place, &lack);
    if (status == FR_OK)
      return status;
    if (!is_lack(status) || spec[0] == '\0')
      return fr__fail(err, status, "%s", lack.text);
    (void)snprintf(place->note, sizeof place->note, "%.150s", lack.text);
  } else if (o->series != NULL && is_mean(spec)) {
    (void)snprintf(place->note, sizeof place->note, "its grid's zone is not known");
  }
  if (spec[0] == '\0')
    return fr__fail(err, FR_ERR_NOT_FOUND, "no intensity is known of '%.64s'",
                    place->site.name);
  return read_spec(o, job, place, spec, err);
}

/* Electricity Maps' zones begin with the country's code: "US-CAL-CISO". */
static void take_country(cli_planned_place *place) {
  const char *zone = place->known.zone;
  if (place->site.country[0] == '\0' && strcspn(zone, "-") == 2)
    (void)snprintf(place->site.country, sizeof place->site.country, "%.2s", zone);
}

enum fr_status cli_places_read(const cli_planning_options *options, const fr_job *job,
                               cli_planning *planning, fr_error *err) {
  for (size_t i = 0; i < planning->places; i++) {
    cli_planned_place *place = &planning->place[i];
    fr_error why = {0};
    if (i > 0 && place->left_out[0] != '\0')
      continue; /* nobody asks for its grid */
    const enum fr_status status = read_place(options, job, place, &why);
    if (status != FR_OK && (i == 0 || place->by_spec || !is_lack(status)))
      return fr__fail(err, status, "%s", why.text);
    if (status != FR_OK)
      (void)snprintf(place->left_out, sizeof place->left_out, "%.120s", why.text);
    take_country(place);
    check_residency(options->residency, place);
  }
  return FR_OK;
}
