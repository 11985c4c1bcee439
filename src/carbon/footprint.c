/* SPDX-License-Identifier: Apache-2.0 */
/* Joules to grams, and what as many grams are like. */
#include "frugal/carbon.h"

#define JOULES_PER_KWH 3.6e6
#define GRAMS_PER_POUND                                                                  \
  453.59237 /* exact: International yard and pound agreement, 1959 */

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

#define STRUBELL "Strubell et al. 2019, table 1, doi:10.18653/v1/P19-1355"
#define POUNDS(name, pounds)                                                             \
  { (name), (pounds), (pounds)*GRAMS_PER_POUND, STRUBELL }

static const fr_equivalent equivalents[] = {
    POUNDS("Human life, avg, 1 year", 11023.0),
    POUNDS("American life, avg, 1 year", 36156.0),
    POUNDS("Car, avg incl. fuel, 1 lifetime", 126000.0),
    POUNDS("NLP pipeline (parsing, SRL)", 39.0),
    POUNDS("NLP pipeline with tuning and experiments", 78468.0),
    POUNDS("Transformer (big)", 192.0),
    POUNDS("Transformer (big) with neural architecture search", 626155.0),
};

const fr_equivalent *fr_equivalents(size_t *count) {
  *count = sizeof equivalents / sizeof *equivalents;
  return equivalents;
}
