/* SPDX-License-Identifier: Apache-2.0 */
/* Two data sets as one, and the spec that reads both. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "data/reader.h"

/* ---- records ---- */

typedef struct joining {
  const fr_dataset *first, *second;
  fr__builder builder;
  uint64_t *key; /* (records of the first), sorted; owned */
} joining;

static bool same_names(const fr_names *a, const fr_names *b) {
  bool same = a->count == b->count;
  for (size_t i = 0; same && i < a->count; i++)
    same = strcmp(a->name[i], b->name[i]) == 0;
  return same;
}

static const char *text_or(const char *text) { return text != NULL ? text : ""; }

static enum fr_status check(const fr_dataset *a, const fr_dataset *b, fr_error *err) {
  const char *what = NULL;
  if (!same_names(&a->channels, &b->channels))
    what = "channels";
  else if (a->rate_hz != b->rate_hz)
    what = "rates";
  else if (strcmp(text_or(a->frames), text_or(b->frames)) != 0)
    what = "features";
  else if (!same_names(&a->labels, &b->labels))
    what = "labels";
  return what == NULL ? FR_OK
                      : fr__fail(err, FR_ERR_ARGUMENT,
                                 "'%s' and '%s' have other %s: they cannot be one",
                                 a->spec, b->spec, what);
}

static const char *name_of(const fr_names *names, uint32_t i) {
  return i == FR_NONE ? "" : names->name[i];
}

static void hash_text(fr__hash *hash, const char *text) {
  fr__hash_add(hash, text, strlen(text) + 1);
}

/* Who, what, when and each value. */
static uint64_t key_of(const fr_dataset *data, const fr_record *r) {
  fr__hash hash;
  fr__hash_init(&hash, 0);
  hash_text(&hash, name_of(&data->subjects, r->subject));
  hash_text(&hash, name_of(&data->activities, r->activity));
  hash_text(&hash, name_of(&data->trials, r->trial));
  fr__hash_add(&hash, &r->start_s, sizeof r->start_s);
  fr__hash_add(&hash, r->values, r->steps * data->channels.count * sizeof *r->values);
  return fr__hash_value(&hash);
}

static int compare_keys(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* Of the first's records, sorted. */
static enum fr_status list_keys(joining *j, fr_error *err) {
  const fr_dataset *a = j->first;
  j->key = calloc(a->count + 1, sizeof *j->key);
  if (j->key == NULL)
    return fr__fail_memory(err, "what two data sets have in common");
  for (size_t i = 0; i < a->count; i++)
    j->key[i] = key_of(a, &a->record[i]);
  qsort(j->key, a->count, sizeof *j->key, compare_keys);
  return FR_OK;
}

static bool has_record(const joining *j, const fr_record *r) {
  const uint64_t key = key_of(j->second, r);
  return bsearch(&key, j->key, j->first->count, sizeof key, compare_keys) != NULL;
}

static enum fr_status add_name(const fr_names *from, uint32_t *index, fr_names *to,
                               fr_error *err) {
  if (*index == FR_NONE)
    return FR_OK;
  const char *name = from->name[*index];
  return fr__names_add(to, name, strlen(name), index, err);
}

static enum fr_status add_record(joining *j, const fr_dataset *from, size_t i,
                                 fr_error *err) {
  fr_dataset *to = j->builder.data;
  fr_record about = from->record[i];
  float *values = fr__builder_room(&j->builder, about.steps, err);
  if (values == NULL)
    return FR_ERR_MEMORY;
  memcpy(values, about.values, about.steps * to->channels.count * sizeof *values);
  enum fr_status status = add_name(&from->subjects, &about.subject, &to->subjects, err);
  if (status == FR_OK)
    status = add_name(&from->activities, &about.activity, &to->activities, err);
  if (status == FR_OK)
    status = add_name(&from->trials, &about.trial, &to->trials, err);
  const int8_t *label = from->label != NULL ? from->label + i * from->labels.count : NULL;
  return status == FR_OK ? fr__builder_add(&j->builder, &about, label, err) : status;
}

static enum fr_status add_all(joining *j, fr_error *err) {
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < j->first->count && status == FR_OK; i++)
    status = add_record(j, j->first, i, err);
  for (size_t i = 0; i < j->second->count && status == FR_OK; i++)
    if (!has_record(j, &j->second->record[i]))
      status = add_record(j, j->second, i, err);
  return status;
}

/* What the two have in common. */
static enum fr_status begin(joining *j, fr_error *err) {
  const fr_dataset *a = j->first;
  char *spec = NULL;
  enum fr_status status = fr_data_spec_union(a->spec, j->second->spec, &spec, err);
  if (status == FR_OK)
    status = fr__builder_init(&j->builder, a->kind, a->split, spec, a->rate_hz, err);
  free(spec);
  if (status != FR_OK)
    return status;
  fr_dataset *to = j->builder.data;
  to->window = a->window;
  to->frames = a->frames != NULL ? strdup(a->frames) : NULL;
  if (a->frames != NULL && to->frames == NULL)
    return fr__fail_memory(err, "a data set");
  status = fr__names_copy(&a->channels, &to->channels, err);
  return status == FR_OK ? fr__names_copy(&a->labels, &to->labels, err) : status;
}

enum fr_status fr_dataset_union(const fr_dataset *a, const fr_dataset *b,
                                fr_dataset **out, fr_error *err) {
  joining j = {.first = a, .second = b};
  enum fr_status status = check(a, b, err);
  if (status == FR_OK)
    status = begin(&j, err);
  if (status == FR_OK)
    status = list_keys(&j, err);
  if (status == FR_OK)
    status = add_all(&j, err);
  if (status == FR_OK)
    status = fr__builder_finish(&j.builder, out, err);
  free(j.key);
  fr__builder_release(&j.builder);
  return status;
}

/* ---- specs ---- */

/* The key that chooses some of what a path holds. */
static bool is_choice(const fr__spec *spec, const char *key) {
  const bool points = strcmp(spec->kind, "keypoints") == 0;
  return strcmp(key, points ? "signs" : "activities") == 0;
}

const char *fr__spec_choice(const fr__spec *spec) {
  for (size_t i = 0; i < spec->count; i++)
    if (is_choice(spec, spec->option[i].key))
      return spec->option[i].value;
  return NULL;
}

/* Each option of `a`, but a choice, is `b`'s, too. */
static bool has_options(const fr__spec *a, const fr__spec *b) {
  bool has = true;
  for (size_t i = 0; i < a->count && has; i++) {
    const char *other = fr__spec_value(b, a->option[i].key);
    has = is_choice(a, a->option[i].key) ||
          (other != NULL && strcmp(other, a->option[i].value) == 0);
  }
  return has;
}

static bool is_alike(const fr__spec *a, const fr__spec *b) {
  return strcmp(a->kind, b->kind) == 0 && strcmp(a->path, b->path) == 0 &&
         has_options(a, b) && has_options(b, a);
}

static void put_list(fr__buf *to, const char *first, const char *second) {
  const char *item;
  size_t length;
  fr__buf_add(to, first);
  while (fr__list_next(&second, &item, &length)) {
    char *name = strndup(item, length);
    if (name == NULL)
      to->status = FR_ERR_MEMORY;
    else if (!fr__list_has(first, name))
      fr__buf_printf(to, ",%s", name);
    free(name);
  }
}

/* `a` with what `b` chooses, too: of one path, and otherwise told alike. */
static void put_merged(fr__buf *to, const fr__spec *a, const fr__spec *b) {
  const char *first = fr__spec_choice(a), *second = fr__spec_choice(b), *mark = "?";
  fr__buf_printf(to, "%s:%s", a->kind, a->path);
  if (a->path[0] == '\0')
    mark = "";
  for (size_t i = 0; i < a->count; i++) {
    if (is_choice(a, a->option[i].key) && second == NULL)
      continue; /* all */
    fr__buf_printf(to, "%s%s=", mark, a->option[i].key);
    if (is_choice(a, a->option[i].key))
      put_list(to, first, second);
    else
      fr__buf_add(to, a->option[i].value);
    mark = "&";
  }
}

/* Puts `a`, which is one spec of several or alone, merged with `b` where it can be. */
static enum fr_status put_part(fr__buf *to, const char *a, const fr__spec *b,
                               bool *merged, fr_error *err) {
  fr__spec spec;
  const enum fr_status status = fr__spec_parse(a, &spec, err);
  if (status != FR_OK)
    return status;
  if (!*merged && is_alike(&spec, b)) {
    put_merged(to, &spec, b);
    *merged = true;
  } else {
    fr__buf_add(to, a);
  }
  fr__spec_release(&spec);
  return FR_OK;
}

static enum fr_status put_union(fr__buf *to, char *parts, const char *b, fr_error *err) {
  fr__spec spec;
  bool merged = false;
  enum fr_status status = fr__spec_parse(b, &spec, err);
  if (status != FR_OK)
    return status;
  char *next;
  for (char *part = parts; part != NULL && status == FR_OK; part = next) {
    next = fr__spec_cut(part);
    status = put_part(to, part, &spec, &merged, err);
    if (next != NULL)
      fr__buf_add(to, FR__SPEC_AND);
  }
  if (!merged)
    fr__buf_printf(to, FR__SPEC_AND "%s", b);
  fr__spec_release(&spec);
  return status == FR_OK && to->status != FR_OK ? fr__fail_memory(err, "a data spec")
                                                : status;
}

char *fr__spec_cut(char *text) {
  char *at = strstr(text, FR__SPEC_AND);
  if (at == NULL)
    return NULL;
  *at = '\0';
  return at + strlen(FR__SPEC_AND);
}

enum fr_status fr_data_spec_union(const char *a, const char *b, char **out,
                                  fr_error *err) {
  char *all = strdup(a), *more = strdup(b);
  enum fr_status status =
      all == NULL || more == NULL ? fr__fail_memory(err, "a data spec") : FR_OK;
  char *next;
  for (char *part = more; part != NULL && status == FR_OK; part = next) {
    fr__buf text;
    fr__buf_init(&text, 0);
    next = fr__spec_cut(part);
    status = put_union(&text, all, part, err);
    free(all);
    all = status == FR_OK ? strdup(fr__buf_text(&text)) : NULL;
    if (status == FR_OK && all == NULL)
      status = fr__fail_memory(err, "a data spec");
    fr__buf_release(&text);
  }
  free(more);
  if (status == FR_OK)
    *out = all;
  else
    free(all);
  return status;
}
