/* SPDX-License-Identifier: Apache-2.0 */
/* Which layers are frozen in which epoch, and what follows when one thaws. */
#ifndef FR_TRAIN_THAW_H
#define FR_TRAIN_THAW_H

#include "frugal/train.h"

struct fr__run;

/* Whether it holds a matrix: a product, not a norm. */
bool fr__thaw_has_matrix(const fr_net *net, size_t layer);

/* The first trained layer when one layer with a matrix more is trained than from `first`
 * on, and what lies between, but none before `floor`; SIZE_MAX where none is left. */
size_t fr__thaw_below(const fr_net *net, size_t first, size_t floor);

/* The layer that batches are fed to in that epoch, the first being 1: the first trained
 * one, or a later one, where layers without parameters follow the frozen ones. */
size_t fr__thaw_first(const fr_net *net, const fr_train_options *options, size_t epoch);

/* Layers still thaw after that epoch. */
bool fr__thaw_is_due(const struct fr__run *r, size_t epoch);

/* Whole epochs before the last thaw that was, 0 where none was: from then on patience
 * counts. */
size_t fr__thaw_last(const struct fr__run *r, size_t epoch);

/* Room for batches and gradients from the epoch's first layer on, before the run's first
 * step. Layers that thaw later begin with fresh moments. */
enum fr_status fr__thaw_init(struct fr__run *r, fr_error *err);

/* Runs the frozen layers over both sides and feeds their outputs from now on. Phase:
 * frozen. */
enum fr_status fr__thaw_feed(struct fr__run *r, fr_error *err);

/* Between two epochs: trains from the coming one's first layer on. */
enum fr_status fr__thaw(struct fr__run *r, fr_error *err);

/* A run that was taken up, before it is fed: brings it to the epoch that it is in. */
enum fr_status fr__thaw_resume(struct fr__run *r, fr_error *err);

#endif
