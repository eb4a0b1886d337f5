#include "dvbcss/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

enum { LINE_SIZE = 512 };

static struct {
    dvbcss_log_sink sink;
    void *user;
    enum dvbcss_log_level level;
} installed;

void dvbcss_log_set(dvbcss_log_sink sink, void *user, enum dvbcss_log_level level)
{
    installed.sink = sink;
    installed.user = user;
    installed.level = level;
}

int dvbcss_log_enabled(enum dvbcss_log_level level)
{
    return installed.sink && level != DVBCSS_LOG_NONE && level <= installed.level;
}

void dvbcss_log_write(enum dvbcss_log_level level, const char *id, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;

    if (!dvbcss_log_enabled(level))
        return;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    installed.sink(installed.user, level, id, line);
}

int dvbcss_log_permit(struct dvbcss_log_limit *limit, int64_t now_ns, int64_t window_ns,
                      uint32_t per_window)
{
    if (now_ns - limit->window_start_ns >= window_ns || now_ns < limit->window_start_ns) {
        limit->window_start_ns = now_ns;
        limit->in_window = 0;
    }
    if (limit->in_window < per_window) {
        limit->in_window++;
        return 1;
    }
    limit->held_back++;
    return 0;
}
