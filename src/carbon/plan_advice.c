/* SPDX-License-Identifier: Apache-2.0 */
/* Whether it is worth it, in a sentence. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "carbon/plan.h"

enum { TEXT = 64, BOUNDS = 160, WORTH = 256 };

/* ---- words ---- */

static void write_span(int64_t seconds, char text[TEXT]) {
  if (seconds < 5400)
    (void)snprintf(text, TEXT, "%lld min", (long long)((seconds + 30) / 60));
  else if (seconds < 48 * 3600)
    (void)snprintf(text, TEXT, "%.3g h", (double)seconds / 3600);
  else
    (void)snprintf(text, TEXT, "%.3g days", (double)seconds / 86400);
}

static void write_grams(double grams, char text[TEXT]) {
  if (fabs(grams) >= 1e6)
    (void)snprintf(text, TEXT, "%.3g t", grams / 1e6);
  else if (fabs(grams) >= 1000)
    (void)snprintf(text, TEXT, "%.3g kg", grams / 1000);
  else
    (void)snprintf(text, TEXT, "%.3g g", grams);
}

/* ", 95 % interval 20 to 40 %, a gain on 27 % of such days"; "" where it is not known. */
static void write_sureness(const fr_plan *plan, const fr_option *option,
                           char text[BOUNDS]) {
  const double now = plan->now.grams.value;
  text[0] = '\0';
  if (!option->error_known)
    (void)snprintf(text, BOUNDS, "; how sure that is, the forecast does not tell");
  else if (option->chance < 1 || option->gain.low < option->gain.high)
    (void)snprintf(text, BOUNDS,
                   "; 95 %% interval %.0f to %.0f %%, a gain on %.0f %% of past days",
                   100 * option->gain.low / now, 100 * option->gain.high / now,
                   100 * option->chance);
}

/* "waiting 5 h", "gcp:x at once", "gcp:x in 5 h", "3 pieces from 2 h on" */
static void write_what(const fr_plan *plan, const fr_option *option,
                       const fr_place *place, int64_t now_s, char text[WORTH]) {
  const fr_timetable *s = &option->schedule;
  const int64_t wait_s = s->piece[0].start_s - now_s;
  const bool away = option->place != plan->home;
  char span[TEXT], where[112] = "", pieces[TEXT] = "";
  write_span(wait_s, span);
  if (away)
    (void)snprintf(where, sizeof where, " in %s", place[option->place].name);
  if (s->count > 1)
    (void)snprintf(pieces, sizeof pieces, " in %zu pieces", s->count);
  if (wait_s > 0)
    (void)snprintf(text, WORTH, "starting%s in %s%s", where, span, pieces);
  else
    (void)snprintf(text, WORTH, "starting%s at once%s", where, pieces);
}

/* ---- worth ---- */

static double share_gained(const fr_plan *plan, const fr_option *option) {
  return plan->now.grams.value > 0 ? option->gain.value / plan->now.grams.value : 0;
}

static bool is_worth(const fr_plan *plan, const fr_option *option,
                     const fr_plan_options *options) {
  return option->gain.value > 0 && share_gained(plan, option) > options->least_gain &&
         !(option->chance <= options->least_chance); /* true where it is not known */
}

static enum fr_plan_advice advice_of(const fr_plan *plan, const fr_option *option,
                                     int64_t now_s) {
  const bool waits =
      option->schedule.count > 1 || option->schedule.piece[0].start_s > now_s;
  if (option->place == plan->home)
    return FR_ADVICE_WAIT;
  return waits ? FR_ADVICE_MOVE_AND_WAIT : FR_ADVICE_MOVE;
}

static void say_gain(fr_plan *plan, const fr_option *option, const char *what) {
  char from[TEXT], to[TEXT], sure[BOUNDS];
  write_grams(plan->now.grams.value, from);
  write_grams(option->grams.value, to);
  write_sureness(plan, option, sure);
  (void)snprintf(plan->why, sizeof plan->why,
                 "%s emits %s in place of %s now, %.0f %% less%s", what, to, from,
                 100 * share_gained(plan, option), sure);
}

static void say_none(fr_plan *plan, const fr_option *option, const char *what,
                     const fr_plan_options *options) {
  const double share = share_gained(plan, option);
  if (!(option->gain.value > 0))
    (void)snprintf(plan->why, sizeof plan->why,
                   "no gain, start now: nowhere and at no time before the deadline is "
                   "less expected");
  else if (share <= options->least_gain)
    (void)snprintf(plan->why, sizeof plan->why,
                   "no gain, start now: %s saves %.2g %%, which is not above %.2g %%",
                   what, 100 * share, 100 * options->least_gain);
  else
    (void)snprintf(plan->why, sizeof plan->why,
                   "no gain, start now: %s would save %.0f %%, but it did so on %.0f %% "
                   "of past days alone",
                   what, 100 * share, 100 * option->chance);
}

void fr__plan_advise(fr_plan *plan, const fr_place *place, const fr_job *job,
                     const fr_plan_options *options) {
  char what[WORTH];
  size_t i = 0;
  while (i < plan->count && !is_worth(plan, &plan->option[i], options))
    i++;
  const bool any = i < plan->count;
  const fr_option *option = &plan->option[any ? i : 0];
  write_what(plan, option, place, job->now_s, what);
  plan->advised = any ? i : SIZE_MAX;
  plan->advice = any ? advice_of(plan, option, job->now_s) : FR_ADVICE_NOW;
  if (any)
    say_gain(plan, option, what);
  else
    say_none(plan, option, what, options);
}
