/**
 * @file
 * What the files of the page channel share. Private to page_channel*.c.
 */
#ifndef DVBCSSD_PAGE_CHANNEL_INTERNAL_H
#define DVBCSSD_PAGE_CHANNEL_INTERNAL_H

#include <uv.h>

#include "common/list.h"
#include "dvbcss/log.h"
#include "page_channel.h"
#include "page_message.h"
#include "page_presentation.h"

struct page_channel {
    struct services *services;
    struct dvbcss_endpoint *endpoint;
    struct token token;
    struct page_session session;
    struct page_presentation presentation;
    struct page_companions companions;
    /* Pages that have yet to show their token, the oldest first. */
    struct list_node waiting;
    size_t waiting_count;
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
    /* On the channel's list. */
    struct list_node waiting;
    /* It need not show a token any more. */
    bool admitted;
    struct page_hello hello;
};

static inline struct page *page_of(struct page_peer *peer)
{
    return CONTAINER_OF(peer, struct page, peer);
}

static inline bool page_owns(const struct page_channel *channel, const struct page *page)
{
    return channel->session.owner == &page->peer;
}

/* ---- page_channel.c ------------------------------------------------------------------------- */

/** The loop's clock, and the wall clock. */
int64_t page_now_ns(void);
int64_t page_wall_now_ns(const struct page_channel *channel);

/** Sends a message, which is taken over. False if the page takes no more for now, or is lost. */
bool page_tell(struct page_channel *channel, struct page *page, json_t *message);

/** Writes to the log what happened to a page. */
void page_log(struct page_channel *channel, const struct page *page, enum dvbcss_log_level level,
              const char *what);

/* ---- page_channel_present.c: what is presented, and whether it still counts ----------------- */

/** What the page presents after a message that came at a time of the wall clock: 0, or a
 * dvbcss_error with the mistake filled. @p after is zeroed; the caller ends it in any case. */
DVBCSS_NODISCARD int page_prepare(struct page_channel *channel, const struct page *page,
                                  const struct page_message *message, int64_t came_ns,
                                  struct page_presentation *after, struct page_mistake *mistake);

/** Has the owner present this, which is taken over: 0 or a dvbcss_error. */
DVBCSS_NODISCARD int page_present(struct page_channel *channel, struct page_presentation *after);

/** Does what the session says. */
void page_act(struct page_channel *channel, enum page_action action);

/** Sees to it that silence is noticed. */
void page_watch(struct page_channel *channel);

/** Takes the time from the configuration. */
void page_set_silence_timeout(struct page_channel *channel);

/** For struct page_audience: nobody wants a timeline any more. */
void page_forget_timeline(void *user, const char *selector);

/* ---- page_channel_messages.c: who is let in, and what messages do --------------------------- */

/** Waits for the token of a page that has come. Of those that wait, only so many may that the
 * others have room: one more takes the place of the oldest of its address, or of all. */
void page_await_token(struct page_channel *channel, struct page *page);

/** The page has shown a token, or goes. */
void page_await_no_more(struct page_channel *channel, struct page *page);

/** Lets a page in that need not show anything any more: it owns the channel then, or is turned
 * away. */
void page_admit(struct page_channel *channel, struct page *page);

/** Takes a message that came at a time of the wall clock. */
void page_take(struct page_channel *channel, struct page *page, const char *text, size_t length,
               int64_t came_ns);

#endif
