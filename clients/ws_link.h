/**
 * @file
 * A connection that lasts: connects by itself, and again with jittered, growing delays after every
 * loss. What the CII and the TS client stand on.
 *
 * Callbacks come from the loop only, and may call anything here.
 */
#ifndef CLIENTS_WS_LINK_H
#define CLIENTS_WS_LINK_H

#include <stddef.h>
#include <uv.h>

#include "dvbcss/client.h"

struct ws_link;

/** What a link tells its owner. All are required. */
struct ws_link_events {
    void (*opened)(void *user);
    /** Reads a whole text message, not terminated, valid during the call. False and a filled report
     * if it cannot be understood. */
    bool (*text)(void *user, const char *text, size_t length, struct dvbcss_report *report);
    /** A message was not understood, or was binary (DVBCSS_EMESSAGETYPE, no text). */
    void (*protocol_error)(void *user, const struct dvbcss_report *report, const char *text,
                           size_t length);
    void (*ended)(void *user, const struct dvbcss_disconnect *why);
};

/**
 * Makes a link, which begins to connect as soon as the loop runs.
 *
 * @param name    static; for the log, as "cii"
 * @param options copied
 * @param events  kept; static
 * @return as dvbcss_cii_client_create()
 */
int ws_link_create(struct ws_link **out, uv_loop_t *loop, const char *name, const char *url,
                   const struct dvbcss_client_options *options, const struct ws_link_events *events,
                   void *user, struct dvbcss_report *report);

/** Sends a text message. 0, DVBCSS_ECLOSED (not open), DVBCSS_EFULL, DVBCSS_ENOMEM. */
int ws_link_send(struct ws_link *link, const char *text, size_t length);

/** Ends the connection because of an error of our own, to make another one; `ended` tells it, from
 * inside. */
void ws_link_fail(struct ws_link *link, int error);

/** Closes and frees the link from the loop, telling nothing any more but @p destroyed at the very
 * end. */
void ws_link_destroy(struct ws_link *link, void (*destroyed)(void *user), void *user);

/** Numeric address of the peer that was reached last, "" if none was. */
const char *ws_link_peer(const struct ws_link *link);

/** Tells how the link stands. */
void ws_link_status(const struct ws_link *link, struct dvbcss_client_status *status);

#endif
