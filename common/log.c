#include "dvbcss/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { LINE_SIZE = 512, ESCAPED_MAX = 4 };

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

/* Writes one byte as it is to stand in a line; returns the length, at most ESCAPED_MAX. */
static size_t escape_byte(char *out, unsigned char byte)
{
    static const char named[] = "\\\\\nn\rr\tt";
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < sizeof named - 1; i += 2) {
        if ((unsigned char)named[i] == byte) {
            out[0] = '\\';
            out[1] = named[i + 1];
            return 2;
        }
    }
    if (byte >= 0x20 && byte < 0x7f) {
        out[0] = (char)byte;
        return 1;
    }
    out[0] = '\\';
    out[1] = 'x';
    out[2] = digits[byte >> 4];
    out[3] = digits[byte & 15];
    return 4;
}

const char *dvbcss_log_escape(char *out, size_t size, const void *bytes, size_t length)
{
    static const char cut_mark[] = "...";
    const unsigned char *byte = bytes;
    /* Where the mark can still be put if what follows does not fit. */
    size_t mark = 0;
    size_t used = 0;

    for (size_t i = 0; i < length; i++) {
        char escaped[ESCAPED_MAX];
        size_t count = escape_byte(escaped, byte[i]);

        if (used + sizeof cut_mark <= size)
            mark = used;
        if (used + count >= size) {
            snprintf(out + mark, size - mark, "%s", cut_mark);
            return out;
        }
        memcpy(out + used, escaped, count);
        used += count;
    }
    out[used] = '\0';
    return out;
}

int dvbcss_log_permit(struct dvbcss_log_limit *limit, int64_t now_ns, int64_t window_ns,
                      uint32_t per_window)
{
    /* The window is over, or the time has gone back, which a monotonic one does not. */
    if (now_ns < limit->window_start_ns ||
        (uint64_t)now_ns - (uint64_t)limit->window_start_ns >= (uint64_t)window_ns) {
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
