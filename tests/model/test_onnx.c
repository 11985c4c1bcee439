/* SPDX-License-Identifier: Apache-2.0 */
/* What can be seen of an ONNX file without a runtime; tests/clients/check_onnx.py runs
 * them. */
#include "fixture.h"

#include <errno.h>
#include <math.h>

#include "frugal/export.h"
#include "model/onnx.h"
#include "nn/net.h"

/* A model like the fixture's with another network on (T, 3). */
static fr_model model_of(const char *net, size_t steps) {
  fr_model model = fixture_model();
  fr_net_free(model.net);
  model.net = NULL;
  const fr_shape input = {.steps = steps, .channels = FIXTURE_CHANNELS};
  fr_error err = {.text = ""};
  const enum fr_status status = fr_net_new(net, input, FIXTURE_CLASSES, &model.net, &err);
  assert_string_equal(err.text, "");
  assert_int_equal(status, FR_OK);
  fr_net_init(model.net, 7, 0);
  return model;
}

/* The file that the model gives, unpacked; the caller's. */
static Fr__Onnx__ModelProto *export(const fr_model *model) {
  fr_error err = {.text = ""};
  const enum fr_status status = fr_export_onnx(model, fixture_path(), NULL, &err);
  assert_string_equal(err.text, "");
  assert_int_equal(status, FR_OK);
  size_t size;
  unsigned char *bytes = fixture_read(&size);
  Fr__Onnx__ModelProto *whole = fr__onnx__model_proto__unpack(NULL, size, bytes);
  free(bytes);
  assert_non_null(whole);
  return whole;
}

static const Fr__Onnx__TensorProto *constant(const Fr__Onnx__ModelProto *whole,
                                             const char *name) {
  for (size_t i = 0; i < whole->graph->n_initializer; i++)
    if (strcmp(whole->graph->initializer[i]->name, name) == 0)
      return whole->graph->initializer[i];
  fail_msg("no constant '%s'", name);
  return NULL;
}

static const Fr__Onnx__NodeProto *node_of(const Fr__Onnx__ModelProto *whole,
                                          const char *op) {
  for (size_t i = 0; i < whole->graph->n_node; i++)
    if (strcmp(whole->graph->node[i]->op_type, op) == 0)
      return whole->graph->node[i];
  return NULL;
}

static size_t count_of(const Fr__Onnx__ModelProto *whole, const char *op) {
  size_t count = 0;
  for (size_t i = 0; i < whole->graph->n_node; i++)
    count += strcmp(whole->graph->node[i]->op_type, op) == 0;
  return count;
}

static const char *beside(const Fr__Onnx__ModelProto *whole, const char *key) {
  for (size_t i = 0; i < whole->n_metadata_props; i++)
    if (strcmp(whole->metadata_props[i]->key, key) == 0)
      return whole->metadata_props[i]->value;
  return NULL;
}

#define EVERYTHING                                                                       \
  "conv1d(6,3,pad=same) bn relu residual(conv1d(6,3) gelu) "                             \
  "parallel(lstm(4,all,both) | gru(4,all) | | conv1d(6,1)) layernorm attention(2) "      \
  "maxpool(2) leaky hardswish spatialdropout(0.1) parallel(gru(3,last,both) | "          \
  "avgpool(all)) sigmoid tanh dropout(0.5) flatten dense(classes) softmax"

static void every_family_has_a_row(void **state) {
  (void)state;
  char names[1024];
  size_t count = 0;
  fr__layer_names(names, sizeof names);
  for (char *rest = names, *name; (name = strtok_r(rest, ", ", &rest)) != NULL; count++)
    if (!fr__onnx_find(name))
      fail_msg("family '%s' has no form in ONNX", name);
  assert_true(count >= 21);
  assert_null(fr__onnx_find("fly"));
}

static void a_family_without_a_row_is_named(void **state) {
  (void)state;
  fr_model model = model_of("dense(classes)", 1);
  fr__layer_ops fly = *model.net->chain.layer[0].ops;
  fly.name = "fly";
  model.net->chain.layer[0].ops = &fly;
  unlink(fixture_path());
  fr_error err = {.text = ""};
  assert_int_equal(fr_export_onnx(&model, fixture_path(), NULL, &err),
                   FR_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.text, "dense(2)"));
  assert_int_equal(access(fixture_path(), F_OK), -1);
  fr_model_release(&model);
}

static void the_file_says_what_it_is(void **state) {
  (void)state;
  fr_model model = model_of(EVERYTHING, 8);
  Fr__Onnx__ModelProto *whole = export(&model);
  assert_int_equal(whole->ir_version, 8);
  assert_int_equal(whole->n_opset_import, 1);
  assert_int_equal(whole->opset_import[0]->version, 17);
  assert_string_equal(whole->producer_name, "frugal");
  assert_string_equal(beside(whole, "frugal_version"), FR_VERSION);
  assert_string_equal(beside(whole, "classes"),
                      "[\"walk \\\"fast\\\"\",\"s\xc3\xa9jour\"]");
  assert_string_equal(beside(whole, "channels"), "[\"x\",\"y\",\"z\"]");
  assert_string_equal(beside(whole, "task"), "activity");
  assert_string_equal(beside(whole, "window"), "1");
  assert_true(strtod(beside(whole, "rate_hz"), NULL) == 49.95);
  assert_string_equal(beside(whole, "architecture"), fr_net_text(model.net));
  fr__onnx__model_proto__free_unpacked(whole, NULL);
  fr_model_release(&model);
}

static void assert_shape(const Fr__Onnx__ValueInfoProto *value, const char *name,
                         size_t rank, const int64_t *size) {
  const Fr__Onnx__TypeProto__Tensor *tensor = value->type->tensor_type;
  assert_string_equal(value->name, name);
  assert_int_equal(tensor->elem_type, 1); /* FLOAT */
  assert_int_equal(tensor->shape->n_dim, rank);
  assert_string_equal(tensor->shape->dim[0]->dim_param, "batch");
  for (size_t i = 1; i < rank; i++)
    assert_int_equal(tensor->shape->dim[i]->dim_value, size[i]);
}

static void input_and_output_are_declared(void **state) {
  (void)state;
  fr_model model = model_of(EVERYTHING, 8);
  Fr__Onnx__ModelProto *whole = export(&model);
  assert_int_equal(whole->graph->n_input, 1);
  assert_int_equal(whole->graph->n_output, 1);
  assert_shape(whole->graph->input[0], "input", 3, (const int64_t[]){0, 8, 3});
  assert_shape(whole->graph->output[0], "output", 2, (const int64_t[]){0, 2});
  fr__onnx__model_proto__free_unpacked(whole, NULL);
  fr_model_release(&model);
}

/* ---- the graph is one that ONNX allows: each value is given once, before it is taken
 */

typedef struct known {
  const char *name[2000];
  size_t count;
} known;

static bool is_known(const known *values, const char *name) {
  for (size_t i = 0; i < values->count; i++)
    if (strcmp(values->name[i], name) == 0)
      return true;
  return false;
}

static void learn(known *values, const char *name) {
  if (is_known(values, name))
    fail_msg("'%s' is given twice", name);
  assert_true(values->count < 2000);
  values->name[values->count++] = name;
}

static void check_graph(const Fr__Onnx__GraphProto *graph) {
  static known values, nodes;
  values.count = nodes.count = 0;
  learn(&values, graph->input[0]->name);
  for (size_t i = 0; i < graph->n_initializer; i++)
    learn(&values, graph->initializer[i]->name);
  for (size_t i = 0; i < graph->n_node; i++) {
    const Fr__Onnx__NodeProto *node = graph->node[i];
    learn(&nodes, node->name);
    for (size_t k = 0; k < node->n_input; k++)
      if (!is_known(&values, node->input[k]))
        fail_msg("'%s' takes '%s' before it is given", node->name, node->input[k]);
    for (size_t k = 0; k < node->n_output; k++)
      if (node->output[k][0] != '\0')
        learn(&values, node->output[k]);
  }
  assert_true(is_known(&values, graph->output[0]->name));
}

static void each_value_is_given_once_and_before_it_is_taken(void **state) {
  (void)state;
  static const char *const nets[] = {
      EVERYTHING,
      "small",
      "big",
      "parallel(dropout(0.1) conv1d(2,3) | conv1d(3,3)) avgpool(all) dense(classes)",
      "parallel(flatten attention(1) | flatten attention(2)) dense(classes)",
      "residual(residual(conv1d(3,3)) conv1d(5,3)) residual(lstm(4,all)) gru(classes)",
  };
  for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
    fr_model model = model_of(nets[i], 8);
    Fr__Onnx__ModelProto *whole = export(&model);
    check_graph(whole->graph);
    fr__onnx__model_proto__free_unpacked(whole, NULL);
    fr_model_release(&model);
  }
}

static void runs_of_convolutions_are_transposed_once(void **state) {
  (void)state;
  fr_model model = model_of("conv1d(4,3) bn relu maxpool(2) conv1d(4,2) leaky "
                            "residual(conv1d(4,3) relu) avgpool(all) dense(classes)",
                            16);
  Fr__Onnx__ModelProto *whole = export(&model);
  assert_int_equal(count_of(whole, "Transpose"), 1);
  fr__onnx__model_proto__free_unpacked(whole, NULL);
  fr_model_release(&model);
  model = model_of("lstm(4,all) relu gru(4,all) lstm(4) dense(classes)", 16);
  whole = export(&model);
  assert_int_equal(count_of(whole, "Transpose"), 1);
  fr__onnx__model_proto__free_unpacked(whole, NULL);
  fr_model_release(&model);
}

static void layers_that_rest_in_testing_leave_no_node(void **state) {
  (void)state;
  fr_model plain = model_of("dense(classes)", 4);
  fr_model dropped = model_of("spatialdropout(0.5) dropout(0.5) dense(classes)", 4);
  Fr__Onnx__ModelProto *a = export(&plain), *b = export(&dropped);
  assert_int_equal(a->graph->n_node, b->graph->n_node);
  fr__onnx__model_proto__free_unpacked(a, NULL);
  fr__onnx__model_proto__free_unpacked(b, NULL);
  fr_model_release(&plain);
  fr_model_release(&dropped);
}

static void without_a_normalizer_nothing_stands_in_front(void **state) {
  (void)state;
  fr_model model = model_of("dense(classes)", 1);
  Fr__Onnx__ModelProto *whole = export(&model);
  assert_non_null(node_of(whole, "IsNaN"));
  assert_non_null(node_of(whole, "Where"));
  fr__onnx__model_proto__free_unpacked(whole, NULL);
  fr_normalizer_release(&model.normalizer);
  model.normalizer = (fr_normalizer){0};
  whole = export(&model);
  assert_int_equal(whole->graph->n_node, 2); /* one step less, and the product */
  fr__onnx__model_proto__free_unpacked(whole, NULL);
  fr_model_release(&model);
}

static void by_window_each_sample_is_measured(void **state) {
  (void)state;
  fr_model model = model_of("avgpool(all) dense(classes)", 8);
  model.normalizer.how = FR_NORMALIZE_WINDOW;
  Fr__Onnx__ModelProto *whole = export(&model);
  assert_int_equal(count_of(whole, "ReduceSum"), 3); /* count, total, squares */
  assert_int_equal(count_of(whole, "Sqrt"), 1);
  const Fr__Onnx__NodeProto *node = node_of(whole, "ReduceSum");
  assert_string_equal(node->attribute[0]->name, "keepdims");
  assert_int_equal(node->attribute[0]->i, 1);
  fr__onnx__model_proto__free_unpacked(whole, NULL);
  fr_model_release(&model);
}

static void as_it_is_only_what_is_missing_is_replaced(void **state) {
  (void)state;
  fr_model model = model_of("dense(classes)", 4);
  model.normalizer.how = FR_NORMALIZE_NONE;
  Fr__Onnx__ModelProto *whole = export(&model);
  assert_null(node_of(whole, "Sub"));
  assert_string_equal(node_of(whole, "IsNaN")->input[0], "input");
  assert_string_equal(node_of(whole, "Where")->input[1], "normalizer.shift");
  fr__onnx__model_proto__free_unpacked(whole, NULL);
  fr_model_release(&model);
}

/* ---- weights, by the operators' specifications
 * (https://github.com/onnx/onnx/blob/main/docs/Operators.md) ---- */

/* Each number of a tensor tells where it stood: its index. */
static void count_up(fr_net *net) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < tensor[i].count; k++)
      tensor[i].value[k] = (float)k;
}

static void assert_numbers(const Fr__Onnx__ModelProto *whole, const char *name,
                           size_t rank, const int64_t *dims, const float *expected) {
  const Fr__Onnx__TensorProto *tensor = constant(whole, name);
  assert_int_equal(tensor->data_type, 1); /* FLOAT */
  assert_int_equal(tensor->n_dims, rank);
  size_t count = 1;
  for (size_t i = 0; i < rank; i++) {
    assert_int_equal(tensor->dims[i], dims[i]);
    count *= (size_t)dims[i];
  }
  assert_int_equal(tensor->raw_data.len, 4 * count);
  for (size_t i = 0; i < count; i++) {
    const unsigned char *byte = tensor->raw_data.data + 4 * i;
    const uint32_t bits = (uint32_t)byte[0] | (uint32_t)byte[1] << 8 |
                          (uint32_t)byte[2] << 16 | (uint32_t)byte[3] << 24;
    float value;
    memcpy(&value, &bits, sizeof value);
    if (value != expected[i])
      fail_msg("%s: number %zu is %g, not %g", name, i, (double)value,
               (double)expected[i]);
  }
}

/* One unit on three channels: columns i f g o, rows i o f c. */
static void gates_of_an_lstm_stand_as_onnx_wants_them(void **state) {
  (void)state;
  fr_model model = model_of("lstm(1) dense(classes)", 2);
  count_up(model.net);
  Fr__Onnx__ModelProto *whole = export(&model);
  assert_numbers(whole, "0.weight", 3, (const int64_t[]){1, 4, 3},
                 (const float[]){0, 4, 8, 3, 7, 11, 1, 5, 9, 2, 6, 10});
  assert_numbers(whole, "0.recurrent", 3, (const int64_t[]){1, 4, 1},
                 (const float[]){0, 3, 1, 2});
  assert_numbers(whole, "0.bias", 2, (const int64_t[]){1, 8},
                 (const float[]){0, 3, 1, 2, 0, 0, 0, 0});
  fr__onnx__model_proto__free_unpacked(whole, NULL);
  fr_model_release(&model);
}

/* Two units in both directions: columns r z n, rows z r h. */
static void gates_of_a_gru_stand_as_onnx_wants_them(void **state) {
  (void)state;
  fr_model model = model_of("gru(2,both) dense(classes)", 2);
  count_up(model.net);
  Fr__Onnx__ModelProto *whole = export(&model);
  assert_numbers(whole, "0.recurrent", 3, (const int64_t[]){2, 6, 2},
                 (const float[]){2, 8, 3, 9, 0, 6, 1, 7, 4, 10, 5, 11,
                                 2, 8, 3, 9, 0, 6, 1, 7, 4, 10, 5, 11});
  assert_numbers(whole, "0.bias", 2, (const int64_t[]){2, 12},
                 (const float[]){2, 3, 0, 1, 4, 5, 2, 3, 0, 1, 4, 5,
                                 2, 3, 0, 1, 4, 5, 2, 3, 0, 1, 4, 5});
  fr__onnx__model_proto__free_unpacked(whole, NULL);
  fr_model_release(&model);
}

/* (width 2, in 3, out 2) as (out, in, width) */
static void weights_of_a_convolution_have_width_innermost(void **state) {
  (void)state;
  fr_model model = model_of("conv1d(2,2) avgpool(all)", 4);
  count_up(model.net);
  Fr__Onnx__ModelProto *whole = export(&model);
  assert_numbers(whole, "0.weight", 3, (const int64_t[]){2, 3, 2},
                 (const float[]){0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11});
  fr__onnx__model_proto__free_unpacked(whole, NULL);
  fr_model_release(&model);
}

/* ---- the file ---- */

static void the_same_model_gives_the_same_bytes(void **state) {
  (void)state;
  fr_model model = model_of(EVERYTHING, 8);
  fr_export_facts facts;
  assert_int_equal(fr_export_onnx(&model, fixture_path(), &facts, NULL), FR_OK);
  size_t size, again_size;
  unsigned char *bytes = fixture_read(&size);
  assert_int_equal(facts.bytes, size);
  assert_int_equal(fr_export_onnx(&model, fixture_path(), NULL, NULL), FR_OK);
  unsigned char *again = fixture_read(&again_size);
  assert_int_equal(size, again_size);
  assert_memory_equal(bytes, again, size);
  Fr__Onnx__ModelProto *whole = fr__onnx__model_proto__unpack(NULL, size, bytes);
  assert_non_null(whole);
  assert_int_equal(facts.operators, whole->graph->n_node);
  fr__onnx__model_proto__free_unpacked(whole, NULL);
  free(bytes);
  free(again);
  fr_model_release(&model);
}

static void assert_refused(const fr_model *model, const char *path, enum fr_status status,
                           const char *word) {
  fr_error err = {.text = ""};
  fr_export_facts facts = {.bytes = 7};
  assert_int_equal(fr_export_onnx(model, path, &facts, &err), status);
  assert_non_null(strstr(err.text, word));
  assert_int_equal(facts.bytes, 7);
}

static void a_place_that_cannot_be_written_is_one_sentence(void **state) {
  (void)state;
  fr_model model = model_of("dense(classes)", 1);
  char path[2 * FIXTURE_PATH];
  snprintf(path, sizeof path, "%s/none/m.onnx", fixture_directory);
  assert_refused(&model, path, FR_ERR_NOT_FOUND, path);
  assert_refused(&model, fixture_directory, FR_ERR_IO, fixture_directory);
  assert_refused(&model, "/dev/full", FR_ERR_IO, strerror(ENOSPC));
  fr_model_release(&model);
}

static void a_model_that_is_not_whole_is_refused(void **state) {
  (void)state;
  fr_model model = model_of("dense(classes)", 1);
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(model.net, &count);
  tensor[1].value[0] = NAN;
  assert_refused(&model, fixture_path(), FR_ERR_NUMERIC, "0.bias");
  tensor[1].value[0] = 0;
  model.classes.count = 1;
  assert_refused(&model, fixture_path(), FR_ERR_FORMAT, "names 1 classes");
  model.classes.count = FIXTURE_CLASSES;
  fr_net_free(model.net);
  model.net = NULL;
  assert_refused(&model, fixture_path(), FR_ERR_ARGUMENT, "no network");
  fr_model_release(&model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_family_has_a_row),
      cmocka_unit_test(a_family_without_a_row_is_named),
      cmocka_unit_test(the_file_says_what_it_is),
      cmocka_unit_test(input_and_output_are_declared),
      cmocka_unit_test(each_value_is_given_once_and_before_it_is_taken),
      cmocka_unit_test(runs_of_convolutions_are_transposed_once),
      cmocka_unit_test(layers_that_rest_in_testing_leave_no_node),
      cmocka_unit_test(without_a_normalizer_nothing_stands_in_front),
      cmocka_unit_test(by_window_each_sample_is_measured),
      cmocka_unit_test(as_it_is_only_what_is_missing_is_replaced),
      cmocka_unit_test(gates_of_an_lstm_stand_as_onnx_wants_them),
      cmocka_unit_test(gates_of_a_gru_stand_as_onnx_wants_them),
      cmocka_unit_test(weights_of_a_convolution_have_width_innermost),
      cmocka_unit_test(the_same_model_gives_the_same_bytes),
      cmocka_unit_test(a_place_that_cannot_be_written_is_one_sentence),
      cmocka_unit_test(a_model_that_is_not_whole_is_refused),
  };
  return cmocka_run_group_tests_name("model/onnx", tests, fixture_setup,
                                     fixture_teardown);
}
