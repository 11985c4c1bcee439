/* SPDX-License-Identifier: Apache-2.0 */
/* Energy that was recorded before: a tree of sensors with its own clock, or a log of
 * HWiNFO's. */
#include <stdlib.h>

#include "cli/keep_log.h"

static void take(void *self, const fr_power_sample *sample) {
  cli_metering *m = self;
  cli_spiking_power(&m->spiking, (double)sample->t_ns * 1e-9, sample->power_w);
  if (m->csv == NULL)
    return;
  cli_metering_csv_sample(m->csv, sample);
  fprintf(m->csv, ",,%d,\n", sample->marked);
}

static enum fr_status replay(cli_metering *m, fr_meter_report *report, fr_error *err) {
  fr_meter_options options = fr_meter_default_options();
  options.interval_s = m->options->interval_s;
  options.sensor = m->options->sensor;
  options.sample = take;
  options.self = m;
  return fr_meter_replay(&options, m->options->replay, report, err);
}

static void add_gaps(const fr__hwinfo *log, cli_result *result) {
  if (log->gaps > 0)
    cli_warn(result, "the log has %zu gaps, %.1f s together, whose energy is not counted",
             log->gaps, log->gap_s);
  if (log->missing > 0)
    cli_warn(result, "%zu rows of the log do not tell the power", log->missing);
  if (log->back > 0)
    cli_warn(result, "the log's clock went back %zu times", log->back);
}

/* A log is a report like that of a meter, whose sensor was another program. */
static enum fr_status import(cli_metering *m, fr_meter_report *report, fr_error *err) {
  fr__hwinfo log;
  const enum fr_status status =
      fr__hwinfo_read(m->options->import, m->options->column, &log, err);
  if (status != FR_OK)
    return status;
  for (size_t i = 0; i < log.count; i++)
    take(m, &log.sample[i]);
  cli_log_keep(m, &log);
  add_gaps(&log, m->result);
  const double interval_s = log.count > 1 ? log.duration_s / (double)(log.count - 1) : 0;
  const fr_bounds bounds = {.value_j = log.energy_j,
                            .duration_s = log.duration_s,
                            .source = FR_SOURCE_IMPORT,
                            .accuracy = fr_sensor_accuracy(FR_SOURCE_IMPORT, NULL),
                            .update_s = interval_s,
                            .power_start_w = log.max_w,
                            .power_end_w = log.max_w};
  *report = (fr_meter_report){.duration_s = log.duration_s,
                              .core_seconds = fr_measure_absent(FR_UNIT_CORE_SECOND),
                              .energy = fr_bounds_energy(&bounds),
                              .program = fr_measure_absent(FR_UNIT_JOULE),
                              .power_min_w = log.min_w,
                              .power_mean_w = log.mean_w,
                              .power_max_w = log.max_w,
                              .samples = log.count,
                              .interval_s = interval_s};
  snprintf(report->sensor, sizeof report->sensor, "%.60s", log.chosen);
  fr__hwinfo_release(&log);
  return FR_OK;
}

static int print(cli_metering *m, const fr_meter_report *report) {
  fr__buf text;
  fr__buf_init(&text, 0);
  cli_spiking_end(&m->spiking);
  cli_metering_figures(m, report, -1, m->result, &text);
  json_object_set_new(m->result->result, "phases", json_array());
  json_object_set_new(m->result->result, "processes", json_null());
  json_object_set_new(m->result->result, "run", json_null());
  cli_warn(m->result, "a recording does not tell programs, their CPU time or phases");
  cli_log_end(m);
  const int code = cli_result_print(m->result, &m->options->output, fr__buf_text(&text));
  fr__buf_release(&text);
  return code;
}

int cli_meter_recorded(const cli_metering_options *options, cli_result *result) {
  cli_metering m = {.options = options, .result = result};
  const fr_measure none = fr_measure_absent(FR_UNIT_JOULE);
  fr_meter_report report = {0};
  fr_error err;
  int code;
  m.shares.program = none;
  enum fr_status status = cli_spiking_init(
      &m.spiking, options->import != NULL ? FR_SOURCE_IMPORT : FR_SOURCE_POWERCAP, &err);
  if (status == FR_OK)
    status = cli_metering_csv_open(&m, &err);
  if (status == FR_OK)
    status =
        options->import != NULL ? import(&m, &report, &err) : replay(&m, &report, &err);
  code = status == FR_OK ? print(&m, &report) : cli_fail(&err);
  if (m.csv != NULL && (ferror(m.csv) | fclose(m.csv)) != 0)
    code = cli_fail_text("'%s' cannot be written", options->csv);
  fr_meter_report_release(&report);
  cli_spiking_release(&m.spiking);
  return code;
}
