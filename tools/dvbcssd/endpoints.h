/**
 * @file
 * The WebSocket endpoints by number and by name.
 */
#ifndef DVBCSSD_ENDPOINTS_H
#define DVBCSSD_ENDPOINTS_H

#include <stdbool.h>

#include "services.h"

enum endpoint_kind {
    ENDPOINT_CII,
    ENDPOINT_TS,
    ENDPOINT_WC_WS,
    ENDPOINT_APP2APP,
    ENDPOINT_COMPAT_CII,
    ENDPOINT_COMPAT_WC,
    ENDPOINT_COMPAT_TS,
    ENDPOINT_PAGE,
    ENDPOINT_COUNT,
};

/** "cii", "ts", ... */
extern const char *const endpoint_names[ENDPOINT_COUNT];

/** Finds an endpoint by its name; false if there is none. */
bool endpoint_named(const char *name, enum endpoint_kind *kind);

/** The endpoint on the companions' listener. */
struct dvbcss_endpoint *endpoint_of(const struct services *services, enum endpoint_kind kind);

/** Lets companions in or not: 0 or a dvbcss_error. */
DVBCSS_NODISCARD int endpoint_enable(struct services *services, enum endpoint_kind kind,
                                     bool enabled);

/** The wall clock behind an endpoint; NULL if it is none. */
struct dvbcss_wc_ws_endpoint *endpoint_wc_ws(const struct services *services,
                                             enum endpoint_kind kind);

/** Whether an endpoint speaks CSS-CII, or CSS-TS. */
bool endpoint_speaks_cii(enum endpoint_kind kind);
bool endpoint_speaks_ts(enum endpoint_kind kind);

/** Finds an open connection by its id; NULL if there is none. */
struct dvbcss_connection *endpoint_find_connection(const struct services *services, const char *id,
                                                   enum endpoint_kind *kind);

#endif
