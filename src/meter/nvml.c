/* SPDX-License-Identifier: Apache-2.0 */
#include "meter/nvml.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY "libnvidia-ml.so.1"

/* ISO C has no conversion from an object's pointer to a function's; POSIX promises that
 * the bytes are the same. */
static bool find(void *library, const char *name, void *function) {
  void *const symbol = dlsym(library, name);
  memcpy(function, &symbol, sizeof symbol);
  return symbol != NULL;
}

static bool find_all(fr__nvml *n) {
  void *const l = n->library;
  /* Old drivers have no MIG, and no GPU before Volta counts energy. */
  (void)find(l, "nvmlDeviceGetMigMode", &n->mig_mode);
  (void)find(l, "nvmlDeviceGetDeviceHandleFromMigDeviceHandle", &n->mig_parent);
  (void)find(l, "nvmlDeviceGetTotalEnergyConsumption", &n->energy);
  (void)find(l, "nvmlDeviceGetHandleByUUID", &n->by_uuid);
  (void)find(l, "nvmlDeviceGetProcessUtilization", &n->process_use);
  (void)find(l, "nvmlDeviceGetComputeRunningProcesses_v3", &n->processes);
  return find(l, "nvmlShutdown", &n->shutdown) &&
         find(l, "nvmlDeviceGetCount_v2", &n->count) &&
         find(l, "nvmlDeviceGetHandleByIndex_v2", &n->by_index) &&
         find(l, "nvmlDeviceGetName", &n->name) &&
         find(l, "nvmlDeviceGetUUID", &n->uuid) &&
         find(l, "nvmlDeviceGetPowerUsage", &n->power);
}

static bool give_up(fr__nvml *nvml, char *reason, size_t size, const char *why) {
  snprintf(reason, size, "%s", why);
  if (nvml->library != NULL)
    (void)dlclose(nvml->library);
  nvml->library = NULL;
  return false;
}

bool fr__nvml_open(fr__nvml *nvml, char *reason, size_t size) {
  *nvml = (fr__nvml){0};
  const char *name = secure_getenv("FRUGAL_NVML");
  if (name == NULL || name[0] == '\0')
    name = LIBRARY;
  nvml->library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (nvml->library == NULL)
    return give_up(nvml, reason, size,
                   "no " LIBRARY ": no driver of NVIDIA's is installed");
  int (*init)(void);
  if (!find(nvml->library, "nvmlInit_v2", &init) || !find_all(nvml))
    return give_up(nvml, reason, size,
                   LIBRARY " lacks functions that the meter needs: too old a driver");
  const int failed = fr__nvml_errno(init());
  if (failed != 0) {
    char why[160];
    snprintf(why, sizeof why, LIBRARY " does not start: %.80s", strerror(failed));
    return give_up(nvml, reason, size, why);
  }
  return true;
}

void fr__nvml_close(fr__nvml *nvml) {
  if (nvml->library == NULL)
    return;
  (void)nvml->shutdown();
  (void)dlclose(nvml->library);
  nvml->library = NULL;
}

/* nvmlReturn_t */
int fr__nvml_errno(int code) {
  switch (code) {
  case 0: return 0;
  case 2: return EINVAL;
  case 3: return ENOTSUP;
  case 4: return EACCES;
  case 6: return ENOENT;
  case 9: return ENXIO; /* the driver is not loaded */
  case 10: return ETIMEDOUT;
  case 15: return ENODEV; /* the GPU has fallen off the bus */
  default: return EIO;
  }
}

/* ---- CUDA_VISIBLE_DEVICES ---- */

#define ENTRIES 256 /* of the list; what is beyond is not read */

/* A whole number that fills `entry`; `count` where it is none, or too large. */
static size_t by_number(const char *entry, size_t count) {
  char *end;
  if (!isdigit((unsigned char)entry[0]))
    return count;
  errno = 0;
  const unsigned long number = strtoul(entry, &end, 10);
  return *end != '\0' || errno != 0 || number >= count ? count : number;
}

/* By the beginning of a name, which must be that of one GPU only. */
static size_t by_name(const char *entry, size_t count,
                      const char (*uuid)[FR__NVML_NAME]) {
  size_t found = count, matches = 0;
  for (size_t i = 0; i < count; i++) {
    if (strncmp(uuid[i], entry, strlen(entry)) == 0)
      found = i, matches++;
  }
  return matches == 1 ? found : count;
}

/* "MIG-GPU-UUID/gi/ci" of old drivers names its GPU, "MIG-UUID" of newer ones does not.
 */
static size_t by_mig(const char *entry, size_t count, const char (*uuid)[FR__NVML_NAME],
                     size_t (*parent)(void *self, const char *mig), void *self) {
  if (strncmp(entry, "MIG-GPU-", 8) != 0)
    return parent != NULL ? parent(self, entry) : count;
  char name[FR__NVML_NAME];
  snprintf(name, sizeof name, "%s", entry + 4);
  name[strcspn(name, "/")] = '\0';
  return by_name(name, count, uuid);
}

static const char *next_entry(const char *text, char entry[FR__NVML_NAME]) {
  const char *const end = text + strcspn(text, ",");
  while (text < end && isspace((unsigned char)*text))
    text++;
  size_t length = (size_t)(end - text);
  while (length > 0 && isspace((unsigned char)text[length - 1]))
    length--;
  if (length >= FR__NVML_NAME)
    length = 0; /* no name is so long: an unknown entry */
  memcpy(entry, text, length);
  entry[length] = '\0';
  return *end == ',' ? end + 1 : NULL;
}

void fr__nvml_visible(const char *text, size_t count, const char (*uuid)[FR__NVML_NAME],
                      size_t (*parent)(void *self, const char *mig), void *self,
                      bool *seen) {
  for (size_t i = 0; i < count; i++)
    seen[i] = text == NULL;
  for (size_t n = 0; text != NULL && n < ENTRIES; n++) {
    char entry[FR__NVML_NAME];
    text = next_entry(text, entry);
    size_t found = by_number(entry, count);
    if (strncmp(entry, "GPU-", 4) == 0)
      found = by_name(entry, count, uuid);
    else if (strncmp(entry, "MIG-", 4) == 0)
      found = by_mig(entry, count, uuid, parent, self);
    if (found >= count)
      return;
    seen[found] = true;
  }
}
