/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways by which a metered program tells its phases: lines on a socket
 * (FRUGAL_PHASE_SOCKET, a path that `frugal phase` writes to), lines on an inherited
 * descriptor (FRUGAL_PHASE_FD), and its own output, where it matches --phase-pattern.
 */
#ifndef FR_CLI_WIRE_H
#define FR_CLI_WIRE_H

#include <poll.h>
#include <pthread.h>
#include <regex.h>

#include "frugal/base.h"

#define CLI_WIRE_CLIENTS 32 /* at a time; a further one waits */
#define CLI_WIRE_LINE 256   /* bytes; longer ones are not taken */

/* One line; false with a sentence in `why` where it is not taken. */
typedef bool cli_wire_sink(void *self, const char *line, char why[160]);

typedef struct cli_wire_client {
  int fd; /* -1: free */
  size_t length;
  bool too_long; /* until the next line feed */
  char line[CLI_WIRE_LINE];
} cli_wire_client;

typedef struct cli_wire {
  cli_wire_sink *sink;
  void *self;
  char folder[80]; /* "" where there is no socket */
  char path[100];
  int listener;
  int near, far; /* of FRUGAL_PHASE_FD; `far` is the program's */
  cli_wire_client client[CLI_WIRE_CLIENTS];
} cli_wire;

enum fr_status cli_wire_init(cli_wire *wire, cli_wire_sink *sink, void *self,
                             fr_error *err);
void cli_wire_release(cli_wire *wire);
/* What is to be polled; at most CLI_WIRE_CLIENTS + 2. */
size_t cli_wire_poll(const cli_wire *wire, struct pollfd *fds);
/* Takes all that has arrived; never waits. */
void cli_wire_serve(cli_wire *wire);

/* Sends one line to the meter around us, by FRUGAL_PHASE_SOCKET, and waits for its
 * answer. */
enum fr_status cli_wire_send(const char *line, fr_error *err);

/* ---- the program's output, passed on unchanged ---- */

/* What a line that matches names: a phase that lasts until the next match, or to the end.
 */
typedef void cli_tap_sink(void *self, const char *name);

typedef struct cli_tap {
  int from, to; /* our ends: what the program writes, where it goes */
  int far;      /* the program's stdout; to be closed once it runs */
  regex_t pattern;
  cli_tap_sink *sink;
  void *self;
  pthread_t thread;
  bool running;
  char line[4096]; /* what is looked at of each line */
  size_t length;
} cli_tap;

/* `pattern` is a POSIX extended regular expression with one group, the phase's name. */
enum fr_status cli_tap_init(cli_tap *tap, const char *pattern, cli_tap_sink *sink,
                            void *self, fr_error *err);
enum fr_status cli_tap_start(cli_tap *tap, fr_error *err);
/* Waits until all is passed on, as a pipe would. */
void cli_tap_release(cli_tap *tap);

#endif
