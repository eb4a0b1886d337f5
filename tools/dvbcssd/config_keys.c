#include "config_keys.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dvbcss/wc.h"
#include "dvbcss/wc_service.h"
#include "dvbcss/wc_ws_endpoint.h"

static const char *const id_statuses[] = {"partial", "final", NULL};
/* In the order of enum config_demo, and of enum dvbcss_log_level. */
static const char *const demo_modes[] = {"auto", "true", "false", NULL};
static const char *const log_levels[] = {"none", "error", "warning", "info", "debug", NULL};
static const char *const log_formats[] = {"text", "json", NULL};
static const char *const log_targets[] = {"stderr", "journald", NULL};

static int read_bool(const struct config_key *key, void *member, const char *text, char *reason,
                     size_t reason_size)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true},   {"yes", true}, {"on", true},   {"1", true},
                 {"false", false}, {"no", false}, {"off", false}, {"0", false}};

    (void)key;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(text, words[i].word) == 0) {
            *(bool *)member = words[i].value;
            return 0;
        }
    }
    snprintf(reason, reason_size, "expected true or false");
    return -1;
}

static int read_int(const struct config_key *key, void *member, const char *text, char *reason,
                    size_t reason_size)
{
    char *end;
    long long value;

    errno = 0;
    value = strtoll(text, &end, 10);
    if (end == text || *end || errno) {
        snprintf(reason, reason_size, "expected a whole number");
        return -1;
    }
    if ((double)value < key->minimum || (double)value > key->maximum) {
        snprintf(reason, reason_size, "expected a number from %.0f to %.0f", key->minimum,
                 key->maximum);
        return -1;
    }
    *(int64_t *)member = value;
    return 0;
}

static int read_number(const struct config_key *key, void *member, const char *text, char *reason,
                       size_t reason_size)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end || !isfinite(value)) {
        snprintf(reason, reason_size, "expected a number");
        return -1;
    }
    if (value < key->minimum || value > key->maximum) {
        snprintf(reason, reason_size, "expected a number from %g to %g", key->minimum,
                 key->maximum);
        return -1;
    }
    *(double *)member = value;
    return 0;
}

static int read_string(const struct config_key *key, void *member, const char *text, char *reason,
                       size_t reason_size)
{
    char *copy = strdup(text);

    (void)key;
    if (!copy) {
        snprintf(reason, reason_size, "out of memory");
        return -1;
    }
    free(*(char **)member);
    *(char **)member = copy;
    return 0;
}

static int word_index(const struct config_key *key, const char *text, char *reason,
                      size_t reason_size)
{
    size_t used;

    for (int i = 0; key->words[i]; i++) {
        if (strcmp(key->words[i], text) == 0)
            return i;
    }
    used = (size_t)snprintf(reason, reason_size, "expected one of");
    for (int i = 0; key->words[i] && used < reason_size; i++)
        used += (size_t)snprintf(reason + used, reason_size - used, "%s %s", i ? "," : "",
                                 key->words[i]);
    return -1;
}

static int read_word(const struct config_key *key, void *member, const char *text, char *reason,
                     size_t reason_size)
{
    if (word_index(key, text, reason, reason_size) < 0)
        return -1;
    return read_string(key, member, text, reason, reason_size);
}

static int read_word_index(const struct config_key *key, void *member, const char *text,
                           char *reason, size_t reason_size)
{
    int index = word_index(key, text, reason, reason_size);

    if (index < 0)
        return -1;
    *(int64_t *)member = index;
    return 0;
}

bool config_read_rate(const char *text, struct dvbcss_rate *rate)
{
    unsigned long ticks, seconds = 1;
    char *end;

    errno = 0;
    ticks = strtoul(text, &end, 10);
    if (*end == '/')
        seconds = strtoul(end + 1, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || !ticks || !seconds || ticks > UINT32_MAX ||
        seconds > UINT32_MAX)
        return false;
    *rate = (struct dvbcss_rate){(uint32_t)ticks, (uint32_t)seconds};
    return true;
}

/* Empty for what the selector implies. */
static int read_rate(const struct config_key *key, void *member, const char *text, char *reason,
                     size_t reason_size)
{
    struct dvbcss_rate rate = {0, 0};

    (void)key;
    if (*text && !config_read_rate(text, &rate)) {
        snprintf(reason, reason_size,
                 "expected ticks per second, as 90000 or 30000/1001 or nothing");
        return -1;
    }
    *(struct dvbcss_rate *)member = rate;
    return 0;
}

/* Seconds, or nothing for "not stated". */
static int read_accuracy(const struct config_key *key, void *member, const char *text, char *reason,
                         size_t reason_size)
{
    if (!*text) {
        *(double *)member = -1;
        return 0;
    }
    return read_number(key, member, text, reason, reason_size);
}

/* Parts per million, or "auto" for what the system knows. */
static int read_freq_error(const struct config_key *key, void *member, const char *text,
                           char *reason, size_t reason_size)
{
    size_t length;

    if (strcmp(text, "auto") == 0) {
        *(double *)member = 0;
        return 0;
    }
    if (read_number(key, member, text, reason, reason_size) == 0)
        return 0;
    length = strlen(reason);
    snprintf(reason + length, reason_size - length, ", or auto");
    return -1;
}

/* Permissions, as 0660. */
static int read_permissions(const struct config_key *key, void *member, const char *text,
                            char *reason, size_t reason_size)
{
    char *end;
    unsigned long value = strtoul(text, &end, 8);

    (void)key;
    if (*text < '0' || *text > '7' || *end || value > 0777) {
        snprintf(reason, reason_size, "expected permissions in octal, as 0660");
        return -1;
    }
    *(int64_t *)member = (int64_t)value;
    return 0;
}

/* What a person could type into a header, and nobody could guess; nothing for none. */
static int read_token(const struct config_key *key, void *member, const char *text, char *reason,
                      size_t reason_size)
{
    size_t length = strlen(text);

    if (length != 0 && !config_token_is_good(text, length)) {
        snprintf(reason, reason_size, "expected " CONFIG_TOKEN_RULE);
        return -1;
    }
    return read_string(key, member, text, reason, reason_size);
}

bool config_token_is_good(const char *token, size_t length)
{
    if (length < CONFIG_TOKEN_MIN || length > CONFIG_TOKEN_MAX)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (token[i] <= ' ' || token[i] > '~')
            return false;
    }
    return true;
}

struct config_type {
    config_reader read;
    size_t size;
    /* The member points to a string of its own. */
    bool is_text;
};

static const struct config_type boolean = {read_bool, sizeof(bool), false};
static const struct config_type integer = {read_int, sizeof(int64_t), false};
static const struct config_type number = {read_number, sizeof(double), false};
static const struct config_type string = {read_string, sizeof(char *), true};
static const struct config_type word = {read_word, sizeof(char *), true};
static const struct config_type index_of_word = {read_word_index, sizeof(int64_t), false};
static const struct config_type tick_rate = {read_rate, sizeof(struct dvbcss_rate), false};
static const struct config_type accuracy = {read_accuracy, sizeof(double), false};
static const struct config_type freq_error = {read_freq_error, sizeof(double), false};
static const struct config_type permissions = {read_permissions, sizeof(int64_t), false};
static const struct config_type token = {read_token, sizeof(char *), true};

#define QUOTE(text) #text
#define TEXT_OF(macro) QUOTE(macro)
#define AT(member) offsetof(struct config, member)
#define IN_TIMELINE(member) offsetof(struct config_timeline, member)
#define TIMELINE CONFIG_TIMELINE_SECTION
#define INT64_LIMIT 9223372036854774784.0
#define LIVE CONFIG_LIVE
#define RESTART 0
#define MAX_CONNECTIONS 1000000
#define MAX_BYTES 1000000000

#define LIMIT(section, name, least, most, fallback, help)                                          \
    {                                                                                              \
        QUOTE(section), QUOTE(name), &integer, AT(section.name), least, most, NULL, fallback,      \
            help, LIVE                                                                             \
    }
#define TIMEOUT(section, name, fallback, help)                                                     \
    {                                                                                              \
        QUOTE(section), QUOTE(name), &integer, AT(section.name##_s), 0, 86400, NULL, fallback,     \
            help, LIVE                                                                             \
    }
#define ORIGINS(section, fallback, help)                                                           \
    {                                                                                              \
        QUOTE(section), "origins", &string, AT(section.origins), 0, 0, NULL, fallback, help, LIVE  \
    }

/* What companions may take of an endpoint, with the defaults that differ. */
#define LIMITS(section, largest_message, message_bytes, messages_per_s, bytes_per_s)               \
    LIMIT(section, max_connections, 0, MAX_CONNECTIONS, "100",                                     \
          "Companions at the same time; one more is answered 503"),                                \
        LIMIT(section, max_connections_per_address, 0, MAX_CONNECTIONS, "20",                      \
              "Those of one address; one more is answered 429; 0 for any number"),                 \
        LIMIT(section, max_message_bytes, 64, largest_message, message_bytes,                      \
              "Largest message; a larger one closes with 1009"),                                   \
        LIMIT(section, max_messages_per_s, 0, 1000000, messages_per_s,                             \
              "Messages of one companion per second, five times that at once; more close with "    \
              "1008; 0 for any number"),                                                           \
        LIMIT(section, max_bytes_per_s, 0, MAX_BYTES, bytes_per_s,                                 \
              "Bytes of one companion per second, five times that or one message at once; more "   \
              "close with 1008; 0 for any number"),                                                \
        TIMEOUT(section, stall_timeout, "30",                                                      \
                "Seconds for which a companion may take nothing that waits for it, or it is "      \
                "closed with 1008; 0 for ever"),                                                   \
        ORIGINS(section, "any",                                                                    \
                "Origins of web pages, separated by spaces, that may connect; same for those "     \
                "that this listener serves, any for all; what is no web page always may")

const struct config_key config_keys[] = {
    {"wallclock", "enabled", &boolean, AT(wallclock.enabled), 0, 0, NULL, "true",
     "Serve the wall clock (CSS-WC, UDP)", RESTART},
    {"wallclock", "address", &string, AT(wallclock.address), 0, 0, NULL, "0.0.0.0",
     "IPv4 and IPv6 addresses to listen on, separated by spaces; :: for all of both", RESTART},
    {"wallclock", "port", &integer, AT(wallclock.port), 0, 65535, NULL,
     TEXT_OF(DVBCSS_WC_DEFAULT_PORT), "UDP port; 0 lets the system choose (see --ready-file)",
     RESTART},
    {"wallclock", "advertise_port", &integer, AT(wallclock.advertise_port), 0, 65535, NULL, "0",
     "UDP port that the URL in CII names, where addresses are translated; 0 for the port", RESTART},
    {"wallclock", "threads", &integer, AT(wallclock.threads), 1, DVBCSS_WC_SERVICE_MAX_THREADS,
     NULL, "1", "Threads that do nothing but answer", RESTART},
    {"wallclock", "rate_limit", &integer, AT(wallclock.rate_limit), 0, DVBCSS_WC_SERVER_LIMIT_MAX,
     NULL, "0",
     "Answers per second to one address; 0 for no limit. One in eight requests beyond is answered",
     RESTART},
    {"wallclock", "max_freq_error", &freq_error, AT(wallclock.max_freq_error_ppm), 0.01, 100000,
     NULL, "500",
     "Largest frequency error of this machine's clock in ppm, told to companions; auto for what "
     "the system knows of it",
     RESTART},
    {"wallclock", "follow_ups", &boolean, AT(wallclock.follow_ups), 0, 0, NULL, "false",
     "Send the exact time of transmission in a second message; some companions mishandle it",
     RESTART},
    {"wallclock", "rehearse", &boolean, AT(wallclock.rehearse), 0, 0, NULL, "true",
     "Send a datagram over loopback before each answer to a request that came alone, which makes "
     "its times more exact for some microseconds of CPU",
     RESTART},

    {"http", "enabled", &boolean, AT(http.enabled), 0, 0, NULL, "true",
     "Serve companions without TLS; discovery needs it", RESTART},
    {"http", "address", &string, AT(http.address), 0, 0, NULL, "0.0.0.0",
     "IPv4 or IPv6 address to listen on; :: for all of both", RESTART},
    {"http", "port", &integer, AT(http.port), 0, 65535, NULL, "7681",
     "TCP port of the WebSocket endpoints; 0 lets the system choose", RESTART},
    {"http", "advertise_host", &string, AT(http.advertise_host), 0, 0, NULL, "",
     "Host that URLs name, in CII and discovery; empty for the address that each companion reached",
     RESTART},
    {"http", "advertise_port", &integer, AT(http.advertise_port), 0, 65535, NULL, "0",
     "TCP port that URLs name, behind a reverse proxy or where addresses are translated; 0 for the "
     "one that each companion reached",
     RESTART},
    {"http", "hosts", &string, AT(http.hosts), 0, 0, NULL, "",
     "Host names, separated by spaces, that requests for /metrics and /healthz, and pages where "
     "origins has same, may name beside localhost, addresses and advertise_host",
     LIVE},
    {"http", "max_connections", &integer, AT(http.max_connections), 0, MAX_CONNECTIONS, NULL, "0",
     "TCP connections of all kinds at the same time; one more is answered 503; 0 for as many as "
     "there are file descriptors",
     LIVE},
    {"http", "max_connections_per_address", &integer, AT(http.max_connections_per_address), 0,
     MAX_CONNECTIONS, NULL, "64",
     "Those of one address; one more is answered 429; 0 for any number", LIVE},
    {"http", "header_timeout", &integer, AT(http.header_timeout_s), 1, 3600, NULL, "10",
     "Seconds for a request to arrive, or it is answered 408", LIVE},
    {"http", "ping_interval", &integer, AT(http.ping_interval_s), 0, 3600, NULL, "20",
     "Seconds of silence after which a companion is asked whether it lives; 0 for never", LIVE},
    {"http", "idle_timeout", &integer, AT(http.idle_timeout_s), 0, 86400, NULL, "0",
     "Seconds of silence after which a companion is closed with 1008; 0 for three times "
     "ping_interval",
     LIVE},
    {"http", "fd_limit", &integer, AT(http.fd_limit), 0, 10000000, NULL, "0",
     "File descriptors that the daemon may have, at least 1024; 0 for what max_connections asks "
     "for",
     RESTART},
    {"http", "metrics", &boolean, AT(http.metrics), 0, 0, NULL, "false",
     "Serve /metrics and /healthz to companions, too, and not on the control listeners only",
     RESTART},

    {"tls", "enabled", &boolean, AT(tls.enabled), 0, 0, NULL, "false",
     "Serve companions by TLS (wss, https), beside the listener without it", RESTART},
    {"tls", "address", &string, AT(tls.address), 0, 0, NULL, "0.0.0.0",
     "IPv4 or IPv6 address to listen on with TLS; :: for all of both", RESTART},
    {"tls", "port", &integer, AT(tls.port), 0, 65535, NULL, "7683",
     "TCP port with TLS; 0 lets the system choose", RESTART},
    {"tls", "advertise_port", &integer, AT(tls.advertise_port), 0, 65535, NULL, "0",
     "Port that the URLs in CII name for companions with TLS; 0 for the one that each reached",
     RESTART},
    {"tls", "certificate", &string, AT(tls.certificate), 0, 0, NULL, "",
     "File (PEM) with the certificate, and those between it and the authority that companions "
     "trust; read again at each reload",
     LIVE},
    {"tls", "key", &string, AT(tls.key), 0, 0, NULL, "",
     "File (PEM) with the certificate's private key, without a passphrase; empty if the "
     "certificate's file has it",
     LIVE},

    {"cii", "enabled", &boolean, AT(cii.enabled), 0, 0, NULL, "true",
     "Serve what the TV presents (CSS-CII); a disabled endpoint answers 403", LIVE},
    {"cii", "path", &string, AT(cii.path), 0, 0, NULL, "/cii", "Path of the endpoint", RESTART},
    LIMITS(cii, MAX_BYTES, "4096", "5", "16384"),

    {"ts", "enabled", &boolean, AT(ts.enabled), 0, 0, NULL, "true",
     "Serve where on its timelines the TV is (CSS-TS)", LIVE},
    {"ts", "path", &string, AT(ts.path), 0, 0, NULL, "/ts", "Path of the endpoint", RESTART},
    LIMITS(ts, MAX_BYTES, "16384", "20", "65536"),
    TIMEOUT(
        ts, setup_timeout, "30",
        "Seconds for a companion to send its setup-data, or it is closed with 1008; 0 for ever"),
    {"ts", "resend", &number, AT(ts_resend_s), 0, 3600, NULL, "2",
     "Seconds after which an unchanged control timestamp is sent again; 0 for never", RESTART},
    {"ts", "delay_ms", &number, AT(ts_delay_ms), -CONFIG_DELAY_MAX_MS, CONFIG_DELAY_MAX_MS, NULL,
     "0",
     "Milliseconds by which picture and sound leave the TV later than its timelines say (negative: "
     "sooner); companions are shifted with them",
     LIVE},

    {"wc_ws", "enabled", &boolean, AT(wc_ws.enabled), 0, 0, NULL, "true",
     "Serve the wall clock over WebSocket, for companions without UDP", LIVE},
    {"wc_ws", "path", &string, AT(wc_ws.path), 0, 0, NULL, "/wc", "Path of the endpoint", RESTART},
    LIMITS(wc_ws, DVBCSS_WC_WS_MESSAGE_MAX, "2048", "200", "65536"),
    {"wc_ws", "answers_per_second", &integer, AT(wc_ws_answers_per_s), 0, 1000000, NULL, "50",
     "Answers per second to one companion; 0 for no limit. What goes beyond is not answered", LIVE},

    {"app2app", "enabled", &boolean, AT(app2app.enabled), 0, 0, NULL, "true",
     "Let pages on the TV and companions talk by App2App, at discovery.app2app_path", LIVE},
    {"app2app", "compatibility", &boolean, AT(app2app.compatibility), 0, 0, NULL, "true",
     "Serve CII, wall clock and TS as App2App channels, too (hbbtv-sync-cii, -wc, -ts), for "
     "companions that look for them there",
     LIVE},
    {"app2app", "max_connections", &integer, AT(app2app.max_connections), 0, 1000000, NULL, "100",
     "Pages and companions at the same time; one more is answered 503", LIVE},
    {"app2app", "max_connections_per_address", &integer, AT(app2app.max_connections_per_address), 0,
     MAX_CONNECTIONS, NULL, "50",
     "Those of one address; one more is answered 429; 0 for any number", LIVE},
    {"app2app", "max_waiting", &integer, AT(app2app.max_waiting), 1, 1000000, NULL, "50",
     "Those of them that wait for a partner: as many companions, and as many pages", RESTART},
    {"app2app", "max_waiting_per_name", &integer, AT(app2app.max_waiting_per_name), 1, 1000000,
     NULL, "20", "Those of them that wait under one name", RESTART},
    {"app2app", "max_waiting_per_address", &integer, AT(app2app.max_waiting_per_address), 1,
     1000000, NULL, "10",
     "Those of them that one address may have; the TV's own pages may be any number", RESTART},
    {"app2app", "wait_timeout", &number, AT(app2app.wait_timeout_s), 0, 86400, NULL, "300",
     "Seconds for which a companion may wait for a page; 0 for ever, as pages may", RESTART},
    {"app2app", "max_message", &integer, AT(app2app.max_message_bytes), 1, 67108864, NULL, "262144",
     "Largest message in bytes", RESTART},
    LIMIT(app2app, max_messages_per_s, 0, 1000000, "500",
          "Messages of one client per second, five times that at once; more close with 1008; 0 for "
          "any number"),
    LIMIT(
        app2app, max_bytes_per_s, 0, MAX_BYTES, "4194304",
        "Bytes of one client per second, five times that at once; more close with 1008; 0 for any "
        "number"),
    {"app2app", "max_early", &integer, AT(app2app.max_early_bytes), 1, 1073741824, NULL, "65536",
     "Bytes that one may say before there is a partner; more close with 1008", RESTART},
    {"app2app", "max_queue", &integer, AT(app2app.max_queued_bytes), 1, 1073741824, NULL, "4194304",
     "Bytes that may wait for one who reads too slowly; then the pair is closed", RESTART},
    {"app2app", "max_queue_per_address", &integer, AT(app2app.max_queued_bytes_per_address), 1,
     1073741824, NULL, "4194304",
     "Those of all pairs whose companions have one address; then the pair that needs more is "
     "closed",
     RESTART},
    {"app2app", "max_queue_in_all", &integer, AT(app2app.max_queued_bytes_in_all), 1, 1073741824,
     NULL, "16777216", "Those of all pairs; then the pair for which most waits is closed", RESTART},
    {"app2app", "local_from_anywhere", &boolean, AT(app2app.local_from_anywhere), 0, 0, NULL,
     "false", "Let pages on other machines take the TV's side, too", RESTART},
    {"app2app", "local_origins", &string, AT(app2app.local_origins), 0, 0, NULL, "",
     "Origins of web pages, separated by spaces, that may take the TV's side; empty for any",
     RESTART},

    {"content", "id", &string, AT(content.id), 0, 0, NULL, "",
     "Content identifier, as dvb://233a.1004.1044 or the URL of an MPD; empty for none", LIVE},
    {"content", "id_override", &string, AT(content.id_override), 0, 0, NULL, "",
     "What companions are told in place of any content identifier, as final: for companions that "
     "know only what they can fetch; empty for nothing",
     LIVE},
    {"content", "id_status", &word, AT(content.id_status), 0, 0, id_statuses, "final",
     "partial or final", LIVE},
    {"content", "presentation_status", &string, AT(content.presentation_status), 0, 0, NULL, "okay",
     "okay, transitioning or fault, and further words separated by single spaces", LIVE},

    {TIMELINE, "selector", &string, IN_TIMELINE(selector), 0, 0, NULL, "",
     "Timeline selector, as urn:dvb:css:timeline:pts", LIVE},
    {TIMELINE, "tick_rate", &tick_rate, IN_TIMELINE(rate), 0, 0, NULL, "",
     "Ticks per second, as 90000 or 30000/1001; empty for what the selector implies", LIVE},
    {TIMELINE, "start", &integer, IN_TIMELINE(start_ticks), -INT64_LIMIT, INT64_LIMIT, NULL, "0",
     "Ticks at the moment the daemon starts", LIVE},
    {TIMELINE, "speed", &number, IN_TIMELINE(speed), -1000, 1000, NULL, "1",
     "1 normal, 0 paused, negative in reverse", LIVE},
    {TIMELINE, "accuracy", &accuracy, IN_TIMELINE(accuracy_s), 0, 3600, NULL, "",
     "Accuracy in seconds that CII states; empty for none", LIVE},
    {TIMELINE, "available", &boolean, IN_TIMELINE(available), 0, 0, NULL, "true",
     "Whether the timeline can be had now", LIVE},

    {"programme", "demo", &index_of_word, AT(demo), 0, 0, demo_modes, "auto",
     "Run the built-in demo programme in place of [content] and [timeline.*]: true, false, or "
     "auto for when there is no file and none of those",
     LIVE},
    {"programme", "step", &number, AT(demo_step_s), 0.05, 3600, NULL, "5",
     "Seconds that each step of the demo programme takes", LIVE},

    {"control", "socket", &string, AT(control.socket), 0, 0, NULL, "auto",
     "Path of the Unix-domain socket of the control API; empty for none; auto for control.sock in "
     "$RUNTIME_DIRECTORY, else in /run/dvbcssd, if that can be used",
     RESTART},
    {"control", "socket_mode", &permissions, AT(control.socket_mode), 0, 0, NULL, "0660",
     "Permissions of the socket", RESTART},
    {"control", "socket_owner", &string, AT(control.socket_owner), 0, 0, NULL, "",
     "User that the socket belongs to; empty for the one that runs the daemon", RESTART},
    {"control", "socket_group", &string, AT(control.socket_group), 0, 0, NULL, "",
     "Group that the socket belongs to; empty for the one that runs the daemon", RESTART},
    {"control", "tcp_address", &string, AT(control.tcp_address), 0, 0, NULL, "",
     "IPv4 or IPv6 address that serves the control API over TCP; empty for none; needs a token",
     RESTART},
    {"control", "tcp_port", &integer, AT(control.tcp_port), 0, 65535, NULL, "7682",
     "TCP port of the control API; 0 lets the system choose", RESTART},
    {"control", "max_connections", &integer, AT(control.max_connections), 1, 10000, NULL, "256",
     "Connections at the same time, on the socket, and as many over TCP; one more is answered 503",
     RESTART},
    {"control", "max_connections_per_address", &integer, AT(control.max_connections_per_address), 0,
     10000, NULL, "32", "Those of one address over TCP; one more is answered 429; 0 for any number",
     RESTART},
    {"control", "tls", &boolean, AT(control.tls), 0, 0, NULL, "false",
     "Serve the control API over TCP by TLS only, with the certificate of [tls]", RESTART},
    {"control", "token", &token, AT(control.token), 0, 0, NULL, "",
     "Bearer token that requests over TCP must carry; better in a file of its own",
     LIVE | CONFIG_SECRET},
    {"control", "token_file", &string, AT(control.token_file), 0, 0, NULL, "",
     "File whose first line is the bearer token; read again at each reload", LIVE},
    {"control", "hosts", &string, AT(control.hosts), 0, 0, NULL, "",
     "Host names, separated by spaces, that requests over TCP may name beside localhost and "
     "addresses",
     LIVE},
    {"control", "origins", &string, AT(control.origins), 0, 0, NULL, "",
     "Origins of web pages, separated by spaces, that may use the API over TCP, as "
     "https://tv.example; empty for none",
     LIVE},

    {"discovery", "enabled", &boolean, AT(discovery.enabled), 0, 0, NULL, "false",
     "Let companions find this television by SSDP and DIAL", RESTART},
    {"discovery", "name", &string, AT(discovery.name), 0, 0, NULL, "",
     "Name that people see; empty for one with this machine's name", RESTART},
    {"discovery", "manufacturer", &string, AT(discovery.manufacturer), 0, 0, NULL, "dvbcss",
     "Manufacturer; companions remember what works with it and the model", RESTART},
    {"discovery", "model", &string, AT(discovery.model), 0, 0, NULL, "dvbcssd", "Model", RESTART},
    {"discovery", "user_agent", &string, AT(discovery.user_agent), 0, 0, NULL,
     "HbbTV/1.5.1 (+DRM; dvbcss; dvbcssd; 0.1; 0.1; dvbcss; )",
     "What the television's browser calls itself", RESTART},
    {"discovery", "interfaces", &string, AT(discovery.interfaces), 0, 0, NULL, "",
     "Interfaces, separated by spaces, to be found on; empty for all but loopback", RESTART},
    {"discovery", "state_file", &string, AT(discovery.state_file), 0, 0, NULL, "",
     "File that keeps the television's UUID; empty to derive it from this machine's id and the "
     "name",
     RESTART},
    {"discovery", "max_age", &integer, AT(discovery.max_age_s), 2, 86400, NULL, "1800",
     "Seconds for which companions may believe an announcement", RESTART},
    {"discovery", "app2app_path", &string, AT(discovery.app2app_path), 0, 0, NULL, "/app2app/",
     "Path of the App2App URL that companions are told", RESTART},
    {"discovery", "launch_command", &string, AT(discovery.launch_command), 0, 0, NULL, "",
     "Program and arguments, separated by spaces, that launch an application: it reads the request "
     "(an XML AIT) from its standard input; empty to refuse",
     RESTART},
    {"discovery", "stop_command", &string, AT(discovery.stop_command), 0, 0, NULL, "",
     "The same for stopping it", RESTART},
    {"discovery", "command_timeout", &number, AT(discovery.command_timeout_s), 0.1, 3600, NULL,
     "10", "Seconds after which a command that still runs is killed", RESTART},
    {"discovery", "origins", &string, AT(discovery.origins), 0, 0, NULL, "",
     "Origins of web pages, separated by spaces, that may launch and stop applications", RESTART},

    {"pages", "enabled", &boolean, AT(pages.enabled), 0, 0, NULL, "false",
     "Serve the pages for browsers on the companions' listener", RESTART},
    {"pages", "folder", &string, AT(pages.folder), 0, 0, NULL, "",
     "Folder of the pages; empty for the one that was installed with this program", RESTART},
    {"pages", "media", &string, AT(pages.media), 0, 0, NULL, "",
     "Folder of video and audio files that the pages play, served to whoever asks; empty for none",
     RESTART},
    {"pages", "api", &boolean, AT(pages.api), 0, 0, NULL, "false",
     "Serve the control API to the pages, on the companions' listener; needs a control token",
     RESTART},

    {"page", "enabled", &boolean, AT(page.enabled), 0, 0, NULL, "true",
     "Let a web page that is the television say what it presents (docs/page-channel.md)", LIVE},
    {"page", "path", &string, AT(page.path), 0, 0, NULL, "/server", "Path of the channel", RESTART},
    {"page", "origins", &string, AT(page.origins), 0, 0, NULL, "",
     "Origins of web pages, separated by spaces, that may use it beside this daemon's own", LIVE},
    {"page", "token", &token, AT(page.token), 0, 0, NULL, "",
     "Token that pages on other machines must know; better in a file of its own",
     LIVE | CONFIG_SECRET},
    {"page", "token_file", &string, AT(page.token_file), 0, 0, NULL, "",
     "File whose first line is the token; read again at each reload", LIVE},
    {"page", "trust_loopback", &boolean, AT(page.trust_loopback), 0, 0, NULL, "true",
     "Pages on this machine need no token; say false behind a reverse proxy", LIVE},
    {"page", "silence_timeout", &number, AT(page.silence_timeout_s), 0, 86400, NULL, "10",
     "Seconds of silence after which what is configured takes the place of a page; 0 for never",
     LIVE},
    LIMIT(page, max_connections, 0, MAX_CONNECTIONS, "32",
          "Pages at the same time, on their way out all but one; one more is answered 503"),
    LIMIT(
        page, max_connections_per_address, 0, MAX_CONNECTIONS, "8",
        "Those of one address, so that nobody who knows no token keeps the TV's page out; one more "
        "is answered 429; 0 for any number"),
    LIMIT(page, max_message_bytes, 64, MAX_BYTES, "65536",
          "Largest message; a larger one closes with 1009"),
    LIMIT(page, max_messages_per_s, 0, 1000000, "200",
          "Messages of one page per second, five times that at once; more close with 1008; 0 for "
          "any number"),
    LIMIT(page, max_bytes_per_s, 0, MAX_BYTES, "1048576",
          "Bytes of one page per second, five times that or one message at once; more close with "
          "1008; 0 for any number"),
    {"page", "max_queue", &integer, AT(page.max_queued_bytes), 1, 1073741824, NULL, "4194304",
     "Bytes that may wait for a page that reads too slowly; then it is closed with 1008", LIVE},
    TIMEOUT(
        page, stall_timeout, "30",
        "Seconds for which a page may take nothing that waits for it, or it is closed with 1008; "
        "0 for ever"),
    TIMEOUT(
        page, token_timeout, "5",
        "Seconds for a page that needs a token to show it, or it is closed with 1008; 0 for ever"),

    {"log", "level", &index_of_word, AT(log.level), 0, 0, log_levels, "info",
     "none, error, warning, info or debug", LIVE},
    {"log", "format", &index_of_word, AT(log.format), 0, 0, log_formats, "text",
     "text, or json for one JSON object a line", LIVE},
    {"log", "target", &index_of_word, AT(log.target), 0, 0, log_targets, "stderr",
     "stderr, or journald for stderr with the level in front as journald reads it", LIVE},
};

const size_t config_key_count = sizeof config_keys / sizeof *config_keys;

const struct config_key *config_key_find(const char *section, const char *name)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].section, section) == 0 && strcmp(config_keys[i].name, name) == 0)
            return &config_keys[i];
    }
    return NULL;
}

bool config_section_known(const char *section)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].section, section) == 0)
            return true;
    }
    return false;
}

int config_key_read(const struct config_key *key, void *base, const char *text, char *reason,
                    size_t reason_size)
{
    return key->type->read(key, (char *)base + key->offset, text, reason, reason_size);
}

bool config_key_equal(const struct config_key *key, const void *a, const void *b)
{
    const char *left = (const char *)a + key->offset, *right = (const char *)b + key->offset;

    if (key->type->is_text)
        return strcmp(*(char *const *)(const void *)left, *(char *const *)(const void *)right) == 0;
    return memcmp(left, right, key->type->size) == 0;
}

void config_key_swap(const struct config_key *key, void *a, void *b)
{
    char *left = (char *)a + key->offset, *right = (char *)b + key->offset;
    char held[sizeof(struct dvbcss_rate) + sizeof(void *)];

    memcpy(held, left, key->type->size);
    memcpy(left, right, key->type->size);
    memcpy(right, held, key->type->size);
}

void config_key_free(const struct config_key *key, void *base)
{
    if (key->type->is_text)
        free(*(char **)(void *)((char *)base + key->offset));
}
