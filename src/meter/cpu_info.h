/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc/cpuinfo says about this processor. */
#ifndef FR_METER_CPU_INFO_H
#define FR_METER_CPU_INFO_H

#include "frugal/base.h"

#define FR__CPU_NAME 128

typedef struct fr__cpu_info {
  char name[FR__CPU_NAME]; /* "model name", on Arm the board's "Model"; may be empty */
  char vendor[32];         /* "AuthenticAMD"; on Arm "0x41" */
  unsigned family;         /* on Arm the architecture */
  unsigned model;          /* on Arm the part number; of the first core */
  bool arm;
  bool virtual_machine; /* the hypervisor flag; Arm does not tell */
  bool battery;         /* a laptop's: /sys/class/power_supply/BAT* */
  size_t online;        /* logical processors */
  size_t
      package_cores; /* "cpu cores"; 0: not told. In a virtual machine the guest's own */
  size_t package_threads; /* "siblings"; likewise */
} fr__cpu_info;

/* `root` stands for "/"; "" is the running machine. */
enum fr_status fr__cpu_info_read(const char *root, fr__cpu_info *out, fr_error *err);

#define FR__CPU_KEY 96

/*
 * A processor's name without what differs between lists: vendor, (R) and (TM), clock
 * rate, generation, number of cores, graphics. "AMD EPYC 7763 64-Core Processor" and "AMD
 * EPYC 7763" become "epyc 7763".
 */
void fr__cpu_key(const char *name, char key[FR__CPU_KEY]);

/* 64 of "… 64-Core Processor"; 0 where the name does not say. */
size_t fr__cpu_name_cores(const char *name);

#endif
