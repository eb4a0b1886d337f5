/**
 * @file
 * CSS-WC, the wall-clock protocol: its message, and the side that answers.
 *
 * One datagram of 32 bytes asks, one answers (or two, with a follow-up): TS 103 286-2 clause 8.
 *
 *     offset size  field
 *          0    1  version, 0
 *          1    1  message type
 *          2    1  precision, signed, log2 of seconds
 *          3    1  reserved, sent as 0, ignored on receipt
 *          4    4  max freq error, 1/256 ppm
 *          8    8  originate timevalue: seconds, nanoseconds
 *         16    8  receive timevalue
 *         24    8  transmit timevalue
 *
 * All numbers are big-endian. Nothing here allocates, reads a clock or touches a socket.
 */
#ifndef DVBCSS_WC_H
#define DVBCSS_WC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/error.h"
#include "dvbcss/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Every message has this many bytes, no more and no less. */
#define DVBCSS_WC_MESSAGE_SIZE 32

/** The UDP port that programs use by custom; the standard names none. */
#define DVBCSS_WC_DEFAULT_PORT 6677

/* ---- times ---------------------------------------------------------------------------------- */

/**
 * A timevalue as the two words stand on the wire. A client may put any 64 bits into the originate
 * timevalue and gets them back bit for bit, so these words need not be a time.
 */
struct dvbcss_wc_time {
    uint32_t seconds;
    uint32_t nanoseconds;
};

/** Whether both words are the same. */
static inline bool dvbcss_wc_time_equal(struct dvbcss_wc_time a, struct dvbcss_wc_time b)
{
    return a.seconds == b.seconds && a.nanoseconds == b.nanoseconds;
}

/**
 * Makes a timevalue of nanoseconds.
 *
 * @param ns  from 0 up to, not including, 2^32 seconds
 * @param out nanoseconds word below 10^9; unchanged on error
 * @return 0 or DVBCSS_ERANGE
 * @note Any thread, as all functions of this part.
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_wc_time_from_ns(int64_t ns, struct dvbcss_wc_time *out);

/** Makes nanoseconds of a timevalue: seconds * 10^9 + nanoseconds, also when the nanoseconds word
 * is 10^9 or more. Never overflows. */
DVBCSS_API int64_t dvbcss_wc_time_to_ns(struct dvbcss_wc_time time);

/* ---- messages ------------------------------------------------------------------------------- */

/** The message types of clause 8. */
enum dvbcss_wc_type {
    DVBCSS_WC_REQUEST = 0,
    /** An answer that stands alone. */
    DVBCSS_WC_RESPONSE = 1,
    /** An answer that a follow-up will improve. */
    DVBCSS_WC_RESPONSE_BEFORE_FOLLOW_UP = 2,
    /** Repeats an answer of type 2 with the time at which that one really left. */
    DVBCSS_WC_FOLLOW_UP = 3,
};

/** A message, field by field. In a request only type and originate mean something. */
struct dvbcss_wc_message {
    enum dvbcss_wc_type type;
    /** Log2 of the server clock's precision in seconds; -10 is about 1 ms. */
    int8_t precision;
    /** The server clock's largest frequency error in 1/256 ppm. */
    uint32_t max_freq_error;
    struct dvbcss_wc_time originate;
    struct dvbcss_wc_time receive;
    struct dvbcss_wc_time transmit;
};

/**
 * Writes a message.
 *
 * @param out 32 bytes; unchanged on error
 * @return 0, or DVBCSS_EINVAL for a type that does not exist
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_wc_message_encode(const struct dvbcss_wc_message *message,
                                                         uint8_t out[DVBCSS_WC_MESSAGE_SIZE]);

/**
 * Reads a message: exactly 32 bytes, version 0, type at most 3. The reserved byte may be anything
 * and so may every word of the timevalues.
 *
 * @param bytes  may be NULL if @p length is 0
 * @param out    unchanged on error
 * @param report filled on error; may be NULL
 * @return 0, DVBCSS_ELENGTH, DVBCSS_EVERSION, DVBCSS_EMESSAGETYPE
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_wc_message_decode(const void *bytes, size_t length,
                                                         struct dvbcss_wc_message *out,
                                                         struct dvbcss_report *report);

/* ---- quality figures ------------------------------------------------------------------------ */

/**
 * Expresses a precision: log2 of the seconds, rounded up, exactly.
 *
 * @param seconds from 2^-128 to 2^127
 * @param out     unchanged on error
 * @return 0 or DVBCSS_ERANGE (also for 0, negative, infinite or not a number)
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_wc_precision_encode(double seconds, int8_t *out);

/** The seconds that a precision stands for: 2^precision. */
DVBCSS_API double dvbcss_wc_precision_decode(int8_t precision);

/**
 * Expresses a frequency error in 1/256 ppm, rounded up.
 *
 * @param ppm parts per million, from 0 to 16777215.99609375
 * @param out unchanged on error
 * @return 0 or DVBCSS_ERANGE
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_wc_max_freq_error_encode(double ppm, uint32_t *out);

/** The parts per million that a max freq error stands for: value / 256. */
DVBCSS_API double dvbcss_wc_max_freq_error_decode(uint32_t max_freq_error);

/* ---- answering ------------------------------------------------------------------------------ */

/** What became of a datagram: enumerator, short stable name for counters and logs. */
#define DVBCSS_WC_ANSWER_MAP(X)                                                                    \
    X(ANSWERED, "answered")                                                                        \
    X(DROPPED_LENGTH, "length")                                                                    \
    X(DROPPED_VERSION, "version")                                                                  \
    X(DROPPED_TYPE, "type")                                                                        \
    X(DROPPED_TIME, "time")

/** What dvbcss_wc_respond() made of a datagram. */
enum dvbcss_wc_answer {
#define DVBCSS_WC_ANSWER_ENUM(name, text) DVBCSS_WC_##name,
    DVBCSS_WC_ANSWER_MAP(DVBCSS_WC_ANSWER_ENUM)
#undef DVBCSS_WC_ANSWER_ENUM
    /** How many outcomes there are. */
    DVBCSS_WC_ANSWER_COUNT,
};

/** The short name of an outcome: "answered", "length", ...; "?" for an unknown one. */
DVBCSS_API const char *dvbcss_wc_answer_name(enum dvbcss_wc_answer answer);

/** How a responder is set up. Both figures are rounded up to what the message can say. */
struct dvbcss_wc_responder_options {
    /** Precision of the server's clock and of its time stamps in seconds; above 0. */
    double precision_s;
    /** Largest frequency error of the server's clock in ppm; above 0, since no clock is perfect. */
    double max_freq_error_ppm;
    /** Announce a follow-up in each answer (type 2 in place of type 1). */
    bool follow_up;
};

/** Precision must be set; the rest is what TVs are allowed at most. */
#define DVBCSS_WC_RESPONDER_OPTIONS_INIT                                                           \
    {                                                                                              \
        0.0, 500.0, false                                                                          \
    }

/**
 * The answering side. Storage of the caller, filled by dvbcss_wc_responder_init(); it holds no
 * resources and needs no end. One thread uses it at a time: give each thread its own and add up
 * the counters.
 */
struct dvbcss_wc_responder {
    /** Read only: how often each outcome happened. */
    uint64_t counts[DVBCSS_WC_ANSWER_COUNT];
    /* ---- the members below belong to the library ---- */
    enum dvbcss_wc_type type;
    uint32_t max_freq_error;
    int8_t precision;
};

/**
 * Sets a responder up, with its counters at 0.
 *
 * @return 0, or DVBCSS_ERANGE if a figure is not above 0 or cannot be expressed (the responder is
 *         unchanged)
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_wc_responder_init(struct dvbcss_wc_responder *responder,
                         const struct dvbcss_wc_responder_options *options);

/**
 * Answers a request, or says why not. Anything that is not a request of 32 bytes and version 0
 * must stay without answer (clause 8; TVs that answered or failed here could be abused). The
 * outcome is counted. Does not allocate.
 *
 * @param request     the datagram; it and @p answer may be the same memory
 * @param length      its true length, not cut to the size of a buffer
 * @param receive_ns  wall clock when it arrived
 * @param transmit_ns wall clock now; dvbcss_wc_answer_set_transmit() can set a later one
 * @param answer      the 32 bytes to send to the datagram's source; unchanged when dropped
 * @return DVBCSS_WC_ANSWERED, or why the datagram was dropped. DVBCSS_WC_DROPPED_TIME: the wall
 *         clock cannot be expressed (negative, or beyond 2^32 s).
 */
DVBCSS_API enum dvbcss_wc_answer dvbcss_wc_respond(struct dvbcss_wc_responder *responder,
                                                   const void *request, size_t length,
                                                   int64_t receive_ns, int64_t transmit_ns,
                                                   uint8_t answer[DVBCSS_WC_MESSAGE_SIZE]);

/**
 * Stamps an answer anew, for a sender that prepares several and sends them together.
 *
 * @return 0, or DVBCSS_ERANGE if the time cannot be expressed (the answer is unchanged)
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_wc_answer_set_transmit(uint8_t answer[DVBCSS_WC_MESSAGE_SIZE], int64_t transmit_ns);

/**
 * Makes the follow-up to an answer of type 2: the same, but type 3 and with the time at which that
 * answer really left. Send it at once.
 *
 * @param answer      what was sent
 * @param transmit_ns wall clock when it left, as from a kernel's transmit stamp
 * @param out         may be @p answer itself; unchanged on error
 * @return 0, DVBCSS_EMESSAGETYPE if the answer announced no follow-up, DVBCSS_ERANGE
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_wc_follow_up(const uint8_t answer[DVBCSS_WC_MESSAGE_SIZE],
                                                    int64_t transmit_ns,
                                                    uint8_t out[DVBCSS_WC_MESSAGE_SIZE]);

#ifdef __cplusplus
}
#endif

#endif
