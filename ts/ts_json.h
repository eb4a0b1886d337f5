/**
 * @file
 * What the readers and writers of CSS-TS messages share. Private to ts/.
 */
#ifndef DVBCSS_TS_JSON_H
#define DVBCSS_TS_JSON_H

#include <stddef.h>

#include "common/json_get.h"

/** What a member may be, in strict and in tolerant mode (indexed by enum dvbcss_mode). */
struct ts_rule {
    const char *key;
    enum jget_need need[2];
};

/** Room for what ts_format_number() writes. */
enum { TS_NUMBER_SIZE = 32 };

/** Writes a finite number as the shortest JSON number that reads back the same; whatever the
 * locale. */
void ts_format_number(char out[TS_NUMBER_SIZE], double value);

/** Ends an encoder: copies the text of @p length bytes to the caller's buffer if it fits there with
 * its zero byte. Returns 0 or DVBCSS_ENOSPC; sets *out_length in both cases. */
int ts_hand_out(const char *text, size_t length, char *buffer, size_t size, size_t *out_length);

/** Reads a message that was parsed; on failure fills the report and leaves *out alone. */
typedef int (*ts_reader)(const struct jget_place *top, void *out);

/** Parses a message and has it read; returns what a decoder returns. */
int ts_decode(const char *text, size_t length, enum dvbcss_mode mode, ts_reader read, void *out,
              struct dvbcss_report *report);

/** Reads setup-data; @p out is a struct dvbcss_ts_setup. */
int ts_setup_read(const struct jget_place *top, void *out);

/** Reads presentation timestamps; @p out is a struct dvbcss_ts_presentation. */
int ts_presentation_read(const struct jget_place *top, void *out);

#endif
