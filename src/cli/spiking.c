/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/spiking.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"

#define BIN_S 0.095 /* a bin is at least so long */

static void found(void *self, const fr_spike *spike);

enum fr_status cli_spiking_init(cli_spiking *spiking, enum fr_source source,
                                fr_error *err) {
  *spiking = (cli_spiking){0};
  spiking->found = calloc(CLI_SPIKES, sizeof *spiking->found);
  const fr_spike_options options = {.source = source,
                                    .accuracy = fr_sensor_accuracy(source, NULL),
                                    .found = found,
                                    .self = spiking};
  enum fr_status status = FR_OK;
  if (spiking->found == NULL)
    status = fr__fail_memory(err, "spikes");
  if (status == FR_OK)
    status = cli_users_init(&spiking->user, err);
  if (status == FR_OK)
    status = cli_users_init(&spiking->phase, err);
  if (status == FR_OK)
    status = fr_spikes_new(&options, &spiking->search, err);
  if (status != FR_OK)
    cli_spiking_release(spiking);
  return status;
}

void cli_spiking_release(cli_spiking *spiking) {
  fr_spikes_free(spiking->search);
  free(spiking->found);
  cli_users_release(&spiking->user);
  cli_users_release(&spiking->phase);
  *spiking = (cli_spiking){0};
}

/* ---- who ran ---- */

/* Half of the bins are enough to look back. */
static void forget_oldest(cli_spiking *s) {
  const size_t half = CLI_SPIKE_BINS / 2, rest = s->bins - half;
  memmove(s->t_s, s->t_s + half, (rest + 1) * sizeof *s->t_s);
  cli_users_forget(&s->user, half);
  cli_users_forget(&s->phase, half);
  s->bins = rest;
}

void cli_spiking_use(cli_spiking *spiking, double t_s, const fr_process_use *use,
                     size_t count) {
  cli_spiking *s = spiking;
  if (s->bins == CLI_SPIKE_BINS)
    forget_oldest(s);
  s->bin = s->bins;
  for (size_t i = 0; i < count; i++) {
    const double use_s = use[i].core_s + use[i].gpu_s;
    cli_users_add(&s->user, use[i].name, use[i].pid, s->t_s, s->bin, use_s);
  }
  if (t_s - s->t_s[s->bin] < BIN_S)
    return;
  s->t_s[s->bin + 1] = t_s;
  s->bins++;
}

void cli_spiking_phases(cli_spiking *spiking, const cli_marks *marks) {
  cli_spiking *s = spiking;
  s->marks = marks;
  for (size_t row = 0; row < marks->rows; row++) {
    const double use_s = marks->row[row].core_s - s->row_core_s[row];
    s->row_core_s[row] = marks->row[row].core_s;
    char name[24];
    snprintf(name, sizeof name, "%zu", row);
    if (use_s > 0)
      cli_users_add(&s->phase, name, (int64_t)row, s->t_s, s->bin, use_s);
  }
}

/* ---- spikes ---- */

static void find_causes(const cli_spiking *s, cli_spike *out) {
  fr_actor actor[CLI_SPIKE_ACTORS];
  fr_cause cause[CLI_SPIKE_CAUSES];
  const fr_spike *const spike = &out->spike;
  const size_t actors = cli_users_by_name(&s->user, s->t_s, s->bins, spike->start_s,
                                          spike->start_s + spike->duration_s, actor);
  out->causes =
      fr_spike_attribute(spike, s->t_s, s->bins, actor, actors, cause, CLI_SPIKE_CAUSES);
  for (size_t i = 0; i < out->causes; i++) {
    const fr_actor *const from = &actor[cause[i].actor];
    cli_cause *to = &out->cause[i];
    snprintf(to->name, sizeof to->name, "%s", from->name);
    to->pid = from->pid;
    to->share = cause[i].share;
    to->confidence = cause[i].confidence;
  }
}

/* Of a program that marks none there is nothing to tell. */
static void find_phases(const cli_spiking *s, cli_spike *out) {
  fr_cause cause[CLI_SPIKE_CAUSES];
  if (s->marks == NULL || s->marks->rows < 2)
    return;
  fr_actor actor[CLI_SPIKE_ACTORS];
  for (size_t i = 0; i < s->phase.count; i++)
    actor[i] = (fr_actor){"", s->phase.user[i].pid, s->phase.user[i].use_s};
  out->phases = fr_spike_attribute(&out->spike, s->t_s, s->bins, actor, s->phase.count,
                                   cause, CLI_SPIKE_CAUSES);
  for (size_t i = 0; i < out->phases; i++) {
    const int64_t row = actor[cause[i].actor].pid;
    cli_cause_phase *to = &out->phase[i];
    snprintf(to->path, sizeof to->path, "%s", s->marks->row[row].path);
    to->share = cause[i].share;
    to->confidence = cause[i].confidence;
  }
}

static void found(void *self, const fr_spike *spike) {
  cli_spiking *s = self;
  if (s->count == CLI_SPIKES) {
    s->more++;
    return;
  }
  cli_spike *out = &s->found[s->count++];
  out->spike = *spike;
  find_causes(s, out);
  find_phases(s, out);
}

void cli_spiking_power(cli_spiking *spiking, double t_s, double power_w) {
  if (spiking->search != NULL)
    fr_spikes_add(spiking->search, t_s, power_w);
}

void cli_spiking_end(cli_spiking *spiking) {
  if (spiking->search != NULL)
    fr_spikes_end(spiking->search);
}

/* ---- for people and programs ---- */

static json_t *json_of_causes(const cli_spike *spike) {
  json_t *causes = json_array();
  for (size_t i = 0; i < spike->causes; i++) {
    const cli_cause *cause = &spike->cause[i];
    json_array_append_new(causes,
                          json_pack("{s:s, s:I, s:f, s:f}", "name", cause->name, "pid",
                                    (json_int_t)cause->pid, "share", cause->share,
                                    "confidence", cause->confidence));
  }
  return causes;
}

static json_t *json_of_phases(const cli_spike *spike) {
  json_t *phases = json_array();
  for (size_t i = 0; i < spike->phases; i++)
    json_array_append_new(phases,
                          json_pack("{s:s, s:f, s:f}", "name", spike->phase[i].path,
                                    "share", spike->phase[i].share, "confidence",
                                    spike->phase[i].confidence));
  return phases;
}

json_t *cli_spiking_json(const cli_spiking *spiking) {
  json_t *spikes = json_array();
  for (size_t i = 0; i < spiking->count; i++) {
    const fr_spike *s = &spiking->found[i].spike;
    json_array_append_new(
        spikes, json_pack("{s:f, s:f, s:f, s:f, s:o, s:o, s:o}", "start_s", s->start_s,
                          "duration_s", s->duration_s, "height_w", s->height_w, "peak_w",
                          s->peak_w, "energy", cli_json_measure(s->energy), "causes",
                          json_of_causes(&spiking->found[i]), "phases",
                          json_of_phases(&spiking->found[i])));
  }
  return spikes;
}

void cli_spiking_text(const cli_spiking *spiking, fr__buf *text) {
  enum { SHOWN = 10 };
  char height[48], energy[48];
  for (size_t i = 0; i < spiking->count && i < SHOWN; i++) {
    const cli_spike *found = &spiking->found[i];
    cli_format_si(found->spike.height_w, "W", height, sizeof height);
    cli_format_si(found->spike.energy.value, "J", energy, sizeof energy);
    fr__buf_printf(text, "%-14s +%s at %.1f s for %.1f s, %s", i == 0 ? "spikes" : "",
                   height, found->spike.start_s, found->spike.duration_s, energy);
    for (size_t j = 0; j < found->causes && j < 2; j++)
      fr__buf_printf(text, "%s %s (%.0f %%)", j == 0 ? ": by" : ",", found->cause[j].name,
                     100 * found->cause[j].share);
    if (found->phases > 0)
      fr__buf_printf(text, ", in phase %s (%.0f %%)", found->phase[0].path,
                     100 * found->phase[0].share);
    fr__buf_add(text, "\n");
  }
  const size_t all = spiking->count + spiking->more;
  if (all > SHOWN)
    fr__buf_printf(text, "%-14s and %zu more\n", "", all - SHOWN);
}
