/* SPDX-License-Identifier: MIT */
/*
 * crc32c.h - the checksum of ledger records (Castagnoli polynomial)
 */
#ifndef LEDGER_CRC32C_H
#define LEDGER_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/** crc32c() - go on from @crc (0 at first) over @len bytes */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

/** crc32c_soft() - the same without the CPU's instruction (tests) */
uint32_t crc32c_soft(uint32_t crc, const void *data, size_t len);

#endif
