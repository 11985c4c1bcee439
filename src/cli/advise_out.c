/* SPDX-License-Identifier: Apache-2.0 */
/* An advice in a few lines, and as JSON. */
#include "cli/advise.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/format.h"
#include "report/table.h"

#define TERM 13 /* columns that the first word of a line has */
#define JOULES_PER_KWH 3.6e6

/* ---- words ---- */

static fr__figure figure_of(const fr_interval *x, const char *unit) {
  return (fr__figure){.known = x->n > 0 && isfinite(x->mean),
                      .interval = x->n > 1,
                      .value = x->mean,
                      .low = x->low,
                      .high = x->high,
                      .unit = unit,
                      .source = ""};
}

static void add_figure(fr__buf *out, const fr_interval *x, const char *unit) {
  char text[2 * FR__TEXT];
  const fr__figure f = figure_of(x, unit);
  const fr__number_text number = fr__format_figure(&f);
  fr__format_join(&number, text);
  fr__buf_add(out, text);
}

static void add_share(fr__buf *out, const fr_interval *x) {
  char text[2 * FR__TEXT];
  const fr__figure f = figure_of(x, "");
  const fr__number_text number = fr__format_share(&f);
  fr__format_join(&number, text);
  fr__buf_add(out, text);
}

static void add_count(fr__buf *out, double count) {
  char text[FR__TEXT];
  const double step = count >= 1000 ? pow(10, floor(log10(count)) - 2) : 0;
  fr__format_count(step >= 1 ? round(count / step) * step : count, text);
  fr__buf_add(out, text);
}

static const char *mechanism_of(const fr_advice_way *way) {
  return strcmp(way->mechanism, "scratch") == 0 ? "plain training" : way->mechanism;
}

static void add_way(fr__buf *out, const fr_advice_way *way) {
  fr__buf_printf(out, "%s, %s, %s", way->network, mechanism_of(way),
                 way->precision[0] != '\0' ? way->precision : "precision not told");
}

static const char *metric_of(const cli_advice_asked *asked) {
  return asked->options.metric == FR_ADVISE_ACCURACY ? "accuracy" : "macro-F1";
}

/* The text under a term, later lines indented below it. */
static void put(fr__buf *out, size_t columns, const char *term, const fr__buf *text) {
  fr__buf body;
  fr__buf_init(&body, 0);
  fr__text_wrap(&body, fr__buf_text(text), columns, TERM);
  fr__buf_printf(out, "%-*s%s", TERM, term, fr__buf_text(&body) + TERM);
  if (out->status == FR_OK)
    out->status = body.status;
  fr__buf_release(&body);
}

/* ---- lines ---- */

static void add_reached(fr__buf *text, const cli_advice_asked *asked,
                        const fr_advice_way *way) {
  fr__buf_printf(text, "%s ", metric_of(asked));
  add_share(text, &way->reached);
  fr__buf_add(text, " on the test side");
  if (way->validated.n > 0) {
    fr__buf_add(text, ", ");
    add_share(text, &way->validated);
    fr__buf_add(text, " on the validation side");
  }
}

static void add_costs(fr__buf *text, const fr_advice_way *way) {
  fr__buf_add(text, "training ");
  add_figure(text, &way->train_j, "J");
  if (way->before_j.mean > 0) {
    fr__buf_add(text, ", before it ");
    add_figure(text, &way->before_j, "J");
  }
  fr__buf_add(text, ", a test ");
  add_figure(text, &way->test_j, "J");
}

static void put_way(fr__buf *out, size_t columns, const char *term,
                    const cli_advice_asked *asked, const fr_advice_way *way) {
  fr__buf text;
  fr__buf_init(&text, 0);
  add_way(&text, way);
  fr__buf_add(&text, ": ");
  add_figure(&text, &way->life_j, "J");
  fr__buf_add(&text, " over its life; ");
  add_costs(&text, way);
  fr__buf_add(&text, "; ");
  add_reached(&text, asked, way);
  fr__buf_printf(&text, "; %zu %s", way->n, way->n == 1 ? "seed" : "seeds");
  put(out, columns, term, &text);
  fr__buf_release(&text);
}

static fr_interval more_of(const fr_interval *ratio) {
  fr_interval more = *ratio;
  more.mean -= 1;
  more.low -= 1;
  more.high -= 1;
  return more;
}

static void put_second(fr__buf *out, size_t columns, const cli_advice_asked *asked,
                       const fr_advice *a) {
  fr__buf text;
  fr__buf_init(&text, 0);
  if (a->reaching < 2) {
    fr__buf_add(&text, "none: nothing else that was measured reaches it");
  } else {
    const fr_advice_way *way = &a->way[1];
    add_way(&text, way);
    fr__buf_add(&text, ": ");
    add_figure(&text, &way->life_j, "J");
    if (a->apart.n > 0) {
      const fr_interval more = more_of(&a->apart);
      fr__buf_add(&text, ", ");
      add_share(&text, &more);
      fr__buf_add(&text, " more, which is ");
    }
    fr__buf_add(&text, a->apart.n == 0  ? ", of other seeds: not compared in pairs"
                       : a->apart.n < 2 ? "of one seed: it may be chance"
                       : a->beyond      ? "beyond the interval"
                                   : "within the interval: the two cannot be told apart");
    fr__buf_add(&text, "; ");
    add_reached(&text, asked, way);
  }
  put(out, columns, "Runner-up", &text);
  fr__buf_release(&text);
}

static void put_range(fr__buf *out, size_t columns, const cli_advice_asked *asked,
                      const fr_advice *a) {
  const double days = asked->life_days;
  fr__buf text;
  fr__buf_init(&text, 0);
  if (a->below == SIZE_MAX && a->above == SIZE_MAX)
    fr__buf_add(&text, "on nothing: it costs the least however often it is asked");
  if (a->above != SIZE_MAX) {
    fr__buf_add(&text, "from ");
    add_count(&text, a->to_tests / days);
    fr__buf_add(&text, " tests a day on ");
    add_way(&text, &a->way[a->above]);
    fr__buf_add(&text, " costs less");
  }
  if (a->below != SIZE_MAX) {
    fr__buf_add(&text, a->above != SIZE_MAX ? "; below " : "below ");
    add_count(&text, a->from_tests / days);
    fr__buf_add(&text, " tests a day ");
    add_way(&text, &a->way[a->below]);
    fr__buf_add(&text, a->above != SIZE_MAX ? " does" : " costs less");
  }
  put(out, columns, "It hangs", &text);
  fr__buf_release(&text);
}

static fr_interval grams_of(const cli_advice_asked *asked, const fr_interval *joules) {
  const double factor = asked->intensity.g_per_kwh.value * asked->pue / JOULES_PER_KWH;
  return (fr_interval){joules->mean * factor, joules->low * factor, joules->high * factor,
                       joules->n};
}

static void put_grams(fr__buf *out, size_t columns, const cli_advice_asked *asked,
                      const fr_advice_way *way) {
  fr__buf text;
  const fr_interval grams = grams_of(asked, &way->life_j);
  fr__buf_init(&text, 0);
  add_figure(&text, &grams, "gCO2e");
  fr__buf_printf(&text, " at %.4g g CO₂e/kWh (%s), PUE %g",
                 asked->intensity.g_per_kwh.value, asked->intensity.zone, asked->pue);
  put(out, columns, "Footprint", &text);
  fr__buf_release(&text);
}

static void put_basis(fr__buf *out, size_t columns, const cli_advice_asked *asked,
                      const fr_advice *a) {
  fr__buf text;
  fr__buf_init(&text, 0);
  fr__buf_printf(&text,
                 "%zu runs of %zu ways (%zu reach it) in %zu %s on %s, energy of "
                 "the program %s%s",
                 a->runs, a->ways, a->reaching, a->studies,
                 a->studies == 1 ? "study" : "studies", a->cpu,
                 strcmp(a->sensor, "model") == 0 ? "modelled" : "measured by ",
                 strcmp(a->sensor, "model") == 0 ? "" : a->sensor);
  const json_t *spent = json_object_get(asked->budget, "spent_j");
  if (asked->budget != NULL && json_is_number(spent))
    fr__buf_printf(
        &text, "; %.4g J spent just now, %lld runs of the matrix not made",
        json_number_value(spent),
        (long long)json_integer_value(json_object_get(asked->budget, "not_run")));
  put(out, columns, "Known from", &text);
  fr__buf_release(&text);
}

static void put_asked(fr__buf *out, size_t columns, const cli_advice_asked *asked) {
  fr__buf text;
  fr__buf_init(&text, 0);
  fr__buf_printf(&text, "%s of at least %.4g %%, ", metric_of(asked),
                 100 * asked->options.reach);
  add_count(&text, asked->tests_per_day);
  char tests[FR__TEXT];
  fr__format_count(asked->options.tests, tests);
  fr__buf_printf(&text, " tests a day for %.4g days: %s tests", asked->life_days, tests);
  put(out, columns, "Asked", &text);
  fr__buf_release(&text);
}

void cli_advice_text(const cli_advice_asked *asked, const fr_advice *a, size_t columns,
                     fr__buf *out) {
  put_asked(out, columns, asked);
  if (a->reaching > 0) {
    put_way(out, columns, "Least", asked, &a->way[0]);
    put_second(out, columns, asked, a);
    put_range(out, columns, asked, a);
    put_grams(out, columns, asked, &a->way[0]);
  } else {
    fr__buf text;
    fr__buf_init(&text, 0);
    fr__buf_add(&text, "nothing that was measured reaches it");
    put(out, columns, "Least", &text);
    fr__buf_release(&text);
    put_way(out, columns, "Nearest", asked, &a->way[0]);
  }
  put_basis(out, columns, asked, a);
}

/* ---- JSON ---- */

static json_t *measure(const fr_interval *x, enum fr_unit unit, const char *sensor) {
  fr_measure m = {x->mean, x->low, x->high, unit, FR_SOURCE_NONE};
  if (x->n > 0 && isfinite(x->mean))
    fr_source_parse(sensor, &m.source);
  return cli_json_measure(m);
}

static json_t *json_of_way(const fr_advice *a, const fr_advice_way *way) {
  const char *counted = fr_source_name(FR_SOURCE_COUNT);
  json_t *to =
      json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:b}", "network", way->network,
                "mechanism", way->mechanism, "precision", way->precision, "architecture",
                way->architecture, "cell", way->cell, "study", (json_int_t)way->study,
                "n", (json_int_t)way->n, "reaches", way->reaches);
  json_object_set_new(to, "life", measure(&way->life_j, FR_UNIT_JOULE, a->sensor));
  json_object_set_new(to, "train", measure(&way->train_j, FR_UNIT_JOULE, a->sensor));
  json_object_set_new(to, "before", measure(&way->before_j, FR_UNIT_JOULE, a->sensor));
  json_object_set_new(to, "test", measure(&way->test_j, FR_UNIT_JOULE, a->sensor));
  json_object_set_new(to, "reached", measure(&way->reached, FR_UNIT_NONE, counted));
  json_object_set_new(to, "validated", measure(&way->validated, FR_UNIT_NONE, counted));
  json_object_set_new(to, "parameters", cli_json_number(way->parameters));
  json_object_set_new(to, "operations", cli_json_number(way->operations));
  json_object_set_new(to, "bytes", cli_json_number(way->bytes));
  return to;
}

static json_t *way_or_null(const fr_advice *a, size_t i, bool there) {
  return there ? json_of_way(a, &a->way[i]) : json_null();
}

static void write_asked(const cli_advice_asked *asked, json_t *to) {
  const fr_advise_options *o = &asked->options;
  json_object_set_new(to, "asked",
                      json_pack("{s:s, s:s, s:f, s:f, s:f, s:f, s:I}", "data", o->data,
                                "metric", fr_advise_metric_name(o->metric), "reach",
                                o->reach, "tests_per_day", asked->tests_per_day, "life_d",
                                asked->life_days, "tests", o->tests, "tasks",
                                (json_int_t)(o->tasks != 0 ? o->tasks : 1)));
}

static void write_range(const cli_advice_asked *asked, const fr_advice *a, json_t *to) {
  const double days = asked->life_days;
  json_t *stays = json_object();
  json_object_set_new(stays, "from_tests_per_day", cli_json_number(a->from_tests / days));
  json_object_set_new(stays, "to_tests_per_day", cli_json_number(a->to_tests / days));
  json_object_set_new(stays, "below", way_or_null(a, a->below, a->below != SIZE_MAX));
  json_object_set_new(stays, "above", way_or_null(a, a->above, a->above != SIZE_MAX));
  json_object_set_new(to, "stays", stays);
  json_t *ratio = json_null();
  if (a->apart.n > 0) {
    ratio = json_object();
    json_object_set_new(ratio, "value", cli_json_number(a->apart.mean));
    json_object_set_new(ratio, "low", cli_json_number(a->apart.low));
    json_object_set_new(ratio, "high", cli_json_number(a->apart.high));
    json_object_set_new(ratio, "n", json_integer((json_int_t)a->apart.n));
    json_object_set_new(ratio, "beyond", json_boolean(a->beyond));
  }
  json_object_set_new(to, "ratio", ratio);
}

static void warn(const cli_advice_asked *asked, const fr_advice *a, cli_result *result) {
  const fr_advice_way *way = &a->way[0];
  if (strcmp(a->sensor, "model") == 0)
    cli_warn(result, "energy is modelled from busy core-seconds: joules may be off by a "
                     "factor that all ways share");
  if (!a->here)
    cli_warn(result,
             "the figures are of another processor (%s); --budget 2kJ measures "
             "this one",
             a->cpu);
  if (a->elsewhere > 0)
    cli_warn(result, "%zu runs of another processor or sensor are left out",
             a->elsewhere);
  if (way->n < 2)
    cli_warn(result, "one seed has no interval: --budget 2kJ repeats it");
  if (asked->options.reach > 0 && a->reaching > 0 &&
      way->reached.low < asked->options.reach && way->reached.n > 1)
    cli_warn(result, "the interval of its %s reaches below what is asked: %.3g %%",
             metric_of(asked), 100 * way->reached.low);
}

void cli_advice_result(const cli_advice_asked *asked, const fr_advice *a,
                       cli_result *result) {
  json_t *to = result->result, *ways = json_array();
  write_asked(asked, to);
  json_object_set_new(to, "choice", way_or_null(a, 0, a->reaching > 0));
  json_object_set_new(to, "runner_up", way_or_null(a, 1, a->reaching > 1));
  json_object_set_new(to, "nearest", way_or_null(a, 0, a->reaching == 0));
  write_range(asked, a, to);
  for (size_t i = 0; i < a->ways; i++)
    json_array_append_new(ways, json_of_way(a, &a->way[i]));
  json_object_set_new(to, "ways", ways);
  const fr_interval grams = grams_of(asked, &a->way[0].life_j);
  json_object_set_new(to, "grams", measure(&grams, FR_UNIT_GRAM_CO2E, a->sensor));
  json_object_set_new(to, "intensity", cli_json_measure(asked->intensity.g_per_kwh));
  json_object_set_new(to, "pue", json_real(asked->pue));
  json_object_set_new(
      to, "machine",
      json_pack("{s:s, s:s, s:b}", "cpu", a->cpu, "source", a->sensor, "here", a->here));
  json_object_set_new(to, "studies", json_integer((json_int_t)a->studies));
  json_object_set_new(to, "runs", json_integer((json_int_t)a->runs));
  json_object_set_new(to, "left_out",
                      json_pack("{s:I, s:I}", "machine", (json_int_t)a->elsewhere,
                                "question", (json_int_t)a->otherwise));
  json_object_set_new(to, "study",
                      asked->study != 0 ? json_integer((json_int_t)asked->study)
                                        : json_null());
  if (asked->budget != NULL)
    json_object_set(to, "budget", asked->budget);
  warn(asked, a, result);
}
