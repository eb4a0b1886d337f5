/**
 * @file
 * Reading the members of a JSON message: omitted, null and value kept apart, and each refusal with
 * its path and reason. Private to the suite's decoders.
 *
 *     struct jget_place top;
 *
 *     error = jget_parse(&top, text, length, mode, report);
 *     if (!error)
 *         error = jget_string(&top, "contentId", JGET_TRISTATE, &presence, &content_id);
 *     ...
 *     jget_finish(&top);
 *
 * Strings and arrays that the getters hand out belong to the parsed message: copy what is to
 * outlive jget_finish(). A getter that fails has set nothing but the report; one that finds a
 * member omitted or null has set the presence only.
 */
#ifndef DVBCSS_COMMON_JSON_GET_H
#define DVBCSS_COMMON_JSON_GET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "dvbcss/error.h"
#include "dvbcss/presence.h"

/**
 * A place in a message: the value there, and how one got to it. Lives on the decoder's stack; the
 * path is put in words only when something is refused.
 */
struct jget_place {
    json_t *value;
    /** The object or array that holds this one; NULL for the message as a whole. */
    const struct jget_place *parent;
    /** Member of the parent; NULL for an element of an array. */
    const char *key;
    /** Element of the parent where there is no key. */
    size_t index;
    enum dvbcss_mode mode;
    /** Where refusals are reported; may be NULL. */
    struct dvbcss_report *report;
};

/** What a member may be. What it must not be is refused: omitted with DVBCSS_EMISSING, null with
 * DVBCSS_ETYPE. */
enum jget_need {
    /** A value. */
    JGET_REQUIRED,
    /** A value, or omitted. */
    JGET_OPTIONAL,
    /** A value or null. */
    JGET_NULLABLE,
    /** A value, null, or omitted. */
    JGET_TRISTATE,
};

/**
 * Parses a message that has to be one JSON object. A member that is there twice counts as its
 * last; a zero byte, as such or as `\u0000`, and invalid UTF-8 are refused.
 *
 * @param top    set to the message; the caller ends it with jget_finish()
 * @param text   need not end with a zero byte
 * @param length bytes of @p text
 * @param mode   handed on to every getter; tolerant: if an integer in it fits no 64 bits, all of
 * its integers are taken as reals
 * @param report filled on failure; may be NULL
 * @return 0, DVBCSS_EJSON, DVBCSS_ETYPE (not an object), DVBCSS_ETOOBIG (a number in it fits no
 *         double, or, strict, an integer no 64 bits), DVBCSS_ENOMEM
 */
int jget_parse(struct jget_place *top, const char *text, size_t length, enum dvbcss_mode mode,
               struct dvbcss_report *report);

/** Parses any JSON value in the same way: for texts that are a part of a message, and for messages
 * of the wrong shape that a decoder wants to look at. Never DVBCSS_ETYPE. */
int jget_parse_any(struct jget_place *top, const char *text, size_t length, enum dvbcss_mode mode,
                   struct dvbcss_report *report);

/** Frees a parsed message; one that was not parsed, or zeroed storage, is fine. */
void jget_finish(struct jget_place *top);

/** Refuses the member @p key of @p at, or @p at itself if @p key is NULL: fills the report. Bytes
 * of the peer among the arguments are escaped. */
void jget_report(const struct jget_place *at, const char *key, int error, const char *format, ...)
    DVBCSS_PRINTF(4, 5);

/** Refuses as jget_report() does; its value is @p error, so that a decoder can return it. A macro,
 * so that compilers and analysers see that a decoder which returns it has failed. */
#define jget_fail(at, key, error, ...) (jget_report((at), (key), (error), __VA_ARGS__), (error))

/**
 * Gets a string, without a copy.
 *
 * @param at       an object
 * @param key      the member
 * @param need     what the member may be
 * @param presence set to what it is; may be NULL with JGET_REQUIRED
 * @param out      valid until jget_finish()
 * @return 0, DVBCSS_EMISSING, DVBCSS_ETYPE. The parameters and codes are those of all getters.
 */
int jget_string(const struct jget_place *at, const char *key, enum jget_need need,
                enum dvbcss_presence *presence, const char **out);

/**
 * Gets an integer. Tolerant: also an integral real, and either of them as a string.
 *
 * @return also DVBCSS_EVALUE (not integral, or below @p min), DVBCSS_ETOOBIG (above @p max)
 */
int jget_integer(const struct jget_place *at, const char *key, enum jget_need need, int64_t min,
                 int64_t max, enum dvbcss_presence *presence, int64_t *out);

/** Gets a number, which is always finite. Tolerant: also a string that holds a JSON number
 * (DVBCSS_EVALUE if it holds something else). */
int jget_number(const struct jget_place *at, const char *key, enum jget_need need,
                enum dvbcss_presence *presence, double *out);

/**
 * Gets a time that is carried as a string of decimal digits: "0", or an optional "-" and digits
 * of which the first is not 0. Tolerant: also any JSON number, as such or in a string, rounded to
 * the nearest integer (halves away from 0). TS 103 286-2 clause 5.7.
 *
 * @return also DVBCSS_EVALUE (other characters), DVBCSS_ETOOBIG (beyond 64 bits)
 */
int jget_decimal(const struct jget_place *at, const char *key, enum jget_need need,
                 enum dvbcss_presence *presence, int64_t *out);

/** Gets an object as a place to read members from; @p out refers to @p at and @p key. */
int jget_object(const struct jget_place *at, const char *key, enum jget_need need,
                enum dvbcss_presence *presence, struct jget_place *out);

/** Gets an array as a place to read elements from; @p out refers to @p at and @p key. */
int jget_array(const struct jget_place *at, const char *key, enum jget_need need,
               enum dvbcss_presence *presence, struct jget_place *out);

/** How many elements an array has. */
size_t jget_length(const struct jget_place *array);

/** Gets an element below jget_length() that has to be an object (else DVBCSS_ETYPE). */
int jget_element(const struct jget_place *array, size_t index, struct jget_place *out);

/** Tells whether the member @p key is exactly the string @p text. */
bool jget_is(const struct jget_place *at, const char *key, const char *text);

#endif
