/* SPDX-License-Identifier: Apache-2.0 */
/* train --onto MODEL: from scratch, or the model extended? The rules of docs/adapt.md. */
#ifndef FR_CLI_ONTO_H
#define FR_CLI_ONTO_H

#include "frugal/base.h"

#define CLI_ONTO_TEXT 320 /* bytes of a reason */

/* The rules, in the order in which they are asked; the first that holds decides. */
enum cli_onto_rule {
  CLI_ONTO_INPUT,    /* scratch: the data's numbers are not those that the model takes */
  CLI_ONTO_TASK,     /* scratch: classes of another task */
  CLI_ONTO_HEAD,     /* scratch: the network has no output layer that can grow */
  CLI_ONTO_NO_NEW,   /* scratch: the model knows every class of the data */
  CLI_ONTO_KEEP,     /* extend: the data lacks old classes; from scratch they are lost */
  CLI_ONTO_FEW_OLD,  /* scratch: what was learned of so few classes is not enough */
  CLI_ONTO_MORE_NEW, /* scratch: so many classes are new that what was learned of the old
                        ones is not enough */
  CLI_ONTO_CHEAPER,  /* scratch: it costs no more */
  CLI_ONTO_EXTEND,   /* extend: what is left */
};
#define CLI_ONTO_RULES 9

/* With fewer old classes, or more new ones for each old one, all is trained anew; both
 * were measured (docs/adapt.md). */
#define CLI_ONTO_FEWEST_OLD 3
#define CLI_ONTO_MOST_NEW 3.0

/* What the model and the data's training side have. */
typedef struct cli_onto_facts {
  const char *model;    /* its path */
  const char *unlike;   /* what is not alike in their numbers; NULL: they are alike */
  const char *headless; /* why the network cannot grow; NULL: it can */
  bool other_task;
  size_t old_classes; /* of the model */
  size_t old_here;    /* of them, in the data */
  size_t new_classes; /* of the data, that the model does not know */
  bool old_elsewhere; /* the data that the model was trained on can be read */
  size_t old_samples, new_samples, validate_samples;
  size_t fewest;            /* samples of the new class that has fewest */
  size_t epochs;            /* that training takes from scratch */
  bool epochs_known;        /* by the model's own training; else at most so many */
  uint64_t forward;         /* FLOP of a sample through the model */
  uint64_t scratch_forward; /* through the network that would be trained from scratch */
  size_t head_parameters;   /* of the grown output layer */
  size_t head_epochs, refine_epochs; /* that extending takes, at most */
  size_t replay;                     /* samples of each old class that it trains on */
} cli_onto_facts;

typedef struct cli_onto_decision {
  bool extend;
  enum cli_onto_rule rule;
  /* FLOP, estimated; 0: not known. Extending: at most. */
  double scratch_operations, extend_operations;
  char reason[CLI_ONTO_TEXT]; /* a sentence or two, with figures */
} cli_onto_decision;

/* "input", "task", "head", "no-new", "keep", "few-old", "more-new", "cheaper", "extend".
 */
const char *cli_onto_rule_name(enum cli_onto_rule rule);
void cli_onto_decide(const cli_onto_facts *facts, cli_onto_decision *out);

#endif
