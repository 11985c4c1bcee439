/* SPDX-License-Identifier: Apache-2.0 */
#include "meter/sampler.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

#define INTERVAL_LEAST_S 0.001
#define INTERVAL_MOST_S 10.0
/* The load of others is read no more often. Ten of its ticks on two processors: below
 * that it is mostly the ticks' own grain. */
#define LOAD_S 0.05

/* ---- choosing ---- */

/* A domain that is forbidden can be helped; else the first one speaks for all. */
static const fr__domain *telling_domain(const fr__sensor *sensor) {
  for (size_t i = 0; i < sensor->count; i++) {
    if (sensor->domain[i].state == FR_SENSOR_FORBIDDEN)
      return &sensor->domain[i];
  }
  return &sensor->domain[0];
}

/* The sentence for "no sensor", of the one that was asked for. */
static enum fr_status no_sensor(const fr__sensor *sensor, fr_error *err) {
  if (sensor->count == 0)
    return fr__fail(err, FR_ERR_UNSUPPORTED, "sensor '%s' is absent: %s",
                    sensor->ops->name, sensor->reason);
  if (sensor->ops->beside)
    return fr__fail(err, FR_ERR_UNSUPPORTED,
                    "sensor '%s' measures cards alone: it adds to another by itself",
                    sensor->ops->name);
  const fr__domain *domain = telling_domain(sensor);
  if (domain->state == FR_SENSOR_FORBIDDEN)
    return fr__fail(err, FR_ERR_PERMISSION,
                    "sensor '%s' is forbidden: %s; this grants it: %s", domain->name,
                    domain->reason, domain->fix);
  return fr__fail(err, FR_ERR_UNSUPPORTED, "sensor '%s' is %s: %s", domain->name,
                  fr_sensor_state_name(domain->state), domain->reason);
}

/* A platform's counter may have the cards in it: they are shown, not added. */
static bool may_hold_gpus(const fr__sensor *sensor) {
  for (size_t i = 0; i < sensor->count; i++) {
    if (sensor->domain[i].counted && sensor->domain[i].kind == FR__DOMAIN_PLATFORM)
      return sensor->ops != &fr__sensor_model;
  }
  return false;
}

/* GPUs that work, once the rest is chosen; true where it is to be kept. */
static bool has_gpus(const fr__sensor *chosen, fr__sensor *beside) {
  bool any = false;
  for (size_t i = 0; i < beside->count; i++) {
    fr__domain *domain = &beside->domain[i];
    const bool works = domain->state == FR_SENSOR_WORKING && !domain->twin &&
                       domain->kind == FR__DOMAIN_GPU;
    domain->counted = works && !may_hold_gpus(chosen);
    any |= works;
  }
  return any;
}

/* GPUs' sensors that work go with the one that is chosen. */
static bool keep(fr__sampler *sampler, const fr__sensor *chosen, fr__sensor *sensor) {
  size_t at = 0;
  while (at < FR__BESIDE && sampler->beside[at].ops != NULL)
    at++;
  if (!sensor->ops->beside || at == FR__BESIDE || !has_gpus(chosen, sensor))
    return false;
  sampler->beside[at] = *sensor;
  return true;
}

/* The first of `table` that works, open, and what is beside; the others are closed. */
static enum fr_status choose(fr__sampler *sampler, const fr__sensor_ops *const *table,
                             size_t count, const char *argument, fr_error *err) {
  fr__sensor sensor[FR__SENSORS];
  size_t chosen;
  enum fr_status status =
      fr__sensor_try(table, count, argument, sampler->world, sensor, &chosen, err);
  if (status != FR_OK)
    return status;
  if (chosen == count)
    status = no_sensor(&sensor[count - 1], err);
  for (size_t i = 0; i < count; i++) {
    if (i == chosen)
      sampler->sensor = sensor[i];
    else if (chosen == count || !keep(sampler, &sensor[chosen], &sensor[i]))
      fr__sensor_close(&sensor[i]);
  }
  return status;
}

static enum fr_status choose_best(fr__sampler *sampler, fr_error *err) {
  const fr__sensor_ops *table[FR__SENSORS];
  size_t count = 0;
  for (size_t i = 0; i < FR__SENSORS; i++) {
    if (!fr__sensor_table[i]->on_request)
      table[count++] = fr__sensor_table[i];
  }
  return choose(sampler, table, count, NULL, err);
}

/* "perf, powercap and model". */
static void list_sensors(char *text, size_t size) {
  size_t at = 0;
  text[0] = '\0';
  for (size_t i = 0; i < FR__SENSORS && at < size; i++) {
    const char *between = i == 0 ? "" : i + 1 == FR__SENSORS ? " and " : ", ";
    const int wrote =
        snprintf(text + at, size - at, "%s%s", between, fr__sensor_table[i]->name);
    at += wrote > 0 ? (size_t)wrote : 0;
  }
}

/* "powercap", or "exec:CMD". */
static enum fr_status choose_named(fr__sampler *sampler, const char *name,
                                   fr_error *err) {
  const size_t length = strcspn(name, ":");
  const char *argument = name[length] == ':' ? name + length + 1 : NULL;
  for (size_t i = 0; i < FR__SENSORS; i++) {
    const fr__sensor_ops *ops = fr__sensor_table[i];
    if (strlen(ops->name) == length && strncmp(ops->name, name, length) == 0 &&
        (argument == NULL || ops->on_request))
      return choose(sampler, &fr__sensor_table[i], 1, argument, err);
  }
  char names[160];
  list_sensors(names, sizeof names);
  return fr__fail(err, FR_ERR_ARGUMENT, "'%s' is not a sensor; the sensors are %s", name,
                  names);
}

static bool can_be(fr_measure m) {
  return isfinite(m.high) && m.low >= 0 && m.low <= m.value && m.value <= m.high;
}

/* The caller's figures of the processor in place of the table's. */
static enum fr_status take_cpu(fr__sampler *sampler, const fr_cpu_power *cpu,
                               fr_error *err) {
  if (!can_be(cpu->core_w) || !can_be(cpu->idle_w) || cpu->cores == 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "the watts that the model is to take cannot be true");
  sampler->sensor.cpu = *cpu;
  sampler->cpu = *cpu;
  for (size_t i = 0; i < sampler->sensor.count; i++)
    snprintf(sampler->sensor.domain[i].reason, sizeof sampler->sensor.domain[i].reason,
             "%s", cpu->rule);
  return FR_OK;
}

enum fr_status fr__sampler_init(fr__sampler *sampler, const fr_meter_options *options,
                                fr__world *world, fr_error *err) {
  const double interval_s = options->interval_s;
  *sampler = (fr__sampler){.world = world, .interval_s = interval_s};
  if (!(interval_s >= INTERVAL_LEAST_S && interval_s <= INTERVAL_MOST_S))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "an interval of %g s is not between 1 ms and 10 s", interval_s);
  const enum fr_status status = options->sensor == NULL
                                    ? choose_best(sampler, err)
                                    : choose_named(sampler, options->sensor, err);
  if (status != FR_OK)
    return status;
  sampler->interval_s =
      fmax(fmin(interval_s, fr__sensor_patience_s(&sampler->sensor)), INTERVAL_LEAST_S);
  sampler->cpu_known =
      fr_cpu_power_find(fr__world_root(world), &sampler->cpu, NULL) == FR_OK;
  if (options->cpu != NULL && sampler->sensor.ops == &fr__sensor_model)
    return take_cpu(sampler, options->cpu, err);
  return FR_OK;
}

void fr__sampler_release(fr__sampler *sampler) {
  fr__sensor_close(&sampler->sensor);
  for (size_t i = 0; i < FR__BESIDE; i++)
    fr__sensor_close(&sampler->beside[i]);
  fr__host_release(&sampler->host);
  fr__world_free(sampler->world);
  sampler->world = NULL;
}

/* ---- sampling ---- */

enum fr_status fr__sampler_start(fr__sampler *s, fr_error *err) {
  fr__host_release(&s->host);
  const bool model = s->sensor.ops == &fr__sensor_model;
  enum fr_status status = fr__host_init(&s->host, s->world, model, err);
  if (status != FR_OK)
    return status;
  if (s->interval_s < LOAD_S / 2) {
    s->host.spread_ns = (uint64_t)(LOAD_S * 1e9);
    if (!fr__world_is_replay(s->world))
      s->host.rest_ns = (uint64_t)((LOAD_S - s->interval_s / 2) * 1e9);
  }
  s->host.cores = model ? s->sensor.cpu.cores : 0;
  const fr__load load = fr__host_now(s->world);
  status = fr__sensor_start(&s->sensor, &load, err);
  for (size_t i = 0; i < FR__BESIDE && status == FR_OK; i++) {
    if (s->beside[i].ops != NULL)
      status = fr__sensor_start(&s->beside[i], &load, err);
  }
  if (status != FR_OK)
    return status;
  fr__ledger_init(&s->ledger, &load, s->cpu_known ? &s->cpu : NULL);
  for (size_t i = 0; i < FR__BESIDE; i++) {
    const fr__sensor_ops *ops = s->beside[i].ops;
    if (ops != NULL)
      s->ledger.beside_band =
          fmax(s->ledger.beside_band,
               ops->band > 0 ? ops->band : fr_sensor_accuracy(ops->source, NULL));
  }
  s->marked = false;
  s->samples = s->samples_marked = 0;
  s->told_s = 0;
  return FR_OK;
}

void fr__sampler_others(fr__sampler *s, double core_s) {
  s->host.told_s = fmax(s->host.told_s, core_s);
}

fr__step fr__sampler_take(fr__sampler *s) {
  fr__load load;
  fr__reading reading;
  fr__host_read(&s->host, &load);
  fr__sensor_read(&s->sensor, &load, &reading);
  s->marked |= reading.marked;
  for (size_t i = 0; i < FR__BESIDE && s->beside[i].ops != NULL; i++) {
    fr__reading beside;
    fr__sensor_read(&s->beside[i], &load, &beside);
    reading.energy_j += beside.energy_j;
    reading.beside_j += beside.energy_j;
    reading.quantum_j += beside.quantum_j;
    s->marked |= beside.marked;
  }
  return fr__ledger_add(&s->ledger, &s->sensor, &load, &reading);
}

/* The model's power is one that the machine can have: what ticks bring late enters the
 * energy. */
static void limit_model(const fr_cpu_power *cpu, fr__domain *model) {
  const double cores = (double)cpu->cores;
  const double least_w = cores * cpu->idle_w.value;
  model->told_w = fmax(fmin(model->told_w, least_w + cores * cpu->core_w.value), least_w);
}

/* Over the advances of the counters: what a slow one brings at once was not spent at
 * once. NaN: not known yet. */
static double power_of(fr__sampler *s) {
  fr__sensor_hand_on(&s->sensor);
  if (s->sensor.ops == &fr__sensor_model && !isnan(s->sensor.domain[0].told_w))
    limit_model(&s->sensor.cpu, &s->sensor.domain[0]);
  double power_w = fr__sensor_power_w(&s->sensor);
  for (size_t i = 0; i < FR__BESIDE && s->beside[i].ops != NULL; i++) {
    fr__sensor_hand_on(&s->beside[i]);
    power_w += fr__sensor_power_w(&s->beside[i]);
  }
  return power_w;
}

fr_power_sample fr__sampler_hand_on(fr__sampler *s) {
  const fr__ledger *ledger = &s->ledger;
  const uint64_t t_ns = ledger->load.t_ns - ledger->start_ns;
  const double now_s = (double)t_ns * 1e-9, now_j = ledger->reading.energy_j;
  const double span_s = now_s - s->told_s;
  const double power_w = power_of(s);
  /* the rest that stop cuts off is too short for a minimum or maximum, and an estimate is
   * none */
  if (span_s >= s->interval_s / 2 && !s->marked && isfinite(power_w))
    fr__ledger_power(&s->ledger, power_w);
  const fr_power_sample sample = {.t_ns = t_ns,
                                  .power_w = power_w,
                                  .energy_j = now_j,
                                  .program_j = ledger->program_j,
                                  .core_s = ledger->load.process_s,
                                  .marked = s->marked};
  s->samples++;
  s->samples_marked += s->marked;
  s->marked = false;
  s->told_s = now_s;
  return sample;
}

bool fr__sampler_settle(fr__sampler *s, fr_power_sample *last, fr__step *step) {
  if (s->sensor.ops != &fr__sensor_model)
    return false;
  s->host.last = true;
  *step = fr__sampler_take(s);
  last->t_ns = s->ledger.load.t_ns - s->ledger.start_ns;
  last->energy_j = s->ledger.reading.energy_j;
  last->program_j = s->ledger.program_j;
  last->core_s = s->ledger.load.process_s;
  return true;
}
