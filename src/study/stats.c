/* SPDX-License-Identifier: Apache-2.0 */
/* Intervals of means and of paired ratios, verdicts. */
#include "study/study.h"

#include "base/student.h"

#include <math.h>

fr_interval fr_interval_mean(const double *x, size_t n) {
  if (n == 0)
    return (fr_interval){NAN, NAN, NAN, 0};
  double sum = 0.0, squares = 0.0;
  for (size_t i = 0; i < n; i++)
    sum += x[i];
  const double count = (double)n, mean = sum / count;
  if (n < 2)
    return (fr_interval){mean, mean, mean, n};
  for (size_t i = 0; i < n; i++)
    squares += (x[i] - mean) * (x[i] - mean);
  const double error = sqrt(squares / (count - 1.0) / count);
  const double half = fr__t_quantile(0.975, count - 1.0) * error;
  return (fr_interval){mean, mean - half, mean + half, n};
}

#define RATIO_CEILING 4096 /* pairs that are looked at */

fr_interval fr_interval_ratio(const double *a, const double *b, size_t n) {
  double logs[RATIO_CEILING];
  size_t count = 0;
  for (size_t i = 0; i < n && count < RATIO_CEILING; i++)
    if (a[i] > 0.0 && b[i] > 0.0 && isfinite(a[i]) && isfinite(b[i]))
      logs[count++] = log(a[i]) - log(b[i]);
  const fr_interval log_ratio = fr_interval_mean(logs, count);
  return (fr_interval){exp(log_ratio.mean), exp(log_ratio.low), exp(log_ratio.high),
                       count};
}

const char *fr_verdict_name(enum fr_verdict verdict) {
  switch (verdict) {
  case FR_HOLDS: return "holds";
  case FR_DOES_NOT_HOLD: return "does not hold";
  case FR_UNDECIDED: return "undecided";
  }
  return "undecided";
}

enum fr_verdict fr_verdict_of(fr_interval x, double low, double high) {
  if (x.n < 2 || !isfinite(x.low) || !isfinite(x.high))
    return FR_UNDECIDED;
  if (x.low >= low && x.high <= high)
    return FR_HOLDS;
  return x.high < low || x.low > high ? FR_DOES_NOT_HOLD : FR_UNDECIDED;
}
