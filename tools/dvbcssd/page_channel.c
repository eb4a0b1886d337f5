#include "page_channel.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "connection_log.h"
#include "dvbcss/alloc.h"
#include "limits.h"
#include "page_channel_internal.h"
#include "services.h"

enum {
    /* Beside their bytes, which are configured: what each costs in itself. */
    MAX_QUEUED_MESSAGES = 16384,
    /* What companions do within this time is told together. */
    GATHER_MS = 20,
    LOGGED_PER_S = 5,
};

int64_t page_now_ns(void)
{
    return (int64_t)uv_hrtime();
}

int64_t page_wall_now_ns(const struct page_channel *channel)
{
    return dvbcss_clock_now_ns(channel->services->wall_clock);
}

/* ---- saying --------------------------------------------------------------------------------- */

/* Messages for a page that cannot take them are lost with its connection. */
bool page_tell(struct page_channel *channel, struct page *page, json_t *message)
{
    size_t length;
    char *text = message ? page_json_text(message, &length) : NULL;
    int error = text ? dvbcss_connection_send_text(page->connection, text, length) : DVBCSS_ENOMEM;

    dvbcss_free(text);
    json_decref(message);
    channel->counters.sent += error == 0;
    return error == 0 && !dvbcss_connection_congested(page->connection);
}

void page_log(struct page_channel *channel, const struct page *page, enum dvbcss_log_level level,
              const char *what)
{
    char peer[DVBCSS_ADDRESS_TEXT_SIZE], name[PAGE_NAME_MAX * 4 + 1];

    if (!dvbcss_log_enabled(level) ||
        !dvbcss_log_permit(&channel->log, page_now_ns(), 1000000000, LOGGED_PER_S))
        return;
    dvbcss_log_escape(name, sizeof name, page->hello.name, strlen(page->hello.name));
    dvbcss_log(level, "page", "%s (%s%s%s): %s", dvbcss_connection_id(page->connection),
               dvbcss_address_format(dvbcss_connection_peer(page->connection), peer),
               *name ? ", " : "", name, what);
}

/* ---- companions ----------------------------------------------------------------------------- */

static bool send_to_owner(void *user, json_t *message)
{
    struct page_channel *channel = user;

    return page_tell(channel, page_of(channel->session.owner), message);
}

static void on_gather(uv_timer_t *timer)
{
    struct page_channel *channel = CONTAINER_OF(timer, struct page_channel, gather);

    page_companions_tell(&channel->companions);
}

void page_channel_companions_changed(struct page_channel *channel)
{
    if (channel && channel->companions.listening && !uv_is_active((uv_handle_t *)&channel->gather))
        uv_timer_start(&channel->gather, on_gather, GATHER_MS, 0);
}

void page_channel_companion_left(struct page_channel *channel, struct dvbcss_connection *connection,
                                 const struct page_companion *companion)
{
    if (!channel)
        return;
    page_companions_left(&channel->companions, connection, companion);
    page_channel_companions_changed(channel);
}

/* ---- hooks ---------------------------------------------------------------------------------- */

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;

        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    if (address->sa_family == AF_INET6) {
        const struct in6_addr *v6 =
            &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;

        return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127);
    }
    return false;
}

static bool needs_token(const struct page_channel *channel, const struct sockaddr *peer)
{
    return !channel->services->config->page.trust_loopback || !is_loopback(peer);
}

/* Nobody could show a token if there is none. */
static void on_handshake(void *context, const struct dvbcss_handshake *handshake)
{
    static const char body[] =
        "Pages on other machines need a token, and page.token_file and page.token are not set.\n";
    struct page_channel *channel = context;
    struct dvbcss_http_response response = DVBCSS_HTTP_RESPONSE_INIT;
    int error;

    if (!needs_token(channel, handshake->peer) || token_is_set(&channel->token))
        return;
    channel->counters.unauthorized++;
    response.status = 403;
    response.content_type = "text/plain; charset=utf-8";
    response.body = body;
    response.body_length = sizeof body - 1;
    error = dvbcss_handshake_refuse(handshake, &response);
    (void)error; /* It is refused in any case. */
}

static void on_connect(void *context, struct dvbcss_connection *connection)
{
    struct page_channel *channel = context;
    struct page *page = dvbcss_connection_user_data(connection);
    bool token_needed = needs_token(channel, dvbcss_connection_peer(connection));

    page->connection = connection;
    list_init(&page->waiting);
    page->hello.version = 1;
    page_tell(channel, page,
              page_write_hello(dvbcss_connection_id(connection), token_needed,
                               channel->services->config->page.silence_timeout_s));
    if (token_needed)
        page_await_token(channel, page);
    else
        page_admit(channel, page);
}

static void on_message(void *context, struct dvbcss_connection *connection, const void *bytes,
                       size_t length, bool text)
{
    struct page_channel *channel = context;
    int64_t came_ns = page_wall_now_ns(channel);

    (void)text; /* The endpoint refuses binary messages. */
    channel->counters.messages++;
    page_take(channel, dvbcss_connection_user_data(connection), bytes, length, came_ns);
}

static void on_drained(void *context, struct dvbcss_connection *connection)
{
    struct page_channel *channel = context;
    const struct page *page = dvbcss_connection_user_data(connection);

    if (page_owns(channel, page))
        page_channel_companions_changed(channel);
}

/* Whether the page, or who controls the daemon, ended it on purpose. */
static bool was_clean(unsigned code)
{
    return code != DVBCSS_CLOSE_ABNORMAL && code != DVBCSS_CLOSE_POLICY;
}

static void on_disconnect(void *context, struct dvbcss_connection *connection, unsigned code,
                          const char *reason)
{
    struct page_channel *channel = context;
    struct page *page = dvbcss_connection_user_data(connection);

    connection_log_end(context, connection, code, reason);
    page_await_no_more(channel, page);
    if (page_owns(channel, page))
        page_companions_end(&channel->companions);
    if (!channel->stopping) {
        page_act(channel, page_session_leave(&channel->session, &page->peer, was_clean(code),
                                             page_now_ns()));
        page_watch(channel);
    }
}

/* ---- life ----------------------------------------------------------------------------------- */

static int add_endpoint(struct page_channel *channel, const struct config_page *config,
                        const struct dvbcss_access *access)
{
    struct dvbcss_endpoint_options options = DVBCSS_ENDPOINT_OPTIONS_INIT;

    options.path = config->path;
    options.id_prefix = "page";
    options.enabled = config->enabled;
    options.limits.max_connections = (int)config->max_connections;
    limits_of_page(&options.limits, config);
    options.limits.max_queued_messages = MAX_QUEUED_MESSAGES;
    options.access = *access;
    options.user_data_size = sizeof(struct page);
    options.hooks = (struct dvbcss_endpoint_hooks){.on_handshake = on_handshake,
                                                   .on_connect = on_connect,
                                                   .on_message = on_message,
                                                   .on_drained = on_drained,
                                                   .on_disconnect = on_disconnect};
    options.context = channel;
    return dvbcss_endpoint_add(&channel->endpoint, channel->services->server, &options);
}

/* Makes the rules of access, and the endpoint if it is not there yet. */
static int set_access(struct page_channel *channel)
{
    const struct config_page *config = &channel->services->config->page;
    const struct dvbcss_access access = {DVBCSS_ORIGIN_SAME, config->origins,
                                         channel->services->hosts};

    return channel->endpoint ? dvbcss_endpoint_set_access(channel->endpoint, &access)
                             : add_endpoint(channel, config, &access);
}

int page_channel_start(struct page_channel **out, struct services *services, char *reason,
                       size_t reason_size)
{
    const struct config_page *config = &services->config->page;
    struct page_channel *channel = dvbcss_calloc(1, sizeof *channel);
    int error;

    if (!channel) {
        snprintf(reason, reason_size, "out of memory");
        return -1;
    }
    if (token_init(&channel->token, "page", config->token, config->token_file, reason,
                   reason_size) != 0) {
        dvbcss_free(channel);
        return -1;
    }
    channel->services = services;
    list_init(&channel->waiting);
    channel->companions = (struct page_companions){
        .cii = {dvbcss_cii_endpoint_base(services->cii),
                dvbcss_cii_endpoint_base(services->app2app.cii)},
        .ts = {dvbcss_ts_endpoint_base(services->ts), services->app2app.ts},
        .audience = {send_to_owner, page_forget_timeline, channel},
    };
    uv_timer_init(services->loop, &channel->silence);
    uv_timer_init(services->loop, &channel->gather);
    channel->open_timers = 2;
    page_set_silence_timeout(channel);
    error = set_access(channel);
    if (error != 0) {
        snprintf(reason, reason_size, "%s: %s", config->path, dvbcss_error_text(error));
        page_channel_stop(channel);
        return -1;
    }
    *out = channel;
    return 0;
}

static void on_timer_closed(uv_handle_t *timer)
{
    struct page_channel *channel = timer->data;

    if (--channel->open_timers == 0)
        dvbcss_free(channel);
}

void page_channel_stop(struct page_channel *channel)
{
    uv_timer_t *timers[2];

    if (!channel)
        return;
    channel->stopping = true;
    dvbcss_endpoint_remove(channel->endpoint);
    page_companions_end(&channel->companions);
    page_presentation_finish(&channel->presentation);
    token_finish(&channel->token);
    timers[0] = &channel->silence;
    timers[1] = &channel->gather;
    for (size_t i = 0; i < sizeof timers / sizeof *timers; i++) {
        timers[i]->data = channel;
        uv_close((uv_handle_t *)timers[i], on_timer_closed);
    }
}

int page_channel_configure(struct page_channel *channel, struct token *token)
{
    struct token before = channel->token;

    channel->token = *token;
    *token = before;
    token_finish(&before);
    page_set_silence_timeout(channel);
    return set_access(channel);
}

/* ---- looking -------------------------------------------------------------------------------- */

struct dvbcss_endpoint *page_channel_endpoint(const struct page_channel *channel)
{
    return channel->endpoint;
}

bool page_channel_presents(const struct page_channel *channel)
{
    return channel &&
           (channel->session.state == PAGE_PRESENTED || channel->session.state == PAGE_INHERITED);
}

void page_channel_status(const struct page_channel *channel, struct page_status *status)
{
    const struct page *owner = channel->session.owner ? page_of(channel->session.owner) : NULL;

    memset(status, 0, sizeof *status);
    status->state = channel->session.state;
    if (!owner)
        return;
    status->id = dvbcss_connection_id(owner->connection);
    status->address = dvbcss_connection_peer(owner->connection);
    status->name = owner->hello.name;
    status->version = owner->hello.version;
    status->owned_s = (double)(page_now_ns() - channel->session.since_ns) / 1e9;
    status->silent_s = (double)(page_now_ns() - channel->session.heard_ns) / 1e9;
}

const struct page_counters *page_channel_counters(const struct page_channel *channel)
{
    return &channel->counters;
}
