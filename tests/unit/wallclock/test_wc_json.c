/*
 * The wall clock in JSON: what is understood, in which dialect it is answered, and that no
 * nanosecond gets lost.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "dvbcss/wc_json.h"

/* Answers a text; the buffer is the test's to look at. */
static char answered[4096];

static int answer_with(const char *text, const struct dvbcss_wc_json_answer *figures)
{
    struct dvbcss_wc_json_request request = DVBCSS_WC_JSON_REQUEST_INIT;
    size_t length = 0;
    int error = dvbcss_wc_json_decode(text, strlen(text), &request, NULL);

    cr_assert_eq(error, 0, "%s: %s", text, dvbcss_error_name(error));
    error = dvbcss_wc_json_encode_answer(&request, figures, answered, sizeof answered, &length);
    if (!error)
        cr_assert_eq(length, strlen(answered));
    dvbcss_wc_json_request_finish(&request);
    return error;
}

static const struct dvbcss_wc_json_answer figures = {100e-6, 500.0, INT64_C(98765432101234),
                                                     INT64_C(98765432130567)};

static void expect_answer(const char *request, const char *answer)
{
    cr_assert_eq(answer_with(request, &figures), 0);
    cr_assert_str_eq(answered, answer);
}

#define SECONDS "\"rt\":98765.432101234,\"tt\":98765.432130567"
#define NANOSECONDS "\"rt\":98765432101234,\"tt\":98765432130567"
#define PLAIN                                                                                      \
    SECONDS ",\"precision\":0.000100000,\"maxFrequencyError\":500,"                                \
            "\"remoteReceiveTime\":98765432101234,\"remoteSendTime\":98765432130567"

Test(wc_json, answers_nanoseconds_where_the_originate_time_is_in_nanoseconds)
{
    expect_answer("{\"v\":0,\"t\":0,\"p\":-50,\"mfe\":50,\"id\":7,\"ot\":1234567.25}",
                  "{\"v\":0,\"t\":1,\"p\":-13,\"mfe\":500,\"id\":7,\"ot\":1234567.25," NANOSECONDS
                  "}");
    expect_answer("{\"ot\":\"18446744073709551617\",\"otvs\":1}",
                  "{\"v\":0,\"t\":1,\"p\":-13,\"mfe\":500,\"ot\":\"18446744073709551617\","
                  "\"otvs\":1," NANOSECONDS "}");
}

Test(wc_json, answers_seconds_where_the_originate_time_is_split)
{
    expect_answer("{\"v\":0,\"t\":0,\"p\":0,\"mfe\":0,\"otvs\":1795252866,\"otvn\":224000123,"
                  "\"rt\":0,\"tt\":0}",
                  "{\"v\":0,\"t\":1,\"p\":0.000100000,\"mfe\":500,\"otvs\":1795252866,"
                  "\"otvn\":224000123," SECONDS "}");
}

Test(wc_json, answers_any_other_object_in_plain)
{
    expect_answer("{}", "{\"v\":0,\"t\":1,\"p\":0.000100000,\"mfe\":500," PLAIN "}");
    expect_answer("{\"type\":\"wc\",\"localSendTime\":[1,{\"a\":null}]}",
                  "{\"v\":0,\"t\":1,\"p\":0.000100000,\"mfe\":500,"
                  "\"type\":\"wc\",\"localSendTime\":[1,{\"a\":null}]," PLAIN "}");
}

Test(wc_json, says_what_is_its_own_once_whatever_the_request_says)
{
    expect_answer("{\"rt\":1,\"tt\":\"x\",\"p\":[],\"mfe\":null,\"precision\":9,\"ot\":1}",
                  "{\"v\":0,\"t\":1,\"p\":-13,\"mfe\":500,\"precision\":9,\"ot\":1," NANOSECONDS
                  "}");
    expect_answer("{\"remoteReceiveTime\":1,\"remoteSendTime\":1,\"precision\":1,"
                  "\"maxFrequencyError\":1}",
                  "{\"v\":0,\"t\":1,\"p\":0.000100000,\"mfe\":500," PLAIN "}");
}

Test(wc_json, brings_strings_and_numbers_back_as_they_were)
{
    expect_answer("{\"id\":\"\\u00e9\\n\\u0001\\\"\\\\\",\"ot\":-9223372036854775808}",
                  "{\"v\":0,\"t\":1,\"p\":-13,\"mfe\":500,\"id\":\"\xc3\xa9\\n\\u0001\\\"\\\\\","
                  "\"ot\":-9223372036854775808," NANOSECONDS "}");
    expect_answer("{\"ot\":true,\"id\":0.1}", "{\"v\":0,\"t\":1,\"p\":-13,\"mfe\":500,\"ot\":true,"
                                              "\"id\":0.10000000000000001," NANOSECONDS "}");
}

Test(wc_json, takes_version_and_type_as_numbers_and_as_strings)
{
    static const char *const requests[] = {"{\"v\":0,\"t\":0}", "{\"v\":\"0\",\"t\":\"0\"}",
                                           "{\"v\":0.0,\"t\":null}", "{\"v\":null}"};

    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        expect_answer(requests[i], "{\"v\":0,\"t\":1,\"p\":0.000100000,\"mfe\":500," PLAIN "}");
}

Test(wc_json, refuses_what_is_no_request)
{
    static const struct {
        const char *text;
        int error;
        const char *path;
    } cases[] = {
        {"", DVBCSS_EJSON, ""},
        {"{", DVBCSS_EJSON, ""},
        {"{} x", DVBCSS_EJSON, ""},
        {"[]", DVBCSS_ETYPE, ""},
        {"7", DVBCSS_ETYPE, ""},
        {"null", DVBCSS_ETYPE, ""},
        {"{\"v\":1}", DVBCSS_EVERSION, "v"},
        {"{\"t\":1}", DVBCSS_EMESSAGETYPE, "t"},
        {"{\"t\":3,\"ot\":1}", DVBCSS_EMESSAGETYPE, "t"},
        {"{\"t\":\"x\"}", DVBCSS_EVALUE, "t"},
        {"{\"v\":{}}", DVBCSS_ETYPE, "v"},
        {"{\"ot\":9223372036854775808}", DVBCSS_ETOOBIG, ""},
        {"{\"ot\":1e999}", DVBCSS_ETOOBIG, ""},
        {"{\"id\":\"\xff\"}", DVBCSS_EJSON, ""},
        {"{\"id\":\"\\u0000\"}", DVBCSS_EJSON, ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dvbcss_wc_json_request request = DVBCSS_WC_JSON_REQUEST_INIT;
        struct dvbcss_report report = DVBCSS_REPORT_INIT;

        cr_assert_eq(dvbcss_wc_json_decode(cases[i].text, strlen(cases[i].text), &request, &report),
                     cases[i].error, "%s: %s", cases[i].text, dvbcss_error_name(report.error));
        cr_assert_eq(report.error, cases[i].error, "%s", cases[i].text);
        cr_assert_str_eq(report.path, cases[i].path, "%s", cases[i].text);
        cr_assert_null(request.echo, "%s", cases[i].text);
    }
}

Test(wc_json, keeps_every_nanosecond)
{
    struct dvbcss_wc_json_answer exact = figures;

    exact.receive_ns = 0;
    exact.transmit_ns = INT64_MAX;
    cr_assert_eq(answer_with("{\"otvs\":0}", &exact), 0);
    cr_assert_not_null(strstr(answered, "\"rt\":0.000000000,\"tt\":9223372036.854775807}"), "%s",
                       answered);
    cr_assert_eq(answer_with("{\"ot\":0}", &exact), 0);
    cr_assert_not_null(strstr(answered, "\"rt\":0,\"tt\":9223372036854775807}"), "%s", answered);
}

Test(wc_json, rounds_what_it_claims_up)
{
    static const struct {
        double precision_s;
        double ppm;
        const char *nanoseconds;
        const char *seconds;
    } cases[] = {
        {1e-9, 50.0, "\"p\":-29,\"mfe\":50", "\"p\":0.000000001,\"mfe\":50"},
        {1.5e-9, 0.001, "\"p\":-29,\"mfe\":0.00390625", "\"p\":0.000000002,\"mfe\":0.00390625"},
        {0.25, 12.345, "\"p\":-2,\"mfe\":12.34765625", "\"p\":0.250000000,\"mfe\":12.34765625"},
        {0.2500001, 1e6, "\"p\":-1,\"mfe\":1000000", "\"p\":0.250000100,\"mfe\":1000000"},
        {1e9, 1.0, "\"p\":30,\"mfe\":1", "\"p\":1000000000.000000000,\"mfe\":1"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct dvbcss_wc_json_answer claim = {cases[i].precision_s, cases[i].ppm, 1, 2};

        cr_assert_eq(answer_with("{\"ot\":1}", &claim), 0);
        cr_assert_not_null(strstr(answered, cases[i].nanoseconds), "%s", answered);
        cr_assert_eq(answer_with("{\"otvs\":1}", &claim), 0);
        cr_assert_not_null(strstr(answered, cases[i].seconds), "%s", answered);
    }
}

Test(wc_json, refuses_figures_that_cannot_be_said)
{
    static const struct dvbcss_wc_json_answer cases[] = {
        {0.0, 50.0, 1, 2},      {-1.0, 50.0, 1, 2},  {1.1e9, 50.0, 1, 2}, {1e-3, -1.0, 1, 2},
        {1e-3, 16777216, 1, 2}, {1e-3, 50.0, -1, 2}, {1e-3, 50.0, 1, -2},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(answer_with("{}", &cases[i]), DVBCSS_ERANGE, "case %zu", i);
}

Test(wc_json, fills_a_buffer_to_its_last_byte_and_no_further)
{
    struct dvbcss_wc_json_request request = DVBCSS_WC_JSON_REQUEST_INIT;
    char buffer[512];
    size_t length = 0, again = 0;

    cr_assert_eq(dvbcss_wc_json_decode("{\"id\":1}", 8, &request, NULL), 0);
    cr_assert_eq(dvbcss_wc_json_encode_answer(&request, &figures, buffer, sizeof buffer, &length),
                 0);
    memset(buffer, '#', sizeof buffer);
    cr_assert_eq(dvbcss_wc_json_encode_answer(&request, &figures, buffer, length, &again),
                 DVBCSS_ENOSPC);
    cr_assert_eq(again, 0);
    cr_assert_eq(buffer[length], '#');
    cr_assert_eq(dvbcss_wc_json_encode_answer(&request, &figures, buffer, length + 1, &again), 0);
    cr_assert_eq(again, length);
    dvbcss_wc_json_request_finish(&request);
    cr_assert_null(request.echo);
    dvbcss_wc_json_request_finish(&request);
}

Test(wc_json, names_its_dialects)
{
    cr_assert_str_eq(dvbcss_wc_json_dialect_name(DVBCSS_WC_JSON_NANOSECONDS), "nanoseconds");
    cr_assert_str_eq(dvbcss_wc_json_dialect_name(DVBCSS_WC_JSON_PLAIN), "plain");
    cr_assert_str_eq(dvbcss_wc_json_dialect_name((enum dvbcss_wc_json_dialect)99), "?");
}
