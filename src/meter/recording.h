/* SPDX-License-Identifier: Apache-2.0 */
/* timeline.csv of a recording: what changed when. meter/world.h has the format. */
#ifndef FR_METER_RECORDING_H
#define FR_METER_RECORDING_H

#include "frugal/base.h"

/* Something that changes: a file, a perf event, a register. */
typedef struct fr__item {
  const char *path;  /* as fr__recording_key writes it */
  const char *value; /* now; NULL: as the recording's files have it */
  int error;         /* errno of a read now; 0: none */
  uint32_t next;     /* in the hash chain, FR_NONE ends it */
} fr__item;

typedef struct fr__row {
  uint64_t t_ns;
  const char *value; /* NULL with an error */
  int error;
  uint32_t item;
} fr__row;

typedef struct fr__gap {
  uint64_t from_ns, to_ns;
  uint64_t before_ns; /* all gaps before, together */
} fr__gap;

typedef struct fr__recording {
  char *text; /* owned; rows and items point into it */
  fr__row *row;
  size_t count, capacity;
  fr__item *item;
  size_t items, item_capacity;
  uint32_t *bucket; /* first item of each hash value */
  fr__gap *gap;     /* suspends, in order of time */
  size_t gaps;
  size_t jumps; /* the clock went back */
  size_t at;    /* the next row */
  uint64_t now_ns, end_ns;
} fr__recording;

#define FR__RECORDING_CEILING ((size_t)1 << 29) /* bytes of timeline.csv */
#define FR__RECORDING_ITEMS 65536
#define FR__RECORDING_PATH 256

/* Reads FOLDER/timeline.csv; the clock stands at 0, the rows of t_ns 0 done. Release it
 * in any case. */
enum fr_status fr__recording_load(const char *folder, fr__recording *out, fr_error *err);
void fr__recording_release(fr__recording *recording);

/* One way to write a path: without a leading '/', registers in hexadecimal, perf events
 * without their device; false where it is too long. */
bool fr__recording_key(const char *path, char key[FR__RECORDING_PATH]);

/* NULL where nothing ever changes there. */
fr__item *fr__recording_find(const fr__recording *recording, const char *path);

bool fr__recording_move(fr__recording *recording, uint64_t t_ns);
void fr__recording_rewind(fr__recording *recording);

/* Suspended time before `t_ns`. */
uint64_t fr__recording_asleep_ns(const fr__recording *recording, uint64_t t_ns);

#endif
