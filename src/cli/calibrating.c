/* SPDX-License-Identifier: Apache-2.0 */
/* frugal meter --calibrate: runs it, keeps it, tells it. */
#include "cli/calibrating.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define QUIET 0.03 /* of the processors, busy with other programs: more is told */
#define DRIFT 0.05 /* of the machine at rest: likewise */

typedef struct calibrating {
  cli_progress progress;
} calibrating;

static void on_progress(void *self, double done, double left_s, double power_w) {
  calibrating *c = self;
  cli_progress_draw(&c->progress, "calibrating", done, left_s, power_w, 0);
}

static bool may_go_on(void *self) {
  (void)self;
  return !cli_interrupted();
}

static void warn(const fr_calibration *c, cli_result *result) {
  if (c->other_cores > QUIET * (double)c->cores)
    cli_warn(
        result,
        "the machine was not quiet: other programs kept %.2f of %zu processors busy, "
        "which widens the bounds",
        c->other_cores, c->cores);
  if (c->bent)
    cli_warn(result,
             "loads are up to %.2g W off a straight line (turbo, two threads on a core, "
             "codes that differ): the bounds hold all of them",
             c->bend_w);
  if (fabs(c->drift_w) > DRIFT * c->idle_w.value)
    cli_warn(result, "the power drifted by %.2g W meanwhile, which was taken off",
             c->drift_w);
}

static json_t *json_of(const fr_calibration *c, const char *rule) {
  char date[FR__TIME_TEXT];
  fr__time_format(c->utc_ns, date);
  return json_pack(
      "{s:s, s:I, s:s, s:s, s:s, s:o, s:o, s:f, s:f, s:b, s:f, s:f, s:f, s:I, s:s}",
      "cpu", c->cpu, "cores", (json_int_t)c->cores, "sensor", c->sensor, "of", c->of,
      "utc", date, "core_w", cli_json_measure(c->core_w), "idle_w",
      cli_json_measure(c->idle_w), "residual_w", c->residual_w, "bend_w", c->bend_w,
      "bent", c->bent, "drift_w", c->drift_w, "other_cores", c->other_cores, "duration_s",
      c->seconds, "looks", (json_int_t)c->looks, "rule", rule);
}

static int tell(const fr_calibration *c, const cli_output *output, cli_result *result) {
  fr_cpu_power cpu;
  fr_error err;
  if (fr_cpu_power_find(NULL, &cpu, &err) != FR_OK ||
      fr_cpu_power_calibrate(c, &cpu, &err) != FR_OK)
    return cli_fail(&err);
  json_object_set_new(result->result, "calibration", json_of(c, cpu.rule));
  fr__buf text;
  fr__buf_init(&text, 0);
  cli_add_measure(&text, "a busy core", c->core_w, "");
  cli_add_measure(&text, "at rest", c->idle_w, "");
  fr__buf_printf(&text, "%-14s %s with %s; %zu looks in %.0f s, %.2g W off the line\n",
                 "measured", c->of, c->sensor, c->looks, c->seconds, c->residual_w);
  fr__buf_add(&text, "The model takes this from now on; frugal meter "
                     "--calibrate=forget takes it back.\n");
  warn(c, result);
  const int code = cli_result_print(result, output, fr__buf_text(&text));
  fr__buf_release(&text);
  return code;
}

int cli_calibrate(const fr_calibration_options *options, const cli_output *output,
                  cli_result *result) {
  calibrating own;
  fr_calibration_options o = *options;
  fr_calibration c;
  fr_error err;
  o.progress = on_progress;
  o.may_go_on = may_go_on;
  o.self = &own;
  cli_catch_interrupts();
  cli_progress_start(&own.progress, output->quiet);
  enum fr_status status = fr_calibration_run(&o, &c, &err);
  cli_progress_end(&own.progress);
  if (status == FR_ERR_CANCELLED)
    return cli_fail_text("the calibration was stopped; what was kept before stands");
  if (status == FR_OK)
    status = cli_calibration_keep(&c, &err);
  return status == FR_OK ? tell(&c, output, result) : cli_fail(&err);
}

int cli_calibrate_forget(const cli_output *output, cli_result *result) {
  bool found;
  fr_error err;
  if (cli_calibration_forget(&found, &err) != FR_OK)
    return cli_fail(&err);
  json_object_set_new(result->result, "forgotten", json_boolean(found));
  return cli_result_print(result, output,
                          found ? "The calibration of this machine is forgotten.\n"
                                : "There was no calibration of this machine.\n");
}
