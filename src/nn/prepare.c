/* SPDX-License-Identifier: Apache-2.0 */
/* Weights packed once for all forward passes in testing. */
#include "base/error.h"
#include "nn/net.h"

static size_t operands_of(const fr__layer *layer, fr__gemm operand[FR__LAYER_OPERANDS]) {
  return layer->ops->operands ? layer->ops->operands(layer, operand) : 0;
}

/* What each layer's operands are packed into, or, of a measuring arena, how much. */
typedef struct packing {
  const fr__kern *kern;
  fr__arena *arena;
} packing;

static enum fr_status pack_layer(void *self, fr__layer *layer, fr_error *err) {
  const packing *p = self;
  fr__gemm operand[FR__LAYER_OPERANDS];
  const size_t count = operands_of(layer, operand);
  (void)err;
  for (size_t i = 0; i < count; i++) {
    const size_t floats = fr__gemm_packed_floats(p->kern, operand[i].n, operand[i].k);
    float *to = fr__arena_take(p->arena, floats, sizeof(float));
    if (to)
      fr__gemm_pack(p->kern, &operand[i], to);
    layer->packed[i] = to;
  }
  return FR_OK;
}

static enum fr_status forget_layer(void *self, fr__layer *layer, fr_error *err) {
  (void)self;
  (void)err;
  for (size_t i = 0; i < FR__LAYER_OPERANDS; i++)
    layer->packed[i] = NULL;
  return FR_OK;
}

void fr__net_forget(fr_net *net) {
  if (!net->packed.base)
    return;
  (void)fr__chain_each(&net->chain, forget_layer, NULL, NULL);
  fr__arena_release(&net->packed);
}

enum fr_status fr_net_prepare(fr_net *net, fr_error *err) {
  fr__net_forget(net);
  fr__arena measure = {0};
  packing p = {&net->kern, &measure};
  (void)fr__chain_each(&net->chain, pack_layer, &p, NULL);
  if (measure.used == 0)
    return FR_OK;
  const enum fr_status status = fr__arena_init(&net->packed, measure.used, err);
  if (status != FR_OK)
    return status;
  p.arena = &net->packed;
  return fr__chain_each(&net->chain, pack_layer, &p, NULL);
}
