/* SPDX-License-Identifier: Apache-2.0 */
/* What a green run says while it goes: a line when it waits, starts, pauses and goes on.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/green.h"
#include "cli/when.h"

enum { NOTE = 160 };

void cli_green_say(const cli_green *green, const char *format, ...) {
  va_list arguments;
  fr__buf text;
  if (green->options->output.quiet)
    return;
  fr__buf_init(&text, 0);
  char line[1024];
  va_start(arguments, format);
  (void)vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  fr__buf_printf(&text, "frugal: %s\n", line);
  cli_put_clean(fr__buf_text(&text), stderr);
  fr__buf_release(&text);
}

/* ": 212 gCO2e/kWh"; "" where it is not known. */
static void grams_at(const cli_green *g, int64_t t_s, char text[NOTE]) {
  const fr_intensity_step *step = fr_series_at(&g->told, t_s);
  text[0] = '\0';
  if (step != NULL)
    (void)snprintf(text, NOTE, "%.0f gCO2e/kWh", step->g_per_kwh);
}

void cli_green_tell_taken_up(const cli_green *green) {
  const cli_green *g = green;
  char deadline[CLI_WHEN_TEXT], worked[48];
  cli_when_format(g->state.deadline_s, true, deadline);
  cli_span_format((int64_t)cli_green_worked_s(&g->state, 0), worked, sizeof worked);
  if (g->resuming == CLI_RESUMES_NOT && g->state.count > 0)
    cli_green_say(g,
                  "this command line was cut off; its program does not survive that, and "
                  "begins anew; its deadline stays %s (frugal run --forget %s ends it)",
                  deadline, g->state.id);
  else
    cli_green_say(
        g,
        "goes on with this command line, %s of work done; its deadline stays %s "
        "(frugal run --forget %s ends it)",
        worked, deadline, g->state.id);
}

/* Why it is at work now. */
static void reason_of(const cli_green *g, const cli_green_choice *choice, int64_t now_s,
                      char text[2 * NOTE]) {
  char at[NOTE], duration[48];
  grams_at(g, now_s, at);
  cli_span_format((int64_t)g->state.duration_s, duration, sizeof duration);
  switch (choice->reason) {
  case CLI_GREEN_NO_SLACK:
    (void)snprintf(text, 2 * NOTE, "all the time before the deadline is needed");
    break;
  case CLI_GREEN_LATE: (void)snprintf(text, 2 * NOTE, "the deadline is over"); break;
  case CLI_GREEN_OVERTIME:
    (void)snprintf(text, 2 * NOTE, "it has worked for %s, as was told, and is not done",
                   duration);
    break;
  default:
    (void)snprintf(text, 2 * NOTE, "%s%s", at,
                   g->constant     ? " at all hours"
                   : at[0] != '\0' ? " now"
                                   : "as planned");
  }
}

static void tell_rest(const cli_green *g, const cli_green_choice *choice, int64_t now_s) {
  char until[CLI_WHEN_TEXT], span[48], now[NOTE], then[NOTE];
  cli_when_format(choice->until_s, true, until);
  cli_span_format(choice->until_s - now_s, span, sizeof span);
  grams_at(g, now_s, now);
  grams_at(g, choice->until_s, then);
  cli_green_say(g, "%s for %s, until %s: %s now, %s then", g->begun ? "pauses" : "waits",
                span, until, now[0] != '\0' ? now : "not known",
                then[0] != '\0' ? then : "not known");
}

void cli_green_tell_choice(cli_green *green, const cli_green_choice *choice,
                           int64_t now_s) {
  char reason[2 * NOTE], when[CLI_WHEN_TEXT];
  if (!choice->run) {
    tell_rest(green, choice, now_s);
    return;
  }
  cli_when_format(now_s, true, when);
  reason_of(green, choice, now_s, reason);
  const bool again = green->begun || (green->state.keeps && green->state.count > 0);
  cli_green_say(green, "%s at %s: %s", again ? "goes on" : "starts", when, reason);
}

void cli_green_draw(cli_green *green, const cli_green_choice *choice, int64_t now_s) {
  cli_green *g = green;
  char until[CLI_WHEN_TEXT], what[CLI_WHEN_TEXT + 32];
  const double all_s = (double)(choice->until_s - g->since_s);
  if (!g->progress.shown || all_s <= 0)
    return;
  cli_when_after(choice->until_s, now_s, true, until);
  (void)snprintf(what, sizeof what, "%s until %s", g->begun ? "paused" : "waits", until);
  cli_progress_draw(&g->progress, what, (double)(now_s - g->since_s) / all_s,
                    (double)(choice->until_s - now_s), 0, 0);
}
