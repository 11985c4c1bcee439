/* SPDX-License-Identifier: Apache-2.0 */
/* Weights of another program into a network: all of them, or none. */
#include "model/import.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "data/reader.h"

enum { NAMES_LISTED = 8 };

/* Into to (count). */
static enum fr_status make(const fr__bindings *b, const fr__binding *binding, float *to,
                           fr_error *err) {
  fr__making m = {.layer = binding->layer,
                  .tensor = binding->tensor,
                  .flat = binding->flat,
                  .to = to};
  float *parts[FR__RECIPE_PARTS] = {NULL};
  enum fr_status status = FR_OK;
  for (size_t p = 0; p < FR__RECIPE_PARTS && status == FR_OK; p++) {
    const fr__foreign *part = binding->part[p];
    if (part == NULL)
      continue;
    m.part[p] = parts[p] = malloc((part->count + 1) * sizeof *parts[p]);
    status = parts[p] == NULL ? fr__fail_memory(err, part->name)
                              : fr__foreign_values(b->from, part, parts[p], err);
  }
  if (status == FR_OK && m.part[0] == NULL && m.part[1] == NULL)
    for (size_t i = 0; i < binding->tensor->count; i++)
      to[i] = binding->recipe->absent;
  else if (status == FR_OK)
    binding->recipe->make(&m);
  for (size_t p = 0; p < FR__RECIPE_PARTS; p++)
    free(parts[p]);
  return status;
}

/* Beside the network first, so that a failure leaves it as it was. */
static enum fr_status fill(const fr__bindings *b, fr_error *err) {
  size_t total = 0, at = 0;
  for (size_t i = 0; i < b->count; i++)
    total += b->at[i].tensor->count; /* a network has few enough */
  float *made = malloc((total + 1) * sizeof *made);
  if (made == NULL)
    return fr__fail_memory(err, "weights");
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < b->count && status == FR_OK; i++) {
    status = make(b, &b->at[i], made + at, err);
    at += b->at[i].tensor->count;
  }
  at = 0;
  for (size_t i = 0; i < b->count && status == FR_OK; i++) {
    const fr_tensor *tensor = b->at[i].tensor;
    memcpy(tensor->value, made + at, tensor->count * sizeof *made);
    at += tensor->count;
  }
  free(made);
  return status;
}

/* ---- the report ---- */

static enum fr_status warn_unused(fr__bindings *b, fr_error *err) {
  for (size_t i = 0; i < b->count; i++)
    for (size_t p = 0; p < FR__RECIPE_PARTS; p++)
      if (b->at[i].part[p] != NULL)
        b->at[i].part[p]->used = true;
  fr__buf names;
  fr__buf_init(&names, 0);
  size_t count = 0;
  for (size_t i = 0; i < b->from->count; i++) {
    const fr__foreign *tensor = &b->from->tensor[i];
    if (tensor->used || fr__foreign_ignored(tensor))
      continue;
    if (count < NAMES_LISTED)
      fr__buf_printf(&names, "%s%.40s", count > 0 ? ", " : "", tensor->name);
    else if (count == NAMES_LISTED)
      fr__buf_add(&names, ", …");
    count++;
  }
  const enum fr_status status =
      names.status != FR_OK ? fr__fail_memory(err, "a report")
      : count == 0          ? FR_OK
                   : fr__bindings_warn(b, err, "not used of '%.64s': %zu tensors: %s",
                                       b->from->file.path, count, fr__buf_text(&names));
  fr__buf_release(&names);
  return status;
}

static char *sources(const fr__binding *binding) {
  fr__buf text;
  fr__buf_init(&text, 0);
  const char *between = "";
  for (size_t p = 0; p < FR__RECIPE_PARTS; p++)
    if (binding->part[p] != NULL) {
      fr__buf_printf(&text, "%s%s", between, binding->part[p]->name);
      between = " + ";
    }
  return fr__buf_detach(&text);
}

static enum fr_status tell(fr__bindings *b, fr_import_report *report, fr_error *err) {
  fr_import_report made = {.origin = b->from->origin};
  made.pair = calloc(b->count + 1, sizeof *made.pair);
  enum fr_status status =
      made.pair == NULL ? fr__fail_memory(err, "a report") : warn_unused(b, err);
  for (; made.count < b->count && status == FR_OK; made.count++) {
    fr_import_pair *pair = &made.pair[made.count];
    memcpy(pair->tensor, b->at[made.count].tensor->name, sizeof pair->tensor);
    pair->from = sources(&b->at[made.count]);
    if (pair->from == NULL)
      status = fr__fail_memory(err, "a report");
  }
  if (status != FR_OK) {
    fr_import_report_release(&made);
    return status;
  }
  made.warnings = b->warnings;
  b->warnings = (fr_names){0};
  *report = made;
  return FR_OK;
}

void fr_import_report_release(fr_import_report *report) {
  for (size_t i = 0; i < report->count; i++)
    free(report->pair[i].from);
  free(report->pair);
  fr_names_release(&report->warnings);
  *report = (fr_import_report){0};
}

enum fr_status fr_import_weights(fr_net *net, const char *path,
                                 const fr_import_options *options,
                                 fr_import_report *report, fr_error *err) {
  static const fr_import_options usual = {0};
  if (options == NULL)
    options = &usual;
  fr__foreign_file file;
  fr__bindings b = {0};
  fr_import_report told = {0};
  enum fr_status status = fr__foreign_open(&file, path, options->origin, err);
  if (status == FR_OK)
    status = fr__bindings_init(&b, net, &file, options, err);
  if (status == FR_OK && options->map != NULL)
    status = fr__import_map(&b, options->map, err);
  if (status == FR_OK)
    status = fr__bindings_match(&b, err);
  if (status == FR_OK)
    status = fr__bindings_check(&b, err);
  if (status == FR_OK)
    status = tell(&b, &told, err);
  if (status == FR_OK) {
    fr__net_forget(net);
    status = fill(&b, err);
  }
  if (status == FR_OK && report != NULL)
    *report = told;
  else
    fr_import_report_release(&told);
  fr__bindings_release(&b);
  fr__foreign_release(&file);
  return status;
}
