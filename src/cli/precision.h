/* SPDX-License-Identifier: Apache-2.0 */
/* --precision: a model in float32, with products rounded to bf16, or in integers whose
 * ranges are found on the training side of its data. */
#ifndef FR_CLI_PRECISION_H
#define FR_CLI_PRECISION_H

#include "cli/work.h"

typedef struct cli_precision {
  bool told;
  bool int8;
  enum fr_precision floats; /* where it is not */
} cli_precision;
extern const struct argp cli_precision_argp;

/* "float32", "bf16", "int8-dynamic". */
const char *cli_precision_name(enum fr_precision precision);
/* The same, or "int8". */
const char *cli_precision_text(const cli_precision *precision);

/* Up to 512 samples spread evenly over the training side set the ranges; with a warning,
 * the test side where nothing is trained on. *out is the caller's. */
enum fr_status cli_int8_new(const cli_work *work, cli_result *result, const fr_net *net,
                            fr_int8 **out, fr_error *err);

/*
 * What runs a model, by the precision that was told, else by its own scheme: either *out,
 * in integers, whose ranges are the model's own or found as cli_int8_new does, or, where
 * that becomes NULL, model->net, in its precision. Sets *precision to what it is.
 */
enum fr_status cli_precision_open(cli_precision *precision, fr_model *model,
                                  const cli_work *work, cli_session *session,
                                  fr_quantized **out, fr_error *err);

/* Keys weight_bytes and activation_bytes. */
void cli_precision_sizes(cli_session *session, const fr_quantized *q);

#endif
