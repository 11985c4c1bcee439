/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the meter's time goes, by parts, at 10 Hz, 100 Hz and 1 kHz. A thread sleeps as
 * the meter's does and reads its own CPU clock between the parts; what is left of each
 * round is the wake-up, which a thread that does nothing at all pays too ("bare").
 * Rounds of all settings are taken in turn; medians of them.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "frugal/meter.h"
#include "frugal/power.h"
#include "frugal/processes.h"
#include "frugal/store.h"
#include "meter/phase.h"
#include "meter/sampler.h"

enum { ROUNDS = 7, RATES = 3, FLUSH = 2, ROOM = 4096 };
enum part { BARE, LOAD, SENSOR, BOOKS, SPIKES, PROCESSES, STORE, WAKE, METER, PARTS };

static const char *const part_name[PARTS] = {
    [BARE] = "bare wake-up: nothing else is done",
    [WAKE] = "wake-up of a thread that does all this",
    [LOAD] = "load: clocks, /proc/stat",
    [SENSOR] = "sensor",
    [BOOKS] = "ledger, phases",
    [SPIKES] = "spikes",
    [PROCESSES] = "processes, up to 50 times a second",
    [STORE] = "store, twice a second",
    [METER] = "fr_meter alone: wake-up, load, sensor, books"};

typedef struct pace {
  int rate_hz;
  double round_s;
} pace;

static const pace paces[RATES] = {{10, 4}, {100, 2}, {1000, 1}};

typedef struct bench {
  pthread_mutex_t lock;
  pthread_cond_t wake;
  fr__sampler sampler;
  fr__phases phases;
  fr_spikes *spikes;
  fr_processes *processes;
  fr_store *store;
  int64_t run;
  fr_store_sample kept[ROOM];
  size_t count;
  double start_s, processes_s; /* since the first round began */
  double clock_s;              /* what it costs to read the CPU clock */
  double spent_s[PARTS];       /* in this round */
  double total_s;              /* of this round, by the thread's clock */
  const pace *pace;
  bool bare;
} bench;

static double seconds_of(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- one sample ---- */

static void lap(bench *b, enum part part, double *from_s) {
  const double now_s = seconds_of(CLOCK_THREAD_CPUTIME_ID);
  b->spent_s[part] += now_s - *from_s - b->clock_s;
  *from_s = now_s;
}

static void store(bench *b) {
  (void)fr_store_samples(b->store, b->run, b->kept, b->count, NULL);
  b->count = 0;
}

static void sample(bench *b, int number) {
  fr__sampler *s = &b->sampler;
  fr__load load;
  fr__reading reading;
  double at_s = seconds_of(CLOCK_THREAD_CPUTIME_ID);
  fr__host_read(&s->host, &load);
  lap(b, LOAD, &at_s);
  fr__sensor_read(&s->sensor, &load, &reading);
  lap(b, SENSOR, &at_s);
  const fr__step step = fr__ledger_add(&s->ledger, &s->sensor, &load, &reading);
  fr__phases_share(&b->phases, &step);
  const fr_power_sample told = fr__sampler_hand_on(s);
  lap(b, BOOKS, &at_s);
  const double t_s = seconds_of(CLOCK_MONOTONIC) - b->start_s;
  fr_spikes_add(b->spikes, t_s, told.power_w);
  lap(b, SPIKES, &at_s);
  if (t_s - b->processes_s >= 0.95 / 50) {
    b->processes_s = t_s;
    (void)fr_processes_sample(b->processes, t_s, 5 * t_s, NULL);
  }
  lap(b, PROCESSES, &at_s);
  if (b->count < ROOM)
    b->kept[b->count++] = (fr_store_sample){.t_ns = told.t_ns, .power_w = told.power_w};
  if (number % (b->pace->rate_hz / FLUSH) == 0)
    store(b);
  lap(b, STORE, &at_s);
  b->spent_s[WAKE] -= b->clock_s;
}

/* ---- one round ---- */

static void sleep_until(bench *b, uint64_t t_ns) {
  const struct timespec t = {(time_t)(t_ns / 1000000000u), (long)(t_ns % 1000000000u)};
  while (pthread_cond_timedwait(&b->wake, &b->lock, &t) == 0)
    continue;
}

static void *round_of(void *argument) {
  bench *b = argument;
  const int samples = (int)(b->pace->round_s * b->pace->rate_hz);
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  uint64_t t_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
  pthread_mutex_lock(&b->lock);
  const double start_s = seconds_of(CLOCK_THREAD_CPUTIME_ID);
  for (int i = 1; i <= samples; i++) {
    t_ns += 1000000000u / (uint64_t)b->pace->rate_hz;
    sleep_until(b, t_ns);
    if (!b->bare)
      sample(b, i);
  }
  b->total_s = seconds_of(CLOCK_THREAD_CPUTIME_ID) - start_s;
  pthread_mutex_unlock(&b->lock);
  return NULL;
}

static void run_round(bench *b, const pace *at, bool bare) {
  pthread_t thread;
  memset(b->spent_s, 0, sizeof b->spent_s);
  b->pace = at;
  b->bare = bare;
  b->count = 0;
  b->sampler.interval_s = 1.0 / at->rate_hz;
  fr_error err;
  if (fr__sampler_start(&b->sampler, &err) == FR_OK &&
      pthread_create(&thread, NULL, round_of, b) == 0)
    pthread_join(thread, NULL);
}

/* As a program has it: by the process's clock, since the thread is the meter's own. */
static double meter_s(const pace *at) {
  fr_meter_options options = fr_meter_default_options();
  options.interval_s = 1.0 / at->rate_hz;
  fr_meter *meter;
  fr_error err;
  if (fr_meter_new(&options, &meter, &err) != FR_OK ||
      fr_meter_start(meter, &err) != FR_OK) {
    fprintf(stderr, "%s\n", err.text);
    return 0;
  }
  const double start_s = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  const struct timespec wait = {.tv_sec = (time_t)at->round_s};
  nanosleep(&wait, NULL);
  const double spent_s = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - start_s;
  fr_meter_free(meter);
  return spent_s;
}

/* ---- all rounds ---- */

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double cost[RATES][PARTS][ROUNDS]; /* seconds a sample */

static void take_rounds(bench *b, int round) {
  for (int r = 0; r < RATES; r++) {
    const double samples = paces[r].round_s * paces[r].rate_hz;
    run_round(b, &paces[r], true);
    cost[r][BARE][round] = b->total_s / samples;
    run_round(b, &paces[r], false);
    double parts_s = 0;
    for (int p = LOAD; p <= STORE; p++) {
      cost[r][p][round] = b->spent_s[p] / samples;
      parts_s += b->spent_s[p];
    }
    cost[r][WAKE][round] =
        (b->total_s - parts_s) / samples - (STORE - LOAD + 2) * b->clock_s;
    cost[r][METER][round] = meter_s(&paces[r]) / samples;
  }
}

static void print(void) {
  printf("%-46s", "us a sample (% of a core)");
  for (int r = 0; r < RATES; r++)
    printf("%9d Hz      ", paces[r].rate_hz);
  printf("\n");
  for (int p = 0; p < PARTS; p++) {
    printf("%-46s", part_name[p]);
    for (int r = 0; r < RATES; r++) {
      qsort(cost[r][p], ROUNDS, sizeof cost[r][p][0], ascending);
      const double s = cost[r][p][ROUNDS / 2];
      printf("%7.1f (%6.3f) ", s * 1e6, s * paces[r].rate_hz * 100);
    }
    printf("\n");
  }
}

static double clock_cost_s(void) {
  const double start_s = seconds_of(CLOCK_THREAD_CPUTIME_ID);
  double end_s = start_s;
  for (int i = 0; i < 1000; i++)
    end_s = seconds_of(CLOCK_THREAD_CPUTIME_ID);
  return (end_s - start_s) / 1000;
}

static enum fr_status open_all(bench *b, const char *path, fr_error *err) {
  const fr_meter_options options = fr_meter_default_options();
  const fr_spike_options spikes = {.source = FR_SOURCE_MODEL};
  const fr_run run = {.command = (char *)(uintptr_t) "bench",
                      .name = (char *)(uintptr_t) "sampling",
                      .argv = (char *)(uintptr_t) "[]",
                      .version = (char *)(uintptr_t)FR_VERSION};
  fr__world *world = NULL;
  enum fr_status status = fr__world_new(NULL, &world, err);
  if (status == FR_OK)
    status = fr__sampler_init(&b->sampler, &options, world, err);
  if (status == FR_OK)
    status = fr__sampler_start(&b->sampler, err);
  if (status == FR_OK)
    status = fr_spikes_new(&spikes, &b->spikes, err);
  if (status == FR_OK)
    status = fr_processes_new(NULL, getpid(), &b->processes, err);
  if (status == FR_OK)
    status = fr_store_open(path, &b->store, err);
  if (status == FR_OK)
    status = fr_store_run_begin(b->store, &run, &b->run, err);
  return status;
}

int main(void) {
  static bench b = {.lock = PTHREAD_MUTEX_INITIALIZER};
  char folder[] = "/tmp/bench-sampling-XXXXXX", path[64];
  pthread_condattr_t monotonic;
  fr_error err;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&b.wake, &monotonic);
  fr__phases_init(&b.phases);
  if (mkdtemp(folder) == NULL)
    return 1;
  snprintf(path, sizeof path, "%s/store", folder);
  if (open_all(&b, path, &err) != FR_OK) {
    fprintf(stderr, "%s\n", err.text);
    return 1;
  }
  b.start_s = seconds_of(CLOCK_MONOTONIC);
  b.clock_s = clock_cost_s();
  for (int round = 0; round < ROUNDS; round++)
    take_rounds(&b, round);
  print();
  double load[1] = {0};
  if (getloadavg(load, 1) == 1)
    printf("medians of %d rounds, load average %.1f\n", ROUNDS, load[0]);
  fr_processes_free(b.processes);
  fr_spikes_free(b.spikes);
  fr_store_close(b.store);
  fr__sampler_release(&b.sampler);
  fr__phases_release(&b.phases);
  (void)unlink(path);
  return rmdir(folder) == 0 ? 0 : 1;
}
