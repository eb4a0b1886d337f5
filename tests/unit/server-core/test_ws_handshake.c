/* What RFC 6455 4.2.1 asks of a handshake, item by item. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "server-core/ws_internal.h"

static const struct ws_handshake right = {
    .get = true,
    .host_length = 9,
    .upgrade = "websocket",
    .connection = "Upgrade",
    .version = "13",
    .key = "dGhlIHNhbXBsZSBub25jZQ==",
};

static void put(char *field, size_t size, const char *text)
{
    cr_assert_lt(strlen(text), size);
    memcpy(field, text, strlen(text) + 1);
}

Test(ws_handshake, is_right_with_just_what_is_needed)
{
    cr_assert_eq(ws_handshake_check(&right), -1);
}

Test(ws_handshake, reads_upgrade_without_regard_to_case)
{
    struct ws_handshake handshake = right;

    strcpy(handshake.upgrade, "WebSocket");
    cr_assert_eq(ws_handshake_check(&handshake), -1);
}

Test(ws_handshake, needs_get_and_host)
{
    struct ws_handshake handshake = right;

    handshake.get = false;
    cr_assert_eq(ws_handshake_check(&handshake), DVBCSS_REFUSAL_METHOD);
    handshake = right;
    handshake.host_length = 0;
    cr_assert_eq(ws_handshake_check(&handshake), DVBCSS_REFUSAL_MALFORMED);
}

Test(ws_handshake, refuses_any_subprotocol)
{
    struct ws_handshake handshake = right;

    handshake.protocol_length = 4;
    cr_assert_eq(ws_handshake_check(&handshake), DVBCSS_REFUSAL_SUBPROTOCOL);
    handshake.protocol_length = -1;
    cr_assert_eq(ws_handshake_check(&handshake), DVBCSS_REFUSAL_SUBPROTOCOL);
}

struct text_case {
    char text[48];
    int verdict;
};

ParameterizedTestParameters(ws_handshake, knows_one_upgrade)
{
    static struct text_case cases[] = {{"", DVBCSS_REFUSAL_NOT_WEBSOCKET},
                                       {"h2c", DVBCSS_REFUSAL_NOT_WEBSOCKET},
                                       {"websocket2", DVBCSS_REFUSAL_NOT_WEBSOCKET},
                                       {"websocket, h2c", DVBCSS_REFUSAL_NOT_WEBSOCKET},
                                       {"WEBSOCKET", -1}};

    return cr_make_param_array(struct text_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct text_case *param, ws_handshake, knows_one_upgrade)
{
    struct ws_handshake handshake = right;

    put(handshake.upgrade, sizeof handshake.upgrade, param->text);
    cr_assert_eq(ws_handshake_check(&handshake), param->verdict, "%s", param->text);
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
        {", Upgrade", DVBCSS_REFUSAL_NOT_WEBSOCKET},
        {"Upgrade,", DVBCSS_REFUSAL_NOT_WEBSOCKET},
        {"12, Upgrade", DVBCSS_REFUSAL_NOT_WEBSOCKET},
        {"Upgrade; x", DVBCSS_REFUSAL_NOT_WEBSOCKET},
        {"\"Upgrade\"", DVBCSS_REFUSAL_NOT_WEBSOCKET},
    };

    return cr_make_param_array(struct text_case, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct text_case *param, ws_handshake, finds_upgrade_in_a_list)
{
    struct ws_handshake handshake = right;

    put(handshake.connection, sizeof handshake.connection, param->text);
    cr_assert_eq(ws_handshake_check(&handshake), param->verdict, "%s", param->text);
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
    struct ws_handshake handshake = right;

    put(handshake.version, sizeof handshake.version, param->text);
    cr_assert_eq(ws_handshake_check(&handshake), param->verdict, "%s", param->text);
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
    struct ws_handshake handshake = right;

    put(handshake.key, sizeof handshake.key, param->text);
    cr_assert_eq(ws_handshake_check(&handshake), param->verdict, "%s", param->text);
}
