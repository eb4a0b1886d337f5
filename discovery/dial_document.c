#include <stdio.h>
#include <string.h>

#include "common/utf8.h"
#include "dvbcss/dial.h"
#include "dvbcss/ssdp.h"

/* XML text that grows within its bounds; the first error stays. */
struct writer {
    char *text;
    size_t size;
    size_t length;
    int error;
};

static void put(struct writer *writer, const char *text)
{
    size_t length = strlen(text);

    if (writer->error)
        return;
    if (length >= writer->size - writer->length) {
        writer->error = DVBCSS_ENOSPC;
        return;
    }
    memcpy(writer->text + writer->length, text, length + 1);
    writer->length += length;
}

static const char *escape_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    default:
        return NULL;
    }
}

/* Puts text where markup has no meaning. XML 1.0 knows no control characters but white space, which
 * has no place in a name or a URL. */
static void put_escaped(struct writer *writer, const char *text)
{
    if (!utf8_is_valid(text)) {
        writer->error = DVBCSS_EVALUE;
        return;
    }
    for (; *text != '\0'; text++) {
        const char single[2] = {*text, '\0'};
        const char *escape = escape_of(*text);

        if ((unsigned char)*text < ' ' || *text == 0x7f) {
            writer->error = DVBCSS_EVALUE;
            return;
        }
        put(writer, escape ? escape : single);
    }
}

/* <name>text</name>; the text is required. */
static void put_element(struct writer *writer, const char *name, const char *text)
{
    if (!text || text[0] == '\0') {
        writer->error = DVBCSS_EVALUE;
        return;
    }
    put(writer, "<");
    put(writer, name);
    put(writer, ">");
    put_escaped(writer, text);
    put(writer, "</");
    put(writer, name);
    put(writer, ">\n");
}

static int finish(const struct writer *writer, char *text, size_t size, size_t *length)
{
    if (writer->error)
        return writer->error;
    if (writer->length >= size)
        return DVBCSS_ENOSPC;
    memcpy(text, writer->text, writer->length + 1);
    if (length)
        *length = writer->length;
    return 0;
}

static const char declaration[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

int dvbcss_dial_encode_device(const struct dvbcss_dial_device *device, char *text, size_t size,
                              size_t *length)
{
    char built[DVBCSS_DIAL_DEVICE_SIZE];
    char udn[sizeof "uuid:" + DVBCSS_SSDP_UUID_SIZE];
    struct writer writer = {built, sizeof built, 0, 0};

    if (!device->uuid || !dvbcss_ssdp_uuid_is_valid(device->uuid))
        return DVBCSS_EVALUE;
    snprintf(udn, sizeof udn, "uuid:%s", device->uuid);
    put(&writer, declaration);
    put(&writer, "<root xmlns=\"" DVBCSS_DIAL_NS_DEVICE "\">\n"
                 "<specVersion><major>1</major><minor>1</minor></specVersion>\n<device>\n");
    put_element(&writer, "deviceType", DVBCSS_SSDP_DEVICE_TYPE);
    put_element(&writer, "friendlyName", device->friendly_name);
    put_element(&writer, "manufacturer", device->manufacturer);
    put_element(&writer, "modelName", device->model_name);
    put_element(&writer, "UDN", udn);
    put(&writer, "</device>\n</root>\n");
    return finish(&writer, text, size, length);
}

int dvbcss_dial_encode_application(const struct dvbcss_dial_application *application, char *text,
                                   size_t size, size_t *length)
{
    char built[DVBCSS_DIAL_APPLICATION_SIZE];
    struct writer writer = {built, sizeof built, 0, 0};

    put(&writer, declaration);
    put(&writer, "<service xmlns=\"" DVBCSS_DIAL_NS_SERVICE "\" xmlns:hbbtv=\"" DVBCSS_DIAL_NS_HBBTV
                 "\" dialVer=\"1.7\">\n");
    put_element(&writer, "name", DVBCSS_DIAL_APPLICATION);
    put(&writer, application->allow_stop ? "<options allowStop=\"true\"/>\n"
                                         : "<options allowStop=\"false\"/>\n");
    put_element(&writer, "state", application->running ? "running" : "stopped");
    /* Companions in the field cannot read any other link. */
    if (application->running && application->allow_stop)
        put(&writer, "<link rel=\"run\" href=\"run\"/>\n");
    put(&writer, "<additionalData>\n");
    put_element(&writer, "hbbtv:X_HbbTV_App2AppURL", application->app2app_url);
    put_element(&writer, "hbbtv:X_HbbTV_InterDevSyncURL", application->inter_dev_sync_url);
    put_element(&writer, "hbbtv:X_HbbTV_UserAgent", application->user_agent);
    put(&writer, "</additionalData>\n</service>\n");
    return finish(&writer, text, size, length);
}
