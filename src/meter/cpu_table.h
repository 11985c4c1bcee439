/* SPDX-License-Identifier: Apache-2.0 */
/* Processor to watts: the tables in tables/, compiled in by tools/make_cpu_table.py. */
#ifndef FR_METER_CPU_TABLE_H
#define FR_METER_CPU_TABLE_H

#include "frugal/base.h"

typedef struct fr__cpu_tdp {
  const char *name; /* as the list has it: "AMD EPYC 7763" */
  double tdp_w;     /* of a package */
  const char *source;
  int year;
} fr__cpu_tdp;

typedef struct fr__cpu_family {
  const char *vendor; /* "AuthenticAMD"; on Arm the implementer's code: "0x41" */
  unsigned family;    /* on Arm the architecture */
  unsigned model_low; /* on Arm the part number of the core */
  unsigned model_high;
  double low_w, typical_w, high_w; /* thermal design power per core */
  unsigned threads;                /* per core */
  const char *name;                /* with the products that give the three figures */
  const char *source;
  int year;
} fr__cpu_family;

extern const fr__cpu_tdp fr__cpu_tdp_table[];
extern const size_t fr__cpu_tdp_count;
extern const fr__cpu_family fr__cpu_family_table[];
extern const size_t fr__cpu_family_count;

#endif
