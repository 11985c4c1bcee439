/* SPDX-License-Identifier: Apache-2.0 */
/* One file over HTTP, resumed where it stopped. */
#ifndef FR_DATA_DOWNLOAD_H
#define FR_DATA_DOWNLOAD_H

#include "frugal/data.h"

/* The body of `url` (http or https, certificates checked) at the end of `path`, of which
 * what is there already is not asked for again; at most `ceiling` bytes in all. After a
 * failure `path` holds what came, for the next try. `progress` may be NULL. */
enum fr_status fr__download(const char *url, const char *path, uint64_t ceiling,
                            void (*progress)(void *self, double done), void *self,
                            fr_error *err);

#endif
