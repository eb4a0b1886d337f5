/*
 * What a page presents, and whether it still counts: on the television, back to what is configured,
 * and back again.
 */
#include <string.h>
#include <time.h>

#include "dvbcss/alloc.h"
#include "page_channel_internal.h"
#include "page_tv.h"
#include "services.h"

/* ---- what is presented ---------------------------------------------------------------------- */

/* What is to be added to times since 1970: both clocks as close together as can be had. */
static int64_t unix_to_wall_ns(const struct page_channel *channel)
{
    int64_t before = page_wall_now_ns(channel), after;
    struct timespec unix_time;

    clock_gettime(CLOCK_REALTIME, &unix_time);
    after = page_wall_now_ns(channel);
    return before + (after - before) / 2 -
           ((int64_t)unix_time.tv_sec * 1000000000 + unix_time.tv_nsec);
}

static void complain(int error, const char *what)
{
    if (error != 0)
        dvbcss_log(DVBCSS_LOG_ERROR, "page", "%s: %s", what, dvbcss_error_text(error));
}

void page_act(struct page_channel *channel, enum page_action action)
{
    struct page *owner = channel->session.owner ? page_of(channel->session.owner) : NULL;

    if (action == PAGE_FALL_BACK) {
        complain(services_present_configured(channel->services), "fallback");
        if (channel->session.state == PAGE_NOTHING) {
            page_presentation_finish(&channel->presentation);
        } else {
            channel->counters.silences++;
            page_log(channel, owner, DVBCSS_LOG_WARNING, "silent for too long: given up");
            page_tell(channel, owner,
                      page_write_notice("silent", "nothing was heard for too long: what is "
                                                  "configured is presented now"));
        }
    } else if (action == PAGE_RESUME) {
        services_stop_programme(channel->services);
        complain(page_tv_present(channel->services->tv, NULL, &channel->presentation,
                                 page_wall_now_ns(channel)),
                 "resumption");
        channel->counters.resumptions++;
        page_log(channel, owner, DVBCSS_LOG_INFO, "is back");
        page_tell(channel, owner, page_write_notice("resumed", "what the page presents is back"));
    }
}

/* The next presentation takes the place of the present one, on the television, too. */
int page_present(struct page_channel *channel, struct page_presentation *after)
{
    bool anew = page_session_present(&channel->session);
    int error;

    services_stop_programme(channel->services);
    error = page_tv_present(channel->services->tv, anew ? NULL : &channel->presentation, after,
                            page_wall_now_ns(channel));
    page_presentation_finish(&channel->presentation);
    channel->presentation = *after;
    memset(after, 0, sizeof *after);
    return error;
}

int page_prepare(struct page_channel *channel, const struct page *page,
                 const struct page_message *message, int64_t came_ns,
                 struct page_presentation *after, struct page_mistake *mistake)
{
    static const struct page_presentation nothing = {.timelines = NULL};
    const struct page_hello *hello = message->parts & PAGE_HELLO ? &message->hello : &page->hello;
    struct page_times times = {came_ns, 0};
    /* One that inherits begins anew. */
    bool goes_on = channel->session.state == PAGE_PRESENTED && page_owns(channel, page);

    if (!(message->parts & PAGE_PRESENTS))
        return 0;
    if (hello->clock == PAGE_CLOCK_UNIX)
        times.page_to_wall_ns = unix_to_wall_ns(channel);
    return page_presentation_add(goes_on ? &channel->presentation : &nothing, message, &times,
                                 after, mistake);
}

/* A page that does not promise to keep a timeline up to date which nobody wants is not believed
 * when somebody does again. */
void page_forget_timeline(void *user, const char *selector)
{
    struct page_channel *channel = user;
    struct page_timestamp gone = {.selector = dvbcss_strdup(selector)};
    struct page_message message = {
        .parts = PAGE_TIMESTAMPS, .timestamps = &gone, .timestamp_count = 1};
    struct page_presentation after = {.timelines = NULL};
    const struct page_times times = {page_wall_now_ns(channel), 0};
    struct page_mistake mistake;

    if (!channel->session.owner->beats && channel->session.state == PAGE_PRESENTED &&
        gone.selector &&
        page_presentation_add(&channel->presentation, &message, &times, &after, &mistake) == 0)
        complain(page_present(channel, &after), "forgetting a timeline");
    page_presentation_finish(&after);
    dvbcss_free(gone.selector);
}

/* ---- silence -------------------------------------------------------------------------------- */

static void on_silence(uv_timer_t *timer);

/* Deadlines only move away while a timer runs: it looks again when it rings. */
void page_watch(struct page_channel *channel)
{
    int64_t deadline_ns, wait_ns;

    if (uv_is_active((uv_handle_t *)&channel->silence) ||
        !page_session_deadline(&channel->session, &deadline_ns))
        return;
    wait_ns = deadline_ns - page_now_ns();
    uv_update_time(channel->silence.loop);
    uv_timer_start(&channel->silence, on_silence, wait_ns > 0 ? (uint64_t)wait_ns / 1000000 + 1 : 0,
                   0);
}

static void on_silence(uv_timer_t *timer)
{
    struct page_channel *channel = CONTAINER_OF(timer, struct page_channel, silence);

    page_act(channel, page_session_run(&channel->session, page_now_ns()));
    page_watch(channel);
}

void page_set_silence_timeout(struct page_channel *channel)
{
    channel->session.silence_timeout_ns =
        (int64_t)(channel->services->config->page.silence_timeout_s * 1e9);
    uv_timer_stop(&channel->silence);
    page_watch(channel);
}
