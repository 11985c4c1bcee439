/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nn: networks written as text, their losses, optimizers and metrics. Knows only arrays.
 *
 *   conv1d(64,5) relu bn conv1d(64,5) relu maxpool(2) lstm(128) dense(classes)
 *
 * Letters of the algebra: B batch, T time steps, C channels, K classes. Arrays are
 * row-major float32. A network and all that belongs to it is used by one thread at a
 * time.
 */
#ifndef FRUGAL_NN_H
#define FRUGAL_NN_H

#include "frugal/base.h"
#include "frugal/scheme.h"

/* The shape of one sample between two layers. A feature vector is steps 1. */
typedef struct fr_shape {
  size_t steps;    /* T */
  size_t channels; /* C */
} fr_shape;

#define FR_TENSOR_RANK 4

/* One parameter tensor of a network. The arrays belong to the network. */
typedef struct fr_tensor {
  char name[64]; /* "3.weight": number of the layer, what it is; "3.0.weight" is of the
                    first layer in a residual layer's branch, "3.1.0.weight" in the second
                    branch of a parallel one */
  size_t rank;
  size_t shape[FR_TENSOR_RANK];
  size_t count;    /* product of the shape */
  size_t layer;    /* which it belongs to */
  bool trained;    /* by gradient; running statistics are not */
  float *value;    /* (count) */
  float *gradient; /* (count); NULL for what is not trained by gradient: running
                      statistics */
} fr_tensor;

typedef struct fr_net fr_net;

/* The text of a named network ("small", "big") for that input, or NULL. Static storage.
 */
const char *fr_net_preset(const char *name, fr_shape input);

/* Names of all presets, NULL-terminated. Static storage. */
const char *const *fr_net_preset_names(void);

/*
 * Builds a network from its text (or the name of a preset) for samples of shape `input`;
 * "classes" in the text stands for `classes`. Weights are zero until fr_net_init or a
 * copy. The last layer must give one number for each class. FR_ERR_FORMAT names the layer
 * (people count from 1, tensors and this header from 0) and what it does not accept;
 * FR_ERR_LIMIT and FR_ERR_ARGUMENT a ceiling that is met. *out is the caller's.
 *
 * Layers: dense(units),
 * conv1d(channels,width[,stride][,dilation=D][,groups=G][,pad=same|causal|none]),
 * lstm(units[,all|last][,both]), gru(units[,all|last][,both]), maxpool(width|all),
 * avgpool(width|all), bn[(epsilon)], layernorm[(epsilon)], dropout(share),
 * spatialdropout(share), attention(heads), relu, leaky[(slope)], gelu (the form with
 * tanh), sigmoid, tanh, hardswish, softmax, flatten, residual(layers),
 * parallel(layers | layers ...). dense works on the flattened sequence where the layer
 * before gives (T, C) with T > 1; a recurrent layer gives all its states where a layer
 * that takes a sequence follows, else the last. docs/nn.md has more.
 */
enum fr_status fr_net_new(const char *arch, fr_shape input, size_t classes, fr_net **out,
                          fr_error *err);
void fr_net_free(fr_net *net);

/* Weights by He et al. 2015 (equation 10) where something of relu's kind follows, else by
 * Glorot and Bengio 2010 (equation 16); biases 0, an LSTM's forget bias 1. Layers before
 * `first` are left as they are. */
void fr_net_init(fr_net *net, uint64_t seed, size_t first);

const char *
fr_net_text(const fr_net *net); /* normal form, presets and "classes" resolved */
size_t fr_net_classes(const fr_net *net);
fr_shape fr_net_input(const fr_net *net);
size_t fr_net_layer_count(const fr_net *net);
/* "conv1d(64,5)", output shape, parameters, FLOP of one forward pass of one sample: 2 per
 * multiply-add of a product, one per element and operation elsewhere (docs/nn.md). */
const char *fr_net_layer_text(const fr_net *net, size_t layer);
fr_shape fr_net_layer_shape(const fr_net *net, size_t layer);
/* Its output differs from one training pass to the next: dropout. */
bool fr_net_layer_is_random(const fr_net *net, size_t layer);
size_t fr_net_layer_parameters(const fr_net *net, size_t layer);
uint64_t fr_net_layer_operations(const fr_net *net, size_t layer);
size_t fr_net_parameters(const fr_net *net); /* trained ones */
uint64_t fr_net_operations(const fr_net *net);

/* All tensors, layer by layer, running statistics included; the network's. */
const fr_tensor *fr_net_tensors(const fr_net *net, size_t *count);

/* Copies parameters (and running statistics) of layers [0, layers) where every shape
 * agrees. */
enum fr_status fr_net_copy(fr_net *to, const fr_net *from, size_t layers, fr_error *err);

/*
 * The same network in testing, to rounding, with fewer layers: a bn behind a dense or
 * conv1d becomes part of it, else one before a dense of one step, an lstm, a gru or a
 * conv1d without padding part of that. A bn with no such neighbour, dropout in between
 * apart, stays. *out is the caller's.
 */
enum fr_status fr_net_fold(const fr_net *net, fr_net **out, fr_error *err);

/* Rounds the weights of products (tensors of two axes and more) to what the scheme holds:
 * the nearest, ties to even, of bf16 and f16; of int8 one of 255 steps of the output
 * channel's own (its greatest weight over 127), halves away from zero. FR_ERR_NUMERIC
 * where f16 does not hold one; the weights are then in between. */
enum fr_status fr_net_round(fr_net *net, enum fr_scheme scheme, fr_error *err);
/* All tensors as the scheme stores them: the others, and a scale for each output channel
 * of int8, in float32. */
size_t fr_net_bytes(const fr_net *net, enum fr_scheme scheme);

/* Room for batches of up to `batch` samples; `train` also for gradients of layers from
 * `first` on (layers before are frozen: they run as in testing and get no gradient).
 * Called once before forward; again to change. No allocation happens after it. */
enum fr_status fr_net_reserve(fr_net *net, size_t batch, bool train, size_t first,
                              fr_error *err);

/*
 * Samples of different lengths in one batch: `length` (B) are the steps of the network's
 * input that each sample has; what lies behind them must be 0. Every layer then gives
 * what it would give for the sample alone, and zeros behind its end (docs/nn.md has the
 * one exception). Holds for the passes that follow; the array stays the caller's and must
 * not change between forward and backward. NULL: every sample has all steps.
 */
void fr_net_set_lengths(fr_net *net, const uint32_t *length);

/*
 * Runs layers [from, to) on x, (B, T, C) as layer `from` takes it, and returns the output
 * of layer to-1, the network's own array, valid until the next call (x itself where from
 * is to). `train`: dropout drops and bn uses the batch's statistics (in layers not
 * frozen); x must then stay as it is until backward. `batch` may be less than was
 * reserved.
 */
const float *fr_net_forward(fr_net *net, const float *x, size_t batch, size_t from,
                            size_t to, bool train);

/*
 * Lays the weights of products out for forward passes in testing, which are then faster,
 * a single sample's most of all; the results are the same bits. Where most of a layer's
 * weights are 0, and a sparse kernel is faster for the batch that there is room for,
 * those are left out: the sums are then of another order, and fr_net_operations counts
 * what is executed. Holds until weights change: by fr_net_init, fr_net_copy, a pass with
 * `train` or another precision, which drop it; who writes into a tensor's values calls it
 * again. Takes about as much memory as the weights. Without memory all is as before.
 */
enum fr_status fr_net_prepare(fr_net *net, fr_error *err);

/* Layers whose products leave zeros of the weights out, since fr_net_prepare, and of how
 * many that have products (may be NULL). */
size_t fr_net_sparse_layers(const fr_net *net, size_t *products);

/* After fr_net_forward(…, train true) to the last layer: d loss / d output (B, K) in,
 * gradients of every trained tensor out (set, not added). Once for each forward. */
void fr_net_backward(fr_net *net, const float *d_output, size_t batch);

/* Products and element-wise work on up to `threads` threads from now on, which sleep
 * between two pieces of work; the results do not depend on their count, bit for bit. 1 at
 * first. FR_ERR_ARGUMENT where it is 0 or more than FR_THREADS_CEILING. */
#define FR_THREADS_CEILING 256
enum fr_status fr_net_set_threads(fr_net *net, size_t threads, fr_error *err);

/*
 * What the operands of products (dense, convolution, recurrence, attention), forward and
 * backward, are rounded to; sums, all that is element-wise, weights, gradients and
 * moments stay float32. May be changed between two passes.
 */
enum fr_precision {
  FR_PRECISION_F32,
  FR_PRECISION_BF16, /* 8 bits of significand: Kalamkar et al. 2019, arXiv:1905.12322 */
  FR_PRECISION_INT8, /* weights of 8 bits with a scale for each output channel, what meets
                        them of 8 bits with a range of its own for each row, or sample of
                        a convolution; in testing after fr_net_prepare, else float32 */
  FR_PRECISIONS
};
void fr_net_set_precision(fr_net *net, enum fr_precision precision);
enum fr_precision fr_net_precision(const fr_net *net);
/* Whether this CPU does products of that precision faster than float32's; `set` (may be
 * NULL): by which instructions, "avx512bf16"; static storage. Where it does not, they are
 * rounded and multiplied as float32. */
bool fr_net_precision_is_fast(const fr_net *net, enum fr_precision precision,
                              const char **set);

/* Restarts the stream of random numbers of dropout. */
void fr_net_seed(fr_net *net, uint64_t seed);
/* Its state, for a run that is to be taken up again. */
void fr_net_get_random(const fr_net *net, uint64_t state[4]);
void fr_net_set_random(fr_net *net, const uint64_t state[4]);

/* After a backward pass: false where a gradient is infinite or NaN. */
bool fr_net_gradients_finite(const fr_net *net);
/* Where it began, after a pass of `batch` samples: "the output of layer 3 'relu'". */
void fr_net_describe_infinite(const fr_net *net, size_t batch, char *text, size_t size);

/* ---- loss ---- */

enum fr_loss {
  FR_LOSS_CROSS_ENTROPY, /* softmax inside: the network ends in logits */
  FR_LOSS_SQUARED,       /* 1/2 sum (y - t)^2 per sample, t one-hot or the values */
  FR_LOSS_BINARY         /* sigmoid inside; one yes or no for each output */
};

typedef struct fr_loss_options {
  enum fr_loss kind;
  float label_smoothing; /* [0, 1): share of the target spread over all classes (Szegedy
                            et al. 2016, section 7); cross-entropy only */
  float focal;           /* gamma of Lin et al. 2017, equation 4: each sample's loss (each
                            output's, where binary) times (1 - p)^gamma, p being what the
                            network gives to the truth; 0: none; not squared */
  const float *class_weight; /* (K) times the loss of samples of that class, of that
                                output where binary; cross-entropy then divides by the sum
                                of the weights; borrowed; NULL: 1; not squared */
  float distill;             /* [0, 1]: share of the teacher's part (Hinton et al. 2015,
                                section 2); 0: none; cross-entropy only */
  float temperature;         /* of both softmaxes in the teacher's part, which is times
                                temperature^2; 0: 1 */
  /* (K) times the loss of a 'yes' of that output (PyTorch's pos_weight); borrowed; NULL:
   * 1; binary only. */
  const float *positive_weight;
} fr_loss_options;

/* What the outputs of a batch are compared with. */
typedef struct fr_targets {
  const uint32_t *label; /* (B) class of each sample; NULL: `value` tells */
  const float *value;    /* (B, K) 0 or 1 (binary), any number (squared); NaN: missing, no
                            loss and no gradient; NULL: `label` tells */
  /* Mixed samples (Zhang et al. 2018, mixup): `share` (B) in [0, 1] of the label, the
   * rest of class `other` (B), each with the loss that it has alone; of squared and
   * binary losses the target is mixed so, and `value` comes mixed already. NULL: none is.
   */
  const uint32_t *other;
  const float *share;
  const float *teacher; /* (B, K) logits of the teacher; -INFINITY: a class that it does
                           not know and is not asked about; NULL: none, and the loss is
                           that of distill 0: validation needs no teacher */
} fr_targets;

/* FR_ERR_ARGUMENT, with a sentence, for options out of range or that the kind does not
 * know. */
enum fr_status fr_loss_check(const fr_loss_options *options, size_t classes,
                             fr_error *err);

/* Mean over the batch of the loss of `output` (B, K) against `targets` (binary: mean over
 * the values that are not missing); its gradient into d_output (B, K), which may be NULL.
 * A sample whose label is no class, or all of whose values are missing, is left out of
 * the mean; 0 where nothing is left. Cross-entropy needs labels. docs/nn.md has the
 * formulas. */
double fr_loss_compute(const fr_loss_options *options, const float *output,
                       const fr_targets *targets, size_t batch, size_t classes,
                       float *d_output);

/* What that mean divides by, from the targets alone: count of samples or values, or sum
 * of class weights. The mean over several batches is the sum of weight times mean,
 * divided by the sum of the weights, and so are its gradients. */
double fr_loss_weight(const fr_loss_options *options, const fr_targets *targets,
                      size_t batch, size_t classes);

/* Class weights that let each class that occurs count the same: n / (k n_class), n the
 * samples, k the classes that occur (scikit-learn's "balanced"); 0 for a class that does
 * not. FR_ERR_ARGUMENT where no label is a class. */
enum fr_status fr_loss_balanced_weights(const uint32_t *label, size_t count,
                                        size_t classes, float *weight /* (K) */,
                                        fr_error *err);

#define FR_POSITIVE_WEIGHT_CEILING 100

/* Positive weights that let the yes and the no of each output count the same: its noes
 * over its yeses in `value` (count, K), NaN being neither; at most
 * FR_POSITIVE_WEIGHT_CEILING, for a few samples must not rule the gradient; 1 where an
 * answer never occurs. FR_ERR_ARGUMENT where nothing is told at all. */
enum fr_status fr_loss_balanced_positives(const float *value, size_t count,
                                          size_t classes, float *weight /* (K) */,
                                          fr_error *err);

/* "cross-entropy", "squared", "binary"; an underscore may stand for the hyphen. */
bool fr_loss_parse(const char *name, enum fr_loss *out);
const char *fr_loss_name(enum fr_loss loss);

/* ---- optimizer ---- */

enum fr_optimizer_kind {
  FR_OPTIMIZER_SGD,
  FR_OPTIMIZER_ADAM,
  FR_OPTIMIZER_ADAMW,
  FR_OPTIMIZER_RMSPROP
};

typedef struct fr_optimizer_options {
  enum fr_optimizer_kind kind;
  float learning_rate;
  float momentum; /* SGD, RMSprop */
  bool nesterov;  /* SGD (Sutskever et al. 2013) */
  float alpha;    /* RMSprop (Hinton 2012, lecture 6e): share of the old mean square */
  float beta1, beta2; /* Adam (Kingma and Ba 2015, algorithm 1), AdamW */
  float epsilon;
  float weight_decay; /* AdamW: decoupled (Loshchilov and Hutter 2019, algorithm 2);
                         others: added to the gradient */
  float clip_norm;    /* the gradient of all tensors together is scaled down to this
                         Euclidean norm (Pascanu et al. 2013, algorithm 1); 0: never */
  float clip_value;   /* every number of it is held to [-c, c] first; 0: never */
} fr_optimizer_options;

fr_optimizer_options fr_optimizer_default_options(void); /* AdamW, 0.002 */
/* The same with what is usual for that kind: momentum 0.9 for SGD, 0 for RMSprop. */
fr_optimizer_options fr_optimizer_usual_options(enum fr_optimizer_kind kind);

typedef struct fr_optimizer fr_optimizer;

/* For the tensors of layers from `first` on; the network must outlive it. `rate_scale`
 * (layers) multiplies the learning rate per layer; 0: left as it is, and out of the
 * clipped norm; NULL: 1 everywhere. Copied. FR_ERR_ARGUMENT names an option out of range,
 * or that the kind does not know. */
enum fr_status fr_optimizer_new(const fr_net *net, size_t first,
                                const fr_optimizer_options *options,
                                const float *rate_scale, fr_optimizer **out,
                                fr_error *err);
void fr_optimizer_free(fr_optimizer *optimizer);

/* One step by the gradients of the last backward pass, which are clipped, and get the
 * decay added, in place. False where one of them is infinite or NaN: then nothing was
 * changed and the step is not counted. */
bool fr_optimizer_step(fr_optimizer *optimizer);

/* Another learning rate from the next step on, for schedules. */
void fr_optimizer_set_rate(fr_optimizer *optimizer, float learning_rate);

/* Moments and count of steps, for a run that is to be taken up again: the optimizer's own
 * array of *count floats (0 for plain SGD), to be written out or filled, and the steps
 * done so far. The same network, `first`, kind, scales that are 0, and momentum being 0
 * or not give the same layout. */
float *fr_optimizer_state(fr_optimizer *optimizer, size_t *count);
uint64_t fr_optimizer_steps(const fr_optimizer *optimizer);
void fr_optimizer_set_steps(fr_optimizer *optimizer, uint64_t steps);
/* Tensors of layers [from, to) have no gradient in the first `steps` steps: the
 * correction of their moments (Adam) counts from there. */
void fr_optimizer_set_start(fr_optimizer *optimizer, size_t from, size_t to,
                            uint64_t steps);

/* "sgd", "adam", "adamw", "rmsprop". */
bool fr_optimizer_parse(const char *name, enum fr_optimizer_kind *out);
const char *fr_optimizer_name(enum fr_optimizer_kind kind);

/* ---- schedule of the learning rate ---- */

enum fr_schedule_kind {
  FR_SCHEDULE_CONSTANT,
  FR_SCHEDULE_STEP,        /* times `factor` every `every` epochs */
  FR_SCHEDULE_EXPONENTIAL, /* times `factor` every epoch */
  FR_SCHEDULE_COSINE,   /* half a cosine down to `final` (Loshchilov and Hutter 2017) */
  FR_SCHEDULE_ONE_CYCLE /* up over `rise`, down to `final` (Smith and Topin 2019) */
};

typedef struct fr_schedule {
  enum fr_schedule_kind kind;
  double factor; /* step, exponential */
  double every;  /* step: epochs */
  double final;  /* cosine, one-cycle: the last rate as a share of the learning rate */
  double start;  /* one-cycle: the first rate as a share of the learning rate */
  double rise;   /* one-cycle: share of all steps until the learning rate is reached */
  double warmup; /* epochs of a linear rise from 0 before it; the schedule itself starts
                    behind them */
} fr_schedule;

/* "constant", "step(0.5,10)" (factor, epochs), "exponential(0.95)", "cosine[(final)]"
 * (0), "one-cycle[(rise[,start[,final]])]" (0.3, 0.04, 0.0001); where wanted, with
 * " warmup(epochs)" behind it; an underscore may stand for the hyphen.
 * FR_ERR_FORMAT says in one sentence what is not accepted; *out is then untouched. */
enum fr_status fr_schedule_parse(const char *text, fr_schedule *out, fr_error *err);

/* What the learning rate is multiplied by in step `step` (the first is 0) of `steps`, at
 * `steps_per_epoch`. Steps behind the last are as the last. */
double fr_schedule_factor(const fr_schedule *schedule, uint64_t step, uint64_t steps,
                          uint64_t steps_per_epoch);

/* ---- metrics ---- */

/* Answers for one label where each output says yes or no. */
typedef struct fr_label_counts {
  uint64_t true_positive, false_positive, false_negative, true_negative;
} fr_label_counts;

typedef struct fr_metrics {
  size_t classes;      /* or labels */
  size_t samples;      /* that had a class, or a value of any label */
  size_t answers;      /* right or wrong ones: samples, or values that were not missing */
  uint64_t *confusion; /* (classes, classes): row true, column predicted; owned; NULL:
                          `label` tells */
  fr_label_counts *label;             /* (classes); owned; NULL: `confusion` tells */
  double loss;                        /* mean over answers */
  double accuracy;                    /* right answers */
  double accuracy_low, accuracy_high; /* Wilson's 95 % interval (Wilson 1927) */
  double macro_f1;                    /* over classes or labels that occur */
  double weighted_f1; /* the same, each weighing as often as it occurs (of labels, as
                         often as it is a yes), as scikit-learn's average='weighted' */
  double balanced_accuracy; /* mean recall over classes that occur; for labels the mean of
                               (sensitivity + specificity) / 2 over those that had both
                               answers (Vaizman et al. 2017); NaN where none had */
  uint8_t *answer; /* (room, classes) each sample's, for the intervals; owned; may be NULL
                    */
  size_t room;
} fr_metrics;

/* _add: outputs of a batch with the mean of its loss; the greatest output is the class
 * that is called, a label that is no class is passed over. _finish: the figures; NaN,
 * with the interval from 0 to 1, where no sample was tested. */
enum fr_status fr_metrics_init(fr_metrics *metrics, size_t classes, fr_error *err);
void fr_metrics_release(fr_metrics *metrics);
void fr_metrics_add(fr_metrics *metrics, const float *output, /* (B, K) */
                    const uint32_t *label, size_t batch, double loss);
void fr_metrics_finish(fr_metrics *metrics);

/*
 * Where each output is a yes or no (FR_LOSS_BINARY). _add_values: an output above 0 is a
 * yes, a value above 1/2 is one, NaN is missing and counts nowhere; `loss` as
 * fr_loss_compute gives it. Answers of up to `room` samples are kept, a byte each, which
 * fr_metrics_intervals needs of all; 0: none. Nothing is allocated after _init_labels.
 * One sample's answers depend on each other, so Wilson's interval of the accuracy is too
 * narrow by what they do.
 */
enum fr_status fr_metrics_init_labels(fr_metrics *metrics, size_t labels, size_t room,
                                      fr_error *err);
void fr_metrics_add_values(fr_metrics *metrics, const float *output, /* (B, K) */
                           const float *value,                       /* (B, K) */
                           size_t batch, double loss);

/* 95 % bounds that contain the value. */
typedef struct fr_metrics_bounds {
  double macro_f1_low, macro_f1_high;
  double weighted_f1_low, weighted_f1_high;
  double balanced_accuracy_low, balanced_accuracy_high;
} fr_metrics_bounds;

/* By the bootstrap over samples, 400 resamples (fewer, but at least 40, above 50,000
 * samples, or samples times labels); deterministic per seed. NaN where the figure is.
 * FR_ERR_ARGUMENT where nothing was tested, FR_ERR_UNSUPPORTED where not all answers were
 * kept. */
enum fr_status fr_metrics_intervals(const fr_metrics *metrics, uint64_t seed,
                                    fr_metrics_bounds *out, fr_error *err);

#endif
