/* SPDX-License-Identifier: Apache-2.0 */
/* From a network to its ranges, and from both to integers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "nn/int8_build.h"

/* A copy of the network: calibration runs it. */
static enum fr_status copy_net(const fr_net *net, fr_net **out, fr_error *err) {
  enum fr_status status = fr_net_new(net->text, net->input, net->classes, out, err);
  if (status != FR_OK)
    return status;
  status = fr_net_copy(*out, net, net->chain.count, err);
  if (status == FR_OK)
    return FR_OK;
  fr_net_free(*out);
  *out = NULL;
  return status;
}

/* ---- ranges ---- */

static enum fr_status ranges_new(size_t values, size_t steps, fr_int8_ranges *out,
                                 fr_error *err) {
  *out =
      (fr_int8_ranges){.values = values,
                       .steps = steps,
                       .value = calloc(2 * values + 1, sizeof *out->value),
                       .inside = calloc(FR_INT8_INSIDE * steps + 1, sizeof *out->inside)};
  if (out->value && out->inside)
    return FR_OK;
  fr_int8_ranges_release(out);
  return fr__fail_memory(err, "the ranges of int8");
}

void fr_int8_ranges_release(fr_int8_ranges *ranges) {
  free(ranges->value);
  free(ranges->inside);
  *ranges = (fr_int8_ranges){0};
}

enum fr_status fr_int8_ranges_copy(const fr_int8_ranges *from, fr_int8_ranges *out,
                                   fr_error *err) {
  const enum fr_status status = ranges_new(from->values, from->steps, out, err);
  if (status != FR_OK)
    return status;
  memcpy(out->value, from->value, 2 * from->values * sizeof *out->value);
  memcpy(out->inside, from->inside, FR_INT8_INSIDE * from->steps * sizeof *out->inside);
  return FR_OK;
}

enum fr_status fr_int8_ranges_shape(const fr_net *net, size_t *values, size_t *steps,
                                    fr_error *err) {
  fr__chain chain = net->chain; /* read only: a program points into it */
  fr__program program = {0};
  const enum fr_status status = fr__program_init(&program, &chain, err);
  *values = program.value_count;
  *steps = program.step_count;
  fr__program_release(&program);
  return status;
}

static enum fr_status find(fr_net *net, const float *const *x, size_t count,
                           fr_int8_ranges *out, fr_error *err) {
  fr__program program = {0};
  fr__int8_range *range = NULL;
  fr__int8_inside *inside = NULL;
  enum fr_status status = fr__program_init(&program, &net->chain, err);
  if (status == FR_OK) {
    range = calloc(program.value_count, sizeof *range);
    inside = calloc(program.step_count + 1, sizeof *inside);
    status = range && inside
                 ? ranges_new(program.value_count, program.step_count, out, err)
                 : fr__fail_memory(err, "the ranges of int8");
  }
  if (status == FR_OK) {
    status = fr__int8_calibrate(net, &program, x, count, range, inside, err);
    for (size_t v = 0; v < out->values; v++)
      memcpy(&out->value[2 * v], &range[v], sizeof range[v]);
    for (size_t s = 0; s < out->steps; s++)
      memcpy(&out->inside[FR_INT8_INSIDE * s], inside[s].size, sizeof inside[s].size);
    if (status != FR_OK)
      fr_int8_ranges_release(out);
  }
  free(range);
  free(inside);
  fr__program_release(&program);
  return status;
}

enum fr_status fr_int8_ranges_find(const fr_net *net, const float *const *x, size_t count,
                                   fr_int8_ranges *out, fr_error *err) {
  fr_net *copy = NULL;
  if (count == 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "int8 needs samples that set the ranges of its activations");
  enum fr_status status = copy_net(net, &copy, err);
  if (status == FR_OK)
    status = find(copy, x, count, out, err);
  fr_net_free(copy);
  return status;
}

bool fr__int8_are_ranges(const fr_int8_ranges *r) {
  for (size_t v = 0; v < r->values; v++) {
    const float low = r->value[2 * v], high = r->value[2 * v + 1];
    if (!(low <= 0) || !(high >= 0) || !isfinite(high - low))
      return false;
  }
  for (size_t i = 0; i < FR_INT8_INSIDE * r->steps; i++)
    if (!(r->inside[i] >= 0) || !isfinite(r->inside[i]))
      return false;
  return true;
}

/* ---- integers ---- */

static enum fr_status reserve_run(fr_int8 *made, fr_error *err) {
  made->values = calloc(made->buffer + 1, 1);
  made->small = calloc(made->room8 + 1, 1);
  made->middle = calloc(made->room16 + 1, sizeof *made->middle);
  made->large = calloc(made->room32 + 1, sizeof *made->large);
  made->logits = calloc(made->classes, sizeof *made->logits);
  if (!made->values || !made->small || !made->middle || !made->large || !made->logits)
    return fr__fail_memory(err, "the activations of int8");
  return FR_OK;
}

/* Doubles that one layer's factors take: four times its widest product. */
static size_t work_of(const fr__program *program) {
  size_t widest = 1;
  for (size_t s = 0; s < program->step_count; s++) {
    const fr__layer *layer = program->step[s].layer;
    const size_t gates = 4 * layer->units, channels = 3 * layer->in.channels;
    widest = gates > widest ? gates : widest;
    widest = channels > widest ? channels : widest;
    widest = layer->out.channels > widest ? layer->out.channels : widest;
  }
  return 4 * widest;
}

static enum fr_status run_build(fr__program *program, const fr_int8_ranges *ranges,
                                fr_int8 *made, fr_error *err) {
  fr__int8_range *range = calloc(program->value_count, sizeof *range);
  fr__int8_inside *inside = calloc(program->step_count + 1, sizeof *inside);
  fr__int8_build build = {.program = program,
                          .scale = calloc(program->value_count, sizeof *build.scale),
                          .made = made,
                          .work = calloc(work_of(program), sizeof *build.work)};
  enum fr_status status = FR_OK;
  if (range && inside && build.scale && build.work) {
    memcpy(range, ranges->value, program->value_count * sizeof *range);
    memcpy(inside, ranges->inside, program->step_count * sizeof *inside);
    fr__program_fuse(program);
    status = fr__program_lay_out(program, err);
  } else {
    status = fr__fail_memory(err, "the ranges of int8");
  }
  if (status == FR_OK)
    status = fr__int8_build_all(&build, range, inside, err);
  if (status == FR_OK)
    status = reserve_run(made, err);
  if (status == FR_OK)
    status = fr__int8_fast_new(made, &made->fast, err);
  free(range);
  free(inside);
  free(build.scale);
  free(build.work);
  return status;
}

static enum fr_status check_ranges(const fr__program *program,
                                   const fr_int8_ranges *ranges, fr_error *err) {
  if (ranges->values != program->value_count || ranges->steps != program->step_count)
    return fr__fail(err, FR_ERR_FORMAT,
                    "ranges of %zu values in %zu steps are not those of a network of %zu "
                    "in %zu",
                    ranges->values, ranges->steps, program->value_count,
                    program->step_count);
  if (!fr__int8_are_ranges(ranges))
    return fr__fail(err, FR_ERR_FORMAT,
                    "a range of int8 is not finite, or does not hold 0");
  return FR_OK;
}

enum fr_status fr_int8_build(const fr_net *net, const fr_int8_ranges *ranges,
                             fr_int8 **out, fr_error *err) {
  fr__chain chain = net->chain; /* read only */
  fr__program program = {0};
  fr_int8 *made = calloc(1, sizeof *made);
  enum fr_status status = made ? FR_OK : fr__fail_memory(err, "a network in int8");
  if (status == FR_OK)
    status = fr__program_init(&program, &chain, err);
  if (status == FR_OK)
    status = check_ranges(&program, ranges, err);
  if (status == FR_OK) {
    made->input = net->input;
    made->classes = net->classes;
    status = run_build(&program, ranges, made, err);
  }
  fr__program_release(&program);
  if (status == FR_OK)
    *out = made;
  else
    fr_int8_free(made);
  return status;
}

enum fr_status fr_int8_new(const fr_net *net, const float *const *x, size_t count,
                           fr_int8 **out, fr_error *err) {
  fr_net *folded = NULL;
  fr_int8_ranges ranges = {0};
  enum fr_status status = fr_net_fold(net, &folded, err);
  if (status == FR_OK)
    status = fr_net_round(folded, FR_SCHEME_INT8, err);
  if (status == FR_OK)
    status = fr_int8_ranges_find(folded, x, count, &ranges, err);
  if (status == FR_OK)
    status = fr_int8_build(folded, &ranges, out, err);
  fr_int8_ranges_release(&ranges);
  fr_net_free(folded);
  return status;
}

void fr_int8_free(fr_int8 *int8) {
  if (!int8)
    return;
  for (size_t i = 0; i < int8->array_count; i++)
    free(int8->array[i]);
  free(int8->array);
  free(int8->op);
  free(int8->values);
  free(int8->small);
  free(int8->middle);
  free(int8->large);
  free(int8->logits);
  fr__int8_fast_free(int8->fast);
  free(int8);
}
