/* SPDX-License-Identifier: Apache-2.0 */
/* What a mechanism of a study file comes to: one recipe of how a cell is trained and
 * tested, made of one entry or of several together. */
#ifndef FR_STUDY_MECHANISM_H
#define FR_STUDY_MECHANISM_H

#include "study/study.h"

#include "frugal/prune.h"
#include "frugal/quantize.h"

/* What an entry sets; two that set the same thing do not go together. */
enum fr__sets {
  FR__SETS_TRANSFER = 1u << 0,
  FR__SETS_NETWORK = 1u << 1,
  FR__SETS_TEACHER = 1u << 2,
  FR__SETS_EPOCHS = 1u << 3,
  FR__SETS_BATCH = 1u << 4,
  FR__SETS_PATIENCE = 1u << 5,
  FR__SETS_RATE = 1u << 6,
  FR__SETS_SCHEDULE = 1u << 7,
  FR__SETS_PRECISION = 1u << 8,
  FR__SETS_AUGMENT = 1u << 9,
  FR__SETS_BALANCED = 1u << 10,
  FR__SETS_NORMALIZE = 1u << 11,
  FR__SETS_PRUNE = 1u << 12,
  FR__SETS_QUANTIZE = 1u << 13,
  /* how, where that matters to others */
  FR__SETS_TURN = 1u << 24,   /* turns vectors, by what the normaliser did to them */
  FR__SETS_WINDOW = 1u << 25, /* normalises each window by its own numbers */
  FR__SETS_AWARE = 1u << 26,  /* weights are trained on after all else */
  FR__SETS_REWIND = 1u << 27, /* goes back to the first weights */
  FR__SETS_SPARSE = 1u << 28, /* weights are 0 and have to stay so */
  FR__SETS_FROZEN = 1u << 29, /* layers that are not trained */
  FR__SETS_ARCH = 1u << 30    /* a network that no entry of `networks` names */
};

#define FR__MECHANISMS 1024 /* ceiling, pairs included */

/* The text of a kind of transfer, that is the name where no kind is told. */
const char *fr__mechanism_kind(const fr__study_mechanism *mechanism);
/* enum fr__sets of an entry, those that it is made of included. */
unsigned fr__mechanism_sets(const fr_study *study, const fr__study_mechanism *mechanism);
/* How many entries `mechanism` is made of, and which: itself, or those in `with`. */
size_t fr__mechanism_parts(const fr__study_mechanism *mechanism);
const fr__study_mechanism *
fr__mechanism_part(const fr_study *study, const fr__study_mechanism *mechanism, size_t i);
/* What is wrong with `sets` (enum fr__sets) at once; NULL: nothing. */
const char *fr__mechanism_impossible(unsigned sets);
/* Whether two do not go together: a reason; NULL: they do. */
const char *fr__mechanism_conflict(const fr_study *study, const fr__study_mechanism *a,
                                   const fr__study_mechanism *b);
/* Adds "a+b" for each two of the group's mechanisms that go together to the study and to
 * the group. */
enum fr_status fr__mechanism_pairs(fr_study *study, fr__study_group *group,
                                   fr_error *err);

typedef struct fr__recipe {
  unsigned sets;    /* enum fr__sets; 0: plain */
  size_t net;       /* of the study: the cell's, or that in its place */
  const char *arch; /* preset or layers; borrowed */
  fr_transfer_options transfer;
  size_t teacher;     /* a net of the study; SIZE_MAX: none */
  fr_augment augment; /* not bound; count 0: none */
  enum fr_normalize normalize;
  fr_prune_options prune; /* where FR__SETS_PRUNE */
  enum fr_scheme scheme;  /* where FR__SETS_QUANTIZE */
  fr_train_options train; /* but seed, augment and teacher */
} fr__recipe;

/* `mechanism` SIZE_MAX: from scratch. A study that is checked has no wrong texts left. */
fr__recipe fr__recipe_of(const fr_study *study, size_t mechanism, size_t net);
/* Whether there is anything to compare: a network does not take its own place. */
bool fr__recipe_applies(const fr_study *study, size_t mechanism, size_t net);

#endif
