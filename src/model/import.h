/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights of another program on their way into a network. A foreign file is a list of
 * tensors, each of which is some part ("weight_ih") of some layer ("lstm.l0"); a binding
 * says which parts a tensor of the network is made of, a recipe how.
 */
#ifndef FR_MODEL_IMPORT_H
#define FR_MODEL_IMPORT_H

#include "frugal/export.h"
#include "model/safetensors.h"
#include "nn/net.h"

#define FR__FOREIGN_WHAT 48   /* bytes of a part's name, NUL included */
#define FR__RECIPE_PARTS 3    /* foreign tensors that one of the network is made of */
#define FR__SHAPE_TEXT 128    /* bytes of "(8, 3, 5)" */
#define FR__MAP_CEILING 65536 /* bytes of a name map */

/* ---- import_read.c: the foreign file ---- */

typedef struct fr__foreign {
  const char *name; /* the file's */
  const char *type; /* "F32" */
  size_t rank;
  size_t shape[FR__FOREIGN_RANK];
  size_t count;
  const unsigned char *bytes;  /* the file's */
  char *layer;                 /* whose it is, "lstm.l0"; owned */
  char what[FR__FOREIGN_WHAT]; /* which of its parts, "weight_ih" */
  bool used;
} fr__foreign;

/* A run of tensors of one layer. */
typedef struct fr__foreign_layer {
  const char *name;   /* of its first tensor */
  const char *family; /* frugal's name for what it is; NULL: not known */
  fr__foreign *part;  /* (count) */
  size_t count;
  bool taken;
} fr__foreign_layer;

typedef struct fr__foreign_file {
  fr__safetensors file;
  enum fr_import_origin origin;
  size_t count;
  fr__foreign *tensor; /* (count), by layer in natural order; owned */
  size_t layer_count;
  fr__foreign_layer *layer; /* (layer_count); owned */
} fr__foreign_file;

/* Release it in every case. */
enum fr_status fr__foreign_open(fr__foreign_file *f, const char *path,
                                enum fr_import_origin origin, fr_error *err);
void fr__foreign_release(fr__foreign_file *f);

/* NULL where there is none. */
fr__foreign *fr__foreign_find(const fr__foreign_file *f, const char *name);
fr__foreign_layer *fr__foreign_find_layer(const fr__foreign_file *f, const char *name);
fr__foreign *fr__foreign_part(const fr__foreign_layer *layer, const char *what);

/* Its numbers as float32 into to (count); FR_ERR_NUMERIC where one is not finite. */
enum fr_status fr__foreign_values(const fr__foreign_file *f, const fr__foreign *tensor,
                                  float *to, fr_error *err);
void fr__shape_text(size_t rank, const size_t *shape, char *text, size_t size);

/* ---- import_names.c: what the names say ---- */

enum fr_import_origin fr__foreign_guess(const fr__foreign_file *f);
/* Sets layer and what from the name. */
enum fr_status fr__foreign_parse(const fr__foreign_file *f, fr__foreign *tensor,
                                 fr_error *err);
/* frugal's name for the family of that layer; NULL: not known. */
const char *fr__foreign_family(enum fr_import_origin origin,
                               const fr__foreign_layer *layer);
/* Counters and states of random numbers, which nobody misses. */
bool fr__foreign_ignored(const fr__foreign *tensor);

/* ---- import_layout.c: how a tensor is made ---- */

typedef struct fr__making {
  const fr__layer *layer;
  const fr_tensor *tensor;
  const float *part[FR__RECIPE_PARTS]; /* NULL: not there, and that is fine */
  fr_shape flat; /* (T, C) of a sequence that came flattened (C, T); steps 0: none */
  float *to;     /* (tensor->count) */
} fr__making;

typedef struct fr__recipe {
  const char *family, *tensor; /* frugal's: "lstm", "bias" */
  const char *part[FR__RECIPE_PARTS];
  bool optional; /* parts may be missing: */
  float absent;  /* the tensor is then that */
  bool inward;   /* the first axis is the input's, in whose order it may be flattened */
  /* The shape that each part must have; the rank. */
  size_t (*expect)(const fr__making *m, size_t shape[FR__FOREIGN_RANK]);
  void (*make)(const fr__making *m);
} fr__recipe;

/* Of a tensor of a layer; `reverse` tells whether it is of the reverse direction, whose
 * parts end in "_reverse". NULL where there is none. */
const fr__recipe *fr__recipe_find(enum fr_import_origin origin, const fr__layer *layer,
                                  const fr_tensor *tensor, bool *reverse);

/* ---- import_bind.c: which parts ---- */

typedef struct fr__binding {
  const fr__layer *layer;
  const fr_tensor *tensor;
  const fr__recipe *recipe;
  fr__foreign *part[FR__RECIPE_PARTS];
  bool reverse;
  bool told; /* by a map */
  fr_shape flat;
} fr__binding;

typedef struct fr__bindings {
  const fr_net *net;
  fr__foreign_file *from;
  const fr_import_options *options;
  fr__binding *at; /* (count), layer after layer, those of branches first; owned */
  size_t count;
  fr_names warnings; /* owned */
} fr__bindings;

/* What is to be filled, with recipes and what comes flattened. */
enum fr_status fr__bindings_init(fr__bindings *b, const fr_net *net,
                                 fr__foreign_file *from, const fr_import_options *options,
                                 fr_error *err);
void fr__bindings_release(fr__bindings *b);
/* Every part that the map does not tell, by order, family and shape. */
enum fr_status fr__bindings_match(fr__bindings *b, fr_error *err);
enum fr_status fr__bindings_check(const fr__bindings *b, fr_error *err);
/* "weight_ih_reverse". */
void fr__part_name(const fr__binding *binding, size_t part, char *text, size_t size);
/* The first binding behind `i` of another layer. */
size_t fr__bindings_behind(const fr__bindings *b, size_t i);
/* Takes those parts of `layer` that the layer at [begin, end) has recipes for. */
void fr__bindings_take(fr__bindings *b, size_t begin, size_t end,
                       const fr__foreign_layer *layer);
enum fr_status fr__bindings_warn(fr__bindings *b, fr_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- import_map.c ---- */

/* Lines "3.weight = name" and "3 = layer" of a file. */
enum fr_status fr__import_map(fr__bindings *b, const char *path, fr_error *err);

#endif
