/* SPDX-License-Identifier: Apache-2.0 */
/* What cannot be trained is refused before anything is allocated. */
#include "base/error.h"
#include "data/augment.h"
#include "train/run.h"

#define EPOCHS_CEILING ((size_t)1 << 20)

static enum fr_status check_amounts(const fr_net *net, const fr_samples *train,
                                    const fr_train_options *options, fr_error *err) {
  if (train->count == 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "there are no samples to train on");
  if (options->batch == 0 || options->epochs == 0 || options->epochs > EPOCHS_CEILING)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "%zu epochs of batches of %zu samples cannot be trained",
                    options->epochs, options->batch);
  if (options->first_trained >= fr_net_layer_count(net))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "training from layer %zu leaves nothing to train in a network of %zu",
                    options->first_trained, fr_net_layer_count(net));
  if (options->unfreeze > 0 && options->unfreeze_to >= options->first_trained)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "nothing is frozen that could thaw: training begins at layer %zu, "
                    "and layers before %zu stay frozen",
                    options->first_trained, options->unfreeze_to);
  return FR_OK;
}

static enum fr_status check_samples(const fr_samples *train,
                                    const fr_train_options *options, fr_error *err) {
  if (options->augment != NULL && options->augment->count > 0 &&
      options->first_trained > 0)
    return fr__fail(
        err, FR_ERR_ARGUMENT,
        "augmentation and frozen layers exclude each other: their outputs are "
        "computed once a sample");
  if (options->augment != NULL) {
    const enum fr_status status =
        fr__augment_check(options->augment, train->steps, train->channels, err);
    if (status != FR_OK)
      return status;
  }
  if (options->balanced && train->label == NULL)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "samples without labels have no classes to balance");
  return FR_OK;
}

static enum fr_status check_teacher(const fr_net *net, const fr_train_options *options,
                                    fr_error *err) {
  const fr_net *teacher = options->teacher;
  if ((teacher != NULL) != (options->loss.distill > 0))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    teacher != NULL ? "a teacher without a share in the loss does nothing"
                                    : "the loss has a teacher's share, but no teacher");
  if (teacher == NULL)
    return FR_OK;
  if (teacher == net)
    return fr__fail(err, FR_ERR_ARGUMENT, "a network cannot be its own teacher");
  const fr_shape own = fr_net_input(net), other = fr_net_input(teacher);
  if (own.steps != other.steps || own.channels != other.channels ||
      fr_net_classes(net) != fr_net_classes(teacher))
    return fr__fail(
        err, FR_ERR_ARGUMENT,
        "a teacher from (%zu, %zu) to %zu classes cannot teach a network from "
        "(%zu, %zu) to %zu",
        other.steps, other.channels, fr_net_classes(teacher), own.steps, own.channels,
        fr_net_classes(net));
  return FR_OK;
}

static enum fr_status check_checkpoint(const fr_checkpoint_options *options,
                                       fr_error *err) {
  if (options == NULL)
    return FR_OK;
  if (options->folder == NULL || options->folder[0] == '\0')
    return fr__fail(err, FR_ERR_ARGUMENT, "checkpoints need a folder");
  if (!(options->every_s >= 0))
    return fr__fail(err, FR_ERR_ARGUMENT, "a checkpoint cannot be written every %g s",
                    options->every_s);
  return FR_OK;
}

enum fr_status fr__run_check(const fr_net *net, const fr_samples *train,
                             const fr_train_options *options, fr_error *err) {
  enum fr_status status = check_amounts(net, train, options, err);
  if (status == FR_OK)
    status = check_samples(train, options, err);
  if (status == FR_OK)
    status = fr_loss_check(&options->loss, fr_net_classes(net), err);
  if (status == FR_OK)
    status = check_teacher(net, options, err);
  if (status == FR_OK)
    status = check_checkpoint(options->checkpoint, err);
  if (status == FR_OK && options->checkpoint != NULL && options->hold != NULL)
    status = fr__fail(err, FR_ERR_ARGUMENT,
                      "a run whose weights are held to something has no checkpoints");
  return status;
}
