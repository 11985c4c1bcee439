/* SPDX-License-Identifier: Apache-2.0 */
#include "meter/signed.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CEILING 1000000000000000

int fr__channel_signed(fr__channel *channel, int64_t *out) {
  char text[64];
  const int failed = fr__channel_text(channel, text, sizeof text);
  if (failed != 0)
    return failed;
  text[strcspn(text, "\n")] = '\0';
  char *end;
  if (!isdigit((unsigned char)text[text[0] == '-']))
    return EINVAL;
  errno = 0;
  const long long number = strtoll(text, &end, 10);
  if (*end != '\0')
    return EINVAL;
  if (errno != 0 || number > CEILING || number < -CEILING)
    return ERANGE;
  *out = number;
  return 0;
}
