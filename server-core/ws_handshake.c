#include <string.h>
#include <strings.h>

#include "server-core/ws_internal.h"

enum {
    /* Base64 of the 16 bytes that RFC 6455 asks for. */
    KEY_CHARACTERS = 24,
    KEY_PADDING = 2,
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-';
}

/* The library reads the Connection header once more, by a tokenizer that drops the connection
 * without an answer where it sees something unusual. Only lists of plain names are let through. */
static bool connection_names_upgrade(const char *list)
{
    bool found = false;

    for (;;) {
        size_t length = 0;

        list += strspn(list, " \t");
        if (!is_letter(*list))
            return false;
        while (is_name(list[length]))
            length++;
        if (length == strlen("upgrade") && strncasecmp(list, "upgrade", length) == 0)
            found = true;
        list += length;
        list += strspn(list, " \t");
        if (*list == '\0')
            return found;
        if (*list++ != ',')
            return false;
    }
}

/* The library leaves the blanks behind a value in it. */
static bool is_version_13(const char *version)
{
    return strncmp(version, "13", 2) == 0 && version[2 + strspn(version + 2, " \t")] == '\0';
}

static bool key_is_valid(const char *key)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    return strlen(key) == KEY_CHARACTERS && strspn(key, alphabet) == KEY_CHARACTERS - KEY_PADDING &&
           strcmp(key + KEY_CHARACTERS - KEY_PADDING, "==") == 0;
}

int ws_handshake_check(const struct ws_handshake *handshake)
{
    if (!handshake->get)
        return DVBCSS_REFUSAL_METHOD;
    if (handshake->host_length <= 0)
        return DVBCSS_REFUSAL_MALFORMED;
    if (strcasecmp(handshake->upgrade, "websocket") != 0 ||
        !connection_names_upgrade(handshake->connection))
        return DVBCSS_REFUSAL_NOT_WEBSOCKET;
    if (!is_version_13(handshake->version))
        return DVBCSS_REFUSAL_VERSION;
    if (!key_is_valid(handshake->key))
        return DVBCSS_REFUSAL_KEY;
    if (handshake->protocol_length != 0)
        return DVBCSS_REFUSAL_SUBPROTOCOL;
    return -1;
}
