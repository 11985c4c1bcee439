/* SPDX-License-Identifier: Apache-2.0 */
#include "loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWERS = 128, REQUESTS = 1024, REQUEST_SIZE = 4096 };

typedef struct scripted {
  loopback_answer answer; /* its texts owned */
  size_t used;
} scripted;

struct loopback {
  int listener;
  char url[64];
  pthread_t thread;
  pthread_mutex_t lock;
  bool stopping;
  scripted answer[ANSWERS];
  size_t answers;
  char *request[REQUESTS]; /* owned */
  size_t requests;
};

static void die(const char *what) {
  perror(what);
  abort();
}

/* ---- one connection ---- */

static void send_all(int peer, const char *bytes, size_t size) {
  while (size > 0) {
    const ssize_t sent = send(peer, bytes, size, MSG_NOSIGNAL);
    if (sent <= 0)
      return;
    bytes += sent;
    size -= (size_t)sent;
  }
}

/* Up to `ms`; true: the client has gone, or the test is over. */
static bool gone(loopback *server, int peer, int ms) {
  struct pollfd at = {.fd = peer, .events = POLLIN};
  char byte;
  if (poll(&at, 1, ms) > 0 && recv(peer, &byte, 1, MSG_DONTWAIT) == 0)
    return true;
  pthread_mutex_lock(&server->lock);
  const bool over = server->stopping;
  pthread_mutex_unlock(&server->lock);
  return over;
}

static void reset(int peer) {
  const struct linger now = {.l_onoff = 1, .l_linger = 0};
  setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void answer_with(loopback *server, int peer, const loopback_answer *a) {
  const char *const body = a->body != NULL ? a->body : "";
  const size_t size = a->size > 0 ? a->size : strlen(body);
  char head[2048];
  const int length = snprintf(head, sizeof head,
                              "HTTP/1.1 %d Text\r\nConnection: close\r\n"
                              "Content-Length: %zu\r\n%s\r\n",
                              a->status, a->status == 304 ? 0 : size,
                              a->header != NULL ? a->header : "");
  if (length < 0 || (size_t)length >= sizeof head)
    die("a scripted header is too long");
  switch (a->how) {
  case LOOPBACK_WHOLE:
    send_all(peer, head, (size_t)length);
    send_all(peer, body, a->status == 304 ? 0 : size);
    break;
  case LOOPBACK_HALF:
    send_all(peer, head, (size_t)length);
    send_all(peer, body, size / 2);
    break;
  case LOOPBACK_RESET: reset(peer); break;
  case LOOPBACK_CLOSE: break;
  case LOOPBACK_SILENT:
    while (!gone(server, peer, 20)) {
    }
    break;
  case LOOPBACK_SLOW:
    send_all(peer, head, (size_t)length);
    for (size_t i = 0; i < size && !gone(server, peer, 20); i++)
      send_all(peer, body + i, 1);
    break;
  }
}

static void read_request(int peer, char *text) {
  size_t had = 0;
  text[0] = '\0';
  while (had < REQUEST_SIZE - 1 && strstr(text, "\r\n\r\n") == NULL) {
    struct pollfd at = {.fd = peer, .events = POLLIN};
    const ssize_t got =
        poll(&at, 1, 5000) > 0 ? recv(peer, text + had, REQUEST_SIZE - 1 - had, 0) : 0;
    if (got <= 0)
      return;
    had += (size_t)got;
    text[had] = '\0';
  }
}

/* "GET /target HTTP/1.1" */
static bool fits(const loopback_answer *a, const char *request) {
  const char *const target = strchr(request, ' ');
  return a->target == NULL ||
         (target != NULL && strncmp(target + 1, a->target, strlen(a->target)) == 0);
}

static const loopback_answer *choose(loopback *server, const char *request) {
  static const loopback_answer none = {.status = 404, .body = "no such thing"};
  scripted *chosen = NULL;
  for (size_t i = 0; i < server->answers; i++)
    if (fits(&server->answer[i].answer, request)) {
      chosen = &server->answer[i];
      if (chosen->used == 0)
        break;
    }
  if (chosen == NULL)
    return &none;
  chosen->used++;
  return &chosen->answer;
}

static void serve_one(loopback *server, int peer) {
  char *const request = malloc(REQUEST_SIZE);
  if (request == NULL)
    die("memory");
  read_request(peer, request);
  if (request[0] == '\0') {
    free(request);
    return;
  }
  pthread_mutex_lock(&server->lock);
  if (server->requests == REQUESTS)
    die("too many requests");
  server->request[server->requests++] = request;
  const loopback_answer answer = *choose(server, request);
  pthread_mutex_unlock(&server->lock);
  answer_with(server, peer, &answer);
}

static void *serve(void *self) {
  loopback *const server = self;
  for (;;) {
    const int peer = accept(server->listener, NULL, NULL);
    pthread_mutex_lock(&server->lock);
    const bool over = server->stopping;
    pthread_mutex_unlock(&server->lock);
    if (peer >= 0 && !over)
      serve_one(server, peer);
    if (peer >= 0)
      close(peer);
    if (over)
      return NULL;
  }
}

/* ---- what tests call ---- */

loopback *loopback_start(void) {
  struct sockaddr_in at = {.sin_family = AF_INET,
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof at;
  loopback *const server = calloc(1, sizeof *server);
  if (server == NULL)
    die("memory");
  server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (server->listener < 0 ||
      bind(server->listener, (struct sockaddr *)&at, sizeof at) != 0 ||
      listen(server->listener, 64) != 0 ||
      getsockname(server->listener, (struct sockaddr *)&at, &length) != 0)
    die("loopback");
  (void)snprintf(server->url, sizeof server->url, "http://127.0.0.1:%u",
                 ntohs(at.sin_port));
  pthread_mutex_init(&server->lock, NULL);
  if (pthread_create(&server->thread, NULL, serve, server) != 0)
    die("thread");
  return server;
}

void loopback_hush(loopback *server) {
  pthread_mutex_lock(&server->lock);
  for (size_t i = 0; i < server->answers; i++) {
    free((char *)server->answer[i].answer.target);
    free((char *)server->answer[i].answer.header);
    free((char *)server->answer[i].answer.body);
  }
  server->answers = 0;
  pthread_mutex_unlock(&server->lock);
}

void loopback_stop(loopback *server) {
  pthread_mutex_lock(&server->lock);
  server->stopping = true;
  pthread_mutex_unlock(&server->lock);
  shutdown(server->listener, SHUT_RDWR); /* ends accept() */
  pthread_join(server->thread, NULL);
  close(server->listener);
  loopback_hush(server);
  for (size_t i = 0; i < server->requests; i++)
    free(server->request[i]);
  pthread_mutex_destroy(&server->lock);
  free(server);
}

const char *loopback_url(const loopback *server) { return server->url; }

static char *copy(const char *bytes, size_t size) {
  char *const text = calloc(1, size + 1);
  if (text == NULL)
    die("memory");
  return memcpy(text, bytes, size);
}

void loopback_say(loopback *server, const loopback_answer *answer) {
  loopback_answer own = *answer;
  const char *const body = answer->body != NULL ? answer->body : "";
  own.size = answer->size > 0 ? answer->size : strlen(body);
  own.body = copy(body, own.size);
  if (answer->target != NULL)
    own.target = copy(answer->target, strlen(answer->target));
  if (answer->header != NULL)
    own.header = copy(answer->header, strlen(answer->header));
  pthread_mutex_lock(&server->lock);
  if (server->answers == ANSWERS)
    die("too many answers");
  server->answer[server->answers++] = (scripted){.answer = own};
  pthread_mutex_unlock(&server->lock);
}

size_t loopback_count(loopback *server) {
  pthread_mutex_lock(&server->lock);
  const size_t count = server->requests;
  pthread_mutex_unlock(&server->lock);
  return count;
}

const char *loopback_request(loopback *server, size_t index) {
  pthread_mutex_lock(&server->lock);
  const char *const text = index < server->requests ? server->request[index] : "";
  pthread_mutex_unlock(&server->lock);
  return text;
}

size_t loopback_asked(loopback *server, const char *text) {
  size_t count = 0;
  pthread_mutex_lock(&server->lock);
  for (size_t i = 0; i < server->requests; i++)
    count += strstr(server->request[i], text) != NULL;
  pthread_mutex_unlock(&server->lock);
  return count;
}
