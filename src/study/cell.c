/* SPDX-License-Identifier: Apache-2.0 */
/* One repeat of a cell: build, train, test, and what that cost. */
#include "study/study.h"

#include "base/error.h"
#include "frugal/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHORT_TEST_S                                                                     \
  0.02 /* core-seconds that one measurement of testing lasts at least */
#define TESTS_CEILING 2000 /* calls within one measurement */

typedef struct point { /* at the end of an epoch, cumulated; sums over repetitions */
  fr_epoch epoch;
  double program_j, energy_j, core_s;
} point;

typedef struct job {
  fr__plan *plan;
  const fr__study_cell *cell;
  size_t repeat;
  fr__study_run *run;
  const fr_prepared *data;
  fr_train_options options;
  fr_observer observer;
  fr_budget budget;
  fr_net *net;            /* owned */
  float *rates;           /* (layers) owned; NULL: 1 everywhere */
  size_t kept;            /* layers that come from the source */
  point *points;          /* (options.epochs) owned */
  size_t epochs;          /* of the training measured last */
  fr_meter_report before; /* the reading before it */
} job;

/* ---- watching ---- */

static void on_phase_begin(void *self, const char *name) {
  fr__gauge_phase_begin(((job *)self)->plan->gauge, name);
}

static void on_phase_end(void *self) { fr__gauge_phase_end(((job *)self)->plan->gauge); }

static double value_or_nan(fr_measure m) {
  return fr_measure_known(m) ? m.value : (double)NAN;
}

/* Reads the meter, so that the energy to any accuracy can be told later. */
static void on_epoch(void *self, const fr_epoch *epoch) {
  job *j = self;
  fr_meter_report now = {0};
  if (epoch->epoch == 0 || epoch->epoch > j->options.epochs ||
      fr__gauge_read(j->plan->gauge, &now, NULL) != FR_OK)
    return;
  point *p = &j->points[epoch->epoch - 1];
  p->epoch = *epoch;
  p->program_j += value_or_nan(fr__measure_difference(now.program, j->before.program));
  p->energy_j += value_or_nan(fr__measure_difference(now.energy, j->before.energy));
  p->core_s +=
      value_or_nan(fr__measure_difference(now.core_seconds, j->before.core_seconds));
  j->plan->now_done = (double)epoch->epoch / (double)j->options.epochs;
  fr_meter_report_release(&now);
}

static bool on_step(void *self, const fr_epoch *epoch) {
  (void)epoch;
  return fr__plan_go_on(((job *)self)->plan);
}

static enum fr_status cancelled(fr_error *err) {
  return fr__fail(err, FR_ERR_CANCELLED, "the study was stopped");
}

/* ---- building ---- */

static enum fr_status build_scratch(job *j, uint64_t seed, fr_error *err) {
  const fr__study_net *asked = &j->plan->study->networks[j->cell->net];
  const fr_samples *samples = &j->data->train;
  const fr_shape shape = {samples->steps, samples->channels};
  const char *arch = asked->arch != NULL ? asked->arch : asked->name;
  const enum fr_status status =
      fr_net_new(arch, shape, j->data->classes.count, &j->net, err);
  if (status == FR_OK)
    fr_net_init(j->net, seed, 0);
  return status;
}

static enum fr_status load_source(const job *j, fr_model *model, fr_error *err) {
  const size_t run = j->repeat * j->plan->cells + j->cell->source;
  char *path = fr__plan_model(j->plan, j->plan->run[run].key);
  if (path == NULL)
    return fr__fail_memory(err, "a path");
  const enum fr_status status = fr_model_load(model, path, err);
  free(path);
  return status;
}

static enum fr_status set_rates(job *j, const fr_transfer_options *options,
                                fr_error *err) {
  free(j->rates);
  j->rates = calloc(fr_net_layer_count(j->net), sizeof *j->rates);
  if (j->rates == NULL)
    return fr__fail_memory(err, "learning rates");
  fr_transfer_rates(j->net, j->kept, options, j->rates);
  j->options.rate_scale = j->rates;
  return FR_OK;
}

static enum fr_status build_transfer(job *j, uint64_t seed, fr_error *err) {
  const fr_transfer_options options =
      fr__study_transfer(&j->plan->study->mechanisms[j->cell->mechanism]);
  fr_model source = {0};
  enum fr_status status = load_source(j, &source, err);
  if (status != FR_OK)
    return status;
  j->kept = fr_transfer_kept(source.net, options.kind);
  status = fr_transfer_new(source.net, &options, j->data->classes.count, seed, &j->net,
                           &j->options.first_trained, err);
  if (status == FR_OK)
    status = set_rates(j, &options, err);
  fr_model_release(&source);
  return status;
}

static enum fr_status build(job *j, fr_error *err) {
  const uint64_t seed = (uint64_t)j->plan->study->seed + j->repeat;
  fr_net_free(j->net);
  j->net = NULL;
  j->options.seed = seed;
  return j->cell->mechanism == SIZE_MAX ? build_scratch(j, seed, err)
                                        : build_transfer(j, seed, err);
}

/* ---- measuring ---- */

static enum fr_status train_once(job *j, fr__bill *tally, fr_train_result *result,
                                 fr_error *err) {
  fr_meter_report after = {0};
  enum fr_status status = build(j, err);
  if (status == FR_OK)
    status = fr__gauge_read(j->plan->gauge, &j->before, err);
  if (status == FR_OK)
    status = fr_train(j->net, &j->data->train, &j->data->validate, &j->options,
                      &j->observer, &j->budget, result, err);
  if (status == FR_OK && result->stop == FR_STOP_BUDGET)
    status = cancelled(err);
  if (status == FR_OK)
    status = fr__gauge_read(j->plan->gauge, &after, err);
  if (status == FR_OK)
    fr__bill_add(tally, &j->before, &after, 1);
  fr_meter_report_release(&after);
  fr_meter_report_release(&j->before);
  return status;
}

/* The same seed gives the same network every time: only the cost is measured again. */
static enum fr_status train_measured(job *j, fr__bill *tally, fr_train_result *result,
                                     fr_error *err) {
  enum fr_status status = FR_OK;
  while (status == FR_OK && !fr__bill_enough(tally)) {
    fr_train_result_release(result);
    *result = (fr_train_result){0};
    status = train_once(j, tally, result, err);
  }
  return status;
}

static enum fr_status test_times(job *j, size_t times, fr__bill *tally, fr_error *err) {
  fr_meter_report before = {0}, after = {0};
  enum fr_status status = fr__gauge_read(j->plan->gauge, &before, err);
  for (size_t i = 0; i < times && status == FR_OK; i++) {
    fr_metrics metrics = {0};
    status = fr_test(j->net, &j->data->test, &j->options.loss, j->options.batch,
                     &j->observer, &metrics, err);
    fr_metrics_release(&metrics);
    if (status == FR_OK && !fr__plan_go_on(j->plan))
      status = cancelled(err);
  }
  if (status == FR_OK)
    status = fr__gauge_read(j->plan->gauge, &after, err);
  if (status == FR_OK)
    fr__bill_add(tally, &before, &after, times);
  fr_meter_report_release(&before);
  fr_meter_report_release(&after);
  return status;
}

static enum fr_status test_measured(job *j, fr__bill *tally, fr_error *err) {
  fr__bill first = {
      0}; /* warms caches up and says how many calls one measurement needs */
  enum fr_status status = test_times(j, 1, &first, err);
  if (status != FR_OK)
    return status;
  const double core_s = first.core_s[0] > 1e-6 ? first.core_s[0] : 1e-6;
  const double times = ceil(SHORT_TEST_S / core_s);
  const size_t calls = times < TESTS_CEILING ? (size_t)times : TESTS_CEILING;
  while (status == FR_OK && !fr__bill_enough(tally))
    status = test_times(j, calls, tally, err);
  return status;
}

/* ---- what came out ---- */

static json_t *counted(double value, double low, double high) {
  const fr_measure m = {value, low, high, FR_UNIT_NONE, FR_SOURCE_COUNT};
  return fr__json_measure(m);
}

/* Wilson's interval belongs to the accuracy alone; the others have none of their own. */
static enum fr_status write_metrics(job *j, const fr_samples *samples, json_t *to,
                                    fr_error *err) {
  fr_metrics m = {0};
  if (samples->count == 0)
    return FR_OK;
  const enum fr_status status =
      fr_test(j->net, samples, &j->options.loss, j->options.batch, NULL, &m, err);
  if (status != FR_OK)
    return status;
  json_object_set_new(to, "accuracy",
                      counted(m.accuracy, m.accuracy_low, m.accuracy_high));
  json_object_set_new(to, "macro_f1", counted(m.macro_f1, m.macro_f1, m.macro_f1));
  json_object_set_new(
      to, "balanced_accuracy",
      counted(m.balanced_accuracy, m.balanced_accuracy, m.balanced_accuracy));
  json_object_set_new(to, "loss", fr__json_number(m.loss));
  json_object_set_new(to, "samples", json_integer((json_int_t)m.samples));
  fr_metrics_release(&m);
  return FR_OK;
}

static json_t *history_of(const job *j, const fr__bill *tally, size_t epochs) {
  const double n = (double)tally->count;
  json_t *list = json_array();
  for (size_t i = 0; i < epochs && i < j->options.epochs; i++) {
    const point *p = &j->points[i];
    json_t *row = json_object();
    json_object_set_new(row, "epoch", json_integer((json_int_t)i + 1));
    json_object_set_new(row, "train_loss", fr__json_number(p->epoch.train_loss));
    json_object_set_new(row, "validate_loss", fr__json_number(p->epoch.validate_loss));
    json_object_set_new(row, "validate_accuracy",
                        fr__json_number(p->epoch.validate_accuracy));
    json_object_set_new(row, "program_j", fr__json_number(p->program_j / n));
    json_object_set_new(row, "energy_j", fr__json_number(p->energy_j / n));
    json_object_set_new(row, "core_s", fr__json_number(p->core_s / n));
    json_array_append_new(list, row);
  }
  return list;
}

static void write_training(const job *j, const fr__bill *tally,
                           const fr_train_result *result, json_t *to) {
  fr__bill_write(tally, 1.0, to);
  json_object_set_new(to, "epochs", json_integer((json_int_t)result->epochs));
  json_object_set_new(to, "best_epoch", json_integer((json_int_t)result->best_epoch));
  json_object_set_new(to, "steps", json_integer((json_int_t)result->steps));
  json_object_set_new(to, "stop", json_string(fr_stop_name(result->stop)));
  json_object_set_new(to, "operations", json_integer((json_int_t)result->operations));
  json_object_set_new(
      to, "precision",
      json_string(result->precision == FR_PRECISION_BF16 ? "bf16" : "float32"));
  if (result->precision_reason[0] != '\0')
    json_object_set_new(to, "precision_reason", json_string(result->precision_reason));
  json_object_set_new(to, "best_validate_accuracy",
                      fr__json_number(result->best_validate_accuracy));
  json_object_set_new(to, "history", history_of(j, tally, result->epochs));
}

static void write_testing(const job *j, const fr__bill *tally, json_t *to) {
  const size_t count = j->data->test.count;
  fr__bill_write(tally, 1000.0 / (double)(count != 0 ? count : 1), to);
  json_object_set_new(to, "operations",
                      json_integer((json_int_t)fr_net_operations(j->net)));
}

static void write_pretraining(const job *j, json_t *to) {
  const size_t run = j->repeat * j->plan->cells + j->cell->source;
  const json_t *source = json_object_get(j->plan->run[run].result, "train");
  static const char *const keys[] = {"program", "energy", "core_seconds", "epochs"};
  json_t *out = json_object();
  json_object_set_new(out, "key", json_string(j->plan->run[run].key));
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    json_object_set(out, keys[i], json_object_get(source, keys[i]));
  json_object_set_new(to, "pretraining", out);
}

static size_t trained_parameters(const job *j) {
  size_t sum = 0;
  for (size_t i = j->options.first_trained; i < fr_net_layer_count(j->net); i++)
    sum += fr_net_layer_parameters(j->net, i);
  return sum;
}

static void write_identity(const job *j, json_t *to) {
  const fr_study *study = j->plan->study;
  const fr__study_cell *cell = j->cell;
  char name[48];
  fr__cell_name(study, 'R', cell->data, cell->net, name);
  json_object_set_new(to, "name", json_string(name + 1));
  json_object_set_new(to, "key", json_string(j->run->key));
  json_object_set_new(to, "data", json_string(study->data[cell->data].code));
  json_object_set_new(to, "net", json_string(study->networks[cell->net].code));
  json_object_set_new(to, "mechanism", json_string(fr__cell_mechanism(study, cell)));
  if (cell->source != SIZE_MAX)
    json_object_set_new(to, "source",
                        json_string(study->data[j->plan->cell[cell->source].data].code));
  json_object_set_new(to, "repeat", json_integer((json_int_t)j->repeat + 1));
  json_object_set_new(to, "seed", json_integer((json_int_t)(study->seed + j->repeat)));
  json_object_set_new(to, "architecture", json_string(fr_net_text(j->net)));
  json_object_set_new(to, "parameters",
                      json_integer((json_int_t)fr_net_parameters(j->net)));
  json_object_set_new(to, "trained_parameters",
                      json_integer((json_int_t)trained_parameters(j)));
  json_object_set_new(to, "classes", json_integer((json_int_t)j->data->classes.count));
}

static enum fr_status save_network(const job *j, fr_error *err) {
  const fr__study_data *asked = &j->plan->study->data[j->cell->data];
  const fr_dataset *data = j->plan->set[j->cell->data].data;
  char task[] = "subject", none[] = "";
  char *path = fr__plan_model(j->plan, j->run->key);
  if (path == NULL)
    return fr__fail_memory(err, "a path");
  /* Borrows everything: it is not released. */
  const fr_model model = {.net = j->net,
                          .classes = j->data->classes,
                          .normalizer = j->data->normalizer,
                          .channels = data->channels,
                          .task = asked->task != NULL ? asked->task : task,
                          .data = asked->spec,
                          .split = asked->split != NULL ? asked->split : none,
                          .validate = asked->validate != NULL ? asked->validate : none,
                          .window = j->data->windows.length,
                          .step = j->data->windows.step,
                          .rate_hz = data->rate_hz,
                          .seed = j->options.seed};
  const enum fr_status status = fr_model_save(&model, path, err);
  free(path);
  return status;
}

static enum fr_status work(job *j, json_t *out, fr_error *err) {
  fr__bill training = {0}, testing = {0};
  fr_train_result result = {0};
  json_t *train = json_object(), *test = json_object();
  enum fr_status status = train_measured(j, &training, &result, err);
  if (status == FR_OK)
    status = test_measured(j, &testing, err);
  if (status == FR_OK)
    status = write_metrics(j, &j->data->train, train, err);
  if (status == FR_OK)
    status = write_metrics(j, &j->data->test, test, err);
  if (status == FR_OK && j->cell->is_source)
    status = save_network(j, err);
  if (status == FR_OK) {
    write_identity(j, out);
    write_training(j, &training, &result, train);
    write_testing(j, &testing, test);
    if (j->cell->source != SIZE_MAX)
      write_pretraining(j, out);
  }
  fr_train_result_release(&result);
  json_object_set_new(out, "train", train);
  json_object_set_new(out, "test", test);
  return status;
}

static json_t *phases_of(const fr_meter_report *spent) {
  json_t *list = json_array();
  for (size_t i = 0; i < spent->count; i++) {
    const fr_phase_report *p = &spent->phase[i];
    json_t *row = json_object();
    json_object_set_new(row, "path", json_string(p->path));
    json_object_set_new(row, "count", json_integer((json_int_t)p->count));
    json_object_set_new(row, "duration_s", fr__json_number(p->duration_s));
    json_object_set_new(row, "core_s", fr__json_number(p->core_s));
    json_object_set_new(row, "energy", fr__json_measure(p->energy));
    json_object_set_new(row, "program", fr__json_measure(p->program));
    json_array_append_new(list, row);
  }
  return list;
}

json_t *fr__json_spent(const fr_meter_report *spent) {
  json_t *out = json_object();
  json_object_set_new(out, "energy", fr__json_measure(spent->energy));
  json_object_set_new(out, "program", fr__json_measure(spent->program));
  json_object_set_new(out, "core_seconds", fr__json_measure(spent->core_seconds));
  json_object_set_new(out, "duration_s", fr__json_number(spent->duration_s));
  json_object_set_new(out, "phases", phases_of(spent));
  return out;
}

enum fr_status fr__spent_since(fr__gauge *gauge, const fr_meter_report *before,
                               json_t **out, fr_error *err) {
  fr_meter_report after = {0}, spent = {0};
  enum fr_status status = fr__gauge_read(gauge, &after, err);
  if (status == FR_OK)
    status = fr__gauge_difference(before, &after, &spent, err);
  if (status == FR_OK)
    *out = fr__json_spent(&spent);
  fr_meter_report_release(&spent);
  fr_meter_report_release(&after);
  return status;
}

enum fr_status fr__cell_run(fr__plan *plan, size_t run, json_t **out, fr_error *err) {
  job j = {.plan = plan,
           .cell = &plan->cell[run % plan->cells],
           .repeat = run / plan->cells,
           .run = &plan->run[run],
           .options = fr__study_train_options(plan->study)};
  j.observer = (fr_observer){.self = &j,
                             .phase_begin = on_phase_begin,
                             .phase_end = on_phase_end,
                             .epoch_done = on_epoch};
  j.budget = (fr_budget){.self = &j, .may_go_on = on_step};
  fr_meter_report before = {0};
  json_t *result = json_object(), *spent = NULL;
  enum fr_status status = fr__gauge_read(plan->gauge, &before, err);
  if (status == FR_OK)
    status = fr__plan_prepare(plan, j.cell->data, j.repeat, err);
  j.data = &plan->set[j.cell->data].prepared;
  j.points = calloc(j.options.epochs, sizeof *j.points);
  if (status == FR_OK && (j.points == NULL || result == NULL))
    status = fr__fail_memory(err, "a cell");
  if (status == FR_OK)
    status = work(&j, result, err);
  if (status == FR_OK)
    status = fr__spent_since(plan->gauge, &before, &spent, err);
  if (status == FR_OK) {
    json_object_set_new(result, "spent", spent);
    *out = json_incref(result);
  }
  json_decref(result);
  fr_meter_report_release(&before);
  fr_net_free(j.net);
  free(j.rates);
  free(j.points);
  return status;
}
