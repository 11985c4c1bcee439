/* SPDX-License-Identifier: Apache-2.0 */
/* A power timeline in CSV, such as frugal meter --csv writes. */
#include <math.h>
#include <stdlib.h>

#include "base/csv.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/course.h"

#define FILE_CEILING ((size_t)1 << 30)
#define SECONDS_CEILING 3.2e8 /* ten years */
#define JOULES_CEILING 1e18

/* What a row tells: NaN where its cell is empty or there is no such column. */
typedef struct reader {
  fr__csv csv;
  uint32_t time, power, energy, program, run; /* columns; FR_NONE: none */
  double t_s, energy_j, program_j;            /* of the row before */
  double first_run;                           /* NaN: no row was read */
  double begin_j;                             /* told for time 0 */
  size_t rows;
} reader;

static enum fr_status find_columns(reader *r, fr_error *err) {
  bool more = false;
  enum fr_status status = fr__csv_next(&r->csv, &more, err);
  if (status == FR_OK && !more)
    return fr__fail(err, FR_ERR_FORMAT, "'%.200s' is empty", r->csv.name);
  if (status == FR_OK)
    status = fr__csv_keep_header(&r->csv, err);
  if (status != FR_OK)
    return status;
  r->time = fr__csv_find(&r->csv, "t_s");
  r->power = fr__csv_find(&r->csv, "power_w");
  r->energy = fr__csv_find(&r->csv, "energy_j");
  r->program = fr__csv_find(&r->csv, "program_j");
  r->run = fr__csv_find(&r->csv, "run");
  if (r->time == FR_NONE || (r->power == FR_NONE && r->energy == FR_NONE))
    return fr__fail(err, FR_ERR_FORMAT,
                    "'%.200s' has no column t_s, or neither power_w nor energy_j: frugal "
                    "meter --csv writes them",
                    r->csv.name);
  return FR_OK;
}

/* NaN of an empty cell, or where there is no such column. */
static enum fr_status cell(const reader *r, uint32_t column, double *out, fr_error *err) {
  *out = (double)NAN;
  if (column == FR_NONE || column >= r->csv.count || r->csv.field[column].length == 0)
    return FR_OK;
  const enum fr_status status = fr__csv_number(&r->csv, column, out, err);
  if (status == FR_OK && fabs(*out) > JOULES_CEILING)
    return fr__csv_fail(&r->csv, column, "is too large", err);
  return status;
}

/* Where joules are not told they follow from the power since the row before. */
static enum fr_status settle(const reader *r, double t_s, double power_w,
                             double *energy_j, fr_error *err) {
  if (isnan(*energy_j) && !isnan(power_w))
    *energy_j = r->energy_j + power_w * (t_s - r->t_s);
  if (isnan(*energy_j) && t_s > 0)
    return fr__fail(err, FR_ERR_FORMAT, "%.200s:%zu: neither power nor energy is told",
                    r->csv.name, r->csv.line);
  if (isnan(*energy_j))
    *energy_j = 0;
  if (*energy_j < r->energy_j)
    return fr__fail(err, FR_ERR_FORMAT, "%.200s:%zu: the energy goes back", r->csv.name,
                    r->csv.line);
  return FR_OK;
}

static enum fr_status take_row(reader *r, cli_course *course, fr_error *err) {
  double t_s, power_w, energy_j, program_j, run;
  enum fr_status status = fr__csv_number(&r->csv, r->time, &t_s, err);
  if (status == FR_OK && !(t_s >= r->t_s && t_s <= SECONDS_CEILING))
    return fr__csv_fail(&r->csv, r->time, "is not a time after the row before's", err);
  if (status == FR_OK)
    status = cell(r, r->power, &power_w, err);
  if (status == FR_OK)
    status = cell(r, r->energy, &energy_j, err);
  if (status == FR_OK)
    status = cell(r, r->program, &program_j, err);
  if (status == FR_OK)
    status = cell(r, r->run, &run, err);
  if (status == FR_OK)
    status = settle(r, t_s, power_w, &energy_j, err);
  if (status != FR_OK)
    return status;
  if (!(t_s > 0))
    r->begin_j = energy_j;
  if (r->rows++ > 0 && (run < r->first_run || run > r->first_run))
    return fr__csv_fail(&r->csv, r->run, "is another run: one file, one run", err);
  r->first_run = run;
  r->t_s = t_s;
  r->energy_j = energy_j;
  r->program_j = program_j;
  cli_course_add(course, &(cli_reading){(uint64_t)(t_s * 1e9 + 0.5),
                                        energy_j - r->begin_j, program_j});
  return FR_OK;
}

static fr_measure joules(double j) {
  return isnan(j) ? fr_measure_absent(FR_UNIT_JOULE)
                  : (fr_measure){j, j, j, FR_UNIT_JOULE, FR_SOURCE_IMPORT};
}

static enum fr_status read_rows(reader *r, int64_t start_ns, cli_course *course,
                                cli_course_total *total, fr_error *err) {
  enum fr_status status = find_columns(r, err);
  for (bool more = true; status == FR_OK && more;) {
    status = fr__csv_next(&r->csv, &more, err);
    if (status == FR_OK && more)
      status = take_row(r, course, err);
  }
  if (status == FR_OK && !(r->t_s > 0))
    return fr__fail(err, FR_ERR_FORMAT, "'%.200s' tells no energy over time",
                    r->csv.name);
  if (status == FR_OK)
    *total = (cli_course_total){joules(r->energy_j - r->begin_j),
                                fr_measure_absent(FR_UNIT_JOULE), joules(r->program_j),
                                start_ns, start_ns + (int64_t)(r->t_s * 1e9 + 0.5)};
  return status;
}

enum fr_status cli_course_csv(const char *path, int64_t start_ns, cli_course *out,
                              cli_course_total *total, fr_error *err) {
  char *text = NULL;
  size_t size;
  reader r = {.program_j = (double)NAN};
  cli_course course = {0};
  enum fr_status status = fr__file_read(path, FILE_CEILING, &text, &size, err);
  if (status != FR_OK)
    return status;
  fr__csv_init(&r.csv, path, text, size, ',');
  status = read_rows(&r, start_ns, &course, total, err);
  fr__csv_release(&r.csv);
  free(text);
  if (status == FR_OK)
    *out = course;
  else
    cli_course_release(&course);
  return status;
}
