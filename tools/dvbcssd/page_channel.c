#include "page_channel.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "common/list.h"
#include "connection_log.h"
#include "dvbcss/alloc.h"
#include "dvbcss/log.h"
#include "page_message.h"
#include "page_presentation.h"
#include "page_tv.h"
#include "services.h"

enum {
    MAX_PAGES = 16,
    MAX_MESSAGES_PER_S = 200,
    MAX_QUEUED_MESSAGES = 1024,
    MAX_QUEUED_BYTES = 4194304,
    TOKEN_TIMEOUT_S = 5,
    /* What companions do within this time is told together. */
    GATHER_MS = 20,
    LOGGED_PER_S = 5,
    CLOSE_TAKEN_OVER = 4001,
    CLOSE_UNAUTHORIZED = 4003,
    CLOSE_OCCUPIED = 4009,
};

struct page_channel {
    struct services *services;
    struct dvbcss_endpoint *endpoint;
    struct token token;
    struct page_session session;
    struct page_presentation presentation;
    struct page_companions companions;
    struct page_counters counters;
    struct dvbcss_log_limit log;
    /* For silence, and to gather what companions do. */
    uv_timer_t silence;
    uv_timer_t gather;
    int open_timers;
    bool stopping;
};

/* One page: the user data of its connection. */
struct page {
    struct page_peer peer;
    struct dvbcss_connection *connection;
    /* It need not show a token any more. */
    bool admitted;
    struct page_hello hello;
};

static struct page *page_of(struct page_peer *peer)
{
    return CONTAINER_OF(peer, struct page, peer);
}

static int64_t now_ns(void)
{
    return (int64_t)uv_hrtime();
}

/* ---- saying --------------------------------------------------------------------------------- */

/* Messages for a page that cannot take them are lost with its connection. */
static bool tell(struct page_channel *channel, struct page *page, json_t *message)
{
    char *text = message ? json_dumps(message, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    int error =
        text ? dvbcss_connection_send_text(page->connection, text, strlen(text)) : DVBCSS_ENOMEM;

    dvbcss_free(text);
    json_decref(message);
    channel->counters.sent += error == 0;
    return error == 0 && !dvbcss_connection_congested(page->connection);
}

static void send_error(struct page_channel *channel, struct page *page, const char *code,
                       const struct page_mistake *mistake)
{
    tell(channel, page, page_write_error(code, mistake));
}

static void turn_away(struct page_channel *channel, struct page *page, const char *code,
                      unsigned close_code, const char *reason)
{
    struct page_mistake mistake = {"", ""};

    snprintf(mistake.reason, sizeof mistake.reason, "%s", reason);
    send_error(channel, page, code, &mistake);
    dvbcss_connection_close(page->connection, close_code, reason);
}

static void say(struct page_channel *channel, const struct page *page, enum dvbcss_log_level level,
                const char *what)
{
    char peer[DVBCSS_ADDRESS_TEXT_SIZE], name[PAGE_NAME_MAX * 4 + 1];

    if (!dvbcss_log_enabled(level) ||
        !dvbcss_log_permit(&channel->log, now_ns(), 1000000000, LOGGED_PER_S))
        return;
    dvbcss_log_escape(name, sizeof name, page->hello.name, strlen(page->hello.name));
    dvbcss_log(level, "page", "%s (%s%s%s): %s", dvbcss_connection_id(page->connection),
               dvbcss_address_format(dvbcss_connection_peer(page->connection), peer),
               *name ? ", " : "", name, what);
}

/* ---- what is presented ---------------------------------------------------------------------- */

static int64_t wall_now_ns(const struct page_channel *channel)
{
    return dvbcss_clock_now_ns(channel->services->wall_clock);
}

/* What is to be added to times since 1970: both clocks as close together as can be had. */
static int64_t unix_to_wall_ns(const struct page_channel *channel)
{
    int64_t before = wall_now_ns(channel), after;
    struct timespec unix_time;

    clock_gettime(CLOCK_REALTIME, &unix_time);
    after = wall_now_ns(channel);
    return before + (after - before) / 2 -
           ((int64_t)unix_time.tv_sec * 1000000000 + unix_time.tv_nsec);
}

static void complain(int error, const char *what)
{
    if (error != 0)
        dvbcss_log(DVBCSS_LOG_ERROR, "page", "%s: %s", what, dvbcss_error_text(error));
}

static void act(struct page_channel *channel, enum page_action action)
{
    struct page *owner = channel->session.owner ? page_of(channel->session.owner) : NULL;

    if (action == PAGE_FALL_BACK) {
        complain(services_present_configured(channel->services), "fallback");
        if (channel->session.state == PAGE_NOTHING) {
            page_presentation_finish(&channel->presentation);
        } else {
            channel->counters.silences++;
            say(channel, owner, DVBCSS_LOG_WARNING, "silent for too long: given up");
            tell(channel, owner,
                 page_write_notice("silent", "nothing was heard for too long: what is "
                                             "configured is presented now"));
        }
    } else if (action == PAGE_RESUME) {
        services_stop_programme(channel->services);
        complain(page_tv_present(channel->services->tv, NULL, &channel->presentation,
                                 wall_now_ns(channel)),
                 "resumption");
        channel->counters.resumptions++;
        say(channel, owner, DVBCSS_LOG_INFO, "is back");
        tell(channel, owner, page_write_notice("resumed", "what the page presents is back"));
    }
}

/* The next presentation takes the place of the present one, on the television, too. */
static int present(struct page_channel *channel, struct page_presentation *after)
{
    bool anew = page_session_present(&channel->session);
    int error;

    services_stop_programme(channel->services);
    error = page_tv_present(channel->services->tv, anew ? NULL : &channel->presentation, after,
                            wall_now_ns(channel));
    page_presentation_finish(&channel->presentation);
    channel->presentation = *after;
    memset(after, 0, sizeof *after);
    return error;
}

/* ---- silence -------------------------------------------------------------------------------- */

static void on_silence(uv_timer_t *timer);

/* Deadlines only move away while a timer runs: it looks again when it rings. */
static void watch(struct page_channel *channel)
{
    int64_t deadline_ns, wait_ns;

    if (uv_is_active((uv_handle_t *)&channel->silence) ||
        !page_session_deadline(&channel->session, &deadline_ns))
        return;
    wait_ns = deadline_ns - now_ns();
    uv_update_time(channel->silence.loop);
    uv_timer_start(&channel->silence, on_silence, wait_ns > 0 ? (uint64_t)wait_ns / 1000000 + 1 : 0,
                   0);
}

static void on_silence(uv_timer_t *timer)
{
    struct page_channel *channel = CONTAINER_OF(timer, struct page_channel, silence);

    act(channel, page_session_run(&channel->session, now_ns()));
    watch(channel);
}

/* ---- companions ----------------------------------------------------------------------------- */

static bool send_to_owner(void *user, json_t *message)
{
    struct page_channel *channel = user;

    return tell(channel, page_of(channel->session.owner), message);
}

/* A page that does not promise to keep a timeline up to date which nobody wants is not believed
 * when somebody does again. */
static void forget_timeline(void *user, const char *selector)
{
    struct page_channel *channel = user;
    struct page_timestamp gone = {.selector = dvbcss_strdup(selector)};
    struct page_message message = {
        .parts = PAGE_TIMESTAMPS, .timestamps = &gone, .timestamp_count = 1};
    struct page_presentation after = {.timelines = NULL};
    const struct page_times times = {wall_now_ns(channel), 0};
    struct page_mistake mistake;

    if (!channel->session.owner->beats && channel->session.state == PAGE_PRESENTED &&
        gone.selector &&
        page_presentation_add(&channel->presentation, &message, &times, &after, &mistake) == 0)
        complain(present(channel, &after), "forgetting a timeline");
    page_presentation_finish(&after);
    dvbcss_free(gone.selector);
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

/* ---- owning --------------------------------------------------------------------------------- */

static void send_cii_url(struct page_channel *channel, struct page *page)
{
    const char *name = dvbcss_connection_server_name(page->connection);
    char address[DVBCSS_ADDRESS_TEXT_SIZE], url[DVBCSS_ADDRESS_TEXT_SIZE + 768];
    const char *where = dvbcss_address_format(dvbcss_connection_local(page->connection), address);

    snprintf(url, sizeof url, "%s://%s%s%s",
             dvbcss_connection_secure(page->connection) ? "wss" : "ws", name,
             *name ? strrchr(where, ':') : where,
             dvbcss_endpoint_path(dvbcss_cii_endpoint_base(channel->services->cii)));
    tell(channel, page, page_write_cii_url(url));
}

static void displace(struct page_channel *channel, struct page *page)
{
    say(channel, page, DVBCSS_LOG_INFO, "silent, and another page took its place");
    turn_away(channel, page, "taken_over", CLOSE_TAKEN_OVER,
              "silent, and another page took its place");
}

/* The page need not show anything any more: it owns the channel now, or another one does. */
static void admit(struct page_channel *channel, struct page *page)
{
    struct page_peer *displaced;

    page->admitted = true;
    dvbcss_connection_setup_done(page->connection);
    if (!page_session_claim(&channel->session, &page->peer, now_ns(), &displaced)) {
        channel->counters.occupied++;
        say(channel, page, DVBCSS_LOG_WARNING, "turned away: another page owns the television");
        turn_away(channel, page, "owned", CLOSE_OCCUPIED, "another page owns this television");
        return;
    }
    if (displaced)
        displace(channel, page_of(displaced));
    say(channel, page, DVBCSS_LOG_INFO, "owns the television now");
    page_companions_begin(&channel->companions);
    send_cii_url(channel, page);
    page_companions_tell(&channel->companions);
    watch(channel);
}

static void refuse_token(struct page_channel *channel, struct page *page, const char *reason)
{
    channel->counters.unauthorized++;
    say(channel, page, DVBCSS_LOG_WARNING, reason);
    turn_away(channel, page, "unauthorized", CLOSE_UNAUTHORIZED, reason);
}

/* ---- messages ------------------------------------------------------------------------------- */

static bool owns(const struct page_channel *channel, const struct page *page)
{
    return channel->session.owner == &page->peer;
}

/* A page that has just come must show its token before anything else. Returns whether the message
 * is to be looked at. */
static bool let_in(struct page_channel *channel, struct page *page,
                   const struct page_message *message)
{
    if (page->admitted)
        return owns(channel, page);
    if (!(message->parts & PAGE_HELLO) || !token_is_set(&message->hello.token)) {
        refuse_token(channel, page, "a token is needed, in hello");
        return false;
    }
    if (!token_matches(&channel->token, &message->hello.token)) {
        refuse_token(channel, page, "the token is wrong");
        return false;
    }
    return true;
}

static void greet(struct page_channel *channel, struct page *page, const struct page_hello *hello)
{
    page->hello = *hello;
    token_finish(&page->hello.token);
    page->peer.beats = hello->version >= 2;
    tell(channel, page, page_write_welcome(hello));
    if (!page->admitted)
        admit(channel, page);
    if (owns(channel, page) && page->peer.beats) {
        channel->companions.curious = true;
        page_companions_tell(&channel->companions);
    }
}

static int prepare(struct page_channel *channel, const struct page *page,
                   const struct page_message *message, int64_t came_ns,
                   struct page_presentation *after, struct page_mistake *mistake)
{
    static const struct page_presentation nothing = {.timelines = NULL};
    const struct page_hello *hello = message->parts & PAGE_HELLO ? &message->hello : &page->hello;
    struct page_times times = {came_ns, 0};
    /* One that inherits begins anew. */
    bool goes_on = channel->session.state == PAGE_PRESENTED && owns(channel, page);

    if (hello->clock == PAGE_CLOCK_UNIX)
        times.page_to_wall_ns = unix_to_wall_ns(channel);
    return page_presentation_add(goes_on ? &channel->presentation : &nothing, message, &times,
                                 after, mistake);
}

/* All of the message is good: it takes effect. */
static void obey(struct page_channel *channel, struct page *page,
                 const struct page_message *message, int64_t came_ns,
                 struct page_presentation *after)
{
    struct page_mistake lack = {"", "out of memory"};

    if (message->parts & PAGE_HELLO)
        greet(channel, page, &message->hello);
    if (message->parts & PAGE_CLOCK)
        tell(channel, page, page_write_clock(message->t1, came_ns, wall_now_ns(channel)));
    if ((message->parts & (PAGE_CII | PAGE_TIMESTAMPS | PAGE_BLOCK)) && owns(channel, page) &&
        present(channel, after) != 0)
        send_error(channel, page, "internal", &lack);
}

static void take(struct page_channel *channel, struct page *page, const char *text, size_t length,
                 int64_t came_ns)
{
    struct page_message message = {.parts = 0};
    struct page_presentation after = {.timelines = NULL};
    struct page_mistake mistake = {"", ""};
    int error = page_message_decode(text, length, &message, &mistake);

    if (let_in(channel, page, &message)) {
        act(channel, page_session_heard(&channel->session, &page->peer, now_ns()));
        if (error == 0)
            error = prepare(channel, page, &message, came_ns, &after, &mistake);
        if (error == 0) {
            obey(channel, page, &message, came_ns, &after);
        } else {
            channel->counters.mistakes++;
            send_error(channel, page, error == DVBCSS_ENOMEM ? "internal" : "bad_message",
                       &mistake);
        }
        watch(channel);
    }
    page_presentation_finish(&after);
    page_message_finish(&message);
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
    page->hello.version = 1;
    tell(channel, page,
         page_write_hello(dvbcss_connection_id(connection), token_needed,
                          channel->services->config->page.silence_timeout_s));
    if (!token_needed)
        admit(channel, page);
}

static void on_message(void *context, struct dvbcss_connection *connection, const void *bytes,
                       size_t length, bool text)
{
    struct page_channel *channel = context;
    int64_t came_ns = wall_now_ns(channel);

    (void)text; /* The endpoint refuses binary messages. */
    channel->counters.messages++;
    take(channel, dvbcss_connection_user_data(connection), bytes, length, came_ns);
}

static void on_drained(void *context, struct dvbcss_connection *connection)
{
    struct page_channel *channel = context;
    const struct page *page = dvbcss_connection_user_data(connection);

    if (owns(channel, page))
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
    const struct page *page = dvbcss_connection_user_data(connection);

    connection_log_end(context, connection, code, reason);
    if (owns(channel, page))
        page_companions_end(&channel->companions);
    if (!channel->stopping) {
        act(channel, page_session_leave(&channel->session, &page->peer, was_clean(code), now_ns()));
        watch(channel);
    }
}

/* ---- life ----------------------------------------------------------------------------------- */

static void set_silence_timeout(struct page_channel *channel)
{
    channel->session.silence_timeout_ns =
        (int64_t)(channel->services->config->page.silence_timeout_s * 1e9);
    uv_timer_stop(&channel->silence);
    watch(channel);
}

/* Every name that pages may have reached, in one text; to be freed. */
static char *write_hosts(const struct config *config)
{
    size_t size = strlen(config->http.advertise_host) + strlen(config->page.hosts) + 2;
    char *hosts = dvbcss_malloc(size);

    if (hosts)
        snprintf(hosts, size, "%s %s", config->http.advertise_host, config->page.hosts);
    return hosts;
}

static int add_endpoint(struct page_channel *channel, const struct config_page *config,
                        const struct dvbcss_access *access)
{
    struct dvbcss_endpoint_options options = DVBCSS_ENDPOINT_OPTIONS_INIT;

    options.path = config->path;
    options.id_prefix = "page";
    options.enabled = config->enabled;
    options.limits.max_connections = MAX_PAGES;
    options.limits.max_messages_per_s = MAX_MESSAGES_PER_S;
    options.limits.max_queued_messages = MAX_QUEUED_MESSAGES;
    options.limits.max_queued_bytes = MAX_QUEUED_BYTES;
    options.limits.setup_timeout_s = TOKEN_TIMEOUT_S;
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
    const struct config *config = channel->services->config;
    char *hosts = write_hosts(config);
    struct dvbcss_access access = {DVBCSS_ORIGIN_SAME, config->page.origins, hosts};
    int error = DVBCSS_ENOMEM;

    if (hosts)
        error = channel->endpoint ? dvbcss_endpoint_set_access(channel->endpoint, &access)
                                  : add_endpoint(channel, &config->page, &access);
    dvbcss_free(hosts);
    return error;
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
    channel->companions = (struct page_companions){
        .cii = {dvbcss_cii_endpoint_base(services->cii),
                dvbcss_cii_endpoint_base(services->app2app.cii)},
        .ts = {dvbcss_ts_endpoint_base(services->ts), services->app2app.ts},
        .audience = {send_to_owner, forget_timeline, channel},
    };
    uv_timer_init(services->loop, &channel->silence);
    uv_timer_init(services->loop, &channel->gather);
    channel->open_timers = 2;
    set_silence_timeout(channel);
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
    set_silence_timeout(channel);
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
    status->owned_s = (double)(now_ns() - channel->session.since_ns) / 1e9;
    status->silent_s = (double)(now_ns() - channel->session.heard_ns) / 1e9;
}

const struct page_counters *page_channel_counters(const struct page_channel *channel)
{
    return &channel->counters;
}
