/* SPDX-License-Identifier: Apache-2.0 */
/* Series as frugal/picture.h takes them, which knows only arrays. */
#ifndef FR_CLI_PICTURES_H
#define FR_CLI_PICTURES_H

#include "frugal/intensity.h"
#include "frugal/picture.h"

typedef struct cli_steps {
  fr_report_step *step; /* (count) owned */
  size_t count;
} cli_steps;

/*
 * What of `past` and then of `ahead` (either NULL: none) lies in [from_s, to_s), its ends
 * cut, the steps of `ahead` and those marked so as forecasts. What `past` has from the
 * beginning of `ahead` on is left out.
 */
enum fr_status cli_steps_init(cli_steps *steps, const fr_series *past,
                              const fr_series *ahead, int64_t from_s, int64_t to_s,
                              fr_error *err);
void cli_steps_release(cli_steps *steps);

/* "life-cycle, average, location-based; <origin>": what stands below a picture's title.
 */
void cli_picture_note(const fr_series *series, char *text, size_t size);

#endif
