/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

bool fr__layer_named(const fr__layer *layer, const char *name) {
  return strcmp(layer->ops->name, name) == 0;
}

/* Whether the family is in a NULL-terminated list. */
static bool is_any(const fr__layer *layer, const char *const *names) {
  for (; *names; names++)
    if (fr__layer_named(layer, *names))
      return true;
  return false;
}

void fr__layer_number(const fr__layer *layer, char *text, size_t size) {
  size_t used = 0;
  for (size_t i = 0; i < layer->path.count && used < size; i++)
    used += (size_t)snprintf(text + used, size - used, "%s%zu", i > 0 ? "_" : "",
                             layer->path.number[i]);
}

size_t fr__conv1d_left(const fr__layer *layer) {
  const size_t span = (layer->width - 1) * layer->dilation + 1;
  if (layer->padding == FR__PAD_NONE)
    return 0;
  if (layer->padding == FR__PAD_CAUSAL)
    return span - 1;
  const size_t reach = (layer->out.steps - 1) * layer->stride + span;
  return reach > layer->in.steps ? (reach - layer->in.steps) / 2 : 0;
}

/* ---- from layers to steps ---- */

/* Room for one more, in powers of two. */
static void *grow(void *array, size_t count, size_t size) {
  if (count != 0 && (count < 8 || (count & (count - 1)) != 0))
    return array;
  return realloc(array, (count < 8 ? 8 : 2 * count) * size);
}

static enum fr_status add_value(fr__program *program, size_t elements, size_t *index,
                                fr_error *err) {
  fr__program_value *value = grow(program->value, program->value_count, sizeof *value);
  if (!value)
    return fr__fail_memory(err, "the network's program");
  program->value = value;
  *index = program->value_count++;
  value[*index] = (fr__program_value){.elements = elements};
  return FR_OK;
}

static enum fr_status add_step(fr__program *program, fr__program_step step,
                               fr_error *err) {
  fr__program_step *steps = grow(program->step, program->step_count, sizeof *steps);
  if (!steps)
    return fr__fail_memory(err, "the network's program");
  program->step = steps;
  step.source = program->step_count;
  steps[program->step_count++] = step;
  return FR_OK;
}

/* A step into a new value of the layer's output's size, which becomes *value. */
static enum fr_status add_stage(fr__program *program, fr__program_step step,
                                size_t *value, fr_error *err) {
  const size_t elements = fr__shape_elements(step.layer->out);
  enum fr_status status = add_value(program, elements, &step.out, err);
  if (status == FR_OK)
    status = add_step(program, step, err);
  *value = step.out;
  return status;
}

static enum fr_status add_chain(fr__program *program, fr__chain *chain, size_t *value,
                                fr_error *err);

static enum fr_status add_residual(fr__program *program, fr__layer *layer, size_t *value,
                                   fr_error *err) {
  size_t x = *value, f = *value;
  enum fr_status status = add_chain(program, layer->branch, &f, err);
  if (status == FR_OK && layer->tensor_count > 0)
    status = add_stage(
        program,
        (fr__program_step){.kind = FR__PROGRAM_SHORTCUT, .layer = layer, .in = x}, &x,
        err);
  if (status != FR_OK)
    return status;
  return add_stage(
      program,
      (fr__program_step){.kind = FR__PROGRAM_ADD, .layer = layer, .in = x, .other = f},
      value, err);
}

static enum fr_status add_parallel(fr__program *program, fr__layer *layer, size_t *value,
                                   fr_error *err) {
  fr__program_step step = {.kind = FR__PROGRAM_PLACE, .layer = layer};
  enum fr_status status =
      add_value(program, fr__shape_elements(layer->out), &step.out, err);
  for (size_t b = 0; b < layer->branch_count && status == FR_OK; b++) {
    step.in = *value;
    step.column += step.channels;
    step.channels = layer->branch[b].out.channels;
    status = add_chain(program, &layer->branch[b], &step.in, err);
    if (status == FR_OK)
      status = add_step(program, step, err);
  }
  *value = step.out;
  return status;
}

static enum fr_status add_layer(fr__program *program, fr__layer *layer, size_t *value,
                                fr_error *err) {
  static const char *const still[] = {"dropout", "spatialdropout", "flatten", NULL};
  if (is_any(layer, still))
    return FR_OK;
  if (fr__layer_named(layer, "residual"))
    return add_residual(program, layer, value, err);
  if (fr__layer_named(layer, "parallel"))
    return add_parallel(program, layer, value, err);
  return add_stage(
      program,
      (fr__program_step){.kind = FR__PROGRAM_LAYER, .layer = layer, .in = *value}, value,
      err);
}

/* The chain's steps from *value on, which becomes its output. */
static enum fr_status add_chain(fr__program *program, fr__chain *chain, size_t *value,
                                fr_error *err) {
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < chain->count && status == FR_OK; i++)
    status = add_layer(program, &chain->layer[i], value, err);
  return status;
}

/* ---- who needs what, and how long ---- */

static void read_value(fr__program *program, size_t value, size_t step) {
  program->value[value].readers++;
  program->value[value].last = step;
}

static void find_lives(fr__program *program) {
  for (size_t v = 0; v < program->value_count; v++) {
    program->value[v].readers = program->value[v].last = 0;
    program->value[v].first = v == 0 ? 0 : program->step_count;
  }
  for (size_t s = 0; s < program->step_count; s++) {
    const fr__program_step *step = &program->step[s];
    fr__program_value *out = &program->value[step->out];
    read_value(program, step->in, s);
    if (step->kind == FR__PROGRAM_ADD)
      read_value(program, step->other, s);
    out->first = s < out->first ? s : out->first;
    out->last = s;
  }
  read_value(program, program->output, program->step_count);
}

enum fr_status fr__program_init(fr__program *program, fr__chain *chain, fr_error *err) {
  fr__program made = {0};
  enum fr_status status =
      add_value(&made, fr__shape_elements(chain->in), &made.output, err);
  if (status == FR_OK)
    status = add_chain(&made, chain, &made.output, err);
  if (status == FR_OK) {
    find_lives(&made);
    *program = made;
  } else {
    fr__program_release(&made);
  }
  return status;
}

void fr__program_release(fr__program *program) {
  free(program->step);
  free(program->value);
  *program = (fr__program){0};
}

/* ---- folding ---- */

static bool is_layer(const fr__program_step *step, const char *const *names) {
  return step->kind == FR__PROGRAM_LAYER && is_any(step->layer, names);
}

static bool is_product(const fr__program_step *step) {
  static const char *const products[] = {"dense", "conv1d", NULL};
  return is_layer(step, products);
}

/* Whether `next` can become a part of `step`, which alone feeds it. */
static bool can_fold(const fr__program *program, const fr__program_step *step,
                     const fr__program_step *next) {
  static const char *const bn[] = {"bn", NULL}, *const relu[] = {"relu", NULL};
  if (next->kind != FR__PROGRAM_LAYER || next->in != step->out || step->relu ||
      program->value[step->out].readers != 1)
    return false;
  if (is_layer(next, bn))
    return is_product(step) && !step->bn;
  return is_layer(next, relu) &&
         (is_product(step) || is_layer(step, bn) || step->kind == FR__PROGRAM_ADD);
}

static void fold(fr__program_step *step, const fr__program_step *next) {
  if (fr__layer_named(next->layer, "bn"))
    step->bn = next->layer;
  else
    step->relu = true;
  step->out = next->out;
}

void fr__program_fuse(fr__program *program) {
  size_t count = 0;
  for (size_t s = 0; s < program->step_count; s++) {
    if (count > 0 && can_fold(program, &program->step[count - 1], &program->step[s]))
      fold(&program->step[count - 1], &program->step[s]);
    else
      program->step[count++] = program->step[s];
  }
  program->step_count = count;
  find_lives(program);
}

/* ---- places ---- */

static bool may_overwrite(const fr__program_step *step) {
  static const char *const each[] = {"relu",    "leaky",     "gelu", "sigmoid",   "tanh",
                                     "softmax", "hardswish", "bn",   "layernorm", NULL};
  return step->kind == FR__PROGRAM_ADD || is_layer(step, each);
}

static bool is_free_behind(const fr__program *program, size_t value, size_t step) {
  return program->value[value].last == step;
}

/* What the step's output may take the place of; `none` where nothing. */
static size_t find_host(const fr__program *program, size_t s, size_t none) {
  const fr__program_step *step = &program->step[s];
  if (!may_overwrite(step))
    return none;
  if (is_free_behind(program, step->in, s))
    return step->in;
  if (step->kind == FR__PROGRAM_ADD && is_free_behind(program, step->other, s))
    return step->other;
  return none;
}

/* A place that one value after another takes, each over the one before. */
typedef struct home {
  size_t first, last; /* steps between which anybody lives there */
  size_t room;
  size_t offset;
  bool placed;
} home;

/* Values begin on words of four bytes even where an element is a byte. */
static size_t room_of(const fr__program_value *value) {
  return (value->elements + 3) & ~(size_t)3;
}

static void move_in(const fr__program *program, size_t value, home *at) {
  const fr__program_value *v = &program->value[value];
  if (at->placed)
    *at = (home){.first = v->first, .last = v->last, .room = room_of(v)};
  at->last = v->last > at->last ? v->last : at->last;
}

/* The home of each value: its own, or that of the value that it is written over. */
static void find_homes(const fr__program *program, size_t *home_of, home *homes) {
  for (size_t v = 0; v < program->value_count; v++) {
    home_of[v] = v;
    homes[v].placed = true; /* without room, unless something is found to live there */
  }
  move_in(program, 0, &homes[0]);
  for (size_t s = 0; s < program->step_count; s++) {
    const size_t out = program->step[s].out;
    home_of[out] = home_of[find_host(program, s, out)];
    move_in(program, out, &homes[home_of[out]]);
  }
}

/* Of the homes placed so far, one that is lived in at the same time and lies in the way;
 * NULL: none. */
static const home *find_obstacle(const home *homes, size_t count, const home *at) {
  for (size_t h = 0; h < count; h++) {
    const home *other = &homes[h];
    if (other->placed && other != at && other->first <= at->last &&
        at->first <= other->last && other->offset < at->offset + at->room &&
        at->offset < other->offset + other->room)
      return other;
  }
  return NULL;
}

/* The first gap that is large enough. */
static void place(home *homes, size_t count, home *at) {
  const home *obstacle;
  at->offset = 0;
  while ((obstacle = find_obstacle(homes, count, at)) != NULL)
    at->offset = obstacle->offset + obstacle->room;
  at->placed = true;
}

static home *find_largest(home *homes, size_t count) {
  home *largest = NULL;
  for (size_t h = 0; h < count; h++)
    if (!homes[h].placed && (!largest || homes[h].room > largest->room))
      largest = &homes[h];
  return largest;
}

enum fr_status fr__program_lay_out(fr__program *program, fr_error *err) {
  const size_t count = program->value_count;
  size_t *home_of = calloc(count, sizeof *home_of);
  home *homes = calloc(count, sizeof *homes);
  enum fr_status status = FR_OK;
  if (home_of && homes) {
    find_homes(program, home_of, homes);
    program->buffer = 0;
    for (home *at; (at = find_largest(homes, count)) != NULL;)
      place(homes, count, at);
    for (size_t v = 0; v < count; v++) {
      const home *at = &homes[home_of[v]];
      const size_t end = at->offset + at->room;
      program->value[v].offset = at->offset;
      program->buffer = v == home_of[v] && end > program->buffer ? end : program->buffer;
    }
  } else {
    status = fr__fail_memory(err, "the network's program");
  }
  free(home_of);
  free(homes);
  return status;
}
