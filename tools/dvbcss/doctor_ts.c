#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "doctor.h"
#include "dvbcss/ts_client.h"

enum { CONNECT_S = 6, TIMESTAMP_S = 5 };

/* Seconds: how far a timestamp may lie ahead, and how far two of them may contradict each other. */
static const double FUTURE_MAX_S = 5, JUMP_S = 0.05;

struct timeline_choice {
    const char *selector;
    struct dvbcss_rate rate;
};

/* What happens on the connection. */
struct visit {
    struct doctor *doctor;
    struct timeline_choice choice;
    bool connected;
    bool ended;
    bool event;
    unsigned timestamps;
    struct dvbcss_ts_control_timestamp last;
};

/* ---- one message ---------------------------------------------------------------------------- */

/* Plain decimal digits, perhaps with a sign. */
static bool is_plain(const char *text)
{
    if (*text == '-')
        text++;
    return *text && text[strspn(text, "0123456789")] == '\0' && (*text != '0' || !text[1]);
}

static void check_time(struct doctor *doctor, const json_t *message, const char *member,
                       bool null_allowed)
{
    const json_t *value = json_object_get(message, member);

    if (!value)
        doctor_find_once(doctor, FINDING_MEMBER_MISSING, "%s is missing", member);
    else if (json_is_number(value))
        doctor_find_once(doctor, FINDING_TIME_NUMBER, "%s is a number", member);
    else if (json_is_string(value) && !is_plain(json_string_value(value)))
        doctor_find_once(doctor, FINDING_TIME_TEXT, "%s is \"%s\"", member,
                         json_string_value(value));
    else if (!json_is_string(value) && !(null_allowed && json_is_null(value)))
        doctor_find_once(doctor, FINDING_MEMBER_TYPE, "%s is %s and has to be a string", member,
                         doctor_kind(value));
}

static void on_text(void *user, const char *text, size_t length)
{
    struct visit *visit = user;
    json_t *message = json_loadb(text, length, 0, NULL);
    const json_t *speed = json_object_get(message, "timelineSpeedMultiplier");

    if (json_is_object(message)) {
        check_time(visit->doctor, message, "contentTime", true);
        check_time(visit->doctor, message, "wallClockTime", false);
        if (!speed)
            doctor_find_once(visit->doctor, FINDING_MEMBER_MISSING,
                             "timelineSpeedMultiplier is missing");
        else if (!json_is_number(speed) && !json_is_null(speed))
            doctor_find_once(visit->doctor, FINDING_MEMBER_TYPE,
                             "timelineSpeedMultiplier is %s and has to be a number",
                             doctor_kind(speed));
    }
    json_decref(message);
}

/* Compares with the wall clock, if that is known. */
static void check_wall_clock(struct visit *visit,
                             const struct dvbcss_ts_control_timestamp *timestamp)
{
    int64_t local_ns, wall_ns;
    double ahead_s;

    if (!dvbcss_clock_available(visit->doctor->clock.wall))
        return;
    local_clock_read(&visit->doctor->clock, &local_ns, &wall_ns);
    ahead_s = ((double)timestamp->wall_clock_time_ns - (double)wall_ns) / 1e9;
    if (ahead_s > FUTURE_MAX_S)
        doctor_find_once(visit->doctor, FINDING_TIME_FUTURE,
                         "wallClockTime is %.0f s ahead of the wall clock", ahead_s);
}

static void check_sequence(struct visit *visit, const struct dvbcss_ts_control_timestamp *now)
{
    const struct dvbcss_ts_control_timestamp *last = &visit->last;
    double rate = (double)visit->choice.rate.ticks / visit->choice.rate.seconds;
    double elapsed_s = ((double)now->wall_clock_time_ns - (double)last->wall_clock_time_ns) / 1e9;
    double apart_s;

    if (elapsed_s == 0 && !dvbcss_ts_control_timestamp_equal(now, last))
        doctor_find_once(visit->doctor, FINDING_TIME_REPEATED,
                         "two different control timestamps have the wallClockTime %" PRId64,
                         now->wall_clock_time_ns);
    if (!now->available || !last->available || now->speed != last->speed)
        return;
    apart_s = ((double)now->content_time_ticks - (double)last->content_time_ticks) / rate -
              elapsed_s * last->speed;
    if (fabs(apart_s) > JUMP_S)
        doctor_find_once(visit->doctor, FINDING_TIMELINE_JUMPS,
                         "the timeline jumped by %.3f s between two control timestamps", apart_s);
}

static void on_control_timestamp(void *user, const struct dvbcss_ts_control_timestamp *timestamp)
{
    struct visit *visit = user;

    check_wall_clock(visit, timestamp);
    if (visit->timestamps++ > 0)
        check_sequence(visit, timestamp);
    visit->last = *timestamp;
    visit->event = true;
}

/* ---- the connection ------------------------------------------------------------------------- */

static void on_connected(void *user)
{
    struct visit *visit = user;

    visit->connected = true;
    visit->event = true;
}

static void on_disconnected(void *user, const struct dvbcss_disconnect *why)
{
    struct visit *visit = user;

    doctor_check_end(visit->doctor, why);
    visit->ended = true;
    visit->event = true;
}

static void on_protocol_error(void *user, const struct dvbcss_report *report, const char *text,
                              size_t length)
{
    struct visit *visit = user;

    (void)text;
    (void)length;
    doctor_find_once(visit->doctor, FINDING_NOT_UNDERSTOOD, "%s%s%s", report->path,
                     *report->path ? ": " : "", report->reason);
}

/* PTS if there is one, else the first; without a list PTS, as companions do. */
static struct timeline_choice choose(const struct dvbcss_cii *cii)
{
    static const char pts[] = "urn:dvb:css:timeline:pts";
    struct timeline_choice choice = {pts, {90000, 1}};
    const struct dvbcss_cii_timelines *timelines = &cii->timelines;

    for (size_t i = 0; timelines->presence == DVBCSS_VALUE && i < timelines->count; i++) {
        const struct dvbcss_cii_timeline *timeline = &timelines->items[i];
        bool is_pts = strcmp(timeline->selector, pts) == 0;

        if (i > 0 && !is_pts)
            continue;
        choice.selector = timeline->selector;
        choice.rate = (struct dvbcss_rate){timeline->units_per_second, timeline->units_per_tick};
        if (is_pts)
            break;
    }
    return choice;
}

static void observe(struct doctor *doctor, struct visit *visit, const char *url)
{
    doctor_wait(doctor, &visit->event, CONNECT_S);
    if (visit->ended)
        return;
    if (!visit->connected) {
        doctor_find(doctor, FINDING_NO_ANSWER, "no connection within %d s", CONNECT_S);
        return;
    }
    doctor_find(doctor, FINDING_CONNECTED, "connected to %s", url);
    visit->event = visit->timestamps > 0;
    doctor_wait(doctor, &visit->event, TIMESTAMP_S);
    if (visit->timestamps == 0) {
        if (!visit->ended)
            doctor_find(doctor, FINDING_NO_TIMESTAMP, "no control timestamp for %s within %d s",
                        visit->choice.selector, TIMESTAMP_S);
        return;
    }
    doctor_wait(doctor, &visit->ended, doctor->observe_s);
    if (!visit->last.available)
        doctor_find(doctor, FINDING_TIMELINE_UNAVAILABLE, "%s is not available",
                    visit->choice.selector);
    else
        doctor_find(doctor, FINDING_TIMELINE_GOOD,
                    "%u control timestamps for %s, the last at tick %" PRId64 " with speed %g",
                    visit->timestamps, visit->choice.selector, visit->last.content_time_ticks,
                    visit->last.speed);
    if (visit->timestamps == 1 && !visit->ended)
        doctor_find(doctor, FINDING_NOT_REPEATED, "one control timestamp in %.0f s",
                    doctor->observe_s);
}

void doctor_ts(struct doctor *doctor)
{
    const struct dvbcss_cii *cii = dvbcss_cii_client_state(doctor->cii);
    struct visit visit = {.doctor = doctor, .choice = choose(cii)};
    struct dvbcss_ts_client_options options = DVBCSS_TS_CLIENT_OPTIONS_INIT;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct dvbcss_clock *timeline = NULL;
    struct dvbcss_ts_client *client = NULL;
    int error;

    doctor_step(doctor, "timeline");
    options.url = dvbcss_cii_text(cii, DVBCSS_CII_TS_URL);
    if (!options.url) {
        doctor_find(doctor, FINDING_SKIPPED, "CII names no tsUrl");
        return;
    }
    options.timeline_selector = visit.choice.selector;
    options.connection.reconnect = false;
    options.connection.ca_file = doctor->ca_file;
    options.connection.pin = doctor->pin;
    options.connection.connect_timeout_ms = (CONNECT_S - 1) * 1000;
    options.events.connected = on_connected;
    options.events.text = on_text;
    options.events.control_timestamp = on_control_timestamp;
    options.events.disconnected = on_disconnected;
    options.events.protocol_error = on_protocol_error;
    options.user = &visit;
    error = dvbcss_correlated_clock_create(&timeline, doctor->clock.wall, visit.choice.rate,
                                           dvbcss_correlation(0, 0), 1.0);
    if (error == 0) {
        options.timeline = timeline;
        error = dvbcss_ts_client_create(&client, &doctor->loop, &options, &report);
    }
    if (error == 0)
        observe(doctor, &visit, options.url);
    else
        doctor_find(doctor, FINDING_SKIPPED, "%s: %s", options.url,
                    *report.reason ? report.reason : dvbcss_error_text(error));
    dvbcss_ts_client_close(client, NULL, NULL);
    /* The client has turned away from the clock at once. */
    dvbcss_clock_destroy(timeline);
}
