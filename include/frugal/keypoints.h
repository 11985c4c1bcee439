/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keypoints: frames of MediaPipe's key points -> features that say how hands, arms and
 * face are held and move, and nothing of the room, the distance, the camera or (as far
 * as proportions go) the person. Part of room data; formulas in docs/keypoints.md.
 *
 * A raw frame holds x and y as shares of the picture's width and height, z of about x's
 * scale; a part that was not found is all zeros. Features are causal: those of a frame
 * depend on it and on earlier ones, so that recordings and a camera's stream take the
 * same way. One object is one stream; different objects may be used by different threads.
 */
#ifndef FRUGAL_KEYPOINTS_H
#define FRUGAL_KEYPOINTS_H

#include "frugal/data.h"

enum fr_keypoint_layout {
  FR_KEYPOINTS_HAND_XY,    /* 42: 21 (x, y) of one hand */
  FR_KEYPOINTS_HAND,       /* 63: 21 (x, y, z) of one hand */
  FR_KEYPOINTS_HANDS,      /* 126: left hand, right hand */
  FR_KEYPOINTS_POSE_HANDS, /* 258: 33 (x, y, z, visibility) of the pose, hands */
  FR_KEYPOINTS_HOLISTIC    /* 1662: pose, 468 (x, y, z) of the face, hands */
};
#define FR_KEYPOINT_LAYOUTS 5

/* The layout of frames of `width` numbers; false where there is none. */
bool fr_keypoint_layout_of(size_t width, enum fr_keypoint_layout *out);
size_t fr_keypoint_width(enum fr_keypoint_layout layout);
/* Names of the raw numbers, PART.NUMBER.AXIS as in docs/data.md. */
enum fr_status fr_keypoint_names(enum fr_keypoint_layout layout, fr_names *out,
                                 fr_error *err);

/* What turns frames into features: the choices, and the state of one stream. */
typedef struct fr_keypoints fr_keypoints;

/*
 * `text` is key=value with blanks between, every key but `layout` may be left out:
 *   layout=126     numbers of a raw frame: 42, 63, 126, 258 or 1662
 *   parts=LIST     of hands, pose and face; usually hands,pose where there is a pose,
 *                  else hands
 *   mirror=yes|no  whoever signs with the left hand alone, or does so before a mirror,
 *                  becomes one who signs with the right; two hands stay as they are
 *   velocity=yes|no  the change of each feature since the frame before, beside it
 *   aspect=4:3     the picture's width to its height (42: 1:1, its numbers are pixels)
 *   shape=5|10|20  points of each hand: tips, tips and middle joints, all
 *   depth=yes|no   z of hands' points
 *   hold=1         frames for which a hand that is lost keeps its last shape, 0 to 30
 * Where nothing is said: mirror=yes (one hand alone: no, which is all it can),
 * velocity=no, depth=no. FR_ERR_ARGUMENT with the reason where a key or value is not
 * known, is there twice or cannot be had of the layout.
 */
enum fr_status fr_keypoints_new(const char *text, fr_keypoints **out, fr_error *err);
void fr_keypoints_free(fr_keypoints *k);

/* With every key, in a fixed order: the same text is the same features. */
const char *fr_keypoints_text(const fr_keypoints *k);
size_t fr_keypoints_inputs(const fr_keypoints *k);   /* numbers of a raw frame */
size_t fr_keypoints_channels(const fr_keypoints *k); /* of a feature frame */
enum fr_status fr_keypoints_channel_names(const fr_keypoints *k, fr_names *out,
                                          fr_error *err);

/* The next frame is a sequence's first. */
void fr_keypoints_reset(fr_keypoints *k);

/* Always finite, whatever `raw` holds: a part with a number that is none, or is beyond
 * all pictures, was not found. */
void fr_keypoints_frame(fr_keypoints *k, const float *raw, /* (inputs) */
                        float *features /* (channels) */);

#endif
