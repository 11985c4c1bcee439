/* SPDX-License-Identifier: Apache-2.0 */
/* synthetic: walkers from the gait model of walker.c, in MotionSense's channels; with
 * signs=, signers. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "data/keypoints.h"
#include "data/reader.h"
#include "data/signer_read.h"
#include "data/walker.h"

#define STEPS_MOST 5e7 /* of all records: 2.4 GB */

typedef struct job {
  int64_t subjects, trials, seed;
  double seconds;
  size_t steps; /* of each record */
  bool wanted[FR__WALKER_ACTIVITIES];
  fr__derivation derivation;
} job;

static enum fr_status read_activities(const fr__spec *spec, job *j, fr_error *err) {
  const char *list = fr__spec_value(spec, "activities"), *item;
  size_t length;
  for (size_t a = 0; a < FR__WALKER_ACTIVITIES; a++)
    j->wanted[a] = !list;
  while (list && fr__list_next(&list, &item, &length)) {
    bool found = false;
    for (size_t a = 0; a < FR__WALKER_ACTIVITIES; a++) {
      const char *name = fr__walker_activities[a];
      if (strlen(name) == length && memcmp(name, item, length) == 0)
        j->wanted[a] = found = true;
    }
    if (!found)
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "'%s': activities: '%.*s' is not dws, ups, wlk, jog, sit or std",
                      spec->whole, (int)length, item);
  }
  return FR_OK;
}

static enum fr_status read_keys(const fr__spec *spec, job *j, fr_error *err) {
  enum fr_status status =
      fr__spec_integer(spec, "subjects", 1, 1000, 8, &j->subjects, err);
  if (status == FR_OK)
    status = fr__spec_integer(spec, "trials", 1, 100, 6, &j->trials, err);
  if (status == FR_OK)
    status = fr__spec_number(spec, "seconds", 1, 3600, 30, &j->seconds, err);
  if (status == FR_OK)
    status = fr__spec_integer(spec, "seed", 0, INT64_MAX, 1, &j->seed, err);
  if (status == FR_OK)
    status = read_activities(spec, j, err);
  if (status == FR_OK)
    status = fr__derivation_read(spec, &j->derivation, err);
  if (status != FR_OK)
    return status;
  j->steps = (size_t)lround(j->seconds * FR__WALKER_RATE_HZ);
  double total = 0;
  for (size_t a = 0; a < FR__WALKER_ACTIVITIES; a++)
    total +=
        j->wanted[a] ? (double)j->subjects * (double)j->trials * (double)j->steps : 0;
  if (total == 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s': activities: none are named",
                    spec->whole);
  if (total > STEPS_MOST)
    return fr__fail(err, FR_ERR_LIMIT, "'%s' would be %.0f steps, more than %.0f",
                    spec->whole, total, STEPS_MOST);
  return FR_OK;
}

static enum fr_status add_name(fr_names *names, const char *name, uint32_t *index,
                               fr_error *err) {
  return fr__names_add(names, name, strlen(name), index, err);
}

static enum fr_status add_number(fr_names *names, size_t number, uint32_t *index,
                                 fr_error *err) {
  char text[24];
  snprintf(text, sizeof text, "%zu", number);
  return add_name(names, text, index, err);
}

static enum fr_status add_record(const job *j, const fr__walker *walker, size_t activity,
                                 uint64_t stream, fr_record *about, fr__builder *builder,
                                 fr_error *err) {
  const enum fr_status status = add_name(
      &builder->data->activities, fr__walker_activities[activity], &about->activity, err);
  if (status != FR_OK)
    return status;
  float *out = fr__builder_room(builder, j->steps, err);
  if (!out)
    return err->status;
  fr__walker_walk(walker, activity, (uint64_t)j->seed, stream, j->steps, out);
  return fr__builder_add(builder, about, NULL, err);
}

/* All trials of one person. Streams of random numbers are named by person, activity and
 * trial, so that fewer activities or trials leave the others as they are. */
static enum fr_status add_person(const job *j, size_t person, fr__builder *builder,
                                 fr_error *err) {
  fr__walker walker;
  fr__walker_draw(&walker, (uint64_t)j->seed, person);
  fr_record about = {.steps = j->steps, .span_s = (double)j->steps / FR__WALKER_RATE_HZ};
  enum fr_status status =
      add_number(&builder->data->subjects, person + 1, &about.subject, err);
  for (size_t t = 0; t < (size_t)j->trials && status == FR_OK; t++) {
    status = add_number(&builder->data->trials, t + 1, &about.trial, err);
    for (size_t a = 0; a < FR__WALKER_ACTIVITIES && status == FR_OK; a++) {
      const uint64_t stream =
          ((person + 1) * FR__WALKER_ACTIVITIES + a) * 1000 + t + 1000000;
      if (j->wanted[a])
        status = add_record(j, &walker, a, stream, &about, builder, err);
    }
  }
  return status;
}

static enum fr_status make_people(const job *j, const fr__spec *spec,
                                  const fr_data_options *options, fr_dataset **out,
                                  fr_error *err) {
  fr__builder builder;
  enum fr_status status = fr__builder_init(&builder, "synthetic", "trial", spec->whole,
                                           FR__WALKER_RATE_HZ, err);
  for (size_t c = 0; c < FR__WALKER_CHANNELS && status == FR_OK; c++) {
    uint32_t index;
    status = add_name(&builder.data->channels, fr__walker_channels[c], &index, err);
  }
  for (size_t s = 0; s < (size_t)j->subjects && status == FR_OK; s++) {
    status = add_person(j, s, &builder, err);
    fr__progress(options, (double)(s + 1) / (double)j->subjects);
  }
  if (status == FR_OK)
    status = fr__builder_finish(&builder, out, err);
  fr__builder_release(&builder);
  return status;
}

/* Keys that the other model has. */
static enum fr_status check_keys(const fr__spec *spec, const char *const *others,
                                 const char *who, fr_error *err) {
  for (size_t i = 0; others[i] != NULL; i++)
    if (fr__spec_value(spec, others[i]) != NULL)
      return fr__fail(err, FR_ERR_ARGUMENT, "'%s': synthetic %s know no '%s'",
                      spec->whole, who, others[i]);
  return FR_OK;
}

static enum fr_status read_synthetic(const fr__spec *spec, const fr_data_options *options,
                                     fr_dataset **out, fr_error *err) {
  static const char *const of_walkers[] = {"rate", "frame", "features_step", NULL};
  static const char *const of_signers[] = {"no_sign", "shifted", NULL};
  fr_error own;
  err = err ? err : &own;
  if (fr__spec_value(spec, "signs") != NULL) {
    const enum fr_status refused = check_keys(spec, of_walkers, "signers", err);
    return refused == FR_OK ? fr__signers_read(spec, options, out, err) : refused;
  }
  job j = {0};
  fr_dataset *data = NULL;
  enum fr_status status = check_keys(spec, of_signers, "walkers", err);
  if (status == FR_OK)
    status = check_keys(spec, fr__keypoints_keys, "walkers", err);
  if (status == FR_OK)
    status = read_keys(spec, &j, err);
  if (status == FR_OK)
    status = make_people(&j, spec, options, &data, err);
  if (status == FR_OK)
    status = fr__derive(&j.derivation, &data, err);
  if (status == FR_OK)
    *out = data;
  else
    fr_data_free(data);
  return status;
}

static const char *const keys[] = {
    "subjects",      "trials",     "seconds", "seed",    "rate",    "frame", "features",
    "features_step", "activities", "signs",   "no_sign", "shifted", "parts", "mirror",
    "velocity",      "aspect",     "shape",   "depth",   "hold",    NULL};

const fr__reader fr__reader_synthetic = {
    .kind = "synthetic", .keys = keys, .signs = "signs", .read = read_synthetic};
