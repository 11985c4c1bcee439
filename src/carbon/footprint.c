/* SPDX-License-Identifier: Apache-2.0 */
/* Joules to grams: of one intensity, and of energy over time at an intensity over time.
 */
#include "frugal/footprint.h"

#include <math.h>

#include "base/error.h"
#include "carbon/source.h"
#include "carbon/sum.h"

#define JOULES_PER_KWH 3.6e6
#define NS_PER_S INT64_C(1000000000)
#define PUE_CEILING 10.0

fr_measure fr_carbon_grams(fr_measure energy_j, const fr_intensity *intensity,
                           double pue) {
  const fr_measure rate = intensity->g_per_kwh;
  if (!fr_measure_known(energy_j) || !fr_measure_known(rate) || !(pue >= 1.0))
    return fr_measure_absent(FR_UNIT_GRAM_CO2E);
  const double kwh = pue / JOULES_PER_KWH;
  /* The joules are what was measured: their source is the grams' source. */
  return (fr_measure){.value = energy_j.value * kwh * rate.value,
                      .low = energy_j.low * kwh * rate.low,
                      .high = energy_j.high * kwh * rate.high,
                      .unit = FR_UNIT_GRAM_CO2E,
                      .source = energy_j.source};
}

/* ---- integrating ---- */

/* g/kWh */
typedef struct rate {
  double value, low, high;
} rate;

/*
 * What is summed up are deviations from the intensity that is met first:
 * Σ e·r = r0 Σ e + Σ e·(r − r0). Where it is the same throughout they are exactly 0, and
 * the grams exactly those of fr_carbon_grams.
 */
typedef struct tally {
  const fr_series *series;
  enum fr_fill fill;
  bool met;     /* `first` is told */
  bool unknown; /* energy without an intensity */
  bool gapped;  /* `gap_ns` is told */
  bool averaged;
  rate average; /* of all steps, where gaps are filled by it */
  rate first;
  fr__sum value, low, high;          /* J·g/kWh above `first` */
  fr__sum mean, mean_low, mean_high; /* likewise, by amounts of energy */
  fr__sum amount, covered;           /* J: all, and where there is an intensity */
  fr__sum estimated, forecast, gaps; /* J of them */
  int64_t gap_ns;                    /* where the first with energy begins */
} tally;

static rate rate_of(const fr_intensity_step *s) {
  return (rate){s->g_per_kwh, s->low, s->high};
}

static void add_at(tally *t, const fr_stretch *e, rate r) {
  const double amount = fabs(e->energy_j);
  if (!t->met)
    t->first = r;
  t->met = true;
  fr__sum_add(&t->value, e->energy_j * (r.value - t->first.value));
  fr__sum_add(&t->low, e->low_j * ((e->low_j < 0 ? r.high : r.low) - t->first.low));
  fr__sum_add(&t->high, e->high_j * ((e->high_j < 0 ? r.low : r.high) - t->first.high));
  fr__sum_add(&t->mean, amount * (r.value - t->first.value));
  fr__sum_add(&t->mean_low, amount * (r.low - t->first.low));
  fr__sum_add(&t->mean_high, amount * (r.high - t->first.high));
  fr__sum_add(&t->covered, amount);
}

/* The mean of all steps, between the least and the most of them. */
static bool mean_of(const fr_series *series, rate *out) {
  const fr_measure m = fr_series_mean(series, FR_TIME_EARLIEST, FR_TIME_LATEST);
  if (!fr_measure_known(m))
    return false;
  *out = (rate){m.value, m.low, m.high};
  for (size_t i = 0; i < series->count; i++) {
    out->low = fmin(out->low, series->step[i].low);
    out->high = fmax(out->high, series->step[i].high);
  }
  return true;
}

/* In the gap before step `next`. */
static bool rate_of_gap(const tally *t, size_t next, rate *out) {
  if (t->fill == FR_FILL_LAST && next > 0)
    *out = rate_of(&t->series->step[next - 1]);
  else if (t->fill == FR_FILL_MEAN && t->averaged)
    *out = t->average;
  else
    return false;
  return true;
}

static bool is_nothing(const fr_stretch *e) {
  return !(fabs(e->energy_j) > 0) && !(fabs(e->low_j) > 0) && !(fabs(e->high_j) > 0);
}

static void add_gap(tally *t, const fr_stretch *e, size_t next) {
  rate r;
  if (is_nothing(e))
    return;
  if (!t->gapped || e->start_ns < t->gap_ns)
    t->gap_ns = e->start_ns;
  t->gapped = true;
  fr__sum_add(&t->gaps, fabs(e->energy_j));
  if (rate_of_gap(t, next, &r))
    add_at(t, e, r);
  else
    t->unknown = true;
}

static void add_step(tally *t, const fr_stretch *e, const fr_intensity_step *step) {
  const double amount = fabs(e->energy_j);
  add_at(t, e, rate_of(step));
  if ((step->marks & FR_STEP_ESTIMATED) != 0)
    fr__sum_add(&t->estimated, amount);
  if ((step->marks & FR_STEP_FORECAST) != 0)
    fr__sum_add(&t->forecast, amount);
}

/* What of `whole` is spent from from_ns to to_ns. */
static fr_stretch part_of(const fr_stretch *whole, int64_t from_ns, int64_t to_ns) {
  const double length = (double)(whole->end_ns - whole->start_ns);
  const double share = (double)(to_ns - from_ns) / length; /* 1 of all of it */
  return (fr_stretch){from_ns, to_ns, whole->energy_j * share, whole->low_j * share,
                      whole->high_j * share};
}

/* Steps of all times end as late as a stretch can. */
static int64_t ns_of(int64_t s) {
  const int64_t most_s = INT64_MAX / NS_PER_S;
  return s > most_s ? INT64_MAX : s < -most_s ? INT64_MIN : s * NS_PER_S;
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static void add_stretch(tally *t, const fr_stretch *whole) {
  const fr_series *series = t->series;
  const int64_t begin_s = whole->start_ns / NS_PER_S - (whole->start_ns < 0);
  size_t next = fr__series_after(series, begin_s);
  for (int64_t at_ns = whole->start_ns; at_ns < whole->end_ns;) {
    const fr_intensity_step *step = next < series->count ? &series->step[next] : NULL;
    const int64_t begins_ns = step != NULL ? ns_of(step->start_s) : INT64_MAX;
    const bool in_gap = begins_ns > at_ns;
    const int64_t until_ns =
        least(whole->end_ns, in_gap ? begins_ns : ns_of(step->end_s));
    const fr_stretch part = part_of(whole, at_ns, until_ns);
    if (in_gap)
      add_gap(t, &part, next);
    else
      add_step(t, &part, step);
    next += !in_gap;
    at_ns = until_ns;
  }
}

/* ---- what it comes to ---- */

static double share_of(const fr__sum *part, const fr__sum *whole) {
  const double all = fr__sum_value(whole);
  return all > 0 ? fr__sum_value(part) / all : 0;
}

/* Σ e·r: r0 Σ e + Σ e·(r − r0), in grams. */
static double grams_of(double energy_j, double first, const fr__sum *above, double kwh) {
  return energy_j * kwh * first + kwh * fr__sum_value(above);
}

static fr_measure sum_of_grams(const tally *t, fr_measure energy, double pue) {
  const double kwh = pue / JOULES_PER_KWH;
  if (t->unknown)
    return fr_measure_absent(FR_UNIT_GRAM_CO2E);
  return (fr_measure){grams_of(energy.value, t->first.value, &t->value, kwh),
                      grams_of(energy.low, t->first.low, &t->low, kwh),
                      grams_of(energy.high, t->first.high, &t->high, kwh),
                      FR_UNIT_GRAM_CO2E, energy.source};
}

static fr_measure mean_by_energy(const tally *t) {
  const double covered = fr__sum_value(&t->covered);
  if (!(covered > 0))
    return fr_measure_absent(FR_UNIT_GRAM_CO2E_PER_KWH);
  return (fr_measure){t->first.value + fr__sum_value(&t->mean) / covered,
                      t->first.low + fr__sum_value(&t->mean_low) / covered,
                      t->first.high + fr__sum_value(&t->mean_high) / covered,
                      FR_UNIT_GRAM_CO2E_PER_KWH, t->series->source};
}

static int64_t seconds_of(int64_t ns) { return ns / NS_PER_S - (ns % NS_PER_S < 0); }

enum fr_status fr_footprint_reckon(const fr_load *load, const fr_series *intensity,
                                   double pue, enum fr_fill fill, fr_footprint *out,
                                   fr_error *err) {
  tally t = {.series = intensity, .fill = fill};
  int64_t from_s, to_s;
  if (!(pue >= 1 && pue <= PUE_CEILING))
    return fr__fail(err, FR_ERR_ARGUMENT, "a PUE of %g is not between 1 and %g", pue,
                    PUE_CEILING);
  if (!fr_load_span(load, &from_s, &to_s))
    return fr__fail(err, FR_ERR_ARGUMENT, "there is no energy to reckon with");
  t.averaged = fill == FR_FILL_MEAN && mean_of(intensity, &t.average);
  for (size_t i = 0; i < load->count; i++) {
    fr__sum_add(&t.amount, fabs(load->stretch[i].energy_j));
    add_stretch(&t, &load->stretch[i]);
  }
  const fr_measure energy = fr_load_energy(load);
  *out = (fr_footprint){.energy = energy,
                        .grams = sum_of_grams(&t, energy, pue),
                        .intensity = mean_by_energy(&t),
                        .hours = fr_series_mean(intensity, from_s, to_s),
                        .pue = pue,
                        .scope = intensity->scope,
                        .estimated = share_of(&t.estimated, &t.amount),
                        .forecast = share_of(&t.forecast, &t.amount),
                        .gaps = share_of(&t.gaps, &t.amount),
                        .fill = fill};
  if (t.gapped)
    (void)fr_series_gap(intensity, seconds_of(t.gap_ns), to_s, &out->gap_from_s,
                        &out->gap_to_s);
  return FR_OK;
}
