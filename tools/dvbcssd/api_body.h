/**
 * @file
 * Request bodies by table: each member has a name, a type, a range and a place in a struct. What
 * the table does not have is refused.
 */
#ifndef DVBCSSD_API_BODY_H
#define DVBCSSD_API_BODY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/presence.h"

/** A member as it was found. Its type's value is valid if `presence` is DVBCSS_VALUE. */
struct body_value {
    enum dvbcss_presence presence;
    bool truth;
    int64_t integer;
    double number;
    /** Owned by the body. */
    const char *text;
};

enum body_type { BODY_BOOLEAN, BODY_INTEGER, BODY_NUMBER, BODY_TEXT };

struct body_member {
    const char *name;
    enum body_type type;
    bool required;
    bool nullable;
    /** For numbers; for texts of the length. */
    double minimum, maximum;
};

/** What is wrong with a body. */
struct body_error {
    /** UTF-8; what is too long is cut. */
    char member[64];
    char reason[160];
};

/**
 * Reads an object.
 *
 * @param values as many as @p members, in their order
 * @return 0, or -1 with @p error filled
 */
int body_read(json_t *body, const struct body_member *members, size_t count,
              struct body_value *values, struct body_error *error);

#endif
