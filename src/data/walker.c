/* SPDX-License-Identifier: Apache-2.0 */
/* The gait model. Sizes follow what is common knowledge of walking: about 0.9 strides a
 * second, the thigh swinging by 0.4 rad, vertical acceleration of 0.3 g at the step's
 * frequency. */
#include "data/walker.h"

#include <math.h>

#define TURN 6.28318530717958647692
#define DT (1 / FR__WALKER_RATE_HZ)

const char *const fr__walker_channels[FR__WALKER_CHANNELS] = {
    "attitude.roll",  "attitude.pitch",     "attitude.yaw",       "gravity.x",
    "gravity.y",      "gravity.z",          "rotationRate.x",     "rotationRate.y",
    "rotationRate.z", "userAcceleration.x", "userAcceleration.y", "userAcceleration.z",
};

const char *const fr__walker_activities[FR__WALKER_ACTIVITIES] = {"dws", "ups", "wlk",
                                                                  "jog", "sit", "std"};

/* What an activity changes; factors but for the lean. */
static const struct {
  double rate, strength, swing;
  double sharp; /* each harmonic's amplitude against the one below: hard or soft steps */
  double lean;  /* of the thigh, rad forward */
} acts[FR__WALKER_ACTIVITIES] = {
    {1.04, 1.15, 0.85, 1.18, 0.12}, {0.90, 0.80, 1.25, 0.85, 0.35},
    {1.00, 1.00, 1.00, 1.00, 0.08}, {1.40, 2.60, 1.55, 1.10, 0.20},
    {1.00, 0.00, 0.00, 1.00, 1.45}, {1.00, 0.00, 0.00, 1.00, 0.02},
};

/* The mean person: left and right leg differ in the odd harmonics of the stride. */
static const double mean_force[3][FR__WALKER_HARMONICS] = {
    {0.12, 0.04, 0.08, 0.03, 0.04, 0.02},
    {0.04, 0.20, 0.03, 0.08, 0.02, 0.04},
    {0.05, 0.30, 0.05, 0.12, 0.03, 0.06},
};
static const double mean_swing[3][FR__WALKER_HARMONICS] = {
    {0.40, 0.10, 0.04, 0.02, 0, 0},
    {0.08, 0.04, 0.02, 0.01, 0, 0},
    {0.12, 0.03, 0.02, 0.01, 0, 0},
};

/* ---- a person ---- */

/* exp of a normal number: a factor around 1. */
static double factor(fr__rng *rng, double spread) {
  return exp(spread * fr__rng_normal(rng));
}

static void draw_wave(fr__rng *rng, const double mean[FR__WALKER_HARMONICS],
                      double spread, fr__wave *wave) {
  for (size_t h = 0; h < FR__WALKER_HARMONICS; h++) {
    wave->amplitude[h] = mean[h] * factor(rng, spread);
    wave->shift[h] = (double)(h + 1) * 0.5 + 0.6 * fr__rng_normal(rng);
  }
}

void fr__walker_draw(fr__walker *walker, uint64_t seed, size_t person) {
  fr__rng rng;
  fr__rng_init(&rng, seed, person + 1);
  walker->stride_hz = 0.92 * factor(&rng, 0.06);
  for (size_t i = 0; i < 3; i++) {
    draw_wave(&rng, mean_force[i], 0.30, &walker->force[i]);
    draw_wave(&rng, mean_swing[i], 0.25, &walker->swing[i]);
    walker->pose[i] = 0.2 * fr__rng_normal(&rng);
  }
  for (size_t a = 0; a < FR__WALKER_ACTIVITIES; a++) {
    walker->rate[a] = factor(&rng, 0.03);
    walker->strength[a] = factor(&rng, 0.12);
    walker->lean[a] = 0.08 * fr__rng_normal(&rng);
  }
  walker->sway_hz = 0.25 * factor(&rng, 0.3);
  walker->sway = 0.012 * factor(&rng, 0.4);
  walker->tremor_hz = 7.5 * factor(&rng, 0.15);
  walker->tremor = 0.004 * factor(&rng, 0.4);
  walker->noise_g = 0.006 * factor(&rng, 0.2);
  walker->noise_rad_s = 0.012 * factor(&rng, 0.2);
}

/* ---- rotations ---- */

typedef struct matrix {
  double at[3][3];
} matrix;

/* Around x, then y, then z: Rz Ry Rx. */
static matrix rotation(double x, double y, double z) {
  const double cx = cos(x), sx = sin(x), cy = cos(y), sy = sin(y), cz = cos(z),
               sz = sin(z);
  return (matrix){{{cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx},
                   {sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx},
                   {-sy, cy * sx, cy * cx}}};
}

static matrix product(const matrix *a, const matrix *b) {
  matrix c;
  for (size_t i = 0; i < 3; i++)
    for (size_t k = 0; k < 3; k++)
      c.at[i][k] = a->at[i][0] * b->at[0][k] + a->at[i][1] * b->at[1][k] +
                   a->at[i][2] * b->at[2][k];
  return c;
}

/* The transpose times v: from the outer frame into the inner. */
static void inward(const matrix *m, const double v[3], double out[3]) {
  for (size_t i = 0; i < 3; i++)
    out[i] = m->at[0][i] * v[0] + m->at[1][i] * v[1] + m->at[2][i] * v[2];
}

/* ---- a trial ---- */

typedef struct walk {
  const fr__walker *who;
  size_t activity;
  fr__rng rng;
  double seconds;
  double phase;          /* of the stride, in [0, TURN) */
  double rate, strength; /* of this trial */
  double drift;          /* slow, of rate and strength: a share */
  double stride_rate;    /* this stride's factors */
  double stride_strength;
  double eased;      /* stride_strength without its jumps */
  double heading;    /* rad */
  double turning;    /* rad/s */
  double bias[3];    /* of the gyroscope, rad/s */
  double sway_phase; /* of the sway and of the tremor */
  double angle[3];   /* of the thigh, as it was a step ago */
  matrix pose;       /* phone -> thigh */
} walk;

/* The factor of harmonic h that an activity's sharpness gives; 1 at the step's frequency.
 */
static double wave_at(const fr__wave *wave, double phase, double sharp) {
  double sum = 0, weight = 1 / sharp;
  for (size_t h = 0; h < FR__WALKER_HARMONICS; h++, weight *= sharp)
    sum += weight * wave->amplitude[h] * sin((double)(h + 1) * phase + wave->shift[h]);
  return sum;
}

static void thigh_angles(const walk *w, double angle[3]) {
  const fr__walker *who = w->who;
  const double size = acts[w->activity].swing * sqrt(w->strength) * w->eased;
  for (size_t i = 0; i < 3; i++)
    angle[i] = size * wave_at(&who->swing[i], w->phase, 1);
  angle[0] += acts[w->activity].lean + who->lean[w->activity] +
              who->sway * sin(TURN * who->sway_hz * w->seconds + w->sway_phase);
  angle[1] += 0.7 * who->sway * sin(TURN * 0.73 * who->sway_hz * w->seconds);
}

/* Sideways, forward, up, in g. */
static void body_forces(const walk *w, double force[3]) {
  const double size = acts[w->activity].strength * w->strength * w->eased;
  const double tremor =
      w->who->tremor * sin(TURN * w->who->tremor_hz * w->seconds + 2 * w->sway_phase);
  for (size_t i = 0; i < 3; i++)
    force[i] = size * wave_at(&w->who->force[i], w->phase, acts[w->activity].sharp) +
               tremor / (double)(i + 1);
}

static void begin(walk *w, const fr__walker *who, size_t activity, uint64_t seed,
                  uint64_t trial) {
  *w = (walk){.who = who, .activity = activity, .stride_rate = 1, .stride_strength = 1};
  w->eased = 1;
  fr__rng_init(&w->rng, seed, trial);
  const double speed = factor(&w->rng, 0.05);
  w->rate = who->stride_hz * acts[activity].rate * who->rate[activity] * speed;
  w->strength = who->strength[activity] * speed * speed;
  w->phase = TURN * fr__rng_uniform(&w->rng);
  w->heading = TURN * fr__rng_uniform(&w->rng);
  w->sway_phase = TURN * fr__rng_uniform(&w->rng);
  double pose[3];
  for (size_t i = 0; i < 3; i++) {
    pose[i] = who->pose[i] + 0.25 * fr__rng_normal(&w->rng);
    w->bias[i] = 0.01 * fr__rng_normal(&w->rng);
  }
  w->pose = rotation(pose[0] + TURN / 4, pose[1], pose[2]); /* upright in the pocket */
  thigh_angles(w, w->angle);
}

/* Time goes on by one step: drift and turning wander, each stride differs from the last.
 */
static void advance(walk *w) {
  const double slow = DT / 8, quick = DT / 0.15; /* shares of 8 s and 0.15 s */
  w->drift += -slow * w->drift + 0.03 * sqrt(2 * slow) * fr__rng_normal(&w->rng);
  w->turning += -slow * w->turning + 0.05 * sqrt(2 * slow) * fr__rng_normal(&w->rng);
  w->heading += w->turning * DT;
  w->phase += TURN * DT * w->rate * w->stride_rate * (1 + w->drift);
  if (w->phase >= TURN) {
    w->phase -= TURN;
    w->stride_rate = 1 + 0.02 * fr__rng_normal(&w->rng);
    w->stride_strength = 1 + 0.08 * fr__rng_normal(&w->rng);
  }
  w->eased += quick * (w->stride_strength * (1 + 2 * w->drift) - w->eased);
  w->seconds += DT;
}

/* Angles of the phone in the world, as Apple's Core Motion names them: pitch around x,
 * then roll around y, of a device that yaw has turned. */
static void write_attitude(const matrix *m, float out[3]) {
  out[0] = (float)atan2(-m->at[2][0], m->at[2][2]);
  out[1] = (float)asin(fmax(-1, fmin(1, m->at[2][1])));
  out[2] = (float)atan2(-m->at[0][1], m->at[1][1]);
}

static void observe(walk *w, float *out) {
  static const double down[3] = {0, 0, -1};
  const fr__walker *who = w->who;
  double angle[3], force[3], spin[3], seen[3][3];
  thigh_angles(w, angle);
  body_forces(w, force);
  const matrix thigh = rotation(angle[0], angle[1], angle[2]);
  const matrix level = product(&thigh, &w->pose); /* phone -> body, upright */
  const matrix turned = rotation(0, 0, w->heading), world = product(&turned, &level);
  for (size_t i = 0; i < 3; i++) {
    spin[i] = (angle[i] - w->angle[i]) / DT;
    w->angle[i] = angle[i];
  }
  spin[2] += w->turning;
  inward(&level, down, seen[0]);
  inward(&w->pose, spin, seen[1]);
  inward(&level, force, seen[2]);
  write_attitude(&world, out);
  for (size_t i = 0; i < 3; i++) {
    out[3 + i] = (float)seen[0][i];
    out[6 + i] =
        (float)(seen[1][i] + w->bias[i] + who->noise_rad_s * fr__rng_normal(&w->rng));
    out[9 + i] = (float)(seen[2][i] + who->noise_g * fr__rng_normal(&w->rng));
  }
}

void fr__walker_walk(const fr__walker *walker, size_t activity, uint64_t seed,
                     uint64_t trial, size_t steps, float *out) {
  walk w;
  begin(&w, walker, activity, seed, trial);
  for (size_t t = 0; t < steps; t++) {
    advance(&w);
    observe(&w, out + t * FR__WALKER_CHANNELS);
  }
}
