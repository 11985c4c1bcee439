/* SPDX-License-Identifier: Apache-2.0 */
/* Samples with domains, phases and what they come to; a killed or full disk loses nothing
 * that was told before. */
#include "place.h"

#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int64_t begin(fr_store *store) {
  int64_t id = 0;
  assert_int_equal(fr_store_run_begin(store, &(fr_run){0}, &id, NULL), FR_OK);
  return id;
}

typedef struct line {
  size_t count;
  fr_store_sample at[8];
  double domain_w[8][4];
} line;

static bool keep_sample(void *self, const fr_store_sample *sample) {
  line *l = self;
  for (size_t d = 0; d < sample->domains && d < 4; d++)
    l->domain_w[l->count][d] = sample->domain_w[d];
  l->at[l->count++] = *sample;
  return l->count < 8;
}

static bool keep_name(void *self, const char *name) {
  strcat(strcat(self, name), ";");
  return true;
}

static void domains_and_marks_come_back(void **state) {
  fr_store *store = place_open(*state);
  const int64_t id = begin(store);
  const char *const names[] = {"package-0", "dram"};
  const double first_w[] = {12.5, NAN}, second_w[] = {1e-3, 250};
  const fr_store_sample samples[] = {
      {.t_ns = 1, .power_w = 12.5, .domains = 2, .domain_w = first_w},
      {.t_ns = 2, .power_w = NAN, .marked = true, .domains = 2, .domain_w = second_w},
      {.t_ns = 3, .power_w = 5}};
  assert_int_equal(fr_store_domains(store, id, names, 2, NULL), FR_OK);
  assert_int_equal(fr_store_samples(store, id, samples, 3, NULL), FR_OK);
  line l = {0};
  char text[64] = "";
  assert_int_equal(fr_store_samples_each(store, id, keep_sample, &l, NULL), FR_OK);
  assert_int_equal(fr_store_domains_each(store, id, keep_name, text, NULL), FR_OK);
  assert_string_equal(text, "package-0;dram;");
  assert_int_equal(l.count, 3);
  assert_int_equal(l.at[0].domains, 2);
  assert_true(l.domain_w[0][0] == 12.5 && isnan(l.domain_w[0][1]));
  assert_true(l.domain_w[1][0] == 1e-3 && l.domain_w[1][1] == 250);
  assert_true(!l.at[0].marked && l.at[1].marked && isnan(l.at[1].power_w));
  assert_int_equal(l.at[2].domains, 0);
  fr_store_close(store);
}

typedef struct stretches {
  size_t count;
  fr_store_phase at[4];
  char path[4][32];
} stretches;

static bool keep_phase(void *self, const fr_store_phase *phase) {
  stretches *s = self;
  snprintf(s->path[s->count], sizeof s->path[0], "%s", phase->path);
  s->at[s->count++] = *phase;
  return s->count < 4;
}

static void an_open_phase_is_ended_later(void **state) {
  fr_store *store = place_open(*state);
  const int64_t id = begin(store);
  const fr_store_phase open[] = {{.number = 1, .path = "load", .begin_ns = 10},
                                 {.number = 2, .path = "load/read", .begin_ns = 20}};
  const fr_store_phase end[] = {
      {.number = 2, .path = "load/read", .begin_ns = 20, .end_ns = 30}};
  assert_int_equal(fr_store_phases(store, id, open, 2, NULL), FR_OK);
  assert_int_equal(fr_store_phases(store, id, end, 1, NULL), FR_OK);
  stretches s = {0};
  assert_int_equal(fr_store_phases_each(store, id, keep_phase, &s, NULL), FR_OK);
  assert_int_equal(s.count, 2);
  assert_string_equal(s.path[0], "load");
  assert_int_equal(s.at[0].end_ns, 0);
  assert_int_equal(s.at[1].end_ns, 30);
  fr_store_close(store);
}

/* By hand: 10 W for 1 s, 40 W for 2 s, unknown for 1 s, 20 W for 1 s. */
static void power_is_a_mean_over_time(void **state) {
  fr_store *store = place_open(*state);
  const int64_t id = begin(store), none = begin(store);
  const fr_store_sample samples[] = {
      {.t_ns = 1000000000, .power_w = 10, .energy_j = 10, .program_j = 1},
      {.t_ns = 3000000000, .power_w = 40, .energy_j = 90, .program_j = 2},
      {.t_ns = 4000000000,
       .power_w = NAN,
       .energy_j = 90,
       .program_j = 2,
       .marked = true},
      {.t_ns = 5000000000, .power_w = 20, .energy_j = 110, .program_j = 3}};
  assert_int_equal(fr_store_samples(store, id, samples, 4, NULL), FR_OK);
  fr_store_power p = {0};
  assert_int_equal(fr_store_power_of(store, id, &p, NULL), FR_OK);
  assert_int_equal(p.count, 4);
  assert_int_equal(p.marked, 1);
  assert_int_equal(p.last_ns, 5000000000);
  assert_true(p.min_w == 10 && p.max_w == 40);
  assert_true(fabs(p.mean_w - 27.5) < 1e-9);
  assert_true(p.energy_j == 110 && p.program_j == 3);
  assert_int_equal(fr_store_power_of(store, none, &p, NULL), FR_OK);
  assert_int_equal(p.count, 0);
  fr_store_close(store);
}

static void a_result_so_far_stays_when_cut_off(void **state) {
  const place *p = *state;
  const pid_t child = fork();
  if (child == 0) {
    fr_store *store = NULL;
    int64_t id = 0;
    const fr_store_sample sample = {.t_ns = 5, .power_w = 7, .energy_j = 3};
    if (fr_store_open(p->path, &store, NULL) != FR_OK ||
        fr_store_run_begin(store, &(fr_run){0}, &id, NULL) != FR_OK ||
        fr_store_samples(store, id, &sample, 1, NULL) != FR_OK ||
        fr_store_run_so_far(store, id, "{\"energy\":3}", NULL) != FR_OK)
      _exit(1);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status));
  fr_store *store = NULL;
  assert_int_equal(fr_store_open_read(p->path, &store, NULL), FR_OK);
  fr_run run = {0};
  fr_store_power power = {0};
  assert_int_equal(fr_store_run_get(store, 1, &run, NULL), FR_OK);
  assert_string_equal(run.state, "cut off");
  assert_string_equal(run.result, "{\"energy\":3}");
  assert_int_equal(fr_store_power_of(store, 1, &power, NULL), FR_OK);
  assert_int_equal(power.count, 1);
  assert_true(power.energy_j == 3);
  fr_run_release(&run);
  fr_store_close(store);
}

static void an_ended_run_has_no_result_so_far(void **state) {
  fr_store *store = place_open(*state);
  const int64_t id = begin(store);
  assert_int_equal(fr_store_run_end(store, id, "done", "{}", NULL), FR_OK);
  assert_int_equal(fr_store_run_so_far(store, id, "{\"a\":1}", NULL), FR_ERR_NOT_FOUND);
  fr_store_close(store);
}

/* In a child, whose files may not grow: 0 done, else what went wrong. */
static int fill(const char *path) {
  fr_store *store = NULL;
  fr_error err = {0};
  int64_t id = 0;
  fr_store_sample samples[100] = {{0}};
  if (fr_store_open(path, &store, NULL) != FR_OK ||
      fr_store_run_begin(store, &(fr_run){0}, &id, NULL) != FR_OK)
    return 1;
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &(struct rlimit){400 << 10, RLIM_INFINITY});
  size_t whole = 0;
  for (; whole < 1000; whole++) {
    for (size_t i = 0; i < 100; i++)
      samples[i] = (fr_store_sample){.t_ns = whole * 100 + i, .power_w = 1};
    if (fr_store_samples(store, id, samples, 100, &err) != FR_OK)
      break;
  }
  if (whole == 0 || whole == 1000 || err.text[0] == '\0')
    return 2;
  setrlimit(RLIMIT_FSIZE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
  fr_store_power p = {0};
  if (fr_store_power_of(store, id, &p, NULL) != FR_OK || p.count != whole * 100)
    return 3;
  if (fr_store_samples(store, id, samples, 100, NULL) != FR_OK)
    return 4;
  if (fr_store_power_of(store, id, &p, NULL) != FR_OK || p.count != whole * 100 + 100)
    return 5;
  fr_store_close(store);
  return 0;
}

static void a_full_disk_loses_no_whole_transaction(void **state) {
  const place *p = *state;
  const pid_t child = fork();
  if (child == 0)
    _exit(fill(p->path));
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void reading_makes_nothing(void **state) {
  const place *p = *state;
  fr_store *store = NULL;
  fr_error err = {0};
  assert_int_equal(fr_store_open_read(p->path, &store, &err), FR_ERR_NOT_FOUND);
  assert_null(store);
  assert_non_null(strstr(err.text, "no store"));
  assert_int_not_equal(access(p->directory, F_OK) == 0 && access(p->path, F_OK) == 0, 1);
}

/* As another user would: root may write anywhere, so the child gives its rights up. */
static int read_only(const place *p) {
  fr_store *store = NULL;
  fr_run run = {0};
  if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
    return 1;
  if (access(p->path, W_OK) == 0)
    return 2;
  if (fr_store_open_read(p->path, &store, NULL) != FR_OK)
    return 3;
  if (fr_store_run_get(store, 1, &run, NULL) != FR_OK || strcmp(run.state, "done") != 0)
    return 4;
  fr_run_release(&run);
  fr_store_close(store);
  return 0;
}

static void a_folder_without_the_right_to_write_is_read(void **state) {
  const place *p = *state;
  char deep[96];
  fr_store *store = place_open(p);
  const int64_t id = begin(store);
  assert_int_equal(fr_store_run_end(store, id, "done", "{}", NULL), FR_OK);
  fr_store_close(store);
  snprintf(deep, sizeof deep, "%s/deep", p->directory);
  assert_int_equal(chmod(p->directory, 0755), 0);
  assert_int_equal(chmod(deep, 0555), 0);
  assert_int_equal(chmod(p->path, 0444), 0);
  const pid_t child = fork();
  if (child == 0)
    _exit(read_only(p));
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(chmod(deep, 0755), 0);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      PLACE_TEST(domains_and_marks_come_back),
      PLACE_TEST(an_open_phase_is_ended_later),
      PLACE_TEST(power_is_a_mean_over_time),
      PLACE_TEST(a_result_so_far_stays_when_cut_off),
      PLACE_TEST(an_ended_run_has_no_result_so_far),
      PLACE_TEST(a_full_disk_loses_no_whole_transaction),
      PLACE_TEST(reading_makes_nothing),
      PLACE_TEST(a_folder_without_the_right_to_write_is_read),
  };
  return cmocka_run_group_tests_name("store/timeline", tests, NULL, NULL);
}
