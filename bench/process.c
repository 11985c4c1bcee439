/* SPDX-License-Identifier: Apache-2.0 */
/* What looking at processes costs (aim, with all else: 0.5 % of a core at 10 Hz with 200
 * processes), where all of them sleep and where a new one comes with every sample. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "frugal/processes.h"

#define SLEEPERS 200
#define SAMPLES 50

static double seconds_of(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static pid_t start_sleeper(void) {
  const pid_t pid = fork();
  if (pid == 0) {
    pause();
    _exit(0);
  }
  return pid;
}

static void stop_sleeper(pid_t pid) {
  if (pid > 0 && kill(pid, SIGKILL) == 0)
    waitpid(pid, NULL, 0);
}

static int time_samples(pid_t pid, bool forking, bool cgroup) {
  fr_processes_options options = fr_processes_default_options();
  options.cgroup = cgroup;
  fr_processes *processes;
  fr_error err;
  if (fr_processes_new(&options, pid, &processes, &err) != FR_OK) {
    fprintf(stderr, "%s\n", err.text);
    return 1;
  }
  const struct timespec tenth = {.tv_nsec = 100000000};
  double spent_s = 0;
  for (int i = 0; i < SAMPLES; i++) {
    const pid_t other = forking ? start_sleeper() : 0;
    nanosleep(&tenth, NULL);
    const double start_s = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    (void)fr_processes_sample(processes, i * 0.1, i, NULL);
    spent_s += seconds_of(CLOCK_THREAD_CPUTIME_ID) - start_s;
    stop_sleeper(other);
  }
  printf("%-24s %s: %4.0f us a sample, %.3f %% of a core at 10 Hz\n",
         forking ? "and one new each time," : "all asleep,", fr_processes_how(processes),
         spent_s / SAMPLES * 1e6, spent_s / SAMPLES * 10 * 100);
  fr_processes_free(processes);
  return 0;
}

int main(void) {
  pid_t pid[SLEEPERS];
  for (int i = 0; i < SLEEPERS; i++)
    pid[i] = start_sleeper();
  printf("%d processes beside the machine's own\n", SLEEPERS);
  int failed = 0;
  for (int way = 0; way < 4; way++)
    failed += time_samples(pid[0], way % 2 == 1, way >= 2);
  for (int i = 0; i < SLEEPERS; i++)
    stop_sleeper(pid[i]);
  return failed;
}
