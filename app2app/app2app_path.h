/**
 * @file
 * What a path says of a client of App2App: its side, and the name that it shares with its partner.
 * Private to app2app/.
 */
#ifndef DVBCSS_APP2APP_PATH_H
#define DVBCSS_APP2APP_PATH_H

#include <stdbool.h>

/** Who a client is. */
struct app2app_place {
    /** Of the TV's side. */
    bool local;
    /** Within the path. */
    const char *name;
};

/**
 * Reads what stands below the path of the endpoint.
 *
 * @param rest as "/local/NAME", "/remote/NAME", "/NAME", "/" or ""
 */
struct app2app_place app2app_place_of(const char *rest);

#endif
