/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of what mechanisms do: verdicts, all cells of a large group, fronts, budgets. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/format.h"
#include "report/front.h"
#include "report/tables.h"

static void add_number(fr__table *table, fr__number_text number) {
  char text[2 * FR__TEXT];
  fr__format_join(&number, text);
  fr__table_add(table, text);
}

/* ---- verdicts ---- */

/* Whether anything came before a training: then its column says something. */
static bool has_before(const json_t *list) {
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *row = json_array_get(list, i);
    const fr__figure own = fr__json_figure(json_object_get(row, "train"));
    const fr__figure all =
        fr__json_figure(json_object_get(row, "train_with_pretraining"));
    if (own.known && all.known && own.value != all.value)
      return true;
  }
  return false;
}

static void put_compared(fr__table *table, const json_t *row, const char *question) {
  fr__figure f = fr__json_figure(json_object_get(row, question));
  const bool points = strcmp(f.unit, "points") == 0;
  if (points)
    f.unit = ""; /* the column's title has it */
  add_number(table, points ? fr__format_figure(&f) : fr__format_share(&f));
}

/* "saves", then of what it saves nothing, or costs more, or of accuracy. */
static void put_verdict(fr__table *table, const json_t *row) {
  const char *life = fr__json_text(json_object_get(row, "life"), "verdict");
  const char *accuracy = fr__json_text(json_object_get(row, "accuracy"), "verdict");
  fr__table_addf(table, "%s; accuracy: %s", *life != '\0' ? life : FR__NOT_MEASURED,
                 *accuracy != '\0' ? accuracy : FR__NOT_MEASURED);
}

void fr__tables_mechanisms(const fr__result *result, fr__table *table) {
  const json_t *list = fr__json_array(result->root, "mechanisms");
  const bool before = has_before(list);
  fr__table_init(table,
                 "Energy in relation to plain training, the one that saves most of "
                 "a life first; accuracy in points more or less");
  fr__table_column_add(table, "Mechanism", FR__ALIGN_LEFT, true);
  fr__table_column_add(table, "A life", FR__ALIGN_RIGHT, true);
  fr__table_column_add(table, "Training", FR__ALIGN_RIGHT, true);
  if (before)
    fr__table_column_add(table, "With what came before", FR__ALIGN_RIGHT, true);
  fr__table_column_add(table, "Testing", FR__ALIGN_RIGHT, true);
  fr__table_column_add(table, "Accuracy, points", FR__ALIGN_RIGHT, true);
  fr__table_column_add(table, "Over a life it", FR__ALIGN_LEFT, true);
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *row = json_array_get(list, i);
    fr__table_add(table, fr__json_text(row, "mechanism"));
    put_compared(table, row, "life");
    put_compared(table, row, "train");
    if (before)
      put_compared(table, row, "train_with_pretraining");
    put_compared(table, row, "test");
    put_compared(table, row, "accuracy");
    put_verdict(table, row);
  }
}

/* ---- each of its cells ---- */

void fr__tables_effects(const fr__result *result, fr__table *table) {
  const json_t *list = fr__json_array(result->root, "mechanisms");
  fr__table_init(table, "The same cell by cell, with p of the paired t-test of a life, "
                        "corrected by Holm's procedure");
  fr__table_column_add(table, "Mechanism", FR__ALIGN_LEFT, true);
  fr__table_column_add(table, "Cell", FR__ALIGN_LEFT, false);
  fr__table_column_add(table, "Training", FR__ALIGN_RIGHT, true);
  fr__table_column_add(table, "Testing", FR__ALIGN_RIGHT, true);
  fr__table_column_add(table, "A life", FR__ALIGN_RIGHT, true);
  fr__table_column_add(table, "p", FR__ALIGN_RIGHT, false);
  fr__table_column_add(table, "Accuracy, points", FR__ALIGN_RIGHT, true);
  fr__table_column_add(table, "Over a life it", FR__ALIGN_LEFT, true);
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *cells = fr__json_array(json_array_get(list, i), "cells");
    for (size_t k = 0; k < json_array_size(cells); k++) {
      const json_t *row = json_array_get(cells, k);
      const json_t *p = json_object_get(json_object_get(row, "life"), "p_corrected");
      fr__table_add(table, fr__json_text(json_array_get(list, i), "mechanism"));
      fr__table_add(table, fr__json_text(row, "cell"));
      put_compared(table, row, "train");
      put_compared(table, row, "test");
      put_compared(table, row, "life");
      if (json_is_number(p))
        fr__table_addf(table, "%.2g", json_number_value(p));
      else
        fr__table_add(table, FR__NOT_MEASURED);
      put_compared(table, row, "accuracy");
      put_verdict(table, row);
    }
  }
}

/* ---- a group with more mechanisms than fit side by side ---- */

static const fr__cell *tested(const fr__result *result, const fr__cell *train) {
  for (size_t i = 0; i < result->cells; i++) {
    const fr__cell *c = &result->cell[i];
    if (strcmp(c->phase, "test") == 0 && strcmp(c->group, train->group) == 0 &&
        strcmp(c->mechanism, train->mechanism) == 0 &&
        strcmp(c->name + (*c->name != '\0'), train->name + (*train->name != '\0')) == 0)
      return c;
  }
  return NULL;
}

static void put_quantity(fr__table *table, const fr__cell *cell,
                         enum fr__quantity quantity) {
  if (cell == NULL)
    fr__table_add(table, "no such cell");
  else
    add_number(table, fr__format_quantity(&cell->figure[quantity], quantity));
}

static void put_bytes(fr__table *table, const fr__cell *cell) {
  const json_t *bytes = json_object_get(cell->json, "bytes");
  char text[FR__TEXT] = FR__NOT_MEASURED;
  if (json_is_number(bytes))
    fr__format_count(round(json_number_value(bytes)), text);
  fr__table_add(table, text);
}

void fr__tables_cells(const fr__result *result, const fr__grid *grid, fr__table *table) {
  fr__table_init(table, "Every cell: energy of a training and of 1,000 tests, accuracy "
                        "and macro-F1 in testing");
  fr__table_column_add(table, "Cell", FR__ALIGN_LEFT, true);
  fr__table_column_add(table, "Mechanism", FR__ALIGN_LEFT, true);
  fr__table_column_add(table, "Training", FR__ALIGN_RIGHT, true);
  fr__table_column_add(table, "1,000 tests", FR__ALIGN_RIGHT, true);
  fr__table_column_add(table, "Accuracy", FR__ALIGN_RIGHT, true);
  fr__table_column_add(table, "Macro-F1", FR__ALIGN_RIGHT, true);
  fr__table_column_add(table, "Bytes", FR__ALIGN_RIGHT, false);
  for (size_t i = 0; i < result->cells; i++) {
    const fr__cell *cell = &result->cell[i];
    if (strcmp(cell->group, grid->group->name) != 0 || strcmp(cell->phase, "train") != 0)
      continue;
    const fr__cell *test = tested(result, cell);
    fr__table_add(table, cell->name + (*cell->name == 'R'));
    fr__table_add(table,
                  strcmp(cell->mechanism, "scratch") == 0 ? "plain" : cell->mechanism);
    put_quantity(table, cell, fr__grid_energy(grid));
    put_quantity(table, test, fr__grid_energy(grid));
    put_quantity(table, test, FR__ACCURACY);
    put_quantity(table, test, FR__MACRO_F1);
    put_bytes(table, cell);
  }
}

/* ---- fronts ---- */

static void put_dominator(fr__table *table, const fr__front_point *p) {
  if (p->on_front) {
    fr__table_add(table, "on the front");
    return;
  }
  const char *beyond = fr__json_text(p->by, "beyond");
  const char *how =
      strcmp(beyond, "both") == 0       ? "beyond the interval in both"
      : strcmp(beyond, "energy") == 0   ? "beyond the interval in energy alone"
      : strcmp(beyond, "accuracy") == 0 ? "beyond the interval in accuracy alone"
                                        : "within the intervals";
  const char *mechanism = fr__json_text(p->by, "mechanism");
  fr__table_addf(table, "%s %s, %s", fr__json_text(p->by, "cell"),
                 strcmp(mechanism, "scratch") == 0 ? "plain" : mechanism, how);
}

void fr__tables_front(const fr__front *front, size_t panel, fr__table *table) {
  char caption[96];
  snprintf(caption, sizeof caption, "%s: who costs less and is right as often",
           fr__front_title(panel));
  fr__table_init(table, caption);
  fr__table_column_add(table, "Cell", FR__ALIGN_LEFT, true);
  fr__table_column_add(table, "Mechanism", FR__ALIGN_LEFT, true);
  fr__table_column_add(table, "Energy", FR__ALIGN_RIGHT, true);
  fr__table_column_add(table, "Accuracy", FR__ALIGN_RIGHT, true);
  fr__table_column_add(table, "Bettered by", FR__ALIGN_LEFT, true);
  for (size_t i = 0; i < front->panel[panel].points; i++) {
    const fr__front_point *p = &front->panel[panel].point[i];
    fr__table_add(table, p->cell);
    fr__table_add(table, strcmp(p->mechanism, "scratch") == 0 ? "plain" : p->mechanism);
    add_number(table, fr__format_figure(&p->energy));
    add_number(table, fr__format_share(&p->accuracy));
    put_dominator(table, p);
  }
}

/* ---- the budget ---- */

void fr__budget_note(const fr__result *result, fr__buf *out) {
  static const struct {
    const char *limit, *spent, *unit;
  } kinds[] = {{"energy_j", "spent_j", "J"},
               {"grams", "spent_g", "gCO2e"},
               {"duration_s", "spent_s", "s"}};
  const json_t *budget = json_object_get(result->root, "budget");
  char text[2 * FR__TEXT];
  bool any = false;
  for (size_t i = 0; i < 3; i++) {
    fr__figure limit = fr__json_figure(json_object_get(budget, kinds[i].limit));
    fr__figure spent = fr__json_figure(json_object_get(budget, kinds[i].spent));
    if (!limit.known)
      continue;
    limit.unit = spent.unit = kinds[i].unit;
    fr__number_text number = fr__format_figure(&spent);
    fr__format_join(&number, text);
    fr__buf_printf(out, "%s%s of ", any ? ", " : "", text);
    number = fr__format_figure(&limit);
    fr__format_join(&number, text);
    fr__buf_add(out, text);
    any = true;
  }
  if (!any)
    return;
  fr__buf_printf(out, " for %lld runs, %lld not made",
                 (long long)json_integer_value(json_object_get(budget, "runs")),
                 (long long)json_integer_value(json_object_get(budget, "not_run")));
  const json_t *wide = fr__json_array(budget, "wide");
  for (size_t i = 0; i < json_array_size(wide) && i < 3; i++) {
    const json_t *row = json_array_get(wide, i);
    const json_t *width = json_object_get(row, "width");
    const char *mechanism = fr__json_text(row, "mechanism");
    fr__buf_printf(out, "%s%s %s", i == 0 ? "; still widest: " : ", ",
                   fr__json_text(row, "cell"),
                   strcmp(mechanism, "scratch") == 0 ? "plain" : mechanism);
    if (json_is_number(width))
      fr__buf_printf(out, " (%.3g\u00A0%%)", 100 * json_number_value(width));
    else
      fr__buf_add(out, " (no interval yet)");
  }
}
