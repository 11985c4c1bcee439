/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/spread.h"

#include <math.h>

/* Below 64 ns a step is a nanosecond, from there on a 32nd of a doubling. */
static size_t step_of(uint64_t ns) {
  unsigned doublings = 0;
  while (ns >> doublings >= 2 * CLI_SPREAD_STEPS)
    doublings++;
  return (size_t)doublings * CLI_SPREAD_STEPS + (size_t)(ns >> doublings);
}

/* The middle of a step. */
static double ns_of(size_t step) {
  if (step < 2 * CLI_SPREAD_STEPS)
    return (double)step;
  const size_t doublings = step / CLI_SPREAD_STEPS - 1;
  const double low = (double)(step % CLI_SPREAD_STEPS + CLI_SPREAD_STEPS);
  return ldexp(low + 0.5, (int)doublings);
}

void cli_spread_add(cli_spread *spread, uint64_t ns) {
  spread->step[step_of(ns)]++;
  spread->count++;
  spread->sum_ns += ns;
}

double cli_spread_quantile_us(const cli_spread *spread, double share) {
  const double wanted = ceil(share * (double)spread->count);
  uint64_t seen = 0;
  for (size_t i = 0; i < CLI_SPREAD_ROOM; i++) {
    seen += spread->step[i];
    if (seen > 0 && (double)seen >= wanted)
      return ns_of(i) * 1e-3;
  }
  return NAN;
}
