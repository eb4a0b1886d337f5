/**
 * @file
 * Error codes of the whole suite, their texts, and the report that a decoder fills.
 *
 * Every fallible function returns `int`: 0 on success or one of the negative codes below. A call
 * that fails has changed nothing and calls no callback.
 */
#ifndef DVBCSS_ERROR_H
#define DVBCSS_ERROR_H

#include <stddef.h>

#include "dvbcss/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * All errors: code, name, text. Ranges: 1.. general, 20.. decoding of messages, 40.. clocks and
 * timelines, 60.. network.
 */
#define DVBCSS_ERROR_MAP(X)                                                                        \
    X(-1, ENOMEM, "out of memory")                                                                 \
    X(-2, EINVAL, "invalid argument")                                                              \
    X(-3, ERANGE, "value out of range")                                                            \
    X(-4, ESTATE, "not possible in the present state")                                             \
    X(-5, EEXIST, "exists already")                                                                \
    X(-6, ENOENT, "not found")                                                                     \
    X(-7, ENOSPC, "buffer too small")                                                              \
    X(-8, EFULL, "limit reached")                                                                  \
    X(-9, EUNSUPPORTED, "not supported on this system")                                            \
    X(-20, ELENGTH, "message has the wrong length")                                                \
    X(-21, EVERSION, "unknown protocol version")                                                   \
    X(-22, EMESSAGETYPE, "unknown or unexpected message type")                                     \
    X(-23, EJSON, "not valid JSON")                                                                \
    X(-24, ETYPE, "member has the wrong JSON type")                                                \
    X(-25, EMISSING, "required member is missing")                                                 \
    X(-26, EVALUE, "member has a value that is not allowed")                                       \
    X(-27, ETOOBIG, "number does not fit")                                                         \
    X(-40, ENOTMAPPABLE, "time cannot be mapped: a clock on the way stands still")                 \
    X(-41, ENOCOMMONCLOCK, "clocks have no common ancestor")                                       \
    X(-42, EUNAVAILABLE, "clock or timeline is not available")                                     \
    X(-60, EIO, "input or output failed")                                                          \
    X(-61, EADDRESS, "address cannot be used")                                                     \
    X(-62, EADDRINUSE, "address is in use already")                                                \
    X(-63, ERESOLVE, "host name cannot be resolved")                                               \
    X(-64, EREFUSED, "peer refused")                                                               \
    X(-65, ETIMEDOUT, "timed out")                                                                 \
    X(-66, ECLOSED, "connection is closed")                                                        \
    X(-67, ETLS, "TLS failed")                                                                     \
    X(-68, EPROTOCOL, "peer broke the protocol")                                                   \
    X(-69, EPERMISSION, "permission denied")

/** The codes. `DVBCSS_OK` is 0; all others are negative and keep their number between releases. */
enum dvbcss_error {
    DVBCSS_OK = 0,
#define DVBCSS_ERROR_ENUM(code, name, text) DVBCSS_##name = (code),
    DVBCSS_ERROR_MAP(DVBCSS_ERROR_ENUM)
#undef DVBCSS_ERROR_ENUM
};

/**
 * Tells an error's name, as it stands in the code.
 *
 * @param error 0 or a code of `enum dvbcss_error`
 * @return static text such as "DVBCSS_ENOMEM", "DVBCSS_OK" for 0, "DVBCSS_E?" for an unknown code
 * @note Any thread.
 */
DVBCSS_API const char *dvbcss_error_name(int error);

/**
 * Tells an error in words, for people.
 *
 * @param error 0 or a code of `enum dvbcss_error`
 * @return static text such as "out of memory"; "success" for 0, "unknown error" for an unknown code
 * @note Any thread.
 */
DVBCSS_API const char *dvbcss_error_text(int error);

/**
 * Where and why a message was refused. A decoder that takes a report fills it when it fails and
 * leaves it alone when it succeeds; NULL is accepted everywhere a report is.
 */
struct dvbcss_report {
    /** The code that the function returned. */
    int error;
    /** Byte offset in the input at which the trouble was noticed; 0 where only a path is known. */
    size_t offset;
    /** Member concerned, as `timelines[1].timelineProperties`; "" for the message as a whole. */
    char path[96];
    /** What is wrong, for people: "expected a string, got a number". */
    char reason[128];
};

#define DVBCSS_REPORT_INIT                                                                         \
    {                                                                                              \
        0, 0, "", ""                                                                               \
    }

#ifdef __cplusplus
}
#endif

#endif
