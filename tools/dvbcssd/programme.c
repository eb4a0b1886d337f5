#include "programme.h"

#include "dvbcss/alloc.h"
#include "dvbcss/log.h"

struct programme {
    uv_timer_t timer;
    struct tv *tv;
    /* The one that comes and goes. */
    struct tv_timeline *temi;
    uint64_t step_ms;
    unsigned next_step;
};

/* Broadcast events: net path, event id, start and duration (TS 103 286-2 clause 5.2.3). */
#define FILM_ID "dvb://233a.1004.1044;363a~20130218T0915Z--PT00H45M"
#define NEWS_ID "dvb://233a.1004.1044;363b~20130218T1000Z--PT00H30M"
#define NETWORK_ID "dvb://233a.1004.1044"

static const struct tv_timeline_options timelines[] = {
    {"urn:dvb:css:timeline:pts", {90000, 1}, 900000, 1.0, 0.001, true},
    {"urn:dvb:css:timeline:temi:1:1", {1000, 1}, 0, 1.0, -1, true},
    {"urn:dvb:css:timeline:mpd:period:rel:1000", {1000, 1}, 0, 1.0, -1, true},
};
enum { TEMI = 1 };

/* ---- steps ---------------------------------------------------------------------------------- */

static int present(struct tv *tv, const char *id, const char *id_status, const char *status)
{
    struct tv_content content = {id, id_status, status};
    int error = tv_set_content(tv, &content);

    return error == 0 ? tv_publish(tv) : error;
}

static int show_film(struct programme *programme)
{
    int error = tv_set_speed(programme->tv, 1.0);

    return error == 0 ? present(programme->tv, FILM_ID, "final", "okay") : error;
}

static int pause_media(struct programme *programme)
{
    return tv_set_speed(programme->tv, 0.0);
}

static int play_media(struct programme *programme)
{
    return tv_set_speed(programme->tv, 1.0);
}

static int seek_forwards(struct programme *programme)
{
    return tv_seek(programme->tv, 60.0);
}

static int change_channel(struct programme *programme)
{
    return present(programme->tv, NETWORK_ID, "partial", "transitioning");
}

static int show_news(struct programme *programme)
{
    return present(programme->tv, NEWS_ID, "final", "okay");
}

static int take_temi(struct programme *programme)
{
    return tv_timeline_set_available(programme->temi, false);
}

static int give_temi_back(struct programme *programme)
{
    return tv_timeline_set_available(programme->temi, true);
}

static const struct {
    const char *name;
    int (*run)(struct programme *programme);
} schedule[] = {
    {"the film plays", show_film},
    {"pause", pause_media},
    {"play", play_media},
    {"seek forwards by a minute", seek_forwards},
    {"change to another programme begins", change_channel},
    {"the news play", show_news},
    {"the TEMI timeline goes", take_temi},
    {"the TEMI timeline is back", give_temi_back},
};
enum { STEPS = sizeof schedule / sizeof *schedule };

static void run_step(struct programme *programme)
{
    unsigned step = programme->next_step;
    int error = schedule[step].run(programme);

    programme->next_step = (step + 1) % STEPS;
    if (error != 0)
        dvbcss_log(DVBCSS_LOG_ERROR, "programme", "%s: %s", schedule[step].name,
                   dvbcss_error_text(error));
    else
        dvbcss_log(DVBCSS_LOG_INFO, "programme", "%s", schedule[step].name);
}

static void on_timer(uv_timer_t *timer)
{
    run_step(timer->data);
}

/* ---- start and stop ------------------------------------------------------------------------- */

static int add_timelines(struct programme *programme)
{
    for (size_t i = 0; i < sizeof timelines / sizeof *timelines; i++) {
        int error =
            tv_add_timeline(programme->tv, &timelines[i], i == TEMI ? &programme->temi : NULL);

        if (error != 0)
            return error;
    }
    return 0;
}

int programme_start(struct programme **out, uv_loop_t *loop, struct tv *tv, double step_s)
{
    struct programme *programme = dvbcss_calloc(1, sizeof *programme);
    int error;

    if (!programme)
        return DVBCSS_ENOMEM;
    programme->tv = tv;
    programme->step_ms = (uint64_t)(step_s * 1000.0);
    error = add_timelines(programme);
    if (error != 0) {
        dvbcss_free(programme);
        return error;
    }
    uv_timer_init(loop, &programme->timer);
    programme->timer.data = programme;
    run_step(programme);
    uv_timer_start(&programme->timer, on_timer, programme->step_ms, programme->step_ms);
    *out = programme;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    dvbcss_free(handle->data);
}

void programme_stop(struct programme *programme)
{
    if (programme)
        uv_close((uv_handle_t *)&programme->timer, on_closed);
}
