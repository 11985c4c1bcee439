/* SPDX-License-Identifier: Apache-2.0 */
#include "reader.h"

#include <float.h>
#include <math.h>

#include "events/histogram.h"

#include "golden.h"

static double total(const fr__histogram *h) {
  double sum = 0;
  for (size_t k = 0; k < h->buckets; k++)
    sum += h->bucket[k][2];
  return sum;
}

static void counts_as_numpy_does(void **state) {
  (void)state;
  fr__histogram h;
  fr__histogram_init(&h, golden_values, 100);
  assert_int_equal(h.buckets, 30);
  assert_int_equal(h.left_out, 0);
  for (size_t k = 0; k < 30; k++) {
    assert_true(fabs(h.bucket[k][0] - golden_edges[k]) < 1e-14);
    assert_true(fabs(h.bucket[k][1] - golden_edges[k + 1]) < 1e-14);
    assert_true(h.bucket[k][2] == golden_counts[k]);
  }
  assert_true(h.bucket[29][1] == golden_edges[30]);
}

static void an_edge_belongs_to_the_bucket_on_its_right(void **state) {
  (void)state;
  float value[31];
  fr__histogram h;
  for (size_t i = 0; i < 31; i++)
    value[i] = (float)i;
  fr__histogram_init(&h, value, 31);
  for (size_t k = 0; k < 30; k++) {
    assert_true(h.bucket[k][0] == (double)k && h.bucket[k][1] == (double)k + 1);
    assert_true(h.bucket[k][2] == (k == 29 ? 2 : 1));
  }
}

static void equal_values_are_all_in_the_last_bucket(void **state) {
  (void)state;
  const float value[] = {-2.5f, -2.5f, -2.5f};
  for (size_t count = 1; count <= 3; count++) {
    fr__histogram h;
    fr__histogram_init(&h, value, count);
    assert_int_equal(h.buckets, 30);
    for (size_t k = 0; k < 30; k++) {
      assert_true(h.bucket[k][0] == -2.5 && h.bucket[k][1] == -2.5);
      assert_true(h.bucket[k][2] == (k == 29 ? (double)count : 0));
    }
  }
}

static void what_is_not_finite_is_left_out_and_counted(void **state) {
  (void)state;
  const float value[] = {NAN, 3, INFINITY, 0, -INFINITY, -NAN, 1.5f};
  fr__histogram h;
  fr__histogram_init(&h, value, 7);
  assert_int_equal(h.left_out, 4);
  assert_true(h.bucket[0][0] == 0 && h.bucket[29][1] == 3);
  assert_true(h.bucket[0][2] == 1 && h.bucket[15][2] == 1 && h.bucket[29][2] == 1);
  assert_true(total(&h) == 3);
  fr__histogram_init(&h, value, 1);
  assert_int_equal(h.left_out, 1);
  assert_int_equal(h.buckets, 0);
  fr__histogram_init(&h, NULL, 0);
  assert_int_equal(h.left_out, 0);
  assert_int_equal(h.buckets, 0);
}

static void the_widest_and_the_narrowest_range_hold(void **state) {
  (void)state;
  const float wide[] = {-FLT_MAX, 0, FLT_MAX};
  const float narrow[] = {0, 1.401298464e-45f}; /* the least float above 0 */
  fr__histogram h;
  fr__histogram_init(&h, wide, 3);
  assert_true(h.bucket[0][2] == 1 && h.bucket[15][2] == 1 && h.bucket[29][2] == 1);
  fr__histogram_init(&h, narrow, 2);
  assert_true(h.bucket[0][2] == 1 && h.bucket[29][2] == 1 && total(&h) == 2);
}

static void an_empty_histogram_is_written_as_such(void **state) {
  (void)state;
  char *folder = test_folder_make();
  const float nothing[] = {NAN};
  size_t left_out = 7;
  fr_events *events = NULL;
  reader r;
  ASSERT_OK(fr_events_new(folder, &events, err));
  ASSERT_OK(fr_events_histogram(events, 1, "h", nothing, 1, &left_out, err));
  assert_int_equal(left_out, 1);
  reader_init(&r, fr_events_path(events));
  Fr__Events__Event *event = reader_event(&r, 1);
  const Fr__Events__Tensor *tensor = event->summary->value[0]->tensor;
  assert_int_equal(tensor->n_double_val, 0);
  assert_int_equal(tensor->tensor_shape->n_dim, 2);
  assert_int_equal(tensor->tensor_shape->dim[0]->size, 0);
  assert_int_equal(tensor->tensor_shape->dim[1]->size, 3);
  fr__events__event__free_unpacked(event, NULL);
  reader_release(&r);
  fr_events_free(events);
  test_folder_remove(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counts_as_numpy_does),
      cmocka_unit_test(an_edge_belongs_to_the_bucket_on_its_right),
      cmocka_unit_test(equal_values_are_all_in_the_last_bucket),
      cmocka_unit_test(what_is_not_finite_is_left_out_and_counted),
      cmocka_unit_test(the_widest_and_the_narrowest_range_hold),
      cmocka_unit_test(an_empty_histogram_is_written_as_such),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
