/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of trials that follow each other: what was recorded together stays on one side. */
#include "base/csv.h"
#include "base/error.h"
#include "data/reader.h"
#include "data/split.h"

/* How many trials the places of [from, to) have, which are ordered by history. */
static size_t count_trials(const fr__places *places, size_t from, size_t to) {
  size_t trials = 1;
  for (size_t i = from + 1; i < to; i++)
    trials += places->at[i].trial != places->at[i - 1].trial;
  return trials;
}

enum fr_status fr__blocks_count(const fr_windows *windows, const char *text,
                                size_t *blocks, fr_error *err) {
  int64_t k = 0;
  size_t most = 0;
  if (!fr__parse_integer(text, 2, INT32_MAX, &k))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "blocks:%s: '%s' is not a number of blocks from 2 on", text, text);
  if (windows->data->trials.count == 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s' has no trials to cut into blocks",
                    windows->data->spec);
  fr__places places;
  const enum fr_status status = fr__places_init(&places, windows, NULL, err);
  if (status != FR_OK)
    return status;
  fr__places_by_history(&places);
  for (size_t from = 0, to; from < places.count; from = to) {
    to = fr__places_run(&places, from);
    const size_t trials = count_trials(&places, from, to);
    most = trials > most ? trials : most;
  }
  fr__places_release(&places);
  if ((size_t)k > most)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "blocks:%s: nobody has more than %zu trials of one activity", text,
                    most);
  *blocks = (size_t)k;
  return FR_OK;
}

void fr__places_move_block(fr__places *places, size_t blocks, size_t block,
                           enum fr_side have, enum fr_side move) {
  fr__places_by_history(places);
  for (size_t from = 0, to; from < places->count; from = to) {
    to = fr__places_run(places, from);
    const size_t trials = count_trials(places, from, to);
    size_t trial = 0;
    for (size_t i = from; i < to; i++) {
      trial += i > from && places->at[i].trial != places->at[i - 1].trial;
      uint8_t *const side = &places->side[places->at[i].window];
      if (trial * blocks / trials == block && *side == have)
        *side = (uint8_t)move;
    }
  }
}
