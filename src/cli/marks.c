/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/marks.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum fr_status cli_marks_init(cli_marks *marks, fr_error *err) {
  *marks = (cli_marks){.rows = 1};
  marks->row = calloc(CLI_MARK_ROWS, sizeof *marks->row);
  marks->pending = calloc(CLI_MARK_PENDING, sizeof *marks->pending);
  marks->changed = calloc(CLI_MARK_PENDING, sizeof *marks->changed);
  if (marks->row == NULL || marks->pending == NULL || marks->changed == NULL) {
    cli_marks_release(marks);
    return fr__fail_memory(err, "the phases");
  }
  strcpy(marks->row[0].path, "unmarked");
  return FR_OK;
}

void cli_marks_release(cli_marks *marks) {
  free(marks->row);
  free(marks->pending);
  free(marks->changed);
  *marks = (cli_marks){0};
}

/* ---- marks ---- */

static bool refuse(cli_marks *marks, char why[160], const char *format,
                   const char *name) {
  char text[160], shown[CLI_MARK_NAME];
  size_t n = 0; /* what the sender wrote is shown without what a terminal would obey */
  for (; name[n] != '\0' && n + 1 < sizeof shown; n++)
    shown[n] = name[n] < 0x20 || name[n] > 0x7e ? '?' : name[n];
  shown[n] = '\0';
  snprintf(text, sizeof text, format, shown);
  if (marks->ignored++ == 0)
    strcpy(marks->why, text);
  if (why != NULL)
    strcpy(why, text);
  return false;
}

static bool is_utf8(const char *text) {
  json_t *string = json_string(text); /* which is what the name becomes in the end */
  json_decref(string);
  return string != NULL;
}

static bool is_name(const char *name) {
  const size_t length = strlen(name);
  if (length == 0 || length >= CLI_MARK_NAME)
    return false;
  for (size_t i = 0; i < length; i++)
    if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f || name[i] == '/')
      return false;
  return is_utf8(name);
}

static size_t current(const cli_marks *marks) {
  return marks->depth > 0 ? marks->stack[marks->depth - 1].row : 0;
}

/* The row of that name below `parent`, made where it is new; 0: no room. */
static size_t find_row(cli_marks *marks, size_t parent, const char *name) {
  for (size_t i = 1; i < marks->rows; i++)
    if (marks->row[i].parent == parent && strcmp(marks->row[i].name, name) == 0)
      return i;
  if (marks->rows == CLI_MARK_ROWS)
    return 0;
  char path[CLI_MARK_PATH];
  const int length =
      snprintf(path, sizeof path, "%s%s%s", parent == 0 ? "" : marks->row[parent].path,
               parent == 0 ? "" : "/", name);
  if (length >= (int)sizeof path)
    return 0;
  cli_phase *row = &marks->row[marks->rows];
  strcpy(row->path, path);
  strcpy(row->name, name);
  row->parent = parent;
  return marks->rows++;
}

static void tell(cli_marks *marks, const cli_stretch *stretch) {
  if (marks->changes < CLI_MARK_PENDING)
    marks->changed[marks->changes++] = *stretch;
}

/* No phase is longer than the run. */
static uint64_t clip(const cli_marks *marks, uint64_t t_ns) {
  return marks->closed && t_ns > marks->last.t_ns ? marks->last.t_ns : t_ns;
}

static void move_to(cli_marks *marks, size_t row, uint64_t t_ns) {
  if (marks->closed)
    return;
  /* arrival times of several threads may cross by a little */
  if (marks->waiting > 0 && t_ns < marks->pending[marks->waiting - 1].t_ns)
    t_ns = marks->pending[marks->waiting - 1].t_ns;
  marks->pending[marks->waiting].t_ns = t_ns;
  marks->pending[marks->waiting].row = row;
  marks->waiting++;
}

bool cli_marks_begin(cli_marks *marks, const char *name, uint64_t t_ns, char why[160]) {
  if (!is_name(name))
    return refuse(marks, why,
                  "'%s' is not a phase's name: 1 to 63 bytes of UTF-8 without '/'", name);
  if (marks->depth == 0 && strcmp(name, marks->row[0].path) == 0)
    return refuse(marks, why, "'%s' is what no phase claims", name);
  if (marks->depth == CLI_MARK_DEPTH)
    return refuse(marks, why, "phase '%s' is nested deeper than 16", name);
  if (marks->waiting == CLI_MARK_PENDING)
    return refuse(marks, why, "phase '%s' is one of too many between two samples", name);
  const size_t row = find_row(marks, current(marks), name);
  if (row == 0)
    return refuse(marks, why, "phase '%s' is one path too many", name);
  marks->row[row].count++;
  cli_stretch *stretch = &marks->stack[marks->depth++];
  *stretch = (cli_stretch){++marks->number, row, clip(marks, t_ns), 0, false};
  tell(marks, stretch);
  move_to(marks, row, t_ns);
  return true;
}

/* The phase at that depth, from 1 on, and those inside of it. */
static void end_from(cli_marks *marks, size_t depth, uint64_t t_ns) {
  /* an end is always taken, or a phase would never close: it replaces the last mark */
  if (marks->waiting == CLI_MARK_PENDING)
    marks->waiting--;
  while (marks->depth >= depth) {
    cli_stretch *stretch = &marks->stack[--marks->depth];
    stretch->end_ns = clip(marks, t_ns > stretch->begin_ns ? t_ns : stretch->begin_ns);
    tell(marks, stretch);
  }
  move_to(marks, current(marks), t_ns);
}

bool cli_marks_end(cli_marks *marks, const char *name, uint64_t t_ns, char why[160]) {
  size_t depth = marks->depth;
  while (depth > 0 && name != NULL &&
         strcmp(marks->row[marks->stack[depth - 1].row].name, name) != 0)
    depth--;
  if (depth == 0)
    return refuse(marks, why,
                  name != NULL ? "no phase '%s' is open" : "no phase is open%s",
                  name != NULL ? name : "");
  end_from(marks, depth, t_ns);
  return true;
}

bool cli_marks_next(cli_marks *marks, const char *name, uint64_t t_ns, char why[160]) {
  size_t depth = marks->depth;
  while (depth > 0 && !marks->stack[depth - 1].lasting)
    depth--;
  if (depth > 0)
    end_from(marks, depth, t_ns);
  if (!cli_marks_begin(marks, name, t_ns, why))
    return false;
  marks->stack[marks->depth - 1].lasting = true;
  return true;
}

bool cli_marks_line(cli_marks *marks, const char *line, uint64_t t_ns, char why[160]) {
  if (strncmp(line, "begin ", 6) == 0)
    return cli_marks_begin(marks, line + 6, t_ns, why);
  if (strncmp(line, "end ", 4) == 0)
    return cli_marks_end(marks, line + 4, t_ns, why);
  if (strcmp(line, "end") == 0)
    return cli_marks_end(marks, NULL, t_ns, why);
  return refuse(marks, why, "'%s' is neither 'begin NAME' nor 'end NAME'", line);
}

/* ---- samples ---- */

static cli_point between(const cli_point *a, const cli_point *b, uint64_t t_ns) {
  if (t_ns <= a->t_ns)
    return *a;
  if (t_ns >= b->t_ns)
    return *b;
  const double share = (double)(t_ns - a->t_ns) / (double)(b->t_ns - a->t_ns);
  return (cli_point){t_ns, a->energy_j + share * (b->energy_j - a->energy_j),
                     a->program_j + share * (b->program_j - a->program_j),
                     a->core_s + share * (b->core_s - a->core_s)};
}

static void give(cli_phase *row, const cli_point *from, const cli_point *to,
                 bool shared) {
  const double energy_j = to->energy_j - from->energy_j;
  const double program_j = to->program_j - from->program_j;
  row->duration_s += (double)(to->t_ns - from->t_ns) * 1e-9;
  row->energy_j += energy_j;
  row->program_j += program_j;
  row->core_s += to->core_s - from->core_s;
  if (shared) {
    row->shared_energy_j += energy_j;
    row->shared_program_j += program_j;
  }
}

void cli_marks_sample(cli_marks *marks, const cli_point *point) {
  if (point->t_ns < marks->last.t_ns)
    return;
  cli_point from = marks->last;
  size_t taken = 0;
  for (; taken < marks->waiting && marks->pending[taken].t_ns <= point->t_ns; taken++) {
    const cli_point to = between(&marks->last, point, marks->pending[taken].t_ns);
    give(&marks->row[marks->settled], &from, &to, true);
    marks->row[marks->settled].edges++;
    marks->settled = marks->pending[taken].row;
    marks->row[marks->settled].edges++;
    from = to;
  }
  give(&marks->row[marks->settled], &from, point, taken > 0);
  marks->waiting -= taken;
  memmove(marks->pending, marks->pending + taken,
          marks->waiting * sizeof *marks->pending);
  marks->last = *point;
}

/* ---- the end ---- */

void cli_marks_close(cli_marks *marks) {
  const uint64_t end_ns = marks->last.t_ns;
  marks->closed = true;
  marks->waiting = 0;
  for (size_t i = 0; i < marks->changes; i++) {
    cli_stretch *stretch = &marks->changed[i];
    stretch->begin_ns = clip(marks, stretch->begin_ns);
    stretch->end_ns = clip(marks, stretch->end_ns);
  }
  for (size_t i = 0; i < marks->depth; i++) {
    cli_stretch *open = &marks->stack[i];
    open->begin_ns = clip(marks, open->begin_ns);
    cli_stretch stretch = *open;
    stretch.end_ns = end_ns;
    tell(marks, &stretch);
  }
}

const char *cli_marks_open(const cli_marks *marks) {
  for (size_t depth = marks->depth; depth > 0; depth--)
    if (!marks->stack[depth - 1].lasting)
      return marks->row[marks->stack[depth - 1].row].path;
  return NULL;
}
