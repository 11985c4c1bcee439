/* SPDX-License-Identifier: Apache-2.0 */
/* What is secret: out of the environment or a file that is its owner's alone. It is never
 * part of a message, a log, a cache or a command line. */
#ifndef FR_CARBON_KEY_H
#define FR_CARBON_KEY_H

#include "frugal/base.h"

#define FR__KEY_SIZE 1024 /* bytes, with the NUL */

/*
 * The key in the environment's `variable`, else in `$XDG_CONFIG_HOME/frugal/NAME.key`
 * (one line; its mode 0600, its owner whoever runs this, also where a link leads to it).
 * FR_ERR_NOT_FOUND, with both places named, where there is none; FR_ERR_PERMISSION for a
 * file that others can read. The caller wipes it (fr__key_wipe).
 */
enum fr_status fr__key_find(const char *variable, const char *name,
                            char key[FR__KEY_SIZE], fr_error *err);
void fr__key_wipe(void *bytes, size_t size);

/* `text` (printable bytes alone, at most size - 1) into `out`, each eight bytes of it
 * that also stand in `key` as '*': what a server says may repeat it. */
void fr__key_mask(const char *text, const char *key, char *out, size_t size);

#endif
