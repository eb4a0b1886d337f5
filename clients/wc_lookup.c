#include "clients/wc_lookup.h"

#include <stdbool.h>

#include "dvbcss/alloc.h"

struct wc_lookup {
    uv_getaddrinfo_t request;
    uint16_t port;
    bool cancelled;
    wc_lookup_done done;
    void *user;
};

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct wc_lookup *lookup = request->data;
    union wc_address addresses[WC_LOOKUP_ADDRESSES];
    unsigned count = 0;

    for (const struct addrinfo *each = found; each && count < WC_LOOKUP_ADDRESSES;
         each = each->ai_next) {
        if (wc_address_from_sockaddr(each->ai_addr, lookup->port, &addresses[count]) == 0)
            count++;
    }
    uv_freeaddrinfo(found);
    if (status == 0 && count == 0)
        status = UV_EAI_NODATA;
    if (lookup->cancelled)
        status = UV_ECANCELED;
    lookup->done(lookup->user, status, addresses, count);
    dvbcss_free(lookup);
}

int wc_lookup_start(struct wc_lookup **out, uv_loop_t *loop, const char *host, uint16_t port,
                    int family, wc_lookup_done done, void *user)
{
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_DGRAM};
    struct wc_lookup *lookup = dvbcss_calloc(1, sizeof *lookup);
    int result;

    if (!lookup)
        return DVBCSS_ENOMEM;
    lookup->request.data = lookup;
    lookup->port = port;
    lookup->done = done;
    lookup->user = user;
    result = uv_getaddrinfo(loop, &lookup->request, on_resolved, host, NULL, &hints);
    if (result != 0) {
        dvbcss_free(lookup);
        return result == UV_ENOMEM ? DVBCSS_ENOMEM : DVBCSS_ERESOLVE;
    }
    *out = lookup;
    return 0;
}

void wc_lookup_cancel(struct wc_lookup *lookup)
{
    lookup->cancelled = true;
    /* Fails if it is being looked up right now; then it runs to its end. */
    (void)uv_cancel((uv_req_t *)&lookup->request);
}
