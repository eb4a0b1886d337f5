/**
 * @file
 * Connections that were refused before anything was read from them. Closed at once, the system
 * would reset them as soon as their request comes, and many peers would never see the answer; so
 * the last few stay open for a while. Private to server-core.
 */
#ifndef DVBCSS_WS_FAREWELLS_H
#define DVBCSS_WS_FAREWELLS_H

#include <stdint.h>

enum {
    WS_FAREWELLS = 16,
    WS_FAREWELL_MS = 2000,
};

struct ws_farewells {
    /** As a ring; -1 for none. */
    struct {
        int fd;
        uint64_t since_ms;
    } slots[WS_FAREWELLS];
    unsigned next;
};

/** Makes them none. */
void ws_farewells_init(struct ws_farewells *farewells);

/** Keeps a socket that was answered, for WS_FAREWELL_MS at most: the oldest makes room. */
void ws_farewells_keep(struct ws_farewells *farewells, int fd, uint64_t now_ms);

/** Closes those whose time is over. */
void ws_farewells_check(struct ws_farewells *farewells, uint64_t now_ms);

/** Closes all. */
void ws_farewells_end(struct ws_farewells *farewells);

#endif
