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
 * whose first values stand at t_ns 0.
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

/* Monotonic; counts suspend time where the machine's clock can (CLOCK_BOOTTIME). */
uint64_t fr__world_ns(const fr__world *world);
/* A recording's clock moves to `t_ns`, with all changes up to there; false where the
 * recording ends before, at whose end it then stands. */
bool fr__world_move(fr__world *world, uint64_t t_ns);
uint64_t fr__world_end_ns(const fr__world *world); /* of a recording */

/* `path` as on the machine: "/sys/class/powercap/…". 0 or errno. A file stays open: one
 * pread a reading. */
int fr__world_open(fr__world *world, const char *path, fr__channel **out);
void fr__channel_close(fr__channel *channel);
/* The whole content, NUL behind it, cut at `size`; 0 or errno. */
int fr__channel_text(fr__channel *channel, char *text, size_t size);
/* A whole number that fills the first line (decimal, or hexadecimal after 0x); EINVAL. */
int fr__channel_u64(fr__channel *channel, uint64_t *out);

/* Once: the first line without its end, or a number. 0 or errno. */
int fr__world_text(fr__world *world, const char *path, char *text, size_t size);
int fr__world_u64(fr__world *world, const char *path, uint64_t *out);
/* Names in a directory, in order; stops where `each` returns false. 0 or errno. */
int fr__world_list(fr__world *world, const char *directory,
                   bool (*each)(void *self, const char *name), void *self);

#endif
