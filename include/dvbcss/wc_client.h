/**
 * @file
 * The wall-clock client of a companion: keeps a clock of this machine in step with a TV's wall
 * clock over CSS-WC (TS 103 286-2 clause 8), and knows how far it may be off.
 *
 *     root clock (dvbcss_monotonic_ns) -> wall clock (tunable, 1 GHz), set by this client
 *
 * A client asks by UDP as the requester of wc_requester.h and the policy of wc_poll.h plan it,
 * takes the kernel's transmit and receive times, believes nobody but the server that it asked, and
 * leaves setting the clock to an estimator of wc_estimator.h. It never gives up: after any trouble
 * it goes on trying, and tells what the trouble is.
 *
 * It asks with a burst at once when the machine has another address towards the server than before,
 * and when the machine has slept. What was known of the server's clock is forgotten then, since the
 * local clock stood still: the wall clock is unavailable until the first answer.
 *
 * Threads: a client belongs to the loop on which it was made and is used from that loop's thread
 * only. Its events are called from the loop, never from inside a function of this file.
 */
#ifndef DVBCSS_WC_CLIENT_H
#define DVBCSS_WC_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "dvbcss/clock.h"
#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/wc_candidate.h"
#include "dvbcss/wc_estimator.h"
#include "dvbcss/wc_poll.h"
#include "dvbcss/wc_requester.h"

#ifdef __cplusplus
extern "C" {
#endif

/** As in <uv.h>, which needs more than plain C11. */
typedef struct uv_loop_s uv_loop_t;

/** A wall-clock client. */
struct dvbcss_wc_client;

/** What one exchange with the server brought. */
struct dvbcss_wc_exchange {
    /** The four times and the server's figures. */
    struct dvbcss_wc_candidate candidate;
    /** How far the server's clock is ahead of the local clock, and the round trip, in ns. */
    int64_t offset_ns;
    int64_t rtt_ns;
    /** What the estimator made of it. */
    struct dvbcss_wc_outcome outcome;
    /** The wall clock's error bound after it, in seconds. */
    double dispersion_s;
};

/** Trouble that the client has, and goes on trying to overcome. */
struct dvbcss_wc_trouble {
    /** DVBCSS_ERESOLVE (name look-up failed), DVBCSS_EADDRESS (that address cannot be asked),
     * DVBCSS_EIO (the system refuses to send: no route, network down), DVBCSS_ETIMEDOUT (the
     * server does not answer), DVBCSS_ENOMEM. */
    int error;
    /** What happened, for people; valid during the call. */
    const char *text;
};

/** What a client tells. Each may be NULL. All may use the client, and may close it. */
struct dvbcss_wc_client_events {
    /** The wall clock was adjusted; as in the estimator's options. Not called for an estimator that
     * the program made: that has a hook of its own. */
    dvbcss_wc_adjusted adjusted;
    /** The wall clock became available or unavailable. */
    void (*availability)(void *user, bool available);
    /** The server has answered. */
    void (*exchange)(void *user, const struct dvbcss_wc_exchange *exchange);
    /** There is trouble. The same trouble is told once, until an answer has come. */
    void (*trouble)(void *user, const struct dvbcss_wc_trouble *trouble);
};

/** How a client is made. Copied, strings included. */
struct dvbcss_wc_client_options {
    /** The server, as "udp://192.168.1.5:6677", "udp://tv.local:6677" or
     * "udp://[fe80::1%25eth0]:6677". */
    const char *url;
    /** Numeric address of this machine to ask from; NULL for any. It decides between IPv4 and
     * IPv6 if the server has both. */
    const char *bind_address;
    /** Port to ask from; 0 for any. */
    uint16_t bind_port;
    /** The wall clock: a tunable clock whose parent is the local clock that the times are measured
     * with; required unless @ref estimator is given. It must live until the client is closed, and
     * is not read afterwards: an event that closes the client may destroy it, too. */
    struct dvbcss_clock *wall_clock;
    /** An estimator that the program made, which the client owns as soon as it is created; NULL
     * for the tracking estimator with the two settings that follow. */
    struct dvbcss_wc_estimator *estimator;
    /** As in struct dvbcss_wc_estimator_options. */
    double max_dispersion_s;
    unsigned jump_candidates;
    /** How to ask; the figures of the local clock are filled in by the client. */
    struct dvbcss_wc_requester_options requester;
    /** When to ask: as seldom as the error bound allows. With a `floor_ns` of 0 the requester's own
     * `interval_ns` and `retry_ns` hold instead. */
    struct dvbcss_wc_poll_options poll;
    struct dvbcss_wc_client_events events;
    /** Handed to the events. */
    void *user;
};

#define DVBCSS_WC_CLIENT_OPTIONS_INIT                                                              \
    {                                                                                              \
        NULL, NULL, 0, NULL, NULL, 0.0, 3, DVBCSS_WC_REQUESTER_OPTIONS_INIT,                       \
            DVBCSS_WC_POLL_OPTIONS_INIT, {NULL, NULL, NULL, NULL}, NULL                            \
    }

/** Room for a server's numeric address in struct dvbcss_wc_client_status. */
enum { DVBCSS_WC_CLIENT_ADDRESS_SIZE = 64 };

/** How a client stands. */
struct dvbcss_wc_client_status {
    /** The server's numeric address, without brackets; "" while there is none. */
    char server[DVBCSS_WC_CLIENT_ADDRESS_SIZE];
    /** The port of this machine that it asks from; 0 while there is none. */
    uint16_t local_port;
    /** The trouble of struct dvbcss_wc_trouble since the last answer; 0 for none. */
    int trouble;
    /** Requests, timeouts, and datagrams by verdict. */
    struct dvbcss_wc_requester_stats requests;
    /** Requests that the system refused to send. */
    uint64_t send_failures;
    /** Datagrams that the kernel dropped because the receive buffer was full. */
    uint64_t kernel_drops;
    /** Exchanges, how many of them the estimator found useful, and how many have a t4 that had to
     * be taken in user space. */
    uint64_t exchanges;
    uint64_t useful;
    uint64_t unstamped;
    /** How often the machine slept, and how often its address towards the server changed. */
    uint64_t sleeps;
    uint64_t path_changes;
    /** Round trip of the last exchange and the shortest one with this server, in ns; -1 while
     * there was none. */
    int64_t rtt_last_ns;
    int64_t rtt_min_ns;
    /** What half of all round trips, and 95 % of them, stayed below, in ns; -1 while there was
     * none. */
    int64_t rtt_median_ns;
    int64_t rtt_p95_ns;
    /** Offset, frequency, and what became of the exchanges, as the estimator sees them. */
    struct dvbcss_wc_estimator_stats estimate;
    /** Whether the wall clock is available, and its error bound now in seconds. */
    bool available;
    double dispersion_s;
};

/** Called once a closed client is gone: its memory is free and its handles are off the loop. */
typedef void (*dvbcss_wc_client_closed)(void *user);

/**
 * Makes a client that begins to ask as soon as the loop runs. A host name is looked up by libuv's
 * thread pool, again after trouble, and never blocks the loop.
 *
 * @param out     the new client; the caller ends it with dvbcss_wc_client_close()
 * @param loop    the caller's loop; must outlive the client
 * @param options required
 * @param report  what is wrong with the URL or, its path being `bind_address`, with that; may be
 *                NULL
 * @return 0; an error of dvbcss_url_parse() for the URL; DVBCSS_EINVAL (no wall clock, one that
 *         is not tunable, an address that is not numeric, a setting of requester, policy or
 *         estimator out of its range); DVBCSS_EIO (the system refused a handle or random numbers);
 *         DVBCSS_ENOMEM. The wall clock is as it was then.
 * @note If it fails, run the loop once more before uv_loop_close(): handles close on it.
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_wc_client_create(struct dvbcss_wc_client **out, uv_loop_t *loop,
                        const struct dvbcss_wc_client_options *options,
                        struct dvbcss_report *report);

/**
 * Stops at once, calling no event any more, and frees the client from the loop. The wall clock
 * stays as it is, but nobody watches over its error bound.
 *
 * @param client NULL is fine: nothing happens then and @p closed is not called
 * @param closed called from the loop at the end; may be NULL
 * @param user   handed to @p closed
 */
DVBCSS_API void dvbcss_wc_client_close(struct dvbcss_wc_client *client,
                                       dvbcss_wc_client_closed closed, void *user);

/**
 * Asks another server from now on, and the old one no more. The wall clock keeps running as it
 * does until the new one has answered; then what was known of the old one is forgotten. The same
 * URL changes nothing.
 *
 * @return 0 or an error of dvbcss_url_parse(), which leaves the client with the old server
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_wc_client_set_server(struct dvbcss_wc_client *client,
                                                            const char *url,
                                                            struct dvbcss_report *report);

/** Looks the server up again and asks with a burst at once: for when the network has changed or
 * the program was stopped for a while. */
DVBCSS_API void dvbcss_wc_client_refresh(struct dvbcss_wc_client *client);

/** Tells how the client stands. */
DVBCSS_API void dvbcss_wc_client_status(const struct dvbcss_wc_client *client,
                                        struct dvbcss_wc_client_status *status);

/** The largest error bound that the wall clock had since this was last asked, in seconds. */
DVBCSS_API double dvbcss_wc_client_worst_dispersion_s(struct dvbcss_wc_client *client);

#ifdef __cplusplus
}
#endif

#endif
