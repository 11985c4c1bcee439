/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each step of integer inference is told. int8_kernels.c holds the arithmetic; both
 * files are cut at their marks ("/" "*: NAME, what it needs *" "/") into the pieces that
 * exported C consists of, so that the two cannot differ.
 *
 * Activations are int8: x = scale (q - zero). Weights are int8 without a zero point, each
 * output channel with a scale of its own. A sum of products is brought to the scale of
 * the output by integers: q = (mul sum + add) >> shift, where `add` holds the bias, the
 * output's zero point and the half that rounds; then it is clamped to int8.
 */
#ifndef FR_NN_INT8_OPS_H
#define FR_NN_INT8_OPS_H

#include <stddef.h>
#include <stdint.h>

/*: dense */
/* y[u] = (mul[u] sum of (x - zero) weight[u] + add[u]) / 2^shift */
struct fr__int8_dense {
  const int8_t *weight; /* (units, inputs) */
  const int32_t *mul;   /* (units) */
  const int64_t *add;   /* (units) */
  int32_t inputs, units, zero, shift;
};

/*: logits */
/* dense with an output of 16 bits */
struct fr__int8_logits {
  const int8_t *weight; /* (units, inputs) */
  const int32_t *mul;   /* (units) */
  const int64_t *add;   /* (units) */
  int32_t inputs, units, zero, shift;
};

/*: conv1d */
struct fr__int8_conv1d {
  const int8_t *weight; /* (units, width, channels / groups) */
  const int32_t *mul;   /* (units) */
  const int64_t *add;   /* (units) */
  int32_t steps, channels, out_steps, units;
  int32_t width, stride, dilation, groups;
  int32_t left; /* steps of padding in front */
  int32_t zero, shift;
};

/*: affine */
/* y = (mul[c] x + add[c]) / 2^shift: batch normalisation */
struct fr__int8_affine {
  const int32_t *mul; /* (channels) */
  const int64_t *add; /* (channels) */
  int32_t rows, channels, shift;
};

/*: place */
/* columns of y from `column` on: (mul x + add) / 2^shift */
struct fr__int8_place {
  int32_t rows, channels, out_channels, column;
  int32_t mul, shift;
  int64_t add;
};

/*: add */
/* y = (mul a + mul_other b + add) / 2^shift */
struct fr__int8_add {
  int32_t count, mul, mul_other, shift;
  int64_t add;
};

/*: table */
/* y = table[x + 128] */
struct fr__int8_table {
  const int8_t *table; /* (256) */
  int32_t count;
};

/*: maxpool */
struct fr__int8_maxpool {
  int32_t out_steps, channels, width;
};

/*: avgpool */
/* y = (mul sum of x + add) / 2^shift */
struct fr__int8_avgpool {
  int32_t out_steps, channels, width;
  int32_t mul, shift;
  int64_t add;
};

/*: softmax, exp_down */
/* of each row; the output has scale 1/256 and zero -128 */
struct fr__int8_softmax {
  const uint16_t *whole, *part; /* of exp_down */
  int32_t rows, channels;
  int32_t mul, shift; /* from a difference of inputs to 1/256 */
};

/*: layernorm, root */
/* of each row: (mul[c] n + add[c]) / 2^shift, n with 16 binary places = (x - mean) /
 * deviation */
struct fr__int8_layernorm {
  const int32_t *mul; /* (channels) */
  const int64_t *add; /* (channels) */
  uint64_t epsilon;   /* in units of (scale / channels)^2 */
  int32_t rows, channels, shift;
};

/*: lstm, gates */
/*
 * Gates i, f, g, o before activation: int16 in Q3.12; behind it Q0.15. The cell is int16
 * with `cell` bits before the point: Q(cell).(15 - cell). The state that goes round is
 * the output, int8.
 */
struct fr__int8_lstm {
  const int8_t *weight;    /* (4H, channels) */
  const int8_t *recurrent; /* (4H, H) */
  const int32_t *mul;      /* (4H), of the sums over x */
  const int32_t *mul_h;    /* (4H), of the sums over h */
  const int64_t *add;      /* (4H) */
  const int16_t *sigmoid, *tanh;
  int32_t steps, channels, units;
  int32_t zero, zero_h, shift;
  int32_t cell;
  int32_t mul_y, shift_y; /* from o tanh(c), 30 binary places, to the output */
  int64_t add_y;
  int32_t all, reverse, out_channels, column;
};

/*: gru, gates */
/*
 * Gates r, z, n before activation: int16 in Q3.12, the two sums of n apart; behind it
 * Q0.15, as is the state. The state meets the recurrent weights as the output, int8.
 */
struct fr__int8_gru {
  const int8_t *weight;    /* (3H, channels) */
  const int8_t *recurrent; /* (3H, H) */
  const int32_t *mul;      /* (3H), of the sums over x */
  const int32_t *mul_h;    /* (3H), of the sums over h */
  const int64_t *add;      /* (3H) */
  const int64_t *add_h;    /* (H), of n's sum over h */
  const int16_t *sigmoid, *tanh;
  int32_t steps, channels, units;
  int32_t zero, zero_h, shift;
  int32_t mul_y, shift_y; /* from the state, 15 binary places, to the output */
  int64_t add_y;
  int32_t all, reverse, out_channels, column;
};

/*: attention, exp_down */
/* q, k, v and what attention gathers have zero 0. */
struct fr__int8_attention {
  const int8_t *weight; /* (3 channels, channels): q, k, v */
  const int32_t *mul;
  const int64_t *add;
  const int8_t *output; /* (channels, channels) */
  const int32_t *mul_output;
  const int64_t *add_output;
  const uint16_t *whole, *part; /* of exp_down */
  int32_t steps, channels, heads;
  int32_t zero, shift, shift_output;
  int32_t mul_score, shift_score; /* from a difference of scores to 1/256 */
  int32_t mul_gather,
      shift_gather; /* from 16 binary places more than v to the gathered */
};

/*: end */

#endif
