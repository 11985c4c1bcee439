/* SPDX-License-Identifier: Apache-2.0 */
#include "carbon/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/iso8601.h"
#include "carbon/source.h"

#define URL_SIZE 1024
#define BODY_CEILING ((size_t)2 << 20) /* ten times the longest answer in use */

static bool is_offline(const fr_intensity_query *query) {
  const char *const told = getenv("FRUGAL_OFFLINE");
  return query->offline || (told != NULL && *told != '\0' && strcmp(told, "0") != 0);
}

static enum fr_status take_url(fr__server *server, const char *variable,
                               const char *usual, fr_error *err) {
  const char *const told = getenv(variable);
  const char *const url = told != NULL && *told != '\0' ? told : usual;
  size_t length = strlen(url);
  while (length > 0 && url[length - 1] == '/')
    length--;
  if (length >= sizeof server->url)
    return fr__fail(err, FR_ERR_LIMIT, "the address in %s is longer than %zu bytes",
                    variable, sizeof server->url - 1);
  (void)snprintf(server->url, sizeof server->url, "%.*s", (int)length, url);
  return FR_OK;
}

enum fr_status fr__server_open(fr__server *server, const char *variable,
                               const char *usual, const fr_intensity_query *query,
                               fr_error *err) {
  fr__server opened = {.offline = is_offline(query)};
  enum fr_status status = take_url(&opened, variable, usual, err);
  if (status != FR_OK)
    return status;
  char *const user = fr__path_user("XDG_CACHE_HOME", ".cache");
  char *const folder = user != NULL ? fr__path_join(user, "http") : NULL;
  const fr__http_options options = {
      .cache = folder, .offline = opened.offline, .ceiling = BODY_CEILING};
  status = fr__http_new(&options, &opened.http, err);
  free(folder);
  free(user);
  if (status == FR_OK)
    *server = opened;
  return status;
}

void fr__server_close(fr__server *server) {
  fr__http_free(server->http);
  fr__key_wipe(server, sizeof *server);
}

enum fr_status fr__server_sign(fr__server *server, const char *name, const char *value,
                               const char *secret, fr_error *err) {
  const int length =
      snprintf(server->header, sizeof server->header, "%s: %s", name, value);
  if (length < 0 || (size_t)length >= sizeof server->header) {
    fr__key_wipe(server->header, sizeof server->header);
    return fr__fail(err, FR_ERR_LIMIT, "a key is longer than %d bytes", FR__KEY_SIZE - 1);
  }
  (void)snprintf(server->secret, sizeof server->secret, "%s", secret);
  return FR_OK;
}

/* ---- answers ---- */

enum fr_status fr__server_parse(const char *body, size_t size, const char *name,
                                json_t **out, fr_error *err) {
  json_error_t error;
  json_t *const root = json_loadb(body, size, JSON_REJECT_DUPLICATES, &error);
  if (root == NULL)
    return fr__fail(err, FR_ERR_FORMAT, "%s: no JSON that can be read (line %d)", name,
                    error.line);
  if (!json_is_object(root)) {
    json_decref(root);
    return fr__fail(err, FR_ERR_FORMAT, "%s: an answer that is no object", name);
  }
  *out = root;
  return FR_OK;
}

/* The sentence in an answer that refuses, wherever servers put theirs: {"message": …},
 * {"error": …}, {"error": {"message": …}}, {"detail": …}. Borrowed; NULL: none is found.
 */
static const char *find_words(const json_t *root) {
  static const char *const names[] = {"message", "error", "detail", "error_description"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const json_t *const value = json_object_get(root, names[i]);
    if (json_is_string(value))
      return json_string_value(value);
    const json_t *const inner = json_object_get(value, "message");
    if (json_is_string(inner))
      return json_string_value(inner);
  }
  return NULL;
}

static enum fr_status refuse(const fr__server *server, const char *url,
                             const fr__http_answer *answer, fr_error *err) {
  char said[201];
  json_t *const root = json_loadb(answer->body, answer->size, 0, NULL);
  const char *const words = find_words(root);
  fr__key_mask(words != NULL ? words : answer->body, server->secret, said, sizeof said);
  json_decref(root);
  return fr__http_refused(url, answer, said, err);
}

static void note(fr__server *server, const fr__http_answer *answer) {
  if (server->read_s == 0 || answer->read_s < server->read_s)
    server->read_s = answer->read_s;
  if (server->warning[0] == '\0')
    memcpy(server->warning, answer->warning, sizeof server->warning);
}

static enum fr_status write_url(const fr__server *server, const char *path,
                                char url[URL_SIZE], fr_error *err) {
  const int length = snprintf(url, URL_SIZE, "%s%s", server->url, path);
  if (length < 0 || length >= URL_SIZE)
    return fr__fail(err, FR_ERR_LIMIT, "an address is longer than %d bytes",
                    URL_SIZE - 1);
  return FR_OK;
}

static enum fr_status ask(fr__server *server, fr__http_request request, const char *path,
                          fr__http_answer *answer, fr_error *err) {
  char url[URL_SIZE];
  const char *const header[] = {server->header, NULL};
  enum fr_status status = write_url(server, path, url, err);
  request.url = url;
  request.header = server->header[0] != '\0' ? header : NULL;
  if (status == FR_OK)
    status = fr__http_ask(server->http, &request, answer, err);
  if (status != FR_OK || answer->status == 200)
    return status;
  return refuse(server, url, answer, err);
}

enum fr_status fr__server_get(fr__server *server, const char *path, int64_t usual_s,
                              char **body, size_t *size, long *status, fr_error *err) {
  fr__http_answer answer = {0};
  const enum fr_status asked =
      ask(server, (fr__http_request){.usual_s = usual_s}, path, &answer, err);
  if (status != NULL)
    *status = answer.status;
  if (asked != FR_OK) {
    fr__http_answer_release(&answer);
    return asked;
  }
  note(server, &answer);
  *body = answer.body;
  *size = answer.size;
  return FR_OK;
}

enum fr_status fr__server_get_secret(fr__server *server, const char *path, char **body,
                                     size_t *size, fr_error *err) {
  fr__http_answer answer = {0};
  const enum fr_status asked =
      ask(server, (fr__http_request){.secret = true}, path, &answer, err);
  if (asked != FR_OK) {
    fr__http_answer_release(&answer);
    return asked;
  }
  *body = answer.body;
  *size = answer.size;
  return FR_OK;
}

bool fr__server_has(fr__server *server, const char *path) {
  char url[URL_SIZE];
  fr__http_answer answer = {0};
  const bool has = write_url(server, path, url, NULL) == FR_OK &&
                   fr__http_kept(server->http, url, &answer);
  fr__http_answer_release(&answer);
  return has;
}

void fr__server_forget(fr__server *server, const char *path) {
  char url[URL_SIZE];
  if (write_url(server, path, url, NULL) == FR_OK)
    fr__http_forget(server->http, url);
}

void fr__server_tell(const fr__server *server, fr_series *series) {
  series->read_s = server->read_s;
  if (series->warning[0] == '\0')
    (void)snprintf(series->warning, sizeof series->warning, "%s", server->warning);
}

const char *fr__answer_text(const json_t *object, const char *key) {
  const char *const text = json_string_value(json_object_get(object, key));
  return text != NULL ? text : "";
}

bool fr__answer_time(const json_t *object, const char *key, int64_t *out_s) {
  const char *const text = fr__answer_text(object, key);
  return fr__time_scan(text, strlen(text), FR__TIME_UTC, out_s);
}

/* ---- what is asked for ---- */

static bool is_name(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++)
    if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'z') ||
          (text[i] >= 'A' && text[i] <= 'Z') || text[i] == '-' || text[i] == '_'))
      return false;
  return length > 0 && length < 64;
}

enum fr_status fr__server_spec(const char *rest, const char *what, char name[64],
                               enum fr_factor *factor, fr_error *err) {
  static const char key[] = "?factor=";
  const size_t length = strcspn(rest, "?");
  const char *const option = rest + length;
  if (!is_name(rest, length))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "'%.64s' is no name as in %s: letters, digits, '-' and '_'", rest,
                    what);
  const bool keyed = strncmp(option, key, strlen(key)) == 0;
  const char *const value = keyed ? option + strlen(key) : "";
  if (*option != '\0' && !fr__factor_read(value, strlen(value), factor))
    return fr__fail(err, FR_ERR_ARGUMENT, "'%.64s' is no option of %s", option, what);
  memcpy(name, rest, length);
  name[length] = '\0';
  return FR_OK;
}

#define DAY_S ((int64_t)86400)
#define LIVE_S 300 /* between a command's start and its question */
#define PIECES 100

enum fr_status fr__server_times_of(const fr_intensity_query *query, int64_t usual_days,
                                   int64_t piece_s, fr__server_times *out,
                                   fr_error *err) {
  const int64_t clock_s = fr__clock_utc_ns() / 1000000000;
  const int64_t known_s = query->perfect ? clock_s : query->now_s;
  fr__server_times t = {
      .clock_s = clock_s, .live = query->now_s >= clock_s - LIVE_S, .piece_s = piece_s};
  t.seen_s = query->to_s < known_s ? query->to_s : known_s;
  t.seen_s = t.seen_s < clock_s ? t.seen_s : clock_s;
  t.from_s =
      query->from_s == FR_TIME_EARLIEST ? t.seen_s - usual_days * DAY_S : query->from_s;
  if (t.from_s < t.seen_s && (t.from_s < 0 || (t.seen_s - t.from_s) / piece_s > PIECES))
    return fr__fail(err, FR_ERR_LIMIT,
                    "more than %d days of a server's intensities at once",
                    (int)(PIECES * piece_s / DAY_S));
  *out = t;
  return FR_OK;
}

enum fr_status fr__server_ask_all(const fr__server *server, const fr__server_times *times,
                                  int64_t end_s, fr__ask_piece *ask_piece, void *self,
                                  fr_series *out, fr_error *err) {
  enum fr_status status = FR_OK;
  int64_t next_s;
  for (int64_t at = times->from_s / DAY_S * DAY_S; status == FR_OK && at < end_s;
       at = next_s) {
    next_s = (at / times->piece_s + 1) * times->piece_s;
    next_s = next_s < end_s ? next_s : end_s;
    status = ask_piece(self, at, next_s, out, err);
    if (status == FR_ERR_NOT_FOUND && server->offline)
      status = FR_OK;
  }
  return status;
}

int64_t fr__server_day_end(const fr__server_times *times) {
  return (times->seen_s + DAY_S - 1) / DAY_S * DAY_S;
}

bool fr__server_asks_ahead(const fr__server_times *times,
                           const fr_intensity_query *query) {
  return query->to_s > query->now_s && (times->live || !query->perfect) &&
         query->now_s > times->clock_s - DAY_S;
}

enum fr_status fr__server_check_kept(const fr__server *server, const char *name,
                                     const char *where, fr_error *err) {
  if (!server->offline || server->read_s != 0)
    return FR_OK;
  return fr__fail(err, FR_ERR_NOT_FOUND, "offline, and nothing is kept of %s:%s", name,
                  where);
}

enum fr_status fr__series_append(fr_series *to, const fr_series *from, int64_t from_s,
                                 int64_t to_s, fr_error *err) {
  enum fr_status status = FR_OK;
  for (size_t i = 0; status == FR_OK && i < from->count; i++) {
    const fr_intensity_step *const step = &from->step[i];
    const bool begins = to->count == 0 || step->start_s >= to->step[to->count - 1].end_s;
    if (begins && step->start_s >= from_s && step->start_s < to_s)
      status = fr_series_add(to, step, err);
  }
  return status;
}

void fr__series_mark_ahead(fr_series *series, int64_t now_s) {
  for (size_t i = 0; i < series->count; i++)
    if (series->step[i].end_s > now_s)
      series->step[i].marks |= FR_STEP_FORECAST;
}

void fr__series_see(fr_series *series, const fr__server_times *times,
                    const fr_intensity_query *query) {
  if (times->live || query->perfect) {
    fr__series_mark_ahead(series, query->now_s);
    return;
  }
  while (series->count > 0 && series->step[series->count - 1].end_s > query->now_s)
    series->count--;
}
