/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are no models, or lie: each ends in one sentence that names the file. */
#include "fixture.h"

#include <math.h>

/* clang-format off */
#define META \
  "\"__metadata__\":{\"architecture\":\"dense(2)\",\"input\":\"[1,3]\"," \
  "\"classes\":\"[\\\"a\\\",\\\"b\\\"]\",\"channels\":\"[]\"," \
  "\"window\":\"1\",\"step\":\"1\",\"seed\":\"1\",\"rate_hz\":\"0\"}"
/* clang-format on */

/* Tensors of dense(2) on three channels, as the network lays them out. */
static char weight_shape[32];

enum { FILE_CEILING = 1 << 16, DATA_SIZE = (6 + 2) * 4 };

/* Writes a file of that header, with `size` bytes of zeros behind it. */
static void write_file(const char *header, size_t size) {
  static unsigned char bytes[FILE_CEILING];
  const size_t length = strlen(header);
  assert_true(8 + length + size <= sizeof bytes);
  memset(bytes, 0, sizeof bytes);
  bytes[0] = (unsigned char)(length & 255);
  bytes[1] = (unsigned char)(length >> 8);
  memcpy(bytes + 8, header, length);
  fixture_write(bytes, 8 + length + size);
}

static void assert_load(enum fr_status status, const char *word) {
  fr_model model = {.seed = 42};
  fr_error err = {.text = ""};
  const enum fr_status got = fr_model_load(&model, fixture_path(), &err);
  if (status == FR_OK) {
    assert_string_equal(err.text, "");
    fr_model_release(&model);
  } else {
    if (strstr(err.text, word) == NULL)
      print_error("'%s' does not say '%s'\n", err.text, word);
    assert_non_null(strstr(err.text, word));
    assert_non_null(strstr(err.text, fixture_path()));
    assert_true(model.seed == 42 && model.net == NULL);
  }
  assert_int_equal(got, status);
}

static void refuse(const char *header, size_t size, const char *word) {
  write_file(header, size);
  assert_load(FR_ERR_FORMAT, word);
}

/* A header of dense(2)'s two tensors, with those fields. */
static const char *header_of(const char *weight, const char *bias) {
  static char text[4096];
  snprintf(text, sizeof text, "{" META ",\"0.weight\":{%s},\"0.bias\":{%s}}", weight,
           bias);
  return text;
}

static const char *entry(const char *type, const char *shape, const char *offsets) {
  static char text[4][256]; /* so that one call may name several */
  static size_t next;
  next = (next + 1) % 4;
  snprintf(text[next], sizeof text[next],
           "\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s", type, shape, offsets);
  return text[next];
}

/* How the network shapes its weight: (2, 3) or (3, 2). */
static int learn_layout(void **state) {
  fr_net *net;
  if (fr_net_new("dense(2)", (fr_shape){1, 3}, 2, &net, NULL) != FR_OK)
    return 1;
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  snprintf(weight_shape, sizeof weight_shape, "[%zu,%zu]", tensor[0].shape[0],
           tensor[0].shape[1]);
  fr_net_free(net);
  return fixture_setup(state);
}

static void a_file_written_by_hand_loads(void **state) {
  (void)state;
  write_file(
      header_of(entry("F32", weight_shape, "[0,24]"), entry("F32", "[2]", "[24,32]")),
      DATA_SIZE);
  assert_load(FR_OK, "");
  /* the order of the tensors in the file is free */
  write_file(
      header_of(entry("F32", weight_shape, "[8,32]"), entry("F32", "[2]", "[0,8]")),
      DATA_SIZE);
  assert_load(FR_OK, "");
}

static void a_bad_header_is_refused(void **state) {
  (void)state;
  fixture_write("\x05\0\0", 3);
  assert_load(FR_ERR_FORMAT, "no model");
  fixture_write("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10);
  assert_load(FR_ERR_LIMIT, "header");
  fixture_write("\x01\0\0\x01\0\0\0\0{}", 10); /* one byte past 16 MiB */
  assert_load(FR_ERR_LIMIT, "header");
  fixture_write("\x03\0\0\0\0\0\0\0{}", 10);
  assert_load(FR_ERR_FORMAT, "truncated");
  refuse("", 0, "object");
  refuse(" {}", 0, "object");
  refuse("[]", 0, "object");
  refuse("{\"a\":}", 0, "JSON");
  refuse("{} {}", 0, "JSON");
  refuse("{\"a\":\"\\u0000\"}", 0, "JSON");
  refuse("{\"a\":{},\"a\":{}}", 0, "duplicate");
  refuse("{}", 0, "no model of frugal");
  refuse("{\"__metadata__\":[]}", 0, "no object");
  refuse("{\"__metadata__\":{\"seed\":1}}", 0, "no string");
}

static void a_bad_tensor_is_refused(void **state) {
  (void)state;
  char good[256];
  snprintf(good, sizeof good, "%s", entry("F32", weight_shape, "[0,24]"));
  refuse(header_of(good, "\"dtype\":\"F32\",\"shape\":[2]"), DATA_SIZE, "0.bias");
  refuse(header_of(good, entry("F32", "[-2]", "[24,32]")), DATA_SIZE, "shape");
  refuse(header_of(good, entry("F32", "[2.0]", "[24,32]")), DATA_SIZE, "shape");
  refuse(header_of(good, entry("F32", "2", "[24,32]")), DATA_SIZE, "shape");
  refuse(header_of(good, entry("F32", "[1073741824,1073741824,4]", "[24,32]")), DATA_SIZE,
         "shape");
  refuse(header_of(good, entry("F32", "[1,1,1,1,2]", "[24,32]")), DATA_SIZE, "shape");
  refuse(header_of(good, entry("F32", "[2]", "[32,24]")), DATA_SIZE, "offsets");
  refuse(header_of(good, entry("F32", "[2]", "[24,32,40]")), DATA_SIZE, "offsets");
  refuse(header_of(good, entry("F32", "[2]", "[-8,0]")), DATA_SIZE, "offsets");
  refuse(header_of(good, entry("F32", "[2]", "[24,28]")), DATA_SIZE, "4 bytes");
  refuse(header_of(good, entry("F32", "[2]", "[24,32]")), DATA_SIZE - 1, "truncated");
  refuse(header_of(good, entry("F32", "[2]", "[16,24]")), DATA_SIZE, "overlaps");
  refuse(header_of(good, entry("F32", "[2]", "[28,36]")), DATA_SIZE + 4, "hole");
  refuse(header_of(good, entry("F32", "[2]", "[24,32]")), DATA_SIZE + 1,
         "1 bytes behind");
  refuse(header_of(good, entry("F32", "[1,2]", "[24,32]")), DATA_SIZE, "another shape");
  write_file(header_of(good, entry("F64", "[2]", "[24,32]")), DATA_SIZE);
  assert_load(FR_ERR_UNSUPPORTED, "F64");
}

static void tensors_must_be_those_of_the_architecture(void **state) {
  (void)state;
  char text[4096];
  snprintf(text, sizeof text, "{" META ",\"0.weight\":{%s}}",
           entry("F32", weight_shape, "[0,24]"));
  refuse(text, 24, "lacks tensor '0.bias'");
  snprintf(text, sizeof text,
           "{" META ",\"0.weight\":{%s},\"0.bias\":{%s},\"1.bias\":{%s}}",
           entry("F32", weight_shape, "[0,24]"), entry("F32", "[2]", "[24,32]"),
           entry("F32", "[1]", "[32,36]"));
  refuse(text, 36, "3 tensors");
}

static void a_weight_that_is_not_finite_is_refused(void **state) {
  (void)state;
  fr_model model = fixture_model();
  assert_int_equal(fr_model_save(&model, fixture_path(), NULL), FR_OK);
  fr_model_release(&model);
  size_t size;
  unsigned char *bytes = fixture_read(&size);
  const float nan = NAN;
  memcpy(bytes + size - sizeof nan, &nan, sizeof nan);
  fixture_write(bytes, size);
  assert_load(FR_ERR_NUMERIC, "not finite");
  free(bytes);
}

/* Replaces `from` in the metadata of a good file by `to`, of the same length. */
static void refuse_changed(const char *from, const char *to, const char *word) {
  static char text[4096];
  assert_int_equal(strlen(from), strlen(to));
  snprintf(
      text, sizeof text, "%s",
      header_of(entry("F32", weight_shape, "[0,24]"), entry("F32", "[2]", "[24,32]")));
  char *at = strstr(text, from);
  assert_non_null(at);
  memcpy(at, to, strlen(to));
  refuse(text, DATA_SIZE, word);
}

static void bad_metadata_is_refused(void **state) {
  (void)state;
  refuse_changed("architecture", "Architecture", "no architecture");
  refuse_changed("dense(2)", "dense[2]", "the architecture of");
  refuse_changed("[1,3]", "[1,0]", "input");
  refuse_changed("[1,3]", "[1 3]", "input");
  refuse_changed("\\\"b\\\"", "7    ", "classes");
  refuse_changed(",\\\"b\\\"", "      ", "1 classes");
  refuse_changed("\"channels\":\"[]\"", "\"channels\":\"7 \"", "channels");
  refuse_changed("\"seed\":\"1\"", "\"seed\":\"x\"", "seed");
  refuse_changed("\"step\":\"1\"", "\"step\":\"-\"", "step");
  refuse_changed("\"rate_hz\":\"0\"", "\"rate_hz\":\"?\"", "rate_hz");
}

static void a_missing_file_is_said_to_be_missing(void **state) {
  (void)state;
  unlink(fixture_path());
  assert_load(FR_ERR_NOT_FOUND, fixture_path());
}

/* dense(2) on three channels of `steps`, with that normaliser. */
static void write_normalized(const char *steps, const char *normalizer) {
  static char text[4096];
  snprintf(text, sizeof text,
           "{\"__metadata__\":{\"architecture\":\"avgpool(all) dense(2)\","
           "\"input\":\"[%s,3]\",\"classes\":\"[\\\"a\\\",\\\"b\\\"]\","
           "\"channels\":\"[]\",\"window\":\"%s\",\"step\":\"1\",\"seed\":\"1\","
           "\"rate_hz\":\"0\",\"normalizer\":\"{%s}\"},\"1.weight\":{%s},"
           "\"1.bias\":{%s}}",
           steps, steps, normalizer, entry("F32", weight_shape, "[0,24]"),
           entry("F32", "[2]", "[24,32]"));
  write_file(text, DATA_SIZE);
}

#define NUMBERS "\\\"shift\\\":[0,0,0],\\\"scale\\\":[1,0,1]"
#define METHOD(text) NUMBERS ",\\\"method\\\":" text

static enum fr_normalize method_of_file(void) {
  fr_model model;
  fr_error err = {.text = ""};
  if (fr_model_load(&model, fixture_path(), &err) != FR_OK)
    fail_msg("%s", err.text);
  const enum fr_normalize how = model.normalizer.how;
  assert_int_equal(model.normalizer.channels, 3);
  fr_model_release(&model);
  return how;
}

static void a_normalizer_is_of_a_kind_that_is_known(void **state) {
  (void)state;
  write_normalized("4", NUMBERS); /* as older files have it */
  assert_int_equal(method_of_file(), FR_NORMALIZE_ZSCORE);
  write_normalized("4", METHOD("\\\"minmax\\\""));
  assert_int_equal(method_of_file(), FR_NORMALIZE_MINMAX);
  write_normalized("4", METHOD("\\\"window\\\""));
  assert_int_equal(method_of_file(), FR_NORMALIZE_WINDOW);
  write_normalized("4", METHOD("\\\"by magic\\\""));
  assert_load(FR_ERR_FORMAT, "normalizer");
  write_normalized("4", METHOD("3"));
  assert_load(FR_ERR_FORMAT, "normalizer");
  write_normalized("4", METHOD("null"));
  assert_load(FR_ERR_FORMAT, "normalizer");
  write_normalized("1", METHOD("\\\"window\\\""));
  assert_load(FR_ERR_FORMAT, "several steps");
  write_normalized("4", "\\\"shift\\\":[0,0,0],\\\"scale\\\":[1,-1,1],"
                        "\\\"method\\\":\\\"window\\\"");
  assert_load(FR_ERR_FORMAT, "not negative");
}

static void frames_that_make_no_features_are_refused(void **state) {
  (void)state;
  static const char *const texts[][2] = {
      {"layout=126 parts=hands", "3"}, /* 28 features for a network that takes 3 */
      {"layout=3", "layout=3"},
      {"parts=hands", "layout"},
      {"%s%n", "key=value"},
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    char meta[4096], header[8192];
    snprintf(meta, sizeof meta, "%s", "{" META);
    meta[strlen(meta) - 1] = '\0'; /* its brace */
    snprintf(header, sizeof header,
             "%s,\"frames\":\"%s\"},\"0.weight\":{%s},\"0.bias\":{%s}}", meta,
             texts[i][0], entry("F32", weight_shape, "[0,24]"),
             entry("F32", "[2]", "[24,32]"));
    refuse(header, DATA_SIZE, texts[i][1]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_file_written_by_hand_loads),
      cmocka_unit_test(a_bad_header_is_refused),
      cmocka_unit_test(frames_that_make_no_features_are_refused),
      cmocka_unit_test(a_bad_tensor_is_refused),
      cmocka_unit_test(tensors_must_be_those_of_the_architecture),
      cmocka_unit_test(a_weight_that_is_not_finite_is_refused),
      cmocka_unit_test(bad_metadata_is_refused),
      cmocka_unit_test(a_missing_file_is_said_to_be_missing),
      cmocka_unit_test(a_normalizer_is_of_a_kind_that_is_known),
  };
  return cmocka_run_group_tests_name("model/hostile", tests, learn_layout,
                                     fixture_teardown);
}
