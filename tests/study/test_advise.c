/* SPDX-License-Identifier: Apache-2.0 */
/* Advice from stores written by hand: the winner changes where two lines meet, what does
 * not reach is not chosen, and what cannot be is passed over. */
#include <inttypes.h>
#include <math.h>
#include <unistd.h>

#include "../test.h"

#include "frugal/advise.h"
#include "frugal/data.h"
#include "yaml.h"

#define SPEC "synthetic:subjects=2&trials=1&seconds=10"

typedef struct way { /* energies of seed 1; seed s has them times 1 + (s - 1) * step */
  const char *net, *mechanism;
  double train_j, before_j, test_j; /* one test */
  double reached, validated;
  size_t seeds;
  double step;
} way;

typedef struct place {
  char *folder, *path;
  fr_store *store;
  char digest[20];
  const char *cpu;
  const char *split;
} place;

static void set_up(place *p) {
  fr_dataset *data = NULL;
  *p = (place){.folder = test_folder_make(), .cpu = "a processor", .split = "time:0.7"};
  p->path = malloc(strlen(p->folder) + 16);
  assert_non_null(p->path);
  sprintf(p->path, "%s/runs.sqlite", p->folder);
  assert_int_equal(fr_store_open(p->path, &p->store, NULL), FR_OK);
  assert_int_equal(fr_data_open(SPEC, NULL, &data, NULL), FR_OK);
  snprintf(p->digest, sizeof p->digest, "%016" PRIx64, data->digest);
  fr_data_free(data);
}

static void tear_down(place *p) {
  fr_store_close(p->store);
  free(p->path);
  test_folder_remove(p->folder);
}

static json_t *joules(double value) {
  return json_pack("{s:f,s:s,s:f,s:f,s:s}", "value", value, "unit", "J", "low", value,
                   "high", value, "source", "model");
}

static json_t *run_of(const way *w, size_t seed) {
  const double times = 1 + (double)(seed - 1) * w->step;
  json_t *run = json_pack(
      "{s:s,s:s,s:s,s:s,s:I,s:s,s:{s:o,s:s},s:{s:o,s:f}}", "name", "DS", "data", "D",
      "net", w->net, "mechanism", w->mechanism, "seed", (json_int_t)seed, "architecture",
      w->net, "train", "program", joules(w->train_j * times), "precision", "float32",
      "test", "program", joules(1000 * w->test_j * times), "accuracy", w->reached);
  if (w->validated > 0)
    json_object_set_new(json_object_get(run, "train"), "best_validate_accuracy",
                        json_real(w->validated));
  if (w->before_j > 0)
    json_object_set_new(run, "pretraining",
                        json_pack("{s:o}", "program", joules(w->before_j)));
  return run;
}

static json_t *result_of(const place *p, const way *list, size_t count) {
  json_t *runs = json_array();
  for (size_t i = 0; i < count; i++)
    for (size_t s = 1; s <= list[i].seeds; s++)
      json_array_append_new(runs, run_of(&list[i], s));
  return json_pack("{s:{s:[{s:s,s:s,s:s}],s:[{s:s,s:s},{s:s,s:s}],s:i},"
                   "s:{s:s,s:s,s:s},s:o}",
                   "settings", "data", "code", "D", "digest", p->digest, "split",
                   p->split, "networks", "code", "S", "name", "small", "code", "B",
                   "name", "big", "epochs", 60, "machine", "cpu", p->cpu, "source",
                   "model", "rule", "", "runs", runs);
}

static void store_text(place *p, const char *result) {
  char command[] = "study", name[] = "made";
  const fr_run asked = {.command = command, .name = name};
  int64_t id = 0;
  assert_int_equal(fr_store_run_begin(p->store, &asked, &id, NULL), FR_OK);
  assert_int_equal(fr_store_run_end(p->store, id, "done", result, NULL), FR_OK);
}

static void store_study(place *p, const way *list, size_t count) {
  json_t *result = result_of(p, list, count);
  char *text = json_dumps(result, 0);
  assert_non_null(text);
  store_text(p, text);
  free(text);
  json_decref(result);
}

static fr_advice ask(place *p, double reach, double tests) {
  const fr_advise_options options = {
      .data = SPEC, .split = "time:0.7", .reach = reach, .tests = tests};
  fr_advice advice = {0};
  fr_error err = {0};
  if (fr_advise(p->store, &options, &advice, &err) != FR_OK)
    fail_msg("%s", err.text);
  return advice;
}

static void assert_close(double x, double wanted) {
  if (!(fabs(x - wanted) <= 1e-9 * fabs(wanted)))
    fail_msg("%.12g is not %.12g", x, wanted);
}

/* Training 100 J and 2 mJ a test; 20 J and 4 mJ: 80 J / 2 mJ = 40,000 tests. */
static const way crossing[] = {{"B", "scratch", 100, 0, 0.002, 0.95, 0.96, 5, 0.0},
                               {"S", "half", 20, 0, 0.004, 0.94, 0.95, 5, 0.0}};

static void the_winner_changes_where_the_lines_meet(void **state) {
  (void)state;
  place p;
  set_up(&p);
  store_study(&p, crossing, 2);
  static const struct {
    double tests;
    const char *first;
  } rows[] = {{1, "half"}, {39999, "half"}, {40001, "scratch"}, {1e9, "scratch"}};
  for (size_t i = 0; i < 4; i++) {
    fr_advice a = ask(&p, 0.93, rows[i].tests);
    assert_int_equal(a.reaching, 2);
    assert_string_equal(a.way[0].mechanism, rows[i].first);
    assert_close(i < 2 ? a.to_tests : a.from_tests, 40000);
    assert_int_equal(i < 2 ? a.above : a.below, 1);
    assert_int_equal(i < 2 ? a.below : a.above, SIZE_MAX);
    fr_advice_release(&a);
  }
  fr_advice a = ask(&p, 0.93, 10000); /* 20 + 40 J, 100 + 20 J */
  assert_close(a.way[0].life_j.mean, 60);
  assert_close(a.way[1].life_j.mean, 120);
  assert_close(a.apart.mean, 2.0);
  assert_true(a.beyond && a.apart.n == 5);
  assert_string_equal(a.way[0].network, "small");
  assert_false(a.here);
  assert_string_equal(a.cpu, "a processor");
  fr_advice_release(&a);
  tear_down(&p);
}

/* Of three lines the first that is met on either side ends the range. */
static void the_range_ends_at_the_nearest_line(void **state) {
  (void)state;
  static const way three[] = {{"S", "a", 10, 0, 0.004, 0.9, 0, 2, 0.0},
                              {"S", "b", 30, 0, 0.002, 0.9, 0, 2, 0.0},
                              {"S", "c", 100, 0, 0.001, 0.9, 0, 2, 0.0}};
  place p;
  set_up(&p);
  store_study(&p, three, 3);
  fr_advice a = ask(&p, 0.9, 20000); /* b: from 10,000 to 70,000 */
  assert_string_equal(a.way[0].mechanism, "b");
  assert_close(a.from_tests, 10000);
  assert_close(a.to_tests, 70000);
  assert_string_equal(a.way[a.below].mechanism, "a");
  assert_string_equal(a.way[a.above].mechanism, "c");
  fr_advice_release(&a);
  tear_down(&p);
}

/* On the test side, or on the validation side alone: neither is chosen. */
static void what_does_not_reach_is_not_chosen(void **state) {
  (void)state;
  static const way three[] = {{"S", "test", 1, 0, 0.001, 0.92, 0.99, 3, 0.0},
                              {"S", "validation", 1, 0, 0.001, 0.99, 0.90, 3, 0.0},
                              {"S", "both", 9, 0, 0.009, 0.93, 0.93, 3, 0.0}};
  place p;
  set_up(&p);
  store_study(&p, three, 3);
  fr_advice a = ask(&p, 0.93, 1000);
  assert_int_equal(a.reaching, 1);
  assert_string_equal(a.way[0].mechanism, "both");
  assert_int_equal(a.apart.n, 0);
  fr_advice_release(&a);
  a = ask(&p, 0.95, 1000);
  assert_int_equal(a.reaching, 0);
  assert_string_equal(a.way[0].mechanism, "both"); /* 0.93 is nearer than 0.92, 0.90 */
  fr_advice_release(&a);
  tear_down(&p);
}

/* 20 + 50 J; shared by five tasks 20 + 10 J. */
static void pre_training_is_shared_by_tasks(void **state) {
  (void)state;
  static const way one[] = {{"S", "append", 20, 50, 0.001, 0.9, 0, 2, 0.0}};
  place p;
  set_up(&p);
  store_study(&p, one, 1);
  fr_advise_options options = {.data = SPEC, .split = "time:0.7", .tests = 0};
  static const double wanted[] = {70, 30};
  for (size_t i = 0; i < 2; i++) {
    fr_advice a = {0};
    options.tasks = i == 0 ? 1 : 5;
    assert_int_equal(fr_advise(p.store, &options, &a, NULL), FR_OK);
    assert_close(a.way[0].life_j.mean, wanted[i]);
    fr_advice_release(&a);
  }
  tear_down(&p);
}

/* Lives of 10 to 18 J and 10.1 to 18.2 J: seeds differ, pairs do not. */
static void pairs_tell_apart_what_means_do_not(void **state) {
  (void)state;
  static const way two[] = {{"S", "a", 10, 0, 1e-9, 0.9, 0, 5, 0.2},
                            {"S", "b", 10.1, 0, 1e-9, 0.9, 0, 5, 0.2}};
  place p;
  set_up(&p);
  store_study(&p, two, 2);
  fr_advice a = ask(&p, 0.5, 1);
  assert_true(a.way[0].life_j.high > a.way[1].life_j.low);
  assert_true(a.beyond);
  assert_true(fabs(a.apart.mean - 1.01) < 1e-6);
  fr_advice_release(&a);
  tear_down(&p);
}

/* The newest figure of a way and seed counts; other seeds add to it; other machines and
 * splits are counted and left out. */
static void studies_are_put_together(void **state) {
  (void)state;
  static const way old[] = {{"S", "scratch", 10, 0, 0.001, 0.9, 0, 4, 0.0}};
  static const way newer[] = {{"S", "scratch", 20, 0, 0.001, 0.9, 0, 2, 0.0}};
  place p;
  set_up(&p);
  store_study(&p, old, 1);
  p.cpu = "another";
  store_study(&p, old, 1);
  p.cpu = "a processor";
  p.split = "trial";
  store_study(&p, old, 1);
  p.split = "time:0.7";
  store_study(&p, newer, 1);
  fr_advice a = ask(&p, 0.5, 0);
  assert_int_equal(a.ways, 1);
  assert_int_equal(a.way[0].n, 4);
  assert_close(a.way[0].train_j.mean, 15); /* 20, 20, 10, 10 */
  assert_int_equal(a.studies, 2);
  assert_int_equal(a.elsewhere, 4);
  assert_int_equal(a.otherwise, 4);
  fr_advice_release(&a);
  tear_down(&p);
}

/* One study each: what a mechanism changes, which network a code stands for, and the
 * architecture that came out. */
static void store_mechanism(place *p, const char *mechanism, const char *teacher,
                            const char *architecture, int seed, const char *prune) {
  json_t *result = json_pack(
      "{s:{s:[{s:s,s:s,s:s}],s:[{s:s,s:s},{s:s,s:s}],s:[{s:s,s:s,s:s}]},s:{s:s,s:s},"
      "s:[{s:s,s:s,s:s,s:[s],s:s,s:i,s:{s:o,s:f,s:{s:f}},s:{s:o,s:f}}]}",
      "settings", "data", "code", "D", "digest", p->digest, "split", p->split, "networks",
      "code", "S", "name", "small", "code", teacher, "name", "big", "mechanisms", "name",
      mechanism, "prune", prune, "teacher", teacher, "machine", "cpu", p->cpu, "source",
      "model", "runs", "data", "D", "net", "S", "mechanism", mechanism, "parts",
      mechanism, "architecture", architecture, "seed", seed, "train", "program",
      joules(1), "best_validate_accuracy", 0.99, "pruning", "validate_after", 0.8, "test",
      "program", joules(1), "accuracy", 0.9);
  assert_non_null(result);
  char *text = json_dumps(result, 0);
  store_text(p, text);
  free(text);
  json_decref(result);
}

static void ways_are_told_apart_by_what_they_are(void **state) {
  (void)state;
  place p;
  set_up(&p);
  store_mechanism(&p, "half", "B", "dense(9)", 1, "structured(0.5)");
  store_mechanism(&p, "cut", "X", "dense(8)", 2, "structured(0.5)");
  fr_advice a = ask(&p, 0.5, 0);
  assert_int_equal(a.ways, 1); /* the same under two names, by two seeds */
  assert_int_equal(a.way[0].n, 2);
  assert_close(a.way[0].validated.mean, 0.8); /* that of the pruned network */
  fr_advice_release(&a);
  store_mechanism(&p, "half", "B", "dense(8)", 3, "structured(0.25)");
  a = ask(&p, 0.5, 0);
  assert_int_equal(a.ways, 2);
  fr_advice_release(&a);
  tear_down(&p);
}

static void an_empty_store_has_no_ways(void **state) {
  (void)state;
  place p;
  set_up(&p);
  fr_advice a = ask(&p, 0.5, 1000);
  assert_int_equal(a.ways, 0);
  assert_int_equal(a.runs, 0);
  fr_advice_release(&a);
  tear_down(&p);
}

static void hostile_results_are_passed_over(void **state) {
  (void)state;
  place p;
  char text[2048];
  set_up(&p);
  static const char *const runs[] = {
      "null",
      "5",
      "{}",
      "[null, 5, [], \"x\"]",
      "[{\"data\":\"D\"}]",
      "[{\"data\":\"D\",\"train\":{\"program\":-1},\"test\":{\"program\":2,"
      "\"accuracy\":0.9}}]",
      "[{\"data\":\"D\",\"train\":{\"program\":1e300},\"test\":{\"program\":2,"
      "\"accuracy\":0.9}}]",
      "[{\"data\":\"D\",\"train\":{\"program\":1},\"test\":{\"program\":2,"
      "\"accuracy\":7}}]",
      "[{\"data\":\"D\",\"train\":{\"program\":\"1\"},\"test\":[],\"seed\":{}}]",
      "[{\"data\":\"D\",\"parts\":[1,null],\"mechanism\":5,\"train\":{\"program\":1},"
      "\"test\":{\"program\":null,\"accuracy\":0.5}}]"};
  store_text(&p, "no JSON");
  store_text(&p, "[]");
  store_text(&p, "{\"settings\":{\"data\":[null,1]}}");
  for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
    snprintf(text, sizeof text,
             "{\"settings\":{\"data\":[{\"code\":\"D\",\"digest\":\"%s\",\"split\":"
             "\"time:0.7\"}]},\"machine\":{\"cpu\":\"a processor\",\"source\":\"model\"},"
             "\"runs\":%s}",
             p.digest, runs[i]);
    store_text(&p, text);
  }
  fr_advice a = ask(&p, 0.5, 1000);
  assert_int_equal(a.ways, 0);
  fr_advice_release(&a);
  store_study(&p, crossing, 2);
  a = ask(&p, 0.5, 1000);
  assert_int_equal(a.ways, 2);
  fr_advice_release(&a);
  tear_down(&p);
}

/* What the matrix says is a study like any other; quotes in a spec stay in it. */
static void the_matrix_is_a_study(void **state) {
  (void)state;
  fr_study *study = NULL;
  fr_error err = {0};
  fr_advise_options options = {
      .data = "csv:it's.csv", .task = "activity", .validate = "0.2", .window = 64};
  if (fr_advise_study(&options, "table:DE", &study, &err) != FR_OK)
    fail_msg("%s", err.text);
  assert_string_equal(study->data[0].spec, "csv:it's.csv");
  assert_int_equal(study->data[0].window, 64);
  assert_int_equal(study->networks_count, 2);
  assert_string_equal(study->networks[0].name, "small");
  assert_int_equal(study->repeats, 5);
  fr_study_free(study);
  options.from = "synthetic:seed=3";
  assert_int_equal(fr_advise_study(&options, NULL, &study, NULL), FR_OK);
  assert_int_equal(study->data_count, 2);
  assert_int_equal(study->data[1].window, 64);
  assert_true(fr__study_find_mechanism(study, "append") != SIZE_MAX);
  fr_study_free(study);
  options.networks = 1;
  options.network[0] = "dense(8) relu dense(classes)";
  assert_int_equal(fr_advise_study(&options, NULL, &study, NULL), FR_OK);
  assert_string_equal(study->networks[0].name, options.network[0]);
  fr_study_free(study);
  options.data = "csv:a\n  b";
  assert_int_equal(fr_advise_study(&options, NULL, &study, &err), FR_ERR_ARGUMENT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_winner_changes_where_the_lines_meet),
      cmocka_unit_test(the_range_ends_at_the_nearest_line),
      cmocka_unit_test(what_does_not_reach_is_not_chosen),
      cmocka_unit_test(pre_training_is_shared_by_tasks),
      cmocka_unit_test(pairs_tell_apart_what_means_do_not),
      cmocka_unit_test(studies_are_put_together),
      cmocka_unit_test(ways_are_told_apart_by_what_they_are),
      cmocka_unit_test(an_empty_store_has_no_ways),
      cmocka_unit_test(hostile_results_are_passed_over),
      cmocka_unit_test(the_matrix_is_a_study),
  };
  return cmocka_run_group_tests_name("study/advise", tests, NULL, NULL);
}
