/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fr__buf_init(fr__buf *buf, size_t ceiling) { *buf = (fr__buf){.ceiling = ceiling}; }

void fr__buf_release(fr__buf *buf) {
  free(buf->text);
  *buf = (fr__buf){.ceiling = buf->ceiling};
}

void fr__buf_clear(fr__buf *buf) {
  buf->length = 0;
  buf->status = FR_OK;
  if (buf->text != NULL)
    buf->text[0] = '\0';
}

/* Room for `more` bytes and the NUL; false, and the status kept, where there is none. */
static bool reserve(fr__buf *buf, size_t more) {
  if (buf->status != FR_OK)
    return false;
  const size_t ceiling = buf->ceiling != 0 ? buf->ceiling : FR__BUF_CEILING;
  if (more >= ceiling || buf->length >= ceiling - more) {
    buf->status = FR_ERR_LIMIT;
    return false;
  }
  const size_t need = buf->length + more + 1;
  if (need <= buf->capacity)
    return true;
  size_t capacity = buf->capacity != 0 ? buf->capacity : 256;
  while (capacity < need)
    capacity *= 2;
  char *text = realloc(buf->text, capacity);
  if (text == NULL) {
    buf->status = FR_ERR_MEMORY;
    return false;
  }
  buf->text = text;
  buf->capacity = capacity;
  return true;
}

void fr__buf_add_bytes(fr__buf *buf, const void *bytes, size_t count) {
  if (!reserve(buf, count))
    return;
  if (count != 0)
    memcpy(buf->text + buf->length, bytes, count);
  buf->length += count;
  buf->text[buf->length] = '\0';
}

void fr__buf_add(fr__buf *buf, const char *text) {
  fr__buf_add_bytes(buf, text, strlen(text));
}

void fr__buf_printf(fr__buf *buf, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  if (length < 0) {
    buf->status = buf->status != FR_OK ? buf->status : FR_ERR_ARGUMENT;
    return;
  }
  if (!reserve(buf, (size_t)length))
    return;
  va_start(arguments, format);
  vsnprintf(buf->text + buf->length, (size_t)length + 1, format, arguments);
  va_end(arguments);
  buf->length += (size_t)length;
}

const char *fr__buf_text(const fr__buf *buf) {
  return buf->text != NULL ? buf->text : "";
}

char *fr__buf_detach(fr__buf *buf) {
  fr__buf_add_bytes(buf, "", 0);
  char *text = NULL;
  if (buf->status == FR_OK) {
    text = buf->text;
    buf->text = NULL;
  }
  fr__buf_release(buf);
  return text;
}
