/* SPDX-License-Identifier: Apache-2.0 */
/* Testing in a scheme: by the loop that tests every network, or in integers. */
#include <math.h>
#include <stdlib.h>

#include "adapt/quantize.h"
#include "base/error.h"
#include "train/feed.h"
#include "train/watch.h"

static enum fr_status check(const fr_samples *samples, const fr_loss_options *loss,
                            size_t batch, fr_error *err) {
  if (batch == 0 || samples->count == 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "there is nothing to test on: %zu samples, batch %zu", samples->count,
                    batch);
  if (samples->value != NULL && loss->kind != FR_LOSS_BINARY)
    return fr__fail(err, FR_ERR_UNSUPPORTED,
                    "only labels and binary targets have right answers to be tested on");
  return FR_OK;
}

/* ---- samples of different lengths ---- */

/* The same weights and ranges for samples of fewer steps. */
static enum fr_status build_shorter(const fr_quantized *q, size_t steps, fr_int8 **out,
                                    fr_error *err) {
  const fr_net *whole = fr_quantized_net(q);
  const fr_shape input = {steps, fr_net_input(whole).channels};
  fr_net *net = NULL;
  fr_error why = {.text = ""};
  enum fr_status status =
      fr_net_new(fr_net_text(whole), input, fr_net_classes(whole), &net, &why);
  if (status == FR_OK)
    status = fr_net_copy(net, whole, fr_net_layer_count(whole), &why);
  if (status == FR_OK)
    status = fr_int8_build(net, fr_quantized_ranges(q), out, &why);
  fr_net_free(net);
  if (status == FR_OK || status == FR_ERR_MEMORY)
    return status == FR_OK ? FR_OK : fr__fail_memory(err, "int8 of a short sample");
  return fr__fail(err, FR_ERR_UNSUPPORTED,
                  "int8 cannot take a sample of %zu of %zu steps: %.300s", steps,
                  fr_net_input(whole).steps, why.text);
}

/* (steps + 1), of each length that occurs; the caller's, each too. NULL: all samples have
 * full length. */
static enum fr_status build_lengths(const fr_quantized *q, const fr_samples *samples,
                                    fr_int8 ***out, fr_error *err) {
  enum fr_status status = FR_OK;
  *out = NULL;
  for (size_t i = 0; samples->length != NULL && i < samples->count; i++) {
    const size_t steps = samples->length[i];
    if (steps >= samples->steps || status != FR_OK)
      continue;
    if (*out == NULL)
      *out = calloc(samples->steps + 1, sizeof **out);
    if (*out == NULL)
      status = fr__fail_memory(err, "int8 of short samples");
    else if ((*out)[steps] == NULL)
      status = build_shorter(q, steps, &(*out)[steps], err);
  }
  return status;
}

static void free_lengths(fr_int8 **of_length, size_t steps) {
  for (size_t i = 0; of_length != NULL && i <= steps; i++)
    fr_int8_free(of_length[i]);
  free(of_length);
}

typedef struct job {
  const fr_int8 *int8;
  fr_int8 **of_length; /* (steps + 1); NULL: every sample has full length */
  const fr_loss_options *loss;
  const fr_observer *observer;
  fr__feed feed;
  fr__batch batch;
  float *output; /* (B, K) */
} job;

/* Those of full length together, as far as they follow each other. */
static void run_samples(const job *j, size_t n, size_t classes) {
  const size_t steps = fr_int8_input(j->int8).steps, width = j->feed.width;
  for (size_t i = 0, run; i < n; i += run) {
    const size_t length = j->of_length != NULL ? j->batch.length[i] : steps;
    float *y = j->output + i * classes;
    run = 1;
    if (length < steps) {
      fr_int8_run(j->of_length[length], j->batch.x + i * width, y);
      continue;
    }
    while (i + run < n && (j->of_length == NULL || j->batch.length[i + run] >= steps))
      run++;
    fr_int8_run_batch(j->int8, j->batch.x + i * width, run, y);
  }
}

static void run_batch(job *j, size_t at, size_t n, fr_metrics *metrics) {
  const size_t classes = fr_int8_classes(j->int8);
  fr__feed_copy(&j->feed, NULL, at, n, &j->batch, classes);
  run_samples(j, n, classes);
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
    status = build_lengths(q, samples, &j.of_length, err);
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
  free_lengths(j.of_length, samples->steps);
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
