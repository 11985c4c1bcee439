/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the HTTP client share. */
#ifndef FR_BASE_HTTP_PARTS_H
#define FR_BASE_HTTP_PARTS_H

#include "base/curl.h"
#include "base/http.h"

#define FR__HTTP_TEXT 256 /* bytes of a field that is kept, with its NUL */
#define FR__HTTP_UNKNOWN INT64_MIN

/* ---- fields of an answer (http_fields.c) ---- */

/* Those that the client looks at; times in seconds since 1970, UTC. */
typedef struct fr__http_fields {
  int64_t date_s, expires_s, modified_s, retry_s; /* FR__HTTP_UNKNOWN: not told */
  int64_t age_s;                                  /* 0: not told */
  int64_t max_age_s;                              /* FR__HTTP_UNKNOWN: not told */
  int64_t limit_left, limit_reset_s;              /* FR__HTTP_UNKNOWN: not told */
  bool no_store, no_cache;
  bool expires; /* told, if only as nonsense: then it is over (RFC 9111, 5.3) */
  char etag[FR__HTTP_TEXT], modified[FR__HTTP_TEXT];
} fr__http_fields;

void fr__http_fields_init(fr__http_fields *fields);
/* One line, its ending off or on. now_s: where seconds count from (Retry-After). */
void fr__http_fields_add(fr__http_fields *fields, const char *line, size_t length,
                         int64_t now_s);
/* "Sun, 06 Nov 1994 08:49:37 GMT" and the two older forms (RFC 9110, 5.6.7);
 * FR__HTTP_UNKNOWN where it is none of them. */
int64_t fr__http_date(const char *text);
/* For how long such an answer is fresh (RFC 9111, 4.2.1); usual_s: as in the request. */
int64_t fr__http_lifetime(const fr__http_fields *fields, int64_t answered_s,
                          int64_t usual_s);
/* How old it was when it came (4.2.3). */
int64_t fr__http_initial_age(const fr__http_fields *fields, int64_t asked_s,
                             int64_t answered_s);

/* ---- addresses (http_url.c) ---- */

/* http or https, a host, no user, nothing but what RFC 3986 allows. */
enum fr_status fr__http_url_check(const char *url, fr_error *err);
bool fr__http_is_https(const char *url);
bool fr__http_is_loopback(const char *url);              /* 127.x, ::1, localhost */
bool fr__http_same_server(const char *a, const char *b); /* scheme, host and port */

/* ---- one transfer (http_transfer.c) ---- */

typedef struct fr__http_try {
  const char *url;             /* in: checked */
  const char *const *header;   /* in; NULL: none */
  const char *etag, *modified; /* in: of what is kept; "": none is */
  double connect_s, timeout_s; /* in */
  size_t ceiling;              /* in */
  int64_t now_s;               /* in */
  CURLcode code;               /* out */
  long status;                 /* out */
  char *body;                  /* out; owned by the caller */
  size_t size;                 /* out */
  bool too_large;              /* out */
  fr__http_fields fields;      /* out */
  char *location;              /* out: where it redirects to, absolute; owned; NULL */
} fr__http_try;

/* Fails only for want of memory; what else went wrong stands in `code`. */
enum fr_status fr__http_transfer(const fr__curl *lib, CURL *curl, fr__http_try *t,
                                 fr_error *err);
void fr__http_try_release(fr__http_try *t);

/* ---- what is kept (http_cache.c) ---- */

typedef struct fr__http_entry {
  int64_t answered_s; /* on our clock */
  int64_t age_s;      /* when it came */
  int64_t lifetime_s; /* from its beginning */
  bool no_cache;      /* never without asking */
  char etag[FR__HTTP_TEXT], modified[FR__HTTP_TEXT];
  char *body; /* owned */
  size_t size;
} fr__http_entry;

/* False: none is kept; what is damaged is thrown away. */
bool fr__http_cache_read(const char *folder, const char *url, size_t ceiling,
                         fr__http_entry *out);
/* Best effort: what cannot be kept is not. Over `ceiling` the oldest are taken out. */
void fr__http_cache_write(const char *folder, const char *url,
                          const fr__http_entry *entry, size_t ceiling);
void fr__http_cache_forget(const char *folder, const char *url);
void fr__http_entry_release(fr__http_entry *entry);
bool fr__http_fresh(const fr__http_entry *entry, int64_t now_s);

/* What is known of the server of `url` until a time: it wants no requests, or it cannot
 * be reached. 0: nothing. */
enum fr__http_state { FR__HTTP_QUIET, FR__HTTP_DOWN };
int64_t fr__http_state_read(const char *folder, const char *url,
                            enum fr__http_state state);
void fr__http_state_write(const char *folder, const char *url, enum fr__http_state state,
                          int64_t until_s);

#endif
