/* SPDX-License-Identifier: Apache-2.0 */
/* A complex Fourier transform of any length whose prime factors are small. */
#ifndef FR_DATA_FFT_H
#define FR_DATA_FFT_H

#include <stddef.h>

#include "frugal/base.h"

typedef struct fr__complex {
  double re, im;
} fr__complex;

typedef struct fr__fft {
  size_t n;
  fr__complex *root; /* (n) exp(-2 pi i k / n); owned */
  fr__complex *work; /* (n); owned */
} fr__fft;

/* n from 1 to 2^20. */
enum fr_status fr__fft_init(fr__fft *fft, size_t n, fr_error *err);
void fr__fft_release(fr__fft *fft);

/* X[k] = sum over t of x[t] exp(-2 pi i k t / n), in place; x (n). */
void fr__fft_run(fr__fft *fft, fr__complex *x);

#endif
