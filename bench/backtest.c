/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What plans made with forecasts reach, over whole years of hourly intensity:
 *
 *   ninja -C build bench/bench_backtest && build/bench/bench_backtest DATA/carbon
 *
 * For every start (each hour for jobs that run whole, each 7th for those in pieces; a job
 * that does not fit before the year's end is left out) the mean intensity that a job
 * would have run at, by what came:
 *
 *   now      at once
 *   night    whole, from the next 01:00 of the zone's standard time that leaves the
 *            deadline; at once where none does
 *   plan     as planned at the start with the forecast of that hour, once
 *   again    planned anew each hour with what has become known, as `frugal run --green`
 *   advice   at once unless fr_plan_make advises to wait (planned once; of jobs that run
 *            whole each 7th start)
 *   best     with perfect foresight
 *
 * Forecasts are fr_forecast_make's, plans fr_timetable_best's. Where there is no forecast
 * yet (the first day of a file) the plan is to start. Saved is now less the other's, in
 * shares of sums over starts and zones. Then, by lead, the forecasts' mean absolute (root
 * mean square) errors, g/kWh. Markdown tables; --csv FILE for all rows.
 * --late 2: each value is known two hours after its end, not at once.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frugal/forecast.h"
#include "frugal/plan.h"

enum { HOUR = 3600, DAY = 86400, AHEAD = 168, ASK = 7 };

typedef struct zone {
  const char *set, *file, *name;
  int64_t from_s, to_s; /* of what is reported; the file may begin earlier */
  int standard_h;       /* local standard time less UTC */
} zone;

#define Y2020 INT64_C(1577836800)
#define Y2021 INT64_C(1609459200)
#define Y2022 INT64_C(1640995200)
#define Y2023 INT64_C(1672531200)
#define Y2024 INT64_C(1704067200)
#define MAPS(file, name, year, hours)                                                    \
  {                                                                                      \
    "electricitymaps", "electricitymaps/" file "_hourly.csv", name " " #year, Y##year,   \
        Y##year + (int64_t)365 * DAY, hours                                              \
  }
#define CAST(name, year, days, hours)                                                    \
  {                                                                                      \
    "carboncast" #year, "carboncast/" name "_lifecycle_emissions.csv", name " " #year,   \
        Y##year, Y##year + (int64_t)days *DAY, hours                                     \
  }

static const zone zones[] = {
    MAPS("BR_2023", "BR", 2023, -3),
    MAPS("DE_2022", "DE", 2022, 1),
    MAPS("ES_2023", "ES", 2023, 1),
    MAPS("GB_2022", "GB", 2022, 0),
    MAPS("NO_2023", "NO", 2023, 1),
    MAPS("US-CAL-CISO_2023", "US-CAL-CISO", 2023, -8),
    CAST("CISO", 2021, 365, -8),
    CAST("DE", 2021, 365, 1),
    CAST("PJM", 2021, 365, -5),
    CAST("PL", 2021, 365, 1),
    CAST("SE", 2021, 365, 1),
    /* The year on which the forecast's constants were chosen. */
    CAST("CISO", 2020, 366, -8),
    CAST("DE", 2020, 366, 1),
    CAST("PJM", 2020, 366, -5),
    CAST("PL", 2020, 366, 1),
    CAST("SE", 2020, 366, 1),
};
enum { ZONES = sizeof zones / sizeof *zones };

typedef struct work {
  int hours, deadline_h;
  bool pieces;
} work;

static const work works[] = {
    {1, 12, false},  {1, 24, false},   {1, 48, false},   {1, 168, false}, {3, 12, false},
    {3, 24, false},  {3, 27, false},   {3, 48, false},   {3, 168, false}, {12, 24, false},
    {12, 48, false}, {12, 168, false}, {48, 168, false}, {3, 12, true},   {3, 24, true},
    {3, 27, true},   {3, 48, true},    {3, 168, true},   {12, 24, true},  {12, 48, true},
    {12, 168, true}, {48, 168, true},
};
enum { WORKS = sizeof works / sizeof *works };

enum way { NOW, NIGHT, PLAN, AGAIN, BEST, ADVICE, WAYS };
static const char *const way_name[ADVICE] = {"now", "night", "plan", "again", "best"};

/* Sums over starts of the mean intensity, g/kWh. */
typedef struct tally {
  size_t starts, planned_now;
  double sum[WAYS];
  size_t asked, advised_now; /* starts at which advice was asked for */
  double asked_sum;          /* of now at these */
} tally;

/* Told against what came, by lead. */
static const size_t leads[] = {0, 2, 5, 11, 23, 47, 167};
enum { LEADS = sizeof leads / sizeof *leads };

typedef struct misses {
  size_t count, inside, steps; /* of all leads: in their 90 % interval */
  double absolute[LEADS], square[LEADS], real;
} misses;

#define UNSEEN "all but carboncast2020"
static bool in_set(const char *set, const zone *z) {
  return strcmp(set, z->set) == 0 ||
         (strcmp(set, UNSEEN) == 0 && strcmp(z->set, "carboncast2020") != 0);
}

/* A zone's year, and the forecast of each of its hours (count 0: none). */
typedef struct year {
  const zone *zone;
  fr_series real;
  fr_series *told; /* (hours) */
  int64_t from_s;  /* of the first one */
  size_t hours;
  int64_t late_s; /* after its end a value is known */
} year;

static _Noreturn void stop(const char *what, const fr_error *err) {
  (void)fprintf(stderr, "%s: %s\n", what, err->text);
  exit(1);
}

/* ---- forecasts ---- */

/* What is known at that time; borrowed. */
static fr_series known_at(const year *y, int64_t now_s) {
  fr_series known = y->real;
  const int64_t hours = (now_s - y->late_s - y->real.step[0].start_s) / HOUR;
  known.count = hours < 0 ? 0 : (size_t)hours < known.count ? (size_t)hours : known.count;
  return y->late_s > 0 ? known : y->real;
}

static void forecast_year(year *y) {
  fr_error err = {0};
  y->told = calloc(y->hours, sizeof *y->told);
  if (y->told == NULL)
    exit(1);
  for (size_t i = 0; i < y->hours; i++) {
    const int64_t now_s = y->from_s + (int64_t)i * HOUR;
    const fr_series known = known_at(y, now_s);
    fr_forecast f = {0};
    const enum fr_status status =
        fr_forecast_make(&known, now_s, now_s + (int64_t)AHEAD * HOUR, &f, &err);
    if (status == FR_OK) {
      y->told[i] = f.ahead;
      f.ahead = (fr_series){0};
    } else if (status != FR_ERR_NOT_FOUND) {
      stop(y->zone->name, &err);
    }
    fr_forecast_release(&f);
  }
}

static void open_year(year *y, const char *folder) {
  char spec[1200];
  fr_error err = {0};
  const fr_intensity_query all = {.now_s = FR_TIME_LATEST,
                                  .from_s = FR_TIME_EARLIEST,
                                  .to_s = y->zone->to_s,
                                  .factor = FR_FACTOR_LIFECYCLE};
  (void)snprintf(spec, sizeof spec, "csv:%s/%s", folder, y->zone->file);
  if (fr_intensity_read(spec, &all, &y->real, &err) != FR_OK)
    stop(spec, &err);
  y->from_s = y->zone->from_s;
  y->hours = (size_t)((y->zone->to_s - y->from_s) / HOUR);
  forecast_year(y);
}

static void close_year(year *y) {
  for (size_t i = 0; i < y->hours; i++)
    fr_series_release(&y->told[i]);
  free(y->told);
  fr_series_release(&y->real);
}

/* ---- what a job would have run at ---- */

static fr_job job_of(const work *w, int64_t now_s) {
  const fr_measure kwh = {3.6e6, 3.6e6, 3.6e6, FR_UNIT_JOULE, FR_SOURCE_MODEL};
  return (fr_job){.energy_j = kwh,
                  .duration_s = (int64_t)w->hours * HOUR,
                  .now_s = now_s,
                  .deadline_s = now_s + (int64_t)w->deadline_h * HOUR,
                  .interruptible = w->pieces,
                  .min_piece_s = HOUR};
}

static fr_timetable best_of(const fr_series *series, const fr_job *job) {
  fr_timetable t = {0};
  fr_error err = {0};
  if (fr_timetable_best(series, job, 1, &t, &err) != FR_OK)
    stop("plan", &err);
  return t;
}

static double real_from(const year *y, const fr_job *job, int64_t start_s) {
  return fr_series_mean(&y->real, start_s, start_s + job->duration_s).value;
}

static double real_of(const year *y, const fr_timetable *t) {
  double sum = 0, hours = 0;
  for (size_t i = 0; i < t->count; i++) {
    const double part = (double)(t->piece[i].end_s - t->piece[i].start_s);
    sum += part * fr_series_mean(&y->real, t->piece[i].start_s, t->piece[i].end_s).value;
    hours += part;
  }
  return sum / hours;
}

static double best_real(const year *y, const fr_job *job) {
  fr_timetable t = best_of(&y->real, job);
  const double mean = t.mean_g_per_kwh;
  fr_timetable_release(&t);
  return mean;
}

static double at_night(const year *y, const fr_job *job) {
  const int64_t one = (1 - (int64_t)y->zone->standard_h) * HOUR;
  const int64_t day = ((job->now_s - one) % DAY + DAY) % DAY;
  const int64_t start_s = day == 0 ? job->now_s : job->now_s + DAY - day;
  const bool fits = start_s + job->duration_s <= job->deadline_s;
  return real_from(y, job, fits ? start_s : job->now_s);
}

static const fr_series *told_at(const year *y, int64_t now_s) {
  const fr_series *told = &y->told[(now_s - y->from_s) / HOUR];
  return told->count > 0 ? told : NULL;
}

static double as_planned(const year *y, const fr_job *job, bool *now) {
  const fr_series *told = told_at(y, job->now_s);
  *now = true;
  if (told == NULL)
    return real_from(y, job, job->now_s);
  fr_timetable t = best_of(told, job);
  const double mean = real_of(y, &t);
  *now = t.count == 1 && t.piece[0].start_s == job->now_s;
  fr_timetable_release(&t);
  return mean;
}

/* Whether a plan made anew runs in the hour that begins. */
static bool runs_now(const year *y, const fr_job *job) {
  const fr_series *told = told_at(y, job->now_s);
  if (told == NULL || job->now_s + job->duration_s + HOUR > job->deadline_s)
    return true;
  fr_timetable t = best_of(told, job);
  const bool now = t.piece[0].start_s == job->now_s;
  fr_timetable_release(&t);
  return now;
}

static double planned_again(const year *y, const fr_job *asked) {
  fr_job job = *asked;
  double sum = 0;
  while (job.duration_s > 0) {
    const bool run = runs_now(y, &job);
    if (run && !job.interruptible)
      return real_from(y, &job, job.now_s);
    if (run) {
      sum += fr_series_mean(&y->real, job.now_s, job.now_s + HOUR).value;
      job.duration_s -= HOUR;
    }
    job.now_s += HOUR;
  }
  return sum / ((double)asked->duration_s / HOUR);
}

/* ---- advice ---- */

static double as_advised(const year *y, const fr_job *job, bool *now) {
  fr_forecast f = {0};
  fr_error err = {0};
  fr_plan_options options;
  fr_plan plan = {0};
  const fr_series known = known_at(y, job->now_s);
  *now = true;
  if (fr_forecast_make(&known, job->now_s, job->deadline_s, &f, NULL) != FR_OK)
    return real_from(y, job, job->now_s);
  const double unknown = (double)NAN;
  const fr_place place = {.name = "home",
                          .forecast = &f,
                          .pue = 1,
                          .latency_ms = unknown,
                          .carbon_free = unknown,
                          .price_per_h = unknown};
  fr_plan_options_init(&options);
  if (fr_plan_make(&place, 1, 0, job, &options, &plan, &err) != FR_OK)
    stop("advice", &err);
  *now = plan.advice == FR_ADVICE_NOW;
  const double mean =
      *now ? real_from(y, job, job->now_s) : real_of(y, &plan.option[0].schedule);
  fr_plan_release(&plan);
  fr_forecast_release(&f);
  return mean;
}

/* ---- the forecasts themselves ---- */

static void miss(const year *y, size_t hour, misses *m) {
  const fr_series *told = &y->told[hour];
  for (size_t i = 0, k = 0; i < told->count; i++) {
    const fr_intensity_step *step = &told->step[i];
    const double real = fr_series_mean(&y->real, step->start_s, step->end_s).value;
    m->steps++;
    m->inside += step->low <= real && real <= step->high;
    if (k < LEADS && leads[k] == i) {
      m->absolute[k] += fabs(step->g_per_kwh - real);
      m->square[k++] += pow(step->g_per_kwh - real, 2);
      m->real += i == 0 ? real : 0;
    }
  }
}

static void miss_year(const year *y, misses *m) {
  for (size_t i = 0; i + AHEAD <= y->hours; i++)
    if (y->told[i].count == AHEAD) {
      miss(y, i, m);
      m->count++;
    }
}

/* ---- a year ---- */

typedef struct pace {
  size_t whole, pieces; /* every so many hours a start */
} pace;

static void ask_once(const year *y, const fr_job *job, tally *t) {
  bool now;
  t->asked++;
  t->asked_sum += real_from(y, job, job->now_s);
  t->sum[ADVICE] += as_advised(y, job, &now);
  t->advised_now += now;
}

static void start_once(const year *y, const work *w, int64_t now_s, tally *t) {
  const fr_job job = job_of(w, now_s);
  bool now;
  t->starts++;
  t->sum[NOW] += real_from(y, &job, now_s);
  t->sum[NIGHT] += at_night(y, &job);
  t->sum[BEST] += best_real(y, &job);
  t->sum[PLAN] += as_planned(y, &job, &now);
  t->planned_now += now;
  t->sum[AGAIN] += planned_again(y, &job);
  if (w->pieces || t->starts % ASK == 1)
    ask_once(y, &job, t);
}

static void run_work(const year *y, const work *w, const pace *p, tally *t) {
  const size_t every = w->pieces ? p->pieces : p->whole;
  for (size_t i = 0; i + (size_t)w->deadline_h <= y->hours; i += every)
    start_once(y, w, y->from_s + (int64_t)i * HOUR, t);
}

/* ---- what is shown ---- */

static double saved(const tally *t, enum way way) { return t->sum[NOW] - t->sum[way]; }
static double saved_as_advised(const tally *t) {
  return 100 * (t->asked_sum - t->sum[ADVICE]) / t->asked_sum;
}
static double share(size_t part, size_t all) { return (double)part / (double)all; }
static double reached(const tally *t, enum way way) {
  return 100 * saved(t, way) / saved(t, BEST);
}

static void show_csv(FILE *csv, const zone *z, const work *w, const tally *t) {
  const double n = (double)t->starts;
  (void)fprintf(csv, "%s,%s,%d,%d,%s,%zu", z->set, z->name, w->hours, w->deadline_h,
                w->pieces ? "pieces" : "whole", t->starts);
  for (size_t i = 0; i < ADVICE; i++)
    (void)fprintf(csv, ",%.4f", t->sum[i] / n);
  (void)fprintf(csv, ",%.2f,%.2f,%.4f,%.3f,%.4f\n", reached(t, PLAN), reached(t, AGAIN),
                share(t->planned_now, t->starts), saved_as_advised(t),
                share(t->advised_now, t->asked));
}

static void show_head(const char *set) {
  printf(
      "\n%s:\n\n"
      "| job | deadline | | possible | night rule | plan | anew each hour | "
      "of the possible: plan | anew | worst zone (anew) | starts now | advice: saved | "
      "starts now |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
      set);
}

static void show_row(const work *w, const tally *all, const tally *worst,
                     const char *name) {
  const double g = all->sum[NOW] / 100;
  printf("| %d h | %d h | %s | %.1f %% | %.1f %% | %.1f %% | %.1f %% | %.1f %% | %.1f %% "
         "| %s %.1f %% | %.0f %% | %.1f %% | %.0f %% |\n",
         w->hours, w->deadline_h, w->pieces ? "pieces" : "whole", saved(all, BEST) / g,
         saved(all, NIGHT) / g, saved(all, PLAN) / g, saved(all, AGAIN) / g,
         reached(all, PLAN), reached(all, AGAIN), name, reached(worst, AGAIN),
         100 * share(all->planned_now, all->starts), saved_as_advised(all),
         100 * share(all->advised_now, all->asked));
}

static void add_up(tally *all, const tally *one) {
  all->starts += one->starts;
  all->planned_now += one->planned_now;
  all->advised_now += one->advised_now;
  all->asked += one->asked;
  all->asked_sum += one->asked_sum;
  for (size_t i = 0; i < WAYS; i++)
    all->sum[i] += one->sum[i];
}

static void show_set(const char *set, tally (*t)[WORKS]) {
  show_head(set);
  for (size_t w = 0; w < WORKS; w++) {
    tally all = {0};
    size_t worst = ZONES;
    for (size_t z = 0; z < ZONES; z++) {
      if (!in_set(set, &zones[z]))
        continue;
      add_up(&all, &t[z][w]);
      if (worst == ZONES || reached(&t[z][w], AGAIN) < reached(&t[worst][w], AGAIN))
        worst = z;
    }
    show_row(&works[w], &all, &t[worst][w], zones[worst].name);
  }
}

/* Per zone, of the jobs of three hours within a day. */
static void show_zones(const char *set, tally (*t)[WORKS]) {
  printf("\n| zone | mean of now, g/kWh | possible | night rule | plan | anew | "
         "of the possible: plan | anew |\n|---|---|---|---|---|---|---|---|\n");
  for (size_t z = 0; z < ZONES; z++)
    for (size_t w = 0; w < WORKS; w++) {
      const tally *x = &t[z][w];
      if (strcmp(zones[z].set, set) != 0 || works[w].pieces || works[w].hours != 3 ||
          works[w].deadline_h != 24)
        continue;
      const double g = x->sum[NOW] / 100;
      printf(
          "| %s | %.0f | %.1f %% | %.1f %% | %.1f %% | %.1f %% | %.1f %% | %.1f %% |\n",
          zones[z].name, x->sum[NOW] / (double)x->starts, saved(x, BEST) / g,
          saved(x, NIGHT) / g, saved(x, PLAN) / g, saved(x, AGAIN) / g, reached(x, PLAN),
          reached(x, AGAIN));
    }
}

static void show_misses(const char *set, const misses *m) {
  printf("\n| zone | mean |");
  for (size_t k = 0; k < LEADS; k++)
    printf(" %zu h |", leads[k] + 1);
  printf(" in the 90 %% interval |\n|---|---|");
  for (size_t k = 0; k < LEADS; k++)
    printf("---|");
  printf("---|\n");
  for (size_t z = 0; z < ZONES; z++) {
    const double n = (double)m[z].count;
    if (strcmp(zones[z].set, set) != 0)
      continue;
    printf("| %s | %.0f |", zones[z].name, m[z].real / n);
    for (size_t k = 0; k < LEADS; k++)
      printf(" %.1f (%.1f) |", m[z].absolute[k] / n, sqrt(m[z].square[k] / n));
    printf(" %.1f %% |\n", 100 * share(m[z].inside, m[z].steps));
  }
}

typedef struct call {
  const char *folder, *csv, *set;
  int64_t late_h;
  pace pace;
} call;

static call call_of(int argc, char **argv) {
  call c = {.pace = {1, 7}};
  for (int i = 1; i < argc; i++) {
    const bool more = i + 1 < argc;
    if (more && strcmp(argv[i], "--csv") == 0)
      c.csv = argv[++i];
    else if (more && strcmp(argv[i], "--set") == 0)
      c.set = argv[++i];
    else if (more && strcmp(argv[i], "--late") == 0)
      c.late_h = strtol(argv[++i], NULL, 10);
    else if (more && strcmp(argv[i], "--every") == 0)
      c.pace.whole = strtoul(argv[++i], NULL, 10);
    else if (more && strcmp(argv[i], "--pieces-every") == 0)
      c.pace.pieces = strtoul(argv[++i], NULL, 10);
    else if (c.folder == NULL && argv[i][0] != '-')
      c.folder = argv[i];
    else
      c.pace.whole = 0;
  }
  if (c.folder == NULL || c.pace.whole == 0 || c.pace.pieces == 0) {
    (void)fprintf(stderr,
                  "usage: %s DATA/carbon [--set electricitymaps|carboncast2021|"
                  "carboncast2020] [--every HOURS] [--pieces-every HOURS] "
                  "[--late HOURS] [--csv FILE]\n",
                  argv[0]);
    exit(2);
  }
  return c;
}

static bool wanted(const call *c, size_t z) {
  return c->set == NULL || strcmp(c->set, zones[z].set) == 0;
}

static void run_zone(const call *c, size_t z, FILE *csv, tally t[WORKS], misses *m) {
  year y = {.zone = &zones[z], .late_s = c->late_h * HOUR};
  open_year(&y, c->folder);
  miss_year(&y, m);
  for (size_t w = 0; w < WORKS; w++) {
    run_work(&y, &works[w], &c->pace, &t[w]);
    if (csv != NULL)
      show_csv(csv, &zones[z], &works[w], &t[w]);
  }
  close_year(&y);
  (void)fprintf(stderr, "%s\n", zones[z].name);
}

int main(int argc, char **argv) {
  static tally t[ZONES][WORKS];
  static misses m[ZONES];
  const call c = call_of(argc, argv);
  FILE *csv = c.csv != NULL ? fopen(c.csv, "w") : NULL;
  if (csv != NULL) {
    (void)fprintf(csv, "set,zone,duration_h,deadline_h,run,starts");
    for (size_t i = 0; i < ADVICE; i++)
      (void)fprintf(csv, ",%s_g_per_kwh", way_name[i]);
    (void)fprintf(csv, ",plan_reached_percent,again_reached_percent,plan_starts_now,"
                       "advice_saved_percent,advice_starts_now\n");
  }
  for (size_t z = 0; z < ZONES; z++)
    if (wanted(&c, z))
      run_zone(&c, z, csv, t[z], &m[z]);
  if (csv != NULL && fclose(csv) != 0)
    return 1;
  for (size_t z = 0; z < ZONES; z++)
    if (wanted(&c, z) && (z == 0 || strcmp(zones[z].set, zones[z - 1].set) != 0)) {
      show_set(zones[z].set, t);
      show_zones(zones[z].set, t);
      show_misses(zones[z].set, m);
    }
  if (c.set == NULL)
    show_set(UNSEEN, t);
  return 0;
}
