/**
 * @file
 * The parts of the wall-clock client. Private to it: wc_client.c makes, ends and shows a client,
 * wc_client_server.c finds the server and opens the socket, wc_client_exchange.c asks and listens,
 * wc_client_watch.c notices that the machine slept or that its network changed.
 */
#ifndef CLIENTS_WC_CLIENT_INTERNAL_H
#define CLIENTS_WC_CLIENT_INTERNAL_H

#include <uv.h>

#include "clients/backoff.h"
#include "clients/wc_lookup.h"
#include "clients/wc_notice.h"
#include "dvbcss/url.h"
#include "dvbcss/wc_client.h"
#include "wallclock/wc_socket.h"

/** Datagrams that are taken at once. */
enum { WC_CLIENT_BATCH = 16 };

/* A socket of one address family, and its polling. Outlives its use until libuv lets go. */
struct wc_channel {
    uv_poll_t poll;
    struct wc_socket *socket;
    struct dvbcss_wc_client *client;
};

struct dvbcss_wc_client {
    uv_loop_t *loop;
    /* For the requester and the estimator, and for looking the server up. */
    uv_timer_t work_timer;
    uv_timer_t lookup_timer;
    /* Handles and look-ups that libuv still has. */
    unsigned parts;
    bool closing;
    dvbcss_wc_client_closed closed;
    void *closed_user;

    struct dvbcss_url server;
    /* The server's addresses, and which one is asked. */
    union wc_address addresses[WC_LOOKUP_ADDRESSES];
    unsigned address_count;
    unsigned address_index;
    /* Where to ask from, if that was told. */
    union wc_address bind_address;
    bool bound;
    uint16_t bind_port;
    struct wc_lookup *lookup;
    struct backoff backoff;
    struct wc_channel *channel;
    /* NULL if the system gives no notice. */
    struct wc_notice *notice;
    /* The suspended time and the address to ask from, as last seen. */
    int64_t suspended_ns;
    union wc_address source;
    uint64_t sleeps;
    uint64_t path_changes;
    /* Another server was named: its first answer replaces what is known of the old one's clock. */
    bool replaced;

    struct dvbcss_clock *wall_clock;
    struct dvbcss_clock *local_clock;
    /* Below the wall clock, which so stays in memory until the client is gone: an event inside the
     * estimator may close the client and destroy the clocks, and the estimator then goes on to its
     * end. */
    struct dvbcss_clock *hold;
    struct dvbcss_clock_listener listener;
    bool available;
    struct dvbcss_wc_estimator *estimator;
    struct dvbcss_wc_requester *requester;
    /* When to ask, unless that is left to the requester. */
    struct dvbcss_wc_poll poll;
    bool adaptive;
    /* Requests without an answer since the last answer. */
    unsigned silent;
    /* The last request; its transmit stamp may be late. */
    struct wc_packet request;
    struct dvbcss_wc_time originate;
    struct wc_packet packets[WC_CLIENT_BATCH];

    struct dvbcss_wc_client_events events;
    void *user;
    /* The last trouble since the last answer, and all that was told, as bits. */
    int trouble;
    unsigned told;
    uint64_t send_failures;
    uint64_t past_kernel_drops;
    uint64_t exchanges;
    uint64_t useful;
    uint64_t unstamped;
    int64_t rtt_last_ns;
    int64_t rtt_min_ns;
};

/** Whether a client could be made with these options: for all but its estimator, as
 * dvbcss_wc_client_create() would say. Sets nothing and needs no loop. */
DVBCSS_NODISCARD int wc_client_check(const struct dvbcss_wc_client_options *options);

/** Reads the local clock: t1 and t4 are its nanoseconds. */
int64_t wc_client_local_ns(const struct dvbcss_wc_client *client);

/** The address that is asked; valid once there is a channel. */
const union wc_address *wc_client_server_address(const struct dvbcss_wc_client *client);

/** Tells trouble, if it is new; may close the client. */
void wc_client_tell_trouble(struct dvbcss_wc_client *client, int error, const char *format, ...)
    DVBCSS_PRINTF(3, 4);

/** Takes note that the server answers. */
void wc_client_forget_trouble(struct dvbcss_wc_client *client);

/** Takes note that libuv has let go of a part of the client; the last one frees it. */
void wc_client_part_gone(struct dvbcss_wc_client *client);

/** Has the server looked up, from the loop. */
void wc_client_schedule_lookup(struct dvbcss_wc_client *client, uint64_t delay_ms);

/** Gives a look-up up that is under way. */
void wc_client_cancel_lookup(struct dvbcss_wc_client *client);

/** The server is silent: its name may have another address, or have moved. May call events. */
void wc_client_look_elsewhere(struct dvbcss_wc_client *client);

/** Begins to watch the machine and its network: 0 or DVBCSS_ENOMEM. */
DVBCSS_NODISCARD int wc_client_watch(struct dvbcss_wc_client *client);

/** Ends watching. */
void wc_client_unwatch(struct dvbcss_wc_client *client);

/** If the machine slept, forgets what is known of the server's clock and asks anew; calls events,
 * and so may close the client. */
void wc_client_notice_sleep(struct dvbcss_wc_client *client);

/** Looks whether the machine slept or the network has changed; may close the client. */
void wc_client_noticed(struct dvbcss_wc_client *client);

/** Takes note of how the server is reached now, to tell a change from. */
void wc_client_note_path(struct dvbcss_wc_client *client);

/** Forgets the requests that are under way, and begins with a burst. */
void wc_client_ask_anew(struct dvbcss_wc_client *client);

/** Closes the socket, if one is open. */
void wc_client_close_channel(struct dvbcss_wc_client *client);

/** Does what is due, from the loop and as soon as it is back there. */
void wc_client_schedule_work(struct dvbcss_wc_client *client);

/** Starts polling, or starts it anew; 0 or an error of libuv. */
int wc_client_start_polling(struct wc_channel *channel);

#endif
