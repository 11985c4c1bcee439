/* SPDX-License-Identifier: Apache-2.0 */
/* One step: tests, then adjusts. */
#include <math.h>

#include "base/error.h"
#include "train/run.h"
#include "train/watch.h"

/* The teacher's logits for the samples that lie in the batch. */
static void teach(fr__run *r, size_t n) {
  fr_net *teacher = r->options->teacher;
  fr__phase_begin(r->observer, "teacher");
  fr__feed_set_lengths(&r->train, &r->batch, teacher);
  fr__batch_set_teacher(
      &r->batch,
      fr_net_forward(teacher, r->batch.x, n, 0, fr_net_layer_count(teacher), false), n,
      fr_net_classes(teacher));
  fr__phase_end(r->observer);
  r->result.operations += fr_net_operations(teacher) * n;
}

/* What another thread has prepared, else the same here; and has it begin with the next.
 */
static void fill_batch(fr__run *r, size_t at, size_t n) {
  const size_t epoch = r->now.epoch, next = at + n, left = r->train.count - next;
  fr__phase_begin(r->observer, "gather");
  const bool taken = fr__ahead_take(r->ahead, epoch, at, n, &r->batch);
  if (!taken)
    fr__feed_copy(&r->train, r->order.sample + at, 0, n, &r->batch,
                  fr_net_classes(r->net));
  fr__phase_end(r->observer);
  if (left > 0)
    fr__ahead_begin(r->ahead, epoch, next, left < r->batch.size ? left : r->batch.size);
  if (!taken && r->options->augment != NULL) {
    fr__phase_begin(r->observer, "augment");
    fr__run_augment(r, epoch, at, n, &r->batch);
    fr__phase_end(r->observer);
  }
  fr__feed_set_lengths(&r->train, &r->batch, r->net);
  if (r->options->augment != NULL && r->options->teacher != NULL)
    teach(r, n);
}

static void go_back(fr__run *r, size_t n, double weight) {
  fr__phase_begin(r->observer, "backward");
  fr_net_backward(r->net, r->batch.d_output, n);
  if (r->gradients.sum != NULL)
    fr__gradients_add(&r->gradients, r->net, weight);
  fr__phase_end(r->observer);
  r->result.operations += r->cost.backward * n + 2 * r->gradients.count;
}

/* One batch forward and backward: its mean loss, and what that weighs in *weight. Goes
 * not back from a loss that is not finite. */
static double pass(fr__run *r, size_t at, size_t n, double *weight) {
  const size_t classes = fr_net_classes(r->net);
  const fr_loss_options *loss = &r->options->loss;
  fill_batch(r, at, n);
  fr__phase_begin(r->observer, "forward");
  const float *output = fr_net_forward(r->net, r->batch.x, n, r->first, r->layers, true);
  const fr_targets targets = fr__feed_targets(&r->train, &r->batch, true);
  const double mean =
      fr_loss_compute(loss, output, &targets, n, classes, r->batch.d_output);
  *weight = fr_loss_weight(loss, &targets, n, classes);
  fr__phase_end(r->observer);
  r->result.operations += r->cost.forward * n;
  if (isfinite(mean))
    go_back(r, n, *weight);
  return mean;
}

static double learning_rate(const fr__run *r) {
  const uint64_t steps = fr__run_steps_per_epoch(r);
  return (double)r->options->optimizer.learning_rate *
         fr_schedule_factor(&r->options->schedule, r->result.steps,
                            steps * r->options->epochs, steps);
}

static void hold(fr__run *r) {
  const fr_train_hold *h = r->options->hold;
  if (h == NULL)
    return;
  h->hold(h->self, r->net, r->result.steps + 1);
  r->result.operations += h->operations;
}

/* False, with nothing changed, where a gradient is not finite. */
static bool update(fr__run *r) {
  fr__phase_begin(r->observer, "update");
  fr_optimizer_set_rate(r->optimizer, (float)r->now.rate);
  const bool done = fr_optimizer_step(r->optimizer);
  if (done)
    hold(r);
  fr__phase_end(r->observer);
  r->result.operations += done ? r->cost.update : 0;
  r->result.steps += done;
  r->now.step = r->result.steps;
  return done;
}

/* `batch`: samples of the last pass. */
static enum fr_status fail_infinite(const fr__run *r, size_t batch, fr_error *err) {
  char what[160], kept[FR__CHECKPOINTS_KEPT];
  fr_net_describe_infinite(r->net, batch, what, sizeof what);
  return fr__fail(err, FR_ERR_NUMERIC,
                  "%s is not finite in epoch %zu, step %zu (learning rate %g)%s", what,
                  r->now.epoch, r->result.steps + 1, r->now.rate,
                  fr__checkpoints_kept(&r->checkpoints, kept));
}

enum fr_status fr__run_step(fr__run *r, double *loss, fr_error *err) {
  const size_t stride = fr__run_stride(r), left = r->train.count - r->at;
  const size_t end = r->at + (left < stride ? left : stride);
  double sum = 0, total = 0, weight = 0;
  r->now.rate = learning_rate(r);
  size_t n = 0;
  for (size_t at = r->at; at < end; at += n) {
    n = end - at < r->batch.size ? end - at : r->batch.size;
    *loss = pass(r, at, n, &weight);
    if (!isfinite(*loss))
      return fail_infinite(r, n, err);
    sum += *loss * weight;
    total += weight;
  }
  if (total != weight) /* several batches */
    *loss = total > 0 ? sum / total : 0;
  if (r->gradients.sum != NULL)
    fr__gradients_finish(&r->gradients, r->net);
  if (end == r->train.count)
    fr__inspect(r->observer, r->net, r->result.steps + 1);
  if (!update(r))
    return fail_infinite(r, n, err);
  r->at = end;
  r->loss += sum;
  r->weight += total;
  r->now.train_loss = r->weight > 0 ? r->loss / r->weight : 0;
  return FR_OK;
}
