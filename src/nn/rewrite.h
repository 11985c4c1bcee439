/* SPDX-License-Identifier: Apache-2.0 */
/* A network from another one, with layers left out and layers put in. */
#ifndef FR_NN_REWRITE_H
#define FR_NN_REWRITE_H

#include "nn/net.h"

typedef struct fr__rewrite {
  const void *self;
  /* Layer i of the chain is left out; NULL: none is. */
  bool (*drops)(const void *self, const fr__chain *chain, size_t i);
  /* Text of one layer that is put behind layer i, which is kept; NULL: nothing is. */
  const char *(*behind)(const void *self, const fr__chain *chain, size_t i);
  const char *front; /* text of one layer in front of all; NULL: none */
} fr__rewrite;

/* The new network, the caller's, with the tensors of every layer that is kept. */
enum fr_status fr__rewrite_net(const fr_net *net, const fr__rewrite *how, fr_net **out,
                               fr_error *err);

/* Calls visit for every layer that is kept, as it was and as it is; `put`: what was put
 * behind it, or NULL. Branches come before the layer that holds them. */
typedef void fr__rewrite_visit(void *self, const fr__layer *was, fr__layer *is,
                               const fr__layer *put);
void fr__rewrite_each(const fr_net *was, fr_net *is, const fr__rewrite *how,
                      fr__rewrite_visit *visit, void *self);

#endif
