/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sensors: one file each behind one table of functions. A sensor has domains (platform,
 * package, DRAM …), a domain is a counter with a unit and a modulus. sensor.c adds up,
 * sensor_try.c chooses what makes the total and finds out who is dead; a new sensor is a
 * file and a line in fr__sensor_table.
 */
#ifndef FR_METER_SENSOR_H
#define FR_METER_SENSOR_H

#include "frugal/meter.h"
#include "meter/host.h"
#include "meter/world.h"

enum fr__domain_kind {
  FR__DOMAIN_PLATFORM, /* everything: it is the total alone */
  FR__DOMAIN_PACKAGE,  /* part of the total */
  FR__DOMAIN_DRAM,     /* stands below a package, but its energy is outside of it */
  FR__DOMAIN_PART,     /* cores, uncore, built-in GPU: inside a package, never added */
  FR__DOMAIN_GPU       /* a card: adds to packages; a platform's counter may have it */
};

#define FR__SPANS 16 /* advances of a slow counter that tell its period */

typedef struct fr__domain {
  /* ---- filled by the sensor's open; all else is 0 from fr__sensor_add ---- */
  char name[64]; /* "perf power/energy-psys", for a person; names no two domains */
  /* What is counted: "package-0", "package-0/dram". Two domains of one sensor with one
   * key and different `by` are twins (MSR and MMIO): the first that works counts. Empty:
   * nothing else counts the same. */
  char key[64];
  unsigned by;   /* the way to it: 0 the best */
  char card[32]; /* of a GPU: "nvml:0", a PCI address, "hwmon3" */
  enum fr__domain_kind kind;
  enum fr_sensor_state state; /* before fr__sensor_try: as far as opening it tells */
  char reason[256];
  char fix[256];
  fr__channel *channel; /* owned, closed by fr__sensor_close; NULL: none */
  uint64_t place;       /* the sensor's own: a register, an index */
  double unit_j;        /* joules of one count */
  uint64_t modulus;     /* counts until it starts again at 0; 0: at 2^64, or unknown */
  bool modulus_known;
  bool steady;          /* computed for each reading: it advances whenever it is read */
  double power_limit_w; /* the most that this machine allows it; 0: unknown */
  double ceiling_w;     /* no limit is believed beyond it; 0: what a machine can draw */
  double update_s;      /* renewed this often; 0: the sensor's, then as observed */

  /* ---- the trial's ---- */
  bool counted;   /* adds to the total */
  bool twin;      /* works, but another domain counts the same */
  bool moved;     /* has advanced in the trial */
  double apart_s; /* the shortest time between two rows of a recording; 0: not seen */
  size_t mirror;  /* an earlier domain that stood at the same count at first … */
  bool has_mirror;
  size_t looks, differences; /* … and how often they differed later */

  /* ---- readings ---- */
  uint64_t last;    /* raw */
  uint64_t total;   /* counts since start, all wraps added */
  uint64_t good_ns; /* when `last` was read */
  uint64_t good_awake_ns;
  uint64_t moved_ns; /* when the counter last was seen to advance */
  uint64_t moved_awake_ns;
  size_t advances; /* since start */
  double power_w;  /* over its last advance; 0: not known yet */
  double most_w;   /* highest so far */
  double still_s;  /* longest time that it was seen to stand still between advances */
  double span_s[FR__SPANS]; /* between the last advances, once it stood still … */
  size_t spans, gaps;       /* … how many there were, and gaps since */
  double fresh_j, fresh_s;  /* advances since a sample was handed on, and their time */
  double told_w;     /* power of the last advances that were handed on; NaN: not known */
  double owed_s;     /* gaps before any power was known: bridged once it is */
  double bridged_j;  /* energy of gaps, estimated from the power before */
  double pending_j;  /* likewise, of the gap that is open now */
  size_t above;      /* steps beyond the limit, one after another … */
  uint64_t disputed; /* … their counts, … */
  double disputed_j; /* … and what was bridged for them */

  /* ---- for sensors that integrate power (fr__domain_integrate) ---- */
  uint64_t integral_ns;
  double integral_j, integral_w;
} fr__domain;

#define FR__DOMAINS 256 /* ceiling; 64 packages with 4 domains each */

typedef struct fr__sensor fr__sensor;

typedef struct fr__sensor_ops {
  const char *name; /* "perf" */
  enum fr_source source;
  double update_s; /* the counters are renewed this often */
  double band;     /* systematic error, relative, 95 %; 0: a counter's 1.5 % */
  bool beside;     /* GPUs: adds to whatever else is chosen */
  bool computed;   /* always advances: not tried under load (model, exec) */
  bool on_request; /* only where it is asked for by name (exec) */
  /* Fills domains: all that is there, opened where that is permitted. No domain: absent,
   * then `reason` says why. Fails only where the library does (memory). */
  enum fr_status (*open)(fr__sensor *sensor, fr__world *world, fr_error *err);
  /* The raw counter of an open domain; 0 or errno. `load` has the time, and the load for
   * sensors that compute. */
  int (*read)(fr__sensor *sensor, fr__domain *domain, const fr__load *load,
              uint64_t *raw);
  void (*close)(fr__sensor *sensor); /* frees `own`; may be NULL */
} fr__sensor_ops;

struct fr__sensor {
  const fr__sensor_ops *ops;
  const char *argument; /* "CMD" of "exec:CMD"; borrowed, during open; NULL: none */
  void *own;            /* the sensor's, until `close` */
  fr__world *world;     /* borrowed */
  fr__domain *domain;   /* owned */
  size_t count;
  char reason[256];  /* with no domain: why */
  fr_cpu_power cpu;  /* the model's */
  uint64_t start_ns; /* awake time of the model's clock */
  double bridged_j;  /* energy of gaps, all counted domains */
  double floor_j;    /* the energy that was told already: it never falls */
  size_t marked;     /* readings that failed or could not be true */
  fr_mark_counts marks;
};

extern const fr__sensor_ops fr__sensor_perf, fr__sensor_powercap, fr__sensor_msr,
    fr__sensor_hwmon, fr__sensor_battery, fr__sensor_nvml, fr__sensor_cards,
    fr__sensor_exec, fr__sensor_model;

/* All sensors, the best first. */
#define FR__SENSORS 9
extern const fr__sensor_ops *const fr__sensor_table[FR__SENSORS];

enum fr_status fr__sensor_open(const fr__sensor_ops *ops, const char *argument,
                               fr__world *world, fr__sensor *out, fr_error *err);
void fr__sensor_close(fr__sensor *sensor);

/* Room for one more domain, cleared, without a channel; NULL at the ceiling or out of
 * memory. */
fr__domain *fr__sensor_add(fr__sensor *sensor);

/* For sensors that read watts: adds the trapezoid since the call before; *raw is
 * nanojoules. */
void fr__domain_integrate(fr__domain *domain, double power_w, uint64_t t_ns,
                          uint64_t *raw);

typedef struct fr__reading {
  double energy_j;  /* since start, all counted domains */
  double beside_j;  /* of it, by GPUs' own sensors */
  double quantum_j; /* one count of each */
  bool marked;      /* something in it is an estimate */
} fr__reading;

/* Takes `raw` into the domain's total, wraps added; false where it cannot be true (a step
 * beyond what the machine allows, a counter that went back and did not wrap): then it is
 * marked and the gap is bridged with the power before. */
bool fr__domain_take(fr__sensor *sensor, fr__domain *domain, uint64_t raw,
                     const fr__load *load);

const char *fr__domain_kind_name(enum fr__domain_kind kind); /* "package" */

/* From 0 to 0 at the most power; 0 where it never comes round. */
double fr__domain_wrap_s(const fr__domain *domain);

double fr__domain_energy_j(const fr__domain *domain); /* since start, bridges included */

/* Totals are 0 from here on. */
enum fr_status fr__sensor_start(fr__sensor *sensor, const fr__load *load, fr_error *err);

void fr__sensor_read(fr__sensor *sensor, const fr__load *load, fr__reading *out);

/* The longest time between readings by which no counter passes half its range at the
 * most power; INFINITY where none can wrap. */
double fr__sensor_patience_s(const fr__sensor *sensor);

/* How often a counter is renewed, as far as that is known or was seen. */
double fr__domain_update_s(const fr__sensor *sensor, const fr__domain *domain);
/* The slowest of those that are counted. */
double fr__sensor_update_s(const fr__sensor *sensor);

/* A sample is handed on: the power of each domain is that of its advances since the
 * sample before, where there was none that of its last one. */
void fr__sensor_hand_on(fr__sensor *sensor);

/* Of all counted domains, as handed on; NaN while one of them is not known. */
double fr__sensor_power_w(const fr__sensor *sensor);

/*
 * Opens all `count` sensors of `table`, keeps one core busy for 200 ms (less where all
 * advance sooner; a recording is looked through instead), marks counters that did not
 * move as dead, finds twins, and decides which domains make the total. sensor[i] belongs
 * to table[i]; *chosen is the first that has a total, `count` where none has.
 */
enum fr_status fr__sensor_try(const fr__sensor_ops *const *table, size_t count,
                              const char *argument, fr__world *world, fr__sensor *sensor,
                              size_t *chosen, fr_error *err);

/* "powercap, 2 packages + 2 DRAM". */
void fr__sensor_describe(const fr__sensor *sensor, char text[64]);

#endif
