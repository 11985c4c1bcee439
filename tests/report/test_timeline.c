/* SPDX-License-Identifier: Apache-2.0 */
/* The report of a metered run: every sample as a row, and a chart with what caused each
 * spike; of runs that were cut off too. */
#include "metered.h"

#include "report/timeline.h"

static bool has(const char *text, const char *words) {
  return strstr(text, words) != NULL;
}

static fr__timeline *loaded(const room *r) {
  fr__timeline *line = malloc(sizeof *line);
  fr_error err = {0};
  assert_non_null(line);
  if (fr__timeline_load(r->store, r->run, line, &err) != FR_OK)
    fail_msg("%s", err.text);
  return line;
}

static void drop(fr__timeline *line) {
  fr__timeline_release(line);
  free(line);
}

static char *script_of(const room *r) {
  fr__timeline *line = loaded(r);
  fr__buf script;
  fr__buf_init(&script, 0);
  fr__timeline_script(line, FR__SVG_FILE, &script);
  assert_int_equal(script.status, FR_OK);
  char *text = fr__buf_detach(&script);
  drop(line);
  return text;
}

static void every_sample_is_a_row(void **state) {
  (void)state;
  room r;
  fr_error err = {0};
  room_open(&r, "meter", metered_result);
  metered_fill(r.store, r.run);
  assert_int_equal(fr_report_meter(r.store, r.run, r.output, NULL, NULL, &err), FR_OK);
  char *rows = room_read(&r, "timeline.csv", NULL);
  const char head[] = "t_s,power_w,energy_j,program_j,marked,package-0,\"dram, "
                      "\"\"all\"\"\"\n0.100000000,";
  assert_memory_equal(rows, head, sizeof head - 1);
  assert_int_equal(count_of(rows, "\n"), METERED_SAMPLES + 1);
  assert_int_equal(count_of(rows, ",1,"), 1); /* the marked one */
  assert_int_equal(count_of(rows, ",\n"), 6); /* not known is empty, not 0 */
  free(rows);
  room_close(&r);
}

static void pictures_are_drawn(void **state) {
  (void)state;
  room r;
  bool charts = false;
  fr_error err = {0}, why = {0};
  if (!room_has_gnuplot()) {
    print_message("gnuplot is not installed\n");
    skip();
  }
  room_open(&r, "meter", metered_result);
  metered_fill(r.store, r.run);
  assert_int_equal(fr_report_meter(r.store, r.run, r.output, &charts, &why, &err), FR_OK);
  if (!charts)
    fail_msg("%s", why.text);
  char *svg = room_read(&r, "timeline.svg", NULL),
       *png = room_read(&r, "timeline.png", NULL);
  assert_true(has(svg, "transcribe +31 W"));
  assert_true(has(svg, "forward"));
  assert_true(has(svg, "normal power, 11.5 W"));
  assert_memory_equal(png, "\x89PNG", 4);
  char *page = room_read(&r, "index.html", NULL);
  assert_int_equal(count_of(page, "<svg role=\"img\""), 2); /* broad and narrow */
  assert_true(has(page, "var(--spike)") && has(page, "var(--phase-1)"));
  assert_false(has(page, "rgb(")); /* nothing that a dark page would not follow */
  assert_int_equal(count_of(page, "http"), 0); /* it needs nothing beside it */
  free(page);
  free(svg);
  free(png);
  room_close(&r);
}

static void without_gnuplot_the_rows_are_there(void **state) {
  (void)state;
  room r;
  bool charts = true;
  fr_error err = {0}, why = {0};
  char *path = strdup(getenv("PATH") != NULL ? getenv("PATH") : "/usr/bin:/bin");
  room_open(&r, "meter", NULL);
  metered_fill(r.store, r.run);
  setenv("PATH", r.folder, 1);
  const enum fr_status status =
      fr_report_meter(r.store, r.run, r.output, &charts, &why, &err);
  setenv("PATH", path, 1);
  free(path);
  assert_int_equal(status, FR_OK);
  assert_false(charts);
  assert_true(has(why.text, "gnuplot"));
  assert_true(room_has(&r, "timeline.csv"));
  assert_false(room_has(&r, "timeline.svg"));
  char *page = room_read(&r, "index.html", NULL);
  assert_true(has(page, "The chart is missing") && has(page, "gnuplot"));
  free(page);
  room_close(&r);
}

/* Without gnuplot: it is the text that counts here. */
static char *page_of(const char *result) {
  room r;
  fr__buf text;
  room_open(&r, "meter", result);
  metered_fill(r.store, r.run);
  fr__timeline *line = loaded(&r);
  const fr__meter_page page = {line, NULL, NULL, "<none>"};
  fr__buf_init(&text, 0);
  fr__meter_page_write(&page, &text);
  assert_int_equal(text.status, FR_OK);
  char *out = fr__buf_detach(&text);
  drop(line);
  room_close(&r);
  return out;
}

static void the_page_tells_all_figures(void **state) {
  (void)state;
  char *page = page_of(
      "{\"energy\":{\"value\":12345,\"low\":12000,\"high\":13000,\"unit\":\"J\","
      "\"source\":"
      "\"powercap\"},\"program\":null,\"exit_code\":3,\"warnings\":[\"DRAM & more\"],"
      "\"phases\":[{\"name\":\"load\",\"count\":2,\"duration_s\":11},{\"name\":"
      "\"unmarked\",\"count\":0}],\"spikes\":[{\"start_s\":20,\"duration_s\":3,"
      "\"height_w\":31,\"causes\":[{\"name\":\"transcribe\",\"share\":0.9}],\"phases\":[{"
      "\"name\":\"speech\",\"share\":1}]}],\"processes\":[{\"name\":\"transcribe\","
      "\"pid\":7,\"of_program\":true}],\"at_rest\":{\"value\":5,\"unit\":\"J\"}}");
  static const char *const words[] = {"12\u202F345\u00A0J",
                                      "(12\u202F000–13\u202F000)",
                                      "powercap",
                                      "not measured",
                                      "exit code 3",
                                      "DRAM &amp; more",
                                      "transcribe 90 %",
                                      "speech 100 %",
                                      "The machine at rest",
                                      ">7<",
                                      "5.00\u00A0J",
                                      "&lt;none&gt;"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (!has(page, words[i]))
      fail_msg("'%s' is not in %s", words[i], page);
  free(page);
}

static void names_are_no_markup(void **state) {
  (void)state;
  char *page = page_of(
      "{\"sensor\":\"<script>\",\"rule\":\"<script>\",\"warnings\":[\"<script>\",5],"
      "\"phases\":[{\"name\":\"<script>\"},{\"name\":7}],\"spikes\":[{\"causes\":[{"
      "\"name\":\"<script>\"}],\"phases\":[{\"name\":\"<script>\"}]},4],\"processes\":[{"
      "\"name\":\"<script>\"},null],\"domains\":[{\"name\":\"<script>\",\"kind\":"
      "\"<script>\"}]}");
  assert_false(has(page, "<script"));
  assert_true(count_of(page, "&lt;script&gt;") >= 8);
  free(page);
  static const char *const results[] = {
      "[1]", "5", "{}",
      "{\"phases\":{},\"spikes\":5,\"processes\":\"x\",\"warnings\":3}"};
  for (size_t i = 0; i < sizeof results / sizeof *results; i++)
    free(page_of(results[i]));
}

static void bins_keep_range_and_energy(void **state) {
  (void)state;
  room r;
  room_open(&r, "meter", metered_result);
  metered_fill(r.store, r.run);
  fr__timeline *line = loaded(&r);
  double joules = 0, seconds = 0, most = 0, wanted_j = 0, wanted_w = 0;
  for (size_t i = 0; i < FR__TIMELINE_BINS; i++) {
    joules += line->total[i].joules;
    seconds += line->total[i].seconds;
    most = fmax(most, line->total[i].high_w);
  }
  for (int i = 1; i <= METERED_SAMPLES; i++) {
    wanted_j += metered_w(i * 0.1) * 0.1;
    wanted_w = fmax(wanted_w, metered_w(i * 0.1));
  }
  assert_true(fabs(joules - wanted_j) < 1e-6 * wanted_j);
  assert_true(fabs(seconds - 60) < 1e-6);
  assert_true(most == wanted_w);
  assert_int_equal(line->spikes, 2);
  assert_string_equal(line->spike[0].cause, "transcribe");
  assert_int_equal(line->depth, 2);
  /* "train" never ended: it goes on to the last sample */
  assert_int_equal(line->phase[0][FR__TIMELINE_BINS - 1].path, line->phase[0][400].path);
  assert_int_equal(line->phase[1][FR__TIMELINE_BINS - 1].path, 0);
  drop(line);
  room_close(&r);
}

static void a_stretch_without_readings_is_a_hole(void **state) {
  (void)state;
  room r;
  room_open(&r, "meter", "{}");
  const fr_store_sample samples[] = {{.t_ns = 1000000000, .power_w = 5},
                                     {.t_ns = 9000000000, .power_w = (double)NAN},
                                     {.t_ns = 10000000000, .power_w = 7}};
  assert_int_equal(fr_store_samples(r.store, r.run, samples, 3, NULL), FR_OK);
  fr__timeline *line = loaded(&r);
  assert_true(line->total[45].high_w == 5 && line->total[450].seconds == 0);
  assert_true(line->total[FR__TIMELINE_BINS - 1].low_w == 7);
  drop(line);
  char *script = script_of(&r);
  assert_int_equal(count_of(script, "\n\n"), 1);
  assert_false(has(script, "normal power"));
  free(script);
  room_close(&r);
}

static void a_domain_that_is_the_total_is_not_drawn_over_it(void **state) {
  (void)state;
  static const char *const names[] = {"CPU Package Power", "GPU Power"};
  const double first[] = {5, 1}, second[] = {7, (double)NAN};
  const fr_store_sample samples[] = {
      {.t_ns = 1000000000, .power_w = 5, .domains = 2, .domain_w = first},
      {.t_ns = 2000000000, .power_w = 7, .domains = 2, .domain_w = second}};
  room r;
  room_open(&r, "meter", "{}");
  assert_int_equal(fr_store_domains(r.store, r.run, names, 2, NULL), FR_OK);
  assert_int_equal(fr_store_samples(r.store, r.run, samples, 2, NULL), FR_OK);
  char *script = script_of(&r);
  assert_false(has(script, "CPU Package Power"));
  assert_true(has(script, "GPU Power"));
  free(script);
  room_close(&r);
}

static void a_run_without_samples_has_no_timeline(void **state) {
  (void)state;
  room r;
  fr_error err = {0};
  room_open(&r, "meter", "{}");
  assert_int_equal(fr_report_meter(r.store, r.run, r.output, NULL, NULL, &err),
                   FR_ERR_NOT_FOUND);
  assert_true(has(err.text, "no samples"));
  assert_false(room_has(&r, "timeline.csv"));
  room_close(&r);
}

static void names_and_results_are_harmless(void **state) {
  (void)state;
  static const char *const results[] = {"[1]", "{\"spikes\":5,\"normal_w\":\"x\"}",
                                        "not json", "{\"spikes\":[null,3,{}]}",
                                        "{\"spikes\":[{\"start_s\":1,\"duration_s\":"
                                        "1e300,\"height_w\":9,\"causes\":[{\"name\":"
                                        "\"a'`system(rm)`\\\"\\\\\"}]}]}"};
  for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
    room r;
    room_open(&r, "meter", results[i]);
    metered_fill(r.store, r.run);
    const fr_store_phase phase = {.number = 9, .path = "x'\n`y`", .begin_ns = 1};
    assert_int_equal(fr_store_phases(r.store, r.run, &phase, 1, NULL), FR_OK);
    char *script = script_of(&r);
    assert_null(strchr(script, '`'));
    assert_false(has(script, "'x'"));
    free(script);
    room_close(&r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_sample_is_a_row),
      cmocka_unit_test(pictures_are_drawn),
      cmocka_unit_test(without_gnuplot_the_rows_are_there),
      cmocka_unit_test(the_page_tells_all_figures),
      cmocka_unit_test(names_are_no_markup),
      cmocka_unit_test(bins_keep_range_and_energy),
      cmocka_unit_test(a_stretch_without_readings_is_a_hole),
      cmocka_unit_test(a_domain_that_is_the_total_is_not_drawn_over_it),
      cmocka_unit_test(a_run_without_samples_has_no_timeline),
      cmocka_unit_test(names_and_results_are_harmless),
  };
  return cmocka_run_group_tests_name("report/timeline", tests, NULL, NULL);
}
