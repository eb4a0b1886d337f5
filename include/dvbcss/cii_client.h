/**
 * @file
 * The CSS-CII client of a companion (TS 103 286-2 clause 6): follows what a TV presents.
 *
 * It adds the messages up to one state, reading them tolerantly, and repairs the hosts of URLs that
 * the TV should not have advertised (0.0.0.0, localhost) with the address at which it reached the
 * TV. What it cannot understand is counted and told, and changes nothing. After a loss the state
 * stays as it was last known; the first message of the next connection replaces it.
 *
 * Threads and callbacks: see client.h. The events are called from the loop, never from inside a
 * function of this file, and may use and close the client.
 */
#ifndef DVBCSS_CII_CLIENT_H
#define DVBCSS_CII_CLIENT_H

#include <stddef.h>

#include "dvbcss/cii.h"
#include "dvbcss/client.h"
#include "dvbcss/error.h"
#include "dvbcss/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A CII client. */
struct dvbcss_cii_client;

/** What a client tells. Each may be NULL. */
struct dvbcss_cii_client_events {
    /** The connection is open. */
    void (*connected)(void *user);
    /** The connection is lost, or an attempt to make it failed. */
    void (*disconnected)(void *user, const struct dvbcss_disconnect *why);
    /**
     * A message was understood and applied.
     *
     * @param message as it came, with its URLs repaired; valid during the call
     * @param changed mask (DVBCSS_CII_BIT) of the properties of the state that are different now;
     *                0 if the message brought nothing new. The state's values are at
     *                dvbcss_cii_client_state().
     */
    void (*received)(void *user, const struct dvbcss_cii *message, unsigned changed);
    /**
     * A message was not understood, as a whole: the state is untouched and the connection stays.
     *
     * @param report DVBCSS_EMESSAGETYPE for a binary message, else what the decoder found
     * @param text   the message's bytes, not terminated, valid during the call
     */
    void (*protocol_error)(void *user, const struct dvbcss_report *report, const char *text,
                           size_t length);
    /** A text message came, just as it is, before anything is made of it: for tools that judge what
     * TVs send. */
    void (*text)(void *user, const char *text, size_t length);
};

/** How a client is made. Copied, strings included. */
struct dvbcss_cii_client_options {
    /** The TV's CII endpoint, as "ws://192.168.1.5:7681/cii"; required. */
    const char *url;
    struct dvbcss_client_options connection;
    struct dvbcss_cii_client_events events;
    /** Handed to the events. */
    void *user;
};

#define DVBCSS_CII_CLIENT_OPTIONS_INIT                                                             \
    {                                                                                              \
        NULL, DVBCSS_CLIENT_OPTIONS_INIT, {NULL, NULL, NULL, NULL, NULL}, NULL                     \
    }

/**
 * Makes a client that connects as soon as the loop runs.
 *
 * @param out     the new client; the caller ends it with dvbcss_cii_client_close()
 * @param loop    the caller's loop; must outlive the client
 * @param options required
 * @param report  what is wrong with the URL, or with the `pin`; may be NULL
 * @return 0; an error of dvbcss_url_parse() for the URL; DVBCSS_EVALUE for the `pin`; DVBCSS_EINVAL
 *         (a setting out of range), DVBCSS_ETLS (the file of certificates cannot be used),
 *         DVBCSS_EIO (the system refused what a connection needs), DVBCSS_ENOMEM
 * @note If it fails, run the loop once more before uv_loop_close(): handles close on it.
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_cii_client_create(struct dvbcss_cii_client **out, uv_loop_t *loop,
                         const struct dvbcss_cii_client_options *options,
                         struct dvbcss_report *report);

/**
 * Leaves the TV with close code 1001, calling no event any more, and frees the client from the
 * loop.
 *
 * @param client NULL is fine: nothing happens then and @p closed is not called
 * @param closed called from the loop at the end; may be NULL
 * @param user   handed to @p closed
 */
DVBCSS_API void dvbcss_cii_client_close(struct dvbcss_cii_client *client,
                                        dvbcss_client_closed closed, void *user);

/** What the messages have added up to; all omitted before the first one. Valid until the loop runs
 * on; dvbcss_cii_copy() keeps it. */
DVBCSS_API const struct dvbcss_cii *dvbcss_cii_client_state(const struct dvbcss_cii_client *client);

/** Tells how the connection stands. */
DVBCSS_API void dvbcss_cii_client_status(const struct dvbcss_cii_client *client,
                                         struct dvbcss_client_status *status);

#ifdef __cplusplus
}
#endif

#endif
