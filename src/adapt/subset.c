/* SPDX-License-Identifier: Apache-2.0 */
#include "adapt/subset.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

void fr__subset_release(fr_samples *subset) {
  free(subset->x);
  free(subset->label);
  free(subset->value);
  free(subset->length);
  *subset = (fr_samples){0};
}

static bool reserve(fr_samples *s, const fr_samples *from) {
  const size_t most = from->count + 1; /* calloc(0) may be NULL */
  s->x = calloc(most, sizeof *s->x);
  s->label = from->label != NULL ? calloc(most, sizeof *s->label) : NULL;
  s->value =
      from->value != NULL ? calloc(most, (s->values + 1) * sizeof *s->value) : NULL;
  s->length = from->length != NULL ? calloc(most, sizeof *s->length) : NULL;
  return s->x != NULL && (from->label != NULL) == (s->label != NULL) &&
         (from->value != NULL) == (s->value != NULL) &&
         (from->length != NULL) == (s->length != NULL);
}

static void add(fr_samples *s, const fr_samples *from, size_t i) {
  const size_t k = s->values;
  s->x[s->count] = from->x[i];
  if (s->label != NULL)
    s->label[s->count] = from->label[i];
  if (s->value != NULL)
    memcpy(s->value + s->count * k, from->value + i * k, k * sizeof *s->value);
  if (s->length != NULL)
    s->length[s->count] = from->length[i];
  s->count++;
}

enum fr_status fr__subset_init(fr_samples *out, const fr_samples *from, const bool *mark,
                               bool want, fr_error *err) {
  fr_samples s = {
      .steps = from->steps, .channels = from->channels, .values = from->values};
  if (!reserve(&s, from)) {
    fr__subset_release(&s);
    return fr__fail_memory(err, "a part of the samples");
  }
  for (size_t i = 0; i < from->count; i++)
    if (mark[i] == want)
      add(&s, from, i);
  *out = s;
  return FR_OK;
}
