/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "train/evaluate.h"
#include "train/watch.h"

enum fr_status fr_test(fr_net *net, const fr_samples *samples,
                       const fr_loss_options *loss, size_t batch,
                       const fr_observer *observer, fr_metrics *metrics, fr_error *err) {
  const size_t classes = fr_net_classes(net);
  fr__feed feed = {0};
  fr__batch room = {0};
  fr_metrics result = {0};
  if (batch == 0 || samples->count == 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "there is nothing to test on: %zu samples, batch %zu", samples->count,
                    batch);
  if (samples->value != NULL && loss->kind != FR_LOSS_BINARY)
    return fr__fail(err, FR_ERR_UNSUPPORTED,
                    "only labels and binary targets have right answers to be tested on");
  const size_t size = batch < samples->count ? batch : samples->count;
  enum fr_status status = fr__feed_init(&feed, net, samples, "test", err);
  if (status == FR_OK)
    status = fr__batch_init(&room, size, feed.width, classes, false, err);
  if (status == FR_OK)
    status = fr_net_reserve(net, size, false, 0, err);
  if (status == FR_OK)
    (void)fr_net_prepare(net, NULL); /* without memory all is as before */
  if (status == FR_OK)
    status = samples->value == NULL
                 ? fr_metrics_init(&result, classes, err)
                 : fr_metrics_init_labels(&result, classes, samples->count, err);
  if (status == FR_OK) {
    fr__phase_begin(observer, "test");
    fr__evaluate(net, &feed, 0, loss, &room, observer, "test", &result);
    fr_metrics_finish(&result);
    fr__phase_end(observer);
    *metrics = result;
  }
  fr_net_set_lengths(net, NULL); /* they were the batch's */
  fr__batch_release(&room);
  fr__feed_release(&feed);
  return status;
}
