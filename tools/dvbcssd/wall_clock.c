#include "wall_clock.h"

#include <stdio.h>
#include <string.h>

#include "dvbcss/log.h"
#include "dvbcss/system_time.h"

/* What stands between the addresses of a list. */
#define SEPARATORS ", "

enum {
    /* A numeric address with its zone. */
    ADDRESS_SIZE = 64,
    MOST = DVBCSS_WC_SERVICE_MAX_ADDRESSES,
};

/* The addresses of a list, each with an end of its own. */
struct addresses {
    char text[MOST][ADDRESS_SIZE];
    const char *each[MOST];
    size_t count;
};

double wall_clock_freq_error_ppm(const struct config_wallclock *config)
{
    return config->max_freq_error_ppm > 0 ? config->max_freq_error_ppm
                                          : dvbcss_monotonic_max_freq_error_ppm();
}

/* Takes the next address from a list; "" at its end. One that is too long is cut, and then is no
 * address. */
static const char *take_address(const char *list, char address[ADDRESS_SIZE])
{
    size_t length;

    list += strspn(list, SEPARATORS);
    length = strcspn(list, SEPARATORS);
    snprintf(address, ADDRESS_SIZE, "%.*s", (int)length, list);
    return list + length;
}

/* Returns whether there are as many as a service can have, and at least one. */
static bool split(struct addresses *addresses, const char *list)
{
    addresses->count = 0;
    for (;;) {
        char address[ADDRESS_SIZE];

        list = take_address(list, address);
        if (!*address)
            return addresses->count > 0;
        if (addresses->count == MOST)
            return false;
        memcpy(addresses->text[addresses->count], address, sizeof address);
        addresses->each[addresses->count] = addresses->text[addresses->count];
        addresses->count++;
    }
}

/* More than its limit the system grants only to those with the right to exceed it. */
static void check_receive_buffer(const struct dvbcss_wc_service *service)
{
    size_t granted = dvbcss_wc_service_receive_buffer(service);

    if (granted < DVBCSS_WC_SERVER_RECEIVE_BUFFER)
        dvbcss_log(
            DVBCSS_LOG_INFO, "wc-receive-buffer",
            "the wall clock's receive buffer holds %zu bytes, so that bursts may be dropped: "
            "\"sysctl net.core.rmem_max=%d\" allows what it asks for",
            granted, DVBCSS_WC_SERVER_RECEIVE_BUFFER);
}

int wall_clock_start(struct dvbcss_wc_service **out, const struct config_wallclock *config,
                     char *reason, size_t reason_size)
{
    struct dvbcss_wc_service_options options = DVBCSS_WC_SERVICE_OPTIONS_INIT;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct addresses addresses;
    int result;

    if (!split(&addresses, config->address)) {
        snprintf(reason, reason_size, "address: expected 1 to %d addresses", MOST);
        return -1;
    }
    options.addresses = addresses.each;
    options.address_count = addresses.count;
    options.threads = (unsigned)config->threads;
    options.server.port = (uint16_t)config->port;
    options.server.follow_up = config->follow_ups;
    options.server.rehearse = config->rehearse;
    options.server.answers_per_s = (unsigned)config->rate_limit;
    options.server.max_freq_error_ppm = wall_clock_freq_error_ppm(config);
    result = dvbcss_wc_service_start(out, &options, &report);
    if (result == 0) {
        check_receive_buffer(*out);
        return 0;
    }
    snprintf(reason, reason_size, "%s", *report.reason ? report.reason : dvbcss_error_text(result));
    return -1;
}

bool wall_clock_is_on(const struct config_wallclock *config, const char *address)
{
    static const char *const wildcards[] = {"0.0.0.0", "::"};
    const char *list = config->address;

    for (;;) {
        char listed[ADDRESS_SIZE];

        list = take_address(list, listed);
        if (!*listed)
            return false;
        if (strcmp(listed, address) == 0 || strcmp(listed, wildcards[0]) == 0 ||
            strcmp(listed, wildcards[1]) == 0)
            return true;
    }
}

void wall_clock_first_address(const struct config_wallclock *config, char *address, size_t size)
{
    char first[ADDRESS_SIZE];

    (void)take_address(config->address, first);
    snprintf(address, size, "%s", first);
}
