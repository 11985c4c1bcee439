/* SPDX-License-Identifier: Apache-2.0 */
#include "train/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "train/folder.h"
#include "train/identity.h"
#include "train/run.h"
#include "train/state.h"
#include "train/watch.h"

#define EVERY_S 30.0

/* ---- taking up ---- */

static enum fr_status read_one(fr__run *r, uint64_t steps, fr_error *err) {
  fr__checkpoints *checkpoints = &r->checkpoints;
  const fr_checkpoint_options *options = checkpoints->options;
  char *path = fr__folder_path(options->folder, steps), *note = NULL;
  const enum fr_status status =
      path == NULL ? fr__fail_memory(err, options->folder)
                   : fr__state_read(r, path, checkpoints->identity, &note, err);
  if (status == FR_OK) {
    checkpoints->newest = steps;
    if (options->resumed != NULL)
      options->resumed(options->self, r->result.steps, note);
  }
  free(note);
  free(path);
  return status;
}

/* Damaged ones are passed over, each with a warning. Those of other runs, too, but where
 * there are only such: to train anew would in the end remove them. */
static enum fr_status take_up(fr__run *r, fr_error *err) {
  uint64_t *steps = NULL;
  size_t count = 0;
  fr_error other = {.status = FR_OK}, one = {.status = FR_OK};
  enum fr_status status =
      fr__folder_list(r->checkpoints.options->folder, &steps, &count, err);
  if (status != FR_OK)
    return status;
  for (size_t i = 0; i < count; i++) {
    status = read_one(r, steps[i], &one);
    if (status == FR_OK || status == FR_ERR_MEMORY)
      break;
    if (status != FR_ERR_ARGUMENT)
      fr__warn(r->observer, one.text);
    else if (other.status == FR_OK)
      other = one;
    status = other.status;
  }
  free(steps);
  if (status == FR_ERR_MEMORY)
    return fr__fail(err, status, "%s", one.text);
  if (status == FR_ERR_ARGUMENT)
    return fr__fail(err, status, "%s", other.text);
  return FR_OK;
}

enum fr_status fr__checkpoints_init(struct fr__run *r, fr_error *err) {
  const fr_checkpoint_options *options = r->options->checkpoint;
  r->checkpoints = (fr__checkpoints){.options = options, .saved_ns = fr__clock_ns()};
  if (options == NULL)
    return FR_OK;
  r->checkpoints.identity = fr__identity_new(r);
  if (r->checkpoints.identity == NULL)
    return fr__fail_memory(err, "what makes this run itself");
  enum fr_status status = fr__dir_make(options->folder, err);
  if (status == FR_OK)
    status = fr__folder_lock(options->folder, &r->checkpoints.lock, err);
  r->checkpoints.locked = status == FR_OK && r->checkpoints.lock >= 0;
  if (status != FR_OK || !options->resume)
    return status;
  return take_up(r, err);
}

void fr__checkpoints_release(fr__checkpoints *checkpoints) {
  if (checkpoints->locked)
    close(checkpoints->lock);
  json_decref(checkpoints->identity);
  *checkpoints = (fr__checkpoints){0};
}

/* ---- writing ---- */

static enum fr_status write_one(const fr__run *r, fr_error *err) {
  const fr_checkpoint_options *options = r->checkpoints.options;
  char *path = fr__folder_path(options->folder, r->result.steps);
  if (path == NULL)
    return fr__fail_memory(err, options->folder);
  const char *note = options->note != NULL ? options->note(options->self) : NULL;
  const enum fr_status status =
      fr__state_write(r, path, r->checkpoints.identity, note != NULL ? note : "", err);
  free(path);
  return status;
}

static void save(fr__run *r) {
  fr__checkpoints *checkpoints = &r->checkpoints;
  fr_error err;
  fr__phase_begin(r->observer, "checkpoint");
  const enum fr_status status = write_one(r, &err);
  if (status == FR_OK) {
    if (checkpoints->newest != r->result.steps)
      checkpoints->before = checkpoints->newest;
    checkpoints->newest = r->result.steps;
    fr__folder_clean(checkpoints->options->folder, checkpoints->newest,
                     checkpoints->before);
  } else if (!checkpoints->failing) { /* once, not every time */
    fr__warn(r->observer, err.text);
  }
  checkpoints->failing = status != FR_OK;
  checkpoints->saved_ns = fr__clock_ns();
  fr__phase_end(r->observer);
}

void fr__checkpoints_save(struct fr__run *r) {
  if (r->checkpoints.options == NULL)
    return;
  fr__phase_begin(r->observer, "train");
  save(r);
  fr__phase_end(r->observer);
}

void fr__checkpoints_save_new(struct fr__run *r) {
  if (r->checkpoints.newest != r->result.steps)
    fr__checkpoints_save(r);
}

void fr__checkpoints_save_due(struct fr__run *r) {
  const fr_checkpoint_options *options = r->checkpoints.options;
  if (options == NULL)
    return;
  const double every_s = options->every_s > 0 ? options->every_s : EVERY_S;
  if ((double)(fr__clock_ns() - r->checkpoints.saved_ns) >= every_s * 1e9)
    save(r);
}

const char *fr__checkpoints_kept(const fr__checkpoints *checkpoints,
                                 char text[FR__CHECKPOINTS_KEPT]) {
  text[0] = '\0';
  if (checkpoints->newest == 0)
    return text;
  char *path = fr__folder_path(checkpoints->options->folder, checkpoints->newest);
  if (path != NULL)
    (void)snprintf(text, FR__CHECKPOINTS_KEPT, "; the last good checkpoint is kept: %s",
                   path);
  free(path);
  return text;
}
