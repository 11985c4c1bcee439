/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TFRecord framing (TensorFlow, core/lib/io/record_writer.h): length u64, masked CRC-32C
 * of the length u32, data, masked CRC-32C of the data u32; all little-endian.
 */
#include "events/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "events/crc32c.h"

enum { HEAD = 12, TAIL = 4, FIRST_CAPACITY = 4096, ATTEMPTS = 10000, HOST = 65 };

/* Such that the checksum of data that hold a checksum is no special value (the same
 * source). */
static uint32_t masked(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u; }

static void put_u32(unsigned char *p, uint32_t x) {
  for (size_t i = 0; i < 4; i++)
    p[i] = (unsigned char)(x >> (8 * i));
}

static void put_u64(unsigned char *p, uint64_t x) {
  put_u32(p, (uint32_t)x);
  put_u32(p + 4, (uint32_t)(x >> 32));
}

/* The host's name, without what has a meaning in a path. */
static void host_name(char host[HOST]) {
  if (gethostname(host, HOST) != 0 || host[0] == '\0')
    memcpy(host, "localhost", sizeof "localhost");
  host[HOST - 1] = '\0';
  for (char *p = host; *p != '\0'; p++)
    if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_", *p) ==
        NULL)
      *p = '-';
}

/* -1 and errno's number where it cannot be made; EEXIST where it is there. */
static int open_new(const char *folder, int64_t utc_ns, unsigned number, char **path) {
  char host[HOST];
  host_name(host);
  const bool slash = folder[0] != '\0' && folder[strlen(folder) - 1] != '/';
  fr__buf name;
  fr__buf_init(&name, 0);
  fr__buf_printf(&name, "%s%sevents.out.tfevents.%010lld.%s.%ld.%u.v2", folder,
                 slash ? "/" : "", (long long)(utc_ns / 1000000000), host, (long)getpid(),
                 number);
  *path = fr__buf_detach(&name);
  if (*path == NULL) {
    errno = ENOMEM;
    return -1;
  }
  return open(*path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

enum fr_status fr__record_init(fr__record *record, const char *folder, int64_t utc_ns,
                               fr_error *err) {
  *record = (fr__record){.fd = -1};
  if (fr__record_room(record, FIRST_CAPACITY, err) == NULL)
    return FR_ERR_MEMORY;
  for (unsigned number = 0; record->fd < 0 && number < ATTEMPTS; number++) {
    char *path = NULL;
    record->fd = open_new(folder, utc_ns, number, &path);
    const int why = errno;
    if (record->fd >= 0) {
      record->path = path;
      return FR_OK;
    }
    free(path);
    if (why != EEXIST) {
      fr__record_release(record);
      return fr__fail_errno(err, why, "no event file can be made in '%s'", folder);
    }
  }
  fr__record_release(record);
  return fr__fail(err, FR_ERR_LIMIT, "'%s' is full of event files of this second",
                  folder);
}

void fr__record_release(fr__record *record) {
  if (record->fd >= 0)
    close(record->fd);
  free(record->path);
  free(record->frame);
  *record = (fr__record){.fd = -1};
}

unsigned char *fr__record_room(fr__record *record, size_t size, fr_error *err) {
  if (size > FR__RECORD_CEILING) {
    fr__fail(err, FR_ERR_LIMIT, "a record of %zu bytes is larger than %zu", size,
             FR__RECORD_CEILING);
    return NULL;
  }
  if (record->frame == NULL || size > record->capacity) {
    unsigned char *frame = realloc(record->frame, HEAD + size + TAIL);
    if (frame == NULL) {
      fr__fail_memory(err, "a record");
      return NULL;
    }
    record->frame = frame;
    record->capacity = size;
  }
  return record->frame + HEAD;
}

/* 0, else errno's number. */
static int cut_to_end(fr__record *record) {
  int done = ftruncate(record->fd, record->end);
  while (done != 0 && errno == EINTR)
    done = ftruncate(record->fd, record->end);
  record->torn = done != 0;
  return done != 0 ? errno : 0;
}

static int write_at_end(const fr__record *record, size_t size) {
  /* One call unless a signal or the disk cuts it. */
  for (size_t done = 0; done < size;) {
    const ssize_t more =
        pwrite(record->fd, record->frame + done, size - done, record->end + (off_t)done);
    if (more < 0 && errno == EINTR)
      continue;
    if (more <= 0)
      return more < 0 ? errno : ENOSPC;
    done += (size_t)more;
  }
  return 0;
}

enum fr_status fr__record_write(fr__record *record, size_t size, fr_error *err) {
  unsigned char *const frame = record->frame;
  put_u64(frame, size);
  put_u32(frame + 8, masked(fr__crc32c(frame, 8)));
  put_u32(frame + HEAD + size, masked(fr__crc32c(frame + HEAD, size)));
  const size_t whole = HEAD + size + TAIL;
  int number = record->torn ? cut_to_end(record) : 0;
  if (number == 0) {
    number = write_at_end(record, whole);
    if (number != 0)
      (void)cut_to_end(record); /* else tried again before the next record */
  }
  if (number != 0)
    return fr__fail_errno(err, number, "'%s' cannot be written", record->path);
  record->end += (off_t)whole;
  return FR_OK;
}
