/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP server on this machine for tests: it answers by a script, and keeps what it was
 * asked. One thread, one connection after another, a port of its own. */
#ifndef FR_TESTS_LOOPBACK_H
#define FR_TESTS_LOOPBACK_H

#include <stddef.h>

enum loopback_how {
  LOOPBACK_WHOLE,
  LOOPBACK_RESET,  /* the connection is reset in the answer's place */
  LOOPBACK_CLOSE,  /* closed without a word */
  LOOPBACK_HALF,   /* half of the body, then closed */
  LOOPBACK_SILENT, /* nothing, until the client has gone */
  LOOPBACK_SLOW    /* a byte each 20 ms, until the client has gone */
};

typedef struct loopback_answer {
  const char *target; /* what the request's target begins with; NULL: any */
  int status;
  const char *header; /* lines, each ended by "\r\n"; NULL: none */
  const char *body;   /* NULL: "" */
  size_t size;        /* 0: the body's length as text */
  enum loopback_how how;
} loopback_answer;

typedef struct loopback loopback;

loopback *loopback_start(void);
void loopback_stop(loopback *server);
/* "http://127.0.0.1:PORT" */
const char *loopback_url(const loopback *server);

/* Copied. A request gets the first answer for its target that none had yet; when all are
 * used, the last of them again; 404 where there is none at all. */
void loopback_say(loopback *server, const loopback_answer *answer);
/* Forgets the answers, not the requests. */
void loopback_hush(loopback *server);

size_t loopback_count(loopback *server); /* requests so far */
/* Request line and header of the request `index`; "" where there was none. The server's
 * until it stops. */
const char *loopback_request(loopback *server, size_t index);
/* How many of the requests so far have `text` in them. */
size_t loopback_asked(loopback *server, const char *text);

#endif
