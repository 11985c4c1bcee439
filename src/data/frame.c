/* SPDX-License-Identifier: Apache-2.0 */
/* Motion in the frame of gravity: what is left of it whichever way the phone lies. */
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

/* What each frame leaves, in order; the first four are fr_dataset_gravity_frame's. */
static const char *const outputs[] = {
    "userAcceleration.vertical", "userAcceleration.horizontal", "rotationRate.vertical",
    "rotationRate.horizontal", "gravity.long"};
enum { UPRIGHT = 4, POCKET_OUTPUTS };

static enum fr_status find_inputs(const fr_dataset *series, uint32_t at[SENSORS][3],
                                  fr_error *err) {
  for (size_t s = 0; s < SENSORS; s++)
    for (size_t i = 0; i < 3; i++) {
      at[s][i] = fr__names_find(&series->channels, inputs[s][i], strlen(inputs[s][i]));
      if (at[s][i] == FR_NONE)
        return fr__fail(err, FR_ERR_ARGUMENT, "'%s' has no channel '%s'", series->spec,
                        inputs[s][i]);
    }
  return FR_OK;
}

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

static enum fr_status begin_output(const fr_dataset *from, size_t count,
                                   fr__builder *builder, fr_error *err) {
  enum fr_status status =
      fr__builder_init(builder, from->kind, from->split, from->spec, from->rate_hz, err);
  for (size_t c = 0; c < count && status == FR_OK; c++)
    status = fr__names_add(&builder->data->channels, outputs[c], strlen(outputs[c]), NULL,
                           err);
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

static enum fr_status add_record(const fr_dataset *from, size_t i,
                                 uint32_t at[SENSORS][3], fr__builder *builder,
                                 fr_error *err) {
  const size_t count = builder->data->channels.count;
  const fr_record *r = &from->record[i];
  float *room = fr__builder_room(builder, r->steps, err);
  if (room == NULL)
    return FR_ERR_MEMORY;
  for (size_t t = 0; t < r->steps; t++) {
    const float *x = r->values + t * from->channels.count;
    float *to = room + t * count;
    split(x, at[ACCELERATION], at[GRAVITY], to);
    split(x, at[ROTATION], at[GRAVITY], to + 2);
    if (count > UPRIGHT)
      to[UPRIGHT] = uprightness(x, at[GRAVITY]);
  }
  const int8_t *label = from->label != NULL ? from->label + i * from->labels.count : NULL;
  return fr__builder_add(builder, r, label, err);
}

/* The first `count` outputs. */
static enum fr_status make_frame(const fr_dataset *series, size_t count, fr_dataset **out,
                                 fr_error *err) {
  uint32_t at[SENSORS][3];
  fr__builder builder = {0};
  enum fr_status status = find_inputs(series, at, err);
  if (status == FR_OK)
    status = begin_output(series, count, &builder, err);
  for (size_t i = 0; i < series->count && status == FR_OK; i++)
    status = add_record(series, i, at, &builder, err);
  if (status == FR_OK)
    status = fr__builder_finish(&builder, out, err);
  fr__builder_release(&builder);
  return status;
}

enum fr_status fr_dataset_gravity_frame(const fr_dataset *series, fr_dataset **out,
                                        fr_error *err) {
  return make_frame(series, UPRIGHT, out, err);
}

enum fr_status fr_dataset_pocket_frame(const fr_dataset *series, fr_dataset **out,
                                       fr_error *err) {
  return make_frame(series, POCKET_OUTPUTS, out, err);
}
