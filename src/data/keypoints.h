/* SPDX-License-Identifier: Apache-2.0 */
/* Key points within the room: what is made of a data set of raw frames. */
#ifndef FR_DATA_KEYPOINTS_H
#define FR_DATA_KEYPOINTS_H

#include "data/reader.h"
#include "frugal/keypoints.h"

/*
 * *data, whose channels are the raw numbers of one layout, is replaced by its features
 * (each record from a reset on) and knows of what they were made (`frames`). `text` is
 * that of fr_keypoints_new; `layout` may be left out. A NaN is not found.
 */
enum fr_status fr__keypoints_derive(fr_dataset **data, const char *text, fr_error *err);

/* The keys of fr_keypoints_new that a spec may have, all but `layout`, in their order;
 * ended by NULL. */
extern const char *const fr__keypoints_keys[];
/* The text for fr__keypoints_derive: those of the spec's options that are among them, as
 * they stand. The text is the caller's, freed by free(). */
enum fr_status fr__keypoints_spec_text(const fr__spec *spec, char **out, fr_error *err);
/* What a spec of signs asks of raw frames: features=, no_sign=, shifted= and seed=. */
typedef struct fr__keypoints_asked {
  double no_sign;  /* share; 0: none is made */
  int64_t shifted; /* records of each sign; likewise */
  int64_t seed;
  bool raw; /* the numbers stay as they were recorded */
} fr__keypoints_asked;

enum fr_status fr__keypoints_ask(const fr__spec *spec, fr__keypoints_asked *out,
                                 fr_error *err);
/* *data, of raw frames, becomes that: with records of no sign, then shifted ones, then
 * features of all as the part "features" of the reading. On failure it is one of these,
 * the caller's as ever. */
enum fr_status fr__keypoints_make(const fr__spec *spec, const fr__keypoints_asked *asked,
                                  const fr_data_options *options, fr_dataset **data,
                                  fr_error *err);

#endif
