#include "clients/companion_choice.h"

#include "dvbcss/ts.h"

static bool is_rate(struct dvbcss_rate rate)
{
    return rate.ticks > 0 && rate.seconds > 0;
}

static void take_listed(struct companion_choice *choice, const struct dvbcss_cii_timeline *timeline)
{
    choice->selector = timeline->selector;
    choice->rate.ticks = timeline->units_per_second;
    choice->rate.seconds = timeline->units_per_tick;
}

static const struct dvbcss_cii_timeline *find_listed(const struct dvbcss_cii *cii,
                                                     const char *selector)
{
    struct dvbcss_ts_selector wanted = dvbcss_ts_selector_parse(selector);

    for (size_t i = 0; i < cii->timelines.count; i++) {
        struct dvbcss_ts_selector listed =
            dvbcss_ts_selector_parse(cii->timelines.items[i].selector);

        if (dvbcss_ts_selector_equal(&listed, &wanted))
            return &cii->timelines.items[i];
    }
    return NULL;
}

/* The smaller the better. */
static unsigned rank(const char *selector)
{
    static const enum dvbcss_ts_selector_kind best_first[] = {
        DVBCSS_TS_SELECTOR_PTS, DVBCSS_TS_SELECTOR_TEMI, DVBCSS_TS_SELECTOR_MPD,
        DVBCSS_TS_SELECTOR_CT};
    enum { KINDS = sizeof best_first / sizeof best_first[0] };
    struct dvbcss_ts_selector parsed = dvbcss_ts_selector_parse(selector);

    for (unsigned i = 0; i < KINDS; i++)
        if (best_first[i] == parsed.kind)
            return i;
    return KINDS;
}

/* A TV that lists nothing at all may still have PTS, as every broadcast has; one whose list is
 * empty says that it has none. */
static void take_unlisted(struct companion_choice *choice)
{
    choice->selector = "urn:dvb:css:timeline:pts";
    choice->rate = (struct dvbcss_rate){90000, 1};
}

static bool choose_best(const struct dvbcss_cii *cii, struct companion_choice *choice)
{
    const struct dvbcss_cii_timeline *best = NULL;

    if (cii->timelines.presence != DVBCSS_VALUE) {
        take_unlisted(choice);
        return true;
    }
    for (size_t i = 0; i < cii->timelines.count; i++) {
        const struct dvbcss_cii_timeline *next = &cii->timelines.items[i];

        if (!best || rank(next->selector) < rank(best->selector))
            best = next;
    }
    if (best)
        take_listed(choice, best);
    return best != NULL;
}

static bool choose_wanted(const struct companion_wish *wish, const struct dvbcss_cii *cii,
                          struct companion_choice *choice)
{
    for (size_t i = 0; i < wish->selector_count; i++) {
        const struct dvbcss_cii_timeline *listed = find_listed(cii, wish->selectors[i]);

        if (listed) {
            take_listed(choice, listed);
            return true;
        }
    }
    for (size_t i = 0; i < wish->selector_count; i++) {
        struct dvbcss_ts_selector parsed = dvbcss_ts_selector_parse(wish->selectors[i]);
        struct dvbcss_rate implied = dvbcss_ts_selector_rate(&parsed);

        choice->selector = wish->selectors[i];
        choice->rate = is_rate(implied) ? implied : wish->timeline_rate;
        if (is_rate(choice->rate))
            return true;
    }
    return false;
}

bool companion_choose(const struct companion_wish *wish, const struct dvbcss_cii *cii,
                      struct companion_choice *choice)
{
    const char *content_id = dvbcss_cii_text(cii, DVBCSS_CII_CONTENT_ID);
    bool found =
        wish->selector_count > 0 ? choose_wanted(wish, cii, choice) : choose_best(cii, choice);

    if (!content_id || !found)
        return false;
    choice->content_id_stem = "";
    if (wish->stem == DVBCSS_COMPANION_STEM_CONTENT)
        choice->content_id_stem = content_id;
    else if (wish->stem == DVBCSS_COMPANION_STEM_GIVEN)
        choice->content_id_stem = wish->content_id_stem;
    return true;
}
