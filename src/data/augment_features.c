/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of the features of key points (keypoints_plan.c has their channels): vectors of
 * hands, arms and face in units of the body, their changes since the frame before, and
 * masks that say which of them are there. What a camera does to a picture is gone from
 * them, so that what is left to vary is the person: who leans, signs larger or smaller,
 * holds the hands higher, or has a hand that is not found.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/augment.h"

#define PI 3.14159265358979323846

/* ---- names ---- */

static const char *const sides[][2] = {
    {"main", "other"}, {"left", "right"}, {"hand", "hand"}};
#define SIDES (sizeof sides / sizeof *sides)

/* What stands behind "main" or "left" in the name of a mask; then the vectors. */
static const char *const own_masks[] = {
    [FR__FEATURE_HAND] = ".found",
    [FR__FEATURE_WRIST] = ".wrist.found",
    [FR__FEATURE_ELBOW] = ".elbow.found",
};

static bool begins(const char **text, const char *with) {
  const size_t length = strlen(with);
  if (strncmp(*text, with, length) != 0)
    return false;
  *text += length;
  return true;
}

/* "main.shape.8.dx" -> group, "main.shape.8", axis 0 of the change. */
typedef struct named {
  size_t group;
  const char *stem;
  size_t length;
  bool mask, change;
  size_t axis;
} named;

static bool read_axis(const char *name, named *out) {
  const char *const dot = strrchr(name, '.');
  const char *axis = dot != NULL ? dot + 1 : "";
  out->change = begins(&axis, "d");
  out->axis = (size_t)(axis[0] - 'x');
  out->stem = name;
  out->length = dot != NULL ? (size_t)(dot - name) : 0;
  return axis[0] >= 'x' && axis[0] <= 'z' && axis[1] == '\0';
}

static bool read_side(const char *rest, size_t side, named *out) {
  for (size_t g = FR__FEATURE_HAND; g <= FR__FEATURE_ELBOW; g += 2)
    if (strcmp(rest, own_masks[g]) == 0) {
      out->group = g + side;
      out->mask = true;
      return true;
    }
  out->group = side + (begins(&rest, ".shape.")   ? FR__FEATURE_HAND
                       : begins(&rest, ".wrist.") ? FR__FEATURE_WRIST
                       : begins(&rest, ".elbow.") ? FR__FEATURE_ELBOW
                                                  : FR__FEATURE_GROUPS);
  return out->group < FR__FEATURE_GROUPS;
}

static bool read_name(const char *name, const char *const side[2], named *out) {
  const char *rest = name;
  *out = (named){0};
  const bool axis = read_axis(name, out);
  if (strcmp(name, "face.found") == 0) {
    out->group = FR__FEATURE_FACE;
    out->mask = true;
    return true;
  }
  if (begins(&rest, "face.shape.")) {
    out->group = FR__FEATURE_FACE;
    return axis;
  }
  if (begins(&rest, "hands.apart.")) {
    out->group = FR__FEATURE_APART;
    return axis;
  }
  for (size_t s = 0; s < 2; s++) {
    rest = name;
    if (begins(&rest, side[s]) && rest[0] == '.')
      return read_side(rest, s, out) && (out->mask || axis);
  }
  return false;
}

/* ---- the layout ---- */

static fr__feature *find_or_add(fr_augment_layout *l, const named *n) {
  for (size_t i = 0; i < l->features; i++)
    if (l->feature[i].length == n->length &&
        strncmp(l->feature[i].name, n->stem, n->length) == 0)
      return &l->feature[i];
  fr__feature *const f = &l->feature[l->features++];
  *f = (fr__feature){.group = n->group, .name = n->stem, .length = n->length};
  for (size_t a = 0; a < 3; a++)
    f->at[a] = f->change[a] = FR_NONE;
  return f;
}

/* The feature whose name differs in the side alone, or is the other half's in the face.
 */
static size_t twin_of(const fr_augment_layout *l, size_t i, const char *const side[2]) {
  static const char *const faces[][2] = {{"face.shape.61", "face.shape.291"},
                                         {"face.shape.105", "face.shape.334"}};
  const fr__feature *const f = &l->feature[i];
  const char *const(*pair)[2] = NULL;
  char name[64];
  for (size_t k = 0; k < 2 * 2; k++)
    if (f->group == FR__FEATURE_FACE && strlen(faces[k / 2][k % 2]) == f->length &&
        strncmp(f->name, faces[k / 2][k % 2], f->length) == 0)
      pair = &faces[k / 2];
  if (f->group >= FR__FEATURE_APART && pair == NULL)
    return i;
  const char *const *const two = pair != NULL ? *pair : side;
  const bool first = strncmp(f->name, two[0], strlen(two[0])) == 0;
  const size_t own = strlen(two[first ? 0 : 1]);
  const size_t whole = (size_t)snprintf(name, sizeof name, "%s%.*s", two[first ? 1 : 0],
                                        (int)(f->length - own), f->name + own);
  for (size_t k = 0; k < l->features; k++)
    if (l->feature[k].length == whole && strncmp(l->feature[k].name, name, whole) == 0)
      return k;
  return l->features;
}

static bool place(fr_augment_layout *l, const fr_names *channels,
                  const char *const side[2]) {
  l->features = 0;
  for (size_t g = 0; g < FR__FEATURE_GROUPS; g++)
    l->mask[g] = FR_NONE;
  for (size_t c = 0; c < channels->count; c++) {
    named n;
    if (!read_name(channels->name[c], side, &n))
      return false;
    if (n.mask)
      l->mask[n.group] = (uint32_t)c;
    else {
      fr__feature *const f = find_or_add(l, &n);
      (n.change ? f->change : f->at)[n.axis] = (uint32_t)c;
    }
  }
  return l->mask[FR__FEATURE_HAND] != FR_NONE || l->mask[FR__FEATURE_WRIST] != FR_NONE ||
         l->mask[FR__FEATURE_FACE] != FR_NONE;
}

void fr__features_find(fr_augment_layout *l, const fr_names *channels) {
  size_t s = 0;
  while (s < SIDES && !place(l, channels, sides[s]))
    s++;
  if (s == SIDES) {
    l->features = 0;
    return;
  }
  l->settled = s == 0;
  for (size_t i = 0; i < l->features; i++)
    l->feature[i].twin = twin_of(l, i, sides[s]);
  for (size_t i = 0; i < l->features; i++)
    l->feature[i].name = NULL; /* the caller's, who may not keep it */
}

/* Whether anything is told of where hands and arms are. */
static bool has_places(const fr_augment_layout *l) {
  for (size_t i = 0; i < l->features; i++)
    if (l->feature[i].group >= FR__FEATURE_WRIST &&
        l->feature[i].group <= FR__FEATURE_APART)
      return true;
  return false;
}

enum fr_status fr__features_check(const fr_augment_layout *l, const fr_augment_item *item,
                                  fr_error *err) {
  if (item->kind == FR_AUGMENT_MIRROR && l->settled)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "augmentation mirror swaps left and right, and these features are of "
                    "the hand that signs and the other (mirror=no keeps left and right)");
  if (item->kind == FR_AUGMENT_DROPHAND && l->mask[FR__FEATURE_HAND] == FR_NONE)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "augmentation drophand has no hand among these features");
  if (item->kind == FR_AUGMENT_AFFINE && item->value[2] > 0 &&
      l->mask[FR__FEATURE_WRIST] == FR_NONE)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "augmentation affine: SHIFT moves hands against the body, and these "
                    "features have none (parts=hands,pose)");
  if (item->kind == FR_AUGMENT_AFFINE && item->value[1] > 0 && !has_places(l))
    return fr__fail(
        err, FR_ERR_ARGUMENT,
        "augmentation affine: SCALE is of places and ways, and these features "
        "have none");
  return FR_OK;
}

/* ---- what is there ---- */

static float in_units(const fr_augment_layout *l, const float *row, uint32_t c) {
  return row[c] * l->inverse[c] + l->shift[c];
}

static float normalized(const fr_augment_layout *l, float value, uint32_t c) {
  return (value - l->shift[c]) * l->scale[c];
}

static bool says_yes(const fr_augment_layout *l, size_t group, const float *row) {
  const uint32_t c = l->mask[group];
  return c != FR_NONE && in_units(l, row, c) > 0.5f;
}

/* Without a mask of its own a wrist is there where its hand is; two are apart where both
 * are there. */
static bool is_found(const fr_augment_layout *l, size_t group, const float *row) {
  if (l->mask[group] != FR_NONE)
    return says_yes(l, group, row);
  if (group == FR__FEATURE_APART)
    return says_yes(l, FR__FEATURE_HAND, row) && says_yes(l, FR__FEATURE_HAND + 1, row);
  return group < FR__FEATURE_ELBOW && says_yes(l, group - FR__FEATURE_WRIST, row);
}

static void copy_channel(uint32_t c, const float *from, float *to) {
  if (c != FR_NONE)
    to[c] = from[c];
}

/* Vectors of a group, with their changes or those alone. */
static void copy_group(const fr_augment_layout *l, size_t group, bool changes_alone,
                       const float *from, float *to) {
  for (size_t i = 0; i < l->features; i++)
    for (size_t a = 0; a < 3 && l->feature[i].group == group; a++) {
      copy_channel(l->feature[i].change[a], from, to);
      if (!changes_alone)
        copy_channel(l->feature[i].at[a], from, to);
    }
}

static void copy_masked(const fr_augment_layout *l, size_t group, const float *from,
                        float *to) {
  copy_group(l, group, false, from, to);
  copy_channel(l->mask[group], from, to);
}

void fr__features_mark(const fr_augment_layout *l, const float *row, float *masks) {
  for (size_t g = 0; g < FR__FEATURE_GROUPS; g++)
    masks[g] = l->mask[g] != FR_NONE ? row[l->mask[g]] : 0;
}

void fr__features_restore(const fr_augment_layout *l, const float *masks, float *row) {
  for (size_t g = 0; g < FR__FEATURE_GROUPS; g++)
    if (l->mask[g] != FR_NONE)
      row[l->mask[g]] = masks[g];
  for (size_t g = 0; g < FR__FEATURE_GROUPS; g++)
    if (!is_found(l, g, row))
      copy_group(l, g, false, l->absent, row);
}

/* ---- time ---- */

void fr__features_mend(const fr_augment_layout *l, const float *a, const float *b,
                       const float *nearest, float *to) {
  for (size_t g = 0; g < FR__FEATURE_GROUPS; g++) {
    copy_channel(l->mask[g], nearest, to);
    if (!is_found(l, g, a) || !is_found(l, g, b))
      copy_group(l, g, false, nearest, to);
  }
}

void fr__features_hurry(const fr_augment_layout *l, float speed, float *row) {
  for (size_t i = 0; i < l->features; i++)
    for (size_t a = 0; a < 3; a++) {
      const uint32_t c = l->feature[i].change[a];
      if (c != FR_NONE && row[c] != l->absent[c])
        row[c] = normalized(l, speed * in_units(l, row, c), c);
    }
}

void fr__features_cut(const fr_augment_layout *l, float *row) {
  for (size_t g = 0; g < FR__FEATURE_GROUPS; g++)
    copy_group(l, g, true, l->absent, row);
}

/* ---- mirror ---- */

static void mirror_axes(const fr_augment_layout *l, const uint32_t to[3],
                        const uint32_t from[3], size_t turned, const float *row,
                        float *out) {
  for (size_t a = 0; a < 3; a++)
    if (to[a] != FR_NONE && from[a] != FR_NONE) {
      const float value = in_units(l, row, from[a]);
      out[to[a]] = normalized(l, a == turned ? -value : value, to[a]);
    }
}

/* From one hand to the other: the way back in the mirror, whose x stays. */
static void mirror_row(const fr_augment_layout *l, const float *row, float *out) {
  for (size_t i = 0; i < l->features; i++) {
    const fr__feature *const f = &l->feature[i], *const t = &l->feature[f->twin];
    const size_t turned = f->group == FR__FEATURE_APART ? 1 : 0;
    mirror_axes(l, f->at, t->at, turned, row, out);
    mirror_axes(l, f->change, t->change, turned, row, out);
  }
  for (size_t g = 0; g < FR__FEATURE_APART; g++) {
    const uint32_t c = l->mask[g], k = l->mask[g ^ 1];
    if (c != FR_NONE && k != FR_NONE)
      out[c] = normalized(l, in_units(l, row, k), c);
  }
  for (size_t g = 0; g < FR__FEATURE_GROUPS; g++)
    if (!is_found(l, g, out))
      copy_group(l, g, false, l->absent, out);
}

void fr__features_mirror(const fr__change *c) {
  for (size_t t = 0; t < c->steps; t++) {
    float *const row = c->x + t * c->channels;
    memcpy(c->work, row, c->channels * sizeof *row);
    mirror_row(c->layout, c->work, row);
  }
}

/* ---- affine ---- */

typedef struct lean {
  float cosine, sine;
  float factor;      /* of places and ways: how large somebody signs */
  float right, down; /* of places */
} lean;

static void lean_axes(const fr_augment_layout *l, const uint32_t c[3], const lean *by,
                      bool place, float factor, float *row) {
  if (c[0] == FR_NONE || c[1] == FR_NONE)
    return;
  const float x = factor * in_units(l, row, c[0]), y = factor * in_units(l, row, c[1]);
  const float right = place ? by->right : 0, down = place ? by->down : 0;
  row[c[0]] = normalized(l, by->cosine * x - by->sine * y + right, c[0]);
  row[c[1]] = normalized(l, by->sine * x + by->cosine * y + down, c[1]);
}

static void lean_row(const fr_augment_layout *l, const lean *by, float *row) {
  bool found[FR__FEATURE_GROUPS];
  for (size_t g = 0; g < FR__FEATURE_GROUPS; g++)
    found[g] = is_found(l, g, row);
  for (size_t i = 0; i < l->features; i++) {
    const fr__feature *const f = &l->feature[i];
    const bool apart = f->group == FR__FEATURE_APART;
    const bool place = f->group >= FR__FEATURE_WRIST && f->group < FR__FEATURE_APART;
    const float factor = place || apart ? by->factor : 1;
    if (!found[f->group])
      continue;
    lean_axes(l, f->at, by, place, factor, row);
    lean_axes(l, f->change, by, false, factor, row);
  }
}

void fr__features_affine(const fr__change *c) {
  const double degrees = (double)c->value[0] * (2 * fr__rng_uniform(c->rng) - 1);
  const double factor = exp((double)c->value[1] * fr__rng_normal(c->rng));
  const double right = (double)c->value[2] * fr__rng_normal(c->rng);
  const double down = (double)c->value[2] * fr__rng_normal(c->rng);
  const lean by = {.cosine = (float)cos(degrees * (PI / 180)),
                   .sine = (float)sin(degrees * (PI / 180)),
                   .factor = (float)factor,
                   .right = (float)right,
                   .down = (float)down};
  for (size_t t = 0; t < c->steps; t++)
    lean_row(c->layout, &by, c->x + t * c->channels);
}

/* ---- drophand ---- */

/* The hand, and what is known by it alone. */
static void drop_row(const fr_augment_layout *l, size_t hand, float *row) {
  const size_t wrist = FR__FEATURE_WRIST + hand;
  copy_masked(l, FR__FEATURE_HAND + hand, l->absent, row);
  copy_group(l, FR__FEATURE_APART, false, l->absent, row);
  if (l->mask[wrist] == FR_NONE)
    copy_group(l, wrist, false, l->absent, row);
}

/* What has come back has no change since the frame before. */
static void come_back(const fr_augment_layout *l, size_t hand, float *row) {
  const size_t wrist = FR__FEATURE_WRIST + hand;
  copy_group(l, FR__FEATURE_HAND + hand, true, l->absent, row);
  copy_group(l, FR__FEATURE_APART, true, l->absent, row);
  if (l->mask[wrist] == FR_NONE)
    copy_group(l, wrist, true, l->absent, row);
}

void fr__features_drophand(const fr__change *c) {
  const fr_augment_layout *const l = c->layout;
  const size_t most = c->steps > 1 ? c->steps / 2 : 1;
  const size_t hands = l->mask[FR__FEATURE_HAND + 1] != FR_NONE ? 2 : 1;
  const size_t hand = fr__rng_below(c->rng, hands);
  const size_t run = 1 + fr__rng_below(c->rng, most);
  const size_t begin = fr__rng_below(c->rng, c->steps - run + 1);
  for (size_t t = begin; t < begin + run; t++)
    drop_row(l, hand, c->x + t * c->channels);
  if (begin + run < c->steps)
    come_back(l, hand, c->x + (begin + run) * c->channels);
}
