/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a layer family is: one file, one descriptor, one line in the table of layer.c.
 * Nothing else knows which families there are.
 */
#ifndef FR_NN_LAYER_H
#define FR_NN_LAYER_H

#include "base/rng.h"
#include "frugal/nn.h"
#include "kern/kern.h"
#include "kern/sparse.h"

#define FR__LAYER_TEXT 1024   /* bytes of "conv1d(64,5)", NUL included */
#define FR__LAYER_TENSORS 8   /* of one layer */
#define FR__LAYER_ARGUMENTS 8 /* of one layer */
#define FR__LAYER_DEPTH 4     /* of layers in branches of layers */
#define FR__LAYER_BRANCHES 16 /* of one layer */
#define FR__LAYER_OPERANDS 4
#define FR__ARGUMENT_TEXT 48                  /* bytes of one argument, NUL included */
#define FR__COUNT_CEILING ((size_t)1 << 16)   /* units, channels, width, stride */
#define FR__ELEMENT_CEILING ((size_t)1 << 26) /* T * C of one sample */

typedef struct fr__layer fr__layer;
typedef struct fr__chain fr__chain; /* chain.h */
typedef struct fr__cell fr__cell;   /* recurrent.h */

/* Where a layer's output may lie. */
enum fr__place {
  FR__PLACE_NEW,  /* never over its input */
  FR__PLACE_OVER, /* over its input, where nobody needs that any more */
  FR__PLACE_SAME  /* the same numbers in the same order: always over its input */
};

/* What a step of y depends on, in testing: what windows that slide may share (stream.h).
 */
enum fr__flow {
  FR__FLOW_WHOLE,   /* any step of x */
  FR__FLOW_STEPS,   /* the same step of x, over which it may lie */
  FR__FLOW_SPANS,   /* a run of them: `span` */
  FR__FLOW_STATES,  /* the steps before it: `cell` */
  FR__FLOW_BRANCHES /* the same step of x and of the branches: `join` */
};

/* Step t of y sees `extent` steps of x from t stride - left on; outside of x are zeros.
 */
typedef struct fr__span {
  size_t extent, stride, left;
} fr__span;

/* What a layer means to the initial weights of the product before it. */
enum fr__kin {
  FR__KIN_OTHER,
  FR__KIN_RECTIFIER,  /* halves the variance: weights by He et al. 2015 */
  FR__KIN_TRANSPARENT /* look at the layer behind */
};

enum fr__padding { FR__PAD_NONE, FR__PAD_SAME, FR__PAD_CAUSAL };

/* Which states a recurrent layer gives. */
enum fr__states {
  FR__STATES_UNTOLD, /* all where a layer that takes a sequence follows, else the last */
  FR__STATES_LAST,
  FR__STATES_ALL
};

/* A piece of a network's text. */
typedef struct fr__source {
  const char *text;
  size_t at, end; /* bytes; what is read moves `at` */
  size_t classes; /* what the word "classes" stands for */
} fr__source;

/* What stands in the parentheses, split at the commas of the outermost level. */
typedef struct fr__arguments {
  const fr__layer *layer; /* whose they are, for messages */
  size_t classes;         /* what the word "classes" stands for */
  fr__source body;        /* all of it as it stands, for families of branches; empty
                             without parentheses */
  size_t count;
  char text[FR__LAYER_ARGUMENTS][FR__ARGUMENT_TEXT];
} fr__arguments;

/* A tensor that a layer asks for. */
typedef struct fr__tensor_need {
  const char *name; /* "weight" */
  size_t rank;
  size_t shape[FR_TENSOR_RANK];
  bool trained; /* by gradient */
} fr__tensor_need;

/* One run over one batch. Samples of fewer steps than the batch has are padded with zeros
 * at the end: whatever lies at or behind a sample's length is zero in every x, and the
 * chain makes it so in every y, dy and dx. */
typedef struct fr__pass {
  const fr__kern *kern;
  fr__rng *rng;
  size_t batch; /* B */
  bool train;   /* for this layer: false in a frozen one */
  bool rectify; /* for this layer: relu comes next, and its product does that, too */
  const uint32_t *length; /* (B) steps of x that each sample has; NULL: all of them */
} fr__pass;

/* What fr_net_reserve was asked for. */
typedef struct fr__room {
  size_t batch;
  bool train;
  size_t first; /* layers of the network before it are frozen */
} fr__room;

typedef struct fr__layer_ops {
  const char *name;
  const char *usage;
  enum fr__place place;
  enum fr__kin kin;
  bool reads_output;   /* backward reads y, so that nobody may write over it */
  bool takes_sequence; /* means little on a single step: conv1d, recurrence, pooling */
  bool lends;          /* after backward others may write over all of its workspace */
  bool random;         /* another output in every training pass: dropout */
  bool branches;       /* the arguments are layers: its parse splits the body itself */
  bool rectifier;      /* y = max(x, 0), which a product before it can do by the way */
  /* Whether forward does that by the way where the pass says so; NULL: never. */
  bool (*rectifies)(const fr__layer *layer);
  /* Reads the arguments and sets the normal form of the text. */
  enum fr_status (*parse)(fr__layer *layer, const fr__arguments *arguments,
                          fr_error *err);
  /* Told before `shape` whether what follows takes a sequence; NULL: all the same. */
  void (*before)(fr__layer *layer, bool sequence_follows);
  /* out from in; NULL: the same. */
  enum fr_status (*shape)(fr__layer *layer, fr_error *err);
  /* Fills need[] and returns how many; trained ones first; NULL: none. */
  size_t (*tensors)(const fr__layer *layer, fr__tensor_need need[FR__LAYER_TENSORS]);
  uint64_t (*operations)(const fr__layer *layer); /* FLOP of one sample, forward */
  /* Steps of y for a sample with `length` steps of x; NULL: as many. Not asked where y
   * has one step, which every sample has. */
  size_t (*length)(const fr__layer *layer, size_t length);
  /* Right-hand sides of its products in testing, of which n, k, b, ldb are told, and of
   * the left-hand side m, lda and batch: rows that one sample has in one product, and how
   * many products; how many sides. `packed` of a layer, where it is not NULL, holds them
   * packed, `sparse`, where it is used, what is left of them. NULL: none. */
  size_t (*operands)(const fr__layer *layer, fr__gemm operand[FR__LAYER_OPERANDS]);
  enum fr__flow flow;
  fr__span (*span)(const fr__layer *layer); /* of FR__FLOW_SPANS */
  const fr__cell *cell;                     /* of FR__FLOW_STATES */
  /* Of FR__FLOW_BRANCHES: brings what that branch gave, f (B, out.steps, its channels),
   * and for the first one x, into y. */
  void (*join)(fr__layer *layer, const fr__pass *pass, size_t branch, const float *f);
  /* Floats that the layer keeps for a batch; `train`: from forward to backward too; NULL:
   * 0. */
  size_t (*workspace)(const fr__layer *layer, size_t batch, bool train);
  /* Initial values; `rectified`: a rectifier follows; NULL: nothing to set. */
  void (*init)(fr__layer *layer, fr__rng *rng, bool rectified);
  /* y from x. */
  void (*forward)(fr__layer *layer, const fr__pass *pass);
  /* Gradients of the layer's tensors, set, and dx from dy; dx NULL: not wanted. dx may be
   * dy unless place is FR__PLACE_NEW. Called at most once after each forward with
   * `train`. */
  void (*backward)(fr__layer *layer, const fr__pass *pass, const float *dy, float *dx);
} fr__layer_ops;

/* Where a layer stands: its number in the network, then, for each layer that holds it,
 * the branch, where there are several, and the number in the branch; all count from 0. */
typedef struct fr__path {
  size_t number[2 * FR__LAYER_DEPTH + 1];
  size_t count;
  size_t depth; /* layers that hold it, one inside the other */
} fr__path;

struct fr__layer {
  const fr__layer_ops *ops;
  fr__path path;
  char text[FR__LAYER_TEXT]; /* normal form */
  fr_shape in, out;

  /* What the text says; each family uses its own. */
  size_t units; /* outputs of one step */
  size_t width, stride, dilation, groups;
  size_t heads; /* of attention */
  enum fr__padding padding;
  enum fr__states states;
  bool all;      /* steps: a pool's; every state, of a recurrent layer */
  bool both;     /* directions */
  float factor;  /* dropout's share, leaky's slope */
  float epsilon; /* bn, layernorm: added to the variance */

  fr__chain *branch; /* (branch_count) of layers; owned; NULL in other families */
  size_t branch_count;

  fr_tensor *tensor; /* (tensor_count) of the network's */
  size_t tensor_count;
  const float *packed[FR__LAYER_OPERANDS]; /* since fr_net_prepare; else NULL */
  fr__sparse sparse[FR__LAYER_OPERANDS];   /* likewise; begin NULL: it is not used */

  /* For the batch at hand; all but x lie in the network's arena. */
  bool kept;        /* backward will come: keep what it needs */
  const float *x;   /* (B, in.steps, in.channels) */
  float *y;         /* (B, out.steps, out.channels) */
  float *workspace; /* NULL where none is asked for */
  float *dx;        /* where the chain has the gradient of x written; dy may lie there */
  uint32_t *length; /* (B) steps of y that each sample has, where a pass tells lengths */
};

/* ---- layer.c: the table, and what families share ---- */

const fr__layer_ops *fr__layer_find(const char *name);
/* FLOP of one sample, forward, as it is executed: without what sparse kernels leave out.
 */
uint64_t fr__layer_operations(const fr__layer *layer);
/* The sparse form of an operand for fr__gemm; NULL: it is not used. */
const fr__sparse *fr__layer_sparse(const fr__layer *layer, size_t operand);
/* "dense, conv1d, …" into text. */
void fr__layer_names(char *text, size_t size);

/* "layer 3 'conv1d(64,99)': …", "layer 3.1 '…'" in a branch; people count from 1. */
enum fr_status fr__layer_fail(const fr__layer *layer, fr_error *err, const char *format,
                              ...) __attribute__((format(printf, 3, 4)));
void fr__layer_set_text(fr__layer *layer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Sets the normal form of a layer with branches from theirs. */
enum fr_status fr__branches_text(fr__layer *layer, fr_error *err);
size_t fr__shape_elements(fr_shape shape);
/* Random itself, or a layer in its branches is. */
bool fr__layer_is_random(const fr__layer *layer);
/* For families without arguments. */
enum fr_status fr__layer_parse_bare(fr__layer *layer, const fr__arguments *arguments,
                                    fr_error *err);
#define FR__EPSILON 1e-5f /* where the text says nothing */
/* For families with nothing but an epsilon, from 1e-12 to 1. */
enum fr_status fr__layer_parse_epsilon(fr__layer *layer, const fr__arguments *arguments,
                                       fr_error *err);
/* One operation per element of the output. */
uint64_t fr__layer_operations_each(const fr__layer *layer);
/* A matrix of initial weights: He normal or Glorot uniform. */
void fr__init_weights(float *value, size_t count, size_t fan_in, size_t fan_out,
                      bool rectified, fr__rng *rng);

/* ---- parse.c: arguments ---- */

enum fr_status fr__arguments_between(const fr__arguments *arguments, size_t low,
                                     size_t high, fr_error *err);
/* A whole number in [1, FR__COUNT_CEILING], or "classes"; `what` names it in the
 * sentence. */
enum fr_status fr__argument_count(const fr__arguments *arguments, size_t index,
                                  const char *what, size_t *out, fr_error *err);
/* A number in [low, high]. */
enum fr_status fr__argument_number(const fr__arguments *arguments, size_t index,
                                   const char *what, double low, double high, float *out,
                                   fr_error *err);
bool fr__argument_is(const fr__arguments *arguments, size_t index, const char *word);
/* What follows "key=" in the argument; NULL where it begins otherwise. */
const char *fr__argument_value(const fr__arguments *arguments, size_t index,
                               const char *key);

/* Reads the next layer into layer->ops and its arguments; *more is false where only white
 * space is left. layer->path is given. */
enum fr_status fr__parse_layer(fr__source *source, fr__layer *layer, bool *more,
                               fr_error *err);

extern const fr__layer_ops fr__layer_dense, fr__layer_conv1d, fr__layer_maxpool,
    fr__layer_avgpool, fr__layer_lstm, fr__layer_bn, fr__layer_dropout, fr__layer_relu,
    fr__layer_leaky, fr__layer_gelu, fr__layer_sigmoid, fr__layer_tanh, fr__layer_softmax,
    fr__layer_flatten, fr__layer_residual, fr__layer_parallel, fr__layer_layernorm,
    fr__layer_spatialdropout, fr__layer_hardswish, fr__layer_gru, fr__layer_attention,
    fr__layer_fakequant;

#endif
