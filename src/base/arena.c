/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum fr_status fr__arena_init(fr__arena *arena, size_t size, fr_error *err) {
  if (size > SIZE_MAX - FR__ALIGN)
    return fr__fail_memory(err, "an arena");
  /* aligned_alloc wants a multiple of the alignment, and a size of zero may give NULL. */
  const size_t whole = (size / FR__ALIGN + 1) * FR__ALIGN;
  unsigned char *base = aligned_alloc(FR__ALIGN, whole);
  if (base == NULL)
    return fr__fail(err, FR_ERR_MEMORY, "out of memory for an arena of %zu bytes", size);
  memset(base, 0, whole);
  *arena = (fr__arena){.base = base, .size = whole};
  return FR_OK;
}

void fr__arena_release(fr__arena *arena) {
  free(arena->base);
  *arena = (fr__arena){0};
}

void *fr__arena_take(fr__arena *arena, size_t count, size_t size) {
  if (size != 0 && count > (SIZE_MAX - FR__ALIGN) / size) {
    arena->used = SIZE_MAX - FR__ALIGN; /* so that no allocation can satisfy the sum */
    return NULL;
  }
  const size_t bytes = (count * size + FR__ALIGN - 1) / FR__ALIGN * FR__ALIGN;
  if (bytes > SIZE_MAX - FR__ALIGN - arena->used) {
    arena->used = SIZE_MAX - FR__ALIGN;
    return NULL;
  }
  if (arena->base == NULL) {
    arena->used += bytes;
    return NULL;
  }
  if (bytes > arena->size - arena->used)
    return NULL;
  void *piece = arena->base + arena->used;
  arena->used += bytes;
  return piece;
}
