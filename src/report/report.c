/* SPDX-License-Identifier: Apache-2.0 */
#include "frugal/report.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "report/page.h"

#define NARROWEST 20 /* columns of a terminal */
#define WIDEST 1000

static void report_release(fr__report *report) {
  for (size_t i = 0; i < report->charts; i++)
    fr__chart_release(&report->chart[i]);
  free(report->chart);
  for (size_t i = 0; i < report->grids; i++)
    fr__grid_release(&report->grid[i]);
  free(report->grid);
  fr__fronts_free(report->front, report->fronts);
  fr__result_release(&report->result);
  *report = (fr__report){0};
}

static enum fr_status lay_out(fr__report *report, fr_error *err) {
  const size_t groups = report->result.groups;
  report->grid = calloc(groups + 1, sizeof *report->grid);
  report->chart = calloc(groups * FR__PLOTS + 1, sizeof *report->chart);
  if (report->grid == NULL || report->chart == NULL)
    return fr__fail_memory(err, "a report");
  report->charts = groups * FR__PLOTS;
  for (size_t g = 0; g < groups; g++) {
    const enum fr_status status =
        fr__grid_init(&report->result, &report->result.group[g], &report->grid[g], err);
    if (status != FR_OK)
      return status;
    report->grids++;
  }
  return FR_OK;
}

static enum fr_status report_init(fr_store *store, int64_t run, fr__report *out,
                                  fr_error *err) {
  *out = (fr__report){0};
  enum fr_status status = fr__result_load(store, run, &out->result, err);
  if (status == FR_OK)
    status = lay_out(out, err);
  if (status == FR_OK)
    status = fr__fronts_read(&out->result, &out->front, &out->fronts, err);
  if (status != FR_OK)
    report_release(out);
  return status;
}

/* ---- charts ---- */

/* "energy" for the first group, "energy-NAME" for the others, in letters that any file
 * system takes; the group's number where its name has none or is long. */
static void name_chart(fr__chart *chart, size_t g, const char *group) {
  static const char *const plot[FR__PLOTS] = {"energy", "accuracy", "trade"};
  char slug[33];
  size_t n = 0;
  for (const char *c = group; *c != '\0' && n + 1 < sizeof slug; c++)
    if (isalnum((unsigned char)*c))
      slug[n++] = (char)tolower((unsigned char)*c);
  slug[n] = '\0';
  if (g == 0)
    snprintf(chart->stem, sizeof chart->stem, "%s", plot[chart->plot]);
  else if (n == 0 || n + 1 == sizeof slug)
    snprintf(chart->stem, sizeof chart->stem, "%s-group%zu", plot[chart->plot], g + 1);
  else
    snprintf(chart->stem, sizeof chart->stem, "%s-%s", plot[chart->plot], slug);
}

/* Two groups whose names differ only in what a slug leaves out. */
static void tell_apart(fr__report *report, size_t i, size_t g) {
  fr__chart *chart = &report->chart[i];
  for (size_t j = 0; j < i; j++)
    if (strcmp(report->chart[j].stem, chart->stem) == 0)
      name_chart(chart, g, "");
}

static enum fr_status draw_charts(fr__report *report, const char *directory, bool *all,
                                  fr_error *err) {
  *all = true;
  for (size_t i = 0; i < report->charts; i++) {
    fr__chart *chart = &report->chart[i];
    const size_t g = i / FR__PLOTS;
    chart->grid = &report->grid[g];
    chart->plot = (enum fr__plot)(i % FR__PLOTS);
    if (chart->grid->crowded ||
        (!fr__panel_has(chart->grid, chart->plot, FR__PANEL_TRAIN) &&
         !fr__panel_has(chart->grid, chart->plot, FR__PANEL_TEST)))
      continue;
    name_chart(chart, g, chart->grid->group->name);
    tell_apart(report, i, g);
    const enum fr_status status = fr__chart_draw(chart, directory, err);
    if (status != FR_OK)
      return status;
    *all = *all && chart->drawn;
  }
  return FR_OK;
}

/* "front" for the first data set, "front-CODE" for the others; their number where two
 * codes have the same letters. */
static void name_front(fr__report *report, size_t i) {
  fr__front *front = &report->front[i];
  size_t n =
      (size_t)snprintf(front->stem, sizeof front->stem, i == 0 ? "front" : "front-");
  for (const char *c = front->data; i > 0 && *c != '\0' && n < 40; c++)
    if (isalnum((unsigned char)*c))
      front->stem[n++] = (char)tolower((unsigned char)*c);
  front->stem[n] = '\0';
  for (size_t k = 0; k < i; k++)
    if (strcmp(report->front[k].stem, front->stem) == 0)
      snprintf(front->stem, sizeof front->stem, "front-data%zu", i + 1);
}

static enum fr_status draw_fronts(fr__report *report, const char *directory, bool *all,
                                  fr_error *err) {
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < report->fronts && status == FR_OK; i++) {
    name_front(report, i);
    status = fr__front_draw(&report->front[i], directory, err);
    *all = *all && report->front[i].drawn;
  }
  return status;
}

/* ---- files ---- */

static enum fr_status write_text(const char *directory, const char *name, fr__buf *text,
                                 fr_error *err) {
  if (text->status != FR_OK)
    return fr__fail(err, text->status, "'%s' cannot be composed: %s", name,
                    fr_status_text(text->status));
  char *path = fr__path_join(directory, name);
  if (path == NULL)
    return fr__fail_memory(err, "the path of a report");
  const enum fr_status status =
      fr__file_write(path, fr__buf_text(text), text->length, err);
  free(path);
  return status;
}

static void write_json(const fr__report *report, fr__buf *out) {
  char *text = json_dumps(report->result.root, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
  if (text == NULL) {
    out->status = FR_ERR_MEMORY;
    return;
  }
  fr__buf_add(out, text);
  fr__buf_add(out, "\n");
  free(text);
}

static void write_csv(const fr__report *report, fr__buf *out) {
  fr__csv_write(&report->result, out);
}

static enum fr_status write_files(const fr__report *report, const char *directory,
                                  fr_error *err) {
  static const struct {
    const char *name;
    void (*write)(const fr__report *report, fr__buf *out);
  } file[] = {{"results.json", write_json},
              {"results.csv", write_csv},
              {"index.html", fr__page_write}};
  enum fr_status status = FR_OK;
  for (size_t i = 0; status == FR_OK && i < sizeof file / sizeof *file; i++) {
    fr__buf text;
    fr__buf_init(&text, 0);
    file[i].write(report, &text);
    status = write_text(directory, file[i].name, &text, err);
    fr__buf_release(&text);
  }
  return status;
}

enum fr_status fr_report_study(fr_store *store, int64_t run, const char *directory,
                               bool *charts, fr_error *err) {
  fr__report report;
  bool drawn = false;
  enum fr_status status = report_init(store, run, &report, err);
  if (status != FR_OK)
    return status;
  status = fr__dir_make(directory, err);
  if (status == FR_OK)
    status = draw_charts(&report, directory, &drawn, err);
  if (status == FR_OK)
    status = draw_fronts(&report, directory, &drawn, err);
  if (status == FR_OK)
    status = write_files(&report, directory, err);
  if (status == FR_OK && charts != NULL)
    *charts = drawn;
  report_release(&report);
  return status;
}

enum fr_status fr_report_study_text(fr_store *store, int64_t run, size_t columns,
                                    char **text, fr_error *err) {
  fr__report report;
  fr__buf out;
  enum fr_status status = report_init(store, run, &report, err);
  if (status != FR_OK)
    return status;
  if (columns < NARROWEST)
    columns = NARROWEST;
  if (columns > WIDEST)
    columns = WIDEST;
  fr__buf_init(&out, 0);
  fr__text_write(&report, columns, &out, err);
  status = out.status;
  if (status == FR_OK)
    *text = fr__buf_detach(&out);
  else
    fr__fail(err, status, "the tables of run %lld cannot be composed: %s", (long long)run,
             fr_status_text(status));
  fr__buf_release(&out);
  report_release(&report);
  return status;
}
