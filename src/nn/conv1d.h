/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of a convolution share. layer_conv1d.c has its text, shape and order;
 * conv1d_products.c and conv1d_depthwise.c the two ways to do it.
 */
#ifndef FR_NN_CONV1D_H
#define FR_NN_CONV1D_H

#include "nn/layer.h"

/* Steps from the first that an output sees to the last, both included. */
size_t fr__conv1d_extent(const fr__layer *layer);
/* Steps of zeros in front of the sequence and behind it; those in front. */
size_t fr__conv1d_pad_total(const fr__layer *layer);
size_t fr__conv1d_pad_left(const fr__layer *layer);
/* Channels that one group takes and makes. */
size_t fr__conv1d_group_in(const fr__layer *layer);
size_t fr__conv1d_group_out(const fr__layer *layer);
/* What is read: the input itself, or its padded copy; floats from one sample to the next.
 */
const float *fr__conv1d_source(const fr__layer *layer);
size_t fr__conv1d_source_stride(const fr__layer *layer);

/* The outputs t in [low, high) for which t s + w D - left falls inside the input; the
 * first of them sees step `first`. */
typedef struct fr__conv1d_reach {
  size_t low, high, first;
} fr__conv1d_reach;

fr__conv1d_reach fr__conv1d_reach_of(const fr__layer *layer, size_t w);

/* Its way back to dx is a convolution, too, with the weights turned round: (weights) in
 * front of the workspace of a layer that is trained. */
bool fr__conv1d_turns(const fr__layer *layer);

size_t fr__conv1d_operands(const fr__layer *layer, fr__gemm operand[FR__LAYER_OPERANDS]);

/* y from the source; dW; dx, of which every number is set. */
void fr__conv1d_forward(const fr__layer *layer, const fr__pass *pass);
void fr__conv1d_weight(const fr__layer *layer, const fr__pass *pass, const float *dy);
void fr__conv1d_input(const fr__layer *layer, const fr__pass *pass, const float *dy,
                      float *dx);
void fr__depthwise_forward(const fr__layer *layer, const fr__pass *pass);
void fr__depthwise_weight(const fr__layer *layer, const fr__pass *pass, const float *dy);
void fr__depthwise_input(const fr__layer *layer, const fr__pass *pass, const float *dy,
                         float *dx);

#endif
