/* SPDX-License-Identifier: Apache-2.0 */
/* Names beside points: each takes the first free place on rings around its point. Greedy
 * and in order, as in Christensen, Marks and Shieber (1995), whose better methods move
 * labels again; here the important ones come first and stay. */
#include "report/front.h"

#include <math.h>

#define TALL 15.0     /* pixels that a line of text takes */
#define MARK 6.0      /* half a point's mark */
#define DIRECTIONS 16 /* of a ring */
#define RINGS 6
#define NEAR 10.0 /* pixels from the point to the text on the first ring */
#define RING 13.0 /* from one ring to the next */

typedef struct box {
  double left, right, low, high;
} box;

static box box_of(const fr__label *label) {
  return (box){label->x, label->x + label->width, label->y - TALL / 2,
               label->y + TALL / 2};
}

static bool overlap(box a, box b) {
  return a.left < b.right && b.left < a.right && a.low < b.high && b.low < a.high;
}

static bool is_free(const fr__label *label, size_t count, size_t i, double width,
                    double height) {
  const box own = box_of(&label[i]);
  if (own.left < 0 || own.right > width || own.low < 0 || own.high > height)
    return false;
  for (size_t k = 0; k < count; k++) {
    const fr__label *other = &label[k];
    const box mark = {other->at_x - MARK, other->at_x + MARK, other->at_y - MARK,
                      other->at_y + MARK};
    if (overlap(own, mark) || (other->placed && overlap(own, box_of(other))))
      return false;
  }
  return true;
}

/* The text's nearest edge lies `away` from the point, in that direction. */
static void put_at(fr__label *label, double angle, double away) {
  const double across = cos(angle);
  label->x = label->at_x + away * across - label->width * (1 - across) / 2;
  label->y = label->at_y + (away + TALL / 4) * sin(angle);
}

/* Degrees; level ones last: a stair and error bars lie there. */
static const double directions[DIRECTIONS] = {35,  -35,  145, -145, 90,  -90,  60, -60,
                                              120, -120, 15,  -15,  165, -165, 0,  180};

void fr__labels_place(fr__label *label, size_t count, double width, double height) {
  const double degree = acos(-1.0) / 180;
  for (size_t i = 0; i < count; i++)
    for (int try = 0; try < RINGS * DIRECTIONS && !label[i].placed; try++) {
      const int ring = try / DIRECTIONS;
      put_at(&label[i], directions[try % DIRECTIONS] * degree, NEAR + RING * ring);
      label[i].placed = is_free(label, count, i, width, height);
      label[i].apart = ring > 0;
    }
}
