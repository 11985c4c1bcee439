/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a camera's frame costs on its way to signs, and its parts: CPU time, in turn,
 * medians of TURNS: bench_recognize [NETWORK [LAYOUT [KEYS]]]; sign-small, 126 numbers a
 * frame.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "frugal/keypoints.h"
#include "frugal/recognize.h"
#include "recognize/frame_json.h"

#define FRAMES ((size_t)2048)
#define TURNS 9
#define TURN_NS 20000000
#define WINDOW ((size_t)30)
#define CLASSES ((size_t)39)
#define LINE ((size_t)1 << 16)

enum part { PARSE, FEATURES, NORMALIZE, STREAM, WINDOW_ALONE, ALL, PARTS };

static const char *const titles[PARTS] = {"a line of JSON to numbers",
                                          "features",
                                          "normaliser",
                                          "network, one step",
                                          "network, a window alone",
                                          "recogniser: features to events"};

typedef struct work {
  fr_model model;
  fr_keypoints *points;
  fr_stream *stream;
  fr_recognizer *recognizer;
  float *raw;      /* (FRAMES, inputs) */
  float *features; /* (FRAMES + 1, channels); the last row is scratch */
  size_t inputs, channels, at;
  char *line;
  size_t length;
} work;

/* Hands that wander over the picture, each missing for a while now and then. */
static void draw(work *w) {
  fr__rng rng;
  fr__rng_init(&rng, 1, 0);
  for (size_t i = 0; i < FRAMES * w->inputs; i++)
    w->raw[i] = (float)(0.5 + 0.1 * fr__rng_normal(&rng));
  for (size_t f = 0; f < FRAMES; f++)
    if (f / 40 % 3 == 2)
      memset(w->raw + f * w->inputs, 0, w->inputs / 2 * sizeof *w->raw);
  for (size_t f = 0; f < FRAMES; f++)
    fr_keypoints_frame(w->points, w->raw + f * w->inputs, w->features + f * w->channels);
}

static void write_line(work *w) {
  for (size_t i = 0; i < w->inputs && w->length + 32 < LINE; i++)
    w->length +=
        (size_t)snprintf(w->line + w->length, LINE - w->length, "%s%.9g",
                         i == 0 ? "[" : ",", (double)w->raw[FRAMES / 2 * w->inputs + i]);
  w->length += (size_t)snprintf(w->line + w->length, LINE - w->length, "]");
}

static void run_one(work *w, enum part part) {
  float *scratch = w->features + FRAMES * w->channels;
  const float *x = w->features + w->at * w->channels, *y;
  const float *raw = w->raw + w->at * w->inputs;
  char why[160];
  double t_s;
  fr_recognized told;
  switch (part) {
  case PARSE:
    (void)fr__frame_json(w->line, w->length, w->inputs, w->raw, &t_s, why, sizeof why);
    break;
  case FEATURES: fr_keypoints_frame(w->points, raw, scratch); break;
  case NORMALIZE: fr_normalizer_apply(&w->model.normalizer, scratch, 1); break;
  case STREAM: (void)fr_stream_push(w->stream, x, 1, &y); break;
  case WINDOW_ALONE:
    (void)fr_net_forward(w->model.net, x, 1, 0, fr_net_layer_count(w->model.net), false);
    break;
  case ALL: (void)fr_recognizer_push(w->recognizer, NAN, raw, &told); break;
  case PARTS: break;
  }
  w->at = w->at + 1 < FRAMES - WINDOW ? w->at + 1 : 0;
}

/* Microseconds each. */
static double measure(work *w, enum part part) {
  size_t count = 0;
  uint64_t spent = 0;
  const uint64_t start = fr__clock_process_cpu_ns();
  while (spent < TURN_NS) {
    for (int i = 0; i < 64; i++)
      run_one(w, part);
    count += 64;
    spent = fr__clock_process_cpu_ns() - start;
  }
  return (double)spent * 1e-3 / (double)count;
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void show(work *w) {
  double turn[PARTS][TURNS];
  for (size_t t = 0; t < TURNS; t++)
    for (size_t p = 0; p < PARTS; p++)
      turn[p][t] = measure(w, (enum part)p);
  printf("%s, %zu numbers a frame, %zu features, %zu parameters\n"
         "%llu FLOP a frame, %llu a window\n",
         fr_net_text(w->model.net), w->inputs, w->channels,
         fr_net_parameters(w->model.net),
         (unsigned long long)fr_recognizer_operations(w->recognizer),
         (unsigned long long)fr_recognizer_window_operations(w->recognizer));
  for (size_t p = 0; p < PARTS; p++) {
    qsort(turn[p], TURNS, sizeof turn[p][0], by_value);
    printf("%-32s %9.3f us (%.3f to %.3f)\n", titles[p], turn[p][TURNS / 2], turn[p][0],
           turn[p][TURNS - 1]);
  }
}

/* ---- making it ---- */

static enum fr_status make_model(work *w, const char *arch, fr_error *err) {
  static char *names[CLASSES];
  static char name[] = "sign";
  fr_model *m = &w->model;
  const fr_shape input = {WINDOW, w->channels};
  for (size_t k = 0; k < CLASSES; k++)
    names[k] = name;
  m->classes = (fr_names){CLASSES, names};
  m->rate_hz = 30;
  m->normalizer = (fr_normalizer){.channels = w->channels,
                                  .shift = calloc(w->channels, sizeof(float)),
                                  .scale = calloc(w->channels, sizeof(float))};
  if (!m->normalizer.shift || !m->normalizer.scale)
    return FR_ERR_MEMORY;
  for (size_t c = 0; c < w->channels; c++)
    m->normalizer.scale[c] = 1;
  enum fr_status status = fr_net_new(arch, input, CLASSES, &m->net, err);
  if (status != FR_OK)
    return status;
  fr_net_init(m->net, 1, 0);
  status = fr_net_reserve(m->net, 1, false, 0, err);
  return status == FR_OK ? fr_net_prepare(m->net, err) : status;
}

static enum fr_status make(work *w, char *frames, const char *arch, fr_error *err) {
  enum fr_status status = fr_keypoints_new(frames, &w->points, err);
  if (status != FR_OK)
    return status;
  w->inputs = fr_keypoints_inputs(w->points);
  w->channels = fr_keypoints_channels(w->points);
  w->raw = calloc(FRAMES * w->inputs, sizeof *w->raw);
  w->features = calloc((FRAMES + 1) * w->channels, sizeof *w->features);
  w->line = calloc(LINE, 1);
  if (!w->raw || !w->features || !w->line)
    return FR_ERR_MEMORY;
  draw(w);
  write_line(w);
  status = make_model(w, arch, err);
  w->model.frames = frames;
  if (status == FR_OK)
    status = fr_stream_new(w->model.net, 1, FR_STREAM_RESTART, &w->stream, err);
  if (status == FR_OK)
    status = fr_recognizer_new(&w->model, NULL, &w->recognizer, err);
  return status;
}

static void release(work *w) {
  fr_recognizer_free(w->recognizer);
  fr_stream_free(w->stream);
  fr_net_free(w->model.net);
  fr_keypoints_free(w->points);
  free(w->model.normalizer.shift);
  free(w->model.normalizer.scale);
  free(w->raw);
  free(w->features);
  free(w->line);
}

int main(int argc, char **argv) {
  work w = {0};
  fr_error err = {.text = "out of memory"};
  char frames[256];
  snprintf(frames, sizeof frames, "layout=%s %s", argc > 2 ? argv[2] : "126",
           argc > 3 ? argv[3] : "");
  const enum fr_status status = make(&w, frames, argc > 1 ? argv[1] : "sign-small", &err);
  if (status == FR_OK)
    show(&w);
  else
    fprintf(stderr, "bench_recognize: %s\n", err.text);
  release(&w);
  return status == FR_OK ? 0 : 1;
}
