/* SPDX-License-Identifier: Apache-2.0 */
/* A foreign file: its tensors, layer by layer, and their numbers as float32. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/reader.h"
#include "model/import.h"

/* ---- numbers ---- */

static uint64_t read_le(const unsigned char *p, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = bytes; i-- > 0;)
    value = value << 8 | p[i];
  return value;
}

static float from_f32(const unsigned char *p) {
  const uint32_t bits = (uint32_t)read_le(p, sizeof bits);
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static float from_f64(const unsigned char *p) {
  const uint64_t bits = read_le(p, sizeof bits);
  double value;
  memcpy(&value, &bits, sizeof value);
  return (float)value;
}

/* The upper half of a float32. */
static float from_bf16(const unsigned char *p) {
  const uint32_t bits = (uint32_t)read_le(p, 2) << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* IEEE 754 binary16: sign, 5 bits of exponent from -15 on, 10 of fraction. */
static float from_f16(const unsigned char *p) {
  enum { FRACTION = 10, BIAS = 15, SPECIAL = 31 };
  const unsigned bits = (unsigned)read_le(p, 2);
  const int exponent = (int)(bits >> FRACTION & SPECIAL);
  const float fraction = (float)(bits & ((1U << FRACTION) - 1));
  float size;
  if (exponent == SPECIAL)
    size = fraction > 0 ? NAN : INFINITY;
  else if (exponent == 0)
    size = ldexpf(fraction, 1 - BIAS - FRACTION);
  else
    size = ldexpf(fraction + (float)(1U << FRACTION), exponent - BIAS - FRACTION);
  return bits >> 15 ? -size : size;
}

static const struct type {
  const char *name;
  size_t size;
  float (*read)(const unsigned char *p);
} types[] = {{"F32", 4, from_f32},
             {"F64", 8, from_f64},
             {"F16", 2, from_f16},
             {"BF16", 2, from_bf16}};

static const struct type *find_type(const char *name) {
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (strcmp(name, types[i].name) == 0)
      return &types[i];
  return NULL;
}

enum fr_status fr__foreign_values(const fr__foreign_file *f, const fr__foreign *tensor,
                                  float *to, fr_error *err) {
  const struct type *type = find_type(tensor->type);
  if (type == NULL)
    return fr__fail(err, FR_ERR_UNSUPPORTED,
                    "tensor '%.64s' of '%s' is of type '%.16s', not F32, F16, BF16 or "
                    "F64",
                    tensor->name, f->file.path, tensor->type);
  for (size_t i = 0; i < tensor->count; i++) {
    to[i] = type->read(tensor->bytes + i * type->size);
    if (!isfinite(to[i]))
      return fr__fail(err, FR_ERR_NUMERIC,
                      "value %zu of tensor '%.64s' of '%s' is not finite as float32", i,
                      tensor->name, f->file.path);
  }
  return FR_OK;
}

void fr__shape_text(size_t rank, const size_t *shape, char *text, size_t size) {
  int at = snprintf(text, size, "(");
  for (size_t i = 0; i < rank && (size_t)at < size; i++)
    at += snprintf(text + at, size - (size_t)at, "%s%zu", i > 0 ? ", " : "", shape[i]);
  if ((size_t)at < size)
    snprintf(text + at, size - (size_t)at, ")");
}

/* ---- tensors ---- */

/* The header was checked when the file was opened. */
static void read_tensor(const fr__safetensors *file, const char *name,
                        const json_t *entry, fr__foreign *tensor) {
  const json_t *shape = json_object_get(entry, "shape");
  const json_t *begin = json_array_get(json_object_get(entry, "data_offsets"), 0);
  *tensor = (fr__foreign){.name = name,
                          .type = json_string_value(json_object_get(entry, "dtype")),
                          .rank = json_array_size(shape),
                          .count = 1,
                          .bytes = file->data + json_integer_value(begin)};
  for (size_t i = 0; i < tensor->rank; i++) {
    tensor->shape[i] = (size_t)json_integer_value(json_array_get(shape, i));
    tensor->count *= tensor->shape[i];
  }
}

static int compare_tensors(const void *a, const void *b) {
  const fr__foreign *left = a, *right = b;
  const int order = fr__natural_compare(left->layer, right->layer);
  return order != 0 ? order : strcmp(left->name, right->name);
}

static enum fr_status read_tensors(fr__foreign_file *f, enum fr_import_origin origin,
                                   fr_error *err) {
  f->tensor = calloc(json_object_size(f->file.header) + 1, sizeof *f->tensor);
  if (f->tensor == NULL)
    return fr__fail_memory(err, f->file.path);
  const char *name;
  json_t *entry;
  json_object_foreach(f->file.header, name, entry) {
    if (strcmp(name, "__metadata__") != 0)
      read_tensor(&f->file, name, entry, &f->tensor[f->count++]);
  }
  f->origin = origin == FR_IMPORT_ANY ? fr__foreign_guess(f) : origin;
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < f->count && status == FR_OK; i++)
    status = fr__foreign_parse(f, &f->tensor[i], err);
  if (status == FR_OK)
    qsort(f->tensor, f->count, sizeof *f->tensor, compare_tensors);
  return status;
}

static enum fr_status gather_layers(fr__foreign_file *f, fr_error *err) {
  f->layer = calloc(f->count + 1, sizeof *f->layer);
  if (f->layer == NULL)
    return fr__fail_memory(err, f->file.path);
  for (size_t i = 0; i < f->count; i++) {
    fr__foreign *tensor = &f->tensor[i];
    if (i == 0 || strcmp(tensor->layer, f->tensor[i - 1].layer) != 0)
      f->layer[f->layer_count++] =
          (fr__foreign_layer){.name = tensor->layer, .part = tensor};
    f->layer[f->layer_count - 1].count++;
  }
  for (size_t i = 0; i < f->layer_count; i++)
    f->layer[i].family = fr__foreign_family(f->origin, &f->layer[i]);
  return FR_OK;
}

enum fr_status fr__foreign_open(fr__foreign_file *f, const char *path,
                                enum fr_import_origin origin, fr_error *err) {
  *f = (fr__foreign_file){0};
  enum fr_status status = fr__safetensors_open_foreign(&f->file, path, err);
  if (status == FR_OK)
    status = read_tensors(f, origin, err);
  if (status == FR_OK)
    status = gather_layers(f, err);
  return status;
}

void fr__foreign_release(fr__foreign_file *f) {
  for (size_t i = 0; i < f->count; i++)
    free(f->tensor[i].layer);
  free(f->tensor);
  free(f->layer);
  fr__safetensors_release(&f->file);
  *f = (fr__foreign_file){0};
}

fr__foreign *fr__foreign_find(const fr__foreign_file *f, const char *name) {
  for (size_t i = 0; i < f->count; i++)
    if (strcmp(f->tensor[i].name, name) == 0)
      return &f->tensor[i];
  return NULL;
}

fr__foreign_layer *fr__foreign_find_layer(const fr__foreign_file *f, const char *name) {
  for (size_t i = 0; i < f->layer_count; i++)
    if (strcmp(f->layer[i].name, name) == 0)
      return &f->layer[i];
  return NULL;
}

fr__foreign *fr__foreign_part(const fr__foreign_layer *layer, const char *what) {
  for (size_t i = 0; i < layer->count; i++)
    if (strcmp(layer->part[i].what, what) == 0)
      return &layer->part[i];
  return NULL;
}
