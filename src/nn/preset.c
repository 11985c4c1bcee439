/* SPDX-License-Identifier: Apache-2.0 */
/* Networks that have a name: one text for feature vectors (one step), one for sequences.
 */
#include <string.h>

#include "frugal/nn.h"

typedef struct preset {
  const char *name;
  const char *vector;   /* NULL: not for feature vectors */
  const char *sequence; /* (T, C), T >= 8 */
} preset;

static const preset presets[] = {
    {"small", "dense(64) relu dense(classes)",
     "conv1d(32,5,pad=same) relu maxpool(2) conv1d(32,5,pad=same) relu avgpool(all) "
     "dense(classes)"},
    {"big", "dense(512) relu dropout(0.2) dense(256) relu dropout(0.2) dense(classes)",
     "conv1d(96,9,pad=same) bn relu maxpool(4) dropout(0.2) "
     "conv1d(160,5,pad=same) bn relu maxpool(2) dropout(0.3) "
     "conv1d(160,5,pad=same) bn relu avgpool(all) dropout(0.5) dense(classes)"},
    {"sain", NULL,
     "lstm(64,all) lstm(128,all) lstm(64) dense(64) relu dense(32) relu dense(classes)"},
    /* Of signs: what each few frames show, averaged over the window. Nothing is padded
       and no state is carried, so that a stream (stream.h) does one step a frame,
       exactly. */
    {"sign-small", "dense(128) relu dropout(0.3) dense(64) relu dense(classes)",
     "conv1d(64,3) bn relu dropout(0.3) conv1d(64,3,dilation=2) bn relu dropout(0.3) "
     "avgpool(all) dense(classes)"},
    {"sign-tiny", "dense(48) relu dense(classes)",
     "conv1d(24,3) bn relu dropout(0.1) conv1d(24,3,dilation=2) bn relu dropout(0.1) "
     "avgpool(all) dense(classes)"},
};

const char *fr_net_preset(const char *name, fr_shape input) {
  for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
    if (strcmp(presets[i].name, name) == 0)
      return input.steps == 1 ? presets[i].vector : presets[i].sequence;
  return NULL;
}

const char *const *fr_net_preset_names(void) {
  static const char *const names[] = {"small",      "big",       "sain",
                                      "sign-small", "sign-tiny", NULL};
  return names;
}
