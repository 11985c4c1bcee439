/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/green.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/calibrating.h"

enum { PART_S = 300, KEEP_S = 60, COUNT_DOWN_S = 600, TOLD_S = 60 };

/* ---- the meter ---- */

/* Looked for once, before the first piece: that may take 200 ms. */
static void find_meter(cli_green *g) {
  fr_meter_options options = fr_meter_default_options();
  fr_cpu_power cpu;
  fr_error err;
  options.interval_s = 1;
  if (g->metered)
    return;
  g->metered = true;
  if (fr_cpu_power_find(NULL, &cpu, &err) != FR_OK ||
      cli_meter_new(&options, &cpu, &g->result, &g->meter, &err) != FR_OK) {
    g->meter = NULL;
    cli_warn(&g->result, "no energy is measured: %s", err.text);
  }
}

static void start_meter(cli_green *g) {
  fr_error err;
  g->part_ns = fr__clock_ns();
  g->job.away_ns = 0;
  if (g->meter != NULL && fr_meter_start(g->meter, &err) != FR_OK) {
    cli_warn(&g->result, "no energy is measured: %s", err.text);
    fr_meter_free(g->meter);
    g->meter = NULL;
  }
}

static fr_measure metered(const cli_green *g) {
  fr_meter_report report;
  if (g->meter == NULL || fr_meter_read(g->meter, &report, NULL) != FR_OK)
    return fr_measure_absent(FR_UNIT_JOULE);
  const fr_measure energy = report.energy;
  fr_meter_report_release(&report);
  return energy;
}

/* ---- parts of work ---- */

/* How far the part that is at work has come. A suspended machine works nothing, nor does
 * a job that its user has stopped. */
static void touch_part(cli_green *g) {
  cli_green_part *part = &g->state.part[g->state.count - 1];
  const uint64_t gone_ns = fr__clock_ns() - g->part_ns;
  const uint64_t away_ns = g->job.away_ns < gone_ns ? g->job.away_ns : gone_ns;
  part->worked_s = (double)(gone_ns - away_ns) * 1e-9;
  part->end_s = fmax(part->start_s, cli_green_clock_s());
  part->energy = metered(g);
}

static void save(cli_green *g, enum cli_green_phase phase) {
  fr_error err;
  g->state.phase = phase;
  g->kept_s = cli_green_clock_s();
  if (cli_green_state_save(&g->state, &err) != FR_OK)
    cli_warn(&g->result, "%s", err.text);
  cli_result_tell(&g->result);
}

static enum fr_status begin_part(cli_green *g, double start_s, fr_error *err) {
  const enum fr_status status = cli_green_part_begin(&g->state, start_s, err);
  if (status == FR_OK)
    start_meter(g);
  return status;
}

/* Since it last was at work. */
static void add_rest(cli_green *g) {
  const int64_t rested_s = (int64_t)cli_green_clock_s() - g->since_s;
  *(g->begun ? &g->paused_s : &g->waited_s) += rested_s > 0 ? rested_s : 0;
}

static enum fr_status begin_piece(cli_green *g, fr_error *err) {
  const double now_s = cli_green_clock_s();
  const enum fr_status status = begin_part(g, now_s, err);
  add_rest(g);
  g->running = g->begun = true;
  g->since_s = (int64_t)now_s;
  save(g, CLI_GREEN_RUNS);
  return status;
}

static void end_piece(cli_green *g) {
  touch_part(g);
  fr_meter_stop(g->meter);
  g->state.closed = true;
  g->running = false;
  g->since_s = (int64_t)cli_green_clock_s();
}

/* Energy is known by parts of minutes; what was done is kept each minute. */
static void go_on(cli_green *g) {
  fr_error err;
  touch_part(g);
  const cli_green_part *part = &g->state.part[g->state.count - 1];
  const double end_s = part->end_s;
  if (end_s - g->kept_s < KEEP_S - 1)
    return;
  if (end_s - part->start_s >= PART_S - 1) {
    fr_meter_stop(g->meter);
    if (begin_part(g, end_s, &err) != FR_OK)
      cli_warn(&g->result, "%s", err.text);
  }
  save(g, CLI_GREEN_RUNS);
}

/* ---- start, pause, go on ---- */

static bool can_stop(const cli_green *g) {
  return g->resuming == CLI_RESUMES_NOT && !g->options->no_pause;
}

static int start(cli_green *g, fr_error *err) {
  char **words = cli_words_run(g->options->command, g->checkpoints, g->state.count > 0);
  if (words == NULL) {
    fr__fail_memory(err, "the command");
    return CLI_OWN_FAILURE;
  }
  find_meter(g);
  g->stopping = false;
  int code = cli_job_start(&g->job, &(cli_job_options){words, can_stop(g)}, err);
  free(words);
  if (code == 0 && begin_piece(g, err) != FR_OK)
    code = CLI_OWN_FAILURE;
  return code;
}

/* A frugal command ends with a checkpoint, any other one stands still. */
static void pause_it(cli_green *g) {
  fr_error err;
  if (g->stopping)
    return;
  if (!can_stop(g)) {
    g->stopping = true;
    cli_job_signal(&g->job, SIGTERM);
    return;
  }
  if (cli_job_pause(&g->job, &err) != FR_OK) {
    cli_warn(&g->result, "%s", err.text);
    cli_result_tell(&g->result);
    return;
  }
  end_piece(g);
  g->pauses++;
  g->rested = true;
  save(g, CLI_GREEN_PAUSED);
}

static int act(cli_green *g, const cli_green_choice *choice, int64_t now_s,
               fr_error *err) {
  if (choice->run == g->running)
    return 0;
  if (!choice->run) {
    pause_it(g);
    return 0;
  }
  cli_progress_end(&g->progress);
  cli_green_tell_choice(g, choice, now_s);
  if (!g->job.stopped)
    return start(g, err);
  cli_job_resume(&g->job);
  return begin_piece(g, err) == FR_OK ? 0 : CLI_OWN_FAILURE;
}

/* ---- the child's end ---- */

/* Whether that is all: a frugal command that was to stop comes back, unless it was done
 * or failed by itself. */
static bool is_over(cli_green *g, int *code) {
  if (!cli_job_runs(&g->job) || !cli_child_ended(&g->job.child))
    return false;
  cli_child_reap(&g->job.child);
  *code = cli_child_code(&g->job.child);
  if (g->running)
    end_piece(g);
  const bool paused =
      g->stopping && g->ended_by == 0 && (*code == CLI_FAILED || *code == 128 + SIGTERM);
  g->stopping = false;
  if (paused) {
    g->pauses++;
    g->rested = true;
    save(g, CLI_GREEN_PAUSED);
  }
  return !paused;
}

/* ---- the loop ---- */

static void set_timer(cli_green *g, int64_t at_s) {
  const struct itimerspec at = {.it_value = {.tv_sec = (time_t)at_s}};
  if (timerfd_settime(g->timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL) ==
          0 ||
      errno != ECANCELED)
    return;
  (void)timerfd_settime(g->timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL);
}

static int64_t next_wake(const cli_green *g, const cli_green_choice *choice,
                         int64_t now_s) {
  int64_t at_s = choice->until_s;
  if (!g->constant && choice->reason != CLI_GREEN_WHOLE && g->again_s < at_s)
    at_s = g->again_s;
  if (g->running && now_s + KEEP_S < at_s)
    at_s = now_s + KEEP_S;
  if (!g->told_late && g->state.deadline_s > now_s && g->state.deadline_s < at_s)
    at_s = g->state.deadline_s; /* that it is over is told */
  return at_s > now_s ? at_s : now_s + 1;
}

/* -1: nobody looks on. */
static int patience_ms(const cli_green *g, int64_t left_s) {
  if (g->running || !g->progress.shown)
    return -1;
  return left_s <= COUNT_DOWN_S ? 1000 : 15000;
}

static void take_signals(cli_green *g) {
  int number;
  for (cli_job_event event;
       (event = cli_job_event_next(&g->job, &number)) != CLI_JOB_NOTHING;)
    if (event == CLI_JOB_END)
      g->ended_by = number;
}

static void sleep_until(cli_green *g, const cli_green_choice *choice, int64_t at_s) {
  struct pollfd fds[] = {{.fd = g->job.signals.fd, .events = POLLIN},
                         {.fd = g->timer, .events = POLLIN}};
  uint64_t times;
  set_timer(g, at_s);
  for (int ready = 0; ready == 0;) {
    const int64_t now_s = (int64_t)cli_green_clock_s();
    if (!g->running)
      cli_green_draw(g, choice, now_s);
    ready = poll(fds, 2, patience_ms(g, choice->until_s - now_s));
  }
  const ssize_t got = read(g->timer, &times, sizeof times);
  (void)got; /* whether it ran out or the clock was set: all is looked at again */
  take_signals(g);
}

static cli_green_choice decide(const cli_green *g, int64_t now_s) {
  const cli_green_view view = {.now_s = now_s,
                               .deadline_s = g->state.deadline_s,
                               .left_s = cli_green_left_s(g),
                               .running = g->running,
                               .since_s = g->since_s,
                               .begun = g->state.count > 0,
                               .pauses = !g->options->no_pause,
                               .least_s = g->whole.min_piece_s,
                               .piece = g->piece,
                               .count = g->pieces};
  return cli_green_decide(&view);
}

/* Once each: that what was told does not hold. */
static void tell_drift(cli_green *g, const cli_green_choice *choice, int64_t now_s) {
  if (choice->reason == CLI_GREEN_OVERTIME && g->running && !g->told_overtime) {
    g->told_overtime = true;
    cli_green_say(g, "it has worked as long as %s, and is not done: it runs on",
                  strncmp(g->from, "run ", 4) == 0 ? "the run before" : "was told");
  }
  if (now_s >= g->state.deadline_s && g->running && !g->told_late) {
    g->told_late = true;
    cli_green_say(g, "the deadline is over, and it is not done: it runs on");
  }
}

/* A plan that cannot be made again leaves the one before; without any it is 125. */
static enum fr_status look_ahead(cli_green *g, int64_t now_s, fr_error *err) {
  fr_error own;
  const bool fixed = g->running && g->options->no_pause;
  const bool set_back = now_s < g->planned_s; /* the clock was */
  if ((g->planned && !set_back && (g->constant || now_s < g->again_s)) || fixed ||
      cli_green_plan(g, now_s, &own) == FR_OK)
    return FR_OK;
  if (!g->planned && !g->state.found)
    return fr__fail(err, own.status, "%s", own.text);
  if (!g->told_blind)
    cli_green_say(g, "no new plan can be made, %s: %s",
                  g->planned ? "and the one before holds" : "and it runs", own.text);
  g->told_blind = true;
  return FR_OK;
}

static int64_t wake_of(cli_green *g, const cli_green_choice *choice, int64_t now_s) {
  return g->ended_by != 0 || g->stopping ? now_s + KEEP_S : next_wake(g, choice, now_s);
}

/* What the grid wants: planned, decided, done. */
static enum fr_status follow(cli_green *g, cli_green_choice *choice, int64_t now_s,
                             int *code, fr_error *err) {
  const enum fr_status status = look_ahead(g, now_s, err);
  if (status != FR_OK)
    return status;
  g->since_s = g->since_s < now_s ? g->since_s : now_s;
  *choice = decide(g, now_s);
  *code = act(g, choice, now_s, err);
  if (*code != 0)
    return FR_ERR_CANCELLED;
  const int64_t moved_s = choice->until_s - g->told_until_s;
  if (!g->running && !g->stopping &&
      (g->rested || moved_s >= TOLD_S || -moved_s >= TOLD_S)) {
    g->rested = false;
    g->told_until_s = choice->until_s;
    cli_progress_end(&g->progress);
    cli_green_tell_choice(g, choice, now_s);
    save(g, g->begun ? CLI_GREEN_PAUSED : CLI_GREEN_WAITS);
  }
  tell_drift(g, choice, now_s);
  return FR_OK;
}

/* *code is the command's, or where *err is told why there is none. */
static enum fr_status loop(cli_green *g, int *code, fr_error *err) {
  cli_green_choice choice = {0};
  for (;;) {
    if (g->running)
      go_on(g);
    if (is_over(g, code))
      return FR_OK;
    const int64_t now_s = (int64_t)cli_green_clock_s();
    const bool ending = g->ended_by != 0;
    if (ending && !cli_job_runs(&g->job)) {
      *code = 128 + g->ended_by;
      return FR_OK;
    }
    enum fr_status status = FR_OK;
    if (ending && !g->running) /* it was paused, and takes its time to end */
      status = begin_piece(g, err);
    else if (!ending && !g->stopping)
      status = follow(g, &choice, now_s, code, err);
    if (status != FR_OK)
      return status;
    sleep_until(g, &choice, wake_of(g, &choice, now_s));
  }
}

/* ---- all of it ---- */

/* What was done can be gone on with by the same command line, or ends here. A command
 * that failed by itself has something to go on from where there is a checkpoint of ours;
 * in a folder of the user's, --resume is the user's to say. */
static void leave(cli_green *g, int code) {
  const bool asked = g->ended_by == SIGTERM || g->ended_by == SIGHUP;
  const bool keeps = g->resuming != CLI_RESUMES_NOT && g->state.count > 0 &&
                     (g->ended_by != 0 || cli_green_holds(g->checkpoints));
  if (code == 0 || code == CLI_USAGE || !(asked || keeps)) {
    cli_green_state_remove(&g->state);
    return;
  }
  save(g, g->running || g->begun ? CLI_GREEN_PAUSED : CLI_GREEN_WAITS);
  cli_green_say(g, "the same command line goes on; frugal run --forget %s ends it",
                g->state.id);
}

static void keep_run(cli_green *g, int argc, char **argv) {
  fr_store *store = NULL;
  fr_error err;
  int64_t run = 0;
  char host[256] = "";
  (void)gethostname(host, sizeof host - 1);
  char *words = cli_json_argv(argc, argv);
  const fr_run row = {.command = (char *)(uintptr_t) "run",
                      .name = (char *)(uintptr_t)fr__path_name(g->options->command[0]),
                      .argv = words,
                      .version = (char *)(uintptr_t)FR_VERSION,
                      .host = host};
  char *result = json_dumps(g->result.result, JSON_COMPACT | JSON_REAL_PRECISION(9));
  enum fr_status status = fr_store_open(g->options->output.store, &store, &err);
  if (status == FR_OK)
    status = fr_store_run_begin(store, &row, &run, &err);
  if (status == FR_OK)
    status = fr_store_run_end(store, run, "done", result, &err);
  if (status != FR_OK)
    cli_warn(&g->result, "the run is not in the store: %s", err.text);
  else
    json_object_set_new(g->result.result, "run", json_integer((json_int_t)run));
  fr_store_close(store);
  free(result);
  free(words);
}

/* stdout was the command's. */
static int print(cli_green *g, const fr__buf *text) {
  fflush(stdout);
  (void)dup2(STDERR_FILENO, STDOUT_FILENO);
  const int code = cli_result_print(&g->result, &g->options->output,
                                    g->options->output.quiet ? NULL : fr__buf_text(text));
  fflush(stdout);
  return code;
}

static int conclude(cli_green *g, int code, int argc, char **argv) {
  fr_error err;
  fr__buf text;
  fr__buf_init(&text, 0);
  if (!g->running && g->ended_by != 0 && !cli_job_runs(&g->job))
    add_rest(g);
  if (cli_green_bill(g, code, (int64_t)ceil(cli_green_clock_s()), &text, &err) != FR_OK)
    cli_warn(&g->result, "%s", err.text);
  if (g->begun)
    keep_run(g, argc, argv);
  if (print(g, &text) != CLI_DONE && code == 0)
    code = CLI_OWN_FAILURE;
  fr__buf_release(&text);
  return code;
}

static enum fr_status open_all(cli_green *g, fr_error *err) {
  const cli_run_options *o = g->options;
  enum fr_status status = cli_check_writable(o->output.json, err);
  if (status == FR_OK)
    status = cli_green_state_open(&g->state, o->command, err);
  if (status != FR_OK)
    return status;
  g->checkpoints = cli_green_checkpoints(&g->state);
  g->state.keeps = g->resuming != CLI_RESUMES_NOT;
  if (g->state.jobs != NULL)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "this command line was handed to Slurm, as job %s; scancel it, and "
                    "frugal run --forget %s",
                    g->state.jobs, g->state.id);
  status = cli_green_prepare(g, err);
  if (status == FR_OK && g->state.found)
    cli_green_tell_taken_up(g);
  if (g->state.found && !g->state.keeps)
    cli_green_lose(&g->state);
  if (g->state.found && g->state.keeps)
    cli_green_mend(&g->state, g->checkpoints);
  g->timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
  if (status == FR_OK && g->timer < 0)
    status = fr__fail_errno(err, errno, "no timer");
  return status == FR_OK ? cli_job_init(&g->job, err) : status;
}

static void release_all(cli_green *g) {
  cli_progress_end(&g->progress);
  if (g->job.signals.fd >= 0)
    cli_job_release(&g->job);
  if (g->timer >= 0)
    close(g->timer);
  fr_meter_free(g->meter);
  fr_series_release(&g->told);
  free(g->piece);
  free(g->checkpoints);
  cli_green_state_release(&g->state);
  cli_result_release(&g->result);
}

int cli_green_run(const cli_run_options *options, int argc, char **argv) {
  cli_green g = {.options = options,
                 .state.lock = -1,
                 .job.signals.fd = -1,
                 .timer = -1,
                 .rested = true,
                 .pue = 1,
                 .resuming = cli_words_resuming(options->command),
                 .asked_s = (int64_t)cli_green_clock_s()};
  fr_error err = {0};
  int code = 0;
  g.since_s = g.asked_s;
  cli_result_init(&g.result, "run");
  enum fr_status status = open_all(&g, &err);
  cli_progress_start(&g.progress, options->output.quiet);
  if (status == FR_OK)
    status = loop(&g, &code, &err);
  cli_progress_end(&g.progress);
  if (status != FR_OK) {
    code = code != 0 ? code : CLI_OWN_FAILURE;
    cli_result_tell(&g.result);
    cli_fail(&err);
    if (g.state.folder != NULL && !g.state.found && g.state.jobs == NULL && !g.begun)
      cli_green_state_remove(&g.state);
  } else {
    leave(&g, code);
    code = conclude(&g, code, argc, argv);
  }
  release_all(&g);
  return code;
}
