/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MotionSense (Malekzadeh et al. 2019, doi:10.1145/3302505.3310068):
 * A_DeviceMotion_data/<activity>_<trial>/sub_<person>.csv at 50 Hz, in the published zip
 * or unpacked.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "data/files.h"
#include "data/reader.h"

#define RATE_HZ 50.0
#define COLUMNS_CEILING 64 /* of a file; published are 13 */

/* The sensors by the name they have in a spec, and their columns. */
static const struct {
  const char *name;
  const char *column[3];
} groups[] = {
    {"attitude", {"attitude.roll", "attitude.pitch", "attitude.yaw"}},
    {"gravity", {"gravity.x", "gravity.y", "gravity.z"}},
    {"rotation", {"rotationRate.x", "rotationRate.y", "rotationRate.z"}},
    {"acceleration", {"userAcceleration.x", "userAcceleration.y", "userAcceleration.z"}},
};
#define GROUPS (sizeof groups / sizeof *groups)

static const char *const activities[] = {"dws", "ups", "wlk", "jog", "sit", "std"};
#define ACTIVITIES (sizeof activities / sizeof *activities)

/* Who and what a file's name tells. */
typedef struct place {
  char activity[8];
  char trial[8];
  char subject[8];
} place;

typedef struct reading {
  const fr__spec *spec;
  const char *only_activities; /* NULL: all */
  const char *only_subjects;   /* NULL: all */
  fr__builder builder;
  size_t columns;              /* of the present file */
  int16_t to[COLUMNS_CEILING]; /* (columns) the channel that a column becomes; -1: none */
} reading;

/* ---- names of files ---- */

static bool copy_digits(const char *text, size_t length, char out[8]) {
  if (length == 0 || length > 7 || strspn(text, "0123456789") < length)
    return false;
  memcpy(out, text, length);
  out[length] = '\0';
  return true;
}

/* ".../dws_1/sub_3.csv" */
static bool parse_place(const char *name, place *out) {
  const char *const slash = strrchr(name, '/');
  if (slash == NULL || strncmp(slash, "/sub_", 5) != 0)
    return false;
  const char *const subject = slash + 5;
  const size_t digits = strspn(subject, "0123456789");
  if (strcmp(subject + digits, ".csv") != 0 ||
      !copy_digits(subject, digits, out->subject))
    return false;
  const char *folder = slash;
  while (folder > name && folder[-1] != '/')
    folder--;
  const char *const line = memchr(folder, '_', (size_t)(slash - folder));
  const size_t length = line != NULL ? (size_t)(line - folder) : 0;
  if (length == 0 || length >= sizeof out->activity ||
      !copy_digits(line + 1, (size_t)(slash - line - 1), out->trial))
    return false;
  memcpy(out->activity, folder, length);
  out->activity[length] = '\0';
  for (size_t i = 0; i < ACTIVITIES; i++)
    if (strcmp(out->activity, activities[i]) == 0)
      return true;
  return false;
}

static bool is_recording(void *self, const char *name) {
  (void)self;
  place where;
  return parse_place(name, &where);
}

static bool is_wanted(void *self, const char *name) {
  const reading *const r = self;
  place where;
  return parse_place(name, &where) &&
         (r->only_activities == NULL ||
          fr__list_has(r->only_activities, where.activity)) &&
         (r->only_subjects == NULL || fr__list_has(r->only_subjects, where.subject));
}

/* ---- rows ---- */

/* What `header` names: which column becomes which channel. */
static enum fr_status map_columns(reading *r, const fr__csv *csv, fr_error *err) {
  const fr_names *const channels = &r->builder.data->channels;
  if (csv->count > COLUMNS_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "%s:%zu: more than %d columns", csv->name,
                    csv->line, COLUMNS_CEILING);
  r->columns = csv->count;
  for (size_t i = 0; i < r->columns; i++)
    r->to[i] = -1;
  for (size_t i = 0; i < channels->count; i++) {
    const uint32_t column = fr__csv_find(csv, channels->name[i]);
    if (column == FR_NONE)
      return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: column '%s' is missing", csv->name,
                      csv->line, channels->name[i]);
    r->to[column] = (int16_t)i;
  }
  return FR_OK;
}

/* A row of plain numbers at `p` into `out`; what follows it, or NULL where it holds
 * anything else and slow_row has to look. */
static const char *fast_row(const reading *r, const char *p, const char *end,
                            float *out) {
  for (size_t i = 0; i < r->columns; i++) {
    if (r->to[i] >= 0) {
      double value = 0;
      p = fr__scan_number(p, end, &value);
      if (p == NULL || !(fabs(value) <= FLT_MAX))
        return NULL;
      out[r->to[i]] = (float)value;
    } else {
      while (p < end && *p != ',' && *p != '\n' && *p != '"')
        p++;
    }
    const char stop = i + 1 < r->columns ? ',' : '\n';
    if (p == end)
      return stop == '\n' ? p : NULL;
    if (*p++ != stop)
      return NULL;
  }
  return p;
}

/* The row that the cursor is before, with everything that CSV allows; says what is wrong.
 */
static enum fr_status slow_row(const reading *r, fr__csv *csv, float *out, bool *more,
                               fr_error *err) {
  const enum fr_status status = fr__csv_next(csv, more, err);
  if (status != FR_OK || !*more)
    return status;
  if (csv->count != r->columns)
    return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: %zu columns in place of %zu", csv->name,
                    csv->line, csv->count, r->columns);
  for (size_t i = 0; i < r->columns; i++) {
    double value = 0;
    if (r->to[i] < 0)
      continue;
    const enum fr_status number = fr__csv_number(csv, i, &value, err);
    if (number != FR_OK)
      return number;
    if (fabs(value) > FLT_MAX)
      return fr__csv_fail(csv, i, "is too large", err);
    out[r->to[i]] = (float)value;
  }
  return FR_OK;
}

/* All rows behind the header into `out`, which has room for them. */
static enum fr_status read_rows(const reading *r, fr__csv *csv, float *out, size_t *steps,
                                fr_error *err) {
  const size_t channels = r->builder.data->channels.count;
  const char *const end = csv->text + csv->size;
  const char *p = csv->text + csv->at;
  for (*steps = 0; p < end; ++*steps) {
    const char *const next = fast_row(r, p, end, out + *steps * channels);
    if (next != NULL) {
      p = next;
      csv->lines++;
      continue;
    }
    bool more = false;
    csv->at = (size_t)(p - csv->text);
    const enum fr_status status = slow_row(r, csv, out + *steps * channels, &more, err);
    if (status != FR_OK)
      return status;
    if (!more)
      break;
    p = csv->text + csv->at;
  }
  if (*steps == 0)
    return fr__fail(err, FR_ERR_FORMAT, "%s: no rows behind the header", csv->name);
  return FR_OK;
}

/* No more rows than these are in `size` bytes: a row has as many bytes as columns. */
static size_t rows_at_most(const char *text, size_t size, size_t columns) {
  size_t lines = 1;
  const char *p = text, *const end = text + size;
  while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
    lines++;
    p++;
  }
  const size_t fit = size / columns + 1;
  return lines < fit ? lines : fit;
}

static enum fr_status add_record(reading *r, const char *name, size_t steps,
                                 fr_error *err) {
  place where;
  fr_dataset *const data = r->builder.data;
  fr_record about = {.steps = steps, .span_s = (double)steps / RATE_HZ};
  if (!parse_place(name, &where)) /* it was wanted, so it can be parsed */
    return fr__fail(err, FR_ERR_FORMAT, "'%s' is no recording's name", name);
  enum fr_status status = fr__names_add(&data->subjects, where.subject,
                                        strlen(where.subject), &about.subject, err);
  if (status == FR_OK)
    status = fr__names_add(&data->activities, where.activity, strlen(where.activity),
                           &about.activity, err);
  if (status == FR_OK)
    status =
        fr__names_add(&data->trials, where.trial, strlen(where.trial), &about.trial, err);
  if (status == FR_OK)
    status = fr__builder_add(&r->builder, &about, NULL, err);
  return status;
}

static enum fr_status read_file(void *self, const char *name, char *text, size_t size,
                                fr_error *err) {
  reading *const r = self;
  fr__csv csv;
  bool more = false;
  size_t steps = 0;
  fr__csv_init(&csv, name, text, size, ',');
  enum fr_status status = fr__csv_next(&csv, &more, err);
  if (status == FR_OK && !more)
    status = fr__fail(err, FR_ERR_FORMAT, "%s: no header", name);
  if (status == FR_OK)
    status = fr__csv_keep_header(&csv, err);
  if (status == FR_OK)
    status = map_columns(r, &csv, err);
  if (status == FR_OK) {
    const size_t most = rows_at_most(text + csv.at, size - csv.at, r->columns);
    float *const room = fr__builder_room(&r->builder, most, err);
    status = room == NULL ? FR_ERR_MEMORY : read_rows(r, &csv, room, &steps, err);
  }
  if (status == FR_OK)
    status = add_record(r, name, steps, err);
  fr__csv_release(&csv);
  return status;
}

/* ---- the spec ---- */

/* The columns that one item of channels= means, added to `channels`. */
static enum fr_status add_channels(fr_names *channels, const char *item, size_t length,
                                   fr_error *err) {
  enum fr_status status = FR_OK;
  bool known = false;
  for (size_t g = 0; g < GROUPS; g++) {
    const bool whole =
        strlen(groups[g].name) == length && memcmp(groups[g].name, item, length) == 0;
    for (size_t i = 0; i < 3 && status == FR_OK; i++) {
      const char *const column = groups[g].column[i];
      if (!whole && (strlen(column) != length || memcmp(column, item, length) != 0))
        continue;
      known = true;
      status = fr__names_add(channels, column, strlen(column), NULL, err);
    }
  }
  if (known || status != FR_OK)
    return status;
  return fr__fail(err, FR_ERR_ARGUMENT,
                  "channels: '%.*s' is not attitude, gravity, rotation, acceleration or "
                  "one of their columns",
                  (int)length, item);
}

static enum fr_status choose_channels(fr_names *channels, const char *list,
                                      fr_error *err) {
  if (list == NULL)
    list = "attitude,gravity,rotation,acceleration";
  const char *item = NULL;
  size_t length = 0;
  while (fr__list_next(&list, &item, &length)) {
    const enum fr_status status = add_channels(channels, item, length, err);
    if (status != FR_OK)
      return status;
  }
  if (channels->count == 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "channels: none are named");
  return FR_OK;
}

static enum fr_status check_activities(const char *list, fr_error *err) {
  const char *item = NULL;
  size_t length = 0;
  while (list != NULL && fr__list_next(&list, &item, &length)) {
    bool known = false;
    for (size_t i = 0; i < ACTIVITIES; i++)
      known |=
          strlen(activities[i]) == length && memcmp(activities[i], item, length) == 0;
    if (!known)
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "activities: '%.*s' is not dws, ups, wlk, jog, sit or std",
                      (int)length, item);
  }
  return FR_OK;
}

static enum fr_status read_motionsense(const fr__spec *spec,
                                       const fr_data_options *options, fr_dataset **out,
                                       fr_error *err) {
  reading r = {.spec = spec,
               .only_activities = fr__spec_value(spec, "activities"),
               .only_subjects = fr__spec_value(spec, "subjects")};
  const fr__visitor visitor = {.self = &r, .wanted = is_wanted, .file = read_file};
  fr_dataset *data = NULL;
  fr__derivation derivation;
  enum fr_status status = check_activities(r.only_activities, err);
  if (status == FR_OK)
    status = fr__derivation_read(spec, &derivation, err);
  if (status == FR_OK)
    status =
        fr__builder_init(&r.builder, "motionsense", "trial", spec->whole, RATE_HZ, err);
  if (status == FR_OK)
    status =
        choose_channels(&r.builder.data->channels, fr__spec_value(spec, "channels"), err);
  if (status == FR_OK)
    status = fr__files_each(spec->path, &visitor, options, err);
  if (status == FR_OK)
    status = fr__builder_finish(&r.builder, &data, err);
  if (status == FR_OK)
    status = fr__derive(&derivation, &data, err);
  if (status == FR_OK)
    *out = data;
  else
    fr_data_free(data);
  fr__builder_release(&r.builder);
  return status;
}

static const char *const keys[] = {"activities", "subjects", "channels",      "rate",
                                   "frame",      "features", "features_step", NULL};

const fr__reader fr__reader_motionsense = {.kind = "motionsense",
                                           .keys = keys,
                                           .path = true,
                                           .read = read_motionsense,
                                           .wanted = is_recording};
