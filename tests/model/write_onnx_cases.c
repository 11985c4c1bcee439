/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nets of every layer family with random weights as ONNX files, each with inputs and the
 * outputs that the network itself gives, for tests/clients/check_onnx.py.
 *
 * usage: write_onnx_cases FOLDER [MODEL.safetensors…]
 *
 * Writes FOLDER/NAME.onnx, NAME.input and NAME.output: BATCH samples of raw float32 in
 * the machine's order; NAME is a number, or the model's file name.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "frugal/export.h"

enum { BATCH = 5, CLASSES = 4 };

typedef struct net_case {
  const char *net;
  fr_shape input;
  bool plain; /* without a normaliser */
} net_case;

static const net_case cases[] = {
    {"flatten", {1, 4}, true},
    {"flatten", {2, 2}, false},
    {"dense(classes)", {1, 7}, true},
    {"dense(9) relu dense(classes)", {6, 5}, false},
    {"conv1d(6,3) dense(classes)", {12, 5}, true},
    {"conv1d(6,3) leaky(0.2) conv1d(7,4,2) gelu conv1d(5,2,3) dense(classes)",
     {40, 5},
     false},
    {"conv1d(6,4,pad=same) conv1d(6,4,3,pad=same) conv1d(6,5,2,pad=causal) "
     "avgpool(all) dense(classes)",
     {31, 5},
     false},
    {"conv1d(6,3,dilation=4) conv1d(6,4,dilation=3,pad=same) "
     "conv1d(6,3,2,dilation=2,pad=causal) dense(classes)",
     {37, 3},
     false},
    {"conv1d(12,3,groups=3) conv1d(12,5,groups=12,pad=same) "
     "conv1d(8,3,groups=4,dilation=2) maxpool(all) dense(classes)",
     {30, 6},
     false},
    {"maxpool(3) conv1d(6,3) bn relu avgpool(4) softmax flatten dense(classes)",
     {50, 4},
     false},
    {"bn dense(8) bn sigmoid dropout(0.5) dense(classes) softmax", {1, 6}, false},
    {"bn(0.001) layernorm tanh layernorm(0.01) conv1d(6,3) layernorm hardswish "
     "spatialdropout(0.3) avgpool(all) layernorm dense(classes)",
     {20, 6},
     false},
    {"lstm(7) dense(classes)", {15, 5}, false},
    {"lstm(4)", {15, 5}, true},
    {"lstm(7,all) bn relu lstm(6,all) conv1d(5,3) lstm(5) dense(classes)",
     {15, 5},
     false},
    {"lstm(7,all) dense(classes)", {15, 5}, false},
    {"lstm(7,all,both) softmax lstm(6,last,both) dense(classes)", {15, 5}, false},
    {"lstm(7,both) dense(classes)", {1, 5}, false},
    {"gru(7) dense(classes)", {15, 5}, false},
    {"gru(7,all) gru(6,all,both) layernorm gru(5,last,both) dense(classes)",
     {15, 5},
     false},
    {"attention(1) dense(classes)", {9, 6}, true},
    {"conv1d(8,3) attention(4) relu attention(2) avgpool(all) dense(classes)",
     {14, 3},
     false},
    {"gru(6,all) attention(3) gru(4)", {14, 3}, false},
    {"attention(2) dense(classes)", {1, 6}, false},
    {"residual(conv1d(5,3) relu) residual(conv1d(9,3)) avgpool(all) dense(classes)",
     {16, 5},
     false},
    {"residual(dense(6) relu) residual(dense(8)) dense(classes)", {1, 6}, false},
    {"residual(lstm(6,all)) residual(lstm(9,all)) residual(layernorm attention(3)) "
     "residual(layernorm conv1d(18,1) gelu conv1d(9,1)) avgpool(all) dense(classes)",
     {12, 6},
     false},
    {"parallel(conv1d(4,1) | conv1d(4,3) relu | maxpool(1) | | dropout(0.2) bn) "
     "avgpool(all) dense(classes)",
     {16, 5},
     false},
    {"parallel(lstm(4,all) | conv1d(4,5) | ) parallel(lstm(3,last) | avgpool(all) | "
     "maxpool(all)) dense(classes)",
     {16, 5},
     false},
    {"parallel(flatten layernorm | flatten attention(1)) dense(classes)", {4, 5}, false},
    {"parallel(residual(parallel(conv1d(2,3) | conv1d(3,5)) relu) | conv1d(2,1)) "
     "parallel(dense(3) | dense(2) tanh) dense(classes)",
     {11, 5},
     false},
};

enum { CASES = sizeof cases / sizeof *cases };

/* ---- models ---- */

/* Also what initial values leave at 0 or 1: an order of biases that is wrong must show.
 * Running variances must be above 0. */
static void randomize(fr_net *net, fr__rng *rng) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++) {
    const bool matrix = tensor[i].rank > 1;
    for (size_t k = 0; k < tensor[i].count && !matrix; k++)
      tensor[i].value[k] = strstr(tensor[i].name, "running_variance")
                               ? (float)(0.5 + fr__rng_uniform(rng))
                               : (float)(0.5 * fr__rng_normal(rng));
  }
}

/* In turn by a fixed shift and scale, as it is, and (of more than a step) by window. */
static enum fr_normalize method_of(uint64_t seed, size_t steps) {
  static const enum fr_normalize how[] = {FR_NORMALIZE_ROBUST, FR_NORMALIZE_NONE,
                                          FR_NORMALIZE_WINDOW};
  return steps == 1 && seed % 3 == 2 ? FR_NORMALIZE_ZSCORE : how[seed % 3];
}

static bool set_normalizer(fr_normalizer *n, size_t channels, fr__rng *rng) {
  n->shift = calloc(channels, sizeof *n->shift);
  n->scale = calloc(channels, sizeof *n->scale);
  if (!n->shift || !n->scale)
    return false;
  n->channels = channels;
  for (size_t c = 0; c < channels; c++) {
    n->shift[c] = (float)fr__rng_normal(rng);
    n->scale[c] = (float)(0.5 + fr__rng_uniform(rng));
  }
  return true;
}

static bool set_classes(fr_names *classes) {
  static const char *const name[CLASSES] = {"walk", "jog", "s\xc3\xa9jour", "a \"b\""};
  classes->name = calloc(CLASSES, sizeof *classes->name);
  for (size_t i = 0; classes->name && i < CLASSES; i++)
    if ((classes->name[i] = strdup(name[i])) != NULL)
      classes->count++;
  return classes->count == CLASSES;
}

static enum fr_status make_model(const net_case *what, uint64_t seed, fr_model *model,
                                 fr_error *err) {
  fr__rng rng;
  fr__rng_init(&rng, seed, 77);
  *model = (fr_model){.window = what->input.steps, .step = 1, .rate_hz = 50, .seed = 1};
  const enum fr_status status =
      fr_net_new(what->net, what->input, CLASSES, &model->net, err);
  if (status != FR_OK)
    return status;
  fr_net_init(model->net, seed, 0);
  randomize(model->net, &rng);
  model->task = strdup("activity");
  if (!model->task || !set_classes(&model->classes) ||
      (!what->plain && !set_normalizer(&model->normalizer, what->input.channels, &rng)))
    return FR_ERR_MEMORY;
  model->normalizer.how = method_of(seed, what->input.steps);
  return FR_OK;
}

/* ---- what goes in and comes out ---- */

/* Where a normaliser stands in front some values are missing, or no numbers at all. */
static void fill_input(const fr_model *model, float *x, size_t count) {
  fr__rng rng;
  fr__rng_init(&rng, 5, 78);
  for (size_t i = 0; i < count; i++)
    x[i] = (float)fr__rng_normal(&rng);
  if (model->normalizer.channels == 0)
    return;
  x[0] = x[count / 2] = NAN;
  x[count / 3] = INFINITY;
  x[count - 1] = -INFINITY;
}

static enum fr_status write_floats(const char *folder, const char *name,
                                   const char *ending, const float *x, size_t count,
                                   fr_error *err) {
  char path[1024];
  (void)snprintf(path, sizeof path, "%s/%s%s", folder, name, ending);
  return fr__file_write(path, x, count * sizeof *x, err);
}

static enum fr_status write_numbers(const char *folder, const char *name, fr_model *model,
                                    float *x, size_t inputs, fr_error *err) {
  const size_t channels = fr_net_input(model->net).channels;
  fill_input(model, x, inputs);
  enum fr_status status = write_floats(folder, name, ".input", x, inputs, err);
  if (status == FR_OK)
    status = fr_net_reserve(model->net, BATCH, false, 0, err);
  if (status != FR_OK)
    return status;
  const size_t steps = fr_net_input(model->net).steps;
  for (size_t i = 0; i < BATCH && model->normalizer.channels > 0; i++)
    fr_normalizer_apply(&model->normalizer, x + i * steps * channels, steps);
  const float *y =
      fr_net_forward(model->net, x, BATCH, 0, fr_net_layer_count(model->net), false);
  return write_floats(folder, name, ".output", y, BATCH * fr_net_classes(model->net),
                      err);
}

static enum fr_status write_case(const char *folder, const char *name, fr_model *model,
                                 fr_error *err) {
  const fr_shape shape = fr_net_input(model->net);
  const size_t inputs = BATCH * shape.steps * shape.channels;
  char path[1024];
  (void)snprintf(path, sizeof path, "%s/%s.onnx", folder, name);
  float *x = calloc(inputs, sizeof *x);
  enum fr_status status = x ? fr_export_onnx(model, path, NULL, err) : FR_ERR_MEMORY;
  if (status == FR_OK)
    status = write_numbers(folder, name, model, x, inputs, err);
  free(x);
  return status;
}

static enum fr_status write_made(const char *folder, const net_case *what, size_t number,
                                 fr_error *err) {
  char name[32];
  (void)snprintf(name, sizeof name, "%02zu", number);
  fr_model model;
  enum fr_status status = make_model(what, number + 1, &model, err);
  if (status == FR_OK)
    status = write_case(folder, name, &model, err);
  fr_model_release(&model);
  return status;
}

static enum fr_status write_presets(const char *folder, size_t number, fr_error *err) {
  static const fr_shape shapes[] = {{1, 52}, {64, 12}};
  const char *const *names = fr_net_preset_names();
  enum fr_status status = FR_OK;
  for (size_t i = 0; names[i] != NULL; i++)
    for (size_t k = 0; k < 2 && status == FR_OK; k++)
      if (fr_net_preset(names[i], shapes[k]) != NULL)
        status =
            write_made(folder, &(net_case){names[i], shapes[k], false}, number++, err);
  return status;
}

static enum fr_status write_file(const char *folder, const char *path, fr_error *err) {
  fr_model model;
  enum fr_status status = fr_model_load(&model, path, err);
  if (status != FR_OK)
    return status;
  status = write_case(folder, fr__path_name(path), &model, err);
  fr_model_release(&model);
  return status;
}

int main(int argc, char **argv) {
  fr_error err = {.text = ""};
  if (argc < 2) {
    fputs("usage: write_onnx_cases FOLDER [MODEL.safetensors...]\n", stderr);
    return 2;
  }
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < CASES && status == FR_OK; i++)
    status = write_made(argv[1], &cases[i], i, &err);
  if (status == FR_OK)
    status = write_presets(argv[1], CASES, &err);
  for (int i = 2; i < argc && status == FR_OK; i++)
    status = write_file(argv[1], argv[i], &err);
  if (status != FR_OK)
    fprintf(stderr, "write_onnx_cases: %s\n",
            err.text[0] != '\0' ? err.text : fr_status_text(status));
  return status == FR_OK ? 0 : 1;
}
