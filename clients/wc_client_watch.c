#include <unistd.h>

#include "clients/wc_client_internal.h"
#include "dvbcss/log.h"
#include "dvbcss/system_time.h"

/* Readings of the suspended time vary by less, and no machine is back sooner. */
#define SHORTEST_SLEEP_NS INT64_C(10000000)

/* ---- sleep ---------------------------------------------------------------------------------- */

void wc_client_notice_sleep(struct dvbcss_wc_client *client)
{
    int64_t suspended_ns = dvbcss_suspended_ns();
    int64_t slept_ns = suspended_ns - client->suspended_ns;

    if (slept_ns < SHORTEST_SLEEP_NS)
        return;
    client->suspended_ns = suspended_ns;
    client->sleeps++;
    dvbcss_log(DVBCSS_LOG_INFO, "wc-slept", "the machine slept for %.3f s: asking %s anew",
               (double)slept_ns / (double)DVBCSS_NS_PER_S, client->server.host);
    /* The local clock stood still meanwhile, and no bound holds. */
    dvbcss_wc_client_refresh(client);
    dvbcss_wc_estimator_reset(client->estimator);
}

/* ---- network -------------------------------------------------------------------------------- */

/* The address that this machine would ask from: a question to the routing table, not the network.
 * The wildcard if it could not ask at all. */
static void find_source(const struct dvbcss_wc_client *client, union wc_address *source)
{
    const union wc_address *server = wc_client_server_address(client);
    int family = server->any.sa_family;
    int descriptor = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof *source;

    wc_address_wildcard(family, 0, source);
    if (descriptor < 0)
        return;
    if (connect(descriptor, &server->any, wc_address_size(server)) != 0 ||
        getsockname(descriptor, &source->any, &size) != 0 ||
        wc_address_from_sockaddr(&source->any, 0, source) != 0)
        wc_address_wildcard(family, 0, source);
    close(descriptor);
}

void wc_client_note_path(struct dvbcss_wc_client *client)
{
    find_source(client, &client->source);
}

static void notice_path(struct dvbcss_wc_client *client)
{
    union wc_address source;

    if (!client->channel)
        return;
    find_source(client, &source);
    if (wc_address_equal(&source, &client->source))
        return;
    client->source = source;
    client->path_changes++;
    dvbcss_log(DVBCSS_LOG_INFO, "wc-path", "the network has changed: asking %s anew",
               client->server.host);
    dvbcss_wc_client_refresh(client);
}

/* ---- watching ------------------------------------------------------------------------------- */

void wc_client_noticed(struct dvbcss_wc_client *client)
{
    notice_path(client);
    wc_client_notice_sleep(client);
}

static void on_notice(void *user)
{
    struct dvbcss_wc_client *client = user;

    if (!client->closing)
        wc_client_noticed(client);
}

static void on_notice_closed(void *user)
{
    wc_client_part_gone(user);
}

int wc_client_watch(struct dvbcss_wc_client *client)
{
    int result;

    client->suspended_ns = dvbcss_suspended_ns();
    result = wc_notice_open(&client->notice, client->loop, on_notice, client);
    if (result == 0)
        client->parts++;
    /* Without notices a sleep is noticed with the next request, and a change of network when the
     * answers stay away. */
    return result == DVBCSS_ENOMEM ? result : 0;
}

void wc_client_unwatch(struct dvbcss_wc_client *client)
{
    if (client->notice)
        wc_notice_close(client->notice, on_notice_closed);
    client->notice = NULL;
}
