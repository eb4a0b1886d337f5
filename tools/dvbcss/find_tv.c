#include "find_tv.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uv.h>

#include "terminal.h"

enum { TVS_MAX = 64 };

struct finder {
    const struct command *command;
    /** What a friendly name is compared with; NULL for any. */
    const char *name;
    struct dvbcss_discovery_client *client;
    struct dvbcss_discovered *tvs;
    size_t count;
    /** The last device that could not be read. */
    struct dvbcss_discovered failed;
};

bool find_tv_is_url(const char *argument)
{
    return strstr(argument, "://") != NULL;
}

void find_tv_at(struct dvbcss_discovery_client_options *options, const char *argument)
{
    if (find_tv_is_url(argument))
        options->location = argument;
    else
        options->host = argument;
}

static bool is_address(const char *text)
{
    struct in6_addr address;
    char bare[INET6_ADDRSTRLEN + 1] = "";

    strncat(bare, text, strcspn(text, "%") < sizeof bare ? strcspn(text, "%") : sizeof bare - 1);
    return inet_pton(AF_INET, bare, &address) == 1 || inet_pton(AF_INET6, bare, &address) == 1;
}

static void stop(struct finder *finder)
{
    dvbcss_discovery_client_close(finder->client, NULL, NULL);
    finder->client = NULL;
}

static void on_found(void *user, const struct dvbcss_discovered *device)
{
    struct finder *finder = user;
    bool named = finder->name && strcasecmp(device->device.friendly_name, finder->name) == 0;

    if (device->stage != DVBCSS_DISCOVERY_DONE) {
        finder->failed = *device;
        return;
    }
    if (finder->name && !strcasestr(device->device.friendly_name, finder->name))
        return;
    if (named)
        finder->count = 0;
    if (finder->count < TVS_MAX)
        finder->tvs[finder->count++] = *device;
    if (named)
        stop(finder);
}

static void on_done(void *user)
{
    stop(user);
}

static int run_search(struct finder *finder, const char *place)
{
    struct dvbcss_discovery_client_options options = DVBCSS_DISCOVERY_CLIENT_OPTIONS_INIT;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    uv_loop_t loop;
    int error;

    if (uv_loop_init(&loop) != 0)
        return DVBCSS_EIO;
    options.events.found = on_found;
    options.events.done = on_done;
    options.user = finder;
    if (place)
        find_tv_at(&options, place);
    error = dvbcss_discovery_client_create(&finder->client, &loop, &options, &report);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return error;
}

/* Takes the one that is left, or says why there is none. */
static int choose(const struct finder *finder, const char *name, struct dvbcss_discovered *tv)
{
    if (finder->count == 1) {
        *tv = finder->tvs[0];
        return EXIT_DONE;
    }
    *tv = finder->failed;
    if (finder->count == 0 && *finder->failed.text)
        return failure(finder->command, "%s%s%s", finder->failed.location,
                       *finder->failed.location ? ": " : "", finder->failed.text);
    if (finder->count == 0)
        return failure(finder->command, name ? "no TV called \"%s\" was found" : "no TV was found",
                       name);
    failure(finder->command, "there are %zu TVs%s%s%s; which one?", finder->count,
            name ? " called \"" : "", name ? name : "", name ? "\"" : "");
    for (size_t i = 0; i < finder->count; i++) {
        terminal_print(stderr, "  %s  %s", finder->tvs[i].device.friendly_name,
                       finder->tvs[i].location);
        fputc('\n', stderr);
    }
    return EXIT_FAILED;
}

int find_tv(const struct command *command, const char *name, struct dvbcss_discovered *tv)
{
    bool is_place = name && (find_tv_is_url(name) || is_address(name));
    struct finder finder = {.command = command, .name = is_place ? NULL : name};
    int error, exit_code;

    memset(tv, 0, sizeof *tv);
    finder.tvs = calloc(TVS_MAX, sizeof *finder.tvs);
    if (!finder.tvs)
        return failure(command, "out of memory");
    error = run_search(&finder, is_place ? name : NULL);
    exit_code = error == 0
                    ? choose(&finder, name, tv)
                    : failure(command, "%s: %s", name ? name : "search", dvbcss_error_text(error));
    free(finder.tvs);
    return exit_code;
}

bool find_tv_is_cii_url(const char *argument)
{
    return find_tv_is_url(argument) && strncasecmp(argument, "http", 4) != 0;
}

int find_cii_url(const struct command *command, const char *argument, struct dvbcss_discovered *tv,
                 const char **url)
{
    int exit_code;

    *url = argument;
    if (argument && find_tv_is_cii_url(argument))
        return EXIT_DONE;
    exit_code = find_tv(command, argument, tv);
    *url = tv->inter_dev_sync_url;
    if (exit_code == EXIT_DONE && !**url)
        return failure(command, "%s names no CII endpoint; try 'dvbcss doctor'",
                       tv->device.friendly_name);
    return exit_code;
}
