/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/prometheus.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/csv.h"
#include "base/error.h"

/* ---- opening ---- */

/* "[::1]:9102" into "::1" and "9102". */
static bool split_address(const char *listen, char host[64], char port[8]) {
  const char *colon = strrchr(listen, ':');
  const char *number = colon != NULL ? colon + 1 : listen;
  size_t length = colon != NULL ? (size_t)(colon - listen) : 0;
  int64_t value;
  if (!fr__parse_integer(number, 0, 65535, &value) || length >= 64)
    return false;
  snprintf(port, 8, "%d", (int)value);
  if (length >= 2 && listen[0] == '[' && listen[length - 1] == ']') {
    listen++;
    length -= 2;
  }
  snprintf(host, 64, "%.*s", (int)length, listen);
  if (length == 0)
    strcpy(host, "127.0.0.1");
  return true;
}

static int bind_to(const struct addrinfo *address) {
  const int fd =
      socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  if (fd < 0)
    return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 &&
      listen(fd, CLI_PROMETHEUS_CLIENTS) == 0)
    return fd;
  const int number = errno;
  close(fd);
  errno = number;
  return -1;
}

static void tell_address(cli_prometheus *server) {
  struct sockaddr_storage bound;
  socklen_t size = sizeof bound;
  char host[64], port[8];
  if (getsockname(server->listener, (struct sockaddr *)&bound, &size) == 0 &&
      getnameinfo((struct sockaddr *)&bound, size, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV) == 0)
    snprintf(server->address, sizeof server->address,
             strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, port);
}

enum fr_status cli_prometheus_init(cli_prometheus *server, const char *listen,
                                   void (*metrics)(void *self, fr__buf *out), void *self,
                                   fr_error *err) {
  *server = (cli_prometheus){.listener = -1, .metrics = metrics, .self = self};
  for (size_t i = 0; i < CLI_PROMETHEUS_CLIENTS; i++)
    server->client[i].fd = -1;
  char host[64], port[8];
  struct addrinfo *address;
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                 .ai_flags =
                                     AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
  if (!split_address(listen, host, port) ||
      getaddrinfo(host, port, &hints, &address) != 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "--listen takes ADDRESS:PORT such as 127.0.0.1:9102, not '%.100s'",
                    listen);
  server->listener = bind_to(address);
  const int number = errno;
  freeaddrinfo(address);
  if (server->listener < 0)
    return fr__fail_errno(err, number, "'%.100s' cannot be listened on", listen);
  tell_address(server);
  return FR_OK;
}

static void hang_up(cli_prometheus_client *client) {
  if (client->fd >= 0)
    close(client->fd);
  free(client->answer);
  client->fd = -1;
  client->answer = NULL;
}

void cli_prometheus_release(cli_prometheus *server) {
  if (server->metrics == NULL)
    return;
  for (size_t i = 0; i < CLI_PROMETHEUS_CLIENTS; i++)
    hang_up(&server->client[i]);
  if (server->listener >= 0)
    close(server->listener);
  server->listener = -1;
}

/* ---- answering ---- */

static void answer(cli_prometheus_client *client, const char *status, const char *body,
                   bool head_alone) {
  fr__buf text;
  fr__buf_init(&text, 0);
  fr__buf_printf(&text,
                 "HTTP/1.1 %s\r\n"
                 "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                 "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                 status, strlen(body));
  if (!head_alone)
    fr__buf_add(&text, body);
  client->size = text.length;
  client->sent = 0;
  client->answer = fr__buf_detach(&text);
  fr__buf_release(&text);
  if (client->answer == NULL)
    hang_up(client);
}

static void answer_metrics(const cli_prometheus *server, cli_prometheus_client *client,
                           bool head_alone) {
  fr__buf body;
  fr__buf_init(&body, 0);
  server->metrics(server->self, &body);
  if (body.status == FR_OK)
    answer(client, "200 OK", fr__buf_text(&body), head_alone);
  else
    answer(client, "500 Internal Server Error", "out of memory\n", head_alone);
  fr__buf_release(&body);
}

static bool is_path(const char *target, const char *path) {
  const size_t length = strlen(path);
  return strncmp(target, path, length) == 0 &&
         (target[length] == '\0' || target[length] == '?');
}

/* The first line of a request whose head is complete. */
static void answer_request(const cli_prometheus *server, cli_prometheus_client *client) {
  char method[8] = "", target[256] = "", version[16] = "";
  const bool whole = sscanf(client->request, "%7[A-Z] %255[!-~] %15[!-~]", method, target,
                            version) == 3 &&
                     strncmp(version, "HTTP/1.", 7) == 0;
  const bool head = strcmp(method, "HEAD") == 0;
  if (!whole)
    answer(client, "400 Bad Request", "this is not HTTP\n", false);
  else if (!head && strcmp(method, "GET") != 0)
    answer(client, "405 Method Not Allowed\r\nAllow: GET, HEAD", "GET alone\n", false);
  else if (is_path(target, "/metrics"))
    answer_metrics(server, client, head);
  else
    answer(client, "404 Not Found", "the metrics are at /metrics\n", head);
}

static void send_answer(cli_prometheus_client *client) {
  const ssize_t sent = send(client->fd, client->answer + client->sent,
                            client->size - client->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (sent < 0) {
    hang_up(client);
    return;
  }
  client->sent += (size_t)sent;
  if (client->sent < client->size)
    return;
  /* What was not read of the request would make the kernel reset the connection, and the
   * answer with it. */
  char rest[4096];
  shutdown(client->fd, SHUT_WR);
  for (int i = 0; i < 16; i++)
    if (recv(client->fd, rest, sizeof rest, MSG_DONTWAIT) <= 0)
      break;
  hang_up(client);
}

static void receive(const cli_prometheus *server, cli_prometheus_client *client) {
  const size_t room = sizeof client->request - 1 - client->length;
  const ssize_t got =
      recv(client->fd, client->request + client->length, room, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (got <= 0) {
    hang_up(client);
    return;
  }
  client->length += (size_t)got;
  client->request[client->length] = '\0';
  if (strstr(client->request, "\r\n\r\n") != NULL ||
      strstr(client->request, "\n\n") != NULL)
    answer_request(server, client);
  else if (client->length + 1 == sizeof client->request)
    answer(client, "431 Request Header Fields Too Large", "too long\n", false);
  else if (memchr(client->request, '\0', client->length) != NULL)
    answer(client, "400 Bad Request", "this is not HTTP\n", false);
}

static void serve_client(const cli_prometheus *server, cli_prometheus_client *client,
                         uint64_t now_ns) {
  if (client->answer == NULL)
    receive(server, client);
  if (client->answer != NULL && client->fd >= 0)
    send_answer(client);
  if (client->fd >= 0 &&
      now_ns - client->since_ns > CLI_PROMETHEUS_PATIENCE_S * 1000000000ull)
    hang_up(client);
}

static void accept_clients(cli_prometheus *server, uint64_t now_ns) {
  for (size_t i = 0; i < CLI_PROMETHEUS_CLIENTS; i++) {
    cli_prometheus_client *client = &server->client[i];
    if (client->fd >= 0)
      continue;
    const int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
      return;
    client->fd = fd;
    client->since_ns = now_ns;
    client->length = 0;
    serve_client(server, client, now_ns);
  }
}

size_t cli_prometheus_poll(const cli_prometheus *server, struct pollfd *fds) {
  size_t count = 0;
  if (server->metrics == NULL)
    return 0;
  for (size_t i = 0; i < CLI_PROMETHEUS_CLIENTS; i++) {
    const cli_prometheus_client *client = &server->client[i];
    if (client->fd >= 0)
      fds[count++] = (struct pollfd){.fd = client->fd,
                                     .events = client->answer != NULL ? POLLOUT : POLLIN};
  }
  if (server->listener >= 0 && count < CLI_PROMETHEUS_CLIENTS)
    fds[count++] = (struct pollfd){.fd = server->listener, .events = POLLIN};
  return count;
}

void cli_prometheus_serve(cli_prometheus *server) {
  if (server->metrics == NULL)
    return;
  const uint64_t now_ns = fr__clock_ns();
  for (size_t i = 0; i < CLI_PROMETHEUS_CLIENTS; i++)
    if (server->client[i].fd >= 0)
      serve_client(server, &server->client[i], now_ns);
  if (server->listener >= 0)
    accept_clients(server, now_ns);
}

/* ---- text ---- */

void cli_prometheus_head(fr__buf *out, const char *name, const char *type,
                         const char *help) {
  fr__buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void cli_prometheus_line(fr__buf *out, const char *name, const char *label,
                         const char *value, double number) {
  fr__buf_add(out, name);
  if (label != NULL) {
    fr__buf_printf(out, "{%s=\"", label);
    for (; *value != '\0'; value++) {
      if (*value == '\\' || *value == '"')
        fr__buf_add_bytes(out, "\\", 1);
      if (*value == '\n')
        fr__buf_add(out, "\\n");
      else
        fr__buf_add_bytes(out, value, 1);
    }
    fr__buf_add(out, "\"}");
  }
  fr__buf_printf(out, " %.9g\n", number);
}
