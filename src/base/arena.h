/* SPDX-License-Identifier: Apache-2.0 */
/* One allocation, handed out in pieces: all parameters of a network, all its activations.
 */
#ifndef FR_BASE_ARENA_H
#define FR_BASE_ARENA_H

#include "frugal/base.h"

#define FR__ALIGN 64 /* bytes: a cache line, and the widest vector register */

typedef struct fr__arena {
  unsigned char *base; /* owned; NULL while the arena only measures */
  size_t size;
  size_t used;
} fr__arena;

/* `size` zeroed bytes, aligned to FR__ALIGN. */
enum fr_status fr__arena_init(fr__arena *arena, size_t size, fr_error *err);
void fr__arena_release(fr__arena *arena);

/* `count` elements of `size` bytes, aligned to FR__ALIGN; NULL where they do not fit. In
 * an arena without base (all zero) it returns NULL and only adds up `used`, which is then
 * the size to ask for: lay out once to measure, once to take. */
void *fr__arena_take(fr__arena *arena, size_t count, size_t size);

#endif
