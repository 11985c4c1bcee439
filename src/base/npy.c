/* SPDX-License-Identifier: Apache-2.0 */
/* NPY: magic | version | length | header, a Python dictionary as text | values. */
#include "base/npy.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

#define MAGIC "\x93NUMPY"
#define PREFIX 8       /* bytes of magic and version */
#define TYPE_ROOM 32   /* bytes of a type's name, as "<f4" */
#define PLACE_ROOM 200 /* of "(1, 2, ...)" */

#define OWN_BIG (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) /* this machine's order */

/* ---- the header ---- */

typedef struct cursor {
  const char *at;
  const char *end;
} cursor;

typedef struct header {
  char type[TYPE_ROOM];
  bool has_type, has_order, has_shape;
} header;

static void skip_blanks(cursor *c) {
  while (c->at < c->end && strchr(" \t\r\n", *c->at) != NULL && *c->at != '\0')
    c->at++;
}

static bool take(cursor *c, char mark) {
  skip_blanks(c);
  const bool there = c->at < c->end && *c->at == mark;
  c->at += there;
  return there;
}

static bool take_word(cursor *c, const char *word) {
  const size_t n = strlen(word);
  skip_blanks(c);
  const bool there = (size_t)(c->end - c->at) >= n && memcmp(c->at, word, n) == 0;
  c->at += there ? n : 0;
  return there;
}

/* 'text' or "text", shorter than `size`; what NumPy writes there has no escapes. */
static bool take_text(cursor *c, char *out, size_t size) {
  skip_blanks(c);
  if (c->at == c->end || (*c->at != '\'' && *c->at != '"'))
    return false;
  const char *const from = c->at + 1;
  const char *const to = memchr(from, *c->at, (size_t)(c->end - from));
  if (to == NULL || (size_t)(to - from) >= size)
    return false;
  memcpy(out, from, (size_t)(to - from));
  out[to - from] = '\0';
  c->at = to + 1;
  return true;
}

/* Digits, and the L that Python 2 wrote behind them. */
static bool take_size(cursor *c, size_t *out) {
  size_t value = 0;
  skip_blanks(c);
  const char *const from = c->at;
  for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
    if (__builtin_mul_overflow(value, (size_t)10, &value) ||
        __builtin_add_overflow(value, (size_t)(*c->at - '0'), &value))
      return false;
  const bool any = c->at > from;
  (void)take(c, 'L');
  *out = value;
  return any;
}

/* "()", "(3,)", "(3, 4)". */
static bool take_shape(cursor *c, fr__npy *npy) {
  npy->dimensions = 0;
  if (!take(c, '('))
    return false;
  while (!take(c, ')')) {
    if (npy->dimensions == FR__NPY_DIMENSIONS ||
        !take_size(c, &npy->shape[npy->dimensions]))
      return false;
    npy->dimensions++;
    if (!take(c, ',')) /* "(3)" is a number in Python, but no shape */
      return npy->dimensions > 1 && take(c, ')');
  }
  return true;
}

static bool take_order(cursor *c, fr__npy *npy) {
  npy->fortran = take_word(c, "True");
  return npy->fortran || take_word(c, "False");
}

/* The value of one key; false where it is damaged, unknown, or there already. */
static bool take_value(cursor *c, const char *key, header *h, fr__npy *npy) {
  if (strcmp(key, "descr") == 0 && !h->has_type)
    return h->has_type = take_text(c, h->type, sizeof h->type);
  if (strcmp(key, "fortran_order") == 0 && !h->has_order)
    return h->has_order = take_order(c, npy);
  if (strcmp(key, "shape") == 0 && !h->has_shape)
    return h->has_shape = take_shape(c, npy);
  return false;
}

/* {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } in any order. */
static enum fr_status parse_header(cursor *c, header *h, fr__npy *npy, fr_error *err) {
  char key[TYPE_ROOM];
  bool good = take(c, '{');
  while (good && !take(c, '}')) {
    good = take_text(c, key, sizeof key) && take(c, ':');
    skip_blanks(c);
    if (good && strcmp(key, "descr") == 0 && c->at < c->end && *c->at == '[')
      return fr__fail(err, FR_ERR_FORMAT, "%s: its values are records, not numbers",
                      npy->name);
    good = good && take_value(c, key, h, npy);
    if (good && !take(c, ',')) {
      good = take(c, '}');
      break;
    }
  }
  skip_blanks(c);
  if (!good || c->at != c->end || !h->has_type || !h->has_order || !h->has_shape)
    return fr__fail(err, FR_ERR_FORMAT, "%s: the header is damaged", npy->name);
  return FR_OK;
}

/* ---- the type ---- */

static const struct {
  const char *name;
  enum fr__npy_kind kind;
  size_t width;
} types[] = {
    {"f4", FR__NPY_FLOAT, 4},    {"f8", FR__NPY_FLOAT, 8},    {"f2", FR__NPY_FLOAT, 2},
    {"i1", FR__NPY_SIGNED, 1},   {"i2", FR__NPY_SIGNED, 2},   {"i4", FR__NPY_SIGNED, 4},
    {"i8", FR__NPY_SIGNED, 8},   {"u1", FR__NPY_UNSIGNED, 1}, {"u2", FR__NPY_UNSIGNED, 2},
    {"u4", FR__NPY_UNSIGNED, 4}, {"u8", FR__NPY_UNSIGNED, 8}, {"b1", FR__NPY_BOOL, 1},
};

static enum fr_status parse_type(const char *text, fr__npy *npy, fr_error *err) {
  const bool told = text[0] != '\0' && strchr("<>=|", text[0]) != NULL;
  npy->big = text[0] == '>' || (text[0] == '=' && OWN_BIG);
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (told && strcmp(text + 1, types[i].name) == 0) {
      npy->kind = types[i].kind;
      npy->width = types[i].width;
      return FR_OK;
    }
  for (const char *p = text; *p != '\0'; p++)
    if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
      return fr__fail(err, FR_ERR_FORMAT, "%s: the header is damaged", npy->name);
  return fr__fail(err, FR_ERR_FORMAT,
                  "%s: values of type '%s' are no plain numbers: f2, f4, f8, i1 to i8, "
                  "u1 to u8 or b1",
                  npy->name, text);
}

/* ---- all of it ---- */

static size_t little(const unsigned char *bytes, size_t count) {
  size_t value = 0;
  for (size_t i = count; i-- > 0;)
    value = value << 8 | bytes[i];
  return value;
}

/* Where the header's text lies. */
static enum fr_status find_header(const fr__npy *npy, const unsigned char *bytes,
                                  size_t size, cursor *out, fr_error *err) {
  if (size < PREFIX + 2 || memcmp(bytes, MAGIC, PREFIX - 2) != 0)
    return fr__fail(err, FR_ERR_FORMAT, "%s is no NPY file", npy->name);
  const unsigned major = bytes[6], minor = bytes[7];
  if (major < 1 || major > 3 || minor != 0)
    return fr__fail(err, FR_ERR_FORMAT,
                    "%s: NPY version %u.%u is not known: 1.0, 2.0 and 3.0 are", npy->name,
                    major, minor);
  const size_t field = major == 1 ? 2 : 4;
  if (size < PREFIX + field)
    return fr__fail(err, FR_ERR_FORMAT, "%s: it ends in its header", npy->name);
  const size_t length = little(bytes + PREFIX, field);
  if (length > FR__NPY_HEADER_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "%s: a header of more than %zu bytes", npy->name,
                    FR__NPY_HEADER_CEILING);
  if (length > size - PREFIX - field)
    return fr__fail(err, FR_ERR_FORMAT, "%s: it ends in its header", npy->name);
  const char *const text = (const char *)bytes + PREFIX + field;
  *out = (cursor){text, text + length};
  return FR_OK;
}

static enum fr_status check_size(fr__npy *npy, size_t have, fr_error *err) {
  size_t bytes = 0;
  bool fits = true;
  npy->count = 1;
  for (size_t d = 0; d < npy->dimensions; d++)
    fits = fits && !__builtin_mul_overflow(npy->count, npy->shape[d], &npy->count);
  fits = fits && !__builtin_mul_overflow(npy->count, npy->width, &bytes);
  if (!fits || bytes > have)
    return fr__fail(err, FR_ERR_FORMAT, "%s: it is shorter than its shape says",
                    npy->name);
  if (bytes < have)
    return fr__fail(err, FR_ERR_FORMAT, "%s: %zu bytes too many for its shape", npy->name,
                    have - bytes);
  return FR_OK;
}

enum fr_status fr__npy_init(fr__npy *npy, const char *name, const void *bytes,
                            size_t size, fr_error *err) {
  fr__npy made = {.name = name};
  header h = {0};
  cursor c = {0};
  enum fr_status status = find_header(&made, bytes, size, &c, err);
  if (status == FR_OK)
    status = parse_header(&c, &h, &made, err);
  if (status == FR_OK)
    status = parse_type(h.type, &made, err);
  if (status != FR_OK)
    return status;
  const size_t before = (size_t)(c.end - (const char *)bytes);
  made.values = (const unsigned char *)bytes + before;
  status = check_size(&made, size - before, err);
  if (status == FR_OK)
    *npy = made;
  return status;
}

/* ---- values ---- */

static uint64_t load(const unsigned char *p, size_t width, bool big) {
  uint64_t bits = 0;
  for (size_t i = 0; i < width; i++)
    bits = bits << 8 | p[big ? i : width - 1 - i];
  return bits;
}

/* IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction. */
static double half(uint64_t bits) {
  const int exponent = (int)(bits >> 10 & 31);
  const double fraction = (double)(bits & 1023);
  double value = exponent == 0    ? ldexp(fraction, -24)
                 : exponent == 31 ? (fraction == 0 ? HUGE_VAL : (double)NAN)
                                  : ldexp(fraction + 1024, exponent - 25);
  return bits >> 15 != 0 ? -value : value;
}

static double floating(uint64_t bits, size_t width) {
  if (width == 2)
    return half(bits);
  if (width == 8) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
  }
  const uint32_t narrow = (uint32_t)bits;
  float value;
  memcpy(&value, &narrow, sizeof value);
  return (double)value;
}

static double whole(uint64_t bits, size_t width) {
  const unsigned above = (unsigned)(64 - 8 * width);
  const uint64_t sign = (uint64_t)1 << (8 * width - 1);
  return (double)((bits & sign) != 0 && above > 0
                      ? (int64_t)(bits | ~(uint64_t)0 << (64 - above))
                      : (int64_t)bits);
}

static double value_at(const fr__npy *npy, size_t at) {
  const uint64_t bits = load(npy->values + at * npy->width, npy->width, npy->big);
  switch (npy->kind) {
  case FR__NPY_FLOAT: return floating(bits, npy->width);
  case FR__NPY_SIGNED: return whole(bits, npy->width);
  case FR__NPY_BOOL: return bits != 0;
  default: return (double)bits;
  }
}

/* ---- order ---- */

/* Where value `index` (the last runs fastest) lies in the file. */
static size_t place_of(const fr__npy *npy, size_t index) {
  size_t at[FR__NPY_DIMENSIONS], place = 0;
  if (!npy->fortran)
    return index;
  for (size_t d = npy->dimensions; d-- > 0; index /= npy->shape[d])
    at[d] = index % npy->shape[d];
  for (size_t d = npy->dimensions; d-- > 0;)
    place = place * npy->shape[d] + at[d];
  return place;
}

/* Values from one to the next along the last index. */
static size_t stride_of(const fr__npy *npy) {
  size_t stride = 1;
  for (size_t d = 0; npy->fortran && d + 1 < npy->dimensions; d++)
    stride *= npy->shape[d];
  return stride;
}

static enum fr_status refuse(const fr__npy *npy, size_t index, fr_error *err) {
  const bool finite = isfinite(value_at(npy, place_of(npy, index)));
  char text[PLACE_ROOM] = "";
  size_t at[FR__NPY_DIMENSIONS], length = 0;
  for (size_t d = npy->dimensions; d-- > 0; index /= npy->shape[d])
    at[d] = index % npy->shape[d];
  for (size_t d = 0; d < npy->dimensions; d++)
    length += (size_t)snprintf(text + length, sizeof text - length, "%s%zu",
                               d > 0 ? ", " : "", at[d]);
  return fr__fail(err, FR_ERR_FORMAT, "%s: value (%s) is %s", npy->name, text,
                  finite ? "too large" : "not a finite number");
}

/* `count` values along the last index; how many of them a float can hold, from the first
 * on. */
static size_t read_run(const fr__npy *npy, size_t place, size_t stride, size_t count,
                       float *out) {
  for (size_t i = 0; i < count; i++) {
    const double value = value_at(npy, place + i * stride);
    if (!(fabs(value) <= (double)FLT_MAX))
      return i;
    out[i] = (float)value;
  }
  return count;
}

/* What most files hold: floats of this machine's order, one behind the other. */
static size_t read_plain(const fr__npy *npy, size_t place, size_t count, float *out) {
  size_t good = 0;
  memcpy(out, npy->values + place * sizeof *out, count * sizeof *out);
  while (good < count && isfinite(out[good]))
    good++;
  return good;
}

enum fr_status fr__npy_read(const fr__npy *npy, size_t from, size_t count, float *out,
                            fr_error *err) {
  const size_t row = npy->dimensions > 0 ? npy->shape[npy->dimensions - 1] : 1;
  const size_t stride = stride_of(npy);
  const bool plain = npy->kind == FR__NPY_FLOAT && npy->width == sizeof *out &&
                     npy->big == OWN_BIG && !npy->fortran;
  if (from > npy->count || count > npy->count - from)
    return fr__fail(err, FR_ERR_ARGUMENT, "%s: it has %zu values", npy->name, npy->count);
  for (size_t done = 0; done < count;) {
    const size_t index = from + done, rest = count - done;
    const size_t left = npy->fortran ? row - index % row : rest;
    const size_t run = left < rest ? left : rest;
    const size_t place = place_of(npy, index);
    const size_t good = plain ? read_plain(npy, place, run, out + done)
                              : read_run(npy, place, stride, run, out + done);
    if (good < run)
      return refuse(npy, index + good, err);
    done += run;
  }
  return FR_OK;
}
