/* SPDX-License-Identifier: Apache-2.0 */
/* carbon: joules to grams of CO2 equivalent. */
#ifndef FRUGAL_CARBON_H
#define FRUGAL_CARBON_H

#include "frugal/base.h"
#include "frugal/intensity.h"

/* energy (J) × intensity × pue; absent where either is absent. pue >= 1. */
fr_measure fr_carbon_grams(fr_measure energy_j, const fr_intensity *intensity,
                           double pue);

/* A row of the poster's table: "Car, avg incl. fuel, 1 lifetime", 126,000 lb. */
typedef struct fr_equivalent {
  const char *name;
  double pounds;
  double grams;
  const char *source;
} fr_equivalent;
const fr_equivalent *fr_equivalents(size_t *count);

/* ---- users' devices ---- */

/* The grids that users are on, and the share of them on each. */
#define FR_MIX_ZONES 32
typedef struct fr_mix {
  size_t count;
  fr_intensity zone[FR_MIX_ZONES];
  double share[FR_MIX_ZONES]; /* (0, 1], their sum 1 */
} fr_mix;

/* "DE:0.6,FR:0.4": ZONE:SHARE, ZONE as behind `table:`, or any SPEC of fr_intensity_find.
 * Shares that do not add up to 1 (to 0.001) are refused. */
enum fr_status fr_mix_parse(const char *text, fr_mix *out, fr_error *err);
/* All of them on one grid. */
void fr_mix_of(const fr_intensity *intensity, fr_mix *out);
/* The mean by share; zone "DE 60 %, FR 40 %". */
void fr_mix_intensity(const fr_mix *mix, fr_intensity *out);

/* A program on the devices of its users, and the trainings behind it. */
typedef struct fr_fleet {
  fr_measure delta_w; /* of one device above its normal power, while it is used; W */
  double hours;       /* of use a year: [0, 8784] */
  double users, years;
  double charger; /* (0, 1]: of the energy from the wall, what reaches the device */
  const fr_intensity *users_grid;
  fr_measure training_j;             /* of one training; absent: none is told */
  double trainings;                  /* in all the years */
  double pue;                        /* of where they run; users' homes have none. >= 1 */
  const fr_intensity *training_grid; /* NULL: none is told */
} fr_fleet;

typedef struct fr_fleet_side {
  fr_measure energy, grams; /* from the wall; J, gCO2e */
} fr_fleet_side;

/* Over all the years. */
typedef struct fr_fleet_bill {
  fr_fleet_side users, training, total; /* `training` absent where none is told */
  fr_measure energy_share, grams_share; /* of the users, [0, 1]; absent likewise */
} fr_fleet_bill;

/*
 * users: delta × hours × users × years / charger; training: joules × trainings × PUE;
 * grams: each at its grid. Bounds: of a share the least of the users beside the most of
 * training, and the other way round. FR_ERR_ARGUMENT for what makes no sense.
 */
enum fr_status fr_fleet_reckon(const fr_fleet *fleet, fr_fleet_bill *out, fr_error *err);

#endif
