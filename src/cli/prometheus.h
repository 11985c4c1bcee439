/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An endpoint for Prometheus (text exposition format 0.0.4) in the loop of the program
 * that has something to tell: GET /metrics, one answer a connection, no thread.
 */
#ifndef FR_CLI_PROMETHEUS_H
#define FR_CLI_PROMETHEUS_H

#include <poll.h>

#include "base/buf.h"
#include "frugal/base.h"

#define CLI_PROMETHEUS_CLIENTS 16   /* at a time; a further one waits */
#define CLI_PROMETHEUS_REQUEST 4096 /* bytes of a request's head */
#define CLI_PROMETHEUS_PATIENCE_S 5 /* then a client is hung up on */

typedef struct cli_prometheus_client {
  int fd; /* -1: free */
  uint64_t since_ns;
  size_t length; /* of the request so far */
  char request[CLI_PROMETHEUS_REQUEST];
  char *answer; /* owned; NULL: not yet */
  size_t size, sent;
} cli_prometheus_client;

typedef struct cli_prometheus {
  int listener;     /* -1: none */
  char address[80]; /* "127.0.0.1:9102" as it was bound */
  void (*metrics)(void *self, fr__buf *out);
  void *self;
  cli_prometheus_client client[CLI_PROMETHEUS_CLIENTS];
} cli_prometheus;

/* `listen` is PORT, ADDRESS:PORT or [ADDRESS]:PORT, numbers alone; the address is
 * 127.0.0.1 where none is told; port 0: a free one. */
enum fr_status cli_prometheus_init(cli_prometheus *server, const char *listen,
                                   void (*metrics)(void *self, fr__buf *out), void *self,
                                   fr_error *err);
void cli_prometheus_release(cli_prometheus *server);
/* What is to be polled; at most CLI_PROMETHEUS_CLIENTS + 1. */
size_t cli_prometheus_poll(const cli_prometheus *server, struct pollfd *fds);
/* Does what can be done without waiting. To be called once a second at least. */
void cli_prometheus_serve(cli_prometheus *server);

/* "# HELP", "# TYPE" lines of a metric: "counter" or "gauge". */
void cli_prometheus_head(fr__buf *out, const char *name, const char *type,
                         const char *help);
/* `name{label="value"} number`; without braces where `label` is NULL. */
void cli_prometheus_line(fr__buf *out, const char *name, const char *label,
                         const char *value, double number);

#endif
