/* SPDX-License-Identifier: Apache-2.0 */
/* What each mechanism does to energy and accuracy, and the energy-accuracy front. */
#ifndef FR_STUDY_VERDICTS_H
#define FR_STUDY_VERDICTS_H

#include "study/study.h"

/* Mechanisms, the one that saves most first, each with its cells (docs/study.md,
 * "Verdicts"). */
json_t *fr__aggregate_mechanisms(const fr__plan *plan);
/* Per group and data set: who is dominated by whom, of training, testing and a life. */
json_t *fr__aggregate_fronts(const fr__plan *plan);

/* Tests of a life: as many as cost what a plain training does, the geometric mean over
 * the data set's plain cells; NAN where none has both. */
double fr__life_tests(const fr__plan *plan, size_t data);

/* Energies of a cell's repeats, NAN where unknown: arrays of (repeats). */
void fr__train_joules(const fr__plan *plan, size_t cell, double *joules);
/* With what the network that it starts from or learns from took. */
void fr__train_joules_whole(const fr__plan *plan, size_t cell, double *joules);
/* All of it: that, and so many tests. */
void fr__life_joules(const fr__plan *plan, size_t cell, double tests, double *joules);

#endif
