/* SPDX-License-Identifier: Apache-2.0 */
/* Key points of one file a frame, as a recorder leaves them, become sequences. */
#include "input.h"

#include "../golden/gestures.h"
#include "gestures_made.h"

/* One frame of 126 numbers: frame t of sequence n. */
static unsigned char *frame_bytes(size_t n, size_t t, size_t *size) {
  unsigned char *const bytes = made_bytes(MADE(hands), 1, 1, 126, 8, false, false, size);
  for (size_t c = 0; c < 126; c++)
    made_put(bytes + sizeof header_hands + 8 * c, made_number(n, t, c), 8, false);
  return bytes;
}

static void write_frame(const char *name, size_t n, size_t t) {
  size_t size = 0;
  unsigned char *const bytes = frame_bytes(n, t, &size);
  input_write(name, bytes, size);
  free(bytes);
}

/* `count` frames of sequence `n` in folder/0.npy, ... */
static void write_sequence(const char *folder, size_t n, size_t count) {
  for (size_t t = 0; t < count; t++) {
    char name[200];
    snprintf(name, sizeof name, "%s/%zu.npy", folder, t);
    write_frame(name, n, t);
  }
}

static void assert_frame(const fr_record *r, size_t at, size_t n, size_t t) {
  for (size_t c = 0; c < 126; c++)
    assert_true(r->values[at * 126 + c] == made_number(n, t, c));
}

static void assert_is(const fr_dataset *data, size_t i, const char *who, const char *sign,
                      const char *sequence) {
  const fr_record *const r = &data->record[i];
  assert_string_equal(data->subjects.name[r->subject], who);
  assert_string_equal(data->activities.name[r->activity], sign);
  assert_string_equal(data->trials.name[r->trial], sequence);
}

static void frames_are_in_the_order_of_their_numbers(void **state) {
  (void)state;
  write_sequence("ann/MP_Data/hello/9", 0, 12);
  write_sequence("ann/MP_Data/hello/10", 1, 12);
  write_sequence("ann/MP_Data/Thank You/9", 2, 12);
  write_sequence("bob/mp_data/hello/9", 0, 12);
  const char *const paths[] = {"ann", "ann/MP_Data", "ann/MP_Data/"};
  for (size_t p = 0; p < 3; p++) {
    fr_dataset *const data =
        input_open(input_spec("keypoints", paths[p], "features=raw"));
    assert_int_equal(data->count, 3);
    assert_int_equal(data->window, 12);
    assert_is(data, 0, "ann", "Thank You", "9");
    assert_is(data, 1, "ann", "hello", "9");
    assert_is(data, 2, "ann", "hello", "10");
    for (size_t t = 0; t < 12; t++)
      assert_frame(&data->record[2], t, 1, t);
    assert_string_equal(data->channels.name[63], "right_hand.0.x");
    fr_data_free(data);
  }
  fr_dataset *const data = input_open(input_spec("keypoints", "bob/mp_data", ""));
  assert_is(data, 0, "bob", "hello", "9");
  fr_data_free(data);
}

/* Frames may begin anywhere and bear a word in front of their number. */
static void a_missing_frame_finds_nothing(void **state) {
  (void)state;
  write_frame("miss/go/s/frame_08.npy", 0, 8);
  write_frame("miss/go/s/frame_09.npy", 0, 9);
  write_frame("miss/go/s/frame_11.npy", 0, 11);
  fr_dataset *const data = input_open(input_spec("keypoints", "miss", "features=raw"));
  assert_int_equal(data->count, 1);
  assert_int_equal(data->record[0].steps, 4);
  assert_frame(&data->record[0], 0, 0, 8);
  assert_frame(&data->record[0], 1, 0, 9);
  for (size_t c = 0; c < 126; c++)
    assert_true(data->record[0].values[2 * 126 + c] == 0);
  assert_frame(&data->record[0], 3, 0, 11);
  fr_data_free(data);
}

static void most_sequences_say_how_long_a_window_is(void **state) {
  (void)state;
  write_sequence("len/go/0", 0, 5);
  write_sequence("len/go/1", 1, 6);
  write_sequence("len/go/2", 2, 6);
  write_sequence("len/go/3", 3, 9);
  fr_dataset *data = input_open(input_spec("keypoints", "len", ""));
  assert_int_equal(data->window, 6);
  fr_windows windows;
  ASSERT_OK(fr_windows_init(&windows, data, data->window, 3, err));
  assert_int_equal(windows.count, 4); /* the last is two */
  fr_windows_release(&windows);
  fr_data_free(data);
}

/* Folders below the path are people; so are several paths. */
static void folders_are_signers(void **state) {
  (void)state;
  char spec[2000];
  write_sequence("who/ann/MP_Data/go/0", 0, 3);
  write_sequence("who/bob/go/0", 1, 3);
  write_sequence("who2/MP_Data/go/0", 2, 3);
  write_sequence("who3/who2/go/0", 3, 3);
  fr_dataset *data = input_open(input_spec("keypoints", "who", ""));
  assert_int_equal(data->count, 2);
  assert_is(data, 0, "ann", "go", "0");
  assert_is(data, 1, "bob", "go", "0");
  fr_data_free(data);
  snprintf(spec, sizeof spec, "keypoints:%s,%s,%s", input_path("who"),
           input_path("who2/MP_Data"), input_path("who3/who2"));
  data = input_open(spec);
  assert_int_equal(data->count, 4);
  /* as much of each path as tells it from the others */
  const char *const folder = fr__path_name(input_folder);
  const char *const ends[] = {"who/ann", "who/bob", "who2"};
  for (size_t i = 0; i < 3; i++) {
    char name[300];
    snprintf(name, sizeof name, "%s/%s", folder, ends[i]);
    assert_string_equal(data->subjects.name[i], name);
  }
  assert_string_equal(data->subjects.name[3], "who3/who2");
  fr_data_free(data);
  snprintf(spec + strlen(spec), sizeof spec - strlen(spec), "?signer=none");
  data = input_open(spec);
  assert_int_equal(data->count, 4);
  assert_int_equal(data->subjects.count, 1);
  assert_int_equal(data->trials.count, 4);
  fr_data_free(data);
}

static void a_zip_holds_the_same(void **state) {
  (void)state;
  size_t size = 0;
  input_entry entries[12];
  char names[12][40];
  write_sequence("zip/hello/0", 0, 12);
  for (size_t i = 0; i < 12; i++) {
    const size_t t = (5 * i + 3) % 12; /* in no order */
    snprintf(names[i], sizeof names[i], "MP_Data/hello/0/%zu.npy", t);
    entries[i].name = names[i];
    entries[i].bytes = frame_bytes(0, t, &size);
    entries[i].size = size;
  }
  input_zip("frames.zip", entries, 12);
  fr_dataset *const a = input_open(input_spec("keypoints", "frames.zip", "signer=none"));
  fr_dataset *const b = input_open(input_spec("keypoints", "zip", "signer=none"));
  assert_int_equal(a->count, 1);
  assert_memory_equal(a->values, b->values, sizeof(float) * 12 * a->channels.count);
  fr_data_free(a);
  fr_data_free(b);
  for (size_t i = 0; i < 12; i++)
    free((void *)(uintptr_t)entries[i].bytes);
}

static void all_widths_are_read(void **state) {
  (void)state;
  made_array("w1662/go/0/0.npy", MADE(holistic), 1, 1, 1662, 8, false, false);
  made_array("w63/go/0.npy", MADE(sequence), 1, 5, 63, 4, false, false);
  made_array("w63/MP_Data/stop/7/0.npy", MADE(row), 1, 1, 63, 4, false, false);
  made_array("w258/x.npy", MADE(wide), 2, 2, 258, 8, false, false);
  input_text("w258/x.index.csv", "row,action,sequence\n0,a,0\n1,a,1\n");
  fr_dataset *data = input_open(input_spec("keypoints", "w1662", "features=raw"));
  assert_int_equal(data->channels.count, 1662);
  assert_string_equal(data->channels.name[1661], "right_hand.20.z");
  assert_true(data->values[1661] == made_number(0, 0, 1661));
  fr_data_free(data);
  data = input_open(input_spec("keypoints", "w63", "features=raw&signer=none"));
  assert_int_equal(data->count, 2); /* a sequence in a file, and one of one frame */
  assert_int_equal(data->record[0].steps, 5);
  assert_true(data->record[0].values[4 * 63 + 62] == made_number(0, 4, 62));
  assert_int_equal(data->record[1].steps, 1);
  fr_data_free(data);
  data = input_open(input_spec("keypoints", "w258", "features=raw"));
  assert_int_equal(data->channels.count, 258);
  fr_data_free(data);
}

/* ---- what is refused ---- */

static void refused(const char *folder, const char *sentence) {
  input_refused(input_spec("keypoints", folder, ""), FR_ERR_FORMAT, sentence);
}

static void what_is_no_sequence_is_refused(void **state) {
  (void)state;
  write_frame("e1/go/0/1.npy", 0, 1);
  write_frame("e1/go/0/01.npy", 0, 1);
  refused("e1", "go/0: frame 1 is there twice");
  write_frame("e2/go/0/0.npy", 0, 0);
  write_frame("e2/go/0/999999.npy", 0, 1);
  refused("e2", "go/0: of frames 0 to 999999 more are missing than there");
  write_frame("e3/go/0/first.npy", 0, 0);
  refused("e3", "go/0/first.npy: its name does not end in a frame's number");
  write_frame("e4/0/1.npy", 0, 0);
  refused("e4", "0/1.npy is not SIGN/SEQUENCE/FRAME.npy");
  write_frame("e5/go/0/99999999999999999999.npy", 0, 0);
  refused("e5",
          "go/0/99999999999999999999.npy: its name does not end in a frame's number");
  made_array("e6/go/0/0.npy", MADE(other), 1, 1, 100, 8, false, false);
  refused("e6", "go/0/0.npy: frames of 100 numbers are no key points: 42, 63, 126, 258 "
                "or 1662");
  write_frame("e7/go/0/0.npy", 0, 0);
  made_array("e7/go/1/0.npy", MADE(holistic), 1, 1, 1662, 8, false, false);
  refused("e7", "go/1/0.npy: frames of 1662 numbers, others have 126");
  input_text("e8/go/0/0.npy", "x");
  refused("e8", "go/0/0.npy is no NPY file");
  made_array("e9/0.npy", MADE(sequence), 1, 5, 63, 4, false, false);
  refused("e9", "0.npy is not SIGN/SEQUENCE.npy, and no index is beside it");
}

static void a_number_that_is_none_is_named(void **state) {
  (void)state;
  size_t size = 0;
  unsigned char *const bytes = frame_bytes(0, 0, &size);
  memcpy(bytes + sizeof header_hands + 8 * 5, "\0\0\0\0\0\0\xf0\x7f", 8);
  input_write("nan/go/0/0.npy", bytes, size);
  free(bytes);
  refused("nan", "go/0/0.npy: value (5) is not a finite number");
}

/* The same sequence in two places of an archive. */
static void a_sequence_that_comes_twice_is_refused(void **state) {
  (void)state;
  size_t size = 0;
  unsigned char *const bytes = frame_bytes(0, 0, &size);
  const input_entry entries[] = {{"MP_Data/go/0/0.npy", bytes, size},
                                 {"MP_Data/go/1/0.npy", bytes, size},
                                 {"MP_Data/go/0/1.npy", bytes, size}};
  input_zip("twice.zip", entries, 3);
  input_refused(input_spec("keypoints", "twice.zip", ""), FR_ERR_FORMAT,
                "sequence '0' of 'go' by 'twice' is there twice");
  free(bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frames_are_in_the_order_of_their_numbers),
      cmocka_unit_test(a_missing_frame_finds_nothing),
      cmocka_unit_test(most_sequences_say_how_long_a_window_is),
      cmocka_unit_test(folders_are_signers),
      cmocka_unit_test(a_zip_holds_the_same),
      cmocka_unit_test(all_widths_are_read),
      cmocka_unit_test(what_is_no_sequence_is_refused),
      cmocka_unit_test(a_number_that_is_none_is_named),
      cmocka_unit_test(a_sequence_that_comes_twice_is_refused),
  };
  return cmocka_run_group_tests(tests, input_setup, input_teardown);
}
