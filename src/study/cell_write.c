/* SPDX-License-Identifier: Apache-2.0 */
/* A cell's run as JSON (docs/study.md). */
#include "study/cell.h"

#include <string.h>

static json_t *counted(double value, double low, double high) {
  const fr_measure m = {value, low, high, FR_UNIT_NONE, FR_SOURCE_COUNT};
  return fr__json_measure(m);
}

/* Wilson's interval belongs to the accuracy alone; the others have none of their own. */
enum fr_status fr__job_write_metrics(fr__job *j, const fr_samples *samples, json_t *to,
                                     fr_error *err) {
  fr_metrics m = {0};
  if (samples->count == 0)
    return FR_OK;
  const enum fr_status status = fr__job_test_once(j, samples, NULL, &m, err);
  if (status != FR_OK)
    return status;
  json_object_set_new(to, "accuracy",
                      counted(m.accuracy, m.accuracy_low, m.accuracy_high));
  json_object_set_new(to, "macro_f1", counted(m.macro_f1, m.macro_f1, m.macro_f1));
  json_object_set_new(to, "weighted_f1",
                      counted(m.weighted_f1, m.weighted_f1, m.weighted_f1));
  json_object_set_new(
      to, "balanced_accuracy",
      counted(m.balanced_accuracy, m.balanced_accuracy, m.balanced_accuracy));
  json_object_set_new(to, "loss", fr__json_number(m.loss));
  json_object_set_new(to, "samples", json_integer((json_int_t)m.samples));
  fr_metrics_release(&m);
  return FR_OK;
}

static const char *stage_name(enum fr__stage stage) {
  static const char *const names[FR__STAGES] = {"train", "prune", "quantize"};
  return names[stage];
}

/* What each took, where there are several. */
static json_t *stages_of(const fr__job *j, const fr__bill *tally) {
  const double n = (double)tally->count;
  json_t *list = json_array();
  for (size_t i = 0; i < FR__STAGES; i++)
    if (j->spent[i].done)
      json_array_append_new(
          list, json_pack("{s:s,s:o,s:o,s:o}", "name", stage_name((enum fr__stage)i),
                          "program_j", fr__json_number(j->spent[i].program_j / n),
                          "energy_j", fr__json_number(j->spent[i].energy_j / n), "core_s",
                          fr__json_number(j->spent[i].core_s / n)));
  return list;
}

static json_t *history_of(const fr__job *j, const fr__bill *tally) {
  const double n = (double)tally->count;
  json_t *list = json_array();
  for (size_t i = 0; i < j->epochs; i++) {
    const fr__point *p = &j->points[i];
    json_t *row = json_object();
    json_object_set_new(row, "epoch", json_integer((json_int_t)i + 1));
    if (p->stage != FR__STAGE_TRAIN)
      json_object_set_new(row, "stage", json_string(stage_name(p->stage)));
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

static void write_transfer(const fr_transfer_result *choice, json_t *to) {
  json_object_set_new(to, "frozen", json_integer((json_int_t)choice->frozen));
  if (choice->depths == 0)
    return;
  json_t *list = json_array();
  for (size_t i = 0; i < choice->depths; i++) {
    const fr_transfer_depth *d = &choice->depth[i];
    json_array_append_new(
        list, json_pack("{s:I,s:I,s:o,s:I}", "freeze", (json_int_t)d->freeze, "epochs",
                        (json_int_t)d->epochs, "accuracy", fr__json_number(d->accuracy),
                        "operations", (json_int_t)d->operations));
  }
  json_object_set_new(to, "depths", list);
}

static void write_pruning(const fr_prune_result *p, json_t *to) {
  json_t *row = json_pack(
      "{s:f,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "amount", p->amount, "units",
      (json_int_t)p->units, "units_before", (json_int_t)p->units_before, "zeros",
      (json_int_t)p->zeros, "weights_before", (json_int_t)p->weights_before, "tries",
      (json_int_t)p->tries, "sparse_layers", (json_int_t)p->sparse_layers,
      "product_layers", (json_int_t)p->product_layers);
  json_object_set_new(row, "validate_before", fr__json_number(p->validate_before));
  json_object_set_new(row, "validate_after", fr__json_number(p->validate_after));
  if (p->pinned[0] != '\0')
    json_object_set_new(row, "pinned", json_string(p->pinned));
  json_object_set_new(to, "pruning", row);
}

static uint64_t operations_of(const fr__job *j) {
  const uint64_t aware = j->quantized != NULL ? fr_quantized_trained(j->quantized) : 0;
  return j->trained.operations + j->choice.operations + j->pruned.operations + aware;
}

void fr__job_write_training(const fr__job *j, const fr__bill *tally, json_t *to) {
  const fr_train_result *result = &j->trained;
  fr__bill_write(tally, 1.0, to);
  json_object_set_new(to, "epochs", json_integer((json_int_t)j->epochs));
  json_object_set_new(to, "best_epoch", json_integer((json_int_t)result->best_epoch));
  json_object_set_new(to, "steps", json_integer((json_int_t)result->steps));
  json_object_set_new(to, "stop", json_string(fr_stop_name(result->stop)));
  json_object_set_new(to, "operations", json_integer((json_int_t)operations_of(j)));
  json_object_set_new(
      to, "precision",
      json_string(result->precision == FR_PRECISION_BF16 ? "bf16" : "float32"));
  if (result->precision_reason[0] != '\0')
    json_object_set_new(to, "precision_reason", json_string(result->precision_reason));
  json_object_set_new(to, "best_validate_accuracy",
                      fr__json_number(result->best_validate_accuracy));
  if (j->cell->source != SIZE_MAX)
    write_transfer(&j->choice, to);
  if (j->recipe.sets & FR__SETS_PRUNE)
    write_pruning(&j->pruned, to);
  if (j->recipe.sets & FR__SETS_QUANTIZE)
    json_object_set_new(to, "scheme", json_string(fr_scheme_name(j->recipe.scheme)));
  if (j->stage != FR__STAGE_TRAIN)
    json_object_set_new(to, "stages", stages_of(j, tally));
  json_object_set_new(to, "history", history_of(j, tally));
}

static uint64_t operations_of_test(const fr__job *j) {
  return j->quantized != NULL ? fr_quantized_operations(j->quantized)
                              : fr_net_operations(j->net);
}

void fr__job_write_testing(const fr__job *j, const fr__bill *tally, json_t *to) {
  const size_t count = j->data->test.count;
  fr__bill_write(tally, 1000.0 / (double)(count != 0 ? count : 1), to);
  json_object_set_new(to, "operations", json_integer((json_int_t)operations_of_test(j)));
}

static json_t *cost_of(const fr__study_run *run) {
  const json_t *training = json_object_get(run->result, "train");
  static const char *const keys[] = {"program", "energy", "core_seconds", "epochs"};
  json_t *out = json_object();
  json_object_set_new(out, "key", json_string(run->key));
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    json_object_set(out, keys[i], json_object_get(training, keys[i]));
  return out;
}

void fr__job_write_needed(const fr__job *j, json_t *to) {
  const size_t run = j->repeat * j->plan->cells;
  const fr__study_run *source = fr__plan_needed(j->plan, run, j->cell->source);
  const fr__study_run *teacher = fr__plan_needed(j->plan, run, j->cell->teacher);
  if (source != NULL)
    json_object_set_new(to, "pretraining", cost_of(source));
  if (teacher != NULL)
    json_object_set_new(to, "teacher", cost_of(teacher));
}

static size_t trained_parameters(const fr__job *j) {
  size_t sum = 0;
  for (size_t i = j->choice.frozen; i < fr_net_layer_count(j->net); i++)
    sum += fr_net_layer_parameters(j->net, i);
  return sum;
}

/* What cutting and normalising the data took, once for all cells that share them. */
static json_t *preparation_of(const fr__samples *samples) {
  return json_pack("{s:o,s:o,s:o}", "program", fr__json_measure(samples->program),
                   "energy", fr__json_measure(samples->energy), "core_seconds",
                   fr__json_measure(samples->core_seconds));
}

static json_t *parts_of(const fr_study *study, size_t mechanism) {
  json_t *list = json_array();
  if (mechanism == SIZE_MAX)
    return list;
  const fr__study_mechanism *m = &study->mechanisms[mechanism];
  for (size_t i = 0; i < fr__mechanism_parts(m); i++)
    json_array_append_new(list, json_string(fr__mechanism_part(study, m, i)->name));
  return list;
}

/* Of weights and running statistics as a model's file stores them. */
static size_t bytes_of(const fr__job *j) {
  return j->quantized != NULL ? fr_quantized_bytes(j->quantized)
                              : fr_model_stored_bytes(j->net);
}

void fr__cell_tell(const fr__plan *plan, size_t run, json_t *to) {
  const fr_study *study = plan->study;
  const fr__study_cell *cell = &plan->cell[run % plan->cells];
  char name[48];
  fr__cell_name(study, 'R', cell->data, cell->net, name);
  json_object_set_new(to, "name", json_string(name + 1));
  json_object_set_new(to, "data", json_string(study->data[cell->data].code));
  json_object_set_new(to, "net", json_string(study->networks[cell->net].code));
  json_object_set_new(to, "mechanism", json_string(fr__cell_mechanism(study, cell)));
  json_object_set_new(to, "parts", parts_of(study, cell->mechanism));
  if (cell->source != SIZE_MAX)
    json_object_set_new(to, "source",
                        json_string(study->data[plan->cell[cell->source].data].code));
  json_object_set_new(to, "repeat", json_integer((json_int_t)(run / plan->cells) + 1));
}

void fr__job_write_identity(const fr__job *j, json_t *to) {
  const size_t seed = j->plan->study->seed + j->repeat;
  fr__cell_tell(j->plan, (size_t)(j->run - j->plan->run), to);
  json_object_set_new(to, "key", json_string(j->run->key));
  json_object_set_new(to, "seed", json_integer((json_int_t)seed));
  json_object_set_new(to, "architecture", json_string(fr_net_text(j->net)));
  json_object_set_new(to, "parameters",
                      json_integer((json_int_t)fr_net_parameters(j->net)));
  json_object_set_new(to, "bytes", json_integer((json_int_t)bytes_of(j)));
  json_object_set_new(to, "trained_parameters",
                      json_integer((json_int_t)trained_parameters(j)));
  json_object_set_new(to, "preparation", preparation_of(j->samples));
  json_object_set_new(to, "classes", json_integer((json_int_t)j->data->classes.count));
}
