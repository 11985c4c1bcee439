/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include <fcntl.h>
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

static void a_link_stays_and_its_target_is_written(void **state) {
  (void)state;
  char *folder = test_folder_make();
  char *target = fr__path_join(folder, "target"), *link = fr__path_join(folder, "link");
  ASSERT_OK(fr__file_write(target, "old", 3, err));
  assert_int_equal(symlink("target", link), 0);
  ASSERT_OK(fr__file_write(link, "new", 3, err));
  struct stat info;
  assert_int_equal(lstat(link, &info), 0);
  assert_true(S_ISLNK(info.st_mode));
  char *bytes = NULL;
  size_t size = 0;
  ASSERT_OK(fr__file_read(target, 10, &bytes, &size, err));
  assert_string_equal(bytes, "new");
  free(bytes);
  free(target);
  free(link);
  test_folder_remove(folder);
}

static void a_pipe_is_written_to_and_not_replaced(void **state) {
  (void)state;
  char *folder = test_folder_make();
  char *path = fr__path_join(folder, "pipe");
  assert_int_equal(mkfifo(path, 0600), 0);
  const int reader = open(path, O_RDONLY | O_NONBLOCK);
  assert_true(reader >= 0);
  ASSERT_OK(fr__file_write(path, "hello", 5, err));
  char text[8] = "";
  assert_int_equal(read(reader, text, sizeof text), 5);
  assert_string_equal(text, "hello");
  struct stat info;
  assert_int_equal(lstat(path, &info), 0);
  assert_true(S_ISFIFO(info.st_mode));
  close(reader);
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
      cmocka_unit_test(a_link_stays_and_its_target_is_written),
      cmocka_unit_test(a_pipe_is_written_to_and_not_replaced),
      cmocka_unit_test(a_missing_file_is_named),
      cmocka_unit_test(makes_missing_parents),
      cmocka_unit_test(a_users_folder_ignores_a_relative_variable),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
