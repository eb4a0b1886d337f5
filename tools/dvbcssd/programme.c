#include "programme.h"

#include "dvbcss/alloc.h"
#include "dvbcss/log.h"

struct programme {
    uv_timer_t timer;
    struct tv *tv;
    /* The one that comes and goes. */
    struct tv_timeline *temi;
    unsigned next_step;
};

/* Broadcast events: net path, event id, start and duration (TS 103 286-2 clause 5.2.3). */
#define FILM_ID "dvb://233a.1004.1044;363a~20130218T0915Z--PT00H45M"
#define NEWS_ID "dvb://233a.1004.1044;363b~20130218T1000Z--PT00H30M"
#define NETWORK_ID "dvb://233a.1004.1044"

static const struct tv_timeline_options timelines[] = {
    {"pts", "urn:dvb:css:timeline:pts", {90000, 1}, 900000, 1.0, 0.001, true, false},
    {"temi", "urn:dvb:css:timeline:temi:1:1", {1000, 1}, 0, 1.0, -1, true, false},
    {"mpd", "urn:dvb:css:timeline:mpd:period:rel:1000", {1000, 1}, 0, 1.0, -1, true, false},
};
enum { TEMI = 1 };

/* ---- steps ---------------------------------------------------------------------------------- */

static int present(struct programme *programme, const char *id, const char *id_status,
                   const char *status)
{
    struct tv_content content = {id, id_status, status};

    return tv_set_content(programme->tv, &content);
}

static int set_speed(struct programme *programme, double speed)
{
    struct tv_change change = {.parts = TV_CHANGE_SPEED, .speed = speed};

    return tv_change(programme->tv, NULL, &change, TV_NOW, NULL);
}

static int set_temi_available(struct programme *programme, bool available)
{
    struct tv_change change = {.parts = TV_CHANGE_AVAILABLE, .available = available};

    return tv_change(programme->tv, programme->temi, &change, TV_NOW, NULL);
}

static int show_film(struct programme *programme)
{
    int error = set_speed(programme, 1.0);

    return error == 0 ? present(programme, FILM_ID, "final", "okay") : error;
}

static int pause_media(struct programme *programme)
{
    return set_speed(programme, 0.0);
}

static int play_media(struct programme *programme)
{
    return set_speed(programme, 1.0);
}

static int seek_forwards(struct programme *programme)
{
    struct tv_change change = {.parts = TV_CHANGE_SEEK, .seek_s = 60.0};

    return tv_change(programme->tv, NULL, &change, TV_NOW, NULL);
}

static int change_channel(struct programme *programme)
{
    return present(programme, NETWORK_ID, "partial", "transitioning");
}

static int show_news(struct programme *programme)
{
    return present(programme, NEWS_ID, "final", "okay");
}

static int take_temi(struct programme *programme)
{
    return set_temi_available(programme, false);
}

static int give_temi_back(struct programme *programme)
{
    return set_temi_available(programme, true);
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

    if (error == 0)
        error = tv_publish(programme->tv);
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
    error = add_timelines(programme);
    if (error != 0) {
        dvbcss_free(programme);
        return error;
    }
    uv_timer_init(loop, &programme->timer);
    programme->timer.data = programme;
    run_step(programme);
    programme_set_step(programme, step_s);
    *out = programme;
    return 0;
}

void programme_set_step(struct programme *programme, double step_s)
{
    uint64_t step_ms = (uint64_t)(step_s * 1000.0);

    uv_timer_start(&programme->timer, on_timer, step_ms, step_ms);
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
