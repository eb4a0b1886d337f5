/*
 * Pages that come: who is let in, who owns the channel, and what their messages do.
 */
#include <stdio.h>
#include <string.h>

#include "page_channel_internal.h"
#include "services.h"

enum {
    CLOSE_TAKEN_OVER = 4001,
    CLOSE_UNAUTHORIZED = 4003,
    CLOSE_OCCUPIED = 4009,
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
    channel->counters.unauthorized++;
    page_log(channel, page, DVBCSS_LOG_WARNING, reason);
    turn_away(channel, page, "unauthorized", CLOSE_UNAUTHORIZED, reason);
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
