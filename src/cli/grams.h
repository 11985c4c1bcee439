/* SPDX-License-Identifier: Apache-2.0 */
/* Grams as people read them, and what they are like. */
#ifndef FR_CLI_GRAMS_H
#define FR_CLI_GRAMS_H

#include "cli/cli.h"
#include "frugal/forecast.h"

/* Grams as g, kg or t: "812 gCO2e", "87.7 tCO2e". */
void cli_format_grams(double grams, char *text, size_t size);
/* Joules as Wh: "2 kWh". */
void cli_format_kwh(double joules, char *text, size_t size);
/* "99.9 %", with as many nines as it has: not 100 % where something is left over. */
void cli_format_share(double share, char *text, size_t size);

/* "grams          812 gCO2e (780 gCO2e to 850 gCO2e; perf)", "… not known: why". */
void cli_add_grams(fr__buf *text, const char *what, fr_measure grams, const char *why);

/* [{name, grams, times, source}], the nearest to one first, all of them, or at most `few`
 * of those of which it is 0.01 to 1000, but one at least; empty where the grams are not
 * above 0. */
enum { CLI_LIKENESSES_ALL = 0 };
json_t *cli_json_likenesses(fr_measure grams, size_t few);
/* A table of the same, under `caption`; nothing where there is none. */
enum fr_status cli_add_likenesses(double grams, size_t few, const char *caption,
                                  fr__buf *text, fr_error *err);

/* What a footprint was reckoned with, as JSON: {energy, grams, intensity, hours, pue,
 * estimated, forecast, gaps, gap, fill, grid}. */
json_t *cli_json_footprint(const fr_footprint *footprint, const fr_series *grid);
/* "intensity      412 gCO2e/kWh …" and where it is from: lines of a table; `what` stands
 * before it. */
void cli_add_intensity(fr__buf *text, const char *what, const fr_footprint *footprint,
                       const fr_series *grid);
/* What the source warns of, and energy in estimated and forecast steps and in gaps, each
 * a sentence. `what` is what the grams are of: "the grid". */
void cli_warn_of_footprint(const fr_footprint *footprint, const fr_series *grid,
                           const char *what, cli_result *result);
/* {zone, scope, factor, signal, basis, origin} */
json_t *cli_json_scope(const char *zone, fr_scope scope, const char *origin);
/* {tested, bias_g_per_kwh, mae_g_per_kwh, rmse_g_per_kwh, mape}; null where no day was.
 */
json_t *cli_json_skill(const fr_forecast_skill *skill);

#endif
