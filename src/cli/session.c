/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/calibrating.h"
#include "cli/precision.h"
#include "report/table.h"

/* ---- the observer ---- */

static void phase_begin(void *self, const char *name) {
  cli_session *s = self;
  fr_phase_begin(s->meter, name);
}

static void phase_end(void *self) {
  cli_session *s = self;
  fr_phase_end(s->meter);
}

static void draw(cli_session *s, const char *what, double done) {
  double power_w, energy_j;
  __atomic_load(&s->power_w, &power_w, __ATOMIC_RELAXED);
  __atomic_load(&s->energy_j, &energy_j, __ATOMIC_RELAXED);
  if (s->progress.shown)
    cli_progress_draw(&s->progress, what, done, -1, power_w, energy_j);
}

static void progress(void *self, const char *what, double done) {
  cli_session *s = self;
  const bool training = strcmp(what, "train") == 0 && s->label[0] != '\0';
  draw(s, training ? s->label : what, done);
}

static void epoch_done(void *self, const fr_epoch *epoch) {
  cli_session *s = self;
  if (isnan(epoch->validate_accuracy))
    snprintf(s->label, sizeof s->label, "epoch %zu  loss %.4f", epoch->epoch,
             epoch->train_loss);
  else
    snprintf(s->label, sizeof s->label, "epoch %zu  loss %.4f  validation %.1f %%",
             epoch->epoch, epoch->train_loss, 100 * epoch->validate_accuracy);
  if (s->board != NULL) {
    double power_w;
    __atomic_load(&s->power_w, &power_w, __ATOMIC_RELAXED);
    cli_tensorboard_epoch(s->board, epoch, power_w, cli_session_program_j(s));
  }
}

static void step_done(void *self, size_t step, double loss) {
  cli_session *s = self;
  if (s->board != NULL)
    cli_tensorboard_step(s->board, step, loss);
}

static void inspect(void *self, const fr_net *net, size_t step) {
  cli_session *s = self;
  if (s->board != NULL)
    cli_tensorboard_inspect(s->board, net, step);
}

static void warning(void *self, const char *text) {
  cli_session *s = self;
  cli_warn(&s->result, "%s", text);
  cli_progress_end(&s->progress);
  cli_result_tell(&s->result); /* now: the end may be hours away */
}

static bool may_go_on(void *self, const fr_epoch *epoch) {
  (void)epoch;
  return cli_session_within_budget(self);
}

static bool interrupted(void *self) {
  (void)self;
  return cli_interrupted();
}

/* On the sampling thread; a double that is drawn only, so a torn read would do no harm,
 * and aligned doubles do not tear where frugal runs. */
static void on_sample(void *self, const fr_power_sample *sample) {
  cli_session *s = self;
  double power_w = sample->power_w, energy_j = sample->energy_j;
  double program_j = sample->program_j;
  if (isfinite(power_w))
    __atomic_store(&s->power_w, &power_w, __ATOMIC_RELAXED);
  __atomic_store(&s->energy_j, &energy_j, __ATOMIC_RELAXED);
  __atomic_store(&s->program_j, &program_j, __ATOMIC_RELAXED);
}

/* ---- start ---- */

static enum fr_status begin_run(cli_session *s, const char *name, int argc, char **argv,
                                fr_error *err) {
  char host[256] = "";
  (void)gethostname(host, sizeof host - 1);
  fr_cpu_power cpu;
  char *words = cli_json_argv(argc, argv);
  const bool known = fr_cpu_power_find(NULL, &cpu, NULL) == FR_OK;
  const fr_run run = {.command = (char *)(uintptr_t)s->result.command,
                      .name = (char *)(uintptr_t)name,
                      .argv = words,
                      .version = (char *)(uintptr_t)FR_VERSION,
                      .host = host,
                      .cpu = known ? cpu.cpu : NULL};
  const enum fr_status status = fr_store_run_begin(s->store, &run, &s->run, err);
  free(words);
  return status;
}

static void release(cli_session *s) {
  free(s->ledger);
  cli_progress_end(&s->progress);
  fr_meter_free(s->meter);
  fr_store_close(s->store);
  cli_result_release(&s->result);
  fr__buf_release(&s->text);
}

enum fr_status cli_session_start(cli_session *session, const char *command,
                                 const char *name, int argc, char **argv,
                                 const cli_output *output, fr_error *err) {
  cli_session *s = session;
  *s = (cli_session){.output = output};
  s->observer = (fr_observer){.self = s,
                              .phase_begin = phase_begin,
                              .phase_end = phase_end,
                              .step_done = step_done,
                              .epoch_done = epoch_done,
                              .inspect = inspect,
                              .warning = warning,
                              .progress = progress};
  s->budget = (fr_budget){.self = s, .may_go_on = may_go_on, .interrupted = interrupted};
  s->start_ns = fr__clock_ns();
  fr__buf_init(&s->text, 0);
  cli_result_init(&s->result, command);
  cli_progress_start(&s->progress, output->quiet);
  fr_meter_options meter = fr_meter_default_options();
  meter.sample = on_sample;
  meter.self = s;
  if (output->interval_s > 0)
    meter.interval_s = output->interval_s;
  enum fr_status status = fr_store_open(output->store, &s->store, err);
  if (status == FR_OK)
    status = cli_meter_new(&meter, NULL, &s->result, &s->meter, err);
  if (status == FR_OK)
    status = begin_run(s, name, argc, argv, err);
  if (status == FR_OK)
    status = fr_meter_start(s->meter, err);
  if (status != FR_OK)
    release(s);
  else
    cli_catch_interrupts();
  return status;
}

/* ---- what was measured ---- */

static json_t *json_of_phase(const fr_phase_report *phase) {
  return json_pack("{s:s, s:I, s:f, s:f, s:o, s:o}", "name", phase->path, "count",
                   (json_int_t)phase->count, "duration_s", phase->duration_s, "core_s",
                   phase->core_s, "energy", cli_json_measure(phase->energy), "program",
                   cli_json_measure(phase->program));
}

static enum fr_status add_phases(cli_session *s, const fr_meter_report *report,
                                 fr_error *err) {
  fr__table table;
  fr__table_init(&table, NULL);
  fr__table_column_add(&table, "Phase", FR__ALIGN_LEFT, false);
  fr__table_column_add(&table, "Times", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "Core-seconds", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "Program", FR__ALIGN_RIGHT, false);
  json_t *phases = json_array();
  for (size_t i = 0; i < report->count; i++) {
    const fr_phase_report *phase = &report->phase[i];
    char program[48] = "not measured";
    if (fr_measure_known(phase->program))
      cli_format_si(phase->program.value, "J", program, sizeof program);
    fr__table_add(&table, phase->path);
    fr__table_addf(&table, "%llu", (unsigned long long)phase->count);
    fr__table_addf(&table, "%.3f", phase->core_s);
    fr__table_add(&table, program);
    json_array_append_new(phases, json_of_phase(phase));
  }
  json_object_set_new(s->result.result, "phases", phases);
  fr__buf_add(&s->text, "\n");
  const enum fr_status status = fr__table_render(&table, cli_columns(), &s->text, err);
  fr__table_release(&table);
  return status;
}

/* Key program_per_1000: what the phase `test` cost a thousand samples, each time. */
static void add_per_1000(cli_session *s, const fr_meter_report *report) {
  const json_t *samples = json_object_get(s->result.result, "samples");
  if (samples == NULL || json_integer_value(samples) <= 0)
    return;
  for (size_t i = 0; i < report->count; i++) {
    const fr_phase_report *phase = &report->phase[i];
    if (strcmp(phase->path, "test") != 0)
      continue;
    const double share =
        1000.0 / ((double)json_integer_value(samples) * (double)phase->count);
    const fr_measure m = fr_measure_scale(phase->program, share, FR_UNIT_JOULE);
    json_object_set_new(s->result.result, "program_per_1000", cli_json_measure(m));
    cli_add_measure(&s->text, "per 1,000", m, "");
  }
}

enum fr_status cli_session_measured(cli_session *session, fr_error *err) {
  cli_session *s = session;
  fr_meter_stop(s->meter);
  cli_progress_end(&s->progress);
  fr_meter_report report;
  enum fr_status status = fr_meter_read(s->meter, &report, err);
  if (status != FR_OK)
    return status;
  json_t *result = s->result.result;
  if (report.energy.source == FR_SOURCE_MODEL)
    cli_warn(&s->result,
             "no working energy counter: energy is modelled from busy core-seconds "
             "(%s)",
             report.rule);
  json_object_set_new(result, "energy", cli_json_measure(report.energy));
  json_object_set_new(result, "program", cli_json_measure(report.program));
  json_object_set_new(result, "core_seconds", cli_json_measure(report.core_seconds));
  json_object_set_new(result, "duration_s", json_real(report.duration_s));
  json_object_set_new(result, "sensor", json_string(report.sensor));
  json_object_set_new(result, "rule", json_string(report.rule));
  cli_add_measure(&s->text, "program", report.program, "");
  cli_add_measure(&s->text, "machine", report.energy, "");
  add_per_1000(s, &report);
  fr__buf_printf(&s->text, "%-14s %.3f in %.3f s; meter: %s%s%s\n", "core-seconds",
                 report.core_seconds.value, report.duration_s, report.sensor,
                 report.rule[0] != '\0' ? ", " : "", report.rule);
  status = add_phases(s, &report, err);
  if (status == FR_OK)
    status = fr_store_figure(s->store, s->run, "energy", report.energy, err);
  if (status == FR_OK)
    status = fr_store_figure(s->store, s->run, "program", report.program, err);
  if (status == FR_OK)
    status = fr_store_figure(s->store, s->run, "core_seconds", report.core_seconds, err);
  fr_meter_report_release(&report);
  return status;
}

static json_t *trial_of(const fr_precision_trial *trial) {
  return json_pack("{s:I, s:f, s:f, s:f, s:o}", "steps", (json_int_t)trial->steps,
                   "float32", trial->f32, "low", trial->low, "high", trial->high, "bf16",
                   isnan(trial->bf16) ? json_null() : json_real(trial->bf16));
}

/* What it was trained in and, where that was chosen, why. */
static void tell_precision(cli_session *session, const fr_net *net,
                           const fr_train_result *trained) {
  json_t *result = session->result.result;
  const char *reason = trained->precision_reason;
  const char *name = cli_precision_name(trained->precision);
  const bool same = fr_net_precision(net) == trained->precision;
  json_object_set_new(result, "precision", json_string(name));
  json_object_set_new(result, "test_precision",
                      json_string(cli_precision_name(fr_net_precision(net))));
  if (reason[0] != '\0')
    json_object_set_new(result, "precision_reason", json_string(reason));
  if (trained->trial.steps > 0)
    json_object_set_new(result, "precision_trial", trial_of(&trained->trial));
  if (reason[0] != '\0' || trained->precision != FR_PRECISION_F32)
    fr__buf_printf(&session->text, "precision      %s%s%s%s\n", name,
                   reason[0] != '\0' ? ": " : "", reason,
                   same ? "" : "; its weights are more accurate in float32: tested so");
}

void cli_session_trained(cli_session *session, const fr_net *net,
                         const fr_train_result *trained) {
  json_t *result = session->result.result;
  json_object_set_new(result, "network", json_string(fr_net_text(net)));
  json_object_set_new(result, "parameters",
                      json_integer((json_int_t)fr_net_parameters(net)));
  json_object_set_new(result, "epochs", json_integer((json_int_t)trained->epochs));
  json_object_set_new(result, "best_epoch",
                      json_integer((json_int_t)trained->best_epoch));
  json_object_set_new(result, "operations",
                      json_integer((json_int_t)trained->operations));
  json_object_set_new(result, "stop", json_string(fr_stop_name(trained->stop)));
  json_object_set_new(result, "validate_accuracy",
                      isnan(trained->best_validate_accuracy)
                          ? json_null()
                          : json_real(trained->best_validate_accuracy));
  char operations[48];
  cli_format_si((double)trained->operations, "FLOP", operations, sizeof operations);
  fr__buf_printf(
      &session->text,
      "network        %s\n               %zu parameters; %zu epoch%s (%s), best "
      "%zu, %s\n",
      fr_net_text(net), fr_net_parameters(net), trained->epochs,
      trained->epochs == 1 ? "" : "s", fr_stop_name(trained->stop), trained->best_epoch,
      operations);
  tell_precision(session, net, trained);
  if (trained->resumed_from > 0)
    cli_session_tell_earlier(session, trained);
  if (!isnan(trained->best_validate_accuracy))
    fr__buf_printf(&session->text, "validation     %.2f %%\n",
                   100 * trained->best_validate_accuracy);
}

/* ---- end ---- */

static enum fr_status keep(cli_session *s, fr_error *err) {
  char *stored = json_dumps(s->result.result, JSON_COMPACT | JSON_REAL_PRECISION(9));
  const enum fr_status status =
      stored == NULL ? fr__fail_memory(err, "the result")
                     : fr_store_run_end(s->store, s->run, "done", stored, err);
  free(stored);
  return status;
}

int cli_session_end(cli_session *session, enum fr_status status, const fr_error *err) {
  cli_session *s = session;
  fr_error own;
  int code = CLI_FAILED;
  cli_progress_end(&s->progress);
  cli_session_keep_ledger(s);
  cli_tensorboard_free(s->board, status == FR_OK, &s->result);
  if (status == FR_OK) {
    json_object_set_new(s->result.result, "run", json_integer((json_int_t)s->run));
    if (keep(s, &own) != FR_OK)
      cli_warn(&s->result, "the run is not in the store: %s", own.text);
    code = cli_result_print(&s->result, s->output, fr__buf_text(&s->text));
    if (s->late.status != FR_OK)
      code = cli_fail(&s->late);
  } else {
    (void)fr_store_run_end(s->store, s->run, "failed", NULL, NULL);
    cli_result_tell(&s->result);
    cli_fail(err);
  }
  release(s);
  return code;
}
