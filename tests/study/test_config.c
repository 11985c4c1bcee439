/* SPDX-License-Identifier: Apache-2.0 */
/* A study file says what is wrong with it, and in which line. */
#include "yaml.h"

#include <math.h>

static void a_study_is_read(void **state) {
  (void)state;
  fr_study *study = yaml_study(YAML_TINY);
  assert_string_equal(fr_study_name(study), "tiny");
  assert_int_equal(study->repeats, 2);
  assert_int_equal(study->seed, 1);
  assert_true(study->pue == 1.0);
  const fr_train_options options = fr__study_train_options(study);
  assert_int_equal(options.epochs, 4);
  assert_int_equal(options.patience, 2);
  assert_true(fabsf(options.optimizer.learning_rate - 0.002f) < 1e-9f);
  const fr_transfer_options append = fr__study_transfer(&study->mechanisms[0]);
  const fr_transfer_options today = fr__study_transfer(&study->mechanisms[1]);
  assert_int_equal(append.kind, FR_TRANSFER_APPEND);
  assert_true(append.freeze == SIZE_MAX);
  assert_int_equal(today.kind, FR_TRANSFER_REPLACE);
  assert_int_equal(today.freeze, 0);
  assert_int_equal(study->claims_count, 2);
  assert_true(study->claims[1].range[0] == -5.0);
  fr_study_free(study);
}

static void all_cells_share_a_precision(void **state) {
  (void)state;
  fr_study *study = yaml_study(YAML_TINY);
  assert_int_equal(fr__study_train_options(study).precision, FR_TRAIN_F32);
  assert_true(fr_study_set_precision(study, "auto"));
  assert_int_equal(fr__study_train_options(study).precision, FR_TRAIN_AUTO);
  assert_false(fr_study_set_precision(study, "int8"));
  fr_study_free(study);
  static const char rest[] = "data: [{code: M, name: m, spec: 'synthetic:subjects=3'}]\n"
                             "networks: [{code: S, name: small}]\n"
                             "groups: [{name: g, data: [M]}]\n";
  char text[400];
  snprintf(text, sizeof text, "name: x\ntraining: {precision: bf16}\n%s", rest);
  study = yaml_study(text);
  assert_int_equal(fr__study_train_options(study).precision, FR_TRAIN_BF16);
  fr_study_free(study);
  fr_error err = {0};
  snprintf(text, sizeof text, "name: x\ntraining: {precision: int4}\n%s", rest);
  assert_int_equal(fr_study_parse("x.yaml", text, strlen(text), &study, &err),
                   FR_ERR_ARGUMENT);
  assert_string_equal(err.text, "x.yaml:2: 'int4' is no precision: f32, bf16 or auto");
}

static void cells_are_not_repeated(void **state) {
  (void)state;
  fr_study *study = yaml_study(YAML_TINY);
  fr__plan plan = {.study = study};
  assert_int_equal(fr__plan_cells(&plan, NULL), FR_OK);
  /* four from scratch, four appended, one replaced: its pair and source are there */
  assert_int_equal(plan.cells, 9);
  for (size_t i = 0; i < plan.cells; i++)
    if (plan.cell[i].source != SIZE_MAX) {
      assert_true(plan.cell[i].source < i);
      assert_true(plan.cell[plan.cell[i].source].is_source);
      assert_int_equal(plan.cell[plan.cell[i].source].net, plan.cell[i].net);
    }
  char name[48];
  fr__cell_name(study, 'E', 1, 0, name);
  assert_string_equal(name, "EEB");
  fr__plan_release(&plan);
  fr_study_free(study);
}

static void the_data_folder_is_put_in(void **state) {
  (void)state;
  static const char text[] =
      YAML_HEAD "data: [{code: M, name: m, spec: 'csv:$FRUGAL_DATA/a.csv'}]\n"
                "groups: [{name: g, data: [M]}]\n";
  setenv("FRUGAL_DATA", "/some/where", 1);
  fr_study *study = yaml_study(text);
  assert_string_equal(study->data[0].open, "csv:/some/where/a.csv");
  assert_string_equal(study->data[0].spec, "csv:$FRUGAL_DATA/a.csv");
  fr_study_free(study);
  unsetenv("FRUGAL_DATA");
  fr_error err = {0};
  assert_int_equal(fr_study_parse("t.yaml", text, strlen(text), &study, &err),
                   FR_ERR_ARGUMENT);
  assert_non_null(strstr(err.text, "t.yaml:8: 'FRUGAL_DATA' is not set"));
}

typedef struct wrong {
  const char *text, *says;
} wrong;

#define GROUP "groups: [{name: g, data: [M]}]\n"

static void mistakes_are_named_with_their_line(void **state) {
  (void)state;
  static const wrong cases[] = {
      {"", "t.yaml"},
      {"name: [", "t.yaml"},
      {"name: x\nspeed: 3\n", "t.yaml:2"},
      {"name: x\nrepeats: many\n", "t.yaml:2"},
      {"name: x\nrepeats: -1\n", "t.yaml:2"},
      {"name: x\n", "networks"},
      {"a: &a [x]\nname: *a\n", "t.yaml"},
      {YAML_HEAD YAML_DATA "groups: [{name: g, data: [X]}]\n", "t.yaml:11: 'X' is no"},
      {YAML_HEAD YAML_DATA "groups:\n  - {name: g, data: [M], networks: [Q]}\n",
       "t.yaml:12: 'Q' is no network"},
      {YAML_HEAD YAML_DATA "groups: [{name: g, data: [M], mechanisms: [magic]}]\n",
       "t.yaml:11: 'magic' is no mechanism"},
      {YAML_HEAD YAML_DATA "mechanisms: [{name: a, kind: move}]\n" GROUP,
       "t.yaml:11: 'move' is no kind"},
      {YAML_HEAD YAML_DATA "mechanisms: [{name: append, refine: 0.5}]\n" GROUP,
       "t.yaml:11: 'append' needs 'refine'"},
      {YAML_HEAD YAML_DATA "mechanisms: [{name: append}]\n"
                           "groups: [{name: lone, data: [M], mechanisms: [append]}]\n",
       "t.yaml:12: 'lone' takes networks from the 'other'"},
      {YAML_HEAD YAML_DATA "pue: 0.3\n" GROUP, "t.yaml:11: 'pue' is not between"},
      {YAML_HEAD YAML_DATA YAML_GROUPS
       "claims:\n - {text: t, group: poster, mechanism: append, phase: night,\n"
       "    quantity: program, range: [0, 1]}\n",
       "t.yaml:18: 'night' is no phase"},
      {YAML_HEAD YAML_DATA YAML_GROUPS
       "claims:\n - {text: t, group: poster, mechanism: append, phase: test,\n"
       "    quantity: epochs, range: [0, 1]}\n",
       "'epochs' is no quantity"},
      {YAML_HEAD YAML_DATA YAML_GROUPS
       "claims:\n - {text: reversed, group: poster, mechanism: append, phase: test,\n"
       "    quantity: program, range: [1, 0]}\n",
       "t.yaml:18: 'reversed' has a range"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fr_study *study = NULL;
    fr_error err = {0};
    const enum fr_status status =
        fr_study_parse("t.yaml", cases[i].text, strlen(cases[i].text), &study, &err);
    assert_int_not_equal(status, FR_OK);
    assert_null(study);
    if (strstr(err.text, cases[i].says) == NULL)
      fail_msg("case %zu: '%s' does not say '%s'", i, err.text, cases[i].says);
  }
}

static void ceilings_are_kept(void **state) {
  (void)state;
  static char text[1 << 16];
  size_t at = (size_t)snprintf(text, sizeof text, "%s%snetworks: [", YAML_DATA, GROUP);
  for (int i = 0; i < 1000; i++)
    at += (size_t)snprintf(text + at, sizeof text - at, "{code: N%d, name: small},", i);
  snprintf(text + at, sizeof text - at, "]\nname: many\n");
  fr_study *study = NULL;
  fr_error err = {0};
  assert_int_equal(fr_study_parse("t.yaml", text, strlen(text), &study, &err),
                   FR_ERR_FORMAT);
  assert_int_equal(fr_study_parse("t.yaml", text, (size_t)2 << 20, &study, &err),
                   FR_ERR_LIMIT);
}

static void a_name_that_leads_elsewhere_is_refused(void **state) {
  (void)state;
  static const char *const names[] = {"../up", "'/etc'", ".hidden", "'a/b'"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char text[2048];
    snprintf(text, sizeof text, "name: %s\n%s%s%s", names[i], strchr(YAML_HEAD, '\n') + 1,
             YAML_DATA, GROUP);
    fr_study *study = NULL;
    fr_error err = {0};
    assert_int_equal(fr_study_parse("t.yaml", text, strlen(text), &study, &err),
                     FR_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "is no name"));
  }
}

static void the_examples_are_read(void **state) {
  (void)state;
  static const char *const names[] = {"poster", "demo", "demo-synthetic"};
  setenv("FRUGAL_DATA", "/data", 1);
  for (size_t i = 0; i < 3; i++) {
    char path[512];
    fr_study *study = NULL;
    fr_error err = {0};
    snprintf(path, sizeof path, EXAMPLES "/%s.yaml", names[i]);
    if (fr_study_load(path, &study, &err) != FR_OK)
      fail_msg("%s", err.text);
    assert_int_equal(study->claims_count, 5); /* the poster's statements */
    assert_string_equal(study->groups[0].name, "poster");
    fr_study_free(study);
  }
  unsetenv("FRUGAL_DATA");
}

static void so_is_the_study_of_transfer(void **state) {
  (void)state;
  fr_study *study = NULL;
  setenv("FRUGAL_DATA", "/data", 1);
  assert_int_equal(fr_study_load(EXAMPLES "/transfer.yaml", &study, NULL), FR_OK);
  assert_int_equal(study->groups_count, 4);
  const fr__study_mechanism *m =
      &study->mechanisms[fr__study_find_mechanism(study, "convolution")];
  const fr_transfer_options how = fr__study_transfer(m);
  assert_int_equal(how.cut, 9);
  assert_true(how.freeze == FR_FREEZE_ALL);
  fr_study_free(study);
  unsetenv("FRUGAL_DATA");
}

static void the_matrix_of_mechanisms_is_read(void **state) {
  (void)state;
  static const char *const names[] = {"mechanisms", "mechanisms-synthetic"};
  setenv("FRUGAL_DATA", "/data", 1);
  for (size_t i = 0; i < 2; i++) {
    char path[512];
    fr_study *study = NULL;
    fr_error err = {0};
    snprintf(path, sizeof path, EXAMPLES "/%s.yaml", names[i]);
    if (fr_study_load(path, &study, &err) != FR_OK)
      fail_msg("%s", err.text);
    assert_string_equal(fr_study_name(study), names[i]);
    fr_study_free(study);
  }
  unsetenv("FRUGAL_DATA");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_study_is_read),
      cmocka_unit_test(so_is_the_study_of_transfer),
      cmocka_unit_test(all_cells_share_a_precision),
      cmocka_unit_test(cells_are_not_repeated),
      cmocka_unit_test(the_data_folder_is_put_in),
      cmocka_unit_test(mistakes_are_named_with_their_line),
      cmocka_unit_test(ceilings_are_kept),
      cmocka_unit_test(a_name_that_leads_elsewhere_is_refused),
      cmocka_unit_test(the_examples_are_read),
      cmocka_unit_test(the_matrix_of_mechanisms_is_read),
  };
  return cmocka_run_group_tests_name("study/config", tests, NULL, NULL);
}
