/* SPDX-License-Identifier: Apache-2.0 */
/* What a shell and sbatch make of a job's words and of its time to begin. */
#include "../test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/green_slurm.h"

static void zone(const char *name) {
  setenv("TZ", name, 1);
  tzset();
}

/* POSIX shell, 2.2.2: within single quotes every byte stands for itself. */
static void words_are_quoted(void **state) {
  (void)state;
  fr__buf text;
  fr__buf_init(&text, 0);
  cli_slurm_quote(&text, "it's $HOME `x` \\ \n#SBATCH");
  assert_string_equal(fr__buf_text(&text), "'it'\\''s $HOME `x` \\ \n#SBATCH'");
  fr__buf_clear(&text);
  cli_slurm_quote(&text, "");
  assert_string_equal(fr__buf_text(&text), "''");
  fr__buf_release(&text);
}

static void one_job_is_its_command(void **state) {
  (void)state;
  char *const command[] = {(char[]){"echo"}, (char[]){"a b"}, NULL};
  const cli_slurm_job job = {.command = command};
  fr__buf text;
  fr__buf_init(&text, 0);
  cli_slurm_script(&job, &text);
  assert_string_equal(fr__buf_text(&text),
                      "#!/bin/sh\n# of frugal run --slurm\nexec 'echo' 'a b'\n");
  fr__buf_release(&text);
}

/* sbatch reads its own lines up to the first that is no comment. */
static void no_word_is_read_by_sbatch(void **state) {
  (void)state;
  char *const command[] = {(char[]){"\n#SBATCH --bad"}, NULL};
  const cli_slurm_job job = {.command = command, .stop_after_s = 60, .done = "/x"};
  fr__buf text;
  fr__buf_init(&text, 0);
  cli_slurm_script(&job, &text);
  const char *bad = strstr(fr__buf_text(&text), "#SBATCH");
  const char *first = strstr(fr__buf_text(&text), "\ncode=0");
  assert_non_null(bad);
  assert_non_null(first);
  assert_true(first < bad);
  fr__buf_release(&text);
}

static void times_are_local(void **state) {
  (void)state;
  char text[CLI_SLURM_TIME];
  zone("Europe/Berlin");
  cli_slurm_begin(1774746000, 1774740000, text); /* 2026-03-29T01:00:00Z, the change */
  assert_string_equal(text, "2026-03-29T03:00:00");
  cli_slurm_begin(1774745999, 1774740000, text);
  assert_string_equal(text, "2026-03-29T01:59:59");
  cli_slurm_begin(1774740000, 1774740000, text);
  assert_string_equal(text, "now");
}

/* 2026-10-25: 02:30 comes twice in Berlin, at 00:30 and at 01:30 UTC; how one of them
 * is read is the C library's to say, and the other is told by what is left until then. */
static void a_time_that_comes_twice_is_not_told_as_one(void **state) {
  (void)state;
  char first[CLI_SLURM_TIME], second[CLI_SLURM_TIME];
  zone("Europe/Berlin");
  const int64_t first_s = 1792888200, now_s = 1792880000;
  cli_slurm_begin(first_s, now_s, first);
  cli_slurm_begin(first_s + 3600, now_s, second);
  assert_string_not_equal(first, second);
  assert_true(strncmp(first, "now+", 4) == 0 || strncmp(second, "now+", 4) == 0);
  if (strncmp(second, "now+", 4) == 0)
    assert_int_equal(atoll(second + 4), first_s + 3600 - now_s);
  else
    assert_int_equal(atoll(first + 4), first_s - now_s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(words_are_quoted),
      cmocka_unit_test(one_job_is_its_command),
      cmocka_unit_test(no_word_is_read_by_sbatch),
      cmocka_unit_test(times_are_local),
      cmocka_unit_test(a_time_that_comes_twice_is_not_told_as_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
