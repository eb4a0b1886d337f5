/**
 * @file
 * The wall clock in JSON, for those who have no UDP: requests and answers of the three dialects
 * that programs speak over WebSockets. TS 103 286-2 knows the 32 bytes of wc.h only; here the same
 * exchange is carried by one JSON object each way.
 *
 *     dialect      a request has   receive and transmit time    precision    max freq error
 *     nanoseconds  "ot"            rt, tt: whole nanoseconds    p: log2 s    mfe: ppm
 *     split        "otvs"          rt, tt: seconds              p: seconds   mfe: ppm
 *     plain        neither         rt, tt: seconds, and         p: seconds   mfe: ppm
 *                                  remoteReceiveTime,           precision    maxFrequencyError
 *                                  remoteSendTime: nanoseconds
 *
 * An answer brings back every other member of its request, as the originate timevalue of the 32
 * bytes is brought back. Its times are exact: seconds have nine decimals.
 *
 * Nothing here reads a clock. Threads: any.
 */
#ifndef DVBCSS_WC_JSON_H
#define DVBCSS_WC_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "dvbcss/error.h"
#include "dvbcss/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Dialects: enumerator, short stable name for counters and logs. */
#define DVBCSS_WC_JSON_DIALECT_MAP(X)                                                              \
    X(NANOSECONDS, "nanoseconds")                                                                  \
    X(SPLIT, "split")                                                                              \
    X(PLAIN, "plain")

/** Which dialect a request is in: DVBCSS_WC_JSON_NANOSECONDS, ... */
enum dvbcss_wc_json_dialect {
#define DVBCSS_WC_JSON_DIALECT_ENUM(name, text) DVBCSS_WC_JSON_##name,
    DVBCSS_WC_JSON_DIALECT_MAP(DVBCSS_WC_JSON_DIALECT_ENUM)
#undef DVBCSS_WC_JSON_DIALECT_ENUM
    /** How many there are. */
    DVBCSS_WC_JSON_DIALECT_COUNT,
};

/** A request as far as its answer needs it. Start from #DVBCSS_WC_JSON_REQUEST_INIT. */
struct dvbcss_wc_json_request {
    enum dvbcss_wc_json_dialect dialect;
    /** The members that the answer brings back, as `"id":7,"ot":12.5`; "" for none. Owned. */
    char *echo;
};

#define DVBCSS_WC_JSON_REQUEST_INIT                                                                \
    {                                                                                              \
        DVBCSS_WC_JSON_NANOSECONDS, NULL                                                           \
    }

/**
 * Reads a request: any JSON object. `v` must be 0 and `t` must be 0 where they are there; numbers
 * may be written as strings.
 *
 * @param text   need not end with a zero byte
 * @param length bytes of @p text
 * @param out    the caller ends it with dvbcss_wc_json_request_finish(); unchanged on error
 * @param report filled on error; may be NULL
 * @return 0, DVBCSS_EJSON, DVBCSS_ETYPE (not an object), DVBCSS_EVERSION, DVBCSS_EMESSAGETYPE,
 *         DVBCSS_ETOOBIG (a number beyond 64 bits), DVBCSS_ENOMEM
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_wc_json_decode(const char *text, size_t length,
                                                      struct dvbcss_wc_json_request *out,
                                                      struct dvbcss_report *report);

/** Frees what a request holds; one from the initialiser is fine. */
DVBCSS_API void dvbcss_wc_json_request_finish(struct dvbcss_wc_json_request *request);

/** What an answer says. */
struct dvbcss_wc_json_answer {
    /** Precision of the times below in seconds, above 0, at most 10^9; rounded up to the next power
     * of two, or to the next nanosecond where the dialect has seconds. */
    double precision_s;
    /** Largest frequency error of the server's clock in ppm, below 2^24; rounded up to 1/256. */
    double max_freq_error_ppm;
    /** Wall clock when the request arrived and when the answer leaves; not negative. */
    int64_t receive_ns;
    int64_t transmit_ns;
};

/**
 * Writes the answer to a request, in the request's dialect.
 *
 * @param buffer gets the text and a zero byte; unspecified on error
 * @param size   bytes of @p buffer
 * @param length result: bytes of the text without the zero byte; unchanged on error
 * @return 0, DVBCSS_ENOSPC (@p size is too small), DVBCSS_ERANGE (a figure cannot be expressed)
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_wc_json_encode_answer(const struct dvbcss_wc_json_request *request,
                             const struct dvbcss_wc_json_answer *answer, char *buffer, size_t size,
                             size_t *length);

/** The short name of a dialect: "nanoseconds", ...; "?" for an unknown one. */
DVBCSS_API const char *dvbcss_wc_json_dialect_name(enum dvbcss_wc_json_dialect dialect);

#ifdef __cplusplus
}
#endif

#endif
