/* SPDX-License-Identifier: Apache-2.0 */
/* A budget decides which run is next: two repeats of every cell, cheap ones first, then
 * the comparison whose interval is widest per joule. Runs are played, not run. */
#include "study/next.h"
#include "yaml.h"

#include <math.h>

/* Cells: M scratch (to), M noisy, M steady: mechanisms of another data set E, whose
 * scratch is the source of both. */
#define YAML_THREE                                                                       \
  "name: three\nrepeats: 6\nnetworks: [{code: B, name: big}]\n"                          \
  "data:\n  - {code: M, name: m, spec: 'synthetic:'}\n"                                  \
  "  - {code: E, name: e, spec: 'synthetic:seed=2'}\n"                                   \
  "mechanisms: [{name: append}, {name: replace}]\n"                                      \
  "groups: [{name: g, data: [M], mechanisms: [append, replace], source: E}]\n"

enum { M_SCRATCH, E_SCRATCH, M_APPEND, M_REPLACE, CELLS };

typedef struct played {
  fr_study *study;
  fr_study_options options;
  fr__plan plan;
  double joules[CELLS], spread[CELLS]; /* of each run; in repeats, as a share */
} played;

static void make(played *p, const fr_study_budget *budget) {
  *p = (played){.study = yaml_study(YAML_THREE), .options = {.budget = *budget}};
  p->plan = (fr__plan){.study = p->study, .options = &p->options, .now = SIZE_MAX};
  assert_int_equal(fr__plan_cells(&p->plan, NULL), FR_OK);
  assert_int_equal(p->plan.cells, CELLS);
  static const double joules[CELLS] = {100, 200, 10, 20};
  static const double spread[CELLS] = {0.0, 0.0, 0.5, 0.05};
  memcpy(p->joules, joules, sizeof joules);
  memcpy(p->spread, spread, sizeof spread);
}

static void unmake(played *p) {
  fr__plan_release(&p->plan);
  fr_study_free(p->study);
}

static json_t *measure(double value) {
  return json_pack("{s:f,s:s,s:f,s:f,s:s}", "value", value, "unit", "J", "low", value,
                   "high", value, "source", "model");
}

/* Energies of odd and even repeats lie `spread` apart; the run itself takes the same. */
static void play(played *p, size_t run) {
  const size_t cell = run % CELLS, repeat = run / CELLS;
  const double train = p->joules[cell] * (1 + (repeat % 2 == 0 ? 0 : p->spread[cell]));
  p->plan.run[run].result =
      json_pack("{s:{s:o},s:{s:o},s:{s:o,s:f}}", "train", "program", measure(train),
                "test", "program", measure(p->joules[cell] / 10), "spent", "program",
                measure(p->joules[cell]), "duration_s", p->joules[cell] / 10);
  p->plan.done++;
}

static size_t next_of(const played *p) {
  const fr__running nobody = {0};
  return fr__next_run(&p->plan, &nobody);
}

static void without_a_budget_runs_stand_in_order(void **state) {
  (void)state;
  played p;
  make(&p, &(fr_study_budget){0});
  for (size_t i = 0; i < 6 * CELLS; i++) {
    assert_int_equal(next_of(&p), i);
    play(&p, i);
  }
  assert_int_equal(next_of(&p), SIZE_MAX);
  assert_null(fr__budget_describe(&p.plan));
  unmake(&p);
}

/* Sources before what needs them; of the second round, 10, 20, 100 and 200 J in turn.
 * Then a further repeat of `append` takes 10 + 100 + 200 J and its interval is wide,
 * one of `replace` 10 J more and is narrow: it comes once what both need is there. */
static void cheap_ones_come_first_then_the_widest_per_joule(void **state) {
  (void)state;
  static const size_t wanted[] = {
      0 * CELLS + M_SCRATCH, 0 * CELLS + E_SCRATCH, 0 * CELLS + M_APPEND,
      0 * CELLS + M_REPLACE, 1 * CELLS + M_SCRATCH, 1 * CELLS + E_SCRATCH,
      1 * CELLS + M_APPEND,  1 * CELLS + M_REPLACE, 2 * CELLS + E_SCRATCH,
      2 * CELLS + M_SCRATCH, 2 * CELLS + M_APPEND,  2 * CELLS + M_REPLACE};
  played p;
  make(&p, &(fr_study_budget){.energy_j = 1e6});
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    const size_t next = next_of(&p);
    if (i == 8 || i == 9) { /* what repeat 3 of both needs, in whichever order */
      assert_true(next == wanted[8] || next == wanted[9]);
    } else if (next != wanted[i]) {
      fail_msg("run %zu is %zu, not %zu", i, next, wanted[i]);
    }
    play(&p, next);
  }
  unmake(&p);
}

static size_t repeats_of(const played *p, size_t cell) {
  size_t n = 0;
  for (size_t r = 0; r < 6; r++)
    n += p->plan.run[r * CELLS + cell].result != NULL;
  return n;
}

/* Two rounds take 660 J; 990 J is enough for a third of all, and nothing more. */
static void a_run_that_would_exceed_it_is_not_made(void **state) {
  (void)state;
  static const struct {
    double budget;
    size_t runs;
  } rows[] = {{50, 1}, {660, 8}, {669, 8}, {969, 8}, {970, 11}, {990, 12}, {1e9, 24}};
  for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
    played p;
    size_t runs = 0;
    make(&p, &(fr_study_budget){.energy_j = rows[k].budget});
    for (size_t next; (next = next_of(&p)) != SIZE_MAX; runs++)
      play(&p, next);
    if (runs != rows[k].runs)
      fail_msg("%g J: %zu runs, not %zu", rows[k].budget, runs, rows[k].runs);
    if (rows[k].budget == 970)
      assert_int_equal(repeats_of(&p, M_APPEND), 3);
    json_t *told = fr__budget_describe(&p.plan);
    assert_int_equal(json_integer_value(json_object_get(told, "runs")), runs);
    assert_int_equal(json_integer_value(json_object_get(told, "not_run")), 24 - runs);
    if (runs > 1) /* what nothing ran of has no price that is known */
      assert_true(fr__row_value(told, "spent_j") <= rows[k].budget);
    json_decref(told);
    unmake(&p);
  }
}

static void time_limits_too_and_so_do_grams(void **state) {
  (void)state;
  /* 67 s are 670 J here; at 1,000 g/kWh 1 J is 1/3,600 g */
  const fr_study_budget budgets[] = {{.duration_s = 67}, {.grams = 670.0 / 3600.0}};
  for (size_t k = 0; k < 2; k++) {
    played p;
    size_t runs = 0;
    make(&p, &budgets[k]);
    char zone[] = "1000";
    p.study->intensity = k == 1 ? zone : NULL;
    fr_intensity at;
    if (k == 1 && fr_intensity_find(zone, &at, NULL) != FR_OK) {
      p.study->intensity = NULL; /* as a table's zone: by its own figure */
      assert_int_equal(fr_intensity_find("table:world", &at, NULL), FR_OK);
      p.options.budget.grams = 670.0 * at.g_per_kwh.value / 3.6e6;
    }
    for (size_t next; (next = next_of(&p)) != SIZE_MAX; runs++)
      play(&p, next);
    assert_int_equal(runs, 8);
    p.study->intensity = NULL;
    unmake(&p);
  }
}

/* The same results give the same next run, and the sum counts what was found. */
static void a_study_that_is_resumed_ends_where_it_would_have(void **state) {
  (void)state;
  played whole, resumed;
  make(&whole, &(fr_study_budget){.energy_j = 1500});
  make(&resumed, &(fr_study_budget){.energy_j = 1500});
  size_t runs = 0;
  for (size_t next; (next = next_of(&whole)) != SIZE_MAX; runs++) {
    play(&whole, next);
    if (runs < 9) {
      play(&resumed, next);
      resumed.plan.run[next].reused = true;
    }
  }
  for (size_t next; (next = next_of(&resumed)) != SIZE_MAX;)
    play(&resumed, next);
  for (size_t i = 0; i < 6 * CELLS; i++)
    assert_int_equal(whole.plan.run[i].result == NULL,
                     resumed.plan.run[i].result == NULL);
  unmake(&resumed);
  make(&resumed, &(fr_study_budget){.energy_j = 1500, .anew = true});
  for (size_t i = 0; i < 8; i++) {
    play(&resumed, i);
    resumed.plan.run[i].reused = true;
  }
  assert_true(fr__budget_spent(&resumed.plan).joules == 0.0);
  unmake(&resumed);
  unmake(&whole);
}

/* 660 J in 66 s, 340 J left: 34 s more; of a limit of 70 s 4 s are. */
static void what_is_left_lasts_so_long(void **state) {
  (void)state;
  played p;
  make(&p, &(fr_study_budget){.energy_j = 1000});
  assert_true(isinf(fr__budget_seconds_left(&p.plan)));
  for (size_t i = 0; i < 8; i++)
    play(&p, i);
  assert_true(fabs(fr__budget_seconds_left(&p.plan) - 34) < 1e-9);
  p.options.budget.duration_s = 70;
  assert_true(fabs(fr__budget_seconds_left(&p.plan) - 4) < 1e-9);
  unmake(&p);
}

/* A cell that comes to the same as another is never asked for, and not paid for. */
static void twins_are_run_once(void **state) {
  (void)state;
  played p;
  size_t runs = 0;
  make(&p, &(fr_study_budget){.energy_j = 1e9});
  p.plan.cell[M_REPLACE].twin = M_APPEND;
  for (size_t next; (next = next_of(&p)) != SIZE_MAX; runs++) {
    assert_int_not_equal(next % CELLS, M_REPLACE);
    play(&p, next);
    if (next % CELLS == M_APPEND) { /* as the study shares it: without what was spent */
      json_t *same = json_copy(p.plan.run[next].result);
      json_object_del(same, "spent");
      p.plan.run[next + M_REPLACE - M_APPEND].result = same;
    }
  }
  assert_int_equal(runs, 18);
  assert_true(fabs(fr__budget_spent(&p.plan).joules - 6 * 310) < 1e-9);
  unmake(&p);
}

static bool all_of_the_first_round(const void *self, size_t run) {
  (void)self;
  return run == M_SCRATCH;
}

/* What runs just now is taken off what is left. */
static void runs_that_go_on_are_counted(void **state) {
  (void)state;
  played p;
  const fr__running now = {.is_running = all_of_the_first_round};
  make(&p, &(fr_study_budget){.energy_j = 250});
  play(&p, E_SCRATCH);
  p.joules[M_SCRATCH] = 200; /* expected by what the other took */
  assert_int_equal(fr__next_run(&p.plan, &now), SIZE_MAX);
  unmake(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_a_budget_runs_stand_in_order),
      cmocka_unit_test(cheap_ones_come_first_then_the_widest_per_joule),
      cmocka_unit_test(a_run_that_would_exceed_it_is_not_made),
      cmocka_unit_test(time_limits_too_and_so_do_grams),
      cmocka_unit_test(a_study_that_is_resumed_ends_where_it_would_have),
      cmocka_unit_test(what_is_left_lasts_so_long),
      cmocka_unit_test(twins_are_run_once),
      cmocka_unit_test(runs_that_go_on_are_counted),
  };
  return cmocka_run_group_tests_name("study/budget", tests, NULL, NULL);
}
