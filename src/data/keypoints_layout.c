/* SPDX-License-Identifier: Apache-2.0 */
/* What the numbers of a raw frame are. */
#include <stdio.h>
#include <string.h>

#include "data/keypoints_state.h"

typedef struct part {
  const char *name;
  size_t points, axes;
} part;

static const part pose = {"pose", 33, 4}, face = {"face", 468, 3},
                  left = {"left_hand", 21, 3}, right = {"right_hand", 21, 3},
                  hand = {"hand", 21, 3}, hand_xy = {"hand", 21, 2};

static const part *const layouts[FR_KEYPOINT_LAYOUTS][5] = {
    [FR_KEYPOINTS_HAND_XY] = {&hand_xy},
    [FR_KEYPOINTS_HAND] = {&hand},
    [FR_KEYPOINTS_HANDS] = {&left, &right},
    [FR_KEYPOINTS_POSE_HANDS] = {&pose, &left, &right},
    [FR_KEYPOINTS_HOLISTIC] = {&pose, &face, &left, &right},
};

static bool is_layout(enum fr_keypoint_layout layout) {
  return (unsigned)layout < FR_KEYPOINT_LAYOUTS;
}

size_t fr_keypoint_width(enum fr_keypoint_layout layout) {
  size_t width = 0;
  for (size_t p = 0; is_layout(layout) && layouts[layout][p] != NULL; p++)
    width += layouts[layout][p]->points * layouts[layout][p]->axes;
  return width;
}

bool fr_keypoint_layout_of(size_t width, enum fr_keypoint_layout *out) {
  for (size_t l = 0; l < FR_KEYPOINT_LAYOUTS; l++)
    if (fr_keypoint_width((enum fr_keypoint_layout)l) == width) {
      *out = (enum fr_keypoint_layout)l;
      return true;
    }
  return false;
}

fr__keypoint_place fr__keypoint_place_of(enum fr_keypoint_layout layout,
                                         const char *name) {
  fr__keypoint_place place = {0};
  for (size_t p = 0; layouts[layout][p] != NULL; p++) {
    const part *const at = layouts[layout][p];
    if (strcmp(at->name, name) == 0)
      return (fr__keypoint_place){place.at, at->points, at->axes};
    place.at += at->points * at->axes;
  }
  return (fr__keypoint_place){0};
}

static enum fr_status add_names(const part *p, fr_names *names, fr_error *err) {
  static const char *const axes[] = {"x", "y", "z", "visibility"};
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < p->points * p->axes && status == FR_OK; i++) {
    char name[48];
    const int length =
        snprintf(name, sizeof name, "%s.%zu.%s", p->name, i / p->axes, axes[i % p->axes]);
    status = fr__names_add(names, name, (size_t)length, NULL, err);
  }
  return status;
}

enum fr_status fr_keypoint_names(enum fr_keypoint_layout layout, fr_names *out,
                                 fr_error *err) {
  fr_names names = {0};
  enum fr_status status = FR_OK;
  for (size_t p = 0; is_layout(layout) && layouts[layout][p] != NULL && status == FR_OK;
       p++)
    status = add_names(layouts[layout][p], &names, err);
  if (status == FR_OK)
    *out = names;
  else
    fr_names_release(&names);
  return status;
}
