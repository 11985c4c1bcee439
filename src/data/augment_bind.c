/* SPDX-License-Identifier: Apache-2.0 */
/* What channels mean, by their names, and what the normaliser did to them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/augment.h"
#include "data/reader.h"

void fr_augment_release(fr_augment *augment) {
  fr_augment_layout *l = augment->layout;
  if (l != NULL) {
    free(l->shift);
    free(l->scale);
    free(l->inverse);
    free(l->absent);
    free(l->vector);
    free(l->other);
    free(l->point);
    free(l->feature);
  }
  free(l);
  augment->layout = NULL;
}

/* ---- the normaliser ---- */

static void take_normalizer(fr_augment_layout *l, const fr_normalizer *n) {
  const bool plain = n->how == FR_NORMALIZE_NONE || n->how == FR_NORMALIZE_WINDOW;
  l->how = n->how;
  for (size_t c = 0; c < l->channels; c++) {
    l->shift[c] = plain ? 0 : n->shift[c];
    l->scale[c] = plain && n->scale[c] > 0 ? 1 : n->scale[c];
    l->inverse[c] = l->scale[c] > 0 ? 1 / l->scale[c] : 0;
  }
}

/* A key point that was not found is 0, which the normaliser moved as it moves any number;
 * elsewhere what is missing became 0, or the mean where nothing is moved. */
static void take_absent(fr_augment_layout *l, const fr_normalizer *n) {
  for (size_t c = 0; c < l->channels; c++)
    if (l->points > 0 || l->features > 0)
      l->absent[c] = (0 - l->shift[c]) * l->scale[c];
    else if (n->how == FR_NORMALIZE_NONE && l->scale[c] > 0)
      l->absent[c] = n->shift[c];
}

/* ---- vectors ---- */

static const char *const angles[3] = {"attitude.roll", "attitude.pitch", "attitude.yaw"};

/* "gravity.x": the component, and how many bytes stand before its letter; 3: none. */
static size_t component(const char *name, size_t *stem) {
  const size_t length = strlen(name);
  if (length < 3 || (name[length - 2] != '.' && name[length - 2] != '_'))
    return 3;
  *stem = length - 1;
  const char letter = name[length - 1];
  return letter >= 'x' && letter <= 'z' ? (size_t)(letter - 'x') : 3;
}

/* The channel of the same stem with another letter; FR_NONE: there is none. */
static uint32_t sibling(const fr_names *channels, const char *name, size_t stem,
                        size_t i) {
  for (size_t c = 0; c < channels->count; c++) {
    const char *other = channels->name[c];
    if (strncmp(other, name, stem) == 0 && other[stem] == (char)('x' + (char)i) &&
        other[stem + 1] == '\0')
      return (uint32_t)c;
  }
  return FR_NONE;
}

/* The vector whose x is channel c. */
static bool find_vector(const fr_augment_layout *l, const fr_names *channels, size_t c,
                        fr__augment_vector *out) {
  size_t stem;
  if (component(channels->name[c], &stem) != 0)
    return false;
  for (size_t i = 0; i < 3; i++) {
    const uint32_t at = sibling(channels, channels->name[c], stem, i);
    if (at == FR_NONE)
      return false;
    out->channel[i] = at;
    out->shift[i] = l->shift[at];
    out->scale[i] = l->scale[at];
  }
  return true;
}

static bool is_of_vector(const fr_augment_layout *l, size_t c) {
  for (size_t v = 0; v < l->vectors; v++)
    for (size_t i = 0; i < 3; i++)
      if (l->vector[v].channel[i] == c)
        return true;
  return false;
}

static void find_vectors(fr_augment_layout *l, const fr_names *channels) {
  for (size_t i = 0; i < 3; i++)
    l->attitude[i] = fr__names_find(channels, angles[i], strlen(angles[i]));
  for (size_t c = 0; c < l->channels; c++)
    l->vectors += find_vector(l, channels, c, &l->vector[l->vectors]);
  for (size_t c = 0; c < l->channels; c++)
    if (!is_of_vector(l, c))
      l->other[l->loose++] = (uint32_t)c;
}

/* ---- what an item needs ---- */

static bool is_attitude(const fr_augment_layout *l, uint32_t channel) {
  return channel == l->attitude[0] || channel == l->attitude[1] ||
         channel == l->attitude[2];
}

static enum fr_status fail_loose(const char *name, fr_error *err) {
  if (strstr(name, ".vertical") != NULL || strstr(name, ".horizontal") != NULL)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "augmentation rotate has nothing to do: '%s' is the same whichever "
                    "way the phone lies (frame=gravity)",
                    name);
  if (strchr(name, ':') != NULL)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "augmentation rotate turns signals: '%s' is a feature, which a "
                    "rotated phone would have computed anew",
                    name);
  return fr__fail(err, FR_ERR_ARGUMENT,
                  "augmentation rotate turns vectors: '%s' is not one of three channels "
                  "NAME.x, NAME.y, NAME.z",
                  name);
}

static enum fr_status check_vectors(const fr_augment_layout *l, const fr_names *channels,
                                    fr_error *err) {
  size_t angle = 0;
  if (l->points > 0 || l->features > 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "augmentation rotate turns what a phone measures; key points turn in "
                    "the picture's plane: affine(DEGREES)");
  for (size_t i = 0; i < l->loose; i++) {
    const bool known = is_attitude(l, l->other[i]);
    angle += known;
    if (!known)
      return fail_loose(channels->name[l->other[i]], err);
  }
  if (angle != 0 && angle != 3)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "augmentation rotate needs all of attitude.roll, attitude.pitch and "
                    "attitude.yaw, or none");
  if (l->how == FR_NORMALIZE_WINDOW)
    return fr__fail(
        err, FR_ERR_ARGUMENT,
        "augmentation rotate needs to know what the normaliser did: --normalize "
        "window has another scale for each window and axis");
  for (size_t c = 0; c < l->channels; c++)
    if (!(l->scale[c] > 0))
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "augmentation rotate needs whole vectors: training never saw '%s'",
                      channels->name[c]);
  return FR_OK;
}

static enum fr_status check_points(const fr_augment_layout *l, const fr_names *channels,
                                   const fr_augment_item *item, fr_error *err) {
  const char *name = fr__augment_ops_of(item->kind)->name;
  if (l->points == 0 && l->features == 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "augmentation %s is of key points: channels named 'left_hand.0.x', "
                    "'right_hand.0.x', 'pose.0.x', 'face.0.x' or 'hand.0.x'",
                    name);
  if (l->how == FR_NORMALIZE_WINDOW)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "augmentation %s needs to know what the normaliser did: --normalize "
                    "window has another scale for each window",
                    name);
  return l->features > 0 ? fr__features_check(l, item, err)
                         : fr__points_check(l, channels, item->kind, err);
}

static enum fr_status check(const fr_augment *augment, const fr_augment_layout *l,
                            const fr_names *channels, fr_error *err) {
  for (size_t i = 0; i < augment->count; i++) {
    const fr__augment_ops *ops = fr__augment_ops_of(augment->item[i].kind);
    enum fr_status status = FR_OK;
    if (ops->input == FR__AUGMENT_VECTORS)
      status = check_vectors(l, channels, err);
    else if (ops->input == FR__AUGMENT_POINTS)
      status = check_points(l, channels, &augment->item[i], err);
    if (status == FR_OK && ops->drops && (l->points > 0 || l->features > 0))
      status = fr__fail(err, FR_ERR_ARGUMENT,
                        "augmentation %s is of sensors; key points go missing by the "
                        "hand: drophand(P)",
                        ops->name);
    if (status != FR_OK)
      return status;
  }
  return FR_OK;
}

/* ---- all of it ---- */

static enum fr_status new_layout(size_t channels, fr_augment *holder, fr_error *err) {
  fr_augment_layout *l = calloc(1, sizeof *l);
  holder->layout = l;
  if (l == NULL)
    return fr__fail_memory(err, "what an augmentation knows of the channels");
  l->channels = channels;
  l->shift = calloc(channels, sizeof *l->shift);
  l->scale = calloc(channels, sizeof *l->scale);
  l->inverse = calloc(channels, sizeof *l->inverse);
  l->absent = calloc(channels, sizeof *l->absent);
  l->vector = calloc(channels, sizeof *l->vector);
  l->other = calloc(channels, sizeof *l->other);
  l->point = calloc(channels, sizeof *l->point);
  l->feature = calloc(channels, sizeof *l->feature);
  return l->shift == NULL || l->scale == NULL || l->inverse == NULL ||
                 l->absent == NULL || l->vector == NULL || l->other == NULL ||
                 l->point == NULL || l->feature == NULL
             ? fr__fail_memory(err, "what an augmentation knows of the channels")
             : FR_OK;
}

enum fr_status fr_augment_bind(fr_augment *augment, const fr_names *channels,
                               const fr_normalizer *normalizer, fr_error *err) {
  fr_augment made = {0};
  if (channels->count == 0 || normalizer->channels != channels->count)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "an augmentation cannot know %zu channels by a normaliser of %zu",
                    channels->count, normalizer->channels);
  enum fr_status status = new_layout(channels->count, &made, err);
  if (status == FR_OK) {
    take_normalizer(made.layout, normalizer);
    fr__points_find(made.layout, channels);
    if (made.layout->points == 0)
      fr__features_find(made.layout, channels);
    take_absent(made.layout, normalizer);
  }
  if (status == FR_OK && made.layout->points == 0 && made.layout->features == 0)
    find_vectors(made.layout, channels);
  if (status == FR_OK)
    status = check(augment, made.layout, channels, err);
  if (status != FR_OK) {
    fr_augment_release(&made);
    return status;
  }
  fr_augment_release(augment);
  augment->layout = made.layout;
  return FR_OK;
}
