/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"

#include <string.h>

#include "base/error.h"
#include "cli/precision.h"
#include "cli/work.h"

typedef struct test {
  cli_output output;
  cli_input input;
  cli_precision precision;
  const char *model;
  size_t threads; /* 0: not told, one */
} test;

enum { KEY_THREADS = 0x700 };

static const struct argp_option options[] = {
    {"threads", KEY_THREADS, "N|all", 0,
     "that share the work, to the same bits (default 1, which spends the fewest "
     "core-seconds); not with int8",
     30},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
  test *t = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &t->input;
    state->child_inputs[1] = &t->precision;
    state->child_inputs[2] = &t->output;
    return 0;
  case ARGP_KEY_ARG:
    if (state->arg_num > 0)
      argp_error(state, "'%s' is one word too many", text);
    t->model = text;
    return 0;
  case ARGP_KEY_NO_ARGS:
    argp_error(state, "say which model: MODEL.safetensors");
    return 0;
  case KEY_THREADS: t->threads = cli_threads(state, text); return 0;
  case ARGP_KEY_END:
    if (t->threads > 1 && t->precision.int8)
      argp_error(state,
                 "int8 runs one sample after the other: --threads is of f32 and bf16");
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {{&cli_input_argp, 0, "Data:", 10},
                                             {&cli_precision_argp, 0, NULL, 30},
                                             {&cli_output_argp, 0, "Output:", 90},
                                             {0}};
static const struct argp argp = {
    options,
    parse,
    "MODEL",
    "Tests a model on the test side of the split that it remembers, on the data that it "
    "remembers unless --data says otherwise; --split all tests on everything. In int8 "
    "the ranges are found on the training side.",
    children,
    NULL,
    NULL};

/* Figures on what a model was trained on say little of what it knows. */
static void warn_of_split(cli_session *session, const char *told, const fr_model *model) {
  if (told != NULL && model->split != NULL && strcmp(told, model->split) != 0 &&
      strcmp(model->split, "all") != 0)
    cli_warn(
        &session->result,
        "the model was trained with the split '%s': what is tested under '%s' may be "
        "what it was trained on",
        model->split, told);
}

static enum fr_status check_rate(const cli_work *work, const fr_model *model,
                                 fr_error *err) {
  const double rate_hz = work->prepared.data->rate_hz;
  if (model->rate_hz == 0 || rate_hz == model->rate_hz)
    return FR_OK;
  return fr__fail(err, FR_ERR_ARGUMENT, "the model takes %g Hz, the data has %g",
                  model->rate_hz, rate_hz);
}

static enum fr_status run(cli_session *session, test *t, fr_error *err) {
  const char *told = t->input.split;
  fr_model model = {0};
  cli_work work = {0};
  const fr_loss_options loss = {.kind = FR_LOSS_CROSS_ENTROPY};
  enum fr_status status = fr_model_load(&model, t->model, err);
  if (status == FR_OK)
    status = cli_work_open(&work, session, &t->input, model.seed, &model, err);
  if (status == FR_OK) {
    warn_of_split(session, told, &model);
    status = check_rate(&work, &model, err);
  }
  if (status == FR_OK && t->threads > 1)
    status = fr_net_set_threads(model.net, t->threads, err);
  if (status == FR_OK)
    fr_net_set_precision(model.net, t->precision.floats);
  if (status == FR_OK)
    status =
        t->precision.int8
            ? cli_int8_test(&work, session, &loss, model.net, &model.classes, err)
            : cli_work_test(&work, session, &loss, 64, model.net, &model.classes, err);
  if (status == FR_OK) {
    json_object_set_new(session->result.result, "precision",
                        json_string(cli_precision_text(&t->precision)));
    json_object_set_new(session->result.result, "network",
                        json_string(fr_net_text(model.net)));
    json_object_set_new(session->result.result, "epochs", json_null()); /* not trained */
    json_object_set_new(session->result.result, "parameters",
                        json_integer((json_int_t)fr_net_parameters(model.net)));
    json_object_set_new(session->result.result, "operations",
                        json_integer((json_int_t)fr_net_operations(model.net)));
    status = cli_session_measured(session, err);
  }
  cli_work_release(&work);
  fr_model_release(&model);
  return status;
}

int cli_cmd_test(int argc, char **argv) {
  test t = {0};
  argp_parse(&argp, argc, argv, 0, NULL, &t);
  fr_error err = {0};
  cli_session session;
  if (cli_session_start(&session, "test", t.model, argc, argv, &t.output, &err) != FR_OK)
    return cli_fail(&err);
  const enum fr_status status = run(&session, &t, &err);
  return cli_session_end(&session, status, &err);
}
