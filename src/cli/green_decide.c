/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/green_decide.h"

#include <math.h>

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t cli_green_latest_start(int64_t deadline_s, double left_s) {
  return deadline_s - (left_s > 0 ? (int64_t)ceil(left_s) : 0);
}

/* By the plan alone. */
static cli_green_choice by_plan(const cli_green_view *v) {
  for (size_t i = 0; i < v->count; i++) {
    const fr_piece *piece = &v->piece[i];
    if (piece->end_s <= v->now_s)
      continue;
    if (piece->start_s <= v->now_s)
      return (cli_green_choice){true, piece->end_s, CLI_GREEN_PIECE};
    const int64_t latest_s = cli_green_latest_start(v->deadline_s, v->left_s);
    return (cli_green_choice){false, least(piece->start_s, latest_s), CLI_GREEN_WAIT};
  }
  return (cli_green_choice){true, FR_TIME_LATEST, CLI_GREEN_UNPLANNED};
}

cli_green_choice cli_green_decide(const cli_green_view *view) {
  const cli_green_view *v = view;
  const int64_t latest_s = cli_green_latest_start(v->deadline_s, v->left_s);
  if (v->begun && v->left_s <= 0)
    return (cli_green_choice){true, FR_TIME_LATEST, CLI_GREEN_OVERTIME};
  if (v->now_s >= v->deadline_s)
    return (cli_green_choice){true, FR_TIME_LATEST, CLI_GREEN_LATE};
  if (v->running && !v->pauses)
    return (cli_green_choice){true, FR_TIME_LATEST, CLI_GREEN_WHOLE};
  if (v->now_s >= latest_s)
    return (cli_green_choice){true, FR_TIME_LATEST, CLI_GREEN_NO_SLACK};
  const cli_green_choice choice = by_plan(v);
  if (!choice.run && v->running && v->now_s - v->since_s < v->least_s)
    return (cli_green_choice){true, v->since_s + v->least_s, CLI_GREEN_LEAST};
  return choice;
}
