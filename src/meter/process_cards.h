/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The books of cards: what they drew beside the machine, and whose it was. Of each card's
 * energy above its power at rest a process has the part that its GPU time is of all GPU
 * time there; what is left is nobody's.
 */
#ifndef FR_METER_PROCESS_CARDS_H
#define FR_METER_PROCESS_CARDS_H

#include "frugal/base.h"
#include "meter/process_gpu.h"

#define FR__CARDS 64
#define FR__CARD_USES 1024 /* in one look; of more, the first */

/* A card whose energy is told, or that was used. */
typedef struct fr__card {
  char name[FR__CARD];
  double told_j;               /* energy so far, as the meter tells it … */
  double energy_j;             /* … and of it, what was taken up */
  double pending_j, pending_s; /* waits to be shared */
  bool idle_known;
  double idle_w;  /* while nobody used it, the least that was seen */
  double least_w; /* in use, the least that was seen; 0: not seen */
  bool answered;  /* in this look */
} fr__card;

typedef struct fr__card_use {
  size_t card;
  int64_t pid;
  double gpu_s, weight_s;
  bool even;
} fr__card_use;

typedef struct fr__cards {
  fr__gpu_nvml *nvml; /* NULL: none */
  fr__gpu_drm *drm;   /* NULL: none */
  fr__card card[FR__CARDS];
  size_t count;
  bool told; /* the meter counts cards by themselves */
  bool even; /* some energy was shared evenly */
  fr__card_use use[FR__CARD_USES];
  size_t uses;
  double looked_s, found_s;
  size_t turn;                            /* whose files are looked through next */
  double rest_j, rest_low_j, rest_high_j; /* nobody's */
} fr__cards;

struct fr_processes;

/* NULL: out of memory. Cards are looked for on this machine, or below the tree's root. */
fr__cards *fr__cards_new(const char *root);
void fr__cards_free(fr__cards *cards);

/* Of a step's energy the cards' part, which waits for fr__cards_step; at most all. */
double fr__cards_collect(fr__cards *cards, double span_s, double energy_j);

/* Who used them since the step before; shares out what waits. */
void fr__cards_step(struct fr_processes *processes, double t_s);

/* Energy that is nobody's: shared out to none so far. */
double fr__cards_waiting_j(const fr__cards *cards);

/* A card that tells its energy or who uses it. */
bool fr__cards_are_there(const fr__cards *cards);

#endif
