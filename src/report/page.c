/* SPDX-License-Identifier: Apache-2.0 */
/* index.html: one file that needs nothing beside it. */
#include "report/page.h"

#include <string.h>

#include "base/clock.h"
#include "report/format.h"
#include "report/tables.h"

void fr__page_text(fr__buf *out, const char *text) {
  for (; *text != '\0'; text++) {
    const char *entity = *text == '&'    ? "&amp;"
                         : *text == '<'  ? "&lt;"
                         : *text == '>'  ? "&gt;"
                         : *text == '"'  ? "&quot;"
                         : *text == '\'' ? "&#39;"
                                         : NULL;
    if (entity != NULL)
      fr__buf_add(out, entity);
    else if ((unsigned char)*text >= 0x20 || *text == '\n' || *text == '\t')
      fr__buf_add_bytes(out, text, 1);
  }
}

void fr__page_element(fr__buf *out, const char *open, const char *text,
                      const char *close) {
  fr__buf_add(out, open);
  fr__page_text(out, text);
  fr__buf_add(out, close);
}

/* ---- tables ---- */

static const char *class_of(const char *text) {
  if (strcmp(text, "holds") == 0)
    return "holds";
  if (strcmp(text, "does not hold") == 0)
    return "fails";
  if (strcmp(text, "undecided") == 0)
    return "open";
  if (strcmp(text, FR__NOT_MEASURED) == 0 || strcmp(text, "no such cell") == 0)
    return "absent";
  return NULL;
}

static void put_class(fr__buf *out, const char *const *word, size_t count) {
  bool any = false;
  for (size_t i = 0; i < count; i++) {
    if (word[i] == NULL)
      continue;
    fr__buf_add(out, any ? " " : " class=\"");
    fr__buf_add(out, word[i]);
    any = true;
  }
  if (any)
    fr__buf_add(out, "\"");
}

/* A number's interval, "(11.9–12.9)" at its end, is set apart. */
static void put_number(fr__buf *out, const char *text) {
  const char *open = strrchr(text, '(');
  if (open == NULL || open == text || open[-1] != ' ') {
    fr__page_text(out, text);
    return;
  }
  fr__buf value;
  fr__buf_init(&value, 0);
  fr__buf_add_bytes(&value, text, (size_t)(open - text));
  fr__page_text(out, fr__buf_text(&value));
  fr__page_element(out, "<span class=\"interval\">", open, "</span>");
  fr__buf_release(&value);
}

static void put_cell(fr__buf *out, const fr__table *table, size_t i) {
  const size_t c = i % table->columns;
  const bool right = table->column[c].align == FR__ALIGN_RIGHT, head = c == 0;
  const bool what = strcmp(table->column[c].title, "What") == 0;
  const char *const word[] = {right ? "r" : NULL, what ? "what" : NULL,
                              class_of(table->cell[i])};
  fr__buf_add(out, head ? "<th scope=\"row\"" : "<td");
  put_class(out, word, sizeof word / sizeof *word);
  fr__buf_add(out, ">");
  if (right)
    put_number(out, table->cell[i]);
  else
    fr__page_text(out, table->cell[i]);
  fr__buf_add(out, head ? "</th>" : "</td>");
}

static void put_head_row(fr__buf *out, const fr__table *table) {
  fr__buf_add(out, "<thead><tr>");
  for (size_t c = 0; c < table->columns; c++) {
    const bool right = table->column[c].align == FR__ALIGN_RIGHT;
    const bool what = strcmp(table->column[c].title, "What") == 0;
    const char *const word[] = {right ? "r" : NULL, what ? "what" : NULL};
    fr__buf_add(out, "<th scope=\"col\"");
    put_class(out, word, sizeof word / sizeof *word);
    fr__page_element(out, ">", table->column[c].title, "</th>");
  }
  fr__buf_add(out, "</tr></thead>\n");
}

void fr__page_table(fr__buf *out, fr__table *table) {
  if (table->status != FR_OK && out->status == FR_OK)
    out->status = table->status;
  if (table->cells > 0 && table->status == FR_OK) {
    /* Where the first column is a sentence, a phone shows it above its figures. */
    fr__buf_add(out, table->column[0].flexible
                         ? "<div class=\"wide\" tabindex=\"0\"><table class=\"stack\">"
                         : "<div class=\"wide\" tabindex=\"0\"><table>");
    if (table->caption != NULL)
      fr__page_element(out, "<caption>", table->caption, "</caption>");
    put_head_row(out, table);
    fr__buf_add(out, "<tbody>\n");
    for (size_t i = 0; i < table->cells; i++) {
      if (i % table->columns == 0)
        fr__buf_add(out, "<tr>");
      put_cell(out, table, i);
      if ((i + 1) % table->columns == 0)
        fr__buf_add(out, "</tr>\n");
    }
    fr__buf_add(out, "</tbody></table></div>\n");
  }
  fr__table_release(table);
}

/* ---- head ---- */

void fr__page_fact(fr__buf *out, const char *name, const char *text) {
  if (*text == '\0')
    return;
  fr__page_element(out, "<dt>", name, "</dt>");
  fr__page_element(out, "<dd>", text, "</dd>\n");
}

static void put_sensor(fr__buf *out, const fr__result *result) {
  const json_t *machine = json_object_get(result->root, "machine");
  fr__buf note;
  fr__buf_init(&note, 0);
  fr__sensor_note(result, &note);
  fr__page_element(out, "<dt>Energy</dt><dd><span class=\"badge\">", fr__buf_text(&note),
                   "</span> ");
  fr__page_element(out, "<span class=\"soft\">", fr__json_text(machine, "rule"),
                   "</span></dd>\n");
  fr__buf_release(&note);
}

static void put_facts(fr__buf *out, const fr__result *result) {
  const json_t *machine = json_object_get(result->root, "machine");
  const char *cpu = fr__json_text(machine, "cpu");
  const json_t *repeats = json_object_get(result->root, "repeats");
  const json_t *seed = json_object_get(result->root, "seed");
  fr__buf line;
  fr__buf_init(&line, 0);
  fr__buf_add(out, "<dl class=\"facts\">\n");
  put_sensor(out, result);
  fr__page_fact(out, "Processor", *cpu != '\0' ? cpu : result->host_cpu);
  if (json_is_integer(repeats))
    fr__buf_printf(&line, "%lld, seeds from %lld", (long long)json_integer_value(repeats),
                   (long long)json_integer_value(seed));
  fr__page_fact(out, "Repeats", fr__buf_text(&line));
  fr__buf_clear(&line);
  fr__grams_note(result, &line);
  fr__page_fact(out, "Footprint", fr__buf_text(&line));
  fr__buf_clear(&line);
  fr__budget_note(result, &line);
  fr__page_fact(out, "Budget", fr__buf_text(&line));
  if (result->started_utc_ns > 0) {
    char when[FR__TIME_TEXT];
    fr__time_format(result->started_utc_ns, when);
    fr__page_fact(out, "Started", when);
  }
  fr__buf_add(out, "</dl>\n");
  fr__buf_release(&line);
}

void fr__page_open(fr__buf *out, const char *title, const char *kind) {
  fr__buf_add(out,
              "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
              "<meta name=\"viewport\" content=\"width=device-width,"
              "initial-scale=1\">\n<meta name=\"generator\" content=\"frugal " FR_VERSION
              "\">\n");
  fr__page_element(out, "<title>", title, ": ");
  fr__page_element(out, "", kind, "</title>\n<style>\n");
  fr__buf_add(out, fr__page_style);
  fr__buf_add(out, "</style>\n</head>\n<body>\n<main>\n");
  fr__page_element(out, "<h1>", title, "</h1>\n");
}

static void put_head(fr__buf *out, const fr__result *result) {
  fr__page_open(out, result->name, "a frugal study");
  if (*result->description != '\0')
    fr__page_element(out, "<p>", result->description, "</p>\n");
  put_facts(out, result);
  fr__buf_add(out, "<p class=\"soft\">Figures are means over repeats; in brackets and as "
                   "error bars their 95 % interval over repeats. The error that the "
                   "energy sensor itself may have is told above; all cells share it, so "
                   "ratios are free of it.</p>\n");
}

void fr__page_warnings(fr__buf *out, const json_t *list) {
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *text = json_string_value(json_array_get(list, i));
    if (text != NULL)
      fr__page_element(out, "<p class=\"warning\" role=\"note\">", text, "</p>\n");
  }
}

/* ---- groups ---- */

static void put_chart(fr__buf *out, const fr__chart *chart) {
  if (chart->stem[0] == '\0')
    return;
  if (!chart->drawn) {
    fr__page_element(out, "<p class=\"missing\" role=\"note\">The chart \"", chart->stem,
                     "\" is missing: ");
    fr__page_element(out, "", chart->why.text,
                     "; the table below holds its figures.</p>\n");
    return;
  }
  fr__buf_add(out, "<figure><div class=\"panels\">\n");
  for (int p = 0; p < FR__PANELS; p++)
    if (chart->panel[p] != NULL)
      fr__buf_add(out, chart->panel[p]);
  fr__page_element(out,
                   "</div><figcaption>Error bars: 95 % interval over repeats. As files: ",
                   chart->stem, ".svg, ");
  fr__page_element(out, "", chart->stem, ".png.</figcaption></figure>\n");
}

static void put_quantity(fr__buf *out, const fr__result *result, const fr__grid *grid,
                         enum fr__quantity quantity) {
  fr__table table;
  fr__tables_quantity(result, grid, quantity, &table);
  fr__page_table(out, &table);
}

static void put_more(fr__buf *out, const fr__result *result, const fr__grid *grid) {
  static const enum fr__quantity more[] = {
      FR__ENERGY, FR__CORE_SECONDS, FR__MACRO_F1,   FR__BALANCED_ACCURACY,
      FR__EPOCHS, FR__OPERATIONS,   FR__PARAMETERS, FR__PRETRAINING,
      FR__GRAMS};
  fr__table ratios;
  fr__buf_add(out,
              "<details><summary>The machine's energy, core-seconds, macro-F1, epochs, "
              "sizes and all ratios</summary>\n");
  for (size_t i = 0; !grid->crowded && i < sizeof more / sizeof *more; i++)
    if (more[i] != fr__grid_energy(grid) && fr__grid_has(grid, more[i]))
      put_quantity(out, result, grid, more[i]);
  fr__tables_ratios(result, grid->group, &ratios);
  fr__page_table(out, &ratios);
  fr__buf_add(out, "</details>\n");
}

static void put_group(fr__buf *out, const fr__report *report, size_t g) {
  const fr__grid *grid = &report->grid[g];
  const fr__chart *chart = &report->chart[g * FR__PLOTS];
  fr__page_element(out, "<section>\n<h2>", grid->group->title, "</h2>\n");
  if (*grid->group->note != '\0')
    fr__page_element(out, "<p>", grid->group->note, "</p>\n");
  if (grid->crowded) {
    fr__table cells;
    fr__tables_cells(&report->result, grid, &cells);
    fr__page_table(out, &cells);
    put_more(out, &report->result, grid);
    fr__buf_add(out, "</section>\n");
    return;
  }
  fr__buf_add(out, "<h3>Energy</h3>\n");
  put_chart(out, &chart[FR__PLOT_ENERGY]);
  put_quantity(out, &report->result, grid, fr__grid_energy(grid));
  fr__buf_add(out, "<h3>Accuracy</h3>\n");
  put_chart(out, &chart[FR__PLOT_ACCURACY]);
  put_quantity(out, &report->result, grid, FR__ACCURACY);
  if (chart[FR__PLOT_TRADE].stem[0] != '\0' && chart[FR__PLOT_TRADE].drawn) {
    fr__buf_add(out, "<h3>What training costs and what it buys</h3>\n");
    put_chart(out, &chart[FR__PLOT_TRADE]);
  }
  put_more(out, &report->result, grid);
  fr__buf_add(out, "</section>\n");
}

/* ---- the rest ---- */

typedef void table_of(const fr__result *result, fr__table *table);

static void put_section(fr__buf *out, const fr__result *result, const char *key,
                        const char *title, table_of *fill, const char *remark) {
  fr__table table;
  if (json_object_get(result->root, key) == NULL)
    return;
  fr__buf_printf(out, "<section>\n<h2>%s</h2>\n", title);
  fill(result, &table);
  if (table.cells == 0)
    fr__buf_add(out, "<p class=\"soft\">None.</p>\n");
  fr__page_table(out, &table);
  if (*remark != '\0')
    fr__buf_printf(out, "<p class=\"soft\">%s</p>\n", remark);
  fr__buf_add(out, "</section>\n");
}

/* Of one data set: three panels, and who betters whom. */
static void put_front(fr__buf *out, const fr__front *front) {
  fr__page_element(out, "<h3>",
                   *front->data_name != '\0' ? front->data_name : front->data, "</h3>\n");
  if (!front->drawn) {
    fr__page_element(out, "<p class=\"missing\" role=\"note\">The chart is missing: ",
                     front->why.text, "; the tables below hold its figures.</p>\n");
  } else {
    fr__buf_add(out, "<figure><div class=\"panels\">\n");
    for (size_t p = 0; p < FR__FRONT_PANELS; p++)
      if (front->svg[p] != NULL)
        fr__buf_add(out, front->svg[p]);
    fr__page_element(
        out,
        "</div><figcaption>Filled: on the front, which the dashed stair joins; "
        "empty: another costs less and is right as often. Error bars: 95 % "
        "interval over repeats, among many points of the front alone. Names that find no "
        "room are in the table. As "
        "files: ",
        front->stem, ".svg, ");
    fr__page_element(out, "", front->stem, ".png.</figcaption></figure>\n");
  }
  fr__buf_add(out, "<details><summary>Who is bettered by whom</summary>\n");
  for (size_t p = 0; p < FR__FRONT_PANELS; p++) {
    fr__table table;
    fr__tables_front(front, p, &table);
    fr__page_table(out, &table);
  }
  fr__buf_add(out, "</details>\n");
}

static void put_fronts(fr__buf *out, const fr__report *report) {
  if (report->fronts == 0)
    return;
  fr__buf_add(out, "<section>\n<h2>Energy against accuracy</h2>\n");
  for (size_t i = 0; i < report->fronts; i++)
    put_front(out, &report->front[i]);
  fr__buf_add(out, "</section>\n");
}

static void put_mechanisms(fr__buf *out, const fr__result *result) {
  fr__table table;
  if (json_array_size(fr__json_array(result->root, "mechanisms")) == 0)
    return;
  fr__buf_add(out, "<section>\n<h2>What mechanisms save</h2>\n");
  fr__tables_mechanisms(result, &table);
  fr__page_table(out, &table);
  fr__buf_add(
      out, "<p class=\"soft\">A life is one training, what came before it, and as many "
           "tests as cost what a plain training does. Verdicts are those of paired "
           "t-tests over seeds, corrected by Holm's procedure over all mechanisms; "
           "\"no difference shown\" is not the same as none.</p>\n"
           "<details><summary>Cell by cell</summary>\n");
  fr__tables_effects(result, &table);
  fr__page_table(out, &table);
  fr__buf_add(out, "</details>\n</section>\n");
}

static void put_grams(fr__buf *out, const fr__result *result) {
  fr__table table;
  fr__buf note;
  fr__buf_init(&note, 0);
  fr__grams_note(result, &note);
  fr__page_element(out, "<section>\n<h2>Footprint</h2>\n<p>The whole study: ",
                   fr__buf_text(&note), ".</p>\n");
  fr__tables_equivalents(result, &table);
  fr__page_table(out, &table);
  fr__buf_add(out, "</section>\n");
  fr__buf_release(&note);
}

void fr__page_write(const fr__report *report, fr__buf *out) {
  const fr__result *result = &report->result;
  const json_t *runs = fr__json_array(result->root, "runs");
  put_head(out, result);
  fr__page_warnings(out, fr__json_array(result->root, "warnings"));
  if (json_array_size(fr__json_array(result->root, "claims")) > 0)
    put_section(
        out, result, "claims", "What the poster said and what was found",
        fr__tables_claims,
        "Ours is the mean of the cells that the statement is about, in brackets what "
        "their 95 % intervals span together. A statement holds where each cell's "
        "interval lies inside the range, does not hold where that of any lies "
        "outside, and is undecided across a bound or without an interval.");
  put_mechanisms(out, result);
  put_fronts(out, report);
  for (size_t g = 0; g < report->grids; g++)
    put_group(out, report, g);
  put_section(out, result, "break_even", "After how many tests it pays",
              fr__tables_break_even, "");
  put_grams(out, result);
  put_section(out, result, "settings", "Protocol", fr__tables_settings, "");
  put_section(out, result, "phases", "Phases", fr__tables_phases, "");
  fr__buf_printf(
      out,
      "<p class=\"soft\">%zu cell runs, kept in the store as parts of run %lld. "
      "All figures: results.json and results.csv beside this page.</p>\n",
      json_array_size(runs), (long long)result->run);
  fr__buf_add(out, "</main>\n</body>\n</html>\n");
}
