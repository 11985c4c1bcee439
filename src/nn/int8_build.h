/* SPDX-License-Identifier: Apache-2.0 */
/* From a network and samples to operations: int8_calibrate.c finds ranges,
 * int8_build*.c the integers. */
#ifndef FR_NN_INT8_BUILD_H
#define FR_NN_INT8_BUILD_H

#include "nn/int8.h"
#include "nn/net.h"
#include "nn/program.h"

/* Of one value: low <= 0 <= high. */
typedef struct fr__int8_range {
  float low, high;
} fr__int8_range;

/* The greatest sizes within a layer that has more than one product: an LSTM's cell; q, k,
 * v and what is gathered of attention. */
enum {
  FR__INSIDE_CELL = 0,
  FR__INSIDE_Q = 0,
  FR__INSIDE_K,
  FR__INSIDE_V,
  FR__INSIDE_GATHERED,
  FR__INSIDE
};
typedef struct fr__int8_inside {
  float size[FR__INSIDE];
} fr__int8_inside;

/* ---- int8_calibrate.c ---- */

/* Runs the program in float32 on every sample. `range` (value_count), `inside`
 * (step_count). The network is changed only in what a forward pass changes. */
enum fr_status fr__int8_calibrate(fr_net *net, const fr__program *program,
                                  const float *const *x, size_t count,
                                  fr__int8_range *range, fr__int8_inside *inside,
                                  fr_error *err);

/* ---- int8_new.c ---- */

/* Finite, and each value's holds 0. */
bool fr__int8_are_ranges(const fr_int8_ranges *ranges);

/* ---- int8_inside.c ---- */

/* Floats that fr__int8_look_inside works in; 0: nothing to be seen in the layer. */
size_t fr__int8_inside_room(const fr__layer *layer);
/* x: the layer's input, one sample. Sizes grow to what is seen. */
void fr__int8_look_inside(const fr__kern *kern, const fr__layer *layer, const float *x,
                          float *room, fr__int8_inside *inside);

/* ---- int8_build.c ---- */

/* x = scale (q - zero) */
typedef struct fr__int8_scale {
  double scale;
  int32_t zero;
} fr__int8_scale;

typedef struct fr__int8_build {
  const fr__program *program;
  const fr__program_step *step;  /* at hand */
  fr__int8_scale *scale;         /* (value_count) */
  const fr__int8_inside *inside; /* of the step at hand */
  fr_int8 *made;
  double *work; /* four times the channels of the widest product */
} fr__int8_build;

/* (real value q = m sum + b) in integers: (mul sum + add) >> shift. */
typedef struct fr__int8_affine_form {
  int32_t *mul;
  int64_t *add;
  int32_t shift;
} fr__int8_affine_form;

/* All operations of build->program, which is fused and laid out, into build->made. */
enum fr_status fr__int8_build_all(fr__int8_build *build, const fr__int8_range *range,
                                  const fr__int8_inside *inside, fr_error *err);

/* `count` elements of constants, zeroed, that live as long as build->made; NULL where
 * there is no memory. */
void *fr__int8_constants(fr_int8 *made, size_t count, size_t size);
/* The shift that keeps |m| 2^shift below 2^30. */
int32_t fr__int8_shift(double greatest);
int32_t fr__int8_mul(double m, int32_t shift);
/* With the half that rounds. */
int64_t fr__int8_add(double b, int32_t shift);
enum fr_status fr__int8_affine_new(fr__int8_build *build, size_t count, const double *m,
                                   const double *b, fr__int8_affine_form *out,
                                   fr_error *err);
/* bn in testing: factor x + shift, of channel c. */
double fr__int8_bn(const fr__layer *bn, size_t c, double *shift);
fr__int8_scale fr__int8_symmetric(float size); /* of a value within -size .. size */
/* A further operation, named after the step at hand; NULL where there is no memory. */
fr__int8_op *fr__int8_op_new(fr__int8_build *build, enum fr__int8_kind kind);
enum fr_status fr__int8_too_wide(const fr__layer *layer, fr_error *err);

/* ---- int8_build_product.c, int8_build_state.c: one function a family ---- */

enum fr_status fr__int8_build_dense(fr__int8_build *build, fr_error *err);
enum fr_status fr__int8_build_conv1d(fr__int8_build *build, fr_error *err);
enum fr_status fr__int8_build_shortcut(fr__int8_build *build, fr_error *err);
enum fr_status fr__int8_build_attention(fr__int8_build *build, fr_error *err);
enum fr_status fr__int8_build_lstm(fr__int8_build *build, fr_error *err);
enum fr_status fr__int8_build_gru(fr__int8_build *build, fr_error *err);

/* int8 weights (outputs, inputs) from (inputs, outputs), of which each output is times
 * factor[o] (NULL: 1); scale[o]: what one step of its weights is worth; 0 where all are
 * 0. Rows of `from` are `ld` floats apart. NULL where there is no memory. */
int8_t *fr__int8_weights(fr_int8 *made, const float *from, size_t inputs, size_t outputs,
                         size_t ld, const double *factor, double *scale);

#endif
