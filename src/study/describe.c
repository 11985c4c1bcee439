/* SPDX-License-Identifier: Apache-2.0 */
/* What the result says beside its figures: settings, groups, runs, machine, phases,
 * grams. */
#include "study/mechanism.h"
#include "study/next.h"
#include "study/verdicts.h"

#include "base/error.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void set_text(json_t *to, const char *key, const char *text) {
  json_object_set_new(to, key, text != NULL ? json_string(text) : json_null());
}

static void set_count(json_t *to, const char *key, size_t count) {
  json_object_set_new(to, key, json_integer((json_int_t)count));
}

/* ---- settings ---- */

static void describe_set(const fr__study_set *set, json_t *to) {
  char digest[20];
  if (set->data == NULL)
    return;
  snprintf(digest, sizeof digest, "%016" PRIx64, set->data->digest);
  set_text(to, "digest", digest);
  set_text(to, "default_split", set->data->split);
  set_count(to, "records", set->data->count);
  set_count(to, "train_samples", set->plain.prepared.train.count);
  set_count(to, "validate_samples", set->plain.prepared.validate.count);
  set_count(to, "test_samples", set->plain.prepared.test.count);
  set_count(to, "unknown_samples", set->plain.prepared.unknown);
  set_count(to, "classes", set->plain.prepared.classes.count);
  set_count(to, "steps", set->plain.prepared.train.steps);
  set_count(to, "channels", set->plain.prepared.train.channels);
  set_count(to, "folds", set->folds);
  json_object_set_new(to, "leaky", json_boolean(set->plain.prepared.split.leaky));
}

static json_t *data_of(const fr__plan *plan) {
  json_t *list = json_array();
  for (size_t i = 0; i < plan->study->data_count; i++) {
    const fr__study_data *data = &plan->study->data[i];
    json_t *row = json_object();
    set_text(row, "code", data->code);
    set_text(row, "name", data->name);
    set_text(row, "spec", data->spec); /* as written: no path of this machine */
    set_text(row, "task", fr__study_task(data));
    set_text(row, "split", data->split);
    set_text(row, "validate", data->validate != NULL ? data->validate : "0.1");
    set_count(row, "window", data->window);
    set_count(row, "step", data->step);
    if (plan->set != NULL)
      describe_set(&plan->set[i], row);
    json_array_append_new(list, row);
  }
  return list;
}

static json_t *networks_of(const fr_study *study) {
  json_t *list = json_array();
  for (size_t i = 0; i < study->networks_count; i++) {
    json_t *row = json_object();
    set_text(row, "code", study->networks[i].code);
    set_text(row, "name", study->networks[i].name);
    set_text(row, "arch", study->networks[i].arch);
    json_array_append_new(list, row);
  }
  return list;
}

static void set_number(json_t *to, const char *key, double value) {
  if (value != 0.0)
    json_object_set_new(to, key, fr__json_number(value));
}

static void set_told(json_t *to, const char *key, const char *text) {
  if (text != NULL)
    set_text(to, key, text);
}

static json_t *parts_of(const fr__study_mechanism *m) {
  json_t *list = json_array();
  for (size_t i = 0; i < m->with_count; i++)
    json_array_append_new(list, json_string(m->with[i]));
  return list;
}

static void describe_transfer(const fr__study_mechanism *m, json_t *to) {
  set_text(to, "kind", fr__mechanism_kind(m));
  set_text(to, "head", m->head);
  set_text(to, "freeze", m->freeze != NULL ? m->freeze : "all");
  json_object_set_new(to, "refine", fr__json_number((double)m->refine));
  set_number(to, "decay", (double)m->decay);
  set_number(to, "cut", (double)m->cut);
  set_number(to, "unfreeze", (double)m->unfreeze);
}

/* What the file says of it, and nothing else. */
static json_t *describe_mechanism(const fr_study *study, const fr__study_mechanism *m) {
  json_t *row = json_object();
  set_text(row, "name", m->name);
  if (m->with_count != 0) {
    json_object_set_new(row, "with", parts_of(m));
    return row;
  }
  if (fr__mechanism_sets(study, m) & FR__SETS_TRANSFER)
    describe_transfer(m, row);
  set_told(row, "network", m->network);
  set_told(row, "arch", m->arch);
  set_told(row, "teacher", m->teacher);
  set_number(row, "distill", (double)m->distill);
  set_number(row, "temperature", (double)m->temperature);
  set_number(row, "epochs", (double)m->epochs);
  set_number(row, "batch", (double)m->batch);
  set_number(row, "patience", (double)m->patience);
  set_number(row, "learning_rate", (double)m->learning_rate);
  set_told(row, "schedule", m->schedule);
  set_told(row, "precision", m->precision);
  set_told(row, "augment", m->augment);
  set_told(row, "normalize", m->normalize);
  set_told(row, "prune", m->prune);
  set_told(row, "quantize", m->quantize);
  if (m->balanced)
    json_object_set_new(row, "balanced", json_true());
  return row;
}

static json_t *mechanisms_of(const fr_study *study) {
  json_t *list = json_array();
  for (size_t i = 0; i < study->mechanisms_count; i++)
    json_array_append_new(list, describe_mechanism(study, &study->mechanisms[i]));
  return list;
}

json_t *fr__aggregate_settings(const fr__plan *plan) {
  const fr_study *study = plan->study;
  const fr_train_options o = fr__study_train_options(study);
  json_t *to = json_object();
  set_count(to, "repeats", study->repeats);
  set_count(to, "seed", study->seed);
  set_count(to, "epochs", o.epochs);
  set_count(to, "batch", o.batch);
  set_count(to, "patience", o.patience);
  json_object_set_new(to, "learning_rate", json_real((double)o.optimizer.learning_rate));
  set_text(to, "precision", fr_train_precision_name(o.precision));
  set_text(to, "intensity", study->intensity != NULL ? study->intensity : "table:world");
  json_object_set_new(to, "pue", json_real(study->pue));
  json_object_set_new(to, "data", data_of(plan));
  json_object_set_new(to, "networks", networks_of(study));
  json_object_set_new(to, "mechanisms", mechanisms_of(study));
  return to;
}

json_t *fr__aggregate_groups(const fr_study *study) {
  json_t *list = json_array();
  for (size_t i = 0; i < study->groups_count; i++) {
    json_t *row = json_object();
    set_text(row, "name", study->groups[i].name);
    set_text(row, "title", study->groups[i].title);
    set_text(row, "note", study->groups[i].note);
    json_array_append_new(list, row);
  }
  return list;
}

/* ---- runs ---- */

/* A run's figures without its epochs and phases, which its own row in the store keeps. */
static json_t *row_of(const fr__study_run *run) {
  json_t *row = json_copy(run->result);
  json_t *train = json_copy(json_object_get(run->result, "train"));
  json_t *spent = json_copy(json_object_get(run->result, "spent"));
  json_object_del(train, "history");
  json_object_del(spent, "phases");
  json_object_set_new(row, "train", train);
  json_object_set_new(row, "spent", spent != NULL ? spent : json_null());
  set_count(row, "id", (size_t)run->id);
  json_object_set_new(row, "reused", json_boolean(run->reused));
  return row;
}

json_t *fr__aggregate_runs(const fr__plan *plan) {
  json_t *list = json_array();
  for (size_t i = 0; i < plan->cells * plan->study->repeats; i++)
    if (plan->run[i].result != NULL)
      json_array_append_new(list, row_of(&plan->run[i]));
  return list;
}

/* ---- what all of it took ---- */

/* to[key] += from[key], as measures; what is absent on one side stays what the other
 * says. */
static void add_measure(json_t *to, const json_t *from, const char *key) {
  fr_measure a, b;
  const bool has_a = fr__json_measure_read(json_object_get(to, key), &a);
  if (!fr__json_measure_read(json_object_get(from, key), &b))
    return;
  json_object_set_new(to, key, fr__json_measure(has_a ? fr_measure_add(a, b) : b));
}

static void add_number(json_t *to, const json_t *from, const char *key) {
  const double a = json_number_value(json_object_get(to, key));
  const double b = json_number_value(json_object_get(from, key));
  json_object_set_new(to, key, fr__json_number(a + b));
}

static json_t *find_phase(json_t *list, const char *path) {
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *is = json_string_value(json_object_get(json_array_get(list, i), "path"));
    if (is != NULL && path != NULL && strcmp(is, path) == 0)
      return json_array_get(list, i);
  }
  return NULL;
}

static void add_phases(json_t *to, const json_t *from) {
  for (size_t i = 0; i < json_array_size(from); i++) {
    const json_t *row = json_array_get(from, i);
    json_t *sum = find_phase(to, json_string_value(json_object_get(row, "path")));
    if (sum == NULL) {
      json_array_append_new(to, json_copy((json_t *)(uintptr_t)row));
      continue;
    }
    static const char *const numbers[] = {"count", "duration_s", "core_s"};
    for (size_t k = 0; k < 3; k++)
      add_number(sum, row, numbers[k]);
    add_measure(sum, row, "energy");
    add_measure(sum, row, "program");
  }
}

static void add_spent(json_t *to, const json_t *spent) {
  add_measure(to, spent, "energy");
  add_measure(to, spent, "program");
  add_measure(to, spent, "core_seconds");
  add_number(to, spent, "duration_s");
  add_phases(json_object_get(to, "phases"), json_object_get(spent, "phases"));
}

/* Of a run in a process of its own, whose part of the machine's energy and time this
 * process's meter has seen. */
static void add_own(json_t *to, const json_t *spent) {
  add_measure(to, spent, "program");
  add_measure(to, spent, "core_seconds");
  add_phases(json_object_get(to, "phases"), json_object_get(spent, "phases"));
}

/* This run's meter, reading of data included, and what reused runs took in theirs. */
static json_t *total_spent(const fr__plan *plan, const fr_meter_report *meter) {
  json_t *total = json_object();
  json_object_set_new(total, "phases", json_array());
  json_object_set_new(total, "duration_s", json_real(0.0));
  if (meter != NULL) {
    json_t *now = fr__json_spent(meter);
    add_spent(total, now);
    json_decref(now);
  }
  for (size_t i = 0; i < plan->cells * plan->study->repeats; i++)
    if (plan->run[i].result != NULL && (plan->run[i].reused || meter == NULL))
      add_spent(total, json_object_get(plan->run[i].result, "spent"));
    else if (plan->run[i].result != NULL && plan->run[i].elsewhere)
      add_own(total, json_object_get(plan->run[i].result, "spent"));
  return total;
}

static json_t *machine_of(const fr__plan *plan, const fr_meter_report *meter) {
  json_t *to = json_object();
  set_text(to, "cpu", plan->cpu.cpu);
  set_count(to, "cores", plan->cpu.cores);
  json_object_set_new(to, "core_w", fr__json_measure(plan->cpu.core_w));
  set_text(to, "sensor", meter != NULL ? meter->sensor : NULL);
  set_text(to, "rule", meter != NULL ? meter->rule : NULL);
  set_text(to, "source", meter != NULL ? fr_source_name(meter->energy.source) : NULL);
  return to;
}

static void write_carbon(const fr__plan *plan, json_t *to) {
  const char *spec = plan->study->intensity;
  char scope[FR_SCOPE_TEXT];
  fr_intensity at;
  fr_measure energy = fr_measure_absent(FR_UNIT_JOULE);
  if (fr_intensity_find(spec != NULL ? spec : "table:world", &at, NULL) != FR_OK)
    return;
  fr__json_measure_read(json_object_get(json_object_get(to, "spent"), "energy"), &energy);
  const fr_measure grams = fr_carbon_grams(energy, &at, plan->study->pue);
  json_t *intensity = fr__json_measure(at.g_per_kwh);
  set_text(intensity, "zone", at.zone);
  fr_scope_text(at.scope, scope);
  set_text(intensity, "scope", scope);
  set_text(intensity, "origin", at.origin);
  json_object_set_new(to, "intensity", intensity);
  json_object_set_new(to, "pue", json_real(plan->study->pue));
  json_object_set_new(to, "grams", fr__json_measure(grams));
  json_t *list = json_array();
  size_t count = 0;
  const fr_equivalent *row = fr_equivalents(&count);
  for (size_t i = 0; i < count; i++) {
    json_t *one = json_object();
    set_text(one, "name", row[i].name);
    json_object_set_new(one, "pounds", json_real(row[i].pounds));
    json_object_set_new(one, "grams", json_real(row[i].grams));
    json_object_set_new(one, "share",
                        fr_measure_known(grams)
                            ? fr__json_number(grams.value / row[i].grams)
                            : json_null());
    set_text(one, "source", row[i].source);
    json_array_append_new(list, one);
  }
  json_object_set_new(to, "equivalents", list);
}

static json_t *warnings_of(const fr__plan *plan, const fr_meter_report *meter) {
  json_t *list = json_array();
  if (meter != NULL && meter->energy.source == FR_SOURCE_MODEL)
    json_array_append_new(
        list, json_sprintf("no working energy counter: energy is modelled from busy "
                           "core-seconds (%s)",
                           meter->rule));
  for (size_t i = 0; plan->set != NULL && i < plan->study->data_count; i++)
    if (plan->set[i].plain.prepared.split.leaky)
      json_array_append_new(
          list, json_sprintf("the split of '%s' is leaky: windows next to test windows "
                             "are trained on",
                             plan->study->data[i].name));
  const size_t missing = plan->cells * plan->study->repeats - plan->done;
  if (missing > 0 && fr__has_budget(plan))
    json_array_append_new(
        list, json_sprintf("the budget ended the study: %zu of %zu runs were not made",
                           missing, plan->cells * plan->study->repeats));
  if (plan->study->repeats < 2)
    json_array_append_new(list, json_string("one repeat has no interval over repeats: "
                                            "every statement stays undecided"));
  return list;
}

enum fr_status fr__aggregate(const fr__plan *plan, json_t **out, fr_error *err) {
  fr_meter_report meter = {0};
  const bool metered = plan->gauge != NULL;
  const enum fr_status status =
      metered ? fr__gauge_read(plan->gauge, &meter, err) : FR_OK;
  if (status != FR_OK)
    return status;
  const fr_meter_report *read = metered ? &meter : NULL;
  json_t *to = json_object();
  if (to == NULL)
    return fr__fail_memory(err, "a study's result");
  set_text(to, "name", plan->study->name);
  set_text(to, "description", plan->study->description);
  set_text(to, "version", FR_VERSION);
  set_count(to, "repeats", plan->study->repeats);
  set_count(to, "seed", plan->study->seed);
  set_count(to, "reused", plan->reused);
  json_object_set_new(to, "settings", fr__aggregate_settings(plan));
  json_object_set_new(to, "machine", machine_of(plan, read));
  json_object_set_new(to, "groups", fr__aggregate_groups(plan->study));
  json_object_set_new(to, "cells", fr__aggregate_cells(plan));
  json_object_set_new(to, "ratios", fr__aggregate_ratios(plan));
  json_object_set_new(to, "claims", fr__aggregate_claims(plan));
  json_object_set_new(to, "break_even", fr__aggregate_break_even(plan));
  json_object_set_new(to, "mechanisms", fr__aggregate_mechanisms(plan));
  json_object_set_new(to, "fronts", fr__aggregate_fronts(plan));
  json_object_set_new(to, "runs", fr__aggregate_runs(plan));
  json_object_set_new(to, "spent", total_spent(plan, read));
  json_object_set(to, "phases", json_object_get(json_object_get(to, "spent"), "phases"));
  json_object_del(json_object_get(to, "spent"), "phases");
  write_carbon(plan, to);
  json_t *budget = fr__budget_describe(plan);
  if (budget != NULL)
    json_object_set_new(to, "budget", budget);
  json_object_set_new(to, "warnings", warnings_of(plan, read));
  fr_meter_report_release(&meter);
  *out = to;
  return FR_OK;
}
