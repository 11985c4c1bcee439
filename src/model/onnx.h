/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ONNX graph while it is written: one function a layer family turns the layer into
 * nodes. The graph keeps its first failure and does nothing after it, so that a run of
 * calls needs one check at its end. All text and numbers are the graph's.
 */
#ifndef FR_MODEL_ONNX_H
#define FR_MODEL_ONNX_H

#include "frugal/data.h"
#include "model/onnx.pb-c.h"
#include "nn/chain.h"

#define FR__ONNX_INPUTS 5 /* ceilings of one node */
#define FR__ONNX_OUTPUTS 3
#define FR__ONNX_ATTRIBUTES 6
#define FR__ONNX_RANK 4

typedef struct fr__onnx_piece fr__onnx_piece;

typedef struct fr__onnx {
  Fr__Onnx__GraphProto graph;
  fr__onnx_piece *piece; /* all that the graph points to; owned */
  enum fr_status status; /* the first failure */
  fr_error *err;         /* where its sentence goes; may be NULL */
} fr__onnx;

/* How the numbers of a batch lie. */
enum fr__onnx_layout {
  FR__ONNX_STEPS,    /* (B, T, C), as frugal has them */
  FR__ONNX_CHANNELS, /* (B, C, T), as Conv takes them */
  FR__ONNX_TIME,     /* (T, B, C), as LSTM takes them */
  FR__ONNX_FLAT      /* (B, C): T is 1 */
};

typedef struct fr__onnx_value {
  const char *name;
  enum fr__onnx_layout layout;
  fr_shape shape; /* of one sample */
} fr__onnx_value;

/* ---- onnx_graph.c: nodes, constants, names ---- */

void fr__onnx_init(fr__onnx *g, fr_error *err);
void fr__onnx_release(fr__onnx *g);

/* `size` zeroed bytes of the graph's; NULL after a failure. */
void *fr__onnx_take(fr__onnx *g, size_t size);
const char *fr__onnx_printf(fr__onnx *g, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "3.lstm"; with `what` "3.lstm.what". */
const char *fr__onnx_name(fr__onnx *g, const fr__layer *layer, const char *what);

typedef struct fr__onnx_call {
  const char *op;                    /* "Conv" */
  const char *name;                  /* the node's, and its output's unless `out` tells */
  const char *in[FR__ONNX_INPUTS];   /* up to the first NULL */
  const char *const *list;           /* in the place of `in`: any count, then NULL */
  const char *out[FR__ONNX_OUTPUTS]; /* likewise; "" is an output that nobody takes */
} fr__onnx_call;

/* For the attributes; NULL after a failure, which they accept. */
Fr__Onnx__NodeProto *fr__onnx_node(fr__onnx *g, fr__onnx_call call);
void fr__onnx_set_int(fr__onnx *g, Fr__Onnx__NodeProto *node, const char *name,
                      int64_t value);
void fr__onnx_set_ints(fr__onnx *g, Fr__Onnx__NodeProto *node, const char *name,
                       size_t count, const int64_t *value);
void fr__onnx_set_float(fr__onnx *g, Fr__Onnx__NodeProto *node, const char *name,
                        float value);
void fr__onnx_set_text(fr__onnx *g, Fr__Onnx__NodeProto *node, const char *name,
                       const char *value);

/* A node without attributes, of one or (b not NULL) two inputs; returns `name`. */
const char *fr__onnx_op(fr__onnx *g, const char *op, const char *name, const char *a,
                        const char *b);

/* A constant of that shape, zeros for the caller to fill; NULL after a failure. */
float *fr__onnx_floats(fr__onnx *g, const char *name, size_t rank, const size_t *shape);
/* One number; returns `name`. */
const char *fr__onnx_scalar(fr__onnx *g, const char *name, float value);
/* A row of `count` numbers; returns `name`. */
const char *fr__onnx_row(fr__onnx *g, const char *name, const float *value, size_t count);
const char *fr__onnx_ints(fr__onnx *g, const char *name, size_t count,
                          const int64_t *value);
/* The constant [axis], one for the whole graph. */
const char *fr__onnx_axis(fr__onnx *g, int64_t axis);

/* The layer's tensor of that name ("weight"); NULL and a failure where it has none. */
const fr_tensor *fr__onnx_tensor(fr__onnx *g, const fr__layer *layer, const char *what);
/* That tensor as a constant, as it lies; its name. */
const char *fr__onnx_weights(fr__onnx *g, const fr__layer *layer, const char *what);

/* Whether a node gives, or a constant is, a value of that name. */
bool fr__onnx_has(const fr__onnx *g, const char *name);
/* Another name for a value that a node gives, wherever it occurs. */
void fr__onnx_rename(fr__onnx *g, const char *from, const char *to);

/* ---- onnx_layout.c ---- */

/* The same numbers in another layout (FLAT: T must be 1); at most one node, which those
 * who ask for the same share. */
fr__onnx_value fr__onnx_as(fr__onnx *g, fr__onnx_value x, enum fr__onnx_layout layout);
/* (B, T * C), steps outermost. */
fr__onnx_value fr__onnx_flat(fr__onnx *g, fr__onnx_value x);
int64_t fr__onnx_channel_axis(enum fr__onnx_layout layout);

/* ---- onnx_input.c ---- */

/* The input as the normaliser leaves it; x itself where there is none. */
fr__onnx_value fr__onnx_normalizer(fr__onnx *g, const fr_normalizer *n, fr__onnx_value x);

/* ---- the layers ---- */

/* Nodes for one layer; its output. */
typedef fr__onnx_value fr__onnx_emit(fr__onnx *g, const fr__layer *layer,
                                     fr__onnx_value x);

/* The function for a family; NULL where there is none. */
fr__onnx_emit *fr__onnx_find(const char *family);
fr__onnx_value fr__onnx_chain(fr__onnx *g, const fr__chain *chain, fr__onnx_value x);

fr__onnx_emit fr__onnx_dense, fr__onnx_conv1d;              /* onnx_product.c */
fr__onnx_emit fr__onnx_lstm, fr__onnx_gru;                  /* onnx_recurrent.c */
fr__onnx_emit fr__onnx_attention;                           /* onnx_attention.c */
fr__onnx_emit fr__onnx_bn, fr__onnx_layernorm;              /* onnx_norm.c */
fr__onnx_emit fr__onnx_maxpool, fr__onnx_avgpool;           /* onnx_pool.c */
fr__onnx_emit fr__onnx_residual, fr__onnx_parallel;         /* onnx_branch.c */
fr__onnx_emit fr__onnx_relu, fr__onnx_leaky, fr__onnx_gelu, /* onnx_activation.c */
    fr__onnx_sigmoid, fr__onnx_tanh, fr__onnx_hardswish, fr__onnx_softmax;

/* What testing leaves as it is: dropout. */
fr__onnx_emit fr__onnx_identity;
fr__onnx_emit fr__onnx_flatten;

#endif
