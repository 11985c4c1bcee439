/* SPDX-License-Identifier: Apache-2.0 */
/* Results of studies as ways to a model. Whatever a store holds is read loosely: what is
 * absent, of another type or no number that can be is passed over, and is never 0. */
#include "study/advise.h"

#include "base/buf.h"
#include "base/error.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STUDIES_CEILING 1000 /* of a store, the newest */
#define RESULT_CEILING ((size_t)64 << 20)
#define ENERGY_CEILING 1e15 /* J: no figure that is larger can be one */

typedef struct reading {
  fr_store *store;
  const fr_advise_options *options;
  char digest[20];
  const char *split;
  char here[128]; /* this machine's processor */
  fr__ways *ways;
  fr_advice *out;
  int64_t id[STUDIES_CEILING];
  size_t studies;
  bool any_machine; /* none of this processor is there */
  enum fr_status status;
} reading;

static const char *text_at(const json_t *object, const char *key, const char *other) {
  const char *text = json_string_value(json_object_get(object, key));
  return text != NULL ? text : other;
}

static bool is_text(const json_t *object, const char *key, const char *wanted) {
  return strcmp(text_at(object, key, ""), wanted) == 0;
}

/* A length in samples; 0 and what is left out are the default. */
static size_t samples_at(const json_t *object, const char *key, size_t usual) {
  const json_int_t n = json_integer_value(json_object_get(object, key));
  return n > 0 ? (size_t)n : usual;
}

/* ---- which data ---- */

static bool same_data(const reading *r, const json_t *data) {
  return is_text(data, "digest", r->digest);
}

static bool same_question(const reading *r, const json_t *data) {
  const fr_advise_options *o = r->options;
  const char *split = text_at(data, "split", text_at(data, "default_split", ""));
  return strcmp(text_at(data, "task", fr_data_task(o->data)),
                o->task != NULL ? o->task : fr_data_task(o->data)) == 0 &&
         strcmp(split, o->split != NULL ? o->split : r->split) == 0 &&
         strcmp(text_at(data, "validate", "0.1"),
                o->validate != NULL ? o->validate : "0.1") == 0 &&
         samples_at(data, "window", 128) == (o->window != 0 ? o->window : 128) &&
         samples_at(data, "step", 64) == (o->step != 0 ? o->step : 64);
}

static const json_t *find_by(const json_t *list, const char *key, const char *value) {
  for (size_t i = 0; i < json_array_size(list); i++)
    if (is_text(json_array_get(list, i), key, value))
      return json_array_get(list, i);
  return NULL;
}

/* ---- which machine ---- */

static void machine_of(const json_t *result, char to[320]) {
  const json_t *machine = json_object_get(result, "machine");
  const double watts = fr__row_value(machine, "core_w");
  const bool modelled = is_text(machine, "source", "model");
  snprintf(to, 320, "%.127s\n%.63s\n%.9g", text_at(machine, "cpu", ""),
           text_at(machine, "source", ""), modelled && isfinite(watts) ? watts : 0.0);
}

static bool is_here(const reading *r, const json_t *result) {
  return strcmp(text_at(json_object_get(result, "machine"), "cpu", ""), r->here) == 0;
}

/* ---- what makes a way ---- */

/* The layers or the preset that a code stands for. */
static const char *network_text(const json_t *settings, const char *code) {
  const json_t *net = find_by(json_object_get(settings, "networks"), "code", code);
  return text_at(net, "arch", text_at(net, "name", code));
}

/* An entry without its name and with the networks that its codes stand for: the same
 * thing may be called otherwise elsewhere. */
static void add_mechanism(fr__buf *text, const json_t *settings, const char *name) {
  static const char *const codes[] = {"network", "teacher"};
  const json_t *entry = find_by(json_object_get(settings, "mechanisms"), "name", name);
  json_t *bare = json_copy((json_t *)(uintptr_t)entry);
  char *dump = NULL;
  if (bare != NULL) {
    json_object_del(bare, "name");
    for (size_t i = 0; i < 2; i++) {
      const char *code = json_string_value(json_object_get(bare, codes[i]));
      if (code != NULL)
        json_object_set_new(bare, codes[i], json_string(network_text(settings, code)));
    }
    dump = json_dumps(bare, JSON_COMPACT | JSON_SORT_KEYS);
  }
  fr__buf_printf(text, "%s\n", dump != NULL ? dump : name);
  free(dump);
  json_decref(bare);
}

static char *identity_of(const json_t *settings, const json_t *run) {
  static const char *const regime[] = {"epochs", "batch", "patience", "learning_rate"};
  const json_t *parts = json_object_get(run, "parts");
  const json_t *source =
      find_by(json_object_get(settings, "data"), "code", text_at(run, "source", "\n"));
  fr__buf text;
  fr__buf_init(&text, 0);
  /* not the run's own architecture: pruning takes other units under another seed */
  fr__buf_printf(&text, "%s\n%s\n%s\n", network_text(settings, text_at(run, "net", "")),
                 text_at(json_object_get(run, "train"), "precision", ""),
                 text_at(source, "digest", "-"));
  for (size_t i = 0; i < 4; i++)
    fr__buf_printf(&text, "%.9g\n", fr__row_value(settings, regime[i]));
  if (json_array_size(parts) == 0 && !is_text(run, "mechanism", FR__STUDY_SCRATCH))
    add_mechanism(&text, settings, text_at(run, "mechanism", ""));
  for (size_t i = 0; i < json_array_size(parts); i++) {
    const char *part = json_string_value(json_array_get(parts, i));
    if (part != NULL)
      add_mechanism(&text, settings, part);
  }
  return fr__buf_detach(&text);
}

static bool is_asked_for(const reading *r, const char *network, const char *text) {
  const fr_advise_options *o = r->options;
  for (size_t i = 0; i < o->networks; i++)
    if (strcmp(o->network[i], network) == 0 || strcmp(o->network[i], text) == 0)
      return true;
  return o->networks == 0;
}

/* ---- ways ---- */

static void way_release(fr__way *way) {
  free(way->identity);
  free(way->is.network);
  free(way->is.mechanism);
  free(way->is.precision);
  free(way->is.architecture);
  free(way->is.cell);
}

void fr__ways_release(fr__ways *ways) {
  for (size_t i = 0; i < ways->count; i++)
    way_release(&ways->way[i]);
  free(ways->way);
  *ways = (fr__ways){0};
}

static double positive(const json_t *from, const char *path) {
  const double x = fr__row_value(from, path);
  return x > 0.0 && x <= ENERGY_CEILING ? x : (double)NAN;
}

/* What it runs in: the scheme of its weights, where it has one. */
static const char *precision_of(const json_t *run) {
  const json_t *train = json_object_get(run, "train");
  return text_at(train, "scheme", text_at(train, "precision", ""));
}

static bool describe(fr__way *way, const json_t *network, const json_t *run,
                     int64_t study) {
  way->is = (fr_advice_way){.network =
                                strdup(text_at(network, "name", text_at(run, "net", ""))),
                            .mechanism = strdup(text_at(run, "mechanism", "")),
                            .precision = strdup(precision_of(run)),
                            .architecture = strdup(text_at(run, "architecture", "")),
                            .cell = strdup(text_at(run, "name", "")),
                            .study = study,
                            .parameters = positive(run, "parameters"),
                            .operations = positive(run, "test.operations"),
                            .bytes = positive(run, "bytes")};
  return way->is.network != NULL && way->is.mechanism != NULL &&
         way->is.precision != NULL && way->is.architecture != NULL &&
         way->is.cell != NULL;
}

/* The way of that identity, made where it is not there; NULL: memory, or the ceiling.
 * Takes `identity`. */
static fr__way *find_way(reading *r, char *identity, const json_t *network,
                         const json_t *run, int64_t study) {
  fr__ways *ways = r->ways;
  for (size_t i = 0; identity != NULL && i < ways->count; i++)
    if (strcmp(ways->way[i].identity, identity) == 0) {
      free(identity);
      return &ways->way[i];
    }
  if (identity != NULL && ways->count == ways->capacity) {
    const size_t capacity = ways->capacity != 0 ? 2 * ways->capacity : 32;
    fr__way *more =
        capacity <= FR__ADVISE_WAYS ? realloc(ways->way, capacity * sizeof *more) : NULL;
    ways->way = more != NULL ? more : ways->way;
    ways->capacity = more != NULL ? capacity : ways->capacity;
  }
  if (identity == NULL || ways->count == ways->capacity) {
    free(identity);
    r->status = FR_ERR_MEMORY;
    return NULL;
  }
  fr__way *way = &ways->way[ways->count++];
  *way = (fr__way){.identity = identity};
  if (!describe(way, network, run, study))
    r->status = FR_ERR_MEMORY;
  return way;
}

/* ---- runs ---- */

static double share_at(const json_t *run, const char *path) {
  const double x = fr__row_value(run, path);
  return x >= 0.0 && x <= 1.0 ? x : (double)NAN;
}

/* What was trained before it: 0 where nothing was, NAN where that is not known. */
static double before_of(const json_t *run) {
  static const char *const keys[] = {"pretraining", "teacher"};
  double sum = 0.0;
  for (size_t i = 0; i < 2; i++)
    if (json_is_object(json_object_get(run, keys[i])))
      sum += positive(json_object_get(run, keys[i]), "program");
  return sum;
}

/* Of the network that is tested: a pruned one has figures of its own. */
static double validated_of(const json_t *run) {
  const json_t *pruning = json_object_get(json_object_get(run, "train"), "pruning");
  return json_is_object(pruning) ? share_at(pruning, "validate_after")
                                 : share_at(run, "train.best_validate_accuracy");
}

static fr__seen seen_of(const reading *r, const json_t *run) {
  const bool f1 = r->options->metric == FR_ADVISE_MACRO_F1;
  return (fr__seen){.seed = json_integer_value(json_object_get(run, "seed")),
                    .train_j = positive(run, "train.program"),
                    .before_j = before_of(run),
                    .test_j = positive(run, "test.program") / 1000.0,
                    .reached = share_at(run, f1 ? "test.macro_f1" : "test.accuracy"),
                    .validated = f1 ? (double)NAN : validated_of(run)};
}

static bool is_known(const fr__way *way, json_int_t seed) {
  for (size_t i = 0; i < way->count; i++)
    if (way->seen[i].seed == seed)
      return true;
  return false;
}

static void add_run(reading *r, const json_t *settings, const json_t *run,
                    int64_t study) {
  const char *code = text_at(run, "net", "");
  const json_t *network = find_by(json_object_get(settings, "networks"), "code", code);
  if (!is_asked_for(r, text_at(network, "name", ""), text_at(network, "arch", "")))
    return;
  const fr__seen seen = seen_of(r, run);
  if (!isfinite(seen.train_j) || !isfinite(seen.test_j) || !isfinite(seen.before_j) ||
      !isfinite(seen.reached))
    return;
  fr__way *way = find_way(r, identity_of(settings, run), network, run, study);
  if (way == NULL || way->count == FR__ADVISE_SEEDS || is_known(way, seen.seed))
    return; /* the newest counts */
  way->seen[way->count++] = seen;
  r->out->runs++;
}

/* ---- studies ---- */

static size_t runs_of(const json_t *runs, const char *code) {
  size_t count = 0;
  for (size_t i = 0; i < json_array_size(runs); i++)
    count += is_text(json_array_get(runs, i), "data", code);
  return count;
}

/* The first study that counts says which machine all figures are of. */
static bool take_machine(reading *r, const json_t *result) {
  char machine[320];
  machine_of(result, machine);
  if (r->ways->machine[0] != '\0')
    return strcmp(machine, r->ways->machine) == 0;
  if (!r->any_machine && !is_here(r, result))
    return false;
  memcpy(r->ways->machine, machine, sizeof machine);
  const json_t *of = json_object_get(result, "machine");
  snprintf(r->out->cpu, sizeof r->out->cpu, "%s", text_at(of, "cpu", ""));
  snprintf(r->out->sensor, sizeof r->out->sensor, "%s", text_at(of, "source", ""));
  r->out->here = is_here(r, result);
  return true;
}

static void read_data(reading *r, const json_t *result, const json_t *data, int64_t id) {
  const json_t *runs = json_object_get(result, "runs");
  const char *code = text_at(data, "code", "\n");
  const size_t count = runs_of(runs, code), before = r->out->runs;
  if (!same_question(r, data)) {
    r->out->otherwise += count;
    return;
  }
  if (count == 0 || !take_machine(r, result)) {
    r->out->elsewhere += count;
    return;
  }
  for (size_t i = 0; i < json_array_size(runs) && r->status == FR_OK; i++)
    if (is_text(json_array_get(runs, i), "data", code))
      add_run(r, json_object_get(result, "settings"), json_array_get(runs, i), id);
  r->out->studies += r->out->runs > before;
}

static enum fr_status read_study(reading *r, int64_t id, fr_error *err) {
  fr_run run = {0};
  const enum fr_status status = fr_store_run_get(r->store, id, &run, err);
  if (status != FR_OK)
    return status;
  json_t *result = run.result != NULL && strlen(run.result) <= RESULT_CEILING
                       ? json_loads(run.result, 0, NULL)
                       : NULL;
  const json_t *data = json_object_get(json_object_get(result, "settings"), "data");
  for (size_t i = 0; i < json_array_size(data); i++)
    if (same_data(r, json_array_get(data, i)))
      read_data(r, result, json_array_get(data, i), id);
  json_decref(result);
  fr_run_release(&run);
  return r->status == FR_OK ? FR_OK : fr__fail_memory(err, "what the store holds");
}

static bool note_study(void *self, const fr_run *run) {
  reading *r = self;
  if (strcmp(run->command, "study") == 0 && strcmp(run->state, "done") == 0)
    r->id[r->studies++] = run->id;
  return r->studies < STUDIES_CEILING;
}

static enum fr_status read_all(reading *r, bool any_machine, fr_error *err) {
  enum fr_status status = FR_OK;
  r->any_machine = any_machine;
  r->out->runs = r->out->studies = r->out->elsewhere = r->out->otherwise = 0;
  for (size_t i = 0; i < r->studies && status == FR_OK; i++)
    status = read_study(r, r->id[i], err);
  return status;
}

enum fr_status fr__ways_read(fr_store *store, const fr_advise_options *options,
                             uint64_t digest, const char *split, fr__ways *ways,
                             fr_advice *out, fr_error *err) {
  fr_cpu_power cpu;
  reading *r = calloc(1, sizeof *r);
  if (r == NULL)
    return fr__fail_memory(err, "what the store holds");
  *r = (reading){
      .store = store, .options = options, .split = split, .ways = ways, .out = out};
  snprintf(r->digest, sizeof r->digest, "%016" PRIx64, digest);
  if (options->cpu != NULL)
    snprintf(r->here, sizeof r->here, "%s", options->cpu->cpu);
  else if (fr_cpu_power_find(NULL, &cpu, NULL) == FR_OK)
    snprintf(r->here, sizeof r->here, "%s", cpu.cpu);
  enum fr_status status = fr_store_runs(store, 0, note_study, r, err);
  if (status == FR_OK)
    status = read_all(r, false, err);
  if (status == FR_OK && out->elsewhere > 0 && ways->machine[0] == '\0')
    status = read_all(r, true, err);
  free(r);
  return status;
}
