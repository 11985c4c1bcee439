/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text form of a network: layers parted by white space, each a word and, in
 * parentheses, its arguments parted by commas, or layers again in families of branches.
 */
#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "nn/layer.h"

enum fr_status fr__arguments_between(const fr__arguments *arguments, size_t low,
                                     size_t high, fr_error *err) {
  if (arguments->count >= low && arguments->count <= high)
    return FR_OK;
  return fr__layer_fail(arguments->layer, err, "takes %s than %zu argument%s: %s",
                        arguments->count < low ? "no fewer" : "no more",
                        arguments->count < low ? low : high,
                        (arguments->count < low ? low : high) == 1 ? "" : "s",
                        arguments->layer->ops->usage);
}

enum fr_status fr__argument_count(const fr__arguments *arguments, size_t index,
                                  const char *what, size_t *out, fr_error *err) {
  const char *text = arguments->text[index];
  int64_t value = 0;
  if (strcmp(text, "classes") == 0)
    value = (int64_t)arguments->classes;
  else if (!fr__parse_integer(text, 1, (int64_t)FR__COUNT_CEILING, &value))
    return fr__layer_fail(arguments->layer, err,
                          "%s '%s' is not a whole number from 1 to %zu", what, text,
                          FR__COUNT_CEILING);
  *out = (size_t)value;
  return FR_OK;
}

enum fr_status fr__argument_number(const fr__arguments *arguments, size_t index,
                                   const char *what, double low, double high, float *out,
                                   fr_error *err) {
  const char *text = arguments->text[index];
  double value = 0;
  if (!fr__parse_number(text, strlen(text), &value) || !(value >= low && value <= high))
    return fr__layer_fail(arguments->layer, err, "%s '%s' is not a number from %g to %g",
                          what, text, low, high);
  *out = (float)value;
  return FR_OK;
}

bool fr__argument_is(const fr__arguments *arguments, size_t index, const char *word) {
  return index < arguments->count && strcmp(arguments->text[index], word) == 0;
}

const char *fr__argument_value(const fr__arguments *arguments, size_t index,
                               const char *key) {
  const size_t length = strlen(key);
  if (index >= arguments->count || strncmp(arguments->text[index], key, length) != 0 ||
      arguments->text[index][length] != '=')
    return NULL;
  return arguments->text[index] + length + 1;
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* [begin, end) without the spaces at its ends. */
static void trim(const char *text, size_t *begin, size_t *end) {
  while (*begin < *end && is_space(text[*begin]))
    (*begin)++;
  while (*end > *begin && is_space(text[*end - 1]))
    (*end)--;
}

static enum fr_status add_argument(fr__arguments *arguments, const char *text,
                                   size_t begin, size_t end, fr_error *err) {
  trim(text, &begin, &end);
  const size_t length = end - begin;
  if (arguments->count == FR__LAYER_ARGUMENTS)
    return fr__layer_fail(arguments->layer, err, "more than %d arguments",
                          FR__LAYER_ARGUMENTS);
  if (length == 0)
    return fr__layer_fail(arguments->layer, err, "argument %zu is empty",
                          arguments->count + 1);
  if (length >= FR__ARGUMENT_TEXT)
    return fr__layer_fail(arguments->layer, err, "argument %zu is longer than %d bytes",
                          arguments->count + 1, FR__ARGUMENT_TEXT - 1);
  memcpy(arguments->text[arguments->count], text + begin, length);
  arguments->text[arguments->count++][length] = '\0';
  return FR_OK;
}

/* The end of the parenthesis that opens at `open` (the place of its ')'); 0: it never
 * ends. */
static size_t find_close(const char *text, size_t open, size_t end) {
  size_t depth = 0;
  for (size_t i = open; i < end; i++) {
    depth += text[i] == '(';
    depth -= text[i] == ')';
    if (depth == 0)
      return i;
  }
  return 0;
}

/* What stands between `open` and `close`, the places of the parentheses. */
static enum fr_status split(fr__arguments *arguments, const char *text, size_t open,
                            size_t close, fr_error *err) {
  size_t begin = open + 1, end = close, depth = 0;
  trim(text, &begin, &end);
  if (begin == end)
    return FR_OK; /* "relu()" */
  for (size_t i = begin; i <= end; i++) {
    if (i == end || (text[i] == ',' && depth == 0)) {
      const enum fr_status status = add_argument(arguments, text, begin, i, err);
      if (status != FR_OK)
        return status;
      begin = i + 1;
    } else {
      depth += text[i] == '(';
      depth -= text[i] == ')';
    }
  }
  return FR_OK;
}

static enum fr_status fail_at(const char *text, size_t at, fr_error *err) {
  const unsigned char c = (unsigned char)text[at];
  if (c >= 0x20 && c < 0x7f)
    return fr__fail(err, FR_ERR_FORMAT, "network text, column %zu: unexpected '%c'",
                    at + 1, c);
  return fr__fail(err, FR_ERR_FORMAT, "network text, column %zu: unexpected byte 0x%02x",
                  at + 1, c);
}

static enum fr_status find_family(fr__layer *layer, const char *word, size_t length,
                                  fr_error *err) {
  char name[FR__LAYER_TEXT], known[512];
  (void)snprintf(name, sizeof name, "%.*s",
                 (int)(length < sizeof name ? length : sizeof name), word);
  layer->ops = fr__layer_find(name);
  if (layer->ops)
    return FR_OK;
  fr__layer_names(known, sizeof known);
  return fr__layer_fail(layer, err, "no such layer; there are %s", known);
}

/* Every byte of [begin, end) is printable or white space, so that it may stand in a
 * message. */
static enum fr_status check_bytes(const char *text, size_t begin, size_t end,
                                  fr_error *err) {
  for (size_t i = begin; i < end; i++) {
    const unsigned char c = (unsigned char)text[i];
    if (!is_space(text[i]) && (c < 0x20 || c >= 0x7f))
      return fail_at(text, i, err);
  }
  return FR_OK;
}

/* The layer's word and what stands in its parentheses; source->at moves behind it. */
typedef struct span {
  size_t begin, word, end; /* [begin, word) the name, [begin, end) all of it */
  size_t close;            /* place of the ')'; 0: there are none */
} span;

static enum fr_status find_span(fr__source *source, span *out, fr_error *err) {
  const char *text = source->text;
  span s = {.begin = source->at};
  s.word = s.begin;
  while (s.word < source->end && is_word(text[s.word]))
    s.word++;
  if (s.word == s.begin)
    return fail_at(text, s.begin, err);
  s.end = s.word;
  if (s.word < source->end && text[s.word] == '(') {
    s.close = find_close(text, s.word, source->end);
    if (s.close == 0)
      return fr__fail(err, FR_ERR_FORMAT,
                      "network text, column %zu: this parenthesis never ends",
                      s.word + 1);
    s.end = s.close + 1;
  }
  if (s.end < source->end && !is_space(text[s.end]))
    return fail_at(text, s.end, err);
  size_t next = s.end;
  while (next < source->end && is_space(text[next]))
    next++;
  if (next < source->end && text[next] == '(')
    return fr__fail(err, FR_ERR_FORMAT,
                    "network text, column %zu: '(' must follow a layer's name at once",
                    next + 1);
  source->at = s.end;
  *out = s;
  return check_bytes(text, s.begin, s.end, err);
}

enum fr_status fr__parse_layer(fr__source *source, fr__layer *layer, bool *more,
                               fr_error *err) {
  const char *text = source->text;
  while (source->at < source->end && is_space(text[source->at]))
    source->at++;
  *more = source->at < source->end;
  if (!*more)
    return FR_OK;
  span s = {0};
  enum fr_status status = find_span(source, &s, err);
  if (status != FR_OK)
    return status;
  fr__layer_set_text(layer, "%.*s", (int)(s.end - s.begin), text + s.begin);
  status = find_family(layer, text + s.begin, s.word - s.begin, err);
  fr__arguments arguments = {.layer = layer, .classes = source->classes, .body = *source};
  arguments.body.at = s.close > 0 ? s.word + 1 : s.end;
  arguments.body.end = s.close > 0 ? s.close : s.end;
  if (status == FR_OK && s.close > 0 && !layer->ops->branches)
    status = split(&arguments, text, s.word, s.close, err);
  if (status == FR_OK)
    status = layer->ops->parse(layer, &arguments, err);
  return status;
}
