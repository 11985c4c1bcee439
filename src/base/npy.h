/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays of numbers as NumPy keeps them (NumPy Enhancement Proposal 1, versions 1.0, 2.0
 * and 3.0), read from memory. */
#ifndef FR_BASE_NPY_H
#define FR_BASE_NPY_H

#include "frugal/base.h"

#define FR__NPY_HEADER_CEILING ((size_t)64 << 10) /* bytes */
#define FR__NPY_DIMENSIONS 8

enum fr__npy_kind { FR__NPY_FLOAT, FR__NPY_SIGNED, FR__NPY_UNSIGNED, FR__NPY_BOOL };

typedef struct fr__npy {
  const char *name;            /* for messages; borrowed */
  const unsigned char *values; /* of the first; into the caller's bytes, not aligned */
  enum fr__npy_kind kind;
  size_t width; /* bytes of a value: 2, 4, 8 of floats, 1, 2, 4, 8 of whole numbers */
  bool big;     /* the most significant byte comes first */
  bool fortran; /* the first index runs fastest, else the last */
  size_t dimensions; /* 0: one number */
  size_t shape[FR__NPY_DIMENSIONS];
  size_t count; /* of values: all of the shape together */
} fr__npy;

/*
 * What the `size` bytes of a file hold, which must outlive the cursor. Refused, in a
 * sentence that begins with the name: what is no NPY file, another version, a header that
 * is damaged or longer than its ceiling, values that are not plain numbers, a shape that
 * does not fit the bytes exactly.
 */
enum fr_status fr__npy_init(fr__npy *npy, const char *name, const void *bytes,
                            size_t size, fr_error *err);

/* Values [from, from + count) of npy->count, counted as the last index runs fastest
 * whatever the file's order is. FR_ERR_FORMAT with the place ("a.npy: value (3, 0, 7) is
 * not a finite number") where a float cannot hold one. */
enum fr_status fr__npy_read(const fr__npy *npy, size_t from, size_t count, float *out,
                            fr_error *err);

#endif
