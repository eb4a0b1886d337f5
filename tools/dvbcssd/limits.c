#include "limits.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "dvbcss/alloc.h"
#include "endpoints.h"

int limits_or_unlimited(int64_t limit)
{
    return limit == 0 ? DVBCSS_UNLIMITED : (int)limit;
}

void limits_of_listener(struct dvbcss_server_options *options, const struct config_http *config)
{
    options->max_sockets = limits_or_unlimited(config->max_connections);
    options->max_sockets_per_address = limits_or_unlimited(config->max_connections_per_address);
    options->header_timeout_s = (unsigned)config->header_timeout_s;
    options->ping_interval_s = (unsigned)config->ping_interval_s;
    options->idle_timeout_s = config->idle_timeout_s != 0 ? (unsigned)config->idle_timeout_s
                                                          : 3 * options->ping_interval_s;
}

void limits_of_control(struct dvbcss_server_options *options, const struct config_control *config)
{
    options->max_sockets = (int)config->max_connections;
    options->max_sockets_per_address = limits_or_unlimited(config->max_connections_per_address);
}

void limits_of_endpoint(struct dvbcss_endpoint_limits *limits, const struct config_endpoint *config)
{
    limits->max_connections = (int)config->max_connections;
    limits->max_connections_per_address = limits_or_unlimited(config->max_connections_per_address);
    limits->max_message_bytes = (size_t)config->max_message_bytes;
    limits->max_messages_per_s = (unsigned)config->max_messages_per_s;
    limits->max_bytes_per_s = (size_t)config->max_bytes_per_s;
    limits->stall_timeout_s = (unsigned)config->stall_timeout_s;
    limits->setup_timeout_s = (unsigned)config->setup_timeout_s;
}

void limits_of_app2app(struct dvbcss_endpoint_limits *limits, const struct config_app2app *config)
{
    limits->max_connections_per_address = limits_or_unlimited(config->max_connections_per_address);
    limits->max_messages_per_s = (unsigned)config->max_messages_per_s;
    limits->max_bytes_per_s = (size_t)config->max_bytes_per_s;
}

void limits_of_page(struct dvbcss_endpoint_limits *limits, const struct config_page *config)
{
    limits->max_connections_per_address = limits_or_unlimited(config->max_connections_per_address);
    limits->max_message_bytes = (size_t)config->max_message_bytes;
    limits->max_messages_per_s = (unsigned)config->max_messages_per_s;
    limits->max_bytes_per_s = (size_t)config->max_bytes_per_s;
    limits->max_queued_bytes = (size_t)config->max_queued_bytes;
    limits->stall_timeout_s = (unsigned)config->stall_timeout_s;
    limits->setup_timeout_s = (unsigned)config->token_timeout_s;
}

static bool list_has(const char *list, const char *word)
{
    const size_t length = strlen(word);

    for (list += strspn(list, " "); *list; list += strspn(list, " ")) {
        size_t item = strcspn(list, " ");

        if (item == length && memcmp(list, word, length) == 0)
            return true;
        list += item;
    }
    return false;
}

struct dvbcss_access limits_access(const struct config_endpoint *config, const char *hosts)
{
    if (list_has(config->origins, "any"))
        return (struct dvbcss_access){DVBCSS_ORIGIN_ANY, NULL, NULL};
    if (list_has(config->origins, "same"))
        return (struct dvbcss_access){DVBCSS_ORIGIN_SAME, config->origins, hosts};
    return (struct dvbcss_access){DVBCSS_ORIGIN_NONE_OR_LISTED, config->origins, NULL};
}

char *limits_hosts(const struct config_http *config)
{
    size_t size = strlen(config->advertise_host) + strlen(config->hosts) + 2;
    char *hosts = dvbcss_malloc(size);

    if (hosts)
        snprintf(hosts, size, "%s %s", config->advertise_host, config->hosts);
    return hosts;
}

/* The channels that stand in for an endpoint follow its rules. */
static const struct config_endpoint *config_of(const struct config *config, enum endpoint_kind kind)
{
    switch (kind) {
    case ENDPOINT_CII:
    case ENDPOINT_COMPAT_CII:
        return &config->cii;
    case ENDPOINT_TS:
    case ENDPOINT_COMPAT_TS:
        return &config->ts;
    case ENDPOINT_WC_WS:
    case ENDPOINT_COMPAT_WC:
        return &config->wc_ws;
    default:
        return NULL;
    }
}

static int apply(const struct services *services, enum endpoint_kind kind)
{
    struct dvbcss_endpoint *endpoint = endpoint_of(services, kind);
    const struct config_endpoint *config = config_of(services->config, kind);
    struct dvbcss_endpoint_limits limits = *dvbcss_endpoint_limits(endpoint);
    const int max_connections = limits.max_connections;
    struct dvbcss_access access;
    int error;

    if (kind == ENDPOINT_APP2APP)
        limits_of_app2app(&limits, &services->config->app2app);
    else if (kind == ENDPOINT_PAGE)
        limits_of_page(&limits, &services->config->page);
    if (!config)
        return dvbcss_endpoint_set_limits(endpoint, &limits);
    limits_of_endpoint(&limits, config);
    limits.max_connections = max_connections;
    error = dvbcss_endpoint_set_limits(endpoint, &limits);
    access = limits_access(config, services->hosts);
    return error == 0 ? dvbcss_endpoint_set_access(endpoint, &access) : error;
}

int limits_apply(struct services *services)
{
    int error = 0;

    for (int i = 0; i < ENDPOINT_COUNT && error == 0; i++)
        error = apply(services, (enum endpoint_kind)i);
    return error;
}

int limits_apply_listener(struct services *services)
{
    struct dvbcss_server_options options = DVBCSS_SERVER_OPTIONS_INIT;
    char *hosts = limits_hosts(&services->config->http);
    int error;

    if (!hosts)
        return DVBCSS_ENOMEM;
    dvbcss_free(services->hosts);
    services->hosts = hosts;
    limits_of_listener(&options, &services->config->http);
    error = dvbcss_server_set_limits(services->server, &options);
    return error == 0 ? limits_apply(services) : error;
}

const char *limits_refusal_word(enum dvbcss_refusal why, char word[LIMITS_WORD_SIZE])
{
    static const char *const names[] = {
#define NAME_ENTRY(name, status, text) #name,
        DVBCSS_REFUSAL_MAP(NAME_ENTRY)
#undef NAME_ENTRY
    };
    size_t length = 0;

    for (; names[why][length] && length < LIMITS_WORD_SIZE - 1; length++)
        word[length] = (char)tolower((unsigned char)names[why][length]);
    word[length] = '\0';
    return word;
}
