/* SPDX-License-Identifier: Apache-2.0 */
/* The books of fr_processes: who was given what. */
#ifndef FR_METER_PROCESSES_H
#define FR_METER_PROCESSES_H

#include <pthread.h>

#include "frugal/processes.h"
#include "meter/process_cards.h"
#include "meter/process_tree.h"

/* Processes that ended, by name; of more, the least are joined. */
#define FR__ENDED 1024

/* A line of the books. */
typedef struct fr__account {
  char name[FR__PROCESS_NAME];
  int64_t pid;
  bool of_program;
  double core_s;
  double step_s; /* of core_s, in the last step */
  fr__share share;
} fr__account;

/* Energy to be shared out: dynamic power at the likely, the highest and the lowest idle
 * power. */
typedef struct fr__dynamic {
  double energy_j, low_j, high_j;
  double due_s; /* CPU time of all whom it is shared among */
} fr__dynamic;

struct fr_processes {
  pthread_mutex_t lock;
  fr_processes_options options;
  fr__world *world; /* owned; NULL: this machine */
  bool own_world;
  fr__process_table table;
  fr__tree tree;
  fr__cgroup cgroup;
  char how[FR__CGROUP_REASON + 32];
  fr__account *ended; /* (count) owned */
  size_t count;
  fr__account root; /* the program's first process, once it has ended */
  fr__account
      short_lived;      /* the program's; and those of its ended ones that are joined */
  fr__account other;    /* of all others, what no row has */
  double busy_base_s;   /* the machine's, at the start */
  double seen_s;        /* of all rows since then, short-lived ones included */
  double unseen_s;      /* busy beyond them */
  double t_s, energy_j; /* at the last sample that brought energy */
  double idle_j, idle_low_j, idle_high_j;
  fr__cards *cards;            /* owned */
  double waiting_j, waiting_s; /* of the machine without its cards, to be shared out */
  double mixed_j;              /* between the program and all others; see fr__share */
};

/* The same of a world that the meter has, which outlives it; NULL: this machine. */
enum fr_status fr__processes_new(const fr_processes_options *options, fr__world *world,
                                 int64_t pid, fr_processes **out, fr_error *err);

/* A core-second has the model's price. */
bool fr__processes_priced(const fr_processes *processes);

/* Gives each row its part of what came; exact: all parts and idle add up to it. */
void fr__processes_share(fr_processes *processes, double span_s, double energy_j);

#endif
