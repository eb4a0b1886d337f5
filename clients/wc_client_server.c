#include <stdio.h>
#include <string.h>

#include "clients/wc_client_internal.h"
#include "dvbcss/alloc.h"

/* Room for a burst of a thousand forged answers before the true one, in bytes. */
enum { RECEIVE_BUFFER_SIZE = 1 << 20 };

/* ---- the socket ----------------------------------------------------------------------------- */

static void on_channel_closed(uv_handle_t *handle)
{
    struct wc_channel *channel = handle->data;
    struct dvbcss_wc_client *client = channel->client;

    dvbcss_free(channel);
    wc_client_part_gone(client);
}

void wc_client_close_channel(struct dvbcss_wc_client *client)
{
    if (!client->channel)
        return;
    client->past_kernel_drops += wc_socket_kernel_drops(client->channel->socket);
    uv_close((uv_handle_t *)&client->channel->poll, on_channel_closed);
    /* At once, so that the port is free. */
    wc_socket_close(client->channel->socket);
    client->channel = NULL;
}

static int64_t read_local_clock(void *client)
{
    return wc_client_local_ns(client);
}

static int open_channel(struct dvbcss_wc_client *client)
{
    struct wc_socket_options options = {
        .transmit_times = true,
        .receive_buffer = RECEIVE_BUFFER_SIZE,
        .now_ns = read_local_clock,
        .user = client,
    };
    struct wc_channel *channel = dvbcss_calloc(1, sizeof *channel);
    int result;

    if (!channel)
        return DVBCSS_ENOMEM;
    channel->client = client;
    channel->poll.data = channel;
    if (client->bound)
        options.address = client->bind_address;
    else
        wc_address_wildcard(wc_client_server_address(client)->any.sa_family, client->bind_port,
                            &options.address);
    result = wc_socket_open(&channel->socket, &options);
    if (result == 0 &&
        uv_poll_init(client->loop, &channel->poll, wc_socket_descriptor(channel->socket)) != 0)
        result = DVBCSS_EIO;
    if (result != 0) {
        wc_socket_close(channel->socket);
        dvbcss_free(channel);
        return result;
    }
    client->channel = channel;
    client->parts++;
    if (wc_client_start_polling(channel) == 0)
        return 0;
    wc_client_close_channel(client);
    return DVBCSS_EIO;
}

/* Whether the socket that is open can reach the server's address. */
static bool channel_fits(const struct dvbcss_wc_client *client)
{
    return client->channel && wc_socket_address(client->channel->socket)->any.sa_family ==
                                  wc_client_server_address(client)->any.sa_family;
}

/* ---- finding the server --------------------------------------------------------------------- */

static void retry_lookup(struct dvbcss_wc_client *client)
{
    uint32_t random = 0;

    (void)uv_random(NULL, NULL, &random, sizeof random, 0, NULL);
    wc_client_schedule_lookup(client, backoff_next(&client->backoff, random, -1));
}

/* The address and port to ask from, as " on 192.168.1.4 port 6677"; "" for any. */
static void describe_source(const struct dvbcss_wc_client *client, char *text, size_t size)
{
    char address[WC_ADDRESS_TEXT_SIZE] = "", port[16] = "";

    if (client->bound && wc_address_format(&client->bind_address, address, sizeof address) != 0)
        address[0] = '\0';
    if (client->bind_port != 0)
        snprintf(port, sizeof port, " port %u", client->bind_port);
    snprintf(text, size, "%s%s%s%s", *address || *port ? " on" : "", *address ? " " : "", address,
             port);
}

static void tell_no_socket(struct dvbcss_wc_client *client, int error)
{
    bool of_source = error == DVBCSS_EADDRINUSE || error == DVBCSS_EPERMISSION;
    char source[WC_ADDRESS_TEXT_SIZE + 32];

    describe_source(client, source, sizeof source);
    wc_client_tell_trouble(client, of_source ? DVBCSS_EADDRESS : error,
                           "cannot open a socket%s to ask %s: %s", source, client->server.host,
                           dvbcss_error_text(error));
}

/* Asks the chosen address from now on. */
static void ask_address(struct dvbcss_wc_client *client)
{
    int result = 0;

    if (!channel_fits(client)) {
        wc_client_close_channel(client);
        result = open_channel(client);
    }
    wc_client_note_path(client);
    wc_client_ask_anew(client);
    wc_client_schedule_work(client);
    if (result != 0) {
        retry_lookup(client);
        tell_no_socket(client, result);
    }
}

/* The addresses that can be asked, of those that were found. */
static unsigned keep_usable(const struct dvbcss_wc_client *client, const union wc_address *found,
                            unsigned count, union wc_address *kept)
{
    unsigned kept_count = 0;

    for (unsigned i = 0; i < count; i++) {
        if (wc_address_is_wildcard(&found[i]) ||
            (client->bound && found[i].any.sa_family != client->bind_address.any.sa_family))
            continue;
        kept[kept_count++] = found[i];
    }
    return kept_count;
}

static void use_addresses(struct dvbcss_wc_client *client, const union wc_address *found,
                          unsigned count)
{
    union wc_address usable[WC_LOOKUP_ADDRESSES];
    unsigned usable_count = keep_usable(client, found, count, usable);
    bool same;

    if (usable_count == 0) {
        retry_lookup(client);
        wc_client_tell_trouble(client, DVBCSS_EADDRESS,
                               "%s has no address that can be asked from here",
                               client->server.host);
        return;
    }
    same = client->channel && wc_address_equal(wc_client_server_address(client), &usable[0]);
    memcpy(client->addresses, usable, usable_count * sizeof usable[0]);
    client->address_count = usable_count;
    client->address_index = 0;
    if (!same)
        ask_address(client);
}

static void on_looked_up(void *user, int status, const union wc_address *addresses, unsigned count)
{
    struct dvbcss_wc_client *client = user;

    if (status != UV_ECANCELED) {
        client->lookup = NULL;
        if (status == 0) {
            use_addresses(client, addresses, count);
        } else {
            retry_lookup(client);
            wc_client_tell_trouble(client, DVBCSS_ERESOLVE, "cannot look up %s: %s",
                                   client->server.host, uv_strerror(status));
        }
    }
    wc_client_part_gone(client);
}

static void on_lookup_timer(uv_timer_t *timer)
{
    struct dvbcss_wc_client *client = timer->data;
    const struct dvbcss_url *server = &client->server;
    int family = client->bound ? client->bind_address.any.sa_family : AF_UNSPEC;
    union wc_address numeric;
    int result;

    if (client->lookup)
        return;
    if (wc_address_parse(server->host, server->port, &numeric) == 0) {
        use_addresses(client, &numeric, 1);
        return;
    }
    result = wc_lookup_start(&client->lookup, client->loop, server->host, server->port, family,
                             on_looked_up, client);
    if (result == 0) {
        client->parts++;
        return;
    }
    retry_lookup(client);
    wc_client_tell_trouble(client, result, "cannot look up %s: %s", server->host,
                           dvbcss_error_text(result));
}

void wc_client_schedule_lookup(struct dvbcss_wc_client *client, uint64_t delay_ms)
{
    (void)uv_timer_start(&client->lookup_timer, on_lookup_timer, delay_ms, 0);
}

void wc_client_cancel_lookup(struct dvbcss_wc_client *client)
{
    if (client->lookup)
        wc_lookup_cancel(client->lookup);
    client->lookup = NULL;
}

void wc_client_look_elsewhere(struct dvbcss_wc_client *client)
{
    if (client->address_index + 1 < client->address_count) {
        client->address_index++;
        ask_address(client);
    } else if (!client->lookup && !uv_is_active((uv_handle_t *)&client->lookup_timer)) {
        retry_lookup(client);
    }
}
