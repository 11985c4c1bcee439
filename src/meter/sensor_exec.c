/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any command that prints watts or joules, such as the client of a wall meter: one number
 * with its unit a line ("12.5 W", "3400 J"). Watts are added up, joules are a counter
 * that rises. The first good line tells which of the two it is. The command runs as
 * `/bin/sh -c CMD` in a process group of its own, which ends with the sensor, or with
 * this process where that is killed.
 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/csv.h"
#include "base/error.h"
#include "meter/sensor.h"

#define LINE 128              /* bytes; longer ones are passed over */
#define BURST 65536           /* bytes that one reading takes at most */
#define FIRST_MS 10000        /* until the first good line */
#define SILENT_NS 30000000000 /* the last line stands for so long */
#define END_MS 500            /* from SIGTERM to SIGKILL */
#define UNIT_J 1e-6           /* of joules */
#define WATT_UNIT_J 1e-9      /* of watts, added up */
#define CEILING_W 1e6         /* more is no reading; a meter may be of a whole rack */
#define CEILING_J 1e12

typedef struct exec {
  pid_t child; /* 0: none */
  pid_t guard; /* 0: none */
  int out;     /* what it prints; -1: closed */
  int alive;   /* the guard reads its end while this process lives; -1: none */
  char line[LINE];
  size_t length;
  bool too_long;
  bool known, joules; /* what it prints: joules or watts */
  double value;       /* of the last good line */
  double sum;         /* of the good lines since the last reading */
  size_t lines;
  uint64_t line_ns; /* when the last one came */
  uint64_t gap_ns;  /* the longest time between two */
  size_t refused;   /* lines that were no reading */
  char example[48]; /* the first of them */
} exec;

/* ---- its lines ---- */

/* "12.5 W" in watts or joules; false where it is neither. */
static bool parse(const char *line, double *value, bool *joules) {
  static const struct {
    const char *unit;
    bool joules;
    double factor;
  } units[] = {{"W", false, 1},    {"mW", false, 1e-3}, {"kW", false, 1e3},
               {"J", true, 1},     {"mJ", true, 1e-3},  {"kJ", true, 1e3},
               {"Wh", true, 3600}, {"kWh", true, 3.6e6}};
  const char *const end = line + strlen(line);
  line += strspn(line, " \t");
  const char *rest = fr__scan_number(line, end, value);
  if (rest == NULL || rest == line)
    return false;
  rest += strspn(rest, " \t");
  const size_t length = strcspn(rest, " \t\r");
  if (rest[length + strspn(rest + length, " \t\r")] != '\0')
    return false;
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    if (strlen(units[i].unit) != length || strncmp(units[i].unit, rest, length) != 0)
      continue;
    *value *= units[i].factor;
    *joules = units[i].joules;
    return isfinite(*value) && *value >= 0 && *value <= (*joules ? CEILING_J : CEILING_W);
  }
  return false;
}

static void refuse(exec *e, const char *line) {
  if (e->refused++ > 0)
    return;
  size_t n = 0;
  for (; n + 1 < sizeof e->example && line[n] != '\0'; n++)
    e->example[n] = (char)(line[n] >= ' ' && line[n] < 127 ? line[n] : '?');
  e->example[n] = '\0';
}

static void take_line(exec *e) {
  double value;
  bool joules;
  e->line[e->length] = '\0';
  if (e->too_long || strlen(e->line) != e->length || !parse(e->line, &value, &joules) ||
      (e->known && joules != e->joules)) {
    if (e->length > 0)
      refuse(e, e->line);
    return;
  }
  e->known = true;
  e->joules = joules;
  e->value = value;
  e->sum += value;
  e->lines++;
}

static void take_byte(exec *e, char byte) {
  if (byte == '\n') {
    take_line(e);
    e->length = 0;
    e->too_long = false;
  } else if (e->length + 1 < LINE)
    e->line[e->length++] = byte;
  else
    e->too_long = true;
}

/* What has been printed, without waiting for more. */
static void take_all(exec *e) {
  char bytes[4096];
  size_t taken = 0;
  while (e->out >= 0 && taken < BURST) {
    const ssize_t got = read(e->out, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0 && errno == EAGAIN)
      return;
    if (got <= 0) {
      close(e->out);
      e->out = -1;
      return;
    }
    taken += (size_t)got;
    for (ssize_t i = 0; i < got; i++)
      take_byte(e, bytes[i]);
  }
}

/* Lines wait in the pipe until they are read: several at once came one after the other
 * since those before. */
static void drain(exec *e, uint64_t now_ns) {
  const size_t before = e->lines;
  take_all(e);
  const size_t came = e->lines - before;
  if (came == 0)
    return;
  const uint64_t gap_ns = e->line_ns != 0 ? (now_ns - e->line_ns) / came : 0;
  if (gap_ns > e->gap_ns)
    e->gap_ns = gap_ns;
  e->line_ns = now_ns;
}

/* ---- the child ---- */

/* `/bin/sh -c COMMAND sh ARGUMENT` in a group of its own; in = -1: /dev/null. */
static int spawn_group(const char *command, const char *argument, int in, int out,
                       pid_t *child) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  char shell[] = "/bin/sh", option[] = "-c", name[] = "sh";
  char *const text = strdup(command), *const more = strdup(argument);
  char *const arguments[] = {shell, option, text, name, more, NULL};
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawn_file_actions_init(&actions);
  if (in >= 0)
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
  else
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                            POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  const int failed =
      text == NULL || more == NULL
          ? ENOMEM
          : posix_spawn(child, shell, &actions, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  free(text);
  free(more);
  return failed;
}

/* A process that is killed stops nothing any more. The guard reads a pipe of which only
 * this process has the other end: it comes to an end with the process, however that
 * ended, and then the guard does what stop() does. (PR_SET_PDEATHSIG would reach the
 * shell alone, and at the end of the thread that opened the sensor.) Without one the
 * sensor works, too. */
static void start_guard(exec *e) {
  static const char command[] = "read -r nothing; kill -s TERM -- \"-$1\"; sleep 0.5; "
                                "kill -s KILL -- \"-$1\"";
  int ends[2];
  char group[24];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return;
  const int out = open("/dev/null", O_WRONLY | O_CLOEXEC);
  snprintf(group, sizeof group, "%d", (int)e->child);
  if (out < 0 || spawn_group(command, group, ends[0], out, &e->guard) != 0)
    e->guard = 0;
  if (out >= 0)
    close(out);
  close(ends[0]);
  e->alive = ends[1];
}

/* Before the group it watches has ended, so that it never means another one. */
static void stop_guard(exec *e) {
  if (e->guard > 0) {
    (void)kill(e->guard, SIGKILL);
    while (waitpid(e->guard, NULL, 0) < 0 && errno == EINTR)
      continue;
  }
  if (e->alive >= 0)
    close(e->alive);
  e->guard = 0;
  e->alive = -1;
}

static int start(exec *e, const char *command) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return errno;
  /* Not on the child's end: it may not expect that. */
  (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
  const int failed = spawn_group(command, "", -1, ends[1], &e->child);
  close(ends[1]);
  e->out = ends[0];
  if (failed != 0)
    e->child = 0;
  else
    start_guard(e);
  return failed;
}

static uint64_t milliseconds(void) { return fr__clock_ns() / 1000000; }

/* Sleeps until the first good line, the end of the output or FIRST_MS. */
static void await_first(exec *e, const fr__world *world) {
  const uint64_t end_ms = milliseconds() + FIRST_MS;
  while (e->out >= 0 && !e->known) {
    const uint64_t now_ms = milliseconds();
    if (now_ms >= end_ms)
      return;
    struct pollfd one = {.fd = e->out, .events = POLLIN};
    if (poll(&one, 1, (int)(end_ms - now_ms)) < 0 && errno != EINTR)
      return;
    drain(e, fr__world_ns(world));
  }
}

/* It has ended, or somebody else waited for it. Left as it is, so that nobody gets the
 * number of its group meanwhile. */
static bool has_ended(const exec *e) {
  siginfo_t info = {0};
  return waitid(P_PID, (id_t)e->child, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
         info.si_pid == e->child;
}

/* Asks the group to end, then makes it. */
static void stop(exec *e) {
  if (e->out >= 0)
    close(e->out);
  e->out = -1;
  if (e->child <= 0)
    return;
  stop_guard(e);
  (void)kill(-e->child, SIGTERM);
  const struct timespec nap = {.tv_nsec = 5000000};
  for (int waited_ms = 0; !has_ended(e) && waited_ms < END_MS; waited_ms += 5)
    nanosleep(&nap, NULL);
  (void)kill(-e->child, SIGKILL); /* what outlives its leader, too */
  while (waitpid(e->child, NULL, 0) < 0 && errno == EINTR)
    continue;
  e->child = 0;
}

/* ---- the sensor ---- */

static void explain(const exec *e, char *text, size_t size) {
  if (e->refused > 0 && !e->known)
    snprintf(text, size,
             "'%s' is no reading: a number with W, kW, mW, J, kJ, mJ, Wh or kWh is "
             "expected on a line",
             e->example);
  else if (e->out < 0)
    snprintf(text, size, "the command has ended%s",
             e->known ? "" : " without printing a reading");
  else
    snprintf(text, size, "the command prints nothing for %d s",
             e->known ? (int)(SILENT_NS / 1000000000) : FIRST_MS / 1000);
}

static enum fr_status add(fr__sensor *sensor, fr_error *err) {
  const exec *e = sensor->own;
  fr__domain *domain = fr__sensor_add(sensor);
  if (domain == NULL)
    return fr__fail_memory(err, "a command's readings");
  snprintf(domain->name, sizeof domain->name, "exec %.50s", sensor->argument);
  domain->kind = FR__DOMAIN_PLATFORM;
  domain->unit_j = e->joules ? UNIT_J : WATT_UNIT_J;
  domain->ceiling_w = CEILING_W;
  domain->modulus_known = true; /* 2^64: joules that fall are no wrap */
  domain->state = FR_SENSOR_WORKING;
  return FR_OK;
}

static enum fr_status exec_open(fr__sensor *sensor, fr__world *world, fr_error *err) {
  if (sensor->argument == NULL || sensor->argument[0] == '\0' ||
      fr__world_is_replay(world)) {
    snprintf(sensor->reason, sizeof sensor->reason,
             fr__world_is_replay(world) ? "a recording holds no command"
                                        : "no command is given: --sensor exec:COMMAND");
    return FR_OK;
  }
  exec *e = calloc(1, sizeof *e);
  if (e == NULL)
    return fr__fail_memory(err, "a command's readings");
  sensor->own = e;
  e->out = e->alive = -1;
  const int failed = start(e, sensor->argument);
  if (failed != 0) {
    snprintf(sensor->reason, sizeof sensor->reason,
             "the command cannot be started: %.60s", strerror(failed));
    return FR_OK;
  }
  await_first(e, world);
  if (e->known)
    return add(sensor, err);
  explain(e, sensor->reason, sizeof sensor->reason);
  return FR_OK;
}

static void exec_close(fr__sensor *sensor) {
  exec *e = sensor->own;
  if (e != NULL)
    stop(e);
  free(e);
}

/* Lines that came since the reading before stand for the time since then, with their
 * mean; where none came, the last one goes on. */
static int exec_read(fr__sensor *sensor, fr__domain *domain, const fr__load *load,
                     uint64_t *raw) {
  exec *e = sensor->own;
  drain(e, load->t_ns);
  const uint64_t still_ns = load->t_ns > e->line_ns ? load->t_ns - e->line_ns : 0;
  const bool silent = still_ns > SILENT_NS;
  if (e->lines == 0 && (e->out < 0 || silent)) {
    explain(e, domain->reason, sizeof domain->reason);
    if (!e->joules && domain->power_w <= 0)
      domain->power_w = e->value; /* the one before: gaps are bridged with it */
    return e->out < 0 ? EPIPE : ETIMEDOUT;
  }
  const double mean = e->lines > 0 ? e->sum / (double)e->lines : e->value;
  e->sum = 0;
  e->lines = 0;
  domain->reason[0] = '\0';
  /* it prints no more often than that: what one line tells is as old as it is */
  domain->update_s = (double)(still_ns > e->gap_ns ? still_ns : e->gap_ns) * 1e-9;
  if (e->joules)
    *raw = (uint64_t)(e->value / UNIT_J);
  else
    fr__domain_integrate(domain, mean, load->awake_ns, raw);
  return 0;
}

/* How often it prints shows while it runs: update_s of the domain. */
const fr__sensor_ops fr__sensor_exec = {.name = "exec",
                                        .source = FR_SOURCE_EXEC,
                                        .computed = true,
                                        .on_request = true,
                                        .open = exec_open,
                                        .close = exec_close,
                                        .read = exec_read};
