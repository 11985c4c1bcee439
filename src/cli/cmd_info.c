/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "report/table.h"

typedef struct info {
  cli_output output;
  const char *model;
  const char *net;
  fr_shape input;
  size_t classes;
} info;

enum { KEY_INPUT = 1, KEY_CLASSES };

static const struct argp_option options[] = {
    {"net", 'n', "NAME|ARCH", 0, "the card of a network instead of a model", 0},
    {"input", KEY_INPUT, "STEPSxCHANNELS", 0, "what --net is given (default 128x12)", 0},
    {"classes", KEY_CLASSES, "N", 0, "how many --net tells apart (default 24)", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
  info *i = state->input;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[0] = &i->output; return 0;
  case 'n': i->net = text; return 0;
  case KEY_INPUT: i->input = cli_shape(state, "input", text); return 0;
  case KEY_CLASSES: i->classes = cli_number(state, "classes", text, 1, 1000000); return 0;
  case ARGP_KEY_ARG:
    if (state->arg_num > 0)
      argp_error(state, "'%s' is one word too many", text);
    i->model = text;
    return 0;
  case ARGP_KEY_END:
    if ((i->model == NULL) == (i->net == NULL))
      argp_error(state, "say MODEL or --net NAME");
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {{&cli_output_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
    options,
    parse,
    "[MODEL]",
    "The card of a model or of a named network: layers, "
    "parameters, operations, classes and where it comes from.",
    children,
    NULL,
    NULL};

static json_t *json_of_layer(const fr_net *net, size_t layer) {
  const fr_shape shape = fr_net_layer_shape(net, layer);
  return json_pack("{s:s, s:I, s:I, s:I, s:I}", "layer", fr_net_layer_text(net, layer),
                   "steps", (json_int_t)shape.steps, "channels",
                   (json_int_t)shape.channels, "parameters",
                   (json_int_t)fr_net_layer_parameters(net, layer), "operations",
                   (json_int_t)fr_net_layer_operations(net, layer));
}

static enum fr_status describe_net(const fr_net *net, cli_result *result, fr__buf *text,
                                   fr_error *err) {
  fr__table table;
  fr__table_init(&table, NULL);
  fr__table_column_add(&table, "", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "Layer", FR__ALIGN_LEFT, true);
  fr__table_column_add(&table, "Output", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "Parameters", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "FLOP", FR__ALIGN_RIGHT, false);
  json_t *layers = json_array();
  for (size_t i = 0; i < fr_net_layer_count(net); i++) {
    const fr_shape shape = fr_net_layer_shape(net, i);
    fr__table_addf(&table, "%zu", i);
    fr__table_add(&table, fr_net_layer_text(net, i));
    fr__table_addf(&table, "%zu × %zu", shape.steps, shape.channels);
    fr__table_addf(&table, "%zu", fr_net_layer_parameters(net, i));
    fr__table_addf(&table, "%llu", (unsigned long long)fr_net_layer_operations(net, i));
    json_array_append_new(layers, json_of_layer(net, i));
  }
  json_object_set_new(result->result, "network", json_string(fr_net_text(net)));
  json_object_set_new(result->result, "layers", layers);
  json_object_set_new(result->result, "parameters",
                      json_integer((json_int_t)fr_net_parameters(net)));
  json_object_set_new(result->result, "operations",
                      json_integer((json_int_t)fr_net_operations(net)));
  const enum fr_status status = fr__table_render(&table, cli_columns(), text, err);
  fr__buf_printf(text, "%zu parameters, %.4g MFLOP a sample forward\n",
                 fr_net_parameters(net), (double)fr_net_operations(net) * 1e-6);
  fr__table_release(&table);
  return status;
}

/* Of all tensors, as the model's file has them. */
static size_t stored_bytes(const fr_model *model) {
  if (model->scheme == FR_SCHEME_F32)
    return fr_model_stored_bytes(model->net);
  const fr_int8_ranges *r = &model->ranges;
  const size_t ranges = 2 * r->values + FR_INT8_INSIDE * r->steps;
  return fr_net_bytes(model->net, model->scheme) + ranges * sizeof(float);
}

/* "; added hello, thanks, 0.6 J each" of a command that did. */
static void tell_added(const json_t *run, fr__buf *text) {
  const json_t *added = json_object_get(run, "added");
  const json_t *program = json_object_get(run, "program");
  const size_t count = json_array_size(added);
  char joules[48];
  for (size_t i = 0; i < count; i++) {
    const char *name = json_string_value(json_array_get(added, i));
    fr__buf_printf(text, "%s%s", i > 0 ? ", " : "; added ", name != NULL ? name : "");
  }
  if (count == 0 || !json_is_object(program))
    return;
  cli_format_si(json_number_value(json_object_get(program, "value")) / (double)count, "J",
                joules, sizeof joules);
  fr__buf_printf(text, ", %s each", joules);
}

/* One command of those that the model came out of. */
static void tell_spent(const json_t *run, fr__buf *text) {
  const json_t *program = json_object_get(run, "program");
  char joules[48] = "not measured";
  if (json_is_object(program))
    cli_format_si(json_number_value(json_object_get(program, "value")), "J", joules,
                  sizeof joules);
  const char *command = json_string_value(json_object_get(run, "command"));
  const char *source = json_string_value(json_object_get(program, "source"));
  const char *precision = json_string_value(json_object_get(run, "precision"));
  fr__buf_printf(text, "Spent by %s: %s%s%s%s%s",
                 command != NULL ? command : "a command that is not told", joules,
                 source != NULL ? ", program, by " : "", source != NULL ? source : "",
                 precision != NULL ? "; in " : "", precision != NULL ? precision : "");
  tell_added(run, text);
  fr__buf_add(text, "\n");
}

static void describe_model(const fr_model *model, cli_result *result, fr__buf *text) {
  json_t *r = result->result;
  const size_t bytes = stored_bytes(model);
  json_object_set_new(r, "scheme", json_string(fr_scheme_name(model->scheme)));
  json_object_set_new(r, "bytes", json_integer((json_int_t)bytes));
  json_object_set_new(r, "task", json_string(model->task));
  json_object_set_new(r, "data", json_string(model->data));
  json_object_set_new(
      r, "frames", model->frames[0] != '\0' ? json_string(model->frames) : json_null());
  json_object_set_new(r, "split", json_string(model->split));
  json_object_set_new(r, "fold", json_integer((json_int_t)model->fold + 1));
  json_object_set_new(r, "window", json_integer((json_int_t)model->window));
  json_object_set_new(r, "step", json_integer((json_int_t)model->step));
  json_object_set_new(r, "rate_hz", json_real(model->rate_hz));
  json_object_set_new(r, "seed", json_integer((json_int_t)model->seed));
  const bool normalized = model->normalizer.channels > 0;
  const char *how = normalized ? fr_normalize_name(model->normalizer.how) : "none";
  json_object_set_new(r, "normalize", json_string(how));
  json_object_set_new(r, "channels", cli_json_names(&model->channels));
  json_object_set_new(r, "classes", cli_json_names(&model->classes));
  json_t *past =
      model->provenance != NULL ? json_loads(model->provenance, 0, NULL) : NULL;
  json_object_set_new(r, "provenance", past != NULL ? past : json_null());

  fr__buf_printf(text, "Weights in %s, %zu bytes\n", fr_scheme_name(model->scheme),
                 bytes);
  fr__buf_printf(text, "\nTask %s, %zu classes:", model->task, model->classes.count);
  for (size_t i = 0; i < model->classes.count; i++)
    fr__buf_printf(text, "%s %s", i > 0 ? "," : "", model->classes.name[i]);
  fr__buf_printf(text,
                 "\nData %s, split %s, fold %zu, window %zu, step %zu, normalised by %s, "
                 "seed %llu\n",
                 model->data, model->split, model->fold + 1, model->window, model->step,
                 how, (unsigned long long)model->seed);
  if (model->frames[0] != '\0')
    fr__buf_printf(text, "Features of key points: %s\n", model->frames);
  size_t i;
  json_t *run;
  json_array_foreach(past, i, run) { tell_spent(run, text); }
}

/* As tests of it run, zeros left out where that is faster; `describe_net` counts what is
 * executed. Integers have no such kernel. */
static enum fr_status describe_run(const fr_model *model, cli_result *result,
                                   fr__buf *text, fr_error *err) {
  const bool integers =
      model->scheme == FR_SCHEME_INT8 || model->scheme == FR_SCHEME_INT8_AWARE;
  fr_quantized *q = NULL;
  size_t products = 0;
  if (integers)
    return describe_net(model->net, result, text, err);
  enum fr_status status = fr_quantized_open(model->net, model->scheme, NULL, &q, err);
  if (status == FR_OK)
    status = describe_net(fr_quantized_net(q), result, text, err);
  const size_t sparse =
      status == FR_OK ? fr_net_sparse_layers(fr_quantized_net(q), &products) : 0;
  if (sparse > 0)
    fr__buf_printf(text, "Zeros are left out in %zu of %zu layers\n", sparse, products);
  if (status == FR_OK)
    json_object_set_new(result->result, "sparse_layers",
                        json_integer((json_int_t)sparse));
  fr_quantized_free(q);
  return status;
}

static enum fr_status describe(const info *i, cli_result *result, fr__buf *text,
                               fr_error *err) {
  if (i->net != NULL) {
    fr_net *net;
    enum fr_status status = fr_net_new(i->net, i->input, i->classes, &net, err);
    if (status != FR_OK)
      return status;
    status = describe_net(net, result, text, err);
    fr_net_free(net);
    return status;
  }
  fr_model model;
  enum fr_status status = fr_model_load(&model, i->model, err);
  if (status != FR_OK)
    return status;
  status = describe_run(&model, result, text, err);
  describe_model(&model, result, text);
  fr_model_release(&model);
  return status;
}

int cli_cmd_info(int argc, char **argv) {
  info i = {.input = {128, 12}, .classes = 24};
  argp_parse(&argp, argc, argv, 0, NULL, &i);
  fr_error err;
  cli_result result;
  cli_result_init(&result, "info");
  fr__buf text;
  fr__buf_init(&text, 0);
  const enum fr_status status = describe(&i, &result, &text, &err);
  const int code = status == FR_OK
                       ? cli_result_print(&result, &i.output, fr__buf_text(&text))
                       : cli_fail(&err);
  fr__buf_release(&text);
  cli_result_release(&result);
  return code;
}
