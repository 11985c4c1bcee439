/* SPDX-License-Identifier: Apache-2.0 */
/* A study for the terminal. */
#include <string.h>

#include "report/page.h"
#include "report/tables.h"

static void put_table(fr__table *table, size_t columns, fr__buf *out, fr_error *err) {
  if (table->cells > 0 || table->status != FR_OK) {
    const enum fr_status status = fr__table_render(table, columns, out, err);
    if (out->status == FR_OK)
      out->status = status;
    fr__buf_add(out, "\n");
  }
  fr__table_release(table);
}

static void put_line(fr__buf *out, size_t columns, const char *label,
                     const fr__buf *text) {
  fr__buf line;
  fr__buf_init(&line, 0);
  fr__buf_printf(&line, "%s%s", label, fr__buf_text(text));
  fr__text_wrap(out, fr__buf_text(&line), columns, 0);
  fr__buf_release(&line);
}

static void put_head(const fr__result *result, size_t columns, fr__buf *out) {
  const json_t *machine = json_object_get(result->root, "machine");
  const char *rule = fr__json_text(machine, "rule");
  fr__buf note, name;
  fr__buf_init(&note, 0);
  fr__buf_init(&name, 0);
  fr__buf_add(&name, result->name);
  put_line(out, columns, "Study: ", &name);
  fr__sensor_note(result, &note);
  if (*rule != '\0')
    fr__buf_printf(&note, " (%s)", rule);
  put_line(out, columns, "Energy: ", &note);
  fr__buf_add(out, "\n");
  fr__buf_release(&name);
  fr__buf_release(&note);
}

static void put_grid(const fr__result *result, const fr__grid *grid, size_t columns,
                     fr__buf *out, fr_error *err) {
  const enum fr__quantity shown[] = {fr__grid_energy(grid), FR__ACCURACY};
  fr__text_wrap(out, grid->group->title, columns, 0);
  fr__buf_add(out, "\n");
  if (grid->crowded) {
    fr__table cells;
    fr__tables_cells(result, grid, &cells);
    put_table(&cells, columns, out, err);
    return;
  }
  for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
    fr__table table;
    fr__tables_quantity(result, grid, shown[i], &table);
    put_table(&table, columns, out, err);
  }
}

static void put_warnings(const fr__result *result, size_t columns, fr__buf *out) {
  const json_t *list = fr__json_array(result->root, "warnings");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *text = json_string_value(json_array_get(list, i));
    fr__buf line;
    fr__buf_init(&line, 0);
    fr__buf_add(&line, text == NULL ? "" : text);
    put_line(out, columns, "Warning: ", &line);
    fr__buf_release(&line);
  }
}

void fr__text_write(const fr__report *report, size_t columns, fr__buf *out,
                    fr_error *err) {
  static void (*const tables[])(const fr__result *, fr__table *) = {
      fr__tables_mechanisms, fr__tables_claims, fr__tables_break_even,
      fr__tables_equivalents};
  const fr__result *result = &report->result;
  put_head(result, columns, out);
  for (size_t i = 0; i < report->grids; i++)
    put_grid(result, &report->grid[i], columns, out, err);
  fr__buf grams;
  fr__buf_init(&grams, 0);
  fr__grams_note(result, &grams);
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    fr__table table;
    tables[i](result, &table);
    put_table(&table, columns, out, err);
  }
  put_line(out, columns, "Footprint of the whole study: ", &grams);
  fr__buf_clear(&grams);
  fr__budget_note(result, &grams);
  if (grams.length > 0)
    put_line(out, columns, "Budget: ", &grams);
  fr__buf_release(&grams);
  put_warnings(result, columns, out);
}
