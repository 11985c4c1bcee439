/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network on windows that slide answers as fr_net_forward does on each window, to the
 * bit: random networks of every family, hops and lengths; over long streams, too. With
 * states carried on it answers as one window over all frames would.
 */
#include <math.h>

#include "../allocations.h"
#include "drawn.h"
#include "frugal/stream.h"

#define CHANNELS ((size_t)3)
#define CLASSES ((size_t)3)
#define MOST_FRAMES ((size_t)400)

/* Every tensor at random; variances are positive. */
static void shake(fr_net *net, fr__rng *rng) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++) {
    const bool variance = strstr(tensor[i].name, "variance") != NULL;
    made_numbers(rng, variance ? 0.5 : -0.7, variance ? 2 : 0.7, tensor[i].value,
                 tensor[i].count);
  }
}

static fr_net *shaken_net(const char *text, size_t window, uint64_t seed) {
  fr_net *net = NULL;
  fr__rng rng;
  ASSERT_OK(fr_net_new(text, (fr_shape){window, CHANNELS}, CLASSES, &net, err));
  ASSERT_OK(fr_net_reserve(net, 1, false, 0, err));
  fr__rng_init(&rng, seed, 0);
  shake(net, &rng);
  return net;
}

static void frames_at_random(uint64_t seed, float *x, size_t frames) {
  fr__rng rng;
  fr__rng_init(&rng, seed, 1);
  made_numbers(&rng, -1, 1, x, frames * CHANNELS);
}

static const float *whole(fr_net *net, const float *x) {
  return fr_net_forward(net, x, 1, 0, fr_net_layer_count(net), false);
}

/* Pushes `frames` in random bits; each answer against that of the window alone. */
static void check_stream(fr_net *net, fr_stream *stream, size_t hop, const float *x,
                         size_t frames, fr__rng *rng) {
  const size_t window = fr_net_input(net).steps;
  size_t at = 0, answers = 0;
  while (at < frames) {
    const float *got;
    const size_t most = 1 + fr__rng_below(rng, 2 * window + 3);
    const size_t count = most < frames - at ? most : frames - at;
    const size_t taken = fr_stream_push(stream, x + at * CHANNELS, count, &got);
    assert_true(taken > 0 && taken <= count);
    at += taken;
    if (!got) {
      assert_int_equal(taken, count);
      continue;
    }
    assert_int_equal(at, window + answers * hop);
    answers++;
    const float *want = whole(net, x + (at - window) * CHANNELS);
    if (memcmp(got, want, CLASSES * sizeof *got) != 0)
      fail_msg("'%s', %zu steps, hop %zu, window %zu: %.9g is not %.9g", fr_net_text(net),
               window, hop, answers, (double)got[0], (double)want[0]);
  }
  assert_int_equal(answers, frames < window ? 0 : (frames - window) / hop + 1);
}

static void check_net(fr_net *net, size_t hop, size_t frames, fr__rng *rng) {
  static float x[MOST_FRAMES * CHANNELS];
  fr_stream *stream = NULL;
  assert_true(frames <= MOST_FRAMES);
  frames_at_random(fr__rng_next(rng), x, frames);
  ASSERT_OK(fr_stream_new(net, hop, FR_STREAM_RESTART, &stream, err));
  allocations = 0;
  check_stream(net, stream, hop, x, frames, rng);
  fr_stream_reset(stream); /* anywhere within a window */
  frames_at_random(fr__rng_next(rng), x, frames);
  check_stream(net, stream, hop, x, frames, rng);
  assert_int_equal(allocations, 0);
  fr_stream_free(stream);
}

/* ---- every family ---- */

static void check_drawn(fr__rng *rng, const char *piece, size_t *checked) {
  const fr_shape in = {1 + fr__rng_below(rng, 24), CHANNELS};
  const size_t hop = 1 + fr__rng_below(rng, fr__rng_below(rng, 2) ? 4 : in.steps + 3);
  fr_net *net = drawn_net(rng, piece, in, CLASSES);
  if (!net)
    return;
  shake(net, rng);
  ASSERT_OK(fr_net_reserve(net, 1, false, 0, err));
  if (fr__rng_below(rng, 4) == 0)
    fr_net_set_precision(net, FR_PRECISION_BF16);
  const size_t frames = in.steps + hop * (5 + fr__rng_below(rng, 20));
  check_net(net, hop, frames < MOST_FRAMES ? frames : MOST_FRAMES, rng);
  (*checked)++;
  fr_net_free(net);
}

static void random_networks_answer_the_same_bits(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 23, 0);
  size_t of_piece[DRAWN_PIECES] = {0};
  for (size_t i = 0; i < 1500; i++)
    check_drawn(&rng, drawn_pieces[i % DRAWN_PIECES], &of_piece[i % DRAWN_PIECES]);
  for (size_t i = 0; i < DRAWN_PIECES; i++)
    if (of_piece[i] < 10)
      fail_msg("%zu networks with '%s'", of_piece[i], drawn_pieces[i]);
}

/* Networks in which windows share much: each hop up to a window and beyond. */
static const char *const texts[] = {
    "conv1d(8,3) relu bn conv1d(8,3) relu avgpool(all) dense(classes)",
    "conv1d(8,5,2) relu maxpool(2) conv1d(8,2) gelu maxpool(3) flatten dense(classes)",
    "bn conv1d(6,3,pad=same) relu residual(conv1d(6,3) bn relu conv1d(6,3)) relu "
    "conv1d(6,3,2,pad=causal) layernorm avgpool(2) dense(classes)",
    "parallel(conv1d(3,3) | | relu conv1d(3,5,dilation=2)) tanh softmax avgpool(3) "
    "residual(conv1d(4,1)) maxpool(all) dense(classes)",
    "conv1d(6,3) lstm(5) gru(4,all,both) attention(2) avgpool(all) dense(classes)",
    "avgpool(2) gru(5,all) relu maxpool(2) lstm(4,last,both) dense(classes)",
    "dense(7) relu dense(classes)",
};
#define TEXTS (sizeof texts / sizeof *texts)

static void every_hop_answers_the_same_bits(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 29, 0);
  for (size_t i = 0; i < TEXTS; i++)
    for (size_t hop = 1; hop <= 45; hop += hop < 13 ? 1 : 5) {
      fr_net *net = shaken_net(texts[i], 37, hop);
      check_net(net, hop, 37 + 5 * hop + 60 < MOST_FRAMES ? 37 + 5 * hop + 60 : 300,
                &rng);
      fr_net_free(net);
    }
}

/* ---- long streams ---- */

/* What once was not a number is forgotten with the window, and nothing drifts. */
static void long_streams_do_not_drift(void **state) {
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    enum { WINDOW = 37, FRAMES = 100000 };
    static float x[FRAMES * CHANNELS];
    fr_stream *stream = NULL;
    const float *got;
    fr_net *net = shaken_net(texts[i], WINDOW, 5);
    frames_at_random(i, x, FRAMES);
    x[70000 * CHANNELS] = NAN;
    x[70001 * CHANNELS] = INFINITY;
    ASSERT_OK(fr_stream_new(net, 1, FR_STREAM_RESTART, &stream, err));
    for (size_t t = 1; t <= FRAMES; t++) {
      assert_int_equal(fr_stream_push(stream, x + (t - 1) * CHANNELS, 1, &got), 1);
      if (t >= WINDOW && (t % 97 == 0 || t + 100 > FRAMES))
        assert_memory_equal(got, whole(net, x + (t - WINDOW) * CHANNELS),
                            CLASSES * sizeof *got);
    }
    fr_stream_free(stream);
    fr_net_free(net);
  }
}

/* ---- states that are carried on ---- */

/* A window over all frames so far is what the stream answers; windows of the text are
 * `window` frames. */
static void check_carried(const char *text, size_t window, size_t hop, size_t frames) {
  static float x[MOST_FRAMES * CHANNELS];
  fr_stream *stream = NULL;
  const float *got = NULL;
  frames_at_random(window * hop, x, frames);
  fr_net *net = shaken_net(text, window, 3);
  ASSERT_OK(fr_stream_new(net, hop, FR_STREAM_CARRY, &stream, err));
  for (int turn = 0; turn < 2; turn++) {
    for (size_t at = 0; at < frames;) {
      at += fr_stream_push(stream, x + at * CHANNELS, frames - at, &got);
      if (!got)
        continue;
      fr_net *long_net = shaken_net(text, at, 3);
      const float *want = whole(long_net, x);
      for (size_t k = 0; k < CLASSES; k++)
        if (!(fabsf(got[k] - want[k]) <= 1e-6f))
          fail_msg("'%s', %zu steps, hop %zu, after %zu: %.9g is not %.9g", text, window,
                   hop, at, (double)got[k], (double)want[k]);
      fr_net_free(long_net);
    }
    fr_stream_reset(stream);
  }
  fr_stream_free(stream);
  fr_net_free(net);
}

static void states_go_on(void **state) {
  (void)state;
  static const char *const recurrent[] = {
      "lstm(5) dense(classes)",
      "gru(6) tanh dense(classes)",
      "lstm(4,all) relu gru(5,all) bn lstm(6) dense(classes)",
      "conv1d(4,3) relu lstm(5) gru(4) dense(classes)",
      "residual(lstm(3,all)) parallel(gru(2,all) | relu) lstm(4) dense(classes)",
  };
  for (size_t i = 0; i < sizeof recurrent / sizeof *recurrent; i++)
    for (size_t hop = 1; hop <= 7; hop++)
      check_carried(recurrent[i], 9, hop, 90);
  check_carried("maxpool(2) lstm(5) dense(classes)", 10, 4, 120);
  check_carried("lstm(5) dense(classes)", 1, 1, 30);
}

/* With hop 1 every second window begins between two steps of the pool: two states, each
 * as if its frames alone were there. */
static void phases_have_their_own_states(void **state) {
  (void)state;
  enum { WINDOW = 6, FRAMES = 41 };
  static const char text[] = "maxpool(2) lstm(5) dense(classes)";
  float x[FRAMES * CHANNELS];
  fr_stream *stream = NULL;
  const float *got;
  frames_at_random(8, x, FRAMES);
  fr_net *net = shaken_net(text, WINDOW, 3);
  ASSERT_OK(fr_stream_new(net, 1, FR_STREAM_CARRY, &stream, err));
  for (size_t t = 1; t <= FRAMES; t++) {
    fr_stream_push(stream, x + (t - 1) * CHANNELS, 1, &got);
    if (t < WINDOW)
      continue;
    const size_t skipped = (t - WINDOW) % 2;
    fr_net *long_net = shaken_net(text, t - skipped, 3);
    const float *want = whole(long_net, x + skipped * CHANNELS);
    for (size_t k = 0; k < CLASSES; k++)
      assert_true(fabsf(got[k] - want[k]) <= 1e-6f);
    fr_net_free(long_net);
  }
  fr_stream_free(stream);
  fr_net_free(net);
}

static void refuse(const char *text, size_t hop, enum fr_stream_states states,
                   enum fr_status status, const char *why) {
  fr_net *net = shaken_net(text, 9, 1);
  fr_stream *stream = NULL;
  fr_error error = {0};
  assert_int_equal(fr_stream_new(net, hop, states, &stream, &error), status);
  assert_null(stream);
  assert_string_equal(error.text, why);
  fr_net_free(net);
}

static void what_cannot_go_on_is_said(void **state) {
  (void)state;
  const enum fr_status no = FR_ERR_FORMAT;
  refuse("lstm(4,last,both) dense(classes)", 1, FR_STREAM_CARRY, no,
         "layer 1 'lstm(4,both)': its state cannot be carried on: one of its "
         "directions begins at a window's end");
  refuse("conv1d(3,3,same) residual(relu gru(3,all)) flatten dense(classes)", 1,
         FR_STREAM_CARRY, no,
         "layer 2.2 'gru(3,all)': its state cannot be carried on: the layers before it "
         "begin anew with each window, or are padded");
  refuse("lstm(4) dense(classes)", 10, FR_STREAM_CARRY, no,
         "layer 1 'lstm(4)': its state cannot be carried on: windows leave out steps "
         "between one and the next");
  refuse("dense(classes)", 0, FR_STREAM_RESTART, FR_ERR_ARGUMENT,
         "a window cannot move on by 0 frames");
  refuse("dense(classes)", ((size_t)1 << 20) + 1, FR_STREAM_RESTART, FR_ERR_ARGUMENT,
         "a window cannot move on by 1048577 frames");
}

/* ---- cost ---- */

static uint64_t operations(const char *text, size_t window, size_t hop,
                           enum fr_stream_states states) {
  fr_net *net = shaken_net(text, window, 1);
  fr_stream *stream = NULL;
  ASSERT_OK(fr_stream_new(net, hop, states, &stream, err));
  const uint64_t sum = fr_stream_operations(stream);
  fr_stream_free(stream);
  fr_net_free(net);
  return sum;
}

/* By hand, from the table of docs/nn.md and the steps that are new. */
static void cost_is_that_of_new_steps(void **state) {
  (void)state;
  const char *conv = "conv1d(8,3) relu bn conv1d(4,5) avgpool(all) dense(classes)";
  /* 20 -> 18 -> 14 steps; 2 of each are new; the pool looks at all 14 */
  assert_int_equal(operations(conv, 20, 2, FR_STREAM_RESTART),
                   2 * (2 * 3 * 3 * 8 + 8 + 2 * 8 + 2 * 5 * 8 * 4) + 14 * 4 + 2 * 4 * 3);
  /* pad=same: a step at either end is of its window alone, two behind the second */
  assert_int_equal(operations("conv1d(8,3,same) conv1d(8,3,same) flatten dense(classes)",
                              20, 1, FR_STREAM_RESTART),
                   3 * (2 * 3 * 3 * 8) + 5 * (2 * 3 * 8 * 8) + 2 * 20 * 8 * 3);
  /* maxpool(2) at hop 1: one of each phase; at hop 2 one a window, too; at 4 two */
  const char *pool = "maxpool(2) conv1d(5,2) maxpool(all) dense(classes)";
  for (size_t hop = 1; hop <= 4; hop *= 2)
    assert_int_equal(operations(pool, 20, hop, FR_STREAM_RESTART),
                     (hop == 4 ? 2 : 1) * (2 * 3 + 2 * 2 * 3 * 5) + 9 * 5 + 2 * 5 * 3);
  /* the product with the input is taken over, 19 of 20 steps; or all but one step is */
  const uint64_t step = 8 * 5 * 5 + 9 * 5, input = 8 * 3 * 5, dense = 2 * 5 * 3;
  assert_int_equal(operations("lstm(5) dense(classes)", 20, 1, FR_STREAM_RESTART),
                   20 * step + input + dense);
  assert_int_equal(operations("lstm(5) dense(classes)", 20, 1, FR_STREAM_CARRY),
                   step + input + dense);
  /* nothing is shared */
  fr_net *net = shaken_net(conv, 20, 1);
  assert_int_equal(operations(conv, 20, 20, FR_STREAM_RESTART), fr_net_operations(net));
  fr_net_free(net);
}

/* Of the networks of signs a frame is one step, 30 -> 28 -> 24 of them, and the pool. */
static void signs_are_one_step_a_frame(void **state) {
  (void)state;
  static const struct {
    const char *name;
    size_t units;
  } nets[] = {{"sign-small", 64}, {"sign-tiny", 24}};
  fr__rng rng;
  fr__rng_init(&rng, 7, 3);
  for (size_t i = 0; i < 2; i++) {
    const size_t u = nets[i].units;
    fr_net *net = shaken_net(nets[i].name, 30, 5 + i);
    for (size_t hop = 1; hop <= 5; hop++)
      check_net(net, hop, 150, &rng);
    fr_net_free(net);
    const size_t first = 2 * 3 * 3 * u + 2 * u + u, second = 2 * 3 * u * u + 2 * u + u;
    assert_int_equal(operations(nets[i].name, 30, 1, FR_STREAM_RESTART),
                     first + second + 24 * u + 2 * u * CLASSES);
  }
}

/* The n-th allocation fails: the call says so, and nothing is left behind. */
static void missing_memory_is_said(void **state) {
  (void)state;
  fr_net *net = shaken_net(texts[3], 37, 1);
  fr_stream *stream = NULL;
  size_t n = 1;
  for (; n < 100 && !stream; n++) {
    fr_error error = {0};
    allocations = 0;
    fail_at = n;
    const enum fr_status status =
        fr_stream_new(net, 2, FR_STREAM_RESTART, &stream, &error);
    fail_at = 0;
    assert_true(stream ? status == FR_OK : status == FR_ERR_MEMORY);
  }
  assert_true(n > 5 && n < 100);
  fr_stream_free(stream);
  fr_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_networks_answer_the_same_bits),
      cmocka_unit_test(every_hop_answers_the_same_bits),
      cmocka_unit_test(long_streams_do_not_drift),
      cmocka_unit_test(states_go_on),
      cmocka_unit_test(phases_have_their_own_states),
      cmocka_unit_test(what_cannot_go_on_is_said),
      cmocka_unit_test(cost_is_that_of_new_steps),
      cmocka_unit_test(signs_are_one_step_a_frame),
      cmocka_unit_test(missing_memory_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
