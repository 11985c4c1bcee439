/* SPDX-License-Identifier: Apache-2.0 */
/* Calls an observer and a budget that may be absent, wholly or in part. */
#ifndef FR_TRAIN_WATCH_H
#define FR_TRAIN_WATCH_H

#include "frugal/train.h"

static inline void fr__phase_begin(const fr_observer *observer, const char *name) {
  if (observer != NULL && observer->phase_begin != NULL)
    observer->phase_begin(observer->self, name);
}

static inline void fr__phase_end(const fr_observer *observer) {
  if (observer != NULL && observer->phase_end != NULL)
    observer->phase_end(observer->self);
}

static inline void fr__step_done(const fr_observer *observer, size_t step, double loss) {
  if (observer != NULL && observer->step_done != NULL)
    observer->step_done(observer->self, step, loss);
}

static inline void fr__epoch_done(const fr_observer *observer, const fr_epoch *epoch) {
  if (observer != NULL && observer->epoch_done != NULL)
    observer->epoch_done(observer->self, epoch);
}

static inline void fr__progress(const fr_observer *observer, const char *what,
                                double done) {
  if (observer != NULL && observer->progress != NULL)
    observer->progress(observer->self, what, done);
}

static inline void fr__inspect(const fr_observer *observer, const fr_net *net,
                               size_t step) {
  if (observer != NULL && observer->inspect != NULL)
    observer->inspect(observer->self, net, step);
}

static inline void fr__warn(const fr_observer *observer, const char *text) {
  if (observer != NULL && observer->warning != NULL)
    observer->warning(observer->self, text);
}

static inline bool fr__interrupted(const fr_budget *budget) {
  return budget != NULL && budget->interrupted != NULL &&
         budget->interrupted(budget->self);
}

static inline bool fr__may_go_on(const fr_budget *budget, const fr_epoch *epoch) {
  return budget == NULL || budget->may_go_on == NULL ||
         budget->may_go_on(budget->self, epoch);
}

#endif
