/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/work.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/frames.h"
#include "cli/openings.h"

static void on_read(void *self, double done) {
  cli_session *session = self;
  session->observer.progress(session, "reading", done);
}

static void on_part(void *self, const char *name) {
  cli_session *session = self;
  if (name != NULL)
    fr_phase_begin(session->meter, name);
  else
    fr_phase_end(session->meter);
}

enum fr_status cli_work_read(cli_session *session, const char *spec, fr_dataset **out,
                             fr_error *err) {
  char *cache = cli_cache_folder();
  const fr_data_options options = {cache, on_read, session, on_part};
  fr_phase_begin(session->meter, "read");
  const enum fr_status status = fr_data_open(spec, &options, out, err);
  fr_phase_end(session->meter);
  free(cache);
  return status;
}

static bool keeps_short(const cli_input *input) {
  return input->shorter != NULL && strcmp(input->shorter, "keep") == 0;
}

/* A trained network means its own normaliser's numbers. */
static enum fr_status set_normalize(const cli_input *input, fr_prepare_options *out,
                                    fr_error *err) {
  if (input->normalize == NULL)
    return FR_OK;
  (void)fr_normalize_parse(input->normalize, &out->normalize); /* it was checked */
  if (out->normalizer == NULL || out->normalizer->how == out->normalize)
    return FR_OK;
  return fr__fail(err, FR_ERR_ARGUMENT,
                  "the model takes input that is normalised by '%s', not by '%s'",
                  fr_normalize_name(out->normalizer->how), input->normalize);
}

static const char *task_of(const cli_input *input) {
  return input->task != NULL ? input->task : fr_data_task(input->data);
}

static enum fr_status options_of(const cli_input *input, uint64_t seed,
                                 const fr_model *model, fr_prepare_options *out,
                                 fr_error *err) {
  *out = (fr_prepare_options){.window = input->window,
                              .step = input->step,
                              .keep_short = keeps_short(input),
                              .rate_hz = input->rate_hz,
                              .split = input->split,
                              .validate = input->validate,
                              .fold = input->fold > 0 ? input->fold - 1 : 0,
                              .seed = seed};
  const char *task = task_of(input);
  if (!fr_task_parse(task, &out->task))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "'%s' is not a task: subject, activity, gesture or labels", task);
  if (model != NULL) {
    out->normalizer = model->normalizer.channels > 0 ? &model->normalizer : NULL;
    out->classes = model->classes.count > 0 ? &model->classes : NULL;
  }
  return set_normalize(input, out, err);
}

void cli_work_fill(cli_input *input, const fr_model *model) {
  if (input->data == NULL)
    input->data = model->data;
  if (input->task == NULL)
    input->task = model->task;
  if (input->split == NULL)
    input->split = model->split;
  if (input->fold == 0 && model->split != NULL && strcmp(input->split, model->split) == 0)
    input->fold = model->fold + 1;
  if (input->validate == NULL)
    input->validate = model->validate;
  if (input->window == 0)
    input->window = model->window;
  if (input->step == 0)
    input->step = model->step;
  if (input->shorter == NULL && model->keep_short)
    input->shorter = "keep";
  if (input->rate_hz == 0)
    input->rate_hz = model->rate_hz;
}

static enum fr_status check_channels(const cli_work *work, const fr_model *model,
                                     fr_error *err) {
  const fr_names *have = &work->data->channels, *want = &model->channels;
  if (want->count != 0 && have->count != want->count)
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s' has %zu channels, the model takes %zu",
                    work->data->spec, have->count, want->count);
  for (size_t i = 0; i < want->count; i++)
    if (strcmp(have->name[i], want->name[i]) != 0)
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "channel %zu of '%s' is '%s', the model takes '%s' there", i + 1,
                      work->data->spec, have->name[i], want->name[i]);
  return FR_OK;
}

enum fr_status cli_work_frames(cli_work *work, cli_input *input, const fr_model *like,
                               fr_error *err) {
  char *spec = NULL;
  if (input->parts == NULL && like == NULL)
    return FR_OK;
  const enum fr_status status =
      cli_frames_spec(input->data, input->parts, like, &spec, err);
  if (status != FR_OK)
    return status;
  free(work->spec);
  input->data = work->spec = spec;
  input->parts = NULL;
  return FR_OK;
}

/* `people`: they are the classes. */
static enum fr_status warn(cli_session *session, const cli_work *work, const char *split,
                           bool people, fr_error *err) {
  const fr_prepared *p = &work->prepared;
  if (p->split.leaky)
    cli_warn(&session->result,
             "the split '%s' is leaky: neighbours of a test window were trained on",
             split);
  if (p->unknown > 0)
    cli_warn(&session->result,
             p->test.value != NULL
                 ? "%zu test samples left out, of which no label is known"
                 : "%zu test samples of classes the model does not know left out",
             p->unknown);
  if (p->test.count == 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "the split '%s' leaves nothing to test%s",
                    split,
                    people && p->unknown > 0
                        ? ": with the task 'subject' people are the classes, and nobody "
                          "of the test side was trained on; another split (trial) or "
                          "another task is needed"
                        : "");
  return FR_OK;
}

enum fr_status cli_work_open(cli_work *work, cli_session *session, cli_input *input,
                             uint64_t seed, const fr_model *model, fr_error *err) {
  if (model != NULL)
    cli_work_fill(input, model);
  fr_prepare_options options;
  enum fr_status status = options_of(input, seed, model, &options, err);
  if (status == FR_OK && work->data == NULL)
    status = cli_work_frames(work, input, model != NULL ? model : work->like, err);
  if (status == FR_OK && work->data == NULL)
    status = cli_work_read(session, input->data, &work->data, err);
  if (status == FR_OK && (model != NULL || work->like != NULL))
    status = cli_frames_check(work->data, model != NULL ? model : work->like, err);
  if (status == FR_OK && model != NULL)
    status = check_channels(work, model, err);
  if (status == FR_OK)
    status =
        fr_prepared_init(&work->prepared, work->data, &options, &session->observer, err);
  if (status != FR_OK)
    return status;
  work->task = options.task;
  work->split = input->split != NULL ? input->split : work->data->split;
  work->fold = options.fold;
  work->seed = seed;
  return warn(session, work, work->split, options.task == FR_TASK_SUBJECT, err);
}

void cli_work_release(cli_work *work) {
  free(work->spec);
  fr_prepared_release(&work->prepared);
  fr_data_free(work->data);
  *work = (cli_work){0};
}

/* The model as it is written: everything borrowed, nothing to release. */
static fr_model model_of(const cli_work *work, const cli_input *input, uint64_t seed,
                         fr_net *net, char *provenance) {
  const fr_prepared *p = &work->prepared;
  const char *split = input->split != NULL ? input->split : work->data->split;
  const char *validate = input->validate != NULL ? input->validate : "0.1";
  const char *task = task_of(input);
  return (fr_model){.net = net,
                    .classes = p->classes,
                    .normalizer = p->normalizer,
                    .channels = work->data->channels,
                    .task = (char *)(uintptr_t)task,
                    .data = (char *)(uintptr_t)input->data,
                    .split = (char *)(uintptr_t)split,
                    .validate = (char *)(uintptr_t)validate,
                    .frames = work->data->frames,
                    .window = p->windows.length,
                    .step = p->windows.step,
                    .fold = work->fold,
                    .keep_short = keeps_short(input),
                    .rate_hz = p->data->rate_hz,
                    .seed = seed,
                    .provenance = provenance};
}

/* What an earlier process had spent on the run that this one took up; NULL: none. */
static json_t *earlier_of(const cli_session *session) {
  json_t *one = json_copy(json_object_get(session->result.result, "earlier"));
  if (one != NULL)
    json_object_set_new(one, "command", json_string(session->result.command));
  return one;
}

/* What was spent on the model that this one starts from; a new reference. */
static json_t *past_of(const cli_session *session) {
  json_t *past = session->past != NULL ? json_loads(session->past, 0, NULL) : NULL;
  if (json_is_array(past))
    return past;
  json_decref(past);
  return json_array();
}

/* What was done for comparison only is no cost of the model. */
static void leave_aside(const cli_session *session, json_t *one) {
  static const char *const keys[] = {"energy", "program", "core_seconds"};
  if (session->aside == NULL)
    return;
  cli_spent all;
  const cli_spent aside = cli_session_phases(session, session->aside);
  cli_spent_read(one, &all);
  const fr_measure from[] = {all.energy, all.program, all.core_seconds};
  const fr_measure less[] = {aside.energy, aside.program, aside.core_seconds};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    if (!fr_measure_known(from[i]) || !fr_measure_known(less[i]))
      continue;
    json_object_set_new(one, keys[i],
                        cli_json_measure(cli_measure_less(from[i], less[i])));
  }
}

/* What the model has cost so far, this run last. */
char *cli_work_provenance(const cli_session *session) {
  json_t *all = session->result.result;
  json_t *one = json_object();
  static const char *const keys[] = {"energy",     "program",    "core_seconds",
                                     "duration_s", "sensor",     "rule",
                                     "epochs",     "operations", "precision",
                                     "macro_f1",   "accuracy",   "validate_accuracy",
                                     "added",      "shots"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    json_t *value = json_object_get(all, keys[i]);
    if (value != NULL && !json_is_null(value))
      json_object_set(one, keys[i], value);
  }
  leave_aside(session, one);
  const cli_spent training = cli_session_training(session);
  json_t *of_it = json_object();
  cli_spent_write(&training, of_it);
  json_object_set_new(one, "training", of_it);
  json_object_set_new(one, "command", json_string(session->result.command));
  json_object_set_new(one, "version", json_string(FR_VERSION));
  json_t *list = past_of(session);
  json_t *earlier = earlier_of(session);
  if (earlier != NULL)
    json_array_append_new(list, earlier);
  json_array_append_new(list, one);
  char *text = json_dumps(list, JSON_COMPACT | JSON_REAL_PRECISION(9));
  json_decref(list);
  return text;
}

/* `q`: what runs in the place of `net`; NULL: net. */
static enum fr_status test_samples(const fr_samples *samples, const fr_observer *observer,
                                   const fr_loss_options *loss, size_t batch, fr_net *net,
                                   fr_quantized *q, fr_metrics *metrics, fr_error *err) {
  fr_loss_options fit = *loss;
  if (samples->value != NULL)
    fit.kind = FR_LOSS_BINARY;
  return q != NULL ? fr_quantized_test(q, samples, &fit, batch, observer, metrics, err)
                   : fr_test(net, samples, &fit, batch, observer, metrics, err);
}

enum fr_status cli_work_test(cli_work *work, cli_session *session,
                             const fr_loss_options *loss, size_t batch, fr_net *net,
                             fr_quantized *q, const fr_names *classes, fr_error *err) {
  fr_metrics metrics;
  const int64_t opening = cli_opening_begin(work, session, net);
  const enum fr_status status = test_samples(&work->prepared.test, &session->observer,
                                             loss, batch, net, q, &metrics, err);
  if (status != FR_OK)
    return status;
  cli_session_metrics(session, &metrics, classes);
  cli_opening_found(session, opening, &metrics);
  fr_metrics_release(&metrics);
  return FR_OK;
}

/* The phase is not "test": nothing of that side is looked at. */
static enum fr_status validate(const cli_work *work, cli_session *session,
                               const fr_train_options *options, fr_net *net,
                               fr_error *err) {
  fr_metrics metrics;
  if (work->prepared.validate.count == 0) {
    cli_session_unseen(session, &work->prepared.classes);
    return FR_OK;
  }
  fr_phase_begin(session->meter, "validate");
  const enum fr_status status =
      test_samples(&work->prepared.validate, NULL, &options->loss, options->batch, net,
                   NULL, &metrics, err);
  fr_phase_end(session->meter);
  if (status != FR_OK)
    return status;
  cli_session_validated(session, &metrics, &work->prepared.classes);
  fr_metrics_release(&metrics);
  return FR_OK;
}

enum fr_status cli_work_save(cli_work *work, cli_session *session, const cli_input *input,
                             uint64_t seed, fr_net *net, const char *path,
                             fr_error *err) {
  char *provenance = cli_work_provenance(session);
  const fr_model model = model_of(work, input, seed, net, provenance);
  const enum fr_status status = fr_model_save(&model, path, err);
  free(provenance);
  return status;
}

enum fr_status cli_work_finish(cli_work *work, cli_session *session,
                               const cli_input *input, const cli_training *training,
                               fr_net *net, fr_error *err) {
  const fr_train_options *options = &training->options;
  const char *path = training->model;
  enum fr_status status =
      training->no_test ? validate(work, session, options, net, err)
                        : cli_work_test(work, session, &options->loss, options->batch,
                                        net, NULL, &work->prepared.classes, err);
  if (status == FR_OK)
    status = cli_session_measured(session, err);
  if (status != FR_OK || path == NULL)
    return status;
  status = cli_work_save(work, session, input, options->seed, net, path, &session->late);
  if (status == FR_OK) {
    json_object_set_new(session->result.result, "model", json_string(path));
    fr__buf_printf(&session->text, "\nModel: %s\n", path);
  } else {
    session->late.status = status;
  }
  return FR_OK; /* what was found out is told all the same */
}
