#include "dvbcss/url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct scheme {
    const char *name;
    enum dvbcss_url_scheme scheme;
    /* 0 where the port has to be said. */
    uint16_t default_port;
} schemes[] = {
    {"ws", DVBCSS_URL_WS, 80},     {"wss", DVBCSS_URL_WSS, 443},     {"udp", DVBCSS_URL_UDP, 0},
    {"http", DVBCSS_URL_HTTP, 80}, {"https", DVBCSS_URL_HTTPS, 443},
};

enum { SCHEMES = sizeof schemes / sizeof schemes[0] };

const char *dvbcss_url_scheme_name(enum dvbcss_url_scheme scheme)
{
    for (size_t i = 0; i < SCHEMES; i++) {
        if (schemes[i].scheme == scheme)
            return schemes[i].name;
    }
    return "?";
}

/* ---- parsing -------------------------------------------------------------------------------- */

/* A URL on its way through the parser: the text, how far it was read, and what came of it. */
struct parser {
    const char *text;
    size_t at;
    const struct scheme *scheme;
    struct dvbcss_url url;
    /* Whose address stands in for an empty host; NULL if a host is needed. */
    const char *peer;
    struct dvbcss_report *report;
};

static int refuse(const struct parser *parser, int error, size_t offset, const char *reason)
{
    struct dvbcss_report *report = parser->report;

    if (report) {
        *report = (struct dvbcss_report)DVBCSS_REPORT_INIT;
        report->error = error;
        report->offset = offset;
        snprintf(report->reason, sizeof report->reason, "%s", reason);
    }
    return error;
}

static int refuse_scheme(const struct parser *parser, unsigned schemes_wanted)
{
    char reason[128] = "expected";
    size_t used = strlen(reason);

    for (size_t i = 0; i < SCHEMES; i++) {
        if (schemes_wanted & (unsigned)schemes[i].scheme) {
            snprintf(reason + used, sizeof reason - used, " %s://", schemes[i].name);
            used = strlen(reason);
        }
    }
    return refuse(parser, DVBCSS_EUNSUPPORTED, 0, reason);
}

static int parse_scheme(struct parser *parser, unsigned schemes_wanted)
{
    const char *separator = strstr(parser->text, "://");
    size_t length;

    if (!separator)
        return refuse(parser, DVBCSS_EVALUE, 0, "there is no \"://\"");
    length = (size_t)(separator - parser->text);
    for (size_t i = 0; i < SCHEMES; i++) {
        if (!(schemes_wanted & (unsigned)schemes[i].scheme) || strlen(schemes[i].name) != length ||
            strncasecmp(schemes[i].name, parser->text, length) != 0)
            continue;
        parser->scheme = &schemes[i];
        parser->url.scheme = schemes[i].scheme;
        parser->at = length + strlen("://");
        return 0;
    }
    return refuse_scheme(parser, schemes_wanted);
}

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

static int take_host(struct parser *parser, size_t length)
{
    if (length == 0 && !parser->peer)
        return refuse(parser, DVBCSS_EMISSING, parser->at, "there is no host");
    if (length >= sizeof parser->url.host)
        return refuse(parser, DVBCSS_ELENGTH, parser->at, "the host is too long");
    memcpy(parser->url.host, parser->text + parser->at, length);
    parser->url.host[length] = '\0';
    return 0;
}

static int parse_name(struct parser *parser, size_t end)
{
    size_t stop = parser->at;
    int error;

    while (stop < end && is_name_character(parser->text[stop]))
        stop++;
    if (stop < end && parser->text[stop] != ':')
        return refuse(parser, DVBCSS_EVALUE, stop, "this character cannot stand in a host");
    error = take_host(parser, stop - parser->at);
    if (!error)
        parser->at = stop;
    return error;
}

/* The longest zone that is taken: names of network interfaces are far shorter. */
enum { ZONE_MAX = 64 };

/* Leaves `address%zone` of what may also be `address%25zone` (RFC 6874), and checks both. */
static bool normalise_literal(char *literal)
{
    struct in6_addr address;
    char *zone = strchr(literal, '%');
    bool valid;

    if (zone && strncmp(zone, "%25", 3) == 0 && zone[3] != '\0')
        memmove(zone + 1, zone + 3, strlen(zone + 3) + 1);
    if (zone) {
        for (const char *c = zone + 1; *c != '\0'; c++) {
            if (!is_name_character(*c))
                return false;
        }
        if (zone[1] == '\0' || strlen(zone + 1) > ZONE_MAX)
            return false;
        *zone = '\0';
    }
    valid = inet_pton(AF_INET6, literal, &address) == 1;
    if (zone)
        *zone = '%';
    return valid;
}

static int parse_literal(struct parser *parser, size_t end)
{
    const char *close = memchr(parser->text + parser->at, ']', end - parser->at);
    size_t open = parser->at;
    int error;

    if (!close)
        return refuse(parser, DVBCSS_EVALUE, open, "the bracket is not closed");
    parser->at++;
    error = take_host(parser, (size_t)(close - parser->text) - parser->at);
    if (error)
        return error;
    if (!normalise_literal(parser->url.host))
        return refuse(parser, DVBCSS_EVALUE, open, "not an IPv6 address in the brackets");
    parser->at = (size_t)(close - parser->text) + 1;
    if (parser->at < end && parser->text[parser->at] != ':')
        return refuse(parser, DVBCSS_EVALUE, parser->at, "expected a port after the brackets");
    return 0;
}

/* Reads `:port` up to @p end; nothing, or a lone colon (RFC 3986), gives the default. */
static int parse_port(struct parser *parser, size_t end)
{
    size_t digit = parser->at + 1;
    uint32_t port = 0;

    if (digit >= end) {
        if (parser->scheme->default_port == 0)
            return refuse(parser, DVBCSS_EMISSING, end, "there is no port");
        parser->url.port = parser->scheme->default_port;
        parser->at = end;
        return 0;
    }
    for (; digit < end; digit++) {
        char c = parser->text[digit];

        if (c < '0' || c > '9')
            return refuse(parser, DVBCSS_EVALUE, digit, "the port is not a number");
        port = port * 10 + (uint32_t)(c - '0');
        if (port > UINT16_MAX)
            return refuse(parser, DVBCSS_ERANGE, parser->at + 1, "the port is above 65535");
    }
    if (port == 0)
        return refuse(parser, DVBCSS_ERANGE, parser->at + 1, "the port is 0");
    parser->url.port = (uint16_t)port;
    parser->at = end;
    return 0;
}

/* The path goes into a line of HTTP as it is: no byte of it may end the line or a word. */
static int parse_path(struct parser *parser)
{
    const char *path = parser->text + parser->at;
    /* A query alone is asked of the root. */
    size_t slash = *path == '?' ? 1 : 0;

    for (const char *c = path; *c != '\0'; c++) {
        size_t offset = (size_t)(c - parser->text);

        if (*c == '#')
            return refuse(parser, DVBCSS_EVALUE, offset, "a fragment is not allowed");
        if (*c <= ' ' || *c > '~')
            return refuse(parser, DVBCSS_EVALUE, offset, "this character must be escaped");
    }
    if (strcmp(path, "/") == 0)
        return 0;
    if (*path != '\0' && parser->scheme->scheme == DVBCSS_URL_UDP)
        return refuse(parser, DVBCSS_EVALUE, parser->at, "nothing may follow the port");
    if (slash + strlen(path) >= sizeof parser->url.path)
        return refuse(parser, DVBCSS_ELENGTH, parser->at, "the path is too long");
    parser->url.path[0] = '/';
    memcpy(parser->url.path + slash, path, strlen(path) + 1);
    return 0;
}

static int parse(struct parser *parser, unsigned schemes_wanted)
{
    const char *text = parser->text;
    const char *user;
    size_t end;
    int error = parse_scheme(parser, schemes_wanted);

    if (error)
        return error;
    end = parser->at + strcspn(text + parser->at, "/?#");
    user = memchr(text + parser->at, '@', end - parser->at);
    if (user)
        return refuse(parser, DVBCSS_EVALUE, (size_t)(user - text), "a user is not allowed");
    error = text[parser->at] == '[' ? parse_literal(parser, end) : parse_name(parser, end);
    if (!error)
        error = parse_port(parser, end);
    if (!error)
        error = parse_path(parser);
    return error;
}

int dvbcss_url_parse(const char *text, unsigned schemes_wanted, struct dvbcss_url *url,
                     struct dvbcss_report *report)
{
    struct parser parser = {.text = text, .url = DVBCSS_URL_INIT, .report = report};
    int error = parse(&parser, schemes_wanted);

    if (!error)
        *url = parser.url;
    return error;
}

/* ---- writing -------------------------------------------------------------------------------- */

/* Makes an error of snprintf's answer, and never leaves half a text behind. */
static int written(int length, char *text, size_t size)
{
    if (length >= 0 && (size_t)length < size)
        return 0;
    if (size > 0)
        text[0] = '\0';
    return DVBCSS_ENOSPC;
}

int dvbcss_url_format(const struct dvbcss_url *url, char *text, size_t size)
{
    const char *name = dvbcss_url_scheme_name(url->scheme);
    const char *zone = strchr(url->host, '%');
    size_t address = strcspn(url->host, "%");

    if (!strchr(url->host, ':'))
        return written(
            snprintf(text, size, "%s://%s:%u%s", name, url->host, (unsigned)url->port, url->path),
            text, size);
    return written(snprintf(text, size, "%s://[%.*s%s%s]:%u%s", name, (int)address, url->host,
                            zone ? "%25" : "", zone ? zone + 1 : "", (unsigned)url->port,
                            url->path),
                   text, size);
}

int dvbcss_url_host_of_address(const char *address, char *host, size_t size)
{
    static const char mapped[] = "::ffff:";
    size_t length = strcspn(address, "%");

    if (!strchr(address, ':') || address[0] == '[')
        return written(snprintf(host, size, "%s", address), host, size);
    if (strncasecmp(address, mapped, sizeof mapped - 1) == 0 && strchr(address, '.'))
        return written(snprintf(host, size, "%s", address + sizeof mapped - 1), host, size);
    return written(snprintf(host, size, "[%.*s]", (int)length, address), host, size);
}

/* ---- repair --------------------------------------------------------------------------------- */

/* Reads a numeric address, IPv4 as IPv4-mapped IPv6; the zone does not matter here. */
static bool parse_address(const char *text, struct in6_addr *address)
{
    char bare[INET6_ADDRSTRLEN];
    struct in_addr v4;
    size_t length = strcspn(text, "%");

    if (length >= sizeof bare)
        return false;
    memcpy(bare, text, length);
    bare[length] = '\0';
    if (inet_pton(AF_INET, bare, &v4) == 1) {
        memset(address, 0, sizeof *address);
        memset(address->s6_addr + 10, 0xff, 2);
        memcpy(address->s6_addr + 12, &v4, sizeof v4);
        return true;
    }
    return inet_pton(AF_INET6, bare, address) == 1;
}

static bool is_unspecified(const struct in6_addr *address)
{
    return IN6_IS_ADDR_UNSPECIFIED(address) ||
           (IN6_IS_ADDR_V4MAPPED(address) && memcmp(address->s6_addr + 12, "\0\0\0\0", 4) == 0);
}

static bool is_loopback(const char *host)
{
    struct in6_addr address;

    if (!parse_address(host, &address))
        return strcasecmp(host, "localhost") == 0 || strcasecmp(host, "localhost.") == 0;
    return IN6_IS_ADDR_LOOPBACK(&address) ||
           (IN6_IS_ADDR_V4MAPPED(&address) && address.s6_addr[12] == 127);
}

bool dvbcss_url_host_unusable(const char *host, const char *peer)
{
    struct in6_addr address;

    if (host[0] == '\0' || (parse_address(host, &address) && is_unspecified(&address)))
        return true;
    return is_loopback(host) && !is_loopback(peer);
}

/* A link-local address means something together with a link only. */
static void add_zone(char host[DVBCSS_URL_HOST_SIZE], const char *peer)
{
    const char *zone = strchr(peer, '%');
    struct in6_addr address;

    if (!zone || strchr(host, '%') || inet_pton(AF_INET6, host, &address) != 1 ||
        !IN6_IS_ADDR_LINKLOCAL(&address) || strlen(host) + strlen(zone) >= DVBCSS_URL_HOST_SIZE)
        return;
    memcpy(host + strlen(host), zone, strlen(zone) + 1);
}

int dvbcss_url_parse_advertised(const char *text, unsigned schemes_wanted, const char *peer,
                                struct dvbcss_url *url, struct dvbcss_report *report)
{
    struct parser parser = {.text = text, .url = DVBCSS_URL_INIT, .peer = peer, .report = report};
    int error;

    if (strlen(peer) >= sizeof parser.url.host)
        return DVBCSS_EINVAL;
    error = parse(&parser, schemes_wanted);
    if (error)
        return error;
    if (dvbcss_url_host_unusable(parser.url.host, peer))
        memcpy(parser.url.host, peer, strlen(peer) + 1);
    else
        add_zone(parser.url.host, peer);
    *url = parser.url;
    return 0;
}
