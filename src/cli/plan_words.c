/* SPDX-License-Identifier: Apache-2.0 */
/* A plan's advice in words. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/plan_out.h"
#include "cli/grams.h"
#include "cli/when.h"

const fr_option *cli_plan_advised(const fr_plan *plan) {
  return plan->advised < plan->count ? &plan->option[plan->advised] : &plan->now;
}

int64_t cli_plan_known_s(const cli_planned_place *place) {
  for (size_t i = place->known.count; i > 0; i--)
    if ((place->known.step[i - 1].marks & FR_STEP_FORECAST) == 0)
      return place->known.step[i - 1].end_s;
  return FR_TIME_EARLIEST;
}

int64_t cli_plan_shown(const fr_job *job, int64_t t_s) {
  const bool exact = job->deadline_s - job->now_s < 2 * 3600;
  return exact ? t_s : (t_s + 30) / 60 * 60;
}

static int64_t start_of(const fr_option *option) {
  return option->schedule.piece[0].start_s;
}

static int64_t end_of(const fr_option *option) {
  return option->schedule.piece[option->schedule.count - 1].end_s;
}

/* Of what now costs; NaN where that is nothing. */
static double share_of(const fr_plan *plan, const fr_option *option) {
  return option->gain.value / plan->now.grams.value;
}

static void format_percent(double share, char *text, size_t size) {
  const double percent = 100 * fabs(share);
  (void)snprintf(text, size, "%.*f %%", percent < 9.95 ? 1 : 0, percent);
}

/* "from Mon 23 Nov 02:00 to 05:00 CET"; of pieces how many, and their whole. */
static void add_time(const cli_plan_view *v, const fr_option *option, fr__buf *words) {
  char from[CLI_WHEN_TEXT], to[CLI_WHEN_TEXT], zone[2][CLI_WHEN_TEXT];
  const fr_job *job = &v->job->job;
  const int64_t start_s = cli_plan_shown(job, start_of(option));
  const int64_t end_s = cli_plan_shown(job, end_of(option));
  cli_zone_format(start_s, start_s, zone[0]);
  cli_zone_format(end_s, end_s, zone[1]);
  cli_when_format(start_s, strcmp(zone[0], zone[1]) != 0, from);
  cli_when_after(end_s, start_s, true, to);
  if (option->schedule.count > 1)
    fr__buf_printf(words, "in %zu pieces ", option->schedule.count);
  if (start_of(option) == job->now_s)
    fr__buf_printf(words, "from now to %s", to);
  else
    fr__buf_printf(words, "from %s to %s", from, to);
}

/* ---- how much, and how sure ---- */

static void add_amounts(const cli_plan_view *v, const fr_option *option, fr__buf *words) {
  const fr_plan *plan = &v->planning->plan;
  const double share = share_of(plan, option);
  char less[32], grams[48], now[48];
  format_percent(share, less, sizeof less);
  cli_format_grams(option->grams.value, grams, sizeof grams);
  cli_format_grams(plan->now.grams.value, now, sizeof now);
  if (!isfinite(share))
    return;
  fr__buf_printf(words, "%s %s", less, share < 0 ? "more" : "less");
  if (v->job->energy_known)
    fr__buf_printf(words, " than at once%s (%s in place of %s)",
                   option->place != plan->home ? " at home" : "", grams, now);
  else
    fr__buf_printf(words, " than at once%s",
                   option->place != plan->home ? " at home" : "");
}

static bool is_constant(const cli_plan_view *v, const fr_option *option) {
  return v->planning->place[option->place].constant;
}

static bool is_perfect(const cli_plan_view *v, const fr_option *option) {
  return v->planning->place[option->place].forecast.perfect;
}

/* Of the forecast's error alone: a share has nothing of the energy's bounds, which are on
 * both sides of it. */
static void add_bound(double gain, const fr_plan *plan, bool is_low, fr__buf *words) {
  const fr_measure *energy = &plan->now.schedule.energy_j;
  const bool least = is_low == (gain > 0);
  const double by = (least ? energy->low : energy->high) / energy->value;
  char percent[32];
  format_percent(gain / by / plan->now.grams.value, percent, sizeof percent);
  fr__buf_printf(words, "%s %s", percent, gain < 0 ? "more" : "less");
}

static void add_sureness(const cli_plan_view *v, const fr_option *option,
                         fr__buf *words) {
  const fr_plan *plan = &v->planning->plan;
  const bool same = is_constant(v, option) && is_constant(v, &plan->now);
  if (is_perfect(v, option)) {
    fr__buf_add(words, "; this is what came, not a forecast");
  } else if (option->error_known && !isnan(option->chance)) {
    fr__buf_add(words, "; by the forecast's errors on past days ");
    if (plan->now.schedule.energy_j.low > 0) {
      fr__buf_add(words, "between ");
      add_bound(option->gain.low, plan, true, words);
      fr__buf_add(words, " and ");
      add_bound(option->gain.high, plan, false, words);
      fr__buf_add(words, ", and ");
    }
    fr__buf_printf(words, "less at all in %.0f of 100 cases",
                   floor(100 * option->chance + 1e-9));
  } else if (same) {
    fr__buf_add(words, "; by figures for which all hours are alike");
  } else if (is_constant(v, option)) {
    fr__buf_add(words,
                "; by one figure for all hours there: what this hour is like is not "
                "known");
  } else {
    fr__buf_add(words, "; the forecast's error is not known");
  }
}

/* ---- the sentence ---- */

/* The best that there would be, and why it is not worth it. */
static void add_stay(const cli_plan_view *v, fr__buf *words) {
  const fr_plan *plan = &v->planning->plan;
  const fr_option *best = plan->count > 0 ? &plan->option[0] : NULL;
  fr__buf_add(words, "Start now");
  if (best == NULL || !(best->gain.value > 0)) {
    fr__buf_add(words, ": nothing before the deadline is expected to be cleaner");
    return;
  }
  fr__buf_printf(words, ": the best that is expected, %s ",
                 v->planning->place[best->place].site.name);
  add_time(v, best, words);
  fr__buf_add(words, ", is ");
  add_amounts(v, best, words);
  add_sureness(v, best, words);
  fr__buf_add(words, ": that is not worth waiting for");
}

void cli_plan_words(const cli_plan_view *view, fr__buf *words) {
  const cli_plan_view *v = view;
  const fr_plan *plan = &v->planning->plan;
  const fr_option *option = cli_plan_advised(plan);
  const char *name = v->planning->place[option->place].site.name;
  const bool moves =
      plan->advice == FR_ADVICE_MOVE || plan->advice == FR_ADVICE_MOVE_AND_WAIT;
  if (plan->advice == FR_ADVICE_NOW) {
    add_stay(v, words);
  } else {
    const bool waits = start_of(option) > v->job->job.now_s;
    fr__buf_add(words, moves ? "Run it in " : waits ? "Wait, and run it " : "Run it ");
    if (moves)
      fr__buf_printf(words, "%s%s", name, plan->advice == FR_ADVICE_MOVE ? " now" : " ");
    if (plan->advice != FR_ADVICE_MOVE)
      add_time(v, option, words);
    fr__buf_add(words, ": ");
    add_amounts(v, option, words);
    add_sureness(v, option, words);
  }
  fr__buf_add(words, ".");
}
