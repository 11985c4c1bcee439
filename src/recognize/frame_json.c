/* SPDX-License-Identifier: Apache-2.0 */
#include "recognize/frame_json.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "recognize/frames.h"

#define SHOWN 16 /* bytes of what is not accepted */

typedef struct cursor {
  const char *at, *end;
  char *why; /* (room); the first reason stays */
  size_t room;
} cursor;

/* The line may hold anything, and be cut within a letter: what is not ASCII is a '?'. */
static bool refuse(cursor *c, const char *what) {
  char shown[SHOWN + 1] = "";
  size_t left = (size_t)(c->end - c->at);
  left = left < SHOWN ? left : SHOWN;
  for (size_t i = 0; i < left; i++)
    shown[i] = c->at[i] >= ' ' && c->at[i] <= '~' ? c->at[i] : '?';
  if (left == 0)
    snprintf(c->why, c->room, "it ends where %s is expected", what);
  else
    snprintf(c->why, c->room, "'%s' where %s is expected", shown, what);
  return false;
}

static void pass_blanks(cursor *c) {
  while (c->at < c->end &&
         (*c->at == ' ' || *c->at == '\t' || *c->at == '\r' || *c->at == '\n'))
    c->at++;
}

/* Whether the next character, blanks apart, is `what`, which is then passed. */
static bool takes(cursor *c, char what) {
  pass_blanks(c);
  if (c->at == c->end || *c->at != what)
    return false;
  c->at++;
  return true;
}

static bool takes_word(cursor *c, const char *word) {
  const size_t size = strlen(word);
  if ((size_t)(c->end - c->at) < size || memcmp(c->at, word, size) != 0)
    return false;
  c->at += size;
  return true;
}

/* ---- numbers ---- */

static bool read_number(cursor *c, double *out) {
  pass_blanks(c);
  const char *const behind =
      c->at < c->end && *c->at != '+' ? fr__scan_number(c->at, c->end, out) : NULL;
  if (behind == NULL || !isfinite(*out))
    return refuse(c, "a number");
  c->at = behind;
  return true;
}

static bool read_value(cursor *c, float *out) {
  double value;
  pass_blanks(c);
  if (takes_word(c, "null")) {
    *out = NAN;
    return true;
  }
  const char *const number = c->at;
  if (!read_number(c, &value))
    return false;
  if (fabs(value) > (double)FLT_MAX) {
    c->at = number;
    return refuse(c, "a number that float32 holds");
  }
  *out = (float)value;
  return true;
}

static bool read_frame(cursor *c, size_t width, float *frame) {
  size_t count = 0;
  if (!takes(c, '['))
    return refuse(c, "an array of numbers");
  if (!takes(c, ']')) {
    do {
      float value;
      if (!read_value(c, &value))
        return false;
      if (count < width)
        frame[count] = value;
      count++;
    } while (takes(c, ','));
    if (!takes(c, ']'))
      return refuse(c, "',' or ']'");
  }
  if (count == width)
    return true;
  snprintf(c->why, c->room, "%zu numbers, where a frame of this model has %zu", count,
           width);
  return false;
}

/* ---- what is passed over ---- */

/* The content of a string into *text, as it stands there. */
static bool read_string(cursor *c, const char **text, size_t *size) {
  if (!takes(c, '"'))
    return refuse(c, "'\"'");
  *text = c->at;
  while (c->at < c->end && *c->at != '"')
    c->at += *c->at == '\\' && c->end - c->at > 1 ? 2 : 1;
  if (c->at == c->end)
    return refuse(c, "'\"'");
  *size = (size_t)(c->at - *text);
  c->at++;
  return true;
}

static bool pass_scalar(cursor *c) {
  const char *text;
  size_t size;
  double number;
  pass_blanks(c);
  if (c->at < c->end && *c->at == '"')
    return read_string(c, &text, &size);
  if (takes_word(c, "true") || takes_word(c, "false") || takes_word(c, "null"))
    return true;
  return read_number(c, &number);
}

/* A member's name, where `closer` says that an object is open. */
static bool pass_name(cursor *c, char closer) {
  const char *text;
  size_t size;
  if (closer != '}')
    return true;
  if (!read_string(c, &text, &size))
    return false;
  return takes(c, ':') || refuse(c, "':'");
}

/* Any value; what is open is a stack of closing brackets, so nothing recurs. */
static bool pass_value(cursor *c) {
  char closer[FR__FRAME_DEPTH];
  size_t depth = 0;
  for (;;) {
    const bool array = takes(c, '['), object = !array && takes(c, '{');
    if (array || object) {
      if (depth == FR__FRAME_DEPTH)
        return refuse(c, "a value that is not nested so deep");
      closer[depth++] = array ? ']' : '}';
      if (!takes(c, closer[depth - 1])) {
        if (!pass_name(c, closer[depth - 1]))
          return false;
        continue;
      }
      depth--;
    } else if (!pass_scalar(c)) {
      return false;
    }
    while (depth > 0 && takes(c, closer[depth - 1]))
      depth--;
    if (depth == 0)
      return true;
    if (!takes(c, ','))
      return refuse(c, closer[depth - 1] == ']' ? "',' or ']'" : "',' or '}'");
    if (!pass_name(c, closer[depth - 1]))
      return false;
  }
}

/* ---- the line ---- */

typedef struct members {
  bool frame, t;
} members;

static bool is_name(const char *text, size_t size, const char *name) {
  return size == strlen(name) && memcmp(text, name, size) == 0;
}

static bool is_second(cursor *c, bool *seen, const char *name) {
  if (*seen)
    snprintf(c->why, c->room, "\"%s\" is there twice", name);
  const bool second = *seen;
  *seen = true;
  return second;
}

static bool read_member(cursor *c, size_t width, float *frame, double *t_s,
                        members *seen) {
  const char *name;
  size_t size;
  if (!read_string(c, &name, &size))
    return false;
  if (!takes(c, ':'))
    return refuse(c, "':'");
  if (is_name(name, size, "frame"))
    return !is_second(c, &seen->frame, "frame") && read_frame(c, width, frame);
  if (is_name(name, size, "t"))
    return !is_second(c, &seen->t, "t") && read_number(c, t_s);
  return pass_value(c);
}

static bool read_object(cursor *c, size_t width, float *frame, double *t_s) {
  members seen = {0};
  if (!takes(c, '}')) {
    do {
      if (!read_member(c, width, frame, t_s, &seen))
        return false;
    } while (takes(c, ','));
    if (!takes(c, '}'))
      return refuse(c, "',' or '}'");
  }
  if (!seen.frame)
    snprintf(c->why, c->room, "there is no \"frame\" in it");
  return seen.frame;
}

bool fr__frame_json(const char *text, size_t size, size_t width, float *frame,
                    double *t_s, char *why, size_t room) {
  cursor c = {.at = text, .end = text + size, .why = why, .room = room};
  *t_s = NAN;
  pass_blanks(&c);
  const bool object = c.at < c.end && *c.at == '{';
  if (!object && (c.at == c.end || *c.at != '['))
    return refuse(&c, "an array of numbers, or an object with \"frame\",");
  if (object ? !takes(&c, '{') || !read_object(&c, width, frame, t_s)
             : !read_frame(&c, width, frame))
    return false;
  pass_blanks(&c);
  return c.at == c.end || refuse(&c, "the line's end");
}
