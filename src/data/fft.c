/* SPDX-License-Identifier: Apache-2.0 */
/* Stockham's self-sorting transform in mixed radix (Van Loan 1992, Computational
 * Frameworks for the Fast Fourier Transform, section 1.7): one pass per factor, no bit
 * reversal. */
#include "data/fft.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define PI 3.14159265358979323846
#define LENGTH_MOST ((size_t)1 << 20)
#define RADIX_MOST 1024 /* a larger prime factor would cost its square */

/* One pass: x holds `m` * `p` groups of `s` values, group j + k m being subsequence k of
 * transform j; y gets them transformed by p points. m p s = n. */
typedef struct pass {
  size_t m, p, s;
  const fr__complex *x;
  fr__complex *y;
} pass;

static fr__complex times(fr__complex a, fr__complex b) {
  return (fr__complex){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

static fr__complex plus(fr__complex a, fr__complex b) {
  return (fr__complex){a.re + b.re, a.im + b.im};
}

static fr__complex minus(fr__complex a, fr__complex b) {
  return (fr__complex){a.re - b.re, a.im - b.im};
}

static size_t smallest_factor(size_t n) {
  if (n % 4 == 0)
    return 4;
  for (size_t p = 2; p * p <= n; p++) {
    if (n % p == 0)
      return p;
  }
  return n;
}

enum fr_status fr__fft_init(fr__fft *fft, size_t n, fr_error *err) {
  size_t rest = n;
  while (n > 0 && n <= LENGTH_MOST && rest > 1 && smallest_factor(rest) <= RADIX_MOST)
    rest /= smallest_factor(rest);
  if (rest != 1)
    return fr__fail(err, FR_ERR_ARGUMENT, "no transform of %zu points", n);
  fr__fft made = {n, malloc(n * sizeof *made.root), malloc(n * sizeof *made.work)};
  if (!made.root || !made.work) {
    fr__fft_release(&made);
    return fr__fail_memory(err, "a transform");
  }
  for (size_t k = 0; k < n; k++) {
    const double angle = -2 * PI * (double)k / (double)n;
    made.root[k] = (fr__complex){cos(angle), sin(angle)};
  }
  *fft = made;
  return FR_OK;
}

void fr__fft_release(fr__fft *fft) {
  free(fft->root);
  free(fft->work);
  *fft = (fr__fft){0};
}

/* The twiddles exp(-2 pi i j k / (m p)), k < p, are every s-th root. */
static void pass_4(const fr__fft *fft, const pass *z) {
  const size_t m = z->m, s = z->s;
  for (size_t j = 0; j < m; j++) {
    const fr__complex w1 = fft->root[j * s], w2 = fft->root[2 * j * s];
    const fr__complex w3 = fft->root[3 * j * s];
    const fr__complex *a = z->x + j * s, *b = a + m * s, *c = b + m * s, *d = c + m * s;
    fr__complex *y = z->y + 4 * j * s;
    for (size_t q = 0; q < s; q++) {
      const fr__complex ac = plus(a[q], c[q]), bd = plus(b[q], d[q]);
      const fr__complex a_c = minus(a[q], c[q]), b_d = minus(b[q], d[q]);
      const fr__complex turned = {b_d.im, -b_d.re}; /* -i (b - d) */
      y[q] = plus(ac, bd);
      y[q + s] = times(plus(a_c, turned), w1);
      y[q + 2 * s] = times(minus(ac, bd), w2);
      y[q + 3 * s] = times(minus(a_c, turned), w3);
    }
  }
}

static void pass_5(const fr__fft *fft, const pass *z) {
  const double c1 = cos(2 * PI / 5), c2 = cos(4 * PI / 5);
  const double s1 = sin(2 * PI / 5), s2 = sin(4 * PI / 5);
  const size_t m = z->m, s = z->s;
  for (size_t j = 0; j < m; j++) {
    const fr__complex *x = z->x + j * s;
    fr__complex *y = z->y + 5 * j * s;
    for (size_t q = 0; q < s; q++) {
      const fr__complex a = x[q];
      const fr__complex p1 = plus(x[q + m * s], x[q + 4 * m * s]);
      const fr__complex d1 = minus(x[q + m * s], x[q + 4 * m * s]);
      const fr__complex p2 = plus(x[q + 2 * m * s], x[q + 3 * m * s]);
      const fr__complex d2 = minus(x[q + 2 * m * s], x[q + 3 * m * s]);
      const fr__complex u1 = {a.re + c1 * p1.re + c2 * p2.re,
                              a.im + c1 * p1.im + c2 * p2.im};
      const fr__complex u2 = {a.re + c2 * p1.re + c1 * p2.re,
                              a.im + c2 * p1.im + c1 * p2.im};
      const fr__complex v1 = {s1 * d1.im + s2 * d2.im, -s1 * d1.re - s2 * d2.re};
      const fr__complex v2 = {s2 * d1.im - s1 * d2.im, -s2 * d1.re + s1 * d2.re};
      y[q] = plus(a, plus(p1, p2));
      y[q + s] = times(plus(u1, v1), fft->root[j * s]);
      y[q + 2 * s] = times(plus(u2, v2), fft->root[2 * j * s]);
      y[q + 3 * s] = times(minus(u2, v2), fft->root[3 * j * s]);
      y[q + 4 * s] = times(minus(u1, v1), fft->root[4 * j * s]);
    }
  }
}

/* Any radix, by the definition. */
static void pass_any(const fr__fft *fft, const pass *z) {
  const size_t m = z->m, p = z->p, s = z->s, n = fft->n;
  for (size_t j = 0; j < m; j++)
    for (size_t k = 0; k < p; k++)
      for (size_t q = 0; q < s; q++) {
        fr__complex sum = z->x[j * s + q];
        for (size_t r = 1; r < p; r++)
          sum =
              plus(sum, times(z->x[(j + r * m) * s + q], fft->root[r * k % p * (n / p)]));
        z->y[(p * j + k) * s + q] = times(sum, fft->root[j * k * s]);
      }
}

void fr__fft_run(fr__fft *fft, fr__complex *x) {
  fr__complex *from = x, *to = fft->work;
  size_t left = fft->n;
  while (left > 1) {
    const size_t p = smallest_factor(left);
    const pass z = {left / p, p, fft->n / left, from, to};
    if (p == 4)
      pass_4(fft, &z);
    else if (p == 5)
      pass_5(fft, &z);
    else
      pass_any(fft, &z);
    left /= p;
    fr__complex *const last = from;
    from = to;
    to = last;
  }
  if (from != x)
    memcpy(x, from, fft->n * sizeof *x);
}
