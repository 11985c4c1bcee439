/* SPDX-License-Identifier: Apache-2.0 */
#include "meter/process_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"

#define RESTED 8   /* steps without running after which a process counts as asleep */
#define SLEEPERS 4 /* one in so many of these is asked at a step */
#define FRUITLESS                                                                        \
  2             /* steps for which they are left alone after all were asked in vain      \
                 */
#define LOOKS 3 /* a process has its parent's name until it becomes its own program */

enum fr_status fr__process_table_init(fr__process_table *table, fr__world *world,
                                      fr_error *err) {
  *table = (fr__process_table){0};
  return fr__process_source_init(&table->source, world, err);
}

void fr__process_table_release(fr__process_table *table) {
  fr__process_source_release(&table->source);
  free(table->row);
  free(table->spare);
  free(table->pids.pid);
  *table = (fr__process_table){.source = {.proc = -1, .loadavg = -1, .stat = -1}};
}

fr__process *fr__process_find(const fr__process_table *table, int64_t pid) {
  size_t low = 0, high = table->count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (table->row[middle].pid < pid)
      low = middle + 1;
    else
      high = middle;
  }
  return low < table->count && table->row[low].pid == pid ? &table->row[low] : NULL;
}

/* The range wraps where the kernel began again with small pids. */
static bool was_given_out(const fr__process_table *table, int64_t pid) {
  const int64_t from = table->from, to = table->to;
  if (from == to)
    return from == 0; /* any, or none */
  return from < to ? pid > from && pid <= to : pid > from || pid <= to;
}

/* The name stays where only the script's was added to it. Its command line is read where
 * the name is new, and while it may be about to become another program. */
static void take_name(fr__process_table *table, fr__process *row,
                      const fr__process_stat *stat) {
  const size_t length = strlen(stat->name);
  const bool same = row->looks > 0 && strncmp(row->name, stat->name, length) == 0 &&
                    (row->name[length] == ' ' || row->name[length] == '\0');
  if (same && row->looks >= LOOKS)
    return;
  char words[1024];
  size_t got = 0;
  const fr__process_source *source = &table->source;
  if (source->ops->words != NULL && fr__process_is_interpreter(stat->name))
    (void)source->ops->words(&table->source, row->pid, words, sizeof words, &got);
  if (same && got == 0) /* one that has ended has no command line any more */
    return;
  memcpy(row->name, stat->name, sizeof row->name);
  if (got > 0) {
    words[got - 1] = '\0'; /* cut off, or ended by the process itself */
    fr__process_script(words, got, row->name);
  }
}

int fr__process_look(fr__process_table *table, fr__process *row) {
  fr__process_stat stat;
  const int failed = table->source.ops->stat(&table->source, row->pid, &stat);
  if (failed != 0)
    return failed;
  if (row->looks > 0 && stat.start_ticks != row->start_ticks)
    return ESRCH;
  row->start_ticks = stat.start_ticks;
  row->parent = stat.parent;
  row->kin.children_s = stat.children_s;
  take_name(table, row, &stat);
  row->looks++;
  return 0;
}

static bool make_room(fr__process **row, size_t *room, size_t wanted) {
  if (wanted <= *room)
    return true;
  const size_t more = wanted + wanted / 2 + 64;
  fr__process *grown = realloc(*row, more * sizeof *grown);
  if (grown == NULL)
    return false;
  *row = grown;
  *room = more;
  return true;
}

/* Both lists rise. Where all processes are listed, an old row that is not among them has
 * ended; it stays for this step, so that its parent's books can be settled. */
static size_t merge(fr__process *out, const fr__process *old, size_t olds,
                    const fr__pids *pids, bool all) {
  size_t filled = 0;
  for (size_t i = 0, j = 0; i < olds || j < pids->count;) {
    if (j == pids->count || (i < olds && old[i].pid < pids->pid[j])) {
      out[filled] = old[i++];
      out[filled++].gone = all;
    } else if (i == olds || pids->pid[j] < old[i].pid) {
      out[filled++] = (fr__process){.pid = pids->pid[j++], .fresh = true};
    } else {
      out[filled++] = old[i++];
      j++;
    }
  }
  return filled;
}

static enum fr_status relist(fr__process_table *table, fr_error *err) {
  fr__process_source *source = &table->source;
  const bool all = !table->begun || table->stale || source->ops->probe == NULL ||
                   !source->ops->probe(source, table->from, table->to, &table->pids);
  const int failed = all ? source->ops->list(source, &table->pids) : 0;
  if (failed != 0)
    return fr__fail_errno(err, failed, "'/proc' cannot be listed");
  if (!all && table->pids.count == 0)
    return FR_OK;
  if (!make_room(&table->spare, &table->spare_room, table->count + table->pids.count))
    return fr__fail_memory(err, "the processes");
  const size_t count = merge(table->spare, table->row, table->count, &table->pids, all);
  fr__process *const row = table->spare;
  const size_t room = table->spare_room;
  table->spare = table->row;
  table->spare_room = table->room;
  table->row = row;
  table->room = room;
  table->count = count;
  table->stale = false;
  return FR_OK;
}

/*
 * Before any process's own time is read: a child that is waited for in between is then
 * missed in both for this step, and never counted in both.
 */
static void look_at_family(fr__process_table *table, fr__process *row) {
  double own_s;
  const int failed = table->source.ops->own(&table->source, row->pid, &own_s);
  if (failed != 0 || own_s == row->looked_s)
    return;
  if (fr__process_look(table, row) == ESRCH)
    row->gone = true;
  else
    row->looked_s = own_s;
}

/* The same pid with less time, or one given out anew: another process? */
static bool is_reused(fr__process_table *table, fr__process *row, double own_s) {
  if (own_s >= row->own_s && !was_given_out(table, row->pid))
    return false;
  fr__process_stat stat;
  const int failed = table->source.ops->stat(&table->source, row->pid, &stat);
  return failed == ESRCH || (failed == 0 && stat.start_ticks != row->start_ticks);
}

static void run_row(fr__process_table *table, fr__process *row) {
  double own_s;
  const int failed = table->source.ops->own(&table->source, row->pid, &own_s);
  if (failed == ESRCH) {
    row->gone = true;
  } else if (failed == 0 && own_s != row->own_s) {
    if (is_reused(table, row, own_s)) {
      row->gone = table->stale = true;
      return;
    }
    if (row->looks < LOOKS)
      (void)fr__process_look(table, row);
    row->step_s = own_s > row->own_s ? own_s - row->own_s : 0;
    row->own_s += row->step_s;
  }
  row->rested = row->step_s > 0 ? 0 : row->rested + 1;
}

/* A process that ended between the list and here was too short-lived to know. */
static void begin_row(fr__process_table *table, fr__process *row) {
  double own_s;
  if (fr__process_look(table, row) != 0 ||
      table->source.ops->own(&table->source, row->pid, &own_s) != 0) {
    row->gone = true;
    return;
  }
  row->own_s = own_s;
  row->step_s = table->begun ? own_s : 0;
  if (!table->begun)
    row->kin.base_s = row->kin.children_s;
}

static void sweep(fr__process_table *table,
                  void (*ended)(void *self, const fr__process *row), void *self) {
  size_t kept = 0;
  for (size_t i = 0; i < table->count; i++) {
    const fr__process *row = &table->row[i];
    if (row->gone && row->looks > 0)
      ended(self, row);
    else if (!row->gone && kept++ != i)
      table->row[kept - 1] = *row;
  }
  table->count = kept;
}

/* `longer`: how many times as long this step is as the one before. */
static void open_step(fr__process_table *table, double longer) {
  for (size_t i = 0; i < table->count; i++) {
    fr__process *row = &table->row[i];
    row->fresh = false;
    row->last_s = row->step_s * longer;
    row->step_s = 0;
    row->kin.step_s = 0;
  }
}

static void look_at_families(fr__process_table *table) {
  for (size_t i = 0; i < table->count; i++) {
    fr__process *row = &table->row[i];
    if (row->of_program && !row->gone && !row->fresh)
      look_at_family(table, row);
  }
}

/* Most processes sleep for hours: of those of other programs, one in four is asked. */
static bool sleeps(const fr__process_table *table, const fr__process *row) {
  return table->source.ops->probe != NULL && !row->of_program && !row->fresh &&
         row->rested >= RESTED && ((uint64_t)row->pid + table->turn) % SLEEPERS != 0 &&
         !was_given_out(table, row->pid);
}

static double run_rows(fr__process_table *table, bool sleepers) {
  double sum_s = 0;
  for (size_t i = 0; i < table->count; i++) {
    fr__process *row = &table->row[i];
    if (row->gone || sleeps(table, row) != sleepers)
      continue;
    if (row->fresh)
      begin_row(table, row);
    else
      run_row(table, row);
    row->total_s += row->step_s;
    sum_s += row->step_s;
  }
  return sum_s;
}

/*
 * Where the machine was busier than those who were asked, by more than the ticks that it
 * is counted in, a sleeper woke; or short-lived processes came and went, as compilers do
 * for minutes: then asking them all would double the cost, and tell nothing.
 */
static void wake_sleepers(fr__process_table *table, double unknown_s) {
  if (unknown_s <= 2 * table->source.tick_s)
    table->patience = 0;
  else if (table->patience > 0)
    table->patience--;
  else if (run_rows(table, true) < unknown_s / 2)
    table->patience = FRUITLESS;
}

static void update(fr__process_table *table) {
  const double before_s = table->busy_s;
  (void)table->source.ops->busy(&table->source, &table->busy_s);
  look_at_families(table);
  const double asked_s = run_rows(table, false);
  wake_sleepers(table, table->busy_s - before_s - asked_s);
  table->turn++;
}

static double next_step(fr__process_table *table) {
  fr__world *world = table->source.world;
  const uint64_t now_ns = world != NULL ? fr__world_ns(world) : fr__clock_ns();
  const double span_s = (double)(now_ns - table->scan_ns) * 1e-9;
  const double longer = table->span_s > 0 ? span_s / table->span_s : 0;
  table->scan_ns = now_ns;
  table->span_s = span_s;
  return longer;
}

enum fr_status fr__process_table_scan(fr__process_table *table,
                                      void (*ended)(void *self, const fr__process *row),
                                      void *self, fr_error *err) {
  fr__process_source *source = &table->source;
  sweep(table, ended, self);
  open_step(table, next_step(table));
  const bool forked = source->ops->forked(source, &table->from, &table->to);
  if (forked || table->stale || !table->begun) {
    const enum fr_status status = relist(table, err);
    if (status != FR_OK) {
      table->stale = true;
      return status;
    }
  }
  update(table);
  table->begun = true;
  return FR_OK;
}
