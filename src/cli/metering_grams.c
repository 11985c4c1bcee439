/* SPDX-License-Identifier: Apache-2.0 */
/* Grams of what was metered: the run's own timeline at the grid's intensity meanwhile. */
#include "base/clock.h"
#include "base/error.h"
#include "cli/grams.h"
#include "cli/metering.h"

#define NS_PER_S INT64_C(1000000000)
#define BEFORE_S INT64_C(86400) /* how old the last known value may be */

/* What is known by now of the hours from a day before on: those of the run may not have
 * ended yet. */
static fr_intensity_query query_of(int64_t from_s, int64_t to_s) {
  const int64_t now_s = fr__clock_utc_ns() / NS_PER_S;
  return (fr_intensity_query){.now_s = now_s, .from_s = from_s - BEFORE_S, .to_s = to_s};
}

/* A server that does not answer now may later: no reason not to run the command. */
enum fr_status cli_metering_grid_check(const cli_metering_options *options,
                                       fr_error *err) {
  const int64_t now_s = fr__clock_utc_ns() / NS_PER_S;
  const fr_intensity_query query = query_of(now_s, now_s + 1);
  fr_series grid = {0};
  if (options->intensity == NULL)
    return FR_OK;
  const enum fr_status status = fr_intensity_read(options->intensity, &query, &grid, err);
  fr_series_release(&grid);
  return status == FR_ERR_IO ? FR_OK : status;
}

/* One of the three energies; *grid is read by the first. */
static enum fr_status reckon(const cli_metering *m, const cli_course_total *total,
                             enum cli_of of, fr_series *grid, fr_footprint *out,
                             fr_error *err) {
  fr_load load = {0};
  int64_t from_s = 0, to_s = 0;
  enum fr_status status = cli_course_load(&m->course, total, of, &load, err);
  if (status == FR_OK && grid->count == 0 && fr_load_span(&load, &from_s, &to_s)) {
    const fr_intensity_query query = query_of(from_s, to_s);
    status = fr_intensity_read(m->options->intensity, &query, grid, err);
  }
  if (status == FR_OK)
    status = fr_footprint_reckon(&load, grid, m->options->pue, FR_FILL_LAST, out, err);
  fr_load_release(&load);
  return status;
}

static json_t *tell(const cli_metering *m, const cli_course_total *total, fr_series *grid,
                    cli_result *result, fr__buf *text, fr_error *err) {
  static const char *const labels[] = {"grams, machine", "grams, delta",
                                       "grams, program"};
  static const enum cli_of each[] = {CLI_OF_ENERGY, CLI_OF_DELTA, CLI_OF_PROGRAM};
  json_t *grams = json_object();
  fr_footprint whole = {0}, one = {0};
  for (size_t i = 0; i < 3; i++) {
    fr_measure g = fr_measure_absent(FR_UNIT_GRAM_CO2E);
    if (fr_measure_known(cli_course_of(total, each[i]))) {
      if (reckon(m, total, each[i], grid, &one, err) != FR_OK) {
        json_decref(grams);
        return NULL;
      }
      g = one.grams;
      whole = each[i] == CLI_OF_ENERGY ? one : whole;
      cli_add_grams(text, labels[i], g, "no intensity is known for that time");
    }
    json_object_set_new(grams, cli_of_name(each[i]), cli_json_measure(g));
  }
  cli_add_intensity(text, "intensity", &whole, grid);
  cli_warn_of_footprint(&whole, grid, "grams", result);
  return json_pack("{s:o, s:o}", "grams", grams, "location",
                   cli_json_footprint(&whole, grid));
}

void cli_metering_grams(const cli_metering *metering, double duration_s,
                        cli_result *result, fr__buf *text) {
  const cli_metering *m = metering;
  const cli_course_total total = {m->energy, m->delta, m->program, m->start_utc_ns,
                                  m->start_utc_ns + (int64_t)(duration_s * 1e9) + 1};
  fr_series grid = {0};
  fr_error err = {0};
  if (m->options->intensity == NULL || !fr_measure_known(m->energy))
    return;
  json_t *carbon = tell(m, &total, &grid, result, text, &err);
  if (carbon == NULL)
    cli_warn(result, "the grams are not known: %s", err.text);
  else
    json_object_set_new(result->result, "carbon", carbon);
  fr_series_release(&grid);
}
