/* SPDX-License-Identifier: Apache-2.0 */
/* What a session has spent: for its budget, and for the checkpoint that outlives it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/session.h"

#define J_PER_KWH 3.6e6
#define LEDGER_CEILING ((size_t)1 << 16) /* bytes */

enum fr_status cli_session_budget(cli_session *session, const cli_training *training,
                                  fr_error *err) {
  session->limits = training->budget;
  if (training->budget.grams == 0)
    return FR_OK;
  const char *spec = training->intensity != NULL ? training->intensity : "table:world";
  fr_intensity intensity;
  const enum fr_status status = fr_intensity_find(spec, &intensity, err);
  if (status != FR_OK)
    return status;
  const double pue = training->pue > 0 ? training->pue : 1;
  session->grams_per_j = intensity.g_per_kwh.value * pue / J_PER_KWH;
  if (training->intensity == NULL)
    cli_warn(&session->result,
             "the budget's grams are reckoned with the world's %.0f gCO2e/kWh; "
             "--intensity table:ZONE names a grid",
             intensity.g_per_kwh.value);
  return FR_OK;
}

double cli_session_program_j(const cli_session *session) {
  double program_j;
  __atomic_load(&session->program_j, &program_j, __ATOMIC_RELAXED);
  return program_j;
}

bool cli_session_within_budget(const cli_session *session) {
  const cli_budget *limits = &session->limits;
  const double seconds = (double)(fr__clock_ns() - session->start_ns) * 1e-9;
  const double joules = cli_session_program_j(session) + session->earlier.program.value;
  if (limits->duration_s > 0 &&
      seconds + session->earlier.duration_s >= limits->duration_s)
    return false;
  if (limits->energy_j > 0 && joules >= limits->energy_j)
    return false;
  return !(limits->grams > 0 && joules * session->grams_per_j >= limits->grams);
}

/* ---- as JSON, which a checkpoint keeps ---- */

static cli_spent sum_of(const cli_spent *earlier, const fr_meter_report *now) {
  cli_spent sum = {now->energy, now->program, now->core_seconds, now->duration_s};
  if (earlier->duration_s <= 0)
    return sum;
  sum.energy = fr_measure_add(sum.energy, earlier->energy);
  sum.program = fr_measure_add(sum.program, earlier->program);
  sum.core_seconds = fr_measure_add(sum.core_seconds, earlier->core_seconds);
  sum.duration_s += earlier->duration_s;
  return sum;
}

void cli_spent_write(const cli_spent *spent, json_t *to) {
  json_object_set_new(to, "energy", cli_json_measure(spent->energy));
  json_object_set_new(to, "program", cli_json_measure(spent->program));
  json_object_set_new(to, "core_seconds", cli_json_measure(spent->core_seconds));
}

json_t *cli_spent_json(const cli_spent *spent) {
  json_t *to = json_object();
  cli_spent_write(spent, to);
  json_object_set_new(to, "duration_s", json_real(spent->duration_s));
  return to;
}

char *cli_session_spent(cli_session *session) {
  fr_meter_report report;
  if (fr_meter_read(session->meter, &report, NULL) != FR_OK)
    return NULL;
  const cli_spent sum = sum_of(&session->earlier, &report);
  fr_meter_report_release(&report);
  json_t *json = cli_spent_json(&sum);
  char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(17));
  json_decref(json);
  return text;
}

/* False where it is no measure of that unit. */
static bool read_measure(const json_t *from, const char *key, enum fr_unit unit,
                         fr_measure *out) {
  const fr_measure m = cli_measure_of(from, key, unit);
  if (!fr_measure_known(m) || m.low < 0)
    return false;
  *out = m;
  return true;
}

/* False, with *out untouched, where `text` is not what cli_session_spent gives. */
static bool read_spent(const char *text, cli_spent *out) {
  json_t *json = json_loads(text, 0, NULL);
  cli_spent spent = {.duration_s =
                         json_number_value(json_object_get(json, "duration_s"))};
  const bool good =
      read_measure(json, "energy", FR_UNIT_JOULE, &spent.energy) &&
      read_measure(json, "program", FR_UNIT_JOULE, &spent.program) &&
      read_measure(json, "core_seconds", FR_UNIT_CORE_SECOND, &spent.core_seconds) &&
      spent.duration_s > 0 && isfinite(spent.duration_s);
  json_decref(json);
  if (good)
    *out = spent;
  return good;
}

static fr_measure measure_of(const json_t *from, const char *key, enum fr_unit unit) {
  fr_measure m;
  return read_measure(from, key, unit, &m) ? m : fr_measure_absent(unit);
}

void cli_spent_read(const json_t *from, cli_spent *out) {
  *out = (cli_spent){measure_of(from, "energy", FR_UNIT_JOULE),
                     measure_of(from, "program", FR_UNIT_JOULE),
                     measure_of(from, "core_seconds", FR_UNIT_CORE_SECOND),
                     json_number_value(json_object_get(from, "duration_s"))};
}

void cli_spent_add(cli_spent *to, bool first, const cli_spent *more) {
  if (first) {
    *to = *more;
    return;
  }
  to->energy = fr_measure_add(to->energy, more->energy);
  to->program = fr_measure_add(to->program, more->program);
  to->core_seconds = fr_measure_add(to->core_seconds, more->core_seconds);
  to->duration_s += more->duration_s;
}

fr_measure cli_spent_cost(const cli_spent *spent) {
  return fr_measure_known(spent->program) ? spent->program : spent->core_seconds;
}

fr_measure cli_measure_less(fr_measure m, fr_measure part) {
  if (!fr_measure_known(m) || !fr_measure_known(part) || part.unit != m.unit ||
      !(m.value > 0))
    return m;
  return fr_measure_scale(m, fmax(0, 1 - part.value / m.value), m.unit);
}

static void add_past(cli_past *sum, const json_t *command) {
  const json_t *training = json_object_get(command, "training");
  cli_spent one;
  cli_spent_read(command, &one);
  cli_spent_add(&sum->all, sum->commands == 0, &one);
  if (json_is_object(training))
    cli_spent_read(training, &one);
  cli_spent_add(&sum->training, sum->commands == 0, &one);
  sum->commands++;
}

cli_past cli_past_read(const char *provenance) {
  cli_past sum = {0};
  json_t *list = provenance != NULL ? json_loads(provenance, 0, NULL) : NULL;
  for (size_t i = 0; i < json_array_size(list); i++)
    add_past(&sum, json_array_get(list, i));
  json_decref(list);
  return sum;
}

static bool is_under(const char *path, const char *name) {
  const size_t size = strlen(name);
  return strncmp(path, name, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

cli_spent cli_session_phases(const cli_session *session, const char *const *names) {
  json_t *phases = json_object_get(session->result.result, "phases");
  cli_spent sum, one;
  bool first = true;
  size_t i;
  const json_t *phase;
  cli_spent_read(NULL, &sum);
  json_array_foreach(phases, i, phase) {
    const char *path = json_string_value(json_object_get(phase, "name"));
    const double core_s = json_number_value(json_object_get(phase, "core_s"));
    for (size_t n = 0; path != NULL && names[n] != NULL; n++) {
      if (!is_under(path, names[n]))
        continue;
      cli_spent_read(phase, &one);
      one.core_seconds =
          (fr_measure){core_s, core_s, core_s, FR_UNIT_CORE_SECOND, FR_SOURCE_CLOCK};
      cli_spent_add(&sum, first, &one);
      first = false;
    }
  }
  return sum;
}

cli_spent cli_session_training(const cli_session *session) {
  static const char *const making[] = {"train", "validate", "choose",
                                       "prune", "quantize", "features",
                                       "head",  "refine",   NULL};
  return cli_session_phases(session, making);
}

/* The ledger knows what came after the newest checkpoint, unless the process was killed:
 * of the two, the one that was spent later is later. */
static void read_ledger(const cli_session *session, cli_spent *spent) {
  char *text = NULL;
  size_t size;
  cli_spent kept;
  if (session->ledger == NULL ||
      fr__file_read(session->ledger, LEDGER_CEILING, &text, &size, NULL) != FR_OK)
    return;
  if (read_spent(text, &kept) && kept.core_seconds.value > spent->core_seconds.value)
    *spent = kept;
  free(text);
}

void cli_session_keep_ledger(cli_session *session) {
  char *text = session->ledger != NULL ? cli_session_spent(session) : NULL;
  fr_error err;
  if (text != NULL && fr__file_write(session->ledger, text, strlen(text), &err) != FR_OK)
    cli_warn(&session->result, "what was spent is not kept for --resume: %s", err.text);
  free(text);
}

void cli_session_tell_earlier(cli_session *session, const fr_train_result *trained) {
  char joules[48] = "not known";
  if (session->earlier.duration_s > 0)
    cli_format_si(session->earlier.program.value, "J", joules, sizeof joules);
  fr__buf_printf(
      &session->text,
      "taken up       after step %zu%s; the program had spent %s before, which "
      "the figures below do not hold\n",
      trained->resumed_from,
      trained->resumed_from == trained->steps ? ", with nothing left to train" : "",
      joules);
}

void cli_session_resumed(cli_session *session, size_t steps, const char *note) {
  cli_spent spent;
  if (read_spent(note, &spent)) {
    read_ledger(session, &spent);
    session->earlier = spent;
    json_object_set_new(session->result.result, "earlier", cli_spent_json(&spent));
  } else {
    cli_warn(&session->result, "the checkpoint does not tell what was spent before it");
  }
  json_object_set_new(session->result.result, "resumed_from",
                      json_integer((json_int_t)steps));
  if (session->board != NULL)
    cli_tensorboard_resume(session->board, steps, session->earlier.program.value);
}
