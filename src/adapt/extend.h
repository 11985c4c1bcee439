/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of extending share. */
#ifndef FR_ADAPT_EXTEND_H
#define FR_ADAPT_EXTEND_H

#include "frugal/extend.h"

/* Weight (inputs, classes) and bias (classes) of the layer `head`; the network's. */
typedef struct fr__extend_rows {
  size_t inputs, classes;
  float *weight, *bias;
} fr__extend_rows;

fr__extend_rows fr__extend_rows_of(const fr_net *net, size_t head);

/* Where each of `classes` stands among `old_classes`, FR_NONE: it is new. FR_ERR_ARGUMENT
 * where an old one is missing, a name occurs twice, or none is new. `from` is (classes).
 */
enum fr_status fr__extend_map(const fr_names *old_classes, const fr_names *classes,
                              uint32_t *from, fr_error *err);

#endif
