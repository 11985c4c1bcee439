/* SPDX-License-Identifier: Apache-2.0 */
/* Frames in, answers out. */
#include "nn/stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static void lay_out(fr_stream *stream, fr__arena *arena) {
  const size_t channels = stream->net->input.channels;
  float *frames = fr__arena_take(arena, 2 * stream->window * channels, sizeof *frames);
  if (arena->base)
    stream->frames = frames;
  fr__flow_lay_out(&stream->chain, stream, arena);
}

static enum fr_status make_room(fr_stream *stream, fr_error *err) {
  fr__arena measure = {0};
  lay_out(stream, &measure);
  if (measure.used > FR__NET_MEMORY_CEILING)
    return fr__fail(err, FR_ERR_LIMIT,
                    "a stream takes %zu MiB, more than the ceiling of %zu",
                    measure.used >> 20, (size_t)(FR__NET_MEMORY_CEILING >> 20));
  const enum fr_status status = fr__arena_init(&stream->arena, measure.used, err);
  if (status == FR_OK)
    lay_out(stream, &stream->arena);
  return status;
}

enum fr_status fr_stream_new(fr_net *net, size_t hop, enum fr_stream_states states,
                             fr_stream **out, fr_error *err) {
  if (hop == 0 || hop > FR__NET_STEP_CEILING)
    return fr__fail(err, FR_ERR_ARGUMENT, "a window cannot move on by %zu frames", hop);
  fr_stream *stream = calloc(1, sizeof *stream);
  if (!stream)
    return fr__fail_memory(err, "a stream");
  stream->net = net;
  stream->hop = hop;
  stream->window = net->input.steps;
  stream->states = states;
  const fr__sight frames = {.steps = stream->window, .apart = 1};
  enum fr_status status = fr__flow_init(&stream->chain, &net->chain, frames, stream, err);
  if (status == FR_OK)
    status = make_room(stream, err);
  if (status == FR_OK)
    status = fr__net_prepare(net, false, err);
  if (status != FR_OK) {
    fr_stream_free(stream);
    return status;
  }
  stream->operations = fr__flow_operations(&stream->chain, stream);
  fr_stream_reset(stream);
  *out = stream;
  return FR_OK;
}

void fr_stream_free(fr_stream *stream) {
  if (!stream)
    return;
  fr__flow_release(&stream->chain);
  fr__arena_release(&stream->arena);
  free(stream);
}

void fr_stream_reset(fr_stream *stream) {
  stream->end = 0;
  stream->index = 0;
  stream->missing = stream->window;
}

uint64_t fr_stream_operations(const fr_stream *stream) { return stream->operations; }

/* At most a window of frames; those that the next window may need move to the front when
 * the room is full. */
static void append(fr_stream *stream, const float *frames, size_t count) {
  const size_t channels = stream->net->input.channels;
  if (stream->end + count > 2 * stream->window) {
    const size_t kept = stream->window - 1;
    memmove(stream->frames, stream->frames + (stream->end - kept) * channels,
            kept * channels * sizeof *frames);
    stream->end = kept;
  }
  memcpy(stream->frames + stream->end * channels, frames,
         count * channels * sizeof *frames);
  stream->end += count;
  stream->missing -= count;
}

/* The window that ends with the last frame. */
static const float *answer(fr_stream *stream) {
  float *x =
      stream->frames + (stream->end - stream->window) * stream->net->input.channels;
  const float *y = fr__flow_run(&stream->chain, stream, x);
  stream->index++;
  stream->missing = stream->hop;
  return y;
}

size_t fr_stream_push(fr_stream *stream, const float *frames, size_t count,
                      const float **output) {
  size_t taken = 0;
  *output = NULL;
  while (taken < count && !*output) {
    size_t n = count - taken;
    n = n < stream->missing ? n : stream->missing;
    n = n < stream->window ? n : stream->window;
    append(stream, frames + taken * stream->net->input.channels, n);
    taken += n;
    if (stream->missing == 0)
      *output = answer(stream);
  }
  return taken;
}
