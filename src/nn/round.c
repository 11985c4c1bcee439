/* SPDX-License-Identifier: Apache-2.0 */
/* Weights as fewer bits hold them. */
#include "nn/round.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "nn/net.h"

/* ---- halves ---- */

static uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static float from_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* To nearest, ties to even: half of what is cut off, and one more where that makes it
 * even. */
uint16_t fr__bf16_of(float x) {
  const uint32_t bits = bits_of(x);
  return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

float fr__from_bf16(uint16_t half) { return from_bits((uint32_t)half << 16); }

/* Multiples of 2^-24 below 2^-14, else 11 bits of significand; 0x7c00: infinite. */
uint16_t fr__f16_of(float x) {
  const uint32_t sign = bits_of(x) >> 16 & 0x8000u;
  const float size = fabsf(x);
  if (!(size < 65520.0f)) /* the midpoint behind the greatest, 65504 */
    return (uint16_t)(sign | 0x7c00u);
  if (size < 0x1p-14f)
    return (uint16_t)(sign | (uint32_t)lrintf(size * 0x1p24f));
  const uint32_t bits = bits_of(size);
  const uint32_t rounded = bits + 0xfffu + (bits >> 13 & 1);
  return (uint16_t)(sign | ((rounded - (112u << 23)) >> 13));
}

float fr__from_f16(uint16_t half) {
  const uint32_t size = half & 0x7fffu;
  const float sign = half & 0x8000u ? -1.0f : 1.0f;
  if (size >= 0x7c00u)
    return size == 0x7c00u ? sign * INFINITY : NAN;
  if (size < 0x400u)
    return sign * (float)size * 0x1p-24f;
  return sign * from_bits((size << 13) + (112u << 23));
}

/* ---- bytes ---- */

static float greatest_of(const float *w, size_t count, size_t columns) {
  float greatest = 0;
  for (size_t i = 0; i < count; i += columns)
    greatest = fabsf(w[i]) > greatest ? fabsf(w[i]) : greatest;
  return greatest;
}

/* Whether every number of the column is a whole multiple of the scale, to the bit. */
static bool is_on_grid(const float *w, size_t count, size_t columns, float scale) {
  for (size_t i = 0; i < count; i += columns) {
    const float q = roundf(w[i] / scale);
    if (fabsf(q) > 127 || q * scale != w[i])
      return false;
  }
  return true;
}

float fr__int8_column(const float *w, size_t count, size_t columns) {
  const float greatest = greatest_of(w, count, columns), scale = greatest / 127;
  if (!(scale >= FLT_MIN)) /* nothing, or too little to be divided */
    return 1;
  const float near[] = {scale, nextafterf(scale, 0), nextafterf(scale, INFINITY)};
  for (size_t i = 0; i < 3; i++)
    if (is_on_grid(w, count, columns, near[i]))
      return near[i];
  return scale;
}

/* ---- tensors ---- */

bool fr__is_narrowed(const fr_tensor *tensor) { return tensor->rank > 1; }

static void round_columns(const fr_tensor *tensor) {
  const size_t columns = tensor->shape[tensor->rank - 1];
  for (size_t c = 0; c < columns; c++) {
    const float scale = fr__int8_column(tensor->value + c, tensor->count - c, columns);
    for (size_t i = c; i < tensor->count; i += columns)
      tensor->value[i] = roundf(tensor->value[i] / scale) * scale + 0.0f; /* no -0 */
  }
}

static enum fr_status round_tensor(const fr_tensor *tensor, enum fr_scheme scheme,
                                   fr_error *err) {
  if (scheme >= FR_SCHEME_INT8_DYNAMIC) {
    round_columns(tensor);
    return FR_OK;
  }
  for (size_t i = 0; i < tensor->count; i++) {
    const float x = tensor->value[i];
    const float near = scheme == FR_SCHEME_BF16 ? fr__from_bf16(fr__bf16_of(x))
                                                : fr__from_f16(fr__f16_of(x));
    if (!isfinite(near))
      return fr__fail(err, FR_ERR_NUMERIC,
                      "value %zu of tensor '%s', %g, is beyond what %s holds", i,
                      tensor->name, (double)x, fr_scheme_name(scheme));
    tensor->value[i] = near;
  }
  return FR_OK;
}

enum fr_status fr_net_round(fr_net *net, enum fr_scheme scheme, fr_error *err) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  enum fr_status status = FR_OK;
  fr__net_forget(net);
  for (size_t i = 0; i < count && status == FR_OK && scheme != FR_SCHEME_F32; i++)
    if (fr__is_narrowed(&tensor[i]))
      status = round_tensor(&tensor[i], scheme, err);
  return status;
}

size_t fr_net_bytes(const fr_net *net, enum fr_scheme scheme) {
  static const size_t sizes[FR_SCHEMES] = {4, 2, 2, 1, 1, 1};
  size_t count, bytes = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++) {
    const bool narrow = fr__is_narrowed(&tensor[i]);
    bytes += tensor[i].count * (narrow ? sizes[scheme] : sizeof(float));
    if (narrow && sizes[scheme] == 1)
      bytes += tensor[i].shape[tensor[i].rank - 1] * sizeof(float);
  }
  return bytes;
}
