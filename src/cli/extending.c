/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/extending.h"

#include <stdlib.h>
#include <string.h>

#include "adapt/subset.h"
#include "base/error.h"
#include "cli/frames.h"
#include "cli/training.h"
#include "data/reader.h"

enum { BATCH = 16 }; /* samples a step, where none are told: there are few */

typedef struct extending {
  cli_session *session;
  cli_extend *e;
  fr_model source;
  fr_names classes; /* the source's, then those that are added; owned */
  enum fr_task task;
  cli_work work;
  cli_extended told;
  size_t *limits; /* (classes) samples of each that may be trained on; 0: all; owned */
  fr_net *scratch;
  size_t scratch_batch;
} extending;

/* ---- which classes are new ---- */

static const fr_names *names_of(const fr_dataset *data, enum fr_task task) {
  return task == FR_TASK_SUBJECT ? &data->subjects : &data->activities;
}

static bool has(const fr_names *names, const char *name) {
  return fr__names_find(names, name, strlen(name)) != FR_NONE;
}

static enum fr_status add(fr_names *to, const char *name, fr_error *err) {
  uint32_t index;
  return fr__names_add(to, name, strlen(name), &index, err);
}

/* Each that is asked for is in the data, and new. */
static enum fr_status check_signs(const extending *x, const fr_names *there,
                                  fr_error *err) {
  const char *at = x->e->signs, *item;
  size_t length;
  while (at != NULL && fr__list_next(&at, &item, &length)) {
    const int n = (int)(length < 200 ? length : 200);
    if (fr__names_find(&x->source.classes, item, length) != FR_NONE)
      return fr__fail(err, FR_ERR_ARGUMENT, "the model knows '%.*s' already", n, item);
    if (fr__names_find(there, item, length) == FR_NONE)
      return fr__fail(err, FR_ERR_NOT_FOUND, "'%.*s' is not in the data", n, item);
  }
  return FR_OK;
}

static bool is_asked_for(const char *list, const char *name) {
  return list == NULL || fr__list_has(list, name);
}

/* Of those that `chosen` lists; NULL: of all. Names of the data are in natural order. */
static enum fr_status name_classes(extending *x, const fr_dataset *data,
                                   const char *chosen, fr_error *err) {
  const fr_names *olds = &x->source.classes, *there = names_of(data, x->task);
  enum fr_status status = check_signs(x, there, err);
  for (size_t k = 0; k < olds->count && status == FR_OK; k++)
    status = add(&x->classes, olds->name[k], err);
  for (size_t k = 0; k < there->count && status == FR_OK; k++) {
    const char *name = there->name[k];
    if (has(olds, name) || !is_asked_for(x->e->signs, name) ||
        !is_asked_for(chosen, name))
      continue;
    status = add(&x->classes, name, err);
    if (status == FR_OK)
      status = add(&x->told.fresh, name, err);
  }
  if (status == FR_OK && x->told.fresh.count == 0)
    status =
        fr__fail(err, FR_ERR_ARGUMENT,
                 "'%s' has no class that '%s' does not know: there is nothing to add",
                 data->spec, x->e->source);
  return status;
}

/* ---- data ---- */

static bool has_all_olds(const extending *x, const fr_dataset *data) {
  const fr_names *there = names_of(data, x->task);
  bool all = true;
  for (size_t k = 0; k < x->source.classes.count; k++)
    all = all && has(there, x->source.classes.name[k]);
  return all;
}

/* Old classes come from elsewhere. The model's own data need not be there any more. */
static enum fr_status join_olds(extending *x, fr_dataset **data, fr_error *err) {
  const bool told = x->e->replay_from != NULL;
  const char *spec = told ? x->e->replay_from : x->source.data;
  fr_dataset *olds = NULL, *both = NULL;
  char *whole = NULL;
  fr_error why = {.text = ""};
  enum fr_status status = spec[0] == '\0'
                              ? fr__fail(&why, FR_ERR_NOT_FOUND, "none is named")
                              : cli_frames_spec(spec, NULL, &x->source, &whole, &why);
  if (status == FR_OK)
    status = cli_work_read(x->session, whole, &olds, &why);
  free(whole);
  if (status == FR_OK)
    status = fr_dataset_union(olds, *data, &both, &why);
  fr_data_free(olds);
  if (status == FR_OK) {
    fr_data_free(*data);
    *data = both;
    x->told.replayed = strdup(spec);
    return FR_OK;
  }
  if (told || status == FR_ERR_MEMORY)
    return fr__fail(err, status, "%s", why.text);
  cli_warn(&x->session->result,
           "the data of the old classes cannot be read (%s): none of them is replayed, "
           "and what is forgotten is not known; --replay-from SPEC names it",
           why.text);
  return FR_OK;
}

/* The spec of the model's data and that of the new one, where they can be read at once,
 * which is half the work; the caller's (free). NULL: they cannot. */
static char *joint_spec(const extending *x, const fr__spec *spec) {
  char *olds = NULL, *both = NULL;
  if (fr__spec_choice(spec) == NULL || x->e->replay_from != NULL ||
      x->source.data[0] == '\0' ||
      cli_frames_spec(x->source.data, NULL, &x->source, &olds, NULL) != FR_OK)
    return NULL;
  (void)fr_data_spec_union(olds, spec->whole, &both, NULL);
  free(olds);
  if (both == NULL || strstr(both, FR__SPEC_AND) == NULL)
    return both;
  free(both);
  return NULL;
}

/* Old and new classes of one path; false where that cannot be. */
static bool read_at_once(extending *x, const fr__spec *spec, fr_dataset **data) {
  char *both = joint_spec(x, spec);
  fr_dataset *read = NULL;
  const bool done = both != NULL &&
                    cli_work_read(x->session, both, &read, NULL) == FR_OK &&
                    has_all_olds(x, read);
  free(both);
  if (done) {
    *data = read;
    x->told.replayed = strdup(x->source.data);
  } else {
    fr_data_free(read);
  }
  return done;
}

static enum fr_status read_apart(extending *x, fr_dataset **data, fr_error *err) {
  enum fr_status status = FR_OK;
  if (*data == NULL)
    status = cli_work_read(x->session, x->e->input.data, data, err);
  if (status == FR_OK)
    status = name_classes(x, *data, NULL, err);
  if (status == FR_OK && (x->e->replay_from != NULL || !has_all_olds(x, *data)))
    status = join_olds(x, data, err);
  return status;
}

static enum fr_status read_data(extending *x, fr_error *err) {
  fr_dataset **data = &x->work.data;
  fr__spec spec;
  *data = x->e->data;
  x->e->data = NULL;
  if (*data != NULL)
    return read_apart(x, data, err);
  enum fr_status status = cli_work_frames(&x->work, &x->e->input, &x->source, err);
  if (status == FR_OK)
    status = fr__spec_parse(x->e->input.data, &spec, err);
  if (status != FR_OK)
    return status;
  status = read_at_once(x, &spec, data)
               ? name_classes(x, *data, fr__spec_choice(&spec), err)
               : read_apart(x, data, err);
  fr__spec_release(&spec);
  return status;
}

static enum fr_status open_data(extending *x, fr_error *err) {
  cli_input *input = &x->e->input;
  enum fr_status status = read_data(x, err);
  if (status != FR_OK)
    return status;
  fr_model wanted = x->source; /* borrowed, but for its classes */
  wanted.classes = x->classes;
  input->data = x->work.data->spec;
  status = cli_work_open(&x->work, x->session, input, x->e->training.options.seed,
                         &wanted, err);
  return status == FR_OK ? fr__names_copy(&x->classes, &x->work.prepared.classes, err)
                         : status;
}

/* A part of the old classes may be there: figures of old classes are of that part. */
static enum fr_status warn_of_absent(extending *x, fr_error *err) {
  const fr_samples *train = &x->work.prepared.train;
  const size_t olds = x->source.classes.count;
  bool *there = calloc(x->classes.count + 1, sizeof *there);
  if (there == NULL)
    return fr__fail_memory(err, "the old classes that are there");
  for (size_t i = 0; i < train->count; i++)
    there[train->label[i]] = true;
  size_t absent = 0, first = 0;
  for (size_t k = olds; k-- > 0;)
    if (!there[k]) {
      absent++;
      first = k;
    }
  free(there);
  if (absent > 0 && (absent < olds || x->e->replay_from != NULL))
    cli_warn(&x->session->result,
             "%zu of the %zu old classes, '%.60s' first, have no samples to train on: "
             "none of theirs is replayed, and figures of old classes are without them",
             absent, olds, x->source.classes.name[first]);
  return FR_OK;
}

/* ---- a few shots ---- */

/* Classes that an earlier command has added have no more samples than it had. */
static void limit_added(const extending *x, const json_t *command) {
  const json_t *added = json_object_get(command, "added");
  const json_int_t shots = json_integer_value(json_object_get(command, "shots"));
  for (size_t i = 0; i < json_array_size(added) && shots > 0; i++) {
    const char *name = json_string_value(json_array_get(added, i));
    const uint32_t k =
        name != NULL ? fr__names_find(&x->classes, name, strlen(name)) : FR_NONE;
    if (k != FR_NONE)
      x->limits[k] = (size_t)shots;
  }
}

static enum fr_status set_limits(extending *x, fr_error *err) {
  x->limits = calloc(x->classes.count, sizeof *x->limits);
  if (x->limits == NULL)
    return fr__fail_memory(err, "samples of each class");
  const char *past = x->source.provenance;
  json_t *commands = past != NULL ? json_loads(past, 0, NULL) : NULL;
  for (size_t i = 0; i < json_array_size(commands); i++)
    limit_added(x, json_array_get(commands, i));
  json_decref(commands);
  for (size_t k = x->source.classes.count; k < x->classes.count; k++)
    x->limits[k] = x->e->extend.shots;
  x->e->extend.limits = x->limits;
  return FR_OK;
}

/* ---- training ---- */

static bool is_old(const extending *x, uint32_t label) {
  return label < x->source.classes.count;
}

/* What scratch may see: as many samples of each class as may be extended by. */
static enum fr_status same_samples(const extending *x, const fr_samples *train,
                                   fr_samples *out, fr_error *err) {
  bool *mark = calloc(train->count + 1, sizeof *mark);
  size_t *seen = calloc(x->classes.count + 1, sizeof *seen);
  enum fr_status status = FR_OK;
  if (mark == NULL || seen == NULL)
    status = fr__fail_memory(err, "the samples of training from scratch");
  for (size_t i = 0; i < train->count && status == FR_OK; i++) {
    const uint32_t k = train->label[i];
    mark[i] = x->limits[k] == 0 || seen[k]++ < x->limits[k];
  }
  if (status == FR_OK)
    status = fr__subset_init(out, train, mark, true, err);
  free(mark);
  free(seen);
  return status;
}

/* The same network, stopping rule and seed, all weights new; its epochs are nobody's. */
static enum fr_status train_scratch(extending *x, const cli_trained_on *on,
                                    fr_error *err) {
  const fr_observer observer = {.self = on->observer->self,
                                .phase_begin = on->observer->phase_begin,
                                .phase_end = on->observer->phase_end};
  fr_train_options o = *on->options;
  fr_samples train = {0};
  o.checkpoint = NULL;
  o.rate_scale = NULL;
  o.batch = x->scratch_batch;
  fr_phase_begin(x->session->meter, "scratch");
  enum fr_status status = same_samples(x, on->train, &train, err);
  if (status == FR_OK)
    status =
        fr_transfer_scratch(x->source.net, x->classes.count, o.seed, &x->scratch, err);
  if (status == FR_OK)
    status = fr_train(x->scratch, &train, on->validate, &o, &observer, on->budget,
                      &x->told.scratch, err);
  fr_phase_end(x->session->meter);
  fr__subset_release(&train);
  x->told.scratched = status == FR_OK && x->told.scratch.stop != FR_STOP_BUDGET &&
                      x->told.scratch.stop != FR_STOP_INTERRUPTED;
  return status;
}

static enum fr_status train(void *self, fr_net *net, const cli_trained_on *on,
                            fr_train_result *trained, fr_error *err) {
  extending *x = self;
  fr_extend_result *result = &x->told.result;
  fr_net *grown = NULL;
  enum fr_status status = fr_extend_train(
      x->source.net, &x->source.classes, &x->classes, on->train, on->validate,
      on->options, &x->e->extend, on->observer, on->budget, &grown, result, err);
  if (status == FR_OK)
    status = fr_net_copy(net, grown, fr_net_layer_count(net), err);
  fr_net_free(grown);
  if (status == FR_OK && x->e->compares && result->trained.stop != FR_STOP_INTERRUPTED)
    status = train_scratch(x, on, err);
  if (status != FR_OK)
    return status;
  *trained = result->trained;
  result->trained.history = NULL; /* it is the caller's now */
  return FR_OK;
}

/* ---- what is compared ---- */

static const fr_samples *tested_side(const extending *x) {
  const fr_prepared *p = &x->work.prepared;
  return x->e->training.no_test ? &p->validate : &p->test;
}

/* The old network on its own classes. */
static enum fr_status test_before(extending *x, fr_error *err) {
  const fr_samples *side = tested_side(x);
  const fr_train_options *o = &x->e->training.options;
  const fr_loss_options plain = {.kind = FR_LOSS_CROSS_ENTROPY};
  fr_samples olds = {0};
  bool *mark = calloc(side->count + 1, sizeof *mark);
  enum fr_status status =
      mark == NULL ? fr__fail_memory(err, "the old classes' samples") : FR_OK;
  for (size_t i = 0; i < side->count && status == FR_OK; i++)
    mark[i] = is_old(x, side->label[i]);
  if (status == FR_OK)
    status = fr__subset_init(&olds, side, mark, true, err);
  if (status == FR_OK && olds.count > 0)
    status = fr_test(x->source.net, &olds, &plain, o->batch, NULL, &x->told.before, err);
  fr__subset_release(&olds);
  free(mark);
  return status;
}

static enum fr_status test_others(extending *x, fr_error *err) {
  const fr_samples *side = tested_side(x);
  const fr_loss_options plain = {.kind = FR_LOSS_CROSS_ENTROPY};
  fr_phase_begin(x->session->meter, "compare");
  enum fr_status status = test_before(x, err);
  if (status == FR_OK && x->told.scratched && side->count > 0)
    status = fr_test(x->scratch, side, &plain, x->e->training.options.batch, NULL,
                     &x->told.scratch_metrics, err);
  fr_phase_end(x->session->meter);
  return status;
}

/* ---- all of it ---- */

static enum fr_status load(extending *x, fr_error *err) {
  fr_model *source = &x->source;
  const enum fr_status status = fr_model_load(source, x->e->source, err);
  if (status != FR_OK)
    return status;
  x->told.olds = &source->classes;
  x->session->past = source->provenance;
  const char *task = x->e->input.task != NULL ? x->e->input.task : source->task;
  if (strcmp(task, source->task) != 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s' is of the task '%s', not '%s'",
                    x->e->source, source->task, task);
  if (!fr_task_parse(task, &x->task) || x->task == FR_TASK_LABELS)
    return fr__fail(err, FR_ERR_UNSUPPORTED,
                    "'%s' is of the task '%s': only classes that exclude each other can "
                    "be added",
                    x->e->source, task);
  return FR_OK;
}

/* Trains, tests and tells. */
static enum fr_status adjust(extending *x, fr_error *err) {
  cli_extend *e = x->e;
  fr_net *net = NULL;
  json_t *result = x->session->result.result;
  static const char *const aside[] = {"scratch", "compare", NULL};
  x->session->aside = aside;
  e->training.train = train;
  e->training.self = x;
  json_object_set_new(result, "added", cli_json_names(&x->told.fresh));
  if (e->extend.shots > 0)
    json_object_set_new(result, "shots", json_integer((json_int_t)e->extend.shots));
  enum fr_status status = set_limits(x, err);
  if (status == FR_OK)
    status = fr_extend_grow(x->source.net, &x->source.classes, &x->classes, &net, err);
  if (status == FR_OK)
    status = cli_train(x->session, &e->training, &e->input, &x->work, NULL, net, err);
  if (status == FR_OK)
    status = test_others(x, err);
  if (status == FR_OK)
    status = cli_work_finish(&x->work, x->session, &e->input, &e->training, net, err);
  if (status == FR_OK)
    cli_extend_tell(x->session, e, &x->told);
  fr_net_free(net);
  return status;
}

static void release(extending *x) {
  fr_extend_result_release(&x->told.result);
  fr_train_result_release(&x->told.scratch);
  fr_metrics_release(&x->told.before);
  fr_metrics_release(&x->told.scratch_metrics);
  fr_names_release(&x->told.fresh);
  fr_names_release(&x->classes);
  free(x->told.replayed);
  free(x->limits);
  fr_net_free(x->scratch);
  cli_work_release(&x->work);
  fr_model_release(&x->source);
}

static void set_batch(extending *x) {
  size_t *batch = &x->e->training.options.batch;
  x->scratch_batch = *batch != 0 ? *batch : fr_train_default_options().batch;
  if (*batch == 0)
    *batch = BATCH;
}

enum fr_status cli_extend_run(cli_session *session, cli_extend *e, fr_error *err) {
  extending x = {.session = session, .e = e};
  set_batch(&x);
  enum fr_status status = load(&x, err);
  if (status == FR_OK)
    status = open_data(&x, err);
  if (status == FR_OK)
    status = warn_of_absent(&x, err);
  if (status == FR_OK)
    status = adjust(&x, err);
  release(&x);
  return status;
}
