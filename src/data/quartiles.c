/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Order statistics of channels that are only read: each pass counts the next digit of
 * those values whose digits before it are right, so that after three passes the value of
 * a rank is known to its last bit (radix selection, most significant digit first).
 */
#include "data/normalize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { DIGITS = 3, QUARTILES = 3, RANKS = 2 * QUARTILES };
enum { BUCKETS = 2048 }; /* of a digit of 11 bits */
enum { TOGETHER = 16 };  /* channels in one walk: 1.5 MB of counts */

static const unsigned digit_bits[DIGITS] = {11, 11, 10};
static const unsigned digit_shift[DIGITS] = {21, 10, 0};

typedef struct selection { /* of one channel */
  uint64_t count;          /* values */
  uint64_t rank[RANKS];    /* among those that begin with its prefix */
  size_t slot[RANKS];      /* of its prefix */
  size_t slots;
  uint64_t prefix[RANKS]; /* digits that are known, each once */
  uint64_t *tally;        /* (RANKS, BUCKETS): the next digit behind each prefix */
} selection;

typedef struct walk {
  size_t first, channels; /* of these */
  unsigned digit;
  selection channel[TOGETHER];
} walk;

/* Bits whose order as numbers is that of the floats. */
static uint64_t key_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits ^ ((bits >> 31) != 0 ? UINT32_MAX : UINT32_C(0x80000000));
}

static float value_of(uint64_t key) {
  const uint32_t low = (uint32_t)key;
  const uint32_t bits = low ^ ((low >> 31) != 0 ? UINT32_C(0x80000000) : UINT32_MAX);
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static void add_row(void *self, const float *values) {
  walk *w = self;
  const unsigned shift = digit_shift[w->digit], bits = digit_bits[w->digit];
  for (size_t c = 0; c < w->channels; c++) {
    const float x = values[w->first + c];
    selection *s = &w->channel[c];
    if (!isfinite(x))
      continue;
    const uint64_t key = key_of(x), before = key >> (shift + bits);
    for (size_t i = 0; i < s->slots; i++)
      if (s->prefix[i] == before) {
        s->tally[i * BUCKETS + ((key >> shift) & ((1u << bits) - 1))]++;
        break;
      }
  }
}

/* Ranks of the values around each quartile: of n values it stands at (n - 1) q. */
static void ask(selection *s) {
  for (size_t k = 0; k < BUCKETS; k++)
    s->count += s->tally[k];
  for (size_t q = 0; q < QUARTILES; q++) {
    const uint64_t at = s->count > 0 ? (s->count - 1) * (q + 1) / 4 : 0;
    s->rank[2 * q] = at;
    s->rank[2 * q + 1] = at + 1 < s->count ? at + 1 : at;
  }
}

/* The digit in which each rank lies becomes part of its prefix. */
static void narrow(selection *s, unsigned bits) {
  uint64_t prefix[RANKS];
  for (size_t r = 0; r < RANKS; r++) {
    const uint64_t *tally = s->tally + s->slot[r] * BUCKETS;
    size_t k = 0;
    while (k + 1 < BUCKETS && s->rank[r] >= tally[k])
      s->rank[r] -= tally[k++];
    prefix[r] = s->prefix[s->slot[r]] << bits | k;
  }
  s->slots = 0;
  for (size_t r = 0; r < RANKS; r++) { /* ranks rise, and so do prefixes */
    if (r == 0 || prefix[r] != prefix[r - 1])
      s->prefix[s->slots++] = prefix[r];
    s->slot[r] = s->slots - 1;
  }
}

static void interpolate(const selection *s, double *quartiles) {
  for (size_t q = 0; q < QUARTILES; q++) {
    const double low = value_of(s->prefix[s->slot[2 * q]]);
    const double high = value_of(s->prefix[s->slot[2 * q + 1]]);
    const double part = (double)((s->count - 1) * (q + 1) % 4) / 4;
    quartiles[q] = s->count > 0 ? low + part * (high - low) : (double)NAN;
  }
}

static void select_some(const fr__training *training, walk *w, double *quartiles) {
  for (size_t c = 0; c < w->channels; c++)
    w->channel[c] = (selection){.slots = 1, .tally = w->channel[c].tally};
  for (w->digit = 0; w->digit < DIGITS; w->digit++) {
    for (size_t c = 0; c < w->channels; c++)
      memset(w->channel[c].tally, 0, RANKS * BUCKETS * sizeof *w->channel[c].tally);
    fr__training_each(training, add_row, w);
    for (size_t c = 0; c < w->channels; c++) {
      if (w->digit == 0)
        ask(&w->channel[c]);
      narrow(&w->channel[c], digit_bits[w->digit]);
    }
  }
  for (size_t c = 0; c < w->channels; c++)
    interpolate(&w->channel[c], quartiles + (w->first + c) * QUARTILES);
}

enum fr_status fr__quartiles(const fr__training *training, double *quartiles,
                             fr_error *err) {
  const size_t channels = training->windows->data->channels.count;
  const size_t together = channels < TOGETHER ? channels : TOGETHER;
  uint64_t *tally = malloc((together * RANKS * BUCKETS + 1) * sizeof *tally);
  walk *w = calloc(1, sizeof *w);
  if (tally == NULL || w == NULL) {
    free(tally);
    free(w);
    return fr__fail_memory(err, "quartiles");
  }
  for (size_t c = 0; c < together; c++)
    w->channel[c].tally = tally + c * RANKS * BUCKETS;
  for (; w->first < channels; w->first += together) {
    const size_t left = channels - w->first;
    w->channels = left < together ? left : together;
    select_some(training, w, quartiles);
  }
  free(tally);
  free(w);
  return FR_OK;
}
