/* Which web pages get in. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "dvbcss/server.h"

#define LET_IN (-1)

struct access_case {
    enum dvbcss_origin_policy policy;
    char origins[64];
    /** "-" for NULL. */
    char hosts[32];
    char host[48];
    char origin[64];
    int verdict;
};

ParameterizedTestParameters(ws_access, follows_the_rules)
{
    static struct access_case cases[] = {
        {DVBCSS_ORIGIN_ANY, "", "-", "tv", "", LET_IN},
        {DVBCSS_ORIGIN_ANY, "", "-", "tv", "null", LET_IN},
        {DVBCSS_ORIGIN_ANY, "", "-", "", "https://evil.example", LET_IN},

        {DVBCSS_ORIGIN_NONE_OR_LISTED, "", "-", "tv", "", LET_IN},
        {DVBCSS_ORIGIN_NONE_OR_LISTED, "", "-", "tv", "http://tv", DVBCSS_REFUSAL_ORIGIN},
        {DVBCSS_ORIGIN_NONE_OR_LISTED, "https://a  null http://b:81 ", "-", "tv", "https://a",
         LET_IN},
        {DVBCSS_ORIGIN_NONE_OR_LISTED, "https://a  null http://b:81 ", "-", "tv", "HTTP://B:81",
         LET_IN},
        {DVBCSS_ORIGIN_NONE_OR_LISTED, "https://a null", "-", "tv", "null", LET_IN},
        {DVBCSS_ORIGIN_NONE_OR_LISTED, "https://a", "-", "tv", "https://a:444",
         DVBCSS_REFUSAL_ORIGIN},
        {DVBCSS_ORIGIN_NONE_OR_LISTED, "https://a", "-", "tv", "https://", DVBCSS_REFUSAL_ORIGIN},
        {DVBCSS_ORIGIN_NONE_OR_LISTED, "https://a", "-", "tv", "https://a.evil",
         DVBCSS_REFUSAL_ORIGIN},
        {DVBCSS_ORIGIN_NONE_OR_LISTED, "https://a b", "-", "tv", "https://a b",
         DVBCSS_REFUSAL_ORIGIN},

        {DVBCSS_ORIGIN_LISTED, "https://a", "-", "tv", "https://a", LET_IN},
        {DVBCSS_ORIGIN_LISTED, "https://a", "-", "tv", "", DVBCSS_REFUSAL_ORIGIN},
        {DVBCSS_ORIGIN_LISTED, "", "-", "tv", "", DVBCSS_REFUSAL_ORIGIN},

        {DVBCSS_ORIGIN_SAME, "", "-", "tv:7681", "", LET_IN},
        {DVBCSS_ORIGIN_SAME, "", "-", "tv:7681", "http://TV:7681", LET_IN},
        {DVBCSS_ORIGIN_SAME, "", "-", "tv", "http://tv:80", LET_IN},
        {DVBCSS_ORIGIN_SAME, "", "-", "tv:443", "https://tv", LET_IN},
        {DVBCSS_ORIGIN_SAME, "", "-", "[::1]:8", "http://[::1]:8", LET_IN},
        {DVBCSS_ORIGIN_SAME, "", "-", "tv:443", "http://tv", DVBCSS_REFUSAL_ORIGIN},
        {DVBCSS_ORIGIN_SAME, "", "-", "tv:7681", "http://tv", DVBCSS_REFUSAL_ORIGIN},
        {DVBCSS_ORIGIN_SAME, "", "-", "tv:7681", "http://tv:7682", DVBCSS_REFUSAL_ORIGIN},
        {DVBCSS_ORIGIN_SAME, "", "-", "tv:7681", "http://tv.evil:7681", DVBCSS_REFUSAL_ORIGIN},
        {DVBCSS_ORIGIN_SAME, "", "-", "tv:7681", "ftp://tv:7681", DVBCSS_REFUSAL_ORIGIN},
        {DVBCSS_ORIGIN_SAME, "", "-", "", "http://", DVBCSS_REFUSAL_ORIGIN},
        {DVBCSS_ORIGIN_SAME, "https://a", "-", "tv", "https://a", LET_IN},

        {DVBCSS_ORIGIN_ANY, "", "", "localhost", "", LET_IN},
        {DVBCSS_ORIGIN_ANY, "", "", "LocalHost:7681", "", LET_IN},
        {DVBCSS_ORIGIN_ANY, "", "", "192.0.2.7:7681", "", LET_IN},
        {DVBCSS_ORIGIN_ANY, "", "", "[2001:db8::1]:7681", "", LET_IN},
        {DVBCSS_ORIGIN_ANY, "", "", "[2001:db8::1]", "", LET_IN},
        {DVBCSS_ORIGIN_ANY, "", "", "", "", DVBCSS_REFUSAL_HOST},
        {DVBCSS_ORIGIN_ANY, "", "", "[]", "", DVBCSS_REFUSAL_HOST},
        {DVBCSS_ORIGIN_ANY, "", "", "[", "", DVBCSS_REFUSAL_HOST},
        {DVBCSS_ORIGIN_ANY, "", "", "[::1", "", DVBCSS_REFUSAL_HOST},
        {DVBCSS_ORIGIN_ANY, "", "", "[evil.example]", "", DVBCSS_REFUSAL_HOST},
        {DVBCSS_ORIGIN_ANY, "", "", "evil.example", "", DVBCSS_REFUSAL_HOST},
        {DVBCSS_ORIGIN_ANY, "", "", "localhost.evil.example", "", DVBCSS_REFUSAL_HOST},
        {DVBCSS_ORIGIN_ANY, "", "", "192.0.2.7.evil.example:7681", "", DVBCSS_REFUSAL_HOST},
        {DVBCSS_ORIGIN_ANY, "", "", "127.1, localhost", "", DVBCSS_REFUSAL_HOST},
        {DVBCSS_ORIGIN_ANY, "", "tv tv.local", "TV.local:7681", "", LET_IN},
        {DVBCSS_ORIGIN_ANY, "", "tv tv.local", "tv.localx", "", DVBCSS_REFUSAL_HOST},
        /* DNS rebinding: the page is of the very host that it asks. */
        {DVBCSS_ORIGIN_SAME, "", "", "evil.example:7681", "http://evil.example:7681",
         DVBCSS_REFUSAL_HOST},
    };

    return cr_make_param_array(struct access_case, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest(struct access_case *param, ws_access, follows_the_rules)
{
    struct dvbcss_access access = {param->policy, param->origins,
                                   strcmp(param->hosts, "-") == 0 ? NULL : param->hosts};

    cr_assert_eq(dvbcss_access_check(&access, param->host, param->origin), param->verdict,
                 "policy %d, origins '%s', hosts '%s': Host '%s', Origin '%s'", (int)param->policy,
                 param->origins, param->hosts, param->host, param->origin);
}

Test(ws_access, of_zeros_lets_everybody_in)
{
    struct dvbcss_access access = {0};

    cr_assert_eq(dvbcss_access_check(&access, "evil.example", "http://evil.example"), -1);
}

Test(ws_access, without_lists_is_with_empty_ones)
{
    struct dvbcss_access access = {DVBCSS_ORIGIN_NONE_OR_LISTED, NULL, NULL};

    cr_assert_eq(dvbcss_access_check(&access, "tv", ""), -1);
    cr_assert_eq(dvbcss_access_check(&access, "tv", "null"), DVBCSS_REFUSAL_ORIGIN);
}
