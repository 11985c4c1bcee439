/* SPDX-License-Identifier: Apache-2.0 */
/* The table of one instruction set. */
#include "kern/isa.h"

const fr__kern_ops FR__KERN_NAME(ops) = {
    .f32 = {FR__KERN_NAME(gemm), FR__KERN_NAME(packed_floats), FR__KERN_NAME(gemm_pack)},
    .bf16 = {FR__KERN_NAME(bf16_gemm), FR__KERN_NAME(bf16_packed_floats),
             FR__KERN_NAME(bf16_gemm_pack)},
    .sparse = FR__KERN_NAME(sparse),
    .lanes = LANES,
    .exp = FR__KERN_NAME(exp),
    .sigmoid = FR__KERN_NAME(sigmoid),
    .tanh = FR__KERN_NAME(tanh),
    .relu = FR__KERN_NAME(relu),
    .relu_backward = FR__KERN_NAME(relu_backward),
    .all_finite = FR__KERN_NAME(all_finite),
    .column_sum = FR__KERN_NAME(column_sum),
    .column_moments = FR__KERN_NAME(column_moments),
    .column_products = FR__KERN_NAME(column_products),
    .scale_shift = FR__KERN_NAME(scale_shift),
    .normalize_backward = FR__KERN_NAME(normalize_backward),
    .axpy = FR__KERN_NAME(axpy),
    .lstm_forward = FR__KERN_NAME(lstm_forward),
    .lstm_backward = FR__KERN_NAME(lstm_backward),
    .gru_forward = FR__KERN_NAME(gru_forward),
    .gru_backward = FR__KERN_NAME(gru_backward),
    .adam = FR__KERN_NAME(adam),
    .sgd = FR__KERN_NAME(sgd),
    .rmsprop = FR__KERN_NAME(rmsprop),
};
