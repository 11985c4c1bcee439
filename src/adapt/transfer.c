/* SPDX-License-Identifier: Apache-2.0 */
#include "frugal/adapt.h"

#include <math.h>
#include <string.h>

#include "adapt/transfer.h"
#include "base/buf.h"
#include "base/error.h"
#include "train/thaw.h"

enum { TEXT_CEILING = 1 << 16 }; /* bytes of an architecture */

fr_transfer_options fr_transfer_default_options(void) {
  return (fr_transfer_options){.kind = FR_TRANSFER_REPLACE, .freeze = FR_FREEZE_ALL};
}

static bool is_dense(const fr_net *net, size_t layer) {
  static const char name[] = "dense(";
  return strncmp(fr_net_layer_text(net, layer), name, sizeof name - 1) == 0;
}

size_t fr_transfer_kept(const fr_net *source, const fr_transfer_options *options) {
  const size_t layers = fr_net_layer_count(source);
  if (options->kind == FR_TRANSFER_APPEND)
    return layers;
  if (options->cut > 0)
    return options->cut <= layers ? options->cut : SIZE_MAX;
  for (size_t layer = layers; layer > 0; layer--)
    if (is_dense(source, layer - 1))
      return layer - 1;
  return SIZE_MAX;
}

size_t fr__transfer_floor(size_t kept, const fr_transfer_options *options) {
  if (options->freeze < FR_FREEZE_AUTO)
    return options->freeze;
  return options->unfreeze > 0 ? 0 : kept;
}

static enum fr_status check_kept(const fr_net *source, size_t kept,
                                 const fr_transfer_options *options, fr_error *err) {
  if (options->kind == FR_TRANSFER_APPEND && options->cut > 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "what is appended to is kept whole: it cannot be cut at layer %zu",
                    options->cut);
  if (kept == SIZE_MAX && options->cut > 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "%zu layers cannot be kept of a network of %zu",
                    options->cut, fr_net_layer_count(source));
  if (kept == SIZE_MAX)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "the network has no dense layer whose place a new head could take");
  return FR_OK;
}

static enum fr_status check_frozen(size_t kept, const fr_transfer_options *options,
                                   fr_error *err) {
  const size_t floor = fr__transfer_floor(kept, options);
  const bool refines = options->refine > 0 && isfinite(options->refine);
  const bool chosen = options->freeze == FR_FREEZE_AUTO;
  if (floor > kept)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "%zu layers cannot be frozen: only %zu are kept", floor, kept);
  if (chosen && options->unfreeze > 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "choosing how many layers stay frozen and thawing them one after "
                    "another exclude each other");
  if (chosen && !refines)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "choosing how many layers stay frozen needs a refining rate above 0 "
                    "for the others");
  if (!chosen && floor < kept && !refines)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "%zu kept layers are trained, which needs a refining rate above 0",
                    kept - floor);
  if (!chosen && floor == kept && (options->refine != 0 || options->unfreeze > 0))
    return fr__fail(
        err, FR_ERR_ARGUMENT,
        "a refining rate of %g means nothing where all kept layers are frozen",
        (double)options->refine);
  return FR_OK;
}

static enum fr_status check_options(const fr_net *source, size_t kept,
                                    const fr_transfer_options *options, fr_error *err) {
  enum fr_status status = check_kept(source, kept, options, err);
  if (status == FR_OK)
    status = check_frozen(kept, options, err);
  if (status != FR_OK)
    return status;
  if (!(options->decay >= 0 && options->decay <= 1))
    return fr__fail(err, FR_ERR_ARGUMENT, "a decay of %g is not above 0 and at most 1",
                    (double)options->decay);
  if (options->decay > 0 && options->refine == 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "a decay of %g means nothing where all kept layers are frozen",
                    (double)options->decay);
  return FR_OK;
}

static const char *head_text(const fr_transfer_options *options) {
  if (options->head != NULL)
    return options->head;
  return options->kind == FR_TRANSFER_APPEND ? "relu dense(classes)" : "dense(classes)";
}

/* What is wrong with the head is told of the whole text, for that is what columns and
 * layers are counted in. */
enum fr_status fr__transfer_build(const fr_net *source, size_t kept, const char *head,
                                  size_t classes, fr_net **out, fr_error *err) {
  fr__buf text;
  fr_error why = {.text = ""};
  fr__buf_init(&text, TEXT_CEILING);
  for (size_t layer = 0; layer < kept; layer++)
    fr__buf_printf(&text, "%s ", fr_net_layer_text(source, layer));
  fr__buf_add(&text, head);
  enum fr_status status = text.status;
  if (status == FR_ERR_MEMORY)
    fr__fail_memory(err, "an architecture");
  else if (status != FR_OK)
    fr__fail(err, status, "the architecture with head '%.64s' is too long", head);
  else
    status = fr_net_new(fr__buf_text(&text), fr_net_input(source), classes, out, &why);
  if (why.text[0] != '\0')
    fr__fail(err, status, "'%.200s': %.280s", fr__buf_text(&text), why.text);
  fr__buf_release(&text);
  return status;
}

enum fr_status fr_transfer_new(const fr_net *source, const fr_transfer_options *options,
                               size_t classes, uint64_t seed, fr_net **out,
                               size_t *first_trained, fr_error *err) {
  const size_t kept = fr_transfer_kept(source, options);
  const char *head = head_text(options);
  fr_net *net = NULL;
  enum fr_status status = check_options(source, kept, options, err);
  if (status == FR_OK)
    status = fr__transfer_build(source, kept, head, classes, &net, err);
  if (status == FR_OK && fr_net_layer_count(net) <= kept)
    status = fr__fail(err, FR_ERR_ARGUMENT, "the head '%.64s' adds no layer", head);
  if (status == FR_OK) {
    fr_net_init(net, seed, kept);
    status = fr_net_copy(net, source, kept, err);
  }
  if (status != FR_OK) {
    fr_net_free(net);
    return status;
  }
  *out = net;
  *first_trained = options->unfreeze > 0 ? kept : fr__transfer_floor(kept, options);
  return FR_OK;
}

enum fr_status fr_transfer_scratch(const fr_net *source, size_t classes, uint64_t seed,
                                   fr_net **out, fr_error *err) {
  const fr_transfer_options options = fr_transfer_default_options();
  const size_t kept = fr_transfer_kept(source, &options);
  enum fr_status status = check_kept(source, kept, &options, err);
  if (status == FR_OK)
    status = fr__transfer_build(source, kept, head_text(&options), classes, out, err);
  if (status == FR_OK)
    fr_net_init(*out, seed, 0);
  return status;
}

void fr_transfer_rates(const fr_net *net, size_t kept, const fr_transfer_options *options,
                       float *rates) {
  const size_t floor = fr__transfer_floor(kept, options);
  const float decay = options->decay > 0 ? options->decay : 1;
  float rate = options->refine;
  for (size_t layer = fr_net_layer_count(net); layer-- > 0;) {
    rates[layer] = layer >= kept ? 1.0f : layer < floor ? 0.0f : rate;
    if (layer < kept && fr__thaw_has_matrix(net, layer))
      rate *= decay;
  }
}
