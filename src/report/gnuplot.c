/* SPDX-License-Identifier: Apache-2.0 */
#include "report/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

#define PATIENCE_NS ((uint64_t)60 * 1000000000) /* a chart takes a tenth of a second */

extern char **environ;

/* What joins us to the child: memory for its script and its messages, a pipe for its
 * picture. The script needs no pipe, so neither side can wait for the other. */
typedef struct channel {
  int script, messages;
  int picture[2]; /* read end, write end */
} channel;

static void shut(int *fd) {
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

static void channel_release(channel *c) {
  shut(&c->script);
  shut(&c->messages);
  shut(&c->picture[0]);
  shut(&c->picture[1]);
}

static bool write_all(int fd, const char *text, size_t size) {
  while (size > 0) {
    const ssize_t n = write(fd, text, size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    text += n;
    size -= (size_t)n;
  }
  return lseek(fd, 0, SEEK_SET) == 0;
}

static bool channel_init(channel *c, const char *script) {
  *c = (channel){-1, -1, {-1, -1}};
  c->script = memfd_create("script", MFD_CLOEXEC);
  c->messages = memfd_create("messages", MFD_CLOEXEC);
  if (c->script < 0 || c->messages < 0)
    return false;
  if (pipe2(c->picture, O_CLOEXEC) != 0)
    return false;
  return write_all(c->script, script, strlen(script));
}

static int spawn(const channel *c, pid_t *child) {
  char name[] = "gnuplot", defaults[] = "-d";
  char *const argv[] = {name, defaults, NULL};
  posix_spawn_file_actions_t actions;
  int number = posix_spawn_file_actions_init(&actions);
  if (number != 0)
    return number;
  number = posix_spawn_file_actions_adddup2(&actions, c->script, STDIN_FILENO);
  if (number == 0)
    number = posix_spawn_file_actions_adddup2(&actions, c->picture[1], STDOUT_FILENO);
  if (number == 0)
    number = posix_spawn_file_actions_adddup2(&actions, c->messages, STDERR_FILENO);
  if (number == 0)
    number = posix_spawnp(child, name, &actions, NULL, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  return number;
}

/* The picture until its end; false where it takes too long or is too long. */
static bool read_picture(int fd, fr__buf *out) {
  const uint64_t deadline = fr__clock_ns() + PATIENCE_NS;
  for (;;) {
    char piece[16384];
    const uint64_t now = fr__clock_ns();
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (now >= deadline)
      return false;
    if (poll(&wait, 1, (int)((deadline - now) / 1000000) + 1) < 0 && errno != EINTR)
      return false;
    if (wait.revents == 0)
      continue;
    const ssize_t n = read(fd, piece, sizeof piece);
    if (n == 0)
      return true;
    if (n < 0 && errno != EINTR)
      return false;
    if (n > 0)
      fr__buf_add_bytes(out, piece, (size_t)n);
    if (out->status != FR_OK)
      return false;
  }
}

static int reap(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      return -1;
  return status;
}

/* gnuplot echoes the line, a caret, then the message: the last line says it. */
static enum fr_status fail_with_message(int messages, fr_error *err) {
  char text[1024];
  const off_t size = lseek(messages, 0, SEEK_END);
  const off_t from = size > (off_t)sizeof text - 1 ? size - ((off_t)sizeof text - 1) : 0;
  ssize_t n = pread(messages, text, sizeof text - 1, from);
  if (n < 0)
    n = 0;
  while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
    n--;
  text[n] = '\0';
  const char *last = strrchr(text, '\n');
  last = last == NULL ? text : last + 1;
  return fr__fail(err, FR_ERR_IO, "gnuplot drew nothing: %s",
                  *last == '\0' ? "it gave no reason" : last);
}

static enum fr_status converse(channel *c, fr__buf *out, fr_error *err) {
  pid_t child;
  const size_t before = out->length;
  const int number = spawn(c, &child);
  if (number != 0)
    return fr__fail_errno(err, number, "'gnuplot' cannot be started");
  shut(&c->picture[1]);
  const bool whole = read_picture(c->picture[0], out);
  if (!whole)
    kill(child, SIGKILL);
  const int status = reap(child);
  if (!whole)
    return fr__fail(err, FR_ERR_LIMIT, "gnuplot did not end within a minute");
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127 && out->length == before)
    return fr__fail(err, FR_ERR_NOT_FOUND, "'gnuplot' was not found");
  if (status != 0 || out->length == before)
    return fail_with_message(c->messages, err);
  return FR_OK;
}

enum fr_status fr__gnuplot_run(const char *script, fr__buf *out, fr_error *err) {
  channel c;
  enum fr_status status;
  if (channel_init(&c, script))
    status = converse(&c, out, err);
  else
    status = fr__fail_errno(err, errno, "no channel to gnuplot");
  channel_release(&c);
  return status;
}

void fr__gnuplot_canvas(const fr__canvas *c, fr__buf *script) {
  const int width = 2 * c->width, height = 2 * c->height;
  if (c->medium == FR__PNG)
    fr__buf_printf(
        script,
        "if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) { set terminal pngcairo "
        "noenhanced size %d,%d font 'Sans,%d' fontscale %g linewidth 2 pointscale %g "
        "background rgb '#ffffff' } else { set terminal png noenhanced size %d,%d "
        "large background rgb '#ffffff' }\n",
        width, height, c->font, c->font_scale, c->point_scale, width, height);
  else
    fr__buf_printf(script,
                   "set terminal svg noenhanced size %d,%d font 'sans-serif,%d'%s\n",
                   c->width, c->height, c->font,
                   c->medium == FR__SVG_FILE ? " background rgb '#ffffff'" : "");
}

/* gnuplot looks for quotes, backquotes, macros and comments more than once and not always
 * by the same rules, so that nothing it could take for a sign of its own is left: quotes
 * become the printer's, the backslash a set minus. */
void fr__gnuplot_quote(fr__buf *out, const char *text) {
  fr__buf_add(out, "'");
  for (; *text != '\0'; text++) {
    const unsigned char byte = (unsigned char)*text;
    if (byte == '\'' || byte == '`')
      fr__buf_add(out, "\u2019");
    else if (byte == '"')
      fr__buf_add(out, "\u201D");
    else if (byte == '\\')
      fr__buf_add(out, "\u2216");
    else
      fr__buf_add_bytes(out, byte < 0x20 || byte == 0x7F ? " " : text, 1);
  }
  fr__buf_add(out, "'");
}
