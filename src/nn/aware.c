/* SPDX-License-Identifier: Apache-2.0 */
/* A network that is trained for int8: with layers that round what integer inference
 * rounds, and weights that are rounded. */
#include <string.h>

#include "base/error.h"
#include "frugal/int8.h"
#include "nn/program.h"
#include "nn/rewrite.h"

static const char FAKE[] = "fakequant";

static bool is_any(const fr__layer *layer, const char *const *names) {
  for (; *names; names++)
    if (fr__layer_named(layer, *names))
      return true;
  return false;
}

/* No numbers of their own: what is behind them is what is before. */
static bool is_still(const fr__layer *layer) {
  static const char *const still[] = {"dropout", "spatialdropout", "flatten", NULL};
  return is_any(layer, still);
}

/* What has the scale of its input, or one that is given. */
static bool has_scale(const fr__layer *layer) {
  static const char *const scaled[] = {"maxpool", "softmax", FAKE, NULL};
  return is_any(layer, scaled);
}

/* A relu behind these is their own clamp (program.h). */
static bool takes_relu(const fr__layer *layer) {
  static const char *const clamped[] = {"dense", "conv1d", "bn", "residual", NULL};
  return is_any(layer, clamped);
}

static const char *behind(const void *self, const fr__chain *chain, size_t i) {
  const fr__chain *whole = self;
  const fr__layer *layer = &chain->layer[i];
  size_t next = i + 1;
  while (next < chain->count && is_still(&chain->layer[next]))
    next++;
  if (is_still(layer) || has_scale(layer))
    return NULL;
  if (next == chain->count)
    return chain == whole && fr__layer_named(layer, "dense") ? NULL : FAKE;
  return takes_relu(layer) && fr__layer_named(&chain->layer[next], "relu") ? NULL : FAKE;
}

static fr__rewrite rewrite_of(const fr_net *net) {
  return (fr__rewrite){.self = &net->chain, .behind = behind, .front = FAKE};
}

/* ---- ranges: from values to layers and back ---- */

typedef struct exchange {
  const fr__program *program; /* of the network without such layers */
  float *range;               /* (values, 2) */
  bool back;                  /* from layers to values */
} exchange;

static void swap_range(const exchange *e, size_t value, const fr__layer *fake) {
  for (size_t i = 0; i < 2; i++) {
    float *of_layer = fake->tensor[i].value, *of_value = &e->range[2 * value + i];
    if (e->back)
      *of_value = *of_layer;
    else
      *of_layer = *of_value;
  }
}

/* A layer's last step gives what stands behind it. */
static void visit(void *self, const fr__layer *was, fr__layer *is, const fr__layer *put) {
  const exchange *e = self;
  size_t value = SIZE_MAX;
  (void)is;
  for (size_t s = 0; s < e->program->step_count; s++)
    if (e->program->step[s].layer == was)
      value = e->program->step[s].out;
  if (put && value != SIZE_MAX)
    swap_range(e, value, put);
}

static enum fr_status swap_ranges(const fr_net *net, fr_net *aware, float *range,
                                  bool back, fr_error *err) {
  fr__chain chain = net->chain; /* read only */
  fr__program program = {0};
  const fr__rewrite how = rewrite_of(net);
  const enum fr_status status = fr__program_init(&program, &chain, err);
  if (status == FR_OK) {
    exchange e = {&program, range, back};
    swap_range(&e, 0, &aware->chain.layer[0]);
    fr__rewrite_each(net, aware, &how, visit, &e);
  }
  fr__program_release(&program);
  return status;
}

/* ---- there and back ---- */

enum fr_status fr_net_aware(const fr_net *net, const fr_int8_ranges *ranges, fr_net **out,
                            fr_error *err) {
  const fr__rewrite how = rewrite_of(net);
  fr_net *aware = NULL;
  enum fr_status status = fr__rewrite_net(net, &how, &aware, err);
  if (status == FR_OK)
    status = swap_ranges(net, aware, ranges->value, false, err);
  if (status == FR_OK)
    status = fr__net_fake(aware, err);
  if (status == FR_OK)
    *out = aware;
  else
    fr_net_free(aware);
  return status;
}

static void take_weights(void *self, const fr__layer *was, fr__layer *is,
                         const fr__layer *put) {
  (void)self;
  (void)put;
  for (size_t i = 0; i < was->tensor_count; i++)
    memcpy(was->tensor[i].value, is->tensor[i].value,
           was->tensor[i].count * sizeof(float));
}

void fr_net_aware_weights(fr_net *aware, fr_net *net) {
  const fr__rewrite how = rewrite_of(net);
  fr__net_forget(net);
  fr__rewrite_each(net, aware, &how, take_weights, NULL);
}

enum fr_status fr_net_aware_ranges(fr_net *aware, const fr_net *net,
                                   fr_int8_ranges *ranges, fr_error *err) {
  return swap_ranges(net, aware, ranges->value, true, err);
}
