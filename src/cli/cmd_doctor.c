/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "cli/calibrating.h"
#include "kern/int8.h"
#include "kern/kern.h"
#include "report/table.h"

typedef struct doctor {
  cli_output output;
  const char *root;
  const char *folder; /* --record; NULL: none */
  double seconds;
  bool timed; /* --seconds was given */
} doctor;

enum { RECORD = 0x100, SECONDS };

static const struct argp_option options[] = {
    {"root", 'r', "DIR", 0, "DIR stands for / (DIR/sys, DIR/dev, DIR/proc)", 0},
    {"record", RECORD, "DIR", 0,
     "Record what the sensors read into the new folder DIR, for frugal meter --replay",
     0},
    {"seconds", SECONDS, "N", 0, "Record for N seconds (10)", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
  doctor *d = state->input;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[0] = &d->output; return 0;
  case 'r': d->root = text; return 0;
  case RECORD: d->folder = text; return 0;
  case SECONDS:
    if (!fr__parse_number(text, strlen(text), &d->seconds) ||
        !(d->seconds > 0 && d->seconds <= 86400))
      argp_error(state, "--seconds takes a number up to 86400, not '%s'", text);
    d->timed = true;
    return 0;
  case ARGP_KEY_END:
    if (d->timed && d->folder == NULL)
      argp_error(state, "--seconds belongs to --record");
    return 0;
  case ARGP_KEY_ARG: argp_error(state, "'%s' is one word too many", text); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {{&cli_output_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {options,
                                 parse,
                                 NULL,
                                 "Tries every energy sensor: working, dead (advertised, "
                                 "but does not advance under load), "
                                 "forbidden (with the line that grants it) or absent.",
                                 children,
                                 NULL,
                                 NULL};

static json_t *known(double value) { return value > 0 ? json_real(value) : json_null(); }

static json_t *json_of_sensor(const fr_sensor_report *sensor) {
  return json_pack(
      "{s:s, s:s, s:s, s:s?, s:s?, s:s?, s:b, s:o, s:o, s:o, s:o}", "name", sensor->name,
      "state", fr_sensor_state_name(sensor->state), "reason", sensor->reason, "fix",
      sensor->fix[0] != '\0' ? sensor->fix : NULL, "kind", sensor->kind, "inside",
      sensor->inside[0] != '\0' ? sensor->inside : NULL, "counted", sensor->counted,
      "unit_j", known(sensor->unit_j), "power_limit_w", known(sensor->power_limit_w),
      "wrap_s", known(sensor->wrap_s), "update_s", known(sensor->update_s));
}

/* "package, 61.0 uJ, wraps in 10.9 min, renewed each 1.0 ms". */
static void describe_counter(const fr_sensor_report *sensor, fr__buf *text) {
  fr__buf_add(text, sensor->kind != NULL ? sensor->kind : "");
  if (sensor->inside[0] != '\0')
    fr__buf_printf(text, " of %s", sensor->inside);
  if (sensor->unit_j > 0)
    fr__buf_printf(text, ", %.3g uJ", sensor->unit_j * 1e6);
  if (sensor->wrap_s > 0)
    fr__buf_printf(text, ", wraps in %.3g min", sensor->wrap_s / 60);
  if (sensor->power_limit_w > 0)
    fr__buf_printf(text, " at its %.0f W", sensor->power_limit_w);
  if (sensor->update_s > 0)
    fr__buf_printf(text, ", renewed each %.3g ms", sensor->update_s * 1e3);
}

static void add_counter(fr__table *table, const fr_sensor_report *sensor) {
  fr__buf text;
  fr__buf_init(&text, 0);
  describe_counter(sensor, &text);
  fr__table_add(table, fr__buf_text(&text));
  fr__buf_release(&text);
}

/* The processor as the model takes it: the table's watts, or a kept calibration's. */
static enum fr_status find_model(const char *root, fr_cpu_power *cpu, cli_result *result,
                                 fr_error *err) {
  fr_error why;
  const enum fr_status status = fr_cpu_power_find(root, cpu, err);
  if (status == FR_OK && !cli_calibrated(root, cpu, &why) && why.text[0] != '\0')
    cli_warn(result, "%s; it is not used (frugal meter --calibrate renews it)", why.text);
  return status;
}

static void fill(const fr_doctor_report *report, cli_result *result, fr__table *table) {
  json_t *sensors = json_array();
  fr__table_column_add(table, "", FR__ALIGN_LEFT, false);
  fr__table_column_add(table, "Sensor", FR__ALIGN_LEFT, false);
  fr__table_column_add(table, "State", FR__ALIGN_LEFT, false);
  fr__table_column_add(table, "Counts", FR__ALIGN_LEFT, true);
  fr__table_column_add(table, "Why", FR__ALIGN_LEFT, true);
  for (size_t i = 0; i < report->count; i++) {
    const fr_sensor_report *sensor = &report->sensor[i];
    json_array_append_new(sensors, json_of_sensor(sensor));
    fr__table_add(table, sensor->counted ? "→" : "");
    fr__table_add(table, sensor->name);
    fr__table_add(table, fr_sensor_state_name(sensor->state));
    add_counter(table, sensor);
    fr__table_addf(table, "%s%s%s", sensor->reason,
                   sensor->fix[0] != '\0' ? "; to fix: " : "", sensor->fix);
  }
  json_object_set_new(result->result, "sensors", sensors);
  json_object_set_new(result->result, "chosen",
                      report->count > 0 ? json_string(report->sensor[report->chosen].name)
                                        : json_null());
}

static json_t *json_of_cpu(const fr_cpu_power *cpu) {
  return json_pack("{s:s, s:I, s:o, s:o, s:s}", "name", cpu->cpu, "cores",
                   (json_int_t)cpu->cores, "core_w", cli_json_measure(cpu->core_w),
                   "idle_w", cli_json_measure(cpu->idle_w), "rule", cpu->rule);
}

static void tell_rule(fr_doctor_report *report, const fr_cpu_power *cpu) {
  for (size_t i = 0; i < report->count; i++) {
    fr_sensor_report *sensor = &report->sensor[i];
    if (sensor->source == FR_SOURCE_MODEL && sensor->state == FR_SENSOR_WORKING)
      snprintf(sensor->reason, sizeof sensor->reason, "%s", cpu->rule);
  }
}

static void add_model(const fr_cpu_power *cpu, cli_result *result, fr__buf *text) {
  json_object_set_new(result->result, "model", json_of_cpu(cpu));
  fr__buf_printf(text,
                 "\nThe model: %s, %zu cores, %.1f W (%.1f to %.1f) a busy core, "
                 "%.1f W (%.1f to %.1f) a core at rest\n  %s\n",
                 cpu->cpu, cpu->cores, cpu->core_w.value, cpu->core_w.low,
                 cpu->core_w.high, cpu->idle_w.value, cpu->idle_w.low, cpu->idle_w.high,
                 cpu->rule);
}

/* The instruction sets that networks run on here; where FRUGAL_CPU names none, why. */
static void add_kernels(cli_result *result, fr__buf *text) {
  fr_error err;
  fr__kern floats = {0};
  fr__int8_kern bytes = {0};
  if (fr__kern_init(&floats, &err) != FR_OK ||
      fr__int8_kern_init(&bytes, &err) != FR_OK) {
    cli_warn(result, "%s", err.text);
  } else {
    const char *bf16 = fr__kern_fast(&floats, FR__FORMAT_BF16);
    json_object_set_new(result->result, "kernels",
                        json_pack("{s:s, s:s?, s:s}", "set", fr__kern_name(&floats),
                                  "bf16", bf16, "int8", fr__int8_kern_name(&bytes)));
    fr__buf_printf(text, "\nThe kernels: %s, %s%s, int8 by %s\n", fr__kern_name(&floats),
                   bf16 != NULL ? "bf16 by " : "no instruction for bf16",
                   bf16 != NULL ? bf16 : "", fr__int8_kern_name(&bytes));
  }
  fr__kern_release(&floats);
  fr__int8_kern_release(&bytes);
}

/* Then nothing else: what was recorded is for another look. */
static int record(const doctor *d) {
  fr_error err;
  if (fr_doctor_record(d->root, d->folder, d->seconds, &err) != FR_OK)
    return cli_fail(&err);
  cli_result result;
  cli_result_init(&result, "doctor");
  json_object_set_new(result.result, "recording", json_string(d->folder));
  json_object_set_new(result.result, "seconds", json_real(d->seconds));
  fr__buf text;
  fr__buf_init(&text, 0);
  fr__buf_printf(&text, "Recorded %g s in '%s'; frugal meter --replay '%s' reads it.\n",
                 d->seconds, d->folder, d->folder);
  const int code = cli_result_print(&result, &d->output, fr__buf_text(&text));
  fr__buf_release(&text);
  cli_result_release(&result);
  return code;
}

int cli_cmd_doctor(int argc, char **argv) {
  doctor d = {.seconds = 10};
  argp_parse(&argp, argc, argv, 0, NULL, &d);
  if (d.folder != NULL)
    return record(&d);
  fr_error err;
  fr_doctor_report report;
  if (fr_doctor_run(d.root, &report, &err) != FR_OK)
    return cli_fail(&err);
  cli_result result;
  cli_result_init(&result, "doctor");
  fr__table table;
  fr_cpu_power cpu;
  const bool known = find_model(d.root, &cpu, &result, &err) == FR_OK;
  if (known)
    tell_rule(&report, &cpu);
  else
    cli_warn(&result, "%s", err.text);
  fr__table_init(&table, NULL);
  fill(&report, &result, &table);
  fr__buf text;
  fr__buf_init(&text, 0);
  int code = CLI_DONE;
  if (fr__table_render(&table, cli_columns(), &text, &err) != FR_OK)
    code = cli_fail(&err);
  else if (known)
    add_model(&cpu, &result, &text);
  if (code == CLI_DONE && d.root == NULL)
    add_kernels(&result, &text);
  if (code == CLI_DONE)
    code = cli_result_print(&result, &d.output, fr__buf_text(&text));
  fr__buf_release(&text);
  fr__table_release(&table);
  cli_result_release(&result);
  fr_doctor_report_release(&report);
  return code;
}
