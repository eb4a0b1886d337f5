#include "discovery.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dvbcss/alloc.h"
#include "dvbcss/discovery_identity.h"

struct discovery {
    struct dvbcss_dial_server *dial;
    struct dvbcss_discovery_responder *responder;
};

static const char server_header[] = "Linux UPnP/1.1 dvbcssd/" DVBCSS_VERSION;

/* ---- words ---------------------------------------------------------------------------------- */

/* The words of a setting, NULL at the end. */
struct words {
    char *text;
    char **list;
    size_t count;
};

static void words_free(struct words *words)
{
    free(words->list);
    free(words->text);
}

/* Takes a text apart at its spaces: 0 or -1. Either way words_free() is due. */
static int words_read(struct words *words, const char *text)
{
    char *rest, *word;

    words->count = 0;
    words->text = strdup(text);
    /* A word and the space after it take two characters. */
    words->list = calloc(strlen(text) / 2 + 2, sizeof *words->list);
    if (!words->text || !words->list)
        return -1;
    for (word = strtok_r(words->text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        words->list[words->count++] = word;
    return 0;
}

/* A command, or NULL for none. */
static const char *const *command_of(const struct words *words)
{
    return words->count > 0 ? (const char *const *)words->list : NULL;
}

/* ---- who it is ------------------------------------------------------------------------------ */

/* A name for those who set none. */
static void write_default_name(char *name, size_t size)
{
    char host[64] = "";

    gethostname(host, sizeof host - 1);
    snprintf(name, size, "dvbcss on %s", *host ? host : "this machine");
}

/* ---- starting ------------------------------------------------------------------------------- */

/* All that the two services are made of, as far as it has to be kept meanwhile. */
struct plan {
    const struct config *config;
    const char *name;
    char default_name[96];
    char uuid[DVBCSS_SSDP_UUID_SIZE];
    struct words interfaces;
    struct words origins;
    struct words launch;
    struct words stop;
};

static const char *text_or_none(const char *text)
{
    return *text ? text : NULL;
}

static int start_dial(struct discovery *discovery, struct dvbcss_server *server,
                      const struct plan *plan)
{
    const struct config_discovery *config = &plan->config->discovery;
    struct dvbcss_dial_server_options options = DVBCSS_DIAL_SERVER_OPTIONS_INIT;

    options.device =
        (struct dvbcss_dial_device){plan->name, config->manufacturer, config->model, plan->uuid};
    options.inter_dev_sync_path = plan->config->cii.path;
    options.app2app_path = config->app2app_path;
    options.user_agent = config->user_agent;
    options.advertise_host = text_or_none(plan->config->http.advertise_host);
    options.advertise_port = (uint16_t)plan->config->http.advertise_port;
    options.launch_command = command_of(&plan->launch);
    options.stop_command = command_of(&plan->stop);
    options.command_timeout_ms = (unsigned)(config->command_timeout_s * 1000);
    options.allowed_origins = (const char *const *)plan->origins.list;
    options.allowed_origin_count = plan->origins.count;
    return dvbcss_dial_server_create(&discovery->dial, server, &options);
}

static int start_responder(struct discovery *discovery, struct dvbcss_server *server,
                           const struct plan *plan)
{
    const struct config_discovery *config = &plan->config->discovery;
    struct dvbcss_discovery_responder_options options = DVBCSS_DISCOVERY_RESPONDER_OPTIONS_INIT;
    const struct sockaddr *address = dvbcss_server_address(server, 0);
    char text[INET6_ADDRSTRLEN];

    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)address;

        options.http_port = ntohs(v6->sin6_port);
        inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
        /* The daemon's "::" is all of both families. */
        options.ipv4 = IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
        options.http_address = options.ipv4 ? NULL : text;
    } else {
        const struct sockaddr_in *v4 = (const void *)address;

        options.http_port = ntohs(v4->sin_port);
        options.ipv6 = false;
        inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
        options.http_address = v4->sin_addr.s_addr == INADDR_ANY ? NULL : text;
    }
    options.uuid = plan->uuid;
    options.description_path = discovery_description_path();
    options.advertise_host = text_or_none(plan->config->http.advertise_host);
    options.advertise_port = (uint16_t)plan->config->http.advertise_port;
    options.interfaces = (const char *const *)plan->interfaces.list;
    options.interface_count = plan->interfaces.count;
    options.server = server_header;
    options.max_age_s = (unsigned)config->max_age_s;
    return dvbcss_discovery_responder_create(&discovery->responder, dvbcss_server_loop(server),
                                             &options);
}

static int make_plan(struct plan *plan, char *reason, size_t reason_size)
{
    const struct config_discovery *config = &plan->config->discovery;
    int error;

    if (words_read(&plan->interfaces, config->interfaces) != 0 ||
        words_read(&plan->origins, config->origins) != 0 ||
        words_read(&plan->launch, config->launch_command) != 0 ||
        words_read(&plan->stop, config->stop_command) != 0) {
        snprintf(reason, reason_size, "out of memory");
        return -1;
    }
    write_default_name(plan->default_name, sizeof plan->default_name);
    plan->name = *config->name ? config->name : plan->default_name;
    error = dvbcss_discovery_identity(text_or_none(config->state_file), plan->name, plan->uuid);
    if (error == 0)
        return 0;
    snprintf(reason, reason_size, "%s: %s",
             *config->state_file ? config->state_file : "an identity",
             error == DVBCSS_EVALUE ? "holds no UUID" : dvbcss_error_text(error));
    return -1;
}

static int start_both(struct discovery *discovery, struct dvbcss_server *server,
                      const struct plan *plan, char *reason, size_t reason_size)
{
    int error = start_dial(discovery, server, plan);

    if (error) {
        snprintf(reason, reason_size, "DIAL: %s",
                 error == DVBCSS_ENOSPC ? "name, manufacturer and model are too long"
                                        : dvbcss_error_text(error));
        return -1;
    }
    error = start_responder(discovery, server, plan);
    if (error)
        snprintf(reason, reason_size, "SSDP: UDP port %d: %s", DVBCSS_SSDP_PORT,
                 dvbcss_error_text(error));
    return error ? -1 : 0;
}

int discovery_start(struct discovery **out, struct dvbcss_server *server,
                    const struct config *config, char *reason, size_t reason_size)
{
    struct plan plan = {.config = config};
    struct discovery *discovery;
    int result = -1;

    *out = NULL;
    if (!config->discovery.enabled)
        return 0;
    discovery = dvbcss_calloc(1, sizeof *discovery);
    if (!discovery)
        snprintf(reason, reason_size, "out of memory");
    else if (make_plan(&plan, reason, reason_size) == 0)
        result = start_both(discovery, server, &plan, reason, reason_size);
    words_free(&plan.interfaces);
    words_free(&plan.origins);
    words_free(&plan.launch);
    words_free(&plan.stop);
    if (result == 0)
        *out = discovery;
    else
        discovery_stop(discovery);
    return result;
}

void discovery_stop(struct discovery *discovery)
{
    if (!discovery)
        return;
    dvbcss_discovery_responder_close(discovery->responder, NULL, NULL);
    dvbcss_dial_server_close(discovery->dial, NULL, NULL);
    dvbcss_free(discovery);
}

const char *discovery_description_path(void)
{
    static const struct dvbcss_dial_server_options defaults = DVBCSS_DIAL_SERVER_OPTIONS_INIT;

    return defaults.description_path;
}
