/* SPDX-License-Identifier: Apache-2.0 */
/* A process that runs cells for a study: its plan and data are the parent's, as they were
 * when it began; meter and networks are its own. */
#include "study/jobs.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_CEILING ((size_t)256 << 20) /* bytes: a day of samples takes 40 MB */

/* ---- frames ---- */

static bool send_all(int socket, const void *bytes, size_t size) {
  const char *at = bytes;
  while (size > 0) {
    const ssize_t sent = send(socket, at, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR)
      continue;
    if (sent <= 0)
      return false;
    at += sent;
    size -= (size_t)sent;
  }
  return true;
}

static bool receive_all(int socket, void *bytes, size_t size) {
  char *at = bytes;
  while (size > 0) {
    const ssize_t got = recv(socket, at, size, 0);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return false;
    at += got;
    size -= (size_t)got;
  }
  return true;
}

bool fr__frame_send(int socket, const fr__frame *frame, const void *bytes) {
  return send_all(socket, frame, sizeof *frame) && send_all(socket, bytes, frame->size);
}

bool fr__frame_receive(int socket, fr__frame *frame, char **bytes) {
  *bytes = NULL;
  if (!receive_all(socket, frame, sizeof *frame) || frame->size > FRAME_CEILING)
    return false;
  *bytes = malloc(frame->size + 1);
  if (*bytes == NULL)
    return false;
  (*bytes)[frame->size] = '\0';
  if (receive_all(socket, *bytes, frame->size))
    return true;
  free(*bytes);
  *bytes = NULL;
  return false;
}

/* ---- a run ---- */

typedef struct worker {
  fr__plan *plan;
  int socket;
  bool alone; /* the parent is gone */
} worker;

static void on_progress(void *self, const fr_study_progress *progress) {
  worker *w = self;
  const fr__frame frame = {.kind = FR__FRAME_PROGRESS, .done = progress->cell_done};
  w->alone = w->alone || !fr__frame_send(w->socket, &frame, NULL);
}

static bool may_go_on(void *self) { return !((worker *)self)->alone; }

static void send_result(worker *w, size_t run, const json_t *result) {
  size_t count = 0;
  fr_store_sample *sample = fr__gauge_take(w->plan->gauge, &count);
  fr__frame frame = {
      .kind = FR__FRAME_SAMPLES, .run = run, .size = count * sizeof *sample};
  w->alone = !fr__frame_send(w->socket, &frame, sample);
  free(sample);
  char *text = json_dumps(result, JSON_COMPACT);
  frame.kind = FR__FRAME_RESULT;
  frame.size = text != NULL ? strlen(text) : 0;
  w->alone = w->alone || !fr__frame_send(w->socket, &frame, text);
  free(text);
}

/* Takes the result of a run that was not this process's. */
static void learn(fr__study_run *run, json_t *needs, const char *key) {
  json_t *result = json_object_get(needs, key);
  if (run == NULL || !json_is_object(result))
    return;
  json_decref(run->result);
  run->result = json_incref(result);
}

static void run_one(worker *w, size_t run, const char *needed) {
  fr__plan *plan = w->plan;
  const fr__study_cell *cell = &plan->cell[run % plan->cells];
  json_t *result = NULL, *needs = json_loads(needed, 0, NULL);
  fr_error err = {0};
  learn(fr__plan_needed(plan, run, cell->source), needs, "source");
  learn(fr__plan_needed(plan, run, cell->teacher), needs, "teacher");
  json_decref(needs);
  plan->now = run;
  plan->now_done = 0.0;
  if (fr__cell_run(plan, run, &result, &err) == FR_OK) {
    send_result(w, run, result);
  } else {
    const fr__frame frame = {.kind = FR__FRAME_FAILED, .run = run, .size = sizeof err};
    w->alone = !fr__frame_send(w->socket, &frame, &err);
  }
  json_decref(result);
}

_Noreturn void fr__worker(fr__plan *plan, int socket) {
  worker w = {.plan = plan, .socket = socket};
  const fr_study_options options = {.cpu = plan->options->cpu,
                                    .progress = on_progress,
                                    .may_go_on = may_go_on,
                                    .self = &w};
  fr_error err = {0};
  plan->options = &options;
  plan->gauge = NULL; /* whose thread is in the parent alone */
  if (fr__gauge_new(options.cpu, &plan->gauge, &err) != FR_OK) {
    const fr__frame frame = {.kind = FR__FRAME_FAILED, .size = sizeof err};
    fr__frame_send(socket, &frame, &err);
    _exit(1);
  }
  fr__gauge_share(plan->gauge, plan->jobs);
  fr__frame frame;
  char *bytes;
  while (!w.alone && fr__frame_receive(socket, &frame, &bytes)) {
    if (frame.run < plan->cells * plan->study->repeats)
      run_one(&w, frame.run, bytes);
    free(bytes);
  }
  _exit(0); /* nothing of the parent's is ended: no stream, no store */
}
