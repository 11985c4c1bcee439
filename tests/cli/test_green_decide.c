/* SPDX-License-Identifier: Apache-2.0 */
/* When a green run is at work: by its plan, but never against its deadline. */
#include "../test.h"

#include "cli/green_decide.h"

static const fr_piece planned[] = {{100, 150}, {200, 250}};

static cli_green_view view_at(int64_t now_s) {
  return (cli_green_view){.now_s = now_s,
                          .deadline_s = 400,
                          .left_s = 100,
                          .pauses = true,
                          .least_s = 10,
                          .piece = planned,
                          .count = 2};
}

static void expect(const cli_green_view *view, bool run, int64_t until_s,
                   enum cli_green_reason reason) {
  const cli_green_choice choice = cli_green_decide(view);
  assert_int_equal(choice.run, run);
  assert_int_equal(choice.until_s, until_s);
  assert_int_equal(choice.reason, reason);
}

static void waits_for_the_first_piece(void **state) {
  (void)state;
  const cli_green_view view = view_at(0);
  expect(&view, false, 100, CLI_GREEN_WAIT);
}

static void runs_through_a_piece_and_not_beyond(void **state) {
  (void)state;
  cli_green_view view = view_at(100);
  expect(&view, true, 150, CLI_GREEN_PIECE);
  view = view_at(150);
  view.running = view.begun = true;
  view.since_s = 100;
  view.left_s = 50;
  expect(&view, false, 200, CLI_GREEN_WAIT);
}

static void waits_no_longer_than_the_deadline_allows(void **state) {
  (void)state;
  cli_green_view view = view_at(0);
  view.deadline_s = 180;
  expect(&view, false, 80, CLI_GREEN_WAIT);
  view.now_s = 80;
  expect(&view, true, FR_TIME_LATEST, CLI_GREEN_NO_SLACK);
  view.now_s = 120; /* where it was woken too late */
  expect(&view, true, FR_TIME_LATEST, CLI_GREEN_NO_SLACK);
}

static void parts_of_seconds_left_count_whole(void **state) {
  (void)state;
  assert_int_equal(cli_green_latest_start(400, 99.2), 300);
  assert_int_equal(cli_green_latest_start(400, 100), 300);
  assert_int_equal(cli_green_latest_start(400, -3), 400);
}

static void goes_on_after_the_deadline(void **state) {
  (void)state;
  cli_green_view view = view_at(401);
  expect(&view, true, FR_TIME_LATEST, CLI_GREEN_LATE);
}

static void goes_on_when_it_took_longer_than_told(void **state) {
  (void)state;
  cli_green_view view = view_at(160);
  view.left_s = -0.5;
  view.begun = view.running = true;
  expect(&view, true, FR_TIME_LATEST, CLI_GREEN_OVERTIME);
}

static void a_piece_lasts_at_least_so_long(void **state) {
  (void)state;
  cli_green_view view = view_at(155);
  view.begun = view.running = true;
  view.left_s = 50;
  view.since_s = 150; /* by an earlier plan */
  expect(&view, true, 160, CLI_GREEN_LEAST);
  view.now_s = 160;
  expect(&view, false, 200, CLI_GREEN_WAIT);
}

static void what_cannot_be_paused_is_left_running(void **state) {
  (void)state;
  cli_green_view view = view_at(155);
  view.begun = view.running = true;
  view.pauses = false;
  expect(&view, true, FR_TIME_LATEST, CLI_GREEN_WHOLE);
  view.running = false;
  expect(&view, false, 200, CLI_GREEN_WAIT);
}

static void without_a_piece_ahead_it_runs(void **state) {
  (void)state;
  cli_green_view view = view_at(251);
  expect(&view, true, FR_TIME_LATEST, CLI_GREEN_UNPLANNED);
  view = view_at(10);
  view.piece = NULL;
  view.count = 0;
  expect(&view, true, FR_TIME_LATEST, CLI_GREEN_UNPLANNED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(waits_for_the_first_piece),
      cmocka_unit_test(runs_through_a_piece_and_not_beyond),
      cmocka_unit_test(waits_no_longer_than_the_deadline_allows),
      cmocka_unit_test(parts_of_seconds_left_count_whole),
      cmocka_unit_test(goes_on_after_the_deadline),
      cmocka_unit_test(goes_on_when_it_took_longer_than_told),
      cmocka_unit_test(a_piece_lasts_at_least_so_long),
      cmocka_unit_test(what_cannot_be_paused_is_left_running),
      cmocka_unit_test(without_a_piece_ahead_it_runs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
