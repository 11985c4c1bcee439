/* SPDX-License-Identifier: Apache-2.0 */
/* Where samples and phases go while a command runs: the store, a CSV file, Prometheus. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/metering.h"

/* ---- CSV ---- */

enum fr_status cli_metering_csv_open(cli_metering *metering, fr_error *err) {
  const char *path = metering->options->csv;
  if (path == NULL)
    return FR_OK;
  metering->csv = fopen(path, "we");
  if (metering->csv == NULL)
    return fr__fail_errno(err, errno, "'%s' cannot be written", path);
  fprintf(metering->csv, "%st_s,power_w,energy_j,program_j,core_s,marked,phase\n",
          metering->options->repeat != 1 ? "run," : "");
  return FR_OK;
}

/* RFC 4180: in quotes, with quotes doubled; a phase's path has no line feed. */
static void put_quoted(FILE *to, const char *text) {
  fputc('"', to);
  for (; *text != '\0'; text++) {
    if (*text == '"')
      fputc('"', to);
    fputc(*text, to);
  }
  fputc('"', to);
}

/* What is not known is an empty cell. */
static void put_number(FILE *to, const char *format, double number)
    __attribute__((format(printf, 2, 0)));

static void put_number(FILE *to, const char *format, double number) {
  if (isfinite(number))
    fprintf(to, format, number);
  fputc(',', to);
}

void cli_metering_csv_row(cli_metering *metering, const fr_power_sample *sample,
                          const char *phase) {
  FILE *const to = metering->csv;
  if (metering->options->repeat != 1)
    fprintf(to, "%zu,", metering->repetition);
  put_number(to, "%.6f", (double)sample->t_ns * 1e-9);
  put_number(to, "%.6g", sample->power_w);
  put_number(to, "%.9g", sample->energy_j);
  put_number(to, "%.9g", sample->program_j);
  put_number(to, "%.6f", sample->core_s);
  fprintf(to, "%d,", sample->marked);
  if (phase != NULL)
    put_quoted(to, phase);
  fputc('\n', to);
}

static void write_csv(cli_metering *m) {
  for (size_t i = 0; i < m->writing.count && m->csv != NULL; i++) {
    const cli_kept_sample *kept = &m->writing.sample[i];
    cli_metering_csv_row(m, &kept->sample, m->marks.row[kept->row].path);
  }
  if (m->csv != NULL && (fflush(m->csv) != 0 || ferror(m->csv))) {
    cli_warn(m->result, "'%s' cannot be written: %s", m->options->csv, strerror(errno));
    fclose(m->csv);
    m->csv = NULL;
  }
}

/* ---- the store ---- */

static enum fr_status store_samples(cli_metering *m, fr_error *err) {
  const size_t count = m->writing.count;
  fr_store_sample *rows = count > 0 ? calloc(count, sizeof *rows) : NULL;
  if (rows == NULL)
    return count > 0 ? fr__fail_memory(err, "samples") : FR_OK;
  for (size_t i = 0; i < count; i++) {
    const fr_power_sample *s = &m->writing.sample[i].sample;
    rows[i] = (fr_store_sample){.t_ns = s->t_ns,
                                .power_w = s->power_w,
                                .energy_j = s->energy_j,
                                .program_j = s->program_j,
                                .marked = s->marked,
                                .domains = m->domains,
                                .domain_w = m->writing.sample[i].domain_w};
  }
  const enum fr_status status = fr_store_samples(m->store, m->run, rows, count, err);
  free(rows);
  return status;
}

static enum fr_status store_stretches(cli_metering *m, const cli_stretch *stretch,
                                      size_t count, fr_error *err) {
  fr_store_phase *rows = count > 0 ? calloc(count, sizeof *rows) : NULL;
  if (rows == NULL)
    return count > 0 ? fr__fail_memory(err, "phases") : FR_OK;
  for (size_t i = 0; i < count; i++)
    rows[i] = (fr_store_phase){.number = stretch[i].number,
                               .path = m->marks.row[stretch[i].row].path,
                               .begin_ns = stretch[i].begin_ns,
                               .end_ns = stretch[i].end_ns};
  const enum fr_status status = fr_store_phases(m->store, m->run, rows, count, err);
  free(rows);
  return status;
}

/* Rows of phases never change once they are made, so their paths may be read later
 * without the lock. */
static size_t take_stretches(cli_metering *m, cli_stretch **out) {
  const size_t count = m->marks.changes;
  *out = count > 0 ? malloc(count * sizeof **out) : NULL;
  if (*out == NULL)
    return 0;
  memcpy(*out, m->marks.changed, count * sizeof **out);
  m->marks.changes = 0;
  return count;
}

enum fr_status cli_metering_flush(cli_metering *metering, fr_error *err) {
  cli_metering *m = metering;
  cli_stretch *stretch;
  const bool kept = m->store != NULL && m->run > 0;
  pthread_mutex_lock(&m->lock);
  if (m->writing.count == 0) {
    const cli_queue empty = m->writing;
    m->writing = m->fresh;
    m->fresh = empty;
  }
  const size_t stretches = take_stretches(m, &stretch);
  pthread_mutex_unlock(&m->lock);
  enum fr_status status = FR_OK;
  if (!m->written_failed) /* else these rows are in the CSV already */
    write_csv(m);
  if (kept)
    status = store_samples(m, err);
  if (kept && status == FR_OK)
    status = store_stretches(m, stretch, stretches, err);
  m->written_failed = status != FR_OK;
  if (status == FR_OK)
    m->writing.count = 0;
  free(stretch);
  return status;
}

enum fr_status cli_metering_keep(cli_metering *metering, const char *result,
                                 fr_error *err) {
  cli_metering *m = metering;
  /* twice: what could not be written before, and what came meanwhile */
  enum fr_status status = cli_metering_flush(m, err);
  if (status == FR_OK)
    status = cli_metering_flush(m, err);
  if (m->store == NULL || m->run == 0)
    return FR_OK;
  if (status == FR_OK)
    status = fr_store_run_end(m->store, m->run, result != NULL ? "done" : "failed",
                              result, err);
  return status;
}

/* ---- Prometheus ---- */

static void add_phases(const cli_marks *marks, fr__buf *out) {
  cli_prometheus_head(out, "frugal_phase_energy_joules_total", "counter",
                      "Energy of the machine in a phase of the program.");
  for (size_t i = 0; i < marks->rows; i++)
    cli_prometheus_line(out, "frugal_phase_energy_joules_total", "phase",
                        marks->row[i].path, marks->row[i].energy_j);
  cli_prometheus_head(out, "frugal_phase_seconds_total", "counter",
                      "Time in a phase of the program.");
  for (size_t i = 0; i < marks->rows; i++)
    cli_prometheus_line(out, "frugal_phase_seconds_total", "phase", marks->row[i].path,
                        marks->row[i].duration_s);
}

static void add_one(fr__buf *out, const char *name, const char *type, const char *help,
                    double number) {
  cli_prometheus_head(out, name, type, help);
  cli_prometheus_line(out, name, NULL, NULL, number);
}

/* Counters and their total, of one reading: no part is more than the whole. */
static void add_energy(const cli_metering *m, fr__buf *out) {
  fr_meter_report report;
  if (fr_meter_read(m->meter, &report, NULL) != FR_OK)
    return;
  cli_prometheus_head(out, "frugal_energy_joules_total", "counter",
                      "Energy of the machine since the meter's start, idle included.");
  if (fr_measure_known(report.energy))
    cli_prometheus_line(out, "frugal_energy_joules_total", "domain", "total",
                        report.energy.value);
  if (report.duration_s > 0)
    add_one(out, "frugal_meter_seconds_total", "counter", "Time since the meter's start.",
            report.duration_s);
  if (fr_measure_known(report.core_seconds))
    add_one(out, "frugal_meter_cpu_seconds_total", "counter",
            "CPU time of the meter itself since its start, in core-seconds.",
            report.core_seconds.value);
  cli_prometheus_head(out, "frugal_domain_energy_joules_total", "counter",
                      "Energy of each counter; some are parts of others.");
  for (size_t i = 0; i < report.domain_count; i++)
    if (fr_measure_known(report.domain[i].energy))
      cli_prometheus_line(out, "frugal_domain_energy_joules_total", "domain",
                          report.domain[i].name, report.domain[i].energy.value);
  fr_meter_report_release(&report);
}

/* Under the lock: what the last sample told of the command. */
static void add_program(const cli_metering *m, fr__buf *out) {
  if (m->processes != NULL || m->source == FR_SOURCE_MODEL)
    add_one(out, "frugal_program_energy_joules_total", "counter",
            "Energy attributed to the metered program.", m->last.program_j);
  add_one(out, "frugal_cpu_seconds_total", "counter",
          "CPU time of the metered program, in core-seconds.", m->last.core_s);
}

/* What is not known yet is left out, not 0. */
void cli_metering_metrics(void *self, fr__buf *out) {
  cli_metering *m = self;
  add_energy(m, out);
  pthread_mutex_lock(&m->lock);
  const bool sampled = m->last.t_ns > 0;
  if (sampled && isfinite(m->last.power_w))
    add_one(out, "frugal_power_watts", "gauge",
            "Mean power of the machine between the last two samples.", m->last.power_w);
  if (sampled && m->options->command != NULL)
    add_program(m, out);
  if (sampled)
    add_phases(&m->marks, out);
  pthread_mutex_unlock(&m->lock);
}
