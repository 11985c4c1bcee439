/* SPDX-License-Identifier: Apache-2.0 */
/* From runs to numbers: one figure of all repeats, and pairs of a transferred network and
 * the one trained from scratch under the same seed. */
#include "study/study.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Equal accuracy: the validation accuracy of the pair's training from scratch, less this.
 */
#define EQUAL_LESS 0.02

double fr__row_value(const json_t *run, const char *path) {
  const json_t *at = run;
  while (at != NULL && *path != '\0') {
    char key[64];
    const size_t length = strcspn(path, ".");
    snprintf(key, sizeof key, "%.*s", (int)length, path);
    at = json_object_get(at, key);
    path += length + (path[length] == '.');
  }
  if (json_is_object(at))
    at = json_object_get(at, "value");
  return json_is_number(at) ? json_number_value(at) : (double)NAN;
}

void fr__cell_values(const fr__plan *plan, size_t cell, const char *path,
                     double *values) {
  for (size_t r = 0; r < plan->study->repeats; r++)
    values[r] = fr__row_value(plan->run[r * plan->cells + cell].result, path);
}

/* ---- the quantities of a pair ---- */

typedef struct sides { /* one repeat of a pair */
  const json_t *of, *to;
  const char *phase; /* "train", "test" */
} sides;

typedef struct quantity {
  const char *name;
  char phases[3];  /* "R", "E", "RE" */
  bool difference; /* of - to, in points of 0.01; else a ratio */
  double (*value)(const json_t *run, const sides *pair, const char *name);
} quantity;

static double plain(const json_t *run, const sides *pair, const char *name) {
  char path[64];
  snprintf(path, sizeof path, "%s.%s", pair->phase, name);
  return fr__row_value(run, path);
}

static double points(const json_t *run, const sides *pair, const char *name) {
  (void)name;
  return 100.0 * plain(run, pair, "accuracy");
}

/* Of the weights that were kept, on the validation side. */
static double points_validated(const json_t *run, const sides *pair, const char *name) {
  (void)name;
  return 100.0 * plain(run, pair, "best_validate_accuracy");
}

/* What training the source and the teacher took is added on the mechanism's side. */
static double pretrained(const json_t *run, const char *name, double own) {
  static const char *const needed[] = {"pretraining", "teacher"};
  for (size_t i = 0; i < 2; i++) {
    char path[64];
    snprintf(path, sizeof path, "%s.%s", needed[i], name);
    if (json_object_get(run, needed[i]) != NULL)
      own += fr__row_value(run, path);
  }
  return own;
}

static double program_pretrained(const json_t *run, const sides *pair, const char *name) {
  (void)name;
  return pretrained(run, "program", plain(run, pair, "program"));
}

static double energy_pretrained(const json_t *run, const sides *pair, const char *name) {
  (void)name;
  return pretrained(run, "energy", plain(run, pair, "energy"));
}

static double best_accuracy(const json_t *run) {
  const json_t *history = json_object_get(json_object_get(run, "train"), "history");
  double best = (double)NAN;
  for (size_t i = 0; i < json_array_size(history); i++) {
    const double a = fr__row_value(json_array_get(history, i), "validate_accuracy");
    if (isfinite(a) && !(a <= best))
      best = a;
  }
  return best;
}

static const char *stage_of(const json_t *row, const char *key) {
  const char *name = json_string_value(json_object_get(row, key));
  return name != NULL ? name : "train";
}

/* The stage whose end is the network that is tested. */
static const char *last_stage(const json_t *training) {
  const json_t *stages = json_object_get(training, "stages");
  const size_t count = json_array_size(stages);
  return count > 0 ? stage_of(json_array_get(stages, count - 1), "name") : "train";
}

/* `key` at the first epoch that reaches the accuracy asked for; NAN where none does.
 * Epochs before the last stage are of another network. */
static double at_equal(const json_t *run, const sides *pair, const char *key) {
  const double target = best_accuracy(pair->to) - EQUAL_LESS;
  const json_t *training = json_object_get(run, "train");
  const json_t *history = json_object_get(training, "history");
  const char *last = last_stage(training);
  for (size_t i = 0; i < json_array_size(history); i++) {
    const json_t *row = json_array_get(history, i);
    if (strcmp(stage_of(row, "stage"), last) == 0 &&
        fr__row_value(row, "validate_accuracy") >= target)
      return fr__row_value(row, key);
  }
  return (double)NAN;
}

static double program_equal(const json_t *run, const sides *pair, const char *name) {
  (void)name;
  return at_equal(run, pair, "program_j");
}

static double program_equal_pretrained(const json_t *run, const sides *pair,
                                       const char *name) {
  (void)name;
  return pretrained(run, "program", at_equal(run, pair, "program_j"));
}

static double epochs_equal(const json_t *run, const sides *pair, const char *name) {
  (void)name;
  return at_equal(run, pair, "epoch");
}

static const quantity quantities[] = {
    {"program", "RE", false, plain},
    {"energy", "RE", false, plain},
    {"core_seconds", "RE", false, plain},
    {"operations", "RE", false, plain},
    {"accuracy", "RE", false, plain},
    {"macro_f1", "RE", false, plain},
    {"accuracy_difference", "RE", true, points},
    {"validate_accuracy_difference", "R", true, points_validated},
    {"epochs", "R", false, plain},
    {"program_with_pretraining", "R", false, program_pretrained},
    {"energy_with_pretraining", "R", false, energy_pretrained},
    {"program_to_equal_accuracy", "R", false, program_equal},
    {"program_to_equal_accuracy_with_pretraining", "R", false, program_equal_pretrained},
    {"epochs_to_equal_accuracy", "R", false, epochs_equal},
};
#define QUANTITIES (sizeof quantities / sizeof *quantities)

bool fr__pair_is_difference(const char *name) {
  for (size_t i = 0; i < QUANTITIES; i++)
    if (strcmp(quantities[i].name, name) == 0)
      return quantities[i].difference;
  return false;
}

static const quantity *find_quantity(char phase, const char *name) {
  for (size_t i = 0; i < QUANTITIES; i++)
    if (strchr(quantities[i].phases, phase) != NULL &&
        strcmp(quantities[i].name, name) == 0)
      return &quantities[i];
  return NULL;
}

const char *const *fr__pair_quantities(char phase) {
  static const char *const train[] = {"program",
                                      "energy",
                                      "core_seconds",
                                      "operations",
                                      "accuracy",
                                      "macro_f1",
                                      "accuracy_difference",
                                      "validate_accuracy_difference",
                                      "epochs",
                                      "program_with_pretraining",
                                      "energy_with_pretraining",
                                      "program_to_equal_accuracy",
                                      "program_to_equal_accuracy_with_pretraining",
                                      "epochs_to_equal_accuracy",
                                      NULL};
  static const char *const test[] = {
      "program",  "energy",   "core_seconds",        "operations",
      "accuracy", "macro_f1", "accuracy_difference", NULL};
  return phase == 'R' ? train : test;
}

size_t fr__pair_values(const fr__plan *plan, const fr__pair *pair, const char *name,
                       double *of, double *to) {
  const quantity *q = find_quantity(pair->phase, name);
  size_t count = 0;
  for (size_t r = 0; q != NULL && r < plan->study->repeats; r++) {
    const sides s = {.of = plan->run[r * plan->cells + pair->of].result,
                     .to = plan->run[r * plan->cells + pair->to].result,
                     .phase = pair->phase == 'R' ? "train" : "test"};
    of[count] = q->value(s.of, &s, name);
    to[count] = q->value(s.to, &s, name);
    count += isfinite(of[count]) && isfinite(to[count]);
  }
  return count;
}

bool fr__pair_interval(const fr__plan *plan, const fr__pair *pair, const char *name,
                       fr_interval *out) {
  double of[FR__STUDY_REPEATS + 1], to[FR__STUDY_REPEATS + 1];
  const size_t n = fr__pair_values(plan, pair, name, of, to);
  const quantity *q = find_quantity(pair->phase, name);
  if (n == 0 || q == NULL)
    return false;
  for (size_t i = 0; q->difference && i < n; i++)
    of[i] -= to[i];
  *out = q->difference ? fr_interval_mean(of, n) : fr_interval_ratio(of, to, n);
  return out->n > 0;
}

void fr__each_pair(const fr__plan *plan, void (*each)(void *self, const fr__pair *pair),
                   void *self) {
  const fr_study *study = plan->study;
  for (size_t g = 0; g < study->groups_count; g++) {
    const fr__study_group *group = &study->groups[g];
    for (size_t d = 0; d < group->data_count; d++)
      for (size_t n = 0; n < fr__study_group_nets(study, group); n++)
        for (size_t m = 0; m < group->mechanisms_count; m++) {
          const size_t data = fr__study_find_data(study, group->data[d]);
          const size_t net = fr__study_group_net(study, group, n);
          const size_t mechanism = fr__study_find_mechanism(study, group->mechanisms[m]);
          fr__pair pair = {.of = fr__plan_find(plan, data, net, mechanism,
                                               fr__study_source(study, group, data)),
                           .to = fr__plan_find(plan, data, net, SIZE_MAX, SIZE_MAX),
                           .group = group->name};
          for (size_t phase = 0; phase < 2 && pair.of != SIZE_MAX; phase++) {
            pair.phase = phase == 0 ? 'R' : 'E';
            each(self, &pair);
          }
        }
  }
}
