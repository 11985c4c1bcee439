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

#define FR__SAFETENSORS_HEADER ((size_t)16 << 20) /* bytes at most */
#define FR__SAFETENSORS_DATA ((size_t)1 << 30)    /* bytes of all tensors at most */
#define FR__SAFETENSORS_VALUES ((size_t)1 << 20)  /* JSON values in the header at most */

typedef struct fr__safetensors {
  const char *path;          /* for messages; borrowed */
  char *bytes;               /* the file; owned */
  json_t *header;            /* owned */
  const unsigned char *data; /* into bytes */
  size_t size;               /* of data */
  size_t tensors;
} fr__safetensors;

/* Reads `path` and checks header, types, shapes and offsets. Release it in every case. */
enum fr_status fr__safetensors_open(fr__safetensors *file, const char *path,
                                    fr_error *err);
void fr__safetensors_release(fr__safetensors *file);

/* The string under `key` of the metadata; NULL where there is none. Belongs to `file`. */
const char *fr__safetensors_text(const fr__safetensors *file, const char *key);

/* Fills the `count` tensors from the file, which must hold these, in these shapes, no
 * other, and only finite values. */
enum fr_status fr__safetensors_fill(const fr__safetensors *file, const fr_tensor *tensor,
                                    size_t count, fr_error *err);

/* Writes the tensors and `metadata` (object of strings; borrowed) to `path`, whole or
 * not. */
enum fr_status fr__safetensors_write(const char *path, const json_t *metadata,
                                     const fr_tensor *tensor, size_t count,
                                     fr_error *err);

#endif
