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

/* The same for what is itself a secret: it is not kept. Wiped and freed by the caller. */
enum fr_status fr__server_get_secret(fr__server *server, const char *path, char **body,
                                     size_t *size, fr_error *err);
/* fr__server_get would not ask the server. */
bool fr__server_has(fr__server *server, const char *path);

/* The answer to it makes no sense: it is not kept. */
void fr__server_forget(fr__server *server, const char *path);

/* How old the answers are, and what is to be said of them, into the series. */
void fr__server_tell(const fr__server *server, fr_series *series);

/* The JSON object that a server answered with; `name` is the subject of what is wrong
 * with it. The caller's (json_decref). */
enum fr_status fr__server_parse(const char *body, size_t size, const char *name,
                                json_t **out, fr_error *err);
/* The text of a member, borrowed; "" where there is none. */
const char *fr__answer_text(const json_t *object, const char *key);
/* A member that is a time (ISO 8601, UTC where it tells no zone); false: it is not. */
bool fr__answer_time(const json_t *object, const char *key, int64_t *out_s);

/* `rest` of a spec as "NAME" or "NAME?factor=lifecycle|direct". The name: letters,
 * digits, '-' and '_', at most 63; `what` stands for it in messages
 * ("electricitymaps:ZONE"). */
enum fr_status fr__server_spec(const char *rest, const char *what, char name[64],
                               enum fr_factor *factor, fr_error *err);

/* When a server is asked: what of the query it can be asked for. */
typedef struct fr__server_times {
  int64_t clock_s;        /* ours */
  bool live;              /* now is now: what it tells of the running hour was known */
  int64_t from_s, seen_s; /* of what is measured; empty: seen_s <= from_s */
  int64_t piece_s;        /* the most that one question is about */
} fr__server_times;

/* FR_TIME_EARLIEST becomes `usual_days` before now. FR_ERR_LIMIT for more than a hundred
 * `piece_s`. */
enum fr_status fr__server_times_of(const fr_intensity_query *query, int64_t usual_days,
                                   int64_t piece_s, fr__server_times *out, fr_error *err);

/* Adds what one question tells of [from_s, to_s) to `out`. */
typedef enum fr_status fr__ask_piece(void *self, int64_t from_s, int64_t to_s,
                                     fr_series *out, fr_error *err);
/*
 * Asks for all from the day of times->from_s up to end_s, cut where pieces since 1970
 * end, so that what is kept of one question answers the next. Offline, what is not kept
 * stays a gap.
 */
enum fr_status fr__server_ask_all(const fr__server *server, const fr__server_times *times,
                                  int64_t end_s, fr__ask_piece *ask, void *self,
                                  fr_series *out, fr_error *err);
/* The end of the day that the last of what is measured is in: asked for up to there, it
 * has one address all day long, and is found under it offline. */
int64_t fr__server_day_end(const fr__server_times *times);

/* Whether a server's own forecast is of use: not for a `now` of days ago. */
bool fr__server_asks_ahead(const fr__server_times *times,
                           const fr_intensity_query *query);
/* FR_ERR_NOT_FOUND where, offline, nothing at all was kept: "NAME:WHERE". */
enum fr_status fr__server_check_kept(const fr__server *server, const char *name,
                                     const char *where, fr_error *err);

/* Adds what of `from` begins in [from_s, to_s) and not before the end of `to`. */
enum fr_status fr__series_append(fr_series *to, const fr_series *from, int64_t from_s,
                                 int64_t to_s, fr_error *err);
/* What ends after now was told before its end. */
void fr__series_mark_ahead(fr_series *series, int64_t now_s);
/* What is measured and ends after now: what a server tells of the running step was known,
 * where now is now (marked); else it is taken out. */
void fr__series_see(fr_series *series, const fr__server_times *times,
                    const fr_intensity_query *query);

#endif
