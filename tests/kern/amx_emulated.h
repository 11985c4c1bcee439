/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tiles of src/kern/amx.h in plain C, after the pseudocode of the Intel SDM, volume 2
 * (LDTILECFG, TILELOADD, TILESTORED, TDPBF16PS, TDPBUSD): for machines without them. What
 * the CPU answers with an exception ends the test.
 */
#ifndef FR_TESTS_KERN_AMX_EMULATED_H
#define FR_TESTS_KERN_AMX_EMULATED_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* A thread's registers. */
static _Thread_local struct {
  bool configured;
  amx_shapes shapes;
  unsigned char tile[AMX_TILES][16][AMX_BYTES];
} emulated;

static inline void emulated_require(bool holds) {
  if (!holds)
    abort();
}

static inline void emulated_configure(const amx_shapes *shapes) {
  bool clear = shapes->start_row == 0;
  for (size_t i = 0; i < sizeof shapes->reserved; i++)
    clear = clear && shapes->reserved[i] == 0;
  for (size_t i = 0; i < 16; i++) {
    const size_t rows = shapes->rows[i], bytes = shapes->bytes[i];
    clear = clear && (rows == 0) == (bytes == 0) && rows <= 16 && bytes <= AMX_BYTES;
    clear = clear && (i < AMX_TILES || rows == 0);
  }
  emulated_require(clear && shapes->palette == 1);
  memset(emulated.tile, 0, sizeof emulated.tile);
  emulated.shapes = *shapes;
  emulated.configured = true;
}

static inline void emulated_release(void) { emulated.configured = false; }

/* The tile can be used. */
static inline void emulated_tile(int tile) {
  emulated_require(emulated.configured && tile >= 0 && tile < AMX_TILES);
  emulated_require(emulated.shapes.rows[tile] > 0);
}

static inline void emulated_zero(int tile) {
  emulated_tile(tile);
  memset(emulated.tile[tile], 0, sizeof emulated.tile[tile]);
}

static inline void emulated_load(int tile, const void *from, size_t pitch) {
  emulated_zero(tile);
  for (size_t r = 0; r < emulated.shapes.rows[tile]; r++)
    memcpy(emulated.tile[tile][r], (const char *)from + r * pitch,
           emulated.shapes.bytes[tile]);
}

static inline void emulated_store(int tile, void *to, size_t pitch) {
  emulated_tile(tile);
  for (size_t r = 0; r < emulated.shapes.rows[tile]; r++)
    memcpy((char *)to + r * pitch, emulated.tile[tile][r], emulated.shapes.bytes[tile]);
}

/* The shapes of a product fit each other, and the tiles are three. */
static inline void emulated_product(int sum, int a, int b) {
  const amx_shapes *s = &emulated.shapes;
  emulated_tile(sum);
  emulated_tile(a);
  emulated_tile(b);
  emulated_require(sum != a && sum != b && a != b);
  emulated_require(s->rows[a] == s->rows[sum] && s->bytes[b] == s->bytes[sum]);
  emulated_require(s->bytes[a] == 4 * s->rows[b]);
}

/* Subnormal operands and results are 0. */
static inline float emulated_flush(float x) {
  return fpclassify(x) == FP_SUBNORMAL ? copysignf(0.0f, x) : x;
}

static inline float emulated_bf16(const unsigned char *at) {
  const uint32_t bits = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 24;
  float x;
  memcpy(&x, &bits, sizeof x);
  return emulated_flush(x);
}

/* Even and odd places of k are summed apart, then added to the sum. */
static inline void emulated_bf16_product(int sum, int a, int b) {
  emulated_product(sum, a, b);
  for (size_t m = 0; m < emulated.shapes.rows[sum]; m++)
    for (size_t n = 0; n < emulated.shapes.bytes[sum] / 4u; n++) {
      float part[2] = {0.0f, 0.0f}, total;
      for (size_t k = 0; k < emulated.shapes.bytes[a] / 4u; k++)
        for (size_t i = 0; i < 2; i++)
          part[i] = emulated_flush(
              fmaf(emulated_bf16(&emulated.tile[a][m][4 * k + 2 * i]),
                   emulated_bf16(&emulated.tile[b][k][4 * n + 2 * i]), part[i]));
      memcpy(&total, &emulated.tile[sum][m][4 * n], sizeof total);
      total = emulated_flush(emulated_flush(total) + emulated_flush(part[0] + part[1]));
      memcpy(&emulated.tile[sum][m][4 * n], &total, sizeof total);
    }
}

/* Bytes of a have no sign, those of b have one; nothing saturates. */
static inline void emulated_int8_product(int sum, int a, int b) {
  emulated_product(sum, a, b);
  for (size_t m = 0; m < emulated.shapes.rows[sum]; m++)
    for (size_t n = 0; n < emulated.shapes.bytes[sum] / 4u; n++) {
      uint32_t total;
      memcpy(&total, &emulated.tile[sum][m][4 * n], sizeof total);
      for (size_t k = 0; k < emulated.shapes.bytes[a]; k++)
        total += (uint32_t)(emulated.tile[a][m][k] *
                            (int8_t)emulated.tile[b][k / 4][4 * n + k % 4]);
      memcpy(&emulated.tile[sum][m][4 * n], &total, sizeof total);
    }
}

#define AMX_BEGIN() ((void)0)
#define AMX_CONFIGURE(shapes) emulated_configure(shapes)
#define AMX_RELEASE() emulated_release()
#define AMX_ZERO(tile) emulated_zero(tile)
#define AMX_LOAD(tile, from, pitch) emulated_load(tile, from, pitch)
#define AMX_STORE(tile, to, pitch) emulated_store(tile, to, pitch)
#define AMX_BF16(sum, a, b) emulated_bf16_product(sum, a, b)
#define AMX_INT8(sum, a, b) emulated_int8_product(sum, a, b)

#endif
