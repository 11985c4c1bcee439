/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events: TensorBoard event files. A folder below TensorBoard's --logdir is one run; each
 * writer has a file of its own in it. A record goes out whole, in one write, as soon as
 * it is given, so that a TensorBoard that is looking shows it; nothing is held back.
 *
 * A call that fails (a full disk) has left the file at its last whole record, and the run
 * may go on: the next call tries anew. Strings are UTF-8; steps may be any number that
 * grows. A writer is used by one thread at a time.
 */
#ifndef FRUGAL_EVENTS_H
#define FRUGAL_EVENTS_H

#include "frugal/base.h"

typedef struct fr_events fr_events;

#define FR_EVENTS_TAG_CEILING 1024               /* bytes of a tag, a name, a value */
#define FR_EVENTS_TEXT_CEILING ((size_t)1 << 20) /* bytes of fr_events_text */
#define FR_EVENTS_PARAMETER_CEILING 256          /* hyper-parameters, and metrics */
#define FR_EVENTS_BUCKETS 30                     /* of a histogram */

/* A new file "events.out.tfevents.SECONDS.HOST.PID.N.v2" in `folder`, which is made with
 * its parents where it is missing; files that are there are never touched. */
enum fr_status fr_events_new(const char *folder, fr_events **out, fr_error *err);

/* Closes the file; takes NULL. What was written is in the file already; who must know
 * that it is on the disk calls fr_events_flush before. */
void fr_events_free(fr_events *events);

/* Waits until the disk has all that was written. */
enum fr_status fr_events_flush(fr_events *events, fr_error *err);

const char *fr_events_path(const fr_events *events); /* of the file; the writer's */

/* Records that were given and could not be written: 1 after the first failure, which is
 * the one to tell people of. */
uint64_t fr_events_lost(const fr_events *events);

/* The wall time of the records from here on, ns since 1970 UTC; 0: the clock's, as at the
 * beginning. */
void fr_events_set_time(fr_events *events, int64_t utc_ns);

/* The run is taken up in this file: TensorBoard drops what other files of the folder, by
 * writers before this one, have of `step` and later steps, whatever the tag. Does not
 * allocate. */
enum fr_status fr_events_restart(fr_events *events, int64_t step, fr_error *err);

/* One point of a curve. A slash in the tag groups: "train/loss". Kept as float, which is
 * what TensorBoard draws; NaN and infinities are kept as such. Does not allocate. */
enum fr_status fr_events_scalar(fr_events *events, int64_t step, const char *tag,
                                double value, fr_error *err);

/*
 * How `value` (count) is distributed: FR_EVENTS_BUCKETS of equal width from the least to
 * the greatest finite value, each with its left edge, the last with its right edge, too;
 * all in the last where the values are one and the same; none without a finite value.
 * NaN and infinities are left out, and counted in *left_out, which may be NULL. Does not
 * allocate.
 */
enum fr_status fr_events_histogram(fr_events *events, int64_t step, const char *tag,
                                   const float *value /* (count) */, size_t count,
                                   size_t *left_out, fr_error *err);

/* Markdown, at most FR_EVENTS_TEXT_CEILING. */
enum fr_status fr_events_text(fr_events *events, int64_t step, const char *tag,
                              const char *markdown, fr_error *err);

enum fr_events_kind { FR_EVENTS_NUMBER, FR_EVENTS_STRING, FR_EVENTS_BOOLEAN };

/* A hyper-parameter; of number, string and boolean the one that `kind` names counts. */
typedef struct fr_events_parameter {
  const char *name; /* not empty, each but once */
  enum fr_events_kind kind;
  double number; /* finite */
  const char *string;
  bool boolean;
} fr_events_parameter;

/* What the HPARAMS tab shows of a run. */
typedef struct fr_events_session {
  const char *group; /* runs of one group are averaged (repeats); NULL: alone */
  const fr_events_parameter *parameter;
  size_t parameter_count;
  /* Tags of scalars. TensorBoard takes the list of one run for all that it shows; without
   * any (0) it makes columns of whatever parameters and scalars its runs have. */
  const char *const *metric;
  size_t metric_count;
} fr_events_session;

/* Once, at the beginning. */
enum fr_status fr_events_hparams(fr_events *events, const fr_events_session *session,
                                 fr_error *err);

enum fr_events_outcome { FR_EVENTS_SUCCESS, FR_EVENTS_FAILURE };

/* Once, at the end, after fr_events_hparams. A run that was killed has no outcome. */
enum fr_status fr_events_hparams_end(fr_events *events, enum fr_events_outcome outcome,
                                     fr_error *err);

#endif
