/* SPDX-License-Identifier: Apache-2.0 */
/* Which sensors live, and which of their domains make the total. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "meter/sensor.h"

#define TRY_NS 200000000u  /* a counter that stands still so long under load is dead */
#define LEAST_NS 50000000u /* tried at least so long: psys and packages are compared */
#define LOOK_NS 10000000u

/* What this process found out about its own machine: the trial costs 200 ms of a busy
 * core, and a counter that was dead stays dead. Only for the root "", guarded by `lock`.
 */
static struct {
  pthread_mutex_t lock;
  size_t count;
  struct {
    char name[64];
    bool alive;
  } verdict[FR__DOMAINS];
} known = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void die(fr__domain *domain, const char *reason) {
  domain->state = FR_SENSOR_DEAD;
  snprintf(domain->reason, sizeof domain->reason, "%s", reason);
}

static const char *const still =
    "does not advance within 200 ms while a core is kept busy";

/* Applies what is known; true where that is enough. */
static bool recall(fr__domain *domain) {
  bool found = false;
  pthread_mutex_lock(&known.lock);
  for (size_t i = 0; i < known.count && !found; i++) {
    found = strcmp(known.verdict[i].name, domain->name) == 0;
    if (found && !known.verdict[i].alive)
      die(domain, still);
  }
  pthread_mutex_unlock(&known.lock);
  return found;
}

static void remember(const fr__domain *domain) {
  pthread_mutex_lock(&known.lock);
  if (known.count < FR__DOMAINS) {
    snprintf(known.verdict[known.count].name, sizeof known.verdict[0].name, "%s",
             domain->name);
    known.verdict[known.count++].alive = domain->state == FR_SENSOR_WORKING;
  }
  pthread_mutex_unlock(&known.lock);
}

static bool is_counter(const fr__sensor *sensor) {
  return sensor->ops != &fr__sensor_model;
}

/* Calls `visit` for each domain that could be opened. */
static bool each(fr__sensor *sensor, size_t count,
                 bool (*visit)(fr__sensor *, fr__domain *)) {
  bool all = true;
  for (size_t s = 0; s < count; s++) {
    for (size_t i = 0; is_counter(&sensor[s]) && i < sensor[s].count; i++) {
      if (sensor[s].domain[i].state == FR_SENSOR_WORKING)
        all &= visit(&sensor[s], &sensor[s].domain[i]);
    }
  }
  return all;
}

static bool recall_one(fr__sensor *sensor, fr__domain *domain) {
  (void)sensor;
  return recall(domain);
}

static bool remember_one(fr__sensor *sensor, fr__domain *domain) {
  (void)sensor;
  remember(domain);
  return true;
}

static bool first_look(fr__sensor *sensor, fr__domain *domain) {
  const fr__load load = {.t_ns = fr__clock_ns()};
  domain->total = 0;
  domain->good_ns = load.t_ns;
  const int failed = sensor->ops->read(sensor, domain, &load, &domain->last);
  if (failed != 0) {
    domain->state = FR_SENSOR_DEAD;
    snprintf(domain->reason, sizeof domain->reason, "reading it fails: %s",
             strerror(failed));
  }
  return failed == 0;
}

static bool look(fr__sensor *sensor, fr__domain *domain) {
  const fr__load load = {.t_ns = fr__clock_ns()};
  uint64_t raw;
  if (sensor->ops->read(sensor, domain, &load, &raw) == 0)
    (void)fr__domain_take(sensor, domain, raw, load.t_ns);
  return domain->total > 0;
}

static bool judge(fr__sensor *sensor, fr__domain *domain) {
  (void)sensor;
  if (domain->total == 0)
    die(domain, still);
  return true;
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
  (void)each(sensor, count, judge);
}

/* A platform contains its packages: one that counts less than they do counts something
 * else. */
static void judge_platform(fr__sensor *sensor) {
  double packages_j = 0;
  for (size_t i = 0; i < sensor->count; i++) {
    const fr__domain *domain = &sensor->domain[i];
    if (domain->kind == FR__DOMAIN_PACKAGE)
      packages_j += (double)domain->total * domain->unit_j;
  }
  for (size_t i = 0; i < sensor->count; i++) {
    fr__domain *domain = &sensor->domain[i];
    if (domain->kind == FR__DOMAIN_PLATFORM && domain->state == FR_SENSOR_WORKING &&
        (double)domain->total * domain->unit_j < 0.9 * packages_j)
      die(domain, "counts less than the packages that it contains");
  }
}

/* The total is one platform counter, or all packages plus the DRAM that works. One
 * package that cannot be read leaves no total: a part would pass for the whole. */
static bool choose_total(fr__sensor *sensor) {
  size_t packages = 0;
  bool whole = true;
  for (size_t i = 0; i < sensor->count; i++) {
    fr__domain *domain = &sensor->domain[i];
    const bool works = domain->state == FR_SENSOR_WORKING;
    if (domain->kind == FR__DOMAIN_PLATFORM && works)
      return domain->counted = true;
    if (domain->kind == FR__DOMAIN_PACKAGE) {
      packages++;
      whole &= works;
    }
  }
  if (packages == 0 || !whole)
    return false;
  for (size_t i = 0; i < sensor->count; i++) {
    fr__domain *domain = &sensor->domain[i];
    domain->counted =
        domain->state == FR_SENSOR_WORKING &&
        (domain->kind == FR__DOMAIN_PACKAGE || domain->kind == FR__DOMAIN_DRAM);
  }
  return true;
}

static enum fr_status open_all(const fr__sensor_ops *const *table, size_t count,
                               const char *root, fr__sensor *sensor, fr_error *err) {
  enum fr_status status = FR_OK;
  size_t opened = 0;
  while (opened < count && status == FR_OK) {
    status = fr__sensor_open(table[opened], root, &sensor[opened], err);
    opened += status == FR_OK;
  }
  for (size_t i = 0; status != FR_OK && i < opened; i++)
    fr__sensor_close(&sensor[i]);
  return status;
}

enum fr_status fr__sensor_try(const fr__sensor_ops *const *table, size_t count,
                              const char *root, fr__sensor *sensor, size_t *chosen,
                              fr_error *err) {
  const enum fr_status status = open_all(table, count, root, sensor, err);
  if (status != FR_OK)
    return status;
  const bool own_machine = root[0] == '\0';
  if (!(own_machine && each(sensor, count, recall_one))) {
    burn(sensor, count);
    for (size_t i = 0; i < count; i++)
      judge_platform(&sensor[i]);
    if (own_machine)
      (void)each(sensor, count, remember_one);
  }
  *chosen = count;
  for (size_t i = count; i-- > 0;) {
    if (choose_total(&sensor[i]))
      *chosen = i;
  }
  return FR_OK;
}
