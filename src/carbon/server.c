/* SPDX-License-Identifier: Apache-2.0 */
#include "carbon/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

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

enum fr_status fr__server_get(fr__server *server, const char *path, int64_t usual_s,
                              char **body, size_t *size, long *status, fr_error *err) {
  char url[1024];
  fr__http_answer answer = {0};
  const char *const header[] = {server->header, NULL};
  if (status != NULL)
    *status = 0;
  const int length = snprintf(url, sizeof url, "%s%s", server->url, path);
  if (length < 0 || (size_t)length >= sizeof url)
    return fr__fail(err, FR_ERR_LIMIT, "an address is longer than %zu bytes",
                    sizeof url - 1);
  const fr__http_request request = {.url = url,
                                    .header = server->header[0] != '\0' ? header : NULL,
                                    .usual_s = usual_s};
  const enum fr_status asked = fr__http_ask(server->http, &request, &answer, err);
  if (asked != FR_OK)
    return asked;
  if (status != NULL)
    *status = answer.status;
  if (answer.status != 200) {
    const enum fr_status refused = refuse(server, url, &answer, err);
    fr__http_answer_release(&answer);
    return refused;
  }
  note(server, &answer);
  *body = answer.body;
  *size = answer.size;
  return FR_OK;
}

void fr__server_tell(const fr__server *server, fr_series *series) {
  series->read_s = server->read_s;
  if (series->warning[0] == '\0')
    (void)snprintf(series->warning, sizeof series->warning, "%s", server->warning);
}
