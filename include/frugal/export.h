/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export: a model for other runtimes, and weights from elsewhere.
 *
 * Both exports take the network with full-length sequences (no lengths) and hold the
 * model's normaliser, so that raw recordings go in.
 */
#ifndef FRUGAL_EXPORT_H
#define FRUGAL_EXPORT_H

#include "frugal/int8.h"
#include "frugal/model.h"

/* What was written. */
typedef struct fr_export_facts {
  size_t bytes;     /* of the file */
  size_t operators; /* nodes of the graph */
} fr_export_facts;

/*
 * ONNX (https://github.com/onnx/onnx/blob/main/docs/IR.md), opset 17, IR version 8. Input
 * "input" (batch, T, C) float32, output "output" (batch, K): logits, as the network gives
 * them in testing. Class names, task, rate and architecture are in metadata_props. The
 * same model gives the same bytes. Writes beside and renames. FR_ERR_UNSUPPORTED names a
 * layer without a form in ONNX, FR_ERR_LIMIT a graph of more than 2 GiB; what
 * fr_model_save refuses is refused, too. *facts (may be NULL) is filled where the call
 * succeeds.
 */
enum fr_status fr_export_onnx(const fr_model *model, const char *path,
                              fr_export_facts *facts, fr_error *err);

/* What the exported C takes. */
typedef struct fr_export_c_facts {
  size_t bytes;            /* of both files */
  size_t weight_bytes;     /* of constants: flash */
  size_t activation_bytes; /* of static buffers: RAM */
} fr_export_c_facts;

/*
 * C99 without any library: `path` ("gesture.c") and a header beside it ("gesture.h"),
 * whose identifiers begin with the file's name. In float32, or (`int8` not NULL, made
 * from the model's network) in integers that give fr_int8_run's outputs to the last bit.
 * docs/export-c.md has the interface. FR_ERR_ARGUMENT for a name that does not end in
 * ".c", FR_ERR_UNSUPPORTED names a layer without a form in C; what fr_model_save refuses
 * is refused, too. The same model gives the same bytes. *facts (may be NULL) is filled
 * where the call succeeds.
 */
enum fr_status fr_export_c(const fr_model *model, const fr_int8 *int8, const char *path,
                           fr_export_c_facts *facts, fr_error *err);

/* ---- weights from elsewhere ---- */

/* Whose names and layouts a file of weights has. */
enum fr_import_origin {
  FR_IMPORT_ANY, /* told by the names */
  FR_IMPORT_PYTORCH,
  FR_IMPORT_KERAS
};

/* How the sequence in front of a dense layer was flattened there. */
enum fr_import_flatten {
  FR_FLATTEN_USUAL, /* PyTorch: channels first behind conv1d, pooling and bn; else steps
                       first */
  FR_FLATTEN_STEPS_FIRST,   /* (T, C), as frugal does */
  FR_FLATTEN_CHANNELS_FIRST /* (C, T) */
};

typedef struct fr_import_options {
  enum fr_import_origin origin;
  enum fr_import_flatten flatten;
  const char *map; /* path of a name map (docs/export.md); NULL: by order and shape */
} fr_import_options;

typedef struct fr_import_pair {
  char tensor[64]; /* "3.bias" */
  char *from;      /* "lstm.bias_ih_l0 + lstm.bias_hh_l0"; "" where what it has there
                      (no bias) goes without saying; owned */
} fr_import_pair;

typedef struct fr_import_report {
  enum fr_import_origin origin; /* what was read it as */
  size_t count;
  fr_import_pair *pair; /* (count), one a tensor of the network; owned */
  fr_names warnings;    /* sentences: what is not used, what was taken for granted */
} fr_import_report;

/*
 * Fills every tensor of `net` from a safetensors file (F32, F16, BF16 or F64) that
 * PyTorch's state_dict or Keras's weights were saved to, transposed and reordered as
 * frugal's layouts are. Where no map tells, the first layer of the file in natural order
 * of names that is of the same family and shapes is taken. FR_ERR_FORMAT names tensors
 * whose shapes differ, FR_ERR_NOT_FOUND what is missing, FR_ERR_NUMERIC a weight that is
 * not finite as float32; what fr_model_load says of damaged files holds, too. After a
 * failure the weights are as they were. *report (may be NULL) is filled where the call
 * succeeds; release it. `options` NULL: all usual.
 */
enum fr_status fr_import_weights(fr_net *net, const char *path,
                                 const fr_import_options *options,
                                 fr_import_report *report, fr_error *err);
void fr_import_report_release(fr_import_report *report);

/* "pytorch", "keras"; "channels-first", "steps-first". */
bool fr_import_origin_parse(const char *name, enum fr_import_origin *out);
const char *fr_import_origin_name(enum fr_import_origin origin);
bool fr_import_flatten_parse(const char *name, enum fr_import_flatten *out);

#endif
