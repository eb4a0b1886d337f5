/**
 * @file
 * Messages of the page channel (docs/page-channel.md), between a web page that is the television
 * and the daemon: reading those of the page, writing those of the daemon. Pure: no sockets, no
 * clocks.
 */
#ifndef DVBCSSD_PAGE_MESSAGE_H
#define DVBCSSD_PAGE_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "dvbcss/cii.h"
#include "dvbcss/error.h"
#include "dvbcss/ts.h"
#include "token.h"

enum {
    /** The highest version of the protocol that is spoken here. */
    PAGE_VERSION = 2,
    PAGE_NAME_MAX = 100,
    PAGE_SELECTOR_MAX = 1024,
    /** A page's own time as JSON text, with its zero byte. */
    PAGE_T1_SIZE = 72,
};

/* ---- from the page -------------------------------------------------------------------------- */

/** What a message holds: a mask. */
enum page_part {
    PAGE_HELLO = 1,
    PAGE_CLOCK = 2,
    PAGE_CII = 4,
    PAGE_TIMESTAMPS = 8,
    PAGE_BLOCK = 16,
    /** What says what is presented. */
    PAGE_PRESENTS = PAGE_CII | PAGE_TIMESTAMPS | PAGE_BLOCK,
};

/** What the wall clock times in a page's control timestamps are. */
enum page_clock {
    /** Nanoseconds since 1970, as this machine's clock has them: what version 1 sends. */
    PAGE_CLOCK_UNIX,
    /** The wall clock that companions are served. */
    PAGE_CLOCK_WALL,
};

/** "unix", "wall". */
extern const char *const page_clock_names[];

/** Who a page is. */
struct page_hello {
    /** What both sides speak. */
    int version;
    enum page_clock clock;
    char name[PAGE_NAME_MAX + 1];
    struct token token;
};

/** Where a timeline is. */
struct page_timestamp {
    char *selector;
    struct dvbcss_ts_control_timestamp timestamp;
};

/** A message of a page. */
struct page_message {
    /** Mask of enum page_part: which of the following are there. */
    unsigned parts;
    struct page_hello hello;
    /** The page's own time, to be sent back as it is. */
    char t1[PAGE_T1_SIZE];
    /** Without what is the daemon's own: protocolVersion, wcUrl and tsUrl. */
    struct dvbcss_cii cii;
    /** No two for one selector. */
    struct page_timestamp *timestamps;
    size_t timestamp_count;
    bool block_cii;
};

/** What is wrong with a message. */
struct page_mistake {
    /** Valid UTF-8; "" for the message as a whole. */
    char member[256];
    char reason[192];
};

/**
 * Reads a message.
 *
 * @param text    need not end with a zero byte
 * @param message zeroed; the caller ends it with page_message_finish(), also on failure
 * @param mistake filled on failure
 * @return 0 or a dvbcss_error; DVBCSS_ENOMEM is no mistake of the page
 */
DVBCSS_NODISCARD int page_message_decode(const char *text, size_t length,
                                         struct page_message *message,
                                         struct page_mistake *mistake);

/** The same for a message that is parsed already. */
DVBCSS_NODISCARD int page_message_read(json_t *root, struct page_message *message,
                                       struct page_mistake *mistake);

/** Frees what a message holds and wipes the token; a zeroed one is fine. */
void page_message_finish(struct page_message *message);

/** Fills a mistake. What is too long for @p mistake is cut; texts must be UTF-8. */
void page_mistake_fill(struct page_mistake *mistake, const char *member, const char *format, ...)
    DVBCSS_PRINTF(3, 4);

/** Fills a mistake; its value is @p error. A macro, so that analysers see that who returns it has
 * failed. */
#define page_mistake_set(mistake, error, ...) (page_mistake_fill((mistake), __VA_ARGS__), (error))

/**
 * Writes a value as compact JSON. Unlike json_dumps(), which leaves out what finds no memory.
 *
 * @param length set to the bytes of the text
 * @return to be freed with dvbcss_free(); NULL without memory
 */
char *page_json_text(const json_t *value, size_t *length);

/* ---- from the daemon ------------------------------------------------------------------------- */
/* Each returns a new object, or NULL without memory. Texts that come from peers must be UTF-8. */

/** What the daemon speaks, first of all. */
json_t *page_write_hello(const char *id, bool token_needed, double silence_timeout_s);

json_t *page_write_welcome(const struct page_hello *hello);

/** Where companions find the television. */
json_t *page_write_cii_url(const char *url);

/** Which selectors companions have begun and ceased to ask for; both arrays are taken over. */
json_t *page_write_selectors(json_t *added, json_t *removed);

/** How many companions have CII open. */
json_t *page_write_companion_count(size_t count);

/** The answer to a page's clock: wall clock times of its message and of this answer. */
json_t *page_write_clock(const char *t1, int64_t t2_ns, int64_t t3_ns);

/** What is wrong. @p mistake gives member and reason. */
json_t *page_write_error(const char *code, const struct page_mistake *mistake);

/** What has happened to what the page presents. */
json_t *page_write_notice(const char *code, const char *reason);

/** What has happened to a companion. */
json_t *page_write_connected(const char *id, const char *address);
json_t *page_write_asked(const char *id, const struct dvbcss_ts_setup *setup);
json_t *page_write_reported(const char *id, const char *selector,
                            const struct dvbcss_ts_presentation *presentation);
json_t *page_write_disconnected(const char *id);

#endif
