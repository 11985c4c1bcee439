/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "cli/tensorboard.h"

/* ---- what the texts name ---- */

/* Exactly `count` numbers in [0, 1e6], parted by commas; the caller's (free). */
static enum fr_status read_numbers(const char *text, size_t count, const char *option,
                                   const char *what, float **out, fr_error *err) {
  float *number = calloc(count, sizeof *number);
  if (number == NULL)
    return fr__fail_memory(err, option);
  size_t n = 0;
  bool good = true;
  for (const char *at = text; good; n++) {
    const size_t length = strcspn(at, ",");
    double value = 0;
    good = fr__parse_number(at, length, &value) && value >= 0 && value <= 1e6;
    if (good && n < count)
      number[n] = (float)value;
    if (good && at[length] == '\0')
      break;
    at += length + 1;
  }
  if (good && n + 1 == count) {
    *out = number;
    return FR_OK;
  }
  free(number);
  return fr__fail(err, FR_ERR_ARGUMENT,
                  "--%s takes %zu numbers from 0 to 1000000, one a %s, not '%s'", option,
                  count, what, text);
}

static enum fr_status set_class_weights(cli_trainer *t, const cli_work *work,
                                        fr_error *err) {
  const char *text = t->training->class_weights;
  const size_t classes = work->prepared.classes.count;
  const fr_samples *samples = &work->prepared.train;
  if (text == NULL)
    return FR_OK;
  if (strcmp(text, "balanced") != 0)
    return read_numbers(text, classes, "class-weights", "class", &t->class_weight, err);
  if (samples->label == NULL)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "samples without classes have no balanced weights");
  t->class_weight = calloc(classes, sizeof *t->class_weight);
  if (t->class_weight == NULL)
    return fr__fail_memory(err, "class weights");
  return fr_loss_balanced_weights(samples->label, samples->count, classes,
                                  t->class_weight, err);
}

static bool same_names(const fr_names *a, const fr_names *b) {
  bool same = a->count == b->count;
  for (size_t i = 0; same && i < a->count; i++)
    same = strcmp(a->name[i], b->name[i]) == 0;
  return same;
}

/* Its outputs mean the same classes, and its inputs were normalised like ours. */
static enum fr_status set_teacher(cli_trainer *t, const cli_work *work, fr_error *err) {
  const char *path = t->training->teacher;
  if (path == NULL)
    return FR_OK;
  const enum fr_status status = fr_model_load(&t->teacher, path, err);
  if (status != FR_OK)
    return status;
  const fr_normalizer *own = &work->prepared.normalizer, *its = &t->teacher.normalizer;
  if (!same_names(&work->prepared.classes, &t->teacher.classes))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "the teacher '%s' tells other classes apart than this data has",
                    path);
  if (own->channels != its->channels ||
      memcmp(own->shift, its->shift, own->channels * sizeof *own->shift) != 0 ||
      memcmp(own->scale, its->scale, own->channels * sizeof *own->scale) != 0)
    cli_warn(&t->session->result,
             "the teacher '%s' was trained on data that was normalised otherwise", path);
  return FR_OK;
}

static enum fr_status set_rates(cli_trainer *t, const fr_net *net, fr_error *err) {
  if (t->training->layer_rates == NULL)
    return FR_OK;
  return read_numbers(t->training->layer_rates, fr_net_layer_count(net), "layer-rates",
                      "layer", &t->rate, err);
}

/* ---- checkpoints: what was spent is kept with them ---- */

static const char *note(void *self) {
  cli_trainer *t = self;
  free(t->note);
  t->note = cli_session_spent(t->session);
  return t->note;
}

static void resumed(void *self, size_t steps, const char *text) {
  cli_trainer *t = self;
  cli_session_resumed(t->session, steps, text);
}

/* Beside what fr_train compares itself. */
static enum fr_status set_checkpoint(cli_trainer *t, const cli_input *input,
                                     fr_error *err) {
  const cli_training *training = t->training;
  if (training->checkpoint == NULL)
    return FR_OK;
  fr__buf_printf(&t->identity, "%s %s", t->session->result.command, input->data);
  if (t->identity.status != FR_OK)
    return fr__fail_memory(err, "the identity of the run");
  t->checkpoint = (fr_checkpoint_options){.folder = training->checkpoint,
                                          .resume = training->resume,
                                          .identity = fr__buf_text(&t->identity),
                                          .self = t,
                                          .note = note,
                                          .resumed = resumed};
  return FR_OK;
}

/* ---- the run ---- */

/* Labels take the binary loss, and no other. */
static enum fr_status set_loss(cli_trainer *t, const cli_work *work, fr_error *err) {
  cli_training *training = t->training;
  if (work->prepared.train.value == NULL)
    return FR_OK;
  if (!training->loss_told)
    training->options.loss.kind = FR_LOSS_BINARY;
  if (training->options.loss.kind == FR_LOSS_BINARY)
    return FR_OK;
  return fr__fail(err, FR_ERR_ARGUMENT, "the task 'labels' takes --loss binary, not %s",
                  fr_loss_name(training->options.loss.kind));
}

static enum fr_status prepare(cli_trainer *t, const cli_work *work,
                              const cli_input *input, const float *rate,
                              const fr_net *net, fr_error *err) {
  enum fr_status status = set_loss(t, work, err);
  if (status == FR_OK)
    status = set_class_weights(t, work, err);
  if (status == FR_OK)
    status = set_teacher(t, work, err);
  if (status == FR_OK && t->teacher.net != NULL)
    status = fr_net_reserve(t->teacher.net, t->training->options.batch, false, 0, err);
  if (status == FR_OK)
    status = set_rates(t, net, err);
  if (status == FR_OK)
    status = set_checkpoint(t, input, err);
  if (status == FR_OK)
    status = cli_session_budget(t->session, t->training, err);
  fr_train_options *options = &t->training->options;
  options->loss.class_weight = t->class_weight;
  options->teacher = t->teacher.net;
  options->rate_scale = t->rate != NULL ? t->rate : rate;
  options->checkpoint = t->checkpoint.folder != NULL ? &t->checkpoint : NULL;
  if (status == FR_OK && t->training->tensorboard != NULL)
    status = cli_tensorboard_new(t->training->tensorboard, t->training, input, net,
                                 &t->session->board, err);
  return status;
}

static enum fr_status fail_interrupted(const cli_trainer *t,
                                       const fr_train_result *trained, fr_error *err) {
  if (t->checkpoint.folder == NULL)
    return fr__fail(err, FR_ERR_CANCELLED, "interrupted after %zu epochs",
                    trained->epochs);
  return fr__fail(err, FR_ERR_CANCELLED,
                  "interrupted after %zu epochs; the same command with --resume goes on "
                  "from '%s'",
                  trained->epochs, t->checkpoint.folder);
}

enum fr_status cli_train(cli_session *session, cli_training *training,
                         const cli_input *input, cli_work *work, const float *rate,
                         fr_net *net, fr_error *err) {
  cli_trainer t = {.session = session, .training = training};
  fr_train_result trained = {0};
  fr__buf_init(&t.identity, 0);
  enum fr_status status = prepare(&t, work, input, rate, net, err);
  if (status == FR_OK)
    status =
        fr_train(net, &work->prepared.train, &work->prepared.validate, &training->options,
                 &session->observer, &session->budget, &trained, err);
  if (status == FR_OK && trained.stop == FR_STOP_INTERRUPTED)
    status = fail_interrupted(&t, &trained, err);
  if (status == FR_OK)
    cli_session_trained(session, net, &trained);
  training->options.loss.class_weight = NULL;
  training->options.teacher = NULL;
  training->options.checkpoint = NULL;
  training->options.rate_scale = NULL;
  fr_train_result_release(&trained);
  fr_model_release(&t.teacher);
  fr__buf_release(&t.identity);
  free(t.class_weight);
  free(t.rate);
  free(t.note);
  return status;
}
