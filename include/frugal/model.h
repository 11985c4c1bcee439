/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model: a network with all that is needed to use it again, in one safetensors file
 * (https://github.com/huggingface/safetensors, format of 2022): weights as tensors named
 * "0.weight", F32 or as its scheme holds them, the rest as JSON strings under
 * "__metadata__".
 */
#ifndef FRUGAL_MODEL_H
#define FRUGAL_MODEL_H

#include "frugal/data.h"
#include "frugal/int8.h"
#include "frugal/nn.h"

/* After fr_model_load no text but `provenance` is NULL: what is not told is "". */
typedef struct fr_model {
  fr_net *net;              /* owned; its weights are those of the scheme */
  enum fr_scheme scheme;    /* 0: float32 */
  fr_int8_ranges ranges;    /* of int8 and int8-aware; owned */
  fr_names classes;         /* one per output of the network; owned */
  fr_normalizer normalizer; /* owned; channels 0: none */
  fr_names channels;        /* names of the input's channels; count 0: not told; owned */
  char *task;               /* "subject" */
  char *data;               /* SPEC it was trained on */
  char *split;              /* "trial": remembered, so that `test` opens the right side */
  char *validate;
  char *frames; /* what makes its input of a camera's frames (fr_keypoints_new), with
                   every key; "": its input is as it was recorded */
  size_t window, step; /* samples */
  size_t fold;         /* of a split that has several; the first is 0 */
  bool keep_short;     /* what is shorter than a window was padded, not dropped */
  double rate_hz;      /* 0: feature vectors */
  uint64_t seed;
  char *provenance; /* JSON: commands, joules and grams spent so far; may be NULL */
} fr_model;

void fr_model_release(fr_model *model);

/* Writes beside and renames: the file is whole or the old one stays. Refuses what the
 * load would refuse: names that do not fit the network, weights that are not finite. */
enum fr_status fr_model_save(const fr_model *model, const char *path, fr_error *err);

/* What the weights of `net` take in the file of a float32 model: tensors that are mostly
 * zeros are stored as a bitmap and the rest (docs/model.md). */
size_t fr_model_stored_bytes(const fr_net *net);

/* Refuses, with a sentence, whatever is truncated, overlapping, oversized (header over 16
 * MiB, tensors over 1 GiB), of another type, not finite, or does not fit the architecture
 * it states. *model is written where the call succeeds; what it held before is not
 * released. */
enum fr_status fr_model_load(fr_model *model, const char *path, fr_error *err);

#endif
