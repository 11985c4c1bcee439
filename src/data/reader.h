/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the readers of this room share: a spec taken apart, the descriptor of a reader,
 * names, and the builder that makes a data set out of records.
 */
#ifndef FR_DATA_READER_H
#define FR_DATA_READER_H

#include "frugal/data.h"

/* ---- spec: KIND:PATH?key=value&key=value ---- */

#define FR__SPEC_OPTIONS 16

typedef struct fr__spec {
  char *whole; /* as it was asked for; owned */
  char *parts; /* the same, cut into pieces that the fields below point to; owned */
  const char *kind;
  const char *path; /* "" where there is none */
  size_t count;
  struct {
    const char *key;
    const char *value;
  } option[FR__SPEC_OPTIONS];
} fr__spec;

enum fr_status fr__spec_parse(const char *text, fr__spec *spec, fr_error *err);
void fr__spec_release(fr__spec *spec);

/* The paths of a reader of several: the whole where it exists, else cut at commas; each
 * once. */
enum fr_status fr__spec_paths(const fr__spec *spec, fr_names *paths, fr_error *err);
/* Between two specs of one text: "csv:a.csv?label=x + csv:b.csv?label=x". */
#define FR__SPEC_AND " + "
/* Ends `text` behind its first spec; what follows, NULL: nothing. */
char *fr__spec_cut(char *text);
/* The list of activities or signs that it chooses; NULL: all. */
const char *fr__spec_choice(const fr__spec *spec);

/* The value of `key`; NULL where it is not given. */
const char *fr__spec_value(const fr__spec *spec, const char *key);

/* The value of `key` as a number in [low, high]; `fallback` where it is not given. */
enum fr_status fr__spec_number(const fr__spec *spec, const char *key, double low,
                               double high, double fallback, double *out, fr_error *err);
enum fr_status fr__spec_integer(const fr__spec *spec, const char *key, int64_t low,
                                int64_t high, int64_t fallback, int64_t *out,
                                fr_error *err);

/* Whether `id` is in a list such as "1-12,14,ann"; a range holds whole numbers only. */
bool fr__list_has(const char *list, const char *id);

/* The next item of a comma-separated list at *at, which moves behind it; false at the
 * end. Empty items are passed over. */
bool fr__list_next(const char **at, const char **item, size_t *length);

/* ---- reader ---- */

typedef struct fr__reader {
  const char *kind;        /* "motionsense" */
  const char *const *keys; /* known keys, ended by NULL */
  bool path;               /* needs a path; its result can be cached */
  /* The files and folders that a spec names, where that is not its path alone. */
  enum fr_status (*paths)(const fr__spec *spec, fr_names *paths, fr_error *err);
  bool fresh;        /* is as quick as its cache: none is made */
  enum fr_task task; /* where none is named */
  const char *signs; /* a key with which that is `gesture`; NULL: none */
  enum fr_status (*read)(const fr__spec *spec, const fr_data_options *options,
                         fr_dataset **out, fr_error *err);
  /* Whether a file below the path is one of the reader's, told by its name alone; NULL:
   * any is. `self` is NULL. */
  bool (*wanted)(void *self, const char *name);
} fr__reader;

extern const fr__reader fr__reader_motionsense;
extern const fr__reader fr__reader_extrasensory;
extern const fr__reader fr__reader_csv;
extern const fr__reader fr__reader_keypoints;
extern const fr__reader fr__reader_synthetic;
extern const fr__reader fr__reader_ts;

/* Tells the caller of fr_data_open how far the reading is, 0 to 1; `options` may be NULL.
 */
void fr__progress(const fr_data_options *options, double done);
/* `name` NULL: the one that began ends. */
void fr__reading(const fr_data_options *options, const char *name);

/* ---- what is made of a series: keys frame, rate, features, features_step ---- */

typedef enum fr_status fr__derive_frame(const fr_dataset *series, fr_dataset **out,
                                        fr_error *err);

typedef struct fr__derivation {
  fr__derive_frame *frame; /* frame=gravity, ...; NULL: none */
  double rate_hz;          /* rate=; 0: as it is */
  bool features;           /* features=extrasensory */
  double features_s;       /* step of feature windows */
} fr__derivation;

enum fr_status fr__derivation_read(const fr__spec *spec, fr__derivation *out,
                                   fr_error *err);
/* *data is replaced where something is to be made of it, else left; also on failure. */
enum fr_status fr__derive(const fr__derivation *d, fr_dataset **data, fr_error *err);

/* ---- names ---- */

/* "2" before "10", letters by byte: the order of people, trials and classes. */
int fr__natural_compare(const char *a, const char *b);

/* The index of `name` (of `length` bytes), FR_NONE where it is not there. */
uint32_t fr__names_find(const fr_names *names, const char *name, size_t length);

/* The same, put at the end where it is not there yet. */
enum fr_status fr__names_add(fr_names *names, const char *name, size_t length,
                             uint32_t *index, fr_error *err);
enum fr_status fr__names_copy(const fr_names *from, fr_names *to, fr_error *err);

/* ---- builder ---- */

/*
 * Collects records into one array of values. In order: init, names into `data->channels`
 * (and `labels`), then for each record: room, fill, add; at last finish. Release is
 * always safe, also after finish.
 */
typedef struct fr__builder {
  fr_dataset *data;       /* being made; names may be added to it directly */
  size_t value_count;     /* floats taken by records */
  size_t value_capacity;  /* floats in data->values */
  size_t record_capacity; /* in data->record and data->label */
} fr__builder;

/* `kind` and `split` have static storage; `spec` is copied. */
enum fr_status fr__builder_init(fr__builder *builder, const char *kind, const char *split,
                                const char *spec, double rate_hz, fr_error *err);
void fr__builder_release(fr__builder *builder);

/* Room for `steps` rows of all channels behind the last record, (steps, channels), not
 * yet part of any record; valid until the next call. NULL and *err where it does not fit.
 */
float *fr__builder_room(fr__builder *builder, size_t steps, fr_error *err);

/* Makes a record of the first `about->steps` rows of the room; `about->values` is
 * ignored. `label` (labels.count) may be NULL: all unknown. */
enum fr_status fr__builder_add(fr__builder *builder, const fr_record *about,
                               const int8_t *label, fr_error *err);

/*
 * Puts names into natural order and records into the order of subject, trial, time
 * and activity, so that the result does not depend on the order of the input, and
 * computes the digest. FR_ERR_NOT_FOUND where there is no record.
 */
enum fr_status fr__builder_finish(fr__builder *builder, fr_dataset **out, fr_error *err);

/* XXH64 over names, values and who, what, when of each record. */
uint64_t fr__dataset_digest(const fr_dataset *data);

#endif
