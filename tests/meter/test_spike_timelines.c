/* SPDX-License-Identifier: Apache-2.0 */
/* Of what is a spike in simulated timelines 95 % is found, and 95 % of what is found is
 * one, whatever the machine does and the meter is. */
#include "test.h"

#include "frugal/power.h"
#include "meter/power_sim.h"
#include "meter/spike_truth.h"

#define RUN_S 600.0
#define RISES 2000

/* How a machine's power goes. */
typedef struct scenery {
  const char *name;
  struct {
    double deviation_w, correlation_s;
    bool heavy; /* its tails */
  } noise;
  size_t runs;       /* 0: the usual number */
  double pause_s[2]; /* between spikes (or groups of them): least, most */
  double wave_w, wave_s, slope_w;
  bool steps;   /* to another level for half a minute and longer */
  bool bursts;  /* too short, too long or too flat to be spikes; dips */
  bool regimes; /* noise three times as loud for a minute or two */
  size_t group; /* up to so many spikes close together */
  double length_s[2], height_w[2]; /* 0: all that there are */
  double train_s[2]; /* instead of spikes: equal ones, on and off, for 10 to 20 s; or … */
  bool endless;      /* … all the time */
  double least_w;    /* height of a spike, where the meter's own noise makes it more */
  double loud_rise; /* noise is so much louder while a spike lasts */
} scenery;

typedef struct rise {
  double start_s, length_s, height_w, least_w;
} rise;

typedef struct plan {
  rise rise[RISES];
  size_t count;
  double loud_from_s[RISES], loud_to_s[RISES]; /* regimes */
  size_t louds;
} plan;

/* What is no spike; it and the pause after it take the returned time. Steps are further
 * apart than a spike is long: else the time between two is one. */
static double disturb(simulation *sim, const scenery *scene, double at, double *level_s) {
  const double kind = fr__rng_uniform(&sim->rng);
  const double height = sim_between(sim, 8, 40);
  if (scene->steps && kind < 0.4) {
    if (at < *level_s)
      return 0;
    const double length = sim_between(sim, 25, 60);
    *level_s = at + length + 14;
    sim_rise(sim, at, length, fr__rng_uniform(&sim->rng) < 0.5 ? height : -height / 2,
             sim_between(sim, 0.01, 0.5));
    return fr__rng_uniform(&sim->rng) < 0.5 ? 4 : length + 4;
  }
  if (!scene->bursts)
    return 0;
  if (kind < 0.6) { /* a blip */
    sim_rise(sim, at, sim_between(sim, 0.01, 0.18), height, 0.004);
    return 2;
  }
  if (kind < 0.7) { /* too long */
    const double length = sim_between(sim, 12.5, 30);
    sim_rise(sim, at, length, height, 0.1);
    return length + 4;
  }
  if (kind < 0.8) { /* too flat: a hump */
    const double length = sim_between(sim, 40, 60);
    sim_rise(sim, at + length / 2, 1, height / 2, length);
    return length + 4;
  }
  sim_rise(sim, at, sim_between(sim, 0.2, 1.5), -sim_between(sim, 5, 20), 0.02);
  return 3;
}

static double or_else(double value, double usual) { return value > 0 ? value : usual; }

static void put(simulation *sim, plan *all, rise one) {
  sim_rise(sim, one.start_s, one.length_s, one.height_w,
           fmin(0.2 * one.length_s, sim_between(sim, 0.01, 0.4)));
  if (all->count < RISES)
    all->rise[all->count++] = one;
}

static double least_of(const scenery *scene, double deviation) {
  return fmax(fmax(5, scene->least_w), 3 * deviation);
}

static rise draw(simulation *sim, const scenery *scene, double at, double deviation) {
  const double least = least_of(scene, deviation);
  const double from = or_else(scene->length_s[0], 0.3);
  const double to = or_else(scene->length_s[1], 10);
  return (rise){at, from * pow(to / from, fr__rng_uniform(&sim->rng)),
                sim_between(sim, or_else(scene->height_w[0], least),
                            or_else(scene->height_w[1], 40)),
                least};
}

/* Equal spikes, on and off. */
static double put_train(simulation *sim, const scenery *scene, plan *all, double at) {
  const double least = least_of(scene, scene->noise.deviation_w);
  const double height = sim_between(sim, 1.5 * least, 40);
  const double end = scene->endless ? RUN_S - 10 : at + sim_between(sim, 10, 20);
  for (; at < end && at < RUN_S - 10; at += scene->train_s[0] + scene->train_s[1]) {
    const rise one = {at, scene->train_s[0], height, least};
    sim_rise(sim, at, one.length_s, height, 0.02);
    if (all->count < RISES)
      all->rise[all->count++] = one;
  }
  return at;
}

static double put_group(simulation *sim, const scenery *scene, plan *all, double at,
                        double deviation) {
  const size_t group =
      scene->group > 0 ? 2 + fr__rng_below(&sim->rng, scene->group - 1) : 1;
  for (size_t i = 0; i < group; i++) {
    if (i > 0)
      at += sim_between(sim, 0.5, 2);
    const rise one = draw(sim, scene, at, deviation);
    if (at + one.length_s > RUN_S - 5)
      return RUN_S;
    put(sim, all, one);
    at += one.length_s;
  }
  return at;
}

/* Times in which noise is louder. */
static void plan_regimes(simulation *sim, plan *all) {
  for (double at = sim_between(sim, 60, 120); at < RUN_S;
       at += sim_between(sim, 60, 120)) {
    all->loud_from_s[all->louds] = at;
    at += sim_between(sim, 60, 120);
    all->loud_to_s[all->louds++] = at;
  }
}

static double loudness(const plan *all, double t) {
  for (size_t i = 0; i < all->louds; i++)
    if (t >= all->loud_from_s[i] - 10 && t < all->loud_to_s[i] + 10)
      return 3;
  return 1;
}

static void fill(simulation *sim, const scenery *scene, plan *all) {
  double level_s = 0;
  if (scene->regimes)
    plan_regimes(sim, all);
  for (double at = 20; at < RUN_S - 20;) {
    if ((scene->steps || scene->bursts) && fr__rng_uniform(&sim->rng) < 0.4)
      at += disturb(sim, scene, at, &level_s);
    at = scene->train_s[0] > 0 ? put_train(sim, scene, all, at)
                               : put_group(sim, scene, all, at,
                                           scene->noise.deviation_w * loudness(all, at));
    at += sim_between(sim, or_else(scene->pause_s[0], 3), or_else(scene->pause_s[1], 15));
  }
  if (scene->wave_w > 0)
    sim_wave(sim, scene->wave_w, scene->wave_s);
  sim_slope(sim, scene->slope_w);
  sim_noise(sim, scene->noise.deviation_w, scene->noise.correlation_s,
            scene->noise.heavy);
  for (size_t i = 0; i < all->louds; i++)
    sim_amplify(sim, all->loud_from_s[i], all->loud_to_s[i], 3);
  for (size_t i = 0; scene->loud_rise > 0 && i < all->count; i++)
    sim_amplify(sim, all->rise[i].start_s, all->rise[i].start_s + all->rise[i].length_s,
                scene->loud_rise);
}

/* All that is a spike by the definition. */
static void find_truth(const simulation *sim, const scenery *scene, const plan *all,
                       double least_s, truths *out) {
  for (size_t i = 0; i < all->count; i++) {
    const rise *one = &all->rise[i];
    if (one->length_s < least_s)
      truth_add_blurred(out, one->start_s, one->start_s + one->length_s, least_s);
    else
      truth_of_rise(out, sim, one->start_s, one->start_s + one->length_s, one->height_w,
                    one->least_w);
  }
  const double least = least_of(scene, scene->noise.deviation_w);
  double quiet_s = 0;
  for (size_t i = 0; i < all->louds; i++) {
    truth_of_noise(out, sim, quiet_s, all->loud_from_s[i], least);
    truth_of_noise(out, sim, all->loud_from_s[i], all->loud_to_s[i],
                   least_of(scene, 3 * scene->noise.deviation_w));
    quiet_s = all->loud_to_s[i];
  }
  truth_of_noise(out, sim, quiet_s, RUN_S, least);
}

static truth_score play(const scenery *scene, const sim_meter *meter, double least_s,
                        uint64_t seed, size_t runs) {
  truth_score sum = {0};
  truths *there = malloc(sizeof *there);
  plan *all = malloc(sizeof *all);
  for (size_t run = 0; run < runs; run++) {
    simulation sim;
    double *t_s, *power_w;
    fr_spike *found = NULL;
    size_t count;
    *there = (truths){0};
    *all = (plan){0};
    sim_init(&sim, seed + run, RUN_S, fmin(0.002, meter->interval_s / 4), 40);
    fill(&sim, scene, all);
    find_truth(&sim, scene, all, least_s, there);
    const size_t n = sim_sample(&sim, meter, &t_s, &power_w);
    ASSERT_OK(
        fr_spikes_find(t_s, power_w, n, FR_SOURCE_POWERCAP, 0.015, &found, &count, err));
    truth_compare(there, found, count, &sum);
    free(found);
    free(t_s);
    free(power_w);
    sim_release(&sim);
  }
  free(all);
  free(there);
  return sum;
}

static void expect(const char *name, const truth_score *sum) {
  const double precision = truth_precision(sum), recall = truth_recall(sum);
  print_message("%s: %zu spikes, precision %.3f, recall %.3f; %zu undecided\n", name,
                sum->there, precision, recall, sum->undecided);
  assert_true(sum->there > 80);
  assert_true(precision >= 0.95);
  assert_true(recall >= 0.95);
}

static const scenery scenes[] = {
    {.name = "quiet", .noise = {0.3, 0.2, false}},
    {.name = "autocorrelated", .noise = {1.5, 1.0, false}},
    {.name = "heavy tails", .noise = {1.5, 0.5, true}},
    {.name = "drift",
     .noise = {1.0, 0.5, false},
     .wave_w = 8,
     .wave_s = 120,
     .slope_w = 40},
    {.name = "steps", .noise = {1.0, 0.5, false}, .steps = true},
    {.name = "bursts", .noise = {0.7, 0.5, false}, .bursts = true},
    {.name = "waves", .noise = {0.5, 0.5, false}, .wave_w = 4, .wave_s = 25},
    {.name = "all",
     .noise = {1.2, 0.8, true},
     .wave_w = 5,
     .wave_s = 150,
     .slope_w = -25,
     .steps = true,
     .bursts = true},
    {.name = "rare", .noise = {1.5, 0.5, true}, .pause_s = {25, 50}, .runs = 12},
    {.name = "dense", .noise = {0.7, 0.5, false}, .pause_s = {1, 3}},
    {.name = "dense, drift",
     .noise = {0.7, 0.5, false},
     .pause_s = {1, 3},
     .wave_w = 5,
     .wave_s = 150,
     .slope_w = -15},
    {.name = "dense, long",
     .noise = {0.7, 0.5, false},
     .pause_s = {0.8, 2},
     .length_s = {3, 10}},
    {.name = "dense, equal",
     .noise = {0.7, 0.5, false},
     .pause_s = {1, 3},
     .height_w = {20, 20.5}},
    {.name = "clusters",
     .noise = {1.0, 0.5, false},
     .pause_s = {8, 20},
     .group = 8,
     .length_s = {0.3, 2}},
    {.name = "low", .noise = {1.0, 0.5, false}, .height_w = {2.5, 8}, .runs = 20},
    {.name = "low, quiet", .noise = {0.3, 0.5, false}, .height_w = {2.5, 8}},
    {.name = "trains",
     .noise = {0.7, 0.5, false},
     .pause_s = {10, 30},
     .train_s = {0.5, 0.5},
     .runs = 2},
    {.name = "long trains",
     .noise = {0.7, 0.5, false},
     .pause_s = {10, 30},
     .train_s = {2, 1},
     .runs = 2},
    {.name = "duty cycle of 1 Hz, 30 %",
     .noise = {0.7, 0.5, false},
     .train_s = {0.3, 0.7},
     .endless = true,
     .runs = 2},
    {.name = "duty cycle of 1 Hz, 50 %",
     .noise = {0.7, 0.5, false},
     .train_s = {0.5, 0.5},
     .endless = true,
     .runs = 2},
    {.name = "regimes", .noise = {0.7, 0.5, false}, .regimes = true},
    {.name = "idle and active",
     .noise = {0.3, 0.5, false},
     .pause_s = {2, 6},
     .height_w = {20, 22},
     .loud_rise = 8},
};

static void play_all(double interval_s, uint64_t seed, size_t runs) {
  for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
    const sim_meter meter = {interval_s, 61e-6, 0, 0};
    const truth_score sum = play(&scenes[i], &meter, 0, seed + 1000 * i,
                                 scenes[i].runs > 0 ? scenes[i].runs : runs);
    expect(scenes[i].name, &sum);
  }
}

static void at_10_hz(void **state) {
  (void)state;
  play_all(0.1, 20260, 6);
}

static void at_100_hz(void **state) {
  (void)state;
  play_all(0.01, 50260, 6);
}

/* A count of 1 J makes samples of 0.1 s differ by 10 W: the difference of two errors that
 * are anywhere within a count has its 1/sqrt(6). Spikes shorter than two samples are
 * seen, but not how long they are. */
static void of_all_meters(void **state) {
  (void)state;
  static const struct {
    const char *name;
    sim_meter meter;
    double shortest_s;
    double noise_w; /* the meter's own */
  } meters[] = {
      {"1 kHz, renewed each 0.976 ms", {0.001, 61e-6, 0.000976, 0}, 0, 0},
      {"10 Hz, one in five missing", {0.1, 61e-6, 0, 0.2}, 0, 0},
      {"10 Hz, counts of 0.1 J", {0.1, 0.1, 0, 0}, 0, 0.41},
      {"10 Hz, counts of 1 J", {0.1, 1, 0, 0}, 0, 4.1},
      {"4 Hz", {0.25, 61e-6, 0, 0}, 0.5, 0},
      {"2 Hz", {0.5, 61e-6, 0, 0}, 1, 0},
      {"1 Hz", {1, 61e-6, 0, 0}, 2, 0},
  };
  for (size_t i = 0; i < sizeof meters / sizeof *meters; i++) {
    const scenery scene = {.noise = {0.7, 0.5, false},
                           .least_w = 3 * hypot(0.7, meters[i].noise_w)};
    const truth_score sum = play(&scene, &meters[i].meter, meters[i].shortest_s,
                                 70260 + 1000 * i, meters[i].meter.renewed_s > 0 ? 3 : 5);
    expect(meters[i].name, &sum);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(at_10_hz),
      cmocka_unit_test(at_100_hz),
      cmocka_unit_test(of_all_meters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
