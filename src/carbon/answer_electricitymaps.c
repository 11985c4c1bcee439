/* SPDX-License-Identifier: Apache-2.0 */
/* Electricity Maps' answers (API v3, https://app.electricitymaps.com/developer-hub/api).
 */
#include <string.h>

#include "base/error.h"
#include "carbon/answers.h"
#include "carbon/server.h"
#include "carbon/source.h"

#define NAME "Electricity Maps"

/* "hourly" where it is left out, as it was until there were others. */
static enum fr_status read_step(const json_t *root, int64_t *step_s, fr_error *err) {
  static const struct {
    const char *name;
    int64_t seconds;
  } steps[] = {{"", 3600},
               {"hourly", 3600},
               {"15_minutes", 900},
               {"5_minutes", 300},
               {"daily", 86400}};
  const char *const told = fr__answer_text(root, "temporalGranularity");
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
    if (strcmp(told, steps[i].name) == 0) {
      *step_s = steps[i].seconds;
      return FR_OK;
    }
  return fr__fail(err, FR_ERR_FORMAT, NAME ": steps of '%.32s' are not known", told);
}

/* Where no zone is found, this server may answer with that of the caller's address. */
static enum fr_status check_zone(const json_t *root, const char *zone, fr_error *err) {
  const char *const told = fr__answer_text(root, "zone");
  if (strcmp(told, zone) == 0)
    return FR_OK;
  char clean[64];
  fr__key_mask(told, "", clean, sizeof clean);
  return fr__fail(err, FR_ERR_FORMAT, NAME ": asked for zone '%.48s', told '%s'", zone,
                  clean);
}

static enum fr_status check_factor(const json_t *item, enum fr_factor factor,
                                   fr_error *err) {
  const char *const told = fr__answer_text(item, "emissionFactorType");
  const char *const wanted = factor == FR_FACTOR_DIRECT ? "direct" : "lifecycle";
  if (*told == '\0' || strcmp(told, wanted) == 0)
    return FR_OK;
  return fr__fail(err, FR_ERR_FORMAT, NAME ": %s factors were asked for, others told",
                  wanted);
}

static enum fr_status take_item(const json_t *item, size_t index, int64_t step_s,
                                enum fr_factor factor, fr_series *out, fr_error *err) {
  fr_intensity_step step = {0};
  const json_t *const value = json_object_get(item, "carbonIntensity");
  const enum fr_status status = check_factor(item, factor, err);
  if (status != FR_OK || json_is_null(value))
    return status;
  if (!fr__answer_time(item, "datetime", &step.start_s) || !json_is_number(value))
    return fr__fail(err, FR_ERR_FORMAT,
                    NAME ": value %zu has no time or no carbon intensity", index + 1);
  step.end_s = step.start_s + step_s;
  step.g_per_kwh = step.low = step.high = json_number_value(value);
  step.marks = json_is_true(json_object_get(item, "isEstimated")) ? FR_STEP_ESTIMATED : 0;
  const enum fr_status pushed = fr__series_push(out, &step, err);
  return pushed == FR_OK || pushed == FR_ERR_MEMORY
             ? pushed
             : fr__fail(err, FR_ERR_FORMAT,
                        NAME ": value %zu is not between 0 and %g gCO2e/kWh", index + 1,
                        FR_INTENSITY_CEILING);
}

static const json_t *find_list(const json_t *root) {
  static const char *const names[] = {"history", "data", "forecast"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const json_t *const list = json_object_get(root, names[i]);
    if (json_is_array(list))
      return list;
  }
  return NULL;
}

static enum fr_status take_all(const json_t *root, int64_t step_s, enum fr_factor factor,
                               fr_series *out, fr_error *err) {
  const json_t *const list = find_list(root);
  enum fr_status status = FR_OK;
  if (list == NULL)
    return take_item(root, 0, step_s, factor, out, err);
  for (size_t i = 0; status == FR_OK && i < json_array_size(list); i++)
    status = take_item(json_array_get(list, i), i, step_s, factor, out, err);
  return status == FR_OK ? fr__series_settle(out, NAME, err) : status;
}

enum fr_status fr__electricitymaps_parse(const char *body, size_t size, const char *zone,
                                         enum fr_factor factor, fr_series *out,
                                         int64_t *updated_s, fr_error *err) {
  json_t *root = NULL;
  int64_t step_s = 0;
  enum fr_status status = fr__server_parse(body, size, NAME, &root, err);
  if (status == FR_OK)
    status = check_zone(root, zone, err);
  if (status == FR_OK)
    status = read_step(root, &step_s, err);
  if (status == FR_OK)
    status = take_all(root, step_s, factor, out, err);
  if (status == FR_OK && !fr__answer_time(root, "updatedAt", updated_s))
    *updated_s = FR__TIME_UNTOLD;
  json_decref(root);
  return status;
}
