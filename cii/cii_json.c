/*
 * CII messages from and to JSON, by the table of properties.
 */
#include <stdio.h>
#include <string.h>

#include "cii/cii_internal.h"
#include "dvbcss/alloc.h"
#include "dvbcss/url.h"

/* ---- reading -------------------------------------------------------------------------------- */

static int decode_property(const struct jget_place *message, const struct cii_rule *rule,
                           void *property)
{
    const json_t *value = json_object_get(message->value, rule->name);

    if (!value)
        return 0;
    cii_reset(rule, property, json_is_null(value) ? DVBCSS_NULL : DVBCSS_VALUE);
    return json_is_null(value) ? 0 : rule->kind->decode(message, rule, property);
}

/* Decodes the members of an object; @p cii is omitted throughout, and after a failure again. */
static int decode_members(const struct jget_place *message, struct dvbcss_cii *cii)
{
    const struct cii_rule *rule;

    FOR_EACH_RULE (property, rule) {
        int error = decode_property(message, rule, cii_property(cii, rule));

        if (error == DVBCSS_ENOMEM)
            jget_report(message, rule->name, error, "%s", dvbcss_error_text(error));
        if (error) {
            dvbcss_cii_finish(cii);
            return error;
        }
    }
    return 0;
}

/* A server in the field that has nothing to say says `[]`. */
static bool is_empty_update(const struct jget_place *message)
{
    return message->mode == DVBCSS_TOLERANT && json_is_array(message->value) &&
           json_array_size(message->value) == 0;
}

int dvbcss_cii_decode(const char *text, size_t length, enum dvbcss_mode mode,
                      struct dvbcss_cii *cii, struct dvbcss_report *report)
{
    struct dvbcss_cii fresh = DVBCSS_CII_INIT;
    struct jget_place message;
    int error = jget_parse_any(&message, text, length, mode, report);

    if (error)
        return error;
    if (json_is_object(message.value))
        error = decode_members(&message, &fresh);
    else if (!is_empty_update(&message))
        error = jget_fail(&message, NULL, DVBCSS_ETYPE, "expected an object");
    jget_finish(&message);
    if (error)
        return error;
    dvbcss_cii_finish(cii);
    *cii = fresh;
    return 0;
}

/* ---- writing -------------------------------------------------------------------------------- */

static void encode_property(struct cii_writer *writer, const struct cii_rule *rule,
                            const void *property, bool first)
{
    cii_write(writer, first ? "\"" : ",\"");
    cii_write(writer, rule->name);
    cii_write(writer, "\":");
    if (cii_presence_of(property) == DVBCSS_NULL)
        cii_write(writer, "null");
    else
        rule->kind->encode(writer, property);
}

static void encode_members(struct cii_writer *writer, const struct dvbcss_cii *cii, unsigned mask)
{
    const struct cii_rule *rule;
    bool first = true;

    cii_write(writer, "{");
    FOR_EACH_RULE (property, rule) {
        if (!(mask & DVBCSS_CII_BIT(property)))
            continue;
        encode_property(writer, rule, cii_property_const(cii, rule), first);
        first = false;
    }
    cii_write(writer, "}");
}

int dvbcss_cii_encode(const struct dvbcss_cii *cii, unsigned properties,
                      const struct dvbcss_cii_address *address, char **text, size_t *length)
{
    struct cii_writer writer = {0};
    char host[DVBCSS_URL_HOST_SIZE];
    char port[8];
    int error;

    if (address) {
        if (dvbcss_url_host_of_address(address->host, host, sizeof host))
            return DVBCSS_EVALUE;
        snprintf(port, sizeof port, "%u", (unsigned)address->port);
        writer.ws = address->secure ? "wss" : "ws";
        writer.host = host;
        writer.port = port;
    }
    encode_members(&writer, cii, properties & dvbcss_cii_defined(cii));
    error = cii_writer_finish(&writer, text);
    if (!error && length)
        *length = writer.length;
    return error;
}
