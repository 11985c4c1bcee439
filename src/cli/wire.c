/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"

/* ---- opening ---- */

static bool address_of(const char *path, struct sockaddr_un *address) {
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address->sun_path)
    return false;
  strcpy(address->sun_path, path);
  return true;
}

/* A folder that only this user may enter; its name must leave room for the socket's. */
static bool make_folder(const char *base, char folder[80]) {
  if (base == NULL || base[0] != '/' ||
      snprintf(folder, 80, "%s/frugal-XXXXXX", base) >= 80 || mkdtemp(folder) == NULL) {
    folder[0] = '\0';
    return false;
  }
  return true;
}

static enum fr_status listen_here(cli_wire *wire, fr_error *err) {
  struct sockaddr_un address;
  if (!make_folder(getenv("XDG_RUNTIME_DIR"), wire->folder) &&
      !make_folder(getenv("TMPDIR"), wire->folder) && !make_folder("/tmp", wire->folder))
    return fr__fail_errno(err, errno, "no folder for the socket of phases in /tmp");
  snprintf(wire->path, sizeof wire->path, "%s/phases", wire->folder);
  wire->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (wire->listener < 0 || !address_of(wire->path, &address) ||
      bind(wire->listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
      listen(wire->listener, CLI_WIRE_CLIENTS) != 0)
    return fr__fail_errno(err, errno, "no socket for phases at '%s'", wire->path);
  return FR_OK;
}

enum fr_status cli_wire_init(cli_wire *wire, cli_wire_sink *sink, void *self,
                             fr_error *err) {
  *wire = (cli_wire){.sink = sink, .self = self, .listener = -1, .near = -1, .far = -1};
  for (size_t i = 0; i < CLI_WIRE_CLIENTS; i++)
    wire->client[i].fd = -1;
  enum fr_status status = listen_here(wire, err);
  /* Datagrams: one writer's line is never cut by another's, and a program whose meter is
   * gone gets an error to ignore rather than SIGPIPE. */
  int pair[2];
  if (status == FR_OK && socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) != 0)
    status = fr__fail_errno(err, errno, "no descriptor for phases");
  if (status == FR_OK) {
    wire->near = pair[0];
    wire->far = pair[1];
  } else {
    cli_wire_release(wire);
  }
  return status;
}

static void close_one(int *fd) {
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

void cli_wire_release(cli_wire *wire) {
  close_one(&wire->listener);
  close_one(&wire->near);
  close_one(&wire->far);
  for (size_t i = 0; i < CLI_WIRE_CLIENTS; i++)
    close_one(&wire->client[i].fd);
  if (wire->folder[0] != '\0') {
    unlink(wire->path);
    rmdir(wire->folder);
    wire->folder[0] = '\0';
  }
}

/* ---- serving ---- */

size_t cli_wire_poll(const cli_wire *wire, struct pollfd *fds) {
  size_t count = 0, clients = 0;
  for (size_t i = 0; i < CLI_WIRE_CLIENTS; i++)
    if (wire->client[i].fd >= 0) {
      fds[count++] = (struct pollfd){.fd = wire->client[i].fd, .events = POLLIN};
      clients++;
    }
  if (wire->listener >= 0 && clients < CLI_WIRE_CLIENTS)
    fds[count++] = (struct pollfd){.fd = wire->listener, .events = POLLIN};
  if (wire->near >= 0)
    fds[count++] = (struct pollfd){.fd = wire->near, .events = POLLIN};
  return count;
}

static void answer(int fd, bool taken, const char *why) {
  char text[200];
  const int length = taken ? snprintf(text, sizeof text, "ok\n")
                           : snprintf(text, sizeof text, "error: %s\n", why);
  /* Who does not read its answers loses them. */
  const ssize_t sent = send(fd, text, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
  (void)sent;
}

/* A message is one line or several; the last one's line feed may be missing. */
static void take_messages(cli_wire *wire) {
  char bytes[4096], why[160];
  for (int round = 0; round < 1024; round++) {
    const ssize_t got = recv(wire->near, bytes, sizeof bytes - 1, MSG_DONTWAIT);
    if (got <= 0)
      return;
    bytes[got] = '\0';
    char *rest = bytes;
    for (char *line; (line = strsep(&rest, "\r\n")) != NULL;)
      if (line[0] != '\0')
        wire->sink(wire->self, line, why);
  }
}

static void end_line(cli_wire *wire, cli_wire_client *client) {
  char why[160] = "the line is longer than 255 bytes";
  client->line[client->length] = '\0';
  if (client->length > 0 && client->line[client->length - 1] == '\r')
    client->line[client->length - 1] = '\0';
  /* What a program wrote to its descriptor before it sent this came before it. */
  if (wire->near >= 0)
    take_messages(wire);
  const bool taken = !client->too_long && wire->sink(wire->self, client->line, why);
  answer(client->fd, taken, why);
  client->length = 0;
  client->too_long = false;
}

static void take_bytes(cli_wire *wire, cli_wire_client *client, const char *bytes,
                       size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (bytes[i] == '\n')
      end_line(wire, client);
    else if (client->length + 1 < CLI_WIRE_LINE)
      client->line[client->length++] = bytes[i] != '\0' ? bytes[i] : '?';
    else
      client->too_long = true;
  }
}

static void serve_client(cli_wire *wire, cli_wire_client *client) {
  char bytes[4096];
  /* a bound for each: one that never stops must not keep the others waiting */
  for (int round = 0; round < 16; round++) {
    const ssize_t got = recv(client->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
      return;
    if (got <= 0) {
      if (client->length > 0)
        end_line(wire, client);
      close_one(&client->fd);
      return;
    }
    take_bytes(wire, client, bytes, (size_t)got);
  }
}

static void accept_clients(cli_wire *wire) {
  for (size_t i = 0; i < CLI_WIRE_CLIENTS; i++) {
    cli_wire_client *client = &wire->client[i];
    if (client->fd >= 0)
      continue;
    const int fd = accept4(wire->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
      return;
    client->fd = fd;
    client->length = 0;
    client->too_long = false;
    serve_client(wire, client);
  }
}

void cli_wire_serve(cli_wire *wire) {
  if (wire->near >= 0)
    take_messages(wire);
  for (size_t i = 0; i < CLI_WIRE_CLIENTS; i++)
    if (wire->client[i].fd >= 0)
      serve_client(wire, &wire->client[i]);
  if (wire->listener >= 0)
    accept_clients(wire);
}

/* ---- sending ---- */

static enum fr_status read_answer(int fd, fr_error *err) {
  char text[200];
  size_t length = 0;
  while (length + 1 < sizeof text) {
    const ssize_t got = read(fd, text + length, sizeof text - 1 - length);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      break;
    length += (size_t)got;
    if (text[length - 1] == '\n')
      break;
  }
  text[length] = '\0';
  text[strcspn(text, "\n")] = '\0';
  if (strcmp(text, "ok") == 0)
    return FR_OK;
  if (strncmp(text, "error: ", 7) == 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "%s", text + 7);
  return fr__fail(err, FR_ERR_IO, "the meter does not answer");
}

enum fr_status cli_wire_send(const char *line, fr_error *err) {
  const char *path = getenv("FRUGAL_PHASE_SOCKET");
  struct sockaddr_un address;
  if (path == NULL || path[0] == '\0')
    return fr__fail(err, FR_ERR_NOT_FOUND,
                    "there is no meter around this: FRUGAL_PHASE_SOCKET is not set "
                    "(run it by 'frugal meter -- COMMAND')");
  if (!address_of(path, &address))
    return fr__fail(err, FR_ERR_ARGUMENT, "FRUGAL_PHASE_SOCKET is not a socket's path");
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return fr__fail_errno(err, errno, "no socket");
  const struct timeval patience = {.tv_sec = 5};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  enum fr_status status;
  const size_t length = strlen(line);
  if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
    status = fr__fail_errno(err, errno, "the meter at '%s' cannot be reached", path);
  else if (send(fd, line, length, MSG_NOSIGNAL) != (ssize_t)length ||
           send(fd, "\n", 1, MSG_NOSIGNAL) != 1)
    status = fr__fail_errno(err, errno, "the meter at '%s' does not listen", path);
  else
    status = read_answer(fd, err);
  close(fd);
  return status;
}
