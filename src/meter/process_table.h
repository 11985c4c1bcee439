/* SPDX-License-Identifier: Apache-2.0 */
/* The processes that live, from sample to sample: who is new, who ran, who is gone. */
#ifndef FR_METER_PROCESS_TABLE_H
#define FR_METER_PROCESS_TABLE_H

#include "meter/process.h"

/* CPU time of children that a process waited for, and how much of it is known from
 * having looked at those children while they lived (process_tree.h). */
typedef struct fr__kin {
  double children_s; /* latest; since the process's start */
  double base_s;     /* of it, before metering began */
  double matched_s;  /* of what came since: children that were looked at */
  double short_s;    /* and that were not: too short-lived */
  double step_s;     /* of short_s, in this step */
  double excess_s;   /* matched beyond what came, at the last step */
} fr__kin;

/* What was given to a process, or to a line that stands for several. */
typedef struct fr__share {
  double due_s;    /* CPU time for which no energy was shared out yet */
  double energy_j; /* with the most likely idle power taken off */
  double low_j;    /* with the highest */
  double high_j;   /* with the lowest */
  double mixed_j;  /* of energy_j: what others might have drawn instead (processes.c) */
  double own_j;    /* of energy_j: by the model's watts, which have bounds of their own */
  double own_low_j, own_high_j;
  double card_j; /* of energy_j: what cards counted, with bounds of their own */
  double card_low_j, card_high_j;
  double gpu_s;      /* time on cards since metering began */
  double gpu_step_s; /* of it, in the last step */
} fr__share;

typedef struct fr__process {
  int64_t pid;
  int64_t parent;
  uint64_t start_ticks;
  char name[FR__PROCESS_NAME];
  double own_s;    /* CPU time since its start */
  double step_s;   /* of it, in this step */
  double total_s;  /* and since metering began */
  double last_s;   /* gone: what it would have used in this step, going on as before */
  double looked_s; /* own_s when its stat line was last read */
  unsigned looks;  /* how often that was */
  unsigned rested; /* for how many steps it did not run, as far as it was asked */
  bool fresh;      /* new in this step */
  bool gone;       /* ended in this step: its row stands until the next one */
  bool of_program;
  bool orphan; /* a child of the meter by now, whose parent ended first */
  fr__kin kin;
  fr__share share;
} fr__process;

typedef struct fr__process_table {
  fr__process_source source;
  fr__process *row; /* (count) by rising pid; owned */
  size_t count, room;
  fr__process *spare; /* (spare_room) where the next list is made; owned */
  size_t spare_room;
  fr__pids pids;
  uint64_t scan_ns;  /* when the last scan was */
  double span_s;     /* from the one before to it */
  int64_t from, to;  /* pids given out since the scan before */
  double busy_s;     /* the machine's since boot, at the last scan */
  unsigned turn;     /* which of the sleepers are asked; see process_table.c */
  unsigned patience; /* scans in which a busy machine is no reason to ask all of them */
  bool stale;        /* a pid was reused: the list is read again */
  bool begun;
} fr__process_table;

enum fr_status fr__process_table_init(fr__process_table *table, fr__world *world,
                                      fr_error *err);
void fr__process_table_release(fr__process_table *table);

/*
 * One step. `ended` is first told of each row that was gone in the step before, which
 * then leaves. The first scan finds what was there already: its time so far is not
 * counted. A failed one leaves the rows as they are.
 */
enum fr_status fr__process_table_scan(fr__process_table *table,
                                      void (*ended)(void *self, const fr__process *row),
                                      void *self, fr_error *err);

/* NULL where none has it. Valid until the next scan. */
fr__process *fr__process_find(const fr__process_table *table, int64_t pid);

/* Reads the row's stat line: name, parent, its children's time. 0 or errno; ESRCH also
 * where its pid has another owner by now. */
int fr__process_look(fr__process_table *table, fr__process *row);

#endif
