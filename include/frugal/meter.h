/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meter: joules, by the best working sensor, and the phases that spent them.
 *
 * Three energies, never mixed: `energy`, the machine while it ran, idle included;
 * `delta`, above its normal power; `program`, the part attributed to this program.
 */
#ifndef FRUGAL_METER_H
#define FRUGAL_METER_H

#include "frugal/base.h"

/* ---- sensors and doctor ---- */

enum fr_sensor_state {
  FR_SENSOR_WORKING,
  FR_SENSOR_DEAD,      /* advertised, but does not advance under load */
  FR_SENSOR_FORBIDDEN, /* there, but this user may not read it */
  FR_SENSOR_ABSENT
};
const char *fr_sensor_state_name(enum fr_sensor_state state);

typedef struct fr_sensor_report {
  char name[64]; /* "perf power/energy-psys", "powercap intel-rapl:0 (package-0)", "model"
                  */
  enum fr_source source;
  enum fr_sensor_state state;
  char reason[256]; /* why it is in that state, one sentence */
  char fix[256];    /* the exact line that grants it; empty where there is none */
  const char *kind; /* "platform", "package", "dram", "part", "gpu"; static storage; NULL
                       where the sensor is absent */
  char inside[32];  /* the package that it is inside of; empty: of none */
  bool counted;     /* part of the total of a meter */
  double unit_j;    /* of one count; 0: not known */
  double power_limit_w; /* the most that this machine allows it; 0: not known */
  double wrap_s;        /* it comes round after so long at that limit (5 kW without one);
                           0: never in practice, or not known */
  double update_s;      /* its counter was renewed this often; 0: not seen */
} fr_sensor_report;

typedef struct fr_doctor_report {
  size_t count;
  fr_sensor_report *sensor; /* owned */
  size_t chosen;            /* index of what a meter would use */
} fr_doctor_report;

/* Tries every sensor, keeping one core busy for 200 ms. `root` stands for "/"; NULL: "".
 */
enum fr_status fr_doctor_run(const char *root, fr_doctor_report *report, fr_error *err);
void fr_doctor_report_release(fr_doctor_report *report);

/* Records for so many seconds what the sensors of this machine (or of `root`) read into a
 * new recording, `folder`, for fr_meter_replay; GPUs' libraries are not recorded. Files
 * that this user may not read are rows that say so. */
enum fr_status fr_doctor_record(const char *root, const char *folder, double seconds,
                                fr_error *err);

/* The model's view of this processor: watts of one busy logical processor, with its band
 * and the rule that gave them. */
typedef struct fr_cpu_power {
  char cpu[128];     /* "AMD EPYC 7763 64-Core Processor"; what the kernel says */
  size_t cores;      /* logical processors online */
  fr_measure core_w; /* what one of them adds to the package at rest while it is busy */
  fr_measure idle_w; /* one's share of the package at rest */
  char rule[256];    /* "name: …", "family: …", "class: …", with the row's source */
} fr_cpu_power;

enum fr_status fr_cpu_power_find(const char *root, fr_cpu_power *out, fr_error *err);

/* ---- meter ---- */

typedef struct fr_power_sample {
  uint64_t t_ns;    /* since the meter's start */
  double power_w;   /* machine, mean since the sample before; of a counter that is renewed
                       less often, over its last advance; NaN: not known yet */
  double energy_j;  /* machine, since start */
  double program_j; /* program, since start */
  double core_s;    /* program's CPU time since start */
  bool marked; /* a reading in it failed or could not be true: power and energy of this
                  step are an estimate from those before */
} fr_power_sample;

typedef struct fr_meter_options {
  double interval_s;  /* 0.1 */
  const char *root;   /* stands for "/"; NULL: "" */
  const char *sensor; /* a name of frugal doctor's: "perf", "powercap", "model"; where a
                         sensor takes one, with its argument: "exec:CMD". NULL: the best
                         that works */
  const fr_cpu_power *cpu; /* what the model takes for this processor, such as a
                              calibration (calibration.h); copied. NULL: the table's */
  /* Called from the sampling thread for each of its samples; may be NULL. It may ask for
   * figures, but must not start, stop or free the meter. */
  void (*sample)(void *self, const fr_power_sample *sample);
  void *self;
} fr_meter_options;

fr_meter_options fr_meter_default_options(void);

typedef struct fr_phase_report {
  char path[128];     /* "train/forward"; "unmarked" for what no phase claims */
  uint64_t count;     /* times entered */
  double duration_s;  /* wall time inside, children excluded; of all threads together */
  double core_s;      /* CPU time inside, children excluded */
  fr_measure energy;  /* machine's, shared in proportion to CPU time */
  fr_measure program; /* program's */
} fr_phase_report;

/* One counter: what it counts, and whether that is part of the total. */
typedef struct fr_domain_report {
  char name[64];    /* "powercap intel-rapl:0:2 (dram)" */
  const char *kind; /* "platform", "package", "dram", "part" or "gpu"; static storage */
  bool counted;     /* adds to the total */
  fr_measure energy;
  double bridged_j; /* of it, estimated over gaps */
} fr_domain_report;

/* Readings that were not taken as they came; each sample with one of them is marked. */
typedef struct fr_mark_counts {
  size_t failed;    /* could not be read */
  size_t unplugged; /* ENODEV: its zone is gone */
  size_t back;      /* the counter went back, and that was no wrap */
  size_t above;     /* a step beyond what the machine allows */
  size_t suspended; /* the machine slept; a wrap meanwhile goes unseen */
} fr_mark_counts;

typedef struct fr_meter_report {
  double duration_s;       /* suspends included */
  fr_measure core_seconds; /* program's CPU time; unit core-s, source clock */
  fr_measure energy;
  fr_measure program;
  /* Least and most of samples that are not marked and at least half an interval long; the
   * mean is energy by duration. Where it lies beyond them, they are it. */
  double power_min_w, power_mean_w, power_max_w;
  char sensor[64]; /* name of what was read */
  char rule[256];  /* how the model knew its watts; empty with a counter */
  size_t count;
  fr_phase_report
      *phase; /* (count) exclusive: they add up to energy and to program; owned */
  size_t domain_count;
  fr_domain_report *domain; /* (domain_count) owned */
  size_t samples, marked;   /* all samples, and those of them that hold an estimate */
  fr_mark_counts marks;
  double bridged_j;   /* energy of gaps, estimated; part of energy, and of its bounds */
  double interval_s;  /* as sampled: shorter than asked for where a counter wraps soon */
  double suspended_s; /* of the duration */
  double update_s;    /* the counters were renewed this often */
  bool too_short;     /* a counter's edges alone are beyond 5 % of the energy */
  char notes[1024]; /* sentences for a person, one a line: "DRAM is not measured here" */
} fr_meter_report;

typedef struct fr_meter fr_meter;

/* Chooses and opens the sensor (may take 200 ms once a process: the choice is kept). */
enum fr_status fr_meter_new(const fr_meter_options *options, fr_meter **out,
                            fr_error *err);
void fr_meter_free(fr_meter *meter);
/* Idempotent; after a stop all figures begin anew. */
enum fr_status fr_meter_start(fr_meter *meter, fr_error *err);
/* A sample now, on the caller's thread: figures of two reports then frame a piece of
 * work. */
void fr_meter_sample(fr_meter *meter);
/* Other processes than this one are known to have had so much CPU time since the start,
 * as fr_processes_busy tells: the model takes the machine for no less busy. /proc/stat,
 * which it has else, counts in ticks of 10 ms. For the next sample on. */
void fr_meter_others(fr_meter *meter, double core_s);
/* Idempotent. */
void fr_meter_stop(fr_meter *meter);
/* Nanoseconds since the start by the clock of the samples' t_ns, suspended time included:
 * for what is to be placed between samples. 0 before the first start; goes on after a
 * stop. */
uint64_t fr_meter_clock(fr_meter *meter);

/* Marks for the calling thread; nested, at most 16 deep (deeper ones count as their
 * parent), names without '/'. A phase of a thread belongs to the meter it was begun on.
 * Cheap: no lock, no system call but the thread's clock, and that at most every 100 us. A
 * NULL meter is none. */
void fr_phase_begin(fr_meter *meter, const char *name);
void fr_phase_end(fr_meter *meter);

typedef struct fr_domain_power {
  const char *name; /* as in fr_domain_report; the meter's */
  double power_w;   /* over its last advance; NaN: not known yet */
} fr_domain_power;

/* Power of each working domain as the last sample found it, into out (room), in the order
 * of the report's domains; returns how many there are. No allocation: a sink may ask at
 * each sample. */
size_t fr_meter_domains(fr_meter *meter, fr_domain_power *out, size_t room);

/* What a card has counted by itself; part of the total. */
typedef struct fr_card_energy {
  char card[32];   /* "nvml:0"; a PCI address, "0000:03:00.0"; else "hwmon3" */
  double energy_j; /* since start, as of the last sample */
} fr_card_energy;

/* Of all cards that are counted beside the machine, for fr_processes_cards: into out
 * (room); how many there are. No allocation. */
size_t fr_meter_cards(fr_meter *meter, fr_card_energy *out, size_t room);

/* Figures since start; any time, stopped or not: takes a sample where it runs. Before the
 * first start the measures are absent. Release the report. */
enum fr_status fr_meter_read(fr_meter *meter, fr_meter_report *report, fr_error *err);
void fr_meter_report_release(fr_meter_report *report);

/*
 * The same on a recording (folder with sys/, dev/, proc/ and timeline.csv:
 * docs/meter.md), with its own clock, from its start to its last row; single-threaded.
 * `options->sample` gets all samples. Program and core-seconds are absent, phases are
 * none: a recording does not tell them.
 */
enum fr_status fr_meter_replay(const fr_meter_options *options, const char *folder,
                               fr_meter_report *report, fr_error *err);

#endif
