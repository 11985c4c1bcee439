/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints as files of a folder: FOLDER/checkpoint-STEPS.safetensors. */
#ifndef FR_TRAIN_FOLDER_H
#define FR_TRAIN_FOLDER_H

#include "frugal/base.h"

/* Holds the folder, by its file .lock, until *lock is closed or the process is gone;
 * FR_ERR_ARGUMENT where another run does. *lock is -1 where there can be no lock: the
 * folder is read-only, its file system knows none. */
enum fr_status fr__folder_lock(const char *folder, int *lock, fr_error *err);

/* The caller's (free); NULL out of memory. */
char *fr__folder_path(const char *folder, uint64_t steps);

/* The steps of all checkpoints there, the newest first; *steps is the caller's (free). */
enum fr_status fr__folder_list(const char *folder, uint64_t **steps, size_t *count,
                               fr_error *err);

/* Removes all checkpoints but these two, and what writing one may have left behind. Best
 * effort. */
void fr__folder_clean(const char *folder, uint64_t newest, uint64_t before);

#endif
