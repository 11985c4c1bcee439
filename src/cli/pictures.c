/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pictures.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

static void take(cli_steps *steps, const fr_series *series, int64_t from_s, int64_t to_s,
                 bool forecast) {
  for (size_t i = 0; series != NULL && i < series->count; i++) {
    const fr_intensity_step *s = &series->step[i];
    const int64_t start_s = s->start_s > from_s ? s->start_s : from_s;
    const int64_t end_s = s->end_s < to_s ? s->end_s : to_s;
    if (start_s < end_s)
      steps->step[steps->count++] = (fr_report_step){
          start_s, end_s,   s->g_per_kwh,
          s->low,  s->high, forecast || (s->marks & FR_STEP_FORECAST) != 0};
  }
}

enum fr_status cli_steps_init(cli_steps *steps, const fr_series *past,
                              const fr_series *ahead, int64_t from_s, int64_t to_s,
                              fr_error *err) {
  const size_t most =
      (past != NULL ? past->count : 0) + (ahead != NULL ? ahead->count : 0);
  *steps = (cli_steps){.step = calloc(most + 1, sizeof *steps->step)};
  if (steps->step == NULL)
    return fr__fail_memory(err, "a picture");
  const bool split = ahead != NULL && ahead->count > 0;
  const int64_t until_s =
      split && ahead->step[0].start_s < to_s ? ahead->step[0].start_s : to_s;
  take(steps, past, from_s, until_s, false);
  take(steps, ahead, from_s, to_s, true);
  return FR_OK;
}

void cli_steps_release(cli_steps *steps) {
  free(steps->step);
  *steps = (cli_steps){0};
}

void cli_picture_note(const fr_series *series, char *text, size_t size) {
  char scope[FR_SCOPE_TEXT];
  fr_scope_text(series->scope, scope);
  (void)snprintf(text, size, "%s; %s", scope, series->origin);
}
