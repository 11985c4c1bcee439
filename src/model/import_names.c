/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What foreign names say. PyTorch: "lstm.weight_ih_l1_reverse" is part
 * "weight_ih_reverse" of layer "lstm.l1". Keras: "bidirectional/backward_gru/gru_cell/
 * kernel" is part "kernel_reverse" of layer "bidirectional"; a point may stand for the
 * stroke. Where a name is none of these, its last segment is the part.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/import.h"

enum { NAME_CEILING = 1024 };

static bool is_separator(char c) { return c == '.' || c == '/'; }

static const char *last_segment(const char *name) {
  const char *last = name;
  for (; *name != '\0'; name++)
    if (is_separator(*name))
      last = name + 1;
  return last;
}

/* Moves the last segment of `name` to `last` (NAME_CEILING bytes). */
static void split(char *name, char *last) {
  char *from = name + (last_segment(name) - name);
  memmove(last, from, strlen(from) + 1);
  *(from > name ? from - 1 : from) = '\0';
}

static bool begins(const char *text, const char *with) {
  return strncmp(text, with, strlen(with)) == 0;
}

/* Whether the file has the tensor "BASE" "TAIL". */
static bool has(const fr__foreign_file *f, const char *base, const char *tail) {
  char name[NAME_CEILING + 32];
  snprintf(name, sizeof name, "%s%s%s", base, *base != '\0' ? "." : "", tail);
  if (json_object_get(f->file.header, name) != NULL)
    return true;
  for (char *c = name; *c != '\0'; c++)
    if (*c == '.')
      *c = '/';
  return json_object_get(f->file.header, name) != NULL;
}

static enum fr_status set(fr__foreign *tensor, const char *layer, const char *what,
                          const char *end, fr_error *err) {
  /* what is longer is no part that anybody knows */
  snprintf(tensor->what, sizeof tensor->what, "%.38s%.8s", what, end);
  tensor->layer = strdup(layer);
  return tensor->layer == NULL ? fr__fail_memory(err, "names of layers") : FR_OK;
}

/* ---- PyTorch ---- */

/* "weight_ih_l1_reverse": its parts are told; false where it is none. */
static bool parse_recurrent(const char *last, char *what, size_t size, unsigned *number,
                            bool *reverse) {
  static const char *const parts[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    int end = 0;
    const char *rest = last + strlen(parts[i]);
    if (!begins(last, parts[i]) || sscanf(rest, "_l%4u%n", number, &end) != 1)
      continue;
    *reverse = strcmp(rest + end, "_reverse") == 0;
    if (!*reverse && rest[end] != '\0')
      return false;
    snprintf(what, size, "%s", parts[i]);
    return true;
  }
  return false;
}

static enum fr_status parse_pytorch(const fr__foreign_file *f, fr__foreign *tensor,
                                    char *name, fr_error *err) {
  char layer[NAME_CEILING + 16], last[NAME_CEILING], what[FR__FOREIGN_WHAT];
  unsigned number;
  bool reverse;
  split(name, last);
  if (parse_recurrent(last, what, sizeof what, &number, &reverse)) {
    snprintf(layer, sizeof layer, "%s%sl%u", name, *name != '\0' ? "." : "", number);
    return set(tensor, layer, what, reverse ? "_reverse" : "", err);
  }
  if (strcmp(last_segment(name), "out_proj") == 0) {
    char word[NAME_CEILING];
    snprintf(layer, sizeof layer, "%s", name);
    split(layer, word);
    if (has(f, layer, "in_proj_weight")) {
      snprintf(what, sizeof what, "out_proj.%.32s", last);
      return set(tensor, layer, what, "", err);
    }
  }
  return set(tensor, name, last, "", err);
}

static const char *pytorch_family(const fr__foreign_layer *layer) {
  const fr__foreign *in = fr__foreign_part(layer, "weight_ih");
  const fr__foreign *hidden = fr__foreign_part(layer, "weight_hh");
  const fr__foreign *weight = fr__foreign_part(layer, "weight");
  if (in != NULL && hidden != NULL && in->rank == 2 && hidden->rank == 2)
    return in->shape[0] == 3 * hidden->shape[1] ? "gru" : "lstm";
  if (fr__foreign_part(layer, "in_proj_weight") != NULL)
    return "attention";
  if (fr__foreign_part(layer, "running_mean") != NULL)
    return "bn";
  if (weight == NULL)
    return NULL;
  static const char *const by_rank[] = {NULL, "layernorm", "dense", "conv1d"};
  return weight->rank < sizeof by_rank / sizeof *by_rank ? by_rank[weight->rank] : NULL;
}

/* ---- Keras ---- */

/* Cuts the last segment off where it begins with one of the words. */
static bool cut_if(char *name, const char *word, const char *other) {
  char last[NAME_CEILING];
  const char *segment = last_segment(name);
  const bool found = begins(segment, word) || begins(segment, other);
  if (found)
    split(name, last);
  return found;
}

static bool is_projection(const char *segment) {
  static const char *const words[] = {"query", "key", "value", "attention_output"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(segment, words[i]) == 0)
      return true;
  return false;
}

static enum fr_status parse_keras(const fr__foreign_file *f, fr__foreign *tensor,
                                  char *name, fr_error *err) {
  char *colon = strrchr(name, ':'); /* "kernel:0" */
  if (colon != NULL && colon[1] == '0' && colon[2] == '\0')
    *colon = '\0';
  char last[NAME_CEILING], word[NAME_CEILING], what[FR__FOREIGN_WHAT];
  split(name, last);
  snprintf(what, sizeof what, "%.30s", last);
  if (is_projection(last_segment(name))) {
    char prefix[NAME_CEILING];
    snprintf(prefix, sizeof prefix, "%s", name);
    split(prefix, word);
    if (has(f, prefix, "query/kernel") || has(f, prefix, "query/kernel:0")) {
      snprintf(what, sizeof what, "%.24s/%.16s", word, last);
      return set(tensor, prefix, what, "", err);
    }
  }
  if (!cut_if(name, "lstm_cell", "gru_cell"))
    return set(tensor, name, what, "", err);
  const bool back = cut_if(name, "backward_", "backward_");
  if (!back)
    cut_if(name, "forward_", "forward_");
  return set(tensor, name, what, back ? "_reverse" : "", err);
}

static const char *keras_family(const fr__foreign_layer *layer) {
  const fr__foreign *kernel = fr__foreign_part(layer, "kernel");
  const fr__foreign *hidden = fr__foreign_part(layer, "recurrent_kernel");
  if (hidden != NULL && hidden->rank == 2)
    return hidden->shape[1] == 3 * hidden->shape[0] ? "gru" : "lstm";
  if (fr__foreign_part(layer, "query/kernel") != NULL)
    return "attention";
  if (fr__foreign_part(layer, "moving_mean") != NULL)
    return "bn";
  if (fr__foreign_part(layer, "gamma") != NULL || fr__foreign_part(layer, "beta") != NULL)
    return "layernorm";
  if (kernel == NULL)
    return NULL;
  return kernel->rank == 3 ? "conv1d" : kernel->rank == 2 ? "dense" : NULL;
}

/* ---- both ---- */

/* Keras, where a name ends as only Keras's do. */
enum fr_import_origin fr__foreign_guess(const fr__foreign_file *f) {
  static const char *const ends[] = {"kernel", "recurrent_kernel", "gamma",
                                     "beta",   "moving_mean",      "moving_variance"};
  for (size_t i = 0; i < f->count; i++) {
    const char *last = last_segment(f->tensor[i].name);
    const size_t length = strcspn(last, ":");
    for (size_t e = 0; e < sizeof ends / sizeof *ends; e++)
      if (strlen(ends[e]) == length && strncmp(last, ends[e], length) == 0)
        return FR_IMPORT_KERAS;
  }
  return FR_IMPORT_PYTORCH;
}

enum fr_status fr__foreign_parse(const fr__foreign_file *f, fr__foreign *tensor,
                                 fr_error *err) {
  char name[NAME_CEILING];
  if (strlen(tensor->name) >= sizeof name)
    return fr__fail(err, FR_ERR_LIMIT, "'%s' holds a tensor name of more than %d bytes",
                    f->file.path, NAME_CEILING - 1);
  snprintf(name, sizeof name, "%s", tensor->name);
  return f->origin == FR_IMPORT_KERAS ? parse_keras(f, tensor, name, err)
                                      : parse_pytorch(f, tensor, name, err);
}

const char *fr__foreign_family(enum fr_import_origin origin,
                               const fr__foreign_layer *layer) {
  return origin == FR_IMPORT_KERAS ? keras_family(layer) : pytorch_family(layer);
}

bool fr__foreign_ignored(const fr__foreign *tensor) {
  return strcmp(tensor->what, "num_batches_tracked") == 0 ||
         strcmp(tensor->what, "seed_generator_state") == 0;
}

static const char *const origins[] = {
    [FR_IMPORT_ANY] = "any",
    [FR_IMPORT_PYTORCH] = "pytorch",
    [FR_IMPORT_KERAS] = "keras",
};

bool fr_import_origin_parse(const char *name, enum fr_import_origin *out) {
  for (size_t i = 1; i < sizeof origins / sizeof *origins; i++)
    if (strcmp(name, origins[i]) == 0) {
      *out = (enum fr_import_origin)i;
      return true;
    }
  return false;
}

const char *fr_import_origin_name(enum fr_import_origin origin) {
  return origins[origin];
}

bool fr_import_flatten_parse(const char *name, enum fr_import_flatten *out) {
  const bool channels = strcmp(name, "channels-first") == 0;
  if (!channels && strcmp(name, "steps-first") != 0)
    return false;
  *out = channels ? FR_FLATTEN_CHANNELS_FIRST : FR_FLATTEN_STEPS_FIRST;
  return true;
}
