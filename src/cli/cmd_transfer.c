/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/training.h"

enum {
  KEY_APPEND = 1,
  KEY_REPLACE,
  KEY_CUT,
  KEY_FREEZE,
  KEY_REFINE,
  KEY_DECAY,
  KEY_UNFREEZE
};

typedef struct transfer {
  cli_output output;
  cli_input input;
  cli_training training;
  fr_transfer_options transfer;
  bool kind_told;
  const char *source;
} transfer;

static const struct argp_option options[] = {
    {"append", KEY_APPEND, "ARCH", OPTION_ARG_OPTIONAL,
     "keep the network whole and put layers behind it (default: 'relu dense(classes)')",
     0},
    {"replace", KEY_REPLACE, "ARCH", OPTION_ARG_OPTIONAL,
     "put a new head in place of the last dense layer (the default; 'dense(classes)')",
     0},
    {"cut", KEY_CUT, "K", 0,
     "keep the first K layers, with --replace (default: those before the last dense one)",
     0},
    {"freeze", KEY_FREEZE, "K", 0,
     "layers of the old network that are not trained (default: all that are kept)", 0},
    {"refine", KEY_REFINE, "RATE", 0,
     "learning rate of the old layers that are trained, relative to the new ones", 0},
    {"output", 'o', "MODEL", 0, "write the new model there (safetensors)", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
  transfer *t = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &t->input;
    state->child_inputs[1] = &t->training;
    state->child_inputs[2] = &t->output;
    return 0;
  case KEY_APPEND:
  case KEY_REPLACE:
    if (t->kind_told)
      argp_error(state, "--append and --replace exclude each other");
    t->kind_told = true;
    t->transfer.kind = key == KEY_APPEND ? FR_TRANSFER_APPEND : FR_TRANSFER_REPLACE;
    t->transfer.head = text;
    return 0;
  case KEY_CUT: t->transfer.cut = cli_number(state, "cut", text, 1, 1000); return 0;
  case KEY_FREEZE:
    t->transfer.freeze = cli_number(state, "freeze", text, 0, 1000);
    return 0;
  case KEY_REFINE:
    t->transfer.refine = (float)cli_real(state, "refine", text, 0, 1);
    return 0;
  case 'o': t->training.model = text; return 0;
  case ARGP_KEY_ARG:
    if (state->arg_num > 0)
      argp_error(state, "'%s' is one word too many", text);
    t->source = text;
    return 0;
  case ARGP_KEY_NO_ARGS:
    argp_error(state, "say from which model: MODEL.safetensors");
    return 0;
  case ARGP_KEY_END:
    if (t->input.data == NULL)
      argp_error(state, "say to which data: --data SPEC");
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {{&cli_input_argp, 0, "Data:", 10},
                                             {&cli_training_argp, 0, "Training:", 20},
                                             {&cli_output_argp, 0, "Output:", 90},
                                             {0}};
static const struct argp argp = {options,
                                 parse,
                                 "MODEL",
                                 "Starts from a trained model: keeps its layers, puts "
                                 "new ones behind or in place of its "
                                 "head, and trains those on new data.",
                                 children,
                                 NULL,
                                 NULL};

/* Windows are cut as the source's were unless the user says otherwise. */
static void fill(cli_input *input, const fr_model *source) {
  if (input->window == 0)
    input->window = source->window;
  if (input->step == 0)
    input->step = source->step;
  if (input->shorter == NULL && source->keep_short)
    input->shorter = "keep";
  if (input->rate_hz == 0)
    input->rate_hz = source->rate_hz;
  if (input->task == NULL)
    input->task = source->task;
  if (input->normalize == NULL) /* the same way, by the new data's own statistics */
    input->normalize = fr_normalize_name(source->normalizer.how);
}

static enum fr_status check_shape(const fr_net *net, const fr_samples *samples,
                                  const char *source, fr_error *err) {
  const fr_shape shape = fr_net_input(net);
  if (samples->steps == shape.steps && samples->channels == shape.channels)
    return FR_OK;
  return fr__fail(err, FR_ERR_ARGUMENT,
                  "'%s' takes %zu steps of %zu channels, the data has %zu of %zu", source,
                  shape.steps, shape.channels, samples->steps, samples->channels);
}

/* Learning rates per layer; the caller's (free). */
static enum fr_status fill_rates(const transfer *t, const fr_net *source,
                                 const fr_net *net, float **out, fr_error *err) {
  *out = calloc(fr_net_layer_count(net), sizeof **out);
  if (*out == NULL)
    return fr__fail_memory(err, "learning rates");
  fr_transfer_rates(net, fr_transfer_kept(source, &t->transfer), &t->transfer, *out);
  return FR_OK;
}

static enum fr_status adjust(transfer *t, cli_session *session, cli_work *work,
                             const fr_model *source, fr_error *err) {
  fr_net *net = NULL;
  float *rates = NULL;
  fr_train_options *options_now = &t->training.options;
  enum fr_status status = check_shape(source->net, &work->prepared.train, t->source, err);
  if (status == FR_OK)
    status = fr_transfer_new(source->net, &t->transfer, work->prepared.classes.count,
                             options_now->seed, &net, &options_now->first_trained, err);
  if (status == FR_OK)
    status = fill_rates(t, source->net, net, &rates, err);
  if (status == FR_OK)
    status = cli_train(session, &t->training, &t->input, work, rates, net, err);
  if (status == FR_OK)
    status = cli_work_finish(work, session, &t->input, &t->training, net, err);
  free(rates);
  fr_net_free(net);
  return status;
}

static enum fr_status run(cli_session *session, transfer *t, fr_error *err) {
  fr_model source = {0};
  cli_work work = {0};
  enum fr_status status = fr_model_load(&source, t->source, err);
  if (status == FR_OK) {
    fill(&t->input, &source);
    session->past = source.provenance;
    status =
        cli_work_open(&work, session, &t->input, t->training.options.seed, NULL, err);
  }
  if (status == FR_OK)
    status = adjust(t, session, &work, &source, err);
  cli_work_release(&work);
  fr_model_release(&source);
  return status;
}

int cli_cmd_transfer(int argc, char **argv) {
  transfer t = {.training.options = fr_train_default_options(),
                .transfer = fr_transfer_default_options()};
  t.transfer.kind = FR_TRANSFER_REPLACE;
  argp_parse(&argp, argc, argv, 0, NULL, &t);
  fr_error err = {0};
  cli_session session;
  if (cli_check_outputs(&t.output, t.training.model, &err) != FR_OK)
    return cli_fail(&err);
  if (cli_session_start(&session, "transfer", t.source, argc, argv, &t.output, &err) !=
      FR_OK)
    return cli_fail(&err);
  const enum fr_status status = run(&session, &t, &err);
  return cli_session_end(&session, status, &err);
}
