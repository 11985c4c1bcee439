/* SPDX-License-Identifier: Apache-2.0 */
/* Fetching, from a server on this machine that serves one file and one request at a time.
 */
#include "input.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "data/download.h"

typedef struct server {
  pid_t pid;
  char url[64];
} server;

static void reply(int peer, const char *bytes, size_t size, bool ranges) {
  char text[2048] = "";
  const ssize_t got = recv(peer, text, sizeof text - 1, 0);
  const char *const range = strstr(text, "Range: bytes=");
  const size_t from =
      got > 0 && range != NULL && ranges ? strtoul(range + 13, NULL, 10) : 0;
  char head[256];
  int n = 0;
  if (from > 0 && from >= size)
    n = snprintf(head, sizeof head, "HTTP/1.1 416 No\r\nContent-Length: 0\r\n\r\n");
  else if (from > 0)
    n = snprintf(head, sizeof head,
                 "HTTP/1.1 206 Part\r\nContent-Range: bytes %zu-%zu/%zu\r\n"
                 "Content-Length: %zu\r\n\r\n",
                 from, size - 1, size, size - from);
  else
    n = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                 size);
  (void)!write(peer, head, (size_t)n);
  if (from < size)
    (void)!write(peer, bytes + from, size - from);
}

static server serve(const char *bytes, size_t size, bool ranges) {
  server s;
  struct sockaddr_in at = {.sin_family = AF_INET,
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof at;
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  assert_true(listener >= 0);
  assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
  assert_int_equal(listen(listener, 4), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &length), 0);
  snprintf(s.url, sizeof s.url, "http://127.0.0.1:%u/file", ntohs(at.sin_port));
  s.pid = fork();
  assert_true(s.pid >= 0);
  if (s.pid == 0) {
    signal(SIGPIPE, SIG_IGN);
    alarm(60);
    for (;;) {
      const int peer = accept(listener, NULL, NULL);
      reply(peer, bytes, size, ranges);
      close(peer);
    }
  }
  close(listener);
  return s;
}

static void stop(server *s) {
  kill(s->pid, SIGKILL);
  waitpid(s->pid, NULL, 0);
}

static void assert_content(const char *name, const char *expected) {
  char *bytes = NULL;
  size_t size = 0;
  ASSERT_OK(fr__file_read(input_path(name), 1 << 20, &bytes, &size, err));
  assert_string_equal(bytes, expected);
  free(bytes);
}

static void a_cut_off_download_is_resumed(void **state) {
  (void)state;
  server s = serve("0123456789", 10, true);
  /* the first half is kept as it is: only the rest came over the wire */
  input_text("part", "abcde");
  ASSERT_OK(fr__download(s.url, input_path("part"), 100, NULL, NULL, err));
  assert_content("part", "abcde56789");
  ASSERT_OK(fr__download(s.url, input_path("part"), 100, NULL, NULL, err));
  assert_content("part", "abcde56789");
  ASSERT_OK(fr__download(s.url, input_path("new"), 100, NULL, NULL, err));
  assert_content("new", "0123456789");
  stop(&s);
}

static void a_server_without_ranges_starts_anew(void **state) {
  (void)state;
  server s = serve("0123456789", 10, false);
  input_text("part", "abcde");
  ASSERT_OK(fr__download(s.url, input_path("part"), 100, NULL, NULL, err));
  assert_content("part", "0123456789");
  stop(&s);
}

static void a_download_has_a_ceiling_and_a_scheme(void **state) {
  (void)state;
  fr_error error = {0};
  server s = serve("0123456789", 10, true);
  assert_int_equal(fr__download(s.url, input_path("big"), 9, NULL, NULL, &error),
                   FR_ERR_LIMIT);
  assert_non_null(strstr(error.text, ": more than 9 bytes"));
  stop(&s);
  assert_int_equal(
      fr__download("file:///etc/hostname", input_path("f"), 9, NULL, NULL, &error),
      FR_ERR_ARGUMENT);
  assert_string_equal(error.text, "'file:///etc/hostname' is neither http nor https");
  assert_int_equal(
      fr__download("http://127.0.0.1:1/x", input_path("f"), 9, NULL, NULL, &error),
      FR_ERR_IO);
}

/* A zip of `people` people with one minute each. */
static void write_people(const char *name, size_t people) {
  static char names[64][40];
  static const char minute[] = "timestamp,raw_acc:m,label:SITTING\n100,0.5,1\n";
  input_entry entries[64];
  for (size_t i = 0; i < people; i++) {
    snprintf(names[i], sizeof names[i], "P%zu.features_labels.csv", i);
    entries[i] = (input_entry){.name = names[i], .bytes = minute};
  }
  input_zip(name, entries, people);
}

static enum fr_status fetch_people(size_t people, const char *into, fr_data_facts *facts,
                                   fr_error *error) {
  char *bytes = NULL;
  size_t size = 0;
  write_people("people.zip", people);
  ASSERT_OK(fr__file_read(input_path("people.zip"), 1 << 20, &bytes, &size, err));
  server s = serve(bytes, size, true);
  setenv("FRUGAL_EXTRASENSORY_URL", s.url, 1);
  const enum fr_status status =
      fr_data_fetch("extrasensory", input_path(into), NULL, NULL, facts, error);
  unsetenv("FRUGAL_EXTRASENSORY_URL");
  stop(&s);
  free(bytes);
  return status;
}

static void what_was_published_is_accepted(void **state) {
  (void)state;
  fr_data_facts facts = {0}, again = {0};
  ASSERT_OK(fetch_people(60, "good", &facts, err));
  assert_int_equal(facts.files, 60);
  assert_int_equal(facts.subjects, 60);
  assert_int_equal(facts.rows, 60);
  char digest[80];
  snprintf(digest, sizeof digest, "files 60\nrows 60\nsubjects 60\ndigest %016llx\n",
           (unsigned long long)facts.digest);
  assert_content("good/extrasensory/ExtraSensory.per_uuid_features_labels.zip.digest",
                 digest);
  /* what is there is checked, not fetched: no server runs now */
  setenv("FRUGAL_EXTRASENSORY_URL", "http://127.0.0.1:1/x", 1);
  ASSERT_OK(fr_data_fetch("extrasensory", input_path("good"), NULL, NULL, &again, err));
  unsetenv("FRUGAL_EXTRASENSORY_URL");
  assert_true(again.digest == facts.digest);
  fr_dataset *const data =
      input_open(input_spec("extrasensory", "good/extrasensory", ""));
  assert_int_equal(data->count, 60);
  fr_data_free(data);
}

static void anything_else_is_refused(void **state) {
  (void)state;
  fr_error error = {0};
  fr_data_facts facts = {0};
  assert_int_equal(fetch_people(59, "bad", &facts, &error), FR_ERR_FORMAT);
  assert_non_null(
      strstr(error.text, "is not what was published: 59 files in place of 60"));
  assert_int_equal(facts.files, 0);
  assert_int_not_equal(
      access(
          input_path("bad/extrasensory/ExtraSensory.per_uuid_features_labels.zip.part"),
          F_OK),
      0);
  assert_int_equal(fr_data_fetch("imagenet", input_path("bad"), NULL, NULL, NULL, &error),
                   FR_ERR_ARGUMENT);
  assert_string_equal(
      error.text, "'imagenet' cannot be fetched; known are motionsense, extrasensory");
}

static void a_changed_file_is_noticed(void **state) {
  (void)state;
  fr_error error = {0};
  input_text("good/extrasensory/ExtraSensory.per_uuid_features_labels.zip.digest",
             "digest 0000000000000001\n");
  assert_int_equal(
      fr_data_fetch("extrasensory", input_path("good"), NULL, NULL, NULL, &error),
      FR_ERR_FORMAT);
  assert_non_null(strstr(error.text, "has changed: digest "));
}

static void the_real_zip_is_what_was_published(void **state) {
  (void)state;
  const char *const shared = test_shared();
  if (shared == NULL)
    skip();
  char zip[700];
  snprintf(zip, sizeof zip, "%s/motionsense/A_DeviceMotion_data.zip", shared);
  ASSERT_OK(fr__dir_make(input_path("real/motionsense"), err));
  assert_int_equal(symlink(zip, input_path("real/motionsense/A_DeviceMotion_data.zip")),
                   0);
  fr_data_facts facts = {0};
  ASSERT_OK(fr_data_fetch("motionsense", input_path("real"), NULL, NULL, &facts, err));
  assert_int_equal(facts.files, 360);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_cut_off_download_is_resumed),
      cmocka_unit_test(a_server_without_ranges_starts_anew),
      cmocka_unit_test(a_download_has_a_ceiling_and_a_scheme),
      cmocka_unit_test(what_was_published_is_accepted),
      cmocka_unit_test(anything_else_is_refused),
      cmocka_unit_test(a_changed_file_is_noticed),
      cmocka_unit_test(the_real_zip_is_what_was_published),
  };
  setenv("no_proxy", "127.0.0.1", 1);
  return cmocka_run_group_tests(tests, input_setup, input_teardown);
}
