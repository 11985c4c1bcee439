/* SPDX-License-Identifier: Apache-2.0 */
#include "study/mechanism.h"

#include "base/csv.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DISTILL 0.5f     /* share of the teacher's part where none is told */
#define TEMPERATURE 2.0f /* likewise; as frugal train */

/* ---- what an entry sets ---- */

static bool is_kind(const char *text) {
  return strcmp(text, "append") == 0 || strcmp(text, "replace") == 0;
}

const char *fr__mechanism_kind(const fr__study_mechanism *m) {
  return m->kind != NULL ? m->kind : m->name;
}

static bool transfers(const fr__study_mechanism *m) {
  return m->kind != NULL || m->head != NULL || m->freeze != NULL || m->refine != 0.0f ||
         m->cut != 0 || m->unfreeze != 0 || m->decay != 0.0f || is_kind(m->name);
}

static bool freezes(const fr__study_mechanism *m) {
  return transfers(m) && (m->freeze == NULL || strcmp(m->freeze, "0") != 0);
}

static unsigned when(bool set, enum fr__sets what) { return set ? (unsigned)what : 0u; }

static unsigned prune_sets(const char *text) {
  fr_prune_options o;
  if (text == NULL || fr_prune_parse(text, &o, NULL) != FR_OK)
    return when(text != NULL, FR__SETS_PRUNE);
  return FR__SETS_PRUNE | when(o.how == FR_PRUNE_REWIND, FR__SETS_REWIND) |
         when(o.kind == FR_PRUNE_UNSTRUCTURED, FR__SETS_SPARSE);
}

static unsigned quantize_sets(const char *name) {
  enum fr_scheme scheme = FR_SCHEME_F32;
  return when(name != NULL, FR__SETS_QUANTIZE) |
         when(name != NULL && fr_scheme_parse(name, &scheme) &&
                  scheme == FR_SCHEME_INT8_AWARE,
              FR__SETS_AWARE);
}

static unsigned augment_sets(const char *text) {
  fr_augment augment;
  unsigned sets = when(text != NULL, FR__SETS_AUGMENT);
  if (text != NULL && fr_augment_parse(text, &augment, NULL) == FR_OK)
    for (size_t i = 0; i < augment.count; i++)
      sets |= when(augment.item[i].kind == FR_AUGMENT_ROTATE, FR__SETS_TURN);
  return sets;
}

static unsigned normalize_sets(const char *name) {
  enum fr_normalize how = FR_NORMALIZE_ZSCORE;
  return when(name != NULL, FR__SETS_NORMALIZE) |
         when(name != NULL && fr_normalize_parse(name, &how) &&
                  how == FR_NORMALIZE_WINDOW,
              FR__SETS_WINDOW);
}

static unsigned own_sets(const fr__study_mechanism *m) {
  return when(transfers(m), FR__SETS_TRANSFER) | when(freezes(m), FR__SETS_FROZEN) |
         when(m->network != NULL || m->arch != NULL, FR__SETS_NETWORK) |
         when(m->arch != NULL, FR__SETS_ARCH) |
         when(m->teacher != NULL, FR__SETS_TEACHER) |
         when(m->epochs != 0, FR__SETS_EPOCHS) | when(m->batch != 0, FR__SETS_BATCH) |
         when(m->patience != 0, FR__SETS_PATIENCE) |
         when(m->learning_rate != 0.0f, FR__SETS_RATE) |
         when(m->schedule != NULL, FR__SETS_SCHEDULE) |
         when(m->precision != NULL, FR__SETS_PRECISION) |
         when(m->balanced, FR__SETS_BALANCED) | augment_sets(m->augment) |
         normalize_sets(m->normalize) | prune_sets(m->prune) | quantize_sets(m->quantize);
}

size_t fr__mechanism_parts(const fr__study_mechanism *m) {
  return m->with_count != 0 ? m->with_count : 1;
}

const fr__study_mechanism *fr__mechanism_part(const fr_study *study,
                                              const fr__study_mechanism *m, size_t i) {
  return m->with_count != 0
             ? &study->mechanisms[fr__study_find_mechanism(study, m->with[i])]
             : m;
}

unsigned fr__mechanism_sets(const fr_study *study, const fr__study_mechanism *m) {
  unsigned sets = 0;
  for (size_t i = 0; i < fr__mechanism_parts(m); i++)
    sets |= own_sets(fr__mechanism_part(study, m, i));
  return sets;
}

/* ---- what goes together ---- */

static const char *same_thing(unsigned both) {
  static const struct {
    enum fr__sets what;
    const char *says;
  } rows[] = {{FR__SETS_TRANSFER, "both transfer"},
              {FR__SETS_NETWORK, "both put a network in the place of the cell's"},
              {FR__SETS_TEACHER, "both name a teacher"},
              {FR__SETS_EPOCHS, "both set 'epochs'"},
              {FR__SETS_BATCH, "both set 'batch'"},
              {FR__SETS_PATIENCE, "both set 'patience'"},
              {FR__SETS_RATE, "both set 'learning-rate'"},
              {FR__SETS_SCHEDULE, "both set 'schedule'"},
              {FR__SETS_PRECISION, "both set 'precision'"},
              {FR__SETS_AUGMENT, "both set 'augment'"},
              {FR__SETS_BALANCED, "both set 'balanced'"},
              {FR__SETS_NORMALIZE, "both set 'normalize'"},
              {FR__SETS_PRUNE, "both prune"},
              {FR__SETS_QUANTIZE, "both quantize"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if ((both & rows[i].what) != 0)
      return rows[i].says;
  return NULL;
}

const char *fr__mechanism_impossible(unsigned sets) {
  static const struct {
    unsigned what;
    const char *says;
  } rows[] = {
      {FR__SETS_TRANSFER | FR__SETS_ARCH,
       "cannot be at once: there is no trained network of that 'arch' to transfer"},
      {FR__SETS_FROZEN | FR__SETS_AUGMENT,
       "cannot be at once: outputs of frozen layers are computed once, augmented "
       "samples differ each time"},
      {FR__SETS_TRANSFER | FR__SETS_NORMALIZE,
       "cannot be at once: the network that is transferred knows data under the plain "
       "normalisation"},
      {FR__SETS_TEACHER | FR__SETS_NORMALIZE,
       "cannot be at once: the teacher knows data under the plain normalisation"},
      {FR__SETS_TURN | FR__SETS_WINDOW,
       "cannot be at once: a rotation needs to know what the normaliser did, which is "
       "something else in each window"},
      {FR__SETS_SPARSE | FR__SETS_AWARE,
       "cannot be at once: training for int8 would fill weights that were taken out"},
      {FR__SETS_TRANSFER | FR__SETS_REWIND,
       "cannot be at once: a transferred network has no first weights to go back to"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if ((sets & rows[i].what) == rows[i].what)
      return rows[i].says;
  return NULL;
}

const char *fr__mechanism_conflict(const fr_study *study, const fr__study_mechanism *a,
                                   const fr__study_mechanism *b) {
  const unsigned of_a = fr__mechanism_sets(study, a), of_b = fr__mechanism_sets(study, b);
  const char *same = same_thing(of_a & of_b);
  return same != NULL ? same : fr__mechanism_impossible(of_a | of_b);
}

/* ---- pairs ---- */

static bool has_name(const fr__study_group *group, const char *name) {
  for (size_t i = 0; i < group->mechanisms_count; i++)
    if (strcmp(group->mechanisms[i], name) == 0)
      return true;
  return false;
}

/* Appends a copy of `word`; the list is libcyaml's, which takes it from malloc. */
static bool append_word(char ***list, unsigned *count, const char *word) {
  char **more = realloc(*list, (*count + 1) * sizeof *more);
  char *copy = strdup(word);
  *list = more != NULL ? more : *list;
  if (more == NULL || copy == NULL) {
    free(copy);
    return false;
  }
  more[(*count)++] = copy;
  return true;
}

static bool add_parts(const fr_study *study, const fr__study_mechanism *from,
                      fr__study_mechanism *to) {
  bool kept = true;
  for (size_t i = 0; i < fr__mechanism_parts(from) && kept; i++)
    kept =
        append_word(&to->with, &to->with_count, fr__mechanism_part(study, from, i)->name);
  return kept;
}

static enum fr_status add_pair(fr_study *study, size_t a, size_t b, const char *name,
                               fr_error *err) {
  if (study->mechanisms_count == FR__MECHANISMS)
    return fr__fail(err, FR_ERR_LIMIT, "study '%s' has more than %d mechanisms and pairs",
                    study->name, FR__MECHANISMS);
  fr__study_mechanism *more =
      realloc(study->mechanisms, (study->mechanisms_count + 1) * sizeof *more);
  if (more == NULL)
    return fr__fail_memory(err, "pairs of mechanisms");
  study->mechanisms = more;
  fr__study_mechanism *pair = &more[study->mechanisms_count];
  *pair = (fr__study_mechanism){.name = strdup(name)};
  study->mechanisms_count++; /* from here on it is freed with the study */
  const bool kept = pair->name != NULL && add_parts(study, &more[a], pair) &&
                    add_parts(study, &more[b], pair);
  return kept ? FR_OK : fr__fail_memory(err, "pairs of mechanisms");
}

static enum fr_status pair_up(fr_study *study, fr__study_group *group, size_t a, size_t b,
                              fr_error *err) {
  const fr__study_mechanism *of = &study->mechanisms[a], *to = &study->mechanisms[b];
  if (a == b || fr__mechanism_conflict(study, of, to) != NULL)
    return FR_OK;
  const size_t size = strlen(of->name) + strlen(to->name) + 2;
  char *name = malloc(size);
  enum fr_status status = name != NULL ? FR_OK : fr__fail_memory(err, "a pair");
  if (status == FR_OK) {
    snprintf(name, size, "%s+%s", of->name, to->name);
    if (fr__study_find_mechanism(study, name) == SIZE_MAX)
      status = add_pair(study, a, b, name, err);
  }
  if (status == FR_OK && !has_name(group, name) &&
      !append_word(&group->mechanisms, &group->mechanisms_count, name))
    status = fr__fail_memory(err, "a pair");
  free(name);
  return status;
}

enum fr_status fr__mechanism_pairs(fr_study *study, fr__study_group *group,
                                   fr_error *err) {
  const unsigned alone = group->mechanisms_count;
  enum fr_status status = FR_OK;
  for (unsigned i = 0; i < alone && status == FR_OK; i++)
    for (unsigned k = i + 1; k < alone && status == FR_OK; k++)
      status =
          pair_up(study, group, fr__study_find_mechanism(study, group->mechanisms[i]),
                  fr__study_find_mechanism(study, group->mechanisms[k]), err);
  return status;
}

/* ---- recipes ---- */

fr_transfer_options fr__study_transfer(const fr__study_mechanism *mechanism) {
  fr_transfer_options options = fr_transfer_default_options();
  options.kind = strcmp(fr__mechanism_kind(mechanism), "append") == 0
                     ? FR_TRANSFER_APPEND
                     : FR_TRANSFER_REPLACE;
  options.head = mechanism->head;
  options.cut = mechanism->cut;
  options.refine = mechanism->refine;
  options.decay = mechanism->decay;
  options.unfreeze = mechanism->unfreeze;
  options.freeze = FR_FREEZE_ALL;
  if (mechanism->freeze != NULL && strcmp(mechanism->freeze, "auto") == 0)
    options.freeze = FR_FREEZE_AUTO;
  int64_t layers = 0;
  if (mechanism->freeze != NULL && fr__parse_integer(mechanism->freeze, 0, 1000, &layers))
    options.freeze = (size_t)layers;
  return options;
}

static const char *arch_of(const fr__study_net *net) {
  return net->arch != NULL ? net->arch : net->name;
}

static void put_network(const fr_study *study, const fr__study_mechanism *m,
                        fr__recipe *r) {
  if (m->network != NULL) {
    r->net = fr__study_find_net(study, m->network);
    r->arch = arch_of(&study->networks[r->net]);
  }
  if (m->arch != NULL)
    r->arch = m->arch;
}

static void put_teacher(const fr_study *study, const fr__study_mechanism *m,
                        fr__recipe *r) {
  if (m->teacher == NULL)
    return;
  r->teacher = fr__study_find_net(study, m->teacher);
  r->train.loss.distill = m->distill != 0.0f ? m->distill : DISTILL;
  r->train.loss.temperature = m->temperature != 0.0f ? m->temperature : TEMPERATURE;
}

/* The regime: what is left out stays the study's. */
static void put_training(const fr__study_mechanism *m, fr__recipe *r) {
  fr_train_options *o = &r->train;
  o->epochs = m->epochs != 0 ? m->epochs : o->epochs;
  o->batch = m->batch != 0 ? m->batch : o->batch;
  o->patience = m->patience != 0 ? m->patience : o->patience;
  o->balanced = m->balanced || o->balanced;
  if (m->learning_rate != 0.0f)
    o->optimizer.learning_rate = m->learning_rate;
  if (m->normalize != NULL)
    fr_normalize_parse(m->normalize, &r->normalize);
  if (m->schedule != NULL)
    fr_schedule_parse(m->schedule, &o->schedule, NULL);
  if (m->precision != NULL)
    fr_train_precision_parse(m->precision, &o->precision);
  if (m->augment != NULL)
    fr_augment_parse(m->augment, &r->augment, NULL);
  if (m->quantize != NULL)
    fr_scheme_parse(m->quantize, &r->scheme);
  if (m->prune != NULL)
    fr_prune_parse(m->prune, &r->prune, NULL);
}

fr__recipe fr__recipe_of(const fr_study *study, size_t mechanism, size_t net) {
  fr__recipe r = {.net = net,
                  .arch = arch_of(&study->networks[net]),
                  .teacher = SIZE_MAX,
                  .train = fr__study_train_options(study)};
  if (mechanism == SIZE_MAX)
    return r;
  const fr__study_mechanism *whole = &study->mechanisms[mechanism];
  r.sets = fr__mechanism_sets(study, whole);
  for (size_t i = 0; i < fr__mechanism_parts(whole); i++) {
    const fr__study_mechanism *m = fr__mechanism_part(study, whole, i);
    if (transfers(m))
      r.transfer = fr__study_transfer(m);
    put_network(study, m, &r);
    put_teacher(study, m, &r);
    put_training(m, &r);
  }
  return r;
}

bool fr__recipe_applies(const fr_study *study, size_t mechanism, size_t net) {
  const fr__recipe r = fr__recipe_of(study, mechanism, net);
  return (r.sets & FR__SETS_NETWORK) == 0 || (r.sets & FR__SETS_ARCH) != 0 ||
         r.net != net;
}
