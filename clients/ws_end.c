#include "clients/ws_end.h"

#include <stdio.h>
#include <string.h>

static const char *status_name(uint16_t status)
{
    static const struct {
        uint16_t status;
        const char *name;
    } names[] = {
        {301, "Moved Permanently"},
        {302, "Found"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].status == status)
            return names[i].name;
    return "no WebSocket here";
}

static char printable(char byte)
{
    if (byte == '\n' || byte == '\r' || byte == '\t')
        return ' ';
    return byte >= ' ' && byte <= '~' ? byte : '?';
}

/* Copies bytes of the peer for people to read: spaces and line ends at the end are cut off. */
static void copy_printable(char *text, size_t size, const char *bytes, size_t length)
{
    if (length > size - 1)
        length = size - 1;
    while (length > 0 && (unsigned char)bytes[length - 1] <= ' ')
        length--;
    for (size_t i = 0; i < length; i++)
        text[i] = printable(bytes[i]);
    text[length] = '\0';
}

static void write_refusal(struct dvbcss_disconnect *why)
{
    int length = snprintf(why->text, sizeof why->text, "%u %s", why->http_status,
                          status_name(why->http_status));
    size_t used = (size_t)length;

    if (why->reason[0] != '\0')
        used += (size_t)snprintf(why->text + used, sizeof why->text - used, ": %s", why->reason);
    if (why->retry_after_s >= 0 && used < sizeof why->text)
        snprintf(why->text + used, sizeof why->text - used, " (retry after %d s)",
                 why->retry_after_s);
}

static void write_close(struct dvbcss_disconnect *why, const char *detail)
{
    if (why->close_code == WS_CLOSE_ABNORMAL)
        snprintf(why->text, sizeof why->text, "connection lost%s%.64s", detail[0] ? ": " : "",
                 detail);
    else
        snprintf(why->text, sizeof why->text, "closed with code %u%s%s", why->close_code,
                 why->reason[0] ? ": " : "", why->reason);
}

/* What the attempt was up to when it failed. */
static void write_failure(struct dvbcss_disconnect *why, const struct dvbcss_url *url,
                          const char *peer, const char *detail)
{
    const char *where = peer[0] ? peer : url->host;

    if (why->error == DVBCSS_ERESOLVE)
        where = url->host;
    snprintf(why->text, sizeof why->text, "%.120s, port %u: %s%s%.64s", where, url->port,
             dvbcss_error_text(why->error), detail[0] ? ": " : "", detail);
}

void ws_end_describe(struct dvbcss_disconnect *why, const struct dvbcss_url *url, const char *peer,
                     const struct ws_client_socket_end *end)
{
    *why = (struct dvbcss_disconnect){
        .error = end->error,
        .was_open = end->was_open,
        .close_code = end->close_code,
        .http_status = end->http_status,
        .retry_after_s = end->retry_after_s,
        .retry_in_ms = -1,
    };
    copy_printable(why->reason, sizeof why->reason, end->words ? end->words : "",
                   end->words_length);
    if (why->http_status != 0)
        write_refusal(why);
    else if (why->was_open && end->error == DVBCSS_ECLOSED)
        write_close(why, end->detail);
    else
        write_failure(why, url, peer, end->detail);
}
