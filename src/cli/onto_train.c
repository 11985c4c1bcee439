/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/onto_train.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/reader.h"

/* ---- do the model's numbers and the data's mean the same? ---- */

static bool same_task(const char *a, const char *b) {
  const bool acts[] = {strcmp(a, "activity") == 0 || strcmp(a, "gesture") == 0,
                       strcmp(b, "activity") == 0 || strcmp(b, "gesture") == 0};
  return strcmp(a, b) == 0 || (acts[0] && acts[1]);
}

static void compare_channels(cli_onto *o, const fr_names *have) {
  const fr_names *want = &o->model.channels;
  if (want->count != 0 && have->count != want->count) {
    fr__buf_printf(&o->unlike, "%zu channels, the data has %zu", want->count,
                   have->count);
    return;
  }
  for (size_t i = 0; i < want->count; i++)
    if (strcmp(have->name[i], want->name[i]) != 0) {
      fr__buf_printf(&o->unlike, "channel %zu is '%.40s', the data's is '%.40s'", i + 1,
                     want->name[i], have->name[i]);
      return;
    }
}

/* What the user asked for that the model's layers do not take. */
static void compare_told(cli_onto *o, const cli_input *input) {
  const fr_model *m = &o->model;
  const char *how = fr_normalize_name(m->normalizer.how);
  if (input->window != 0 && input->window != m->window)
    fr__buf_printf(&o->unlike, "windows of %zu steps, not %zu", m->window, input->window);
  else if (input->rate_hz > 0 && input->rate_hz != m->rate_hz)
    fr__buf_printf(&o->unlike, "%g Hz, not %g", m->rate_hz, input->rate_hz);
  else if (input->normalize != NULL && strcmp(input->normalize, how) != 0)
    fr__buf_printf(&o->unlike, "normalised by %s, not by %s", how, input->normalize);
}

static void compare(cli_onto *o, const fr_dataset *data, const cli_input *input) {
  const char *frames = data->frames != NULL ? data->frames : "";
  if (strcmp(o->model.frames, frames) != 0)
    fr__buf_add(&o->unlike, frames[0] == '\0'
                                ? "features of key points, which the data has not"
                            : o->model.frames[0] == '\0'
                                ? "none of them features of key points, as the data's are"
                                : "other features of key points than the data's");
  else if ((o->model.rate_hz > 0) != (data->rate_hz > 0))
    fr__buf_printf(&o->unlike, "one of the two is series, the other feature vectors");
  else
    compare_channels(o, &data->channels);
  if (o->unlike.length == 0)
    compare_told(o, input);
  if (o->unlike.length > 0)
    o->facts.unlike = fr__buf_text(&o->unlike);
}

/* Options that were left out are the model's, so that either way sees the same samples.
 */
static void fill(const cli_onto *o, cli_input *input) {
  cli_work_fill(input, &o->model);
  input->normalize = fr_normalize_name(o->model.normalizer.how);
}

/* ---- counts ---- */

static bool knows(const fr_names *classes, const char *name) {
  return fr__names_find(classes, name, strlen(name)) != FR_NONE;
}

static enum fr_status count_samples(cli_onto *o, const fr_prepared *p, fr_error *err) {
  cli_onto_facts *f = &o->facts;
  size_t *of = calloc(p->classes.count + 1, sizeof *of);
  if (of == NULL)
    return fr__fail_memory(err, "counts");
  for (size_t i = 0; p->train.label != NULL && i < p->train.count; i++)
    of[p->train.label[i]]++;
  f->fewest = SIZE_MAX;
  for (size_t k = 0; k < p->classes.count; k++) {
    const bool old = knows(&o->model.classes, p->classes.name[k]);
    *(old ? &f->old_here : &f->new_classes) += 1;
    *(old ? &f->old_samples : &f->new_samples) += of[k];
    if (!old && of[k] < f->fewest)
      f->fewest = of[k];
  }
  f->fewest = f->new_classes > 0 ? f->fewest : 0;
  f->validate_samples = p->validate.count;
  free(of);
  return FR_OK;
}

/* Whether the model's own data can still be read, and has old classes. */
static bool finds_olds(const cli_onto *o, cli_session *session, const char *spec) {
  fr_dataset *data = NULL;
  const char *own = o->model.data;
  size_t found = 0;
  if (own[0] == '\0' || strcmp(own, spec) == 0 ||
      cli_work_read(session, own, &data, NULL) != FR_OK)
    return false;
  const bool people = strcmp(o->model.task, "subject") == 0;
  const fr_names *there = people ? &data->subjects : &data->activities;
  for (size_t k = 0; k < there->count; k++)
    found += knows(&o->model.classes, there->name[k]);
  fr_data_free(data);
  return found > 0;
}

/* ---- costs ---- */

/* Epochs of the training from scratch that the model came out of, which is the first:
 * what extended it later may be called train, too. 0: not told. */
static size_t epochs_of(const fr_model *model) {
  json_t *past =
      model->provenance != NULL ? json_loads(model->provenance, 0, NULL) : NULL;
  size_t epochs = 0;
  for (size_t i = 0; i < json_array_size(past) && epochs == 0; i++) {
    const json_t *one = json_array_get(past, i);
    const char *command = json_string_value(json_object_get(one, "command"));
    const json_int_t n = json_integer_value(json_object_get(one, "epochs"));
    if (command != NULL && strcmp(command, "train") == 0 && n > 0 && n < 1000000)
      epochs = (size_t)n;
  }
  json_decref(past);
  return epochs;
}

static void count_operations(cli_onto *o, const fr_train_options *options,
                             size_t classes) {
  cli_onto_facts *f = &o->facts;
  const fr_extend_options extend = fr_extend_default_options();
  const size_t own = epochs_of(&o->model);
  f->epochs_known = own > 0 && own <= options->epochs;
  f->epochs = f->epochs_known ? own : options->epochs;
  f->forward = fr_net_operations(o->model.net);
  f->scratch_forward = fr_net_operations(o->scratch);
  f->head_epochs = options->epochs;
  f->refine_epochs = extend.refine > 0 ? extend.refine_epochs : 0;
  f->replay = extend.replay;
  const size_t head = fr_extend_head(o->model.net, &o->headless);
  if (head == SIZE_MAX)
    f->headless = o->headless.text;
  else if (o->model.classes.count > 0)
    f->head_parameters =
        fr_net_layer_parameters(o->model.net, head) / o->model.classes.count * classes;
  if (strcmp(o->model.task, "labels") == 0)
    f->headless = "its outputs are labels, which exclude nothing";
}

/* The network of training from scratch. */
static enum fr_status build(cli_onto *o, const char *net, const fr_prepared *p,
                            uint64_t seed, fr_error *err) {
  const fr_shape shape = {p->train.steps, p->train.channels};
  const fr_shape own = fr_net_input(o->model.net);
  const bool fits = own.steps == shape.steps && own.channels == shape.channels;
  if (net == NULL && fits &&
      fr_transfer_scratch(o->model.net, p->classes.count, seed, &o->scratch, NULL) ==
          FR_OK)
    return FR_OK;
  const enum fr_status status =
      fr_net_new(net != NULL ? net : "small", shape, p->classes.count, &o->scratch, err);
  if (status == FR_OK)
    fr_net_init(o->scratch, seed, 0);
  return status;
}

/* ---- all of it ---- */

/* Reads and prepares; what the user left out is the model's where the two fit. */
static enum fr_status open_data(cli_onto *o, cli_session *session, cli_input *input,
                                uint64_t seed, cli_work *work, fr_error *err) {
  const char *task = input->task;
  enum fr_status status = cli_work_frames(work, input, &o->model, err);
  if (status == FR_OK)
    status = cli_work_read(session, input->data, &work->data, err);
  if (status != FR_OK)
    return status;
  compare(o, work->data, input);
  if (o->facts.unlike == NULL)
    fill(o, input);
  o->facts.other_task = task != NULL && !same_task(task, o->model.task);
  if (o->facts.unlike == NULL && !o->facts.other_task)
    input->task = o->model.task;
  return cli_work_open(work, session, input, seed, NULL, err);
}

enum fr_status cli_onto_open(cli_onto *o, cli_session *session, cli_input *input,
                             const cli_training *training, const char *net,
                             cli_work *work, fr_error *err) {
  cli_onto_facts *f = &o->facts;
  const uint64_t seed = training->options.seed;
  fr__buf_init(&o->unlike, 0);
  enum fr_status status = fr_model_load(&o->model, o->path, err);
  if (status != FR_OK)
    return status;
  f->model = o->path;
  f->old_classes = o->model.classes.count;
  status = open_data(o, session, input, seed, work, err);
  if (status == FR_OK)
    status = count_samples(o, &work->prepared, err);
  if (status == FR_OK)
    status = build(o, net, &work->prepared, seed, err);
  if (status != FR_OK)
    return status;
  count_operations(o, &training->options, f->old_classes + f->new_classes);
  if (f->unlike == NULL && f->old_here < f->old_classes)
    f->old_elsewhere = finds_olds(o, session, input->data);
  cli_onto_decide(f, &o->decision);
  return FR_OK;
}

void cli_onto_release(cli_onto *o) {
  fr_model_release(&o->model);
  fr__buf_release(&o->unlike);
  fr_net_free(o->scratch);
  *o = (cli_onto){0};
}

/* ---- telling ---- */

#define COLUMNS 100
#define INDENT 15

/* `text` behind what stands on the line, broken between words. */
static void add_wrapped(fr__buf *to, const char *text) {
  size_t column = INDENT;
  while (*text != '\0') {
    const size_t word = strcspn(text, " ");
    if (column > INDENT && column + 1 + word > COLUMNS) {
      fr__buf_printf(to, "\n%*s", INDENT, "");
      column = INDENT;
    } else if (column > INDENT) {
      fr__buf_add(to, " ");
      column++;
    }
    fr__buf_add_bytes(to, text, word);
    column += word;
    text += word + strspn(text + word, " ");
  }
  fr__buf_add(to, "\n");
}

static json_t *known(double operations) {
  return operations > 0 ? json_integer((json_int_t)operations) : json_null();
}

void cli_onto_tell(cli_session *session, const cli_onto *o) {
  const cli_onto_facts *f = &o->facts;
  const cli_onto_decision *d = &o->decision;
  const char *way = d->extend ? "extend" : "scratch";
  json_t *to = json_pack(
      "{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "way", way, "rule",
      cli_onto_rule_name(d->rule), "old_classes", (json_int_t)f->old_classes, "old_here",
      (json_int_t)f->old_here, "new_classes", (json_int_t)f->new_classes, "old_samples",
      (json_int_t)f->old_samples, "new_samples", (json_int_t)f->new_samples, "fewest_new",
      (json_int_t)f->fewest, "old_elsewhere", f->old_elsewhere);
  json_object_set_new(to, "reason", json_string(d->reason));
  json_object_set_new(to, "model", json_string(o->path));
  json_object_set_new(to, "scratch_operations", known(d->scratch_operations));
  json_object_set_new(to, "extend_operations", known(d->extend_operations));
  json_object_set_new(to, "epochs", json_integer((json_int_t)f->epochs));
  json_object_set_new(session->result.result, "decision", to);
  fr__buf text;
  fr__buf_init(&text, 0);
  fr__buf_printf(&text, "%s: %s", way, d->reason);
  fr__buf_printf(&session->text, "%-*s", INDENT, "decision");
  add_wrapped(&session->text, fr__buf_text(&text));
  fr__buf_release(&text);
}
