/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an event file with nothing of the room but its messages: the checksum is computed
 * from its definition, a bit at a time. */
#ifndef FR_TESTS_EVENTS_READER_H
#define FR_TESTS_EVENTS_READER_H

#include "../test.h"

#include "base/file.h"
#include "events/event.pb-c.h"

typedef struct reader {
  unsigned char *bytes;
  size_t size;
  size_t records;
  size_t at[64]; /* where each record begins; at[records] is the end */
} reader;

static inline uint32_t reader_crc(const unsigned char *p, size_t count) {
  uint32_t crc = 0xFFFFFFFF;
  for (size_t i = 0; i < 8 * count; i++) {
    const uint32_t bit = (crc ^ ((uint32_t)p[i / 8] >> (i % 8))) & 1;
    crc = (crc >> 1) ^ (bit != 0 ? 0x82F63B78u : 0);
  }
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
}

static inline uint32_t reader_u32(const unsigned char *p) {
  return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Fails the test unless the file is whole records and nothing else. */
static inline void reader_init(reader *r, const char *path) {
  char *bytes = NULL;
  *r = (reader){0};
  ASSERT_OK(fr__file_read(path, (size_t)8 << 20, &bytes, &r->size, err));
  r->bytes = (unsigned char *)bytes;
  for (size_t at = 0; at < r->size;) {
    const unsigned char *p = r->bytes + at;
    assert_true(r->size - at >= 16 && r->records < 63);
    const size_t length = reader_u32(p);
    assert_int_equal(reader_u32(p + 4), 0);
    assert_int_equal(reader_u32(p + 8), reader_crc(p, 8));
    assert_true(length <= r->size - at - 16);
    assert_int_equal(reader_u32(p + 12 + length), reader_crc(p + 12, length));
    at += 16 + length;
    r->at[++r->records] = at;
  }
}

static inline void reader_release(reader *r) { free(r->bytes); }

/* The caller's (fr__events__event__free_unpacked). */
static inline Fr__Events__Event *reader_event(const reader *r, size_t record) {
  assert_true(record < r->records);
  Fr__Events__Event *event = fr__events__event__unpack(
      NULL, r->at[record + 1] - r->at[record] - 16, r->bytes + r->at[record] + 12);
  assert_non_null(event);
  return event;
}

#endif
