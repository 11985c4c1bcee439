/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container: eight bytes of header length, a JSON header, then the tensors' bytes.
 * Knows nothing of networks but their tensors. Everything is checked while opening, so
 * that what follows may trust the header.
 */
#ifndef FR_MODEL_SAFETENSORS_H
#define FR_MODEL_SAFETENSORS_H

#include <jansson.h>

#include "frugal/nn.h"

#define FR__SAFETENSORS_LENGTH 8 /* bytes that state the header's */
#define FR__SAFETENSORS_METADATA "__metadata__"
#define FR__SAFETENSORS_DIGEST "digest"           /* of a sealed file, in its metadata */
#define FR__SAFETENSORS_HEADER ((size_t)16 << 20) /* bytes at most */
#define FR__SAFETENSORS_DATA ((size_t)1 << 30)    /* bytes of all tensors at most */
#define FR__SAFETENSORS_VALUES ((size_t)1 << 20)  /* JSON values in the header at most */

typedef struct fr__safetensors {
  const char *path;          /* for messages; borrowed */
  char *bytes;               /* the file; owned */
  json_t *header;            /* owned */
  const unsigned char *data; /* into bytes */
  size_t size;               /* of data */
  size_t tensors;            /* all but words */
  size_t words;              /* tensors of words; none unless sealed */
  bool sealed;
  bool foreign;
} fr__safetensors;

/* A U64 tensor of rank 1, for what is to be kept to the bit. */
typedef struct fr__words {
  const char *name;
  uint64_t *value; /* (count) */
  size_t count;
} fr__words;

/* A tensor of any type, as the file has its bytes. */
typedef struct fr__raw {
  char name[80];
  const char *type; /* "I8" */
  size_t rank;
  size_t shape[FR_TENSOR_RANK];
  unsigned char *bytes; /* (size), little-endian; owned by whoever made it */
  size_t size;
} fr__raw;

/* Reads `path` and checks header, types, shapes and offsets. Release it in every case. */
enum fr_status fr__safetensors_open(fr__safetensors *file, const char *path,
                                    fr_error *err);
/* The same of a file that fr__safetensors_write_sealed wrote, and that nothing has
 * changed since: it may hold words, and a checksum of all the rest is in its metadata. */
enum fr_status fr__safetensors_open_sealed(fr__safetensors *file, const char *path,
                                           fr_error *err);
/* The same of a file of another program's: of any type that has a size of its own, of up
 * to FR__FOREIGN_RANK axes. */
#define FR__FOREIGN_RANK 8
enum fr_status fr__safetensors_open_foreign(fr__safetensors *file, const char *path,
                                            fr_error *err);
void fr__safetensors_release(fr__safetensors *file);

/* The string under `key` of the metadata; NULL where there is none. Belongs to `file`. */
const char *fr__safetensors_text(const fr__safetensors *file, const char *key);

/* Fills the `count` tensors from the file, which must hold these, in these shapes, no
 * other, and only finite values. */
enum fr_status fr__safetensors_fill(const fr__safetensors *file, const fr_tensor *tensor,
                                    size_t count, fr_error *err);

/* The bytes of the tensor `name`, which belong to the file; NULL where there is none of
 * that type and shape. */
const unsigned char *fr__safetensors_bytes(const fr__safetensors *file, const char *name,
                                           const char *type, size_t rank,
                                           const size_t *shape);
/* Of the bytes of an F32 tensor. */
float fr__safetensors_float(const unsigned char *bytes, size_t index);

/* Words that the tensor `name` has; 0 where there is none. */
size_t fr__safetensors_word_count(const fr__safetensors *file, const char *name);
/* Fills `words`, which has as many as the file. */
void fr__safetensors_fill_words(const fr__safetensors *file, const fr__words *words);

/* Of the header, whose metadata has no digest, and of the tensors' bytes. The caller's
 * (free); NULL where memory is out. */
char *fr__safetensors_digest(const json_t *header, const unsigned char *data,
                             size_t size);

/* Writes the tensors and `metadata` (object of strings; borrowed) to `path`, whole or
 * not. */
enum fr_status fr__safetensors_write(const char *path, const json_t *metadata,
                                     const fr_tensor *tensor, size_t count,
                                     fr_error *err);

enum fr_status fr__safetensors_write_raw(const char *path, const json_t *metadata,
                                         const fr__raw *raw, size_t count, fr_error *err);

/* The same with words, and a checksum over everything as "digest" in the metadata. */
enum fr_status fr__safetensors_write_sealed(const char *path, const json_t *metadata,
                                            const fr__words *words, size_t word_count,
                                            const fr_tensor *tensor, size_t count,
                                            fr_error *err);

#endif
