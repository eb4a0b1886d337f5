/**
 * @file
 * CSS-TS messages: setup-data, control timestamp, and actual, earliest and latest presentation
 * timestamps; timeline selectors; and the arithmetic of the lines that they describe.
 *
 * TS 103 286-2 clauses 5.3 (timelines and selectors), 5.7.3 to 5.7.5 (messages) and 9 (protocol).
 *
 * Times are decimal strings of any length on the wire and int64 here: 2^63 ticks of a 90 kHz
 * timeline are 3 million years. What does not fit is refused with DVBCSS_ETOOBIG in both modes.
 *
 * Everything here is pure and may be called from any thread.
 */
#ifndef DVBCSS_TS_H
#define DVBCSS_TS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/presence.h"
#include "dvbcss/time.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- messages ------------------------------------------------------------------------------- */
/*
 * Decoders: text need not end with a zero byte; unknown members are ignored; of a member that is
 * there twice the last counts. They return
 *   0, or DVBCSS_EJSON (not JSON, invalid UTF-8), DVBCSS_ETYPE, DVBCSS_EMISSING, DVBCSS_EVALUE,
 *   DVBCSS_ETOOBIG, DVBCSS_ENOMEM
 * and on failure leave *out alone and fill the report (which may be NULL).
 *
 * What DVBCSS_TOLERANT lets pass beyond the standard is listed at each message. For all of them:
 * a time may be a JSON number, and may have a fraction or an exponent (5, "5", 5.25, "5e0"): it is
 * rounded to the nearest tick or ns, and beyond 2^53 what a double cannot hold is lost; the speed
 * may be a string that holds a number.
 *
 * Encoders: write compact JSON with the members in the order of the standard's text, and a zero
 * byte behind it. They return
 *   0, or DVBCSS_ENOSPC (*length then tells the bytes of the text, without the zero byte: one
 *   more is needed), DVBCSS_EINVAL (what no message can carry), DVBCSS_ENOMEM
 * and leave @p buffer alone on failure. @p buffer may be NULL if @p size is 0.
 */

/** What a companion asks for, once it is connected (clause 5.7.3). */
struct dvbcss_ts_setup {
    /** The timeline is wanted for content whose id begins with this; "" for any. */
    const char *content_id_stem;
    /** Which timeline. */
    const char *timeline_selector;
    /** The private data as JSON text, an array of objects that each have a string member "type";
     * NULL if there is none. The values are kept as they were sent, white space is not. */
    const char *private_data;
};

#define DVBCSS_TS_SETUP_INIT                                                                       \
    {                                                                                              \
        NULL, NULL, NULL                                                                           \
    }

/**
 * Reads setup-data.
 *
 * Tolerant: a missing or null contentIdStem is "" (companions in the field leave it out); private
 * may be null (there is none) or any other JSON value (kept).
 *
 * @param out what it held before is not freed; the caller ends it with dvbcss_ts_setup_clear()
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_ts_setup_decode(const char *text, size_t length,
                                                       enum dvbcss_mode mode,
                                                       struct dvbcss_ts_setup *out,
                                                       struct dvbcss_report *report);

/**
 * Writes setup-data.
 *
 * @return also DVBCSS_EINVAL for a stem or selector that is NULL or not UTF-8, and for private data
 *         that is not an array of objects with a "type"
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_ts_setup_encode(const struct dvbcss_ts_setup *setup,
                                                       char *buffer, size_t size, size_t *length);

/** Frees what decoding or copying put into @p setup, and empties it; NULL is fine. */
DVBCSS_API void dvbcss_ts_setup_clear(struct dvbcss_ts_setup *setup);

/** Where a timeline is: a point on its line against the wall clock (clause 5.7.5). */
struct dvbcss_ts_control_timestamp {
    /** Whether the timeline is there; if not, only the wall clock time has a meaning. */
    bool available;
    /** A time of the timeline, in its ticks; 0 if it is not available. */
    int64_t content_time_ticks;
    /** The time of the wall clock, in ns, that belongs to it. */
    int64_t wall_clock_time_ns;
    /** How fast the timeline runs: 1 normal, 0 paused, negative in reverse. Finite; 0 if it is not
     * available. */
    double speed;
};

/** Room enough for any control timestamp, with its zero byte. */
#define DVBCSS_TS_CONTROL_TIMESTAMP_SIZE 160

/**
 * Reads a control timestamp.
 *
 * Tolerant: contentTime, timelineSpeedMultiplier or both may be null or missing, and each of these
 * means "not available"; wallClockTime may then be missing, too, and counts as 0.
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_ts_control_timestamp_decode(const char *text, size_t length, enum dvbcss_mode mode,
                                   struct dvbcss_ts_control_timestamp *out,
                                   struct dvbcss_report *report);

/** Writes a control timestamp; the speed as the shortest number that reads back the same. Does not
 * allocate. DVBCSS_EINVAL for a speed that is not finite. */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_ts_control_timestamp_encode(const struct dvbcss_ts_control_timestamp *timestamp,
                                   char *buffer, size_t size, size_t *length);

/** Tells whether two control timestamps say the same in the same words. */
DVBCSS_API bool dvbcss_ts_control_timestamp_equal(const struct dvbcss_ts_control_timestamp *a,
                                                  const struct dvbcss_ts_control_timestamp *b);

/** When something can be presented. */
enum dvbcss_ts_when {
    /** At a time of the wall clock. */
    DVBCSS_TS_AT = 0,
    /** As early as one likes; for "earliest" only. */
    DVBCSS_TS_MINUS_INFINITY,
    /** As late as one likes; for "latest" only. */
    DVBCSS_TS_PLUS_INFINITY,
};

/** One presentation timestamp. */
struct dvbcss_ts_point {
    /** A time of the timeline, in its ticks. */
    int64_t content_time_ticks;
    enum dvbcss_ts_when when;
    /** The time of the wall clock, in ns; 0 unless @c when is DVBCSS_TS_AT. */
    int64_t wall_clock_time_ns;
};

/** What a companion can do, and does: its actual, earliest and latest presentation timestamps
 * (clause 5.7.4). */
struct dvbcss_ts_presentation {
    bool has_actual;
    struct dvbcss_ts_point actual;
    struct dvbcss_ts_point earliest;
    struct dvbcss_ts_point latest;
};

/** Says "any time": earliest minus infinity, latest plus infinity, actual omitted. */
#define DVBCSS_TS_PRESENTATION_INIT                                                                \
    {                                                                                              \
        false, {0, DVBCSS_TS_AT, 0}, {0, DVBCSS_TS_MINUS_INFINITY, 0},                             \
        {                                                                                          \
            0, DVBCSS_TS_PLUS_INFINITY, 0                                                          \
        }                                                                                          \
    }

/** Room enough for any presentation timestamps, with their zero byte. */
#define DVBCSS_TS_PRESENTATION_SIZE 320

/**
 * Reads presentation timestamps.
 *
 * Tolerant: actual may be null (there is none); "-Infinity" is minusinfinity, and "Infinity" and
 * "+Infinity" are plusinfinity, where those are allowed.
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_ts_presentation_decode(const char *text, size_t length,
                                                              enum dvbcss_mode mode,
                                                              struct dvbcss_ts_presentation *out,
                                                              struct dvbcss_report *report);

/** Writes presentation timestamps. Does not allocate. DVBCSS_EINVAL for an infinity where it is
 * not allowed. */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_ts_presentation_encode(const struct dvbcss_ts_presentation *presentation, char *buffer,
                              size_t size, size_t *length);

/** Tells whether two say the same. */
DVBCSS_API bool dvbcss_ts_presentation_equal(const struct dvbcss_ts_presentation *a,
                                             const struct dvbcss_ts_presentation *b);

/** What a companion may send. */
enum dvbcss_ts_request_kind {
    DVBCSS_TS_REQUEST_SETUP,
    DVBCSS_TS_REQUEST_PRESENTATION,
};

/** A message of a companion. */
struct dvbcss_ts_request {
    enum dvbcss_ts_request_kind kind;
    union {
        struct dvbcss_ts_setup setup;
        struct dvbcss_ts_presentation presentation;
    } as;
};

/**
 * Reads a message of a companion without knowing which it is: with a member "timelineSelector" or
 * "contentIdStem" it is setup-data, otherwise it has to be presentation timestamps.
 *
 * @param out the caller ends it with dvbcss_ts_request_clear()
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_ts_request_decode(const char *text, size_t length,
                                                         enum dvbcss_mode mode,
                                                         struct dvbcss_ts_request *out,
                                                         struct dvbcss_report *report);

/** Frees what decoding put into @p request; NULL is fine. */
DVBCSS_API void dvbcss_ts_request_clear(struct dvbcss_ts_request *request);

/* ---- timeline selectors --------------------------------------------------------------------- */

/** The kinds of timeline that a selector may name (clause 5.3.3, table 5.3.3.1). */
enum dvbcss_ts_selector_kind {
    /** Any other text; private selectors, and those of the standard with an impossible number. */
    DVBCSS_TS_SELECTOR_FREE = 0,
    /** Presentation time stamps of an MPEG-2 transport stream: 90 kHz, 33 bits. */
    DVBCSS_TS_SELECTOR_PTS,
    /** A TEMI timeline in a component of a transport stream. */
    DVBCSS_TS_SELECTOR_TEMI,
    /** Composition time of an ISO base media file. */
    DVBCSS_TS_SELECTOR_CT,
    /** Time since the start of a DASH period. */
    DVBCSS_TS_SELECTOR_MPD,
};

#define DVBCSS_TS_SELECTOR_PTS_TEXT "urn:dvb:css:timeline:pts"
#define DVBCSS_TS_SELECTOR_CT_TEXT "urn:dvb:css:timeline:ct"
#define DVBCSS_TS_SELECTOR_TEMI_PREFIX "urn:dvb:css:timeline:temi:"
#define DVBCSS_TS_SELECTOR_MPD_PREFIX "urn:dvb:css:timeline:mpd:period:rel:"

/** A selector taken apart. */
struct dvbcss_ts_selector {
    enum dvbcss_ts_selector_kind kind;
    /** TEMI: the component that carries it. */
    uint8_t component_tag;
    /** TEMI: which of its timelines. */
    uint8_t timeline_id;
    /** MPD: the tick rate, at least 1. */
    uint32_t ticks_per_second;
    /** MPD: the period's \@id, not empty; NULL for the first period. Not owned. */
    const char *period_id;
    /** FREE: the text. Not owned. */
    const char *text;
};

/**
 * Takes a selector apart. Only what dvbcss_ts_selector_format() would write the same way is more
 * than FREE: numbers are plain decimals without leading zeros, and tags and ids go up to 255.
 *
 * @param text the result points into it
 */
DVBCSS_API struct dvbcss_ts_selector dvbcss_ts_selector_parse(const char *text);

/** Writes a selector; returns as the encoders do. DVBCSS_EINVAL for a free one without text or an
 * MPD one with rate 0 or an empty period id. */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_ts_selector_format(const struct dvbcss_ts_selector *selector,
                                                          char *buffer, size_t size,
                                                          size_t *length);

/** Tells whether two selectors name the same timeline. */
DVBCSS_API bool dvbcss_ts_selector_equal(const struct dvbcss_ts_selector *a,
                                         const struct dvbcss_ts_selector *b);

/** The tick rate that a selector implies: 90 kHz for PTS, the one it names for MPD; for the others
 * the media tell it, and the answer is {0, 0}. */
DVBCSS_API struct dvbcss_rate dvbcss_ts_selector_rate(const struct dvbcss_ts_selector *selector);

/**
 * Tells whether a content id begins with a stem, byte by byte (clause 5.2.2).
 *
 * @param content_id NULL if there is none: nothing matches then
 * @param stem       "" matches every content id
 */
DVBCSS_API bool dvbcss_ts_stem_matches(const char *content_id, const char *stem);

/* ---- lines ---------------------------------------------------------------------------------- */

/**
 * A timeline as it runs now: the line through one point,
 * content(w) = content + (w - wall_ns) * speed * rate / 1e9.
 */
struct dvbcss_ts_line {
    /** Time of the timeline at the point, in its ticks. */
    struct dvbcss_ticks content;
    /** Time of the wall clock at the point, in ns. */
    int64_t wall_ns;
    /** Ticks of the timeline per second; {0, 0} if unknown: the point then cannot be moved while
     * the timeline runs. */
    struct dvbcss_rate rate;
    /** Finite; 0 paused. */
    double speed;
};

/** Makes the line that an available control timestamp describes. */
DVBCSS_API struct dvbcss_ts_line
dvbcss_ts_line_of(const struct dvbcss_ts_control_timestamp *timestamp, struct dvbcss_rate rate);

/**
 * Tells the time of the timeline at a time of the wall clock.
 *
 * @return 0, DVBCSS_EINVAL (rate unknown and not paused, speed not finite), DVBCSS_ERANGE
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_ts_line_at(const struct dvbcss_ts_line *line,
                                                  int64_t wall_ns, struct dvbcss_ticks *out);

/**
 * Makes a control timestamp of the line as fresh as can be: for the last whole tick at or before
 * @p now_ns, so that nothing is rounded but the wall clock time, to a nanosecond, however coarse
 * the ticks are. Where a tick takes more than a second (slow motion) the wall clock time is
 * @p now_ns and the content time is rounded; where the rate is unknown the line's own point is
 * taken.
 *
 * @param now_ns time of the wall clock
 * @return 0, DVBCSS_EINVAL for a speed that is not finite, DVBCSS_ERANGE
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_ts_line_stamp(const struct dvbcss_ts_line *line,
                                                     int64_t now_ns,
                                                     struct dvbcss_ts_control_timestamp *out);

/**
 * How far apart two lines are, in seconds of the wall clock where the second one has its point
 * (in seconds of the timeline if both are paused): INFINITY if their speeds or rates differ, or
 * if they are different and the rate is unknown.
 */
DVBCSS_API double dvbcss_ts_line_change_s(const struct dvbcss_ts_line *a,
                                          const struct dvbcss_ts_line *b);

/* ---- PTS ------------------------------------------------------------------------------------ */

/** The number of values of a 33-bit PTS: it wraps every 26 h 30 min 43.7 s. */
#define DVBCSS_TS_PTS_SPAN (INT64_C(1) << 33)

/** Brings any count of 90 kHz ticks into the range of a PTS, 0 to 2^33 - 1. */
DVBCSS_API int64_t dvbcss_ts_pts_wrap(int64_t ticks);

/** The value nearest to @p reference that has the PTS @p pts: undoes the wrap for a companion that
 * knows roughly where it is. Stops at the ends of int64. */
DVBCSS_API int64_t dvbcss_ts_pts_unwrap(int64_t pts, int64_t reference);

/* ---- what several companions can do together ------------------------------------------------- */

/**
 * When several companions can all present one instant of a timeline: from the latest of their
 * earliest times to the earliest of their latest.
 */
struct dvbcss_ts_window {
    /** The instant: a time of the timeline, in its ticks. */
    int64_t content_time_ticks;
    /** Ticks per second, and the speed at which the timeline runs. */
    struct dvbcss_rate rate;
    double speed;
    /** From when, at content_time_ticks. */
    struct dvbcss_ts_point earliest;
    /** Until when, at content_time_ticks. */
    struct dvbcss_ts_point latest;
    /** How many companions have been taken in. */
    unsigned companions;
};

/**
 * Begins with "any time".
 *
 * @return 0, DVBCSS_EINVAL for a zero rate or a speed that is not finite
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_ts_window_init(struct dvbcss_ts_window *window,
                                                      int64_t content_time_ticks,
                                                      struct dvbcss_rate rate, double speed);

/**
 * Takes a companion in: narrows the window to what it can do, too. Each of its times is moved to
 * the window's instant: w = wall + (instant - content) * 1e9 / (rate * speed).
 *
 * @return 0, DVBCSS_ENOTMAPPABLE (paused, and its times are for another instant), DVBCSS_ERANGE;
 *         the window is as before then
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_ts_window_add(struct dvbcss_ts_window *window,
                     const struct dvbcss_ts_presentation *presentation);

/** Tells whether there is no time that suits all. */
DVBCSS_API bool dvbcss_ts_window_empty(const struct dvbcss_ts_window *window);

#ifdef __cplusplus
}
#endif

#endif
