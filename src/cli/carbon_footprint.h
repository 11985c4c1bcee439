/* SPDX-License-Identifier: Apache-2.0 */
/* frugal carbon footprint: what was asked, what was found, and its answer. */
#ifndef FR_CLI_CARBON_FOOTPRINT_H
#define FR_CLI_CARBON_FOOTPRINT_H

#include "cli/course.h"
#include "cli/grams.h"

typedef struct cli_footprint_asked {
  cli_output output;
  int64_t run;       /* 0: not told */
  const char *power; /* CSV; NULL: not told */
  fr_measure energy; /* absent: not told */
  enum cli_of of;
  int64_t start_s;    /* INT64_MIN: not told */
  int64_t duration_s; /* 0: not told */
  int64_t now_s;
  const char *intensity, *market; /* NULL: not told */
  double pue;
  enum fr_factor factor;
  enum fr_fill fill;
  fr_measure offset; /* gCO2e; absent: not told */
  double price;      /* of a ton of CO2e; 0: not told */
  char currency[4];
  fr_hardware hardware; /* embodied absent: not told */
  double keep_s;        /* 0: not told */
  char unit[48];        /* of R; "" not told */
  double units;
} cli_footprint_asked;

typedef struct cli_footprint_found {
  fr_load load;
  char from[200]; /* where the energy is from */
  bool timed;     /* its time is told: else any will do */
  double used_s;  /* of the machine; 0: not known */
  fr_series grid, contracts;
  fr_footprint located;
  fr_footprint contracted; /* grams absent where none is told */
  fr_measure embodied;     /* gCO2e; absent: not told */
  fr_measure together;     /* located and embodied */
  fr_keeping keeping;
  fr_sci sci;
} cli_footprint_found;

/* The energy over time, out of the store, a file or what was told. */
enum fr_status cli_footprint_load(const cli_footprint_asked *asked,
                                  cli_footprint_found *found, fr_error *err);

/* Keys of the result, the table, warnings. */
enum fr_status cli_footprint_tell(const cli_footprint_asked *asked,
                                  const cli_footprint_found *found, cli_result *result,
                                  fr__buf *text, fr_error *err);

#endif
