/**
 * @file
 * Many WebSocket connections to one server on 127.0.0.1, run by one thread. For programs that
 * measure: what goes wrong ends the program with a message.
 */
#ifndef DVBCSS_BENCH_WS_CROWD_H
#define DVBCSS_BENCH_WS_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ws_crowd;

struct ws_crowd_options {
    uint16_t port;
    const char *path;
    /** TLS; the certificate is not looked at. */
    bool tls;
    /** Text that each sends when it is open; NULL for none. */
    const char *first_text;
    /**
     * A text has arrived.
     *
     * @param index  of the connection, from 0
     * @param text   terminated by 0
     */
    void (*on_text)(void *context, size_t index, const char *text, size_t length);
    /** For @p on_text. */
    void *context;
};

/** Ends the program with what failed and errno's text. */
_Noreturn void bench_die(const char *what);

/** CLOCK_MONOTONIC. */
uint64_t bench_now_ns(void);

/** Lets the program have as many descriptors as the system allows. */
void bench_raise_descriptor_limit(void);

/** Opens @p count connections, some at a time; returns when all are open. */
struct ws_crowd *ws_crowd_open(const struct ws_crowd_options *options, size_t count);

/** Waits until something arrives and takes it. */
void ws_crowd_turn(struct ws_crowd *crowd);

/** Closes the descriptors and frees everything, without a goodbye. */
void ws_crowd_drop(struct ws_crowd *crowd);

#endif
