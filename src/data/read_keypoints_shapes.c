/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of one hand, a row each: the class's number, then 21 (x, y) from the wrist. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "data/files.h"
#include "data/read_keypoints.h"

#define WIDTH 42
#define CLASSES_CEILING 10000
#define ROWS 100 /* that follow each other are a trial, at most: they look alike */

typedef struct shapes {
  fr__gestures *gestures;
  fr__who who; /* trials are counted through all files: nothing else tells them apart */
  fr__csv csv, labels;
  fr__csv_field *label; /* (classes) their names; owned; NULL: numbers */
  size_t classes;
  int64_t class;   /* of the row before; -1: none */
  size_t rows;     /* of its trial */
  bool wanted;     /* the class is */
  fr_record about; /* of the next */
} shapes;

/* ---- classes ---- */

bool fr__is_label_list(const char *name) { return fr__name_ends(name, "_label.csv"); }

/* "keypoint_classifier_label.csv" of "keypoint.csv"; the shortest of several. */
static const fr__beside *find_labels(const fr__gestures *g, const char *name) {
  const size_t stem = strlen(name) - strlen(".csv");
  const fr__beside *found = NULL;
  for (size_t i = 0; i < g->besides; i++) {
    const fr__beside *const b = &g->beside[i];
    if (fr__is_label_list(b->name) && strncmp(b->name, name, stem) == 0 &&
        b->name[stem] == '_' && (found == NULL || strlen(b->name) < strlen(found->name)))
      found = b;
  }
  return found;
}

/* A name a row, the first column's. */
static enum fr_status read_labels(shapes *s, const fr__beside *list, fr_error *err) {
  bool more = true;
  enum fr_status status = FR_OK;
  fr__csv_init(&s->labels, list->name, list->text, list->size, ',');
  s->label = calloc(CLASSES_CEILING, sizeof *s->label);
  if (s->label == NULL)
    return fr__fail_memory(err, "labels");
  while (status == FR_OK) {
    status = fr__csv_next(&s->labels, &more, err);
    if (status != FR_OK || !more)
      break;
    const fr__csv_field name = s->labels.field[0];
    if (s->classes == CLASSES_CEILING)
      return fr__fail(err, FR_ERR_LIMIT, "%s: more than %d classes", list->name,
                      CLASSES_CEILING);
    if (name.length == 0 || memchr(name.text, '\0', name.length) != NULL)
      return fr__csv_fail(&s->labels, 0, "is no name", err);
    s->label[s->classes++] = name;
  }
  return status;
}

static enum fr_status read_class(const shapes *s, int64_t *out, fr_error *err) {
  double number = 0;
  const enum fr_status status = fr__csv_number(&s->csv, 0, &number, err);
  if (status != FR_OK)
    return status;
  if (!(number >= 0 && number < CLASSES_CEILING) || number != (double)(int64_t)number)
    return fr__csv_fail(&s->csv, 0, "is no class", err);
  if (s->label != NULL && number >= (double)s->classes)
    return fr__csv_fail(&s->csv, 0, "is a class without a label", err);
  *out = (int64_t)number;
  return FR_OK;
}

/* ---- rows ---- */

/* Names of the record: rows of one class that follow each other are a trial. */
static enum fr_status begin_row(shapes *s, int64_t class, fr_error *err) {
  fr__gestures *const g = s->gestures;
  char number[24], trial[24];
  const int digits = snprintf(number, sizeof number, "%lld", (long long)class);
  if (class == s->class && s->rows < ROWS) {
    s->rows++;
    s->about.start_s++;
    return FR_OK;
  }
  const int length = snprintf(trial, sizeof trial, "%zu", ++g->trials);
  const fr__csv_field sign =
      s->label != NULL ? s->label[class] : (fr__csv_field){number, (size_t)digits};
  const fr__gesture what = {&s->who, sign.text, sign.length, trial, (size_t)length};
  s->class = class;
  s->rows = 1;
  s->about = (fr_record){.steps = 1, .span_s = 1};
  s->wanted = fr__gestures_want(g, sign.text, sign.length);
  return s->wanted ? fr__gestures_about(g, &what, &s->about, err) : FR_OK;
}

static enum fr_status read_numbers(const fr__csv *csv, float *out, fr_error *err) {
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < WIDTH && status == FR_OK; i++) {
    double value = 0;
    status = fr__csv_number(csv, i + 1, &value, err);
    if (status == FR_OK && fabs(value) > (double)FLT_MAX)
      status = fr__csv_fail(csv, i + 1, "is too large", err);
    if (status == FR_OK)
      out[i] = (float)value;
  }
  return status;
}

static enum fr_status read_row(shapes *s, fr_error *err) {
  fr__builder *const builder = &s->gestures->builder;
  int64_t class = 0;
  if (s->csv.count != WIDTH + 1)
    return fr__fail(err, FR_ERR_FORMAT,
                    "%s:%zu: %zu columns; a hand's shape has 43, its class and 21 (x, y)",
                    s->csv.name, s->csv.line, s->csv.count);
  enum fr_status status = read_class(s, &class, err);
  if (status == FR_OK)
    status = begin_row(s, class, err);
  if (status != FR_OK)
    return status;
  float *const room = fr__builder_room(builder, 1, err);
  if (room == NULL)
    return FR_ERR_MEMORY;
  status = read_numbers(&s->csv, room, err);
  return status == FR_OK && s->wanted ? fr__builder_add(builder, &s->about, NULL, err)
                                      : status;
}

/* In a folder other tables are passed over. */
static enum fr_status read_rows(shapes *s, fr_error *err) {
  bool more = true;
  enum fr_status status = FR_OK;
  while (status == FR_OK) {
    status = fr__csv_next(&s->csv, &more, err);
    if (status != FR_OK || !more)
      break;
    if (s->csv.line == 1 && s->csv.count != WIDTH + 1 && !s->gestures->named)
      break;
    s->gestures->records++;
    status = read_row(s, err);
  }
  return status;
}

enum fr_status fr__gestures_shapes(fr__gestures *g, const char *name, char *text,
                                   size_t size, fr_error *err) {
  shapes s = {.gestures = g, .class = -1};
  const fr__beside *const list = find_labels(g, name);
  fr__csv_init(&s.csv, name, text, size, ',');
  enum fr_status status = fr__gestures_width(g, name, WIDTH, err);
  if (status == FR_OK)
    status = fr__who_by_file(g, name, &s.who, err);
  s.who.apart[0] = '\0';
  if (status == FR_OK && list != NULL)
    status = read_labels(&s, list, err);
  if (status == FR_OK)
    status = read_rows(&s, err);
  fr__csv_release(&s.csv);
  fr__csv_release(&s.labels);
  free(s.label);
  return status;
}
