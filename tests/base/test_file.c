/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static void reads_what_it_wrote(void **state) {
  (void)state;
  char *folder = test_folder_make();
  char *path = fr__path_join(folder, "x");
  ASSERT_OK(fr__file_write(path, "one", 3, err));
  ASSERT_OK(fr__file_write(path, "three", 5, err));
  char *bytes = NULL;
  size_t size = 0;
  ASSERT_OK(fr__file_read(path, 5, &bytes, &size, err));
  assert_int_equal(size, 5);
  assert_string_equal(bytes, "three");
  free(bytes);
  bytes = NULL;
  fr_error err = {0};
  assert_int_equal(fr__file_read(path, 4, &bytes, &size, &err), FR_ERR_LIMIT);
  assert_null(bytes);
  free(path);
  test_folder_remove(folder);
}

static void a_failed_write_leaves_the_old_file_and_nothing_else(void **state) {
  (void)state;
  char *folder = test_folder_make();
  char *path = fr__path_join(folder, "directory");
  ASSERT_OK(fr__dir_make(path, err));
  fr_error err = {0};
  assert_int_not_equal(fr__file_write(path, "x", 1, &err),
                       FR_OK); /* rename onto a folder */
  assert_non_null(strstr(err.text, "directory"));
  char command[700];
  snprintf(command, sizeof command, "test $(ls -A '%s' | wc -l) = 1", folder);
  assert_int_equal(system(command), 0);
  free(path);
  test_folder_remove(folder);
}

static void a_missing_file_is_named(void **state) {
  (void)state;
  char *bytes = NULL;
  size_t size = 0;
  fr_error err = {0};
  assert_int_equal(fr__file_read("/nowhere/at/all", 10, &bytes, &size, &err),
                   FR_ERR_NOT_FOUND);
  assert_string_equal(err.text,
                      "'/nowhere/at/all' cannot be opened: No such file or directory");
}

static void makes_missing_parents(void **state) {
  (void)state;
  char *folder = test_folder_make();
  char *deep = fr__path_join(folder, "a/b//c/");
  ASSERT_OK(fr__dir_make(deep, err));
  ASSERT_OK(fr__dir_make(deep, err));
  struct stat info;
  assert_int_equal(stat(deep, &info), 0);
  char *file = fr__path_join(folder, "f");
  ASSERT_OK(fr__file_write(file, "", 0, err));
  char *below = fr__path_join(file, "g");
  fr_error err = {0};
  assert_int_not_equal(fr__dir_make(below, &err), FR_OK);
  assert_string_equal(fr__path_name(below), "g");
  free(below);
  free(file);
  free(deep);
  test_folder_remove(folder);
}

static void a_users_folder_ignores_a_relative_variable(void **state) {
  (void)state;
  setenv("HOME", "/home/x", 1);
  setenv("XDG_DATA_HOME", "relative", 1);
  char *path = fr__path_user("XDG_DATA_HOME", ".local/share");
  assert_string_equal(path, "/home/x/.local/share/frugal");
  free(path);
  setenv("XDG_DATA_HOME", "/data", 1);
  path = fr__path_user("XDG_DATA_HOME", ".local/share");
  assert_string_equal(path, "/data/frugal");
  free(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_what_it_wrote),
      cmocka_unit_test(a_failed_write_leaves_the_old_file_and_nothing_else),
      cmocka_unit_test(a_missing_file_is_named),
      cmocka_unit_test(makes_missing_parents),
      cmocka_unit_test(a_users_folder_ignores_a_relative_variable),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
