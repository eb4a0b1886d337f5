#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "dvbcss/discovery_xml.h"

static char bytes[8192];

static size_t read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t length;

    cr_assert_not_null(file, "%s", path);
    length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return length;
}

/* Calls @p check with the content of each file of a folder. */
static void each(const char *pattern, void (*check)(const char *path, size_t length))
{
    glob_t found;

    cr_assert_eq(glob(pattern, 0, NULL, &found), 0, "%s", pattern);
    for (size_t i = 0; i < found.gl_pathc; i++)
        check(found.gl_pathv[i], read_file(found.gl_pathv[i]));
    globfree(&found);
}

/* ---- device --------------------------------------------------------------------------------- */

static void expect_kitchen(const char *path, size_t length)
{
    struct dvbcss_discovery_device device;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;

    cr_assert_eq(dvbcss_discovery_decode_device(bytes, length, &device, &report), 0, "%s: %s", path,
                 report.reason);
    cr_expect_str_eq(device.device_type, "urn:schemas-upnp-org:device:tvdevice:1", "%s", path);
    cr_expect_str_eq(device.friendly_name, "Küche", "%s", path);
    cr_expect_str_eq(device.manufacturer, "Maker", "%s", path);
    cr_expect_str_eq(device.model_name, "M1", "%s", path);
    cr_expect_str_eq(device.udn, "uuid:1", "%s", path);
}

Test(discovery_xml, device_descriptions_of_all_kinds_are_read)
{
    each(VECTORS_DIR "/discovery/valid/device/*.xml", expect_kitchen);
}

static void expect_no_device(const char *path, size_t length)
{
    struct dvbcss_discovery_device device;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    int error;

    memset(&device, 0x55, sizeof device);
    error = dvbcss_discovery_decode_device(bytes, length, &device, &report);
    cr_expect_neq(error, 0, "%s", path);
    cr_expect_eq(report.error, error, "%s", path);
    cr_expect_str_not_empty(report.reason, "%s", path);
    cr_expect_eq(device.friendly_name[0], 0x55, "%s changed the result", path);
}

Test(discovery_xml, what_is_no_device_description_is_refused)
{
    each(VECTORS_DIR "/discovery/invalid/device/*.xml", expect_no_device);
}

static int decode_device(const char *xml, struct dvbcss_discovery_device *device,
                         struct dvbcss_report *report)
{
    return dvbcss_discovery_decode_device(xml, strlen(xml), device, report);
}

Test(discovery_xml, entities_do_not_grow)
{
    struct dvbcss_discovery_device device;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;

    cr_expect_eq(decode_device("<!DOCTYPE root [<!ENTITY a 'x'>]><root><device><friendlyName>&a;"
                               "</friendlyName></device></root>",
                               &device, &report),
                 DVBCSS_EVALUE);
    cr_expect_str_eq(report.reason, "a DOCTYPE is not allowed");
}

Test(discovery_xml, entities_of_xml_itself_are_read)
{
    struct dvbcss_discovery_device device;

    cr_assert_eq(decode_device("<root><device><friendlyName>Tom &amp; Ann&#39;s &lt;TV&gt;"
                               "</friendlyName></device></root>",
                               &device, NULL),
                 0);
    cr_expect_str_eq(device.friendly_name, "Tom & Ann's <TV>");
    cr_expect_str_eq(device.udn, "");
}

Test(discovery_xml, a_long_name_is_cut_between_characters)
{
    struct dvbcss_discovery_device device;
    char xml[2048] = "<root><device><friendlyName>a";

    for (int i = 0; i < 300; i++)
        strcat(xml, "ü");
    strcat(xml, "</friendlyName><UDN>uuid:1</UDN></device></root>");
    cr_assert_eq(decode_device(xml, &device, NULL), 0);
    cr_expect_eq(strlen(device.friendly_name), DVBCSS_DISCOVERY_NAME_SIZE - 1);
    cr_expect_str_eq(device.friendly_name + DVBCSS_DISCOVERY_NAME_SIZE - 3, "ü");
    cr_expect_str_eq(device.udn, "uuid:1");
}

Test(discovery_xml, the_first_element_of_a_name_counts)
{
    struct dvbcss_discovery_device device;

    cr_assert_eq(decode_device("<root><friendlyName>0</friendlyName><device><friendlyName>1"
                               "</friendlyName><friendlyName>2</friendlyName></device></root>",
                               &device, NULL),
                 0);
    cr_expect_str_eq(device.friendly_name, "1");
}

/* ---- application ---------------------------------------------------------------------------- */

static void read_application(const char *path, size_t length,
                             struct dvbcss_discovery_application *application)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;

    cr_assert_eq(dvbcss_discovery_decode_application(bytes, length, application, &report), 0,
                 "%s: %s", path, report.reason);
    cr_expect_str_eq(application->name, "HbbTV", "%s", path);
    cr_expect_str_eq(application->state, "running", "%s", path);
    cr_expect_str_eq(application->dial_version, "1.7", "%s", path);
    cr_expect_str_eq(application->app2app_url, "ws://192.0.2.7:8901/app/", "%s", path);
    cr_expect_str_eq(application->inter_dev_sync_url, "ws://192.0.2.7:7681/cii", "%s", path);
    cr_expect_str_eq(application->user_agent, "HbbTV/1.5.1 (+DRM; a; b; c; d; e; )", "%s", path);
}

static void expect_application(const char *path, size_t length)
{
    struct dvbcss_discovery_application application;

    read_application(path, length, &application);
    cr_expect_not(application.wrong_namespace, "%s", path);
}

Test(discovery_xml, application_resources_are_read_by_namespace_whatever_the_prefix)
{
    each(VECTORS_DIR "/discovery/valid/application/*.xml", expect_application);
}

static void expect_stray_application(const char *path, size_t length)
{
    struct dvbcss_discovery_application application;

    read_application(path, length, &application);
    cr_expect(application.wrong_namespace, "%s", path);
}

Test(discovery_xml, elements_outside_of_their_namespace_are_read_and_told)
{
    each(VECTORS_DIR "/discovery/valid/application-without-namespace/*.xml",
         expect_stray_application);
}

static void expect_no_application(const char *path, size_t length)
{
    struct dvbcss_discovery_application application;

    cr_expect_neq(dvbcss_discovery_decode_application(bytes, length, &application, NULL), 0, "%s",
                  path);
}

Test(discovery_xml, what_is_no_application_resource_is_refused)
{
    each(VECTORS_DIR "/discovery/invalid/application/*.xml", expect_no_application);
}
