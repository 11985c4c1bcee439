/* SPDX-License-Identifier: Apache-2.0 */
/* frugal carbon intensity: its pictures. */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "cli/carbon_intensity.h"
#include "frugal/picture.h"

static void put(const fr_series *series, bool forecast, fr_report_step *to) {
  for (size_t i = 0; i < series->count; i++) {
    const fr_intensity_step *s = &series->step[i];
    to[i] =
        (fr_report_step){s->start_s, s->end_s, s->g_per_kwh, s->low, s->high, forecast};
  }
}

static const fr_series *told(const cli_intensity *asked) {
  return asked->past.count > 0 ? &asked->past : &asked->forecast.ahead;
}

enum fr_status cli_intensity_draw(const cli_intensity *asked, fr_error *err) {
  const fr_series *past = &asked->past, *ahead = &asked->forecast.ahead;
  char title[192], scope[FR_SCOPE_TEXT], note[sizeof scope + sizeof past->origin + 4];
  enum fr_status status = FR_OK;
  if (asked->chart == NULL && asked->heat_map == NULL)
    return FR_OK;
  if (asked->constant)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "'%.128s' knows no hours: there is nothing to draw", asked->spec);
  fr_report_step *step = calloc(past->count + ahead->count, sizeof *step);
  if (step == NULL)
    return fr__fail_memory(err, "a picture");
  put(past, false, step);
  put(ahead, true, step + past->count);
  fr_scope_text(told(asked)->scope, scope);
  (void)snprintf(title, sizeof title, "Carbon intensity%s%s",
                 told(asked)->zone[0] != '\0' ? ", " : "", told(asked)->zone);
  (void)snprintf(note, sizeof note, "%s; %s", scope, told(asked)->origin);
  fr_report_intensity of = {.title = title,
                            .note = note,
                            .step = step,
                            .steps = past->count + ahead->count,
                            .now_known = ahead->count > 0,
                            .now_s = asked->now_s,
                            .local = true};
  if (asked->chart != NULL)
    status = fr_report_intensity_time(&of, asked->chart, err);
  of.steps = past->count;
  if (status == FR_OK && asked->heat_map != NULL)
    status = past->count > 0
                 ? fr_report_intensity_week(&of, asked->heat_map, err)
                 : fr__fail(err, FR_ERR_NOT_FOUND, "nothing measured is known to draw");
  free(step);
  return status;
}
