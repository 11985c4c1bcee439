/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t read_clock(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t fr__clock_ns(void) { return read_clock(CLOCK_MONOTONIC); }
uint64_t fr__clock_thread_cpu_ns(void) { return read_clock(CLOCK_THREAD_CPUTIME_ID); }
uint64_t fr__clock_process_cpu_ns(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }
int64_t fr__clock_utc_ns(void) { return (int64_t)read_clock(CLOCK_REALTIME); }

void fr__time_format(int64_t utc_ns, char text[FR__TIME_TEXT]) {
  const int64_t second = 1000000000;
  const time_t t = (time_t)(utc_ns / second - (utc_ns % second < 0));
  struct tm utc;
  if (gmtime_r(&t, &utc) == NULL ||
      strftime(text, FR__TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
    snprintf(text, FR__TIME_TEXT, "?");
}
