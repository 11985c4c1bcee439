/* SPDX-License-Identifier: Apache-2.0 */
/* The life of fr_keypoints, and a frame's features out of what it says. */
#include "frugal/keypoints.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/keypoints_state.h"

/* Of any feature: a hand's points are within some 4 hand sizes, a wrist within some 4
 * shoulder widths; what is beyond is no movement of a person. */
#define MOST 16.0f

/* ---- life ---- */

enum fr_status fr_keypoints_new(const char *text, fr_keypoints **out, fr_error *err) {
  fr__keypoint_options options;
  const enum fr_status status = fr__keypoint_options_read(text, &options, err);
  if (status != FR_OK)
    return status;
  fr_keypoints *const k = calloc(1, sizeof *k);
  if (k == NULL)
    return fr__fail_memory(err, "the features of key points");
  k->options = options;
  fr__keypoint_options_write(&options, k->text);
  k->inputs = fr_keypoint_width(options.layout);
  k->hand[0] = fr__keypoint_place_of(options.layout, "left_hand");
  k->hand[1] = fr__keypoint_place_of(options.layout, "right_hand");
  if (k->hand[0].points == 0)
    k->hand[0] = fr__keypoint_place_of(options.layout, "hand");
  k->pose = fr__keypoint_place_of(options.layout, "pose");
  k->face = fr__keypoint_place_of(options.layout, "face");
  fr__keypoint_plan(k);
  *out = k;
  return FR_OK;
}

void fr_keypoints_free(fr_keypoints *k) { free(k); }

const char *fr_keypoints_text(const fr_keypoints *k) { return k->text; }

size_t fr_keypoints_inputs(const fr_keypoints *k) { return k->inputs; }

size_t fr_keypoints_channels(const fr_keypoints *k) { return k->channels; }

void fr_keypoints_reset(fr_keypoints *k) {
  memset(k->hands, 0, sizeof k->hands);
  memset(&k->shoulders, 0, sizeof k->shoulders);
  memset(&k->eyes, 0, sizeof k->eyes);
  memset(&k->view, 0, sizeof k->view);
  memset(&k->before, 0, sizeof k->before);
  k->evidence = 0;
  k->left = k->weighed = false;
  k->unseen = 0;
}

/* ---- names ---- */

static enum fr_status add_axes(const fr__keypoint_slot *slot, const char *prefix,
                               fr_names *names, fr_error *err) {
  enum fr_status status = FR_OK;
  for (size_t a = 0; a < slot->axes && status == FR_OK; a++) {
    char name[40];
    const int length =
        snprintf(name, sizeof name, "%s.%s%c", slot->name, prefix, (char)('x' + (int)a));
    status = fr__names_add(names, name, (size_t)length, NULL, err);
  }
  return status;
}

enum fr_status fr_keypoints_channel_names(const fr_keypoints *k, fr_names *out,
                                          fr_error *err) {
  fr_names names = {0};
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < k->slots && status == FR_OK; i++) {
    const fr__keypoint_slot *const slot = &k->slot[i];
    if (slot->axes == 0)
      status = fr__names_add(&names, slot->name, strlen(slot->name), NULL, err);
    if (slot->position)
      status = add_axes(slot, "", &names, err);
    if (slot->change && status == FR_OK)
      status = add_axes(slot, "d", &names, err);
  }
  if (status == FR_OK)
    *out = names;
  else
    fr_names_release(&names);
  return status;
}

/* ---- a frame ---- */

static float bounded(float value) { return fminf(fmaxf(value, -MOST), MOST); }

static float *put(const fr__keypoint_slot *slot, bool mirrored, bool found, fr__vec v,
                  float *out) {
  const bool flip = mirrored && !slot->apart, turn = mirrored && slot->apart;
  const float axis[3] = {flip ? -v.x : v.x, turn ? -v.y : v.y, v.z};
  for (size_t a = 0; a < slot->axes; a++)
    out[a] = found ? bounded(axis[a]) : 0;
  return out + slot->axes;
}

void fr_keypoints_frame(fr_keypoints *k, const float *raw, float *features) {
  fr__keypoint_look(k, raw);
  const fr__keypoint_view *const view = &k->view;
  const bool mirrored = k->options.mirror && k->left;
  for (size_t i = 0; i < k->slots; i++) {
    const fr__keypoint_slot *const slot = &k->slot[i];
    float *out = features + slot->channel;
    const bool found = view->found[mirrored ? slot->twin_group : slot->group];
    const size_t p = mirrored ? slot->twin : slot->point;
    if (slot->axes == 0)
      *out = found;
    if (slot->position)
      out = put(slot, mirrored, found, view->at[p], out);
    if (slot->change)
      put(slot, mirrored, view->moved[p], view->change[p], out);
  }
}
