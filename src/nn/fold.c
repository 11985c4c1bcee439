/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batch normalisation as part of a product. In testing bn is y = f x + s for each
 * channel, so that behind a product W x + b it is (f W) x + (f b + s), and before one, W
 * (f x + s) + b, it is (W f) x + (b + W s), where no zeros are padded in between.
 */
#include <math.h>

#include "nn/program.h"
#include "nn/rewrite.h"

#define NONE SIZE_MAX

static bool is_still(const fr__layer *layer) {
  return fr__layer_named(layer, "dropout") || fr__layer_named(layer, "spatialdropout");
}

static bool takes_bn_behind(const fr__layer *layer) {
  return fr__layer_named(layer, "dense") || fr__layer_named(layer, "conv1d");
}

/* A dense layer sees the steps behind a short sample's end, which are zeros that bn does
 * not move. */
static bool takes_bn_before(const fr__layer *layer) {
  return fr__layer_named(layer, "lstm") || fr__layer_named(layer, "gru") ||
         (fr__layer_named(layer, "dense") && layer->in.steps == 1) ||
         (fr__layer_named(layer, "conv1d") && layer->padding == FR__PAD_NONE);
}

static size_t before(const fr__chain *chain, size_t i) {
  while (i-- > 0)
    if (!is_still(&chain->layer[i]))
      return i;
  return NONE;
}

static size_t after(const fr__chain *chain, size_t i) {
  for (i++; i < chain->count; i++)
    if (!is_still(&chain->layer[i]))
      return i;
  return NONE;
}

/* The product of the chain that layer i, a bn, becomes a part of. */
static size_t host_of(const fr__chain *chain, size_t i) {
  if (!fr__layer_named(&chain->layer[i], "bn"))
    return NONE;
  const size_t last = before(chain, i), next = after(chain, i);
  if (last != NONE && takes_bn_behind(&chain->layer[last]))
    return last;
  return next != NONE && takes_bn_before(&chain->layer[next]) ? next : NONE;
}

static bool drops(const void *self, const fr__chain *chain, size_t i) {
  (void)self;
  return host_of(chain, i) != NONE;
}

/* ---- numbers ---- */

/* f and s of channel c. */
static double factor_of(const fr__layer *bn, size_t c, double *shift) {
  const double deviation = sqrt((double)bn->tensor[3].value[c] + (double)bn->epsilon);
  const double factor = (double)bn->tensor[0].value[c] / deviation;
  *shift = (double)bn->tensor[1].value[c] - factor * (double)bn->tensor[2].value[c];
  return factor;
}

static void fold_behind(const fr__layer *bn, fr__layer *host) {
  float *w = host->tensor[0].value, *b = host->tensor[1].value;
  const size_t units = host->units;
  for (size_t u = 0; u < units; u++) {
    double shift;
    const double factor = factor_of(bn, u, &shift);
    for (size_t r = u; r < host->tensor[0].count; r += units)
      w[r] = (float)(factor * (double)w[r]);
    b[u] = (float)(factor * (double)b[u] + shift);
  }
}

/* One matrix (rows, outputs) of weights with its bias; of the input channels of row r. */
static void fold_rows(const fr__layer *bn, const fr_tensor *weight, const fr_tensor *bias,
                      size_t groups) {
  const size_t outputs = bias->count, rows = weight->count / outputs;
  const size_t channels = bn->in.channels / groups;
  for (size_t u = 0; u < outputs; u++) {
    const size_t first = u / (outputs / groups) * channels;
    double sum = (double)bias->value[u];
    for (size_t r = 0; r < rows; r++) {
      double shift;
      float *w = &weight->value[r * outputs + u];
      const double factor = factor_of(bn, first + r % channels, &shift);
      sum += shift * (double)*w;
      *w = (float)(factor * (double)*w);
    }
    bias->value[u] = (float)sum;
  }
}

static void fold_before(const fr__layer *bn, fr__layer *host) {
  const fr_tensor *t = host->tensor;
  const bool conv = fr__layer_named(host, "conv1d");
  if (conv || fr__layer_named(host, "dense")) {
    fold_rows(bn, &t[0], &t[1], conv ? host->groups : 1);
    return;
  }
  const size_t half = host->both ? host->tensor_count / 2 : host->tensor_count;
  for (size_t at = 0; at < host->tensor_count; at += half)
    fold_rows(bn, &t[at], &t[at + 2], 1);
}

/* ---- the whole ---- */

/* Where layer i of `was`, which is kept, has come to. */
static fr__layer *kept_layer(const fr__chain *was, fr__chain *is, size_t i) {
  size_t place = i;
  for (size_t k = 0; k < i; k++)
    place -= host_of(was, k) != NONE;
  return &is->layer[place];
}

static void fold_chain(const fr__chain *was, fr__chain *is) {
  for (size_t i = 0; i < was->count; i++) {
    const fr__layer *layer = &was->layer[i];
    const size_t host = host_of(was, i);
    if (host != NONE && host < i)
      fold_behind(layer, kept_layer(was, is, host));
    else if (host != NONE)
      fold_before(layer, kept_layer(was, is, host));
    for (size_t b = 0; b < layer->branch_count; b++)
      fold_chain(&layer->branch[b], &kept_layer(was, is, i)->branch[b]);
  }
}

enum fr_status fr_net_fold(const fr_net *net, fr_net **out, fr_error *err) {
  const fr__rewrite how = {.drops = drops};
  const enum fr_status status = fr__rewrite_net(net, &how, out, err);
  if (status == FR_OK)
    fold_chain(&net->chain, &(*out)->chain);
  return status;
}
