/* SPDX-License-Identifier: Apache-2.0 */
/* frugal carbon footprint: what it found, as a table, in words and as JSON. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/iso8601.h"
#include "cli/carbon_footprint.h"
#include "report/table.h"

enum { NEAREST = 4 };

static void set(cli_result *result, const char *key, json_t *value) {
  json_object_set_new(result->result, key, value);
}

/* ---- JSON ---- */

static json_t *json_of_market(const cli_footprint_asked *a,
                              const cli_footprint_found *f) {
  return a->market != NULL ? cli_json_footprint(&f->contracted, &f->contracts)
                           : json_null();
}

static json_t *json_of_hardware(const cli_footprint_asked *a,
                                const cli_footprint_found *f) {
  const fr_hardware *h = &a->hardware;
  if (!fr_measure_known(f->embodied))
    return json_null();
  return json_pack("{s:o, s:f, s:f, s:f, s:f, s:o}", "whole",
                   cli_json_measure(h->embodied), "life_years", h->life_s / FR_YEAR_S,
                   "use", h->use, "share", h->share, "used_s", f->used_s, "grams",
                   cli_json_measure(f->embodied));
}

static json_t *json_of_keeping(const cli_footprint_asked *a,
                               const cli_footprint_found *f) {
  const fr_keeping *k = &f->keeping;
  if (!(a->keep_s > 0))
    return json_null();
  return json_pack("{s:f, s:o, s:o, s:o}", "longer_years", a->keep_s / FR_YEAR_S,
                   "before", cli_json_measure(k->before), "after",
                   cli_json_measure(k->after), "saved", cli_json_measure(k->saved));
}

static json_t *json_of_sci(const cli_footprint_asked *a, const cli_footprint_found *f) {
  const fr_sci *s = &f->sci;
  if (a->unit[0] == '\0')
    return json_null();
  json_t *unit = json_string(a->unit); /* NULL: not UTF-8 */
  return json_pack("{s:o, s:o, s:o, s:o, s:f, s:o, s:o}", "score",
                   cli_json_measure(s->score), "e", cli_json_measure(s->energy_j), "i",
                   cli_json_measure(s->grid), "m", cli_json_measure(s->embodied), "r",
                   s->units, "unit", unit != NULL ? unit : json_null(), "operated",
                   cli_json_measure(s->operated));
}

/* What was already offset, as it was told, and as a share of what was emitted. */
static json_t *json_of_offset(const cli_footprint_asked *a,
                              const cli_footprint_found *f) {
  const bool known = fr_measure_known(f->together) && f->together.value > 0;
  if (!fr_measure_known(a->offset))
    return json_null();
  return json_pack("{s:o, s:o}", "grams", cli_json_measure(a->offset), "share",
                   known ? json_real(a->offset.value / f->together.value) : json_null());
}

static json_t *json_of_price(const cli_footprint_asked *a, const cli_footprint_found *f) {
  const double tons = a->price * 1e-6;
  const fr_measure g = f->together;
  if (!(a->price > 0))
    return json_null();
  json_t *cost = fr_measure_known(g)
                     ? json_pack("{s:f, s:f, s:f}", "value", g.value * tons, "low",
                                 g.low * tons, "high", g.high * tons)
                     : json_null();
  return json_pack("{s:s, s:f, s:o}", "currency", a->currency, "per_t", a->price, "cost",
                   cost);
}

static void fill_result(const cli_footprint_asked *a, const cli_footprint_found *f,
                        cli_result *result) {
  int64_t from_s = 0, to_s = 0;
  (void)fr_load_span(&f->load, &from_s, &to_s);
  set(result, "verb", json_string("footprint"));
  set(result, "of", json_string(cli_of_name(a->of)));
  json_t *from = json_string(f->from); /* NULL: not UTF-8 */
  set(result, "energy_from", from != NULL ? from : json_null());
  set(result, "start", f->timed ? cli_json_time(from_s) : json_null());
  set(result, "end", f->timed ? cli_json_time(to_s) : json_null());
  set(result, "energy", cli_json_measure(f->located.energy));
  set(result, "location", cli_json_footprint(&f->located, &f->grid));
  set(result, "market", json_of_market(a, f));
  set(result, "embodied", json_of_hardware(a, f));
  set(result, "grams", cli_json_measure(f->together));
  set(result, "keeping", json_of_keeping(a, f));
  set(result, "sci", json_of_sci(a, f));
  set(result, "offset", json_of_offset(a, f));
  set(result, "offset_price", json_of_price(a, f));
  set(result, "equivalents", cli_json_likenesses(f->together, NEAREST));
}

/* ---- warnings ---- */

/* Kinds that differ where both are known. */
static bool differ(int a, int b) { return a != 0 && b != 0 && a != b; }

static void warn_of_scopes(const cli_footprint_asked *a, const cli_footprint_found *f,
                           cli_result *result) {
  const fr_scope grid = f->located.scope, market = f->contracted.scope;
  if (differ((int)a->factor, (int)grid.factor))
    cli_warn(result, "the intensity is a %s factor: its source has no other",
             grid.factor == FR_FACTOR_DIRECT ? "direct" : "life-cycle");
  if (grid.signal == FR_SIGNAL_MARGINAL)
    cli_warn(result,
             "the intensity is marginal: what one more kWh causes, not a share of "
             "what all cause; its grams are not to be added to those of an "
             "average one");
  if (grid.basis == FR_BASIS_MARKET)
    cli_warn(result, "--intensity tells contracts (market-based), not the grid: --market "
                     "shows those beside it");
  if (a->market != NULL && (differ((int)grid.factor, (int)market.factor) ||
                            differ((int)grid.signal, (int)market.signal)))
    cli_warn(result,
             "the grid's and the contracts' factors are not of one kind: the scope "
             "of each stands beside it");
  if (fr_measure_known(f->embodied) && grid.factor == FR_FACTOR_DIRECT)
    cli_warn(result,
             "the electricity is told by its direct factor, the hardware over its "
             "life-cycle: two kinds are added up");
}

static void warn(const cli_footprint_asked *a, const cli_footprint_found *f,
                 cli_result *result) {
  if (a->intensity == NULL)
    cli_warn(result,
             "grams are reckoned with the world's %.0f gCO2e/kWh; --intensity names a "
             "grid",
             f->located.intensity.value);
  cli_warn_of_footprint(&f->located, &f->grid, "the grid", result);
  if (a->market != NULL)
    cli_warn_of_footprint(&f->contracted, &f->contracts, "the contracts", result);
  warn_of_scopes(a, f, result);
  if (a->unit[0] != '\0' && !fr_measure_known(f->embodied))
    cli_warn(result, "the score is without the hardware (M): --embodied and --life tell "
                     "it, and ISO/IEC 21031 wants it");
}

/* ---- what was asked ---- */

static void add_asked(const cli_footprint_asked *a, const cli_footprint_found *f,
                      fr__buf *text) {
  char from[FR__LOCAL_TEXT], to[FR__LOCAL_TEXT], kwh[48];
  int64_t from_s = 0, to_s = 0;
  (void)fr_load_span(&f->load, &from_s, &to_s);
  cli_add_measure(text, "energy", f->located.energy, "");
  cli_format_kwh(f->located.energy.value, kwh, sizeof kwh);
  fr__buf_printf(text, "%-14s %s; %s\n", "", kwh, f->from);
  if (f->timed) {
    fr__time_format_local(from_s, from);
    fr__time_format_local(to_s, to);
    fr__buf_printf(text, "%-14s %s to %s\n", "spent", from, to);
  }
  cli_add_intensity(text, "intensity", &f->located, &f->grid);
  if (a->market != NULL)
    cli_add_intensity(text, "contracts", &f->contracted, &f->contracts);
}

/* ---- the table ---- */

static void add_row(fr__table *table, const char *what, fr_measure grams,
                    const char *how) {
  char value[48] = "not known", low[48] = "", high[48] = "";
  fr__table_add(table, what);
  if (!fr_measure_known(grams)) {
    fr__table_add(table, value);
    fr__table_add(table, "");
  } else {
    cli_format_grams(grams.value, value, sizeof value);
    cli_format_grams(grams.low, low, sizeof low);
    cli_format_grams(grams.high, high, sizeof high);
    fr__table_add(table, value);
    fr__table_addf(table, "%s to %s", low, high);
  }
  fr__table_add(table, how);
}

static void add_hardware(const cli_footprint_asked *a, const cli_footprint_found *f,
                         fr__table *table) {
  const fr_hardware *h = &a->hardware;
  char whole[48], used[32], how[160];
  cli_format_grams(h->embodied.value, whole, sizeof whole);
  cli_format_duration(f->used_s, used, sizeof used);
  (void)snprintf(how, sizeof how, "%s of the %.6g h that it is used in its life, of %s%s",
                 used, h->life_s * h->use / 3600, whole,
                 h->share < 1 ? ", the work's share of it" : "");
  add_row(table, "hardware's share", f->embodied, how);
  add_row(table, "together", f->together, "");
}

static enum fr_status add_grams(const cli_footprint_asked *a,
                                const cli_footprint_found *f, fr__buf *text,
                                fr_error *err) {
  fr__table table;
  fr__table_init(&table, NULL);
  fr__table_column_add(&table, "CO2e", FR__ALIGN_LEFT, true);
  fr__table_column_add(&table, "Value", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "Low to high", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "", FR__ALIGN_LEFT, true);
  add_row(&table, "electricity", f->located.grams,
          f->located.scope.basis == FR_BASIS_LOCATION ? "location-based: the grid's"
                                                      : "");
  if (a->market != NULL)
    add_row(&table, "(by contracts)", f->contracted.grams,
            "market-based: beside, in no sum");
  if (fr_measure_known(f->embodied))
    add_hardware(a, f, &table);
  if (fr_measure_known(a->offset))
    add_row(&table, "(already offset)", a->offset, "as told: not subtracted");
  fr__buf_add(text, "\n");
  const enum fr_status status = fr__table_render(&table, cli_columns(), text, err);
  fr__table_release(&table);
  return status;
}

/* ---- in words ---- */

/* What came of the hours it was spent in, where they differ. */
static void add_timing(const cli_footprint_found *f, fr__buf *words) {
  const fr_footprint *l = &f->located;
  if (!fr_measure_known(l->intensity) || !fr_measure_known(l->hours) ||
      !(l->hours.value > 0) || !fr_measure_known(l->grams) || l->gaps > 0)
    return;
  const double above = l->intensity.value / l->hours.value - 1;
  if (fabs(above) >= 0.001)
    fr__buf_printf(words,
                   "Spread evenly over the same hours it would have been %.1f %% %s. ",
                   100 * fabs(above / (1 + above)), above > 0 ? "less" : "more");
}

static void add_keeping(const cli_footprint_asked *a, const cli_footprint_found *f,
                        fr__buf *words) {
  char before[48], after[48], saved[48];
  const double life = a->hardware.life_s / FR_YEAR_S;
  if (!(a->keep_s > 0))
    return;
  cli_format_grams(f->keeping.before.value, before, sizeof before);
  cli_format_grams(f->keeping.after.value, after, sizeof after);
  cli_format_grams(f->keeping.saved.value, saved, sizeof saved);
  fr__buf_printf(words,
                 "Kept %.3g years in the place of %.3g, the making of the device falls "
                 "from %s to %s a year: each year %s less. ",
                 life + a->keep_s / FR_YEAR_S, life, before, after, saved);
}

static void add_offsets(const cli_footprint_asked *a, const cli_footprint_found *f,
                        fr__buf *words) {
  const fr_measure g = f->together;
  const double of_gram = a->price * 1e-6;
  char grams[48];
  if (!fr_measure_known(g))
    return;
  cli_format_grams(g.value, grams, sizeof grams);
  if (a->price > 0)
    fr__buf_printf(words,
                   "To offset all of it (%s) costs %.3g %s (%.3g to %.3g) at %.6g %s a "
                   "ton; it does not undo it. ",
                   grams, g.value * of_gram, a->currency, g.low * of_gram,
                   g.high * of_gram, a->price, a->currency);
  if (fr_measure_known(a->offset) && g.value > 0)
    fr__buf_printf(words,
                   "What was already offset is %.3g %% of it, and is not taken off. ",
                   100 * a->offset.value / g.value);
}

static void add_score(const cli_footprint_asked *a, const cli_footprint_found *f,
                      fr__buf *text) {
  const fr_sci *s = &f->sci;
  char score[48], e[48], m[48] = "not told", o[48];
  fr__buf line;
  if (a->unit[0] == '\0')
    return;
  if (!fr_measure_known(s->score)) {
    fr__buf_add(text, "\nSCI: not known, since the grams are not.\n");
    return;
  }
  fr__buf_init(&line, 0);
  cli_format_si(s->score.value, "gCO2e", score, sizeof score);
  cli_format_kwh(s->energy_j.value, e, sizeof e);
  cli_format_grams(s->operated.value, o, sizeof o);
  if (fr_measure_known(s->embodied))
    cli_format_grams(s->embodied.value, m, sizeof m);
  fr__buf_printf(
      &line,
      "SCI: %s per %s (ISO/IEC 21031: (E × I + M) per R), of E %s with the PUE, I "
      "%.4g gCO2e/kWh, E × I %s, M %s, R %.10g × %s. Its boundary: the energy "
      "above and the device told; networks, storage and other machines are "
      "not in it.",
      score, a->unit, e, s->grid.value, o, m, s->units, a->unit);
  fr__buf_add(text, "\n");
  fr__text_wrap(text, fr__buf_text(&line), cli_columns(), 0);
  fr__buf_release(&line);
}

static void add_words(const cli_footprint_asked *a, const cli_footprint_found *f,
                      cli_result *result, fr__buf *text) {
  fr__buf words;
  fr__buf_init(&words, 0);
  add_timing(f, &words);
  add_keeping(a, f, &words);
  add_offsets(a, f, &words);
  const char *said = fr__buf_text(&words);
  const size_t length = strlen(said);
  set(result, "words", json_stringn(said, length > 0 ? length - 1 : 0));
  if (length > 0) {
    fr__buf_add(text, "\n");
    fr__text_wrap(text, said, cli_columns(), 0);
  }
  fr__buf_release(&words);
}

enum fr_status cli_footprint_tell(const cli_footprint_asked *asked,
                                  const cli_footprint_found *found, cli_result *result,
                                  fr__buf *text, fr_error *err) {
  char amount[48], caption[96];
  const fr_measure g = found->together;
  add_asked(asked, found, text);
  fill_result(asked, found, result);
  warn(asked, found, result);
  enum fr_status status = add_grams(asked, found, text, err);
  add_score(asked, found, text);
  add_words(asked, found, result, text);
  cli_format_grams(g.value, amount, sizeof amount);
  (void)snprintf(caption, sizeof caption, "%s are as much as", amount);
  if (status == FR_OK && fr_measure_known(g))
    status = cli_add_likenesses(g.value, NEAREST, caption, text, err);
  return status;
}
