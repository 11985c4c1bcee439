/* SPDX-License-Identifier: Apache-2.0 */
#include "model/sparse.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { NAME = sizeof((fr__raw *)NULL)->name };

/* A negative zero is a number: what is read is what was written, to the bit. */
static bool is_zero(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits == 0;
}

static size_t numbers_of(const fr_tensor *tensor) {
  size_t numbers = 0;
  for (size_t i = 0; i < tensor->count; i++)
    numbers += !is_zero(tensor->value[i]);
  return numbers;
}

static size_t bitmap_bytes(const fr_tensor *tensor) { return (tensor->count + 7) / 8; }

static size_t sparse_bytes(const fr_tensor *tensor) {
  return bitmap_bytes(tensor) + numbers_of(tensor) * sizeof(float);
}

/* Biases are few, and begin at 0: they stay whole, and untrained networks too. */
static bool pays(const fr_tensor *tensor) {
  return tensor->rank > 1 && numbers_of(tensor) > 0 &&
         sparse_bytes(tensor) < tensor->count * sizeof(float);
}

bool fr__sparse_pays(const fr_tensor *tensor, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (pays(&tensor[i]))
      return true;
  return false;
}

size_t fr_model_stored_bytes(const fr_net *net) {
  size_t count, bytes = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    bytes +=
        pays(&tensor[i]) ? sparse_bytes(&tensor[i]) : tensor[i].count * sizeof(float);
  return bytes;
}

/* ---- writing ---- */

static void put_float(unsigned char *to, float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  for (size_t i = 0; i < sizeof bits; i++)
    to[i] = (unsigned char)(bits >> (8 * i));
}

static bool make_raw(fr__raw *raw, const char *name, const char *part, const char *type,
                     size_t size) {
  *raw = (fr__raw){.type = type, .size = size};
  (void)snprintf(raw->name, sizeof raw->name, "%s%s", name, part);
  raw->bytes = calloc(size + 1, 1);
  return raw->bytes != NULL;
}

static bool make_whole(fr__raw *raw, const fr_tensor *tensor) {
  if (!make_raw(raw, tensor->name, "", "F32", tensor->count * sizeof(float)))
    return false;
  raw->rank = tensor->rank;
  memcpy(raw->shape, tensor->shape, sizeof raw->shape);
  for (size_t i = 0; i < tensor->count; i++)
    put_float(raw->bytes + i * sizeof(float), tensor->value[i]);
  return true;
}

static bool make_parts(fr__raw raw[2], const fr_tensor *tensor) {
  const size_t numbers = numbers_of(tensor);
  if (!make_raw(&raw[0], tensor->name, ".bitmap", "U8", bitmap_bytes(tensor)) ||
      !make_raw(&raw[1], tensor->name, ".values", "F32", numbers * sizeof(float)))
    return false;
  raw[0].rank = raw[1].rank = 1;
  raw[0].shape[0] = bitmap_bytes(tensor);
  raw[1].shape[0] = numbers;
  unsigned char *to = raw[1].bytes;
  for (size_t i = 0; i < tensor->count; i++) {
    if (is_zero(tensor->value[i]))
      continue;
    raw[0].bytes[i / 8] |= (unsigned char)(1u << i % 8);
    put_float(to, tensor->value[i]);
    to += sizeof(float);
  }
  return true;
}

static enum fr_status check_finite(const char *path, const fr_tensor *tensor,
                                   size_t count, fr_error *err) {
  for (size_t t = 0; t < count; t++)
    for (size_t i = 0; i < tensor[t].count; i++)
      if (!isfinite(tensor[t].value[i]))
        return fr__fail(err, FR_ERR_NUMERIC,
                        "'%s' is not written: value %zu of tensor '%s' is not finite",
                        path, i, tensor[t].name);
  return FR_OK;
}

enum fr_status fr__sparse_write(const char *path, const json_t *metadata,
                                const fr_tensor *tensor, size_t count, fr_error *err) {
  enum fr_status status = check_finite(path, tensor, count, err);
  if (status != FR_OK)
    return status;
  fr__raw *raw = calloc(2 * count + 1, sizeof *raw);
  size_t made = 0;
  bool done = raw != NULL;
  for (size_t i = 0; i < count && done; i++) {
    const bool parts = pays(&tensor[i]);
    done =
        parts ? make_parts(&raw[made], &tensor[i]) : make_whole(&raw[made], &tensor[i]);
    made += parts ? 2 : 1;
  }
  status = done ? fr__safetensors_write_raw(path, metadata, raw, made, err)
                : fr__fail_memory(err, path);
  for (size_t i = 0; i < made; i++)
    free(raw[i].bytes);
  free(raw);
  return status;
}

/* ---- reading ---- */

static const unsigned char *find_bitmap(const fr__safetensors *file,
                                        const fr_tensor *tensor) {
  const size_t bytes = bitmap_bytes(tensor);
  char name[NAME];
  (void)snprintf(name, sizeof name, "%s.bitmap", tensor->name);
  return fr__safetensors_bytes(file, name, "U8", 1, &bytes);
}

bool fr__sparse_is(const fr__safetensors *file, const fr_tensor *tensor, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (find_bitmap(file, &tensor[i]) != NULL)
      return true;
  return false;
}

/* Bits that are set; SIZE_MAX where one behind the last number is. */
static size_t count_bits(const unsigned char *bitmap, size_t count) {
  size_t bits = 0;
  for (size_t i = 0; i < (count + 7) / 8 * 8; i++) {
    const bool set = (bitmap[i / 8] >> i % 8 & 1) != 0;
    if (set && i >= count)
      return SIZE_MAX;
    bits += set;
  }
  return bits;
}

static enum fr_status check_filled(const fr__safetensors *file, const fr_tensor *tensor,
                                   fr_error *err) {
  for (size_t i = 0; i < tensor->count; i++)
    if (!isfinite(tensor->value[i]))
      return fr__fail(err, FR_ERR_NUMERIC,
                      "value %zu of tensor '%s' of '%s' is not finite", i, tensor->name,
                      file->path);
  return FR_OK;
}

static enum fr_status fill_parts(const fr__safetensors *file, const fr_tensor *tensor,
                                 const unsigned char *bitmap, fr_error *err) {
  char name[NAME];
  (void)snprintf(name, sizeof name, "%s.values", tensor->name);
  const size_t bits = count_bits(bitmap, tensor->count);
  if (bits == SIZE_MAX)
    return fr__fail(err, FR_ERR_FORMAT,
                    "the bitmap of tensor '%s' of '%s' has bits behind its %zu numbers",
                    tensor->name, file->path, tensor->count);
  const unsigned char *from = fr__safetensors_bytes(file, name, "F32", 1, &bits);
  if (from == NULL)
    return fr__fail(err, FR_ERR_FORMAT,
                    "'%s' has no tensor '%s' of the %zu numbers that its bitmap tells",
                    file->path, name, bits);
  for (size_t i = 0, k = 0; i < tensor->count; i++) {
    const bool set = (bitmap[i / 8] >> i % 8 & 1) != 0;
    tensor->value[i] = set ? fr__safetensors_float(from, k++) : 0;
  }
  return check_filled(file, tensor, err);
}

static enum fr_status fill_whole(const fr__safetensors *file, const fr_tensor *tensor,
                                 fr_error *err) {
  const unsigned char *from =
      fr__safetensors_bytes(file, tensor->name, "F32", tensor->rank, tensor->shape);
  if (from == NULL)
    return fr__fail(err, FR_ERR_FORMAT,
                    "'%s' has no tensor '%s' in the shape of its architecture",
                    file->path, tensor->name);
  for (size_t i = 0; i < tensor->count; i++)
    tensor->value[i] = fr__safetensors_float(from, i);
  return check_filled(file, tensor, err);
}

enum fr_status fr__sparse_fill(const fr__safetensors *file, const fr_tensor *tensor,
                               size_t count, fr_error *err) {
  enum fr_status status = FR_OK;
  size_t wanted = 0;
  for (size_t i = 0; i < count && status == FR_OK; i++) {
    const unsigned char *bitmap = find_bitmap(file, &tensor[i]);
    status = bitmap != NULL ? fill_parts(file, &tensor[i], bitmap, err)
                            : fill_whole(file, &tensor[i], err);
    wanted += bitmap != NULL ? 2 : 1;
  }
  if (status == FR_OK && file->tensors != wanted)
    status = fr__fail(err, FR_ERR_FORMAT,
                      "'%s' holds %zu tensors where its architecture has %zu", file->path,
                      file->tensors, wanted);
  return status;
}
