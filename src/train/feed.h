/* SPDX-License-Identifier: Apache-2.0 */
/* Where batches come from: the samples as they lie in the data set, or what frozen layers
 * made of them. */
#ifndef FR_TRAIN_FEED_H
#define FR_TRAIN_FEED_H

#include "frugal/data.h"
#include "frugal/nn.h"
#include "train/keep.h"

typedef struct fr__feed {
  size_t count;
  size_t width;  /* floats a sample: T * C as layer `from` takes it */
  size_t values; /* K of `value` */
  const float *const
      *x; /* (count) to (T, C), borrowed; NULL where `flat` holds the samples */
  const float *flat; /* (count, width), in `kept`: outputs of the frozen layers */
  fr__keep kept;
  const uint32_t *label;  /* (count), borrowed; NULL where `value` tells */
  const float *value;     /* (count, K), borrowed; NULL where `label` tells */
  const uint32_t *length; /* (count), borrowed; NULL: every sample has all steps */
  float *logits;          /* (count, K) of a teacher, owned; NULL: none are kept */
} fr__feed;

/* The arrays of one batch, in front of a network's layer `from`. */
typedef struct fr__batch {
  size_t size;      /* B, at most */
  float *x;         /* (B, width), owned */
  uint32_t *label;  /* (B), owned */
  float *value;     /* (B, K), owned */
  uint32_t *length; /* (B), owned */
  float *d_output;  /* (B, K), owned; NULL where nothing is trained */
  float *teacher;   /* (B, K) logits, owned; NULL where there is no teacher */
  /* Of batches whose samples are changed (fr__batch_reserve_augment). */
  float *work;     /* of one change, owned */
  float *partner;  /* (width) that a sample is mixed with, owned; NULL: none is mixed */
  uint32_t *other; /* (B) the partner's label, owned */
  float *share;    /* (B) of the sample itself, owned */
} fr__batch;

/* `width` floats a sample. */
enum fr_status fr__batch_init(fr__batch *batch, size_t size, size_t width, size_t classes,
                              bool train, fr_error *err);
/* Room for what changes the samples of a network that takes `input`. */
enum fr_status fr__batch_reserve_augment(fr__batch *batch, const fr_augment *augment,
                                         fr_shape input, fr_error *err);
enum fr_status fr__batch_reserve_teacher(fr__batch *batch, size_t classes, fr_error *err);
void fr__batch_set_teacher(fr__batch *batch, const float *logits, size_t n,
                           size_t classes);
void fr__batch_release(fr__batch *batch);

/* Checks shapes and labels against the network and borrows the samples. `what` names them
 * in messages: "training", "validation". */
enum fr_status fr__feed_init(fr__feed *feed, const fr_net *net, const fr_samples *samples,
                             const char *what, fr_error *err);
void fr__feed_release(fr__feed *feed);

/* Copies samples order[0 .. n-1] (NULL: `at`, at + 1 ...) with their targets into the
 * batch. */
void fr__feed_copy(const fr__feed *feed, const size_t *order, size_t at, size_t n,
                   fr__batch *batch, size_t classes);

/* The same, and tells `net` their lengths. */
void fr__feed_gather(const fr__feed *feed, const size_t *order, size_t at, size_t n,
                     fr__batch *batch, fr_net *net);

/* Tells another network the lengths of the gathered batch. */
void fr__feed_set_lengths(const fr__feed *feed, const fr__batch *batch, fr_net *net);

/* What the outputs for the gathered batch are compared with; with the teacher's, where
 * there is one, and mixed, where samples are, only if `train`. */
fr_targets fr__feed_targets(const fr__feed *feed, const fr__batch *batch, bool train);

/* Room for a teacher's logits, still to be filled. */
enum fr_status fr__feed_reserve_logits(const fr__feed *feed, size_t classes,
                                       float **logits, fr_error *err);

#endif
