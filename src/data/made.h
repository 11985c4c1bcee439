/* SPDX-License-Identifier: Apache-2.0 */
/* Records made of recorded ones of the same person and trial, raw key points: what
 * no_sign.c and shifted.c share. */
#ifndef FR_DATA_MADE_H
#define FR_DATA_MADE_H

#include "data/body.h"
#include "data/reader.h"

typedef struct fr__source {
  uint32_t record;
  bool moves; /* is not a held shape, which any order of its frames leaves what it is */
} fr__source;

typedef struct fr__maker {
  const fr_dataset *data;
  fr__body body;
  uint64_t seed, stream;
  fr__rng rng; /* of the present person and trial */
  fr__builder builder; /* has all of `data`, and what is made */
  uint32_t no_sign;    /* the activity */
  fr__source *source;  /* of the present person and trial; owned */
  size_t count;        /* of them */
  size_t lenders;      /* signs that the person's sources are of */
  float *rest, *spare; /* (width) each: frames in the making; one allocation */
  bool *lends;         /* (activities) of the present person; owned */
  uint32_t *times;     /* (activities, trials) likewise; owned */
} fr__maker;

/* FR_ERR_ARGUMENT as fr__no_sign_add; `key` is that of the spec. On failure nothing is
 * left. */
enum fr_status fr__maker_init(fr__maker *m, const fr_dataset *data, const char *key,
                              uint64_t seed, uint64_t stream, fr_error *err);
void fr__maker_release(fr__maker *m);

/* Calls `make` for each person's each trial with its sources in place, and chance of its
 * own: what is made of one trial does not depend on what is in another. Where a person's
 * signs have not all the same trials, only the largest group of signs that have lends. */
enum fr_status fr__maker_each(fr__maker *m,
                              enum fr_status (*make)(fr__maker *m, void *self,
                                                     fr_error *err),
                              void *self, fr_error *err);
/* Puts what was built into the place of *data, which is m->data. */
enum fr_status fr__maker_finish(fr__maker *m, fr_dataset **data, fr_error *err);

/* ---- draws ---- */

double fr__draw_between(fr__maker *m, double low, double high);
const fr_record *fr__draw_sign(fr__maker *m);
/* One of another activity than `a` has, where there is one. */
const fr_record *fr__draw_other(fr__maker *m, const fr_record *a);
const fr_record *fr__draw_moving(fr__maker *m); /* NULL: none moves */
/* A frame of hands at rest, or of none: in m->rest. */
void fr__draw_rest(fr__maker *m);

/* ---- pieces ---- */

/* Frame t of the record, its last one behind its end. */
const float *fr__made_frame(const fr__maker *m, const fr_record *r, size_t t);
/* A frame anywhere in it. */
const float *fr__made_any(fr__maker *m, const fr_record *r);
/* `share` (0 to 1) of `steps`, at least one. */
size_t fr__made_part(size_t steps, double share);
void fr__made_copy(const fr__maker *m, const fr_record *r, size_t from, size_t steps,
                   float *out);
/* `steps` of one frame, trembling as a sequence of the source does. */
void fr__made_hold(fr__maker *m, const float *frame, size_t steps, float *out);
/* Of a movement of `steps` frames between two others, `count` from its frame `first` on;
 * it starts and stops slowly: s(3 - 2s)s. */
void fr__made_move(const fr__maker *m, const float *from, const float *to, size_t steps,
                   size_t first, size_t count, float *out);

#endif
