/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/openings.h"
#include "report/table.h"

/* Passes over the samples: at least five for a median's sake of each, and about a second;
 * a machine that does a million samples in that time has seen enough. */
enum { PASSES_LEAST = 5, PASSES_MOST = 400 };
#define SECONDS 1.0

static enum fr_status one_pass(cli_compared *one, const fr_samples *samples,
                               cli_session *session, const fr_loss_options *loss,
                               size_t batch, fr_metrics *metrics, fr_error *err) {
  fr_phase_begin(session->meter, one->phase);
  const enum fr_status status =
      one->quantized != NULL
          ? fr_quantized_test(one->quantized, samples, loss, batch, NULL, metrics, err)
          : fr_test(one->net, samples, loss, batch, NULL, metrics, err);
  fr_phase_end(session->meter);
  one->passes++;
  return status;
}

static void add_network(const cli_compared *one, const fr_metrics *metrics) {
  json_t *to = one->figures;
  cli_add_figures(metrics, to);
  json_object_set_new(to, "network", json_string(fr_net_text(one->net)));
  json_object_set_new(to, "parameters",
                      json_integer((json_int_t)fr_net_parameters(one->net)));
  json_object_set_new(to, "operations",
                      json_integer((json_int_t)fr_net_operations(one->net)));
  const bool floats =
      one->quantized == NULL || fr_quantized_scheme(one->quantized) == FR_SCHEME_F32;
  const size_t bytes =
      floats ? fr_model_stored_bytes(one->net) : fr_quantized_bytes(one->quantized);
  json_object_set_new(to, "bytes", json_integer((json_int_t)bytes));
  if (one->quantized != NULL)
    json_object_set_new(to, "scheme",
                        json_string(fr_scheme_name(fr_quantized_scheme(one->quantized))));
}

static enum fr_status first_passes(cli_compared pair[2], const fr_samples *samples,
                                   cli_work *work, cli_session *session,
                                   const cli_training *training,
                                   const fr_loss_options *loss, const fr_names *classes,
                                   fr_error *err) {
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < 2 && status == FR_OK; i++) {
    fr_metrics metrics;
    const bool last = i == 1, opens = last && !training->no_test;
    const int64_t opening = opens ? cli_opening_begin(work, session, pair[i].net) : 0;
    status = one_pass(&pair[i], samples, session, loss, training->options.batch, &metrics,
                      err);
    if (status != FR_OK)
      return status;
    add_network(&pair[i], &metrics);
    if (last && training->no_test)
      cli_session_validated(session, &metrics, classes);
    else if (last)
      cli_session_metrics(session, &metrics, classes);
    if (opens)
      cli_opening_found(session, opening, &metrics);
    fr_metrics_release(&metrics);
  }
  return status;
}

static size_t passes_in(double seconds) {
  const double passes = seconds > 0 ? ceil(2 * SECONDS / seconds) : PASSES_MOST;
  return passes < PASSES_LEAST  ? PASSES_LEAST
         : passes > PASSES_MOST ? PASSES_MOST
                                : (size_t)passes;
}

/* In turns, until each has run about a second. */
static enum fr_status test_both(cli_compared pair[2], cli_work *work,
                                cli_session *session, const cli_training *training,
                                const fr_names *classes, fr_error *err) {
  const fr_prepared *p = &work->prepared;
  const fr_samples *samples = training->no_test ? &p->validate : &p->test;
  fr_loss_options loss = training->options.loss;
  if (samples->value != NULL)
    loss.kind = FR_LOSS_BINARY;
  for (size_t i = 0; i < 2; i++) {
    pair[i].figures = json_object();
    json_object_set_new(session->result.result, pair[i].phase, pair[i].figures);
  }
  const uint64_t start_ns = fr__clock_ns();
  enum fr_status status =
      first_passes(pair, samples, work, session, training, &loss, classes, err);
  const size_t passes = passes_in((double)(fr__clock_ns() - start_ns) * 1e-9);
  for (size_t i = 1; i < passes && status == FR_OK; i++)
    for (size_t k = 0; k < 2 && status == FR_OK; k++) {
      fr_metrics metrics;
      status = one_pass(&pair[k], samples, session, &loss, training->options.batch,
                        &metrics, err);
      if (status == FR_OK)
        fr_metrics_release(&metrics);
    }
  return status;
}

/* The first pass of each, then all in turns. */
enum fr_status cli_compare_validate(cli_compared *one, size_t count, const cli_work *work,
                                    cli_session *session, const cli_training *training,
                                    fr_error *err) {
  const fr_samples *samples = &work->prepared.validate;
  fr_loss_options loss = training->options.loss;
  enum fr_status status = FR_OK;
  size_t passes = 1;
  if (samples->value != NULL)
    loss.kind = FR_LOSS_BINARY;
  const uint64_t start_ns = fr__clock_ns();
  fr_phase_begin(session->meter, "validate");
  for (size_t pass = 0; pass < passes && status == FR_OK; pass++) {
    for (size_t i = 0; i < count && status == FR_OK; i++) {
      fr_metrics metrics;
      status = one_pass(&one[i], samples, session, &loss, training->options.batch,
                        &metrics, err);
      if (status == FR_OK && pass == 0)
        add_network(&one[i], &metrics);
      if (status == FR_OK)
        fr_metrics_release(&metrics);
    }
    if (pass == 0) /* seconds for two */
      passes = passes_in((double)(fr__clock_ns() - start_ns) * 2e-9 / (double)count);
  }
  fr_phase_end(session->meter);
  return status;
}

/* ---- what it cost ---- */

static double number_in(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  return json_is_number(value) ? json_number_value(value) : NAN;
}

static void add_costs(const cli_compared *one, const fr_phase_report *phase) {
  const double samples = number_in(one->figures, "samples");
  if (!(samples > 0))
    return;
  const double share = 1000 / (samples * (double)one->passes);
  const fr_measure program = fr_measure_scale(phase->program, share, FR_UNIT_JOULE);
  json_object_set_new(one->figures, "core_seconds_per_1000",
                      json_real(phase->core_s * share));
  json_object_set_new(one->figures, "program_per_1000", cli_json_measure(program));
  json_object_set_new(one->figures, "passes", json_integer((json_int_t)one->passes));
}

enum fr_status cli_compare_costs(cli_compared *one, size_t count, cli_session *session,
                                 const char *prefix, fr_error *err) {
  fr_meter_report report;
  const enum fr_status status = fr_meter_read(session->meter, &report, err);
  if (status != FR_OK)
    return status;
  for (size_t i = 0; i < count; i++) {
    char path[sizeof report.phase->path];
    (void)snprintf(path, sizeof path, "%s%s", prefix, one[i].phase);
    for (size_t k = 0; k < report.count; k++)
      if (strcmp(report.phase[k].path, path) == 0)
        add_costs(&one[i], &report.phase[k]);
  }
  fr_meter_report_release(&report);
  return FR_OK;
}

static double figure(const cli_compared *one, const char *key) {
  const json_t *value = json_object_get(one->figures, key);
  return json_is_object(value) ? number_in(value, "value") : number_in(one->figures, key);
}

static void add_row(fr__table *table, cli_compared pair[2], const char *what,
                    const char *key, double scale, const char *unit) {
  const double before = scale * figure(&pair[0], key),
               after = scale * figure(&pair[1], key);
  char text[2][48] = {"not measured", "not measured"};
  if (!isnan(before))
    cli_format_si(before, unit, text[0], sizeof *text);
  if (!isnan(after))
    cli_format_si(after, unit, text[1], sizeof *text);
  fr__table_add(table, what);
  fr__table_add(table, text[0]);
  fr__table_add(table, text[1]);
  if (before > 0 && !isnan(after))
    fr__table_addf(table, "%.3f", after / before);
  else
    fr__table_add(table, "");
}

/* Shares as they are, and their difference for a ratio. */
static void add_share(fr__table *table, cli_compared pair[2], const char *what,
                      const char *key) {
  const double before = 100 * figure(&pair[0], key), after = 100 * figure(&pair[1], key);
  fr__table_add(table, what);
  fr__table_addf(table, "%.2f %%", before);
  fr__table_addf(table, "%.2f %%", after);
  fr__table_addf(table, "%s%.2f points", after < before ? "−" : "+",
                 fabs(after - before));
}

static enum fr_status tell_both(cli_compared pair[2], cli_session *session,
                                fr_error *err) {
  fr__table table;
  enum fr_status status = cli_compare_costs(pair, 2, session, "", err);
  if (status != FR_OK)
    return status;
  fr__table_init(&table, NULL);
  fr__table_column_add(&table, "", FR__ALIGN_LEFT, false);
  fr__table_column_add(&table, "Before", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "After", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "After / before", FR__ALIGN_RIGHT, false);
  add_share(&table, pair, "accuracy", "accuracy");
  add_share(&table, pair, "macro-F1", "macro_f1");
  add_row(&table, pair, "parameters", "parameters", 1, "");
  add_row(&table, pair, "operations a sample", "operations", 1, "FLOP");
  add_row(&table, pair, "stored", "bytes", 1, "B");
  add_row(&table, pair, "core time per 1,000", "core_seconds_per_1000", 1, "s");
  add_row(&table, pair, "program per 1,000", "program_per_1000", 1, "J");
  fr__buf_add(&session->text, "\n");
  status = fr__table_render(&table, cli_columns(), &session->text, err);
  fr__table_release(&table);
  return status;
}

/* ---- all of it ---- */

/* The old model around the new network; one that runs nothing in its place is float32:
 * no weight of it is one of fewer bits. */
static enum fr_status save(const fr_model *old, cli_session *session,
                           const cli_compared *made, const char *path, fr_error *err) {
  const fr_quantized *q = made->quantized;
  const fr_int8_ranges *ranges = q != NULL ? fr_quantized_ranges(q) : NULL;
  fr_model model = *old;
  char *provenance = cli_work_provenance(session);
  model.net = made->net;
  model.scheme = q != NULL ? fr_quantized_scheme(q) : FR_SCHEME_F32;
  model.ranges = ranges != NULL ? *ranges : (fr_int8_ranges){0};
  model.provenance = provenance;
  const enum fr_status status = fr_model_save(&model, path, err);
  free(provenance);
  return status;
}

enum fr_status cli_compare_finish(cli_compared pair[2], cli_work *work,
                                  cli_session *session, const cli_training *training,
                                  const fr_model *model, fr_error *err) {
  const char *path = training->model;
  enum fr_status status = test_both(pair, work, session, training, &model->classes, err);
  if (status == FR_OK)
    status = cli_session_measured(session, err);
  if (status == FR_OK)
    status = tell_both(pair, session, err);
  if (status != FR_OK || path == NULL)
    return status;
  session->late.status = save(model, session, &pair[1], path, &session->late);
  if (session->late.status == FR_OK) {
    json_object_set_new(session->result.result, "model", json_string(path));
    fr__buf_printf(&session->text, "\nModel: %s\n", path);
  }
  return FR_OK; /* what was found out is told all the same */
}
