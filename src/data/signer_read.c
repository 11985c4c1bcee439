/* SPDX-License-Identifier: Apache-2.0 */
/* synthetic:signs=K: hands of the model in signer.c as hands-only key points. */
#include "data/signer_read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/keypoints.h"
#include "data/signer.h"

#define FRAMES_MOST 1e7 /* of all records: 5 GB */
#define NAME_SIZE 32

typedef struct job {
  const fr__spec *spec;
  int64_t signs, subjects, trials;
  size_t steps;       /* of each record */
  const char *wanted; /* names of signs; NULL: all */
  fr__keypoints_asked frames;
  fr__builder *builder; /* borrowed */
} job;

static void sign_name(size_t sign, char text[NAME_SIZE]) {
  (void)snprintf(text, NAME_SIZE, "sign%zu", sign + 1);
}

static bool is_wanted(const job *j, size_t sign) {
  char name[NAME_SIZE];
  sign_name(sign, name);
  return j->wanted == NULL || fr__list_has(j->wanted, name);
}

/* Each name of the list is one of the signs. */
static enum fr_status check_wanted(const job *j, fr_error *err) {
  const char *list = j->wanted, *item = NULL;
  size_t length = 0, named = 0;
  for (; list != NULL && fr__list_next(&list, &item, &length); named++) {
    bool found = false;
    for (size_t s = 0; s < (size_t)j->signs && !found; s++) {
      char name[NAME_SIZE];
      sign_name(s, name);
      found = strlen(name) == length && memcmp(name, item, length) == 0;
    }
    if (!found)
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "'%s': activities: '%.*s' is none of sign1 to sign%lld",
                      j->spec->whole, (int)length, item, (long long)j->signs);
  }
  if (j->wanted != NULL && named == 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s': activities: none are named",
                    j->spec->whole);
  return FR_OK;
}

static enum fr_status read_keys(const fr__spec *spec, job *j, fr_error *err) {
  double seconds = 0;
  enum fr_status status = fr__keypoints_ask(spec, &j->frames, err);
  if (status == FR_OK)
    status = fr__spec_integer(spec, "signs", 1, 200, 10, &j->signs, err);
  if (status == FR_OK)
    status = fr__spec_integer(spec, "subjects", 1, 1000, 3, &j->subjects, err);
  if (status == FR_OK)
    status = fr__spec_integer(spec, "trials", 1, 1000, 10, &j->trials, err);
  if (status == FR_OK)
    status = fr__spec_number(spec, "seconds", 0.25, 60, 1, &seconds, err);
  if (status != FR_OK)
    return status;
  j->spec = spec;
  j->wanted = fr__spec_value(spec, "activities");
  j->steps = (size_t)lround(seconds * FR__SIGNER_RATE_HZ);
  const double total =
      (double)j->signs * (double)j->subjects * (double)j->trials * (double)j->steps;
  if (total > FRAMES_MOST)
    return fr__fail(err, FR_ERR_LIMIT, "'%s' would be %.0f frames, more than %.0f",
                    spec->whole, total, FRAMES_MOST);
  return check_wanted(j, err);
}

/* ---- records ---- */

static enum fr_status add_number(fr_names *names, size_t number, uint32_t *index,
                                 fr_error *err) {
  char text[NAME_SIZE];
  const int length = snprintf(text, sizeof text, "%zu", number);
  return fr__names_add(names, text, (size_t)length, index, err);
}

/* Streams of random numbers are named by person, sign and trial, so that fewer of them
 * leave the others as they are. */
static enum fr_status add_record(const job *j, const fr__signer *signer, size_t person,
                                 size_t sign, size_t trial, fr_error *err) {
  fr_dataset *const data = j->builder->data;
  fr_record about = {.steps = j->steps, .span_s = (double)j->steps / FR__SIGNER_RATE_HZ};
  char name[NAME_SIZE];
  fr__sign what;
  sign_name(sign, name);
  enum fr_status status =
      fr__names_add(&data->activities, name, strlen(name), &about.activity, err);
  if (status == FR_OK)
    status = add_number(&data->subjects, person + 1, &about.subject, err);
  if (status == FR_OK)
    status = add_number(&data->trials, trial + 1, &about.trial, err);
  if (status != FR_OK)
    return status;
  float *const out = fr__builder_room(j->builder, j->steps, err);
  if (out == NULL)
    return FR_ERR_MEMORY;
  fr__sign_draw(&what, (uint64_t)j->frames.seed, sign);
  fr__signer_sign(signer, &what, (uint64_t)j->frames.seed,
                  ((uint64_t)person * 1000 + sign) * 1000 + trial, j->steps, out);
  return fr__builder_add(j->builder, &about, NULL, err);
}

static enum fr_status add_person(const job *j, size_t person, fr_error *err) {
  enum fr_status status = FR_OK;
  fr__signer signer;
  fr__signer_draw(&signer, (uint64_t)j->frames.seed, person);
  for (size_t s = 0; s < (size_t)j->signs; s++)
    for (size_t t = 0; is_wanted(j, s) && t < (size_t)j->trials && status == FR_OK; t++)
      status = add_record(j, &signer, person, s, t, err);
  return status;
}

enum fr_status fr__signers_read(const fr__spec *spec, const fr_data_options *options,
                                fr_dataset **out, fr_error *err) {
  fr__builder builder;
  fr_dataset *data = NULL;
  job j = {.builder = &builder};
  enum fr_status status = read_keys(spec, &j, err);
  if (status == FR_OK)
    status = fr__builder_init(&builder, "synthetic", "trial", spec->whole,
                              FR__SIGNER_RATE_HZ, err);
  if (status != FR_OK)
    return status;
  builder.data->window = j.steps;
  status = fr_keypoint_names(FR_KEYPOINTS_HANDS, &builder.data->channels, err);
  for (size_t p = 0; p < (size_t)j.subjects && status == FR_OK; p++) {
    status = add_person(&j, p, err);
    fr__progress(options, (double)(p + 1) / (double)j.subjects);
  }
  if (status == FR_OK)
    status = fr__builder_finish(&builder, &data, err);
  fr__builder_release(&builder);
  if (status == FR_OK)
    status = fr__keypoints_make(spec, &j.frames, options, &data, err);
  if (status == FR_OK)
    *out = data;
  else
    fr_data_free(data);
  return status;
}
