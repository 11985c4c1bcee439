/* SPDX-License-Identifier: Apache-2.0 */
#include "model/safetensors.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

#define LENGTH_SIZE FR__SAFETENSORS_LENGTH
#define METADATA FR__SAFETENSORS_METADATA
#define DIGEST FR__SAFETENSORS_DIGEST

/* Where one tensor lies, in bytes of the data. */
typedef struct span {
  const char *name;
  uint64_t begin, end;
  bool words;
} span;

static uint64_t read_le64(const unsigned char *p) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; i--)
    value = value << 8 | p[i];
  return value;
}

static float read_le_float(const unsigned char *p) {
  const uint32_t bits =
      (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* ---- reading ---- */

/* jansson spends some hundred bytes a value, whatever it took to write it: a header of 16
 * MiB could otherwise ask for gigabytes. */
static bool too_many_values(const char *text, size_t length) {
  size_t values = 0;
  for (size_t i = 0; i < length; i++)
    values += text[i] == ',' || text[i] == '[' || text[i] == '{';
  return values > FR__SAFETENSORS_VALUES;
}

static enum fr_status read_header(fr__safetensors *file, size_t total, fr_error *err) {
  if (total < LENGTH_SIZE)
    return fr__fail(err, FR_ERR_FORMAT, "'%s' ends after %zu bytes: it is no model",
                    file->path, total);
  const uint64_t length = read_le64((const unsigned char *)file->bytes);
  if (length > FR__SAFETENSORS_HEADER)
    return fr__fail(err, FR_ERR_LIMIT,
                    "'%s' states a header of %" PRIu64
                    " bytes, more than %zu: it is no model "
                    "or a damaged one",
                    file->path, length, FR__SAFETENSORS_HEADER);
  if (length > total - LENGTH_SIZE)
    return fr__fail(err, FR_ERR_FORMAT,
                    "'%s' is truncated: its header of %" PRIu64
                    " bytes runs past its end",
                    file->path, length);
  const char *text = file->bytes + LENGTH_SIZE;
  if (length == 0 || text[0] != '{')
    return fr__fail(err, FR_ERR_FORMAT, "the header of '%s' is no JSON object",
                    file->path);
  if (too_many_values(text, (size_t)length))
    return fr__fail(err, FR_ERR_LIMIT, "the header of '%s' holds more than %zu values",
                    file->path, FR__SAFETENSORS_VALUES);
  json_error_t json;
  file->header = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, &json);
  if (file->header == NULL)
    return fr__fail(err, FR_ERR_FORMAT, "the header of '%s' is not JSON at byte %d: %s",
                    file->path, json.position, json.text);
  file->data = (const unsigned char *)text + length;
  file->size = total - LENGTH_SIZE - (size_t)length;
  return FR_OK;
}

static enum fr_status check_metadata(const fr__safetensors *file, fr_error *err) {
  json_t *metadata = json_object_get(file->header, METADATA);
  if (metadata == NULL)
    return FR_OK;
  if (!json_is_object(metadata))
    return fr__fail(err, FR_ERR_FORMAT, "the metadata of '%s' is no object", file->path);
  const char *key;
  json_t *value;
  json_object_foreach(metadata, key, value) {
    if (!json_is_string(value))
      return fr__fail(err, FR_ERR_FORMAT, "metadata '%.64s' of '%s' is no string", key,
                      file->path);
  }
  return FR_OK;
}

/* Kinds of files, by what types they hold. */
enum { MODEL = 1, SEALED = 2, FOREIGN = 4 };

/* Bytes of one element; 0 where files of that kind do not hold the type. */
static size_t element_size(const fr__safetensors *file, const char *type) {
  static const struct {
    const char *name;
    size_t size;
    unsigned kinds;
  } types[] = {{"F32", 4, MODEL | SEALED | FOREIGN},
               {"U64", 8, SEALED | FOREIGN},
               {"BF16", 2, MODEL | FOREIGN},
               {"F16", 2, MODEL | FOREIGN},
               {"I8", 1, MODEL | FOREIGN},
               {"F64", 8, FOREIGN},
               {"I64", 8, FOREIGN},
               {"I32", 4, FOREIGN},
               {"U32", 4, FOREIGN},
               {"I16", 2, FOREIGN},
               {"U16", 2, FOREIGN},
               {"U8", 1, MODEL | FOREIGN},
               {"BOOL", 1, FOREIGN}};
  const unsigned kind = file->sealed ? SEALED : file->foreign ? FOREIGN : MODEL;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (strcmp(type, types[i].name) == 0)
      return types[i].kinds & kind ? types[i].size : 0;
  return 0;
}

/* The number of elements, or false where the shape is none or exceeds what a file may
 * hold. */
static bool count_elements(const json_t *shape, size_t rank, uint64_t *count) {
  if (!json_is_array(shape) || json_array_size(shape) > rank)
    return false;
  *count = 1;
  for (size_t i = 0; i < json_array_size(shape); i++) {
    const json_t *size = json_array_get(shape, i);
    const json_int_t value = json_integer_value(size);
    if (!json_is_integer(size) || value < 0 || value > (json_int_t)FR__SAFETENSORS_DATA)
      return false;
    *count *= (uint64_t)value; /* both at most 2^30: fits */
    if (*count > FR__SAFETENSORS_DATA)
      return false;
  }
  return true;
}

static bool read_offsets(const json_t *offsets, span *at) {
  const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
  if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end) ||
      json_integer_value(begin) < 0 ||
      json_integer_value(end) < json_integer_value(begin))
    return false;
  at->begin = (uint64_t)json_integer_value(begin);
  at->end = (uint64_t)json_integer_value(end);
  return true;
}

static enum fr_status read_entry(const fr__safetensors *file, const json_t *entry,
                                 span *at, fr_error *err) {
  const char *type = json_string_value(json_object_get(entry, "dtype"));
  if (type == NULL || json_object_size(entry) != 3)
    return fr__fail(err, FR_ERR_FORMAT,
                    "tensor '%.64s' of '%s' has not just dtype, shape and data_offsets",
                    at->name, file->path);
  const size_t size = element_size(file, type);
  if (size == 0)
    return fr__fail(err, FR_ERR_UNSUPPORTED,
                    "tensor '%.64s' of '%s' is of type '%.16s', not %s", at->name,
                    file->path, type,
                    file->foreign  ? "F32, F16, BF16 or F64"
                    : file->sealed ? "F32"
                                   : "F32, BF16, F16, I8 or U8");
  at->words = file->sealed && strcmp(type, "U64") == 0;
  const size_t rank = file->foreign ? FR__FOREIGN_RANK : FR_TENSOR_RANK;
  uint64_t count;
  if (!count_elements(json_object_get(entry, "shape"), rank, &count))
    return fr__fail(err, FR_ERR_FORMAT, "tensor '%.64s' of '%s' has no acceptable shape",
                    at->name, file->path);
  if (!read_offsets(json_object_get(entry, "data_offsets"), at))
    return fr__fail(err, FR_ERR_FORMAT,
                    "tensor '%.64s' of '%s' has no acceptable offsets", at->name,
                    file->path);
  if (at->end > file->size)
    return fr__fail(err, FR_ERR_FORMAT,
                    "'%s' is truncated: tensor '%.64s' ends at byte %" PRIu64 " of %zu",
                    file->path, at->name, at->end, file->size);
  const uint64_t bytes = count * size;
  if (at->end - at->begin != bytes)
    return fr__fail(err, FR_ERR_FORMAT,
                    "tensor '%.64s' of '%s' has %" PRIu64
                    " bytes where its shape needs %" PRIu64,
                    at->name, file->path, at->end - at->begin, bytes);
  return FR_OK;
}

static int compare_spans(const void *a, const void *b) {
  const span *left = a, *right = b;
  if (left->begin != right->begin)
    return left->begin < right->begin ? -1 : 1;
  return (left->end > right->end) - (left->end < right->end);
}

/* Tensors cover the data once: neither overlap nor hole. */
static enum fr_status check_cover(const fr__safetensors *file, span *at, size_t count,
                                  fr_error *err) {
  qsort(at, count, sizeof *at, compare_spans);
  uint64_t covered = 0;
  for (size_t i = 0; i < count; i++) {
    if (at[i].begin != covered)
      return fr__fail(
          err, FR_ERR_FORMAT, "tensor '%.64s' of '%s' %s", at[i].name, file->path,
          at[i].begin < covered ? "overlaps another" : "leaves a hole before it");
    covered = at[i].end;
  }
  if (covered != file->size)
    return fr__fail(err, FR_ERR_FORMAT,
                    "'%s' has %" PRIu64 " bytes behind its last tensor", file->path,
                    file->size - covered);
  return FR_OK;
}

static enum fr_status check_tensors(fr__safetensors *file, fr_error *err) {
  span *at = calloc(json_object_size(file->header) + 1, sizeof *at);
  if (at == NULL)
    return fr__fail_memory(err, file->path);
  size_t count = 0;
  enum fr_status status = FR_OK;
  const char *key;
  json_t *entry;
  json_object_foreach(file->header, key, entry) {
    if (strcmp(key, METADATA) == 0)
      continue;
    at[count].name = key;
    status = read_entry(file, entry, &at[count], err);
    if (status != FR_OK)
      goto done;
    file->words += at[count].words;
    file->tensors += !at[count++].words;
  }
  status = check_cover(file, at, count, err);
done:
  free(at);
  return status;
}

static enum fr_status open_file(fr__safetensors *file, fr_error *err) {
  const char *path = file->path;
  size_t total = 0;
  const size_t ceiling = LENGTH_SIZE + FR__SAFETENSORS_HEADER + FR__SAFETENSORS_DATA;
  enum fr_status status = fr__file_read(path, ceiling, &file->bytes, &total, err);
  if (status == FR_OK)
    status = read_header(file, total, err);
  if (status == FR_OK && file->size > FR__SAFETENSORS_DATA)
    status = fr__fail(err, FR_ERR_LIMIT, "the tensors of '%s' exceed %zu bytes", path,
                      FR__SAFETENSORS_DATA);
  if (status == FR_OK)
    status = check_metadata(file, err);
  if (status == FR_OK)
    status = check_tensors(file, err);
  return status;
}

enum fr_status fr__safetensors_open(fr__safetensors *file, const char *path,
                                    fr_error *err) {
  *file = (fr__safetensors){.path = path};
  return open_file(file, err);
}

enum fr_status fr__safetensors_open_foreign(fr__safetensors *file, const char *path,
                                            fr_error *err) {
  *file = (fr__safetensors){.path = path, .foreign = true};
  return open_file(file, err);
}

/* Of the header, whose metadata has no digest, and of the tensors' bytes. The caller's.
 */
char *fr__safetensors_digest(const json_t *header, const unsigned char *data,
                             size_t size) {
  enum { DIGEST_TEXT = 17 };
  char *text = json_dumps(header, JSON_COMPACT), *digest = malloc(DIGEST_TEXT);
  if (text != NULL && digest != NULL) {
    fr__hash hash;
    fr__hash_init(&hash, 0);
    fr__hash_add(&hash, text, strlen(text));
    fr__hash_add(&hash, data, size);
    snprintf(digest, DIGEST_TEXT, "%016" PRIx64, fr__hash_value(&hash));
    free(text);
    return digest;
  }
  free(text);
  free(digest);
  return NULL;
}

static enum fr_status check_seal(const fr__safetensors *file, fr_error *err) {
  json_t *metadata = json_object_get(file->header, METADATA);
  json_t *stated = json_incref(json_object_get(metadata, DIGEST));
  if (stated == NULL)
    return fr__fail(err, FR_ERR_FORMAT, "'%s' has no checksum", file->path);
  json_object_del(metadata, DIGEST);
  char *digest = fr__safetensors_digest(file->header, file->data, file->size);
  const bool same = digest != NULL && strcmp(digest, json_string_value(stated)) == 0;
  json_decref(stated);
  enum fr_status status = FR_OK;
  if (!same)
    status = digest == NULL ? fr__fail_memory(err, file->path)
                            : fr__fail(err, FR_ERR_FORMAT,
                                       "'%s' is damaged: its checksum is not that of "
                                       "what it holds",
                                       file->path);
  free(digest);
  return status;
}

enum fr_status fr__safetensors_open_sealed(fr__safetensors *file, const char *path,
                                           fr_error *err) {
  *file = (fr__safetensors){.path = path, .sealed = true};
  const enum fr_status status = open_file(file, err);
  return status == FR_OK ? check_seal(file, err) : status;
}

void fr__safetensors_release(fr__safetensors *file) {
  json_decref(file->header);
  free(file->bytes);
  *file = (fr__safetensors){0};
}

const char *fr__safetensors_text(const fr__safetensors *file, const char *key) {
  const json_t *metadata = json_object_get(file->header, METADATA);
  return json_string_value(json_object_get(metadata, key));
}

static bool same_shape(const json_t *shape, size_t rank, const size_t *sizes) {
  if (json_array_size(shape) != rank)
    return false;
  for (size_t i = 0; i < rank; i++)
    if ((size_t)json_integer_value(json_array_get(shape, i)) != sizes[i])
      return false;
  return true;
}

const unsigned char *fr__safetensors_bytes(const fr__safetensors *file, const char *name,
                                           const char *type, size_t rank,
                                           const size_t *shape) {
  const json_t *entry = json_object_get(file->header, name);
  const char *stated = json_string_value(json_object_get(entry, "dtype"));
  if (stated == NULL || strcmp(stated, type) != 0 ||
      !same_shape(json_object_get(entry, "shape"), rank, shape))
    return NULL;
  const json_t *begin = json_array_get(json_object_get(entry, "data_offsets"), 0);
  return file->data + json_integer_value(begin);
}

float fr__safetensors_float(const unsigned char *bytes, size_t index) {
  return read_le_float(bytes + index * sizeof(float));
}

static enum fr_status fill_one(const fr__safetensors *file, const fr_tensor *tensor,
                               fr_error *err) {
  const json_t *entry = json_object_get(file->header, tensor->name);
  if (entry == NULL)
    return fr__fail(err, FR_ERR_FORMAT, "'%s' lacks tensor '%s' of its architecture",
                    file->path, tensor->name);
  const unsigned char *from =
      fr__safetensors_bytes(file, tensor->name, "F32", tensor->rank, tensor->shape);
  if (from == NULL)
    return fr__fail(err, FR_ERR_FORMAT,
                    "tensor '%s' of '%s' has another shape than its architecture",
                    tensor->name, file->path);
  for (size_t i = 0; i < tensor->count; i++) {
    const float value = read_le_float(from + i * sizeof(float));
    if (!isfinite(value))
      return fr__fail(err, FR_ERR_NUMERIC,
                      "value %zu of tensor '%s' of '%s' is not finite", i, tensor->name,
                      file->path);
    tensor->value[i] = value;
  }
  return FR_OK;
}

/* As many tensors as the architecture has, and each of those: then there is no other. */
enum fr_status fr__safetensors_fill(const fr__safetensors *file, const fr_tensor *tensor,
                                    size_t count, fr_error *err) {
  for (size_t i = 0; i < count; i++) {
    const enum fr_status status = fill_one(file, &tensor[i], err);
    if (status != FR_OK)
      return status;
  }
  if (file->tensors != count)
    return fr__fail(err, FR_ERR_FORMAT,
                    "'%s' holds %zu tensors where its architecture has %zu", file->path,
                    file->tensors, count);
  return FR_OK;
}

size_t fr__safetensors_word_count(const fr__safetensors *file, const char *name) {
  const json_t *entry = json_object_get(file->header, name);
  const char *type = json_string_value(json_object_get(entry, "dtype"));
  const json_t *shape = json_object_get(entry, "shape");
  if (type == NULL || strcmp(type, "U64") != 0 || json_array_size(shape) != 1)
    return 0;
  return (size_t)json_integer_value(json_array_get(shape, 0));
}

void fr__safetensors_fill_words(const fr__safetensors *file, const fr__words *words) {
  assert(words->count == fr__safetensors_word_count(file, words->name));
  const json_t *entry = json_object_get(file->header, words->name);
  const json_t *begin = json_array_get(json_object_get(entry, "data_offsets"), 0);
  const unsigned char *from = file->data + json_integer_value(begin);
  for (size_t i = 0; i < words->count; i++)
    words->value[i] = read_le64(from + i * sizeof(uint64_t));
}
