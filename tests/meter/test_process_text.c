/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says of processes, and what a program may have made of it. */
#include "../test.h"

#include "meter/cgroup.h"
#include "meter/process.h"
#include "tree.h"

#define TICK_S 0.01

/* proc(5): 14 utime, 15 stime, 16 cutime, 17 cstime, 20 num_threads, 22 starttime. */
#define FIELDS "S 7 1 1 0 -1 4194304 99 98 97 96 150 50 30 20 20 0 3 0 8675309 1 2 3\n"

static bool parse(const char *text, fr__process_stat *out) {
  return fr__process_parse(text, strlen(text), TICK_S, out);
}

static void a_line_is_read_by_its_fields(void **state) {
  (void)state;
  fr__process_stat s;
  assert_true(parse("4242 (python3) " FIELDS, &s));
  assert_int_equal(s.pid, 4242);
  assert_int_equal(s.parent, 7);
  assert_int_equal(s.threads, 3);
  assert_int_equal(s.start_ticks, 8675309);
  assert_near(s.own_s, 2.0, 1e-12);
  assert_near(s.children_s, 0.5, 1e-12);
  assert_string_equal(s.name, "python3");
}

static void a_name_may_hold_anything(void **state) {
  (void)state;
  fr__process_stat s;
  assert_true(parse("1 () " FIELDS, &s));
  assert_string_equal(s.name, "");
  assert_true(parse("1 (a) R 1 (b) " FIELDS, &s));
  assert_string_equal(s.name, "a) R 1 (b");
  assert_int_equal(s.parent, 7);
  assert_true(parse("1 (\n) S 9 9 9\n) " FIELDS, &s));
  assert_string_equal(s.name, "?) S 9 9 9?");
  assert_true(parse("1 (\x1b[2J\x07\x7f) " FIELDS, &s));
  assert_string_equal(s.name, "?[2J??");
  assert_true(parse("1 (Zo\xc3\xab \xe6\x97\xa5 \xf0\x9f\x98\x80) " FIELDS, &s));
  assert_string_equal(s.name, "Zo\xc3\xab \xe6\x97\xa5 \xf0\x9f\x98\x80");
  /* cut in a character, overlong, surrogate, beyond U+10FFFF, C1 control */
  assert_true(parse("1 (\xc3) " FIELDS, &s));
  assert_string_equal(s.name, "?");
  assert_true(parse("1 (\xc0\xaf|\xed\xa0\x80|\xf4\x90\x80\x80|\xc2\x9b) " FIELDS, &s));
  assert_string_equal(s.name, "??|???|????|??");
}

static void a_long_name_is_cut_at_a_character(void **state) {
  (void)state;
  char bytes[200], name[FR__PROCESS_NAME];
  memset(bytes, 'x', sizeof bytes);
  memcpy(bytes + 62, "\xc3\xab", 2); /* would end behind the last place */
  fr__process_name(bytes, sizeof bytes, name);
  assert_int_equal(strlen(name), 62);
  fr__process_name(bytes, 0, name);
  assert_string_equal(name, "");
}

static void what_is_no_line_is_refused(void **state) {
  (void)state;
  const char *const bad[] = {
      "",
      "\n",
      "1",
      "1 ",
      "1 (",
      "1 )(",
      "(a) " FIELDS,
      "0 (a) " FIELDS,
      "-3 (a) " FIELDS,
      "x (a) " FIELDS,
      "1 (a) S 7 1 1 0 -1 4194304 99 98 97 96 150 50 30 20 20 0",
      "1 (a) S x 1 1 0 -1 4194304 99 98 97 96 150 50 30 20 20 0 3 0 5",
      "1 (a) S 7 1 1 0 -1 4194304 99 98 97 96 150 50 -30 20 20 0 3 0 5",
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    fr__process_stat s = {.pid = -1};
    assert_false(parse(bad[i], &s));
    assert_int_equal(s.pid, -1);
  }
}

static void a_line_may_end_anywhere(void **state) {
  (void)state;
  const char whole[] = "4242 (a) b) " FIELDS;
  fr__process_stat s;
  for (size_t size = 0; size < sizeof whole; size++) {
    char *copy = malloc(size + 1); /* of that size, for the address sanitizer */
    assert_non_null(copy);
    memcpy(copy, whole, size);
    copy[size] = '\0';
    (void)fr__process_parse(copy, size, TICK_S, &s);
    free(copy);
  }
}

static void nanoseconds_are_taken_where_they_agree_with_the_ticks(void **state) {
  (void)state;
  assert_near(fr__process_schedstat("1234567890 5 6\n", 1.23, TICK_S), 1.23456789, 1e-12);
  assert_near(fr__process_schedstat("1245000000 5 6\n", 1.23, TICK_S), 1.245, 1e-12);
  /* other threads have used the rest */
  assert_near(fr__process_schedstat("100000000 5 6\n", 1.23, TICK_S), 1.23, 1e-12);
  assert_near(fr__process_schedstat("9000000000 5 6\n", 1.23, TICK_S), 1.23, 1e-12);
  assert_near(fr__process_schedstat("", 1.23, TICK_S), 1.23, 1e-12);
}

static void rest_and_steal_are_not_busy(void **state) {
  (void)state;
  double busy_s = -1;
  assert_true(fr__process_busy("cpu  100 20 30 4000 500 6 7 800 90 10\ncpu0 1 2 3 4\n",
                               TICK_S, &busy_s));
  assert_near(busy_s, 1.63, 1e-12);
  assert_true(fr__process_busy("cpu 1 2 3 4\n", TICK_S, &busy_s));
  assert_near(busy_s, 0.06, 1e-12);
  assert_false(fr__process_busy("intr 1 2 3 4\n", TICK_S, &busy_s));
}

static void only_numbers_are_pids(void **state) {
  (void)state;
  assert_int_equal(fr__pid_parse("1"), 1);
  assert_int_equal(fr__pid_parse("2147483647"), INT32_MAX);
  const char *const bad[] = {"",   "0",  "01",   "-1",         "+1",
                             " 1", "1a", "self", "2147483648", "99999999999999999999"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_int_equal(fr__pid_parse(bad[i]), 0);
}

static void check_script(const char *name, const char *words, size_t size,
                         const char *expected) {
  char text[FR__PROCESS_NAME];
  snprintf(text, sizeof text, "%s", name);
  fr__process_script(words, size, text);
  assert_string_equal(text, expected);
}

#define CHECK_SCRIPT(name, words, expected)                                              \
  check_script(name, words, sizeof(words), expected)

static void an_interpreter_is_named_with_its_script(void **state) {
  (void)state;
  CHECK_SCRIPT("python3", "python3\0-u\0/home/me/train.py\0--fast", "python3 train.py");
  CHECK_SCRIPT("python3.11", "python3.11\0-m\0whisper", "python3.11 whisper");
  CHECK_SCRIPT("sh", "sh\0./run.sh", "sh run.sh");
  CHECK_SCRIPT("sh", "sh\0-c\0true", "sh");
  CHECK_SCRIPT("bash", "bash", "bash");
  CHECK_SCRIPT("bash", "-bash", "bash");
  CHECK_SCRIPT("python3", "python3\0-m", "python3");
  CHECK_SCRIPT("python3", "python3\0-", "python3");
  CHECK_SCRIPT("python3", "python3\0dir/", "python3");
  CHECK_SCRIPT("shred", "shred\0file", "shred");
  CHECK_SCRIPT("perl", "perl\0a\x1b[2J\n.pl", "perl a?[2J?.pl");
  check_script("sh", "sh\0a", 4, "sh"); /* not ended: not looked at */
  check_script("sh", "", 0, "sh");
  CHECK_SCRIPT("python3", "/usr/bin/env\0bash\0x.sh\0", "python3"); /* not yet */
  char words[300] = "sh";
  memset(words + 3, 'x', sizeof words - 4);
  check_script("sh", words, sizeof words,
               "sh xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
}

/* ---- the own cgroup, cgroups(7) ---- */

#define MOUNTS                                                                           \
  "24 30 0:22 / /proc rw - proc proc rw\n"                                               \
  "35 30 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"

static void check_own(const char *cgroup, const char *mounts, const char *expected) {
  char path[FR__CGROUP_PATH] = "", reason[FR__CGROUP_REASON] = "";
  const bool found = fr__cgroup_own(cgroup, mounts, path, reason);
  assert_int_equal(found, expected != NULL);
  if (expected != NULL)
    assert_string_equal(path, expected);
  else
    assert_true(strlen(reason) > 0);
}

static void the_own_cgroup_is_found(void **state) {
  (void)state;
  check_own("0::/user.slice/a.scope\n", MOUNTS, "/sys/fs/cgroup/user.slice/a.scope");
  check_own("4:memory:/x\n1:name=systemd:/y\n0::/\n", MOUNTS, "/sys/fs/cgroup");
  /* a part of the tree is mounted */
  const char part[] = "35 30 0:30 /docker/1 /cg rw - cgroup2 cgroup rw\n";
  check_own("0::/docker/1/a\n", part, "/cg/a");
  check_own("0::/docker/1\n", part, "/cg");
  check_own("0::/docker/12\n", part, NULL);
  check_own("0::/../x\n", MOUNTS, NULL);
  check_own("4:memory:/x\n", MOUNTS, NULL);
  check_own("", MOUNTS, NULL);
  check_own("0::/a\n", "", NULL);
  check_own("0::/a\n", "35 30 0:30 / /my\\040group rw - cgroup2 cgroup rw\n", NULL);
  check_own("0::/a\n", "35 30 0:30 / /v1 rw - cgroup cgroup rw,cpu\n", NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_line_is_read_by_its_fields),
      cmocka_unit_test(a_name_may_hold_anything),
      cmocka_unit_test(a_long_name_is_cut_at_a_character),
      cmocka_unit_test(what_is_no_line_is_refused),
      cmocka_unit_test(a_line_may_end_anywhere),
      cmocka_unit_test(nanoseconds_are_taken_where_they_agree_with_the_ticks),
      cmocka_unit_test(rest_and_steal_are_not_busy),
      cmocka_unit_test(only_numbers_are_pids),
      cmocka_unit_test(an_interpreter_is_named_with_its_script),
      cmocka_unit_test(the_own_cgroup_is_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
