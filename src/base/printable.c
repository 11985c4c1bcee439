/* SPDX-License-Identifier: Apache-2.0 */
#include "base/printable.h"

#include <string.h>

/* Bytes of the printable character at `text`, 0 where there is none: RFC 3629, without
 * the control characters U+0000 to U+001F and U+007F to U+009F. */
static size_t length_of(const unsigned char *text, size_t left) {
  const unsigned char c = text[0];
  if (c < 0x80)
    return c >= 0x20 && c != 0x7f ? 1 : 0;
  const size_t length = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
  if (c < 0xc2 || c > 0xf4 || length > left)
    return 0;
  for (size_t i = 1; i < length; i++)
    if ((text[i] & 0xc0) != 0x80)
      return 0;
  const unsigned char d = text[1];
  const bool overlong = (c == 0xe0 && d < 0xa0) || (c == 0xf0 && d < 0x90);
  const bool outside = (c == 0xed && d > 0x9f) || (c == 0xf4 && d > 0x8f);
  const bool control = c == 0xc2 && d < 0xa0;
  return overlong || outside || control ? 0 : length;
}

void fr__printable(const char *text, size_t length, char *out, size_t size) {
  const unsigned char *const bytes = (const unsigned char *)text;
  size_t filled = 0;
  for (size_t i = 0; i < length;) {
    const size_t whole = length_of(bytes + i, length - i);
    const size_t taken = whole > 0 ? whole : 1;
    if (filled + taken >= size)
      break;
    if (whole > 0)
      memcpy(out + filled, bytes + i, whole);
    else
      out[filled] = '?';
    filled += taken;
    i += taken;
  }
  out[filled] = '\0';
}
