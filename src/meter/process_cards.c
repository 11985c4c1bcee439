/* SPDX-License-Identifier: Apache-2.0 */
#include "meter/process_cards.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "frugal/power.h"
#include "meter/processes.h"

#define LOOK_S 0.095   /* cards are asked no sooner */
#define FIND_S 1.0     /* files that are open are looked through */
#define FINDS 16       /* processes at a time: the program's, … */
#define OTHERS 4       /* … and in turn all others */
#define FIRST 256      /* at the start */
#define WAIT_S 2.0     /* drivers tell late: so long energy waits for who it was */
#define WINDOW_S 0.5   /* a mean power is one from here on */
#define IDLE_BAND 0.10 /* of a card at rest: assumed */

fr__cards *fr__cards_new(const char *root) {
  fr__cards *cards = calloc(1, sizeof *cards);
  if (cards == NULL)
    return NULL;
  cards->found_s = -FIND_S;
  if (root[0] == '\0')
    cards->nvml = fr__gpu_nvml_new();
  cards->drm = fr__gpu_drm_new(root);
  return cards;
}

void fr__cards_free(fr__cards *cards) {
  if (cards == NULL)
    return;
  fr__gpu_nvml_free(cards->nvml);
  fr__gpu_drm_free(cards->drm);
  free(cards);
}

bool fr__cards_are_there(const fr__cards *cards) {
  return cards->nvml != NULL || cards->count > 0;
}

static fr__card *card_of(fr__cards *cards, const char *name) {
  for (size_t i = 0; i < cards->count; i++)
    if (strcmp(cards->card[i].name, name) == 0)
      return &cards->card[i];
  if (cards->count == FR__CARDS)
    return NULL;
  fr__card *card = &cards->card[cards->count++];
  strncpy(card->name, name, sizeof card->name - 1);
  card->idle_known = fr__gpu_nvml_idle(cards->nvml, name, &card->idle_w);
  return card;
}

/* ---- energy ---- */

void fr_processes_cards(fr_processes *p, const fr_card_energy *card, size_t count) {
  if (p == NULL)
    return;
  pthread_mutex_lock(&p->lock);
  for (size_t i = 0; i < count; i++) {
    fr__card *known = card_of(p->cards, card[i].card);
    if (known == NULL || !isfinite(card[i].energy_j))
      continue;
    known->told_j = fmax(known->told_j, card[i].energy_j);
    p->cards->told = true;
  }
  pthread_mutex_unlock(&p->lock);
}

double fr__cards_collect(fr__cards *cards, double span_s, double energy_j) {
  double sum_j = 0, taken_j = 0;
  for (size_t i = 0; i < cards->count; i++)
    sum_j += cards->card[i].told_j - cards->card[i].energy_j;
  const double part = sum_j > energy_j ? energy_j / sum_j : 1;
  for (size_t i = 0; i < cards->count; i++) {
    fr__card *card = &cards->card[i];
    const double step_j = (card->told_j - card->energy_j) * part;
    card->energy_j += step_j;
    card->pending_j += step_j;
    card->pending_s += span_s;
    taken_j += step_j;
  }
  return fmin(taken_j, energy_j);
}

double fr__cards_waiting_j(const fr__cards *cards) {
  double sum_j = 0;
  for (size_t i = 0; i < cards->count; i++)
    sum_j += cards->card[i].pending_j;
  return sum_j;
}

/* ---- use ---- */

static void take(void *self, const fr__gpu_use *use) {
  fr__cards *cards = self;
  fr__card *card = card_of(cards, use->card);
  if (card == NULL)
    return;
  card->answered = true;
  if (use->pid <= 0 || cards->uses == FR__CARD_USES)
    return;
  cards->use[cards->uses++] = (fr__card_use){.card = (size_t)(card - cards->card),
                                             .pid = use->pid,
                                             .gpu_s = use->gpu_s,
                                             .weight_s = use->weight_s,
                                             .even = use->even};
}

/* Whose row it is; of one that ended, its line; else all others'. */
static fr__share *share_of(fr_processes *p, int64_t pid, bool *of_program) {
  fr__process *row = fr__process_find(&p->table, pid);
  if (row != NULL) {
    *of_program = row->of_program;
    return &row->share;
  }
  if (pid == p->tree.root) {
    *of_program = true;
    return &p->root.share;
  }
  for (size_t i = p->count; i-- > 0;)
    if (p->ended[i].pid == pid) {
      *of_program = p->ended[i].of_program;
      return &p->ended[i].share;
    }
  *of_program = false;
  return &p->other.share;
}

/* What a card drew above its power at rest in what waits, and all weights. */
static fr__dynamic dynamic_of(const fr__card *card, double weight_s, bool charge_idle) {
  const double mean_w = card->pending_s > 0 ? card->pending_j / card->pending_s : 0;
  const double most_w = card->idle_known    ? card->idle_w * (1 + IDLE_BAND)
                        : card->least_w > 0 ? card->least_w
                                            : mean_w;
  const double idle_w = card->idle_known ? card->idle_w : 0;
  fr__dynamic d = {card->pending_j, card->pending_j, card->pending_j, weight_s};
  if (charge_idle)
    return d;
  d.energy_j = fmax(card->pending_j - idle_w * card->pending_s, 0);
  d.low_j = fmax(card->pending_j - most_w * card->pending_s, 0);
  d.high_j = fmax(card->pending_j - idle_w * (1 - IDLE_BAND) * card->pending_s, 0);
  return d;
}

static bool is_of_kernel(const fr__card *card) {
  return strncmp(card->name, "nvml:", 5) != 0;
}

static double accuracy_of(const fr__card *card) {
  return fr_sensor_accuracy(is_of_kernel(card) ? FR_SOURCE_HWMON : FR_SOURCE_NVML, NULL);
}

/* An even part may be nothing, and may be all. */
static void give(fr__share *share, const fr__card_use *use, const fr__dynamic *d,
                 double accuracy) {
  const double part = use->weight_s / d->due_s;
  const bool alone = part >= 1;
  share->energy_j += d->energy_j * part;
  share->card_j += d->energy_j * part;
  share->card_low_j += use->even && !alone ? 0 : d->low_j * part * (1 - accuracy);
  share->card_high_j += d->high_j * (use->even ? 1 : part) * (1 + accuracy);
  share->mixed_j += use->even ? 0 : d->energy_j * part * (1 - part);
}

static void add_rest(fr__cards *cards, const fr__card *card, const fr__dynamic *d) {
  const double accuracy = accuracy_of(card);
  cards->rest_j += card->pending_j - d->energy_j;
  cards->rest_low_j += (card->pending_j - d->high_j) * (1 - accuracy);
  cards->rest_high_j += (card->pending_j - d->low_j) * (1 + accuracy);
}

static void clear(fr__card *card) { card->pending_j = card->pending_s = 0; }

/* Nobody used it: so much it draws at rest. Where it did not answer, that is not known.
 */
static void settle_unused(fr__cards *cards, fr__card *card) {
  const double mean_w = card->pending_j / card->pending_s;
  const fr__dynamic none = {0};
  if (card->answered && mean_w > 0) {
    card->idle_w = card->idle_known ? fmin(card->idle_w, mean_w) : mean_w;
    card->idle_known = true;
  }
  add_rest(cards, card, &none);
  clear(card);
}

static void settle_used(fr_processes *p, fr__card *card, double weight_s) {
  fr__cards *cards = p->cards;
  const size_t number = (size_t)(card - cards->card);
  const double mean_w = card->pending_s > 0 ? card->pending_j / card->pending_s : 0;
  if (card->pending_s >= WINDOW_S)
    card->least_w = card->least_w > 0 ? fmin(card->least_w, mean_w) : mean_w;
  const fr__dynamic d = dynamic_of(card, weight_s, p->options.charge_idle);
  double program_s = 0;
  for (size_t i = 0; i < cards->uses; i++) {
    const fr__card_use *use = &cards->use[i];
    bool of_program;
    if (use->card != number)
      continue;
    give(share_of(p, use->pid, &of_program), use, &d, accuracy_of(card));
    program_s += of_program ? use->weight_s : 0;
    cards->even |= use->even && d.energy_j > 0;
  }
  p->mixed_j += d.energy_j * (program_s / weight_s) * (1 - program_s / weight_s);
  add_rest(cards, card, &d);
  clear(card);
}

static void settle(fr_processes *p) {
  fr__cards *cards = p->cards;
  for (size_t i = 0; i < cards->count; i++) {
    fr__card *card = &cards->card[i];
    double weight_s = 0;
    for (size_t u = 0; u < cards->uses; u++)
      weight_s += cards->use[u].card == i ? cards->use[u].weight_s : 0;
    if (weight_s > 0)
      settle_used(p, card, weight_s);
    else if (card->pending_s >= WAIT_S)
      settle_unused(cards, card);
  }
}

/* ---- a step ---- */

static void find_programs(fr_processes *p, bool first) {
  size_t found = 0;
  for (size_t i = 0; i < p->table.count && (first || found < FINDS); i++) {
    const fr__process *row = &p->table.row[i];
    if (row->of_program && !row->gone && (first || row->rested < 16)) {
      fr__gpu_drm_find(p->cards->drm, row->pid, !first);
      found++;
    }
  }
}

/* Who else uses the card has a part of it, too. What they used before they were found is
 * not told. */
static void find_others(fr_processes *p, size_t most) {
  const size_t count = p->table.count;
  for (size_t i = 0; i < count && i < most; i++) {
    const fr__process *row = &p->table.row[p->cards->turn++ % count];
    if (!row->of_program && !row->gone)
      fr__gpu_drm_find(p->cards->drm, row->pid, false);
  }
}

/* What was open before metering began is known from the first step on. */
static void find_files(fr_processes *p, double t_s) {
  const bool first = p->cards->found_s < 0;
  find_programs(p, first);
  find_others(p, first ? FIRST : OTHERS);
  p->cards->found_s = t_s;
}

static void count_uses(fr_processes *p) {
  for (size_t i = 0; i < p->cards->uses; i++) {
    bool of_program;
    fr__share *share = share_of(p, p->cards->use[i].pid, &of_program);
    share->gpu_s += p->cards->use[i].gpu_s;
    share->gpu_step_s += p->cards->use[i].gpu_s;
  }
}

void fr__cards_step(fr_processes *p, double t_s) {
  fr__cards *cards = p->cards;
  if (cards->drm == NULL && !fr__cards_are_there(cards))
    return;
  if (cards->drm != NULL && t_s - cards->found_s >= FIND_S)
    find_files(p, t_s);
  if (t_s - cards->looked_s < LOOK_S)
    return;
  cards->looked_s = t_s;
  cards->uses = 0;
  for (size_t i = 0; i < cards->count; i++)
    /* files that nobody has open are no use */
    cards->card[i].answered = cards->drm != NULL && is_of_kernel(&cards->card[i]);
  if (cards->nvml != NULL)
    fr__gpu_nvml_look(cards->nvml, t_s, take, cards);
  if (cards->drm != NULL)
    fr__gpu_drm_look(cards->drm, t_s, take, cards);
  count_uses(p);
  settle(p);
}
