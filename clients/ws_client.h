/**
 * @file
 * A WebSocket connection to a URL: looks the name up, tries its addresses one after the other,
 * within a time limit; delivers whole messages; notices a peer that has gone silent; says precisely
 * why it ended. One attempt, or one connection, at a time; ws_link.h makes it last.
 *
 * Callbacks come from the loop only, and may call anything here.
 */
#ifndef CLIENTS_WS_CLIENT_H
#define CLIENTS_WS_CLIENT_H

#include <stddef.h>
#include <uv.h>

#include "dvbcss/client.h"

struct ws_client;

/** What a client tells its owner. All are required. */
struct ws_client_events {
    void (*opened)(void *user);
    /** A whole message, not terminated, valid during the call. */
    void (*text)(void *user, const char *text, size_t length);
    /** A whole binary message of @p length bytes came; no endpoint of DVB-CSS sends any. */
    void (*binary)(void *user, size_t length);
    /** The attempt failed or the connection ended; `retry_in_ms` is -1. */
    void (*ended)(void *user, const struct dvbcss_disconnect *why);
};

/**
 * Makes a client that does nothing yet.
 *
 * @param options `ca_file`, `pin`, `connect_timeout_ms`, `idle_timeout_ms` and `max_message_size`
 * are used
 * @param events  kept; static
 * @return 0, what dvbcss_url_parse() returns, DVBCSS_EINVAL, DVBCSS_ETLS, DVBCSS_EIO,
 *         DVBCSS_ENOMEM
 */
int ws_client_create(struct ws_client **out, uv_loop_t *loop, const char *url,
                     const struct dvbcss_client_options *options,
                     const struct ws_client_events *events, void *user,
                     struct dvbcss_report *report);

/** Begins an attempt; how it went comes as an event. No attempt or connection may be under way. */
void ws_client_connect(struct ws_client *client);

/** Sends a text message. 0, DVBCSS_ECLOSED (not open), DVBCSS_EFULL, DVBCSS_ENOMEM. */
int ws_client_send(struct ws_client *client, const char *text, size_t length);

/** Ends an open connection with close code 1011 because of an error of our own; `ended` tells it,
 * from inside. */
void ws_client_fail(struct ws_client *client, int error);

/** Ends what is under way with close code 1001 and frees the client from the loop, telling nothing
 * any more but @p destroyed at the very end. */
void ws_client_destroy(struct ws_client *client, void (*destroyed)(void *user), void *user);

/** Numeric address of the peer that was reached last, "" if none was. */
const char *ws_client_peer(const struct ws_client *client);

#endif
