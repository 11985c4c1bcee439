/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products of bytes of one instruction set. Both operands come in cells of 32 bits, each
 * some neighbours in k, which one instruction multiplies and adds:
 *
 *   with FR__KERN_VNNI   four bytes, x as x + 128 without a sign (vpdpbusd)
 *   else                 two numbers of 16 bits, x - zero and w (vpmaddwd)
 *
 * With FR__KERN_AMX as with FR__KERN_VNNI, and sixteen rows and more go on tiles
 * (int8_amx.c).
 *
 * Rows of x are laid out in cells as they lie, those that overlap once; a row's cells are
 * read from wherever they begin. What the last cell of a row holds beyond k meets weights
 * of 0.
 */
#include "kern/int8_ops.h"
#include "kern/isa.h"

#ifdef FR__KERN_HAVE_X86
#include <immintrin.h>
#endif

/* Bytes of x that one cell holds; bytes that one of them takes in it. */
#ifdef FR__KERN_VNNI
#define CELL ((size_t)4)
#define WIDTH ((size_t)1)
#else
#define CELL ((size_t)2)
#define WIDTH ((size_t)2)
#endif

/* Cells of a packed k are whole steps of this. */
#ifdef FR__KERN_AMX
#include "kern/amx.h"
#define STEP AMX_ROWS
#else
#define STEP ((size_t)1)
#endif

typedef int32_t ivec_any __attribute__((vector_size(VEC_BYTES), aligned(4), may_alias));

INLINE ivec load_ints(const int32_t *from) { return *(const ivec_any *)from; }
INLINE void store_ints(int32_t *to, ivec x) { *(ivec_any *)to = x; }

/* sum + x w: `x` the same cell for all lanes. */
INLINE ivec multiply_add(ivec sum, const unsigned char *x, ivec w) {
  int32_t cell;
  memcpy(&cell, x, sizeof cell);
  const ivec a = cell - (ivec){0};
#if defined(FR__KERN_VNNI) && defined(__AVX512F__)
  return (ivec)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)w);
#elif defined(FR__KERN_VNNI)
  return (ivec)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)a, (__m256i)w);
#elif defined(__AVX512F__)
  return sum + (ivec)_mm512_madd_epi16((__m512i)a, (__m512i)w);
#elif defined(__AVX2__)
  return sum + (ivec)_mm256_madd_epi16((__m256i)a, (__m256i)w);
#elif defined(__SSE2__) && !defined(FR__KERN_SCALAR)
  return sum + (ivec)_mm_madd_epi16((__m128i)a, (__m128i)w);
#else
  return sum + ((a << 16) >> 16) * ((w << 16) >> 16) + (a >> 16) * (w >> 16);
#endif
}

static size_t smaller(size_t x, size_t y) { return x < y ? x : y; }

static size_t cells(size_t k) { return (k + CELL - 1) / CELL; }

static size_t stepped(size_t k) { return (cells(k) + STEP - 1) / STEP * STEP; }

static size_t panels(size_t n) { return (n + TILE_COLUMNS - 1) / TILE_COLUMNS; }

/* ---- packed weights: what each sum begins with, then the panels ---- */

size_t FR__KERN_NAME(int8_packed_bytes)(size_t n, size_t k) {
  return panels(n) * TILE_COLUMNS * (1 + stepped(k)) * sizeof(int32_t);
}

/* Σ (x - zero) w = Σ (x + 128) w - (128 + zero) Σ w */
static int32_t first_sum(const int8_t *w, size_t k, int32_t zero) {
  int32_t sum = 0;
  for (size_t i = 0; i < k; i++)
    sum += w[i];
  return WIDTH == 1 ? -(128 + zero) * sum : 0;
}

static int32_t cell_of(const int8_t *w, size_t k) {
#ifdef FR__KERN_VNNI
  int8_t part[CELL] = {0};
#else
  int16_t part[CELL] = {0};
#endif
  int32_t cell;
  for (size_t i = 0; i < smaller(k, CELL); i++)
    part[i] = w[i];
  memcpy(&cell, part, sizeof cell);
  return cell;
}

void FR__KERN_NAME(int8_pack_column)(const int8_t *row, size_t j, size_t n, size_t k,
                                     int32_t zero, void *to) {
  int32_t *first = to, *panel = first + panels(n) * TILE_COLUMNS;
  int32_t *column =
      panel + j / TILE_COLUMNS * TILE_COLUMNS * stepped(k) + j % TILE_COLUMNS;
  first[j] = row != NULL ? first_sum(row, k, zero) : 0;
  for (size_t p = 0; p < cells(k); p++)
    column[p * TILE_COLUMNS] = row != NULL ? cell_of(row + p * CELL, k - p * CELL) : 0;
  for (size_t p = cells(k); p < stepped(k); p++)
    column[p * TILE_COLUMNS] = 0;
}

void FR__KERN_NAME(int8_pack)(const int8_t *w, size_t n, size_t k, int32_t zero,
                              void *to) {
  for (size_t j = 0; j < panels(n) * TILE_COLUMNS; j++)
    FR__KERN_NAME(int8_pack_column)(j < n ? w + j * k : NULL, j, n, k, zero, to);
}

/* ---- x in cells ---- */

static void lay_out(const int8_t *x, size_t n, int32_t zero, unsigned char *to) {
#ifdef FR__KERN_VNNI
  (void)zero;
  for (size_t i = 0; i < n; i++)
    to[i] = (unsigned char)x[i] ^ 0x80;
#else
  int16_t *wide = (int16_t *)(void *)to;
  for (size_t i = 0; i < n; i++)
    wide[i] = (int16_t)(x[i] - zero);
#endif
  memset(to + n * WIDTH, 0, sizeof(int32_t));
}

/* Rows of x in cells: bytes from one row to the next, and how many rows at once fit. */
typedef struct layout {
  bool flat;
  size_t pitch, rows;
} layout;

static layout layout_of(const fr__int8_product *p) {
  const size_t room = FR__INT8_SCRATCH / WIDTH - 2 * CELL * STEP;
  layout l = {.flat = p->ld_x <= p->k && p->k <= room};
  l.pitch = (l.flat ? p->ld_x : cells(p->k) * CELL) * WIDTH;
  l.rows = l.flat && l.pitch > 0 ? (room - p->k) * WIDTH / l.pitch + 1
                                 : room * WIDTH / (l.pitch + CELL);
  l.rows = l.pitch == 0 ? p->m : l.rows;
  return l;
}

static void lay_out_rows(const fr__int8_product *p, const layout *l, size_t first,
                         size_t rows, unsigned char *to) {
  const int8_t *x = p->x + first * p->ld_x;
  if (l->flat) {
    lay_out(x, (rows - 1) * p->ld_x + p->k, p->zero, to);
    return;
  }
  for (size_t i = 0; i < rows; i++)
    lay_out(x + i * p->ld_x, p->k, p->zero, to + i * l->pitch);
}

/* ---- tiles ---- */

typedef struct tile {
  size_t depth; /* cells */
  size_t panel; /* from the weights of one panel to those of the next one */
  const unsigned char *x;
  size_t pitch;
  const int32_t *first, *w;
  int32_t *sum;
  size_t ld_sum;
} tile;

INLINE void tile_rows(const tile *t, size_t rows) {
  ivec sum[TILE_ROWS][TILE_VECTORS];
  const unsigned char *x = t->x;
  const int32_t *w = t->w;
  EACH(i, rows)
  EACH(v, TILE_VECTORS)
  sum[i][v] = load_ints(t->first + v * LANES);
  for (size_t p = t->depth; p > 0; p--) {
    ivec row[TILE_VECTORS];
    EACH(v, TILE_VECTORS)
    row[v] = load_ints(w + v * LANES);
    EACH(i, rows)
    EACH(v, TILE_VECTORS)
    sum[i][v] = multiply_add(sum[i][v], x + i * t->pitch, row[v]);
    x += sizeof(int32_t);
    w += TILE_COLUMNS;
  }
  EACH(i, rows)
  EACH(v, TILE_VECTORS)
  store_ints(t->sum + i * t->ld_sum + v * LANES, sum[i][v]);
}

#define TILE(rows)                                                                       \
  static void tile_##rows(const tile *t) { tile_rows(t, rows); }
#define NAME(rows) tile_##rows,
#define HEIGHTS_6(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define HEIGHTS_12(X) HEIGHTS_6(X) X(7) X(8) X(9) X(10) X(11) X(12)
#define HEIGHTS_14(X) HEIGHTS_12(X) X(13) X(14)
#define PASTE(x, y) x##y
#define HEIGHTS_OF(rows, X) PASTE(HEIGHTS_, rows)(X)

HEIGHTS_OF(TILE_ROWS, TILE)

static void (*const tiles[TILE_ROWS])(const tile *) = {HEIGHTS_OF(TILE_ROWS, NAME)};

/* One row against PANELS panels at once: as many sums as hide the latency. */
#define PANELS (ROW_VECTORS / TILE_VECTORS)

static void row_of_panels(const tile *t) {
  ivec sum[ROW_VECTORS];
  const size_t panel = t->panel;
  EACH(v, ROW_VECTORS)
  sum[v] = load_ints(t->first + v * LANES);
  for (size_t p = 0; p < t->depth; p++)
    EACH(v, ROW_VECTORS)
  sum[v] = multiply_add(sum[v], t->x + p * sizeof(int32_t),
                        load_ints(t->w + v / TILE_VECTORS * panel + p * TILE_COLUMNS +
                                  v % TILE_VECTORS * LANES));
  EACH(v, ROW_VECTORS)
  store_ints(t->sum + v * LANES, sum[v]);
}

#ifdef FR__KERN_AMX
/* `rows` laid out rows, at least sixteen, against all panels. */
static void tiles_block(const fr__int8_product *p, const tile *t, size_t rows) {
  const int32_t *first = p->packed;
  fr__int8_tiles of = {
      stepped(p->k), t->x,     t->pitch, first, first + panels(p->n) * TILE_COLUMNS,
      t->sum,        t->ld_sum};
  FR__KERN_NAME(int8_tiles_begin)();
  for (size_t j = 0; j < panels(p->n); j++) {
    FR__KERN_NAME(int8_tiles)(&of, rows);
    of.first += TILE_COLUMNS;
    of.w += t->panel;
    of.sum += TILE_COLUMNS;
  }
  FR__KERN_NAME(int8_tiles_end)();
}
#endif

/* `rows` laid out rows against all panels. */
static void block(const fr__int8_product *p, tile t, size_t rows) {
  const int32_t *first = p->packed;
  const int32_t *w = first + panels(p->n) * TILE_COLUMNS;
  const size_t count = (rows + TILE_ROWS - 1) / TILE_ROWS;
  const tile whole = t;
  size_t j = 0;
  for (; rows == 1 && j + PANELS <= panels(p->n); j += PANELS) {
    t.first = first + j * TILE_COLUMNS;
    t.w = w + j * t.panel;
    t.sum = whole.sum + j * TILE_COLUMNS;
    row_of_panels(&t);
  }
  for (; j < panels(p->n); j++) {
    t = whole;
    t.first = first + j * TILE_COLUMNS;
    t.w = w + j * t.panel;
    t.sum += j * TILE_COLUMNS;
    for (size_t i = 0; i < count; i++) {
      const size_t height = rows / count + (i < rows % count);
      tiles[height - 1](&t);
      t.x += height * t.pitch;
      t.sum += height * t.ld_sum;
    }
  }
}

void FR__KERN_NAME(int8_multiply)(void *scratch, const fr__int8_product *p) {
  const layout l = layout_of(p);
  for (size_t row = 0, rows; row < p->m; row += rows) {
    rows = smaller(p->m - row, l.rows);
    lay_out_rows(p, &l, row, rows, scratch);
    const tile t = {.depth = cells(p->k),
                    .panel = stepped(p->k) * TILE_COLUMNS,
                    .x = scratch,
                    .pitch = l.pitch,
                    .sum = p->sum + row * p->ld_sum,
                    .ld_sum = p->ld_sum};
#ifdef FR__KERN_AMX
    if (rows >= AMX_ROWS) {
      tiles_block(p, &t, rows);
      continue;
    }
#endif
    block(p, t, rows);
  }
}
