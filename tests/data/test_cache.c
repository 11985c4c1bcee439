/* SPDX-License-Identifier: Apache-2.0 */
/* Prepared copies: the same data again, and never anything else. */
#include "input.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/cache.h"

static const char text[] = "who,what,n,x,y\nann,w,1,1,2\nann,w,1,3,4\nbob,s,2,5,6\n";
static const char options[] = "subject=who&label=what&trial=n&rate=4";

static fr_dataset *open_cached(const char *spec) {
  const fr_data_options with = {.cache = input_path("cache")};
  fr_dataset *data = NULL;
  ASSERT_OK(fr_data_open(spec, &with, &data, err));
  return data;
}

/* How many files the cache holds; the last one's path in *path. */
static size_t list_cache(char path[600]) {
  size_t count = 0;
  DIR *const folder = opendir(input_path("cache"));
  const struct dirent *entry = NULL;
  while (folder != NULL && (entry = readdir(folder)) != NULL) {
    if (entry->d_name[0] == '.')
      continue;
    count++;
    snprintf(path, 600, "%s/%.200s", input_path("cache"), entry->d_name);
  }
  if (folder != NULL)
    closedir(folder);
  return count;
}

static void empty_cache(void) {
  char path[600];
  while (list_cache(path) > 0)
    assert_int_equal(unlink(path), 0);
}

static void assert_same(const fr_dataset *a, const fr_dataset *b) {
  assert_true(a->digest == b->digest);
  assert_string_equal(a->spec, b->spec);
  assert_string_equal(a->kind, b->kind);
  assert_string_equal(a->split, b->split);
  assert_true(a->rate_hz == b->rate_hz);
  assert_int_equal(a->count, b->count);
  assert_string_equal(a->channels.name[1], b->channels.name[1]);
  for (size_t i = 0; i < a->count; i++) {
    const fr_record *const r = &a->record[i], *const s = &b->record[i];
    assert_int_equal(r->steps, s->steps);
    assert_string_equal(a->subjects.name[r->subject], b->subjects.name[s->subject]);
    assert_string_equal(a->trials.name[r->trial], b->trials.name[s->trial]);
    assert_string_equal(a->activities.name[r->activity], b->activities.name[s->activity]);
    assert_true(r->start_s == s->start_s && r->span_s == s->span_s);
    assert_memory_equal(r->values, s->values, r->steps * 2 * sizeof(float));
  }
}

static void a_second_open_gives_the_same(void **state) {
  (void)state;
  input_text("a.csv", text);
  const char *const spec = input_spec("csv", "a.csv", options);
  fr_dataset *const fresh = input_open(spec);
  for (int i = 0; i < 3; i++) {
    fr_dataset *const data = open_cached(spec);
    assert_same(data, fresh);
    fr_data_free(data);
  }
  char path[600];
  assert_int_equal(list_cache(path), 1);
  fr_data_free(fresh);
  empty_cache();
}

/* The copy is what is read: planted values of another input, under its name, come back.
 */
static void the_copy_is_really_used(void **state) {
  (void)state;
  char a[600], b[600];
  input_text("a.csv", text);
  const char *const spec = input_spec("csv", "a.csv", options);
  fr_data_free(open_cached(spec));
  assert_int_equal(list_cache(a), 1);
  assert_int_equal(rename(a, input_path("kept")), 0);
  input_text("b.csv", "x\n42\n");
  fr_data_free(open_cached(input_spec("csv", "b.csv", "")));
  assert_int_equal(list_cache(b), 1);
  assert_int_equal(rename(b, a), 0);
  fr_dataset *const data = open_cached(spec);
  assert_true(data->count == 1 && data->values[0] == 42);
  fr_data_free(data);
  empty_cache();
}

static void a_changed_input_is_read_again(void **state) {
  (void)state;
  input_text("c.csv", "x\n1\n");
  fr_data_free(open_cached(input_spec("csv", "c.csv", "")));
  input_text("c.csv", "x\n2\n");
  const struct timespec later[2] = {{.tv_sec = 2000000000}, {.tv_sec = 2000000000}};
  assert_int_equal(utimensat(AT_FDCWD, input_path("c.csv"), later, 0), 0);
  fr_dataset *data = open_cached(input_spec("csv", "c.csv", ""));
  assert_true(data->values[0] == 2);
  fr_data_free(data);
  data = open_cached(input_spec("csv", "c.csv", "rate=2"));
  assert_true(data->rate_hz == 2);
  fr_data_free(data);
  empty_cache();
}

/* Whatever byte of the copy is wrong, and wherever it ends: the input is read. */
static void a_damaged_copy_is_not_there(void **state) {
  (void)state;
  char path[600], *bytes = NULL;
  size_t size = 0;
  input_text("a.csv", text);
  const char *const spec = input_spec("csv", "a.csv", options);
  fr_dataset *const fresh = input_open(spec);
  fr_data_free(open_cached(spec));
  assert_int_equal(list_cache(path), 1);
  ASSERT_OK(fr__file_read(path, 1 << 20, &bytes, &size, err));
  const char *const name = path + strlen(input_folder) + 1;
  for (size_t i = 0; i < 2 * size; i++) {
    bytes[i / 2] ^= i % 2 == 0 ? 0x41 : 0;
    input_write(name, bytes, i % 2 == 0 ? size : i / 2);
    bytes[i / 2] ^= i % 2 == 0 ? 0x41 : 0;
    fr_dataset *const data = open_cached(spec);
    assert_same(data, fresh);
    fr_data_free(data);
  }
  free(bytes);
  fr_data_free(fresh);
  empty_cache();
}

/* How a data set was made of frames stays with it: kept and copied. Features of frames
 * have no other rate. */
static void window_and_frames_are_kept(void **state) {
  (void)state;
  fr__spec spec;
  fr_dataset *copy = NULL, *slower = NULL;
  input_text("a.csv", text);
  ASSERT_OK(fr__spec_parse(input_spec("csv", "a.csv", options), &spec, err));
  fr_dataset *const data = input_open(spec.whole);
  const uint64_t without = data->digest;
  data->window = 30;
  data->frames = strdup("layout=126");
  assert_true(data->digest == without && fr__dataset_digest(data) != without);
  fr__cache_save(input_path("cache/x"), data);
  fr_dataset *const kept = fr__cache_load(input_path("cache/x"), &spec, &fr__reader_csv);
  assert_non_null(kept);
  ASSERT_OK(fr_dataset_copy(data, &copy, err));
  assert_int_equal(fr_dataset_resample(data, 2, &slower, NULL), FR_ERR_ARGUMENT);
  free(data->frames);
  data->frames = NULL;
  ASSERT_OK(fr_dataset_resample(data, 2, &slower, err));
  assert_true(kept->window == 30 && copy->window == 30 && slower->window == 15);
  assert_string_equal(kept->frames, "layout=126");
  assert_string_equal(copy->frames, "layout=126");
  fr_data_free(slower);
  fr_data_free(copy);
  fr_data_free(kept);
  fr_data_free(data);
  fr__spec_release(&spec);
  empty_cache();
}

static void a_cache_that_cannot_be_written_is_no_error(void **state) {
  (void)state;
  input_text("a.csv", text);
  input_text("file", "a file where a folder would be");
  const fr_data_options with = {.cache = input_path("file/below")};
  fr_dataset *data = NULL;
  ASSERT_OK(fr_data_open(input_spec("csv", "a.csv", options), &with, &data, err));
  assert_int_equal(data->count, 2);
  fr_data_free(data);
}

static void labels_and_missing_values_are_kept(void **state) {
  (void)state;
  input_text("e/A.features_labels.csv",
             "timestamp,raw_acc:mean,label:SITTING\n100,,1\n160,2,\n");
  const char *const spec = input_spec("extrasensory", "e", "");
  fr_data_free(open_cached(spec));
  fr_dataset *const data = open_cached(spec);
  assert_int_equal(data->labels.count, 1);
  assert_int_equal(data->label[0], 1);
  assert_int_equal(data->label[1], -1);
  assert_true(data->values[0] != data->values[0] && data->values[1] == 2);
  assert_true(data->record[1].trial == FR_NONE);
  fr_data_free(data);
  empty_cache();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_second_open_gives_the_same),
      cmocka_unit_test(the_copy_is_really_used),
      cmocka_unit_test(a_changed_input_is_read_again),
      cmocka_unit_test(a_damaged_copy_is_not_there),
      cmocka_unit_test(window_and_frames_are_kept),
      cmocka_unit_test(a_cache_that_cannot_be_written_is_no_error),
      cmocka_unit_test(labels_and_missing_values_are_kept),
  };
  return cmocka_run_group_tests(tests, input_setup, input_teardown);
}
