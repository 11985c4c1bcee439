/* SPDX-License-Identifier: Apache-2.0 */
/* What a recurrent layer is: text, shape, tensors, and its room in the workspace. */
#include "nn/recurrent.h"

/* ---- text ---- */

static enum fr_status parse_words(fr__layer *layer, const fr__arguments *arguments,
                                  fr_error *err) {
  size_t next = 1;
  if (fr__argument_is(arguments, next, "all"))
    layer->states = FR__STATES_ALL;
  else if (fr__argument_is(arguments, next, "last"))
    layer->states = FR__STATES_LAST;
  next += layer->states != FR__STATES_UNTOLD;
  layer->both = fr__argument_is(arguments, next, "both");
  next += layer->both;
  if (next >= arguments->count)
    return FR_OK;
  if (layer->both)
    return fr__layer_fail(layer, err, "'%s' may not follow both", arguments->text[next]);
  if (next == 2 && (fr__argument_is(arguments, next, "all") ||
                    fr__argument_is(arguments, next, "last")))
    return fr__layer_fail(layer, err, "'%s' after '%s': it takes one of them",
                          arguments->text[next], arguments->text[next - 1]);
  return fr__layer_fail(layer, err, "'%s' is not %s", arguments->text[next],
                        next == 1 ? "all, last or both" : "both");
}

enum fr_status fr__recurrent_parse(fr__layer *layer, const fr__arguments *arguments,
                                   fr_error *err) {
  enum fr_status status = fr__arguments_between(arguments, 1, 3, err);
  if (status == FR_OK)
    status = fr__argument_count(arguments, 0, "the count of units", &layer->units, err);
  return status == FR_OK ? parse_words(layer, arguments, err) : status;
}

void fr__recurrent_before(fr__layer *layer, bool sequence_follows) {
  layer->all = layer->states == FR__STATES_UNTOLD ? sequence_follows
                                                  : layer->states == FR__STATES_ALL;
  const char *last = sequence_follows ? ",last" : "";
  fr__layer_set_text(layer, "%s(%zu%s%s)", layer->ops->name, layer->units,
                     layer->all ? ",all" : last, layer->both ? ",both" : "");
}

/* ---- shape, tensors ---- */

size_t fr__recurrent_directions(const fr__layer *layer) { return layer->both ? 2 : 1; }

size_t fr__recurrent_tensor_count(const fr__cell *cell) {
  return FR__RECURRENT_TENSORS - !cell->apart;
}

enum fr_status fr__recurrent_shape(fr__layer *layer, fr_error *err) {
  const size_t channels = fr__recurrent_directions(layer) * layer->units;
  if (layer->in.steps * channels > FR__ELEMENT_CEILING)
    return fr__layer_fail(layer, err, "%zu steps of %zu units exceed the ceiling of %zu",
                          layer->in.steps, channels, FR__ELEMENT_CEILING);
  layer->out = (fr_shape){layer->all ? layer->in.steps : 1, channels};
  return FR_OK;
}

static void direction_needs(const fr__layer *layer, size_t gates, bool reverse,
                            fr__tensor_need need[FR__RECURRENT_TENSORS]) {
  need[FR__RECURRENT_WEIGHT] = (fr__tensor_need){
      reverse ? "weight_reverse" : "weight", 2, {layer->in.channels, gates}, true};
  need[FR__RECURRENT_RECURRENT] = (fr__tensor_need){
      reverse ? "recurrent_reverse" : "recurrent", 2, {layer->units, gates}, true};
  need[FR__RECURRENT_BIAS] =
      (fr__tensor_need){reverse ? "bias_reverse" : "bias", 1, {gates}, true};
  need[FR__RECURRENT_SUM_BIAS] = (fr__tensor_need){
      reverse ? "recurrent_bias_reverse" : "recurrent_bias", 1, {gates}, true};
}

size_t fr__recurrent_tensors(const fr__cell *cell, const fr__layer *layer,
                             fr__tensor_need need[FR__LAYER_TENSORS]) {
  const size_t count = fr__recurrent_tensor_count(cell);
  size_t sum = 0;
  for (size_t d = 0; d < fr__recurrent_directions(layer); d++) {
    fr__tensor_need all[FR__RECURRENT_TENSORS];
    direction_needs(layer, cell->gates * layer->units, d > 0, all);
    for (size_t i = 0; i < count; i++)
      need[sum++] = all[i];
  }
  return sum;
}

/* Each unit in each step: G products with the input and with h, then the cell. */
uint64_t fr__recurrent_operations(const fr__cell *cell, const fr__layer *layer) {
  const uint64_t units = layer->units, inputs = layer->in.channels + units;
  return fr__recurrent_directions(layer) * layer->in.steps *
         (2 * cell->gates * inputs * units + cell->operations * units);
}

void fr__recurrent_init(const fr__cell *cell, fr__layer *layer, fr__rng *rng) {
  const size_t units = layer->units, count = fr__recurrent_tensor_count(cell);
  for (size_t d = 0; d < fr__recurrent_directions(layer); d++) {
    const fr_tensor *weight = &layer->tensor[d * count + FR__RECURRENT_WEIGHT],
                    *recurrent = &layer->tensor[d * count + FR__RECURRENT_RECURRENT];
    fr__init_weights(weight->value, weight->count, layer->in.channels, units, false, rng);
    fr__init_weights(recurrent->value, recurrent->count, units, units, false, rng);
  }
}

/* W and R of each direction. */
size_t fr__recurrent_operands(const fr__cell *cell, const fr__layer *layer,
                              fr__gemm operand[FR__LAYER_OPERANDS]) {
  const size_t gates = cell->gates * layer->units;
  const size_t directions = fr__recurrent_directions(layer);
  for (size_t d = 0; d < directions; d++) {
    const fr_tensor *tensor = layer->tensor + d * fr__recurrent_tensor_count(cell);
    operand[2 * d] = (fr__gemm){.m = layer->in.steps,
                                .n = gates,
                                .k = layer->in.channels,
                                .lda = layer->in.channels,
                                .b = tensor[FR__RECURRENT_WEIGHT].value,
                                .ldb = gates};
    operand[2 * d + 1] = (fr__gemm){.m = 1,
                                    .n = gates,
                                    .k = layer->units,
                                    .lda = layer->units,
                                    .batch = layer->in.steps,
                                    .b = tensor[FR__RECURRENT_RECURRENT].value,
                                    .ldb = gates};
  }
  return 2 * directions;
}

/* ---- room ---- */

static size_t slot_count(const fr__layer *layer, bool train) {
  return train || layer->in.steps < 2 ? layer->in.steps : 2;
}

/* Floats of one direction, for each unit of each sample. */
static size_t direction_room(const fr__cell *cell, const fr__layer *layer, bool train) {
  const size_t a_slot = cell->kept + (layer->all ? 0 : 1);
  return cell->gates * layer->in.steps + a_slot * slot_count(layer, train);
}

/* A matrix (inputs, gates) packed, or its transpose, in whole cache lines: what follows
 * stays aligned. */
static size_t either_way(size_t inputs, size_t gates) {
  const size_t forward = fr__gemm_packed_ceiling(gates, inputs);
  const size_t back = fr__gemm_packed_ceiling(inputs, gates);
  return ((forward > back ? forward : back) + 15) / 16 * 16;
}

static size_t packed_recurrent(const fr__cell *cell, const fr__layer *layer) {
  return either_way(layer->units, cell->gates * layer->units);
}

/* R, and in training W. */
static size_t packed_room(const fr__cell *cell, const fr__layer *layer, bool train) {
  const size_t input = either_way(layer->in.channels, cell->gates * layer->units);
  return packed_recurrent(cell, layer) + (train ? input : 0);
}

/* In testing nothing outlives a direction, and the other one takes its room. */
size_t fr__recurrent_workspace(const fr__cell *cell, const fr__layer *layer, size_t batch,
                               bool train) {
  const size_t room = direction_room(cell, layer, train);
  const size_t floats =
      train ? fr__recurrent_directions(layer) * room + 1 + cell->carried : room;
  return packed_room(cell, layer, train) + batch * layer->units * floats;
}

fr__recurrence fr__recurrent_direction(const fr__cell *cell, const fr__layer *layer,
                                       const fr__pass *pass, size_t direction) {
  fr__recurrence r = {.cell = cell,
                      .layer = layer,
                      .pass = pass,
                      .reverse = direction > 0,
                      .slots = slot_count(layer, layer->kept),
                      .state = pass->batch * layer->units};
  const size_t room = direction_room(cell, layer, layer->kept) * r.state;
  float *const rooms = layer->workspace + packed_room(cell, layer, layer->kept);
  r.input = layer->packed[2 * direction];
  r.packed = layer->packed[2 * direction + 1];
  r.room = layer->workspace;
  r.tensor = layer->tensor + direction * fr__recurrent_tensor_count(cell);
  r.gates = rooms + (layer->kept ? direction * room : 0);
  r.kept = r.gates + layer->in.steps * cell->gates * r.state;
  r.h = r.kept + r.slots * cell->kept * r.state;
  if (layer->kept) {
    r.room_input = r.room + packed_recurrent(cell, layer);
    r.dh = rooms + fr__recurrent_directions(layer) * room;
    r.carried = r.dh + r.state;
  }
  return r;
}
