/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands for NVIDIA's library in tests: three GPUs, of which GPU 0 counts energy, GPU 1
 * has its power only, GPU 2 is divided by MIG. It is loaded at run time, by name; what it
 * tells comes from the environment, so that a test can change it:
 *
 *   FAKE_USE_0=PID:PERCENT:MICROSECONDS,…  samples of who used GPU 0; "@FILE": in a file
 *   FAKE_LIST_2=PID,…                      who has GPU 2 open
 *
 * "!15" is a code to fail with, "#4294967295" a count that is told with nothing behind.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GPUS 3u
#define INSTANCE ((void *)(uintptr_t)100)

typedef struct sample {
  unsigned pid;
  unsigned long long time_us;
  unsigned sm, memory, encoder, decoder;
} sample;

typedef struct process {
  unsigned pid;
  unsigned long long memory;
  unsigned gpu_instance, compute_instance;
} process;

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
int nvmlDeviceGetProcessUtilization(void *device, sample *out, unsigned *count,
                                    unsigned long long since_us);
int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count, process *out);

/* A handle is the number plus one. */
static unsigned number_of(const void *device) { return (unsigned)(uintptr_t)device - 1; }

/* A number, or "@FILE" that holds one. */
static unsigned long long told(const char *name) {
  const char *text = getenv(name);
  unsigned long long number = 0;
  FILE *f = text != NULL && text[0] == '@' ? fopen(text + 1, "r") : NULL;
  if (f == NULL)
    return text != NULL ? strtoull(text, NULL, 10) : 0;
  if (fscanf(f, "%llu", &number) != 1)
    number = 0;
  fclose(f);
  return number;
}

int nvmlInit_v2(void) { return (int)told("FAKE_INIT"); }
int nvmlShutdown(void) {
  return setenv("FAKE_SHUT_DOWN", "1", 1) == 0 ? SUCCESS : INVALID;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
  *count = getenv("FAKE_GPUS") != NULL ? (unsigned)told("FAKE_GPUS") : GPUS;
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
  if (told("FAKE_RUDE") != 0)
    memset(name, '\033', size); /* no end, and nothing for a terminal */
  else
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
  if (told("FAKE_ENERGY_CODE"))
    return (int)told("FAKE_ENERGY_CODE");
  return number_of(device) == 1 ? NOT_SUPPORTED : SUCCESS;
}

int nvmlDeviceGetPowerUsage(void *device, unsigned *mw) {
  (void)device;
  *mw = (unsigned)told("FAKE_MW");
  return told("FAKE_LOST") ? LOST : (int)told("FAKE_POWER_CODE");
}

int nvmlDeviceGetMigMode(void *device, unsigned *current, unsigned *pending) {
  *current = *pending = number_of(device) == 2;
  return SUCCESS;
}

int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(void *mig, void **device) {
  *device = (void *)(uintptr_t)3;
  return mig == INSTANCE ? SUCCESS : INVALID;
}

/* ---- who uses it ---- */

/* What stands in NAME_N of the environment, or in the file that it names. */
static const char *text_of(const char *name, const void *device, char text[4096]) {
  char full[32];
  snprintf(full, sizeof full, "%s_%u", name, number_of(device));
  const char *value = getenv(full);
  snprintf(text, 4096, "%s", value != NULL ? value : "");
  FILE *f = text[0] == '@' ? fopen(text + 1, "r") : NULL;
  if (f != NULL) {
    text[fread(text, 1, 4095, f)] = '\0';
    fclose(f);
  }
  return text;
}

int nvmlDeviceGetProcessUtilization(void *device, sample *out, unsigned *count,
                                    unsigned long long since_us) {
  char text[4096];
  const char *at = text_of("FAKE_USE", device, text);
  const unsigned room = *count;
  if (number_of(device) == 2)
    return NOT_SUPPORTED;
  if (at[0] == '!')
    return atoi(at + 1);
  if (at[0] == '#') {
    *count = (unsigned)strtoul(at + 1, NULL, 10);
    return SUCCESS;
  }
  *count = 0;
  for (sample s = {0}; sscanf(at, "%u:%u:%llu", &s.pid, &s.sm, &s.time_us) == 3;) {
    if (s.time_us > since_us && *count < room)
      out[(*count)++] = s;
    at += strcspn(at, ",");
    at += *at == ',';
  }
  return *count > 0 ? SUCCESS : NOT_FOUND;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count, process *out) {
  char text[4096];
  const char *at = text_of("FAKE_LIST", device, text);
  const unsigned room = *count;
  if (at[0] == '!')
    return atoi(at + 1);
  *count = 0;
  for (process p = {0}; sscanf(at, "%u", &p.pid) == 1 && *count < room;) {
    out[(*count)++] = p;
    at += strcspn(at, ",");
    at += *at == ',';
  }
  return SUCCESS;
}
