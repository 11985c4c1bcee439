/* SPDX-License-Identifier: Apache-2.0 */
#include "kern/choice.h"

#include <stdlib.h>
#include <string.h>
#ifdef FR__KERN_HAVE_X86
#include <sys/syscall.h>
#include <unistd.h>
#endif
#ifdef FR__KERN_HAVE_NEONBF16
#include <sys/auxv.h>
#endif

#include "base/error.h"

static bool always(void) { return true; }

#if !defined(FR__KERN_HAVE_X86) || !defined(FR__KERN_HAVE_NEONBF16)
static bool never(void) { return false; }
#endif

#ifdef FR__KERN_HAVE_X86
static bool has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

/* CPUID leaf 7 (Intel SDM, volume 2, CPUID): not every compiler's __builtin_cpu_supports
 * knows the names of what it tells. */
typedef struct features {
  unsigned eax, edx;
} features;

static features leaf_7(unsigned subleaf) {
  unsigned eax = 7, ebx, ecx = subleaf, edx;
  __asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  return (features){eax, edx};
}

static bool has_avxvnni(void) { return has_avx2() && (leaf_7(1).eax >> 4 & 1) != 0; }

static bool has_avx512(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static bool has_avx512vnni(void) {
  return has_avx512() && __builtin_cpu_supports("avx512vnni");
}

static bool has_avx512bf16(void) {
  return has_avx512() && __builtin_cpu_supports("avx512bf16");
}

/* The operating system saves tiles, and lets this process use them: Linux gives them to
 * those who ask (arch_prctl, ARCH_REQ_XCOMP_PERM, feature 18), for a process that has
 * them needs larger frames for its signals. Asking again does no harm. */
static bool may_use_tiles(void) {
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low >> 17 & 3) == 3 && syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}

/* Bits 22, 24 and 25 of EDX: bf16, tiles, int8. */
static bool has_amx(void) {
  const unsigned all = 1u << 22 | 1u << 24 | 1u << 25;
  return has_avx512bf16() && has_avx512vnni() && (leaf_7(0).edx & all) == all &&
         may_use_tiles();
}
#define X86(works) works
#else
#define X86(works) never
#endif

#ifdef FR__KERN_HAVE_NEONBF16
/* HWCAP2_BF16 of the operating system's own list. */
static bool has_neonbf16(void) { return (getauxval(AT_HWCAP2) >> 14 & 1) != 0; }
#define ARM_BF16 has_neonbf16
#else
#define ARM_BF16 never
#endif

typedef struct known {
  const char *name;
  bool (*works)(void);
} known;

#if defined(__SSE2__)
#define OWN "sse2"
#elif defined(__aarch64__)
#define OWN "neon"
#else
#define OWN "baseline"
#endif

static const known isas[] = {
    [FR__ISA_SCALAR] = {"scalar", always},
    [FR__ISA_BASELINE] = {OWN, always},
    [FR__ISA_NEONBF16] = {"neonbf16", ARM_BF16},
    [FR__ISA_AVX2] = {"avx2", X86(has_avx2)},
    [FR__ISA_AVXVNNI] = {"avxvnni", X86(has_avxvnni)},
    [FR__ISA_AVX512] = {"avx512", X86(has_avx512)},
    [FR__ISA_AVX512VNNI] = {"avx512vnni", X86(has_avx512vnni)},
    [FR__ISA_AVX512BF16] = {"avx512bf16", X86(has_avx512bf16)},
    [FR__ISA_AMX] = {"amx", X86(has_amx)},
};

const char *fr__isa_name(enum fr__isa isa) { return isas[isa].name; }

bool fr__isa_works(enum fr__isa isa) { return isas[isa].works(); }

/* FR__ISAS: none. */
static enum fr__isa called(const char *name) {
  enum fr__isa i = FR__ISA_SCALAR;
  if (strcmp(name, "baseline") == 0)
    return FR__ISA_BASELINE;
  while (i < FR__ISAS && strcmp(isas[i].name, name) != 0)
    i++;
  return i;
}

enum fr_status fr__isa_ceiling(enum fr__isa *out, fr_error *err) {
  const char *name = getenv("FRUGAL_CPU");
  const bool held = name != NULL && *name != '\0';
  const enum fr__isa ceiling = held ? called(name) : FR__ISAS - 1;
  if (ceiling < FR__ISAS) {
    *out = ceiling;
    return FR_OK;
  }
  char names[160] = "";
  for (size_t i = FR__ISAS; i-- > 0;) {
    strcat(names, isas[i].name);
    strcat(names, i > 0 ? ", " : "");
  }
  return fr__fail(err, FR_ERR_ARGUMENT, "FRUGAL_CPU is '%s', which is not one of %s",
                  name, names);
}
