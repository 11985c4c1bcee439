/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as a table, with a picture of the hours ahead. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bars.h"
#include "cli/grams.h"
#include "cli/plan_out.h"
#include "cli/when.h"
#include "report/table.h"

enum {
  MOST_ROWS = 15, /* of the table of regions; JSON has all */
  MOST_PIECES = 24,
  MOST_LEFT_OUT = 8,
  INDENT = 15
};

typedef struct page {
  const cli_plan_view *view;
  const fr_plan *plan;
  const fr_job *job;
  size_t columns;
  bool zones; /* the clock changes before the deadline: each time has its zone */
  fr__buf *text;
} page;

static const cli_planned_place *place_of(const page *p, const fr_option *option) {
  return &p->view->planning->place[option->place];
}

static int64_t start_of(const fr_option *option) {
  return option->schedule.piece[0].start_s;
}

/* A piece as its ends are shown. */
static cli_span shown_of(const page *p, const fr_option *option, size_t first,
                         size_t last) {
  const fr_timetable *s = &option->schedule;
  return (cli_span){cli_plan_shown(p->job, s->piece[first].start_s),
                    cli_plan_shown(p->job, s->piece[last].end_s)};
}

/* "what           text", broken at `columns`; releases `line`. */
static void add_line(const page *p, const char *what, fr__buf *line) {
  fr__buf wrapped;
  fr__buf_init(&wrapped, 0);
  fr__text_wrap(&wrapped, fr__buf_text(line), p->columns, INDENT);
  const char *text = fr__buf_text(&wrapped);
  fr__buf_printf(p->text, "%-14s %s", what, text + strspn(text, " "));
  fr__buf_release(&wrapped);
  fr__buf_release(line);
}

/* ---- what was asked ---- */

static void add_energy(const page *p) {
  const fr_measure m = p->job->energy_j;
  char energy[48], low[48], high[48];
  fr__buf line;
  fr__buf_init(&line, 0);
  cli_format_kwh(m.value, energy, sizeof energy);
  cli_format_kwh(m.low, low, sizeof low);
  cli_format_kwh(m.high, high, sizeof high);
  fr__buf_add(&line, energy);
  if (m.low < m.high)
    fr__buf_printf(&line, " (%s to %s)", low, high);
  fr__buf_printf(&line, "; %s", p->view->job->from);
  add_line(p, "energy", &line);
}

static void add_work(const page *p) {
  char work[48], deadline[CLI_WHEN_TEXT], least[48];
  const fr_job *job = p->job;
  fr__buf line;
  fr__buf_init(&line, 0);
  cli_span_format(job->duration_s, work, sizeof work);
  cli_when_format(cli_plan_shown(job, job->deadline_s), true, deadline);
  fr__buf_printf(&line, "%s by %s", work, deadline);
  if (job->interruptible)
    fr__buf_add(&line, ", may be interrupted");
  if (job->interruptible && job->min_piece_s > 0) {
    cli_span_format(job->min_piece_s, least, sizeof least);
    fr__buf_printf(&line, ", at least %s a piece", least);
  }
  add_line(p, "work", &line);
}

/* ---- what is known ---- */

static void add_last_value(const page *p, const cli_planned_place *place) {
  char when[CLI_WHEN_TEXT], age[48];
  const int64_t known_s = cli_plan_known_s(place);
  fr__buf line;
  if (known_s == FR_TIME_EARLIEST)
    return;
  fr__buf_init(&line, 0);
  cli_when_format(known_s, true, when);
  cli_span_format(p->job->now_s - known_s, age, sizeof age);
  if (known_s < p->job->now_s)
    fr__buf_printf(&line, "up to %s, %s before now", when, age);
  else
    fr__buf_printf(&line, "up to now, %s", when);
  add_line(p, "known", &line);
}

static void add_forecast(const page *p, const cli_planned_place *place) {
  const fr_forecast_skill *skill = &place->forecast.skill;
  fr__buf line;
  fr__buf_init(&line, 0);
  fr__buf_add(&line, place->forecast.method);
  if (skill->tested > 0)
    fr__buf_printf(&line, "; on past days %.3g g/kWh (%.0f %%) beside what came",
                   skill->mae, 100 * skill->mape);
  add_line(p, "forecast", &line);
}

static void add_place(const page *p, const char *what, const cli_planned_place *place) {
  char scope[FR_SCOPE_TEXT];
  fr__buf line;
  fr__buf_init(&line, 0);
  fr_scope_text(place->known.scope, scope);
  fr__buf_add(&line, place->site.name);
  if (place->known.zone[0] != '\0' && strcmp(place->known.zone, place->site.name) != 0)
    fr__buf_printf(&line, ", %s", place->known.zone);
  fr__buf_printf(&line, ": %.200s (%s%s), PUE %.4g%s", place->spec,
                 strcmp(scope, "not told") == 0 ? "scope " : "", scope, place->site.pue,
                 place->pue_known ? "" : " (not known)");
  if (place->constant)
    fr__buf_printf(&line, "; the same at all hours: %.150s", place->known.origin);
  add_line(p, what, &line);
  if (place->constant)
    return;
  add_last_value(p, place);
  add_forecast(p, place);
}

/* ---- the table ---- */

static void format_grams(double grams, char *text, size_t size) {
  const bool tons = fabs(grams) >= 1e6;
  cli_format_si(tons ? grams * 1e-6 : grams, tons ? "t" : "g", text, size);
}

typedef struct shown {
  bool pieces, mean, interval, chance, weekday;
  bool sure; /* all intervals are of the forecasts' errors */
} shown;

static void add_columns(const page *p, const shown *s, fr__table *table) {
  char zone[CLI_WHEN_TEXT], title[CLI_WHEN_TEXT + 8] = "Start";
  cli_zone_format(p->job->now_s, p->job->now_s, zone);
  if (!p->zones)
    (void)snprintf(title, sizeof title, "Start (%s)", zone);
  fr__table_column_add(table, "Region", FR__ALIGN_LEFT, true);
  fr__table_column_add(table, title, FR__ALIGN_LEFT, false);
  fr__table_column_add(table, "End", FR__ALIGN_LEFT, false);
  if (s->pieces)
    fr__table_column_add(table, "Pieces", FR__ALIGN_RIGHT, false);
  if (s->mean)
    fr__table_column_add(table, "g/kWh", FR__ALIGN_RIGHT, false);
  fr__table_column_add(table, "CO2e", FR__ALIGN_RIGHT, false);
  if (s->interval)
    fr__table_column_add(table, s->sure ? "95 % interval" : "Bounds", FR__ALIGN_RIGHT,
                         false);
  fr__table_column_add(table, "To now", FR__ALIGN_RIGHT, false);
  if (s->chance)
    fr__table_column_add(table, "Chance", FR__ALIGN_RIGHT, false);
}

static void add_interval(const fr_measure *grams, bool known, fr__table *table) {
  char low[48], high[48];
  format_grams(grams->low, low, sizeof low);
  format_grams(grams->high, high, sizeof high);
  if (known || grams->low < grams->high)
    fr__table_addf(table, "%s to %s", low, high);
  else
    fr__table_add(table, "");
}

/* What it saves, as people write it who look at grams: "-31 %". */
static void add_change(const page *p, double gain, fr__table *table) {
  const double percent = -100 * gain / p->plan->now.grams.value;
  if (!isfinite(percent))
    fr__table_add(table, "");
  else if (fabs(percent) < 0.05)
    fr__table_add(table, "0 %");
  else
    fr__table_addf(table, "%+.*f %%", fabs(percent) < 9.95 ? 1 : 0, percent);
}

/* "26 Mar 11:30" of "Sat 26 Mar 11:30"; "05:00" as it is. */
static const char *past_weekday(const char *when) {
  return *when >= '0' && *when <= '9' ? when : when + strcspn(when, " ") + 1;
}

static void add_option(const page *p, const shown *s, const char *name,
                       const fr_option *option, bool now, fr__table *table) {
  char start[CLI_WHEN_TEXT], end[CLI_WHEN_TEXT], grams[48];
  const cli_span whole = shown_of(p, option, 0, option->schedule.count - 1);
  cli_when_format(whole.start_s, p->zones, start);
  cli_when_after(whole.end_s, whole.start_s, p->zones, end);
  format_grams(option->grams.value, grams, sizeof grams);
  fr__table_addf(table, "%s%s", name, place_of(p, option)->constant ? " *" : "");
  fr__table_add(table, s->weekday ? start : past_weekday(start));
  fr__table_add(table, s->weekday ? end : past_weekday(end));
  if (s->pieces)
    fr__table_addf(table, "%zu", option->schedule.count);
  if (s->mean)
    fr__table_addf(table, "%.4g", option->schedule.mean_g_per_kwh);
  fr__table_add(table, grams);
  if (s->interval)
    add_interval(&option->grams, option->error_known, table);
  add_change(p, now ? (double)NAN : option->gain.value, table);
  if (s->chance && !now && !isnan(option->chance))
    fr__table_addf(table, "%.0f %%", floor(100 * option->chance + 1e-9));
  else if (s->chance)
    fr__table_add(table, "");
}

static bool any_chance(const fr_plan *plan) {
  for (size_t i = 0; i < plan->count; i++)
    if (!isnan(plan->option[i].chance))
      return true;
  return false;
}

static bool is_wide(const fr_option *option) {
  return option->grams.low < option->grams.high;
}

static bool any_interval(const fr_plan *plan) {
  for (size_t i = 0; i < plan->count; i++)
    if (is_wide(&plan->option[i]))
      return true;
  return false;
}

/* Not of the energy's or the source's own bounds alone, of which nobody told how sure
 * they are. */
static bool all_of_errors(const page *p) {
  for (size_t i = 0; i < p->plan->count; i++) {
    const fr_option *option = &p->plan->option[i];
    const bool of_errors = option->error_known && !place_of(p, option)->forecast.perfect;
    if (is_wide(option) && !of_errors)
      return false;
  }
  return true;
}

/* It has a row of its own. */
static bool is_now(const page *p, const fr_option *option) {
  return option->place == p->plan->home && option->schedule.count == 1 &&
         start_of(option) == p->job->now_s;
}

static void add_options(const page *p, const shown *s, fr__table *table) {
  const fr_plan *plan = p->plan;
  const size_t rows = plan->count < MOST_ROWS ? plan->count : MOST_ROWS;
  for (size_t i = 0; i < rows; i++)
    add_option(p, s, place_of(p, &plan->option[i])->site.name, &plan->option[i], false,
               table);
  for (size_t i = 0; plan->count == 1 && i < plan->alternatives; i++)
    if (!is_now(p, &plan->alternative[i]))
      add_option(p, s, "or", &plan->alternative[i], false, table);
  add_option(p, s, p->view->planning->home_told ? "now, at home" : "now, world's mean",
             &plan->now, true, table);
}

static size_t lines_of(const char *text) {
  size_t lines = 0;
  for (; *text != '\0'; text++)
    lines += *text == '\n';
  return lines;
}

/* *fits: each row has one line. */
static enum fr_status render(const page *p, const shown *s, fr__buf *out, bool *fits,
                             fr_error *err) {
  fr__table table;
  fr__table_init(&table, NULL);
  add_columns(p, s, &table);
  add_options(p, s, &table);
  const size_t rows = table.cells / table.columns;
  const enum fr_status status = fr__table_render(&table, p->columns, out, err);
  *fits = lines_of(fr__buf_text(out)) == rows + 2; /* titles, and the rule below them */
  fr__table_release(&table);
  return status;
}

/* The least wanted column goes first; false where all have gone that can. */
static bool show_less(shown *s) {
  bool *const order[] = {&s->interval, &s->mean, &s->pieces, &s->weekday, &s->chance};
  for (size_t i = 0; i < sizeof order / sizeof *order; i++)
    if (*order[i]) {
      *order[i] = false;
      return true;
    }
  return false;
}

static enum fr_status add_table(const page *p, fr_error *err) {
  shown s = {.pieces = p->job->interruptible,
             .mean = true,
             .interval = any_interval(p->plan),
             .sure = all_of_errors(p),
             .chance = any_chance(p->plan),
             .weekday = true};
  fr__buf out;
  fr__buf_init(&out, 0);
  bool fits = false;
  enum fr_status status = render(p, &s, &out, &fits, err);
  while (status == FR_OK && !fits && show_less(&s)) {
    fr__buf_clear(&out);
    status = render(p, &s, &out, &fits, err);
  }
  fr__buf_add(p->text, "\n");
  fr__buf_add(p->text, fr__buf_text(&out));
  fr__buf_release(&out);
  if (p->plan->count > MOST_ROWS)
    fr__buf_printf(p->text, "and %zu more, which --json tells\n",
                   p->plan->count - MOST_ROWS);
  return status;
}

/* ---- pieces, and what is left out ---- */

static void add_pieces(const page *p, const fr_option *option) {
  const fr_timetable *s = &option->schedule;
  char start[CLI_WHEN_TEXT], end[CLI_WHEN_TEXT];
  int64_t before_s = 0;
  fr__buf list;
  if (s->count < 2)
    return;
  fr__buf_init(&list, 0);
  for (size_t i = 0; i < s->count && i < MOST_PIECES; i++) {
    const cli_span piece = shown_of(p, option, i, i);
    if (i == 0)
      cli_when_format(piece.start_s, p->zones, start);
    else
      cli_when_after(piece.start_s, before_s, p->zones, start);
    cli_when_after(piece.end_s, piece.start_s, p->zones, end);
    before_s = piece.end_s;
    fr__buf_printf(&list, "%s%s to %s", i > 0 ? "; " : "", start, end);
  }
  if (s->count > MOST_PIECES)
    fr__buf_printf(&list, "; and %zu more", s->count - MOST_PIECES);
  fr__buf_add(p->text, "\n");
  add_line(p, "pieces", &list);
}

static void add_left_out(const page *p) {
  const fr_plan *plan = p->plan;
  size_t told = 0;
  for (size_t i = 0; i < plan->left_out_count; i++) {
    const cli_planned_place *place = &p->view->planning->place[plan->left_out[i].place];
    fr__buf line;
    if (place == p->view->planning->place && !p->view->planning->home_told)
      continue;
    if (told++ >= MOST_LEFT_OUT)
      continue;
    fr__buf_init(&line, 0);
    fr__buf_printf(&line, "%s: %s", place->site.name, plan->left_out[i].why);
    add_line(p, told == 1 ? "left out" : "", &line);
  }
  if (told > MOST_LEFT_OUT)
    fr__buf_printf(p->text, "%-14s and %zu more, which --json tells\n", "",
                   told - MOST_LEFT_OUT);
}

/* ---- the picture ---- */

static void add_picture(const page *p, const fr_option *option) {
  const cli_planned_place *place = place_of(p, option);
  const fr_timetable *s = &option->schedule;
  cli_span *mark = calloc(s->count, sizeof *mark);
  if (place->constant || mark == NULL) {
    free(mark);
    return;
  }
  for (size_t i = 0; i < s->count; i++)
    mark[i] = (cli_span){s->piece[i].start_s, s->piece[i].end_s};
  const cli_bars bars = {.series = &place->forecast.ahead,
                         .from_s = p->job->now_s,
                         .to_s = p->job->deadline_s,
                         .now_s = FR_TIME_EARLIEST,
                         .mark = mark,
                         .marks = s->count,
                         .name = "runs"};
  fr__buf_printf(p->text, "\ngCO2e/kWh ahead, %s\n", place->site.name);
  cli_bars_add(&bars, p->columns, p->text);
  free(mark);
}

/* ---- the whole ---- */

static bool clock_changes(const fr_job *job) {
  char zone[CLI_WHEN_TEXT];
  cli_zone_format(job->now_s, job->deadline_s, zone);
  return strchr(zone, ',') != NULL;
}

enum fr_status cli_plan_text(const cli_plan_view *view, size_t columns, fr__buf *text,
                             fr_error *err) {
  const fr_plan *plan = &view->planning->plan;
  const page p = {.view = view,
                  .plan = plan,
                  .job = &view->job->job,
                  .columns = columns,
                  .zones = clock_changes(&view->job->job),
                  .text = text};
  const fr_option *best = cli_plan_advised(plan);
  fr__buf words;
  if (view->job->energy_known)
    add_energy(&p);
  add_work(&p);
  add_place(&p, view->planning->home_told ? "home" : "compared with",
            &view->planning->place[0]);
  if (plan->count > 0 && place_of(&p, best) != view->planning->place)
    add_place(&p, "there", place_of(&p, best));
  const enum fr_status status = add_table(&p, err);
  add_left_out(&p);
  add_picture(&p, best);
  add_pieces(&p, best);
  fr__buf_init(&words, 0);
  cli_plan_words(view, &words);
  fr__buf_add(text, "\n");
  fr__text_wrap(text, fr__buf_text(&words), columns, 0);
  fr__buf_release(&words);
  return status;
}
