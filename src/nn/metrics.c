/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of a test, from its confusion matrix; metrics_labels.c has those of labels. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "nn/metrics.h"

#define Z95 1.959963984540054 /* of the normal distribution: 95 %, two-sided */

enum fr_status fr_metrics_init(fr_metrics *metrics, size_t classes, fr_error *err) {
  if (classes == 0 || classes > FR__METRICS_CLASSES_CEILING)
    return fr__fail(err, FR_ERR_ARGUMENT, "%zu is not a count of classes from 1 to 65536",
                    classes);
  uint64_t *confusion = calloc(classes * classes, sizeof *confusion);
  if (!confusion)
    return fr__fail_memory(err, "the confusion matrix");
  *metrics = (fr_metrics){.classes = classes, .confusion = confusion};
  return FR_OK;
}

void fr_metrics_release(fr_metrics *metrics) {
  free(metrics->confusion);
  free(metrics->label);
  free(metrics->answer);
  *metrics = (fr_metrics){0};
}

static size_t greatest(const float *output, size_t classes) {
  size_t best = 0;
  for (size_t k = 1; k < classes; k++)
    best = output[k] > output[best] ? k : best;
  return best;
}

/* metrics->loss is the sum over answers until fr_metrics_finish. */
void fr_metrics_add(fr_metrics *metrics, const float *output, const uint32_t *label,
                    size_t batch, double loss) {
  const size_t classes = metrics->classes;
  size_t known = 0;
  for (size_t b = 0; b < batch; b++)
    if (label[b] < classes) {
      metrics->confusion[label[b] * classes + greatest(output + b * classes, classes)]++;
      known++;
    }
  metrics->samples += known;
  metrics->loss += loss * (double)known;
}

/* Wilson 1927: the proportions p whose own deviation covers what was seen. */
void fr__wilson(double hits, double n, double *low, double *high) {
  const double p = hits / n, z2 = Z95 * Z95;
  const double middle = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double reach = Z95 / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  *low = middle > reach ? middle - reach : 0;
  *high = middle + reach < 1 ? middle + reach : 1;
}

typedef struct class_counts {
  double hits, given, called; /* true and called so; of this class; called this class */
} class_counts;

static class_counts count_class(const fr_metrics *metrics, size_t k) {
  const size_t classes = metrics->classes;
  class_counts counts = {.hits = (double)metrics->confusion[k * classes + k]};
  for (size_t j = 0; j < classes; j++) {
    counts.given += (double)metrics->confusion[k * classes + j];
    counts.called += (double)metrics->confusion[j * classes + k];
  }
  return counts;
}

void fr__metrics_set_accuracy(fr_metrics *metrics, double hits) {
  const double n = (double)metrics->answers;
  metrics->accuracy = hits / n;
  fr__wilson(hits, n, &metrics->accuracy_low, &metrics->accuracy_high);
}

static void finish_classes(fr_metrics *metrics) {
  double hits = 0, f1 = 0, weighted = 0, recall = 0, occur = 0;
  for (size_t k = 0; k < metrics->classes; k++) {
    const class_counts counts = count_class(metrics, k);
    hits += counts.hits;
    if (counts.given > 0) {
      occur++;
      recall += counts.hits / counts.given;
      const double own = 2 * counts.hits / (counts.given + counts.called);
      f1 += own;
      weighted += own * counts.given;
    }
  }
  fr__metrics_set_accuracy(metrics, hits);
  metrics->macro_f1 = f1 / occur;
  metrics->weighted_f1 = weighted / (double)metrics->samples;
  metrics->balanced_accuracy = recall / occur;
}

/* Nothing was tested: no figure, and any may be true. */
static void finish_nothing(fr_metrics *metrics) {
  metrics->loss = metrics->accuracy = NAN;
  metrics->macro_f1 = metrics->weighted_f1 = metrics->balanced_accuracy = NAN;
  metrics->accuracy_low = 0;
  metrics->accuracy_high = 1;
}

void fr_metrics_finish(fr_metrics *metrics) {
  if (!metrics->label)
    metrics->answers = metrics->samples;
  if (metrics->answers == 0) {
    finish_nothing(metrics);
    return;
  }
  metrics->loss /= (double)metrics->answers;
  if (metrics->label)
    fr__metrics_finish_labels(metrics);
  else
    finish_classes(metrics);
}
