/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of fr_keypoints share: its choices, its plan of channels, its state. */
#ifndef FR_DATA_KEYPOINTS_STATE_H
#define FR_DATA_KEYPOINTS_STATE_H

#include "data/keypoints.h"

/* Where a part's numbers are in a raw frame; points 0: it is not there. */
typedef struct fr__keypoint_place {
  size_t at, points, axes;
} fr__keypoint_place;

/* `name` as in channel names: "left_hand". */
fr__keypoint_place fr__keypoint_place_of(enum fr_keypoint_layout layout,
                                         const char *name);

/* ---- choices ---- */

typedef struct fr__keypoint_options {
  enum fr_keypoint_layout layout;
  bool hands, pose, face;       /* parts= */
  bool mirror, velocity, depth; /* depth: z of hands */
  double wide, high;            /* aspect= */
  size_t shape;                 /* points of a hand: 20, 10 or 5 */
  size_t hold;                  /* frames */
} fr__keypoint_options;

enum fr_status fr__keypoint_options_read(const char *text, fr__keypoint_options *out,
                                         fr_error *err);
/* With every key; at most FR__KEYPOINT_TEXT bytes. */
#define FR__KEYPOINT_TEXT 256
void fr__keypoint_options_write(const fr__keypoint_options *o, char *text);

/* ---- what is found in a frame, and where ---- */

enum {
  FR__HAND_POINTS = 20, /* beside the wrist */
  FR__FACE_POINTS = 7,
  FR__RING = 9 /* frames whose median length is a size: four bad ones do no harm */
};

/* Groups are there or not, all of each. Left comes before right. */
enum fr__keypoint_group {
  FR__GROUP_HAND,      /* shapes: 2 */
  FR__GROUP_WRIST = 2, /* 2 */
  FR__GROUP_ELBOW = 4, /* 2 */
  FR__GROUP_APART = 6,
  FR__GROUP_FACE,
  FR__GROUPS
};

/* Points, by their first: of left and right each. */
enum {
  FR__AT_HAND,
  FR__AT_WRIST = 2 * FR__HAND_POINTS,
  FR__AT_ELBOW = FR__AT_WRIST + 2,
  FR__AT_APART = FR__AT_ELBOW + 2,
  FR__AT_FACE = FR__AT_APART + 1,
  FR__POINTS = FR__AT_FACE + FR__FACE_POINTS
};

typedef struct fr__vec {
  float x, y, z;
} fr__vec;

/* What a frame says, of the person's own left and right, level where there is a pose. */
typedef struct fr__keypoint_view {
  bool found[FR__GROUPS];
  bool moved[FR__POINTS]; /* `change` is told */
  fr__vec at[FR__POINTS];
  fr__vec change[FR__POINTS]; /* since the frame before */
} fr__keypoint_view;

/* Lengths of the last frames that had any. */
typedef struct fr__ring {
  size_t count, next;
  float median; /* of the lengths; 0: there are none */
  float length[FR__RING];
  float x[FR__RING], y[FR__RING]; /* direction, of length 1 */
} fr__ring;

typedef struct fr__hand_state {
  bool kept;   /* `point` is a hand that was found */
  size_t lost; /* frames since */
  fr__ring size;
  fr__vec point[FR__HAND_POINTS + 1]; /* in heights of the picture */
  fr__vec wrist;                      /* of the frame before; where `has_wrist` */
  bool has_wrist;
} fr__hand_state;

/* ---- channels ---- */

/* A point, or the mask of a group, among the channels. */
typedef struct fr__keypoint_slot {
  uint8_t group, twin_group; /* twin: whose it is in a mirror */
  uint8_t point, twin;
  uint8_t axes; /* 0: the mask of the group */
  bool position, change;
  bool apart;     /* keeps x in a mirror, and y changes its sign */
  size_t channel; /* the first of it */
  char name[24];
} fr__keypoint_slot;

enum { FR__SLOTS = FR__POINTS + FR__GROUPS };

struct fr_keypoints {
  fr__keypoint_options options;
  char text[FR__KEYPOINT_TEXT];
  size_t inputs, channels;
  fr__keypoint_place hand[2], pose, face; /* one hand alone: hand[0] */
  size_t slots;
  fr__keypoint_slot slot[FR__SLOTS];
  /* the state of a stream */
  fr__hand_state hands[2];
  fr__ring shoulders, eyes;
  fr__keypoint_view view, before;
  float evidence; /* that the right hand is the one that signs, less the left */
  bool left;      /* the left one signs */
  bool weighed;   /* a hand was seen since the last pause */
  size_t unseen;  /* frames without hands */
};

/* MediaPipe's numbers of the face's points that are kept. */
extern const uint16_t fr__keypoint_face[FR__FACE_POINTS];

void fr__keypoint_plan(fr_keypoints *k);
void fr__keypoint_look(fr_keypoints *k, const float *raw);

#endif
