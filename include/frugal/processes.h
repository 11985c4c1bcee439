/* SPDX-License-Identifier: Apache-2.0 */
/*
 * processes: who spent the joules of a machine. A program with all that it starts, each
 * of its processes, all other programs, and the machine at rest, which is nobody's.
 *
 * Every function takes NULL for `processes` where it is not made, and may be called from
 * any thread.
 */
#ifndef FRUGAL_PROCESSES_H
#define FRUGAL_PROCESSES_H

#include "frugal/meter.h"

typedef struct fr_processes fr_processes;

typedef struct fr_processes_options {
  const char *root;  /* stands for "/"; NULL: "" */
  bool cgroup;       /* true: a control group for the program, where one can be made */
  fr_measure idle_w; /* the machine at rest; absent: 0, and all is shared out */
  bool charge_idle;  /* false: true shares the machine at rest out too */
  fr_measure core_w; /* where energy is the model's: what a busy core-second adds, which
                        is then what it costs; absent: a share of what was measured */
} fr_processes_options;

fr_processes_options fr_processes_default_options(void);

/*
 * From here on the program is process `pid` with all that it has started and starts. Best
 * before it runs: started, but held back until this returns. In a cgroup, where one can
 * be made (it is put there); else the meter should be its parent, and this process
 * becomes the new parent of its orphans (PR_SET_CHILD_SUBREAPER), which are waited for
 * here, at samples; children that this process starts from then on would count.
 * `options` NULL: the defaults.
 */
enum fr_status fr_processes_new(const fr_processes_options *options, int64_t pid,
                                fr_processes **out, fr_error *err);
/* The cgroup goes; who is still in it runs on. */
void fr_processes_free(fr_processes *processes);

/* Core-seconds since fr_processes_new of all processes but the calling one, as their own
 * clocks tell; for fr_meter_others. */
double fr_processes_busy(fr_processes *processes);

/* "cgroup v2", or "polling (why)". Valid as long as `processes`. */
const char *fr_processes_how(const fr_processes *processes);

/* The CPU time of a child that wait4(2) returned, user and system, to be told at once:
 * it is how the time of short-lived ones is known where there is no cgroup. */
void fr_processes_reaped(fr_processes *processes, double cpu_s);

/*
 * Right before fr_processes_sample: what of its energy was the cards'. Above a card's
 * power at rest (the least that it drew while nobody used it) it is shared by GPU time
 * and not by CPU time; without this call the cards are part of the machine. Drivers tell
 * GPU time up to a second late: the energy waits for it two seconds.
 */
void fr_processes_cards(fr_processes *processes, const fr_card_energy *card,
                        size_t count);

/*
 * At a sample of power: energy of the machine and time, both since fr_processes_new (the
 * meter is started right after it). What came since the call before is shared out by CPU
 * time; where nothing came, the CPU time waits for the next one (counters may be slower
 * than samples). Fails where /proc cannot be read; the next one makes up for it.
 */
enum fr_status fr_processes_sample(fr_processes *processes, double t_s, double energy_j,
                                   fr_error *err);

typedef struct fr_process_report {
  char name[64]; /* as the kernel has it, printable UTF-8; "(short-lived)" */
  int64_t pid;   /* 0: a line that stands for several */
  double core_s;
  double gpu_s; /* on all cards; 0 too where none tells it: see fr_processes_report */
  fr_measure energy;
  bool of_program;
} fr_process_report;

typedef struct fr_processes_report {
  double program_core_s;
  double other_core_s;
  fr_measure program;
  fr_measure other; /* all other programs, the kernel's interrupts too */
  fr_measure idle;  /* the machine at rest */
  fr_measure cards; /* what cards drew at rest, or nobody is known to have used; absent
                       where they were not told (fr_processes_cards) */
  bool gpu;         /* there is a card that tells who uses it, or its energy */
  bool even;        /* some energy of cards was shared evenly among those who had them
                       open: the driver does not tell what they used */
  double program_gpu_s, other_gpu_s;
  size_t count;
  fr_process_report *process; /* (count) most energy first; owned. Those of the program
                               * add up to it, others to at most `other` */
} fr_processes_report;

/*
 * Up to the last sample that brought energy: program + other + idle + cards are what was
 * measured by then. `energy` is what the machine's meter says; its source and relative
 * bounds are taken over. Beside them stand the idle power's bounds, and that a second of
 * one program may draw other watts than one of another. Absent where `energy` is.
 */
enum fr_status fr_processes_read(fr_processes *processes, fr_measure energy,
                                 fr_processes_report *report, fr_error *err);
void fr_processes_report_release(fr_processes_report *report);

/* The program's so far, without allocation: its core-seconds and joules, which never
 * fall. 0 where nothing is known yet; either may be NULL. */
void fr_processes_program(fr_processes *processes, double *core_s, double *energy_j);

/* Who ran between the last two samples. */
typedef struct fr_process_use {
  char name[64];
  int64_t pid; /* 0: "(short-lived)" of the program, "(other programs)" that no row has */
  double core_s;
  double gpu_s; /* drivers tell it up to a second late */
  bool of_program;
} fr_process_use;

/* Fills at most `room`, those that used most first; how many. Without allocation. */
size_t fr_processes_last(fr_processes *processes, fr_process_use *use, size_t room);

#endif
