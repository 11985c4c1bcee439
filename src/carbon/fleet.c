/* SPDX-License-Identifier: Apache-2.0 */
/* What falls on the devices of users, beside the training of what runs there. */
#include "frugal/carbon.h"

#include "base/csv.h"
#include "base/error.h"
#include "frugal/region.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SECONDS_PER_HOUR 3600.0
#define HOURS_CEILING 8784.0 /* a leap year's */
#define SHARES_OFF 0.001     /* how far they may be from 1 */

/* ---- grids ---- */

static enum fr_status find_zone(const char *name, fr_intensity *out, fr_error *err) {
  char spec[160];
  double number;
  const bool spec_of_source =
      strchr(name, ':') != NULL && fr_region_find(name, NULL) == NULL;
  const bool whole = spec_of_source || fr__parse_number(name, strlen(name), &number);
  (void)snprintf(spec, sizeof spec, "%s%s", whole ? "" : "table:", name);
  return fr_intensity_find(spec, out, err);
}

/* "ZONE:SHARE", `length` bytes of it. */
static enum fr_status add_zone(const char *text, size_t length, fr_mix *mix,
                               fr_error *err) {
  char word[128];
  if (mix->count == FR_MIX_ZONES)
    return fr__fail(err, FR_ERR_LIMIT, "more than %d zones", FR_MIX_ZONES);
  (void)snprintf(word, sizeof word, "%.*s", (int)(length < 128 ? length : 127), text);
  char *colon = strrchr(word, ':');
  double share = 0;
  if (length >= sizeof word || colon == NULL || colon == word ||
      !fr__parse_number(colon + 1, strlen(colon + 1), &share) ||
      !(share > 0 && share <= 1))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "'%.64s' is not ZONE:SHARE with a share above 0 and up to 1", word);
  *colon = '\0';
  mix->share[mix->count] = share;
  return find_zone(word, &mix->zone[mix->count++], err);
}

enum fr_status fr_mix_parse(const char *text, fr_mix *out, fr_error *err) {
  fr_mix mix = {0};
  double sum = 0;
  enum fr_status status = FR_OK;
  for (const char *at = text; at != NULL && status == FR_OK;) {
    const size_t length = strcspn(at, ",");
    status = add_zone(at, length, &mix, err);
    at = at[length] == ',' ? at + length + 1 : NULL;
  }
  if (status != FR_OK)
    return status;
  for (size_t i = 0; i < mix.count; i++)
    sum += mix.share[i];
  if (fabs(sum - 1) > SHARES_OFF)
    return fr__fail(err, FR_ERR_ARGUMENT, "the shares of '%.100s' add up to %g, not to 1",
                    text, sum);
  for (size_t i = 0; i < mix.count; i++)
    mix.share[i] /= sum;
  *out = mix;
  return FR_OK;
}

void fr_mix_of(const fr_intensity *intensity, fr_mix *out) {
  *out = (fr_mix){.count = 1, .zone = {*intensity}, .share = {1}};
}

static void add_text(char *text, size_t size, const char *more) {
  const size_t used = strlen(text);
  (void)snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "", more);
}

void fr_mix_intensity(const fr_mix *mix, fr_intensity *out) {
  fr_intensity mean = mix->zone[0];
  if (mix->count > 1)
    mean.zone[0] = mean.origin[0] = '\0';
  mean.g_per_kwh =
      fr_measure_scale(mean.g_per_kwh, mix->share[0], FR_UNIT_GRAM_CO2E_PER_KWH);
  for (size_t i = 0; mix->count > 1 && i < mix->count; i++) {
    char part[80];
    const fr_intensity *zone = &mix->zone[i];
    (void)snprintf(part, sizeof part, "%s %g %%", zone->zone, 100 * mix->share[i]);
    add_text(mean.zone, sizeof mean.zone, part);
    add_text(mean.origin, sizeof mean.origin, zone->origin);
    if (i > 0)
      mean.g_per_kwh =
          fr_measure_add(mean.g_per_kwh, fr_measure_scale(zone->g_per_kwh, mix->share[i],
                                                          FR_UNIT_GRAM_CO2E_PER_KWH));
  }
  *out = mean;
}

/* ---- the bill ---- */

static bool is_within(double value, double low, double high) {
  return value >= low && value <= high; /* not where it is NaN */
}

static enum fr_status check(const fr_fleet *f, fr_error *err) {
  const struct {
    const char *what;
    double value, low, high;
  } rows[] = {{"watts of delta", f->delta_w.low, 0, f->delta_w.value},
              {"watts of delta", f->delta_w.value, 0, 1e6},
              {"watts of delta", f->delta_w.high, f->delta_w.value, 1e6},
              {"hours of use a year", f->hours, 0, HOURS_CEILING},
              {"users", f->users, 0, 1e11},
              {"years", f->years, 0, 1000},
              {"efficiency of the charger", f->charger, 1e-3, 1},
              {"trainings", f->trainings, 0, 1e9},
              {"PUE", f->pue, 1, 10}};
  if (!fr_measure_known(f->delta_w) || f->delta_w.unit != FR_UNIT_WATT)
    return fr__fail(err, FR_ERR_ARGUMENT, "a device's delta in watts is not known");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (!is_within(rows[i].value, rows[i].low, rows[i].high))
      return fr__fail(err, FR_ERR_ARGUMENT, "%s: %g is not between %g and %g",
                      rows[i].what, rows[i].value, rows[i].low, rows[i].high);
  return FR_OK;
}

/* users / (users + training) */
static fr_measure share_of(fr_measure users, fr_measure training) {
  if (!fr_measure_known(users) || !fr_measure_known(training) ||
      !(users.value + training.value > 0))
    return fr_measure_absent(FR_UNIT_NONE);
  const double least = users.low + training.high, most = users.high + training.low;
  return (fr_measure){.value = users.value / (users.value + training.value),
                      .low = least > 0 ? users.low / least : 0,
                      .high = most > 0 ? users.high / most : 1,
                      .unit = FR_UNIT_NONE,
                      .source = users.source};
}

static fr_fleet_side side_of(fr_measure energy, const fr_intensity *grid) {
  return (fr_fleet_side){energy, grid != NULL ? fr_carbon_grams(energy, grid, 1)
                                              : fr_measure_absent(FR_UNIT_GRAM_CO2E)};
}

enum fr_status fr_fleet_reckon(const fr_fleet *fleet, fr_fleet_bill *out, fr_error *err) {
  const fr_fleet *f = fleet;
  const enum fr_status status = check(f, err);
  if (status != FR_OK)
    return status;
  const double seconds = f->hours * SECONDS_PER_HOUR * f->users * f->years / f->charger;
  const fr_measure used = fr_measure_scale(f->delta_w, seconds, FR_UNIT_JOULE);
  const fr_measure trained =
      fr_measure_scale(f->training_j, f->trainings * f->pue, FR_UNIT_JOULE);
  const fr_fleet_side users = side_of(used, f->users_grid);
  const fr_fleet_side training = side_of(trained, f->training_grid);
  const bool both = fr_measure_known(trained);
  *out = (fr_fleet_bill){
      .users = users,
      .training = training,
      .total = both ? (fr_fleet_side){fr_measure_add(used, trained),
                                      fr_measure_add(users.grams, training.grams)}
                    : users,
      .energy_share = share_of(used, trained),
      .grams_share = share_of(users.grams, training.grams)};
  return FR_OK;
}
