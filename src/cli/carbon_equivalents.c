/* SPDX-License-Identifier: Apache-2.0 */
/* frugal carbon equivalents [AMOUNT]: what grams, or an energy's, are like. */
#include <math.h>

#include "base/error.h"
#include "cli/amount.h"
#include "cli/carbon.h"
#include "cli/grams.h"
#include "report/table.h"

typedef struct asked {
  cli_output output;
  const char *amount; /* NULL: the list */
  const char *intensity;
} asked;

enum { KEY_INTENSITY = 1 };

static const struct argp_option options[] = {
    {"intensity", KEY_INTENSITY, "SPEC", 0,
     "of the grid, where AMOUNT is an energy (default table:world)", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
  asked *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[0] = &a->output; return 0;
  case KEY_INTENSITY: a->intensity = text; return 0;
  case ARGP_KEY_ARG:
    if (state->arg_num > 0)
      argp_error(state, "'%s' is one word too many", text);
    a->amount = text;
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {{&cli_output_argp, 0, "Output:", 90}, {0}};
static const struct argp argp = {
    options,
    parse,
    "[AMOUNT]",
    "What grams of CO2 are like: a table of things that people know, each with its "
    "source; with AMOUNT (2kg, 1.5t, or an energy: 500J, 2kWh) how many of each it is, "
    "the nearest to one first.",
    children,
    NULL,
    NULL};

/* The whole table, in order of grams. */
static enum fr_status list_all(cli_result *result, fr__buf *text, fr_error *err) {
  size_t count;
  char grams[48];
  fr__table table;
  const fr_likeness *all = fr_likenesses(&count);
  json_t *list = json_array();
  fr__table_init(&table, NULL);
  fr__table_column_add(&table, "CO2e", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "", FR__ALIGN_LEFT, true);
  fr__table_column_add(&table, "Source", FR__ALIGN_LEFT, true);
  for (size_t i = 0; i < count; i++) {
    cli_format_grams(all[i].grams, grams, sizeof grams);
    fr__table_add(&table, grams);
    fr__table_add(&table, all[i].one);
    fr__table_add(&table, all[i].source);
    json_array_append_new(list, json_pack("{s:s, s:f, s:b, s:s}", "name", all[i].one,
                                          "grams", all[i].grams, "taken_up",
                                          all[i].taken_up, "source", all[i].source));
  }
  json_object_set_new(result->result, "equivalents", list);
  const enum fr_status status = fr__table_render(&table, cli_columns(), text, err);
  fr__table_release(&table);
  return status;
}

/* Grams as told, or those of an energy. */
static enum fr_status find_grams(const asked *a, cli_result *result, fr_measure *grams,
                                 fr__buf *text, fr_error *err) {
  fr_measure energy;
  fr_intensity at;
  const char *spec = a->intensity != NULL ? a->intensity : "table:world";
  const bool is_grams = cli_amount_grams(a->amount, grams);
  if (is_grams && a->intensity != NULL)
    return fr__fail(err, FR_ERR_ARGUMENT, "--intensity is of an energy, not of '%s'",
                    a->amount);
  if (is_grams)
    return FR_OK;
  if (!cli_amount_energy(a->amount, &energy))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "'%.64s' is neither grams (2kg, 1.5t) nor an energy (500J, 2kWh)",
                    a->amount);
  const enum fr_status status = fr_intensity_find(spec, &at, err);
  if (status != FR_OK)
    return status;
  *grams = fr_carbon_grams(energy, &at, 1);
  fr__buf_printf(text, "%-14s %.4g gCO2e/kWh: %s\n", "intensity", at.g_per_kwh.value,
                 at.zone);
  json_object_set_new(result->result, "energy", cli_json_measure(energy));
  json_object_set_new(result->result, "grid",
                      cli_json_scope(at.zone, at.scope, at.origin));
  if (a->intensity == NULL)
    cli_warn(result,
             "reckoned with the world's %.0f gCO2e/kWh; --intensity table:ZONE "
             "names a grid",
             at.g_per_kwh.value);
  return FR_OK;
}

static enum fr_status liken(const asked *a, cli_result *result, fr__buf *text,
                            fr_error *err) {
  fr_measure grams;
  char caption[96], amount[48];
  const enum fr_status status = find_grams(a, result, &grams, text, err);
  if (status != FR_OK)
    return status;
  if (!isfinite(grams.value))
    return fr__fail(err, FR_ERR_ARGUMENT, "'%.64s' is too much", a->amount);
  cli_format_grams(grams.value, amount, sizeof amount);
  (void)snprintf(caption, sizeof caption, "%s are as much as", amount);
  json_object_set_new(result->result, "grams", cli_json_measure(grams));
  json_object_set_new(result->result, "equivalents",
                      cli_json_likenesses(grams, CLI_LIKENESSES_ALL));
  return cli_add_likenesses(grams.value, CLI_LIKENESSES_ALL, caption, text, err);
}

int cli_carbon_equivalents(int argc, char **argv) {
  asked a = {0};
  argp_parse(&argp, argc, argv, 0, NULL, &a);
  fr_error err = {0};
  cli_result result;
  fr__buf text;
  cli_result_init(&result, "carbon");
  fr__buf_init(&text, 0);
  json_object_set_new(result.result, "verb", json_string("equivalents"));
  enum fr_status status = cli_check_writable(a.output.json, &err);
  if (status == FR_OK)
    status = a.amount != NULL ? liken(&a, &result, &text, &err)
                              : list_all(&result, &text, &err);
  const int code = status == FR_OK
                       ? cli_result_print(&result, &a.output, fr__buf_text(&text))
                       : cli_fail(&err);
  fr__buf_release(&text);
  cli_result_release(&result);
  return code;
}
