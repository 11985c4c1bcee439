/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET over HTTP, for the small answers of servers that tell figures: tried again where
 * that helps, kept as RFC 9111 allows, quiet where a server wants quiet. Certificates are
 * always checked. A client is for one thread at a time; several processes share a cache.
 */
#ifndef FR_BASE_HTTP_H
#define FR_BASE_HTTP_H

#include "frugal/base.h"

typedef struct fr__http fr__http; /* a client: its cache, time-outs and rate limits */

/* What a test puts in the place of the system's. */
typedef struct fr__http_clock {
  int64_t (*utc_ns)(void *self);
  void (*sleep)(void *self, double seconds);
  void *self;
} fr__http_clock;

/* `= {0}` is the usual: nothing is kept, 10 s to connect, 30 s in all, four tries. */
typedef struct fr__http_options {
  const char *cache;           /* folder, made with mode 0700; NULL: none is kept */
  bool offline;                /* only what is kept, however old */
  double connect_s;            /* of one try; 0: 10 */
  double timeout_s;            /* of one call, its tries and waits together; 0: 30 */
  size_t tries;                /* 0: 4 */
  size_t ceiling;              /* bytes of a body, unpacked; 0: 16 MiB */
  size_t cache_ceiling;        /* bytes of the folder; 0: 64 MiB */
  uint64_t seed;               /* of the waits between tries; 0: the clock's */
  const fr__http_clock *clock; /* borrowed; NULL: the system's */
} fr__http_options;

typedef struct fr__http_request {
  const char *url;           /* http or https, without a user or password in it */
  const char *const *header; /* "name: value", ended by NULL; NULL: none. Held to be
                                secret: sent over https (or to this machine) and to that
                                server alone, not kept, not in any message */
  int64_t usual_s; /* how long an answer is fresh whose server does not tell; 0: by its
                      Last-Modified alone (RFC 9111, 4.2.2) */
  bool secret;     /* the answer is one, too: it is not kept */
} fr__http_request;

typedef struct fr__http_answer {
  char *body;  /* owned; a NUL behind it; "" rather than NULL */
  size_t size; /* without the NUL */
  long status;
  int64_t read_s;    /* when the server told it, or last said that it still holds */
  bool kept;         /* out of the cache, without the server */
  bool stale;        /* its time is over, but no newer is to be had: `warning` says why */
  char warning[200]; /* "the server cannot be reached (…): answer of 3 h ago"; "": none */
} fr__http_answer;

enum fr_status fr__http_new(const fr__http_options *options, fr__http **out,
                            fr_error *err);
void fr__http_free(fr__http *http);

/*
 * FR_OK wherever a server answered, whatever answer->status says but 429 and 5xx: what is
 * refused (401, 404 …) has the server's words in the body; fr__http_refused makes a
 * sentence of them. Tried again after 429, 5xx and failures of the connection, with
 * exponential back-off and full jitter, not before the server's Retry-After. When all
 * tries have failed, or a server wants no requests for longer than the time-out, what is
 * kept stands in, marked stale; else the call fails and says why, and when to try again.
 * Redirections are followed to the same server, without a `header` to any other, never
 * from https to http.
 */
enum fr_status fr__http_ask(fr__http *http, const fr__http_request *request,
                            fr__http_answer *answer, fr_error *err);
/* What fr__http_ask would give without asking a server; false: it would ask one. */
bool fr__http_kept(fr__http *http, const char *url, fr__http_answer *answer);
/* What is kept of it turned out to make no sense: the next question asks the server. */
void fr__http_forget(fr__http *http, const char *url);
void fr__http_answer_release(fr__http_answer *answer);

/* FR_ERR_PERMISSION (401, 403), FR_ERR_NOT_FOUND (404) or FR_ERR_IO, with the status and
 * `said`, of which only printable text is taken, cut to 200 bytes; NULL: the body. */
enum fr_status fr__http_refused(const char *url, const fr__http_answer *answer,
                                const char *said, fr_error *err);

/* "https://host[:port]": what of a URL a message needs. Cut to `size`. */
void fr__http_server(const char *url, char *text, size_t size);
/* A piece of a query, percent-encoded (RFC 3986, 2.1); NULL out of memory; free. */
char *fr__http_escape(const char *text);

#endif
