/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of extending share. */
#ifndef FR_ADAPT_EXTEND_H
#define FR_ADAPT_EXTEND_H

#include "frugal/extend.h"

/* Weight (inputs, classes) and bias (classes) of the layer `head`; the network's. */
typedef struct fr__extend_rows {
  size_t inputs, classes;
  float *weight, *bias;
} fr__extend_rows;

fr__extend_rows fr__extend_rows_of(const fr_net *net, size_t head);

/* Of one shape. */
void fr__extend_rows_copy(const fr__extend_rows *from, const fr__extend_rows *to);

/* Where each of `classes` stands among `old_classes`, FR_NONE: it is new. FR_ERR_ARGUMENT
 * where an old one is missing, a name occurs twice, or none is new. `from` is (classes).
 */
enum fr_status fr__extend_map(const fr_names *old_classes, const fr_names *classes,
                              uint32_t *from, fr_error *err);

/* Samples as they are and as the head sees them, of the same labels. */
typedef struct fr__extend_side {
  fr_samples raw, seen; /* subsets; their arrays are owned */
  float *features;      /* what seen.x points into; owned */
} fr__extend_side;

/* The marked samples, run through the layers before `head`, in batches of `batch`. Phase:
 * features. *operations grows. */
enum fr_status fr__extend_see(fr_net *net, size_t head, const fr_samples *samples,
                              const bool *mark, size_t batch, const fr_observer *observer,
                              fr__extend_side *out, uint64_t *operations, fr_error *err);
void fr__extend_side_release(fr__extend_side *side);

/* Which samples can be trained on: of a new class the first `shots` (0: all), of an old
 * one up to so many that replay has a choice, evenly spread. */
enum fr_status fr__extend_candidates(const fr_samples *train, const uint32_t *from,
                                     size_t classes, const fr_extend_options *extend,
                                     bool *mark, fr_error *err);

/* Leaves of the old classes in `side` those that herding chooses, `replay` each. Phase:
 * choose. */
enum fr_status fr__extend_thin(fr__extend_side *side, const uint32_t *from,
                               size_t classes, size_t replay, const fr_observer *observer,
                               uint64_t *operations, fr_error *err);

/* Rows of the new classes from the means of their samples' features. */
enum fr_status fr__extend_imprint(const fr__extend_rows *rows, const uint32_t *from,
                                  const fr_samples *seen, fr_error *err);

/* Scales the rows of new classes to the mean length of the old ones'. */
void fr__extend_align(const fr__extend_rows *rows, const uint32_t *from);

#endif
