/* SPDX-License-Identifier: Apache-2.0 */
/* Student's t distribution. */
#ifndef FR_BASE_STUDENT_H
#define FR_BASE_STUDENT_H

/* Its quantile p with `freedom` degrees of freedom; NAN outside 0 < p < 1 or without any.
 */
double fr__t_quantile(double p, double freedom);

/* P(|T| >= |t|), both tails; NAN where t is, or without freedom. */
double fr__t_tails(double t, double freedom);

#endif
