/* SPDX-License-Identifier: Apache-2.0 */
/* A network in integers: a list of operations on one buffer of bytes. */
#ifndef FR_NN_INT8_H
#define FR_NN_INT8_H

#include "frugal/int8.h"
#include "kern/int8.h"
#include "nn/int8_ops.h"

enum fr__int8_kind {
  FR__INT8_DENSE,
  FR__INT8_LOGITS,
  FR__INT8_CONV1D,
  FR__INT8_AFFINE,
  FR__INT8_PLACE,
  FR__INT8_ADD,
  FR__INT8_TABLE,
  FR__INT8_MAXPOOL,
  FR__INT8_AVGPOOL,
  FR__INT8_SOFTMAX,
  FR__INT8_LAYERNORM,
  FR__INT8_LSTM,
  FR__INT8_GRU,
  FR__INT8_ATTENTION,
  FR__INT8_KINDS
};

/* What all operations share. */
typedef struct fr__int8_tables {
  int16_t sigmoid[257], tanh[257]; /* Q0.15 of x = -8, -8 + 1/16, ... 8 */
  uint16_t whole[16], part[256];   /* e^-i and e^(-i / 256), 15 binary places */
} fr__int8_tables;

typedef struct fr__int8_op {
  enum fr__int8_kind kind;
  size_t in, other, out; /* bytes from the begin of the buffer; LOGITS writes elsewhere */
  char number[64];       /* of the layer, "3_1_0" */
  char note[192];        /* the layer's text and shapes, for people */
  union {
    struct fr__int8_dense dense;
    struct fr__int8_logits logits;
    struct fr__int8_conv1d conv1d;
    struct fr__int8_affine affine;
    struct fr__int8_place place;
    struct fr__int8_add add;
    struct fr__int8_table table;
    struct fr__int8_maxpool maxpool;
    struct fr__int8_avgpool avgpool;
    struct fr__int8_softmax softmax;
    struct fr__int8_layernorm layernorm;
    struct fr__int8_lstm lstm;
    struct fr__int8_gru gru;
    struct fr__int8_attention attention;
  } of;
} fr__int8_op;

typedef struct fr__int8_fast fr__int8_fast;

struct fr_int8 {
  fr_shape input;
  size_t classes;
  fr__int8_op *op; /* (op_count), owned */
  size_t op_count;
  size_t op_capacity;

  float factor_in; /* 2 / scale, as quantize takes it */
  int32_t zero_in;
  float scale_out; /* output = scale_out (q - zero_out) */
  int32_t zero_out;
  bool wide;         /* the last operation is LOGITS; else the output is at `output` */
  size_t in, output; /* bytes from the begin of the buffer */

  size_t buffer;                /* bytes of activations */
  size_t room8, room16, room32; /* elements that single operations work in */
  size_t constants;             /* bytes of weights, multipliers and tables */
  fr__int8_tables tables;
  void **array; /* (array_count) constants, owned, each too */
  size_t array_count;

  /* What a run works in; owned. */
  int8_t *values;      /* (buffer) */
  int8_t *small;       /* (room8) */
  int16_t *middle;     /* (room16) */
  int32_t *large;      /* (room32) */
  int16_t *logits;     /* (classes) */
  fr__int8_fast *fast; /* owned */
};

/* ---- int8_kernels.c: as plain loops, as exported C has them ---- */

void fr__int8_run_plain(const fr_int8 *int8, const float *x, float *output);
/* One operation on a buffer like int8->values; LOGITS writes to int8->logits. */
void fr__int8_run_op(const fr_int8 *int8, const fr__int8_op *op, int8_t *values);
/* floor(v / 2^shift), clamped. */
int8_t fr__int8_narrow(int64_t v, int32_t shift);
int16_t fr__int8_narrow_16(int64_t v, int32_t shift);
/* A step of one sample, from the sums of its products (4H); gates: room (4H). */
void fr__int8_lstm_sums(const struct fr__int8_lstm *lstm, const int32_t *over_x,
                        const int32_t *over_h, int16_t *gates, int16_t *cell, int8_t *h);

/* The same of a GRU, from sums of (3H); gates: room (4H). */
void fr__int8_gru_sums(const struct fr__int8_gru *gru, const int32_t *over_x,
                       const int32_t *over_h, int16_t *gates, int16_t *state, int8_t *h);

/* ---- int8_fast.c: by the kernels of this CPU, to the same bits ---- */

/* Packs the weights of int8->op. */
enum fr_status fr__int8_fast_new(const fr_int8 *int8, fr__int8_fast **out, fr_error *err);
void fr__int8_fast_free(fr__int8_fast *fast);

#endif
