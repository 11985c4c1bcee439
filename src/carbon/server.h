/* SPDX-License-Identifier: Apache-2.0 */
/* What sources that ask a server share: its address, its key, its answers, and what has
 * to be said of them. */
#ifndef FR_CARBON_SERVER_H
#define FR_CARBON_SERVER_H

#include <jansson.h>

#include "base/http.h"
#include "carbon/key.h"
#include "frugal/intensity.h"

typedef struct fr__server {
  fr__http *http;    /* owned */
  char url[256];     /* "https://api.example.org/v3", without a slash at its end */
  bool offline;      /* as the query wants it, or FRUGAL_OFFLINE=1 */
  int64_t read_s;    /* of the oldest answer so far; 0: none */
  char warning[200]; /* of the first answer that was stale */
  char secret[FR__KEY_SIZE];      /* "": none; what no message may repeat */
  char header[FR__KEY_SIZE + 64]; /* that is sent with each request; "": none */
} fr__server;

/* The server at `usual`, or at what the environment's `variable` names. */
enum fr_status fr__server_open(fr__server *server, const char *variable,
                               const char *usual, const fr_intensity_query *query,
                               fr_error *err);
/* Also wipes the secret. */
void fr__server_close(fr__server *server);

/* Each request has the header "NAME: value" from now on; `secret` is what of it (or of
 * what it was made of) no message may hold. */
enum fr_status fr__server_sign(fr__server *server, const char *name, const char *value,
                               const char *secret, fr_error *err);

/*
 * The body of url/PATH, the caller's (free), a NUL behind it. `path` begins with a slash;
 * what stands in its query is escaped (fr__http_escape). usual_s: how long an answer is
 * fresh where the server does not say. Any status but 200 fails with the server's words,
 * and goes to *status, which may be NULL, as the 200 does; 0: no answer.
 */
enum fr_status fr__server_get(fr__server *server, const char *path, int64_t usual_s,
                              char **body, size_t *size, long *status, fr_error *err);

/* How old the answers are, and what is to be said of them, into the series. */
void fr__server_tell(const fr__server *server, fr_series *series);

/* The JSON object that a server answered with; `name` is the subject of what is wrong
 * with it. The caller's (json_decref). */
enum fr_status fr__server_parse(const char *body, size_t size, const char *name,
                                json_t **out, fr_error *err);

#endif
