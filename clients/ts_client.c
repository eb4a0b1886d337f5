#include "dvbcss/ts_client.h"

#include <stdio.h>

#include "clients/ws_link.h"
#include "dvbcss/alloc.h"
#include "dvbcss/ts_controller.h"

struct dvbcss_ts_client {
    struct ws_link *link;
    struct dvbcss_ts_client_events events;
    void *user;
    struct dvbcss_ts_controller controller;
    /* Encoded once: the same for every connection. */
    char *setup;
    size_t setup_length;
    bool closing;
    dvbcss_client_closed closed;
    void *closed_user;
};

/* Tells what a control timestamp or a loss did, timing first. The program may close the client in
 * any of these, and in a listener of the clock before. */
static void tell_effects(struct dvbcss_ts_client *client, unsigned effects)
{
    if (client->closing)
        return;
    if ((effects & DVBCSS_TS_TIMING) && client->events.timing)
        client->events.timing(client->user, (effects & DVBCSS_TS_SPEED) != 0);
    if (client->closing || !client->events.availability)
        return;
    if (effects & (DVBCSS_TS_AVAILABLE | DVBCSS_TS_UNAVAILABLE))
        client->events.availability(client->user, (effects & DVBCSS_TS_AVAILABLE) != 0);
}

static void on_opened(void *user)
{
    struct dvbcss_ts_client *client = user;
    int error = ws_link_send(client->link, client->setup, client->setup_length);

    /* Without setup-data the TV would never say anything: better try anew. */
    if (error)
        ws_link_fail(client->link, error);
    else if (client->events.connected)
        client->events.connected(client->user);
}

static bool on_text(void *user, const char *text, size_t length, struct dvbcss_report *report)
{
    struct dvbcss_ts_client *client = user;
    struct dvbcss_ts_control_timestamp timestamp;
    unsigned effects = 0;

    if (client->events.text)
        client->events.text(client->user, text, length);
    if (client->closing)
        return true;
    if (dvbcss_ts_control_timestamp_decode(text, length, DVBCSS_TOLERANT, &timestamp, report) != 0)
        return false;
    if (client->events.control_timestamp)
        client->events.control_timestamp(client->user, &timestamp);
    if (client->closing)
        return true;
    report->error = dvbcss_ts_controller_apply(&client->controller, &timestamp, &effects);
    if (report->error != 0) {
        snprintf(report->reason, sizeof report->reason, "the timeline clock cannot follow");
        return false;
    }
    tell_effects(client, effects);
    return true;
}

static void on_protocol_error(void *user, const struct dvbcss_report *report, const char *text,
                              size_t length)
{
    struct dvbcss_ts_client *client = user;

    if (client->events.protocol_error)
        client->events.protocol_error(client->user, report, text, length);
}

static void on_ended(void *user, const struct dvbcss_disconnect *why)
{
    struct dvbcss_ts_client *client = user;

    tell_effects(client, dvbcss_ts_controller_lose(&client->controller));
    if (!client->closing && client->events.disconnected)
        client->events.disconnected(client->user, why);
}

static const struct ws_link_events link_events = {
    .opened = on_opened,
    .text = on_text,
    .protocol_error = on_protocol_error,
    .ended = on_ended,
};

static int encode_setup(struct dvbcss_ts_client *client,
                        const struct dvbcss_ts_client_options *options)
{
    const struct dvbcss_ts_setup setup = {.content_id_stem = options->content_id_stem,
                                          .timeline_selector = options->timeline_selector};
    size_t length = 0;
    int error = dvbcss_ts_setup_encode(&setup, NULL, 0, &length);

    if (error != DVBCSS_ENOSPC)
        return error ? error : DVBCSS_EINVAL;
    client->setup = dvbcss_malloc(length + 1);
    if (!client->setup)
        return DVBCSS_ENOMEM;
    return dvbcss_ts_setup_encode(&setup, client->setup, length + 1, &client->setup_length);
}

int dvbcss_ts_client_create(struct dvbcss_ts_client **out, uv_loop_t *loop,
                            const struct dvbcss_ts_client_options *options,
                            struct dvbcss_report *report)
{
    struct dvbcss_ts_client *client;
    int error;

    if (!options->url || !options->content_id_stem || !options->timeline_selector ||
        !options->timeline || !dvbcss_clock_parent(options->timeline) ||
        !(options->threshold_s >= 0.0))
        return DVBCSS_EINVAL;
    client = dvbcss_calloc(1, sizeof *client);
    if (!client)
        return DVBCSS_ENOMEM;
    client->events = options->events;
    client->user = options->user;
    client->controller = (struct dvbcss_ts_controller){.timeline = options->timeline,
                                                       .threshold_s = options->threshold_s};
    error = encode_setup(client, options);
    if (error)
        goto fail;
    error = ws_link_create(&client->link, loop, "ts", options->url, &options->connection,
                           &link_events, client, report);
    if (error)
        goto fail;
    error = dvbcss_ts_controller_begin(&client->controller);
    if (error) {
        dvbcss_ts_client_close(client, NULL, NULL);
        return error;
    }
    *out = client;
    return 0;

fail:
    dvbcss_free(client->setup);
    dvbcss_free(client);
    return error;
}

static void on_destroyed(void *user)
{
    struct dvbcss_ts_client *client = user;
    dvbcss_client_closed closed = client->closed;
    void *closed_user = client->closed_user;

    dvbcss_free(client->setup);
    dvbcss_free(client);
    if (closed)
        closed(closed_user);
}

void dvbcss_ts_client_close(struct dvbcss_ts_client *client, dvbcss_client_closed closed,
                            void *user)
{
    if (!client)
        return;
    client->closing = true;
    client->closed = closed;
    client->closed_user = user;
    (void)dvbcss_ts_controller_lose(&client->controller);
    /* It may be closed from a listener of the clock, which is not to be touched afterwards. */
    client->controller.timeline = NULL;
    ws_link_destroy(client->link, on_destroyed, client);
}

int dvbcss_ts_client_report(struct dvbcss_ts_client *client,
                            const struct dvbcss_ts_presentation *presentation)
{
    char text[DVBCSS_TS_PRESENTATION_SIZE];
    size_t length;
    int error = dvbcss_ts_presentation_encode(presentation, text, sizeof text, &length);

    return error ? error : ws_link_send(client->link, text, length);
}

int dvbcss_ts_client_report_clocks(struct dvbcss_ts_client *client,
                                   const struct dvbcss_clock *earliest,
                                   const struct dvbcss_clock *latest, bool with_actual)
{
    struct dvbcss_ts_presentation presentation;
    int error = dvbcss_ts_controller_report(&client->controller, earliest, latest, with_actual,
                                            &presentation);

    return error ? error : dvbcss_ts_client_report(client, &presentation);
}

bool dvbcss_ts_client_available(const struct dvbcss_ts_client *client)
{
    return client->controller.available;
}

bool dvbcss_ts_client_latest(const struct dvbcss_ts_client *client,
                             struct dvbcss_ts_control_timestamp *timestamp)
{
    if (client->controller.has_latest)
        *timestamp = client->controller.latest;
    return client->controller.has_latest;
}

void dvbcss_ts_client_status(const struct dvbcss_ts_client *client,
                             struct dvbcss_client_status *status)
{
    ws_link_status(client->link, status);
}
