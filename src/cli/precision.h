/* SPDX-License-Identifier: Apache-2.0 */
/* --precision: a model in float32, with products rounded to bf16, or in integers whose
 * ranges are found on the training side of its data. */
#ifndef FR_CLI_PRECISION_H
#define FR_CLI_PRECISION_H

#include "cli/work.h"

typedef struct cli_precision {
  bool int8;
  enum fr_precision floats; /* where it is not */
} cli_precision;
extern const struct argp cli_precision_argp;

/* "float32", "bf16". */
const char *cli_precision_name(enum fr_precision precision);
/* The same, or "int8". */
const char *cli_precision_text(const cli_precision *precision);

/* Up to 512 samples spread evenly over the training side set the ranges; with a warning,
 * the test side where nothing is trained on. *out is the caller's. */
enum fr_status cli_int8_new(const cli_work *work, cli_result *result, const fr_net *net,
                            fr_int8 **out, fr_error *err);

/* As cli_work_test, in integers; keys weight_bytes and activation_bytes beside. */
enum fr_status cli_int8_test(const cli_work *work, cli_session *session,
                             const fr_loss_options *loss, const fr_net *net,
                             const fr_names *classes, fr_error *err);

#endif
