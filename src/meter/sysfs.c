/* SPDX-License-Identifier: Apache-2.0 */
#include "meter/sysfs.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int read_line(int fd, char text[FR__SYSFS_TEXT]) {
  ssize_t got;
  do
    got = pread(fd, text, FR__SYSFS_TEXT - 1, 0);
  while (got < 0 && errno == EINTR);
  if (got < 0)
    return errno;
  text[got] = '\0';
  text[strcspn(text, "\n")] = '\0';
  return 0;
}

int fr__sysfs_text(const char *path, char text[FR__SYSFS_TEXT]) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return errno;
  const int failed = read_line(fd, text);
  close(fd);
  return failed;
}

int fr__sysfs_parse_u64(const char *text, uint64_t *out) {
  if (!isdigit((unsigned char)text[0]))
    return EINVAL;
  const bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
  char *end = NULL;
  errno = 0;
  const unsigned long long value = strtoull(text, &end, hexadecimal ? 16 : 10);
  if (errno != 0)
    return errno;
  if (*end != '\0')
    return EINVAL;
  *out = value;
  return 0;
}

int fr__sysfs_u64(const char *path, uint64_t *out) {
  char text[FR__SYSFS_TEXT];
  const int failed = fr__sysfs_text(path, text);
  return failed != 0 ? failed : fr__sysfs_parse_u64(text, out);
}

int fr__sysfs_u64_fd(int fd, uint64_t *out) {
  char text[FR__SYSFS_TEXT];
  const int failed = read_line(fd, text);
  return failed != 0 ? failed : fr__sysfs_parse_u64(text, out);
}
