/**
 * @file
 * Reading and writing big-endian numbers, byte by byte. Private to the suite.
 */
#ifndef DVBCSS_COMMON_BYTES_H
#define DVBCSS_COMMON_BYTES_H

#include <stdint.h>

static inline uint32_t get_be32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
           (uint32_t)bytes[3];
}

static inline void put_be32(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)(value >> 24);
    bytes[1] = (uint8_t)(value >> 16);
    bytes[2] = (uint8_t)(value >> 8);
    bytes[3] = (uint8_t)value;
}

#endif
