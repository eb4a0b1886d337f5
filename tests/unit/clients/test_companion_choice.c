#include <criterion/criterion.h>
#include <string.h>

#include "clients/companion_choice.h"
#include "dvbcss/ts.h"

static const char pts[] = "urn:dvb:css:timeline:pts";
static const char temi[] = "urn:dvb:css:timeline:temi:1:1";
static const char ct[] = "urn:dvb:css:timeline:ct";
static const char mpd[] = "urn:dvb:css:timeline:mpd:period:rel:1000";
static const char own[] = "tag:example.org,2026:frames";

/* CII that presents content with these timelines, the n-th with 1/(n + 1) of 50 ticks/s. */
static void present(struct dvbcss_cii *cii, const char *const *selectors, size_t count)
{
    struct dvbcss_cii_timeline items[8];

    memset(items, 0, sizeof items);
    for (size_t i = 0; i < count; i++) {
        items[i].selector = (char *)selectors[i];
        items[i].units_per_tick = (uint32_t)i + 1;
        items[i].units_per_second = 50;
    }
    dvbcss_cii_init(cii);
    cr_assert_eq(dvbcss_cii_set_text(cii, DVBCSS_CII_CONTENT_ID, "dvb://1.2.3"), 0);
    cr_assert_eq(dvbcss_cii_set_timelines(cii, items, count), 0);
}

Test(companion_choice, takes_the_best_of_the_list_without_wishes)
{
    static const char *const all[] = {own, ct, mpd, temi, pts};
    static const size_t best[] = {0, 1, 2, 3, 4};
    const struct companion_wish wish = {.selectors = NULL};
    struct companion_choice choice;
    struct dvbcss_cii cii;

    for (size_t n = 0; n < 5; n++) {
        present(&cii, all, n + 1);
        cr_assert(companion_choose(&wish, &cii, &choice));
        cr_expect_str_eq(choice.selector, all[best[n]]);
        cr_expect_eq(choice.rate.ticks, 50);
        cr_expect_eq(choice.rate.seconds, best[n] + 1);
        cr_expect_str_eq(choice.content_id_stem, "");
        dvbcss_cii_finish(&cii);
    }
}

Test(companion_choice, takes_the_first_of_the_same_kind)
{
    static const char *const two[] = {"urn:dvb:css:timeline:temi:1:7", temi};
    const struct companion_wish wish = {.selectors = NULL};
    struct companion_choice choice;
    struct dvbcss_cii cii;

    present(&cii, two, 2);
    cr_assert(companion_choose(&wish, &cii, &choice));
    cr_assert_str_eq(choice.selector, two[0]);
    dvbcss_cii_finish(&cii);
}

Test(companion_choice, takes_the_first_wish_that_is_listed)
{
    static const char *const listed[] = {pts, own, ct};
    static const char *const wanted[] = {temi, ct, own};
    const struct companion_wish wish = {.selectors = wanted, .selector_count = 3};
    struct companion_choice choice;
    struct dvbcss_cii cii;

    present(&cii, listed, 3);
    cr_assert(companion_choose(&wish, &cii, &choice));
    cr_assert_str_eq(choice.selector, ct);
    cr_assert_eq(choice.rate.seconds, 3);
    dvbcss_cii_finish(&cii);
}

Test(companion_choice, asks_for_an_unlisted_wish_if_its_rate_is_known)
{
    static const char *const wanted[] = {temi, mpd, pts};
    const struct companion_wish wish = {.selectors = wanted, .selector_count = 3};
    const struct companion_wish told = {
        .selectors = wanted, .selector_count = 3, .timeline_rate = {25, 1}};
    const struct companion_wish unknown = {.selectors = wanted, .selector_count = 1};
    struct companion_choice choice;
    struct dvbcss_cii cii;

    present(&cii, NULL, 0);
    cr_assert(companion_choose(&wish, &cii, &choice));
    cr_assert_str_eq(choice.selector, mpd, "the rate of TEMI is not known");
    cr_assert_eq(choice.rate.ticks, 1000);
    cr_assert(companion_choose(&told, &cii, &choice));
    cr_assert_str_eq(choice.selector, temi);
    cr_assert_eq(choice.rate.ticks, 25);
    cr_assert_not(companion_choose(&unknown, &cii, &choice));
    dvbcss_cii_finish(&cii);
}

Test(companion_choice, believes_the_listed_rate_before_any_other)
{
    static const char *const both[] = {pts};
    const struct companion_wish wish = {
        .selectors = both, .selector_count = 1, .timeline_rate = {25, 1}};
    struct companion_choice choice;
    struct dvbcss_cii cii;

    present(&cii, both, 1);
    cr_assert(companion_choose(&wish, &cii, &choice));
    cr_assert_eq(choice.rate.ticks, 50);
    dvbcss_cii_finish(&cii);
}

Test(companion_choice, finds_nothing_without_content_or_timelines)
{
    static const char *const one[] = {pts};
    const struct companion_wish any = {.selectors = NULL};
    struct companion_choice choice;
    struct dvbcss_cii cii = DVBCSS_CII_INIT;

    cr_assert_not(companion_choose(&any, &cii, &choice), "before the first message");
    present(&cii, one, 1);
    dvbcss_cii_set_null(&cii, DVBCSS_CII_CONTENT_ID);
    cr_assert_not(companion_choose(&any, &cii, &choice), "no content");
    dvbcss_cii_finish(&cii);
    present(&cii, NULL, 0);
    cr_assert_not(companion_choose(&any, &cii, &choice), "no timelines");
    dvbcss_cii_finish(&cii);
}

Test(companion_choice, asks_for_pts_where_there_is_no_list)
{
    const struct companion_wish any = {.selectors = NULL};
    struct companion_choice choice;
    struct dvbcss_cii cii = DVBCSS_CII_INIT;

    cr_assert_eq(dvbcss_cii_set_text(&cii, DVBCSS_CII_CONTENT_ID, "dvb://1.2.3"), 0);
    for (int i = 0; i < 2; i++) {
        cr_assert(companion_choose(&any, &cii, &choice));
        cr_expect_str_eq(choice.selector, pts);
        cr_expect_eq(choice.rate.ticks, 90000);
        cr_expect_eq(choice.rate.seconds, 1);
        dvbcss_cii_set_null(&cii, DVBCSS_CII_TIMELINES);
    }
    dvbcss_cii_finish(&cii);
}

Test(companion_choice, makes_the_stem_that_is_asked_for)
{
    static const char *const one[] = {pts};
    const struct companion_wish content = {.stem = DVBCSS_COMPANION_STEM_CONTENT};
    const struct companion_wish given = {.stem = DVBCSS_COMPANION_STEM_GIVEN,
                                         .content_id_stem = "dvb://1"};
    struct companion_choice choice;
    struct dvbcss_cii cii;

    present(&cii, one, 1);
    cr_assert(companion_choose(&content, &cii, &choice));
    cr_assert_str_eq(choice.content_id_stem, "dvb://1.2.3");
    cr_assert(companion_choose(&given, &cii, &choice));
    cr_assert_str_eq(choice.content_id_stem, "dvb://1");
    dvbcss_cii_finish(&cii);
}
