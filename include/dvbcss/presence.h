/**
 * @file
 * Omitted, null and value: three different things in the JSON messages of DVB-CSS.
 */
#ifndef DVBCSS_PRESENCE_H
#define DVBCSS_PRESENCE_H

/** How a member stands in a JSON message. A zeroed message has every member omitted. */
enum dvbcss_presence {
    /** The member is absent: "unchanged since the last message". */
    DVBCSS_OMITTED = 0,
    /** The member is JSON null: "there is none". */
    DVBCSS_NULL,
    /** The member has a value. */
    DVBCSS_VALUE,
};

/** How strictly a decoder reads. Both modes use one table of rules per message. */
enum dvbcss_mode {
    /** What TS 103 286-2 says; for tests, tools and conformance. */
    DVBCSS_STRICT = 0,
    /** What devices in the field send, too: numbers for decimal strings, and so on. Each
     * tolerance is listed with the decoder. */
    DVBCSS_TOLERANT,
};

#endif
