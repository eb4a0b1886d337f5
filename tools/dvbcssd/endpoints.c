#include "endpoints.h"

#include <string.h>

const char *const endpoint_names[ENDPOINT_COUNT] = {"cii", "ts", "page"};

bool endpoint_named(const char *name, enum endpoint_kind *kind)
{
    for (int i = 0; i < ENDPOINT_COUNT; i++) {
        if (strcmp(endpoint_names[i], name) == 0) {
            *kind = (enum endpoint_kind)i;
            return true;
        }
    }
    return false;
}

struct dvbcss_endpoint *endpoint_of(const struct services *services, enum endpoint_kind kind)
{
    switch (kind) {
    case ENDPOINT_CII:
        return dvbcss_cii_endpoint_base(services->cii);
    case ENDPOINT_TS:
        return dvbcss_ts_endpoint_base(services->ts);
    default:
        return page_channel_endpoint(services->page);
    }
}

int endpoint_enable(struct services *services, enum endpoint_kind kind, bool enabled)
{
    if (kind == ENDPOINT_TS)
        return services_enable_ts(services, enabled);
    dvbcss_endpoint_set_enabled(endpoint_of(services, kind), enabled);
    return 0;
}

struct dvbcss_connection *endpoint_find_connection(const struct services *services, const char *id,
                                                   enum endpoint_kind *kind)
{
    for (int i = 0; i < ENDPOINT_COUNT; i++) {
        struct dvbcss_connection *found =
            dvbcss_endpoint_find(endpoint_of(services, (enum endpoint_kind)i), id);

        if (found) {
            *kind = (enum endpoint_kind)i;
            return found;
        }
    }
    return NULL;
}
