/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/extending.h"
#include "cli/onto_train.h"
#include "cli/training.h"

enum { KEY_ONTO = 1 };

typedef struct train {
  cli_output output;
  cli_input input;
  cli_training training;
  const char *net;  /* NULL: small, or what fits the model that is trained onto */
  const char *onto; /* path of a model; NULL: none */
  size_t batch;     /* that was told; 0: none */
  fr_model teacher; /* owned: what is not told of the data is its own */
} train;

static const struct argp_option options[] = {
    {"net", 'n', "NAME|ARCH", 0,
     "small, big, sain, sign-small, sign-tiny or a text such as 'conv1d(64,5) relu "
     "avgpool(all) dense(classes)' "
     "(default: small)",
     0},
    {"onto", KEY_ONTO, "MODEL", 0,
     "extend MODEL by the classes that it does not know, or train from scratch, "
     "whichever "
     "model and data speak for; the reason is told",
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
  case KEY_ONTO: t->onto = text; return 0;
  case 'o': t->training.model = text; return 0;
  case ARGP_KEY_ARG: argp_error(state, "'%s' is one word too many", text); return 0;
  case ARGP_KEY_END:
    if (t->input.data == NULL)
      argp_error(state, "say on which data: --data SPEC");
    if (t->onto != NULL && t->training.teacher != NULL)
      argp_error(state, "--onto and --teacher exclude each other");
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {{&cli_input_argp, 0, "Data:", 10},
                                             {&cli_training_argp, 0, "Training:", 20},
                                             {&cli_output_argp, 0, "Output:", 90},
                                             {0}};
static const struct argp argp = {
    options,
    parse,
    NULL,
    "Trains a network from scratch, or onto a model that knows some of the "
    "classes, and tests it on the test side of the split.",
    children,
    NULL,
    NULL};

static enum fr_status build(const train *t, const cli_work *work, fr_net **out,
                            fr_error *err) {
  const fr_shape shape = {work->prepared.train.steps, work->prepared.train.channels};
  const enum fr_status status = fr_net_new(t->net != NULL ? t->net : "small", shape,
                                           work->prepared.classes.count, out, err);
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

/* Trains `net` and tests it. */
static enum fr_status learn(cli_session *session, train *t, cli_work *work, fr_net *net,
                            fr_error *err) {
  const enum fr_status status =
      cli_train(session, &t->training, &t->input, work, NULL, net, err);
  return status == FR_OK
             ? cli_work_finish(work, session, &t->input, &t->training, net, err)
             : status;
}

/* `data` is taken over. */
static enum fr_status extend(cli_session *session, const train *t, const cli_input *input,
                             fr_dataset *data, fr_error *err) {
  cli_extend e = {.output = t->output,
                  .input = *input,
                  .training = t->training,
                  .data = data,
                  .extend = fr_extend_default_options(),
                  .source = t->onto};
  e.input.normalize = NULL; /* the model's, as it was found to be */
  e.input.task = NULL;
  if (e.training.options.augment != NULL)
    e.training.options.augment = &e.training.augment; /* its own copy is bound */
  e.training.options.batch = t->batch;
  const enum fr_status status = cli_extend_run(session, &e, err);
  fr_data_free(e.data); /* where it was not come to */
  return status;
}

/* What was warned of since, and extending will warn of, too. */
static void take_back(cli_result *result, size_t warnings) {
  while (json_array_size(result->warnings) > warnings)
    json_array_remove(result->warnings, json_array_size(result->warnings) - 1);
}

static enum fr_status run_onto(cli_session *session, train *t, fr_error *err) {
  cli_onto onto = {.path = t->onto};
  cli_work work = {0};
  const cli_input told = t->input;
  const size_t warnings = json_array_size(session->result.warnings);
  enum fr_status status =
      cli_onto_open(&onto, session, &t->input, &t->training, t->net, &work, err);
  if (status == FR_OK)
    cli_onto_tell(session, &onto);
  const bool extends = status == FR_OK && onto.decision.extend;
  if (status == FR_OK && !extends)
    status = learn(session, t, &work, onto.scratch, err);
  fr_dataset *const data = work.data;
  if (extends)
    work.data = NULL;
  cli_work_release(&work);
  if (extends) {
    take_back(&session->result, warnings);
    status = extend(session, t, &told, data, err);
  }
  cli_onto_release(&onto);
  return status;
}

static enum fr_status run(cli_session *session, train *t, fr_error *err) {
  cli_work work = {0};
  fr_net *net = NULL;
  if (t->onto != NULL)
    return run_onto(session, t, err);
  enum fr_status status = open_data(session, t, &work, err);
  if (status == FR_OK)
    status = build(t, &work, &net, err);
  if (status == FR_OK)
    status = learn(session, t, &work, net, err);
  fr_net_free(net);
  cli_work_release(&work);
  return status;
}

int cli_cmd_train(int argc, char **argv) {
  train t = {.training.options = fr_train_default_options()};
  const size_t batch = t.training.options.batch;
  t.training.options.batch = 0; /* none is told yet */
  argp_parse(&argp, argc, argv, 0, NULL, &t);
  t.batch = t.training.options.batch;
  t.training.options.batch = t.batch != 0 ? t.batch : batch;
  const char *name = t.net != NULL ? t.net : t.onto != NULL ? t.onto : "small";
  fr_error err = {0};
  cli_session session;
  if (cli_check_outputs(&t.output, t.training.model, &err) != FR_OK)
    return cli_fail(&err);
  if (cli_session_start(&session, "train", name, argc, argv, &t.output, &err) != FR_OK)
    return cli_fail(&err);
  const enum fr_status status = run(&session, &t, &err);
  const int code = cli_session_end(&session, status, &err);
  fr_model_release(&t.teacher);
  return code;
}
