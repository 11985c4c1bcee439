/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phases of a program that is metered from outside: marks "begin NAME" and "end NAME"
 * with the time of their arrival, one stack for all who send them, and the energy between
 * the marks, interpolated between the samples around each.
 *
 * Times, joules and core-seconds are exclusive: a second in train/forward is not in
 * train, and all rows, "unmarked" among them, add up to the total.
 */
#ifndef FR_CLI_MARKS_H
#define FR_CLI_MARKS_H

#include "frugal/base.h"

#define CLI_MARK_NAME 64      /* bytes of a name, NUL included */
#define CLI_MARK_PATH 256     /* of a path */
#define CLI_MARK_DEPTH 16     /* phases open at a time */
#define CLI_MARK_ROWS 256     /* paths */
#define CLI_MARK_PENDING 4096 /* marks between two samples */

typedef struct cli_point { /* since the meter's start, by the machine's clock */
  uint64_t t_ns;
  double energy_j, program_j, core_s;
} cli_point;

typedef struct cli_phase {
  char path[CLI_MARK_PATH]; /* "train/forward"; row 0 is "unmarked" */
  char name[CLI_MARK_NAME];
  size_t parent;
  uint64_t count; /* times entered */
  uint64_t edges; /* where it, alone of all, began or ended */
  double duration_s, energy_j, program_j, core_s;
  double shared_energy_j, shared_program_j; /* beside other phases in one sample */
} cli_phase;

/* One time that a phase was entered, for whoever draws it. */
typedef struct cli_stretch {
  int64_t number;
  size_t row;
  uint64_t begin_ns, end_ns; /* end 0: it is open */
  bool lasting;              /* until the next of its kind, or the end */
} cli_stretch;

typedef struct cli_marks {
  cli_phase *row; /* (rows) owned; row 0 is "unmarked" */
  size_t rows;
  cli_stretch stack[CLI_MARK_DEPTH];
  size_t depth;
  int64_t number;       /* of the last stretch */
  cli_stretch *changed; /* (CLI_MARK_PENDING) begun or ended since it was last emptied */
  size_t changes;       /* what does not fit is not drawn */
  struct {
    uint64_t t_ns;
    size_t row; /* current from then on */
  } * pending;  /* (CLI_MARK_PENDING) owned */
  size_t waiting;
  size_t settled; /* the row that is current behind the last sample */
  cli_point last;
  bool closed;      /* the run has ended, at `last` */
  uint64_t ignored; /* marks that were not taken */
  char why[160];    /* the first of them; "" where none */
} cli_marks;

enum fr_status cli_marks_init(cli_marks *marks, fr_error *err);
void cli_marks_release(cli_marks *marks);

/* False where it is not taken, with a sentence in `why`, which may be NULL. `name` is of
 * 1 to 63 bytes, printable UTF-8, without '/'. */
bool cli_marks_begin(cli_marks *marks, const char *name, uint64_t t_ns, char why[160]);
/* Ends the innermost phase of that name and those inside of it; NULL: the innermost. */
bool cli_marks_end(cli_marks *marks, const char *name, uint64_t t_ns, char why[160]);
/* Begins a phase that lasts until the next one that is begun so, or to the end of the
 * run. That one before ends in any case, what is inside of it too. */
bool cli_marks_next(cli_marks *marks, const char *name, uint64_t t_ns, char why[160]);
/* "begin NAME", "end NAME" or "end", without line feed. */
bool cli_marks_line(cli_marks *marks, const char *line, uint64_t t_ns, char why[160]);

/* The next sample: what was spent since the one before goes to the phases of that time.
 * Marks that came later wait for the next one. */
void cli_marks_sample(cli_marks *marks, const cli_point *point);

/* The last sample was the end of the run: marks that are or will be stamped later count
 * as made there, with no time in them, and phases that are open end there. */
void cli_marks_close(cli_marks *marks);
/* The innermost phase that was begun and never ended; NULL: none. */
const char *cli_marks_open(const cli_marks *marks);

#endif
