/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranges of activations: the program runs in float32 on every sample, first for the least
 * and the greatest number of each value, then for a histogram between the two.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "nn/int8_build.h"

#define BINS 2048
/* Share of the numbers that a range leaves out at each end, at most: chosen on
 * MotionSense (docs/int8.md). */
#define TAIL 1e-4

typedef struct watch {
  float low, high;
  uint64_t count;
  uint64_t *bin; /* (BINS); NULL in the first pass */
  bool finite;
} watch;

typedef struct run {
  fr_net *net;
  const fr__program *program;
  float *memory; /* of all values, one behind the other */
  size_t *at;    /* (value_count) where each begins */
  float *room;   /* for looking inside */
  watch *watch;  /* (value_count) */
} run;

static float *value_of(const run *r, size_t value) { return r->memory + r->at[value]; }

/* ---- the program in float32 ---- */

static void run_layer(const run *r, fr__layer *layer, const float *x, float *y) {
  const fr__pass pass = {.kern = &r->net->kern, .rng = &r->net->rng, .batch = 1};
  layer->x = x;
  layer->y = y;
  layer->ops->forward(layer, &pass);
}

static void run_shortcut(const run *r, const fr__layer *layer, const float *x, float *y) {
  const fr__gemm product = {.m = layer->in.steps,
                            .n = layer->out.channels,
                            .k = layer->in.channels,
                            .a = x,
                            .lda = layer->in.channels,
                            .b = layer->tensor[0].value,
                            .ldb = layer->out.channels,
                            .c = y,
                            .ldc = layer->out.channels};
  fr__gemm_run(&r->net->kern, &product);
}

static void run_place(const fr__program_step *step, const float *x, float *y) {
  const size_t row = step->layer->out.channels;
  for (size_t t = 0; t < step->layer->out.steps; t++)
    memcpy(y + t * row + step->column, x + t * step->channels,
           step->channels * sizeof *y);
}

static void run_step(const run *r, const fr__program_step *step) {
  const float *x = value_of(r, step->in);
  float *y = value_of(r, step->out);
  switch (step->kind) {
  case FR__PROGRAM_LAYER: run_layer(r, step->layer, x, y); break;
  case FR__PROGRAM_SHORTCUT: run_shortcut(r, step->layer, x, y); break;
  case FR__PROGRAM_PLACE: run_place(step, x, y); break;
  case FR__PROGRAM_ADD:
    memcpy(y, value_of(r, step->other),
           r->program->value[step->out].elements * sizeof *y);
    fr__axpy(&r->net->kern, 1, x, y, r->program->value[step->out].elements);
    break;
  }
}

/* A parallel layer's output is whole behind its last branch. */
static bool is_whole(const fr__program_step *step) {
  return step->kind != FR__PROGRAM_PLACE ||
         step->column + step->channels == step->layer->out.channels;
}

/* ---- watching ---- */

static void watch_extremes(watch *w, const float *x, size_t count) {
  for (size_t i = 0; i < count; i++) {
    w->finite = w->finite && isfinite(x[i]);
    w->low = x[i] < w->low ? x[i] : w->low;
    w->high = x[i] > w->high ? x[i] : w->high;
  }
  w->count += count;
}

static void watch_bins(watch *w, const float *x, size_t count) {
  const float width = w->high - w->low, per = width > 0 ? BINS / width : 0;
  for (size_t i = 0; i < count; i++) {
    const size_t at = (size_t)((x[i] - w->low) * per);
    w->bin[at < BINS ? at : BINS - 1]++;
  }
}

static void see(const run *r, size_t value) {
  watch *w = &r->watch[value];
  const size_t count = r->program->value[value].elements;
  if (w->bin)
    watch_bins(w, value_of(r, value), count);
  else
    watch_extremes(w, value_of(r, value), count);
}

static void run_sample(const run *r, const float *x, fr__int8_inside *inside) {
  memcpy(value_of(r, 0), x, r->program->value[0].elements * sizeof *x);
  see(r, 0);
  for (size_t s = 0; s < r->program->step_count; s++) {
    const fr__program_step *step = &r->program->step[s];
    run_step(r, step);
    if (is_whole(step))
      see(r, step->out);
    if (inside && step->kind == FR__PROGRAM_LAYER &&
        fr__int8_inside_room(step->layer) > 0)
      fr__int8_look_inside(&r->net->kern, step->layer, value_of(r, step->in), r->room,
                           &inside[s]);
  }
}

static enum fr_status check_finite(const run *r, fr_error *err) {
  for (size_t v = 0; v < r->program->value_count; v++)
    if (!r->watch[v].finite)
      return fr__fail(err, FR_ERR_NUMERIC,
                      "a sample for the ranges of int8 leads to numbers that are not "
                      "finite");
  return FR_OK;
}

static fr__int8_range range_of(const watch *w) {
  const uint64_t spare = (uint64_t)(TAIL * (double)w->count);
  const float width = (w->high - w->low) / BINS;
  size_t low = 0, high = BINS;
  for (uint64_t seen = w->bin[0]; seen <= spare && low + 1 < BINS; seen += w->bin[low])
    low++;
  for (uint64_t seen = w->bin[BINS - 1]; seen <= spare && high > 1;
       seen += w->bin[high - 1])
    high--;
  const float from = low > 0 ? w->low + (float)low * width : w->low;
  const float to = high < BINS ? w->low + (float)high * width : w->high;
  return (fr__int8_range){from < 0 ? from : 0, to > 0 ? to : 0};
}

/* ---- memory ---- */

static void release(run *r, uint64_t *bins) {
  free(r->memory);
  free(r->at);
  free(r->room);
  free(r->watch);
  free(bins);
}

static enum fr_status reserve(run *r, fr_error *err) {
  const fr__program *program = r->program;
  size_t total = 0, room = 1;
  r->at = calloc(program->value_count, sizeof *r->at);
  r->watch = calloc(program->value_count, sizeof *r->watch);
  if (!r->at || !r->watch)
    return fr__fail_memory(err, "the ranges of int8");
  for (size_t v = 0; v < program->value_count; v++) {
    r->at[v] = total;
    r->watch[v] = (watch){.low = INFINITY, .high = -INFINITY, .finite = true};
    total += (program->value[v].elements + 15) & ~(size_t)15;
  }
  for (size_t s = 0; s < program->step_count; s++) {
    const size_t need = program->step[s].kind == FR__PROGRAM_LAYER
                            ? fr__int8_inside_room(program->step[s].layer)
                            : 0;
    room = need > room ? need : room;
  }
  r->memory = calloc(total, sizeof *r->memory);
  r->room = calloc(room, sizeof *r->room);
  if (!r->memory || !r->room)
    return fr__fail_memory(err, "the ranges of int8");
  return fr_net_reserve(r->net, 1, false, 0, err);
}

enum fr_status fr__int8_calibrate(fr_net *net, const fr__program *program,
                                  const float *const *x, size_t count,
                                  fr__int8_range *range, fr__int8_inside *inside,
                                  fr_error *err) {
  run r = {.net = net, .program = program};
  uint64_t *bins = calloc(program->value_count * BINS, sizeof *bins);
  enum fr_status status = reserve(&r, err);
  if (status == FR_OK && !bins)
    status = fr__fail_memory(err, "the ranges of int8");
  for (size_t i = 0; i < count && status == FR_OK; i++)
    run_sample(&r, x[i], inside);
  if (status == FR_OK)
    status = check_finite(&r, err);
  for (size_t v = 0; v < program->value_count && status == FR_OK; v++)
    r.watch[v].bin = bins + v * BINS;
  for (size_t i = 0; i < count && status == FR_OK; i++)
    run_sample(&r, x[i], NULL);
  for (size_t v = 0; v < program->value_count && status == FR_OK; v++)
    range[v] = range_of(&r.watch[v]);
  release(&r, bins);
  return status;
}
