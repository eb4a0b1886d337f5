#include "cii_report.h"

#include "dvbcss/alloc.h"

/* The properties of a mask as a JSON object; NULL without memory. */
static json_t *properties_of(const struct dvbcss_cii *state, unsigned properties)
{
    json_t *object = NULL;
    size_t length;
    char *text;

    if (dvbcss_cii_encode(state, properties, NULL, &text, &length) != 0)
        return NULL;
    object = json_loadb(text, length, 0, NULL);
    dvbcss_free(text);
    return object;
}

json_t *cii_report_state(const struct dvbcss_cii *state)
{
    return properties_of(state, DVBCSS_CII_ALL);
}

static json_t *names_of(unsigned properties)
{
    json_t *names = json_array();

    for (int i = 0; i < DVBCSS_CII_PROPERTY_COUNT; i++) {
        if (properties & DVBCSS_CII_BIT(i))
            json_array_append_new(
                names, json_string(dvbcss_cii_property_name((enum dvbcss_cii_property)i)));
    }
    return names;
}

static void say_property(struct watch *watch, const char *name, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

    watch_say(watch, "%s: %s", name, text ? text : "?");
    dvbcss_free(text);
}

void cii_report_change(struct watch *watch, const struct dvbcss_cii *state, unsigned changed)
{
    json_t *properties, *value;
    const char *name;

    if (watch->json) {
        watch_print(watch, json_pack("{s:s, s:o, s:o, s:o}", "event", "cii", "changed",
                                     names_of(changed), "content_id",
                                     watch_json_text(dvbcss_cii_text(state, DVBCSS_CII_CONTENT_ID)),
                                     "state", cii_report_state(state)));
        return;
    }
    properties = properties_of(state, changed);
    json_object_foreach (properties, name, value)
        say_property(watch, name, value);
    json_decref(properties);
}
