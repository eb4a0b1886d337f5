#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dvbcss/ts.h"

/* Reads a plain decimal number without leading zeros that is followed by `end`. Returns where it
 * ended, at `end`; NULL if it is none or above `max`. */
static const char *read_number(const char *text, char end, uint32_t max, uint32_t *out)
{
    uint64_t value = 0;
    const char *at = text;

    for (; *at >= '0' && *at <= '9' && value <= max; at++)
        value = value * 10 + (uint64_t)(*at - '0');
    if (at == text || *at != end || value > max || (*text == '0' && at - text > 1))
        return NULL;
    *out = (uint32_t)value;
    return at;
}

static bool parse_exact(const char *rest, struct dvbcss_ts_selector *out)
{
    (void)out;
    return *rest == '\0';
}

static bool parse_temi(const char *rest, struct dvbcss_ts_selector *out)
{
    uint32_t component_tag;
    uint32_t timeline_id;

    rest = read_number(rest, ':', UINT8_MAX, &component_tag);
    if (!rest || !read_number(rest + 1, '\0', UINT8_MAX, &timeline_id))
        return false;
    out->component_tag = (uint8_t)component_tag;
    out->timeline_id = (uint8_t)timeline_id;
    return true;
}

static bool parse_mpd(const char *rest, struct dvbcss_ts_selector *out)
{
    uint32_t ticks = 0;
    const char *end = read_number(rest, '\0', UINT32_MAX, &ticks);

    if (!end) {
        end = read_number(rest, ':', UINT32_MAX, &ticks);
        if (!end || end[1] == '\0')
            return false;
        out->period_id = end + 1;
    }
    out->ticks_per_second = ticks;
    return ticks > 0;
}

/* The selectors of table 5.3.3.1: how they begin, and who reads the rest. */
static const struct form {
    enum dvbcss_ts_selector_kind kind;
    const char *prefix;
    bool (*parse)(const char *rest, struct dvbcss_ts_selector *out);
} forms[] = {
    {DVBCSS_TS_SELECTOR_PTS, DVBCSS_TS_SELECTOR_PTS_TEXT, parse_exact},
    {DVBCSS_TS_SELECTOR_TEMI, DVBCSS_TS_SELECTOR_TEMI_PREFIX, parse_temi},
    {DVBCSS_TS_SELECTOR_CT, DVBCSS_TS_SELECTOR_CT_TEXT, parse_exact},
    {DVBCSS_TS_SELECTOR_MPD, DVBCSS_TS_SELECTOR_MPD_PREFIX, parse_mpd},
};

struct dvbcss_ts_selector dvbcss_ts_selector_parse(const char *text)
{
    const struct dvbcss_ts_selector empty = {DVBCSS_TS_SELECTOR_FREE, 0, 0, 0, NULL, NULL};
    struct dvbcss_ts_selector selector = empty;

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        const size_t length = strlen(forms[i].prefix);

        selector = empty;
        if (strncmp(text, forms[i].prefix, length) == 0 &&
            forms[i].parse(text + length, &selector)) {
            selector.kind = forms[i].kind;
            return selector;
        }
    }
    selector = empty;
    selector.text = text;
    return selector;
}

/* Writes like snprintf. Returns the length, or a negative number for what cannot be written. */
static int print(const struct dvbcss_ts_selector *selector, char *buffer, size_t size)
{
    switch (selector->kind) {
    case DVBCSS_TS_SELECTOR_PTS:
        return snprintf(buffer, size, "%s", DVBCSS_TS_SELECTOR_PTS_TEXT);
    case DVBCSS_TS_SELECTOR_TEMI:
        return snprintf(buffer, size, "%s%d:%d", DVBCSS_TS_SELECTOR_TEMI_PREFIX,
                        selector->component_tag, selector->timeline_id);
    case DVBCSS_TS_SELECTOR_CT:
        return snprintf(buffer, size, "%s", DVBCSS_TS_SELECTOR_CT_TEXT);
    case DVBCSS_TS_SELECTOR_MPD:
        if (selector->ticks_per_second == 0 || (selector->period_id && !*selector->period_id))
            return -1;
        return snprintf(buffer, size, "%s%" PRIu32 "%s%s", DVBCSS_TS_SELECTOR_MPD_PREFIX,
                        selector->ticks_per_second, selector->period_id ? ":" : "",
                        selector->period_id ? selector->period_id : "");
    case DVBCSS_TS_SELECTOR_FREE:
        return selector->text ? snprintf(buffer, size, "%s", selector->text) : -1;
    }
    return -1;
}

int dvbcss_ts_selector_format(const struct dvbcss_ts_selector *selector, char *buffer, size_t size,
                              size_t *length)
{
    int needed = print(selector, NULL, 0);

    if (needed < 0)
        return DVBCSS_EINVAL;
    *length = (size_t)needed;
    if (*length >= size)
        return DVBCSS_ENOSPC;
    print(selector, buffer, size);
    return 0;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool dvbcss_ts_selector_equal(const struct dvbcss_ts_selector *a,
                              const struct dvbcss_ts_selector *b)
{
    return a->kind == b->kind && a->component_tag == b->component_tag &&
           a->timeline_id == b->timeline_id && a->ticks_per_second == b->ticks_per_second &&
           same_text(a->period_id, b->period_id) && same_text(a->text, b->text);
}

struct dvbcss_rate dvbcss_ts_selector_rate(const struct dvbcss_ts_selector *selector)
{
    struct dvbcss_rate rate = {0, 0};

    if (selector->kind == DVBCSS_TS_SELECTOR_PTS)
        rate = dvbcss_rate_hz(90000);
    else if (selector->kind == DVBCSS_TS_SELECTOR_MPD)
        rate = dvbcss_rate_hz(selector->ticks_per_second);
    return rate;
}

bool dvbcss_ts_stem_matches(const char *content_id, const char *stem)
{
    return content_id && strncmp(content_id, stem, strlen(stem)) == 0;
}
