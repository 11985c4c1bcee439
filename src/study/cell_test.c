/* SPDX-License-Identifier: Apache-2.0 */
/* A cell's network, tested: how long one measurement lasts, and how many there are. */
#include "study/cell.h"

#include <math.h>

#define SHORT_TEST_S                                                                     \
  0.02 /* core-seconds that one measurement of testing lasts at least */
#define TESTS_CEILING 2000 /* calls within one measurement */

enum fr_status fr__job_test_once(fr__job *j, const fr_samples *samples,
                                 const fr_observer *observer, fr_metrics *metrics,
                                 fr_error *err) {
  const fr_loss_options *loss = &j->options.loss;
  return j->quantized != NULL
             ? fr_quantized_test(j->quantized, samples, loss, j->test_batch, observer,
                                 metrics, err)
             : fr_test(j->net, samples, loss, j->test_batch, observer, metrics, err);
}

static enum fr_status test_times(fr__job *j, size_t times, fr__bill *tally,
                                 fr_error *err) {
  fr_meter_report before = {0}, after = {0};
  enum fr_status status = fr__gauge_read(j->plan->gauge, &before, err);
  for (size_t i = 0; i < times && status == FR_OK; i++) {
    fr_metrics metrics = {0};
    status = fr__job_test_once(j, &j->data->test, &j->observer, &metrics, err);
    fr_metrics_release(&metrics);
    if (status == FR_OK && !fr__plan_go_on(j->plan))
      status = fr__job_cancelled(err);
  }
  if (status == FR_OK)
    status = fr__gauge_read(j->plan->gauge, &after, err);
  if (status == FR_OK)
    fr__bill_add(tally, &before, &after, times);
  fr_meter_report_release(&before);
  fr_meter_report_release(&after);
  return status;
}

enum fr_status fr__job_test(fr__job *j, fr__bill *tally, fr_error *err) {
  fr__bill first = {
      0}; /* warms caches up and says how many calls one measurement needs */
  enum fr_status status = test_times(j, 1, &first, err);
  if (status != FR_OK)
    return status;
  const double core_s = first.core_s[0] > 1e-6 ? first.core_s[0] : 1e-6;
  const double times = ceil(SHORT_TEST_S / core_s);
  const size_t calls = times < TESTS_CEILING ? (size_t)times : TESTS_CEILING;
  while (status == FR_OK && !fr__bill_enough(tally))
    status = test_times(j, calls, tally, err);
  return status;
}
