/* SPDX-License-Identifier: Apache-2.0 */
#include "report/table.h"

#include <string.h>

typedef struct range {
  uint32_t first, last;
} range;

/* Combining marks and other characters without width (Unicode 15, the blocks in common
 * use). */
static const range zero_width[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A},
    {0x064B, 0x065F}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200F},
    {0x2060, 0x2064}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
};

/* East Asian Width "W" and "F" (Unicode Standard Annex 11), by block, and pictographs. */
static const range wide[] = {
    {0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0x33FF},   {0x3400, 0x4DBF},
    {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},
    {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F},
    {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD},
};

static bool within(const range *ranges, size_t count, uint32_t point) {
  for (size_t i = 0; i < count; i++)
    if (point >= ranges[i].first && point <= ranges[i].last)
      return true;
  return false;
}

/* Length that the first byte announces; 0 where it can begin no character. */
static size_t announced(unsigned char byte) {
  if (byte < 0x80)
    return 1;
  if (byte >= 0xC2 && byte <= 0xDF)
    return 2;
  if (byte >= 0xE0 && byte <= 0xEF)
    return 3;
  if (byte >= 0xF0 && byte <= 0xF4)
    return 4;
  return 0;
}

size_t fr__utf8_next(const char *text, size_t length, uint32_t *point) {
  const unsigned char *byte = (const unsigned char *)text;
  const size_t n = announced(byte[0]);
  *point = byte[0];
  if (n <= 1)
    return 1;
  if (n > length)
    return 1;
  uint32_t value = byte[0] & (0xFFU >> (n + 1));
  for (size_t i = 1; i < n; i++) {
    if ((byte[i] & 0xC0) != 0x80)
      return 1;
    value = value << 6 | (byte[i] & 0x3FU);
  }
  *point = value;
  return n;
}

size_t fr__text_width(const char *text, size_t length) {
  size_t width = 0;
  for (size_t at = 0; at < length;) {
    uint32_t point;
    at += fr__utf8_next(text + at, length - at, &point);
    if (within(zero_width, sizeof zero_width / sizeof *zero_width, point))
      continue;
    width += within(wide, sizeof wide / sizeof *wide, point) ? 2 : 1;
  }
  return width;
}
