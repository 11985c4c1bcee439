/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of transfer share. */
#ifndef FR_ADAPT_TRANSFER_H
#define FR_ADAPT_TRANSFER_H

#include "frugal/adapt.h"

/* How many of `kept` layers are never trained; of FR_FREEZE_AUTO, which is not chosen
 * yet, all. */
size_t fr__transfer_floor(size_t kept, const fr_transfer_options *options);

/* A network of the first `kept` layers of `source` and those of `head`, weights 0; *out
 * is the caller's. */
enum fr_status fr__transfer_build(const fr_net *source, size_t kept, const char *head,
                                  size_t classes, fr_net **out, fr_error *err);

/* Replaces FR_FREEZE_AUTO in *transfer by the number of layers that is enough, and fills
 * what result tells of the choice; *whole is false where the budget cut it short. Phase:
 * choose. */
enum fr_status fr__transfer_choose(const fr_net *net, size_t kept,
                                   const fr_samples *train, const fr_samples *validate,
                                   const fr_train_options *options,
                                   fr_transfer_options *transfer,
                                   const fr_observer *observer, const fr_budget *budget,
                                   fr_transfer_result *result, bool *whole,
                                   fr_error *err);

#endif
