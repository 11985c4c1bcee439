/* SPDX-License-Identifier: Apache-2.0 */
/* A model as a C header and a C source that need nothing else. */
#include "model/export_c.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "model/metadata.h"
#include "nn/net.h"

#define STRING_CEILING 4000 /* C99, 5.2.4.1: 4095 characters in a literal */
#define LINE 80

/* What is written. */
typedef struct job {
  const fr_model *model;
  const fr_int8 *int8; /* NULL: float32 */
  const char *path;    /* "somewhere/gesture.c" */
  const char *file;    /* its last part without ".c", not terminated there */
  size_t file_length;
  char name[48], upper[48]; /* "gesture", "GESTURE" */
  size_t ram;
  fr__csource c;
  fr__program program; /* of float32 */
} job;

/* ---- names ---- */

/* Letters, digits and underscores of the file's name, behind "model" where it does not
 * begin with a letter. */
static void name_from(job *j) {
  const bool letter = j->file_length > 0 && isalpha((unsigned char)j->file[0]);
  size_t used = (size_t)snprintf(j->name, sizeof j->name, "%s", letter ? "" : "model");
  if (!letter && j->file_length > 0 && j->file[0] != '_')
    j->name[used++] = '_';
  for (size_t i = 0; i < j->file_length && used + 1 < sizeof j->name; i++) {
    const unsigned char byte = (unsigned char)j->file[i];
    j->name[used++] = (char)(byte < 128 && isalnum(byte) ? byte : '_');
  }
  j->name[used] = '\0';
  for (size_t i = 0; i <= used; i++)
    j->upper[i] = (char)toupper((unsigned char)j->name[i]);
}

static enum fr_status set_path(job *j, const char *path, fr_error *err) {
  const char *slash = strrchr(path, '/');
  j->path = path;
  j->file = slash ? slash + 1 : path;
  const size_t length = strlen(j->file);
  if (length < 3 || strcmp(j->file + length - 2, ".c") != 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s' is not a C source's name: FILE.c", path);
  j->file_length = length - 2;
  for (size_t i = 0; i < length; i++)
    if (strchr("\"\\?*", j->file[i]) || (unsigned char)j->file[i] < ' ')
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "'%s' cannot be named in an #include: choose another name", path);
  name_from(j);
  return FR_OK;
}

/* ---- what others may see ---- */

static fr_shape input_of(const job *j) { return fr_net_input(j->model->net); }

static void add_head(const job *j, const char *suffix, fr__buf *out) {
  const fr_shape in = input_of(j);
  fr__buf_printf(
      out, "/*\n * %.*s.%s: a trained network, written by frugal %s (%s).\n *\n",
      (int)j->file_length, j->file, suffix, FR_VERSION, j->int8 ? "int8" : "float32");
  fr__buf_add(out, " * Network: ");
  fr__c_comment(out, fr_net_text(j->model->net));
  fr__buf_printf(out, "\n * Input: %zu steps of %zu channels", in.steps, in.channels);
  if (j->model->rate_hz > 0)
    fr__buf_printf(out, " at %g Hz", j->model->rate_hz);
  for (size_t i = 0; i < j->model->channels.count; i++) {
    fr__buf_add(out, i == 0 ? ":\n *   " : i % 4 == 0 ? ",\n *   " : ", ");
    fr__c_comment(out, j->model->channels.name[i]);
  }
  fr__buf_printf(out, "\n * Memory: %zu bytes of constants, %zu of buffers.\n */\n",
                 j->c.bytes, j->ram);
}

static void add_int8_macros(const job *j, fr__buf *out) {
  const fr_int8 *n = j->int8;
  char in[32], scale[32];
  fr__c_number(2 / n->factor_in, in);
  fr__c_number(n->scale_out, scale);
  fr__buf_printf(out,
                 "\n/* A normalised input is %s_INPUT_SCALE (q - %s_INPUT_ZERO), an "
                 "output\n * %s_OUTPUT_SCALE (q - %s_OUTPUT_ZERO). */\n"
                 "#define %s_INPUT_SCALE %s\n#define %s_INPUT_ZERO (%d)\n"
                 "#define %s_OUTPUT_SCALE %s\n#define %s_OUTPUT_ZERO (%d)\n",
                 j->upper, j->upper, j->upper, j->upper, j->upper, in, j->upper,
                 n->zero_in, j->upper, scale, j->upper, n->zero_out);
}

static void add_header(const job *j, fr__buf *out) {
  const fr_shape in = input_of(j);
  const char *n = j->name, *u = j->upper;
  add_head(j, "h", out);
  fr__buf_printf(out, "#ifndef %s_H\n#define %s_H\n\n", u, u);
  fr__buf_add(out, j->int8 ? "#include <stdint.h>\n\n" : "");
  fr__buf_printf(out,
                 "#define %s_STEPS %zu\n#define %s_CHANNELS %zu\n#define %s_CLASSES "
                 "%zu\n",
                 u, in.steps, u, in.channels, u, fr_net_classes(j->model->net));
  if (j->int8)
    add_int8_macros(j, out);
  fr__buf_add(out, "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
  fr__buf_printf(out,
                 "/*\n * input: (%s_STEPS, %s_CHANNELS) as it was recorded; what is not "
                 "a number counts as\n * missing. output: (%s_CLASSES), as the network "
                 "gives them. Works in static buffers:\n * one call at a time.\n */\n"
                 "void %s_run(const float *input, float *output);\n\n",
                 u, u, u, n);
  if (j->int8)
    fr__buf_printf(out,
                   "/* The same from normalised input of eight bits to output of "
                   "sixteen, in integers alone. */\n"
                   "void %s_run_int8(const int8_t *input, int16_t *output);\n\n",
                   n);
  fr__buf_printf(out,
                 "/* The class of the greatest output; its name is %s_class[class]. */\n"
                 "int %s_classify(const float *input);\n\n"
                 "extern const char *const %s_class[%s_CLASSES];\n\n"
                 "#ifdef __cplusplus\n}\n#endif\n\n#endif\n",
                 n, n, n, u);
}

/* ---- the source ---- */

static void add_classes(const job *j, fr__buf *out) {
  fr__buf_printf(out, "const char *const %s_class[%s_CLASSES] = {\n", j->name, j->upper);
  for (size_t k = 0; k < j->model->classes.count; k++) {
    fr__buf_add(out, "    ");
    fr__c_string(out, j->model->classes.name[k]);
    fr__buf_add(out, ",\n");
  }
  fr__buf_add(out, "};\n\n");
}

/* Mean and factor of each channel of one window; in double, as the library has them. */
static const char window_text[] =
    "static double input_mean[%s_CHANNELS], input_factor[%s_CHANNELS];\n\n"
    "static int is_there(float x) { return x >= -3.40282347e38f && x <= 3.40282347e38f; "
    "}\n\n"
    "/* Newton's iteration, which comes down to the root from above */\n"
    "static double square_root(double v) {\n"
    "  double r = v > 1.0 ? v : 1.0, next = r;\n"
    "  if (!(v > 0.0))\n    return 0.0;\n"
    "  do {\n    r = next;\n    next = 0.5 * (r + v / r);\n  } while (next < r);\n"
    "  return r;\n}\n\n"
    "/* mean and 1 / deviation of what there is of channel c, at most its scale */\n"
    "static void measure(const float *input, int32_t c) {\n"
    "  double count = 0.0, total = 0.0, squares = 0.0, deviation;\n"
    "  for (int32_t i = c; i < %s_STEPS * %s_CHANNELS; i += %s_CHANNELS)\n"
    "    if (is_there(input[i])) {\n      count += 1.0;\n      total += input[i];\n    "
    "}\n"
    "  input_mean[c] = count > 0.0 ? total / count : 0.0;\n"
    "  for (int32_t i = c; i < %s_STEPS * %s_CHANNELS; i += %s_CHANNELS)\n"
    "    if (is_there(input[i])) {\n      const double d = input[i] - input_mean[c];\n"
    "      squares += d * d;\n    }\n"
    "  deviation = count > 0.0 ? square_root(squares / count) : 0.0;\n"
    "  input_factor[c] = deviation * input_scale[c] > 1.0 ? 1.0 / deviation : "
    "input_scale[c];\n}\n\n"
    "/* (x - mean) factor of its channel in this window; 0 where it is missing */\n"
    "static float normalized(const float *input, int32_t i) {\n"
    "  const int32_t c = i %% %s_CHANNELS;\n"
    "  float y;\n"
    "  if (i < %s_CHANNELS) /* the first step */\n    measure(input, c);\n"
    "  y = (float)((input[i] - input_mean[c]) * input_factor[c]);\n"
    "  return is_there(y) ? y : 0.0f;\n}\n\n";

static const char none_text[] =
    "/* x; the training side's mean where it is missing or not finite */\n"
    "static float normalized(const float *input, int32_t i) {\n"
    "  const int32_t c = i %% %s_CHANNELS;\n"
    "  const float x = input[i];\n"
    "  return (x >= -3.40282347e38f && x <= 3.40282347e38f ? x : input_shift[c]) *\n"
    "         input_scale[c];\n}\n\n";

static const char fixed_text[] =
    "/* (x - shift) scale of its channel; 0 where it is missing or not finite */\n"
    "static float normalized(const float *input, int32_t i) {\n"
    "  const int32_t c = i %% %s_CHANNELS;\n"
    "  const float y = (input[i] - input_shift[c]) * input_scale[c];\n"
    "  return y >= -3.40282347e38f && y <= 3.40282347e38f ? y : 0.0f;\n}\n\n";

/* One number of the input, normalised; asked for in the order of the input. */
static void add_normalizer(const job *j, fr__buf *out) {
  const char *u = j->upper;
  if (j->model->normalizer.channels == 0) {
    fr__buf_add(out, "static float normalized(const float *input, int32_t i) { return "
                     "input[i]; }\n\n");
    return;
  }
  switch (j->model->normalizer.how) {
  case FR_NORMALIZE_WINDOW:
    fr__buf_printf(out, window_text, u, u, u, u, u, u, u, u, u, u);
    break;
  case FR_NORMALIZE_NONE: fr__buf_printf(out, none_text, u); break;
  case FR_NORMALIZE_ZSCORE:
  case FR_NORMALIZE_MINMAX:
  case FR_NORMALIZE_ROBUST: fr__buf_printf(out, fixed_text, u); break;
  }
}

static void add_classify(const job *j, fr__buf *out) {
  const char *n = j->name, *u = j->upper;
  fr__buf_printf(out,
                 "int %s_classify(const float *input) {\n"
                 "  static float output[%s_CLASSES];\n"
                 "  int best = 0;\n"
                 "  %s_run(input, output);\n"
                 "  for (int k = 1; k < %s_CLASSES; k++)\n"
                 "    if (output[k] > output[best])\n"
                 "      best = k;\n"
                 "  return best;\n}\n",
                 n, u, n, u);
}

static void add_float_run(const job *j, fr__buf *out) {
  const char *n = j->name, *u = j->upper;
  fr__buf_printf(out,
                 "void %s_run(const float *input, float *output) {\n"
                 "  for (int32_t i = 0; i < %s_STEPS * %s_CHANNELS; i++)\n"
                 "    values[%zu + i] = normalized(input, i);\n"
                 "  forward();\n"
                 "  for (int32_t k = 0; k < %s_CLASSES; k++)\n"
                 "    output[k] = values[%zu + k];\n}\n\n",
                 n, u, u, j->program.value[0].offset, u,
                 j->program.value[j->program.output].offset);
}

static void add_int8_run(const job *j, fr__buf *out) {
  const char *n = j->name, *u = j->upper;
  const fr_int8 *q = j->int8;
  char factor[32], from[48];
  fr__c_number(q->factor_in, factor);
  (void)snprintf(from, sizeof from, q->wide ? "outputs[k]" : "values[%zu + k]",
                 q->output);
  fr__buf_printf(out,
                 "void %s_run_int8(const int8_t *input, int16_t *output) {\n"
                 "  for (int32_t i = 0; i < %s_STEPS * %s_CHANNELS; i++)\n"
                 "    values[%zu + i] = input[i];\n"
                 "  forward();\n"
                 "  for (int32_t k = 0; k < %s_CLASSES; k++)\n"
                 "    output[k] = %s;\n}\n\n",
                 n, u, u, q->in, u, from);
  fr__buf_printf(out,
                 "void %s_run(const float *input, float *output) {\n"
                 "  for (int32_t i = 0; i < %s_STEPS * %s_CHANNELS; i++)\n"
                 "    values[%zu + i] = quantize(normalized(input, i), %s, "
                 "%s_INPUT_ZERO);\n"
                 "  forward();\n"
                 "  for (int32_t k = 0; k < %s_CLASSES; k++)\n"
                 "    output[k] = (float)(%s - %s_OUTPUT_ZERO) * %s_OUTPUT_SCALE;\n}\n\n",
                 n, u, u, q->in, factor, u, u, from, u, u);
}

static void add_array(fr__buf *out, const char *type, const char *name, size_t count) {
  if (count > 0)
    fr__buf_printf(out, "static %s %s[%zu];\n", type, name, count);
}

static void add_buffers(const job *j, fr__buf *out) {
  fr__buf_add(out, "/* What lies between two layers; some in the place of others. */\n");
  if (!j->int8) {
    add_array(out, "float", "values", j->program.buffer);
    add_array(out, "float", "room", j->c.room);
  } else {
    add_array(out, "int8_t", "values", j->int8->buffer);
    add_array(out, "int8_t", "room8", j->int8->room8);
    add_array(out, "int16_t", "room16", j->int8->room16);
    add_array(out, "int32_t", "room32", j->int8->room32);
    add_array(out, "int16_t", "outputs", j->int8->wide ? j->int8->classes : 0);
  }
}

static void add_source(const job *j, fr__buf *out) {
  add_head(j, "c", out);
  fr__buf_printf(out, "#include \"%.*s.h\"\n\n#include <stdint.h>\n\n",
                 (int)j->file_length, j->file);
  fr__c_pieces(&j->c, out);
  fr__buf_add_bytes(out, fr__buf_text(&j->c.constants), j->c.constants.length);
  add_buffers(j, out);
  fr__buf_printf(out, "\nstatic void forward(void) {\n%s}\n\n",
                 fr__buf_text(&j->c.calls));
  add_classes(j, out);
  add_normalizer(j, out);
  if (j->int8)
    add_int8_run(j, out);
  else
    add_float_run(j, out);
  add_classify(j, out);
}

/* ---- the whole ---- */

static enum fr_status check(const fr_model *model, const fr_int8 *int8, const char *path,
                            fr_error *err) {
  json_t *metadata = NULL; /* refuses what could not be loaded */
  enum fr_status status = fr__metadata_write(model, path, &metadata, err);
  json_decref(metadata);
  if (status != FR_OK)
    return status;
  for (size_t k = 0; k < model->classes.count; k++)
    if (strlen(model->classes.name[k]) > STRING_CEILING / 4)
      return fr__fail(err, FR_ERR_LIMIT, "the name of class %zu is too long for C",
                      k + 1);
  const fr_shape in = fr_net_input(model->net);
  if (int8 && (fr_int8_input(int8).steps != in.steps ||
               fr_int8_input(int8).channels != in.channels ||
               fr_int8_classes(int8) != fr_net_classes(model->net)))
    return fr__fail(err, FR_ERR_ARGUMENT, "the integers are not of this model's network");
  return FR_OK;
}

static enum fr_status check_finite(const fr_model *model, fr_error *err) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(model->net, &count);
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < tensor[i].count; k++)
      if (!isfinite(tensor[i].value[k]))
        return fr__fail(err, FR_ERR_NUMERIC, "tensor '%s' is not finite", tensor[i].name);
  return FR_OK;
}

static void add_normalizer_arrays(job *j) {
  const fr_normalizer *n = &j->model->normalizer;
  if (n->channels == 0)
    return;
  if (n->how != FR_NORMALIZE_WINDOW)
    fr__c_floats(&j->c, "input", "shift", n->shift, n->channels);
  fr__c_floats(&j->c, "input", "scale", n->scale, n->channels);
  fr__buf_add(&j->c.constants, "\n");
}

static enum fr_status fill(job *j, fr_error *err) {
  enum fr_status status = FR_OK;
  add_normalizer_arrays(j);
  if (j->int8) {
    fr__c_need(&j->c, "quantize");
    fr__c_int8_ops(&j->c, j->int8);
    j->ram = fr_int8_activation_bytes(j->int8);
  } else {
    status = fr__program_init(&j->program, &j->model->net->chain, err);
    if (status == FR_OK)
      status = fr__program_lay_out(&j->program, err);
    if (status == FR_OK)
      status = fr__c_float_program(&j->c, &j->program, err);
    j->ram = (j->program.buffer + j->c.room) * sizeof(float);
  }
  if (j->model->normalizer.how == FR_NORMALIZE_WINDOW) /* means and factors */
    j->ram += 2 * j->model->normalizer.channels * sizeof(double);
  if (status == FR_OK && fr__c_status(&j->c) != FR_OK)
    status = fr__fail(err, fr__c_status(&j->c),
                      "the text of '%s' cannot be held in memory", j->path);
  return status;
}

static enum fr_status write_text(const char *path, const fr__buf *text, fr_error *err) {
  if (text->status != FR_OK)
    return fr__fail(err, text->status, "the text of '%s' cannot be held in memory", path);
  return fr__file_write(path, text->text, text->length, err);
}

static enum fr_status write_files(const job *j, fr_export_c_facts *facts, fr_error *err) {
  fr__buf source, header;
  fr__buf_init(&source, (size_t)1 << 30);
  fr__buf_init(&header, 0);
  char *beside = strdup(j->path);
  enum fr_status status = beside ? FR_OK : fr__fail_memory(err, "the name of a header");
  if (status == FR_OK) {
    beside[strlen(beside) - 1] = 'h';
    add_header(j, &header);
    add_source(j, &source);
    status = write_text(beside, &header, err);
  }
  if (status == FR_OK)
    status = write_text(j->path, &source, err);
  if (status == FR_OK && facts)
    *facts = (fr_export_c_facts){.bytes = source.length + header.length,
                                 .weight_bytes = j->c.bytes,
                                 .activation_bytes = j->ram};
  free(beside);
  fr__buf_release(&source);
  fr__buf_release(&header);
  return status;
}

enum fr_status fr_export_c(const fr_model *model, const fr_int8 *int8, const char *path,
                           fr_export_c_facts *facts, fr_error *err) {
  job j = {.model = model, .int8 = int8};
  enum fr_status status = set_path(&j, path, err);
  if (status == FR_OK)
    status = check(model, int8, path, err);
  if (status == FR_OK)
    status = check_finite(model, err);
  if (status != FR_OK)
    return status;
  fr__c_init(&j.c, int8 ? fr__pieces_int8 : fr__pieces_float);
  status = fill(&j, err);
  if (status == FR_OK)
    status = write_files(&j, facts, err);
  fr__program_release(&j.program);
  fr__c_release(&j.c);
  return status;
}
