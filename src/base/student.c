/* SPDX-License-Identifier: Apache-2.0 */
#include "base/student.h"

#include <math.h>

/*
 * The continued fraction of the incomplete beta function (Abramowitz and Stegun 1964,
 * 26.5.8), evaluated by Lentz's method as modified by Thompson and Barnett (1986).
 */
static double beta_fraction(double a, double b, double x) {
  const double tiny = 1e-300;
  double c = 1.0, d = 1.0 - (a + b) * x / (a + 1.0);
  d = 1.0 / (fabs(d) < tiny ? tiny : d);
  double value = d;
  for (int m = 1; m < 1000; m++) {
    const double k = (double)m;
    const double even = k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k));
    const double odd = -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1));
    double change = 1.0;
    for (int half = 0; half < 2; half++) {
      const double term = half == 0 ? even : odd;
      d = 1.0 + term * d;
      c = 1.0 + term / c;
      d = 1.0 / (fabs(d) < tiny ? tiny : d);
      c = fabs(c) < tiny ? tiny : c;
      change = c * d;
      value *= change;
    }
    if (fabs(change - 1.0) < 1e-15)
      break;
  }
  return value;
}

/* I_x(a, b), the regularized incomplete beta function. */
static double beta_share(double a, double b, double x) {
  if (x <= 0.0 || x >= 1.0)
    return x <= 0.0 ? 0.0 : 1.0;
  const double front =
      exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
  if (x < (a + 1.0) / (a + b + 2.0)) /* where the fraction converges quickly */
    return front * beta_fraction(a, b, x) / a;
  return 1.0 - front * beta_fraction(b, a, 1.0 - x) / b;
}

/* P(T <= t) for t >= 0 (Abramowitz and Stegun 1964, 26.7.1). */
static double t_below(double t, double freedom) {
  return 1.0 - 0.5 * beta_share(freedom / 2.0, 0.5, freedom / (freedom + t * t));
}

double fr__t_quantile(double p, double freedom) {
  if (!(p > 0.0 && p < 1.0) || !(freedom > 0.0))
    return NAN;
  if (p < 0.5)
    return -fr__t_quantile(1.0 - p, freedom);
  double low = 0.0, high = 1.0;
  while (t_below(high, freedom) < p && high < 1e12)
    high *= 2.0;
  for (int i = 0; i < 200 && high - low > 1e-13 * high; i++) {
    const double middle = 0.5 * (low + high);
    if (t_below(middle, freedom) < p)
      low = middle;
    else
      high = middle;
  }
  return 0.5 * (low + high);
}

double fr__t_tails(double t, double freedom) {
  if (isnan(t) || !(freedom > 0.0))
    return NAN;
  return isinf(t) ? 0.0 : beta_share(freedom / 2.0, 0.5, freedom / (freedom + t * t));
}
