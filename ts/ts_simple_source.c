#include <math.h>
#include <string.h>

#include "common/list.h"
#include "dvbcss/alloc.h"
#include "dvbcss/ts_timeline.h"

struct dvbcss_ts_simple_source {
    struct dvbcss_ts_source base;
    char *selector;
    enum dvbcss_ts_state state;
    struct dvbcss_ts_line line;
};

static struct dvbcss_ts_simple_source *simple_of(struct dvbcss_ts_source *source)
{
    return CONTAINER_OF(source, struct dvbcss_ts_simple_source, base);
}

static bool recognises(struct dvbcss_ts_source *source, const char *selector)
{
    return strcmp(simple_of(source)->selector, selector) == 0;
}

static enum dvbcss_ts_state read_line(struct dvbcss_ts_source *source, const char *selector,
                                      int64_t now_ns, struct dvbcss_ts_line *line)
{
    const struct dvbcss_ts_simple_source *simple = simple_of(source);

    (void)selector;
    (void)now_ns;
    *line = simple->line;
    return simple->state;
}

static const struct dvbcss_ts_source_ops simple_ops = {recognises, read_line, NULL, NULL};

int dvbcss_ts_simple_source_create(struct dvbcss_ts_simple_source **out, const char *selector)
{
    struct dvbcss_ts_simple_source *simple;

    if (!selector)
        return DVBCSS_EINVAL;
    simple = dvbcss_calloc(1, sizeof *simple);
    if (!simple)
        return DVBCSS_ENOMEM;
    simple->selector = dvbcss_strdup(selector);
    if (!simple->selector) {
        dvbcss_free(simple);
        return DVBCSS_ENOMEM;
    }
    simple->base.ops = &simple_ops;
    simple->state = DVBCSS_TS_GONE;
    *out = simple;
    return 0;
}

void dvbcss_ts_simple_source_destroy(struct dvbcss_ts_simple_source *simple)
{
    if (!simple)
        return;
    dvbcss_ts_source_detach_all(&simple->base);
    dvbcss_free(simple->selector);
    dvbcss_free(simple);
}

struct dvbcss_ts_source *dvbcss_ts_simple_source_base(struct dvbcss_ts_simple_source *simple)
{
    return &simple->base;
}

int dvbcss_ts_simple_source_set(struct dvbcss_ts_simple_source *simple, enum dvbcss_ts_state state,
                                const struct dvbcss_ts_line *line)
{
    if (state == DVBCSS_TS_RUNNING && (!line || !isfinite(line->speed)))
        return DVBCSS_EINVAL;
    simple->state = state;
    if (state == DVBCSS_TS_RUNNING) {
        simple->line = *line;
        if (line->rate.ticks == 0 || line->rate.seconds == 0) {
            const struct dvbcss_ts_selector selector = dvbcss_ts_selector_parse(simple->selector);

            simple->line.rate = dvbcss_ts_selector_rate(&selector);
        }
    }
    dvbcss_ts_source_changed(&simple->base);
    return 0;
}
