/* SPDX-License-Identifier: Apache-2.0 */
/* From the store's rows to the bins of a chart: a run of hours at 1 kHz takes no more
 * memory than one of seconds. */
#include "report/timeline.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "report/result.h"

/* ---- power ---- */

/* Adds `watts` from begin_s to end_s. */
static void fill(fr__bin *bin, double bin_s, double begin_s, double end_s, double watts) {
  if (!isfinite(watts) || !(end_s > begin_s) || !(begin_s < bin_s * FR__TIMELINE_BINS))
    return;
  size_t i = (size_t)(begin_s / bin_s);
  for (; i < FR__TIMELINE_BINS && (double)i * bin_s < end_s; i++) {
    const double from = fmax(begin_s, (double)i * bin_s);
    const double to = fmin(end_s, (double)(i + 1) * bin_s);
    if (to <= from)
      continue;
    bin[i].low_w = bin[i].seconds > 0 ? fmin(bin[i].low_w, watts) : watts;
    bin[i].high_w = bin[i].seconds > 0 ? fmax(bin[i].high_w, watts) : watts;
    bin[i].joules += watts * (to - from);
    bin[i].seconds += to - from;
  }
}

typedef struct sample_walk {
  fr__timeline *line;
  double before_s;
} sample_walk;

static bool take_sample(void *self, const fr_store_sample *sample) {
  sample_walk *const w = self;
  fr__timeline *const line = w->line;
  const double t_s = (double)sample->t_ns * 1e-9;
  fill(line->total, line->bin_s, w->before_s, t_s, sample->power_w);
  for (size_t d = 0; d < line->domains && d < sample->domains; d++)
    fill(line->part[d], line->bin_s, w->before_s, t_s, sample->domain_w[d]);
  w->before_s = fmax(w->before_s, t_s);
  return true;
}

static bool take_domain(void *self, const char *name) {
  fr__timeline *const line = self;
  if (line->domains < FR__TIMELINE_DOMAINS)
    snprintf(line->domain[line->domains++], FR__TIMELINE_NAME, "%s", name);
  line->all_domains++;
  return true;
}

/* ---- phases ---- */

/* The path's number, from 1. */
static size_t number_of(fr__timeline *line, const char *path) {
  for (size_t i = 0; i < line->paths; i++)
    if (strncmp(line->path[i], path, FR__TIMELINE_NAME - 1) == 0)
      return i + 1;
  if (line->paths == FR__TIMELINE_PATHS)
    return FR__TIMELINE_PATHS;
  const bool last = line->paths + 1 == FR__TIMELINE_PATHS;
  snprintf(line->path[line->paths++], FR__TIMELINE_NAME, "%s",
           last ? "other phases" : path);
  return line->paths;
}

static void see_phase(fr__bin_phase *bin, size_t path, double seconds) {
  if (bin->path == path)
    bin->seconds += seconds;
  else if (seconds > bin->seconds)
    *bin = (fr__bin_phase){path, seconds};
}

static bool take_phase(void *self, const fr_store_phase *phase) {
  fr__timeline *const line = self;
  const double begin_s = (double)phase->begin_ns * 1e-9;
  const double end_s = phase->end_ns != 0
                           ? fmin((double)phase->end_ns * 1e-9, line->span_s)
                           : line->span_s;
  size_t depth = 0;
  for (const char *c = phase->path; *c != '\0'; c++)
    depth += *c == '/';
  if (depth >= FR__TIMELINE_DEPTH || !(end_s > begin_s) || !(begin_s < line->span_s))
    return true;
  line->depth = line->depth > depth + 1 ? line->depth : depth + 1;
  const size_t path = number_of(line, phase->path);
  for (size_t i = (size_t)(begin_s / line->bin_s);
       i < FR__TIMELINE_BINS && (double)i * line->bin_s < end_s; i++)
    see_phase(&line->phase[depth][i], path,
              fmin(end_s, (double)(i + 1) * line->bin_s) -
                  fmax(begin_s, (double)i * line->bin_s));
  return true;
}

/* ---- what the result knows: normal power and spikes ---- */

static double number_in(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  if (json_is_number(value))
    return json_number_value(value);
  const fr__figure figure = fr__json_figure(value);
  return figure.known ? figure.value : -1;
}

/* A run that ended told its power itself, without intervals too short to say much; of one
 * that did not, the samples are newer. */
static void take_power(fr__timeline *line) {
  const json_t *told = json_object_get(line->result, "power_w");
  const double least = number_in(told, "min"), mean = number_in(told, "mean"),
               most = number_in(told, "max");
  if (line->run.ended_utc_ns == 0 || least < 0 || mean < 0 || most < 0)
    return;
  line->power.min_w = least;
  line->power.mean_w = mean;
  line->power.max_w = most;
}

static int by_height(const void *a, const void *b) {
  const double x = ((const fr__spike *)a)->height_w, y = ((const fr__spike *)b)->height_w;
  return (x < y) - (x > y);
}

static int by_start(const void *a, const void *b) {
  const double x = ((const fr__spike *)a)->start_s, y = ((const fr__spike *)b)->start_s;
  return (x > y) - (x < y);
}

static fr__spike spike_of(const json_t *json) {
  fr__spike spike = {.start_s = number_in(json, "start_s"),
                     .duration_s = number_in(json, "duration_s"),
                     .height_w = number_in(json, "height_w")};
  const json_t *first = json_array_get(fr__json_array(json, "causes"), 0);
  snprintf(spike.cause, sizeof spike.cause, "%s", fr__json_text(first, "name"));
  return spike;
}

static void take_spikes(fr__timeline *line) {
  const json_t *list = fr__json_array(line->result, "spikes");
  fr__spike *const all = calloc(json_array_size(list) + 1, sizeof *all);
  for (size_t i = 0; all != NULL && i < json_array_size(list); i++) {
    const fr__spike spike = spike_of(json_array_get(list, i));
    if (spike.start_s >= 0 && spike.duration_s >= 0 && spike.start_s < line->span_s)
      all[line->all_spikes++] = spike;
  }
  if (all != NULL) {
    qsort(all, line->all_spikes, sizeof *all, by_height);
    line->spikes =
        line->all_spikes < FR__TIMELINE_SPIKES ? line->all_spikes : FR__TIMELINE_SPIKES;
    memcpy(line->spike, all, line->spikes * sizeof *all);
    qsort(line->spike, line->spikes, sizeof *all, by_start);
  }
  free(all);
}

/* ---- the whole ---- */

static enum fr_status load(fr_store *store, fr__timeline *line, fr_error *err) {
  const int64_t run = line->run.id;
  enum fr_status status = fr_store_power_of(store, run, &line->power, err);
  if (status == FR_OK && (line->power.count == 0 || line->power.last_ns == 0))
    return fr__fail(err, FR_ERR_NOT_FOUND, "run %lld has no samples of power",
                    (long long)run);
  line->span_s = (double)line->power.last_ns * 1e-9;
  line->bin_s = line->span_s / FR__TIMELINE_BINS;
  if (status == FR_OK)
    status = fr_store_domains_each(store, run, take_domain, line, err);
  if (status == FR_OK)
    status = fr_store_samples_each(store, run, take_sample, &(sample_walk){line, 0}, err);
  if (status == FR_OK)
    status = fr_store_phases_each(store, run, take_phase, line, err);
  return status;
}

enum fr_status fr__timeline_load(fr_store *store, int64_t run, fr__timeline *out,
                                 fr_error *err) {
  memset(out, 0, sizeof *out);
  enum fr_status status = fr_store_run_get(store, run, &out->run, err);
  if (status == FR_OK)
    status = load(store, out, err);
  if (status != FR_OK) {
    fr__timeline_release(out);
    return status;
  }
  const char *text = out->run.result;
  if (text != NULL && strlen(text) <= FR__REPORT_BYTES)
    out->result = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
  out->normal_w = number_in(out->result, "normal_w");
  take_power(out);
  take_spikes(out);
  return FR_OK;
}

void fr__timeline_release(fr__timeline *timeline) {
  fr_run_release(&timeline->run);
  json_decref(timeline->result);
  timeline->result = NULL;
}

void fr__timeline_title(const fr__timeline *timeline, char *text, size_t size) {
  json_t *words = json_loads(timeline->run.argv, 0, NULL);
  size_t at = 0;
  text[0] = '\0';
  for (size_t i = 0; i < json_array_size(words) && at + 1 < size; i++) {
    const char *word = json_string_value(json_array_get(words, i));
    if (word == NULL)
      continue;
    const int n = snprintf(text + at, size - at, "%s%s", at > 0 ? " " : "", word);
    at += n > 0 ? (size_t)n : 0;
  }
  if (at == 0)
    snprintf(text, size, "%s", timeline->run.name);
  json_decref(words);
}

/* ---- every sample, as text ---- */

static void put_field(fr__buf *out, const char *text) {
  const bool plain = strpbrk(text, ",\"\r\n") == NULL;
  fr__buf_add(out, plain ? "" : "\"");
  for (; *text != '\0'; text++) {
    if (*text == '"')
      fr__buf_add(out, "\"");
    fr__buf_add_bytes(out, text, 1);
  }
  fr__buf_add(out, plain ? "" : "\"");
}

static void put_number(fr__buf *out, double value) {
  fr__buf_add(out, ",");
  if (isfinite(value))
    fr__buf_printf(out, "%.9g", value);
}

typedef struct csv_walk {
  fr__buf *out;
  size_t domains;
} csv_walk;

static bool head_domain(void *self, const char *name) {
  csv_walk *const w = self;
  fr__buf_add(w->out, ",");
  put_field(w->out, name);
  w->domains++;
  return true;
}

static bool row_sample(void *self, const fr_store_sample *s) {
  const csv_walk *const w = self;
  fr__buf_printf(w->out, "%.9f", (double)s->t_ns * 1e-9);
  put_number(w->out, s->power_w);
  put_number(w->out, s->energy_j);
  put_number(w->out, s->program_j);
  fr__buf_add(w->out, s->marked ? ",1" : ",0");
  for (size_t d = 0; d < w->domains; d++)
    put_number(w->out, d < s->domains ? s->domain_w[d] : (double)NAN);
  fr__buf_add(w->out, "\n");
  return w->out->status == FR_OK;
}

enum fr_status fr__timeline_csv(fr_store *store, int64_t run, fr__buf *out,
                                fr_error *err) {
  csv_walk w = {out, 0};
  fr__buf_add(out, "t_s,power_w,energy_j,program_j,marked");
  enum fr_status status = fr_store_domains_each(store, run, head_domain, &w, err);
  fr__buf_add(out, "\n");
  if (status == FR_OK)
    status = fr_store_samples_each(store, run, row_sample, &w, err);
  if (status == FR_OK && out->status != FR_OK)
    status = fr__fail(err, out->status, "the timeline of run %lld cannot be written: %s",
                      (long long)run, fr_status_text(out->status));
  return status;
}
