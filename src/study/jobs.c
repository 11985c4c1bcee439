/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers are forked once the data are there, which they then share with the parent page
 * by page. The parent alone has the store; it hands out runs in order, a network that is
 * transferred once its source is trained, and takes results as they come. Where the
 * parent ends, however it does, the kernel ends them.
 */
#include "study/jobs.h"
#include "study/next.h"

#include "base/error.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 50 /* between two looks whether the study may go on */

typedef struct worker {
  pid_t pid;
  int socket;  /* -1: none */
  size_t run;  /* SIZE_MAX: none */
  double done; /* of it */
  fr_store_sample *sample;
  size_t samples;
} worker;

typedef struct jobs {
  fr__plan *plan;
  worker *worker; /* (plan->jobs) */
} jobs;

size_t fr__jobs_count(size_t asked, size_t *cores, size_t *core_count) {
  size_t idle = 0;
  *core_count = 0;
  if (asked < 2)
    return 1;
  *core_count = fr__cores_find(cores, &idle);
  if (asked != FR_STUDY_JOBS_AUTO)
    return asked < FR_STUDY_JOBS ? asked : FR_STUDY_JOBS;
  idle = idle < FR_STUDY_JOBS ? idle : FR_STUDY_JOBS;
  return idle > 1 ? idle : 1;
}

/* ---- workers ---- */

/* In the new process. */
_Noreturn static void begin_worker(fr__plan *plan, size_t number, int socket,
                                   pid_t parent) {
  cpu_set_t own;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
    _exit(1);
  signal(SIGINT, SIG_IGN); /* the terminal's are the parent's to answer */
  signal(SIGTERM, SIG_DFL);
  CPU_ZERO(&own);
  if (plan->core_count > 0) {
    CPU_SET(plan->cores[number % plan->core_count], &own);
    (void)sched_setaffinity(0, sizeof own, &own);
  }
  fr__worker(plan, socket);
}

static enum fr_status start_worker(jobs *j, size_t number, fr_error *err) {
  int ends[2];
  const pid_t parent = getpid();
  worker *w = &j->worker[number];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return fr__fail_errno(err, errno, "a job of the study");
  w->pid = fork();
  if (w->pid == 0) {
    for (size_t i = 0; i < number; i++) /* theirs end where the parent's do */
      close(j->worker[i].socket);
    close(ends[0]);
    begin_worker(j->plan, number, ends[1], parent);
  }
  const int failure = errno;
  close(ends[1]);
  if (w->pid < 0) {
    close(ends[0]);
    return fr__fail_errno(err, failure, "a job of the study");
  }
  w->socket = ends[0];
  return FR_OK;
}

static void end_workers(jobs *j) {
  for (size_t i = 0; i < j->plan->jobs; i++) {
    worker *w = &j->worker[i];
    if (w->socket < 0)
      continue;
    kill(w->pid, SIGKILL);
    close(w->socket);
    while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
      ;
    if (w->run != SIZE_MAX)
      fr__run_end(j->plan, w->run, NULL, NULL, 0, NULL);
    free(w->sample);
  }
}

/* ---- runs ---- */

static bool is_running(const void *self, size_t run) {
  const jobs *j = self;
  for (size_t i = 0; i < j->plan->jobs; i++)
    if (j->worker[i].run == run)
      return true;
  return false;
}

static enum fr_status gone(const worker *w, fr_error *err) {
  return fr__fail(err, FR_ERR_IO, "the job with process %d ended of itself", (int)w->pid);
}

/* What the worker does not know of the runs whose networks this one needs, as JSON. */
static char *needs_of(const fr__plan *plan, size_t run) {
  const fr__study_cell *cell = &plan->cell[run % plan->cells];
  const fr__study_run *source = fr__plan_needed(plan, run, cell->source);
  const fr__study_run *teacher = fr__plan_needed(plan, run, cell->teacher);
  json_t *both =
      json_pack("{s:O?,s:O?}", "source", source != NULL ? source->result : NULL,
                "teacher", teacher != NULL ? teacher->result : NULL);
  char *text = both != NULL ? json_dumps(both, JSON_COMPACT) : NULL;
  json_decref(both);
  return text;
}

static enum fr_status give(jobs *j, worker *w, fr_error *err) {
  const fr__running now = {.self = j, .is_running = is_running};
  const size_t run = fr__next_run(j->plan, &now);
  if (run == SIZE_MAX)
    return FR_OK;
  const enum fr_status status = fr__run_begin(j->plan, run, err);
  if (status != FR_OK)
    return status;
  w->run = run;
  w->done = 0.0;
  char *text = needs_of(j->plan, run);
  const fr__frame frame = {
      .kind = FR__FRAME_RUN, .run = run, .size = text != NULL ? strlen(text) : 0};
  const bool sent = fr__frame_send(w->socket, &frame, text);
  free(text);
  return sent ? FR_OK : gone(w, err);
}

static enum fr_status take_result(jobs *j, worker *w, const char *text, fr_error *err) {
  json_t *result = json_loads(text, 0, NULL);
  if (result == NULL)
    return fr__fail_memory(err, "a result");
  const size_t run = w->run;
  w->run = SIZE_MAX;
  return fr__run_end(j->plan, run, result, w->sample, w->samples, err);
}

static enum fr_status take(jobs *j, worker *w, fr_error *err) {
  fr__frame frame;
  char *bytes;
  enum fr_status status = FR_OK;
  if (!fr__frame_receive(w->socket, &frame, &bytes))
    return gone(w, err);
  switch (frame.kind) {
  case FR__FRAME_PROGRESS: w->done = frame.done; break;
  case FR__FRAME_SAMPLES:
    free(w->sample);
    w->sample = (fr_store_sample *)(void *)bytes;
    w->samples = frame.size / sizeof *w->sample;
    return FR_OK;
  case FR__FRAME_RESULT: status = take_result(j, w, bytes, err); break;
  case FR__FRAME_FAILED: {
    fr_error said = {0};
    memcpy(&said, bytes, frame.size < sizeof said ? frame.size : sizeof said);
    status = fr__fail(err, said.status != FR_OK ? said.status : FR_ERR_IO, "%.*s",
                      (int)sizeof said.text - 1, said.text);
    break;
  }
  default: status = gone(w, err);
  }
  free(bytes);
  return status;
}

/* Labels of all that run, and how far they are together. */
static void tell(jobs *j) {
  fr__plan *plan = j->plan;
  char label[sizeof plan->label] = "";
  size_t at = 0;
  plan->now_done = 0.0;
  for (size_t i = 0; i < plan->jobs; i++) {
    const worker *w = &j->worker[i];
    if (w->run == SIZE_MAX)
      continue;
    fr__plan_label(plan, w->run);
    const int more =
        snprintf(label + at, sizeof label - at, "%s%s", at > 0 ? "; " : "", plan->label);
    at += more > 0 ? (size_t)more : 0;
    at = at < sizeof label ? at : sizeof label - 1;
    plan->now_done += w->done;
  }
  memcpy(plan->label, label, sizeof label);
}

static enum fr_status wait_for_one(jobs *j, fr_error *err) {
  struct pollfd ends[FR_STUDY_JOBS];
  enum fr_status status = FR_OK;
  const size_t count = j->plan->jobs;
  for (size_t i = 0; i < count; i++)
    ends[i] = (struct pollfd){.fd = j->worker[i].socket, .events = POLLIN};
  if (poll(ends, count, WAIT_MS) > 0)
    for (size_t i = 0; i < count && status == FR_OK; i++)
      if (ends[i].revents != 0)
        status = take(j, &j->worker[i], err);
  tell(j);
  if (status == FR_OK && !fr__plan_go_on(j->plan))
    status = fr__fail(err, FR_ERR_CANCELLED, "the study was stopped");
  return status;
}

/* Until nothing is left to run and nothing runs. */
static enum fr_status run_all(jobs *j, fr_error *err) {
  enum fr_status status = FR_OK;
  while (status == FR_OK) {
    bool at_work = false;
    for (size_t i = 0; i < j->plan->jobs && status == FR_OK; i++) {
      if (j->worker[i].run == SIZE_MAX)
        status = give(j, &j->worker[i], err);
      at_work = at_work || j->worker[i].run != SIZE_MAX;
    }
    if (status == FR_OK && !at_work)
      return FR_OK;
    if (status == FR_OK)
      status = wait_for_one(j, err);
  }
  return status;
}

enum fr_status fr__jobs_run(fr__plan *plan, fr_error *err) {
  worker workers[FR_STUDY_JOBS] = {0};
  jobs j = {.plan = plan, .worker = workers};
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < plan->jobs; i++)
    workers[i] = (worker){.socket = -1, .run = SIZE_MAX};
  for (size_t i = 0; i < plan->jobs && status == FR_OK; i++)
    status = start_worker(&j, i, err);
  if (status == FR_OK)
    status = run_all(&j, err);
  end_workers(&j);
  return status;
}
