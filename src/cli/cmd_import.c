/* SPDX-License-Identifier: Apache-2.0 */
/* frugal import: a model of weights that another program learned. */
#include "cli/cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/csv.h"
#include "base/error.h"
#include "data/reader.h"
#include "report/table.h"

typedef struct import {
  cli_output output;
  const char *weights, *net, *classes, *channels, *task, *file;
  const char *mean, *deviation; /* of the input's channels; NULL: 0, 1 */
  enum fr_normalize normalize;
  fr_shape input;
  double rate_hz;
  fr_import_options options;
} import;

enum {
  KEY_INPUT = 1,
  KEY_CLASSES,
  KEY_MAP,
  KEY_FROM,
  KEY_FLATTEN,
  KEY_MEAN,
  KEY_DEVIATION,
  KEY_NORMALIZE,
  KEY_CHANNELS,
  KEY_TASK,
  KEY_RATE
};

static const struct argp_option options[] = {
    {"net", 'n', "NAME|ARCH", 0, "the same layers as frugal's text", 0},
    {"input", KEY_INPUT, "STEPSxCHANNELS", 0, "what the network is given", 0},
    {"classes", KEY_CLASSES, "NAMES|N", 0,
     "of its outputs, in order: a,b,c; a number: 0, 1, …", 0},
    {"from", KEY_FROM, "ORIGIN", 0, "pytorch or keras (default: as the names look)", 0},
    {"map", KEY_MAP, "FILE", 0,
     "lines 'LAYER = NAME' or 'TENSOR = NAME…' (default: by family, shape and order)", 0},
    {"flatten", KEY_FLATTEN, "HOW", 0,
     "channels-first or steps-first: how a sequence in front of a dense layer was "
     "flattened (default: PyTorch channels-first behind convolutions)",
     0},
    {"mean", KEY_MEAN, "NUMBERS", 0, "what the input's channels are less (default 0)", 0},
    {"deviation", KEY_DEVIATION, "NUMBERS", 0, "and then divided by (default 1)", 0},
    {"normalize", KEY_NORMALIZE, "METHOD", 0,
     "window: each by its own mean and deviation, of which --deviation is the least that "
     "counts (default 1e-6); none: as it is, --mean where a value is missing (default: "
     "by --mean and --deviation)",
     0},
    {"channels", KEY_CHANNELS, "NAMES", 0, "of the input's channels", 0},
    {"task", KEY_TASK, "TASK", 0, "what the classes are (default: activity)", 0},
    {"rate", KEY_RATE, "HZ", 0, "of the input (default: as the data has it)", 0},
    {"output", 'o', "MODEL", 0, "write the model there (safetensors)", 0},
    {0},
};

static void check_words(const import *i, struct argp_state *state) {
  if (i->weights == NULL)
    argp_error(state, "say WEIGHTS.safetensors");
  if (i->net == NULL)
    argp_error(state, "say --net ARCH");
  if (i->input.steps == 0)
    argp_error(state, "say --input STEPSxCHANNELS");
  if (i->classes == NULL)
    argp_error(state, "say --classes NAMES");
  if (i->file == NULL)
    argp_error(state, "say -o MODEL");
  if (i->normalize == FR_NORMALIZE_WINDOW && i->mean != NULL)
    argp_error(state, "a window has its own mean: --mean is not of --normalize window");
  if (i->normalize == FR_NORMALIZE_NONE && i->deviation != NULL)
    argp_error(state, "--deviation is not of --normalize none");
}

static error_t parse(int key, char *text, struct argp_state *state) {
  import *i = state->input;
  enum fr_task task;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[0] = &i->output; return 0;
  case 'n': i->net = text; return 0;
  case 'o': i->file = text; return 0;
  case KEY_INPUT: i->input = cli_shape(state, "input", text); return 0;
  case KEY_CLASSES: i->classes = text; return 0;
  case KEY_MAP: i->options.map = text; return 0;
  case KEY_FROM:
    if (!fr_import_origin_parse(text, &i->options.origin))
      argp_error(state, "--from takes pytorch or keras, not '%s'", text);
    return 0;
  case KEY_FLATTEN:
    if (!fr_import_flatten_parse(text, &i->options.flatten))
      argp_error(state, "--flatten takes channels-first or steps-first, not '%s'", text);
    return 0;
  case KEY_MEAN: i->mean = text; return 0;
  case KEY_DEVIATION: i->deviation = text; return 0;
  case KEY_NORMALIZE:
    if (!fr_normalize_parse(text, &i->normalize))
      argp_error(state, "'%s' is no way of normalising: window or none", text);
    return 0;
  case KEY_CHANNELS: i->channels = text; return 0;
  case KEY_TASK:
    i->task = text;
    if (!fr_task_parse(text, &task))
      argp_error(state, "'%s' is not a task", text);
    return 0;
  case KEY_RATE: i->rate_hz = cli_real(state, "rate", text, 0.01, 100000); return 0;
  case ARGP_KEY_ARG:
    if (state->arg_num > 0)
      argp_error(state, "'%s' is one word too many", text);
    i->weights = text;
    return 0;
  case ARGP_KEY_END: check_words(i, state); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {{&cli_output_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
    options,
    parse,
    "WEIGHTS",
    "Makes a model of weights that PyTorch or Keras learned, saved as safetensors, for a "
    "network whose text says the same layers.",
    children,
    NULL,
    NULL};

/* ---- what the model is beside its weights ---- */

static enum fr_status read_list(const char *list, fr_names *names, fr_error *err) {
  const char *item;
  size_t length;
  uint32_t index;
  enum fr_status status = FR_OK;
  while (status == FR_OK && fr__list_next(&list, &item, &length)) {
    if (fr__names_find(names, item, length) != FR_NONE)
      return fr__fail(err, FR_ERR_ARGUMENT, "'%.*s' is named twice", (int)length, item);
    status = fr__names_add(names, item, length, &index, err);
  }
  return status;
}

/* "a,b,c", or a number of classes without names. */
static enum fr_status read_classes(const char *text, fr_names *names, fr_error *err) {
  enum { CEILING = 65536 };
  int64_t count;
  if (!fr__parse_integer(text, 1, CEILING, &count))
    return read_list(text, names, err);
  enum fr_status status = FR_OK;
  for (int64_t i = 0; i < count && status == FR_OK; i++) {
    char name[24];
    uint32_t index;
    snprintf(name, sizeof name, "%lld", (long long)i);
    status = fr__names_add(names, name, strlen(name), &index, err);
  }
  return status;
}

/* As many numbers as channels. */
static enum fr_status read_numbers(const char *list, const char *option, size_t count,
                                   float *out, fr_error *err) {
  const char *item;
  size_t length, i = 0;
  for (; list != NULL && fr__list_next(&list, &item, &length); i++) {
    double value;
    if (!fr__parse_number(item, length, &value) || !isfinite(value))
      return fr__fail(err, FR_ERR_ARGUMENT, "--%s: '%.*s' is not a number", option,
                      (int)length, item);
    if (i < count)
      out[i] = (float)value;
  }
  if (list != NULL && i != count)
    return fr__fail(err, FR_ERR_ARGUMENT, "--%s has %zu numbers for %zu channels", option,
                    i, count);
  return FR_OK;
}

static enum fr_status make_normalizer(const import *i, fr_normalizer *n, fr_error *err) {
  const size_t channels = i->input.channels;
  n->shift = calloc(channels, sizeof *n->shift);
  n->scale = calloc(channels, sizeof *n->scale);
  if (n->shift == NULL || n->scale == NULL)
    return fr__fail_memory(err, "a normalizer");
  n->channels = channels;
  n->how = i->normalize;
  for (size_t c = 0; c < channels; c++)
    n->scale[c] = i->normalize == FR_NORMALIZE_WINDOW ? 1e-6f : 1;
  enum fr_status status = read_numbers(i->mean, "mean", channels, n->shift, err);
  if (status == FR_OK)
    status = read_numbers(i->deviation, "deviation", channels, n->scale, err);
  for (size_t c = 0; c < channels && status == FR_OK; c++) {
    if (!(n->scale[c] > 0))
      return fr__fail(err, FR_ERR_ARGUMENT, "--deviation takes numbers above 0");
    n->scale[c] = 1 / n->scale[c];
  }
  return status;
}

static char *provenance_of(const import *i, enum fr_import_origin origin) {
  json_t *list = json_pack("[{s:s, s:s, s:s, s:s, s:s}]", "command", "import", "version",
                           FR_VERSION, "weights", i->weights, "from",
                           fr_import_origin_name(origin), "sensor", "none");
  char *text = json_dumps(list, JSON_COMPACT);
  json_decref(list);
  return text;
}

/* All but weights and provenance. The split is `all`: none of the data that it is tested
 * on was ever trained on here. */
static enum fr_status make_model(const import *i, fr_model *model, fr_error *err) {
  model->task = strdup(i->task);
  model->data = strdup("");
  model->split = strdup("all");
  model->validate = strdup("none");
  model->window = i->input.steps;
  model->step = i->input.steps > 1 ? i->input.steps / 2 : 1;
  model->rate_hz = i->rate_hz;
  if (!model->task || !model->data || !model->split || !model->validate)
    return fr__fail_memory(err, "a model");
  enum fr_status status = read_classes(i->classes, &model->classes, err);
  if (status == FR_OK && i->channels != NULL)
    status = read_list(i->channels, &model->channels, err);
  if (status == FR_OK)
    status = make_normalizer(i, &model->normalizer, err);
  if (status == FR_OK)
    status = fr_net_new(i->net, i->input, model->classes.count, &model->net, err);
  return status;
}

/* ---- saying what was taken from where ---- */

static enum fr_status tell(const import *i, const fr_model *model,
                           const fr_import_report *report, cli_result *result,
                           fr__buf *text, fr_error *err) {
  fr__table table;
  fr__table_init(&table, NULL);
  fr__table_column_add(&table, "Tensor", FR__ALIGN_LEFT, false);
  fr__table_column_add(&table, "From", FR__ALIGN_LEFT, true);
  json_t *tensors = json_array();
  for (size_t k = 0; k < report->count; k++) {
    const fr_import_pair *pair = &report->pair[k];
    fr__table_add(&table, pair->tensor);
    fr__table_add(&table, pair->from[0] != '\0' ? pair->from : "(not there)");
    json_array_append_new(
        tensors, json_pack("{s:s, s:s}", "tensor", pair->tensor, "from", pair->from));
  }
  for (size_t k = 0; k < report->warnings.count; k++)
    cli_warn(result, "%s", report->warnings.name[k]);
  json_t *r = result->result;
  json_object_set_new(r, "from", json_string(fr_import_origin_name(report->origin)));
  json_object_set_new(r, "model", json_string(i->file));
  json_object_set_new(r, "network", json_string(fr_net_text(model->net)));
  json_object_set_new(r, "classes", cli_json_names(&model->classes));
  json_object_set_new(r, "parameters",
                      json_integer((json_int_t)fr_net_parameters(model->net)));
  json_object_set_new(r, "tensors", tensors);
  const enum fr_status status = fr__table_render(&table, cli_columns(), text, err);
  fr__buf_printf(text, "\nModel: %s\n", i->file);
  fr__table_release(&table);
  return status;
}

static enum fr_status run(const import *i, cli_result *result, fr__buf *text,
                          fr_error *err) {
  fr_model model = {0};
  fr_import_report report = {0};
  enum fr_status status = make_model(i, &model, err);
  if (status == FR_OK)
    status = fr_import_weights(model.net, i->weights, &i->options, &report, err);
  if (status == FR_OK) {
    model.provenance = provenance_of(i, report.origin);
    status = fr_model_save(&model, i->file, err);
  }
  if (status == FR_OK)
    status = tell(i, &model, &report, result, text, err);
  fr_import_report_release(&report);
  fr_model_release(&model);
  return status;
}

int cli_cmd_import(int argc, char **argv) {
import i = {.task = "activity" };
  argp_parse(&argp, argc, argv, 0, NULL, &i);
  fr_error err;
  cli_result result;
  cli_result_init(&result, "import");
  fr__buf text;
  fr__buf_init(&text, 0);
  const enum fr_status status = run(&i, &result, &text, &err);
  const int code = status == FR_OK
                       ? cli_result_print(&result, &i.output, fr__buf_text(&text))
                       : cli_fail(&err);
  fr__buf_release(&text);
  cli_result_release(&result);
  return code;
}
