/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "cli/compare.h"
#include "cli/training.h"
#include "report/table.h"

enum {
  KEY_AMOUNT = 1,
  KEY_UNTIL,
  KEY_STRUCTURED,
  KEY_UNSTRUCTURED,
  KEY_GLOBAL,
  KEY_PER_LAYER,
  KEY_GRADUAL,
  KEY_REWIND,
  KEY_ROUNDS,
  KEY_CRITERION,
  KEY_REFINE,
  KEY_ALIGN,
  KEY_OPERATIONS,
  KEY_TAUGHT,
  KEY_SCAN
};

#define SEED_OF_MODEL UINT64_MAX /* nobody said which */

typedef struct prune {
  cli_output output;
  cli_input input;
  cli_training training;
  fr_prune_options prune;
  bool amount_told, criterion_told, kind_told, reach_told, scan;
  const char *source;
} prune;

static const struct argp_option options[] = {
    {"output", 'o', "MODEL", 0, "write the pruned model there (safetensors)", 0},
    {"structured", KEY_STRUCTURED, NULL, 0,
     "take neurons, channels and recurrent units out (the default)", 1},
    {"unstructured", KEY_UNSTRUCTURED, NULL, 0, "set single weights to 0", 1},
    {"amount", KEY_AMOUNT, "SHARE", 0, "of the units or weights that go (default 0.5)",
     1},
    {"until", KEY_UNTIL, "'accuracy -N%'", 0,
     "in the amount's place: the greatest whose refined accuracy on the validation side "
     "falls by at most N points",
     1},
    {"operations", KEY_OPERATIONS, NULL, 0,
     "the amount is of the operations of a sample: as few units go as take it", 1},
    {"per-layer", KEY_PER_LAYER, NULL, 0, "that share of each layer (the default)", 1},
    {"global", KEY_GLOBAL, NULL, 0, "the least of the whole network", 1},
    {"criterion", KEY_CRITERION, "NAME", 0,
     "what is least: taylor (by the gradient; default for units), l1 or l2 (by size; "
     "l1 for weights)",
     1},
    {"align", KEY_ALIGN, "N", 0,
     "units that stay of a layer, more than N, are the nearest multiple of N (default "
     "16: "
     "products work on whole vectors; 1: as the amount says)",
     1},
    {"gradual", KEY_GRADUAL, NULL, 0, "more and more, while it is trained on", 2},
    {"rewind", KEY_REWIND, "EPOCH", OPTION_ARG_OPTIONAL,
     "train what is left again from the weights of that epoch (default 0: the initial "
     "ones); needs the options that the model was trained with",
     2},
    {"rounds", KEY_ROUNDS, "N", 0,
     "of gradual pruning of units (default 3), of rewinding (1)", 2},
    {"refine", KEY_REFINE, "RATE", 0,
     "learning rate of refinement, relative to --learning-rate (default 0.5)", 2},
    {"taught", KEY_TAUGHT, "SHARE", OPTION_ARG_OPTIONAL,
     "of the old model's answers in the loss of refinement (0.5 where it is not said)",
     2},
    {"scan", KEY_SCAN, NULL, 0,
     "how much each layer minds, without refinement; without -o nothing else is done", 3},
    {0},
};

static void parse_until(const char *text, prune *p, struct argp_state *state) {
  static const char head[] = "accuracy";
  const bool named = strncmp(text, head, sizeof head - 1) == 0;
  const char *at = named ? text + sizeof head - 1 : text;
  at += strspn(at, " ");
  at += *at == '-';
  size_t length = strlen(at);
  length -= length > 0 && at[length - 1] == '%';
  double points = 0;
  if (!named || !fr__parse_number(at, length, &points) || !(points > 0 && points < 100))
    argp_error(state, "--until takes 'accuracy -N%%', N points from 0 to 100, not '%s'",
               text);
  p->prune.until = points;
}

static void parse_criterion(const char *text, prune *p, struct argp_state *state) {
  fr_prune_options o;
  char whole[64];
  (void)snprintf(whole, sizeof whole, "structured(%.16s)", text);
  const bool one =
      strcmp(text, "taylor") == 0 || strcmp(text, "l1") == 0 || strcmp(text, "l2") == 0;
  if (!one || fr_prune_parse(whole, &o, NULL) != FR_OK)
    argp_error(state, "'%s' is not a criterion: taylor, l1 or l2", text);
  p->prune.criterion = o.criterion;
  p->criterion_told = true;
}

/* One of two, once or several times the same. */
static void choose(struct argp_state *state, bool *told, bool same, const char *both) {
  if (*told && !same)
    argp_error(state, "%s exclude each other", both);
  *told = true;
}

static error_t parse_kind(int key, prune *p, struct argp_state *state) {
  fr_prune_options *o = &p->prune;
  const enum fr_prune_kind kind =
      key == KEY_STRUCTURED ? FR_PRUNE_STRUCTURED : FR_PRUNE_UNSTRUCTURED;
  const bool global = key == KEY_GLOBAL;
  if (key == KEY_STRUCTURED || key == KEY_UNSTRUCTURED) {
    choose(state, &p->kind_told, o->kind == kind, "--structured and --unstructured");
    o->kind = kind;
    return 0;
  }
  choose(state, &p->reach_told, o->global == global, "--global and --per-layer");
  o->global = global;
  return 0;
}

static error_t parse_how(int key, char *text, struct argp_state *state) {
  prune *p = state->input;
  fr_prune_options *o = &p->prune;
  switch (key) {
  case KEY_STRUCTURED:
  case KEY_UNSTRUCTURED:
  case KEY_GLOBAL:
  case KEY_PER_LAYER: return parse_kind(key, p, state);
  case KEY_AMOUNT:
    o->amount = cli_real(state, "amount", text, 0.001, 0.999);
    p->amount_told = true;
    return 0;
  case KEY_UNTIL: parse_until(text, p, state); return 0;
  case KEY_CRITERION: parse_criterion(text, p, state); return 0;
  case KEY_GRADUAL:
  case KEY_REWIND:
    if (o->how != FR_PRUNE_ONE_SHOT)
      argp_error(state, "--gradual and --rewind exclude each other");
    o->how = key == KEY_GRADUAL ? FR_PRUNE_GRADUAL : FR_PRUNE_REWIND;
    o->rewind = text != NULL ? cli_number(state, "rewind", text, 0, 100000) : 0;
    return 0;
  case KEY_ROUNDS: o->rounds = cli_number(state, "rounds", text, 1, 100); return 0;
  case KEY_ALIGN: o->align = cli_number(state, "align", text, 1, 1024); return 0;
  case KEY_REFINE:
    o->refine = (float)cli_real(state, "refine", text, 1e-6, 100);
    return 0;
  case KEY_TAUGHT:
    o->taught = text != NULL ? (float)cli_real(state, "taught", text, 0.001, 1) : 0.5f;
    return 0;
  case KEY_OPERATIONS: o->operations = true; return 0;
  case KEY_SCAN: p->scan = true; return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static void check_usage(const prune *p, struct argp_state *state) {
  if (p->prune.until > 0 && p->amount_told)
    argp_error(state, "--until finds what --amount says: one of them");
  if (p->prune.operations && p->prune.kind != FR_PRUNE_STRUCTURED)
    argp_error(state, "--operations is of units: not with --unstructured");
  if (p->training.teacher != NULL)
    argp_error(state, "the teacher of a pruned model is the whole one: --taught");
  if (p->training.checkpoint != NULL)
    argp_error(state, "prune leaves MODEL as it is, and keeps no checkpoints");
  if (p->prune.rounds > 0 && p->prune.how == FR_PRUNE_ONE_SHOT)
    argp_error(state, "--rounds is of --gradual and --rewind");
}

static error_t parse(int key, char *text, struct argp_state *state) {
  prune *p = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &p->input;
    state->child_inputs[1] = &p->training;
    state->child_inputs[2] = &p->output;
    return 0;
  case 'o': p->training.model = text; return 0;
  case ARGP_KEY_ARG:
  case ARGP_KEY_NO_ARGS: return cli_parse_model(key, text, state, &p->source);
  case ARGP_KEY_END:
    check_usage(p, state);
    if (!p->criterion_told)
      p->prune.criterion = fr_prune_usual_criterion(p->prune.kind);
    return 0;
  default: return parse_how(key, text, state);
  }
}

static const struct argp_child children[] = {{&cli_input_argp, 0, "Data:", 10},
                                             {&cli_training_argp, 0, "Refinement:", 20},
                                             {&cli_output_argp, 0, "Output:", 90},
                                             {0}};
static const struct argp argp = {
    options,
    parse,
    "MODEL",
    "Makes a smaller model out of a trained one, refines it on the data that the model "
    "remembers (--data: on other), and tests both beside each other. --epochs is of the "
    "refinement (default 20), with --rewind of the whole training (60).",
    children,
    NULL,
    NULL};

/* ---- the scan ---- */

static const double scanned[] = {0.25, 0.5, 0.75, 0.9};
enum { SCANNED = sizeof scanned / sizeof *scanned };

static json_t *json_of_scan(const fr_prune_scan *scan) {
  json_t *amounts = json_array(), *layers = json_array();
  for (size_t a = 0; a < scan->amounts; a++)
    json_array_append_new(amounts, json_real(scan->amount[a]));
  for (size_t i = 0; i < scan->layers; i++) {
    json_t *accuracy = json_array();
    for (size_t a = 0; a < scan->amounts; a++)
      json_array_append_new(accuracy, json_real(scan->accuracy[i * scan->amounts + a]));
    json_array_append_new(
        layers, json_pack("{s:s, s:o}", "layer", scan->layer[i], "accuracy", accuracy));
  }
  return json_pack("{s:o, s:f, s:o, s:I}", "amounts", amounts, "before", scan->before,
                   "layers", layers, "operations", (json_int_t)scan->operations);
}

static enum fr_status tell_scan(cli_session *session, const fr_prune_scan *scan,
                                fr_error *err) {
  fr__table table;
  fr__table_init(&table, "Accuracy on the validation side with one layer pruned, before "
                         "any refinement");
  fr__table_column_add(&table, "Layer", FR__ALIGN_LEFT, false);
  fr__table_column_add(&table, "None", FR__ALIGN_RIGHT, false);
  for (size_t a = 0; a < scan->amounts; a++) {
    char title[16];
    (void)snprintf(title, sizeof title, "%g %%", 100 * scan->amount[a]);
    fr__table_column_add(&table, title, FR__ALIGN_RIGHT, false);
  }
  for (size_t i = 0; i < scan->layers; i++) {
    fr__table_add(&table, scan->layer[i]);
    fr__table_addf(&table, "%.2f %%", 100 * scan->before);
    for (size_t a = 0; a < scan->amounts; a++)
      fr__table_addf(&table, "%.2f %%", 100 * scan->accuracy[i * scan->amounts + a]);
  }
  const enum fr_status status =
      fr__table_render(&table, cli_columns(), &session->text, err);
  fr__table_release(&table);
  json_object_set_new(session->result.result, "scan", json_of_scan(scan));
  return status;
}

static enum fr_status run_scan(prune *p, cli_session *session, cli_work *work,
                               fr_net *net, fr_error *err) {
  fr_prune_scan scan;
  enum fr_status status = fr_prune_scan_run(
      net, &work->prepared.train, &work->prepared.validate, &p->training.options,
      &p->prune, scanned, SCANNED, &session->observer, &session->budget, &scan, err);
  if (status != FR_OK)
    return status;
  status = tell_scan(session, &scan, err);
  fr_prune_scan_release(&scan);
  return status;
}

/* ---- the result ---- */

static json_t *known(double value) {
  return isnan(value) ? json_null() : json_real(value);
}

static void tell_pruned(const prune *p, cli_session *session, const fr_net *net,
                        const fr_prune_result *r) {
  json_t *result = session->result.result;
  char text[160];
  fr_prune_text(&p->prune, text, sizeof text);
  json_t *pruning =
      json_pack("{s:s, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "how", text,
                "amount", r->amount, "units", (json_int_t)r->units, "units_before",
                (json_int_t)r->units_before, "weights_before",
                (json_int_t)r->weights_before, "zeros", (json_int_t)r->zeros, "tries",
                (json_int_t)r->tries, "sparse_layers", (json_int_t)r->sparse_layers,
                "product_layers", (json_int_t)r->product_layers, "pinned", r->pinned);
  json_object_set_new(pruning, "validate_before", known(r->validate_before));
  json_object_set_new(pruning, "validate_after", known(r->validate_after));
  json_object_set_new(result, "prune", pruning);
  json_object_set_new(result, "network", json_string(fr_net_text(net)));
  json_object_set_new(result, "parameters",
                      json_integer((json_int_t)fr_net_parameters(net)));
  json_object_set_new(result, "epochs", json_integer((json_int_t)r->epochs));
  json_object_set_new(result, "operations", json_integer((json_int_t)r->operations));
  json_object_set_new(result, "stop", json_string(fr_stop_name(r->stop)));
  json_object_set_new(result, "validate_accuracy", known(r->validate_after));
  char operations[48];
  cli_format_si((double)r->operations, "FLOP", operations, sizeof operations);
  fr__buf_printf(&session->text, "pruning        %s\n               %zu epoch%s, %s",
                 text, r->epochs, r->epochs == 1 ? "" : "s", operations);
  if (r->tries > 0)
    fr__buf_printf(&session->text, "; %zu amounts tried, found %g", r->tries, r->amount);
  fr__buf_printf(&session->text, "\nnetwork        %s\n", fr_net_text(net));
  if (p->prune.kind == FR_PRUNE_STRUCTURED)
    fr__buf_printf(&session->text, "units          %zu of %zu\n", r->units,
                   r->units_before);
  else
    fr__buf_printf(&session->text, "weights        %zu of %zu\n",
                   r->weights_before - r->zeros, r->weights_before);
}

/* What came of it in words: where nothing is saved, that is said. */
static void warn_of_pruned(const prune *p, cli_session *session,
                           const fr_prune_result *r) {
  if (p->prune.kind == FR_PRUNE_UNSTRUCTURED)
    fr__buf_printf(&session->text, "sparse kernel  %zu of %zu layers%s\n",
                   r->sparse_layers, r->product_layers,
                   r->sparse_layers == 0 ? ": saves memory only" : "");
  if (p->prune.kind == FR_PRUNE_UNSTRUCTURED && r->sparse_layers == 0)
    cli_warn(&session->result,
             "sparse kernel: none of %zu layers: saves memory only, not time or energy",
             r->product_layers);
  if (p->prune.kind == FR_PRUNE_STRUCTURED && r->units_before == 0)
    cli_warn(&session->result,
             "there are no units that could be taken out: it was only trained on");
  if (r->pinned[0] != '\0')
    cli_warn(&session->result,
             "left whole, since they are tied to attention, to the input or to the "
             "classes: %s",
             r->pinned);
  if (p->prune.until > 0 && r->amount == 0)
    cli_warn(&session->result,
             "no amount that was tried keeps the accuracy within %g points: the model "
             "stays as it was",
             p->prune.until);
}

/* What was not said is the model's, or usual. --epochs is the refinement's, unless the
 * whole is trained again. */
static void fill_options(const fr_model *model, prune *p) {
  fr_train_options *o = &p->training.options;
  if (o->seed == SEED_OF_MODEL)
    o->seed = model->seed;
  if (o->epochs > 0 && p->prune.how != FR_PRUNE_REWIND)
    p->prune.epochs = o->epochs;
  if (o->epochs == 0 || p->prune.how != FR_PRUNE_REWIND)
    o->epochs = o->epochs > fr_train_default_options().epochs
                    ? o->epochs
                    : fr_train_default_options().epochs;
}

static enum fr_status clone(const fr_net *net, fr_net **out, fr_error *err) {
  enum fr_status status =
      fr_net_new(fr_net_text(net), fr_net_input(net), fr_net_classes(net), out, err);
  return status == FR_OK ? fr_net_copy(*out, net, fr_net_layer_count(net), err) : status;
}

static enum fr_status prune_and_finish(prune *p, cli_session *session, cli_work *work,
                                       const fr_model *model, fr_error *err) {
  static const char *const comparing[] = {"before", "after", "scan", NULL};
  fr_net *after = NULL;
  fr_prune_result result;
  enum fr_status status = clone(model->net, &after, err);
  if (status == FR_OK)
    status = fr_prune_train(&after, &work->prepared.train, &work->prepared.validate,
                            &p->training.options, &p->prune, &session->observer,
                            &session->budget, &result, err);
  if (status == FR_OK) {
    tell_pruned(p, session, after, &result);
    warn_of_pruned(p, session, &result);
    session->aside = comparing;
    cli_compared pair[2] = {{.net = model->net, .phase = "before"},
                            {.net = after, .phase = "after"}};
    status = cli_compare_finish(pair, work, session, &p->training, model, err);
  }
  fr_net_free(after);
  return status;
}

static enum fr_status run(cli_session *session, prune *p, fr_error *err) {
  fr_model model = {0};
  cli_work work = {0};
  cli_trainer trainer = {.session = session, .training = &p->training};
  const bool alone = p->scan && p->training.model == NULL;
  enum fr_status status = fr_model_load(&model, p->source, err);
  if (status == FR_OK) {
    session->past = model.provenance;
    if (model.scheme != FR_SCHEME_F32)
      cli_warn(&session->result,
               "'%s' is in %s: its weights are pruned in float32, and it is that "
               "which before tells of",
               p->source, fr_scheme_name(model.scheme));
    fill_options(&model, p);
    status = cli_work_open(&work, session, &p->input, model.seed, &model, err);
  }
  if (status == FR_OK)
    status = cli_trainer_start(&trainer, &work, &p->input, NULL, model.net, err);
  if (status == FR_OK && p->scan)
    status = run_scan(p, session, &work, model.net, err);
  if (status == FR_OK)
    status = alone ? cli_session_measured(session, err)
                   : prune_and_finish(p, session, &work, &model, err);
  cli_trainer_release(&trainer);
  cli_work_release(&work);
  fr_model_release(&model);
  return status;
}

int cli_cmd_prune(int argc, char **argv) {
  prune p = {.training.options = fr_train_default_options(),
             .prune = fr_prune_default_options()};
  p.training.options.epochs = 0;
  p.training.options.seed = SEED_OF_MODEL;
  argp_parse(&argp, argc, argv, 0, NULL, &p);
  fr_error err = {0};
  cli_session session;
  if (cli_check_outputs(&p.output, p.training.model, &err) != FR_OK)
    return cli_fail(&err);
  if (cli_session_start(&session, "prune", p.source, argc, argv, &p.output, &err) !=
      FR_OK)
    return cli_fail(&err);
  const enum fr_status status = run(&session, &p, &err);
  return cli_session_end(&session, status, &err);
}
