/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/onto.h"

#include <stdarg.h>
#include <stdio.h>

/* A training step computes a sample forward once and backward about twice. */
#define STEP 3.0

const char *cli_onto_rule_name(enum cli_onto_rule rule) {
  static const char *const names[CLI_ONTO_RULES] = {
      [CLI_ONTO_INPUT] = "input",       [CLI_ONTO_TASK] = "task",
      [CLI_ONTO_HEAD] = "head",         [CLI_ONTO_NO_NEW] = "no-new",
      [CLI_ONTO_KEEP] = "keep",         [CLI_ONTO_FEW_OLD] = "few-old",
      [CLI_ONTO_MORE_NEW] = "more-new", [CLI_ONTO_CHEAPER] = "cheaper",
      [CLI_ONTO_EXTEND] = "extend",
  };
  return names[rule];
}

/* ---- what each way costs ---- */

static double scratch_operations(const cli_onto_facts *f) {
  const double train = (double)(f->old_samples + f->new_samples);
  return (double)f->epochs * (double)f->scratch_forward *
         (STEP * train + (double)f->validate_samples);
}

/* Samples of old classes that extending trains on. */
static double replayed(const cli_onto_facts *f) {
  const double most = (double)f->replay * (double)f->old_here;
  return most < (double)f->old_samples ? most : (double)f->old_samples;
}

/* Features of all samples once, the head on them, and the second stage as if it ran to
 * its end. */
static double extend_operations(const cli_onto_facts *f) {
  const double all = (double)(f->old_samples + f->new_samples + f->validate_samples);
  const double used = replayed(f) + (double)f->new_samples;
  const double features = (double)f->forward * all;
  const double head = (double)f->head_epochs * 2 * (double)f->head_parameters *
                      (STEP * used + (double)f->validate_samples);
  const double refine = (double)f->refine_epochs * (double)f->forward *
                        (STEP * used + (double)f->validate_samples);
  return features + head + refine;
}

/* ---- the rules ---- */

static enum cli_onto_rule first_rule(const cli_onto_facts *f,
                                     const cli_onto_decision *d) {
  if (f->unlike != NULL)
    return CLI_ONTO_INPUT;
  if (f->other_task)
    return CLI_ONTO_TASK;
  if (f->headless != NULL)
    return CLI_ONTO_HEAD;
  if (f->new_classes == 0)
    return CLI_ONTO_NO_NEW;
  if (f->old_here < f->old_classes)
    return CLI_ONTO_KEEP;
  if (f->old_classes < CLI_ONTO_FEWEST_OLD)
    return CLI_ONTO_FEW_OLD;
  if ((double)f->new_classes > CLI_ONTO_MOST_NEW * (double)f->old_classes)
    return CLI_ONTO_MORE_NEW;
  if (d->scratch_operations <= d->extend_operations)
    return CLI_ONTO_CHEAPER;
  return CLI_ONTO_EXTEND;
}

/* ---- the reason ---- */

static const char *plural(size_t n) { return n == 1 ? "" : "es"; }

static void say(cli_onto_decision *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(cli_onto_decision *d, const char *format, ...) {
  va_list values;
  va_start(values, format);
  (void)vsnprintf(d->reason, sizeof d->reason, format, values);
  va_end(values);
}

static void say_keep(const cli_onto_facts *f, cli_onto_decision *d) {
  const size_t lost = f->old_classes - f->old_here;
  say(d,
      "the data lacks %zu of the %zu classes that '%.80s' knows, and a network trained "
      "from scratch on it would not know them; %s",
      lost, f->old_classes, f->model,
      f->old_elsewhere ? "their samples come from the data that it was trained on"
                       : "no samples of them are at hand, so some of them will be "
                         "forgotten");
}

static void say_costs(const cli_onto_facts *f, cli_onto_decision *d) {
  const double share = 100 * d->extend_operations / d->scratch_operations;
  if (d->rule == CLI_ONTO_CHEAPER)
    say(d,
        "with %zu samples and %s%zu epochs training from scratch takes about %.3g FLOP, "
        "extending '%.80s' up to %.3g",
        f->old_samples + f->new_samples, f->epochs_known ? "the model's " : "at most ",
        f->epochs, d->scratch_operations, f->model, d->extend_operations);
  else
    say(d,
        "%zu new class%s (%zu samples, %zu of the rarest) beside %zu known ones: "
        "extending '%.80s' takes at most %.0f %% of the operations of training all %zu "
        "from scratch for %s%zu epochs",
        f->new_classes, plural(f->new_classes), f->new_samples, f->fewest, f->old_classes,
        f->model, share, f->old_classes + f->new_classes,
        f->epochs_known ? "the model's " : "at most ", f->epochs);
}

static void say_why(const cli_onto_facts *f, cli_onto_decision *d) {
  switch (d->rule) {
  case CLI_ONTO_INPUT:
    say(d, "what '%.80s' has learned is of other numbers: %.160s", f->model, f->unlike);
    break;
  case CLI_ONTO_TASK:
    say(d, "the classes of '%.80s' are of another task", f->model);
    break;
  case CLI_ONTO_HEAD: say(d, "'%.80s' cannot grow: %.160s", f->model, f->headless); break;
  case CLI_ONTO_NO_NEW:
    say(d,
        "'%.80s' knows every class of the data already (%zu of its %zu); to adjust it to "
        "them is a transfer",
        f->model, f->old_here, f->old_classes);
    break;
  case CLI_ONTO_KEEP: say_keep(f, d); break;
  case CLI_ONTO_FEW_OLD:
    say(d,
        "'%.80s' knows %zu class%s: what was learned of fewer than %d tells too little "
        "of %zu more, and samples of all are at hand",
        f->model, f->old_classes, plural(f->old_classes), CLI_ONTO_FEWEST_OLD,
        f->new_classes);
    break;
  case CLI_ONTO_MORE_NEW:
    say(d,
        "%zu classes are new and %zu are known: with more than %g new ones for each of "
        "them most of what '%.80s' is to tell it has yet to learn, and samples of all "
        "are at hand",
        f->new_classes, f->old_classes, CLI_ONTO_MOST_NEW, f->model);
    break;
  case CLI_ONTO_CHEAPER:
  case CLI_ONTO_EXTEND:
  default: say_costs(f, d); break;
  }
}

void cli_onto_decide(const cli_onto_facts *facts, cli_onto_decision *out) {
  *out = (cli_onto_decision){0};
  if (facts->unlike == NULL && facts->old_samples + facts->new_samples > 0) {
    out->scratch_operations = scratch_operations(facts);
    out->extend_operations = extend_operations(facts);
  }
  out->rule = first_rule(facts, out);
  out->extend = out->rule == CLI_ONTO_KEEP || out->rule == CLI_ONTO_EXTEND;
  say_why(facts, out);
}
