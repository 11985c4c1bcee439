/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a report from the threads' trees: one per path. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "meter/phase.h"

typedef struct row {
  fr_phase_report out;
  double shared_energy_j, shared_program_j;
} row;

typedef struct table {
  row *row; /* owned */
  size_t count, capacity;
  size_t threads; /* that were in a phase */
} table;

static row *row_of(table *rows, const char *path) {
  for (size_t i = 0; i < rows->count; i++) {
    if (strcmp(rows->row[i].out.path, path) == 0)
      return &rows->row[i];
  }
  if (rows->count == rows->capacity) {
    const size_t capacity = rows->capacity > 0 ? 2 * rows->capacity : 16;
    row *grown = realloc(rows->row, capacity * sizeof *grown);
    if (grown == NULL)
      return NULL;
    rows->row = grown;
    rows->capacity = capacity;
  }
  row *added = &rows->row[rows->count++];
  memset(added, 0, sizeof *added);
  snprintf(added->out.path, sizeof added->out.path, "%s", path);
  return added;
}

/* energy.value and program.value serve as sums until finish_row makes measures of them.
 */
static void add_node(row *to, const fr__node *node) {
  to->out.count += node->seen_count - node->base_count;
  to->out.duration_s += (double)(node->seen_wall_ns - node->base_wall_ns) * 1e-9;
  to->out.core_s += (double)(node->seen_cpu_ns - node->base_cpu_ns) * 1e-9;
  to->out.energy.value += node->energy_j;
  to->out.program.value += node->program_j;
  to->shared_energy_j += node->shared_energy_j;
  to->shared_program_j += node->shared_program_j;
}

static bool is_new(const fr__node *node) {
  return node->seen_count > node->base_count || node->seen_wall_ns > node->base_wall_ns;
}

static bool collect(const fr__phases *phases, table *rows) {
  fr__thread *t = atomic_load_explicit(&phases->first, memory_order_acquire);
  for (; t != NULL; t = t->next) {
    const uint32_t count = atomic_load_explicit(&t->count, memory_order_acquire);
    bool seen = false;
    for (uint32_t i = 1; i < count; i++) {
      if (!is_new(&t->node[i]))
        continue;
      seen = true;
      row *to = row_of(rows, t->node[i].path);
      if (to == NULL)
        return false;
      add_node(to, &t->node[i]);
    }
    rows->threads += seen;
  }
  return true;
}

static double ratio(double most, double sum) {
  return sum > most && sum > 0 ? fmax(most, 0) / sum : 1;
}

/* The threads' clocks are read a little after the whole's: no more than that is theirs.
 */
static void fit(table *rows, double duration_s, double core_s) {
  double sum_s = 0, sum_core_s = 0;
  for (size_t i = 0; i < rows->count; i++) {
    sum_s += rows->row[i].out.duration_s;
    sum_core_s += rows->row[i].out.core_s;
  }
  const double time = ratio(duration_s * (double)rows->threads, sum_s);
  const double core = ratio(core_s, sum_core_s);
  for (size_t i = 0; i < rows->count; i++) {
    rows->row[i].out.duration_s *= time;
    rows->row[i].out.core_s *= core;
  }
}

static bool add_unmarked(table *rows, const fr__phases *phases, double duration_s,
                         double core_s, double energy_j, double program_j) {
  for (size_t i = 0; i < rows->count; i++) {
    duration_s -= rows->row[i].out.duration_s;
    core_s -= rows->row[i].out.core_s;
    energy_j -= rows->row[i].out.energy.value;
    program_j -= rows->row[i].out.program.value;
  }
  row *rest = row_of(rows, "unmarked");
  if (rest == NULL)
    return false;
  rest->out.duration_s += fmax(duration_s, 0);
  rest->out.core_s += fmax(core_s, 0);
  rest->out.energy.value += fmax(energy_j, 0); /* below 0 by rounding only */
  rest->out.program.value += fmax(program_j, 0);
  rest->shared_energy_j += phases->unmarked_shared_energy_j;
  rest->shared_program_j += phases->unmarked_shared_program_j;
  return true;
}

static int by_path(const void *a, const void *b) {
  const row *x = a, *y = b;
  const bool x_rest = strcmp(x->out.path, "unmarked") == 0;
  const bool y_rest = strcmp(y->out.path, "unmarked") == 0;
  return x_rest != y_rest ? x_rest - y_rest : strcmp(x->out.path, y->out.path);
}

/* Where it began or ended: each time that it was entered, and each phase inside of it.
 * What no phase claims has the edges of the outermost ones. */
static double edges_of(const table *rows, const char *path) {
  const size_t length = strcmp(path, "unmarked") == 0 ? 0 : strlen(path);
  uint64_t count = 0;
  for (size_t i = 0; i < rows->count; i++) {
    const fr_phase_report *const other = &rows->row[i].out;
    const char rest = other->path[length];
    if (length == 0
            ? strchr(other->path, '/') == NULL
            : strncmp(other->path, path, length) == 0 && (rest == '\0' || rest == '/'))
      count += other->count;
  }
  return 2 * (double)count;
}

static enum fr_status detach(const table *rows, const fr_meter_report *whole,
                             fr_phase_report **phase, size_t *count, fr_error *err) {
  const fr_measure energy = whole->energy, program = whole->program;
  const double update_s = energy.source == FR_SOURCE_MODEL ? 0 : whole->update_s;
  const double own = energy.value > 0 ? program.value / energy.value : 0;
  fr_phase_report *out = calloc(rows->count, sizeof *out);
  if (out == NULL)
    return fr__fail_memory(err, "a report of phases");
  for (size_t i = 0; i < rows->count; i++) {
    const row *from = &rows->row[i];
    const double edges_j =
        fr__ledger_edges(update_s, whole->power_max_w, edges_of(rows, from->out.path),
                         from->out.duration_s);
    out[i] = from->out;
    out[i].energy =
        fr__ledger_part(energy, from->out.energy.value, from->shared_energy_j, edges_j);
    out[i].program = fr__ledger_part(program, from->out.program.value,
                                     from->shared_program_j, own * edges_j);
  }
  *phase = out;
  *count = rows->count;
  return FR_OK;
}

enum fr_status fr__phases_report(const fr__phases *phases, const fr_meter_report *whole,
                                 fr_phase_report **phase, size_t *count, fr_error *err) {
  table rows = {0};
  enum fr_status status;
  const double duration_s = whole->duration_s, core_s = whole->core_seconds.value;
  const bool collected = collect(phases, &rows);
  fit(&rows, duration_s, core_s);
  if (!collected || !add_unmarked(&rows, phases, duration_s, core_s, whole->energy.value,
                                  whole->program.value)) {
    status = fr__fail_memory(err, "a report of phases");
    goto done;
  }
  qsort(rows.row, rows.count, sizeof *rows.row, by_path);
  status = detach(&rows, whole, phase, count, err);
done:
  free(rows.row);
  return status;
}
