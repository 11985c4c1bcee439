/* SPDX-License-Identifier: Apache-2.0 */
/* Which sensors live, and which of their domains make the total. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "meter/sensor.h"

#define TRY_NS 200000000u  /* a counter that stands still so long under load is dead */
#define LEAST_NS 50000000u /* tried at least so long: psys and packages are compared */
#define LOOK_NS 10000000u
#define LOOKS 100000 /* of a recording: at so many of its times */
/* Mirrors may differ in one look of so many: the two are read one after the other. */
#define DIFFERENCES_OF 10

/* What this process found out about its own machine: the trial costs 200 ms of a busy
 * core, and a counter that was dead stays dead. Only for the root "", guarded by `lock`.
 */
static struct {
  pthread_mutex_t lock;
  size_t count;
  struct {
    char name[64];
    enum fr_sensor_state state;
    bool twin;
    double update_s;
    char reason[256];
  } verdict[FR__DOMAINS];
} known = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void die(fr__domain *domain, const char *reason) {
  domain->state = FR_SENSOR_DEAD;
  snprintf(domain->reason, sizeof domain->reason, "%s", reason);
}

/* Applies what is known; true where that is enough. */
static bool recall(fr__sensor *sensor, fr__domain *domain) {
  (void)sensor;
  bool found = false;
  pthread_mutex_lock(&known.lock);
  for (size_t i = 0; i < known.count && !found; i++) {
    found = strcmp(known.verdict[i].name, domain->name) == 0;
    if (!found)
      continue;
    domain->state = known.verdict[i].state;
    domain->twin = known.verdict[i].twin;
    domain->update_s = known.verdict[i].update_s;
    memcpy(domain->reason, known.verdict[i].reason, sizeof domain->reason);
  }
  pthread_mutex_unlock(&known.lock);
  return found;
}

static bool is_remembered(const char *name) {
  for (size_t i = 0; i < known.count; i++) {
    if (strcmp(known.verdict[i].name, name) == 0)
      return true;
  }
  return false;
}

static void remember(const fr__sensor *sensor) {
  pthread_mutex_lock(&known.lock);
  for (size_t i = 0; i < sensor->count && known.count < FR__DOMAINS; i++) {
    const fr__domain *domain = &sensor->domain[i];
    if (domain->looks == 0 || is_remembered(domain->name))
      continue;
    memcpy(known.verdict[known.count].name, domain->name, sizeof domain->name);
    memcpy(known.verdict[known.count].reason, domain->reason, sizeof domain->reason);
    known.verdict[known.count].twin = domain->twin;
    known.verdict[known.count].update_s = domain->update_s;
    known.verdict[known.count++].state = domain->state;
  }
  pthread_mutex_unlock(&known.lock);
}

/* Calls `visit` for each domain that could be opened, but computed ones. */
static bool each(fr__sensor *sensor, size_t count,
                 bool (*visit)(fr__sensor *, fr__domain *)) {
  bool all = true;
  for (size_t s = 0; s < count; s++) {
    for (size_t i = 0; !sensor[s].ops->computed && i < sensor[s].count; i++) {
      if (sensor[s].domain[i].state == FR_SENSOR_WORKING)
        all &= visit(&sensor[s], &sensor[s].domain[i]);
    }
  }
  return all;
}

/* ---- looking at counters ---- */

/* An earlier domain of the same kind that stands at the same count. */
static void find_mirror(const fr__sensor *sensor, fr__domain *domain) {
  for (size_t i = 0; &sensor->domain[i] < domain && !domain->has_mirror; i++) {
    const fr__domain *other = &sensor->domain[i];
    domain->has_mirror = other->state == FR_SENSOR_WORKING &&
                         other->kind == domain->kind && other->last == domain->last &&
                         other->looks > 0;
    domain->mirror = i;
  }
}

static bool first_look(fr__sensor *sensor, fr__domain *domain) {
  const fr__load load = fr__host_now(sensor->world);
  const int failed = sensor->ops->read(sensor, domain, &load, &domain->last);
  domain->total = 0;
  domain->looks = 1;
  domain->advances = 0;
  domain->power_w = domain->most_w = domain->still_s = 0;
  domain->good_ns = domain->moved_ns = load.t_ns;
  domain->good_awake_ns = domain->moved_awake_ns = load.awake_ns;
  if (failed != 0) {
    domain->state = FR_SENSOR_DEAD;
    snprintf(domain->reason, sizeof domain->reason, "reading it fails: %s",
             strerror(failed));
  } else if (domain->kind != FR__DOMAIN_PART) {
    find_mirror(sensor, domain);
  }
  return failed == 0;
}

/* Of a recording, whose rows are all that its counters do. */
static void note_rows(fr__domain *domain, const fr__load *load) {
  const double apart_s = (double)(load->t_ns - domain->moved_ns) * 1e-9;
  if (apart_s > 0 && domain->moved)
    domain->apart_s = domain->apart_s > 0 ? fmin(domain->apart_s, apart_s) : apart_s;
}

static bool look(fr__sensor *sensor, fr__domain *domain) {
  const fr__load load = fr__host_now(sensor->world);
  uint64_t raw;
  if (sensor->ops->read(sensor, domain, &load, &raw) == 0) {
    if (raw != domain->last && fr__world_is_replay(sensor->world))
      note_rows(domain, &load);
    domain->moved |= raw != domain->last;
    (void)fr__domain_take(sensor, domain, raw, &load);
  }
  domain->looks++;
  if (domain->has_mirror)
    domain->differences += sensor->domain[domain->mirror].last != domain->last;
  return domain->moved;
}

/* Arithmetic that the compiler cannot leave out, until `until_ns`. */
static void keep_busy(uint64_t until_ns) {
  volatile uint64_t x = 1;
  while (fr__clock_ns() < until_ns) {
    for (int i = 0; i < 10000; i++)
      x = x * 6364136223846793005u + 1442695040888963407u;
  }
}

static bool none(fr__sensor *sensor, fr__domain *domain) {
  (void)sensor, (void)domain;
  return false;
}

static void burn(fr__sensor *sensor, size_t count) {
  if (each(sensor, count, none))
    return; /* no counter could be opened */
  const uint64_t start_ns = fr__clock_ns();
  (void)each(sensor, count, first_look);
  for (uint64_t now = start_ns; now < start_ns + TRY_NS; now = fr__clock_ns()) {
    keep_busy(now + LOOK_NS);
    if (each(sensor, count, look) && fr__clock_ns() > start_ns + LEAST_NS)
      break;
  }
}

/* A recording has no load to offer, but all that its counters ever do. */
static void look_through(fr__sensor *sensor, size_t count, fr__world *world) {
  fr__world_rewind(world);
  (void)each(sensor, count, first_look);
  for (size_t i = 0; i < LOOKS && fr__world_next_ns(world) != UINT64_MAX; i++) {
    (void)fr__world_move(world, fr__world_next_ns(world));
    (void)each(sensor, count, look);
  }
  fr__world_rewind(world);
}

/* ---- verdicts ---- */

static bool judge(fr__sensor *sensor, fr__domain *domain) {
  if (!domain->moved && fr__world_is_replay(sensor->world))
    die(domain, "does not advance in the whole recording");
  else if (!domain->moved)
    die(domain, "does not advance within 200 ms while a core is kept busy");
  else if (!fr__world_is_replay(sensor->world) && !domain->steady)
    domain->update_s = fmax(domain->update_s, domain->still_s);
  return true;
}

static void call_twin(fr__domain *domain, const fr__domain *of, const char *how) {
  domain->twin = true;
  snprintf(domain->reason, sizeof domain->reason, "%s '%s', hence not added to it", how,
           of->name);
}

static bool stayed_equal(const fr__domain *domain) {
  enum { LEAST_LOOKS = 3 };
  return domain->has_mirror && domain->looks >= LEAST_LOOKS &&
         domain->differences * DIFFERENCES_OF <= domain->looks;
}

/* Events count from when they were opened, one after the other: there it is the way
 * through the trial, to the unit of 2^-32 J, that no two counters have in common. */
static bool went_equally_far(const fr__sensor *sensor, const fr__domain *domain,
                             const fr__domain *other) {
  return sensor->ops == &fr__sensor_perf && fr__world_is_here(sensor->world) &&
         other->kind == domain->kind && domain->total > 0 &&
         other->total == domain->total;
}

/* Dies of one package may show its counter each. */
static bool judge_mirror(fr__sensor *sensor, fr__domain *domain) {
  for (size_t i = 0; &sensor->domain[i] < domain && !domain->twin; i++) {
    const fr__domain *other = &sensor->domain[i];
    if (domain->kind != FR__DOMAIN_PART && other->state == FR_SENSOR_WORKING &&
        ((stayed_equal(domain) && domain->mirror == i) ||
         went_equally_far(sensor, domain, other)))
      call_twin(domain, other, "always shows the same count as");
  }
  return true;
}

/* The same thing counted by a better way that works. */
static bool judge_twin(fr__sensor *sensor, fr__domain *domain) {
  for (size_t i = 0; i < sensor->count && !domain->twin; i++) {
    const fr__domain *other = &sensor->domain[i];
    if (domain->key[0] != '\0' && other->by < domain->by && !other->twin &&
        other->state == FR_SENSOR_WORKING && strcmp(other->key, domain->key) == 0)
      call_twin(domain, other, "counts the same as");
  }
  return true;
}

/* A platform contains its packages: one that counts less than they do counts something
 * else. */
static void judge_platform(fr__sensor *sensor) {
  double packages_j = 0;
  for (size_t i = 0; i < sensor->count; i++) {
    const fr__domain *domain = &sensor->domain[i];
    if (domain->kind == FR__DOMAIN_PACKAGE && !domain->twin &&
        domain->state == FR_SENSOR_WORKING)
      packages_j += (double)domain->total * domain->unit_j;
  }
  for (size_t i = 0; i < sensor->count; i++) {
    fr__domain *domain = &sensor->domain[i];
    if (domain->kind == FR__DOMAIN_PLATFORM && domain->state == FR_SENSOR_WORKING &&
        (double)domain->total * domain->unit_j < 0.9 * packages_j)
      die(domain, "counts less than the packages that it contains");
  }
}

static void judge_all(fr__sensor *sensor, size_t count) {
  (void)each(sensor, count, judge);
  (void)each(sensor, count, judge_mirror);
  (void)each(sensor, count, judge_twin);
  for (size_t i = 0; i < count; i++)
    judge_platform(&sensor[i]);
}

/* ---- the total ---- */

/* Some way to what `domain` counts works. */
static bool is_covered(const fr__sensor *sensor, const fr__domain *domain) {
  if (domain->state == FR_SENSOR_WORKING)
    return true;
  for (size_t i = 0; i < sensor->count; i++) {
    const fr__domain *other = &sensor->domain[i];
    if (domain->key[0] != '\0' && other->by != domain->by &&
        other->state == FR_SENSOR_WORKING && strcmp(other->key, domain->key) == 0)
      return true;
  }
  return false;
}

/* The total is one platform counter, or all packages plus the DRAM that works. One
 * package that cannot be read leaves no total: a part would pass for the whole. */
static bool choose_total(fr__sensor *sensor) {
  size_t packages = 0;
  bool whole = true;
  for (size_t i = 0; i < sensor->count; i++) {
    fr__domain *domain = &sensor->domain[i];
    const bool works = domain->state == FR_SENSOR_WORKING && !domain->twin;
    if (domain->kind == FR__DOMAIN_PLATFORM && works)
      return domain->counted = true;
    if (domain->kind == FR__DOMAIN_PACKAGE) {
      packages++;
      whole &= is_covered(sensor, domain);
    }
  }
  if (packages == 0 || !whole)
    return false;
  for (size_t i = 0; i < sensor->count; i++) {
    fr__domain *domain = &sensor->domain[i];
    domain->counted =
        domain->state == FR_SENSOR_WORKING && !domain->twin &&
        (domain->kind == FR__DOMAIN_PACKAGE || domain->kind == FR__DOMAIN_DRAM);
  }
  return true;
}

static enum fr_status open_all(const fr__sensor_ops *const *table, size_t count,
                               const char *argument, fr__world *world, fr__sensor *sensor,
                               fr_error *err) {
  enum fr_status status = FR_OK;
  size_t opened = 0;
  while (opened < count && status == FR_OK) {
    status = fr__sensor_open(table[opened], argument, world, &sensor[opened], err);
    opened += status == FR_OK;
  }
  for (size_t i = 0; status != FR_OK && i < opened; i++)
    fr__sensor_close(&sensor[i]);
  return status;
}

static void try_all(fr__sensor *sensor, size_t count, fr__world *world) {
  const bool here = fr__world_is_here(world);
  if (here && each(sensor, count, recall))
    return;
  if (fr__world_is_replay(world))
    look_through(sensor, count, world);
  else
    burn(sensor, count);
  judge_all(sensor, count);
  for (size_t i = 0; here && i < count; i++)
    remember(&sensor[i]);
}

enum fr_status fr__sensor_try(const fr__sensor_ops *const *table, size_t count,
                              const char *argument, fr__world *world, fr__sensor *sensor,
                              size_t *chosen, fr_error *err) {
  const enum fr_status status = open_all(table, count, argument, world, sensor, err);
  if (status != FR_OK)
    return status;
  try_all(sensor, count, world);
  *chosen = count;
  for (size_t i = count; i-- > 0;) {
    if (choose_total(&sensor[i]) && !sensor[i].ops->beside)
      *chosen = i;
  }
  return FR_OK;
}
