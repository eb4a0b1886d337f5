/*
 * Every allocation of every function of the CII core fails once: what was there before is still
 * there, and nothing is lost.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "dvbcss/alloc.h"
#include "dvbcss/cii.h"
#include "failing_alloc.h"

static const char whole[] =
    "{\"protocolVersion\":\"1.1\",\"mrsUrl\":null,\"contentId\":\"a\",\"contentIdStatus\":"
    "\"final\","
    "\"presentationStatus\":\"okay sub\",\"wcUrl\":\"udp://h:1\",\"tsUrl\":\"ws://{{host}}:1\","
    "\"timelines\":[{\"timelineSelector\":\"s\",\"timelineProperties\":{\"unitsPerTick\":1,"
    "\"unitsPerSecond\":2,\"accuracy\":0.5},\"private\":[{\"type\":\"t\",\"a\":[1,{}]}]}],"
    "\"private\":[{\"type\":\"t\"}]}";

static const char tolerated[] =
    "{\"protocolVersion\":1.1,\"contentId\":5,\"presentationStatus\":[\"okay\",\"sub\"],"
    "\"timelines\":[null,{\"timelineSelector\":\"none\",\"unitsPerTick\":\"0\"},{"
    "\"timelineSelector\":\"s\",\"unitsPerTick\":\"1\","
    "\"unitsPerSecond\":\"2\",\"accuracy\":\"0.5\",\"private\":null}]}";

/* Runs @p call with each allocation failing in turn, on a state that it must leave alone then. */
static void walk(int (*call)(struct dvbcss_cii *state))
{
    bool failed = true;

    for (unsigned n = 0; failed; n++) {
        struct dvbcss_cii state = DVBCSS_CII_INIT;
        struct dvbcss_cii before = DVBCSS_CII_INIT;
        int error;

        cr_assert_eq(dvbcss_cii_set_text(&state, DVBCSS_CII_CONTENT_ID, "before"), 0);
        cr_assert_eq(dvbcss_cii_set_text(&state, DVBCSS_CII_PRESENTATION_STATUS, "fault"), 0);
        cr_assert_eq(dvbcss_cii_copy(&before, &state), 0);
        failing_alloc_begin(n);
        error = call(&state);
        failed = failing_alloc_end();
        if (failed) {
            cr_expect_eq(error, DVBCSS_ENOMEM, "allocation %u: %s", n, dvbcss_error_name(error));
            cr_expect(dvbcss_cii_equal(&state, &before), "allocation %u changed something", n);
            cr_expect_eq(failing_alloc_outstanding(), 0, "allocation %u leaks", n);
        } else {
            cr_expect_eq(error, 0);
            cr_expect_gt(n, 0, "nothing was allocated");
        }
        dvbcss_cii_finish(&state);
        dvbcss_cii_finish(&before);
    }
}

static int decode_strictly(struct dvbcss_cii *state)
{
    return dvbcss_cii_decode(whole, strlen(whole), DVBCSS_STRICT, state, NULL);
}

static int decode_tolerantly(struct dvbcss_cii *state)
{
    return dvbcss_cii_decode(tolerated, strlen(tolerated), DVBCSS_TOLERANT, state, NULL);
}

Test(cii_memory, decoding_fails_cleanly)
{
    walk(decode_strictly);
    walk(decode_tolerantly);
}

Test(cii_memory, decoding_reports_the_lack)
{
    bool failed = true;

    for (unsigned n = 0; failed; n++) {
        struct dvbcss_report report = DVBCSS_REPORT_INIT;
        struct dvbcss_cii cii = DVBCSS_CII_INIT;
        int error;

        failing_alloc_begin(n);
        error = dvbcss_cii_decode(whole, strlen(whole), DVBCSS_STRICT, &cii, &report);
        failed = failing_alloc_end();
        cr_expect_eq(report.error, error, "allocation %u", n);
        cr_expect_eq(report.reason[0] != '\0', failed, "allocation %u", n);
        dvbcss_cii_finish(&cii);
    }
}

static int set_status(struct dvbcss_cii *state)
{
    static const char *const terms[] = {"okay", "sub"};

    return dvbcss_cii_set_presentation_status(state, terms, 2);
}

static int set_content_id(struct dvbcss_cii *state)
{
    return dvbcss_cii_set_text(state, DVBCSS_CII_CONTENT_ID, "after");
}

static int set_private(struct dvbcss_cii *state)
{
    return dvbcss_cii_set_text(state, DVBCSS_CII_PRIVATE, "[{\"type\":\"t\",\"a\":[1,2.5,{}]}]");
}

static int set_timelines(struct dvbcss_cii *state)
{
    static char selector[] = "s";
    static char private_data[] = "[{\"type\":\"t\"}]";
    static const struct dvbcss_cii_timeline items[] = {{selector, 1, 1, false, 0, private_data},
                                                       {selector, 1, 1, true, 1, NULL}};

    return dvbcss_cii_set_timelines(state, items, 2);
}

Test(cii_memory, setters_fail_cleanly)
{
    walk(set_status);
    walk(set_content_id);
    walk(set_private);
    walk(set_timelines);
}

/* What a copy or merge takes from; made before allocations fail. */
static struct dvbcss_cii source;

static int copy_source(struct dvbcss_cii *state)
{
    return dvbcss_cii_copy(state, &source);
}

static int merge_source(struct dvbcss_cii *state)
{
    return dvbcss_cii_merge(state, &source, NULL);
}

/* Encodes what a state would become; the state itself stays. */
static int encode_source(struct dvbcss_cii *state)
{
    struct dvbcss_cii_address address = {"::1", 7681, false};
    char *text = NULL;
    int error = dvbcss_cii_encode(&source, DVBCSS_CII_ALL, &address, &text, NULL);

    (void)state;
    cr_expect_eq(text == NULL, error != 0);
    dvbcss_free(text);
    return error;
}

static int snapshot_of_nothing(struct dvbcss_cii *state)
{
    struct dvbcss_cii empty = DVBCSS_CII_INIT;
    struct dvbcss_cii_snapshot *snapshot = NULL;
    int error = dvbcss_cii_snapshot_create(&empty, &snapshot);

    (void)state;
    cr_expect_eq(snapshot == NULL, error != 0);
    dvbcss_cii_snapshot_unref(snapshot);
    return error;
}

static int snapshot_of_source(struct dvbcss_cii *state)
{
    struct dvbcss_cii_snapshot *snapshot = NULL;
    int error = dvbcss_cii_snapshot_create(&source, &snapshot);

    (void)state;
    cr_expect_eq(snapshot == NULL, error != 0);
    dvbcss_cii_snapshot_unref(snapshot);
    return error;
}

Test(cii_memory, copying_merging_encoding_and_snapshots_fail_cleanly)
{
    cr_assert_eq(decode_strictly(&source), 0);
    walk(copy_source);
    walk(merge_source);
    walk(encode_source);
    walk(snapshot_of_source);
    walk(snapshot_of_nothing);
    dvbcss_cii_finish(&source);
}
