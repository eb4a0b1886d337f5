#include "client_report.h"

#include <string.h>

/* What the command line calls an option of a client; else it is the URL that is wrong. */
static const char *culprit(const struct dvbcss_report *report, const char *url, int error)
{
    static const struct {
        const char *path;
        const char *name;
    } others[] = {{"pin", "--pin"}, {"bind_address", "BIND-ADDRESS"}};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(report->path, others[i].path) == 0)
            return others[i].name;
    /* Before there is a connection that is the file alone. */
    return error == DVBCSS_ETLS ? "--ca-file" : url;
}

int client_report_failure(const struct command *command, const char *url, int error,
                          const struct dvbcss_report *report)
{
    bool bad_option = error <= DVBCSS_ELENGTH || error == DVBCSS_ERANGE || error == DVBCSS_ETLS ||
                      *report->reason;

    failure(command, "%s: %s", culprit(report, url, error),
            *report->reason ? report->reason : dvbcss_error_text(error));
    return bad_option ? EXIT_USAGE : EXIT_FAILED;
}

void client_report_connected(struct watch *watch, const char *part)
{
    if (watch->json)
        watch_print(watch, json_pack("{s:s, s:s}", "event", "connected", "part", part));
    else
        watch_say(watch, "%s: connected", part);
}

void client_report_disconnected(struct watch *watch, const char *part,
                                const struct dvbcss_disconnect *why)
{
    if (watch->json)
        watch_print(watch,
                    json_pack("{s:s, s:s, s:s, s:i, s:i, s:s, s:I}", "event", "disconnected",
                              "part", part, "error", dvbcss_error_name(why->error), "http_status",
                              (int)why->http_status, "close_code", (int)why->close_code, "text",
                              why->text, "retry_in_ms", (json_int_t)why->retry_in_ms));
    else if (why->retry_in_ms >= 0)
        watch_say(watch, "%s: %s; again in %.1f s", part, why->text,
                  (double)why->retry_in_ms / 1e3);
    else
        watch_say(watch, "%s: %s", part, why->text);
}

void client_report_trouble(struct watch *watch, const char *part, int error, const char *text)
{
    if (watch->json)
        watch_print(watch, json_pack("{s:s, s:s, s:s, s:s}", "event", "trouble", "part", part,
                                     "error", dvbcss_error_name(error), "text", text));
    else
        watch_say(watch, "%s: %s", part, text);
}

void client_report_protocol_error(struct watch *watch, const char *part,
                                  const struct dvbcss_report *report)
{
    if (watch->json)
        watch_print(watch, json_pack("{s:s, s:s, s:s, s:s, s:s}", "event", "protocol_error", "part",
                                     part, "error", dvbcss_error_name(report->error), "path",
                                     report->path, "text", report->reason));
    else
        watch_say(watch, "%s: a message cannot be understood: %s%s%s", part, report->path,
                  *report->path ? ": " : "", report->reason);
}
