/* SPDX-License-Identifier: Apache-2.0 */
/* Phases by what a program prints: its output is passed on, byte for byte, and each line
 * that matches begins a phase and ends the one before. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/wire.h"

enum fr_status cli_tap_init(cli_tap *tap, const char *pattern, cli_tap_sink *sink,
                            void *self, fr_error *err) {
  *tap = (cli_tap){.from = -1, .to = -1, .far = -1, .sink = sink, .self = self};
  char why[128];
  const int failed = regcomp(&tap->pattern, pattern, REG_EXTENDED);
  if (failed != 0) {
    regerror(failed, &tap->pattern, why, sizeof why);
    return fr__fail(err, FR_ERR_ARGUMENT, "--phase-pattern '%.200s': %s", pattern, why);
  }
  int ends[2] = {-1, -1};
  enum fr_status status = FR_OK;
  if (tap->pattern.re_nsub != 1)
    status =
        fr__fail(err, FR_ERR_ARGUMENT,
                 "--phase-pattern '%.200s' has %zu groups; it needs one, the phase's "
                 "name",
                 pattern, tap->pattern.re_nsub);
  else if (pipe2(ends, O_CLOEXEC) != 0)
    status = fr__fail_errno(err, errno, "no pipe for the command's output");
  if (status != FR_OK) {
    regfree(&tap->pattern);
    return status;
  }
  tap->from = ends[0];
  tap->far = ends[1];
  tap->to = STDOUT_FILENO;
  return FR_OK;
}

static void look_at_line(cli_tap *tap) {
  regmatch_t match[2];
  if (tap->length > 0 && tap->line[tap->length - 1] == '\r')
    tap->length--;
  tap->line[tap->length] = '\0';
  tap->length = 0;
  if (regexec(&tap->pattern, tap->line, 2, match, 0) != 0 || match[1].rm_so < 0 ||
      match[1].rm_eo == match[1].rm_so)
    return;
  tap->line[match[1].rm_eo] = '\0';
  tap->sink(tap->self, tap->line + match[1].rm_so);
}

static void look(cli_tap *tap, const char *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (bytes[i] == '\n')
      look_at_line(tap);
    else if (tap->length + 1 < sizeof tap->line)
      tap->line[tap->length++] = bytes[i] != '\0' ? bytes[i] : '?';
  }
}

static bool write_all(int fd, const char *bytes, size_t count) {
  while (count > 0) {
    const ssize_t written = write(fd, bytes, count);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return false;
    bytes += written;
    count -= (size_t)written;
  }
  return true;
}

static void *pass_on(void *self) {
  cli_tap *tap = self;
  char bytes[65536];
  ssize_t got;
  while ((got = read(tap->from, bytes, sizeof bytes)) != 0) {
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      break;
    look(tap, bytes, (size_t)got);
    /* Nobody reads any more: the program's next write must tell it so. */
    if (!write_all(tap->to, bytes, (size_t)got))
      break;
  }
  if (tap->length > 0)
    look_at_line(tap);
  close(tap->from);
  tap->from = -1;
  return NULL;
}

enum fr_status cli_tap_start(cli_tap *tap, fr_error *err) {
  sigset_t all, before;
  sigfillset(&all);
  close(tap->far);
  tap->far = -1;
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int failed = pthread_create(&tap->thread, NULL, pass_on, tap);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  tap->running = failed == 0;
  return failed == 0 ? FR_OK
                     : fr__fail_errno(err, failed, "no thread for the command's output");
}

void cli_tap_release(cli_tap *tap) {
  if (tap->sink == NULL)
    return;
  if (tap->far >= 0)
    close(tap->far);
  if (tap->running)
    pthread_join(tap->thread, NULL);
  else if (tap->from >= 0)
    close(tap->from);
  regfree(&tap->pattern);
  *tap = (cli_tap){.from = -1, .to = -1, .far = -1};
}
