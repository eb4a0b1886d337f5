/*
 * The kinds of value that are kept as text: strings, URLs, the terms of presentationStatus, and
 * private data.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cii/cii_internal.h"
#include "dvbcss/alloc.h"

/* ---- text ----------------------------------------------------------------------------------- */

static void text_clear(void *property)
{
    dvbcss_free(((struct dvbcss_cii_text *)property)->text);
}

static int text_copy(void *to, const void *from)
{
    struct dvbcss_cii_text *copy = to;

    copy->text = dvbcss_strdup(((const struct dvbcss_cii_text *)from)->text);
    return copy->text ? 0 : DVBCSS_ENOMEM;
}

static bool text_equal(const void *a, const void *b)
{
    return strcmp(((const struct dvbcss_cii_text *)a)->text,
                  ((const struct dvbcss_cii_text *)b)->text) == 0;
}

/* Gives a string, or, to a tolerant reader, the digits of a number, put into @p digits. */
static int get_text(const struct jget_place *message, const char *key, char *digits,
                    const char **text)
{
    const json_t *value = json_object_get(message->value, key);

    if (message->mode != DVBCSS_TOLERANT || !json_is_number(value))
        return jget_string(message, key, JGET_REQUIRED, NULL, text);
    if (json_is_integer(value))
        snprintf(digits, CII_NUMBER_SIZE, "%" PRId64, (int64_t)json_integer_value(value));
    else
        cii_format_number(digits, json_real_value(value));
    *text = digits;
    return 0;
}

static int text_decode(const struct jget_place *message, const struct cii_rule *rule,
                       void *property)
{
    struct dvbcss_cii_text *decoded = property;
    char digits[CII_NUMBER_SIZE];
    const char *text;
    int error = get_text(message, rule->name, digits, &text);

    if (error)
        return error;
    if (message->mode == DVBCSS_STRICT && rule->allowed && !rule->allowed(text))
        return jget_fail(message, rule->name, DVBCSS_EVALUE, "'%s' is not allowed here", text);
    decoded->text = dvbcss_strdup(text);
    return decoded->text ? 0 : DVBCSS_ENOMEM;
}

static void text_encode(struct cii_writer *writer, const void *property)
{
    cii_write_string(writer, ((const struct dvbcss_cii_text *)property)->text);
}

const struct cii_kind cii_kind_text = {
    sizeof(struct dvbcss_cii_text), text_clear, text_copy, text_equal, text_decode, text_encode};

static void url_encode(struct cii_writer *writer, const void *property)
{
    cii_write_url(writer, ((const struct dvbcss_cii_text *)property)->text);
}

const struct cii_kind cii_kind_url = {
    sizeof(struct dvbcss_cii_text), text_clear, text_copy, text_equal, text_decode, url_encode};

/* ---- terms with spaces between -------------------------------------------------------------- */

static const char white_space[] = " \t\n\v\f\r";

/* Counts the terms of a text. */
static size_t count_tokens(const char *text)
{
    size_t count = 0;

    for (text += strspn(text, white_space); *text != '\0'; text += strspn(text, white_space)) {
        text += strcspn(text, white_space);
        count++;
    }
    return count;
}

/* Tells whether single spaces between the terms are all the white space there is. */
static bool is_spaced_singly(const char *text)
{
    while (*text != '\0') {
        size_t term = strcspn(text, white_space);

        text += term;
        if (term == 0 || (*text != '\0' && (*text != ' ' || text[1] == '\0')))
            return false;
        if (*text != '\0')
            text++;
    }
    return true;
}

int cii_tokens_parse(const char *text, bool lenient, struct dvbcss_cii_tokens *tokens)
{
    size_t count = count_tokens(text);
    char *next;

    if (count == 0 || (!lenient && !is_spaced_singly(text)))
        return DVBCSS_EVALUE;
    /* One block: the pointers, then the terms that they point to. */
    tokens->tokens = dvbcss_malloc(count * sizeof(char *) + strlen(text) + 1);
    if (!tokens->tokens)
        return DVBCSS_ENOMEM;
    tokens->count = count;
    next = (char *)(tokens->tokens + count);
    memcpy(next, text, strlen(text) + 1);
    for (size_t i = 0; i < count; i++) {
        next += strspn(next, white_space);
        tokens->tokens[i] = next;
        next += strcspn(next, white_space);
        if (*next != '\0')
            *next++ = '\0';
    }
    return 0;
}

char *cii_tokens_join(const char *const *tokens, size_t count)
{
    size_t size = 1;
    char *text;
    char *next;

    for (size_t i = 0; i < count; i++)
        size += strlen(tokens[i]) + 1;
    text = dvbcss_malloc(size);
    if (!text)
        return NULL;
    next = text;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(tokens[i]);

        if (i > 0)
            *next++ = ' ';
        memcpy(next, tokens[i], length);
        next += length;
    }
    *next = '\0';
    return text;
}

static void tokens_clear(void *property)
{
    dvbcss_free(((struct dvbcss_cii_tokens *)property)->tokens);
}

static int tokens_copy(void *to, const void *from)
{
    const struct dvbcss_cii_tokens *original = from;
    char *text = cii_tokens_join((const char *const *)original->tokens, original->count);
    int error = text ? cii_tokens_parse(text, false, to) : DVBCSS_ENOMEM;

    dvbcss_free(text);
    return error;
}

static bool tokens_equal(const void *a, const void *b)
{
    const struct dvbcss_cii_tokens *left = a;
    const struct dvbcss_cii_tokens *right = b;

    if (left->count != right->count)
        return false;
    for (size_t i = 0; i < left->count; i++) {
        if (strcmp(left->tokens[i], right->tokens[i]) != 0)
            return false;
    }
    return true;
}

/* Makes one text of an array of strings, which some emulators send. */
static int join_array(const struct jget_place *array, char **text)
{
    size_t count = jget_length(array);
    const char **terms = dvbcss_calloc(count + 1, sizeof *terms);

    if (!terms)
        return DVBCSS_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        terms[i] = json_string_value(json_array_get(array->value, i));
        if (!terms[i]) {
            dvbcss_free(terms);
            return jget_fail(array, NULL, DVBCSS_ETYPE, "expected strings in the array");
        }
    }
    *text = cii_tokens_join(terms, count);
    dvbcss_free(terms);
    return *text ? 0 : DVBCSS_ENOMEM;
}

static int tokens_decode_leniently(const struct jget_place *message, const char *key,
                                   struct dvbcss_cii_tokens *tokens)
{
    struct jget_place array;
    char digits[CII_NUMBER_SIZE];
    const char *text = NULL;
    char *joined = NULL;
    int error;

    if (json_is_array(json_object_get(message->value, key))) {
        error = jget_array(message, key, JGET_REQUIRED, NULL, &array);
        if (!error)
            error = join_array(&array, &joined);
        text = joined;
    } else {
        error = get_text(message, key, digits, &text);
    }
    if (!error)
        error = cii_tokens_parse(text, true, tokens);
    if (error == DVBCSS_EVALUE) {
        tokens->presence = DVBCSS_NULL;
        error = 0;
    }
    dvbcss_free(joined);
    return error;
}

static int tokens_decode(const struct jget_place *message, const struct cii_rule *rule,
                         void *property)
{
    const char *text;
    int error;

    if (message->mode == DVBCSS_TOLERANT)
        return tokens_decode_leniently(message, rule->name, property);
    error = jget_string(message, rule->name, JGET_REQUIRED, NULL, &text);
    if (error)
        return error;
    error = cii_tokens_parse(text, false, property);
    if (error == DVBCSS_EVALUE)
        return jget_fail(message, rule->name, error, "'%s' is not terms with single spaces between",
                         text);
    return error;
}

static void tokens_encode(struct cii_writer *writer, const void *property)
{
    const struct dvbcss_cii_tokens *tokens = property;
    char *text = cii_tokens_join((const char *const *)tokens->tokens, tokens->count);

    if (text)
        cii_write_string(writer, text);
    else
        writer->failed = true;
    dvbcss_free(text);
}

const struct cii_kind cii_kind_tokens = {sizeof(struct dvbcss_cii_tokens),
                                         tokens_clear,
                                         tokens_copy,
                                         tokens_equal,
                                         tokens_decode,
                                         tokens_encode};

/* ---- private data --------------------------------------------------------------------------- */

/* An array of objects that each say of which type they are (clause 5.6.7). */
static int check_private(const struct jget_place *place)
{
    if (!json_is_array(place->value))
        return jget_fail(place, NULL, DVBCSS_ETYPE, "expected an array");
    for (size_t i = 0; i < jget_length(place); i++) {
        struct jget_place item;
        const char *type;
        int error = jget_element(place, i, &item);

        if (!error)
            error = jget_string(&item, "type", JGET_REQUIRED, NULL, &type);
        if (error)
            return error;
    }
    return 0;
}

int cii_private_text(const struct jget_place *place, char **text)
{
    struct cii_writer writer = {0};
    int error = place->mode == DVBCSS_STRICT ? check_private(place) : 0;

    if (error)
        return error;
    cii_write_json(&writer, place->value);
    return cii_writer_finish(&writer, text);
}

int cii_private_canonical(const char *json, char **text)
{
    struct jget_place top;
    int error = jget_parse_any(&top, json, strlen(json), DVBCSS_STRICT, NULL);

    if (!error) {
        error = cii_private_text(&top, text);
        jget_finish(&top);
    }
    return error && error != DVBCSS_ENOMEM ? DVBCSS_EVALUE : error;
}

static int private_decode(const struct jget_place *message, const struct cii_rule *rule,
                          void *property)
{
    struct jget_place place = *message;

    place.value = json_object_get(message->value, rule->name);
    place.parent = message;
    place.key = rule->name;
    return cii_private_text(&place, &((struct dvbcss_cii_text *)property)->text);
}

static void private_encode(struct cii_writer *writer, const void *property)
{
    cii_write(writer, ((const struct dvbcss_cii_text *)property)->text);
}

const struct cii_kind cii_kind_private = {sizeof(struct dvbcss_cii_text),
                                          text_clear,
                                          text_copy,
                                          text_equal,
                                          private_decode,
                                          private_encode};
