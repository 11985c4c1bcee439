/* SPDX-License-Identifier: Apache-2.0 */
/* Archives that lie, lines without end, and damage in every byte: a sentence, never a
 * crash. */
#include "input.h"

#include "../golden/gestures.h"
#include "base/rng.h"
#include "gestures_made.h"

#define ENTRY "A/wlk_7/sub_3.csv"

static const char rows[] = MOTION_HEADER MOTION_ROW("0") MOTION_ROW("1");

static void a_zip_bomb_is_refused(void **state) {
  (void)state;
  const size_t size = (size_t)40 << 20;
  char *const zeros = calloc(size, 1);
  assert_non_null(zeros);
  memset(zeros, '0', size);
  const input_entry entry = {.name = ENTRY, .bytes = zeros, .size = size};
  input_zip("bomb.zip", &entry, 1);
  input_refused(input_spec("motionsense", "bomb.zip", ""), FR_ERR_LIMIT,
                "'" ENTRY "': the input unpacks to more than 100 times its size");
  input_gzip("bomb.csv.gz", zeros, size);
  input_refused(input_spec("csv", "bomb.csv.gz", ""), FR_ERR_LIMIT,
                "'bomb.csv.gz': the input unpacks to more than 100 times its size");
  free(zeros);
}

static void a_truncated_gzip_is_refused(void **state) {
  (void)state;
  char text[4096] = "x\n", *bytes = NULL;
  size_t n = 2, size = 0;
  fr__rng rng;
  fr__rng_init(&rng, 1, 0);
  while (n < sizeof text - 30)
    n += (size_t)snprintf(text + n, 30, "%.9f\n", fr__rng_uniform(&rng));
  input_gzip("whole.csv.gz", text, n);
  ASSERT_OK(fr__file_read(input_path("whole.csv.gz"), 1 << 20, &bytes, &size, err));
  fr_data_free(input_open(input_spec("csv", "whole.csv.gz", "")));
  input_write("part.csv.gz", bytes, size / 2);
  input_refused(input_spec("csv", "part.csv.gz", ""), FR_ERR_FORMAT,
                "'part.csv.gz' cannot be unpacked: truncated gzip input");
  input_write("head.csv.gz", bytes, 3);
  fr_dataset *data = NULL;
  assert_int_equal(fr_data_open(input_spec("csv", "head.csv.gz", ""), NULL, &data, NULL),
                   FR_ERR_FORMAT);
  free(bytes);
}

static void a_truncated_zip_is_refused(void **state) {
  (void)state;
  char *bytes = NULL;
  size_t size = 0;
  const input_entry entry = {.name = ENTRY, .bytes = rows};
  input_zip("whole.zip", &entry, 1);
  ASSERT_OK(fr__file_read(input_path("whole.zip"), 1 << 20, &bytes, &size, err));
  for (size_t cut = 0; cut + 23 < size; cut += 5) {
    fr_error error = {0};
    fr_dataset *data = NULL;
    input_write("part.zip", bytes, cut);
    const enum fr_status status =
        fr_data_open(input_spec("motionsense", "part.zip", ""), NULL, &data, &error);
    /* libarchive reads on without the directory at the end: whole or a sentence */
    if (status == FR_OK)
      assert_int_equal(data->record[0].steps, 2);
    else
      assert_true(strlen(error.text) > 0);
    fr_data_free(data);
  }
  free(bytes);
}

static void a_line_of_ten_megabytes_is_refused(void **state) {
  (void)state;
  const size_t size = (size_t)10 << 20;
  char *const line = malloc(size);
  assert_non_null(line);
  memset(line, '7', size);
  memcpy(line, "x\n", 2);
  input_write("long.csv", line, size);
  input_refused(input_spec("csv", "long.csv", ""), FR_ERR_LIMIT,
                "long.csv:2: a line of more than 1048576 bytes");
  memcpy(line, rows, strlen(rows));
  input_write("l/wlk_7/sub_3.csv", line, size);
  input_refused(input_spec("motionsense", "l", ""), FR_ERR_LIMIT,
                "wlk_7/sub_3.csv:4: a line of more than 1048576 bytes");
  free(line);
}

static void other_things_are_no_data(void **state) {
  (void)state;
  input_text("e/wlk_7/readme.txt", "nothing");
  input_refused(input_spec("motionsense", "e", ""), FR_ERR_NOT_FOUND,
                "*' holds no such recording");
  input_text("no.zip", "not a zip at all, though it is named so");
  fr_dataset *data = NULL;
  assert_int_equal(
      fr_data_open(input_spec("motionsense", "no.zip", ""), NULL, &data, NULL),
      FR_ERR_FORMAT);
  input_refused("csv:/dev/null", FR_ERR_ARGUMENT,
                "'/dev/null' is neither a file nor a folder");
}

/* Opens what `bytes` makes of the file: any outcome is good that is a data set or a
 * sentence. */
static void try_bytes(const char *name, const char *spec, const char *bytes,
                      size_t size) {
  fr_error error = {0};
  fr_dataset *data = NULL;
  input_write(name, bytes, size);
  if (fr_data_open(spec, NULL, &data, &error) == FR_OK)
    assert_non_null(data);
  else
    assert_true(data == NULL && strlen(error.text) > 0);
  fr_data_free(data);
}

/* `count` times one to four bytes at random places replaced by what parsers trip over. */
static void mutate(const char *name, const char *spec, const char *whole, size_t size,
                   size_t count) {
  static const char nasty[] = "\0\n\r\",.-+eE0959 \x1f\x7f\x80\xff";
  char *const bytes = malloc(size + 1);
  assert_non_null(bytes);
  fr__rng rng;
  fr__rng_init(&rng, 11, count);
  for (size_t i = 0; i < count; i++) {
    memcpy(bytes, whole, size);
    for (size_t k = 0; k <= i % 4; k++)
      bytes[i % 4 == 0 && i / 4 < size ? i / 4 : fr__rng_below(&rng, size)] =
          i % 3 == 0 ? (char)fr__rng_below(&rng, 256)
                     : nasty[fr__rng_below(&rng, sizeof nasty - 1)];
    try_bytes(name, spec, bytes, i % 7 == 0 ? fr__rng_below(&rng, size + 1) : size);
  }
  free(bytes);
}

static void damaged_text_never_crashes(void **state) {
  (void)state;
  static const char table[] = "t,who,what,x,y\n0,ann,w,1.5,-2e3\n1,ann,w,\"3\",4\n"
                              "2,bob,s,5,6\n3,bob,,7,\"8\"\n";
  char spec[700];
  snprintf(spec, sizeof spec, "%s",
           input_spec("csv", "m.csv", "time=t&subject=who&label=what"));
  mutate("m.csv", spec, table, strlen(table), 1500);
  snprintf(spec, sizeof spec, "%s", input_spec("motionsense", "m", ""));
  mutate("m/wlk_7/sub_3.csv", spec, rows, strlen(rows), 1500);
  static const char minutes[] = "timestamp,raw_acc:m,label:SITTING\n1,,1\n61,2,nan\n";
  snprintf(spec, sizeof spec, "%s", input_spec("extrasensory", "x", ""));
  mutate("x/A.features_labels.csv", spec, minutes, strlen(minutes), 1000);
}

static void damaged_archives_never_crash(void **state) {
  (void)state;
  char spec[700], *bytes = NULL;
  size_t size = 0;
  const input_entry entries[] = {{.name = ENTRY, .bytes = rows},
                                 {.name = "A/sit_5/sub_3.csv", .bytes = rows}};
  input_zip("w.zip", entries, 2);
  ASSERT_OK(fr__file_read(input_path("w.zip"), 1 << 20, &bytes, &size, err));
  snprintf(spec, sizeof spec, "%s", input_spec("motionsense", "n.zip", ""));
  mutate("n.zip", spec, bytes, size, 2500);
  free(bytes);
  input_gzip("w.csv.gz", "x\n1\n2\n3\n4\n", 10);
  ASSERT_OK(fr__file_read(input_path("w.csv.gz"), 1 << 20, &bytes, &size, err));
  snprintf(spec, sizeof spec, "%s", input_spec("csv", "n.csv.gz", ""));
  mutate("n.csv.gz", spec, bytes, size, 500);
  free(bytes);
}

/* Arrays, their index, frames, tables of shapes, and what their classes are called. */
static void damaged_key_points_never_crash(void **state) {
  (void)state;
  static const char index[] = "row,action,root,sequence\n0,\"hi, you\",x,0\n1,go,x,0\n"
                              "2,go,x,1\n3,go,x,10\n";
  static const char labels[] = "\xef\xbb\xbfone\r\n\"two\"\r\n";
  char spec[700], shapes[2048];
  size_t size = 0, n = 0;
  char *const whole = (char *)made_bytes(MADE(packed), 4, 3, 42, 4, false, false, &size);
  const char *const options = "signs=hi, you,go&no_sign=1&parts=hands";
  snprintf(spec, sizeof spec, "%s", input_spec("keypoints", "k", options));
  input_text("k/x.index.csv", index);
  mutate("k/x.npy", spec, whole, size, 2000);
  input_write("k/x.npy", whole, size);
  mutate("k/x.index.csv", spec, index, strlen(index), 1500);
  const input_entry entries[] = {{"k/x.index.csv", index, 0}, {"k/x.npy", whole, size}};
  input_zip("k1.zip", entries, 2);
  free(whole);
  char *bytes = NULL;
  ASSERT_OK(fr__file_read(input_path("k1.zip"), 1 << 20, &bytes, &size, err));
  snprintf(spec, sizeof spec, "%s", input_spec("keypoints", "k2.zip", ""));
  mutate("k2.zip", spec, bytes, size, 1500);
  free(bytes);
  made_array("f/go/0/1.npy", MADE(row), 1, 1, 63, 4, false, false);
  ASSERT_OK(fr__file_read(input_path("f/go/0/1.npy"), 1 << 20, &bytes, &size, err));
  snprintf(spec, sizeof spec, "%s", input_spec("keypoints", "f", ""));
  mutate("f/go/0/2.npy", spec, bytes, size, 1000);
  free(bytes);
  for (int r = 0; r < 3; r++) {
    n += (size_t)snprintf(shapes + n, 60, "%d", r % 2);
    for (int c = 0; c < 42; c++)
      n += (size_t)snprintf(shapes + n, 20, ",0.%d", c);
    n += (size_t)snprintf(shapes + n, 3, "\r\n");
  }
  input_text("h/a_label.csv", labels);
  snprintf(spec, sizeof spec, "%s", input_spec("keypoints", "h", "signs=one"));
  mutate("h/a.csv", spec, shapes, n, 1000);
  input_write("h/a.csv", shapes, n);
  mutate("h/a_label.csv", spec, labels, strlen(labels), 500);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_zip_bomb_is_refused),
      cmocka_unit_test(a_truncated_gzip_is_refused),
      cmocka_unit_test(a_truncated_zip_is_refused),
      cmocka_unit_test(a_line_of_ten_megabytes_is_refused),
      cmocka_unit_test(other_things_are_no_data),
      cmocka_unit_test(damaged_text_never_crashes),
      cmocka_unit_test(damaged_archives_never_crash),
      cmocka_unit_test(damaged_key_points_never_crash),
  };
  return cmocka_run_group_tests(tests, input_setup, input_teardown);
}
