/**
 * @file
 * The wall-clock server of a TV: answers CSS-WC requests (TS 103 286-2 clause 8) on a UDP socket
 * of its own.
 *
 * Receive times are the kernel's. Nothing is allocated while it runs, and a flood of datagrams
 * gives way to the other work of the loop after a bounded number of them.
 *
 * Threads: a server belongs to the loop on which it was made and is used from that loop's thread
 * only, unless a function says otherwise. wc_service.h runs servers on threads of their own.
 */
#ifndef DVBCSS_WC_SERVER_H
#define DVBCSS_WC_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/clock.h"
#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/wc.h"

#ifdef __cplusplus
extern "C" {
#endif

/** As in <uv.h>, which needs more than plain C11. */
typedef struct uv_loop_s uv_loop_t;

/** A wall-clock server on one address. */
struct dvbcss_wc_server;

/** How a server is made. Copied, strings included. */
struct dvbcss_wc_server_options {
    /** Address to listen on: a numeric IPv4 or IPv6 address, as "0.0.0.0", "::1" or
     * "fe80::1%eth0". */
    const char *address;
    /** UDP port; 0 takes a free one. */
    uint16_t port;
    /** With "::": false also answers IPv4, true leaves IPv4 to another server on the port. */
    bool ipv6_only;
    /** Lets several servers of one user share address and port; the kernel spreads the clients
     * over them. */
    bool reuse_port;
    /** Answers with type 2, and with a follow-up (type 3) that carries the time at which the kernel
     * passed the answer to the network driver, as soon as that is known: nearly always at once. If
     * it is not after 1 ms (on a loop, whose timers count whole milliseconds, 2 at most), the
     * follow-up repeats the time of the answer. Off by default: clients in the field mishandle
     * follow-ups. */
    bool follow_up;
    /** Before it answers a request that came alone, the server sends a datagram of its own to
     * itself over loopback: the answer then does not find the way through the kernel cold, and
     * leaves sooner, and more regularly, after its transmit time. That costs about 10 us of CPU and
     * of the round trip for each such request, between its receive and its transmit time, so that
     * a companion's error bound does not grow by them: it gets smaller. On by default. */
    bool rehearse;
    /** Precision of the receive and transmit times in seconds; 0 has it measured. */
    double precision_s;
    /** The largest frequency error of the time source in parts per million; that of
     * dvbcss_monotonic_ns() is told by dvbcss_monotonic_max_freq_error_ppm(). */
    double max_freq_error_ppm;
    /** The most answers per second to one source address (IPv6: to one /64 network, or to one
     * link-local address), at most DVBCSS_WC_SERVER_LIMIT_MAX; 0 for no limit. A burst of as many
     * is let pass. Of the requests beyond the limit one in eight is answered nevertheless, by
     * chance: who sends under another's address cannot shut the other out. */
    unsigned answers_per_s;
    /** The wall clock in nanoseconds, never negative; NULL for dvbcss_monotonic_ns(). */
    dvbcss_time_source now_ns;
    /** Handed to the time source. */
    void *user;
};

#define DVBCSS_WC_SERVER_OPTIONS_INIT                                                              \
    {                                                                                              \
        "0.0.0.0", DVBCSS_WC_DEFAULT_PORT, false, false, false, true, 0.0, 500.0, 0, NULL, NULL    \
    }

/** The largest limit of answers per second that can be set. */
enum { DVBCSS_WC_SERVER_LIMIT_MAX = 1000000 };

/** The receive buffer that a server asks the system for, in bytes: a burst of about a thousand
 * requests. */
enum { DVBCSS_WC_SERVER_RECEIVE_BUFFER = 1 << 20 };

/** What a server has seen and done since it was made. */
struct dvbcss_wc_server_counters {
    /** Datagrams taken from the socket, by what was made of them; @ref limited are the rest of
     * them. Those under DVBCSS_WC_ANSWERED are the valid requests within the limit. */
    uint64_t datagrams[DVBCSS_WC_ANSWER_COUNT];
    /** Answers sent (types 1 and 2). */
    uint64_t answers;
    /** Follow-ups sent (type 3), and how many of them carry the kernel's transmit time. */
    uint64_t follow_ups;
    uint64_t stamped_follow_ups;
    /** Datagrams that the kernel dropped because the receive buffer was full. */
    uint64_t kernel_drops;
    /** Valid requests, the limited ones included, whose receive time had to be taken in user space.
     */
    uint64_t unstamped;
    /** Answers and follow-ups that the kernel refused to send. */
    uint64_t send_failures;
    /** Valid requests that were not answered because their source asks too often. None of them is
     * among @ref datagrams. */
    uint64_t limited;
};

/** Called once a closed server is gone: its memory is free and its handles are off the loop. */
typedef void (*dvbcss_wc_server_closed)(void *user);

/**
 * Opens the socket and begins to answer as soon as the loop runs.
 *
 * @param out     the new server; the caller ends it with dvbcss_wc_server_close()
 * @param loop    the caller's loop; must outlive the server
 * @param options NULL for DVBCSS_WC_SERVER_OPTIONS_INIT
 * @return 0, DVBCSS_EINVAL (the address is not numeric), DVBCSS_ERANGE (a figure that
 *         cannot be announced, a limit that is too large), DVBCSS_EADDRESS (not an address of this
 *         machine), DVBCSS_EPERMISSION (the port is reserved), DVBCSS_EADDRINUSE, DVBCSS_EIO (the
 *         system refused a socket), DVBCSS_ENOMEM
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_wc_server_create(struct dvbcss_wc_server **out, uv_loop_t *loop,
                        const struct dvbcss_wc_server_options *options);

/**
 * Stops answering at once, sends the follow-ups that are still due without waiting any longer, and
 * frees the server on the loop's next turn.
 *
 * @param server NULL is fine: nothing happens then and @p closed is not called
 * @param closed called from the loop at the end; may be NULL
 * @param user   handed to @p closed
 */
DVBCSS_API void dvbcss_wc_server_close(struct dvbcss_wc_server *server,
                                       dvbcss_wc_server_closed closed, void *user);

/** The UDP port that the server is bound to, in host byte order. */
DVBCSS_API uint16_t dvbcss_wc_server_port(const struct dvbcss_wc_server *server);

/**
 * Writes the numeric address that the server is bound to, without brackets, with its zone if it
 * has one.
 *
 * @param text receives the address; 64 bytes are always enough
 * @param size of @p text in bytes
 * @return 0 or DVBCSS_ENOSPC
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_wc_server_address(const struct dvbcss_wc_server *server,
                                                         char *text, size_t size);

/** The precision in seconds that the server announces, given or measured (a reading of the time
 * source, and the mapping of the kernel's stamps onto it), before it is rounded up to a power of
 * two for the wire. */
DVBCSS_API double dvbcss_wc_server_precision_s(const struct dvbcss_wc_server *server);

/** Reads the counters as they were at the end of the server's last turn. Any thread may do so while
 * the server is not closed. */
DVBCSS_API void dvbcss_wc_server_counters(const struct dvbcss_wc_server *server,
                                          struct dvbcss_wc_server_counters *counters);

#ifdef __cplusplus
}
#endif

#endif
