/* SPDX-License-Identifier: Apache-2.0 */
/* What a metered command has cost, as a table and as JSON. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/metering.h"
#include "meter/ledger.h"
#include "report/table.h"

static void set(cli_result *result, const char *key, json_t *value) {
  json_object_set_new(result->result, key, value);
}

static void set_measure(cli_result *result, const char *key, fr_measure m) {
  set(result, key, cli_json_measure(m));
}

static void add_measure(fr__buf *text, const char *what, fr_measure m, const char *why) {
  char value[48], low[48], high[48];
  if (!fr_measure_known(m)) {
    fr__buf_printf(text, "%-14s not measured%s%s\n", what, why[0] != '\0' ? ": " : "",
                   why);
    return;
  }
  const char *unit = fr_unit_symbol(m.unit);
  cli_format_si(m.value, unit, value, sizeof value);
  cli_format_si(m.low, unit, low, sizeof low);
  cli_format_si(m.high, unit, high, sizeof high);
  fr__buf_printf(text, "%-14s %s (%s to %s; %s)\n", what, value, low, high,
                 fr_source_name(m.source));
}

/* ---- figures ---- */

static fr_measure core_seconds_of(double core_s) {
  return (fr_measure){core_s, core_s, core_s, FR_UNIT_CORE_SECOND, FR_SOURCE_CLOCK};
}

static fr_measure program_of(const cli_metering *m, const fr_meter_report *report) {
  if (report->energy.source != FR_SOURCE_MODEL || !m->cpu_known ||
      m->options->command == NULL)
    return fr_measure_absent(FR_UNIT_JOULE);
  return fr_measure_scale(m->cpu.core_w, m->core_s, FR_UNIT_JOULE);
}

static void add_power(const fr_meter_report *report, cli_result *result, fr__buf *text) {
  char min[48], mean[48], max[48];
  cli_format_si(report->power_min_w, "W", min, sizeof min);
  cli_format_si(report->power_mean_w, "W", mean, sizeof mean);
  cli_format_si(report->power_max_w, "W", max, sizeof max);
  fr__buf_printf(text, "%-14s %s mean, %s least, %s most\n", "power", mean, min, max);
  set(result, "power_w",
      json_pack("{s:f, s:f, s:f}", "min", report->power_min_w, "mean",
                report->power_mean_w, "max", report->power_max_w));
}

/* The meter's own CPU time, sensors, store and marks included. */
static void add_own_cost(const fr_meter_report *report, cli_result *result,
                         fr__buf *text) {
  const double own_s = report->core_seconds.value;
  const double share = report->duration_s > 0 ? own_s / report->duration_s : 0;
  fr__buf_printf(text, "%-14s %.4f core-seconds (%.3f %% of a core)\n", "meter itself",
                 own_s, 100 * share);
  set(result, "meter",
      json_pack("{s:o, s:f}", "core_seconds", cli_json_measure(report->core_seconds),
                "share_of_a_core", share));
}

static void add_head(cli_metering *m, const fr_meter_report *report, int code,
                     cli_result *result, fr__buf *text) {
  const fr_measure program = program_of(m, report);
  const fr_measure none = fr_measure_absent(FR_UNIT_JOULE);
  char took[32];
  if (code >= 0) {
    add_measure(text, "program", program, "");
    set_measure(result, "program", program);
  } else {
    set_measure(result, "program", none);
  }
  add_measure(text, "machine", report->energy, "");
  set_measure(result, "energy", report->energy);
  set_measure(result, "delta", none);
  set_measure(result, "normal_w", none);
  add_power(report, result, text);
  cli_format_duration(report->duration_s, took, sizeof took);
  if (code >= 0)
    fr__buf_printf(text, "%-14s %.3f in %s, exit code %d\n", "core-seconds", m->core_s,
                   took, code);
  set_measure(result, "core_seconds",
              code >= 0 ? core_seconds_of(m->core_s)
                        : fr_measure_absent(FR_UNIT_CORE_SECOND));
  set(result, "duration_s", json_real(report->duration_s));
  set(result, "exit_code", code >= 0 ? json_integer(code) : json_null());
  add_own_cost(report, result, text);
  fr__buf_printf(text, "%-14s %s%s%s\n", "sensor", report->sensor,
                 report->rule[0] != '\0' ? ", " : "", report->rule);
  set(result, "sensor", json_string(report->sensor));
  set(result, "rule", json_string(report->rule));
  set(result, "interval_s", json_real(m->options->interval_s));
}

/* ---- phases ---- */

static json_t *json_of_phase(const cli_phase *row, fr_measure energy,
                             fr_measure program) {
  return json_pack("{s:s, s:I, s:f, s:f, s:o, s:o}", "name", row->path, "count",
                   (json_int_t)row->count, "duration_s", row->duration_s, "core_s",
                   row->core_s, "energy", cli_json_measure(energy), "program",
                   cli_json_measure(program));
}

static void add_phase(const cli_phase *row, const fr_meter_report *report,
                      fr_measure program, json_t *phases, fr__table *table) {
  const fr_measure none = fr_measure_absent(FR_UNIT_JOULE);
  const fr_measure energy =
      fr__ledger_part(report->energy, row->energy_j, row->shared_energy_j);
  const fr_measure own =
      fr_measure_known(program)
          ? fr__ledger_part(program, row->program_j, row->shared_program_j)
          : none;
  char text[48] = "not measured";
  json_array_append_new(phases, json_of_phase(row, energy, own));
  fr__table_add(table, row->path);
  fr__table_addf(table, "%llu", (unsigned long long)row->count);
  fr__table_addf(table, "%.3f", row->duration_s);
  cli_format_si(energy.value, "J", text, sizeof text);
  fr__table_add(table, text);
  strcpy(text, "not measured");
  if (fr_measure_known(own))
    cli_format_si(own.value, "J", text, sizeof text);
  fr__table_add(table, text);
}

static enum fr_status add_phases(const cli_metering *m, const fr_meter_report *report,
                                 cli_result *result, fr__buf *text, fr_error *err) {
  fr__table table;
  fr__table_init(&table, NULL);
  fr__table_column_add(&table, "Phase", FR__ALIGN_LEFT, true);
  fr__table_column_add(&table, "Times", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "Seconds", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "Machine", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "Program", FR__ALIGN_RIGHT, false);
  json_t *phases = json_array();
  const fr_measure program = program_of(m, report);
  for (size_t i = 1; i < m->marks.rows; i++)
    add_phase(&m->marks.row[i], report, program, phases, &table);
  add_phase(&m->marks.row[0], report, program, phases, &table); /* unmarked: the last */
  set(result, "phases", phases);
  enum fr_status status = FR_OK;
  if (m->marks.rows > 1) {
    fr__buf_add(text, "\n");
    status = fr__table_render(&table, cli_columns(), text, err);
  }
  fr__table_release(&table);
  return status;
}

/* ---- all ---- */

static void add_warnings(const cli_metering *m, const fr_meter_report *report,
                         cli_result *result) {
  if (report->energy.source == FR_SOURCE_MODEL)
    cli_warn(result,
             "no working energy counter: energy is modelled from busy core-seconds (%s)",
             report->rule);
  else if (m->options->command != NULL)
    cli_warn(result, "the program's part of a counter's energy is not known here");
  if (report->duration_s < 2 * m->options->interval_s)
    cli_warn(result,
             "the run is shorter than two intervals of %g s: its least and greatest "
             "power mean little; --repeat auto repeats it",
             m->options->interval_s);
  if (m->marks.ignored > 0)
    cli_warn(result, "%llu marks of phases were not taken, the first because %s",
             (unsigned long long)m->marks.ignored, m->marks.why);
  if (m->marks.depth > 0)
    cli_warn(result, "phase '%s' was still open at the end",
             m->marks.row[m->marks.stack[m->marks.depth - 1].row].path);
  if (m->fresh.lost + m->writing.lost > 0)
    cli_warn(result, "%llu samples are missing in the timeline",
             (unsigned long long)(m->fresh.lost + m->writing.lost));
}

enum fr_status cli_metering_report(cli_metering *metering, int code, cli_result *result,
                                   fr__buf *text, fr_error *err) {
  cli_metering *m = metering;
  fr_meter_report report;
  enum fr_status status = fr_meter_read(m->meter, &report, err);
  if (status != FR_OK)
    return status;
  add_head(m, &report, code, result, text);
  status = add_phases(m, &report, result, text, err);
  set(result, "domains", json_null());
  set(result, "spikes", json_null());
  set(result, "processes", json_null());
  set(result, "run", m->run > 0 ? json_integer((json_int_t)m->run) : json_null());
  add_warnings(m, &report, result);
  if (m->run > 0 && fr_measure_known(report.energy))
    (void)fr_store_figure(m->store, m->run, "energy", report.energy, NULL);
  const fr_measure program = program_of(m, &report);
  if (m->run > 0 && fr_measure_known(program))
    (void)fr_store_figure(m->store, m->run, "program", program, NULL);
  fr_meter_report_release(&report);
  return status;
}
