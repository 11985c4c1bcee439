/* SPDX-License-Identifier: Apache-2.0 */
/* Names and the life of a data set. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "data/reader.h"

#define NAMES_CEILING ((size_t)1 << 16)

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Two runs of digits by their value: without leading zeros the longer is the larger. */
static int compare_numbers(const char **a, const char **b) {
  while (**a == '0' && is_digit((*a)[1]))
    (*a)++;
  while (**b == '0' && is_digit((*b)[1]))
    (*b)++;
  const char *const p = *a, *const q = *b;
  while (is_digit(**a))
    (*a)++;
  while (is_digit(**b))
    (*b)++;
  const size_t n = (size_t)(*a - p), m = (size_t)(*b - q);
  if (n != m)
    return n < m ? -1 : 1;
  return memcmp(p, q, n);
}

int fr__natural_compare(const char *a, const char *b) {
  const char *p = a, *q = b;
  while (*p != '\0' && *q != '\0') {
    int order = 0;
    if (is_digit(*p) && is_digit(*q))
      order = compare_numbers(&p, &q);
    else
      order = (unsigned char)*p++ - (unsigned char)*q++;
    if (order != 0)
      return order;
  }
  if (*p != *q)
    return *p == '\0' ? -1 : 1;
  return strcmp(a, b); /* "01" and "1" are two names */
}

uint32_t fr__names_find(const fr_names *names, const char *name, size_t length) {
  for (size_t i = 0; i < names->count; i++)
    if (strncmp(names->name[i], name, length) == 0 && strlen(names->name[i]) == length)
      return (uint32_t)i;
  return FR_NONE;
}

/* Storage grows when the count meets a power of two, so that no capacity is kept. */
static enum fr_status grow(fr_names *names, fr_error *err) {
  const size_t n = names->count;
  if (n >= NAMES_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "more than %zu different names", NAMES_CEILING);
  if ((n & (n - 1)) != 0)
    return FR_OK;
  char **const name = realloc(names->name, (n == 0 ? 1 : 2 * n) * sizeof *name);
  if (name == NULL)
    return fr__fail_memory(err, "names");
  names->name = name;
  return FR_OK;
}

enum fr_status fr__names_add(fr_names *names, const char *name, size_t length,
                             uint32_t *index, fr_error *err) {
  uint32_t at = fr__names_find(names, name, length);
  if (at == FR_NONE) {
    const enum fr_status status = grow(names, err);
    if (status != FR_OK)
      return status;
    char *const copy = strndup(name, length);
    if (copy == NULL)
      return fr__fail_memory(err, "a name");
    at = (uint32_t)names->count;
    names->name[names->count++] = copy;
  }
  if (index != NULL)
    *index = at;
  return FR_OK;
}

enum fr_status fr__names_copy(const fr_names *from, fr_names *to, fr_error *err) {
  fr_names copy = {0};
  for (size_t i = 0; i < from->count; i++) {
    const enum fr_status status = grow(&copy, err);
    char *const name = status == FR_OK ? strdup(from->name[i]) : NULL;
    if (name == NULL) {
      fr_names_release(&copy);
      return status != FR_OK ? status : fr__fail_memory(err, "a name");
    }
    copy.name[copy.count++] = name;
  }
  *to = copy;
  return FR_OK;
}

void fr_names_release(fr_names *names) {
  for (size_t i = 0; i < names->count; i++)
    free(names->name[i]);
  free(names->name);
  *names = (fr_names){0};
}

void fr_data_free(fr_dataset *data) {
  if (data == NULL)
    return;
  fr_names_release(&data->channels);
  fr_names_release(&data->subjects);
  fr_names_release(&data->activities);
  fr_names_release(&data->trials);
  fr_names_release(&data->labels);
  free(data->spec);
  free(data->frames);
  free(data->record);
  free(data->label);
  free(data->values);
  free(data);
}

static void hash_u64(fr__hash *hash, uint64_t value) {
  fr__hash_add(hash, &value, sizeof value);
}

static void hash_names(fr__hash *hash, const fr_names *names) {
  hash_u64(hash, names->count);
  for (size_t i = 0; i < names->count; i++)
    fr__hash_add(hash, names->name[i], strlen(names->name[i]) + 1);
}

/* Nothing where a data set has neither: digests stay as they were. */
static void hash_frames(fr__hash *hash, const fr_dataset *data) {
  if (data->window != 0)
    hash_u64(hash, data->window);
  if (data->frames != NULL)
    fr__hash_add(hash, data->frames, strlen(data->frames) + 1);
}

uint64_t fr__dataset_digest(const fr_dataset *data) {
  fr__hash hash;
  fr__hash_init(&hash, 0);
  hash_names(&hash, &data->channels);
  hash_names(&hash, &data->subjects);
  hash_names(&hash, &data->activities);
  hash_names(&hash, &data->trials);
  hash_names(&hash, &data->labels);
  fr__hash_add(&hash, &data->rate_hz, sizeof data->rate_hz);
  for (size_t i = 0; i < data->count; i++) {
    const fr_record *const r = &data->record[i];
    const uint64_t who[4] = {r->subject, r->activity, r->trial, r->steps};
    const double when[2] = {r->start_s, r->span_s};
    fr__hash_add(&hash, who, sizeof who);
    fr__hash_add(&hash, when, sizeof when);
    fr__hash_add(&hash, r->values, r->steps * data->channels.count * sizeof *r->values);
  }
  if (data->label != NULL)
    fr__hash_add(&hash, data->label, data->count * data->labels.count);
  hash_frames(&hash, data);
  return fr__hash_value(&hash);
}
