/* SPDX-License-Identifier: Apache-2.0 */
/* What of a server's answers is kept, for how long, and what it stands in for. */
#include "rig.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void again(rig *r, fr__http_options options) {
  static char folder[600];
  snprintf(folder, sizeof folder, "%s/frugal/http", r->folder);
  options.cache = folder;
  reopen(r, options);
}

static void say(rig *r, int status, const char *header, const char *body) {
  loopback_say(r->server,
               &(loopback_answer){.status = status, .header = header, .body = body});
}

/* What a new client gets of it, as another process would. */
static fr__http_answer get_anew(rig *r, fr__http_options options) {
  again(r, options);
  return get(r, "/");
}

static void check(rig *r, const char *body, bool kept, size_t asked) {
  fr__http_answer a = get_anew(r, (fr__http_options){0});
  assert_string_equal(a.body, body);
  assert_int_equal(a.kept, kept);
  assert_false(a.stale);
  assert_string_equal(a.warning, "");
  assert_int_equal(loopback_count(r->server), asked);
  fr__http_answer_release(&a);
}

static void a_fresh_answer_is_not_asked_for_again(void **state) {
  rig *const r = *state;
  say(r, 200, "Cache-Control: max-age=300\r\nAge: 100\r\n", "one");
  say(r, 200, NULL, "two");
  check(r, "one", false, 1);
  r->now_ns += 199 * SECOND;
  check(r, "one", true, 1);
  r->now_ns += 2 * SECOND;
  check(r, "two", false, 2);
}

static void it_tells_when_the_server_said_it(void **state) {
  rig *const r = *state;
  say(r, 200, "Cache-Control: max-age=300\r\nAge: 100\r\n", "one");
  fr__http_answer a = get_anew(r, (fr__http_options){0});
  assert_int_equal(a.read_s, NOW - 100);
  fr__http_answer_release(&a);
  r->now_ns += 50 * SECOND;
  a = get_anew(r, (fr__http_options){0});
  assert_int_equal(a.read_s, NOW - 100);
  fr__http_answer_release(&a);
}

static void what_the_server_wants_forgotten_is_forgotten(void **state) {
  rig *const r = *state;
  say(r, 200, "Cache-Control: max-age=1\r\n", "one");
  say(r, 200, "Cache-Control: no-store, max-age=300\r\n", "two");
  say(r, 200, NULL, "three");
  check(r, "one", false, 1);
  r->now_ns += 2 * SECOND;
  check(r, "two", false, 2);
  again(r, (fr__http_options){.offline = true});
  assert_int_equal(fails(r, "/"), FR_ERR_NOT_FOUND);
  assert_says(r, "offline, and no answer is kept of");
  check(r, "three", false, 3);
}

static void what_must_be_asked_for_is(void **state) {
  rig *const r = *state;
  say(r, 200, "Cache-Control: no-cache, max-age=300\r\nETag: \"1\"\r\n", "one");
  say(r, 304, NULL, NULL);
  check(r, "one", false, 1);
  check(r, "one", false, 2);
}

static void a_tag_saves_the_body(void **state) {
  rig *const r = *state;
  say(r, 200, "Cache-Control: max-age=10\r\nETag: \"v1\"\r\n", "one");
  say(r, 304, "Cache-Control: max-age=100\r\nETag: \"v1\"\r\n", NULL);
  say(r, 200, NULL, "two");
  check(r, "one", false, 1);
  r->now_ns += 11 * SECOND;
  check(r, "one", false, 2);
  assert_int_equal(loopback_asked(r->server, "If-None-Match: \"v1\"\r\n"), 1);
  r->now_ns += 99 * SECOND; /* the new hundred seconds count */
  check(r, "one", true, 2);
  r->now_ns += 2 * SECOND;
  check(r, "two", false, 3);
}

static void a_date_saves_the_body(void **state) {
  rig *const r = *state;
  say(r, 200, "Last-Modified: Sun, 22 Nov 2026 11:59:00 GMT\r\n", "one");
  say(r, 304, NULL, NULL);
  check(r, "one", false, 1);
  r->now_ns += 7 * SECOND; /* a tenth of a minute is over */
  check(r, "one", false, 2);
  assert_int_equal(loopback_asked(r->server, "If-Modified-Since: Sun, 22 Nov 2026 "
                                             "11:59:00 GMT\r\n"),
                   1);
}

static void a_confirmation_of_nothing_is_an_error(void **state) {
  rig *const r = *state;
  say(r, 304, NULL, NULL);
  again(r, (fr__http_options){0});
  assert_int_equal(fails(r, "/"), FR_ERR_FORMAT);
}

static void callers_say_what_is_usual(void **state) {
  rig *const r = *state;
  fr__http_answer a = {0};
  again(r, (fr__http_options){0});
  say(r, 200, NULL, "one");
  const fr__http_request request = {.url = address(r, "/"), .usual_s = 60};
  for (int i = 0; i < 2; i++) {
    ASSERT_OK(fr__http_ask(r->http, &request, &a, err));
    assert_int_equal(a.kept, i == 1);
    fr__http_answer_release(&a);
  }
  assert_true(fr__http_kept(r->http, r->url, &a));
  fr__http_answer_release(&a);
  r->now_ns += 61 * SECOND;
  assert_false(fr__http_kept(r->http, r->url, &a));
}

static void offline_gives_what_is_kept_and_its_age(void **state) {
  rig *const r = *state;
  say(r, 200, "Cache-Control: max-age=60\r\n", "one");
  check(r, "one", false, 1);
  r->now_ns += 3 * 3600 * SECOND + 5 * SECOND;
  fr__http_answer a = get_anew(r, (fr__http_options){.offline = true});
  assert_string_equal(a.body, "one");
  assert_true(a.kept && a.stale);
  assert_string_equal(a.warning, "offline: answer of 3 h ago");
  assert_int_equal(a.read_s, NOW);
  assert_int_equal(loopback_count(r->server), 1);
  fr__http_answer_release(&a);
}

static void what_is_kept_stands_in_for_a_server_that_fails(void **state) {
  rig *const r = *state;
  say(r, 200, "Cache-Control: max-age=60\r\n", "one");
  say(r, 503, NULL, NULL);
  check(r, "one", false, 1);
  r->now_ns += 2 * 3600 * SECOND;
  fr__http_answer a = get_anew(r, (fr__http_options){0});
  assert_string_equal(a.body, "one");
  assert_true(a.stale);
  assert_non_null(strstr(a.warning, "answered with status 503: answer of 2 h ago"));
  assert_int_equal(loopback_count(r->server), 5);
  fr__http_answer_release(&a);
}

static void a_server_that_is_down_is_not_waited_for_again(void **state) {
  rig *const r = *state;
  say(r, 200, "Cache-Control: max-age=1\r\n", "one");
  loopback_say(r->server, &(loopback_answer){.how = LOOPBACK_CLOSE});
  check(r, "one", false, 1);
  r->now_ns += 10 * SECOND;
  fr__http_answer a = get_anew(r, (fr__http_options){0});
  assert_true(a.stale);
  assert_int_equal(loopback_count(r->server), 5); /* four tries */
  fr__http_answer_release(&a);
  a = get_anew(r, (fr__http_options){0});
  assert_non_null(strstr(a.warning, "could not be reached a moment ago"));
  assert_int_equal(loopback_count(r->server), 5); /* none */
  fr__http_answer_release(&a);
  again(r, (fr__http_options){0});
  assert_int_equal(fails(r, "/nothing-kept-of-it"), FR_ERR_IO);
  assert_int_equal(loopback_count(r->server), 6); /* one */
  r->now_ns += 16 * SECOND;
  loopback_hush(r->server);
  say(r, 200, NULL, "two");
  check(r, "two", false, 7);
}

static void what_is_kept_does_not_hide_a_refusal(void **state) {
  rig *const r = *state;
  say(r, 200, "Cache-Control: max-age=60\r\n", "one");
  say(r, 401, NULL, "no");
  check(r, "one", false, 1);
  r->now_ns += 61 * SECOND;
  fr__http_answer a = get_anew(r, (fr__http_options){0});
  assert_int_equal(a.status, 401);
  assert_string_equal(a.body, "no");
  fr__http_answer_release(&a);
}

static void quiet_times_hold_for_every_process(void **state) {
  rig *const r = *state;
  say(r, 200, "Cache-Control: max-age=60\r\n", "one");
  say(r, 429, "Retry-After: 600\r\n", NULL);
  say(r, 200, NULL, "two");
  check(r, "one", false, 1);
  r->now_ns += 61 * SECOND;
  for (int i = 0; i < 3; i++) { /* asked once, then not at all */
    fr__http_answer a = get_anew(r, (fr__http_options){0});
    assert_true(a.stale);
    assert_non_null(strstr(a.warning, "wants no requests before 2026-11-22T12:11:01Z"));
    assert_int_equal(loopback_count(r->server), 2);
    fr__http_answer_release(&a);
  }
  again(r, (fr__http_options){0});
  assert_int_equal(fails(r, "/nothing-kept-of-it"), FR_ERR_IO);
  r->now_ns += 601 * SECOND;
  check(r, "two", false, 3);
}

static void a_clock_that_went_back_makes_nothing_fresh(void **state) {
  rig *const r = *state;
  say(r, 200, "Cache-Control: max-age=300\r\n", "one");
  say(r, 200, NULL, "two");
  check(r, "one", false, 1);
  r->now_ns -= 3600 * SECOND;
  check(r, "two", false, 2);
}

static void what_was_redirected_for_now_is_not_kept(void **state) {
  rig *const r = *state;
  loopback_say(r->server, &(loopback_answer){.target = "/to",
                                             .status = 200,
                                             .header = "Cache-Control: max-age=300\r\n",
                                             .body = "there"});
  loopback_say(
      r->server,
      &(loopback_answer){.target = "/ ", .status = 302, .header = "Location: /to\r\n"});
  check(r, "there", false, 2);
  check(r, "there", false, 4);
}

/* ---- the folder ---- */

/* Calls `look` with each file; how many there are. */
static size_t each_file(const rig *r, void (*look)(const char *path)) {
  char folder[600], path[900];
  size_t count = 0;
  snprintf(folder, sizeof folder, "%s/frugal/http", r->folder);
  DIR *const dir = opendir(folder);
  for (const struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL;
       e = readdir(dir))
    if (e->d_name[0] != '.') {
      snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
      count++;
      if (look != NULL)
        look(path);
    }
  if (dir != NULL)
    closedir(dir);
  return count;
}

static void look_private(const char *path) {
  struct stat info;
  char text[4096] = "";
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
  FILE *const file = fopen(path, "r");
  assert_non_null(file);
  assert_true(fread(text, 1, sizeof text - 1, file) > 0);
  fclose(file);
  assert_null(strstr(text, "SECRET"));
}

static void nothing_of_a_key_is_kept(void **state) {
  static const char *const key[] = {"auth-token: SECRET", NULL};
  rig *const r = *state;
  struct stat info;
  fr__http_answer a = {0};
  char folder[600];
  again(r, (fr__http_options){0});
  say(r, 200,
      "Cache-Control: max-age=300\r\nX-RateLimit-Remaining: 0\r\n"
      "X-RateLimit-Reset: 10\r\n",
      "one");
  ASSERT_OK(ask(r, address(r, "/"), key, &a, err));
  fr__http_answer_release(&a);
  assert_int_equal(each_file(r, look_private), 2);
  snprintf(folder, sizeof folder, "%s/frugal/http", r->folder);
  assert_int_equal(stat(folder, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0700);
}

/* One byte, which `damage_at` names, of the only file. */
static long damage_at;

static void look_damage(const char *path) {
  FILE *const file = fopen(path, "r+");
  assert_non_null(file);
  fseek(file, damage_at, SEEK_SET);
  const int byte = fgetc(file);
  if (byte == EOF) {
    damage_at = -1;
  } else {
    fseek(file, damage_at, SEEK_SET);
    fputc(byte ^ 1, file);
  }
  fclose(file);
}

static void look_cut(const char *path) {
  struct stat info;
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(truncate(path, damage_at % info.st_size), 0);
}

static void what_is_damaged_is_thrown_away(void **state) {
  rig *const r = *state;
  size_t asked = 0, rounds = 0;
  say(r, 200, "Cache-Control: max-age=300\r\nETag: \"1\"\r\n", "body");
  for (damage_at = 0; damage_at >= 0; damage_at++, rounds++) {
    check(r, "body", false, ++asked);
    each_file(r, look_damage);
    if (damage_at < 0)
      break;
  }
  assert_true(rounds > 100);
  for (damage_at = 0; damage_at < 200; damage_at += 13) {
    each_file(r, look_cut);
    check(r, "body", false, ++asked);
  }
  assert_int_equal(loopback_asked(r->server, "If-None-Match"), 0);
}

static void the_folder_has_a_ceiling(void **state) {
  rig *const r = *state;
  char body[2001], path[32];
  memset(body, 'x', 2000);
  body[2000] = '\0';
  say(r, 200, "Cache-Control: max-age=300\r\n", body);
  again(r, (fr__http_options){.cache_ceiling = 20000});
  for (int i = 0; i < 40; i++) {
    snprintf(path, sizeof path, "/%d", i);
    fr__http_answer a = get(r, path);
    fr__http_answer_release(&a);
  }
  assert_in_range(each_file(r, NULL), 6, 9); /* some 2,150 bytes each */
}

/* Of a process that was killed an hour ago; what is younger may be another's at work. */
static void what_was_left_beside_is_taken_out(void **state) {
  static const struct {
    const char *name;
    int64_t age_s;
  } left[] = {{"1.http.7-1.tmp", 7200}, {"1.down.7-2.tmp", 7200}, {"1.http.8-1.tmp", 60}};
  rig *const r = *state;
  char path[900];
  say(r, 200, "Cache-Control: max-age=300\r\n", "one");
  check(r, "one", false, 1);
  for (size_t i = 0; i < 3; i++) {
    const struct timespec then = {.tv_sec = time(NULL) - left[i].age_s};
    snprintf(path, sizeof path, "%s/frugal/http/%s", r->folder, left[i].name);
    FILE *const file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[]){then, then}, 0), 0);
  }
  assert_int_equal(each_file(r, NULL), 4);
  fr__http_answer a = get(r, "/other");
  fr__http_answer_release(&a);
  assert_int_equal(each_file(r, NULL), 3); /* two answers, and the younger one */
}

static void a_folder_that_cannot_be_made_is_done_without(void **state) {
  rig *const r = *state;
  reopen(r, (fr__http_options){.cache = "/dev/null/no"});
  say(r, 200, "Cache-Control: max-age=300\r\n", "one");
  for (int i = 0; i < 2; i++) {
    fr__http_answer a = get(r, "/");
    assert_string_equal(a.body, "one");
    fr__http_answer_release(&a);
  }
}

/* ---- two at once ---- */

enum { PROCESSES = 4, ROUNDS = 60, LARGE = 50000 };

static bool is_whole(const fr__http_answer *a) {
  for (size_t i = 0; i < a->size; i++)
    if (a->body[i] != a->body[0])
      return false;
  return a->size == LARGE;
}

/* Each asks, keeps and reads what the others keep; none may see two answers mixed. */
static int work(rig *r) {
  r->http = NULL;
  again(r, (fr__http_options){0});
  for (int i = 0; i < ROUNDS; i++) {
    fr__http_answer a = {0};
    const bool good = ask(r, address(r, "/"), NULL, &a, NULL) == FR_OK && is_whole(&a);
    fr__http_answer_release(&a);
    if (!good)
      return 1;
    r->now_ns += i % 3 == 0 ? 2 * SECOND : 0; /* over, now and then */
  }
  return 0;
}

static void processes_share_a_folder(void **state) {
  rig *const r = *state;
  char *const body = malloc(LARGE + 1);
  pid_t pid[PROCESSES];
  assert_non_null(body);
  for (char c = 'a'; c < 'a' + 20; c++) {
    memset(body, c, LARGE);
    body[LARGE] = '\0';
    say(r, 200, "Cache-Control: max-age=1\r\n", body);
  }
  free(body);
  for (int i = 0; i < PROCESSES; i++) {
    pid[i] = fork();
    assert_true(pid[i] >= 0);
    if (pid[i] == 0)
      _exit(work(r));
  }
  for (int i = 0; i < PROCESSES; i++) {
    int status = 0;
    assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  assert_int_equal(each_file(r, NULL), 1); /* nothing is left beside */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RIG(a_fresh_answer_is_not_asked_for_again),
      RIG(it_tells_when_the_server_said_it),
      RIG(what_the_server_wants_forgotten_is_forgotten),
      RIG(what_must_be_asked_for_is),
      RIG(a_tag_saves_the_body),
      RIG(a_date_saves_the_body),
      RIG(a_confirmation_of_nothing_is_an_error),
      RIG(callers_say_what_is_usual),
      RIG(offline_gives_what_is_kept_and_its_age),
      RIG(what_is_kept_stands_in_for_a_server_that_fails),
      RIG(a_server_that_is_down_is_not_waited_for_again),
      RIG(what_is_kept_does_not_hide_a_refusal),
      RIG(quiet_times_hold_for_every_process),
      RIG(a_clock_that_went_back_makes_nothing_fresh),
      RIG(what_was_redirected_for_now_is_not_kept),
      RIG(nothing_of_a_key_is_kept),
      RIG(what_is_damaged_is_thrown_away),
      RIG(the_folder_has_a_ceiling),
      RIG(what_was_left_beside_is_taken_out),
      RIG(a_folder_that_cannot_be_made_is_done_without),
      RIG(processes_share_a_folder),
  };
  return cmocka_run_group_tests_name("http cache", tests, NULL, NULL);
}
