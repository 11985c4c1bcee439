/* SPDX-License-Identifier: Apache-2.0 */
/* A recording of this machine: what its sensors read, at the start and as it changes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "meter/nvml.h"
#include "meter/sensor.h"

#define SECONDS_MOST 86400.0
#define STEP_NS 10000000                /* rows come at most so often */
#define FILE_CEILING ((size_t)16 << 20) /* bytes of a file that is copied */
#define TEXT 256                        /* of a value that changes */

/* A channel that is watched, and what it said last. */
typedef struct watched {
  fr__touch touch; /* its path is the world's */
  char text[TEXT];
} watched;

typedef struct recorder {
  fr__world *world;
  fr__sensor sensor[FR__SENSORS];
  size_t sensors;
  fr__host host;
  watched *watch; /* owned */
  size_t count;
  char gpu[FR__NVML_GPUS][TEXT]; /* what each said last: the world does not see them */
  const char *folder;
  FILE *timeline;
} recorder;

/* ---- what is read ---- */

static void open_sensors(recorder *r) {
  const fr__load load = fr__host_now(r->world);
  for (size_t i = 0; i < FR__SENSORS; i++) {
    fr__sensor *sensor = &r->sensor[r->sensors];
    if (fr__sensor_table[i]->on_request ||
        fr__sensor_open(fr__sensor_table[i], NULL, r->world, sensor, NULL) != FR_OK)
      continue;
    r->sensors++;
    for (size_t d = 0; d < sensor->count; d++) {
      uint64_t raw; /* registers are known once they are read */
      if (sensor->domain[d].state == FR_SENSOR_WORKING)
        (void)sensor->ops->read(sensor, &sensor->domain[d], &load, &raw);
    }
  }
  (void)fr__host_init(&r->host, r->world, false, NULL);
}

/* Of the paths with an open channel: the value now, or the error. */
static void read_now(const watched *w, char text[TEXT]) {
  uint64_t number;
  const fr__touch *t = &w->touch;
  const int failed = t->raw ? fr__channel_raw(t->channel, t->offset, &number)
                            : fr__channel_text(t->channel, text, TEXT);
  if (failed != 0)
    snprintf(text, TEXT, "!%d", failed);
  else if (t->raw)
    snprintf(text, TEXT, "%llu", (unsigned long long)number);
  text[strcspn(text, "\r\n")] = '\0';
}

/* ---- what is written ---- */

static bool is_file(const char *path) { return path[0] == '/'; }

static void write_row(recorder *r, uint64_t t_ns, const char *path, const char *text) {
  const bool plain = strpbrk(text, "\",") == NULL;
  fprintf(r->timeline, "%llu,%s,", (unsigned long long)t_ns, path);
  if (!plain)
    fputc('"', r->timeline);
  for (; *text != '\0'; text++) {
    if (*text == '"')
      fputc('"', r->timeline);
    fputc(*text, r->timeline);
  }
  fputs(plain ? "\n" : "\"\n", r->timeline);
}

static enum fr_status write_file(const char *folder, const char *path, const char *text,
                                 size_t size, fr_error *err) {
  char *name = fr__path_join(folder, path + 1);
  char *directory = name != NULL ? strdup(name) : NULL;
  if (directory == NULL) {
    free(name);
    return fr__fail_memory(err, "a recording");
  }
  *strrchr(directory, '/') = '\0';
  enum fr_status status = fr__dir_make(directory, err);
  if (status == FR_OK)
    status = fr__file_write(name, text, size, err);
  free(directory);
  free(name);
  return status;
}

/* A file as it is now; what this user may not read is a row that says so. */
static enum fr_status copy_file(recorder *r, const char *path, fr_error *err) {
  char first[TEXT], number[16];
  const int failed = fr__world_text(r->world, path, first, sizeof first);
  snprintf(number, sizeof number, "!%d", failed);
  if (failed == ENOENT)
    return FR_OK;
  char *name = NULL, *text = NULL;
  if (failed == 0 && asprintf(&name, "%s%s", fr__world_root(r->world), path) < 0)
    return fr__fail_memory(err, "a recording");
  size_t size = 0;
  enum fr_status status = FR_OK;
  if (failed != 0)
    write_row(r, 0, path, number);
  else if (fr__file_read(name, FILE_CEILING, &text, &size, NULL) == FR_OK)
    status = write_file(r->folder, path, text, size, err);
  free(text);
  free(name);
  return status;
}

/* A copy, since copying opens files, and is taken down as well. */
static enum fr_status take_over_touches(recorder *r, fr_error *err) {
  const fr__touch *touch = NULL;
  r->count = fr__world_touches(r->world, &touch);
  r->watch = calloc(r->count + 1, sizeof *r->watch);
  if (r->watch == NULL)
    return fr__fail_memory(err, "a recording");
  for (size_t i = 0; i < r->count; i++)
    r->watch[i].touch = touch[i];
  return FR_OK;
}

static enum fr_status write_start(recorder *r, fr_error *err) {
  static const char *const always[] = {"/proc/cpuinfo", "/proc/stat",
                                       "/proc/device-tree/model",
                                       "/proc/sys/kernel/perf_event_paranoid"};
  enum fr_status status = take_over_touches(r, err);
  for (size_t i = 0; i < sizeof always / sizeof always[0] && status == FR_OK; i++)
    status = copy_file(r, always[i], err);
  for (size_t i = 0; i < r->count && status == FR_OK; i++) {
    watched *w = &r->watch[i];
    if (w->touch.channel != NULL)
      read_now(w, w->text);
    if (is_file(w->touch.path) && !w->touch.raw &&
        strncmp(w->touch.path, "/dev/", 5) != 0)
      status = copy_file(r, w->touch.path, err);
    else if (w->touch.channel != NULL && w->touch.raw)
      write_row(r, 0, w->touch.path, w->text);
  }
  return status;
}

/* ---- watching ---- */

static void write_changes(recorder *r, uint64_t t_ns, bool all) {
  for (size_t i = 0; i < r->count; i++) {
    watched *w = &r->watch[i];
    char text[TEXT];
    if (w->touch.channel == NULL ||
        (!w->touch.raw && strncmp(w->touch.path, "/dev/", 5) == 0))
      continue;
    read_now(w, text);
    if (!all && strcmp(text, w->text) == 0)
      continue;
    memcpy(w->text, text, sizeof text);
    write_row(r, t_ns, w->touch.path, text);
  }
}

static void write_gpu(recorder *r, const fr__sensor *sensor, const fr__domain *domain,
                      uint64_t t_ns, bool all) {
  char path[FR__NVML_NAME], text[TEXT];
  uint64_t number = 0;
  const int failed = fr__nvml_tell(sensor, domain, path, &number);
  if (failed != 0)
    snprintf(text, sizeof text, "!%d", failed);
  else
    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
  if (!all && strcmp(text, r->gpu[domain->place]) == 0)
    return;
  memcpy(r->gpu[domain->place], text, sizeof text);
  write_row(r, t_ns, path, text);
}

static void write_gpus(recorder *r, uint64_t t_ns, bool all) {
  for (size_t i = 0; i < r->sensors; i++) {
    const fr__sensor *sensor = &r->sensor[i];
    for (size_t d = 0; sensor->ops == &fr__sensor_nvml && d < sensor->count; d++) {
      if (sensor->domain[d].state == FR_SENSOR_WORKING)
        write_gpu(r, sensor, &sensor->domain[d], t_ns, all);
    }
  }
}

static enum fr_status watch(recorder *r, double seconds, fr_error *err) {
  const uint64_t start_ns = fr__world_ns(r->world);
  const uint64_t end_ns = (uint64_t)(seconds * 1e9);
  const struct timespec step = {.tv_nsec = STEP_NS};
  uint64_t t_ns = 0;
  write_gpus(r, 0, true);
  while (t_ns < end_ns) {
    nanosleep(&step, NULL);
    t_ns = fr__world_ns(r->world) - start_ns;
    write_changes(r, t_ns, t_ns >= end_ns);
    write_gpus(r, t_ns, t_ns >= end_ns);
  }
  write_row(r, t_ns, "end", "1"); /* the run ends here, whatever could be read */
  if (ferror(r->timeline) || fflush(r->timeline) != 0)
    return fr__fail_errno(err, errno, "'%s/timeline.csv' cannot be written", r->folder);
  return FR_OK;
}

static enum fr_status open_timeline(recorder *r, fr_error *err) {
  enum fr_status status = fr__dir_make(r->folder, err);
  char *name = fr__path_join(r->folder, "timeline.csv");
  if (status == FR_OK && name == NULL)
    status = fr__fail_memory(err, "a recording");
  if (status == FR_OK && (r->timeline = fopen(name, "wxe")) == NULL)
    status = fr__fail_errno(err, errno, "'%s' cannot be made", name);
  free(name);
  if (status == FR_OK)
    fputs("t_ns,path,value\n", r->timeline);
  return status;
}

enum fr_status fr_doctor_record(const char *root, const char *folder, double seconds,
                                fr_error *err) {
  if (!(seconds > 0 && seconds <= SECONDS_MOST))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "a recording of %g s is not between 0 and 86400 s", seconds);
  recorder *r = calloc(1, sizeof *r);
  if (r == NULL)
    return fr__fail_memory(err, "a recording");
  r->folder = folder;
  enum fr_status status = fr__world_new(root, &r->world, err);
  if (status == FR_OK)
    status = open_timeline(r, err);
  if (status == FR_OK) {
    fr__world_note(r->world);
    open_sensors(r);
    status = write_start(r, err);
  }
  if (status == FR_OK)
    status = watch(r, seconds, err);
  if (r->timeline != NULL && fclose(r->timeline) != 0 && status == FR_OK)
    status = fr__fail_errno(err, errno, "'%s/timeline.csv' cannot be written", folder);
  for (size_t i = 0; i < r->sensors; i++)
    fr__sensor_close(&r->sensor[i]);
  fr__host_release(&r->host);
  fr__world_free(r->world);
  free(r->watch);
  free(r);
  return status;
}
