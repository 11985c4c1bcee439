/* SPDX-License-Identifier: Apache-2.0 */
/* The options of training: how long, by which optimizer, against which loss. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/csv.h"
#include "cli/cli.h"

enum {
  KEY_EPOCHS = 512,
  KEY_PATIENCE,
  KEY_BATCH,
  KEY_ACCUMULATE,
  KEY_BALANCED,
  KEY_SEED,
  KEY_THREADS,
  KEY_AUGMENT,
  KEY_PRECISION,
  KEY_BUDGET,
  KEY_INTENSITY,
  KEY_PUE,
  KEY_CHECKPOINT,
  KEY_RESUME,
  KEY_TENSORBOARD,
  KEY_OPTIMIZER,
  KEY_LEARNING_RATE,
  KEY_MOMENTUM,
  KEY_NESTEROV,
  KEY_WEIGHT_DECAY,
  KEY_CLIP_NORM,
  KEY_CLIP_VALUE,
  KEY_SCHEDULE,
  KEY_LAYER_RATES,
  KEY_LOSS,
  KEY_LABEL_SMOOTHING,
  KEY_FOCAL,
  KEY_CLASS_WEIGHTS,
  KEY_TEACHER,
  KEY_DISTILL,
  KEY_TEMPERATURE,
  KEY_NO_TEST,
};

/* Decoupled decay of AdamW where none is told: fr_train_default_options. */
static float default_decay(enum fr_optimizer_kind kind) {
  return kind == FR_OPTIMIZER_ADAMW ? fr_train_default_options().optimizer.weight_decay
                                    : 0;
}

/* ---- the loop ---- */

static const struct argp_option loop_options[] = {
    {"epochs", KEY_EPOCHS, "N", 0,
     "at most (default 60; 20 of a refinement by prune, 10 of quantize)", 20},
    {"patience", KEY_PATIENCE, "N", 0,
     "stop after N epochs without a better validation loss (default 8; 0: never)", 20},
    {"batch", KEY_BATCH, "N", 0, "samples a step (default 64; 16 of extend)", 20},
    {"accumulate", KEY_ACCUMULATE, "N", 0,
     "batches whose gradients are added before one update (default 1)", 20},
    {"balanced", KEY_BALANCED, NULL, 0,
     "draw every class equally often, whatever its share of the samples", 20},
    {"seed", KEY_SEED, "N", 0,
     "of weights, shuffle and dropout (default 1; the model's, where one is made "
     "smaller)",
     20},
    {"threads", KEY_THREADS, "N|all", 0,
     "that share the work, to the same bits (default 1, which spends the fewest "
     "core-seconds)",
     20},
    {"precision", KEY_PRECISION, "NAME", 0,
     "of products: f32 (default), bf16, which rounds what is multiplied to 8 bits, or "
     "auto: bf16 where the processor does it faster and, after the first steps, the "
     "validation side shows no difference",
     20},
    {"augment", KEY_AUGMENT, "TEXT", 0,
     "change training samples in each epoch, item by item: jitter(D) scale(D) "
     "rotate(DEGREES) permute(SEGMENTS) timewarp(D[,KNOTS]) magwarp(D[,KNOTS]) "
     "crop(SHARE) dropchannel(P) mixup(ALPHA), D deviations; of key points mirror(P) "
     "affine(DEGREES[,SCALE[,SHIFT]]) resample(D) drophand(P) (default: none)",
     20},
    {"budget", KEY_BUDGET, "B", 0,
     "stop at 500J (of the program), 2gCO2e, 10min or accuracy=0.95 (on the validation "
     "side); several with commas: at the first",
     20},
    {"intensity", KEY_INTENSITY, "SPEC", 0,
     "of the grid, for a budget in CO2e: table:ZONE or gCO2e/kWh (default table:world)",
     20},
    {"pue", KEY_PUE, "X", 0, "of the data centre, for the same (default 1)", 20},
    {"checkpoint", KEY_CHECKPOINT, "DIR", 0,
     "keep there, every epoch and every 30 s, what --resume needs", 20},
    {"resume", KEY_RESUME, NULL, 0,
     "go on from the newest good checkpoint, to the same bits; begin anew where there is "
     "none; leave a finished run as it is",
     20},
    {"no-test", KEY_NO_TEST, NULL, 0,
     "leave the test side closed: what is reported is of the validation side", 20},
    {"tensorboard", KEY_TENSORBOARD, "DIR", 0,
     "write event files there as the run goes, for tensorboard --logdir", 20},
    {0},
};

static error_t parse_augment(const char *text, cli_training *training,
                             struct argp_state *state) {
  fr_error err;
  if (fr_augment_parse(text, &training->augment, &err) != FR_OK)
    argp_error(state, "%s", err.text);
  training->options.augment = training->augment.count > 0 ? &training->augment : NULL;
  return 0;
}

static error_t parse_precision(const char *text, cli_training *training,
                               struct argp_state *state) {
  if (!fr_train_precision_parse(text, &training->options.precision))
    argp_error(state, "'%s' is not a precision: f32, bf16 or auto", text);
  return 0;
}

static error_t parse_budget(const char *text, cli_training *training,
                            struct argp_state *state) {
  fr_error err;
  if (cli_budget_parse(text, &training->budget, &err) != FR_OK)
    argp_error(state, "%s", err.text);
  training->options.target_accuracy = training->budget.accuracy;
  return 0;
}

/* What is kept of a run, and where. */
static error_t parse_keeping(int key, char *text, struct argp_state *state) {
  cli_training *training = state->input;
  if ((key == KEY_CHECKPOINT || key == KEY_TENSORBOARD) && text[0] == '\0')
    argp_error(state, "an empty name is no folder");
  switch (key) {
  case KEY_BUDGET: return parse_budget(text, training, state);
  case KEY_INTENSITY: training->intensity = text; return 0;
  case KEY_PUE: training->pue = cli_real(state, "pue", text, 1, 10); return 0;
  case KEY_CHECKPOINT: training->checkpoint = text; return 0;
  case KEY_RESUME: training->resume = true; return 0;
  case KEY_TENSORBOARD: training->tensorboard = text; return 0;
  case KEY_NO_TEST: training->no_test = true; return 0;
  case ARGP_KEY_END:
    if (training->resume && training->checkpoint == NULL)
      argp_error(state, "--resume needs --checkpoint DIR");
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static error_t parse_loop(int key, char *text, struct argp_state *state) {
  cli_training *training = state->input;
  fr_train_options *options = training != NULL ? &training->options : NULL;
  switch (key) {
  case KEY_EPOCHS:
    options->epochs = cli_number(state, "epochs", text, 1, 1000000);
    return 0;
  case KEY_PATIENCE:
    options->patience = cli_number(state, "patience", text, 0, 1000000);
    return 0;
  case KEY_BATCH: options->batch = cli_number(state, "batch", text, 1, 65536); return 0;
  case KEY_ACCUMULATE:
    options->accumulate = cli_number(state, "accumulate", text, 1, 65536);
    return 0;
  case KEY_BALANCED: options->balanced = true; return 0;
  case KEY_SEED: options->seed = cli_number(state, "seed", text, 0, INT64_MAX); return 0;
  case KEY_THREADS: options->threads = cli_threads(state, text); return 0;
  case KEY_AUGMENT: return parse_augment(text, training, state);
  case KEY_PRECISION: return parse_precision(text, training, state);
  default: return parse_keeping(key, text, state);
  }
}

/* ---- the optimizer ---- */

static const struct argp_option optimizer_options[] = {
    {"optimizer", KEY_OPTIMIZER, "NAME", 0, "adamw (default), adam, sgd or rmsprop", 21},
    {"learning-rate", KEY_LEARNING_RATE, "R", 0,
     "default 0.002; a tenth of it of quantize", 21},
    {"momentum", KEY_MOMENTUM, "M", 0, "of sgd (default 0.9) and rmsprop (0)", 21},
    {"nesterov", KEY_NESTEROV, NULL, 0, "look ahead along the momentum, with sgd", 21},
    {"weight-decay", KEY_WEIGHT_DECAY, "R", 0,
     "decoupled with adamw (default 0.1), else added to the gradient (default 0)", 21},
    {"clip-norm", KEY_CLIP_NORM, "C", 0, "hold the norm of the whole gradient to C", 21},
    {"clip-value", KEY_CLIP_VALUE, "C", 0, "hold each number of it to [-C, C]", 21},
    {"schedule", KEY_SCHEDULE, "TEXT", 0,
     "of the learning rate: constant, step(F,EPOCHS), exponential(F), cosine[(END)], "
     "one-cycle[(RISE,START,END)], each with ' warmup(EPOCHS)' behind it",
     21},
    {"layer-rates", KEY_LAYER_RATES, "X,X,...", 0,
     "one number a layer: what the learning rate is multiplied by there (0: the layer is "
     "left as it is)",
     21},
    {0},
};

static error_t parse_schedule(const char *text, fr_schedule *schedule,
                              struct argp_state *state) {
  fr_error err;
  if (fr_schedule_parse(text, schedule, &err) != FR_OK)
    argp_error(state, "%s", err.text);
  return 0;
}

/* Options may come in any order: what was told is put over what is usual at the end. */
static void finish_optimizer(cli_training *training, struct argp_state *state) {
  const fr_optimizer_options *told = &training->told;
  const bool moves = told->kind == FR_OPTIMIZER_SGD || told->kind == FR_OPTIMIZER_RMSPROP;
  if (!moves && !isnan(told->momentum))
    argp_error(state, "%s knows no --momentum; sgd and rmsprop do",
               fr_optimizer_name(told->kind));
  if (told->kind != FR_OPTIMIZER_SGD && told->nesterov)
    argp_error(state, "--nesterov is of sgd, not of %s", fr_optimizer_name(told->kind));
  fr_optimizer_options o = fr_optimizer_usual_options(told->kind);
  o.weight_decay =
      isnan(told->weight_decay) ? default_decay(told->kind) : told->weight_decay;
  o.learning_rate = isnan(told->learning_rate) ? o.learning_rate : told->learning_rate;
  o.momentum = isnan(told->momentum) ? o.momentum : told->momentum;
  o.nesterov = told->nesterov;
  o.clip_norm = told->clip_norm;
  o.clip_value = told->clip_value;
  training->options.optimizer = o;
}

static error_t parse_optimizer(int key, char *text, struct argp_state *state) {
  cli_training *training = state->input;
  fr_optimizer_options *told = training != NULL ? &training->told : NULL;
  switch (key) {
  case ARGP_KEY_INIT:
    if (told != NULL)
      *told = (fr_optimizer_options){.kind = FR_OPTIMIZER_ADAMW,
                                     .learning_rate = NAN,
                                     .momentum = NAN,
                                     .weight_decay = NAN};
    return 0;
  case KEY_OPTIMIZER:
    if (!fr_optimizer_parse(text, &told->kind))
      argp_error(state, "'%s' is not an optimizer: adamw, adam, sgd or rmsprop", text);
    return 0;
  case KEY_LEARNING_RATE:
    told->learning_rate = (float)cli_real(state, "learning-rate", text, 1e-9, 100);
    return 0;
  case KEY_MOMENTUM:
    told->momentum = (float)cli_real(state, "momentum", text, 0, 0.9999);
    return 0;
  case KEY_NESTEROV: told->nesterov = true; return 0;
  case KEY_WEIGHT_DECAY:
    told->weight_decay = (float)cli_real(state, "weight-decay", text, 0, 100);
    return 0;
  case KEY_CLIP_NORM:
    told->clip_norm = (float)cli_real(state, "clip-norm", text, 1e-9, 1e9);
    return 0;
  case KEY_CLIP_VALUE:
    told->clip_value = (float)cli_real(state, "clip-value", text, 1e-9, 1e9);
    return 0;
  case KEY_SCHEDULE: return parse_schedule(text, &training->options.schedule, state);
  case KEY_LAYER_RATES: training->layer_rates = text; return 0;
  case ARGP_KEY_END: finish_optimizer(training, state); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

/* ---- the loss ---- */

static const struct argp_option loss_options[] = {
    {"loss", KEY_LOSS, "NAME", 0, "cross-entropy (default), squared or binary", 22},
    {"label-smoothing", KEY_LABEL_SMOOTHING, "S", 0,
     "share of the target that is spread over all classes", 22},
    {"focal", KEY_FOCAL, "GAMMA", 0, "learn less from what is known well", 22},
    {"class-weights", KEY_CLASS_WEIGHTS, "W", 0,
     "balanced (with labels: the yes of each against its no), or one number a class with "
     "commas",
     22},
    {"teacher", KEY_TEACHER, "MODEL", 0,
     "a trained model whose outputs are learned, too (distillation)", 22},
    {"distill", KEY_DISTILL, "SHARE", 0,
     "of the teacher in the loss (default 0.5 with --teacher)", 22},
    {"temperature", KEY_TEMPERATURE, "T", 0,
     "that softens both sides of the teacher's part (default 2)", 22},
    {0},
};

static void finish_loss(const cli_training *training, struct argp_state *state) {
  fr_loss_options *loss = &((cli_training *)state->input)->options.loss;
  if (training->teacher == NULL && (loss->distill > 0 || loss->temperature > 0))
    argp_error(state, "--distill and --temperature need --teacher MODEL");
  if (training->teacher != NULL && loss->distill == 0)
    loss->distill = 0.5f;
  if (training->teacher != NULL && loss->temperature == 0)
    loss->temperature = 2;
}

static error_t parse_loss(int key, char *text, struct argp_state *state) {
  cli_training *training = state->input;
  fr_loss_options *loss = training != NULL ? &training->options.loss : NULL;
  switch (key) {
  case KEY_LOSS:
    if (!fr_loss_parse(text, &loss->kind))
      argp_error(state, "'%s' is not a loss: cross-entropy, squared or binary", text);
    training->loss_told = true;
    return 0;
  case KEY_LABEL_SMOOTHING:
    loss->label_smoothing = (float)cli_real(state, "label-smoothing", text, 0, 0.999);
    return 0;
  case KEY_FOCAL: loss->focal = (float)cli_real(state, "focal", text, 0, 100); return 0;
  case KEY_CLASS_WEIGHTS: training->class_weights = text; return 0;
  case KEY_TEACHER: training->teacher = text; return 0;
  case KEY_DISTILL:
    loss->distill = (float)cli_real(state, "distill", text, 0.001, 1);
    return 0;
  case KEY_TEMPERATURE:
    loss->temperature = (float)cli_real(state, "temperature", text, 0.01, 1000);
    return 0;
  case ARGP_KEY_END: finish_loss(training, state); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

/* ---- all of them ---- */

static const struct argp optimizer_argp = {.options = optimizer_options,
                                           .parser = parse_optimizer};
static const struct argp loss_argp = {.options = loss_options, .parser = parse_loss};

static const struct argp_child children[] = {
    {&optimizer_argp, 0, "Optimizer:", 21}, {&loss_argp, 0, "Loss:", 22}, {0}};

static error_t parse_training(int key, char *text, struct argp_state *state) {
  if (key != ARGP_KEY_INIT)
    return parse_loop(key, text, state);
  state->child_inputs[0] = state->child_inputs[1] = state->input;
  return 0;
}

const struct argp cli_training_argp = {
    .options = loop_options, .parser = parse_training, .children = children};
