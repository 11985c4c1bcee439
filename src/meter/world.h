/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the meter reads and when: this machine, a tree that stands for it and is read in
 * real time, or a recording with its own clock. Everything that a sensor reads goes
 * through here, so that one and the same code is tested on recordings.
 *
 * A recording is a folder: sys/, dev/ and proc/ hold the files as they were at the start,
 * timeline.csv the changes as t_ns,path,value, in order of time; a value "!ERRNO" makes
 * reads fail with that number ("!EIO" and "!5" are the same); its last row ends the run.
 * Beside files, "perf:EVENT:CPU", "msr:CPU:REGISTER" and "nvml:GPU:COUNTER" are paths,
 * whose first values stand at t_ns 0 ("perf:EVENT" is that of every processor). Paths of
 * files may begin with '/' or without. A time that is before that of the row above is a
 * clock that was set back: time goes on from where it was.
 */
#ifndef FR_METER_WORLD_H
#define FR_METER_WORLD_H

#include "frugal/base.h"

typedef struct fr__world fr__world;
typedef struct fr__channel fr__channel; /* something that is read again and again */

/* `root` stands for "/"; NULL and "" are this machine. */
enum fr_status fr__world_new(const char *root, fr__world **out, fr_error *err);
enum fr_status fr__world_new_replay(const char *folder, fr__world **out, fr_error *err);
void fr__world_free(fr__world *world);

bool fr__world_is_here(const fr__world *world);   /* this machine itself */
bool fr__world_is_replay(const fr__world *world); /* its clock is its own */

/* What stands for "/": "" on this machine; a recording's folder. */
const char *fr__world_root(const fr__world *world);

/* Monotonic; counts suspend time where the machine's clock can (CLOCK_BOOTTIME). */
uint64_t fr__world_ns(const fr__world *world);
/* The same and the time without suspends. In a recording a suspend is a gap between two
 * rows of more than a second and 20 times what is usual there. One caller at a time. */
void fr__world_clocks(fr__world *world, uint64_t *t_ns, uint64_t *awake_ns);

/* A recording's clock moves to `t_ns`, with all changes up to there; false where the
 * recording ends before, at whose end it then stands. */
bool fr__world_move(fr__world *world, uint64_t t_ns);
uint64_t fr__world_end_ns(const fr__world *world); /* of a recording */
/* The time of its next row, UINT64_MAX behind the last one. */
uint64_t fr__world_next_ns(const fr__world *world);
/* To its start, the rows at t_ns 0 done. */
void fr__world_rewind(fr__world *world);
size_t fr__world_jumps(const fr__world *world); /* times its clock went back */

/* `path` as on the machine: "/sys/class/powercap/…". 0 or errno. A file stays open: one
 * pread a reading. */
int fr__world_open(fr__world *world, const char *path, fr__channel **out);
/* What another owner opened, such as the file of "perf:energy-pkg:0": of this machine
 * only; `fd` is the channel's from then on, closed with it, where that succeeds. 0 or
 * errno. */
int fr__world_adopt(fr__world *world, const char *path, int fd, fr__channel **out);
void fr__channel_close(fr__channel *channel);
/* The whole content, NUL behind it, cut at `size`; 0 or errno. */
int fr__channel_text(fr__channel *channel, char *text, size_t size);
/* A whole number that fills the first line (decimal, or hexadecimal after 0x); EINVAL. */
int fr__channel_u64(fr__channel *channel, uint64_t *out);
/* Eight bytes of a device at `offset` (a register, a counter), in a recording the number
 * as above; 0 or errno. */
int fr__channel_raw(fr__channel *channel, uint64_t offset, uint64_t *out);

/* Once: the first line without its end, or a number. 0 or errno. */
int fr__world_text(fr__world *world, const char *path, char *text, size_t size);
int fr__world_u64(fr__world *world, const char *path, uint64_t *out);
/* Names in a directory, in order; stops where `each` returns false. 0 or errno. */
int fr__world_list(fr__world *world, const char *directory,
                   bool (*each)(void *self, const char *name), void *self);

/* ---- what was read, for who records it ---- */

typedef struct fr__touch {
  char *path;           /* "msr:0:0x611" for a register of a device that is open */
  fr__channel *channel; /* while it is open; NULL: it was read once, or not at all */
  uint64_t offset;      /* with `raw` */
  bool raw;             /* eight bytes, by fr__channel_raw */
  int error;            /* of opening it */
} fr__touch;

#define FR__TOUCHES 4096

/* Takes down what is opened from here on, each path once, the first FR__TOUCHES. */
void fr__world_note(fr__world *world);
size_t fr__world_touches(const fr__world *world, const fr__touch **out);

#endif
