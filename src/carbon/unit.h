/* SPDX-License-Identifier: Apache-2.0 */
/* Units of carbon intensity: a mass of CO2 equivalent over an energy. */
#ifndef FR_CARBON_UNIT_H
#define FR_CARBON_UNIT_H

#include "frugal/base.h"

/* Of one, g/kWh: grams over denominator, whole numbers without a common factor, so that
 * conversion rounds as little as it can: lb/MWh is 45,359,237 / 100,000,000. */
typedef struct fr__intensity_unit {
  double numerator, denominator;
} fr__intensity_unit;

#define FR__G_PER_KWH ((fr__intensity_unit){1, 1})

/*
 * "g/kWh", "gCO2eq/kWh", "lbs_co2_per_mwh", "kg / MJ", all of `length` bytes: g, kg, t or
 * lb (453.59237 g, the international pound of 1959), CO2 in between or not, and Wh, kWh,
 * MWh, GWh, J, kJ, MJ or GJ. Capitals do not matter but where they would make a
 * thousandth: mJ and mWh are refused.
 */
bool fr__unit_read(const char *text, size_t length, fr__intensity_unit *out);
/* The first such that stands in a column's name as a word: "Intensity (gCO2/kWh)". */
bool fr__unit_within(const char *name, size_t length, fr__intensity_unit *out);

bool fr__unit_same(fr__intensity_unit a, fr__intensity_unit b);
double fr__unit_to_g_per_kwh(fr__intensity_unit unit, double value);
double fr__unit_from_g_per_kwh(fr__intensity_unit unit, double g_per_kwh);

#endif
