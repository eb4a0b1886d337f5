#include "api_body.h"

#include <stdio.h>
#include <string.h>

#include "common/utf8.h"

static const char *const type_names[] = {"true or false", "a whole number", "a number", "a string"};

static const char *name_of_json(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_NULL:
        return "null";
    default:
        return "true or false";
    }
}

static int refuse_type(const struct body_member *member, const json_t *value,
                       struct body_error *error)
{
    snprintf(error->reason, sizeof error->reason, "expected %s%s, got %s", type_names[member->type],
             member->nullable ? " or null" : "",
             member->type == BODY_INTEGER && json_is_real(value) ? "a fraction"
                                                                 : name_of_json(value));
    return -1;
}

/* Tells whether JSON has the member's type, and takes its value if so. */
static bool take(const struct body_member *member, const json_t *value, struct body_value *out)
{
    switch (member->type) {
    case BODY_BOOLEAN:
        out->truth = json_is_true(value);
        return json_is_boolean(value);
    case BODY_INTEGER:
        out->integer = json_integer_value(value);
        out->number = (double)out->integer;
        return json_is_integer(value);
    case BODY_NUMBER:
        out->number = json_number_value(value);
        return json_is_number(value);
    default:
        /* The decoder has refused zero bytes. */
        out->text = json_string_value(value);
        out->number = (double)json_string_length(value);
        return json_is_string(value);
    }
}

static int check_range(const struct body_member *member, const struct body_value *value,
                       struct body_error *error)
{
    if (member->type == BODY_BOOLEAN ||
        (value->number >= member->minimum && value->number <= member->maximum))
        return 0;
    snprintf(error->reason, sizeof error->reason, "expected %s from %.15g to %.15g%s",
             member->type == BODY_TEXT ? "a length" : type_names[member->type], member->minimum,
             member->maximum, member->type == BODY_TEXT ? " bytes" : "");
    return -1;
}

static int read_member(const json_t *body, const struct body_member *member,
                       struct body_value *value, struct body_error *error)
{
    const json_t *found = json_object_get(body, member->name);

    snprintf(error->member, sizeof error->member, "%s", member->name);
    memset(value, 0, sizeof *value);
    if (!found) {
        if (!member->required)
            return 0;
        snprintf(error->reason, sizeof error->reason, "is missing");
        return -1;
    }
    if (json_is_null(found) && member->nullable) {
        value->presence = DVBCSS_NULL;
        return 0;
    }
    if (!take(member, found, value))
        return refuse_type(member, found, error);
    value->presence = DVBCSS_VALUE;
    return check_range(member, value, error);
}

static bool is_known(const char *name, const struct body_member *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(members[i].name, name) == 0)
            return true;
    }
    return false;
}

int body_read(json_t *body, const struct body_member *members, size_t count,
              struct body_value *values, struct body_error *error)
{
    const char *name;
    json_t *value;

    for (size_t i = 0; i < count; i++) {
        if (read_member(body, &members[i], &values[i], error) != 0)
            return -1;
    }
    json_object_foreach (body, name, value) {
        if (!is_known(name, members, count)) {
            snprintf(error->member, sizeof error->member, "%.63s", name);
            utf8_end_at_character(error->member);
            snprintf(error->reason, sizeof error->reason, "there is no such member here");
            return -1;
        }
    }
    return 0;
}
