/* SPDX-License-Identifier: Apache-2.0 */
/* Sources that ask a server, with one on this machine and a cache of their own. */
#ifndef FR_TESTS_CARBON_SERVED_H
#define FR_TESTS_CARBON_SERVED_H

#include <time.h>

#include "../loopback.h"
#include "../test.h"
#include "frugal/intensity.h"

#define HOUR 3600

typedef struct served {
  loopback *server;
  char *folder; /* of cache and settings */
  fr_series series;
  fr_error err;
} served;

static inline void served_say(served *s, const char *target, int status,
                              const char *header, const char *body) {
  loopback_say(s->server,
               &(loopback_answer){
                   .target = target, .status = status, .header = header, .body = body});
}

static inline served *served_up(const char *url_variable) {
  served *const s = calloc(1, sizeof *s);
  assert_non_null(s);
  s->server = loopback_start();
  s->folder = test_folder_make();
  setenv("XDG_CACHE_HOME", s->folder, 1);
  setenv("XDG_CONFIG_HOME", s->folder, 1);
  setenv(url_variable, loopback_url(s->server), 1);
  unsetenv("FRUGAL_OFFLINE");
  return s;
}

static inline void served_down(served *s) {
  fr_series_release(&s->series);
  loopback_stop(s->server);
  test_folder_remove(s->folder);
  free(s);
}

static inline enum fr_status served_read(served *s, const char *spec,
                                         const fr_intensity_query *query) {
  fr_series_release(&s->series);
  memset(&s->err, 0, sizeof s->err);
  return fr_intensity_read(spec, query, &s->series, &s->err);
}

static inline void served_get(served *s, const char *spec,
                              const fr_intensity_query *query) {
  if (served_read(s, spec, query) != FR_OK)
    fail_msg("%s: %s", spec, s->err.text);
}

static inline void served_says(const char *text, const char *part) {
  if (strstr(text, part) == NULL)
    fail_msg("'%s' does not say '%s'", text, part);
}

static inline const char *served_time(int64_t t, char text[32]) {
  const time_t seconds = (time_t)t;
  struct tm utc;
  assert_non_null(gmtime_r(&seconds, &utc));
  strftime(text, 32, "%Y-%m-%dT%H:%M:%S.000Z", &utc);
  return text;
}

/* No file below the folder holds `text`. */
static inline void served_holds_no(const served *s, const char *text) {
  char command[700];
  snprintf(command, sizeof command, "! grep -rq -e '%s' '%s'", text, s->folder);
  assert_int_equal(system(command), 0);
}

#endif
