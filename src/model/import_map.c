/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name map: lines "3 = lstm.l0", a layer of the network and one of the file, or
 * "3.bias = lstm.bias_ih_l0 lstm.bias_hh_l0", a tensor and those that it is made of. What
 * follows '#' is a comment. A tensor that no line names takes its parts from the layer
 * that the first named tensor beside it comes from.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "model/import.h"

static const char blanks[] = " \t\r";

typedef struct line {
  const char *path; /* for messages, as is the number */
  size_t number;
  char *left;  /* one word */
  char *right; /* words */
} line;

/* The next word at *at, cut out; NULL at the end. A '+' between words says nothing. */
static char *next_word(char **at) {
  char *word;
  do
    word = strsep(at, blanks);
  while (word != NULL && (*word == '\0' || strcmp(word, "+") == 0));
  return word;
}

static enum fr_status bad_line(const line *l, fr_error *err) {
  return fr__fail(err, FR_ERR_FORMAT,
                  "%s:%zu: a line reads TENSOR = NAME… or LAYER = NAME", l->path,
                  l->number);
}

static enum fr_status bind_tensor(fr__bindings *b, fr__binding *binding, line *l,
                                  fr_error *err) {
  size_t count = 0;
  for (char *word; (word = next_word(&l->right)) != NULL; count++) {
    if (count == FR__RECIPE_PARTS || binding->recipe->part[count] == NULL)
      return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: '%s' is made of %zu tensors at most",
                      l->path, l->number, l->left, count);
    binding->part[count] = fr__foreign_find(b->from, word);
    if (binding->part[count] == NULL)
      return fr__fail(err, FR_ERR_NOT_FOUND, "%s:%zu: '%s' has no tensor '%.96s'",
                      l->path, l->number, b->from->file.path, word);
  }
  return count > 0 ? FR_OK : bad_line(l, err);
}

static enum fr_status bind_layer(fr__bindings *b, size_t begin, size_t end, line *l,
                                 fr_error *err) {
  const char *name = next_word(&l->right);
  if (name == NULL || next_word(&l->right) != NULL)
    return bad_line(l, err);
  fr__foreign_layer *layer = fr__foreign_find_layer(b->from, name);
  if (layer == NULL)
    return fr__fail(err, FR_ERR_NOT_FOUND, "%s:%zu: '%s' has no layer '%.96s'", l->path,
                    l->number, b->from->file.path, name);
  fr__bindings_take(b, begin, end, layer);
  layer->taken = true;
  return FR_OK;
}

/* "3" of "3.weight". */
static bool is_path_of(const char *path, const fr_tensor *tensor) {
  const char *what = strrchr(tensor->name, '.');
  const size_t length = strlen(path);
  return what != NULL && length == (size_t)(what - tensor->name) &&
         strncmp(path, tensor->name, length) == 0;
}

static enum fr_status bind(fr__bindings *b, line *l, fr_error *err) {
  for (size_t i = 0, end; i < b->count; i = end) {
    end = fr__bindings_behind(b, i);
    enum fr_status status = FR_OK;
    bool found = is_path_of(l->left, b->at[i].tensor);
    if (found)
      status = bind_layer(b, i, end, l, err);
    for (size_t k = i; k < end && !found; k++)
      if (strcmp(l->left, b->at[k].tensor->name) == 0) {
        found = true;
        status = bind_tensor(b, &b->at[k], l, err);
      }
    if (!found)
      continue;
    for (size_t k = i; k < end; k++)
      b->at[k].told = true;
    return status;
  }
  return fr__fail(err, FR_ERR_NOT_FOUND,
                  "%s:%zu: the network has neither a layer with weights nor a tensor "
                  "'%.64s'",
                  l->path, l->number, l->left);
}

static enum fr_status read_line(fr__bindings *b, line *l, char *text, fr_error *err) {
  text[strcspn(text, "#")] = '\0';
  if (text[strspn(text, blanks)] == '\0')
    return FR_OK;
  l->right = text;
  char *left = strsep(&l->right, "=");
  if (l->right == NULL)
    return bad_line(l, err);
  l->left = next_word(&left);
  if (l->left == NULL || next_word(&left) != NULL)
    return bad_line(l, err);
  return bind(b, l, err);
}

/* What no line names comes from the layer of what one does. */
static void complete(fr__bindings *b) {
  for (size_t i = 0, end; i < b->count; i = end) {
    end = fr__bindings_behind(b, i);
    const fr__foreign *named = NULL;
    for (size_t k = i; k < end && named == NULL && b->at[i].told; k++)
      named = b->at[k].part[0];
    if (named == NULL)
      continue;
    fr__foreign_layer *layer = fr__foreign_find_layer(b->from, named->layer);
    fr__bindings_take(b, i, end, layer);
    layer->taken = true;
  }
}

enum fr_status fr__import_map(fr__bindings *b, const char *path, fr_error *err) {
  char *text = NULL;
  size_t size;
  enum fr_status status = fr__file_read(path, FR__MAP_CEILING, &text, &size, err);
  if (status == FR_OK && strlen(text) != size)
    status = fr__fail(err, FR_ERR_FORMAT, "'%s' holds a NUL: it is no name map", path);
  line l = {.path = path};
  char *rest = text;
  while (status == FR_OK && rest != NULL) {
    char *one = strsep(&rest, "\n");
    l.number++;
    status = read_line(b, &l, one, err);
  }
  free(text);
  if (status == FR_OK)
    complete(b);
  return status;
}
