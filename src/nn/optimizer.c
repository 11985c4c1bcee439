/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Optimizers: a row of a table each, on the kernels of kern/update.c. The moments of all
 * tensors lie in one arena.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "nn/gradient.h"
#include "nn/net.h"

enum { MOMENTS = 2 };

/* One tensor that is trained. */
typedef struct slot {
  const fr_tensor *tensor;
  float rate_scale;
  uint64_t start;         /* steps before its first */
  float *moment[MOMENTS]; /* (count) each; NULL where the kind keeps fewer */
} slot;

struct fr_optimizer {
  fr_optimizer_options options;
  uint64_t step;        /* done so far */
  const fr__kern *kern; /* the network's, and its threads */
  fr__arena state;
  slot *slot; /* (count) */
  size_t count;
};

/* ---- one row a kind ---- */

typedef struct kind_ops {
  const char *name;
  bool decoupled; /* weight decay; else it is added to the gradient */
  size_t (*moments)(const fr_optimizer_options *options);
  void (*step)(const fr_optimizer *optimizer, const slot *slot);
} kind_ops;

static size_t sgd_moments(const fr_optimizer_options *o) { return o->momentum > 0; }

static void sgd_step(const fr_optimizer *optimizer, const slot *s) {
  const fr_optimizer_options *o = &optimizer->options;
  const fr__sgd_step step = {.rate = o->learning_rate * s->rate_scale,
                             .momentum = o->momentum,
                             .nesterov = o->nesterov};
  fr__sgd(optimizer->kern, &step, s->tensor->gradient, s->tensor->value, s->moment[0],
          s->tensor->count);
}

static size_t adam_moments(const fr_optimizer_options *o) {
  (void)o;
  return 2;
}

/* Adam's, and AdamW's with the decay that is not in the gradient. */
static void step_by_moments(const fr_optimizer *optimizer, const slot *s, float decay) {
  const fr_optimizer_options *o = &optimizer->options;
  const double t = (double)(optimizer->step - s->start),
               rate = (double)(o->learning_rate * s->rate_scale);
  const double correction1 = 1.0 - pow((double)o->beta1, t);
  const double correction2 = sqrt(1.0 - pow((double)o->beta2, t));
  const fr__adam_step step = {.rate = (float)(rate * correction2 / correction1),
                              .beta1 = o->beta1,
                              .beta2 = o->beta2,
                              .epsilon = (float)((double)o->epsilon * correction2),
                              .decay = (float)(rate * (double)decay)};
  fr__adam(optimizer->kern, &step, s->tensor->gradient, s->tensor->value, s->moment[0],
           s->moment[1], s->tensor->count);
}

static void adam_step(const fr_optimizer *optimizer, const slot *s) {
  step_by_moments(optimizer, s, 0);
}

static void adamw_step(const fr_optimizer *optimizer, const slot *s) {
  step_by_moments(optimizer, s, optimizer->options.weight_decay);
}

static size_t rmsprop_moments(const fr_optimizer_options *o) {
  return o->momentum > 0 ? 2 : 1;
}

static void rmsprop_step(const fr_optimizer *optimizer, const slot *s) {
  const fr_optimizer_options *o = &optimizer->options;
  const fr__rmsprop_step step = {.rate = o->learning_rate * s->rate_scale,
                                 .alpha = o->alpha,
                                 .epsilon = o->epsilon,
                                 .momentum = o->momentum};
  fr__rmsprop(optimizer->kern, &step, s->tensor->gradient, s->tensor->value, s->moment[0],
              s->moment[1], s->tensor->count);
}

static const kind_ops kinds[] = {
    [FR_OPTIMIZER_SGD] = {"sgd", false, sgd_moments, sgd_step},
    [FR_OPTIMIZER_ADAM] = {"adam", false, adam_moments, adam_step},
    [FR_OPTIMIZER_ADAMW] = {"adamw", true, adam_moments, adamw_step},
    [FR_OPTIMIZER_RMSPROP] = {"rmsprop", false, rmsprop_moments, rmsprop_step},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

bool fr_optimizer_parse(const char *name, enum fr_optimizer_kind *out) {
  for (size_t i = 0; i < KINDS; i++)
    if (strcmp(kinds[i].name, name) == 0) {
      *out = (enum fr_optimizer_kind)i;
      return true;
    }
  return false;
}

const char *fr_optimizer_name(enum fr_optimizer_kind kind) { return kinds[kind].name; }

/* ---- options ---- */

fr_optimizer_options fr_optimizer_usual_options(enum fr_optimizer_kind kind) {
  return (fr_optimizer_options){.kind = kind,
                                .learning_rate = 0.002f,
                                .momentum = kind == FR_OPTIMIZER_RMSPROP ? 0.0f : 0.9f,
                                .alpha = 0.99f,
                                .beta1 = 0.9f,
                                .beta2 = 0.999f,
                                .epsilon = 1e-8f};
}

fr_optimizer_options fr_optimizer_default_options(void) {
  return fr_optimizer_usual_options(FR_OPTIMIZER_ADAMW);
}

#define SGD (1u << FR_OPTIMIZER_SGD)
#define ADAMS (1u << FR_OPTIMIZER_ADAM | 1u << FR_OPTIMIZER_ADAMW)
#define RMSPROP (1u << FR_OPTIMIZER_RMSPROP)
#define ALL (SGD | ADAMS | RMSPROP)

/* An epsilon of 0 would make 0/0 of a weight whose gradient is 0. */
static enum fr_status check_ranges(const fr_optimizer_options *o, fr_error *err) {
  const struct {
    const char *name;
    float value, low, high;
    unsigned kinds; /* that look at it */
  } rows[] = {
      {"learning rate", o->learning_rate, 0, 1e6f, ALL},
      {"momentum", o->momentum, 0, 0.9999f, SGD | RMSPROP},
      {"alpha", o->alpha, 0, 0.999999f, RMSPROP},
      {"beta1", o->beta1, 0, 0.999999f, ADAMS},
      {"beta2", o->beta2, 0, 0.999999f, ADAMS},
      {"epsilon", o->epsilon, 1e-16f, 1, ADAMS | RMSPROP},
      {"weight decay", o->weight_decay, 0, 1e6f, ALL},
      {"clipping by norm", o->clip_norm, 0, 1e30f, ALL},
      {"clipping by value", o->clip_value, 0, 1e30f, ALL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if ((rows[i].kinds & 1u << o->kind) != 0 &&
        !(rows[i].value >= rows[i].low && rows[i].value <= rows[i].high))
      return fr__fail(err, FR_ERR_ARGUMENT, "%s %g is not between %g and %g",
                      rows[i].name, (double)rows[i].value, (double)rows[i].low,
                      (double)rows[i].high);
  return FR_OK;
}

static enum fr_status check(const fr_optimizer_options *o, fr_error *err) {
  if ((size_t)o->kind >= KINDS)
    return fr__fail(err, FR_ERR_ARGUMENT, "there is no optimizer %d", (int)o->kind);
  const enum fr_status status = check_ranges(o, err);
  if (status != FR_OK || !o->nesterov)
    return status;
  if (o->kind != FR_OPTIMIZER_SGD)
    return fr__fail(err, FR_ERR_ARGUMENT, "Nesterov's momentum is for sgd, not for %s",
                    kinds[o->kind].name);
  if (!(o->momentum > 0))
    return fr__fail(err, FR_ERR_ARGUMENT, "Nesterov's momentum needs one above 0");
  return FR_OK;
}

/* ---- life ---- */

static void take_state(fr_optimizer *optimizer, fr__arena *arena) {
  const size_t moments = kinds[optimizer->options.kind].moments(&optimizer->options);
  for (size_t i = 0; i < optimizer->count; i++) {
    slot *s = &optimizer->slot[i];
    for (size_t k = 0; k < moments; k++)
      s->moment[k] = fr__arena_take(arena, s->tensor->count, sizeof(float));
  }
}

static void choose_tensors(fr_optimizer *optimizer, const fr_net *net, size_t first,
                           const float *rate_scale) {
  size_t count = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++) {
    const float scale = rate_scale ? rate_scale[tensor[i].layer] : 1.0f;
    if (tensor[i].trained && tensor[i].layer >= first && scale > 0)
      optimizer->slot[optimizer->count++] =
          (slot){.tensor = &tensor[i], .rate_scale = scale};
  }
}

enum fr_status fr_optimizer_new(const fr_net *net, size_t first,
                                const fr_optimizer_options *options,
                                const float *rate_scale, fr_optimizer **out,
                                fr_error *err) {
  enum fr_status status = check(options, err);
  if (status != FR_OK)
    return status;
  fr__arena measure = {0};
  fr_optimizer *optimizer = calloc(1, sizeof *optimizer);
  if (!optimizer)
    return fr__fail_memory(err, "the optimizer");
  optimizer->options = *options;
  optimizer->kern = &net->kern;
  optimizer->slot = calloc(net->tensor_count + 1, sizeof *optimizer->slot);
  if (!optimizer->slot) {
    status = fr__fail_memory(err, "the optimizer's table");
    goto done;
  }
  choose_tensors(optimizer, net, first, rate_scale);
  take_state(optimizer, &measure);
  status =
      fr__arena_init(&optimizer->state, measure.used > 0 ? measure.used : FR__ALIGN, err);
  if (status == FR_OK) {
    take_state(optimizer, &optimizer->state);
    *out = optimizer;
    optimizer = NULL;
  }
done:
  fr_optimizer_free(optimizer);
  return status;
}

void fr_optimizer_free(fr_optimizer *optimizer) {
  if (!optimizer)
    return;
  fr__arena_release(&optimizer->state);
  free(optimizer->slot);
  free(optimizer);
}

/* What lies between the tensors stays 0. */
float *fr_optimizer_state(fr_optimizer *optimizer, size_t *count) {
  *count = optimizer->state.used / sizeof(float);
  return (float *)(void *)optimizer->state.base;
}

uint64_t fr_optimizer_steps(const fr_optimizer *optimizer) { return optimizer->step; }

void fr_optimizer_set_steps(fr_optimizer *optimizer, uint64_t steps) {
  optimizer->step = steps;
}

void fr_optimizer_set_start(fr_optimizer *optimizer, size_t from, size_t to,
                            uint64_t steps) {
  for (size_t i = 0; i < optimizer->count; i++) {
    slot *s = &optimizer->slot[i];
    if (s->tensor->layer >= from && s->tensor->layer < to)
      s->start = steps;
  }
}

void fr_optimizer_set_rate(fr_optimizer *optimizer, float learning_rate) {
  optimizer->options.learning_rate = learning_rate;
}

/* ---- a step ---- */

static bool gradients_finite(const fr_optimizer *optimizer) {
  for (size_t i = 0; i < optimizer->count; i++) {
    const fr_tensor *t = optimizer->slot[i].tensor;
    if (t->gradient && !fr__all_finite(optimizer->kern, t->gradient, t->count))
      return false;
  }
  return true;
}

static void clip_values(const fr_optimizer *optimizer) {
  for (size_t i = 0; i < optimizer->count; i++) {
    const fr_tensor *t = optimizer->slot[i].tensor;
    if (t->gradient)
      fr__clip_values(t->gradient, optimizer->options.clip_value, t->count);
  }
}

/* Pascanu et al. 2013, algorithm 1. False, and nothing done, where the norm is not
 * finite. */
static bool clip_norm(const fr_optimizer *optimizer) {
  double sum = 0;
  for (size_t i = 0; i < optimizer->count; i++) {
    const fr_tensor *t = optimizer->slot[i].tensor;
    if (t->gradient)
      sum += fr__square_sum(t->gradient, t->count);
  }
  const double norm = sqrt(sum), most = (double)optimizer->options.clip_norm;
  if (!isfinite(norm))
    return false;
  if (norm <= most)
    return true;
  for (size_t i = 0; i < optimizer->count; i++) {
    const fr_tensor *t = optimizer->slot[i].tensor;
    if (t->gradient)
      fr__scale_values(t->gradient, (float)(most / norm), t->count);
  }
  return true;
}

/* The norm tells what is not finite by the way; clipping values would hide it. */
static bool clip(const fr_optimizer *optimizer) {
  const fr_optimizer_options *o = &optimizer->options;
  if ((o->clip_value > 0 || !(o->clip_norm > 0)) && !gradients_finite(optimizer))
    return false;
  if (o->clip_value > 0)
    clip_values(optimizer);
  return !(o->clip_norm > 0) || clip_norm(optimizer);
}

bool fr_optimizer_step(fr_optimizer *optimizer) {
  const kind_ops *ops = &kinds[optimizer->options.kind];
  const float decay = ops->decoupled ? 0.0f : optimizer->options.weight_decay;
  if (!clip(optimizer))
    return false;
  optimizer->step++;
  for (size_t i = 0; i < optimizer->count; i++) {
    const slot *s = &optimizer->slot[i];
    const fr_tensor *t = s->tensor;
    if (!t->gradient)
      continue; /* fr_net_reserve without training, or frozen by it */
    if (decay > 0)
      fr__axpy(optimizer->kern, decay, t->value, t->gradient, t->count);
    ops->step(optimizer, s);
  }
  return true;
}
