/* SPDX-License-Identifier: Apache-2.0 */
/* Exported C, compiled by `cc` as strict C99 and run: float32 within a millionth of the
 * network's outputs, int8 to the last bit of fr_int8_run. */
#include "../test.h"

#include <math.h>

#include "base/rng.h"
#include "frugal/export.h"
#include "nn/layer.h"

enum { STEPS = 24, CHANNELS = 6, CLASSES = 5, SAMPLES = 40, SIZE = STEPS * CHANNELS };

/* Every family, alone and in company; what fits neither a step of four nor a word. */
static const char *const archs[] = {
    "dense(classes)",
    "flatten dropout(0.5) dense(7) relu dense(classes)",
    "conv1d(12,5) relu conv1d(7,3,2,pad=same) bn avgpool(all) dense(classes)",
    "conv1d(12,5,pad=causal,dilation=3) bn relu dense(classes)",
    "conv1d(12,3,groups=3) leaky(0.1) bn maxpool(2) dense(classes)",
    "bn conv1d(9,4) gelu avgpool(4) conv1d(5,3) sigmoid dense(11) tanh dense(classes)",
    "conv1d(12,5) hardswish spatialdropout(0.1) maxpool(all) dense(classes) softmax",
    "conv1d(16,3) layernorm relu softmax avgpool(3) dense(classes)",
    "lstm(9) dense(classes)",
    "lstm(10,all,both) lstm(7,last,both) dense(classes)",
    "gru(9,all) gru(11,last) dense(classes)",
    "gru(6,all,both) gru(5,last,both) dense(classes)",
    "conv1d(12,3) attention(3) layernorm attention(1) avgpool(all) dense(classes)",
    "residual(conv1d(6,3) relu) residual(conv1d(12,3) bn relu) avgpool(all) "
    "dense(classes)",
    "parallel(conv1d(4,3) relu | conv1d(6,5) | lstm(3,all)) avgpool(all) dense(classes)",
    "residual(parallel(conv1d(3,3) relu | residual(conv1d(3,3)) conv1d(3,1))) relu "
    "maxpool(all) dense(classes)",
    "conv1d(5,24)",
    "relu avgpool(all) parallel(dense(3) | dense(2) gelu)",
    "big",
    "small",
};
enum { MODELS = sizeof archs / sizeof archs[0] };

/* Names that C, its preprocessor and comments could trip over. */
static const char *const names[CLASSES] = {"a \"b\" \\", "what?\?/", "s\xc3\xa9jour 1",
                                           "*/ x /*", "%d\n\t"};

typedef struct fixture {
  char *folder;
  fr_model model[MODELS];
  fr_int8 *int8[MODELS];
  float *raw; /* (SAMPLES, SIZE), some missing */
  float *x;   /* the same, normalised */
  bool has_compiler;
} fixture;

static fr_names make_names(const char *const *name, size_t count) {
  fr_names made = {.count = count, .name = calloc(count, sizeof(char *))};
  for (size_t i = 0; i < count; i++)
    made.name[i] = strdup(name[i]);
  return made;
}

static fr_net *make_net(const char *arch, fr__rng *rng) {
  fr_net *net = NULL;
  ASSERT_OK(fr_net_new(arch, (fr_shape){STEPS, CHANNELS}, CLASSES, &net, err));
  fr_net_init(net, 3, 0);
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; tensor[i].rank == 1 && k < tensor[i].count; k++)
      if (strstr(tensor[i].name, "variance") != NULL)
        tensor[i].value[k] = (float)(0.3 + fr__rng_uniform(rng));
      else
        tensor[i].value[k] += (float)(0.2 * fr__rng_normal(rng));
  ASSERT_OK(fr_net_reserve(net, 1, false, 0, err));
  return net;
}

/* In turn by a fixed shift and scale, by window, and as it is. */
static const enum fr_normalize methods[] = {FR_NORMALIZE_ZSCORE, FR_NORMALIZE_WINDOW,
                                            FR_NORMALIZE_NONE};

static fr_model make_model(const char *arch, fr__rng *rng, bool normalized) {
  static const char *const channels[CHANNELS] = {"x", "y", "z", "*/", "r\n", "\"q\""};
  fr_model m = {.net = make_net(arch, rng),
                .classes = make_names(names, CLASSES),
                .channels = make_names(channels, CHANNELS),
                .task = strdup("activity"),
                .data = strdup("synthetic:"),
                .split = strdup("trial"),
                .validate = strdup("0.1"),
                .window = STEPS,
                .step = STEPS,
                .rate_hz = 50};
  if (!normalized)
    return m;
  m.normalizer = (fr_normalizer){CHANNELS, calloc(CHANNELS, sizeof(float)),
                                 calloc(CHANNELS, sizeof(float)), FR_NORMALIZE_ZSCORE};
  for (size_t c = 0; c < CHANNELS; c++) {
    m.normalizer.shift[c] = (float)fr__rng_normal(rng);
    m.normalizer.scale[c] = c == 4 ? 0 : (float)(0.5 + fr__rng_uniform(rng));
  }
  return m;
}

/* The last model takes what it is given: no normaliser, no missing value. */
static void normalize(const fixture *f, size_t model, size_t sample, float *x) {
  const fr_normalizer *n = &f->model[model].normalizer;
  memcpy(x, f->raw + sample * SIZE, SIZE * sizeof *x);
  if (n->channels > 0)
    fr_normalizer_apply(n, x, STEPS);
}

static void fill_inputs(fixture *f, fr__rng *rng) {
  f->raw = calloc(SAMPLES * SIZE, sizeof *f->raw);
  for (size_t i = 0; i < SAMPLES * SIZE; i++)
    f->raw[i] = (float)(2 * fr__rng_normal(rng));
  for (size_t i = 0; i < 8; i++) {
    f->raw[i * 131] = i % 2 == 0 ? NAN : 1e30f;
    f->raw[i * 137 + 11] = i % 2 == 0 ? -INFINITY : INFINITY;
  }
}

static void make_int8(fixture *f, size_t model) {
  const float *x[SAMPLES];
  for (size_t i = 0; i < SAMPLES; i++) {
    normalize(f, model, i, f->x + i * SIZE);
    for (size_t k = 0; k < SIZE; k++) /* a calibration is not meant to see 1e30 */
      if (!(fabsf(f->x[i * SIZE + k]) < 100))
        f->x[i * SIZE + k] = 0;
    x[i] = f->x + i * SIZE;
  }
  ASSERT_OK(fr_int8_new(f->model[model].net, x, SAMPLES, &f->int8[model], err));
}

static int setup(void **state) {
  static fixture f;
  f.folder = test_folder_make();
  f.has_compiler = system("cc --version >/dev/null 2>&1") == 0;
  f.x = calloc(SAMPLES * SIZE, sizeof *f.x);
  fr__rng rng;
  fr__rng_init(&rng, 11, 3);
  fill_inputs(&f, &rng);
  for (size_t i = 0; i < MODELS; i++) {
    f.model[i] = make_model(archs[i], &rng, i + 1 < MODELS);
    f.model[i].normalizer.how = methods[i % 3];
    make_int8(&f, i);
  }
  *state = &f;
  return 0;
}

static int teardown(void **state) {
  fixture *f = *state;
  for (size_t i = 0; i < MODELS; i++) {
    fr_model_release(&f->model[i]);
    fr_int8_free(f->int8[i]);
  }
  free(f->raw);
  free(f->x);
  test_folder_remove(f->folder);
  return 0;
}

/* ---- a program of all models ---- */

static FILE *create(const fixture *f, const char *name) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", f->folder, name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  return file;
}

/* Reads every sample from "input" and writes, model by model, outputs and classes. */
static void write_driver(const fixture *f) {
  FILE *file = create(f, "driver.c");
  fputs("#include <stdio.h>\n", file);
  for (int i = 0; i < MODELS; i++)
    fprintf(file, "#include \"m%d.h\"\n", i);
  fprintf(file,
          "static float x[%d][%d];\n"
          "static void all(void (*run)(const float *, float *), int (*classify)(const "
          "float *), const char *const *name, FILE *out) {\n"
          "  for (int i = 0; i < %d; i++) {\n"
          "    float y[%d + 1];\n    run(x[i], y);\n"
          "    y[%d] = (float)classify(x[i]);\n"
          "    fwrite(y, sizeof y, 1, out);\n  }\n"
          "  for (int k = 0; k < %d; k++)\n"
          "    fprintf(out, \"%%s\", name[k]);\n}\n"
          "int main(void) {\n"
          "  FILE *in = fopen(\"input\", \"rb\"), *out = fopen(\"output\", \"wb\");\n"
          "  if (!in || !out || fread(x, sizeof x, 1, in) != 1)\n    return 1;\n",
          SAMPLES, SIZE, SAMPLES, CLASSES, CLASSES, CLASSES);
  for (int i = 0; i < MODELS; i++)
    fprintf(file, "  all(m%d_run, m%d_classify, m%d_class, out);\n", i, i, i);
  fputs("  fclose(in);\n  return fclose(out);\n}\n", file);
  assert_int_equal(fclose(file), 0);
  file = create(f, "input");
  assert_int_equal(fwrite(f->raw, sizeof(float), SAMPLES * SIZE, file), SAMPLES * SIZE);
  assert_int_equal(fclose(file), 0);
}

static void export_all(const fixture *f, bool int8) {
  for (size_t i = 0; i < MODELS; i++) {
    char path[512];
    snprintf(path, sizeof path, "%s/m%zu.c", f->folder, i);
    fr_export_c_facts facts = {0};
    ASSERT_OK(fr_export_c(&f->model[i], int8 ? f->int8[i] : NULL, path, &facts, err));
    assert_true(facts.bytes > 0 && facts.activation_bytes > 0);
    const bool window = f->model[i].normalizer.how == FR_NORMALIZE_WINDOW;
    if (int8) /* and the normaliser, which by window has no shift */
      assert_int_equal(facts.weight_bytes, fr_int8_weight_bytes(f->int8[i]) +
                                               (window ? 1 : 2) * sizeof(float) *
                                                   f->model[i].normalizer.channels);
  }
}

static void compile_and_run(const fixture *f, const char *flags) {
  char command[1024];
  snprintf(command, sizeof command,
           "cd '%s' && cc -std=c99 -Wall -Wextra -Werror -pedantic %s -o run driver.c "
           "m*.c && ./run",
           f->folder, flags);
  assert_int_equal(system(command), 0);
}

/* Whether there is a compiler; the test is skipped where not. */
static void need_compiler(const fixture *f) {
  if (f->has_compiler)
    return;
  print_message("skipped: exported C is compiled with 'cc', which is not there\n");
  skip();
}

static void assert_float_output(const float *want, const float *got, size_t model,
                                double *worst) {
  double scale = 0;
  for (size_t k = 0; k < CLASSES; k++)
    scale = fmax(scale, fabs((double)want[k]));
  for (size_t k = 0; k < CLASSES; k++) {
    if (isnan(want[k]) && isnan(got[k])) /* inputs of 1e30 */
      continue;
    const double wrong = fabs((double)got[k] - (double)want[k]) / scale;
    *worst = fmax(*worst, wrong);
    if (!(wrong <= 2e-6))
      fail_msg("'%s': %.9g where %.9g was wanted, %.3g of %.3g", archs[model],
               (double)got[k], (double)want[k], wrong, scale);
  }
}

static void check_outputs(const fixture *f, bool int8) {
  char path[512];
  double worst = 0;
  snprintf(path, sizeof path, "%s/output", f->folder);
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  for (size_t m = 0; m < MODELS; m++) {
    fr_net *net = f->model[m].net;
    for (size_t i = 0; i < SAMPLES; i++) {
      float got[CLASSES + 1], x[SIZE], want[CLASSES];
      assert_int_equal(fread(got, sizeof got, 1, file), 1);
      normalize(f, m, i, x);
      if (int8) {
        fr_int8_run(f->int8[m], x, want);
        assert_memory_equal(got, want, sizeof want);
      } else if (m + 1 < MODELS || i >= 8) { /* without a normaliser NaN passes */
        memcpy(want, fr_net_forward(net, x, 1, 0, fr_net_layer_count(net), false),
               sizeof want);
        assert_float_output(want, got, m, &worst);
      }
      for (size_t k = 0; k < CLASSES; k++)
        assert_false(got[k] > got[(size_t)got[CLASSES]]);
    }
    for (size_t k = 0; k < CLASSES; k++) {
      char name[32];
      assert_int_equal(fread(name, strlen(names[k]), 1, file), 1);
      assert_memory_equal(name, names[k], strlen(names[k]));
    }
  }
  fclose(file);
  if (!int8)
    print_message("float32 differs by at most %.2g\n", worst);
}

static void test_every_family_is_among_the_models(void **state) {
  (void)state;
  char families[1024];
  fr__layer_names(families, sizeof families);
  for (char *name = strtok(families, ", "); name; name = strtok(NULL, ", ")) {
    bool found = false;
    for (size_t i = 0; i < MODELS && !found; i++)
      found = strstr(archs[i], name) != NULL;
    if (!found)
      fail_msg("no model has a layer '%s'", name);
  }
}

static void test_float32_gives_the_networks_outputs(void **state) {
  const fixture *f = *state;
  need_compiler(f);
  export_all(f, false);
  write_driver(f);
  compile_and_run(f, "-O2");
  check_outputs(f, false);
}

static void test_int8_gives_the_same_bits(void **state) {
  const fixture *f = *state;
  need_compiler(f);
  export_all(f, true);
  write_driver(f);
  compile_and_run(f, "-O2");
  check_outputs(f, true);
}

/* Shifts, overflows and indices that only happen to work. */
static void test_int8_is_defined_behaviour(void **state) {
  const fixture *f = *state;
  need_compiler(f);
  export_all(f, true);
  write_driver(f);
  compile_and_run(f, "-O1 -fsanitize=undefined,address -fno-sanitize-recover=all");
  check_outputs(f, true);
}

/* ---- files ---- */

static char *read_all(const char *path) {
  char *text = calloc(1, 1 << 22);
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  assert_true(fread(text, 1, (1 << 22) - 1, file) < (1 << 22) - 1);
  fclose(file);
  return text;
}

static void test_names_become_identifiers(void **state) {
  const fixture *f = *state;
  static const char *const cases[][2] = {{"gesture.c", "gesture_run("},
                                         {"3 d-x.c", "model_3_d_x_run("},
                                         {"\xc3\xa9t\xc3\xa9.c", "model___t___run("},
                                         {"_x.c", "model_x_run("}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", f->folder, cases[i][0]);
    ASSERT_OK(fr_export_c(&f->model[0], NULL, path, NULL, err));
    char *source = read_all(path);
    path[strlen(path) - 1] = 'h';
    char *header = read_all(path);
    if (!strstr(source, cases[i][1]) || !strstr(header, cases[i][1]))
      fail_msg("'%s' lacks '%s'", cases[i][0], cases[i][1]);
    free(source);
    free(header);
  }
}

static void test_the_same_model_gives_the_same_bytes(void **state) {
  const fixture *f = *state;
  char path[512];
  snprintf(path, sizeof path, "%s/again.c", f->folder);
  for (int int8 = 0; int8 < 2; int8++) {
    ASSERT_OK(fr_export_c(&f->model[9], int8 ? f->int8[9] : NULL, path, NULL, err));
    char *first = read_all(path);
    ASSERT_OK(fr_export_c(&f->model[9], int8 ? f->int8[9] : NULL, path, NULL, err));
    char *second = read_all(path);
    assert_string_equal(first, second);
    free(first);
    free(second);
  }
}

static void test_refuses_with_a_sentence(void **state) {
  const fixture *f = *state;
  fr_error why = {0};
  assert_int_equal(fr_export_c(&f->model[0], NULL, "gesture.cpp", NULL, &why),
                   FR_ERR_ARGUMENT);
  assert_non_null(strstr(why.text, "gesture.cpp"));
  assert_int_equal(fr_export_c(&f->model[0], NULL, "a\"b.c", NULL, &why),
                   FR_ERR_ARGUMENT);
  assert_int_equal(fr_export_c(&f->model[0], NULL, "/nowhere/at/all/x.c", NULL, &why),
                   FR_ERR_NOT_FOUND);
  fr_net *other = NULL;
  ASSERT_OK(fr_net_new("dense(classes)", (fr_shape){1, 2}, CLASSES, &other, err));
  const float x[2] = {1, -1}, *one = x;
  fr_int8 *int8 = NULL;
  ASSERT_OK(fr_int8_new(other, &one, 1, &int8, err));
  assert_int_equal(fr_export_c(&f->model[0], int8, "x.c", NULL, &why), FR_ERR_ARGUMENT);
  fr_int8_free(int8);
  fr_net_free(other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_family_is_among_the_models),
      cmocka_unit_test(test_float32_gives_the_networks_outputs),
      cmocka_unit_test(test_int8_gives_the_same_bits),
      cmocka_unit_test(test_int8_is_defined_behaviour),
      cmocka_unit_test(test_names_become_identifiers),
      cmocka_unit_test(test_the_same_model_gives_the_same_bytes),
      cmocka_unit_test(test_refuses_with_a_sentence),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
