/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parallel(layers | layers | ...): every branch sees the same input; their outputs stand
 * side by side as channels (Szegedy et al. 2015, section 4). An empty branch is the input
 * itself. Convolutions in a branch are padded to the same length unless they say
 * otherwise.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "nn/chain.h"

/* The end of the branch that begins at `at`: a bar outside all parentheses, or the end.
 */
static size_t branch_end(const char *text, size_t at, size_t end) {
  size_t depth = 0;
  for (; at < end && (depth > 0 || text[at] != '|'); at++) {
    depth += text[at] == '(';
    depth -= text[at] == ')';
  }
  return at;
}

static size_t count_branches(const fr__source *body) {
  size_t count = 1;
  for (size_t at = branch_end(body->text, body->at, body->end); at < body->end; count++)
    at = branch_end(body->text, at + 1, body->end);
  return count;
}

static enum fr_status parse_branches(fr__layer *layer, fr__source rest, fr_error *err) {
  const size_t end = rest.end;
  enum fr_status status = FR_OK;
  for (size_t b = 0; b < layer->branch_count && status == FR_OK; b++) {
    fr__source source = rest;
    source.end = branch_end(rest.text, rest.at, end);
    rest.at = source.end + 1;
    status = fr__chain_init(&layer->branch[b], &source, layer, b, err);
  }
  return status;
}

static enum fr_status parse(fr__layer *layer, const fr__arguments *arguments,
                            fr_error *err) {
  const size_t count = count_branches(&arguments->body);
  if (count < 2)
    return fr__layer_fail(layer, err, "has one branch: %s", layer->ops->usage);
  if (count > FR__LAYER_BRANCHES)
    return fr__layer_fail(layer, err, "has more than %d branches", FR__LAYER_BRANCHES);
  layer->branch = calloc(count, sizeof *layer->branch);
  if (!layer->branch)
    return fr__fail_memory(err, "the layers of a branch");
  layer->branch_count = count;
  return parse_branches(layer, arguments->body, err);
}

/* Whether the branches' recurrent layers give all states is told from outside. */
static void before(fr__layer *layer, bool sequence_follows) {
  layer->all = sequence_follows;
}

static enum fr_status shape(fr__layer *layer, fr_error *err) {
  layer->out = (fr_shape){0, 0};
  for (size_t b = 0; b < layer->branch_count; b++) {
    fr__chain *branch = &layer->branch[b];
    const enum fr_status status = fr__chain_shape(branch, layer->in, layer->all, err);
    if (status != FR_OK)
      return status;
    if (b > 0 && branch->out.steps != layer->out.steps)
      return fr__layer_fail(layer, err,
                            "branch %zu makes %zu steps, the first one %zu: they cannot "
                            "stand side by side",
                            b + 1, branch->out.steps, layer->out.steps);
    layer->out.steps = branch->out.steps;
    layer->out.channels += branch->out.channels;
  }
  return fr__branches_text(layer, err);
}

static uint64_t operations(const fr__layer *layer) {
  uint64_t sum = 0;
  for (size_t b = 0; b < layer->branch_count; b++)
    sum += fr__chain_operations(&layer->branch[b]);
  return sum;
}

/* Of the shortest branch: behind it, one of them would have nothing to say. */
static size_t length(const fr__layer *layer, size_t steps) {
  size_t least = SIZE_MAX;
  for (size_t b = 0; b < layer->branch_count; b++) {
    const fr__chain *branch = &layer->branch[b];
    const size_t n = fr__chain_length(branch, branch->count, steps);
    least = n < least ? n : least;
  }
  return least;
}

/* Backward: one branch's part of dy, and its dx before it joins the sum. */
static size_t workspace(const fr__layer *layer, size_t batch, bool train) {
  return train ? batch * (fr__shape_elements(layer->out) + fr__shape_elements(layer->in))
               : 0;
}

/* `width` floats of each row from one array to another, rows *_ld apart. */
static void copy_columns(const float *from, size_t from_ld, float *to, size_t to_ld,
                         size_t rows, size_t width) {
  for (size_t r = 0; r < rows; r++)
    memcpy(to + r * to_ld, from + r * from_ld, width * sizeof(float));
}

static void join(fr__layer *layer, const fr__pass *pass, size_t branch, const float *f) {
  const size_t width = layer->branch[branch].out.channels;
  size_t column = 0;
  for (size_t b = 0; b < branch; b++)
    column += layer->branch[b].out.channels;
  copy_columns(f, width, layer->y + column, layer->out.channels,
               pass->batch * layer->out.steps, width);
}

static void forward(fr__layer *layer, const fr__pass *pass) {
  for (size_t b = 0; b < layer->branch_count; b++) {
    fr__chain *branch = &layer->branch[b];
    join(layer, pass, b, fr__chain_forward(branch, pass, layer->x, 0, branch->count));
  }
}

/* d loss / d input of one branch into dx. */
static void backward_branch(fr__chain *branch, const fr__pass *pass, const float *dy,
                            float *dx) {
  if (branch->count > 0)
    fr__chain_backward(branch, pass, dy, dx);
  else if (dx)
    memcpy(dx, dy, pass->batch * fr__shape_elements(branch->in) * sizeof(float));
}

static void backward(fr__layer *layer, const fr__pass *pass, const float *dy, float *dx) {
  const size_t rows = pass->batch * layer->out.steps;
  const size_t inputs = pass->batch * fr__shape_elements(layer->in);
  float *own = layer->workspace;
  float *part = own + pass->batch * fr__shape_elements(layer->out);
  size_t column = 0;
  for (size_t b = 0; b < layer->branch_count; b++) {
    const size_t width = layer->branch[b].out.channels;
    copy_columns(dy + column, layer->out.channels, own, width, rows, width);
    column += width;
    backward_branch(&layer->branch[b], pass, own, b == 0 || !dx ? dx : part);
    if (b > 0 && dx)
      fr__axpy(pass->kern, 1, part, dx, inputs);
  }
}

const fr__layer_ops fr__layer_parallel = {
    .name = "parallel",
    .usage = "parallel(layers | layers ...)",
    .place = FR__PLACE_NEW,
    .branches = true,
    .flow = FR__FLOW_BRANCHES,
    .join = join,
    .parse = parse,
    .before = before,
    .shape = shape,
    .operations = operations,
    .length = length,
    .workspace = workspace,
    .forward = forward,
    .backward = backward,
};
