/* SPDX-License-Identifier: Apache-2.0 */
/* One request and its answer. */
#include "base/http_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"

typedef struct receiver {
  fr__http_try *t;
  fr__buf body;
} receiver;

static size_t take_body(char *bytes, size_t size, size_t count, void *self) {
  receiver *const r = self;
  const size_t length = size * count;
  if (length > r->t->ceiling - r->body.length) {
    r->t->too_large = true;
    return 0;
  }
  fr__buf_add_bytes(&r->body, bytes, length);
  return r->body.status == FR_OK ? length : 0;
}

/* Fields of interim answers (RFC 9110, 15.2) are forgotten with the next status line. */
static size_t take_line(char *bytes, size_t size, size_t count, void *self) {
  receiver *const r = self;
  const size_t length = size * count;
  if (length >= 5 && memcmp(bytes, "HTTP/", 5) == 0)
    fr__http_fields_init(&r->t->fields);
  else
    fr__http_fields_add(&r->t->fields, bytes, length, r->t->now_s);
  return length;
}

static bool append(const fr__curl *lib, struct curl_slist **list, const char *text) {
  struct curl_slist *const longer = lib->slist_append(*list, text);
  if (longer != NULL)
    *list = longer;
  return longer != NULL;
}

static bool list_header(const fr__curl *lib, const fr__http_try *t,
                        struct curl_slist **list) {
  char line[FR__HTTP_TEXT + 32];
  bool done = append(lib, list, "Accept: application/json");
  for (size_t i = 0; done && t->header != NULL && t->header[i] != NULL; i++)
    done = append(lib, list, t->header[i]);
  if (done && t->etag[0] != '\0') {
    (void)snprintf(line, sizeof line, "If-None-Match: %s", t->etag);
    done = append(lib, list, line);
  }
  if (done && t->modified[0] != '\0') {
    (void)snprintf(line, sizeof line, "If-Modified-Since: %s", t->modified);
    done = append(lib, list, line);
  }
  return done;
}

static long to_ms(double seconds) {
  return seconds > 0.001 ? (long)(seconds * 1000) : 1L;
}

/* A secret goes to its server alone: not to a proxy (HEADEROPT), and what is meant for
 * this machine not to another that stands in the environment as a proxy. Redirections are
 * followed by the caller, who knows to whom the header may go. */
static CURLcode prepare(const fr__curl *lib, CURL *curl, receiver *r,
                        struct curl_slist *list) {
  const fr__http_try *const t = r->t;
  const CURLcode code = fr__curl_usual(lib, curl, t->url);
  lib->easy_setopt(curl, CURLOPT_HTTPGET, 1L);
  lib->easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  lib->easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  lib->easy_setopt(curl, CURLOPT_HTTPHEADER, list);
  lib->easy_setopt(curl, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
  lib->easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  lib->easy_setopt(curl, CURLOPT_NOPROXY, fr__http_is_loopback(t->url) ? "*" : NULL);
  lib->easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
  lib->easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, to_ms(t->connect_s));
  lib->easy_setopt(curl, CURLOPT_TIMEOUT_MS, to_ms(t->timeout_s));
  lib->easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  lib->easy_setopt(curl, CURLOPT_WRITEDATA, r);
  lib->easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_line);
  lib->easy_setopt(curl, CURLOPT_HEADERDATA, r);
  return code;
}

static enum fr_status take_result(const fr__curl *lib, CURL *curl, receiver *r,
                                  fr_error *err) {
  fr__http_try *const t = r->t;
  const char *location = NULL;
  lib->easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &t->status);
  lib->easy_getinfo(curl, CURLINFO_REDIRECT_URL, &location);
  fr__buf_add(&r->body, "");
  t->location = location != NULL ? strdup(location) : NULL;
  t->size = r->body.length;
  t->body = fr__buf_detach(&r->body);
  if (t->body == NULL || (location != NULL && t->location == NULL))
    return fr__fail_memory(err, "an answer");
  return FR_OK;
}

enum fr_status fr__http_transfer(const fr__curl *lib, CURL *curl, fr__http_try *t,
                                 fr_error *err) {
  receiver r = {.t = t};
  struct curl_slist *list = NULL;
  fr__buf_init(&r.body, 0);
  fr__http_fields_init(&t->fields);
  enum fr_status status = FR_OK;
  if (list_header(lib, t, &list)) {
    t->code = prepare(lib, curl, &r, list);
    if (t->code == CURLE_OK)
      t->code = lib->easy_perform(curl);
    status = take_result(lib, curl, &r, err);
  } else {
    status = fr__fail_memory(err, "a request");
  }
  lib->easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
  lib->slist_free_all(list);
  fr__buf_release(&r.body);
  return status;
}

void fr__http_try_release(fr__http_try *t) {
  free(t->body);
  free(t->location);
  t->body = t->location = NULL;
}
