/* SPDX-License-Identifier: Apache-2.0 */
/* Counts allocations, and makes one of them fail. The linker leads every allocation of
 * the program here, where meson.build names the test in `wrapped`. */
#ifndef FR_TESTS_ALLOCATIONS_H
#define FR_TESTS_ALLOCATIONS_H

#include <stdbool.h>
#include <stddef.h>

static size_t allocations; /* since the count was set back */
static size_t fail_at;     /* that allocation fails; 0: none */

static bool fails(void) { return ++allocations == fail_at; }

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size) { return fails() ? NULL : __real_malloc(size); }

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size) {
  return fails() ? NULL : __real_calloc(count, size);
}

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size) {
  return fails() ? NULL : __real_realloc(old, size);
}

void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

#endif
