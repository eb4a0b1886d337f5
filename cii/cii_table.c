#include "cii/cii_internal.h"

#include <string.h>

static bool is_version(const char *text)
{
    return strcmp(text, DVBCSS_CII_VERSION) == 0;
}

static bool is_content_id_status(const char *text)
{
    return strcmp(text, "partial") == 0 || strcmp(text, "final") == 0;
}

#define AT(member) offsetof(struct dvbcss_cii, member)

/* TS 103 286-2 clause 5.6.7, each property once: all that is done per property loops over this. */
static const struct cii_rule rules[DVBCSS_CII_PROPERTY_COUNT] = {
    [DVBCSS_CII_PROTOCOL_VERSION] = {"protocolVersion", AT(protocol_version), &cii_kind_text,
                                     is_version},
    [DVBCSS_CII_MRS_URL] = {"mrsUrl", AT(mrs_url), &cii_kind_url, NULL},
    [DVBCSS_CII_CONTENT_ID] = {"contentId", AT(content_id), &cii_kind_text, NULL},
    [DVBCSS_CII_CONTENT_ID_STATUS] = {"contentIdStatus", AT(content_id_status), &cii_kind_text,
                                      is_content_id_status},
    [DVBCSS_CII_PRESENTATION_STATUS] = {"presentationStatus", AT(presentation_status),
                                        &cii_kind_tokens, NULL},
    [DVBCSS_CII_WC_URL] = {"wcUrl", AT(wc_url), &cii_kind_url, NULL},
    [DVBCSS_CII_TS_URL] = {"tsUrl", AT(ts_url), &cii_kind_url, NULL},
    [DVBCSS_CII_TE_URL] = {"teUrl", AT(te_url), &cii_kind_url, NULL},
    [DVBCSS_CII_TIMELINES] = {"timelines", AT(timelines), &cii_kind_timelines, NULL},
    [DVBCSS_CII_PRIVATE] = {"private", AT(private_data), &cii_kind_private, NULL},
};

const struct cii_rule *cii_rule(enum dvbcss_cii_property property)
{
    return (unsigned)property < DVBCSS_CII_PROPERTY_COUNT ? &rules[property] : NULL;
}

void *cii_property(struct dvbcss_cii *cii, const struct cii_rule *rule)
{
    return (char *)cii + rule->offset;
}

const void *cii_property_const(const struct dvbcss_cii *cii, const struct cii_rule *rule)
{
    return (const char *)cii + rule->offset;
}

enum dvbcss_presence cii_presence_of(const void *property)
{
    return *(const enum dvbcss_presence *)property;
}

void cii_reset(const struct cii_rule *rule, void *property, enum dvbcss_presence presence)
{
    if (cii_presence_of(property) == DVBCSS_VALUE)
        rule->kind->clear(property);
    memset(property, 0, rule->kind->size);
    *(enum dvbcss_presence *)property = presence;
}

void cii_replace(const struct cii_rule *rule, void *property, void *fresh)
{
    cii_reset(rule, property, DVBCSS_OMITTED);
    memcpy(property, fresh, rule->kind->size);
    memset(fresh, 0, rule->kind->size);
}

const char *dvbcss_cii_property_name(enum dvbcss_cii_property property)
{
    const struct cii_rule *rule = cii_rule(property);

    return rule ? rule->name : NULL;
}

enum dvbcss_cii_property dvbcss_cii_property_by_name(const char *name)
{
    unsigned property = 0;

    while (property < DVBCSS_CII_PROPERTY_COUNT && strcmp(rules[property].name, name) != 0)
        property++;
    return (enum dvbcss_cii_property)property;
}
