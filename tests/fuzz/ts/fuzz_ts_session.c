/*
 * A hub with two sources and three companions that live through what the input says. After every
 * step: sources know exactly what is needed, states fit what was sent, and every control timestamp
 * is valid. In the end nothing is needed.
 *
 * Each line of the input is a step: its first byte says what, its second who, the rest is text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dvbcss/ts_timeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COMPANIONS = 3, SOURCES = 2 };

/* A source that recognises every selector that begins with its letter. */
struct listener {
    struct dvbcss_ts_source source;
    char letter;
    int needed;
    enum dvbcss_ts_state state;
    struct dvbcss_ts_line line;
};

static struct dvbcss_ts_hub *hub;
static struct listener sources[SOURCES];
static struct dvbcss_ts_session *companions[COMPANIONS];
static int64_t now_ns;

static void check(int condition)
{
    if (!condition)
        abort();
}

static bool recognises(struct dvbcss_ts_source *source, const char *selector)
{
    const struct listener *listener = source->user;

    return selector[0] == listener->letter;
}

static enum dvbcss_ts_state read_line(struct dvbcss_ts_source *source, const char *selector,
                                      int64_t at_ns, struct dvbcss_ts_line *line)
{
    const struct listener *listener = source->user;

    check(listener->needed > 0 && recognises(source, selector) && at_ns == now_ns);
    *line = listener->line;
    return listener->state;
}

static void needed(struct dvbcss_ts_source *source, const char *selector)
{
    struct listener *listener = source->user;

    check(recognises(source, selector));
    listener->needed++;
}

static void not_needed(struct dvbcss_ts_source *source, const char *selector)
{
    struct listener *listener = source->user;

    check(recognises(source, selector));
    check(--listener->needed >= 0);
}

static const struct dvbcss_ts_source_ops ops = {recognises, read_line, needed, not_needed};

/* ---- steps ----------------------------------------------------------------------------------- */

static void connect(unsigned who, const char *text, size_t length)
{
    (void)text;
    (void)length;
    dvbcss_ts_session_destroy(companions[who % COMPANIONS]);
    companions[who % COMPANIONS] = NULL;
    check(dvbcss_ts_session_create(&companions[who % COMPANIONS], hub, NULL) == 0);
}

static void leave(unsigned who, const char *text, size_t length)
{
    (void)text;
    (void)length;
    dvbcss_ts_session_destroy(companions[who % COMPANIONS]);
    companions[who % COMPANIONS] = NULL;
}

static void receive(unsigned who, const char *text, size_t length)
{
    struct dvbcss_ts_session *session = companions[who % COMPANIONS];
    enum dvbcss_ts_session_state before;
    uint64_t ignored;

    if (!session)
        return;
    before = dvbcss_ts_session_state(session);
    ignored = dvbcss_ts_session_ignored(session);
    if (dvbcss_ts_session_receive(session, text, length, NULL, NULL) != 0) {
        check(dvbcss_ts_session_state(session) == before);
        check(dvbcss_ts_session_ignored(session) == ignored + 1);
    }
    check((dvbcss_ts_session_state(session) == DVBCSS_TS_SESSION_WAITING) ==
          !dvbcss_ts_session_setup(session));
}

static void toggle_source(unsigned who, const char *text, size_t length)
{
    struct dvbcss_ts_source *source = &sources[who % SOURCES].source;

    (void)text;
    (void)length;
    if (source->attachments)
        dvbcss_ts_hub_detach(hub, source);
    else
        check(dvbcss_ts_hub_attach(hub, source) == 0);
}

/* A control timestamp, or else one of the states without a line. */
static void show(unsigned who, const char *text, size_t length)
{
    struct listener *listener = &sources[who % SOURCES];
    struct dvbcss_ts_control_timestamp timestamp;

    listener->state = who & 1u ? DVBCSS_TS_GONE : DVBCSS_TS_NOT_YET;
    if (dvbcss_ts_control_timestamp_decode(text, length, DVBCSS_TOLERANT, &timestamp, NULL) == 0 &&
        timestamp.available) {
        listener->state = DVBCSS_TS_RUNNING;
        listener->line = dvbcss_ts_line_of(&timestamp, dvbcss_rate_hz(who % 7u * 1000u));
    }
    dvbcss_ts_source_changed(&listener->source);
}

static void set_content_id(unsigned who, const char *text, size_t length)
{
    char *id = malloc(length + 1);

    check(id != NULL);
    if (length > 0)
        memcpy(id, text, length);
    id[length] = '\0';
    check(dvbcss_ts_hub_set_content_id(hub, who & 1u ? id : NULL) == 0);
    free(id);
}

static void take_deliveries(void)
{
    struct dvbcss_ts_delivery delivery;
    struct dvbcss_ts_control_timestamp timestamp;
    struct dvbcss_ts_session *session;

    while (dvbcss_ts_hub_next_delivery(hub, &delivery)) {
        check(dvbcss_ts_control_timestamp_decode(delivery.text, delivery.length, DVBCSS_STRICT,
                                                 &timestamp, NULL) == 0);
        while ((session = dvbcss_ts_hub_next_receiver(hub)))
            check(dvbcss_ts_session_state(session) == (timestamp.available
                                                           ? DVBCSS_TS_SESSION_AVAILABLE
                                                           : DVBCSS_TS_SESSION_UNAVAILABLE));
    }
}

static void pass_time(unsigned who, const char *text, size_t length)
{
    int64_t deadline_ns;

    (void)text;
    (void)length;
    now_ns += (int64_t)who * 100000000;
    dvbcss_ts_hub_run(hub, now_ns);
    take_deliveries();
    check(dvbcss_ts_hub_deadline(hub, &deadline_ns) != 0 || deadline_ns > now_ns);
}

static void look_through_the_window(unsigned who, const char *text, size_t length)
{
    struct dvbcss_ts_window window;

    (void)text;
    (void)length;
    if (dvbcss_ts_hub_window(hub, who & 1u ? "a" : "b", now_ns, &window) == 0)
        check(window.companions <= COMPANIONS);
}

static void (*const steps[])(unsigned who, const char *text, size_t length) = {
    connect, leave,          receive,   toggle_source,
    show,    set_content_id, pass_time, look_through_the_window,
};

/* ---- a life ---------------------------------------------------------------------------------- */

static void check_needs(void)
{
    for (int s = 0; s < SOURCES; s++) {
        char seen[COMPANIONS][64];
        int expected = 0;

        for (int c = 0; c < COMPANIONS; c++) {
            const struct dvbcss_ts_setup *setup =
                companions[c] ? dvbcss_ts_session_setup(companions[c]) : NULL;
            const char *selector = setup ? setup->timeline_selector : "";
            int known = 0;

            strncpy(seen[c], selector, sizeof seen[c] - 1);
            seen[c][sizeof seen[c] - 1] = '\0';
            if (strlen(selector) >= sizeof seen[c])
                return; /* Too long to be told apart here. */
            for (int earlier = 0; earlier < c; earlier++)
                known = known || strcmp(seen[earlier], seen[c]) == 0;
            expected += !known && selector[0] == sources[s].letter;
        }
        check(sources[s].needed == (sources[s].source.attachments ? expected : 0));
    }
}

static void begin(void)
{
    const struct dvbcss_ts_hub_options options = DVBCSS_TS_HUB_OPTIONS_INIT;

    check(dvbcss_ts_hub_create(&hub, &options) == 0);
    now_ns = 0;
    memset(sources, 0, sizeof sources);
    for (int i = 0; i < SOURCES; i++) {
        sources[i].source.ops = &ops;
        sources[i].source.user = &sources[i];
        sources[i].letter = (char)('a' + i);
        sources[i].state = DVBCSS_TS_GONE;
    }
}

static void end(int hub_first)
{
    if (hub_first)
        dvbcss_ts_hub_destroy(hub);
    for (unsigned i = 0; i < COMPANIONS; i++)
        leave(i, "", 0);
    if (!hub_first)
        dvbcss_ts_hub_destroy(hub);
    for (int i = 0; i < SOURCES; i++)
        check(sources[i].needed == 0 && !sources[i].source.attachments);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data;
    size_t left = size;

    begin();
    while (left >= 2) {
        const char *newline = memchr(at + 2, '\n', left - 2);
        const size_t length = newline ? (size_t)(newline - at) : left;
        const size_t what = (unsigned char)at[0] % (sizeof steps / sizeof steps[0]);

        steps[what]((unsigned char)at[1], at + 2, length - 2);
        check_needs();
        at += newline ? length + 1 : length;
        left -= newline ? length + 1 : length;
    }
    end(size % 2 == 0);
    return 0;
}
