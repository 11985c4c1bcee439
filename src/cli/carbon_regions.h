/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FR_CLI_CARBON_REGIONS_H
#define FR_CLI_CARBON_REGIONS_H

#include "cli/amount.h"
#include "cli/carbon.h"
#include "frugal/region.h"

typedef struct cli_region {
  fr_site site;
  fr_intensity grid; /* absent: not known */
  bool own;          /* it is the one compiled in for that region */
} cli_region;

/* A table with its sources below, and keys of the result. */
enum fr_status cli_regions_tell(const cli_region *row, size_t count, cli_result *result,
                                fr__buf *text, fr_error *err);

#endif
