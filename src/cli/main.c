/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "frugal/base.h"

int main(void) {
  puts("frugal " FR_VERSION);
  return 0;
}
