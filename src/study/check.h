/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that check a study share: sentences with their line. */
#ifndef FR_STUDY_CHECK_H
#define FR_STUDY_CHECK_H

#include "study/study.h"

typedef struct fr__checked { /* for messages */
  const char *name, *yaml;
  fr_study *study;
  fr_error *err;
} fr__checked;

/* "poster.yaml:12: 'X' is no …" */
enum fr_status fr__check_refuse(const fr__checked *c, const char *word, const char *why);
/* Ranges of what is 0 where it is left out. */
enum fr_status fr__check_regime(const fr__checked *c, unsigned epochs, unsigned patience,
                                unsigned batch, float learning_rate);
/* Entry `i` of `mechanisms`, whose names must all be read. */
enum fr_status fr__check_mechanism(const fr__checked *c, size_t i);

#endif
