/* SPDX-License-Identifier: Apache-2.0 */
/* Sequences packed into one array, and the index that says what each of them is. */
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "data/files.h"
#include "data/read_keypoints.h"

typedef struct packed {
  fr__gestures *gestures;
  const fr__npy *npy;
  fr__who who;
  fr__csv csv;
  uint32_t row, action, sequence; /* columns */
  bool *seen;                     /* (sequences) owned */
  size_t rows;                    /* of the index */
} packed;

bool fr__is_index(const char *name) { return fr__name_ends(name, FR__INDEX); }

static enum fr_status find_column(const fr__csv *csv, const char *name, uint32_t *out,
                                  fr_error *err) {
  *out = fr__csv_find(csv, name);
  return *out != FR_NONE ? FR_OK
                         : fr__fail(err, FR_ERR_FORMAT, "%s:%zu: column '%s' is missing",
                                    csv->name, csv->line, name);
}

static enum fr_status read_header(packed *p, fr_error *err) {
  bool more = false;
  enum fr_status status = fr__csv_next(&p->csv, &more, err);
  if (status == FR_OK && !more)
    status = fr__fail(err, FR_ERR_FORMAT, "%s: no header", p->csv.name);
  if (status == FR_OK)
    status = fr__csv_keep_header(&p->csv, err);
  if (status == FR_OK)
    status = find_column(&p->csv, "row", &p->row, err);
  if (status == FR_OK)
    status = find_column(&p->csv, "action", &p->action, err);
  return status == FR_OK ? find_column(&p->csv, "sequence", &p->sequence, err) : status;
}

/* The array's row that the index speaks of, of which it has not spoken yet. */
static enum fr_status read_place(packed *p, size_t *out, fr_error *err) {
  double row = 0;
  const enum fr_status status = fr__csv_number(&p->csv, p->row, &row, err);
  if (status != FR_OK)
    return status;
  if (!(row >= 0 && row < (double)p->npy->shape[0]) || row != (double)(size_t)row)
    return fr__csv_fail(&p->csv, p->row, "is no row of the array", err);
  *out = (size_t)row;
  if (p->seen[*out])
    return fr__csv_fail(&p->csv, p->row, "is there twice", err);
  p->seen[*out] = true;
  p->rows++;
  p->gestures->records++;
  return FR_OK;
}

static enum fr_status check_name(const packed *p, uint32_t column, fr_error *err) {
  if (column >= p->csv.count)
    return fr__csv_fail(&p->csv, column, "is missing", err);
  const fr__csv_field *const field = &p->csv.field[column];
  if (field->length == 0)
    return fr__csv_fail(&p->csv, column, "is no name", err);
  if (memchr(field->text, '\0', field->length) != NULL)
    return fr__csv_fail(&p->csv, column, "is no text", err);
  return FR_OK;
}

static enum fr_status add_sequence(packed *p, size_t place, fr_error *err) {
  const fr__csv_field *const action = &p->csv.field[p->action];
  const fr__csv_field *const sequence = &p->csv.field[p->sequence];
  const fr__gesture what = {&p->who, action->text, action->length, sequence->text,
                            sequence->length};
  const size_t steps = p->npy->shape[1], each = steps * p->npy->shape[2];
  fr__builder *const builder = &p->gestures->builder;
  fr_record about = {.steps = steps};
  enum fr_status status = fr__gestures_about(p->gestures, &what, &about, err);
  if (status != FR_OK)
    return status;
  float *const room = fr__builder_room(builder, steps, err);
  if (room == NULL)
    return FR_ERR_MEMORY;
  status = fr__npy_read(p->npy, place * each, each, room, err);
  return status == FR_OK ? fr__builder_add(builder, &about, NULL, err) : status;
}

static enum fr_status read_row(packed *p, fr_error *err) {
  const fr__csv_field *const action = &p->csv.field[p->action];
  size_t place = 0;
  enum fr_status status = read_place(p, &place, err);
  if (status == FR_OK)
    status = check_name(p, p->action, err);
  if (status == FR_OK)
    status = check_name(p, p->sequence, err);
  if (status != FR_OK || !fr__gestures_want(p->gestures, action->text, action->length))
    return status;
  return add_sequence(p, place, err);
}

static enum fr_status read_rows(packed *p, fr_error *err) {
  const size_t sequences = p->npy->shape[0];
  enum fr_status status = read_header(p, err);
  bool more = status == FR_OK;
  while (more) {
    status = fr__csv_next(&p->csv, &more, err);
    if (status == FR_OK && more)
      status = read_row(p, err);
    more = more && status == FR_OK;
  }
  if (status == FR_OK && p->rows != sequences)
    status = fr__fail(err, FR_ERR_FORMAT, "%s: it names %zu of the array's %zu sequences",
                      p->csv.name, p->rows, sequences);
  return status;
}

static enum fr_status check_shape(const char *name, const fr__npy *npy, fr_error *err) {
  if (npy->dimensions == 3 && npy->count > 0)
    return FR_OK;
  return fr__fail(err, FR_ERR_FORMAT,
                  "%s: it has an index, but is no array of (sequences, frames, numbers)",
                  name);
}

enum fr_status fr__gestures_packed(fr__gestures *g, const char *name, const fr__npy *npy,
                                   const fr__beside *index, fr_error *err) {
  packed p = {.gestures = g, .npy = npy};
  enum fr_status status = check_shape(name, npy, err);
  if (status == FR_OK)
    status = fr__gestures_width(g, name, npy->shape[2], err);
  if (status == FR_OK)
    status = fr__who_by_file(g, name, &p.who, err);
  if (status != FR_OK)
    return status;
  p.seen = calloc(npy->shape[0], sizeof *p.seen);
  fr__csv_init(&p.csv, index->name, index->text, index->size, ',');
  if (p.seen == NULL)
    status = fr__fail_memory(err, "an index");
  if (status == FR_OK)
    status = read_rows(&p, err);
  fr__csv_release(&p.csv);
  free(p.seen);
  return status;
}
