/* SPDX-License-Identifier: Apache-2.0 */
/* One training as TensorBoard shows it: curves, histograms, the card, hyper-parameters.
 */
#ifndef FR_CLI_TENSORBOARD_H
#define FR_CLI_TENSORBOARD_H

#include "cli/cli.h"

typedef struct cli_tensorboard cli_tensorboard;

/* Writes hyper-parameters and card at once. */
enum fr_status cli_tensorboard_new(const char *folder, const cli_training *training,
                                   const cli_input *input, const fr_net *net,
                                   cli_tensorboard **out, fr_error *err);
/* `done`: the run came to its end; takes NULL. Warns of what could not be written. */
void cli_tensorboard_free(cli_tensorboard *board, bool done, cli_result *result);

/* The run is taken up after `steps`; its program had spent that much before. */
void cli_tensorboard_resume(cli_tensorboard *board, size_t steps, double program_j);
void cli_tensorboard_step(cli_tensorboard *board, size_t step, double loss);
/* Histograms of weights and gradients. */
void cli_tensorboard_inspect(cli_tensorboard *board, const fr_net *net, size_t step);
/* Of the machine's power and the program's energy so far; NaN: not known. */
void cli_tensorboard_epoch(cli_tensorboard *board, const fr_epoch *epoch, double power_w,
                           double program_j);
void cli_tensorboard_test(cli_tensorboard *board, const fr_metrics *metrics);

#endif
