/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/truth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "data/reader.h"

#define FILE_CEILING ((size_t)64 << 20)
#define LINES_CEILING ((size_t)100000) /* a day of one sign a second */

void cli_truth_release(cli_truth *truth) {
  free(truth->sign);
  free(truth->line);
  *truth = (cli_truth){0};
}

/* ---- the file ---- */

/* One sign; a name that the model does not know is counted. */
static bool take(cli_truth *truth, const json_t *line, const fr_names *classes) {
  const json_t *const from = json_object_get(line, "start_s");
  const json_t *const to = json_object_get(line, "end_s");
  const char *const name = json_string_value(json_object_get(line, "sign"));
  if (name == NULL || !json_is_number(from) || !json_is_number(to) ||
      !(json_number_value(from) <= json_number_value(to)))
    return false;
  if (strcmp(name, FR_NO_SIGN) == 0)
    return true;
  const uint32_t sign = fr__names_find(classes, name, strlen(name));
  if (sign == FR_NONE)
    truth->unknown++;
  else
    truth->sign[truth->signs++] =
        (fr__truth){sign, json_number_value(from), json_number_value(to)};
  return true;
}

static enum fr_status parse(cli_truth *truth, const char *path, const char *text,
                            size_t size, const fr_names *classes, fr_error *err) {
  size_t number = 1;
  for (size_t at = 0; at < size; number++) {
    const char *const end = memchr(text + at, '\n', size - at);
    const size_t length = end != NULL ? (size_t)(end - text) - at : size - at;
    if (number > LINES_CEILING)
      return fr__fail(err, FR_ERR_LIMIT, "%s: more than %zu lines", path, LINES_CEILING);
    json_error_t why;
    json_t *const line = json_loadb(text + at, length, JSON_REJECT_DUPLICATES, &why);
    const bool taken = line != NULL && take(truth, line, classes);
    json_decref(line);
    if (!taken)
      return fr__fail(err, FR_ERR_FORMAT,
                      "%s:%zu: not a sign with its times, {\"sign\": \"hello\", "
                      "\"start_s\": 1.2, \"end_s\": 2.2}",
                      path, number);
    at += length + 1;
  }
  return FR_OK;
}

enum fr_status cli_truth_read(cli_truth *truth, const char *path, const fr_names *classes,
                              fr_error *err) {
  char *text = NULL;
  size_t size = 0, lines = 2;
  enum fr_status status = fr__file_read(path, FILE_CEILING, &text, &size, err);
  if (status != FR_OK)
    return status;
  for (size_t i = 0; i < size; i++)
    lines += text[i] == '\n';
  truth->sign = calloc(lines, sizeof *truth->sign);
  status = truth->sign != NULL ? parse(truth, path, text, size, classes, err)
                               : fr__fail_memory(err, "signs");
  free(text);
  return status;
}

/* ---- the score ---- */

enum fr_status cli_truth_add(cli_truth *truth, const fr_recognized *sign, fr_error *err) {
  if (truth->lines == truth->room) {
    const size_t room = 2 * truth->room + 64;
    fr__said *const line = realloc(truth->line, room * sizeof *line);
    if (line == NULL)
      return fr__fail_memory(err, "lines");
    truth->line = line;
    truth->room = room;
  }
  truth->line[truth->lines++] = (fr__said){sign->sign, sign->said_s};
  return FR_OK;
}

static json_t *bounded(double value, double low, double high) {
  if (!isfinite(value))
    return json_null();
  return json_pack("{s:f, s:f, s:f}", "value", value, "low", low, "high", high);
}

static json_t *score_json(const fr__score *s, const cli_truth *truth) {
  return json_pack(
      "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:o, s:o, s:o, s:f, s:o, s:o}",
      "signs", (json_int_t)s->signs, "unknown", (json_int_t)truth->unknown, "lines",
      (json_int_t)s->lines, "hits", (json_int_t)s->hits, "wrong", (json_int_t)s->wrong,
      "missed", (json_int_t)s->missed, "duplicates", (json_int_t)s->duplicates,
      "false_alarms", (json_int_t)s->false_alarms, "duration_s", s->duration_s,
      "outside_s", s->outside_s, "recall",
      bounded(s->recall, s->recall_low, s->recall_high), "precision",
      cli_json_number(s->precision), "false_alarms_per_min",
      bounded(s->false_alarms_per_min, s->false_alarms_low, s->false_alarms_high),
      "errors_per_min", s->errors_per_min, "delay_median_s",
      cli_json_number(s->delay_median_s), "delay_95_s", cli_json_number(s->delay_95_s));
}

static void score_text(const fr__score *s, fr__buf *text) {
  if (s->signs > 0)
    fr__buf_printf(text,
                   "recall         %.3f (%.3f to %.3f): %zu of %zu signs, %zu taken for "
                   "others, %zu missed\n",
                   s->recall, s->recall_low, s->recall_high, s->hits, s->signs, s->wrong,
                   s->missed);
  if (isfinite(s->false_alarms_per_min))
    fr__buf_printf(text,
                   "false alarms   %.2f (%.2f to %.2f) a minute: %zu in %.1f min outside "
                   "signs; %zu signs told twice\n",
                   s->false_alarms_per_min, s->false_alarms_low, s->false_alarms_high,
                   s->false_alarms, s->outside_s / 60, s->duplicates);
  if (isfinite(s->delay_median_s))
    fr__buf_printf(text,
                   "delay          %.2f s median, %.2f s 95 %%, from a sign's end\n",
                   s->delay_median_s, s->delay_95_s);
}

enum fr_status cli_truth_score(cli_truth *truth, double first_s, double duration_s,
                               cli_session *session, fr_error *err) {
  fr__score score;
  for (size_t i = 0; i < truth->signs; i++) {
    truth->sign[i].start_s -= first_s;
    truth->sign[i].end_s -= first_s;
  }
  for (size_t i = 0; i < truth->lines; i++)
    truth->line[i].said_s -= first_s;
  const enum fr_status status = fr__score_lines(truth->sign, truth->signs, truth->line,
                                                truth->lines, duration_s, &score, err);
  if (status != FR_OK)
    return status;
  if (truth->unknown > 0)
    cli_warn(&session->result,
             "%zu signs of the truth are none of the model's: what it says of them "
             "counts as false alarm",
             truth->unknown);
  score_text(&score, &session->text);
  json_object_set_new(session->result.result, "score", score_json(&score, truth));
  return FR_OK;
}
