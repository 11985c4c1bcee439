/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NVIDIA's GPUs: the counter of millijoules that they have since Volta, else their power,
 * added up. One domain a GPU, those of CUDA_VISIBLE_DEVICES; a MIG instance has no
 * counter of its own, so its whole GPU is read. In a recording the paths are
 * "nvml:GPU:energy_mj", "nvml:GPU:power_mw" and "nvml:GPU:name".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "meter/nvml.h"
#include "meter/process.h"
#include "meter/sensor.h"

#define MILLI 1e-3
#define NANO 1e-9 /* what integrated power counts in */

typedef struct gpu {
  fr__nvml_device device;
  bool by_power;
} gpu;

typedef struct gpus {
  fr__world *world;
  fr__nvml nvml;
  size_t count;
  char uuid[FR__NVML_GPUS][FR__NVML_NAME];
  bool seen[FR__NVML_GPUS];
  gpu gpu[FR__NVML_GPUS]; /* by number, which is the domain's place */
} gpus;

static void describe(fr__domain *domain, size_t index, const char *name, bool by_power) {
  char printable[FR__PROCESS_NAME];
  fr__process_name(name, strlen(name), printable);
  snprintf(domain->name, sizeof domain->name, "nvml gpu%u (%.40s)", (unsigned)index,
           printable);
  domain->kind = FR__DOMAIN_GPU;
  snprintf(domain->card, sizeof domain->card, "nvml:%zu", index);
  domain->place = index;
  domain->state = FR_SENSOR_WORKING;
  /* 2^64; it starts at 0 when the driver is loaded, which is no wrap */
  domain->modulus_known = true;
  domain->unit_j = by_power ? NANO : MILLI;
}

/* ---- a recording ---- */

static int open_counter(fr__world *world, size_t index, const char *counter,
                        fr__channel **out) {
  char path[64];
  snprintf(path, sizeof path, "nvml:%zu:%s", index, counter);
  return fr__world_open(world, path, out);
}

/* Those that were hidden when it was made leave gaps in the numbers. */
static enum fr_status add_recorded(fr__sensor *sensor, size_t index, fr_error *err) {
  gpus *g = sensor->own;
  fr__channel *channel = NULL;
  const bool by_power = open_counter(g->world, index, "energy_mj", &channel) != 0;
  if (by_power && open_counter(g->world, index, "power_mw", &channel) != 0)
    return FR_OK;
  fr__domain *domain = fr__sensor_add(sensor);
  if (domain == NULL) {
    fr__channel_close(channel);
    return fr__fail_memory(err, "a GPU");
  }
  char path[64], name[FR__NVML_NAME] = "GPU";
  snprintf(path, sizeof path, "nvml:%zu:name", index);
  (void)fr__world_text(g->world, path, name, sizeof name);
  describe(domain, index, name, by_power);
  domain->channel = channel;
  g->gpu[index].by_power = by_power;
  return FR_OK;
}

static enum fr_status open_recorded(fr__sensor *sensor, fr_error *err) {
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < FR__NVML_GPUS && status == FR_OK; i++)
    status = add_recorded(sensor, i, err);
  if (sensor->count == 0)
    snprintf(sensor->reason, sizeof sensor->reason, "no GPU in the recording");
  return status;
}

/* ---- this machine ---- */

static int read_energy(const gpus *g, fr__nvml_device device, uint64_t *mj) {
  unsigned long long counter = 0;
  if (g->nvml.energy == NULL)
    return ENOTSUP;
  const int failed = fr__nvml_errno(g->nvml.energy(device, &counter));
  *mj = counter;
  return failed;
}

static int read_power(const gpus *g, fr__nvml_device device, uint64_t *mw) {
  unsigned power = 0;
  const int failed = fr__nvml_errno(g->nvml.power(device, &power));
  *mw = power;
  return failed;
}

static bool is_divided(const gpus *g, fr__nvml_device device) {
  unsigned current = 0, pending = 0;
  return g->nvml.mig_mode != NULL && g->nvml.mig_mode(device, &current, &pending) == 0 &&
         current == 1;
}

/* The number of the GPU that a MIG instance is on. */
static size_t parent_of(void *self, const char *mig) {
  const gpus *g = self;
  fr__nvml_device instance, device;
  char uuid[FR__NVML_NAME] = "";
  if (g->nvml.by_uuid == NULL || g->nvml.mig_parent == NULL ||
      g->nvml.by_uuid(mig, &instance) != 0 ||
      g->nvml.mig_parent(instance, &device) != 0 ||
      g->nvml.uuid(device, uuid, sizeof uuid) != 0)
    return g->count;
  size_t i = 0;
  while (i < g->count && strcmp(g->uuid[i], uuid) != 0)
    i++;
  return i;
}

static void refuse(fr__domain *domain, int number) {
  const bool forbidden = number == EACCES;
  domain->state = forbidden ? FR_SENSOR_FORBIDDEN : FR_SENSOR_ABSENT;
  snprintf(domain->reason, sizeof domain->reason,
           "neither its energy nor its power can be read: %.80s", strerror(number));
  if (forbidden)
    snprintf(domain->fix, sizeof domain->fix, "sudo chmod a+rw /dev/nvidia*");
}

static void start_gpu(gpus *g, gpu *one, fr__domain *domain) {
  uint64_t first;
  const int energy = read_energy(g, one->device, &first);
  one->by_power = energy != 0;
  int failed = one->by_power ? read_power(g, one->device, &first) : 0;
  if (failed != 0 && energy != ENOTSUP)
    failed = energy; /* it has a counter: why that cannot be read says more */
  describe(domain, (size_t)(one - g->gpu), "GPU", one->by_power);
  char name[FR__NVML_NAME] = "GPU";
  if (g->nvml.name(one->device, name, sizeof name) == 0)
    name[sizeof name - 1] = '\0';
  describe(domain, (size_t)(one - g->gpu), name, one->by_power);
  if (failed != 0)
    refuse(domain, failed);
  else if (is_divided(g, one->device))
    snprintf(domain->reason, sizeof domain->reason,
             "divided by MIG: the counter is that of the whole GPU, all its instances "
             "together");
  else if (one->by_power)
    snprintf(domain->reason, sizeof domain->reason,
             "has no counter of energy: its power is added up");
}

static enum fr_status add_gpu(fr__sensor *sensor, size_t index, fr_error *err) {
  gpus *g = sensor->own;
  fr__domain *domain = fr__sensor_add(sensor);
  if (domain == NULL)
    return fr__fail_memory(err, "a GPU");
  gpu *one = &g->gpu[index];
  describe(domain, index, "GPU", true);
  if (!g->seen[index]) {
    domain->state = FR_SENSOR_ABSENT;
    snprintf(domain->reason, sizeof domain->reason,
             "not among CUDA_VISIBLE_DEVICES (by name, else by PCI order)");
    return FR_OK;
  }
  if (one->device != NULL)
    start_gpu(g, one, domain);
  else
    refuse(domain, ENODEV);
  return FR_OK;
}

static void find_gpus(gpus *g) {
  unsigned count = 0;
  if (g->nvml.count(&count) != 0)
    count = 0;
  g->count = count < FR__NVML_GPUS ? count : FR__NVML_GPUS;
  for (unsigned i = 0; i < g->count; i++) {
    char *uuid = g->uuid[i];
    if (g->nvml.by_index(i, &g->gpu[i].device) != 0)
      g->gpu[i].device = NULL;
    else if (g->nvml.uuid(g->gpu[i].device, uuid, FR__NVML_NAME) != 0)
      uuid[0] = '\0';
    uuid[FR__NVML_NAME - 1] = '\0';
  }
  fr__nvml_visible(getenv("CUDA_VISIBLE_DEVICES"), g->count,
                   (const char(*)[FR__NVML_NAME])g->uuid, parent_of, g, g->seen);
}

static enum fr_status open_here(fr__sensor *sensor, fr_error *err) {
  gpus *g = sensor->own;
  if (!fr__nvml_open(&g->nvml, sensor->reason, sizeof sensor->reason))
    return FR_OK;
  find_gpus(g);
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < g->count && status == FR_OK; i++)
    status = add_gpu(sensor, i, err);
  if (g->count == 0)
    snprintf(sensor->reason, sizeof sensor->reason,
             "NVIDIA's driver is there, but tells of no GPU");
  return status;
}

static enum fr_status nvml_open(fr__sensor *sensor, fr__world *world, fr_error *err) {
  gpus *g = calloc(1, sizeof *g);
  if (g == NULL)
    return fr__fail_memory(err, "the GPUs");
  sensor->own = g;
  g->world = world;
  if (fr__world_is_replay(world))
    return open_recorded(sensor, err);
  if (fr__world_is_here(world))
    return open_here(sensor, err);
  snprintf(sensor->reason, sizeof sensor->reason,
           "below another root there is no driver to ask");
  return FR_OK;
}

static void nvml_close(fr__sensor *sensor) {
  gpus *g = sensor->own;
  if (g != NULL)
    fr__nvml_close(&g->nvml);
  free(g);
}

/* Millijoules or milliwatts. */
static int read_counter(const gpus *g, const fr__domain *domain, uint64_t *value) {
  const gpu *one = &g->gpu[domain->place];
  if (domain->channel != NULL)
    return fr__channel_u64(domain->channel, value);
  return one->by_power ? read_power(g, one->device, value)
                       : read_energy(g, one->device, value);
}

static int nvml_read(fr__sensor *sensor, fr__domain *domain, const fr__load *load,
                     uint64_t *raw) {
  const gpus *g = sensor->own;
  const int failed = read_counter(g, domain, raw);
  if (failed != 0 || !g->gpu[domain->place].by_power)
    return failed;
  if (*raw > FR__NVML_MOST_MW)
    return ERANGE;
  fr__domain_integrate(domain, (double)*raw * MILLI, load->awake_ns, raw);
  *raw += domain->place; /* two GPUs at one power are not one counter shown twice */
  return 0;
}

int fr__nvml_tell(const fr__sensor *sensor, const fr__domain *domain,
                  char path[FR__NVML_NAME], uint64_t *value) {
  const gpus *g = sensor->own;
  const gpu *one = &g->gpu[domain->place];
  snprintf(path, FR__NVML_NAME, "nvml:%u:%s", (unsigned)domain->place,
           one->by_power ? "power_mw" : "energy_mj");
  return read_counter(g, domain, value);
}

/* Power and energy are renewed every 20 to 100 ms, by model (Yang, Adamek, Armour:
 * "Part-time Power Measurements", 2023). */
const fr__sensor_ops fr__sensor_nvml = {.name = "nvml",
                                        .source = FR_SOURCE_NVML,
                                        .update_s = 0.1,
                                        .beside = true,
                                        .open = nvml_open,
                                        .close = nvml_close,
                                        .read = nvml_read};
