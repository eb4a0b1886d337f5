#include "discover_report.h"

#include <string.h>

#include "cii_report.h"

static json_t *text_or_null(const char *text)
{
    return *text ? json_string(text) : json_null();
}

/* ---- a TV ----------------------------------------------------------------------------------- */

static json_t *json_of(const struct dvbcss_discovered *device, const char *event)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "event", event, "name",
                     text_or_null(device->device.friendly_name), "manufacturer",
                     text_or_null(device->device.manufacturer), "model",
                     text_or_null(device->device.model_name), "udn",
                     text_or_null(device->device.udn), "address", text_or_null(device->address),
                     "description", text_or_null(device->location), "application_url",
                     text_or_null(device->application_url));
}

static void print_tv(struct watch *watch, const struct dvbcss_discovered *device,
                     const struct dvbcss_cii *cii, const char *trouble)
{
    json_t *line = json_of(device, "tv");

    if (line) {
        json_object_set_new(line, "state", text_or_null(device->application.state));
        json_object_set_new(line, "cii", text_or_null(device->inter_dev_sync_url));
        json_object_set_new(line, "app2app", text_or_null(device->app2app_url));
        json_object_set_new(line, "user_agent", text_or_null(device->application.user_agent));
        json_object_set_new(line, "presents", cii ? cii_report_state(cii) : json_null());
        json_object_set_new(line, "trouble", text_or_null(trouble));
    }
    watch_print(watch, line);
}

static void say(struct watch *watch, const char *what, const char *text)
{
    if (text && *text)
        watch_say(watch, "  %-13s%s", what, text);
}

static void say_cii(struct watch *watch, const struct dvbcss_cii *cii)
{
    const struct dvbcss_cii_timelines *timelines = &cii->timelines;

    say(watch, "presents", dvbcss_cii_text(cii, DVBCSS_CII_CONTENT_ID));
    if (cii->presentation_status.presence == DVBCSS_VALUE)
        say(watch, "status", cii->presentation_status.tokens[0]);
    say(watch, "wall clock", dvbcss_cii_text(cii, DVBCSS_CII_WC_URL));
    say(watch, "timelines at", dvbcss_cii_text(cii, DVBCSS_CII_TS_URL));
    for (size_t i = 0; timelines->presence == DVBCSS_VALUE && i < timelines->count; i++)
        say(watch, i == 0 ? "timelines" : "", timelines->items[i].selector);
}

void discover_report_tv(struct watch *watch, const struct dvbcss_discovered *device,
                        const struct dvbcss_cii *cii, const char *trouble)
{
    if (watch->json) {
        print_tv(watch, device, cii, trouble);
        return;
    }
    watch_say(watch, "%s (%s %s)", device->device.friendly_name, device->device.manufacturer,
              device->device.model_name);
    say(watch, "description", device->location);
    say(watch, "CII", device->inter_dev_sync_url);
    say(watch, "App2App", device->app2app_url);
    say(watch, "application", device->application.state);
    if (cii)
        say_cii(watch, cii);
    say(watch, "trouble", trouble);
}

/* ---- others, and the end -------------------------------------------------------------------- */

void discover_report_other(struct watch *watch, const struct dvbcss_discovered *device)
{
    json_t *line;

    if (!watch->json) {
        watch_say(watch, "%s%s%s",
                  *device->device.friendly_name ? device->device.friendly_name : device->location,
                  *device->location ? ": " : "", device->text);
        return;
    }
    line = json_of(device, "other");
    if (line) {
        json_object_set_new(line, "error", json_string(dvbcss_error_name(device->error)));
        json_object_set_new(line, "http_status", json_integer((json_int_t)device->http_status));
        json_object_set_new(line, "text", json_string(device->text));
    }
    watch_print(watch, line);
}

void discover_report_done(struct watch *watch,
                          const struct dvbcss_discovery_client_counters *counters, size_t tvs)
{
    if (watch->json) {
        watch_print(watch, json_pack("{s:s, s:I, s:I, s:I, s:I}", "event", "done", "tvs",
                                     (json_int_t)tvs, "searches", (json_int_t)counters->searches,
                                     "responses", (json_int_t)counters->responses, "malformed",
                                     (json_int_t)counters->malformed));
        return;
    }
    if (tvs > 0)
        return;
    watch_say(watch, "no TV was found");
    if (counters->searches == 0 && counters->send_failures > 0)
        watch_say(watch, "no search could be sent: is this machine on a network?");
    else if (counters->responses == 0)
        watch_say(watch,
                  "nobody answered: is the TV on, in this network, and set to be found? Guest and "
                  "mesh networks often drop multicast: try 'dvbcss discover HOST'.");
}
