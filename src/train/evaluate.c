/* SPDX-License-Identifier: Apache-2.0 */
#include "train/evaluate.h"

#include "train/watch.h"

/* The first of the greatest. */
static size_t argmax(const float *x, size_t n) {
  size_t best = 0;
  for (size_t i = 1; i < n; i++)
    if (x[i] > x[best])
      best = i;
  return best;
}

static size_t count_correct(const float *output, const uint32_t *label, size_t n,
                            size_t classes) {
  size_t correct = 0;
  for (size_t i = 0; i < n; i++)
    correct += argmax(output + i * classes, classes) == label[i];
  return correct;
}

fr__tally fr__evaluate(fr_net *net, const fr__feed *feed, size_t from,
                       const fr_loss_options *loss, fr__batch *batch,
                       const fr_observer *observer, const char *what,
                       fr_metrics *metrics) {
  const size_t layers = fr_net_layer_count(net), classes = fr_net_classes(net);
  double sum = 0;
  size_t correct = 0;
  for (size_t at = 0; at < feed->count; at += batch->size) {
    const size_t left = feed->count - at, n = left < batch->size ? left : batch->size;
    fr__feed_gather(feed, NULL, at, n, batch, net);
    const float *output = fr_net_forward(net, batch->x, n, from, layers, false);
    const fr_targets targets = fr__feed_targets(feed, batch);
    const double mean = fr_loss_compute(loss, output, &targets, n, classes, NULL);
    sum += mean * (double)n;
    correct += count_correct(output, batch->label, n, classes);
    if (metrics != NULL)
      fr_metrics_add(metrics, output, batch->label, n, mean);
    if (what != NULL)
      fr__progress(observer, what, (double)(at + n) / (double)feed->count);
  }
  const double count = (double)feed->count;
  return (fr__tally){.loss = sum / count, .accuracy = (double)correct / count};
}
