/* SPDX-License-Identifier: Apache-2.0 */
/*
 * power: what samples of power tell, as pure functions on arrays: the normal power of a
 * machine, spikes and what caused them, and the bounds of every figure. Nothing here
 * reads a sensor or a clock. Formulas and sources: docs/meter.md.
 *
 * A sample is the mean power since the sample before, at the time of its end. Intervals
 * are of 95 %.
 */
#ifndef FRUGAL_POWER_H
#define FRUGAL_POWER_H

#include "frugal/base.h"

/* ---- bounds ---- */

/* The relative error of a sensor class, of 95 % of its devices, common to all readings of
 * one device; 0 where the source has none of its own (the model brings its band, the
 * clock counts). `*why`, unless `why` is NULL: who says so. Static storage. */
double fr_sensor_accuracy(enum fr_source source, const char **why);

/* All that makes an energy uncertain. Absent parts are 0. */
typedef struct fr_bounds {
  double value_j;    /* what was read */
  double duration_s; /* of the run */
  enum fr_source source;
  double accuracy; /* relative; fr_sensor_accuracy(source), or a calibration's */
  double update_s; /* the counter is renewed this often */
  double offset_s; /* the longest time between the clock's reading and the counter's */
  double power_start_w; /* the highest power that there may have been at each edge */
  double power_end_w;
  double quantum_j;    /* one count of each counter that adds to the total */
  double bridged_j;    /* of gaps, estimated */
  double sampling_j;   /* half width: from power integrated sample by sample */
  double model_low_j;  /* the model's band: below the value */
  double model_high_j; /* and above it */
} fr_bounds;

/* The value with all of them combined. Never below 0; absent where value_j is not finite.
 */
fr_measure fr_bounds_energy(const fr_bounds *bounds);

/* The duration from which on what a sensor adds at the edges of a run (update period,
 * offset, quantum) is within `relative` of the run's energy, at its mean power; INFINITY
 * where the counter has not moved. */
double fr_bounds_needed_s(const fr_bounds *bounds, double relative);

/* The run is too short for its sensor: its edges alone are beyond 5 % of it. */
bool fr_bounds_too_short(const fr_bounds *bounds);

/* ---- repeats ---- */

typedef struct fr_repeat_rule {
  double relative; /* 0.05: half width of the mean's interval, in relation to the mean */
  size_t least;    /* 3 */
  size_t most;     /* 30 */
} fr_repeat_rule;

fr_repeat_rule fr_repeat_default_rule(void);

enum fr_repeat {
  FR_REPEAT_MORE,   /* one more */
  FR_REPEAT_ENOUGH, /* the interval is narrow enough */
  FR_REPEAT_GAVE_UP /* `most` were run, and it is not */
};

/*
 * After n repeats of one run (n may be 0) with energies energy[0 … n): whether to run
 * another. *mean (may be NULL): the mean with the t interval of the repeats, combined
 * with what all of them share of their bounds; absent where one is absent or n is 0.
 * edges_j[0 … n) is the half width that each run's bounds have from its own edges
 * (update period, offset, quantum): another in every run, so that the repeats' scatter
 * tells it already; NULL: none is. The rule looks at the t interval alone: more repeats
 * do not make a sensor more accurate.
 */
enum fr_repeat fr_repeat_next(const fr_repeat_rule *rule, const fr_measure *energy,
                              const double *edges_j, size_t n, fr_measure *mean);

/* ---- normal power ---- */

typedef struct fr_baseline {
  fr_measure normal_w; /* with the sensor's accuracy or the model's band */
  double spread_w;     /* half width from the samples (and the drift) alone */
  double drift_w;      /* after minus before; 0 with one of them */
  bool drifted;        /* more than the two of them explain by chance */
  double seconds;      /* how long it was looked at */
  int64_t utc_ns;      /* when; the caller's */
  bool assumed;        /* it rests on the model, not on a counter */
} fr_baseline;

/*
 * The robust normal power of a machine at rest from n samples, each `interval_s` long:
 * the mean of blocks, one in five left out at each end. `accuracy` is the sensor's
 * relative error; the model's band is not the same to both sides (fr_baseline_band).
 * Fails with FR_ERR_ARGUMENT below 10 samples, FR_ERR_NUMERIC where a sample is not
 * finite.
 */
enum fr_status fr_baseline_find(const double *power_w, size_t n, double interval_s,
                                enum fr_source source, double accuracy, fr_baseline *out,
                                fr_error *err);

/* A relative band below and above, such as the model's, in the place of `accuracy`. */
void fr_baseline_band(fr_baseline *baseline, double below, double above);

/* One taken before a run and one after it: their mean; what lies between them is taken
 * for drift, which widens the bounds. The later one's date. */
fr_baseline fr_baseline_join(const fr_baseline *before, const fr_baseline *after);

/*
 * The energy above normal, with all bounds combined; may be below 0. A sensor's relative
 * error is the same in the run and in the baseline, where both come from one source, and
 * counts once, on the difference.
 */
fr_measure fr_baseline_delta(const fr_baseline *baseline, const fr_bounds *run);

/* ---- spikes ---- */

/* A rise of at least 5 W and three deviations that lasts 0.3 to 10 s. */
typedef struct fr_spike {
  double start_s;
  double duration_s;  /* between the points where it is at half its height */
  double height_w;    /* mean above the level around it */
  double peak_w;      /* highest sample above it */
  double deviation_w; /* of samples (means of 0.1 s, where they are finer) around it */
  fr_measure energy;  /* above the level around it */
} fr_spike;

typedef struct fr_spike_options {
  enum fr_source source; /* of the energies */
  double accuracy;       /* relative, for the bounds of the energies */
  /* Called from fr_spikes_add and fr_spikes_end, in order of time. */
  void (*found)(void *self, const fr_spike *spike);
  void *self;
} fr_spike_options;

/*
 * Finds spikes while samples come in. Keeps the last 90 s, whatever the rate; a sample
 * costs O(1), amortised. A spike is told 15 to 25 s after its end, since a rise is a
 * spike only when it is over and the level around it is known. A rise that was there at
 * the start or is there at the end is none. Samples should be at most 0.15 s apart to
 * see the shortest ones; beyond 2 s none is looked for.
 */
typedef struct fr_spikes fr_spikes;

enum fr_status fr_spikes_new(const fr_spike_options *options, fr_spikes **out,
                             fr_error *err);
void fr_spikes_free(fr_spikes *spikes);
/* The mean power since the sample before; the first one only starts the clock. Samples
 * that are not finite or not later than the one before are passed over; after a gap the
 * search begins anew. No allocation. */
void fr_spikes_add(fr_spikes *spikes, double t_s, double power_w);
/* No more will come: tells what is left. Then it may be used again. */
void fr_spikes_end(fr_spikes *spikes);

/* All spikes of n samples; *spike (count) is the caller's (free). */
enum fr_status fr_spikes_find(const double *t_s, const double *power_w, size_t n,
                              enum fr_source source, double accuracy, fr_spike **spike,
                              size_t *count, fr_error *err);

/* ---- causes of a spike ---- */

/* Something that uses a processor: a process, a phase. */
typedef struct fr_actor {
  const char *name;
  int64_t pid;         /* 0: not a process */
  const double *use_s; /* (count) CPU or GPU seconds in each interval */
} fr_actor;

typedef struct fr_cause {
  size_t actor;      /* index */
  double rise_s;     /* CPU or GPU seconds in the spike above what it used before */
  double share;      /* of all that rose; 0 to 1 */
  double confidence; /* that its rise is more than its own wobble; 0 to 1 */
} fr_cause;

/*
 * Ranks who rose in a spike: use per second within it less the use per second in the 10 s
 * before (after it, where there is nothing before), or less what went on right before and
 * right after it, where that is more. Interval i is from t_s[i] to t_s[i + 1], t_s has
 * count + 1 times. Rank processes and phases apart: a phase's CPU time is
 * some process's too. Fills at most `room` causes, the greatest share first, only such
 * that rose; how many.
 */
size_t fr_spike_attribute(const fr_spike *spike, const double *t_s, size_t count,
                          const fr_actor *actor, size_t actors, fr_cause *cause,
                          size_t room);

#endif
