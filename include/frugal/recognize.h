/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recognize: signs out of frames as they come. A frame goes through what the model
 * remembers of its data (key points to features, normaliser), one step of the network
 * (stream.h), a softmax, smoothing over time, and a machine of states that tells each
 * sign once. docs/recognize.md has the rules.
 */
#ifndef FRUGAL_RECOGNIZE_H
#define FRUGAL_RECOGNIZE_H

#include "frugal/model.h"
#include "frugal/stream.h"

typedef struct fr_recognizer fr_recognizer;

typedef struct fr_recognizer_options {
  double rate_hz;               /* of frames without times; 0: the model's */
  size_t hop;                   /* frames from one window to the next; 0: 1 */
  enum fr_stream_states states; /* of recurrent layers: RESTART, as it was trained */
  float temperature;            /* logits are divided by it before the softmax */
  double smooth_s; /* time constant of the exponential mean of probabilities; 0: none */
  float begin; /* a sign begins when its smoothed probability is at least that, (0, 1] */
  float end;   /* and ends when that falls below this share of its peak, [0, 1], or when
                  another one begins */
  double least_s; /* a sign that lasted less is not told */
  double most_s;  /* one that lasts longer is told then, before it has ended; 0: never;
                     negative: the usual, 0.3 of models of key points, of others never */
  double rest_s;  /* what rises again so soon behind its own end is still the same */
  double gap_s;   /* frames further apart do not belong together: all begins anew */
} fr_recognizer_options;

fr_recognizer_options fr_recognizer_default_options(void);

/* FR_ERR_ARGUMENT names the option that is out of range. */
enum fr_status fr_recognizer_check(const fr_recognizer_options *options, fr_error *err);

/* Times are those of the frames, in seconds. A window's answer counts for its middle:
 * start and end are where the probability passed the thresholds, less half a window and
 * what the smoothing lags behind; of a sign that is told before it has ended, the end is
 * said_s. */
typedef struct fr_recognized {
  uint32_t sign;    /* into the model's classes; never FR_NO_SIGN */
  float confidence; /* greatest smoothed probability */
  double start_s, end_s;
  double said_s; /* of the frame at which it is told */
} fr_recognized;

/*
 * `model` is borrowed, must outlive it and is not changed: the recogniser works on a
 * folded copy of its network (fr_net_fold), in the precision of its scheme; weights of
 * int8 run in float32, for integers have no streams. NULL: the defaults. Each recogniser
 * is one stream, for one thread at a time. FR_ERR_UNSUPPORTED: a model of labels.
 * FR_ERR_ARGUMENT: an option, or no rate is known. FR_ERR_FORMAT: key points that do not
 * fit the network; states that cannot be carried on.
 */
enum fr_status fr_recognizer_new(const fr_model *model,
                                 const fr_recognizer_options *options,
                                 fr_recognizer **out, fr_error *err);
void fr_recognizer_free(fr_recognizer *r);

/* Numbers of a frame: raw ones where the model remembers how features are made of them,
 * else the network's channels. */
size_t fr_recognizer_inputs(const fr_recognizer *r);
/* Hz, of the model; 30 of one of key points that does not tell it. Frames that come at
 * other times are brought to it (docs/recognize.md). */
double fr_recognizer_rate(const fr_recognizer *r);
/* The names of what fr_recognized.sign counts; the model's. */
const fr_names *fr_recognizer_classes(const fr_recognizer *r);
/* FLOP of the network in the long run for a frame, and for a window alone. */
uint64_t fr_recognizer_operations(const fr_recognizer *r);
uint64_t fr_recognizer_window_operations(const fr_recognizer *r);

/*
 * The next frame; `t_s` its time, NaN: the frame's number since the last reset by the
 * rate. True: a sign was recognised, which is in *out. A time before that of the last
 * frame, or more than gap_s behind it, begins a new stream: what had begun is told. A
 * number that is not finite is missing. Allocates nothing and cannot fail.
 */
bool fr_recognizer_push(fr_recognizer *r, double t_s, const float *frame,
                        fr_recognized *out);
/* No more frames: what had begun and lasted long enough is told. Then as after _new. */
bool fr_recognizer_end(fr_recognizer *r, fr_recognized *out);
/* Forgets all frames. */
void fr_recognizer_reset(fr_recognizer *r);

/* Smoothed probabilities (classes) after the last window; NULL: no window is complete
 * since the last reset. */
const float *fr_recognizer_answer(const fr_recognizer *r);

#endif
