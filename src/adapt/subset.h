/* SPDX-License-Identifier: Apache-2.0 */
/* Some of many samples. */
#ifndef FR_ADAPT_SUBSET_H
#define FR_ADAPT_SUBSET_H

#include "frugal/data.h"

/* Those of `from` whose mark is `want`, in their order: the arrays are new (owned), what
 * x points to is not. */
enum fr_status fr__subset_init(fr_samples *out, const fr_samples *from, const bool *mark,
                               bool want, fr_error *err);
void fr__subset_release(fr_samples *subset);

#endif
