#include "config_keys.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const id_statuses[] = {"partial", "final", NULL};
/* In the order of enum config_demo, and of enum dvbcss_log_level. */
static const char *const demo_modes[] = {"auto", "true", "false", NULL};
static const char *const log_levels[] = {"none", "error", "warning", "info", "debug", NULL};

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

/* "90000" or "30000/1001"; empty for what the selector implies. */
static int read_rate(const struct config_key *key, void *member, const char *text, char *reason,
                     size_t reason_size)
{
    struct dvbcss_rate rate = {0, 0};
    unsigned long ticks, seconds = 1;
    char *end;

    (void)key;
    if (*text) {
        errno = 0;
        ticks = strtoul(text, &end, 10);
        if (*end == '/')
            seconds = strtoul(end + 1, &end, 10);
        if (*text == '-' || *end || errno || !ticks || !seconds || ticks > UINT32_MAX ||
            seconds > UINT32_MAX) {
            snprintf(reason, reason_size,
                     "expected ticks per second, as 90000 or 30000/1001 or nothing");
            return -1;
        }
        rate = (struct dvbcss_rate){(uint32_t)ticks, (uint32_t)seconds};
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

#define AT(member) offsetof(struct config, member)
#define IN_TIMELINE(member) offsetof(struct config_timeline, member)
#define TIMELINE CONFIG_TIMELINE_SECTION
#define INT64_LIMIT 9223372036854774784.0

const struct config_key config_keys[] = {
    {"wallclock", "enabled", read_bool, AT(wallclock.enabled), 0, 0, NULL, "true",
     "Serve the wall clock (CSS-WC, UDP)"},
    {"wallclock", "address", read_string, AT(wallclock.address), 0, 0, NULL, "0.0.0.0",
     "IPv4 or IPv6 address to listen on; :: for all of both"},
    {"wallclock", "port", read_int, AT(wallclock.port), 0, 65535, NULL, "6677",
     "UDP port; 0 lets the system choose (see --ready-file)"},
    {"wallclock", "max_freq_error", read_number, AT(wallclock.max_freq_error_ppm), 0.01, 100000,
     NULL, "500", "Largest frequency error of this machine's clock in ppm, told to companions"},
    {"wallclock", "follow_ups", read_bool, AT(wallclock.follow_ups), 0, 0, NULL, "false",
     "Send the exact time of transmission in a second message; some companions mishandle it"},

    {"http", "address", read_string, AT(http.address), 0, 0, NULL, "0.0.0.0",
     "IPv4 or IPv6 address to listen on; :: for all of both"},
    {"http", "port", read_int, AT(http.port), 0, 65535, NULL, "7681",
     "TCP port of the WebSocket endpoints; 0 lets the system choose"},
    {"http", "advertise_host", read_string, AT(http.advertise_host), 0, 0, NULL, "",
     "Host that the URLs in CII name; empty for the address that each companion reached"},
    {"http", "ping_interval", read_number, AT(http.ping_interval_s), 0, 3600, NULL, "20",
     "Seconds of silence after which a companion is asked whether it lives; 0 for never"},

    {"cii", "enabled", read_bool, AT(cii.enabled), 0, 0, NULL, "true",
     "Serve what the TV presents (CSS-CII); a disabled endpoint answers 403"},
    {"cii", "path", read_string, AT(cii.path), 0, 0, NULL, "/cii", "Path of the endpoint"},
    {"cii", "max_connections", read_int, AT(cii.max_connections), 0, 1000000, NULL, "100",
     "Companions at the same time; one more is answered 503"},

    {"ts", "enabled", read_bool, AT(ts.enabled), 0, 0, NULL, "true",
     "Serve where on its timelines the TV is (CSS-TS)"},
    {"ts", "path", read_string, AT(ts.path), 0, 0, NULL, "/ts", "Path of the endpoint"},
    {"ts", "max_connections", read_int, AT(ts.max_connections), 0, 1000000, NULL, "100",
     "Companions at the same time; one more is answered 503"},
    {"ts", "resend", read_number, AT(ts_resend_s), 0, 3600, NULL, "2",
     "Seconds after which an unchanged control timestamp is sent again; 0 for never"},

    {"content", "id", read_string, AT(content.id), 0, 0, NULL, "",
     "Content identifier, as dvb://233a.1004.1044 or the URL of an MPD; empty for none"},
    {"content", "id_status", read_word, AT(content.id_status), 0, 0, id_statuses, "final",
     "partial or final"},
    {"content", "presentation_status", read_string, AT(content.presentation_status), 0, 0, NULL,
     "okay", "okay, transitioning or fault, and further words separated by single spaces"},

    {TIMELINE, "selector", read_string, IN_TIMELINE(selector), 0, 0, NULL, "",
     "Timeline selector, as urn:dvb:css:timeline:pts"},
    {TIMELINE, "tick_rate", read_rate, IN_TIMELINE(rate), 0, 0, NULL, "",
     "Ticks per second, as 90000 or 30000/1001; empty for what the selector implies"},
    {TIMELINE, "start", read_int, IN_TIMELINE(start_ticks), -INT64_LIMIT, INT64_LIMIT, NULL, "0",
     "Ticks at the moment the daemon starts"},
    {TIMELINE, "speed", read_number, IN_TIMELINE(speed), -1000, 1000, NULL, "1",
     "1 normal, 0 paused, negative in reverse"},
    {TIMELINE, "accuracy", read_accuracy, IN_TIMELINE(accuracy_s), 0, 3600, NULL, "",
     "Accuracy in seconds that CII states; empty for none"},
    {TIMELINE, "available", read_bool, IN_TIMELINE(available), 0, 0, NULL, "true",
     "Whether the timeline can be had now"},

    {"programme", "demo", read_word_index, AT(demo), 0, 0, demo_modes, "auto",
     "Run the built-in demo programme in place of [content] and [timeline.*]: true, false, or "
     "auto for when there is no file and none of those"},
    {"programme", "step", read_number, AT(demo_step_s), 0.05, 3600, NULL, "5",
     "Seconds that each step of the demo programme takes"},

    {"log", "level", read_word_index, AT(log_level), 0, 0, log_levels, "info",
     "none, error, warning, info or debug"},
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
    return key->read(key, (char *)base + key->offset, text, reason, reason_size);
}
