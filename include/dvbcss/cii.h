/**
 * @file
 * CSS-CII, what the TV presents and where its other endpoints are: the message, its JSON form,
 * difference and merge, and what a server owes each connection (TS 103 286-2 clause 6 and 5.6.7).
 *
 * A message is a struct of ten properties, each omitted ("unchanged"), null ("there is none") or
 * with a value. Reading the struct is free; everything that is written into it goes through the
 * setters, which copy. Objects here belong to one thread at a time; different objects are
 * independent.
 */
#ifndef DVBCSS_CII_H
#define DVBCSS_CII_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/presence.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The properties, in the order in which they are written. */
enum dvbcss_cii_property {
    DVBCSS_CII_PROTOCOL_VERSION = 0,
    DVBCSS_CII_MRS_URL,
    DVBCSS_CII_CONTENT_ID,
    DVBCSS_CII_CONTENT_ID_STATUS,
    DVBCSS_CII_PRESENTATION_STATUS,
    DVBCSS_CII_WC_URL,
    DVBCSS_CII_TS_URL,
    DVBCSS_CII_TE_URL,
    DVBCSS_CII_TIMELINES,
    DVBCSS_CII_PRIVATE,
    DVBCSS_CII_PROPERTY_COUNT,
};

/** A property's bit in a mask of properties, and the mask of all. */
#define DVBCSS_CII_BIT(property) (1U << (unsigned)(property))
#define DVBCSS_CII_ALL (DVBCSS_CII_BIT(DVBCSS_CII_PROPERTY_COUNT) - 1U)

/** The protocol version of every edition of the standard so far. */
#define DVBCSS_CII_VERSION "1.1"

/** A property whose value is a string. `text` is NULL unless `presence` is DVBCSS_VALUE. */
struct dvbcss_cii_text {
    enum dvbcss_presence presence;
    char *text;
};

/** presentationStatus: one string with spaces on the wire, terms here. `tokens[0]` is the primary
 * term ("okay", "transitioning", "fault" or one of the future); others may follow it. */
struct dvbcss_cii_tokens {
    enum dvbcss_presence presence;
    char **tokens;
    size_t count;
};

/** One timeline that the TV can report on CSS-TS. Ticks per second = units_per_second /
 * units_per_tick: PTS has 1 and 90000. */
struct dvbcss_cii_timeline {
    char *selector;
    /** Both at least 1. */
    uint32_t units_per_tick;
    uint32_t units_per_second;
    /** Accuracy of the timeline relative to the content, in seconds, finite and not negative. */
    bool has_accuracy;
    double accuracy_s;
    /** JSON text of the private data as in struct dvbcss_cii::private_data; NULL if omitted. */
    char *private_data;
};

/** The list of timelines. */
struct dvbcss_cii_timelines {
    enum dvbcss_presence presence;
    struct dvbcss_cii_timeline *items;
    size_t count;
};

/** A CII message, or the state that messages have added up to. */
struct dvbcss_cii {
    struct dvbcss_cii_text protocol_version;
    struct dvbcss_cii_text mrs_url;
    struct dvbcss_cii_text content_id;
    /** "partial" or "final". */
    struct dvbcss_cii_text content_id_status;
    struct dvbcss_cii_tokens presentation_status;
    struct dvbcss_cii_text wc_url;
    struct dvbcss_cii_text ts_url;
    struct dvbcss_cii_text te_url;
    struct dvbcss_cii_timelines timelines;
    /** Compact JSON text with sorted member names: an array of objects, each with a "type". */
    struct dvbcss_cii_text private_data;
};

/* Zeroed, every property is omitted. */
#define DVBCSS_CII_INIT                                                                            \
    {                                                                                              \
        {DVBCSS_OMITTED, NULL}, {DVBCSS_OMITTED, NULL}, {DVBCSS_OMITTED, NULL},                    \
            {DVBCSS_OMITTED, NULL}, {DVBCSS_OMITTED, NULL, 0}, {DVBCSS_OMITTED, NULL},             \
            {DVBCSS_OMITTED, NULL}, {DVBCSS_OMITTED, NULL}, {DVBCSS_OMITTED, NULL, 0},             \
        {                                                                                          \
            DVBCSS_OMITTED, NULL                                                                   \
        }                                                                                          \
    }

/** Makes every property omitted; what @p cii held before is forgotten, not freed. */
DVBCSS_API void dvbcss_cii_init(struct dvbcss_cii *cii);

/** Frees what @p cii holds; every property is omitted afterwards. NULL is fine. */
DVBCSS_API void dvbcss_cii_finish(struct dvbcss_cii *cii);

/** @name Properties by number
 * @{ */

/** Tells a property's JSON name, as "contentId"; NULL for what is no property. */
DVBCSS_API const char *dvbcss_cii_property_name(enum dvbcss_cii_property property);

/** Finds a property by its JSON name; DVBCSS_CII_PROPERTY_COUNT if there is none of that name. */
DVBCSS_API enum dvbcss_cii_property dvbcss_cii_property_by_name(const char *name);

/** Tells how a property stands; DVBCSS_OMITTED for what is no property. */
DVBCSS_API enum dvbcss_presence dvbcss_cii_presence(const struct dvbcss_cii *cii,
                                                    enum dvbcss_cii_property property);

/** Tells the value of a property that is a struct dvbcss_cii_text: valid until @p cii changes;
 * NULL if it has no value or another shape. */
DVBCSS_API const char *dvbcss_cii_text(const struct dvbcss_cii *cii,
                                       enum dvbcss_cii_property property);

/** Tells the mask of the properties that are null or have a value. */
DVBCSS_API unsigned dvbcss_cii_defined(const struct dvbcss_cii *cii);

/** @}
 * @name Setters
 * They copy, and hold to the strict rules of dvbcss_cii_decode(): what is not valid to send cannot
 * be set. A setter that fails has changed nothing. Errors: DVBCSS_EVALUE (not valid, or not
 * UTF-8), DVBCSS_EINVAL (no such property, or one of another shape, or a NULL), DVBCSS_ENOMEM.
 * @{ */

/** Makes a property omitted. */
DVBCSS_API void dvbcss_cii_omit(struct dvbcss_cii *cii, enum dvbcss_cii_property property);

/** Makes a property null. */
DVBCSS_API void dvbcss_cii_set_null(struct dvbcss_cii *cii, enum dvbcss_cii_property property);

/** Sets any property but `timelines` from text: presentationStatus in its form on the wire
 * ("okay" or "transitioning extra"), private as JSON. */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_cii_set_text(struct dvbcss_cii *cii, enum dvbcss_cii_property property, const char *text);

/** Sets presentationStatus from @p count terms (at least 1), the primary one first; none may be
 * empty or hold a space. */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_cii_set_presentation_status(struct dvbcss_cii *cii, const char *const *tokens, size_t count);

/** Sets the list of timelines; @p count may be 0. DVBCSS_ERANGE: a unit is 0, or the accuracy is
 * negative or not finite. */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_cii_set_timelines(struct dvbcss_cii *cii,
                                                         const struct dvbcss_cii_timeline *items,
                                                         size_t count);

/** @}
 * @name Whole messages
 * @{ */

/** Makes @p copy (initialised; its old content is freed) equal to @p cii, or leaves it alone and
 * returns DVBCSS_ENOMEM. */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_cii_copy(struct dvbcss_cii *copy,
                                                const struct dvbcss_cii *cii);

/** Compares by value: omitted, null and value are different; lists compare item by item. */
DVBCSS_API bool dvbcss_cii_equal(const struct dvbcss_cii *a, const struct dvbcss_cii *b);

/**
 * Tells which properties a message has to carry so that who knows @p before learns @p after: those
 * that differ and are not omitted in @p after; contentIdStatus also whenever contentId is among
 * them (unless it is omitted).
 *
 * @return mask of properties, 0 if there is nothing to say
 */
DVBCSS_API unsigned dvbcss_cii_diff(const struct dvbcss_cii *before,
                                    const struct dvbcss_cii *after);

/**
 * Applies a message to the state that earlier messages added up to: its omitted properties change
 * nothing, null and values take over.
 *
 * @param state   what the client knows; all omitted before the first message
 * @param update  the message
 * @param changed receives the mask of the properties whose presence or value is another now (null
 *                where nothing was known is a change, too); may be NULL
 * @return 0 or DVBCSS_ENOMEM (@p state is unchanged)
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_cii_merge(struct dvbcss_cii *state, const struct dvbcss_cii *update, unsigned *changed);

/** @}
 * @name JSON
 * @{ */

/**
 * Reads a message. Unknown members are ignored, `{}` is an empty update; of a member that is there
 * twice the last one counts. One bad property refuses the whole message.
 *
 * Strict: the top is an object; protocolVersion is "1.1"; contentIdStatus "partial" or "final";
 * presentationStatus has terms separated by single spaces; units are integers from 1 to 2^32-1;
 * private is an array of objects that have a string "type". Any property may be null; within a
 * timeline nothing may be.
 *
 * Tolerant, in addition:
 * - `[]` is an empty update;
 * - numbers stand for their text where a string is due (protocolVersion 1.1);
 * - protocolVersion and contentIdStatus may be any string;
 * - presentationStatus may have any white space, or be an array of strings; no term at all is null;
 * - units and accuracy may be numeric strings, units also reals with a whole value;
 * - a timeline may have the members of timelineProperties beside its timelineSelector;
 * - accuracy that is null, negative or not a number is taken as omitted;
 * - in the list of timelines null is passed over, and so is one whose units are missing or of no
 *   use: nobody could follow it;
 * - private data may be any JSON value, and null within a timeline is taken as omitted; if an
 *   integer in the message does not fit 64 bits, private data may lose digits.
 *
 * @param text   UTF-8, need not be NUL-terminated
 * @param length of @p text in bytes
 * @param cii    initialised; on success its old content is replaced, otherwise it is untouched
 * @param report may be NULL
 * @return 0, DVBCSS_EJSON, DVBCSS_ETYPE, DVBCSS_EVALUE, DVBCSS_EMISSING, DVBCSS_ETOOBIG or
 *         DVBCSS_ENOMEM
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_cii_decode(const char *text, size_t length,
                                                  enum dvbcss_mode mode, struct dvbcss_cii *cii,
                                                  struct dvbcss_report *report);

/** What `{{ws}}`, `{{host}}` and `{{port}}` in mrsUrl, wcUrl, tsUrl and teUrl stand for. */
struct dvbcss_cii_address {
    /** Name or numeric address without brackets, as getsockname() gives it; it is written as
     * dvbcss_url_host_of_address() does. */
    const char *host;
    uint16_t port;
    /** Whether the server is spoken to by TLS: `{{ws}}` is "wss" then, otherwise "ws". */
    bool secure;
};

/**
 * Writes a message as compact JSON, members in the order of enum dvbcss_cii_property.
 *
 * @param properties mask of those to write; the ones omitted in @p cii are left out
 * @param address    replaces `{{ws}}`, `{{host}}` and `{{port}}`; NULL leaves them as they are
 * @param text       receives the JSON, NUL-terminated, to be freed with dvbcss_free()
 * @param length     receives its length in bytes; may be NULL
 * @return 0, DVBCSS_ENOMEM, or DVBCSS_EVALUE (the host is longer than DVBCSS_URL_HOST_SIZE)
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_cii_encode(const struct dvbcss_cii *cii, unsigned properties,
                                                  const struct dvbcss_cii_address *address,
                                                  char **text, size_t *length);

/** @}
 * @name What a server owes a connection
 *
 * A server keeps its state as a snapshot that cannot change and that all connections share; a new
 * state is a new snapshot. Each connection remembers the snapshot that its last message brought it
 * to. What it must be told next follows from the two:
 *
 *     unsigned due = dvbcss_cii_session_due(&session, snapshot, DVBCSS_CII_SEND_CHANGES);
 *     if (due != 0 && !dvbcss_cii_encode(dvbcss_cii_snapshot_state(snapshot), due, &address, ...))
 *         send it, then dvbcss_cii_session_advance(&session, snapshot);
 *
 * The message depends on the snapshot, on `due` and on the address only: connections in which all
 * three agree can share one encoding.
 * @{ */

/** A state of the server, immutable and counted. */
struct dvbcss_cii_snapshot;

/**
 * Takes a snapshot of a state. Where the state omits them, the snapshot has protocolVersion "1.1",
 * null for mrsUrl and teUrl, and an empty list of timelines: clients in the field want them said.
 * A URL whose path is a lone "/" loses it: televisions in the field refuse a slash at the end.
 *
 * @param snapshot receives the snapshot with a count of 1
 * @return 0 or DVBCSS_ENOMEM
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_cii_snapshot_create(const struct dvbcss_cii *state,
                                                           struct dvbcss_cii_snapshot **snapshot);

/** Counts one more user; returns @p snapshot. The count is not atomic. */
DVBCSS_API struct dvbcss_cii_snapshot *
dvbcss_cii_snapshot_ref(struct dvbcss_cii_snapshot *snapshot);

/** Counts one user less, and frees the snapshot with the last. NULL is fine. */
DVBCSS_API void dvbcss_cii_snapshot_unref(struct dvbcss_cii_snapshot *snapshot);

/** The state, valid as long as the snapshot. */
DVBCSS_API const struct dvbcss_cii *
dvbcss_cii_snapshot_state(const struct dvbcss_cii_snapshot *snapshot);

/** What messages after the first one carry. The first is the full state in each case. */
enum dvbcss_cii_policy {
    /** What changed, contentIdStatus whenever contentId is there, and timelines in each message:
     * clients in the field take a message without timelines to say that there are none. */
    DVBCSS_CII_SEND_CHANGES = 0,
    /** What changed, and contentIdStatus whenever contentId is there: the least that the standard
     * asks for. */
    DVBCSS_CII_SEND_LEAST,
    /** Everything, if anything changed. */
    DVBCSS_CII_SEND_FULL,
};

/** What one connection was told. The member belongs to the functions below. */
struct dvbcss_cii_session {
    struct dvbcss_cii_snapshot *told;
};

#define DVBCSS_CII_SESSION_INIT                                                                    \
    {                                                                                              \
        NULL                                                                                       \
    }

/** Makes a session that was told nothing yet. */
DVBCSS_API void dvbcss_cii_session_init(struct dvbcss_cii_session *session);

/** Lets go of the snapshot; the session was told nothing then. NULL is fine. */
DVBCSS_API void dvbcss_cii_session_finish(struct dvbcss_cii_session *session);

/**
 * Tells what the next message on a connection has to carry so that its client knows @p current.
 * However many snapshots there were since the last message, one message does it.
 *
 * @return mask for dvbcss_cii_encode(), 0 if nothing needs to be sent
 */
DVBCSS_API unsigned dvbcss_cii_session_due(const struct dvbcss_cii_session *session,
                                           const struct dvbcss_cii_snapshot *current,
                                           enum dvbcss_cii_policy policy);

/** Notes that the client knows @p current now, because it was sent or because nothing was due. */
DVBCSS_API void dvbcss_cii_session_advance(struct dvbcss_cii_session *session,
                                           struct dvbcss_cii_snapshot *current);

/** @} */

#ifdef __cplusplus
}
#endif

#endif
