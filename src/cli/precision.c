/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/precision.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/openings.h"

#define CALIBRATION 512 /* samples */

enum { KEY_PRECISION = 0x600 };

static const struct argp_option options[] = {
    {"precision", KEY_PRECISION, "NAME", 0,
     "f32 (default; float32 is the same), bf16 or int8", 30},
    {0}};

static const char *const names[] = {
    [FR_PRECISION_F32] = "float32", [FR_PRECISION_BF16] = "bf16"};

const char *cli_precision_name(enum fr_precision precision) { return names[precision]; }

const char *cli_precision_text(const cli_precision *precision) {
  return precision->int8 ? "int8" : names[precision->floats];
}

static error_t parse(int key, char *text, struct argp_state *state) {
  cli_precision *precision = state->input;
  if (key != KEY_PRECISION)
    return ARGP_ERR_UNKNOWN;
  enum fr_train_precision floats = FR_TRAIN_F32;
  precision->int8 = strcmp(text, "int8") == 0;
  if (!precision->int8 &&
      (!fr_train_precision_parse(text, &floats) || floats == FR_TRAIN_AUTO))
    argp_error(state, "'%s' is not a precision: f32, bf16 or int8", text);
  precision->floats = floats == FR_TRAIN_BF16 ? FR_PRECISION_BF16 : FR_PRECISION_F32;
  return 0;
}

const struct argp cli_precision_argp = {.options = options, .parser = parse};

enum fr_status cli_int8_new(const cli_work *work, cli_result *result, const fr_net *net,
                            fr_int8 **out, fr_error *err) {
  const fr_samples *samples = &work->prepared.train;
  const float *x[CALIBRATION];
  if (samples->count == 0) {
    samples = &work->prepared.test;
    cli_warn(result, "nothing is trained on: the ranges of int8 come from the test side");
  }
  const size_t count = samples->count < CALIBRATION ? samples->count : CALIBRATION;
  for (size_t i = 0; i < count; i++)
    x[i] = samples->x[i * samples->count / count];
  const fr_shape input = fr_net_input(net);
  if (count > 0 && (samples->steps != input.steps || samples->channels != input.channels))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "samples of shape (%zu, %zu) do not fit a network that takes "
                    "(%zu, %zu)",
                    samples->steps, samples->channels, input.steps, input.channels);
  return fr_int8_new(net, x, count, out, err);
}

static enum fr_status check_samples(const fr_samples *samples, fr_error *err) {
  if (samples->label == NULL)
    return fr__fail(err, FR_ERR_UNSUPPORTED, "int8 is tested on samples of one class");
  for (size_t i = 0; samples->length != NULL && i < samples->count; i++)
    if (samples->length[i] < samples->steps)
      return fr__fail(err, FR_ERR_UNSUPPORTED,
                      "int8 takes samples of full length, and test sample %zu has %u of "
                      "%zu steps",
                      i + 1, (unsigned)samples->length[i], samples->steps);
  return FR_OK;
}

/* Every sample by itself. */
static void run_all(const fr_samples *samples, const fr_int8 *int8,
                    const fr_loss_options *loss, float *output, fr_metrics *metrics) {
  const size_t classes = fr_int8_classes(int8);
  for (size_t i = 0; i < samples->count; i++) {
    fr_int8_run(int8, samples->x[i], output);
    const fr_targets targets = {.label = samples->label + i};
    const double mean = fr_loss_compute(loss, output, &targets, 1, classes, NULL);
    fr_metrics_add(metrics, output, samples->label + i, 1, mean);
  }
  fr_metrics_finish(metrics);
}

static void tell_sizes(cli_session *session, const fr_int8 *int8) {
  json_t *r = session->result.result;
  const size_t weights = fr_int8_weight_bytes(int8);
  const size_t activations = fr_int8_activation_bytes(int8);
  json_object_set_new(r, "weight_bytes", json_integer((json_int_t)weights));
  json_object_set_new(r, "activation_bytes", json_integer((json_int_t)activations));
}

static enum fr_status test_int8(const cli_work *work, cli_session *session,
                                const fr_loss_options *loss, const fr_net *net,
                                const fr_int8 *int8, const fr_names *classes,
                                fr_error *err) {
  fr_metrics metrics = {0};
  float *output = calloc(fr_int8_classes(int8), sizeof *output);
  if (output == NULL)
    return fr__fail_memory(err, "the outputs of int8");
  const enum fr_status status = fr_metrics_init(&metrics, fr_int8_classes(int8), err);
  if (status == FR_OK) {
    const int64_t opening = cli_opening_begin(work, session, net);
    fr_phase_begin(session->meter, "test");
    run_all(&work->prepared.test, int8, loss, output, &metrics);
    fr_phase_end(session->meter);
    cli_session_metrics(session, &metrics, classes);
    cli_opening_found(session, opening, &metrics);
    tell_sizes(session, int8);
  }
  fr_metrics_release(&metrics);
  free(output);
  return status;
}

enum fr_status cli_int8_test(const cli_work *work, cli_session *session,
                             const fr_loss_options *loss, const fr_net *net,
                             const fr_names *classes, fr_error *err) {
  fr_int8 *int8 = NULL;
  enum fr_status status = check_samples(&work->prepared.test, err);
  if (status == FR_OK) {
    fr_phase_begin(session->meter, "quantize");
    status = cli_int8_new(work, &session->result, net, &int8, err);
    fr_phase_end(session->meter);
  }
  if (status == FR_OK)
    status = test_int8(work, session, loss, net, int8, classes, err);
  fr_int8_free(int8);
  return status;
}
