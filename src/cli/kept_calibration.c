/* SPDX-License-Identifier: Apache-2.0 */
/* One row for each host. What stands in the file is checked like any input: a line that
 * cannot be true, or of another processor, is passed over with a warning. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "cli/calibrating.h"

enum { ROWS = 64, CEILING = 1 << 20 };

static char *path_of_file(void) {
  char *folder = fr__path_user("XDG_DATA_HOME", ".local/share");
  char *path = folder != NULL ? fr__path_join(folder, "calibrations.json") : NULL;
  free(folder);
  return path;
}

static void host_name(char host[128]) {
  memset(host, 0, 128);
  if (gethostname(host, 127) != 0 || host[0] == '\0')
    strcpy(host, "localhost");
}

/* All rows; NULL with `err` where the file is there and is none of ours. */
static json_t *read_rows(const char *path, fr_error *err) {
  char *text;
  size_t size;
  fr_error own;
  const enum fr_status status = fr__file_read(path, CEILING, &text, &size, &own);
  if (status == FR_ERR_NOT_FOUND || access(path, F_OK) != 0)
    return json_object();
  if (status != FR_OK) {
    (void)fr__fail(err, status, "%s", own.text);
    return NULL;
  }
  json_t *rows = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
  free(text);
  if (json_is_object(rows))
    return rows;
  json_decref(rows);
  (void)fr__fail(err, FR_ERR_FORMAT, "'%s' is not what frugal wrote", path);
  return NULL;
}

/* ---- a row ---- */

static json_t *json_of_watts(fr_measure m) {
  return json_pack("{s:f, s:f, s:f}", "value", m.value, "low", m.low, "high", m.high);
}

static json_t *row_of(const fr_calibration *c) {
  struct utsname kernel = {0};
  (void)uname(&kernel);
  return json_pack(
      "{s:s, s:I, s:s, s:s, s:s, s:s, s:f, s:o, s:o, s:f, s:f, s:f, s:b, s:f, s:f, s:f, "
      "s:I}",
      "cpu", c->cpu, "cores", (json_int_t)c->cores, "kernel", kernel.release, "sensor",
      c->sensor, "of", c->of, "source", fr_source_name(c->source), "utc_s",
      (double)c->utc_ns * 1e-9, "core_w", json_of_watts(c->core_w), "idle_w",
      json_of_watts(c->idle_w), "residual_w", c->residual_w, "bend_w", c->bend_w,
      "drift_w", c->drift_w, "bent", c->bent, "other_cores", c->other_cores, "seconds",
      c->seconds, "format", 1.0, "looks", (json_int_t)c->looks);
}

static bool number(const json_t *row, const char *key, double *out) {
  const json_t *value = json_object_get(row, key);
  *out = json_number_value(value);
  return json_is_number(value) && isfinite(*out);
}

static bool watts(const json_t *row, const char *key, enum fr_source source,
                  fr_measure *out) {
  const json_t *m = json_object_get(row, key);
  out->unit = FR_UNIT_WATT;
  out->source = source;
  return number(m, "value", &out->value) && number(m, "low", &out->low) &&
         number(m, "high", &out->high);
}

/* A text that does not fit is cut, and then no processor's name. */
static bool text(const json_t *row, const char *key, char *out, size_t size) {
  const char *value = json_string_value(json_object_get(row, key));
  snprintf(out, size, "%s", value != NULL ? value : "");
  return value != NULL && strlen(value) < size;
}

static bool parse(const json_t *row, fr_calibration *out) {
  fr_calibration c = {0};
  double utc_s, cores;
  char source[32];
  if (!text(row, "cpu", c.cpu, sizeof c.cpu) ||
      !text(row, "sensor", c.sensor, sizeof c.sensor) ||
      !text(row, "of", c.of, sizeof c.of) ||
      !text(row, "source", source, sizeof source) ||
      !fr_source_parse(source, &c.source) || !number(row, "cores", &cores) ||
      !number(row, "utc_s", &utc_s) || !watts(row, "core_w", c.source, &c.core_w) ||
      !watts(row, "idle_w", c.source, &c.idle_w))
    return false;
  c.cores = (size_t)fmin(fmax(cores, 0), 1e6);
  c.utc_ns = (int64_t)(fmin(fmax(utc_s, 0), 9e9) * 1e9);
  *out = c;
  return true;
}

/* ---- taking it up ---- */

static bool take(const char *path, fr_cpu_power *cpu, fr_error *err) {
  char host[128];
  fr_calibration c;
  host_name(host);
  json_t *rows = read_rows(path, err);
  const json_t *row = json_object_get(rows, host);
  bool taken = false;
  if (row != NULL && !parse(row, &c))
    (void)fr__fail(err, FR_ERR_FORMAT, "'%s' is not what frugal wrote", path);
  else if (row != NULL)
    taken = fr_cpu_power_calibrate(&c, cpu, err) == FR_OK;
  json_decref(rows);
  return taken;
}

bool cli_calibrated(const char *root, fr_cpu_power *cpu, fr_error *err) {
  err->text[0] = '\0';
  char *path = root == NULL ? path_of_file() : NULL;
  const bool taken = path != NULL && take(path, cpu, err);
  free(path);
  return taken;
}

static bool uses_model(fr_meter *meter) {
  fr_meter_report report;
  if (fr_meter_read(meter, &report, NULL) != FR_OK)
    return false;
  const bool model = strcmp(report.sensor, "model") == 0;
  fr_meter_report_release(&report);
  return model;
}

enum fr_status cli_meter_new(const fr_meter_options *options, fr_cpu_power *cpu,
                             cli_result *result, fr_meter **out, fr_error *err) {
  fr_meter_options with = *options;
  fr_cpu_power own;
  fr_error why = {0};
  const bool known = fr_cpu_power_find(options->root, &own, NULL) == FR_OK;
  const bool calibrated = known && cli_calibrated(options->root, &own, &why);
  if (calibrated)
    with.cpu = &own;
  const enum fr_status status = fr_meter_new(&with, out, err);
  if (status != FR_OK || !uses_model(*out))
    return status;
  if (calibrated && cpu != NULL)
    *cpu = own;
  if (!calibrated && why.text[0] != '\0')
    cli_warn(result, "%s; it is not used (frugal meter --calibrate renews it)", why.text);
  return status;
}

/* ---- keeping it ---- */

static enum fr_status write_rows(const json_t *rows, const char *path, fr_error *err) {
  char *written = json_dumps(rows, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
  char *folder = fr__path_user("XDG_DATA_HOME", ".local/share");
  enum fr_status status = written != NULL && folder != NULL
                              ? fr__dir_make(folder, err)
                              : fr__fail_memory(err, "the calibration");
  if (status == FR_OK)
    status = fr__file_write(path, written, strlen(written), err);
  free(folder);
  free(written);
  return status;
}

/* A file that is none of ours is written anew: it could not be used either way. */
enum fr_status cli_calibration_keep(const fr_calibration *calibration, fr_error *err) {
  char host[128];
  char *path = path_of_file();
  if (path == NULL)
    return fr__fail(err, FR_ERR_NOT_FOUND, "there is no home folder to keep it in");
  json_t *rows = read_rows(path, NULL);
  host_name(host);
  if (rows == NULL ||
      (json_object_size(rows) >= ROWS && json_object_get(rows, host) == NULL)) {
    json_decref(rows);
    rows = json_object();
  }
  json_object_set_new(rows, host, row_of(calibration));
  const enum fr_status status = write_rows(rows, path, err);
  json_decref(rows);
  free(path);
  return status;
}

enum fr_status cli_calibration_forget(bool *found, fr_error *err) {
  char host[128];
  char *path = path_of_file();
  enum fr_status status = FR_OK;
  *found = false;
  if (path == NULL)
    return FR_OK;
  json_t *rows = read_rows(path, err);
  host_name(host);
  *found = rows == NULL || json_object_get(rows, host) != NULL;
  if (rows == NULL) /* what is none of ours cannot be used: it goes, too */
    rows = json_object();
  if (*found) {
    json_object_del(rows, host);
    status = write_rows(rows, path, err);
  }
  json_decref(rows);
  free(path);
  return status;
}
