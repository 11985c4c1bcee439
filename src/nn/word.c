/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/word.h"

#include <string.h>

bool fr__word_is(const char *text, size_t length, const char *name) {
  if (strlen(name) != length)
    return false;
  for (size_t i = 0; i < length; i++)
    if (text[i] != name[i] && !(text[i] == '_' && name[i] == '-'))
      return false;
  return true;
}
