/* SPDX-License-Identifier: Apache-2.0 */
/* Splits: which windows train, which validate, which test. */
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "base/rng.h"
#include "data/reader.h"
#include "data/split.h"

#define STREAM_SPLIT 0x73706c6974u    /* of the seed: "split" */
#define STREAM_VALIDATE 0x76616c6964u /* "valid" */
#define VALIDATE_SHARE 0.1 /* of an activity that has one training trial only */
#define ID_CEILING 128     /* bytes of one item in a list of people */

typedef struct job {
  const fr_windows *windows;
  const fr_dataset *data;
  size_t fold;
  uint64_t seed;
  uint8_t *side; /* (windows->count) */
  size_t blocks; /* K of blocks:K; 0: another split */
  fr__places places;
} job;

/* A way to split: `argument` is what follows the colon, NULL where there is none. */
typedef struct rule {
  const char *name;
  bool argument;
  bool leaky;
  enum fr_status (*assign)(job *j, const char *argument, fr_error *err);
  enum fr_status (*folds)(const fr_windows *windows, const char *argument, size_t *folds,
                          fr_error *err);
} rule;

static const fr_record *record_of(const fr_windows *windows, size_t i) {
  return &windows->data->record[windows->at[i].record];
}

static void assign_all(job *j, enum fr_side side) {
  memset(j->side, (int)side, j->windows->count);
}

static enum fr_status parse_share(const char *name, const char *text, double *share,
                                  fr_error *err) {
  if (!fr__parse_number(text, strlen(text), share) || !(*share > 0 && *share < 1))
    return fr__fail(err, FR_ERR_ARGUMENT, "split '%s:%s' needs a share between 0 and 1",
                    name, text);
  return FR_OK;
}

/* ---- by person ---- */

/* The people of a list, true in `chosen`, a zeroed (subjects) array. */
static enum fr_status choose_people(const fr_names *subjects, const char *list,
                                    bool *chosen, fr_error *err) {
  const char *item;
  size_t length, items = 0;
  for (const char *at = list; fr__list_next(&at, &item, &length); items++) {
    char id[ID_CEILING];
    if (length >= sizeof id)
      return fr__fail(err, FR_ERR_LIMIT, "a person's name is longer than %d bytes",
                      ID_CEILING - 1);
    memcpy(id, item, length);
    id[length] = '\0';
    bool found = false;
    for (size_t s = 0; s < subjects->count; s++) {
      if (fr__list_has(id, subjects->name[s]))
        chosen[s] = found = true;
    }
    if (!found)
      return fr__fail(err, FR_ERR_NOT_FOUND, "'%s' names nobody in the data", id);
  }
  if (items == 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "a split by person needs people: subject:1,4-6");
  return FR_OK;
}

/* Windows of the chosen people move from side `have` to side `move`. How many moved. */
static size_t move_people(job *j, const bool *chosen, enum fr_side have,
                          enum fr_side move) {
  size_t moved = 0;
  for (size_t i = 0; i < j->windows->count; i++) {
    if (j->side[i] != have || !chosen[record_of(j->windows, i)->subject])
      continue;
    j->side[i] = (uint8_t)move;
    moved++;
  }
  return moved;
}

/* Indices of the people who have windows, in natural order of their names. */
static enum fr_status list_people(const fr_windows *windows, size_t **people,
                                  size_t *count, fr_error *err) {
  const size_t subjects = windows->data->subjects.count;
  size_t *list = calloc(subjects + 1, sizeof *list);
  if (!list)
    return fr__fail_memory(err, "people");
  for (size_t i = 0; i < windows->count; i++)
    list[record_of(windows, i)->subject] = 1;
  *count = 0;
  for (size_t s = 0; s < subjects; s++) {
    if (list[s])
      list[(*count)++] = s;
  }
  *people = list;
  return FR_OK;
}

static enum fr_status folds_loo(const fr_windows *windows, size_t *folds, fr_error *err) {
  size_t *people;
  const enum fr_status status = list_people(windows, &people, folds, err);
  if (status == FR_OK)
    free(people);
  return status;
}

static enum fr_status folds_subject(const fr_windows *windows, const char *argument,
                                    size_t *folds, fr_error *err) {
  if (strcmp(argument, "loo") == 0)
    return folds_loo(windows, folds, err);
  *folds = 1;
  return FR_OK;
}

static enum fr_status folds_kfold(const fr_windows *windows, const char *argument,
                                  size_t *folds, fr_error *err) {
  int64_t k;
  size_t people = 0;
  if (!fr__parse_integer(argument, 2, INT32_MAX, &k))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "kfold:%s: '%s' is not a number of folds from 2 on", argument,
                    argument);
  const enum fr_status status = folds_loo(windows, &people, err);
  if (status != FR_OK)
    return status;
  if ((size_t)k > people)
    return fr__fail(err, FR_ERR_ARGUMENT, "kfold:%s: the data has only %zu people",
                    argument, people);
  *folds = (size_t)k;
  return FR_OK;
}

/* People `fold`, `fold` + `folds`, ... of the list test; shuffled first where `shuffle`.
 */
static enum fr_status assign_fold(job *j, size_t folds, bool shuffle, fr_error *err) {
  size_t *people, count;
  const enum fr_status status = list_people(j->windows, &people, &count, err);
  if (status != FR_OK)
    return status;
  bool *chosen = calloc(j->data->subjects.count + 1, sizeof *chosen);
  if (chosen) {
    if (shuffle) {
      fr__rng rng;
      fr__rng_init(&rng, j->seed, STREAM_SPLIT);
      fr__rng_shuffle(&rng, people, count);
    }
    for (size_t i = j->fold; i < count; i += folds)
      chosen[people[i]] = true;
    assign_all(j, FR_SIDE_TRAIN);
    move_people(j, chosen, FR_SIDE_TRAIN, FR_SIDE_TEST);
  }
  free(people);
  free(chosen);
  return chosen ? FR_OK : fr__fail_memory(err, "people");
}

static enum fr_status move_listed(job *j, const char *list, enum fr_side move,
                                  fr_error *err) {
  bool *chosen = calloc(j->data->subjects.count + 1, sizeof *chosen);
  if (!chosen)
    return fr__fail_memory(err, "people");
  const enum fr_status status = choose_people(&j->data->subjects, list, chosen, err);
  if (status == FR_OK)
    move_people(j, chosen, FR_SIDE_TRAIN, move);
  free(chosen);
  return status;
}

static enum fr_status assign_subject(job *j, const char *argument, fr_error *err) {
  size_t folds = 0;
  assign_all(j, FR_SIDE_TRAIN);
  if (strcmp(argument, "loo") != 0)
    return move_listed(j, argument, FR_SIDE_TEST, err);
  const enum fr_status status = folds_loo(j->windows, &folds, err);
  return status == FR_OK ? assign_fold(j, folds, false, err) : status;
}

static enum fr_status assign_kfold(job *j, const char *argument, fr_error *err) {
  size_t folds = 1;
  const enum fr_status status = folds_kfold(j->windows, argument, &folds, err);
  return status == FR_OK ? assign_fold(j, folds, true, err) : status;
}

static enum fr_status folds_folds(const fr_windows *windows, const char *argument,
                                  size_t *folds, fr_error *err) {
  (void)windows;
  return fr__folds_count(argument, folds, err);
}

static enum fr_status assign_folds(job *j, const char *argument, fr_error *err) {
  const fr_names *subjects = &j->data->subjects;
  bool *chosen = calloc(subjects->count + 1, sizeof *chosen);
  if (!chosen)
    return fr__fail_memory(err, "people");
  const enum fr_status status =
      fr__folds_people(argument, j->fold, subjects, chosen, err);
  assign_all(j, FR_SIDE_TRAIN);
  if (status == FR_OK)
    move_people(j, chosen, FR_SIDE_TRAIN, FR_SIDE_TEST);
  free(chosen);
  return status;
}

/* ---- by trial, time and chance ---- */

static enum fr_status assign_blocks(job *j, const char *argument, fr_error *err) {
  const enum fr_status status = fr__blocks_count(j->windows, argument, &j->blocks, err);
  if (status != FR_OK)
    return status;
  assign_all(j, FR_SIDE_TRAIN);
  fr__places_move_block(&j->places, j->blocks, j->fold, FR_SIDE_TRAIN, FR_SIDE_TEST);
  return FR_OK;
}

/* MotionSense: trials 1-9 are long, 11-16 short (Malekzadeh et al. 2019, section 5). */
static enum fr_status assign_motionsense(job *j, fr_error *err) {
  for (size_t i = 0; i < j->windows->count; i++) {
    const uint32_t trial = record_of(j->windows, i)->trial;
    const char *name = trial < j->data->trials.count ? j->data->trials.name[trial] : "";
    int64_t number;
    if (!fr__parse_integer(name, 0, INT32_MAX, &number))
      return fr__fail(err, FR_ERR_FORMAT, "trial '%s' of '%s' is not a number", name,
                      j->data->spec);
    j->side[i] = number <= 9 ? FR_SIDE_TRAIN : FR_SIDE_TEST;
  }
  return FR_OK;
}

static enum fr_status assign_trial(job *j, const char *argument, fr_error *err) {
  (void)argument;
  if (j->data->trials.count == 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "'%s' has no trials to split by: time:0.7 splits by time",
                    j->data->spec);
  if (strcmp(j->data->kind, "motionsense") == 0)
    return assign_motionsense(j, err);
  assign_all(j, FR_SIDE_TRAIN);
  fr__places_by_history(&j->places);
  for (size_t from = 0, to; from < j->places.count; from = to) {
    to = fr__places_run(&j->places, from);
    fr__places_move_trials(&j->places, from, to, false, FR_SIDE_TRAIN, FR_SIDE_TEST);
  }
  return FR_OK;
}

/* The last `share` of each person's windows on side `have`: by the clock where the person
 * has one time line, else, where trials each begin anew, of each activity's trials. */
static void move_last(job *j, double share, enum fr_side have, enum fr_side move) {
  const bool diary = j->data->trials.count == 0;
  if (diary)
    fr__places_by_diary(&j->places);
  else
    fr__places_by_history(&j->places);
  for (size_t from = 0, to; from < j->places.count; from = to) {
    to = diary ? fr__places_person(&j->places, from) : fr__places_run(&j->places, from);
    fr__places_move_last(&j->places, from, to, share, have, move);
  }
}

static enum fr_status assign_time(job *j, const char *argument, fr_error *err) {
  double share;
  const enum fr_status status = parse_share("time", argument, &share, err);
  if (status != FR_OK)
    return status;
  assign_all(j, FR_SIDE_TRAIN);
  move_last(j, 1 - share, FR_SIDE_TRAIN, FR_SIDE_TEST);
  return FR_OK;
}

static enum fr_status assign_random(job *j, const char *argument, fr_error *err) {
  double share;
  const enum fr_status status = parse_share("random", argument, &share, err);
  if (status != FR_OK)
    return status;
  const size_t n = j->windows->count;
  size_t *order = malloc(n * sizeof *order);
  if (!order)
    return fr__fail_memory(err, "a split");
  for (size_t i = 0; i < n; i++)
    order[i] = i;
  fr__rng rng;
  fr__rng_init(&rng, j->seed, STREAM_SPLIT);
  fr__rng_shuffle(&rng, order, n);
  const size_t train = (size_t)(share * (double)n + 0.5);
  for (size_t i = 0; i < n; i++)
    j->side[order[i]] = i < train ? FR_SIDE_TRAIN : FR_SIDE_TEST;
  free(order);
  return FR_OK;
}

static enum fr_status assign_test(job *j, const char *argument, fr_error *err) {
  (void)argument, (void)err;
  assign_all(j, FR_SIDE_TEST);
  return FR_OK;
}

/* Of the UEA and UCR archives: who or what trains stands in NAME_TRAIN.ts, each file
 * being a subject. */
static enum fr_status assign_published(job *j, const char *argument, fr_error *err) {
  static const char end[] = "_TEST";
  const fr_names *subjects = &j->data->subjects;
  (void)argument;
  if (strcmp(j->data->kind, "ts") != 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s' has no published split", j->data->spec);
  bool *chosen = calloc(subjects->count + 1, sizeof *chosen);
  if (!chosen)
    return fr__fail_memory(err, "a split");
  for (size_t s = 0; s < subjects->count; s++) {
    const size_t length = strlen(subjects->name[s]);
    chosen[s] = length >= strlen(end) &&
                strcmp(subjects->name[s] + length - strlen(end), end) == 0;
  }
  assign_all(j, FR_SIDE_TRAIN);
  move_people(j, chosen, FR_SIDE_TRAIN, FR_SIDE_TEST);
  free(chosen);
  return FR_OK;
}

static const rule rules[] = {
    {"trial", false, false, assign_trial, NULL},
    {"subject", true, false, assign_subject, folds_subject},
    {"kfold", true, false, assign_kfold, folds_kfold},
    {"folds", true, false, assign_folds, folds_folds},
    {"blocks", true, false, assign_blocks, fr__blocks_count},
    {"time", true, false, assign_time, NULL},
    {"random", true, true, assign_random, NULL},
    {"published", false, false, assign_published, NULL},
    {"all", false, false, assign_test, NULL},
};

static enum fr_status find_rule(const char *how, const rule **out, const char **argument,
                                fr_error *err) {
  const size_t length = strcspn(how, ":");
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    if (strlen(rules[i].name) != length || strncmp(rules[i].name, how, length) != 0 ||
        rules[i].argument != (how[length] == ':'))
      continue;
    *out = &rules[i];
    *argument = rules[i].argument ? how + length + 1 : NULL;
    return FR_OK;
  }
  return fr__fail(err, FR_ERR_ARGUMENT,
                  "split '%s' is not known: trial, subject:IDS, subject:loo, kfold:K, "
                  "folds:DIR, blocks:K, time:SHARE, random:SHARE, published or all",
                  how);
}

static enum fr_status rule_folds(const rule *r, const fr_windows *windows,
                                 const char *argument, size_t *folds, fr_error *err) {
  if (r->folds)
    return r->folds(windows, argument, folds, err);
  *folds = 1;
  return FR_OK;
}

enum fr_status fr_split_folds(const fr_windows *windows, const char *how, size_t *folds,
                              fr_error *err) {
  const rule *r;
  const char *argument;
  const enum fr_status status =
      find_rule(how ? how : windows->data->split, &r, &argument, err);
  return status == FR_OK ? rule_folds(r, windows, argument, folds, err) : status;
}

/* ---- validation ---- */

static void validate_trials(job *j) {
  fr__places_by_history(&j->places);
  for (size_t from = 0, to; from < j->places.count; from = to) {
    to = fr__places_run(&j->places, from);
    if (fr__places_move_trials(&j->places, from, to, true, FR_SIDE_TRAIN,
                               FR_SIDE_VALIDATE) == 0)
      fr__places_move_last(&j->places, from, to, VALIDATE_SHARE, FR_SIDE_TRAIN,
                           FR_SIDE_VALIDATE);
  }
}

/* The block behind the one that tests; behind the last the first. */
static enum fr_status validate_blocks(job *j, fr_error *err) {
  if (j->blocks == 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "validation 'blocks' is of a split blocks:K alone");
  fr__places_move_block(&j->places, j->blocks, (j->fold + 1) % j->blocks, FR_SIDE_TRAIN,
                        FR_SIDE_VALIDATE);
  return FR_OK;
}

/* Random ones of the training windows, in an order that is not assign_random's. */
static enum fr_status validate_random(job *j, const char *argument, fr_error *err) {
  double share;
  const enum fr_status status = parse_share("random", argument, &share, err);
  if (status != FR_OK)
    return status;
  size_t *order = malloc(j->windows->count * sizeof *order), n = 0;
  if (!order)
    return fr__fail_memory(err, "a split");
  for (size_t i = 0; i < j->windows->count; i++)
    if (j->side[i] == FR_SIDE_TRAIN)
      order[n++] = i;
  fr__rng rng;
  fr__rng_init(&rng, j->seed, STREAM_VALIDATE);
  fr__rng_shuffle(&rng, order, n);
  for (size_t i = 0; i < (size_t)(share * (double)n + 0.5); i++)
    j->side[order[i]] = FR_SIDE_VALIDATE;
  free(order);
  return FR_OK;
}

static enum fr_status parse_validation(const char *text, double *share, fr_error *err) {
  if (fr__parse_number(text, strlen(text), share) && *share > 0 && *share < 1)
    return FR_OK;
  return fr__fail(err, FR_ERR_ARGUMENT,
                  "validation '%s' is not known: a share such as 0.1, trial, blocks, "
                  "subject:IDS, random:SHARE or none",
                  text);
}

static enum fr_status validate_share(job *j, const char *text, fr_error *err) {
  double share;
  const enum fr_status status = parse_validation(text, &share, err);
  if (status == FR_OK)
    move_last(j, share, FR_SIDE_TRAIN, FR_SIDE_VALIDATE);
  return status;
}

static enum fr_status take_validation(job *j, const char *validate, fr_error *err) {
  if (strcmp(validate, "none") == 0)
    return FR_OK;
  if (strncmp(validate, "subject:", 8) == 0)
    return move_listed(j, validate + 8, FR_SIDE_VALIDATE, err);
  if (strncmp(validate, "random:", 7) == 0)
    return validate_random(j, validate + 7, err);
  if (strcmp(validate, "blocks") == 0)
    return validate_blocks(j, err);
  if (strcmp(validate, "trial") != 0)
    return validate_share(j, validate, err);
  if (j->data->trials.count == 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s' has no trials to validate with",
                    j->data->spec);
  validate_trials(j);
  return FR_OK;
}

/* ---- together ---- */

enum fr_status fr_split_check(const char *how, const char *validate, fr_error *err) {
  const rule *r;
  const char *argument;
  double share;
  const bool named = validate == NULL || strcmp(validate, "none") == 0 ||
                     strcmp(validate, "blocks") == 0 || strcmp(validate, "trial") == 0 ||
                     strncmp(validate, "subject:", 8) == 0 ||
                     strncmp(validate, "random:", 7) == 0;
  const enum fr_status status = how != NULL ? find_rule(how, &r, &argument, err) : FR_OK;
  return status != FR_OK || named ? status : parse_validation(validate, &share, err);
}

static enum fr_status assign_sides(job *j, const char *how, const char *validate,
                                   bool *leaky, fr_error *err) {
  const rule *r;
  const char *argument;
  size_t folds = 0;
  enum fr_status status = find_rule(how, &r, &argument, err);
  if (status == FR_OK)
    status = rule_folds(r, j->windows, argument, &folds, err);
  if (status != FR_OK)
    return status;
  if (j->fold >= folds)
    return fr__fail(err, FR_ERR_ARGUMENT, "split '%s' has %zu folds, no fold %zu", how,
                    folds, j->fold + 1);
  status = r->assign(j, argument, err);
  if (status == FR_OK && !r->leaky)
    fr__places_part(&j->places, FR_SIDE_TEST, FR_SIDE_TRAIN);
  if (status == FR_OK)
    status = take_validation(j, validate, err);
  if (status == FR_OK)
    fr__places_part(&j->places, FR_SIDE_VALIDATE, FR_SIDE_TRAIN);
  *leaky = r->leaky;
  return status;
}

static enum fr_status check_sides(const size_t count[4], const char *how,
                                  const char *validate, fr_error *err) {
  const bool all = strcmp(how, "all") == 0;
  const char *empty = NULL;
  if (count[FR_SIDE_TEST] == 0)
    empty = "test with";
  else if (count[FR_SIDE_TRAIN] == 0 && !all)
    empty = "train on";
  else if (count[FR_SIDE_VALIDATE] == 0 && !all && strcmp(validate, "none") != 0)
    empty = "validate with";
  if (!empty)
    return FR_OK;
  return fr__fail(err, FR_ERR_NOT_FOUND,
                  "split '%s' with validation '%s' leaves nothing to %s", how, validate,
                  empty);
}

enum fr_status fr_split_init(fr_split *split, const fr_windows *windows, const char *how,
                             const char *validate, size_t fold, uint64_t seed,
                             fr_error *err) {
  how = how ? how : windows->data->split;
  validate = validate ? validate : "none";
  fr_split made = {.side = calloc(windows->count, 1)};
  if (!made.side)
    return fr__fail_memory(err, "a split");
  job j = {windows, windows->data, fold, seed, made.side, 0, {0}};
  enum fr_status status = fr__places_init(&j.places, windows, made.side, err);
  if (status == FR_OK)
    status = assign_sides(&j, how, validate, &made.leaky, err);
  fr__places_release(&j.places);
  for (size_t i = 0; i < windows->count; i++)
    made.count[made.side[i]]++;
  if (status == FR_OK)
    status = check_sides(made.count, how, validate, err);
  if (status != FR_OK) {
    fr_split_release(&made);
    return status;
  }
  *split = made;
  return FR_OK;
}

void fr_split_release(fr_split *split) {
  free(split->side);
  *split = (fr_split){0};
}
