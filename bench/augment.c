/* SPDX-License-Identifier: Apache-2.0 */
/* What each augmentation costs a sample, in microseconds of CPU time, medians:
 * bench_augment. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "data/augment.h"

#define TURNS 15
#define TURN_NS 4000000
#define CHANNELS_MOST 1662

static const char *const motion[] = {
    "rotationRate.x",     "rotationRate.y",     "rotationRate.z", "userAcceleration.x",
    "userAcceleration.y", "userAcceleration.z", "gravity.x",      "gravity.y",
    "gravity.z",          "attitude.roll",      "attitude.pitch", "attitude.yaw"};

typedef struct input {
  const char *name;
  size_t steps, channels;
  char *channel[CHANNELS_MOST]; /* owned */
} input;

static size_t add_points(input *in, size_t at, const char *part, size_t points,
                         const char *axes) {
  for (size_t i = 0; i < points; i++)
    for (const char *axis = axes; *axis != '\0'; axis++) {
      char name[32];
      (void)snprintf(name, sizeof name, "%s.%zu.%s", part, i,
                     *axis == 'v' ? "visibility" : (const char[]){*axis, '\0'});
      in->channel[at++] = strdup(name);
    }
  return at;
}

static void name_channels(input *in) {
  size_t at = 0;
  if (in->channels <= 12) {
    for (; at < in->channels; at++)
      in->channel[at] = strdup(motion[at]);
    return;
  }
  if (in->channels == CHANNELS_MOST) {
    at = add_points(in, at, "pose", 33, "xyzv");
    at = add_points(in, at, "face", 468, "xyz");
  }
  at = add_points(in, at, "left_hand", 21, "xyz");
  (void)add_points(in, at, "right_hand", 21, "xyz");
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

typedef struct work {
  const fr_augment *augment;
  const input *in;
  float *x;    /* (steps, channels) of a sample */
  float *kept; /* the same, as it was */
  float *room;
} work;

/* As fr_train has it: the partner, its share, and both together. */
static void mix(const work *w, size_t sample) {
  const size_t n = w->in->steps * w->in->channels;
  fr__rng rng;
  fr__augment_seed(&rng, 1, 1, sample);
  const float share = fr__augment_share(&rng, (double)w->augment->item[0].value[0]);
  fr__augment_seed(&rng, 1, 1, sample + 1);
  memcpy(w->room, w->kept, n * sizeof *w->x);
  for (size_t i = 0; i < n; i++)
    w->x[i] = share * w->x[i] + (1.0f - share) * w->room[i];
}

/* Microseconds a sample. */
static double measure(const work *w) {
  const size_t n = w->in->steps * w->in->channels;
  const bool mixes = w->augment->count > 0 && fr__augment_mixup_at(w->augment) == 0;
  double turn[TURNS];
  size_t sample = 0;
  for (size_t i = 0; i < TURNS; i++) {
    const uint64_t begin = fr__clock_thread_cpu_ns();
    size_t done = 0;
    do {
      memcpy(w->x, w->kept, n * sizeof *w->x);
      if (mixes)
        mix(w, sample++);
      else
        fr_augment_apply(w->augment, 1, 1, sample++, w->x, w->in->steps, w->in->channels,
                         w->room);
      done++;
    } while (fr__clock_thread_cpu_ns() - begin < TURN_NS);
    turn[i] = (double)(fr__clock_thread_cpu_ns() - begin) / (double)done / 1000;
  }
  qsort(turn, TURNS, sizeof *turn, by_value);
  return turn[TURNS / 2];
}

static void run(const char *text, const input *in, double base, double *out) {
  const size_t n = in->steps * in->channels;
  float *values = calloc(2 * in->channels, sizeof *values);
  float *x = calloc(2 * n, sizeof *x);
  fr_augment augment;
  fr_error err;
  fr__rng rng;
  fr__rng_init(&rng, 1, 1);
  for (size_t i = 0; i < n; i++)
    x[n + i] = (float)fr__rng_normal(&rng);
  for (size_t c = 0; c < in->channels; c++)
    values[in->channels + c] = 1;
  const fr_names names = {.count = in->channels, .name = (char **)(uintptr_t)in->channel};
  const fr_normalizer normalizer = {
      .channels = in->channels, .shift = values, .scale = values + in->channels};
  if (fr_augment_parse(text, &augment, &err) == FR_OK &&
      fr_augment_bind(&augment, &names, &normalizer, &err) == FR_OK) {
    const size_t room = fr_augment_room(&augment, in->steps, in->channels) + n;
    const work w = {&augment, in, x, x + n, calloc(room, sizeof *x)};
    *out = measure(&w);
    if (text[0] != '\0')
      printf("%-10s %-18s %8.2f\n", in->name, text, *out - base);
    fr_augment_release(&augment);
    free(w.room);
  }
  free(values);
  free(x);
}

int main(void) {
  static const char *const texts[] = {
      "jitter(0.05)",  "scale(0.1)",  "rotate(180)",      "permute(4)", "timewarp(0.2)",
      "magwarp(0.2)",  "crop(0.9)",   "dropchannel(0.1)", "mirror(1)",  "affine(15)",
      "resample(0.2)", "drophand(1)", "mixup(0.2)"};
  static input inputs[] = {{.name = "128 x 6", .steps = 128, .channels = 6},
                           {.name = "128 x 12", .steps = 128, .channels = 12},
                           {.name = "30 x 126", .steps = 30, .channels = 126},
                           {.name = "30 x 1662", .steps = 30, .channels = 1662}};
  for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
    double base = 0, cost;
    name_channels(&inputs[i]);
    run("", &inputs[i], 0, &base); /* the copy */
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
      run(texts[k], &inputs[i], base, &cost);
    for (size_t c = 0; c < inputs[i].channels; c++)
      free(inputs[i].channel[c]);
  }
  return 0;
}
