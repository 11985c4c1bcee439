/* SPDX-License-Identifier: Apache-2.0 */
#include "events/crc32c.h"

/* The remainder of each half byte under the reflected polynomial 0x82F63B78. Sixteen
 * words stay in the first cache line; records have some hundred bytes. */
static const uint32_t remainder_of[16] = {0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1,
                                          0x417B1DBC, 0x5125DAD3, 0x61C69362, 0x7198540D,
                                          0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9,
                                          0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75};

uint32_t fr__crc32c(const void *bytes, size_t count) {
  const unsigned char *p = bytes;
  uint32_t crc = 0xFFFFFFFF;
  for (size_t i = 0; i < count; i++) {
    crc ^= p[i];
    crc = (crc >> 4) ^ remainder_of[crc & 15];
    crc = (crc >> 4) ^ remainder_of[crc & 15];
  }
  return ~crc;
}
