/**
 * @file
 * What the files of this folder share: the table of properties, the kinds of value that they have,
 * and the writer of JSON text.
 */
#ifndef DVBCSS_CII_INTERNAL_H
#define DVBCSS_CII_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/json_get.h"
#include "dvbcss/cii.h"

/** JSON text that grows as it is written. A lack of memory is remembered until the end. */
struct cii_writer {
    char *text;
    size_t length;
    size_t capacity;
    bool failed;
    /** What `{{ws}}`, `{{host}}` and `{{port}}` in a URL stand for; NULL leaves them. */
    const char *ws;
    const char *host;
    const char *port;
};

/** Appends @p text as it is. */
void cii_write(struct cii_writer *writer, const char *text);

/** Appends a JSON string. */
void cii_write_string(struct cii_writer *writer, const char *text);

/** Appends a JSON string in which the placeholders are replaced. */
void cii_write_url(struct cii_writer *writer, const char *text);

/** Appends any JSON value, members sorted by name, so that equal values are equal text. */
void cii_write_json(struct cii_writer *writer, const json_t *value);

/** Ends the writing: hands the text over, to be freed, or gives it up and returns DVBCSS_ENOMEM. */
int cii_writer_finish(struct cii_writer *writer, char **text);

/** Room for any text of cii_format_number(). */
enum { CII_NUMBER_SIZE = 32 };

/** Puts a finite number into the fewest digits that read back as the same double. */
void cii_format_number(char *text, double number);

struct cii_rule;

/** A kind of value. Each works on a property's struct, whose first member is its presence. */
struct cii_kind {
    size_t size;
    /** Frees the value. */
    void (*clear)(void *property);
    /** Copies the value into @p to, which has none. 0 or DVBCSS_ENOMEM, nothing kept then. */
    int (*copy)(void *to, const void *from);
    /** Compares two values. */
    bool (*equal)(const void *a, const void *b);
    /** Reads the member @p rule->name of @p message, which is there and not null. @p property is
     * DVBCSS_VALUE without one; a tolerant reader may make it null. On failure it may hold a part
     * of the value. */
    int (*decode)(const struct jget_place *message, const struct cii_rule *rule, void *property);
    /** Writes the value. */
    void (*encode)(struct cii_writer *writer, const void *property);
};

/** All that is to be known of one property. */
struct cii_rule {
    const char *name;
    size_t offset;
    const struct cii_kind *kind;
    /** What a text has to be in a strict message; NULL if anything goes. */
    bool (*allowed)(const char *text);
};

/** The rule of a property; NULL for what is no property. */
const struct cii_rule *cii_rule(enum dvbcss_cii_property property);

/** Visits the rule of every property. */
#define FOR_EACH_RULE(property, rule)                                                              \
    for (unsigned property = 0; ((rule) = cii_rule((enum dvbcss_cii_property)(property))) != NULL; \
         (property)++)

/** The part of @p cii that @p rule is about. */
void *cii_property(struct dvbcss_cii *cii, const struct cii_rule *rule);
const void *cii_property_const(const struct dvbcss_cii *cii, const struct cii_rule *rule);

/** How a property stands, which is what its struct begins with. */
enum dvbcss_presence cii_presence_of(const void *property);

/** Frees what a property holds and leaves it with @p presence, which is not DVBCSS_VALUE. */
void cii_reset(const struct cii_rule *rule, void *property, enum dvbcss_presence presence);

/** Frees what a property holds and moves the content of @p fresh there, which is omitted then. */
void cii_replace(const struct cii_rule *rule, void *property, void *fresh);

extern const struct cii_kind cii_kind_text;
extern const struct cii_kind cii_kind_url;
extern const struct cii_kind cii_kind_tokens;
extern const struct cii_kind cii_kind_timelines;
extern const struct cii_kind cii_kind_private;

/** Takes presentationStatus apart; @p lenient lets any white space pass. Nothing in it but white
 * space, or white space where it does not belong: DVBCSS_EVALUE. */
int cii_tokens_parse(const char *text, bool lenient, struct dvbcss_cii_tokens *tokens);

/** Puts terms into one text with single spaces, to be freed; NULL if there is no memory. */
char *cii_tokens_join(const char *const *tokens, size_t count);

/** Copies timelines into a list that has none. 0 or DVBCSS_ENOMEM. */
int cii_timelines_copy(struct dvbcss_cii_timelines *list, const struct dvbcss_cii_timeline *items,
                       size_t count);

/** Turns the private data at @p place, checked as the mode demands, into JSON text to be freed. */
int cii_private_text(const struct jget_place *place, char **text);

/** The same from JSON text by the strict rules: DVBCSS_EVALUE or DVBCSS_ENOMEM. */
int cii_private_canonical(const char *json, char **text);

#endif
