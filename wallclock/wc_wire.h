/**
 * @file
 * Where each field of a CSS-WC message lies. Private to the module.
 */
#ifndef DVBCSS_WALLCLOCK_WC_WIRE_H
#define DVBCSS_WALLCLOCK_WC_WIRE_H

#include <stdint.h>

#include "dvbcss/wc.h"

enum wc_offset {
    WC_OFFSET_VERSION = 0,
    WC_OFFSET_TYPE = 1,
    WC_OFFSET_PRECISION = 2,
    WC_OFFSET_RESERVED = 3,
    WC_OFFSET_MAX_FREQ_ERROR = 4,
    WC_OFFSET_ORIGINATE = 8,
    WC_OFFSET_RECEIVE = 16,
    WC_OFFSET_TRANSMIT = 24,
};

/** Writes the two words of a timevalue. */
void wc_put_time(uint8_t *bytes, struct dvbcss_wc_time time);

/** Writes the 32 bytes of a message, whose type must exist. */
void wc_put_message(uint8_t *out, const struct dvbcss_wc_message *message);

#endif
