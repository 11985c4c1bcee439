/* SPDX-License-Identifier: Apache-2.0 */
/* Files of key points: headers as NumPy writes them (golden/gestures.h), and numbers that
 * tell where they are. */
#ifndef TESTS_DATA_GESTURES_MADE_H
#define TESTS_DATA_GESTURES_MADE_H

#include "input.h"

/* Of sequence n, frame t, number c: exact as a float, and never 0. */
static inline float made_number(size_t n, size_t t, size_t c) {
  return (float)(1 + (double)n + (double)t / 64 + (double)c / (64 * 2048));
}

/* `width` bytes of a value in that byte order. */
static inline void made_put(unsigned char *to, float value, size_t width, bool big) {
  unsigned char bytes[8];
  const double wide = (double)value;
  memcpy(bytes, width == 8 ? (const void *)&wide : (const void *)&value, width);
  for (size_t i = 0; i < width; i++)
    to[i] = bytes[big ? width - 1 - i : i];
}

/* A header and (sequences, frames, numbers) behind it; the caller's. */
static inline unsigned char *made_bytes(const unsigned char *header, size_t head,
                                        size_t sequences, size_t frames, size_t numbers,
                                        size_t width, bool big, bool fortran,
                                        size_t *size) {
  *size = head + sequences * frames * numbers * width;
  unsigned char *const bytes = malloc(*size);
  assert_non_null(bytes);
  memcpy(bytes, header, head);
  for (size_t n = 0; n < sequences; n++)
    for (size_t t = 0; t < frames; t++)
      for (size_t c = 0; c < numbers; c++) {
        const size_t at =
            fortran ? (c * frames + t) * sequences + n : (n * frames + t) * numbers + c;
        made_put(bytes + head + at * width, made_number(n, t, c), width, big);
      }
  return bytes;
}

#define MADE(name) header_##name, sizeof header_##name

static inline void made_array(const char *name, const unsigned char *header, size_t head,
                              size_t sequences, size_t frames, size_t numbers,
                              size_t width, bool big, bool fortran) {
  size_t size = 0;
  unsigned char *const bytes =
      made_bytes(header, head, sequences, frames, numbers, width, big, fortran, &size);
  input_write(name, bytes, size);
  free(bytes);
}

#endif
