/* SPDX-License-Identifier: Apache-2.0 */
/* Making and scrapping the hardware, spread over its life, and what that is per unit of
 * work: the Software Carbon Intensity (ISO/IEC 21031:2024). */
#include "frugal/footprint.h"

#include <math.h>

#include "base/error.h"

#define LIFE_CEILING_S (100 * FR_YEAR_S)
#define EMBODIED_CEILING_G 1e15 /* a billion tons */

static bool is_share(double x) { return x > 0 && x <= 1; }

static enum fr_status check(const fr_hardware *h, fr_error *err) {
  const fr_measure m = h->embodied;
  if (!fr_measure_known(m) || m.unit != FR_UNIT_GRAM_CO2E)
    return fr__fail(err, FR_ERR_ARGUMENT, "the device's embodied grams are not known");
  if (!(m.low >= 0 && m.low <= m.value && m.value <= m.high &&
        m.high <= EMBODIED_CEILING_G))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "%g g embodied in a device (%g to %g) make no sense", m.value, m.low,
                    m.high);
  if (!(h->life_s > 0 && h->life_s <= LIFE_CEILING_S))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "a device's life of %g years is not above 0 and up to 100",
                    h->life_s / FR_YEAR_S);
  if (!is_share(h->use) || !is_share(h->share))
    return fr__fail(err, FR_ERR_ARGUMENT, "a share of %g is not above 0 and up to 1",
                    is_share(h->use) ? h->share : h->use);
  return FR_OK;
}

enum fr_status fr_embodied_grams(const fr_hardware *hardware, double used_s,
                                 fr_measure *out, fr_error *err) {
  const fr_hardware *h = hardware;
  const enum fr_status status = check(h, err);
  if (status != FR_OK)
    return status;
  const double whole_s = h->life_s * h->use;
  if (!(used_s >= 0 && used_s <= whole_s * (1 + 1e-9)))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "work of %.4g h is more than the %.4g h that the device is used in "
                    "its life",
                    used_s / 3600, whole_s / 3600);
  *out = fr_measure_scale(h->embodied, used_s / whole_s * h->share, FR_UNIT_GRAM_CO2E);
  return FR_OK;
}

enum fr_status fr_embodied_keep(const fr_hardware *hardware, double longer_s,
                                fr_keeping *out, fr_error *err) {
  const fr_hardware *h = hardware;
  const enum fr_status status = check(h, err);
  if (status != FR_OK)
    return status;
  if (!(longer_s > 0 && h->life_s + longer_s <= LIFE_CEILING_S))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "%g years more are not above 0, or longer than 100 in all",
                    longer_s / FR_YEAR_S);
  const double before = FR_YEAR_S / h->life_s, after = FR_YEAR_S / (h->life_s + longer_s);
  *out = (fr_keeping){fr_measure_scale(h->embodied, before, FR_UNIT_GRAM_CO2E),
                      fr_measure_scale(h->embodied, after, FR_UNIT_GRAM_CO2E),
                      fr_measure_scale(h->embodied, before - after, FR_UNIT_GRAM_CO2E)};
  return FR_OK;
}

/* ---- SCI ---- */

enum fr_status fr_sci_reckon(const fr_footprint *footprint, fr_measure embodied,
                             double units, fr_sci *out, fr_error *err) {
  const fr_footprint *f = footprint;
  if (!(units > 0 && isfinite(units)))
    return fr__fail(err, FR_ERR_ARGUMENT, "%g units are not above 0", units);
  const fr_measure whole =
      fr_measure_known(embodied) ? fr_measure_add(f->grams, embodied) : f->grams;
  *out = (fr_sci){.energy_j = fr_measure_scale(f->energy, f->pue, FR_UNIT_JOULE),
                  .grid = f->intensity,
                  .operated = f->grams,
                  .embodied = embodied,
                  .units = units,
                  .score = fr_measure_scale(whole, 1 / units, FR_UNIT_GRAM_CO2E)};
  return FR_OK;
}
