/* SPDX-License-Identifier: Apache-2.0 */
/* Which samples are trained on, and what the head sees of them. */
#include <stdlib.h>
#include <string.h>

#include "adapt/extend.h"
#include "adapt/subset.h"
#include "base/error.h"
#include "train/feed.h"
#include "train/watch.h"

enum {
  CHOICE = 8
}; /* samples of an old class that each one of its replay is chosen from */

/* Of n in a row `most`, evenly spread: whether that at `place` is one of them. */
static bool is_spread(size_t place, size_t n, size_t most) {
  if (most >= n)
    return true;
  return (uint64_t)(place + 1) * most / n > (uint64_t)place * most / n;
}

/* How many of class k, `count` in all, may be looked at. */
static size_t limit_of(const fr_extend_options *extend, const uint32_t *from, size_t k,
                       size_t count) {
  const size_t told = extend->limits != NULL ? extend->limits[k] : 0;
  const size_t limit = from[k] == FR_NONE && extend->shots > 0 ? extend->shots : told;
  return limit > 0 && limit < count ? limit : count;
}

enum fr_status fr__extend_candidates(const fr_samples *train, const uint32_t *from,
                                     size_t classes, const fr_extend_options *extend,
                                     bool *mark, fr_error *err) {
  const size_t replay = extend->replay;
  const size_t most = replay > SIZE_MAX / CHOICE ? SIZE_MAX : replay * CHOICE;
  size_t *count = calloc(2 * classes + 1, sizeof *count);
  if (count == NULL)
    return fr__fail_memory(err, "the samples of each class");
  size_t *place = count + classes;
  for (size_t i = 0; i < train->count; i++)
    count[train->label[i]]++;
  for (size_t i = 0; i < train->count; i++) {
    const uint32_t k = train->label[i];
    const size_t n = limit_of(extend, from, k, count[k]), at = place[k]++;
    mark[i] = at < n && (from[k] == FR_NONE || is_spread(at, n, most));
  }
  free(count);
  return FR_OK;
}

/* ---- features ---- */

static uint64_t operations_before(const fr_net *net, size_t head) {
  uint64_t sum = 0;
  for (size_t layer = 0; layer < head; layer++)
    sum += fr_net_layer_operations(net, layer);
  return sum;
}

static void run(fr_net *net, size_t head, const fr__feed *feed, fr__batch *batch,
                size_t width, float *to) {
  for (size_t at = 0; at < feed->count; at += batch->size) {
    const size_t left = feed->count - at, n = left < batch->size ? left : batch->size;
    fr__feed_gather(feed, NULL, at, n, batch, net);
    const float *output = fr_net_forward(net, batch->x, n, 0, head, false);
    memcpy(to + at * width, output, n * width * sizeof *to);
  }
  fr_net_set_lengths(net, NULL); /* they were the batch's */
}

static enum fr_status fill(fr_net *net, size_t head, fr__extend_side *side, size_t batch,
                           size_t width, fr_error *err) {
  fr__feed feed = {0};
  fr__batch room = {0};
  const size_t size = batch < side->raw.count ? batch : side->raw.count;
  enum fr_status status = fr__feed_init(&feed, net, &side->raw, "training", err);
  if (status == FR_OK)
    status = fr__batch_init(&room, size, feed.width, fr_net_classes(net), false, err);
  if (status == FR_OK)
    status = fr_net_reserve(net, size, false, 0, err);
  if (status == FR_OK)
    run(net, head, &feed, &room, width, side->features);
  fr__batch_release(&room);
  fr__feed_release(&feed);
  return status;
}

/* The same samples, of the shape that the head takes. */
static enum fr_status view(fr__extend_side *side, fr_shape shape, fr_error *err) {
  const size_t width = shape.steps * shape.channels, n = side->raw.count;
  bool *all = calloc(n + 1, sizeof *all);
  const enum fr_status status =
      all == NULL ? fr__fail_memory(err, "features")
                  : fr__subset_init(&side->seen, &side->raw, all, false, err);
  free(all);
  if (status != FR_OK)
    return status;
  side->seen.steps = shape.steps;
  side->seen.channels = shape.channels;
  for (size_t i = 0; i < n; i++)
    side->seen.x[i] = side->features + i * width;
  free(side->seen.length); /* behind a sample's end there are zeros */
  side->seen.length = NULL;
  return FR_OK;
}

enum fr_status fr__extend_see(fr_net *net, size_t head, const fr_samples *samples,
                              const bool *mark, size_t batch, const fr_observer *observer,
                              fr__extend_side *out, uint64_t *operations, fr_error *err) {
  const fr_shape shape = head > 0 ? fr_net_layer_shape(net, head - 1) : fr_net_input(net);
  const size_t width = shape.steps * shape.channels;
  fr__extend_side side = {0};
  enum fr_status status = fr__subset_init(&side.raw, samples, mark, true, err);
  if (status == FR_OK) {
    side.features = calloc(side.raw.count + 1, width * sizeof *side.features);
    if (side.features == NULL)
      status = fr__fail_memory(err, "features");
  }
  if (status == FR_OK && side.raw.count > 0) {
    fr__phase_begin(observer, "features");
    status = fill(net, head, &side, batch, width, err);
    fr__phase_end(observer);
  }
  if (status == FR_OK)
    status = view(&side, shape, err);
  if (status != FR_OK) {
    fr__extend_side_release(&side);
    return status;
  }
  *operations += operations_before(net, head) * side.raw.count;
  *out = side;
  return FR_OK;
}

void fr__extend_side_release(fr__extend_side *side) {
  fr__subset_release(&side->raw);
  fr__subset_release(&side->seen);
  free(side->features);
  *side = (fr__extend_side){0};
}

/* ---- the replay set ---- */

/* Features of class k, one behind the other, and where each comes from. */
static size_t gather(const fr_samples *seen, uint32_t k, size_t width, float *points,
                     size_t *place) {
  size_t n = 0;
  for (size_t i = 0; i < seen->count; i++) {
    if (seen->label[i] != k)
      continue;
    memcpy(points + n * width, seen->x[i], width * sizeof *points);
    place[n++] = i;
  }
  return n;
}

/* Marks those of class k that stay. */
static enum fr_status choose(const fr_samples *seen, uint32_t k, size_t replay,
                             float *points, size_t *place, bool *mark,
                             uint64_t *operations, fr_error *err) {
  const size_t width = seen->steps * seen->channels;
  const size_t n = gather(seen, k, width, points, place);
  const size_t want = replay < n ? replay : n;
  size_t *chosen = calloc(want + 1, sizeof *chosen);
  enum fr_status status = FR_OK;
  if (chosen == NULL)
    status = fr__fail_memory(err, "choosing what to replay");
  else if (want < n)
    status = fr_extend_herd(points, n, width, want, chosen, err);
  for (size_t i = 0; status == FR_OK && i < want; i++)
    mark[place[want < n ? chosen[i] : i]] = true;
  *operations += want < n ? (uint64_t)(5 * want + 4) * n * width : 0;
  free(chosen);
  return status;
}

static enum fr_status choose_all(const fr_samples *seen, const uint32_t *from,
                                 size_t classes, size_t replay, bool *mark,
                                 uint64_t *operations, fr_error *err) {
  const size_t width = seen->steps * seen->channels;
  float *points = calloc(seen->count + 1, width * sizeof *points);
  size_t *place = calloc(seen->count + 1, sizeof *place);
  enum fr_status status = points == NULL || place == NULL
                              ? fr__fail_memory(err, "choosing what to replay")
                              : FR_OK;
  for (size_t i = 0; i < seen->count; i++)
    mark[i] = from[seen->label[i]] == FR_NONE;
  for (size_t k = 0; k < classes && status == FR_OK; k++)
    if (from[k] != FR_NONE && replay > 0)
      status = choose(seen, (uint32_t)k, replay, points, place, mark, operations, err);
  free(points);
  free(place);
  return status;
}

static enum fr_status keep(fr_samples *samples, const bool *mark, fr_error *err) {
  fr_samples kept;
  const enum fr_status status = fr__subset_init(&kept, samples, mark, true, err);
  if (status != FR_OK)
    return status;
  fr__subset_release(samples);
  *samples = kept;
  return FR_OK;
}

enum fr_status fr__extend_thin(fr__extend_side *side, const uint32_t *from,
                               size_t classes, size_t replay, const fr_observer *observer,
                               uint64_t *operations, fr_error *err) {
  bool *mark = calloc(side->seen.count + 1, sizeof *mark);
  if (mark == NULL)
    return fr__fail_memory(err, "choosing what to replay");
  fr__phase_begin(observer, "choose");
  enum fr_status status =
      choose_all(&side->seen, from, classes, replay, mark, operations, err);
  fr__phase_end(observer);
  if (status == FR_OK)
    status = keep(&side->raw, mark, err);
  if (status == FR_OK)
    status = keep(&side->seen, mark, err);
  free(mark);
  return status;
}
