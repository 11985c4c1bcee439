/* SPDX-License-Identifier: Apache-2.0 */
/* What identifies a run of a cell, and what the store holds of it. */
#include "study/mechanism.h"
#include "study/plan.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_VERSION 1 /* of what a cell's run does: raise it when that changes */

static const char *text_or(const char *text, const char *other) {
  return text != NULL ? text : other;
}

static void add_data(fr__buf *text, const fr__plan *plan, size_t data, size_t repeat) {
  const fr__study_data *d = &plan->study->data[data];
  const fr__study_set *set = &plan->set[data];
  fr__buf_printf(text,
                 "data %016" PRIx64 "\n%s\n%s\n%s\n%s\n%u %u\nfold %zu of %zu, seed %u\n",
                 set->data->digest, d->spec, fr__study_task(d),
                 text_or(d->split, set->data->split), text_or(d->validate, "0.1"),
                 d->window, d->step, repeat % set->folds, set->folds, plan->study->seed);
}

static void add_net(fr__buf *text, const fr__plan *plan, const fr__study_cell *cell,
                    const fr__recipe *recipe) {
  const fr_samples *samples = &plan->set[cell->data].plain.prepared.train;
  const char *preset =
      fr_net_preset(recipe->arch, (fr_shape){samples->steps, samples->channels});
  fr__buf_printf(text, "net %s\n", text_or(preset, recipe->arch));
}

static void add_transfer(fr__buf *text, const fr__plan *plan, const fr__study_cell *cell,
                         const fr__recipe *recipe, size_t run) {
  const fr_transfer_options *o = &recipe->transfer;
  if (cell->source == SIZE_MAX)
    return;
  fr__buf_printf(text, "transfer %d %s %zu %.9g\nfrom %s\n", (int)o->kind,
                 text_or(o->head, "-"), o->freeze, (double)o->refine,
                 fr__plan_needed(plan, run, cell->source)->key);
  if (o->cut != 0)
    fr__buf_printf(text, "cut %zu\n", o->cut);
  if (o->decay > 0.0f)
    fr__buf_printf(text, "decay %.9g\n", (double)o->decay);
  if (o->unfreeze != 0)
    fr__buf_printf(text, "unfreeze %zu\n", o->unfreeze);
}

static void add_training(fr__buf *text, const fr_train_options *o, uint64_t seed) {
  fr__buf_printf(text, "train %zu %zu %zu %.9g\nseed %" PRIu64 "\n", o->epochs, o->batch,
                 o->patience, (double)o->optimizer.learning_rate, seed);
  if (o->precision != FR_TRAIN_F32) /* so are all cells of older stores */
    fr__buf_printf(text, "precision %s\n", fr_train_precision_name(o->precision));
  const fr_schedule *s = &o->schedule;
  if (s->kind != FR_SCHEDULE_CONSTANT || s->warmup > 0.0)
    fr__buf_printf(text, "schedule %d %.9g %.9g %.9g %.9g %.9g %.9g\n", (int)s->kind,
                   s->factor, s->every, s->final, s->start, s->rise, s->warmup);
  if (o->balanced)
    fr__buf_add(text, "balanced\n");
}

/* Lines that only cells with the mechanism have, so that all others keep their keys. */
static void add_mechanism(fr__buf *text, const fr__plan *plan, const fr__study_cell *cell,
                          const fr__recipe *recipe, size_t run) {
  if (recipe->normalize != FR_NORMALIZE_ZSCORE)
    fr__buf_printf(text, "normalize %s\n", fr_normalize_name(recipe->normalize));
  char said[1024];
  if (recipe->augment.count > 0) {
    fr_augment_describe(&recipe->augment, said, sizeof said);
    fr__buf_printf(text, "augment %s\n", said);
  }
  if (recipe->sets & FR__SETS_PRUNE) {
    fr_prune_text(&recipe->prune, said, sizeof said);
    fr__buf_printf(text, "prune %s\n", said);
  }
  if (recipe->sets & FR__SETS_QUANTIZE)
    fr__buf_printf(text, "quantize %s\n", fr_scheme_name(recipe->scheme));
  if (cell->teacher != SIZE_MAX)
    fr__buf_printf(text, "distill %.9g %.9g\nteacher %s\n",
                   (double)recipe->train.loss.distill,
                   (double)recipe->train.loss.temperature,
                   fr__plan_needed(plan, run, cell->teacher)->key);
}

void fr__plan_identity(const fr__plan *plan, size_t run, const char *sensor,
                       fr__buf *text) {
  const fr__study_cell *cell = &plan->cell[run % plan->cells];
  const size_t repeat = run / plan->cells;
  const fr__recipe recipe = fr__recipe_of(plan->study, cell->mechanism, cell->net);
  fr__buf_printf(text, "frugal %s, cell %d\n%s\n%s\n", FR_VERSION, KEY_VERSION,
                 plan->cpu.cpu, sensor);
  if (plan->options->cpu != NULL && strcmp(sensor, "model") == 0)
    fr__buf_printf(text, "watts %.9g %.9g\n", plan->cpu.core_w.value,
                   plan->cpu.idle_w.value);
  add_data(text, plan, cell->data, repeat);
  add_net(text, plan, cell, &recipe);
  add_transfer(text, plan, cell, &recipe, run);
  add_training(text, &recipe.train, plan->study->seed + repeat);
  add_mechanism(text, plan, cell, &recipe, run);
}

enum fr_status fr__plan_key(fr__plan *plan, size_t run, const char *sensor,
                            fr_error *err) {
  fr__buf text;
  fr__buf_init(&text, 0);
  fr__plan_identity(plan, run, sensor, &text);
  const enum fr_status status = text.status;
  if (status == FR_OK)
    snprintf(plan->run[run].key, FR__STUDY_KEY, "%016" PRIx64,
             fr__hash_bytes(fr__buf_text(&text), text.length));
  else
    fr__fail_memory(err, "a cell's key");
  fr__buf_release(&text);
  return status;
}

char *fr__plan_model(const fr__plan *plan, const char *key) {
  char name[FR__STUDY_KEY + 16];
  snprintf(name, sizeof name, "%s.safetensors", key);
  return fr__path_join(plan->models, name);
}

/* A source whose network is gone must be trained again. */
static bool network_is_there(const fr__plan *plan, const fr__study_run *run) {
  char *path = fr__plan_model(plan, run->key);
  const bool there = path != NULL && access(path, R_OK) == 0;
  free(path);
  return there;
}

enum fr_status fr__plan_look_up(fr__plan *plan, size_t i, fr_error *err) {
  fr__study_run *run = &plan->run[i];
  fr__study_cell *cell = &plan->cell[i % plan->cells];
  fr_run found = {0};
  const enum fr_status status =
      fr_store_cell_find(plan->options->store, run->key, &found, err);
  if (status == FR_ERR_NOT_FOUND)
    return FR_OK;
  if (status != FR_OK)
    return status;
  json_t *result = found.result != NULL ? json_loads(found.result, 0, NULL) : NULL;
  if (json_is_object(result) && (!cell->is_source || network_is_there(plan, run))) {
    run->result = json_incref(result);
    fr__cell_tell(plan, i, run->result); /* another study may have called it otherwise */
    run->id = found.id;
    run->reused = true;
    cell->seconds = (double)(found.ended_utc_ns - found.started_utc_ns) * 1e-9;
    plan->reused++;
    plan->done++;
  }
  json_decref(result);
  fr_run_release(&found);
  return FR_OK;
}
