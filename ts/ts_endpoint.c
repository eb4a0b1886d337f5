#include "dvbcss/ts_endpoint.h"

#include <stddef.h>
#include <uv.h>

#include "common/list.h"
#include "dvbcss/alloc.h"
#include "dvbcss/log.h"

/* How soon to try again when there was no memory for a message. */
enum { RETRY_MS = 100 };

/* Messages of companions that are ignored: so many lines in so long. */
enum { LOG_LINES = 5 };
#define LOG_WINDOW_NS INT64_C(10000000000)

struct dvbcss_ts_endpoint {
    struct dvbcss_endpoint *base;
    /* On a further path; NULL if there is none. */
    struct dvbcss_endpoint *second_base;
    size_t user_data_size;
    struct dvbcss_ts_hub *hub;
    const struct dvbcss_clock *wall_clock;
    /* Rings when the hub has something to do; the endpoint's memory goes when it has closed. */
    uv_timer_t timer;
    struct dvbcss_ts_endpoint_hooks hooks;
    void *context;
    struct dvbcss_ts_endpoint_counters counters;
    struct dvbcss_log_limit log_limit;
    bool destroying;
};

/* What each connection carries; the application's data follows. */
struct companion {
    /* NULL if there was no memory for one: the connection is closing then. */
    struct dvbcss_ts_session *session;
    _Alignas(max_align_t) unsigned char user_data[];
};

static struct companion *companion_of(struct dvbcss_connection *connection)
{
    return dvbcss_connection_user_data(connection);
}

/* ---- running the hub ------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer);

static void ring_in(struct dvbcss_ts_endpoint *endpoint, uint64_t delay_ms)
{
    int error = uv_timer_start(&endpoint->timer, on_timer, delay_ms, 0);

    (void)error; /* Only a timer that is closing cannot be started, and needs not. */
}

/* Sets the timer to the hub's deadline, never before it: the hub would have nothing to do. */
static void set_timer(struct dvbcss_ts_endpoint *endpoint)
{
    const uint64_t ns_per_ms = 1000000;
    const int64_t now_ns = dvbcss_clock_now_ns(endpoint->wall_clock);
    int64_t deadline_ns;

    if (dvbcss_ts_hub_deadline(endpoint->hub, &deadline_ns) != 0)
        uv_timer_stop(&endpoint->timer);
    else if (deadline_ns <= now_ns)
        ring_in(endpoint, 1); /* Not 0: a source that changes whenever it is read must not spin. */
    else
        ring_in(endpoint, ((uint64_t)deadline_ns - (uint64_t)now_ns - 1) / ns_per_ms + 1);
}

/* A companion that cannot be told the truth must not go on with a stale one. */
static void give_up(struct dvbcss_ts_endpoint *endpoint, struct dvbcss_connection *connection)
{
    endpoint->counters.failures++;
    dvbcss_connection_close(connection, DVBCSS_CLOSE_TRY_AGAIN_LATER, "out of memory");
}

static void send_to_receivers(struct dvbcss_ts_endpoint *endpoint, struct dvbcss_message *message)
{
    struct dvbcss_ts_session *session;

    while ((session = dvbcss_ts_hub_next_receiver(endpoint->hub))) {
        struct dvbcss_connection *connection = dvbcss_ts_session_user(session);
        int error = dvbcss_connection_send(connection, message);

        if (!error)
            endpoint->counters.messages++;
        else if (error == DVBCSS_ENOMEM)
            give_up(endpoint, connection);
        /* Any other error means that the connection is closing. */
    }
}

void dvbcss_ts_endpoint_update(struct dvbcss_ts_endpoint *endpoint)
{
    struct dvbcss_ts_delivery delivery;

    dvbcss_ts_hub_run(endpoint->hub, dvbcss_clock_now_ns(endpoint->wall_clock));
    while (dvbcss_ts_hub_next_delivery(endpoint->hub, &delivery)) {
        struct dvbcss_message *message;

        if (dvbcss_message_create(&message, DVBCSS_MESSAGE_TEXT, delivery.text, delivery.length)) {
            /* The hub keeps what was not taken for the next run. */
            ring_in(endpoint, RETRY_MS);
            return;
        }
        endpoint->counters.encodings++;
        send_to_receivers(endpoint, message);
        dvbcss_message_release(message);
    }
    set_timer(endpoint);
}

static void on_timer(uv_timer_t *timer)
{
    dvbcss_ts_endpoint_update(CONTAINER_OF(timer, struct dvbcss_ts_endpoint, timer));
}

/* The hub asks to be run: with everything else that happens in this turn of the loop. */
static void on_replanned(void *user)
{
    ring_in(user, 0);
}

/* ---- hooks of the server -------------------------------------------------------------------- */

static void on_connect(void *context, struct dvbcss_connection *connection)
{
    struct dvbcss_ts_endpoint *endpoint = context;

    if (dvbcss_ts_session_create(&companion_of(connection)->session, endpoint->hub, connection))
        give_up(endpoint, connection);
    if (endpoint->hooks.on_connect)
        endpoint->hooks.on_connect(endpoint->context, connection);
}

static void ignore_message(struct dvbcss_ts_endpoint *endpoint,
                           struct dvbcss_connection *connection, const struct dvbcss_report *report)
{
    const int64_t now_ns = dvbcss_clock_now_ns(endpoint->wall_clock);

    endpoint->counters.ignored++;
    /* The first one of each connection, as long as these are not too many. */
    if (dvbcss_ts_session_ignored(companion_of(connection)->session) > 1 ||
        !dvbcss_log_permit(&endpoint->log_limit, now_ns, LOG_WINDOW_NS, LOG_LINES))
        return;
    dvbcss_log(DVBCSS_LOG_INFO, "ts-ignored", "%s: ignored a message: %s%s%s",
               dvbcss_connection_id(connection), report->path, *report->path ? ": " : "",
               report->reason);
}

static void on_message(void *context, struct dvbcss_connection *connection, const void *bytes,
                       size_t length, bool text)
{
    struct dvbcss_ts_endpoint *endpoint = context;
    struct dvbcss_ts_session *session = companion_of(connection)->session;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    enum dvbcss_ts_request_kind kind;

    (void)text; /* Some companions mark their JSON as binary. */
    if (!session)
        return;
    if (dvbcss_ts_session_receive(session, bytes, length, &kind, &report) != 0) {
        ignore_message(endpoint, connection, &report);
        return;
    }
    /* The hooks may destroy the endpoint: nothing of it is touched afterwards. */
    if (kind == DVBCSS_TS_REQUEST_SETUP) {
        endpoint->counters.setups++;
        dvbcss_connection_setup_done(connection);
        if (endpoint->hooks.on_setup)
            endpoint->hooks.on_setup(endpoint->context, connection,
                                     dvbcss_ts_session_setup(session));
    } else {
        endpoint->counters.presentations++;
        if (endpoint->hooks.on_presentation)
            endpoint->hooks.on_presentation(endpoint->context, connection,
                                            dvbcss_ts_session_presentation(session));
    }
}

static void on_disconnect(void *context, struct dvbcss_connection *connection, unsigned code,
                          const char *reason)
{
    struct dvbcss_ts_endpoint *endpoint = context;
    struct companion *companion = companion_of(connection);

    if (endpoint->hooks.on_disconnect)
        endpoint->hooks.on_disconnect(endpoint->context, connection, code, reason);
    /* The hook may have destroyed the endpoint, but not the session, which lives on its own. */
    dvbcss_ts_session_destroy(companion->session);
    companion->session = NULL;
}

/* ---- life ----------------------------------------------------------------------------------- */

static int add_base(struct dvbcss_ts_endpoint *endpoint, struct dvbcss_endpoint **result,
                    struct dvbcss_server *server, const struct dvbcss_ts_path_options *options)
{
    struct dvbcss_endpoint_options base = DVBCSS_ENDPOINT_OPTIONS_INIT;

    base.path = options->path;
    base.id_prefix = options->id_prefix;
    base.enabled = options->enabled;
    base.queue_policy = DVBCSS_QUEUE_NEWEST;
    base.binary_policy = DVBCSS_BINARY_ACCEPT;
    base.limits = options->limits;
    base.access = options->access;
    base.user_data_size = endpoint->user_data_size;
    base.hooks.on_connect = on_connect;
    base.hooks.on_message = on_message;
    base.hooks.on_disconnect = on_disconnect;
    base.context = endpoint;
    return dvbcss_endpoint_add(result, server, &base);
}

int dvbcss_ts_endpoint_create(struct dvbcss_ts_endpoint **endpoint, struct dvbcss_server *server,
                              const struct dvbcss_ts_endpoint_options *options)
{
    const struct dvbcss_ts_path_options path = {options->path, "ts", options->enabled,
                                                options->limits, options->access};
    struct dvbcss_ts_hub_options hub_options = options->hub;
    struct dvbcss_ts_endpoint *created;
    int error;

    if (!options->wall_clock)
        return DVBCSS_EINVAL;
    created = dvbcss_calloc(1, sizeof *created);
    if (!created)
        return DVBCSS_ENOMEM;
    created->wall_clock = options->wall_clock;
    created->user_data_size = sizeof(struct companion) + options->user_data_size;
    created->hooks = options->hooks;
    created->context = options->context;
    hub_options.replanned = on_replanned;
    hub_options.user = created;
    error = dvbcss_ts_hub_create(&created->hub, &hub_options);
    if (!error)
        error = add_base(created, &created->base, server, &path);
    if (error) {
        dvbcss_ts_hub_destroy(created->hub);
        dvbcss_free(created);
        return error;
    }
    uv_timer_init(dvbcss_server_loop(server), &created->timer); /* Cannot fail. */
    *endpoint = created;
    return 0;
}

int dvbcss_ts_endpoint_add_path(struct dvbcss_ts_endpoint *endpoint, struct dvbcss_endpoint **base,
                                struct dvbcss_server *server,
                                const struct dvbcss_ts_path_options *options)
{
    int error;

    if (endpoint->second_base)
        return DVBCSS_EFULL;
    error = add_base(endpoint, &endpoint->second_base, server, options);
    if (!error)
        *base = endpoint->second_base;
    return error;
}

static void on_timer_closed(uv_handle_t *timer)
{
    dvbcss_free(CONTAINER_OF((uv_timer_t *)timer, struct dvbcss_ts_endpoint, timer));
}

void dvbcss_ts_endpoint_destroy(struct dvbcss_ts_endpoint *endpoint)
{
    /* A hook that is called from here may well ask for the same. */
    if (!endpoint || endpoint->destroying)
        return;
    endpoint->destroying = true;
    dvbcss_endpoint_remove(endpoint->second_base);
    dvbcss_endpoint_remove(endpoint->base);
    dvbcss_ts_hub_destroy(endpoint->hub);
    uv_close((uv_handle_t *)&endpoint->timer, on_timer_closed);
}

/* ---- looking -------------------------------------------------------------------------------- */

struct dvbcss_ts_hub *dvbcss_ts_endpoint_hub(const struct dvbcss_ts_endpoint *endpoint)
{
    return endpoint->hub;
}

int dvbcss_ts_endpoint_window(const struct dvbcss_ts_endpoint *endpoint, const char *selector,
                              struct dvbcss_ts_window *out)
{
    return dvbcss_ts_hub_window(endpoint->hub, selector, dvbcss_clock_now_ns(endpoint->wall_clock),
                                out);
}

struct dvbcss_endpoint *dvbcss_ts_endpoint_base(const struct dvbcss_ts_endpoint *endpoint)
{
    return endpoint->base;
}

const struct dvbcss_ts_endpoint_counters *
dvbcss_ts_endpoint_counters(const struct dvbcss_ts_endpoint *endpoint)
{
    return &endpoint->counters;
}

void *dvbcss_ts_endpoint_user_data(struct dvbcss_connection *connection)
{
    return companion_of(connection)->user_data;
}

const struct dvbcss_ts_session *dvbcss_ts_endpoint_session(struct dvbcss_connection *connection)
{
    return companion_of(connection)->session;
}
