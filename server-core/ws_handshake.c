#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "server-core/ws_internal.h"

enum {
    /* Base64 of the 16 bytes that RFC 6455 asks for. */
    KEY_CHARACTERS = 24,
    KEY_PADDING = 2,
};

/* The length of the first member of a list with commas, without the blanks behind it. */
static size_t member_length(const char *list)
{
    size_t length = strcspn(list, ",");

    while (length != 0 && (list[length - 1] == ' ' || list[length - 1] == '\t'))
        length--;
    return length;
}

/* In letters of any case. */
static bool list_has(const char *list, const char *member)
{
    size_t length;

    while (list += strspn(list, " \t,"), *list != '\0') {
        length = member_length(list);
        if (length == strlen(member) && strncasecmp(list, member, length) == 0)
            return true;
        list += length;
    }
    return false;
}

/* Whether one of the headers of that name has a member in its list. */
static bool header_has(const struct ws_request *request, const char *name, const char *member)
{
    char value[256];

    return ws_request_copy_header(request, name, value, sizeof value) == 0 &&
           list_has(value, member);
}

static const char *only_header(const struct ws_request *request, const char *name)
{
    return ws_request_count(request, name) == 1 ? ws_request_header(request, name) : "";
}

static bool key_is_valid(const char *key)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    return strlen(key) == KEY_CHARACTERS && strspn(key, alphabet) == KEY_CHARACTERS - KEY_PADDING &&
           strcmp(key + KEY_CHARACTERS - KEY_PADDING, "==") == 0;
}

bool ws_handshake_is_meant(const struct ws_request *request)
{
    return header_has(request, "upgrade", "websocket");
}

int ws_handshake_check(const struct ws_request *request)
{
    if (!ws_handshake_is_meant(request))
        return DVBCSS_REFUSAL_NOT_WEBSOCKET;
    if (strcmp(ws_request_method(request), "GET") != 0)
        return DVBCSS_REFUSAL_METHOD;
    if (!ws_request_is_http_1_1(request) || ws_request_count(request, "origin") > 1 ||
        *only_header(request, "host") == '\0')
        return DVBCSS_REFUSAL_MALFORMED;
    if (!header_has(request, "connection", "upgrade"))
        return DVBCSS_REFUSAL_NOT_WEBSOCKET;
    if (strcmp(only_header(request, "sec-websocket-version"), "13") != 0)
        return DVBCSS_REFUSAL_VERSION;
    if (!key_is_valid(only_header(request, "sec-websocket-key")))
        return DVBCSS_REFUSAL_KEY;
    if (ws_request_count(request, "sec-websocket-protocol") != 0)
        return DVBCSS_REFUSAL_SUBPROTOCOL;
    return -1;
}

void ws_handshake_accept(const char *key, char accept[WS_ACCEPT_SIZE])
{
    char text[KEY_CHARACTERS + sizeof "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"];
    uint8_t digest[WS_SHA1_SIZE];
    int length = snprintf(text, sizeof text, "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
                          KEY_CHARACTERS, key);

    ws_transport_sha1(text, (size_t)length, digest);
    EVP_EncodeBlock((unsigned char *)accept, digest, sizeof digest);
}
