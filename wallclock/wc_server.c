#include "dvbcss/wc_server.h"

#include <uv.h>

#include "dvbcss/alloc.h"
#include "wallclock/wc_answerer.h"

enum {
    /* A follow-up may wait as long for its stamp (see wc_follow_ups.h). */
    FOLLOW_UP_WAIT_MS = 1,
};

struct dvbcss_wc_server {
    uv_poll_t poll;
    /* Runs while follow-ups wait for their stamps. */
    uv_timer_t timer;
    unsigned open_handles;
    /* NULL once closed. */
    struct wc_answerer *answerer;
    dvbcss_wc_server_closed closed;
    void *closed_user;
};

/* ---- answering ------------------------------------------------------------------------------ */

static void on_timer(uv_timer_t *timer);
static void on_poll(uv_poll_t *poll, int status, int events);

static int start_polling(struct dvbcss_wc_server *server)
{
    return uv_poll_start(&server->poll, wc_answerer_poll_events(server->answerer), on_poll);
}

/* Has those that wait looked at again. The timer that runs is that of the oldest. */
static void schedule_follow_ups(struct dvbcss_wc_server *server)
{
    if (wc_answerer_wait_ns(server->answerer) >= 0 && !uv_is_active((uv_handle_t *)&server->timer))
        (void)uv_timer_start(&server->timer, on_timer, FOLLOW_UP_WAIT_MS, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct dvbcss_wc_server *server = timer->data;

    wc_answerer_follow_up(server->answerer);
    schedule_follow_ups(server);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct dvbcss_wc_server *server = poll->data;

    if (status != 0) {
        /* libuv has stopped polling; nothing that a peer sends may make that last. */
        wc_answerer_clear_error(server->answerer);
        (void)start_polling(server);
    }
    wc_answerer_turn(server->answerer);
    if (status != 0 || events & UV_PRIORITIZED)
        wc_answerer_follow_up(server->answerer);
    schedule_follow_ups(server);
}

/* ---- life ----------------------------------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct dvbcss_wc_server *server = handle->data;
    dvbcss_wc_server_closed closed = server->closed;
    void *user = server->closed_user;

    if (--server->open_handles > 0)
        return;
    dvbcss_free(server);
    if (closed)
        closed(user);
}

int dvbcss_wc_server_create(struct dvbcss_wc_server **out, uv_loop_t *loop,
                            const struct dvbcss_wc_server_options *options)
{
    static const struct dvbcss_wc_server_options defaults = DVBCSS_WC_SERVER_OPTIONS_INIT;
    struct dvbcss_wc_server *server = dvbcss_calloc(1, sizeof *server);
    int result;

    if (!server)
        return DVBCSS_ENOMEM;
    result = wc_answerer_open(&server->answerer, options ? options : &defaults);
    if (result == 0 &&
        uv_poll_init(loop, &server->poll, wc_answerer_descriptor(server->answerer)) != 0)
        result = DVBCSS_EIO;
    if (result != 0) {
        wc_answerer_close(server->answerer);
        dvbcss_free(server);
        return result;
    }
    server->poll.data = server;
    /* Cannot fail. */
    (void)uv_timer_init(loop, &server->timer);
    server->timer.data = server;
    server->open_handles = 2;
    if (start_polling(server) != 0) {
        dvbcss_wc_server_close(server, NULL, NULL);
        return DVBCSS_EIO;
    }
    *out = server;
    return 0;
}

void dvbcss_wc_server_close(struct dvbcss_wc_server *server, dvbcss_wc_server_closed closed,
                            void *user)
{
    if (!server)
        return;
    server->closed = closed;
    server->closed_user = user;
    uv_close((uv_handle_t *)&server->poll, on_handle_closed);
    uv_close((uv_handle_t *)&server->timer, on_handle_closed);
    /* At once, so that the port is free. */
    wc_answerer_close(server->answerer);
    server->answerer = NULL;
}

/* ---- reading -------------------------------------------------------------------------------- */

uint16_t dvbcss_wc_server_port(const struct dvbcss_wc_server *server)
{
    return wc_address_port(wc_answerer_address(server->answerer));
}

int dvbcss_wc_server_address(const struct dvbcss_wc_server *server, char *text, size_t size)
{
    return wc_address_format(wc_answerer_address(server->answerer), text, size);
}

double dvbcss_wc_server_precision_s(const struct dvbcss_wc_server *server)
{
    return wc_answerer_precision_s(server->answerer);
}

void dvbcss_wc_server_counters(const struct dvbcss_wc_server *server,
                               struct dvbcss_wc_server_counters *counters)
{
    wc_answerer_counters(server->answerer, counters);
}
