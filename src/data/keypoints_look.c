/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a raw frame says of hands, arms and face: positions relative to the wrist, the
 * middle of the shoulders or the nose, in units of the hand, the shoulders or the eyes'
 * distance, level with the shoulders. Lengths are first brought to heights of the
 * picture: x and z times width / height.
 */
#include <math.h>
#include <string.h>

#include "data/keypoints_state.h"

/* MediaPipe's numbers (PoseLandmark, the left of each pair; HandLandmark; face mesh). */
enum { SHOULDER = 11, ELBOW = 13, WRIST = 15, MIDDLE_MCP = 9 };
enum { NOSE = 1, RIGHT_EYE = 33, LEFT_EYE = 263 };

#define FARTHEST 100.0f /* pictures: what is beyond is no place */
#define SMALLEST 1e-4f  /* heights of the picture: what is smaller has no size */
#define SEEN 0.5f       /* visibility of a point of the pose that counts as found */

/* ---- numbers to points ---- */

/* False where the numbers are no places, or all 0: not found. */
static bool is_there(const float *raw, size_t count) {
  bool any = false, near = true;
  for (size_t i = 0; i < count; i++) { /* to the end: a few vectors, no branches */
    near &= fabsf(raw[i]) <= FARTHEST;
    any |= raw[i] != 0;
  }
  return any && near;
}

static fr__vec vec_of(const fr_keypoints *k, fr__keypoint_place part, size_t number,
                      const float *raw) {
  const float aspect = (float)(k->options.wide / k->options.high);
  const float *const v = raw + part.at + number * part.axes;
  return (fr__vec){v[0] * aspect, v[1], part.axes > 2 ? v[2] * aspect : 0};
}

static fr__vec minus(fr__vec a, fr__vec b) {
  return (fr__vec){a.x - b.x, a.y - b.y, a.z - b.z};
}

static fr__vec times(fr__vec a, float by) {
  return (fr__vec){a.x * by, a.y * by, a.z * by};
}

static float length_of(fr__vec a) { return sqrtf(a.x * a.x + a.y * a.y + a.z * a.z); }

static float flat_length(fr__vec a) { return sqrtf(a.x * a.x + a.y * a.y); }

/* ---- sizes ---- */

/* Of an even number the lower middle one: a length that was measured. */
static float median_of(const float *length, size_t count) {
  float sorted[FR__RING];
  for (size_t i = 0; i < count; i++) {
    size_t at = i;
    for (; at > 0 && sorted[at - 1] > length[i]; at--)
      sorted[at] = sorted[at - 1];
    sorted[at] = length[i];
  }
  return count > 0 ? sorted[(count - 1) / 2] : 0;
}

static void ring_add(fr__ring *ring, fr__vec v, float length) {
  const float flat = flat_length(v);
  ring->length[ring->next] = length;
  ring->x[ring->next] = flat > 0 ? v.x / flat : 0;
  ring->y[ring->next] = flat > 0 ? v.y / flat : 0;
  ring->next = (ring->next + 1) % FR__RING;
  ring->count += ring->count < FR__RING;
  ring->median = median_of(ring->length, ring->count);
}

/* The mean direction; to the right where there is none. */
static fr__vec ring_direction(const fr__ring *ring) {
  fr__vec sum = {0};
  for (size_t i = 0; i < ring->count; i++) {
    sum.x += ring->x[i];
    sum.y += ring->y[i];
  }
  const float length = flat_length(sum);
  return length > 0.1f ? times(sum, 1 / length) : (fr__vec){1, 0, 0};
}

/* `level` is where the line of the shoulders points, from right to left. */
static fr__vec turned(fr__vec v, fr__vec level) {
  return (fr__vec){v.x * level.x + v.y * level.y, v.y * level.x - v.x * level.y, v.z};
}

/* ---- body ---- */

typedef struct body {
  bool found;
  fr__vec middle, level;
  float width;
} body;

static body look_at_body(fr_keypoints *k, const float *raw) {
  body b = {.level = {1, 0, 0}};
  if (!k->options.pose)
    return b;
  const float *const from = raw + k->pose.at + SHOULDER * k->pose.axes;
  if (is_there(from, 6 * k->pose.axes)) {
    const fr__vec left = vec_of(k, k->pose, SHOULDER, raw);
    const fr__vec right = vec_of(k, k->pose, SHOULDER + 1, raw);
    const fr__vec line = minus(left, right);
    b.found = flat_length(line) > SMALLEST;
    b.middle = times((fr__vec){left.x + right.x, left.y + right.y, 0}, 0.5f);
    if (b.found)
      ring_add(&k->shoulders, line, flat_length(line));
  }
  b.level = ring_direction(&k->shoulders);
  b.width = k->shoulders.median;
  return b;
}

/* A point of the picture, relative to the shoulders. */
static fr__vec on_body(const body *b, fr__vec v) {
  return turned(times(minus(v, b->middle), 1 / b->width), b->level);
}

static bool is_seen(const fr_keypoints *k, size_t number, const float *raw) {
  return raw[k->pose.at + number * k->pose.axes + 3] >= SEEN;
}

static void look_at_arm(fr_keypoints *k, size_t side, const body *b, const float *raw) {
  fr__keypoint_view *const view = &k->view;
  const bool hand = k->hands[side].kept && k->hands[side].lost <= k->options.hold;
  if (!b->found)
    return;
  view->found[FR__GROUP_ELBOW + side] = is_seen(k, ELBOW + side, raw);
  view->at[FR__AT_ELBOW + side] = on_body(b, vec_of(k, k->pose, ELBOW + side, raw));
  view->found[FR__GROUP_WRIST + side] = hand || is_seen(k, WRIST + side, raw);
  view->at[FR__AT_WRIST + side] =
      on_body(b, hand ? k->hands[side].point[0] : vec_of(k, k->pose, WRIST + side, raw));
}

/* ---- hands ---- */

/* Root of the mean square of the ways from the wrist to the four fingers' first joints:
 * bones of the palm, whose length no bent finger alters. */
static float palm_of(const fr__vec *point) {
  float sum = 0;
  for (size_t i = 5; i <= 17; i += 4) {
    const float way = length_of(minus(point[i], point[0]));
    sum += way * way;
  }
  return sqrtf(sum / 4);
}

/* The hand of this frame, or one lost not long ago, into k->hands[side]. */
static bool take_hand(fr_keypoints *k, size_t side, const float *raw) {
  fr__hand_state *const h = &k->hands[side];
  const fr__keypoint_place part = k->hand[side];
  if (part.points > 0 && is_there(raw + part.at, part.points * part.axes)) {
    fr__vec point[FR__HAND_POINTS + 1];
    for (size_t i = 0; i <= FR__HAND_POINTS; i++)
      point[i] = vec_of(k, part, i, raw);
    const float size = palm_of(point);
    if (size > SMALLEST) {
      ring_add(&h->size, minus(point[MIDDLE_MCP], point[0]), size);
      memcpy(h->point, point, sizeof point);
      h->kept = true;
      h->lost = 0;
      return true;
    }
  }
  h->lost += h->kept;
  return h->kept && h->lost <= k->options.hold;
}

static void look_at_hand(fr_keypoints *k, size_t side, const body *b) {
  fr__keypoint_view *const view = &k->view;
  const fr__hand_state *const h = &k->hands[side];
  const float unit = 1 / h->size.median;
  view->found[FR__GROUP_HAND + side] = true;
  for (size_t i = 0; i < FR__HAND_POINTS; i++)
    view->at[FR__AT_HAND + side * FR__HAND_POINTS + i] =
        turned(times(minus(h->point[i + 1], h->point[0]), unit), b->level);
}

/* Without a body: the way of the wrist since the frame before, in hand sizes. */
static void follow_wrist(fr_keypoints *k, size_t side, bool found) {
  fr__keypoint_view *const view = &k->view;
  fr__hand_state *const h = &k->hands[side];
  const size_t p = FR__AT_WRIST + side;
  view->found[FR__GROUP_WRIST + side] = found;
  view->moved[p] = found && h->has_wrist;
  if (view->moved[p])
    view->change[p] = times(minus(h->point[0], h->wrist), 1 / h->size.median);
  h->wrist = h->point[0];
  h->has_wrist = found;
}

static void look_between(fr_keypoints *k, const body *b) {
  const fr__hand_state *const left = &k->hands[0], *const right = &k->hands[1];
  const float unit = 2 / (left->size.median + right->size.median);
  k->view.found[FR__GROUP_APART] = true;
  k->view.at[FR__AT_APART] =
      turned(times(minus(left->point[0], right->point[0]), unit), b->level);
}

/* ---- face ---- */

static void look_at_face(fr_keypoints *k, const body *b, const float *raw) {
  fr__keypoint_view *const view = &k->view;
  if (!is_there(raw + k->face.at, k->face.points * k->face.axes))
    return;
  const fr__vec eyes =
      minus(vec_of(k, k->face, LEFT_EYE, raw), vec_of(k, k->face, RIGHT_EYE, raw));
  const fr__vec nose = vec_of(k, k->face, NOSE, raw);
  if (flat_length(eyes) <= SMALLEST)
    return;
  ring_add(&k->eyes, eyes, flat_length(eyes));
  const float unit = 1 / k->eyes.median;
  view->found[FR__GROUP_FACE] = true;
  for (size_t i = 0; i < FR__FACE_POINTS; i++)
    view->at[FR__AT_FACE + i] =
        turned(times(minus(vec_of(k, k->face, fr__keypoint_face[i], raw), nose), unit),
               b->level);
}

/* ---- which hand signs ---- */

#define FORGET 0.9f     /* of the evidence, a frame */
#define SPEED 0.3f      /* of being there at all, at one hand size a frame or more */
#define ENOUGH 2.0f     /* evidence that the left hand signs, to take it */
#define TOO_LITTLE 0.5f /* evidence for it, to keep it */
#define EVIDENCE 4.0f   /* at most */
#define PAUSE 15        /* frames without hands, behind which who signs is open again */

/* A hand that is there speaks for itself, the more the faster it is. */
static float activity(const fr__hand_state *h, fr__vec before, bool had) {
  if (!had)
    return 1;
  const float way = flat_length(minus(h->point[0], before)) / h->size.median;
  return 1 + SPEED * fminf(way, 1);
}

/*
 * The sum of right less left, forgotten within a third of a second, says which hand
 * signs: one that is seen alone behind a pause, else the right one until the left has
 * shown that it does, and while it still does. Both hands change their places together,
 * and not for a frame in which one is lost. What was longer ago does not count, so that a
 * sign within a stream has the features that it has alone.
 */
static void weigh_hands(fr_keypoints *k, const fr__vec before[2], const bool had[2]) {
  bool there[2];
  float active[2] = {0};
  for (size_t s = 0; s < 2; s++) {
    there[s] =
        k->hands[s].kept && k->hands[s].lost == 0; /* one that is held says nothing */
    if (there[s])
      active[s] = activity(&k->hands[s], before[s], had[s]);
  }
  k->unseen = there[0] || there[1] ? 0 : k->unseen + 1;
  if (k->unseen >= PAUSE) {
    k->weighed = false;
    k->evidence = 0;
  }
  if (!k->weighed && k->unseen == 0) {
    k->left = there[0] && !there[1];
    k->weighed = true;
  }
  k->evidence = FORGET * k->evidence + active[1] - active[0];
  k->evidence = fminf(fmaxf(k->evidence, -EVIDENCE), EVIDENCE);
  if (k->evidence < -ENOUGH)
    k->left = true;
  else if (k->evidence > -TOO_LITTLE)
    k->left = false;
}

/* ---- all of it ---- */

static size_t group_of(size_t p) {
  if (p < FR__AT_WRIST)
    return FR__GROUP_HAND + p / FR__HAND_POINTS;
  if (p < FR__AT_ELBOW)
    return FR__GROUP_WRIST + p - FR__AT_WRIST;
  if (p < FR__AT_APART)
    return FR__GROUP_ELBOW + p - FR__AT_ELBOW;
  return p < FR__AT_FACE ? FR__GROUP_APART : FR__GROUP_FACE;
}

static void compare(fr_keypoints *k) {
  const bool posed = k->options.pose;
  for (size_t p = 0; p < FR__POINTS; p++) {
    const size_t group = group_of(p);
    if (!posed && (group == FR__GROUP_WRIST || group == FR__GROUP_WRIST + 1))
      continue; /* follow_wrist has it */
    k->view.moved[p] = k->view.found[group] && k->before.found[group];
    k->view.change[p] = minus(k->view.at[p], k->before.at[p]);
  }
}

void fr__keypoint_look(fr_keypoints *k, const float *raw) {
  const fr__vec wrist[2] = {k->hands[0].point[0], k->hands[1].point[0]};
  const bool had[2] = {k->hands[0].kept && k->hands[0].lost == 0,
                       k->hands[1].kept && k->hands[1].lost == 0};
  bool found[2];
  if (k->options.velocity)
    k->before = k->view;
  memset(&k->view, 0, sizeof k->view);
  const body b = look_at_body(k, raw);
  for (size_t s = 0; s < 2; s++) {
    found[s] = take_hand(k, s, raw);
    if (found[s])
      look_at_hand(k, s, &b);
    if (k->options.pose)
      look_at_arm(k, s, &b, raw);
    else
      follow_wrist(k, s, found[s]);
  }
  if (found[0] && found[1])
    look_between(k, &b);
  if (k->options.face)
    look_at_face(k, &b, raw);
  if (k->options.mirror)
    weigh_hands(k, wrist, had);
  if (k->options.velocity)
    compare(k);
}
