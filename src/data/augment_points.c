/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of key points as MediaPipe finds them: x to the right and y down as shares of
 * the picture, z of x's size; a part that was not found is all zeros, and stays so. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/augment.h"

#define PI 3.14159265358979323846

/* ---- names ---- */

enum { POINTS_MOST = 468, AXES = 4 };

static const struct {
  const char *name;
  uint32_t points;
} parts[FR__PARTS] = {
    [FR__PART_POSE] = {"pose", 33},           [FR__PART_FACE] = {"face", POINTS_MOST},
    [FR__PART_LEFT_HAND] = {"left_hand", 21}, [FR__PART_RIGHT_HAND] = {"right_hand", 21},
    [FR__PART_HAND] = {"hand", 21},
};

static const char *const axes[AXES] = {"x", "y", "z", "visibility"};

/* "left_hand.12.x" */
static bool read_name(const char *name, enum fr__part *part, uint32_t *number,
                      size_t *axis) {
  const char *dot = strchr(name, '.');
  const size_t length = dot != NULL ? (size_t)(dot - name) : 0;
  size_t p = 0;
  while (p < FR__PARTS &&
         (strlen(parts[p].name) != length || strncmp(parts[p].name, name, length) != 0))
    p++;
  if (p == FR__PARTS)
    return false;
  const size_t digits = strspn(dot + 1, "0123456789");
  if (digits == 0 || digits > 3 || dot[1 + digits] != '.')
    return false;
  *part = (enum fr__part)p;
  *number = (uint32_t)strtoul(dot + 1, NULL, 10);
  for (*axis = 0; *axis < AXES; ++*axis)
    if (strcmp(dot + 2 + digits, axes[*axis]) == 0)
      return *number < parts[p].points;
  return false;
}

/* ---- left and right ---- */

/* Nose, then eyes from the nose outward, three points each, then pairs: left is odd. */
static uint32_t twin_in_pose(uint32_t n) {
  if (n == 0)
    return 0;
  if (n <= 6)
    return n <= 3 ? n + 3 : n - 3;
  return n % 2 == 1 ? n + 1 : n - 1;
}

/*
 * MediaPipe's canonical face (mediapipe/modules/face_geometry/data) has its right half
 * and the middle among points 0 to 247, and from 248 on the left half in the same order:
 * the middle, where x is 0, says it all.
 */
static bool is_in_middle(uint32_t n) {
  static const uint8_t middle[] = {0,   1,   2,   4,   5,   6,   8,   9,  10, 11,
                                   12,  13,  14,  15,  16,  17,  18,  19, 94, 151,
                                   152, 164, 168, 175, 195, 197, 199, 200};
  for (size_t i = 0; i < sizeof middle; i++)
    if (middle[i] == n)
      return true;
  return false;
}

static uint32_t twin_in_face(uint32_t n) {
  const uint32_t half = 248;
  uint32_t twin = half;
  if (n < half && is_in_middle(n))
    return n;
  for (uint32_t i = 0; i < half; i++) {
    if (is_in_middle(i))
      continue;
    if (i == n || twin == n)
      return i == n ? twin : i;
    twin++;
  }
  return n; /* there is none: every point is met above */
}

static void twin_of(enum fr__part part, uint32_t number, enum fr__part *twin_part,
                    uint32_t *twin) {
  *twin_part = part == FR__PART_LEFT_HAND    ? FR__PART_RIGHT_HAND
               : part == FR__PART_RIGHT_HAND ? FR__PART_LEFT_HAND
                                             : part;
  *twin = part == FR__PART_POSE   ? twin_in_pose(number)
          : part == FR__PART_FACE ? twin_in_face(number)
                                  : number;
}

/* ---- the layout ---- */

static uint32_t find_point(const fr_augment_layout *l, enum fr__part part,
                           uint32_t number) {
  for (size_t i = l->first[part]; i < l->first[part + 1]; i++)
    if (l->point[i].number == number)
      return (uint32_t)i;
  return FR_NONE;
}

static void find_twins(fr_augment_layout *l) {
  for (size_t p = 0; p < FR__PARTS; p++)
    for (size_t i = l->first[p]; i < l->first[p + 1]; i++) {
      enum fr__part part;
      uint32_t number;
      twin_of((enum fr__part)p, l->point[i].number, &part, &number);
      l->point[i].twin = find_point(l, part, number);
    }
}

/* Puts the channel of a landmark's axis into its place, a new one where it is the first.
 * False where it is there twice. */
static bool place(fr_augment_layout *l, enum fr__part part, uint32_t number, size_t axis,
                  uint32_t channel) {
  uint32_t at = find_point(l, part, number);
  if (at == FR_NONE) {
    at = (uint32_t)l->first[part + 1];
    memmove(&l->point[at + 1], &l->point[at], (l->points - at) * sizeof *l->point);
    l->point[at] =
        (fr__point){.number = number, .channel = {FR_NONE, FR_NONE, FR_NONE, FR_NONE}};
    for (size_t p = part + 1; p <= FR__PARTS; p++)
      l->first[p]++;
    l->points++;
  }
  const bool fresh = l->point[at].channel[axis] == FR_NONE;
  l->point[at].channel[axis] = channel;
  return fresh;
}

void fr__points_find(fr_augment_layout *layout, const fr_names *channels) {
  bool all = true;
  for (size_t c = 0; c < channels->count && all; c++) {
    enum fr__part part;
    uint32_t number;
    size_t axis;
    all = read_name(channels->name[c], &part, &number, &axis) &&
          place(layout, part, number, axis, (uint32_t)c);
  }
  for (size_t i = 0; i < layout->points && all; i++)
    all =
        layout->point[i].channel[0] != FR_NONE && layout->point[i].channel[1] != FR_NONE;
  for (size_t i = 0; i < 3; i++)
    layout->attitude[i] = FR_NONE;
  if (all) {
    find_twins(layout);
    return;
  }
  layout->points = 0;
  memset(layout->first, 0, sizeof layout->first);
}

static size_t count_of(const fr_augment_layout *l, enum fr__part part) {
  return l->first[part + 1] - l->first[part];
}

static bool has_hands(const fr_augment_layout *l) {
  return count_of(l, FR__PART_LEFT_HAND) + count_of(l, FR__PART_RIGHT_HAND) +
             count_of(l, FR__PART_HAND) >
         0;
}

enum fr_status fr__points_check(const fr_augment_layout *layout, const fr_names *channels,
                                enum fr_augment_kind kind, fr_error *err) {
  if (kind == FR_AUGMENT_DROPHAND && !has_hands(layout))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "augmentation drophand has no hand among these key points");
  for (size_t i = 0; i < layout->points && kind == FR_AUGMENT_MIRROR; i++)
    if (layout->point[i].twin == FR_NONE)
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "augmentation mirror cannot swap left and right: the counterpart "
                      "of '%s' is not among the channels",
                      channels->name[layout->point[i].channel[0]]);
  return FR_OK;
}

/* ---- parts that were not found ---- */

bool fr__part_is_absent(const fr_augment_layout *layout, enum fr__part part,
                        const float *row) {
  const size_t begin = layout->first[part], end = layout->first[part + 1];
  for (size_t i = begin; i < end; i++)
    for (size_t a = 0; a < AXES; a++) {
      const uint32_t c = layout->point[i].channel[a];
      if (c != FR_NONE && row[c] != layout->absent[c])
        return false;
    }
  return end > begin;
}

void fr__part_copy(const fr_augment_layout *layout, enum fr__part part, const float *from,
                   float *to) {
  for (size_t i = layout->first[part]; i < layout->first[part + 1]; i++)
    for (size_t a = 0; a < AXES; a++) {
      const uint32_t c = layout->point[i].channel[a];
      if (c != FR_NONE)
        to[c] = from[c];
    }
}

/* In the picture, of what the normaliser made of it; and back. */
static float in_picture(const fr_augment_layout *l, const float *row, uint32_t c) {
  return row[c] * l->inverse[c] + l->shift[c];
}

static float normalized(const fr_augment_layout *l, float value, uint32_t c) {
  return (value - l->shift[c]) * l->scale[c];
}

/* What stays in its place: the middle of the picture, or the wrist of a hand that is told
 * relative to it. */
static float center_of(const fr_augment_layout *l) {
  return count_of(l, FR__PART_HAND) == l->points ? 0.0f : 0.5f;
}

/* ---- mirror ---- */

static void mirror_point(const fr_augment_layout *l, const fr__point *to,
                         const fr__point *from, float axis, const float *row,
                         float *out) {
  for (size_t a = 0; a < AXES; a++) {
    const uint32_t c = to->channel[a], k = from->channel[a];
    if (c == FR_NONE || k == FR_NONE)
      continue;
    const float value = in_picture(l, row, k);
    out[c] = normalized(l, a == 0 ? 2 * axis - value : value, c);
  }
}

static void mirror_row(const fr_augment_layout *l, float axis, const float *row,
                       float *out) {
  for (size_t p = 0; p < FR__PARTS; p++) {
    const enum fr__part from = p == FR__PART_LEFT_HAND    ? FR__PART_RIGHT_HAND
                               : p == FR__PART_RIGHT_HAND ? FR__PART_LEFT_HAND
                                                          : (enum fr__part)p;
    if (fr__part_is_absent(l, from, row))
      fr__part_copy(l, (enum fr__part)p, l->absent, out);
    else
      for (size_t i = l->first[p]; i < l->first[p + 1]; i++)
        mirror_point(l, &l->point[i], &l->point[l->point[i].twin], axis, row, out);
  }
}

static void mirror(const fr__change *c) {
  const float axis = isnan(c->value[1]) ? center_of(c->layout) : c->value[1];
  if (!(fr__rng_uniform(c->rng) < (double)c->value[0]))
    return;
  if (c->layout->features > 0) {
    fr__features_mirror(c);
    return;
  }
  for (size_t t = 0; t < c->steps; t++) {
    float *const row = c->x + t * c->channels;
    memcpy(c->work, row, c->channels * sizeof *row);
    mirror_row(c->layout, axis, c->work, row);
  }
}

static size_t room_mirror(const float *value, size_t steps, size_t channels) {
  (void)value;
  (void)steps;
  return channels;
}

const fr__augment_ops fr__augment_mirror = {
    .name = "mirror",
    .usage = "mirror(P[,AXIS])",
    .argument = {{.name = "P", .low = 0, .high = 1},
                 {.name = "AXIS", .low = -1, .high = 1, .closed = true, .usual = NAN}},
    .least = 1,
    .most = 2,
    .input = FR__AUGMENT_POINTS,
    .room = room_mirror,
    .apply = mirror,
};

/* ---- affine ---- */

/* (x, y) -> A (x, y) + b, z -> factor z. */
typedef struct plane {
  float a[2][2], b[2], factor;
} plane;

static plane draw_plane(const fr__change *c) {
  const double degrees = (double)c->value[0] * (2 * fr__rng_uniform(c->rng) - 1);
  const double factor = exp((double)c->value[1] * fr__rng_normal(c->rng));
  const double center = (double)center_of(c->layout);
  const double cosine = factor * cos(degrees * (PI / 180));
  const double sine = factor * sin(degrees * (PI / 180));
  const double right = (double)c->value[2] * fr__rng_normal(c->rng);
  const double down = (double)c->value[2] * fr__rng_normal(c->rng);
  return (plane){.a = {{(float)cosine, (float)-sine}, {(float)sine, (float)cosine}},
                 .b = {(float)(center + right - center * (cosine - sine)),
                       (float)(center + down - center * (sine + cosine))},
                 .factor = (float)factor};
}

static void move_point(const fr_augment_layout *l, const fr__point *point,
                       const plane *by, float *row) {
  const uint32_t cx = point->channel[0], cy = point->channel[1], cz = point->channel[2];
  const float x = in_picture(l, row, cx), y = in_picture(l, row, cy);
  row[cx] = normalized(l, by->a[0][0] * x + by->a[0][1] * y + by->b[0], cx);
  row[cy] = normalized(l, by->a[1][0] * x + by->a[1][1] * y + by->b[1], cy);
  if (cz != FR_NONE)
    row[cz] = normalized(l, by->factor * in_picture(l, row, cz), cz);
}

static void affine(const fr__change *c) {
  const fr_augment_layout *l = c->layout;
  if (l->features > 0) {
    fr__features_affine(c);
    return;
  }
  const plane by = draw_plane(c);
  for (size_t t = 0; t < c->steps; t++) {
    float *const row = c->x + t * c->channels;
    for (size_t p = 0; p < FR__PARTS; p++)
      if (!fr__part_is_absent(l, (enum fr__part)p, row))
        for (size_t i = l->first[p]; i < l->first[p + 1]; i++)
          move_point(l, &l->point[i], &by, row);
  }
}

const fr__augment_ops fr__augment_affine = {
    .name = "affine",
    .usage = "affine(DEGREES[,SCALE[,SHIFT]])",
    .argument = {{.name = "DEGREES", .low = 0, .high = 180, .closed = true},
                 {.name = "SCALE", .low = 0, .high = 2, .closed = true},
                 {.name = "SHIFT", .low = 0, .high = 1, .closed = true}},
    .least = 1,
    .most = 3,
    .input = FR__AUGMENT_POINTS,
    .apply = affine,
};

/* ---- drophand ---- */

/* One of the hands that the frames have, for 1 to T / 2 frames. */
static void drophand(const fr__change *c) {
  static const enum fr__part hands[] = {FR__PART_LEFT_HAND, FR__PART_RIGHT_HAND,
                                        FR__PART_HAND};
  const size_t most = c->steps > 1 ? c->steps / 2 : 1;
  enum fr__part there[3];
  size_t count = 0;
  for (size_t i = 0; i < 3; i++)
    if (count_of(c->layout, hands[i]) > 0)
      there[count++] = hands[i];
  if (!(fr__rng_uniform(c->rng) < (double)c->value[0]))
    return;
  if (c->layout->features > 0) {
    fr__features_drophand(c);
    return;
  }
  const enum fr__part hand = there[fr__rng_below(c->rng, count)];
  const size_t run = 1 + fr__rng_below(c->rng, most);
  const size_t begin = fr__rng_below(c->rng, c->steps - run + 1);
  for (size_t t = begin; t < begin + run; t++)
    fr__part_copy(c->layout, hand, c->layout->absent, c->x + t * c->channels);
}

const fr__augment_ops fr__augment_drophand = {
    .name = "drophand",
    .usage = "drophand(P)",
    .argument = {{.name = "P", .low = 0, .high = 1}},
    .least = 1,
    .most = 1,
    .input = FR__AUGMENT_POINTS,
    .times = true,
    .apply = drophand,
};
