/* SPDX-License-Identifier: Apache-2.0 */
/* What a metered command has cost, as a table and as JSON. */
#include <math.h>
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

/* ---- figures ---- */

static fr_measure core_seconds_of(double core_s) {
  return (fr_measure){core_s, core_s, core_s, FR_UNIT_CORE_SECOND, FR_SOURCE_CLOCK};
}

/* By the processes, by the command's own clock where they are not told apart. */
static fr_measure program_of(const cli_metering *m, const fr_meter_report *report) {
  const bool model = report->energy.source == FR_SOURCE_MODEL && m->cpu_known &&
                     m->options->command != NULL;
  if (fr_measure_known(m->shares.program))
    return m->shares.program;
  return model ? fr_measure_scale(m->cpu.core_w, m->core_s, FR_UNIT_JOULE)
               : fr_measure_absent(FR_UNIT_JOULE);
}

static void add_power(const fr_meter_report *report, cli_result *result, fr__buf *text) {
  char min[48], mean[48], max[48];
  if (!fr_measure_known(report->energy)) { /* what is not known is not 0 W */
    fr__buf_printf(text, "%-14s not measured\n", "power");
    set(result, "power_w", json_null());
    return;
  }
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

/* What update period and power make of the bounds at a run's two ends; the model, which
 * has none, gives 0. */
static double edges_of(const fr_meter_report *report) {
  const bool model = report->energy.source == FR_SOURCE_MODEL;
  const fr_bounds edges = {.value_j = fmax(report->energy.value, 0),
                           .update_s = model ? 0 : report->update_s,
                           .power_start_w = report->power_max_w,
                           .power_end_w = report->power_max_w};
  const fr_measure m = fr_bounds_energy(&edges);
  return fr_measure_known(m) ? m.high - m.value : 0;
}

static fr_measure delta_of(const cli_metering *m, const fr_meter_report *report) {
  const fr_measure e = report->energy;
  if (m->baseline.seconds <= 0 || !fr_measure_known(e))
    return fr_measure_absent(FR_UNIT_JOULE);
  const bool model = e.source == FR_SOURCE_MODEL;
  const fr_bounds bounds = {.value_j = e.value,
                            .duration_s = report->duration_s,
                            .source = e.source,
                            .accuracy = fr_sensor_accuracy(e.source, NULL),
                            .update_s = model ? 0 : report->update_s,
                            .power_start_w = report->power_max_w,
                            .power_end_w = report->power_max_w,
                            .bridged_j = report->bridged_j,
                            .model_low_j = model ? e.value - e.low : 0,
                            .model_high_j = model ? e.high - e.value : 0};
  return fr_baseline_delta(&m->baseline, &bounds);
}

static void add_normal(const cli_metering *m, const fr_meter_report *report,
                       cli_result *result, fr__buf *text) {
  const bool known = m->baseline.seconds > 0;
  const bool recorded = m->options->replay != NULL || m->options->import != NULL;
  const char *why =
      recorded ? "a recording does not tell it" : "--baseline 10s looks at it";
  const fr_measure normal =
      known ? m->baseline.normal_w : fr_measure_absent(FR_UNIT_WATT);
  const fr_measure delta = delta_of(m, report);
  cli_add_measure(text, "delta", delta, "the normal power is not known");
  cli_add_measure(text, "normal power", normal, why);
  set_measure(result, "delta", delta);
  set_measure(result, "normal_w", normal);
  if (known && m->options->baseline_s <= 0) {
    char date[FR__TIME_TEXT];
    fr__time_format(m->baseline.utc_ns, date);
    cli_warn(result, "the normal power is that of %s", date);
  }
  if (!known)
    cli_warn(result, "delta and normal power are not known: %s", why);
  else if (m->baseline.assumed)
    cli_warn(result, "the normal power rests on the model, not on a counter");
  if (known && m->baseline.drifted)
    cli_warn(result, "the normal power drifted by %.2f W while the command ran",
             m->baseline.drift_w);
}

static void add_head(cli_metering *m, const fr_meter_report *report, int code,
                     cli_result *result, fr__buf *text) {
  const fr_measure program = program_of(m, report);
  char took[32];
  if (code >= 0)
    cli_add_measure(text, "program", program, "");
  set_measure(result, "program", program);
  cli_add_measure(text, "machine", report->energy, "");
  set_measure(result, "energy", report->energy);
  add_normal(m, report, result, text);
  add_power(report, result, text);
  cli_format_duration(report->duration_s, took, sizeof took);
  if (code >= 0)
    fr__buf_printf(text, "%-14s %.3f in %s, exit code %d\n", "core-seconds", m->core_s,
                   took, code);
  else
    fr__buf_printf(text, "%-14s %s\n", "duration", took);
  set_measure(result, "core_seconds",
              m->options->command != NULL ? core_seconds_of(m->core_s)
                                          : fr_measure_absent(FR_UNIT_CORE_SECOND));
  set(result, "duration_s", json_real(report->duration_s));
  set(result, "exit_code", code >= 0 ? json_integer(code) : json_null());
  if (fr_measure_known(report->core_seconds))
    add_own_cost(report, result, text);
  else
    set(result, "meter", json_null());
  fr__buf_printf(text, "%-14s %s%s%s\n", "sensor", report->sensor,
                 report->rule[0] != '\0' ? ", " : "", report->rule);
  set(result, "sensor", json_string(report->sensor));
  set(result, "rule", json_string(report->rule));
  set(result, "interval_s", json_real(report->interval_s));
  set(result, "samples", json_integer((json_int_t)report->samples));
  set(result, "marked", json_integer((json_int_t)report->marked));
}

/* ---- domains ---- */

static void add_domains(const fr_meter_report *report, cli_result *result,
                        fr__buf *text) {
  json_t *domains = json_array();
  for (size_t i = 0; i < report->domain_count; i++) {
    const fr_domain_report *d = &report->domain[i];
    json_array_append_new(domains, json_pack("{s:s, s:s, s:b, s:o}", "name", d->name,
                                             "kind", d->kind, "counted", d->counted,
                                             "energy", cli_json_measure(d->energy)));
    char value[48] = "not measured";
    if (fr_measure_known(d->energy))
      cli_format_si(d->energy.value, "J", value, sizeof value);
    if (report->domain_count > 1)
      fr__buf_printf(text, "%-14s %s: %s, %s%s\n", i == 0 ? "domains" : "", d->name,
                     d->kind, value, d->counted ? "" : " (not in the total)");
  }
  set(result, "domains", domains);
}

/* ---- processes ---- */

/* What is below 0 has no such time; with `gpu` the table has a column for that of cards.
 */
static void add_process_line(fr__table *table, const char *name, int64_t pid,
                             double core_s, bool gpu, double gpu_s, fr_measure energy) {
  char value[48] = "not measured";
  if (fr_measure_known(energy))
    cli_format_si(energy.value, "J", value, sizeof value);
  fr__table_add(table, name);
  if (pid > 0)
    fr__table_addf(table, "%lld", (long long)pid);
  else
    fr__table_add(table, "");
  if (core_s >= 0)
    fr__table_addf(table, "%.3f", core_s);
  else
    fr__table_add(table, "");
  if (gpu && gpu_s >= 0)
    fr__table_addf(table, "%.3f", gpu_s);
  else if (gpu)
    fr__table_add(table, "");
  fr__table_add(table, value);
}

static json_t *json_of_process(const fr_process_report *p, bool gpu) {
  return json_pack("{s:s, s:I, s:o, s:o, s:o, s:b}", "name", p->name, "pid",
                   (json_int_t)p->pid, "core_seconds",
                   cli_json_measure(core_seconds_of(p->core_s)), "gpu_seconds",
                   gpu ? json_real(p->gpu_s) : json_null(), "energy",
                   cli_json_measure(p->energy), "of_program", p->of_program);
}

/* The greatest of the program's, then everybody else in a line, then what is nobody's. */
static void fill_processes(const fr_processes_report *shares, json_t *processes,
                           fr__table *table) {
  enum { SHOWN = 5 };
  const bool gpu = shares->gpu;
  size_t shown = 0;
  for (size_t i = 0; i < shares->count; i++) {
    const fr_process_report *p = &shares->process[i];
    json_array_append_new(processes, json_of_process(p, gpu));
    if (p->of_program && shown++ < SHOWN)
      add_process_line(table, p->name, p->pid, p->core_s, gpu, p->gpu_s, p->energy);
  }
  add_process_line(table, "other programs", 0, shares->other_core_s, gpu,
                   shares->other_gpu_s, shares->other);
  add_process_line(table, "the machine at rest", 0, -1, gpu, -1, shares->idle);
  if (fr_measure_known(shares->cards))
    add_process_line(table, "cards, nobody's", 0, -1, gpu, -1, shares->cards);
}

static enum fr_status add_processes(const cli_metering *m, cli_result *result,
                                    fr__buf *text, fr_error *err) {
  const fr_processes_report *shares = &m->shares;
  if (m->processes == NULL) {
    set(result, "processes", json_null());
    return FR_OK;
  }
  fr__table table;
  fr__table_init(&table, NULL);
  fr__table_column_add(&table, "Process", FR__ALIGN_LEFT, true);
  fr__table_column_add(&table, "PID", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "Core-seconds", FR__ALIGN_RIGHT, false);
  if (shares->gpu)
    fr__table_column_add(&table, "GPU-seconds", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "Energy", FR__ALIGN_RIGHT, false);
  json_t *processes = json_array();
  fill_processes(shares, processes, &table);
  set(result, "processes", processes);
  set(result, "processes_by", json_string(fr_processes_how(m->processes)));
  set_measure(result, "other_programs", shares->other);
  set_measure(result, "at_rest", shares->idle);
  set_measure(result, "cards_at_rest", shares->cards);
  if (shares->even)
    cli_warn(result, "a card's driver does not tell who used it how much: its energy is "
                     "shared evenly among those who had it open");
  fr__buf_add(text, "\n");
  const enum fr_status status = fr__table_render(&table, cli_columns(), text, err);
  fr__table_release(&table);
  return status;
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
  const bool model = report->energy.source == FR_SOURCE_MODEL;
  const double edges_j =
      fr__ledger_edges(model ? 0 : report->update_s, report->power_max_w,
                       (double)row->edges, row->duration_s);
  const double own_part = report->energy.value > 0 && fr_measure_known(program)
                              ? program.value / report->energy.value
                              : 0;
  const fr_measure energy =
      fr__ledger_part(report->energy, row->energy_j, row->shared_energy_j, edges_j);
  const fr_measure own = fr_measure_known(program)
                             ? fr__ledger_part(program, row->program_j,
                                               row->shared_program_j, own_part * edges_j)
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

/* Notes are sentences, one a line; of the model there is one already. */
static void add_notes(const char *notes, cli_result *result) {
  while (*notes != '\0') {
    const size_t length = strcspn(notes, "\n");
    if (length > 0 && strncmp(notes, "no counter works here", 21) != 0)
      cli_warn(result, "%.*s", (int)length, notes);
    notes += length + (notes[length] == '\n');
  }
}

static void add_mark_warnings(const cli_metering *m, cli_result *result) {
  if (m->marks.ignored > 0)
    cli_warn(result, "%llu mark%s of phases %s not taken%s because %s",
             (unsigned long long)m->marks.ignored, m->marks.ignored > 1 ? "s" : "",
             m->marks.ignored > 1 ? "were" : "was",
             m->marks.ignored > 1 ? ", the first" : "", m->marks.why);
  const char *open = cli_marks_open(&m->marks);
  if (open != NULL)
    cli_warn(result, "phase '%s' was still open at the end", open);
  if (m->fresh.lost + m->writing.lost > 0)
    cli_warn(result, "%llu samples are missing in the timeline",
             (unsigned long long)(m->fresh.lost + m->writing.lost));
}

/* Where the bounds are wider than the energy itself, for want of time alone. */
static bool too_short(const cli_metering *m, const fr_meter_report *report) {
  const fr_bounds ticks = {.value_j = report->energy.value,
                           .duration_s = report->duration_s,
                           .source = report->energy.source,
                           .update_s = 0.01, /* what the model's /proc/stat counts in */
                           .power_start_w = report->power_max_w,
                           .power_end_w = report->power_max_w};
  return report->duration_s < 2 * m->options->interval_s || report->too_short ||
         (report->energy.source == FR_SOURCE_MODEL && fr_bounds_too_short(&ticks));
}

static void add_warnings(const cli_metering *m, const fr_meter_report *report,
                         cli_result *result) {
  if (report->energy.source == FR_SOURCE_MODEL)
    cli_warn(result,
             "no working energy counter: energy is modelled from busy core-seconds (%s)",
             report->rule);
  add_notes(report->notes, result);
  if (report->interval_s > 0 && report->interval_s < 0.99 * m->options->interval_s &&
      m->options->import == NULL)
    cli_warn(result,
             "sampled every %.3g s, not %.3g s: a counter might come round in between",
             report->interval_s, m->options->interval_s);
  if (fr_measure_known(report->energy) && too_short(m, report))
    cli_warn(result, "the run is too short for its sensor: %.3f s%s", report->duration_s,
             m->options->command != NULL && m->options->repeat == 1
                 ? "; --repeat auto repeats it"
                 : "");
}

void cli_metering_figures(cli_metering *metering, const fr_meter_report *report, int code,
                          cli_result *result, fr__buf *text) {
  add_head(metering, report, code, result, text);
  add_domains(report, result, text);
  cli_spiking_text(&metering->spiking, text);
  set(result, "spikes", cli_spiking_json(&metering->spiking));
  set(result, "carbon", json_null());
  add_warnings(metering, report, result);
}

static void keep_figures(const cli_metering *m) {
  if (m->run > 0 && fr_measure_known(m->energy))
    (void)fr_store_figure(m->store, m->run, "energy", m->energy, NULL);
  if (m->run > 0 && fr_measure_known(m->program))
    (void)fr_store_figure(m->store, m->run, "program", m->program, NULL);
}

/* Of the command that has ended; without one nobody is told apart. */
static enum fr_status read_shares(cli_metering *m, fr_measure energy, fr_error *err) {
  m->shares = (fr_processes_report){.program = fr_measure_absent(FR_UNIT_JOULE)};
  if (m->processes == NULL)
    return FR_OK;
  const enum fr_status status = fr_processes_read(m->processes, energy, &m->shares, err);
  if (status == FR_OK)
    m->core_s = m->shares.program_core_s;
  return status;
}

static void release_shares(cli_metering *m) {
  fr_processes_report_release(&m->shares);
  m->shares = (fr_processes_report){.program = fr_measure_absent(FR_UNIT_JOULE)};
}

enum fr_status cli_metering_report(cli_metering *metering, int code, cli_result *result,
                                   fr__buf *text, fr_error *err) {
  cli_metering *m = metering;
  const fr_meter_report *report = &m->taken;
  enum fr_status status = read_shares(m, report->energy, err);
  if (status == FR_OK) {
    cli_metering_figures(m, report, code, result, text);
    m->energy = report->energy;
    m->delta = delta_of(m, report);
    m->program = program_of(m, report);
    cli_metering_grams(m, report->duration_s, result, text);
    status = add_phases(m, report, result, text, err);
  }
  if (status == FR_OK)
    status = add_processes(m, result, text, err);
  m->edges_j = edges_of(report);
  set(result, "run", m->run > 0 ? json_integer((json_int_t)m->run) : json_null());
  add_mark_warnings(m, result);
  keep_figures(m);
  release_shares(m);
  return status;
}

/* ---- into the store ---- */

char *cli_metering_stored(const cli_result *result) {
  json_t *whole = json_copy(result->result);
  json_object_set(whole, "warnings", result->warnings);
  char *text = json_dumps(whole, JSON_COMPACT | JSON_REAL_PRECISION(9));
  json_decref(whole);
  return text;
}

/* The sampling thread changes marks, spikes and shares: all are of one moment. Processes
 * one by one are left out: there may be hundreds, each second. */
static enum fr_status figures_so_far(cli_metering *m, const fr_meter_report *report,
                                     cli_result *result) {
  fr__buf text; /* nobody reads it */
  fr__buf_init(&text, 0);
  pthread_mutex_lock(&m->lock);
  enum fr_status status = read_shares(m, report->energy, NULL);
  if (status == FR_OK) {
    cli_metering_figures(m, report, -1, result, &text);
    status = add_phases(m, report, result, &text, NULL);
  }
  release_shares(m);
  pthread_mutex_unlock(&m->lock);
  set(result, "processes", json_null());
  set(result, "run", json_integer((json_int_t)m->run));
  fr__buf_release(&text);
  return status;
}

void cli_metering_so_far(cli_metering *metering) {
  enum { EACH_MS = 900 }; /* of a loop that comes each 500 ms */
  cli_metering *m = metering;
  const uint64_t now_ns = fr__clock_ns();
  fr_meter_report report;
  cli_result result;
  if (m->store == NULL || m->run == 0 || now_ns - m->told_ns < EACH_MS * 1000000ull ||
      fr_meter_read(m->meter, &report, NULL) != FR_OK)
    return;
  m->told_ns = now_ns;
  cli_result_init(&result, "meter");
  if (figures_so_far(m, &report, &result) == FR_OK) {
    char *text = cli_metering_stored(&result);
    if (text != NULL) /* a full disk: it is tried again */
      (void)fr_store_run_so_far(m->store, m->run, text, NULL);
    free(text);
  }
  cli_result_release(&result);
  fr_meter_report_release(&report);
}
