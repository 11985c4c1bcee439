/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes, constants and names of a graph, all in pieces of memory that it releases as one.
 */
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/onnx.h"

struct fr__onnx_piece {
  fr__onnx_piece *next;
  alignas(max_align_t) unsigned char bytes[];
};

void fr__onnx_init(fr__onnx *g, fr_error *err) {
  *g = (fr__onnx){.err = err};
  fr__onnx__graph_proto__init(&g->graph);
}

void fr__onnx_release(fr__onnx *g) {
  for (fr__onnx_piece *piece = g->piece, *next; piece; piece = next) {
    next = piece->next;
    free(piece);
  }
  *g = (fr__onnx){0};
}

void *fr__onnx_take(fr__onnx *g, size_t size) {
  if (g->status != FR_OK)
    return NULL;
  fr__onnx_piece *piece = size < SIZE_MAX / 2 ? calloc(1, sizeof *piece + size) : NULL;
  if (!piece) {
    g->status = fr__fail_memory(g->err, "the ONNX graph");
    return NULL;
  }
  piece->next = g->piece;
  g->piece = piece;
  return piece->bytes;
}

/* A list of pointers with room for one more: it doubles at each power of two, and what it
 * leaves behind goes with the graph. */
static bool grow(fr__onnx *g, void *list_of_pointers, size_t count) {
  void ***list = list_of_pointers;
  if (count > 0 && (count & (count - 1)) != 0)
    return g->status == FR_OK;
  void **larger = fr__onnx_take(g, (count > 0 ? 2 * count : 1) * sizeof *larger);
  if (!larger)
    return false;
  if (count > 0)
    memcpy(larger, *list, count * sizeof *larger);
  *list = larger;
  return true;
}

/* ---- names ---- */

const char *fr__onnx_printf(fr__onnx *g, const char *format, ...) {
  if (g->status != FR_OK)
    return NULL;
  va_list list, again;
  va_start(list, format);
  va_copy(again, list);
  const int length = vsnprintf(NULL, 0, format, list);
  char *text = fr__onnx_take(g, (size_t)length + 1);
  if (text)
    (void)vsnprintf(text, (size_t)length + 1, format, again);
  va_end(again);
  va_end(list);
  return text;
}

const char *fr__onnx_name(fr__onnx *g, const fr__layer *layer, const char *what) {
  char path[8 * FR__LAYER_DEPTH * 8];
  size_t used = 0;
  for (size_t i = 0; i < layer->path.count; i++)
    used +=
        (size_t)snprintf(path + used, sizeof path - used, "%zu.", layer->path.number[i]);
  return fr__onnx_printf(g, "%s%s%s%s", path, layer->ops->name, what ? "." : "",
                         what ? what : "");
}

/* protobuf-c's strings are not const, but it does not write to them. */
static char *text_of(const char *text) { return (char *)(uintptr_t)text; }

/* ---- nodes ---- */

/* `from` ends at a NULL or after `most`. */
static void set_list(fr__onnx *g, const char *const *from, size_t most, size_t *count,
                     char ***to) {
  size_t n = 0;
  while (n < most && from[n])
    n++;
  *to = fr__onnx_take(g, (n + 1) * sizeof **to);
  for (size_t i = 0; *to && i < n; i++)
    (*to)[i] = text_of(from[i]);
  *count = *to ? n : 0;
}

Fr__Onnx__NodeProto *fr__onnx_node(fr__onnx *g, fr__onnx_call call) {
  if (!call.out[0])
    call.out[0] = call.name;
  Fr__Onnx__NodeProto *node = fr__onnx_take(g, sizeof *node);
  if (!node || !grow(g, &g->graph.node, g->graph.n_node))
    return NULL;
  fr__onnx__node_proto__init(node);
  node->name = text_of(call.name);
  node->op_type = text_of(call.op);
  set_list(g, call.list ? call.list : call.in, call.list ? SIZE_MAX : FR__ONNX_INPUTS,
           &node->n_input, &node->input);
  set_list(g, call.out, FR__ONNX_OUTPUTS, &node->n_output, &node->output);
  node->attribute =
      fr__onnx_take(g, FR__ONNX_ATTRIBUTES * sizeof(Fr__Onnx__AttributeProto *));
  g->graph.node[g->graph.n_node++] = node;
  return g->status == FR_OK ? node : NULL;
}

const char *fr__onnx_op(fr__onnx *g, const char *op, const char *name, const char *a,
                        const char *b) {
  (void)fr__onnx_node(g, (fr__onnx_call){.op = op, .name = name, .in = {a, b}});
  return name;
}

static Fr__Onnx__AttributeProto *
add_attribute(fr__onnx *g, Fr__Onnx__NodeProto *node, const char *name,
              Fr__Onnx__AttributeProto__AttributeType type) {
  Fr__Onnx__AttributeProto *attribute = node && node->n_attribute < FR__ONNX_ATTRIBUTES
                                            ? fr__onnx_take(g, sizeof *attribute)
                                            : NULL;
  if (!attribute)
    return NULL;
  fr__onnx__attribute_proto__init(attribute);
  attribute->name = text_of(name);
  attribute->has_type = 1;
  attribute->type = type;
  node->attribute[node->n_attribute++] = attribute;
  return attribute;
}

void fr__onnx_set_int(fr__onnx *g, Fr__Onnx__NodeProto *node, const char *name,
                      int64_t value) {
  Fr__Onnx__AttributeProto *attribute =
      add_attribute(g, node, name, FR__ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
  if (!attribute)
    return;
  attribute->has_i = 1;
  attribute->i = value;
}

void fr__onnx_set_ints(fr__onnx *g, Fr__Onnx__NodeProto *node, const char *name,
                       size_t count, const int64_t *value) {
  Fr__Onnx__AttributeProto *attribute =
      add_attribute(g, node, name, FR__ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
  int64_t *copy = attribute ? fr__onnx_take(g, count * sizeof *copy) : NULL;
  if (!copy)
    return;
  memcpy(copy, value, count * sizeof *copy);
  attribute->n_ints = count;
  attribute->ints = copy;
}

void fr__onnx_set_float(fr__onnx *g, Fr__Onnx__NodeProto *node, const char *name,
                        float value) {
  Fr__Onnx__AttributeProto *attribute =
      add_attribute(g, node, name, FR__ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
  if (!attribute)
    return;
  attribute->has_f = 1;
  attribute->f = value;
}

void fr__onnx_set_text(fr__onnx *g, Fr__Onnx__NodeProto *node, const char *name,
                       const char *value) {
  Fr__Onnx__AttributeProto *attribute =
      add_attribute(g, node, name, FR__ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
  if (!attribute)
    return;
  attribute->has_s = 1;
  attribute->s = (ProtobufCBinaryData){strlen(value), (uint8_t *)text_of(value)};
}

/* ---- constants ---- */

static void *add_constant(fr__onnx *g, const char *name, size_t rank, const size_t *shape,
                          int32_t type, size_t size) {
  Fr__Onnx__TensorProto *tensor = fr__onnx_take(g, sizeof *tensor);
  int64_t *dims = fr__onnx_take(g, FR__ONNX_RANK * sizeof *dims);
  size_t count = 1;
  for (size_t i = 0; dims && i < rank; i++) {
    dims[i] = (int64_t)shape[i];
    count *= shape[i];
  }
  void *data = fr__onnx_take(g, count * size);
  if (!tensor || !data || !grow(g, &g->graph.initializer, g->graph.n_initializer))
    return NULL;
  fr__onnx__tensor_proto__init(tensor);
  tensor->name = text_of(name);
  tensor->n_dims = rank;
  tensor->dims = dims;
  tensor->has_data_type = 1;
  tensor->data_type = type;
  tensor->has_raw_data = 1;
  tensor->raw_data = (ProtobufCBinaryData){count * size, data};
  g->graph.initializer[g->graph.n_initializer++] = tensor;
  return data;
}

float *fr__onnx_floats(fr__onnx *g, const char *name, size_t rank, const size_t *shape) {
  return add_constant(g, name, rank, shape, FR__ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT,
                      sizeof(float));
}

const char *fr__onnx_scalar(fr__onnx *g, const char *name, float value) {
  float *to = fr__onnx_floats(g, name, 0, NULL);
  if (to)
    *to = value;
  return name;
}

const char *fr__onnx_row(fr__onnx *g, const char *name, const float *value,
                         size_t count) {
  float *to = fr__onnx_floats(g, name, 1, &count);
  if (to)
    memcpy(to, value, count * sizeof *to);
  return name;
}

const char *fr__onnx_ints(fr__onnx *g, const char *name, size_t count,
                          const int64_t *value) {
  int64_t *to = add_constant(g, name, 1, &count, FR__ONNX__TENSOR_PROTO__DATA_TYPE__INT64,
                             sizeof *to);
  if (to)
    memcpy(to, value, count * sizeof *to);
  return name;
}

const char *fr__onnx_axis(fr__onnx *g, int64_t axis) {
  const char *name = fr__onnx_printf(g, "axis.%lld", (long long)axis);
  return name && fr__onnx_has(g, name) ? name : fr__onnx_ints(g, name, 1, &axis);
}

const fr_tensor *fr__onnx_tensor(fr__onnx *g, const fr__layer *layer, const char *what) {
  for (size_t i = 0; i < layer->tensor_count; i++) {
    const char *dot = strrchr(layer->tensor[i].name, '.');
    if (dot && strcmp(dot + 1, what) == 0)
      return &layer->tensor[i];
  }
  if (g->status == FR_OK)
    g->status = fr__fail(g->err, FR_ERR_UNSUPPORTED,
                         "layer '%.96s' has no tensor '%s', which its export to ONNX "
                         "reads",
                         layer->text, what);
  return NULL;
}

const char *fr__onnx_weights(fr__onnx *g, const fr__layer *layer, const char *what) {
  const fr_tensor *tensor = fr__onnx_tensor(g, layer, what);
  if (!tensor)
    return NULL;
  float *to = fr__onnx_floats(g, tensor->name, tensor->rank, tensor->shape);
  if (to)
    memcpy(to, tensor->value, tensor->count * sizeof *to);
  return tensor->name;
}

/* ---- values by name ---- */

bool fr__onnx_has(const fr__onnx *g, const char *name) {
  for (size_t i = g->graph.n_node; i-- > 0;)
    for (size_t k = 0; k < g->graph.node[i]->n_output; k++)
      if (strcmp(g->graph.node[i]->output[k], name) == 0)
        return true;
  for (size_t i = 0; i < g->graph.n_initializer; i++)
    if (strcmp(g->graph.initializer[i]->name, name) == 0)
      return true;
  return false;
}

static void rename_in(char **list, size_t count, const char *from, const char *to) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(list[i], from) == 0)
      list[i] = text_of(to);
}

void fr__onnx_rename(fr__onnx *g, const char *from, const char *to) {
  for (size_t i = 0; g->status == FR_OK && i < g->graph.n_node; i++) {
    Fr__Onnx__NodeProto *node = g->graph.node[i];
    rename_in(node->input, node->n_input, from, to);
    rename_in(node->output, node->n_output, from, to);
  }
}
