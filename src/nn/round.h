/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of 16 and 8 bits; model files hold them, too. */
#ifndef FR_NN_ROUND_H
#define FR_NN_ROUND_H

#include "frugal/nn.h"

/* The nearest, ties to even; what is beyond f16's range becomes infinite. x is finite. */
uint16_t fr__bf16_of(float x);
uint16_t fr__f16_of(float x);
float fr__from_bf16(uint16_t half);
float fr__from_f16(uint16_t half);

/* Every `columns`-th of `count` numbers is one output channel's: what one step of its
 * bytes is worth, so that the greatest is 127; where all of them are whole steps already,
 * the very scale that they were made with. 1 where all are 0. */
float fr__int8_column(const float *w, size_t count, size_t columns);

/* The tensors that schemes hold in fewer bits: those of two axes and more. */
bool fr__is_narrowed(const fr_tensor *tensor);

#endif
