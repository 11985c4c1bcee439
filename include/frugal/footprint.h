/* SPDX-License-Identifier: Apache-2.0 */
/*
 * footprint: what energy that was spent over time has cost. Energy over time × intensity
 * over time × PUE, integrated; the hardware's share; and what is made of both: the
 * Software Carbon Intensity, the price of offsets, what as many grams are like.
 */
#ifndef FRUGAL_FOOTPRINT_H
#define FRUGAL_FOOTPRINT_H

#include "frugal/base.h"
#include "frugal/carbon.h"
#include "frugal/intensity.h"

/* ---- energy over time ---- */

/* Energy that is spent evenly from start to end, in nanoseconds since
 * 1970-01-01T00:00:00Z. A delta may be below 0. */
typedef struct fr_stretch {
  int64_t start_ns, end_ns;       /* end_ns > start_ns */
  double energy_j, low_j, high_j; /* low_j <= energy_j <= high_j */
} fr_stretch;

/* Stretches in any order; they may overlap: two machines at once. `= {0}` is empty. */
typedef struct fr_load {
  fr_stretch *stretch; /* (count) owned */
  size_t count, capacity;
  enum fr_source source; /* of the energy */
} fr_load;

#define FR_LOAD_CEILING ((size_t)4 << 20) /* stretches: 48 days of seconds */

void fr_load_release(fr_load *load);
/* FR_ERR_ARGUMENT for a stretch that is empty, or whose joules are not in order or beyond
 * 1e21. */
enum fr_status fr_load_add(fr_load *load, const fr_stretch *stretch, fr_error *err);
/* One stretch: `energy_j` spread evenly over [start_ns, end_ns). */
enum fr_status fr_load_even(fr_load *load, fr_measure energy_j, int64_t start_ns,
                            int64_t end_ns, fr_error *err);
/* What all stretches add up to, bounds fully correlated; absent where there is none. */
fr_measure fr_load_energy(const fr_load *load);
/* Whole seconds around all stretches, for fr_intensity_query; false where there is none.
 */
bool fr_load_span(const fr_load *load, int64_t *from_s, int64_t *to_s);
/* Each stretch times the ratio of `energy_j` to what they add up to, bounds in the same
 * ratio as those of `energy_j`: a timeline's shape with a meter's sum. Evenly by time
 * where they add up to nothing. */
void fr_load_fit(fr_load *load, fr_measure energy_j);

/* ---- grams ---- */

enum fr_fill {
  FR_FILL_NONE, /* energy in a gap of the intensity: the grams are not known */
  FR_FILL_LAST, /* a gap has the intensity of the last step before it */
  FR_FILL_MEAN  /* and of the mean of all steps */
};

/* Shares are of the energy, [0, 1]; of a delta, which may be below 0, by amount. */
typedef struct fr_footprint {
  fr_measure energy;    /* J, without PUE */
  fr_measure grams;     /* absent where energy is in gaps that are not filled */
  fr_measure intensity; /* mean by energy, of what is covered or filled; absent where no
                           energy is */
  fr_measure hours;     /* mean by time, over the same span: what would have come of
                           energy spread evenly; absent where nothing is covered */
  double pue;
  fr_scope scope;
  double estimated, forecast; /* in steps that are marked so */
  double gaps;                /* where no intensity is known, filled or not */
  enum fr_fill fill;
  int64_t gap_from_s, gap_to_s; /* the first gap that holds energy; 0 where gaps is 0 */
} fr_footprint;

/*
 * grams = PUE / 3.6e6 × Σ over stretches and steps: energy × (overlap / length) ×
 * intensity. Of one intensity throughout exactly fr_carbon_grams of the sum. Bounds fully
 * correlated: the low of each joule at the low of its hour, high likewise (below 0 the
 * other way round); a gap filled by the mean has the least and the most of the series for
 * its bounds. FR_ERR_ARGUMENT for a PUE that is not 1 to 10, or a load without stretches.
 */
enum fr_status fr_footprint_reckon(const fr_load *load, const fr_series *intensity,
                                   double pue, enum fr_fill fill, fr_footprint *out,
                                   fr_error *err);

/* ---- hardware ---- */

#define FR_YEAR_S 31557600.0 /* of 365.25 days */

/* Making and scrapping a device, spread over its life. */
typedef struct fr_hardware {
  fr_measure embodied; /* gCO2e of the whole device */
  double life_s;       /* how long it is kept; > 0, up to 100 years */
  double use;          /* the share of that time that it is used: (0, 1] */
  double share;        /* of it that the work has: its cores of all; (0, 1] */
} fr_hardware;

/*
 * What falls on `used_s` seconds of work: embodied × used_s / (life_s × use) × share.
 * ISO/ IEC 21031:2024 (SCI): M = TE × TS × RS, time share and resource share, with the
 * time that the device is used in the place of its whole life where `use` is below 1.
 * FR_ERR_ARGUMENT for what makes no sense; work longer than the device's life is none.
 */
enum fr_status fr_embodied_grams(const fr_hardware *hardware, double used_s,
                                 fr_measure *out, fr_error *err);

/* Of a year of a device's life, and of one that is kept longer by `longer_s`. */
typedef struct fr_keeping {
  fr_measure before, after, saved; /* gCO2e a year */
} fr_keeping;
enum fr_status fr_embodied_keep(const fr_hardware *hardware, double longer_s,
                                fr_keeping *out, fr_error *err);

/* ---- Software Carbon Intensity (Green Software Foundation; ISO/IEC 21031:2024) ---- */

/* SCI = (E × I + M) per R. */
typedef struct fr_sci {
  fr_measure energy_j; /* E, at the wall: with the PUE */
  fr_measure grid;     /* I, gCO2e/kWh: by location; contracts and offsets do not count */
  fr_measure operated; /* E × I, gCO2e */
  fr_measure embodied; /* M, gCO2e; absent: not told, and reckoned as if it were 0 */
  double units;        /* R: how often the unit was done */
  fr_measure score;    /* gCO2e per unit */
} fr_sci;
/* FR_ERR_ARGUMENT for units that are not above 0. The score is absent where the grams
 * are.
 */
enum fr_status fr_sci_reckon(const fr_footprint *footprint, fr_measure embodied,
                             double units, fr_sci *out, fr_error *err);

/* ---- what it is like ---- */

/* One of something that people know. */
typedef struct fr_likeness {
  const char *one;  /* "mile in an average passenger car (USA)" */
  const char *many; /* "miles in …" */
  double grams;     /* gCO2 or gCO2e of one */
  bool taken_up;    /* so much is taken out of the air, as by a tree */
  const char *source;
} fr_likeness;

/* In order of grams: the poster's table, and more of the same kind. */
const fr_likeness *fr_likenesses(size_t *count);
/* Those of which `grams` is nearest to one first; before others those of which it is 0.01
 * to 1000. Up to `room` into `out`; how many. 0 for grams that are not above 0. */
size_t fr_likenesses_near(double grams, const fr_likeness **out, size_t room);

#endif
