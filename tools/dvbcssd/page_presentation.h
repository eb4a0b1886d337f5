/**
 * @file
 * What a page presents: the sum of what it has said, kept so that a message that is wrong changes
 * nothing, and so that a page which comes back has it back. Pure.
 */
#ifndef DVBCSSD_PAGE_PRESENTATION_H
#define DVBCSSD_PAGE_PRESENTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "page_message.h"

/** A timeline of a page. */
struct page_timeline {
    char *selector;
    struct dvbcss_rate rate;
    /** Negative if not stated. */
    double accuracy_s;
    /** It is in the page's list; otherwise it is there because of its control timestamp. */
    bool listed;
    /** Where it is, by the wall clock; not available until the page has said so. */
    struct dvbcss_ts_control_timestamp timestamp;
};

/** Zeroed, a page has said nothing. */
struct page_presentation {
    /** Without its timelines. */
    struct dvbcss_cii cii;
    struct page_timeline *timelines;
    size_t timeline_count;
    /** Companions are not to be told of changes of CII. */
    bool block_cii;
};

/** When a message came. */
struct page_times {
    int64_t wall_ns;
    /** What is to be added to the page's wall clock times: 0 for PAGE_CLOCK_WALL. */
    int64_t page_to_wall_ns;
};

/**
 * Adds a message to what was said before.
 *
 * @param after   zeroed; the caller ends it with page_presentation_finish(), also on failure
 * @param mistake filled on failure
 * @return 0, or a dvbcss_error if the message is not possible as things stand
 */
DVBCSS_NODISCARD int page_presentation_add(const struct page_presentation *before,
                                           const struct page_message *message,
                                           const struct page_times *times,
                                           struct page_presentation *after,
                                           struct page_mistake *mistake);

/** Frees what it holds; a zeroed one is fine, and it is zeroed afterwards. */
void page_presentation_finish(struct page_presentation *presentation);

/** The timeline of that selector; NULL if there is none. */
const struct page_timeline *page_presentation_timeline(const struct page_presentation *presentation,
                                                       const char *selector);

#endif
