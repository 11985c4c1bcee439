/* SPDX-License-Identifier: Apache-2.0 */
/* A sum of many numbers that is right to its last bits: Neumaier, "Rundungsfehleranalyse
 * einiger Verfahren zur Summation endlicher Summen", ZAMM 54 (1974). */
#ifndef FR_CARBON_SUM_H
#define FR_CARBON_SUM_H

#include <math.h>

typedef struct fr__sum {
  double sum, lost; /* what rounding took away */
} fr__sum;

static inline void fr__sum_add(fr__sum *s, double x) {
  const double next = s->sum + x;
  s->lost += fabs(s->sum) >= fabs(x) ? (s->sum - next) + x : (x - next) + s->sum;
  s->sum = next;
}

static inline double fr__sum_value(const fr__sum *s) { return s->sum + s->lost; }

#endif
