/*
 * The list of timelines (TS 103 286-2 clause 5.6.7; timelineProperties as in 5.5.9.5).
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cii/cii_internal.h"
#include "dvbcss/alloc.h"

static void timeline_clear(struct dvbcss_cii_timeline *item)
{
    dvbcss_free(item->selector);
    dvbcss_free(item->private_data);
    memset(item, 0, sizeof *item);
}

static void timelines_clear(void *property)
{
    struct dvbcss_cii_timelines *list = property;

    for (size_t i = 0; i < list->count; i++)
        timeline_clear(&list->items[i]);
    dvbcss_free(list->items);
    list->items = NULL;
    list->count = 0;
}

/* Makes room for @p count zeroed items, of which none counts yet. */
static int timelines_reserve(struct dvbcss_cii_timelines *list, size_t count)
{
    list->count = 0;
    /* One more, so that an empty list is no failure. */
    list->items = dvbcss_calloc(count + 1, sizeof *list->items);
    return list->items ? 0 : DVBCSS_ENOMEM;
}

static int timeline_copy(struct dvbcss_cii_timeline *copy, const struct dvbcss_cii_timeline *item)
{
    *copy = *item;
    copy->selector = dvbcss_strdup(item->selector);
    copy->private_data = dvbcss_strdup(item->private_data);
    return copy->selector && (copy->private_data || !item->private_data) ? 0 : DVBCSS_ENOMEM;
}

int cii_timelines_copy(struct dvbcss_cii_timelines *list, const struct dvbcss_cii_timeline *items,
                       size_t count)
{
    int error = timelines_reserve(list, count);

    while (!error && list->count < count) {
        error = timeline_copy(&list->items[list->count], &items[list->count]);
        list->count++;
    }
    if (error)
        timelines_clear(list);
    return error;
}

static int timelines_copy(void *to, const void *from)
{
    const struct dvbcss_cii_timelines *original = from;

    return cii_timelines_copy(to, original->items, original->count);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool timeline_equal(const struct dvbcss_cii_timeline *a, const struct dvbcss_cii_timeline *b)
{
    return same_text(a->selector, b->selector) && a->units_per_tick == b->units_per_tick &&
           a->units_per_second == b->units_per_second && a->has_accuracy == b->has_accuracy &&
           (!a->has_accuracy || a->accuracy_s == b->accuracy_s) &&
           same_text(a->private_data, b->private_data);
}

static bool timelines_equal(const void *a, const void *b)
{
    const struct dvbcss_cii_timelines *left = a;
    const struct dvbcss_cii_timelines *right = b;

    if (left->count != right->count)
        return false;
    for (size_t i = 0; i < left->count; i++) {
        if (!timeline_equal(&left->items[i], &right->items[i]))
            return false;
    }
    return true;
}

/* ---- reading -------------------------------------------------------------------------------- */

static int decode_units(const struct jget_place *properties, const char *key, uint32_t *units)
{
    int64_t value;
    int error = jget_integer(properties, key, JGET_REQUIRED, 1, UINT32_MAX, NULL, &value);

    if (!error)
        *units = (uint32_t)value;
    return error;
}

static int decode_accuracy(const struct jget_place *properties, struct dvbcss_cii_timeline *item)
{
    struct jget_place place = *properties;
    enum dvbcss_presence presence;
    double accuracy_s = 0;
    int error;

    /* To a tolerant reader an accuracy that makes no sense is none: nothing to report. */
    if (place.mode == DVBCSS_TOLERANT)
        place.report = NULL;
    error = jget_number(&place, "accuracy", JGET_OPTIONAL, &presence, &accuracy_s);
    if (!error && accuracy_s < 0)
        error = jget_fail(&place, "accuracy", DVBCSS_EVALUE, "%g is negative", accuracy_s);
    if (error)
        return place.mode == DVBCSS_TOLERANT && error != DVBCSS_ENOMEM ? 0 : error;
    item->has_accuracy = presence == DVBCSS_VALUE;
    item->accuracy_s = accuracy_s;
    return 0;
}

static int decode_properties(const struct jget_place *entry, struct dvbcss_cii_timeline *item)
{
    struct jget_place properties = *entry;
    int error = 0;

    /* To a tolerant reader the members may stand in the entry itself. */
    if (entry->mode == DVBCSS_STRICT || json_object_get(entry->value, "timelineProperties"))
        error = jget_object(entry, "timelineProperties", JGET_REQUIRED, NULL, &properties);
    if (!error)
        error = decode_units(&properties, "unitsPerTick", &item->units_per_tick);
    if (!error)
        error = decode_units(&properties, "unitsPerSecond", &item->units_per_second);
    if (!error)
        error = decode_accuracy(&properties, item);
    return error;
}

static int decode_private(const struct jget_place *entry, struct dvbcss_cii_timeline *item)
{
    struct jget_place place = *entry;

    place.value = json_object_get(entry->value, "private");
    place.parent = entry;
    place.key = "private";
    if (!place.value || (json_is_null(place.value) && place.mode == DVBCSS_TOLERANT))
        return 0;
    return cii_private_text(&place, &item->private_data);
}

/* Leaves the item without a selector if a tolerant reader passes over it: nobody could follow a
 * timeline without units, and the other members of the message do not depend on it. */
static int decode_timeline(const struct jget_place *entry, struct dvbcss_cii_timeline *item)
{
    struct jget_place place = *entry;
    const char *selector;
    int error = jget_string(entry, "timelineSelector", JGET_REQUIRED, NULL, &selector);

    if (error)
        return error;
    item->selector = dvbcss_strdup(selector);
    if (!item->selector)
        return DVBCSS_ENOMEM;
    if (place.mode == DVBCSS_TOLERANT)
        place.report = NULL;
    error = decode_properties(&place, item);
    if (!error)
        return decode_private(entry, item);
    if (place.mode == DVBCSS_STRICT || error == DVBCSS_ENOMEM)
        return error;
    timeline_clear(item);
    return 0;
}

static int timelines_decode(const struct jget_place *message, const struct cii_rule *rule,
                            void *property)
{
    struct dvbcss_cii_timelines *list = property;
    struct jget_place array;
    int error = jget_array(message, rule->name, JGET_REQUIRED, NULL, &array);

    if (!error)
        error = timelines_reserve(list, jget_length(&array));
    for (size_t i = 0; !error && i < jget_length(&array); i++) {
        struct jget_place entry;

        if (message->mode == DVBCSS_TOLERANT && json_is_null(json_array_get(array.value, i)))
            continue;
        error = jget_element(&array, i, &entry);
        if (!error)
            error = decode_timeline(&entry, &list->items[list->count++]);
        if (!error && !list->items[list->count - 1].selector)
            list->count--;
    }
    return error;
}

/* ---- writing -------------------------------------------------------------------------------- */

static void encode_timeline(struct cii_writer *writer, const struct dvbcss_cii_timeline *item)
{
    char number[CII_NUMBER_SIZE];

    cii_write(writer, "{\"timelineSelector\":");
    cii_write_string(writer, item->selector);
    cii_write(writer, ",\"timelineProperties\":{\"unitsPerTick\":");
    snprintf(number, sizeof number, "%u", (unsigned)item->units_per_tick);
    cii_write(writer, number);
    cii_write(writer, ",\"unitsPerSecond\":");
    snprintf(number, sizeof number, "%u", (unsigned)item->units_per_second);
    cii_write(writer, number);
    if (item->has_accuracy) {
        cii_format_number(number, item->accuracy_s);
        cii_write(writer, ",\"accuracy\":");
        cii_write(writer, number);
    }
    cii_write(writer, "}");
    if (item->private_data) {
        cii_write(writer, ",\"private\":");
        cii_write(writer, item->private_data);
    }
    cii_write(writer, "}");
}

static void timelines_encode(struct cii_writer *writer, const void *property)
{
    const struct dvbcss_cii_timelines *list = property;

    cii_write(writer, "[");
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            cii_write(writer, ",");
        encode_timeline(writer, &list->items[i]);
    }
    cii_write(writer, "]");
}

const struct cii_kind cii_kind_timelines = {sizeof(struct dvbcss_cii_timelines),
                                            timelines_clear,
                                            timelines_copy,
                                            timelines_equal,
                                            timelines_decode,
                                            timelines_encode};
