/* SPDX-License-Identifier: Apache-2.0 */
/* A cursor over .ts text. */
#include "data/ts.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/csv.h"
#include "base/error.h"

/* A piece of the text; blanks around it taken off. */
typedef struct piece {
  const char *at;
  size_t length;
} piece;

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static piece trimmed(const char *from, const char *to) {
  while (from < to && is_blank(*from))
    from++;
  while (to > from && is_blank(to[-1]))
    to--;
  return (piece){from, (size_t)(to - from)};
}

/* The next line that is neither empty nor a comment; false at the end. */
static bool next_line(fr__ts *ts, piece *out) {
  while (ts->at < ts->end) {
    const char *const stop = memchr(ts->at, '\n', (size_t)(ts->end - ts->at));
    *out = trimmed(ts->at, stop != NULL ? stop : ts->end);
    ts->at = stop != NULL ? stop + 1 : ts->end;
    ts->line++;
    if (out->length > 0 && out->at[0] != '#')
      return true;
  }
  return false;
}

/* The next word of a header's line, which begins behind it from then on. */
static piece next_word(piece *line) {
  const char *const end = line->at + line->length, *to = line->at;
  while (to < end && !is_blank(*to))
    to++;
  const piece word = {line->at, (size_t)(to - line->at)};
  *line = trimmed(to, end);
  return word;
}

/* Cut, so that a hostile word makes no long sentence. */
static int shown(piece word) { return word.length < 64 ? (int)word.length : 64; }

static bool is_word(piece word, const char *text) {
  return word.length == strlen(text) && strncasecmp(word.at, text, word.length) == 0;
}

/* ---- header ---- */

static enum fr_status read_truth(const fr__ts *ts, const char *key, piece word, bool *out,
                                 fr_error *err) {
  *out = is_word(word, "true");
  if (*out || is_word(word, "false"))
    return FR_OK;
  return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: @%s: '%.*s' is not true or false",
                  ts->name, ts->line, key, shown(word), word.at);
}

static enum fr_status read_count(const fr__ts *ts, const char *key, piece word,
                                 int64_t most, size_t *out, fr_error *err) {
  char text[24] = "";
  int64_t count = 0;
  if (word.length < sizeof text)
    memcpy(text, word.at, word.length);
  if (!fr__parse_integer(text, 1, most, &count))
    return fr__fail(err, FR_ERR_FORMAT,
                    "%s:%zu: @%s: '%.*s' is not a whole number from 1 to %lld", ts->name,
                    ts->line, key, shown(word), word.at, (long long)most);
  *out = (size_t)count;
  return FR_OK;
}

static enum fr_status check_class(const fr__ts *ts, piece word, fr_error *err) {
  if (word.length <= FR__TS_NAME && memchr(word.at, '\0', word.length) == NULL)
    return FR_OK;
  return fr__fail(err, FR_ERR_FORMAT,
                  "%s:%zu: a class's name is no text of at most %d "
                  "bytes",
                  ts->name, ts->line, FR__TS_NAME);
}

static enum fr_status add_class(fr__ts *ts, piece word, uint32_t *label, fr_error *err) {
  const enum fr_status status = check_class(ts, word, err);
  if (status != FR_OK)
    return status;
  if (ts->classes.count >= FR__TS_CLASSES)
    return fr__fail(err, FR_ERR_LIMIT, "%s:%zu: more than %d classes", ts->name, ts->line,
                    FR__TS_CLASSES);
  return fr__names_add(&ts->classes, word.at, word.length, label, err);
}

/* "true Standing Running ..." */
static enum fr_status read_classes(fr__ts *ts, piece rest, fr_error *err) {
  enum fr_status status =
      read_truth(ts, "classLabel", next_word(&rest), &ts->labelled, err);
  fr_names_release(&ts->classes);
  while (status == FR_OK && ts->labelled && rest.length > 0) {
    const piece word = next_word(&rest);
    status = add_class(ts, word, NULL, err);
  }
  ts->listed = ts->classes.count > 0;
  return status;
}

/* What is told that cannot be learned from here. */
static enum fr_status refuse(const fr__ts *ts, const char *key, piece rest,
                             const char *why, fr_error *err) {
  bool told = false;
  const enum fr_status status = read_truth(ts, key, next_word(&rest), &told, err);
  return status != FR_OK || !told ? status
                                  : fr__fail(err, FR_ERR_FORMAT, "%s:%zu: @%s: %s",
                                             ts->name, ts->line, key, why);
}

static enum fr_status read_univariate(fr__ts *ts, piece rest, fr_error *err) {
  bool one = false;
  const enum fr_status status = read_truth(ts, "univariate", next_word(&rest), &one, err);
  if (status == FR_OK && one && ts->channels > 1)
    return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: @univariate true, but @dimensions %zu",
                    ts->name, ts->line, ts->channels);
  if (status == FR_OK && one)
    ts->channels = 1;
  return status;
}

static enum fr_status read_dimensions(fr__ts *ts, piece rest, fr_error *err) {
  const size_t told = ts->channels;
  const enum fr_status status =
      read_count(ts, "dimensions", next_word(&rest), FR__TS_CHANNELS, &ts->channels, err);
  if (status == FR_OK && told != 0 && told != ts->channels)
    return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: @dimensions %zu after %zu", ts->name,
                    ts->line, ts->channels, told);
  return status;
}

/* One line of it; keys that change nothing here, such as @problemName, are passed over.
 */
static enum fr_status read_key(fr__ts *ts, piece line, fr_error *err) {
  piece rest = line;
  const piece key = next_word(&rest);
  if (is_word(key, "@classLabel"))
    return read_classes(ts, rest, err);
  if (is_word(key, "@dimensions") || is_word(key, "@dimension"))
    return read_dimensions(ts, rest, err);
  if (is_word(key, "@univariate"))
    return read_univariate(ts, rest, err);
  if (is_word(key, "@equalLength"))
    return read_truth(ts, "equalLength", next_word(&rest), &ts->equal, err);
  if (is_word(key, "@seriesLength"))
    return read_count(ts, "seriesLength", next_word(&rest), UINT32_MAX, &ts->length, err);
  if (is_word(key, "@timeStamps"))
    return refuse(ts, "timeStamps", rest,
                  "cases with time stamps are not read: resample them to equal steps",
                  err);
  if (is_word(key, "@targetLabel"))
    return refuse(ts, "targetLabel", rest, "targets are numbers, not classes", err);
  return FR_OK;
}

static enum fr_status read_header(fr__ts *ts, fr_error *err) {
  enum fr_status status = FR_OK;
  piece line;
  while (status == FR_OK) {
    if (!next_line(ts, &line))
      return fr__fail(err, FR_ERR_FORMAT, "%s: there is no @data", ts->name);
    if (is_word(line, "@data"))
      return FR_OK;
    status = line.at[0] == '@'
                 ? read_key(ts, line, err)
                 : fr__fail(err, FR_ERR_FORMAT, "%s:%zu: a case before @data", ts->name,
                            ts->line);
  }
  return status;
}

enum fr_status fr__ts_init(fr__ts *ts, const char *name, const char *text, size_t size,
                           fr_error *err) {
  *ts = (fr__ts){.name = name, .at = text, .end = text + size};
  if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) /* a byte order mark */
    ts->at += 3;
  const enum fr_status status = read_header(ts, err);
  if (status != FR_OK)
    fr__ts_release(ts);
  return status;
}

void fr__ts_release(fr__ts *ts) {
  fr_names_release(&ts->classes);
  *ts = (fr__ts){0};
}

/* ---- cases ---- */

static const char *last_colon(piece line) {
  const char *at = line.at + line.length;
  while (at > line.at && at[-1] != ':')
    at--;
  return at > line.at ? at - 1 : NULL;
}

/* The class behind the last colon; the line ends before it from then on. */
static enum fr_status take_class(fr__ts *ts, piece *line, uint32_t *label,
                                 fr_error *err) {
  const char *const colon = last_colon(*line);
  *label = FR_NONE;
  if (!ts->labelled)
    return FR_OK;
  if (colon == NULL)
    return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: no class behind the values", ts->name,
                    ts->line);
  const piece word = trimmed(colon + 1, line->at + line->length);
  line->length = (size_t)(colon - line->at);
  if (is_word(word, "?"))
    return FR_OK;
  if (word.length == 0)
    return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: the class is missing", ts->name,
                    ts->line);
  const enum fr_status status = check_class(ts, word, err);
  if (status != FR_OK)
    return status;
  *label = fr__names_find(&ts->classes, word.at, word.length);
  if (*label == FR_NONE && !ts->listed)
    return add_class(ts, word, label, err);
  if (*label == FR_NONE)
    return fr__fail(err, FR_ERR_FORMAT,
                    "%s:%zu: the class '%.*s' is not among the header's", ts->name,
                    ts->line, shown(word), word.at);
  return FR_OK;
}

static size_t count_of(const char *from, const char *to, char what) {
  size_t n = 0;
  for (; (from = memchr(from, what, (size_t)(to - from))) != NULL; from++)
    n++;
  return n;
}

static const char *channel_end(const char *from, const char *to) {
  const char *const colon = memchr(from, ':', (size_t)(to - from));
  return colon != NULL ? colon : to;
}

/* As many channels as the header or the first case has. */
static enum fr_status check_channels(fr__ts *ts, const fr__ts_case *it, fr_error *err) {
  const size_t have = count_of(it->from, it->to, ':') + 1;
  if (ts->channels == 0)
    ts->channels = have;
  if (have > FR__TS_CHANNELS)
    return fr__fail(err, FR_ERR_LIMIT, "%s:%zu: more than %d channels", ts->name,
                    ts->line, FR__TS_CHANNELS);
  if (have != ts->channels)
    return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: %zu channels in place of %zu", ts->name,
                    ts->line, have, ts->channels);
  return FR_OK;
}

/* Every channel as long as the first, and as the header says. */
static enum fr_status check_lengths(const fr__ts *ts, const fr__ts_case *it,
                                    fr_error *err) {
  const char *from = it->from;
  for (size_t c = 0; c < ts->channels; c++) {
    const char *const to = channel_end(from, it->to);
    const size_t steps = count_of(from, to, ',') + 1;
    if (steps != it->steps)
      return fr__fail(err, FR_ERR_FORMAT,
                      "%s:%zu: channel %zu has %zu values, channel 1 has %zu", ts->name,
                      ts->line, c + 1, steps, it->steps);
    from = to + 1;
  }
  if (ts->equal && ts->length != 0 && it->steps != ts->length)
    return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: %zu steps in place of %zu", ts->name,
                    ts->line, it->steps, ts->length);
  return FR_OK;
}

enum fr_status fr__ts_next(fr__ts *ts, fr__ts_case *out, bool *more, fr_error *err) {
  piece line;
  *more = next_line(ts, &line);
  if (!*more)
    return FR_OK;
  enum fr_status status = take_class(ts, &line, &out->label, err);
  if (status != FR_OK)
    return status;
  out->from = line.at;
  out->to = line.at + line.length;
  out->steps = count_of(out->from, channel_end(out->from, out->to), ',') + 1;
  status = check_channels(ts, out, err);
  return status == FR_OK ? check_lengths(ts, out, err) : status;
}

/* ---- values ---- */

static enum fr_status bad_value(const fr__ts *ts, size_t channel, size_t step, piece word,
                                fr_error *err) {
  const bool stamped = word.length > 0 && word.at[0] == '(';
  return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: channel %zu, value %zu: '%.*s' %s",
                  ts->name, ts->line, channel + 1, step + 1, shown(word), word.at,
                  stamped ? "has a time stamp, which is not read" : "is not a number");
}

/* What stands in [from, to). */
static bool read_value(const char *from, const char *to, float *out) {
  double value = 0;
  if (fr__scan_number(from, to, &value) != to) { /* the hot path did not do */
    const piece word = trimmed(from, to);
    if (is_word(word, "?"))
      value = NAN;
    else if (!fr__parse_number(word.at, word.length, &value))
      return false;
  }
  if (fabs(value) > FLT_MAX) /* infinity, too */
    return false;
  *out = (float)value;
  return true;
}

enum fr_status fr__ts_values(const fr__ts *ts, const fr__ts_case *it, float *out,
                             fr_error *err) {
  const char *from = it->from;
  for (size_t c = 0; c < ts->channels; c++) {
    const char *const end = channel_end(from, it->to);
    for (size_t t = 0; t < it->steps; t++) {
      const char *const comma = memchr(from, ',', (size_t)(end - from));
      const char *const to = comma != NULL ? comma : end;
      if (!read_value(from, to, &out[t * ts->channels + c]))
        return bad_value(ts, c, t, trimmed(from, to), err);
      from = to + 1;
    }
  }
  return FR_OK;
}
