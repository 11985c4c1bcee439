/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/training.h"

typedef struct train {
  cli_output output;
  cli_input input;
  cli_training training;
  const char *net;
  fr_model teacher; /* owned: what is not told of the data is its own */
} train;

static const struct argp_option options[] = {
    {"net", 'n', "NAME|ARCH", 0,
     "small, big, sain or a text such as 'conv1d(64,5) relu avgpool(all) dense(classes)' "
     "(default: small)",
     0},
    {"output", 'o', "MODEL", 0, "write the trained model there (safetensors)", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
  train *t = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &t->input;
    state->child_inputs[1] = &t->training;
    state->child_inputs[2] = &t->output;
    return 0;
  case 'n': t->net = text; return 0;
  case 'o': t->training.model = text; return 0;
  case ARGP_KEY_ARG: argp_error(state, "'%s' is one word too many", text); return 0;
  case ARGP_KEY_END:
    if (t->input.data == NULL)
      argp_error(state, "say on which data: --data SPEC");
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {{&cli_input_argp, 0, "Data:", 10},
                                             {&cli_training_argp, 0, "Training:", 20},
                                             {&cli_output_argp, 0, "Output:", 90},
                                             {0}};
static const struct argp argp = {
    options,  parse,
    NULL,     "Trains a network from scratch and tests it on the test side of the split.",
    children, NULL,
    NULL};

static enum fr_status build(const train *t, const cli_work *work, fr_net **out,
                            fr_error *err) {
  const fr_shape shape = {work->prepared.train.steps, work->prepared.train.channels};
  const enum fr_status status =
      fr_net_new(t->net, shape, work->prepared.classes.count, out, err);
  if (status == FR_OK)
    fr_net_init(*out, t->training.options.seed, 0);
  return status;
}

/* A student sees what its teacher sees: cut and normalised alike. */
static enum fr_status open_data(cli_session *session, train *t, cli_work *work,
                                fr_error *err) {
  const uint64_t seed = t->training.options.seed;
  if (t->training.teacher == NULL)
    return cli_work_open(work, session, &t->input, seed, NULL, err);
  fr_model *teacher = &t->teacher;
  enum fr_status status = fr_model_load(teacher, t->training.teacher, err);
  if (status == FR_OK) {
    fr_names_release(&teacher->classes); /* cli_train compares them with the data's */
    status = cli_work_open(work, session, &t->input, seed, teacher, err);
  }
  return status;
}

static enum fr_status run(cli_session *session, train *t, fr_error *err) {
  cli_work work = {0};
  fr_net *net = NULL;
  enum fr_status status = open_data(session, t, &work, err);
  if (status == FR_OK)
    status = build(t, &work, &net, err);
  if (status == FR_OK)
    status = cli_train(session, &t->training, &t->input, &work, NULL, net, err);
  if (status == FR_OK)
    status = cli_work_finish(&work, session, &t->input, &t->training, net, err);
  fr_net_free(net);
  cli_work_release(&work);
  return status;
}

int cli_cmd_train(int argc, char **argv) {
  train t = {.net = "small", .training.options = fr_train_default_options()};
  argp_parse(&argp, argc, argv, 0, NULL, &t);
  fr_error err = {0};
  cli_session session;
  if (cli_check_outputs(&t.output, t.training.model, &err) != FR_OK)
    return cli_fail(&err);
  if (cli_session_start(&session, "train", t.net, argc, argv, &t.output, &err) != FR_OK)
    return cli_fail(&err);
  const enum fr_status status = run(&session, &t, &err);
  const int code = cli_session_end(&session, status, &err);
  fr_model_release(&t.teacher);
  return code;
}
