/* SPDX-License-Identifier: Apache-2.0 */
/* The normal power of this machine as it was last looked at: one row for each machine and
 * sensor in $XDG_DATA_HOME/frugal/baselines.json. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "cli/metering.h"

enum { ROWS = 64, CEILING = 1 << 20 };
#define GOOD_FOR_S 86400.0

static char *path_of_file(void) {
  char *folder = fr__path_user("XDG_DATA_HOME", ".local/share");
  char *path = folder != NULL ? fr__path_join(folder, "baselines.json") : NULL;
  free(folder);
  return path;
}

/* "host, processor, sensor": what the figure holds for. The model's with a calibration is
 * another than with the table, and that of one command is not another's. */
static void key_of(const cli_metering *m, char key[512]) {
  char host[128] = "";
  fr_meter_report report = {0};
  (void)gethostname(host, sizeof host - 1);
  if (fr_meter_read(m->meter, &report, NULL) == FR_OK)
    fr_meter_report_release(&report);
  const bool calibrated = strncmp(report.rule, "calibration:", 12) == 0;
  const char *of = calibrated ? report.rule : "";
  if (strcmp(report.sensor, "exec") == 0 && m->options->sensor != NULL)
    of = m->options->sensor;
  snprintf(key, 512, "%s, %s, %s%s%.120s", host, m->cpu_known ? m->cpu.cpu : "",
           report.sensor, *of != '\0' ? ", " : "", of);
  if (strlen(of) > 120) /* two that begin alike are two */
    snprintf(key + strlen(key), 512 - strlen(key), "%016llx",
             (unsigned long long)fr__hash_bytes(of, strlen(of)));
}

static json_t *read_rows(const char *path) {
  char *text;
  size_t size;
  json_t *rows = NULL;
  if (path != NULL && fr__file_read(path, CEILING, &text, &size, NULL) == FR_OK) {
    rows = json_loadb(text, size, 0, NULL);
    free(text);
  }
  if (json_is_object(rows))
    return rows;
  json_decref(rows);
  return json_object();
}

static bool number(const json_t *row, const char *key, double *out) {
  const json_t *value = json_object_get(row, key);
  *out = json_number_value(value);
  return json_is_number(value) && isfinite(*out);
}

static bool parse(const json_t *row, fr_baseline *out) {
  fr_baseline b = {0};
  double utc_s;
  const char *source = json_string_value(json_object_get(row, "source"));
  b.normal_w.unit = FR_UNIT_WATT;
  if (source == NULL || !fr_source_parse(source, &b.normal_w.source) ||
      !number(row, "value", &b.normal_w.value) || !number(row, "low", &b.normal_w.low) ||
      !number(row, "high", &b.normal_w.high) || !number(row, "spread_w", &b.spread_w) ||
      !number(row, "seconds", &b.seconds) || !number(row, "utc_s", &utc_s))
    return false;
  b.utc_ns = (int64_t)(fmin(fmax(utc_s, 0), 9e9) * 1e9);
  b.assumed = json_is_true(json_object_get(row, "assumed"));
  *out = b;
  return b.seconds > 0 && b.normal_w.low <= b.normal_w.value &&
         b.normal_w.value <= b.normal_w.high && b.spread_w >= 0;
}

bool cli_metering_baseline_kept(cli_metering *metering) {
  cli_metering *m = metering;
  if (m->options->root != NULL)
    return false;
  char key[512];
  fr_baseline baseline;
  char *path = path_of_file();
  json_t *rows = read_rows(path);
  key_of(m, key);
  const bool found = parse(json_object_get(rows, key), &baseline);
  const double age_s =
      found ? (double)(fr__clock_utc_ns() - baseline.utc_ns) * 1e-9 : GOOD_FOR_S;
  if (found && age_s >= 0 && age_s < GOOD_FOR_S)
    m->baseline = baseline;
  json_decref(rows);
  free(path);
  return m->baseline.seconds > 0;
}

void cli_metering_baseline_keep(const cli_metering *metering) {
  const cli_metering *m = metering;
  const fr_baseline *b = &m->baseline;
  if (m->options->root != NULL)
    return;
  char key[512];
  char *path = path_of_file();
  json_t *rows = read_rows(path);
  key_of(m, key);
  if (json_object_size(rows) >= ROWS && json_object_get(rows, key) == NULL)
    json_object_clear(rows);
  json_object_set_new(
      rows, key,
      json_pack("{s:f, s:f, s:f, s:s, s:f, s:f, s:f, s:b}", "value", b->normal_w.value,
                "low", b->normal_w.low, "high", b->normal_w.high, "source",
                fr_source_name(b->normal_w.source), "spread_w", b->spread_w, "seconds",
                b->seconds, "utc_s", (double)b->utc_ns * 1e-9, "assumed", b->assumed));
  char *text = json_dumps(rows, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
  char *folder = fr__path_user("XDG_DATA_HOME", ".local/share");
  fr_error err = {0};
  if (text == NULL || path == NULL || fr__dir_make(folder, &err) != FR_OK ||
      fr__file_write(path, text, strlen(text), &err) != FR_OK)
    cli_warn(m->result, "the normal power is not kept: %s", err.text);
  free(folder);
  free(text);
  free(path);
  json_decref(rows);
}
