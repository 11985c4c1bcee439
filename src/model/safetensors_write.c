/* SPDX-License-Identifier: Apache-2.0 */
/* The container, written whole or not. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "model/safetensors.h"

#define LENGTH_SIZE FR__SAFETENSORS_LENGTH
#define METADATA FR__SAFETENSORS_METADATA
#define DIGEST FR__SAFETENSORS_DIGEST

/* What is written. */
typedef struct content {
  const json_t *metadata;
  const fr__words *words;
  size_t word_count; /* tensors of words */
  const fr_tensor *tensor;
  size_t count; /* tensors of floats */
  const fr__raw *raw;
  size_t raw_count;
} content;

/* Adds the entry of a tensor whose bytes are [*begin, *begin + bytes). Takes `shape`. */
static bool describe(json_t *header, const char *name, const char *type, json_t *shape,
                     size_t bytes, size_t *begin) {
  const size_t end = *begin + bytes;
  json_t *entry = json_pack("{s:s, s:o, s:[I, I]}", "dtype", type, "shape", shape,
                            "data_offsets", (json_int_t)*begin, (json_int_t)end);
  *begin = end;
  return json_object_set_new(header, name, entry) == 0;
}

static json_t *shape_of(size_t rank, const size_t *sizes) {
  json_t *shape = json_array();
  for (size_t i = 0; i < rank; i++)
    if (json_array_append_new(shape, json_integer((json_int_t)sizes[i])) != 0) {
      json_decref(shape);
      return NULL;
    }
  return shape;
}

/* NULL where memory is out. */
static json_t *make_header(const content *c) {
  json_t *header = json_object();
  size_t begin = 0;
  bool done = json_object_set_new(header, METADATA, json_deep_copy(c->metadata)) == 0;
  for (size_t i = 0; i < c->word_count && done; i++)
    done = describe(header, c->words[i].name, "U64",
                    json_pack("[I]", (json_int_t)c->words[i].count),
                    c->words[i].count * sizeof(uint64_t), &begin);
  for (size_t i = 0; i < c->count && done; i++)
    done = describe(header, c->tensor[i].name, "F32",
                    shape_of(c->tensor[i].rank, c->tensor[i].shape),
                    c->tensor[i].count * sizeof(float), &begin);
  for (size_t i = 0; i < c->raw_count && done; i++)
    done = describe(header, c->raw[i].name, c->raw[i].type,
                    shape_of(c->raw[i].rank, c->raw[i].shape), c->raw[i].size, &begin);
  if (done)
    return header;
  json_decref(header);
  return NULL;
}

/* The header's text, padded with blanks so that the tensors begin at a multiple of 8
 * bytes. */
static char *write_header(const json_t *header, size_t *length) {
  char *bare = json_dumps(header, JSON_COMPACT);
  if (bare == NULL)
    return NULL;
  const size_t size = strlen(bare);
  *length = (size + 7) / 8 * 8;
  char *text = realloc(bare, *length + 1);
  if (text == NULL)
    free(bare);
  else
    memset(text + size, ' ', *length - size);
  return text;
}

static void write_le(unsigned char *to, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    to[i] = (unsigned char)(value >> (8 * i));
}

static void write_tensor(unsigned char *to, const fr_tensor *tensor) {
  for (size_t i = 0; i < tensor->count; i++) {
    uint32_t bits;
    memcpy(&bits, &tensor->value[i], sizeof bits);
    write_le(to + i * sizeof bits, bits, sizeof bits);
  }
}

/* Adds the bytes of `count` items to *bytes. */
static enum fr_status add_bytes(const char *path, size_t count, size_t item,
                                size_t *bytes, fr_error *err) {
  if (count > (FR__SAFETENSORS_DATA - *bytes) / item)
    return fr__fail(err, FR_ERR_LIMIT, "the tensors for '%s' exceed %zu bytes", path,
                    FR__SAFETENSORS_DATA);
  *bytes += count * item;
  return FR_OK;
}

static enum fr_status check_values(const char *path, const content *c, size_t *bytes,
                                   fr_error *err) {
  const fr_tensor *tensor = c->tensor;
  enum fr_status status = FR_OK;
  *bytes = 0;
  for (size_t i = 0; i < c->word_count && status == FR_OK; i++)
    status = add_bytes(path, c->words[i].count, sizeof(uint64_t), bytes, err);
  for (size_t i = 0; i < c->raw_count && status == FR_OK; i++)
    status = add_bytes(path, c->raw[i].size, 1, bytes, err);
  for (size_t i = 0; i < c->count && status == FR_OK; i++) {
    status = add_bytes(path, tensor[i].count, sizeof(float), bytes, err);
    if (status != FR_OK)
      break;
    for (size_t k = 0; k < tensor[i].count; k++)
      if (!isfinite(tensor[i].value[k]))
        return fr__fail(err, FR_ERR_NUMERIC,
                        "'%s' is not written: value %zu of tensor '%s' is not finite",
                        path, k, tensor[i].name);
  }
  return status;
}

static void write_data(unsigned char *to, const content *c) {
  for (size_t i = 0; i < c->word_count; i++)
    for (size_t k = 0; k < c->words[i].count; k++, to += sizeof(uint64_t))
      write_le(to, c->words[i].value[k], sizeof(uint64_t));
  for (size_t i = 0; i < c->count; i++) {
    write_tensor(to, &c->tensor[i]);
    to += c->tensor[i].count * sizeof(float);
  }
  for (size_t i = 0; i < c->raw_count; to += c->raw[i++].size)
    memcpy(to, c->raw[i].bytes, c->raw[i].size);
}

/* The file's bytes: length, header, `data` of `bytes`. */
static enum fr_status write_file(const char *path, const json_t *header,
                                 const unsigned char *data, size_t bytes, fr_error *err) {
  size_t length = 0;
  char *text = write_header(header, &length);
  unsigned char *file = NULL;
  enum fr_status status = FR_OK;
  if (text != NULL && length <= FR__SAFETENSORS_HEADER)
    file = malloc(LENGTH_SIZE + length + bytes);
  if (file != NULL) {
    write_le(file, length, LENGTH_SIZE);
    memcpy(file + LENGTH_SIZE, text, length);
    memcpy(file + LENGTH_SIZE + length, data, bytes);
    status = fr__file_write(path, file, LENGTH_SIZE + length + bytes, err);
  } else {
    status = length > FR__SAFETENSORS_HEADER
                 ? fr__fail(err, FR_ERR_LIMIT, "the metadata for '%s' exceed %zu bytes",
                            path, FR__SAFETENSORS_HEADER)
                 : fr__fail_memory(err, path);
  }
  free(file);
  free(text);
  return status;
}

static bool add_seal(json_t *header, const unsigned char *data, size_t bytes) {
  char *digest = fr__safetensors_digest(header, data, bytes);
  const bool done =
      digest != NULL && json_object_set_new(json_object_get(header, METADATA), DIGEST,
                                            json_string(digest)) == 0;
  free(digest);
  return done;
}

static enum fr_status write_content(const char *path, const content *c, bool sealed,
                                    fr_error *err) {
  size_t bytes;
  enum fr_status status = check_values(path, c, &bytes, err);
  if (status != FR_OK)
    return status;
  json_t *header = make_header(c);
  unsigned char *data = malloc(bytes + 1);
  if (header != NULL && data != NULL)
    write_data(data, c);
  if (header == NULL || data == NULL || (sealed && !add_seal(header, data, bytes)))
    status = fr__fail_memory(err, path);
  else
    status = write_file(path, header, data, bytes, err);
  free(data);
  json_decref(header);
  return status;
}

enum fr_status fr__safetensors_write(const char *path, const json_t *metadata,
                                     const fr_tensor *tensor, size_t count,
                                     fr_error *err) {
  const content c = {.metadata = metadata, .tensor = tensor, .count = count};
  return write_content(path, &c, false, err);
}

enum fr_status fr__safetensors_write_raw(const char *path, const json_t *metadata,
                                         const fr__raw *raw, size_t count,
                                         fr_error *err) {
  const content c = {.metadata = metadata, .raw = raw, .raw_count = count};
  return write_content(path, &c, false, err);
}

enum fr_status fr__safetensors_write_sealed(const char *path, const json_t *metadata,
                                            const fr__words *words, size_t word_count,
                                            const fr_tensor *tensor, size_t count,
                                            fr_error *err) {
  const content c = {.metadata = metadata,
                     .words = words,
                     .word_count = word_count,
                     .tensor = tensor,
                     .count = count};
  return write_content(path, &c, true, err);
}
