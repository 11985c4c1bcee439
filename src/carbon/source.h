/* SPDX-License-Identifier: Apache-2.0 */
/* A source of intensities is one file behind this table of functions; a row in
 * intensity.c makes it known. */
#ifndef FR_CARBON_SOURCE_H
#define FR_CARBON_SOURCE_H

#include "frugal/intensity.h"

typedef struct fr__intensity_source {
  const char *name; /* "csv": what stands before the colon */
  const char *form; /* "csv:FILE", for messages */
  /* `rest` is what follows the colon. `out` is empty; what it holds after a failure is
   * released. A step that is not marked as forecast and ends after query->now_s is taken
   * out by fr_intensity_read, but of constants. */
  enum fr_status (*read)(const char *rest, const fr_intensity_query *query,
                         fr_series *out, fr_error *err);
  enum fr_intensity_kind kind; /* constant: read as one step over all that is asked */
} fr__intensity_source;

extern const fr__intensity_source fr__intensity_csv;
extern const fr__intensity_source fr__intensity_table;
extern const fr__intensity_source fr__intensity_uk;
extern const fr__intensity_source fr__intensity_electricitymaps;
extern const fr__intensity_source fr__intensity_watttime;

/* A number, with or without a unit; NULL name, since nothing stands before it. */
enum fr_status fr__intensity_number(const char *spec, const fr_intensity_query *query,
                                    fr_series *out, fr_error *err);

/* "lifecycle", "life-cycle", "direct"; false: none of them. */
bool fr__factor_read(const char *text, size_t length, enum fr_factor *out);

/* The series of one value over all that the query wants. */
enum fr_status fr__series_constant(fr_series *out, double g_per_kwh,
                                   enum fr_source source, const fr_intensity_query *query,
                                   fr_error *err);

/* The first step that ends after `t_s`; count where there is none. */
size_t fr__series_after(const fr_series *series, int64_t t_s);

/* In order of time; a step told twice alike is kept once, two that overlap and differ are
 * refused, by a sentence that begins with `name`. For answers that come in any order:
 * they are put into `step` and `count` as they come. */
enum fr_status fr__series_settle(fr_series *series, const char *name, fr_error *err);
/* As fr_series_add, but in any order. */
enum fr_status fr__series_push(fr_series *series, const fr_intensity_step *step,
                               fr_error *err);

#endif
