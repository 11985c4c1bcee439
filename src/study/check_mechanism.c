/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of `mechanisms`: what they say, and what they are made of. */
#include "study/check.h"
#include "study/mechanism.h"

#include "base/csv.h"
#include "base/error.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The line that declares mechanism `name`; 0 where it is not found. Names of mechanisms
 * are used further down, where the last place of the word would be. */
static unsigned line_of(const char *yaml, const char *name) {
  const char *list = strstr(yaml, "mechanisms:");
  const size_t length = strlen(name);
  for (const char *at = list; at != NULL && (at = strstr(at, "name:")) != NULL;) {
    at += sizeof "name:" - 1;
    const char *word = at + strspn(at, " \t'\"");
    if (strncmp(word, name, length) != 0 || isalnum((unsigned char)word[length]) ||
        word[length] == '-' || word[length] == '_')
      continue;
    unsigned line = 1;
    for (const char *p = yaml; p < word; p++)
      line += *p == '\n';
    return line;
  }
  return 0;
}

static enum fr_status refuse(const fr__checked *c, const fr__study_mechanism *m,
                             const char *why) {
  const unsigned line = line_of(c->yaml, m->name);
  if (line == 0)
    return fr__fail(c->err, FR_ERR_ARGUMENT, "%s: '%s' %s", c->name, m->name, why);
  return fr__fail(c->err, FR_ERR_ARGUMENT, "%s:%u: '%s' %s", c->name, line, m->name, why);
}

/* What a text's own parser says of it. */
static enum fr_status refuse_text(const fr__checked *c, const fr__study_mechanism *m,
                                  const fr_error *said) {
  char why[sizeof said->text + 8];
  snprintf(why, sizeof why, "has: %s", said->text);
  return refuse(c, m, why);
}

/* ---- transfer ---- */

static enum fr_status check_transfer(const fr__checked *c, const fr__study_mechanism *m) {
  const char *kind = fr__mechanism_kind(m);
  int64_t layers = 0;
  if (strcmp(kind, "append") != 0 && strcmp(kind, "replace") != 0)
    return fr__check_refuse(c, kind, "is no kind of transfer: use 'append' or 'replace'");
  const bool chosen = m->freeze != NULL && strcmp(m->freeze, "auto") == 0;
  bool all = m->freeze == NULL || strcmp(m->freeze, "all") == 0;
  if (!all && !chosen && !fr__parse_integer(m->freeze, 0, 1000, &layers))
    return fr__check_refuse(c, m->freeze,
                            "is neither 'all', 'auto' nor a number of layers");
  if (chosen && m->unfreeze != 0)
    return refuse(c, m, "has 'freeze: auto' and 'unfreeze', which exclude each other");
  all = all && m->unfreeze == 0;
  if (!(m->refine >= 0.0f) || !isfinite(m->refine) || (m->refine > 0.0f) == all)
    return refuse(c, m, "needs 'refine' above 0 exactly where kept layers are trained");
  if (!(m->decay >= 0.0f && m->decay <= 1.0f) || (m->decay > 0.0f && all))
    return refuse(c, m,
                  "needs a 'decay' of at most 1, and layers that are refined for it");
  if (m->cut != 0 && strcmp(kind, "replace") != 0)
    return refuse(c, m, "has a 'cut', which only 'replace' has");
  if (m->cut > 1000 || m->unfreeze > 100000)
    return refuse(c, m, "has a 'cut' over 1000 or an 'unfreeze' over 100000");
  return FR_OK;
}

/* ---- network and teacher ---- */

static enum fr_status check_networks(const fr__checked *c, const fr__study_mechanism *m) {
  if (m->network != NULL && fr__study_find_net(c->study, m->network) == SIZE_MAX)
    return fr__check_refuse(c, m->network, "is no network's code");
  if (m->network != NULL && m->arch != NULL)
    return refuse(c, m, "has both 'network' and 'arch'");
  if (m->teacher == NULL && (m->distill != 0.0f || m->temperature != 0.0f))
    return refuse(c, m, "needs a 'teacher' for 'distill' and 'temperature'");
  if (m->teacher != NULL && fr__study_find_net(c->study, m->teacher) == SIZE_MAX)
    return fr__check_refuse(c, m->teacher, "is no network's code");
  if (m->distill != 0.0f && !(m->distill >= 0.001f && m->distill <= 1.0f))
    return refuse(c, m, "has a 'distill' that is not between 0.001 and 1");
  if (m->temperature != 0.0f && !(m->temperature >= 0.01f && m->temperature <= 1000.0f))
    return refuse(c, m, "has a 'temperature' that is not between 0.01 and 1000");
  return FR_OK;
}

/* ---- regime ---- */

enum fr_status fr__check_regime(const fr__checked *c, unsigned epochs, unsigned patience,
                                unsigned batch, float learning_rate) {
  if (epochs > 100000 || patience > 100000)
    return fr__check_refuse(c, epochs > 100000 ? "epochs" : "patience", "is over 100000");
  if (batch > 65536)
    return fr__check_refuse(c, "batch", "is over 65536");
  if (!(learning_rate >= 0.0f && learning_rate <= 100.0f))
    return fr__check_refuse(c, "learning-rate", "is not between 0 and 100");
  return FR_OK;
}

static enum fr_status check_texts(const fr__checked *c, const fr__study_mechanism *m) {
  fr_error said = {0};
  fr_schedule schedule;
  fr_augment augment;
  fr_prune_options prune;
  enum fr_train_precision precision;
  enum fr_normalize normalize = FR_NORMALIZE_ZSCORE;
  if (m->normalize != NULL && !fr_normalize_parse(m->normalize, &normalize))
    return fr__check_refuse(c, m->normalize,
                            "is no normalisation: minmax, robust, window or none");
  enum fr_scheme scheme;
  if (m->quantize != NULL && !fr_scheme_parse(m->quantize, &scheme))
    return fr__check_refuse(c, m->quantize,
                            "is no scheme: bf16, f16, int8-dynamic, int8 or int8-aware");
  if (m->normalize != NULL && normalize == FR_NORMALIZE_ZSCORE)
    return fr__check_refuse(c, m->normalize, "is what the plain cell does");
  if (m->precision != NULL && !fr_train_precision_parse(m->precision, &precision))
    return fr__check_refuse(c, m->precision, "is no precision: f32, bf16 or auto");
  if ((m->schedule != NULL &&
       fr_schedule_parse(m->schedule, &schedule, &said) != FR_OK) ||
      (m->augment != NULL && fr_augment_parse(m->augment, &augment, &said) != FR_OK) ||
      (m->prune != NULL && fr_prune_parse(m->prune, &prune, &said) != FR_OK))
    return refuse_text(c, m, &said);
  return FR_OK;
}

/* ---- several together ---- */

static enum fr_status check_with(const fr__checked *c, const fr__study_mechanism *m) {
  const fr_study *study = c->study;
  fr__study_mechanism alone = *m;
  alone.with = NULL;
  alone.with_count = 0;
  if (fr__mechanism_sets(study, &alone) != 0)
    return refuse(c, m, "is made of others by 'with' and can say nothing else");
  if (m->with_count < 2)
    return refuse(c, m, "needs at least two names in 'with'");
  for (size_t i = 0; i < m->with_count; i++) {
    const size_t part = fr__study_find_mechanism(study, m->with[i]);
    if (part == SIZE_MAX)
      return fr__check_refuse(c, m->with[i], "is no mechanism");
    if (study->mechanisms[part].with_count != 0)
      return refuse(c, m, "is made of one that is itself made of others");
  }
  return FR_OK;
}

static enum fr_status check_together(const fr__checked *c, const fr__study_mechanism *m) {
  for (size_t i = 0; i < m->with_count; i++)
    for (size_t k = i + 1; k < m->with_count; k++) {
      const fr__study_mechanism *a = fr__mechanism_part(c->study, m, i);
      const fr__study_mechanism *b = fr__mechanism_part(c->study, m, k);
      const char *why = fr__mechanism_conflict(c->study, a, b);
      char text[256];
      if (why == NULL)
        continue;
      snprintf(text, sizeof text, "is not possible: '%.60s' and '%.60s' %s", a->name,
               b->name, why);
      return refuse(c, m, text);
    }
  return FR_OK;
}

static enum fr_status check_made(const fr__checked *c, const fr__study_mechanism *m) {
  const enum fr_status status = check_with(c, m);
  return status == FR_OK ? check_together(c, m) : status;
}

enum fr_status fr__check_mechanism(const fr__checked *c, size_t i) {
  const fr__study_mechanism *m = &c->study->mechanisms[i];
  if (fr__study_find_mechanism(c->study, m->name) != i)
    return fr__check_refuse(c, m->name, "is the name of two mechanisms");
  if (strcmp(m->name, FR__STUDY_SCRATCH) == 0)
    return fr__check_refuse(c, m->name,
                            "is what every cell is compared with and needs no entry");
  if (strchr(m->name, '+') != NULL)
    return refuse(c, m, "has a '+', which is for pairs");
  if (m->with_count != 0)
    return check_made(c, m);
  enum fr_status status = FR_OK;
  const unsigned sets = fr__mechanism_sets(c->study, m);
  if (sets & FR__SETS_TRANSFER)
    status = check_transfer(c, m);
  if (status == FR_OK)
    status = check_networks(c, m);
  if (status == FR_OK)
    status = fr__check_regime(c, m->epochs, m->patience, m->batch, m->learning_rate);
  if (status == FR_OK)
    status = check_texts(c, m);
  if (status == FR_OK && sets == 0)
    return refuse(c, m, "says nothing that it changes");
  const char *why = fr__mechanism_impossible(sets);
  return status == FR_OK && why != NULL ? refuse(c, m, why) : status;
}
