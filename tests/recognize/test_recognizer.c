/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames become signs. The network is avgpool(all) dense, whose weights are set by hand:
 * channel c at 1 throughout a window gives class c the logit 8, and every class has the
 * bias 0 but no sign, which has 4; so with m of 4 frames a class has the odds
 * e^(2m) : e^4 : 1, which the checks below are computed from.
 */
#include <math.h>

#include "../allocations.h"
#include "../test.h"

#include "base/rng.h"
#include "frugal/keypoints.h"
#include "frugal/recognize.h"

enum { WAVE, NOD, NOTHING, CLASSES };

#define WINDOW ((size_t)4)
#define CHANNELS ((size_t)2)
#define RATE_HZ 10.0

static char wave_name[] = "wave", nod_name[] = "nod", nothing_name[] = FR_NO_SIGN;
static char *class_names[] = {wave_name, nod_name, nothing_name};

static void set_weights(fr_net *net) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  assert_int_equal(count, 2);
  assert_int_equal(tensor[0].count, CHANNELS * CLASSES);
  tensor[0].value[WAVE * CLASSES + WAVE] = 8; /* (C, K) */
  tensor[0].value[NOD * CLASSES + NOD] = 8;
  tensor[1].value[NOTHING] = 4;
}

static void make_model(fr_model *model) {
  *model = (fr_model){.classes = {CLASSES, class_names}, .rate_hz = RATE_HZ};
  ASSERT_OK(fr_net_new("avgpool(all) dense(classes)", (fr_shape){WINDOW, CHANNELS},
                       CLASSES, &model->net, err));
  set_weights(model->net);
}

/* No smoothing; a sign lasts at least two frames. */
static fr_recognizer_options plain(void) {
  fr_recognizer_options o = fr_recognizer_default_options();
  o.smooth_s = 0;
  o.begin = 0.6F;
  o.end = 0.5F;
  o.least_s = 0.2;
  o.rest_s = 0.3;
  return o;
}

typedef struct fixture {
  fr_model model;
  fr_recognizer *r;
} fixture;

static void set_up(fixture *f, const fr_recognizer_options *options) {
  make_model(&f->model);
  ASSERT_OK(fr_recognizer_new(&f->model, options, &f->r, err));
}

static void tear_down(fixture *f) {
  fr_recognizer_free(f->r);
  fr_net_free(f->model.net);
}

/* `count` frames of one class (NOTHING: zeros), without times; how many signs. */
static int hold(fr_recognizer *r, uint32_t sign, int count, fr_recognized *out) {
  int told = 0;
  const float frame[CHANNELS] = {sign == WAVE, sign == NOD};
  for (int i = 0; i < count; i++)
    told += fr_recognizer_push(r, NAN, frame, out) ? 1 : 0;
  return told;
}

static void assert_near(double got, double want) {
  if (!(fabs(got - want) < 1e-5))
    fail_msg("%.9g is not %.9g", got, want);
}

/* Of a window with m frames of the sign. */
static double share_of(double m) { return exp(2 * m) / (exp(2 * m) + exp(4) + 1); }

static void probabilities_are_those_of_the_window(void **state) {
  (void)state;
  fixture f;
  fr_recognized told;
  const fr_recognizer_options o = plain();
  set_up(&f, &o);
  assert_int_equal(fr_recognizer_inputs(f.r), CHANNELS);
  hold(f.r, WAVE, 3, &told);
  assert_null(fr_recognizer_answer(f.r)); /* no window yet */
  for (int m = 4; m > 0; m--) {
    hold(f.r, m == 4 ? WAVE : NOTHING, 1, &told);
    assert_near((double)fr_recognizer_answer(f.r)[WAVE], share_of(m));
  }
  tear_down(&f);
}

static void a_warmer_softmax_is_less_sure(void **state) {
  (void)state;
  fixture f;
  fr_recognized told;
  fr_recognizer_options o = plain();
  o.temperature = 4;
  set_up(&f, &o);
  hold(f.r, WAVE, 4, &told);
  assert_near((double)fr_recognizer_answer(f.r)[WAVE],
              exp(2) / (exp(2) + exp(1) + 1)); /* logits 8, 4 and 0 over 4 */
  tear_down(&f);
}

static void the_mean_is_exponential(void **state) {
  (void)state;
  fixture f;
  fr_recognized told;
  fr_recognizer_options o = plain();
  o.smooth_s = 0.2; /* two frames: e^(-1/2) of the old mean stays */
  set_up(&f, &o);
  hold(f.r, NOTHING, 4, &told);
  double mean = share_of(0);
  for (int m = 1; m <= 4; m++) {
    hold(f.r, WAVE, 1, &told);
    mean = exp(-0.5) * mean + (1 - exp(-0.5)) * share_of(m);
    assert_near((double)fr_recognizer_answer(f.r)[WAVE], mean);
  }
  tear_down(&f);
}

/* A mean that keeps e^(-1/2) of itself from answer to answer is older by the sum of n
 * e^(-n/2) (1 - e^(-1/2)) answers. */
static void the_mean_lags_behind(void **state) {
  (void)state;
  fixture f;
  fr_recognized told = {0};
  int at = 0, rose = 0;
  double age = 0;
  fr_recognizer_options o = plain();
  o.smooth_s = 0.2;
  set_up(&f, &o);
  for (int n = 1; n < 200; n++)
    age += n * exp(-0.5 * n) * (1 - exp(-0.5));
  for (hold(f.r, NOTHING, 20, &told); rose == 0; at++) {
    hold(f.r, WAVE, 1, &told);
    rose = fr_recognizer_answer(f.r)[WAVE] >= 0.6F ? 20 + at : 0;
  }
  hold(f.r, WAVE, 10, &told);
  assert_true(fr_recognizer_end(f.r, &told));
  assert_near(told.start_s, 0.1 * (rose - 1.5 - age));
  tear_down(&f);
}

/* 3 of a window's 4 frames pass 0.6 with 0.88; 2 are still above half of the peak with
 * 0.495, one is not. */
static void a_performance_is_one_line(void **state) {
  (void)state;
  fixture f;
  fr_recognized told = {0};
  const fr_recognizer_options o = plain();
  set_up(&f, &o);
  assert_int_equal(hold(f.r, NOTHING, 10, &told), 0);
  assert_int_equal(hold(f.r, NOD, 6, &told), 0); /* frames 10 to 15 */
  assert_int_equal(hold(f.r, NOTHING, 2, &told), 0);
  assert_int_equal(hold(f.r, NOTHING, 20, &told), 1);
  assert_int_equal(told.sign, NOD);
  assert_near((double)told.confidence, share_of(4));
  /* the window has three of its frames from frame 12 on, and one at frame 18; a window's
   * answer is about 1.5 frames before its last */
  assert_near(told.start_s, 1.2 - 0.15);
  assert_near(told.end_s, 1.8 - 0.15);
  assert_near(told.said_s, 1.8);
  tear_down(&f);
}

static void times_are_those_of_the_frames(void **state) {
  (void)state;
  fixture f;
  fr_recognized told = {0};
  int count = 0;
  const fr_recognizer_options o = plain();
  set_up(&f, &o);
  for (int i = 0; i < 30; i++) {
    const float frame[CHANNELS] = {i >= 10 && i < 16, 0};
    count += fr_recognizer_push(f.r, 1000 + 0.1 * i, frame, &told) ? 1 : 0;
  }
  assert_int_equal(count, 1);
  assert_near(told.start_s, 1001.2 - 0.15);
  assert_near(told.said_s, 1001.8);
  tear_down(&f);
}

static void a_gap_begins_anew(void **state) {
  (void)state;
  fixture f;
  fr_recognized told = {0};
  const float wave[CHANNELS] = {1, 0};
  const fr_recognizer_options o = plain();
  set_up(&f, &o);
  for (int i = 0; i < 7; i++)
    assert_false(fr_recognizer_push(f.r, 0.1 * i, wave, &told));
  assert_true(fr_recognizer_push(f.r, 0.6 + 0.51, wave, &told));
  assert_near(told.start_s, 0.3 - 0.15);
  assert_near(told.end_s, 0.6 + 0.1 - 0.15);
  assert_near(told.said_s, 0.6);
  assert_null(fr_recognizer_answer(f.r)); /* of the window one frame is there */
  for (int i = 1; i < 3; i++)
    assert_false(fr_recognizer_push(f.r, 1.11 + 0.1 * i, wave, &told));
  assert_null(fr_recognizer_answer(f.r));
  assert_false(fr_recognizer_push(f.r, 1.4, wave, &told));
  assert_non_null(fr_recognizer_answer(f.r));
  /* nothing is before the new beginning; too short to be told at a time that goes back */
  assert_false(fr_recognizer_push(f.r, 0, wave, &told));
  assert_null(fr_recognizer_answer(f.r));
  tear_down(&f);
}

static void the_end_tells_and_begins_anew(void **state) {
  (void)state;
  fixture f;
  fr_recognized told = {0};
  const fr_recognizer_options o = plain();
  set_up(&f, &o);
  assert_int_equal(hold(f.r, WAVE, 8, &told), 0);
  assert_true(fr_recognizer_end(f.r, &told));
  assert_int_equal(told.sign, WAVE);
  assert_false(fr_recognizer_end(f.r, &told));
  assert_int_equal(hold(f.r, WAVE, 3, &told), 0);
  assert_null(fr_recognizer_answer(f.r));
  tear_down(&f);
}

/* Windows two frames apart: answers after frames 4, 6, 8. */
static void windows_may_be_further_apart(void **state) {
  (void)state;
  fixture f;
  fr_recognized told = {0};
  fr_recognizer_options o = plain();
  o.hop = 2;
  set_up(&f, &o);
  hold(f.r, NOTHING, 4, &told);
  hold(f.r, WAVE, 1, &told);
  assert_near((double)fr_recognizer_answer(f.r)[WAVE], share_of(0));
  hold(f.r, WAVE, 1, &told);
  assert_near((double)fr_recognizer_answer(f.r)[WAVE], share_of(2));
  tear_down(&f);
}

static void missing_and_huge_numbers_do_no_harm(void **state) {
  (void)state;
  static const float values[] = {NAN, INFINITY, -INFINITY, 3e38F, -3e38F, 1};
  fixture f;
  fr_recognized told = {0};
  const fr_recognizer_options o = plain();
  set_up(&f, &o);
  hold(f.r, WAVE, 10, &told);
  for (size_t i = 0; i < 60; i++) {
    const float frame[CHANNELS] = {values[i % 6], values[i / 6 % 6]};
    (void)fr_recognizer_push(f.r, NAN, frame, &told);
    const float *p = fr_recognizer_answer(f.r);
    for (size_t k = 0; p && k < CLASSES; k++)
      assert_true(p[k] >= 0 && p[k] <= 1);
  }
  hold(f.r, NOTHING, 20, &told);
  assert_int_equal(hold(f.r, WAVE, 6, &told) + hold(f.r, NOTHING, 10, &told), 1);
  tear_down(&f);
}

static void a_frame_allocates_nothing(void **state) {
  (void)state;
  fixture f;
  fr_recognized told = {0};
  const fr_recognizer_options o = plain();
  set_up(&f, &o);
  allocations = 0;
  for (int i = 0; i < 50; i++) {
    hold(f.r, (uint32_t)(i % CLASSES), 7, &told);
    (void)fr_recognizer_end(f.r, &told);
  }
  assert_int_equal(allocations, 0);
  tear_down(&f);
}

/* x of frame i, channel 0. */
static double wander(int i) { return sin(0.7 * i) + 0.1 * i; }

/* (x - m) / d of frame `at` among frames [from, from + WINDOW). */
static double by_window(int from, int at) {
  double mean = 0, squares = 0;
  for (int i = from; i < from + (int)WINDOW; i++)
    mean += wander(i) / (double)WINDOW;
  for (int i = from; i < from + (int)WINDOW; i++)
    squares += pow(wander(i) - mean, 2) / (double)WINDOW;
  return (wander(at) - mean) / sqrt(squares);
}

/* Each window by its own mean and deviation: the network's logits are the first and the
 * last frame of what is left. */
static void windows_may_be_normalised_each_by_itself(void **state) {
  (void)state;
  float shift[CHANNELS] = {0}, scale[CHANNELS] = {100, 100};
  size_t count;
  fixture f = {.model = {.classes = {CLASSES, class_names}, .rate_hz = RATE_HZ}};
  fr_recognized told = {0};
  const fr_recognizer_options o = plain();
  ASSERT_OK(fr_net_new("dense(classes)", (fr_shape){WINDOW, CHANNELS}, CLASSES,
                       &f.model.net, err));
  const fr_tensor *tensor = fr_net_tensors(f.model.net, &count);
  tensor[0].value[0 * CLASSES + WAVE] = 1; /* (T C, K) */
  tensor[0].value[(WINDOW - 1) * CHANNELS * CLASSES + NOD] = 1;
  f.model.normalizer = (fr_normalizer){CHANNELS, shift, scale, FR_NORMALIZE_WINDOW};
  ASSERT_OK(fr_recognizer_new(&f.model, &o, &f.r, err));
  for (int i = 0; i < 23; i++) {
    const float frame[CHANNELS] = {(float)wander(i), 1e4F};
    const int from = i - (int)WINDOW + 1;
    (void)fr_recognizer_push(f.r, NAN, frame, &told);
    const float *p = fr_recognizer_answer(f.r);
    assert_int_equal(p != NULL, from >= 0);
    if (!p)
      continue;
    const double first = exp(by_window(from, from)), last = exp(by_window(from, i));
    assert_near((double)p[WAVE], first / (first + last + 1));
    assert_near((double)p[NOD], last / (first + last + 1));
  }
  assert_int_equal(fr_recognizer_operations(f.r), fr_recognizer_window_operations(f.r));
  tear_down(&f);
}

/* The same answers as fr_net_forward on every window; a frame costs less than one. */
static void a_frame_costs_a_step(void **state) {
  (void)state;
  enum { FRAMES = 60 };
  static char a[] = "a", b[] = "b", c[] = "c", d[] = "d";
  static char *names[] = {a, b, c, d};
  fr_model model = {.classes = {4, names}, .rate_hz = 30};
  fr_recognizer_options o = plain();
  fr_recognizer *r = NULL;
  float x[FRAMES][3], p[4];
  ASSERT_OK(fr_net_new("conv1d(8,3,pad=none) bn relu conv1d(8,3,pad=none) relu "
                       "avgpool(all) dense(classes)",
                       (fr_shape){12, 3}, 4, &model.net, err));
  fr_net_init(model.net, 3, 0);
  ASSERT_OK(fr_net_reserve(model.net, 1, false, 0, err));
  ASSERT_OK(fr_recognizer_new(&model, &o, &r, err));
  assert_true(fr_recognizer_operations(r) < fr_recognizer_window_operations(r) / 6);
  for (int i = 0; i < FRAMES; i++) {
    fr_recognized told;
    for (int n = 0; n < 3; n++)
      x[i][n] = (float)sin(i * 0.3 * (n + 1));
    (void)fr_recognizer_push(r, NAN, x[i], &told);
    if (i < 11)
      continue;
    const float *y =
        fr_net_forward(model.net, x[i - 11], 1, 0, fr_net_layer_count(model.net), false);
    float sum = 0;
    for (int k = 0; k < 4; k++)
      sum += p[k] = expf(y[k]);
    for (int k = 0; k < 4; k++)
      assert_near((double)fr_recognizer_answer(r)[k], (double)(p[k] / sum));
  }
  fr_recognizer_free(r);
  fr_net_free(model.net);
}

/* A hand that wanders over the picture, and is not there now and then. */
static void draw_hand(fr__rng *rng, int i, float *raw, size_t count) {
  for (size_t n = 0; n < count; n++)
    raw[n] =
        i / 7 % 3 == 2
            ? 0
            : (float)(0.5 + 0.2 * sin(0.1 * i + (double)n) + 0.01 * fr__rng_normal(rng));
}

/* What a camera's frames make of the model is what their features make of the same
 * network; a gap begins the features anew, too. */
static void key_points_go_through_their_features(void **state) {
  (void)state;
  enum { FRAMES = 90 };
  static char text[] = "layout=42 velocity=yes";
  fr_keypoints *points = NULL;
  fr_recognizer *whole = NULL, *behind = NULL;
  fr_recognized told;
  fr__rng rng;
  float raw[42], features[512];
  ASSERT_OK(fr_keypoints_new(text, &points, err));
  const size_t channels = fr_keypoints_channels(points);
  assert_true(channels <= 512);
  fr_model model = {.classes = {CLASSES, class_names}};
  ASSERT_OK(fr_net_new("conv1d(4,3) relu avgpool(all) dense(classes)",
                       (fr_shape){WINDOW, channels}, CLASSES, &model.net, err));
  fr_net_init(model.net, 5, 0);
  fr_model plain_model = model;
  plain_model.rate_hz = 30; /* which is what key points have without one */
  model.frames = text;
  fr_recognizer_options o = fr_recognizer_default_options();
  o.most_s = 0; /* which is another of models without key points */
  ASSERT_OK(fr_recognizer_new(&model, &o, &whole, err));
  ASSERT_OK(fr_recognizer_new(&plain_model, &o, &behind, err));
  assert_int_equal(fr_recognizer_inputs(whole), 42);
  fr__rng_init(&rng, 1, 0);
  for (int i = 0; i < FRAMES; i++) {
    const double t_s = i / 30.0 + (i >= 40 ? 1 : 0);
    draw_hand(&rng, i, raw, 42);
    if (i == 40)
      fr_keypoints_reset(points);
    fr_keypoints_frame(points, raw, features);
    const bool a = fr_recognizer_push(whole, t_s, raw, &told);
    assert_int_equal(a, fr_recognizer_push(behind, t_s, features, &told));
    const float *p = fr_recognizer_answer(whole), *q = fr_recognizer_answer(behind);
    assert_int_equal(p != NULL, q != NULL);
    if (p)
      assert_memory_equal(p, q, CLASSES * sizeof *p);
  }
  fr_recognizer_free(whole);
  fr_recognizer_free(behind);
  static char other[] = "layout=42 velocity=no";
  model.frames = other;
  assert_int_equal(fr_recognizer_new(&model, NULL, &whole, NULL), FR_ERR_FORMAT);
  fr_keypoints_free(points);
  fr_net_free(model.net);
}

/* A network whose answer is always the same: of key points it is told after 0.3 s, of
 * anything else at the end. */
static void signs_of_key_points_are_told_soon(void **state) {
  (void)state;
  static char text[] = "layout=42";
  fr_keypoints *points = NULL;
  size_t count;
  ASSERT_OK(fr_keypoints_new(text, &points, err));
  const fr_shape input = {WINDOW, fr_keypoints_channels(points)};
  fr_model model = {.classes = {CLASSES, class_names}, .rate_hz = 30};
  ASSERT_OK(fr_net_new("avgpool(all) dense(classes)", input, CLASSES, &model.net, err));
  fr_net_tensors(model.net, &count)[1].value[NOD] = 5;
  for (int of_points = 0; of_points < 2; of_points++) {
    static const float frame[512];
    fr_recognizer *r = NULL;
    fr_recognized told = {0};
    int soon = 0;
    model.frames = of_points ? text : NULL;
    ASSERT_OK(fr_recognizer_new(&model, NULL, &r, err));
    for (int i = 0; i < 60; i++)
      soon += fr_recognizer_push(r, NAN, frame, &told) ? 1 : 0;
    assert_int_equal(soon, of_points);
    if (of_points) /* the first window ends with frame 3 */
      assert_near(told.said_s, 3 / 30.0 + 0.3);
    assert_int_equal(fr_recognizer_end(r, &told), !of_points);
    fr_recognizer_free(r);
  }
  fr_keypoints_free(points);
  fr_net_free(model.net);
}

/* One step of a recurrence a frame, on from the one before; from both ends it cannot. */
static void states_may_be_carried_on(void **state) {
  (void)state;
  fr_model model = {.classes = {CLASSES, class_names}, .rate_hz = RATE_HZ};
  fr_recognizer_options o = plain();
  fr_recognizer *r = NULL;
  const fr_shape input = {20, CHANNELS};
  o.states = FR_STREAM_CARRY;
  ASSERT_OK(fr_net_new("gru(4) dense(classes)", input, CLASSES, &model.net, err));
  ASSERT_OK(fr_recognizer_new(&model, &o, &r, err));
  assert_true(fr_recognizer_operations(r) < fr_recognizer_window_operations(r) / 10);
  fr_recognizer_free(r);
  r = NULL;
  fr_net_free(model.net);
  ASSERT_OK(fr_net_new("gru(4,both) dense(classes)", input, CLASSES, &model.net, err));
  assert_int_equal(fr_recognizer_new(&model, &o, &r, NULL), FR_ERR_FORMAT);
  assert_null(r);
  fr_net_free(model.net);
}

static void options_out_of_range_are_refused(void **state) {
  (void)state;
  fr_model model;
  fr_recognizer *r = NULL;
  make_model(&model);
  const fr_recognizer_options good = plain();
  fr_recognizer_options bad[9];
  for (size_t i = 0; i < 9; i++)
    bad[i] = good;
  bad[0].begin = 0;
  bad[1].begin = 1.01F;
  bad[2].end = -0.1F;
  bad[3].temperature = 0;
  bad[4].smooth_s = NAN;
  bad[5].least_s = -1;
  bad[6].gap_s = 0;
  bad[7].rate_hz = INFINITY;
  bad[8].hop = (size_t)1 << 40;
  for (size_t i = 0; i < 9; i++)
    assert_int_equal(fr_recognizer_new(&model, &bad[i], &r, NULL), FR_ERR_ARGUMENT);
  model.rate_hz = 0;
  assert_int_equal(fr_recognizer_new(&model, &good, &r, NULL), FR_ERR_ARGUMENT);
  model.rate_hz = RATE_HZ;
  model.task = (char *)(uintptr_t) "labels";
  assert_int_equal(fr_recognizer_new(&model, &good, &r, NULL), FR_ERR_UNSUPPORTED);
  assert_null(r);
  fr_net_free(model.net);
}

static void a_failed_allocation_leaves_nothing(void **state) {
  (void)state;
  fr_model model;
  fr_recognizer *r = NULL;
  make_model(&model);
  enum fr_status status = FR_ERR_MEMORY;
  for (size_t i = 1; status != FR_OK && i < 1000; i++) {
    allocations = 0;
    fail_at = i;
    status = fr_recognizer_new(&model, NULL, &r, NULL);
    assert_true(status == FR_OK || status == FR_ERR_MEMORY);
  }
  fail_at = 0;
  assert_int_equal(status, FR_OK);
  fr_recognizer_free(r);
  fr_net_free(model.net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(probabilities_are_those_of_the_window),
      cmocka_unit_test(a_warmer_softmax_is_less_sure),
      cmocka_unit_test(the_mean_is_exponential),
      cmocka_unit_test(the_mean_lags_behind),
      cmocka_unit_test(a_performance_is_one_line),
      cmocka_unit_test(times_are_those_of_the_frames),
      cmocka_unit_test(a_gap_begins_anew),
      cmocka_unit_test(the_end_tells_and_begins_anew),
      cmocka_unit_test(windows_may_be_further_apart),
      cmocka_unit_test(missing_and_huge_numbers_do_no_harm),
      cmocka_unit_test(a_frame_allocates_nothing),
      cmocka_unit_test(windows_may_be_normalised_each_by_itself),
      cmocka_unit_test(a_frame_costs_a_step),
      cmocka_unit_test(key_points_go_through_their_features),
      cmocka_unit_test(signs_of_key_points_are_told_soon),
      cmocka_unit_test(states_may_be_carried_on),
      cmocka_unit_test(options_out_of_range_are_refused),
      cmocka_unit_test(a_failed_allocation_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
