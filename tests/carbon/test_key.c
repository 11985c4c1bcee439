/* SPDX-License-Identifier: Apache-2.0 */
/* Where keys are found, and that they are refused where others could read them. */
#include "../test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "carbon/key.h"

#define VARIABLE "FRUGAL_TEST_KEY"

typedef struct place {
  char *folder; /* $XDG_CONFIG_HOME */
  char path[600];
  char key[FR__KEY_SIZE];
  fr_error err;
} place;

static int up(void **state) {
  place *const p = calloc(1, sizeof *p);
  char inside[600];
  p->folder = test_folder_make();
  snprintf(inside, sizeof inside, "%s/frugal", p->folder);
  mkdir(inside, 0700);
  snprintf(p->path, sizeof p->path, "%s/frugal/test.key", p->folder);
  setenv("XDG_CONFIG_HOME", p->folder, 1);
  unsetenv(VARIABLE);
  *state = p;
  return 0;
}

static int down(void **state) {
  place *const p = *state;
  test_folder_remove(p->folder);
  free(p);
  unsetenv("XDG_CONFIG_HOME");
  return 0;
}

static void put(const place *p, const char *bytes, size_t size, mode_t mode) {
  unlink(p->path);
  FILE *const file = fopen(p->path, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  fclose(file);
  chmod(p->path, mode);
}

static enum fr_status find(place *p) {
  memset(p->key, 0, sizeof p->key);
  memset(&p->err, 0, sizeof p->err);
  return fr__key_find(VARIABLE, "test", p->key, &p->err);
}

static void assert_says(const place *p, const char *text) {
  if (strstr(p->err.text, text) == NULL)
    fail_msg("'%s' does not say '%s'", p->err.text, text);
  assert_null(strstr(p->err.text, "SECRET"));
}

static void the_environment_comes_first(void **state) {
  place *const p = *state;
  put(p, "SECRET-of-file", 14, 0600);
  setenv(VARIABLE, "SECRET-given", 1);
  assert_int_equal(find(p), FR_OK);
  assert_string_equal(p->key, "SECRET-given");
  setenv(VARIABLE, "", 1);
  assert_int_equal(find(p), FR_OK);
  assert_string_equal(p->key, "SECRET-of-file");
  unsetenv(VARIABLE);
}

static void a_line_ending_is_no_part_of_it(void **state) {
  place *const p = *state;
  put(p, "SECRET\n", 7, 0600);
  assert_int_equal(find(p), FR_OK);
  assert_string_equal(p->key, "SECRET");
  put(p, "SECRET\r\n", 8, 0400);
  assert_int_equal(find(p), FR_OK);
  assert_string_equal(p->key, "SECRET");
}

static void both_places_are_named(void **state) {
  place *const p = *state;
  assert_int_equal(find(p), FR_ERR_NOT_FOUND);
  assert_says(p, VARIABLE);
  assert_says(p, p->path);
}

static void a_file_that_others_can_read_is_refused(void **state) {
  static const mode_t modes[] = {0640, 0604, 0660, 0602, 0610, 0644, 0777};
  place *const p = *state;
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    put(p, "SECRET", 6, modes[i]);
    assert_int_equal(find(p), FR_ERR_PERMISSION);
    assert_says(p, "chmod 600");
  }
}

static void a_link_is_followed(void **state) {
  place *const p = *state;
  char target[600];
  put(p, "SECRET", 6, 0600);
  snprintf(target, sizeof target, "%s/elsewhere", p->folder);
  assert_int_equal(rename(p->path, target), 0);
  assert_int_equal(symlink(target, p->path), 0);
  assert_int_equal(find(p), FR_OK);
  assert_string_equal(p->key, "SECRET");
  chmod(target, 0644);
  assert_int_equal(find(p), FR_ERR_PERMISSION);
}

static void what_is_no_file_is_refused_at_once(void **state) {
  place *const p = *state;
  assert_int_equal(mkfifo(p->path, 0600), 0);
  assert_int_equal(find(p), FR_ERR_ARGUMENT); /* and does not wait for a writer */
  unlink(p->path);
  mkdir(p->path, 0700);
  assert_int_equal(find(p), FR_ERR_ARGUMENT);
  rmdir(p->path);
  assert_int_equal(symlink("/dev/zero", p->path), 0);
  assert_true(find(p) != FR_OK);
}

static void what_could_not_stand_in_a_header_is_refused(void **state) {
  static const struct {
    const char *bytes;
    size_t size;
  } bad[] = {{"", 0},
             {"\n", 1},
             {"SECRET\r\nHost: evil", 18},
             {"SECRET\nSECRET\n", 14},
             {"SECRET\0SECRET", 13},
             {"SECRET\x7f", 7},
             {"SECRET\xc3\xa9", 8},
             {"\x1b[31mSECRET", 11}};
  place *const p = *state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    put(p, bad[i].bytes, bad[i].size, 0600);
    assert_int_equal(find(p), FR_ERR_FORMAT);
    assert_says(p, "one line of printable characters");
  }
  setenv(VARIABLE, "SECRET\r\nHost: evil", 1);
  assert_int_equal(find(p), FR_ERR_FORMAT);
  assert_says(p, VARIABLE);
  unsetenv(VARIABLE);
}

static void a_key_has_a_ceiling(void **state) {
  place *const p = *state;
  char text[5000];
  memset(text, 'S', sizeof text);
  put(p, text, FR__KEY_SIZE - 1, 0600);
  assert_int_equal(find(p), FR_OK);
  assert_int_equal(strlen(p->key), FR__KEY_SIZE - 1);
  put(p, text, FR__KEY_SIZE, 0600);
  assert_int_equal(find(p), FR_ERR_LIMIT);
  put(p, text, sizeof text, 0600);
  assert_int_equal(find(p), FR_ERR_LIMIT);
}

static void a_key_is_masked_in_what_servers_say(void **state) {
  char out[64];
  (void)state;
  fr__key_mask("no key 'abcdefghijkl' here", "abcdefghijkl", out, sizeof out);
  assert_string_equal(out, "no key '************' here");
  fr__key_mask("begins with abcdefghi...", "abcdefghijkl", out, sizeof out);
  assert_string_equal(out, "begins with *********...");
  fr__key_mask("abc is short: abc", "abc", out, sizeof out);
  assert_string_equal(out, "*** is short: ***");
  fr__key_mask("nothing\r\n\x1b[31m here", "", out, sizeof out);
  assert_string_equal(out, "nothing[31m here");
  fr__key_mask("cut off", "", out, 4);
  assert_string_equal(out, "cut");
}

#define PLACE(test) cmocka_unit_test_setup_teardown(test, up, down)

int main(void) {
  const struct CMUnitTest tests[] = {
      PLACE(the_environment_comes_first),
      PLACE(a_line_ending_is_no_part_of_it),
      PLACE(both_places_are_named),
      PLACE(a_file_that_others_can_read_is_refused),
      PLACE(a_link_is_followed),
      PLACE(what_is_no_file_is_refused_at_once),
      PLACE(what_could_not_stand_in_a_header_is_refused),
      PLACE(a_key_has_a_ceiling),
      PLACE(a_key_is_masked_in_what_servers_say),
  };
  return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
