/* SPDX-License-Identifier: Apache-2.0 */
#include "train/cost.h"

/* Operations a parameter: the step, and what momentum adds to it. Adam has two moments (3
 * + 4) and the step (5); RMSprop the mean square (4), the quotient (3) and the step (2).
 */
static const struct {
  uint64_t step, momentum;
} kinds[] = {[FR_OPTIMIZER_SGD] = {2, 2},
             [FR_OPTIMIZER_ADAM] = {12, 0},
             [FR_OPTIMIZER_ADAMW] = {12, 0},
             [FR_OPTIMIZER_RMSPROP] = {9, 2}};

/* Two each; of a norm two for its sum and one to scale by it, counted whether the
 * gradient was beyond it or not. */
enum { NESTEROV_STEP = 2, DECAY_STEP = 2, CLIP_VALUE_STEP = 2, CLIP_NORM_STEP = 3 };

static uint64_t step_cost(const fr_optimizer_options *o) {
  return kinds[o->kind].step + (o->momentum > 0 ? kinds[o->kind].momentum : 0) +
         (o->nesterov ? NESTEROV_STEP : 0) + (o->weight_decay > 0 ? DECAY_STEP : 0) +
         (o->clip_value > 0 ? CLIP_VALUE_STEP : 0) +
         (o->clip_norm > 0 ? CLIP_NORM_STEP : 0);
}

/*
 * The share of a layer's forward products that has a counterpart in the gradient of its
 * input: all of them in a dense or convolution layer, those with the input weights (the
 * first matrix) in a recurrent one.
 */
static double input_share(const fr_net *net, size_t layer) {
  size_t count, input = 0, all = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++) {
    if (tensor[i].layer != layer || tensor[i].rank < 2)
      continue;
    if (input == 0)
      input = tensor[i].count;
    all += tensor[i].count;
  }
  return all == 0 ? 1 : (double)input / (double)all;
}

/* As many operations for the weights' gradient as forward, and as many for the input's,
 * which the lowest layer with weights does not need. */
static uint64_t layer_backward(const fr_net *net, size_t layer, bool lowest) {
  const uint64_t forward = fr_net_layer_operations(net, layer);
  const uint64_t weights = fr_net_layer_parameters(net, layer) > 0 ? forward : 0;
  if (!lowest)
    return weights + forward;
  return weights + (uint64_t)((double)forward * (1 - input_share(net, layer)));
}

/* Below it there is nothing that a gradient could adjust. */
static size_t lowest_trained(const fr_net *net, size_t first) {
  const size_t layers = fr_net_layer_count(net);
  while (first < layers && fr_net_layer_parameters(net, first) == 0)
    first++;
  return first;
}

static uint64_t trained_values(const fr_net *net, size_t first) {
  size_t count;
  uint64_t total = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    if (tensor[i].layer >= first && tensor[i].gradient != NULL)
      total += tensor[i].count;
  return total;
}

fr__cost fr__cost_of(const fr_net *net, size_t first,
                     const fr_optimizer_options *optimizer) {
  fr__cost cost = {.update = trained_values(net, first) * step_cost(optimizer)};
  const size_t lowest = lowest_trained(net, first);
  for (size_t layer = 0; layer < fr_net_layer_count(net); layer++) {
    const uint64_t forward = fr_net_layer_operations(net, layer);
    if (layer < first) {
      cost.frozen += forward;
      continue;
    }
    cost.forward += forward;
    if (layer >= lowest)
      cost.backward += layer_backward(net, layer, layer == lowest);
  }
  return cost;
}
