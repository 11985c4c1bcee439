/* SPDX-License-Identifier: Apache-2.0 */
/* Names from outside, for people: what a terminal or JSON should not get is replaced. */
#ifndef FR_BASE_PRINTABLE_H
#define FR_BASE_PRINTABLE_H

#include "frugal/base.h"

/* `length` bytes at `text` into `out` of `size` bytes, ended by a NUL: each byte that is
 * part of no printable character of UTF-8 becomes '?', cut at a character's end. */
void fr__printable(const char *text, size_t length, char *out, size_t size);

#endif
