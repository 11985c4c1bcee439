/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products of bytes on tiles: 32 x 32 sums in four tiles, 64 of k a step. int8_isa.c lays
 * both operands out as for the instructions on vectors, but for weights that are filled
 * up with 0 to whole steps: whatever bytes of x they meet is then nothing.
 */
#include "kern/amx.h"
#include "kern/isa.h"

#define STEP AMX_ROWS /* cells of k in a tile */
#define WIDTH ((size_t)16)

INLINE void begin(const int32_t *first, bool tall) {
  AMX_BEGIN();
  AMX_LOAD(0, first, 0); /* the same for every row */
  AMX_LOAD(1, first + WIDTH, 0);
  if (tall) {
    AMX_LOAD(2, first, 0);
    AMX_LOAD(3, first + WIDTH, 0);
  }
}

/* Sixteen rows from `upper` on, and where it is tall as many from `lower` on. */
INLINE void sums(const fr__int8_tiles *t, size_t upper, size_t lower, bool tall) {
  const size_t pitch_sum = t->ld_sum * sizeof(int32_t);
  const unsigned char *a = t->x + upper * t->pitch, *b = t->x + lower * t->pitch;
  const int32_t *w = t->w;
  int32_t *const above = t->sum + upper * t->ld_sum;
  int32_t *const below = t->sum + lower * t->ld_sum;
  begin(t->first, tall);
  for (size_t p = 0; p < t->depth; p += STEP) {
    AMX_LOAD(6, w, 2 * AMX_BYTES);
    AMX_LOAD(4, a, t->pitch);
    AMX_INT8(0, 4, 6);
    AMX_LOAD(7, w + WIDTH, 2 * AMX_BYTES);
    AMX_INT8(1, 4, 7);
    if (tall) {
      AMX_LOAD(5, b, t->pitch);
      AMX_INT8(2, 5, 6);
      AMX_INT8(3, 5, 7);
    }
    a += AMX_BYTES;
    b += AMX_BYTES;
    w += STEP * 2 * WIDTH;
  }
  AMX_STORE(0, above, pitch_sum);
  AMX_STORE(1, above + WIDTH, pitch_sum);
  if (tall) {
    AMX_STORE(2, below, pitch_sum);
    AMX_STORE(3, below + WIDTH, pitch_sum);
  }
}

void FR__KERN_NAME(int8_tiles)(const fr__int8_tiles *t, size_t rows) {
  const size_t last =
      rows - AMX_ROWS; /* the last tile, over rows that are done already */
  for (size_t row = 0; row < rows; row += 2 * AMX_ROWS) {
    const size_t lower = row + AMX_ROWS;
    if (lower >= rows)
      sums(t, row < last ? row : last, 0, false);
    else
      sums(t, row, lower < last ? lower : last, true);
  }
}

void FR__KERN_NAME(int8_tiles_begin)(void) {
  const amx_shapes shapes = amx_shapes_for(AMX_ROWS);
  AMX_CONFIGURE(&shapes);
}

void FR__KERN_NAME(int8_tiles_end)(void) { AMX_RELEASE(); }
