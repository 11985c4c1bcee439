/* SPDX-License-Identifier: Apache-2.0 */
/* Two networks tested beside each other: a model before and after it was made smaller. */
#ifndef FR_CLI_COMPARE_H
#define FR_CLI_COMPARE_H

#include "cli/work.h"
#include "frugal/quantize.h"

typedef struct cli_compared {
  fr_net *net;
  fr_quantized *quantized; /* what runs in the place of `net`, which is its; NULL: net */
  const char *phase;       /* "before", "after" */
  json_t *figures;         /* object; the result's */
  size_t passes;           /* over all samples */
} cli_compared;

/* Tests any number on the validation side, in turns, until each has run about a second;
 * nothing is said of it but in the figures of each (objects): to be chosen among. Phases
 * validate/NAME. */
enum fr_status cli_compare_validate(cli_compared *one, size_t count, const cli_work *work,
                                    cli_session *session, const cli_training *training,
                                    fr_error *err);

/* Keys core_seconds_per_1000, program_per_1000 and passes in the figures of each, as the
 * meter has them now; phases are PREFIX and the one's own. */
enum fr_status cli_compare_costs(cli_compared *one, size_t count, cli_session *session,
                                 const char *prefix, fr_error *err);

/*
 * Tests both on the test side (the validation side where `no_test`), in turns, until each
 * has run about a second: phases before and after. Fills `before` and `after` of the
 * result with accuracy, macro_f1, samples, network, parameters, operations, bytes,
 * core_seconds_per_1000 and program_per_1000, and tells them as a table. The second one's
 * figures are the result's own, too, and its opening of the test side is logged. Then it
 * is written, where `training` says so, in the place of the network of `model`; where
 * that fails, the session says it late.
 */
enum fr_status cli_compare_finish(cli_compared pair[2], cli_work *work,
                                  cli_session *session, const cli_training *training,
                                  const fr_model *model, fr_error *err);

#endif
