/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change of a sample: one descriptor each, in a file with its like; a table in
 * augment.c. Each draws what it needs of the sample's own stream, so that nothing depends
 * on who asks when.
 */
#ifndef FR_DATA_AUGMENT_H
#define FR_DATA_AUGMENT_H

#include "base/rng.h"
#include "frugal/data.h"

#define FR__AUGMENT_KNOTS_MOST 32
/* The argument of both warps: knots of the spline between its ends. */
#define FR__AUGMENT_KNOTS                                                                \
  {                                                                                      \
    .name = "KNOTS", .low = 1, .high = FR__AUGMENT_KNOTS_MOST, .closed = true,           \
    .whole = true, .usual = 4                                                            \
  }

typedef struct fr__change {
  const float *value;              /* the item's arguments */
  const fr_augment_layout *layout; /* NULL: not bound */
  fr__rng *rng;
  float *x; /* (steps, channels) */
  size_t steps, channels;
  float *work; /* ops->room floats */
} fr__change;

enum fr__augment_input {
  FR__AUGMENT_ANY,
  FR__AUGMENT_VECTORS, /* every channel is a component of a physical vector, or attitude
                        */
  FR__AUGMENT_POINTS /* every channel is a coordinate of a key point, or all are features
                        of them */
};

typedef struct fr__augment_argument {
  const char *name;
  double low, high; /* in between; low itself only where `closed` */
  bool closed, whole;
  double usual; /* where it is left out; NaN: what the layout says */
} fr__augment_argument;

typedef struct fr__augment_ops {
  const char *name;
  const char *usage; /* "timewarp(D[,KNOTS])" */
  fr__augment_argument argument[FR_AUGMENT_ARGUMENTS];
  size_t least, most; /* arguments */
  enum fr__augment_input input;
  bool times;  /* moves things in time: feature vectors have none */
  bool values; /* changes values where they are: what is missing must stay so */
  bool drops;  /* channels of their own, which key points have not */
  /* Floats of work area; NULL: none. */
  size_t (*room)(const float *value, size_t steps, size_t channels);
  void (*apply)(const fr__change *change); /* NULL: takes another sample */
} fr__augment_ops;

extern const fr__augment_ops fr__augment_jitter, fr__augment_scale, fr__augment_rotate,
    fr__augment_permute, fr__augment_timewarp, fr__augment_magwarp, fr__augment_crop,
    fr__augment_dropchannel, fr__augment_mixup, fr__augment_mirror, fr__augment_affine,
    fr__augment_resample, fr__augment_drophand;

const fr__augment_ops *fr__augment_ops_of(enum fr_augment_kind kind);

/* ---- what channels mean ---- */

/* x' = (x - shift) * scale of each channel. */
typedef struct fr__augment_vector {
  uint32_t channel[3];
  float shift[3], scale[3];
} fr__augment_vector;

enum fr__part {
  FR__PART_POSE,
  FR__PART_FACE,
  FR__PART_LEFT_HAND,
  FR__PART_RIGHT_HAND,
  FR__PART_HAND, /* either, relative to its wrist */
  FR__PARTS
};

/* One landmark: where its coordinates are. */
typedef struct fr__point {
  uint32_t number;     /* MediaPipe's, within its part */
  uint32_t channel[4]; /* x, y, z, visibility; FR_NONE: it has none */
  uint32_t twin; /* the point that it becomes in a mirror; FR_NONE: it is not there */
} fr__point;

/* Groups of features of key points, left (or main, or the only one) before right. */
enum {
  FR__FEATURE_HAND,
  FR__FEATURE_WRIST = 2,
  FR__FEATURE_ELBOW = 4,
  FR__FEATURE_APART = 6,
  FR__FEATURE_FACE,
  FR__FEATURE_GROUPS
};

/* A vector of theirs and its change since the frame before. */
typedef struct fr__feature {
  size_t group;
  const char *name; /* while the layout is made; `length` bytes */
  size_t length;
  uint32_t at[3], change[3]; /* channels of x, y, z; FR_NONE: it has none */
  size_t twin;               /* what it becomes in a mirror */
} fr__feature;

/* What is kept of each step while an item changes values: parts that are absent, or the
 * masks of groups. */
enum { FR__MARKS = FR__FEATURE_GROUPS };

struct fr_augment_layout {
  size_t channels;
  enum fr_normalize how;
  float *shift,
      *scale;     /* (channels) what the normaliser really did; owned, as all below */
  float *inverse; /* (channels) 1 / scale; 0 where that is 0 */
  float *absent;  /* (channels) a missing value: what the normaliser made of 0 for
                     key points, its own replacement elsewhere */
  size_t vectors;
  fr__augment_vector *vector;
  size_t loose;
  uint32_t *other;      /* (loose) channels that are of no vector */
  uint32_t attitude[3]; /* roll, pitch, yaw (rad); FR_NONE: not among the channels */
  size_t points;        /* 0: these are no key points */
  fr__point *point;
  size_t first[FR__PARTS + 1]; /* part p's are [first[p], first[p + 1]) */
  size_t features;             /* 0: these are no features of key points */
  fr__feature *feature;
  uint32_t mask[FR__FEATURE_GROUPS]; /* channels; FR_NONE: the group has none */
  bool settled; /* the hand that signs is the first, whichever it was (mirror=yes) */
};

/* Fills `point` and `first` where every channel is a coordinate of a landmark. */
void fr__points_find(fr_augment_layout *layout, const fr_names *channels);

/* Refuses the item for want of hands or twins. */
enum fr_status fr__points_check(const fr_augment_layout *layout, const fr_names *channels,
                                enum fr_augment_kind kind, fr_error *err);

/* Whether step `row` (channels) has nothing of part p. */
bool fr__part_is_absent(const fr_augment_layout *layout, enum fr__part part,
                        const float *row);
void fr__part_copy(const fr_augment_layout *layout, enum fr__part part, const float *from,
                   float *to);

/* ---- features of key points ---- */

/* Fills `feature` and `mask` where every channel is one of theirs. */
void fr__features_find(fr_augment_layout *layout, const fr_names *channels);
enum fr_status fr__features_check(const fr_augment_layout *layout,
                                  const fr_augment_item *item, fr_error *err);

/* Masks (FR__MARKS) of a step, and the step with them again and nothing where they say
 * so. */
void fr__features_mark(const fr_augment_layout *layout, const float *row, float *masks);
void fr__features_restore(const fr_augment_layout *layout, const float *masks,
                          float *row);

/* `to` is between a and b: what must not be mixed is the nearest's. */
void fr__features_mend(const fr_augment_layout *layout, const float *a, const float *b,
                       const float *nearest, float *to);
/* Changes at another speed, and those of a step that follows none. */
void fr__features_hurry(const fr_augment_layout *layout, float speed, float *row);
void fr__features_cut(const fr_augment_layout *layout, float *row);

void fr__features_mirror(const fr__change *change);
void fr__features_affine(const fr__change *change);
void fr__features_drophand(const fr__change *change);

/* ---- in time ---- */

/* Natural cubic splines through n >= 2 rows of y at 0, 1 ... n - 1: second derivatives
 * into m, both (n, columns). */
void fr__spline_fit(const float *y, float *m, size_t n, size_t columns);

/* The four weights of y[k], y[k + 1], m[k], m[k + 1] at `at` in [0, n - 1]; returns k. */
size_t fr__spline_weights(float at, size_t n, float weight[4]);

/* Row t becomes what is between the rows beside position[t], which is within [0, steps -
 * 1]. `copy`: (steps, channels) of work area. Angles and what is missing nearby take the
 * nearest row. */
void fr__augment_move(const fr__change *change, const float *position, float *copy);

/* ---- all items ---- */

/* Refuses what cannot be done to samples of that shape. */
enum fr_status fr__augment_check(const fr_augment *augment, size_t steps, size_t channels,
                                 fr_error *err);

/* The stream of one sample, from which its changes draw one after another. */
void fr__augment_seed(fr__rng *rng, uint64_t seed, uint64_t epoch, size_t sample);

/* Where the mixup stands; augment->count: nowhere. */
size_t fr__augment_mixup_at(const fr_augment *augment);

/* Items [from, to). */
void fr__augment_run(const fr_augment *augment, size_t from, size_t to, fr__rng *rng,
                     float *x, size_t steps, size_t channels, float *work);

/* λ ~ Beta(α, α): the share of the sample itself. */
float fr__augment_share(fr__rng *rng, double alpha);

#endif
