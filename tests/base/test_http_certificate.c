/* SPDX-License-Identifier: Apache-2.0 */
/* A server whose certificate nobody vouches for is not believed. openssl plays it. */
#include "rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct impostor {
  pid_t pid;
  unsigned port;
} impostor;

/* "ACCEPT 127.0.0.1:41367" is what s_server prints once it listens. */
static bool start(impostor *out, const char *folder) {
  int ends[2];
  char command[1024], line[256];
  snprintf(
      command, sizeof command,
      "cd '%s' && openssl req -x509 -newkey rsa:2048 -nodes -keyout k -out c -days 2 "
      "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 >log 2>&1",
      folder);
  if (system(command) != 0 || pipe(ends) != 0)
    return false;
  out->pid = fork();
  if (out->pid == 0) {
    dup2(ends[1], STDOUT_FILENO);
    if (chdir(folder) == 0)
      execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", "c",
             "-key", "k", "-www", (char *)NULL);
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

static void an_own_certificate_is_not_believed(void **state) {
  static const char *const key[] = {"auth-token: SECRET", NULL};
  rig *const r = *state;
  impostor it = {0};
  fr__http_answer a = {0};
  if (!start(&it, r->folder)) {
    print_message("skipped: no openssl to play a server\n");
    if (it.pid > 0)
      waitpid(it.pid, NULL, 0);
    skip();
  }
  char url[64];
  snprintf(url, sizeof url, "https://127.0.0.1:%u/", it.port);
  const enum fr_status status = fr__http_get(r->http, url, key, &a, &r->err);
  kill(it.pid, SIGKILL);
  waitpid(it.pid, NULL, 0);
  assert_int_equal(status, FR_ERR_IO);
  assert_says(r, "cannot be trusted or read");
  assert_int_equal(r->waits, 0); /* asked once */
}

int main(void) {
  const struct CMUnitTest tests[] = {RIG(an_own_certificate_is_not_believed)};
  return cmocka_run_group_tests_name("http certificate", tests, NULL, NULL);
}
