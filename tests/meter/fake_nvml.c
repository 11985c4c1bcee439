/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands for NVIDIA's library in tests: three GPUs, of which GPU 0 counts energy, GPU 1
 * has its power only, GPU 2 is divided by MIG. It is loaded at run time, by name; what it
 * tells comes from the environment, so that a test can change it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GPUS 3u
#define INSTANCE ((void *)(uintptr_t)100)

enum { SUCCESS = 0, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, LOST = 15 };

int nvmlInit_v2(void);
int nvmlShutdown(void);
int nvmlDeviceGetCount_v2(unsigned *count);
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device);
int nvmlDeviceGetHandleByUUID(const char *uuid, void **device);
int nvmlDeviceGetName(void *device, char *name, unsigned size);
int nvmlDeviceGetUUID(void *device, char *uuid, unsigned size);
int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *mj);
int nvmlDeviceGetPowerUsage(void *device, unsigned *mw);
int nvmlDeviceGetMigMode(void *device, unsigned *current, unsigned *pending);
int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(void *mig, void **device);

/* A handle is the number plus one. */
static unsigned number_of(const void *device) { return (unsigned)(uintptr_t)device - 1; }

static unsigned long long told(const char *name) {
  const char *text = getenv(name);
  return text != NULL ? strtoull(text, NULL, 10) : 0;
}

int nvmlInit_v2(void) { return (int)told("FAKE_INIT"); }
int nvmlShutdown(void) {
  return setenv("FAKE_SHUT_DOWN", "1", 1) == 0 ? SUCCESS : INVALID;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
  *count = GPUS;
  return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
  *device = (void *)(uintptr_t)(index + 1);
  return index < GPUS ? SUCCESS : INVALID;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, void **device) {
  *device = INSTANCE;
  return strcmp(uuid, "MIG-1234") == 0 ? SUCCESS : NOT_FOUND;
}

int nvmlDeviceGetName(void *device, char *name, unsigned size) {
  snprintf(name, size, "Fake %u", number_of(device));
  return SUCCESS;
}

int nvmlDeviceGetUUID(void *device, char *uuid, unsigned size) {
  static const char *const uuids[GPUS] = {"GPU-aaaa-0000", "GPU-aabb-1111",
                                          "GPU-cccc-2222"};
  snprintf(uuid, size, "%s", uuids[number_of(device) % GPUS]);
  return SUCCESS;
}

int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *mj) {
  static const char *const names[GPUS] = {"FAKE_MJ_0", "FAKE_MJ_1", "FAKE_MJ_2"};
  *mj = told(names[number_of(device) % GPUS]);
  if (told("FAKE_LOST"))
    return LOST;
  return number_of(device) == 1 ? NOT_SUPPORTED : SUCCESS;
}

int nvmlDeviceGetPowerUsage(void *device, unsigned *mw) {
  (void)device;
  *mw = (unsigned)told("FAKE_MW");
  return told("FAKE_LOST") ? LOST : SUCCESS;
}

int nvmlDeviceGetMigMode(void *device, unsigned *current, unsigned *pending) {
  *current = *pending = number_of(device) == 2;
  return SUCCESS;
}

int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(void *mig, void **device) {
  *device = (void *)(uintptr_t)3;
  return mig == INSTANCE ? SUCCESS : INVALID;
}
