/* SPDX-License-Identifier: Apache-2.0 */
/* index.html of a metered run: one file that needs nothing beside it. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "report/format.h"
#include "report/page.h"
#include "report/timeline.h"

#define ROWS 1000    /* ceiling of a table's rows; the rest is counted */
#define PROCESSES 20 /* likewise, of processes */

/* ---- cells ---- */

/* A measure or a bare number with its unit: "12.4 J (11.9–12.9)". */
static void add_figure(fr__table *table, const json_t *value, const char *unit) {
  char text[2 * FR__TEXT];
  fr__figure figure = fr__json_figure(value);
  if (*figure.unit == '\0')
    figure.unit = unit;
  const fr__number_text number = fr__format_figure(&figure);
  fr__format_join(&number, text);
  fr__table_add(table, text);
}

static void add_integer(fr__table *table, const json_t *value) {
  if (json_is_integer(value) && json_integer_value(value) != 0)
    fr__table_addf(table, "%lld", (long long)json_integer_value(value));
  else
    fr__table_add(table, "");
}

/* "transcribe 90 %, sh 5 %" */
static void add_shares(fr__table *table, const json_t *list) {
  fr__buf text;
  fr__buf_init(&text, 0);
  for (size_t i = 0; i < json_array_size(list) && i < 8; i++) {
    const json_t *of = json_array_get(list, i);
    const json_t *share = json_object_get(of, "share");
    fr__buf_add(&text, i > 0 ? ", " : "");
    fr__buf_add(&text, fr__json_text(of, "name"));
    if (json_is_number(share))
      fr__buf_printf(&text, " %.0f %%", 100 * json_number_value(share));
  }
  fr__table_add(table, fr__buf_text(&text));
  fr__buf_release(&text);
}

static void add_column(fr__table *table, const char *title, bool number) {
  fr__table_column_add(table, title, number ? FR__ALIGN_RIGHT : FR__ALIGN_LEFT, !number);
}

static void put_section(fr__buf *out, const char *title, fr__table *table, size_t left) {
  if (table->cells > 0)
    fr__page_element(out, "<section>\n<h2>", title, "</h2>\n");
  const bool any = table->cells > 0;
  fr__page_table(out, table);
  if (any && left > 0)
    fr__buf_printf(out, "<p class=\"soft\">and %zu more.</p>\n", left);
  if (any)
    fr__buf_add(out, "</section>\n");
}

static size_t left_of(const json_t *list, size_t shown) {
  return json_array_size(list) > shown ? json_array_size(list) - shown : 0;
}

/* ---- head ---- */

static void put_when(fr__buf *out, const char *name, int64_t utc_ns) {
  char when[FR__TIME_TEXT];
  if (utc_ns <= 0)
    return;
  fr__time_format(utc_ns, when);
  fr__page_fact(out, name, when);
}

/* "done, exit code 0" */
static void put_state(fr__buf *out, const fr__timeline *line) {
  const json_t *code = json_object_get(line->result, "exit_code");
  fr__buf state;
  fr__buf_init(&state, 0);
  fr__buf_add(&state, line->run.state);
  if (json_is_integer(code))
    fr__buf_printf(&state, ", exit code %lld", (long long)json_integer_value(code));
  fr__page_fact(out, "State", fr__buf_text(&state));
  fr__buf_release(&state);
}

static void put_sampling(fr__buf *out, const fr__timeline *line) {
  const json_t *interval = json_object_get(line->result, "interval_s");
  fr__buf text;
  fr__buf_init(&text, 0);
  fr__buf_printf(&text, "%zu", line->power.count);
  if (json_is_number(interval))
    fr__buf_printf(&text, ", every %.3g s", json_number_value(interval));
  if (line->power.marked > 0)
    fr__buf_printf(&text, "; %zu marked: bridged, or behind a gap", line->power.marked);
  fr__page_fact(out, "Samples", fr__buf_text(&text));
  fr__buf_release(&text);
}

static void put_facts(fr__buf *out, const fr__timeline *line) {
  fr__buf sensor;
  fr__buf_init(&sensor, 0);
  fr__buf_add(&sensor, fr__json_text(line->result, "sensor"));
  fr__buf_add(out, "<dl class=\"facts\">\n");
  if (sensor.length > 0) {
    fr__page_element(out, "<dt>Energy</dt><dd><span class=\"badge\">",
                     fr__buf_text(&sensor), "</span> ");
    fr__page_element(out, "<span class=\"soft\">", fr__json_text(line->result, "rule"),
                     "</span></dd>\n");
  }
  put_state(out, line);
  const char *began = fr__json_text(line->result, "began");
  fr__page_fact(out, "Recorded", began);
  put_when(out, *began != '\0' ? "Imported" : "Started", line->run.started_utc_ns);
  if (*began == '\0')
    put_when(out, "Ended", line->run.ended_utc_ns);
  fr__page_fact(out, "Machine", line->run.host);
  fr__page_fact(out, "Processor", line->run.cpu);
  put_sampling(out, line);
  fr__buf_add(out, "</dl>\n");
  fr__buf_release(&sensor);
}

/* ---- the chart ---- */

static void put_chart(fr__buf *out, const fr__meter_page *page) {
  if (page->broad == NULL || page->narrow == NULL) {
    fr__page_element(out, "<p class=\"missing\" role=\"note\">The chart is missing: ",
                     page->why, "; timeline.csv beside this page has its figures.</p>\n");
    return;
  }
  fr__buf_add(out, "<figure class=\"line\">\n<div class=\"broad\">");
  fr__buf_add(out, page->broad);
  fr__buf_add(out, "</div><div class=\"narrow\">");
  fr__buf_add(out, page->narrow);
  fr__buf_add(out, "</div>\n<figcaption>Power over time: the line is the mean of each "
                   "point, around it the least and the most. As files: timeline.svg, "
                   "timeline.png, timeline.csv.</figcaption></figure>\n");
}

/* ---- what it cost ---- */

static const struct {
  const char *key, *name;
} costs[] = {{"program", "The program's energy"},
             {"energy", "The machine's energy, idle included"},
             {"delta", "Above the machine's normal power"},
             {"normal_w", "Normal power"},
             {"core_seconds", "The program's CPU time"}};

static void add_cost(fr__table *table, const char *name, const json_t *value,
                     const char *unit) {
  fr__table_add(table, name);
  add_figure(table, value, unit);
  fr__table_add(table, fr__json_text(value, "source"));
}

static void add_bare(fr__table *table, const char *name, double number,
                     const char *unit) {
  json_t *value = isfinite(number) ? json_real(number) : json_null();
  add_cost(table, name, value, unit);
  json_decref(value);
}

static void put_costs(fr__buf *out, const fr__timeline *line) {
  fr__table table;
  const json_t *own = json_object_get(line->result, "meter");
  const json_t *duration = json_object_get(line->result, "duration_s");
  fr__table_init(&table, NULL);
  add_column(&table, "Figure", false);
  add_column(&table, "Value, 95 % interval", true);
  add_column(&table, "Source", false);
  for (size_t i = 0; i < sizeof costs / sizeof *costs; i++)
    if (line->result != NULL)
      add_cost(&table, costs[i].name, json_object_get(line->result, costs[i].key), "");
  if (line->result == NULL)
    add_bare(&table, "Energy of the samples", line->power.energy_j, "J");
  add_bare(&table, "Least power", line->power.min_w, "W");
  add_bare(&table, "Mean power", line->power.mean_w, "W");
  add_bare(&table, "Greatest power", line->power.max_w, "W");
  add_bare(&table, "Time",
           json_is_number(duration) && line->run.ended_utc_ns != 0
               ? json_number_value(duration)
               : line->span_s,
           "s");
  if (json_is_object(own))
    add_cost(&table, "The meter itself", json_object_get(own, "core_seconds"), "");
  put_section(out, "What it cost", &table, 0);
}

/* ---- phases, spikes, processes, domains ---- */

static void put_phases(fr__buf *out, const fr__timeline *line) {
  const json_t *list = fr__json_array(line->result, "phases");
  fr__table table;
  fr__table_init(&table, NULL);
  add_column(&table, "Phase", false);
  add_column(&table, "Times", true);
  add_column(&table, "Time", true);
  add_column(&table, "CPU time", true);
  add_column(&table, "Machine", true);
  add_column(&table, "Program", true);
  for (size_t i = 0; json_array_size(list) > 1 && i < json_array_size(list) && i < ROWS;
       i++) {
    const json_t *phase = json_array_get(list, i);
    fr__table_add(&table, fr__json_text(phase, "name"));
    add_integer(&table, json_object_get(phase, "count"));
    add_figure(&table, json_object_get(phase, "duration_s"), "s");
    add_figure(&table, json_object_get(phase, "core_s"), "core-s");
    add_figure(&table, json_object_get(phase, "energy"), "J");
    add_figure(&table, json_object_get(phase, "program"), "J");
  }
  put_section(out, "Phases", &table, left_of(list, ROWS));
}

static void put_spikes(fr__buf *out, const fr__timeline *line) {
  const json_t *list = fr__json_array(line->result, "spikes");
  fr__table table;
  fr__table_init(&table, NULL);
  add_column(&table, "Caused by", false);
  add_column(&table, "In phase", false);
  add_column(&table, "At", true);
  add_column(&table, "For", true);
  add_column(&table, "Height", true);
  add_column(&table, "Energy", true);
  for (size_t i = 0; i < json_array_size(list) && i < ROWS; i++) {
    const json_t *spike = json_array_get(list, i);
    add_shares(&table, fr__json_array(spike, "causes"));
    add_shares(&table, fr__json_array(spike, "phases"));
    add_figure(&table, json_object_get(spike, "start_s"), "s");
    add_figure(&table, json_object_get(spike, "duration_s"), "s");
    add_figure(&table, json_object_get(spike, "height_w"), "W");
    add_figure(&table, json_object_get(spike, "energy"), "J");
  }
  put_section(out, "Spikes", &table, left_of(list, ROWS));
}

/* What no process has: its own line, where it is told. */
static void add_rest(fr__table *table, const fr__timeline *line, const char *key,
                     const char *name) {
  const json_t *value = json_object_get(line->result, key);
  if (!json_is_object(value))
    return;
  fr__table_add(table, name);
  fr__table_add(table, "");
  fr__table_add(table, "");
  fr__table_add(table, "");
  add_figure(table, value, "J");
}

/* The greatest, of the program's first: it is what was metered. */
static size_t add_processes(fr__table *table, const json_t *list, bool of_program) {
  size_t shown = 0, all = 0;
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *process = json_array_get(list, i);
    if (json_is_true(json_object_get(process, "of_program")) != of_program)
      continue;
    if (++all > PROCESSES)
      continue;
    fr__table_add(table, fr__json_text(process, "name"));
    fr__table_add(table, of_program ? "the program" : "others");
    add_integer(table, json_object_get(process, "pid"));
    add_figure(table, json_object_get(process, "core_seconds"), "core-s");
    add_figure(table, json_object_get(process, "energy"), "J");
    shown++;
  }
  return all - shown;
}

static void put_processes(fr__buf *out, const fr__timeline *line) {
  const json_t *list = fr__json_array(line->result, "processes");
  fr__table table;
  fr__table_init(&table, NULL);
  add_column(&table, "Process", false);
  add_column(&table, "Of", false);
  add_column(&table, "PID", true);
  add_column(&table, "CPU time", true);
  add_column(&table, "Energy", true);
  size_t left = add_processes(&table, list, true);
  left += add_processes(&table, list, false);
  if (table.cells > 0) {
    add_rest(&table, line, "other_programs", "All other programs");
    add_rest(&table, line, "cards_at_rest", "Cards, nobody's");
    add_rest(&table, line, "at_rest", "The machine at rest");
  }
  put_section(out, "Processes", &table, left);
}

static void put_domains(fr__buf *out, const fr__timeline *line) {
  const json_t *list = fr__json_array(line->result, "domains");
  fr__table table;
  fr__table_init(&table, NULL);
  add_column(&table, "Counter", false);
  add_column(&table, "Counts", false);
  add_column(&table, "In the total", false);
  add_column(&table, "Energy", true);
  for (size_t i = 0; i < json_array_size(list) && i < ROWS; i++) {
    const json_t *domain = json_array_get(list, i);
    fr__table_add(&table, fr__json_text(domain, "name"));
    fr__table_add(&table, fr__json_text(domain, "kind"));
    fr__table_add(&table,
                  json_is_true(json_object_get(domain, "counted")) ? "yes" : "no");
    add_figure(&table, json_object_get(domain, "energy"), "J");
  }
  put_section(out, "Counters", &table, left_of(list, ROWS));
}

/* ---- the whole ---- */

static void put_provenance(fr__buf *out, const fr__timeline *line) {
  fr__page_element(out, "<section>\n<h2>Where this is from</h2>\n<p><code>",
                   line->run.argv, "</code></p>\n");
  fr__buf_printf(out, "<p class=\"soft\">Run %lld of the store, metered by frugal ",
                 (long long)line->run.id);
  fr__page_element(out, "", line->run.version, ". All figures: <code>frugal runs show ");
  fr__buf_printf(out,
                 "%lld --json -</code>; all samples: timeline.csv beside this page."
                 "</p>\n</section>\n",
                 (long long)line->run.id);
}

void fr__meter_page_write(const fr__meter_page *page, fr__buf *out) {
  const fr__timeline *line = page->line;
  char title[512];
  fr__timeline_title(line, title, sizeof title);
  fr__page_open(out, title, "a metered run");
  put_facts(out, line);
  if (strcmp(line->run.state, "cut off") == 0)
    fr__buf_add(
        out,
        "<p class=\"warning\" role=\"note\">This run was cut off: energies, phases and "
        "spikes are those told last, about a second before.</p>\n");
  fr__page_warnings(out, fr__json_array(line->result, "warnings"));
  put_chart(out, page);
  put_costs(out, line);
  put_phases(out, line);
  put_spikes(out, line);
  put_processes(out, line);
  put_domains(out, line);
  put_provenance(out, line);
  fr__buf_add(out, "</main>\n</body>\n</html>\n");
}
