/* SPDX-License-Identifier: Apache-2.0 */
/* The calibration of this machine: made by `frugal meter --calibrate`, kept in
 * $XDG_DATA_HOME/frugal/calibrations.json, taken by whatever uses the model. */
#ifndef FR_CLI_CALIBRATING_H
#define FR_CLI_CALIBRATING_H

#include "cli/cli.h"

/* The one that was kept, in the place of *cpu, which is the table's; false: *cpu stands
 * as it was, and err->text says why, where there is one that does not fit ("" without).
 * A `root` is another machine: none. */
bool cli_calibrated(const char *root, fr_cpu_power *cpu, fr_error *err);

/* fr_meter_new with what was kept. *cpu, the table's, becomes what the model takes, where
 * the model is what is used; `result` takes the warning about one that does not fit. */
enum fr_status cli_meter_new(const fr_meter_options *options, fr_cpu_power *cpu,
                             cli_result *result, fr_meter **out, fr_error *err);

enum fr_status cli_calibration_keep(const fr_calibration *calibration, fr_error *err);
/* *found: there was one. */
enum fr_status cli_calibration_forget(bool *found, fr_error *err);

/* --calibrate: an exit code. */
int cli_calibrate(const fr_calibration_options *options, const cli_output *output,
                  cli_result *result);
int cli_calibrate_forget(const cli_output *output, cli_result *result);

#endif
