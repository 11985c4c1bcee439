/* SPDX-License-Identifier: Apache-2.0 */
/* WattTime's answers (API v3, https://docs.watttime.org). */
#include <string.h>

#include "base/error.h"
#include "carbon/answers.h"
#include "carbon/server.h"
#include "carbon/source.h"
#include "carbon/unit.h"

#define NAME "WattTime"

typedef struct meta {
  int64_t step_s;
  fr__intensity_unit unit;
} meta;

/* A percentile (signal index) or damage to health is no carbon intensity: the unit tells
 * them apart. */
static enum fr_status read_meta(const json_t *told, const char *region, meta *out,
                                fr_error *err) {
  const char *const units = fr__answer_text(told, "units");
  const json_int_t step =
      json_integer_value(json_object_get(told, "data_point_period_seconds"));
  if (strcmp(fr__answer_text(told, "region"), region) != 0)
    return fr__fail(err, FR_ERR_FORMAT, NAME ": asked for region '%.48s', told another",
                    region);
  if (strcmp(fr__answer_text(told, "signal_type"), "co2_moer") != 0)
    return fr__fail(err, FR_ERR_FORMAT, NAME ": asked for co2_moer, told another signal");
  if (!fr__unit_read(units, strlen(units), &out->unit))
    return fr__fail(err, FR_ERR_FORMAT, NAME ": values in a unit that is not known");
  if (step < 1 || step > 86400)
    return fr__fail(err, FR_ERR_FORMAT,
                    NAME ": a data_point_period_seconds that is not between 1 and 86400");
  out->step_s = step;
  return FR_OK;
}

static enum fr_status take_item(const json_t *item, size_t index, const meta *m,
                                fr_series *out, fr_error *err) {
  fr_intensity_step step = {0};
  const json_t *const value = json_object_get(item, "value");
  if (json_is_null(value))
    return FR_OK;
  if (!fr__answer_time(item, "point_time", &step.start_s) || !json_is_number(value))
    return fr__fail(err, FR_ERR_FORMAT, NAME ": value %zu has no time or no number",
                    index + 1);
  step.end_s = step.start_s + m->step_s;
  step.g_per_kwh = step.low = step.high =
      fr__unit_to_g_per_kwh(m->unit, json_number_value(value));
  step.marks =
      json_is_true(json_object_get(item, "imputed_data_used")) ? FR_STEP_ESTIMATED : 0;
  const enum fr_status pushed = fr__series_push(out, &step, err);
  return pushed == FR_OK || pushed == FR_ERR_MEMORY
             ? pushed
             : fr__fail(err, FR_ERR_FORMAT,
                        NAME ": value %zu is not between 0 and %g gCO2e/kWh", index + 1,
                        FR_INTENSITY_CEILING);
}

enum fr_status fr__watttime_parse(const char *body, size_t size, const char *region,
                                  fr_series *out, int64_t *generated_s, fr_error *err) {
  json_t *root = NULL;
  meta m = {0};
  enum fr_status status = fr__server_parse(body, size, NAME, &root, err);
  const json_t *const told = json_object_get(root, "meta");
  const json_t *const list = json_object_get(root, "data");
  if (status == FR_OK && !json_is_array(list))
    status = fr__fail(err, FR_ERR_FORMAT, NAME ": an answer without data");
  if (status == FR_OK)
    status = read_meta(told, region, &m, err);
  for (size_t i = 0; status == FR_OK && i < json_array_size(list); i++)
    status = take_item(json_array_get(list, i), i, &m, out, err);
  if (status == FR_OK)
    status = fr__series_settle(out, NAME, err);
  if (status == FR_OK && !fr__answer_time(told, "generated_at", generated_s))
    *generated_s = FR__TIME_UNTOLD;
  json_decref(root);
  return status;
}
