/* SPDX-License-Identifier: Apache-2.0 */
/* A server is believed whose certificate someone vouches for, under the name that it was
 * made for, and no other; and from an encrypted one no way leads to an open one. openssl
 * plays it. */
#include "rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/curl.h"

CURLcode __real_fr__curl_usual(const fr__curl *lib, CURL *curl, const char *url);
CURLcode __wrap_fr__curl_usual(const fr__curl *lib, CURL *curl, const char *url);

/* The file of those who are believed; NULL: the system's. */
static const char *vouched;

CURLcode __wrap_fr__curl_usual(const fr__curl *lib, CURL *curl, const char *url) {
  const CURLcode code = __real_fr__curl_usual(lib, curl, url);
  if (vouched != NULL)
    lib->easy_setopt(curl, CURLOPT_CAINFO, vouched);
  return code;
}

typedef struct impostor {
  pid_t pid;
  unsigned port;
} impostor;

/* An answer as it goes over the wire, which s_server -HTTP takes from a file. */
static void write_answer(const char *folder, const char *name, const char *text) {
  char path[600];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *const file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  assert_int_equal(fclose(file), 0);
}

/* "ACCEPT 127.0.0.1:41367" is what s_server prints once it listens. */
static bool start(impostor *out, const char *folder) {
  int ends[2];
  char command[1024], line[256];
  snprintf(
      command, sizeof command,
      "cd '%s' && openssl req -x509 -newkey rsa:2048 -nodes -keyout k -out c -days 2 "
      "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 >log 2>&1",
      folder);
  write_answer(folder, "good", "HTTP/1.0 200 OK\r\n\r\nyes");
  write_answer(folder, "down",
               "HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n");
  if (system(command) != 0 || pipe(ends) != 0)
    return false;
  out->pid = fork();
  if (out->pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* also where a test fails */
    dup2(ends[1], STDOUT_FILENO);
    if (chdir(folder) == 0)
      execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", "c",
             "-key", "k", "-HTTP", (char *)NULL);
    _exit(127);
  }
  close(ends[1]);
  FILE *const told = fdopen(ends[0], "r");
  out->port = 0;
  while (out->port == 0 && fgets(line, sizeof line, told) != NULL)
    (void)sscanf(line, "ACCEPT 127.0.0.1:%u", &out->port);
  fclose(told);
  return out->port != 0;
}

static void check(rig *r, const impostor *it, const char *host, enum fr_status expected) {
  static const char *const key[] = {"auth-token: SECRET", NULL};
  fr__http_answer a = {0};
  char url[64];
  snprintf(url, sizeof url, "https://%s:%u/good", host, it->port);
  r->waits = 0;
  assert_int_equal(ask(r, url, key, &a, &r->err), expected);
  if (expected == FR_OK)
    assert_string_equal(a.body, "yes");
  else
    assert_says(r, "cannot be trusted or read");
  assert_int_equal(r->waits, 0); /* asked once */
  fr__http_answer_release(&a);
}

static void a_certificate_is_believed_if_someone_vouches_for_it(void **state) {
  rig *const r = *state;
  impostor it = {0};
  fr__http_answer a = {0};
  char path[600];
  if (!start(&it, r->folder)) {
    print_message("skipped: no openssl to play a server\n");
    if (it.pid > 0)
      waitpid(it.pid, NULL, 0);
    skip();
  }
  vouched = NULL;
  check(r, &it, "127.0.0.1", FR_ERR_IO);
  snprintf(path, sizeof path, "%s/c", r->folder);
  vouched = path;
  reopen(r, (fr__http_options){0});
  check(r, &it, "127.0.0.1", FR_OK);
  snprintf(r->url, sizeof r->url, "https://127.0.0.1:%u/down", it.port);
  assert_int_equal(ask(r, r->url, NULL, &a, &r->err), FR_ERR_PERMISSION);
  assert_says(r, "which is not encrypted");
  reopen(r, (fr__http_options){0});
  check(r, &it, "localhost", FR_ERR_IO); /* not the name that it was made for */
  kill(it.pid, SIGKILL);
  waitpid(it.pid, NULL, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RIG(a_certificate_is_believed_if_someone_vouches_for_it)};
  return cmocka_run_group_tests_name("http certificate", tests, NULL, NULL);
}
