/**
 * @file
 * The daemon's configuration: one table of keys drives the file, `--set`, the environment, the
 * checks and the commented default file.
 *
 * Sources, later ones win: defaults, the file, the environment (DVBCSS_SECTION_KEY), `--set`.
 */
#ifndef DVBCSSD_CONFIG_H
#define DVBCSSD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "dvbcss/time.h"

/** `[wallclock]`: the CSS-WC server. */
struct config_wallclock {
    bool enabled;
    /** One or more, separated by spaces or commas. */
    char *address;
    int64_t port;
    /** 0 for `port`. */
    int64_t advertise_port;
    int64_t threads;
    /** Answers per second to one source; 0 for no limit. */
    int64_t rate_limit;
    /** 0 for what the system knows. */
    double max_freq_error_ppm;
    bool follow_ups;
    bool rehearse;
};

/** `[http]`: the listener that carries the WebSocket endpoints. */
struct config_http {
    bool enabled;
    char *address;
    int64_t port;
    char *advertise_host;
    /** 0 for the one that each companion reached. */
    int64_t advertise_port;
    /** Separated by spaces. */
    char *hosts;
    /** 0 for no limit, as in the limits below but for `max_connections` of endpoints. */
    int64_t max_connections;
    int64_t max_connections_per_address;
    int64_t header_timeout_s;
    int64_t ping_interval_s;
    /** 0 for three times the interval of pings. */
    int64_t idle_timeout_s;
    /** 0 for what the limits of connections need. */
    int64_t fd_limit;
    bool metrics;
};

/** `[tls]`: the listener that carries the same by TLS, and the certificate for all with TLS. */
struct config_tls {
    bool enabled;
    char *address;
    int64_t port;
    int64_t advertise_port;
    /** Files. Empty for none, and for one that the certificate's file has. */
    char *certificate;
    char *key;
};

/** `[cii]`, `[ts]` and `[wc_ws]`: a WebSocket endpoint. */
struct config_endpoint {
    bool enabled;
    char *path;
    int64_t max_connections;
    int64_t max_connections_per_address;
    int64_t max_message_bytes;
    int64_t max_messages_per_s;
    int64_t max_bytes_per_s;
    int64_t stall_timeout_s;
    /** `[ts]` only. */
    int64_t setup_timeout_s;
    /** Separated by spaces. */
    char *origins;
};

/** `[app2app]`: the relay between pages on the TV and companions, at discovery.app2app_path. */
struct config_app2app {
    bool enabled;
    /** The channels that stand in for CII, wall clock and TS. */
    bool compatibility;
    int64_t max_connections;
    int64_t max_connections_per_address;
    int64_t max_waiting;
    int64_t max_waiting_per_name;
    int64_t max_waiting_per_address;
    double wait_timeout_s;
    int64_t max_message_bytes;
    int64_t max_messages_per_s;
    int64_t max_bytes_per_s;
    int64_t max_early_bytes;
    int64_t max_queued_bytes;
    int64_t max_queued_bytes_per_address;
    int64_t max_queued_bytes_in_all;
    bool local_from_anywhere;
    /** Separated by spaces; empty for any. */
    char *local_origins;
};

/** `[content]`: what the TV presents. */
struct config_content {
    char *id;
    /** What companions are told in place of any content id; empty for nothing. */
    char *id_override;
    char *id_status;
    char *presentation_status;
};

/** `[timeline.NAME]`: one timeline of the content. */
struct config_timeline {
    char *name;
    char *selector;
    /** Zero parts mean "what the selector implies". */
    struct dvbcss_rate rate;
    int64_t start_ticks;
    double speed;
    /** Negative if not stated. */
    double accuracy_s;
    bool available;
};

/** `[control]`: who may look at the daemon and change it while it runs, and where. */
struct config_control {
    char *socket;
    int64_t socket_mode;
    char *socket_owner;
    char *socket_group;
    char *tcp_address;
    int64_t tcp_port;
    int64_t max_connections;
    int64_t max_connections_per_address;
    bool tls;
    char *token;
    char *token_file;
    /** Separated by spaces, as are the origins. */
    char *hosts;
    char *origins;
};

/** `[discovery]`: how companions find the television (SSDP and DIAL). */
struct config_discovery {
    bool enabled;
    char *name;
    char *manufacturer;
    char *model;
    char *user_agent;
    /** Separated by spaces, as are the origins and the words of the commands. */
    char *interfaces;
    char *state_file;
    int64_t max_age_s;
    char *app2app_path;
    char *launch_command;
    char *stop_command;
    double command_timeout_s;
    char *origins;
};

/** `[pages]`: what browsers get. */
struct config_pages {
    bool enabled;
    /** Empty for the one that was installed with the program. */
    char *folder;
    /** Empty for none. */
    char *media;
    bool api;
};

/** `[page]`: the channel for a web page that is the television. */
struct config_page {
    bool enabled;
    char *path;
    /** Separated by spaces. */
    char *origins;
    char *token;
    char *token_file;
    bool trust_loopback;
    double silence_timeout_s;
    int64_t max_connections;
    int64_t max_connections_per_address;
    int64_t max_message_bytes;
    int64_t max_messages_per_s;
    int64_t max_bytes_per_s;
    int64_t max_queued_bytes;
    int64_t stall_timeout_s;
    int64_t token_timeout_s;
};

/** `[log]`. */
struct config_log {
    int64_t level;
    /** An enum log_format, and an enum log_target. */
    int64_t format;
    int64_t target;
};

struct config {
    struct config_wallclock wallclock;
    struct config_http http;
    struct config_tls tls;
    struct config_endpoint cii;
    struct config_endpoint ts;
    double ts_resend_s;
    double ts_delay_ms;
    struct config_endpoint wc_ws;
    int64_t wc_ws_answers_per_s;
    struct config_app2app app2app;
    struct config_content content;
    struct config_timeline *timelines;
    size_t timeline_count;
    /** An enum config_demo. */
    int64_t demo;
    double demo_step_s;
    struct config_control control;
    struct config_discovery discovery;
    struct config_pages pages;
    struct config_page page;
    struct config_log log;
    /** Whether a file was read. */
    bool from_file;
};

/** When the built-in demo programme runs. */
enum config_demo {
    /** Without a file, content and timelines of its own. */
    CONFIG_DEMO_AUTO,
    CONFIG_DEMO_ALWAYS,
    CONFIG_DEMO_NEVER,
};

/** How log lines are written, in the order of the words in the file. */
enum log_format { LOG_TEXT, LOG_JSON };

/** Where log lines go, in the order of the words in the file. */
enum log_target { LOG_STDERR, LOG_JOURNALD };

/** What is wrong and where, as one line for a person: "tv.conf:12: wallclock.port: ...". */
struct config_error {
    char text[512];
};

/** Fills @p config with the defaults. Returns 0, or -1 without memory. */
int config_init(struct config *config);

/** Frees what @p config holds; a zeroed one is fine. */
void config_finish(struct config *config);

/** Reads an INI file into @p config. Returns 0, or -1 with @p error filled; then @p config may
 * hold a part of the file and is good for config_finish() only. The same holds for the functions
 * below. */
int config_read_file(struct config *config, const char *path, struct config_error *error);

/** Takes every DVBCSS_SECTION_KEY=value of a null-terminated environment; one that names no key is
 * an error, so that a slip of the pen is noticed. */
int config_read_environment(struct config *config, char *const *environment,
                            struct config_error *error);

/** Takes one "section.key=value". */
int config_set(struct config *config, const char *assignment, struct config_error *error);

/** Checks what one key alone cannot show, and completes timelines from their selectors. */
int config_check(struct config *config, struct config_error *error);

/** What a token has to be like, so that it can stand in a header and nobody guesses it. */
enum { CONFIG_TOKEN_MIN = 16, CONFIG_TOKEN_MAX = 255 };
#define CONFIG_TOKEN_RULE "16 to 255 printable characters without spaces"

/** Tells whether @p length bytes are such a token. */
bool config_token_is_good(const char *token, size_t length);

/** Reads a tick rate, as 90000 or 30000/1001; false if it is none. */
bool config_read_rate(const char *text, struct dvbcss_rate *rate);

/** Longest name of a timeline, and longest path of an endpoint. */
enum { CONFIG_NAME_MAX = 50, CONFIG_PATH_MAX = 255 };

/** Tells whether a timeline can be called that. */
bool config_name_is_good(const char *name);

/** Finds a timeline by its name; NULL if there is none. */
const struct config_timeline *config_timeline_find(const struct config *config, const char *name);

/** By how much, in milliseconds, the picture may leave the television later or sooner than its
 * timelines say. */
#define CONFIG_DELAY_MAX_MS 10000.0

/** Tells whether two timelines are configured alike. */
bool config_timeline_equal(const struct config_timeline *a, const struct config_timeline *b);

/** Tells whether the demo programme is what the TV presents. */
bool config_runs_demo(const struct config *config);

/** Prints a commented configuration file with every key at its default. */
void config_print_defaults(FILE *out);

#endif
