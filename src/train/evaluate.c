/* SPDX-License-Identifier: Apache-2.0 */
#include "train/evaluate.h"

#include <math.h>

#include "train/watch.h"

/* The first of the greatest. */
static size_t argmax(const float *x, size_t n) {
  size_t best = 0;
  for (size_t i = 1; i < n; i++)
    if (x[i] > x[best])
      best = i;
  return best;
}

typedef struct tally {
  size_t count, right;
} tally;

/* A label is right where its output is the greatest; a yes or no where its logit is above
 * 0 or not, if it is known; numbers that are to be met have no right answers. */
static void count_answers(const fr_loss_options *loss, const float *output,
                          const fr_targets *targets, size_t n, size_t classes,
                          tally *sum) {
  if (targets->value == NULL) {
    for (size_t i = 0; i < n; i++)
      sum->right += argmax(output + i * classes, classes) == targets->label[i];
    sum->count += n;
  } else if (loss->kind == FR_LOSS_BINARY) {
    for (size_t i = 0; i < n * classes; i++) {
      const bool known = !isnan(targets->value[i]);
      sum->right += known && (output[i] > 0) == (targets->value[i] > 0.5f);
      sum->count += known;
    }
  }
}

static void add_metrics(fr_metrics *metrics, const float *output,
                        const fr_targets *targets, size_t n, double loss) {
  if (targets->value == NULL)
    fr_metrics_add(metrics, output, targets->label, n, loss);
  else
    fr_metrics_add_values(metrics, output, targets->value, n, loss);
}

fr__tally fr__evaluate(fr_net *net, const fr__feed *feed, size_t from,
                       const fr_loss_options *loss, fr__batch *batch,
                       const fr_observer *observer, const char *what,
                       fr_metrics *metrics) {
  const size_t layers = fr_net_layer_count(net), classes = fr_net_classes(net);
  double sum = 0, weight = 0;
  tally answers = {0};
  for (size_t at = 0; at < feed->count; at += batch->size) {
    const size_t left = feed->count - at, n = left < batch->size ? left : batch->size;
    fr__feed_gather(feed, NULL, at, n, batch, net);
    const float *output = fr_net_forward(net, batch->x, n, from, layers, false);
    const fr_targets targets = fr__feed_targets(feed, batch, false);
    const double mean = fr_loss_compute(loss, output, &targets, n, classes, NULL);
    const double share = fr_loss_weight(loss, &targets, n, classes);
    sum += mean * share;
    weight += share;
    count_answers(loss, output, &targets, n, classes, &answers);
    if (metrics != NULL)
      add_metrics(metrics, output, &targets, n, mean);
    if (what != NULL)
      fr__progress(observer, what, (double)(at + n) / (double)feed->count);
  }
  return (fr__tally){.loss = weight > 0 ? sum / weight : 0,
                     .accuracy = answers.count == 0
                                     ? NAN
                                     : (double)answers.right / (double)answers.count};
}
