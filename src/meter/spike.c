/* SPDX-License-Identifier: Apache-2.0 */
/* Spikes while samples come in: bins of the last 90 s, searched every 10 s. */
#include "meter/spike.h"

#include "base/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BIN_S 0.075   /* a bin is closed from there on: at 10 Hz a sample each */
#define KEEP_S 90.0   /* what a search looks at */
#define SEARCH_S 10.0 /* from one search to the next */
#define LONGEST_S 2.0 /* of a bin that is searched */
#define GAP_S 2.0     /* … and of this many bins: the search begins anew */
#define GAP_BINS 8

struct fr_spikes {
  fr_spike_options options;
  fr__bin bin[FR__BINS];
  size_t count;
  fr__bin open;      /* collects samples */
  double open_ws;    /* its energy */
  double last_s;     /* end of the last sample; NAN before the first */
  double searched_s; /* end of the last bin when it was searched */
  bool whole;        /* the first bin is the first there was */
  double from_s;     /* spikes that end in [from, to) are told in this search */
  double to_s;
  double told_s; /* end of the last one told */
  fr__spike_work work;
};

static void forget(fr_spikes *spikes) {
  spikes->count = 0;
  spikes->open = (fr__bin){0};
  spikes->open_ws = 0;
  spikes->last_s = spikes->searched_s = NAN;
  spikes->whole = true;
  spikes->to_s = spikes->told_s = -INFINITY;
}

enum fr_status fr_spikes_new(const fr_spike_options *options, fr_spikes **out,
                             fr_error *err) {
  fr_spikes *spikes = calloc(1, sizeof *spikes);
  if (spikes == NULL)
    return fr__fail_memory(err, "spikes");
  spikes->options = *options;
  forget(spikes);
  *out = spikes;
  return FR_OK;
}

void fr_spikes_free(fr_spikes *spikes) { free(spikes); }

/*
 * The energy is as sure as the sensor, and as the level below it: medians of 3 s on each
 * side, in which noise that lasts a second leaves some six independent values.
 */
static void bound(fr_spike *spike, const fr_spike_options *options) {
  const double level_j = 1.96 * spike->deviation_w / sqrt(6) * spike->duration_s;
  const double half = hypot(options->accuracy * spike->energy.value, level_j);
  spike->energy.low = fmax(spike->energy.value - half, 0);
  spike->energy.high = spike->energy.value + half;
  spike->energy.source = options->source;
}

/* A search sees a spike several times, with more and more behind it; it is told once. */
static void tell(void *self, const fr_spike *spike) {
  fr_spikes *const spikes = self;
  const double end_s = spike->start_s + spike->duration_s;
  if (end_s < spikes->from_s || end_s >= spikes->to_s || spike->start_s < spikes->told_s)
    return;
  spikes->told_s = end_s;
  fr_spike bounded = *spike;
  bound(&bounded, &spikes->options);
  spikes->options.found(spikes->options.self, &bounded);
}

/* Tells the spikes that ended before `to_s` and after what was told of last time, with a
 * second of overlap for edges that moved in between. */
static void search(fr_spikes *spikes, double to_s) {
  if (spikes->count == 0)
    return;
  const fr__bin *const first = &spikes->bin[0], *const last = first + spikes->count - 1;
  spikes->searched_s = last->end_s;
  spikes->from_s = spikes->to_s - 1;
  if (!spikes->whole)
    spikes->from_s = fmax(spikes->from_s, first->start_s + FR__SETTLE_S);
  spikes->to_s = to_s;
  if ((last->end_s - first->start_s) / (double)spikes->count <= LONGEST_S)
    fr__spike_search(spikes->bin, spikes->count, &spikes->work, tell, spikes);
}

static void drop_old(fr_spikes *spikes) {
  const double end_s = spikes->bin[spikes->count - 1].end_s;
  size_t old = 0;
  while (old + FR__BINS / 8 < spikes->count && spikes->bin[old].end_s < end_s - KEEP_S)
    old++;
  if (old == 0 && spikes->count == FR__BINS)
    old = FR__BINS / 8;
  if (old == 0)
    return;
  spikes->count -= old;
  spikes->whole = false;
  memmove(spikes->bin, spikes->bin + old, spikes->count * sizeof *spikes->bin);
}

static void close_bin(fr_spikes *spikes) {
  fr__bin *const open = &spikes->open;
  open->power_w = spikes->open_ws / (open->end_s - open->start_s);
  spikes->bin[spikes->count++] = *open;
  spikes->open_ws = 0;
  *open = (fr__bin){.start_s = open->end_s, .end_s = open->end_s};
  if (isnan(spikes->searched_s))
    spikes->searched_s = spikes->bin[0].start_s;
  if (spikes->bin[spikes->count - 1].end_s >= spikes->searched_s + SEARCH_S ||
      spikes->count == FR__BINS) {
    search(spikes, open->end_s - FR__SETTLE_S);
    drop_old(spikes);
  }
}

/* Longer than samples are here: a suspended machine, a sensor that was away. */
static bool is_gap(const fr_spikes *spikes, double span_s) {
  if (spikes->count == 0)
    return false;
  const double mean_s = (spikes->bin[spikes->count - 1].end_s - spikes->bin[0].start_s) /
                        (double)spikes->count;
  return span_s > fmax(GAP_S, GAP_BINS * mean_s);
}

void fr_spikes_add(fr_spikes *spikes, double t_s, double power_w) {
  if (!isfinite(t_s) || (!isnan(spikes->last_s) && !(t_s > spikes->last_s)))
    return;
  if (!isnan(spikes->last_s) && is_gap(spikes, t_s - spikes->last_s))
    fr_spikes_end(spikes);
  if (isnan(spikes->last_s)) {
    spikes->last_s = t_s;
    spikes->open = (fr__bin){.start_s = t_s, .end_s = t_s};
    return;
  }
  if (!isfinite(power_w))
    return; /* the next one stands for this time too */
  fr__bin *const open = &spikes->open;
  const bool first = spikes->open_ws == 0 && open->end_s <= open->start_s;
  open->peak_w = first ? power_w : fmax(open->peak_w, power_w);
  spikes->open_ws += power_w * (t_s - spikes->last_s);
  open->end_s = spikes->last_s = t_s;
  if (open->end_s - open->start_s >= BIN_S)
    close_bin(spikes);
}

void fr_spikes_end(fr_spikes *spikes) {
  search(spikes, INFINITY);
  forget(spikes);
}

/* ---- of an array ---- */

typedef struct list {
  fr_spike *spike;
  size_t count, room;
  bool failed;
} list;

static void append(void *self, const fr_spike *spike) {
  list *const all = self;
  if (all->count == all->room && !all->failed) {
    const size_t room = all->room > 0 ? 2 * all->room : 16;
    fr_spike *grown = realloc(all->spike, room * sizeof *grown);
    all->failed = grown == NULL;
    all->spike = grown != NULL ? grown : all->spike;
    all->room = grown != NULL ? room : all->room;
  }
  if (!all->failed)
    all->spike[all->count++] = *spike;
}

enum fr_status fr_spikes_find(const double *t_s, const double *power_w, size_t n,
                              enum fr_source source, double accuracy, fr_spike **spike,
                              size_t *count, fr_error *err) {
  list all = {0};
  const fr_spike_options options = {source, accuracy, append, &all};
  fr_spikes *spikes = NULL;
  const enum fr_status status = fr_spikes_new(&options, &spikes, err);
  if (status != FR_OK)
    return status;
  for (size_t i = 0; i < n; i++)
    fr_spikes_add(spikes, t_s[i], power_w[i]);
  fr_spikes_end(spikes);
  fr_spikes_free(spikes);
  if (all.failed) {
    free(all.spike);
    return fr__fail_memory(err, "spikes");
  }
  *spike = all.spike;
  *count = all.count;
  return FR_OK;
}
