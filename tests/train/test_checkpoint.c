/* SPDX-License-Identifier: Apache-2.0 */
/* Which checkpoints stay, which are taken up, which refused; damage, and full disks. */
#include "checkpointed.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/safetensors.h"

/* In the place of fsync (see meson.build), which would take most of the time. */
int __wrap_fsync(int fd);
int __wrap_fsync(int fd) {
  (void)fd;
  return 0;
}

enum { LISTED = 8, NAME = 256, WARNINGS = 4 };

typedef struct listing {
  size_t count;
  char name[LISTED][NAME];
} listing;

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

static listing list(const char *folder) {
  listing l = {0};
  DIR *at = opendir(folder);
  assert_non_null(at);
  const struct dirent *entry;
  while ((entry = readdir(at)) != NULL) {
    if (entry->d_name[0] == '.')
      continue;
    assert_true(l.count < LISTED);
    snprintf(l.name[l.count++], NAME, "%s", entry->d_name);
  }
  closedir(at);
  qsort(l.name, l.count, NAME, by_name);
  return l;
}

static void assert_holds(const char *folder, const char *one, const char *two) {
  const listing l = list(folder);
  assert_int_equal(l.count, two == NULL ? 1 : 2);
  assert_string_equal(l.name[0], one);
  if (two != NULL)
    assert_string_equal(l.name[1], two);
}

static char *path_of(const char *folder, const char *name) {
  static char path[1024];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

/* What the outside hears. */
typedef struct ears {
  size_t steps, warnings, resumed, stop_after; /* 0: never */
  char warning[WARNINGS][512];
  char note[32];
  bool limit; /* files are to have no room from the second epoch on */
} ears;

static void on_step(void *self, size_t step, double loss) {
  (void)step;
  (void)loss;
  ((ears *)self)->steps++;
}

static void on_warning(void *self, const char *text) {
  ears *e = self;
  if (e->warnings < WARNINGS)
    snprintf(e->warning[e->warnings], sizeof e->warning[0], "%s", text);
  e->warnings++;
}

static void set_limit(rlim_t bytes) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void on_epoch(void *self, const fr_epoch *epoch) {
  if (((ears *)self)->limit && epoch->epoch == 2)
    set_limit(100);
}

static bool on_ask(void *self, const fr_epoch *epoch) {
  const ears *e = self;
  return e->stop_after == 0 || epoch->step < e->stop_after;
}

static bool on_interrupt(void *self) {
  const ears *e = self;
  return e->stop_after != 0 && e->steps >= e->stop_after;
}

static const char *on_note(void *self) {
  ears *e = self;
  snprintf(e->note, sizeof e->note, "{\"steps\": %zu}", e->steps);
  return e->note;
}

static void on_resumed(void *self, size_t steps, const char *note) {
  ears *e = self;
  char expected[32];
  snprintf(expected, sizeof expected, "{\"steps\": %zu}", steps);
  assert_string_equal(note, expected);
  e->steps = e->resumed = steps;
}

static outcome run(trial t, ears *e) {
  const fr_observer observer = {
      .self = e, .step_done = on_step, .epoch_done = on_epoch, .warning = on_warning};
  const fr_budget budget = {.self = e, .may_go_on = on_ask};
  t.checkpoint.self = e;
  t.checkpoint.note = on_note;
  t.checkpoint.resumed = on_resumed;
  return trial_run(&t, &observer, &budget);
}

static outcome run_undisturbed(trial t) {
  t.checkpoint.folder = NULL;
  return trial_run(&t, NULL, NULL);
}

/* Ends after `steps`, of which an epoch has five. */
static void run_until(trial t, size_t steps) {
  ears e = {.stop_after = steps};
  outcome o = run(t, &e);
  assert_int_equal(o.status, FR_OK);
  assert_int_equal(o.result.steps, steps);
  assert_int_equal(e.warnings, 0);
  outcome_release(&o);
}

static void the_newest_two_stay(void **state) {
  (void)state;
  char *folder = test_folder_make();
  const trial t = trial_of_everything(folder);
  run_until(t, 1);
  assert_holds(folder, "checkpoint-1.safetensors", NULL);
  run_until(t, 4);
  assert_holds(folder, "checkpoint-3.safetensors", "checkpoint-4.safetensors");
  run_until(t, 12);
  assert_holds(folder, "checkpoint-11.safetensors", "checkpoint-12.safetensors");
  test_folder_remove(folder);
}

static void others_go_once_there_is_one(void **state) {
  (void)state;
  char *folder = test_folder_make();
  trial t = trial_of_everything(folder);
  run_until(t, 12);
  FILE *left = fopen(path_of(folder, "checkpoint-9.safetensors.77-1f.tmp"), "w");
  FILE *foreign = fopen(path_of(folder, "checkpoint-09.safetensors"), "w");
  assert_true(left != NULL && foreign != NULL);
  fclose(left);
  fclose(foreign);
  t.checkpoint.resume = false;
  t.options.seed = 2;
  run_until(t, 1);
  assert_holds(folder, "checkpoint-09.safetensors", "checkpoint-1.safetensors");
  test_folder_remove(folder);
}

static void a_finished_run_is_left_as_it_is(void **state) {
  (void)state;
  char *folder = test_folder_make();
  const trial t = trial_of_everything(folder);
  outcome whole = run_undisturbed(t);
  ears e = {0};
  outcome first = run(t, &e);
  assert_same_outcome(&whole, &first);
  assert_int_equal(first.result.resumed_from, 0);
  struct stat before, after;
  const char *path = path_of(folder, "checkpoint-25.safetensors");
  assert_int_equal(stat(path, &before), 0);
  e = (ears){0};
  outcome again = run(t, &e);
  assert_same_outcome(&whole, &again);
  assert_int_equal(again.result.resumed_from, 25);
  assert_int_equal(e.steps, 25);
  assert_int_equal(e.resumed, 25); /* none was done */
  assert_int_equal(stat(path, &after), 0);
  assert_true(before.st_ino == after.st_ino);
  outcome_release(&whole);
  outcome_release(&first);
  outcome_release(&again);
  test_folder_remove(folder);
}

/* Whether the budget says no within an epoch or at its very end. */
static void a_larger_budget_goes_on_where_it_ended(void **state) {
  (void)state;
  static const size_t stops[] = {1, 5, 7, 10, 24, 25};
  char *folder = test_folder_make();
  const trial t = trial_of_everything(folder);
  outcome whole = run_undisturbed(t);
  for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
    ears e = {.stop_after = stops[i]}, same = e, larger = {0};
    outcome cut = run(t, &e);
    assert_int_equal(cut.result.stop, FR_STOP_BUDGET);
    outcome still = run(t, &same); /* asks first, and gives the same again */
    assert_int_equal(still.result.resumed_from, stops[i]);
    assert_int_equal(same.steps, stops[i]);
    assert_same_outcome(&cut, &still);
    outcome_release(&cut);
    outcome_release(&still);
    if (i + 1 < sizeof stops / sizeof *stops)
      continue;
    outcome end = run(t, &larger);
    assert_same_outcome(&whole, &end);
    outcome_release(&end);
  }
  outcome_release(&whole);
  test_folder_remove(folder);
}

static void an_interruption_is_taken_up(void **state) {
  (void)state;
  char *folder = test_folder_make();
  const trial t = trial_of_everything(folder);
  outcome whole = run_undisturbed(t);
  ears e = {.stop_after = 8};
  const fr_observer observer = {.self = &e, .step_done = on_step};
  const fr_budget budget = {.self = &e, .interrupted = on_interrupt};
  outcome cut = trial_run(&t, &observer, &budget);
  assert_int_equal(cut.status, FR_OK);
  assert_int_equal(cut.result.stop, FR_STOP_INTERRUPTED);
  assert_int_equal(cut.result.steps, 8);
  outcome end = trial_run(&t, NULL, NULL);
  assert_same_outcome(&whole, &end);
  assert_int_equal(end.result.resumed_from, 8);
  outcome_release(&cut);
  outcome_release(&end);
  outcome_release(&whole);
  test_folder_remove(folder);
}

static void assert_another_run(trial t, const char *word) {
  ears e = {0};
  outcome o = run(t, &e);
  assert_int_equal(o.status, FR_ERR_ARGUMENT);
  assert_non_null(strstr(o.err.text, "is a checkpoint of another run: its "));
  if (strstr(o.err.text, word) == NULL)
    fail_msg("no '%s' in: %s", word, o.err.text);
  assert_null(o.result.history);
  outcome_release(&o);
}

static void another_run_is_refused_with_what_differs(void **state) {
  (void)state;
  char *folder = test_folder_make();
  const trial t = trial_of_everything(folder);
  run_until(t, 7);
  trial other = t;
  other.options.optimizer.learning_rate = 0.06f;
  assert_another_run(other, "learning rate is '0.0500000007', this run's is '0.0599");
  other = t;
  other.options.epochs = 6;
  assert_another_run(other, "number of epochs is '5', this run's is '6'");
  other = t;
  other.options.seed = 3;
  assert_another_run(other, "its seed is '1'");
  other = t;
  other.arch = "dense(13) bn relu dropout(0.2) dense(classes)";
  assert_another_run(other, "its architecture is 'dense(12) bn relu");
  other = t;
  other.validated = false;
  assert_another_run(other, "its validation samples is");
  other = t;
  other.options.augment = NULL;
  assert_another_run(other, "its augmentation is 'jitter(0.05) scale(0.1) mixup(0.2)");
  other = t;
  other.options.schedule.warmup = 1;
  assert_another_run(other, "its schedule is");
  other = t;
  other.checkpoint.identity = "another folder of data";
  assert_another_run(other, "caller's identity");
  const char *held = getenv("FRUGAL_CPU");
  const bool plain = held != NULL && strcmp(held, "scalar") == 0;
  assert_int_equal(setenv("FRUGAL_CPU", plain ? "baseline" : "scalar", 1), 0);
  assert_another_run(t, "set of kernels");
  assert_int_equal(unsetenv("FRUGAL_CPU"), 0);
  assert_holds(folder, "checkpoint-6.safetensors", "checkpoint-7.safetensors");
  test_folder_remove(folder);
}

static void other_positive_weights_are_another_run(void **state) {
  (void)state;
  static const float lifted[] = {3, 1}, more[] = {4, 1};
  char *folder = test_folder_make();
  trial t = trial_of_everything(folder);
  t.options.loss = (fr_loss_options){.kind = FR_LOSS_BINARY, .positive_weight = lifted};
  run_until(t, 1);
  trial other = t;
  other.options.loss.positive_weight = more;
  assert_another_run(other, "its positive weights is");
  other.options.loss.positive_weight = NULL;
  assert_another_run(other, "this run's is 'none'");
  run_until(t, 2);
  test_folder_remove(folder);
}

typedef struct intruder {
  const trial *t;
  size_t refused;
} intruder;

static void intrude(void *self, const fr_epoch *epoch) {
  intruder *i = self;
  (void)epoch;
  outcome o = trial_run(i->t, NULL, NULL);
  assert_int_equal(o.status, FR_ERR_ARGUMENT);
  assert_non_null(strstr(o.err.text, "another run keeps its checkpoints in"));
  i->refused++;
  outcome_release(&o);
}

static void a_folder_is_one_runs_at_a_time(void **state) {
  (void)state;
  char *folder = test_folder_make();
  const trial t = trial_of_everything(folder);
  intruder i = {.t = &t};
  const fr_observer observer = {.self = &i, .epoch_done = intrude};
  outcome whole = run_undisturbed(t), o = trial_run(&t, &observer, NULL);
  assert_int_equal(i.refused, t.options.epochs);
  assert_same_outcome(&whole, &o);
  outcome again = trial_run(&t, NULL, NULL); /* it is free again */
  assert_int_equal(again.status, FR_OK);
  outcome_release(&whole);
  outcome_release(&o);
  outcome_release(&again);
  test_folder_remove(folder);
}

static const char *latin_note(void *self) {
  (void)self;
  return "\xfc"
         "ber";
}

static void texts_of_the_caller_may_be_no_utf8(void **state) {
  (void)state;
  char *folder = test_folder_make();
  trial t = trial_of_everything(folder), other = t;
  t.checkpoint.identity = "csv:\xfc.csv";
  other.checkpoint.identity = "csv:\xe4.csv";
  run_until(t, 1);
  assert_another_run(other, "caller's identity");
  run_until(t, 2);
  ears e = {0};
  const fr_observer observer = {.self = &e, .warning = on_warning};
  t.checkpoint.note = latin_note;
  t.checkpoint.resume = false;
  outcome o = trial_run(&t, &observer, NULL);
  assert_int_equal(o.status, FR_OK);
  assert_int_equal(e.warnings, 1);
  assert_non_null(strstr(e.warning[0], "note is no UTF-8 text"));
  outcome_release(&o);
  test_folder_remove(folder);
}

/* ---- damage ---- */

static unsigned char *read_all(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  unsigned char *bytes = malloc(*size);
  assert_int_equal(fread(bytes, 1, *size, file), *size);
  fclose(file);
  return bytes;
}

static void write_bytes(const char *path, const unsigned char *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static void the_older_stands_in_for_a_damaged_one(void **state) {
  (void)state;
  char *folder = test_folder_make();
  const trial t = trial_of_everything(folder);
  outcome whole = run_undisturbed(t);
  run_until(t, 9);
  size_t size;
  unsigned char *bytes = read_all(path_of(folder, "checkpoint-9.safetensors"), &size);
  bytes[size - 5] ^= 1; /* a bit of a moment */
  write_bytes(path_of(folder, "checkpoint-9.safetensors"), bytes, size);
  write_bytes(path_of(folder, "checkpoint-999.safetensors"), bytes, size / 2);
  free(bytes);
  ears e = {0};
  outcome o = run(t, &e);
  assert_same_outcome(&whole, &o);
  assert_int_equal(o.result.resumed_from, 8);
  assert_int_equal(e.warnings, 2);
  assert_non_null(strstr(e.warning[0], "checkpoint-999.safetensors' is truncated"));
  assert_non_null(strstr(e.warning[1], "checkpoint-9.safetensors' is damaged"));
  outcome_release(&o);
  outcome_release(&whole);
  test_folder_remove(folder);
}

static void it_starts_anew_where_none_is_good(void **state) {
  (void)state;
  char *folder = test_folder_make();
  const trial t = trial_of_everything(folder);
  outcome whole = run_undisturbed(t);
  write_bytes(path_of(folder, "checkpoint-3.safetensors"), (const unsigned char *)"", 0);
  assert_int_equal(mkdir(path_of(folder, "checkpoint-400.safetensors"), 0777), 0);
  ears e = {0};
  outcome o = run(t, &e);
  assert_same_outcome(&whole, &o);
  assert_int_equal(o.result.resumed_from, 0);
  assert_int_equal(e.warnings, 2);
  outcome_release(&o);
  outcome_release(&whole);
  test_folder_remove(folder);
}

/* A budget that says no at once shows what was read without training on. */
static enum fr_status peek(const trial *t, ears *e) {
  e->stop_after = 1;
  outcome o = run(*t, e);
  const enum fr_status status = o.status;
  if (status != FR_OK)
    assert_true(strlen(o.err.text) > 10);
  outcome_release(&o);
  return status;
}

static void no_damage_crashes(void **state) {
  (void)state;
  enum { MUTATIONS = 600 };
  char *folder = test_folder_make(), name[1024];
  trial t = trial_of_everything(folder);
  t.checkpoint.every_s = (double)INFINITY;
  run_until(t, 7);
  size_t size, passed_over = 0;
  snprintf(name, sizeof name, "%s", path_of(folder, "checkpoint-7.safetensors"));
  unsigned char *good = read_all(name, &size), *bytes = malloc(size);
  fr__rng rng;
  fr__rng_init(&rng, 20220915, 0);
  for (int i = 0; i < MUTATIONS; i++) {
    memcpy(bytes, good, size);
    const size_t length = i % 3 == 0 ? fr__rng_below(&rng, size) : size;
    for (size_t k = 0; k < 3; k++)
      bytes[fr__rng_below(&rng, i % 2 == 0 ? size : 1000)] =
          (unsigned char)fr__rng_below(&rng, 256);
    test_folder_remove(strdup(folder));
    assert_int_equal(mkdir(folder, 0777), 0);
    write_bytes(name, bytes, length);
    ears e = {0};
    assert_int_equal(peek(&t, &e), FR_OK);
    passed_over += e.warnings;
  }
  assert_int_equal(passed_over, MUTATIONS);
  free(bytes);
  free(good);
  test_folder_remove(folder);
}

/* Checkpoints with a true checksum over words that no run has written. */
static void no_state_that_is_made_up_crashes(void **state) {
  (void)state;
  enum { ROUNDS = 300, STATE = 16 };
  char *folder = test_folder_make(), name[1024];
  trial t = trial_of_everything(folder);
  t.checkpoint.every_s = (double)INFINITY;
  run_until(t, 7);
  snprintf(name, sizeof name, "%s", path_of(folder, "checkpoint-7.safetensors"));
  size_t size, passed_over = 0;
  unsigned char *good = read_all(name, &size);
  fr__rng rng;
  fr__rng_init(&rng, 5, 0);
  for (int i = 0; i < ROUNDS; i++) {
    test_folder_remove(strdup(folder));
    assert_int_equal(mkdir(folder, 0777), 0);
    write_bytes(name, good, size);
    fr__safetensors file;
    fr_error err = {.text = ""};
    fr__safetensors_open_sealed(&file, name, &err);
    assert_string_equal(err.text, "");
    uint64_t words[STATE], history[64];
    const size_t count = fr__safetensors_word_count(&file, "history");
    assert_int_equal(fr__safetensors_word_count(&file, "state"), STATE);
    assert_true(count < 64);
    const fr__words all[] = {{"state", words, STATE}, {"history", history, count}};
    fr__safetensors_fill_words(&file, &all[0]);
    fr__safetensors_fill_words(&file, &all[1]);
    const uint64_t odd[] = {0, 1, 2, 5, 25, 150, UINT64_MAX, fr__rng_next(&rng)};
    words[fr__rng_below(&rng, STATE)] = odd[fr__rng_below(&rng, 8)];
    words[fr__rng_below(&rng, STATE)] += odd[fr__rng_below(&rng, 8)];
    history[fr__rng_below(&rng, count)] = odd[fr__rng_below(&rng, 8)];
    /* No tensors are needed: words are judged first. */
    json_t *metadata = json_deep_copy(json_object_get(file.header, "__metadata__"));
    assert_int_equal(fr__safetensors_write_sealed(name, metadata, all, 2, NULL, 0, NULL),
                     FR_OK);
    json_decref(metadata);
    fr__safetensors_release(&file);
    ears e = {0};
    assert_int_equal(peek(&t, &e), FR_OK);
    passed_over += e.warnings;
  }
  assert_int_equal(passed_over, ROUNDS);
  free(good);
  test_folder_remove(folder);
}

/* ---- disks ---- */

static void a_full_disk_leaves_the_last_good_one(void **state) {
  (void)state;
  char *folder = test_folder_make();
  const trial t = trial_of_everything(folder);
  outcome whole = run_undisturbed(t);
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
  ears e = {.limit = true};
  outcome o = run(t, &e);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
  signal(SIGXFSZ, handler);
  assert_same_outcome(&whole, &o); /* training itself goes on */
  assert_int_equal(e.warnings, 1); /* and says it once */
  assert_non_null(strstr(e.warning[0], "cannot be written"));
  assert_holds(folder, "checkpoint-8.safetensors", "checkpoint-9.safetensors");
  outcome_release(&o);
  e = (ears){0};
  o = run(t, &e);
  assert_same_outcome(&whole, &o);
  assert_int_equal(o.result.resumed_from, 9);
  outcome_release(&o);
  outcome_release(&whole);
  test_folder_remove(folder);
}

static void a_folder_that_cannot_be_made_is_told_at_once(void **state) {
  (void)state;
  trial t = trial_of_everything("/dev/null/checkpoints");
  ears e = {0};
  outcome o = run(t, &e);
  assert_true(o.status != FR_OK);
  assert_non_null(strstr(o.err.text, "/dev/null"));
  assert_int_equal(e.steps, 0);
  outcome_release(&o);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_newest_two_stay),
      cmocka_unit_test(others_go_once_there_is_one),
      cmocka_unit_test(a_finished_run_is_left_as_it_is),
      cmocka_unit_test(a_larger_budget_goes_on_where_it_ended),
      cmocka_unit_test(an_interruption_is_taken_up),
      cmocka_unit_test(another_run_is_refused_with_what_differs),
      cmocka_unit_test(other_positive_weights_are_another_run),
      cmocka_unit_test(a_folder_is_one_runs_at_a_time),
      cmocka_unit_test(texts_of_the_caller_may_be_no_utf8),
      cmocka_unit_test(the_older_stands_in_for_a_damaged_one),
      cmocka_unit_test(it_starts_anew_where_none_is_good),
      cmocka_unit_test(no_damage_crashes),
      cmocka_unit_test(no_state_that_is_made_up_crashes),
      cmocka_unit_test(a_full_disk_leaves_the_last_good_one),
      cmocka_unit_test(a_folder_that_cannot_be_made_is_told_at_once),
  };
  return cmocka_run_group_tests_name("train/checkpoint", tests, NULL, NULL);
}
