/* SPDX-License-Identifier: Apache-2.0 */
/* Motion as it is whichever way the phone lies. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "data/reader.h"

enum { GRAVITY, ACCELERATION, ROTATION, SENSORS };

static const char *const inputs[SENSORS][3] = {
    [GRAVITY] = {"gravity.x", "gravity.y", "gravity.z"},
    [ACCELERATION] = {"userAcceleration.x", "userAcceleration.y", "userAcceleration.z"},
    [ROTATION] = {"rotationRate.x", "rotationRate.y", "rotationRate.z"},
};

/* One record, as the frames see it. */
typedef struct stretch {
  const float *values; /* (steps, channels) */
  size_t steps, channels;
  uint32_t at[SENSORS][3]; /* columns */
} stretch;

/* What stands in the place of the three sensors. */
typedef struct frame {
  size_t outputs;
  const char *const *output; /* their names */
  bool gravity;              /* whether it needs that */
  void (*step)(const stretch *s, size_t t, float *out);
} frame;

static enum fr_status find_inputs(const fr_dataset *data, bool gravity,
                                  uint32_t at[SENSORS][3], fr_error *err) {
  for (size_t s = gravity ? GRAVITY : ACCELERATION; s < SENSORS; s++)
    for (size_t i = 0; i < 3; i++) {
      at[s][i] = fr__names_find(&data->channels, inputs[s][i], strlen(inputs[s][i]));
      if (at[s][i] == FR_NONE)
        return fr__fail(err, FR_ERR_ARGUMENT, "'%s' has no channel '%s'", data->spec,
                        inputs[s][i]);
    }
  return FR_OK;
}

/* ---- by gravity ---- */

/* v = x·g / |g|, h = √(|x|² − v²). Without gravity (free fall) the direction is unknown
 * and everything counts as across. */
static void split(const float *x, const uint32_t sensor[3], const uint32_t gravity[3],
                  float out[2]) {
  double along = 0, length = 0, g = 0;
  for (size_t i = 0; i < 3; i++) {
    const double a = x[sensor[i]], b = x[gravity[i]];
    along += a * b;
    length += a * a;
    g += b * b;
  }
  const double v = g > 0 ? along / sqrt(g) : 0, across = length - v * v;
  out[0] = (float)v;
  out[1] = (float)sqrt(across > 0 ? across : 0);
}

/* |g.y| / |g|: 1 where the phone's long axis stands, 0 where it lies. */
static float uprightness(const float *x, const uint32_t gravity[3]) {
  double g = 0;
  for (size_t i = 0; i < 3; i++)
    g += (double)x[gravity[i]] * x[gravity[i]];
  return g > 0 ? (float)(fabs((double)x[gravity[1]]) / sqrt(g)) : 0;
}

static void gravity_step(const stretch *s, size_t t, float *out) {
  const float *x = s->values + t * s->channels;
  split(x, s->at[ACCELERATION], s->at[GRAVITY], out);
  split(x, s->at[ROTATION], s->at[GRAVITY], out + 2);
}

static void pocket_step(const stretch *s, size_t t, float *out) {
  gravity_step(s, t, out);
  out[4] = uprightness(s->values + t * s->channels, s->at[GRAVITY]);
}

/* The root of |x·y|, with its sign: of the size of the vectors. */
static float product(const double x[3], const double y[3]) {
  const double dot = x[0] * y[0] + x[1] * y[1] + x[2] * y[2];
  return (float)copysign(sqrt(fabs(dot)), dot);
}

/* The cubic root of x·(y × z), which tells left from right. */
static float triple(const double x[3], const double y[3], const double z[3]) {
  return (float)cbrt(x[0] * (y[1] * z[2] - y[2] * z[1]) +
                     x[1] * (y[2] * z[0] - y[0] * z[2]) +
                     x[2] * (y[0] * z[1] - y[1] * z[0]));
}

static void vector_at(const stretch *s, size_t sensor, size_t t, double out[3]) {
  for (size_t i = 0; i < 3; i++)
    out[i] = (double)s->values[t * s->channels + s->at[sensor][i]];
}

/* Takes from x what is along g, of length 1. */
static void lay_flat(double x[3], const double g[3]) {
  const double along = x[0] * g[0] + x[1] * g[1] + x[2] * g[2];
  for (size_t i = 0; i < 3; i++)
    x[i] -= along * g[i];
}

/* How acceleration and turning lie to each other across gravity: with the lengths all
 * that three vectors tell but for the direction of north. */
static void body_step(const stretch *s, size_t t, float *out) {
  double g[3], a[3], w[3];
  gravity_step(s, t, out);
  vector_at(s, GRAVITY, t, g);
  vector_at(s, ACCELERATION, t, a);
  vector_at(s, ROTATION, t, w);
  const double length = sqrt(g[0] * g[0] + g[1] * g[1] + g[2] * g[2]);
  for (size_t i = 0; i < 3; i++)
    g[i] = length > 0 ? g[i] / length : 0;
  out[5] = triple(g, a, w);
  lay_flat(a, g);
  lay_flat(w, g);
  out[4] = product(a, w);
}

static const char *const by_body[] = {"userAcceleration.vertical",
                                      "userAcceleration.horizontal",
                                      "rotationRate.vertical",
                                      "rotationRate.horizontal",
                                      "across.along",
                                      "across.beside"};

static const char *const by_gravity[] = {
    "userAcceleration.vertical", "userAcceleration.horizontal", "rotationRate.vertical",
    "rotationRate.horizontal", "gravity.long"};

/* ---- without gravity ---- */

/* From the step before to the step behind; at both ends from the step itself. */
static void change_at(const stretch *s, size_t sensor, size_t t, double out[3]) {
  double before[3];
  vector_at(s, sensor, t > 0 ? t - 1 : 0, before);
  vector_at(s, sensor, t + 1 < s->steps ? t + 1 : t, out);
  for (size_t i = 0; i < 3; i++)
    out[i] -= before[i];
}

static void motion_step(const stretch *s, size_t t, float *out) {
  double a[3], w[3], da[3], dw[3];
  vector_at(s, ACCELERATION, t, a);
  vector_at(s, ROTATION, t, w);
  change_at(s, ACCELERATION, t, da);
  change_at(s, ROTATION, t, dw);
  const float all[] = {product(a, a),    product(w, w),   product(a, w),
                       product(da, da),  product(dw, dw), product(a, da),
                       product(w, dw),   product(a, dw),  product(da, w),
                       triple(a, w, dw), triple(w, a, da)};
  memcpy(out, all, sizeof all);
}

static const char *const by_motion[] = {"motion.a",      "motion.w",     "motion.a_w",
                                        "motion.da",     "motion.dw",    "motion.a_da",
                                        "motion.w_dw",   "motion.a_dw",  "motion.w_da",
                                        "motion.a_w_dw", "motion.w_a_da"};

/* ---- all of a data set ---- */

static enum fr_status begin_output(const fr_dataset *from, const frame *f,
                                   fr__builder *builder, fr_error *err) {
  enum fr_status status =
      fr__builder_init(builder, from->kind, from->split, from->spec, from->rate_hz, err);
  for (size_t c = 0; c < f->outputs && status == FR_OK; c++)
    status = fr__names_add(&builder->data->channels, f->output[c], strlen(f->output[c]),
                           NULL, err);
  if (status == FR_OK)
    status = fr__names_copy(&from->subjects, &builder->data->subjects, err);
  if (status == FR_OK)
    status = fr__names_copy(&from->activities, &builder->data->activities, err);
  if (status == FR_OK)
    status = fr__names_copy(&from->trials, &builder->data->trials, err);
  if (status == FR_OK)
    status = fr__names_copy(&from->labels, &builder->data->labels, err);
  return status;
}

static enum fr_status add_record(const fr_dataset *from, size_t i, const frame *f,
                                 stretch *s, fr__builder *builder, fr_error *err) {
  const fr_record *r = &from->record[i];
  float *room = fr__builder_room(builder, r->steps, err);
  if (room == NULL)
    return FR_ERR_MEMORY;
  s->values = r->values;
  s->steps = r->steps;
  for (size_t t = 0; t < r->steps; t++)
    f->step(s, t, room + t * f->outputs);
  const int8_t *label = from->label != NULL ? from->label + i * from->labels.count : NULL;
  return fr__builder_add(builder, r, label, err);
}

static enum fr_status make_frame(const fr_dataset *from, const frame *f, fr_dataset **out,
                                 fr_error *err) {
  stretch s = {.channels = from->channels.count};
  fr__builder builder = {0};
  enum fr_status status = find_inputs(from, f->gravity, s.at, err);
  if (status == FR_OK)
    status = begin_output(from, f, &builder, err);
  for (size_t i = 0; i < from->count && status == FR_OK; i++)
    status = add_record(from, i, f, &s, &builder, err);
  if (status == FR_OK)
    status = fr__builder_finish(&builder, out, err);
  fr__builder_release(&builder);
  return status;
}

enum fr_status fr_dataset_gravity_frame(const fr_dataset *series, fr_dataset **out,
                                        fr_error *err) {
  const frame f = {4, by_gravity, true, gravity_step};
  return make_frame(series, &f, out, err);
}

enum fr_status fr_dataset_pocket_frame(const fr_dataset *series, fr_dataset **out,
                                       fr_error *err) {
  const frame f = {5, by_gravity, true, pocket_step};
  return make_frame(series, &f, out, err);
}

enum fr_status fr_dataset_body_frame(const fr_dataset *series, fr_dataset **out,
                                     fr_error *err) {
  const frame f = {6, by_body, true, body_step};
  return make_frame(series, &f, out, err);
}

enum fr_status fr_dataset_motion_frame(const fr_dataset *series, fr_dataset **out,
                                       fr_error *err) {
  const frame f = {sizeof by_motion / sizeof *by_motion, by_motion, false, motion_step};
  return make_frame(series, &f, out, err);
}
