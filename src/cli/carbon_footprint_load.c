/* SPDX-License-Identifier: Apache-2.0 */
/* frugal carbon footprint: the energy that is paid for, over its time. */
#include "cli/carbon_footprint.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"

#define NS_PER_S INT64_C(1000000000)

/* ---- a run of the store ---- */

/* What a command measured; of a study, what all of it took. */
static fr_measure measured(const json_t *result, const char *key) {
  const fr_measure own = cli_measure_of(result, key, FR_UNIT_JOULE);
  return fr_measure_known(own)
             ? own
             : cli_measure_of(json_object_get(result, "spent"), key, FR_UNIT_JOULE);
}

static double seconds_of(const json_t *result) {
  const json_t *own = json_object_get(result, "duration_s");
  return json_number_value(
      own != NULL ? own
                  : json_object_get(json_object_get(result, "spent"), "duration_s"));
}

/* A recording was metered later than it was made: the store has the time of the former.
 */
static bool is_recorded(const fr_run *run) {
  return run->argv != NULL && strcmp(run->command, "meter") == 0 &&
         (strstr(run->argv, "\"--replay") != NULL ||
          strstr(run->argv, "\"--import") != NULL);
}

static enum fr_status total_of(const cli_footprint_asked *asked, const fr_run *run,
                               cli_course_total *out, fr_error *err) {
  const bool told = asked->start_s > INT64_MIN;
  json_t *result = run->result != NULL ? json_loads(run->result, 0, NULL) : NULL;
  const double seconds = seconds_of(result);
  *out = (cli_course_total){measured(result, "energy"), measured(result, "delta"),
                            measured(result, "program"),
                            told ? asked->start_s * NS_PER_S : run->started_utc_ns, 0};
  json_decref(result);
  if (!told && is_recorded(run))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "run %lld is a recording: --start TIME says when it was made",
                    (long long)run->id);
  if (!told && run->ended_utc_ns > run->started_utc_ns)
    out->end_ns = run->ended_utc_ns;
  else if (seconds > 0 && seconds < 1e9)
    out->end_ns = out->start_ns + (int64_t)(seconds * 1e9);
  else
    return fr__fail(err, FR_ERR_NOT_FOUND, "run %lld does not tell how long it took",
                    (long long)run->id);
  return FR_OK;
}

static enum fr_status load_run(const cli_footprint_asked *asked, fr_store *store,
                               const fr_run *run, cli_footprint_found *found,
                               fr_error *err) {
  cli_course course = {0};
  cli_course_total total;
  fr_error own;
  enum fr_status status = total_of(asked, run, &total, err);
  if (status == FR_OK && !fr_measure_known(cli_course_of(&total, asked->of)))
    return fr__fail(err, FR_ERR_NOT_FOUND, "run %lld, of '%.64s', does not tell its %s%s",
                    (long long)run->id, run->command, cli_of_name(asked->of),
                    asked->of == CLI_OF_DELTA ? ": frugal meter --baseline measures it"
                                              : "");
  if (status == FR_OK)
    status = cli_course_stored(store, run->id, &course, err);
  if (status == FR_OK) {
    status = cli_course_load(&course, &total, asked->of, &found->load, &own);
    if (status != FR_OK)
      fr__fail(err, status, "run %lld: %s", (long long)run->id, own.text);
  }
  found->used_s = (double)(total.end_ns - total.start_ns) * 1e-9;
  (void)snprintf(found->from, sizeof found->from, "%s of run %lld, '%.64s', %s",
                 cli_of_name(asked->of), (long long)run->id, run->command,
                 cli_course_has_shape(&course, asked->of)
                     ? "over its samples"
                     : "spread evenly over its time");
  cli_course_release(&course);
  return status;
}

static enum fr_status from_run(const cli_footprint_asked *asked,
                               cli_footprint_found *found, fr_error *err) {
  fr_store *store = NULL;
  fr_run run = {0};
  enum fr_status status = fr_store_open_read(asked->output.store, &store, err);
  if (status == FR_OK)
    status = fr_store_run_get(store, asked->run, &run, err);
  if (status == FR_OK)
    status = load_run(asked, store, &run, found, err);
  fr_run_release(&run);
  fr_store_close(store);
  return status;
}

/* ---- a timeline, and what is told ---- */

static enum fr_status from_csv(const cli_footprint_asked *asked,
                               cli_footprint_found *found, fr_error *err) {
  cli_course course = {0};
  cli_course_total total;
  enum fr_status status =
      cli_course_csv(asked->power, asked->start_s * NS_PER_S, &course, &total, err);
  if (status != FR_OK)
    return status;
  if (asked->of == CLI_OF_DELTA || !fr_measure_known(cli_course_of(&total, asked->of)))
    status = fr__fail(err, FR_ERR_NOT_FOUND, "'%.200s' does not tell the %s",
                      asked->power, cli_of_name(asked->of));
  if (status == FR_OK)
    status = cli_course_load(&course, &total, asked->of, &found->load, err);
  found->used_s = (double)(total.end_ns - total.start_ns) * 1e-9;
  (void)snprintf(found->from, sizeof found->from, "%s of '%.150s'",
                 cli_of_name(asked->of), asked->power);
  cli_course_release(&course);
  return status;
}

/* Where no time is told it is any: the hour that ends now. */
static enum fr_status from_words(const cli_footprint_asked *asked,
                                 cli_footprint_found *found, fr_error *err) {
  const int64_t length_s = asked->duration_s > 0 ? asked->duration_s : 3600;
  found->timed = asked->start_s > INT64_MIN;
  found->used_s = (double)asked->duration_s;
  const int64_t start_s = found->timed ? asked->start_s : asked->now_s - length_s;
  (void)snprintf(found->from, sizeof found->from, "told");
  return fr_load_even(&found->load, asked->energy, start_s * NS_PER_S,
                      (start_s + length_s) * NS_PER_S, err);
}

enum fr_status cli_footprint_load(const cli_footprint_asked *asked,
                                  cli_footprint_found *found, fr_error *err) {
  found->timed = true;
  if (asked->run > 0)
    return from_run(asked, found, err);
  return asked->power != NULL ? from_csv(asked, found, err)
                              : from_words(asked, found, err);
}
