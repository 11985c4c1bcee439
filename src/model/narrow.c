/* SPDX-License-Identifier: Apache-2.0 */
#include "model/narrow.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "nn/int8_build.h"
#include "nn/round.h"

static const char RANGES[] = "ranges", INSIDE[] = "inside";

static bool is_integer(enum fr_scheme scheme) {
  return scheme == FR_SCHEME_INT8 || scheme == FR_SCHEME_INT8_AWARE;
}

/* How the tensors of two axes and more are held. */
static const char *type_of(enum fr_scheme scheme) {
  static const char *const types[FR_SCHEMES] = {"F32", "BF16", "F16", "I8", "I8", "I8"};
  return types[scheme];
}

static size_t columns_of(const fr_tensor *tensor) {
  return tensor->shape[tensor->rank - 1];
}

static void scale_name(const fr_tensor *tensor, char *name, size_t size) {
  (void)snprintf(name, size, "%s.scale", tensor->name);
}

/* ---- writing ---- */

static void put_float(unsigned char *to, float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  for (size_t i = 0; i < sizeof bits; i++)
    to[i] = (unsigned char)(bits >> (8 * i));
}

static bool make_raw(fr__raw *raw, const char *name, const char *type, size_t rank,
                     const size_t *shape, size_t size) {
  *raw = (fr__raw){.type = type, .rank = rank, .size = size};
  (void)snprintf(raw->name, sizeof raw->name, "%s", name);
  memcpy(raw->shape, shape, rank * sizeof *shape);
  raw->bytes = malloc(size + 1);
  return raw->bytes != NULL;
}

static bool make_floats(fr__raw *raw, const char *name, size_t rank, const size_t *shape,
                        const float *x, size_t count) {
  if (!make_raw(raw, name, "F32", rank, shape, count * sizeof *x))
    return false;
  for (size_t i = 0; i < count; i++)
    put_float(raw->bytes + i * sizeof *x, x[i]);
  return true;
}

static bool make_halves(fr__raw *raw, const fr_tensor *tensor, bool bf16) {
  if (!make_raw(raw, tensor->name, bf16 ? "BF16" : "F16", tensor->rank, tensor->shape,
                2 * tensor->count))
    return false;
  for (size_t i = 0; i < tensor->count; i++) {
    const float x = tensor->value[i];
    const uint16_t half = bf16 ? fr__bf16_of(x) : fr__f16_of(x);
    raw->bytes[2 * i] = (unsigned char)half;
    raw->bytes[2 * i + 1] = (unsigned char)(half >> 8);
  }
  return true;
}

/* Two tensors: bytes, and what each channel's are worth. */
static bool make_bytes(fr__raw *raw, const fr_tensor *tensor) {
  const size_t columns = columns_of(tensor);
  char name[sizeof raw->name];
  scale_name(tensor, name, sizeof name);
  if (!make_raw(&raw[0], tensor->name, "I8", tensor->rank, tensor->shape,
                tensor->count) ||
      !make_raw(&raw[1], name, "F32", 1, &columns, columns * sizeof(float)))
    return false;
  for (size_t c = 0; c < columns; c++) {
    const float scale = fr__int8_column(tensor->value + c, tensor->count - c, columns);
    put_float(raw[1].bytes + c * sizeof scale, scale);
    for (size_t i = c; i < tensor->count; i += columns)
      raw[0].bytes[i] = (unsigned char)(int8_t)lrintf(tensor->value[i] / scale);
  }
  return true;
}

/* Appends what holds the tensor. */
static bool add_tensor(fr__raw *raw, size_t *count, const fr_tensor *tensor,
                       enum fr_scheme scheme) {
  fr__raw *next = &raw[*count];
  const bool bytes = strcmp(type_of(scheme), "I8") == 0;
  *count += bytes && fr__is_narrowed(tensor) ? 2 : 1;
  if (!fr__is_narrowed(tensor))
    return make_floats(next, tensor->name, tensor->rank, tensor->shape, tensor->value,
                       tensor->count);
  return bytes ? make_bytes(next, tensor)
               : make_halves(next, tensor, scheme == FR_SCHEME_BF16);
}

static bool add_ranges(fr__raw *raw, size_t *count, const fr_int8_ranges *r) {
  const size_t values[2] = {r->values, 2}, inside[2] = {r->steps, FR_INT8_INSIDE};
  fr__raw *next = &raw[*count];
  *count += 2;
  return make_floats(&next[0], RANGES, 2, values, r->value, 2 * r->values) &&
         make_floats(&next[1], INSIDE, 2, inside, r->inside, FR_INT8_INSIDE * r->steps);
}

/* What is written comes back as it was: weights are those of the scheme. */
static enum fr_status check_rounded(const fr_model *model, const char *path,
                                    fr_error *err) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(model->net, &count);
  fr_net *copy = NULL;
  enum fr_status status = fr_net_new(fr_net_text(model->net), fr_net_input(model->net),
                                     fr_net_classes(model->net), &copy, err);
  if (status == FR_OK)
    status = fr_net_copy(copy, model->net, fr_net_layer_count(copy), err);
  if (status == FR_OK)
    status = fr_net_round(copy, model->scheme, err);
  const fr_tensor *rounded = status == FR_OK ? fr_net_tensors(copy, &count) : tensor;
  for (size_t i = 0; i < count && status == FR_OK; i++)
    for (size_t k = 0; k < tensor[i].count && status == FR_OK; k++)
      if (!isfinite(tensor[i].value[k]))
        status = fr__fail(err, FR_ERR_NUMERIC,
                          "'%s' is not written: value %zu of tensor '%s' is not finite",
                          path, k, tensor[i].name);
      else if (tensor[i].value[k] < rounded[i].value[k] ||
               tensor[i].value[k] > rounded[i].value[k])
        status = fr__fail(err, FR_ERR_ARGUMENT,
                          "'%s' is not written: value %zu of tensor '%s' is none of %s",
                          path, k, tensor[i].name, fr_scheme_name(model->scheme));
  fr_net_free(copy);
  return status;
}

static enum fr_status check_ranges(const fr_model *model, const char *path,
                                   fr_error *err) {
  size_t values, steps;
  if (!is_integer(model->scheme))
    return FR_OK;
  const enum fr_status status = fr_int8_ranges_shape(model->net, &values, &steps, err);
  if (status != FR_OK)
    return status;
  if (model->ranges.values == values && model->ranges.steps == steps &&
      fr__int8_are_ranges(&model->ranges))
    return FR_OK;
  return fr__fail(err, FR_ERR_ARGUMENT,
                  "'%s' is not written: its ranges are not those of its network", path);
}

enum fr_status fr__narrow_write(const fr_model *model, const json_t *metadata,
                                const char *path, fr_error *err) {
  size_t count, made = 0;
  const fr_tensor *tensor = fr_net_tensors(model->net, &count);
  enum fr_status status = check_ranges(model, path, err);
  if (status == FR_OK)
    status = check_rounded(model, path, err);
  if (status != FR_OK)
    return status;
  fr__raw *raw = calloc(2 * count + 2, sizeof *raw);
  bool done = raw != NULL;
  for (size_t i = 0; i < count && done; i++)
    done = add_tensor(raw, &made, &tensor[i], model->scheme);
  if (done && is_integer(model->scheme))
    done = add_ranges(raw, &made, &model->ranges);
  status = done ? fr__safetensors_write_raw(path, metadata, raw, made, err)
                : fr__fail_memory(err, path);
  for (size_t i = 0; i < made; i++)
    free(raw[i].bytes);
  free(raw);
  return status;
}

/* ---- reading ---- */

static enum fr_status missing(const fr__safetensors *file, const char *name,
                              const char *type, fr_error *err) {
  return fr__fail(err, FR_ERR_FORMAT,
                  "'%s' has no tensor '%s' of type %s in the shape of its architecture",
                  file->path, name, type);
}

static enum fr_status not_finite(const fr__safetensors *file, const char *name, size_t at,
                                 fr_error *err) {
  return fr__fail(err, FR_ERR_NUMERIC, "value %zu of tensor '%s' of '%s' is not finite",
                  at, name, file->path);
}

static enum fr_status fill_halves(const fr__safetensors *file, const fr_tensor *tensor,
                                  bool bf16, fr_error *err) {
  const char *type = bf16 ? "BF16" : "F16";
  const unsigned char *from =
      fr__safetensors_bytes(file, tensor->name, type, tensor->rank, tensor->shape);
  if (from == NULL)
    return missing(file, tensor->name, type, err);
  for (size_t i = 0; i < tensor->count; i++) {
    const uint16_t half = (uint16_t)(from[2 * i] | (uint16_t)from[2 * i + 1] << 8);
    tensor->value[i] = bf16 ? fr__from_bf16(half) : fr__from_f16(half);
    if (!isfinite(tensor->value[i]))
      return not_finite(file, tensor->name, i, err);
  }
  return FR_OK;
}

static enum fr_status fill_floats(const fr__safetensors *file, const char *name,
                                  size_t rank, const size_t *shape, float *to,
                                  size_t count, fr_error *err) {
  const unsigned char *from = fr__safetensors_bytes(file, name, "F32", rank, shape);
  if (from == NULL)
    return missing(file, name, "F32", err);
  for (size_t i = 0; i < count; i++) {
    to[i] = fr__safetensors_float(from, i);
    if (!isfinite(to[i]))
      return not_finite(file, name, i, err);
  }
  return FR_OK;
}

/* One channel's: -127 to 127 times a scale above 0. */
static bool fill_column(const unsigned char *from, float scale, const fr_tensor *tensor,
                        size_t column) {
  if (!(scale > 0) || !isfinite(scale * 127))
    return false;
  for (size_t i = column; i < tensor->count; i += columns_of(tensor)) {
    const int q = from[i] < 128 ? from[i] : from[i] - 256;
    if (q == -128)
      return false;
    tensor->value[i] = (float)q * scale;
  }
  return true;
}

static enum fr_status fill_bytes(const fr__safetensors *file, const fr_tensor *tensor,
                                 fr_error *err) {
  const size_t columns = columns_of(tensor);
  char name[80];
  scale_name(tensor, name, sizeof name);
  const unsigned char *from =
      fr__safetensors_bytes(file, tensor->name, "I8", tensor->rank, tensor->shape);
  const unsigned char *scale = fr__safetensors_bytes(file, name, "F32", 1, &columns);
  if (from == NULL)
    return missing(file, tensor->name, "I8", err);
  if (scale == NULL)
    return missing(file, name, "F32", err);
  for (size_t c = 0; c < columns; c++)
    if (!fill_column(from, fr__safetensors_float(scale, c), tensor, c))
      return fr__fail(err, FR_ERR_NUMERIC,
                      "channel %zu of tensor '%s' of '%s' has no acceptable scale, or a "
                      "weight of -128",
                      c, tensor->name, file->path);
  return FR_OK;
}

static enum fr_status fill_tensor(const fr__safetensors *file, const fr_tensor *tensor,
                                  enum fr_scheme scheme, fr_error *err) {
  if (!fr__is_narrowed(tensor))
    return fill_floats(file, tensor->name, tensor->rank, tensor->shape, tensor->value,
                       tensor->count, err);
  if (strcmp(type_of(scheme), "I8") == 0)
    return fill_bytes(file, tensor, err);
  return fill_halves(file, tensor, scheme == FR_SCHEME_BF16, err);
}

static enum fr_status fill_ranges(const fr__safetensors *file, fr_model *model,
                                  fr_error *err) {
  fr_int8_ranges *r = &model->ranges, shape = {0};
  enum fr_status status =
      fr_int8_ranges_shape(model->net, &shape.values, &shape.steps, err);
  if (status != FR_OK)
    return status;
  const size_t values[2] = {shape.values, 2}, inside[2] = {shape.steps, FR_INT8_INSIDE};
  r->value = calloc(2 * shape.values + 1, sizeof *r->value);
  r->inside = calloc(FR_INT8_INSIDE * shape.steps + 1, sizeof *r->inside);
  if (r->value == NULL || r->inside == NULL)
    return fr__fail_memory(err, file->path);
  r->values = shape.values;
  r->steps = shape.steps;
  status = fill_floats(file, RANGES, 2, values, r->value, 2 * r->values, err);
  if (status == FR_OK)
    status =
        fill_floats(file, INSIDE, 2, inside, r->inside, FR_INT8_INSIDE * r->steps, err);
  if (status == FR_OK && !fr__int8_are_ranges(r))
    status = fr__fail(err, FR_ERR_NUMERIC,
                      "a range of '%s' does not hold 0, or is not finite", file->path);
  return status;
}

enum fr_status fr__narrow_fill(const fr__safetensors *file, fr_model *model,
                               fr_error *err) {
  size_t count, wanted = 0;
  const fr_tensor *tensor = fr_net_tensors(model->net, &count);
  const bool bytes = strcmp(type_of(model->scheme), "I8") == 0;
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < count && status == FR_OK; i++) {
    status = fill_tensor(file, &tensor[i], model->scheme, err);
    wanted += bytes && fr__is_narrowed(&tensor[i]) ? 2 : 1;
  }
  if (status == FR_OK && is_integer(model->scheme)) {
    status = fill_ranges(file, model, err);
    wanted += 2;
  }
  if (status == FR_OK && file->tensors != wanted)
    status = fr__fail(err, FR_ERR_FORMAT,
                      "'%s' holds %zu tensors where its architecture has %zu", file->path,
                      file->tensors, wanted);
  return status;
}
