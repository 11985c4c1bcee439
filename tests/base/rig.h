/* SPDX-License-Identifier: Apache-2.0 */
/* A client and its server, with a clock that only waiting moves. */
#ifndef FR_TESTS_BASE_RIG_H
#define FR_TESTS_BASE_RIG_H

#include "../loopback.h"
#include "../test.h"
#include "base/http.h"

#define SECOND INT64_C(1000000000)
#define NOW                                                                              \
  INT64_C(1795348800) /* 2026-11-22T12:00:00Z, a Sunday: date -d @1795348800             \
                       */
#define WAITS 64

typedef struct rig {
  loopback *server;
  fr__http *http;
  fr__http_clock clock;
  int64_t now_ns;
  double wait[WAITS];
  size_t waits;
  char url[256];
  char *folder;
  fr_error err;
} rig;

static inline int64_t rig_utc_ns(void *self) { return ((rig *)self)->now_ns; }

static inline void rig_sleep(void *self, double seconds) {
  rig *const r = self;
  assert_true(seconds >= 0 && r->waits < WAITS);
  r->wait[r->waits++] = seconds;
  r->now_ns += (int64_t)(seconds * 1e9);
}

/* Another client, as another process would have. */
static inline void reopen(rig *r, fr__http_options options) {
  fr__http_free(r->http);
  options.clock = &r->clock;
  options.seed = 1;
  ASSERT_OK(fr__http_new(&options, &r->http, err));
}

static inline int rig_up(void **state) {
  rig *const r = calloc(1, sizeof *r);
  assert_non_null(r);
  r->server = loopback_start();
  r->folder = test_folder_make();
  r->now_ns = NOW * SECOND;
  r->clock = (fr__http_clock){rig_utc_ns, rig_sleep, r};
  reopen(r, (fr__http_options){0});
  *state = r;
  return 0;
}

static inline int rig_down(void **state) {
  rig *const r = *state;
  fr__http_free(r->http);
  loopback_stop(r->server);
  test_folder_remove(r->folder);
  free(r);
  return 0;
}

static inline const char *address(rig *r, const char *path) {
  snprintf(r->url, sizeof r->url, "%s%s", loopback_url(r->server), path);
  return r->url;
}

static inline enum fr_status ask(rig *r, const char *url, const char *const *header,
                                 fr__http_answer *answer, fr_error *err) {
  const fr__http_request request = {.url = url, .header = header};
  return fr__http_ask(r->http, &request, answer, err);
}

static inline fr__http_answer get(rig *r, const char *path) {
  fr__http_answer a = {0};
  ASSERT_OK(ask(r, address(r, path), NULL, &a, err));
  return a;
}

static inline enum fr_status fails(rig *r, const char *path) {
  fr__http_answer a = {0};
  const enum fr_status status = ask(r, address(r, path), NULL, &a, &r->err);
  assert_true(status != FR_OK);
  return status;
}

static inline void assert_says(const rig *r, const char *text) {
  if (strstr(r->err.text, text) == NULL)
    fail_msg("'%s' does not say '%s'", r->err.text, text);
}

#define RIG(test) cmocka_unit_test_setup_teardown(test, rig_up, rig_down)

#endif
