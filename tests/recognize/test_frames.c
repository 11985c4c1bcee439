/* SPDX-License-Identifier: Apache-2.0 */
/* Frames as they come: lines and raw numbers in any pieces, bad ones named by number and
 * passed over, hostile ones refused. */
#include "../test.h"

#include <errno.h>
#include <math.h>

#include "recognize/frames.h"

/* A pipe that gives at most `piece` bytes at a time, and then fails, if told so. */
typedef struct pipe_end {
  const char *text;
  size_t size, at, piece;
  int failure;
} pipe_end;

static ptrdiff_t read_pipe(void *self, void *to, size_t room) {
  pipe_end *p = self;
  size_t count = p->size - p->at;
  assert_true(room > 0);
  if (count == 0 && p->failure != 0)
    return -p->failure;
  count = count < p->piece ? count : p->piece;
  count = count < room ? count : room;
  memcpy(to, p->text + p->at, count);
  p->at += count;
  return (ptrdiff_t)count;
}

#define WIDTH ((size_t)3)

typedef struct source {
  pipe_end pipe;
  fr__frames frames;
  fr_error err;
  /* what next() found */
  float frame[WIDTH];
  double t_s;
  bool more;
} source;

static void open_source(source *s, enum fr__frame_format format, const char *text,
                        size_t size, size_t piece) {
  *s = (source){.pipe = {.text = text, .size = size, .piece = piece}};
  ASSERT_OK(fr__frames_init(&s->frames, format, WIDTH, read_pipe, &s->pipe, err));
}

/* The next frame's status; s->more false: the end. */
static enum fr_status next(source *s) {
  const char *text = NULL;
  size_t size = 0;
  const enum fr_status status =
      fr__frames_wait(&s->frames, &text, &size, &s->more, &s->err);
  if (status != FR_OK || !s->more)
    return status;
  return fr__frames_parse(&s->frames, text, size, s->frame, &s->t_s, &s->err);
}

static void lines_come_in_any_pieces(void **state) {
  (void)state;
  static const char text[] = "[1, -2.5,3e2]\n\r\n {\"t\": 0.25, \"frame\":[null,0,1]}\r\n"
                             "   \n{\"frame\":[7,8,9],\"t\":0.25}";
  for (size_t piece = 1; piece < sizeof text; piece++) {
    source s;
    open_source(&s, FR__FRAME_JSON, text, sizeof text - 1, piece);
    assert_int_equal(next(&s), FR_OK);
    assert_float_equal(s.frame[0] + s.frame[1] + s.frame[2], 298.5F, 0);
    assert_true(isnan(s.t_s));
    s.frames.begun = false; /* as if times had been told from the first on */
    assert_int_equal(next(&s), FR_OK);
    assert_true(s.more && isnan(s.frame[0]) && s.frame[2] > 0.5F);
    assert_int_equal(s.frames.number, 3);
    assert_float_equal(s.t_s, 0.25, 0);
    assert_int_equal(next(&s), FR_OK); /* the same time again */
    assert_true(s.more && s.frame[2] > 8.5F);
    assert_int_equal(next(&s), FR_OK);
    assert_false(s.more);
    fr__frames_release(&s.frames);
  }
}

static void a_line_is_there_as_soon_as_it_ends(void **state) {
  (void)state;
  static const char text[] = "[1,2,3]\n[4,5,6]\n";
  source s;
  open_source(&s, FR__FRAME_JSON, text, sizeof text - 1, 8);
  assert_int_equal(next(&s), FR_OK);
  assert_int_equal(s.pipe.at, 8); /* nothing was waited for */
  fr__frames_release(&s.frames);
}

static const char *const bad_lines[] = {
    "[1,2]",
    "[1,2,3,4]",
    "[]",
    "[1,2,3",
    "[1,2,3]]",
    "[1,2,3] x",
    "[1,,3]",
    "[1,2,3,]",
    "[1,2,abc]",
    "[1,2,NaN]",
    "[1,2,inf]",
    "[1,2,0x10]",
    "[1,2,+3]",
    "[1,2,1e999]",
    "[1,2,1e60]",
    "[1,2,\"3\"]",
    "[[1,2,3]]",
    "1,2,3",
    "hello",
    "{}",
    "{\"t\":1}",
    "{\"t\":null,\"frame\":[1,2,3]}",
    "{\"t\":1e999,\"frame\":[1,2,3]}",
    "{\"frame\":[1,2,3],\"frame\":[1,2,3]}",
    "{\"frame\":[1,2,3],\"t\":1,\"t\":2}",
    "{\"frame\":7}",
    "{\"frame\":[1,2,3]",
    "{\"frame\" [1,2,3]}",
    "{\"frame\":[1,2,3],}",
    "{\"a\":[1,{\"b\":2],\"frame\":[1,2,3]}",
    "{\"a\":\"never ends,\"frame\":[1,2,3]}",
    "{\"a\\",
    "\"",
    "{",
};

static void bad_lines_are_named_and_passed_over(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof bad_lines / sizeof *bad_lines; i++) {
    char text[256];
    source s;
    const int size = snprintf(text, sizeof text, "[0,0,0]\n%s\n[7,7,7]\n", bad_lines[i]);
    open_source(&s, FR__FRAME_JSON, text, (size_t)size, 1000);
    assert_int_equal(next(&s), FR_OK);
    if (next(&s) != FR_ERR_FORMAT)
      fail_msg("'%s' is taken for a frame", bad_lines[i]);
    assert_non_null(strstr(s.err.text, "line 2: "));
    assert_int_equal(next(&s), FR_OK);
    assert_float_equal(s.frame[0], 7, 0);
    fr__frames_release(&s.frames);
  }
}

static void what_is_shown_of_a_line_is_text(void **state) {
  (void)state;
  static const char text[] = "\xc3\xa4\xff\x1b[2J\0\x80\n";
  source s;
  open_source(&s, FR__FRAME_JSON, text, sizeof text - 1, 1000);
  assert_int_equal(next(&s), FR_ERR_FORMAT);
  assert_non_null(strstr(s.err.text, "line 1: '\?\?\?\?[2J\?\?' where"));
  fr__frames_release(&s.frames);
}

static void other_members_are_passed_over(void **state) {
  (void)state;
  static const char text[] =
      "{\"camera\":\"a \\\"b\\\\\",\"n\":[1,{\"x\":[],\"y\":{}},[[]],null,true],"
      "\"frame\":[1,2,3],\"o\":{},\"p\":-0.5e-3,\"q\":false}\n";
  source s;
  open_source(&s, FR__FRAME_JSON, text, sizeof text - 1, 1000);
  if (next(&s) != FR_OK)
    fail_msg("%s", s.err.text);
  assert_float_equal(s.frame[2], 3, 0);
  fr__frames_release(&s.frames);
}

static void depth_has_a_ceiling(void **state) {
  (void)state;
  static char text[100000];
  source s;
  const int head = snprintf(text, sizeof text, "{\"a\":");
  memset(text + head, '[', sizeof text - (size_t)head - 1);
  open_source(&s, FR__FRAME_JSON, text, sizeof text - 1, sizeof text);
  assert_int_equal(next(&s), FR_ERR_FORMAT);
  assert_non_null(strstr(s.err.text, "nested"));
  fr__frames_release(&s.frames);
}

static void a_line_has_a_ceiling(void **state) {
  (void)state;
  const size_t size = 3 * FR__FRAME_LINE_CEILING;
  char *text = malloc(size);
  assert_non_null(text);
  for (size_t piece = 1000; piece < 10000000; piece *= 100) {
    source s;
    memset(text, ' ', size);
    memcpy(text, "[1,2,3]\n[", 9);
    memcpy(text + size - 9, "\n[4,5,6]\n", 9);
    open_source(&s, FR__FRAME_JSON, text, size, piece);
    assert_int_equal(next(&s), FR_OK);
    assert_int_equal(next(&s), FR_ERR_LIMIT);
    assert_non_null(strstr(s.err.text, "line 2 is longer"));
    assert_int_equal(next(&s), FR_OK);
    assert_float_equal(s.frame[0], 4, 0);
    assert_int_equal(s.frames.number, 3);
    assert_int_equal(next(&s), FR_OK);
    assert_false(s.more);
    fr__frames_release(&s.frames);
  }
  free(text);
}

static void times_do_not_go_back(void **state) {
  (void)state;
  static const char text[] =
      "{\"t\":5,\"frame\":[1,2,3]}\n{\"t\":4.9,\"frame\":[1,2,3]}\n"
      "[1,2,3]\n{\"t\":5.1,\"frame\":[1,2,3]}\n";
  source s;
  open_source(&s, FR__FRAME_JSON, text, sizeof text - 1, 1000);
  assert_int_equal(next(&s), FR_OK);
  assert_int_equal(next(&s), FR_ERR_FORMAT);
  assert_non_null(strstr(s.err.text, "line 2"));
  assert_int_equal(next(&s), FR_ERR_FORMAT); /* no time at all */
  assert_int_equal(next(&s), FR_OK);
  fr__frames_release(&s.frames);
}

static void raw_frames_come_in_any_pieces(void **state) {
  (void)state;
  const float want[] = {1, 2, 3, 4, 5, NAN};
  for (size_t piece = 1; piece < 30; piece++) {
    source s;
    open_source(&s, FR__FRAME_RAW, (const char *)want, sizeof want - 2, piece);
    assert_int_equal(next(&s), FR_OK);
    assert_true(s.more && isnan(s.t_s));
    assert_memory_equal(s.frame, want, sizeof s.frame);
    assert_int_equal(next(&s), FR_ERR_FORMAT);
    assert_non_null(strstr(s.err.text, "frame 2 ends after 10 of its 12 bytes"));
    assert_int_equal(next(&s), FR_OK);
    assert_false(s.more);
    fr__frames_release(&s.frames);
  }
}

/* More frames than the room holds at once. */
static void raw_frames_do_not_drift(void **state) {
  (void)state;
  const size_t count = FR__FRAME_LINE_CEILING / (WIDTH * sizeof(float)) + 1000;
  float *want = calloc(count * WIDTH, sizeof *want);
  assert_non_null(want);
  for (size_t i = 0; i < count * WIDTH; i++)
    want[i] = (float)i;
  source s;
  open_source(&s, FR__FRAME_RAW, (const char *)want, count * sizeof s.frame, 65000);
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(next(&s), FR_OK);
    assert_memory_equal(s.frame, want + i * WIDTH, sizeof s.frame);
  }
  assert_int_equal(next(&s), FR_OK);
  assert_false(s.more);
  fr__frames_release(&s.frames);
  free(want);
}

static void a_broken_pipe_is_said(void **state) {
  (void)state;
  source s;
  open_source(&s, FR__FRAME_JSON, "[1,2", 4, 4);
  s.pipe.failure = EIO;
  assert_int_equal(next(&s), FR_ERR_IO);
  fr__frames_release(&s.frames);
}

static void a_frame_has_a_ceiling(void **state) {
  (void)state;
  fr__frames frames;
  assert_int_equal(fr__frames_init(&frames, FR__FRAME_RAW, FR__FRAME_CEILING + 1,
                                   read_pipe, NULL, NULL),
                   FR_ERR_LIMIT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lines_come_in_any_pieces),
      cmocka_unit_test(a_line_is_there_as_soon_as_it_ends),
      cmocka_unit_test(bad_lines_are_named_and_passed_over),
      cmocka_unit_test(what_is_shown_of_a_line_is_text),
      cmocka_unit_test(other_members_are_passed_over),
      cmocka_unit_test(depth_has_a_ceiling),
      cmocka_unit_test(a_line_has_a_ceiling),
      cmocka_unit_test(times_do_not_go_back),
      cmocka_unit_test(raw_frames_come_in_any_pieces),
      cmocka_unit_test(raw_frames_do_not_drift),
      cmocka_unit_test(a_broken_pipe_is_said),
      cmocka_unit_test(a_frame_has_a_ceiling),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
