/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's one-value files. Failures are errno values, since doctor tells them apart.
 */
#ifndef FR_METER_SYSFS_H
#define FR_METER_SYSFS_H

#include "frugal/base.h"

#define FR__SYSFS_TEXT 256 /* bytes of a value, NUL included */
#define FR__SYSFS_PATH 512

/* The first line of `path` without its end; 0 or errno. */
int fr__sysfs_text(const char *path, char text[FR__SYSFS_TEXT]);

/* A whole number that fills the line (decimal, or hexadecimal after 0x); EINVAL where it
 * is none. */
int fr__sysfs_u64(const char *path, uint64_t *out);

/* What a line holds, as above: 0, EINVAL or ERANGE. */
int fr__sysfs_parse_u64(const char *text, uint64_t *out);

/* The same from an open file, read again from its start: one pread, no allocation. */
int fr__sysfs_u64_fd(int fd, uint64_t *out);

#endif
