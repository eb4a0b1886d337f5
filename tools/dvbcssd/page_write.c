/*
 * What the daemon says to a page. Texts of peers were UTF-8 when they came.
 */
#include <inttypes.h>
#include <stdio.h>

#include "dvbcss/alloc.h"
#include "page_message.h"

char *page_json_text(const json_t *value, size_t *length)
{
    const size_t flags = JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(17);
    size_t size = json_dumpb(value, NULL, 0, flags);
    char *text = size != 0 ? dvbcss_malloc(size) : NULL;

    if (text && json_dumpb(value, text, size, flags) != size) {
        dvbcss_free(text);
        text = NULL;
    }
    *length = size;
    return text;
}

/* A time as CSS-TS has it. */
static json_t *write_time(int64_t value)
{
    return json_sprintf("%" PRId64, value);
}

json_t *page_write_hello(const char *id, bool token_needed, double silence_timeout_s)
{
    return json_pack("{s:{s:i, s:s, s:s, s:b, s:f}}", "hello", "version", PAGE_VERSION, "server",
                     "dvbcssd/" DVBCSS_VERSION, "id", id, "tokenNeeded", token_needed,
                     "silenceTimeout", silence_timeout_s);
}

json_t *page_write_welcome(const struct page_hello *hello)
{
    return json_pack("{s:{s:i, s:s}}", "welcome", "version", hello->version, "clock",
                     page_clock_names[hello->clock]);
}

json_t *page_write_cii_url(const char *url)
{
    return json_pack("{s:s}", "ciiUrl", url);
}

json_t *page_write_selectors(json_t *added, json_t *removed)
{
    return json_pack("{s:o, s:o}", "add_timelineSelectors", added, "remove_timelineSelectors",
                     removed);
}

json_t *page_write_companion_count(size_t count)
{
    return json_pack("{s:I}", "nrOfSlaves", (json_int_t)count);
}

json_t *page_write_clock(const char *t1, int64_t t2_ns, int64_t t3_ns)
{
    return json_pack("{s:{s:o, s:o, s:o}}", "clock", "t1", json_loads(t1, JSON_DECODE_ANY, NULL),
                     "t2", write_time(t2_ns), "t3", write_time(t3_ns));
}

json_t *page_write_error(const char *code, const struct page_mistake *mistake)
{
    return json_pack("{s:{s:s, s:s?, s:s}}", "error", "code", code, "member",
                     *mistake->member ? mistake->member : NULL, "reason", mistake->reason);
}

json_t *page_write_notice(const char *code, const char *reason)
{
    return json_pack("{s:{s:s, s:s}}", "notice", "code", code, "reason", reason);
}

/* ---- companions ----------------------------------------------------------------------------- */

json_t *page_write_connected(const char *id, const char *address)
{
    return json_pack("{s:{s:s, s:s, s:s}}", "companion", "id", id, "event", "connected", "address",
                     address);
}

json_t *page_write_asked(const char *id, const struct dvbcss_ts_setup *setup)
{
    return json_pack("{s:{s:s, s:s, s:s, s:s}}", "companion", "id", id, "event", "asked",
                     "contentIdStem", setup->content_id_stem, "timelineSelector",
                     setup->timeline_selector);
}

/* In the form of CSS-TS. */
static json_t *write_presentation(const struct dvbcss_ts_presentation *presentation)
{
    char text[DVBCSS_TS_PRESENTATION_SIZE];
    size_t length;

    if (dvbcss_ts_presentation_encode(presentation, text, sizeof text, &length) != 0)
        return NULL;
    return json_loadb(text, length, 0, NULL);
}

json_t *page_write_reported(const char *id, const char *selector,
                            const struct dvbcss_ts_presentation *presentation)
{
    json_t *reported = json_pack("{s:{s:s, s:s, s:s}}", "companion", "id", id, "event", "reported",
                                 "timelineSelector", selector);
    json_t *times = write_presentation(presentation);

    if (!times || json_object_update(json_object_get(reported, "companion"), times) != 0) {
        json_decref(reported);
        reported = NULL;
    }
    json_decref(times);
    return reported;
}

json_t *page_write_disconnected(const char *id)
{
    return json_pack("{s:{s:s, s:s}}", "companion", "id", id, "event", "disconnected");
}
