/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/csv.h"
#include "base/error.h"
#include "base/student.h"
#include "cli/precision.h"
#include "cli/work.h"

#define PASSES_AUTO 200   /* at most, and */
#define SECONDS_AUTO 60.0 /* of passes, until the interval is narrow */
#define NARROW 0.05       /* width of it over the mean */
#define PASSES_CEILING 100000

typedef struct test {
  cli_output output;
  cli_input input;
  cli_precision precision;
  const char *model;
  size_t threads; /* 0: not told, one */
  size_t passes;  /* 0: until their cost is known */
} test;

enum { KEY_THREADS = 0x700, KEY_REPEAT };

static const struct argp_option options[] = {
    {"threads", KEY_THREADS, "N|all", 0,
     "that share the work, to the same bits (default 1, which spends the fewest "
     "core-seconds); not with int8",
     30},
    {"repeat", KEY_REPEAT, "N|auto", 0,
     "pass over the test side N times and tell the cost of one (default 1); auto: until "
     "the interval of their core-seconds is below 5 % of the mean",
     30},
    {0},
};

static size_t parse_passes(struct argp_state *state, const char *text) {
  int64_t passes = 0;
  if (strcmp(text, "auto") != 0 && !fr__parse_integer(text, 1, PASSES_CEILING, &passes))
    argp_error(state, "--repeat '%s' is neither auto nor a number from 1 to %d", text,
               PASSES_CEILING);
  return (size_t)passes;
}

static error_t parse(int key, char *text, struct argp_state *state) {
  test *t = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &t->input;
    state->child_inputs[1] = &t->precision;
    state->child_inputs[2] = &t->output;
    return 0;
  case ARGP_KEY_ARG:
  case ARGP_KEY_NO_ARGS: return cli_parse_model(key, text, state, &t->model);
  case KEY_REPEAT: t->passes = parse_passes(state, text); return 0;
  case KEY_THREADS: t->threads = cli_threads(state, text); return 0;
  case ARGP_KEY_END:
    if (t->threads > 1 && t->precision.int8)
      argp_error(state, "int8 runs on one thread: --threads is of f32 and bf16");
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {{&cli_input_argp, 0, "Data:", 10},
                                             {&cli_precision_argp, 0, NULL, 30},
                                             {&cli_output_argp, 0, "Output:", 90},
                                             {0}};
static const struct argp argp = {
    options,
    parse,
    "MODEL",
    "Tests a model on the test side of the split that it remembers, on the data that it "
    "remembers unless --data says otherwise; --split all tests on everything. A "
    "quantized model runs in its scheme; int8 of another one finds its ranges on the "
    "training side.",
    children,
    NULL,
    NULL};

/* Figures on what a model was trained on say little of what it knows. `fold` as it was
 * told, 0: not. */
static void warn_of_split(cli_session *session, const char *told, size_t fold,
                          const fr_model *model) {
  if (told != NULL && model->split != NULL && strcmp(told, model->split) != 0 &&
      strcmp(model->split, "all") != 0)
    cli_warn(
        &session->result,
        "the model was trained with the split '%s': what is tested under '%s' may be "
        "what it was trained on",
        model->split, told);
  else if (fold != 0 && fold != model->fold + 1)
    cli_warn(&session->result,
             "the model was trained with fold %zu: what tests in fold %zu may be what it "
             "was trained on",
             model->fold + 1, fold);
}

static enum fr_status check_rate(const cli_work *work, const fr_model *model,
                                 fr_error *err) {
  const double rate_hz = work->prepared.data->rate_hz;
  if (model->rate_hz == 0 || rate_hz == model->rate_hz)
    return FR_OK;
  return fr__fail(err, FR_ERR_ARGUMENT, "the model takes %g Hz, the data has %g",
                  model->rate_hz, rate_hz);
}

/* Core-seconds of the passes so far. */
typedef struct passes {
  size_t count;
  double mean, squares; /* of deviations from it (Welford 1962) */
} passes;

static void add_pass(passes *p, double core_s) {
  const double from = core_s - p->mean;
  p->mean += from / (double)++p->count;
  p->squares += from * (core_s - p->mean);
}

/* Half of Student's 95 % interval of the mean; NAN of a single pass. */
static double half_interval(const passes *p) {
  const double n = (double)p->count;
  return fr__t_quantile(0.975, n - 1) * sqrt(p->squares / (n - 1) / n);
}

static bool enough(const passes *p, size_t wanted) {
  if (wanted != 0)
    return p->count >= wanted;
  return p->count >= PASSES_AUTO || p->mean * (double)p->count >= SECONDS_AUTO ||
         (p->count > 2 && 2 * half_interval(p) < NARROW * p->mean);
}

/* Stands between a pass and the session, and looks at the clock inside its phase. */
typedef struct clocked {
  const fr_observer *to;
  uint64_t from_ns, spent_ns; /* CPU time of all threads */
} clocked;

static void on_begin(void *self, const char *name) {
  clocked *c = self;
  c->to->phase_begin(c->to->self, name);
  c->from_ns = fr__clock_process_cpu_ns();
}

static void on_end(void *self) {
  clocked *c = self;
  c->spent_ns = fr__clock_process_cpu_ns() - c->from_ns;
  c->to->phase_end(c->to->self);
}

static void tell_passes(cli_session *session, const passes *p) {
  const double half = p->count > 1 ? half_interval(p) : 0;
  const fr_measure core = {.value = p->mean,
                           .low = fmax(p->mean - half, 0),
                           .high = p->mean + half,
                           .unit = FR_UNIT_CORE_SECOND,
                           .source = FR_SOURCE_CLOCK};
  json_t *result = session->result.result;
  json_object_set_new(result, "passes", json_integer((json_int_t)p->count + 1));
  json_object_set_new(result, "test_core_seconds", cli_json_measure(core));
  cli_add_measure(&session->text, "one pass", core, "");
}

/* Further passes, of which nothing but the cost is looked at: phase `test`, as the first,
 * which found caches cold and does not count among `test_core_seconds`. */
static enum fr_status repeat(cli_session *session, const cli_work *work, fr_net *net,
                             fr_quantized *q, size_t wanted, fr_error *err) {
  const fr_samples *samples = &work->prepared.test;
  passes p = {0};
  clocked clock = {.to = &session->observer};
  const fr_observer observer = {
      .self = &clock, .phase_begin = on_begin, .phase_end = on_end};
  const fr_loss_options loss = {.kind = samples->value != NULL ? FR_LOSS_BINARY
                                                               : FR_LOSS_CROSS_ENTROPY};
  while (!enough(&p, wanted)) {
    fr_metrics metrics;
    const enum fr_status status =
        q != NULL ? fr_quantized_test(q, samples, &loss, 64, &observer, &metrics, err)
                  : fr_test(net, samples, &loss, 64, &observer, &metrics, err);
    if (status != FR_OK)
      return status;
    add_pass(&p, (double)clock.spent_ns / 1e9);
    fr_metrics_release(&metrics);
  }
  tell_passes(session, &p);
  return FR_OK;
}

/* Beside the figures of the test side. */
static enum fr_status tell(cli_session *session, const test *t, const fr_model *model,
                           fr_error *err) {
  const fr_net *net = model->net;
  json_t *result = session->result.result;
  json_object_set_new(result, "precision",
                      json_string(cli_precision_text(&t->precision)));
  json_object_set_new(result, "scheme", json_string(fr_scheme_name(model->scheme)));
  json_object_set_new(result, "network", json_string(fr_net_text(net)));
  json_object_set_new(result, "epochs", json_null()); /* not trained */
  json_object_set_new(result, "parameters",
                      json_integer((json_int_t)fr_net_parameters(net)));
  json_object_set_new(result, "operations",
                      json_integer((json_int_t)fr_net_operations(net)));
  return cli_session_measured(session, err);
}

static enum fr_status run(cli_session *session, test *t, fr_error *err) {
  const char *told = t->input.split;
  const size_t fold = t->input.fold;
  fr_model model = {0};
  cli_work work = {0};
  fr_quantized *q = NULL;
  const fr_loss_options loss = {.kind = FR_LOSS_CROSS_ENTROPY};
  enum fr_status status = fr_model_load(&model, t->model, err);
  if (status == FR_OK)
    status = cli_work_open(&work, session, &t->input, model.seed, &model, err);
  if (status == FR_OK) {
    warn_of_split(session, told, fold, &model);
    status = check_rate(&work, &model, err);
  }
  if (status == FR_OK && t->threads > 1)
    status = fr_net_set_threads(model.net, t->threads, err);
  if (status == FR_OK)
    status = cli_precision_open(&t->precision, &model, &work, session, &q, err);
  if (status == FR_OK && q != NULL && t->threads > 1)
    status = fr__fail(err, FR_ERR_ARGUMENT,
                      "'%s' is in int8, which runs on one thread: --threads is of others",
                      t->model);
  if (status == FR_OK)
    status = cli_work_test(&work, session, &loss, 64, model.net, q, &model.classes, err);
  if (status == FR_OK && t->passes != 1)
    status = repeat(session, &work, model.net, q, t->passes > 0 ? t->passes - 1 : 0, err);
  if (status == FR_OK && q != NULL)
    cli_precision_sizes(session, q);
  if (status == FR_OK)
    status = tell(session, t, &model, err);
  fr_quantized_free(q);
  cli_work_release(&work);
  fr_model_release(&model);
  return status;
}

int cli_cmd_test(int argc, char **argv) {
  test t = {.passes = 1};
  argp_parse(&argp, argc, argv, 0, NULL, &t);
  fr_error err = {0};
  cli_session session;
  if (cli_session_start(&session, "test", t.model, argc, argv, &t.output, &err) != FR_OK)
    return cli_fail(&err);
  const enum fr_status status = run(&session, &t, &err);
  return cli_session_end(&session, status, &err);
}
