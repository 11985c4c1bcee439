/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/keep_log.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"

static enum fr_status begin(cli_metering *m, fr_error *err) {
  const char *path = m->options->import;
  json_t *words = json_pack("[s, s, s, s]", "frugal", "meter", "--import", path);
  char *argv = words != NULL ? json_dumps(words, JSON_COMPACT) : NULL;
  const fr_run run = {.command = (char *)(uintptr_t) "meter",
                      .name = (char *)(uintptr_t)fr__path_name(path),
                      .argv = argv,
                      .version = (char *)(uintptr_t)FR_VERSION};
  enum fr_status status = fr_store_open(m->options->output.store, &m->store, err);
  if (status == FR_OK)
    status = fr_store_run_begin(m->store, &run, &m->run, err);
  free(argv);
  json_decref(words);
  return status;
}

static enum fr_status put_samples(cli_metering *m, const fr__hwinfo *log, fr_error *err) {
  fr_store_sample *const row = calloc(log->count, sizeof *row);
  if (row == NULL)
    return fr__fail_memory(err, "a log's samples");
  for (size_t i = 0; i < log->count; i++)
    row[i] = (fr_store_sample){.t_ns = log->sample[i].t_ns,
                               .power_w = log->sample[i].power_w,
                               .energy_j = log->sample[i].energy_j,
                               .program_j = (double)NAN, /* nobody measured it */
                               .domains = log->columns,
                               .domain_w = log->domain_w + i * log->columns};
  const enum fr_status status = fr_store_samples(m->store, m->run, row, log->count, err);
  free(row);
  return status;
}

void cli_log_keep(cli_metering *metering, const fr__hwinfo *log) {
  cli_metering *const m = metering;
  fr_error err;
  enum fr_status status = begin(m, &err);
  if (status == FR_OK)
    status = fr_store_domains(m->store, m->run, (const char *const *)log->name,
                              log->columns, &err);
  if (status == FR_OK)
    status = put_samples(m, log, &err);
  if (status != FR_OK)
    cli_warn(m->result, "the log is not in the store: %s", err.text);
}

void cli_log_end(cli_metering *metering) {
  cli_metering *const m = metering;
  fr_error err;
  if (m->store != NULL && m->run != 0) {
    json_object_set_new(m->result->result, "run", json_integer((json_int_t)m->run));
    char *text = json_dumps(m->result->result, JSON_COMPACT | JSON_REAL_PRECISION(9));
    if (text != NULL && fr_store_run_end(m->store, m->run, "done", text, &err) != FR_OK)
      cli_warn(m->result, "the log is not in the store: %s", err.text);
    free(text);
  }
  fr_store_close(m->store);
  m->store = NULL;
}
