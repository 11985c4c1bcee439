/* SPDX-License-Identifier: Apache-2.0 */
/* frugal export: a model for other runtimes, one row of a table for each format. */
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "cli/precision.h"
#include "report/table.h"

typedef struct format format;

typedef struct export {
  cli_output output;
  const char *model;
  const char *file;
  const format *format;
  cli_input input; /* of the data that int8 finds its ranges on */
  cli_precision precision;
}
export;

/* What is told of an export, for people and for programs. */
typedef struct told {
  json_t *result;
  json_t *warnings;
  fr__table table;
} told;

struct format {
  const char *name;
  /* Writes the file and tells what is peculiar to it. */
  enum fr_status (*write)(const export *e, const fr_model *model, told *t, fr_error *err);
};

static void tell_text(told *t, const char *key, const char *title, const char *text) {
  json_object_set_new(t->result, key, json_string(text));
  fr__table_add(&t->table, title);
  fr__table_add(&t->table, text);
}

static void tell(told *t, const char *key, const char *title, uint64_t number) {
  json_object_set_new(t->result, key, json_integer((json_int_t)number));
  fr__table_add(&t->table, title);
  fr__table_addf(&t->table, "%llu", (unsigned long long)number);
}

static enum fr_status write_onnx(const export *e, const fr_model *model, told *t,
                                 fr_error *err) {
  fr_export_facts facts;
  const enum fr_status status = fr_export_onnx(model, e->file, &facts, err);
  if (status != FR_OK)
    return status;
  tell(t, "size_bytes", "Size, bytes", facts.bytes);
  tell(t, "operators", "Operators", facts.operators);
  return FR_OK;
}

/* The reading of data says how far it is; an export shows no bar. */
static void say_nothing(void *self, const char *what, double done) {
  (void)self;
  (void)what;
  (void)done;
}

static enum fr_status quantize(const export *e, const fr_model *model, told *t,
                               fr_int8 **out, fr_error *err) {
  cli_work work = {0};
  cli_input input = e->input;
  cli_session session = {
      .result = {.command = "export", .result = t->result, .warnings = t->warnings},
      .observer = {.progress = say_nothing}};
  enum fr_status status = cli_work_open(&work, &session, &input, model->seed, model, err);
  if (status == FR_OK)
    status = cli_int8_new(&work, &session.result, model->net, out, err);
  cli_work_release(&work);
  return status;
}

static enum fr_status write_c(const export *e, const fr_model *model, told *t,
                              fr_error *err) {
  fr_export_c_facts facts;
  fr_int8 *int8 = NULL;
  const bool stored =
      model->ranges.values > 0 && !(e->precision.told && !e->precision.int8);
  enum fr_status status = FR_OK;
  if (stored)
    status = fr_int8_build(model->net, &model->ranges, &int8, err);
  else if (e->precision.int8)
    status = quantize(e, model, t, &int8, err);
  if (status == FR_OK)
    status = fr_export_c(model, int8, e->file, &facts, err);
  fr_int8_free(int8);
  if (status != FR_OK)
    return status;
  tell_text(t, "precision", "Precision",
            stored ? "int8" : cli_precision_text(&e->precision));
  tell(t, "size_bytes", "Size, bytes", facts.bytes);
  tell(t, "weight_bytes", "Constants (flash), bytes", facts.weight_bytes);
  tell(t, "activation_bytes", "Buffers (RAM), bytes", facts.activation_bytes);
  return FR_OK;
}

static const format formats[] = {
    {"onnx", write_onnx},
    {"c", write_c},
};
enum { FORMATS = sizeof formats / sizeof *formats };

enum { KEY_TO = 1 };

static const struct argp_option options[] = {
    {"to", KEY_TO, "FORMAT", 0, "what is written: onnx or c", 0},
    {"output", 'o', "FILE", 0, "where it is written", 0},
    {0},
};

static const format *find_format(const char *name, struct argp_state *state) {
  for (size_t i = 0; i < FORMATS; i++)
    if (strcmp(name, formats[i].name) == 0)
      return &formats[i];
  fr__buf known;
  fr__buf_init(&known, 0);
  for (size_t i = 0; i < FORMATS; i++)
    fr__buf_printf(&known, "%s%s", i > 0 ? ", " : "", formats[i].name);
  argp_error(state, "--to takes one of %s, not '%s'", fr__buf_text(&known), name);
  fr__buf_release(&known);
  return NULL;
}

static void check_words(const export *e, struct argp_state *state) {
  if (e->model == NULL)
    argp_error(state, "say MODEL");
  if (e->format == NULL)
    argp_error(state, "say --to FORMAT");
  if (e->file == NULL)
    argp_error(state, "say -o FILE");
  if (e->precision.int8 && e->format != NULL && e->format->write != write_c)
    argp_error(state, "--precision int8 is for --to c");
  if (e->precision.floats != FR_PRECISION_F32)
    argp_error(state, "--precision bf16 is of training and testing: weights are float32");
}

static error_t parse(int key, char *text, struct argp_state *state) {
  export *e = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &e->precision;
    state->child_inputs[1] = &e->input;
    state->child_inputs[2] = &e->output;
    return 0;
  case KEY_TO: e->format = find_format(text, state); return 0;
  case 'o': e->file = text; return 0;
  case ARGP_KEY_ARG:
    if (state->arg_num > 0)
      argp_error(state, "'%s' is one word too many", text);
    e->model = text;
    return 0;
  case ARGP_KEY_END: check_words(e, state); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {
    {&cli_precision_argp, 0, NULL, 0},
    {&cli_input_argp, 0,
     "Data that int8 finds its ranges on (default: the model's):", 10},
    {&cli_output_argp, 0, NULL, 90},
    {0}};
static const struct argp argp = {
    options,  parse,
    "MODEL",  "Writes a model, its normaliser included, as a file for other runtimes.",
    children, NULL,
    NULL};

static enum fr_status fill(const export *e, told *t, fr_error *err) {
  fr_model model;
  enum fr_status status = fr_model_load(&model, e->model, err);
  if (status != FR_OK)
    return status;
  tell_text(t, "file", "File", e->file);
  tell_text(t, "format", "Format", e->format->name);
  status = e->format->write(e, &model, t, err);
  tell(t, "parameters", "Parameters", fr_net_parameters(model.net));
  tell(t, "operations", "FLOP a sample", fr_net_operations(model.net));
  fr_model_release(&model);
  return status;
}

static enum fr_status run(const export *e, cli_result *result, fr__buf *text,
                          fr_error *err) {
  const char *const path[] = {e->model, e->file, e->output.json};
  const enum fr_status distinct = cli_check_distinct(path, 3, err);
  if (distinct != FR_OK)
    return distinct;
  told t = {.result = result->result, .warnings = result->warnings};
  fr__table_init(&t.table, NULL);
  fr__table_column_add(&t.table, "Export", FR__ALIGN_LEFT, false);
  fr__table_column_add(&t.table, "", FR__ALIGN_LEFT, true);
  enum fr_status status = fill(e, &t, err);
  if (status == FR_OK)
    status = fr__table_render(&t.table, cli_columns(), text, err);
  fr__table_release(&t.table);
  return status;
}

int cli_cmd_export(int argc, char **argv) {
  export e = {0};
  argp_parse(&argp, argc, argv, 0, NULL, &e);
  fr_error err;
  cli_result result;
  cli_result_init(&result, "export");
  fr__buf text;
  fr__buf_init(&text, 0);
  const enum fr_status status = run(&e, &result, &text, &err);
  const int code = status == FR_OK
                       ? cli_result_print(&result, &e.output, fr__buf_text(&text))
                       : cli_fail(&err);
  fr__buf_release(&text);
  cli_result_release(&result);
  return code;
}
