/* SPDX-License-Identifier: Apache-2.0 */
/* The network itself: net.c builds it, run.c runs it. */
#ifndef FR_NN_NET_H
#define FR_NN_NET_H

#include "base/pool.h"
#include "nn/chain.h"

#define FR__NET_TEXT_CEILING ((size_t)1 << 14) /* bytes */
#define FR__NET_STEP_CEILING ((size_t)1 << 20)
#define FR__NET_PARAMETER_CEILING ((size_t)1 << 28) /* floats: 1 GiB */
#define FR__NET_BATCH_CEILING ((size_t)1 << 20)     /* samples */
#define FR__NET_MEMORY_CEILING ((uint64_t)1 << 34)  /* bytes that a batch may take */

struct fr_net {
  char *text;
  fr_shape input;
  size_t classes;
  fr__chain chain;
  fr_tensor *tensor; /* (tensor_count) */
  size_t tensor_count;
  fr__arena values;
  fr__pool *pool; /* NULL: one thread */
  fr__kern kern;
  enum fr_precision precision;
  fr__rng rng;            /* dropout's */
  const uint32_t *length; /* (B) of fr_net_set_lengths, borrowed; NULL: none */

  /* Since fr_net_reserve. */
  fr__arena gradients;
  fr__arena activations;
  size_t batch; /* samples that there is room for; 0: none */

  fr__arena packed; /* weights, since fr_net_prepare */

  /* Of a network that is trained for int8 (fake.c). */
  struct {
    bool on, rounded; /* rounded: the weights are, and `kept` holds what they were */
    fr__arena arena;
    float *kept, *scale;
  } fake;
};

/* fr_net_prepare; `sparse`: with sparse kernels, where they are faster for the batch that
 * there is room for. Frames that come one by one have no rows for them. */
enum fr_status fr__net_prepare(fr_net *net, bool sparse, fr_error *err);

/* ---- fake.c: weights that are rounded while a pass runs ---- */

enum fr_status fr__net_fake(fr_net *net, fr_error *err); /* from now on */
void fr__fake_begin(fr_net *net);
void fr__fake_end(fr_net *net);

/* The weights change: what was packed of them is not theirs any more. */
void fr__net_forget(fr_net *net);

#endif
