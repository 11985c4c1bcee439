/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HWiNFO's sensor log as samples: a CSV file with the columns Date and Time and one for
 * each sensor ("CPU Package Power [W]"), a repeated header and a line of devices at its
 * end. Separated by commas or semicolons, decimal points or commas, UTF-8 or Latin-1.
 */
#ifndef FR_METER_HWINFO_H
#define FR_METER_HWINFO_H

#include "frugal/meter.h"

#define FR__HWINFO_COLUMNS 64                /* of power, ceiling */
#define FR__HWINFO_SAMPLES ((size_t)4 << 20) /* ceiling */
#define FR__HWINFO_BYTES ((size_t)1 << 30)   /* ceiling of a file */

typedef struct fr__hwinfo {
  char **name; /* (columns) all that are in watts, "CPU Package Power"; owned */
  size_t columns;
  char chosen[256]; /* what makes power_w: "CPU Package Power", "… of 2 devices" */
  size_t count;     /* samples, at least 1 */
  /* (count) owned; t_ns since the first row, which is no interval itself: its energy_j is
   * 0. program_j and core_s are 0, which nobody measured. Behind a gap: marked, power_w
   * is NaN and energy_j that of the sample before. */
  fr_power_sample *sample;
  double *domain_w; /* (count, columns) NaN: not told; owned */
  /* Mean over measured time, least and most of the samples that fr_meter_report takes
   * them of; NaN: no two rows without a gap between them, nothing was measured. */
  double min_w, mean_w, max_w;
  double energy_j;
  double duration_s; /* from the first row to the last */
  double gap_s;      /* of it without readings, not in energy_j and mean_w */
  size_t gaps;
  size_t missing; /* rows without a reading of what was chosen */
  size_t back;    /* steps of the clock backwards, bridged by the usual interval */
  char began[64]; /* date and time of the first row, as in the file */
} fr__hwinfo;

/* `column`: a name as in the file with or without its unit, or part of one; NULL: the
 * processor's package (of all packages). Fails in one sentence with the file's line. */
enum fr_status fr__hwinfo_read(const char *path, const char *column, fr__hwinfo *out,
                               fr_error *err);
/* The same from `size` bytes of `text`, which must be writable and NUL-terminated. */
enum fr_status fr__hwinfo_parse(const char *name, char *text, size_t size,
                                const char *column, fr__hwinfo *out, fr_error *err);
void fr__hwinfo_release(fr__hwinfo *log);

#endif
