#include "endpoints.h"

#include <string.h>

const char *const endpoint_names[ENDPOINT_COUNT] = {
    "cii", "ts", "wc_ws", "app2app", "compat_cii", "compat_wc", "compat_ts", "page"};

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

bool endpoint_speaks_cii(enum endpoint_kind kind)
{
    return kind == ENDPOINT_CII || kind == ENDPOINT_COMPAT_CII;
}

bool endpoint_speaks_ts(enum endpoint_kind kind)
{
    return kind == ENDPOINT_TS || kind == ENDPOINT_COMPAT_TS;
}

struct dvbcss_wc_ws_endpoint *endpoint_wc_ws(const struct services *services,
                                             enum endpoint_kind kind)
{
    if (kind == ENDPOINT_WC_WS)
        return services->wc_ws;
    return kind == ENDPOINT_COMPAT_WC ? services->app2app.wc : NULL;
}

struct dvbcss_endpoint *endpoint_of(const struct services *services, enum endpoint_kind kind)
{
    switch (kind) {
    case ENDPOINT_CII:
        return dvbcss_cii_endpoint_base(services->cii);
    case ENDPOINT_COMPAT_CII:
        return dvbcss_cii_endpoint_base(services->app2app.cii);
    case ENDPOINT_COMPAT_TS:
        return services->app2app.ts;
    case ENDPOINT_APP2APP:
        return dvbcss_app2app_endpoint_base(services->app2app.relay);
    case ENDPOINT_WC_WS:
    case ENDPOINT_COMPAT_WC:
        return dvbcss_wc_ws_endpoint_base(endpoint_wc_ws(services, kind));
    case ENDPOINT_PAGE:
        return page_channel_endpoint(services->page);
    default:
        return dvbcss_ts_endpoint_base(services->ts);
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
