#include "discovery/discovery_device.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dvbcss/dial.h"

static void end(struct discovery_device *device, int error, const char *format, ...)
    DVBCSS_PRINTF(3, 4);

static void end(struct discovery_device *device, int error, const char *format, ...)
{
    va_list arguments;

    device->found.error = error;
    va_start(arguments, format);
    vsnprintf(device->found.text, sizeof device->found.text, format, arguments);
    va_end(arguments);
    device->done = true;
    device->ended(device->user, device);
}

/* Writes an advertised URL with a host that can be reached from here; "" if it is none. */
static void repair(const char *advertised, unsigned schemes, const char *peer, char *text,
                   size_t size)
{
    struct dvbcss_url url;

    text[0] = '\0';
    if (dvbcss_url_parse_advertised(advertised, schemes, peer, &url, NULL) != 0)
        return;
    if (dvbcss_url_format(&url, text, size) != 0)
        text[0] = '\0';
}

/* ---- the application resource --------------------------------------------------------------- */

static void on_application(void *user, const struct discovery_fetched *fetched)
{
    struct discovery_device *device = user;
    struct dvbcss_discovered *found = &device->found;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    int error = fetched->error;

    found->http_status = fetched->status;
    if (error) {
        end(device, error, "application resource: %s", fetched->text);
        return;
    }
    error = dvbcss_discovery_decode_application(fetched->body, fetched->length, &found->application,
                                                &report);
    if (error) {
        end(device, error, "application resource: %s", report.reason);
        return;
    }
    repair(found->application.app2app_url, DVBCSS_URL_ANY_WEBSOCKET, found->address,
           found->app2app_url, sizeof found->app2app_url);
    repair(found->application.inter_dev_sync_url, DVBCSS_URL_ANY_WEBSOCKET, found->address,
           found->inter_dev_sync_url, sizeof found->inter_dev_sync_url);
    found->stage = DVBCSS_DISCOVERY_DONE;
    end(device, 0, "%s", "");
}

/* With the slash at the end of the Application-URL and without. */
static int application_location(const struct dvbcss_discovered *found, struct dvbcss_url *url)
{
    static const char name[] = "/" DVBCSS_DIAL_APPLICATION;
    size_t length;
    int error = dvbcss_url_parse(found->application_url, DVBCSS_URL_HTTP, url, NULL);

    if (error)
        return error;
    length = strlen(url->path);
    if (length > 0 && url->path[length - 1] == '/')
        length--;
    if (length + sizeof name > sizeof url->path)
        return DVBCSS_ELENGTH;
    memcpy(url->path + length, name, sizeof name);
    return 0;
}

/* ---- the description ------------------------------------------------------------------------ */

static void ask_for_application(struct discovery_device *device)
{
    struct dvbcss_discovered *found = &device->found;
    struct dvbcss_url url;
    int error;

    if (found->application_url_advertised[0] == '\0') {
        end(device, DVBCSS_EMISSING, "the device description has no header Application-URL");
        return;
    }
    repair(found->application_url_advertised, DVBCSS_URL_HTTP, found->address,
           found->application_url, sizeof found->application_url);
    error = application_location(found, &url);
    if (error) {
        end(device, DVBCSS_EVALUE, "the Application-URL cannot be used: %s",
            dvbcss_error_text(error));
        return;
    }
    found->stage = DVBCSS_DISCOVERY_APPLICATION;
    error = discovery_fetch_start(device->fetcher, &url, on_application, device);
    if (error)
        end(device, error, "application resource: %s", dvbcss_error_text(error));
}

static void on_description(void *user, const struct discovery_fetched *fetched)
{
    struct discovery_device *device = user;
    struct dvbcss_discovered *found = &device->found;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    int error = fetched->error;

    found->http_status = fetched->status;
    snprintf(found->address, sizeof found->address, "%s", fetched->address);
    if (error) {
        end(device, error, "device description: %s", fetched->text);
        return;
    }
    snprintf(found->content_type, sizeof found->content_type, "%s", fetched->content_type);
    snprintf(found->application_url_advertised, sizeof found->application_url_advertised, "%s",
             fetched->application_url);
    error = dvbcss_discovery_decode_device(fetched->body, fetched->length, &found->device, &report);
    if (error)
        end(device, error, "device description: %s", report.reason);
    else
        ask_for_application(device);
}

int discovery_device_start(struct discovery_device *device, const struct dvbcss_url *location)
{
    struct dvbcss_discovered *found = &device->found;
    int error = dvbcss_url_format(location, found->location, sizeof found->location);

    found->stage = DVBCSS_DISCOVERY_DESCRIPTION;
    if (!error)
        error = discovery_fetch_start(device->fetcher, location, on_description, device);
    return error;
}
