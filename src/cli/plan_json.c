/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as JSON. */
#include "cli/grams.h"
#include "cli/plan_out.h"

static json_t *json_text(const char *text) {
  return text[0] != '\0' ? json_string(text) : json_null();
}

static json_t *json_pieces(const fr_timetable *s) {
  json_t *list = json_array();
  for (size_t i = 0; i < s->count; i++)
    json_array_append_new(list, json_pack("{s:o, s:o}", "start",
                                          cli_json_time(s->piece[i].start_s), "end",
                                          cli_json_time(s->piece[i].end_s)));
  return list;
}

/* ---- places ---- */

static json_t *json_place(const cli_planned_place *place) {
  const fr_site *site = &place->site;
  json_t *j = json_pack(
      "{s:s, s:s, s:o, s:o, s:o, s:o}", "region", site->name, "intensity", place->spec,
      "grid", cli_json_scope(place->known.zone, place->known.scope, place->known.origin),
      "place", json_text(site->place), "country", json_text(site->country), "pue",
      place->pue_known ? json_real(site->pue) : json_null());
  json_object_set_new(j, "carbon_free", cli_json_number(site->carbon_free));
  json_object_set_new(j, "latency_ms", cli_json_number(site->latency_ms));
  json_object_set_new(j, "price_per_h", cli_json_number(site->price_per_h));
  json_object_set_new(j, "water_l_per_kwh", cli_json_number(site->water_l_per_kwh));
  json_object_set_new(j, "constant", json_boolean(place->constant));
  json_object_set_new(j, "known_until",
                      place->constant ? json_null()
                                      : cli_json_time(cli_plan_known_s(place)));
  json_object_set_new(j, "forecast", json_text(place->forecast.method));
  json_object_set_new(j, "forecast_error", cli_json_skill(&place->forecast.skill));
  json_object_set_new(j, "note", json_text(place->note));
  return j;
}

/* ---- options ---- */

/* Grams of a job whose energy is not known are nobody's. */
static json_t *json_grams(const cli_plan_view *v, fr_measure grams) {
  return v->job->energy_known ? cli_json_measure(grams) : json_null();
}

static void set_option(const cli_plan_view *v, const fr_option *option, json_t *j) {
  const fr_plan *plan = &v->planning->plan;
  const fr_timetable *s = &option->schedule;
  json_object_set_new(j, "start", cli_json_time(s->piece[0].start_s));
  json_object_set_new(j, "end", cli_json_time(s->piece[s->count - 1].end_s));
  json_object_set_new(j, "pieces", json_pieces(s));
  json_object_set_new(j, "mean_g_per_kwh", cli_json_number(s->mean_g_per_kwh));
  json_object_set_new(j, "energy", json_grams(v, s->energy_j));
  json_object_set_new(j, "grams", json_grams(v, option->grams));
  json_object_set_new(j, "told_grams", json_grams(v, s->grams));
  json_object_set_new(j, "data_grams", json_grams(v, option->data_grams));
  json_object_set_new(j, "gain", json_grams(v, option->gain));
  json_object_set_new(j, "gain_share",
                      cli_json_number(option->gain.value / plan->now.grams.value));
  json_object_set_new(j, "chance", cli_json_number(option->chance));
  json_object_set_new(j, "error_known", json_boolean(option->error_known));
}

static json_t *json_option(const cli_plan_view *v, const fr_option *option) {
  json_t *j = json_place(&v->planning->place[option->place]);
  set_option(v, option, j);
  return j;
}

static json_t *json_options(const cli_plan_view *v, const fr_option *option,
                            size_t count) {
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++)
    json_array_append_new(list, json_option(v, &option[i]));
  return list;
}

static json_t *json_left_out(const cli_plan_view *v) {
  const fr_plan *plan = &v->planning->plan;
  json_t *list = json_array();
  for (size_t i = 0; i < plan->left_out_count; i++) {
    const size_t place = plan->left_out[i].place;
    if (place == plan->home && !v->planning->home_told)
      continue;
    json_array_append_new(list, json_pack("{s:s, s:s}", "region",
                                          v->planning->place[place].site.name, "why",
                                          plan->left_out[i].why));
  }
  return list;
}

static json_t *json_job(const cli_planned_job *planned) {
  const fr_job *job = &planned->job;
  return json_pack("{s:o, s:I, s:s, s:o, s:o, s:b, s:I, s:I, s:I, s:f}", "energy",
                   planned->energy_known ? cli_json_measure(job->energy_j) : json_null(),
                   "duration_s", (json_int_t)job->duration_s, "from", planned->from,
                   "now", cli_json_time(job->now_s), "deadline",
                   cli_json_time(job->deadline_s), "interruptible", job->interruptible,
                   "min_piece_s", (json_int_t)job->min_piece_s, "most_pieces",
                   (json_int_t)job->most_pieces, "resume_s", (json_int_t)job->resume_s,
                   "resume_j", job->resume_j);
}

void cli_plan_json(const cli_plan_view *view, json_t *result) {
  const cli_plan_view *v = view;
  const fr_plan *plan = &v->planning->plan;
  json_t *now = json_option(v, &plan->now);
  fr__buf words;
  fr__buf_init(&words, 0);
  cli_plan_words(v, &words);
  json_object_set_new(result, "job", json_job(v->job));
  json_object_set_new(result, "home_told", json_boolean(v->planning->home_told));
  json_object_set_new(result, "now", now);
  json_object_set_new(result, "options", json_options(v, plan->option, plan->count));
  json_object_set_new(result, "alternatives",
                      json_options(v, plan->alternative, plan->alternatives));
  json_object_set_new(result, "left_out", json_left_out(v));
  json_object_set_new(result, "advice", json_string(fr_plan_advice_name(plan->advice)));
  json_object_set_new(result, "words", json_string(fr__buf_text(&words)));
  fr__buf_release(&words);
}
