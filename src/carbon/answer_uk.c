/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of Great Britain's Carbon Intensity API (v2,
 * https://carbon-intensity.github.io/api-definitions). */
#include "base/error.h"
#include "carbon/answers.h"
#include "carbon/server.h"
#include "carbon/source.h"

#define NAME "the UK's API"

/* National: {data: [{from, to, intensity}]}; regional: {data: {regionid, data: [...]}},
 * or a list of one such region. NULL: there is none. */
static const json_t *list_of(const json_t *root, const json_t **region) {
  const json_t *data = json_object_get(root, "data");
  *region = NULL;
  if (json_is_array(data) && json_array_size(data) == 1 &&
      json_is_array(json_object_get(json_array_get(data, 0), "data")))
    data = json_array_get(data, 0);
  if (json_is_object(data)) {
    *region = data;
    data = json_object_get(data, "data");
  }
  return json_is_array(data) ? data : NULL;
}

/* A half hour: what was measured, else what was forecast; a region's is estimated always,
 * and a forecast before. */
static enum fr_status take_item(const json_t *item, size_t index, fr_series *out,
                                fr_error *err) {
  fr_intensity_step step = {0};
  const json_t *const told = json_object_get(item, "intensity");
  const json_t *const actual = json_object_get(told, "actual");
  const json_t *value = actual;
  if (!fr__answer_time(item, "from", &step.start_s) ||
      !fr__answer_time(item, "to", &step.end_s) || !json_is_object(told))
    return fr__fail(err, FR_ERR_FORMAT, NAME ": value %zu has no times or no intensity",
                    index + 1);
  if (actual == NULL || json_is_null(actual)) {
    value = json_object_get(told, "forecast");
    step.marks = actual == NULL ? FR_STEP_ESTIMATED : FR_STEP_FORECAST;
  }
  if (value == NULL || json_is_null(value))
    return FR_OK;
  if (!json_is_number(value) || step.end_s - step.start_s > 86400)
    return fr__fail(err, FR_ERR_FORMAT, NAME ": value %zu is no number or too long",
                    index + 1);
  step.g_per_kwh = step.low = step.high = json_number_value(value);
  const enum fr_status pushed = fr__series_push(out, &step, err);
  return pushed == FR_OK || pushed == FR_ERR_MEMORY
             ? pushed
             : fr__fail(err, FR_ERR_FORMAT,
                        NAME ": value %zu is not between 0 and %g gCO2/kWh, or ends "
                             "before it begins",
                        index + 1, FR_INTENSITY_CEILING);
}

static enum fr_status check_region(const json_t *region, int64_t wanted, fr_error *err) {
  const json_t *const id = json_object_get(region, "regionid");
  if ((region != NULL) != (wanted != FR__UK_NATIONAL))
    return fr__fail(err, FR_ERR_FORMAT, NAME ": an answer for %s, asked for %s",
                    region != NULL ? "a region" : "the country",
                    region != NULL ? "the country" : "a region");
  if (wanted > 0 && json_integer_value(id) != (json_int_t)wanted)
    return fr__fail(err, FR_ERR_FORMAT, NAME ": asked for region %lld, told another",
                    (long long)wanted);
  return FR_OK;
}

enum fr_status fr__uk_parse(const char *body, size_t size, int64_t wanted, fr_series *out,
                            fr_error *err) {
  json_t *root = NULL;
  const json_t *region = NULL, *list = NULL;
  enum fr_status status = fr__server_parse(body, size, NAME, &root, err);
  if (status == FR_OK) {
    list = list_of(root, &region);
    status = list == NULL ? fr__fail(err, FR_ERR_FORMAT, NAME ": an answer without data")
                          : check_region(region, wanted, err);
  }
  for (size_t i = 0; status == FR_OK && i < json_array_size(list); i++)
    status = take_item(json_array_get(list, i), i, out, err);
  if (status == FR_OK)
    status = fr__series_settle(out, NAME, err);
  json_decref(root);
  return status;
}
