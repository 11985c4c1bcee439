/* SPDX-License-Identifier: Apache-2.0 */
/* Fronts: labels keep apart, what cannot be drawn is left out, words of a result stay
 * words. */
#include <math.h>

#include "../test.h"

#include "base/rng.h"
#include "report/front.h"
#include "report/tables.h"

#define WIDTH 400.0
#define HEIGHT 300.0

static bool apart(const fr__label *a, const fr__label *b) {
  return a->x >= b->x + b->width || b->x >= a->x + a->width || fabs(a->y - b->y) >= 15;
}

static void labels_never_overlap(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 5, 0);
  for (int round = 0; round < 50; round++) {
    fr__label label[40] = {{0}};
    for (size_t i = 0; i < 40; i++) {
      const double crowd = i % 2 == 0 ? 1 : 0.1; /* half of them in a corner */
      label[i].at_x = crowd * WIDTH * fr__rng_uniform(&rng);
      label[i].at_y = crowd * HEIGHT * fr__rng_uniform(&rng);
      label[i].width = 20 + 60 * fr__rng_uniform(&rng);
    }
    fr__labels_place(label, 40, WIDTH, HEIGHT);
    for (size_t i = 0; i < 40; i++) {
      if (!label[i].placed)
        continue;
      assert_true(label[i].x >= 0 && label[i].x + label[i].width <= WIDTH);
      assert_true(label[i].y >= 7.5 && label[i].y <= HEIGHT - 7.5);
      for (size_t k = 0; k < i; k++)
        assert_true(!label[k].placed || apart(&label[i], &label[k]));
    }
  }
}

static void a_label_alone_is_placed_wherever_its_point_lies(void **state) {
  (void)state;
  static const double at[][2] = {{0, 0}, {0, 300}, {400, 0}, {400, 300}, {200, 150}};
  for (size_t i = 0; i < 5; i++) {
    fr__label label = {.at_x = at[i][0], .at_y = at[i][1], .width = 60};
    fr__labels_place(&label, 1, WIDTH, HEIGHT);
    assert_true(label.placed);
  }
}

#define RESULT(fronts) "{\"cells\":[],\"fronts\":" fronts "}"
#define POINT(energy, correct)                                                           \
  "{\"cell\":\"MS\",\"net\":\"small\",\"mechanism\":\"it's; set\",\"energy\":" energy    \
  ",\"accuracy\":" correct ",\"on_front\":true}"

#define FIRST POINT("{\"value\":1}", "{\"value\":0.8}")
#define SECOND POINT("{\"value\":2}", "{\"value\":0.9}")
#define NEGATIVE POINT("{\"value\":-1}", "{\"value\":0.9}")
#define NOTHING POINT("null", "{\"value\":0.9}")
#define OF(what, points)                                                                 \
  RESULT("[{\"data\":\"M\",\"of\":\"" what "\",\"points\":[" points "]}]")
#define TRAIN(points) OF("train", points)
#define TEST(points) OF("test", points)

static size_t read_points(const char *text) {
  fr__result result = {0};
  fr__front *front = NULL;
  size_t count = 0, points = 0;
  ASSERT_OK(fr__result_parse("it", text, &result, err));
  ASSERT_OK(fr__fronts_read(&result, &front, &count, err));
  for (size_t i = 0; i < count; i++)
    for (size_t p = 0; p < FR__FRONT_PANELS; p++)
      points += front[i].panel[p].points;
  fr__fronts_free(front, count);
  fr__result_release(&result);
  return points;
}

static void what_cannot_be_drawn_is_left_out(void **state) {
  (void)state;
  assert_int_equal(read_points("{\"cells\":[]}"), 0);
  assert_int_equal(read_points(RESULT("[null, 5, {}, {\"of\":\"train\"}]")), 0);
  assert_int_equal(read_points(RESULT("[{\"of\":\"train\",\"points\":[null,[],5]}]")), 0);
  assert_int_equal(read_points(TRAIN(NOTHING "," NEGATIVE "," NEGATIVE)), 0);
  assert_int_equal(read_points(TRAIN(NOTHING "," FIRST "," NEGATIVE)), 1);
}

/* Quotes of a name are no commands of gnuplot's. */
static void names_stay_names(void **state) {
  (void)state;
  fr__result result = {0};
  fr__front *front = NULL;
  size_t count = 0;
  fr__buf script;
  ASSERT_OK(fr__result_parse("it", TEST(FIRST "," SECOND), &result, err));
  ASSERT_OK(fr__fronts_read(&result, &front, &count, err));
  fr__buf_init(&script, 0);
  fr__front_script(&front[0], 0, 2, FR__SVG_FILE, &script);
  assert_int_equal(script.status, FR_OK);
  assert_null(strstr(fr__buf_text(&script), "'it's; set'"));
  assert_non_null(strstr(fr__buf_text(&script), "per 1,000 tests"));
  fr__buf_release(&script);
  fr__table table;
  fr__tables_front(&front[0], 1, &table);
  assert_int_equal(table.status, FR_OK);
  assert_int_equal(table.cells, 10);
  fr__table_release(&table);
  fr__fronts_free(front, count);
  fr__result_release(&result);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(labels_never_overlap),
      cmocka_unit_test(a_label_alone_is_placed_wherever_its_point_lies),
      cmocka_unit_test(what_cannot_be_drawn_is_left_out),
      cmocka_unit_test(names_stay_names),
  };
  return cmocka_run_group_tests_name("report/front", tests, NULL, NULL);
}
