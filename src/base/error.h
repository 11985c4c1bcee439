/* SPDX-License-Identifier: Apache-2.0 */
/* How the rooms report failure: one call that fills the sentence and returns the status.
 */
#ifndef FR_BASE_ERROR_H
#define FR_BASE_ERROR_H

#include "frugal/base.h"

/* Fills *err (which may be NULL) and returns `status`, so that a failing function ends in
 * `return fr__fail(err, FR_ERR_FORMAT, "'%s' is not a number", text);`. A sentence too
 * long for fr_error is cut at its end. */
enum fr_status fr__fail(fr_error *err, enum fr_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with `: <strerror(errno)>` appended; ENOMEM, EACCES, EPERM and ENOENT choose
 * their own status, everything else is FR_ERR_IO. */
enum fr_status fr__fail_errno(fr_error *err, int number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "out of memory", with what was wanted. */
enum fr_status fr__fail_memory(fr_error *err, const char *what);

#endif
