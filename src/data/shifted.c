/* SPDX-License-Identifier: Apache-2.0 */
#include "data/shifted.h"

#include <string.h>

#include "base/error.h"
#include "data/made.h"

#define STREAM_SHIFTED 0x73686966u /* of the seed: "shif" */
#define LEAST_LOST 0.03
#define MOST_LOST 0.3 /* of a sign; no_sign shows at most 0.4 of one */
#define LONGER 0.4    /* of a window: what the movement may last beyond what is seen */

/* Where hands come from, or go to: in m->rest. */
static void draw_place(fr__maker *m, const fr_record *r, const float *edge, bool late) {
  const size_t size = m->body.width * sizeof *m->rest;
  const size_t where = fr__rng_below(&m->rng, 3);
  if (where == 0) {
    const fr_record *const other = fr__draw_other(m, r);
    memcpy(m->rest, fr__made_frame(m, other, late ? other->steps - 1 : 0), size);
  } else if (where == 1) {
    fr__draw_rest(m);
  } else {
    memcpy(m->rest, edge, size);
    fr__body_away(&m->body, m->rest);
  }
}

/* Late: the sign is not over at the window's end. */
static void shift(fr__maker *m, const fr_record *r, float *out) {
  const size_t width = m->body.width, steps = r->steps;
  const size_t lost = fr__made_part(steps, fr__draw_between(m, LEAST_LOST, MOST_LOST));
  const size_t longer = fr__made_part(steps, fr__draw_between(m, 0, LONGER)) - 1;
  const size_t way = lost + longer, kept = steps - lost;
  const bool late = fr__rng_below(&m->rng, 2) == 0;
  const float *const edge = fr__made_frame(m, r, late ? 0 : steps - 1);
  draw_place(m, r, edge, late);
  if (late) {
    fr__made_move(m, m->rest, edge, way, longer, lost, out);
    fr__made_copy(m, r, 0, kept, out + lost * width);
  } else {
    fr__made_copy(m, r, lost, kept, out);
    fr__made_move(m, edge, m->rest, way, 0, lost, out + kept * width);
  }
}

static enum fr_status add_trial(fr__maker *m, void *self, fr_error *err) {
  const size_t count = *(const size_t *)self;
  enum fr_status status = FR_OK;
  for (size_t i = 0; status == FR_OK && i < count * m->count; i++) {
    const fr_record *const r = &m->data->record[m->source[i % m->count].record];
    float *const room = fr__builder_room(&m->builder, r->steps, err);
    if (room == NULL)
      return FR_ERR_MEMORY;
    shift(m, r, room);
    status = fr__builder_add(&m->builder, r, NULL, err);
  }
  return status;
}

enum fr_status fr__shifted_add(fr_dataset **data, size_t count, uint64_t seed,
                               fr_error *err) {
  fr__maker m;
  enum fr_status status = fr__maker_init(&m, *data, "shifted", seed, STREAM_SHIFTED, err);
  if (status != FR_OK)
    return status;
  status = fr__maker_each(&m, add_trial, &count, err);
  if (status == FR_OK)
    status = fr__maker_finish(&m, data, err);
  fr__maker_release(&m);
  return status;
}
