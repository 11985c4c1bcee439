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

/* The shape of one sample between two layers. A feature vector is steps 1. */
typedef struct fr_shape {
  size_t steps;    /* T */
  size_t channels; /* C */
} fr_shape;

#define FR_TENSOR_RANK 4

/* One parameter tensor of a network. The arrays belong to the network. */
typedef struct fr_tensor {
  char name[48]; /* "3.weight": number of the layer, what it is */
  size_t rank;
  size_t shape[FR_TENSOR_RANK];
  size_t count;    /* product of the shape */
  size_t layer;    /* which it belongs to */
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
 * Layers: dense(units), conv1d(channels,width[,stride][,pad=same|causal|none]),
 * lstm(units[,all]), maxpool(width|all), avgpool(width|all), bn, dropout(share), relu,
 * leaky[(slope)], gelu (the form with tanh), sigmoid, tanh, softmax, flatten. dense works
 * on the flattened sequence where the layer before gives (T, C) with T > 1. docs/nn.md
 * has more.
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
size_t fr_net_layer_parameters(const fr_net *net, size_t layer);
uint64_t fr_net_layer_operations(const fr_net *net, size_t layer);
size_t fr_net_parameters(const fr_net *net); /* trained ones */
uint64_t fr_net_operations(const fr_net *net);

/* All tensors, layer by layer, running statistics included; the network's. */
const fr_tensor *fr_net_tensors(const fr_net *net, size_t *count);

/* Copies parameters (and running statistics) of layers [0, layers) where every shape
 * agrees. */
enum fr_status fr_net_copy(fr_net *to, const fr_net *from, size_t layers, fr_error *err);

/* Room for batches of up to `batch` samples; `train` also for gradients of layers from
 * `first` on (layers before are frozen: they run as in testing and get no gradient).
 * Called once before forward; again to change. No allocation happens after it. */
enum fr_status fr_net_reserve(fr_net *net, size_t batch, bool train, size_t first,
                              fr_error *err);

/*
 * Runs layers [from, to) on x, (B, T, C) as layer `from` takes it, and returns the output
 * of layer to-1, the network's own array, valid until the next call (x itself where from
 * is to). `train`: dropout drops and bn uses the batch's statistics (in layers not
 * frozen); x must then stay as it is until backward. `batch` may be less than was
 * reserved.
 */
const float *fr_net_forward(fr_net *net, const float *x, size_t batch, size_t from,
                            size_t to, bool train);

/* After fr_net_forward(…, train true) to the last layer: d loss / d output (B, K) in,
 * gradients of every trained tensor out (set, not added). Once for each forward. */
void fr_net_backward(fr_net *net, const float *d_output, size_t batch);

/* Restarts the stream of random numbers of dropout. */
void fr_net_seed(fr_net *net, uint64_t seed);

/* ---- loss ---- */

enum fr_loss {
  FR_LOSS_CROSS_ENTROPY, /* softmax inside: the network ends in logits */
  FR_LOSS_SQUARED        /* 1/2 sum (y - t)^2 per sample, t one-hot */
};

/* Mean over the batch of the loss of `output` (B, K) against `label` (B); its gradient
 * into d_output (B, K), which may be NULL. A label that is no class adds no loss and no
 * gradient. */
double fr_loss_compute(enum fr_loss loss, const float *output, const uint32_t *label,
                       size_t batch, size_t classes, float *d_output);
bool fr_loss_parse(const char *name, enum fr_loss *out);
const char *fr_loss_name(enum fr_loss loss);

/* ---- optimizer ---- */

enum fr_optimizer_kind { FR_OPTIMIZER_SGD, FR_OPTIMIZER_ADAM };

typedef struct fr_optimizer_options {
  enum fr_optimizer_kind kind;
  float learning_rate;
  float momentum;     /* SGD */
  float beta1, beta2; /* Adam (Kingma and Ba 2015, algorithm 1) */
  float epsilon;
  float weight_decay; /* decoupled (Loshchilov and Hutter 2019) */
} fr_optimizer_options;

fr_optimizer_options fr_optimizer_default_options(void); /* Adam, 0.002 */

typedef struct fr_optimizer fr_optimizer;

/* For the tensors of layers from `first` on; the network must outlive it. `rate_scale`
 * (layers) multiplies the learning rate per layer; NULL: 1 everywhere. Copied. */
enum fr_status fr_optimizer_new(const fr_net *net, size_t first,
                                const fr_optimizer_options *options,
                                const float *rate_scale, fr_optimizer **out,
                                fr_error *err);
void fr_optimizer_free(fr_optimizer *optimizer);
void fr_optimizer_step(fr_optimizer *optimizer);

/* Another learning rate from the next step on, for schedules. */
void fr_optimizer_set_rate(fr_optimizer *optimizer, float learning_rate);

bool fr_optimizer_parse(const char *name, enum fr_optimizer_kind *out);

/* ---- metrics ---- */

typedef struct fr_metrics {
  size_t classes;
  size_t samples;
  uint64_t *confusion; /* (classes, classes): row true, column predicted; owned */
  double loss;         /* mean */
  double accuracy;
  double accuracy_low, accuracy_high; /* Wilson's 95 % interval (Wilson 1927) */
  double macro_f1;                    /* over classes that occur */
  double balanced_accuracy;           /* mean recall over classes that occur */
} fr_metrics;

/* _add: outputs of a batch with the mean of its loss; the greatest output is the class
 * that is called, a label that is no class is passed over. _finish: the figures; NaN,
 * with the interval from 0 to 1, where no sample was tested. */
enum fr_status fr_metrics_init(fr_metrics *metrics, size_t classes, fr_error *err);
void fr_metrics_release(fr_metrics *metrics);
void fr_metrics_add(fr_metrics *metrics, const float *output, /* (B, K) */
                    const uint32_t *label, size_t batch, double loss);
void fr_metrics_finish(fr_metrics *metrics);

/* 95 % bounds that contain the value. */
typedef struct fr_metrics_bounds {
  double macro_f1_low, macro_f1_high;
  double balanced_accuracy_low, balanced_accuracy_high;
} fr_metrics_bounds;

/* By the bootstrap over samples, 400 resamples (fewer, but at least 40, above 50,000
 * samples); deterministic per seed. FR_ERR_ARGUMENT where nothing was tested. */
enum fr_status fr_metrics_intervals(const fr_metrics *metrics, uint64_t seed,
                                    fr_metrics_bounds *out, fr_error *err);

#endif
