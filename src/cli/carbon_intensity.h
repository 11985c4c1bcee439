/* SPDX-License-Identifier: Apache-2.0 */
/* frugal carbon intensity: what it was asked, what it found, how it is told. */
#ifndef FR_CLI_CARBON_INTENSITY_H
#define FR_CLI_CARBON_INTENSITY_H

#include "carbon/unit.h"
#include "cli/cli.h"
#include "frugal/forecast.h"

enum cli_by { CLI_BY_SPAN, CLI_BY_HOUR, CLI_BY_DAY, CLI_BY_MONTH };

typedef struct cli_intensity {
  const char *spec;
  int64_t now_s, from_s, to_s; /* what is looked back at: to_s <= now_s */
  int64_t until_s;             /* of what lies ahead; now_s: it is not asked for */
  fr_intensity_query query;    /* factor, perfect, offline */
  enum cli_by by;
  fr__intensity_unit unit;
  const char *unit_name;
  const char *csv, *chart, *heat_map; /* files; NULL: none */
  bool to_now;              /* what is looked at ends with now: its last is the latest */
  bool constant;            /* a yearly mean or a number, which knows no hours */
  fr_series past;           /* what is measured within [from_s, to_s) */
  fr_forecast forecast;     /* of [now_s, until_s) */
  fr_intensity_step latest; /* the last that is known at now_s; end_s 0: none is */
} cli_intensity;

/* What of the series lies in [from_s, to_s). */
typedef struct cli_intensity_span {
  int64_t start_s, end_s;
  fr_measure mean; /* absent: nothing is known */
  fr_intensity_step least, most;
  double known_s, estimated_s;
} cli_intensity_span;
cli_intensity_span cli_intensity_sum(const fr_series *series, int64_t from_s,
                                     int64_t to_s);
/* The end of the hour, day or month (by TZ) that `t_s` lies in. */
int64_t cli_intensity_next(int64_t t_s, enum cli_by by);
/* CLI_BY_SPAN is chosen by the length. */
enum cli_by cli_intensity_by(const cli_intensity *asked, int64_t span_s);

/* A table, a picture and sentences; keys of the result, and warnings. */
enum fr_status cli_intensity_tell(const cli_intensity *asked, cli_result *result,
                                  fr__buf *text, fr_error *err);
/* --chart and --heat-map, where they are asked for. */
enum fr_status cli_intensity_draw(const cli_intensity *asked, fr_error *err);
/* Steps as a file that `csv:` reads. */
enum fr_status cli_intensity_write_csv(const cli_intensity *asked, fr_error *err);

#endif
