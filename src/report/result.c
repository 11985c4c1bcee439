/* SPDX-License-Identifier: Apache-2.0 */
#include "report/result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static const char *const quantity_key[FR__QUANTITIES] = {
    [FR__PROGRAM] = "program",
    [FR__ENERGY] = "energy",
    [FR__CORE_SECONDS] = "core_seconds",
    [FR__ACCURACY] = "accuracy",
    [FR__MACRO_F1] = "macro_f1",
    [FR__EPOCHS] = "epochs",
    [FR__OPERATIONS] = "operations",
    [FR__PARAMETERS] = "parameters",
    [FR__BALANCED_ACCURACY] = "balanced_accuracy",
    [FR__PRETRAINING] = "pretraining",
    [FR__GRAMS] = "grams",
};

const char *fr__quantity_key(enum fr__quantity quantity) {
  return quantity_key[quantity];
}

const char *fr__json_text(const json_t *object, const char *key) {
  const char *text = json_string_value(json_object_get(object, key));
  return text == NULL ? "" : text;
}

const json_t *fr__json_array(const json_t *object, const char *key) {
  const json_t *array = json_object_get(object, key);
  return json_is_array(array) ? array : NULL;
}

fr__figure fr__json_figure(const json_t *value) {
  fr__figure f = {.unit = "", .source = ""};
  const json_t *number = json_is_object(value) ? json_object_get(value, "value") : value;
  if (!json_is_number(number))
    return f;
  f.value = f.low = f.high = json_number_value(number);
  f.unit = fr__json_text(value, "unit");
  f.source = fr__json_text(value, "source");
  f.known = strcmp(f.source, fr_source_name(FR_SOURCE_NONE)) != 0;
  const json_t *low = json_object_get(value, "low"),
               *high = json_object_get(value, "high");
  const json_t *band_low = json_object_get(value, "band_low"),
               *band_high = json_object_get(value, "band_high");
  f.banded = json_is_number(band_low) && json_is_number(band_high);
  if (f.banded) {
    f.band_low = json_number_value(band_low);
    f.band_high = json_number_value(band_high);
  }
  if (!json_is_number(low) || !json_is_number(high))
    return f;
  if (json_number_value(low) > f.value || json_number_value(high) < f.value)
    return f;
  f.low = json_number_value(low);
  f.high = json_number_value(high);
  f.interval = true;
  return f;
}

static double chance_of(const json_t *cell) {
  const json_t *chance = json_object_get(cell, "chance");
  if (json_is_object(chance))
    chance = json_object_get(chance, "value");
  if (json_is_number(chance))
    return json_number_value(chance);
  const json_t *classes = json_object_get(cell, "classes");
  const double count = json_is_array(classes) ? (double)json_array_size(classes)
                                              : json_number_value(classes);
  return count >= 1 ? 1 / count : -1;
}

static void read_cell(const json_t *json, fr__cell *cell) {
  cell->json = json;
  cell->name = fr__json_text(json, "name");
  cell->group = fr__json_text(json, "group");
  cell->phase = fr__json_text(json, "phase");
  cell->data = fr__json_text(json, "data");
  cell->data_name = fr__json_text(json, "data_name");
  cell->net = fr__json_text(json, "net");
  cell->mechanism = fr__json_text(json, "mechanism");
  const json_t *transferred = json_object_get(json, "transferred");
  cell->transferred =
      json_is_boolean(transferred)
          ? json_is_true(transferred)
          : *cell->mechanism != '\0' && strcmp(cell->mechanism, "scratch") != 0;
  if (*cell->mechanism == '\0')
    cell->mechanism = cell->transferred ? "transfer" : "scratch";
  for (int q = 0; q < FR__QUANTITIES; q++)
    cell->figure[q] = fr__json_figure(json_object_get(json, quantity_key[q]));
  cell->chance = chance_of(json);
  const json_int_t n = json_integer_value(json_object_get(json, "n"));
  cell->n = n > 0 ? (size_t)n : 0;
}

/* Every array of the result stays below the ceiling, so that no page grows without
 * bounds. */
static enum fr_status check_sizes(const char *origin, const json_t *root, fr_error *err) {
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)root, key, value) {
    if (json_array_size(value) > FR__REPORT_ENTRIES)
      return fr__fail(err, FR_ERR_LIMIT, "%s: '%s' has %zu entries, at most %d are drawn",
                      origin, key, json_array_size(value), FR__REPORT_ENTRIES);
  }
  return FR_OK;
}

static enum fr_status read_cells(const char *origin, fr__result *out, fr_error *err) {
  const json_t *cells = fr__json_array(out->root, "cells");
  if (cells == NULL)
    return fr__fail(err, FR_ERR_FORMAT, "%s: the result has no array 'cells'", origin);
  out->cell = calloc(json_array_size(cells) + 1, sizeof *out->cell);
  if (out->cell == NULL)
    return fr__fail_memory(err, "the cells of a study");
  size_t i;
  json_t *cell;
  json_array_foreach((json_t *)(uintptr_t)cells, i, cell) {
    if (!json_is_object(cell))
      return fr__fail(err, FR_ERR_FORMAT, "%s: cells[%zu] is not an object", origin, i);
    read_cell(cell, &out->cell[out->cells++]);
  }
  return FR_OK;
}

static bool has_group(const fr__result *result, const char *name) {
  for (size_t i = 0; i < result->groups; i++)
    if (strcmp(result->group[i].name, name) == 0)
      return true;
  return false;
}

static void add_group(fr__result *result, const char *name, const char *title,
                      const char *note) {
  if (has_group(result, name))
    return;
  if (*title == '\0')
    title = *name == '\0' ? "Cells" : name;
  result->group[result->groups++] = (fr__group){name, title, note};
}

/* The groups that the result lists, then those that only its cells name. */
static enum fr_status read_groups(fr__result *out, fr_error *err) {
  const json_t *groups = fr__json_array(out->root, "groups");
  out->group = calloc(json_array_size(groups) + out->cells + 1, sizeof *out->group);
  if (out->group == NULL)
    return fr__fail_memory(err, "the groups of a study");
  for (size_t i = 0; i < json_array_size(groups); i++) {
    const json_t *group = json_array_get(groups, i);
    if (!json_is_object(group))
      continue;
    const char *note = fr__json_text(group, "note");
    if (*note == '\0')
      note = fr__json_text(group, "description");
    add_group(out, fr__json_text(group, "name"), fr__json_text(group, "title"), note);
  }
  for (size_t i = 0; i < out->cells; i++)
    add_group(out, out->cell[i].group, "", "");
  return FR_OK;
}

enum fr_status fr__result_parse(const char *origin, const char *text, fr__result *out,
                                fr_error *err) {
  fr__result result = {0};
  json_error_t where;
  enum fr_status status = FR_OK;
  if (strlen(text) > FR__REPORT_BYTES)
    return fr__fail(err, FR_ERR_LIMIT, "%s: the result is longer than %zu bytes", origin,
                    FR__REPORT_BYTES);
  result.root = json_loads(text, 0, &where);
  if (result.root == NULL)
    return fr__fail(err, FR_ERR_FORMAT,
                    "%s: the result is not JSON: line %d, column %d: %s", origin,
                    where.line, where.column, where.text);
  if (!json_is_object(result.root))
    status = fr__fail(err, FR_ERR_FORMAT, "%s: the result is not a JSON object", origin);
  if (status == FR_OK)
    status = check_sizes(origin, result.root, err);
  if (status == FR_OK)
    status = read_cells(origin, &result, err);
  if (status == FR_OK)
    status = read_groups(&result, err);
  if (status != FR_OK) {
    fr__result_release(&result);
    return status;
  }
  result.name = fr__json_text(result.root, "name");
  if (*result.name == '\0')
    result.name = "study";
  result.description = fr__json_text(result.root, "description");
  *out = result;
  return FR_OK;
}

static void keep_text(char *to, size_t size, const char *from) {
  snprintf(to, size, "%s", from == NULL ? "" : from);
}

enum fr_status fr__result_load(fr_store *store, int64_t run, fr__result *out,
                               fr_error *err) {
  fr_run row = {0};
  char origin[48];
  snprintf(origin, sizeof origin, "run %lld", (long long)run);
  enum fr_status status = fr_store_run_get(store, run, &row, err);
  if (status != FR_OK)
    return status;
  if (row.command == NULL || strcmp(row.command, "study") != 0)
    status = fr__fail(err, FR_ERR_ARGUMENT, "%s is no study but '%s'", origin,
                      row.command == NULL ? "" : row.command);
  else if (row.result == NULL || *row.result == '\0')
    status = fr__fail(err, FR_ERR_NOT_FOUND, "%s has no result yet, its state is '%s'",
                      origin, row.state == NULL ? "" : row.state);
  else
    status = fr__result_parse(origin, row.result, out, err);
  if (status == FR_OK) {
    out->run = run;
    out->started_utc_ns = row.started_utc_ns;
    keep_text(out->version, sizeof out->version, row.version);
    keep_text(out->host_cpu, sizeof out->host_cpu, row.cpu);
  }
  fr_run_release(&row);
  return status;
}

void fr__result_release(fr__result *result) {
  json_decref(result->root);
  free(result->cell);
  free(result->group);
  *result = (fr__result){0};
}

static void widen(double *widest, double share) {
  if (share > *widest)
    *widest = share;
}

bool fr__result_modelled(const fr__result *result, double *below, double *above) {
  bool modelled = false;
  *below = *above = -1;
  for (size_t i = 0; i < result->cells; i++) {
    const fr__figure *program = &result->cell[i].figure[FR__PROGRAM];
    const fr__figure *f = program->known ? program : &result->cell[i].figure[FR__ENERGY];
    if (!f->known || strcmp(f->source, fr_source_name(FR_SOURCE_MODEL)) != 0)
      continue;
    modelled = true;
    if (!f->banded || !(f->value > 0))
      continue;
    widen(below, 1 - f->band_low / f->value);
    widen(above, f->band_high / f->value - 1);
  }
  return modelled;
}
