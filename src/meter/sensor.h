/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sensors: one file each behind one table of functions. A sensor has domains (platform,
 * package, DRAM …), a domain is a counter with a unit and a modulus. sensor.c adds up,
 * chooses what makes the total and finds out who is dead; a new sensor is a file and a
 * line in fr__sensor_table.
 */
#ifndef FR_METER_SENSOR_H
#define FR_METER_SENSOR_H

#include "frugal/meter.h"
#include "meter/host.h"

enum fr__domain_kind {
  FR__DOMAIN_PLATFORM, /* everything: it is the total alone */
  FR__DOMAIN_PACKAGE,  /* part of the total */
  FR__DOMAIN_DRAM,     /* stands below a package, but its energy is outside of it */
  FR__DOMAIN_PART      /* cores, uncore, GPU: inside a package, never added */
};

typedef struct fr__domain {
  char name[64]; /* "perf power/energy-psys" */
  enum fr__domain_kind kind;
  enum fr_sensor_state state; /* before fr__sensor_try: as far as opening it tells */
  char reason[256];
  char fix[256];
  int fd;           /* owned; -1: none */
  double unit_j;    /* joules of one count */
  uint64_t modulus; /* counts until it starts again at 0; 0: at 2^64, or unknown */
  bool modulus_known;
  bool counted;     /* adds to the total */
  uint64_t last;    /* raw */
  uint64_t total;   /* counts since start, all wraps added */
  uint64_t good_ns; /* when `last` was read */
  double power_w;   /* between the last two good readings */
} fr__domain;

#define FR__DOMAINS 256 /* ceiling; 64 packages with 4 domains each */

typedef struct fr__sensor fr__sensor;

typedef struct fr__sensor_ops {
  const char *name; /* "perf" */
  enum fr_source source;
  double update_s; /* the counter is renewed this often */
  /* Fills domains: all that is there, opened where that is permitted. No domain: absent,
   * then `reason` says why. Fails only where the library does (memory). */
  enum fr_status (*open)(fr__sensor *sensor, const char *root, fr_error *err);
  /* The raw counter of an open domain; 0 or errno. `load` is for sensors that compute. */
  int (*read)(const fr__sensor *sensor, const fr__domain *domain, const fr__load *load,
              uint64_t *raw);
} fr__sensor_ops;

struct fr__sensor {
  const fr__sensor_ops *ops;
  fr__domain *domain; /* owned */
  size_t count;
  char reason[256];  /* with no domain: why */
  fr_cpu_power cpu;  /* the model's */
  uint64_t start_ns; /* of the model's clock */
  double bridged_j;  /* energy of gaps, estimated from the power before */
  size_t marked;     /* readings that failed or could not be true */
};

extern const fr__sensor_ops fr__sensor_perf, fr__sensor_powercap, fr__sensor_model;

/* All sensors, the best first. */
#define FR__SENSORS 3
extern const fr__sensor_ops *const fr__sensor_table[FR__SENSORS];

enum fr_status fr__sensor_open(const fr__sensor_ops *ops, const char *root,
                               fr__sensor *out, fr_error *err);
void fr__sensor_close(fr__sensor *sensor);

/* Room for one more domain, cleared, without file; NULL at the ceiling or out of memory.
 */
fr__domain *fr__sensor_add(fr__sensor *sensor);

typedef struct fr__reading {
  double energy_j;  /* since start, all counted domains */
  double quantum_j; /* one count of each */
} fr__reading;

/* Takes `raw` read at t_ns into the domain's total, wraps added; false where it cannot be
 * true (a step beyond any machine's power, a counter of unknown modulus that went back):
 * then it is marked and the gap is bridged with the power before. */
bool fr__domain_take(fr__sensor *sensor, fr__domain *domain, uint64_t raw, uint64_t t_ns);

/* Totals are 0 from here on. */
enum fr_status fr__sensor_start(fr__sensor *sensor, const fr__load *load, fr_error *err);

void fr__sensor_read(fr__sensor *sensor, const fr__load *load, fr__reading *out);

/*
 * Opens all `count` sensors of `table`, keeps one core busy for 200 ms (less where all
 * advance sooner), marks counters that did not move as dead, and decides which domains
 * make the total. sensor[i] belongs to table[i]; *chosen is the first that has a total,
 * `count` where none has.
 */
enum fr_status fr__sensor_try(const fr__sensor_ops *const *table, size_t count,
                              const char *root, fr__sensor *sensor, size_t *chosen,
                              fr_error *err);

/* "powercap, 2 packages + 2 DRAM". */
void fr__sensor_describe(const fr__sensor *sensor, char text[64]);

#endif
