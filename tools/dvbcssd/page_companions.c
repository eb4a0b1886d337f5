#include "page_companions.h"

#include <string.h>

#include "page_message.h"
#include "tv.h"

void page_companions_begin(struct page_companions *companions)
{
    page_companions_end(companions);
    companions->listening = true;
    companions->audience_number++;
}

void page_companions_end(struct page_companions *companions)
{
    json_decref(companions->selectors);
    companions->selectors = NULL;
    companions->listening = false;
    companions->curious = false;
}

static bool tell(const struct page_companions *companions, json_t *message)
{
    return companions->audience.send(companions->audience.user, message);
}

/* ---- selectors ------------------------------------------------------------------------------ */

/* What is too long is no timeline of a page, and more than it may present is not asked of it. */
static void collect(void *user, struct dvbcss_connection *connection)
{
    const struct dvbcss_ts_session *session = dvbcss_ts_endpoint_session(connection);
    const struct dvbcss_ts_setup *setup = session ? dvbcss_ts_session_setup(session) : NULL;
    json_t *wanted = user;

    if (setup && strlen(setup->timeline_selector) <= PAGE_SELECTOR_MAX &&
        json_object_size(wanted) < TV_TIMELINES_MAX)
        json_object_set_new(wanted, setup->timeline_selector, json_true());
}

/* The members of one object that another has not. */
static json_t *missing_from(json_t *other, json_t *object)
{
    json_t *list = json_array();
    const char *selector;
    json_t *value;

    json_object_foreach (object, selector, value) {
        if (!json_object_get(other, selector))
            json_array_append_new(list, json_string(selector));
    }
    return list;
}

static bool tell_selectors(struct page_companions *companions)
{
    bool first = !companions->selectors;
    json_t *told = companions->selectors, *wanted = json_object(), *added, *removed;
    bool goes_on = true;

    for (size_t i = 0; i < PAGE_COMPANIONS_PATHS; i++)
        dvbcss_endpoint_each(companions->ts[i], collect, wanted);
    added = missing_from(told, wanted);
    removed = missing_from(wanted, told);
    companions->selectors = wanted;
    for (size_t i = 0; i < json_array_size(removed); i++)
        companions->audience.not_wanted(companions->audience.user,
                                        json_string_value(json_array_get(removed, i)));
    if (first || json_array_size(added) != 0 || json_array_size(removed) != 0) {
        goes_on = tell(companions, page_write_selectors(added, removed));
    } else {
        json_decref(added);
        json_decref(removed);
    }
    json_decref(told);
    return goes_on;
}

static bool tell_count(struct page_companions *companions, bool first)
{
    size_t count = 0;

    for (size_t i = 0; i < PAGE_COMPANIONS_PATHS; i++)
        count += dvbcss_endpoint_connection_count(companions->cii[i]);
    if (!first && count == companions->count)
        return true;
    companions->count = count;
    return tell(companions, page_write_companion_count(count));
}

/* ---- each companion -------------------------------------------------------------------------- */

struct round {
    struct page_companions *companions;
    bool goes_on;
};

static void say(struct round *round, json_t *message)
{
    round->goes_on = tell(round->companions, message);
}

static void introduce(struct round *round, struct dvbcss_connection *connection,
                      struct page_companion *companion)
{
    char address[DVBCSS_ADDRESS_TEXT_SIZE];

    if (companion->known_to == round->companions->audience_number)
        return;
    companion->known_to = round->companions->audience_number;
    companion->asked_is_news = true;
    companion->reported_is_news = true;
    say(round,
        page_write_connected(dvbcss_connection_id(connection),
                             dvbcss_address_format(dvbcss_connection_peer(connection), address)));
}

static void tell_of_cii(void *user, struct dvbcss_connection *connection)
{
    struct round *round = user;

    if (round->goes_on)
        introduce(round, connection, dvbcss_cii_endpoint_user_data(connection));
}

static void tell_of_ts(void *user, struct dvbcss_connection *connection)
{
    struct round *round = user;
    struct page_companion *companion = dvbcss_ts_endpoint_user_data(connection);
    const struct dvbcss_ts_session *session = dvbcss_ts_endpoint_session(connection);
    const struct dvbcss_ts_setup *setup = session ? dvbcss_ts_session_setup(session) : NULL;
    const struct dvbcss_ts_presentation *presentation =
        session ? dvbcss_ts_session_presentation(session) : NULL;

    if (round->goes_on)
        introduce(round, connection, companion);
    if (round->goes_on && companion->asked_is_news && setup) {
        companion->asked_is_news = false;
        say(round, page_write_asked(dvbcss_connection_id(connection), setup));
    }
    if (round->goes_on && companion->reported_is_news && setup && presentation) {
        companion->reported_is_news = false;
        say(round, page_write_reported(dvbcss_connection_id(connection), setup->timeline_selector,
                                       presentation));
    }
}

void page_companions_tell(struct page_companions *companions)
{
    struct round round = {companions, companions->listening};
    bool first = !companions->selectors;

    if (round.goes_on)
        round.goes_on = tell_selectors(companions);
    if (round.goes_on)
        round.goes_on = tell_count(companions, first);
    if (!companions->curious)
        return;
    for (size_t i = 0; i < PAGE_COMPANIONS_PATHS; i++)
        dvbcss_endpoint_each(companions->cii[i], tell_of_cii, &round);
    for (size_t i = 0; i < PAGE_COMPANIONS_PATHS; i++)
        dvbcss_endpoint_each(companions->ts[i], tell_of_ts, &round);
}

void page_companions_asked(struct dvbcss_connection *connection)
{
    struct page_companion *companion = dvbcss_ts_endpoint_user_data(connection);

    companion->asked_is_news = true;
}

void page_companions_reported(struct dvbcss_connection *connection)
{
    struct page_companion *companion = dvbcss_ts_endpoint_user_data(connection);

    companion->reported_is_news = true;
}

void page_companions_left(struct page_companions *companions, struct dvbcss_connection *connection,
                          const struct page_companion *companion)
{
    if (companions->listening && companion->known_to == companions->audience_number)
        tell(companions, page_write_disconnected(dvbcss_connection_id(connection)));
}
