/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *fr_status_name(enum fr_status status) {
  switch (status) {
#define FR_STATUS_NAME(id, number, name, text)                                           \
  case id: return name;
    FR_STATUS_TABLE(FR_STATUS_NAME)
#undef FR_STATUS_NAME
  }
  return "unknown";
}

const char *fr_status_text(enum fr_status status) {
  switch (status) {
#define FR_STATUS_TEXT(id, number, name, text)                                           \
  case id: return text;
    FR_STATUS_TABLE(FR_STATUS_TEXT)
#undef FR_STATUS_TEXT
  }
  return "unknown status";
}

enum fr_status fr__fail(fr_error *err, enum fr_status status, const char *format, ...) {
  if (err == NULL)
    return status;
  va_list arguments;
  va_start(arguments, format);
  /* A sentence may quote the one it replaces, so it is written beside it first. */
  char text[sizeof err->text];
  const int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (length < 0)
    snprintf(text, sizeof text, "%s", fr_status_text(status));
  memcpy(err->text, text, sizeof text);
  err->status = status;
  return status;
}

static enum fr_status status_of_errno(int number) {
  switch (number) {
  case ENOMEM: return FR_ERR_MEMORY;
  case EACCES:
  case EPERM: return FR_ERR_PERMISSION;
  case ENOENT: return FR_ERR_NOT_FOUND;
  default: return FR_ERR_IO;
  }
}

/* strerror_r has two shapes in the wild (POSIX returns int, GNU char *): both fill or
 * return. */
static const char *text_of_errno(int number, char *room, size_t size) {
#if defined(__GLIBC__) && defined(_GNU_SOURCE)
  return strerror_r(number, room, size);
#else
  return strerror_r(number, room, size) == 0 ? room : "unknown error";
#endif
}

enum fr_status fr__fail_errno(fr_error *err, int number, const char *format, ...) {
  const enum fr_status status = status_of_errno(number);
  if (err == NULL)
    return status;
  char text[sizeof err->text];
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  char room[128];
  return fr__fail(err, status, "%s: %s", length < 0 ? "?" : text,
                  text_of_errno(number, room, sizeof room));
}

enum fr_status fr__fail_memory(fr_error *err, const char *what) {
  return fr__fail(err, FR_ERR_MEMORY, "out of memory for %s", what);
}
