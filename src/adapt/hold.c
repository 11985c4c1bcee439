/* SPDX-License-Identifier: Apache-2.0 */
/* Which training samples show how accurate a depth is: of people or trials that are not
 * trained on. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/reader.h"
#include "frugal/adapt.h"

enum { PART = 4 }; /* one in so many is held back */

typedef struct job {
  const fr_samples *samples;
  const fr_windows *windows;
  const fr_dataset *data;
  bool *held; /* (samples) */
} job;

static const fr_record *record_of(const job *j, size_t i) {
  return &j->data->record[j->windows->at[j->samples->window[i]].record];
}

/* Both sides have samples. */
static bool parts(const job *j) {
  size_t held = 0;
  for (size_t i = 0; i < j->samples->count; i++)
    held += j->held[i];
  return held > 0 && held < j->samples->count;
}

/* Marks who has samples; how many do. */
static size_t mark_people(const job *j, bool *there) {
  size_t people = 0;
  for (size_t i = 0; i < j->samples->count; i++)
    there[record_of(j, i)->subject] = true;
  for (size_t s = 0; s < j->data->subjects.count; s++)
    people += there[s];
  return people;
}

/* Every fourth person, in the order of the data. */
static bool hold_people(job *j, bool *there) {
  if (mark_people(j, there) < PART)
    return false;
  size_t n = 0;
  for (size_t s = 0; s < j->data->subjects.count; s++)
    if (there[s])
      there[s] = ++n % PART == 0;
  for (size_t i = 0; i < j->samples->count; i++)
    j->held[i] = there[record_of(j, i)->subject];
  return parts(j);
}

/* ---- trials ---- */

static const char *trial_name(const job *j, const fr_record *r) {
  return r->trial == FR_NONE ? "" : j->data->trials.name[r->trial];
}

/* A trial of the same person and activity that comes before r's. */
static bool has_earlier_trial(const job *j, const fr_record *r) {
  for (size_t i = 0; i < j->samples->count; i++) {
    const fr_record *other = record_of(j, i);
    if (other->subject == r->subject && other->activity == r->activity &&
        fr__natural_compare(trial_name(j, other), trial_name(j, r)) < 0)
      return true;
  }
  return false;
}

static bool has_later_trial(const job *j, const fr_record *r) {
  for (size_t i = 0; i < j->samples->count; i++) {
    const fr_record *other = record_of(j, i);
    if (other->subject == r->subject && other->activity == r->activity &&
        fr__natural_compare(trial_name(j, other), trial_name(j, r)) > 0)
      return true;
  }
  return false;
}

/* The last trial of each person and activity that has two. Samples of one record lie
 * behind each other: each record is looked at once. */
static bool hold_trials(job *j) {
  if (j->data->trials.count == 0)
    return false;
  for (size_t i = 0; i < j->samples->count; i++) {
    const fr_record *r = record_of(j, i);
    j->held[i] = i > 0 && record_of(j, i - 1) == r
                     ? j->held[i - 1]
                     : has_earlier_trial(j, r) && !has_later_trial(j, r);
  }
  return parts(j);
}

/* ---- time ---- */

/* The last quarter of each person's samples, in the order of the data. */
static bool hold_ends(job *j, size_t *count /* (subjects) zeroed */) {
  for (size_t i = 0; i < j->samples->count; i++)
    count[record_of(j, i)->subject]++;
  memset(j->held, 0, j->samples->count * sizeof *j->held);
  for (size_t s = 0; s < j->data->subjects.count; s++) {
    size_t hold = count[s] / PART;
    for (size_t i = j->samples->count; i-- > 0 && hold > 0;)
      if (record_of(j, i)->subject == s) {
        j->held[i] = true;
        hold--;
      }
  }
  return parts(j);
}

enum fr_status fr_transfer_hold(const fr_prepared *prepared, enum fr_task task,
                                bool **held, bool *by_people, fr_error *err) {
  const fr_dataset *data = prepared->windows.data;
  job j = {.samples = &prepared->train,
           .windows = &prepared->windows,
           .data = data,
           .held = calloc(prepared->train.count + 1, sizeof *j.held)};
  bool *there = calloc(data->subjects.count + 1, sizeof *there);
  size_t *count = calloc(data->subjects.count + 1, sizeof *count);
  enum fr_status status = FR_OK;
  bool people = false;
  if (j.held == NULL || there == NULL || count == NULL) {
    status = fr__fail_memory(err, "what is held back");
  } else {
    people = task != FR_TASK_SUBJECT && hold_people(&j, there);
    if (!people && !hold_trials(&j) && !hold_ends(&j, count))
      status = fr__fail(err, FR_ERR_NOT_FOUND,
                        "%zu training samples are too few to hold any back",
                        prepared->train.count);
  }
  free(there);
  free(count);
  if (status != FR_OK) {
    free(j.held);
    return status;
  }
  *held = j.held;
  if (by_people != NULL)
    *by_people = people;
  return FR_OK;
}
