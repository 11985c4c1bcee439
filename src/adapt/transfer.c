/* SPDX-License-Identifier: Apache-2.0 */
#include "frugal/adapt.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"

enum { TEXT_CEILING = 1 << 16 }; /* bytes of an architecture */

fr_transfer_options fr_transfer_default_options(void) {
  return (fr_transfer_options){.kind = FR_TRANSFER_REPLACE, .freeze = SIZE_MAX};
}

static bool is_dense(const fr_net *net, size_t layer) {
  static const char name[] = "dense(";
  return strncmp(fr_net_layer_text(net, layer), name, sizeof name - 1) == 0;
}

size_t fr_transfer_kept(const fr_net *source, fr_transfer_kind kind) {
  const size_t layers = fr_net_layer_count(source);
  if (kind == FR_TRANSFER_APPEND)
    return layers;
  for (size_t layer = layers; layer > 0; layer--)
    if (is_dense(source, layer - 1))
      return layer - 1;
  return SIZE_MAX;
}

static size_t frozen_layers(size_t kept, const fr_transfer_options *options) {
  return options->freeze == SIZE_MAX ? kept : options->freeze;
}

static enum fr_status check_options(size_t kept, const fr_transfer_options *options,
                                    fr_error *err) {
  if (kept == SIZE_MAX)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "the network has no dense layer whose place a new head could take");
  const size_t frozen = frozen_layers(kept, options);
  if (frozen > kept)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "%zu layers cannot be frozen: only %zu are kept", frozen, kept);
  const bool refines = options->refine > 0 && isfinite(options->refine);
  if (frozen < kept && !refines)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "%zu kept layers are trained, which needs a refining rate above 0",
                    kept - frozen);
  if (frozen == kept && options->refine != 0)
    return fr__fail(
        err, FR_ERR_ARGUMENT,
        "a refining rate of %g means nothing where all kept layers are frozen",
        (double)options->refine);
  return FR_OK;
}

static const char *head_text(const fr_transfer_options *options) {
  if (options->head != NULL)
    return options->head;
  return options->kind == FR_TRANSFER_APPEND ? "relu dense(classes)" : "dense(classes)";
}

/* The kept layers' texts, then the head's. What is wrong with it is told of the whole
 * text, for that is what columns and layers are counted in. */
static enum fr_status build(const fr_net *source, size_t kept, const char *head,
                            size_t classes, fr_net **out, fr_error *err) {
  fr__buf text;
  fr_error why = {.text = ""};
  fr__buf_init(&text, TEXT_CEILING);
  for (size_t layer = 0; layer < kept; layer++)
    fr__buf_printf(&text, "%s ", fr_net_layer_text(source, layer));
  fr__buf_add(&text, head);
  enum fr_status status = text.status;
  if (status != FR_OK)
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
  const size_t kept = fr_transfer_kept(source, options->kind);
  const char *head = head_text(options);
  fr_net *net = NULL;
  enum fr_status status = check_options(kept, options, err);
  if (status == FR_OK)
    status = build(source, kept, head, classes, &net, err);
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
  *first_trained = frozen_layers(kept, options);
  return FR_OK;
}

void fr_transfer_rates(const fr_net *net, size_t kept, const fr_transfer_options *options,
                       float *rates) {
  const size_t frozen = frozen_layers(kept, options);
  for (size_t layer = 0; layer < fr_net_layer_count(net); layer++)
    rates[layer] = layer < frozen ? 0.0f : layer < kept ? options->refine : 1.0f;
}
