/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A laptop that runs on its batteries: what they give is what the whole machine takes,
 * screen and all. Power as the fuel gauge tells it (microwatts, or microvolts times
 * microamperes), else what is left in them (microwatt-hours); only while they discharge
 * (Documentation/ABI/testing/sysfs-class-power).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "meter/sensor.h"
#include "meter/signed.h"

#define CLASS "/sys/class/power_supply"
#define SUPPLIES 8 /* batteries and plugs; further ones are not read */
#define NAME 32
#define UWH_J 3.6e-3 /* a microwatt-hour */
#define CEILING_UWH                                                                      \
  1000000000000 /* a megawatt-hour; what is left is counted from there */

typedef struct battery {
  char name[NAME];
  fr__channel *status;
  fr__channel *power;             /* NULL: told as the next two */
  fr__channel *current, *voltage; /* NULL: not told either */
  fr__channel *energy;
} battery;

typedef struct supplies {
  fr__world *world;
  battery battery[SUPPLIES];
  size_t batteries;
  fr__channel *plug[SUPPLIES]; /* "online" */
  size_t plugs;
  bool by_energy; /* some battery does not tell its power */
} supplies;

/* ---- what is there ---- */

static int open_file(const supplies *s, const char *supply, const char *file,
                     fr__channel **out) {
  char path[128];
  snprintf(path, sizeof path, CLASS "/%.40s/%s", supply, file);
  return fr__world_open(s->world, path, out);
}

static void text_of(const supplies *s, const char *supply, const char *file,
                    char text[NAME]) {
  char path[128];
  snprintf(path, sizeof path, CLASS "/%.40s/%s", supply, file);
  if (fr__world_text(s->world, path, text, NAME) != 0)
    text[0] = '\0';
}

static void note_battery(supplies *s, const char *name) {
  char scope[NAME], present[NAME];
  text_of(s, name, "scope", scope);
  text_of(s, name, "present", present);
  /* A mouse's or a pen's, or an empty bay. */
  if (strcmp(scope, "Device") == 0 || strcmp(present, "0") == 0 ||
      s->batteries == SUPPLIES)
    return;
  battery *b = &s->battery[s->batteries];
  if (open_file(s, name, "status", &b->status) != 0)
    return;
  s->batteries++;
  snprintf(b->name, sizeof b->name, "%s", name);
  if (open_file(s, name, "power_now", &b->power) == 0)
    return;
  if (open_file(s, name, "current_now", &b->current) == 0 &&
      open_file(s, name, "voltage_now", &b->voltage) == 0)
    return;
  s->by_energy = true;
}

static bool note_supply(void *self, const char *name) {
  supplies *s = self;
  char type[NAME];
  text_of(s, name, "type", type);
  if (strcmp(type, "Battery") == 0)
    note_battery(s, name);
  else if (strcmp(type, "Mains") == 0 && s->plugs < SUPPLIES &&
           open_file(s, name, "online", &s->plug[s->plugs]) == 0)
    s->plugs++;
  return true;
}

static void open_energies(supplies *s) {
  for (size_t i = 0; i < s->batteries; i++)
    (void)open_file(s, s->battery[i].name, "energy_now", &s->battery[i].energy);
}

/* ---- readings ---- */

/* Do the batteries alone feed the machine? 0, ENODATA with `why`, or errno. */
static int check_discharge(const supplies *s, char *why, size_t size) {
  size_t discharging = 0;
  for (size_t i = 0; i < s->plugs; i++) {
    uint64_t online;
    if (fr__channel_u64(s->plug[i], &online) == 0 && online == 1) {
      snprintf(why, size,
               "on mains: what the machine takes does not come from its "
               "batteries");
      return ENODATA;
    }
  }
  for (size_t i = 0; i < s->batteries; i++) {
    char status[NAME];
    const int failed = fr__channel_text(s->battery[i].status, status, sizeof status);
    if (failed != 0) {
      snprintf(why, size, "%s: its status cannot be read: %.60s", s->battery[i].name,
               strerror(failed));
      return failed;
    }
    status[strcspn(status, "\n")] = '\0';
    discharging += strcmp(status, "Discharging") == 0;
    if (strcmp(status, "Charging") == 0) {
      snprintf(why, size, "%s is charging: what the machine takes is not told",
               s->battery[i].name);
      return ENODATA;
    }
  }
  if (discharging == 0)
    snprintf(why, size, "no battery discharges");
  return discharging > 0 ? 0 : ENODATA;
}

/* Drivers differ in the sign that they give to discharge. */
static int read_one_power(const battery *b, double *power_w) {
  int64_t first, volts;
  int failed = fr__channel_signed(b->power != NULL ? b->power : b->current, &first);
  *power_w = (double)first * 1e-6;
  if (failed == 0 && b->power == NULL) {
    failed = fr__channel_signed(b->voltage, &volts);
    *power_w = (double)first * (double)volts * 1e-12;
  }
  *power_w = *power_w < 0 ? -*power_w : *power_w;
  return failed;
}

/* A machine that runs takes more than nothing: 0 is a gauge that does not tell. */
static int read_power(const supplies *s, double *power_w) {
  *power_w = 0;
  for (size_t i = 0; i < s->batteries; i++) {
    double one_w;
    const int failed = read_one_power(&s->battery[i], &one_w);
    if (failed != 0)
      return failed;
    *power_w += one_w;
  }
  return *power_w > 0 ? 0 : ENODATA;
}

static int read_energy(const supplies *s, uint64_t *raw) {
  uint64_t left = 0;
  for (size_t i = 0; i < s->batteries; i++) {
    uint64_t one = 0;
    const int failed = s->battery[i].energy != NULL
                           ? fr__channel_u64(s->battery[i].energy, &one)
                           : ENODATA;
    if (failed != 0)
      return failed;
    if (one > CEILING_UWH / SUPPLIES)
      return ERANGE;
    left += one;
  }
  *raw = CEILING_UWH - left;
  return 0;
}

static int read_now(const supplies *s, fr__domain *domain, double *power_w,
                    uint64_t *raw) {
  char why[sizeof domain->reason] = "";
  int failed = check_discharge(s, why, sizeof why);
  if (failed == 0) {
    failed = s->by_energy ? read_energy(s, raw) : read_power(s, power_w);
    if (failed != 0)
      snprintf(why, sizeof why, "the batteries do not tell what they give: %.60s",
               strerror(failed));
  }
  if (strcmp(domain->reason, why) != 0)
    memcpy(domain->reason, why, sizeof why);
  return failed;
}

static int battery_read(fr__sensor *sensor, fr__domain *domain, const fr__load *load,
                        uint64_t *raw) {
  const supplies *s = sensor->own;
  double power_w = 0;
  const int failed = read_now(s, domain, &power_w, raw);
  if (failed == 0 && !s->by_energy)
    fr__domain_integrate(domain, power_w, load->awake_ns, raw);
  return failed;
}

/* ---- the sensor ---- */

static enum fr_status add(fr__sensor *sensor, fr_error *err) {
  const supplies *s = sensor->own;
  fr__domain *domain = fr__sensor_add(sensor);
  if (domain == NULL)
    return fr__fail_memory(err, "the batteries");
  snprintf(domain->name, sizeof domain->name, "battery %.20s%s", s->battery[0].name,
           s->batteries > 1 ? " and others" : "");
  domain->kind = FR__DOMAIN_PLATFORM;
  domain->unit_j = s->by_energy ? UWH_J : 1e-9;
  domain->modulus_known = true; /* 2^64: a charge is no wrap */
  domain->update_s = s->by_energy ? 30 : 0;
  double power_w;
  uint64_t raw;
  const int failed = read_now(s, domain, &power_w, &raw);
  const bool forbidden = failed == EACCES || failed == EPERM;
  domain->state = failed == 0 ? FR_SENSOR_WORKING
                  : forbidden ? FR_SENSOR_FORBIDDEN
                              : FR_SENSOR_ABSENT;
  if (forbidden)
    snprintf(domain->fix, sizeof domain->fix, "sudo chmod a+r " CLASS "/%s/*",
             s->battery[0].name);
  return FR_OK;
}

static enum fr_status battery_open(fr__sensor *sensor, fr__world *world, fr_error *err) {
  supplies *s = calloc(1, sizeof *s);
  if (s == NULL)
    return fr__fail_memory(err, "the batteries");
  sensor->own = s;
  s->world = world;
  (void)fr__world_list(world, CLASS, note_supply, s);
  open_energies(s);
  if (s->batteries > 0)
    return add(sensor, err);
  snprintf(sensor->reason, sizeof sensor->reason, "no battery in " CLASS);
  return FR_OK;
}

static void battery_close(fr__sensor *sensor) {
  supplies *s = sensor->own;
  for (size_t i = 0; s != NULL && i < SUPPLIES; i++) {
    const battery *b = &s->battery[i];
    fr__channel *const open[] = {b->status,  b->power,  b->current,
                                 b->voltage, b->energy, s->plug[i]};
    for (size_t k = 0; k < sizeof open / sizeof *open; k++)
      fr__channel_close(open[k]);
  }
  free(s);
}

/* ACPI renews what it tells once a second at most. Nothing to try under load: what has a
 * status is alive. */
const fr__sensor_ops fr__sensor_battery = {.name = "battery",
                                           .source = FR_SOURCE_BATTERY,
                                           .update_s = 1,
                                           .computed = true,
                                           .open = battery_open,
                                           .close = battery_close,
                                           .read = battery_read};
