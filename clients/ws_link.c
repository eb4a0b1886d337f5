#include "clients/ws_link.h"

#include <stdio.h>
#include <string.h>

#include "clients/backoff.h"
#include "clients/ws_client.h"
#include "dvbcss/alloc.h"
#include "dvbcss/log.h"

/* Messages that are not understood: so many lines in so long. */
enum { LOG_LINES = 5 };
#define LOG_WINDOW_NS INT64_C(60000000000)

struct ws_link {
    uv_loop_t *loop;
    const char *name;
    struct ws_client *client;
    const struct ws_link_events *events;
    void *user;
    struct dvbcss_client_status status;
    struct dvbcss_log_limit log_limit;
    bool reconnect;
    struct backoff backoff;
    uint64_t opened_at_ms;
    uv_timer_t retry;

    unsigned parts;
    void (*destroyed)(void *user);
    void *destroyed_user;
};

/* ---- connecting ------------------------------------------------------------------------------ */

static void on_retry(uv_timer_t *timer)
{
    struct ws_link *link = timer->data;

    link->status.attempts++;
    ws_client_connect(link->client);
}

static uint32_t random_number(void)
{
    uint32_t number = 0;

    /* Without random numbers the delays are the longest ones. */
    (void)uv_random(NULL, NULL, &number, sizeof number, 0, NULL);
    return number;
}

static void on_opened(void *user)
{
    struct ws_link *link = user;

    link->opened_at_ms = uv_now(link->loop);
    link->status.connected = true;
    link->status.connections++;
    snprintf(link->status.peer, sizeof link->status.peer, "%s", ws_client_peer(link->client));
    dvbcss_log(DVBCSS_LOG_INFO, "client-connected", "%s: connected to %s", link->name,
               link->status.peer);
    link->events->opened(link->user);
}

static void on_ended(void *user, const struct dvbcss_disconnect *reason)
{
    struct ws_link *link = user;
    struct dvbcss_disconnect why = *reason;

    if (why.was_open)
        backoff_connection_lived(&link->backoff, uv_now(link->loop) - link->opened_at_ms);
    if (link->reconnect) {
        why.retry_in_ms = backoff_next(&link->backoff, random_number(), why.retry_after_s);
        (void)uv_timer_start(&link->retry, on_retry, (uint64_t)why.retry_in_ms, 0);
    }
    link->status.connected = false;
    link->status.last_error = why.error;
    memcpy(link->status.last_text, why.text, sizeof link->status.last_text);
    dvbcss_log(DVBCSS_LOG_INFO, "client-disconnected", "%s: %s; next attempt in %lld ms",
               link->name, why.text, (long long)why.retry_in_ms);
    link->events->ended(link->user, &why);
}

/* ---- messages -------------------------------------------------------------------------------- */

static void refuse(struct ws_link *link, const struct dvbcss_report *report, const char *text,
                   size_t length)
{
    link->status.protocol_errors++;
    if (dvbcss_log_permit(&link->log_limit, (int64_t)uv_hrtime(), LOG_WINDOW_NS, LOG_LINES))
        dvbcss_log(DVBCSS_LOG_WARNING, "client-message-refused", "%s: %s %s", link->name,
                   report->path, report->reason);
    link->events->protocol_error(link->user, report, text, length);
}

static void on_text(void *user, const char *text, size_t length)
{
    struct ws_link *link = user;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;

    if (link->events->text(link->user, text, length, &report))
        link->status.messages++;
    else
        refuse(link, &report, text, length);
}

static void on_binary(void *user, size_t length)
{
    const struct dvbcss_report report = {.error = DVBCSS_EMESSAGETYPE,
                                         .reason = "expected a text message, got a binary one"};

    (void)length;
    refuse(user, &report, "", 0);
}

static const struct ws_client_events client_events = {
    .opened = on_opened,
    .text = on_text,
    .binary = on_binary,
    .ended = on_ended,
};

int ws_link_send(struct ws_link *link, const char *text, size_t length)
{
    return ws_client_send(link->client, text, length);
}

void ws_link_fail(struct ws_link *link, int error)
{
    ws_client_fail(link->client, error);
}

const char *ws_link_peer(const struct ws_link *link)
{
    return link->status.peer;
}

void ws_link_status(const struct ws_link *link, struct dvbcss_client_status *status)
{
    *status = link->status;
}

/* ---- creating and destroying ----------------------------------------------------------------- */

static void part_gone(struct ws_link *link)
{
    void (*destroyed)(void *user) = link->destroyed;
    void *user = link->destroyed_user;

    if (--link->parts > 0)
        return;
    dvbcss_free(link);
    if (destroyed)
        destroyed(user);
}

static void on_client_destroyed(void *user)
{
    part_gone(user);
}

static void on_retry_closed(uv_handle_t *handle)
{
    part_gone(handle->data);
}

int ws_link_create(struct ws_link **out, uv_loop_t *loop, const char *name, const char *url,
                   const struct dvbcss_client_options *options, const struct ws_link_events *events,
                   void *user, struct dvbcss_report *report)
{
    struct ws_link *link;
    int error;

    if (options->retry_min_ms == 0 || options->retry_max_ms < options->retry_min_ms)
        return DVBCSS_EINVAL;
    link = dvbcss_calloc(1, sizeof *link);
    if (!link)
        return DVBCSS_ENOMEM;
    link->loop = loop;
    link->name = name;
    link->events = events;
    link->user = user;
    link->reconnect = options->reconnect;
    link->backoff.min_ms = options->retry_min_ms;
    link->backoff.max_ms = options->retry_max_ms;
    link->backoff.stable_ms = options->stable_ms;
    error = ws_client_create(&link->client, loop, url, options, &client_events, link, report);
    if (error) {
        dvbcss_free(link);
        return error;
    }
    (void)uv_timer_init(loop, &link->retry);
    link->retry.data = link;
    (void)uv_timer_start(&link->retry, on_retry, 0, 0);
    link->parts = 2;
    *out = link;
    return 0;
}

void ws_link_destroy(struct ws_link *link, void (*destroyed)(void *user), void *user)
{
    link->destroyed = destroyed;
    link->destroyed_user = user;
    ws_client_destroy(link->client, on_client_destroyed, link);
    uv_close((uv_handle_t *)&link->retry, on_retry_closed);
}
