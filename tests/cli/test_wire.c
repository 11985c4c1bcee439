/* SPDX-License-Identifier: Apache-2.0 */
/* Lines by socket and by descriptor are taken in the order that a program sent them. */
#include "test.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/wire.h"

typedef struct heard {
  char lines[256];
} heard;

static bool hear(void *self, const char *line, char why[160]) {
  heard *h = self;
  (void)why;
  assert_true(strlen(h->lines) + strlen(line) + 2 < sizeof h->lines);
  strcat(h->lines, line);
  strcat(h->lines, ";");
  return true;
}

static int call(const cli_wire *wire) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", wire->path);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

static void say(int fd, const char *text) {
  assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void what_was_sent_first_is_taken_first(void **state) {
  (void)state;
  heard h = {""};
  cli_wire wire;
  ASSERT_OK(cli_wire_init(&wire, hear, &h, err));
  say(wire.far, "begin a\nbegin b");
  say(wire.far, "end b");
  const int client = call(&wire);
  say(client, "end a\n"); /* all of it before the meter looks */
  cli_wire_serve(&wire);
  assert_string_equal(h.lines, "begin a;begin b;end b;end a;");
  char answer[8] = "";
  assert_int_equal(read(client, answer, 3), 3);
  assert_string_equal(answer, "ok\n");
  h.lines[0] = '\0';
  say(wire.far, "begin c"); /* the client is known already */
  say(client, "end c\n");
  cli_wire_serve(&wire);
  assert_string_equal(h.lines, "begin c;end c;");
  close(client);
  cli_wire_release(&wire);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_was_sent_first_is_taken_first),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
