#include "dvbcss/ssdp.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What a header must say, word by word. */
static const char man[] = "\"ssdp:discover\"";

/* ---- first lines ---------------------------------------------------------------------------- */

static const struct first_line {
    const char *line;
    bool request;
} first_lines[] = {
    {"M-SEARCH * HTTP/1.1", true},
    {"NOTIFY * HTTP/1.1", true},
    {"HTTP/1.1 200 OK", false},
};
enum { FIRST_SEARCH, FIRST_NOTIFY, FIRST_RESPONSE, FIRST_LINES };

/* NTS of the three kinds of notification. */
static const struct notification {
    const char *nts;
    enum dvbcss_ssdp_kind kind;
} notifications[] = {
    {"ssdp:alive", DVBCSS_SSDP_ALIVE},
    {"ssdp:byebye", DVBCSS_SSDP_BYEBYE},
    {"ssdp:update", DVBCSS_SSDP_UPDATE},
};
enum { NOTIFICATIONS = sizeof notifications / sizeof notifications[0] };

/* ---- decoding ------------------------------------------------------------------------------- */

/* A datagram on its way through the parser. */
struct parser {
    const char *bytes;
    size_t length;
    size_t at;
    int first;
    /* Values of MAN and NTS were right, and NTS told the kind. */
    bool has_man;
    bool has_nts;
    struct dvbcss_ssdp_message message;
    struct dvbcss_report *report;
};

/* One line, or a part of it. */
struct span {
    const char *text;
    size_t length;
};

static int refuse(const struct parser *parser, int error, const char *at, const char *path,
                  const char *reason)
{
    struct dvbcss_report *report = parser->report;

    if (report) {
        *report = (struct dvbcss_report)DVBCSS_REPORT_INIT;
        report->error = error;
        report->offset = at ? (size_t)(at - parser->bytes) : 0;
        snprintf(report->path, sizeof report->path, "%s", path);
        snprintf(report->reason, sizeof report->reason, "%s", reason);
    }
    return error;
}

/* Takes the next line, without its end. */
static struct span next_line(struct parser *parser)
{
    const char *start = parser->bytes + parser->at;
    size_t left = parser->length - parser->at;
    const char *end = memchr(start, '\n', left);
    struct span line = {start, end ? (size_t)(end - start) : left};

    parser->at += line.length + (end ? 1 : 0);
    if (line.length > 0 && start[line.length - 1] == '\r')
        line.length--;
    return line;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct span trimmed(struct span span)
{
    while (span.length > 0 && is_blank(span.text[0])) {
        span.text++;
        span.length--;
    }
    while (span.length > 0 && is_blank(span.text[span.length - 1]))
        span.length--;
    return span;
}

static bool span_is(struct span span, const char *text)
{
    return span.length == strlen(text) && strncasecmp(span.text, text, span.length) == 0;
}

/* Copies a value into a member that has none yet. */
static int take_text(struct parser *parser, struct span value, const char *name, char *member,
                     size_t size)
{
    if (member[0] != '\0')
        return 0;
    if (value.length >= size)
        return refuse(parser, DVBCSS_ELENGTH, value.text, name, "the value is too long");
    memcpy(member, value.text, value.length);
    member[value.length] = '\0';
    return 0;
}

/* Reads the digits at the beginning; -1 if there are none or too many. */
static int64_t number_of(struct span value)
{
    int64_t number = 0;
    size_t digits = 0;

    for (; digits < value.length && value.text[digits] >= '0' && value.text[digits] <= '9';
         digits++) {
        if (digits >= 18)
            return -1;
        number = number * 10 + (value.text[digits] - '0');
    }
    return digits == 0 ? -1 : number;
}

static int32_t small_number_of(struct span value)
{
    int64_t number = number_of(value);

    return number > INT32_MAX ? INT32_MAX : (int32_t)number;
}

static int take_host(struct parser *parser, struct span value)
{
    return take_text(parser, value, "HOST", parser->message.host, sizeof parser->message.host);
}

static int take_target(struct parser *parser, struct span value)
{
    return take_text(parser, value, parser->first == FIRST_NOTIFY ? "NT" : "ST",
                     parser->message.target, sizeof parser->message.target);
}

static int take_usn(struct parser *parser, struct span value)
{
    return take_text(parser, value, "USN", parser->message.usn, sizeof parser->message.usn);
}

static int take_location(struct parser *parser, struct span value)
{
    return take_text(parser, value, "LOCATION", parser->message.location,
                     sizeof parser->message.location);
}

/* For people only: no reason to refuse a message. */
static int take_server(struct parser *parser, struct span value)
{
    if (value.length >= sizeof parser->message.server)
        value.length = sizeof parser->message.server - 1;
    return take_text(parser, value, "SERVER", parser->message.server,
                     sizeof parser->message.server);
}

static int take_mx(struct parser *parser, struct span value)
{
    if (parser->message.mx_s < 0)
        parser->message.mx_s = small_number_of(value);
    return 0;
}

/* max-age=1800, perhaps among other directives. */
static int take_cache_control(struct parser *parser, struct span value)
{
    static const char directive[] = "max-age";
    size_t length = sizeof directive - 1;

    for (size_t i = 0; i + length < value.length && parser->message.max_age_s < 0; i++) {
        struct span rest = {value.text + i + length, value.length - i - length};

        if (strncasecmp(value.text + i, directive, length) != 0)
            continue;
        rest = trimmed(rest);
        if (rest.length > 0 && rest.text[0] == '=') {
            rest.text++;
            rest.length--;
            parser->message.max_age_s = small_number_of(trimmed(rest));
        }
    }
    return 0;
}

static int take_boot_id(struct parser *parser, struct span value)
{
    if (parser->message.boot_id < 0)
        parser->message.boot_id = number_of(value);
    return 0;
}

/* Some leave the quotes away. */
static int take_man(struct parser *parser, struct span value)
{
    if (!span_is(value, man) && !span_is(value, "ssdp:discover"))
        return refuse(parser, DVBCSS_EVALUE, value.text, "MAN", "expected \"ssdp:discover\"");
    parser->has_man = true;
    return 0;
}

static int take_nts(struct parser *parser, struct span value)
{
    if (parser->first != FIRST_NOTIFY || parser->has_nts)
        return 0;
    for (int i = 0; i < NOTIFICATIONS; i++) {
        if (span_is(value, notifications[i].nts)) {
            parser->message.kind = notifications[i].kind;
            parser->has_nts = true;
            return 0;
        }
    }
    return refuse(parser, DVBCSS_EVALUE, value.text, "NTS", "unknown kind of notification");
}

static const struct header {
    const char *name;
    int (*take)(struct parser *parser, struct span value);
} headers[] = {
    {"HOST", take_host},
    {"ST", take_target},
    {"NT", take_target},
    {"USN", take_usn},
    {"LOCATION", take_location},
    {"SERVER", take_server},
    {"USER-AGENT", take_server},
    {"MX", take_mx},
    {"MAN", take_man},
    {"CACHE-CONTROL", take_cache_control},
    {"BOOTID.UPNP.ORG", take_boot_id},
    {"NTS", take_nts},
};

static int take_header(struct parser *parser, struct span line)
{
    const char *colon = memchr(line.text, ':', line.length);
    struct span name, value;

    if (!colon || colon == line.text)
        return refuse(parser, DVBCSS_EVALUE, line.text, "", "expected \"name: value\"");
    for (size_t i = 0; i < line.length; i++) {
        unsigned char c = (unsigned char)line.text[i];

        if ((c < ' ' && c != '\t') || c == 0x7f)
            return refuse(parser, DVBCSS_EVALUE, line.text + i, "", "a control character");
    }
    name = trimmed((struct span){line.text, (size_t)(colon - line.text)});
    value = trimmed((struct span){colon + 1, line.length - (size_t)(colon + 1 - line.text)});
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        if (span_is(name, headers[i].name))
            return headers[i].take(parser, value);
    }
    return 0;
}

static int take_first_line(struct parser *parser)
{
    struct span line = trimmed(next_line(parser));

    for (parser->first = 0; parser->first < FIRST_LINES; parser->first++) {
        if (span_is(line, first_lines[parser->first].line))
            break;
    }
    if (parser->first == FIRST_LINES)
        return refuse(parser, DVBCSS_EMESSAGETYPE, line.text, "", "no message of SSDP");
    parser->message.kind =
        parser->first == FIRST_SEARCH ? DVBCSS_SSDP_SEARCH : DVBCSS_SSDP_RESPONSE;
    return 0;
}

/* Without these a message cannot be acted upon. */
static int check_complete(const struct parser *parser)
{
    const struct dvbcss_ssdp_message *message = &parser->message;

    if (parser->first == FIRST_SEARCH && !parser->has_man)
        return refuse(parser, DVBCSS_EMISSING, NULL, "MAN", "there is no such header");
    if (parser->first == FIRST_NOTIFY && !parser->has_nts)
        return refuse(parser, DVBCSS_EMISSING, NULL, "NTS", "there is no such header");
    if (message->target[0] == '\0')
        return refuse(parser, DVBCSS_EMISSING, NULL, parser->first == FIRST_NOTIFY ? "NT" : "ST",
                      "there is no such header");
    if (message->kind != DVBCSS_SSDP_SEARCH && message->usn[0] == '\0')
        return refuse(parser, DVBCSS_EMISSING, NULL, "USN", "there is no such header");
    if ((message->kind == DVBCSS_SSDP_RESPONSE || message->kind == DVBCSS_SSDP_ALIVE) &&
        message->location[0] == '\0')
        return refuse(parser, DVBCSS_EMISSING, NULL, "LOCATION", "there is no such header");
    return 0;
}

int dvbcss_ssdp_decode(const void *bytes, size_t length, struct dvbcss_ssdp_message *message,
                       struct dvbcss_report *report)
{
    struct parser parser = {
        .bytes = bytes, .length = length, .message = DVBCSS_SSDP_MESSAGE_INIT, .report = report};
    int error = take_first_line(&parser);

    while (error == 0 && parser.at < parser.length) {
        struct span line = next_line(&parser);

        if (line.length == 0)
            break;
        error = take_header(&parser, line);
    }
    if (error == 0)
        error = check_complete(&parser);
    if (error == 0)
        *message = parser.message;
    return error;
}

/* ---- encoding ------------------------------------------------------------------------------- */

/* Text that grows within its bounds. */
struct writer {
    char *text;
    size_t size;
    size_t length;
    int error;
};

static void put(struct writer *writer, const char *format, ...) DVBCSS_PRINTF(2, 3);

static void put(struct writer *writer, const char *format, ...)
{
    va_list arguments;
    int wanted;

    if (writer->error)
        return;
    va_start(arguments, format);
    wanted =
        vsnprintf(writer->text + writer->length, writer->size - writer->length, format, arguments);
    va_end(arguments);
    if (wanted < 0 || (size_t)wanted >= writer->size - writer->length)
        writer->error = DVBCSS_ENOSPC;
    else
        writer->length += (size_t)wanted;
}

/* A header with a text; nothing for "". */
static void put_text(struct writer *writer, const char *name, const char *value)
{
    for (const char *c = value; *c != '\0'; c++) {
        if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f)
            writer->error = DVBCSS_EVALUE;
    }
    if (value[0] != '\0')
        put(writer, "%s: %s\r\n", name, value);
}

static void put_announcement(struct writer *writer, const struct dvbcss_ssdp_message *message)
{
    if (message->max_age_s >= 0)
        put(writer, "CACHE-CONTROL: max-age=%ld\r\n", (long)message->max_age_s);
    put_text(writer, "LOCATION", message->location);
    put_text(writer, "SERVER", message->server);
}

static void put_search(struct writer *writer, const struct dvbcss_ssdp_message *message)
{
    put(writer, "%s\r\n", first_lines[FIRST_SEARCH].line);
    put_text(writer, "HOST", message->host);
    put(writer, "MAN: %s\r\n", man);
    if (message->mx_s >= 0)
        put(writer, "MX: %ld\r\n", (long)message->mx_s);
    put_text(writer, "ST", message->target);
    put_text(writer, "USER-AGENT", message->server);
}

static void put_response(struct writer *writer, const struct dvbcss_ssdp_message *message)
{
    put(writer, "%s\r\nEXT:\r\n", first_lines[FIRST_RESPONSE].line);
    put_announcement(writer, message);
    put_text(writer, "ST", message->target);
}

static void put_notification(struct writer *writer, const struct dvbcss_ssdp_message *message)
{
    const char *nts = "";

    for (int i = 0; i < NOTIFICATIONS; i++) {
        if (notifications[i].kind == message->kind)
            nts = notifications[i].nts;
    }
    put(writer, "%s\r\n", first_lines[FIRST_NOTIFY].line);
    put_text(writer, "HOST", message->host);
    /* UPnP wants no LOCATION in a byebye, but there are companions that know a TV by nothing else.
     */
    if (message->kind == DVBCSS_SSDP_BYEBYE)
        put_text(writer, "LOCATION", message->location);
    else
        put_announcement(writer, message);
    put_text(writer, "NT", message->target);
    put_text(writer, "NTS", nts);
}

int dvbcss_ssdp_encode(const struct dvbcss_ssdp_message *message, char *text, size_t size,
                       size_t *length)
{
    static void (*const putters[])(struct writer *, const struct dvbcss_ssdp_message *) = {
        [DVBCSS_SSDP_SEARCH] = put_search,       [DVBCSS_SSDP_RESPONSE] = put_response,
        [DVBCSS_SSDP_ALIVE] = put_notification,  [DVBCSS_SSDP_BYEBYE] = put_notification,
        [DVBCSS_SSDP_UPDATE] = put_notification,
    };
    char built[DVBCSS_SSDP_MESSAGE_MAX + 1];
    struct writer writer = {built, sizeof built, 0, 0};

    putters[message->kind](&writer, message);
    if (message->kind != DVBCSS_SSDP_SEARCH) {
        put_text(&writer, "USN", message->usn);
        if (message->boot_id >= 0)
            put(&writer, "BOOTID.UPNP.ORG: %lld\r\nCONFIGID.UPNP.ORG: 1\r\n",
                (long long)message->boot_id);
    }
    put(&writer, "\r\n");
    if (writer.error)
        return writer.error;
    if (writer.length >= size)
        return DVBCSS_ENOSPC;
    memcpy(text, built, writer.length + 1);
    if (length)
        *length = writer.length;
    return 0;
}
