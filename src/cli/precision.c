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
     "f32 (float32 is the same), bf16, int8-dynamic or int8 (default: what the model is "
     "in)",
     30},
    {0}};

static const char *const names[] = {[FR_PRECISION_F32] = "float32",
                                    [FR_PRECISION_BF16] = "bf16",
                                    [FR_PRECISION_INT8] = "int8-dynamic"};

const char *cli_precision_name(enum fr_precision precision) { return names[precision]; }

const char *cli_precision_text(const cli_precision *precision) {
  return precision->int8 ? "int8" : names[precision->floats];
}

static void set(cli_precision *precision, enum fr_scheme scheme) {
  static const enum fr_precision floats[FR_SCHEMES] = {
      [FR_SCHEME_BF16] = FR_PRECISION_BF16, [FR_SCHEME_INT8_DYNAMIC] = FR_PRECISION_INT8};
  precision->int8 = scheme == FR_SCHEME_INT8 || scheme == FR_SCHEME_INT8_AWARE;
  precision->floats = floats[scheme];
}

static error_t parse(int key, char *text, struct argp_state *state) {
  cli_precision *precision = state->input;
  enum fr_scheme scheme;
  if (key != KEY_PRECISION)
    return ARGP_ERR_UNKNOWN;
  if (!fr_scheme_parse(text, &scheme) || scheme == FR_SCHEME_F16 ||
      scheme == FR_SCHEME_INT8_AWARE)
    argp_error(state, "'%s' is not a precision: f32, bf16, int8-dynamic or int8", text);
  set(precision, scheme);
  precision->told = true;
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

static bool is_integer(enum fr_scheme scheme) {
  return scheme == FR_SCHEME_INT8 || scheme == FR_SCHEME_INT8_AWARE;
}

static enum fr_status quantize(const fr_model *model, const cli_work *work,
                               cli_session *session, fr_quantized **out, fr_error *err) {
  const fr_samples *samples = &work->prepared.train;
  if (samples->count == 0) {
    samples = &work->prepared.test;
    cli_warn(&session->result,
             "nothing is trained on: the ranges of int8 come from the test side");
  }
  return fr_quantize(model->net, FR_SCHEME_INT8, samples, NULL, NULL, &session->observer,
                     NULL, out, err);
}

enum fr_status cli_precision_open(cli_precision *precision, fr_model *model,
                                  const cli_work *work, cli_session *session,
                                  fr_quantized **out, fr_error *err) {
  *out = NULL;
  if (!precision->told)
    set(precision, model->scheme);
  if (precision->int8 && is_integer(model->scheme))
    return fr_quantized_open(model->net, model->scheme, &model->ranges, out, err);
  if (precision->int8)
    return quantize(model, work, session, out, err);
  fr_net_set_precision(model->net, precision->floats);
  return precision->floats == FR_PRECISION_INT8 ? fr_net_prepare(model->net, err) : FR_OK;
}

void cli_precision_sizes(cli_session *session, const fr_quantized *q) {
  json_t *r = session->result.result;
  const size_t weights = fr_int8_weight_bytes(fr_quantized_int8(q));
  const size_t activations = fr_int8_activation_bytes(fr_quantized_int8(q));
  json_object_set_new(r, "weight_bytes", json_integer((json_int_t)weights));
  json_object_set_new(r, "activation_bytes", json_integer((json_int_t)activations));
}
