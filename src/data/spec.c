/* SPDX-License-Identifier: Apache-2.0 */
/* KIND:PATH?key=value&key=value taken apart, and the lists in its values. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/csv.h"
#include "base/error.h"
#include "data/reader.h"

#define SPEC_CEILING 4096 /* bytes: a path and its options */

/* Cuts `text` at the first `mark`; what follows it, NULL where there is none. */
static char *cut(char *text, char mark) {
  char *const at = strchr(text, mark);
  if (at == NULL)
    return NULL;
  *at = '\0';
  return at + 1;
}

static enum fr_status add_option(fr__spec *spec, char *text, fr_error *err) {
  char *const value = cut(text, '=');
  if (value == NULL || text[0] == '\0')
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s': '%s' is not key=value", spec->whole,
                    text);
  if (fr__spec_value(spec, text) != NULL)
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s': '%s' is given twice", spec->whole, text);
  if (spec->count == FR__SPEC_OPTIONS)
    return fr__fail(err, FR_ERR_LIMIT, "'%s': more than %d options", spec->whole,
                    FR__SPEC_OPTIONS);
  spec->option[spec->count].key = text;
  spec->option[spec->count].value = value;
  spec->count++;
  return FR_OK;
}

static enum fr_status parse_options(fr__spec *spec, char *text, fr_error *err) {
  while (text != NULL && text[0] != '\0') {
    char *const next = cut(text, '&');
    const enum fr_status status = add_option(spec, text, err);
    if (status != FR_OK)
      return status;
    text = next;
  }
  return FR_OK;
}

/* Whether what follows the colon are options alone: "synthetic:subjects=8" has no path.
 */
static bool without_path(const char *text) {
  return strchr(text, '?') == NULL && strchr(text, '/') == NULL &&
         strchr(text, '=') != NULL;
}

enum fr_status fr__spec_parse(const char *text, fr__spec *spec, fr_error *err) {
  *spec = (fr__spec){0};
  if (strlen(text) > SPEC_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "a data spec of more than %d bytes", SPEC_CEILING);
  spec->whole = strdup(text);
  spec->parts = strdup(text);
  enum fr_status status = FR_OK;
  if (spec->whole == NULL || spec->parts == NULL) {
    status = fr__fail_memory(err, "a data spec");
    goto done;
  }
  spec->kind = spec->parts;
  char *path = cut(spec->parts, ':');
  if (path == NULL || spec->kind[0] == '\0') {
    status =
        fr__fail(err, FR_ERR_ARGUMENT, "'%s' is not KIND:PATH[?key=value&...]", text);
    goto done;
  }
  char *options = NULL;
  if (without_path(path)) {
    options = path;
    spec->path = "";
  } else {
    options = cut(path, '?');
    spec->path = path;
  }
  status = parse_options(spec, options, err);
done:
  if (status != FR_OK)
    fr__spec_release(spec);
  return status;
}

void fr__spec_release(fr__spec *spec) {
  free(spec->whole);
  free(spec->parts);
  *spec = (fr__spec){0};
}

enum fr_status fr__spec_paths(const fr__spec *spec, fr_names *paths, fr_error *err) {
  const char *at = spec->path, *item = NULL;
  size_t length = 0;
  if (access(spec->path, F_OK) == 0)
    return fr__names_add(paths, spec->path, strlen(spec->path), NULL, err);
  enum fr_status status = FR_OK;
  while (status == FR_OK && fr__list_next(&at, &item, &length))
    status = fr__names_add(paths, item, length, NULL, err);
  return status;
}

const char *fr__spec_value(const fr__spec *spec, const char *key) {
  for (size_t i = 0; i < spec->count; i++)
    if (strcmp(spec->option[i].key, key) == 0)
      return spec->option[i].value;
  return NULL;
}

enum fr_status fr__spec_number(const fr__spec *spec, const char *key, double low,
                               double high, double fallback, double *out, fr_error *err) {
  const char *const text = fr__spec_value(spec, key);
  double value = fallback;
  if (text != NULL &&
      (!fr__parse_number(text, strlen(text), &value) || !(value >= low && value <= high)))
    return fr__fail(err, FR_ERR_ARGUMENT, "%s=%s: not a number from %g to %g", key, text,
                    low, high);
  *out = value;
  return FR_OK;
}

enum fr_status fr__spec_integer(const fr__spec *spec, const char *key, int64_t low,
                                int64_t high, int64_t fallback, int64_t *out,
                                fr_error *err) {
  const char *const text = fr__spec_value(spec, key);
  int64_t value = fallback;
  if (text != NULL && !fr__parse_integer(text, low, high, &value))
    return fr__fail(err, FR_ERR_ARGUMENT, "%s=%s: not a whole number from %lld to %lld",
                    key, text, (long long)low, (long long)high);
  *out = value;
  return FR_OK;
}

bool fr__list_next(const char **at, const char **item, size_t *length) {
  const char *p = *at;
  while (*p == ',')
    p++;
  *item = p;
  *length = strcspn(p, ",");
  *at = p + *length;
  return *length > 0;
}

/* Digits at `text`, all `length` of them, at most nine. */
static bool whole_number(const char *text, size_t length, uint32_t *out) {
  uint32_t value = 0;
  if (length == 0 || length > 9)
    return false;
  for (size_t i = 0; i < length; i++) {
    if (text[i] < '0' || text[i] > '9')
      return false;
    value = value * 10 + (uint32_t)(text[i] - '0');
  }
  *out = value;
  return true;
}

/* "1-12" holds "7". */
static bool range_has(const char *range, size_t length, const char *id) {
  uint32_t low = 0, high = 0, value = 0;
  const char *const dash = memchr(range, '-', length);
  if (dash == NULL)
    return false;
  const size_t before = (size_t)(dash - range);
  return whole_number(range, before, &low) &&
         whole_number(dash + 1, length - before - 1, &high) &&
         whole_number(id, strlen(id), &value) && value >= low && value <= high;
}

bool fr__list_has(const char *list, const char *id) {
  const char *item = NULL;
  size_t length = 0;
  while (fr__list_next(&list, &item, &length)) {
    if (strlen(id) == length && memcmp(item, id, length) == 0)
      return true;
    if (range_has(item, length, id))
      return true;
  }
  return false;
}
