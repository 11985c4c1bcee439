/* SPDX-License-Identifier: Apache-2.0 */
#include "events/writer.h"

#include <string.h>

#include "base/error.h"

/* Bytes of the well-formed sequence that `p` begins with (The Unicode Standard, table
 * 3-7); 0: it begins with none. A NUL ends every sequence too early. */
static size_t sequence(const unsigned char *p) {
  if (p[0] < 0x80)
    return 1;
  const size_t length = p[0] < 0xC2 || p[0] > 0xF4 ? 0
                        : p[0] < 0xE0              ? 2
                        : p[0] < 0xF0              ? 3
                                                   : 4;
  const unsigned char low = p[0] == 0xE0 ? 0xA0 : p[0] == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = p[0] == 0xED ? 0x9F : p[0] == 0xF4 ? 0x8F : 0xBF;
  if (length == 0 || p[1] < low || p[1] > high)
    return 0;
  for (size_t i = 2; i < length; i++)
    if ((p[i] & 0xC0) != 0x80)
      return 0;
  return length;
}

enum fr_status fr__events_check(const char *text, size_t ceiling, const char *what,
                                fr_error *err) {
  const size_t length = strnlen(text, ceiling + 1);
  if (length > ceiling)
    return fr__fail(err, FR_ERR_LIMIT, "%s of an event file has more than %zu bytes",
                    what, ceiling);
  const unsigned char *const p = (const unsigned char *)text;
  for (size_t i = 0; i < length;) {
    const size_t bytes = sequence(p + i);
    if (bytes == 0)
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "byte %zu of %s of an event file is not UTF-8", i + 1, what);
    i += bytes;
  }
  return FR_OK;
}

enum fr_status fr__events_check_name(const char *name, const char *what, fr_error *err) {
  if (name[0] == '\0')
    return fr__fail(err, FR_ERR_ARGUMENT, "%s of an event file is empty", what);
  return fr__events_check(name, FR_EVENTS_TAG_CEILING, what, err);
}
