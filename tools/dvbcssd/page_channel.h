/**
 * @file
 * The page channel (docs/page-channel.md): a WebSocket on the companions' listener over which a web
 * page that is the television says what it presents.
 */
#ifndef DVBCSSD_PAGE_CHANNEL_H
#define DVBCSSD_PAGE_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "dvbcss/server.h"
#include "page_companions.h"
#include "page_session.h"
#include "token.h"

struct page_channel;
struct services;

/**
 * Starts to serve.
 *
 * @param services server, endpoints and television are there, and outlive the channel
 * @param reason   filled on failure
 * @return 0 or -1
 */
int page_channel_start(struct page_channel **out, struct services *services, char *reason,
                       size_t reason_size);

/** Sends pages away; its memory is free once the loop has run. What is presented stays. NULL is
 * fine. */
void page_channel_stop(struct page_channel *channel);

/** Takes what the configuration of the services says now, and another token; @p token is what was
 * there before. 0 or DVBCSS_ENOMEM. */
DVBCSS_NODISCARD int page_channel_configure(struct page_channel *channel, struct token *token);

/** The endpoint on the companions' listener. */
struct dvbcss_endpoint *page_channel_endpoint(const struct page_channel *channel);

/** Whether a page decides what is presented; false for NULL. */
bool page_channel_presents(const struct page_channel *channel);

/** How the channel stands. */
struct page_status {
    enum page_state state;
    /** Id, address, name of the owner, and what it speaks; NULL if there is none. */
    const char *id;
    const struct sockaddr *address;
    const char *name;
    int version;
    /** How long it has owned the channel, and has not been heard. */
    double owned_s;
    double silent_s;
};

void page_channel_status(const struct page_channel *channel, struct page_status *status);

/** What happened since it was started. */
struct page_counters {
    /** Messages of pages, those of them that were wrong, and messages to pages. */
    uint64_t messages;
    uint64_t mistakes;
    uint64_t sent;
    /** Pages that were refused: without the token, and because another one owns the channel. */
    uint64_t unauthorized;
    uint64_t occupied;
    /** Times that a page was given up as silent, and came back. */
    uint64_t silences;
    uint64_t resumptions;
};

/** Valid as long as the channel, always up to date. */
const struct page_counters *page_channel_counters(const struct page_channel *channel);

/* ---- what companions do: from the hooks of CII and TS -----------------------------------------
 */
/* The user data of their connections is a struct page_companion. NULL is fine for the channel. */

/** Companions came, went, asked, reported. */
void page_channel_companions_changed(struct page_channel *channel);

/** A companion goes. */
void page_channel_companion_left(struct page_channel *channel, struct dvbcss_connection *connection,
                                 const struct page_companion *companion);

#endif
