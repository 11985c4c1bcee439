/* SPDX-License-Identifier: Apache-2.0 */
/* Spikes of a metered run and who caused them: the search, and the CPU time of processes
 * in the last minutes, which a spike that is found is compared with. */
#ifndef FR_CLI_SPIKING_H
#define FR_CLI_SPIKING_H

#include <jansson.h>

#include "base/buf.h"
#include "cli/marks.h"
#include "cli/spike_users.h"
#include "frugal/frugal.h"
#include "frugal/power.h"
#include "frugal/processes.h"

#define CLI_SPIKES 256 /* kept; further ones are counted */
#define CLI_SPIKE_CAUSES 5

typedef struct cli_cause {
  char name[64];
  int64_t pid; /* 0: several processes of that name, each of them short */
  double share, confidence;
} cli_cause;

/* A phase in which the program's own CPU time rose. */
typedef struct cli_cause_phase {
  char path[CLI_MARK_PATH];
  double share, confidence;
} cli_cause_phase;

typedef struct cli_spike {
  fr_spike spike;
  cli_cause cause[CLI_SPIKE_CAUSES];
  size_t causes;
  cli_cause_phase phase[CLI_SPIKE_CAUSES];
  size_t phases;
} cli_spike;

typedef struct cli_spiking {
  fr_spikes *search;
  cli_spike *found; /* (CLI_SPIKES) owned */
  size_t count;
  size_t more; /* found beyond those */
  cli_users user;
  cli_users phase; /* pid is the marks' row, name its number */
  size_t bins;
  size_t bin;                       /* that processes were last added to */
  const cli_marks *marks;           /* they are of; NULL: none */
  double row_core_s[CLI_MARK_ROWS]; /* of the marks' rows, when they were last seen */
  double t_s[CLI_SPIKE_BINS + 1];
} cli_spiking;

enum fr_status cli_spiking_init(cli_spiking *spiking, enum fr_source source,
                                fr_error *err);
void cli_spiking_release(cli_spiking *spiking);

/* Who ran up to t_s since the call before. */
void cli_spiking_use(cli_spiking *spiking, double t_s, const fr_process_use *use,
                     size_t count);
/* The phases of the time that the call before was told about; `marks` must stay. */
void cli_spiking_phases(cli_spiking *spiking, const cli_marks *marks);
/* The mean power since the sample before. */
void cli_spiking_power(cli_spiking *spiking, double t_s, double power_w);
void cli_spiking_end(cli_spiking *spiking);

/* Key `spikes`; a new reference. */
json_t *cli_spiking_json(const cli_spiking *spiking);
void cli_spiking_text(const cli_spiking *spiking, fr__buf *text);

#endif
