/**
 * @file
 * The Range header of HTTP (RFC 9110, 14.1.2), for one range of bytes.
 */
#ifndef DVBCSSD_PAGES_RANGE_H
#define DVBCSSD_PAGES_RANGE_H

#include <stdint.h>

enum pages_range_kind {
    /** No range, several, or not understood: the whole is meant. */
    PAGES_RANGE_WHOLE,
    PAGES_RANGE_PART,
    /** Nothing of it is there: 416. */
    PAGES_RANGE_OUTSIDE,
};

/** Bytes from first to last, both included. */
struct pages_range {
    uint64_t first;
    uint64_t last;
};

/**
 * Reads the header's value.
 *
 * @param text  as "bytes=0-", "bytes=100-199", "bytes=-500"
 * @param size  bytes that there are
 * @param range filled for #PAGES_RANGE_PART, within the size
 */
enum pages_range_kind pages_range_read(const char *text, uint64_t size, struct pages_range *range);

#endif
