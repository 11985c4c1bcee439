/* SPDX-License-Identifier: Apache-2.0 */
#include "data/made.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"

#define MOVES 0.5    /* palms: less is a held shape */
#define MIXED 3      /* as many signs' mean is a hand at rest */
#define LOWERED 0.3  /* of the picture: the most that a resting hand lies lower */
#define NOTHING 0.25 /* of rests: no hand is there at all */

/* ---- draws ---- */

double fr__draw_between(fr__maker *m, double low, double high) {
  return low + (high - low) * fr__rng_uniform(&m->rng);
}

const fr_record *fr__draw_sign(fr__maker *m) {
  return &m->data->record[m->source[fr__rng_below(&m->rng, m->count)].record];
}

const fr_record *fr__draw_other(fr__maker *m, const fr_record *a) {
  const size_t from = fr__rng_below(&m->rng, m->count);
  for (size_t i = 0; i < m->count; i++) {
    const fr_record *const r = &m->data->record[m->source[(from + i) % m->count].record];
    if (r->activity != a->activity)
      return r;
  }
  return a;
}

const fr_record *fr__draw_moving(fr__maker *m) {
  const size_t from = fr__rng_below(&m->rng, m->count);
  for (size_t i = 0; i < m->count; i++) {
    const fr__source *const s = &m->source[(from + i) % m->count];
    if (s->moves)
      return &m->data->record[s->record];
  }
  return NULL;
}

/* Each finger has its own length of what it had, around that of all. */
static void bend(fr__maker *m, float *frame) {
  const double all = fr__draw_between(m, 0.3, 0.8);
  double length[FR__FINGERS];
  for (size_t f = 0; f < FR__FINGERS; f++)
    length[f] = all * fr__draw_between(m, 0.7, 1.2);
  fr__body_bend(&m->body, length, frame);
}

/* The mean of up to three signs' frames. That of three is the shape of none; that of one
 * or two, whose shape may be a sign's, has bent fingers. */
void fr__draw_rest(fr__maker *m) {
  const size_t size = m->body.width * sizeof *m->rest;
  const fr_record *r = fr__draw_sign(m);
  memcpy(m->rest, fr__made_any(m, r), size);
  if (fr__rng_uniform(&m->rng) < NOTHING) {
    fr__body_away(&m->body, m->rest);
    return;
  }
  const size_t mixed = 1 + fr__rng_below(&m->rng, MIXED);
  for (size_t i = 1; i < mixed; i++) {
    r = fr__draw_other(m, r);
    memcpy(m->spare, m->rest, size);
    fr__body_between(&m->body, m->spare, fr__made_any(m, r), 1 / (double)(i + 1),
                     m->rest);
  }
  if (mixed < MIXED || fr__rng_below(&m->rng, 2) == 0)
    bend(m, m->rest);
  fr__body_lower(&m->body, m->rest, fr__draw_between(m, 0, LOWERED));
}

/* ---- pieces ---- */

const float *fr__made_frame(const fr__maker *m, const fr_record *r, size_t t) {
  return r->values + (t < r->steps ? t : r->steps - 1) * m->body.width;
}

const float *fr__made_any(fr__maker *m, const fr_record *r) {
  return fr__made_frame(m, r, fr__rng_below(&m->rng, r->steps));
}

size_t fr__made_part(size_t steps, double share) {
  const size_t n = (size_t)(share * (double)steps + 0.5);
  return n < 1 ? 1 : n > steps ? steps : n;
}

void fr__made_copy(const fr__maker *m, const fr_record *r, size_t from, size_t steps,
                   float *out) {
  for (size_t t = 0; t < steps; t++)
    memcpy(out + t * m->body.width, fr__made_frame(m, r, from + t),
           m->body.width * sizeof *out);
}

void fr__made_hold(fr__maker *m, const float *frame, size_t steps, float *out) {
  const fr_record *const r = fr__draw_sign(m);
  const size_t from = fr__rng_below(&m->rng, r->steps);
  for (size_t t = 0; t < steps; t++) {
    float *const at = out + t * m->body.width;
    memcpy(at, frame, m->body.width * sizeof *at);
    fr__body_tremble(&m->body, r->values, r->steps, (from + t) % r->steps, at);
  }
}

void fr__made_move(const fr__maker *m, const float *from, const float *to, size_t steps,
                   size_t first, size_t count, float *out) {
  for (size_t t = 0; t < count; t++) {
    const double s = (double)(first + t + 1) / (double)(steps + 1);
    fr__body_between(&m->body, from, to, s * s * (3 - 2 * s), out + t * m->body.width);
  }
}

/* ---- who lends: signs of a person that have the same trials ---- */

static bool is_sign(const fr__maker *m, const fr_record *r, uint32_t subject) {
  return r->subject == subject && r->activity != FR_NONE && r->activity != m->no_sign &&
         r->steps > 0;
}

/* How often each trial occurs with each activity of a person. */
static void count_trials(fr__maker *m, uint32_t subject) {
  const size_t trials = m->data->trials.count;
  memset(m->times, 0, m->data->activities.count * trials * sizeof *m->times);
  for (size_t i = 0; i < m->data->count; i++) {
    const fr_record *const r = &m->data->record[i];
    if (is_sign(m, r, subject))
      m->times[r->activity * trials + r->trial]++;
  }
}

static bool same_trials(const uint32_t *a, const uint32_t *b, size_t trials) {
  for (size_t i = 0; i < trials; i++)
    if ((a[i] > 0) != (b[i] > 0))
      return false;
  return true;
}

/* The activities that share their trials with the most others: none, where the person has
 * no sign. */
static void choose_lenders(fr__maker *m) {
  const size_t n = m->data->activities.count, trials = m->data->trials.count;
  m->lenders = 0;
  for (size_t a = 0; a < n; a++) {
    const uint32_t *const mine = m->times + a * trials;
    size_t equal = 0, occurs = 0;
    for (size_t t = 0; t < trials; t++)
      occurs += mine[t];
    for (size_t b = 0; occurs > 0 && b < n; b++)
      equal += same_trials(mine, m->times + b * trials, trials);
    if (equal <= m->lenders)
      continue;
    m->lenders = equal;
    for (size_t b = 0; b < n; b++)
      m->lends[b] = same_trials(mine, m->times + b * trials, trials);
  }
}

/* Those of one person and trial that lend. */
static void gather(fr__maker *m, uint32_t subject, uint32_t trial) {
  m->count = 0;
  for (size_t i = 0; i < m->data->count; i++) {
    const fr_record *const r = &m->data->record[i];
    if (!is_sign(m, r, subject) || r->trial != trial || !m->lends[r->activity])
      continue;
    const bool moves = fr__body_movement(&m->body, r->values, r->steps) >= MOVES;
    m->source[m->count++] = (fr__source){(uint32_t)i, moves};
  }
}

/* By name: of a part of the people and trials the same is made. */
static void seed_trial(fr__maker *m, const char *subject, const char *trial) {
  fr__hash hash;
  fr__hash_init(&hash, m->seed);
  fr__hash_add(&hash, subject, strlen(subject) + 1);
  fr__hash_add(&hash, trial, strlen(trial) + 1);
  fr__rng_init(&m->rng, fr__hash_value(&hash), m->stream);
}

enum fr_status fr__maker_each(fr__maker *m,
                              enum fr_status (*make)(fr__maker *m, void *self,
                                                     fr_error *err),
                              void *self, fr_error *err) {
  enum fr_status status = FR_OK;
  for (uint32_t s = 0; s < m->data->subjects.count; s++) {
    count_trials(m, s);
    choose_lenders(m);
    for (uint32_t t = 0; m->lenders > 0 && t < m->data->trials.count; t++) {
      gather(m, s, t);
      seed_trial(m, m->data->subjects.name[s], m->data->trials.name[t]);
      if (status == FR_OK && m->count > 0)
        status = make(m, self, err);
    }
  }
  return status;
}

/* ---- life ---- */

static enum fr_status check(fr__maker *m, const char *key, fr_error *err) {
  const fr_dataset *const data = m->data;
  if (data->rate_hz <= 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "%s: '%s' has single frames, not sequences",
                    key, data->spec);
  if (!fr__body_of(data->channels.count, &m->body))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "%s: %zu numbers are no layout of key points (42, 63, 126, 258 or "
                    "1662)",
                    key, data->channels.count);
  for (size_t i = 0; i < data->count; i++)
    if (data->record[i].trial == FR_NONE)
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "%s: '%s' has no trials, which a made record inherits", key,
                      data->spec);
  return FR_OK;
}

static enum fr_status reserve(fr__maker *m, fr_error *err) {
  const fr_dataset *const data = m->data;
  size_t cells = 0;
  if (__builtin_mul_overflow(data->activities.count + 1, data->trials.count + 1, &cells))
    return fr__fail_memory(err, "trials");
  m->times = calloc(cells, sizeof *m->times);
  m->lends = calloc(data->activities.count + 1, sizeof *m->lends);
  m->source = calloc(data->count + 1, sizeof *m->source);
  m->rest = calloc(2 * m->body.width, sizeof *m->rest);
  if (m->times == NULL || m->lends == NULL || m->source == NULL || m->rest == NULL)
    return fr__fail_memory(err, "made records");
  m->spare = m->rest + m->body.width;
  return FR_OK;
}

static enum fr_status copy_names(const fr_dataset *from, fr_dataset *to, fr_error *err) {
  enum fr_status status = fr__names_copy(&from->channels, &to->channels, err);
  if (status == FR_OK)
    status = fr__names_copy(&from->subjects, &to->subjects, err);
  if (status == FR_OK)
    status = fr__names_copy(&from->trials, &to->trials, err);
  if (status == FR_OK)
    status = fr__names_copy(&from->activities, &to->activities, err);
  return status;
}

static enum fr_status copy_records(fr__maker *m, fr_error *err) {
  const fr_dataset *const data = m->data;
  enum fr_status status = FR_OK;
  for (size_t i = 0; status == FR_OK && i < data->count; i++) {
    const fr_record *const r = &data->record[i];
    float *const room = fr__builder_room(&m->builder, r->steps, err);
    if (room == NULL)
      return FR_ERR_MEMORY;
    memcpy(room, r->values, r->steps * data->channels.count * sizeof *room);
    status = fr__builder_add(&m->builder, r, NULL, err);
  }
  return status;
}

enum fr_status fr__maker_init(fr__maker *m, const fr_dataset *data, const char *key,
                              uint64_t seed, uint64_t stream, fr_error *err) {
  *m = (fr__maker){.data = data, .seed = seed, .stream = stream};
  m->no_sign = fr__names_find(&data->activities, FR_NO_SIGN, strlen(FR_NO_SIGN));
  enum fr_status status = check(m, key, err);
  if (status == FR_OK)
    status = reserve(m, err);
  if (status == FR_OK)
    status = fr__builder_init(&m->builder, data->kind, data->split, data->spec,
                              data->rate_hz, err);
  if (status == FR_OK) {
    m->builder.data->window = data->window;
    status = copy_names(data, m->builder.data, err);
  }
  if (status == FR_OK)
    status = copy_records(m, err);
  if (status != FR_OK)
    fr__maker_release(m);
  return status;
}

void fr__maker_release(fr__maker *m) {
  fr__builder_release(&m->builder);
  free(m->times);
  free(m->lends);
  free(m->source);
  free(m->rest);
  *m = (fr__maker){0};
}

enum fr_status fr__maker_finish(fr__maker *m, fr_dataset **data, fr_error *err) {
  fr_dataset *made = NULL;
  const enum fr_status status = fr__builder_finish(&m->builder, &made, err);
  if (status != FR_OK)
    return status;
  fr_data_free(*data);
  *data = made;
  return FR_OK;
}
