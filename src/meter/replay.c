/* SPDX-License-Identifier: Apache-2.0 */
/* The meter on a recording: the same sensors and sums, another clock, no thread. */
#include <stdlib.h>

#include "base/error.h"
#include "meter/sampler.h"

#define SAMPLES_CEILING 20000000u

static void hand_on(fr__sampler *sampler, const fr_meter_options *options, bool last) {
  (void)fr__sampler_take(sampler);
  fr_power_sample sample = fr__sampler_hand_on(sampler);
  fr__step rest; /* a recording has no phases to share it */
  if (last)
    (void)fr__sampler_settle(sampler, &sample, &rest);
  if (options->sample != NULL)
    options->sample(options->self, &sample);
}

static uint64_t awake_of(fr__world *world) {
  uint64_t t_ns, awake_ns;
  fr__world_clocks(world, &t_ns, &awake_ns);
  return awake_ns;
}

/* At each interval and at the end; none while the machine slept. */
static void sample_all(fr__sampler *sampler, const fr_meter_options *options) {
  fr__world *world = sampler->world;
  const uint64_t interval_ns = (uint64_t)(sampler->interval_s * 1e9);
  const uint64_t end_ns = fr__world_end_ns(world);
  uint64_t awake_ns = awake_of(world);
  for (uint64_t t_ns = interval_ns; t_ns < end_ns; t_ns += interval_ns) {
    (void)fr__world_move(world, t_ns);
    if (awake_of(world) == awake_ns) {
      const uint64_t next_ns = fr__world_next_ns(world);
      if (next_ns < end_ns && next_ns > t_ns) /* on to the last point before it */
        t_ns += (next_ns - t_ns - 1) / interval_ns * interval_ns;
      continue;
    }
    awake_ns = awake_of(world);
    hand_on(sampler, options, false);
  }
  (void)fr__world_move(world, end_ns);
  hand_on(sampler, options, true);
}

static enum fr_status run(fr__sampler *sampler, const fr_meter_options *options,
                          fr_meter_report *report, fr_error *err) {
  fr__world_rewind(sampler->world);
  const double end_s = (double)fr__world_end_ns(sampler->world) * 1e-9;
  if (end_s / sampler->interval_s > SAMPLES_CEILING)
    return fr__fail(err, FR_ERR_LIMIT,
                    "the recording lasts %.0f s: more than %u samples, one each %g s",
                    end_s, SAMPLES_CEILING, sampler->interval_s);
  const enum fr_status status = fr__sampler_start(sampler, err);
  if (status != FR_OK)
    return status;
  sample_all(sampler, options);
  return fr__sampler_report(sampler, report, err);
}

enum fr_status fr_meter_replay(const fr_meter_options *options, const char *folder,
                               fr_meter_report *report, fr_error *err) {
  fr__world *world = NULL;
  enum fr_status status = fr__world_new_replay(folder, &world, err);
  if (status != FR_OK)
    return status;
  fr__sampler *sampler = calloc(1, sizeof *sampler);
  if (sampler == NULL) {
    fr__world_free(world);
    return fr__fail_memory(err, "a replay");
  }
  fr_meter_report filled = {0};
  status = fr__sampler_init(sampler, options, world, err);
  if (status == FR_OK)
    status = run(sampler, options, &filled, err);
  fr__sampler_release(sampler);
  free(sampler);
  if (status == FR_OK)
    *report = filled;
  else
    fr_meter_report_release(&filled);
  return status;
}
