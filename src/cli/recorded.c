/* SPDX-License-Identifier: Apache-2.0 */
/* Energy that was recorded before: a tree of sensors with its own clock, or a log of
 * HWiNFO's. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "cli/keep_log.h"
#include "meter/hwinfo.h"

typedef struct recorded {
  cli_metering metering;
  cli_log log; /* its metering is NULL before the first sample */
  fr_meter_report report;
  double gap_s;   /* without readings, in which no energy is assumed */
  char began[64]; /* of a log: its first row's date and time, as they stand there */
  int argc;
  char **argv; /* the command line */
} recorded;

static void take(recorded *r, const fr_power_sample *sample, const double *domain_w,
                 size_t domains) {
  cli_metering *const m = &r->metering;
  fr_power_sample told = *sample; /* nobody told whose it was */
  told.program_j = told.core_s = (double)NAN;
  cli_spiking_power(&m->spiking, (double)sample->t_ns * 1e-9, sample->power_w);
  if (m->csv != NULL)
    cli_metering_csv_row(m, &told, NULL);
  cli_log_add(&r->log, sample, domain_w, domains);
}

/* ---- a recording of sensors ---- */

/* The last part of a path, whatever slashes it ends with; the caller's (free). */
static char *name_of(const char *path) {
  size_t length = strlen(path);
  while (length > 1 && path[length - 1] == '/')
    length--;
  char *copy = strndup(path, length);
  char *name = copy != NULL ? strdup(fr__path_name(copy)) : NULL;
  free(copy);
  return name;
}

static void begin_log(recorded *r, const char *path, const char *const *domain,
                      size_t domains) {
  char *name = name_of(path);
  cli_log_begin(&r->log, &r->metering, name != NULL ? name : path, r->argc, r->argv,
                domain, domains);
  free(name);
}

static void take_replayed(void *self, const fr_power_sample *sample) {
  recorded *const r = self;
  if (r->log.metering == NULL) /* the recording can be read */
    begin_log(r, r->metering.options->replay, NULL, 0);
  take(r, sample, NULL, 0);
}

static enum fr_status replay(recorded *r, fr_error *err) {
  const cli_metering_options *o = r->metering.options;
  fr_meter_options options = fr_meter_default_options();
  options.interval_s = o->interval_s;
  options.sensor = o->sensor;
  options.sample = take_replayed;
  options.self = r;
  return fr_meter_replay(&options, o->replay, &r->report, err);
}

/* ---- a log ---- */

static void tell_gaps(const fr__hwinfo *log, cli_result *result) {
  if (log->gaps > 0)
    cli_warn(result, "the log has %zu gap%s, %.1f s in all: no energy is assumed there",
             log->gaps, log->gaps > 1 ? "s" : "", log->gap_s);
  if (log->missing > 0)
    cli_warn(result, "%zu rows of the log do not tell the power", log->missing);
  if (log->back > 0)
    cli_warn(result, "the log's clock went back %zu times", log->back);
  if (log->count == log->gaps + 1)
    cli_warn(result,
             "no energy is measured: no two rows of the log tell the power of the "
             "time between them");
}

/* Energy, mean and interval are of the time that was read; each gap has two edges more.
 */
static void fill_report(const fr__hwinfo *log, fr_meter_report *report) {
  const double read_s = log->duration_s - log->gap_s;
  const size_t intervals = log->count - 1 - log->gaps;
  const double interval_s = intervals > 0 ? read_s / (double)intervals : 0;
  const double edge_w = log->max_w * sqrt(1 + (double)log->gaps);
  const fr_bounds bounds = {.value_j = log->energy_j,
                            .duration_s = read_s,
                            .source = FR_SOURCE_IMPORT,
                            .accuracy = fr_sensor_accuracy(FR_SOURCE_IMPORT, NULL),
                            .update_s = interval_s,
                            .power_start_w = edge_w,
                            .power_end_w = edge_w};
  *report = (fr_meter_report){.duration_s = read_s,
                              .core_seconds = fr_measure_absent(FR_UNIT_CORE_SECOND),
                              .energy = intervals > 0 ? fr_bounds_energy(&bounds)
                                                      : fr_measure_absent(FR_UNIT_JOULE),
                              .program = fr_measure_absent(FR_UNIT_JOULE),
                              .power_min_w = log->min_w,
                              .power_mean_w = log->mean_w,
                              .power_max_w = log->max_w,
                              .samples = log->count,
                              .marked = log->gaps,
                              .interval_s = interval_s};
  snprintf(report->sensor, sizeof report->sensor, "%.60s", log->chosen);
}

/* A log is a report like that of a meter, whose sensor was another program. */
static enum fr_status import(recorded *r, fr_error *err) {
  const cli_metering_options *o = r->metering.options;
  fr__hwinfo log;
  const enum fr_status status = fr__hwinfo_read(o->import, o->column, &log, err);
  if (status != FR_OK)
    return status;
  begin_log(r, o->import, (const char *const *)log.name, log.columns);
  for (size_t i = 0; i < log.count; i++)
    take(r, &log.sample[i], log.domain_w + i * log.columns, log.columns);
  cli_log_flush(&r->log); /* before its domains go */
  tell_gaps(&log, r->metering.result);
  fill_report(&log, &r->report);
  r->gap_s = log.gap_s;
  memcpy(r->began, log.began, sizeof r->began);
  fr__hwinfo_release(&log);
  return FR_OK;
}

/* ---- both ---- */

static int print(recorded *r) {
  cli_metering *const m = &r->metering;
  json_t *const result = m->result->result;
  fr__buf text;
  fr__buf_init(&text, 0);
  cli_spiking_end(&m->spiking);
  cli_metering_figures(m, &r->report, -1, m->result, &text);
  if (m->options->import != NULL) {
    json_t *began = json_string(r->began); /* NULL: not UTF-8 */
    json_object_set_new(result, "began", began != NULL ? began : json_null());
    json_object_set_new(result, "gap_s", json_real(r->gap_s));
  }
  json_object_set_new(result, "phases", json_array());
  json_object_set_new(result, "processes", json_null());
  json_object_set_new(result, "run", json_null());
  cli_warn(m->result, "a recording does not tell programs, their CPU time or phases");
  cli_log_end(&r->log, true);
  const int code = cli_result_print(m->result, &m->options->output, fr__buf_text(&text));
  fr__buf_release(&text);
  return code;
}

static int meter(recorded *r) {
  cli_metering *const m = &r->metering;
  const cli_metering_options *o = m->options;
  fr_error err;
  m->shares.program = fr_measure_absent(FR_UNIT_JOULE);
  enum fr_status status = cli_spiking_init(
      &m->spiking, o->import != NULL ? FR_SOURCE_IMPORT : FR_SOURCE_POWERCAP, &err);
  if (status == FR_OK)
    status = cli_metering_csv_open(m, &err);
  if (status == FR_OK)
    status = o->import != NULL ? import(r, &err) : replay(r, &err);
  int code = status == FR_OK ? print(r) : cli_fail(&err);
  cli_log_end(&r->log, false); /* of one that could not be read to its end */
  if (m->csv != NULL && (ferror(m->csv) | fclose(m->csv)) != 0)
    code = cli_fail_text("'%s' cannot be written", o->csv);
  fr_meter_report_release(&r->report);
  cli_spiking_release(&m->spiking);
  return code;
}

int cli_meter_recorded(const cli_metering_options *options, int argc, char **argv,
                       cli_result *result) {
  recorded *r = calloc(1, sizeof *r);
  fr_error err;
  if (r == NULL) {
    fr__fail_memory(&err, "a recording");
    return cli_fail(&err);
  }
  *r = (recorded){
      .metering = {.options = options, .result = result}, .argc = argc, .argv = argv};
  const int code = meter(r);
  free(r);
  return code;
}
