/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of paired differences, their correction over a family, and the bootstrap. Values
 * are of seeds: logarithms of ratios, or differences in points. */
#ifndef FR_STUDY_STATS_H
#define FR_STUDY_STATS_H

#include "frugal/study.h"

#define FR__SIGNIFICANT 0.05 /* what p, corrected, must stay below to be called shown */

/* That the mean of x is 0, two-sided: Student's paired t. 1 where all are 0, 0 where all
 * are equal and are not; NAN below two values. */
double fr__p_student(const double *x, size_t n);
/* The same without a normal distribution: the share of all 2^n choices of signs under
 * which |sum| is as large (Fisher 1935, section 21); over 14 values of 20,000 drawn.
 * Cannot be below 2 / 2^n: 0.0625 with five seeds. */
double fr__p_signs(const double *x, size_t n);
/* Holm's step-down correction (1979, Scand. J. Statist. 6:65-70): adjusted p of each, in
 * place; NAN stays and is no part of the family. */
void fr__p_holm(double *p, size_t n);

/* The 95 % interval of the mean by the bias-corrected accelerated bootstrap (Efron 1987,
 * JASA 82:171-185), of all n^n resamples up to five values and of 9,999 drawn above: the
 * same values give the same bits. low and high are NAN below three values. */
fr_interval fr__bootstrap_mean(const double *x, size_t n);

/* What a mechanism does to a cost, or to accuracy. */
enum fr__effect { FR__EFFECT_NONE, FR__EFFECT_LESS, FR__EFFECT_MORE, FR__EFFECT_UNKNOWN };

/* Of a mean and its corrected p; unknown without p. */
enum fr__effect fr__effect_of(double mean, double p);
/* "saves", "costs more", "no difference shown", "not measured". */
const char *fr__effect_on_energy(enum fr__effect effect);
/* "loses", "gains", "no difference shown", "not measured". */
const char *fr__effect_on_accuracy(enum fr__effect effect);

#endif
