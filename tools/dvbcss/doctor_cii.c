#include <string.h>

#include "client_report.h"
#include "doctor.h"
#include "dvbcss/url.h"

enum { CONNECT_S = 6, MESSAGE_S = 5 };

static void on_connected(void *user)
{
    struct doctor *doctor = user;

    doctor->cii_visit.connected = true;
    doctor->cii_visit.event = true;
}

static void on_disconnected(void *user, const struct dvbcss_disconnect *why)
{
    struct doctor *doctor = user;

    if (doctor->cii_visit.received)
        doctor_find(doctor, FINDING_CLOSED, "the connection to CII: %s", why->text);
    else
        doctor_check_end(doctor, why);
    doctor->cii_visit.ended = true;
    doctor->cii_visit.event = true;
}

static void on_text(void *user, const char *text, size_t length)
{
    struct doctor *doctor = user;

    if (!doctor->cii_visit.received)
        doctor->cii_visit.message = json_loadb(text, length, 0, NULL);
    doctor->cii_visit.received = true;
}

/* The client has taken the message as far as it can. */
static void on_received(void *user, const struct dvbcss_cii *message, unsigned changed)
{
    struct doctor *doctor = user;

    (void)message;
    (void)changed;
    doctor->cii_visit.event = true;
}

static void on_protocol_error(void *user, const struct dvbcss_report *report, const char *text,
                              size_t length)
{
    struct doctor *doctor = user;

    (void)text;
    (void)length;
    doctor->cii_visit.received = true;
    doctor->cii_visit.event = true;
    doctor_find_once(doctor, FINDING_NOT_UNDERSTOOD, "%s%s%s", report->path,
                     *report->path ? ": " : "", report->reason);
}

/* ---- the message ---------------------------------------------------------------------------- */

static bool is_one_of(const char *text, const char *const *words)
{
    size_t length = strcspn(text, " ");

    for (; *words; words++) {
        if (strlen(*words) == length && strncmp(*words, text, length) == 0)
            return true;
    }
    return false;
}

static void check_version(struct doctor *doctor, const json_t *message)
{
    const char *version = doctor_string(doctor, message, "protocolVersion");

    if (version && strcmp(version, DVBCSS_CII_VERSION) != 0)
        doctor_find(doctor, FINDING_VERSION, "protocolVersion is \"%s\"", version);
}

static void check_content(struct doctor *doctor, const json_t *message)
{
    static const char *const statuses[] = {"partial", "final", NULL};
    const json_t *id = json_object_get(message, "contentId");
    const char *status;

    if (!id || json_is_null(id)) {
        doctor_find(doctor, FINDING_NOTHING_PRESENTED, "contentId is %s", doctor_kind(id));
        return;
    }
    if (!doctor_string(doctor, message, "contentId"))
        return;
    status = doctor_string(doctor, message, "contentIdStatus");
    if (status && !is_one_of(status, statuses))
        doctor_find(doctor, FINDING_MEMBER_VALUE,
                    "contentIdStatus is \"%s\", which is neither partial nor final", status);
}

static void check_status(struct doctor *doctor, const json_t *message)
{
    static const char *const statuses[] = {"okay", "transitioning", "fault", NULL};
    const json_t *value = json_object_get(message, "presentationStatus");
    const char *status;

    if (json_is_array(value)) {
        doctor_find(doctor, FINDING_STATUS_ARRAY, "presentationStatus is a list");
        return;
    }
    status = doctor_string(doctor, message, "presentationStatus");
    if (status && !is_one_of(status, statuses))
        doctor_find(doctor, FINDING_MEMBER_VALUE,
                    "presentationStatus begins with none of okay, transitioning and fault: \"%s\"",
                    status);
}

/* Companions read tolerantly and pass over an entry without proper units: nobody else tells. */
static void check_timeline(struct doctor *doctor, const json_t *timeline, size_t index)
{
    static const char *const rates[] = {"unitsPerTick", "unitsPerSecond"};
    const json_t *properties = json_object_get(timeline, "timelineProperties");
    const json_t *selector = json_object_get(timeline, "timelineSelector");

    if (!json_is_string(selector))
        doctor_find(doctor, selector ? FINDING_MEMBER_TYPE : FINDING_MEMBER_MISSING,
                    "timelines[%zu].timelineSelector is %s", index, doctor_kind(selector));
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        const json_t *value = json_object_get(properties, rates[i]);

        if (!json_is_integer(value))
            doctor_find(doctor, value ? FINDING_MEMBER_TYPE : FINDING_MEMBER_MISSING,
                        "timelines[%zu].timelineProperties.%s is %s and has to be a whole number",
                        index, rates[i], doctor_kind(value));
        else if (json_integer_value(value) < 1 || json_integer_value(value) > UINT32_MAX)
            doctor_find(doctor, FINDING_MEMBER_VALUE,
                        "timelines[%zu].timelineProperties.%s is %" JSON_INTEGER_FORMAT
                        " and has to be from 1 to 4294967295",
                        index, rates[i], json_integer_value(value));
    }
}

static void check_timelines(struct doctor *doctor, const json_t *message)
{
    const json_t *timelines = json_object_get(message, "timelines");

    if (!timelines)
        doctor_find(doctor, FINDING_TIMELINES_MISSING, "timelines is missing");
    else if (json_is_null(timelines))
        doctor_find(doctor, FINDING_TIMELINES_NULL, "timelines is null");
    else if (!json_is_array(timelines))
        doctor_find(doctor, FINDING_MEMBER_TYPE, "timelines is %s and has to be a list",
                    doctor_kind(timelines));
    else if (json_array_size(timelines) == 0)
        doctor_find(doctor, FINDING_TIMELINES_EMPTY, "timelines is an empty list");
    for (size_t i = 0; i < json_array_size(timelines); i++)
        check_timeline(doctor, json_array_get(timelines, i), i);
}

static void check_urls(struct doctor *doctor, const json_t *message)
{
    static const struct {
        const char *member;
        enum doctor_url_use use;
    } services[] = {{"wcUrl", DOCTOR_URL_WALL_CLOCK}, {"tsUrl", DOCTOR_URL_WEBSOCKET}};
    static const char *const others[] = {"mrsUrl", "teUrl"};

    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        const json_t *value = json_object_get(message, services[i].member);
        const char *url;

        if (!value || json_is_null(value)) {
            doctor_find(doctor, FINDING_URL_MISSING, "%s is %s", services[i].member,
                        doctor_kind(value));
            continue;
        }
        url = doctor_string(doctor, message, services[i].member);
        if (url)
            doctor_check_url(doctor, services[i].use, services[i].member, url);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (!json_object_get(message, others[i]))
            doctor_find(doctor, FINDING_NULL_MISSING, "%s is missing", others[i]);
    }
}

static void check_message(struct doctor *doctor, const json_t *message)
{
    if (!json_is_object(message))
        return;
    check_version(doctor, message);
    check_content(doctor, message);
    check_status(doctor, message);
    check_urls(doctor, message);
    check_timelines(doctor, message);
}

/* ---- the step ------------------------------------------------------------------------------- */

/* Waits for the first message: whether it came. */
static bool await_message(struct doctor *doctor)
{
    struct doctor_cii_visit *visit = &doctor->cii_visit;

    doctor_wait(doctor, &visit->event, CONNECT_S);
    if (visit->ended)
        return false;
    if (!visit->connected) {
        doctor_find(doctor, FINDING_NO_ANSWER, "no connection within %d s", CONNECT_S);
        return false;
    }
    doctor_find(doctor, FINDING_CONNECTED, "connected to %s", doctor->cii_url);
    visit->event = visit->received;
    doctor_wait(doctor, &visit->event, MESSAGE_S);
    if (!visit->received && !visit->ended)
        doctor_find(doctor, FINDING_NO_MESSAGE, "no message within %d s", MESSAGE_S);
    return visit->received;
}

/* Tells what is wrong with the URL, which is the TV's, or with an option, which is the user's. */
static void refuse(struct doctor *doctor, int error, const struct dvbcss_report *report)
{
    if (*report->reason && strcmp(report->path, "pin") != 0)
        doctor_find(doctor, FINDING_URL_MALFORMED, "%s: %s", doctor->cii_url, report->reason);
    else
        doctor->failure = client_report_failure(doctor->command, doctor->cii_url, error, report);
}

bool doctor_cii(struct doctor *doctor)
{
    struct dvbcss_cii_client_options options = DVBCSS_CII_CLIENT_OPTIONS_INIT;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct dvbcss_client_status status;
    bool received;
    int error;

    doctor_step(doctor, "cii");
    options.url = doctor->cii_url;
    options.connection.reconnect = false;
    options.connection.ca_file = doctor->ca_file;
    options.connection.pin = doctor->pin;
    options.connection.connect_timeout_ms = (CONNECT_S - 1) * 1000;
    options.events.connected = on_connected;
    options.events.disconnected = on_disconnected;
    options.events.text = on_text;
    options.events.received = on_received;
    options.events.protocol_error = on_protocol_error;
    options.user = doctor;
    error = dvbcss_cii_client_create(&doctor->cii, &doctor->loop, &options, &report);
    if (error != 0) {
        refuse(doctor, error, &report);
        return false;
    }
    received = await_message(doctor);
    dvbcss_cii_client_status(doctor->cii, &status);
    if (*status.peer)
        snprintf(doctor->peer, sizeof doctor->peer, "%s", status.peer);
    check_message(doctor, doctor->cii_visit.message);
    json_decref(doctor->cii_visit.message);
    return received;
}
