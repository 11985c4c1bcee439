/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calibration: what this very machine draws at rest and for each busy logical processor,
 * found once against a sensor that measures (a wall meter, a battery, RAPL), so that the
 * model knows it from then on. Formulas and sources: docs/meter.md.
 *
 * Nothing here keeps a file: the caller does, and hands the figures in
 * (fr_meter_options.cpu).
 */
#ifndef FRUGAL_CALIBRATION_H
#define FRUGAL_CALIBRATION_H

#include "frugal/meter.h"

#define FR_CALIBRATION_LOOKS_LEAST 8
#define FR_CALIBRATION_LOOKS_MOST 512
#define FR_CALIBRATION_GROUPS 32

/* The machine under one load, settled. */
typedef struct fr_calibration_look {
  double t_s;         /* its middle, since the start */
  double power_w;     /* mean, of the sensor */
  double busy_cores;  /* mean, of the machine: busy core-seconds per second */
  double other_cores; /* of it, by other programs */
  size_t group;       /* looks at one load share a number; below FR_CALIBRATION_GROUPS */
} fr_calibration_look;

typedef struct fr_calibration {
  char cpu[128];   /* of fr_cpu_power: it holds for no other */
  size_t cores;    /* likewise */
  char sensor[96]; /* "exec:read-my-plug", "powercap, 1 package + 1 DRAM" */
  char of[32];     /* what that measures: "the whole machine", "packages and DRAM" */
  enum fr_source source;
  int64_t utc_ns;                      /* when */
  fr_measure core_w;                   /* what a busy logical processor adds */
  fr_measure idle_w;                   /* the machine with none busy */
  double core_spread_w, idle_spread_w; /* half widths, the sensor's accuracy left out */
  double residual_w;                   /* deviation of the looks from the line, robust */
  double bend_w;      /* the farthest that a load's mean is from the line */
  bool bent;          /* farther than chance explains */
  double drift_w;     /* from the first look to the last, taken off */
  double other_cores; /* kept busy by other programs, mean */
  double seconds;     /* how long it took; 0: there is none */
  size_t looks;
} fr_calibration;

/*
 * Fits power = idle + core × busy cores + drift × time to n looks: Huber's M-estimator,
 * with the interval that is wider of Huber's own and a heteroscedastic one. Loads whose
 * mean is off the line beyond chance (turbo, two threads on a core, codes that differ)
 * widen it until it holds them. `accuracy`: the sensor's, relative; `quantum_w`: it tells
 * power in steps of so much, 0 where they are fine. Fills the figures of *out, from
 * core_w to other_cores, source and looks; all else is the caller's.
 *
 * Fails with FR_ERR_ARGUMENT below 8 looks, where the load hardly changed, or with the
 * model for a source; FR_ERR_NUMERIC where something is not finite, or the sensor does
 * not react to load: the interval of core_w holds 0.
 */
enum fr_status fr_calibration_fit(const fr_calibration_look *look, size_t n,
                                  enum fr_source source, double accuracy,
                                  double quantum_w, fr_calibration *out, fr_error *err);

/* Puts a calibration in the place of the table's figures; *cpu is fr_cpu_power_find's.
 * FR_ERR_ARGUMENT where it is of another processor or count of cores; FR_ERR_FORMAT where
 * it cannot be one, wherever it comes from. */
enum fr_status fr_cpu_power_calibrate(const fr_calibration *calibration,
                                      fr_cpu_power *cpu, fr_error *err);

typedef struct fr_calibration_options {
  fr_meter_options meter; /* the sensor; its sample and self are not used */
  double seconds;         /* 90; 10 to 3600 */
  /* Both are called about ten times a second, on the caller's thread; may be NULL. */
  void (*progress)(void *self, double done, double left_s, double power_w);
  bool (*may_go_on)(void *self); /* false: stop now */
  void *self;
} fr_calibration_options;

fr_calibration_options fr_calibration_default_options(void);

/*
 * Keeps none, some and all processors busy in turn, with arithmetic and with reading
 * memory, in mixed order, and fits what the sensor says. It should be the only program
 * that has something to do: what others do is counted, and widens the bounds; where they
 * keep half of the machine busy it is refused. FR_ERR_UNSUPPORTED where nothing but the
 * model works; FR_ERR_CANCELLED where it may not go on.
 */
enum fr_status fr_calibration_run(const fr_calibration_options *options,
                                  fr_calibration *out, fr_error *err);

#endif
