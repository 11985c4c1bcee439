/* SPDX-License-Identifier: Apache-2.0 */
/* Weights of PyTorch and Keras make the outputs that those made of them; what does not
 * fit is named. The files are their own (tests/golden/import_*.py). */
#include <math.h>

#include "../test.h"

#include "frugal/export.h"
#include "../golden/import_keras.h"
#include "../golden/import_torch.h"

enum { STEPS = 16, CHANNELS = 3, SAMPLES = 3 };

#define SEQUENCE GOLDEN "/import_torch_sequence.safetensors"
#define FLAT GOLDEN "/import_torch_flat.safetensors"
#define KERAS GOLDEN "/import_keras.safetensors"

static const char sequence_text[] =
    "conv1d(8,5) bn relu conv1d(8,3,groups=2) lstm(6,all) lstm(6,all) gru(4,all,both) "
    "attention(2) layernorm avgpool(all) dense(classes)";
static const char flat_text[] =
    "conv1d(4,3) bn relu maxpool(2) dropout(0.5) residual(conv1d(6,3)) relu flatten "
    "dense(6) relu dense(6) relu dense(classes)";
static const char keras_text[] =
    "conv1d(8,5) bn(0.001) relu conv1d(8,3,groups=2) lstm(6,all) lstm(3,all,both) "
    "gru(4,all,both) attention(2) layernorm(0.001) flatten dense(6) relu dense(classes)";

static fr_net *make_net(const char *text, size_t classes) {
  fr_net *net;
  ASSERT_OK(fr_net_new(text, (fr_shape){STEPS, CHANNELS}, classes, &net, err));
  return net;
}

static void assert_outputs(fr_net *net, const float *x, const float *expected) {
  const size_t classes = fr_net_classes(net);
  ASSERT_OK(fr_net_reserve(net, SAMPLES, false, 0, err));
  const float *y = fr_net_forward(net, x, SAMPLES, 0, fr_net_layer_count(net), false);
  for (size_t i = 0; i < SAMPLES * classes; i++)
    if (fabsf(y[i] - expected[i]) > 2e-5f * (1 + fabsf(expected[i])))
      fail_msg("output %zu is %.9g, not %.9g", i, (double)y[i], (double)expected[i]);
}

static bool warns(const fr_import_report *report, const char *words) {
  for (size_t i = 0; i < report->warnings.count; i++)
    if (strstr(report->warnings.name[i], words) != NULL)
      return true;
  return false;
}

static const char *source_of(const fr_import_report *report, const char *tensor) {
  for (size_t i = 0; i < report->count; i++)
    if (strcmp(report->pair[i].tensor, tensor) == 0)
      return report->pair[i].from;
  fail_msg("no tensor '%s' was filled", tensor);
  return "";
}

static void every_family_of_pytorch(void **state) {
  (void)state;
  fr_net *net = make_net(sequence_text, 5);
  fr_import_report report;
  ASSERT_OK(fr_import_weights(net, SEQUENCE, NULL, &report, err));
  assert_outputs(net, torch_x, torch_sequence_y);
  assert_int_equal(report.origin, FR_IMPORT_PYTORCH);
  assert_int_equal(report.warnings.count, 0);
  assert_string_equal(source_of(&report, "3.weight"), "conv2.weight");
  assert_string_equal(source_of(&report, "3.bias"), "");
  assert_string_equal(source_of(&report, "5.bias"), "lstm.bias_ih_l1 + lstm.bias_hh_l1");
  assert_string_equal(source_of(&report, "6.recurrent_bias_reverse"),
                      "gru.bias_hh_l0_reverse");
  assert_string_equal(source_of(&report, "7.output"), "attention.out_proj.weight");
  fr_import_report_release(&report);
  fr_net_free(net);
}

/* F64, F16, BF16 and F32 in one file; layer "10" behind layer "8"; (C, T) flattened. */
static void other_types_a_shortcut_and_a_flatten(void **state) {
  (void)state;
  fr_net *net = make_net(flat_text, 4);
  fr_import_report report;
  ASSERT_OK(fr_import_weights(net, FLAT, NULL, &report, err));
  assert_outputs(net, torch_x, torch_flat_y);
  assert_string_equal(source_of(&report, "5.shortcut"), "5.shortcut.weight");
  assert_string_equal(source_of(&report, "10.weight"), "10.weight");
  assert_true(warns(&report, "--flatten steps-first"));
  fr_import_report_release(&report);
  const fr_import_options options = {.flatten = FR_FLATTEN_CHANNELS_FIRST};
  ASSERT_OK(fr_import_weights(net, FLAT, &options, &report, err));
  assert_outputs(net, torch_x, torch_flat_y);
  assert_false(warns(&report, "--flatten"));
  fr_import_report_release(&report);
  fr_net_free(net);
}

static void every_family_of_keras(void **state) {
  (void)state;
  fr_net *net = make_net(keras_text, 5);
  fr_import_report report;
  ASSERT_OK(fr_import_weights(net, KERAS, NULL, &report, err));
  assert_outputs(net, keras_x, keras_y);
  assert_int_equal(report.origin, FR_IMPORT_KERAS);
  assert_int_equal(report.warnings.count, 0);
  assert_string_equal(source_of(&report, "6.weight_reverse"),
                      "bidirectional_1/backward_gru/gru_cell/kernel");
  fr_import_report_release(&report);
  fr_net_free(net);
}

static void keras_epsilon_is_told(void **state) {
  (void)state;
  fr_net *net = make_net("conv1d(8,5) bn relu conv1d(8,3,groups=2) lstm(6,all) "
                         "lstm(3,all,both) gru(4,all,both) attention(2) "
                         "layernorm(0.001) gelu dense(6) relu dense(classes)",
                         5);
  fr_import_report report;
  ASSERT_OK(fr_import_weights(net, KERAS, NULL, &report, err));
  assert_true(warns(&report, "bn(0.001)"));
  assert_true(warns(&report, "gelu"));
  assert_int_equal(report.warnings.count, 2);
  fr_import_report_release(&report);
  fr_net_free(net);
}

/* ---- what does not fit ---- */

static void assert_refused(const char *text, size_t classes, const char *path,
                           const fr_import_options *options, enum fr_status status,
                           const char *const *words) {
  fr_net *net = make_net(text, classes);
  fr_net_init(net, 3, 0);
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  const float before = tensor[0].value[0];
  fr_error err = {.text = ""};
  fr_import_report report = {.count = 77};
  const enum fr_status got = fr_import_weights(net, path, options, &report, &err);
  if (got != status)
    fail_msg("status %d: %s", (int)got, err.text);
  for (; *words != NULL; words++)
    if (strstr(err.text, *words) == NULL)
      fail_msg("'%s' does not say '%s'", err.text, *words);
  assert_true(tensor[0].value[0] == before && report.count == 77);
  fr_net_free(net);
}

static void shapes_that_differ_are_named(void **state) {
  (void)state;
  assert_refused("conv1d(8,3) avgpool(all) dense(classes)", 5, SEQUENCE, NULL,
                 FR_ERR_FORMAT,
                 (const char *[]){"'conv1.weight'", "(8, 3, 5)", "'0.weight'",
                                  "'conv1d(8,3)'", "(8, 3, 3)", NULL});
  assert_refused("lstm(6) dense(classes)", 5, KERAS, NULL, FR_ERR_FORMAT,
                 (const char *[]){"lstm", "(6, 12)", "'0.weight'", "(3, 24)", NULL});
}

static void what_is_missing_is_named(void **state) {
  (void)state;
  assert_refused("conv1d(8,5) avgpool(all) dense(classes) relu dense(5)", 5, SEQUENCE,
                 NULL, FR_ERR_NOT_FOUND,
                 (const char *[]){"'4.weight'", "'dense(5)'", NULL});
  assert_refused("avgpool(all) dense(classes)", 5, SEQUENCE,
                 &(fr_import_options){.origin = FR_IMPORT_KERAS}, FR_ERR_NOT_FOUND,
                 (const char *[]){"'1.weight'", "keras", NULL});
  assert_refused("avgpool(all) dense(classes)", 5, "no-such-file", NULL, FR_ERR_NOT_FOUND,
                 (const char *[]){"no-such-file", NULL});
}

static void what_is_not_used_is_told(void **state) {
  (void)state;
  fr_net *net = make_net("conv1d(8,5) avgpool(all) dense(classes)", 5);
  fr_import_report report;
  ASSERT_OK(fr_import_weights(net, SEQUENCE, NULL, &report, err));
  assert_true(warns(&report, "not used"));
  assert_true(warns(&report, "attention.in_proj_bias"));
  assert_false(warns(&report, "num_batches_tracked"));
  assert_string_equal(source_of(&report, "2.weight"), "head.weight");
  fr_import_report_release(&report);
  fr_net_free(net);
}

/* ---- files made here ---- */

static char *folder;

static int make_folder(void **state) {
  (void)state;
  folder = test_folder_make();
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  test_folder_remove(folder);
  return 0;
}

static const char *write_file(const char *name, const void *bytes, size_t size) {
  static char path[2][600];
  static size_t turn;
  turn = 1 - turn;
  snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
  FILE *file = fopen(path[turn], "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
  return path[turn];
}

static const char *write_text(const char *text) {
  return write_file("map.txt", text, strlen(text));
}

static const char *write_weights(const char *header, const void *data, size_t size) {
  static unsigned char bytes[4096];
  const size_t length = strlen(header);
  assert_true(8 + length + size <= sizeof bytes);
  memset(bytes, 0, 8);
  bytes[0] = (unsigned char)(length & 255);
  bytes[1] = (unsigned char)(length >> 8);
  memcpy(bytes + 8, header, length);
  memcpy(bytes + 8 + length, data, size);
  return write_file("w.safetensors", bytes, 8 + length + size);
}

static void a_map_tells_names(void **state) {
  (void)state;
  fr_net *net = make_net(sequence_text, 5);
  const char *map = write_text("# by hand\n"
                               "0 = conv1\n\n"
                               "4.weight = lstm.weight_ih_l0   # the rest beside it\n"
                               "10.weight = head.weight\n10.bias = head.bias\n"
                               "5.bias=lstm.bias_ih_l1 + lstm.bias_hh_l1\r\n"
                               "7 = attention\n");
  fr_import_report report;
  const fr_import_options options = {.map = map};
  ASSERT_OK(fr_import_weights(net, SEQUENCE, &options, &report, err));
  assert_outputs(net, torch_x, torch_sequence_y);
  assert_int_equal(report.warnings.count, 0);
  fr_import_report_release(&report);
  fr_net_free(net);
}

static void a_map_that_errs_is_told_by_line(void **state) {
  (void)state;
  static const struct {
    const char *map, *word;
    enum fr_status status;
  } cases[] = {{"0 conv1\n", ":1: ", FR_ERR_FORMAT},
               {"\n0 =\n", ":2: ", FR_ERR_FORMAT},
               {"0 1 = conv1\n", ":1: ", FR_ERR_FORMAT},
               {"9 = conv1\n", "'9'", FR_ERR_NOT_FOUND},
               {"0 = conv9\n", "no layer 'conv9'", FR_ERR_NOT_FOUND},
               {"0.weight = conv9\n", "no tensor 'conv9'", FR_ERR_NOT_FOUND},
               {"0.weight = conv1.weight conv2.weight\n", "1 tensors", FR_ERR_FORMAT},
               {"0 = conv2\n", "(8, 4, 3)", FR_ERR_FORMAT},
               {"0.bias = conv1.bias\n0.weight = bn1.weight\n", "(8)", FR_ERR_FORMAT}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const fr_import_options options = {.map = write_text(cases[i].map)};
    assert_refused("conv1d(8,5) avgpool(all) dense(classes)", 5, SEQUENCE, &options,
                   cases[i].status, (const char *[]){cases[i].word, NULL});
  }
}

/* Half precision by hand: 1, -2, the least subnormal, 65504, and one third of it. */
static void half_precision_is_exact(void **state) {
  (void)state;
  static const unsigned char bits[] = {0x00, 0x3c, 0x00, 0xc0, 0x01,
                                       0x00, 0xff, 0x7b, 0x55, 0x35};
  static const double expected[] = {1, -2, 5.9604644775390625e-8, 65504, 0.333251953125};
  const char *path = write_weights(
      "{\"weight\":{\"dtype\":\"F16\",\"shape\":[1,5],\"data_offsets\":[0,10]}}", bits,
      sizeof bits);
  fr_net *net;
  ASSERT_OK(fr_net_new("dense(1)", (fr_shape){1, 5}, 1, &net, err));
  ASSERT_OK(fr_import_weights(net, path, NULL, NULL, err));
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < 5; i++)
    assert_true((double)tensor[0].value[i] == expected[i]);
  assert_true(tensor[1].value[0] == 0);
  fr_net_free(net);
}

/* 2^1000 is a double and no float; infinity is no weight. */
static void weights_that_are_not_finite_are_refused(void **state) {
  (void)state;
  static const unsigned char huge[] = {0, 0, 0, 0, 0, 0, 0x70, 0x7e};
  static const unsigned char infinite[] = {0x00, 0x7c};
  static const unsigned char words[] = {1, 0, 0, 0};
  static const struct {
    const char *type;
    const unsigned char *bytes;
    size_t size;
    enum fr_status status;
  } cases[] = {{"F64", huge, sizeof huge, FR_ERR_NUMERIC},
               {"F16", infinite, sizeof infinite, FR_ERR_NUMERIC},
               {"I32", words, sizeof words, FR_ERR_UNSUPPORTED},
               {"F8_E4M3", words, 1, FR_ERR_UNSUPPORTED}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char header[128];
    snprintf(header, sizeof header,
             "{\"weight\":{\"dtype\":\"%s\",\"shape\":[1,1],\"data_offsets\":[0,%zu]}}",
             cases[i].type, cases[i].size);
    const char *path = write_weights(header, cases[i].bytes, cases[i].size);
    fr_net *net;
    fr_error why = {.text = ""};
    ASSERT_OK(fr_net_new("dense(1)", (fr_shape){1, 1}, 1, &net, err));
    assert_int_equal(fr_import_weights(net, path, NULL, NULL, &why), cases[i].status);
    assert_non_null(strstr(why.text, "'weight'"));
    fr_net_free(net);
  }
}

/* Two heads of one shape: names do not tell, the report does. */
static void a_choice_between_names_is_told(void **state) {
  (void)state;
  static const float data[] = {1, 2};
  const char *path = write_weights(
      "{\"left.weight\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]},"
      "\"right.weight\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[4,8]}}",
      data, sizeof data);
  fr_net *net;
  fr_import_report report;
  ASSERT_OK(fr_net_new("dense(1) dense(1)", (fr_shape){1, 1}, 1, &net, err));
  ASSERT_OK(fr_import_weights(net, path, NULL, &report, err));
  assert_true(warns(&report, "'left'") && warns(&report, "'right'"));
  assert_int_equal(report.warnings.count, 1);
  fr_import_report_release(&report);
  fr_net_free(net);
}

static void words_are_parsed(void **state) {
  (void)state;
  enum fr_import_origin origin;
  enum fr_import_flatten flatten;
  assert_true(fr_import_origin_parse("keras", &origin) && origin == FR_IMPORT_KERAS);
  assert_false(fr_import_origin_parse("any", &origin));
  assert_true(fr_import_flatten_parse("steps-first", &flatten));
  assert_int_equal(flatten, FR_FLATTEN_STEPS_FIRST);
  assert_false(fr_import_flatten_parse("last", &flatten));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_family_of_pytorch),
      cmocka_unit_test(other_types_a_shortcut_and_a_flatten),
      cmocka_unit_test(every_family_of_keras),
      cmocka_unit_test(keras_epsilon_is_told),
      cmocka_unit_test(shapes_that_differ_are_named),
      cmocka_unit_test(what_is_missing_is_named),
      cmocka_unit_test(what_is_not_used_is_told),
      cmocka_unit_test(a_map_tells_names),
      cmocka_unit_test(a_map_that_errs_is_told_by_line),
      cmocka_unit_test(half_precision_is_exact),
      cmocka_unit_test(weights_that_are_not_finite_are_refused),
      cmocka_unit_test(a_choice_between_names_is_told),
      cmocka_unit_test(words_are_parsed),
  };
  return cmocka_run_group_tests_name("model/import", tests, make_folder, remove_folder);
}
