/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

/* C0 but line feed and tab, DEL, and C1 as UTF-8 has it (0xc2 0x80 to 0xc2 0x9f). */
static size_t control_length(const unsigned char *at) {
  if (at[0] == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f)
    return 2;
  return (at[0] < 0x20 && at[0] != '\n' && at[0] != '\t') || at[0] == 0x7f;
}

void cli_put_clean(const char *text, FILE *to) {
  const unsigned char *at = (const unsigned char *)text;
  while (*at != '\0') {
    const size_t control = control_length(at);
    fputc(control > 0 ? '?' : *at, to);
    at += control > 0 ? control : 1;
  }
}

int cli_fail(const fr_error *err) {
  fputs("frugal: ", stderr);
  cli_put_clean(err->text[0] != '\0' ? err->text : "failed", stderr);
  fputc('\n', stderr);
  return CLI_FAILED;
}

int cli_fail_text(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("frugal: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  return CLI_FAILED;
}

json_t *cli_json_measure(fr_measure m) {
  if (!fr_measure_known(m))
    return json_null();
  return json_pack("{s:f, s:s, s:f, s:f, s:s}", "value", m.value, "unit",
                   fr_unit_symbol(m.unit), "low", m.low, "high", m.high, "source",
                   fr_source_name(m.source));
}

json_t *cli_json_number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

json_t *cli_json_time(int64_t t_s) {
  char text[FR__TIME_TEXT];
  if (t_s < INT64_MIN / 1000000000 || t_s > INT64_MAX / 1000000000)
    return json_null();
  fr__time_format(t_s * 1000000000, text);
  return json_string(text);
}

fr_measure cli_measure_of(const json_t *from, const char *key, enum fr_unit unit) {
  const json_t *object = json_object_get(from, key);
  const char *source = json_string_value(json_object_get(object, "source"));
  const char *symbol = json_string_value(json_object_get(object, "unit"));
  fr_measure m = {json_number_value(json_object_get(object, "value")),
                  json_number_value(json_object_get(object, "low")),
                  json_number_value(json_object_get(object, "high")), unit,
                  FR_SOURCE_NONE};
  const bool good = source != NULL && fr_source_parse(source, &m.source) &&
                    symbol != NULL && strcmp(symbol, fr_unit_symbol(unit)) == 0 &&
                    m.low <= m.value && m.value <= m.high && isfinite(m.high - m.low);
  return good ? m : fr_measure_absent(unit);
}

void cli_add_measure(fr__buf *text, const char *what, fr_measure m, const char *why) {
  char value[48], low[48], high[48];
  if (!fr_measure_known(m)) {
    fr__buf_printf(text, "%-14s not measured%s%s\n", what, why[0] != '\0' ? ": " : "",
                   why);
    return;
  }
  const char *unit = fr_unit_symbol(m.unit);
  cli_format_si(m.value, unit, value, sizeof value);
  cli_format_si(m.low, unit, low, sizeof low);
  cli_format_si(m.high, unit, high, sizeof high);
  fr__buf_printf(text, "%-14s %s (%s to %s; %s)\n", what, value, low, high,
                 fr_source_name(m.source));
}

json_t *cli_json_names(const fr_names *names) {
  json_t *array = json_array();
  for (size_t i = 0; i < names->count; i++)
    json_array_append_new(array, json_string(names->name[i]));
  return array;
}

char *cli_json_argv(int argc, char **argv) {
  json_t *array = json_array();
  for (int i = 0; i < argc; i++) {
    json_t *word = json_string(argv[i]);
    /* An argument that is not UTF-8 is shown as such rather than lost. */
    json_array_append_new(array, word != NULL ? word : json_string("(not UTF-8)"));
  }
  char *text = json_dumps(array, JSON_COMPACT);
  json_decref(array);
  return text;
}

void cli_result_init(cli_result *result, const char *command) {
  *result = (cli_result){command, json_object(), json_array(), 0};
}

void cli_result_release(cli_result *result) {
  json_decref(result->result);
  json_decref(result->warnings);
  *result = (cli_result){0};
}

void cli_warn(cli_result *result, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  json_array_append_new(result->warnings, json_string(text));
}

void cli_result_tell(cli_result *result) {
  for (; result->told < json_array_size(result->warnings); result->told++) {
    fputs("frugal: warning: ", stderr);
    cli_put_clean(json_string_value(json_array_get(result->warnings, result->told)),
                  stderr);
    fputc('\n', stderr);
  }
}

static int write_json(const cli_result *result, const char *path) {
  json_t *whole =
      json_pack("{s:s, s:s, s:O, s:O}", "command", result->command, "version", FR_VERSION,
                "result", result->result, "warnings", result->warnings);
  char *text =
      whole != NULL ? json_dumps(whole, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
  json_decref(whole);
  if (text == NULL)
    return cli_fail_text("out of memory for the JSON result");
  int code = CLI_DONE;
  if (strcmp(path, "-") == 0) {
    puts(text);
  } else {
    fr_error err;
    if (fr__file_write(path, text, strlen(text), &err) != FR_OK)
      code = cli_fail(&err);
  }
  free(text);
  return code;
}

int cli_result_print(cli_result *result, const cli_output *output, const char *table) {
  const bool in_place = output->json != NULL && strcmp(output->json, "-") == 0;
  if (!in_place && table != NULL)
    cli_put_clean(table, stdout);
  fflush(stdout); /* else a warning lands in the middle of the table; main looks for
                     errors */
  cli_result_tell(result);
  return output->json != NULL ? write_json(result, output->json) : CLI_DONE;
}

size_t cli_columns(void) {
  struct winsize size;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
    return size.ws_col;
  return 100;
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number) {
  (void)number;
  interrupted = 1;
}

void cli_catch_interrupts(void) {
  /* The second one ends the program at once: SA_RESETHAND restores the default. */
  struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

bool cli_interrupted(void) { return interrupted != 0; }

char *cli_cache_folder(void) { return fr__path_user("XDG_CACHE_HOME", ".cache"); }
