/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the metrics share. */
#ifndef FR_NN_METRICS_H
#define FR_NN_METRICS_H

#include "frugal/nn.h"

/* What one output said of one sample: bit 0 the answer, bit 1 the truth. */
enum { FR__ANSWER_YES = 1, FR__ANSWER_TRUE = 2, FR__ANSWER_MISSING = 4 };

#define FR__METRICS_CLASSES_CEILING ((size_t)1 << 16)

/* Adds `times` answers of a kind to the counts of a label; missing ones count nowhere. */
void fr__label_counts_add(fr_label_counts *counts, unsigned answer, uint64_t times);

/* The figures of labels but the mean loss: what the confusion matrix gives for classes.
 */
void fr__metrics_finish_labels(fr_metrics *metrics);

/* Wilson's 95 % interval of the share `hits` of `n`. */
void fr__wilson(double hits, double n, double *low, double *high);

/* Accuracy and its interval: `hits` of metrics->answers. */
void fr__metrics_set_accuracy(fr_metrics *metrics, double hits);

#endif
