/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs of frozen layers are the same wherever they are kept; files leave nothing
 * behind but what the cache is to find again; a full disk is a sentence (the linker wraps
 * posix_fallocate: see meson.build). */
#include "checkpointed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { FROZEN = 3, HIDDEN = 6, BYTES = 2 * TOY_COUNT * HIDDEN * 4 };

static const char arch[] = "dense(6) bn tanh dropout(0.1) dense(5) relu dense(classes)";

static bool full; /* the disk */

/* The C library knows the call by two names. */
int __wrap_posix_fallocate(int file, off_t at, off_t size);
int __wrap_posix_fallocate64(int file, off_t at, off_t size);

int __wrap_posix_fallocate(int file, off_t at, off_t size) {
  return full ? ENOSPC : at != 0 || ftruncate(file, size) != 0 ? EIO : 0;
}

int __wrap_posix_fallocate64(int file, off_t at, off_t size) {
  return __wrap_posix_fallocate(file, at, size);
}

static trial trial_in(enum fr_keep where, const char *folder) {
  trial t = {.arch = arch, .validated = true, .options = fr_train_default_options()};
  t.options.epochs = 4;
  t.options.batch = 16;
  t.options.first_trained = FROZEN;
  t.options.keep = (fr_keep_options){.where = where, .folder = folder};
  return t;
}

/* Names that end so; *one is the path of the last of them. */
static size_t count_files(const char *folder, const char *end, char *one) {
  DIR *at = opendir(folder);
  const struct dirent *entry;
  size_t count = 0;
  assert_non_null(at);
  while ((entry = readdir(at)) != NULL) {
    const size_t size = strlen(entry->d_name), tail = strlen(end);
    if (entry->d_name[0] == '.' && size < 3)
      continue;
    if (size < tail || strcmp(entry->d_name + size - tail, end) != 0)
      continue;
    count++;
    if (one != NULL)
      snprintf(one, 600, "%s/%s", folder, entry->d_name);
  }
  closedir(at);
  return count;
}

static void assert_kept(const outcome *o, enum fr_keep where, size_t reused) {
  assert_int_equal(o->status, FR_OK);
  assert_int_equal(o->result.kept.where, where);
  assert_int_equal(o->result.kept.bytes, BYTES);
  assert_int_equal(o->result.kept.reused, reused);
}

static void a_file_gives_what_memory_gives_and_leaves_nothing(void **state) {
  (void)state;
  char *folder = test_folder_make();
  setenv("TMPDIR", folder, 1);
  trial t = trial_in(FR_KEEP_MEMORY, NULL);
  outcome memory = trial_run(&t, NULL, NULL);
  t = trial_in(FR_KEEP_MAPPED, NULL);
  outcome mapped = trial_run(&t, NULL, NULL);
  assert_kept(&memory, FR_KEEP_MEMORY, 0);
  assert_kept(&mapped, FR_KEEP_MAPPED, 0);
  assert_same_outcome(&memory, &mapped);
  assert_int_equal(count_files(folder, "", NULL), 0);
  outcome_release(&memory);
  outcome_release(&mapped);
  unsetenv("TMPDIR");
  test_folder_remove(folder);
}

static size_t there; /* files with a name while layers are run */

static void look(void *self, const char *name) {
  if (strcmp(name, "forward") == 0)
    there += count_files(self, "", NULL);
}

static void the_file_has_no_name(void **state) {
  (void)state;
  char *folder = test_folder_make();
  setenv("TMPDIR", folder, 1);
  const trial t = trial_in(FR_KEEP_MAPPED, NULL);
  const fr_observer observer = {.self = folder, .phase_begin = look};
  outcome o = trial_run(&t, &observer, NULL);
  assert_int_equal(o.status, FR_OK);
  assert_int_equal(there, 0);
  outcome_release(&o);
  unsetenv("TMPDIR");
  test_folder_remove(folder);
}

static void beyond_the_limit_they_are_mapped(void **state) {
  (void)state;
  trial t = trial_in(FR_KEEP_AUTO, NULL);
  t.options.keep.limit = BYTES;
  outcome fits = trial_run(&t, NULL, NULL);
  assert_kept(&fits, FR_KEEP_MEMORY, 0);
  t.options.keep.limit = BYTES - 1; /* the validation side is one byte too much */
  outcome part = trial_run(&t, NULL, NULL);
  assert_kept(&part, FR_KEEP_MAPPED, 0);
  assert_same_outcome(&fits, &part);
  outcome_release(&fits);
  outcome_release(&part);
}

static void a_full_disk_is_a_sentence(void **state) {
  (void)state;
  char *folder = test_folder_make();
  setenv("TMPDIR", folder, 1);
  const trial t = trial_in(FR_KEEP_MAPPED, NULL);
  full = true;
  outcome o = trial_run(&t, NULL, NULL);
  full = false;
  assert_int_equal(o.status, FR_ERR_IO);
  assert_non_null(strstr(o.err.text, folder));
  assert_non_null(strstr(o.err.text, "1 MiB"));
  assert_non_null(strstr(o.err.text, "No space left on device"));
  assert_int_equal(count_files(folder, "", NULL), 0);
  outcome_release(&o);
  unsetenv("TMPDIR");
  test_folder_remove(folder);
}

static void a_later_run_finds_them_in_the_cache(void **state) {
  (void)state;
  char *folder = test_folder_make();
  const trial t = trial_in(FR_KEEP_CACHE, folder), plain = trial_in(FR_KEEP_MEMORY, NULL);
  outcome memory = trial_run(&plain, NULL, NULL);
  outcome first = trial_run(&t, NULL, NULL);
  assert_kept(&first, FR_KEEP_CACHE, 0);
  assert_same_outcome(&memory, &first);
  assert_int_equal(count_files(folder, "", NULL), 2); /* both sides */
  outcome second = trial_run(&t, NULL, NULL);
  assert_kept(&second, FR_KEEP_CACHE, BYTES);
  assert_true(toy_same_weights(first.net, second.net));
  /* dense(6): 2 (2 · 6), and its bias; bn: 2; tanh: 1 of each of 6 */
  const uint64_t frozen = first.result.operations - second.result.operations;
  fr_net *net = toy_net(arch, 5);
  uint64_t each = 0;
  for (size_t layer = 0; layer < FROZEN; layer++)
    each += fr_net_layer_operations(net, layer);
  assert_true(each > 0 && frozen == 2 * TOY_COUNT * each);
  fr_net_free(net);
  outcome_release(&memory);
  outcome_release(&first);
  outcome_release(&second);
  test_folder_remove(folder);
}

static void damage(const char *path, off_t at) {
  const int file = open(path, O_RDWR);
  char byte = 0;
  assert_true(file >= 0 && pread(file, &byte, 1, at) == 1);
  byte = (char)(byte ^ 1);
  assert_int_equal(pwrite(file, &byte, 1, at), 1);
  close(file);
}

static void a_damaged_file_is_computed_anew(void **state) {
  (void)state;
  char *folder = test_folder_make(), path[600];
  const trial t = trial_in(FR_KEEP_CACHE, folder);
  outcome first = trial_run(&t, NULL, NULL);
  static const off_t places[] = {0, 8, 16, 24, 32, 4096, 4096 + BYTES / 2 - 1};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    assert_int_equal(count_files(folder, ".cache", path), 2);
    damage(path, places[i]);
    outcome again = trial_run(&t, NULL, NULL);
    assert_kept(&again, FR_KEEP_CACHE, BYTES / 2);
    assert_true(toy_same_weights(first.net, again.net));
    outcome_release(&again);
    again = trial_run(&t, NULL, NULL);
    assert_kept(&again, FR_KEEP_CACHE, BYTES);
    outcome_release(&again);
  }
  assert_int_equal(truncate(path, 4096), 0);
  outcome again = trial_run(&t, NULL, NULL);
  assert_kept(&again, FR_KEEP_CACHE, BYTES / 2);
  outcome_release(&again);
  outcome_release(&first);
  test_folder_remove(folder);
}

static void another_network_or_batch_finds_nothing(void **state) {
  (void)state;
  char *folder = test_folder_make();
  trial t = trial_in(FR_KEEP_CACHE, folder);
  outcome o = trial_run(&t, NULL, NULL);
  outcome_release(&o);
  t.arch = "dense(6) bn sigmoid dropout(0.1) dense(5) relu dense(classes)";
  o = trial_run(&t, NULL, NULL);
  assert_kept(&o, FR_KEEP_CACHE, 0);
  outcome_release(&o);
  t = trial_in(FR_KEEP_CACHE, folder);
  t.options.precision = FR_TRAIN_BF16;
  o = trial_run(&t, NULL, NULL);
  assert_kept(&o, FR_KEEP_CACHE, 0);
  outcome_release(&o);
  /* what is behind the frozen layers makes no difference */
  t = trial_in(FR_KEEP_CACHE, folder);
  t.arch = "dense(6) bn tanh dropout(0.5) dense(classes)";
  o = trial_run(&t, NULL, NULL);
  assert_kept(&o, FR_KEEP_CACHE, BYTES);
  outcome_release(&o);
  test_folder_remove(folder);
}

static char warned[512];

static void on_warning(void *self, const char *text) {
  (void)self;
  snprintf(warned, sizeof warned, "%s", text);
}

static void without_a_cache_there_is_memory(void **state) {
  (void)state;
  const trial t = trial_in(FR_KEEP_CACHE, "/proc/nowhere");
  const fr_observer observer = {.warning = on_warning};
  outcome o = trial_run(&t, &observer, NULL);
  assert_kept(&o, FR_KEEP_MEMORY, 0);
  assert_non_null(strstr(warned, "/proc/nowhere"));
  outcome_release(&o);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_file_gives_what_memory_gives_and_leaves_nothing),
      cmocka_unit_test(the_file_has_no_name),
      cmocka_unit_test(beyond_the_limit_they_are_mapped),
      cmocka_unit_test(a_full_disk_is_a_sentence),
      cmocka_unit_test(a_later_run_finds_them_in_the_cache),
      cmocka_unit_test(a_damaged_file_is_computed_anew),
      cmocka_unit_test(another_network_or_batch_finds_nothing),
      cmocka_unit_test(without_a_cache_there_is_memory),
  };
  return cmocka_run_group_tests_name("train/keep", tests, NULL, NULL);
}
