/* SPDX-License-Identifier: Apache-2.0 */
/* Text of C: numbers, arrays, comments, strings, and the pieces that are needed. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/export_c.h"

#define CEILING ((size_t)1 << 30) /* bytes of a source */
#define LINE 88                   /* columns of arrays */

void fr__c_init(fr__csource *c, const fr__piece *piece) {
  *c = (fr__csource){.piece = piece};
  fr__buf_init(&c->constants, CEILING);
  fr__buf_init(&c->calls, CEILING);
}

void fr__c_release(fr__csource *c) {
  fr__buf_release(&c->constants);
  fr__buf_release(&c->calls);
}

enum fr_status fr__c_status(const fr__csource *c) {
  return c->constants.status != FR_OK ? c->constants.status : c->calls.status;
}

/* ---- pieces ---- */

static bool is_word(const char *name, const char *text, size_t length) {
  return strlen(name) == length && memcmp(name, text, length) == 0;
}

static void need(fr__csource *c, const char *name, size_t length) {
  for (size_t i = 0; c->piece[i].name; i++) {
    if (c->needed[i] || !is_word(c->piece[i].name, name, length))
      continue;
    c->needed[i] = true;
    const char *word = c->piece[i].needs;
    while (*word != '\0') {
      const size_t n = strcspn(word, " ");
      need(c, word, n);
      word += n + strspn(word + n, " ");
    }
  }
}

void fr__c_need(fr__csource *c, const char *piece) { need(c, piece, strlen(piece)); }

void fr__c_pieces(const fr__csource *c, fr__buf *out) {
  for (size_t i = 0; c->piece[i].name; i++)
    if (c->needed[i])
      fr__buf_printf(out, "%s\n", c->piece[i].text);
}

/* ---- arrays ---- */

/* An array that is being written: items fill its lines. */
typedef struct list {
  fr__buf *buf;
  size_t column;
} list;

static list begin(fr__csource *c, const char *type, const char *layer, const char *what,
                  size_t count, size_t size) {
  fr__buf_printf(&c->constants, "static const %s %s%s%s[%zu] = {", type, layer,
                 what ? "_" : "", what ? what : "", count);
  c->bytes += count * size;
  return (list){&c->constants, LINE};
}

static void add(list *l, const char *item) {
  const size_t length = strlen(item) + 2;
  const bool fits = l->column + length <= LINE;
  fr__buf_add(l->buf, fits ? " " : "\n    ");
  fr__buf_add(l->buf, item);
  fr__buf_add(l->buf, ",");
  l->column = fits ? l->column + length : 4 + length - 1;
}

static void end(const list *l) { fr__buf_add(l->buf, "\n};\n"); }

/* Nine digits tell any two floats apart. */
const char *fr__c_number(float x, char text[32]) {
  (void)snprintf(text, 30, "%.9g", (double)x);
  if (!strpbrk(text, ".e"))
    strcat(text, ".0");
  return strcat(text, "f");
}

void fr__c_floats(fr__csource *c, const char *layer, const char *what, const float *x,
                  size_t count) {
  fr__c_floats_turned(c, layer, what, x, 1, count);
}

void fr__c_floats_turned(fr__csource *c, const char *layer, const char *what,
                         const float *x, size_t inputs, size_t outputs) {
  list l = begin(c, "float", layer, what, inputs * outputs, sizeof *x);
  for (size_t o = 0; o < outputs; o++)
    for (size_t i = 0; i < inputs; i++) {
      char text[32];
      add(&l, fr__c_number(x[i * outputs + o], text));
    }
  end(&l);
}

static void add_integer(list *l, int64_t x) {
  char text[32];
  (void)snprintf(text, sizeof text, "%" PRId64, x);
  add(l, text);
}

void fr__c_int8(fr__csource *c, const char *layer, const char *what, const int8_t *x,
                size_t count) {
  list l = begin(c, "int8_t", layer, what, count, sizeof *x);
  for (size_t i = 0; i < count; i++)
    add_integer(&l, x[i]);
  end(&l);
}

void fr__c_int16(fr__csource *c, const char *name, const int16_t *x, size_t count) {
  list l = begin(c, "int16_t", name, NULL, count, sizeof *x);
  for (size_t i = 0; i < count; i++)
    add_integer(&l, x[i]);
  end(&l);
}

void fr__c_uint16(fr__csource *c, const char *name, const uint16_t *x, size_t count) {
  list l = begin(c, "uint16_t", name, NULL, count, sizeof *x);
  for (size_t i = 0; i < count; i++)
    add_integer(&l, x[i]);
  end(&l);
}

void fr__c_int32(fr__csource *c, const char *layer, const char *what, const int32_t *x,
                 size_t count) {
  list l = begin(c, "int32_t", layer, what, count, sizeof *x);
  for (size_t i = 0; i < count; i++)
    add_integer(&l, x[i]);
  end(&l);
}

void fr__c_int64(fr__csource *c, const char *layer, const char *what, const int64_t *x,
                 size_t count) {
  list l = begin(c, "int64_t", layer, what, count, sizeof *x);
  for (size_t i = 0; i < count; i++)
    add_integer(&l, x[i]);
  end(&l);
}

/* ---- words of people ---- */

/* No end of a comment, no begin of one, nothing that compilers warn of. */
void fr__c_comment(fr__buf *out, const char *text) {
  for (const char *at = text; *at != '\0'; at++) {
    const bool plain = *at >= ' ' && *at <= '~' && *at != '\\';
    const bool joins =
        at > text && ((at[-1] == '*' && *at == '/') || (at[-1] == '/' && *at == '*'));
    fr__buf_printf(out, "%s%c", joins ? " " : "", plain ? *at : '?');
  }
}

void fr__c_string(fr__buf *out, const char *text) {
  fr__buf_add(out, "\"");
  for (; *text != '\0'; text++) {
    const unsigned char byte = (unsigned char)*text;
    if (byte == '"' || byte == '\\' || byte == '?') /* "??" would begin a trigraph */
      fr__buf_printf(out, "\\%c", byte);
    else if (byte >= ' ' && byte <= '~')
      fr__buf_printf(out, "%c", byte);
    else
      fr__buf_printf(out, "\\%03o", byte);
  }
  fr__buf_add(out, "\"");
}
