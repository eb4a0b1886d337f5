/**
 * @file
 * A UDP socket for CSS-WC that takes and gives datagrams in batches and knows when each arrived or
 * left. Private to the suite. The build chooses the file that implements it (wc_socket_linux.c).
 *
 * Nothing here blocks, and nothing allocates but opening. A socket is used by one thread.
 */
#ifndef DVBCSS_WALLCLOCK_WC_SOCKET_H
#define DVBCSS_WALLCLOCK_WC_SOCKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/clock.h"
#include "dvbcss/error.h"
#include "wallclock/wc_address.h"

enum {
    /** The most datagrams in one call. */
    WC_SOCKET_BATCH = 64,
    /** Room for a datagram: more than a CSS-WC message, so that a longer one shows. */
    WC_PACKET_SIZE = 40,
};

/** One datagram, received or to be sent. What is received can be altered and sent back. */
struct wc_packet {
    uint8_t bytes[WC_PACKET_SIZE];
    /** Length of the datagram; of a received one it may be more than there is room for. */
    size_t length;
    /** Where it came from or goes to. */
    union wc_address peer;
    /** The address of this machine that it came to and leaves from, IPv4 in mapped form, with its
     * zone if it is link-local; `::` leaves the choice to the system. */
    struct in6_addr local;
    unsigned local_zone;
    /** When it arrived; or when it left, once wc_socket_transmit_times() found out. */
    int64_t time_ns;
    /** Whether that time is the kernel's. */
    bool stamped;
    /** After sending: 0, or the `errno` with which the system refused it. */
    int send_errno;
    /** After a stamped sending: whether its transmit timestamp is still to come. */
    bool stamp_due;
    /* Number of that timestamp. */
    uint32_t stamp_id;
};

/** How a socket is opened. */
struct wc_socket_options {
    /** Address and port to bind to; port 0 takes a free one. */
    union wc_address address;
    bool ipv6_only;
    bool reuse_port;
    /** Transmit timestamps are wanted: wc_socket_transmit_times() will be used. */
    bool transmit_times;
    /** The receive buffer that is wanted, in bytes; 0 for the system's usual one. The system may
     * grant less. */
    int receive_buffer;
    /** The time source of all times here. */
    dvbcss_time_source now_ns;
    void *user;
};

struct wc_socket;

/** Opens a socket: 0, DVBCSS_EADDRESS, DVBCSS_EADDRINUSE, DVBCSS_EPERMISSION, DVBCSS_EIO,
 * DVBCSS_ENOMEM. */
DVBCSS_NODISCARD int wc_socket_open(struct wc_socket **out,
                                    const struct wc_socket_options *options);

/** Closes and frees; NULL is fine. */
void wc_socket_close(struct wc_socket *socket);

/** The descriptor, to be polled. */
int wc_socket_descriptor(const struct wc_socket *socket);

/** The libuv events to poll for (see uv_poll_start()). */
int wc_socket_poll_events(const struct wc_socket *socket);

/** Clears an error that made polling fail, so that it can be started anew once what the error queue
 * holds was taken, too, by wc_socket_transmit_times(). */
void wc_socket_clear_error(struct wc_socket *socket);

/** The address that the socket is bound to. */
const union wc_address *wc_socket_address(const struct wc_socket *socket);

/** The receive buffer that the system granted, in bytes as it was wanted. */
size_t wc_socket_receive_buffer(const struct wc_socket *socket);

/** Measures what the mapping of the kernel's stamps onto the time source adds to the precision of a
 * reading, in seconds: the shortest span of so many readings of all clocks. */
double wc_socket_stamp_precision_s(struct wc_socket *socket, unsigned samples);

/** Datagrams that the kernel dropped for want of room since the socket was opened. */
uint64_t wc_socket_kernel_drops(const struct wc_socket *socket);

/**
 * Takes what has arrived.
 *
 * @param packets filled from the first on
 * @param count   room in @p packets, at most WC_SOCKET_BATCH
 * @return how many were taken; fewer than @p count mean that no more are waiting
 */
unsigned wc_socket_receive(struct wc_socket *socket, struct wc_packet *packets, unsigned count);

/**
 * Sends datagrams; `send_errno` of each tells what became of it.
 *
 * @param packets at most WC_SOCKET_BATCH
 * @param stamped have the kernel note when each leaves; needs `transmit_times`
 * @return how many were sent
 */
unsigned wc_socket_send(struct wc_socket *socket, struct wc_packet *const *packets, unsigned count,
                        bool stamped);

/**
 * Sets `time_ns` and `stamped` of the packets whose transmit timestamp has come meanwhile; the
 * others keep their `time_ns` and have `stamped` false. Those whose timestamp is not to come any
 * more, for it came or was lost, have `stamp_due` false. Timestamps of other packets are forgotten.
 *
 * To be called after each stamped sending, and whenever polling tells UV_PRIORITIZED: for stamps
 * that are late, if only to be rid of them. Each time with all packets whose stamps are still
 * wanted, which may have been copied meanwhile; after a sending that failed, none is due that is
 * sent before there was a call without any packet that is still due.
 *
 * @param packets `time_ns` is a time before they were sent
 */
void wc_socket_transmit_times(struct wc_socket *socket, struct wc_packet *const *packets,
                              unsigned count);

#endif
