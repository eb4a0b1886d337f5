#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "dvbcss/url.h"

static const unsigned ANY =
    DVBCSS_URL_WS | DVBCSS_URL_WSS | DVBCSS_URL_UDP | DVBCSS_URL_HTTP | DVBCSS_URL_HTTPS;

/* What is left of a text, as one string: scheme, host, port and path; or the error and offset. */
static const char *parsed(const char *text, unsigned schemes)
{
    static char result[DVBCSS_URL_TEXT_SIZE + 64];
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct dvbcss_url url = DVBCSS_URL_INIT;
    int error = dvbcss_url_parse(text, schemes, &url, &report);

    if (!error) {
        snprintf(result, sizeof result, "%s %s %u %s", dvbcss_url_scheme_name(url.scheme), url.host,
                 (unsigned)url.port, url.path);
        cr_expect_eq(report.error, 0, "%s: report touched", text);
        return result;
    }
    cr_expect_eq(report.error, error, "%s", text);
    cr_expect_str_not_empty(report.reason, "%s", text);
    cr_expect_str_empty(url.host, "%s: url touched", text);
    snprintf(result, sizeof result, "%s at %zu", dvbcss_error_name(error) + strlen("DVBCSS_"),
             report.offset);
    return result;
}

Test(url, is_taken_apart)
{
    static const char *const cases[][2] = {
        {"ws://192.168.1.2:7681/cii", "ws 192.168.1.2 7681 /cii"},
        {"udp://1.2.3.4:6677", "udp 1.2.3.4 6677 "},
        {"udp://1.2.3.4:6677/", "udp 1.2.3.4 6677 "},
        {"ws://tv.local/cii", "ws tv.local 80 /cii"},
        {"wss://tv.local", "wss tv.local 443 "},
        {"http://a_b-c:1", "http a_b-c 1 "},
        {"https://x:65535/a/b/?c=d&e", "https x 65535 /a/b/?c=d&e"},
        {"WS://Host:80/Path", "ws Host 80 /Path"},
        {"ws://h:/x", "ws h 80 /x"},
        {"ws://h?q", "ws h 80 /?q"},
        {"ws://h:7681/", "ws h 7681 "},
        {"ws://h:007681", "ws h 7681 "},
        {"ws://[::1]:7681/ts", "ws ::1 7681 /ts"},
        {"ws://[2001:DB8::2]", "ws 2001:DB8::2 80 "},
        {"udp://[fe80::1%eth0]:6677", "udp fe80::1%eth0 6677 "},
        {"udp://[fe80::1%25eth0]:6677", "udp fe80::1%eth0 6677 "},
        {"udp://[fe80::1%25]:6677", "udp fe80::1%25 6677 "},
        {"ws://[::ffff:1.2.3.4]:1/", "ws ::ffff:1.2.3.4 1 "},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_str_eq(parsed(cases[i][0], ANY), cases[i][1], "%s gave %s", cases[i][0],
                         parsed(cases[i][0], ANY));
}

Test(url, that_is_malformed_is_refused_at_the_place_where_it_goes_wrong)
{
    static const char *const cases[][2] = {
        {"", "EVALUE at 0"},
        {"localhost:7681", "EVALUE at 0"},
        {"ftp://h:1", "EUNSUPPORTED at 0"},
        {"ws:/h:1", "EVALUE at 0"},
        {"w://h:1", "EUNSUPPORTED at 0"},
        {"ws://", "EMISSING at 5"},
        {"ws://:80/", "EMISSING at 5"},
        {"ws:///cii", "EMISSING at 5"},
        {"udp://h", "EMISSING at 7"},
        {"udp://h:", "EMISSING at 8"},
        {"ws://h:0", "ERANGE at 7"},
        {"ws://h:65536", "ERANGE at 7"},
        {"ws://h:99999999999999999999", "ERANGE at 7"},
        {"ws://h:-1", "EVALUE at 7"},
        {"ws://h:80a", "EVALUE at 9"},
        {"ws://h:80:90", "EVALUE at 9"},
        {"ws://u:p@h:80", "EVALUE at 8"},
        {"ws://h h:80", "EVALUE at 6"},
        {"ws://h%41:80", "EVALUE at 6"},
        {"ws://{{host}}:80", "EVALUE at 5"},
        {"ws://h\xc3\xa9:80", "EVALUE at 6"},
        {"ws://fe80::1:80", "EVALUE at 10"},
        {"ws://[::1:80", "EVALUE at 5"},
        {"ws://[]:80", "EMISSING at 6"},
        {"ws://[1.2.3.4]:80", "EVALUE at 5"},
        {"ws://[::g]:80", "EVALUE at 5"},
        {"ws://[fe80::1%]:80", "EVALUE at 5"},
        {"ws://[fe80::1%a/b]:80", "EVALUE at 5"},
        {"ws://[fe80::1%a b]:80", "EVALUE at 5"},
        {"ws://[::1]80", "EVALUE at 10"},
        {"ws://h/a#b", "EVALUE at 8"},
        {"ws://h#b", "EVALUE at 6"},
        {"ws://h/a b", "EVALUE at 8"},
        {"ws://h/a\r\nX: y", "EVALUE at 8"},
        {"ws://h/\x7f", "EVALUE at 7"},
        {"ws://h/\xc3\xa9", "EVALUE at 7"},
        {"udp://h:1/x", "EVALUE at 9"},
        {"udp://h:1?x", "EVALUE at 9"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_str_eq(parsed(cases[i][0], ANY), cases[i][1], "%s gave %s", cases[i][0],
                         parsed(cases[i][0], ANY));
}

Test(url, of_a_scheme_that_is_not_wanted_is_refused_with_those_that_are)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct dvbcss_url url;

    cr_assert_eq(dvbcss_url_parse("udp://h:1", DVBCSS_URL_ANY_WEBSOCKET, &url, &report),
                 DVBCSS_EUNSUPPORTED);
    cr_expect_str_eq(report.reason, "expected ws:// wss://");
    cr_expect_eq(dvbcss_url_parse("ws://h:1", DVBCSS_URL_UDP, &url, NULL), DVBCSS_EUNSUPPORTED);
    cr_expect_str_eq(dvbcss_url_scheme_name((enum dvbcss_url_scheme)3), "?");
}

/* Parses scheme://HOST:1/PATH with host and path of the given lengths. */
static int parse_lengths(size_t host, size_t path)
{
    char text[2 * DVBCSS_URL_TEXT_SIZE];
    struct dvbcss_url url;
    int used = snprintf(text, sizeof text, "ws://");

    memset(text + used, 'h', host);
    used += (int)host;
    used += snprintf(text + used, sizeof text - (size_t)used, ":1/");
    memset(text + used, 'p', path - 1);
    text[(size_t)used + path - 1] = '\0';
    return dvbcss_url_parse(text, DVBCSS_URL_WS, &url, NULL);
}

Test(url, may_be_as_long_as_its_parts_and_not_longer)
{
    cr_expect_eq(parse_lengths(DVBCSS_URL_HOST_SIZE - 1, DVBCSS_URL_PATH_SIZE - 1), 0);
    cr_expect_eq(parse_lengths(DVBCSS_URL_HOST_SIZE, 2), DVBCSS_ELENGTH);
    cr_expect_eq(parse_lengths(1, DVBCSS_URL_PATH_SIZE), DVBCSS_ELENGTH);
}

Test(url, zone_may_be_as_long_as_any_interface_name_and_not_fill_the_host)
{
    char text[DVBCSS_URL_TEXT_SIZE];
    struct dvbcss_url url;

    snprintf(text, sizeof text, "ws://[fe80::1%%%064d]", 0);
    cr_expect_eq(dvbcss_url_parse(text, DVBCSS_URL_WS, &url, NULL), 0);
    snprintf(text, sizeof text, "ws://[fe80::1%%%065d]", 0);
    cr_expect_eq(dvbcss_url_parse(text, DVBCSS_URL_WS, &url, NULL), DVBCSS_EVALUE);
}

Test(url, is_written_with_port_and_brackets_and_without_a_bare_slash)
{
    static const char *const cases[][2] = {
        {"ws://tv/", "ws://tv:80"},
        {"WSS://tv/a/", "wss://tv:443/a/"},
        {"udp://1.2.3.4:6677/", "udp://1.2.3.4:6677"},
        {"ws://[::1]:1/x?y", "ws://[::1]:1/x?y"},
        {"ws://[fe80::1%eth0]:1", "ws://[fe80::1%25eth0]:1"},
    };
    char text[DVBCSS_URL_TEXT_SIZE];
    struct dvbcss_url url;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_assert_eq(dvbcss_url_parse(cases[i][0], ANY, &url, NULL), 0);
        cr_assert_eq(dvbcss_url_format(&url, text, sizeof text), 0);
        cr_expect_str_eq(text, cases[i][1]);
        cr_expect_eq(dvbcss_url_format(&url, text, strlen(cases[i][1])), DVBCSS_ENOSPC);
        cr_expect_str_empty(text);
        cr_expect_eq(dvbcss_url_format(&url, text, strlen(cases[i][1]) + 1), 0);
    }
    cr_expect_eq(dvbcss_url_format(&url, NULL, 0), DVBCSS_ENOSPC);
}

Test(url, host_for_others_has_brackets_and_no_zone)
{
    static const char *const cases[][2] = {
        {"10.0.0.7", "10.0.0.7"},
        {"tv.local", "tv.local"},
        {"::1", "[::1]"},
        {"fe80::1%eth0", "[fe80::1]"},
        {"::ffff:10.0.0.7", "10.0.0.7"},
        {"::FFFF:10.0.0.7", "10.0.0.7"},
        {"[2001:db8::1]", "[2001:db8::1]"},
    };
    char host[DVBCSS_URL_HOST_SIZE];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_assert_eq(dvbcss_url_host_of_address(cases[i][0], host, sizeof host), 0);
        cr_expect_str_eq(host, cases[i][1]);
    }
    cr_expect_eq(dvbcss_url_host_of_address("10.0.0.7", host, 8), DVBCSS_ENOSPC);
    cr_expect_str_empty(host);
}

Test(url, host_that_cannot_be_meant_is_replaced_by_the_peer)
{
    static const struct {
        const char *text;
        const char *peer;
        const char *host;
    } cases[] = {
        {"udp://0.0.0.0:6677", "10.0.0.7", "10.0.0.7"},
        {"udp://[::]:6677", "10.0.0.7", "10.0.0.7"},
        {"udp://[::ffff:0.0.0.0]:6677", "10.0.0.7", "10.0.0.7"},
        {"udp://:6677", "10.0.0.7", "10.0.0.7"},
        {"udp://localhost:6677", "10.0.0.7", "10.0.0.7"},
        {"udp://LocalHost.:6677", "10.0.0.7", "10.0.0.7"},
        {"udp://127.0.0.1:6677", "10.0.0.7", "10.0.0.7"},
        {"udp://127.1.2.3:6677", "10.0.0.7", "10.0.0.7"},
        {"udp://[::1]:6677", "fe80::7%eth0", "fe80::7%eth0"},
        {"udp://[::ffff:127.0.0.1]:6677", "10.0.0.7", "10.0.0.7"},
        {"udp://0.0.0.0:6677", "127.0.0.1", "127.0.0.1"},
        {"udp://localhost:6677", "127.0.0.1", "localhost"},
        {"udp://127.0.0.1:6677", "::1", "127.0.0.1"},
        {"udp://127.0.0.1:6677", "::ffff:127.0.0.1", "127.0.0.1"},
        {"udp://10.0.0.8:6677", "10.0.0.7", "10.0.0.8"},
        {"udp://tv.local:6677", "10.0.0.7", "tv.local"},
        {"udp://0.0.0.1:6677", "10.0.0.7", "0.0.0.1"},
        {"udp://[fe80::8]:6677", "fe80::7%eth0", "fe80::8%eth0"},
        {"udp://[fe80::8%25wlan0]:6677", "fe80::7%eth0", "fe80::8%wlan0"},
        {"udp://[2001:db8::8]:6677", "fe80::7%eth0", "2001:db8::8"},
        {"udp://[fe80::8]:6677", "10.0.0.7", "fe80::8"},
        {"udp://[2001:db8:0:0:0:0:0:1]:6677", "10.0.0.7", "2001:db8:0:0:0:0:0:1"},
        {"udp://127.0.0.1:6677", "a-name-that-is-longer-than-any-numeric-address.example",
         "a-name-that-is-longer-than-any-numeric-address.example"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dvbcss_url url;

        cr_assert_eq(
            dvbcss_url_parse_advertised(cases[i].text, DVBCSS_URL_UDP, cases[i].peer, &url, NULL),
            0, "%s", cases[i].text);
        cr_expect_str_eq(url.host, cases[i].host, "%s from %s gave %s", cases[i].text,
                         cases[i].peer, url.host);
        cr_expect_eq(url.port, 6677);
    }
}

Test(url, that_was_advertised_and_is_malformed_is_refused)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct dvbcss_url url = DVBCSS_URL_INIT;
    char peer[DVBCSS_URL_HOST_SIZE + 1];

    cr_expect_eq(
        dvbcss_url_parse_advertised("udp://0.0.0.0", DVBCSS_URL_UDP, "10.0.0.7", &url, &report),
        DVBCSS_EMISSING);
    cr_expect_eq(report.offset, 13);
    memset(peer, '1', sizeof peer);
    peer[sizeof peer - 1] = '\0';
    cr_expect_eq(dvbcss_url_parse_advertised("udp://:1", DVBCSS_URL_UDP, peer, &url, NULL),
                 DVBCSS_EINVAL);
    cr_expect_str_empty(url.host);
}
