/* SPDX-License-Identifier: Apache-2.0 */
/* The most multiply-adds that a core can do, to measure the kernels against. */
#ifndef FR_BENCH_PEAK_H
#define FR_BENCH_PEAK_H

#include <stddef.h>

/* Multiplies and adds in registers only, `rounds` times over; returns the operations
 * done, a multiply-add counted as two, and puts what it computed into *result so that it
 * is computed. */
typedef double peak_function(size_t rounds, float *result);

peak_function fr__kern_peak_avx512;
peak_function fr__kern_peak_avx2;
peak_function fr__kern_peak_baseline;
peak_function fr__kern_peak_scalar;

#endif
