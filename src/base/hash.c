/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <string.h>

#define P1 0x9E3779B185EBCA87u
#define P2 0xC2B2AE3D27D4EB4Fu
#define P3 0x165667B19E3779F9u
#define P4 0x85EBCA77C2B2AE63u
#define P5 0x27D4EB2F165667C5u

static uint64_t rotate(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

/* Little-endian whatever the machine is: the checksum travels in files. */
static uint64_t load(const unsigned char *p, size_t bytes) {
  uint64_t x = 0;
  for (size_t i = 0; i < bytes; i++)
    x |= (uint64_t)p[i] << (8 * i);
  return x;
}

static uint64_t round64(uint64_t lane, uint64_t input) {
  return rotate(lane + input * P2, 31) * P1;
}

void fr__hash_init(fr__hash *hash, uint64_t seed) {
  *hash = (fr__hash){.lane = {seed + P1 + P2, seed + P2, seed, seed - P1}};
}

static void stripe(fr__hash *hash, const unsigned char *p) {
  for (size_t i = 0; i < 4; i++)
    hash->lane[i] = round64(hash->lane[i], load(p + 8 * i, 8));
}

void fr__hash_add(fr__hash *hash, const void *bytes, size_t count) {
  const unsigned char *p = bytes;
  const size_t held = (size_t)(hash->length % 32);
  hash->length += count;
  if (held + count < 32) {
    if (count != 0)
      memcpy(hash->tail + held, p, count);
    return;
  }
  if (held != 0) {
    memcpy(hash->tail + held, p, 32 - held);
    stripe(hash, hash->tail);
    p += 32 - held;
    count -= 32 - held;
  }
  for (; count >= 32; p += 32, count -= 32)
    stripe(hash, p);
  if (count != 0)
    memcpy(hash->tail, p, count);
}

static uint64_t merge(uint64_t sum, uint64_t lane) {
  return (sum ^ round64(0, lane)) * P1 + P4;
}

uint64_t fr__hash_value(const fr__hash *hash) {
  const uint64_t *v = hash->lane;
  uint64_t sum = v[2] + P5; /* short input: lane 2 still is the seed */
  if (hash->length >= 32) {
    sum = rotate(v[0], 1) + rotate(v[1], 7) + rotate(v[2], 12) + rotate(v[3], 18);
    for (size_t i = 0; i < 4; i++)
      sum = merge(sum, v[i]);
  }
  sum += hash->length;
  const unsigned char *p = hash->tail;
  size_t left = (size_t)(hash->length % 32);
  for (; left >= 8; p += 8, left -= 8)
    sum = rotate(sum ^ round64(0, load(p, 8)), 27) * P1 + P4;
  if (left >= 4) {
    sum = rotate(sum ^ (load(p, 4) * P1), 23) * P2 + P3;
    p += 4;
    left -= 4;
  }
  for (; left > 0; p++, left--)
    sum = rotate(sum ^ (*p * P5), 11) * P1;
  sum = (sum ^ (sum >> 33)) * P2;
  sum = (sum ^ (sum >> 29)) * P3;
  return sum ^ (sum >> 32);
}

uint64_t fr__hash_bytes(const void *bytes, size_t count) {
  fr__hash hash;
  fr__hash_init(&hash, 0);
  fr__hash_add(&hash, bytes, count);
  return fr__hash_value(&hash);
}
