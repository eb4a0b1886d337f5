/*
 * The readers of a TV's XML documents: texts they read end within their space and are UTF-8.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "dvbcss/discovery_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_text(const char *text, size_t size)
{
    if (!memchr(text, '\0', size) || !utf8_is_valid(text))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dvbcss_discovery_device device;
    struct dvbcss_discovery_application application;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;

    if (dvbcss_discovery_decode_device(data, size, &device, &report) == 0) {
        require_text(device.friendly_name, sizeof device.friendly_name);
        require_text(device.manufacturer, sizeof device.manufacturer);
        require_text(device.model_name, sizeof device.model_name);
        require_text(device.udn, sizeof device.udn);
    } else if (report.error == 0) {
        abort();
    }
    if (dvbcss_discovery_decode_application(data, size, &application, NULL) == 0) {
        require_text(application.name, sizeof application.name);
        require_text(application.dial_version, sizeof application.dial_version);
        require_text(application.app2app_url, sizeof application.app2app_url);
        require_text(application.inter_dev_sync_url, sizeof application.inter_dev_sync_url);
        require_text(application.user_agent, sizeof application.user_agent);
    }
    return 0;
}
