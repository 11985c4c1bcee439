/* SPDX-License-Identifier: Apache-2.0 */
/* A directory that stands for "/": files of /sys and /proc as a machine would show them.
 */
#ifndef FR_TEST_METER_TREE_H
#define FR_TEST_METER_TREE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct tree {
  char root[64];
} tree;

static inline void tree_init(tree *t) {
  snprintf(t->root, sizeof t->root, "/tmp/frugal-meter-XXXXXX");
  assert_non_null(mkdtemp(t->root));
  assert_int_equal(chmod(t->root, 0755), 0);
}

static inline int tree_remove_one(const char *path, const struct stat *s, int type,
                                  struct FTW *at) {
  (void)s, (void)type, (void)at;
  return remove(path);
}

static inline void tree_release(tree *t) {
  (void)nftw(t->root, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void tree_path(const tree *t, const char *name, char path[256]) {
  assert_true(strlen(t->root) + strlen(name) < 255);
  strcat(strcat(strcpy(path, t->root), "/"), name);
}

/* Writes in place, as the kernel's files change: who holds it open sees the new text. */
static inline void tree_write(const tree *t, const char *name, const char *text) {
  char path[256];
  tree_path(t, name, path);
  for (char *at = path + strlen(t->root) + 1; (at = strchr(at, '/')) != NULL; at++) {
    *at = '\0';
    (void)mkdir(path, 0755);
    *at = '/';
  }
  const int fd = open(path, O_WRONLY | O_CREAT, 0644);
  assert_true(fd >= 0);
  assert_int_equal(pwrite(fd, text, strlen(text), 0), (ssize_t)strlen(text));
  close(fd);
}

static inline void tree_number(const tree *t, const char *name, uint64_t number) {
  char text[32];
  snprintf(text, sizeof text, "%llu\n", (unsigned long long)number);
  tree_write(t, name, text);
}

/* Two processors of a kind that the tables know, and a machine that only this process
 * uses. */
static inline void tree_machine(const tree *t) {
  tree_write(t, "proc/cpuinfo",
             "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\n"
             "model name\t: AMD EPYC 7763 64-Core Processor\nsiblings\t: 2\n"
             "cpu cores\t: 2\nflags\t\t: fpu hypervisor\n\nprocessor\t: 1\n");
  tree_write(t, "proc/stat", "cpu  100 0 100 1000 0 0 0 0 0 0\n");
}

/* cmocka compares floats, which is too coarse for joules. */
static inline void assert_near(double value, double expected, double tolerance) {
  if (!(value >= expected - tolerance && value <= expected + tolerance))
    fail_msg("%.12g is not within %g of %.12g", value, tolerance, expected);
}

static inline double seconds_of(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Keeps the calling thread busy for so much CPU time of its own. */
static inline void burn(double cpu_s) {
  const double end_s = seconds_of(CLOCK_THREAD_CPUTIME_ID) + cpu_s;
  volatile double x = 1;
  while (seconds_of(CLOCK_THREAD_CPUTIME_ID) < end_s) {
    for (int i = 0; i < 200; i++)
      x = x * 1.0000001;
  }
}

static inline void rest(double wall_s) {
  const struct timespec t = {.tv_sec = (time_t)wall_s,
                             .tv_nsec = (long)((wall_s - (double)(time_t)wall_s) * 1e9)};
  nanosleep(&t, NULL);
}

#endif
