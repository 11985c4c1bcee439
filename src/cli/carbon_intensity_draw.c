/* SPDX-License-Identifier: Apache-2.0 */
/* frugal carbon intensity: its pictures. */
#include <stdio.h>

#include "base/error.h"
#include "cli/carbon_intensity.h"
#include "cli/pictures.h"

static const fr_series *told(const cli_intensity *asked) {
  return asked->past.count > 0 ? &asked->past : &asked->forecast.ahead;
}

enum fr_status cli_intensity_draw(const cli_intensity *asked, fr_error *err) {
  const fr_series *past = &asked->past, *ahead = &asked->forecast.ahead;
  char title[192], note[FR_SCOPE_TEXT + sizeof past->origin + 4];
  cli_steps steps = {0};
  if (asked->chart == NULL && asked->heat_map == NULL)
    return FR_OK;
  if (asked->constant)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "'%.128s' knows no hours: there is nothing to draw", asked->spec);
  enum fr_status status =
      cli_steps_init(&steps, past, ahead, FR_TIME_EARLIEST, FR_TIME_LATEST, err);
  (void)snprintf(title, sizeof title, "Carbon intensity%s%s",
                 told(asked)->zone[0] != '\0' ? ", " : "", told(asked)->zone);
  cli_picture_note(told(asked), note, sizeof note);
  fr_report_intensity of = {.title = title,
                            .note = note,
                            .step = steps.step,
                            .steps = steps.count,
                            .now_known = ahead->count > 0,
                            .now_s = asked->now_s,
                            .local = true};
  if (status == FR_OK && asked->chart != NULL)
    status = fr_report_intensity_time(&of, asked->chart, err);
  of.steps = past->count;
  if (status == FR_OK && asked->heat_map != NULL)
    status = past->count > 0
                 ? fr_report_intensity_week(&of, asked->heat_map, err)
                 : fr__fail(err, FR_ERR_NOT_FOUND, "nothing measured is known to draw");
  cli_steps_release(&steps);
  return status;
}
