/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SGD with momentum, and Adam (Kingma and Ba 2015, algorithm 1), both with decoupled
 * weight decay (Loshchilov and Hutter 2019, algorithms 1 and 2). Each tensor's state lies
 * in one arena.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "kern/kern.h"

#include "frugal/nn.h"

/* One tensor that is trained. */
typedef struct slot {
  const fr_tensor *tensor;
  float rate_scale;
  float *m; /* SGD: velocity; Adam: first moment */
  float *v; /* Adam: second moment; SGD: NULL */
} slot;

struct fr_optimizer {
  fr_optimizer_options options;
  uint64_t step; /* done so far */
  fr__kern kern;
  fr__arena state;
  slot *slot; /* (count) */
  size_t count;
};

fr_optimizer_options fr_optimizer_default_options(void) {
  return (fr_optimizer_options){.kind = FR_OPTIMIZER_ADAMW,
                                .learning_rate = 0.002f,
                                .momentum = 0.9f,
                                .beta1 = 0.9f,
                                .beta2 = 0.999f,
                                .epsilon = 1e-8f,
                                .weight_decay = 0.0f};
}

static enum fr_status check(const fr_optimizer_options *o, fr_error *err) {
  const struct {
    const char *name;
    float value, low, high;
  } rows[] = {
      {"learning rate", o->learning_rate, 0, 1e6f},
      {"momentum", o->momentum, 0, 0.9999f},
      {"beta1", o->beta1, 0, 0.9999999f},
      {"beta2", o->beta2, 0, 0.9999999f},
      {"epsilon", o->epsilon, 0, 1},
      {"weight decay", o->weight_decay, 0, 1e6f},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (!(rows[i].value >= rows[i].low && rows[i].value <= rows[i].high))
      return fr__fail(err, FR_ERR_ARGUMENT, "%s %g is not between %g and %g",
                      rows[i].name, (double)rows[i].value, (double)rows[i].low,
                      (double)rows[i].high);
  return FR_OK;
}

static void take_state(fr_optimizer *optimizer, fr__arena *arena) {
  for (size_t i = 0; i < optimizer->count; i++) {
    slot *s = &optimizer->slot[i];
    s->m = fr__arena_take(arena, s->tensor->count, sizeof(float));
    if (optimizer->options.kind != FR_OPTIMIZER_SGD)
      s->v = fr__arena_take(arena, s->tensor->count, sizeof(float));
  }
}

static void choose_tensors(fr_optimizer *optimizer, const fr_net *net, size_t first,
                           const float *rate_scale) {
  size_t count = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++) {
    const float scale = rate_scale ? rate_scale[tensor[i].layer] : 1.0f;
    if (tensor[i].layer >= first && scale > 0)
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
  size_t tensors = 0;
  (void)fr_net_tensors(net, &tensors);
  fr__arena measure = {0};
  fr_optimizer *optimizer = calloc(1, sizeof *optimizer);
  if (!optimizer)
    return fr__fail_memory(err, "the optimizer");
  optimizer->options = *options;
  optimizer->slot = calloc(tensors + 1, sizeof *optimizer->slot);
  if (!optimizer->slot) {
    status = fr__fail_memory(err, "the optimizer's table");
    goto done;
  }
  choose_tensors(optimizer, net, first, rate_scale);
  take_state(optimizer, &measure);
  status =
      fr__arena_init(&optimizer->state, measure.used > 0 ? measure.used : FR__ALIGN, err);
  if (status == FR_OK)
    status = fr__kern_init(&optimizer->kern, err);
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
  fr__kern_release(&optimizer->kern);
  fr__arena_release(&optimizer->state);
  free(optimizer->slot);
  free(optimizer);
}

/* v = μ v + g; w -= rate (v + decay w) */
static void step_sgd(const fr_optimizer_options *o, const slot *s) {
  const float rate = o->learning_rate * s->rate_scale;
  const float kept = 1.0f - rate * o->weight_decay;
  const float *gradient = s->tensor->gradient;
  float *value = s->tensor->value;
  for (size_t i = 0; i < s->tensor->count; i++) {
    s->m[i] = o->momentum * s->m[i] + gradient[i];
    value[i] = kept * value[i] - rate * s->m[i];
  }
}

static void step_adam(const fr_optimizer *optimizer, const slot *s) {
  const fr_optimizer_options *o = &optimizer->options;
  const double t = (double)optimizer->step,
               rate = (double)(o->learning_rate * s->rate_scale);
  const double correction1 = 1.0 - pow((double)o->beta1, t);
  const double correction2 = sqrt(1.0 - pow((double)o->beta2, t));
  const fr__adam_step step = {.rate = (float)(rate * correction2 / correction1),
                              .beta1 = o->beta1,
                              .beta2 = o->beta2,
                              .epsilon = (float)((double)o->epsilon * correction2),
                              .decay = (float)(rate * (double)o->weight_decay)};
  fr__adam(&optimizer->kern, &step, s->tensor->gradient, s->tensor->value, s->m, s->v,
           s->tensor->count);
}

void fr_optimizer_step(fr_optimizer *optimizer) {
  optimizer->step++;
  for (size_t i = 0; i < optimizer->count; i++) {
    const slot *s = &optimizer->slot[i];
    if (!s->tensor->gradient)
      continue; /* running statistics, or frozen by fr_net_reserve */
    if (optimizer->options.kind != FR_OPTIMIZER_SGD)
      step_adam(optimizer, s);
    else
      step_sgd(&optimizer->options, s);
  }
}

void fr_optimizer_set_rate(fr_optimizer *optimizer, float learning_rate) {
  optimizer->options.learning_rate = learning_rate;
}

bool fr_optimizer_parse(const char *name, enum fr_optimizer_kind *out) {
  static const char *const names[] = {[FR_OPTIMIZER_SGD] = "sgd",
                                      [FR_OPTIMIZER_ADAM] = "adam",
                                      [FR_OPTIMIZER_ADAMW] = "adamw"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(names[i], name) == 0) {
      *out = (enum fr_optimizer_kind)i;
      return true;
    }
  return false;
}
