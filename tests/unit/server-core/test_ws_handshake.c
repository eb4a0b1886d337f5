/* What RFC 6455 4.2.1 asks of a handshake, item by item. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <string.h>

#include "server-core/ws_internal.h"

struct text_case {
    char text[80];
    int verdict;
};

/* The headers of a handshake; NULL leaves one out. */
struct handshake {
    const char *method;
    const char *version_of_http;
    const char *host;
    const char *upgrade;
    const char *connection;
    const char *version;
    const char *key;
    /* Whole lines. */
    const char *others;
};

static const struct handshake right = {
    "GET", "HTTP/1.1", "tv:80", "websocket", "Upgrade", "13", "dGhlIHNhbXBsZSBub25jZQ==", "",
};

static void add(char *text, size_t size, const char *name, const char *value)
{
    size_t length = strlen(text);

    if (value)
        snprintf(text + length, size - length, "%s: %s\r\n", name, value);
}

static int verdict_of(const struct handshake *handshake)
{
    char text[1024];
    struct ws_request *request;
    enum ws_request_state state;
    size_t taken;
    int verdict;

    snprintf(text, sizeof text, "%s / %s\r\n%s", handshake->method, handshake->version_of_http,
             handshake->others);
    add(text, sizeof text, "Host", handshake->host);
    add(text, sizeof text, "Upgrade", handshake->upgrade);
    add(text, sizeof text, "Connection", handshake->connection);
    add(text, sizeof text, "Sec-WebSocket-Version", handshake->version);
    add(text, sizeof text, "Sec-WebSocket-Key", handshake->key);
    strcat(text, "\r\n");
    cr_assert_eq(ws_request_create(&request, sizeof text), 0);
    cr_assert_eq(ws_request_read(request, text, strlen(text), &taken, &state), 0);
    cr_assert_eq(state, WS_REQUEST_COMPLETE, "%s", text);
    verdict = ws_handshake_check(request);
    ws_request_destroy(request);
    return verdict;
}

Test(ws_handshake, is_right_with_just_what_is_needed)
{
    cr_assert_eq(verdict_of(&right), -1);
}

Test(ws_handshake, needs_get_and_host_and_http_1_1)
{
    struct handshake handshake = right;

    handshake.method = "POST";
    cr_assert_eq(verdict_of(&handshake), DVBCSS_REFUSAL_METHOD);
    handshake = right;
    handshake.host = NULL;
    cr_assert_eq(verdict_of(&handshake), DVBCSS_REFUSAL_MALFORMED);
    handshake = right;
    handshake.host = "";
    cr_assert_eq(verdict_of(&handshake), DVBCSS_REFUSAL_MALFORMED);
    handshake = right;
    handshake.version_of_http = "HTTP/1.0";
    cr_assert_eq(verdict_of(&handshake), DVBCSS_REFUSAL_MALFORMED);
}

ParameterizedTestParameters(ws_handshake, refuses_what_comes_twice)
{
    static struct text_case cases[] = {
        {"Host: tv:80\r\n", DVBCSS_REFUSAL_MALFORMED},
        {"Origin: http://a\r\nOrigin: http://a\r\n", DVBCSS_REFUSAL_MALFORMED},
        {"Sec-WebSocket-Version: 13\r\n", DVBCSS_REFUSAL_VERSION},
        {"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", DVBCSS_REFUSAL_KEY},
        {"Origin: http://a\r\n", -1},
        {"Connection: keep-alive\r\n", -1},
    };

    return cr_make_param_array(struct text_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct text_case *param, ws_handshake, refuses_what_comes_twice)
{
    struct handshake handshake = right;

    handshake.others = param->text;
    cr_assert_eq(verdict_of(&handshake), param->verdict, "%s", param->text);
}

Test(ws_handshake, refuses_any_subprotocol)
{
    struct handshake handshake = right;

    handshake.others = "Sec-WebSocket-Protocol: chat\r\n";
    cr_assert_eq(verdict_of(&handshake), DVBCSS_REFUSAL_SUBPROTOCOL);
    handshake.others = "Sec-WebSocket-Protocol:\r\n";
    cr_assert_eq(verdict_of(&handshake), DVBCSS_REFUSAL_SUBPROTOCOL);
}

/* The example of RFC 6455 section 1.3. */
Test(ws_handshake, answers_a_key_as_the_rfc_does)
{
    char accept[WS_ACCEPT_SIZE];

    ws_handshake_accept("dGhlIHNhbXBsZSBub25jZQ==", accept);
    cr_assert_str_eq(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

ParameterizedTestParameters(ws_handshake, knows_one_upgrade)
{
    static struct text_case cases[] = {{"", DVBCSS_REFUSAL_NOT_WEBSOCKET},
                                       {"h2c", DVBCSS_REFUSAL_NOT_WEBSOCKET},
                                       {"websocket2", DVBCSS_REFUSAL_NOT_WEBSOCKET},
                                       {"websocket/13", DVBCSS_REFUSAL_NOT_WEBSOCKET},
                                       {"h2c, websocket", -1},
                                       {"WEBSOCKET", -1}};

    return cr_make_param_array(struct text_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct text_case *param, ws_handshake, knows_one_upgrade)
{
    struct handshake handshake = right;

    handshake.upgrade = param->text;
    cr_assert_eq(verdict_of(&handshake), param->verdict, "%s", param->text);
}

ParameterizedTestParameters(ws_handshake, finds_upgrade_in_a_list)
{
    static struct text_case cases[] = {
        {"upgrade", -1},
        {"UPGRADE", -1},
        {"keep-alive, Upgrade", -1},
        {"Upgrade,keep-alive", -1},
        {" Upgrade ,\tkeep-alive ", -1},
        {"", DVBCSS_REFUSAL_NOT_WEBSOCKET},
        {"keep-alive", DVBCSS_REFUSAL_NOT_WEBSOCKET},
        {"close", DVBCSS_REFUSAL_NOT_WEBSOCKET},
        {"upgraded", DVBCSS_REFUSAL_NOT_WEBSOCKET},
        {"upgrad", DVBCSS_REFUSAL_NOT_WEBSOCKET},
        {"not-upgrade", DVBCSS_REFUSAL_NOT_WEBSOCKET},
        {"keep-alive Upgrade", DVBCSS_REFUSAL_NOT_WEBSOCKET},
        {", Upgrade", -1},
        {"Upgrade,", -1},
        {"12, Upgrade", -1},
        {"Upgrade; x", DVBCSS_REFUSAL_NOT_WEBSOCKET},
        {"\"Upgrade\"", DVBCSS_REFUSAL_NOT_WEBSOCKET},
    };

    return cr_make_param_array(struct text_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct text_case *param, ws_handshake, finds_upgrade_in_a_list)
{
    struct handshake handshake = right;

    handshake.connection = param->text;
    cr_assert_eq(verdict_of(&handshake), param->verdict, "%s", param->text);
}

ParameterizedTestParameters(ws_handshake, knows_version_13_only)
{
    static struct text_case cases[] = {
        {"", DVBCSS_REFUSAL_VERSION},    {"8", DVBCSS_REFUSAL_VERSION},
        {"12", DVBCSS_REFUSAL_VERSION},  {"14", DVBCSS_REFUSAL_VERSION},
        {"013", DVBCSS_REFUSAL_VERSION}, {"13,8", DVBCSS_REFUSAL_VERSION}};

    return cr_make_param_array(struct text_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct text_case *param, ws_handshake, knows_version_13_only)
{
    struct handshake handshake = right;

    handshake.version = param->text;
    cr_assert_eq(verdict_of(&handshake), param->verdict, "%s", param->text);
}

ParameterizedTestParameters(ws_handshake, needs_a_key_of_16_bytes)
{
    static struct text_case cases[] = {
        {"", DVBCSS_REFUSAL_KEY},
        {"dGhlIHNhbXBsZSBub25jZQ=", DVBCSS_REFUSAL_KEY},
        {"dGhlIHNhbXBsZSBub25jZQ", DVBCSS_REFUSAL_KEY},
        {"dGhlIHNhbXBsZSBub25jZQAA", DVBCSS_REFUSAL_KEY},
        {"dGhlIHNhbXBsZSBub25jZWU=", DVBCSS_REFUSAL_KEY},
        {"dGhlIHNhbXBsZSBub25jZ!==", DVBCSS_REFUSAL_KEY},
        {"dGhlIHNhbXBsZSBub25jZQ==,dGhlIHNhbXBsZSBub25j", DVBCSS_REFUSAL_KEY},
        {"AAAAAAAAAAAAAAAAAAAAAA==", -1},
        {"+/+/+/+/+/+/+/+/+/+/+w==", -1}};

    return cr_make_param_array(struct text_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct text_case *param, ws_handshake, needs_a_key_of_16_bytes)
{
    struct handshake handshake = right;

    handshake.key = param->text;
    cr_assert_eq(verdict_of(&handshake), param->verdict, "%s", param->text);
}
