#include "clients/ws_client.h"

#include <stdio.h>
#include <string.h>

#include "clients/ws_client_socket.h"
#include "clients/ws_end.h"
#include "dvbcss/alloc.h"
#include "dvbcss/url.h"

enum { FIRST_BUFFER_SIZE = 1024 };

enum phase {
    IDLE,
    RESOLVING,
    CONNECTING,
    OPEN,
};

/* How far the watch over the peer's silence has come. */
enum silence {
    HEARD,
    PINGED,
    OVERDUE,
};

/* A look-up of a name. It cannot be stopped once a thread is at it, so it may outlive the attempt
 * that it was for. */
struct lookup {
    uv_getaddrinfo_t request;
    struct ws_client *client;
    bool abandoned;
};

struct ws_client {
    uv_loop_t *loop;
    struct dvbcss_url url;
    uint32_t connect_timeout_ms;
    uint32_t idle_timeout_ms;
    size_t max_message_size;
    struct ws_client_trust trust;
    struct ws_client_tls *tls;
    const struct ws_client_events *events;
    void *user;

    enum phase phase;
    struct lookup *lookup;
    unsigned lookups;
    /* The addresses of the name, and the next one to try. */
    struct addrinfo *addresses;
    struct addrinfo *next_address;
    uint64_t deadline_ms;
    struct ws_client_socket *socket;
    char peer[DVBCSS_CLIENT_ADDRESS_SIZE];
    /* Time limit of the attempt, then watch over the peer's silence. */
    uv_timer_t timer;
    enum silence silence;
    /* When `silence` became HEARD or PINGED. */
    uint64_t silent_since_ms;

    /* The message that is coming in. */
    char *buffer;
    size_t buffer_size;
    size_t buffer_length;

    struct ws_client_context_user context_user;
    bool joined;
    bool timer_open;
    bool destroying;
    void (*destroyed)(void *user);
    void *destroyed_user;
};

/* ---- ending ---------------------------------------------------------------------------------- */

static void drop_addresses(struct ws_client *client)
{
    if (client->addresses)
        uv_freeaddrinfo(client->addresses);
    client->addresses = NULL;
    client->next_address = NULL;
}

/* Back to where a new attempt can begin. A socket that is still there is closed with @p code. */
static void reset(struct ws_client *client, uint16_t code, const char *reason)
{
    if (client->lookup) {
        client->lookup->abandoned = true;
        (void)uv_cancel((uv_req_t *)&client->lookup->request);
        client->lookup = NULL;
    }
    drop_addresses(client);
    if (client->socket)
        ws_client_socket_close(client->socket, code, reason);
    client->socket = NULL;
    uv_timer_stop(&client->timer);
    client->buffer_length = 0;
    client->phase = IDLE;
}

static void tell_end(struct ws_client *client, const struct dvbcss_disconnect *why)
{
    client->events->ended(client->user, why);
}

/* Ends what is under way for a reason of our own. */
static void fail(struct ws_client *client, int error, uint16_t code, const char *detail)
{
    struct dvbcss_disconnect why;

    ws_end_describe(&why, &client->url, client->peer,
                    &(struct ws_client_socket_end){.error = error,
                                                   .was_open = client->phase == OPEN,
                                                   .close_code = client->phase == OPEN ? code : 0,
                                                   .retry_after_s = -1,
                                                   .detail = detail});
    reset(client, code == WS_CLOSE_ABNORMAL ? 0 : code, detail);
    tell_end(client, &why);
}

/* ---- an open connection ---------------------------------------------------------------------- */

static void watch_silence(struct ws_client *client);

static void note_silence(struct ws_client *client, enum silence silence)
{
    client->silence = silence;
    client->silent_since_ms = uv_now(client->loop);
}

static void on_silence(uv_timer_t *timer)
{
    watch_silence(timer->data);
}

/* A process that was stopped finds all its time gone while bytes wait: timers run before sockets
 * are read. So no peer is lost that was not asked, nor before the loop has read once more. */
static void watch_silence(struct ws_client *client)
{
    enum { ONE_TURN_MS = 1 };
    uint64_t limit_ms = client->idle_timeout_ms;
    uint64_t silent_ms = uv_now(client->loop) - client->silent_since_ms;
    uint64_t again_ms = limit_ms;

    if (limit_ms == 0)
        return;
    if (silent_ms < limit_ms) {
        again_ms = limit_ms - silent_ms;
    } else if (client->silence == HEARD) {
        ws_client_socket_ping(client->socket);
        note_silence(client, PINGED);
    } else if (client->silence == PINGED) {
        client->silence = OVERDUE;
        again_ms = ONE_TURN_MS;
    } else {
        fail(client, DVBCSS_ETIMEDOUT, WS_CLOSE_ABNORMAL, "the peer has gone silent");
        return;
    }
    (void)uv_timer_start(&client->timer, on_silence, again_ms, 0);
}

static void on_opened(void *user)
{
    struct ws_client *client = user;

    drop_addresses(client);
    client->phase = OPEN;
    uv_timer_stop(&client->timer);
    note_silence(client, HEARD);
    watch_silence(client);
    client->events->opened(client->user);
}

static void on_ponged(void *user)
{
    note_silence(user, HEARD);
}

/* Makes room for @p length more bytes of the message. */
static int reserve(struct ws_client *client, size_t length)
{
    size_t size = client->buffer_size ? client->buffer_size : FIRST_BUFFER_SIZE;
    char *buffer;

    while (size - client->buffer_length < length)
        size *= 2;
    if (size == client->buffer_size)
        return 0;
    buffer = dvbcss_realloc(client->buffer, size);
    if (!buffer)
        return DVBCSS_ENOMEM;
    client->buffer = buffer;
    client->buffer_size = size;
    return 0;
}

static void on_received(void *user, const char *bytes, size_t length, bool binary, bool last)
{
    struct ws_client *client = user;
    size_t whole;

    note_silence(client, HEARD);
    if (length > client->max_message_size - client->buffer_length) {
        fail(client, DVBCSS_EPROTOCOL, WS_CLOSE_TOO_BIG, "the message is too long");
        return;
    }
    if (!binary && reserve(client, length) != 0) {
        fail(client, DVBCSS_ENOMEM, WS_CLOSE_INTERNAL_ERROR, "");
        return;
    }
    if (!binary && length > 0)
        memcpy(client->buffer + client->buffer_length, bytes, length);
    client->buffer_length += length;
    if (!last)
        return;
    whole = client->buffer_length;
    client->buffer_length = 0;
    if (binary)
        client->events->binary(client->user, whole);
    else
        client->events->text(client->user, client->buffer, whole);
}

/* ---- connecting ------------------------------------------------------------------------------ */

static void try_next_address(struct ws_client *client, const struct ws_client_socket_end *last);

static void on_ended(void *user, const struct ws_client_socket_end *end)
{
    struct ws_client *client = user;
    struct dvbcss_disconnect why;

    client->socket = NULL;
    /* Another address may do better where this one led nowhere; not where somebody answered. */
    if (client->phase == CONNECTING &&
        (end->error == DVBCSS_EADDRESS || end->error == DVBCSS_ECLOSED)) {
        try_next_address(client, end);
        return;
    }
    ws_end_describe(&why, &client->url, client->peer, end);
    reset(client, 0, "");
    tell_end(client, &why);
}

static const struct ws_client_socket_events socket_events = {
    .opened = on_opened,
    .received = on_received,
    .ponged = on_ponged,
    .ended = on_ended,
};

static void on_connect_timeout(uv_timer_t *timer)
{
    struct ws_client *client = timer->data;
    const struct ws_client_socket_end end = {
        .error = DVBCSS_ETIMEDOUT, .retry_after_s = -1, .detail = ""};

    if (client->socket)
        ws_client_socket_close(client->socket, 0, "");
    client->socket = NULL;
    try_next_address(client, &end);
}

/* Divides the time that is left among the addresses that are left. */
static uint64_t share_of_time(const struct ws_client *client)
{
    uint64_t now_ms = uv_now(client->loop);
    uint64_t left_ms = client->deadline_ms > now_ms ? client->deadline_ms - now_ms : 0;
    unsigned addresses = 1;

    for (const struct addrinfo *more = client->next_address; more; more = more->ai_next)
        addresses++;
    return left_ms / addresses;
}

static bool write_address(const struct sockaddr *address, char *text, size_t size)
{
    char zone[UV_IF_NAMESIZE];
    size_t zone_size = sizeof zone;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
    size_t length;

    if (uv_ip_name(address, text, size) != 0)
        return false;
    if (address->sa_family != AF_INET6 || v6->sin6_scope_id == 0)
        return true;
    if (uv_if_indextoiid(v6->sin6_scope_id, zone, &zone_size) != 0)
        return false;
    length = strlen(text);
    return snprintf(text + length, size - length, "%%%s", zone) < (int)(size - length);
}

static int open_socket(struct ws_client *client, const struct addrinfo *address)
{
    struct ws_client_socket_target target = {
        .address = client->peer, .url = &client->url, .tls = client->tls, .trust = &client->trust};

    if (!write_address(address->ai_addr, client->peer, sizeof client->peer))
        return DVBCSS_EADDRESS;
    return ws_client_socket_open(&client->socket, &client->context_user, &target, &socket_events,
                                 client);
}

/* Goes on to the next address, or reports how the last one went. */
static void try_next_address(struct ws_client *client, const struct ws_client_socket_end *last)
{
    struct ws_client_socket_end end = *last;
    struct dvbcss_disconnect why;

    while (client->next_address) {
        const struct addrinfo *address = client->next_address;

        client->next_address = address->ai_next;
        end = (struct ws_client_socket_end){.retry_after_s = -1, .detail = ""};
        end.error = open_socket(client, address);
        if (end.error == 0) {
            (void)uv_timer_start(&client->timer, on_connect_timeout, share_of_time(client), 0);
            return;
        }
    }
    ws_end_describe(&why, &client->url, client->peer, &end);
    reset(client, 0, "");
    tell_end(client, &why);
}

static void maybe_free(struct ws_client *client);

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses)
{
    struct lookup *lookup = CONTAINER_OF(request, struct lookup, request);
    struct ws_client *client = lookup->client;
    bool abandoned = lookup->abandoned;

    dvbcss_free(lookup);
    client->lookups--;
    if (abandoned) {
        uv_freeaddrinfo(addresses);
        maybe_free(client);
        return;
    }
    client->lookup = NULL;
    if (status != 0) {
        fail(client, status == UV_EAI_MEMORY ? DVBCSS_ENOMEM : DVBCSS_ERESOLVE, 0,
             uv_strerror(status));
        return;
    }
    client->addresses = addresses;
    client->next_address = addresses;
    client->phase = CONNECTING;
    try_next_address(client, &(struct ws_client_socket_end){
                                 .error = DVBCSS_ERESOLVE, .retry_after_s = -1, .detail = ""});
}

static int begin_lookup(struct ws_client *client)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct lookup *lookup = dvbcss_calloc(1, sizeof *lookup);

    if (!lookup)
        return DVBCSS_ENOMEM;
    lookup->client = client;
    if (uv_getaddrinfo(client->loop, &lookup->request, on_resolved, client->url.host, NULL,
                       &hints) != 0) {
        dvbcss_free(lookup);
        return DVBCSS_ENOMEM;
    }
    client->lookup = lookup;
    client->lookups++;
    return 0;
}

static void on_lookup_impossible(uv_timer_t *timer)
{
    fail(timer->data, DVBCSS_ENOMEM, 0, "");
}

void ws_client_connect(struct ws_client *client)
{
    client->phase = RESOLVING;
    client->deadline_ms = uv_now(client->loop) + client->connect_timeout_ms;
    if (begin_lookup(client) == 0)
        (void)uv_timer_start(&client->timer, on_connect_timeout, client->connect_timeout_ms, 0);
    else
        (void)uv_timer_start(&client->timer, on_lookup_impossible, 0, 0);
}

void ws_client_fail(struct ws_client *client, int error)
{
    if (client->phase == OPEN)
        fail(client, error, WS_CLOSE_INTERNAL_ERROR, "");
}

int ws_client_send(struct ws_client *client, const char *text, size_t length)
{
    if (client->phase != OPEN)
        return DVBCSS_ECLOSED;
    return ws_client_socket_send(client->socket, text, length);
}

const char *ws_client_peer(const struct ws_client *client)
{
    return client->peer;
}

/* ---- creating and destroying ----------------------------------------------------------------- */

static void maybe_free(struct ws_client *client)
{
    void (*destroyed)(void *user) = client->destroyed;
    void *user = client->destroyed_user;

    if (!client->destroying || client->joined || client->timer_open || client->lookups > 0)
        return;
    dvbcss_free(client->buffer);
    dvbcss_free(client);
    if (destroyed)
        destroyed(user);
}

static void on_released(struct ws_client_context_user *context_user)
{
    struct ws_client *client = CONTAINER_OF(context_user, struct ws_client, context_user);

    client->joined = false;
    maybe_free(client);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct ws_client *client = handle->data;

    client->timer_open = false;
    maybe_free(client);
}

static int join(struct ws_client *client, const struct ws_client_trust *trust)
{
    int error;

    client->context_user.released = on_released;
    error = ws_client_context_join(client->loop, &client->context_user);
    if (error)
        return error;
    client->joined = true;
    if (client->url.scheme != DVBCSS_URL_WSS)
        return 0;
    client->trust = *trust;
    return ws_client_context_tls(client->context_user.context, &client->trust, &client->tls);
}

static int read_trust(struct ws_client_trust *trust, const struct dvbcss_client_options *options,
                      struct dvbcss_report *report)
{
    trust->ca_file = options->ca_file;
    trust->pinned = options->pin != NULL;
    return options->pin ? ws_client_pin_parse(options->pin, &trust->pin, report) : 0;
}

int ws_client_create(struct ws_client **out, uv_loop_t *loop, const char *url,
                     const struct dvbcss_client_options *options,
                     const struct ws_client_events *events, void *user,
                     struct dvbcss_report *report)
{
    struct ws_client_trust trust = {.ca_file = NULL};
    struct dvbcss_url parts;
    struct ws_client *client;
    int error = dvbcss_url_parse(url, DVBCSS_URL_ANY_WEBSOCKET, &parts, report);

    if (!error)
        error = read_trust(&trust, options, report);
    if (error)
        return error;
    if (options->connect_timeout_ms == 0 || options->max_message_size == 0)
        return DVBCSS_EINVAL;
    client = dvbcss_calloc(1, sizeof *client);
    if (!client)
        return DVBCSS_ENOMEM;
    client->loop = loop;
    client->url = parts;
    client->connect_timeout_ms = options->connect_timeout_ms;
    client->idle_timeout_ms = options->idle_timeout_ms;
    client->max_message_size = options->max_message_size;
    client->events = events;
    client->user = user;
    (void)uv_timer_init(loop, &client->timer);
    client->timer.data = client;
    client->timer_open = true;
    error = join(client, &trust);
    if (error) {
        ws_client_destroy(client, NULL, NULL);
        return error;
    }
    *out = client;
    return 0;
}

void ws_client_destroy(struct ws_client *client, void (*destroyed)(void *user), void *user)
{
    reset(client, WS_CLOSE_GOING_AWAY, "");
    client->destroying = true;
    client->destroyed = destroyed;
    client->destroyed_user = user;
    if (client->joined)
        ws_client_context_leave(&client->context_user);
    uv_close((uv_handle_t *)&client->timer, on_timer_closed);
}
