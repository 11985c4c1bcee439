/* SPDX-License-Identifier: Apache-2.0 */
/* What a phase costs (aim: below 400 ns for each begin and each end), and what sampling
 * costs (aim: 0.02 % of a core at 10 Hz, 0.2 % at 100 Hz, 2 % at 1 kHz). */
#include <stdio.h>
#include <time.h>

#include "frugal/meter.h"

static double seconds_of(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* So that phases are longer than the time within which the CPU clock is not read again.
 */
static void work(int rounds) {
  volatile double x = 1;
  for (int i = 0; i < rounds; i++)
    x = x * 1.0000001;
}

static double loop_s(fr_meter *meter, int times, int rounds) {
  const double start_s = seconds_of(CLOCK_THREAD_CPUTIME_ID);
  for (int i = 0; i < times; i++) {
    if (meter != NULL)
      fr_phase_begin(meter, "phase");
    work(rounds);
    if (meter != NULL)
      fr_phase_end(meter);
  }
  return seconds_of(CLOCK_THREAD_CPUTIME_ID) - start_s;
}

/* The least of many batches, bare and metered in turn: other programs only ever add. */
static void time_phase(fr_meter *meter, int times, int rounds) {
  double bare_s = 1e9, metered_s = 1e9;
  for (int batch = 0; batch < 40; batch++) {
    const double bare = loop_s(NULL, times, rounds);
    const double metered = loop_s(meter, times, rounds);
    bare_s = bare < bare_s ? bare : bare_s;
    metered_s = metered < metered_s ? metered : metered_s;
  }
  printf("phase of %8.2f us: %4.0f ns for each begin and each end\n",
         bare_s / times * 1e6, (metered_s - bare_s) / times / 2 * 1e9);
}

static void time_phases(fr_meter *meter) {
  time_phase(meter, 20000, 0);
  time_phase(meter, 2000, 1000);
  time_phase(meter, 100, 20000);
}

static int time_sampling(double interval_s) {
  fr_meter_options options = fr_meter_default_options();
  options.interval_s = interval_s;
  fr_meter *meter;
  fr_error err;
  if (fr_meter_new(&options, &meter, &err) != FR_OK ||
      fr_meter_start(meter, &err) != FR_OK) {
    fprintf(stderr, "%s\n", err.text);
    return 1;
  }
  const double start_s = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  const struct timespec two = {.tv_sec = 2};
  nanosleep(&two, NULL);
  const double spent_s = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - start_s;
  printf("sampling at %5.0f Hz: %.3f %% of a core\n", 1 / interval_s, spent_s / 2 * 100);
  if (interval_s > 0.05)
    time_phases(meter);
  fr_meter_free(meter);
  return 0;
}

int main(void) { return time_sampling(0.1) + time_sampling(0.01) + time_sampling(0.001); }
