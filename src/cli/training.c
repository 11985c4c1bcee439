/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/training.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/csv.h"
#include "base/error.h"
#include "base/file.h"
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
                  "--%s takes %s%zu numbers from 0 to 1000000, one a %s in their order, "
                  "not '%s'",
                  option, strcmp(what, "class") == 0 ? "balanced, or " : "", count, what,
                  text);
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
  float *weight = calloc(classes, sizeof *weight);
  if (weight == NULL)
    return fr__fail_memory(err, "class weights");
  /* Labels exclude nothing: each has its own yes and no to be balanced. */
  *(samples->label != NULL ? &t->class_weight : &t->positive_weight) = weight;
  return samples->label != NULL
             ? fr_loss_balanced_weights(samples->label, samples->count, classes, weight,
                                        err)
             : fr_loss_balanced_positives(samples->value, samples->count, classes, weight,
                                          err);
}

static bool same_names(const fr_names *a, const fr_names *b) {
  bool same = a->count == b->count;
  for (size_t i = 0; same && i < a->count; i++)
    same = strcmp(a->name[i], b->name[i]) == 0;
  return same;
}

static bool same_normalizer(const fr_normalizer *a, const fr_normalizer *b) {
  const size_t bytes = a->channels * sizeof(float);
  return a->how == b->how && a->channels == b->channels &&
         memcmp(a->shift, b->shift, bytes) == 0 && memcmp(a->scale, b->scale, bytes) == 0;
}

/* Both see the same numbers, and mean the same classes by their outputs. */
static enum fr_status check_teacher(const cli_trainer *t, const cli_work *work,
                                    fr_error *err) {
  const fr_model *teacher = &t->teacher;
  const char *path = t->training->teacher;
  if (!same_names(&work->prepared.classes, &teacher->classes))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "the teacher '%s' tells other classes apart than this data has",
                    path);
  if (!same_names(&work->data->channels, &teacher->channels))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "the teacher '%s' takes other channels than this data has", path);
  if (work->prepared.data->rate_hz != teacher->rate_hz)
    return fr__fail(err, FR_ERR_ARGUMENT, "the teacher '%s' takes %g Hz, not %g", path,
                    teacher->rate_hz, work->prepared.data->rate_hz);
  if (!same_normalizer(&work->prepared.normalizer, &teacher->normalizer))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "the teacher '%s' was trained on data that was normalised otherwise "
                    "than the model that is started from",
                    path);
  return FR_OK;
}

static enum fr_status set_teacher(cli_trainer *t, const cli_work *work, fr_error *err) {
  const char *path = t->training->teacher;
  if (path == NULL)
    return FR_OK;
  const enum fr_status status = fr_model_load(&t->teacher, path, err);
  return status == FR_OK ? check_teacher(t, work, err) : status;
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
  t->ours = true;
  free(t->note);
  t->note = cli_session_spent(t->session);
  return t->note;
}

static void resumed(void *self, size_t steps, const char *text) {
  cli_trainer *t = self;
  t->ours = true;
  cli_session_resumed(t->session, steps, text);
}

#define NAME_SIZE 256 /* bytes of a file's name */

static const char *first_checkpoint(const char *folder, char *name, size_t size) {
  DIR *at = opendir(folder);
  const struct dirent *entry;
  const char *found = NULL;
  while (at != NULL && found == NULL && (entry = readdir(at)) != NULL)
    if (strncmp(entry->d_name, "checkpoint-", strlen("checkpoint-")) == 0) {
      (void)snprintf(name, size, "%s", entry->d_name);
      found = name;
    }
  if (at != NULL)
    closedir(at);
  return found;
}

/* A forgotten --resume must not cost what an earlier run has kept. */
static enum fr_status check_folder(const cli_training *training, fr_error *err) {
  char name[NAME_SIZE];
  if (training->resume ||
      first_checkpoint(training->checkpoint, name, sizeof name) == NULL)
    return FR_OK;
  return fr__fail(err, FR_ERR_ARGUMENT,
                  "'%s' holds '%s' of an earlier run: --resume goes on from there; for "
                  "another run name another folder",
                  training->checkpoint, name);
}

/* Where what is spent is kept; that of a run which is begun anew is not ours. */
static enum fr_status set_ledger(const cli_trainer *t, fr_error *err) {
  t->session->ledger = fr__path_join(t->training->checkpoint, "spent.json");
  if (t->session->ledger == NULL)
    return fr__fail_memory(err, "the ledger's path");
  char name[NAME_SIZE];
  if (first_checkpoint(t->training->checkpoint, name, sizeof name) == NULL)
    (void)unlink(t->session->ledger);
  return FR_OK;
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
  const enum fr_status status = check_folder(training, err);
  return status == FR_OK ? set_ledger(t, err) : status;
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

/* What the loss has inside and the network ends in, too, is done twice: it learns, but
 * slowly. */
static void warn_of_end(cli_trainer *t, const fr_net *net) {
  const enum fr_loss kind = t->training->options.loss.kind;
  const char *last = fr_net_layer_text(net, fr_net_layer_count(net) - 1);
  const char *inside = kind == FR_LOSS_CROSS_ENTROPY ? "softmax"
                       : kind == FR_LOSS_BINARY      ? "sigmoid"
                                                     : NULL;
  if (inside == NULL || strcmp(last, inside) != 0)
    return;
  cli_warn(&t->session->result,
           "the network ends in %s, but %s is inside the loss '%s': leave it out", last,
           inside, fr_loss_name(kind));
  cli_result_tell(&t->session->result); /* before hours go by */
}

/* What would be accepted and then never happen. */
static enum fr_status check_options(const cli_training *training, const cli_work *work,
                                    fr_error *err) {
  const fr_train_options *o = &training->options;
  if (training->budget.accuracy > 0 && work->prepared.validate.count == 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "a budget of accuracy needs a validation side: --validate 0.1");
  if (training->no_test && work->prepared.validate.count == 0 && training->model == NULL)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "with --no-test there is nothing to report of but a validation side, "
                    "--validate 0.1, and nothing to keep without --output");
  if (o->schedule.warmup >= (double)o->epochs)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "a warm-up of %g epochs is all of a run of %zu: the learning rate is "
                    "never reached",
                    o->schedule.warmup, o->epochs);
  if (training->budget.grams == 0 && (training->intensity != NULL || training->pue > 0))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "--intensity and --pue are of a budget in CO2e: --budget 2gCO2e");
  return FR_OK;
}

/* What it changes depends on what the channels mean. */
static enum fr_status set_augment(cli_trainer *t, const cli_work *work, fr_error *err) {
  cli_training *training = t->training;
  if (training->options.augment == NULL)
    return FR_OK;
  return fr_augment_bind(&training->augment, &work->data->channels,
                         &work->prepared.normalizer, err);
}

static enum fr_status prepare(cli_trainer *t, const cli_work *work,
                              const cli_input *input, const float *rate,
                              const fr_net *net, fr_error *err) {
  enum fr_status status = check_options(t->training, work, err);
  if (status == FR_OK)
    status = set_loss(t, work, err);
  if (status == FR_OK)
    warn_of_end(t, net);
  if (status == FR_OK)
    status = set_augment(t, work, err);
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
  options->loss.positive_weight = t->positive_weight;
  options->teacher = t->teacher.net;
  options->rate_scale = t->rate != NULL ? t->rate : rate;
  options->checkpoint = t->checkpoint.folder != NULL ? &t->checkpoint : NULL;
  if (status == FR_OK && t->training->tensorboard != NULL)
    status = cli_tensorboard_new(t->training->tensorboard, t->training, input, net,
                                 &t->session->board, err);
  return status;
}

/* The weights of a run that is interrupted, where they are asked for and any are good. */
static bool save_cut(const cli_trainer *t, const fr_train_result *trained, cli_work *work,
                     const cli_input *input, fr_net *net) {
  const char *path = t->training->model;
  return path != NULL && trained->best_epoch > 0 &&
         cli_session_measured(t->session, NULL) == FR_OK &&
         cli_work_save(work, t->session, input, t->training->options.seed, net, path,
                       NULL) == FR_OK;
}

/* A run that was refused its folder has nothing to tell there. */
static void leave_ledger(const cli_trainer *t) {
  free(t->session->ledger);
  t->session->ledger = NULL;
}

static enum fr_status fail_interrupted(const cli_trainer *t,
                                       const fr_train_result *trained, bool saved,
                                       fr_error *err) {
  if (t->checkpoint.folder == NULL && saved)
    return fr__fail(err, FR_ERR_CANCELLED,
                    "interrupted after %zu epochs; '%s' has the best weights so far",
                    trained->epochs, t->training->model);
  if (t->checkpoint.folder == NULL)
    return fr__fail(err, FR_ERR_CANCELLED, "interrupted after %zu epochs",
                    trained->epochs);
  return fr__fail(err, FR_ERR_CANCELLED,
                  "interrupted after %zu epochs; the same command with --resume goes on "
                  "from '%s'",
                  trained->epochs, t->checkpoint.folder);
}

enum fr_status cli_trainer_start(cli_trainer *t, const cli_work *work,
                                 const cli_input *input, const float *rate,
                                 const fr_net *net, fr_error *err) {
  fr__buf_init(&t->identity, 0);
  return prepare(t, work, input, rate, net, err);
}

void cli_trainer_release(cli_trainer *t) {
  fr_train_options *options = &t->training->options;
  options->loss.class_weight = NULL;
  options->loss.positive_weight = NULL;
  options->teacher = NULL;
  options->checkpoint = NULL;
  options->rate_scale = NULL;
  fr_augment_release(&t->training->augment);
  fr_model_release(&t->teacher);
  fr__buf_release(&t->identity);
  free(t->class_weight);
  free(t->positive_weight);
  free(t->rate);
  free(t->note);
}

static enum fr_status train(const cli_trainer *t, const cli_work *work, fr_net *net,
                            fr_train_result *trained, fr_error *err) {
  const cli_training *training = t->training;
  const cli_trained_on on = {&work->prepared.train, &work->prepared.validate,
                             &training->options, &t->session->observer,
                             &t->session->budget};
  return training->train != NULL ? training->train(training->self, net, &on, trained, err)
                                 : fr_train(net, on.train, on.validate, on.options,
                                            on.observer, on.budget, trained, err);
}

enum fr_status cli_train(cli_session *session, cli_training *training,
                         const cli_input *input, cli_work *work, const float *rate,
                         fr_net *net, fr_error *err) {
  cli_trainer t = {.session = session, .training = training};
  fr_train_result trained = {0};
  enum fr_status status = cli_trainer_start(&t, work, input, rate, net, err);
  if (status == FR_OK)
    status = train(&t, work, net, &trained, err);
  if (!t.ours)
    leave_ledger(&t);
  if (status == FR_OK && trained.stop == FR_STOP_INTERRUPTED)
    status =
        fail_interrupted(&t, &trained, save_cut(&t, &trained, work, input, net), err);
  if (status == FR_OK)
    cli_session_trained(session, net, &trained);
  fr_train_result_release(&trained);
  cli_trainer_release(&t);
  return status;
}
