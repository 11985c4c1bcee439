/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the study share: the configuration, the plan, a cell's run and the
 * JSON that they hand on. */
#ifndef FR_STUDY_STUDY_H
#define FR_STUDY_STUDY_H

#include "frugal/adapt.h"
#include "frugal/carbon.h"
#include "frugal/data.h"
#include "frugal/meter.h"
#include "frugal/study.h"
#include "frugal/train.h"

#include <jansson.h>

#define FR__STUDY_LIST 64     /* ceiling of every list in a study file */
#define FR__STUDY_REPEATS 100 /* ceiling of repeats */
#define FR__STUDY_KEY 17      /* 16 hexadecimal digits and a NUL */
#define FR__STUDY_SCRATCH "scratch"

/* ---- the configuration: what the YAML says (docs/study.md) ---- */

typedef struct fr__study_data {
  char *code; /* "M": a letter of the cells' names */
  char *name; /* "MotionSense" */
  char *spec; /* as written */
  char *open; /* with $FRUGAL_DATA replaced; owned beside what libcyaml owns */
  char *task, *split, *validate;
  unsigned window, step; /* samples */
} fr__study_data;

typedef struct fr__study_net {
  char *code; /* "B" */
  char *name; /* "big" */
  char *arch; /* a preset or the layers; NULL: the name is the preset */
} fr__study_net;

typedef struct fr__study_mechanism { /* what is NULL or 0 is the study's */
  char *name;                        /* "append" */
  char **with; /* names of others that it is made of; then it says nothing else */
  unsigned with_count;
  char *kind;   /* of transfer: "append", "replace"; NULL: the name is the kind */
  char *head;   /* NULL: adapt's */
  char *freeze; /* "all", "auto" or a count of layers; NULL: "all" */
  float refine, decay;
  unsigned cut, unfreeze;
  char *network; /* code of a network in the place of the cell's */
  char *arch;    /* layers in its place */
  char *teacher; /* code of the network whose outputs are learned, too */
  float distill, temperature;
  unsigned epochs, batch, patience;
  float learning_rate;
  char *schedule, *precision, *augment, *normalize, *prune, *quantize;
  bool balanced;
} fr__study_mechanism;

typedef struct fr__study_group {
  char *name, *title, *note;
  char **data; /* codes */
  unsigned data_count;
  char **networks; /* codes; none: all */
  unsigned networks_count;
  char **mechanisms; /* names, "scratch" apart */
  unsigned mechanisms_count;
  char *source; /* "other" (the default) or the code of a data set */
  bool pairs;   /* of each two mechanisms that go together, too */
} fr__study_group;

typedef struct fr__study_claim {
  char *text, *group, *mechanism;
  char *phase;    /* "train", "test" */
  char *quantity; /* "program": of the ratios */
  char **data;    /* codes; none: all of the group */
  unsigned data_count;
  char **networks;
  unsigned networks_count;
  double range[2];
} fr__study_claim;

typedef struct fr__study_training {
  char *precision; /* NULL: f32 */
  unsigned epochs, batch, patience;
  float learning_rate;
} fr__study_training;

struct fr_study {
  char *name, *description;
  enum fr_train_precision precision; /* of every cell; checked */
  unsigned repeats, seed;
  fr__study_net *networks;
  unsigned networks_count;
  fr__study_data *data;
  unsigned data_count;
  fr__study_mechanism *mechanisms;
  unsigned mechanisms_count;
  fr__study_group *groups;
  unsigned groups_count;
  fr__study_claim *claims;
  unsigned claims_count;
  fr__study_training *training;
  char *intensity;
  double pue;
};

/* SIZE_MAX where no entry has that code or name. */
size_t fr__study_find_data(const fr_study *study, const char *code);
size_t fr__study_find_net(const fr_study *study, const char *code);
size_t fr__study_find_mechanism(const fr_study *study, const char *name);
/* As it is named, else what its kind of data is for. */
const char *fr__study_task(const fr__study_data *data);
/* An entry as adapt takes it. */
fr_transfer_options fr__study_transfer(const fr__study_mechanism *mechanism);
fr_train_options fr__study_train_options(const fr_study *study);
/* Where `group` takes networks for `data` from: an index into study->data; SIZE_MAX where
 * it names none. */
size_t fr__study_source(const fr_study *study, const fr__study_group *group, size_t data);
/* The nets of a group: all, where it names none. */
size_t fr__study_group_net(const fr_study *study, const fr__study_group *group, size_t i);
size_t fr__study_group_nets(const fr_study *study, const fr__study_group *group);

/* The line of the last place where `word` stands on its own (names are declared before
 * they are used, and it is the use that is wrong); 0 where it stands nowhere. */
unsigned fr__study_line(const char *yaml, const char *word);
/* Checks what the schema cannot, and fills defaults; `name` and `yaml` are for messages.
 */
enum fr_status fr__study_check(const char *name, const char *yaml, fr_study *study,
                               fr_error *err);

/* ---- the gauge: one meter for the whole study, read around each piece of work ---- */

typedef struct fr__gauge fr__gauge;

enum fr_status fr__gauge_new(const fr_cpu_power *cpu, fr__gauge **out, fr_error *err);
void fr__gauge_free(fr__gauge *gauge);
/* As fr_observer takes them; self is the gauge. */
void fr__gauge_phase_begin(void *gauge, const char *name);
void fr__gauge_phase_end(void *gauge);
/* Figures since the start; release the report. */
enum fr_status fr__gauge_read(fr__gauge *gauge, fr_meter_report *out, fr_error *err);
/* after - before: totals and phases; release it as a report. */
enum fr_status fr__gauge_difference(const fr_meter_report *before,
                                    const fr_meter_report *after, fr_meter_report *out,
                                    fr_error *err);
/* a - b of two readings of one sensor; bounds stay in proportion to the value. */
fr_measure fr__measure_difference(fr_measure a, fr_measure b);
/* What the sampling thread saw last. */
fr_power_sample fr__gauge_last(fr__gauge *gauge);
/* From now on energies read are a part of 1 / `jobs` of the machine's, which as many
 * processes share, with all of it as upper bound. */
void fr__gauge_share(fr__gauge *gauge, size_t jobs);
/* The samples since the last call; the caller's (free). */
fr_store_sample *fr__gauge_take(fr__gauge *gauge, size_t *count);
/* Stores them under `run`. */
enum fr_status fr__gauge_flush(fr__gauge *gauge, fr_store *store, int64_t run,
                               fr_error *err);

/* ---- the plan ---- */

typedef struct fr__samples { /* of one fold, normalised in one way */
  fr_prepared prepared;
  size_t fold;                              /* SIZE_MAX: nothing is prepared */
  fr_measure program, energy, core_seconds; /* that cutting and normalising took, once */
} fr__samples;

typedef struct fr__study_set { /* a data set, opened once */
  fr_dataset *data;
  fr__samples plain; /* as all cells take it that do not say otherwise */
  size_t folds;
} fr__study_set;

#define FR__NORMALIZED 8 /* samples of other normalisations that are kept, at most */

typedef struct fr__normalized { /* a data set under another normalisation */
  fr__samples samples;
  size_t data; /* of the study */
  enum fr_normalize how;
  size_t bytes;
  uint64_t used; /* the later, the greater; 0: nothing is here */
} fr__normalized;

typedef struct fr__study_cell { /* (data, net, mechanism), run `repeats` times */
  size_t data, net;
  size_t mechanism;  /* SIZE_MAX: from scratch */
  size_t source;     /* the cell whose network is transferred; SIZE_MAX */
  size_t teacher;    /* the cell whose network is learned from; SIZE_MAX */
  size_t twin;       /* the first cell that comes to the same; SIZE_MAX: itself */
  bool is_source;    /* its network is kept for others */
  double seconds;    /* of the repeat run last; 0: none yet */
  double operations; /* of training, at most; 0: not known (budget.c) */
} fr__study_cell;

typedef struct fr__study_run { /* one repeat of a cell */
  char key[FR__STUDY_KEY];
  json_t *result; /* owned; NULL: to be run */
  int64_t id;     /* in the store */
  bool reused;
  bool running;
  bool elsewhere;      /* run by another process than that of the study's meter */
  uint64_t started_ns; /* monotonic */
} fr__study_run;

typedef struct fr__plan {
  const fr_study *study;
  const fr_study_options *options;
  fr__gauge *gauge;
  fr__study_set *set; /* (study->data_count) */
  fr__normalized normalized[FR__NORMALIZED];
  fr__study_cell *cell; /* (cells): sources before what needs them */
  size_t cells;
  fr__study_run *run; /* (repeats, cells) */
  char *models;       /* folder of networks that are sources */
  fr_cpu_power cpu;
  char host[64];
  int64_t parent; /* the study's run */
  size_t done, reused;
  uint64_t told_ns;      /* when progress was told last */
  enum fr_source source; /* of the sensor */
  size_t now; /* index of the run that is going on; SIZE_MAX: none, or several */
  double now_done;
  size_t jobs;   /* runs side by side, each in another process; 1: in this one */
  size_t *cores; /* (core_count) CPUs of the jobs in turn; owned */
  size_t core_count;
  char label[160];
} fr__plan;

/* Cells without duplicates, in order; no data is read. */
enum fr_status fr__plan_cells(fr__plan *plan, fr_error *err);
void fr__plan_release(fr__plan *plan);
/* The cell of a group; SIZE_MAX where there is none. `mechanism` SIZE_MAX: scratch. */
size_t fr__plan_find(const fr__plan *plan, size_t data, size_t net, size_t mechanism,
                     size_t source_data);
/* Opens the data, computes keys and takes what the store holds. */
enum fr_status fr__plan_open(fr__plan *plan, fr_error *err);
/* Samples of the repeat's fold under that normalisation, borrowed: until the next call
 * they are there. */
enum fr_status fr__plan_prepare(fr__plan *plan, size_t data, size_t repeat,
                                enum fr_normalize how, const fr__samples **out,
                                fr_error *err);
/* Tells progress; false where the study is to stop. */
bool fr__plan_go_on(fr__plan *plan);
void fr__plan_label(fr__plan *plan, size_t run);
/* The run of the same repeat that `cell` (a source, a teacher) is; NULL: SIZE_MAX. */
fr__study_run *fr__plan_needed(const fr__plan *plan, size_t run, size_t cell);
/* Whether the networks that it needs are trained. */
bool fr__plan_is_ready(const fr__plan *plan, size_t run);
/* "RMB": phase letter, data, net; caller's array. */
void fr__cell_name(const fr_study *study, char phase, size_t data, size_t net,
                   char name[48]);
const char *fr__cell_mechanism(const fr_study *study, const fr__study_cell *cell);
/* Path of the kept network of a run; the caller's (free). */
char *fr__plan_model(const fr__plan *plan, const char *key);

/* ---- a cell's run ---- */

#define FR__BILL_CEILING 20 /* measurements of one piece of work, at most */

/* Measurements of one piece of work that is done again until its cost is known. */
typedef struct fr__bill {
  fr_measure energy, program, core_seconds; /* sums */
  double duration_s;                        /* sum */
  double core_s[FR__BILL_CEILING];          /* each */
  size_t count;
} fr__bill;

/* Adds what lies between two readings, as the mean of `times` equal pieces. */
void fr__bill_add(fr__bill *tally, const fr_meter_report *before,
                  const fr_meter_report *after, size_t times);
/* Width of the 95 % interval of the mean core-seconds, in relation to it; NAN below two.
 */
double fr__bill_spread(const fr__bill *tally);
/* Whether measuring may end: the piece is long, its cost known to 5 %, or a ceiling met.
 */
bool fr__bill_enough(const fr__bill *tally);
/* Writes mean program, energy, core_seconds (times `factor`), repetitions and spread. */
void fr__bill_write(const fr__bill *tally, double factor, json_t *to);

/* Writes what `run` is called in this study: names, codes, parts. */
void fr__cell_tell(const fr__plan *plan, size_t run, json_t *to);
/* Trains and tests; *out is the cell's JSON (docs/study.md), the caller's. */
enum fr_status fr__cell_run(fr__plan *plan, size_t run, json_t **out, fr_error *err);

/* What was spent since a reading, phases included, as JSON. */
enum fr_status fr__spent_since(fr__gauge *gauge, const fr_meter_report *before,
                               json_t **out, fr_error *err);
json_t *fr__json_spent(const fr_meter_report *spent);

/* ---- the aggregate ---- */

/* A figure of a run by path ("train.program"): its value, NAN where it is not known. */
double fr__row_value(const json_t *run, const char *path);
/* Values of all repeats of a cell, NAN where unknown; values is (repeats). */
void fr__cell_values(const fr__plan *plan, size_t cell, const char *path, double *values);
/* Values of a ratio's quantity: paired, of the transferred cell and of its scratch pair.
 */
typedef struct fr__pair {
  size_t of, to; /* cells */
  char phase;    /* 'R' or 'E' */
  const char *group;
} fr__pair;
/* In points of 0.01; else a ratio. */
bool fr__pair_is_difference(const char *name);
/* Names of all quantities of that phase, NULL-terminated. */
const char *const *fr__pair_quantities(char phase);
/* Both sides of the repeats that know it; arrays of FR__STUDY_REPEATS + 1. */
size_t fr__pair_values(const fr__plan *plan, const fr__pair *pair, const char *name,
                       double *of, double *to);
bool fr__pair_interval(const fr__plan *plan, const fr__pair *pair, const char *quantity,
                       fr_interval *out);

json_t *fr__aggregate_cells(const fr__plan *plan);
json_t *fr__aggregate_ratios(const fr__plan *plan);
json_t *fr__aggregate_break_even(const fr__plan *plan);
json_t *fr__aggregate_claims(const fr__plan *plan);
json_t *fr__aggregate_settings(const fr__plan *plan);
json_t *fr__aggregate_groups(const fr_study *study);
json_t *fr__aggregate_runs(const fr__plan *plan);
/* Puts phases, grams, intensity, equivalents, machine and warnings beside. */
enum fr_status fr__aggregate(const fr__plan *plan, json_t **out, fr_error *err);
/* Calls `each` for every transferred cell of every group and phase. */
void fr__each_pair(const fr__plan *plan, void (*each)(void *self, const fr__pair *pair),
                   void *self);

/* ---- JSON and statistics ---- */

json_t *fr__json_measure(fr_measure m); /* null where it is absent */
bool fr__json_measure_read(const json_t *object, fr_measure *out);
/* A number, or null where it is not finite. */
json_t *fr__json_number(double x);

#endif
