#include "dvbcss/cii_client.h"

#include <stdbool.h>
#include <string.h>

#include "clients/ws_link.h"
#include "dvbcss/alloc.h"
#include "dvbcss/url.h"

struct dvbcss_cii_client {
    struct ws_link *link;
    struct dvbcss_cii_client_events events;
    void *user;
    struct dvbcss_cii state;
    /* No message has come on this connection yet. */
    bool fresh;
    dvbcss_client_closed closed;
    void *closed_user;
};

static void on_opened(void *user)
{
    struct dvbcss_cii_client *client = user;

    client->fresh = true;
    if (client->events.connected)
        client->events.connected(client->user);
}

static void on_ended(void *user, const struct dvbcss_disconnect *why)
{
    struct dvbcss_cii_client *client = user;

    if (client->events.disconnected)
        client->events.disconnected(client->user, why);
}

static void on_protocol_error(void *user, const struct dvbcss_report *report, const char *text,
                              size_t length)
{
    struct dvbcss_cii_client *client = user;

    if (client->events.protocol_error)
        client->events.protocol_error(client->user, report, text, length);
}

/* Puts the peer's address where the TV advertised a host that only the TV itself can mean. What is
 * no URL at all stays as it is: whoever wants to use it will say so. */
static int repair_url(struct dvbcss_cii *message, enum dvbcss_cii_property property,
                      unsigned schemes, const char *peer)
{
    const char *text = dvbcss_cii_text(message, property);
    char repaired[DVBCSS_URL_TEXT_SIZE];
    struct dvbcss_url advertised;
    struct dvbcss_url url;
    int error;

    if (!text || dvbcss_url_parse_advertised(text, schemes, peer, &url, NULL) != 0)
        return 0;
    if (dvbcss_url_parse(text, schemes, &advertised, NULL) == 0 &&
        strcmp(advertised.host, url.host) == 0)
        return 0;
    error = dvbcss_url_format(&url, repaired, sizeof repaired);
    return error ? error : dvbcss_cii_set_text(message, property, repaired);
}

static int repair_urls(struct dvbcss_cii *message, const char *peer)
{
    static const struct {
        enum dvbcss_cii_property property;
        unsigned schemes;
    } urls[] = {
        {DVBCSS_CII_MRS_URL, (unsigned)DVBCSS_URL_HTTP | (unsigned)DVBCSS_URL_HTTPS},
        {DVBCSS_CII_WC_URL, DVBCSS_URL_UDP},
        {DVBCSS_CII_TS_URL, DVBCSS_URL_ANY_WEBSOCKET},
        {DVBCSS_CII_TE_URL, DVBCSS_URL_ANY_WEBSOCKET},
    };

    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        int error = repair_url(message, urls[i].property, urls[i].schemes, peer);

        if (error)
            return error;
    }
    return 0;
}

/* The first message of a connection says everything that there is to say: what it leaves out and a
 * former connection said is gone. Returns the properties for which that is so. */
static unsigned forget_left_out(struct dvbcss_cii *state, const struct dvbcss_cii *message)
{
    unsigned gone = dvbcss_cii_defined(state) & ~dvbcss_cii_defined(message);

    for (int property = 0; property < DVBCSS_CII_PROPERTY_COUNT; property++)
        if (gone & DVBCSS_CII_BIT(property))
            dvbcss_cii_omit(state, (enum dvbcss_cii_property)property);
    return gone;
}

static bool on_text(void *user, const char *text, size_t length, struct dvbcss_report *report)
{
    struct dvbcss_cii_client *client = user;
    struct dvbcss_cii message = DVBCSS_CII_INIT;
    unsigned changed = 0;
    int error;

    if (client->events.text)
        client->events.text(client->user, text, length);
    error = dvbcss_cii_decode(text, length, DVBCSS_TOLERANT, &message, report);
    if (error == 0) {
        error = repair_urls(&message, ws_link_peer(client->link));
        if (error == 0)
            error = dvbcss_cii_merge(&client->state, &message, &changed);
        report->error = error;
    }
    if (error == 0 && client->fresh) {
        client->fresh = false;
        changed |= forget_left_out(&client->state, &message);
    }
    if (error == 0 && client->events.received)
        client->events.received(client->user, &message, changed);
    dvbcss_cii_finish(&message);
    return error == 0;
}

static const struct ws_link_events link_events = {
    .opened = on_opened,
    .text = on_text,
    .protocol_error = on_protocol_error,
    .ended = on_ended,
};

int dvbcss_cii_client_create(struct dvbcss_cii_client **out, uv_loop_t *loop,
                             const struct dvbcss_cii_client_options *options,
                             struct dvbcss_report *report)
{
    struct dvbcss_cii_client *client;
    int error;

    if (!options->url)
        return DVBCSS_EINVAL;
    client = dvbcss_calloc(1, sizeof *client);
    if (!client)
        return DVBCSS_ENOMEM;
    client->events = options->events;
    client->user = options->user;
    dvbcss_cii_init(&client->state);
    error = ws_link_create(&client->link, loop, "cii", options->url, &options->connection,
                           &link_events, client, report);
    if (error) {
        dvbcss_free(client);
        return error;
    }
    *out = client;
    return 0;
}

static void on_destroyed(void *user)
{
    struct dvbcss_cii_client *client = user;
    dvbcss_client_closed closed = client->closed;
    void *closed_user = client->closed_user;

    dvbcss_cii_finish(&client->state);
    dvbcss_free(client);
    if (closed)
        closed(closed_user);
}

void dvbcss_cii_client_close(struct dvbcss_cii_client *client, dvbcss_client_closed closed,
                             void *user)
{
    if (!client)
        return;
    client->closed = closed;
    client->closed_user = user;
    /* It may be closed from inside `text`, and what follows there tells nothing more. */
    client->events = (struct dvbcss_cii_client_events){0};
    ws_link_destroy(client->link, on_destroyed, client);
}

const struct dvbcss_cii *dvbcss_cii_client_state(const struct dvbcss_cii_client *client)
{
    return &client->state;
}

void dvbcss_cii_client_status(const struct dvbcss_cii_client *client,
                              struct dvbcss_client_status *status)
{
    ws_link_status(client->link, status);
}
