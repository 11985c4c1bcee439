/* SPDX-License-Identifier: Apache-2.0 */
/* Testing in a scheme: by the loop that tests every network, or in integers. */
#include <math.h>
#include <stdlib.h>

#include "adapt/quantize.h"
#include "base/error.h"
#include "train/feed.h"
#include "train/watch.h"

static enum fr_status check_lengths(const fr_samples *samples, fr_error *err) {
  for (size_t i = 0; samples->length != NULL && i < samples->count; i++)
    if (samples->length[i] < samples->steps)
      return fr__fail(err, FR_ERR_UNSUPPORTED,
                      "int8 takes samples of full length, and test sample %zu has %u of "
                      "%zu steps",
                      i + 1, (unsigned)samples->length[i], samples->steps);
  return FR_OK;
}

static enum fr_status check(const fr_samples *samples, const fr_loss_options *loss,
                            size_t batch, fr_error *err) {
  if (batch == 0 || samples->count == 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "there is nothing to test on: %zu samples, batch %zu", samples->count,
                    batch);
  if (samples->value != NULL && loss->kind != FR_LOSS_BINARY)
    return fr__fail(err, FR_ERR_UNSUPPORTED,
                    "only labels and binary targets have right answers to be tested on");
  return check_lengths(samples, err);
}

typedef struct job {
  const fr_int8 *int8;
  const fr_loss_options *loss;
  const fr_observer *observer;
  fr__feed feed;
  fr__batch batch;
  float *output; /* (B, K) */
} job;

static void run_batch(job *j, size_t at, size_t n, fr_metrics *metrics) {
  const size_t classes = fr_int8_classes(j->int8);
  fr__feed_copy(&j->feed, NULL, at, n, &j->batch, classes);
  fr_int8_run_batch(j->int8, j->batch.x, n, j->output);
  const fr_targets targets = fr__feed_targets(&j->feed, &j->batch, false);
  const double mean = fr_loss_compute(j->loss, j->output, &targets, n, classes, NULL);
  if (targets.value == NULL)
    fr_metrics_add(metrics, j->output, targets.label, n, mean);
  else
    fr_metrics_add_values(metrics, j->output, targets.value, n, mean);
}

static void run_all(job *j, fr_metrics *metrics) {
  const size_t count = j->feed.count, size = j->batch.size;
  fr__phase_begin(j->observer, "test");
  for (size_t at = 0; at < count; at += size) {
    const size_t n = count - at < size ? count - at : size;
    run_batch(j, at, n, metrics);
    fr__progress(j->observer, "test", (double)(at + n) / (double)count);
  }
  fr_metrics_finish(metrics);
  fr__phase_end(j->observer);
}

static enum fr_status test_int8(const fr_quantized *q, const fr_samples *samples,
                                const fr_loss_options *loss, size_t batch,
                                const fr_observer *observer, fr_metrics *metrics,
                                fr_error *err) {
  job j = {.int8 = fr_quantized_int8(q), .loss = loss, .observer = observer};
  const size_t classes = fr_int8_classes(j.int8);
  const size_t size = batch < samples->count ? batch : samples->count;
  enum fr_status status = check(samples, loss, batch, err);
  if (status == FR_OK)
    status = fr__feed_init(&j.feed, fr_quantized_net(q), samples, "test", err);
  if (status == FR_OK)
    status = fr__batch_init(&j.batch, size, j.feed.width, classes, false, err);
  if (status == FR_OK) {
    j.output = calloc(size * classes, sizeof *j.output);
    status = j.output != NULL ? FR_OK : fr__fail_memory(err, "the outputs of int8");
  }
  if (status == FR_OK)
    status = samples->value == NULL
                 ? fr_metrics_init(metrics, classes, err)
                 : fr_metrics_init_labels(metrics, classes, samples->count, err);
  if (status == FR_OK)
    run_all(&j, metrics);
  free(j.output);
  fr__batch_release(&j.batch);
  fr__feed_release(&j.feed);
  return status;
}

enum fr_status fr_quantized_test(fr_quantized *q, const fr_samples *samples,
                                 const fr_loss_options *loss, size_t batch,
                                 const fr_observer *observer, fr_metrics *metrics,
                                 fr_error *err) {
  if (fr_quantized_int8(q) != NULL)
    return test_int8(q, samples, loss, batch, observer, metrics, err);
  return fr_test(fr_quantized_net(q), samples, loss, batch, observer, metrics, err);
}
