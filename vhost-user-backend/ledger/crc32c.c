// SPDX-License-Identifier: MIT
/*
 * crc32c.c - the checksum of ledger records (Castagnoli polynomial)
 */
#include "ledger/crc32c.h"

#include <stdbool.h>
#include <string.h>

#define POLYNOMIAL	0x82f63b78	/* reflected */

uint32_t crc32c_soft(uint32_t crc, const void *data, size_t len)
{
	static uint32_t table[256];
	const uint8_t *p = data;

	if (!table[1]) {
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t v = i;

			for (int bit = 0; bit < 8; bit++)
				v = v & 1 ? v >> 1 ^ POLYNOMIAL : v >> 1;
			table[i] = v;
		}
	}
	crc = ~crc;
	while (len--)
		crc = crc >> 8 ^ table[(crc ^ *p++) & 0xff];
	return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2")))
static uint32_t crc32c_sse(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t v = ~crc;

	for (; len >= 8; p += 8, len -= 8) {
		uint64_t word;

		memcpy(&word, p, 8);
		v = __builtin_ia32_crc32di(v, word);
	}
	while (len--)
		v = __builtin_ia32_crc32qi((uint32_t)v, *p++);
	return ~(uint32_t)v;
}
#endif

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return crc32c_sse(crc, data, len);
#endif
	return crc32c_soft(crc, data, len);
}
