/* SPDX-License-Identifier: Apache-2.0 */
/* The choices of fr_keypoints as text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/csv.h"
#include "base/error.h"
#include "data/keypoints_state.h"

#define BLANKS " \t\r\n"
#define VALUE_MOST 40 /* bytes */

const char *const fr__keypoints_keys[] = {"parts", "mirror", "velocity", "aspect",
                                          "shape", "depth",  "hold",     NULL};

/* ---- values ---- */

typedef struct value {
  const char *key, *text;
} value;

static bool read_yes(const value *v, bool *out) {
  *out = strcmp(v->text, "yes") == 0;
  return *out || strcmp(v->text, "no") == 0;
}

static bool read_frames(const value *v, int64_t high, size_t *out) {
  int64_t frames = 0;
  const bool good = fr__parse_integer(v->text, 0, high, &frames);
  *out = (size_t)frames;
  return good;
}

static bool read_aspect(const value *v, fr__keypoint_options *o) {
  const char *const colon = strchr(v->text, ':');
  return colon != NULL &&
         fr__parse_number(v->text, (size_t)(colon - v->text), &o->wide) &&
         fr__parse_number(colon + 1, strlen(colon + 1), &o->high) && o->wide >= 1 &&
         o->wide <= 10000 && o->high >= 1 && o->high <= 10000 &&
         o->wide <= 10 * o->high && o->high <= 10 * o->wide;
}

static bool read_parts(const value *v, fr__keypoint_options *o) {
  const char *at = v->text, *item = NULL;
  size_t length = 0;
  o->hands = o->pose = o->face = false;
  while (fr__list_next(&at, &item, &length)) {
    bool *const part = length == 5 && memcmp(item, "hands", 5) == 0  ? &o->hands
                       : length == 4 && memcmp(item, "pose", 4) == 0 ? &o->pose
                       : length == 4 && memcmp(item, "face", 4) == 0 ? &o->face
                                                                     : NULL;
    if (part == NULL || *part)
      return false;
    *part = true;
  }
  return o->hands || o->pose || o->face;
}

static enum fr_status fail_value(const value *v, const char *known, fr_error *err) {
  return fr__fail(err, FR_ERR_ARGUMENT, "key points: %s=%s: not %s", v->key, v->text,
                  known);
}

static bool read_shape(const value *v, size_t *out) {
  *out = strcmp(v->text, "20") == 0   ? 20
         : strcmp(v->text, "10") == 0 ? 10
         : strcmp(v->text, "5") == 0  ? 5
                                      : 0;
  return *out > 0;
}

static enum fr_status read_value(const value *v, fr__keypoint_options *o, fr_error *err) {
  bool good = false;
  const char *known = "yes or no";
  if (strcmp(v->key, "parts") == 0) {
    good = read_parts(v, o);
    known = "some of hands,pose,face";
  } else if (strcmp(v->key, "mirror") == 0) {
    good = read_yes(v, &o->mirror);
  } else if (strcmp(v->key, "velocity") == 0) {
    good = read_yes(v, &o->velocity);
  } else if (strcmp(v->key, "depth") == 0) {
    good = read_yes(v, &o->depth);
  } else if (strcmp(v->key, "aspect") == 0) {
    good = read_aspect(v, o);
    known = "WIDTH:HEIGHT, such as 4:3";
  } else if (strcmp(v->key, "shape") == 0) {
    good = read_shape(v, &o->shape);
    known = "20, 10 or 5";
  } else if (strcmp(v->key, "hold") == 0) {
    good = read_frames(v, 30, &o->hold);
    known = "a whole number from 0 to 30";
  }
  return good ? FR_OK : fail_value(v, known, err);
}

/* ---- what a layout has ---- */

static bool is_alone(enum fr_keypoint_layout layout) {
  return layout == FR_KEYPOINTS_HAND_XY || layout == FR_KEYPOINTS_HAND;
}

static fr__keypoint_options usual(enum fr_keypoint_layout layout) {
  const bool pixels = layout == FR_KEYPOINTS_HAND_XY;
  return (fr__keypoint_options){.layout = layout,
                                .hands = true,
                                .pose = layout == FR_KEYPOINTS_POSE_HANDS ||
                                        layout == FR_KEYPOINTS_HOLISTIC,
                                .mirror = !is_alone(layout),
                                .velocity = false,
                                .depth = false,
                                .wide = pixels ? 1 : 4,
                                .high = pixels ? 1 : 3,
                                .shape = 5,
                                .hold = 1};
}

static enum fr_status check(const fr__keypoint_options *o, fr_error *err) {
  const size_t width = fr_keypoint_width(o->layout);
  const bool pose = fr__keypoint_place_of(o->layout, "pose").points > 0;
  const bool face = fr__keypoint_place_of(o->layout, "face").points > 0;
  if ((o->pose && !pose) || (o->face && !face))
    return fr__fail(err, FR_ERR_ARGUMENT, "key points: frames of %zu numbers have no %s",
                    width, o->pose && !pose ? "pose" : "face");
  if (o->mirror && is_alone(o->layout))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "key points: mirror=yes: one hand alone (%zu numbers) does not say "
                    "which it is",
                    width);
  if (o->depth && o->layout == FR_KEYPOINTS_HAND_XY)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "key points: depth=yes: frames of 42 numbers have no z");
  return FR_OK;
}

/* ---- all of it ---- */

enum { PAIRS = 16, TEXT_MOST = 512 };

typedef struct pairs {
  char text[TEXT_MOST];
  size_t count;
  value at[PAIRS];
} pairs;

static bool is_known(const char *key) {
  for (size_t i = 0; fr__keypoints_keys[i] != NULL; i++)
    if (strcmp(fr__keypoints_keys[i], key) == 0)
      return true;
  return strcmp(key, "layout") == 0;
}

static const value *find(const pairs *p, const char *key) {
  for (size_t i = 0; i < p->count; i++)
    if (strcmp(p->at[i].key, key) == 0)
      return &p->at[i];
  return NULL;
}

static enum fr_status add_pair(pairs *p, char *word, fr_error *err) {
  char *const equals = strchr(word, '=');
  if (equals == NULL || strlen(equals) > VALUE_MOST)
    return fr__fail(err, FR_ERR_ARGUMENT, "key points: '%.60s' is not key=value", word);
  *equals = '\0';
  if (!is_known(word))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "key points: '%.60s' is not layout, parts, mirror, velocity, aspect, "
                    "shape, depth or hold",
                    word);
  if (find(p, word) != NULL || p->count == PAIRS)
    return fr__fail(err, FR_ERR_ARGUMENT, "key points: '%s' is given twice", word);
  p->at[p->count++] = (value){word, equals + 1};
  return FR_OK;
}

static enum fr_status cut_pairs(const char *text, pairs *p, fr_error *err) {
  p->count = 0;
  if (strlen(text) >= sizeof p->text)
    return fr__fail(err, FR_ERR_LIMIT, "key points: a text of %d bytes or more",
                    TEXT_MOST);
  strcpy(p->text, text);
  enum fr_status status = FR_OK;
  char *rest = NULL;
  for (char *word = strtok_r(p->text, BLANKS, &rest); word != NULL && status == FR_OK;
       word = strtok_r(NULL, BLANKS, &rest))
    status = add_pair(p, word, err);
  return status;
}

static enum fr_status read_layout(const pairs *p, fr__keypoint_options *out,
                                  fr_error *err) {
  const value *const v = find(p, "layout");
  int64_t width = 0;
  enum fr_keypoint_layout layout;
  if (v == NULL)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "key points: layout= is missing: 42, 63, 126, 258 or 1662");
  if (!fr__parse_integer(v->text, 1, 10000, &width) ||
      !fr_keypoint_layout_of((size_t)width, &layout))
    return fail_value(v, "42, 63, 126, 258 or 1662", err);
  *out = usual(layout);
  return FR_OK;
}

enum fr_status fr__keypoint_options_read(const char *text, fr__keypoint_options *out,
                                         fr_error *err) {
  pairs p;
  fr__keypoint_options read = {0};
  enum fr_status status = cut_pairs(text, &p, err);
  if (status == FR_OK)
    status = read_layout(&p, &read, err);
  for (size_t i = 0; i < p.count && status == FR_OK; i++)
    if (strcmp(p.at[i].key, "layout") != 0)
      status = read_value(&p.at[i], &read, err);
  if (status == FR_OK)
    status = check(&read, err);
  if (status == FR_OK)
    *out = read;
  return status;
}

static const char *yes(bool is) { return is ? "yes" : "no"; }

void fr__keypoint_options_write(const fr__keypoint_options *o, char *text) {
  char parts[24];
  snprintf(parts, sizeof parts, "%s%s%s", o->hands ? ",hands" : "",
           o->pose ? ",pose" : "", o->face ? ",face" : "");
  snprintf(text, FR__KEYPOINT_TEXT,
           "layout=%zu parts=%s mirror=%s velocity=%s aspect=%.9g:%.9g shape=%zu "
           "depth=%s hold=%zu",
           fr_keypoint_width(o->layout), parts + 1, yes(o->mirror), yes(o->velocity),
           o->wide, o->high, o->shape, yes(o->depth), o->hold);
}

enum fr_status fr__keypoints_spec_text(const fr__spec *spec, char **out, fr_error *err) {
  fr__buf text;
  fr__buf_init(&text, 0);
  for (size_t i = 0; fr__keypoints_keys[i] != NULL; i++) {
    const char *const v = fr__spec_value(spec, fr__keypoints_keys[i]);
    if (v != NULL && (v[0] == '\0' || strpbrk(v, BLANKS) != NULL)) {
      fr__buf_release(&text);
      return fr__fail(err, FR_ERR_ARGUMENT, "'%s': '%s=%s' is no value", spec->whole,
                      fr__keypoints_keys[i], v);
    }
    if (v != NULL)
      fr__buf_printf(&text, "%s%s=%s", text.length > 0 ? " " : "", fr__keypoints_keys[i],
                     v);
  }
  char *const copy = text.status == FR_OK ? strdup(fr__buf_text(&text)) : NULL;
  fr__buf_release(&text);
  if (copy == NULL)
    return fr__fail_memory(err, "the choices of key points");
  *out = copy;
  return FR_OK;
}
