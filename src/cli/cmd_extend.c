/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/extending.h"

enum {
  KEY_REPLAY = 1,
  KEY_REPLAY_FROM,
  KEY_SHOTS,
  KEY_SIGNS,
  KEY_TAUGHT,
  KEY_REFINE,
  KEY_REFINE_EPOCHS,
  KEY_REFINE_FROM,
  KEY_WORTH,
  KEY_ALIGN,
  KEY_COMPARE
};

static const struct argp_option options[] = {
    {"replay", KEY_REPLAY, "N|all", 0,
     "samples of each old class that are trained on, chosen by herding (default 10; 0: "
     "none)",
     0},
    {"replay-from", KEY_REPLAY_FROM, "SPEC", 0,
     "where old classes are that the data has not (default: what the model was trained "
     "on)",
     0},
    {"shots", KEY_SHOTS, "N", 0,
     "train on the first N samples of each new class alone (default: all)", 0},
    {"signs", KEY_SIGNS, "A,B,...", 0,
     "the new classes that are added (default: all of the data that the model does not "
     "know)",
     0},
    {"taught", KEY_TAUGHT, "SHARE", 0,
     "of the old model's answers in the loss, for the old classes (default 0.3; 0: none)",
     0},
    {"refine", KEY_REFINE, "RATE", 0,
     "learning rate below the head in the second stage, relative to the head's (default "
     "1; 0: no second stage)",
     0},
    {"refine-epochs", KEY_REFINE_EPOCHS, "N", 0, "of it, at most (default 6)", 0},
    {"refine-from", KEY_REFINE_FROM, "K", 0,
     "the first K layers stay as they are (default: those before the second one with a "
     "matrix)",
     0},
    {"worth", KEY_WORTH, "NAT", 0,
     "a second stage must lower the validation loss by so much (default 0.02; 0: it is "
     "always run)",
     0},
    {"align", KEY_ALIGN, NULL, 0,
     "scale the new classes' rows to the old ones' length at the end", 0},
    {"compare", KEY_COMPARE, "scratch", 0,
     "also train such a network from scratch on old and new classes, and tell what "
     "extending saves",
     0},
    {"output", 'o', "MODEL", 0, "write the new model there (safetensors)", 0},
    {0},
};

static error_t parse_how(int key, char *text, struct argp_state *state) {
  cli_extend *e = state->input;
  fr_extend_options *o = &e->extend;
  e->refine_told = e->refine_told || key == KEY_REFINE_EPOCHS || key == KEY_REFINE_FROM ||
                   key == KEY_WORTH;
  switch (key) {
  case KEY_REPLAY:
    o->replay = strcmp(text, "all") == 0 ? FR_EXTEND_ALL
                                         : cli_number(state, "replay", text, 0, 1000000);
    return 0;
  case KEY_SHOTS: o->shots = cli_number(state, "shots", text, 1, 1000000); return 0;
  case KEY_TAUGHT: o->distill = (float)cli_real(state, "taught", text, 0, 0.99); return 0;
  case KEY_REFINE: o->refine = (float)cli_real(state, "refine", text, 0, 10); return 0;
  case KEY_REFINE_EPOCHS:
    o->refine_epochs = cli_number(state, "refine-epochs", text, 1, 100000);
    return 0;
  case KEY_REFINE_FROM:
    o->refine_from = cli_number(state, "refine-from", text, 0, 1000);
    return 0;
  case KEY_WORTH: o->worth = (float)cli_real(state, "worth", text, 0, 100); return 0;
  case KEY_ALIGN: o->align = true; return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static void check_usage(const cli_extend *e, struct argp_state *state) {
  if (e->input.data == NULL)
    argp_error(state, "say where the new classes are: --data SPEC");
  if (e->training.teacher != NULL)
    argp_error(state, "the teacher of an extended model is the old one: --taught");
  const fr_train_options *o = &e->training.options;
  const bool refines =
      e->refine_told || o->augment != NULL || o->precision != FR_TRAIN_F32;
  if (e->extend.refine == 0 && refines)
    argp_error(state, "--refine 0 leaves out the second stage, which --augment, "
                      "--precision, --refine-epochs, --refine-from and --worth are of");
}

static error_t parse(int key, char *text, struct argp_state *state) {
  cli_extend *e = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &e->input;
    state->child_inputs[1] = &e->training;
    state->child_inputs[2] = &e->output;
    return 0;
  case KEY_REPLAY_FROM: e->replay_from = text; return 0;
  case KEY_SIGNS: e->signs = text; return 0;
  case KEY_COMPARE:
    if (strcmp(text, "scratch") != 0)
      argp_error(state, "extending is compared with scratch, not with '%s'", text);
    e->compares = true;
    return 0;
  case 'o': e->training.model = text; return 0;
  case ARGP_KEY_ARG:
  case ARGP_KEY_NO_ARGS: return cli_parse_model(key, text, state, &e->source);
  case ARGP_KEY_END: check_usage(e, state); return 0;
  default: return parse_how(key, text, state);
  }
}

static const struct argp_child children[] = {{&cli_input_argp, 0, "Data:", 10},
                                             {&cli_training_argp, 0, "Training:", 20},
                                             {&cli_output_argp, 0, "Output:", 90},
                                             {0}};
static const struct argp argp = {options,
                                 parse,
                                 "MODEL",
                                 "Adds classes to a trained model without losing the old "
                                 "ones: its head grows, learns old and new together, and "
                                 "what is below is refined where that pays. Windows, "
                                 "split and whatever else of the data is not told are "
                                 "the model's.",
                                 children,
                                 NULL,
                                 NULL};

int cli_cmd_extend(int argc, char **argv) {
  cli_extend e = {.training.options = fr_train_default_options(),
                  .extend = fr_extend_default_options()};
  e.training.options.batch = 0; /* none is told yet */
  argp_parse(&argp, argc, argv, 0, NULL, &e);
  fr_error err = {0};
  cli_session session;
  if (cli_check_outputs(&e.output, e.training.model, &err) != FR_OK)
    return cli_fail(&err);
  if (cli_session_start(&session, "extend", e.source, argc, argv, &e.output, &err) !=
      FR_OK)
    return cli_fail(&err);
  const enum fr_status status = cli_extend_run(&session, &e, &err);
  return cli_session_end(&session, status, &err);
}
