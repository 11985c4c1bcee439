/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intensity over time as bars of text (UTF-8), with stretches of it marked beneath and
 * local times below: a few lines that fit any terminal.
 */
#ifndef FR_CLI_BARS_H
#define FR_CLI_BARS_H

#include "base/buf.h"
#include "frugal/intensity.h"

typedef struct cli_span {
  int64_t start_s, end_s;
} cli_span;

typedef struct cli_bars {
  const fr_series *series;
  int64_t from_s, to_s; /* what is shown of it */
  int64_t now_s;        /* a tick of its own; FR_TIME_EARLIEST: none */
  const cli_span *mark; /* stretches that a line beneath shows; NULL: no line */
  size_t marks;
  const char *name; /* of that line: "runs"; at most 6 columns are shown */
  size_t rows;      /* of the bars; 0: 6 */
} cli_bars;

/* Each line at most `columns` wide; nothing where `columns` is below 24 or nothing is
 * known. A column without any intensity is a dot. The axis begins at 0. */
void cli_bars_add(const cli_bars *bars, size_t columns, fr__buf *text);

#endif
