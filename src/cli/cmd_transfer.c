/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/training.h"
#include "cli/transferring.h"

enum {
  KEY_APPEND = 1,
  KEY_REPLACE,
  KEY_CUT,
  KEY_FREEZE,
  KEY_REFINE,
  KEY_DECAY,
  KEY_UNFREEZE,
  KEY_KEEP,
  KEY_KEEP_LIMIT,
  KEY_COMPARE
};

#define REFINE 0.1f /* where layers are to be trained and no rate is told */

typedef struct transfer {
  cli_output output;
  cli_input input;
  cli_training training;
  fr_transfer_options transfer;
  bool kind_told, compares;
  const char *source;
  cli_session *session;
  const fr_net *net; /* of the source */
  fr_transfer_result result;
  cli_scratch scratch;
} transfer;

static const struct argp_option options[] = {
    {"append", KEY_APPEND, "ARCH", OPTION_ARG_OPTIONAL,
     "keep the network whole and put layers behind it (default: 'relu dense(classes)')",
     0},
    {"replace", KEY_REPLACE, "ARCH", OPTION_ARG_OPTIONAL,
     "put a new head in place of the last dense layer (the default; 'dense(classes)')",
     0},
    {"cut", KEY_CUT, "K", 0,
     "keep the first K layers, with --replace (default: those before the last dense one)",
     0},
    {"freeze", KEY_FREEZE, "K|auto", 0,
     "layers of the old network that are not trained (default: all that are kept; with "
     "--unfreeze none for good), or as many as people or trials held back show to be "
     "enough",
     0},
    {"refine", KEY_REFINE, "RATE", 0,
     "learning rate of the old layers that are trained, relative to the new ones "
     "(default 0.1 with --freeze auto and --unfreeze)",
     0},
    {"refine-decay", KEY_DECAY, "F", 0,
     "each old layer learns at F times the rate of the one above (default 1)", 0},
    {"unfreeze", KEY_UNFREEZE, "N", 0,
     "every N epochs the highest frozen layer thaws (default: never)", 0},
    {"keep", KEY_KEEP, "WHERE", 0,
     "frozen layers' outputs in memory, mapped (a file of $TMPDIR that leaves nothing), "
     "in the cache for later runs, or auto (default): memory up to the limit, else "
     "mapped",
     0},
    {"keep-limit", KEY_KEEP_LIMIT, "MB", 0,
     "of memory for them (default: a quarter of the machine's)", 0},
    {"compare", KEY_COMPARE, "scratch", 0,
     "also train such a network from scratch, and tell what the transfer saves", 0},
    {"output", 'o', "MODEL", 0, "write the new model there (safetensors)", 0},
    {0},
};

/* Where frozen outputs are kept, and what the transfer is compared with. */
static error_t parse_keep(int key, char *text, struct argp_state *state) {
  transfer *t = state->input;
  fr_keep_options *keep = &t->training.options.keep;
  switch (key) {
  case KEY_KEEP:
    if (!fr_keep_parse(text, &keep->where))
      argp_error(state, "'%s' is no place to keep: auto, memory, mapped or cache", text);
    return 0;
  case KEY_KEEP_LIMIT:
    keep->limit = cli_number(state, "keep-limit", text, 1, 1 << 30) << 20;
    return 0;
  case KEY_COMPARE:
    if (strcmp(text, "scratch") != 0)
      argp_error(state, "a transfer is compared with scratch, not with '%s'", text);
    t->compares = true;
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

/* Which layers learn, and at which rate. */
static error_t parse_depth(int key, char *text, struct argp_state *state) {
  fr_transfer_options *how = &((transfer *)state->input)->transfer;
  switch (key) {
  case KEY_CUT: how->cut = cli_number(state, "cut", text, 1, 1000); return 0;
  case KEY_FREEZE:
    how->freeze = strcmp(text, "auto") == 0 ? FR_FREEZE_AUTO
                                            : cli_number(state, "freeze", text, 0, 1000);
    return 0;
  case KEY_REFINE: how->refine = (float)cli_real(state, "refine", text, 0, 1); return 0;
  case KEY_DECAY:
    how->decay = (float)cli_real(state, "refine-decay", text, 1e-6, 1);
    return 0;
  case KEY_UNFREEZE:
    how->unfreeze = cli_number(state, "unfreeze", text, 1, 1000000);
    return 0;
  default: return parse_keep(key, text, state);
  }
}

/* Rates that were not told, where there must be one. */
static void finish(transfer *t, struct argp_state *state) {
  fr_transfer_options *how = &t->transfer;
  const fr_keep_options *keep = &t->training.options.keep;
  if (t->input.data == NULL)
    argp_error(state, "say to which data: --data SPEC");
  if (keep->limit > 0 && keep->where != FR_KEEP_AUTO)
    argp_error(state, "--keep-limit is of --keep auto");
  if (how->refine == 0 && (how->freeze == FR_FREEZE_AUTO || how->unfreeze > 0))
    how->refine = REFINE;
}

static error_t parse(int key, char *text, struct argp_state *state) {
  transfer *t = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &t->input;
    state->child_inputs[1] = &t->training;
    state->child_inputs[2] = &t->output;
    return 0;
  case KEY_APPEND:
  case KEY_REPLACE:
    if (t->kind_told)
      argp_error(state, "--append and --replace exclude each other");
    t->kind_told = true;
    t->transfer.kind = key == KEY_APPEND ? FR_TRANSFER_APPEND : FR_TRANSFER_REPLACE;
    t->transfer.head = text;
    return 0;
  case 'o': t->training.model = text; return 0;
  case ARGP_KEY_ARG:
  case ARGP_KEY_NO_ARGS: return cli_parse_model(key, text, state, &t->source);
  case ARGP_KEY_END: finish(t, state); return 0;
  default: return parse_depth(key, text, state);
  }
}

static const struct argp_child children[] = {{&cli_input_argp, 0, "Data:", 10},
                                             {&cli_training_argp, 0, "Training:", 20},
                                             {&cli_output_argp, 0, "Output:", 90},
                                             {0}};
static const struct argp argp = {options,
                                 parse,
                                 "MODEL",
                                 "Starts from a trained model: keeps its layers, puts "
                                 "new ones behind or in place of its "
                                 "head, and trains those on new data.",
                                 children,
                                 NULL,
                                 NULL};

/* Kept layers know numbers of one kind: what another kind means is said. */
static void tell_normalize(cli_session *session, const cli_input *input,
                           const fr_model *source) {
  const char *known = fr_normalize_name(source->normalizer.how);
  if (strcmp(input->normalize, known) != 0)
    cli_warn(&session->result,
             "the layers that are kept were trained on input normalised by '%s', and are "
             "given it by '%s': frozen ones cannot follow",
             known, input->normalize);
}

/* Windows are cut as the source's were unless the user says otherwise. */
static void fill(cli_input *input, const fr_model *source) {
  if (input->window == 0)
    input->window = source->window;
  if (input->step == 0)
    input->step = source->step;
  if (input->shorter == NULL && source->keep_short)
    input->shorter = "keep";
  if (input->rate_hz == 0)
    input->rate_hz = source->rate_hz;
  if (input->task == NULL)
    input->task = source->task;
  if (input->normalize == NULL) /* the same way, by the new data's own statistics */
    input->normalize = fr_normalize_name(source->normalizer.how);
}

static enum fr_status check_shape(const fr_net *net, const fr_samples *samples,
                                  const char *source, fr_error *err) {
  const fr_shape shape = fr_net_input(net);
  if (samples->steps == shape.steps && samples->channels == shape.channels)
    return FR_OK;
  return fr__fail(err, FR_ERR_ARGUMENT,
                  "'%s' takes %zu steps of %zu channels, the data has %zu of %zu", source,
                  shape.steps, shape.channels, samples->steps, samples->channels);
}

/* ---- training ---- */

/* Joules of this process, else its core-seconds. */
static double spent(void *self) {
  cli_session *session = self;
  fr_meter_report report;
  if (fr_meter_read(session->meter, &report, NULL) != FR_OK)
    return 0;
  const fr_measure m =
      fr_measure_known(report.program) ? report.program : report.core_seconds;
  fr_meter_report_release(&report);
  return m.value;
}

static void fill_scratch(cli_scratch *to, const fr_train_result *made) {
  *to = (cli_scratch){.done = made->stop != FR_STOP_BUDGET &&
                              made->stop != FR_STOP_INTERRUPTED,
                      .epochs = made->epochs,
                      .stop = made->stop,
                      .validate_accuracy = made->best_validate_accuracy,
                      .operations = made->operations};
}

/* The same data, stopping rule and seed; its epochs are nobody's. */
static enum fr_status compare(transfer *t, const cli_trained_on *on, size_t classes,
                              fr_error *err) {
  static const char *const comparing[] = {"scratch", NULL};
  fr_train_options told = *on->options;
  const fr_observer observer = {.self = on->observer->self,
                                .phase_begin = on->observer->phase_begin,
                                .phase_end = on->observer->phase_end};
  fr_train_result made = {0};
  fr_net *net = NULL;
  told.first_trained = told.unfreeze = 0;
  told.checkpoint = NULL;
  told.rate_scale = NULL;
  t->session->aside = comparing;
  fr_phase_begin(t->session->meter, comparing[0]);
  enum fr_status status = fr_transfer_scratch(t->net, classes, told.seed, &net, err);
  if (status == FR_OK)
    status =
        fr_train(net, on->train, on->validate, &told, &observer, on->budget, &made, err);
  fr_phase_end(t->session->meter);
  if (status == FR_OK)
    fill_scratch(&t->scratch, &made);
  fr_train_result_release(&made);
  fr_net_free(net);
  return status;
}

/* In the place of fr_train. */
static enum fr_status train(void *self, fr_net *net, const cli_trained_on *on,
                            fr_train_result *trained, fr_error *err) {
  transfer *t = self;
  enum fr_status status =
      fr_transfer_adjust(net, t->net, on->train, on->validate, on->options, &t->transfer,
                         on->observer, on->budget, &t->result, err);
  if (status == FR_OK && t->compares && t->result.trained.stop != FR_STOP_INTERRUPTED)
    status = compare(t, on, fr_net_classes(net), err);
  if (status != FR_OK)
    return status;
  *trained = t->result.trained;
  t->result.trained.history = NULL; /* it is the caller's now */
  return FR_OK;
}

/* Who or what shows how accurate a depth is. */
static enum fr_status hold(transfer *t, const cli_work *work, bool **held,
                           const char **name, fr_error *err) {
  enum fr_task task = FR_TASK_SUBJECT;
  bool people = false;
  if (t->transfer.freeze != FR_FREEZE_AUTO)
    return FR_OK;
  if (t->input.task != NULL)
    (void)fr_task_parse(t->input.task, &task);
  const enum fr_status status =
      fr_transfer_hold(&work->prepared, task, held, &people, err);
  *name = people ? "people" : "trials";
  t->transfer.choice =
      (fr_transfer_choice){.held = *held, .spent = spent, .self = t->session};
  return status;
}

/* Trains, tests and tells; `net` is adjusted. */
static enum fr_status adjust(transfer *t, cli_work *work, fr_net *net, fr_error *err) {
  bool *held = NULL;
  cli_transferred told = {.source = t->source, .result = &t->result};
  enum fr_status status = hold(t, work, &held, &told.held, err);
  t->training.train = train;
  t->training.self = t;
  if (status == FR_OK)
    status = cli_train(t->session, &t->training, &t->input, work, NULL, net, err);
  if (status == FR_OK)
    status = cli_work_finish(work, t->session, &t->input, &t->training, net, err);
  told.scratch = t->compares ? &t->scratch : NULL;
  if (status == FR_OK)
    cli_transfer_tell(t->session, &told);
  fr_transfer_result_release(&t->result);
  free(held);
  return status;
}

static enum fr_status run(cli_session *session, transfer *t, fr_error *err) {
  fr_model source = {0};
  cli_work work = {0};
  fr_net *net = NULL;
  char *cache = cli_cache_folder();
  const uint64_t seed = t->training.options.seed;
  t->training.options.keep.folder = cache;
  enum fr_status status = fr_model_load(&source, t->source, err);
  if (status == FR_OK) {
    fill(&t->input, &source);
    tell_normalize(session, &t->input, &source);
    session->past = source.provenance;
    t->session = session;
    t->net = source.net;
    work.like = &source;
    status = cli_work_open(&work, session, &t->input, seed, NULL, err);
  }
  if (status == FR_OK)
    status = check_shape(source.net, &work.prepared.train, t->source, err);
  if (status == FR_OK)
    status = fr_transfer_new(source.net, &t->transfer, work.prepared.classes.count, seed,
                             &net, &t->training.options.first_trained, err);
  if (status == FR_OK)
    status = adjust(t, &work, net, err);
  free(cache);
  fr_net_free(net);
  cli_work_release(&work);
  fr_model_release(&source);
  return status;
}

int cli_cmd_transfer(int argc, char **argv) {
  transfer t = {.training.options = fr_train_default_options(),
                .transfer = fr_transfer_default_options()};
  t.transfer.kind = FR_TRANSFER_REPLACE;
  argp_parse(&argp, argc, argv, 0, NULL, &t);
  fr_error err = {0};
  cli_session session;
  if (cli_check_outputs(&t.output, t.training.model, &err) != FR_OK)
    return cli_fail(&err);
  if (cli_session_start(&session, "transfer", t.source, argc, argv, &t.output, &err) !=
      FR_OK)
    return cli_fail(&err);
  const enum fr_status status = run(&session, &t, &err);
  return cli_session_end(&session, status, &err);
}
