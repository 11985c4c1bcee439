/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tiles: registers of up to 16 rows of 64 bytes, and products of them (Intel SDM, volume
 * 1, chapter 18). A tile's number is a constant, for it stands in the instruction. They
 * belong to a thread: each product configures them and lets them go.
 */
#ifndef FR_KERN_AMX_H
#define FR_KERN_AMX_H

#include <stddef.h>
#include <stdint.h>

#define AMX_ROWS ((size_t)16)
#define AMX_BYTES 64 /* of a row: 16 floats or cells */
#define AMX_TILES 8

/* What ldtilecfg reads. */
typedef struct amx_shapes {
  uint8_t palette, start_row, reserved[14];
  uint16_t bytes[16]; /* of a row */
  uint8_t rows[16];
} amx_shapes;
_Static_assert(sizeof(amx_shapes) == 64, "as the instruction reads it");

/* Tiles 0 to 3 are sums, 4 and 5 of A, 6 and 7 of B; the first six have `rows` rows. */
static inline amx_shapes amx_shapes_for(size_t rows) {
  amx_shapes shapes = {.palette = 1};
  for (size_t i = 0; i < AMX_TILES; i++) {
    shapes.bytes[i] = AMX_BYTES;
    shapes.rows[i] = (uint8_t)(i < 6 ? rows : AMX_ROWS);
  }
  return shapes;
}

#ifdef FR__AMX_EMULATED
#include "amx_emulated.h"
#else
#include <immintrin.h>

/* What was stored is in memory: not every compiler knows that tiles are loaded from it.
 */
#define AMX_BEGIN() __asm__ volatile("" ::: "memory")
static inline void amx_configure(const amx_shapes *shapes) {
  __asm__ volatile("" ::"r"(shapes) : "memory"); /* all of it, not only its beginning */
  _tile_loadconfig(shapes);
}
#define AMX_CONFIGURE(shapes) amx_configure(shapes)
#define AMX_RELEASE() _tile_release()
#define AMX_ZERO(tile) _tile_zero(tile)
#define AMX_LOAD(tile, from, pitch) _tile_loadd(tile, from, (long)(pitch))
#define AMX_STORE(tile, to, pitch) _tile_stored(tile, to, (long)(pitch))
/* sum += a b, of pairs of bf16 into floats */
#define AMX_BF16(sum, a, b) _tile_dpbf16ps(sum, a, b)
/* of four bytes into int32: a's without a sign, b's with one */
#define AMX_INT8(sum, a, b) _tile_dpbusd(sum, a, b)
#endif

#endif
