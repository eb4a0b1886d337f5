/**
 * @file
 * Showing how a wall-clock client stands: its lines for people and for programs.
 */
#ifndef DVBCSS_TOOL_WC_REPORT_H
#define DVBCSS_TOOL_WC_REPORT_H

#include "dvbcss/wc_client.h"
#include "watch.h"

/** Exchanges whose times had to be taken in user space. */
struct wc_report_stamps {
    uint64_t user_t1;
    uint64_t user_t4;
};

/** The wall clock at one instant. */
struct wc_report_clock {
    struct dvbcss_wc_client_status status;
    struct wc_report_stamps stamps;
    int64_t local_ns;
    int64_t wall_ns;
    /** The largest bound since the last line. */
    double worst_bound_s;
};

/** Prints the JSON line {"event": "clock", ...}. */
void wc_report_clock(struct watch *watch, const struct wc_report_clock *clock);

/** Shows an exchange: its four times, who took those of this machine, and what they say. */
void wc_report_exchange(struct watch *watch, const struct dvbcss_wc_exchange *exchange);

/** Says at the end what the client has found out of the server's clock and of the way to it. */
void wc_report_summary(struct watch *watch, const struct dvbcss_wc_client_status *status,
                       const struct wc_report_stamps *stamps);

#endif
