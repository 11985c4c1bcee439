/* SPDX-License-Identifier: Apache-2.0 */
/* More outputs for a trained network: what it has stays, to the bit. */
#include "adapt/extend.h"

#include <stdlib.h>
#include <string.h>

#include "adapt/transfer.h"
#include "base/buf.h"
#include "base/error.h"
#include "data/reader.h"
#include "frugal/adapt.h"

/* ---- names ---- */

static uint32_t place_of(const fr_names *names, const char *name) {
  return fr__names_find(names, name, strlen(name));
}

enum fr_status fr__extend_map(const fr_names *old_classes, const fr_names *classes,
                              uint32_t *from, fr_error *err) {
  size_t fresh = 0;
  for (size_t k = 0; k < old_classes->count; k++)
    if (place_of(classes, old_classes->name[k]) == FR_NONE)
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "the class '%s' is to be kept, but is missing",
                      old_classes->name[k]);
  for (size_t k = 0; k < classes->count; k++) {
    if (place_of(classes, classes->name[k]) != k)
      return fr__fail(err, FR_ERR_ARGUMENT, "the class '%s' occurs twice",
                      classes->name[k]);
    from[k] = place_of(old_classes, classes->name[k]);
    fresh += from[k] == FR_NONE;
  }
  if (fresh == 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "no class is new: all %zu are known already",
                    classes->count);
  return FR_OK;
}

/* ---- the head ---- */

size_t fr_extend_head(const fr_net *old, fr_error *err) {
  const fr_transfer_options last = fr_transfer_default_options();
  const size_t head = fr_transfer_kept(old, &last), layers = fr_net_layer_count(old);
  if (head == SIZE_MAX) {
    fr__fail(err, FR_ERR_ARGUMENT, "the network has no dense layer that could grow");
    return SIZE_MAX;
  }
  for (size_t layer = head + 1; layer < layers; layer++)
    if (fr_net_layer_parameters(old, layer) > 0) {
      fr__fail(err, FR_ERR_ARGUMENT,
               "behind the last dense layer there is '%s', which has weights of its own: "
               "such a network cannot grow",
               fr_net_layer_text(old, layer));
      return SIZE_MAX;
    }
  return head;
}

fr__extend_rows fr__extend_rows_of(const fr_net *net, size_t head) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  fr__extend_rows rows = {0};
  for (size_t i = 0; i < count; i++) {
    if (tensor[i].layer != head)
      continue;
    if (tensor[i].rank == 2) {
      rows.weight = tensor[i].value;
      rows.inputs = tensor[i].shape[0];
      rows.classes = tensor[i].shape[1];
    } else {
      rows.bias = tensor[i].value;
    }
  }
  return rows;
}

void fr__extend_rows_copy(const fr__extend_rows *from, const fr__extend_rows *to) {
  memcpy(to->weight, from->weight, from->inputs * from->classes * sizeof *to->weight);
  memcpy(to->bias, from->bias, from->classes * sizeof *to->bias);
}

static void copy_rows(const fr__extend_rows *old, const fr__extend_rows *to,
                      const uint32_t *from) {
  for (size_t k = 0; k < to->classes; k++) {
    if (from[k] == FR_NONE)
      continue;
    for (size_t i = 0; i < to->inputs; i++)
      to->weight[i * to->classes + k] = old->weight[i * old->classes + from[k]];
    to->bias[k] = old->bias[from[k]];
  }
}

/* ---- growing ---- */

static enum fr_status check_names(const fr_net *old, const fr_names *old_classes,
                                  fr_error *err) {
  if (old_classes->count == fr_net_classes(old))
    return FR_OK;
  return fr__fail(err, FR_ERR_ARGUMENT,
                  "%zu names do not fit the %zu outputs of the network",
                  old_classes->count, fr_net_classes(old));
}

/* The layers of `old` with `classes` outputs, weights of those before the head copied. */
static enum fr_status build(const fr_net *old, size_t head, size_t classes, fr_net **out,
                            fr_error *err) {
  fr__buf text;
  fr__buf_init(&text, 0);
  fr__buf_add(&text, "dense(classes)");
  for (size_t layer = head + 1; layer < fr_net_layer_count(old); layer++)
    fr__buf_printf(&text, " %s", fr_net_layer_text(old, layer));
  enum fr_status status =
      text.status != FR_OK
          ? fr__fail_memory(err, "the head")
          : fr__transfer_build(old, head, fr__buf_text(&text), classes, out, err);
  fr__buf_release(&text);
  return status == FR_OK ? fr_net_copy(*out, old, head, err) : status;
}

enum fr_status fr_extend_grow(const fr_net *old, const fr_names *old_classes,
                              const fr_names *classes, fr_net **out, fr_error *err) {
  const size_t head = fr_extend_head(old, err);
  if (head == SIZE_MAX)
    return FR_ERR_ARGUMENT;
  uint32_t *from = calloc(classes->count + 1, sizeof *from);
  fr_net *net = NULL;
  enum fr_status status = from == NULL ? fr__fail_memory(err, "the places of the classes")
                                       : check_names(old, old_classes, err);
  if (status == FR_OK)
    status = fr__extend_map(old_classes, classes, from, err);
  if (status == FR_OK)
    status = build(old, head, classes->count, &net, err);
  if (status == FR_OK) {
    const fr__extend_rows have = fr__extend_rows_of(old, head);
    const fr__extend_rows rows = fr__extend_rows_of(net, head);
    copy_rows(&have, &rows, from);
    *out = net;
  } else {
    fr_net_free(net);
  }
  free(from);
  return status;
}
