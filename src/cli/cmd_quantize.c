/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "adapt/prune_mask.h"
#include "base/error.h"
#include "cli/compare.h"
#include "cli/training.h"
#include "report/table.h"

enum { KEY_TO = 1, KEY_WITHIN };

#define SEED_OF_MODEL UINT64_MAX /* nobody said which */
#define SPARSE_PART 10           /* one weight in so many is 0: not by chance */
#define WITHIN 0.5               /* points */
#define AS_CHEAP 1.1             /* times the least cost: as good as it */

typedef struct quantize {
  cli_output output;
  cli_input input;
  cli_training training;
  enum fr_scheme to;
  bool automatic, to_told, within_told;
  double within; /* points of accuracy */
  size_t epochs; /* of int8-aware; 0: not told */
  const char *source;
} quantize;

static const struct argp_option options[] = {
    {"to", KEY_TO, "SCHEME", 0,
     "bf16, f16, int8-dynamic, int8, int8-aware; or auto: the cheapest of them, and of "
     "float32, on the validation side",
     0},
    {"within", KEY_WITHIN, "POINTS", 0,
     "auto: of accuracy that may be lost on the validation side (default 0.5)", 0},
    {"output", 'o', "MODEL", 0, "write the quantized model there (safetensors)", 0},
    {0},
};

static void parse_to(const char *text, quantize *q, struct argp_state *state) {
  q->to_told = true;
  q->automatic = strcmp(text, "auto") == 0;
  if (!q->automatic && (!fr_scheme_parse(text, &q->to) || q->to == FR_SCHEME_F32))
    argp_error(state,
               "'%s' is not a scheme: bf16, f16, int8-dynamic, int8, int8-aware or auto",
               text);
}

static void check_usage(const quantize *q, struct argp_state *state) {
  if (!q->to_told)
    argp_error(state, "say --to SCHEME");
  if (q->within_told && !q->automatic)
    argp_error(state, "--within is of --to auto");
  if (q->training.checkpoint != NULL)
    argp_error(state, "quantize leaves MODEL as it is, and keeps no checkpoints");
}

static error_t parse(int key, char *text, struct argp_state *state) {
  quantize *q = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &q->input;
    state->child_inputs[1] = &q->training;
    state->child_inputs[2] = &q->output;
    return 0;
  case KEY_TO: parse_to(text, q, state); return 0;
  case KEY_WITHIN:
    q->within = cli_real(state, "within", text, 0, 100);
    q->within_told = true;
    return 0;
  case 'o': q->training.model = text; return 0;
  case ARGP_KEY_ARG:
  case ARGP_KEY_NO_ARGS: return cli_parse_model(key, text, state, &q->source);
  case ARGP_KEY_END: check_usage(q, state); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {
    {&cli_input_argp, 0, "Data:", 10},
    {&cli_training_argp, 0, "Training of int8-aware:", 20},
    {&cli_output_argp, 0, "Output:", 90},
    {0}};
static const struct argp argp = {
    options,
    parse,
    "MODEL",
    "Brings a trained model to fewer bits and tests both beside each other, on the data "
    "that the model remembers (--data: on other), whose training side sets the ranges. "
    "--batch is of the tests, too; int8-aware trains --epochs 10 at a tenth of the "
    "learning rate unless told otherwise.",
    children,
    NULL,
    NULL};

/* ---- schemes ---- */

/* int8-aware trains by what was told, else by less of what is usual. */
static fr_train_options aware_training(const quantize *q) {
  fr_train_options training = fr_quantize_options(&q->training.options);
  if (!isnan(q->training.told.learning_rate))
    training.optimizer.learning_rate = q->training.told.learning_rate;
  if (q->epochs > 0)
    training.epochs = q->epochs;
  training.schedule = q->training.options.schedule;
  return training;
}

/* Training moves every weight, and integers have no kernel that passes over zeros. */
static void tell_zeros(const quantize *q, cli_session *session, const fr_net *net) {
  size_t zeros;
  const size_t weights = fr__prune_weights(net, &zeros);
  if (zeros > weights / SPARSE_PART)
    cli_warn(&session->result,
             "'%s' has %zu of %zu weights at 0, and training for int8-aware fills them",
             q->source, zeros, weights);
}

static enum fr_status convert(const quantize *q, cli_session *session,
                              const cli_work *work, const fr_net *net,
                              enum fr_scheme scheme, fr_quantized **out, fr_error *err) {
  const fr_prepared *p = &work->prepared;
  const fr_samples *train = &p->train;
  fr_train_options training = aware_training(q);
  if (train->value != NULL)
    training.loss.kind = FR_LOSS_BINARY;
  if (scheme == FR_SCHEME_INT8_AWARE)
    tell_zeros(q, session, net);
  if (train->count == 0 && scheme == FR_SCHEME_INT8) {
    train = &p->test;
    cli_warn(&session->result,
             "nothing is trained on: the ranges of int8 come from the test side");
  }
  return fr_quantize(net, scheme, train, &p->validate, &training, &session->observer,
                     &session->budget, out, err);
}

/* ---- the choice ---- */

static double value_of(const json_t *figures, const char *key) {
  const json_t *value = json_object_get(figures, key);
  if (json_is_object(value))
    value = json_object_get(value, "value");
  return json_is_number(value) ? json_number_value(value) : NAN;
}

/* Joules, or core-seconds where no energy is known, of a thousand tests. */
static double cost_of(const cli_compared *one) {
  const double program = value_of(one->figures, "program_per_1000");
  return isnan(program) ? value_of(one->figures, "core_seconds_per_1000") : program;
}

static bool is_accurate(const cli_compared *one, const cli_compared *floats,
                        double points) {
  return value_of(one->figures, "accuracy") >=
         value_of(floats->figures, "accuracy") - points / 100 - 1e-12;
}

/* Fewer bytes; where they are as many, a better answer. */
static bool is_better(const cli_compared *one, const cli_compared *than) {
  const double bytes = value_of(one->figures, "bytes"),
               others = value_of(than->figures, "bytes");
  return bytes < others || (bytes <= others && value_of(one->figures, "accuracy") >
                                                   value_of(than->figures, "accuracy"));
}

/* The cheapest of those that are accurate enough, float32, the first one, among them;
 * where some are as cheap, the one of fewest bytes. */
static size_t best_of(const cli_compared *one, size_t count, double points) {
  double least = INFINITY;
  size_t best = SIZE_MAX;
  for (size_t i = 0; i < count; i++)
    if (is_accurate(&one[i], &one[0], points))
      least = fmin(least, cost_of(&one[i]));
  for (size_t i = 0; i < count; i++)
    if (is_accurate(&one[i], &one[0], points) && cost_of(&one[i]) <= AS_CHEAP * least &&
        (best == SIZE_MAX || is_better(&one[i], &one[best])))
      best = i;
  return best != SIZE_MAX ? best : 0;
}

static void add_cost(fr__table *table, const json_t *figures, const char *key,
                     const char *unit) {
  char text[48] = "not measured";
  const double value = value_of(figures, key);
  if (!isnan(value))
    cli_format_si(value, unit, text, sizeof text);
  fr__table_add(table, text);
}

static enum fr_status tell_schemes(cli_session *session, const cli_compared *one,
                                   size_t count, size_t best, fr_error *err) {
  fr__table table;
  fr__table_init(&table, "On the validation side");
  fr__table_column_add(&table, "Scheme", FR__ALIGN_LEFT, false);
  fr__table_column_add(&table, "Accuracy", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "95 %", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "Stored", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "Core time per 1,000", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "Program per 1,000", FR__ALIGN_RIGHT, false);
  fr__table_column_add(&table, "", FR__ALIGN_LEFT, false);
  for (size_t i = 0; i < count; i++) {
    const json_t *f = one[i].figures, *accuracy = json_object_get(f, "accuracy");
    fr__table_add(&table, fr_scheme_name(fr_quantized_scheme(one[i].quantized)));
    fr__table_addf(&table, "%.2f %%", 100 * value_of(f, "accuracy"));
    fr__table_addf(&table, "%.2f to %.2f",
                   100 * json_number_value(json_object_get(accuracy, "low")),
                   100 * json_number_value(json_object_get(accuracy, "high")));
    add_cost(&table, f, "bytes", "B");
    add_cost(&table, f, "core_seconds_per_1000", "s");
    add_cost(&table, f, "program_per_1000", "J");
    fr__table_add(&table, i == best ? "kept" : "");
  }
  const enum fr_status status =
      fr__table_render(&table, cli_columns(), &session->text, err);
  fr__table_release(&table);
  return status;
}

/* Evaluates all on the validation side; *best is of those in `one`. */
static enum fr_status choose(const quantize *q, cli_session *session,
                             const cli_work *work, cli_compared *one, size_t count,
                             size_t *best, fr_error *err) {
  json_t *schemes = json_array();
  json_object_set_new(session->result.result, "schemes", schemes);
  for (size_t i = 0; i < count; i++) {
    one[i].figures = json_object();
    json_array_append_new(schemes, one[i].figures);
  }
  enum fr_status status =
      cli_compare_validate(one, count, work, session, &q->training, err);
  if (status == FR_OK)
    status = cli_compare_costs(one, count, session, "validate/", err);
  if (status != FR_OK)
    return status;
  *best = best_of(one, count, q->within);
  for (size_t i = 0; i < count; i++)
    json_object_set_new(one[i].figures, "kept", json_boolean(i == *best));
  json_object_set_new(session->result.result, "within_points", json_real(q->within));
  json_object_set_new(
      session->result.result, "choice",
      json_sprintf(
          "least program joules per 1,000 tests at batch %zu among schemes "
          "whose validation accuracy is at most %g points below float32's; "
          "fewest bytes, then best accuracy, among those within 10 %% of the least",
          q->training.options.batch, q->within));
  return tell_schemes(session, one, count, *best, err);
}

/* ---- the result ---- */

static void tell_kept(cli_session *session, const fr_quantized *q) {
  json_t *r = session->result.result;
  const fr_net *net = fr_quantized_net(q);
  const char *scheme = fr_scheme_name(fr_quantized_scheme(q));
  json_object_set_new(r, "scheme", json_string(scheme));
  json_object_set_new(r, "network", json_string(fr_net_text(net)));
  json_object_set_new(r, "parameters", json_integer((json_int_t)fr_net_parameters(net)));
  json_object_set_new(r, "operations",
                      json_integer((json_int_t)fr_quantized_operations(q)));
  fr__buf_printf(&session->text, "scheme         %s\nnetwork        %s\n", scheme,
                 fr_net_text(net));
}

/* Tests before and after, measures, tells, writes. */
static enum fr_status finish(const quantize *q, cli_session *session, cli_work *work,
                             const fr_model *model, fr_quantized *before,
                             fr_quantized *after, fr_error *err) {
  cli_compared pair[2] = {
      {.net = fr_quantized_net(before), .quantized = before, .phase = "before"},
      {.net = fr_quantized_net(after), .quantized = after, .phase = "after"}};
  static const char *const comparing[] = {"before", "after", NULL};
  session->aside = comparing;
  tell_kept(session, after);
  return cli_compare_finish(pair, work, session, &q->training, model, err);
}

/* Of --to auto: what cannot be done, such as f16 of a great weight, is left out. */
static bool is_left_out(const quantize *q, enum fr_scheme scheme, enum fr_status status) {
  return q->automatic && scheme != FR_SCHEME_F32 &&
         (status == FR_ERR_NUMERIC || status == FR_ERR_UNSUPPORTED);
}

/* float32 and what is asked for; *count of them. */
static enum fr_status convert_all(const quantize *q, cli_session *session,
                                  const cli_work *work, const fr_model *model,
                                  cli_compared one[FR_SCHEMES], size_t *count,
                                  fr_error *err) {
  for (enum fr_scheme s = FR_SCHEME_F32; s < FR_SCHEMES; s++) {
    fr_quantized *made = NULL;
    fr_error why = {.text = ""};
    if (s != FR_SCHEME_F32 && !q->automatic && s != q->to)
      continue;
    const enum fr_status status = convert(q, session, work, model->net, s, &made, &why);
    if (is_left_out(q, s, status)) {
      cli_warn(&session->result, "%s is left out: %s", fr_scheme_name(s), why.text);
      continue;
    }
    if (status != FR_OK)
      return fr__fail(err, status, "%s", why.text);
    one[(*count)++] = (cli_compared){
        .net = fr_quantized_net(made), .quantized = made, .phase = fr_scheme_name(s)};
  }
  return FR_OK;
}

static enum fr_status check_source(const quantize *q, const fr_model *model,
                                   const cli_work *work, fr_error *err) {
  if (model->scheme != FR_SCHEME_F32)
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s' is in %s already", q->source,
                    fr_scheme_name(model->scheme));
  if (q->automatic && work->prepared.validate.count == 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "auto chooses on a validation side, and there is none: --validate");
  return FR_OK;
}

static enum fr_status run_all(quantize *q, cli_session *session, cli_work *work,
                              const fr_model *model, fr_error *err) {
  cli_compared one[FR_SCHEMES] = {{0}};
  size_t count = 0, best = 1;
  enum fr_status status = check_source(q, model, work, err);
  if (status == FR_OK)
    status = convert_all(q, session, work, model, one, &count, err);
  if (status == FR_OK && q->automatic)
    status = choose(q, session, work, one, count, &best, err);
  if (status == FR_OK)
    status = finish(q, session, work, model, one[0].quantized, one[best].quantized, err);
  for (size_t i = 0; i < count; i++)
    fr_quantized_free(one[i].quantized);
  return status;
}

static enum fr_status run(cli_session *session, quantize *q, fr_error *err) {
  fr_model model = {0};
  cli_work work = {0};
  cli_trainer trainer = {.session = session, .training = &q->training};
  enum fr_status status = fr_model_load(&model, q->source, err);
  if (status == FR_OK) {
    session->past = model.provenance;
    if (q->training.options.seed == SEED_OF_MODEL)
      q->training.options.seed = model.seed;
    status = cli_work_open(&work, session, &q->input, model.seed, &model, err);
  }
  if (status == FR_OK)
    status = cli_trainer_start(&trainer, &work, &q->input, NULL, model.net, err);
  if (status == FR_OK)
    status = run_all(q, session, &work, &model, err);
  cli_trainer_release(&trainer);
  cli_work_release(&work);
  fr_model_release(&model);
  return status;
}

int cli_cmd_quantize(int argc, char **argv) {
  quantize q = {.training.options = fr_train_default_options(), .within = WITHIN};
  const size_t epochs = q.training.options.epochs;
  q.training.options.epochs = 0;
  q.training.options.seed = SEED_OF_MODEL;
  argp_parse(&argp, argc, argv, 0, NULL, &q);
  q.epochs = q.training.options.epochs;
  q.training.options.epochs = q.epochs > 0 ? q.epochs : epochs;
  fr_error err = {0};
  cli_session session;
  if (cli_check_outputs(&q.output, q.training.model, &err) != FR_OK)
    return cli_fail(&err);
  if (cli_session_start(&session, "quantize", q.source, argc, argv, &q.output, &err) !=
      FR_OK)
    return cli_fail(&err);
  const enum fr_status status = run(&session, &q, &err);
  return cli_session_end(&session, status, &err);
}
