/* SPDX-License-Identifier: Apache-2.0 */
/* A file of TFRecords that grows by whole records only. */
#ifndef FR_EVENTS_RECORD_H
#define FR_EVENTS_RECORD_H

#include <sys/types.h>

#include "frugal/base.h"

#define FR__RECORD_CEILING ((size_t)4 << 20) /* bytes of one record's data */

typedef struct fr__record {
  int fd;               /* -1: none */
  char *path;           /* owned */
  unsigned char *frame; /* owned; length, its checksum, data, their checksum */
  size_t capacity;      /* bytes of data that it has room for */
  off_t end;            /* of the last whole record */
  bool torn;            /* there may be bytes behind it */
} fr__record;

/* A file that is not there yet, in a folder that is; its name says second, host and
 * process, and a number where that is taken. */
enum fr_status fr__record_init(fr__record *record, const char *folder, int64_t utc_ns,
                               fr_error *err);
void fr__record_release(fr__record *record);

/* Room for `size` bytes of data, to be filled before fr__record_write; NULL where there
 * is none. Grows, and never shrinks: what fitted once fits without allocation. */
unsigned char *fr__record_room(fr__record *record, size_t size, fr_error *err);

/* Appends the room's first `size` bytes as one record; the file ends at a whole record
 * again where that fails. */
enum fr_status fr__record_write(fr__record *record, size_t size, fr_error *err);

#endif
