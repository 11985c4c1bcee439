/* SPDX-License-Identifier: Apache-2.0 */
/* A frame's way from the camera to the events. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/reader.h"
#include "frugal/keypoints.h"
#include "recognize/answers.h"
#include "recognize/events.h"
#include "recognize/ticks.h"

#define POINTS_RATE_HZ 30.0
#define POINTS_MOST_S 0.3 /* half a window sooner than its end, and hardly less sure */
#define RATE_CEILING_HZ 1e6
#define SECONDS_CEILING 3600.0
#define GAP_CEILING 1048576.0 /* frames at the model's rate */
#define HOP_CEILING ((size_t)1 << 20)

struct fr_recognizer {
  const fr_model *model;
  fr_recognizer_options options;
  fr_keypoints *points; /* frames to features; NULL: frames are what the network takes */
  fr__answers answers;
  fr__events events;
  fr__ticks ticks;
  size_t inputs;
  double rate_hz;      /* of the model */
  double frames_hz;    /* of frames that do not tell their times */
  float *fresh, *mean; /* (classes) of the last window, and smoothed */
  float share;         /* of the fresh ones in the mean */
  bool answered;       /* there is a mean */
  uint64_t frames;     /* since all was forgotten */
  double last_s;       /* time of the last frame */
};

/* ---- options ---- */

fr_recognizer_options fr_recognizer_default_options(void) {
  return (fr_recognizer_options){.hop = 1,
                                 .states = FR_STREAM_RESTART,
                                 .temperature = 1,
                                 .smooth_s = 0.1,
                                 .begin = 0.8F,
                                 .end = 0.7F,
                                 .least_s = 0.2,
                                 .most_s = -1,
                                 .rest_s = 0.5,
                                 .gap_s = 0.5};
}

static bool is_within(double x, double low, double high) { return x >= low && x <= high; }

enum fr_status fr_recognizer_check(const fr_recognizer_options *options, fr_error *err) {
  const fr_recognizer_options *o = options;
  const struct {
    const char *name;
    double value, low, high;
  } bounds[] = {
      {"rate", o->rate_hz, 0, RATE_CEILING_HZ},
      {"hop", (double)o->hop, 0, (double)HOP_CEILING},
      {"temperature", (double)o->temperature, 1e-3, 1e3},
      {"smoothing", o->smooth_s, 0, SECONDS_CEILING},
      {"probability with which a sign begins", (double)o->begin, 1e-3, 1},
      {"share of the peak with which it ends", (double)o->end, 0, 1},
      {"least time of a sign", o->least_s, 0, SECONDS_CEILING},
      {"most time of a sign", o->most_s, -1, SECONDS_CEILING},
      {"rest behind a sign", o->rest_s, 0, SECONDS_CEILING},
      {"gap between frames", o->gap_s, 1e-3, SECONDS_CEILING},
  };
  for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
    if (!is_within(bounds[i].value, bounds[i].low, bounds[i].high))
      return fr__fail(err, FR_ERR_ARGUMENT, "the %s, %g, is not from %g to %g",
                      bounds[i].name, bounds[i].value, bounds[i].low, bounds[i].high);
  return FR_OK;
}

/* ---- life ---- */

static bool has_frames(const fr_model *model) {
  return model->frames && model->frames[0] != '\0';
}

static enum fr_status find_rate(fr_recognizer *r, fr_error *err) {
  r->rate_hz = r->model->rate_hz;
  if (r->rate_hz == 0)
    r->rate_hz = has_frames(r->model) ? POINTS_RATE_HZ : r->options.rate_hz;
  r->frames_hz = r->options.rate_hz > 0 ? r->options.rate_hz : r->rate_hz;
  if (!(r->rate_hz > 0 && r->rate_hz <= RATE_CEILING_HZ))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "the model takes feature vectors of no rate: say how many frames "
                    "come a second");
  if (r->rate_hz * r->options.gap_s > GAP_CEILING)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "a gap of %g s holds more than %.0f frames of %g Hz",
                    r->options.gap_s, GAP_CEILING, r->rate_hz);
  return FR_OK;
}

/* How far the answers lag behind what they are about: a window's is about its middle, the
 * mean's age comes on top. */
static double lag_of(const fr_recognizer *r, double period_s) {
  const double share = (double)r->share;
  return (double)(r->answers.window - 1) / 2 / r->rate_hz +
         period_s * (1 - share) / share;
}

/* Whether a sign is over matters less than which it is; of an activity it is the other
 * way round. */
static double most_of(const fr_recognizer *r) {
  if (r->options.most_s >= 0)
    return r->options.most_s;
  return has_frames(r->model) ? POINTS_MOST_S : 0;
}

static void init_events(fr_recognizer *r) {
  const fr_recognizer_options *o = &r->options;
  const fr_names *classes = &r->model->classes;
  const double period_s = (double)r->answers.hop / r->rate_hz;
  r->share = o->smooth_s > 0 ? (float)-expm1(-period_s / o->smooth_s) : 1;
  fr__events_init(&r->events,
                  &(fr__event_rules){
                      .classes = r->answers.classes,
                      .no_sign = fr__names_find(classes, FR_NO_SIGN, strlen(FR_NO_SIGN)),
                      .begin = o->begin,
                      .end = o->end,
                      .least_s = o->least_s,
                      .most_s = most_of(r),
                      .rest_s = o->rest_s,
                      .lag_s = lag_of(r, period_s),
                      .period_s = period_s});
}

static enum fr_status init_points(fr_recognizer *r, fr_error *err) {
  r->inputs = r->answers.channels;
  if (!has_frames(r->model))
    return FR_OK;
  const enum fr_status status = fr_keypoints_new(r->model->frames, &r->points, err);
  if (status != FR_OK)
    return status;
  r->inputs = fr_keypoints_inputs(r->points);
  const size_t features = fr_keypoints_channels(r->points);
  if (features == r->answers.channels)
    return FR_OK;
  return fr__fail(err, FR_ERR_FORMAT, "frames make %zu features, the network takes %zu",
                  features, r->answers.channels);
}

static enum fr_status init(fr_recognizer *r, fr_error *err) {
  enum fr_status status = find_rate(r, err);
  if (status == FR_OK)
    status = fr__answers_init(&r->answers, r->model, &r->options, err);
  if (status == FR_OK)
    status = init_points(r, err);
  if (status != FR_OK)
    return status;
  status = fr__ticks_init(&r->ticks, r->inputs, 1 / r->rate_hz, err);
  if (status != FR_OK)
    return status;
  r->fresh = calloc(r->answers.classes, sizeof *r->fresh);
  r->mean = calloc(r->answers.classes, sizeof *r->mean);
  if (!r->fresh || !r->mean)
    return fr__fail_memory(err, "probabilities");
  init_events(r);
  return FR_OK;
}

enum fr_status fr_recognizer_new(const fr_model *model,
                                 const fr_recognizer_options *options,
                                 fr_recognizer **out, fr_error *err) {
  const fr_recognizer_options usual = fr_recognizer_default_options();
  enum fr_status status = options ? fr_recognizer_check(options, err) : FR_OK;
  if (status != FR_OK)
    return status;
  fr_recognizer *r = calloc(1, sizeof *r);
  if (!r)
    return fr__fail_memory(err, "a recogniser");
  r->model = model;
  r->options = options ? *options : usual;
  status = init(r, err);
  if (status != FR_OK)
    fr_recognizer_free(r);
  else
    *out = r;
  return status;
}

void fr_recognizer_free(fr_recognizer *r) {
  if (!r)
    return;
  fr_keypoints_free(r->points);
  fr__answers_release(&r->answers);
  fr__ticks_release(&r->ticks);
  free(r->fresh);
  free(r->mean);
  free(r);
}

size_t fr_recognizer_inputs(const fr_recognizer *r) { return r->inputs; }

double fr_recognizer_rate(const fr_recognizer *r) { return r->rate_hz; }

const fr_names *fr_recognizer_classes(const fr_recognizer *r) {
  return &r->model->classes;
}

uint64_t fr_recognizer_window_operations(const fr_recognizer *r) {
  return fr_net_operations(r->answers.net);
}

uint64_t fr_recognizer_operations(const fr_recognizer *r) {
  const uint64_t answer = r->answers.stream ? fr_stream_operations(r->answers.stream)
                                            : fr_recognizer_window_operations(r);
  return answer / r->answers.hop;
}

const float *fr_recognizer_answer(const fr_recognizer *r) {
  return r->answered ? r->mean : NULL;
}

/* ---- frames ---- */

void fr_recognizer_reset(fr_recognizer *r) {
  if (r->points)
    fr_keypoints_reset(r->points);
  fr__ticks_reset(&r->ticks);
  fr__answers_reset(&r->answers);
  fr__events_reset(&r->events, 0);
  r->answered = false;
  r->frames = 0;
}

bool fr_recognizer_end(fr_recognizer *r, fr_recognized *out) {
  const bool told = fr__events_close(&r->events, r->last_s, out);
  fr_recognizer_reset(r);
  return told;
}

/* Each answer goes into the mean with the same share, the first one alone. */
static void smooth(fr_recognizer *r) {
  const float share = r->answered ? r->share : 1;
  if (!r->answered)
    memset(r->mean, 0, r->answers.classes * sizeof *r->mean);
  for (size_t k = 0; k < r->answers.classes; k++)
    r->mean[k] += share * (r->fresh[k] - r->mean[k]);
  r->answered = true;
}

static bool is_finite(const float *p, size_t count) {
  for (size_t k = 0; k < count; k++)
    if (!isfinite(p[k]))
      return false;
  return true;
}

static double time_of(const fr_recognizer *r, double t_s) {
  return isfinite(t_s) ? t_s : (double)r->frames / r->frames_hz;
}

/* One frame at the model's rate; `mute`: a sign was told already since the caller asked,
 * so that what ends now is told at the next answer. */
static bool step(fr_recognizer *r, double t_s, const float *frame, bool mute,
                 fr_recognized *out) {
  if (r->points)
    fr_keypoints_frame(r->points, frame, r->answers.frame);
  else
    memcpy(r->answers.frame, frame, r->inputs * sizeof *frame);
  if (!fr__answers_push(&r->answers, r->answers.frame, r->fresh))
    return false;
  if (!is_finite(r->fresh, r->answers.classes)) {
    /* a state that is carried on would never be finite again */
    fr__answers_reset(&r->answers);
    return false;
  }
  smooth(r);
  return !mute && fr__events_step(&r->events, t_s, r->mean, out);
}

bool fr_recognizer_push(fr_recognizer *r, double t_s, const float *frame,
                        fr_recognized *out) {
  double t = time_of(r, t_s), tick_s;
  const float *x;
  bool told = false;
  if (r->frames > 0 && !(t >= r->last_s && t - r->last_s <= r->options.gap_s)) {
    told = fr_recognizer_end(r, out);
    t = time_of(r, t_s);
  }
  if (r->frames == 0)
    fr__events_reset(&r->events, t);
  r->frames++;
  r->last_s = t;
  fr__ticks_push(&r->ticks, t, frame);
  while (fr__ticks_next(&r->ticks, &tick_s, &x))
    if (step(r, tick_s, x, told, out)) {
      out->said_s = fmax(out->said_s, t);
      told = true;
    }
  return told;
}
