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
  const char *head; /* text of the new layers; NULL: "relu dense(classes)" behind append,
                       "dense(classes)" in place of the old head */
  size_t freeze;    /* layers of A that are not trained; SIZE_MAX: all that are kept */
  float refine;     /* learning rate of kept layers that are trained, relative to the new
                       ones: above 0 where there are such layers, else 0 */
} fr_transfer_options;

/* Replace, the default head, everything kept frozen. */
fr_transfer_options fr_transfer_default_options(void);

/* How many layers of `source` that kind keeps: all, or those before the last dense one
 * (what stands behind it, such as a softmax, goes with it). SIZE_MAX where it has no
 * dense layer. */
size_t fr_transfer_kept(const fr_net *source, fr_transfer_kind kind);

/*
 * A network that starts with the layers of `source` (weights copied, running statistics
 * too) and ends in `classes` outputs. *first_trained says where training begins; the new
 * layers are initialised from `seed`. `source` is not changed. *out is the caller's.
 * FR_ERR_ARGUMENT where freeze exceeds what is kept or refine does not fit it; a head
 * that does not end in `classes` outputs fails as fr_net_new does.
 */
enum fr_status fr_transfer_new(const fr_net *source, const fr_transfer_options *options,
                               size_t classes, uint64_t seed, fr_net **out,
                               size_t *first_trained, fr_error *err);

/*
 * What fr_train_options.rate_scale takes: 0 for frozen layers, options->refine for kept
 * ones that are trained, 1 for the new. `kept` is fr_transfer_kept of the source; rates
 * is (layers of net).
 */
void fr_transfer_rates(const fr_net *net, size_t kept, const fr_transfer_options *options,
                       float *rates);

#endif
