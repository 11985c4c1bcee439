/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NVIDIA's management library, opened when it is needed and never linked: the few
 * functions that the meter calls, under their published names (NVML API reference).
 */
#ifndef FR_METER_NVML_H
#define FR_METER_NVML_H

#include "frugal/base.h"

#define FR__NVML_GPUS 64
#define FR__NVML_NAME 96
#define FR__NVML_MOST_MW 10000000 /* ten times what the largest card draws; no power */

typedef void *fr__nvml_device;

/* nvmlProcessUtilizationSample_t */
typedef struct fr__nvml_sample {
  unsigned pid;
  unsigned long long time_us;
  unsigned sm_percent, memory_percent, encoder_percent, decoder_percent;
} fr__nvml_sample;

/* nvmlProcessInfo_t, since version 2 */
typedef struct fr__nvml_process {
  unsigned pid;
  unsigned long long memory;
  unsigned gpu_instance, compute_instance;
} fr__nvml_process;

typedef struct fr__nvml {
  void *library;
  int (*shutdown)(void);
  int (*count)(unsigned *count);
  int (*by_index)(unsigned index, fr__nvml_device *device);
  int (*by_uuid)(const char *uuid, fr__nvml_device *device);
  int (*name)(fr__nvml_device device, char *name, unsigned size);
  int (*uuid)(fr__nvml_device device, char *uuid, unsigned size);
  int (*energy)(fr__nvml_device device, unsigned long long *mj); /* since driver load */
  int (*power)(fr__nvml_device device, unsigned *mw);
  int (*mig_mode)(fr__nvml_device device, unsigned *current, unsigned *pending);
  int (*mig_parent)(fr__nvml_device mig, fr__nvml_device *device);
  /* `count` is the room in, and how many there are out */
  int (*process_use)(fr__nvml_device device, fr__nvml_sample *sample, unsigned *count,
                     unsigned long long since_us);
  int (*processes)(fr__nvml_device device, unsigned *count, fr__nvml_process *process);
} fr__nvml;

/* Opens and initialises; false: not here, `reason` says why. $FRUGAL_NVML names another
 * library than libnvidia-ml.so.1, but not to a program with privileges of its own. */
bool fr__nvml_open(fr__nvml *nvml, char *reason, size_t size);
void fr__nvml_close(fr__nvml *nvml);

/* errno of a return code of NVML; 0 of success. */
int fr__nvml_errno(int code);

/*
 * Which of `count` GPUs a program sees that CUDA_VISIBLE_DEVICES `text` is given to: a
 * list of numbers, beginnings of "GPU-…" and of MIG instances, of which the whole GPU is
 * taken. As CUDA does, what follows an unknown entry is left out. NULL: all.
 * seen[i] is for the GPU of that number; uuid[i] its name; parent tells the GPU of a MIG
 * instance's name, `count` where it has none, and may be NULL.
 */
void fr__nvml_visible(const char *text, size_t count, const char (*uuid)[FR__NVML_NAME],
                      size_t (*parent)(void *self, const char *mig), void *self,
                      bool *seen);

struct fr__sensor;
struct fr__domain;
/* For who records what the sensor "nvml" reads on this machine: the path that stands for
 * the domain's counter in a recording ("nvml:0:energy_mj") and its value now. 0 or errno.
 */
int fr__nvml_tell(const struct fr__sensor *sensor, const struct fr__domain *domain,
                  char path[FR__NVML_NAME], uint64_t *value);

#endif
