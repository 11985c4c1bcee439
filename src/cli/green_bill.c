/* SPDX-License-Identifier: Apache-2.0 */
/* What a green run cost: energy over its pieces times the intensity of their hours,
 * beside the same energy from the moment on that it was asked for. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/green.h"
#include "cli/grams.h"
#include "cli/when.h"
#include "frugal/footprint.h"

#define NS_PER_S 1e9

typedef struct bill {
  fr_series intensity; /* as it was, else as it was expected; owned */
  fr_load real, at_once;
  fr_measure energy;
  bool measured;
  double worked_s;
  fr_footprint footprint, now;
  bool known, now_known;
} bill;

/* ---- intensity ---- */

/* What was expected stands where nothing is known of what was. */
static enum fr_status fill_gaps(fr_series *was, const fr_series *told, int64_t from_s,
                                int64_t to_s, fr_error *err) {
  fr_series joined = {0};
  enum fr_status status = FR_OK;
  int64_t at_s = from_s, gap_s, gap_end_s;
  while (status == FR_OK && at_s < to_s &&
         fr_series_gap(was, at_s, to_s, &gap_s, &gap_end_s)) {
    if (gap_s > at_s)
      status = fr_series_take(&joined, was, at_s, gap_s, err);
    if (status == FR_OK)
      status = fr_series_take(&joined, told, gap_s, gap_end_s, err);
    at_s = gap_end_s;
  }
  if (status == FR_OK && at_s < to_s)
    status = fr_series_take(&joined, was, at_s, to_s, err);
  if (status != FR_OK) {
    fr_series_release(&joined);
    return status;
  }
  fr_series_release(was);
  *was = joined;
  return FR_OK;
}

static enum fr_status read_intensity(const cli_green *g, bill *b, int64_t end_s,
                                     fr_error *err) {
  const cli_planning_options *plan = &g->options->plan;
  const int64_t from_s = g->state.begun_s - 3600;
  const fr_intensity_query query = {.now_s = end_s,
                                    .from_s = from_s,
                                    .to_s = end_s + 1,
                                    .perfect = plan->foresight == CLI_FORESIGHT_PERFECT,
                                    .offline = plan->offline,
                                    .factor = plan->factor};
  const char *spec = plan->intensity != NULL ? plan->intensity : "table:world";
  const enum fr_status status = fr_intensity_read(spec, &query, &b->intensity, err);
  return status == FR_OK ? fill_gaps(&b->intensity, &g->told, from_s, end_s + 1, err)
                         : status;
}

/* ---- energy ---- */

static int64_t ns_of(double t_s) { return (int64_t)(t_s * NS_PER_S); }

static enum fr_status add_part(bill *b, const cli_green_part *part, fr_measure energy,
                               fr_error *err) {
  const int64_t start_ns = ns_of(part->start_s), end_ns = ns_of(part->end_s);
  return end_ns > start_ns ? fr_load_even(&b->real, energy, start_ns, end_ns, err)
                           : FR_OK;
}

/* J and s of the parts that were measured. */
static fr_measure measured_j(const cli_green *g, double *worked_s) {
  fr_measure sum = fr_measure_absent(FR_UNIT_JOULE);
  *worked_s = 0;
  for (size_t i = 0; i < g->state.count; i++) {
    const cli_green_part *part = &g->state.part[i];
    if (!fr_measure_known(part->energy))
      continue;
    sum = *worked_s > 0 ? fr_measure_add(sum, part->energy) : part->energy;
    *worked_s += part->worked_s;
  }
  return sum;
}

/* As measured; what was cut off before it was read like the rest; without any
 * measurement as was told, by the time that it worked. */
static enum fr_status load_parts(cli_green *g, bill *b, fr_error *err) {
  double measured_s;
  fr_measure pattern = measured_j(g, &measured_s);
  enum fr_status status = FR_OK;
  b->measured = measured_s > 0;
  for (size_t i = 0; i < g->state.count; i++)
    b->worked_s += g->state.part[i].worked_s;
  if (!b->measured && !g->energy_known)
    return FR_OK;
  const double pattern_s = b->measured ? measured_s : g->state.duration_s;
  pattern = b->measured ? pattern : g->whole.energy_j;
  for (size_t i = 0; status == FR_OK && i < g->state.count; i++) {
    const cli_green_part *part = &g->state.part[i];
    const fr_measure like =
        fr_measure_scale(pattern, part->worked_s / pattern_s, FR_UNIT_JOULE);
    const fr_measure energy = fr_measure_known(part->energy) ? part->energy : like;
    status = add_part(b, part, energy, err);
    b->energy = i == 0 ? energy : fr_measure_add(b->energy, energy);
  }
  if (b->measured && measured_s < 0.999 * b->worked_s)
    cli_warn(&g->result,
             "%.0f s of work were cut off before their energy was read: they count like "
             "the rest",
             b->worked_s - measured_s);
  return status;
}

static enum fr_status reckon(cli_green *g, bill *b, fr_error *err) {
  const int64_t begun_ns = g->state.begun_s * (int64_t)NS_PER_S;
  enum fr_status status = load_parts(g, b, err);
  if (status != FR_OK || b->real.count == 0 || !(b->worked_s > 0))
    return status;
  status =
      fr_load_even(&b->at_once, b->energy, begun_ns, begun_ns + ns_of(b->worked_s), err);
  if (status == FR_OK)
    status = fr_footprint_reckon(&b->real, &b->intensity, g->pue, FR_FILL_LAST,
                                 &b->footprint, err);
  b->known = status == FR_OK;
  if (status == FR_OK)
    status = fr_footprint_reckon(&b->at_once, &b->intensity, g->pue, FR_FILL_LAST,
                                 &b->now, err);
  b->now_known = status == FR_OK;
  return status;
}

/* ---- telling ---- */

static json_t *grams_or_null(bool known, fr_measure grams) {
  return known ? cli_json_measure(grams) : json_null();
}

static void set_keys(const cli_green *g, const bill *b, int code, int64_t end_s,
                     json_t *result) {
  json_t *pieces = json_array();
  const fr_measure absent = fr_measure_absent(FR_UNIT_GRAM_CO2E);
  const bool met = code == 0 && end_s <= g->state.deadline_s;
  (void)cli_green_pieces(&g->state, pieces);
  json_object_set_new(result, "id", json_string(g->state.id));
  json_object_set_new(result, "pieces", pieces);
  json_object_set_new(result, "asked", cli_json_time(g->state.begun_s));
  json_object_set_new(result, "deadline", cli_json_time(g->state.deadline_s));
  json_object_set_new(result, "deadline_met", json_boolean(met));
  json_object_set_new(result, "taken_up", json_boolean(g->state.found));
  json_object_set_new(result, "exit_code", json_integer(code));
  json_object_set_new(result, "duration_s", json_real(b->worked_s));
  json_object_set_new(result, "waited_s", json_integer((json_int_t)g->waited_s));
  json_object_set_new(result, "paused_s", json_integer((json_int_t)g->paused_s));
  json_object_set_new(result, "pauses", json_integer((json_int_t)g->pauses));
  json_object_set_new(result, "energy", cli_json_measure(b->energy));
  json_object_set_new(result, "energy_measured", json_boolean(b->measured));
  json_object_set_new(result, "pue", json_real(g->pue));
  json_object_set_new(result, "grams",
                      grams_or_null(b->known, b->known ? b->footprint.grams : absent));
  json_object_set_new(result, "forecast_share",
                      b->known ? json_real(b->footprint.forecast + b->footprint.gaps)
                               : json_null());
  json_object_set_new(
      result, "now",
      json_pack("{s:o, s:o}", "grams",
                grams_or_null(b->now_known, b->now_known ? b->now.grams : absent),
                "forecast", grams_or_null(g->planned && g->energy_known, g->now_grams)));
  json_object_set_new(
      result, "planned",
      json_pack("{s:o, s:s}", "grams",
                grams_or_null(g->planned && g->energy_known, g->planned_grams), "advice",
                g->why));
  json_object_set_new(
      result, "intensity",
      cli_json_scope(b->intensity.zone, b->intensity.scope, b->intensity.origin));
}

static void add_piece(const json_t *piece, fr__buf *text) {
  const char *start = json_string_value(json_object_get(piece, "start"));
  char span[48];
  cli_format_duration(json_number_value(json_object_get(piece, "duration_s")), span,
                      sizeof span);
  fr__buf_printf(text, "%-14s from %s for %s%s\n", "", start, span,
                 json_is_true(json_object_get(piece, "lost")) ? ", lost" : "");
}

static void add_work(const cli_green *g, const bill *b, const json_t *pieces,
                     fr__buf *text) {
  char worked[48], waited[48], paused[48];
  const size_t count = json_array_size(pieces);
  if (count == 0) {
    cli_span_format(g->waited_s, waited, sizeof waited);
    fr__buf_printf(text, "%-14s nothing; waited %s\n", "worked", waited);
    return;
  }
  cli_format_duration(b->worked_s, worked, sizeof worked);
  cli_format_duration((double)g->waited_s, waited, sizeof waited);
  cli_format_duration((double)g->paused_s, paused, sizeof paused);
  fr__buf_printf(text, "%-14s %s in %zu piece%s; waited %s, paused %s\n", "worked",
                 worked, count, count == 1 ? "" : "s", waited, paused);
  for (size_t i = 0; count > 1 && i < count && i < 24; i++)
    add_piece(json_array_get(pieces, i), text);
  if (count > 24)
    fr__buf_printf(text, "%-14s and %zu more\n", "", count - 24);
}

static void add_comparison(const bill *b, fr__buf *text) {
  char grams[48];
  if (!b->known || !b->now_known)
    return;
  const double ours = b->footprint.grams.value, theirs = b->now.grams.value;
  cli_format_grams(theirs, grams, sizeof grams);
  fr__buf_printf(text, "%-14s %s: %s%.1f %%%s\n", "at once", grams,
                 theirs >= ours ? "" : "-",
                 theirs > 0 ? 100 * fabs(theirs - ours) / theirs : 0,
                 b->footprint.forecast + b->footprint.gaps > 0
                     ? " saved, as far as the grid's figures are known"
                     : " saved");
}

static void add_deadline(const cli_green *g, int code, int64_t end_s, fr__buf *text) {
  char when_it_is[CLI_WHEN_TEXT], span[48];
  const int64_t early_s = g->state.deadline_s - end_s;
  cli_when_format(g->state.deadline_s, true, when_it_is);
  cli_span_format(early_s >= 0 ? early_s : -early_s, span, sizeof span);
  fr__buf_printf(text, "%-14s %s: %s, %s %s\n", "deadline", when_it_is,
                 code != 0      ? "not done"
                 : early_s >= 0 ? "met"
                                : "missed",
                 span, early_s >= 0 ? "before it" : "after it");
}

enum fr_status cli_green_bill(cli_green *green, int code, int64_t end_s, fr__buf *text,
                              fr_error *err) {
  bill b = {.energy = fr_measure_absent(FR_UNIT_JOULE)};
  enum fr_status status = read_intensity(green, &b, end_s, err);
  if (status == FR_OK)
    status = reckon(green, &b, err);
  json_t *result = green->result.result;
  set_keys(green, &b, code, end_s, result);
  add_work(green, &b, json_object_get(result, "pieces"), text);
  if (green->state.count > 0)
    cli_add_measure(text, "machine", b.energy, "");
  if (b.known)
    cli_add_grams(text, "grams", b.footprint.grams, "");
  add_comparison(&b, text);
  add_deadline(green, code, end_s, text);
  fr_load_release(&b.real);
  fr_load_release(&b.at_once);
  fr_series_release(&b.intensity);
  return status;
}
