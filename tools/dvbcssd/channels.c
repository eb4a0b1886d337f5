#include "channels.h"

#include "connection_log.h"
#include "limits.h"
#include "wall_clock.h"

struct dvbcss_cii_endpoint_options channels_cii(const struct config *config, const char *hosts)
{
    struct dvbcss_cii_endpoint_options options = DVBCSS_CII_ENDPOINT_OPTIONS_INIT;

    options.access = limits_access(&config->cii, hosts);
    limits_of_endpoint(&options.limits, &config->cii);
    options.advertise_host = *config->http.advertise_host ? config->http.advertise_host : NULL;
    options.advertise_port = (uint16_t)config->http.advertise_port;
    options.advertise_tls_port = (uint16_t)config->tls.advertise_port;
    return options;
}

struct dvbcss_wc_ws_endpoint_options channels_wall_clock(const struct config *config,
                                                         const char *hosts,
                                                         const struct dvbcss_clock *wall_clock)
{
    struct dvbcss_wc_ws_endpoint_options options = DVBCSS_WC_WS_ENDPOINT_OPTIONS_INIT;

    options.access = limits_access(&config->wc_ws, hosts);
    limits_of_endpoint(&options.limits, &config->wc_ws);
    options.answers_per_s = (unsigned)config->wc_ws_answers_per_s;
    options.wall_clock = wall_clock;
    options.max_freq_error_ppm = wall_clock_freq_error_ppm(&config->wallclock);
    options.on_disconnect = connection_log_end;
    return options;
}
