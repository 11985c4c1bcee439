/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which processes are the program's, and the CPU time of those too short-lived to be
 * looked at.
 *
 * A descendant stays the program's for good, also where its parent ends first: the meter
 * is asked to become its new parent (PR_SET_CHILD_SUBREAPER). A process that ends leaves
 * its time to the parent that waits for it; what comes to a parent beyond what was seen
 * of its children is of short-lived ones. The last parent of all is the meter, whom
 * wait4(2) tells the truth. With a cgroup it is simpler: its time less what was seen.
 */
#ifndef FR_METER_PROCESS_TREE_H
#define FR_METER_PROCESS_TREE_H

#include <sys/resource.h>

#include "meter/cgroup.h"
#include "meter/process_table.h"

typedef struct fr__tree {
  int64_t root;
  int64_t self; /* the meter; 0: its orphans are not looked for */
  bool root_gone;
  fr__kin kin;        /* the meter's: all that it reaped */
  fr__cgroup *cgroup; /* NULL: none; not owned */
  double usage_s;     /* the group's at the last look */
  double usage_base_s;
  double seen_s;       /* of the program's processes, since start */
  double short_s;      /* and of its short-lived ones */
  double short_step_s; /* of short_s, in this step */
  double root_step_s;  /* the root's own last bit, which nobody saw, in this step */
} fr__tree;

/* After the table's first scan. FR_ERR_NOT_FOUND where there is no process `root`. */
enum fr_status fr__tree_init(fr__tree *tree, fr__process_table *table, int64_t root,
                             int64_t self, fr__cgroup *cgroup, fr_error *err);

/* Around each scan of the table. */
void fr__tree_before(fr__tree *tree);
void fr__tree_step(fr__tree *tree, fr__process_table *table);

/* User and system time of wait4(2). */
double fr__rusage_s(const struct rusage *use);

/* The meter waited for a child that took so much CPU time, its own children included. */
void fr__tree_reaped(fr__tree *tree, double cpu_s);

/* Orphans of this process's descendants become its children from here on; 0 or errno. */
int fr__tree_adopt(void);

#endif
