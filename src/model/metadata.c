/* SPDX-License-Identifier: Apache-2.0 */
#include "model/metadata.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "frugal/keypoints.h"

enum { FLOAT_DIGITS = 9, NUMBER_TEXT = 32 }; /* nine digits bring every float back */

#define NAMES_CEILING ((size_t)1 << 16)

/* One row per plain text of a model; reading and writing walk the same table. Empty ones
 * are not written: what is not there is read as "". */
typedef struct text_key {
  const char *key;
  size_t offset; /* of a char * in fr_model */
} text_key;

static const text_key text_keys[] = {
    {"task", offsetof(fr_model, task)},     {"data", offsetof(fr_model, data)},
    {"split", offsetof(fr_model, split)},   {"validate", offsetof(fr_model, validate)},
    {"frames", offsetof(fr_model, frames)},
};

enum { TEXT_KEYS = sizeof text_keys / sizeof *text_keys };

/* ---- writing ---- */

static json_t *names_to_json(const fr_names *names) {
  json_t *array = json_array();
  for (size_t i = 0; i < names->count; i++)
    if (json_array_append_new(array, json_string(names->name[i])) != 0) {
      json_decref(array);
      return NULL;
    }
  return array;
}

static json_t *floats_to_json(const float *x, size_t count) {
  json_t *array = json_array();
  for (size_t i = 0; i < count; i++)
    if (json_array_append_new(array, json_real((double)x[i])) != 0) {
      json_decref(array);
      return NULL;
    }
  return array;
}

static json_t *normalizer_to_json(const fr_normalizer *normalizer) {
  json_t *object = json_object();
  const size_t channels = normalizer->channels;
  if (json_object_set_new(object, "shift", floats_to_json(normalizer->shift, channels)) !=
          0 ||
      json_object_set_new(object, "scale", floats_to_json(normalizer->scale, channels)) !=
          0 ||
      json_object_set_new(object, "method",
                          json_string(fr_normalize_name(normalizer->how))) != 0) {
    json_decref(object);
    return NULL;
  }
  return object;
}

/* Sets `key` to `text`; false where it is not UTF-8 or memory is out. */
static bool set_text(json_t *object, const char *key, const char *text) {
  return json_object_set_new(object, key, json_string(text)) == 0;
}

/* Sets `key` to the JSON text of `value`, whose owner this is; a NULL value fails. */
static bool set_json(json_t *object, const char *key, json_t *value) {
  const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(FLOAT_DIGITS);
  char *text = value == NULL ? NULL : json_dumps(value, flags);
  const bool done = text != NULL && set_text(object, key, text);
  free(text);
  json_decref(value);
  return done;
}

static bool set_number(json_t *object, const char *key, uint64_t value) {
  char text[NUMBER_TEXT];
  snprintf(text, sizeof text, "%" PRIu64, value);
  return set_text(object, key, text);
}

/* All 17 digits: a rate must come back as it was. jansson knows no locale. */
static bool set_rate(json_t *object, double rate_hz) {
  json_t *value = json_real(rate_hz);
  char *text = value == NULL ? NULL : json_dumps(value, JSON_ENCODE_ANY);
  const bool done = text != NULL && set_text(object, "rate_hz", text);
  free(text);
  json_decref(value);
  return done;
}

static bool set_network(json_t *object, const fr_net *net) {
  const fr_shape input = fr_net_input(net);
  return set_text(object, "frugal_version", FR_VERSION) &&
         set_text(object, "architecture", fr_net_text(net)) &&
         set_json(
             object, "input",
             json_pack("[I, I]", (json_int_t)input.steps, (json_int_t)input.channels));
}

static bool set_texts(json_t *object, const fr_model *model) {
  for (size_t i = 0; i < TEXT_KEYS; i++) {
    char *const *text = (char *const *)((const char *)model + text_keys[i].offset);
    if (*text != NULL && **text != '\0' && !set_text(object, text_keys[i].key, *text))
      return false;
  }
  return model->provenance == NULL || set_text(object, "provenance", model->provenance);
}

static bool set_all(json_t *object, const fr_model *model) {
  return set_network(object, model->net) &&
         set_json(object, "classes", names_to_json(&model->classes)) &&
         set_json(object, "channels", names_to_json(&model->channels)) &&
         (model->normalizer.channels == 0 ||
          set_json(object, "normalizer", normalizer_to_json(&model->normalizer))) &&
         (model->scheme == FR_SCHEME_F32 ||
          set_text(object, "scheme", fr_scheme_name(model->scheme))) &&
         set_texts(object, model) && set_number(object, "window", model->window) &&
         set_number(object, "step", model->step) &&
         (model->fold == 0 || set_number(object, "fold", model->fold)) &&
         (!model->keep_short || set_text(object, "short", "keep")) &&
         set_rate(object, model->rate_hz) && set_number(object, "seed", model->seed);
}

/* ---- what must hold in a model, written or read ---- */

static enum fr_status check_json(const char *path, const char *text, fr_error *err) {
  json_error_t json;
  json_t *value = text == NULL ? NULL : json_loads(text, JSON_REJECT_DUPLICATES, &json);
  if (text != NULL && value == NULL)
    return fr__fail(err, FR_ERR_FORMAT, "the provenance of '%s' is not JSON: %s", path,
                    json.text);
  json_decref(value);
  return FR_OK;
}

static bool normalizer_is_finite(const fr_normalizer *normalizer) {
  for (size_t i = 0; i < normalizer->channels; i++)
    if (!isfinite(normalizer->shift[i]) || !isfinite(normalizer->scale[i]))
      return false;
  return true;
}

/* By window a step alone has no deviation, and `scale` is a most. */
static bool normalizer_makes_sense(const fr_normalizer *normalizer, size_t steps) {
  bool sense = normalizer->how != FR_NORMALIZE_WINDOW || steps > 1;
  for (size_t i = 0; i < normalizer->channels && sense; i++)
    sense = normalizer->how != FR_NORMALIZE_WINDOW || normalizer->scale[i] >= 0;
  return sense;
}

/* Its features must be what the network takes. */
static enum fr_status check_frames(const fr_model *model, const char *path,
                                   fr_error *err) {
  fr_keypoints *k = NULL;
  fr_error why = {.text = ""};
  if (model->frames == NULL || model->frames[0] == '\0')
    return FR_OK;
  if (fr_keypoints_new(model->frames, &k, &why) != FR_OK)
    return fr__fail(err, FR_ERR_FORMAT, "the frames of '%s': %.400s", path, why.text);
  const size_t features = fr_keypoints_channels(k);
  fr_keypoints_free(k);
  if (features == fr_net_input(model->net).channels)
    return FR_OK;
  return fr__fail(err, FR_ERR_FORMAT,
                  "the frames of '%s' have %zu features where its network takes %zu",
                  path, features, fr_net_input(model->net).channels);
}

static enum fr_status check_model(const fr_model *model, const char *path,
                                  fr_error *err) {
  const size_t classes = fr_net_classes(model->net);
  const size_t channels = fr_net_input(model->net).channels;
  if (model->classes.count != classes)
    return fr__fail(err, FR_ERR_FORMAT,
                    "'%s' names %zu classes where its network has %zu", path,
                    model->classes.count, classes);
  if (model->channels.count != 0 && model->channels.count != channels)
    return fr__fail(err, FR_ERR_FORMAT,
                    "'%s' names %zu channels where its network takes %zu", path,
                    model->channels.count, channels);
  if (model->normalizer.channels != 0 && model->normalizer.channels != channels)
    return fr__fail(err, FR_ERR_FORMAT,
                    "the normalizer of '%s' has %zu channels where its network takes %zu",
                    path, model->normalizer.channels, channels);
  if (!normalizer_is_finite(&model->normalizer))
    return fr__fail(err, FR_ERR_NUMERIC, "the normalizer of '%s' is not finite", path);
  if (!normalizer_makes_sense(&model->normalizer, fr_net_input(model->net).steps))
    return fr__fail(err, FR_ERR_FORMAT,
                    "the normalizer of '%s' works by window, which takes several steps "
                    "and factors that are not negative",
                    path);
  if (!isfinite(model->rate_hz) || model->rate_hz < 0)
    return fr__fail(err, FR_ERR_FORMAT, "the rate of '%s' is no rate", path);
  const enum fr_status status = check_frames(model, path, err);
  return status == FR_OK ? check_json(path, model->provenance, err) : status;
}

enum fr_status fr__metadata_write(const fr_model *model, const char *path, json_t **out,
                                  fr_error *err) {
  const enum fr_status status = check_model(model, path, err);
  if (status != FR_OK)
    return status;
  json_t *object = json_object();
  if (!set_all(object, model)) {
    json_decref(object);
    return fr__fail(
        err, FR_ERR_ARGUMENT,
        "'%s' is not written: a name or text in the model is not UTF-8, or memory "
        "is out",
        path);
  }
  *out = object;
  return FR_OK;
}

/* ---- reading ---- */

static enum fr_status bad_key(const fr__safetensors *file, const char *key,
                              fr_error *err) {
  return fr__fail(err, FR_ERR_FORMAT,
                  "metadata '%s' of '%s' is missing or not acceptable", key, file->path);
}

/* The JSON under `key`, the caller's; NULL where it is missing or none. */
static json_t *read_json(const fr__safetensors *file, const char *key) {
  const char *text = fr__safetensors_text(file, key);
  return text == NULL ? NULL
                      : json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
}

static bool read_name(const json_t *value, char **out) {
  const char *text = json_string_value(value);
  *out = text == NULL ? NULL : strdup(text);
  return *out != NULL;
}

static bool names_from_json(const json_t *array, fr_names *names) {
  const size_t count = json_array_size(array);
  if (!json_is_array(array) || count > NAMES_CEILING)
    return false;
  names->name = calloc(count + 1, sizeof *names->name);
  if (names->name == NULL)
    return false;
  for (; names->count < count; names->count++)
    if (!read_name(json_array_get(array, names->count), &names->name[names->count]))
      return false;
  return true;
}

static enum fr_status read_names(const fr__safetensors *file, const char *key,
                                 fr_names *names, fr_error *err) {
  json_t *array = read_json(file, key);
  const bool good = names_from_json(array, names);
  json_decref(array);
  return good ? FR_OK : bad_key(file, key, err);
}

static bool floats_from_json(const json_t *array, size_t count, float **out) {
  *out = json_array_size(array) == count ? calloc(count, sizeof **out) : NULL;
  if (*out == NULL)
    return false;
  for (size_t i = 0; i < count; i++) {
    const json_t *value = json_array_get(array, i);
    const double number = json_number_value(value);
    if (!json_is_number(value) || fabs(number) > (double)FLT_MAX)
      return false;
    (*out)[i] = (float)number;
  }
  return true;
}

/* Files that say nothing are of a time that knew the z-score alone. */
static bool read_method(const json_t *object, enum fr_normalize *how) {
  const json_t *method = json_object_get(object, "method");
  *how = FR_NORMALIZE_ZSCORE;
  return method == NULL ||
         (json_is_string(method) && fr_normalize_parse(json_string_value(method), how));
}

static enum fr_status read_normalizer(const fr__safetensors *file,
                                      fr_normalizer *normalizer, fr_error *err) {
  static const char key[] = "normalizer";
  if (fr__safetensors_text(file, key) == NULL)
    return FR_OK;
  json_t *object = read_json(file, key);
  const json_t *shift = json_object_get(object, "shift");
  const size_t count = json_array_size(shift);
  const bool good =
      count > 0 && floats_from_json(shift, count, &normalizer->shift) &&
      floats_from_json(json_object_get(object, "scale"), count, &normalizer->scale) &&
      read_method(object, &normalizer->how);
  normalizer->channels = good ? count : 0;
  json_decref(object);
  return good ? FR_OK : bad_key(file, key, err);
}

/* Decimal digits, no more than fit. */
static bool parse_u64(const char *text, uint64_t *out) {
  if (text == NULL || *text == '\0')
    return false;
  uint64_t value = 0;
  for (; *text != '\0'; text++) {
    const unsigned digit = (unsigned)(unsigned char)*text - '0';
    if (digit > 9 || value > (UINT64_MAX - digit) / 10)
      return false;
    value = value * 10 + digit;
  }
  *out = value;
  return true;
}

static enum fr_status read_numbers(const fr__safetensors *file, fr_model *model,
                                   fr_error *err) {
  const char *const split_fold = fr__safetensors_text(file, "fold");
  uint64_t window, step, fold = 0;
  if (!parse_u64(fr__safetensors_text(file, "window"), &window) || window > SIZE_MAX)
    return bad_key(file, "window", err);
  if (!parse_u64(fr__safetensors_text(file, "step"), &step) || step > SIZE_MAX)
    return bad_key(file, "step", err);
  if (split_fold != NULL && (!parse_u64(split_fold, &fold) || fold > UINT32_MAX))
    return bad_key(file, "fold", err);
  if (!parse_u64(fr__safetensors_text(file, "seed"), &model->seed))
    return bad_key(file, "seed", err);
  const char *shorter = fr__safetensors_text(file, "short");
  if (shorter != NULL && strcmp(shorter, "keep") != 0)
    return bad_key(file, "short", err);
  model->keep_short = shorter != NULL;
  model->window = (size_t)window;
  model->step = (size_t)step;
  model->fold = (size_t)fold;
  json_t *rate = read_json(file, "rate_hz");
  const bool good = json_is_number(rate);
  model->rate_hz = json_number_value(rate);
  json_decref(rate);
  return good ? FR_OK : bad_key(file, "rate_hz", err);
}

static enum fr_status read_scheme(const fr__safetensors *file, fr_model *model,
                                  fr_error *err) {
  const char *name = fr__safetensors_text(file, "scheme");
  return name == NULL || fr_scheme_parse(name, &model->scheme)
             ? FR_OK
             : bad_key(file, "scheme", err);
}

static enum fr_status read_texts(const fr__safetensors *file, fr_model *model,
                                 fr_error *err) {
  for (size_t i = 0; i < TEXT_KEYS; i++) {
    char **to = (char **)((char *)model + text_keys[i].offset);
    const char *text = fr__safetensors_text(file, text_keys[i].key);
    *to = strdup(text == NULL ? "" : text);
    if (*to == NULL)
      return fr__fail_memory(err, file->path);
  }
  const char *provenance = fr__safetensors_text(file, "provenance");
  if (provenance != NULL && (model->provenance = strdup(provenance)) == NULL)
    return fr__fail_memory(err, file->path);
  return FR_OK;
}

static bool read_shape(const fr__safetensors *file, fr_shape *input) {
  json_t *array = read_json(file, "input");
  const json_int_t steps = json_integer_value(json_array_get(array, 0));
  const json_int_t channels = json_integer_value(json_array_get(array, 1));
  const bool good = json_array_size(array) == 2 && steps > 0 && channels > 0;
  *input = (fr_shape){.steps = (size_t)steps, .channels = (size_t)channels};
  json_decref(array);
  return good;
}

static enum fr_status read_network(const fr__safetensors *file, size_t classes,
                                   fr_net **net, fr_error *err) {
  const char *text = fr__safetensors_text(file, "architecture");
  if (text == NULL)
    return fr__fail(err, FR_ERR_FORMAT,
                    "'%s' states no architecture: it is no model of frugal", file->path);
  fr_shape input;
  if (!read_shape(file, &input))
    return bad_key(file, "input", err);
  fr_error why = {.text = ""};
  const enum fr_status status = fr_net_new(text, input, classes, net, &why);
  if (status != FR_OK)
    return fr__fail(err, status, "the architecture of '%s': %.400s", file->path,
                    why.text);
  return FR_OK;
}

enum fr_status fr__metadata_read(const fr__safetensors *file, fr_model *model,
                                 fr_error *err) {
  enum fr_status status = FR_OK;
  /* The network first: without one the file is another program's, and that is what to
   * say. */
  if (fr__safetensors_text(file, "architecture") != NULL)
    status = read_names(file, "classes", &model->classes, err);
  if (status == FR_OK)
    status = read_network(file, model->classes.count, &model->net, err);
  if (status == FR_OK)
    status = read_names(file, "channels", &model->channels, err);
  if (status == FR_OK)
    status = read_normalizer(file, &model->normalizer, err);
  if (status == FR_OK)
    status = read_numbers(file, model, err);
  if (status == FR_OK)
    status = read_scheme(file, model, err);
  if (status == FR_OK)
    status = read_texts(file, model, err);
  if (status == FR_OK)
    status = check_model(model, file->path, err);
  return status;
}
