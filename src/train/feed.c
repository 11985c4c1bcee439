/* SPDX-License-Identifier: Apache-2.0 */
#include "train/feed.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum fr_status fr__feed_init(fr__feed *feed, const fr_net *net, const fr_samples *samples,
                             const char *what, fr_error *err) {
  const fr_shape input = fr_net_input(net);
  if (samples->count > 0 &&
      (samples->steps != input.steps || samples->channels != input.channels))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "%s samples of shape (%zu, %zu) do not fit a network that takes "
                    "(%zu, %zu)",
                    what, samples->steps, samples->channels, input.steps, input.channels);
  const size_t classes = fr_net_classes(net);
  for (size_t i = 0; i < samples->count; i++)
    if (samples->label[i] >= classes)
      return fr__fail(
          err, FR_ERR_ARGUMENT,
          "the label %u of %s sample %zu is none of the network's %zu classes",
          (unsigned)samples->label[i], what, i, classes);
  *feed = (fr__feed){.count = samples->count,
                     .width = input.steps * input.channels,
                     .x = (const float *const *)samples->x,
                     .label = samples->label};
  return FR_OK;
}

void fr__feed_release(fr__feed *feed) {
  free(feed->flat);
  *feed = (fr__feed){0};
}

void fr__feed_gather(const fr__feed *feed, const size_t *order, size_t at, size_t n,
                     float *x, uint32_t *label) {
  assert(order != NULL || at + n <= feed->count);
  for (size_t i = 0; i < n; i++) {
    const size_t k = order == NULL ? at + i : order[i];
    const float *from = feed->flat == NULL ? feed->x[k] : feed->flat + k * feed->width;
    memcpy(x + i * feed->width, from, feed->width * sizeof *x);
    label[i] = feed->label[k];
  }
}

enum fr_status fr__feed_reserve_flat(const fr__feed *feed, const fr_net *net,
                                     size_t layers, float **flat, size_t *width,
                                     fr_error *err) {
  assert(layers > 0);
  const fr_shape shape = fr_net_layer_shape(net, layers - 1);
  *width = shape.steps * shape.channels;
  if (feed->count > SIZE_MAX / sizeof **flat / *width)
    return fr__fail_memory(err, "the outputs of the frozen layers");
  *flat = malloc(feed->count * *width * sizeof **flat);
  return *flat == NULL ? fr__fail_memory(err, "the outputs of the frozen layers") : FR_OK;
}
