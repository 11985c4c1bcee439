/* SPDX-License-Identifier: Apache-2.0 */
/* A mechanism changes what it says and nothing else; two go together or say why not. */
#include "yaml.h"

#include "study/mechanism.h"
#include "study/plan.h"

#include <math.h>

#define ALL                                                                              \
  "mechanisms:\n"                                                                        \
  "  - {name: append}\n"                                                                 \
  "  - {name: turned, kind: replace, freeze: 0, refine: 0.1}\n"                          \
  "  - {name: batch128, batch: 128}\n"                                                   \
  "  - {name: cosine, schedule: cosine, learning-rate: 0.01}\n"                          \
  "  - {name: noise, augment: 'jitter(0.05)'}\n"                                         \
  "  - {name: lean, network: S}\n"                                                       \
  "  - {name: taught, teacher: B, temperature: 4}\n"                                     \
  "  - {name: half16, precision: bf16}\n"                                                \
  "  - {name: short, epochs: 2, patience: 1}\n"                                          \
  "  - {name: even, balanced: true}\n"                                                   \
  "  - {name: other, arch: 'dense(3) relu dense(classes)'}\n"                            \
  "  - {name: thaw, kind: replace, unfreeze: 2, refine: 0.5, decay: 0.4}\n"              \
  "  - {name: deep, kind: replace, cut: 1, freeze: auto, refine: 0.5}\n"                 \
  "  - {name: span, normalize: minmax}\n"                                                \
  "  - {name: slim, prune: 'structured(0.5,rewind)'}\n"                                  \
  "  - {name: bytes, quantize: int8}\n"                                                  \
  "  - {name: both, with: [cosine, short]}\n"
#define STUDY(groups) YAML_HEAD YAML_DATA ALL "groups:\n" groups

static fr__recipe recipe(const fr_study *study, const char *name) {
  return fr__recipe_of(study, fr__study_find_mechanism(study, name), 0);
}

static void one_thing_changes(void **state) {
  (void)state;
  fr_study *study = yaml_study(STUDY("  - {name: g, data: [M, E]}\n"));
  const fr__recipe plain = fr__recipe_of(study, SIZE_MAX, 0);
  assert_int_equal(plain.sets, 0);
  assert_int_equal(plain.train.batch, 32);
  assert_true(plain.teacher == SIZE_MAX);

  fr__recipe r = recipe(study, "batch128");
  assert_int_equal(r.sets, FR__SETS_BATCH);
  assert_int_equal(r.train.batch, 128);
  r.train.batch = plain.train.batch;
  assert_memory_equal(&r.train, &plain.train, sizeof r.train);

  r = recipe(study, "both");
  assert_int_equal(r.sets, FR__SETS_SCHEDULE | FR__SETS_RATE | FR__SETS_EPOCHS |
                               FR__SETS_PATIENCE);
  assert_int_equal(r.train.schedule.kind, FR_SCHEDULE_COSINE);
  assert_true(fabsf(r.train.optimizer.learning_rate - 0.01f) < 1e-9f);
  assert_int_equal(r.train.epochs, 2);
  assert_int_equal(r.train.patience, 1);

  r = recipe(study, "taught");
  assert_int_equal(r.teacher, 0);
  assert_true(r.train.loss.distill == 0.5f && r.train.loss.temperature == 4.0f);
  assert_int_equal(recipe(study, "lean").net, 1);
  assert_string_equal(recipe(study, "lean").arch, "dense(6) relu dense(classes)");
  assert_string_equal(recipe(study, "other").arch, "dense(3) relu dense(classes)");
  assert_int_equal(recipe(study, "half16").train.precision, FR_TRAIN_BF16);
  assert_true(recipe(study, "even").train.balanced);
  assert_int_equal(recipe(study, "append").sets, FR__SETS_TRANSFER | FR__SETS_FROZEN);
  assert_int_equal(recipe(study, "span").normalize, FR_NORMALIZE_MINMAX);
  r = recipe(study, "slim");
  assert_int_equal(r.sets, FR__SETS_PRUNE | FR__SETS_REWIND);
  assert_int_equal(r.prune.how, FR_PRUNE_REWIND);
  assert_true(r.prune.amount == 0.5);
  r = recipe(study, "bytes");
  assert_int_equal(r.sets, FR__SETS_QUANTIZE);
  assert_int_equal(r.scheme, FR_SCHEME_INT8);
  r = recipe(study, "thaw");
  assert_true(r.transfer.freeze == FR_FREEZE_ALL && r.transfer.unfreeze == 2);
  assert_true(r.transfer.refine == 0.5f && r.transfer.decay == 0.4f);
  r = recipe(study, "deep");
  assert_true(r.transfer.freeze == FR_FREEZE_AUTO && r.transfer.cut == 1);
  fr_study_free(study);
}

static bool group_has(const fr_study *study, const char *name) {
  const fr__study_group *group = &study->groups[0];
  for (unsigned i = 0; i < group->mechanisms_count; i++)
    if (strcmp(group->mechanisms[i], name) == 0)
      return true;
  return false;
}

/* Of six: append and turned both transfer, append and noise cannot be, the rest can: 15
 * pairs less 2. */
static void pairs_are_those_that_go_together(void **state) {
  (void)state;
  static const char *const pairs[] = {
      "append+batch128", "append+lean",     "append+taught", "turned+batch128",
      "turned+noise",    "turned+lean",     "turned+taught", "batch128+noise",
      "batch128+lean",   "batch128+taught", "noise+lean",    "noise+taught",
      "lean+taught"};
  fr_study *study = yaml_study(
      STUDY("  - {name: g, data: [M, E], pairs: true,\n"
            "     mechanisms: [append, turned, batch128, noise, lean, taught]}\n"));
  assert_int_equal(study->groups[0].mechanisms_count, 6 + 13);
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    if (!group_has(study, pairs[i]))
      fail_msg("no %s", pairs[i]);
  const size_t pair = fr__study_find_mechanism(study, "lean+taught");
  assert_int_equal(fr__mechanism_parts(&study->mechanisms[pair]), 2);
  const fr__recipe r = fr__recipe_of(study, pair, 0);
  assert_int_equal(r.net, 1);
  assert_int_equal(r.teacher, 0);
  fr_study_free(study);
}

/* A pair of one that is made of two has three parts, and is told once. */
static void pairs_of_several_are_flat(void **state) {
  (void)state;
  fr_study *study = yaml_study(
      STUDY("  - {name: g, data: [M], pairs: true, mechanisms: [both, even]}\n"
            "  - {name: h, data: [E], pairs: true, mechanisms: [both, even]}\n"));
  const size_t pair = fr__study_find_mechanism(study, "both+even");
  assert_int_equal(fr__mechanism_parts(&study->mechanisms[pair]), 3);
  assert_int_equal(study->mechanisms_count, 17 + 1);
  assert_int_equal(study->groups[1].mechanisms_count, 3);
  fr_study_free(study);
}

/* Data M, networks B and S; lean is S in the place of B, and of S itself nothing. */
static void a_network_does_not_take_its_own_place(void **state) {
  (void)state;
  fr_study *study =
      yaml_study(STUDY("  - {name: g, data: [M], mechanisms: [lean, taught]}\n"));
  fr__plan plan = {.study = study};
  assert_int_equal(fr__plan_cells(&plan, NULL), FR_OK);
  assert_int_equal(plan.cells, 5); /* B, S, B lean, B and S taught by B */
  const size_t lean = fr__study_find_mechanism(study, "lean");
  const size_t taught = fr__study_find_mechanism(study, "taught");
  assert_true(fr__plan_find(&plan, 0, 0, lean, SIZE_MAX) != SIZE_MAX);
  assert_true(fr__plan_find(&plan, 0, 1, lean, SIZE_MAX) == SIZE_MAX);
  const size_t cell = fr__plan_find(&plan, 0, 1, taught, SIZE_MAX);
  const size_t big = fr__plan_find(&plan, 0, 0, SIZE_MAX, SIZE_MAX);
  assert_int_equal(plan.cell[cell].teacher, big);
  assert_true(plan.cell[big].is_source && big < cell);
  fr__plan_release(&plan);
  fr_study_free(study);
}

/* ---- what a run is known by ---- */

/* As it was before there were others than transfer: stores of then go on serving. */
#define IDENTITY                                                                         \
  "frugal " FR_VERSION ", cell 1\n"                                                      \
  "a processor\n"                                                                        \
  "perf\n"                                                                               \
  "data %s\n"                                                                            \
  "synthetic:subjects=3&trials=3&seconds=24&features=extrasensory\n"                     \
  "subject\n"                                                                            \
  "time:0.7\n"                                                                           \
  "0.1\n"                                                                                \
  "0 0\n"                                                                                \
  "fold 0 of 1, seed 1\n"                                                                \
  "net dense(16) relu dense(classes)\n"
#define TRAINING "train 4 32 2 0.00200000009\nseed 1\n"

static void assert_identity(const fr__plan *plan, size_t cell, const char *wanted) {
  fr__buf text;
  fr__buf_init(&text, 0);
  fr__plan_identity(plan, cell, "perf", &text);
  assert_string_equal(fr__buf_text(&text), wanted);
  fr__buf_release(&text);
}

static void keys_are_as_they_were(void **state) {
  (void)state;
  fr_study *study =
      yaml_study(STUDY("  - {name: g, data: [M, E], networks: [B],\n"
                       "     mechanisms: [append, turned, cosine, even, noise, taught,\n"
                       "       thaw, deep, span, slim, bytes]}\n"));
  const fr_study_options options = {0};
  fr__plan plan = {.study = study, .options = &options, .cpu = {.cpu = "a processor"}};
  plan.set = calloc(study->data_count, sizeof *plan.set);
  assert_non_null(plan.set);
  assert_int_equal(fr__gauge_new(NULL, &plan.gauge, NULL), FR_OK);
  for (unsigned i = 0; i < study->data_count; i++)
    assert_int_equal(fr__plan_open_set(&plan, i, NULL), FR_OK);
  assert_int_equal(fr__plan_cells(&plan, NULL), FR_OK);
  for (size_t i = 0; i < plan.cells; i++)
    snprintf(plan.run[i].key, FR__STUDY_KEY, "%016zx", i);
  char digest[20], wanted[1024];
  snprintf(digest, sizeof digest, "%016llx",
           (unsigned long long)plan.set[0].data->digest);
  static const struct {
    const char *mechanism, *before, *behind;
  } rows[] = {
      {NULL, "", ""},
      {"append", "transfer 0 - 18446744073709551615 0\nfrom 0000000000000001\n", ""},
      {"turned", "transfer 1 - 0 0.100000001\nfrom 0000000000000001\n", ""},
      {"thaw",
       "transfer 1 - 18446744073709551615 0.5\nfrom 0000000000000001\n"
       "decay 0.400000006\nunfreeze 2\n",
       ""},
      {"deep", "transfer 1 - 18446744073709551614 0.5\nfrom 0000000000000001\ncut 1\n",
       ""},
      {"span", "", "normalize minmax\n"},
      {"slim", "", "prune structured(0.5,rewind=0,per-layer,taylor)\n"},
      {"bytes", "", "quantize int8\n"},
      {"even", "", "balanced\n"},
      {"noise", "", "augment jitter(0.05)\n"},
      {"taught", "", "distill 0.5 4\nteacher 0000000000000000\n"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const size_t m = rows[i].mechanism != NULL
                         ? fr__study_find_mechanism(study, rows[i].mechanism)
                         : SIZE_MAX;
    snprintf(wanted, sizeof wanted, IDENTITY "%s" TRAINING "%s", digest, rows[i].before,
             rows[i].behind);
    assert_identity(&plan, fr__plan_find(&plan, 0, 0, m, 1), wanted);
  }
  fr__plan_release(&plan);
  fr_study_free(study);
}

/* ---- sentences ---- */

static void what_cannot_be_is_said(void **state) {
  (void)state;
  static const struct {
    const char *entry, *says;
  } cases[] = {
      {"{name: idle}", "t.yaml:12: 'idle' says nothing that it changes"},
      {"{name: slow, batch: 100000}", "t.yaml:12: 'batch' is over 65536"},
      {"{name: slow, batch: 0}", "t.yaml:12: 'batch' is 0"},
      {"{name: warm, schedule: hot}", "t.yaml:12: 'warm' has: "},
      {"{name: noisy, augment: 'hiss(2)'}", "t.yaml:12: 'noisy' has: "},
      {"{name: p, precision: int4}", "t.yaml:12: 'int4' is no precision"},
      {"{name: n, network: Q}", "t.yaml:12: 'Q' is no network's code"},
      {"{name: n, network: S, arch: 'dense(classes)'}",
       "t.yaml:12: 'n' has both 'network' and 'arch'"},
      {"{name: n, teacher: Q}", "t.yaml:12: 'Q' is no network's code"},
      {"{name: n, distill: 0.5, batch: 8}", "t.yaml:12: 'n' needs a 'teacher'"},
      {"{name: n, teacher: B, distill: 2}", "t.yaml:12: 'n' has a 'distill'"},
      {"{name: n, normalize: zscore}", "t.yaml:12: 'zscore' is what the plain cell does"},
      {"{name: n, prune: 'most(0.5)'}", "t.yaml:12: 'n' has: "},
      {"{name: n, prune: 'structured(0.5,rewind)', kind: append}",
       "t.yaml:12: 'n' cannot be at once: a transferred network has no first weights"},
      {"{name: n, quantize: int4}", "t.yaml:12: 'int4' is no scheme"},
      {"{name: n, quantize: int8-aware, prune: 'unstructured(0.9)'}",
       "t.yaml:12: 'n' cannot be at once: training for int8 would fill weights"},
      {"{name: n, normalize: window, augment: 'jitter(0.1) rotate(180)'}",
       "t.yaml:12: 'n' cannot be at once: a rotation needs to know"},
      {"{name: n, normalize: log}", "t.yaml:12: 'log' is no normalisation"},
      {"{name: n, kind: replace, freeze: auto}", "t.yaml:12: 'n' needs 'refine' above 0"},
      {"{name: n, kind: replace, freeze: some}",
       "t.yaml:12: 'some' is neither 'all', 'auto' nor a number"},
      {"{name: n, kind: append, cut: 2}", "t.yaml:12: 'n' has a 'cut'"},
      {"{name: n, kind: append, decay: 0.5}", "t.yaml:12: 'n' needs a 'decay'"},
      {"{name: n, kind: replace, freeze: auto, unfreeze: 2, refine: 0.1}",
       "t.yaml:12: 'n' has 'freeze: auto' and 'unfreeze'"},
      {"{name: n, kind: replace, normalize: robust}",
       "t.yaml:12: 'n' cannot be at once: the network that is transferred"},
      {"{name: a+b, batch: 8}", "t.yaml:12: 'a+b' has a '+'"},
      {"{name: x, kind: append, arch: 'dense(classes)'}",
       "t.yaml:12: 'x' cannot be at once: there is no trained network"},
      {"{name: x, kind: append, augment: 'jitter(0.1)'}",
       "t.yaml:12: 'x' cannot be at once: outputs of frozen layers"},
      {"{name: a, batch: 8}\n  - {name: b, batch: 16}\n  - {name: c, with: [a, b]}",
       "t.yaml:14: 'c' is not possible: 'a' and 'b' both set 'batch'"},
      {"{name: a, batch: 8}\n  - {name: b, with: [a]}", "t.yaml:13: 'b' needs at least"},
      {"{name: a, batch: 8}\n  - {name: b, with: [a, z]}",
       "t.yaml:13: 'z' is no mechanism"},
      {"{name: a, batch: 8}\n  - {name: d, epochs: 2}\n  - {name: b, with: [a, d]}\n"
       "  - {name: e, with: [a, b]}",
       "t.yaml:15: 'e' is made of one that is itself made of others"},
      {"{name: a, batch: 8}\n  - {name: d, epochs: 2}\n"
       "  - {name: b, with: [a, d], patience: 3}",
       "t.yaml:14: 'b' is made of others by 'with' and can say nothing else"},
      {"{name: a, sparsify: 8}", "t.yaml:12:12: Unexpected key: sparsify"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[2048];
    fr_study *study = NULL;
    fr_error err = {0};
    snprintf(text, sizeof text,
             YAML_HEAD YAML_DATA "mechanisms:\n  - %s\ngroups: [{name: g, data: [M]}]\n",
             cases[i].entry);
    assert_int_not_equal(fr_study_parse("t.yaml", text, strlen(text), &study, &err),
                         FR_OK);
    if (strstr(err.text, cases[i].says) == NULL)
      fail_msg("case %zu: '%s' does not say '%s'", i, err.text, cases[i].says);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_thing_changes),
      cmocka_unit_test(pairs_are_those_that_go_together),
      cmocka_unit_test(pairs_of_several_are_flat),
      cmocka_unit_test(a_network_does_not_take_its_own_place),
      cmocka_unit_test(keys_are_as_they_were),
      cmocka_unit_test(what_cannot_be_is_said),
  };
  return cmocka_run_group_tests_name("study/mechanism", tests, NULL, NULL);
}
