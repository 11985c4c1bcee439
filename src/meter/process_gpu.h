/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which processes used the cards, and for how long: NVIDIA's library, and the files in
 * which the kernel tells what a process had of a card (drm-usage-stats).
 *
 * A card is named as its energy's domain has it (fr__domain.card): "nvml:0", or the PCI
 * address "0000:03:00.0".
 */
#ifndef FR_METER_PROCESS_GPU_H
#define FR_METER_PROCESS_GPU_H

#include "frugal/base.h"

#define FR__CARD 32 /* bytes of a card's name */

typedef struct fr__gpu_use {
  const char *card;
  int64_t pid;     /* 0: the card has answered; what it tells of nobody is not known */
  double gpu_s;    /* GPU seconds since the look before; 0: not told */
  double weight_s; /* what its energy is shared by: gpu_s, or a part that is even */
  bool even;       /* the driver names who is there, but not what they used */
} fr__gpu_use;

typedef void fr__gpu_take(void *self, const fr__gpu_use *use);

/* ---- NVIDIA's library ---- */

typedef struct fr__gpu_nvml fr__gpu_nvml;

/* NULL: no driver, no card, or its pids are not ours: a process in a pid namespace of its
 * own has other numbers than the driver knows. */
fr__gpu_nvml *fr__gpu_nvml_new(void);
void fr__gpu_nvml_free(fr__gpu_nvml *nvml);

/* Use since the call before (the first: since _new), at time t_s. No allocation. */
void fr__gpu_nvml_look(fr__gpu_nvml *nvml, double t_s, fr__gpu_take *take, void *self);

/* Cards that nobody used at _new: what they drew then. False: not known. */
bool fr__gpu_nvml_idle(const fr__gpu_nvml *nvml, const char *card, double *idle_w);

/* ---- /proc/PID/fdinfo ---- */

typedef struct fr__gpu_drm fr__gpu_drm;

/* `root` stands for "/". NULL: there is no card that the kernel drives. */
fr__gpu_drm *fr__gpu_drm_new(const char *root);
void fr__gpu_drm_free(fr__gpu_drm *drm);

/* Which cards a process has open; `fresh`: all that was used is to be told, else what
 * comes from here on. Dear: a link to read for each of its files. */
void fr__gpu_drm_find(fr__gpu_drm *drm, int64_t pid, bool fresh);

/* As above, of all that was found. */
void fr__gpu_drm_look(fr__gpu_drm *drm, double t_s, fr__gpu_take *take, void *self);

#endif
