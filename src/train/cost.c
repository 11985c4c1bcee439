/* SPDX-License-Identifier: Apache-2.0 */
#include "train/cost.h"

/* Operations a parameter: Adam's two moments (3 + 4) and the step (5); SGD's step, with
 * or without momentum; decoupled decay. */
enum { ADAM_STEP = 12, SGD_STEP = 2, MOMENTUM_STEP = 4, DECAY_STEP = 2 };

static uint64_t step_cost(const fr_optimizer_options *optimizer) {
  const uint64_t decay = optimizer->weight_decay != 0 ? DECAY_STEP : 0;
  if (optimizer->kind != FR_OPTIMIZER_SGD)
    return ADAM_STEP + decay;
  return (optimizer->momentum != 0 ? MOMENTUM_STEP : SGD_STEP) + decay;
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
