/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of channels -> what the network says of each window that slides over them. */
#ifndef FR_RECOGNIZE_ANSWERS_H
#define FR_RECOGNIZE_ANSWERS_H

#include "frugal/recognize.h"

typedef struct fr__answers {
  fr_net *net;                     /* a folded copy; owned */
  const fr_normalizer *normalizer; /* the model's; NULL: none */
  fr_stream *stream; /* NULL: each window is normalised by itself, and run alone */
  size_t hop, window, channels, classes;
  bool shares;   /* the network itself ends in shares (softmax, sigmoid), not in logits */
  float *frame;  /* (channels) */
  float *frames; /* without a stream: (2 window, channels), of which `end` are there */
  float *alone;  /* (window, channels), normalised */
  size_t end, missing; /* frames until a window is complete */
  float temperature;
} fr__answers;

enum fr_status fr__answers_init(fr__answers *answers, const fr_model *model,
                                const fr_recognizer_options *options, fr_error *err);
void fr__answers_release(fr__answers *answers);
void fr__answers_reset(fr__answers *answers);

/* frame (channels) as the data has it, which is changed. Where it completes a window:
 * probabilities into p (classes), true. They are not finite where the frames lead the
 * network to infinity. */
bool fr__answers_push(fr__answers *answers, float *frame, float *p);

#endif
