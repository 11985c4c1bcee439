/* SPDX-License-Identifier: Apache-2.0 */
/* Names that people write. */
#ifndef FR_NN_WORD_H
#define FR_NN_WORD_H

#include <stdbool.h>
#include <stddef.h>

/* The text of `length` bytes is `name`, in which an underscore may stand for a hyphen. */
bool fr__word_is(const char *text, size_t length, const char *name);

#endif
