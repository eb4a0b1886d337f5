/*
 * Messages of pages, one after the other: what is refused says where and why in UTF-8, and what is
 * taken can be added to what was said before.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/dvbcssd/page_presentation.h"
#include "tools/dvbcssd/tv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int condition)
{
    if (!condition)
        abort();
}

static void check_mistake(const struct page_mistake *mistake)
{
    json_t *error = page_write_error("bad_message", mistake);

    check(error && mistake->reason[0]);
    json_decref(error);
}

static void check_presentation(const struct page_presentation *presentation)
{
    check(presentation->timeline_count <= TV_TIMELINES_MAX);
    for (size_t i = 0; i < presentation->timeline_count; i++) {
        const struct page_timeline *timeline = &presentation->timelines[i];

        check(timeline->rate.ticks != 0 && timeline->rate.seconds != 0);
        check(timeline->listed || timeline->timestamp.available);
        check(page_presentation_timeline(presentation, timeline->selector) == timeline);
    }
}

static void take(const char *text, size_t length, struct page_presentation *presentation)
{
    const struct page_times times = {INT64_C(5000000000000), 0};
    struct page_presentation after = {.timelines = NULL};
    struct page_message message = {.parts = 0};
    struct page_mistake mistake = {"", ""};
    int error = page_message_decode(text, length, &message, &mistake);

    if (error == 0) {
        json_t *clock = message.parts & PAGE_CLOCK ? page_write_clock(message.t1, 1, 2) : NULL;

        check(clock || !(message.parts & PAGE_CLOCK));
        json_decref(clock);
        error = page_presentation_add(presentation, &message, &times, &after, &mistake);
    }
    if (error == 0) {
        check_presentation(&after);
        page_presentation_finish(presentation);
        *presentation = after;
    } else {
        check_mistake(&mistake);
        page_presentation_finish(&after);
    }
    page_message_finish(&message);
}

/* One message a line. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct page_presentation presentation = {.timelines = NULL};
    const char *text = (const char *)data, *end = text + size;

    while (text < end) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));

        if (!line_end)
            line_end = end;
        take(text, (size_t)(line_end - text), &presentation);
        text = line_end + 1;
    }
    page_presentation_finish(&presentation);
    return 0;
}
