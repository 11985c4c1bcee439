/* SPDX-License-Identifier: Apache-2.0 */
#include "gemm_peers.h"

#include <stdio.h>
#include <stdlib.h>

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

/* ---- OpenBLAS ---- */

#ifdef FR_BENCH_OPENBLAS
#include <cblas.h>

static void *prepare_openblas(const fr__gemm *gemm) {
  static char nothing; /* to keep */
  (void)gemm;
  openblas_set_num_threads(1);
  return &nothing;
}

static void run_openblas(void *kept, const fr__gemm *g) {
  (void)kept;
  const size_t lda = larger(g->lda, g->trans_a ? g->m : g->k);
  for (size_t i = 0; i == 0 || i < g->batch; i++) {
    const bool add = g->accumulate || (g->stride_c == 0 && i > 0);
    cblas_sgemm(CblasRowMajor, g->trans_a ? CblasTrans : CblasNoTrans,
                g->trans_b ? CblasTrans : CblasNoTrans, (int)g->m, (int)g->n, (int)g->k,
                1.0f, g->a + i * g->stride_a, (int)lda, g->b + i * g->stride_b,
                (int)g->ldb, add ? 1.0f : 0.0f, g->c + i * g->stride_c, (int)g->ldc);
  }
}

static void release_openblas(void *kept) { (void)kept; }

static const gemm_peer openblas = {"OpenBLAS", prepare_openblas, run_openblas,
                                   release_openblas};

static void print_openblas(void) {
  printf("%s, kernels of %s\n", openblas_get_config(), openblas_get_corename());
}
#else
static void print_openblas(void) {
  printf("OpenBLAS was not found (Debian: libopenblas-dev)\n");
}
#endif

/* ---- oneDNN ---- */

#ifdef FR_BENCH_ONEDNN
#include <dnnl.h>

typedef struct matmul {
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  dnnl_primitive_t first, more; /* C = AB, C += AB */
  dnnl_memory_t a, b, c, packed;
  size_t width_a; /* bytes of an element; as many of b */
} matmul;

/* (rows, columns) of an array stored straight or transposed. */
static dnnl_memory_desc_t describe(size_t rows, size_t columns, size_t ld, bool trans,
                                   dnnl_data_type_t type) {
  const dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)columns};
  const dnnl_dims_t strides = {trans ? 1 : (dnnl_dim_t)ld, trans ? (dnnl_dim_t)ld : 1};
  dnnl_memory_desc_t of;
  dnnl_memory_desc_init_by_strides(&of, 2, dims, type, strides);
  return of;
}

static dnnl_primitive_attr_t attributes(bool add) {
  dnnl_primitive_attr_t attr = NULL;
  dnnl_post_ops_t ops = NULL;
  dnnl_primitive_attr_create(&attr);
  dnnl_post_ops_create(&ops);
  if (add && dnnl_post_ops_append_sum(ops, 1.0f) == dnnl_success)
    dnnl_primitive_attr_set_post_ops(attr, ops);
  dnnl_post_ops_destroy(ops);
  return attr;
}

static dnnl_primitive_desc_t choose(const matmul *m, const dnnl_memory_desc_t *a,
                                    const dnnl_memory_desc_t *b,
                                    const dnnl_memory_desc_t *c, bool add) {
  dnnl_matmul_desc_t desc;
  dnnl_primitive_desc_t chosen = NULL;
  const dnnl_primitive_attr_t attr = attributes(add);
  if (dnnl_matmul_desc_init(&desc, a, b, NULL, c) == dnnl_success &&
      dnnl_primitive_desc_create(&chosen, &desc, attr, m->engine, NULL) != dnnl_success)
    chosen = NULL;
  dnnl_primitive_attr_destroy(attr);
  return chosen;
}

/* B as the primitive wants it, packed once: training does so once a step. */
static bool pack(matmul *m, const dnnl_memory_desc_t *b,
                 const dnnl_memory_desc_t *wanted) {
  dnnl_primitive_desc_t desc = NULL;
  dnnl_primitive_t reorder = NULL;
  dnnl_memory_create(&m->packed, wanted, m->engine, DNNL_MEMORY_ALLOCATE);
  bool done = dnnl_reorder_primitive_desc_create(&desc, b, m->engine, wanted, m->engine,
                                                 NULL) == dnnl_success &&
              dnnl_primitive_create(&reorder, desc) == dnnl_success;
  const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, m->b}, {DNNL_ARG_TO, m->packed}};
  done = done && dnnl_primitive_execute(reorder, m->stream, 2, args) == dnnl_success;
  dnnl_primitive_destroy(reorder);
  dnnl_primitive_desc_destroy(desc);
  return done;
}

static void release_matmul(void *kept) {
  matmul *m = kept;
  dnnl_primitive_destroy(m->first);
  dnnl_primitive_destroy(m->more);
  dnnl_memory_destroy(m->a);
  dnnl_memory_destroy(m->b);
  dnnl_memory_destroy(m->c);
  dnnl_memory_destroy(m->packed);
  dnnl_stream_destroy(m->stream);
  dnnl_engine_destroy(m->engine);
  free(m);
}

static bool init_matmul(matmul *m, const fr__gemm *g, dnnl_data_type_t type,
                        dnnl_data_type_t sum_type) {
  const size_t lda = larger(g->lda, g->trans_a ? g->m : g->k);
  const dnnl_memory_desc_t a = describe(g->m, g->k, lda, g->trans_a, type);
  const dnnl_memory_desc_t b = describe(g->k, g->n, g->ldb, g->trans_b, type);
  const dnnl_memory_desc_t c = describe(g->m, g->n, g->ldc, false, sum_type);
  dnnl_memory_desc_t any;
  const dnnl_dims_t dims = {(dnnl_dim_t)g->k, (dnnl_dim_t)g->n};
  dnnl_memory_desc_init_by_tag(&any, 2, dims, type, dnnl_format_tag_any);
  const dnnl_memory_desc_t *layout = g->stride_b == 0 ? &any : &b;
  dnnl_engine_create(&m->engine, dnnl_cpu, 0);
  dnnl_stream_create(&m->stream, m->engine, dnnl_stream_default_flags);
  dnnl_memory_create(&m->a, &a, m->engine, (void *)(size_t)g->a);
  dnnl_memory_create(&m->b, &b, m->engine, (void *)(size_t)g->b);
  dnnl_memory_create(&m->c, &c, m->engine, g->c);
  const dnnl_primitive_desc_t first = choose(m, &a, layout, &c, g->accumulate);
  const dnnl_primitive_desc_t more = choose(m, &a, layout, &c, true);
  const bool done =
      first != NULL && more != NULL &&
      pack(m, &b, dnnl_primitive_desc_query_md(first, dnnl_query_weights_md, 0)) &&
      dnnl_primitive_create(&m->first, first) == dnnl_success &&
      dnnl_primitive_create(&m->more, more) == dnnl_success;
  dnnl_primitive_desc_destroy(first);
  dnnl_primitive_desc_destroy(more);
  return done;
}

static void *prepare_matmul(const fr__gemm *gemm, dnnl_data_type_t type,
                            dnnl_data_type_t sum_type, size_t width) {
  matmul *m = calloc(1, sizeof *m);
  if (m == NULL)
    return NULL;
  m->width_a = width;
  if (init_matmul(m, gemm, type, sum_type))
    return m;
  release_matmul(m);
  return NULL;
}

static void *prepare_f32(const fr__gemm *gemm) {
  return prepare_matmul(gemm, dnnl_f32, dnnl_f32, 4);
}

static void *prepare_bf16(const fr__gemm *gemm) {
  return prepare_matmul(gemm, dnnl_bf16, dnnl_f32, 2);
}

static void *prepare_s8(const fr__gemm *gemm) {
  return prepare_matmul(gemm, dnnl_s8, dnnl_s32, 1);
}

static void *at(const void *base, size_t elements, size_t width) {
  return (char *)(size_t)base + elements * width;
}

static void run_matmul(void *kept, const fr__gemm *g) {
  const matmul *m = kept;
  for (size_t i = 0; i == 0 || i < g->batch; i++) {
    dnnl_memory_set_data_handle(m->a, at(g->a, i * g->stride_a, m->width_a));
    dnnl_memory_set_data_handle(m->b, at(g->b, i * g->stride_b, m->width_a));
    dnnl_memory_set_data_handle(m->c, at(g->c, i * g->stride_c, sizeof(float)));
    const dnnl_exec_arg_t args[] = {
        {DNNL_ARG_SRC, m->a},
        {DNNL_ARG_WEIGHTS, g->stride_b == 0 ? m->packed : m->b},
        {DNNL_ARG_DST, m->c}};
    const bool add = g->stride_c == 0 && i > 0;
    dnnl_primitive_execute(add ? m->more : m->first, m->stream, 3, args);
  }
  dnnl_stream_wait(m->stream);
}

static const gemm_peer onednn_f32 = {"oneDNN f32", prepare_f32, run_matmul,
                                     release_matmul};
static const gemm_peer onednn_bf16 = {"oneDNN bf16", prepare_bf16, run_matmul,
                                      release_matmul};
static const gemm_peer onednn_s8 = {"oneDNN s8", prepare_s8, run_matmul, release_matmul};

static void print_onednn(void) {
  const dnnl_version_t *v = dnnl_version();
  printf("oneDNN %d.%d.%d, weights packed beforehand\n", v->major, v->minor, v->patch);
}
#else
static void print_onednn(void) {
  printf("oneDNN 2 was not found (Debian: libdnnl-dev)\n");
}
#endif

const gemm_peer *const gemm_peers[] = {
#ifdef FR_BENCH_OPENBLAS
    &openblas,
#endif
#ifdef FR_BENCH_ONEDNN
    &onednn_f32, &onednn_bf16, &onednn_s8,
#endif
    NULL};

void gemm_peers_print(void) {
  print_openblas();
  print_onednn();
}
