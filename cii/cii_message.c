#include <math.h>
#include <string.h>

#include "cii/cii_internal.h"
#include "common/utf8.h"
#include "dvbcss/alloc.h"

void dvbcss_cii_init(struct dvbcss_cii *cii)
{
    memset(cii, 0, sizeof *cii);
}

void dvbcss_cii_finish(struct dvbcss_cii *cii)
{
    const struct cii_rule *rule;

    if (!cii)
        return;
    FOR_EACH_RULE (property, rule)
        cii_reset(rule, cii_property(cii, rule), DVBCSS_OMITTED);
}

/* ---- properties by number ------------------------------------------------------------------- */

enum dvbcss_presence dvbcss_cii_presence(const struct dvbcss_cii *cii,
                                         enum dvbcss_cii_property property)
{
    const struct cii_rule *rule = cii_rule(property);

    return rule ? cii_presence_of(cii_property_const(cii, rule)) : DVBCSS_OMITTED;
}

static bool is_text(const struct cii_rule *rule)
{
    return rule && (rule->kind == &cii_kind_text || rule->kind == &cii_kind_url ||
                    rule->kind == &cii_kind_private);
}

const char *dvbcss_cii_text(const struct dvbcss_cii *cii, enum dvbcss_cii_property property)
{
    const struct cii_rule *rule = cii_rule(property);
    const struct dvbcss_cii_text *text;

    if (!is_text(rule))
        return NULL;
    text = cii_property_const(cii, rule);
    return text->text;
}

unsigned dvbcss_cii_defined(const struct dvbcss_cii *cii)
{
    const struct cii_rule *rule;
    unsigned mask = 0;

    FOR_EACH_RULE (property, rule) {
        if (cii_presence_of(cii_property_const(cii, rule)) != DVBCSS_OMITTED)
            mask |= DVBCSS_CII_BIT(property);
    }
    return mask;
}

/* ---- setters -------------------------------------------------------------------------------- */

void dvbcss_cii_omit(struct dvbcss_cii *cii, enum dvbcss_cii_property property)
{
    const struct cii_rule *rule = cii_rule(property);

    if (rule)
        cii_reset(rule, cii_property(cii, rule), DVBCSS_OMITTED);
}

void dvbcss_cii_set_null(struct dvbcss_cii *cii, enum dvbcss_cii_property property)
{
    const struct cii_rule *rule = cii_rule(property);

    if (rule)
        cii_reset(rule, cii_property(cii, rule), DVBCSS_NULL);
}

static int set_tokens(struct dvbcss_cii *cii, const char *text)
{
    struct dvbcss_cii_tokens fresh = {DVBCSS_VALUE, NULL, 0};
    int error = cii_tokens_parse(text, false, &fresh);

    if (!error)
        cii_replace(cii_rule(DVBCSS_CII_PRESENTATION_STATUS), &cii->presentation_status, &fresh);
    return error;
}

int dvbcss_cii_set_text(struct dvbcss_cii *cii, enum dvbcss_cii_property property, const char *text)
{
    const struct cii_rule *rule = cii_rule(property);
    struct dvbcss_cii_text fresh = {DVBCSS_VALUE, NULL};
    int error = 0;

    if (!rule || !text || property == DVBCSS_CII_TIMELINES)
        return DVBCSS_EINVAL;
    if (!utf8_is_valid(text) || (rule->allowed && !rule->allowed(text)))
        return DVBCSS_EVALUE;
    if (property == DVBCSS_CII_PRESENTATION_STATUS)
        return set_tokens(cii, text);
    if (property == DVBCSS_CII_PRIVATE) {
        error = cii_private_canonical(text, &fresh.text);
    } else {
        fresh.text = dvbcss_strdup(text);
        error = fresh.text ? 0 : DVBCSS_ENOMEM;
    }
    if (!error)
        cii_replace(rule, cii_property(cii, rule), &fresh);
    return error;
}

int dvbcss_cii_set_presentation_status(struct dvbcss_cii *cii, const char *const *tokens,
                                       size_t count)
{
    char *text;
    int error;

    if (!tokens)
        return DVBCSS_EINVAL;
    for (size_t i = 0; i < count; i++) {
        if (!tokens[i])
            return DVBCSS_EINVAL;
        if (strchr(tokens[i], ' '))
            return DVBCSS_EVALUE;
    }
    text = cii_tokens_join(tokens, count);
    if (!text)
        return DVBCSS_ENOMEM;
    error = dvbcss_cii_set_text(cii, DVBCSS_CII_PRESENTATION_STATUS, text);
    dvbcss_free(text);
    return error;
}

static int check_timeline(const struct dvbcss_cii_timeline *item)
{
    if (!item->selector)
        return DVBCSS_EINVAL;
    if (!utf8_is_valid(item->selector))
        return DVBCSS_EVALUE;
    if (item->units_per_tick == 0 || item->units_per_second == 0)
        return DVBCSS_ERANGE;
    if (item->has_accuracy && (!isfinite(item->accuracy_s) || item->accuracy_s < 0))
        return DVBCSS_ERANGE;
    return 0;
}

/* Puts the private data of a copied item into the form in which it is kept. */
static int normalise_private(struct dvbcss_cii_timeline *item)
{
    char *canonical;
    int error;

    if (!item->private_data)
        return 0;
    error = cii_private_canonical(item->private_data, &canonical);
    if (error)
        return error;
    dvbcss_free(item->private_data);
    item->private_data = canonical;
    return 0;
}

int dvbcss_cii_set_timelines(struct dvbcss_cii *cii, const struct dvbcss_cii_timeline *items,
                             size_t count)
{
    const struct cii_rule *rule = cii_rule(DVBCSS_CII_TIMELINES);
    struct dvbcss_cii_timelines fresh = {DVBCSS_VALUE, NULL, 0};
    int error = items || count == 0 ? 0 : DVBCSS_EINVAL;

    for (size_t i = 0; !error && i < count; i++)
        error = check_timeline(&items[i]);
    if (!error)
        error = cii_timelines_copy(&fresh, items, count);
    for (size_t i = 0; !error && i < count; i++)
        error = normalise_private(&fresh.items[i]);
    if (!error)
        cii_replace(rule, &cii->timelines, &fresh);
    cii_reset(rule, &fresh, DVBCSS_OMITTED);
    return error;
}

/* ---- whole messages ------------------------------------------------------------------------- */

static int copy_property(const struct cii_rule *rule, struct dvbcss_cii *to,
                         const struct dvbcss_cii *from)
{
    const void *original = cii_property_const(from, rule);
    void *copy = cii_property(to, rule);
    int error;

    if (cii_presence_of(original) == DVBCSS_VALUE) {
        error = rule->kind->copy(copy, original);
        if (error)
            return error;
    }
    *(enum dvbcss_presence *)copy = cii_presence_of(original);
    return 0;
}

/* Copies the properties of @p mask into @p copy, which holds nothing; all or none. */
static int copy_properties(struct dvbcss_cii *copy, const struct dvbcss_cii *cii, unsigned mask)
{
    const struct cii_rule *rule;

    FOR_EACH_RULE (property, rule) {
        int error = mask & DVBCSS_CII_BIT(property) ? copy_property(rule, copy, cii) : 0;

        if (error) {
            dvbcss_cii_finish(copy);
            return error;
        }
    }
    return 0;
}

int dvbcss_cii_copy(struct dvbcss_cii *copy, const struct dvbcss_cii *cii)
{
    struct dvbcss_cii fresh = DVBCSS_CII_INIT;
    int error = copy_properties(&fresh, cii, DVBCSS_CII_ALL);

    if (error)
        return error;
    dvbcss_cii_finish(copy);
    *copy = fresh;
    return 0;
}

/* The mask of the properties in which two messages differ. */
static unsigned differing(const struct dvbcss_cii *a, const struct dvbcss_cii *b)
{
    const struct cii_rule *rule;
    unsigned mask = 0;

    FOR_EACH_RULE (property, rule) {
        const void *left = cii_property_const(a, rule);
        const void *right = cii_property_const(b, rule);

        if (cii_presence_of(left) != cii_presence_of(right) ||
            (cii_presence_of(left) == DVBCSS_VALUE && !rule->kind->equal(left, right)))
            mask |= DVBCSS_CII_BIT(property);
    }
    return mask;
}

bool dvbcss_cii_equal(const struct dvbcss_cii *a, const struct dvbcss_cii *b)
{
    return differing(a, b) == 0;
}

unsigned dvbcss_cii_diff(const struct dvbcss_cii *before, const struct dvbcss_cii *after)
{
    unsigned mask = differing(before, after) & dvbcss_cii_defined(after);

    if (mask & DVBCSS_CII_BIT(DVBCSS_CII_CONTENT_ID))
        mask |= DVBCSS_CII_BIT(DVBCSS_CII_CONTENT_ID_STATUS) & dvbcss_cii_defined(after);
    return mask;
}

int dvbcss_cii_merge(struct dvbcss_cii *state, const struct dvbcss_cii *update, unsigned *changed)
{
    unsigned mask = differing(state, update) & dvbcss_cii_defined(update);
    struct dvbcss_cii fresh = DVBCSS_CII_INIT;
    const struct cii_rule *rule;
    int error = copy_properties(&fresh, update, mask);

    if (error)
        return error;
    FOR_EACH_RULE (property, rule) {
        if (mask & DVBCSS_CII_BIT(property))
            cii_replace(rule, cii_property(state, rule), cii_property(&fresh, rule));
    }
    if (changed)
        *changed = mask;
    return 0;
}
