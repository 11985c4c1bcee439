/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/metering.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/calibrating.h"

enum { FLUSH_MS = 500, CARDS = 64 };

/* ---- what comes from other threads ---- */

/* The loop sleeps until then, however long the interval is. */
static void wake_loop(const cli_metering *m) {
  const uint64_t one = 1;
  const ssize_t written = m->due >= 0 ? write(m->due, &one, sizeof one) : 0;
  (void)written; /* it cannot be full */
}

/* With half an interval's grace: what is due with a sample waits for no later one. */
static bool is_due(const cli_metering *m) {
  const uint64_t each_ns = FLUSH_MS * 1000000ull;
  const double grace_ns = fmin(m->options->interval_s * 1e9, (double)each_ns) / 2;
  return fr__clock_ns() - m->flushed_ns >= each_ns - (uint64_t)grace_ns;
}

/* A mark, of whichever way it came. */
static bool take_mark(void *self, const char *line, char why[160]) {
  cli_metering *m = self;
  pthread_mutex_lock(&m->lock);
  const bool taken = cli_marks_line(&m->marks, line, fr_meter_clock(m->meter), why);
  wake_loop(m);
  pthread_mutex_unlock(&m->lock);
  return taken;
}

static void take_match(void *self, const char *name) {
  cli_metering *m = self;
  pthread_mutex_lock(&m->lock);
  (void)cli_marks_next(&m->marks, name, fr_meter_clock(m->meter), NULL);
  wake_loop(m);
  pthread_mutex_unlock(&m->lock);
}

static void keep(cli_queue *queue, const cli_kept_sample *sample) {
  if (queue->count == queue->room) {
    const size_t room = queue->room > 0 ? 2 * queue->room : 256;
    cli_kept_sample *grown =
        room <= CLI_KEPT_SAMPLES ? realloc(queue->sample, room * sizeof *grown) : NULL;
    if (grown == NULL) {
      queue->lost++;
      return;
    }
    queue->sample = grown;
    queue->room = room;
  }
  queue->sample[queue->count++] = *sample;
}

/* Without a list of processes: the command's own clock. */
static double clock_of(const cli_metering *m) {
  clockid_t clock;
  struct timespec time;
  if (m->child.pid <= 0 || clock_getcpuclockid(m->child.pid, &clock) != 0 ||
      clock_gettime(clock, &time) != 0)
    return m->core_s;
  return fmax(m->core_s, (double)time.tv_sec + (double)time.tv_nsec * 1e-9);
}

/* What cards count by themselves is of those who used them. */
static void tell_cards(cli_metering *m) {
  fr_card_energy card[CARDS];
  const size_t count = fr_meter_cards(m->meter, card, CARDS);
  fr_processes_cards(m->processes, card, count < CARDS ? count : CARDS);
}

/* Whose energy it was; spikes look back on who ran. */
static void share_out(cli_metering *m, double t_s, double energy_j) {
  fr_process_use use[32];
  double core_s, program_j;
  if (m->processes == NULL) {
    m->core_s = clock_of(m);
    m->program_j = m->cpu_known ? m->core_s * m->cpu.core_w.value : 0;
    return;
  }
  tell_cards(m);
  if (fr_processes_sample(m->processes, t_s, energy_j, NULL) != FR_OK)
    return;
  fr_meter_others(m->meter, fr_processes_busy(m->processes));
  const size_t users = fr_processes_last(m->processes, use, 32);
  cli_spiking_use(&m->spiking, t_s, use, users);
  fr_processes_program(m->processes, &core_s, &program_j);
  m->core_s = fmax(m->core_s, core_s);
  m->program_j = fmax(m->program_j, program_j);
}

/* Between samples, where something has just become known of the command. */
static void look_again(cli_metering *m) {
  pthread_mutex_lock(&m->lock);
  share_out(m, (double)m->last.t_ns * 1e-9, m->last.energy_j);
  pthread_mutex_unlock(&m->lock);
}

/* Processes are looked at fifty times a second at most: they cost more than a sensor. */
static void take_bin(cli_metering *m, const fr_power_sample *sample) {
  enum { BINS_PER_S = 50 };
  const double t_s = (double)sample->t_ns * 1e-9;
  if (!m->ending && t_s - m->bin_s < 0.95 / BINS_PER_S)
    return;
  m->bin_s = t_s;
  share_out(m, t_s, sample->energy_j);
  const cli_point point = {sample->t_ns, sample->energy_j, m->program_j, m->core_s};
  cli_marks_sample(&m->marks, &point);
  cli_spiking_phases(&m->spiking, &m->marks);
}

/* ---- domains ---- */

/* Before the first sample: which there are. */
static void find_domains(cli_metering *m) {
  fr_domain_power told[CLI_METERING_DOMAINS];
  const size_t count = fr_meter_domains(m->meter, told, CLI_METERING_DOMAINS);
  m->domains = count < 2                      ? 0
               : count < CLI_METERING_DOMAINS ? count
                                              : CLI_METERING_DOMAINS;
  for (size_t d = 0; d < m->domains; d++)
    m->domain[d] = told[d].name;
}

/* By name: one that was unplugged is not told any more. */
static void read_domains(const cli_metering *m, double domain_w[CLI_METERING_DOMAINS]) {
  fr_domain_power told[CLI_METERING_DOMAINS];
  const size_t count =
      m->domains > 0 ? fr_meter_domains(m->meter, told, CLI_METERING_DOMAINS) : 0;
  for (size_t d = 0; d < CLI_METERING_DOMAINS; d++) {
    domain_w[d] = (double)NAN;
    for (size_t i = 0; d < m->domains && i < count && i < CLI_METERING_DOMAINS; i++)
      if (told[i].name == m->domain[d])
        domain_w[d] = told[i].power_w;
  }
}

static void show(cli_metering *m, const fr_power_sample *sample, const double *domain_w) {
  const size_t row = m->marks.settled;
  cli_watch_add(m->watch, (double)sample->t_ns * 1e-9, sample->power_w, sample->energy_j,
                sample->marked, domain_w);
  cli_watch_phase(m->watch, row > 0 ? m->marks.row[row].path : NULL);
  if (m->spiking.count > m->noted) {
    const cli_spike *spike = &m->spiking.found[m->spiking.count - 1];
    char note[160];
    snprintf(note, sizeof note, "spike: +%.0f W%s%s", spike->spike.height_w,
             spike->causes > 0 ? " by " : "",
             spike->causes > 0 ? spike->cause[0].name : "");
    m->noted = m->spiking.count;
    cli_watch_note(m->watch, note);
  }
}

/* On the sampling thread. */
static void take_sample(void *self, const fr_power_sample *sample) {
  cli_metering *m = self;
  pthread_mutex_lock(&m->lock);
  if (m->quiet_w != NULL) {
    if (m->quiet_count < m->quiet_room && isfinite(sample->power_w))
      m->quiet_w[m->quiet_count++] = sample->power_w;
  } else {
    take_bin(m, sample);
    cli_spiking_power(&m->spiking, (double)sample->t_ns * 1e-9, sample->power_w);
    m->last = *sample;
    m->last.core_s = m->core_s;
    m->last.program_j = m->program_j;
    cli_kept_sample kept = {.sample = m->last, .row = m->marks.settled};
    read_domains(m, kept.domain_w);
    keep(&m->fresh, &kept);
    if (m->options->intensity != NULL)
      cli_course_add(&m->course,
                     &(cli_reading){m->last.t_ns, m->last.energy_j, m->last.program_j});
    if (is_due(m))
      wake_loop(m);
    if (m->watch != NULL)
      show(m, sample, kept.domain_w);
  }
  pthread_mutex_unlock(&m->lock);
}

/* ---- opening ---- */

/* Without --store a store that cannot be opened is no reason not to meter. */
static enum fr_status open_store(cli_metering *m, fr_error *err) {
  fr_error own;
  const char *path = m->options->output.store;
  if (fr_store_open(path, &m->store, &own) == FR_OK)
    return FR_OK;
  m->store = NULL;
  if (path != NULL)
    return fr__fail(err, own.status, "%s", own.text);
  cli_warn(m->result, "the run is not kept: %s", own.text);
  return FR_OK;
}

static enum fr_status open_meter(cli_metering *m, fr_error *err) {
  fr_meter_options options = fr_meter_default_options();
  options.interval_s = m->options->interval_s;
  options.root = m->options->root;
  options.sensor = m->options->sensor;
  options.sample = take_sample;
  options.self = m;
  m->cpu_known = fr_cpu_power_find(m->options->root, &m->cpu, NULL) == FR_OK;
  return cli_meter_new(&options, &m->cpu, m->result, &m->meter, err);
}

enum fr_status cli_metering_init(cli_metering *metering,
                                 const cli_metering_options *options, cli_result *result,
                                 fr_error *err) {
  cli_metering *m = metering;
  *m = (cli_metering){
      .options = options, .result = result, .prometheus.listener = -1, .signals.fd = -1};
  m->due = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); /* -1: the loop looks by itself */
  pthread_mutex_init(&m->lock, NULL);
  enum fr_status status = open_store(m, err);
  if (status == FR_OK)
    status = cli_metering_csv_open(m, err);
  if (status == FR_OK && options->listen != NULL)
    status = cli_prometheus_init(&m->prometheus, options->listen, cli_metering_metrics, m,
                                 err);
  if (status == FR_OK)
    status = open_meter(m, err);
  if (status == FR_OK && options->listen != NULL && !options->output.quiet)
    fprintf(stderr, "frugal: metrics are at http://%s/metrics\n", m->prometheus.address);
  m->opened = json_array_size(result->warnings);
  if (status != FR_OK)
    cli_metering_release(m);
  return status;
}

void cli_metering_release(cli_metering *metering) {
  cli_metering *m = metering;
  fr_meter_report_release(&m->taken);
  fr_meter_free(m->meter);
  cli_prometheus_release(&m->prometheus);
  fr_store_close(m->store);
  if (m->csv != NULL)
    fclose(m->csv);
  fr_processes_free(m->processes);
  cli_marks_release(&m->marks);
  cli_spiking_release(&m->spiking);
  cli_course_release(&m->course);
  free(m->writing.sample);
  free(m->fresh.sample);
  if (m->due >= 0)
    close(m->due);
  pthread_mutex_destroy(&m->lock);
  *m = (cli_metering){.prometheus.listener = -1, .signals.fd = -1, .due = -1};
}

/* ---- normal power ---- */

/* Rests; who asks for metrics is answered. */
static void serve_meanwhile(cli_metering *m, double seconds) {
  const uint64_t end_ns = fr__clock_ns() + (uint64_t)(seconds * 1e9);
  struct pollfd fds[CLI_PROMETHEUS_CLIENTS + 1];
  for (uint64_t now_ns; (now_ns = fr__clock_ns()) < end_ns;) {
    const size_t count = cli_prometheus_poll(&m->prometheus, fds);
    const uint64_t left_ms = (end_ns - now_ns) / 1000000u + 1;
    const int most_ms = count > 0 ? 1000 : 60000; /* a client's patience is looked at */
    (void)poll(fds, (nfds_t)count, left_ms < (uint64_t)most_ms ? (int)left_ms : most_ms);
    cli_prometheus_serve(&m->prometheus);
  }
}

static enum fr_status look_at_rest(cli_metering *m, double seconds, fr_baseline *out,
                                   fr_error *err) {
  fr_meter_report report;
  enum fr_status status = fr_meter_start(m->meter, err);
  if (status != FR_OK)
    return status;
  serve_meanwhile(m, seconds);
  fr_meter_stop(m->meter);
  status = fr_meter_read(m->meter, &report, err);
  if (status != FR_OK)
    return status;
  const fr_measure e = report.energy;
  const bool model = e.source == FR_SOURCE_MODEL && e.value > 0;
  const double accuracy = model ? 0 : fr_sensor_accuracy(e.source, NULL);
  fr_meter_report_release(&report);
  status = fr_baseline_find(m->quiet_w, m->quiet_count, m->options->interval_s, e.source,
                            accuracy, out, err);
  if (status == FR_OK && model)
    fr_baseline_band(out, 1 - e.low / e.value, e.high / e.value - 1);
  out->utc_ns = fr__clock_utc_ns();
  return status;
}

enum fr_status cli_metering_baseline(cli_metering *metering, double seconds,
                                     fr_error *err) {
  cli_metering *m = metering;
  fr_baseline now = {0};
  m->quiet_room = (size_t)(seconds / m->options->interval_s) + 16;
  m->quiet_count = 0;
  m->quiet_w = calloc(m->quiet_room, sizeof *m->quiet_w);
  if (m->quiet_w == NULL)
    return fr__fail_memory(err, "a baseline");
  const enum fr_status status = look_at_rest(m, seconds, &now, err);
  free(m->quiet_w);
  m->quiet_w = NULL;
  if (status != FR_OK)
    return status;
  m->baseline = m->baseline.seconds > 0 ? fr_baseline_join(&m->baseline, &now) : now;
  cli_metering_baseline_keep(m);
  return FR_OK;
}

/* ---- the loop ---- */

enum { FDS = 2 + CLI_WIRE_CLIENTS + 2 + CLI_PROMETHEUS_CLIENTS + 1 };

static void take_signals(cli_metering *m) {
  bool from_terminal;
  for (int number; (number = cli_signals_next(&m->signals, &from_terminal)) != 0;) {
    if (number == SIGCHLD || number == SIGWINCH)
      continue;
    m->stop = true;
    if (m->options->command != NULL && !from_terminal)
      cli_child_signal(&m->child, number);
  }
}

/* What nobody tells the loop of: a reader of metrics who is slow, a command's end where
 * the caller ignores SIGCHLD. */
static bool must_look(const cli_metering *m, size_t readers) {
  struct sigaction ended;
  return readers > 0 || m->due < 0 || m->written_failed ||
         (sigaction(SIGCHLD, NULL, &ended) == 0 && ended.sa_handler == SIG_IGN);
}

/* No wake-up while nothing waits to be written. */
static int patience_ms(cli_metering *m, size_t readers) {
  pthread_mutex_lock(&m->lock);
  const bool waits = m->marks.changes > 0;
  pthread_mutex_unlock(&m->lock);
  return waits || must_look(m, readers) ? FLUSH_MS : -1;
}

static void wait_for_something(cli_metering *m) {
  struct pollfd fds[FDS];
  size_t count = 0;
  uint64_t times;
  fds[count++] = (struct pollfd){.fd = m->signals.fd, .events = POLLIN};
  if (m->options->command != NULL)
    count += cli_wire_poll(&m->wire, fds + count);
  fds[count++] = (struct pollfd){.fd = m->due, .events = POLLIN};
  const size_t polled = cli_prometheus_poll(&m->prometheus, fds + count);
  const size_t readers = polled > 0 ? polled - (m->prometheus.listener >= 0) : 0;
  (void)poll(fds, (nfds_t)(count + polled), patience_ms(m, readers));
  const ssize_t got = m->due >= 0 ? read(m->due, &times, sizeof times) : 0;
  (void)got; /* how often does not matter */
}

static bool over(cli_metering *m) {
  return m->options->command != NULL ? cli_child_ended(&m->child) : m->stop;
}

static void loop(cli_metering *m) {
  fr_error err;
  while (!over(m)) {
    wait_for_something(m);
    take_signals(m);
    if (m->options->command != NULL)
      cli_wire_serve(&m->wire);
    cli_prometheus_serve(&m->prometheus);
    if (is_due(m)) {
      pthread_mutex_lock(&m->lock);
      m->flushed_ns = fr__clock_ns();
      pthread_mutex_unlock(&m->lock);
      (void)cli_metering_flush(m, &err); /* it is tried again, and said at the end */
      cli_metering_so_far(m);
    }
  }
  if (m->options->command != NULL)
    cli_wire_serve(&m->wire); /* what it said last */
}

/* ---- one run ---- */

static void begin_run(cli_metering *m, int argc, char **argv) {
  if (m->store == NULL)
    return;
  char host[256] = "";
  (void)gethostname(host, sizeof host - 1);
  char *words = cli_json_argv(argc, argv);
  char *const *command = m->options->command;
  const char *name = command != NULL ? fr__path_name(command[0]) : "machine";
  const fr_run run = {.command = (char *)(uintptr_t) "meter",
                      .name = (char *)(uintptr_t)name,
                      .argv = words,
                      .version = (char *)(uintptr_t)FR_VERSION,
                      .host = host,
                      .cpu = m->cpu_known ? m->cpu.cpu : NULL};
  fr_error err;
  if (fr_store_run_begin(m->store, &run, &m->run, &err) != FR_OK) {
    m->run = 0;
    cli_warn(m->result, "the run is not kept: %s", err.text);
  } else if (m->domains > 0 &&
             fr_store_domains(m->store, m->run, m->domain, m->domains, &err) != FR_OK) {
    cli_warn(m->result, "its domains are not kept: %s", err.text);
  }
  free(words);
}

/* The ways in for phases, and the command, which waits at its gate. */
static enum fr_status prepare_command(cli_metering *m, fr_error *err) {
  const cli_metering_options *o = m->options;
  enum fr_status status = cli_wire_init(&m->wire, take_mark, m, err);
  if (status == FR_OK && o->pattern != NULL)
    status = cli_tap_init(&m->tap, o->pattern, take_match, m, err);
  if (status != FR_OK)
    return status;
  char setting[160];
  snprintf(setting, sizeof setting, "FRUGAL_PHASE_SOCKET=%s", m->wire.path);
  const char *const settings[] = {setting, NULL};
  const cli_child_options child = {.argv = o->command,
                                   .setting = settings,
                                   .output = o->pattern != NULL ? m->tap.far : -1,
                                   .phases = m->wire.far,
                                   .signals = &m->signals};
  return cli_child_start(&m->child, &child, err);
}

/* The machine at rest: as a counter saw it, else as the table of processors has it, which
 * is what the model adds. */
static fr_measure idle_of(const cli_metering *m) {
  if (m->baseline.seconds > 0 && m->source != FR_SOURCE_MODEL)
    return m->baseline.normal_w;
  if (!m->cpu_known)
    return fr_measure_absent(FR_UNIT_WATT);
  return fr_measure_scale(m->cpu.idle_w, (double)m->cpu.cores, FR_UNIT_WATT);
}

/* While the command waits at its gate. */
static void find_processes(cli_metering *m) {
  fr_error err;
  fr_processes_options options = fr_processes_default_options();
  options.root = m->options->root;
  options.cgroup = true;
  options.idle_w = idle_of(m);
  if (m->source == FR_SOURCE_MODEL && m->cpu_known)
    options.core_w = m->cpu.core_w;
  if (fr_processes_new(&options, m->child.pid, &m->processes, &err) == FR_OK)
    return;
  m->processes = NULL;
  cli_warn(m->result, "processes are not told apart: %s", err.text);
}

static void start_watch(cli_metering *m) {
  cli_watch_options options = cli_watch_default_options();
  options.fd = STDERR_FILENO;
  options.title = m->options->command != NULL ? m->options->command[0] : "this machine";
  options.normal_w = m->baseline.seconds > 0 ? m->baseline.normal_w.value : NAN;
  options.whole_screen = m->options->command == NULL;
  options.domain = m->domain;
  options.domains = m->domains;
  fr_error err;
  if (cli_watch_new(&options, &m->watch, &err) != FR_OK) {
    m->watch = NULL;
    cli_warn(m->result, "--watch: %s", err.text);
  }
}

static enum fr_status start_meter(cli_metering *m, fr_error *err) {
  find_domains(m);
  if (m->options->command != NULL)
    find_processes(m);
  m->flushed_ns = fr__clock_ns();
  const enum fr_status status = fr_meter_start(m->meter, err);
  m->start_utc_ns = fr__clock_utc_ns() - (int64_t)fr_meter_clock(m->meter);
  if (status != FR_OK && m->options->command != NULL)
    cli_child_cancel(&m->child);
  return status;
}

/* 0, or the exit code for a command that cannot be run. */
static int let_go(cli_metering *m, fr_error *err) {
  const int number = cli_child_go(&m->child);
  if (number == 0)
    return 0;
  fr__fail_errno(err, number, "'%s' cannot be run", m->options->command[0]);
  return number == ENOENT ? CLI_NOT_FOUND : CLI_NOT_EXECUTABLE;
}

/* The command has ended: its times and its name can be seen a last time, and once it is
 * waited for also those of its children. */
static void settle(cli_metering *m) {
  look_again(m);
  cli_child_reap(&m->child);
  pthread_mutex_lock(&m->lock);
  fr_processes_reaped(m->processes, cli_child_core_s(&m->child));
  if (m->processes == NULL)
    m->core_s = fmax(m->core_s, cli_child_core_s(&m->child));
  pthread_mutex_unlock(&m->lock);
  look_again(m);
}

static enum fr_status run_metered(cli_metering *m, int argc, char **argv, int *code,
                                  fr_error *err) {
  enum fr_status status = start_meter(m, err);
  if (status != FR_OK)
    return status;
  *code = m->options->command != NULL ? let_go(m, err) : 0;
  if (*code == 0) {
    if (m->options->command != NULL)
      look_again(m); /* by the name that it has now */
    if (m->options->watch)
      start_watch(m);
    begin_run(m, argc, argv);
    if (m->options->pattern != NULL)
      status = cli_tap_start(&m->tap, err);
    loop(m);
  }
  if (*code == 0 && m->options->command != NULL) {
    settle(m);
    *code = cli_child_code(&m->child);
  }
  pthread_mutex_lock(&m->lock);
  m->ending = true; /* the last sample is shared out, however soon it comes */
  pthread_mutex_unlock(&m->lock);
  fr_meter_stop(m->meter);
  pthread_mutex_lock(&m->lock);
  cli_marks_close(&m->marks);
  pthread_mutex_unlock(&m->lock);
  if (status == FR_OK) /* before anything else is metered with it, such as a baseline */
    status = fr_meter_read(m->meter, &m->taken, err);
  cli_watch_free(m->watch);
  m->watch = NULL;
  cli_spiking_end(&m->spiking);
  return status;
}

/* "powercap, 1 package" is of powercap's; before the first reading that is all there is.
 */
static enum fr_source source_of(const cli_metering *m) {
  fr_meter_report report;
  enum fr_source source = FR_SOURCE_MODEL;
  if (fr_meter_read(m->meter, &report, NULL) != FR_OK)
    return source;
  report.sensor[strcspn(report.sensor, ", :")] = '\0';
  (void)fr_source_parse(report.sensor, &source);
  fr_meter_report_release(&report);
  return source;
}

enum fr_status cli_metering_run(cli_metering *metering, int argc, char **argv, int *code,
                                fr_error *err) {
  cli_metering *m = metering;
  cli_marks_release(&m->marks);
  fr_meter_report_release(&m->taken);
  m->fresh.count = m->writing.count = 0;
  m->core_s = m->program_j = m->bin_s = 0;
  m->run = 0;
  fr_processes_free(m->processes);
  m->processes = NULL;
  cli_spiking_release(&m->spiking);
  cli_course_release(&m->course);
  m->noted = 0;
  m->child = (cli_child){0};
  m->last = (fr_power_sample){0};
  m->ending = false;
  m->source = source_of(m);
  enum fr_status status = cli_marks_init(&m->marks, err);
  if (status == FR_OK)
    status = cli_spiking_init(&m->spiking, m->source, err);
  if (status == FR_OK)
    status = cli_signals_init(&m->signals, err);
  if (status != FR_OK)
    return status;
  if (m->options->command != NULL)
    status = prepare_command(m, err);
  if (status == FR_OK)
    status = run_metered(m, argc, argv, code, err);
  cli_signals_release(&m->signals);
  if (m->options->command != NULL) {
    cli_tap_release(&m->tap); /* interruptible again: it waits for the last reader */
    cli_wire_release(&m->wire);
  }
  return status;
}
