/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FR_EVENTS_CRC32C_H
#define FR_EVENTS_CRC32C_H

#include "frugal/base.h"

/* CRC-32C (Castagnoli; RFC 3720, appendix B.4): of "123456789" it is 0xE3069283. */
uint32_t fr__crc32c(const void *bytes, size_t count);

#endif
