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
  spiking->user = calloc(CLI_SPIKE_ACTORS, sizeof *spiking->user);
  const fr_spike_options options = {.source = source,
                                    .accuracy = fr_sensor_accuracy(source, NULL),
                                    .found = found,
                                    .self = spiking};
  enum fr_status status = FR_OK;
  if (spiking->found == NULL || spiking->user == NULL)
    status = fr__fail_memory(err, "spikes");
  else
    status = fr_spikes_new(&options, &spiking->search, err);
  if (status != FR_OK)
    cli_spiking_release(spiking);
  return status;
}

void cli_spiking_release(cli_spiking *spiking) {
  fr_spikes_free(spiking->search);
  free(spiking->found);
  free(spiking->user);
  *spiking = (cli_spiking){0};
}

/* ---- who ran ---- */

/* Half of the bins are enough to look back. */
static void forget_oldest(cli_spiking *s) {
  const size_t half = CLI_SPIKE_BINS / 2, rest = s->bins - half;
  memmove(s->t_s, s->t_s + half, (rest + 1) * sizeof *s->t_s);
  for (size_t i = 0; i < s->users; i++) {
    cli_user *user = &s->user[i];
    memmove(user->use_s, user->use_s + half, rest * sizeof *user->use_s);
    memset(user->use_s + rest, 0, half * sizeof *user->use_s);
    user->total_s = 0;
    for (size_t j = 0; j < rest; j++)
      user->total_s += user->use_s[j];
  }
  s->bins = rest;
}

/* Its place; where there is none, that of who used least. */
static cli_user *user_of(cli_spiking *s, const fr_process_use *use) {
  cli_user *least = &s->user[0];
  for (size_t i = 0; i < s->users; i++) {
    if (s->user[i].pid == use->pid && strcmp(s->user[i].name, use->name) == 0)
      return &s->user[i];
    if (s->user[i].total_s < least->total_s)
      least = &s->user[i];
  }
  if (s->users < CLI_SPIKE_ACTORS)
    least = &s->user[s->users++];
  else if (least->total_s >= use->core_s + use->gpu_s)
    return NULL;
  memset(least, 0, sizeof *least);
  memcpy(least->name, use->name, sizeof least->name);
  least->pid = use->pid;
  return least;
}

void cli_spiking_use(cli_spiking *spiking, double t_s, const fr_process_use *use,
                     size_t count) {
  cli_spiking *s = spiking;
  if (s->bins == CLI_SPIKE_BINS)
    forget_oldest(s);
  const size_t bin = s->bins;
  for (size_t i = 0; i < count; i++) {
    cli_user *user = user_of(s, &use[i]);
    if (user == NULL)
      continue;
    user->use_s[bin] += use[i].core_s + use[i].gpu_s;
    user->total_s += use[i].core_s + use[i].gpu_s;
  }
  if (t_s - s->t_s[bin] < BIN_S)
    return;
  s->t_s[bin + 1] = t_s;
  s->bins++;
}

/* ---- spikes ---- */

static void find_causes(const cli_spiking *s, cli_spike *out) {
  fr_actor actor[CLI_SPIKE_ACTORS];
  fr_cause cause[CLI_SPIKE_CAUSES];
  for (size_t i = 0; i < s->users; i++)
    actor[i] = (fr_actor){s->user[i].name, s->user[i].pid, s->user[i].use_s};
  out->causes = s->bins > 0 ? fr_spike_attribute(&out->spike, s->t_s, s->bins, actor,
                                                 s->users, cause, CLI_SPIKE_CAUSES)
                            : 0;
  for (size_t i = 0; i < out->causes; i++) {
    const cli_user *user = &s->user[cause[i].actor];
    cli_cause *to = &out->cause[i];
    memcpy(to->name, user->name, sizeof to->name);
    to->pid = user->pid;
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

json_t *cli_spiking_json(const cli_spiking *spiking) {
  json_t *spikes = json_array();
  for (size_t i = 0; i < spiking->count; i++) {
    const fr_spike *s = &spiking->found[i].spike;
    json_array_append_new(
        spikes, json_pack("{s:f, s:f, s:f, s:f, s:o, s:o}", "start_s", s->start_s,
                          "duration_s", s->duration_s, "height_w", s->height_w, "peak_w",
                          s->peak_w, "energy", cli_json_measure(s->energy), "causes",
                          json_of_causes(&spiking->found[i])));
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
    fr__buf_add(text, "\n");
  }
  const size_t all = spiking->count + spiking->more;
  if (all > SHOWN)
    fr__buf_printf(text, "%-14s and %zu more\n", "", all - SHOWN);
}
