#include "common/json_get.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc_guard.h"
#include "dvbcss/alloc.h"
#include "dvbcss/log.h"

/* ---- refusing ------------------------------------------------------------------------------- */

/* Appends to a path that stops at the end of its buffer. */
static void append_step(char *path, size_t size, const char *key, size_t index)
{
    size_t used = strlen(path);

    if (key)
        snprintf(path + used, size - used, "%s%s", used ? "." : "", key);
    else
        snprintf(path + used, size - used, "[%zu]", index);
}

static void write_path(char *path, size_t size, const struct jget_place *at)
{
    if (!at->parent) {
        path[0] = '\0';
        return;
    }
    write_path(path, size, at->parent);
    append_step(path, size, at->key, at->index);
}

void jget_report(const struct jget_place *at, const char *key, int error, const char *format, ...)
{
    struct dvbcss_report *report = at->report;
    char reason[sizeof report->reason];
    va_list arguments;

    if (!report)
        return;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    report->error = error;
    report->offset = 0;
    dvbcss_log_escape(report->reason, sizeof report->reason, reason, strlen(reason));
    write_path(report->path, sizeof report->path, at);
    if (key)
        append_step(report->path, sizeof report->path, key, 0);
}

static const char *type_name(const json_t *value)
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
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    default:
        return "null";
    }
}

static int refuse_type(const struct jget_place *at, const char *key, const char *expected,
                       const json_t *value)
{
    return jget_fail(at, key, DVBCSS_ETYPE, "expected %s, got %s", expected, type_name(value));
}

/* ---- parsing -------------------------------------------------------------------------------- */

struct input {
    const char *text;
    size_t left;
    struct alloc_guard guard;
};

/* Feeds jansson byte by byte, so that the input can end at the byte where memory ran out. */
static size_t next_byte(void *buffer, size_t size, void *data)
{
    struct input *input = data;

    if (size == 0 || input->left == 0 || input->guard.failed)
        return 0;
    *(char *)buffer = *input->text++;
    input->left--;
    return 1;
}

static int parse_error(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_numeric_overflow:
        return DVBCSS_ETOOBIG;
    case json_error_out_of_memory:
        return DVBCSS_ENOMEM;
    default:
        /* Where jansson leaves the text empty, it did not get as far as looking at the input. */
        return error->text[0] ? DVBCSS_EJSON : DVBCSS_ENOMEM;
    }
}

/* Parses any JSON value. @p flags are jansson's; @p where is filled on failure. */
static int parse_value(json_t **out, const char *text, size_t length, size_t flags,
                       json_error_t *where)
{
    struct input input = {text, length, {NULL, 0, false}};
    json_t *value;

    /* Enough for jansson's token buffer, which doubles each time it grows. */
    if (length > SIZE_MAX / 4)
        return DVBCSS_ENOMEM;
    input.guard.reserve_size = 2 * length + 64;
    input.guard.reserve = dvbcss_malloc(input.guard.reserve_size);
    if (!input.guard.reserve)
        return DVBCSS_ENOMEM;
    alloc_guard_begin(&input.guard);
    value = json_load_callback(next_byte, &input, JSON_DECODE_ANY | flags, where);
    if (input.guard.failed) {
        json_decref(value);
        value = NULL;
    }
    alloc_guard_end();
    dvbcss_free(input.guard.reserve);
    if (!value)
        return input.guard.failed ? DVBCSS_ENOMEM : parse_error(where);
    *out = value;
    return 0;
}

int jget_parse_any(struct jget_place *top, const char *text, size_t length, enum dvbcss_mode mode,
                   struct dvbcss_report *report)
{
    struct jget_place place = {NULL, NULL, NULL, 0, mode, report};
    json_error_t where = {0};
    int error = parse_value(&place.value, text, length, 0, &where);

    /* What no integer can hold may stand where nobody looks. */
    if (error == DVBCSS_ETOOBIG && mode == DVBCSS_TOLERANT)
        error = parse_value(&place.value, text, length, JSON_DECODE_INT_AS_REAL, &where);
    if (error == DVBCSS_ENOMEM)
        return jget_fail(&place, NULL, error, "%s", dvbcss_error_text(error));
    if (error) {
        jget_report(&place, NULL, error, "%s", where.text);
        if (report)
            report->offset = where.position > 0 ? (size_t)where.position : 0;
        return error;
    }
    *top = place;
    return 0;
}

int jget_parse(struct jget_place *top, const char *text, size_t length, enum dvbcss_mode mode,
               struct dvbcss_report *report)
{
    struct jget_place place;
    int error = jget_parse_any(&place, text, length, mode, report);

    if (error)
        return error;
    if (!json_is_object(place.value)) {
        error = refuse_type(&place, NULL, "an object", place.value);
        json_decref(place.value);
        return error;
    }
    *top = place;
    return 0;
}

void jget_finish(struct jget_place *top)
{
    json_decref(top->value);
    top->value = NULL;
}

/* ---- getting -------------------------------------------------------------------------------- */

/* Finds a member and checks it against what it may be: *value is NULL where it is allowed to be
 * omitted or null and is. */
static int find(const struct jget_place *at, const char *key, enum jget_need need,
                enum dvbcss_presence *presence, json_t **value)
{
    json_t *found = json_object_get(at->value, key);

    *value = NULL;
    if (!found) {
        if (need == JGET_REQUIRED || need == JGET_NULLABLE)
            return jget_fail(at, key, DVBCSS_EMISSING, "required member is missing");
        *presence = DVBCSS_OMITTED;
    } else if (json_is_null(found)) {
        if (need == JGET_REQUIRED || need == JGET_OPTIONAL)
            return jget_fail(at, key, DVBCSS_ETYPE, "must not be null");
        *presence = DVBCSS_NULL;
    } else {
        *value = found;
    }
    return 0;
}

static void set_present(enum dvbcss_presence *presence)
{
    if (presence)
        *presence = DVBCSS_VALUE;
}

int jget_string(const struct jget_place *at, const char *key, enum jget_need need,
                enum dvbcss_presence *presence, const char **out)
{
    json_t *value;
    int error = find(at, key, need, presence, &value);

    if (error || !value)
        return error;
    if (!json_is_string(value))
        return refuse_type(at, key, "a string", value);
    *out = json_string_value(value);
    set_present(presence);
    return 0;
}

bool jget_is(const struct jget_place *at, const char *key, const char *text)
{
    const char *value = json_string_value(json_object_get(at->value, key));

    return value && strcmp(value, text) == 0;
}

/* Parses the JSON number that a string holds: *number is NULL if it holds something else. */
static int number_in_string(json_t **number, const json_t *string)
{
    json_error_t where;
    int error =
        parse_value(number, json_string_value(string), json_string_length(string), 0, &where);

    if (error == DVBCSS_EJSON) {
        *number = NULL;
        return 0;
    }
    if (!error && !json_is_number(*number)) {
        json_decref(*number);
        *number = NULL;
    }
    return error;
}

/* Gives the number that a member is; tolerant: or holds as a string. The caller drops *number. */
static int find_number(const struct jget_place *at, const char *key, json_t *value, json_t **number)
{
    int error;

    if (json_is_number(value)) {
        *number = json_incref(value);
        return 0;
    }
    if (!json_is_string(value) || at->mode != DVBCSS_TOLERANT)
        return refuse_type(at, key, "a number", value);
    error = number_in_string(number, value);
    if (error)
        return jget_fail(at, key, error, "%s", dvbcss_error_text(error));
    if (!*number)
        return jget_fail(at, key, DVBCSS_EVALUE, "'%s' is not a number", json_string_value(value));
    return 0;
}

/* What becomes of the fraction of a real where an integer is due. */
enum fraction { FRACTION_REFUSED, FRACTION_ROUNDED };

/* Gives a number's value as an integer; whether a real counts as one is up to the mode. */
static int integer_of(const struct jget_place *at, const char *key, const json_t *number,
                      enum fraction fraction, int64_t *out)
{
    double real, whole;

    if (json_is_integer(number)) {
        *out = json_integer_value(number);
        return 0;
    }
    real = json_real_value(number);
    whole = round(real);
    if (at->mode != DVBCSS_TOLERANT || (fraction == FRACTION_REFUSED && real != whole))
        return jget_fail(at, key, DVBCSS_EVALUE, "%g is not written as an integer", real);
    if (whole < -0x1p63 || whole >= 0x1p63)
        return jget_fail(at, key, DVBCSS_ETOOBIG, "%g does not fit 64 bits", real);
    *out = (int64_t)whole;
    return 0;
}

int jget_integer(const struct jget_place *at, const char *key, enum jget_need need, int64_t min,
                 int64_t max, enum dvbcss_presence *presence, int64_t *out)
{
    json_t *value;
    json_t *number = NULL;
    int64_t integer = 0;
    int error = find(at, key, need, presence, &value);

    if (error || !value)
        return error;
    error = find_number(at, key, value, &number);
    if (!error)
        error = integer_of(at, key, number, FRACTION_REFUSED, &integer);
    json_decref(number);
    if (error)
        return error;
    if (integer < min)
        return jget_fail(at, key, DVBCSS_EVALUE, "%" PRId64 " is below %" PRId64, integer, min);
    if (integer > max)
        return jget_fail(at, key, DVBCSS_ETOOBIG, "%" PRId64 " is above %" PRId64, integer, max);
    *out = integer;
    set_present(presence);
    return 0;
}

int jget_number(const struct jget_place *at, const char *key, enum jget_need need,
                enum dvbcss_presence *presence, double *out)
{
    json_t *value;
    json_t *number = NULL;
    int error = find(at, key, need, presence, &value);

    if (error || !value)
        return error;
    error = find_number(at, key, value, &number);
    if (error)
        return error;
    *out = json_number_value(number);
    json_decref(number);
    set_present(presence);
    return 0;
}

/* "0", or an optional "-" and digits of which the first is not 0. */
static int parse_decimal(const char *text, int64_t *out)
{
    bool negative = text[0] == '-';
    const char *digit = text + (negative ? 1 : 0);
    int64_t value = 0;
    bool fits = true;

    if (strcmp(text, "0") == 0) {
        *out = 0;
        return 0;
    }
    if (*digit < '1' || *digit > '9')
        return DVBCSS_EVALUE;
    /* Counts downwards: the smallest integer has no positive counterpart. */
    for (; *digit >= '0' && *digit <= '9'; digit++) {
        int units = *digit - '0';

        fits = fits && value >= (INT64_MIN + units) / 10;
        if (fits)
            value = value * 10 - units;
    }
    if (*digit)
        return DVBCSS_EVALUE;
    if (!fits || (!negative && value == INT64_MIN))
        return DVBCSS_ETOOBIG;
    *out = negative ? value : -value;
    return 0;
}

static int decimal_of(const struct jget_place *at, const char *key, json_t *value, int64_t *out)
{
    bool tolerant = at->mode == DVBCSS_TOLERANT;
    json_t *number = NULL;
    int error;

    if (json_is_string(value)) {
        error = parse_decimal(json_string_value(value), out);
        if (error == DVBCSS_ETOOBIG)
            return jget_fail(at, key, error, "'%s' does not fit 64 bits", json_string_value(value));
        if (error && !tolerant)
            return jget_fail(at, key, error, "'%s' is not an integer in decimal digits",
                             json_string_value(value));
        if (!error)
            return 0;
    } else if (!json_is_number(value) || !tolerant) {
        return refuse_type(at, key, "a string of decimal digits", value);
    }
    error = find_number(at, key, value, &number);
    if (!error)
        error = integer_of(at, key, number, FRACTION_ROUNDED, out);
    json_decref(number);
    return error;
}

int jget_decimal(const struct jget_place *at, const char *key, enum jget_need need,
                 enum dvbcss_presence *presence, int64_t *out)
{
    json_t *value;
    int64_t decimal = 0;
    int error = find(at, key, need, presence, &value);

    if (error || !value)
        return error;
    error = decimal_of(at, key, value, &decimal);
    if (error)
        return error;
    *out = decimal;
    set_present(presence);
    return 0;
}

static int get_container(const struct jget_place *at, const char *key, enum jget_need need,
                         enum dvbcss_presence *presence, json_type type, struct jget_place *out)
{
    struct jget_place place = {NULL, at, key, 0, at->mode, at->report};
    int error = find(at, key, need, presence, &place.value);

    if (error || !place.value)
        return error;
    if (json_typeof(place.value) != type)
        return refuse_type(at, key, type == JSON_OBJECT ? "an object" : "an array", place.value);
    *out = place;
    set_present(presence);
    return 0;
}

int jget_object(const struct jget_place *at, const char *key, enum jget_need need,
                enum dvbcss_presence *presence, struct jget_place *out)
{
    return get_container(at, key, need, presence, JSON_OBJECT, out);
}

int jget_array(const struct jget_place *at, const char *key, enum jget_need need,
               enum dvbcss_presence *presence, struct jget_place *out)
{
    return get_container(at, key, need, presence, JSON_ARRAY, out);
}

size_t jget_length(const struct jget_place *array)
{
    return json_array_size(array->value);
}

int jget_element(const struct jget_place *array, size_t index, struct jget_place *out)
{
    struct jget_place place = {
        json_array_get(array->value, index), array, NULL, index, array->mode, array->report};

    if (!json_is_object(place.value))
        return refuse_type(&place, NULL, "an object", place.value);
    *out = place;
    return 0;
}
