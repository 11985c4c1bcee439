/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FR_BASE_CLOCK_H
#define FR_BASE_CLOCK_H

#include "frugal/base.h"

uint64_t fr__clock_ns(void);             /* monotonic */
uint64_t fr__clock_thread_cpu_ns(void);  /* CPU time of this thread */
uint64_t fr__clock_process_cpu_ns(void); /* CPU time of all threads of this process */
int64_t fr__clock_utc_ns(void); /* since 1970-01-01T00:00:00Z, without leap seconds */

#define FR__TIME_TEXT 32
/* "2026-05-04T03:02:01Z" */
void fr__time_format(int64_t utc_ns, char text[FR__TIME_TEXT]);

#endif
