/* SPDX-License-Identifier: Apache-2.0 */
#include "frugal/intensity.h"

#include <stdio.h>
#include <string.h>

#include "carbon/source.h"

static const char *const factors[] = {"", "direct", "life-cycle"};
static const char *const signals[] = {"", "average", "marginal"};
static const char *const bases[] = {"", "location-based", "market-based"};

void fr_scope_text(fr_scope scope, char text[FR_SCOPE_TEXT]) {
  const char *const words[] = {factors[scope.factor], signals[scope.signal],
                               bases[scope.basis]};
  size_t used = 0;
  text[0] = '\0';
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (*words[i] != '\0')
      used += (size_t)snprintf(text + used, FR_SCOPE_TEXT - used, "%s%s",
                               used > 0 ? ", " : "", words[i]);
  if (used == 0)
    (void)snprintf(text, FR_SCOPE_TEXT, "not told");
}

bool fr__factor_read(const char *text, size_t length, enum fr_factor *out) {
  static const struct {
    const char *word;
    enum fr_factor factor;
  } words[] = {{"lifecycle", FR_FACTOR_LIFECYCLE},
               {"life-cycle", FR_FACTOR_LIFECYCLE},
               {"direct", FR_FACTOR_DIRECT}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strlen(words[i].word) == length && memcmp(words[i].word, text, length) == 0) {
      *out = words[i].factor;
      return true;
    }
  return false;
}

bool fr_scope_same(fr_scope a, fr_scope b) {
  return a.factor == b.factor && a.signal == b.signal && a.basis == b.basis;
}
