/* SPDX-License-Identifier: Apache-2.0 */
/* All processes that come of this one, as groups that can be stopped and continued. */
#ifndef FR_CLI_GREEN_TREE_H
#define FR_CLI_GREEN_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CLI_TREE_GROUPS 256 /* process groups of one program; those beyond run on */

typedef struct cli_tree {
  pid_t group[CLI_TREE_GROUPS]; /* that were stopped */
  size_t count;
} cli_tree;

/* Orphans of what this process starts become its children, so that a program which
 * detaches itself is still found; false where the kernel refuses. */
bool cli_tree_adopt(void);

/*
 * SIGSTOP to the group `first` and to those of all descendants of this process that are
 * not of its own group, until no further group is found: a group that is stopped starts
 * nothing. `spare` is a descendant that is left alone; 0: none.
 */
void cli_tree_stop(cli_tree *tree, pid_t first, pid_t spare);
/* The signal to all groups that were stopped, then SIGCONT; 0: SIGCONT alone. Safe to
 * call between fork and exec. */
void cli_tree_continue(const cli_tree *tree, int number);
/* Waits for orphans that have ended, but not for `but`. */
void cli_tree_reap(pid_t but);

#endif
