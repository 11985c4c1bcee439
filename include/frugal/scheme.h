/* SPDX-License-Identifier: Apache-2.0 */
/* scheme: in which numbers a network is stored and run. */
#ifndef FRUGAL_SCHEME_H
#define FRUGAL_SCHEME_H

#include "frugal/base.h"

enum fr_scheme {
  FR_SCHEME_F32,
  FR_SCHEME_BF16,         /* weights of 16 bits, products in bfloat16 */
  FR_SCHEME_F16,          /* weights of 16 bits, everything run in float32 */
  FR_SCHEME_INT8_DYNAMIC, /* weights of 8 bits, activations of 8 bits within products, by
                             ranges found while they run */
  FR_SCHEME_INT8,         /* all in integers, by ranges found before (int8.h) */
  FR_SCHEME_INT8_AWARE,   /* the same, from a network that was trained for it */
  FR_SCHEMES
};

/* "f32" (or "float32"), "bf16", "f16", "int8-dynamic", "int8", "int8-aware"; an
 * underscore may stand for the hyphen. */
bool fr_scheme_parse(const char *name, enum fr_scheme *out);
const char *fr_scheme_name(enum fr_scheme scheme);

#endif
