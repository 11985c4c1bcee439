/* SPDX-License-Identifier: Apache-2.0 */
/* Cells side by side: one row per name, one series per mechanism. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "report/result.h"

bool fr__row_is_test(const fr__row *row) {
  return strcmp(row->phase, "test") == 0 || (*row->phase == '\0' && *row->name == 'E');
}

static bool in_group(const fr__cell *cell, const fr__group *group) {
  return strcmp(cell->group, group->name) == 0;
}

static size_t find_series(const fr__grid *grid, const char *mechanism) {
  size_t s = 0;
  while (s < grid->series_count && strcmp(grid->series[s].mechanism, mechanism) != 0)
    s++;
  return s;
}

/* From scratch comes first: it is what the others are compared with. */
static void add_series(fr__grid *grid, const fr__cell *cell) {
  size_t at = grid->series_count;
  if (find_series(grid, cell->mechanism) < at)
    return;
  if (at == FR__REPORT_SERIES) {
    grid->crowded = true;
    return;
  }
  grid->series_count++;
  for (; !cell->transferred && at > 0 && grid->series[at - 1].transferred; at--)
    grid->series[at] = grid->series[at - 1];
  grid->series[at] = (fr__series){cell->mechanism, cell->transferred, cell->mechanism};
}

static bool is_transfer(const char *mechanism) {
  return strcmp(mechanism, "transfer") == 0 || strcmp(mechanism, "append") == 0 ||
         strcmp(mechanism, "replace") == 0;
}

static const char *label_of(const fr__series *series, size_t transferred, bool other) {
  if (!series->transferred && strcmp(series->mechanism, "scratch") == 0)
    return other ? "plain" : "not transferred";
  if (transferred == 1 && strcmp(series->mechanism, "transfer") == 0)
    return "transferred";
  if (strcmp(series->mechanism, "append") == 0)
    return transferred == 1 ? "transferred" : "layers appended";
  if (strcmp(series->mechanism, "replace") == 0)
    return transferred == 1 ? "transferred, head replaced" : "head replaced";
  return series->mechanism;
}

/* Where anything but transfer is beside it, what it is compared with is called plain. */
static void label_series(fr__grid *grid) {
  size_t transferred = 0;
  bool other = false;
  for (size_t s = 0; s < grid->series_count; s++) {
    transferred += grid->series[s].transferred;
    other =
        other || (grid->series[s].transferred && !is_transfer(grid->series[s].mechanism));
  }
  for (size_t s = 0; s < grid->series_count; s++)
    grid->series[s].label = label_of(&grid->series[s], transferred, other);
}

static fr__row *row_of(fr__grid *grid, const fr__cell *cell) {
  for (size_t r = 0; r < grid->rows; r++)
    if (strcmp(grid->row[r].name, cell->name) == 0 &&
        strcmp(grid->row[r].phase, cell->phase) == 0)
      return &grid->row[r];
  fr__row *row = &grid->row[grid->rows++];
  *row = (fr__row){.name = cell->name, .phase = cell->phase, .first = cell};
  return row;
}

static void put_cell(fr__grid *grid, const fr__cell *cell) {
  const size_t s = find_series(grid, cell->mechanism);
  if (s == grid->series_count)
    return;
  fr__row *row = row_of(grid, cell);
  if (row->cell[s] == NULL)
    row->cell[s] = cell;
}

/* Stable: training rows first. */
static void training_first(fr__grid *grid) {
  for (size_t i = 1; i < grid->rows; i++) {
    const fr__row row = grid->row[i];
    size_t at = i;
    for (; at > 0 && !fr__row_is_test(&row) && fr__row_is_test(&grid->row[at - 1]); at--)
      grid->row[at] = grid->row[at - 1];
    grid->row[at] = row;
  }
}

enum fr_status fr__grid_init(const fr__result *result, const fr__group *group,
                             fr__grid *grid, fr_error *err) {
  fr__grid made = {.group = group};
  made.row = calloc(result->cells + 1, sizeof *made.row);
  if (made.row == NULL)
    return fr__fail_memory(err, "a group of cells");
  for (size_t i = 0; i < result->cells; i++)
    if (in_group(&result->cell[i], group))
      add_series(&made, &result->cell[i]);
  label_series(&made);
  for (size_t i = 0; i < result->cells; i++)
    if (in_group(&result->cell[i], group))
      put_cell(&made, &result->cell[i]);
  training_first(&made);
  *grid = made;
  return FR_OK;
}

void fr__grid_release(fr__grid *grid) {
  free(grid->row);
  *grid = (fr__grid){0};
}

bool fr__grid_has(const fr__grid *grid, enum fr__quantity quantity) {
  for (size_t r = 0; r < grid->rows; r++)
    for (size_t s = 0; s < grid->series_count; s++) {
      const fr__cell *cell = grid->row[r].cell[s];
      if (cell != NULL && cell->figure[quantity].known)
        return true;
    }
  return false;
}

enum fr__quantity fr__grid_energy(const fr__grid *grid) {
  return fr__grid_has(grid, FR__PROGRAM) || !fr__grid_has(grid, FR__ENERGY) ? FR__PROGRAM
                                                                            : FR__ENERGY;
}

/* "RMB" of "RMB transferred": the whole first word. */
static bool names_cell(const char *text, const char *name) {
  const size_t n = strlen(name);
  return n > 0 && strncmp(text, name, n) == 0 && !isalnum((unsigned char)text[n]);
}

static bool ratio_fits(const json_t *ratio, const fr__grid *grid, const fr__row *row,
                       size_t series, enum fr__quantity quantity) {
  const char *group = fr__json_text(ratio, "group");
  const char *of = fr__json_text(ratio, "of");
  const char *name = fr__json_text(ratio, "name");
  const char *mechanism = fr__json_text(ratio, "mechanism");
  if (*name == '\0')
    name = fr__json_text(ratio, "cell");
  if (strcmp(fr__json_text(ratio, "quantity"), fr__quantity_key(quantity)) != 0)
    return false;
  if (*group != '\0' && strcmp(group, grid->group->name) != 0)
    return false;
  if (*name != '\0' ? strcmp(name, row->name) != 0 : !names_cell(of, row->name))
    return false;
  if (*mechanism != '\0')
    return strcmp(mechanism, grid->series[series].mechanism) == 0;
  return strstr(of, "transfer") != NULL ||
         strstr(of, grid->series[series].mechanism) != NULL;
}

fr__figure fr__grid_ratio(const fr__result *result, const fr__grid *grid, size_t row,
                          size_t series, enum fr__quantity quantity) {
  const json_t *ratios = fr__json_array(result->root, "ratios");
  for (size_t i = 0; i < json_array_size(ratios); i++) {
    const json_t *ratio = json_array_get(ratios, i);
    if (ratio_fits(ratio, grid, &grid->row[row], series, quantity))
      return fr__json_figure(ratio);
  }
  return (fr__figure){.unit = "", .source = ""};
}
