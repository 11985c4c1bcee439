/* SPDX-License-Identifier: Apache-2.0 */
/* Each look at a test side is logged in the store: what is looked at, by which network.
 */
#ifndef FR_STUDY_OPENING_H
#define FR_STUDY_OPENING_H

#include "frugal/store.h"
#include "frugal/train.h"

#include <jansson.h>

/* What is tested. */
typedef struct fr__opened {
  const fr_dataset *data; /* that `prepared` was made of */
  const fr_prepared *prepared;
  enum fr_task task;
  const char *split; /* as it was told */
  size_t fold;       /* the first is 0 */
} fr__opened;

#define FR__OPENING_HEX 17 /* 16 hexadecimal digits and a NUL */

void fr__opening_protocol(const fr__opened *opened, char hex[FR__OPENING_HEX]);
/* Of text and weights. */
void fr__opening_model(const fr_net *net, char hex[FR__OPENING_HEX]);
/* "activity, split subject:1,6; windows of 400 steps, 200 apart, 50 Hz; 812 of them"; the
 * caller's (free); NULL without memory. */
char *fr__opening_terms(const fr__opened *opened);

/* A cell may run where there is no store: {protocol, data, terms, model}, a new
 * reference. */
json_t *fr__opening_json(const fr__opened *opened, const fr_net *net);
/* Logs what the cell `run` found, as its result says, and puts key openings into its
 * test: null where the store could not take it, which ends no study. */
void fr__opening_of_cell(fr_store *store, int64_t run, json_t *result);

#endif
