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
  bool sparse;
  size_t batch; /* samples */
} packing;

/* Rows of the left-hand side that one product has together: samples lie in one array
 * unless their rows overlap. */
static size_t rows_of(const packing *p, const fr__gemm *operand) {
  return operand->lda < operand->k ? operand->m : operand->m * p->batch;
}

static void fill_sparse(const packing *p, const fr__gemm *operand, fr__sparse *sparse) {
  const size_t numbers = p->sparse ? fr__gemm_sparse_numbers(operand) : 0;
  *sparse = (fr__sparse){0};
  if (!p->sparse || !fr__gemm_sparse_pays(p->kern, operand, rows_of(p, operand), numbers))
    return;
  void *to = fr__arena_take(p->arena, fr__gemm_sparse_floats(operand->n, numbers),
                            sizeof(float));
  if (to)
    fr__gemm_sparse_fill(operand, numbers, to, sparse);
}

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
    fill_sparse(p, &operand[i], &layer->sparse[i]);
  }
  return FR_OK;
}

static enum fr_status forget_layer(void *self, fr__layer *layer, fr_error *err) {
  (void)self;
  (void)err;
  for (size_t i = 0; i < FR__LAYER_OPERANDS; i++) {
    layer->packed[i] = NULL;
    layer->sparse[i] = (fr__sparse){0};
  }
  return FR_OK;
}

void fr__net_forget(fr_net *net) {
  if (!net->packed.base)
    return;
  (void)fr__chain_each(&net->chain, forget_layer, NULL, NULL);
  fr__arena_release(&net->packed);
}

enum fr_status fr__net_prepare(fr_net *net, bool sparse, fr_error *err) {
  fr__net_forget(net);
  fr__arena measure = {0};
  packing p = {&net->kern, &measure, sparse, net->batch > 0 ? net->batch : 1};
  (void)fr__chain_each(&net->chain, pack_layer, &p, NULL);
  if (measure.used == 0)
    return FR_OK;
  const enum fr_status status = fr__arena_init(&net->packed, measure.used, err);
  if (status != FR_OK)
    return status;
  p.arena = &net->packed;
  return fr__chain_each(&net->chain, pack_layer, &p, NULL);
}

enum fr_status fr_net_prepare(fr_net *net, fr_error *err) {
  return fr__net_prepare(net, true, err);
}

/* ---- what became of it ---- */

typedef struct tally {
  size_t sparse, products;
} tally;

static enum fr_status count_layer(void *self, fr__layer *layer, fr_error *err) {
  tally *sum = self;
  fr__gemm operand[FR__LAYER_OPERANDS];
  const size_t count = operands_of(layer, operand);
  bool sparse = false;
  (void)err;
  for (size_t i = 0; i < count; i++)
    sparse |= layer->sparse[i].begin != NULL;
  sum->sparse += sparse;
  sum->products += count > 0;
  return FR_OK;
}

size_t fr_net_sparse_layers(const fr_net *net, size_t *products) {
  tally sum = {0};
  fr__chain chain = net->chain; /* it is not changed */
  (void)fr__chain_each(&chain, count_layer, &sum, NULL);
  if (products)
    *products = sum.products;
  return sum.sparse;
}
