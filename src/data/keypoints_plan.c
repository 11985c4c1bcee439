/* SPDX-License-Identifier: Apache-2.0 */
/* Which channels there are, in their order: of each side its hand, wrist and elbow, then
 * how far the hands are apart, then the face. */
#include <stdio.h>
#include <string.h>

#include "data/keypoints_state.h"

/* MediaPipe's numbers of the hand's points that are kept: tips, and the joint below the
 * middle of each finger (PIP; of the thumb MCP). */
static bool is_kept(size_t shape, size_t number) {
  const bool tip = number % 4 == 0, middle = number % 4 == 2;
  return shape == 20 || tip || (shape == 10 && middle);
}

const uint16_t fr__keypoint_face[FR__FACE_POINTS] = {61, 291, 13, 14, 105, 334, 152};
static const uint8_t face_twin[FR__FACE_POINTS] = {1, 0, 2, 3, 5, 4, 6};

static fr__keypoint_slot *add_slot(fr_keypoints *k, fr__keypoint_slot slot) {
  fr__keypoint_slot *const to = &k->slot[k->slots++];
  *to = slot;
  to->channel = k->channels;
  k->channels += slot.axes == 0 ? 1 : (size_t)slot.axes * (slot.position + slot.change);
  return to;
}

/* A group of the person's side `from`, which stands first (0) or second (1). */
static fr__keypoint_slot of_side(size_t group, size_t first, size_t from) {
  return (fr__keypoint_slot){.group = (uint8_t)(group + from),
                             .twin_group = (uint8_t)(group + 1 - from),
                             .point = (uint8_t)(first + from),
                             .twin = (uint8_t)(first + 1 - from)};
}

static void add_mask(fr_keypoints *k, fr__keypoint_slot slot, const char *side,
                     const char *what) {
  slot.axes = 0;
  snprintf(add_slot(k, slot)->name, sizeof slot.name, "%s%s.found", side, what);
}

static void add_hand(fr_keypoints *k, const char *side, size_t from) {
  const fr__keypoint_options *const o = &k->options;
  fr__keypoint_slot slot = of_side(FR__GROUP_HAND, 0, from);
  add_mask(k, slot, side, "");
  slot.axes = o->depth ? 3 : 2;
  slot.position = true;
  slot.change = o->velocity;
  for (size_t i = 0; i < FR__HAND_POINTS; i++) {
    slot.point = (uint8_t)(FR__AT_HAND + from * FR__HAND_POINTS + i);
    slot.twin = (uint8_t)(FR__AT_HAND + (1 - from) * FR__HAND_POINTS + i);
    if (is_kept(o->shape, i + 1))
      snprintf(add_slot(k, slot)->name, sizeof slot.name, "%s.shape.%u", side,
               (unsigned)(i + 1));
  }
}

/* Without a pose there is nothing that the wrist could be relative to but where it was.
 */
static void add_wrist(fr_keypoints *k, const char *side, size_t from) {
  const fr__keypoint_options *const o = &k->options;
  fr__keypoint_slot slot = of_side(FR__GROUP_WRIST, FR__AT_WRIST, from);
  if (o->pose)
    add_mask(k, slot, side, ".wrist");
  slot.axes = 2;
  slot.position = o->pose;
  slot.change = !o->pose || o->velocity;
  snprintf(add_slot(k, slot)->name, sizeof slot.name, "%s.wrist", side);
}

static void add_elbow(fr_keypoints *k, const char *side, size_t from) {
  fr__keypoint_slot slot = of_side(FR__GROUP_ELBOW, FR__AT_ELBOW, from);
  add_mask(k, slot, side, ".elbow");
  slot.axes = 2;
  slot.position = true;
  slot.change = k->options.velocity;
  snprintf(add_slot(k, slot)->name, sizeof slot.name, "%s.elbow", side);
}

static void add_apart(fr_keypoints *k) {
  fr__keypoint_slot slot = {.group = FR__GROUP_APART,
                            .twin_group = FR__GROUP_APART,
                            .point = FR__AT_APART,
                            .twin = FR__AT_APART,
                            .axes = 2,
                            .position = true,
                            .change = k->options.velocity,
                            .apart = true};
  snprintf(add_slot(k, slot)->name, sizeof slot.name, "hands.apart");
}

static void add_face(fr_keypoints *k) {
  fr__keypoint_slot slot = {.group = FR__GROUP_FACE, .twin_group = FR__GROUP_FACE};
  add_mask(k, slot, "face", "");
  slot.axes = 2;
  slot.position = true;
  slot.change = k->options.velocity;
  for (size_t i = 0; i < FR__FACE_POINTS; i++) {
    slot.point = (uint8_t)(FR__AT_FACE + i);
    slot.twin = (uint8_t)(FR__AT_FACE + face_twin[i]);
    snprintf(add_slot(k, slot)->name, sizeof slot.name, "face.shape.%u",
             (unsigned)fr__keypoint_face[i]);
  }
}

void fr__keypoint_plan(fr_keypoints *k) {
  static const char *const sides[2][2] = {{"left", "right"}, {"main", "other"}};
  const fr__keypoint_options *const o = &k->options;
  const bool alone = k->hand[1].points == 0;
  for (size_t i = 0; i < (alone ? 1u : 2u); i++) {
    const size_t from = o->mirror ? 1 - i : i; /* main is right */
    const char *const side = alone ? "hand" : sides[o->mirror][i];
    if (o->hands)
      add_hand(k, side, from);
    if (o->hands || o->pose)
      add_wrist(k, side, from);
    if (o->pose)
      add_elbow(k, side, from);
  }
  if (o->hands && !o->pose && !alone)
    add_apart(k);
  if (o->face)
    add_face(k);
}
