/* SPDX-License-Identifier: Apache-2.0 */
/* Durations in a histogram that never grows: 32 steps to each doubling, so that a
 * quantile is within 1.6 % of the true one. */
#ifndef FR_CLI_SPREAD_H
#define FR_CLI_SPREAD_H

#include <stddef.h>
#include <stdint.h>

#define CLI_SPREAD_STEPS 32
#define CLI_SPREAD_ROOM (CLI_SPREAD_STEPS * 60)

typedef struct cli_spread {
  uint64_t count, sum_ns;
  uint64_t step[CLI_SPREAD_ROOM];
} cli_spread;

void cli_spread_add(cli_spread *spread, uint64_t ns);
/* That share of the durations are at most so long; NaN where there are none. */
double cli_spread_quantile_us(const cli_spread *spread, double share);

#endif
