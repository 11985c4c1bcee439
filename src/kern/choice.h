/* SPDX-License-Identifier: Apache-2.0 */
/* Which instruction sets this CPU has, and FRUGAL_CPU may use. */
#ifndef FR_KERN_CHOICE_H
#define FR_KERN_CHOICE_H

#include "frugal/base.h"

/* From the least to the most that one may be held down to. */
enum fr__isa {
  FR__ISA_SCALAR,   /* one float at a time */
  FR__ISA_BASELINE, /* the compiler's own: SSE2, NEON */
  FR__ISA_NEONBF16,
  FR__ISA_AVX2, /* with FMA */
  FR__ISA_AVXVNNI,
  FR__ISA_AVX512, /* F, BW, DQ, VL */
  FR__ISA_AVX512VNNI,
  FR__ISA_AVX512BF16,
  FR__ISA_AMX, /* tiles, of bf16 and of bytes */
  FR__ISAS
};

const char *fr__isa_name(enum fr__isa isa); /* "avx512vnni" */
/* The CPU and its operating system have it, and this build. Asks the operating system for
 * the permission that amx needs, for the whole process. */
bool fr__isa_works(enum fr__isa isa);
/* The highest that FRUGAL_CPU in the environment allows; the highest of all where it is
 * not set. "baseline" is the compiler's own on any machine. FR_ERR_ARGUMENT where it
 * names none. */
enum fr_status fr__isa_ceiling(enum fr__isa *out, fr_error *err);

#endif
