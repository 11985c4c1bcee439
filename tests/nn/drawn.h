/* SPDX-License-Identifier: Apache-2.0 */
/* Random small networks of layers of every family, branches in branches included. */
#ifndef FR_TESTS_NN_DRAWN_H
#define FR_TESTS_NN_DRAWN_H

#include "made.h"

/* %c: a small count; %p: a padding; %n: layers. */
static const char *const drawn_pieces[] = {
    "dense(%c)",
    "conv1d(%c,%c%p)",
    "conv1d(%c,%c,2%p)",
    "conv1d(%c,2,dilation=%c%p)",
    "conv1d(4,%c,groups=2%p)",
    "conv1d(6,2,dilation=2,groups=3%p)",
    "conv1d(6,%c,groups=6%p)",
    "lstm(%c)",
    "lstm(%c,all)",
    "lstm(%c,all,both)",
    "lstm(%c,last,both)",
    "gru(%c)",
    "gru(%c,all)",
    "gru(%c,all,both)",
    "gru(%c,last,both)",
    "attention(1)",
    "attention(2)",
    "maxpool(2)",
    "maxpool(all)",
    "avgpool(2)",
    "avgpool(all)",
    "bn(0.1)",
    "layernorm(0.1)",
    "dropout(0.3)",
    "spatialdropout(0.3)",
    "relu",
    "leaky(0.2)",
    "gelu",
    "hardswish",
    "sigmoid",
    "tanh",
    "softmax",
    "flatten",
    "residual(%n)",
    "parallel(%n | %n)",
    "parallel(%n | | %n)",
};

#define DRAWN_PIECES (sizeof drawn_pieces / sizeof drawn_pieces[0])
#define DRAWN_TEXT 1024

static inline void drawn_add(char *text, const char *more) {
  assert_true(strlen(text) + strlen(more) < DRAWN_TEXT);
  strcat(text, more);
}

static inline void drawn_layers(fr__rng *rng, size_t depth, char *text);

/* A piece with its places filled. */
static inline void drawn_piece(fr__rng *rng, size_t depth, const char *piece,
                               char *text) {
  static const char *const paddings[] = {"", ",pad=same", ",pad=causal", ",pad=none"};
  for (const char *p = piece; *p; p++) {
    char one[8] = {*p};
    if (*p != '%') {
      drawn_add(text, one);
      continue;
    }
    p++;
    if (*p == 'n') {
      drawn_layers(rng, depth + 1, text);
    } else if (*p == 'p') {
      drawn_add(text, paddings[fr__rng_below(rng, 4)]);
    } else {
      snprintf(one, sizeof one, "%zu", 1 + fr__rng_below(rng, 6));
      drawn_add(text, one);
    }
  }
}

static inline void drawn_layers(fr__rng *rng, size_t depth, char *text) {
  const size_t count = 1 + fr__rng_below(rng, 2);
  for (size_t i = 0; i < count; i++) {
    const size_t most =
        depth < 2 ? DRAWN_PIECES : DRAWN_PIECES - 3; /* the last ones nest */
    drawn_add(text, i > 0 ? " " : "");
    drawn_piece(rng, depth, drawn_pieces[fr__rng_below(rng, most)], text);
  }
}

/* A text that is accepted, of three pieces of which `wanted` is the second; NULL where
 * none was found. */
static inline fr_net *drawn_net(fr__rng *rng, const char *wanted, fr_shape in,
                                size_t classes) {
  for (int tries = 0; tries < 200; tries++) {
    char text[DRAWN_TEXT] = "conv1d(6,1) ";
    drawn_layers(rng, 0, text);
    drawn_add(text, " ");
    drawn_piece(rng, 0, wanted, text);
    drawn_add(text, " ");
    drawn_layers(rng, 0, text);
    drawn_add(text, " dense(classes)");
    fr_net *net = NULL;
    if (fr_net_new(text, in, classes, &net, NULL) == FR_OK)
      return net;
  }
  return NULL;
}

#endif
