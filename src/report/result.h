/* SPDX-License-Identifier: Apache-2.0 */
/* A study run's result, as the study room writes it (docs/json.md), read once and
 * checked. */
#ifndef FR_REPORT_RESULT_H
#define FR_REPORT_RESULT_H

#include <jansson.h>

#include "frugal/base.h"
#include "frugal/store.h"

#define FR__REPORT_ENTRIES 20000            /* ceiling of every array in a result */
#define FR__REPORT_BYTES ((size_t)64 << 20) /* ceiling of a result */
#define FR__REPORT_SERIES 4 /* mechanisms beside each other in one group */

/* A figure of the result; strings point into its JSON. */
typedef struct fr__figure {
  bool known; /* false: not measured, and the numbers mean nothing */
  bool interval;
  double value, low, high; /* low <= value <= high */
  bool banded; /* the sensor's own bounds are told: shared by all, repeats cannot narrow
                  them */
  double band_low, band_high;
  const char *unit;   /* "" where it has none */
  const char *source; /* "" where none is told */
} fr__figure;

enum fr__quantity {
  FR__PROGRAM,
  FR__ENERGY,
  FR__CORE_SECONDS,
  FR__ACCURACY,
  FR__MACRO_F1,
  FR__EPOCHS,
  FR__OPERATIONS,
  FR__PARAMETERS,
  FR__BALANCED_ACCURACY,
  FR__PRETRAINING,
  FR__GRAMS,
  FR__QUANTITIES
};
/* "program": the key in the JSON and in the CSV. */
const char *fr__quantity_key(enum fr__quantity quantity);

typedef struct fr__cell {
  const char *name, *group, *phase, *data, *data_name, *net, *mechanism;
  bool transferred;
  fr__figure figure[FR__QUANTITIES];
  double chance; /* accuracy of guessing; negative: not known */
  size_t n;      /* repeats; 0: not told */
  const json_t *json;
} fr__cell;

typedef struct fr__group {
  const char *name, *title, *note;
} fr__group;

typedef struct fr__result {
  json_t *root; /* owned; every string here points into it or is a constant */
  const char *name, *description;
  fr__cell *cell; /* owned */
  size_t cells;
  fr__group *group; /* owned */
  size_t groups;
  int64_t started_utc_ns;
  int64_t run;
  char version[64];
  char host_cpu[128];
} fr__result;

enum fr_status fr__result_load(fr_store *store, int64_t run, fr__result *out,
                               fr_error *err);
/* `origin` names the text in messages ("run 12"). */
enum fr_status fr__result_parse(const char *origin, const char *text, fr__result *out,
                                fr_error *err);
void fr__result_release(fr__result *result);

/* ---- loose reading: whatever is absent or of another type is "" / not known / NULL ----
 */

const char *fr__json_text(const json_t *object, const char *key);
fr__figure fr__json_figure(const json_t *value);
/* The array under `key`; NULL where there is none. */
const json_t *fr__json_array(const json_t *object, const char *key);

/* ---- a group as rows (names) and series (mechanisms) ---- */

typedef struct fr__series {
  const char *mechanism;
  bool transferred;
  const char *label; /* "not transferred", "head replaced" */
} fr__series;

typedef struct fr__row {
  const char *name;
  const char *phase;                       /* "train", "test" */
  const fr__cell *cell[FR__REPORT_SERIES]; /* NULL: no such cell */
  const fr__cell *first;                   /* the first that is there */
} fr__row;

typedef struct fr__grid {
  const fr__group *group;
  fr__series series[FR__REPORT_SERIES];
  size_t series_count;
  bool crowded; /* there are more mechanisms: they are listed, not put side by side */
  fr__row *row; /* owned; training before testing, else as in the result */
  size_t rows;
} fr__grid;

enum fr_status fr__grid_init(const fr__result *result, const fr__group *group,
                             fr__grid *grid, fr_error *err);
void fr__grid_release(fr__grid *grid);

bool fr__row_is_test(const fr__row *row);
/* Whether any cell of the grid has this figure. */
bool fr__grid_has(const fr__grid *grid, enum fr__quantity quantity);
/* The quantity that compares mechanisms: the program's energy, else the machine's. */
enum fr__quantity fr__grid_energy(const fr__grid *grid);
/* The ratio transferred / not of that row and series from the result; unknown where
 * absent. */
fr__figure fr__grid_ratio(const fr__result *result, const fr__grid *grid, size_t row,
                          size_t series, enum fr__quantity quantity);
/* Whether any energy of the study is the model's; *below and *above are the widest that
 * its true value may lie under and over the figure, as shares of it; negative where not
 * told. */
bool fr__result_modelled(const fr__result *result, double *below, double *above);

#endif
