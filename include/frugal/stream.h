/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network on windows that slide over frames without an end: what one window has
 * computed and the next one needs is kept, so that a step of a few frames costs a part of
 * a window. docs/nn.md tells what each layer costs.
 */
#ifndef FRUGAL_STREAM_H
#define FRUGAL_STREAM_H

#include "frugal/nn.h"

typedef struct fr_stream fr_stream;

/* What recurrent layers begin a window with. */
enum fr_stream_states {
  FR_STREAM_RESTART, /* with zeros, as in fr_net_forward: every step of every window */
  FR_STREAM_CARRY /* with the state that the frames before have left, from the first one
                     on: only new steps are done, and the answer is that of a window
                     that goes back to the beginning. Another function than the
                     window's, for networks that were trained for it. */
};

/*
 * A stream over the frames of a network, which it borrows and prepares (fr_net_prepare)
 * and which must outlive it. Frames come normalised, each by fixed numbers: what is
 * normalised by window (FR_NORMALIZE_WINDOW) has no stream. A window is
 * fr_net_input(net).steps frames; the first one ends with that many frames, each further
 * one `hop` frames later. With FR_STREAM_RESTART its answer is that of fr_net_forward,
 * the same bits. Precision and weights are the network's: after a change of them
 * fr_stream_reset. Not beside a pass of the same network on another thread;
 * fr_net_reserve is not needed.
 *
 * FR_ERR_ARGUMENT: hop is not 1 to 2^20. FR_ERR_FORMAT: a recurrent layer whose state
 * cannot be carried on, by name and reason.
 */
enum fr_status fr_stream_new(fr_net *net, size_t hop, enum fr_stream_states states,
                             fr_stream **out, fr_error *err);
void fr_stream_free(fr_stream *stream);

/*
 * Takes frames (count, channels) up to the one that completes a window, and returns how
 * many it has taken: the others are to be pushed again. *output (K): what the network
 * says of that window, until the next push; NULL: more frames are needed. Allocates
 * nothing and cannot fail.
 */
size_t fr_stream_push(fr_stream *stream, const float *frames, size_t count,
                      const float **output);

/* Forgets all frames: the next one is the first of a window. */
void fr_stream_reset(fr_stream *stream);

/* FLOP of one answer in the long run, that is of `hop` frames, counted as by
 * fr_net_operations, which tells what the window would cost alone. */
uint64_t fr_stream_operations(const fr_stream *stream);

#endif
