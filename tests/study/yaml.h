/* SPDX-License-Identifier: Apache-2.0 */
/* Small studies, as text. */
#ifndef TESTS_STUDY_YAML_H
#define TESTS_STUDY_YAML_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "study/study.h"

/* Two data sets, two networks, two ways of transfer; line numbers matter to test_config.
 */
#define YAML_HEAD                                                                        \
  "name: tiny\n"                                                                         \
  "repeats: 2\n"                                                                         \
  "training: {epochs: 4, patience: 2, batch: 32}\n"                                      \
  "intensity: table:DE\n"                                                                \
  "networks:\n"                                                                          \
  "  - {code: B, name: big, arch: 'dense(16) relu dense(classes)'}\n"                    \
  "  - {code: S, name: small, arch: 'dense(6) relu dense(classes)'}\n"
#define YAML_DATA                                                                        \
  "data:\n"                                                                              \
  "  - {code: M, name: Walkers, spec: 'synthetic:subjects=3&trials=3&seconds=24"         \
  "&features=extrasensory', split: 'time:0.7'}\n"                                        \
  "  - {code: E, name: Others, spec: 'synthetic:subjects=4&trials=3&seconds=24&seed=9"   \
  "&features=extrasensory', split: 'time:0.7'}\n"
#define YAML_GROUPS                                                                      \
  "mechanisms:\n"                                                                        \
  "  - {name: append}\n"                                                                 \
  "  - {name: today, kind: replace, freeze: 0, refine: 0.1}\n"                           \
  "groups:\n"                                                                            \
  "  - {name: poster, data: [M, E], mechanisms: [append]}\n"                             \
  "  - {name: now, data: [M], networks: [S], mechanisms: [today], source: E}\n"
#define YAML_CLAIMS                                                                      \
  "claims:\n"                                                                            \
  "  - {text: training takes less, group: poster, mechanism: append, phase: train,\n"    \
  "     quantity: program, range: [0.07, 0.26]}\n"                                       \
  "  - {text: accuracy stays, group: poster, mechanism: append, phase: test,\n"          \
  "     quantity: accuracy_difference, data: [M], range: [-5, 5]}\n"
#define YAML_TINY YAML_HEAD YAML_DATA YAML_GROUPS YAML_CLAIMS

static inline fr_study *yaml_study(const char *text) {
  fr_study *study = NULL;
  fr_error err = {0};
  if (fr_study_parse("tiny.yaml", text, strlen(text), &study, &err) != FR_OK)
    fail_msg("%s", err.text);
  return study;
}

#endif
