/* SPDX-License-Identifier: Apache-2.0 */
/*
 * advise: which mechanism, network and precision cost the least energy over a model's
 * life, by what studies in a store have measured (docs/advise.md).
 */
#ifndef FRUGAL_ADVISE_H
#define FRUGAL_ADVISE_H

#include "frugal/study.h"

enum fr_advise_metric { FR_ADVISE_ACCURACY, FR_ADVISE_MACRO_F1 };
/* "accuracy", "macro-f1". */
bool fr_advise_metric_parse(const char *name, enum fr_advise_metric *out);
const char *fr_advise_metric_name(enum fr_advise_metric metric);

#define FR_ADVISE_NETWORKS 16 /* ceiling */

typedef struct fr_advise_options {
  const char *data;     /* SPEC */
  const char *from;     /* SPEC that a network may be transferred from; NULL: what is run
                           here transfers nothing */
  const char *task;     /* NULL: "subject" */
  const char *split;    /* NULL: the data set's own */
  const char *validate; /* NULL: "0.1" */
  size_t window, step;  /* samples; 0: 128 and 64 */
  enum fr_advise_metric metric;
  double reach;                            /* what it has to come to, a share */
  double tests;                            /* of the life */
  size_t tasks;                            /* that share what pre-training took; 0: 1 */
  const char *network[FR_ADVISE_NETWORKS]; /* presets or layers; borrowed */
  size_t networks;         /* 0: any that the store has; small and big are run */
  const char *cache;       /* of prepared data; NULL: none */
  const fr_cpu_power *cpu; /* as in fr_study_options */
} fr_advise_options;

/* A way to a model: network, mechanism, precision, regime. Energies are of the program.
 */
typedef struct fr_advice_way {
  char *network, *mechanism, *precision, *architecture; /* owned */
  char *cell;                                           /* "MB"; owned */
  int64_t study;                                        /* the newest that has it */
  size_t n;                                             /* seeds */
  fr_interval train_j;                                  /* one training */
  fr_interval before_j;  /* what came before it, this task's share; 0: nothing */
  fr_interval test_j;    /* one test */
  fr_interval life_j;    /* all of it */
  fr_interval reached;   /* the metric on the test side */
  fr_interval validated; /* accuracy on the validation side; n 0: not known, or
                            another metric is asked for */
  double parameters, operations, bytes; /* NAN: not known; operations of one test */
  bool reaches;                         /* what is asked, on both sides */
} fr_advice_way;

typedef struct fr_advice {
  fr_advice_way *way; /* owned: those that reach first, by energy of the life; then the
                         others, the nearest first */
  size_t ways, reaching;
  fr_interval apart; /* life of the second ÷ that of the first, paired by seed; n 0:
                        there is no second, or no seed of both */
  bool beyond;       /* 1 lies outside of that interval */
  double from_tests, to_tests; /* the first stays the first in between: 0, HUGE_VAL where
                                  nothing ends it */
  size_t below, above;         /* the first of fewer tests, of more; SIZE_MAX: it stays */
  char cpu[128];               /* whose figures they are */
  char sensor[64];             /* "model", "powercap" */
  bool here;                   /* it is this machine's processor */
  size_t studies, runs;        /* that were read and are counted */
  size_t elsewhere;            /* runs left out: of another processor or sensor */
  size_t otherwise; /* runs left out: these data, but cut, split or asked otherwise */
} fr_advice;

/* Reads what the store has; ways 0 where it has nothing that fits. */
enum fr_status fr_advise(fr_store *store, const fr_advise_options *options,
                         fr_advice *out, fr_error *err);
void fr_advice_release(fr_advice *advice);

/* The built-in matrix on these data (docs/advise.md), to be run by fr_study_run;
 * `intensity` NULL: the world's. */
enum fr_status fr_advise_study(const fr_advise_options *options, const char *intensity,
                               fr_study **out, fr_error *err);

#endif
