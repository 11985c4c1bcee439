/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of one instruction set show each other; each is built once for every
 * set. */
#ifndef FR_KERN_ISA_H
#define FR_KERN_ISA_H

#include "kern/int8.h"
#include "kern/vec.h"

void FR__KERN_NAME(gemm)(float *scratch, const fr__gemm *gemm);
size_t FR__KERN_NAME(packed_floats)(size_t n, size_t k);
void FR__KERN_NAME(gemm_pack)(const fr__gemm *gemm, float *to);
void FR__KERN_NAME(sparse)(float *scratch, const fr__gemm *gemm);
void FR__KERN_NAME(bf16_gemm)(float *scratch, const fr__gemm *gemm);
size_t FR__KERN_NAME(bf16_packed_floats)(size_t n, size_t k);
void FR__KERN_NAME(bf16_gemm_pack)(const fr__gemm *gemm, float *to);
void FR__KERN_NAME(exp)(const float *x, float *y, size_t n);
void FR__KERN_NAME(sigmoid)(const float *x, float *y, size_t n);
void FR__KERN_NAME(tanh)(const float *x, float *y, size_t n);
void FR__KERN_NAME(relu)(const float *x, float *y, size_t n);
void FR__KERN_NAME(relu_backward)(const float *y, const float *dy, float *dx, size_t n);
void FR__KERN_NAME(column_sum)(const float *x, size_t ld, size_t rows, size_t columns,
                               float *sum);
void FR__KERN_NAME(column_moments)(const float *x, size_t ld, size_t rows, size_t columns,
                                   size_t n, float *mean, float *squares);
void FR__KERN_NAME(column_products)(const float *x, const float *y, size_t ld,
                                    size_t rows, size_t columns, const float *centre,
                                    float *sum, float *product);
void FR__KERN_NAME(scale_shift)(const float *x, size_t rows, size_t columns,
                                const float *scale, const float *shift, float *y);
void FR__KERN_NAME(normalize_backward)(const fr__normalize_back *back);
bool FR__KERN_NAME(all_finite)(const float *x, size_t n);
void FR__KERN_NAME(axpy)(float a, const float *x, float *y, size_t n);
void FR__KERN_NAME(lstm_forward)(const fr__lstm_step *step);
void FR__KERN_NAME(lstm_backward)(const fr__lstm_back *back);
void FR__KERN_NAME(gru_forward)(const fr__gru_step *step);
void FR__KERN_NAME(gru_backward)(const fr__gru_back *back);
void FR__KERN_NAME(adam)(const fr__adam_step *step, const float *restrict gradient,
                         float *restrict value, float *restrict m, float *restrict v,
                         size_t n);
void FR__KERN_NAME(sgd)(const fr__sgd_step *step, const float *restrict gradient,
                        float *restrict value, float *restrict velocity, size_t n);
void FR__KERN_NAME(rmsprop)(const fr__rmsprop_step *step, const float *restrict gradient,
                            float *restrict value, float *restrict v,
                            float *restrict velocity, size_t n);

/* ---- int8_isa.c, int8_scale.c, int8_gemm.c ---- */

size_t FR__KERN_NAME(int8_packed_bytes)(size_t n, size_t k);
void FR__KERN_NAME(int8_pack)(const int8_t *w, size_t n, size_t k, int32_t zero,
                              void *to);
/* Column j of the packed weights: a row of bytes; NULL: of nothing, behind the last. */
void FR__KERN_NAME(int8_pack_column)(const int8_t *row, size_t j, size_t n, size_t k,
                                     int32_t zero, void *to);
void FR__KERN_NAME(int8_gemm)(float *scratch, const fr__gemm *gemm);
size_t FR__KERN_NAME(int8_packed_floats)(size_t n, size_t k);
void FR__KERN_NAME(int8_gemm_pack)(const fr__gemm *gemm, float *to);
void FR__KERN_NAME(int8_multiply)(void *scratch, const fr__int8_product *product);
void FR__KERN_NAME(int8_scale)(const fr__int8_requantizing *scaling, const int32_t *sum,
                               size_t ld_sum);
void FR__KERN_NAME(int8_scale_bytes)(const fr__int8_requantizing *scaling,
                                     const int8_t *x);
void FR__KERN_NAME(int8_column_sum)(const int8_t *x, size_t rows, size_t columns,
                                    int32_t *sum);
void FR__KERN_NAME(int8_column_max)(const int8_t *x, size_t rows, size_t columns,
                                    int8_t *greatest);
void FR__KERN_NAME(int8_lstm)(const fr__int8_lstm_step *step); /* AVX-512 only */
void FR__KERN_NAME(int8_gru)(const fr__int8_lstm_step *step);  /* likewise */
void FR__KERN_NAME(int8_quantize)(const float *x, size_t n, float factor, int32_t zero,
                                  int8_t *y);

/* ---- tile.c: a register's worth of C ---- */

/* The largest tile: TILE_ROWS rows of TILE_VECTORS vectors of sums stay in registers,
 * with one row of B and one element of A beside them. AVX-512 and arm64 have 32 vector
 * registers, AVX2 and SSE2 16. */
#if defined(__AVX512F__)
#define TILE_ROWS 14
#elif defined(__aarch64__)
#define TILE_ROWS 12
#else
#define TILE_ROWS 6
#endif
#define TILE_VECTORS 2
#define TILE_COLUMNS (TILE_VECTORS * LANES)

typedef struct fr__tile {
  size_t depth;    /* k of this block, of each segment */
  size_t segments; /* products that are summed, at least 1; B's lie behind one another */
  const float *a;
  size_t lda;
  size_t segment_of_a; /* floats from one segment's A to the next one's */
  bool trans_a;        /* a is stored (depth, rows) */
  const float *b;      /* (depth, vectors * LANES) */
  size_t ldb;
  size_t height; /* of the tiles of a set that has such registers, at most 16 */
  size_t panel;  /* of a row alone: floats from one panel of B to the next one */
  float *c;      /* (rows, vectors * LANES) */
  size_t ldc;
  bool add;          /* to what C holds */
  const float *bias; /* (vectors * LANES) or NULL */
  bool rectify;      /* what is below 0 becomes 0 */
} fr__tile;

/* C = A B [+ C] [+ bias] [rectified], for `rows` rows, in tiles of nearly equal height;
 * `vectors` is 1 or 2, and `columns` what of them is inside of C. Each element is summed
 * in order of k, whatever the tile's shape. */
#define fr__kern_panel FR__KERN_NAME(panel)
void fr__kern_panel(const fr__tile *panel, size_t rows, size_t vectors, size_t columns);

/* The same for one row against `vectors` of several panels of B, 4 or ROW_VECTORS, of
 * which `columns`, more than those of a vector less, are inside of C: as many sums as
 * hide the latency of a multiply-add. */
#define ROW_VECTORS 8
#define ROW_COLUMNS (ROW_VECTORS * LANES)
#define fr__kern_row FR__KERN_NAME(row)
void fr__kern_row(const fr__tile *row, size_t vectors, size_t columns);
/* How many vectors of so many columns a row may meet at once, the last one in part where
 * `padded`; 0: a panel at a time. */
INLINE size_t row_vectors(size_t columns, bool padded) {
  const size_t all = columns / LANES + (padded && columns % LANES != 0);
  return all >= ROW_VECTORS ? ROW_VECTORS : all >= 4 ? 4 : 0;
}

/* Items of a batch that are one product: all that share their B, or as many of those that
 * are added into one C as fit one block of k, `fitting`, at least one. */
INLINE size_t items_together(const fr__gemm *g, size_t fitting) {
  const size_t batch = g->batch != 0 ? g->batch : 1;
  if (g->stride_b == 0)
    return g->stride_c != 0 ? batch : 1;
  return g->stride_c == 0 && fitting > 1 ? fitting : 1;
}

/* ---- pack.c ---- */

/* Columns [column, column + count) of op(B), rows [row, row + depth), to `to` (depth,
 * width), width >= count; the columns beyond `count` are 0. */
#define fr__kern_pack FR__KERN_NAME(pack)
void fr__kern_pack(const fr__gemm *g, const float *b, size_t row, size_t depth,
                   size_t column, size_t count, size_t width, float *to);

/* ---- bf16_amx.c ---- */

/* Tiles of this thread, of so many rows (at most 16), until they end. */
void FR__KERN_NAME(tiles_begin)(size_t rows);
void FR__KERN_NAME(tiles_end)(void);
/* Rows of `to`, `ld` apart, become the columns of `from` (16, 16): the first `rows`. */
void FR__KERN_NAME(transpose)(const float *from, size_t rows, float *to, size_t ld);

/* ---- int8_amx.c ---- */

/* Sums of one panel of weights, whole 32 columns. */
typedef struct fr__int8_tiles {
  size_t depth;           /* cells, whole steps of 16 */
  const unsigned char *x; /* rows of cells, `pitch` bytes apart, without a sign */
  size_t pitch;
  const int32_t *first, *w; /* what the sums begin with; (depth, 32) cells */
  int32_t *sum;
  size_t ld_sum;
} fr__int8_tiles;

/* `rows` is at least 16. Between begin and end. */
void FR__KERN_NAME(int8_tiles)(const fr__int8_tiles *tiles, size_t rows);
void FR__KERN_NAME(int8_tiles_begin)(void);
void FR__KERN_NAME(int8_tiles_end)(void);

#endif
