/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tensorboard.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"

/* Loss of single steps: one in so many, which is enough for a curve. */
#define STEPS_APART 10

struct cli_tensorboard {
  fr_events *events;
  size_t step;      /* the last one told of */
  double earlier_j; /* of the program, before the run was taken up */
  fr_error first;   /* what could not be written first */
};

/* Keeps the first failure: the run goes on without the record. */
static void note(cli_tensorboard *board, enum fr_status status, const fr_error *err) {
  if (status != FR_OK && board->first.status == FR_OK) {
    board->first = *err;
    board->first.status = status;
  }
}

static void scalar(cli_tensorboard *board, const char *tag, double value) {
  fr_error err;
  if (!isnan(value))
    note(board, fr_events_scalar(board->events, (int64_t)board->step, tag, value, &err),
         &err);
}

/* ---- at the beginning ---- */

enum { PARAMETERS = 16 };

typedef struct list {
  fr_events_parameter parameter[PARAMETERS];
  size_t count;
} list;

static void add_number(list *to, const char *name, double value) {
  to->parameter[to->count++] =
      (fr_events_parameter){.name = name, .kind = FR_EVENTS_NUMBER, .number = value};
}

/* A text that is too long for a cell of the table is in the card. */
static void add_string(list *to, const char *name, const char *value) {
  if (value != NULL && strlen(value) < FR_EVENTS_TAG_CEILING)
    to->parameter[to->count++] =
        (fr_events_parameter){.name = name, .kind = FR_EVENTS_STRING, .string = value};
}

static void write_parameters(cli_tensorboard *board, const cli_training *training,
                             const cli_input *input, const fr_net *net) {
  const fr_train_options *o = &training->options;
  list all = {0};
  add_string(&all, "network", fr_net_text(net));
  add_string(&all, "data", input->data);
  add_string(&all, "optimizer", fr_optimizer_name(o->optimizer.kind));
  add_string(&all, "loss", fr_loss_name(o->loss.kind));
  add_number(&all, "parameters", (double)fr_net_parameters(net));
  add_number(&all, "batch", (double)o->batch);
  add_number(&all, "learning_rate", (double)o->optimizer.learning_rate);
  add_number(&all, "weight_decay", (double)o->optimizer.weight_decay);
  add_number(&all, "epochs", (double)o->epochs);
  add_number(&all, "seed", (double)o->seed);
  const fr_events_session session = {.parameter = all.parameter,
                                     .parameter_count = all.count};
  fr_error err;
  note(board, fr_events_hparams(board->events, &session, &err), &err);
}

/* The network as a table in Markdown. */
static void write_card(cli_tensorboard *board, const fr_net *net) {
  fr__buf buf;
  fr__buf_init(&buf, FR_EVENTS_TEXT_CEILING);
  fr__buf_add(&buf, "| | Layer | Output | Parameters | FLOP |\n|--:|---|--:|--:|--:|\n");
  for (size_t i = 0; i < fr_net_layer_count(net); i++) {
    const fr_shape shape = fr_net_layer_shape(net, i);
    fr__buf_printf(&buf, "| %zu | `%s` | %zu × %zu | %zu | %llu |\n", i,
                   fr_net_layer_text(net, i), shape.steps, shape.channels,
                   fr_net_layer_parameters(net, i),
                   (unsigned long long)fr_net_layer_operations(net, i));
  }
  fr__buf_printf(&buf, "\n%zu parameters, %llu FLOP a sample forward\n",
                 fr_net_parameters(net), (unsigned long long)fr_net_operations(net));
  fr_error err;
  note(board,
       buf.status != FR_OK
           ? fr__fail_memory(&err, "the network's card")
           : fr_events_text(board->events, 0, "model card", fr__buf_text(&buf), &err),
       &err);
  fr__buf_release(&buf);
}

enum fr_status cli_tensorboard_new(const char *folder, const cli_training *training,
                                   const cli_input *input, const fr_net *net,
                                   cli_tensorboard **out, fr_error *err) {
  cli_tensorboard *board = calloc(1, sizeof *board);
  if (board == NULL)
    return fr__fail_memory(err, "the event file");
  const enum fr_status status = fr_events_new(folder, &board->events, err);
  if (status != FR_OK) {
    free(board);
    return status;
  }
  write_parameters(board, training, input, net);
  write_card(board, net);
  *out = board;
  return FR_OK;
}

void cli_tensorboard_free(cli_tensorboard *board, bool done, cli_result *result) {
  if (board == NULL)
    return;
  fr_error err;
  note(board,
       fr_events_hparams_end(board->events, done ? FR_EVENTS_SUCCESS : FR_EVENTS_FAILURE,
                             &err),
       &err);
  if (board->first.status != FR_OK)
    cli_warn(result, "%llu records are missing in the event file: %s",
             (unsigned long long)fr_events_lost(board->events), board->first.text);
  fr_events_free(board->events);
  free(board);
}

/* ---- as the run goes ---- */

void cli_tensorboard_resume(cli_tensorboard *board, size_t steps, double program_j) {
  fr_error err;
  board->step = steps;
  board->earlier_j = program_j;
  /* What an interrupted run has told of later steps comes again. */
  note(board, fr_events_restart(board->events, (int64_t)steps + 1, &err), &err);
}

void cli_tensorboard_step(cli_tensorboard *board, size_t step, double loss) {
  board->step = step;
  if (step % STEPS_APART == 0)
    scalar(board, "loss/step", loss);
}

static void histogram(cli_tensorboard *board, const char *group, const fr_tensor *tensor,
                      const float *value) {
  char tag[96];
  fr_error err;
  (void)snprintf(tag, sizeof tag, "%s/%s", group, tensor->name);
  note(board,
       fr_events_histogram(board->events, (int64_t)board->step, tag, value, tensor->count,
                           NULL, &err),
       &err);
}

void cli_tensorboard_inspect(cli_tensorboard *board, const fr_net *net, size_t step) {
  size_t count = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  board->step = step;
  for (size_t i = 0; i < count; i++) {
    histogram(board, "weights", &tensor[i], tensor[i].value);
    if (tensor[i].gradient != NULL)
      histogram(board, "gradients", &tensor[i], tensor[i].gradient);
  }
}

void cli_tensorboard_epoch(cli_tensorboard *board, const fr_epoch *epoch, double power_w,
                           double program_j) {
  board->step = epoch->step;
  scalar(board, "loss/train", epoch->train_loss);
  scalar(board, "loss/validation", epoch->validate_loss);
  scalar(board, "accuracy/validation", epoch->validate_accuracy);
  scalar(board, "learning rate", epoch->rate);
  scalar(board, "epoch", (double)epoch->epoch);
  scalar(board, "energy/machine W", power_w);
  scalar(board, "energy/program J", board->earlier_j + program_j);
}

void cli_tensorboard_test(cli_tensorboard *board, const fr_metrics *metrics) {
  scalar(board, "accuracy/test", metrics->accuracy);
  scalar(board, "macro F1/test", metrics->macro_f1);
  scalar(board, "balanced accuracy/test", metrics->balanced_accuracy);
}
