/*
 * Pages that come: who is let in, who owns the channel, and what their messages do.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "page_channel_internal.h"
#include "services.h"

enum {
    CLOSE_TAKEN_OVER = 4001,
    CLOSE_UNAUTHORIZED = 4003,
    CLOSE_OCCUPIED = 4009,
    /* Of the pages that may be there, those that have yet to show their token: one in so many. */
    WAITING_SHARE = 4,
};

/* ---- turning away --------------------------------------------------------------------------- */

static void send_error(struct page_channel *channel, struct page *page, const char *code,
                       const struct page_mistake *mistake)
{
    page_tell(channel, page, page_write_error(code, mistake));
}

static void turn_away(struct page_channel *channel, struct page *page, const char *code,
                      unsigned close_code, const char *reason)
{
    struct page_mistake mistake = {"", ""};

    snprintf(mistake.reason, sizeof mistake.reason, "%s", reason);
    send_error(channel, page, code, &mistake);
    dvbcss_connection_close(page->connection, close_code, reason);
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
    page_tell(channel, page, page_write_cii_url(url));
}

static void displace(struct page_channel *channel, struct page *page)
{
    page_log(channel, page, DVBCSS_LOG_INFO, "silent, and another page took its place");
    turn_away(channel, page, "taken_over", CLOSE_TAKEN_OVER,
              "silent, and another page took its place");
}

void page_admit(struct page_channel *channel, struct page *page)
{
    struct page_peer *displaced;

    page->admitted = true;
    page_await_no_more(channel, page);
    dvbcss_connection_setup_done(page->connection);
    if (!page_session_claim(&channel->session, &page->peer, page_now_ns(), &displaced)) {
        channel->counters.occupied++;
        page_log(channel, page, DVBCSS_LOG_WARNING,
                 "turned away: another page owns the television");
        turn_away(channel, page, "owned", CLOSE_OCCUPIED, "another page owns this television");
        return;
    }
    if (displaced)
        displace(channel, page_of(displaced));
    page_log(channel, page, DVBCSS_LOG_INFO, "owns the television now");
    page_companions_begin(&channel->companions);
    send_cii_url(channel, page);
    page_companions_tell(&channel->companions);
    page_watch(channel);
}

static void refuse_token(struct page_channel *channel, struct page *page, const char *reason)
{
    page_await_no_more(channel, page);
    channel->counters.unauthorized++;
    page_log(channel, page, DVBCSS_LOG_WARNING, reason);
    turn_away(channel, page, "unauthorized", CLOSE_UNAUTHORIZED, reason);
}

/* ---- waiting for a token -------------------------------------------------------------------- */

static bool same_host(const struct page *page, const struct page *other)
{
    const struct sockaddr *a = dvbcss_connection_peer(page->connection);
    const struct sockaddr *b = dvbcss_connection_peer(other->connection);

    if (a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET)
        return ((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)(const void *)b)->sin_addr.s_addr;
    return a->sa_family == AF_INET6 &&
           IN6_ARE_ADDR_EQUAL(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
                              &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr);
}

/* A host that comes again and again takes from itself what it can. */
static struct page *who_waits_in_vain(const struct page_channel *channel, const struct page *page)
{
    struct list_node *node;
    struct list_node *after;

    LIST_FOR_EACH (node, after, &channel->waiting) {
        struct page *other = CONTAINER_OF(node, struct page, waiting);

        if (same_host(page, other))
            return other;
    }
    return CONTAINER_OF(channel->waiting.next, struct page, waiting);
}

void page_await_token(struct page_channel *channel, struct page *page)
{
    int most = dvbcss_endpoint_max_connections(channel->endpoint);
    size_t places = most < WAITING_SHARE ? 1 : (size_t)most / WAITING_SHARE;

    if (most != DVBCSS_UNLIMITED && channel->waiting_count >= places)
        refuse_token(channel, who_waits_in_vain(channel, page),
                     "too many pages have not shown a token yet");
    list_append(&channel->waiting, &page->waiting);
    channel->waiting_count++;
}

void page_await_no_more(struct page_channel *channel, struct page *page)
{
    if (list_empty(&page->waiting))
        return;
    list_remove(&page->waiting);
    channel->waiting_count--;
}

/* ---- messages ------------------------------------------------------------------------------- */

/* A page that has just come must show its token before anything else. Returns whether the message
 * is to be looked at. */
static bool let_in(struct page_channel *channel, struct page *page,
                   const struct page_message *message)
{
    if (page->admitted)
        return page_owns(channel, page);
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
    page_tell(channel, page, page_write_welcome(hello));
    if (!page->admitted)
        page_admit(channel, page);
    if (page_owns(channel, page) && page->peer.beats) {
        channel->companions.curious = true;
        page_companions_tell(&channel->companions);
    }
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
        page_tell(channel, page, page_write_clock(message->t1, came_ns, page_wall_now_ns(channel)));
    if ((message->parts & PAGE_PRESENTS) && page_owns(channel, page) &&
        page_present(channel, after) != 0)
        send_error(channel, page, "internal", &lack);
}

void page_take(struct page_channel *channel, struct page *page, const char *text, size_t length,
               int64_t came_ns)
{
    struct page_message message = {.parts = 0};
    struct page_presentation after = {.timelines = NULL};
    struct page_mistake mistake = {"", ""};
    int error = page_message_decode(text, length, &message, &mistake);

    if (let_in(channel, page, &message)) {
        page_act(channel, page_session_heard(&channel->session, &page->peer, page_now_ns()));
        if (error == 0)
            error = page_prepare(channel, page, &message, came_ns, &after, &mistake);
        if (error == 0) {
            obey(channel, page, &message, came_ns, &after);
        } else {
            channel->counters.mistakes++;
            send_error(channel, page, error == DVBCSS_ENOMEM ? "internal" : "bad_message",
                       &mistake);
        }
        page_watch(channel);
    }
    page_presentation_finish(&after);
    page_message_finish(&message);
}
