/* SPDX-License-Identifier: Apache-2.0 */
#include "report/tables.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/format.h"

static const char *const quantity_title[FR__QUANTITIES] = {
    [FR__PROGRAM] = "Energy of the program, per training and per 1,000 tests",
    [FR__ENERGY] =
        "Energy of the machine, idle included, per training and per 1,000 tests",
    [FR__CORE_SECONDS] = "Core-seconds, per training and per 1,000 tests",
    [FR__ACCURACY] = "Accuracy",
    [FR__MACRO_F1] = "Macro-F1",
    [FR__EPOCHS] = "Epochs",
    [FR__OPERATIONS] = "Operations",
    [FR__PARAMETERS] = "Parameters",
    [FR__BALANCED_ACCURACY] = "Balanced accuracy",
    [FR__PRETRAINING] = "Energy of the pre-training that a transfer starts from",
    [FR__GRAMS] = "Footprint, per training and per 1,000 tests",
};

const char *fr__quantity_title(enum fr__quantity quantity) {
  return quantity_title[quantity];
}

static void add_number(fr__table *table, fr__number_text number) {
  char text[2 * FR__TEXT];
  fr__format_join(&number, text);
  fr__table_add(table, text);
}

/* ---- one quantity of a group ---- */

static void put_meaning(fr__table *table, const fr__row *row) {
  const fr__cell *cell = row->first;
  const char *phase = fr__row_is_test(row) ? "testing" : "training";
  const char *data = *cell->data_name != '\0' ? cell->data_name : cell->data;
  fr__table_addf(table, "%s %s%s%s", phase, cell->net,
                 *cell->net != '\0' && *data != '\0' ? ", " : "", data);
}

static bool has_ratio(const fr__result *result, const fr__grid *grid, size_t series,
                      enum fr__quantity quantity) {
  for (size_t r = 0; r < grid->rows; r++)
    if (fr__grid_ratio(result, grid, r, series, quantity).known)
      return true;
  return false;
}

static void put_columns(const fr__grid *grid, const bool ratio[FR__REPORT_SERIES],
                        fr__table *table) {
  char title[96];
  fr__table_column_add(table, "Cell", FR__ALIGN_LEFT, false);
  fr__table_column_add(table, "What", FR__ALIGN_LEFT, true);
  for (size_t s = 0; s < grid->series_count; s++)
    fr__table_column_add(table, grid->series[s].label, FR__ALIGN_RIGHT, true);
  for (size_t s = 0; s < grid->series_count; s++) {
    if (!ratio[s])
      continue;
    snprintf(title, sizeof title, "%.64s ÷ %s", grid->series[s].label,
             strcmp(grid->series[0].label, "plain") == 0 ? "plain" : "not");
    fr__table_column_add(table, title, FR__ALIGN_RIGHT, true);
  }
}

static void put_quantity_row(const fr__result *result, const fr__grid *grid, size_t r,
                             enum fr__quantity quantity,
                             const bool ratio[FR__REPORT_SERIES], fr__table *table) {
  fr__table_add(table, grid->row[r].name);
  put_meaning(table, &grid->row[r]);
  for (size_t s = 0; s < grid->series_count; s++) {
    const fr__cell *cell = grid->row[r].cell[s];
    if (cell == NULL)
      fr__table_add(table, "no such cell");
    else
      add_number(table, fr__format_quantity(&cell->figure[quantity], quantity));
  }
  for (size_t s = 0; s < grid->series_count; s++) {
    if (!ratio[s])
      continue;
    const fr__figure f = fr__grid_ratio(result, grid, r, s, quantity);
    add_number(table, fr__format_share(&f));
  }
}

/* Epochs and pre-training have no testing side. */
static bool row_applies(const fr__row *row, enum fr__quantity quantity) {
  return !fr__row_is_test(row) || (quantity != FR__EPOCHS && quantity != FR__PRETRAINING);
}

void fr__tables_quantity(const fr__result *result, const fr__grid *grid,
                         enum fr__quantity quantity, fr__table *table) {
  bool ratio[FR__REPORT_SERIES];
  fr__table_init(table, quantity_title[quantity]);
  for (size_t s = 0; s < grid->series_count; s++)
    ratio[s] = grid->series[s].transferred && has_ratio(result, grid, s, quantity);
  put_columns(grid, ratio, table);
  for (size_t r = 0; r < grid->rows; r++)
    if (row_applies(&grid->row[r], quantity))
      put_quantity_row(result, grid, r, quantity, ratio, table);
}

/* ---- ratios and claims ---- */

/* A number in points of accuracy, or a ratio as percent. */
static fr__number_text format_compared(const json_t *json) {
  fr__figure f = fr__json_figure(json);
  if (strcmp(f.unit, "points") == 0)
    return fr__format_figure(&f);
  return fr__format_share(&f);
}

/* "program_with_pretraining" as words. */
static void put_words(fr__table *table, const char *key) {
  char text[96];
  snprintf(text, sizeof text, "%s", key);
  for (char *c = text; *c != '\0'; c++)
    if (*c == '_')
      *c = ' ';
  fr__table_add(table, text);
}

void fr__tables_ratios(const fr__result *result, const fr__group *group,
                       fr__table *table) {
  const json_t *list = fr__json_array(result->root, "ratios");
  fr__table_init(table, "In relation to plain training, pairs of equal seed");
  fr__table_column_add(table, "Of", FR__ALIGN_LEFT, true);
  fr__table_column_add(table, "To", FR__ALIGN_LEFT, true);
  fr__table_column_add(table, "Quantity", FR__ALIGN_LEFT, true);
  fr__table_column_add(table, "Ratio or difference", FR__ALIGN_RIGHT, true);
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *ratio = json_array_get(list, i);
    if (strcmp(fr__json_text(ratio, "group"), group->name) != 0)
      continue;
    fr__table_add(table, fr__json_text(ratio, "of"));
    fr__table_add(table, fr__json_text(ratio, "to"));
    put_words(table, fr__json_text(ratio, "quantity"));
    add_number(table, format_compared(ratio));
  }
}

/* A bound of a claim's range: percent or points; empty where there is none. */
static void bound_text(const json_t *bound, bool points, char text[FR__TEXT]) {
  text[0] = '\0';
  if (json_is_number(bound))
    fr__format_count(json_number_value(bound) * (points ? 1 : 100), text);
}

static void put_range(fr__table *table, const json_t *claim) {
  const bool points = strcmp(fr__json_text(claim, "unit"), "points") == 0;
  const char *unit = points ? "points" : "%";
  const json_t *range = fr__json_array(claim, "range");
  char low[FR__TEXT], high[FR__TEXT];
  bound_text(json_array_get(range, 0), points, low);
  bound_text(json_array_get(range, 1), points, high);
  if (*low != '\0' && *high != '\0')
    fr__table_addf(table, "%s to %s\u00A0%s", low, high, unit);
  else if (*low != '\0')
    fr__table_addf(table, "at least %s\u00A0%s", low, unit);
  else if (*high != '\0')
    fr__table_addf(table, "at most %s\u00A0%s", high, unit);
  else
    fr__table_add(table, "not told");
}

/* "holds: RMB, REB; does not hold: RMS": the cells of a statement by their verdict. */
static void put_verdicts(fr__table *table, const json_t *claim) {
  static const char *const verdicts[] = {"holds", "undecided", "does not hold"};
  const json_t *cells = fr__json_array(claim, "cells");
  fr__buf text;
  fr__buf_init(&text, 0);
  for (size_t v = 0; v < sizeof verdicts / sizeof *verdicts; v++) {
    const char *before = verdicts[v];
    for (size_t i = 0; i < json_array_size(cells); i++) {
      const json_t *cell = json_array_get(cells, i);
      if (strcmp(fr__json_text(cell, "verdict"), verdicts[v]) != 0)
        continue;
      if (before != NULL)
        fr__buf_printf(&text, "%s%s: ", text.length > 0 ? "; " : "", before);
      fr__buf_printf(&text, "%s%s", before == NULL ? ", " : "",
                     fr__json_text(cell, "name"));
      before = NULL;
    }
  }
  fr__table_add(table, fr__buf_text(&text));
  fr__buf_release(&text);
}

void fr__tables_claims(const fr__result *result, fr__table *table) {
  const json_t *list = fr__json_array(result->root, "claims");
  fr__table_init(table, "The poster's statements beside ours");
  fr__table_column_add(table, "Statement", FR__ALIGN_LEFT, true);
  fr__table_column_add(table, "Stands for", FR__ALIGN_RIGHT, true);
  fr__table_column_add(table, "Ours", FR__ALIGN_RIGHT, true);
  fr__table_column_add(table, "Verdict", FR__ALIGN_LEFT, true);
  fr__table_column_add(table, "Cell by cell", FR__ALIGN_LEFT, true);
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *claim = json_array_get(list, i);
    fr__table_add(table, fr__json_text(claim, "text"));
    put_range(table, claim);
    add_number(table, format_compared(claim));
    fr__table_add(table, fr__json_text(claim, "verdict"));
    put_verdicts(table, claim);
  }
}

/* ---- break-even ---- */

/* Where no count is known: the least that it can be, else "–". */
static void put_bound(fr__table *table, const json_t *row, const char *suffix) {
  char key[64], number[FR__TEXT];
  snprintf(key, sizeof key, "at_least%s", suffix);
  fr__figure f = {.known = true, .unit = "", .source = ""};
  const json_t *bound = json_object_get(row, key);
  if (!json_is_number(bound)) {
    fr__table_add(table, "–");
    return;
  }
  f.value = f.low = f.high = json_number_value(bound);
  snprintf(number, sizeof number, "%s", fr__format_figure(&f).value);
  fr__table_addf(table, "at least %s", number);
}

/* A count of tests with its bounds. */
static void put_tests(fr__table *table, const json_t *row, const char *suffix) {
  char key[64];
  fr__figure f = {.unit = "", .source = ""};
  snprintf(key, sizeof key, "tests%s", suffix);
  const json_t *tests = json_object_get(row, key);
  if (!json_is_number(tests)) {
    put_bound(table, row, suffix);
    return;
  }
  f.known = true;
  f.value = f.low = f.high = json_number_value(tests);
  snprintf(key, sizeof key, "low%s", suffix);
  const json_t *low = json_object_get(row, key);
  snprintf(key, sizeof key, "high%s", suffix);
  const json_t *high = json_object_get(row, key);
  f.interval = json_is_number(low) && json_is_number(high);
  if (f.interval) {
    f.low = json_number_value(low);
    f.high = json_number_value(high);
  }
  add_number(table, fr__format_figure(&f));
}

/* After how many target tasks what came before is repaid; "–" where nothing did or is. */
static void put_tasks(fr__table *table, const json_t *row) {
  const json_t *low = json_object_get(row, "tasks_low"),
               *high = json_object_get(row, "tasks_high");
  fr__figure f = fr__json_figure(json_object_get(row, "tasks"));
  if (!f.known) {
    fr__table_add(table, "–");
    return;
  }
  f.interval = json_is_number(low) && json_is_number(high);
  if (f.interval) {
    f.low = json_number_value(low);
    f.high = json_number_value(high);
  }
  add_number(table, fr__format_figure(&f));
}

static bool has_tasks(const json_t *list) {
  for (size_t i = 0; i < json_array_size(list); i++)
    if (json_is_number(json_object_get(json_array_get(list, i), "tasks")))
      return true;
  return false;
}

void fr__tables_break_even(const fr__result *result, fr__table *table) {
  const json_t *list = fr__json_array(result->root, "break_even");
  const bool tasks = has_tasks(list);
  fr__table_init(table, "Tests after which a mechanism has eaten what it saved in "
                        "training, or won back what it cost more");
  fr__table_column_add(table, "Cell", FR__ALIGN_LEFT, true);
  fr__table_column_add(table, "Group", FR__ALIGN_LEFT, true);
  fr__table_column_add(table, "Tests", FR__ALIGN_RIGHT, true);
  fr__table_column_add(table, "With pre-training", FR__ALIGN_RIGHT, true);
  if (tasks)
    fr__table_column_add(table, "Tasks that repay it", FR__ALIGN_RIGHT, true);
  fr__table_column_add(table, "Why", FR__ALIGN_LEFT, true);
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *row = json_array_get(list, i);
    const char *mechanism = fr__json_text(row, "mechanism");
    fr__table_addf(table, "%s%s%s", fr__json_text(row, "cell"),
                   *mechanism == '\0' ? "" : " ", mechanism);
    fr__table_add(table, fr__json_text(row, "group"));
    put_tests(table, row, "");
    put_tests(table, row, "_with_pretraining");
    if (tasks)
      put_tasks(table, row);
    fr__table_add(table, fr__json_text(row, "reason"));
  }
}

/* ---- carbon ---- */

static fr__figure grams_of(double grams) {
  return (fr__figure){.known = true,
                      .value = grams,
                      .low = grams,
                      .high = grams,
                      .unit = "gCO2e",
                      .source = ""};
}

void fr__tables_equivalents(const fr__result *result, fr__table *table) {
  const json_t *list = fr__json_array(result->root, "equivalents");
  fr__table_init(table, "The whole study's footprint as a share of");
  fr__table_column_add(table, "Of", FR__ALIGN_LEFT, true);
  fr__table_column_add(table, "Emits", FR__ALIGN_RIGHT, false);
  fr__table_column_add(table, "The study is one in", FR__ALIGN_RIGHT, false);
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *row = json_array_get(list, i);
    const json_t *grams = json_object_get(row, "grams");
    const double share = json_number_value(json_object_get(row, "share"));
    char text[FR__TEXT] = FR__NOT_MEASURED;
    fr__figure emits = grams_of(json_number_value(grams));
    emits.known = json_is_number(grams);
    fr__table_add(table, fr__json_text(row, "name"));
    add_number(table, fr__format_figure(&emits));
    if (share > 0) {
      const double times = 1 / share;
      const double step = pow(10, floor(log10(times)) - 2); /* three digits are enough */
      fr__format_count(step >= 1 ? round(times / step) * step : times, text);
    }
    fr__table_add(table, text);
  }
}

void fr__grams_note(const fr__result *result, fr__buf *out) {
  char text[2 * FR__TEXT];
  const json_t *at = json_object_get(result->root, "intensity");
  const fr__figure grams = fr__json_figure(json_object_get(result->root, "grams"));
  const fr__figure intensity = fr__json_figure(at);
  fr__number_text number = fr__format_figure(&grams);
  fr__format_join(&number, text);
  fr__buf_add(out, text);
  if (!intensity.known)
    return;
  number = fr__format_figure(&intensity);
  fr__format_join(&number, text);
  fr__buf_printf(out, " at %s", text);
  const char *zone = fr__json_text(at, "zone"), *origin = fr__json_text(at, "origin");
  if (*zone != '\0' || *origin != '\0')
    fr__buf_printf(out, " (%s%s%s)", zone, *zone != '\0' && *origin != '\0' ? ", " : "",
                   origin);
}

/* ---- machine, phases, protocol ---- */

void fr__sensor_note(const fr__result *result, fr__buf *out) {
  const json_t *machine = json_object_get(result->root, "machine");
  const char *source = fr__json_text(machine, "source");
  double below, above;
  if (fr__result_modelled(result, &below, &above)) {
    fr__buf_add(out, "modelled");
    if (below >= 0 && above >= 0)
      fr__buf_printf(out, ", −%.0f\u00A0%% to +%.0f\u00A0%%", below * 100, above * 100);
  } else if (*source != '\0' && strcmp(source, "none") != 0) {
    fr__buf_printf(out, "measured by %s", source);
  } else {
    fr__buf_add(out, FR__NOT_MEASURED);
  }
}

void fr__tables_phases(const fr__result *result, fr__table *table) {
  const json_t *list = fr__json_array(result->root, "phases");
  fr__table_init(table, "Phases of all runs; energy shared in proportion to CPU time");
  fr__table_column_add(table, "Phase", FR__ALIGN_LEFT, false);
  fr__table_column_add(table, "Times", FR__ALIGN_RIGHT, false);
  fr__table_column_add(table, "Duration", FR__ALIGN_RIGHT, false);
  fr__table_column_add(table, "Energy", FR__ALIGN_RIGHT, true);
  fr__table_column_add(table, "Of the program", FR__ALIGN_RIGHT, true);
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *row = json_array_get(list, i);
    const char *path = fr__json_text(row, "path");
    fr__figure count = fr__json_figure(json_object_get(row, "count"));
    fr__figure duration = fr__json_figure(json_object_get(row, "duration_s"));
    duration.unit = "s";
    fr__table_add(table, *path != '\0' ? path : fr__json_text(row, "name"));
    add_number(table, fr__format_figure(&count));
    add_number(table, fr__format_figure(&duration));
    const fr__figure energy = fr__json_figure(json_object_get(row, "energy"));
    const fr__figure program = fr__json_figure(json_object_get(row, "program"));
    add_number(table, fr__format_figure(&energy));
    add_number(table, fr__format_figure(&program));
  }
}

/* A scalar as words; false where it is an array, an object or null. */
static bool put_scalar(const json_t *value, fr__buf *out) {
  if (json_is_string(value))
    fr__buf_add(out, json_string_value(value));
  else if (json_is_boolean(value))
    fr__buf_add(out, json_is_true(value) ? "yes" : "no");
  else if (json_is_number(value))
    fr__buf_printf(out, "%.10g", json_number_value(value));
  else
    return false;
  return true;
}

/* "code M, spec motionsense:…": what an object says in scalars. */
static void put_object(const json_t *object, fr__buf *out) {
  const char *key;
  json_t *value;
  bool any = false;
  json_object_foreach((json_t *)(uintptr_t)object, key, value) {
    fr__buf scalar;
    fr__buf_init(&scalar, 0);
    if (put_scalar(value, &scalar) && scalar.length > 0) {
      fr__buf_printf(out, "%s%s %s", any ? ", " : "", key, fr__buf_text(&scalar));
      any = true;
    }
    fr__buf_release(&scalar);
  }
}

static void put_setting(fr__table *table, const char *key, const json_t *value) {
  fr__buf text;
  if (json_is_array(value)) {
    for (size_t i = 0; i < json_array_size(value); i++)
      put_setting(table, key, json_array_get(value, i));
    return;
  }
  fr__buf_init(&text, 0);
  if (json_is_object(value))
    put_object(value, &text);
  else if (!put_scalar(value, &text))
    fr__buf_add(&text, "not told");
  put_words(table, key);
  fr__table_add(table, fr__buf_text(&text));
  fr__buf_release(&text);
}

void fr__tables_settings(const fr__result *result, fr__table *table) {
  const json_t *settings = json_object_get(result->root, "settings");
  const char *key;
  json_t *value;
  fr__table_init(table, "What every cell was run with");
  fr__table_column_add(table, "Setting", FR__ALIGN_LEFT, true);
  fr__table_column_add(table, "Value", FR__ALIGN_LEFT, true);
  json_object_foreach((json_t *)(uintptr_t)settings, key, value)
      put_setting(table, key, value);
}
