#include <stdio.h>
#include <string.h>

#include "discovery/dial_server.h"
#include "dvbcss/alloc.h"

enum { PATH_SIZE = 256 };

/* Copies a list that ends with NULL; NULL stays NULL. */
static int copy_command(char ***copy, const char *const *command)
{
    size_t count = 0;

    *copy = NULL;
    if (!command)
        return 0;
    while (command[count])
        count++;
    *copy = dvbcss_calloc(count + 1, sizeof **copy);
    if (!*copy)
        return DVBCSS_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        (*copy)[i] = dvbcss_strdup(command[i]);
        if (!(*copy)[i])
            return DVBCSS_ENOMEM;
    }
    return 0;
}

static void free_command(char **command)
{
    for (size_t i = 0; command && command[i]; i++)
        dvbcss_free(command[i]);
    dvbcss_free(command);
}

void dial_settings_finish(struct dvbcss_dial_server *dial)
{
    char *const texts[] = {dial->description_path, dial->apps_path,  dial->inter_dev_sync_path,
                           dial->app2app_path,     dial->user_agent, dial->advertise_host};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        dvbcss_free(texts[i]);
    free_command(dial->launch_command);
    free_command(dial->stop_command);
    free_command(dial->allowed_origins);
}

static int copy_options(struct dvbcss_dial_server *dial,
                        const struct dvbcss_dial_server_options *options)
{
    const struct {
        char **copy;
        const char *text;
    } texts[] = {
        {&dial->description_path, options->description_path},
        {&dial->apps_path, options->apps_path},
        {&dial->inter_dev_sync_path, options->inter_dev_sync_path},
        {&dial->app2app_path, options->app2app_path},
        {&dial->user_agent, options->user_agent},
        {&dial->advertise_host, options->advertise_host},
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i].copy = dvbcss_strdup(texts[i].text);
        if (texts[i].text && !*texts[i].copy)
            return DVBCSS_ENOMEM;
    }
    dial->advertise_port = options->advertise_port;
    dial->command_timeout_ms = options->command_timeout_ms;
    if (copy_command(&dial->launch_command, options->launch_command) != 0 ||
        copy_command(&dial->stop_command, options->stop_command) != 0)
        return DVBCSS_ENOMEM;
    dial->allowed_origins = dvbcss_calloc(options->allowed_origin_count + 1, sizeof(char *));
    if (!dial->allowed_origins)
        return DVBCSS_ENOMEM;
    for (; dial->allowed_origin_count < options->allowed_origin_count;
         dial->allowed_origin_count++) {
        char **origin = &dial->allowed_origins[dial->allowed_origin_count];

        *origin = dvbcss_strdup(options->allowed_origins[dial->allowed_origin_count]);
        if (!*origin)
            return DVBCSS_ENOMEM;
    }
    return 0;
}

static bool path_is_good(const char *path)
{
    return path && path[0] == '/' && strlen(path) < PATH_SIZE;
}

static bool options_are_good(const struct dvbcss_dial_server_options *options)
{
    size_t length = options->apps_path ? strlen(options->apps_path) : 0;

    return path_is_good(options->description_path) && path_is_good(options->apps_path) &&
           path_is_good(options->inter_dev_sync_path) && path_is_good(options->app2app_path) &&
           length > 1 && options->apps_path[length - 1] != '/' &&
           options->description_path[1] != '\0' && options->user_agent &&
           options->command_timeout_ms > 0 &&
           (!options->launch_command || options->launch_command[0]) &&
           (!options->stop_command || options->stop_command[0]);
}

/* Whether the resource can be written for the longest address. */
static int try_application(const struct dvbcss_dial_server *dial)
{
    static const char longest[] = "ws://[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535";
    char app2app_url[sizeof longest + PATH_SIZE];
    char inter_dev_sync_url[sizeof longest + PATH_SIZE];
    char document[DVBCSS_DIAL_APPLICATION_SIZE];
    const struct dvbcss_dial_application application = {
        .app2app_url = app2app_url,
        .inter_dev_sync_url = inter_dev_sync_url,
        .user_agent = dial->user_agent,
    };

    snprintf(app2app_url, sizeof app2app_url, "%s%s", longest, dial->app2app_path);
    snprintf(inter_dev_sync_url, sizeof inter_dev_sync_url, "%s%s", longest,
             dial->inter_dev_sync_path);
    return dvbcss_dial_encode_application(&application, document, sizeof document, NULL);
}

int dial_settings_take(struct dvbcss_dial_server *dial,
                       const struct dvbcss_dial_server_options *options)
{
    int error;

    if (!options_are_good(options))
        return DVBCSS_EINVAL;
    dial->running = !options->launch_command;
    error = dvbcss_dial_encode_device(&options->device, dial->description, sizeof dial->description,
                                      NULL);
    if (!error)
        error = copy_options(dial, options);
    return error ? error : try_application(dial);
}
