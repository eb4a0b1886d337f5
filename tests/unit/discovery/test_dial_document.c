#include <criterion/criterion.h>
#include <string.h>

#include "dvbcss/dial.h"

static char text[DVBCSS_DIAL_APPLICATION_SIZE];
static size_t length;

static const struct dvbcss_dial_device living_room = {
    .friendly_name = "Tom & Ann's <TV>",
    .manufacturer = "Küche",
    .model_name = "M1",
    .uuid = "123e4567-e89b-12d3-a456-426614174000",
};
static const struct dvbcss_dial_application application = {
    .running = true,
    .app2app_url = "ws://192.0.2.7:7681/app2app/",
    .inter_dev_sync_url = "ws://192.0.2.7:7681/cii?a=1&b=2",
    .user_agent = "HbbTV/1.5.1 (+DRM; a; b; c; d; e; )",
};

Test(dial_document, a_device_description_has_all_that_companions_look_for)
{
    cr_assert_eq(dvbcss_dial_encode_device(&living_room, text, sizeof text, &length), 0);
    cr_expect_eq(strlen(text), length);
    cr_expect_not_null(strstr(text, "<root xmlns=\"urn:schemas-upnp-org:device-1-0\">"));
    cr_expect_not_null(strstr(text, "</specVersion>\n<device>\n"), "device is right below root");
    cr_expect_not_null(strstr(text, "<friendlyName>Tom &amp; Ann's &lt;TV&gt;</friendlyName>"));
    cr_expect_not_null(strstr(text, "<manufacturer>Küche</manufacturer>"));
    cr_expect_not_null(strstr(text, "<modelName>M1</modelName>"));
    cr_expect_not_null(strstr(text, "<UDN>uuid:123e4567-e89b-12d3-a456-426614174000</UDN>"));
}

Test(dial_document, a_device_description_stays_within_one_tcp_segment)
{
    char name[1200];
    struct dvbcss_dial_device device = living_room;

    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    device.friendly_name = name;
    cr_expect_eq(dvbcss_dial_encode_device(&device, text, sizeof text, NULL), DVBCSS_ENOSPC);
    name[300] = '\0';
    cr_expect_eq(dvbcss_dial_encode_device(&device, text, sizeof text, &length), 0);
    cr_expect_lt(length, DVBCSS_DIAL_DEVICE_SIZE);
    cr_expect_eq(dvbcss_dial_encode_device(&device, text, length, NULL), DVBCSS_ENOSPC);
    cr_expect_eq(dvbcss_dial_encode_device(&device, text, length + 1, NULL), 0);
}

Test(dial_document, a_device_without_a_name_or_with_one_that_xml_cannot_hold_is_refused)
{
    static const char *const bad[] = {NULL, "", "a\nb", "a\001b", "\xff", "\xed\xa0\x80"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct dvbcss_dial_device device = living_room;

        device.model_name = bad[i];
        cr_expect_eq(dvbcss_dial_encode_device(&device, text, sizeof text, NULL), DVBCSS_EVALUE);
        device = living_room;
        device.uuid = bad[i];
        cr_expect_eq(dvbcss_dial_encode_device(&device, text, sizeof text, NULL), DVBCSS_EVALUE);
    }
}

Test(dial_document, the_application_has_its_name_and_the_three_elements_of_hbbtv)
{
    cr_assert_eq(dvbcss_dial_encode_application(&application, text, sizeof text, &length), 0);
    cr_expect_eq(strlen(text), length);
    cr_expect_not_null(strstr(text, "xmlns=\"urn:dial-multiscreen-org:schemas:dial\""));
    cr_expect_not_null(strstr(text, "xmlns:hbbtv=\"urn:hbbtv:HbbTVCompanionScreen:2014\""));
    cr_expect_not_null(strstr(text, "dialVer="));
    cr_expect_not_null(strstr(text, "<name>HbbTV</name>"));
    cr_expect_not_null(strstr(text, "<state>running</state>"));
    cr_expect_not_null(strstr(
        text, "<hbbtv:X_HbbTV_App2AppURL>ws://192.0.2.7:7681/app2app/</hbbtv:X_HbbTV_App2AppURL>"));
    cr_expect_not_null(strstr(text, "<hbbtv:X_HbbTV_InterDevSyncURL>ws://192.0.2.7:7681/"
                                    "cii?a=1&amp;b=2</hbbtv:X_HbbTV_InterDevSyncURL>"));
    cr_expect_not_null(strstr(text, "<hbbtv:X_HbbTV_UserAgent>HbbTV/1.5.1"));
}

Test(dial_document, there_is_a_link_only_to_what_runs_and_can_be_stopped)
{
    struct dvbcss_dial_application stoppable = application;

    cr_assert_eq(dvbcss_dial_encode_application(&application, text, sizeof text, NULL), 0);
    cr_expect_null(strstr(text, "<link"));
    cr_expect_not_null(strstr(text, "allowStop=\"false\""));
    stoppable.allow_stop = true;
    cr_assert_eq(dvbcss_dial_encode_application(&stoppable, text, sizeof text, NULL), 0);
    cr_expect_not_null(strstr(text, "<link rel=\"run\" href=\"run\"/>"));
    cr_expect_not_null(strstr(text, "allowStop=\"true\""));
    stoppable.running = false;
    cr_assert_eq(dvbcss_dial_encode_application(&stoppable, text, sizeof text, NULL), 0);
    cr_expect_null(strstr(text, "<link"));
    cr_expect_not_null(strstr(text, "<state>stopped</state>"));
}

Test(dial_document, none_of_the_three_elements_may_be_missing)
{
    struct dvbcss_dial_application lacking = application;

    lacking.app2app_url = "";
    cr_expect_eq(dvbcss_dial_encode_application(&lacking, text, sizeof text, NULL), DVBCSS_EVALUE);
    lacking = application;
    lacking.inter_dev_sync_url = NULL;
    cr_expect_eq(dvbcss_dial_encode_application(&lacking, text, sizeof text, NULL), DVBCSS_EVALUE);
    lacking = application;
    lacking.user_agent = "";
    cr_expect_eq(dvbcss_dial_encode_application(&lacking, text, sizeof text, NULL), DVBCSS_EVALUE);
    cr_expect_eq(dvbcss_dial_encode_application(&application, text, 100, NULL), DVBCSS_ENOSPC);
}
