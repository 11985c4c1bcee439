/* SPDX-License-Identifier: Apache-2.0 */
/* Decimal text to numbers, without a locale. */
#include "base/csv.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NUMBER_CEILING 1000 /* bytes of a number's text */

/* Powers of ten that a double holds exactly. */
static const double power_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
#define EXACT_POWER 22
#define EXACT_MANTISSA ((uint64_t)1 << 53)
#define EXACT_DIGITS 19 /* what a uint64_t holds whatever they are */

static bool is_digit(char c) { return (unsigned char)(c - '0') < 10; }

/* Eight bytes that begin with a digit, as a little-endian word: how many of them are
 * digits. A byte is a digit where neither it nor it + 6 leaves 0x30-0x3f. */
static unsigned digits_of(uint64_t word) {
  const uint64_t zeros = UINT64_C(0x3030303030303030);
  const uint64_t high = UINT64_C(0xf0f0f0f0f0f0f0f0);
  const uint64_t sixes = UINT64_C(0x0606060606060606);
  /* a carry out of a byte only disturbs bytes behind the first that is no digit */
  const uint64_t other = ((word & high) ^ zeros) | (((word + sixes) & high) ^ zeros);
  return other == 0 ? 8 : (unsigned)__builtin_ctzll(other) / 8;
}

/* The value of `count` leading digits (1 to 8) of `word`, three multiplications for all.
 */
static uint64_t value_of(uint64_t word, unsigned count) {
  /* digits to the high end; what comes in below counts as leading zeros after the mask */
  word <<= 64 - 8 * count;
  word &= UINT64_C(0x0f0f0f0f0f0f0f0f);
  word = (word * 10 + (word >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
  word = (word * 100 + (word >> 16)) & UINT64_C(0x0000ffff0000ffff);
  return (word * 10000 + (word >> 32)) & UINT64_C(0xffffffff);
}

/* Digits at `p` added to *mantissa; overflows silently: the caller counts them. */
static const char *scan_digits(const char *p, const char *end, uint64_t *mantissa) {
  static const uint64_t scale[] = {1,      10,      100,      1000,     10000,
                                   100000, 1000000, 10000000, 100000000};
  uint64_t m = *mantissa;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  while (end - p >= 8) {
    uint64_t word;
    memcpy(&word, p, 8);
    const unsigned count = digits_of(word);
    if (count == 0)
      break;
    m = m * scale[count] + value_of(word, count);
    p += count;
    if (count < 8)
      break;
  }
#else
  (void)scale;
#endif
  while (p < end && is_digit(*p))
    m = m * 10 + (uint64_t)(*p++ - '0');
  *mantissa = m;
  return p;
}

/* An exponent at `p`, whose 'e' is there; NULL where it is not one. */
static const char *scan_exponent(const char *p, const char *end, int *exponent) {
  p++;
  const bool negative = p < end && *p == '-';
  if (p < end && (*p == '-' || *p == '+'))
    p++;
  if (p == end || !is_digit(*p))
    return NULL;
  int value = 0;
  for (; p < end && is_digit(*p); p++)
    if (value < 100000)
      value = value * 10 + (*p - '0');
  *exponent = negative ? -value : value;
  return p;
}

/* What the short way cannot do exactly: the C library's, in the C locale. */
static bool convert_slowly(const char *text, const char *end, double *out) {
  char copy[NUMBER_CEILING + 1];
  const size_t length = (size_t)(end - text);
  if (length > NUMBER_CEILING)
    return false;
  memcpy(copy, text, length);
  copy[length] = '\0';
  const locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (c_locale == (locale_t)0)
    return false;
  char *stop = NULL;
  *out = strtod_l(copy, &stop, c_locale);
  freelocale(c_locale);
  return stop == copy + length;
}

const char *fr__scan_number(const char *text, const char *end, double *out) {
  const char *p = text;
  const bool negative = p < end && *p == '-';
  if (p < end && (*p == '-' || *p == '+'))
    p++;
  const char *const whole = p;
  uint64_t mantissa = 0;
  while (p < end && is_digit(*p))
    mantissa = mantissa * 10 + (uint64_t)(*p++ - '0');
  size_t digits = (size_t)(p - whole);
  int exponent = 0;
  if (p < end && *p == '.') {
    const char *const fraction = ++p;
    p = scan_digits(p, end, &mantissa);
    digits += (size_t)(p - fraction);
    /* a longer fraction goes the slow way anyway */
    exponent = p - fraction <= NUMBER_CEILING ? -(int)(p - fraction) : -NUMBER_CEILING;
  }
  if (digits == 0)
    return NULL;
  if (p < end && (*p | 0x20) == 'e') {
    int given = 0;
    const char *const behind = scan_exponent(p, end, &given);
    if (behind != NULL) {
      p = behind;
      exponent += given;
    }
  }
  /* Clinger 1990: an exact integer times or over an exact power of ten rounds once */
  if (digits > EXACT_DIGITS || mantissa > EXACT_MANTISSA || exponent > EXACT_POWER ||
      exponent < -EXACT_POWER)
    return convert_slowly(text, p, out) ? p : NULL;
  const double m = negative ? -(double)mantissa : (double)mantissa;
  *out = exponent < 0 ? m / power_of_ten[-exponent] : m * power_of_ten[exponent];
  return p;
}

static bool is_word(const char *text, size_t length, const char *word) {
  return strlen(word) == length && strncasecmp(text, word, length) == 0;
}

static bool parse_word(const char *text, size_t length, double *out) {
  const bool sign = length > 0 && (*text == '-' || *text == '+');
  const double one = sign && *text == '-' ? -1.0 : 1.0;
  text += sign;
  length -= sign;
  if (is_word(text, length, "nan")) {
    *out = copysign((double)NAN, one);
    return true;
  }
  if (!is_word(text, length, "inf") && !is_word(text, length, "infinity"))
    return false;
  *out = one * (double)INFINITY;
  return true;
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool fr__parse_number(const char *text, size_t length, double *out) {
  const char *end = text + length;
  while (text < end && is_blank(*text))
    text++;
  while (text < end && is_blank(end[-1]))
    end--;
  double value = 0;
  if (fr__scan_number(text, end, &value) != end || text == end) {
    if (!parse_word(text, (size_t)(end - text), &value))
      return false;
  }
  *out = value;
  return true;
}

bool fr__parse_integer(const char *text, int64_t low, int64_t high, int64_t *out) {
  const bool negative = *text == '-';
  const char *p = text + (*text == '-' || *text == '+');
  if (!is_digit(*p))
    return false;
  int64_t value = 0; /* kept negative: its range holds both ends */
  for (; is_digit(*p); p++) {
    if (__builtin_mul_overflow(value, 10, &value))
      return false;
    if (__builtin_sub_overflow(value, *p - '0', &value))
      return false;
  }
  if (*p != '\0')
    return false;
  if (!negative && __builtin_sub_overflow((int64_t)0, value, &value))
    return false;
  if (value < low || value > high)
    return false;
  *out = value;
  return true;
}
