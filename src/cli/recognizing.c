/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recognizing.h"

#include <math.h>
#include <string.h>

#include "cli/calibrating.h"

#define RATE_FRAMES 60 /* after so many the rate is looked at */
#define RATE_APART 1.2 /* the model's may be so many times as high */
#define SECONDS_PER_HOUR 3600.0

/* ---- while frames come ---- */

static double frames_hz(const cli_recognizing *r) {
  if (r->timed)
    return (double)(r->frames - 1) / (r->last_s - r->first_s);
  return r->frames_hz > 0 ? r->frames_hz : fr_recognizer_rate(r->recognizer);
}

static void look_at_rate(const cli_recognizing *r, cli_session *session) {
  const double model_hz = fr_recognizer_rate(r->recognizer), hz = frames_hz(r);
  if (hz * RATE_APART > model_hz)
    return;
  cli_warn(&session->result,
           "the frames come at %.3g Hz, the model takes %.3g: those between are made up, "
           "and quick signs may be missed",
           hz, model_hz);
  cli_result_tell(&session->result);
}

void cli_recognizing_frame(cli_recognizing *r, cli_session *session, double t_s) {
  r->timed = !isnan(t_s);
  if (r->frames == 0)
    r->first_s = t_s;
  r->last_s = t_s;
  r->frames++;
  if (r->frames == RATE_FRAMES)
    look_at_rate(r, session);
}

double cli_recognizing_seconds(const cli_recognizing *r) {
  if (r->timed && r->frames > 0)
    return r->last_s - r->first_s + 1 / fr_recognizer_rate(r->recognizer);
  return (double)r->frames / frames_hz(r);
}

/* ---- figures ---- */

static void set(cli_session *session, const char *key, json_t *value) {
  json_object_set_new(session->result.result, key, value);
}

static json_t *quantiles(const cli_spread *s) {
  return json_pack("{s:o, s:o, s:o}", "median",
                   cli_json_number(cli_spread_quantile_us(s, 0.5)), "p95",
                   cli_json_number(cli_spread_quantile_us(s, 0.95)), "p99",
                   cli_json_number(cli_spread_quantile_us(s, 0.99)));
}

static void add_times(cli_session *session, const char *key, const char *what,
                      const cli_spread *s) {
  set(session, key, quantiles(s));
  if (s->count > 0)
    fr__buf_printf(&session->text, "%-14s %.3g us median, %.3g us 95 %%, %.3g us 99 %%\n",
                   what, cli_spread_quantile_us(s, 0.5), cli_spread_quantile_us(s, 0.95),
                   cli_spread_quantile_us(s, 0.99));
}

static void add_counts(const cli_recognizing *r, cli_session *session) {
  const double stream_s = cli_recognizing_seconds(r);
  const double busy_s = (double)(r->parse.sum_ns + r->push.sum_ns) * 1e-9;
  char stream[48];
  cli_format_duration(stream_s, stream, sizeof stream);
  fr__buf_printf(&session->text, "frames         %llu in %s; %llu sign%s\n",
                 (unsigned long long)r->frames, stream, (unsigned long long)r->signs,
                 r->signs == 1 ? "" : "s");
  set(session, "frames", json_integer((json_int_t)r->frames));
  set(session, "skipped", json_integer((json_int_t)r->skipped));
  set(session, "signs", json_integer((json_int_t)r->signs));
  set(session, "stream_s", json_real(stream_s));
  set(session, "rate_hz", json_real(fr_recognizer_rate(r->recognizer)));
  set(session, "real_time_factor", cli_json_number(busy_s / stream_s));
  if (r->frames > 0)
    fr__buf_printf(&session->text, "real time      %.3g of it was work\n",
                   busy_s / stream_s);
  add_times(session, "frame_us", "a frame", &r->push);
  add_times(session, "parse_us", "reading it", &r->parse);
}

static void add_operations(const cli_recognizing *r, cli_session *session) {
  const uint64_t frame = fr_recognizer_operations(r->recognizer);
  const uint64_t window = fr_recognizer_window_operations(r->recognizer);
  char one[48], all[48];
  cli_format_si((double)frame, "FLOP", one, sizeof one);
  cli_format_si((double)window, "FLOP", all, sizeof all);
  fr__buf_printf(&session->text, "network        %s a frame; a window alone takes %s\n",
                 one, all);
  set(session, "operations", json_integer((json_int_t)frame));
  set(session, "window_operations", json_integer((json_int_t)window));
}

/* ---- joules ---- */

/* What the core-seconds add to a machine at rest, by the model of its processor. */
static fr_measure delta_of(double core_s) {
  fr_cpu_power cpu;
  fr_error err;
  if (fr_cpu_power_find(NULL, &cpu, NULL) != FR_OK)
    return fr_measure_absent(FR_UNIT_JOULE);
  (void)cli_calibrated(NULL, &cpu, &err);
  return fr_measure_scale(cpu.core_w, core_s, FR_UNIT_JOULE);
}

/* Reading and recognising a frame; and an hour of such a stream. */
static void add_energy(const cli_recognizing *r, cli_session *session) {
  static const char *const work[] = {"read", "recognize", NULL};
  if (r->frames == 0) {
    set(session, "program_per_frame", json_null());
    set(session, "per_hour", json_null());
    return;
  }
  const cli_spent spent = cli_session_phases(session, work);
  const double hour = SECONDS_PER_HOUR / cli_recognizing_seconds(r);
  const fr_measure frame =
      fr_measure_scale(spent.program, 1 / (double)r->frames, FR_UNIT_JOULE);
  const fr_measure program = fr_measure_scale(spent.program, hour, FR_UNIT_JOULE);
  const fr_measure delta =
      fr_measure_scale(delta_of(spent.core_seconds.value), hour, FR_UNIT_JOULE);
  set(session, "program_per_frame", cli_json_measure(frame));
  set(session, "per_hour",
      json_pack("{s:o, s:o, s:f}", "program", cli_json_measure(program), "delta",
                cli_json_measure(delta), "core_seconds",
                spent.core_seconds.value * hour));
  cli_add_measure(&session->text, "a frame", frame, "");
  cli_add_measure(&session->text, "an hour of use", program, "");
  cli_add_measure(&session->text, "  above rest", delta, "");
}

enum fr_status cli_recognizing_measured(const cli_recognizing *r, cli_session *session,
                                        fr_error *err) {
  add_counts(r, session);
  add_operations(r, session);
  const enum fr_status status = cli_session_measured(session, err);
  if (status == FR_OK)
    add_energy(r, session);
  return status;
}
