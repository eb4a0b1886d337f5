#include <criterion/criterion.h>
#include <string.h>

#include "dvbcss/alloc.h"
#include "dvbcss/cii.h"

#define BIT(name) DVBCSS_CII_BIT(DVBCSS_CII_##name)

static struct dvbcss_cii_session session;

static void finish(void)
{
    dvbcss_cii_session_finish(&session);
}

TestSuite(cii_session, .fini = finish);

static struct dvbcss_cii_snapshot *snapshot_of(const char *json)
{
    struct dvbcss_cii cii = DVBCSS_CII_INIT;
    struct dvbcss_cii_snapshot *snapshot = NULL;

    cr_assert_eq(dvbcss_cii_decode(json, strlen(json), DVBCSS_STRICT, &cii, NULL), 0, "%s", json);
    cr_assert_eq(dvbcss_cii_snapshot_create(&cii, &snapshot), 0);
    dvbcss_cii_finish(&cii);
    return snapshot;
}

/* Brings the session to a state; expects the message that this takes, "" for none. */
static void expect_step(const char *state, enum dvbcss_cii_policy policy, const char *expected)
{
    struct dvbcss_cii_snapshot *snapshot = snapshot_of(state);
    unsigned due = dvbcss_cii_session_due(&session, snapshot, policy);
    char *text = NULL;

    if (due != 0)
        cr_assert_eq(dvbcss_cii_encode(dvbcss_cii_snapshot_state(snapshot), due, NULL, &text, NULL),
                     0);
    cr_expect_str_eq(text ? text : "", expected, "for %s got %s", state, text ? text : "nothing");
    dvbcss_cii_session_advance(&session, snapshot);
    cr_expect_eq(dvbcss_cii_session_due(&session, snapshot, policy), 0);
    dvbcss_cii_snapshot_unref(snapshot);
    dvbcss_free(text);
}

Test(cii_session, first_message_is_full_with_what_clients_want_said)
{
    expect_step("{}", DVBCSS_CII_SEND_CHANGES,
                "{\"protocolVersion\":\"1.1\",\"mrsUrl\":null,\"teUrl\":null,\"timelines\":[]}");
}

Test(cii_session, what_the_application_says_itself_stays)
{
    static const char state[] =
        "{\"protocolVersion\":null,\"mrsUrl\":\"http://m\",\"contentId\":\"a\","
        "\"teUrl\":\"ws://t\",\"timelines\":null,\"private\":[]}";

    expect_step(state, DVBCSS_CII_SEND_LEAST, state);
}

Test(cii_session, urls_lose_the_slash_of_an_empty_path_and_no_other)
{
    expect_step("{\"mrsUrl\":\"http://m/\",\"wcUrl\":\"udp://{{host}}:1/\",\"tsUrl\":"
                "\"ws://{{host}}:{{port}}/ts/\",\"teUrl\":\"/\"}",
                DVBCSS_CII_SEND_LEAST,
                "{\"protocolVersion\":\"1.1\",\"mrsUrl\":\"http://m\",\"wcUrl\":"
                "\"udp://{{host}}:1\",\"tsUrl\":\"ws://{{host}}:{{port}}/ts/\",\"teUrl\":\"/\","
                "\"timelines\":[]}");
}

Test(cii_session, changes_carry_timelines_and_the_status_of_a_new_content)
{
    const enum dvbcss_cii_policy policy = DVBCSS_CII_SEND_CHANGES;

    expect_step("{\"contentId\":\"a\",\"contentIdStatus\":\"partial\"}", policy,
                "{\"protocolVersion\":\"1.1\",\"mrsUrl\":null,\"contentId\":\"a\","
                "\"contentIdStatus\":\"partial\",\"teUrl\":null,\"timelines\":[]}");
    expect_step("{\"contentId\":\"a\",\"contentIdStatus\":\"partial\"}", policy, "");
    expect_step("{\"contentId\":\"b\",\"contentIdStatus\":\"partial\"}", policy,
                "{\"contentId\":\"b\",\"contentIdStatus\":\"partial\",\"timelines\":[]}");
    expect_step("{\"contentId\":\"b\",\"contentIdStatus\":\"final\"}", policy,
                "{\"contentIdStatus\":\"final\",\"timelines\":[]}");
    expect_step("{\"contentId\":\"b\",\"contentIdStatus\":\"final\",\"mrsUrl\":\"m\"}", policy,
                "{\"mrsUrl\":\"m\",\"timelines\":[]}");
    expect_step("{\"contentId\":\"b\",\"contentIdStatus\":\"final\"}", policy,
                "{\"mrsUrl\":null,\"timelines\":[]}");
    expect_step("{\"contentId\":null}", policy, "{\"contentId\":null,\"timelines\":[]}");
    expect_step("{}", policy, "");
}

Test(cii_session, least_is_what_the_standard_asks_for)
{
    const enum dvbcss_cii_policy policy = DVBCSS_CII_SEND_LEAST;

    expect_step("{}", policy,
                "{\"protocolVersion\":\"1.1\",\"mrsUrl\":null,\"teUrl\":null,\"timelines\":[]}");
    expect_step("{\"contentId\":\"dvb://1\",\"contentIdStatus\":\"partial\"}", policy,
                "{\"contentId\":\"dvb://1\",\"contentIdStatus\":\"partial\"}");
    expect_step("{\"contentId\":\"dvb://1\",\"contentIdStatus\":\"partial\"}", policy, "");
    expect_step("{\"contentId\":\"dvb://2\",\"contentIdStatus\":\"partial\"}", policy,
                "{\"contentId\":\"dvb://2\",\"contentIdStatus\":\"partial\"}");
    expect_step("{\"contentId\":\"dvb://2\",\"contentIdStatus\":\"final\"}", policy,
                "{\"contentIdStatus\":\"final\"}");
    expect_step("{\"contentId\":\"dvb://2\"}", policy, "");
    expect_step("{\"contentId\":null}", policy, "{\"contentId\":null}");
}

Test(cii_session, full_repeats_everything_on_a_change_and_nothing_without)
{
    const enum dvbcss_cii_policy policy = DVBCSS_CII_SEND_FULL;

    expect_step("{}", policy,
                "{\"protocolVersion\":\"1.1\",\"mrsUrl\":null,\"teUrl\":null,\"timelines\":[]}");
    expect_step("{}", policy, "");
    expect_step("{\"presentationStatus\":\"okay\"}", policy,
                "{\"protocolVersion\":\"1.1\",\"mrsUrl\":null,\"presentationStatus\":\"okay\","
                "\"teUrl\":null,\"timelines\":[]}");
}

Test(cii_session, one_message_covers_all_states_since_the_last)
{
    struct dvbcss_cii_snapshot *first = snapshot_of("{\"contentId\":\"a\"}");
    struct dvbcss_cii_snapshot *second = snapshot_of("{\"contentId\":\"b\",\"wcUrl\":\"u\"}");
    struct dvbcss_cii_snapshot *third = snapshot_of("{\"contentId\":\"a\",\"wcUrl\":\"v\"}");

    dvbcss_cii_session_advance(&session, first);
    cr_expect_eq(dvbcss_cii_session_due(&session, second, DVBCSS_CII_SEND_LEAST),
                 BIT(CONTENT_ID) | BIT(WC_URL));
    cr_expect_eq(dvbcss_cii_session_due(&session, third, DVBCSS_CII_SEND_LEAST), BIT(WC_URL));
    dvbcss_cii_snapshot_unref(first);
    dvbcss_cii_snapshot_unref(second);
    dvbcss_cii_snapshot_unref(third);
}

Test(cii_session, snapshot_lives_as_long_as_somebody_counts_on_it)
{
    struct dvbcss_cii_snapshot *snapshot = snapshot_of("{\"contentId\":\"a\"}");
    struct dvbcss_cii_session other = DVBCSS_CII_SESSION_INIT;

    dvbcss_cii_session_init(&session);
    dvbcss_cii_session_advance(&session, snapshot);
    dvbcss_cii_session_advance(&other, snapshot);
    dvbcss_cii_session_advance(&other, snapshot);
    dvbcss_cii_snapshot_unref(snapshot);
    dvbcss_cii_session_finish(&other);
    cr_expect_str_eq(
        dvbcss_cii_text(dvbcss_cii_snapshot_state(session.told), DVBCSS_CII_CONTENT_ID), "a");
    dvbcss_cii_session_finish(&session);
    cr_expect_null(session.told);
    dvbcss_cii_session_finish(&session);
    dvbcss_cii_session_finish(NULL);
    dvbcss_cii_snapshot_unref(NULL);
}

Test(cii_session, snapshot_does_not_follow_the_state_it_was_taken_of)
{
    struct dvbcss_cii state = DVBCSS_CII_INIT;
    struct dvbcss_cii_snapshot *snapshot = NULL;

    cr_assert_eq(dvbcss_cii_set_text(&state, DVBCSS_CII_CONTENT_ID, "a"), 0);
    cr_assert_eq(dvbcss_cii_snapshot_create(&state, &snapshot), 0);
    cr_assert_eq(dvbcss_cii_set_text(&state, DVBCSS_CII_CONTENT_ID, "b"), 0);
    dvbcss_cii_finish(&state);
    cr_expect_str_eq(dvbcss_cii_snapshot_state(snapshot)->content_id.text, "a");
    dvbcss_cii_snapshot_unref(snapshot);
}
