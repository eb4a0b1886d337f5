/**
 * @file
 * The log sink. The libraries print nothing by themselves: what they have to say goes to the one
 * sink that the program installs.
 */
#ifndef DVBCSS_LOG_H
#define DVBCSS_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "dvbcss/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Levels, most important first. */
enum dvbcss_log_level {
    DVBCSS_LOG_NONE = 0,
    DVBCSS_LOG_ERROR,
    DVBCSS_LOG_WARNING,
    DVBCSS_LOG_INFO,
    DVBCSS_LOG_DEBUG,
};

/**
 * Receives one line.
 *
 * @param user   what dvbcss_log_set() was given
 * @param level  never DVBCSS_LOG_NONE
 * @param id     short, stable name of the event for filters and tests, as "ws-refused"
 * @param text   one line without a newline, valid during the call only; bytes that a peer sent are
 *               escaped in it
 */
typedef void (*dvbcss_log_sink)(void *user, enum dvbcss_log_level level, const char *id,
                                const char *text);

/**
 * Installs the sink and the level up to which it is called.
 *
 * @param sink  NULL for none
 * @param user  handed to the sink; must outlive it
 * @param level lines above this level are not even formatted
 * @note Set once before the libraries are used; the sink may be called from any thread that uses
 *       them.
 */
DVBCSS_API void dvbcss_log_set(dvbcss_log_sink sink, void *user, enum dvbcss_log_level level);

/** Tells whether a line of this level would reach a sink: check before formatting is costly. */
DVBCSS_API int dvbcss_log_enabled(enum dvbcss_log_level level);

/** Formats one line and gives it to the sink; longer than 511 bytes is cut. Any thread. */
DVBCSS_API void dvbcss_log_write(enum dvbcss_log_level level, const char *id, const char *format,
                                 ...) DVBCSS_PRINTF(3, 4);

/** Writes a line only if it would be seen: the arguments are not evaluated otherwise. */
#define dvbcss_log(level, id, ...)                                                                 \
    do {                                                                                           \
        if (dvbcss_log_enabled(level))                                                             \
            dvbcss_log_write((level), (id), __VA_ARGS__);                                          \
    } while (0)

/**
 * Makes bytes of a peer fit for a log line: what is not printable ASCII, and the backslash, becomes
 * `\n`, `\xab` and the like; what does not fit is cut and ends in "...".
 *
 * @param out    the text, always ended by a zero byte
 * @param size   bytes that @p out has room for, at least 1
 * @param bytes  may be NULL if @p length is 0
 * @return @p out, so that the call can stand among the arguments of dvbcss_log()
 * @note Any thread.
 */
DVBCSS_API const char *dvbcss_log_escape(char *out, size_t size, const void *bytes, size_t length);

/**
 * Lets a peer that misbehaves in a loop fill the log with a few lines an interval only. Zeroed
 * storage is ready for use.
 */
struct dvbcss_log_limit {
    int64_t window_start_ns;
    uint32_t in_window;
    /** Lines held back since the last one that was written. */
    uint32_t held_back;
};

/**
 * Decides whether one more line may be written: at most @p per_window in each @p window_ns.
 *
 * @param limit    state, owned by the caller
 * @param now_ns   monotonic time in nanoseconds; the libraries read no clock here
 * @return 1 if the line may be written (the caller may mention and then clear `held_back`), 0 if
 *         it was counted in `held_back`
 */
DVBCSS_API int dvbcss_log_permit(struct dvbcss_log_limit *limit, int64_t now_ns, int64_t window_ns,
                                 uint32_t per_window);

#ifdef __cplusplus
}
#endif

#endif
