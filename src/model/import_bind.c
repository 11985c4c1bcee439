/* SPDX-License-Identifier: Apache-2.0 */
/* Which foreign tensors a network's tensors are made of, and what comes flattened. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/reader.h"
#include "model/import.h"

#define KERAS_EPSILON 1e-3f /* of BatchNormalization and LayerNormalization */

enum fr_status fr__bindings_warn(fr__bindings *b, fr_error *err, const char *format,
                                 ...) {
  char text[sizeof((fr_error *)0)->text];
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  uint32_t index;
  return fr__names_add(&b->warnings, text, strlen(text), &index, err);
}

/* ---- what is to be filled ---- */

/* How the numbers came there, on their way through the foreign network. */
typedef struct course {
  bool channels_first; /* (B, C, T): PyTorch's convolutions, pooling and bn */
  fr_shape flat;       /* flattened (C, T), and no dense layer since; steps 0: not so */
} course;

static bool is(const fr__layer *layer, const char *family) {
  return strcmp(layer->ops->name, family) == 0;
}

static bool one_of(const fr__layer *layer, const char *const *families) {
  for (; *families != NULL; families++)
    if (is(layer, *families))
      return true;
  return false;
}

/* Where layer->in is flattened, or was: its shape where that is (C, T) over there. */
static enum fr_status flatten(fr__bindings *b, const fr__layer *layer, course *way,
                              fr_error *err) {
  if (layer->in.steps == 1 || layer->in.channels == 1)
    return FR_OK;
  const enum fr_import_flatten told = b->options->flatten;
  const bool usual = b->from->origin == FR_IMPORT_PYTORCH && way->channels_first;
  const bool channels_first =
      told == FR_FLATTEN_USUAL ? usual : told == FR_FLATTEN_CHANNELS_FIRST;
  way->flat = channels_first ? layer->in : (fr_shape){0};
  if (told != FR_FLATTEN_USUAL || b->from->origin != FR_IMPORT_PYTORCH)
    return FR_OK;
  return fr__bindings_warn(
      b, err,
      "layer '%s' takes %zu steps of %zu channels, taken to have been flattened %s "
      "first: --flatten %s-first, if not",
      layer->text, layer->in.steps, layer->in.channels, usual ? "channels" : "steps",
      usual ? "steps" : "channels");
}

static enum fr_status warn_of(fr__bindings *b, const fr__layer *layer, fr_error *err) {
  static const char *const norms[] = {"bn", "layernorm", NULL};
  if (is(layer, "gelu"))
    return fr__bindings_warn(b, err,
                             "'gelu' is the form with tanh: GELU(approximate='tanh') in "
                             "PyTorch, gelu(approximate=True) in Keras");
  if (b->from->origin == FR_IMPORT_KERAS && one_of(layer, norms) &&
      fabsf(layer->epsilon - KERAS_EPSILON) > 1e-9f)
    return fr__bindings_warn(b, err,
                             "layer '%s' has epsilon %g where Keras usually has %g: say "
                             "%s(%g), unless yours has not",
                             layer->text, (double)layer->epsilon, (double)KERAS_EPSILON,
                             layer->ops->name, (double)KERAS_EPSILON);
  return FR_OK;
}

static enum fr_status add_layer(fr__bindings *b, const fr__layer *layer,
                                const course *way, fr_error *err) {
  for (size_t i = 0; i < layer->tensor_count; i++) {
    fr__binding *at = &b->at[b->count];
    *at = (fr__binding){.layer = layer, .tensor = &layer->tensor[i]};
    at->recipe = fr__recipe_find(b->from->origin, layer, at->tensor, &at->reverse);
    if (at->recipe == NULL)
      return fr__fail(err, FR_ERR_UNSUPPORTED,
                      "weights of '%s' cannot be taken from elsewhere", layer->text);
    if (at->recipe->inward)
      at->flat = way->flat;
    b->count++;
  }
  return FR_OK;
}

static enum fr_status walk(fr__bindings *b, const fr__chain *chain, course *way,
                           fr_error *err) {
  static const char *const first[] = {"conv1d", "maxpool", "avgpool", "bn", NULL};
  static const char *const last[] = {"lstm", "gru", "attention", "layernorm", NULL};
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < chain->count && status == FR_OK; i++) {
    const fr__layer *layer = &chain->layer[i];
    course behind = *way;
    for (size_t k = 0; k < layer->branch_count && status == FR_OK; k++) {
      behind = *way;
      status = walk(b, &layer->branch[k], &behind, err);
    }
    if (status == FR_OK && (is(layer, "dense") || is(layer, "flatten")))
      status = flatten(b, layer, way, err);
    if (status == FR_OK)
      status = warn_of(b, layer, err);
    if (status == FR_OK)
      status = add_layer(b, layer, way, err);
    if (layer->branch_count > 0)
      way->channels_first = behind.channels_first;
    else if (one_of(layer, first) || one_of(layer, last))
      way->channels_first = one_of(layer, first);
    if (is(layer, "dense"))
      *way = (course){0};
  }
  return status;
}

enum fr_status fr__bindings_init(fr__bindings *b, const fr_net *net,
                                 fr__foreign_file *from, const fr_import_options *options,
                                 fr_error *err) {
  *b = (fr__bindings){.net = net, .from = from, .options = options};
  b->at = calloc(net->tensor_count + 1, sizeof *b->at);
  if (b->at == NULL)
    return fr__fail_memory(err, "a map of weights");
  course way = {0};
  return walk(b, &net->chain, &way, err);
}

void fr__bindings_release(fr__bindings *b) {
  free(b->at);
  fr_names_release(&b->warnings);
  *b = (fr__bindings){0};
}

size_t fr__bindings_behind(const fr__bindings *b, size_t i) {
  const fr__layer *layer = b->at[i].layer;
  while (i < b->count && b->at[i].layer == layer)
    i++;
  return i;
}

/* ---- parts ---- */

void fr__part_name(const fr__binding *binding, size_t part, char *text, size_t size) {
  snprintf(text, size, "%s%s", binding->recipe->part[part],
           binding->reverse ? "_reverse" : "");
}

static fr__foreign *part_in(const fr__binding *binding, size_t part,
                            const fr__foreign_layer *layer) {
  char what[FR__FOREIGN_WHAT];
  if (binding->recipe->part[part] == NULL)
    return NULL;
  fr__part_name(binding, part, what, sizeof what);
  return fr__foreign_part(layer, what);
}

static size_t expected(const fr__binding *binding, size_t shape[FR__FOREIGN_RANK]) {
  const fr__making m = {.layer = binding->layer, .tensor = binding->tensor};
  return binding->recipe->expect(&m, shape);
}

/* Axes of one element do not count: a Linear may be a Conv1d of width 1. */
static bool has_shape(const fr__binding *binding, const fr__foreign *part) {
  size_t want[FR__FOREIGN_RANK], i = 0;
  const size_t rank = expected(binding, want);
  for (size_t k = 0; k < rank; k++) {
    if (want[k] == 1)
      continue;
    while (i < part->rank && part->shape[i] == 1)
      i++;
    if (i == part->rank || part->shape[i++] != want[k])
      return false;
  }
  while (i < part->rank && part->shape[i] == 1)
    i++;
  return i == part->rank;
}

static enum fr_status fail_shape(const fr__bindings *b, const fr__binding *binding,
                                 const fr__foreign *part, fr_error *err) {
  size_t want[FR__FOREIGN_RANK];
  char has[FR__SHAPE_TEXT], takes[FR__SHAPE_TEXT];
  fr__shape_text(expected(binding, want), want, takes, sizeof takes);
  fr__shape_text(part->rank, part->shape, has, sizeof has);
  return fr__fail(err, FR_ERR_FORMAT,
                  "'%.96s' of '%s' has the shape %s where '%s' of '%.64s' takes %s",
                  part->name, b->from->file.path, has, binding->tensor->name,
                  binding->layer->text, takes);
}

/* ---- matching ---- */

static bool same_family(const fr__layer *layer, const fr__foreign_layer *other) {
  if (other->family == NULL)
    return false;
  if (is(layer, "residual")) /* its shortcut: a convolution of width 1, or a product */
    return strcmp(other->family, "conv1d") == 0 || strcmp(other->family, "dense") == 0;
  return is(layer, other->family);
}

/* Whether `other` has something that the layer has no place for. */
static bool has_more(const fr__layer *layer, const fr__foreign_layer *other) {
  bool reverse = false;
  for (size_t i = 0; i < other->count; i++)
    reverse |= strstr(other->part[i].what, "_reverse") != NULL;
  return (reverse && !layer->both) ||
         (is(layer, "residual") && fr__foreign_part(other, "bias") != NULL);
}

/* The first part of `other` whose shape is not that of its place; NULL: all are. */
static const fr__foreign *misfit(const fr__bindings *b, size_t begin, size_t end,
                                 const fr__foreign_layer *other,
                                 const fr__binding **place) {
  for (size_t i = begin; i < end; i++)
    for (size_t p = 0; p < FR__RECIPE_PARTS; p++) {
      const fr__foreign *part = part_in(&b->at[i], p, other);
      if (part == NULL || has_shape(&b->at[i], part))
        continue;
      *place = &b->at[i];
      return part;
    }
  return NULL;
}

static bool has_all(const fr__bindings *b, size_t begin, size_t end,
                    const fr__foreign_layer *other) {
  for (size_t i = begin; i < end; i++)
    if (!b->at[i].recipe->optional && part_in(&b->at[i], 0, other) == NULL)
      return false;
  return true;
}

static bool fits(const fr__bindings *b, size_t begin, size_t end,
                 const fr__foreign_layer *other) {
  const fr__layer *layer = b->at[begin].layer;
  const fr__binding *place;
  return !other->taken && same_family(layer, other) && !has_more(layer, other) &&
         has_all(b, begin, end, other) && misfit(b, begin, end, other, &place) == NULL;
}

void fr__bindings_take(fr__bindings *b, size_t begin, size_t end,
                       const fr__foreign_layer *layer) {
  for (size_t i = begin; i < end; i++)
    for (size_t p = 0; p < FR__RECIPE_PARTS; p++)
      if (b->at[i].part[p] == NULL)
        b->at[i].part[p] = part_in(&b->at[i], p, layer);
}

/* The same but for digits, points and strokes: their order is that of the numbers. */
static bool same_stem(const char *a, const char *b) {
  static const char passed[] = "0123456789_./";
  for (;; a++, b++) {
    a += strspn(a, passed);
    b += strspn(b, passed);
    if (*a != *b)
      return false;
    if (*a == '\0')
      return true;
  }
}

static enum fr_status warn_choice(fr__bindings *b, size_t begin, size_t end,
                                  const fr__foreign_layer *chosen, fr_error *err) {
  const fr__foreign_layer *stop = b->from->layer + b->from->layer_count;
  for (const fr__foreign_layer *other = chosen + 1; other < stop; other++)
    if (fits(b, begin, end, other) && !same_stem(chosen->name, other->name))
      return fr__bindings_warn(b, err,
                               "'%s' was taken from '%.64s', though '%.64s' has the same "
                               "shapes: a map tells which",
                               b->at[begin].layer->text, chosen->name, other->name);
  return FR_OK;
}

/* The sentence for a layer that nothing fits: the first of its family does not. */
static enum fr_status fail_match(const fr__bindings *b, size_t begin, size_t end,
                                 fr_error *err) {
  const fr__layer *layer = b->at[begin].layer;
  for (size_t i = 0; i < b->from->layer_count; i++) {
    const fr__foreign_layer *other = &b->from->layer[i];
    const fr__binding *place = NULL;
    if (other->taken || !same_family(layer, other))
      continue;
    const fr__foreign *part = misfit(b, begin, end, other, &place);
    if (part != NULL)
      return fail_shape(b, place, part, err);
    return fr__fail(err, FR_ERR_FORMAT, "'%.96s' of '%s' has other parts than '%.64s'",
                    other->name, b->from->file.path, layer->text);
  }
  return fr__fail(err, FR_ERR_NOT_FOUND,
                  "'%s' has no layer left for '%s' ('%.64s'), read as %s's",
                  b->from->file.path, b->at[begin].tensor->name, layer->text,
                  fr_import_origin_name(b->from->origin));
}

static enum fr_status match_layer(fr__bindings *b, size_t begin, size_t end,
                                  fr_error *err) {
  for (size_t i = 0; i < b->from->layer_count; i++) {
    fr__foreign_layer *other = &b->from->layer[i];
    if (!fits(b, begin, end, other))
      continue;
    fr__bindings_take(b, begin, end, other);
    other->taken = true;
    return warn_choice(b, begin, end, other, err);
  }
  return fail_match(b, begin, end, err);
}

enum fr_status fr__bindings_match(fr__bindings *b, fr_error *err) {
  enum fr_status status = FR_OK;
  for (size_t i = 0, end; i < b->count && status == FR_OK; i = end) {
    end = fr__bindings_behind(b, i);
    if (!b->at[i].told)
      status = match_layer(b, i, end, err);
  }
  return status;
}

/* ---- whether all is there ---- */

static enum fr_status check_one(const fr__bindings *b, const fr__binding *binding,
                                fr_error *err) {
  size_t there = 0, wanted = 0;
  for (size_t p = 0; p < FR__RECIPE_PARTS; p++) {
    wanted += binding->recipe->part[p] != NULL;
    there += binding->part[p] != NULL;
    if (binding->part[p] != NULL && !has_shape(binding, binding->part[p]))
      return fail_shape(b, binding, binding->part[p], err);
  }
  const bool sum = wanted == 2; /* of two biases, one of which may be missing */
  if (there == wanted || (there == 0 && binding->recipe->optional) || (there > 0 && sum))
    return FR_OK;
  char what[FR__FOREIGN_WHAT] = "";
  for (size_t p = 0; p < wanted && what[0] == '\0'; p++)
    if (binding->part[p] == NULL)
      fr__part_name(binding, p, what, sizeof what);
  return fr__fail(err, FR_ERR_NOT_FOUND, "'%s' has no '%s' for '%s' of '%.64s'",
                  b->from->file.path, what, binding->tensor->name, binding->layer->text);
}

enum fr_status fr__bindings_check(const fr__bindings *b, fr_error *err) {
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < b->count && status == FR_OK; i++)
    status = check_one(b, &b->at[i], err);
  return status;
}
