/* SPDX-License-Identifier: Apache-2.0 */
#include "frugal/scheme.h"

#include <string.h>

#include "nn/word.h"

static const char *const names[FR_SCHEMES] = {
    [FR_SCHEME_F32] = "f32",   [FR_SCHEME_BF16] = "bf16",
    [FR_SCHEME_F16] = "f16",   [FR_SCHEME_INT8_DYNAMIC] = "int8-dynamic",
    [FR_SCHEME_INT8] = "int8", [FR_SCHEME_INT8_AWARE] = "int8-aware"};

const char *fr_scheme_name(enum fr_scheme scheme) { return names[scheme]; }

bool fr_scheme_parse(const char *name, enum fr_scheme *out) {
  const size_t length = strlen(name);
  if (strcmp(name, "float32") == 0) {
    *out = FR_SCHEME_F32;
    return true;
  }
  for (size_t i = 0; i < FR_SCHEMES; i++)
    if (fr__word_is(name, length, names[i])) {
      *out = (enum fr_scheme)i;
      return true;
    }
  return false;
}
