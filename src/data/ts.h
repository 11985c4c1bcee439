/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text format of the UEA and UCR archives, as sktime and aeon read and write it:
 * comments (#) and a header (@key value ...) up to @data, then a case a line; channels
 * are parted by ':', values by ',', the class comes last.
 */
#ifndef FR_DATA_TS_H
#define FR_DATA_TS_H

#include "data/reader.h"

#define FR__TS_CHANNELS 65536 /* at most, of a case */
#define FR__TS_CLASSES 4096
#define FR__TS_NAME 256 /* bytes of a class's name */

typedef struct fr__ts {
  const char *name; /* for messages; borrowed */
  const char *at, *end;
  size_t line;      /* last read; the first is 1 */
  size_t channels;  /* of each case; 0: not told yet */
  size_t length;    /* steps of each case; 0: not told */
  bool equal;       /* @equalLength true */
  bool labelled;    /* a class stands last */
  bool listed;      /* the header lists all classes */
  fr_names classes; /* that it lists, else those that occurred */
} fr__ts;

/* A case: a line's pieces, into the file's text. */
typedef struct fr__ts_case {
  const char *from, *to; /* the channels */
  size_t steps;          /* of each channel, padding included */
  uint32_t label;        /* into `classes`; FR_NONE: not told ('?') or none */
} fr__ts_case;

/* Reads the header of `size` bytes at `text`, which must outlive the cursor. */
enum fr_status fr__ts_init(fr__ts *ts, const char *name, const char *text, size_t size,
                           fr_error *err);
void fr__ts_release(fr__ts *ts);

/* The next case; *more is false behind the last one. */
enum fr_status fr__ts_next(fr__ts *ts, fr__ts_case *out, bool *more, fr_error *err);

/* Its values to out (steps, channels), NaN where one is missing ("?", "NaN"). */
enum fr_status fr__ts_values(const fr__ts *ts, const fr__ts_case *it, float *out,
                             fr_error *err);

#endif
