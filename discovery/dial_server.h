/**
 * @file
 * What the DIAL service is made of. Private to discovery.
 */
#ifndef DISCOVERY_DIAL_SERVER_H
#define DISCOVERY_DIAL_SERVER_H

#include <uv.h>

#include "discovery/dial_command.h"
#include "dvbcss/discovery_dial.h"
#include "dvbcss/log.h"

struct dvbcss_dial_server {
    uv_loop_t *loop;
    struct dvbcss_http_handler *description_handler;
    struct dvbcss_http_handler *apps_handler;
    /* Written once: it is the same for everybody. */
    char description[DVBCSS_DIAL_DEVICE_SIZE];
    char *description_path;
    char *apps_path;
    char *inter_dev_sync_path;
    char *app2app_path;
    char *user_agent;
    char *advertise_host;
    uint16_t advertise_port;
    char **launch_command;
    char **stop_command;
    char **allowed_origins;
    size_t allowed_origin_count;
    unsigned command_timeout_ms;
    /* Without a launch command the application is what the TV itself runs. */
    bool running;
    /* The state that the command under way leads to. */
    bool will_run;
    struct dial_command *command;
    struct dvbcss_log_limit log_limit;
    struct dvbcss_dial_server_counters counters;
    bool closing;
    uv_timer_t end;
    void (*closed)(void *user);
    void *closed_user;
};

/** Takes the options into a zeroed service and writes its description: 0, DVBCSS_EINVAL,
 * DVBCSS_EVALUE, DVBCSS_ENOSPC, DVBCSS_ENOMEM; dial_settings_finish() is due in any case. */
DVBCSS_NODISCARD int dial_settings_take(struct dvbcss_dial_server *dial,
                                        const struct dvbcss_dial_server_options *options);

/** Frees what dial_settings_take() copied. */
void dial_settings_finish(struct dvbcss_dial_server *dial);

#endif
