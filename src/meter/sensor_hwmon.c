/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /sys/class/hwmon: counters of energy (microjoules), power (microwatts, added up) and,
 * of the INA3221, millivolts times milliamperes
 * (Documentation/ABI/testing/sysfs-class-hwmon). What hangs on a rail is told by the
 * driver's name and the rail's label: a table below. Graphics cards are a sensor of their
 * own, beside whatever measures the rest.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "meter/sensor.h"
#include "meter/signed.h"

#define CLASS "/sys/class/hwmon"
#define OLD_INA "/sys/bus/i2c/drivers/ina3221x" /* Jetsons up to JetPack 4 */
#define NAME 48
#define FOLDER 128
#define NOISE_W 0.1 /* a rail at rest may read so much below 0 */

enum way { ENERGY, POWER, MILLIWATTS, VOLTS_AMPERES };

typedef struct rule {
  const char *driver; /* its beginning; NULL: any */
  const char *label;  /* its beginning where it ends in '*'; NULL: any */
  enum fr__domain_kind kind;
} rule;

/*
 * The first that matches. Jetsons measure at their input (VDD_IN of TX2, NX, Orin Nano;
 * POM_5V_IN of Nano; VIN of Thor), but the AGX ones have rails beside each other that
 * make up the module together (NVIDIA's developer guide, "Power Monitoring"). Its VDDQ_…
 * is left out, since nobody tells whether VIN_SYS_5V0 feeds it. NVIDIA's Grace has an
 * ACPI meter for each socket and its parts, named in their oem_info ("Grace Power Socket
 * 0"); that of the module has the GPU in it, which is read by itself.
 */
static const rule rules[] = {
    {"power_meter", "Grace Power*", FR__DOMAIN_PACKAGE},
    {"power_meter", "Module Power*", FR__DOMAIN_PART},
    {"power_meter", "CPU Power*", FR__DOMAIN_PART},
    {"power_meter", "SysIO Power*", FR__DOMAIN_PART},
    {"power_meter", NULL, FR__DOMAIN_PLATFORM}, /* ACPI: the whole server */
    {"ina", "VDD_IN", FR__DOMAIN_PLATFORM},
    {"ina", "POM_5V_IN", FR__DOMAIN_PLATFORM},
    {"ina", "VIN", FR__DOMAIN_PLATFORM},
    {"ina3221", "VIN_SYS_5V0", FR__DOMAIN_PACKAGE},
    {"ina3221", "VDD_GPU_SOC", FR__DOMAIN_PACKAGE},
    {"ina3221", "VDD_CPU_CV", FR__DOMAIN_PACKAGE},
    {"ina3221", "GPU", FR__DOMAIN_PACKAGE},
    {"ina3221", "CPU", FR__DOMAIN_PACKAGE},
    {"ina3221", "SOC", FR__DOMAIN_PACKAGE},
    {"ina3221", "CV", FR__DOMAIN_PACKAGE},
    {"ina3221", "SYS5V", FR__DOMAIN_PACKAGE},
    {"ina3221", "VDDRQ", FR__DOMAIN_DRAM},
    {"corsairpsu", "power total", FR__DOMAIN_PLATFORM},
    {"macsmc", "Total System Power", FR__DOMAIN_PLATFORM},
    {"occ", "system", FR__DOMAIN_PLATFORM},
    {"ibmpowernv", "System", FR__DOMAIN_PLATFORM},
    {"amd_energy", "Esocket*", FR__DOMAIN_PACKAGE},
    {"fam15h_power", NULL, FR__DOMAIN_PACKAGE},
    {"amdgpu", NULL, FR__DOMAIN_GPU},
    {"nouveau", NULL, FR__DOMAIN_GPU},
    {"i915", NULL, FR__DOMAIN_GPU}, /* counts on cards only */
    {"xe", "card", FR__DOMAIN_GPU}, /* which contains "pkg" */
};

typedef struct hwmon {
  fr__sensor *sensor;
  bool cards;
  fr__channel *volts[FR__DOMAINS]; /* of a domain of volts and amperes; owned */
  enum way way[FR__DOMAINS];
  /* the device that is being looked at */
  char folder[FOLDER];                  /* "/sys/class/hwmon/hwmon3" */
  char device[NAME];                    /* "hwmon3" */
  char driver[NAME];                    /* "ina3221" */
  char seen[FR__DOMAINS + 1][NAME + 8]; /* number and label of what was found there */
  size_t seen_count;
  enum fr_status status;
  fr_error *err;
} hwmon;

/* ---- what is what ---- */

static bool label_matches(const char *pattern, const char *label) {
  const size_t length = strlen(pattern);
  if (length > 0 && pattern[length - 1] == '*')
    return strncasecmp(pattern, label, length - 1) == 0;
  return strcasecmp(pattern, label) == 0;
}

static enum fr__domain_kind kind_of(const char *driver, const char *label) {
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    const rule *r = &rules[i];
    if ((r->driver == NULL || strncmp(driver, r->driver, strlen(r->driver)) == 0) &&
        (r->label == NULL || label_matches(r->label, label)))
      return r->kind;
  }
  return FR__DOMAIN_PART;
}

/* A value of the device; empty where there is none. */
static void device_text(const hwmon *h, const char *file, char text[NAME]) {
  char path[FOLDER + NAME];
  snprintf(path, sizeof path, "%s/%s", h->folder, file);
  if (fr__world_text(h->sensor->world, path, text, NAME) != 0)
    text[0] = '\0';
}

static double device_number(const hwmon *h, const char *file, double unit) {
  char path[FOLDER + NAME];
  uint64_t number;
  snprintf(path, sizeof path, "%s/%s", h->folder, file);
  return fr__world_u64(h->sensor->world, path, &number) == 0 ? (double)number * unit : 0;
}

/* The channel's label, what ACPI tells with its meter, else the chip's own from the
 * device tree. */
static void label_of(const hwmon *h, const char *type, unsigned number, char text[NAME]) {
  char file[NAME];
  snprintf(file, sizeof file, "%s%u_label", type, number);
  device_text(h, file, text);
  snprintf(file, sizeof file, "%s%u_oem_info", type, number);
  if (text[0] == '\0')
    device_text(h, file, text);
  if (text[0] == '\0')
    device_text(h, "label", text);
}

/* Built-in graphics tell the power of their whole package; only they have a rail vddnb
 * (Documentation/gpu/amdgpu/thermal.rst). */
static bool is_built_in(const hwmon *h) {
  char label[NAME];
  device_text(h, "in1_label", label);
  return strcmp(h->driver, "amdgpu") == 0 && strcmp(label, "vddnb") == 0;
}

/* Batteries and chargers show up here as well; sensor_battery.c knows them better. */
static bool is_supply(const hwmon *h) {
  static const char *const types[] = {"Battery", "Mains", "UPS", "USB", "Wireless"};
  char type[NAME];
  device_text(h, "device/type", type);
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    if (strcmp(type, types[i]) == 0)
      return true;
  }
  return false;
}

/* One rail shown as energy and power, or as average and present power, is taken once, the
 * better way; the better comes first in order of names. */
static bool is_new(hwmon *h, unsigned number, const char *label) {
  char mark[NAME + 8];
  if (label[0] != '\0')
    snprintf(mark, sizeof mark, "%s", label);
  else
    snprintf(mark, sizeof mark, "#%u", number);
  for (size_t i = 0; i < h->seen_count; i++) {
    if (strcmp(h->seen[i], mark) == 0)
      return false;
  }
  if (h->seen_count == FR__DOMAINS)
    return false;
  snprintf(h->seen[h->seen_count++], sizeof mark, "%s", mark);
  return true;
}

/* ---- readings ---- */

static int read_power(const hwmon *h, const fr__domain *domain, double *power_w) {
  int64_t value, millivolts;
  int failed = fr__channel_signed(domain->channel, &value);
  if (failed != 0)
    return failed;
  *power_w = (double)value * (h->way[domain->place] == MILLIWATTS ? 1e-3 : 1e-6);
  if (h->way[domain->place] == VOLTS_AMPERES) {
    failed = fr__channel_signed(h->volts[domain->place], &millivolts);
    if (failed != 0)
      return failed;
    *power_w = (double)value * (double)millivolts * 1e-6;
  }
  if (*power_w < -NOISE_W)
    return ERANGE;
  *power_w = *power_w > 0 ? *power_w : 0;
  return 0;
}

static int hwmon_read(fr__sensor *sensor, fr__domain *domain, const fr__load *load,
                      uint64_t *raw) {
  const hwmon *h = sensor->own;
  if (h->way[domain->place] == ENERGY)
    return fr__channel_u64(domain->channel, raw);
  double power_w;
  const int failed = read_power(h, domain, &power_w);
  if (failed != 0)
    return failed;
  fr__domain_integrate(domain, power_w, load->awake_ns, raw);
  *raw += domain->place; /* two rails of one power are not one counter shown twice */
  return 0;
}

/* ---- domains ---- */

static void refuse(const hwmon *h, fr__domain *domain, const char *file, int number) {
  const bool forbidden = number == EACCES || (number == EPERM && !h->cards);
  domain->state = forbidden ? FR_SENSOR_FORBIDDEN : FR_SENSOR_ABSENT;
  snprintf(domain->reason, sizeof domain->reason, "%.40s cannot be read: %.60s%s", file,
           strerror(number),
           number == EPERM && h->cards ? " (the card is switched off)" : "");
  if (forbidden)
    snprintf(domain->fix, sizeof domain->fix, "sudo chmod a+r %s/%s", h->folder, file);
}

/* Opens what the domain reads and reads it once. */
static int start(hwmon *h, fr__domain *domain, const char *file, unsigned number) {
  char path[FOLDER + NAME];
  snprintf(path, sizeof path, "%s/%s", h->folder, file);
  int failed = fr__world_open(h->sensor->world, path, &domain->channel);
  if (failed == 0 && h->way[domain->place] == VOLTS_AMPERES) {
    snprintf(path, sizeof path, "%s/in%u_input", h->folder, number);
    failed = fr__world_open(h->sensor->world, path, &h->volts[domain->place]);
  }
  uint64_t raw;
  double power_w;
  if (failed == 0)
    failed = h->way[domain->place] == ENERGY ? fr__channel_u64(domain->channel, &raw)
                                             : read_power(h, domain, &power_w);
  return failed;
}

/* Where a card sits, by which the kernel tells who uses it; else the device's name. */
static void name_card(const hwmon *h, char card[32]) {
  char path[FOLDER + NAME], text[1024];
  fr__channel *channel;
  snprintf(card, 32, "%.31s", h->device);
  snprintf(path, sizeof path, "%s/device/uevent", h->folder);
  if (fr__world_open(h->sensor->world, path, &channel) != 0)
    return;
  const char *slot = fr__channel_text(channel, text, sizeof text) == 0
                         ? strstr(text, "PCI_SLOT_NAME=")
                         : NULL;
  if (slot != NULL)
    (void)sscanf(slot, "PCI_SLOT_NAME=%31[0-9A-Fa-f:.]", card);
  fr__channel_close(channel);
}

static void describe(const hwmon *h, fr__domain *domain, enum way way, unsigned number,
                     const char *label) {
  char file[NAME];
  snprintf(domain->name, sizeof domain->name, "hwmon %.12s %.16s%u (%.24s)", h->device,
           way == ENERGY ? "energy" : "power", number,
           label[0] != '\0' ? label : h->driver);
  domain->unit_j = way == ENERGY ? 1e-6 : 1e-9;
  domain->modulus_known = true; /* 2^64; of narrower ones a step back is bridged */
  snprintf(file, sizeof file, "power%u_average_interval", number);
  domain->update_s = device_number(h, file, 1e-3);
  if (domain->update_s <= 0)
    domain->update_s = device_number(h, "update_interval", 1e-3);
  snprintf(file, sizeof file, "power%u_cap_max", number);
  domain->power_limit_w = device_number(h, file, 1e-6);
}

static void add(hwmon *h, const char *file, enum way way, unsigned number,
                const char *label) {
  enum fr__domain_kind kind = kind_of(h->driver, label);
  const bool built_in = kind == FR__DOMAIN_GPU && is_built_in(h);
  if (built_in)
    kind = FR__DOMAIN_PACKAGE;
  if ((kind == FR__DOMAIN_GPU) != h->cards || !is_new(h, number, label))
    return;
  fr__domain *domain = fr__sensor_add(h->sensor);
  if (domain == NULL) {
    h->status = fr__fail_memory(h->err, "a rail of hwmon");
    return;
  }
  domain->place = h->sensor->count - 1;
  domain->kind = kind;
  h->way[domain->place] = way;
  if (kind == FR__DOMAIN_GPU)
    name_card(h, domain->card);
  describe(h, domain, way, number, label);
  const int failed = start(h, domain, file, number);
  if (failed != 0)
    refuse(h, domain, file, failed);
  else
    domain->state = FR_SENSOR_WORKING;
}

/* ---- looking around ---- */

/* "power1_average" is number 1 of type "power", property "average". */
static bool split(const char *name, const char *type, const char *property,
                  unsigned *number) {
  const size_t length = strlen(type);
  if (strncmp(name, type, length) != 0 || name[length] < '0' || name[length] > '9')
    return false;
  char *end;
  const unsigned long parsed = strtoul(name + length, &end, 10);
  *number = (unsigned)parsed;
  return parsed < 10000 && *end == '_' && strcmp(end + 1, property) == 0;
}

static bool note_file(void *self, const char *name) {
  hwmon *h = self;
  char label[NAME];
  unsigned number;
  if (split(name, "energy", "input", &number)) {
    label_of(h, "energy", number, label);
    add(h, name, ENERGY, number, label);
  } else if (split(name, "power", "average", &number) ||
             split(name, "power", "input", &number)) {
    label_of(h, "power", number, label);
    add(h, name, POWER, number, label);
  } else if (strcmp(h->driver, "ina3221") == 0 && split(name, "curr", "input", &number)) {
    label_of(h, "in", number, label);
    /* channels that nothing hangs on, and the chip's own sum of voltages */
    if (label[0] != '\0' && strcmp(label, "NC") != 0 && strncmp(label, "sum", 3) != 0)
      add(h, name, VOLTS_AMPERES, number, label);
  }
  return h->status == FR_OK;
}

static bool note_device(void *self, const char *name) {
  hwmon *h = self;
  if (strncmp(name, "hwmon", 5) != 0 || strlen(name) >= sizeof h->device)
    return true;
  snprintf(h->device, sizeof h->device, "%s", name);
  snprintf(h->folder, sizeof h->folder, CLASS "/%s", name);
  device_text(h, "name", h->driver);
  if (h->driver[0] == '\0') { /* acpi_power_meter has its files below the device */
    snprintf(h->folder, sizeof h->folder, CLASS "/%.40s/device", name);
    device_text(h, "name", h->driver);
  }
  h->seen_count = 0;
  if (h->driver[0] == '\0' || is_supply(h))
    return true;
  (void)fr__world_list(h->sensor->world, h->folder, note_file, h);
  return h->status == FR_OK;
}

/* NVIDIA's older driver of the INA3221: iio:device0/rail_name_0 and in_power0_input, in
 * milliwatts, below the chip's address. */
static bool note_rail(void *self, const char *name) {
  hwmon *h = self;
  char label[NAME], file[NAME];
  unsigned number;
  if (!split(name, "in_power", "input", &number))
    return true;
  snprintf(file, sizeof file, "rail_name_%u", number);
  device_text(h, file, label);
  if (label[0] != '\0' && strcmp(label, "NC") != 0)
    add(h, name, MILLIWATTS, number, label);
  return h->status == FR_OK;
}

static bool note_old_device(void *self, const char *name) {
  hwmon *h = self;
  char folder[FOLDER];
  if (strncmp(name, "iio:device", 10) != 0)
    return true;
  snprintf(folder, sizeof folder, OLD_INA "/%.16s/%.24s", h->device, name);
  memcpy(h->folder, folder, sizeof folder);
  snprintf(h->driver, sizeof h->driver, "ina3221");
  h->seen_count = 0;
  (void)fr__world_list(h->sensor->world, folder, note_rail, h);
  return h->status == FR_OK;
}

static bool note_chip(void *self, const char *name) {
  hwmon *h = self;
  char folder[FOLDER];
  if (name[0] < '0' || name[0] > '9') /* "1-0040": bus and address */
    return true;
  snprintf(h->device, sizeof h->device, "%.16s", name);
  snprintf(folder, sizeof folder, OLD_INA "/%.16s", name);
  (void)fr__world_list(h->sensor->world, folder, note_old_device, h);
  return h->status == FR_OK;
}

static enum fr_status open_kind(fr__sensor *sensor, bool cards, fr_error *err) {
  hwmon *h = calloc(1, sizeof *h);
  if (h == NULL)
    return fr__fail_memory(err, "the rails of hwmon");
  sensor->own = h;
  h->sensor = sensor;
  h->cards = cards;
  h->err = err;
  (void)fr__world_list(sensor->world, CLASS, note_device, h);
  if (h->status == FR_OK && !cards)
    (void)fr__world_list(sensor->world, OLD_INA, note_chip, h);
  h->err = NULL;
  if (h->status == FR_OK && sensor->count == 0)
    snprintf(sensor->reason, sizeof sensor->reason,
             "no %s tells power or energy in " CLASS,
             cards ? "graphics card" : "rail, package or board");
  return h->status;
}

static enum fr_status hwmon_open(fr__sensor *sensor, fr__world *world, fr_error *err) {
  (void)world;
  return open_kind(sensor, false, err);
}

static enum fr_status cards_open(fr__sensor *sensor, fr__world *world, fr_error *err) {
  (void)world;
  return open_kind(sensor, true, err);
}

static void hwmon_close(fr__sensor *sensor) {
  hwmon *h = sensor->own;
  for (size_t i = 0; h != NULL && i < sensor->count; i++)
    fr__channel_close(h->volts[i]);
  free(h);
}

const fr__sensor_ops fr__sensor_hwmon = {.name = "hwmon",
                                         .source = FR_SOURCE_HWMON,
                                         .update_s = 0.1,
                                         .open = hwmon_open,
                                         .close = hwmon_close,
                                         .read = hwmon_read};

const fr__sensor_ops fr__sensor_cards = {.name = "cards",
                                         .source = FR_SOURCE_HWMON,
                                         .update_s = 0.1,
                                         .beside = true,
                                         .open = cards_open,
                                         .close = hwmon_close,
                                         .read = hwmon_read};
