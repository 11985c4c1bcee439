/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inner kernel of products of bf16 on tiles: 32 x 32 sums in four tiles while k runs,
 * 32 of k a step. bf16.c packs for it in steps that are filled up with 0.
 *
 * Each element is summed in order of k, step by step, in every tile and at every edge.
 */
#include <immintrin.h>

#include "kern/amx.h"
#include "kern/isa.h"

#define STEP AMX_ROWS /* cells of k in a tile */
#define WIDTH ((size_t)16)

void FR__KERN_NAME(tiles_begin)(size_t rows) {
  const amx_shapes shapes = amx_shapes_for(rows);
  AMX_CONFIGURE(&shapes);
}

void FR__KERN_NAME(tiles_end)(void) { AMX_RELEASE(); }

/* ---- A, transposed ---- */

/* Rows and columns of `x` change places at one distance of both. */
INLINE void exchange(__m512i x[16], int distance) {
  const ivec lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const ivec upper = (lane & distance) != 0; /* all ones where it is */
  const __m512i low = (__m512i)(lane + (upper & (16 - distance)));
  const __m512i high = (__m512i)(lane + ((upper & 16) | (~upper & distance)));
  EACH(i, 16)
  if ((i & (size_t)distance) == 0) {
    const __m512i a = x[i], b = x[i + (size_t)distance];
    x[i] = _mm512_permutex2var_epi32(a, low, b);
    x[i + (size_t)distance] = _mm512_permutex2var_epi32(a, high, b);
  }
}

void FR__KERN_NAME(transpose)(const float *from, size_t rows, float *to, size_t ld) {
  __m512i x[16];
  EACH(i, 16)
  x[i] = _mm512_loadu_si512(from + i * 16);
  exchange(x, 1);
  exchange(x, 2);
  exchange(x, 4);
  exchange(x, 8);
  for (size_t i = 0; i < rows; i++)
    _mm512_storeu_si512(to + i * ld, x[i]);
}

/* ---- tiles ---- */

/* Bias and relu on what was stored. */
static void finish(const fr__tile *t, size_t rows, size_t columns) {
  if (t->bias == NULL && !t->rectify)
    return;
  for (size_t r = 0; r < rows; r++)
    for (size_t c = 0; c < columns; c += LANES) {
      const size_t count = lanes_left(columns, c);
      vec sum = get(t->c + r * t->ldc + c, count);
      if (t->bias != NULL)
        sum += get(t->bias + c, count);
      if (t->rectify)
        sum = select_lanes(sum < (vec){0}, (vec){0}, sum);
      put(t->c + r * t->ldc + c, sum, count);
    }
}

INLINE void begin(const fr__tile *t, bool tall, bool wide) {
  const size_t pitch = t->ldc * sizeof(float);
  float *const below = t->c + AMX_ROWS * t->ldc;
  AMX_BEGIN();
  AMX_ZERO(0);
  AMX_ZERO(1);
  AMX_ZERO(2);
  AMX_ZERO(3);
  if (!t->add)
    return;
  AMX_LOAD(0, t->c, pitch);
  if (wide)
    AMX_LOAD(1, t->c + WIDTH, pitch);
  if (tall)
    AMX_LOAD(2, below, pitch);
  if (tall && wide)
    AMX_LOAD(3, below + WIDTH, pitch);
}

INLINE void store_sums(const fr__tile *t, bool tall, bool wide) {
  const size_t pitch = t->ldc * sizeof(float);
  float *const below = t->c + AMX_ROWS * t->ldc;
  AMX_STORE(0, t->c, pitch);
  if (wide)
    AMX_STORE(1, t->c + WIDTH, pitch);
  if (tall)
    AMX_STORE(2, below, pitch);
  if (tall && wide)
    AMX_STORE(3, below + WIDTH, pitch);
}

/* tall: more than one tile high; wide: two tiles wide. */
INLINE void sums(const fr__tile *t, bool tall, bool wide) {
  const float *b = t->b;
  const size_t pitch_a = t->lda * sizeof(float), pitch_b = t->ldb * sizeof(float);
  const size_t below = AMX_ROWS * t->lda, step_b = STEP * t->ldb;
  begin(t, tall, wide);
  for (size_t s = 0; s < t->segments; s++) {
    const float *a = t->a + s * t->segment_of_a;
    for (size_t p = 0; p < t->depth; p += STEP) {
      AMX_LOAD(6, b, pitch_b);
      AMX_LOAD(4, a, pitch_a);
      AMX_BF16(0, 4, 6);
      if (wide) {
        AMX_LOAD(7, b + WIDTH, pitch_b);
        AMX_BF16(1, 4, 7);
      }
      if (tall) {
        AMX_LOAD(5, a + below, pitch_a);
        AMX_BF16(2, 5, 6);
      }
      if (tall && wide)
        AMX_BF16(3, 5, 7);
      a += STEP;
      b += step_b;
    }
  }
  store_sums(t, tall, wide);
}

static void sums_of(const fr__tile *t, bool tall, bool wide) {
  if (tall && wide)
    sums(t, true, true);
  else if (tall)
    sums(t, true, false);
  else if (wide)
    sums(t, false, true);
  else
    sums(t, false, false);
}

/* Tiles that stick out of C: their sums begin, run and end beside it. */
static void edge_sums(const fr__tile *tile, size_t rows, size_t columns, bool tall,
                      bool wide) {
  _Alignas(64) float beside[2 * AMX_ROWS * 2 * WIDTH] = {0};
  fr__tile t = *tile;
  t.c = beside;
  t.ldc = 2 * WIDTH;
  for (size_t r = 0; r < rows && t.add; r++)
    memcpy(beside + r * t.ldc, tile->c + r * tile->ldc, columns * sizeof *beside);
  sums_of(&t, tall, wide);
  for (size_t r = 0; r < rows; r++)
    memcpy(tile->c + r * tile->ldc, beside + r * t.ldc, columns * sizeof *beside);
}

void fr__kern_panel(const fr__tile *panel, size_t rows, size_t vectors, size_t columns) {
  const size_t height = panel->height;
  const bool wide = vectors == 2, whole = columns == vectors * WIDTH;
  fr__tile t = *panel;
  for (size_t row = 0, count; row < rows; row += count) {
    const bool tall = rows - row > height;
    count = tall ? 2 * height : height;
    if (whole && rows - row >= count)
      sums_of(&t, tall, wide);
    else
      edge_sums(&t, rows - row < count ? rows - row : count, columns, tall, wide);
    finish(&t, rows - row < count ? rows - row : count, columns);
    t.a += count * t.lda;
    t.c += count * t.ldc;
  }
}

/* Two panels at once: four sums hide half of the latency, where two tiles of rows are
 * missing. */
static void row_of_two_panels(const fr__tile *t) {
  const float *b = t->b, *a = t->a;
  const size_t pitch_b = t->ldb * sizeof(float);
  AMX_BEGIN();
  AMX_ZERO(0);
  AMX_ZERO(1);
  AMX_ZERO(2);
  AMX_ZERO(3);
  if (t->add) {
    AMX_LOAD(0, t->c, AMX_BYTES);
    AMX_LOAD(1, t->c + WIDTH, AMX_BYTES);
    AMX_LOAD(2, t->c + 2 * WIDTH, AMX_BYTES);
    AMX_LOAD(3, t->c + 3 * WIDTH, AMX_BYTES);
  }
  for (size_t p = 0; p < t->depth; p += STEP, b += STEP * t->ldb) {
    AMX_LOAD(4, a + p, AMX_BYTES);
    AMX_LOAD(6, b, pitch_b);
    AMX_BF16(0, 4, 6);
    AMX_LOAD(7, b + WIDTH, pitch_b);
    AMX_BF16(1, 4, 7);
    AMX_LOAD(6, b + t->panel, pitch_b);
    AMX_BF16(2, 4, 6);
    AMX_LOAD(7, b + t->panel + WIDTH, pitch_b);
    AMX_BF16(3, 4, 7);
  }
  AMX_STORE(0, t->c, AMX_BYTES);
  AMX_STORE(1, t->c + WIDTH, AMX_BYTES);
  AMX_STORE(2, t->c + 2 * WIDTH, AMX_BYTES);
  AMX_STORE(3, t->c + 3 * WIDTH, AMX_BYTES);
}

void fr__kern_row(const fr__tile *row, size_t vectors, size_t columns) {
  float beside[ROW_COLUMNS] = {0};
  fr__tile t = *row;
  const bool whole = columns == vectors * WIDTH;
  t.c = whole ? row->c : beside;
  if (!whole && row->add)
    memcpy(beside, row->c, columns * sizeof *beside);
  for (size_t v = 0; v < vectors; v += 4) {
    row_of_two_panels(&t);
    t.b += 2 * t.panel;
    t.c += 4 * WIDTH;
  }
  if (!whole)
    memcpy(row->c, beside, columns * sizeof *beside);
  finish(row, 1, columns);
}
