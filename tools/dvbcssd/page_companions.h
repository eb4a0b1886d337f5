/**
 * @file
 * Tells a page of companions: which timelines they want, how many there are, and, if it wants to
 * know, who they are and what they report. What comes fast is told together: a companion cannot
 * flood the page.
 */
#ifndef DVBCSSD_PAGE_COMPANIONS_H
#define DVBCSSD_PAGE_COMPANIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/cii_endpoint.h"
#include "dvbcss/ts_endpoint.h"

/** What the page was told of one companion: the user data of each connection of CII and TS, zeroed
 * at first. */
struct page_companion {
    /** Number of the audience that knows of it; 0 for none. */
    uint64_t known_to;
    bool asked_is_news;
    bool reported_is_news;
};

/** Whom to tell. */
struct page_audience {
    /** Sends a message, which is taken over. False if it takes no more for now: the rest is told by
     * a later page_companions_tell(). */
    bool (*send)(void *user, json_t *message);
    /** Nobody wants a timeline any more. */
    void (*not_wanted)(void *user, const char *selector);
    void *user;
};

enum { PAGE_COMPANIONS_PATHS = 2 };

/** What the page was told. */
struct page_companions {
    /** Those of CII and of TS: their own, and those of the compatibility channels. */
    struct dvbcss_endpoint *cii[PAGE_COMPANIONS_PATHS];
    struct dvbcss_endpoint *ts[PAGE_COMPANIONS_PATHS];
    struct page_audience audience;
    /** Whether there is one, and whether it wants to know of each companion. */
    bool listening, curious;
    uint64_t audience_number;
    /** Selectors, the members of an object; NULL if it was told nothing. */
    json_t *selectors;
    size_t count;
};

/** Begins to tell a page, which knows nothing. */
void page_companions_begin(struct page_companions *companions);

/** Tells nobody any more. */
void page_companions_end(struct page_companions *companions);

/** Tells what is new. */
void page_companions_tell(struct page_companions *companions);

/** A companion asked for a timeline, or reported what it can do: the next telling has it. */
void page_companions_asked(struct dvbcss_connection *connection);
void page_companions_reported(struct dvbcss_connection *connection);

/** A companion goes: tells the page if it knew. @p companion is its user data. */
void page_companions_left(struct page_companions *companions, struct dvbcss_connection *connection,
                          const struct page_companion *companion);

#endif
