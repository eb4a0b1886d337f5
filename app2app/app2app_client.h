/**
 * @file
 * What each connection of App2App carries. Private to app2app/.
 */
#ifndef DVBCSS_APP2APP_CLIENT_H
#define DVBCSS_APP2APP_CLIENT_H

#include "app2app/app2app_address.h"
#include "app2app/app2app_early.h"
#include "app2app/app2app_path.h"
#include "common/list.h"
#include "dvbcss/server.h"

struct app2app_client {
    /** On the endpoint's list while it waits. */
    struct list_node node;
    struct dvbcss_connection *connection;
    struct app2app_client *partner;
    struct app2app_place place;
    /** Not limited for the TV's own pages: they need not share with companions, nor with each
     * other. */
    struct app2app_address address;
    struct app2app_early early;
};

static inline struct app2app_client *app2app_client_of(struct dvbcss_connection *connection)
{
    return dvbcss_connection_user_data(connection);
}

#endif
