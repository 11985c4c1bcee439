/* SPDX-License-Identifier: Apache-2.0 */
/* A growing text buffer with a ceiling. It keeps its first failure, so that a run of
 * appends needs one check at its end. */
#ifndef FR_BASE_BUF_H
#define FR_BASE_BUF_H

#include "frugal/base.h"

typedef struct fr__buf {
  char *text;    /* owned; always NUL-terminated once anything was appended */
  size_t length; /* without the NUL */
  size_t capacity;
  size_t ceiling;        /* bytes; 0 means FR__BUF_CEILING */
  enum fr_status status; /* the first failure; later appends do nothing */
} fr__buf;

#define FR__BUF_CEILING ((size_t)64 << 20)

void fr__buf_init(fr__buf *buf, size_t ceiling);
void fr__buf_release(fr__buf *buf);
void fr__buf_clear(fr__buf *buf); /* empty, ready for use again, storage kept */
void fr__buf_add(fr__buf *buf, const char *text);
void fr__buf_add_bytes(fr__buf *buf, const void *bytes, size_t count);
void fr__buf_printf(fr__buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "" where nothing was appended. */
const char *fr__buf_text(const fr__buf *buf);
/* The text, owned by the caller (free), the buffer empty again; NULL after a failure. */
char *fr__buf_detach(fr__buf *buf);

#endif
