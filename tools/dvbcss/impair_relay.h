/**
 * @file
 * A relay of UDP datagrams between any number of clients and one server, with a network in
 * between. The server sees each client as an address of its own, as behind a NAT; nothing is ever
 * sent anywhere but to that server and to who has asked.
 *
 * A datagram's due time counts from the kernel's receive time. The relay sleeps until shortly
 * before it and is awake when it comes, because no timer wakes a program to the microsecond.
 *
 * A relay belongs to the thread of its loop.
 */
#ifndef DVBCSS_TOOL_IMPAIR_RELAY_H
#define DVBCSS_TOOL_IMPAIR_RELAY_H

#include <uv.h>

#include "impair_address.h"
#include "impair_model.h"
#include "impair_stats.h"

struct impair_relay;

/** How a relay is made. */
struct impair_relay_options {
    struct impair_address listen;
    struct impair_address server;
    struct impair_model model;
    uint64_t seed;
    /** How many clients at once; for one more the client that was silent longest is forgotten. */
    unsigned clients;
    /** How many datagrams under way at once; more are dropped. */
    size_t datagrams;
    /** How long before a due time the relay wakes up and stays awake. */
    int64_t awake_ns;
    /** Has its thread go before all others, if the system lets it (SCHED_FIFO): its statistics tell
     * whether it did. */
    bool realtime;
};

#define IMPAIR_RELAY_OPTIONS_INIT                                                                  \
    {                                                                                              \
        .seed = 1, .clients = 64, .datagrams = 4096, .awake_ns = 150000                            \
    }

/**
 * Opens the socket; the relay works as soon as the loop runs.
 *
 * @return 0, DVBCSS_EADDRINUSE, DVBCSS_EADDRESS (not an address of this machine), DVBCSS_EIO,
 *         DVBCSS_ENOMEM
 */
int impair_relay_create(struct impair_relay **out, uv_loop_t *loop,
                        const struct impair_relay_options *options);

/** Whether the system lets a thread go before all others: 0, or why it does not as errno. */
int impair_relay_try_realtime(void);

/** Stops at once, and frees the relay on the loop's next turn; NULL is fine. */
void impair_relay_close(struct impair_relay *relay);

/** Where clients reach it. */
const struct impair_address *impair_relay_address(const struct impair_relay *relay);

/** What it has done; valid until it is closed. */
const struct impair_stats *impair_relay_stats(const struct impair_relay *relay);

#endif
