/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/keep_log.h"

#include <math.h>
#include <stdlib.h>

static void fail(cli_log *log, const fr_error *err) {
  if (!log->failed)
    cli_warn(log->metering->result, "the recording is not wholly in the store: %s",
             err->text);
  log->failed = true;
}

static enum fr_status begin(cli_metering *m, const char *name, int argc, char **argv,
                            fr_error *err) {
  char *words = cli_json_argv(argc, argv);
  const fr_run run = {.command = (char *)(uintptr_t) "meter",
                      .name = (char *)(uintptr_t)name,
                      .argv = words,
                      .version = (char *)(uintptr_t)FR_VERSION};
  enum fr_status status = fr_store_open(m->options->output.store, &m->store, err);
  if (status == FR_OK)
    status = fr_store_run_begin(m->store, &run, &m->run, err);
  free(words);
  return status;
}

void cli_log_begin(cli_log *log, cli_metering *metering, const char *name, int argc,
                   char **argv, const char *const *domain, size_t domains) {
  fr_error err;
  log->metering = metering;
  log->failed = false;
  log->rows = 0;
  enum fr_status status = begin(metering, name, argc, argv, &err);
  if (status == FR_OK && domains > 0)
    status = fr_store_domains(metering->store, metering->run, domain, domains, &err);
  if (status != FR_OK)
    fail(log, &err);
}

void cli_log_flush(cli_log *log) {
  const cli_metering *const m = log->metering;
  fr_error err;
  if (!log->failed && log->rows > 0 &&
      fr_store_samples(m->store, m->run, log->row, log->rows, &err) != FR_OK)
    fail(log, &err);
  log->rows = 0;
}

void cli_log_add(cli_log *log, const fr_power_sample *sample, const double *domain_w,
                 size_t domains) {
  log->row[log->rows++] = (fr_store_sample){.t_ns = sample->t_ns,
                                            .power_w = sample->power_w,
                                            .energy_j = sample->energy_j,
                                            .program_j = (double)NAN, /* nobody told it */
                                            .marked = sample->marked,
                                            .domains = domains,
                                            .domain_w = domain_w};
  if (log->rows == CLI_LOG_ROWS)
    cli_log_flush(log);
}

static enum fr_status end(cli_metering *m, bool done, fr_error *err) {
  json_object_set_new(m->result->result, "run", json_integer((json_int_t)m->run));
  char *text = done ? cli_metering_stored(m->result) : NULL;
  const enum fr_status status =
      fr_store_run_end(m->store, m->run, text != NULL ? "done" : "failed", text, err);
  free(text);
  return status;
}

void cli_log_end(cli_log *log, bool done) {
  cli_metering *const m = log->metering;
  fr_error err;
  if (m == NULL)
    return;
  cli_log_flush(log);
  if (m->run != 0 && end(m, done, &err) != FR_OK)
    fail(log, &err);
  fr_store_close(m->store);
  m->store = NULL;
  log->metering = NULL;
}
