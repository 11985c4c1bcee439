/* SPDX-License-Identifier: Apache-2.0 */
#include "meter/process_tree.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/error.h"

int fr__tree_adopt(void) {
  return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0 ? 0 : errno;
}

static bool belongs(const fr__tree *tree, const fr__process_table *table,
                    const fr__process *row) {
  if (row->fresh && tree->self != 0 && row->parent == tree->self && tree->cgroup == NULL)
    return true;
  const fr__process *parent = fr__process_find(table, row->parent);
  return parent != NULL && parent->of_program;
}

/* A parent may stand behind its child in the table, where pids have wrapped. */
static void enroll(const fr__tree *tree, fr__process_table *table, bool all) {
  for (bool more = true; more;) {
    more = false;
    for (size_t i = 0; i < table->count; i++) {
      fr__process *row = &table->row[i];
      if ((all || row->fresh) && !row->of_program && row->looks > 0 &&
          belongs(tree, table, row))
        more = row->of_program = true;
    }
  }
}

static void enroll_member(void *self, int64_t pid) {
  fr__process *row = fr__process_find(self, pid);
  if (row != NULL && row->fresh)
    row->of_program = true;
}

/* Whom the group has and the parents do not tell: what was orphaned before it was seen.
 */
static void enroll_group(const fr__tree *tree, fr__process_table *table) {
  for (size_t i = 0; i < table->count; i++)
    if (table->row[i].fresh && !table->row[i].of_program) {
      fr__cgroup_each(tree->cgroup, enroll_member, table);
      return;
    }
}

enum fr_status fr__tree_init(fr__tree *tree, fr__process_table *table, int64_t root,
                             int64_t self, fr__cgroup *cgroup, fr_error *err) {
  fr__process *row = fr__process_find(table, root);
  if (row == NULL || row->gone)
    return fr__fail(err, FR_ERR_NOT_FOUND, "there is no process %" PRId64, root);
  *tree = (fr__tree){.root = root, .self = self, .cgroup = cgroup};
  row->of_program = true;
  for (size_t i = 0; i < table->count; i++)
    table->row[i].fresh = false; /* what was there before is not the meter's orphan */
  enroll(tree, table, true);
  fr__tree_before(tree);
  tree->usage_base_s = tree->usage_s;
  return FR_OK;
}

void fr__tree_before(fr__tree *tree) {
  if (tree->cgroup != NULL)
    (void)fr__cgroup_usage(tree->cgroup, &tree->usage_s);
}

double fr__rusage_s(const struct rusage *use) {
  return (double)use->ru_utime.tv_sec + (double)use->ru_stime.tv_sec +
         ((double)use->ru_utime.tv_usec + (double)use->ru_stime.tv_usec) * 1e-6;
}

void fr__tree_reaped(fr__tree *tree, double cpu_s) {
  if (isfinite(cpu_s) && cpu_s > 0)
    tree->kin.children_s += cpu_s;
}

/* Whoever lost its parent has a new one. */
static void find_parents(const fr__tree *tree, fr__process_table *table) {
  for (size_t i = 0; i < table->count; i++) {
    fr__process *row = &table->row[i];
    if (!row->of_program || row->gone || row->parent == 0)
      continue;
    const fr__process *parent = fr__process_find(table, row->parent);
    if ((parent == NULL || parent->gone) && fr__process_look(table, row) == 0)
      row->orphan = row->parent == tree->self;
  }
}

/* Only those that are known not to be the meter's own: whoever started one waits for it.
 */
static void reap_orphans(fr__tree *tree, const fr__process_table *table) {
  for (size_t i = 0; i < table->count; i++) {
    struct rusage use;
    const fr__process *row = &table->row[i];
    if (!row->orphan || row->gone || row->pid == tree->root)
      continue;
    if (wait4((pid_t)row->pid, NULL, WNOHANG, &use) == row->pid)
      fr__tree_reaped(tree, fr__rusage_s(&use));
  }
}

/* The books of the nearest ancestor that lives; NULL where that is not the program's. */
static fr__kin *heir(fr__tree *tree, const fr__process_table *table,
                     const fr__process *row) {
  for (size_t depth = 0; depth < table->count; depth++) {
    if (row->parent == tree->self)
      return &tree->kin;
    fr__process *parent = fr__process_find(table, row->parent);
    if (parent == NULL || !parent->of_program)
      return NULL;
    if (!parent->gone)
      return &parent->kin;
    row = parent;
  }
  return NULL;
}

/* What the parent that waits for it will be told, as far as it is known here. */
static double known_s(const fr__process *row) {
  return row->own_s + row->kin.base_s + row->kin.matched_s + row->kin.short_s;
}

static void bury(fr__tree *tree, fr__process_table *table) {
  for (size_t i = 0; i < table->count; i++) {
    const fr__process *row = &table->row[i];
    if (!row->gone || !row->of_program)
      continue;
    fr__kin *kin = heir(tree, table, row);
    if (kin != NULL)
      kin->matched_s += known_s(row);
  }
}

/*
 * What came beyond what is known is of short-lived children. Where less came, the wait is
 * still ahead (a step at most, or within `slack_s`, the ticks that it is counted in), or
 * never comes, since nobody waits: then the books must not hold it against later ones.
 */
static double settle(fr__kin *kin, double slack_s) {
  const double open_s = kin->children_s - kin->base_s - kin->matched_s - kin->short_s;
  const double excess_s = fmax(-open_s - slack_s, 0);
  const double dropped_s = fmin(fmin(excess_s, kin->excess_s), kin->matched_s);
  kin->matched_s -= dropped_s;
  kin->excess_s = excess_s - dropped_s;
  kin->step_s = fmax(open_s, 0);
  kin->short_s += kin->step_s;
  return kin->step_s;
}

/*
 * The time between the last look at a process and its end comes with that of the
 * short-lived ones. It is taken to have gone on as before, as far as that reaches; where
 * there never was a short-lived one, all of it is the process's that ended.
 */
static double give_last(fr__process *row, double most_s, double open_s) {
  const double last_s = fmax(fmin(most_s, open_s), 0);
  row->step_s += last_s;
  row->own_s += last_s;
  row->total_s += last_s;
  return last_s;
}

static void give_lasts(fr__tree *tree, fr__process_table *table, bool all) {
  for (size_t i = 0; i < table->count; i++) {
    fr__process *row = &table->row[i];
    fr__kin *kin = row->of_program && row->gone ? heir(tree, table, row) : NULL;
    if (kin == NULL || kin == &tree->kin ||
        (all && kin->short_s > kin->step_s + table->source.tick_s))
      continue;
    const double most_s = all ? table->span_s : row->last_s;
    const double last_s = give_last(row, most_s, kin->step_s);
    kin->step_s -= last_s;
    kin->short_s -= last_s;
    kin->matched_s += last_s;
    tree->short_step_s -= last_s;
  }
}

static void settle_parents(fr__tree *tree, fr__process_table *table) {
  bury(tree, table);
  for (size_t i = 0; i < table->count; i++) {
    fr__process *row = &table->row[i];
    if (row->of_program && !row->gone)
      tree->short_step_s += settle(&row->kin, 2 * table->source.tick_s);
  }
  give_lasts(tree, table, false);
  give_lasts(tree, table, true);
  const double reaped_s = settle(&tree->kin, 0);
  *(tree->root_gone ? &tree->root_step_s : &tree->short_step_s) += reaped_s;
}

static double give_group_lasts(const fr__tree *tree, fr__process_table *table, bool all,
                               double open_s) {
  if (all && tree->short_s > table->source.tick_s)
    return open_s;
  for (size_t i = 0; i < table->count; i++) {
    fr__process *row = &table->row[i];
    if (row->of_program && row->gone)
      open_s -= give_last(row, all ? table->span_s : row->last_s, open_s);
  }
  return open_s;
}

/* The kernel adds to a group and to its processes in one place, and the group was read
 * first: what it has beyond them is none of those that live. */
static void settle_group(fr__tree *tree, fr__process_table *table) {
  double open_s = tree->usage_s - tree->usage_base_s - tree->seen_s - tree->short_s;
  bool alive = false;
  for (size_t i = 0; i < table->count; i++)
    alive = alive || (table->row[i].of_program && !table->row[i].gone);
  open_s = give_group_lasts(tree, table, false, open_s);
  if (alive)
    open_s = give_group_lasts(tree, table, true, open_s);
  *(alive ? &tree->short_step_s : &tree->root_step_s) = fmax(open_s, 0);
}

/* Of the program's processes. */
static double steps_s(const fr__process_table *table) {
  double sum_s = 0;
  for (size_t i = 0; i < table->count; i++)
    if (table->row[i].of_program)
      sum_s += table->row[i].step_s;
  return sum_s;
}

void fr__tree_step(fr__tree *tree, fr__process_table *table) {
  enroll(tree, table, false);
  if (tree->cgroup != NULL)
    enroll_group(tree, table);
  const fr__process *root = fr__process_find(table, tree->root);
  tree->root_gone = tree->root_gone || root == NULL || (root->of_program && root->gone);
  find_parents(tree, table);
  reap_orphans(tree, table);
  const double seen_s = tree->seen_s;
  tree->seen_s += steps_s(table);
  tree->short_step_s = tree->root_step_s = 0;
  if (tree->cgroup != NULL)
    settle_group(tree, table);
  else
    settle_parents(tree, table);
  tree->seen_s = seen_s + steps_s(table); /* with what was given to those that ended */
  tree->short_s += tree->short_step_s + tree->root_step_s;
}
