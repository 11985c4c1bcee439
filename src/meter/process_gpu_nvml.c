/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GPU seconds of processes from NVIDIA's library: of each process the driver keeps
 * samples of how busy it kept the card ("SM utilisation", percent) since its sample
 * before. Where a card does not tell (divided by MIG, older than Maxwell), those who have
 * it open share evenly.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "meter/nvml.h"
#include "meter/process_gpu.h"

#define SAMPLES 1024
#define LAG_S 1.0 /* the driver samples at least this often */

enum { NOT_SUPPORTED = 3, NO_PERMISSION = 4, NOT_FOUND = 6 }; /* nvmlReturn_t */

typedef struct card {
  char name[FR__CARD];
  fr__nvml_device device; /* NULL: it could not be opened */
  bool by_list;           /* utilisation is not told */
  uint64_t last_us;       /* of the newest sample so far; 0: none */
  bool idle_known;
  double idle_w;
} card;

struct fr__gpu_nvml {
  fr__nvml nvml;
  double looked_s;
  size_t count;
  card card[FR__NVML_GPUS];
  fr__nvml_sample sample[SAMPLES];
  fr__nvml_process process[SAMPLES];
};

/* ---- opening ---- */

/* The first pid namespace has this number for ever (PROC_PID_INIT_INO). A library that
 * the user names stands for itself. */
static bool pids_are_ours(void) {
  char text[64];
  if (secure_getenv("FRUGAL_NVML") != NULL)
    return true;
  const ssize_t got = readlink("/proc/self/ns/pid", text, sizeof text - 1);
  text[got > 0 ? got : 0] = '\0';
  return strcmp(text, "pid:[4026531836]") == 0;
}

static int samples_of(fr__gpu_nvml *n, const card *c, unsigned *count) {
  *count = SAMPLES;
  if (n->nvml.process_use == NULL)
    return NOT_SUPPORTED;
  const int code = n->nvml.process_use(c->device, n->sample, count, c->last_us);
  if (code != 0)
    *count = 0;
  *count = *count < SAMPLES ? *count : SAMPLES;
  return code;
}

/* More than there is room for is a failure of the call. */
static bool list_of(fr__gpu_nvml *n, const card *c, unsigned *count) {
  *count = SAMPLES;
  if (n->nvml.processes == NULL || n->nvml.processes(c->device, count, n->process) != 0)
    *count = 0;
  else if (*count <= SAMPLES)
    return true;
  *count = 0;
  return false;
}

/* What was used before is not ours to tell; a card that nobody used is at rest. */
static void start_card(fr__gpu_nvml *n, card *c) {
  unsigned count, listed, mw = 0;
  const int code = samples_of(n, c, &count);
  c->by_list = code == NOT_SUPPORTED || code == NO_PERMISSION;
  for (unsigned i = 0; i < count; i++)
    if (n->sample[i].time_us > c->last_us)
      c->last_us = n->sample[i].time_us;
  const bool list_known = list_of(n, c, &listed);
  const bool unused = code == NOT_FOUND || (c->by_list && list_known);
  if (unused && listed == 0 && n->nvml.power(c->device, &mw) == 0 &&
      mw <= FR__NVML_MOST_MW) {
    c->idle_known = true;
    c->idle_w = mw * 1e-3;
  }
}

fr__gpu_nvml *fr__gpu_nvml_new(void) {
  char reason[256];
  unsigned count = 0;
  fr__nvml nvml;
  if (!pids_are_ours() || !fr__nvml_open(&nvml, reason, sizeof reason))
    return NULL;
  fr__gpu_nvml *n = NULL;
  if (nvml.count(&count) == 0 && count > 0)
    n = calloc(1, sizeof *n);
  if (n == NULL) {
    fr__nvml_close(&nvml);
    return NULL;
  }
  n->nvml = nvml;
  n->count = count < FR__NVML_GPUS ? count : FR__NVML_GPUS;
  for (size_t i = 0; i < n->count; i++) {
    card *c = &n->card[i];
    snprintf(c->name, sizeof c->name, "nvml:%zu", i);
    if (nvml.by_index((unsigned)i, &c->device) != 0)
      c->device = NULL;
    else
      start_card(n, c);
  }
  return n;
}

void fr__gpu_nvml_free(fr__gpu_nvml *nvml) {
  if (nvml == NULL)
    return;
  fr__nvml_close(&nvml->nvml);
  free(nvml);
}

bool fr__gpu_nvml_idle(const fr__gpu_nvml *nvml, const char *name, double *idle_w) {
  for (size_t i = 0; nvml != NULL && i < nvml->count; i++) {
    const card *c = &nvml->card[i];
    if (c->idle_known && strcmp(c->name, name) == 0) {
      *idle_w = c->idle_w;
      return true;
    }
  }
  return false;
}

/* ---- a look ---- */

static int compare(const void *a, const void *b) {
  const fr__nvml_sample *x = a, *y = b;
  if (x->pid != y->pid)
    return x->pid < y->pid ? -1 : 1;
  return (x->time_us > y->time_us) - (x->time_us < y->time_us);
}

/* A sample stands for the time since the one before it of the same process, else since
 * the newest one of the last look, `look_s` ago; the driver may be late. */
static double span_of(const fr__nvml_sample *sample, size_t i, uint64_t last_us,
                      double look_s) {
  const bool same = i > 0 && sample[i - 1].pid == sample[i].pid;
  const uint64_t before_us = same ? sample[i - 1].time_us : last_us;
  if (before_us == 0)
    return look_s;
  if (sample[i].time_us <= before_us)
    return 0;
  return fmin((double)(sample[i].time_us - before_us) * 1e-6, look_s + LAG_S);
}

/* GPU seconds = sum of utilisation × time between samples. */
static void tell_samples(fr__gpu_nvml *n, card *c, unsigned count, double look_s,
                         fr__gpu_take *take, void *self) {
  uint64_t newest_us = c->last_us;
  qsort(n->sample, count, sizeof *n->sample, compare);
  for (size_t i = 0; i < count; i++) {
    const fr__nvml_sample *s = &n->sample[i];
    const double busy = fmin(s->sm_percent, 100) * 0.01;
    const double gpu_s = busy * span_of(n->sample, i, c->last_us, look_s);
    const fr__gpu_use use = {c->name, s->pid, gpu_s, gpu_s, false};
    if (s->pid > 0 && s->pid <= INT32_MAX && gpu_s > 0)
      take(self, &use);
    if (s->time_us > newest_us)
      newest_us = s->time_us;
  }
  c->last_us = newest_us;
}

static void tell_list(const fr__gpu_nvml *n, const card *c, unsigned count, double span_s,
                      fr__gpu_take *take, void *self) {
  for (size_t i = 0; i < count; i++) {
    const fr__gpu_use use = {c->name, n->process[i].pid, 0, span_s / count, true};
    if (use.pid > 0 && use.pid <= INT32_MAX)
      take(self, &use);
  }
}

static void look_at(fr__gpu_nvml *n, card *c, double span_s, fr__gpu_take *take,
                    void *self) {
  const fr__gpu_use answered = {.card = c->name};
  unsigned count = 0;
  int code = c->by_list ? NOT_SUPPORTED : samples_of(n, c, &count);
  if (code == NOT_SUPPORTED || code == NO_PERMISSION) {
    c->by_list = true;
    if (!list_of(n, c, &count))
      return;
    take(self, &answered);
    tell_list(n, c, count, span_s, take, self);
  } else if (code == 0 || code == NOT_FOUND) {
    take(self, &answered);
    tell_samples(n, c, count, span_s, take, self);
  } /* else it is lost, or busy: nothing is known of this time */
}

void fr__gpu_nvml_look(fr__gpu_nvml *nvml, double t_s, fr__gpu_take *take, void *self) {
  const double span_s = fmax(t_s - nvml->looked_s, 0);
  nvml->looked_s = t_s;
  for (size_t i = 0; i < nvml->count; i++)
    if (nvml->card[i].device != NULL)
      look_at(nvml, &nvml->card[i], span_s, take, self);
}
