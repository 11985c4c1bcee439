/* SPDX-License-Identifier: Apache-2.0 */
/* Repeats to means with intervals, pairs to ratios, both to the count of tests that pays.
 */
#include "study/stats.h"
#include "study/study.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- cells ---- */

typedef struct bounds {
  double low, high; /* what the quantity cannot leave */
} bounds;

static double clamp(double x, bounds to) {
  return x < to.low ? to.low : x > to.high ? to.high : x;
}

/* The first run of a cell that knows this figure: it tells unit, source and bounds. */
static bool any_measure(const fr__plan *plan, size_t cell, const char *phase,
                        const char *key, fr_measure *out) {
  for (size_t r = 0; r < plan->study->repeats; r++) {
    const json_t *run = plan->run[r * plan->cells + cell].result;
    if (fr__json_measure_read(json_object_get(json_object_get(run, phase), key), out))
      return true;
  }
  return false;
}

static size_t known_values(const fr__plan *plan, size_t cell, const char *phase,
                           const char *key, double *values) {
  char path[96];
  size_t n = 0;
  snprintf(path, sizeof path, "%s.%s", phase, key);
  fr__cell_values(plan, cell, path, values);
  for (size_t r = 0; r < plan->study->repeats; r++)
    if (isfinite(values[r]))
      values[n++] = values[r];
  return n;
}

/* Mean over repeats with its t interval; beside it the band of the sensor itself, which
 * all repeats share and which a ratio of two cells is free of. */
static json_t *mean_of(const fr__plan *plan, size_t cell, const char *phase,
                       const char *key, bounds to) {
  double values[FR__STUDY_REPEATS];
  fr_measure one;
  if (!any_measure(plan, cell, phase, key, &one))
    return json_null();
  const size_t n = known_values(plan, cell, phase, key, values);
  const fr_interval x = fr_interval_mean(values, n);
  const double scale = one.value != 0.0 ? x.mean / one.value : 1.0;
  const fr_measure band = {x.mean, one.low * scale, one.high * scale, one.unit,
                           one.source};
  fr_measure mean = {x.mean, clamp(x.low, to), clamp(x.high, to), one.unit, one.source};
  if (n < 2)
    mean = band;
  json_t *out = fr__json_measure(mean);
  if (json_is_object(out)) {
    json_object_set_new(out, "band_low", fr__json_number(band.low));
    json_object_set_new(out, "band_high", fr__json_number(band.high));
  }
  return out;
}

/* A count such as epochs, as a measure over repeats. */
static json_t *mean_count(const fr__plan *plan, size_t cell, const char *phase,
                          const char *key) {
  double values[FR__STUDY_REPEATS];
  const size_t n = known_values(plan, cell, phase, key, values);
  const fr_interval x = fr_interval_mean(values, n);
  if (n == 0)
    return json_null();
  return fr__json_measure((fr_measure){x.mean, clamp(x.low, (bounds){0.0, HUGE_VAL}),
                                       x.high, FR_UNIT_NONE, FR_SOURCE_COUNT});
}

static void write_names(const fr__plan *plan, const char *group, size_t index, char phase,
                        json_t *to) {
  const fr_study *study = plan->study;
  const fr__study_cell *cell = &plan->cell[index];
  char name[48];
  fr__cell_name(study, phase, cell->data, cell->net, name);
  json_object_set_new(to, "name", json_string(name));
  json_object_set_new(to, "group", json_string(group));
  json_object_set_new(to, "phase", json_string(phase == 'R' ? "train" : "test"));
  json_object_set_new(to, "data", json_string(study->data[cell->data].code));
  json_object_set_new(to, "data_name", json_string(study->data[cell->data].name));
  json_object_set_new(to, "net", json_string(study->networks[cell->net].name));
  json_object_set_new(to, "net_code", json_string(study->networks[cell->net].code));
  json_object_set_new(to, "mechanism", json_string(fr__cell_mechanism(study, cell)));
  json_object_set_new(to, "transferred", json_boolean(cell->mechanism != SIZE_MAX));
  if (cell->source != SIZE_MAX)
    json_object_set_new(to, "source",
                        json_string(study->data[plan->cell[cell->source].data].code));
}

static void write_grams(const fr__plan *plan, json_t *to) {
  fr_intensity at;
  fr_measure energy;
  const char *spec = plan->study->intensity;
  json_t *grams = json_null();
  if (fr_intensity_find(spec != NULL ? spec : "table:world", &at, NULL) == FR_OK &&
      fr__json_measure_read(json_object_get(to, "energy"), &energy))
    grams = fr__json_measure(fr_carbon_grams(energy, &at, plan->study->pue));
  json_object_set_new(to, "grams", grams);
}

/* Of the model as stored; pruning may leave more under one seed than under another. */
static json_t *mean_bytes(const fr__plan *plan, size_t cell) {
  double values[FR__STUDY_REPEATS];
  size_t n = 0;
  fr__cell_values(plan, cell, "bytes", values);
  for (size_t r = 0; r < plan->study->repeats; r++)
    if (isfinite(values[r]))
      values[n++] = values[r];
  return fr__json_number(fr_interval_mean(values, n).mean);
}

/* A budget may leave repeats out. */
static size_t runs_of(const fr__plan *plan, size_t cell) {
  size_t n = 0;
  for (size_t r = 0; r < plan->study->repeats; r++)
    n += plan->run[r * plan->cells + cell].result != NULL;
  return n;
}

static json_t *cell_row(const fr__plan *plan, const char *group, size_t cell,
                        char phase) {
  static const char *const energies[] = {"program", "energy", "core_seconds"};
  static const char *const shares[] = {"accuracy", "macro_f1", "balanced_accuracy"};
  static const char *const whole[] = {"parameters", "trained_parameters", "classes"};
  const char *part = phase == 'R' ? "train" : "test";
  const json_t *first = plan->run[cell].result;
  json_t *row = json_object();
  write_names(plan, group, cell, phase, row);
  for (size_t i = 0; i < 3; i++)
    json_object_set_new(row, energies[i],
                        mean_of(plan, cell, part, energies[i], (bounds){0.0, HUGE_VAL}));
  for (size_t i = 0; i < 3; i++)
    json_object_set_new(row, shares[i],
                        mean_of(plan, cell, part, shares[i], (bounds){0.0, 1.0}));
  json_object_set_new(row, "operations", mean_count(plan, cell, part, "operations"));
  json_object_set_new(row, "samples", mean_count(plan, cell, part, "samples"));
  json_object_set_new(row, "repetitions", mean_count(plan, cell, part, "repetitions"));
  if (phase == 'R') {
    json_object_set_new(row, "epochs", mean_count(plan, cell, part, "epochs"));
    json_object_set_new(
        row, "pretraining",
        mean_of(plan, cell, "pretraining", "program", (bounds){0.0, HUGE_VAL}));
  } else {
    json_object_set_new(row, "tests", json_integer(1000)); /* that the energy is of */
  }
  for (size_t i = 0; i < 3; i++)
    json_object_set(row, whole[i], json_object_get(first, whole[i]));
  json_object_set_new(row, "bytes", mean_bytes(plan, cell));
  json_object_set_new(row, "n", json_integer((json_int_t)runs_of(plan, cell)));
  write_grams(plan, row);
  return row;
}

static void add_group_cells(const fr__plan *plan, const fr__study_group *group,
                            size_t data, size_t net, json_t *to) {
  const size_t source = fr__study_source(plan->study, group, data);
  for (size_t phase = 0; phase < 2; phase++)
    for (size_t m = 0; m <= group->mechanisms_count; m++) {
      const size_t mechanism =
          m == 0 ? SIZE_MAX
                 : fr__study_find_mechanism(plan->study, group->mechanisms[m - 1]);
      const size_t cell = fr__plan_find(plan, data, net, mechanism, source);
      if (cell != SIZE_MAX)
        json_array_append_new(to,
                              cell_row(plan, group->name, cell, phase == 0 ? 'R' : 'E'));
    }
}

json_t *fr__aggregate_cells(const fr__plan *plan) {
  const fr_study *study = plan->study;
  json_t *list = json_array();
  for (size_t g = 0; g < study->groups_count; g++) {
    const fr__study_group *group = &study->groups[g];
    for (size_t d = 0; d < group->data_count; d++)
      for (size_t n = 0; n < fr__study_group_nets(study, group); n++)
        add_group_cells(plan, group, fr__study_find_data(study, group->data[d]),
                        fr__study_group_net(study, group, n), list);
  }
  return list;
}

/* ---- ratios ---- */

typedef struct gather {
  const fr__plan *plan;
  json_t *list;
} gather;

static void write_pair(const fr__plan *plan, const fr__pair *pair, json_t *to) {
  const fr__study_cell *cell = &plan->cell[pair->of];
  const char *mechanism = fr__cell_mechanism(plan->study, cell);
  char name[48];
  fr__cell_name(plan->study, pair->phase, cell->data, cell->net, name);
  json_object_set_new(to, "of", json_sprintf("%s %s", name, mechanism));
  json_object_set_new(to, "to", json_sprintf("%s %s", name, FR__STUDY_SCRATCH));
  json_object_set_new(to, "name", json_string(name));
  json_object_set_new(to, "group", json_string(pair->group));
  json_object_set_new(to, "mechanism", json_string(mechanism));
  json_object_set_new(to, "data", json_string(plan->study->data[cell->data].code));
  json_object_set_new(to, "net", json_string(plan->study->networks[cell->net].code));
}

static void write_interval(const fr_interval *x, json_t *to) {
  json_object_set_new(to, "value", fr__json_number(x->mean));
  json_object_set_new(to, "low", fr__json_number(x->low));
  json_object_set_new(to, "high", fr__json_number(x->high));
  json_object_set_new(to, "n", json_integer((json_int_t)x->n));
}

/* The bootstrap's interval of the same values, and p before any correction. */
static void write_resampled(const fr__plan *plan, const fr__pair *pair,
                            const char *quantity, bool points, json_t *to) {
  double of[FR__STUDY_REPEATS + 1], against[FR__STUDY_REPEATS + 1];
  double x[FR__STUDY_REPEATS + 1];
  const size_t n = fr__pair_values(plan, pair, quantity, of, against);
  size_t known = 0;
  for (size_t i = 0; i < n; i++) {
    x[known] = points ? of[i] - against[i] : log(of[i]) - log(against[i]);
    known += isfinite(x[known]) ? 1 : 0;
  }
  const fr_interval b = fr__bootstrap_mean(x, known);
  json_object_set_new(to, "bootstrap_low", fr__json_number(points ? b.low : exp(b.low)));
  json_object_set_new(to, "bootstrap_high",
                      fr__json_number(points ? b.high : exp(b.high)));
  json_object_set_new(to, "p", fr__json_number(fr__p_student(x, known)));
}

static const char *why_unknown(const char *quantity) {
  return strstr(quantity, "equal_accuracy") != NULL
             ? "the mechanism reaches that accuracy under no seed"
             : "no repeat has it on both sides";
}

static void add_ratios(void *self, const fr__pair *pair) {
  gather *g = self;
  for (const char *const *q = fr__pair_quantities(pair->phase); *q != NULL; q++) {
    fr_interval x = {(double)NAN, (double)NAN, (double)NAN, 0};
    const bool known = fr__pair_interval(g->plan, pair, *q, &x);
    const bool points = fr__pair_is_difference(*q);
    json_t *row = json_object();
    write_pair(g->plan, pair, row);
    json_object_set_new(row, "quantity", json_string(*q));
    write_interval(&x, row);
    write_resampled(g->plan, pair, *q, points, row);
    json_object_set_new(row, "unit", json_string(points ? "points" : "1"));
    if (!known)
      json_object_set_new(row, "reason", json_string(why_unknown(*q)));
    json_array_append_new(g->list, row);
  }
}

json_t *fr__aggregate_ratios(const fr__plan *plan) {
  gather g = {plan, json_array()};
  fr__each_pair(plan, add_ratios, &g);
  return g.list;
}

/* ---- break-even ---- */

/* What transfer does to a cost, by the interval of the paired ratio transferred / not. */
enum sign { LESS, SAME, MORE };

static enum sign sign_of(fr_interval ratio) {
  return ratio.high < 1.0 ? LESS : ratio.low > 1.0 ? MORE : SAME;
}

/* In the order of enum sign: of training, then of testing. */
static const char *const reasons[3][3] = {
    {"always saves: training costs less, testing too",
     "saves in training; testing costs as much within the interval", ""},
    {"testing costs less; training as much within the interval",
     "costs as much within the interval, in training and in testing",
     "training costs as much within the interval, testing more"},
    {"saves only after so many tests: training costs more, testing less",
     "training costs more, testing as much within the interval",
     "never saves: training and testing cost more"}};

typedef struct costs { /* of paired seeds */
  size_t n;
  double of[FR__STUDY_REPEATS + 1]; /* transferred, J */
  double to[FR__STUDY_REPEATS + 1]; /* not */
  fr_interval ratio;
} costs;

typedef struct balance {
  double tests;
  double at_least;      /* where testing may cost more, but need not */
  fr_interval interval; /* n 0: not known */
  const char *reason;
} balance;

static double mean(const double *x, size_t n) { return fr_interval_mean(x, n).mean; }

static costs costs_of(const fr__plan *plan, const fr__pair *pair, const char *quantity,
                      double per) {
  costs c = {0};
  c.n = fr__pair_values(plan, pair, quantity, c.of, c.to);
  for (size_t i = 0; i < c.n; i++) {
    c.of[i] /= per;
    c.to[i] /= per;
  }
  c.ratio = fr_interval_ratio(c.of, c.to, c.n);
  return c;
}

/* tests = saved / extra a test (or spent / won back), paired by seed. */
static void count_tests(const costs *train, const costs *test, balance *b) {
  const size_t n = train->n;
  double ratio[FR__STUDY_REPEATS], one[FR__STUDY_REPEATS];
  bool agree = true;
  for (size_t i = 0; i < n; i++) {
    ratio[i] = (train->to[i] - train->of[i]) / (test->of[i] - test->to[i]);
    one[i] = 1.0;
    agree = agree && ratio[i] > 0.0 && isfinite(ratio[i]);
  }
  b->tests =
      (mean(train->to, n) - mean(train->of, n)) / (mean(test->of, n) - mean(test->to, n));
  if (agree)
    b->interval = fr_interval_ratio(ratio, one, n);
  else
    b->reason = "no interval: under some seed training or testing is the other way round";
}

static balance balance_of(const costs *train, const costs *test) {
  balance b = {.tests = (double)NAN, .at_least = (double)NAN, .reason = "not measured"};
  if (train->n == 0 || train->n != test->n)
    return b;
  const enum sign training = sign_of(train->ratio), testing = sign_of(test->ratio);
  b.reason = reasons[training][testing];
  if ((training == LESS && testing == MORE) || (training == MORE && testing == LESS))
    count_tests(train, test, &b);
  if (training == LESS && testing == SAME && test->ratio.high > 1.0)
    b.at_least = mean(train->to, train->n) * (1.0 - train->ratio.high) /
                 (mean(test->to, test->n) * (test->ratio.high - 1.0));
  return b;
}

static balance weigh(const fr__plan *plan, const fr__pair *pair, const char *quantity) {
  fr__pair testing = *pair;
  testing.phase = 'E';
  const costs train = costs_of(plan, pair, quantity, 1.0);
  const costs test = costs_of(plan, &testing, "program", 1000.0); /* it is of 1,000 */
  return balance_of(&train, &test);
}

static void write_balance(const balance *b, const char *suffix, json_t *to) {
  char key[64];
  const bool known = b->interval.n >= 2;
  const struct {
    const char *name;
    double value;
  } numbers[] = {{"tests", b->tests},
                 {"low", known ? b->interval.low : (double)NAN},
                 {"high", known ? b->interval.high : (double)NAN},
                 {"at_least", b->at_least}};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    snprintf(key, sizeof key, "%s%s", numbers[i].name, suffix);
    json_object_set_new(to, key, fr__json_number(numbers[i].value));
  }
  snprintf(key, sizeof key, "reason%s", suffix);
  json_object_set_new(to, key, json_string(b->reason));
}

/* Keys tasks, low and high of it: after how many target tasks like this what was trained
 * before is repaid; null where one task saves nothing, or nothing was trained before. */
static void write_tasks(const fr__plan *plan, const fr__pair *pair, json_t *to) {
  const costs own = costs_of(plan, pair, "program", 1.0);
  const costs all = costs_of(plan, pair, "program_with_pretraining", 1.0);
  double before[FR__STUDY_REPEATS + 1], saved[FR__STUDY_REPEATS + 1];
  const size_t n = own.n == all.n && own.ratio.high < 1.0 ? own.n : 0;
  bool good = n >= 2;
  for (size_t i = 0; i < n; i++) {
    before[i] = all.of[i] - own.of[i];
    saved[i] = own.to[i] - own.of[i];
    good = good && before[i] > 0.0 && saved[i] > 0.0;
  }
  const double nothing = (double)NAN;
  const fr_interval x = good ? fr_interval_ratio(before, saved, n)
                             : (fr_interval){nothing, nothing, nothing, 0};
  json_object_set_new(to, "tasks", fr__json_number(x.mean));
  json_object_set_new(to, "tasks_low", fr__json_number(x.low));
  json_object_set_new(to, "tasks_high", fr__json_number(x.high));
}

static void add_balance(void *self, const fr__pair *pair) {
  gather *g = self;
  if (pair->phase != 'R')
    return;
  const fr__study_cell *cell = &g->plan->cell[pair->of];
  char name[48];
  json_t *row = json_object();
  fr__cell_name(g->plan->study, 'R', cell->data, cell->net, name);
  write_pair(g->plan, pair, row);
  json_object_set_new(row, "cell", json_string(name + 1));
  const balance without = weigh(g->plan, pair, "program");
  const balance with = weigh(g->plan, pair, "program_with_pretraining");
  write_balance(&without, "", row);
  write_balance(&with, "_with_pretraining", row);
  write_tasks(g->plan, pair, row);
  json_array_append_new(g->list, row);
}

json_t *fr__aggregate_break_even(const fr__plan *plan) {
  gather g = {plan, json_array()};
  fr__each_pair(plan, add_balance, &g);
  return g.list;
}
