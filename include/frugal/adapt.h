/* SPDX-License-Identifier: Apache-2.0 */
/* adapt: a new network from a trained one. */
#ifndef FRUGAL_ADAPT_H
#define FRUGAL_ADAPT_H

#include "frugal/train.h"

typedef enum fr_transfer_kind {
  FR_TRANSFER_APPEND, /* the poster's: keep network A whole, put layers behind it */
  FR_TRANSFER_REPLACE /* today's: cut A's last dense layer off, put a new head there */
} fr_transfer_kind;

typedef struct fr_transfer_options {
  fr_transfer_kind kind;
  const char *head;    /* text of the new layers; NULL: "relu dense(classes)" behind append,
                          "dense(classes)" in place of the old head */
  size_t freeze;       /* layers of A that are not trained; SIZE_MAX: all that are kept */
  float refine;        /* learning rate of kept layers that are trained, relative to the new
                          ones; 0 with freeze SIZE_MAX */
} fr_transfer_options;

fr_transfer_options fr_transfer_default_options(void);

/*
 * A network that starts with the layers of `source` (weights copied, running statistics too) and
 * ends in `classes` outputs. *first_trained says where training begins; the new layers are
 * initialised from `seed`. `source` is not changed. *out is the caller's.
 */
enum fr_status fr_transfer_new(const fr_net *source, const fr_transfer_options *options,
                               size_t classes, uint64_t seed, fr_net **out,
                               size_t *first_trained, fr_error *err);

#endif
