/* SPDX-License-Identifier: Apache-2.0 */
/* A model as an ONNX file: normaliser, layers, what is said beside them. */
#include <endian.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "frugal/export.h"
#include "model/metadata.h"
#include "model/onnx.h"
#include "nn/net.h"

enum { IR_VERSION = 8, OPSET = 17 };

/* One row per family of nn's table. */
static const struct {
  const char *family;
  fr__onnx_emit *emit;
} families[] = {
    {"dense", fr__onnx_dense},
    {"conv1d", fr__onnx_conv1d},
    {"lstm", fr__onnx_lstm},
    {"gru", fr__onnx_gru},
    {"attention", fr__onnx_attention},
    {"maxpool", fr__onnx_maxpool},
    {"avgpool", fr__onnx_avgpool},
    {"bn", fr__onnx_bn},
    {"layernorm", fr__onnx_layernorm},
    {"dropout", fr__onnx_identity},
    {"spatialdropout", fr__onnx_identity},
    {"relu", fr__onnx_relu},
    {"leaky", fr__onnx_leaky},
    {"gelu", fr__onnx_gelu},
    {"sigmoid", fr__onnx_sigmoid},
    {"tanh", fr__onnx_tanh},
    {"hardswish", fr__onnx_hardswish},
    {"softmax", fr__onnx_softmax},
    {"flatten", fr__onnx_flatten},
    {"residual", fr__onnx_residual},
    {"parallel", fr__onnx_parallel},
};

fr__onnx_emit *fr__onnx_find(const char *family) {
  for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
    if (strcmp(families[i].family, family) == 0)
      return families[i].emit;
  return NULL;
}

fr__onnx_value fr__onnx_chain(fr__onnx *g, const fr__chain *chain, fr__onnx_value x) {
  for (size_t i = 0; i < chain->count && g->status == FR_OK; i++) {
    const fr__layer *layer = &chain->layer[i];
    fr__onnx_emit *emit = fr__onnx_find(layer->ops->name);
    if (emit)
      x = emit(g, layer, x);
    else
      g->status = fr__fail(g->err, FR_ERR_UNSUPPORTED,
                           "layer '%.96s' has no form in ONNX yet", layer->text);
  }
  return x;
}

/* The network's output under its name. A node gives it, for the input is not flat. */
static void output(fr__onnx *g, fr__onnx_value y) {
  fr__onnx_rename(g, fr__onnx_as(g, y, FR__ONNX_FLAT).name, "output");
}

/* ---- what goes in and comes out ---- */

static Fr__Onnx__TensorShapeProto__Dimension *dimension(fr__onnx *g, size_t size) {
  Fr__Onnx__TensorShapeProto__Dimension *d = fr__onnx_take(g, sizeof *d);
  if (!d)
    return NULL;
  fr__onnx__tensor_shape_proto__dimension__init(d);
  if (size == 0) {
    d->value_case = FR__ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
    d->dim_param = (char *)(uintptr_t) "batch";
  } else {
    d->value_case = FR__ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    d->dim_value = (int64_t)size;
  }
  return d;
}

/* float32 of that shape; 0 is the batch */
static Fr__Onnx__TypeProto *type_of(fr__onnx *g, size_t rank, const size_t *size) {
  Fr__Onnx__TypeProto *type = fr__onnx_take(g, sizeof *type);
  Fr__Onnx__TypeProto__Tensor *tensor = fr__onnx_take(g, sizeof *tensor);
  Fr__Onnx__TensorShapeProto *shape = fr__onnx_take(g, sizeof *shape);
  Fr__Onnx__TensorShapeProto__Dimension **dim = fr__onnx_take(g, rank * sizeof *dim);
  for (size_t i = 0; dim && i < rank; i++)
    dim[i] = dimension(g, size[i]);
  if (g->status != FR_OK)
    return NULL;
  fr__onnx__type_proto__init(type);
  fr__onnx__type_proto__tensor__init(tensor);
  fr__onnx__tensor_shape_proto__init(shape);
  shape->n_dim = rank;
  shape->dim = dim;
  tensor->has_elem_type = 1;
  tensor->elem_type = FR__ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
  tensor->shape = shape;
  type->value_case = FR__ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
  type->tensor_type = tensor;
  return type;
}

static void declare(fr__onnx *g, const char *name, const char *what, size_t rank,
                    const size_t *size, size_t *count, Fr__Onnx__ValueInfoProto ***list) {
  Fr__Onnx__ValueInfoProto *value = fr__onnx_take(g, sizeof *value);
  Fr__Onnx__TypeProto *type = type_of(g, rank, size);
  *list = fr__onnx_take(g, sizeof **list);
  if (!value || !type || !*list)
    return;
  fr__onnx__value_info_proto__init(value);
  value->name = (char *)(uintptr_t)name;
  value->doc_string = (char *)(uintptr_t)what;
  value->type = type;
  (*list)[0] = value;
  *count = 1;
}

static void declare_both(fr__onnx *g, const fr_model *model) {
  const fr_shape in = fr_net_input(model->net);
  const char *raw = model->normalizer.channels > 0
                        ? "(batch, steps, channels) as recorded; NaN is a missing value"
                        : "(batch, steps, channels)";
  declare(g, "input", raw, 3, (const size_t[]){0, in.steps, in.channels},
          &g->graph.n_input, &g->graph.input);
  declare(g, "output", "(batch, classes), logits", 2,
          (const size_t[]){0, fr_net_classes(model->net)}, &g->graph.n_output,
          &g->graph.output);
}

/* ---- the file ---- */

/* Of the model's metadata: what those who run it elsewhere need. */
static const char *const keys[] = {"frugal_version", "architecture", "classes",
                                   "channels",       "task",         "window",
                                   "step",           "rate_hz"};
enum { KEYS = sizeof keys / sizeof *keys };

static void say_beside(fr__onnx *g, const json_t *metadata, Fr__Onnx__ModelProto *whole) {
  whole->metadata_props = fr__onnx_take(g, KEYS * sizeof *whole->metadata_props);
  for (size_t i = 0; i < KEYS; i++) {
    const char *value = json_string_value(json_object_get(metadata, keys[i]));
    Fr__Onnx__StringStringEntryProto *entry = fr__onnx_take(g, sizeof *entry);
    if (!whole->metadata_props || !entry || !value)
      continue;
    fr__onnx__string_string_entry_proto__init(entry);
    entry->key = (char *)(uintptr_t)keys[i];
    entry->value = (char *)(uintptr_t)fr__onnx_printf(g, "%s", value);
    whole->metadata_props[whole->n_metadata_props++] = entry;
  }
}

/* raw_data is little-endian on every machine. */
static void set_byte_order(const Fr__Onnx__TensorProto *tensor) {
  const bool wide = tensor->data_type == FR__ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
  const size_t size = wide ? sizeof(uint64_t) : sizeof(uint32_t);
  for (size_t at = 0; at < tensor->raw_data.len; at += size) {
    unsigned char *to = tensor->raw_data.data + at;
    uint64_t word = 0;
    uint32_t half = 0;
    memcpy(wide ? (void *)&word : (void *)&half, to, size);
    word = htole64(word);
    half = htole32(half);
    memcpy(to, wide ? (void *)&word : (void *)&half, size);
  }
}

static enum fr_status write_file(const Fr__Onnx__ModelProto *whole, const char *path,
                                 fr_export_facts *facts, fr_error *err) {
  const size_t size = fr__onnx__model_proto__get_packed_size(whole);
  if (size > INT_MAX) /* protobuf's own ceiling */
    return fr__fail(err, FR_ERR_LIMIT,
                    "'%s' is not written: ONNX files end at 2 GiB, and it has %zu bytes",
                    path, size);
  uint8_t *bytes = malloc(size);
  if (!bytes)
    return fr__fail_memory(err, path);
  (void)fr__onnx__model_proto__pack(whole, bytes);
  const enum fr_status status = fr__file_write(path, bytes, size, err);
  free(bytes);
  if (status == FR_OK && facts)
    *facts = (fr_export_facts){.bytes = size, .operators = whole->graph->n_node};
  return status;
}

static void build(fr__onnx *g, const fr_model *model) {
  const fr__onnx_value input = {"input", FR__ONNX_STEPS, model->net->input};
  g->graph.name = (char *)(uintptr_t) "frugal";
  declare_both(g, model);
  const fr__onnx_value x = fr__onnx_normalizer(g, &model->normalizer, input);
  output(g, fr__onnx_chain(g, &model->net->chain, x));
}

static enum fr_status assemble(fr__onnx *g, const json_t *metadata, const char *path,
                               fr_export_facts *facts, fr_error *err) {
  Fr__Onnx__OperatorSetIdProto opset = FR__ONNX__OPERATOR_SET_ID_PROTO__INIT;
  Fr__Onnx__OperatorSetIdProto *opsets = &opset;
  opset.domain = (char *)(uintptr_t) ""; /* ONNX's own operators */
  opset.has_version = 1;
  opset.version = OPSET;
  Fr__Onnx__ModelProto whole = FR__ONNX__MODEL_PROTO__INIT;
  whole.has_ir_version = 1;
  whole.ir_version = IR_VERSION;
  whole.producer_name = (char *)(uintptr_t) "frugal";
  whole.producer_version = (char *)(uintptr_t)FR_VERSION;
  whole.n_opset_import = 1;
  whole.opset_import = &opsets;
  whole.graph = &g->graph;
  say_beside(g, metadata, &whole);
  if (g->status != FR_OK)
    return g->status;
  for (size_t i = 0; i < g->graph.n_initializer; i++)
    set_byte_order(g->graph.initializer[i]);
  return write_file(&whole, path, facts, err);
}

static enum fr_status check_finite(const fr_net *net, const char *path, fr_error *err) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < tensor[i].count; k++)
      if (!isfinite(tensor[i].value[k]))
        return fr__fail(err, FR_ERR_NUMERIC,
                        "'%s' is not written: tensor '%s' is not finite", path,
                        tensor[i].name);
  return FR_OK;
}

enum fr_status fr_export_onnx(const fr_model *model, const char *path,
                              fr_export_facts *facts, fr_error *err) {
  if (model->net == NULL)
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s' is not written: the model has no network",
                    path);
  json_t *metadata = NULL;
  enum fr_status status = check_finite(model->net, path, err);
  if (status == FR_OK)
    status = fr__metadata_write(model, path, &metadata, err);
  if (status != FR_OK)
    return status;
  fr__onnx g;
  fr__onnx_init(&g, err);
  build(&g, model);
  status = assemble(&g, metadata, path, facts, err);
  fr__onnx_release(&g);
  json_decref(metadata);
  return status;
}
