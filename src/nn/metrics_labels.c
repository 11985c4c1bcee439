/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of a test whose outputs each say yes or no: every label is a matter of its own.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "nn/metrics.h"

enum fr_status fr_metrics_init_labels(fr_metrics *metrics, size_t labels, size_t room,
                                      fr_error *err) {
  if (labels == 0 || labels > FR__METRICS_CLASSES_CEILING)
    return fr__fail(err, FR_ERR_ARGUMENT, "%zu is not a count of labels from 1 to 65536",
                    labels);
  fr_metrics m = {.classes = labels, .room = room};
  m.label = calloc(labels, sizeof *m.label);
  m.answer = room > 0 ? calloc(room, labels) : NULL;
  if (!m.label || (room > 0 && !m.answer)) {
    fr_metrics_release(&m);
    return fr__fail_memory(err, "the answers of a test");
  }
  *metrics = m;
  return FR_OK;
}

void fr__label_counts_add(fr_label_counts *counts, unsigned answer, uint64_t times) {
  if ((answer & FR__ANSWER_MISSING) != 0)
    return;
  const bool yes = (answer & FR__ANSWER_YES) != 0;
  if ((answer & FR__ANSWER_TRUE) != 0)
    *(yes ? &counts->true_positive : &counts->false_negative) += times;
  else
    *(yes ? &counts->false_positive : &counts->true_negative) += times;
}

/* An output that is NaN says no. */
static unsigned answer_of(float output, float value) {
  if (isnan(value))
    return FR__ANSWER_MISSING;
  return (output > 0 ? FR__ANSWER_YES : 0u) | (value > 0.5f ? FR__ANSWER_TRUE : 0u);
}

/* One sample; how many of its values are told. */
static size_t add_sample(fr_metrics *metrics, const float *output, const float *value) {
  const size_t labels = metrics->classes;
  uint8_t *kept = metrics->samples < metrics->room
                      ? metrics->answer + metrics->samples * labels
                      : NULL;
  size_t told = 0;
  for (size_t k = 0; k < labels; k++) {
    const unsigned answer = answer_of(output[k], value[k]);
    told += answer != FR__ANSWER_MISSING ? 1 : 0;
    fr__label_counts_add(&metrics->label[k], answer, 1);
    if (kept)
      kept[k] = (uint8_t)answer;
  }
  return told;
}

/* metrics->loss is the sum over answers until fr_metrics_finish. */
void fr_metrics_add_values(fr_metrics *metrics, const float *output, const float *value,
                           size_t batch, double loss) {
  const size_t labels = metrics->classes, before = metrics->answers;
  for (size_t b = 0; b < batch; b++) {
    const size_t told = add_sample(metrics, output + b * labels, value + b * labels);
    metrics->answers += told;
    metrics->samples += told > 0 ? 1 : 0; /* else the next one takes its room */
  }
  metrics->loss += loss * (double)(metrics->answers - before);
}

void fr__metrics_finish_labels(fr_metrics *metrics) {
  double hits = 0, f1 = 0, weighted = 0, yeses = 0, occur = 0, balanced = 0, both = 0;
  for (size_t k = 0; k < metrics->classes; k++) {
    const fr_label_counts *c = &metrics->label[k];
    const double yes = (double)(c->true_positive + c->false_negative);
    const double no = (double)(c->true_negative + c->false_positive);
    const double found = (double)c->true_positive, passed = (double)c->true_negative;
    hits += found + passed;
    if (yes > 0) {
      occur++;
      const double own = 2 * found / (found + (double)c->false_positive + yes);
      f1 += own;
      weighted += own * yes;
      yeses += yes;
    }
    if (yes > 0 && no > 0) {
      both++;
      balanced += (found / yes + passed / no) / 2;
    }
  }
  fr__metrics_set_accuracy(metrics, hits);
  metrics->macro_f1 = occur > 0 ? f1 / occur : NAN;
  metrics->weighted_f1 = yeses > 0 ? weighted / yeses : NAN;
  metrics->balanced_accuracy = both > 0 ? balanced / both : NAN;
}
