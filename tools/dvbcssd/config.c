#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config_keys.h"
#include "dvbcss/ts.h"

enum { NAME_SIZE = 64, REASON_SIZE = 256 };

static int refuse(struct config_error *error, const char *format, ...) DVBCSS_PRINTF(2, 3);

static int refuse(struct config_error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return -1;
}

/* ---- defaults ------------------------------------------------------------------------------- */

static bool is_timeline_key(const struct config_key *key)
{
    return strcmp(key->section, CONFIG_TIMELINE_SECTION) == 0;
}

/* Sets every key of struct config, or of one timeline, to its default. */
static int set_defaults(void *base, bool timeline)
{
    char reason[REASON_SIZE];

    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];

        if (is_timeline_key(key) == timeline &&
            config_key_read(key, base, key->fallback, reason, sizeof reason) != 0)
            return -1;
    }
    return 0;
}

int config_init(struct config *config)
{
    memset(config, 0, sizeof *config);
    if (set_defaults(config, false) == 0)
        return 0;
    config_finish(config);
    return -1;
}

static void free_values(void *base, bool timeline)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (is_timeline_key(&config_keys[i]) == timeline)
            config_key_free(&config_keys[i], base);
    }
}

static void free_timeline(struct config_timeline *timeline)
{
    free(timeline->name);
    free_values(timeline, true);
}

void config_finish(struct config *config)
{
    free_values(config, false);
    for (size_t i = 0; i < config->timeline_count; i++)
        free_timeline(&config->timelines[i]);
    free(config->timelines);
    memset(config, 0, sizeof *config);
}

/* ---- one value ------------------------------------------------------------------------------ */

bool config_name_is_good(const char *name)
{
    size_t length = strlen(name);

    return length != 0 && length <= CONFIG_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static struct config_timeline *find_timeline(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->timeline_count; i++) {
        if (strcmp(config->timelines[i].name, name) == 0)
            return &config->timelines[i];
    }
    return NULL;
}

const struct config_timeline *config_timeline_find(const struct config *config, const char *name)
{
    return find_timeline(config, name);
}

/* Finds the timeline of that name, or adds it with its defaults. NULL without memory. */
static struct config_timeline *timeline_named(struct config *config, const char *name)
{
    struct config_timeline *grown, *added = find_timeline(config, name);

    if (added)
        return added;
    grown = realloc(config->timelines, (config->timeline_count + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    config->timelines = grown;
    added = &grown[config->timeline_count];
    memset(added, 0, sizeof *added);
    added->name = strdup(name);
    if (!added->name || set_defaults(added, true) != 0) {
        free_timeline(added);
        return NULL;
    }
    config->timeline_count++;
    return added;
}

/* Sets `[section] name`; `where` is what the error begins with, "tv.conf:12". */
static int set_value(struct config *config, const char *where, const char *section,
                     const char *name, const char *text, struct config_error *error)
{
    static const char prefix[] = CONFIG_TIMELINE_SECTION ".";
    bool timeline = strncmp(section, prefix, sizeof prefix - 1) == 0;
    const char *lookup = timeline ? CONFIG_TIMELINE_SECTION : section;
    const struct config_key *key = config_key_find(lookup, name);
    char reason[REASON_SIZE];
    void *base = config;

    if (section[0] == '\0')
        return refuse(error, "%s: %s stands before any [section]", where, name);
    if (!timeline && strcmp(section, CONFIG_TIMELINE_SECTION) == 0)
        return refuse(error, "%s: a timeline needs a name: [timeline.NAME]", where);
    if (!config_section_known(lookup))
        return refuse(error, "%s: there is no section [%s]", where, section);
    if (!key)
        return refuse(error, "%s: there is no key %s in section [%s]", where, name, section);
    if (timeline) {
        if (!config_name_is_good(section + sizeof prefix - 1))
            return refuse(error, "%s: [%s]: a name has lower-case letters, digits and '-' only",
                          where, section);
        base = timeline_named(config, section + sizeof prefix - 1);
        if (!base)
            return refuse(error, "%s: out of memory", where);
    }
    if (config_key_read(key, base, text, reason, sizeof reason) == 0)
        return 0;
    if (key->flags & CONFIG_SECRET)
        return refuse(error, "%s: %s.%s: %s", where, section, name, reason);
    return refuse(error, "%s: %s.%s: %s, got \"%.80s\"", where, section, name, reason, text);
}

/* ---- the file ------------------------------------------------------------------------------- */

struct file_reading {
    struct config *config;
    const char *path;
    FILE *file;
    int line;
    bool failed;
    struct config_error *error;
};

/* Gives the parser one line; counts, and refuses what the parser would cut in two. */
static char *next_line(char *buffer, int size, void *user)
{
    struct file_reading *reading = user;
    size_t length;

    if (reading->failed || !fgets(buffer, size, reading->file))
        return NULL;
    reading->line++;
    length = strlen(buffer);
    if (length + 1 == (size_t)size && buffer[length - 1] != '\n') {
        reading->failed = true;
        refuse(reading->error,
               "%s:%d: a line may have at most %d bytes; give longer values by --set",
               reading->path, reading->line, size - 2);
        return NULL;
    }
    return buffer;
}

static int take_value(void *user, const char *section, const char *name, const char *value)
{
    struct file_reading *reading = user;
    char where[512];

    if (reading->failed)
        return 0;
    snprintf(where, sizeof where, "%s:%d", reading->path, reading->line);
    if (set_value(reading->config, where, section, name, value, reading->error) != 0)
        reading->failed = true;
    return !reading->failed;
}

int config_read_file(struct config *config, const char *path, struct config_error *error)
{
    struct file_reading reading = {config, path, fopen(path, "r"), 0, false, error};
    int bad_line;

    if (!reading.file)
        return refuse(error, "%s: cannot be read: %s", path, strerror(errno));
    ini_allow_multiline = false;
    ini_allow_inline_comments = false;
    errno = 0;
    bad_line = ini_parse_stream(next_line, &reading, take_value, &reading);
    if (!reading.failed && ferror(reading.file)) {
        reading.failed = true;
        refuse(error, "%s: cannot be read: %s", path, strerror(errno ? errno : EIO));
    }
    fclose(reading.file);
    if (reading.failed)
        return -1;
    config->from_file = true;
    if (bad_line != 0)
        return refuse(error, "%s:%d: expected [section], key = value, or a comment", path,
                      bad_line);
    return 0;
}

/* ---- the environment and --set -------------------------------------------------------------- */

/* Writes DVBCSS_SECTION_KEY's "SECTION_KEY" part for a key: upper case, '.' and '-' as '_'. */
static void environment_name(const char *section, const char *name, char *out, size_t size)
{
    snprintf(out, size, "%s_%s", section, name);
    for (; *out; out++)
        *out = *out == '.' || *out == '-' ? '_' : (char)toupper((unsigned char)*out);
}

/* Takes TIMELINE_NAME_KEY: the key's name is the longest that ends the variable's. */
static int set_timeline_variable(struct config *config, const char *variable, const char *text,
                                 struct config_error *error)
{
    static const char prefix[] = "TIMELINE_";
    size_t length = strlen(variable);

    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        char suffix[NAME_SIZE], section[NAME_SIZE];
        size_t tail, middle;

        if (!is_timeline_key(key))
            continue;
        environment_name("", key->name, suffix, sizeof suffix);
        tail = strlen(suffix);
        if (length <= sizeof prefix - 1 + tail || strcmp(variable + length - tail, suffix) != 0)
            continue;
        middle = length - tail - (sizeof prefix - 1);
        snprintf(section, sizeof section, CONFIG_TIMELINE_SECTION ".%.*s", (int)middle,
                 variable + sizeof prefix - 1);
        for (char *c = section; *c; c++)
            *c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
        return set_value(config, "environment", section, key->name, text, error);
    }
    return refuse(error, "environment: DVBCSS_%s names no key", variable);
}

static int set_variable(struct config *config, const char *variable, const char *text,
                        struct config_error *error)
{
    if (strncmp(variable, "TIMELINE_", strlen("TIMELINE_")) == 0)
        return set_timeline_variable(config, variable, text, error);
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        char name[NAME_SIZE];

        environment_name(key->section, key->name, name, sizeof name);
        if (strcmp(name, variable) == 0)
            return set_value(config, "environment", key->section, key->name, text, error);
    }
    return refuse(error, "environment: DVBCSS_%s names no key", variable);
}

int config_read_environment(struct config *config, char *const *environment,
                            struct config_error *error)
{
    static const char prefix[] = "DVBCSS_";

    for (; *environment; environment++) {
        const char *variable = *environment;
        const char *equals = strchr(variable, '=');
        char name[NAME_SIZE * 2];

        if (strncmp(variable, prefix, sizeof prefix - 1) != 0 || !equals)
            continue;
        variable += sizeof prefix - 1;
        snprintf(name, sizeof name, "%.*s", (int)(equals - variable), variable);
        if (set_variable(config, name, equals + 1, error) != 0)
            return -1;
    }
    return 0;
}

int config_set(struct config *config, const char *assignment, struct config_error *error)
{
    const char *equals = strchr(assignment, '=');
    char section[NAME_SIZE * 2];
    char *dot;

    if (!equals || (size_t)(equals - assignment) >= sizeof section)
        return refuse(error, "--set %.100s: expected section.key=value", assignment);
    memcpy(section, assignment, (size_t)(equals - assignment));
    section[equals - assignment] = '\0';
    dot = strrchr(section, '.');
    if (!dot)
        return refuse(error, "--set %.100s: expected section.key=value", assignment);
    *dot = '\0';
    return set_value(config, "--set", section, dot + 1, equals + 1, error);
}

/* ---- checks and defaults file --------------------------------------------------------------- */

static int check_path(const char *name, const char *path, struct config_error *error)
{
    if (path[0] != '/' || strpbrk(path, " ?#") || strlen(path) > CONFIG_PATH_MAX)
        return refuse(error,
                      "%s: \"%.80s\": a path begins with /, has no space, ? or # and at most %d "
                      "characters",
                      name, path, CONFIG_PATH_MAX);
    return 0;
}

static int check_timeline(struct config_timeline *timeline, struct config_error *error)
{
    struct dvbcss_ts_selector selector = dvbcss_ts_selector_parse(timeline->selector);

    if (!*timeline->selector)
        return refuse(error, "timeline.%s: a selector is missing", timeline->name);
    if (timeline->rate.ticks != 0)
        return 0;
    timeline->rate = dvbcss_ts_selector_rate(&selector);
    if (timeline->rate.ticks == 0)
        return refuse(error, "timeline.%s: %s implies no tick rate: set tick_rate", timeline->name,
                      timeline->selector);
    return 0;
}

/* Companions name a timeline by its selector: no two can share one. */
static int check_selector(const struct config *config, size_t index, struct config_error *error)
{
    const struct config_timeline *timeline = &config->timelines[index];

    for (size_t i = 0; i < index; i++) {
        if (strcmp(config->timelines[i].selector, timeline->selector) == 0)
            return refuse(error, "timeline.%s: timeline.%s has the selector %s already",
                          timeline->name, config->timelines[i].name, timeline->selector);
    }
    return 0;
}

/* Each endpoint needs a path of its own. */
static int check_paths(const struct config *config, struct config_error *error)
{
    const struct {
        const char *key;
        const char *path;
    } paths[] = {{"cii.path", config->cii.path},
                 {"ts.path", config->ts.path},
                 {"wc_ws.path", config->wc_ws.path},
                 {"discovery.app2app_path", config->discovery.app2app_path}};

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (check_path(paths[i].key, paths[i].path, error) != 0)
            return -1;
        for (size_t j = 0; j < i; j++) {
            if (strcmp(paths[i].path, paths[j].path) == 0)
                return refuse(error, "%s and %s are the same: %s", paths[j].key, paths[i].key,
                              paths[i].path);
        }
    }
    return 0;
}

static int check_listeners(const struct config *config, struct config_error *error)
{
    bool control = config->control.tls && *config->control.tcp_address;

    if (!config->http.enabled && !config->tls.enabled)
        return refuse(error, "http.enabled and tls.enabled: one of them must be true");
    if (config->discovery.enabled && !config->http.enabled)
        return refuse(error, "discovery.enabled needs http.enabled: DIAL knows no TLS");
    if ((config->tls.enabled || control) && !*config->tls.certificate)
        return refuse(error, "%s needs tls.certificate", control ? "control.tls" : "tls.enabled");
    return 0;
}

int config_check(struct config *config, struct config_error *error)
{
    if (check_paths(config, error) != 0)
        return -1;
    for (size_t i = 0; i < config->timeline_count; i++) {
        if (check_timeline(&config->timelines[i], error) != 0 ||
            check_selector(config, i, error) != 0)
            return -1;
    }
    if (config->http.idle_timeout_s != 0 &&
        config->http.idle_timeout_s <= config->http.ping_interval_s)
        return refuse(error, "http.idle_timeout must be more than http.ping_interval");
    if (check_listeners(config, error) != 0)
        return -1;
    if (*config->control.tcp_address && !*config->control.token && !*config->control.token_file)
        return refuse(error, "control.tcp_address needs control.token_file or control.token");
    if (config->pages.api && !config->pages.enabled)
        return refuse(error, "pages.api needs pages.enabled");
    if (config->pages.api && !*config->control.token && !*config->control.token_file)
        return refuse(error, "pages.api needs control.token_file or control.token");
    if (*config->control.token && *config->control.token_file)
        return refuse(error, "control.token and control.token_file: give one of them");
    return 0;
}

bool config_timeline_equal(const struct config_timeline *a, const struct config_timeline *b)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (is_timeline_key(&config_keys[i]) && !config_key_equal(&config_keys[i], a, b))
            return false;
    }
    return true;
}

bool config_runs_demo(const struct config *config)
{
    if (config->demo != CONFIG_DEMO_AUTO)
        return config->demo == CONFIG_DEMO_ALWAYS;
    return !config->from_file && !*config->content.id && config->timeline_count == 0;
}

void config_print_defaults(FILE *out)
{
    const char *section = "";

    fprintf(out, "# Configuration of dvbcssd. Every key is shown at its default.\n"
                 "# Each is also --set section.key=value and DVBCSS_SECTION_KEY=value.\n");
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        bool timeline = is_timeline_key(key);

        if (strcmp(section, key->section) != 0) {
            section = key->section;
            fprintf(out, timeline ? "\n# One section for each timeline.\n#[%s.NAME]\n" : "\n[%s]\n",
                    section);
        }
        fprintf(out, "# %s%s\n%s%s = %s\n", key->help,
                key->flags & CONFIG_LIVE ? "" : " (a change needs a restart)", timeline ? "#" : "",
                key->name, key->fallback);
    }
}
