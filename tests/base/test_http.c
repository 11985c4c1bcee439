/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of a server, how often, and what is made of its answers. */
#include "rig.h"

static void gives_the_body_and_says_who_asks(void **state) {
  rig *const r = *state;
  loopback_say(r->server, &(loopback_answer){.status = 200, .body = "{\"a\":1}"});
  fr__http_answer a = get(r, "/x?zone=DE");
  assert_int_equal(a.status, 200);
  assert_string_equal(a.body, "{\"a\":1}");
  assert_int_equal(a.size, 7);
  assert_false(a.kept);
  assert_int_equal(a.read_s, NOW);
  assert_int_equal(loopback_asked(r->server, "GET /x?zone=DE HTTP/1.1\r\n"), 1);
  assert_int_equal(loopback_asked(r->server, "User-Agent: frugal/" FR_VERSION "\r\n"), 1);
  fr__http_answer_release(&a);
}

static void tries_again_when_the_server_fails(void **state) {
  rig *const r = *state;
  loopback_say(r->server, &(loopback_answer){.status = 500});
  loopback_say(r->server, &(loopback_answer){.how = LOOPBACK_RESET});
  loopback_say(r->server, &(loopback_answer){.how = LOOPBACK_CLOSE});
  loopback_say(r->server, &(loopback_answer){.status = 200, .body = "ok"});
  fr__http_answer a = get(r, "/");
  assert_string_equal(a.body, "ok");
  assert_int_equal(loopback_count(r->server), 4);
  assert_int_equal(r->waits, 3);
  /* full jitter: up to 0.5, 1 and 2 s, and not all the same */
  for (size_t i = 0; i < 3; i++)
    assert_true(r->wait[i] >= 0 && r->wait[i] < 0.5 * (double)(1 << i));
  assert_true(r->wait[0] < r->wait[1] || r->wait[0] > r->wait[1]);
  fr__http_answer_release(&a);
}

static void tries_a_half_answer_again(void **state) {
  rig *const r = *state;
  loopback_say(r->server,
               &(loopback_answer){.status = 200, .body = "whole", .how = LOOPBACK_HALF});
  loopback_say(r->server, &(loopback_answer){.status = 200, .body = "whole"});
  fr__http_answer a = get(r, "/");
  assert_string_equal(a.body, "whole");
  fr__http_answer_release(&a);
}

static void gives_up_after_four_tries(void **state) {
  rig *const r = *state;
  loopback_say(r->server, &(loopback_answer){.status = 502});
  assert_int_equal(fails(r, "/"), FR_ERR_IO);
  assert_says(r, "answered with status 502");
  assert_int_equal(loopback_count(r->server), 4);
}

static void never_tries_a_refusal_again(void **state) {
  static const int refused[] = {400, 401, 403, 404, 418};
  rig *const r = *state;
  for (size_t i = 0; i < 5; i++) {
    loopback_hush(r->server);
    loopback_say(r->server, &(loopback_answer){.status = refused[i], .body = "no\x01!"});
    fr__http_answer a = get(r, "/");
    assert_int_equal(a.status, refused[i]);
    assert_int_equal(loopback_count(r->server), i + 1);
    assert_true(fr__http_refused(r->url, &a, NULL, &r->err) != FR_OK);
    assert_says(r, ": no!");
    fr__http_answer_release(&a);
  }
}

static void waits_as_long_as_the_server_wants(void **state) {
  rig *const r = *state;
  loopback_say(r->server,
               &(loopback_answer){.status = 429, .header = "Retry-After: 7\r\n"});
  /* 2026-11-22T12:00:20Z is twenty seconds after NOW */
  loopback_say(
      r->server,
      &(loopback_answer){.status = 503,
                         .header = "Retry-After: Sun, 22 Nov 2026 12:00:20 GMT\r\n"});
  loopback_say(r->server, &(loopback_answer){.status = 200, .body = "ok"});
  fr__http_answer a = get(r, "/");
  assert_string_equal(a.body, "ok");
  assert_true(r->now_ns >= (NOW + 20) * SECOND && r->now_ns < (NOW + 22) * SECOND);
  fr__http_answer_release(&a);
}

static void says_when_to_come_back(void **state) {
  rig *const r = *state;
  loopback_say(r->server,
               &(loopback_answer){.status = 429, .header = "Retry-After: 3600\r\n"});
  assert_int_equal(fails(r, "/"), FR_ERR_IO);
  assert_says(r, "wants no requests before 2026-11-22T13:00:00Z");
  assert_int_equal(loopback_count(r->server), 1);
  /* and asks no more till then */
  assert_int_equal(fails(r, "/other"), FR_ERR_IO);
  assert_int_equal(loopback_count(r->server), 1);
  r->now_ns += 3601 * SECOND;
  loopback_say(r->server, &(loopback_answer){.status = 200, .body = "ok"});
  fr__http_answer a = get(r, "/");
  assert_string_equal(a.body, "ok");
  fr__http_answer_release(&a);
}

static void is_quiet_after_the_last_request_that_is_permitted(void **state) {
  rig *const r = *state;
  loopback_say(r->server, &(loopback_answer){.status = 200,
                                             .header = "X-RateLimit-Remaining: 0\r\n"
                                                       "X-RateLimit-Reset: 600\r\n"});
  fr__http_answer a = get(r, "/");
  fr__http_answer_release(&a);
  assert_int_equal(fails(r, "/"), FR_ERR_IO);
  assert_says(r, "before 2026-11-22T12:10:00Z");
  assert_int_equal(loopback_count(r->server), 1);
}

static void too_many_requests_are_followed_by_a_minute_of_quiet(void **state) {
  rig *const r = *state;
  loopback_say(r->server, &(loopback_answer){.status = 429});
  assert_int_equal(fails(r, "/"), FR_ERR_IO);
  assert_int_equal(loopback_count(r->server), 4);
  assert_int_equal(fails(r, "/"), FR_ERR_IO);
  assert_says(r, "wants no requests before 2026-11-22T12:01:0");
  assert_int_equal(loopback_count(r->server), 4);
}

static void an_endless_quiet_is_a_day_at_most(void **state) {
  rig *const r = *state;
  loopback_say(r->server,
               &(loopback_answer){.status = 429, .header = "Retry-After: 999999999\r\n"});
  assert_int_equal(fails(r, "/"), FR_ERR_IO);
  assert_says(r, "before 2026-11-23T12:00:00Z");
}

static void ends_in_time(void **state) {
  rig *const r = *state;
  reopen(r, (fr__http_options){.timeout_s = 0.2, .tries = 1});
  loopback_say(r->server, &(loopback_answer){.how = LOOPBACK_SILENT});
  assert_int_equal(fails(r, "/"), FR_ERR_IO);
  assert_says(r, "cannot be reached (Timeout");
  loopback_hush(r->server);
  loopback_say(r->server, &(loopback_answer){.status = 200,
                                             .body = "slow slow slow slow",
                                             .how = LOOPBACK_SLOW});
  assert_int_equal(fails(r, "/"), FR_ERR_IO);
  assert_says(r, "cannot be reached (Timeout");
}

static void says_that_nobody_answers(void **state) {
  rig *const r = *state;
  char url[64];
  loopback *const gone = loopback_start();
  snprintf(url, sizeof url, "%s/", loopback_url(gone));
  loopback_stop(gone);
  fr__http_answer a;
  assert_int_equal(ask(r, url, NULL, &a, &r->err), FR_ERR_IO);
  assert_says(r, "cannot be reached (Couldn't connect to server)");
  assert_int_equal(r->waits, 3);
}

static void a_body_has_a_ceiling(void **state) {
  rig *const r = *state;
  reopen(r, (fr__http_options){.ceiling = 8});
  loopback_say(r->server, &(loopback_answer){.status = 200, .body = "12345678"});
  loopback_say(r->server, &(loopback_answer){.status = 200, .body = "123456789"});
  fr__http_answer a = get(r, "/");
  assert_int_equal(a.size, 8);
  fr__http_answer_release(&a);
  assert_int_equal(fails(r, "/"), FR_ERR_LIMIT);
  assert_says(r, "more than 8 bytes");
  assert_int_equal(loopback_count(r->server), 2); /* not tried again */
}

/* A thousand 'x' in 29 bytes (Python: gzip.compress(b'x' * 1000, mtime=0)). */
static void the_ceiling_is_of_what_is_unpacked(void **state) {
  static const char packed[] =
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\xa8\x18\x05\xa3\x60\x14\x0c\x77\x00"
      "\x00\xe6\xc9\x41\x3b\xe8\x03\x00\x00";
  rig *const r = *state;
  loopback_say(r->server, &(loopback_answer){.status = 200,
                                             .header = "Content-Encoding: gzip\r\n",
                                             .body = packed,
                                             .size = sizeof packed - 1});
  fr__http_answer a = get(r, "/");
  assert_int_equal(a.size, 1000);
  fr__http_answer_release(&a);
  reopen(r, (fr__http_options){.ceiling = 999});
  assert_int_equal(fails(r, "/"), FR_ERR_LIMIT);
}

/* ---- to whom a key goes ---- */

static const char *const key[] = {"auth-token: SECRET-KEY", NULL};

static void a_key_goes_to_its_server(void **state) {
  rig *const r = *state;
  loopback_say(r->server, &(loopback_answer){.status = 200});
  fr__http_answer a = {0};
  ASSERT_OK(ask(r, address(r, "/"), key, &a, err));
  assert_int_equal(loopback_asked(r->server, "auth-token: SECRET-KEY\r\n"), 1);
  fr__http_answer_release(&a);
}

static void a_key_goes_nowhere_unencrypted(void **state) {
  static const char *const addresses[] = {
      "http://example.org/", "http://127.0.0.1.example.org/", "http://127.example.org/",
      "http://localhost.example.org/", "HTTP://10.0.0.1/"};
  rig *const r = *state;
  for (size_t i = 0; i < 5; i++) {
    fr__http_answer a;
    assert_int_equal(ask(r, addresses[i], key, &a, &r->err), FR_ERR_PERMISSION);
    assert_says(r, "is not https");
    assert_null(strstr(r->err.text, "SECRET"));
  }
}

static void a_key_does_not_follow_to_another_server(void **state) {
  rig *const r = *state;
  loopback *const other = loopback_start();
  char header[128];
  snprintf(header, sizeof header, "Location: %s/there\r\n", loopback_url(other));
  loopback_say(r->server, &(loopback_answer){.status = 302, .header = header});
  loopback_say(other, &(loopback_answer){.status = 200, .body = "there"});
  fr__http_answer a = {0};
  assert_int_equal(ask(r, address(r, "/"), key, &a, &r->err), FR_ERR_PERMISSION);
  assert_says(r, "to which the key is not sent");
  assert_int_equal(loopback_count(other), 0);
  /* without a key it may */
  a = get(r, "/");
  assert_string_equal(a.body, "there");
  fr__http_answer_release(&a);
  loopback_stop(other);
}

static void a_key_follows_on_the_same_server(void **state) {
  rig *const r = *state;
  loopback_say(
      r->server,
      &(loopback_answer){.target = "/a", .status = 301, .header = "Location: /b\r\n"});
  loopback_say(r->server, &(loopback_answer){.target = "/b", .status = 200, .body = "b"});
  fr__http_answer a = {0};
  ASSERT_OK(ask(r, address(r, "/a"), key, &a, err));
  assert_string_equal(a.body, "b");
  assert_int_equal(loopback_asked(r->server, "auth-token: SECRET-KEY\r\n"), 2);
  fr__http_answer_release(&a);
}

static void redirections_end(void **state) {
  rig *const r = *state;
  loopback_say(r->server,
               &(loopback_answer){.status = 302, .header = "Location: /again\r\n"});
  assert_int_equal(fails(r, "/"), FR_ERR_LIMIT);
  assert_says(r, "more than 5 redirections");
  loopback_hush(r->server);
  loopback_say(
      r->server,
      &(loopback_answer){.status = 302, .header = "Location: file:///etc/passwd\r\n"});
  assert_true(fails(r, "/") != FR_OK);
}

static void nothing_rides_along_in_a_header(void **state) {
  static const char *const evil[] = {"auth-token: a\r\nHost: evil", NULL};
  rig *const r = *state;
  fr__http_answer a;
  assert_int_equal(ask(r, address(r, "/"), evil, &a, &r->err), FR_ERR_ARGUMENT);
  assert_int_equal(loopback_count(r->server), 0);
}

static void addresses_are_read_strictly(void **state) {
  static const char *const bad[] = {
      "",
      "file:///etc/passwd",
      "ftp://example.org/",
      "https://user:PASS@example.org/",
      "https://",
      "https:///x",
      "https://exa mple.org/",
      "http://127.0.0.1\\@example.org/",
      "https://example.org/\r\nX: y",
      "https://example.org/a b",
      "https://example.org:80x/",
      "https://[::1/",
  };
  rig *const r = *state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    fr__http_answer a;
    if (ask(r, bad[i], NULL, &a, &r->err) == FR_OK)
      fail_msg("'%s' was taken", bad[i]);
    assert_null(strstr(r->err.text, "PASS"));
  }
}

static void a_proxy_and_its_password_stay_out_of_messages(void **state) {
  rig *const r = *state;
  setenv("https_proxy", "http://USER:PASS@127.0.0.1:1", 1);
  setenv("http_proxy", "nonsense://USER:PASS@:x", 1);
  fr__http_answer a;
  assert_true(ask(r, "https://example.invalid/", NULL, &a, &r->err) != FR_OK);
  assert_null(strstr(r->err.text, "PASS"));
  assert_true(ask(r, "http://example.invalid/", NULL, &a, &r->err) != FR_OK);
  assert_null(strstr(r->err.text, "PASS"));
  /* and what is on this machine is asked for on this machine */
  loopback_say(r->server, &(loopback_answer){.status = 200, .body = "here"});
  a = get(r, "/");
  assert_string_equal(a.body, "here");
  fr__http_answer_release(&a);
  unsetenv("https_proxy");
  unsetenv("http_proxy");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RIG(gives_the_body_and_says_who_asks),
      RIG(tries_again_when_the_server_fails),
      RIG(tries_a_half_answer_again),
      RIG(gives_up_after_four_tries),
      RIG(never_tries_a_refusal_again),
      RIG(waits_as_long_as_the_server_wants),
      RIG(says_when_to_come_back),
      RIG(is_quiet_after_the_last_request_that_is_permitted),
      RIG(too_many_requests_are_followed_by_a_minute_of_quiet),
      RIG(an_endless_quiet_is_a_day_at_most),
      RIG(ends_in_time),
      RIG(says_that_nobody_answers),
      RIG(a_body_has_a_ceiling),
      RIG(the_ceiling_is_of_what_is_unpacked),
      RIG(a_key_goes_to_its_server),
      RIG(a_key_goes_nowhere_unencrypted),
      RIG(a_key_does_not_follow_to_another_server),
      RIG(a_key_follows_on_the_same_server),
      RIG(redirections_end),
      RIG(nothing_rides_along_in_a_header),
      RIG(addresses_are_read_strictly),
      RIG(a_proxy_and_its_password_stay_out_of_messages),
  };
  return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
