/**
 * @file
 * One companion of the soak: a bare socket that shakes hands, speaks WebSocket, by TLS or not, and
 * keeps what it was told. What it does when is decided elsewhere (soak_crowd.h).
 */
#ifndef TESTS_SOAK_COMPANION_H
#define TESTS_SOAK_COMPANION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "soak_tls.h"

enum soak_role { SOAK_CII, SOAK_TS };

enum soak_phase {
    SOAK_ABSENT,
    SOAK_CONNECTING,
    SOAK_SECURING,
    SOAK_SHAKING,
    SOAK_OPEN,
};

/** What the server may do with it. */
enum soak_manner {
    /** It does nothing wrong: the server must not end it. */
    SOAK_GOOD,
    /** It did not read for a while or was closed by control: the server may end it. */
    SOAK_SLACK,
    /** It has broken the protocol: whatever happens to it, nobody looks at what it knows. */
    SOAK_BAD,
};

struct soak_companion {
    int fd;
    /** NULL without TLS. */
    SSL *tls;
    unsigned number;
    enum soak_role role;
    enum soak_phase phase;
    enum soak_manner manner;
    /** What happens once it is connected instead of a right handshake; NULL for that. */
    const char *opening;
    /** Does not read; does not answer pings. */
    bool stalled;
    bool mute;
    /** TS: what it has asked for. */
    const char *stem;
    const char *selector;
    /** CII: the state, merged. TS: the newest control timestamp. NULL: nothing yet. */
    json_t *known;
    /** When it is its turn to do something. */
    uint64_t next_ms;
    /** The reason of the close frame that came. */
    char reason[124];
    uint8_t *input;
    size_t length;
    size_t size;
};

/** How a connection came to its end. */
enum soak_end {
    SOAK_LIVES,
    /** By its server: with a close frame, without. */
    SOAK_CLOSED,
    SOAK_LOST,
    /** What came was not what a server sends. */
    SOAK_WRONG,
};

/** Starts to connect, from an address of its own, with TLS unless @p tls is NULL. Returns whether
 * that went well. */
bool soak_companion_connect(struct soak_companion *companion, uint16_t port, SSL_CTX *tls);

/** The socket is ready to be written or read: goes on as far as it comes. @p code is set to that of
 * a close frame, 1005 if it has none. */
enum soak_end soak_companion_go_on(struct soak_companion *companion, unsigned *code);

/** Sends a masked frame; what the socket does not take is lost, and with it the connection. */
bool soak_companion_send(struct soak_companion *companion, int first_byte, const void *payload,
                         size_t length);

/** Sends bytes as they are, not in a frame. */
bool soak_companion_send_raw(struct soak_companion *companion, const void *bytes, size_t length);

/** Sends bytes as they are, not in a record of TLS either. */
bool soak_companion_send_bare(struct soak_companion *companion, const void *bytes, size_t length);

/** Sends setup-data for what `stem` and `selector` say. */
bool soak_companion_set_up(struct soak_companion *companion);

/** Leaves, with a reset or without, and forgets everything. */
void soak_companion_leave(struct soak_companion *companion, bool reset);

#endif
