/* SPDX-License-Identifier: Apache-2.0 */
/* A data set of raw frames becomes what a spec asks for: one of features, mostly. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/keypoints_state.h"
#include "data/no_sign.h"
#include "data/shifted.h"

/* "layout=126 " and the text, of which layout may be a part. */
static enum fr_status new_of(const fr_dataset *data, const char *text, fr_keypoints **out,
                             fr_error *err) {
  char whole[1024];
  enum fr_keypoint_layout layout;
  if (!fr_keypoint_layout_of(data->channels.count, &layout))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "'%s': frames of %zu numbers are not key points: 42, 63, 126, 258 or "
                    "1662",
                    data->spec, data->channels.count);
  const bool told = strncmp(text, "layout=", 7) == 0 || strstr(text, " layout=") != NULL;
  int length = 0;
  if (told)
    length = snprintf(whole, sizeof whole, "%s", text);
  else
    length = snprintf(whole, sizeof whole, "layout=%zu %s", data->channels.count, text);
  if (length < 0 || (size_t)length >= sizeof whole)
    return fr__fail(err, FR_ERR_LIMIT, "key points: a text of %zu bytes or more",
                    sizeof whole);
  fr_keypoints *k = NULL;
  enum fr_status status = fr_keypoints_new(whole, &k, err);
  if (status == FR_OK && k->inputs != data->channels.count)
    status = fr__fail(err, FR_ERR_ARGUMENT,
                      "'%s': frames of %zu numbers, not the %zu of layout=%zu",
                      data->spec, data->channels.count, k->inputs, k->inputs);
  if (status == FR_OK)
    *out = k;
  else
    fr_keypoints_free(k);
  return status;
}

static size_t count_steps(const fr_dataset *data) {
  size_t steps = 0;
  for (size_t i = 0; i < data->count; i++)
    steps += data->record[i].steps;
  return steps;
}

/* Each record's features behind the one before; the records still point to the frames. */
static void fill(const fr_dataset *data, fr_keypoints *k, float *to) {
  for (size_t i = 0; i < data->count; i++) {
    const fr_record *const r = &data->record[i];
    fr_keypoints_reset(k);
    for (size_t t = 0; t < r->steps; t++, to += k->channels)
      fr_keypoints_frame(k, r->values + t * k->inputs, to);
  }
}

static void replace(fr_dataset *data, const fr_keypoints *k, fr_names *names,
                    float *values, char *frames) {
  fr_names_release(&data->channels);
  free(data->values);
  free(data->frames);
  data->channels = *names;
  data->values = values;
  data->frames = frames;
  for (size_t i = 0; i < data->count; i++) {
    data->record[i].values = values;
    values += data->record[i].steps * k->channels;
  }
  data->digest = fr__dataset_digest(data);
}

enum fr_status fr__keypoints_derive(fr_dataset **data, const char *text, fr_error *err) {
  fr_keypoints *k = NULL;
  fr_names names = {0};
  enum fr_status status = new_of(*data, text, &k, err);
  if (status != FR_OK)
    return status;
  float *const values = calloc(count_steps(*data) + 1, k->channels * sizeof *values);
  char *const frames = strdup(k->text);
  status = values != NULL && frames != NULL
               ? fr_keypoints_channel_names(k, &names, err)
               : fr__fail_memory(err, "the features of key points");
  if (status == FR_OK) {
    fill(*data, k, values);
    replace(*data, k, &names, values, frames);
  } else {
    free(values);
    free(frames);
  }
  fr_keypoints_free(k);
  return status;
}

enum fr_status fr__keypoints_ask(const fr__spec *spec, fr__keypoints_asked *out,
                                 fr_error *err) {
  const char *const text = fr__spec_value(spec, "features");
  out->raw = text != NULL && strcmp(text, "raw") == 0;
  if (text != NULL && !out->raw && strcmp(text, "points") != 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "features: '%s' is not points or raw", text);
  for (size_t i = 0; out->raw && fr__keypoints_keys[i] != NULL; i++)
    if (fr__spec_value(spec, fr__keypoints_keys[i]) != NULL)
      return fr__fail(err, FR_ERR_ARGUMENT, "%s= is of features=points",
                      fr__keypoints_keys[i]);
  enum fr_status status = fr__spec_number(spec, "no_sign", 0, 100, 0, &out->no_sign, err);
  if (status == FR_OK)
    status = fr__spec_integer(spec, "shifted", 0, 100, 0, &out->shifted, err);
  return status == FR_OK
             ? fr__spec_integer(spec, "seed", 0, INT64_MAX, 1, &out->seed, err)
             : status;
}

static enum fr_status make_features(const fr__spec *spec, const fr_data_options *options,
                                    fr_dataset **data, fr_error *err) {
  char *text = NULL;
  enum fr_status status = fr__keypoints_spec_text(spec, &text, err);
  if (status != FR_OK)
    return status;
  fr__reading(options, "features");
  status = fr__keypoints_derive(data, text, err);
  fr__reading(options, NULL);
  free(text);
  return status;
}

enum fr_status fr__keypoints_make(const fr__spec *spec, const fr__keypoints_asked *asked,
                                  const fr_data_options *options, fr_dataset **data,
                                  fr_error *err) {
  const uint64_t seed = (uint64_t)asked->seed;
  enum fr_status status = FR_OK;
  if (asked->no_sign > 0)
    status = fr__no_sign_add(data, asked->no_sign, seed, err);
  if (status == FR_OK && asked->shifted > 0)
    status = fr__shifted_add(data, (size_t)asked->shifted, seed, err);
  return status != FR_OK || asked->raw ? status : make_features(spec, options, data, err);
}
