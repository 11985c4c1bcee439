/* SPDX-License-Identifier: Apache-2.0 */
/* When to ask a server, how often, and what stands in for its answer. */
#include "base/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/http_parts.h"
#include "base/rng.h"

#define CONNECT_S 10.0
#define TIMEOUT_S 30.0
#define TRIES 4
#define BODY_CEILING ((size_t)16 << 20)
#define FOLDER_CEILING ((size_t)64 << 20)
#define FIRST_WAIT_S 0.5 /* doubled with each try */
#define LONGEST_WAIT_S 8.0
#define QUIET_S 60 /* after 429 without Retry-After, when all tries are used up */
#define LONGEST_QUIET_S 86400 /* a server that errs by years does not lock us out */
#define DOWN_S 15 /* a server that cannot be reached is not waited for again */
#define HOPS 5
#define SERVER_TEXT 128

struct fr__http {
  fr__http_options options; /* none of it 0; `cache` owned, may be NULL */
  char *cache;
  fr__http_clock clock;
  fr__rng rng;
  fr__curl lib;
  CURL *curl; /* NULL until a server is first asked */
  char quiet_server[SERVER_TEXT];
  int64_t quiet_until_s; /* of quiet_server, where no folder keeps it */
  char down_server[SERVER_TEXT];
  int64_t down_until_s; /* of down_server, likewise */
};

/* ---- the client ---- */

static int64_t system_utc_ns(void *self) {
  (void)self;
  return fr__clock_utc_ns();
}

static void system_sleep(void *self, double seconds) {
  struct timespec left = {.tv_sec = (time_t)seconds};
  left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
  (void)self;
  while (nanosleep(&left, &left) != 0) {
  }
}

static void fill_in(fr__http_options *o, int64_t utc_ns) {
  o->connect_s = o->connect_s > 0 ? o->connect_s : CONNECT_S;
  o->timeout_s = o->timeout_s > 0 ? o->timeout_s : TIMEOUT_S;
  o->tries = o->tries > 0 ? o->tries : TRIES;
  o->ceiling = o->ceiling > 0 ? o->ceiling : BODY_CEILING;
  o->cache_ceiling = o->cache_ceiling > 0 ? o->cache_ceiling : FOLDER_CEILING;
  o->seed = o->seed > 0 ? o->seed : (uint64_t)utc_ns;
}

enum fr_status fr__http_new(const fr__http_options *options, fr__http **out,
                            fr_error *err) {
  fr__http *const http = calloc(1, sizeof *http);
  if (http == NULL)
    return fr__fail_memory(err, "an HTTP client");
  http->options = *options;
  http->clock = options->clock != NULL
                    ? *options->clock
                    : (fr__http_clock){system_utc_ns, system_sleep, NULL};
  fill_in(&http->options, http->clock.utc_ns(http->clock.self));
  fr__rng_init(&http->rng, http->options.seed, 0);
  if (options->cache != NULL && (http->cache = strdup(options->cache)) == NULL) {
    free(http);
    return fr__fail_memory(err, "an HTTP client");
  }
  *out = http;
  return FR_OK;
}

void fr__http_free(fr__http *http) {
  if (http == NULL)
    return;
  if (http->curl != NULL)
    http->lib.easy_cleanup(http->curl);
  free(http->cache);
  free(http);
}

void fr__http_answer_release(fr__http_answer *answer) {
  free(answer->body);
  *answer = (fr__http_answer){0};
}

static int64_t now_ns(const fr__http *http) {
  return http->clock.utc_ns(http->clock.self);
}

static int64_t now_s(const fr__http *http) { return now_ns(http) / 1000000000; }

static enum fr_status open_curl(fr__http *http, fr_error *err) {
  if (http->curl != NULL)
    return FR_OK;
  const enum fr_status status = fr__curl_load(&http->lib, err);
  if (status != FR_OK)
    return status;
  http->curl = http->lib.easy_init();
  return http->curl != NULL ? FR_OK : fr__fail_memory(err, "a transfer");
}

/* ---- what is kept ---- */

static void tell_age(int64_t seconds, char text[32]) {
  const long long s = seconds > 0 ? (long long)seconds : 0;
  if (s < 120)
    (void)snprintf(text, 32, "%lld s", s);
  else if (s < 7200)
    (void)snprintf(text, 32, "%lld min", s / 60);
  else if (s < 172800)
    (void)snprintf(text, 32, "%lld h", s / 3600);
  else
    (void)snprintf(text, 32, "%lld days", s / 86400);
}

/* The entry's body goes to the answer. `why`: what stands before its age. */
static void give_kept(const fr__http *http, fr__http_entry *entry, const char *why,
                      fr__http_answer *out) {
  char age[32];
  *out = (fr__http_answer){.body = entry->body,
                           .size = entry->size,
                           .status = 200,
                           .read_s = entry->answered_s - entry->age_s,
                           .kept = true,
                           .stale = !fr__http_fresh(entry, now_s(http))};
  entry->body = NULL;
  if (!out->stale)
    return;
  tell_age(now_s(http) - out->read_s, age);
  (void)snprintf(out->warning, sizeof out->warning, "%.150s: answer of %s ago", why, age);
}

static bool find_kept(const fr__http *http, const char *url, fr__http_entry *entry) {
  return http->cache != NULL &&
         fr__http_cache_read(http->cache, url, http->options.ceiling, entry);
}

static void keep(const fr__http *http, const char *url, const fr__http_entry *entry) {
  if (http->cache != NULL)
    fr__http_cache_write(http->cache, url, entry, http->options.cache_ceiling);
}

/* ---- quiet times ---- */

static int64_t quiet_until(const fr__http *http, const char *url) {
  char server[SERVER_TEXT];
  const int64_t kept =
      http->cache != NULL ? fr__http_state_read(http->cache, url, FR__HTTP_QUIET) : 0;
  fr__http_server(url, server, sizeof server);
  const bool here = strcmp(server, http->quiet_server) == 0;
  const int64_t until = here && http->quiet_until_s > kept ? http->quiet_until_s : kept;
  const int64_t longest = now_s(http) + LONGEST_QUIET_S;
  return until < longest ? until : longest;
}

static void be_quiet(fr__http *http, const char *url, int64_t until_s) {
  const int64_t longest = now_s(http) + LONGEST_QUIET_S;
  fr__http_server(url, http->quiet_server, sizeof http->quiet_server);
  http->quiet_until_s = until_s < longest ? until_s : longest;
  if (http->cache != NULL)
    fr__http_state_write(http->cache, url, FR__HTTP_QUIET, http->quiet_until_s);
}

/* All tries have failed: many questions (forty regions, a year in pieces) are not to wait
 * as long each. */
static void note_down(fr__http *http, const char *url, bool down) {
  const int64_t until_s = down ? now_s(http) + DOWN_S : 0;
  if (!down && http->down_until_s == 0)
    return;
  fr__http_server(url, http->down_server, sizeof http->down_server);
  http->down_until_s = until_s;
  if (http->cache != NULL)
    fr__http_state_write(http->cache, url, FR__HTTP_DOWN, until_s);
}

static bool is_down(fr__http *http, const char *url) {
  char server[SERVER_TEXT];
  const int64_t now = now_s(http);
  fr__http_server(url, server, sizeof server);
  if (strcmp(server, http->down_server) != 0 || http->down_until_s == 0) {
    memcpy(http->down_server, server, sizeof server);
    http->down_until_s =
        http->cache != NULL ? fr__http_state_read(http->cache, url, FR__HTTP_DOWN) : 0;
  }
  return http->down_until_s > now && http->down_until_s <= now + DOWN_S;
}

/* 429 and 503 with their Retry-After; a last permitted request (RateLimit fields). */
static void heed(fr__http *http, const char *url, const fr__http_try *t) {
  const fr__http_fields *const f = &t->fields;
  const int64_t now = now_s(http);
  if (t->code != CURLE_OK)
    return;
  if ((t->status == 429 || t->status == 503) && f->retry_s > now)
    be_quiet(http, url, f->retry_s);
  else if (f->limit_left == 0 && f->limit_reset_s > now)
    be_quiet(http, url, f->limit_reset_s);
}

/* ---- one call ---- */

typedef struct call {
  fr__http *http;
  const fr__http_request *request;
  fr__http_entry *entry; /* NULL: none is kept */
  int64_t end_ns;        /* of its time */
  bool temporary;        /* a redirection was: not kept */
  char why[192];         /* the last try failed; "" none has */
} call;

static double left_s(const call *c) {
  return (double)(c->end_ns - now_ns(c->http)) / 1e9;
}

static bool is_redirect(const fr__http_try *t) {
  return t->code == CURLE_OK && t->location != NULL &&
         (t->status == 301 || t->status == 302 || t->status == 303 || t->status == 307 ||
          t->status == 308);
}

static enum fr_status check_redirect(const call *c, const char *from, const char *to,
                                     fr_error *err) {
  char here[SERVER_TEXT], there[SERVER_TEXT];
  const enum fr_status status = fr__http_url_check(to, err);
  if (status != FR_OK)
    return status;
  fr__http_server(from, here, sizeof here);
  fr__http_server(to, there, sizeof there);
  if (fr__http_is_https(from) && !fr__http_is_https(to))
    return fr__fail(err, FR_ERR_PERMISSION,
                    "'%s' redirects to '%s', which is not encrypted", here, there);
  if (c->request->header != NULL && !fr__http_same_server(c->request->url, to))
    return fr__fail(err, FR_ERR_PERMISSION,
                    "'%s' redirects to '%s', to which the key is not sent", here, there);
  return FR_OK;
}

static enum fr_status transfer(const call *c, const char *url, fr__http_try *t,
                               fr_error *err) {
  const double left = left_s(c);
  const fr__http_options *const o = &c->http->options;
  *t = (fr__http_try){.url = url,
                      .header = c->request->header,
                      .etag = c->entry != NULL ? c->entry->etag : "",
                      .modified = c->entry != NULL ? c->entry->modified : "",
                      .connect_s = o->connect_s < left ? o->connect_s : left,
                      .timeout_s = left,
                      .ceiling = o->ceiling,
                      .now_s = now_s(c->http)};
  return fr__http_transfer(&c->http->lib, c->http->curl, t, err);
}

/* One try, through its redirections. `t` is the caller's (release), also after a failure.
 */
static enum fr_status try_once(call *c, fr__http_try *t, fr_error *err) {
  char *url = strdup(c->request->url);
  enum fr_status status =
      url != NULL ? transfer(c, url, t, err) : fr__fail_memory(err, "a request");
  for (unsigned hop = 0; status == FR_OK && is_redirect(t); hop++) {
    c->temporary |= t->status != 301 && t->status != 308;
    status = hop < HOPS ? check_redirect(c, url, t->location, err)
                        : fr__fail(err, FR_ERR_LIMIT, "more than %d redirections", HOPS);
    if (status != FR_OK)
      break;
    free(url);
    url = t->location;
    t->location = NULL;
    fr__http_try_release(t);
    status = transfer(c, url, t, err);
  }
  t->url = c->request->url;
  free(url);
  return status;
}

static bool worth_another(const fr__http_try *t) {
  switch ((int)t->code) {
  case CURLE_OK: return t->status == 429 || t->status >= 500;
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_CONNECT:
  case CURLE_OPERATION_TIMEDOUT:
  case CURLE_PARTIAL_FILE:
  case CURLE_GOT_NOTHING:
  case CURLE_SEND_ERROR:
  case CURLE_RECV_ERROR:
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_HTTP2:
  case CURLE_HTTP2_STREAM: return true;
  default: return false;
  }
}

/* libcurl's own words about this transfer are left alone: they may hold what stands in
 * the environment, such as a proxy's password. */
static void explain(call *c, const fr__http_try *t) {
  char server[SERVER_TEXT];
  fr__http_server(c->request->url, server, sizeof server);
  if (t->code == CURLE_OK)
    (void)snprintf(c->why, sizeof c->why, "'%.80s' answered with status %ld", server,
                   t->status);
  else
    (void)snprintf(c->why, sizeof c->why, "'%.80s' cannot be reached (%.60s)", server,
                   c->http->lib.easy_strerror(t->code));
}

static void explain_down(call *c) {
  char server[SERVER_TEXT];
  fr__http_server(c->request->url, server, sizeof server);
  (void)snprintf(c->why, sizeof c->why, "'%.80s' could not be reached a moment ago",
                 server);
}

static void explain_quiet(call *c, int64_t until_s) {
  char server[SERVER_TEXT], when[FR__TIME_TEXT];
  fr__http_server(c->request->url, server, sizeof server);
  fr__time_format(until_s * 1000000000, when);
  (void)snprintf(c->why, sizeof c->why, "'%.80s' wants no requests before %.32s", server,
                 when);
}

/* Waits until the server may be asked; false: not within the call's time. */
static bool wait_quiet(call *c) {
  const int64_t until = quiet_until(c->http, c->request->url);
  const double wait = (double)until - (double)now_ns(c->http) / 1e9;
  if (wait <= 0)
    return true;
  if (wait >= left_s(c)) {
    explain_quiet(c, until);
    return false;
  }
  c->http->clock.sleep(c->http->clock.self, wait);
  return true;
}

/* Full jitter (Brooker 2015, "Exponential Backoff and Jitter"): any time up to the
 * doubled one, so that many clients do not come back together. */
static bool back_off(call *c, size_t tried) {
  double most = FIRST_WAIT_S;
  for (size_t i = 1; i < tried && most < LONGEST_WAIT_S; i++)
    most *= 2;
  const double wait =
      fr__rng_uniform(&c->http->rng) * (most < LONGEST_WAIT_S ? most : LONGEST_WAIT_S);
  if (wait >= left_s(c))
    return false;
  c->http->clock.sleep(c->http->clock.self, wait);
  return true;
}

/* Until a server answers for good: *answered. Else c->why says why none did. */
static enum fr_status try_often(call *c, fr__http_try *t, bool *answered, fr_error *err) {
  const bool down = is_down(c->http, c->request->url);
  const size_t tries = down ? 1 : c->http->options.tries;
  if (down && c->entry != NULL) {
    explain_down(c);
    return FR_OK;
  }
  for (size_t tried = 0; tried < tries; tried++) {
    if (!wait_quiet(c) || (tried > 0 && !back_off(c, tried)))
      return FR_OK;
    fr__http_try_release(t);
    c->temporary = false;
    const enum fr_status status = try_once(c, t, err);
    if (status != FR_OK)
      return status;
    heed(c->http, c->request->url, t);
    if (!worth_another(t)) {
      note_down(c->http, c->request->url, false);
      *answered = true;
      return FR_OK;
    }
    explain(c, t);
  }
  if (t->code != CURLE_OK)
    note_down(c->http, c->request->url, true);
  if (t->code == CURLE_OK && t->status == 429 &&
      quiet_until(c->http, c->request->url) <= now_s(c->http))
    be_quiet(c->http, c->request->url, now_s(c->http) + QUIET_S);
  return FR_OK;
}

/* What makes no answer, however often it is asked for. */
static enum fr_status check_answer(const call *c, const fr__http_try *t, fr_error *err) {
  char server[SERVER_TEXT];
  fr__http_server(c->request->url, server, sizeof server);
  if (t->too_large)
    return fr__fail(err, FR_ERR_LIMIT, "'%s' answers with more than %zu bytes", server,
                    c->http->options.ceiling);
  if (t->code != CURLE_OK)
    return fr__fail(err, FR_ERR_IO, "'%s' cannot be trusted or read: %s", server,
                    c->http->lib.easy_strerror(t->code));
  if (t->status == 304 && c->entry == NULL)
    return fr__fail(err, FR_ERR_FORMAT,
                    "'%s' answers that what was never told still "
                    "holds",
                    server);
  return FR_OK;
}

static void note_times(const call *c, const fr__http_try *t, fr__http_entry *entry) {
  const fr__http_fields *const f = &t->fields;
  entry->answered_s = now_s(c->http);
  entry->age_s = fr__http_initial_age(f, t->now_s, entry->answered_s);
  entry->lifetime_s = fr__http_lifetime(f, entry->answered_s, c->request->usual_s);
  entry->no_cache = f->no_cache;
  if (f->etag[0] != '\0')
    memcpy(entry->etag, f->etag, sizeof entry->etag);
  if (f->modified[0] != '\0')
    memcpy(entry->modified, f->modified, sizeof entry->modified);
}

/* What is kept still holds (RFC 9111, 4.3.4). */
static void give_confirmed(call *c, const fr__http_try *t, fr__http_answer *out) {
  fr__http_entry *const entry = c->entry;
  note_times(c, t, entry);
  keep(c->http, c->request->url, entry);
  *out = (fr__http_answer){.body = entry->body,
                           .size = entry->size,
                           .status = 200,
                           .read_s = entry->answered_s};
  entry->body = NULL;
}

static void give_new(call *c, fr__http_try *t, fr__http_answer *out) {
  fr__http_entry entry = {.body = t->body, .size = t->size};
  note_times(c, t, &entry);
  if (t->status == 200 && c->http->cache != NULL && !c->request->secret) {
    if (t->fields.no_store || c->temporary)
      fr__http_cache_forget(c->http->cache, c->request->url);
    else
      keep(c->http, c->request->url, &entry);
  }
  *out = (fr__http_answer){.body = t->body,
                           .size = t->size,
                           .status = t->status,
                           .read_s = entry.answered_s - entry.age_s};
  t->body = NULL;
}

static enum fr_status ask_server(call *c, fr__http_answer *out, fr_error *err) {
  fr__http_try t = {0};
  bool answered = false;
  enum fr_status status = open_curl(c->http, err);
  if (status == FR_OK)
    status = try_often(c, &t, &answered, err);
  if (status == FR_OK && answered)
    status = check_answer(c, &t, err);
  if (status != FR_OK) {
  } else if (!answered && c->entry != NULL) {
    give_kept(c->http, c->entry, c->why, out);
  } else if (!answered) {
    status = fr__fail(err, FR_ERR_IO, "%s", c->why);
  } else if (t.status == 304) {
    give_confirmed(c, &t, out);
  } else {
    give_new(c, &t, out);
  }
  fr__http_try_release(&t);
  return status;
}

/* ---- what callers see ---- */

static enum fr_status check_header(const fr__http_request *request, fr_error *err) {
  char server[SERVER_TEXT];
  if (request->header == NULL)
    return FR_OK;
  fr__http_server(request->url, server, sizeof server);
  if (!fr__http_is_https(request->url) && !fr__http_is_loopback(request->url))
    return fr__fail(err, FR_ERR_PERMISSION,
                    "no key is sent to '%s': its address is not https", server);
  for (size_t i = 0; request->header[i] != NULL; i++)
    for (const char *c = request->header[i]; *c != '\0'; c++)
      if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
        return fr__fail(err, FR_ERR_ARGUMENT,
                        "a key for '%s' has a character that cannot be sent", server);
  return FR_OK;
}

enum fr_status fr__http_ask(fr__http *http, const fr__http_request *request,
                            fr__http_answer *answer, fr_error *err) {
  fr__http_entry entry = {0};
  fr__http_answer out = {0};
  call c = {.http = http, .request = request};
  enum fr_status status = fr__http_url_check(request->url, err);
  if (status == FR_OK)
    status = check_header(request, err);
  if (status != FR_OK)
    return status;
  const bool kept = !request->secret && find_kept(http, request->url, &entry);
  if (kept && (http->options.offline || fr__http_fresh(&entry, now_s(http)))) {
    give_kept(http, &entry, "offline", &out);
  } else if (http->options.offline) {
    status = fr__fail(err, FR_ERR_NOT_FOUND, "offline, and no answer is kept of '%.300s'",
                      request->url);
  } else {
    c.entry = kept ? &entry : NULL;
    c.end_ns = now_ns(http) + (int64_t)(http->options.timeout_s * 1e9);
    status = ask_server(&c, &out, err);
  }
  fr__http_entry_release(&entry);
  if (status == FR_OK)
    *answer = out;
  return status;
}

bool fr__http_kept(fr__http *http, const char *url, fr__http_answer *answer) {
  fr__http_entry entry = {0};
  const bool given = find_kept(http, url, &entry) &&
                     (http->options.offline || fr__http_fresh(&entry, now_s(http)));
  if (given)
    give_kept(http, &entry, "offline", answer);
  fr__http_entry_release(&entry);
  return given;
}

void fr__http_forget(fr__http *http, const char *url) {
  if (http->cache != NULL)
    fr__http_cache_forget(http->cache, url);
}

enum fr_status fr__http_refused(const char *url, const fr__http_answer *answer,
                                const char *said, fr_error *err) {
  char server[SERVER_TEXT], text[201];
  size_t length = 0;
  for (const char *c = said != NULL ? said : answer->body;
       *c != '\0' && length < sizeof text - 1; c++)
    if ((unsigned char)*c >= 0x20 && (unsigned char)*c <= 0x7e)
      text[length++] = *c;
  text[length] = '\0';
  fr__http_server(url, server, sizeof server);
  const enum fr_status status = answer->status == 401 || answer->status == 403
                                    ? FR_ERR_PERMISSION
                                : answer->status == 404 ? FR_ERR_NOT_FOUND
                                                        : FR_ERR_IO;
  return fr__fail(err, status, "'%s' answers with status %ld%s%s", server, answer->status,
                  length > 0 ? ": " : "", text);
}
