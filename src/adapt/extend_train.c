/* SPDX-License-Identifier: Apache-2.0 */
/* Extending from the first step to the last: looks, chooses, imprints, trains the head,
 * refines what is below. docs/adapt.md has the rules. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/extend.h"
#include "adapt/subset.h"
#include "base/buf.h"
#include "base/error.h"
#include "train/thaw.h"
#include "train/watch.h"

enum { ALONE = 3 }; /* epochs of a head that sees no old class: each forgets more */

fr_extend_options fr_extend_default_options(void) {
  return (fr_extend_options){.replay = 10,
                             .distill = 0.3f,
                             .temperature = 2,
                             .refine = 1,
                             .refine_epochs = 6,
                             .refine_from = FR_EXTEND_AUTO,
                             .worth = 0.02f};
}

void fr_extend_result_release(fr_extend_result *result) {
  fr_train_result_release(&result->trained);
  *result = (fr_extend_result){0};
}

typedef struct extending {
  const fr_net *old;
  const fr_names *old_classes, *classes;
  const fr_samples *train, *validate;
  const fr_train_options *options;
  const fr_extend_options *extend;
  const fr_observer *observer;
  const fr_budget *budget;

  size_t head;
  uint32_t *from;            /* (classes) */
  float *even;               /* (classes) weights of 1: classes are drawn alike already */
  bool *mark;                /* (samples of a side) */
  float *rates;              /* (layers) */
  fr_net *net, *teacher;     /* of all layers; the teacher knows no new class */
  fr_net *top, *top_teacher; /* of the head alone and what follows it */
  fr__extend_side learned;   /* samples that are trained on */
  fr__extend_side shown;     /* that are validated by; none: nothing is */
  fr_extend_result result;
} extending;

/* ---- set up ---- */

static bool is_new(const extending *x, size_t k) { return x->from[k] == FR_NONE; }

static size_t layers_of(const extending *x) { return fr_net_layer_count(x->net); }

/* The layers from the head on, with its weights. */
static enum fr_status top_of(const fr_net *net, size_t head, fr_net **out,
                             fr_error *err) {
  const fr_shape shape = head > 0 ? fr_net_layer_shape(net, head - 1) : fr_net_input(net);
  fr__buf text;
  fr__buf_init(&text, 0);
  for (size_t layer = head; layer < fr_net_layer_count(net); layer++)
    fr__buf_printf(&text, "%s ", fr_net_layer_text(net, layer));
  const enum fr_status status =
      text.status != FR_OK
          ? fr__fail_memory(err, "the head")
          : fr_net_new(fr__buf_text(&text), shape, fr_net_classes(net), out, err);
  fr__buf_release(&text);
  if (status != FR_OK)
    return status;
  const fr__extend_rows have = fr__extend_rows_of(net, head);
  const fr__extend_rows rows = fr__extend_rows_of(*out, 0);
  fr__extend_rows_copy(&have, &rows);
  return FR_OK;
}

/* The old network with an answer of -infinity for each class that it does not know. */
static enum fr_status make_teacher(extending *x, fr_error *err) {
  if (x->extend->distill == 0)
    return FR_OK;
  enum fr_status status =
      fr_extend_grow(x->old, x->old_classes, x->classes, &x->teacher, err);
  if (status != FR_OK)
    return status;
  const fr__extend_rows rows = fr__extend_rows_of(x->teacher, x->head);
  for (size_t k = 0; k < rows.classes; k++)
    if (is_new(x, k))
      rows.bias[k] = -INFINITY;
  return top_of(x->teacher, x->head, &x->top_teacher, err);
}

static enum fr_status check(const extending *x, fr_error *err) {
  const fr_extend_options *o = x->extend;
  if (x->train->label == NULL)
    return fr__fail(err, FR_ERR_ARGUMENT, "only classes can be added, not labels");
  for (size_t i = 0; i < x->train->count; i++)
    if (x->train->label[i] >= x->classes->count)
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "the label %u of training sample %zu is none of the %zu classes",
                      (unsigned)x->train->label[i], i, x->classes->count);
  if (!(o->refine >= 0 && isfinite(o->refine)) || !(o->worth >= 0))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "a refining rate of %g and a worth of %g nat are not both 0 or more",
                    (double)o->refine, (double)o->worth);
  if (o->refine_from != FR_EXTEND_AUTO && o->refine_from > x->head)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "layers from %zu on cannot be refined: the head is layer %zu",
                    o->refine_from + 1, x->head + 1);
  if (o->distill > 0 && x->head + 1 < fr_net_layer_count(x->old))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "behind the head there is '%s': the old network's answers are no "
                    "logits, which distillation takes",
                    fr_net_layer_text(x->old, x->head + 1));
  return FR_OK;
}

static enum fr_status check_fresh(const extending *x, fr_error *err) {
  for (size_t k = 0; k < x->classes->count; k++) {
    size_t n = 0;
    for (size_t i = 0; i < x->train->count && is_new(x, k); i++)
      n += x->train->label[i] == k;
    if (is_new(x, k) && n == 0)
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "the new class '%s' has no sample on the training side",
                      x->classes->name[k]);
  }
  return FR_OK;
}

static enum fr_status set_up(extending *x, fr_error *err) {
  const size_t classes = x->classes->count;
  const size_t shown = x->validate != NULL ? x->validate->count : 0;
  const size_t most = x->train->count > shown ? x->train->count : shown;
  x->head = fr_extend_head(x->old, err);
  if (x->head == SIZE_MAX)
    return FR_ERR_ARGUMENT;
  x->from = calloc(classes + 1, sizeof *x->from);
  x->even = calloc(classes + 1, sizeof *x->even);
  x->mark = calloc(most + 1, sizeof *x->mark);
  x->rates = calloc(fr_net_layer_count(x->old), sizeof *x->rates);
  enum fr_status status =
      x->from == NULL || x->even == NULL || x->mark == NULL || x->rates == NULL
          ? fr__fail_memory(err, "what extending needs")
          : check(x, err);
  if (status == FR_OK)
    status = fr_extend_grow(x->old, x->old_classes, x->classes, &x->net, err);
  if (status == FR_OK)
    status = fr__extend_map(x->old_classes, x->classes, x->from, err);
  if (status == FR_OK)
    status = check_fresh(x, err);
  for (size_t k = 0; k < classes && status == FR_OK; k++)
    x->even[k] = 1;
  return status == FR_OK ? make_teacher(x, err) : status;
}

static void release(extending *x) {
  fr__extend_side_release(&x->learned);
  fr__extend_side_release(&x->shown);
  fr_net_free(x->net);
  fr_net_free(x->teacher);
  fr_net_free(x->top);
  fr_net_free(x->top_teacher);
  free(x->from);
  free(x->even);
  free(x->mark);
  free(x->rates);
}

/* ---- what is looked at ---- */

/* Which validation samples may tell anything: with a few shots none of the new classes
 * is spared for it, and with no replay none of the old ones is there. */
static size_t mark_shown(extending *x) {
  const fr_samples *v = x->validate;
  size_t shown = 0, fresh = 0;
  for (size_t i = 0; v != NULL && i < v->count; i++) {
    const bool new = is_new(x, v->label[i]);
    x->mark[i] = x->extend->shots == 0 && (new || x->extend->replay > 0);
    shown += x->mark[i];
    fresh += x->mark[i] && new;
  }
  return fresh > 0 ? shown : 0; /* old ones alone would tell that all is well */
}

static enum fr_status look(extending *x, fr_error *err) {
  const size_t classes = x->classes->count, batch = x->options->batch;
  static const fr_samples nothing = {0};
  uint64_t *operations = &x->result.trained.operations;
  enum fr_status status =
      fr__extend_candidates(x->train, x->from, classes, x->extend, x->mark, err);
  if (status == FR_OK)
    status = fr__extend_see(x->net, x->head, x->train, x->mark, batch, x->observer,
                            &x->learned, operations, err);
  if (status == FR_OK)
    status = fr__extend_thin(&x->learned, x->from, classes, x->extend->replay,
                             x->observer, operations, err);
  const fr_samples *shown = mark_shown(x) > 0 ? x->validate : &nothing;
  if (status == FR_OK && shown->count > 0)
    status = fr__extend_see(x->net, x->head, shown, x->mark, batch, x->observer,
                            &x->shown, operations, err);
  for (size_t i = 0; status == FR_OK && i < x->learned.raw.count; i++)
    *(is_new(x, x->learned.raw.label[i]) ? &x->result.fresh : &x->result.replayed) += 1;
  return status;
}

/* The old network's loss and accuracy on the validation side's old classes. */
static enum fr_status look_back(extending *x, fr_error *err) {
  const fr_samples *seen = &x->shown.seen;
  const fr_loss_options plain = {.kind = FR_LOSS_CROSS_ENTROPY};
  fr_samples olds = {0};
  fr_metrics metrics;
  fr_net *top = NULL;
  for (size_t i = 0; i < seen->count; i++)
    x->mark[i] = !is_new(x, seen->label[i]);
  enum fr_status status = fr__subset_init(&olds, seen, x->mark, true, err);
  for (size_t i = 0; i < olds.count; i++)
    olds.label[i] = x->from[olds.label[i]];
  if (status == FR_OK && olds.count > 0)
    status = top_of(x->old, x->head, &top, err);
  if (top != NULL)
    status = fr_test(top, &olds, &plain, x->options->batch, NULL, &metrics, err);
  if (top != NULL && status == FR_OK) {
    x->result.before_loss = metrics.loss;
    x->result.before_accuracy = metrics.accuracy;
    fr_metrics_release(&metrics);
  }
  fr_net_free(top);
  fr__subset_release(&olds);
  return status;
}

/* ---- stages ---- */

/* What the outside is told: epochs and steps count on from stage to stage. */
typedef struct relay {
  const fr_observer *to;
  size_t epochs, steps;
} relay;

static void relay_begin(void *self, const char *name) {
  fr__phase_begin(((const relay *)self)->to, name);
}

static void relay_end(void *self) { fr__phase_end(((const relay *)self)->to); }

static void relay_step(void *self, size_t step, double loss) {
  const relay *r = self;
  fr__step_done(r->to, r->steps + step, loss);
}

static void relay_epoch(void *self, const fr_epoch *epoch) {
  const relay *r = self;
  fr_epoch told = *epoch;
  told.epoch += r->epochs;
  told.epochs += r->epochs;
  told.step += r->steps;
  fr__epoch_done(r->to, &told);
}

static void relay_progress(void *self, const char *what, double done) {
  fr__progress(((const relay *)self)->to, what, done);
}

static void relay_inspect(void *self, const fr_net *net, size_t step) {
  const relay *r = self;
  fr__inspect(r->to, net, r->steps + step);
}

static void relay_warning(void *self, const char *text) {
  fr__warn(((const relay *)self)->to, text);
}

/* Puts what a stage did behind what was done before. */
static enum fr_status append(extending *x, fr_train_result *made, fr_error *err) {
  fr_train_result *all = &x->result.trained;
  const size_t epochs = all->epochs + made->epochs;
  fr_epoch *history = realloc(all->history, (epochs + 1) * sizeof *history);
  if (history == NULL) {
    fr_train_result_release(made);
    return fr__fail_memory(err, "the history of training");
  }
  for (size_t i = 0; i < made->epochs; i++) {
    history[all->epochs + i] = made->history[i];
    history[all->epochs + i].epoch += all->epochs;
    history[all->epochs + i].step += all->steps;
  }
  const size_t before = all->epochs, steps = all->steps;
  const uint64_t operations = all->operations;
  free(made->history);
  *all = *made;
  all->history = history;
  all->epochs = epochs;
  all->steps += steps;
  all->best_epoch += before;
  all->operations += operations;
  return FR_OK;
}

/* What is the same in both. */
static fr_train_options options_of(const extending *x) {
  const fr_extend_options *e = x->extend;
  fr_train_options o = *x->options;
  o.balanced = true;
  o.unfreeze = 0;
  o.loss.distill = e->distill;
  o.loss.temperature = e->temperature;
  if (o.loss.class_weight == NULL) /* else validation weighs classes by the replay */
    o.loss.class_weight = x->even;
  if (x->shown.raw.count == 0)
    o.patience = 0;
  return o;
}

static enum fr_status run_stage(extending *x, int kind, const char *name, fr_net *net,
                                const fr_train_options *o, fr_error *err) {
  relay r = {x->observer, x->result.trained.epochs, x->result.trained.steps};
  const fr_observer told = {.self = &r,
                            .phase_begin = relay_begin,
                            .phase_end = relay_end,
                            .step_done = relay_step,
                            .epoch_done = relay_epoch,
                            .progress = relay_progress,
                            .inspect = relay_inspect,
                            .warning = relay_warning};
  const bool head = kind == FR_EXTEND_HEAD;
  const fr_samples *train = head ? &x->learned.seen : &x->learned.raw;
  const fr_samples *shown = head ? &x->shown.seen : &x->shown.raw;
  fr_train_result made;
  fr__phase_begin(x->observer, name);
  const enum fr_status status = fr_train(net, train, shown->count > 0 ? shown : NULL, o,
                                         &told, x->budget, &made, err);
  fr__phase_end(x->observer);
  if (status != FR_OK)
    return status;
  x->result.stage[kind] =
      (fr_extend_stage){.first_trained = head ? x->head : made.first_trained,
                        .epochs = made.epochs,
                        .loss = shown->count > 0 ? made.best_validate_loss : (double)NAN,
                        .accuracy = made.best_validate_accuracy,
                        .operations = made.operations,
                        .kept = true};
  return append(x, &made, err);
}

static void copy_top(const extending *x) {
  const fr__extend_rows have = fr__extend_rows_of(x->top, 0);
  const fr__extend_rows rows = fr__extend_rows_of(x->net, x->head);
  fr__extend_rows_copy(&have, &rows);
}

static enum fr_status train_head(extending *x, fr_error *err) {
  fr_train_options o = options_of(x);
  const fr__extend_rows rows = fr__extend_rows_of(x->net, x->head);
  enum fr_status status = fr__extend_imprint(&rows, x->from, &x->learned.seen, err);
  if (status == FR_OK)
    status = top_of(x->net, x->head, &x->top, err);
  if (status != FR_OK)
    return status;
  o.first_trained = 0;
  if (x->result.replayed == 0 && o.epochs > ALONE)
    o.epochs = ALONE;
  o.rate_scale = o.rate_scale != NULL ? o.rate_scale + x->head : NULL;
  o.augment = NULL;
  o.checkpoint = NULL;
  o.hold = NULL;
  o.precision = FR_TRAIN_F32;
  o.teacher = x->top_teacher;
  status = run_stage(x, FR_EXTEND_HEAD, "head", x->top, &o, err);
  if (status == FR_OK)
    copy_top(x);
  return status;
}

/* ---- whether it is worth more ---- */

static bool is_over(const extending *x) {
  const enum fr_stop stop = x->result.trained.stop;
  return stop == FR_STOP_BUDGET || stop == FR_STOP_INTERRUPTED || stop == FR_STOP_TARGET;
}

/* Not where nothing would show what it costs the old classes. */
static bool is_begun(const extending *x) {
  const fr_extend_options *e = x->extend;
  const fr_extend_stage *head = &x->result.stage[FR_EXTEND_HEAD];
  if (is_over(x) || e->refine == 0 || e->refine_epochs == 0 || x->result.replayed == 0)
    return false;
  return e->worth == 0 || isnan(head->loss) || isnan(x->result.before_loss) ||
         head->loss > x->result.before_loss + (double)e->worth;
}

/* The head's stage again. */
static enum fr_status go_back(extending *x, fr_error *err) {
  const fr_extend_stage *head = &x->result.stage[FR_EXTEND_HEAD];
  const enum fr_status status = fr_net_copy(x->net, x->old, x->head, err);
  copy_top(x);
  x->result.stage[FR_EXTEND_REFINE].kept = false;
  x->result.trained.best_validate_loss = head->loss;
  x->result.trained.best_validate_accuracy = head->accuracy;
  return status;
}

/* The second layer with a matrix: what the first sees is general, and it costs the most,
 * for sequences shorten on their way up. */
static size_t first_refined(const extending *x) {
  size_t found = 0;
  if (x->extend->refine_from != FR_EXTEND_AUTO)
    return x->extend->refine_from;
  if (x->options->augment != NULL) /* frozen layers would not see it */
    return 0;
  for (size_t layer = 0; layer < x->head; layer++)
    if (fr__thaw_has_matrix(x->net, layer) && ++found == 2)
      return layer;
  return 0;
}

static enum fr_status refine(extending *x, fr_error *err) {
  const fr_extend_options *e = x->extend;
  const fr_extend_stage *stage = x->result.stage;
  const size_t best = x->result.trained.best_epoch;
  fr_train_options o = options_of(x);
  o.first_trained = first_refined(x);
  o.epochs = e->refine_epochs;
  o.teacher = x->teacher;
  for (size_t layer = 0; layer < layers_of(x); layer++)
    x->rates[layer] = layer < x->head ? e->refine : 1.0f;
  if (o.rate_scale == NULL)
    o.rate_scale = x->rates;
  enum fr_status status = run_stage(x, FR_EXTEND_REFINE, "refine", x->net, &o, err);
  if (status != FR_OK || isnan(stage[FR_EXTEND_REFINE].loss) ||
      stage[FR_EXTEND_REFINE].loss < stage[FR_EXTEND_HEAD].loss - (double)e->worth)
    return status;
  x->result.trained.best_epoch = best;
  return go_back(x, err);
}

static enum fr_status run(extending *x, fr_error *err) {
  enum fr_status status = set_up(x, err);
  if (status == FR_OK)
    status = look(x, err);
  if (status == FR_OK)
    status = look_back(x, err);
  if (status == FR_OK)
    status = train_head(x, err);
  if (status == FR_OK && is_begun(x))
    status = refine(x, err);
  if (status == FR_OK && x->extend->align) {
    const fr__extend_rows rows = fr__extend_rows_of(x->net, x->head);
    fr__extend_align(&rows, x->from);
  }
  return status;
}

enum fr_status fr_extend_train(const fr_net *old, const fr_names *old_classes,
                               const fr_names *classes, const fr_samples *train,
                               const fr_samples *validate,
                               const fr_train_options *options,
                               const fr_extend_options *extend,
                               const fr_observer *observer, const fr_budget *budget,
                               fr_net **out, fr_extend_result *result, fr_error *err) {
  extending x = {.old = old,
                 .old_classes = old_classes,
                 .classes = classes,
                 .train = train,
                 .validate = validate,
                 .options = options,
                 .extend = extend,
                 .observer = observer,
                 .budget = budget,
                 .result = {.old_classes = old_classes->count,
                            .new_classes = classes->count - old_classes->count,
                            .before_loss = (double)NAN,
                            .before_accuracy = (double)NAN}};
  const enum fr_status status = run(&x, err);
  if (status == FR_OK) {
    *out = x.net;
    x.net = NULL;
    *result = x.result;
  } else {
    fr_extend_result_release(&x.result);
  }
  release(&x);
  return status;
}
