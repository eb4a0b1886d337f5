/**
 * @file
 * The wall-clock service of a TV: wall-clock servers (wc_server.h) on threads of their own, so that
 * nothing else that the program does delays an answer.
 *
 *     static const char *const addresses[] = {"0.0.0.0", "::"};
 *     struct dvbcss_wc_service_options options = DVBCSS_WC_SERVICE_OPTIONS_INIT;
 *
 *     options.addresses = addresses;
 *     options.address_count = 2;
 *     dvbcss_wc_service_start(&service, &options, NULL);
 *     ...
 *     dvbcss_wc_service_stop(service);
 *
 * This is the one part of the library that starts threads. They take no signals, and they end
 * before dvbcss_wc_service_stop() returns.
 *
 * Threads: a service is started and stopped by one thread at a time; the functions that read may be
 * called by any thread between start and stop.
 */
#ifndef DVBCSS_WC_SERVICE_H
#define DVBCSS_WC_SERVICE_H

#include <stddef.h>
#include <stdint.h>

#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/wc_server.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A wall-clock service. */
struct dvbcss_wc_service;

enum {
    /** The most threads, and the most addresses, of a service. */
    DVBCSS_WC_SERVICE_MAX_THREADS = 64,
    DVBCSS_WC_SERVICE_MAX_ADDRESSES = 64,
};

/** How a service is started. Copied, strings included. */
struct dvbcss_wc_service_options {
    /** The addresses to listen on, as in struct dvbcss_wc_server_options. Beside an IPv4 address,
     * "::" stands for IPv6 only. */
    const char *const *addresses;
    size_t address_count;
    /** How many threads answer on each address. One is enough for several 100,000 answers per
     * second; more need cores, and share each address by `reuse_port`. */
    unsigned threads;
    /** How each server is made; `address` is not used. A `port` of 0 takes one that is free on all
     * addresses. The time source is read by several threads at the same time. */
    struct dvbcss_wc_server_options server;
};

/** One thread; the addresses must be set. */
#define DVBCSS_WC_SERVICE_OPTIONS_INIT                                                             \
    {                                                                                              \
        NULL, 0, 1, DVBCSS_WC_SERVER_OPTIONS_INIT                                                  \
    }

/**
 * Opens all sockets and starts the threads: requests are answered from now on.
 *
 * @param out    the new service; the caller ends it with dvbcss_wc_service_stop()
 * @param report its `reason` tells which address failed, and why; may be NULL
 * @return 0; DVBCSS_EINVAL (no address, or a number of addresses or threads that is out of range);
 *         an error of dvbcss_wc_server_create(); DVBCSS_EIO also if the system refused a thread.
 *         No thread is left behind then.
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_wc_service_start(struct dvbcss_wc_service **out,
                        const struct dvbcss_wc_service_options *options,
                        struct dvbcss_report *report);

/** Ends the threads, closes the sockets and frees the service; waits for what the threads are
 * doing, some milliseconds at most. NULL is fine. */
DVBCSS_API void dvbcss_wc_service_stop(struct dvbcss_wc_service *service);

/** The UDP port, in host byte order; the same on all addresses. */
DVBCSS_API uint16_t dvbcss_wc_service_port(const struct dvbcss_wc_service *service);

/** The precision in seconds that is announced: the largest of the threads'. */
DVBCSS_API double dvbcss_wc_service_precision_s(const struct dvbcss_wc_service *service);

/** The receive buffer that the system granted, in bytes as its limit counts them (on Linux
 * net.core.rmem_max): the smallest of the threads' and addresses'. At best
 * DVBCSS_WC_SERVER_RECEIVE_BUFFER. */
DVBCSS_API size_t dvbcss_wc_service_receive_buffer(const struct dvbcss_wc_service *service);

/** Adds the counters of all threads up. They are those of the end of each thread's last turn. */
DVBCSS_API void dvbcss_wc_service_counters(const struct dvbcss_wc_service *service,
                                           struct dvbcss_wc_server_counters *counters);

#ifdef __cplusplus
}
#endif

#endif
